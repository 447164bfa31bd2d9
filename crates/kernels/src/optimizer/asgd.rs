//! Averaged stochastic gradient descent.

use super::{Gradient, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of averaged stochastic gradient descent (`torch.optim.ASGD`; Polyak and Juditsky, 1992).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// param = param (1 - lambd * eta) - eta * g
/// ax = param where mu = 1, else ax + mu (param - ax)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AsgdStep {
    /// The learning rate of this step.
    pub eta: f64,
    /// Pull towards zero, apart from the gradient.
    pub lambd: f64,
    /// The share of this step in the average.
    pub mu: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
}

impl AsgdStep {
    pub(super) fn rule<T: Real>(&self, scale: T) -> Asgd<T> {
        Asgd {
            gradient: Gradient::new(scale, self.maximize, self.weight_decay),
            shrink: T::from_f64(1.0 - self.lambd * self.eta),
            minus_eta: T::from_f64(-self.eta),
            mu: T::from_f64(self.mu),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Asgd<T> {
    gradient: Gradient<T>,
    shrink: T,
    minus_eta: T,
    mu: T,
}

impl<T: Real> Rule<T, 1> for Asgd<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [average]: [T; 1]) -> (T, [T; 1]) {
        let g = self.gradient.of::<A>(grad, param);
        let param = A::fma(self.minus_eta, g, param * self.shrink);
        let average = if self.mu == T::ONE { param } else { A::fma(param - average, self.mu, average) };
        (param, [average])
    }
}
