//! Group normalisation.

use crate::summary::observe;
use crate::{Error, Float, Module, Parameters, Result, Tensor};

/// (x - mean) / √(var + eps) · weight + bias, with mean and population variance of each group of channels of each sample
/// of (N, C, ...), weight and bias of each channel (Wu and He 2018; `torch.nn.GroupNorm`).
///
/// ```
/// use barehand_nn::{GroupNorm, Module, Tensor};
///
/// let layer = GroupNorm::new(2, 4).unwrap();
/// let y = layer.forward(&Tensor::<f64>::from([[1.0, 3.0, 10.0, 30.0]])).unwrap();
/// assert!(y.max_abs_diff(&Tensor::from([[-1.0, 1.0, -1.0, 1.0]])).unwrap() < 1e-5);
/// ```
#[derive(Clone, Parameters)]
pub struct GroupNorm<T: Float = f32> {
    /// (C), at first 1.
    pub weight: Option<Tensor<T>>,
    /// (C), at first 0.
    pub bias: Option<Tensor<T>>,
    #[module(skip)]
    groups: usize,
    #[module(skip)]
    channels: usize,
    /// Added to the variance. Default 1e-5.
    #[module(skip)]
    pub eps: f64,
}

impl<T: Float> GroupNorm<T> {
    /// Over `groups` groups of the channels, with a weight and a bias.
    ///
    /// # Errors
    /// When the groups do not divide the channels.
    pub fn new(groups: usize, channels: usize) -> Result<Self> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            let message = format!("num_channels ({channels}) must be divisible by num_groups ({groups})");
            return Err(Error::value("GroupNorm", message));
        }
        let weight = Some(Tensor::ones([channels]).requires_grad());
        let bias = Some(Tensor::zeros([channels]).requires_grad());
        Ok(GroupNorm { weight, bias, groups, channels, eps: 1e-5 })
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

    /// Without weight and bias (`affine=False`).
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.weight = None;
        self.bias = None;
        self
    }
}

impl<T: Float> Module<T> for GroupNorm<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        if x.shape().get(1) != Some(&self.channels) {
            return Err(Error::shape(
                "GroupNorm",
                format!("input of shape {:?} must be (N, C, ...) with C = {}", x.shape(), self.channels),
            ));
        }
        observe(self, x.group_norm(self.groups, self.weight.as_ref(), self.bias.as_ref(), self.eps))
    }
}
