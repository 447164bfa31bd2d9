//! Adadelta.

use super::{Gradient, Mean, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of Adadelta (`torch.optim.Adadelta`; Zeiler, 2012).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// s = rho s + (1 - rho) g^2
/// d = sqrt(u + eps) / sqrt(s + eps) * g
/// u = rho u + (1 - rho) d^2
/// param = param - lr * d
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdadeltaStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of both mean squares.
    pub rho: f64,
    /// Added to the mean squares inside their roots.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
}

impl AdadeltaStep {
    pub(super) fn rule<T: Real>(&self, scale: T) -> Adadelta<T> {
        Adadelta {
            gradient: Gradient::new(scale, self.maximize, self.weight_decay),
            mean: Mean::new(self.rho),
            eps: T::from_f64(self.eps),
            minus_lr: T::from_f64(-self.lr),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Adadelta<T> {
    gradient: Gradient<T>,
    mean: Mean<T>,
    eps: T,
    minus_lr: T,
}

impl<T: Real> Rule<T, 2> for Adadelta<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [square, moved]: [T; 2]) -> (T, [T; 2]) {
        let g = self.gradient.of::<A>(grad, param);
        let square = self.mean.after_square::<A>(square, g);
        let delta = (moved + self.eps).sqrt() / (square + self.eps).sqrt() * g;
        let moved = self.mean.after_square::<A>(moved, delta);
        (A::fma(self.minus_lr, delta, param), [square, moved])
    }
}
