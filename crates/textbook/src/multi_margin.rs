//! The multi-class margin loss.
//!
//! ```text
//! l_n = 1/C sum_(c != y_n) w_(y_n) max(0, margin - x_(n, y_n) + x_nc)^p      p is 1 or 2
//! ```
//!
//! Unlike in cross entropy, a mean over rows is not weighted. PyTorch: `torch.nn.MultiMarginLoss`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::step;
use crate::trace::Trace;

/// The loss with its options. The default is PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiMargin {
    /// 1 or 2.
    pub p: i32,
    /// By how much the right class should exceed each other.
    pub margin: f64,
    /// One weight for each class.
    pub class_weights: Option<Vec<f64>>,
    /// How the rows' losses are reduced.
    pub reduction: Reduction,
}

impl Default for MultiMargin {
    fn default() -> Self {
        MultiMargin { p: 1, margin: 1.0, class_weights: None, reduction: Reduction::Mean }
    }
}

impl MultiMargin {
    /// How far each other class comes within the margin, and the weight of each row over C.
    fn excess(&self, operation: &str, x: &Array, classes: &[i64]) -> Result<(Array, Array)> {
        x.expect_rank(operation, "x", 2)?;
        let (rows, columns) = (x.shape()[0], x.shape()[1]);
        if self.p != 1 && self.p != 2 {
            return Err(Error::new(operation, format!("p must be 1 or 2, got {}", self.p)));
        }
        if classes.len() != rows {
            return Err(Error::new(operation, format!("{} targets for {rows} rows", classes.len())));
        }
        if let Some(y) = classes.iter().find(|&&y| y < 0 || y as usize >= columns) {
            return Err(Error::new(operation, format!("target {y} is not one of {columns} classes")));
        }
        let weights = self.class_weights.clone().unwrap_or_else(|| vec![1.0; columns]);
        if weights.len() != columns {
            return Err(Error::new(
                operation,
                format!("{} class weights for {columns} classes", weights.len()),
            ));
        }
        let v = Array::from_fn(x.shape(), |i| {
            let right = classes[i[0]] as usize;
            if i[1] == right { 0.0 } else { (self.margin - x[[i[0], right]] + x.get(i)).max(0.0) }
        });
        let w = Array::from_fn(&[rows, 1], |i| weights[classes[i[0]] as usize] / columns as f64);
        Ok((v, w))
    }

    /// The loss of scores (N, C) against class indices (N).
    pub fn forward(&self, x: &Array, classes: &[i64], trace: &mut Trace) -> Result<Array> {
        let (v, w) = self.excess("multi_margin", x, classes)?;
        trace.section("multi-class margin: forward");
        let v = trace.step("v", "max(0, margin - x_y + x_c) for c != y", v);
        let w = trace.step("w", "w_y / C", w);
        let l = v.map(|v| v.powi(self.p)).sum_along(&[1]).zip(&w, |s, w| s * w)?;
        let l = trace.step("l", "w sum v^p", l.reshape(&[classes.len()])?);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradient with respect to the scores, from the gradient of the loss.
    pub fn backward(&self, x: &Array, classes: &[i64], upstream: &Array, trace: &mut Trace) -> Result<Array> {
        let (v, w) = self.excess("multi_margin_backward", x, classes)?;
        trace.section("multi-class margin: backward");
        let rows = classes.len();
        let dl = self.reduction.backward(upstream, &[rows], rows as f64, "multi_margin_backward")?;
        let dl = trace.step("dl", "dL/dl", dl).reshape(&[rows, 1])?;
        let slope = v.map(|v| if self.p == 1 { step(v) } else { 2.0 * v });
        let mut dx = slope.zip(&w.zip(&dl, |w, dl| w * dl)?, |s, w| s * w)?;
        let others = dx.sum_along(&[1]);
        for (row, &y) in classes.iter().enumerate() {
            dx[[row, y as usize]] = -others[row];
        }
        Ok(trace.step("dx", "w p v^(p - 1) dl, and for y the negative sum of the others", dx))
    }
}
