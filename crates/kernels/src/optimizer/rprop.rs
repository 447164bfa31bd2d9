//! Resilient backpropagation.

use super::{Gradient, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of Rprop (`torch.optim.Rprop`; Riedmiller and Braun, 1993), whose state begins with a
/// gradient of 0 and step sizes of the learning rate.
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// size = size * eta_plus where g has the sign of the gradient before, * eta_minus where it has the other,
///        between smallest and largest
/// g = 0 where it has the other
/// param = param - sign(g) * size
/// before = g
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RpropStep {
    /// Shrinks a step size, below 1.
    pub eta_minus: f64,
    /// Lets it grow, above 1.
    pub eta_plus: f64,
    /// Bound of the step sizes below.
    pub smallest: f64,
    /// And above.
    pub largest: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
}

impl RpropStep {
    pub(super) fn rule<T: Real>(&self, scale: T) -> Rprop<T> {
        Rprop {
            gradient: Gradient::new(scale, self.maximize, 0.0).scale,
            eta_minus: T::from_f64(self.eta_minus),
            eta_plus: T::from_f64(self.eta_plus),
            smallest: T::from_f64(self.smallest),
            largest: T::from_f64(self.largest),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Rprop<T> {
    gradient: T,
    eta_minus: T,
    eta_plus: T,
    smallest: T,
    largest: T,
}

impl<T: Real> Rule<T, 2> for Rprop<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, [before, size]: [T; 2]) -> (T, [T; 2]) {
        let g = grad * self.gradient;
        let product = g * before;
        let turned = product < T::ZERO;
        let grown = if product > T::ZERO { self.eta_plus } else { T::ONE };
        let factor = if turned { self.eta_minus } else { grown };
        let size = (size * factor).max(self.smallest).min(self.largest);
        let g = if turned { T::ZERO } else { g };
        let up = if g > T::ZERO { size } else { T::ZERO };
        let down = if g < T::ZERO { size } else { T::ZERO };
        (param - up + down, [g, size])
    }
}
