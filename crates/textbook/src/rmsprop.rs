//! RMSprop.
//!
//! ```text
//! g = gradient + weight_decay p
//! s = alpha s + (1 - alpha) g^2
//! a = alpha a + (1 - alpha) g                   centered
//! d = sqrt(s) + eps                             centered: sqrt(s - a^2) + eps
//! b = momentum b + g / d                        without momentum: g / d
//! p = p - lr b
//! ```
//!
//! Adagrad that forgets. eps stands outside the root. s starts at 0 without a bias correction, so the first steps are
//! larger than later ones. The momentum sums quotients, not gradients. Where rounding makes s - a^2 negative it is 0 here.
//! Hinton 2012; centered: Graves 2013. PyTorch: `torch.optim.RMSprop`, whose smoothing is alpha 0.99 where others say 0.9.

use crate::array::Array;
use crate::error::Result;
use crate::sgd::{begin, expect_gradients};
use crate::trace::Trace;

/// RMSprop over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct RMSprop {
    /// Step size.
    pub learning_rate: f64,
    /// Memory of the means.
    pub alpha: f64,
    /// Keeps the quotient finite.
    pub eps: f64,
    /// Pull towards zero.
    pub weight_decay: f64,
    /// Share of b that stays.
    pub momentum: f64,
    /// Whether to divide by the deviation from the mean.
    pub centered: bool,
    states: Vec<[Array; 3]>,
}

impl RMSprop {
    /// PyTorch's RMSprop: alpha 0.99, eps 1e-8, neither momentum nor weight decay. Its default rate is 0.01.
    pub fn new(learning_rate: f64) -> Self {
        RMSprop {
            learning_rate,
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
            states: Vec::new(),
        }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("rmsprop", parameters, gradients)?;
        begin("rmsprop", &mut self.states, parameters, [0.0, 0.0, 0.0])?;
        let alpha = self.alpha;
        trace.section("rmsprop: step");
        for ((p, gradient), [s, a, b]) in parameters.iter_mut().zip(gradients).zip(&mut self.states) {
            let decayed = gradient.zip(p, |g, p| g + self.weight_decay * p)?;
            let g = trace.step("g", "gradient + weight_decay p", decayed);
            let square = s.zip(&g, |s, g| alpha * s + (1.0 - alpha) * g * g)?;
            *s = trace.step("s", "alpha s + (1 - alpha) g^2", square);
            let d = if self.centered {
                let mean = a.zip(&g, |a, g| alpha * a + (1.0 - alpha) * g)?;
                *a = trace.step("a", "alpha a + (1 - alpha) g", mean);
                let deviation = s.zip(a, |s, a| (s - a * a).max(0.0).sqrt() + self.eps)?;
                trace.step("d", "sqrt(s - a^2) + eps", deviation)
            } else {
                trace.step("d", "sqrt(s) + eps", s.map(|s| s.sqrt() + self.eps))
            };
            let ratio = g.zip(&d, |g, d| g / d)?;
            *b = trace.step("b", "momentum b + g / d", b.zip(&ratio, |b, r| self.momentum * b + r)?);
            *p = trace.step("p", "p - lr b", p.zip(b, |p, b| p - self.learning_rate * b)?);
        }
        Ok(())
    }
}
