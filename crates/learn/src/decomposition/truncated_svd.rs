//! The largest singular values of features that are not centered: sparse ones stay sparse.

use std::any::Any;

use barehand_kernels::gemm::Matrix;
use barehand_kernels::random::RandomState;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::lanczos::lanczos;
use super::randomized_svd::{Factor, PowerIterationNormalizer, RandomizedSvd, flip_signs, from_f64};
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::{Fit, InverseTransform, Transform};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;
use crate::validate;

/// How singular values are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TruncatedSvdAlgorithm {
    /// Random projections.
    #[default]
    Randomized,
    /// Lanczos, to the accuracy of [`TruncatedSvd::tol`]; scikit-learn's `"arpack"`.
    Lanczos,
}

/// The `k` largest singular values of features and their right vectors; latent semantic analysis where
/// the features are counts of words.
///
/// ```text
/// X ~ U S V^T,   z = x V
/// ```
///
/// The largest element of each component is positive. The same seed draws what scikit-learn draws. Source: scikit-learn's
/// `TruncatedSVD`; Halko, Martinsson and Tropp 2011.
///
/// ```
/// use barehand_learn::Transform;
/// use barehand_learn::decomposition::TruncatedSvd;
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0f64]]);
/// let svd = TruncatedSvd::new(2).fit(&x)?;
/// assert!((svd.singular_values().to_vec()[1] - 2.0).abs() < 1e-9);
/// assert_eq!(svd.transform(&x)?.shape(), [3, 2]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruncatedSvd {
    n_components: usize,
    algorithm: TruncatedSvdAlgorithm,
    tol: f64,
    n_iter: usize,
    n_oversamples: usize,
    power_iteration_normalizer: PowerIterationNormalizer,
    seed: u32,
}

impl Default for TruncatedSvd {
    fn default() -> Self {
        TruncatedSvd::new(2)
    }
}

impl TruncatedSvd {
    /// This many components.
    pub fn new(n_components: usize) -> Self {
        TruncatedSvd {
            n_components,
            algorithm: TruncatedSvdAlgorithm::Randomized,
            tol: 0.0,
            n_iter: 5,
            n_oversamples: 10,
            power_iteration_normalizer: PowerIterationNormalizer::Auto,
            seed: 0,
        }
    }

    /// How singular values are found (default: by random projections).
    pub fn algorithm(mut self, algorithm: TruncatedSvdAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The relative accuracy of singular values by Lanczos (default: 0, that of rounding).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Power iterations (default: 5).
    pub fn n_iter(mut self, n_iter: usize) -> Self {
        self.n_iter = n_iter;
        self
    }

    /// Columns that are projected on besides the components (default: 10).
    pub fn n_oversamples(mut self, n_oversamples: usize) -> Self {
        self.n_oversamples = n_oversamples;
        self
    }

    /// What keeps the columns apart.
    pub fn power_iteration_normalizer(mut self, normalizer: PowerIterationNormalizer) -> Self {
        self.power_iteration_normalizer = normalizer;
        self
    }

    /// The seed of the projections (default: 0).
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// The components of features `(N, D)`.
    ///
    /// # Errors
    /// `x` is no matrix, is empty, or holds NaN or infinity; there are no components, or more than features.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedTruncatedSvd<T>> {
        self.fitted(&x.clone().into())
    }

    fn fitted<T: Float>(&self, x: &Features<T>) -> Result<FittedTruncatedSvd<T>> {
        const OPERATION: &str = "TruncatedSVD::fit";
        let [n, d] = x.shape();
        let k = self.n_components;
        if k == 0 || k > d {
            let message = format!("n_components({k}) must be <= n_features({d}).");
            return Err(Error::value(OPERATION, message));
        }
        let method = RandomizedSvd {
            k,
            oversamples: self.n_oversamples,
            iterations: self.n_iter,
            normalizer: self.power_iteration_normalizer,
        };
        if self.tol.is_nan() || self.tol < 0.0 {
            return Err(Error::value(OPERATION, format!("tol is {}: 0 or more expected", self.tol)));
        }
        let lanczos_finds = self.algorithm == TruncatedSvdAlgorithm::Lanczos;
        if lanczos_finds && k >= n.min(d) {
            let message = format!("n_components({k}) must be below min(n_samples, n_features)={}", n.min(d));
            return Err(Error::value(OPERATION, message));
        }
        let random = &mut RandomState::new(self.seed);
        let contiguous;
        let factor = match x {
            Features::Dense(x) => {
                validate::matrix(OPERATION, x)?;
                validate::finite(OPERATION, x)?;
                contiguous = x.contiguous();
                Factor::Dense { x: contiguous.as_slice().unwrap_or_default(), n, d }
            }
            Features::Sparse(x) => {
                if n == 0 {
                    return Err(Error::value(OPERATION, "0 samples: at least one expected"));
                }
                validate::finite(OPERATION, &Tensor::from(x.values().to_vec()))?;
                Factor::sparse(x, None)
            }
        };
        let (s, mut components) = if lanczos_finds {
            lanczos(&factor, k, self.tol, random)?
        } else {
            method.of(&factor, random)?
        };
        // Fewer samples than components: there are no more singular values than samples.
        let k = s.len();
        flip_signs(&mut components, d);
        let vector = |values: &[f64]| Tensor::from(from_f64::<T>(values));
        let mut model = FittedTruncatedSvd {
            components: Tensor::from_vec(from_f64(&components), [k, d])?,
            explained_variance: vector(&vec![0.0; k]),
            explained_variance_ratio: vector(&vec![0.0; k]),
            singular_values: vector(&s),
        };
        let z = model.transformed(x)?;
        let (explained, total) = (variances(&z.into()), variances(x).iter().sum::<f64>());
        model.explained_variance = vector(&explained);
        let shares: Vec<f64> = explained.iter().map(|variance| variance / total).collect();
        model.explained_variance_ratio = vector(&shares);
        Ok(model)
    }
}

/// The variance of each feature, with `N` in the denominator.
fn variances<T: Float>(x: &Features<T>) -> Vec<f64> {
    let [n, d] = x.shape();
    let mut means = vec![0.0; d];
    let mut squares = vec![0.0; d];
    match x {
        Features::Dense(x) => {
            let x = x.to_vec();
            for row in x.chunks_exact(d.max(1)) {
                means.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64() / n as f64);
            }
            for row in x.chunks_exact(d.max(1)) {
                for ((sum, x), mean) in squares.iter_mut().zip(row).zip(&means) {
                    *sum += (x.to_f64() - mean).powi(2) / n as f64;
                }
            }
        }
        Features::Sparse(x) => {
            let mut stored = vec![0usize; d];
            for (&column, value) in x.indices().iter().zip(x.values()) {
                means[column as usize] += value.to_f64() / n as f64;
                stored[column as usize] += 1;
            }
            for (&column, value) in x.indices().iter().zip(x.values()) {
                let column = column as usize;
                squares[column] += (value.to_f64() - means[column]).powi(2) / n as f64;
            }
            for ((sum, &stored), mean) in squares.iter_mut().zip(&stored).zip(&means) {
                *sum += (n - stored) as f64 * mean * mean / n as f64;
            }
        }
    }
    squares
}

impl<T: Float> Fit<Tensor<T>> for TruncatedSvd {
    type Fitted = FittedTruncatedSvd<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into())
    }
}

impl<T: Float> Fit<CsrMatrix<T>> for TruncatedSvd {
    type Fitted = FittedTruncatedSvd<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into())
    }
}

impl<T: Float> Estimator<T> for TruncatedSvd {
    fn name(&self) -> &'static str {
        "TruncatedSVD"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights("TruncatedSVD", sample_weight)?;
        Ok(Box::new(self.fitted(x)?))
    }
}

/// What [`TruncatedSvd`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedTruncatedSvd<T: Float> {
    components: Tensor<T>,
    explained_variance: Tensor<T>,
    explained_variance_ratio: Tensor<T>,
    singular_values: Tensor<T>,
}

impl<T: Float> FittedTruncatedSvd<T> {
    /// The right singular vectors, `(k, D)`.
    pub fn components(&self) -> &Tensor<T> {
        &self.components
    }

    /// The variance of each new feature, `(k)`.
    pub fn explained_variance(&self) -> &Tensor<T> {
        &self.explained_variance
    }

    /// Its share of the variance of all features, `(k)`.
    pub fn explained_variance_ratio(&self) -> &Tensor<T> {
        &self.explained_variance_ratio
    }

    /// The singular values, `(k)`, descending.
    pub fn singular_values(&self) -> &Tensor<T> {
        &self.singular_values
    }

    fn transformed(&self, x: &Features<T>) -> Result<Tensor<T>> {
        const OPERATION: &str = "TruncatedSVD::transform";
        let [k, d] = [self.components.shape()[0], self.components.shape()[1]];
        let n = x.shape()[0];
        match x {
            Features::Dense(x) => {
                validate::matrix_of(OPERATION, x, d)?;
                let x = x.contiguous();
                let mut z = Tensor::zeros([n, k]);
                if let (Some(x), Some(components)) = (x.as_slice(), self.components.as_slice()) {
                    let components = Matrix::row_major(components, k, d);
                    T::linear(Matrix::row_major(x, n, d), components, None, z.data_mut());
                }
                Ok(z)
            }
            Features::Sparse(x) => {
                if x.columns() != d {
                    let message = format!("x has {} features, the model was fitted on {d}", x.columns());
                    return Err(Error::shape(OPERATION, message));
                }
                let v = self.components.to_vec();
                let mut z = Vec::with_capacity(n * k);
                for i in 0..n {
                    let (columns, values) = x.row(i);
                    z.extend((0..k).map(|j| {
                        let row = &v[j * d..][..d];
                        let stored =
                            columns.iter().zip(values).map(|(&c, v)| row[c as usize].to_f64() * v.to_f64());
                        T::from_f64(stored.sum::<f64>())
                    }));
                }
                Tensor::from_vec(z, [n, k])
            }
        }
    }
}

impl<T: Float> Transform<Tensor<T>> for FittedTruncatedSvd<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.transformed(&x.clone().into())
    }
}

impl<T: Float> Transform<CsrMatrix<T>> for FittedTruncatedSvd<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &CsrMatrix<T>) -> Result<Tensor<T>> {
        self.transformed(&x.clone().into())
    }
}

impl<T: Float> InverseTransform<Tensor<T>> for FittedTruncatedSvd<T> {
    type Output = Tensor<T>;

    fn inverse_transform(&self, z: &Tensor<T>) -> Result<Tensor<T>> {
        let k = self.components.shape()[0];
        match *z.shape() {
            [_, columns] if columns == k => z.matmul(&self.components),
            ref shape => {
                let message = format!("expected (N, {k}), found shape {shape:?}");
                Err(Error::shape("TruncatedSVD::inverse_transform", message))
            }
        }
    }
}

impl<T: Float> Persist for FittedTruncatedSvd<T> {
    const NAME: &'static str = "TruncatedSVD";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("components", field(&self.components))
            .with("explained_variance", field(&self.explained_variance))
            .with("explained_variance_ratio", field(&self.explained_variance_ratio))
            .with("singular_values", field(&self.singular_values))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let components = record.tensor::<T>("components")?;
        let k = match *components.shape() {
            [k, d] if k > 0 && d > 0 => k,
            ref shape => {
                return Err(
                    record.error(format!("field \"components\" has shape {shape:?}, expected (k, D)"))
                );
            }
        };
        Ok(FittedTruncatedSvd {
            components: components.contiguous(),
            explained_variance: record.tensor_of("explained_variance", &[k])?,
            explained_variance_ratio: record.tensor_of("explained_variance_ratio", &[k])?,
            singular_values: record.tensor_of("singular_values", &[k])?,
        })
    }
}

impl<T: Float> Model<T> for FittedTruncatedSvd<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.components.shape()[1]
    }

    fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        Ok(self.transformed(x)?.into())
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
