//! Negative log likelihoods of counts and of measurements.

use barehand_tensor::{PairLoss, no_grad};

use super::same_shape;
use crate::{Error, Float, Reduction, Result, Tensor};

/// Of counts under a Poisson distribution: eˣ - y x, or without `log_input` x - y ln(x + eps) (`torch.nn.PoissonNLLLoss`).
#[derive(Clone, Copy, Debug)]
pub struct PoissonNllLoss {
    /// Whether the input is the logarithm of the rate. Default true.
    pub log_input: bool,
    /// Whether Stirling's approximation of ln y! is added, where y > 1. Default false.
    pub full: bool,
    /// Keeps the logarithm from 0 without `log_input`. Default 1e-8.
    pub eps: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for PoissonNllLoss {
    fn default() -> Self {
        PoissonNllLoss { log_input: true, full: false, eps: 1e-8, reduction: Reduction::Mean }
    }
}

impl PoissonNllLoss {
    /// The loss of rates and counts of one shape.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, input: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        let PoissonNllLoss { log_input, full, eps, reduction } = *self;
        input.pair_loss(target, PairLoss::PoissonNll { log_input, full, eps: T::from_real(eps) }, reduction)
    }
}

/// Of measurements under a normal distribution: (ln v + (x - y)² / v) / 2 with v = max(variance, eps)
/// (`torch.nn.GaussianNLLLoss`).
#[derive(Clone, Copy, Debug)]
pub struct GaussianNllLoss {
    /// Whether ln(2π) / 2 is added. Default false.
    pub full: bool,
    /// The least variance; below it, as in PyTorch, the value is held and the slope is not. Default 1e-6.
    pub eps: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for GaussianNllLoss {
    fn default() -> Self {
        GaussianNllLoss { full: false, eps: 1e-6, reduction: Reduction::Mean }
    }
}

impl GaussianNllLoss {
    /// The loss of means and measurements of one shape, with variances of that shape or one for each row (the last axis
    /// missing, or 1 long).
    ///
    /// # Errors
    /// When shapes do not fit, or a variance is negative.
    pub fn forward<T: Float>(
        &self,
        mean: &Tensor<T>,
        target: &Tensor<T>,
        variance: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        const NAME: &str = "gaussian_nll_loss";
        same_shape(NAME, mean, target)?;
        let (shape, rows) = (mean.shape(), &mean.shape()[..mean.rank().saturating_sub(1)]);
        let variance = if variance.shape() == shape || mean.rank() == 0 {
            variance.clone()
        } else if variance.shape() == rows {
            variance.unsqueeze(-1)?
        } else if variance.shape() == [rows, &[1]].concat() {
            variance.clone()
        } else {
            return Err(Error::shape(
                NAME,
                format!(
                    "variances of shape {:?} for means of shape {shape:?}: one for each, or for each row, expected",
                    variance.shape()
                ),
            ));
        };
        if variance.lt_scalar(T::from_real(0.0))?.any() {
            return Err(Error::value(NAME, "a variance is negative"));
        }
        let raised = no_grad(|| variance.clamp(self.eps, f64::INFINITY)?.sub(&variance))?;
        let variance = variance.add(&raised)?;
        let losses = variance.ln()?.add(&mean.sub(target)?.square()?.div(&variance)?)?.mul_scalar(0.5)?;
        let constant = if self.full { 0.5 * std::f64::consts::TAU.ln() } else { 0.0 };
        self.reduction.apply(&losses.add_scalar(constant)?)
    }
}
