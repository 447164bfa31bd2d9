//! RMS normalisation.

use crate::summary::observe;
use crate::{Error, Float, Module, Parameters, Result, Tensor};

/// x / √(mean(x²) + eps) · weight over the last axes (Zhang and Sennrich 2019; `torch.nn.RMSNorm`).
///
/// ```
/// use barehand_nn::{Module, RMSNorm, Tensor};
///
/// let y = RMSNorm::new([2]).forward(&Tensor::<f64>::from([[3.0, 4.0]])).unwrap();
/// assert!((y.at([0, 0]).unwrap() - 3.0 / 12.5_f64.sqrt()).abs() < 1e-12);
/// ```
#[derive(Clone, Parameters)]
pub struct RMSNorm<T: Float = f32> {
    /// Of the normalised shape, at first 1.
    pub weight: Option<Tensor<T>>,
    #[module(skip)]
    shape: Vec<usize>,
    /// Added to the mean square; `None`, the default, for the gap between 1 and the next number of the element type.
    #[module(skip)]
    pub eps: Option<f64>,
}

impl<T: Float> RMSNorm<T> {
    /// Over the last axes, of this shape, with a weight.
    pub fn new(shape: impl AsRef<[usize]>) -> Self {
        let shape = shape.as_ref().to_vec();
        RMSNorm { weight: Some(Tensor::ones(&shape).requires_grad()), shape, eps: None }
    }

    /// Added to the mean square. Default: the gap between 1 and the next number.
    #[must_use]
    pub fn eps(mut self, eps: impl Into<Option<f64>>) -> Self {
        self.eps = eps.into();
        self
    }

    /// Without weight (`elementwise_affine=False`).
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.weight = None;
        self
    }
}

impl<T: Float> Module<T> for RMSNorm<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        if self.shape.is_empty() || !x.shape().ends_with(&self.shape) {
            return Err(Error::shape(
                "RMSNorm",
                format!("input of shape {:?} must end with the normalised shape {:?}", x.shape(), self.shape),
            ));
        }
        observe(self, x.rms_norm(self.shape.len(), self.weight.as_ref(), self.eps))
    }
}
