//! The linear (dense, fully connected) layer.
//!
//! ```text
//! y = x W^T + b        x (.., in)   W (out, in)   b (out)   y (.., out)
//! dx = dy W            dW = dy^T x  db = sum of dy over all rows
//! ```
//!
//! PyTorch stores W as (out, in), hence the transpose; many hand-written notes store (in, out) and write y = x W + b.
//! Both are a [`WeightLayout`]. dx uses the weight of the forward pass: update it only afterwards.
//! PyTorch: `torch.nn.Linear`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::matmul::matmul;
use crate::trace::Trace;

/// How the weight is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightLayout {
    /// (out, in): y = x W^T + b, as PyTorch.
    #[default]
    OutIn,
    /// (in, out): y = x W + b, as GPT-2's `Conv1D` and most notes.
    InOut,
}

/// The gradients of a linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearGradients {
    /// dx, the shape of x.
    pub input: Array,
    /// dW, the shape and layout of W.
    pub weight: Array,
    /// db, shape (out).
    pub bias: Array,
}

/// x W^T + b for x (.., in), W in `layout`, b (out) or none.
pub fn linear(
    x: &Array,
    weight: &Array,
    bias: Option<&Array>,
    layout: WeightLayout,
    trace: &mut Trace,
) -> Result<Array> {
    let (rows, outputs) = sizes("linear", x, weight, layout)?;
    trace.section("linear: forward");
    let formula = if layout == WeightLayout::OutIn { "x W^T" } else { "x W" };
    let matrix = in_out(weight, layout)?;
    let xw = matmul(&x.reshape(&[rows, matrix.shape()[0]])?, &matrix, &mut Trace::silent())?;
    let mut shape = x.shape().to_vec();
    shape[x.rank() - 1] = outputs;
    let xw = trace.step("xW", formula, xw.reshape(&shape)?);
    match bias {
        None => Ok(xw),
        Some(b) => {
            b.expect_shape("linear", "bias", &[outputs])?;
            Ok(trace.step("y", "xW + b", xw.zip(b, |y, b| y + b)?))
        }
    }
}

/// dx, dW and db from dy.
pub fn linear_backward(
    x: &Array,
    weight: &Array,
    layout: WeightLayout,
    dy: &Array,
    trace: &mut Trace,
) -> Result<LinearGradients> {
    let (rows, outputs) = sizes("linear_backward", x, weight, layout)?;
    let mut shape = x.shape().to_vec();
    shape[x.rank() - 1] = outputs;
    dy.expect_shape("linear_backward", "dy", &shape)?;
    trace.section("linear: backward");
    let matrix = in_out(weight, layout)?;
    let inputs = matrix.shape()[0];
    let (x_rows, dy_rows) = (x.reshape(&[rows, inputs])?, dy.reshape(&[rows, outputs])?);
    let silent = &mut Trace::silent();
    let input = matmul(&dy_rows, &matrix.transpose()?, silent)?.reshape(x.shape())?;
    let (dx, dw) = match layout {
        WeightLayout::OutIn => ("dy W", "dy^T x"),
        WeightLayout::InOut => ("dy W^T", "x^T dy"),
    };
    let input = trace.step("dx", dx, input);
    let weight = in_out(&matmul(&x_rows.transpose()?, &dy_rows, silent)?, layout)?;
    let weight = trace.step("dW", dw, weight);
    let bias = trace.step("db", "sum of dy over rows", dy_rows.sum_along(&[0]).reshape(&[outputs])?);
    Ok(LinearGradients { input, weight, bias })
}

/// The weight between its own layout and (in, out); a transpose is its own inverse.
fn in_out(weight: &Array, layout: WeightLayout) -> Result<Array> {
    if layout == WeightLayout::OutIn { weight.transpose() } else { Ok(weight.clone()) }
}

/// The number of rows of x and of outputs.
fn sizes(operation: &str, x: &Array, weight: &Array, layout: WeightLayout) -> Result<(usize, usize)> {
    weight.expect_rank(operation, "weight", 2)?;
    let [a, b] = [weight.shape()[0], weight.shape()[1]];
    let (inputs, outputs) = if layout == WeightLayout::OutIn { (b, a) } else { (a, b) };
    if x.shape().last() != Some(&inputs) {
        let message = format!(
            "x {:?} must end in {inputs}, the inputs of weight {:?} ({layout:?})",
            x.shape(),
            weight.shape()
        );
        return Err(Error::new(operation, message));
    }
    Ok((x.shape()[..x.rank() - 1].iter().product(), outputs))
}
