//! The sequences behind `barehand.optim.lr_scheduler`.

use std::sync::Mutex;

use barehand_nn::Schedule;
use barehand_nn::schedule::{OneCycle, Plateau, ReduceOnPlateau};
use pyo3::prelude::*;

use crate::error::{Failure, Result};
use crate::tensor::locked;

/// A learning rate as a function of the step.
#[pyclass(name = "Schedule", module = "barehand.optim.lr_scheduler", frozen)]
struct PySchedule(Schedule);

impl PySchedule {
    fn of(schedule: Schedule) -> Result<Self> {
        schedule.validate()?;
        Ok(PySchedule(schedule))
    }
}

#[pymethods]
impl PySchedule {
    #[staticmethod]
    fn constant(factor: f64, total_iters: u64) -> Result<Self> {
        PySchedule::of(Schedule::Constant { factor, total_iters })
    }

    #[staticmethod]
    fn step(step_size: u64, gamma: f64) -> Result<Self> {
        PySchedule::of(Schedule::Step { step_size, gamma })
    }

    #[staticmethod]
    fn multi_step(milestones: Vec<u64>, gamma: f64) -> Result<Self> {
        PySchedule::of(Schedule::MultiStep { milestones, gamma })
    }

    #[staticmethod]
    fn exponential(gamma: f64) -> Result<Self> {
        PySchedule::of(Schedule::Exponential { gamma })
    }

    #[staticmethod]
    fn cosine_annealing(t_max: u64, eta_min: f64) -> Result<Self> {
        PySchedule::of(Schedule::CosineAnnealing { t_max, eta_min })
    }

    #[staticmethod]
    fn linear(start_factor: f64, end_factor: f64, total_iters: u64) -> Result<Self> {
        PySchedule::of(Schedule::Linear { start_factor, end_factor, total_iters })
    }

    #[staticmethod]
    fn polynomial(total_iters: u64, power: f64) -> Result<Self> {
        PySchedule::of(Schedule::Polynomial { total_iters, power })
    }

    #[staticmethod]
    fn swa(swa_lr: f64, anneal_epochs: u64, linear: bool) -> Result<Self> {
        PySchedule::of(Schedule::Swa { swa_lr, anneal_epochs, linear })
    }

    #[staticmethod]
    fn one_cycle(
        max_lr: f64,
        total_steps: u64,
        pct_start: f64,
        linear: bool,
        cycle_momentum: bool,
        base_momentum: f64,
        max_momentum: f64,
        div_factor: f64,
        final_div_factor: f64,
        three_phase: bool,
    ) -> Result<Self> {
        PySchedule::of(Schedule::OneCycle(OneCycle {
            max_lr,
            total_steps,
            pct_start,
            linear,
            cycle_momentum,
            base_momentum,
            max_momentum,
            div_factor,
            final_div_factor,
            three_phase,
        }))
    }

    /// The rate of a step, counted from 0, over a base rate.
    fn learning_rate(&self, base: f64, step: u64) -> f64 {
        self.0.learning_rate(base, step)
    }

    /// The momentum of a step, where the schedule cycles it.
    fn momentum(&self, step: u64) -> Option<f64> {
        self.0.momentum(step)
    }

    /// The rate of a step that follows from the rate at the step before, whoever set that.
    ///
    /// Every schedule is a line in its base rate, so the rate before names the base rate it would have come from; where
    /// the line is flat (a factor of 0) every base rate would, and the schedule's own is taken.
    fn chained(&self, base: f64, rate: f64, step: u64) -> f64 {
        let (at, of_one) = match step.checked_sub(1) {
            Some(before) => (self.0.learning_rate(0.0, before), self.0.learning_rate(1.0, before)),
            None => (0.0, 1.0),
        };
        let slope = of_one - at;
        let base = if slope == 0.0 { base } else { (rate - at) / slope };
        self.0.learning_rate(base, step)
    }
}

/// What a loss that should fall has done so far, and whether it is time to reduce the rate.
#[pyclass(name = "Plateau", module = "barehand.optim.lr_scheduler", frozen)]
struct PyPlateau {
    options: ReduceOnPlateau,
    seen: Mutex<Plateau>,
}

#[pymethods]
impl PyPlateau {
    #[new]
    fn new(
        maximize: bool,
        factor: f64,
        patience: u64,
        threshold: f64,
        absolute: bool,
        cooldown: u64,
        eps: f64,
    ) -> Result<Self> {
        let options =
            ReduceOnPlateau { maximize, factor, patience, threshold, absolute, cooldown, min_lr: 0.0, eps };
        if factor.is_nan() || factor >= 1.0 {
            return Err(Failure::value("ReduceLROnPlateau", "Factor should be < 1.0."));
        }
        Ok(PyPlateau { options, seen: Mutex::default() })
    }

    /// Takes a metric, and says whether the rate is to be reduced now.
    fn observe(&self, metric: f64) -> bool {
        locked(&self.seen).observe(&self.options, metric)
    }

    /// The rate after one more reduction, not below `min_lr`.
    fn reduced(&self, rate: f64, min_lr: f64) -> f64 {
        ReduceOnPlateau { min_lr, ..self.options.clone() }.reduced(rate)
    }

    /// The best metric, how many were no better since, and how many more are not judged.
    #[getter]
    fn state(&self) -> (Option<f64>, u64, u64) {
        let seen = locked(&self.seen);
        (seen.best, seen.bad, seen.cooling)
    }

    #[setter]
    fn set_state(&self, state: (Option<f64>, u64, u64)) {
        let (best, bad, cooling) = state;
        *locked(&self.seen) = Plateau { best, bad, cooling };
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySchedule>()?;
    module.add_class::<PyPlateau>()
}
