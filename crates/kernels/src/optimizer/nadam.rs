//! Adam with Nesterov momentum.

use super::Rule;
use super::adam::Moments;
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of NAdam (`torch.optim.NAdam`; Dozat, 2016).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param, or decoupled  param = param (1 - lr * weight_decay)
/// m = m + (1 - beta1) (g - m)
/// v = beta2 v + (1 - beta2) g^2
/// mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2)
/// d = sqrt(v / (1 - beta2^step)) + eps
/// param = param - lr (1 - mu(step)) / (1 - mu_product) * g / d
///               - lr mu(step + 1) / (1 - mu_product mu(step + 1)) * m / d
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NadamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the gradient's mean.
    pub beta1: f64,
    /// Decay of the gradient's mean square.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Weight decay, coupled or not.
    pub weight_decay: f64,
    /// How fast the momentum grows to beta1.
    pub momentum_decay: f64,
    /// Shrinks the parameter itself instead of adding to the gradient.
    pub decoupled: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// The number of this step, from 1.
    pub step: u64,
    /// The product of [`mu`](Self::mu) of every step up to this one.
    pub mu_product: f64,
}

impl NadamStep {
    /// The momentum of step `t`.
    pub fn mu(beta1: f64, momentum_decay: f64, t: u64) -> f64 {
        beta1 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * momentum_decay))
    }

    pub(super) fn rule<T: Real>(&self, scale: T) -> Nadam<T> {
        assert!(self.step > 0, "nadam: steps count from 1");
        let mu = Self::mu(self.beta1, self.momentum_decay, self.step);
        let mu_next = Self::mu(self.beta1, self.momentum_decay, self.step + 1);
        Nadam {
            moments: Moments::new(
                self.beta1,
                self.beta2,
                self.weight_decay,
                self.decoupled,
                self.lr,
                self.maximize,
                scale,
            ),
            correction: T::from_f64(1.0 - self.beta2.powf(self.step as f64)),
            eps: T::from_f64(self.eps),
            of_gradient: T::from_f64(-self.lr * (1.0 - mu) / (1.0 - self.mu_product)),
            of_mean: T::from_f64(-self.lr * mu_next / (1.0 - self.mu_product * mu_next)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Nadam<T> {
    moments: Moments<T>,
    /// `1 - beta2^step`
    correction: T,
    eps: T,
    of_gradient: T,
    of_mean: T,
}

impl<T: Real> Rule<T, 2> for Nadam<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, state: [T; 2]) -> (T, [T; 2]) {
        let (shrunk, g, m, v) = self.moments.after::<A>(param, grad, state);
        let denominator = (v / self.correction).sqrt() + self.eps;
        let ahead = A::fma(self.of_gradient, g / denominator, shrunk);
        (A::fma(self.of_mean, m / denominator, ahead), [m, v])
    }
}
