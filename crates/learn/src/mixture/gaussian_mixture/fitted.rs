//! A fitted Gaussian mixture: densities, responsibilities, new samples.

use std::any::Any;

use barehand_kernels::random::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::Run;
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, PredictProba};
use crate::mixture::gaussian::{CovarianceType, Parameters};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::{Field, Record};
use crate::validate;

/// What [`GaussianMixture`](super::GaussianMixture) learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGaussianMixture<T: Float> {
    kind: CovarianceType,
    weights: Tensor<T>,
    means: Tensor<T>,
    covariances: Tensor<T>,
    precisions_cholesky: Tensor<T>,
    precisions: Tensor<T>,
    converged: bool,
    n_iter: usize,
    lower_bound: f64,
    lower_bounds: Tensor<f64>,
    log: Vec<String>,
}

impl<T: Float> FittedGaussianMixture<T> {
    pub(super) fn new(run: Run, log: Vec<String>) -> Result<Self> {
        let Run { parameters, bounds, converged } = run;
        let (k, d) = (parameters.k, parameters.d);
        let shape = parameters.kind.shape(k, d);
        let tensor = |values: &[f64], shape: &[usize]| {
            Tensor::from_vec(values.iter().map(|&value| T::from_f64(value)).collect(), shape)
        };
        Ok(FittedGaussianMixture {
            kind: parameters.kind,
            weights: tensor(&parameters.weights, &[k])?,
            means: tensor(&parameters.means, &[k, d])?,
            covariances: tensor(&parameters.covariances, &shape)?,
            precisions_cholesky: tensor(&parameters.precisions_cholesky, &shape)?,
            precisions: tensor(&parameters.precisions(), &shape)?,
            converged,
            n_iter: bounds.len(),
            lower_bound: bounds.last().copied().unwrap_or(f64::NEG_INFINITY),
            lower_bounds: bounds.into(),
            log,
        })
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        [self.means.shape()[0], self.means.shape()[1]]
    }

    /// What covariances may be.
    pub(super) fn kind(&self) -> CovarianceType {
        self.kind
    }

    pub(super) fn parameters(&self) -> Parameters {
        let [k, d] = self.shape();
        let values = |tensor: &Tensor<T>| tensor.to_vec().into_iter().map(T::to_f64).collect();
        Parameters {
            kind: self.kind,
            k,
            d,
            weights: values(&self.weights),
            means: values(&self.means),
            covariances: values(&self.covariances),
            precisions_cholesky: values(&self.precisions_cholesky),
        }
    }

    /// The weight of each component, `(k)`, summing to 1.
    pub fn weights(&self) -> &Tensor<T> {
        &self.weights
    }

    /// The mean of each component, `(k, D)`.
    pub fn means(&self) -> &Tensor<T> {
        &self.means
    }

    /// The covariances, as [`CovarianceType::shape`].
    pub fn covariances(&self) -> &Tensor<T> {
        &self.covariances
    }

    /// The inverses of the covariances, as [`CovarianceType::shape`].
    pub fn precisions(&self) -> &Tensor<T> {
        &self.precisions
    }

    /// `U` of the precisions `U U^T`, upper triangular; of variances `1 / sqrt(variance)`.
    pub fn precisions_cholesky(&self) -> &Tensor<T> {
        &self.precisions_cholesky
    }

    /// Whether the last change was below `tol`.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Iterations of the best run.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// The mean log density of the samples in the last iteration; `-inf` where there was none.
    pub fn lower_bound(&self) -> f64 {
        self.lower_bound
    }

    /// The mean log density of the samples in each iteration.
    pub fn lower_bounds(&self) -> &Tensor<f64> {
        &self.lower_bounds
    }

    /// A line for each iteration, where [`GaussianMixture::verbose`](super::GaussianMixture::verbose) asked for them.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// How many numbers the mixture consists of, each counted once.
    pub fn n_parameters(&self) -> usize {
        let [k, d] = self.shape();
        self.kind.parameters(k, d) + k * d + k - 1
    }

    /// `ln (w_j N(x_i | component j))`, `(N, k)`.
    fn log_prob(&self, operation: &str, x: &Tensor<T>) -> Result<Vec<f64>> {
        let [k, d] = self.shape();
        let n = validate::matrix_of(operation, x, d)?;
        validate::finite(operation, x)?;
        let parameters = self.parameters();
        let mut shift = vec![0.0; d];
        for (mean, weight) in parameters.means.chunks_exact(d).zip(&parameters.weights) {
            shift.iter_mut().zip(mean).for_each(|(shift, mean)| *shift += weight * mean);
        }
        debug_assert_eq!(parameters.k, k);
        let rows: Vec<f64> =
            x.to_vec().iter().zip(shift.iter().cycle()).map(|(x, shift)| x.to_f64() - shift).collect();
        Ok(parameters.weighted_log_prob(&rows, n, &shift))
    }

    /// The logarithm of the density of each sample, `(N)`.
    ///
    /// # Errors
    /// `x` is no matrix, has other features than the model, or holds NaN or infinity.
    pub fn score_samples(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let mut log_prob = self.log_prob("GaussianMixture::score_samples", x)?;
        let densities = Parameters::responsibilities(&mut log_prob, self.shape()[0]);
        Ok(densities.into_iter().map(T::from_f64).collect::<Vec<_>>().into())
    }

    /// The mean of [`score_samples`](Self::score_samples).
    ///
    /// # Errors
    /// As there.
    pub fn score(&self, x: &Tensor<T>) -> Result<f64> {
        let mut log_prob = self.log_prob("GaussianMixture::score", x)?;
        let densities = Parameters::responsibilities(&mut log_prob, self.shape()[0]);
        Ok(densities.iter().sum::<f64>() / densities.len() as f64)
    }

    /// Akaike's information criterion, `-2 sum ln p(x_i) + 2 p`: less is better.
    ///
    /// # Errors
    /// As [`score_samples`](Self::score_samples).
    pub fn aic(&self, x: &Tensor<T>) -> Result<f64> {
        Ok(-2.0 * self.score(x)? * x.shape()[0] as f64 + 2.0 * self.n_parameters() as f64)
    }

    /// The Bayesian information criterion, `-2 sum ln p(x_i) + p ln N`: less is better.
    ///
    /// # Errors
    /// As [`score_samples`](Self::score_samples).
    pub fn bic(&self, x: &Tensor<T>) -> Result<f64> {
        let n = x.shape().first().copied().unwrap_or(0) as f64;
        Ok(-2.0 * self.score(x)? * n + self.n_parameters() as f64 * n.ln())
    }

    /// `n` new samples `(n, D)`, those of a component together, and the component of each.
    ///
    /// # Errors
    /// `n` is 0.
    pub fn sample(&self, n: usize, seed: u32) -> Result<(Tensor<T>, Tensor<i64>)> {
        if n == 0 {
            let message = "Invalid value for 'n_samples': 0 . The sampling requires at least one sample.";
            return Err(Error::value("GaussianMixture::sample", message));
        }
        let [_, d] = self.shape();
        let parameters = self.parameters();
        let random = &mut RandomState::new(seed);
        let mut labels = random.choice(n, &parameters.weights);
        labels.sort_unstable();
        let mut samples = Vec::with_capacity(n * d);
        for &j in &labels {
            let z: Vec<f64> = (0..d).map(|_| random.randn()).collect();
            let mean = &parameters.means[j * d..][..d];
            match self.kind {
                CovarianceType::Full | CovarianceType::Tied => {
                    let own = if self.kind == CovarianceType::Full { j * d * d } else { 0 };
                    let u = &parameters.precisions_cholesky[own..][..d * d];
                    // x = m + U^-T z has the covariance (U U^T)^-1.
                    let mut y = vec![0.0; d];
                    for i in 0..d {
                        let sum: f64 = (0..i).map(|t| u[t * d + i] * y[t]).sum();
                        y[i] = (z[i] - sum) / u[i * d + i];
                    }
                    samples.extend(y.iter().zip(mean).map(|(y, mean)| T::from_f64(mean + y)));
                }
                _ => {
                    let factor = |t: usize| match self.kind {
                        CovarianceType::Diag => parameters.precisions_cholesky[j * d + t],
                        _ => parameters.precisions_cholesky[j],
                    };
                    samples.extend((0..d).map(|t| T::from_f64(mean[t] + z[t] / factor(t))));
                }
            }
        }
        let labels: Vec<i64> = labels.into_iter().map(|j| j as i64).collect();
        Ok((Tensor::from_vec(samples, [n, d])?, labels.into()))
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedGaussianMixture<T> {
    type Output = Tensor<i64>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
        let log_prob = self.log_prob("GaussianMixture::predict", x)?;
        let most = |row: &[f64]| {
            let mut best = 0;
            for (j, value) in row.iter().enumerate() {
                if *value > row[best] {
                    best = j;
                }
            }
            best as i64
        };
        Ok(log_prob.chunks_exact(self.shape()[0]).map(most).collect::<Vec<_>>().into())
    }
}

impl<T: Float> PredictProba<Tensor<T>> for FittedGaussianMixture<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let k = self.shape()[0];
        let mut responsibilities = self.log_prob("GaussianMixture::predict_proba", x)?;
        Parameters::responsibilities(&mut responsibilities, k);
        let n = responsibilities.len() / k;
        Tensor::from_vec(responsibilities.into_iter().map(T::from_f64).collect(), [n, k])
    }
}

impl<T: Float> Persist for FittedGaussianMixture<T> {
    const NAME: &'static str = "GaussianMixture";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("covariance_type", self.kind.name())
            .with("weights", field(&self.weights))
            .with("means", field(&self.means))
            .with("covariances", field(&self.covariances))
            .with("precisions_cholesky", field(&self.precisions_cholesky))
            .with("precisions", field(&self.precisions))
            .with("converged", self.converged)
            .with("n_iter", self.n_iter)
            .with("lower_bound", self.lower_bound)
            .with("lower_bounds", self.lower_bounds.clone())
            .with("log", Field::List(self.log.iter().map(|line| Field::Text(line.clone())).collect()))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let name = record.text("covariance_type")?;
        let kind = CovarianceType::named(name)
            .ok_or_else(|| record.error(format!("covariance_type {name:?} is not one")))?;
        let means = record.tensor::<T>("means")?;
        let [k, d] = match *means.shape() {
            [k, d] if k > 0 && d > 0 => [k, d],
            ref shape => {
                return Err(record.error(format!("field \"means\" has shape {shape:?}, expected (k, D)")));
            }
        };
        let weights = record.tensor_of::<T>("weights", &[k])?;
        if weights.to_vec().iter().any(|weight| !weight.is_finite() || *weight < T::ZERO) {
            return Err(record.error("field \"weights\" holds a number that is no weight"));
        }
        let shape = kind.shape(k, d);
        let lower_bounds = record.tensor::<f64>("lower_bounds")?;
        let Field::List(lines) = record.field("log")? else {
            return Err(record.error("field \"log\" is not a list"));
        };
        let line = |line: &Field| match line {
            Field::Text(line) => Ok(line.clone()),
            _ => Err(record.error("field \"log\" holds something other than text")),
        };
        Ok(FittedGaussianMixture {
            kind,
            weights,
            means,
            covariances: record.tensor_of("covariances", &shape)?,
            precisions_cholesky: record.tensor_of("precisions_cholesky", &shape)?,
            precisions: record.tensor_of("precisions", &shape)?,
            converged: record.bool("converged")?,
            n_iter: record.count("n_iter")?,
            lower_bound: record.float("lower_bound")?,
            lower_bounds,
            log: lines.iter().map(line).collect::<Result<_>>()?,
        })
    }
}

impl<T: Float> Model<T> for FittedGaussianMixture<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.shape()[1]
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        self.predict(x.dense(Self::NAME)?).map(Prediction::Classes)
    }

    fn predict_proba_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.predict_proba(x.dense(Self::NAME)?)
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
