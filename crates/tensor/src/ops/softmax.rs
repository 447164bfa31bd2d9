//! Softmax and log-softmax along an axis, fused forward and backward.

use barehand_kernels::Buffer;

use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::Result;
use crate::layout::resolve_axis;
use crate::tensor::Tensor;

/// Over the last axis.
struct Softmax {
    log: bool,
}

impl<T: Float> Operator<T> for Softmax {
    type Saved = Tensor<T>;

    fn name(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Tensor<T>)> {
        let x = inputs[0].packed();
        let cols = x.shape()[x.rank() - 1];
        let mut out = Buffer::scratch(x.len());
        let kernel = if self.log { T::log_softmax } else { T::softmax };
        kernel(x.packed_slice(), cols, &mut out);
        let y = Tensor::from_buffer(out, x.shape());
        Ok((y.clone(), y))
    }

    fn backward(&self, y: &Tensor<T>, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let cols = y.shape()[y.rank() - 1];
        let mut dx = Buffer::scratch(y.len());
        let kernel = if self.log { T::log_softmax_backward } else { T::softmax_backward };
        kernel(y.packed_slice(), grad.packed().packed_slice(), cols, &mut dx);
        Ok(one(Tensor::from_buffer(dx, y.shape())))
    }
}

impl<T: Float> Tensor<T> {
    /// e^(x - max) / sum e^(x - max) along an axis.
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let p = Tensor::from([2.0_f64, 1.0, 0.1]).softmax(-1).unwrap();
    /// assert!((p.at([0]).unwrap() - 0.65900114).abs() < 1e-8);
    /// ```
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn softmax(&self, axis: isize) -> Result<Tensor<T>> {
        self.along_last("softmax", axis, Softmax { log: false })
    }

    /// x - ln sum eˣ along an axis, exact where softmax underflows.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn log_softmax(&self, axis: isize) -> Result<Tensor<T>> {
        self.along_last("log_softmax", axis, Softmax { log: true })
    }

    /// The softmax of -x: the smallest is likeliest.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn softmin(&self, axis: isize) -> Result<Tensor<T>> {
        self.neg()?.softmax(axis)
    }

    /// Applies an operator of the last axis along another.
    fn along_last(&self, operation: &str, axis: isize, op: Softmax) -> Result<Tensor<T>> {
        if self.rank() == 0 {
            return apply(op, &[&self.unsqueeze(0)?])?.squeeze(0);
        }
        let at = resolve_axis(operation, axis, self.rank())?;
        if at == self.rank() - 1 {
            return apply(op, &[self]);
        }
        apply(op, &[&self.transpose(at as isize, -1)?])?.transpose(at as isize, -1)
    }
}
