//! Sorting and the k largest.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::layout::resolve_axis;
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The order of the elements along an axis: ascending or descending, equals in their order, NaN as the largest.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn argsort(&self, axis: isize, descending: bool) -> Result<Tensor<i64>> {
        let at = resolve_axis("argsort", axis, self.rank())?;
        let moved = self.detach().transpose(at as isize, -1)?;
        let n = self.shape()[at];
        let values = moved.to_vec();
        let mut order: Vec<i64> = Vec::with_capacity(values.len());
        for row in values.chunks_exact(n.max(1)) {
            let mut indices: Vec<i64> = (0..n as i64).collect();
            let ascending = |a: &i64, b: &i64| {
                let (x, y) = (row[*a as usize], row[*b as usize]);
                // A value that does not equal itself is NaN.
                #[allow(clippy::eq_op)]
                let nan = (x != x, y != y);
                x.partial_cmp(&y).unwrap_or_else(|| nan.0.cmp(&nan.1))
            };
            if descending {
                indices.sort_by(|a, b| ascending(b, a));
            } else {
                indices.sort_by(ascending);
            }
            order.extend(indices);
        }
        Ok(Tensor::from_vec(order, moved.shape())?.transpose(at as isize, -1)?.contiguous())
    }

    /// The elements in order along an axis, and where each came from. Gradients follow the elements.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn sort(&self, axis: isize, descending: bool) -> Result<(Tensor<T>, Tensor<i64>)> {
        let order = self.argsort(axis, descending)?;
        Ok((self.gather(axis, &order)?, order))
    }

    /// The `k` largest elements along an axis, largest first, and where they are.
    ///
    /// # Errors
    /// When the axis does not exist or has fewer than `k` elements.
    pub fn topk(&self, k: usize, axis: isize) -> Result<(Tensor<T>, Tensor<i64>)> {
        let at = resolve_axis("topk", axis, self.rank())?;
        if k > self.shape()[at] {
            return Err(Error::value(
                "topk",
                format!("k = {k} of axis {axis} of shape {:?}, which has {}", self.shape(), self.shape()[at]),
            ));
        }
        let order = self.argsort(axis, true)?.narrow(axis, 0, k)?.contiguous();
        Ok((self.gather(axis, &order)?, order))
    }
}
