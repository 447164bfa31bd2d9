//! What [`SgdClassifier`](super::SgdClassifier) and [`SgdRegressor`](super::SgdRegressor) share: parameters, epochs, when to
//! stop.

use barehand_kernels::stochastic_gradient::{Descent, Loss, SampleRows, Schedule, State};
use barehand_tensor::{Error, Float, Result, Tensor};

use super::coordinate_descent::xorshift;
use super::samples::{Samples, rows};
use crate::record::Record;

/// What stochastic gradient descent adds to the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum SgdPenalty {
    /// Nothing.
    None,
    /// `alpha |coef|^2 / 2`
    #[default]
    L2,
    /// `alpha |coef|_1`
    L1,
    /// Both, of which this part is L1.
    ElasticNet(f64),
}

/// How long steps are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LearningRate {
    /// `eta0`
    Constant,
    /// `1 / (alpha (t0 + t - 1))`, where Bottou's `t0` makes the first step as long as coefficients are likely to be.
    Optimal,
    /// `eta0 / t^power_t`
    InvScaling,
    /// `eta0`, divided by 5 whenever `n_iter_no_change` epochs gain less than `tol`.
    Adaptive,
    /// As long as makes up for the loss, `eta0` at most: passive aggressive, the first form.
    Pa1,
    /// The second form, with a slack of `1 / (2 eta0)`.
    Pa2,
}

/// The parameters of a descent, with scikit-learn's names.
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd {
    /// What is minimised.
    pub loss: Loss,
    /// What is added to it.
    pub penalty: SgdPenalty,
    /// Strength of the penalty.
    pub alpha: f64,
    /// Whether to fit intercepts.
    pub fit_intercept: bool,
    /// Epochs at most.
    pub max_iter: usize,
    /// What an epoch must gain; None for all epochs, whatever they gain.
    pub tol: Option<f64>,
    /// Whether each epoch has an order of its own.
    pub shuffle: bool,
    /// How long steps are.
    pub learning_rate: LearningRate,
    /// The length of the first step.
    pub eta0: f64,
    /// The power in [`LearningRate::InvScaling`].
    pub power_t: f64,
    /// Epochs without a gain after which to stop.
    pub n_iter_no_change: usize,
    /// The step from which on weights are averaged, or 0 for the weights at the end.
    pub average: u64,
}

/// Coefficients, intercept, and averages of both, where a descent stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SgdState<T> {
    /// Coefficients, `(d)`.
    pub coef: Vec<T>,
    /// The intercept.
    pub intercept: f64,
    /// The averages, where they are formed.
    pub average: Option<(Vec<T>, f64)>,
}

/// Samples that are held out, to stop by their score.
pub(super) struct HeldOut<'a> {
    /// Whether each sample is.
    pub held_out: &'a [bool],
    /// The score of predictions at the held out samples, in their order.
    pub score: &'a (dyn Fn(&[f64]) -> f64 + Sync),
}

/// Checks which samples are held out: some of `n`, not all of them, and some that count.
///
/// # Errors
/// It is otherwise.
pub(super) fn check_held_out(
    operation: &str,
    held: Option<&[bool]>,
    n: usize,
    weights: Option<&[f64]>,
) -> Result<()> {
    let Some(held) = held else { return Ok(()) };
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    if held.len() != n || held.iter().all(|held| *held) {
        let message = format!("{n} samples, of which not all are held out, expected");
        return Err(Error::value(operation, message));
    }
    if !held.iter().enumerate().any(|(row, held)| *held && weight(row) > 0.0) {
        let message = "no sample that is held out has weight: early stopping needs some that have";
        return Err(Error::value(operation, message));
    }
    Ok(())
}

impl Sgd {
    /// Checks the parameters.
    ///
    /// # Errors
    /// One has a value that it cannot have.
    pub(super) fn check(&self, operation: &str) -> Result<()> {
        let wrong = |name: &str, value: f64, expected: &str| {
            Err(Error::value(operation, format!("{name} is {value}: {expected} expected")))
        };
        if !(self.alpha >= 0.0 && self.alpha.is_finite()) {
            return wrong("alpha", self.alpha, "0 or more");
        }
        if self.learning_rate == LearningRate::Optimal && self.alpha == 0.0 {
            return wrong("alpha", self.alpha, "more than 0 for the optimal learning rate");
        }
        if !(self.eta0 > 0.0 && self.eta0.is_finite()) && self.learning_rate != LearningRate::Optimal {
            return wrong("eta0", self.eta0, "more than 0");
        }
        if let SgdPenalty::ElasticNet(ratio) = self.penalty
            && !(0.0..=1.0).contains(&ratio)
        {
            return wrong("l1_ratio", ratio, "0 to 1");
        }
        Ok(())
    }

    fn l1_ratio(&self) -> f64 {
        match self.penalty {
            SgdPenalty::None | SgdPenalty::L2 => 0.0,
            SgdPenalty::L1 => 1.0,
            SgdPenalty::ElasticNet(ratio) => ratio,
        }
    }

    /// Descends for one binary or real target; returns where it stands, and how many epochs it took. `t` is the number of
    /// the first step, `seed` that of the orders.
    ///
    /// # Errors
    /// Weights leave the finite numbers.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn descend<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        targets: &[T],
        weights: Option<&[f64]>,
        class_weights: [f64; 2],
        start: SgdState<T>,
        t: f64,
        seed: u32,
        held_out: Option<&HeldOut>,
    ) -> Result<(SgdState<T>, usize)> {
        let (n, d) = samples.shape();
        let data = match samples {
            Samples::Dense { .. } => SampleRows::Dense(samples.dense(), d),
            Samples::Sparse(x) => SampleRows::Sparse(rows(x)),
        };
        let penalized = self.penalty != SgdPenalty::None;
        let mut descent = Descent {
            loss: self.loss,
            schedule: self.schedule(),
            eta0: self.eta0,
            alpha: self.alpha,
            l1_ratio: self.l1_ratio(),
            penalized,
            fit_intercept: self.fit_intercept,
            // Sparse features are small: their intercept must not run ahead.
            intercept_decay: if samples.is_sparse() { 0.01 } else { 1.0 },
            average: self.average,
            class_weights,
            with_objective: held_out.is_none() && self.tol.is_some(),
        };
        let l1 = matches!(self.penalty, SgdPenalty::L1 | SgdPenalty::ElasticNet(_));
        let average = start.average.filter(|_| self.average > 0);
        let mut state = State::new(start.coef, start.intercept, average, t, l1);
        let mut order: Vec<u32> = (0..n as u32).collect();
        let trained = held_out.map_or(n, |held| held.held_out.iter().filter(|held| !**held).count());
        let (mut best_objective, mut best_score, mut without_gain) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        let mut epochs = 0;
        while epochs < self.max_iter {
            epochs += 1;
            if self.shuffle {
                // Every epoch shuffles what the last one left, from the same seed, as scikit-learn does.
                let mut random = seed;
                for i in 0..n.saturating_sub(1) {
                    order.swap(i, i + xorshift(&mut random) as usize % (n - i));
                }
            }
            let objective = match held_out {
                None => T::descend(&descent, &data, targets, weights, &order, &mut state),
                Some(held) => {
                    let kept: Vec<u32> =
                        order.iter().copied().filter(|&i| !held.held_out[i as usize]).collect();
                    T::descend(&descent, &data, targets, weights, &kept, &mut state)
                }
            };
            if !(state.intercept.is_finite() && state.w.iter().all(|w| w.is_finite())) {
                let message = format!(
                    "Floating-point under-/overflow occurred at epoch #{epochs}. Scaling input data with StandardScaler or \
                     MinMaxScaler might help."
                );
                return Err(Error::value(operation, message));
            }
            if let Some(tol) = self.tol {
                if let Some(held) = held_out {
                    // The weights as they are kept: scikit-learn does not work in the scale that shrinking has left them with,
                    // so that intercepts count for less, and epochs end where its own do.
                    let scores = samples.scores(&state.w, &[T::from_f64(state.intercept)]);
                    let of_held: Vec<f64> = scores
                        .iter()
                        .zip(held.held_out)
                        .filter(|(_, held)| **held)
                        .map(|(score, _)| score.to_f64())
                        .collect();
                    let score = (held.score)(&of_held);
                    without_gain = if score < best_score + tol { without_gain + 1 } else { 0 };
                    best_score = best_score.max(score);
                } else {
                    let mean = objective / trained as f64;
                    without_gain = if mean > best_objective - tol { without_gain + 1 } else { 0 };
                    best_objective = best_objective.min(mean);
                }
            }
            if without_gain >= self.n_iter_no_change {
                if self.learning_rate == LearningRate::Adaptive && descent.eta0 > 1e-6 {
                    descent.eta0 /= 5.0;
                    without_gain = 0;
                } else {
                    break;
                }
            }
        }
        state.settle();
        let average = (self.average > 0).then(|| (state.average().to_vec(), state.average_intercept));
        Ok((SgdState { intercept: state.intercept, coef: state.w, average }, epochs))
    }

    fn schedule(&self) -> Schedule {
        match self.learning_rate {
            LearningRate::Constant | LearningRate::Adaptive => Schedule::Constant,
            LearningRate::InvScaling => Schedule::InvScaling { power: self.power_t },
            LearningRate::Pa1 => Schedule::PassiveAggressive,
            LearningRate::Pa2 => Schedule::PassiveAggressiveSquared,
            LearningRate::Optimal => {
                let typical = (1.0 / self.alpha.sqrt()).sqrt();
                let slope = self.loss.at(1.0, -typical).1;
                let first = typical / slope.max(1.0);
                Schedule::Optimal { start: 1.0 / (first * self.alpha) }
            }
        }
    }
}

/// Where descents of several outputs stand: from there another fit goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct SgdStanding {
    /// Coefficients, `(outputs, d)` row by row.
    pub coef: Vec<f64>,
    /// Intercepts, one for each output.
    pub intercept: Vec<f64>,
    /// The averages of both, where they are formed.
    pub average: Option<(Vec<f64>, Vec<f64>)>,
    /// The number of the next step, 1 being the first.
    pub t: f64,
}

impl SgdStanding {
    /// Zeros, or what is given where its sizes fit; averages are zeros where there are none yet.
    pub(super) fn at(
        operation: &str,
        given: Option<&SgdStanding>,
        outputs: usize,
        d: usize,
        averaging: bool,
    ) -> Result<SgdStanding> {
        let mut standing = given.cloned().unwrap_or_else(|| SgdStanding {
            coef: vec![0.0; outputs * d],
            intercept: vec![0.0; outputs],
            average: None,
            t: 1.0,
        });
        if averaging && standing.average.is_none() {
            standing.average = Some((vec![0.0; outputs * d], vec![0.0; outputs]));
        }
        let fits = |coef: &[f64], intercept: &[f64]| coef.len() == outputs * d && intercept.len() == outputs;
        let averages_fit = standing.average.as_ref().is_none_or(|(coef, intercept)| fits(coef, intercept));
        if fits(&standing.coef, &standing.intercept) && averages_fit && standing.t >= 1.0 {
            return Ok(standing);
        }
        let (coefs, intercepts) = (standing.coef.len(), standing.intercept.len());
        let message = format!(
            "goes on from {coefs} coefficients and {intercepts} intercepts; {outputs} x {d} expected"
        );
        Err(Error::value(operation, message))
    }

    pub(super) fn state<T: Float>(&self, output: usize) -> SgdState<T> {
        let d = self.coef.len() / self.intercept.len();
        let row = |coef: &[f64]| coef[output * d..(output + 1) * d].iter().map(|&w| T::from_f64(w)).collect();
        SgdState {
            coef: row(&self.coef),
            intercept: self.intercept[output],
            average: self.average.as_ref().map(|(coef, intercept)| (row(coef), intercept[output])),
        }
    }

    pub(super) fn of<T: Float>(states: Vec<(SgdState<T>, usize)>, t: f64) -> SgdStanding {
        let mut standing = SgdStanding { coef: Vec::new(), intercept: Vec::new(), average: None, t };
        for (state, _) in states {
            standing.coef.extend(state.coef.iter().map(|w| w.to_f64()));
            standing.intercept.push(state.intercept);
            if let Some((coef, intercept)) = state.average {
                let (coefs, intercepts) = standing.average.get_or_insert_default();
                coefs.extend(coef.iter().map(|w| w.to_f64()));
                intercepts.push(intercept);
            }
        }
        standing
    }

    /// What predicts: the averages, once steps are averaged.
    pub(super) fn predicting(&self, average: u64) -> (&[f64], &[f64]) {
        match &self.average {
            Some((coef, intercept)) if average > 0 && average as f64 <= self.t - 1.0 => (coef, intercept),
            _ => (&self.coef, &self.intercept),
        }
    }

    pub(super) fn write(&self, record: Record) -> Record {
        let part = Record::new("standing")
            .with("coef", Tensor::from(self.coef.clone()))
            .with("intercept", Tensor::from(self.intercept.clone()))
            .with("average_coef", self.average.as_ref().map(|(coef, _)| Tensor::from(coef.clone())))
            .with("average_intercept", self.average.as_ref().map(|(_, b)| Tensor::from(b.clone())))
            .with("t", self.t);
        record.with("standing", part)
    }

    pub(super) fn read(record: &Record, outputs: usize, d: usize) -> Result<SgdStanding> {
        let part = record.record("standing")?;
        let list = |name: &str, len: usize| Ok(part.tensor_of::<f64>(name, &[len])?.to_vec());
        let average = if part.is_set("average_coef") {
            Some((list("average_coef", outputs * d)?, list("average_intercept", outputs)?))
        } else {
            None
        };
        Ok(SgdStanding {
            coef: list("coef", outputs * d)?,
            intercept: list("intercept", outputs)?,
            average,
            t: part.float("t")?,
        })
    }
}
