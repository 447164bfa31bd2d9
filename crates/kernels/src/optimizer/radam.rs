//! Rectified Adam.

use super::Rule;
use super::adam::Moments;
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of RAdam (`torch.optim.RAdam`; Liu et al., 2020).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param, or decoupled  param = param (1 - lr * weight_decay)
/// m = m + (1 - beta1) (g - m)
/// v = beta2 v + (1 - beta2) g^2
/// rho_inf = 2 / (1 - beta2) - 1
/// rho = rho_inf - 2 step beta2^step / (1 - beta2^step)
/// r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
/// u = r sqrt(1 - beta2^step) / (sqrt(v) + eps)  where rho > 5, else 1
/// param = param - lr / (1 - beta1^step) * m * u
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RadamStep {
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
    /// Shrinks the parameter itself instead of adding to the gradient.
    pub decoupled: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// The number of this step, from 1.
    pub step: u64,
}

/// The rule of one step: as long as the mean square rests on too few gradients it is not divided by.
pub(super) enum Rules<T> {
    Adaptive(Adaptive<T>),
    Plain(Plain<T>),
}

impl RadamStep {
    pub(super) fn rules<T: Real>(&self, scale: T) -> Rules<T> {
        assert!(self.step > 0, "radam: steps count from 1");
        let t = self.step as f64;
        let correction = 1.0 - self.beta2.powf(t);
        let rho_inf = 2.0 / (1.0 - self.beta2) - 1.0;
        let rho = rho_inf - 2.0 * t * self.beta2.powf(t) / correction;
        let rate = self.lr / (1.0 - self.beta1.powf(t));
        let moments = Moments::new(
            self.beta1,
            self.beta2,
            self.weight_decay,
            self.decoupled,
            self.lr,
            self.maximize,
            scale,
        );
        if rho > 5.0 {
            let rectification =
                ((rho - 4.0) * (rho - 2.0) * rho_inf / ((rho_inf - 4.0) * (rho_inf - 2.0) * rho)).sqrt();
            Rules::Adaptive(Adaptive {
                moments,
                eps: T::from_f64(self.eps),
                minus_rate: T::from_f64(-rate * correction.sqrt() * rectification),
            })
        } else {
            Rules::Plain(Plain { moments, minus_rate: T::from_f64(-rate) })
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Adaptive<T> {
    moments: Moments<T>,
    eps: T,
    minus_rate: T,
}

impl<T: Real> Rule<T, 2> for Adaptive<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, state: [T; 2]) -> (T, [T; 2]) {
        let (shrunk, _, m, v) = self.moments.after::<A>(param, grad, state);
        (A::fma(self.minus_rate, m / (v.sqrt() + self.eps), shrunk), [m, v])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Plain<T> {
    moments: Moments<T>,
    minus_rate: T,
}

impl<T: Real> Rule<T, 2> for Plain<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, state: [T; 2]) -> (T, [T; 2]) {
        let (shrunk, _, m, v) = self.moments.after::<A>(param, grad, state);
        (A::fma(self.minus_rate, m, shrunk), [m, v])
    }
}
