//! Learning-rate schedules: pure functions of the step, PyTorch's sequences.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::{Error, Float, Optimizer, Result};

/// How the learning rate changes from step to step. Names and defaults are those of `torch.optim.lr_scheduler`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// The base rate times `factor` for the first `total_iters` steps, then the base rate (`ConstantLR`).
    Constant {
        /// Multiplies the rate.
        factor: f64,
        /// For how many steps.
        total_iters: u64,
    },
    /// Times `gamma` every `step_size` steps (`StepLR`).
    Step {
        /// Steps between changes.
        step_size: u64,
        /// Multiplies the rate.
        gamma: f64,
    },
    /// Times `gamma` at each milestone; one that is named twice counts twice (`MultiStepLR`).
    MultiStep {
        /// The steps at which the rate changes.
        milestones: Vec<u64>,
        /// Multiplies the rate.
        gamma: f64,
    },
    /// Times `gamma` every step (`ExponentialLR`).
    Exponential {
        /// Multiplies the rate.
        gamma: f64,
    },
    /// Half a cosine wave from the base rate to `eta_min` in `t_max` steps, and back (`CosineAnnealingLR`).
    CosineAnnealing {
        /// Steps of half a wave.
        t_max: u64,
        /// The lowest rate.
        eta_min: f64,
    },
    /// A line from `start_factor` to `end_factor` times the base rate in `total_iters` steps: a warm-up (`LinearLR`).
    Linear {
        /// Multiplies the first rate.
        start_factor: f64,
        /// Multiplies the last rate.
        end_factor: f64,
        /// Steps from one to the other.
        total_iters: u64,
    },
    /// (1 - t / total_iters)^power times the base rate (`PolynomialLR`).
    Polynomial {
        /// Steps until 0.
        total_iters: u64,
        /// The exponent.
        power: f64,
    },
    /// From the base rate to `swa_lr` in `anneal_epochs` steps, and on at that rate, for averages of weights
    /// (Izmailov et al. 2018; `SWALR`). Without steps in between it is `swa_lr` from the beginning.
    Swa {
        /// The last rate.
        swa_lr: f64,
        /// Steps from one to the other.
        anneal_epochs: u64,
        /// Whether the rate changes along a line instead of half a cosine wave.
        linear: bool,
    },
    /// One schedule after another, each counting from its own beginning (`SequentialLR`).
    Sequential {
        /// The schedules.
        schedules: Vec<Schedule>,
        /// The step at which each but the first begins.
        milestones: Vec<u64>,
    },
    /// Up to `max_lr` and down again, momentum the other way (Smith and Topin 2018; `OneCycleLR`).
    OneCycle(OneCycle),
    /// Times `factor` when a measured loss stops falling (`ReduceLROnPlateau`).
    ReduceOnPlateau(ReduceOnPlateau),
}

/// The options of [`Schedule::OneCycle`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OneCycle {
    /// The highest rate.
    pub max_lr: f64,
    /// Steps of the whole cycle.
    pub total_steps: u64,
    /// The share of the steps that climb. Default 0.3.
    pub pct_start: f64,
    /// Whether the rate changes along a line instead of half a cosine wave. Default false.
    pub linear: bool,
    /// Whether momentum is cycled too. Default true.
    pub cycle_momentum: bool,
    /// The lowest momentum. Default 0.85.
    pub base_momentum: f64,
    /// The highest momentum. Default 0.95.
    pub max_momentum: f64,
    /// The first rate is max_lr / div_factor. Default 25.
    pub div_factor: f64,
    /// The last rate is the first / final_div_factor. Default 1e4.
    pub final_div_factor: f64,
    /// Whether a third phase goes down from the first rate to the last. Default false.
    pub three_phase: bool,
}

impl Default for OneCycle {
    fn default() -> Self {
        OneCycle {
            max_lr: 0.1,
            total_steps: 1,
            pct_start: 0.3,
            linear: false,
            cycle_momentum: true,
            base_momentum: 0.85,
            max_momentum: 0.95,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

impl OneCycle {
    /// The rate and the momentum of a step.
    fn at(&self, step: u64) -> (f64, f64) {
        let first = self.max_lr / self.div_factor;
        let last = first / self.final_div_factor;
        let (low, high) = (self.base_momentum, self.max_momentum);
        let (total, top) = (self.total_steps as f64, self.pct_start * self.total_steps as f64 - 1.0);
        // Each phase: its last step, and what the rate and the momentum go to.
        let phases: &[(f64, f64, f64)] = if self.three_phase {
            &[(top, self.max_lr, low), (2.0 * top, first, high), (total - 1.0, last, high)]
        } else {
            &[(top, self.max_lr, low), (total - 1.0, last, high)]
        };
        let step = step as f64;
        let (mut begin, mut from) = (0.0, (first, high));
        for (i, &(end, rate, momentum)) in phases.iter().enumerate() {
            if step <= end || i + 1 == phases.len() {
                let share = (step - begin) / (end - begin);
                let between = |from: f64, to: f64| {
                    if self.linear {
                        from + share * (to - from)
                    } else {
                        to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
                    }
                };
                return (between(from.0, rate), between(from.1, momentum));
            }
            (begin, from) = (end, (rate, momentum));
        }
        from
    }
}

/// The options of [`Schedule::ReduceOnPlateau`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReduceOnPlateau {
    /// Whether larger metrics are better. Default false.
    pub maximize: bool,
    /// Multiplies the rate. Default 0.1.
    pub factor: f64,
    /// How many metrics without improvement are accepted. Default 10.
    pub patience: u64,
    /// What counts as an improvement. Default 1e-4.
    pub threshold: f64,
    /// Whether the threshold is a difference instead of a share of the best metric. Default false.
    pub absolute: bool,
    /// How many metrics after a reduction are not judged. Default 0.
    pub cooldown: u64,
    /// The lowest rate. Default 0.
    pub min_lr: f64,
    /// Reductions smaller than this are not made. Default 1e-8.
    pub eps: f64,
}

impl Default for ReduceOnPlateau {
    fn default() -> Self {
        ReduceOnPlateau {
            maximize: false,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

impl ReduceOnPlateau {
    /// The rate after one more reduction from `rate`, which it is itself where the reduction would be too small to make.
    pub fn reduced(&self, rate: f64) -> f64 {
        let reduced = (rate * self.factor).max(self.min_lr);
        if rate - reduced > self.eps { reduced } else { rate }
    }

    fn improves(&self, metric: f64, best: Option<f64>) -> bool {
        let Some(best) = best else { return !metric.is_nan() };
        match (self.maximize, self.absolute) {
            (false, false) => metric < best * (1.0 - self.threshold),
            (false, true) => metric < best - self.threshold,
            (true, false) => metric > best * (1.0 + self.threshold),
            (true, true) => metric > best + self.threshold,
        }
    }
}

impl Schedule {
    /// [`Schedule::Linear`] from `start_factor` to the full rate.
    pub fn warm_up(start_factor: f64, steps: u64) -> Self {
        Schedule::Linear { start_factor, end_factor: 1.0, total_iters: steps }
    }

    /// A warm-up from `start_factor` of the rate in `warm_up` steps, then a cosine to `eta_min` at step `total`.
    pub fn warm_up_cosine(start_factor: f64, warm_up: u64, total: u64, eta_min: f64) -> Self {
        Schedule::Sequential {
            schedules: vec![
                Schedule::warm_up(start_factor, warm_up),
                Schedule::CosineAnnealing { t_max: total.saturating_sub(warm_up), eta_min },
            ],
            milestones: vec![warm_up],
        }
    }

    /// The rate of a step, counted from 0. [`Schedule::ReduceOnPlateau`] depends on metrics: here it is the base rate.
    pub fn learning_rate(&self, base: f64, step: u64) -> f64 {
        let t = step as f64;
        match self {
            Schedule::Constant { factor, total_iters } => {
                if step < *total_iters {
                    base * factor
                } else {
                    base
                }
            }
            Schedule::Step { step_size, gamma } => base * gamma.powf((step / step_size) as f64),
            Schedule::MultiStep { milestones, gamma } => {
                base * gamma.powf(milestones.iter().filter(|&&milestone| milestone <= step).count() as f64)
            }
            Schedule::Exponential { gamma } => base * gamma.powf(t),
            Schedule::CosineAnnealing { t_max, eta_min } => {
                eta_min + (base - eta_min) * (1.0 + (PI * t / *t_max as f64).cos()) / 2.0
            }
            Schedule::Linear { start_factor, end_factor, total_iters } => {
                let share =
                    if *total_iters == 0 { 1.0 } else { t.min(*total_iters as f64) / *total_iters as f64 };
                base * (start_factor + (end_factor - start_factor) * share)
            }
            Schedule::Polynomial { total_iters, power } => {
                base * (1.0 - t.min(*total_iters as f64) / *total_iters as f64).powf(*power)
            }
            Schedule::Swa { swa_lr, anneal_epochs, linear } => {
                let share = if *anneal_epochs == 0 {
                    1.0
                } else {
                    t.min(*anneal_epochs as f64) / *anneal_epochs as f64
                };
                let share = if *linear { share } else { (1.0 - (PI * share).cos()) / 2.0 };
                swa_lr * share + base * (1.0 - share)
            }
            Schedule::Sequential { schedules, milestones } => {
                let part = milestones.iter().filter(|&&milestone| milestone <= step).count();
                let begin = if part == 0 { 0 } else { milestones[part - 1] };
                schedules[part].learning_rate(base, step - begin)
            }
            Schedule::OneCycle(cycle) => cycle.at(step).0,
            Schedule::ReduceOnPlateau(_) => base,
        }
    }

    /// The momentum of a step, where the schedule cycles it.
    pub fn momentum(&self, step: u64) -> Option<f64> {
        match self {
            Schedule::OneCycle(cycle) if cycle.cycle_momentum => Some(cycle.at(step).1),
            _ => None,
        }
    }

    /// Refuses settings that define no sequence.
    ///
    /// # Errors
    /// When a length is 0, milestones are out of order or do not fit the schedules, or a factor is out of range.
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::value("schedule", message));
        match self {
            Schedule::Constant { factor, .. } if !(0.0..=1.0).contains(factor) => {
                refuse(format!("factor = {factor} must be from 0 to 1"))
            }
            Schedule::Step { step_size: 0, .. } => refuse("step_size must be at least 1".into()),
            Schedule::CosineAnnealing { t_max: 0, .. } => refuse("t_max must be at least 1".into()),
            Schedule::Polynomial { total_iters: 0, .. } => refuse("total_iters must be at least 1".into()),
            Schedule::Linear { start_factor, end_factor, .. }
                if !(*start_factor > 0.0 && *start_factor <= 1.0 && (0.0..=1.0).contains(end_factor)) =>
            {
                refuse(format!(
                    "start_factor = {start_factor} must be above 0 and at most 1, end_factor = {end_factor} from 0 to 1"
                ))
            }
            Schedule::Sequential { schedules, milestones } => {
                if schedules.len() != milestones.len() + 1 || !milestones.is_sorted() {
                    return refuse(format!(
                        "{} schedules need {} milestones in order, not {milestones:?}",
                        schedules.len(),
                        schedules.len().saturating_sub(1)
                    ));
                }
                for schedule in schedules {
                    if matches!(schedule, Schedule::ReduceOnPlateau(_)) {
                        return refuse("reduce_on_plateau cannot be part of a sequence".into());
                    }
                    schedule.validate()?;
                }
                Ok(())
            }
            Schedule::OneCycle(cycle)
                if cycle.total_steps == 0 || !(0.0..=1.0).contains(&cycle.pct_start) =>
            {
                refuse(format!(
                    "total_steps = {} must be at least 1 and pct_start = {} from 0 to 1",
                    cycle.total_steps, cycle.pct_start
                ))
            }
            Schedule::ReduceOnPlateau(plateau) if plateau.factor >= 1.0 => {
                refuse(format!("factor = {} must be below 1", plateau.factor))
            }
            _ => Ok(()),
        }
    }
}

/// A [`Schedule`] on its way: which step it is at, and what it has seen. Serialise it to resume exactly.
///
/// ```
/// use barehand_nn::{Schedule, Scheduler};
///
/// let mut scheduler = Scheduler::new(Schedule::Step { step_size: 2, gamma: 0.1 }, 1.0).unwrap();
/// let rates: Vec<f64> = (0..4).map(|_| { let rate = scheduler.learning_rate(); scheduler.step(None).unwrap(); rate }).collect();
/// assert_eq!(rates, [1.0, 1.0, 0.1, 0.1]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheduler {
    schedule: Schedule,
    base: f64,
    step: u64,
    plateau: Reduced,
}

/// The rate that [`Schedule::ReduceOnPlateau`] has come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reduced {
    rate: f64,
    #[serde(flatten)]
    seen: Plateau,
}

/// What [`Schedule::ReduceOnPlateau`] has seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// The best metric so far.
    pub best: Option<f64>,
    /// How many metrics in a row were no improvement.
    pub bad: u64,
    /// How many metrics more are not judged.
    pub cooling: u64,
}

impl Plateau {
    /// Takes a metric, and says whether the rate is to be reduced now.
    pub fn observe(&mut self, options: &ReduceOnPlateau, metric: f64) -> bool {
        if options.improves(metric, self.best) {
            (self.best, self.bad) = (Some(metric), 0);
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            (self.cooling, self.bad) = (self.cooling - 1, 0);
        }
        let reduce = self.bad > options.patience;
        if reduce {
            (self.cooling, self.bad) = (options.cooldown, 0);
        }
        reduce
    }
}

impl Scheduler {
    /// A schedule at its beginning, over a base rate.
    ///
    /// # Errors
    /// As [`Schedule::validate`].
    pub fn new(schedule: Schedule, base: f64) -> Result<Self> {
        schedule.validate()?;
        Ok(Scheduler { schedule, base, step: 0, plateau: Reduced { rate: base, seen: Plateau::default() } })
    }

    /// The rate of the step to come.
    pub fn learning_rate(&self) -> f64 {
        match self.schedule {
            Schedule::ReduceOnPlateau(_) => self.plateau.rate,
            _ => self.schedule.learning_rate(self.base, self.step),
        }
    }

    /// The momentum of the step to come, where the schedule cycles it.
    pub fn momentum(&self) -> Option<f64> {
        self.schedule.momentum(self.step)
    }

    /// The number of steps made.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The schedule itself.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Hands the rate, and a cycled momentum, to an optimizer.
    pub fn apply<T: Float>(&self, optimizer: &mut dyn Optimizer<T>) {
        optimizer.set_learning_rate(self.learning_rate());
        if let Some(momentum) = self.momentum() {
            optimizer.set_momentum(momentum);
        }
    }

    /// Moves to the next step, whose rate it returns. Only [`Schedule::ReduceOnPlateau`] looks at the metric.
    ///
    /// # Errors
    /// When a metric is needed and not given, or a one-cycle schedule has no step left.
    pub fn step(&mut self, metric: Option<f64>) -> Result<f64> {
        match &self.schedule {
            Schedule::ReduceOnPlateau(options) => {
                let metric =
                    metric.ok_or_else(|| Error::value("schedule", "reduce_on_plateau needs a metric"))?;
                if self.plateau.seen.observe(options, metric) {
                    self.plateau.rate = options.reduced(self.plateau.rate);
                }
            }
            Schedule::OneCycle(cycle) if self.step >= cycle.total_steps => {
                return Err(Error::value(
                    "schedule",
                    format!("one_cycle ends after {} steps", cycle.total_steps),
                ));
            }
            _ => {}
        }
        self.step += 1;
        Ok(self.learning_rate())
    }
}
