//! Group normalisation, for (N, C, ..): every group of channels of every sample on its own.
//!
//! ```text
//! m = mean x,  v = sum (x - m)^2 / n            over a group: C / groups channels and everything behind them
//! xhat = (x - m) / sqrt(v + eps)                y = gamma_c xhat + beta_c
//!
//! dxhat = gamma_c dy    dx = (dxhat - mean dxhat - xhat mean(dxhat xhat)) / sqrt(v + eps)
//! dgamma_c = sum dy xhat,  dbeta_c = sum dy     over everything but the channel
//! ```
//!
//! The statistics are a group's, the scale and the shift a channel's. One group is layer norm over all of a sample but with
//! one scale a channel; a group a channel is instance norm. No sample knows of the others, so there is nothing to remember.
//! Wu and He 2018; Ulyanov, Vedaldi and Lempitsky 2016. PyTorch: `torch.nn.GroupNorm`, `InstanceNorm1d`,
//! `InstanceNorm2d` (without gamma and beta by default); eps 1e-5.

use crate::array::Array;
use crate::batch_norm::NormGradients;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// A group normalisation with its parameters, both of shape (C).
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNorm {
    /// How many groups the channels form.
    pub groups: usize,
    /// The scale.
    pub gamma: Array,
    /// The shift.
    pub beta: Array,
    /// Added to the variance.
    pub eps: f64,
}

impl GroupNorm {
    /// Scale 1, shift 0, eps 1e-5.
    pub fn new(groups: usize, channels: usize) -> Self {
        GroupNorm {
            groups,
            gamma: Array::filled(&[channels], 1.0),
            beta: Array::zeros(&[channels]),
            eps: 1e-5,
        }
    }

    /// A group for each channel: instance normalisation.
    pub fn instance(channels: usize) -> Self {
        GroupNorm::new(channels, channels)
    }

    /// y, the shape of x (N, C, ..).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("group norm: forward");
        let (xhat, _) = self.normalise("group_norm", x, trace)?;
        let y = Array::from_fn(x.shape(), |i| self.gamma[i[1]] * xhat.get(i) + self.beta[i[1]]);
        Ok(trace.step("y", "gamma_c xhat + beta_c", y))
    }

    /// The gradients of x, gamma and beta.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<NormGradients> {
        dy.expect_shape("group_norm_backward", "dy", x.shape())?;
        trace.section("group norm: backward");
        let (xhat, r) = self.normalise("group_norm_backward", x, trace)?;
        let dxhat = Array::from_fn(x.shape(), |i| self.gamma[i[1]] * dy.get(i));
        let dxhat = trace.step("dxhat", "gamma_c dy", dxhat);
        let a = trace.step("a", "mean dxhat", self.mean(&dxhat)?);
        let b = trace.step("b", "mean(dxhat xhat)", self.mean(&dxhat.zip(&xhat, |g, xhat| g * xhat)?)?);
        let of = |statistic: &Array, i: &[usize]| statistic[[i[0], i[1] / self.members()]];
        let dx =
            Array::from_fn(x.shape(), |i| of(&r, i) * (dxhat.get(i) - of(&a, i) - xhat.get(i) * of(&b, i)));
        let input = trace.step("dx", "r (dxhat - a - xhat b)", dx);
        let others: Vec<usize> = (0..x.rank()).filter(|&axis| axis != 1).collect();
        let sum = |x: &Array| x.sum_along(&others).reshape(self.gamma.shape());
        let dgamma = sum(&dy.zip(&xhat, |dy, xhat| dy * xhat)?)?;
        let gamma = trace.step("dgamma", "sum dy xhat", dgamma);
        let beta = trace.step("dbeta", "sum dy", sum(dy)?);
        Ok(NormGradients { input, gamma, beta })
    }

    /// Channels of a group.
    fn members(&self) -> usize {
        self.gamma.len() / self.groups
    }

    /// The mean of each group of each sample, (N, groups).
    fn mean(&self, x: &Array) -> Result<Array> {
        let n: usize = self.members() * x.shape()[2..].iter().product::<usize>();
        let rows = x.reshape(&[x.shape()[0], self.groups, n])?;
        rows.sum_along(&[2]).map(|s| s / n as f64).reshape(&[x.shape()[0], self.groups])
    }

    /// xhat and r = 1 / sqrt(v + eps).
    fn normalise(&self, operation: &str, x: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        let channels = self.gamma.len();
        self.beta.expect_shape(operation, "beta", self.gamma.shape())?;
        if self.groups == 0 || channels == 0 || !channels.is_multiple_of(self.groups) {
            let message = format!("{} groups of {channels} channels", self.groups);
            return Err(Error::new(operation, message));
        }
        if x.rank() < 2 || x.shape()[1] != channels {
            let message = format!("x {:?} must be (N, C, ..) with C = {channels}", x.shape());
            return Err(Error::new(operation, message));
        }
        let of = |statistic: &Array, i: &[usize]| statistic[[i[0], i[1] / self.members()]];
        let m = trace.step("m", "mean x", self.mean(x)?);
        let d = Array::from_fn(x.shape(), |i| x.get(i) - of(&m, i));
        let v = trace.step("v", "sum (x - m)^2 / n", self.mean(&d.map(|d| d * d))?);
        let r = trace.step("r", "1 / sqrt(v + eps)", v.map(|v| 1.0 / (v + self.eps).sqrt()));
        let xhat = Array::from_fn(x.shape(), |i| d.get(i) * of(&r, i));
        Ok((trace.step("xhat", "(x - m) r", xhat), r))
    }
}
