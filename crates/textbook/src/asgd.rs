//! Averaged stochastic gradient descent.
//!
//! ```text
//! g = gradient + weight_decay p
//! p = p (1 - lambd eta) - eta g
//! ax = p where mu = 1, else ax + mu (p - ax)
//! eta = lr / (1 + lambd lr t)^alpha             for the step after t = 1, 2, ..; the first eta is lr
//! mu = 1 / max(1, t - t0)                       and the first mu is 1
//! ```
//!
//! The steps wander around the minimum; their average comes closer. The parameters themselves stay in the model, the
//! average is beside them, in `ax`.
//! Polyak and Juditsky 1992; Bottou. PyTorch: `torch.optim.ASGD`.

use crate::array::Array;
use crate::error::Result;
use crate::sgd::{begin, expect_gradients};
use crate::trace::Trace;

/// Averaged descent over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Asgd {
    /// Step size of the first step.
    pub learning_rate: f64,
    /// Pull towards zero, apart from the gradient.
    pub lambd: f64,
    /// Power of the step size's decay.
    pub alpha: f64,
    /// The step from which on parameters are averaged.
    pub t0: f64,
    /// Pull towards zero, with the gradient.
    pub weight_decay: f64,
    steps: i32,
    /// The step size of the next step, and its share in the average.
    next: (f64, f64),
    averages: Vec<[Array; 1]>,
}

impl Asgd {
    /// PyTorch's ASGD: lambd 1e-4, alpha 0.75, t0 1e6, no weight decay. Its default rate is 0.01.
    pub fn new(learning_rate: f64) -> Self {
        Asgd {
            learning_rate,
            lambd: 1e-4,
            alpha: 0.75,
            t0: 1e6,
            weight_decay: 0.0,
            steps: 0,
            next: (0.0, 1.0),
            averages: Vec::new(),
        }
    }

    /// The average of each parameter.
    pub fn averages(&self) -> impl Iterator<Item = &Array> {
        self.averages.iter().map(|[ax]| ax)
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("asgd", parameters, gradients)?;
        begin("asgd", &mut self.averages, parameters, [0.0])?;
        let (lr, lambd) = (self.learning_rate, self.lambd);
        if self.steps == 0 {
            self.next = (lr, 1.0);
        }
        self.steps += 1;
        let t = f64::from(self.steps);
        trace.section("asgd: step");
        let eta = trace.number("eta", "lr, later lr / (1 + lambd lr (t - 1))^alpha", self.next.0);
        let mu = trace.number("mu", "1, later 1 / max(1, t - 1 - t0)", self.next.1);
        for ((p, gradient), [ax]) in parameters.iter_mut().zip(gradients).zip(&mut self.averages) {
            let decayed = gradient.zip(p, |g, p| g + self.weight_decay * p)?;
            let g = trace.step("g", "gradient + weight_decay p", decayed);
            let moved = p.zip(&g, |p, g| p * (1.0 - lambd * eta) - eta * g)?;
            *p = trace.step("p", "p (1 - lambd eta) - eta g", moved);
            let average = if mu == 1.0 { p.clone() } else { ax.zip(p, |ax, p| ax + mu * (p - ax))? };
            *ax = trace.step("ax", "p where mu = 1, else ax + mu (p - ax)", average);
        }
        self.next = (lr / (1.0 + lambd * lr * t).powf(self.alpha), 1.0 / (t - self.t0).max(1.0));
        Ok(())
    }
}
