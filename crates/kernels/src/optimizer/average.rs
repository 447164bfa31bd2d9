//! Averages of parameters over steps.

use super::{Mean, Rule};
use crate::isa::Arch;
use crate::real::Real;

/// The settings of one step of an average (`torch.optim.swa_utils.AveragedModel`), whose parameter is the average and
/// whose gradient is the new value.
///
/// ```text
/// average = average + (1 - decay) (scale * value - average)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AverageStep {
    /// The share of the average that stays: constant for an exponential average, n / (n + 1) for the mean of all.
    pub decay: f64,
}

impl AverageStep {
    pub(super) fn rule<T: Real>(self, scale: T) -> Average<T> {
        Average { scale, mean: Mean::new(self.decay) }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Average<T> {
    scale: T,
    mean: Mean<T>,
}

impl<T: Real> Rule<T, 0> for Average<T> {
    #[inline(always)]
    fn apply<A: Arch>(&self, param: T, grad: T, _: [T; 0]) -> (T, [T; 0]) {
        (self.mean.after::<A>(param, grad * self.scale), [])
    }
}
