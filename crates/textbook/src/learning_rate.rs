//! Learning-rate schedules as functions of the step t = 0, 1, 2, ..
//!
//! Each gives the rate with which step t is made, so t = 0 is the rate an optimizer starts with. Names, defaults and
//! values are those of `torch.optim.lr_scheduler`.

use std::f64::consts::PI;

use crate::error::{Error, Result};

/// The base rate times gamma for every `step_size` steps done. `StepLR`.
pub fn step_decay(base: f64, step_size: usize, gamma: f64, t: usize) -> f64 {
    base * gamma.powi((t / step_size.max(1)) as i32)
}

/// base gamma^t. `ExponentialLR`.
pub fn exponential_decay(base: f64, gamma: f64, t: usize) -> f64 {
    base * gamma.powi(t as i32)
}

/// Half a cosine from `base` at t = 0 to `minimum` at t = `period`, and back up after it. `CosineAnnealingLR`.
///
/// ```text
/// minimum + (base - minimum) (1 + cos(pi t / period)) / 2
/// ```
pub fn cosine_annealing(base: f64, minimum: f64, period: usize, t: usize) -> f64 {
    minimum + (base - minimum) * (1.0 + (PI * t as f64 / period as f64).cos()) / 2.0
}

/// A straight line from `start_factor` base at t = 0 to base at t = `steps`, base afterwards. `LinearLR` with end
/// factor 1 (its defaults: start factor 1/3, 5 steps).
pub fn linear_warmup(base: f64, start_factor: f64, steps: usize, t: usize) -> f64 {
    if t >= steps {
        return base;
    }
    base * (start_factor + (1.0 - start_factor) * t as f64 / steps as f64)
}

/// Linear warm-up from base/steps, then a cosine to `minimum` at t = `total`: the usual schedule of language models.
///
/// ```text
/// t < warmup   base (t + 1) / warmup
/// else         minimum + (base - minimum) (1 + cos(pi (t - warmup) / (total - warmup))) / 2, minimum from total on
/// ```
pub fn warmup_cosine(base: f64, minimum: f64, warmup: usize, total: usize, t: usize) -> f64 {
    if t < warmup {
        base * (t + 1) as f64 / warmup as f64
    } else if t >= total {
        minimum
    } else {
        cosine_annealing(base, minimum, total - warmup, t - warmup)
    }
}

/// How a one-cycle schedule moves between its corners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anneal {
    /// Along half a cosine.
    #[default]
    Cosine,
    /// Along a straight line.
    Linear,
}

/// From `base` at t = 0 to `swa_rate` at t = `steps`, and on at that rate: the rate while weights are averaged
/// (Izmailov et al. 2018). `SWALR`. Without steps it is `swa_rate` from the beginning.
///
/// ```text
/// swa_rate a + base (1 - a)      a = t / steps, at most 1; along a cosine (1 - cos(pi t / steps)) / 2
/// ```
pub fn swa_annealing(base: f64, swa_rate: f64, steps: usize, anneal: Anneal, t: usize) -> f64 {
    let share = if t >= steps { 1.0 } else { t as f64 / steps as f64 };
    let a = match anneal {
        Anneal::Cosine => (1.0 - (PI * share).cos()) / 2.0,
        Anneal::Linear => share,
    };
    swa_rate * a + base * (1.0 - a)
}

/// Up from maximum/div to the maximum, then down to maximum/(div final_div). Smith and Topin 2018. `OneCycleLR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// The peak.
    pub maximum: f64,
    /// All steps of the cycle.
    pub total_steps: usize,
    /// Share of the steps that go up.
    pub rising_share: f64,
    /// The start is maximum / div.
    pub div: f64,
    /// The end is start / final_div.
    pub final_div: f64,
    /// The way between.
    pub anneal: Anneal,
}

impl OneCycle {
    /// PyTorch's defaults: 30 % rising, div 25, final_div 1e4, cosine.
    pub fn new(maximum: f64, total_steps: usize) -> Self {
        OneCycle {
            maximum,
            total_steps,
            rising_share: 0.3,
            div: 25.0,
            final_div: 1e4,
            anneal: Anneal::Cosine,
        }
    }

    /// The rate of step t; an error from `total_steps` on, where the cycle is over.
    pub fn at(&self, t: usize) -> Result<f64> {
        if t >= self.total_steps {
            return Err(Error::new(
                "one_cycle",
                format!("step {t} of a cycle of {} steps", self.total_steps),
            ));
        }
        let start = self.maximum / self.div;
        let end = start / self.final_div;
        let (t, last) = (t as f64, self.total_steps as f64 - 1.0);
        let peak = self.rising_share * self.total_steps as f64 - 1.0;
        let between = |from: f64, to: f64, share: f64| match self.anneal {
            Anneal::Cosine => to + (from - to) / 2.0 * (1.0 + (PI * share).cos()),
            Anneal::Linear => from + (to - from) * share,
        };
        Ok(if t <= peak && peak > 0.0 {
            between(start, self.maximum, t / peak)
        } else {
            between(self.maximum, end, (t - peak) / (last - peak))
        })
    }
}

/// Multiply the rate by `factor` when the loss has not improved for more than `patience` epochs. `ReduceLROnPlateau`,
/// mode "min", relative threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReduceOnPlateau {
    /// The rate at the start.
    pub base: f64,
    /// What a reduction multiplies by.
    pub factor: f64,
    /// Epochs without improvement that are tolerated.
    pub patience: usize,
    /// An improvement is a loss below best (1 - threshold).
    pub threshold: f64,
    /// Epochs after a reduction in which none is counted.
    pub cooldown: usize,
    /// The rate never falls below.
    pub minimum: f64,
}

impl ReduceOnPlateau {
    /// PyTorch's defaults: factor 0.1, patience 10, threshold 1e-4, no cooldown, minimum 0.
    pub fn new(base: f64) -> Self {
        ReduceOnPlateau { base, factor: 0.1, patience: 10, threshold: 1e-4, cooldown: 0, minimum: 0.0 }
    }

    /// The rate after each epoch, from the epochs' losses.
    pub fn rates(&self, losses: &[f64]) -> Vec<f64> {
        let (mut rate, mut best) = (self.base, f64::INFINITY);
        let (mut bad_epochs, mut cooling) = (0, 0);
        let mut rates = Vec::with_capacity(losses.len());
        for &loss in losses {
            if loss < best * (1.0 - self.threshold) {
                best = loss;
                bad_epochs = 0;
            } else {
                bad_epochs += 1;
            }
            if cooling > 0 {
                cooling -= 1;
                bad_epochs = 0;
            }
            if bad_epochs > self.patience {
                let reduced = (rate * self.factor).max(self.minimum);
                // PyTorch does not bother with reductions below 1e-8.
                rate = if rate - reduced > 1e-8 { reduced } else { rate };
                cooling = self.cooldown;
                bad_epochs = 0;
            }
            rates.push(rate);
        }
        rates
    }
}
