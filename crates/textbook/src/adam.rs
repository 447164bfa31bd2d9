//! Adam and AdamW.
//!
//! ```text
//! Adam:  g = gradient + weight_decay p        AdamW:  p = p - lr weight_decay p
//! m = beta1 m + (1 - beta1) g                 v = beta2 v + (1 - beta2) g^2
//! mhat = m / (1 - beta1^t)                    vhat = v / (1 - beta2^t)           t = 1, 2, ..
//! p = p - lr mhat / (sqrt(vhat) + eps)
//! ```
//!
//! m and v start at 0 and are too small at first; dividing by 1 - beta^t corrects that exactly, and the power matters:
//! with 1 - beta the first step is right and every later one wrong. In Adam the decay passes through the moments
//! (coupled); in AdamW it acts on the parameter alone (decoupled). eps stands outside the root.
//! Kingma and Ba 2015; Loshchilov and Hutter 2019. PyTorch: `torch.optim.Adam`, `torch.optim.AdamW`.

use crate::array::Array;
use crate::error::Result;
use crate::sgd::{begin, expect_betas, expect_gradients};
use crate::trace::Trace;

/// Where the weight decay acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decay {
    /// Added to the gradient: Adam.
    #[default]
    Coupled,
    /// Taken off the parameter: AdamW.
    Decoupled,
}

impl Decay {
    /// The gradient to descend along, after the parameter has been shrunk where the decay is decoupled.
    pub(crate) fn act(
        self,
        p: &mut Array,
        gradient: &Array,
        lr: f64,
        lambda: f64,
        trace: &mut Trace,
    ) -> Result<Array> {
        Ok(match self {
            Decay::Coupled => {
                trace.step("g", "gradient + weight_decay p", gradient.zip(p, |g, p| g + lambda * p)?)
            }
            Decay::Decoupled => {
                *p = trace.step("p_decayed", "p - lr weight_decay p", p.map(|p| p - lr * lambda * p));
                trace.step("g", "gradient", gradient.clone())
            }
        })
    }
}

/// Adam or AdamW over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
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

impl Adam {
    /// PyTorch's Adam: betas (0.9, 0.999), eps 1e-8, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Adam {
            learning_rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decay: Decay::Coupled,
            steps: 0,
            moments: Vec::new(),
        }
    }

    /// PyTorch's AdamW: the same with a decoupled weight decay of 0.01.
    pub fn adamw(learning_rate: f64) -> Self {
        Adam { weight_decay: 0.01, decay: Decay::Decoupled, ..Adam::new(learning_rate) }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("adam", parameters, gradients)?;
        let (beta1, beta2) = self.betas;
        expect_betas("adam", self.betas)?;
        begin("adam", &mut self.moments, parameters, [0.0, 0.0])?;
        self.steps += 1;
        let (lr, lambda) = (self.learning_rate, self.weight_decay);
        trace.section(if self.decay == Decay::Coupled { "adam: step" } else { "adamw: step" });
        trace.number("t", "t + 1", f64::from(self.steps));
        for ((p, gradient), [m, v]) in parameters.iter_mut().zip(gradients).zip(&mut self.moments) {
            let g = self.decay.act(p, gradient, lr, lambda, trace)?;
            *m = trace.step("m", "beta1 m + (1 - beta1) g", m.zip(&g, |m, g| beta1 * m + (1.0 - beta1) * g)?);
            *v = trace.step(
                "v",
                "beta2 v + (1 - beta2) g^2",
                v.zip(&g, |v, g| beta2 * v + (1.0 - beta2) * g * g)?,
            );
            let mhat = trace.step("mhat", "m / (1 - beta1^t)", m.map(|m| m / (1.0 - beta1.powi(self.steps))));
            let vhat = trace.step("vhat", "v / (1 - beta2^t)", v.map(|v| v / (1.0 - beta2.powi(self.steps))));
            let u = trace.step(
                "u",
                "mhat / (sqrt(vhat) + eps)",
                mhat.zip(&vhat, |m, v| m / (v.sqrt() + self.eps))?,
            );
            *p = trace.step("p", "p - lr u", p.zip(&u, |p, u| p - lr * u)?);
        }
        Ok(())
    }
}
