//! Squared error.

use barehand_tensor::PairLoss;

use crate::{Float, Reduction, Result, Tensor};

/// The mean of (prediction - target)² (`torch.nn.functional.mse_loss`).
///
/// ```
/// use barehand_nn::{Tensor, mse_loss};
///
/// let loss = mse_loss(&Tensor::from([2.5_f64, 0.0, 2.1]), &Tensor::from([3.0, -0.5, 2.0])).unwrap();
/// assert!((loss.item().unwrap() - 0.17).abs() < 1e-12);
/// ```
///
/// # Errors
/// When the shapes differ.
pub fn mse_loss<T: Float>(prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
    MseLoss::default().forward(prediction, target)
}

/// Squared error (`torch.nn.MSELoss`).
#[derive(Clone, Copy, Debug, Default)]
pub struct MseLoss {
    /// Default: mean.
    pub reduction: Reduction,
    /// Whether the loss is halved, so that its gradient is prediction - target. Default false.
    pub half: bool,
}

impl MseLoss {
    /// The loss of a prediction and a target of one shape.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, prediction: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        let loss = prediction.pair_loss(target, PairLoss::Squared, self.reduction)?;
        if self.half { loss.mul_scalar(0.5) } else { Ok(loss) }
    }
}
