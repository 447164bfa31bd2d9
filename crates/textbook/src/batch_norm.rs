//! Batch normalisation, for (N, C), (N, C, L) and (N, C, H, W).
//!
//! ```text
//! training    m_c = mean, v_c = sum (x - m_c)^2 / n          over everything but the channel: n = N, N L or N H W
//!             xhat = (x - m_c) / sqrt(v_c + eps)             y = gamma_c xhat + beta_c
//!             running_mean = (1 - momentum) running_mean + momentum m_c
//!             running_var  = (1 - momentum) running_var  + momentum v_c n / (n - 1)
//! evaluation  xhat = (x - running_mean_c) / sqrt(running_var_c + eps)
//! ```
//!
//! Two variances in one layer: the batch is normalised with the population's (divide by n), the running estimate gets
//! the sample's (divide by n - 1). The statistics depend on x, so in training the backward has two correction terms:
//!
//! ```text
//! dxhat = gamma dy      dx = (dxhat - mean dxhat - xhat mean(dxhat xhat)) / sqrt(v + eps)
//! dgamma = sum dy xhat  dbeta = sum dy
//! ```
//!
//! Ioffe and Szegedy 2015. PyTorch: `torch.nn.BatchNorm1d`, `BatchNorm2d`; eps 1e-5, momentum 0.1.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// A batch normalisation layer with its parameters and running statistics, all of shape (C).
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// The scale.
    pub gamma: Array,
    /// The shift.
    pub beta: Array,
    /// Estimate of the mean, used in evaluation.
    pub running_mean: Array,
    /// Estimate of the variance, used in evaluation.
    pub running_var: Array,
    /// Added to the variance.
    pub eps: f64,
    /// Share of the newest batch in the running statistics; `None`: the plain average of all batches so far.
    pub momentum: Option<f64>,
    /// Batches seen in training.
    pub batches: usize,
}

/// The gradients of a batch or layer normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct NormGradients {
    /// dx, the shape of x.
    pub input: Array,
    /// dgamma.
    pub gamma: Array,
    /// dbeta.
    pub beta: Array,
}

/// x without its mean and scale, and the factor 1 / sqrt(v + eps).
struct Normalised {
    xhat: Array,
    inverse_deviation: Array,
}

impl BatchNorm {
    /// A layer for `channels` channels as PyTorch starts it: scale 1, shift 0, running mean 0, running variance 1.
    pub fn new(channels: usize) -> Self {
        BatchNorm {
            gamma: Array::filled(&[channels], 1.0),
            beta: Array::zeros(&[channels]),
            running_mean: Array::zeros(&[channels]),
            running_var: Array::filled(&[channels], 1.0),
            eps: 1e-5,
            momentum: Some(0.1),
            batches: 0,
        }
    }

    /// Normalises x with its own statistics and updates the running ones. Needs more than one value a channel.
    pub fn forward_train(&mut self, x: &Array, trace: &mut Trace) -> Result<Array> {
        let axes = self.check("batch_norm", x)?;
        let n = values_per_channel(x, &axes)?;
        trace.section("batch norm: forward, training");
        let m = trace.step("m", "sum x / n", x.sum_along(&axes).map(|s| s / n));
        let d = x.zip(&m, |x, m| x - m)?;
        let v = trace.step("v", "sum (x - m)^2 / n", d.map(|d| d * d).sum_along(&axes).map(|s| s / n));
        let y = self.scale(&self.normalise(x, &m, &v, trace)?.xhat, trace)?;

        self.batches += 1;
        let share = self.momentum.unwrap_or(1.0 / self.batches as f64);
        let update = |running: &Array, new: &Array| {
            running.zip(&new.reshape(running.shape())?, |running, new| (1.0 - share) * running + share * new)
        };
        let (mean, var) =
            (update(&self.running_mean, &m)?, update(&self.running_var, &v.map(|v| v * n / (n - 1.0)))?);
        self.running_mean = trace.step("running_mean", "(1 - momentum) running_mean + momentum m", mean);
        self.running_var =
            trace.step("running_var", "(1 - momentum) running_var + momentum v n / (n - 1)", var);
        Ok(y)
    }

    /// Normalises x with the running statistics, which stay as they are.
    pub fn forward_eval(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        self.check("batch_norm", x)?;
        trace.section("batch norm: forward, evaluation");
        let (m, v) = (column(&self.running_mean, x)?, column(&self.running_var, x)?);
        let xhat = self.normalise(x, &m, &v, trace)?.xhat;
        self.scale(&xhat, trace)
    }

    /// The gradients of a training step, in which the statistics depend on x.
    pub fn backward_train(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<NormGradients> {
        let axes = self.check("batch_norm_backward", x)?;
        dy.expect_shape("batch_norm_backward", "dy", x.shape())?;
        let n = values_per_channel(x, &axes)?;
        let m = x.sum_along(&axes).map(|s| s / n);
        let v = x.zip(&m, |x, m| (x - m) * (x - m))?.sum_along(&axes).map(|s| s / n);
        trace.section("batch norm: backward, training");
        let Normalised { xhat, inverse_deviation } = self.normalise(x, &m, &v, trace)?;
        let dxhat =
            trace.step("dxhat", "gamma dy", dy.zip(&column(&self.gamma, x)?, |dy, gamma| dy * gamma)?);
        let a = trace.step("a", "mean dxhat", dxhat.sum_along(&axes).map(|s| s / n));
        let b = dxhat.zip(&xhat, |g, xhat| g * xhat)?.sum_along(&axes).map(|s| s / n);
        let b = trace.step("b", "mean(dxhat xhat)", b);
        let inner = dxhat.zip(&a, |g, a| g - a)?.zip(&xhat.zip(&b, |xhat, b| xhat * b)?, |g, xb| g - xb)?;
        let dx = inner.zip(&inverse_deviation, |g, r| g * r)?;
        let input = trace.step("dx", "r (dxhat - a - xhat b)", dx);
        self.parameter_gradients(input, &xhat, dy, &axes, trace)
    }

    /// The gradients in evaluation, where the statistics are constants: dx = gamma dy / sqrt(running_var + eps).
    pub fn backward_eval(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<NormGradients> {
        let axes = self.check("batch_norm_backward", x)?;
        dy.expect_shape("batch_norm_backward", "dy", x.shape())?;
        trace.section("batch norm: backward, evaluation");
        let (m, v) = (column(&self.running_mean, x)?, column(&self.running_var, x)?);
        let Normalised { xhat, inverse_deviation } = self.normalise(x, &m, &v, trace)?;
        let slope = column(&self.gamma, x)?.zip(&inverse_deviation, |gamma, r| gamma * r)?;
        let input = trace.step("dx", "gamma r dy", dy.zip(&slope, |dy, slope| dy * slope)?);
        self.parameter_gradients(input, &xhat, dy, &axes, trace)
    }

    fn normalise(&self, x: &Array, m: &Array, v: &Array, trace: &mut Trace) -> Result<Normalised> {
        let r = trace.step("r", "1 / sqrt(v + eps)", v.map(|v| 1.0 / (v + self.eps).sqrt()));
        let xhat = trace.step("xhat", "(x - m) r", x.zip(m, |x, m| x - m)?.zip(&r, |d, r| d * r)?);
        Ok(Normalised { xhat, inverse_deviation: r })
    }

    fn scale(&self, xhat: &Array, trace: &mut Trace) -> Result<Array> {
        let scaled = xhat.zip(&column(&self.gamma, xhat)?, |xhat, gamma| gamma * xhat)?;
        Ok(trace.step("y", "gamma xhat + beta", scaled.zip(&column(&self.beta, xhat)?, |y, beta| y + beta)?))
    }

    fn parameter_gradients(
        &self,
        input: Array,
        xhat: &Array,
        dy: &Array,
        axes: &[usize],
        trace: &mut Trace,
    ) -> Result<NormGradients> {
        let dgamma = dy.zip(xhat, |dy, xhat| dy * xhat)?.sum_along(axes).reshape(self.gamma.shape())?;
        let gamma = trace.step("dgamma", "sum dy xhat", dgamma);
        let beta = trace.step("dbeta", "sum dy", dy.sum_along(axes).reshape(self.beta.shape())?);
        Ok(NormGradients { input, gamma, beta })
    }

    /// Every axis but the channels'.
    fn check(&self, operation: &str, x: &Array) -> Result<Vec<usize>> {
        let channels = self.gamma.len();
        if !(2..=4).contains(&x.rank()) || x.shape()[1] != channels {
            let message =
                format!("x must have shape (N, {channels}), with one or two axes after, got {:?}", x.shape());
            return Err(Error::new(operation, message));
        }
        for (name, vector) in [
            ("gamma", &self.gamma),
            ("beta", &self.beta),
            ("running_mean", &self.running_mean),
            ("running_var", &self.running_var),
        ] {
            vector.expect_shape(operation, name, &[channels])?;
        }
        Ok((0..x.rank()).filter(|&axis| axis != 1).collect())
    }
}

fn values_per_channel(x: &Array, axes: &[usize]) -> Result<f64> {
    let n: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
    if n < 2 {
        let message =
            format!("training needs more than one value for each channel, got shape {:?}", x.shape());
        return Err(Error::new("batch_norm", message));
    }
    Ok(n as f64)
}

/// A (C) vector as (1, C, 1, ..), to broadcast against x.
fn column(vector: &Array, x: &Array) -> Result<Array> {
    let mut shape = vec![1; x.rank()];
    shape[1] = vector.len();
    vector.reshape(&shape)
}
