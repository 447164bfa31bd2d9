//! Padding a tensor with its own values.
//!
//! ```text
//! zeros      0 0 | 1 2 3 | 0 0
//! reflect    3 2 | 1 2 3 | 2 1        a mirror on the edge element, which is not repeated
//! replicate  1 1 | 1 2 3 | 3 3        the edge element
//! circular   2 3 | 1 2 3 | 1 2        the other end
//! ```
//!
//! The gradient of an element is the sum over all places where it stands. PyTorch: `torch.nn.functional.pad`,
//! `padding_mode` of the convolutions.

use crate::array::{Array, indices};
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What stands beyond the edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Zeros.
    #[default]
    Zeros,
    /// A mirror on the edge element.
    Reflect,
    /// The edge element.
    Replicate,
    /// The other end.
    Circular,
}

impl Padding {
    /// x with as many elements before and behind each axis as `amounts` says.
    pub fn forward(self, x: &Array, amounts: &[(usize, usize)], trace: &mut Trace) -> Result<Array> {
        let shape = self.padded_shape("pad", x, amounts)?;
        trace.section("pad: forward");
        let y = Array::from_fn(&shape, |index| match self.source(x, amounts, index) {
            Some(position) => x[position],
            None => 0.0,
        });
        Ok(trace.step("y", "x, and beyond its edges 0 or other elements of x", y))
    }

    /// The gradient with respect to x.
    pub fn backward(
        self,
        x: &Array,
        amounts: &[(usize, usize)],
        dy: &Array,
        trace: &mut Trace,
    ) -> Result<Array> {
        let shape = self.padded_shape("pad_backward", x, amounts)?;
        dy.expect_shape("pad_backward", "dy", &shape)?;
        trace.section("pad: backward");
        let mut dx = Array::zeros(x.shape());
        for index in indices(&shape) {
            if let Some(position) = self.source(x, amounts, &index) {
                dx[position] += dy.get(&index);
            }
        }
        Ok(trace.step("dx", "sum over all places where an element stands of dy", dx))
    }

    /// The position in x of what stands at `index`; none for a zero.
    fn source(self, x: &Array, amounts: &[(usize, usize)], index: &[usize]) -> Option<usize> {
        let mut from = Vec::with_capacity(index.len());
        for ((&i, &n), &(before, _)) in index.iter().zip(x.shape()).zip(amounts) {
            let (i, n) = (i as isize - before as isize, n as isize);
            from.push(match self {
                _ if (0..n).contains(&i) => i,
                Padding::Zeros => return None,
                Padding::Reflect if i < 0 => -i,
                Padding::Reflect => 2 * (n - 1) - i,
                Padding::Replicate => i.clamp(0, n - 1),
                Padding::Circular => i.rem_euclid(n),
            } as usize);
        }
        Some(x.position(&from))
    }

    fn padded_shape(self, operation: &str, x: &Array, amounts: &[(usize, usize)]) -> Result<Vec<usize>> {
        if amounts.len() != x.rank() {
            let message = format!("{} pairs of amounts for shape {:?}", amounts.len(), x.shape());
            return Err(Error::new(operation, message));
        }
        for (&n, &(before, behind)) in x.shape().iter().zip(amounts) {
            let most = before.max(behind);
            let enough = match self {
                Padding::Zeros => true,
                Padding::Reflect => most < n.max(1),
                Padding::Replicate => most == 0 || n > 0,
                Padding::Circular => most <= n,
            };
            if !enough {
                let message =
                    format!("{before} before and {behind} behind {n} elements are too many ({self:?})");
                return Err(Error::new(operation, message));
            }
        }
        Ok(x.shape().iter().zip(amounts).map(|(n, (before, behind))| before + n + behind).collect())
    }
}
