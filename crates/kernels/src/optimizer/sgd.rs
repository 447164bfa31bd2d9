//! Stochastic gradient descent, with momentum in its three forms.

use super::{Gradient, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of stochastic gradient descent (`torch.optim.SGD`).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// v = g on the first step, else momentum * v + (1 - dampening) * g
/// g = g + momentum * v if nesterov, else v
/// param = param - lr * g
/// ```
/// The three lines from `v` on need a momentum other than 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Share of the last velocity that is kept.
    pub momentum: f64,
    /// Share of the gradient that is kept from the velocity.
    pub dampening: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Looks ahead along the velocity.
    pub nesterov: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// Whether this is the parameter's first step, which starts the velocity at the gradient, undampened.
    pub first: bool,
}

impl SgdStep {
    pub(super) fn plain_rule<T: Real>(&self, scale: T) -> Plain<T> {
        Plain {
            gradient: Gradient::new(scale, self.maximize, self.weight_decay),
            minus_lr: T::from_f64(-self.lr),
        }
    }

    pub(super) fn momentum_rule<T: Real>(&self, scale: T) -> Momentum<T> {
        Momentum {
            plain: self.plain_rule(scale),
            kept: T::from_f64(self.momentum),
            fresh: T::from_f64(1.0 - self.dampening),
            nesterov: self.nesterov,
            first: self.first,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Plain<T> {
    gradient: Gradient<T>,
    minus_lr: T,
}

impl<T: Real> Rule<T, 0> for Plain<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, _: [T; 0]) -> (T, [T; 0]) {
        (A::fma(self.gradient.of::<A>(grad, param), self.minus_lr, param), [])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Momentum<T> {
    plain: Plain<T>,
    kept: T,
    /// `1 - dampening`
    fresh: T,
    nesterov: bool,
    first: bool,
}

impl<T: Real> Rule<T, 1> for Momentum<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [velocity]: [T; 1]) -> (T, [T; 1]) {
        let g = self.plain.gradient.of::<A>(grad, param);
        let v = if self.first { g } else { A::fma(g, self.fresh, velocity * self.kept) };
        let direction = if self.nesterov { A::fma(v, self.kept, g) } else { v };
        (A::fma(direction, self.plain.minus_lr, param), [v])
    }
}
