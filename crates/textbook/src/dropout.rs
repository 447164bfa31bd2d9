//! Dropout, given the mask.
//!
//! ```text
//! y = x mask / (1 - p)      dx = dy mask / (1 - p)      mask: 1 keep, 0 drop, drawn with P(drop) = p
//! ```
//!
//! Dividing by 1 - p ("inverted" dropout) keeps the expectation, so evaluation is the identity. p = 1 drops everything:
//! y = 0, not 0/0. Srivastava et al. 2014. PyTorch: `torch.nn.Dropout`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// x with the elements where `mask` is 0 dropped and the others scaled up.
pub fn dropout(x: &Array, mask: &Array, p: f64, trace: &mut Trace) -> Result<Array> {
    let scale = check("dropout", x, mask, p)?;
    trace.section("dropout: forward");
    Ok(trace.step("y", "x mask / (1 - p)", x.zip(mask, |x, mask| if mask == 0.0 { 0.0 } else { x * scale })?))
}

/// The gradient with respect to x: the same mask and scale.
pub fn dropout_backward(dy: &Array, mask: &Array, p: f64, trace: &mut Trace) -> Result<Array> {
    let scale = check("dropout_backward", dy, mask, p)?;
    trace.section("dropout: backward");
    Ok(trace.step(
        "dx",
        "dy mask / (1 - p)",
        dy.zip(mask, |dy, mask| if mask == 0.0 { 0.0 } else { dy * scale })?,
    ))
}

fn check(operation: &str, x: &Array, mask: &Array, p: f64) -> Result<f64> {
    mask.expect_shape(operation, "mask", x.shape())?;
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::new(operation, format!("p must lie in 0..=1, got {p}")));
    }
    match mask.data().iter().find(|&&m| m != 0.0 && m != 1.0) {
        Some(m) => Err(Error::new(operation, format!("a mask holds 0 and 1 only, got {m}"))),
        None if p == 1.0 && mask.sum() > 0.0 => {
            Err(Error::new(operation, "p = 1 keeps nothing, but the mask does"))
        }
        None => Ok(1.0 / (1.0 - p)),
    }
}
