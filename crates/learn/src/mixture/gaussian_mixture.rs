//! Gaussian mixtures by expectation and maximisation.

use std::any::Any;

use barehand_kernels::random::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::gaussian::{CovarianceType, Parameters, cholesky_of_precisions, covariances_of};
use crate::cluster::{KMeans, k_means_plus_plus_from};
use crate::dynamic::{Estimator, Features, Model, Prediction, Target, no_weights};
use crate::estimator::{Fit, Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::{Field, Record};
use crate::validate;

/// Where responsibilities start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MixtureInit {
    /// The clusters of one run of k-means.
    #[default]
    KMeans,
    /// Each component on one sample, picked by k-means++.
    KMeansPlusPlus,
    /// At random.
    Random,
    /// Each component on one random sample.
    RandomFromData,
}

/// A sum of `k` normal distributions, fitted by EM.
///
/// ```text
/// p(x)  = sum_j w_j N(x | m_j, C_j)
/// E:    r_ij = w_j N(x_i | m_j, C_j) / p(x_i)
/// M:    n_j = sum_i r_ij,  w_j = n_j / N,  m_j = sum_i r_ij x_i / n_j,
///       C_j = sum_i r_ij (x_i - m_j)(x_i - m_j)^T / n_j + reg_covar I
/// ```
///
/// until the mean of `ln p(x_i)` changes by less than `tol`. Everything is computed in f64. The same seed draws what
/// scikit-learn draws. Source: scikit-learn's `GaussianMixture`; Dempster, Laird and Rubin 1977.
///
/// ```
/// use barehand_learn::Predict;
/// use barehand_learn::mixture::GaussianMixture;
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [10.0, 2.0], [10.0, 4.0], [10.0, 0.0f64]]);
/// let model = GaussianMixture::new(2).seed(0).fit(&x)?;
/// let means = model.means().to_vec();
/// assert!((means[0] + means[2] - 11.0).abs() < 1e-9);
/// let labels = model.predict(&Tensor::from([[0.0, 0.0], [12.0, 3.0]]))?.to_vec();
/// assert_ne!(labels[0], labels[1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    n_components: usize,
    covariance_type: CovarianceType,
    tol: f64,
    reg_covar: f64,
    max_iter: usize,
    n_init: usize,
    init_params: MixtureInit,
    weights_init: Option<Tensor<f64>>,
    means_init: Option<Tensor<f64>>,
    precisions_init: Option<Tensor<f64>>,
    seed: u32,
    verbose: bool,
}

impl Default for GaussianMixture {
    fn default() -> Self {
        GaussianMixture::new(1)
    }
}

impl GaussianMixture {
    /// This many components with covariances of their own.
    pub fn new(n_components: usize) -> Self {
        GaussianMixture {
            n_components,
            covariance_type: CovarianceType::Full,
            tol: 1e-3,
            reg_covar: 1e-6,
            max_iter: 100,
            n_init: 1,
            init_params: MixtureInit::KMeans,
            weights_init: None,
            means_init: None,
            precisions_init: None,
            seed: 0,
            verbose: false,
        }
    }

    /// What covariances may be (default: full).
    pub fn covariance_type(mut self, covariance_type: CovarianceType) -> Self {
        self.covariance_type = covariance_type;
        self
    }

    /// The change of the mean log density at which EM ends (default: 1e-3).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Added to variances (default: 1e-6).
    pub fn reg_covar(mut self, reg_covar: f64) -> Self {
        self.reg_covar = reg_covar;
        self
    }

    /// Iterations at most (default: 100); with 0 the start is the model.
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Runs, of which the one of greatest density is kept (default: 1).
    pub fn n_init(mut self, n_init: usize) -> Self {
        self.n_init = n_init;
        self
    }

    /// Where responsibilities start (default: k-means).
    pub fn init_params(mut self, init_params: MixtureInit) -> Self {
        self.init_params = init_params;
        self
    }

    /// Weights to start from, `(k)`, summing to 1.
    pub fn weights_init(mut self, weights: Option<Tensor<f64>>) -> Self {
        self.weights_init = weights;
        self
    }

    /// Means to start from, `(k, D)`.
    pub fn means_init(mut self, means: Option<Tensor<f64>>) -> Self {
        self.means_init = means;
        self
    }

    /// Inverse covariances to start from, as [`CovarianceType::shape`].
    pub fn precisions_init(mut self, precisions: Option<Tensor<f64>>) -> Self {
        self.precisions_init = precisions;
        self
    }

    /// The seed of the draws (default: 0).
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// Whether the model keeps a line for each iteration, [`FittedGaussianMixture::log`] (default: no).
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// The mixture of features `(N, D)`.
    ///
    /// # Errors
    /// `x` is no matrix, has fewer samples than 2 or than components, or holds NaN or infinity; `tol` or `reg_covar` is negative;
    /// given parameters of another shape, weights that do not sum to 1, precisions that are not positive definite; a component
    /// collapses onto one point.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedGaussianMixture<T>> {
        self.fitted(x, None)
    }

    /// As [`fit`](Self::fit), from where an earlier model stopped: the warm start.
    ///
    /// # Errors
    /// As `fit`; also where the model has another number of components or features, or other covariances.
    pub fn fit_from<T: Float>(
        &self,
        before: &FittedGaussianMixture<T>,
        x: &Tensor<T>,
    ) -> Result<FittedGaussianMixture<T>> {
        self.fitted(x, Some(before))
    }

    fn fitted<T: Float>(
        &self,
        x: &Tensor<T>,
        before: Option<&FittedGaussianMixture<T>>,
    ) -> Result<FittedGaussianMixture<T>> {
        const OPERATION: &str = "GaussianMixture::fit";
        let (n, d) = validate::matrix(OPERATION, x)?;
        validate::finite(OPERATION, x)?;
        let k = self.n_components;
        if n < 2 || n < k || k == 0 || k >= 1 << 24 {
            let message =
                format!("Expected n_samples >= n_components but got n_components = {k}, n_samples = {n}");
            return Err(Error::value(OPERATION, message));
        }
        for (name, value) in [("tol", self.tol), ("reg_covar", self.reg_covar)] {
            if value.is_nan() || value < 0.0 {
                return Err(Error::value(OPERATION, format!("{name} is {value}: 0 or more expected")));
            }
        }
        if self.n_init == 0 {
            return Err(Error::value(OPERATION, "n_init is 0: at least 1 expected"));
        }
        self.check_given(OPERATION, d)?;
        if let Some(before) = before
            && (before.shape() != [k, d] || before.kind != self.covariance_type)
        {
            let message = "the model to go on from has other components, features or covariances";
            return Err(Error::shape(OPERATION, message));
        }
        let shift: Vec<f64> = x.mean_dim(0, false)?.to_vec().into_iter().map(T::to_f64).collect();
        let rows: Vec<f64> =
            x.to_vec().iter().zip(shift.iter().cycle()).map(|(x, shift)| x.to_f64() - shift).collect();
        let samples = Samples { x: &rows, n, shift: &shift };
        let random = &mut RandomState::new(self.seed);
        let mut log = Vec::new();
        let mut best: Option<Run> = None;
        let runs = if before.is_some() { 1 } else { self.n_init };
        for i in 0..runs {
            if self.verbose {
                log.push(format!("Initialization {i}"));
            }
            let (parameters, bound) = match before {
                Some(before) => (before.parameters(), before.lower_bound),
                None => (self.start(x, &samples, random)?, f64::NEG_INFINITY),
            };
            let run = self.run(parameters, bound, &samples, self.verbose.then_some(&mut log))?;
            let found = run.bounds.last().copied().unwrap_or(f64::NEG_INFINITY);
            let better = best
                .as_ref()
                .is_none_or(|best| found > best.bounds.last().copied().unwrap_or(f64::NEG_INFINITY));
            if better {
                best = Some(run);
            }
        }
        let Some(best) = best else {
            return Err(Error::value(OPERATION, "no run"));
        };
        FittedGaussianMixture::new(best, log)
    }

    fn run(
        &self,
        mut parameters: Parameters,
        mut bound: f64,
        samples: &Samples,
        mut log: Option<&mut Vec<String>>,
    ) -> Result<Run> {
        let k = parameters.k;
        let mut bounds = Vec::new();
        let mut converged = false;
        while bounds.len() < self.max_iter && !converged {
            let mut log_prob = parameters.weighted_log_prob(samples.x, samples.n, samples.shift);
            let densities = Parameters::responsibilities(&mut log_prob, k);
            parameters =
                Parameters::of(parameters.kind, samples.x, samples.shift, &log_prob, k, self.reg_covar)?;
            let total: f64 = parameters.weights.iter().sum();
            for weight in &mut parameters.weights {
                *weight /= total;
            }
            let before = bound;
            bound = densities.iter().sum::<f64>() / samples.n as f64;
            bounds.push(bound);
            let change = bound - before;
            if let Some(log) = log.as_deref_mut() {
                log.push(format!("  Iteration {}\t ll change {change:.5}", bounds.len()));
            }
            converged = change.abs() < self.tol;
        }
        if let Some(log) = log {
            let how = if converged { "converged" } else { "did not converge" };
            log.push(format!("Initialization {how}.\t lower bound {bound:.5}."));
        }
        Ok(Run { parameters, bounds, converged })
    }

    /// Parameters to begin with.
    fn start<T: Float>(
        &self,
        x: &Tensor<T>,
        samples: &Samples,
        random: &mut RandomState,
    ) -> Result<Parameters> {
        let (n, k, d) = (samples.n, self.n_components, samples.shift.len());
        let given = (&self.weights_init, &self.means_init, &self.precisions_init);
        let mut parameters = if let (Some(_), Some(_), Some(_)) = given {
            Parameters {
                kind: self.covariance_type,
                k,
                d,
                weights: vec![0.0; k],
                means: vec![0.0; k * d],
                covariances: Vec::new(),
                precisions_cholesky: Vec::new(),
            }
        } else {
            let responsibilities = self.first_responsibilities(x, n, random)?;
            let mut parameters = Parameters::of(
                self.covariance_type,
                samples.x,
                samples.shift,
                &responsibilities,
                k,
                self.reg_covar,
            )?;
            for weight in &mut parameters.weights {
                *weight /= n as f64;
            }
            parameters
        };
        if let Some(weights) = &self.weights_init {
            parameters.weights = weights.to_vec();
        }
        if let Some(means) = &self.means_init {
            parameters.means = means.to_vec();
        }
        if let Some(precisions) = &self.precisions_init {
            let factors = cholesky_of_precisions(self.covariance_type, &precisions.to_vec(), d);
            let not = || Error::value("GaussianMixture::fit", "precisions_init is not positive definite");
            parameters.precisions_cholesky = factors.ok_or_else(not)?;
            parameters.covariances = covariances_of(self.covariance_type, &parameters.precisions_cholesky, d);
        }
        Ok(parameters)
    }

    fn first_responsibilities<T: Float>(
        &self,
        x: &Tensor<T>,
        n: usize,
        random: &mut RandomState,
    ) -> Result<Vec<f64>> {
        let k = self.n_components;
        let mut responsibilities = vec![0.0; n * k];
        let picked = match self.init_params {
            MixtureInit::KMeans => {
                let model = KMeans::new(k).n_init(1).fitted_with(&x.clone().into(), None, random)?;
                for (row, label) in responsibilities.chunks_exact_mut(k).zip(model.labels().to_vec()) {
                    row[label as usize] = 1.0;
                }
                return Ok(responsibilities);
            }
            MixtureInit::Random => {
                responsibilities.fill_with(|| random.random_sample());
                for row in responsibilities.chunks_exact_mut(k) {
                    let sum: f64 = row.iter().sum();
                    for value in row.iter_mut() {
                        *value /= sum;
                    }
                }
                return Ok(responsibilities);
            }
            MixtureInit::KMeansPlusPlus => k_means_plus_plus_from(&x.clone().into(), k, random)?,
            MixtureInit::RandomFromData => {
                let mut picked = random.permutation(n);
                picked.truncate(k);
                picked
            }
        };
        for (j, i) in picked.into_iter().enumerate() {
            responsibilities[i * k + j] = 1.0;
        }
        Ok(responsibilities)
    }

    fn check_given(&self, operation: &str, d: usize) -> Result<()> {
        let k = self.n_components;
        let shapes = [
            ("weights", &self.weights_init, vec![k]),
            ("means", &self.means_init, vec![k, d]),
            ("precisions", &self.precisions_init, self.covariance_type.shape(k, d)),
        ];
        for (name, given, expected) in shapes {
            let Some(given) = given else { continue };
            if given.shape() != expected {
                let found = given.shape();
                let message = format!("{name}_init has shape {found:?}, expected {expected:?}");
                return Err(Error::shape(operation, message));
            }
            validate::finite(operation, given)?;
        }
        if let Some(weights) = &self.weights_init {
            let weights = weights.to_vec();
            let sum: f64 = weights.iter().sum();
            if weights.iter().any(|weight| *weight < 0.0) || (sum - 1.0).abs() > 1e-5 {
                let message = format!("weights_init must not be negative and sum to 1, they sum to {sum}");
                return Err(Error::value(operation, message));
            }
        }
        Ok(())
    }
}

/// Samples with their mean taken out.
struct Samples<'a> {
    x: &'a [f64],
    n: usize,
    shift: &'a [f64],
}

/// What a run found.
struct Run {
    parameters: Parameters,
    /// The mean log density after each iteration.
    bounds: Vec<f64>,
    converged: bool,
}

impl<T: Float> Fit<Tensor<T>> for GaussianMixture {
    type Fitted = FittedGaussianMixture<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(x, None)
    }
}

impl<T: Float> Estimator<T> for GaussianMixture {
    fn name(&self) -> &'static str {
        "GaussianMixture"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights("GaussianMixture", sample_weight)?;
        Ok(Box::new(self.fitted(x.dense("GaussianMixture")?, None)?))
    }
}

/// What [`GaussianMixture`] learned.
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
    fn new(run: Run, log: Vec<String>) -> Result<Self> {
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

    fn shape(&self) -> [usize; 2] {
        [self.means.shape()[0], self.means.shape()[1]]
    }

    fn parameters(&self) -> Parameters {
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

    /// A line for each iteration, where [`GaussianMixture::verbose`] asked for them.
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
