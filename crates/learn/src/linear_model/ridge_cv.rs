//! Ridge regression whose penalty is found by leaving out one sample after another.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::leave_one_out::LeaveOneOut;
use super::predictor::Predictor;
use super::ridge::{FittedRidge, RidgeSolver};
use super::samples::{AsSamples, Samples, targets};
use crate::validate;

/// [`Ridge`](super::Ridge) with the penalty of those given whose mean squared error is smallest, each sample left out in turn:
/// without a fit for each, from one decomposition for all penalties. With weights, the errors count by them too.
///
/// Source: scikit-learn's `RidgeCV` with `cv=None`.
///
/// ```
/// use barehand_learn::{Fit, linear_model::RidgeCv};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[-2.0], [-1.0], [1.0], [2.0f64]]);
/// let found = RidgeCv::new(&[0.1, 1.0, 10.0]).fit(&x, &Tensor::from([-4.0, -2.0, 2.0, 4.0]))?;
/// assert_eq!(found.alphas(), [0.1]);
/// assert!((found.model().coef().item()? - 20.0 / 10.1).abs() < 1e-12);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RidgeCv {
    alphas: Vec<f64>,
    fit_intercept: bool,
    alpha_per_target: bool,
    by_singular_values: bool,
    store: bool,
}

impl Default for RidgeCv {
    fn default() -> Self {
        RidgeCv::new(&[0.1, 1.0, 10.0])
    }
}

/// What [`RidgeCv::fit_scored`] asks for: the scores, one or one for each output, of predictions `(N, outputs)`.
pub type ScoreOfPredictions<'a> = &'a mut dyn FnMut(&Tensor<f64>) -> Result<Vec<f64>>;

impl RidgeCv {
    /// Tries these penalties, scikit-learn's default being 0.1, 1 and 10.
    pub fn new(alphas: &[f64]) -> Self {
        RidgeCv {
            alphas: alphas.to_vec(),
            fit_intercept: true,
            alpha_per_target: false,
            by_singular_values: false,
            store: false,
        }
    }

    /// Whether to fit an intercept (default: yes).
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Whether each output has a penalty of its own (default: no, one for all).
    pub fn alpha_per_target(mut self, alpha_per_target: bool) -> Self {
        self.alpha_per_target = alpha_per_target;
        self
    }

    /// Whether singular values of dense samples are decomposed, which costs more and keeps more digits, and not products of
    /// rows or columns, whichever are fewer (default: no).
    pub fn by_singular_values(mut self, by_singular_values: bool) -> Self {
        self.by_singular_values = by_singular_values;
        self
    }

    /// Whether [`FittedRidgeCv::results`] are kept (default: no).
    pub fn store(mut self, store: bool) -> Self {
        self.store = store;
        self
    }

    /// As `fit`, but the penalty is that whose predictions of left-out samples have the best score.
    ///
    /// # Errors
    /// As `fit`, and those of the score.
    pub fn fit_scored<T: Float>(
        &self,
        x: &impl AsSamples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
        score: ScoreOfPredictions,
    ) -> Result<FittedRidgeCv<T>> {
        self.searched(&x.samples(OPERATION)?, y, sample_weight, Some(score))
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedRidgeCv<T>> {
        self.searched(samples, y, sample_weight, None)
    }

    fn searched<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
        score: Option<ScoreOfPredictions>,
    ) -> Result<FittedRidgeCv<T>> {
        let (n, _) = samples.shape();
        let (y, outputs, single) = targets(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        self.found(OPERATION, samples, &y, (outputs, single), weights.as_deref(), score)
    }

    /// Of targets `(n, outputs)`, row by row.
    pub(super) fn found<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        (outputs, single): (usize, bool),
        weights: Option<&[f64]>,
        score: Option<ScoreOfPredictions>,
    ) -> Result<FittedRidgeCv<T>> {
        let (n, _) = samples.shape();
        if let Some(alpha) = self.alphas.iter().find(|alpha| !(**alpha > 0.0 && alpha.is_finite())) {
            return Err(Error::value(operation, format!("alpha is {alpha}: more than 0 expected")));
        }
        if self.alphas.is_empty() {
            return Err(Error::value(operation, "no alphas: at least one expected"));
        }
        let counted = weights.map_or(n, |weights| weights.iter().filter(|weight| **weight > 0.0).count());
        if self.fit_intercept && counted < 2 {
            return Err(Error::value(
                operation,
                "1 sample: nothing is left without it, at least two expected",
            ));
        }
        let (singular, intercept) = (self.by_singular_values, self.fit_intercept);
        let known = LeaveOneOut::new(operation, samples, y, outputs, weights, intercept, singular)?;
        let mut results = Vec::new();
        let scores = match score {
            None => self.mean_scores(&known, n, self.store.then_some(&mut results)),
            Some(score) => {
                known.errors(&self.alphas, |error| results.push(error));
                self.predict(&known, samples, y, weights, &mut results)?;
                self.given_scores(operation, &results, n, outputs, score)?
            }
        };
        let of_output =
            |o: usize| scores.iter().map(move |scores| scores[if scores.len() == 1 { 0 } else { o }]);
        let groups = if self.alpha_per_target { outputs } else { 1 };
        let (mut alphas, mut best_scores) = (Vec::with_capacity(groups), Vec::with_capacity(groups));
        for group in 0..groups {
            // The first of equal ones.
            let best =
                of_output(group).enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
            let (place, best) = best.unwrap_or_default();
            alphas.push(self.alphas[place]);
            best_scores.push(best);
        }
        let of_outputs: Vec<f64> = (0..outputs).map(|o| alphas[if groups == 1 { 0 } else { o }]).collect();
        let coef = known.coefficients(&of_outputs);
        let intercept = if self.fit_intercept { known.moments.intercepts(&coef) } else { vec![0.0; outputs] };
        let predictor = Predictor::new(&coef, &intercept)?;
        let solver = if self.by_singular_values { RidgeSolver::Svd } else { RidgeSolver::Cholesky };
        let results = match self.store {
            true => Some(Tensor::from_vec(results, [n, outputs, self.alphas.len()])?),
            false => None,
        };
        let model = FittedRidge::new(predictor, single, solver);
        Ok(FittedRidgeCv { model, alphas, best_scores, results })
    }

    /// For each penalty the mean of the squared errors, negative: of all of them, or of each output's.
    fn mean_scores<T: Float>(
        &self,
        known: &LeaveOneOut<T>,
        n: usize,
        mut kept: Option<&mut Vec<f64>>,
    ) -> Vec<Vec<f64>> {
        let (count, outputs) = (self.alphas.len(), known.moments.outputs);
        let mut sums = vec![vec![0.0; outputs]; count];
        let mut place = 0;
        known.errors(&self.alphas, |error| {
            sums[place % count][place / count % outputs] += error * error;
            place += 1;
            if let Some(kept) = &mut kept {
                kept.push(error * error);
            }
        });
        let mean = |sums: Vec<f64>| match self.alpha_per_target {
            true => sums.iter().map(|sum| -sum / n as f64).collect(),
            false => vec![-sums.iter().sum::<f64>() / (n * outputs) as f64],
        };
        sums.into_iter().map(mean).collect()
    }

    /// Makes predictions of errors.
    fn predict<T: Float>(
        &self,
        known: &LeaveOneOut<T>,
        samples: &Samples<T>,
        y: &[T],
        weights: Option<&[f64]>,
        results: &mut [f64],
    ) -> Result<()> {
        let (count, outputs) = (self.alphas.len(), known.moments.outputs);
        for (i, result) in results.iter_mut().enumerate() {
            let place = i / count;
            let root = weights.map_or(1.0, |weights| weights[place / outputs].sqrt());
            *result = y[place].to_f64() - *result / root;
        }
        // What has no weight is not missed: its prediction is that of all samples.
        let Some(weights) = weights.filter(|weights| weights.contains(&0.0)) else {
            return Ok(());
        };
        for (a, &alpha) in self.alphas.iter().enumerate() {
            let coef = known.coefficients(&vec![alpha; outputs]);
            let intercept =
                if self.fit_intercept { known.moments.intercepts(&coef) } else { vec![0.0; outputs] };
            let predicted = Predictor::<T>::new(&coef, &intercept)?.of(samples);
            for (row, _) in weights.iter().enumerate().filter(|(_, weight)| **weight == 0.0) {
                for o in row * outputs..(row + 1) * outputs {
                    results[o * count + a] = predicted[o].to_f64();
                }
            }
        }
        Ok(())
    }

    fn given_scores(
        &self,
        operation: &str,
        predictions: &[f64],
        n: usize,
        outputs: usize,
        score: ScoreOfPredictions,
    ) -> Result<Vec<Vec<f64>>> {
        let count = self.alphas.len();
        let expected = if self.alpha_per_target { outputs } else { 1 };
        let mut scores = Vec::with_capacity(count);
        for a in 0..count {
            let of_alpha: Vec<f64> = predictions.iter().skip(a).step_by(count).copied().collect();
            let found = score(&Tensor::from_vec(of_alpha, [n, outputs])?)?;
            if found.len() != expected {
                return Err(Error::value(operation, format!("{} scores; {expected} expected", found.len())));
            }
            scores.push(found);
        }
        Ok(scores)
    }
}

const OPERATION: &str = "RidgeCv::fit";

selects!(RidgeCv, FittedRidgeCv, values: T);

/// What [`RidgeCv`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRidgeCv<T: Float> {
    pub(super) model: FittedRidge<T>,
    alphas: Vec<f64>,
    best_scores: Vec<f64>,
    results: Option<Tensor<f64>>,
}

impl<T: Float> FittedRidgeCv<T> {
    /// The ridge regression of all samples with the penalty that was found.
    pub fn model(&self) -> &FittedRidge<T> {
        &self.model
    }

    /// The same, without the rest.
    pub fn into_model(self) -> FittedRidge<T> {
        self.model
    }

    /// The penalty that was found, or one for each output.
    pub fn alphas(&self) -> &[f64] {
        &self.alphas
    }

    /// Its score, or one for each output: the mean squared error, negative, or what [`RidgeCv::fit_scored`] was given.
    pub fn best_scores(&self) -> &[f64] {
        &self.best_scores
    }

    /// For each sample, output and penalty the squared error (times its weight) without that sample, or the prediction, where
    /// those are scored: `(N, outputs, alphas)`, if [`RidgeCv::store`] says so.
    pub fn results(&self) -> Option<&Tensor<f64>> {
        self.results.as_ref()
    }
}
