//! The length of vectors along an axis, with a slope of 0 where the length is 0.

use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::resolve_axis;
use crate::ops::index::where_;
use crate::tensor::Tensor;

struct VectorNorm {
    p: f64,
    axis: isize,
}

impl<T: Float> Operator<T> for VectorNorm {
    /// The input, and its norms with the axis kept.
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        "vector_norm"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].detach();
        let norm = if self.p == 2.0 {
            x.square()?.sum_dim(self.axis, true)?.sqrt()?
        } else if self.p == 1.0 {
            x.abs()?.sum_dim(self.axis, true)?
        } else if self.p == f64::INFINITY {
            x.abs()?.amax(self.axis, true)?
        } else {
            x.abs()?.pow_scalar(self.p)?.sum_dim(self.axis, true)?.pow_scalar(1.0 / self.p)?
        };
        Ok((norm.clone(), (x, norm)))
    }

    /// d norm / dx = sign(x) (|x| / norm)^(p - 1)
    fn backward(&self, (x, norm): &Self::Saved, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let zero = norm.eq_scalar(T::ZERO)?;
        let slope = if self.p == 2.0 {
            x.div(norm)?
        } else if self.p == 1.0 {
            x.sign()?
        } else if self.p == f64::INFINITY {
            // All that are largest share it.
            let largest = where_(&x.abs()?.eq(norm)?, &x.ones_like(), &x.zeros_like())?;
            x.sign()?.mul(&largest)?.div(&largest.sum_dim(self.axis, true)?)?
        } else {
            let share = x.abs()?.div(norm)?.pow_scalar(self.p - 1.0)?;
            // Below p = 1 the slope at 0 would be infinite.
            x.sign()?.mul(&share)?.masked_fill(&x.eq_scalar(T::ZERO)?, T::ZERO)?
        };
        let zero = zero.expand(x.shape())?;
        Ok(one(slope.masked_fill(&zero, T::ZERO)?.mul(grad)?))
    }
}

impl<T: Float> Tensor<T> {
    /// (sum |x|^p)^(1/p) along an axis, the largest |x| for p = ∞ (`torch.linalg.vector_norm`). Its derivative at a length
    /// of 0 is 0.
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let x = Tensor::from([[3.0_f64, -4.0], [0.0, 0.0]]);
    /// assert_eq!(x.vector_norm(2.0, -1, false).unwrap().to_vec(), [5.0, 0.0]);
    /// ```
    ///
    /// # Errors
    /// When the axis does not exist, or p is not positive.
    pub fn vector_norm(&self, p: f64, axis: isize, keepdim: bool) -> Result<Tensor<T>> {
        if p.is_nan() || p <= 0.0 {
            return Err(Error::value("vector_norm", format!("p = {p} must be positive")));
        }
        let axis = resolve_axis("vector_norm", axis, self.rank())? as isize;
        let norm = apply(VectorNorm { p, axis }, &[self])?;
        if keepdim { Ok(norm) } else { norm.squeeze(axis) }
    }
}
