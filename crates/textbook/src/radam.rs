//! RAdam.
//!
//! ```text
//! coupled:  g = gradient + weight_decay p       decoupled:  p = p - lr weight_decay p
//! m = beta1 m + (1 - beta1) g                   v = beta2 v + (1 - beta2) g^2
//! mhat = m / (1 - beta1^t)                      t = 1, 2, ..
//! rho_inf = 2 / (1 - beta2) - 1
//! rho = rho_inf - 2 t beta2^t / (1 - beta2^t)   how many gradients v rests on
//! r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
//! p = p - lr mhat r sqrt(1 - beta2^t) / (sqrt(v) + eps)   where rho > 5
//! p = p - lr mhat                                         before
//! ```
//!
//! Adam whose first steps wait: a mean square of few gradients may be near 0, and dividing by it throws the parameter away.
//! eps is added before the bias correction, unlike Adam's.
//! Liu et al. 2020. PyTorch: `torch.optim.RAdam`.

use crate::adam::Decay;
use crate::array::Array;
use crate::error::Result;
use crate::sgd::{begin, expect_betas, expect_gradients};
use crate::trace::Trace;

/// RAdam over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct RAdam {
    /// Step size.
    pub learning_rate: f64,
    /// Memory of the mean and of the mean square, each in 0..1.
    pub betas: (f64, f64),
    /// Keeps the quotient finite.
    pub eps: f64,
    /// Pull towards zero.
    pub weight_decay: f64,
    /// Where that pull acts.
    pub decay: Decay,
    steps: i32,
    moments: Vec<[Array; 2]>,
}

impl RAdam {
    /// PyTorch's RAdam: betas (0.9, 0.999), eps 1e-8, no weight decay. Its default rate is 0.001.
    pub fn new(learning_rate: f64) -> Self {
        RAdam {
            learning_rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decay: Decay::Coupled,
            steps: 0,
            moments: Vec::new(),
        }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("radam", parameters, gradients)?;
        expect_betas("radam", self.betas)?;
        begin("radam", &mut self.moments, parameters, [0.0, 0.0])?;
        self.steps += 1;
        let (lr, (beta1, beta2)) = (self.learning_rate, self.betas);
        let t = f64::from(self.steps);
        let (kept1, kept2) = (beta1.powi(self.steps), beta2.powi(self.steps));
        trace.section("radam: step");
        trace.number("t", "t + 1", t);
        let rho_inf = trace.number("rho_inf", "2 / (1 - beta2) - 1", 2.0 / (1.0 - beta2) - 1.0);
        let rho = rho_inf - 2.0 * t * kept2 / (1.0 - kept2);
        trace.number("rho", "rho_inf - 2 t beta2^t / (1 - beta2^t)", rho);
        let rectification =
            ((rho - 4.0) * (rho - 2.0) * rho_inf / ((rho_inf - 4.0) * (rho_inf - 2.0) * rho)).sqrt();
        for ((p, gradient), [m, v]) in parameters.iter_mut().zip(gradients).zip(&mut self.moments) {
            let g = self.decay.act(p, gradient, lr, self.weight_decay, trace)?;
            *m = trace.step("m", "beta1 m + (1 - beta1) g", m.zip(&g, |m, g| beta1 * m + (1.0 - beta1) * g)?);
            let square = v.zip(&g, |v, g| beta2 * v + (1.0 - beta2) * g * g)?;
            *v = trace.step("v", "beta2 v + (1 - beta2) g^2", square);
            let mhat = trace.step("mhat", "m / (1 - beta1^t)", m.map(|m| m / (1.0 - kept1)));
            let u = if rho > 5.0 {
                let r = trace.number(
                    "r",
                    "sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))",
                    rectification,
                );
                let adapted = mhat.zip(v, |m, v| m * r * (1.0 - kept2).sqrt() / (v.sqrt() + self.eps))?;
                trace.step("u", "mhat r sqrt(1 - beta2^t) / (sqrt(v) + eps)", adapted)
            } else {
                trace.step("u", "mhat", mhat)
            };
            *p = trace.step("p", "p - lr u", p.zip(&u, |p, u| p - lr * u)?);
        }
        Ok(())
    }
}
