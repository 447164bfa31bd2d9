//! A leaky ReLU whose slope is learned.
//!
//! ```text
//! y_nc = x_nc if x_nc > 0 else w_c x_nc      one w for all, or one for each channel c, axis 1
//! dx   = dy if x > 0 else w dy
//! dw_c = sum of x dy where x <= 0, over everything but c
//! ```
//!
//! He et al. 2015. PyTorch: `torch.nn.PReLU`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// y, of the shape of `x`; `w` is one slope, or one for each channel.
pub fn prelu(x: &Array, w: &Array, trace: &mut Trace) -> Result<Array> {
    let slope = slopes("prelu", x, w)?;
    trace.section("PReLU: forward");
    let y = x.zip(&slope, |x, w| if x > 0.0 { x } else { w * x })?;
    Ok(trace.step("y", "x if x > 0 else w x", y))
}

/// The gradients with respect to x and w, from the gradient of y.
pub fn prelu_backward(x: &Array, w: &Array, dy: &Array, trace: &mut Trace) -> Result<[Array; 2]> {
    let slope = slopes("prelu_backward", x, w)?;
    dy.expect_shape("prelu_backward", "dy", x.shape())?;
    trace.section("PReLU: backward");
    let dx = x.zip(&slope, |x, w| if x > 0.0 { 1.0 } else { w })?.zip(dy, |s, dy| s * dy)?;
    let dx = trace.step("dx", "dy if x > 0 else w dy", dx);
    let by_slope = x.zip(dy, |x, dy| if x > 0.0 { 0.0 } else { x * dy })?;
    let mut dw = Array::zeros(w.shape());
    for (index, g) in crate::array::indices(x.shape()).zip(by_slope.data()) {
        let channel = if w.len() == 1 { 0 } else { index[1] };
        dw.data_mut()[channel] += g;
    }
    Ok([dx, trace.step("dw", "sum x dy where x <= 0", dw)])
}

/// The slopes in a shape that broadcasts to x.
fn slopes(operation: &str, x: &Array, w: &Array) -> Result<Array> {
    let channels = if x.rank() < 2 { 1 } else { x.shape()[1] };
    if w.rank() > 1 || (w.len() != 1 && w.len() != channels) {
        return Err(Error::new(
            operation,
            format!(
                "slopes {:?} for {:?}: one, or one for each of {channels} channels",
                w.shape(),
                x.shape()
            ),
        ));
    }
    let mut shape = vec![1; x.rank()];
    if w.len() != 1 {
        shape[1] = channels;
    }
    w.reshape(&shape)
}
