//! Seeds for k-means: k-means++ with local trials.

use barehand_kernels::random::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::rows::Rows;
use crate::dynamic::Features;
use crate::validate;

/// Picks `k` samples far from each other: the first by its weight, each other by weight times squared distance to the
/// nearest one picked before; of a few candidates the one that leaves the smallest sum of those.
///
/// ```text
/// p_i ~ w_i min_c |x_i - c|^2
/// ```
///
/// Returns the centers `(k, D)` and which samples they are. `trials` candidates are tried for each center (default:
/// `2 + ln k`, rounded down); 1 is the plain k-means++ of Arthur and Vassilvitskii, 2007. The same seed draws what
/// scikit-learn's `kmeans_plusplus` draws.
///
/// # Errors
/// `x` is no matrix, is empty, or holds NaN or infinity; `k` is 0 or more than there are samples; weights as
/// [`validate::weights`].
///
/// ```
/// use barehand_learn::cluster::k_means_plus_plus;
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [10.0, 2.0], [10.0, 4.0], [10.0, 0.0f64]]);
/// let (_, picked) = k_means_plus_plus(&x.into(), 2, None, None, 0)?;
/// assert_eq!(picked, [3, 2]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub fn k_means_plus_plus<T: Float>(
    x: &Features<T>,
    k: usize,
    sample_weight: Option<&Tensor<f64>>,
    trials: Option<usize>,
    seed: u32,
) -> Result<(Tensor<T>, Vec<usize>)> {
    const OPERATION: &str = "k_means_plus_plus";
    let [n, d] = x.shape();
    let rows = Rows::shifted(OPERATION, x, vec![0.0; d])?;
    enough_samples(OPERATION, n, k)?;
    if trials == Some(0) {
        return Err(Error::value(OPERATION, "no trial picks no center: at least 1 expected"));
    }
    let weights = validate::weights(OPERATION, sample_weight, n)?;
    let random = &mut RandomState::new(seed);
    let picked = picks(&rows, &weights, k, trials, random);
    let centers = picked.iter().flat_map(|&i| rows.row(i)).collect();
    Ok((Tensor::from_vec(centers, [k, d])?, picked))
}

/// The samples that are picked, without weights, with draws from a stream that goes on elsewhere.
pub(crate) fn k_means_plus_plus_from<T: Float>(
    x: &Features<T>,
    k: usize,
    random: &mut RandomState,
) -> Result<Vec<usize>> {
    let [n, d] = x.shape();
    let rows = Rows::shifted("k_means_plus_plus", x, vec![0.0; d])?;
    Ok(picks(&rows, &vec![1.0; n], k, None, random))
}

/// Refuses to look for no cluster, or for more than there are samples.
pub(super) fn enough_samples(operation: &str, n: usize, k: usize) -> Result<()> {
    if k == 0 {
        return Err(Error::value(operation, "n_clusters is 0: at least 1 expected"));
    }
    if k >= 1 << 24 {
        return Err(Error::value(operation, format!("n_clusters is {k}: fewer than 2^24 expected")));
    }
    if n < k {
        return Err(Error::value(operation, format!("n_samples={n} should be >= n_clusters={k}.")));
    }
    Ok(())
}

/// The samples that are picked; `weights` are not all 0.
pub(super) fn picks<T: Float>(
    rows: &Rows<T>,
    weights: &[f64],
    k: usize,
    trials: Option<usize>,
    random: &mut RandomState,
) -> Vec<usize> {
    let n = rows.n();
    let trials = trials.unwrap_or(2 + (k as f64).ln() as usize);
    let first = random.choice(1, weights)[0];
    let mut picked = vec![first];
    let mut closest = rows.squared_distances(&rows.row(first), 1, None);
    let unequal = weights.iter().any(|&weight| weight != 1.0).then_some(weights);
    let mut potential = T::weighted_sum(&closest, unequal);
    let mut cumulative = vec![0.0; n];
    while picked.len() < k {
        let mut sum = 0.0;
        for ((place, closest), weight) in cumulative.iter_mut().zip(&closest).zip(weights) {
            sum += weight * closest.to_f64();
            *place = sum;
        }
        let draws: Vec<f64> = (0..trials).map(|_| random.random_sample() * potential).collect();
        let candidates: Vec<usize> =
            draws.iter().map(|draw| cumulative.partition_point(|sum| sum < draw).min(n - 1)).collect();
        let points: Vec<T> = candidates.iter().flat_map(|&i| rows.row(i)).collect();
        let distances = rows.squared_distances(&points, trials, Some(&closest));
        let mut best = (f64::INFINITY, 0);
        for (trial, distances) in distances.chunks_exact(n).enumerate() {
            let potential = T::weighted_sum(distances, unequal);
            if potential < best.0 {
                best = (potential, trial);
            }
        }
        closest.copy_from_slice(&distances[best.1 * n..][..n]);
        potential = best.0;
        picked.push(candidates[best.1]);
    }
    picked
}
