//! Adamax.

use super::{Gradient, Mean, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of Adamax (`torch.optim.Adamax`; Kingma and Ba, 2015).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// m = m + (1 - beta1) (g - m)
/// u = max(beta2 u, |g| + eps)
/// param = param - lr / (1 - beta1^step) * m / u
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamaxStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the gradient's mean.
    pub beta1: f64,
    /// Decay of the gradient's largest size.
    pub beta2: f64,
    /// Added to the gradient's size.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// The number of this step, from 1.
    pub step: u64,
}

impl AdamaxStep {
    pub(super) fn rule<T: Real>(&self, scale: T) -> Adamax<T> {
        assert!(self.step > 0, "adamax: steps count from 1");
        Adamax {
            gradient: Gradient::new(scale, self.maximize, self.weight_decay),
            mean: Mean::new(self.beta1),
            beta2: T::from_f64(self.beta2),
            eps: T::from_f64(self.eps),
            minus_step_size: T::from_f64(-(self.lr / (1.0 - self.beta1.powf(self.step as f64)))),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Adamax<T> {
    gradient: Gradient<T>,
    mean: Mean<T>,
    beta2: T,
    eps: T,
    minus_step_size: T,
}

impl<T: Real> Rule<T, 2> for Adamax<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [m, u]: [T; 2]) -> (T, [T; 2]) {
        let g = self.gradient.of::<A>(grad, param);
        let m = self.mean.after::<A>(m, g);
        let u = (u * self.beta2).max(g.abs() + self.eps);
        (A::fma(self.minus_step_size, m / u, param), [m, u])
    }
}
