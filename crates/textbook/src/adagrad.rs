//! Adagrad.
//!
//! ```text
//! g = gradient + weight_decay p
//! s = s + g^2                                   starts at initial_accumulator_value
//! rate = lr / (1 + (t - 1) lr_decay)            t = 1, 2, ..
//! p = p - rate g / (sqrt(s) + eps)
//! ```
//!
//! The sum never forgets, so steps only shrink; RMSprop puts a decaying mean in its place. eps stands outside the root.
//! Duchi, Hazan and Singer 2011. PyTorch: `torch.optim.Adagrad`.

use crate::array::Array;
use crate::error::Result;
use crate::sgd::{begin, expect_gradients};
use crate::trace::Trace;

/// Adagrad over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Adagrad {
    /// Step size.
    pub learning_rate: f64,
    /// How fast it falls.
    pub lr_decay: f64,
    /// Pull towards zero.
    pub weight_decay: f64,
    /// What the sums begin with.
    pub initial_accumulator_value: f64,
    /// Keeps the quotient finite.
    pub eps: f64,
    steps: i32,
    sums: Vec<[Array; 1]>,
}

impl Adagrad {
    /// PyTorch's Adagrad: eps 1e-10, a constant rate, no weight decay. Its default rate is 0.01.
    pub fn new(learning_rate: f64) -> Self {
        Adagrad {
            learning_rate,
            lr_decay: 0.0,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
            eps: 1e-10,
            steps: 0,
            sums: Vec::new(),
        }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("adagrad", parameters, gradients)?;
        begin("adagrad", &mut self.sums, parameters, [self.initial_accumulator_value])?;
        self.steps += 1;
        let t = f64::from(self.steps);
        trace.section("adagrad: step");
        trace.number("t", "t + 1", t);
        let rate = self.learning_rate / (1.0 + (t - 1.0) * self.lr_decay);
        trace.number("rate", "lr / (1 + (t - 1) lr_decay)", rate);
        for ((p, gradient), [s]) in parameters.iter_mut().zip(gradients).zip(&mut self.sums) {
            let decayed = gradient.zip(p, |g, p| g + self.weight_decay * p)?;
            let g = trace.step("g", "gradient + weight_decay p", decayed);
            *s = trace.step("s", "s + g^2", s.zip(&g, |s, g| s + g * g)?);
            let u = trace.step("u", "g / (sqrt(s) + eps)", g.zip(s, |g, s| g / (s.sqrt() + self.eps))?);
            *p = trace.step("p", "p - rate u", p.zip(&u, |p, u| p - rate * u)?);
        }
        Ok(())
    }
}
