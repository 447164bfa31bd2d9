//! Losses, each as a function with PyTorch's defaults and as a struct that holds options.

pub mod bce;
pub mod bpr;
pub mod contrastive;
pub mod cosine_embedding;
pub mod cross_entropy;
pub mod focal;
pub mod hinge;
pub mod info_nce;
pub mod kl_div;
pub mod l1;
pub mod likelihood;
pub mod margin;
pub mod mse;
pub mod nll;
pub mod triplet;

use crate::{Error, Float, Result, Tensor};

/// Refuses a prediction and a target of different shapes: broadcasting them is nearly always a mistake.
fn same_shape<T: Float>(loss: &str, prediction: &Tensor<T>, target: &Tensor<T>) -> Result<()> {
    if prediction.shape() == target.shape() {
        return Ok(());
    }
    Err(Error::shape(
        loss,
        format!(
            "prediction of shape {:?} and target of shape {:?} must be equal",
            prediction.shape(),
            target.shape()
        ),
    ))
}
