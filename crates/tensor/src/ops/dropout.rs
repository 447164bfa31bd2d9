//! Dropout: random zeros, drawn again in the backward pass instead of being stored.

use barehand_kernels::Buffer;
use barehand_kernels::random::Philox;

use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

struct Dropout {
    p: f64,
    generator: Philox,
}

impl<T: Float> Operator<T> for Dropout {
    type Saved = ();

    fn name(&self) -> &'static str {
        "dropout"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, ())> {
        let mut out = Buffer::scratch(inputs[0].len());
        T::dropout(inputs[0].packed().packed_slice(), self.p, self.generator, &mut out);
        Ok((Tensor::from_buffer(out, inputs[0].shape()), ()))
    }

    fn backward(&self, (): &(), grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let mut dx = Buffer::scratch(grad.len());
        T::dropout_backward(grad.packed().packed_slice(), self.p, self.generator, &mut dx);
        Ok(one(Tensor::from_buffer(dx, grad.shape())))
    }
}

impl<T: Float> Tensor<T> {
    /// Each element becomes 0 with probability `p`; the others are scaled by 1 / (1 - p), so that means stay
    /// (Srivastava et al. 2014). `generator` moves on, so that the next call drops others.
    ///
    /// # Errors
    /// When `p` is not in [0, 1].
    pub fn dropout(&self, p: f64, generator: &mut Philox) -> Result<Tensor<T>> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value("dropout", format!("p = {p} is not a probability from 0 to 1")));
        }
        let here = *generator;
        *generator = barehand_kernels::dropout::after_dropout(here, self.len());
        apply(Dropout { p, generator: here }, &[self])
    }

    /// Each channel of (N, C, ...) becomes 0 as a whole with probability `p`; the others are scaled by 1 / (1 - p): in an
    /// image neighbours are much alike, so dropping pixels one by one drops little (Tompson et al. 2015;
    /// `torch.nn.functional.dropout2d`). `generator` moves on.
    ///
    /// # Errors
    /// When `p` is not in [0, 1], or there are fewer than two axes.
    pub fn channel_dropout(&self, p: f64, generator: &mut Philox) -> Result<Tensor<T>> {
        if self.rank() < 2 {
            return Err(Error::shape(
                "channel_dropout",
                format!("input of shape {:?} must be (N, C, ...)", self.shape()),
            ));
        }
        let mut shape = vec![1; self.rank()];
        shape[..2].copy_from_slice(&self.shape()[..2]);
        self.mul(&Tensor::ones(shape).dropout(p, generator)?)
    }
}
