//! Gaussian mixtures by expectation and maximisation.

use barehand_kernels::random::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::gaussian::{CovarianceType, Parameters, cholesky_of_precisions, covariances_of};
use crate::cluster::{KMeans, k_means_plus_plus_from};
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::Fit;
use crate::validate;

mod fitted;

pub use fitted::FittedGaussianMixture;

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
            && (before.shape() != [k, d] || before.kind() != self.covariance_type)
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
                Some(before) => (before.parameters(), before.lower_bound()),
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
