//! NAdam.
//!
//! ```text
//! coupled:  g = gradient + weight_decay p       decoupled:  p = p - lr weight_decay p
//! mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2),  M_t = mu_1 mu_2 .. mu_t        t = 1, 2, ..
//! m = beta1 m + (1 - beta1) g                   v = beta2 v + (1 - beta2) g^2
//! ahead = (1 - mu_t) / (1 - M_t) g + mu_(t+1) / (1 - M_(t+1)) m
//! p = p - lr ahead / (sqrt(v / (1 - beta2^t)) + eps)
//! ```
//!
//! Adam that looks ahead as Nesterov's momentum does: the new gradient counts at once, and m with the momentum of the step
//! to come. The momentum grows from about beta1 / 2 to beta1, so the bias correction is a product instead of a power.
//! Dozat 2016. PyTorch: `torch.optim.NAdam`.

use crate::adam::Decay;
use crate::array::Array;
use crate::error::Result;
use crate::sgd::{begin, expect_betas, expect_gradients};
use crate::trace::Trace;

/// NAdam over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct NAdam {
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
    /// How fast the momentum grows to beta1.
    pub momentum_decay: f64,
    steps: i32,
    product: f64,
    moments: Vec<[Array; 2]>,
}

impl NAdam {
    /// PyTorch's NAdam: betas (0.9, 0.999), eps 1e-8, momentum decay 0.004, no weight decay. Its default rate is 0.002.
    pub fn new(learning_rate: f64) -> Self {
        NAdam {
            learning_rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decay: Decay::Coupled,
            momentum_decay: 4e-3,
            steps: 0,
            product: 1.0,
            moments: Vec::new(),
        }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("nadam", parameters, gradients)?;
        expect_betas("nadam", self.betas)?;
        begin("nadam", &mut self.moments, parameters, [0.0, 0.0])?;
        self.steps += 1;
        let (lr, (beta1, beta2)) = (self.learning_rate, self.betas);
        let mu_of = |t: i32| beta1 * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * self.momentum_decay));
        trace.section("nadam: step");
        trace.number("t", "t + 1", f64::from(self.steps));
        let mu = trace.number("mu", "beta1 (1 - 0.96^(t momentum_decay) / 2)", mu_of(self.steps));
        let next = trace.number("mu_next", "the same of t + 1", mu_of(self.steps + 1));
        self.product = trace.number("M", "M mu", self.product * mu);
        let (now, later) = ((1.0 - mu) / (1.0 - self.product), next / (1.0 - self.product * next));
        for ((p, gradient), [m, v]) in parameters.iter_mut().zip(gradients).zip(&mut self.moments) {
            let g = self.decay.act(p, gradient, lr, self.weight_decay, trace)?;
            *m = trace.step("m", "beta1 m + (1 - beta1) g", m.zip(&g, |m, g| beta1 * m + (1.0 - beta1) * g)?);
            let square = v.zip(&g, |v, g| beta2 * v + (1.0 - beta2) * g * g)?;
            *v = trace.step("v", "beta2 v + (1 - beta2) g^2", square);
            let ahead = g.zip(m, |g, m| now * g + later * m)?;
            let ahead = trace.step("ahead", "(1 - mu) / (1 - M) g + mu_next / (1 - M mu_next) m", ahead);
            let root = v.map(|v| (v / (1.0 - beta2.powi(self.steps))).sqrt() + self.eps);
            let root = trace.step("root", "sqrt(v / (1 - beta2^t)) + eps", root);
            let u = trace.step("u", "ahead / root", ahead.zip(&root, |a, r| a / r)?);
            *p = trace.step("p", "p - lr u", p.zip(&u, |p, u| p - lr * u)?);
        }
        Ok(())
    }
}
