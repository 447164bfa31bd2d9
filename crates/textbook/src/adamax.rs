//! Adamax.
//!
//! ```text
//! g = gradient + weight_decay p
//! m = beta1 m + (1 - beta1) g
//! u = max(beta2 u, |g| + eps)                   a maximum that fades, in place of a mean square
//! p = p - lr / (1 - beta1^t) m / u              t = 1, 2, ..
//! ```
//!
//! Adam with the largest gradient in place of the mean square: the norm's p = infinity. A maximum does not start too
//! small, so only m needs its bias correction.
//! Kingma and Ba 2015, section 7. PyTorch: `torch.optim.Adamax`.

use crate::array::Array;
use crate::error::Result;
use crate::sgd::{begin, expect_betas, expect_gradients};
use crate::trace::Trace;

/// Adamax over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Adamax {
    /// Step size.
    pub learning_rate: f64,
    /// Memory of the mean and of the maximum, each in 0..1.
    pub betas: (f64, f64),
    /// Keeps the quotient finite.
    pub eps: f64,
    /// Pull towards zero.
    pub weight_decay: f64,
    steps: i32,
    moments: Vec<[Array; 2]>,
}

impl Adamax {
    /// PyTorch's Adamax: betas (0.9, 0.999), eps 1e-8, no weight decay. Its default rate is 0.002.
    pub fn new(learning_rate: f64) -> Self {
        Adamax {
            learning_rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            steps: 0,
            moments: Vec::new(),
        }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("adamax", parameters, gradients)?;
        expect_betas("adamax", self.betas)?;
        begin("adamax", &mut self.moments, parameters, [0.0, 0.0])?;
        self.steps += 1;
        let (beta1, beta2) = self.betas;
        trace.section("adamax: step");
        trace.number("t", "t + 1", f64::from(self.steps));
        let rate = self.learning_rate / (1.0 - beta1.powi(self.steps));
        trace.number("rate", "lr / (1 - beta1^t)", rate);
        for ((p, gradient), [m, u]) in parameters.iter_mut().zip(gradients).zip(&mut self.moments) {
            let decayed = gradient.zip(p, |g, p| g + self.weight_decay * p)?;
            let g = trace.step("g", "gradient + weight_decay p", decayed);
            *m = trace.step("m", "beta1 m + (1 - beta1) g", m.zip(&g, |m, g| beta1 * m + (1.0 - beta1) * g)?);
            let largest = u.zip(&g, |u, g| (beta2 * u).max(g.abs() + self.eps))?;
            *u = trace.step("u", "max(beta2 u, |g| + eps)", largest);
            let ratio = trace.step("d", "m / u", m.zip(u, |m, u| m / u)?);
            *p = trace.step("p", "p - rate d", p.zip(&ratio, |p, d| p - rate * d)?);
        }
        Ok(())
    }
}
