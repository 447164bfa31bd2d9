//! Softmax and its logarithm.
//!
//! ```text
//! p_i = exp(x_i - m) / s      m = max_j x_j,  s = sum_j exp(x_j - m)      along one axis
//! log p_i = (x_i - m) - log s
//! ```
//!
//! Subtracting the maximum changes nothing on paper and everything on a machine: without it exp overflows from
//! x = 709.8 on. Every line along the axis has its own maximum and its own sum.
//! PyTorch: `torch.softmax`, `torch.log_softmax`.

use crate::array::Array;
use crate::error::Result;
use crate::trace::Trace;

/// Softmax along `axis` (-1: the last); same shape as `x`, positive, sums to 1 along the axis.
///
/// ```
/// use barehand_textbook::{Array, Trace, softmax};
///
/// let p = softmax(&Array::vector(&[2.0, 1.0, 0.1]), -1, &mut Trace::silent())?;
/// assert!((p[0] - 0.65900114).abs() < 1e-8);
/// # Ok::<(), barehand_textbook::Error>(())
/// ```
pub fn softmax(x: &Array, axis: isize, trace: &mut Trace) -> Result<Array> {
    let axis = x.axis("softmax", axis)?;
    trace.section("softmax: forward");
    let m = trace.step("m", "max x", x.max_along(axis));
    let e = trace.step("e", "exp(x - m)", x.zip(&m, |x, m| (x - m).exp())?);
    let s = trace.step("s", "sum e", e.sum_along(&[axis]));
    Ok(trace.step("p", "e / s", e.zip(&s, |e, s| e / s)?))
}

/// The softmax of -x along `axis`: the smallest is likeliest. Its gradient is that of the softmax, with the other sign.
pub fn softmin(x: &Array, axis: isize, trace: &mut Trace) -> Result<Array> {
    trace.section("softmin: forward");
    let x = trace.step("-x", "-x", x.map(|x| -x));
    softmax(&x, axis, trace)
}

/// The gradient with respect to x, from the probabilities `p` and their gradient `dp`.
///
/// ```text
/// dx_i = p_i (dp_i - sum_j p_j dp_j)
/// ```
pub fn softmax_backward(p: &Array, dp: &Array, axis: isize, trace: &mut Trace) -> Result<Array> {
    let axis = p.axis("softmax_backward", axis)?;
    dp.expect_shape("softmax_backward", "dp", p.shape())?;
    trace.section("softmax: backward");
    let d = trace.step("d", "sum p dp", p.zip(dp, |p, dp| p * dp)?.sum_along(&[axis]));
    Ok(trace.step("dx", "p (dp - d)", dp.zip(&d, |dp, d| dp - d)?.zip(p, |g, p| g * p)?))
}

/// The logarithm of softmax along `axis`, computed without forming the probabilities, so that none rounds to log 0.
pub fn log_softmax(x: &Array, axis: isize, trace: &mut Trace) -> Result<Array> {
    let axis = x.axis("log_softmax", axis)?;
    trace.section("log-softmax: forward");
    let m = trace.step("m", "max x", x.max_along(axis));
    let z = trace.step("z", "x - m", x.zip(&m, |x, m| x - m)?);
    let l = trace.step("l", "log sum exp z", z.map(f64::exp).sum_along(&[axis]).map(f64::ln));
    Ok(trace.step("log_p", "z - l", z.zip(&l, |z, l| z - l)?))
}

/// The gradient with respect to x, from the log-probabilities and their gradient.
///
/// ```text
/// dx_i = dlog_p_i - p_i sum_j dlog_p_j
/// ```
pub fn log_softmax_backward(log_p: &Array, dlog_p: &Array, axis: isize, trace: &mut Trace) -> Result<Array> {
    let axis = log_p.axis("log_softmax_backward", axis)?;
    dlog_p.expect_shape("log_softmax_backward", "dlog_p", log_p.shape())?;
    trace.section("log-softmax: backward");
    let p = trace.step("p", "exp(log_p)", log_p.map(f64::exp));
    let d = trace.step("d", "sum dlog_p", dlog_p.sum_along(&[axis]));
    Ok(trace.step("dx", "dlog_p - p d", dlog_p.zip(&p.zip(&d, |p, d| p * d)?, |g, pd| g - pd)?))
}
