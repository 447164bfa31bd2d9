//! How the losses of many elements become one number.

use crate::array::Array;
use crate::error::Result;

/// PyTorch's `reduction=` of a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// One loss an element: shape of the losses.
    None,
    /// Their mean: a scalar.
    #[default]
    Mean,
    /// Their sum: a scalar.
    Sum,
}

impl Reduction {
    /// The reduced loss. The mean divides by `count`, which is the number of losses unless they are weighted.
    pub fn apply(self, losses: &Array, count: f64) -> Array {
        match self {
            Reduction::None => losses.clone(),
            Reduction::Mean => Array::scalar(losses.sum() / count),
            Reduction::Sum => Array::scalar(losses.sum()),
        }
    }

    /// The gradient of every single loss, from the gradient of the reduced loss. The mean's 1/count is here: a
    /// gradient that leaves it out belongs to the sum.
    pub fn backward(
        self,
        upstream: &Array,
        losses_shape: &[usize],
        count: f64,
        operation: &str,
    ) -> Result<Array> {
        let reduced = if self == Reduction::None { losses_shape } else { &[] };
        upstream.expect_shape(operation, "the gradient of the loss", reduced)?;
        Ok(match self {
            Reduction::None => upstream.clone(),
            Reduction::Mean => Array::filled(losses_shape, upstream[0] / count),
            Reduction::Sum => Array::filled(losses_shape, upstream[0]),
        })
    }

    /// The formula, for traces.
    pub fn formula(self) -> &'static str {
        match self {
            Reduction::None => "l",
            Reduction::Mean => "sum l / count",
            Reduction::Sum => "sum l",
        }
    }
}
