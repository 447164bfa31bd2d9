//! Principal components.

use barehand_kernels::random::RandomState;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::lanczos::lanczos;
use super::randomized_svd::{Factor, PowerIterationNormalizer, RandomizedSvd, flip_signs, from_f64, to_f64};
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::Fit;
use crate::factorization::{largest_eigen, svd};
use crate::validate;

mod dimension;
mod fitted;

use dimension::most_likely;
pub use fitted::FittedPca;

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
            SvdSolver::CovarianceEigh => by_covariance(OPERATION, x, &mean, self.n_components)?,
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
        let noise_variance = match (n.min(d) - k, &variances[k..]) {
            (0, _) => 0.0,
            // The others were not looked for.
            (others, []) => ((total - kept.iter().sum::<f64>()) / others as f64).max(0.0),
            (_, others) => others.iter().sum::<f64>() / others.len() as f64,
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

fn by_covariance<T: Float>(
    operation: &str,
    x: &Features<T>,
    mean: &[f64],
    n_components: PcaComponents,
) -> Result<Spectrum> {
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
    let total = covariance.iter().step_by(d + 1).sum();
    let count = match n_components {
        PcaComponents::Count(k) => k,
        _ => n.min(d),
    };
    let (values, components) = largest_eigen(&covariance, d, count)?;
    // Rounding makes eigenvalues of nothing slightly negative.
    let variances = values.iter().map(|value| value.max(0.0)).collect();
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
