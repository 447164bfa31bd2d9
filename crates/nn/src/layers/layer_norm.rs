//! Layer normalisation.

use crate::summary::observe;
use crate::{Error, Float, Module, Parameters, Result, Tensor};

/// (x - mean) / √(var + eps) · weight + bias over the last axes, with the population variance (Ba et al. 2016;
/// `torch.nn.LayerNorm`).
#[derive(Clone, Parameters)]
pub struct LayerNorm<T: Float = f32> {
    /// Of the normalised shape, at first 1.
    pub weight: Option<Tensor<T>>,
    /// Of the normalised shape, at first 0.
    pub bias: Option<Tensor<T>>,
    #[module(skip)]
    shape: Vec<usize>,
    /// Added to the variance. Default 1e-5.
    #[module(skip)]
    pub eps: f64,
}

impl<T: Float> LayerNorm<T> {
    /// Over the last axes, of this shape, with a weight and a bias.
    pub fn new(shape: impl AsRef<[usize]>) -> Self {
        let shape = shape.as_ref().to_vec();
        let weight = Some(Tensor::ones(&shape).requires_grad());
        let bias = Some(Tensor::zeros(&shape).requires_grad());
        LayerNorm { weight, bias, shape, eps: 1e-5 }
    }

    /// Added to the variance. Default 1e-5.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Without the bias.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    /// Without weight and bias (`elementwise_affine=False`).
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.weight = None;
        self.bias = None;
        self
    }
}

impl<T: Float> Module<T> for LayerNorm<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        if self.shape.is_empty() || !x.shape().ends_with(&self.shape) {
            return Err(Error::shape(
                "LayerNorm",
                format!("input of shape {:?} must end with the normalised shape {:?}", x.shape(), self.shape),
            ));
        }
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        observe(self, x.layer_norm_over(self.shape.len(), weight, bias, self.eps))
    }
}
