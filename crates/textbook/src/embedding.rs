//! Embedding: a row of a table for each index.
//!
//! ```text
//! y_n = W[i_n]                                     W (V, D)   i (..)   y (.., D)
//! dW[v] = sum of dy_n over the n with i_n = v      the row of the padding index gets none
//! ```
//!
//! A row that was picked may be shortened first, to a largest norm, W[v] <- W[v] max / (|W[v]| + 1e-7) where |W[v]| > max.
//! That is a change of the table and no part of the function: no gradient flows through it.
//!
//! It is the product of a one-hot matrix with W, without the matrix. An index that occurs twice gets both gradients: a
//! backward pass that assigns instead of adding loses one. PyTorch: `torch.nn.Embedding`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// An embedding's conventions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Embedding {
    /// A row whose gradient stays 0, for what fills up short sequences.
    pub padding_index: Option<usize>,
    /// Whether each row's gradient is divided by the number of times its index occurs.
    pub scale_by_frequency: bool,
}

impl Embedding {
    /// W[i] for indices of shape (..): (.., D).
    pub fn forward(&self, weight: &Array, indices: &Array, trace: &mut Trace) -> Result<Array> {
        let rows = rows("embedding", weight, indices)?;
        trace.section("embedding: forward");
        let width = weight.shape()[1];
        let mut shape = indices.shape().to_vec();
        shape.push(width);
        let picked = rows.iter().flat_map(|&row| (0..width).map(move |d| weight[[row, d]]));
        Ok(trace.step("y", "W[i]", Array::new(&shape, picked.collect())?))
    }

    /// dW, from dy of shape (.., D).
    pub fn backward(&self, weight: &Array, indices: &Array, dy: &Array, trace: &mut Trace) -> Result<Array> {
        let rows = rows("embedding_backward", weight, indices)?;
        let [vocabulary, width] = [weight.shape()[0], weight.shape()[1]];
        let mut shape = indices.shape().to_vec();
        shape.push(width);
        dy.expect_shape("embedding_backward", "dy", &shape)?;
        trace.section("embedding: backward");
        let mut count = Array::zeros(&[vocabulary]);
        for &row in &rows {
            count[row] += 1.0;
        }
        let count = trace.step("n", "times that each index occurs", count);
        let mut dweight = Array::zeros(&[vocabulary, width]);
        for (n, &row) in rows.iter().enumerate().filter(|(_, row)| Some(**row) != self.padding_index) {
            for d in 0..width {
                dweight[[row, d]] += dy[n * width + d];
            }
        }
        if !self.scale_by_frequency {
            return Ok(trace.step("dW", "sum of dy where i = v", dweight));
        }
        let count = count.map(|n| n.max(1.0)).reshape(&[vocabulary, 1])?;
        Ok(trace.step("dW", "sum of dy where i = v, / n", dweight.zip(&count, |dw, n| dw / n)?))
    }
}

/// The table after every row that was picked, and whose p-norm is more than `max_norm`, was shortened to it; each once,
/// however often it was picked.
pub fn embedding_renorm(
    weight: &Array,
    indices: &Array,
    max_norm: f64,
    p: f64,
    trace: &mut Trace,
) -> Result<Array> {
    let picked = rows("embedding_renorm", weight, indices)?;
    trace.section("embedding: largest norm");
    let [vocabulary, width] = [weight.shape()[0], weight.shape()[1]];
    let norm = |v: usize| {
        let sizes = (0..width).map(|d| weight[[v, d]].abs());
        if p == f64::INFINITY {
            sizes.fold(0.0, f64::max)
        } else if p == 0.0 {
            sizes.filter(|&x| x != 0.0).count() as f64
        } else {
            sizes.map(|x| x.powf(p)).sum::<f64>().powf(1.0 / p)
        }
    };
    let norms = Array::vector(&(0..vocabulary).map(norm).collect::<Vec<_>>());
    let norms = trace.step("n", "(sum |W[v]|^p)^(1/p)", norms);
    let scale = Array::from_fn(&[vocabulary, 1], |index| {
        let v = index[0];
        if picked.contains(&v) && norms[v] > max_norm { max_norm / (norms[v] + 1e-7) } else { 1.0 }
    });
    let scale = trace.step("s", "max / (n + 1e-7) where v was picked and n > max, else 1", scale);
    Ok(trace.step("W", "s W", weight.zip(&scale, |w, s| w * s)?))
}

/// The indices as rows of the table.
fn rows(operation: &str, weight: &Array, indices: &Array) -> Result<Vec<usize>> {
    weight.expect_rank(operation, "weight", 2)?;
    let vocabulary = weight.shape()[0];
    let row = |&i: &f64| {
        if i >= 0.0 && i < vocabulary as f64 && i.fract() == 0.0 {
            return Ok(i as usize);
        }
        Err(Error::new(operation, format!("index {i} for a table of {vocabulary} rows")))
    };
    indices.data().iter().map(row).collect()
}
