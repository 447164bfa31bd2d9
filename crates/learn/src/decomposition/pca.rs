//! Principal components.

use std::any::Any;

use barehand_kernels::gemm::{Gemm as _, Matrix, MatrixMut};
use barehand_kernels::random::RandomState;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::lanczos::lanczos;
use super::randomized_svd::{Factor, PowerIterationNormalizer, RandomizedSvd, flip_signs, from_f64, to_f64};
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::{Fit, InverseTransform, Transform};
use crate::factorization::{svd, symmetric_eigen};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;
use crate::validate;

mod dimension;

use dimension::most_likely;

/// How many components are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum PcaComponents {
    /// `min(N, D)`
    #[default]
    All,
    /// This many.
    Count(usize),
    /// As many as explain more than this share of the variance, between 0 and 1.
    Variance(f64),
    /// As many as are most likely (Minka 2000).
    Mle,
}

/// How the components are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SvdSolver {
    /// By the covariance where samples are ten times as many as features, of which there are at most 1000; else in full where
    /// no axis is longer than 500; else randomized where less than 80 % of the components are asked for; else in full.
    #[default]
    Auto,
    /// The singular values of the centered samples.
    Full,
    /// The eigenvalues of the covariance: fast for few features; squares lose half of the digits of small components.
    CovarianceEigh,
    /// Lanczos, for the largest components only, to the accuracy of [`Pca::tol`]; scikit-learn's `"arpack"`.
    Lanczos,
    /// Random projections, for the largest components only.
    Randomized,
}

impl SvdSolver {
    fn name(self) -> &'static str {
        match self {
            SvdSolver::Auto => "auto",
            SvdSolver::Full => "full",
            SvdSolver::CovarianceEigh => "covariance_eigh",
            SvdSolver::Lanczos => "arpack",
            SvdSolver::Randomized => "randomized",
        }
    }
}

/// The directions in which samples vary most.
///
/// ```text
/// X - mean = U S V^T
/// components = the first rows of V^T          explained_variance = S^2 / (N - 1)
/// z = (x - mean) V                            whitened: divided by sqrt(explained_variance)
/// ```
///
/// The largest element of each component is positive. Source: scikit-learn's `PCA`; Tipping and Bishop 1999 for the noise.
///
/// ```
/// use barehand_learn::decomposition::{Pca, PcaComponents};
/// use barehand_learn::{InverseTransform, Transform};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0f64]]);
/// let pca = Pca::new().n_components(PcaComponents::Count(1)).fit(&x)?;
/// let z = pca.transform(&x)?;
/// assert!((z.to_vec()[2] - 2f64.sqrt()).abs() < 1e-12);
/// assert!(pca.inverse_transform(&z)?.max_abs_diff(&x)? < 1e-12);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pca {
    n_components: PcaComponents,
    whiten: bool,
    svd_solver: SvdSolver,
    tol: f64,
    iterated_power: Option<usize>,
    n_oversamples: usize,
    power_iteration_normalizer: PowerIterationNormalizer,
    seed: u32,
}

impl Default for Pca {
    fn default() -> Self {
        Pca {
            n_components: PcaComponents::All,
            whiten: false,
            svd_solver: SvdSolver::Auto,
            tol: 0.0,
            iterated_power: None,
            n_oversamples: 10,
            power_iteration_normalizer: PowerIterationNormalizer::Auto,
            seed: 0,
        }
    }
}

impl Pca {
    /// Every component.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many components are kept (default: all).
    pub fn n_components(mut self, n_components: PcaComponents) -> Self {
        self.n_components = n_components;
        self
    }

    /// Whether the new features have variance 1 (default: no).
    pub fn whiten(mut self, whiten: bool) -> Self {
        self.whiten = whiten;
        self
    }

    /// How the components are found (default: by the shape).
    pub fn svd_solver(mut self, svd_solver: SvdSolver) -> Self {
        self.svd_solver = svd_solver;
        self
    }

    /// The relative accuracy of singular values by Lanczos (default: 0, that of rounding).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Power iterations of the randomized solver (default: 7 for less than a tenth of the components, else 4).
    pub fn iterated_power(mut self, iterations: usize) -> Self {
        self.iterated_power = Some(iterations);
        self
    }

    /// Columns that the randomized solver projects on besides the components (default: 10).
    pub fn n_oversamples(mut self, n_oversamples: usize) -> Self {
        self.n_oversamples = n_oversamples;
        self
    }

    /// What keeps the columns of the randomized solver apart.
    pub fn power_iteration_normalizer(mut self, normalizer: PowerIterationNormalizer) -> Self {
        self.power_iteration_normalizer = normalizer;
        self
    }

    /// The seed of the randomized solver (default: 0).
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// The components of features `(N, D)`.
    ///
    /// # Errors
    /// `x` is no matrix, is empty, or holds NaN or infinity; more components than `min(N, D)`; a share of the variance that is
    /// not between 0 and 1; `Mle` or a share with the randomized solver, `Mle` with fewer samples than features.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedPca<T>> {
        self.fitted(&x.clone().into())
    }

    fn solver(&self, n: usize, d: usize) -> SvdSolver {
        if self.svd_solver != SvdSolver::Auto {
            return self.svd_solver;
        }
        let few = match self.n_components {
            PcaComponents::Count(k) => k >= 1 && (k as f64) < 0.8 * n.min(d) as f64,
            _ => false,
        };
        if d <= 1000 && n >= 10 * d {
            SvdSolver::CovarianceEigh
        } else if n.max(d) <= 500 || !few {
            SvdSolver::Full
        } else {
            SvdSolver::Randomized
        }
    }

    fn fitted<T: Float>(&self, x: &Features<T>) -> Result<FittedPca<T>> {
        const OPERATION: &str = "PCA::fit";
        let [n, d] = x.shape();
        let solver = match x {
            Features::Dense(x) => {
                validate::matrix(OPERATION, x)?;
                self.solver(n, d)
            }
            Features::Sparse(x) => {
                validate::not_empty(OPERATION, n, d)?;
                validate::finite(OPERATION, &Tensor::from(x.values().to_vec()))?;
                match self.svd_solver {
                    SvdSolver::Auto => SvdSolver::Lanczos,
                    solver @ (SvdSolver::Lanczos | SvdSolver::CovarianceEigh) => solver,
                    other => {
                        let name = other.name();
                        let message =
                            format!("sparse rows need the arpack or the covariance_eigh solver, not {name}");
                        return Err(Error::value(OPERATION, message));
                    }
                }
            }
        };
        self.check(OPERATION, solver, n, d)?;
        let mean = means(x)?;
        // Where a number is not finite, no mean of it is.
        if let Features::Dense(x) = x
            && !mean.iter().all(|mean| mean.is_finite())
        {
            validate::finite(OPERATION, x)?;
        }
        let spectrum = match solver {
            SvdSolver::Randomized | SvdSolver::Lanczos => self.truncated(solver, x, &mean)?,
            SvdSolver::CovarianceEigh => by_covariance(OPERATION, x, &mean)?,
            _ => by_svd(x, &mean)?,
        };
        let Spectrum { variances, mut components, total } = spectrum;
        let share = |variance: f64| variance / total;
        let k = match self.n_components {
            PcaComponents::All => variances.len(),
            PcaComponents::Count(k) => k,
            PcaComponents::Mle => most_likely(&variances, n),
            PcaComponents::Variance(wanted) => {
                let mut sum = 0.0;
                let below = variances.iter().take_while(|variance| {
                    sum += share(**variance);
                    sum <= wanted
                });
                (below.count() + 1).min(variances.len())
            }
        };
        components.truncate(k * d);
        flip_signs(&mut components, d);
        let kept = &variances[..k];
        let noise_variance = if k < n.min(d) {
            match solver {
                SvdSolver::Randomized | SvdSolver::Lanczos => {
                    ((total - kept.iter().sum::<f64>()) / (n.min(d) - k) as f64).max(0.0)
                }
                _ => variances[k..].iter().sum::<f64>() / (variances.len() - k) as f64,
            }
        } else {
            0.0
        };
        let degrees = n as f64 - 1.0;
        let vector = |values: Vec<f64>| Tensor::from(from_f64::<T>(&values));
        FittedPca {
            components: Tensor::from_vec(from_f64(&components), [k, d])?,
            mean: vector(mean),
            explained_variance: vector(kept.to_vec()),
            explained_variance_ratio: vector(kept.iter().map(|&v| share(v)).collect()),
            singular_values: vector(kept.iter().map(|v| (v * degrees).sqrt()).collect()),
            noise_variance,
            n_samples: n,
            whiten: self.whiten,
            solver: solver.name().to_owned(),
            projection: Tensor::zeros([0]),
            offset: Vec::new(),
        }
        .ready()
    }

    fn check(&self, operation: &str, solver: SvdSolver, n: usize, d: usize) -> Result<()> {
        let strict = solver == SvdSolver::Lanczos;
        let most = n.min(d);
        if n < 2 {
            return Err(Error::value(
                operation,
                format!("{n} samples have no variance: at least 2 expected"),
            ));
        }
        let truncated = matches!(solver, SvdSolver::Randomized | SvdSolver::Lanczos);
        let least = usize::from(truncated);
        if self.tol.is_nan() || self.tol < 0.0 {
            return Err(Error::value(operation, format!("tol is {}: 0 or more expected", self.tol)));
        }
        if strict && (most == 1 || self.n_components == PcaComponents::Count(most)) {
            let message = format!(
                "n_components={most} must be strictly less than min(n_samples, n_features)={most} with svd_solver='arpack'"
            );
            return Err(Error::value(operation, message));
        }
        match self.n_components {
            PcaComponents::Count(k) if k > most || k < least => {
                let message = format!(
                    "n_components={k} must be between {least} and min(n_samples, n_features)={most} with svd_solver='{}'",
                    solver.name()
                );
                Err(Error::value(operation, message))
            }
            PcaComponents::Variance(share) if !(share > 0.0 && share < 1.0) => {
                Err(Error::value(operation, format!("{share} is no share of the variance between 0 and 1")))
            }
            PcaComponents::Mle if n < d => {
                let message = "n_components='mle' is only supported if n_samples >= n_features";
                Err(Error::value(operation, message))
            }
            PcaComponents::Mle | PcaComponents::Variance(_) if truncated => {
                let message = format!("svd_solver='{}' needs the number of components", solver.name());
                Err(Error::value(operation, message))
            }
            _ => Ok(()),
        }
    }

    fn truncated<T: Float>(&self, solver: SvdSolver, x: &Features<T>, mean: &[f64]) -> Result<Spectrum> {
        let [n, d] = x.shape();
        let k = match self.n_components {
            PcaComponents::Count(k) => k,
            _ if solver == SvdSolver::Lanczos => n.min(d) - 1,
            _ => n.min(d),
        };
        let values;
        let factor = match x {
            Features::Dense(x) => {
                values = centered(x, mean).map(T::from_f64).collect::<Vec<T>>();
                Factor::Dense { x: &values, n, d }
            }
            Features::Sparse(x) => Factor::sparse(x, Some(mean)),
        };
        let squares = factor.squares();
        let random = &mut RandomState::new(self.seed);
        let (s, components) = if solver == SvdSolver::Lanczos {
            lanczos(&factor, k, self.tol, random)?
        } else {
            let few = (k as f64) < 0.1 * n.min(d) as f64;
            let method = RandomizedSvd {
                k,
                oversamples: self.n_oversamples,
                iterations: self.iterated_power.unwrap_or(if few { 7 } else { 4 }),
                normalizer: self.power_iteration_normalizer,
            };
            method.of(&factor, random)?
        };
        let degrees = n as f64 - 1.0;
        let variances = s.iter().map(|s| s * s / degrees).collect();
        Ok(Spectrum { variances, components, total: squares / degrees })
    }
}

/// What a solver found: variances, descending, of as many components, rows of `d`.
struct Spectrum {
    variances: Vec<f64>,
    components: Vec<f64>,
    /// The variance of all features.
    total: f64,
}

fn means<T: Float>(x: &Features<T>) -> Result<Vec<f64>> {
    Ok(match x {
        Features::Dense(x) => to_f64(&x.mean_dim(0, false)?.to_vec()),
        Features::Sparse(x) => {
            let mut sums = vec![0.0; x.columns()];
            for (&column, value) in x.indices().iter().zip(x.values()) {
                sums[column as usize] += value.to_f64();
            }
            sums.iter().map(|sum| sum / x.rows() as f64).collect()
        }
    })
}

/// Elements of `x - mean`, row by row.
fn centered<'a, T: Float>(x: &Tensor<T>, mean: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    x.to_vec().into_iter().zip(mean.iter().cycle()).map(|(x, mean)| x.to_f64() - mean)
}

fn by_svd<T: Float>(x: &Features<T>, mean: &[f64]) -> Result<Spectrum> {
    let [n, d] = x.shape();
    let centered: Vec<f64> = centered(x.dense("PCA")?, mean).collect();
    let found = svd(&centered, n, d)?;
    let variances: Vec<f64> = found.s.iter().map(|s| s * s / (n as f64 - 1.0)).collect();
    let total = variances.iter().sum();
    Ok(Spectrum { variances, components: found.vt, total })
}

fn by_covariance<T: Float>(operation: &str, x: &Features<T>, mean: &[f64]) -> Result<Spectrum> {
    let [n, d] = x.shape();
    let mut covariance = vec![0.0; d * d];
    match x {
        Features::Dense(x) => {
            let x = x.contiguous();
            T::scatter(x.as_slice().unwrap_or_default(), n, d, mean, None, &mut covariance);
        }
        Features::Sparse(x) => {
            for i in 0..n {
                let (columns, values) = x.row(i);
                for (&a, left) in columns.iter().zip(values) {
                    let row = &mut covariance[a as usize * d..][..d];
                    for (&b, right) in columns.iter().zip(values) {
                        row[b as usize] += left.to_f64() * right.to_f64();
                    }
                }
            }
            for (row, a) in covariance.chunks_exact_mut(d).zip(mean) {
                row.iter_mut().zip(mean).for_each(|(c, b)| *c -= n as f64 * a * b);
            }
        }
    }
    for c in &mut covariance {
        *c /= n as f64 - 1.0;
    }
    if covariance.iter().any(|c| !c.is_finite()) {
        return Err(Error::value(operation, "the covariance overflows: scale the features"));
    }
    let (values, vectors) = symmetric_eigen(&covariance, d)?;
    let rank = n.min(d);
    // Rounding makes eigenvalues of nothing slightly negative.
    let variances: Vec<f64> = values.iter().rev().take(rank).map(|value| value.max(0.0)).collect();
    let components = vectors.chunks_exact(d).rev().take(rank).flatten().copied().collect();
    let total = values.iter().map(|value| value.max(0.0)).sum();
    Ok(Spectrum { variances, components, total })
}

impl<T: Float> Fit<Tensor<T>> for Pca {
    type Fitted = FittedPca<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into())
    }
}

impl<T: Float> Fit<CsrMatrix<T>> for Pca {
    type Fitted = FittedPca<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into())
    }
}

impl<T: Float> Estimator<T> for Pca {
    fn name(&self) -> &'static str {
        "PCA"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights("PCA", sample_weight)?;
        Ok(Box::new(self.fitted(x)?))
    }
}

/// What [`Pca`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedPca<T: Float> {
    components: Tensor<T>,
    mean: Tensor<T>,
    explained_variance: Tensor<T>,
    explained_variance_ratio: Tensor<T>,
    singular_values: Tensor<T>,
    noise_variance: f64,
    n_samples: usize,
    whiten: bool,
    solver: String,
    /// The components, divided by the deviations where they are whitened.
    projection: Tensor<T>,
    /// `-mean projection^T`
    offset: Vec<T>,
}

impl<T: Float> FittedPca<T> {
    /// With what transforming needs beside the attributes.
    fn ready(mut self) -> Result<Self> {
        let [k, d] = self.shape();
        let mut projection = self.components.to_vec();
        if self.whiten {
            for (row, scale) in projection.chunks_exact_mut(d).zip(self.deviations()) {
                for value in row.iter_mut() {
                    *value = T::from_f64(value.to_f64() / scale);
                }
            }
        }
        let mean = self.mean.to_vec();
        self.offset = (0..k)
            .map(|i| {
                let row = &projection[i * d..][..d];
                T::from_f64(-row.iter().zip(&mean).map(|(c, m)| c.to_f64() * m.to_f64()).sum::<f64>())
            })
            .collect();
        self.projection = Tensor::from_vec(projection, [k, d])?;
        Ok(self)
    }

    fn shape(&self) -> [usize; 2] {
        [self.components.shape()[0], self.components.shape()[1]]
    }

    /// What whitening divides by: nothing is smaller than rounding.
    fn deviations(&self) -> Vec<f64> {
        let least = T::EPSILON.to_f64();
        self.explained_variance.to_vec().iter().map(|v| v.to_f64().sqrt().max(least)).collect()
    }

    /// The directions, `(k, D)`, orthonormal rows.
    pub fn components(&self) -> &Tensor<T> {
        &self.components
    }

    /// The mean of each feature, `(D)`.
    pub fn mean(&self) -> &Tensor<T> {
        &self.mean
    }

    /// The variance along each direction, `(k)`, with `N - 1` in the denominator.
    pub fn explained_variance(&self) -> &Tensor<T> {
        &self.explained_variance
    }

    /// Its share of the variance of all features, `(k)`.
    pub fn explained_variance_ratio(&self) -> &Tensor<T> {
        &self.explained_variance_ratio
    }

    /// The singular values of the centered samples, `(k)`.
    pub fn singular_values(&self) -> &Tensor<T> {
        &self.singular_values
    }

    /// The mean variance along the directions that were left out.
    pub fn noise_variance(&self) -> f64 {
        self.noise_variance
    }

    /// How many samples it was fitted on.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// `V diag(explained_variance - noise) V^T + noise I`, `(D, D)`.
    pub fn covariance(&self) -> Tensor<T> {
        let noise = self.noise_variance;
        self.around(noise, |variance| (variance - noise).max(0.0))
    }

    /// The inverse of [`covariance`](Self::covariance).
    ///
    /// # Errors
    /// It has none: there is no noise, and fewer directions of variance than features.
    pub fn precision(&self) -> Result<Tensor<T>> {
        let noise = self.noise_variance;
        self.check_invertible("PCA::precision")?;
        let inverse = if noise > 0.0 { 1.0 / noise } else { 0.0 };
        Ok(self.around(inverse, |variance| 1.0 / variance.max(noise) - inverse))
    }

    fn check_invertible(&self, operation: &str) -> Result<()> {
        let [k, d] = self.shape();
        let positive = self.explained_variance.to_vec().iter().all(|variance| *variance > T::ZERO);
        if self.noise_variance > 0.0 || (k == d && positive) {
            return Ok(());
        }
        Err(Error::value(operation, "the covariance is singular: it has directions without variance"))
    }

    /// `V diag(of(variance)) V^T + diagonal I`
    fn around(&self, diagonal: f64, of: impl Fn(f64) -> f64) -> Tensor<T> {
        let [k, d] = self.shape();
        let v = to_f64(&self.components.to_vec());
        let mut scaled = v.clone();
        for (row, variance) in scaled.chunks_exact_mut(d).zip(self.explained_variance.to_vec()) {
            let scale = of(variance.to_f64());
            for value in row.iter_mut() {
                *value *= scale;
            }
        }
        let mut out = vec![0.0; d * d];
        f64::gemm(
            1.0,
            Matrix::row_major(&v, k, d).transpose(),
            Matrix::row_major(&scaled, k, d),
            0.0,
            MatrixMut::row_major(&mut out, d, d),
        );
        for i in 0..d {
            out[i * d + i] += diagonal;
        }
        // Sizes are those of the components.
        Tensor::from_vec(from_f64(&out), [d, d]).unwrap_or_else(|_| Tensor::zeros([d, d]))
    }

    /// The logarithm of the density of each sample, of the normal distribution with this [`covariance`](Self::covariance):
    /// `(N)`.
    ///
    /// # Errors
    /// As [`Transform::transform`] and [`precision`](Self::precision).
    pub fn score_samples(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        const OPERATION: &str = "PCA::score_samples";
        let [k, d] = self.shape();
        validate::matrix_of(OPERATION, x, d)?;
        self.check_invertible(OPERATION)?;
        let noise = self.noise_variance;
        let variances: Vec<f64> =
            self.explained_variance.to_vec().iter().map(|v| v.to_f64().max(noise)).collect();
        let log_determinant = variances.iter().map(|v| v.ln()).sum::<f64>()
            + if k < d { (d - k) as f64 * noise.ln() } else { 0.0 };
        let components = to_f64(&self.components.to_vec());
        let mean = to_f64(&self.mean.to_vec());
        let rows: Vec<f64> = centered(x, &mean).collect();
        let n = rows.len() / d;
        let mut z = vec![0.0; n * k];
        let x = Matrix::row_major(&rows, n, d);
        f64::linear(x, Matrix::row_major(&components, k, d), None, &mut z);
        let constant = d as f64 * (2.0 * std::f64::consts::PI).ln() + log_determinant;
        let scores = rows.chunks_exact(d).enumerate().map(|(i, row)| {
            let z = &z[i * k..][..k];
            let along: f64 = z.iter().zip(&variances).map(|(z, v)| z * z / v).sum();
            let rest = row.iter().map(|x| x * x).sum::<f64>() - z.iter().map(|z| z * z).sum::<f64>();
            let rest = if k < d { rest.max(0.0) / noise } else { 0.0 };
            T::from_f64(-0.5 * (along + rest + constant))
        });
        Ok(scores.collect::<Vec<_>>().into())
    }
}

impl<T: Float> Transform<Tensor<T>> for FittedPca<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let [k, d] = self.shape();
        let n = validate::matrix_of("PCA::transform", x, d)?;
        let x = x.contiguous();
        let mut z = Tensor::zeros([n, k]);
        if let (Some(x), Some(projection)) = (x.as_slice(), self.projection.as_slice())
            && k > 0
        {
            let projection = Matrix::row_major(projection, k, d);
            T::linear(Matrix::row_major(x, n, d), projection, Some(&self.offset), z.data_mut());
        }
        Ok(z)
    }
}

impl<T: Float> Transform<CsrMatrix<T>> for FittedPca<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &CsrMatrix<T>) -> Result<Tensor<T>> {
        let [k, d] = self.shape();
        if x.columns() != d {
            let message = format!("x has {} features, the model was fitted on {d}", x.columns());
            return Err(Error::shape("PCA::transform", message));
        }
        let projection = self.projection.to_vec();
        let mut z = Vec::with_capacity(x.rows() * k);
        for i in 0..x.rows() {
            let (columns, values) = x.row(i);
            z.extend((0..k).map(|j| {
                let row = &projection[j * d..][..d];
                let stored = columns.iter().zip(values).map(|(&c, v)| row[c as usize].to_f64() * v.to_f64());
                T::from_f64(stored.sum::<f64>() + self.offset[j].to_f64())
            }));
        }
        Tensor::from_vec(z, [x.rows(), k])
    }
}

impl<T: Float> InverseTransform<Tensor<T>> for FittedPca<T> {
    type Output = Tensor<T>;

    fn inverse_transform(&self, z: &Tensor<T>) -> Result<Tensor<T>> {
        let [k, d] = self.shape();
        let n = match *z.shape() {
            [n, columns] if columns == k => n,
            ref shape => {
                let message = format!("expected (N, {k}), found shape {shape:?}");
                return Err(Error::shape("PCA::inverse_transform", message));
            }
        };
        let mut components = self.components.to_vec();
        if self.whiten {
            for (row, variance) in components.chunks_exact_mut(d).zip(self.explained_variance.to_vec()) {
                for value in row.iter_mut() {
                    *value *= variance.sqrt();
                }
            }
        }
        let z = z.contiguous();
        let mut x = Tensor::zeros([n, d]);
        if let (Some(z), Some(mean)) = (z.as_slice(), self.mean.as_slice()) {
            let components = Matrix::row_major(&components, k, d).transpose();
            T::linear(Matrix::row_major(z, n, k), components, Some(mean), x.data_mut());
        }
        Ok(x)
    }
}

impl<T: Float> Persist for FittedPca<T> {
    const NAME: &'static str = "PCA";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("components", field(&self.components))
            .with("mean", field(&self.mean))
            .with("explained_variance", field(&self.explained_variance))
            .with("explained_variance_ratio", field(&self.explained_variance_ratio))
            .with("singular_values", field(&self.singular_values))
            .with("noise_variance", self.noise_variance)
            .with("n_samples", self.n_samples)
            .with("whiten", self.whiten)
            .with("solver", self.solver.as_str())
    }

    fn from_record(record: &Record) -> Result<Self> {
        let components = record.tensor::<T>("components")?;
        let [k, d] = match *components.shape() {
            [k, d] if d > 0 => [k, d],
            ref shape => {
                return Err(
                    record.error(format!("field \"components\" has shape {shape:?}, expected (k, D)"))
                );
            }
        };
        FittedPca {
            components,
            mean: record.tensor_of("mean", &[d])?,
            explained_variance: record.tensor_of("explained_variance", &[k])?,
            explained_variance_ratio: record.tensor_of("explained_variance_ratio", &[k])?,
            singular_values: record.tensor_of("singular_values", &[k])?,
            noise_variance: record.float("noise_variance")?,
            n_samples: record.count("n_samples")?,
            whiten: record.bool("whiten")?,
            solver: record.text("solver")?.to_owned(),
            projection: Tensor::zeros([0]),
            offset: Vec::new(),
        }
        .ready()
    }
}

impl<T: Float> Model<T> for FittedPca<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.mean.len()
    }

    fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        Ok(match x {
            Features::Dense(x) => self.transform(x)?,
            Features::Sparse(x) => self.transform(x)?,
        }
        .into())
    }

    fn inverse_transform_any(&self, z: &Features<T>) -> Result<Features<T>> {
        Ok(self.inverse_transform(z.dense(Self::NAME)?)?.into())
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
