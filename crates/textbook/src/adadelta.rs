//! Adadelta.
//!
//! ```text
//! g = gradient + weight_decay p
//! s = rho s + (1 - rho) g^2                     mean square of the gradients
//! d = sqrt(u + eps) / sqrt(s + eps) g           the step, in the parameter's own unit
//! u = rho u + (1 - rho) d^2                     mean square of the steps
//! p = p - lr d
//! ```
//!
//! s and u start at 0. The step is taken with the u of the steps before it: with the new one each step would depend on
//! itself. eps stands inside both roots, and starts everything: without it u stays 0 and nothing ever moves.
//! Zeiler 2012, whose learning rate is 1. PyTorch: `torch.optim.Adadelta`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::sgd::{begin, expect_gradients};
use crate::trace::Trace;

/// Adadelta over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Adadelta {
    /// Step size.
    pub learning_rate: f64,
    /// Memory of both mean squares, in 0..=1.
    pub rho: f64,
    /// Keeps the quotient finite, and its numerator from 0.
    pub eps: f64,
    /// Pull towards zero.
    pub weight_decay: f64,
    squares: Vec<[Array; 2]>,
}

impl Adadelta {
    /// PyTorch's Adadelta: rho 0.9, eps 1e-6, no weight decay. Its default rate is 1.
    pub fn new(learning_rate: f64) -> Self {
        Adadelta { learning_rate, rho: 0.9, eps: 1e-6, weight_decay: 0.0, squares: Vec::new() }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("adadelta", parameters, gradients)?;
        if !(0.0..=1.0).contains(&self.rho) {
            return Err(Error::new("adadelta", format!("rho must lie in 0..=1, got {}", self.rho)));
        }
        begin("adadelta", &mut self.squares, parameters, [0.0, 0.0])?;
        let (rho, eps) = (self.rho, self.eps);
        trace.section("adadelta: step");
        for ((p, gradient), [s, u]) in parameters.iter_mut().zip(gradients).zip(&mut self.squares) {
            let g = trace.step(
                "g",
                "gradient + weight_decay p",
                gradient.zip(p, |g, p| g + self.weight_decay * p)?,
            );
            *s = trace.step("s", "rho s + (1 - rho) g^2", s.zip(&g, |s, g| rho * s + (1.0 - rho) * g * g)?);
            let ratio = u.zip(s, |u, s| (u + eps).sqrt() / (s + eps).sqrt())?;
            let d = trace.step("d", "sqrt(u + eps) / sqrt(s + eps) g", ratio.zip(&g, |r, g| r * g)?);
            *u = trace.step("u", "rho u + (1 - rho) d^2", u.zip(&d, |u, d| rho * u + (1.0 - rho) * d * d)?);
            *p = trace.step("p", "p - lr d", p.zip(&d, |p, d| p - self.learning_rate * d)?);
        }
        Ok(())
    }
}
