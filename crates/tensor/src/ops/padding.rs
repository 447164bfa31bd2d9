//! Padding with the tensor's own values.

use super::concat::concat;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What stands beyond the edge of an axis (PyTorch's `padding_mode`, without the zeros of [`Tensor::pad`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// The values inside as in a mirror on the edge element, which is not repeated: `3 2 | 1 2 3 | 2 1`.
    Reflect,
    /// The edge element again and again: `1 1 | 1 2 3 | 3 3`.
    Replicate,
    /// The values of the other end: `2 3 | 1 2 3 | 1 2`.
    Circular,
}

impl<T: Element> Tensor<T> {
    /// Surrounded by its own values: for each axis how many before and how many after.
    ///
    /// ```
    /// use barehand_tensor::{PadMode, Tensor};
    ///
    /// let x = Tensor::from([1, 2, 3]);
    /// assert_eq!(x.pad_with(&[(2, 1)], PadMode::Reflect).unwrap().to_vec(), [3, 2, 1, 2, 3, 2]);
    /// assert_eq!(x.pad_with(&[(2, 1)], PadMode::Circular).unwrap().to_vec(), [2, 3, 1, 2, 3, 1]);
    /// ```
    ///
    /// # Errors
    /// When there is not one pair for each axis, or an axis has not enough values: a mirror needs one more than it shows,
    /// a circle as many, an edge one.
    pub fn pad_with(&self, amounts: &[(usize, usize)], mode: PadMode) -> Result<Tensor<T>> {
        if amounts.len() != self.rank() {
            return Err(Error::shape(
                "pad",
                format!("{} pairs for the {} axes of shape {:?}", amounts.len(), self.rank(), self.shape()),
            ));
        }
        let mut padded = self.clone();
        for (axis, &(before, after)) in amounts.iter().enumerate() {
            if (before, after) == (0, 0) {
                continue;
            }
            let n = self.shape()[axis];
            let most = before.max(after);
            let enough = match mode {
                PadMode::Reflect => most < n,
                PadMode::Replicate => n > 0,
                PadMode::Circular => most <= n,
            };
            if !enough {
                return Err(Error::value(
                    "pad",
                    format!(
                        "{before} before and {after} after axis {axis} of length {n} are too many ({mode:?})"
                    ),
                ));
            }
            let at = axis as isize;
            let (front, back) = match mode {
                PadMode::Reflect => (
                    padded.narrow(at, 1, before)?.flip(at)?,
                    padded.narrow(at, n - 1 - after, after)?.flip(at)?,
                ),
                PadMode::Circular => (padded.narrow(at, n - before, before)?, padded.narrow(at, 0, after)?),
                PadMode::Replicate => {
                    let edge = |from: usize, count: usize| {
                        let edge = padded.narrow(at, from, 1)?;
                        let mut shape = edge.shape().to_vec();
                        shape[axis] = count;
                        edge.expand(shape)
                    };
                    (edge(0, before)?, edge(n - 1, after)?)
                }
            };
            padded = concat(&[&front, &padded, &back], at)?;
        }
        Ok(padded)
    }
}
