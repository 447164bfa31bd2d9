//! Flatten: several axes become one; the backward gives the gradient its shape back.
//!
//! ```text
//! (N, C, H, W) -> (N, C H W)
//! ```
//!
//! PyTorch: `torch.nn.Flatten(start_dim=1, end_dim=-1)`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The axes `start..=end` (negative ones count from the back) as one.
pub fn flatten(x: &Array, start: isize, end: isize, trace: &mut Trace) -> Result<Array> {
    let (start, end) = (x.axis("flatten", start)?, x.axis("flatten", end)?);
    if start > end {
        return Err(Error::new(
            "flatten",
            format!("axes {start}..={end} of shape {:?} run backwards", x.shape()),
        ));
    }
    let (before, rest) = x.shape().split_at(start);
    let (middle, after) = rest.split_at(end - start + 1);
    trace.section("flatten: forward");
    let shape = [before, &[middle.iter().product()], after].concat();
    Ok(trace.step("y", "x, axes joined", x.reshape(&shape)?))
}

/// dy in the shape of x.
pub fn flatten_backward(x_shape: &[usize], dy: &Array, trace: &mut Trace) -> Result<Array> {
    trace.section("flatten: backward");
    Ok(trace.step("dx", "dy in the shape of x", dy.reshape(x_shape)?))
}
