//! Stochastic gradient descent for linear models: one sample after another, as scikit-learn's `SGDClassifier` goes.
//!
//! ```text
//! p = w x + b,   step = -eta loss'(p, y) weight
//! w = max(0, 1 - (1 - l1_ratio) eta alpha) w + step x,   b = b + step
//! ```
//!
//! and what L1 takes away is kept count of, so that it is taken from features when they are seen (Tsuruoka, Tsujii and
//! Ananiadou 2009). The shrinking is kept in one factor, so that a step costs as much as a sample has entries; the average
//! of all weights that a run has seen is kept likewise (Bottou 2012).

use crate::csr::Rows;
use crate::isa::{Arch, Kernel, dispatch};
use crate::linear_loss::products;
use crate::math::Math;

/// The loss of a prediction; classes are -1 and 1, but 0 and 1 for [`Loss::Log`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// `max(0, threshold - y p)`: support vectors with a threshold of 1, the perceptron with 0.
    Hinge(f64),
    /// `max(0, 1 - y p)^2`
    SquaredHinge,
    /// `ln(1 + e^p) - y p`
    Log,
    /// `(1 - y p)^2` below 1, linear below -1.
    ModifiedHuber,
    /// `(p - y)^2 / 2`
    Squared,
    /// Squared within epsilon of the target, linear beyond.
    Huber(f64),
    /// `max(0, |y - p| - epsilon)`
    EpsilonInsensitive(f64),
    /// `max(0, |y - p| - epsilon)^2`
    SquaredEpsilonInsensitive(f64),
}

impl Loss {
    /// The loss and its derivative by the prediction.
    #[inline(always)]
    pub fn at(self, y: f64, p: f64) -> (f64, f64) {
        match self {
            Loss::Hinge(threshold) => {
                let z = p * y;
                if z <= threshold { (threshold - z, -y) } else { (0.0, 0.0) }
            }
            Loss::SquaredHinge => {
                let z = 1.0 - p * y;
                if z > 0.0 { (z * z, -2.0 * y * z) } else { (0.0, 0.0) }
            }
            Loss::Log => {
                let small = (-p.abs()).exp();
                let numerator = if p < 0.0 { small } else { 1.0 };
                (p.max(0.0) + small.ln_1p() - y * p, numerator / (1.0 + small) - y)
            }
            Loss::ModifiedHuber => {
                let z = p * y;
                if z >= 1.0 {
                    (0.0, 0.0)
                } else if z >= -1.0 {
                    ((1.0 - z) * (1.0 - z), 2.0 * (1.0 - z) * -y)
                } else {
                    (-4.0 * z, -4.0 * y)
                }
            }
            Loss::Squared => (0.5 * (p - y) * (p - y), p - y),
            Loss::Huber(epsilon) => {
                let r = p - y;
                if r.abs() <= epsilon {
                    (0.5 * r * r, r)
                } else {
                    (epsilon * (r.abs() - 0.5 * epsilon), epsilon.copysign(r))
                }
            }
            Loss::EpsilonInsensitive(epsilon) => {
                let r = y - p;
                if r > epsilon {
                    (r - epsilon, -1.0)
                } else if -r > epsilon {
                    (-r - epsilon, 1.0)
                } else {
                    (0.0, 0.0)
                }
            }
            Loss::SquaredEpsilonInsensitive(epsilon) => {
                let (r, beyond) = (y - p, (y - p).abs() - epsilon);
                if beyond > 0.0 { (beyond * beyond, (-2.0 * beyond).copysign(-r)) } else { (0.0, 0.0) }
            }
        }
    }
}

/// How long steps are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// The same length, `eta0`; also between two changes of an adaptive schedule.
    Constant,
    /// `1 / (alpha (t0 + t - 1))`, with Bottou's `t0`.
    Optimal {
        /// `t0`
        start: f64,
    },
    /// `eta0 / t^power`
    InvScaling {
        /// The power.
        power: f64,
    },
    /// As long as makes up for the loss, `eta0` at most (Crammer 2006).
    PassiveAggressive,
    /// The same with a slack of `1 / (2 eta0)`.
    PassiveAggressiveSquared,
}

/// The parameters of a descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// What is minimised.
    pub loss: Loss,
    /// How long steps are.
    pub schedule: Schedule,
    /// The length of steps, for schedules that have one.
    pub eta0: f64,
    /// Strength of the penalty.
    pub alpha: f64,
    /// Part of the penalty that is L1; 0 for L2.
    pub l1_ratio: f64,
    /// Whether there is a penalty at all.
    pub penalized: bool,
    /// Whether there is an intercept.
    pub fit_intercept: bool,
    /// What steps of the intercept are multiplied with.
    pub intercept_decay: f64,
    /// The step from which weights are averaged, or 0.
    pub average: u64,
    /// A factor for samples of negative and of positive targets.
    pub class_weights: [f64; 2],
    /// Whether the objective is added up, which costs the norms of the weights.
    pub with_objective: bool,
}

/// Features of samples, dense or sparse.
#[derive(Clone, Copy, Debug)]
pub enum SampleRows<'a, T> {
    /// Rows of so many columns.
    Dense(&'a [T], usize),
    /// Sparse rows.
    Sparse(Rows<'a, T>),
}

/// Where a descent stands. Weights are `scale * w`, their average is `(average_shift w + average) / average_scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct State<T> {
    /// Weights, up to their scale.
    pub w: Vec<T>,
    scale: f64,
    /// The intercept.
    pub intercept: f64,
    average: Vec<T>,
    average_shift: f64,
    average_scale: f64,
    /// The average of intercepts.
    pub average_intercept: f64,
    /// L1 taken from each feature, and what could have been taken from each.
    taken: Vec<T>,
    owed: f64,
    /// The number of the next step, from 1 on.
    pub t: f64,
    squared_norm: f64,
    absolute_norm: f64,
}

impl<T: Math> State<T> {
    /// Starts at weights `w`, with the averages so far, if any are formed.
    pub fn new(w: Vec<T>, intercept: f64, average: Option<(Vec<T>, f64)>, t: f64, l1: bool) -> State<T> {
        let (average, average_intercept) = average.unwrap_or_default();
        assert!(average.is_empty() || average.len() == w.len(), "an average of each weight");
        let squares = w.iter().map(|w| w.to_f64().powi(2)).sum();
        State {
            taken: if l1 { vec![T::ZERO; w.len()] } else { Vec::new() },
            absolute_norm: w.iter().map(|w| w.to_f64().abs()).sum(),
            squared_norm: squares,
            w,
            scale: 1.0,
            intercept,
            average,
            average_shift: 0.0,
            average_scale: 1.0,
            average_intercept,
            owed: 0.0,
            t,
        }
    }

    /// Works the scale into the weights.
    pub fn settle(&mut self) {
        if !self.average.is_empty() {
            for (average, &w) in self.average.iter_mut().zip(&self.w) {
                *average =
                    T::from_f64((average.to_f64() + self.average_shift * w.to_f64()) / self.average_scale);
            }
            (self.average_shift, self.average_scale) = (0.0, 1.0);
        }
        for w in &mut self.w {
            *w = T::from_f64(w.to_f64() * self.scale);
        }
        self.scale = 1.0;
    }

    /// The average of the weights, after [`State::settle`]; empty where none is formed.
    pub fn average(&self) -> &[T] {
        &self.average
    }

    fn shrink(&mut self, factor: f64) {
        self.scale *= factor;
        self.squared_norm *= factor * factor;
        self.absolute_norm *= factor.abs();
        if self.scale < if size_of::<T>() == 4 { 1e-6 } else { 1e-9 } {
            self.settle();
        }
    }
}

/// Descents of linear models.
pub trait StochasticGradient: Math {
    /// Visits the samples in `order`, of `(targets, weights)`; returns the sum of the losses, with the penalty of every step
    /// where it is asked for.
    fn descend(
        descent: &Descent,
        rows: &SampleRows<Self>,
        targets: &[Self],
        weights: Option<&[f64]>,
        order: &[u32],
        state: &mut State<Self>,
    ) -> f64;
}

macro_rules! stochastic_gradient {
    ($($t:ident),*) => { $(
        impl StochasticGradient for $t {
            fn descend(
                descent: &Descent,
                rows: &SampleRows<Self>,
                targets: &[Self],
                weights: Option<&[f64]>,
                order: &[u32],
                state: &mut State<Self>,
            ) -> f64 {
                let columns = match rows {
                    SampleRows::Dense(_, columns) => *columns,
                    SampleRows::Sparse(rows) => rows.columns,
                };
                assert_eq!(state.w.len(), columns, "a weight for each column");
                assert!(weights.is_none_or(|weights| weights.len() == targets.len()), "a weight for each sample");
                dispatch(Epoch { descent, rows, targets, weights, order, state })
            }
        }
    )* };
}
stochastic_gradient!(f32, f64);

struct Epoch<'a, T> {
    descent: &'a Descent,
    rows: &'a SampleRows<'a, T>,
    targets: &'a [T],
    weights: Option<&'a [f64]>,
    order: &'a [u32],
    state: &'a mut State<T>,
}

/// Derivatives are kept below this.
const LARGEST_DERIVATIVE: f64 = 1e12;

impl<T: Math> Kernel for Epoch<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        let Epoch { descent, rows, targets, weights, order, state } = self;
        let mut objective = 0.0;
        for &sample in order {
            let sample = sample as usize;
            let y = targets[sample].to_f64();
            let p = match rows {
                SampleRows::Dense(x, columns) => {
                    products::<A, T, 1>([&x[sample * columns..][..*columns]], &state.w)[0].to_f64()
                }
                SampleRows::Sparse(x) => {
                    let (indices, values) = x.row(sample);
                    let terms = indices.iter().zip(values);
                    terms.map(|(&j, x)| x.to_f64() * state.w[j as usize].to_f64()).sum()
                }
            };
            let p = p * state.scale + state.intercept;
            let (loss, derivative) = descent.loss.at(y, p);
            let eta = match descent.schedule {
                Schedule::Optimal { start } => 1.0 / (descent.alpha * (start + state.t - 1.0)),
                Schedule::InvScaling { power } => descent.eta0 / state.t.powf(power),
                _ => descent.eta0,
            };
            let aggressive =
                matches!(descent.schedule, Schedule::PassiveAggressive | Schedule::PassiveAggressiveSquared);
            if descent.with_objective {
                objective += loss;
                if descent.penalized && !aggressive {
                    objective += descent.alpha
                        * ((1.0 - descent.l1_ratio) * 0.5 * state.squared_norm
                            + descent.l1_ratio * state.absolute_norm);
                }
            }
            let mut step = if aggressive {
                let square: f64 = match rows {
                    SampleRows::Dense(x, columns) => {
                        x[sample * columns..][..*columns].iter().map(|x| x.to_f64().powi(2)).sum()
                    }
                    SampleRows::Sparse(x) => x.row(sample).1.iter().map(|x| x.to_f64().powi(2)).sum(),
                };
                let length = if descent.schedule == Schedule::PassiveAggressive {
                    if square == 0.0 {
                        continue;
                    }
                    (loss / square).min(descent.eta0)
                } else {
                    loss / (square + 0.5 / descent.eta0)
                };
                match descent.loss {
                    Loss::Hinge(_) => length * y,
                    _ => length.copysign(y - p),
                }
            } else {
                -eta * derivative.clamp(-LARGEST_DERIVATIVE, LARGEST_DERIVATIVE)
            };
            step *= descent.class_weights[usize::from(y > 0.0)] * weights.map_or(1.0, |w| w[sample]);
            if descent.penalized {
                state.shrink((1.0 - (1.0 - descent.l1_ratio) * eta * descent.alpha).max(0.0));
            }
            if step != 0.0 {
                let scaled = T::from_f64(step / state.scale);
                match rows {
                    SampleRows::Dense(x, columns) => {
                        let x = &x[sample * columns..][..*columns];
                        for (w, &x) in state.w.iter_mut().zip(x) {
                            *w = A::fma(scaled, x, *w);
                        }
                        if descent.with_objective && descent.penalized {
                            let [square] = products::<A, T, 1>([&state.w], &state.w);
                            state.squared_norm = square.to_f64() * state.scale * state.scale;
                            if descent.l1_ratio != 0.0 {
                                let sum: f64 = state.w.iter().map(|w| w.to_f64().abs()).sum();
                                state.absolute_norm = sum * state.scale;
                            }
                        }
                    }
                    SampleRows::Sparse(x) => {
                        let (indices, values) = x.row(sample);
                        let (mut squares, mut sum) = (0.0, 0.0);
                        for (&j, &x) in indices.iter().zip(values) {
                            let w = &mut state.w[j as usize];
                            let old = w.to_f64();
                            *w += scaled * x;
                            let new = w.to_f64();
                            squares += new * new - old * old;
                            sum += new.abs() - old.abs();
                        }
                        // The norms of all weights, and not of those of this sample alone.
                        state.squared_norm += squares * state.scale * state.scale;
                        state.absolute_norm += sum * state.scale;
                    }
                }
            }
            if descent.fit_intercept {
                state.intercept += step * descent.intercept_decay;
            }
            if descent.average > 0 && descent.average as f64 <= state.t {
                let count = state.t - descent.average as f64 + 1.0;
                let part = 1.0 / count;
                let shift = T::from_f64(state.average_shift * (-step / state.scale));
                match rows {
                    SampleRows::Dense(x, columns) => {
                        let x = &x[sample * columns..][..*columns];
                        for (average, &x) in state.average.iter_mut().zip(x) {
                            *average = A::fma(shift, x, *average);
                        }
                    }
                    SampleRows::Sparse(x) => {
                        let (indices, values) = x.row(sample);
                        for (&j, &x) in indices.iter().zip(values) {
                            state.average[j as usize] += shift * x;
                        }
                    }
                }
                if count > 1.0 {
                    state.average_scale /= 1.0 - part;
                }
                state.average_shift += part * state.average_scale * state.scale;
                state.average_intercept += (state.intercept - state.average_intercept) / count;
            }
            if !state.taken.is_empty() {
                state.owed += descent.l1_ratio * eta * descent.alpha;
                match rows {
                    SampleRows::Dense(_, columns) => {
                        for j in 0..*columns {
                            take::<T>(state, j);
                        }
                    }
                    SampleRows::Sparse(x) => {
                        for &j in x.row(sample).0 {
                            take::<T>(state, j as usize);
                        }
                    }
                }
            }
            state.t += 1.0;
        }
        objective
    }
}

/// Takes from weight `j` what L1 is owed, down to 0.
#[inline(always)]
fn take<T: Math>(state: &mut State<T>, j: usize) {
    let (z, taken) = (state.w[j].to_f64(), state.taken[j].to_f64());
    let new = if state.scale * z > 0.0 {
        (z - (state.owed + taken) / state.scale).max(0.0)
    } else if state.scale * z < 0.0 {
        (z + (state.owed - taken) / state.scale).min(0.0)
    } else {
        z
    };
    state.w[j] = T::from_f64(new);
    state.taken[j] = T::from_f64(taken + state.scale * (new - z));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_losses() {
        let losses = [
            Loss::Hinge(1.0),
            Loss::SquaredHinge,
            Loss::Log,
            Loss::ModifiedHuber,
            Loss::Squared,
            Loss::Huber(0.7),
            Loss::EpsilonInsensitive(0.3),
            Loss::SquaredEpsilonInsensitive(0.3),
        ];
        for loss in losses {
            for y in [if loss == Loss::Log { 0.0 } else { -1.0 }, 1.0] {
                for p in [-3.3, -1.2, -0.45, 0.13, 0.87, 2.6] {
                    let step = 1e-6;
                    let slope = (loss.at(y, p + step).0 - loss.at(y, p - step).0) / (2.0 * step);
                    let found = loss.at(y, p).1;
                    assert!((found - slope).abs() < 1e-6, "{loss:?} at {y}, {p}: {found} {slope}");
                }
            }
        }
    }

    /// The recurrence with plain weights, which the scales must not change.
    #[test]
    fn scales_change_nothing() {
        let (n, d) = (60, 5);
        let value = |i: usize| ((i * 7919) % 1013) as f64 / 507.0 - 1.0;
        let x: Vec<f64> = (0..n * d).map(value).collect();
        let y: Vec<f64> = (0..n).map(|i| if value(i * 3 + 1) > 0.0 { 1.0 } else { -1.0 }).collect();
        let order: Vec<u32> = (0..n as u32).collect();
        let (indptr, indices): (Vec<usize>, Vec<u32>) =
            ((0..=n).map(|i| i * d).collect(), (0..n * d).map(|i| (i % d) as u32).collect());
        let descent = Descent {
            loss: Loss::ModifiedHuber,
            schedule: Schedule::InvScaling { power: 0.3 },
            eta0: 0.2,
            alpha: 0.01,
            l1_ratio: 0.0,
            penalized: true,
            fit_intercept: true,
            intercept_decay: 1.0,
            average: 4,
            class_weights: [0.5, 2.0],
            with_objective: true,
        };
        let (mut w, mut b, mut sum, mut sum_b, mut objective) = (vec![0.0; d], 0.0, vec![0.0; d], 0.0, 0.0);
        for t in 1..=n {
            let x = &x[(t - 1) * d..t * d];
            let p = b + x.iter().zip(&w).map(|(x, w)| x * w).sum::<f64>();
            let (loss, slope) = descent.loss.at(y[t - 1], p);
            objective += loss + 0.01 * 0.5 * w.iter().map(|w| w * w).sum::<f64>();
            let eta = 0.2 / (t as f64).powf(0.3);
            let step = -eta * slope * if y[t - 1] > 0.0 { 2.0 } else { 0.5 };
            for (w, x) in w.iter_mut().zip(x) {
                *w = (1.0 - eta * 0.01) * *w + step * x;
            }
            b += step;
            if t >= 4 {
                sum.iter_mut().zip(&w).for_each(|(sum, w)| *sum += w);
                sum_b += b;
            }
        }
        let count = (n - 3) as f64;
        let sparse = Rows { indptr: &indptr, indices: &indices, values: &x, columns: d };
        for rows in [SampleRows::Dense(&x, d), SampleRows::Sparse(sparse)] {
            let mut state = State::new(vec![0.0; d], 0.0, Some((vec![0.0; d], 0.0)), 1.0, false);
            let found = f64::descend(&descent, &rows, &y, None, &order, &mut state);
            state.settle();
            assert!((found - objective).abs() < 1e-9, "{found} {objective}");
            assert!((state.intercept - b).abs() < 1e-12);
            assert!((state.average_intercept - sum_b / count).abs() < 1e-12);
            for j in 0..d {
                assert!((state.w[j] - w[j]).abs() < 1e-12);
                assert!((state.average()[j] - sum[j] / count).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn l1_makes_exact_zeros() {
        let (n, d) = (400, 6);
        let value = |i: usize| ((i * 7919) % 1013) as f64 / 507.0 - 1.0;
        let x: Vec<f64> = (0..n * d).map(value).collect();
        let y: Vec<f64> = x.chunks_exact(d).map(|x| 2.0 * x[0]).collect();
        let order: Vec<u32> = (0..n as u32).collect();
        let descent = Descent {
            loss: Loss::Squared,
            schedule: Schedule::Constant,
            eta0: 0.05,
            alpha: 0.2,
            l1_ratio: 1.0,
            penalized: true,
            fit_intercept: false,
            intercept_decay: 1.0,
            average: 0,
            class_weights: [1.0; 2],
            with_objective: false,
        };
        let mut state = State::new(vec![0.0; d], 0.0, None, 1.0, true);
        for _ in 0..20 {
            f64::descend(&descent, &SampleRows::Dense(&x, d), &y, None, &order, &mut state);
        }
        state.settle();
        assert!(state.w[0] > 0.8, "{:?}", state.w);
        assert!(state.w[1..].iter().filter(|w| **w == 0.0).count() >= 3, "{:?}", state.w);
    }
}
