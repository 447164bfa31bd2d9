//! Scores of clusters by how far samples lie from their centres, and centres from each other.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::binary_scores::{finite, reals, slice_of};
use crate::targets::{Places, sorted_unique};

/// Samples with the cluster of each.
pub(super) struct Clustered {
    pub(super) x: Tensor<f64>,
    pub(super) features: usize,
    /// Each sample's cluster.
    pub(super) codes: Vec<usize>,
    /// How many samples each cluster has.
    pub(super) sizes: Vec<usize>,
}

impl Clustered {
    /// Samples `(N, D)` and labels `(N)` that name 2 to `N - 1` clusters.
    pub(super) fn new<T: Float>(operation: &str, x: &Tensor<T>, labels: &Tensor<i64>) -> Result<Clustered> {
        let &[n, features] = x.shape() else {
            return Err(Error::shape(operation, format!("expected samples (N, D), found {:?}", x.shape())));
        };
        if labels.shape() != [n] || n == 0 || features == 0 {
            let text = format!(
                "expected samples (N, D) and labels (N), found {:?} and {:?}",
                x.shape(),
                labels.shape()
            );
            return Err(Error::shape(operation, text));
        }
        let x = reals(x);
        finite(operation, "samples", slice_of(&x))?;
        let labels = labels.to_vec();
        let distinct = sorted_unique(labels.iter().copied());
        if distinct.len() < 2 || distinct.len() >= n {
            let text =
                format!("{} labels for {n} samples: 2 to {} expected", distinct.len(), n.saturating_sub(1));
            return Err(Error::value(operation, text));
        }
        let places = Places::new(&distinct);
        let codes: Vec<usize> = labels.iter().map(|&label| places.find(label).unwrap_or_default()).collect();
        let mut sizes = vec![0; distinct.len()];
        for &code in &codes {
            sizes[code] += 1;
        }
        Ok(Clustered { x, features, codes, sizes })
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.codes.iter().copied().zip(slice_of(&self.x).chunks_exact(self.features))
    }

    /// The mean of each cluster, row by row.
    fn centres(&self) -> Vec<f64> {
        let d = self.features;
        let mut centres = vec![0.0; self.sizes.len() * d];
        for (code, row) in self.rows() {
            centres[code * d..(code + 1) * d].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        for (centre, &size) in centres.chunks_exact_mut(d).zip(&self.sizes) {
            for sum in centre {
                *sum /= size as f64;
            }
        }
        centres
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Calinski and Harabasz's ratio of the dispersion between clusters to that within, of samples `(N, D)` and labels `(N)`:
///
/// ```text
/// sum_k n_k |c_k - c|^2 / (K - 1)   divided by   sum_i |x_i - c_{k(i)}|^2 / (N - K)
/// ```
///
/// Higher is better; 1 where nothing is dispersed within clusters. Source: scikit-learn's `calinski_harabasz_score`.
///
/// # Errors
/// The shapes differ from these, there are not 2 to `N - 1` clusters, or a number is not finite.
pub fn calinski_harabasz<T: Float>(x: &Tensor<T>, labels: &Tensor<i64>) -> Result<f64> {
    let data = Clustered::new("calinski_harabasz", x, labels)?;
    let (d, n, k) = (data.features, data.codes.len() as f64, data.sizes.len() as f64);
    let centres = data.centres();
    let mut mean = vec![0.0; d];
    data.rows().for_each(|(_, row)| mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
    for sum in &mut mean {
        *sum /= n;
    }
    let between: f64 = centres
        .chunks_exact(d)
        .zip(&data.sizes)
        .map(|(centre, &size)| size as f64 * squared_distance(centre, &mean))
        .sum();
    let within: f64 =
        data.rows().map(|(code, row)| squared_distance(row, &centres[code * d..(code + 1) * d])).sum();
    Ok(if within == 0.0 { 1.0 } else { between * (n - k) / (within * (k - 1.0)) })
}

/// Davies and Bouldin's mean similarity of each cluster to the one most like it, of samples `(N, D)` and labels `(N)`, with
/// `s_k` the mean distance of cluster `k`'s samples from its centre:
///
/// ```text
/// 1/K sum_i max over j != i of (s_i + s_j) / |c_i - c_j|
/// ```
///
/// Lower is better. Source: scikit-learn's `davies_bouldin_score`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let x = Tensor::from([[0.0, 1.0], [1.0, 1.0], [3.0, 4.0f64]]);
/// let labels = Tensor::from_vec(vec![0i64, 0, 1], [3])?;
/// assert!((barehand_metrics::davies_bouldin(&x, &labels)? - 0.12803687993289598).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes differ from these, there are not 2 to `N - 1` clusters, or a number is not finite.
pub fn davies_bouldin<T: Float>(x: &Tensor<T>, labels: &Tensor<i64>) -> Result<f64> {
    let data = Clustered::new("davies_bouldin", x, labels)?;
    let (d, k) = (data.features, data.sizes.len());
    let centres = data.centres();
    let centre = |code: usize| &centres[code * d..(code + 1) * d];
    let mut spread = vec![0.0; k];
    data.rows().for_each(|(code, row)| spread[code] += squared_distance(row, centre(code)).sqrt());
    spread.iter_mut().zip(&data.sizes).for_each(|(sum, &size)| *sum /= size as f64);
    let near = |x: f64| x.abs() <= 1e-8;
    let distance = |i: usize, j: usize| squared_distance(centre(i), centre(j)).sqrt();
    let together = || (0..k).all(|i| (0..i).all(|j| near(distance(i, j))));
    if spread.iter().all(|&spread| near(spread)) || together() {
        return Ok(0.0);
    }
    let likeness = |i: usize, j: usize| {
        let distance = distance(i, j);
        if distance == 0.0 { 0.0 } else { (spread[i] + spread[j]) / distance }
    };
    let worst = |i: usize| (0..k).filter(|&j| j != i).map(|j| likeness(i, j)).fold(0.0, f64::max);
    Ok((0..k).map(worst).sum::<f64>() / k as f64)
}
