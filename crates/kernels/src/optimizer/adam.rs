//! Adam and AdamW, with or without the running maximum.

use super::{Gradient, Mean, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of Adam (`torch.optim.Adam`; Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param    (Adam), or  param = param (1 - lr * weight_decay)  (AdamW)
/// m = m + (1 - beta1) (g - m)
/// v = beta2 v + (1 - beta2) g^2
/// u = v, or with amsgrad the largest v so far
/// param = param - lr / (1 - beta1^step) * m / (sqrt(u) / sqrt(1 - beta2^step) + eps)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
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
    /// Shrinks the parameter itself (AdamW) instead of adding to the gradient.
    pub decoupled: bool,
    /// Divides by the largest mean square so far (Reddi, Kale and Kumar, 2018).
    pub amsgrad: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// The number of this step, from 1.
    pub step: u64,
}

impl AdamStep {
    pub(super) fn rule<T: Real>(&self, scale: T) -> Adam<T> {
        assert!(self.step > 0, "adam: steps count from 1");
        let step = self.step as f64;
        Adam {
            moments: Moments::new(
                self.beta1,
                self.beta2,
                self.weight_decay,
                self.decoupled,
                self.lr,
                self.maximize,
                scale,
            ),
            root_correction: T::from_f64((1.0 - self.beta2.powf(step)).sqrt()),
            eps: T::from_f64(self.eps),
            minus_step_size: T::from_f64(-(self.lr / (1.0 - self.beta1.powf(step)))),
        }
    }

    pub(super) fn amsgrad_rule<T: Real>(&self, scale: T) -> Amsgrad<T> {
        Amsgrad(self.rule(scale))
    }
}

/// What the relatives of Adam share: the weight decay, coupled or not, and the means of gradient and square.
#[derive(Clone, Copy)]
pub(super) struct Moments<T> {
    gradient: Gradient<T>,
    /// `1 - lr * weight_decay` where the decay is decoupled, else 1.
    shrink: T,
    first: Mean<T>,
    second: Mean<T>,
}

impl<T: Real> Moments<T> {
    pub(super) fn new(
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        decoupled: bool,
        lr: f64,
        maximize: bool,
        scale: T,
    ) -> Self {
        Moments {
            gradient: Gradient::new(scale, maximize, if decoupled { 0.0 } else { weight_decay }),
            shrink: T::from_f64(if decoupled { 1.0 - lr * weight_decay } else { 1.0 }),
            first: Mean::new(beta1),
            second: Mean::new(beta2),
        }
    }

    /// The shrunk parameter, the gradient to descend along, and both means.
    #[inline(always)]
    pub(super) fn after<A: Arch>(&self, param: T, grad: T, [m, v]: [T; 2]) -> (T, T, T, T) {
        let g = self.gradient.of::<A>(grad, param);
        (param * self.shrink, g, self.first.after::<A>(m, g), self.second.after_square::<A>(v, g))
    }
}

/// The bias corrections are computed in `f64` and rounded once.
#[derive(Clone, Copy)]
pub(super) struct Adam<T> {
    moments: Moments<T>,
    /// `sqrt(1 - beta2^step)`
    root_correction: T,
    eps: T,
    /// `-lr / (1 - beta1^step)`
    minus_step_size: T,
}

impl<T: Real> Adam<T> {
    #[inline(always)]
    fn moved<A: Arch>(&self, shrunk: T, m: T, square: T) -> T {
        let denominator = square.sqrt() / self.root_correction + self.eps;
        A::fma(self.minus_step_size, m / denominator, shrunk)
    }
}

impl<T: Real> Rule<T, 2> for Adam<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, state: [T; 2]) -> (T, [T; 2]) {
        let (shrunk, _, m, v) = self.moments.after::<A>(param, grad, state);
        (self.moved::<A>(shrunk, m, v), [m, v])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Amsgrad<T>(Adam<T>);

impl<T: Real> Rule<T, 3> for Amsgrad<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [m, v, v_max]: [T; 3]) -> (T, [T; 3]) {
        let (shrunk, _, m, v) = self.0.moments.after::<A>(param, grad, [m, v]);
        let v_max = v_max.max(v);
        (self.0.moved::<A>(shrunk, m, v_max), [m, v, v_max])
    }
}
