//! Samples made ready for k-means: dense ones centered and in panels, sparse ones as they are.

use barehand_kernels::k_means::{Gathered, KMeans as _, Panels, SparseRows};
use barehand_tensor::{CsrMatrix, Float, Result, Tensor};

use crate::dynamic::Features;
use crate::validate;

/// Samples, and what was taken out of each of them. Centers of clusters are relative to [`shift`](Rows::shift).
pub(super) struct Rows<'a, T: Float> {
    n: usize,
    d: usize,
    shift: Vec<f64>,
    layout: Layout<'a, T>,
}

enum Layout<'a, T: Float> {
    Dense { x: Tensor<T>, panels: Panels<T> },
    Sparse(&'a CsrMatrix<T>),
}

/// What each cluster holds.
#[derive(Clone)]
pub(super) struct Sums {
    /// Weighted sums, `(k, d)`.
    pub sums: Vec<f64>,
    /// Weights, `(k)`.
    pub totals: Vec<f64>,
}

impl Sums {
    pub fn new(k: usize, d: usize) -> Self {
        Sums { sums: vec![0.0; k * d], totals: vec![0.0; k] }
    }

    fn gathered(&mut self) -> Gathered<'_> {
        Gathered { sums: &mut self.sums, totals: &mut self.totals }
    }
}

impl<'a, T: Float> Rows<'a, T> {
    /// Samples with the mean taken out where they are dense: distances have more digits then.
    pub fn centered(operation: &str, x: &'a Features<T>) -> Result<Self> {
        let shift = match x {
            Features::Dense(x) => {
                validate::matrix(operation, x)?;
                x.mean_dim(0, false)?.to_vec().into_iter().map(T::to_f64).collect()
            }
            Features::Sparse(x) => vec![0.0; x.columns()],
        };
        Self::shifted(operation, x, shift)
    }

    /// Dense samples with `shift` taken out; of sparse ones nothing is taken, and `shift` is not looked at.
    pub fn shifted(operation: &str, x: &'a Features<T>, shift: Vec<f64>) -> Result<Self> {
        match x {
            Features::Dense(x) => {
                let (n, d) = validate::matrix(operation, x)?;
                validate::finite(operation, x)?;
                let x = x.contiguous();
                let panels = Panels::new(x.as_slice().unwrap_or_default(), n, d, &shift);
                Ok(Rows { n, d, shift, layout: Layout::Dense { x, panels } })
            }
            Features::Sparse(x) => {
                let [n, d] = x.shape();
                if n == 0 || d == 0 {
                    let message = format!("{n} samples of {d} features: at least one of each expected");
                    return Err(barehand_tensor::Error::value(operation, message));
                }
                let values = Tensor::from(x.values().to_vec());
                validate::finite(operation, &values)?;
                Ok(Rows { n, d, shift: vec![0.0; d], layout: Layout::Sparse(x) })
            }
        }
    }

    pub fn n(&self) -> usize {
        self.n
    }

    pub fn d(&self) -> usize {
        self.d
    }

    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// Sample `i`.
    pub fn row(&self, i: usize) -> Vec<T> {
        match &self.layout {
            Layout::Dense { x, .. } => {
                let x = &x.as_slice().unwrap_or_default()[i * self.d..][..self.d];
                x.iter().zip(&self.shift).map(|(x, shift)| T::from_f64(x.to_f64() - shift)).collect()
            }
            Layout::Sparse(x) => {
                let mut row = vec![T::ZERO; self.d];
                let (columns, values) = x.row(i);
                for (&column, &value) in columns.iter().zip(values) {
                    row[column as usize] = value;
                }
                row
            }
        }
    }

    /// All of them, `(n, d)`.
    pub fn dense(&self) -> Vec<T> {
        (0..self.n).flat_map(|i| self.row(i)).collect()
    }

    /// The nearest of `k` centers for every sample.
    pub fn nearest(&self, centers: &[T], k: usize, labels: &mut [u32]) {
        match &self.layout {
            Layout::Dense { panels, .. } => T::nearest(panels, centers, k, labels),
            Layout::Sparse(x) => T::nearest_sparse(slices(x), &self.transposed(centers, k), k, labels),
        }
    }

    /// The nearest centers, and what they gather.
    pub fn step(
        &self,
        centers: &[T],
        k: usize,
        weights: Option<&[f64]>,
        labels: &mut [u32],
        sums: &mut Sums,
    ) {
        match &self.layout {
            Layout::Dense { x, panels } => {
                let x = x.as_slice().unwrap_or_default();
                T::lloyd(panels, x, &self.shift, weights, centers, k, labels, sums.gathered());
            }
            Layout::Sparse(_) => {
                self.nearest(centers, k, labels);
                self.gather(weights, labels, sums);
            }
        }
    }

    /// What the clusters of these labels hold.
    pub fn gather(&self, weights: Option<&[f64]>, labels: &[u32], sums: &mut Sums) {
        match &self.layout {
            Layout::Dense { x, .. } => {
                T::gather(x.as_slice().unwrap_or_default(), &self.shift, weights, labels, sums.gathered());
            }
            Layout::Sparse(x) => T::gather_sparse(slices(x), weights, labels, sums.gathered()),
        }
    }

    /// Squared distances to `k` points, `(k, n)`, none above the ceiling of its sample.
    pub fn squared_distances(&self, points: &[T], k: usize, ceiling: Option<&[T]>) -> Vec<T> {
        let mut out = vec![T::ZERO; k * self.n];
        match &self.layout {
            Layout::Dense { panels, .. } => T::squared_distances(panels, points, k, ceiling, &mut out),
            Layout::Sparse(x) => {
                for (point, out) in points.chunks_exact(self.d).zip(out.chunks_exact_mut(self.n)) {
                    let norm = norm(point);
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = T::from_f64(sparse_distance(x.row(i), point, norm));
                        if let Some(ceiling) = ceiling {
                            *out = out.min(ceiling[i]);
                        }
                    }
                }
            }
        }
        out
    }

    /// The squared distance of every sample to the center of its label.
    pub fn own_distances(&self, centers: &[T], labels: &[u32]) -> Vec<f64> {
        let mut out = vec![0.0; self.n];
        match &self.layout {
            Layout::Dense { x, .. } => {
                T::own_distances(x.as_slice().unwrap_or_default(), &self.shift, centers, labels, &mut out);
            }
            Layout::Sparse(x) => {
                let norms: Vec<f64> = centers.chunks_exact(self.d).map(norm).collect();
                for (i, (out, &label)) in out.iter_mut().zip(labels).enumerate() {
                    let label = label as usize;
                    *out = sparse_distance(x.row(i), &centers[label * self.d..][..self.d], norms[label]);
                }
            }
        }
        out
    }

    /// `sum_i w_i |x_i - c_{label_i}|^2`
    pub fn inertia(&self, centers: &[T], weights: Option<&[f64]>, labels: &[u32]) -> f64 {
        f64::weighted_sum(&self.own_distances(centers, labels), weights)
    }

    /// The mean of the variances of the features.
    pub fn mean_variance(&self) -> f64 {
        match &self.layout {
            Layout::Dense { .. } => {
                let distances = self.own_distances(&vec![T::ZERO; self.d], &vec![0; self.n]);
                distances.iter().sum::<f64>() / (self.n * self.d) as f64
            }
            Layout::Sparse(x) => {
                let (mut sums, mut squares) = (vec![0.0; self.d], 0.0);
                for (&column, value) in x.indices().iter().zip(x.values()) {
                    sums[column as usize] += value.to_f64();
                    squares += value.to_f64().powi(2);
                }
                let n = self.n as f64;
                let means: f64 = sums.iter().map(|sum| (sum / n).powi(2)).sum();
                ((squares / n - means) / self.d as f64).max(0.0)
            }
        }
    }

    fn transposed(&self, centers: &[T], k: usize) -> Vec<T> {
        (0..self.d).flat_map(|t| (0..k).map(move |j| centers[j * self.d + t])).collect()
    }
}

fn slices<T: Float>(x: &CsrMatrix<T>) -> SparseRows<'_, T> {
    SparseRows { indptr: x.indptr(), indices: x.indices(), values: x.values() }
}

fn norm<T: Float>(point: &[T]) -> f64 {
    point.iter().map(|c| c.to_f64().powi(2)).sum()
}

/// `|x - c|^2`: the stored elements' share, and what the center has where nothing is stored.
fn sparse_distance<T: Float>((columns, values): (&[u32], &[T]), point: &[T], norm: f64) -> f64 {
    let (mut distance, mut seen) = (0.0, 0.0);
    for (&column, value) in columns.iter().zip(values) {
        let c = point[column as usize].to_f64();
        distance += (value.to_f64() - c).powi(2);
        seen += c * c;
    }
    distance + (norm - seen).max(0.0)
}
