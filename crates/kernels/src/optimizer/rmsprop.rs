//! RMSprop, in its four forms.

use super::{Gradient, Mean, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of RMSprop (`torch.optim.RMSprop`; Hinton, 2012; centered: Graves, 2013).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// s = alpha s + (1 - alpha) g^2
/// a = a + (1 - alpha) (g - a)     (centered)
/// d = sqrt(s) + eps, or centered  sqrt(s - a^2) + eps
/// v = momentum v + g / d          (with a momentum)
/// param = param - lr * v          (without: - lr * g / d)
/// ```
/// Where rounding makes `s - a^2` negative it counts as 0, of which PyTorch takes the root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmspropStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the means.
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Share of the last velocity that is kept.
    pub momentum: f64,
    /// Divides by the deviation from the mean instead of from 0.
    pub centered: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
}

impl RmspropStep {
    pub(super) fn rule<T: Real>(&self, scale: T) -> Numbers<T> {
        Numbers {
            gradient: Gradient::new(scale, self.maximize, self.weight_decay),
            mean: Mean::new(self.alpha),
            eps: T::from_f64(self.eps),
            momentum: T::from_f64(self.momentum),
            minus_lr: T::from_f64(-self.lr),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Numbers<T> {
    gradient: Gradient<T>,
    mean: Mean<T>,
    eps: T,
    momentum: T,
    minus_lr: T,
}

impl<T: Real> Numbers<T> {
    /// The gradient to descend along, and the mean square.
    #[inline(always)]
    fn square<A: Arch>(&self, param: T, grad: T, square: T) -> (T, T) {
        let g = self.gradient.of::<A>(grad, param);
        (g, self.mean.after_square::<A>(square, g))
    }

    /// The deviation from the mean, which is returned as well.
    #[inline(always)]
    fn deviation<A: Arch>(&self, g: T, square: T, mean: T) -> (T, T) {
        let mean = self.mean.after::<A>(mean, g);
        (T::ZERO.max(square - mean * mean).sqrt(), mean)
    }

    #[inline(always)]
    fn plain<A: Arch>(&self, param: T, g: T, root: T) -> T {
        A::fma(self.minus_lr, g / (root + self.eps), param)
    }

    #[inline(always)]
    fn with_momentum<A: Arch>(&self, param: T, g: T, root: T, velocity: T) -> (T, T) {
        let velocity = A::fma(velocity, self.momentum, g / (root + self.eps));
        (A::fma(self.minus_lr, velocity, param), velocity)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Plain<T>(pub Numbers<T>);

impl<T: Real> Rule<T, 1> for Plain<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [square]: [T; 1]) -> (T, [T; 1]) {
        let (g, square) = self.0.square::<A>(param, grad, square);
        (self.0.plain::<A>(param, g, square.sqrt()), [square])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Momentum<T>(pub Numbers<T>);

impl<T: Real> Rule<T, 2> for Momentum<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [square, velocity]: [T; 2]) -> (T, [T; 2]) {
        let (g, square) = self.0.square::<A>(param, grad, square);
        let (param, velocity) = self.0.with_momentum::<A>(param, g, square.sqrt(), velocity);
        (param, [square, velocity])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Centered<T>(pub Numbers<T>);

impl<T: Real> Rule<T, 2> for Centered<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [square, mean]: [T; 2]) -> (T, [T; 2]) {
        let (g, square) = self.0.square::<A>(param, grad, square);
        let (root, mean) = self.0.deviation::<A>(g, square, mean);
        (self.0.plain::<A>(param, g, root), [square, mean])
    }
}

#[derive(Clone, Copy)]
pub(super) struct CenteredMomentum<T>(pub Numbers<T>);

impl<T: Real> Rule<T, 3> for CenteredMomentum<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [square, velocity, mean]: [T; 3]) -> (T, [T; 3]) {
        let (g, square) = self.0.square::<A>(param, grad, square);
        let (root, mean) = self.0.deviation::<A>(g, square, mean);
        let (param, velocity) = self.0.with_momentum::<A>(param, g, root, velocity);
        (param, [square, velocity, mean])
    }
}
