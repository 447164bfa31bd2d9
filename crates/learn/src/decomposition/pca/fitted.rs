//! What principal component analysis leaves behind: projections, densities, and the way back.

use std::any::Any;

use barehand_kernels::gemm::{Gemm as _, Matrix, MatrixMut};
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::centered;
use crate::decomposition::randomized_svd::{from_f64, to_f64};
use crate::dynamic::{Features, Model};
use crate::estimator::{InverseTransform, Transform};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;
use crate::validate;

/// What [`Pca`](super::Pca) learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedPca<T: Float> {
    pub(super) components: Tensor<T>,
    pub(super) mean: Tensor<T>,
    pub(super) explained_variance: Tensor<T>,
    pub(super) explained_variance_ratio: Tensor<T>,
    pub(super) singular_values: Tensor<T>,
    pub(super) noise_variance: f64,
    pub(super) n_samples: usize,
    pub(super) whiten: bool,
    pub(super) solver: String,
    /// The components, divided by the deviations where they are whitened.
    pub(super) projection: Tensor<T>,
    /// `-mean projection^T`
    pub(super) offset: Vec<T>,
}

impl<T: Float> FittedPca<T> {
    /// With what transforming needs beside the attributes.
    pub(super) fn ready(mut self) -> Result<Self> {
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
