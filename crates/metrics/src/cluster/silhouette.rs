//! Silhouettes: whether samples lie closer to their own cluster than to the next.

use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
use barehand_kernels::threads;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::dispersion::Clustered;
use crate::binary_scores::slice_of;

/// Rows of distances that are made at a time.
const BLOCK: usize = 256;

/// Multiply-adds that pay for a thread.
const GRAIN: usize = 1 << 16;

/// How far two samples are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SilhouetteMetric {
    /// `sqrt(sum (x - y)^2)`
    #[default]
    Euclidean,
    /// `sum |x - y|`
    Manhattan,
    /// `1 - x y / (|x| |y|)`; 1 from a sample of zeros.
    Cosine,
    /// The samples are the distances themselves, `(N, N)`, with zeros on the diagonal.
    Precomputed,
}

/// The silhouette of each sample of `(N, D)` with labels `(N)`: with `a` the mean distance to the others of its cluster and
/// `b` the smallest of the mean distances to the other clusters,
///
/// ```text
/// s = (b - a) / max(a, b)        0 for a cluster of one
/// ```
///
/// Distances are made a block of rows at a time, never all at once; Euclidean and cosine ones by matrix products. Source:
/// scikit-learn's `silhouette_samples` and `silhouette_score`.
///
/// ```
/// use barehand_metrics::Silhouette;
/// use barehand_tensor::Tensor;
/// let x = Tensor::from([[0.0], [1.0], [10.0], [12.0f64]]);
/// let labels = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let samples = Silhouette::new().samples(&x, &labels)?;
/// assert!((samples[0] - 10.0 / 11.0).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Silhouette {
    metric: SilhouetteMetric,
}

impl Silhouette {
    /// Euclidean distances.
    pub fn new() -> Self {
        Self::default()
    }

    /// How far samples are apart.
    #[must_use]
    pub fn metric(mut self, metric: SilhouetteMetric) -> Self {
        self.metric = metric;
        self
    }

    /// The mean silhouette.
    ///
    /// # Errors
    /// As [`Silhouette::samples`].
    pub fn score<T: Float>(&self, x: &Tensor<T>, labels: &Tensor<i64>) -> Result<f64> {
        let samples = self.samples(x, labels)?;
        Ok(samples.iter().sum::<f64>() / samples.len() as f64)
    }

    /// The silhouette of each sample.
    ///
    /// # Errors
    /// The shapes are not `(N, D)` and `(N)` (or `(N, N)` for distances), there are not 2 to `N - 1` clusters, a number is not
    /// finite, or given distances are not 0 on the diagonal.
    pub fn samples<T: Float>(&self, x: &Tensor<T>, labels: &Tensor<i64>) -> Result<Vec<f64>> {
        let data = Clustered::new("silhouette", x, labels)?;
        let (n, d, values) = (data.codes.len(), data.features, slice_of(&data.x));
        if self.metric == SilhouetteMetric::Precomputed {
            if n != d {
                return Err(Error::shape(
                    "silhouette",
                    format!("expected distances (N, N), found {:?}", x.shape()),
                ));
            }
            let most = T::EPSILON.to_f64() * 100.0;
            if let Some(i) = (0..n).find(|&i| values[i * n + i].abs() > most) {
                let text = format!("the diagonal of distances is 0, found {} in row {i}", values[i * n + i]);
                return Err(Error::value("silhouette", text));
            }
        }
        // Squared lengths, or for the cosine the reciprocals of lengths.
        let lengths: Vec<f64> = values
            .chunks_exact(d)
            .map(|row| row.iter().map(|x| x * x).sum::<f64>())
            .map(|square| match self.metric {
                SilhouetteMetric::Cosine if square > 0.0 => 1.0 / square.sqrt(),
                _ => square,
            })
            .collect();
        let mut silhouettes = vec![0.0; n];
        let mut distances = vec![0.0; BLOCK.min(n) * n];
        for (block, silhouettes) in silhouettes.chunks_mut(BLOCK).enumerate() {
            let start = block * BLOCK;
            let distances = &mut distances[..silhouettes.len() * n];
            self.distances(values, d, &lengths, start, distances);
            let threads = threads::threads_for(silhouettes.len() * n, GRAIN);
            let body = |i: usize, out: &mut [f64]| {
                out[0] = one(&distances[i * n..(i + 1) * n], start + i, &data);
            };
            if threads > 1 {
                threads::for_each_chunk(silhouettes, 1, 1, body);
            } else {
                silhouettes.iter_mut().enumerate().for_each(|(i, out)| body(i, std::slice::from_mut(out)));
            }
        }
        Ok(silhouettes)
    }

    /// The distances of the samples from `start` on, as many as there is room for, to all samples.
    fn distances(self, x: &[f64], d: usize, lengths: &[f64], start: usize, out: &mut [f64]) {
        let n = lengths.len();
        let rows = out.len() / n;
        let block = &x[start * d..(start + rows) * d];
        match self.metric {
            SilhouetteMetric::Precomputed => out.copy_from_slice(block),
            SilhouetteMetric::Manhattan => {
                threads::for_each_chunk(out, n, GRAIN / d.max(1), |place, out| {
                    let row = &block[place / n * d..][..d];
                    for (out, other) in out.iter_mut().zip(x.chunks_exact(d)) {
                        *out = row.iter().zip(other).map(|(a, b)| (a - b).abs()).sum();
                    }
                });
            }
            SilhouetteMetric::Euclidean | SilhouetteMetric::Cosine => {
                let products = MatrixMut::row_major(out, rows, n);
                let all = Matrix::row_major(x, n, d).transpose();
                Gemm::gemm(1.0, Matrix::row_major(block, rows, d), all, 0.0, products);
                let euclidean = self.metric == SilhouetteMetric::Euclidean;
                threads::for_each_chunk(out, n, GRAIN, |place, out| {
                    let i = start + place / n;
                    for (j, out) in out.iter_mut().enumerate() {
                        *out = if euclidean {
                            (lengths[i] + lengths[j] - 2.0 * *out).max(0.0).sqrt()
                        } else {
                            (1.0 - *out * lengths[i] * lengths[j]).clamp(0.0, 2.0)
                        };
                    }
                    // What rounding leaves of no distance at all.
                    out[i] = 0.0;
                });
            }
        }
    }
}

/// The silhouette of sample `i` from its distances to all.
fn one(distances: &[f64], i: usize, data: &Clustered) -> f64 {
    let own = data.codes[i];
    if data.sizes[own] == 1 {
        return 0.0;
    }
    let mut sums = vec![0.0; data.sizes.len()];
    distances.iter().zip(&data.codes).for_each(|(distance, &code)| sums[code] += distance);
    let a = sums[own] / (data.sizes[own] - 1) as f64;
    let others = sums.iter().zip(&data.sizes).enumerate().filter(|&(code, _)| code != own);
    let b = others.map(|(_, (sum, &size))| sum / size as f64).fold(f64::INFINITY, f64::min);
    let most = a.max(b);
    if most == 0.0 { 0.0 } else { (b - a) / most }
}

/// The mean silhouette of samples `(N, D)` with labels `(N)`, from -1 to 1. [`Silhouette`] has the options.
///
/// # Errors
/// As [`Silhouette::samples`].
pub fn silhouette<T: Float>(x: &Tensor<T>, labels: &Tensor<i64>) -> Result<f64> {
    Silhouette::new().score(x, labels)
}
