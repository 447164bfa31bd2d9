//! Linear regression by gradient descent: all samples, a few, or one for each step.

use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::predictor::Predictor;
use super::samples::{AsSamples, Samples, targets};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;

/// What is minimised, and with it the factor in front of the gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DescentCost {
    /// Sum of squares over every output / (2 n), gradient `X^T e / n`.
    #[default]
    HalfMean,
    /// Sum of squares over every output / n, gradient `2 X^T e / n`.
    Mean,
}

/// Gradient descent as it is taught, for least squares: every step goes `learning_rate` times down the gradient of its batch.
///
/// ```text
/// e = X coef^T + intercept - y,   coef = coef - lr factor e^T X / batch,   intercept = intercept - lr factor sum e / batch
/// ```
///
/// Batch descent takes all samples for a step (the default), stochastic descent one, mini-batch descent a few. What is often
/// printed under the name of stochastic descent is batch descent. The cost over all samples after each epoch is kept. For work,
/// [`LinearRegression`](super::LinearRegression) is exact.
///
/// ```
/// use barehand_learn::{Fit, linear_model::{DescentCost, GradientDescentRegressor}};
/// use barehand_tensor::Tensor;
///
/// let (x, y) = (Tensor::from([[1.0], [2.0], [3.0f64]]), Tensor::from([2.0, 4.0, 6.0]));
/// let descent = GradientDescentRegressor::new(0.01, 100).cost(DescentCost::Mean).fit_intercept(false);
/// let model = descent.start(vec![1.0], vec![0.0]).fit(&x, &y)?;
/// assert!((model.coef().item()? - 1.999_944_44).abs() < 1e-8);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GradientDescentRegressor {
    learning_rate: f64,
    epochs: usize,
    batch_size: Option<usize>,
    shuffle: Option<u32>,
    cost: DescentCost,
    fit_intercept: bool,
    start: Option<(Vec<f64>, Vec<f64>)>,
}

impl GradientDescentRegressor {
    /// Batch descent from zeros.
    pub fn new(learning_rate: f64, epochs: usize) -> Self {
        GradientDescentRegressor {
            learning_rate,
            epochs,
            batch_size: None,
            shuffle: None,
            cost: DescentCost::HalfMean,
            fit_intercept: true,
            start: None,
        }
    }

    /// Samples for each step; None for all of them (default). The last batch of an epoch may be short.
    pub fn batch_size(mut self, batch_size: Option<usize>) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// A new order of the samples for each epoch, from `RandomState(seed).permutation` (default: as they stand).
    pub fn shuffle(mut self, seed: Option<u32>) -> Self {
        self.shuffle = seed;
        self
    }

    /// What is minimised (default: [`DescentCost::HalfMean`]).
    pub fn cost(mut self, cost: DescentCost) -> Self {
        self.cost = cost;
        self
    }

    /// Whether to fit an intercept (default: yes).
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Starts from these coefficients, `(outputs, D)` row by row, and intercepts, instead of zeros.
    pub fn start(mut self, coef: Vec<f64>, intercept: Vec<f64>) -> Self {
        self.start = Some((coef, intercept));
        self
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedGradientDescentRegressor<T>> {
        const OPERATION: &str = "GradientDescentRegressor::fit";
        crate::dynamic::no_weights(OPERATION, sample_weight)?;
        let (n, d) = samples.shape();
        samples.check_finite(OPERATION)?;
        let (y, outputs, single) = targets(OPERATION, y, n)?;
        let batch = self.batch_size.unwrap_or(n);
        if batch == 0 || !(self.learning_rate > 0.0) {
            let message =
                format!("batches of {batch}, steps of {}: both more than 0 expected", self.learning_rate);
            return Err(Error::value(OPERATION, message));
        }
        let (mut coef, mut intercept) =
            self.start.clone().unwrap_or_else(|| (vec![0.0; outputs * d], vec![0.0; outputs]));
        if coef.len() != outputs * d || intercept.len() != outputs {
            let message = format!(
                "starts from {} coefficients and {} intercepts; {outputs} x {d} and {outputs} expected",
                coef.len(),
                intercept.len()
            );
            return Err(Error::value(OPERATION, message));
        }
        let factor = if self.cost == DescentCost::HalfMean { 1.0 } else { 2.0 };
        let mut random = self.shuffle.map(RandomState::new);
        let mut loss_history = Vec::new();
        for _ in 0..self.epochs {
            let order: Vec<i64> = match &mut random {
                Some(random) => random.permutation(n).to_vec(),
                None => (0..n as i64).collect(),
            };
            for rows in order.chunks(batch) {
                let whole = (rows.len() == n) && random.is_none();
                let part = if whole { None } else { Some(samples.select(rows)?) };
                let of_part = part.as_ref().map(|part| part.samples(OPERATION)).transpose()?;
                let (x, targets): (&Samples<T>, Vec<T>) = match &of_part {
                    None => (samples, y.clone()),
                    Some(x) => {
                        let row = |&row: &i64| &y[row as usize * outputs..(row as usize + 1) * outputs];
                        (x, rows.iter().flat_map(row).copied().collect())
                    }
                };
                let e = errors(x, &coef, &intercept, &targets);
                let scale = self.learning_rate * factor / rows.len() as f64;
                let gradient = x.transposed(&e, outputs);
                coef.iter_mut().zip(gradient).for_each(|(w, g)| *w -= scale * g);
                if self.fit_intercept {
                    for e in e.chunks_exact(outputs) {
                        intercept.iter_mut().zip(e).for_each(|(b, e)| *b -= scale * e.to_f64());
                    }
                }
            }
            let squares: f64 =
                errors(samples, &coef, &intercept, &y).iter().map(|e| e.to_f64().powi(2)).sum();
            if !squares.is_finite() {
                return Err(Error::value(OPERATION, "left the finite numbers: shorter steps expected"));
            }
            loss_history.push(factor / 2.0 * squares / n as f64);
        }
        if !coef.iter().chain(&intercept).all(|value| value.is_finite()) {
            return Err(Error::value(OPERATION, "left the finite numbers: shorter steps expected"));
        }
        Ok(FittedGradientDescentRegressor {
            predictor: Predictor::new(&coef, &intercept)?,
            single,
            loss_history,
        })
    }
}

/// Predictions less targets.
fn errors<T: Float>(x: &Samples<T>, coef: &[f64], intercept: &[f64], y: &[T]) -> Vec<T> {
    let narrow = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
    let mut e = x.scores(&narrow(coef), &narrow(intercept));
    e.iter_mut().zip(y).for_each(|(e, y)| *e -= *y);
    e
}

regressor!(GradientDescentRegressor, FittedGradientDescentRegressor);

/// What [`GradientDescentRegressor`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGradientDescentRegressor<T: Float> {
    predictor: Predictor<T>,
    single: bool,
    loss_history: Vec<f64>,
}

impl<T: Float> FittedGradientDescentRegressor<T> {
    /// The cost over all samples after each epoch.
    pub fn loss_history(&self) -> &[f64] {
        &self.loss_history
    }
}

impl<T: Float> Persist for FittedGradientDescentRegressor<T> {
    const NAME: &'static str = "GradientDescentRegressor";

    fn to_record(&self) -> Record {
        self.predictor
            .write(record_of::<T>(Self::NAME))
            .with("single", self.single)
            .with("loss_history", Tensor::from(self.loss_history.clone()))
    }

    fn from_record(record: &Record) -> Result<Self> {
        Ok(FittedGradientDescentRegressor {
            predictor: Predictor::read_regressor(record)?,
            single: record.bool("single")?,
            loss_history: record.tensor::<f64>("loss_history")?.to_vec(),
        })
    }
}
