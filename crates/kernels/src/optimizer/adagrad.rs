//! Adagrad.

use super::{Gradient, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of Adagrad (`torch.optim.Adagrad`; Duchi, Hazan and Singer, 2011).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// s = s + g^2
/// param = param - lr / (1 + (step - 1) lr_decay) * g / (sqrt(s) + eps)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradStep {
    /// Learning rate.
    pub lr: f64,
    /// How fast it falls.
    pub lr_decay: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// The number of this step, from 1.
    pub step: u64,
}

impl AdagradStep {
    pub(super) fn rule<T: Real>(&self, scale: T) -> Adagrad<T> {
        assert!(self.step > 0, "adagrad: steps count from 1");
        Adagrad {
            gradient: Gradient::new(scale, self.maximize, self.weight_decay),
            eps: T::from_f64(self.eps),
            minus_rate: T::from_f64(-self.lr / (1.0 + (self.step - 1) as f64 * self.lr_decay)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Adagrad<T> {
    gradient: Gradient<T>,
    eps: T,
    minus_rate: T,
}

impl<T: Real> Rule<T, 1> for Adagrad<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [sum]: [T; 1]) -> (T, [T; 1]) {
        let g = self.gradient.of::<A>(grad, param);
        let sum = A::fma(g, g, sum);
        (A::fma(self.minus_rate, g / (sum.sqrt() + self.eps), param), [sum])
    }
}
