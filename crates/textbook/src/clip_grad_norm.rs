//! Clipping gradients by their global norm.
//!
//! ```text
//! norm  = sqrt(sum over all gradients of g^2)
//! scale = min(1, max_norm / (norm + 1e-6))
//! g     = scale g
//! ```
//!
//! One norm over all gradients together keeps their direction; clipping each tensor by itself turns it.
//! Pascanu, Mikolov and Bengio 2013. PyTorch: `torch.nn.utils.clip_grad_norm_`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// Scales all gradients so that their common norm is at most `max_norm`; returns the norm they had.
pub fn clip_grad_norm(gradients: &mut [Array], max_norm: f64, trace: &mut Trace) -> Result<f64> {
    if max_norm.is_nan() || max_norm < 0.0 {
        return Err(Error::new("clip_grad_norm", format!("max_norm must be >= 0, got {max_norm}")));
    }
    trace.section("gradient clipping");
    let squares: f64 = gradients.iter().map(|g| g.map(|g| g * g).sum()).sum();
    let norm = trace.number("norm", "sqrt(sum over all gradients of g^2)", squares.sqrt());
    // Not `f64::min`, which would hide a norm that is not a number.
    let ratio = max_norm / (norm + 1e-6);
    let scale = if ratio > 1.0 { 1.0 } else { ratio };
    trace.number("scale", "min(1, max_norm / (norm + 1e-6))", scale);
    for g in gradients {
        *g = trace.step("g", "scale g", g.map(|g| scale * g));
    }
    Ok(norm)
}
