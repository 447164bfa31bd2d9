//! Stochastic gradient descent for linear models: each sample makes a step of its own.
//!
//! ```text
//! p = w x + b,   s = -eta_t loss'(p, y)
//! w = (1 - eta_t alpha) w + s x,   b = b + s          the L2 penalty shrinks w at every step, whatever the loss says
//! eta_t = eta0 / t^power   or   1 / (alpha (t0 + t - 1))
//! ```
//!
//! hinge: max(0, 1 - y p), y = -1 or 1. squared: (p - y)^2 / 2. log: ln(1 + e^p) - y p, y = 0 or 1.
//! Bottou, Stochastic Gradient Tricks, 2012. scikit-learn: `SGDClassifier`, `SGDRegressor`.

use crate::array::Array;
use crate::binary_cross_entropy::logistic;
use crate::error::Result;
use crate::trace::Trace;

/// The loss of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleLoss {
    /// A linear support vector machine.
    Hinge,
    /// Least squares.
    Squared,
    /// Logistic regression.
    Log,
}

impl SampleLoss {
    /// d loss / d p.
    pub fn slope(self, y: f64, p: f64) -> f64 {
        match self {
            SampleLoss::Hinge => {
                if y * p <= 1.0 {
                    -y
                } else {
                    0.0
                }
            }
            SampleLoss::Squared => p - y,
            SampleLoss::Log => logistic(p) - y,
        }
    }
}

/// How long step t = 1, 2, ... is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepLength {
    /// eta0 / t^power
    InverseScaling {
        /// The first length.
        eta0: f64,
        /// The power.
        power: f64,
    },
    /// 1 / (alpha (t0 + t - 1)), with a t0 that makes the first step 1 / alpha^(1/4) long: what w may be long.
    Optimal,
}

/// A descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticGradient {
    /// What is minimised.
    pub loss: SampleLoss,
    /// Strength of the L2 penalty.
    pub alpha: f64,
    /// How long steps are.
    pub step_length: StepLength,
    /// Passes over the samples, in their order.
    pub epochs: usize,
}

impl StochasticGradient {
    /// w (d) and b from zeros, of X (m, d) and y (m).
    pub fn fit(&self, x: &Array, y: &Array, trace: &mut Trace) -> Result<(Array, f64)> {
        let operation = "stochastic_gradient";
        x.expect_rank(operation, "X", 2)?;
        let (m, d) = (x.shape()[0], x.shape()[1]);
        y.expect_shape(operation, "y", &[m])?;
        let (mut w, mut b, mut t) = (Array::zeros(&[d]), 0.0, 1.0);
        for epoch in 0..self.epochs {
            trace.section(&format!("stochastic gradient: epoch {}", epoch + 1));
            for i in 0..m {
                let score = b + (0..d).map(|j| w[j] * x[[i, j]]).sum::<f64>();
                let p = trace.number("p", "w x + b", score);
                let eta = trace.number("eta", "the length of step t", self.eta(t));
                let s = trace.number("s", "-eta loss'(p, y)", -eta * self.loss.slope(y[i], p));
                let next = Array::from_fn(&[d], |j| (1.0 - eta * self.alpha) * w[j[0]] + s * x[[i, j[0]]]);
                w = trace.step("w", "(1 - eta alpha) w + s x", next);
                b = trace.number("b", "b + s", b + s);
                t += 1.0;
            }
        }
        Ok((w, b))
    }

    fn eta(&self, t: f64) -> f64 {
        match self.step_length {
            StepLength::InverseScaling { eta0, power } => eta0 / t.powf(power),
            StepLength::Optimal => {
                let first = (1.0 / self.alpha.sqrt()).sqrt();
                let t0 = 1.0 / (first * self.alpha);
                1.0 / (self.alpha * (t0 + t - 1.0))
            }
        }
    }
}
