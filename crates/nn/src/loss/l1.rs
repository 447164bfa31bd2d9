//! Absolute error, and its smooth forms.

use barehand_tensor::PairLoss;

use crate::{Error, Float, Reduction, Result, Tensor};

/// The mean of |prediction - target| (`torch.nn.functional.l1_loss`).
///
/// # Errors
/// When the shapes differ.
pub fn l1_loss<T: Float>(prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
    L1Loss::default().forward(prediction, target)
}

/// Absolute error (`torch.nn.L1Loss`); the derivative at 0 is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct L1Loss {
    /// Default: mean.
    pub reduction: Reduction,
}

impl L1Loss {
    /// The loss of a prediction and a target of one shape.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        prediction.pair_loss(target, PairLoss::Absolute, self.reduction)
    }
}

/// The mean of d²/2 where d = |prediction - target| is below 1, and of d - 1/2 elsewhere
/// (`torch.nn.functional.smooth_l1_loss`).
///
/// # Errors
/// When the shapes differ.
pub fn smooth_l1_loss<T: Float>(prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
    SmoothL1Loss::default().forward(prediction, target)
}

/// d² / (2 beta) where d = |prediction - target| is below beta, d - beta/2 elsewhere (Girshick 2015;
/// `torch.nn.SmoothL1Loss`). With beta = 0 it is [`L1Loss`].
#[derive(Clone, Copy, Debug)]
pub struct SmoothL1Loss {
    /// Default: mean.
    pub reduction: Reduction,
    /// Where the parabola meets the line. Default 1.
    pub beta: f64,
}

impl Default for SmoothL1Loss {
    fn default() -> Self {
        SmoothL1Loss { reduction: Reduction::Mean, beta: 1.0 }
    }
}

impl SmoothL1Loss {
    /// The loss of a prediction and a target of one shape.
    ///
    /// # Errors
    /// When the shapes differ, or beta is negative.
    pub fn forward<T: Float>(&self, prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        let SmoothL1Loss { reduction, beta } = *self;
        if beta.is_nan() || beta < 0.0 {
            return Err(Error::value("smooth_l1_loss", format!("beta = {beta} must be 0 or more")));
        }
        if beta == 0.0 {
            return L1Loss { reduction }.forward(prediction, target);
        }
        prediction.pair_loss(target, PairLoss::SmoothL1(T::from_real(beta)), reduction)
    }
}

/// The mean of d²/2 where d = |prediction - target| is at most 1, and of d - 1/2 elsewhere
/// (`torch.nn.functional.huber_loss`).
///
/// # Errors
/// When the shapes differ.
pub fn huber_loss<T: Float>(prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
    HuberLoss::default().forward(prediction, target)
}

/// d²/2 where d = |prediction - target| is at most delta, delta (d - delta/2) elsewhere (Huber 1964;
/// `torch.nn.HuberLoss`): delta times [`SmoothL1Loss`] with beta = delta.
#[derive(Clone, Copy, Debug)]
pub struct HuberLoss {
    /// Default: mean.
    pub reduction: Reduction,
    /// Where the parabola meets the line. Default 1.
    pub delta: f64,
}

impl Default for HuberLoss {
    fn default() -> Self {
        HuberLoss { reduction: Reduction::Mean, delta: 1.0 }
    }
}

impl HuberLoss {
    /// The loss of a prediction and a target of one shape.
    ///
    /// # Errors
    /// When the shapes differ, or delta is not positive.
    pub fn forward<T: Float>(&self, prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        let HuberLoss { reduction, delta } = *self;
        if delta.is_nan() || delta <= 0.0 {
            return Err(Error::value("huber_loss", format!("delta = {delta} must be positive")));
        }
        prediction.pair_loss(target, PairLoss::Huber(T::from_real(delta)), reduction)
    }
}
