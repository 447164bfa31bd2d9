//! Scores of the order in which samples' labels are put.

use barehand_tensor::{Float, Result, Tensor};

use super::{Rows, descending, groups};

/// For each label that is set, which share of those ranked as high or higher is set too; the mean over labels, and over
/// samples. Labels `(N, K)` that are set or not, scores `(N, K)`. Source: scikit-learn's
/// `label_ranking_average_precision_score`.
///
/// ```text
/// 1/N sum_i 1/|Y_i| sum over y in Y_i of |{z in Y_i: s_z >= s_y}| / |{z: s_z >= s_y}|        1 where all or none is set
/// ```
///
/// # Errors
/// The shapes differ or are not `(N, K)`, a score is not finite, or weights are unusable.
pub fn label_ranking_average_precision<T: Float>(
    y_true: &Tensor<bool>,
    y_score: &Tensor<T>,
    sample_weight: Option<&Tensor<f64>>,
) -> Result<f64> {
    let rows = Rows::new("label_ranking_average_precision", y_true, y_score, sample_weight)?;
    Ok(rows.mean(|truth, scores| {
        let relevant = truth.iter().filter(|set| **set != 0.0).count();
        if relevant == 0 || relevant == truth.len() {
            return 1.0;
        }
        let (order, mut above, mut hits) = (descending(scores), 0, 0);
        let part = |group: &[usize]| {
            let set = group.iter().filter(|&&i| truth[i] != 0.0).count();
            above += group.len();
            hits += set;
            set as f64 * hits as f64 / above as f64
        };
        groups(&order, scores).map(part).sum::<f64>() / relevant as f64
    }))
}

/// The share of pairs of a label that is set and one that is not which are ordered wrong; equal scores count as wrong. Labels
/// `(N, K)` that are set or not, scores `(N, K)`; 0 where all or none is set. Source: scikit-learn's `label_ranking_loss`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![true, false, false, false, false, true], [2, 3])?;
/// let y_score = Tensor::from([[0.75, 0.5, 1.0], [1.0, 0.2, 0.1f64]]);
/// assert_eq!(barehand_metrics::label_ranking_loss(&y_true, &y_score, None)?, 0.75);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes differ or are not `(N, K)`, a score is not finite, or weights are unusable.
pub fn label_ranking_loss<T: Float>(
    y_true: &Tensor<bool>,
    y_score: &Tensor<T>,
    sample_weight: Option<&Tensor<f64>>,
) -> Result<f64> {
    let rows = Rows::new("label_ranking_loss", y_true, y_score, sample_weight)?;
    Ok(rows.mean(|truth, scores| {
        let relevant = truth.iter().filter(|set| **set != 0.0).count();
        let pairs = relevant * (truth.len() - relevant);
        if pairs == 0 {
            return 0.0;
        }
        let (order, mut unset) = (descending(scores), 0);
        let wrong = |group: &[usize]| {
            let set = group.iter().filter(|&&i| truth[i] != 0.0).count();
            unset += group.len() - set;
            set * unset
        };
        groups(&order, scores).map(wrong).sum::<usize>() as f64 / pairs as f64
    }))
}

/// How far down the ranking one has to go to meet every label that is set, on average; equal scores are met together. Labels
/// `(N, K)` that are set or not, scores `(N, K)`; 0 where none is set. Source: scikit-learn's `coverage_error`.
///
/// # Errors
/// The shapes differ or are not `(N, K)`, a score is not finite, or weights are unusable.
pub fn coverage_error<T: Float>(
    y_true: &Tensor<bool>,
    y_score: &Tensor<T>,
    sample_weight: Option<&Tensor<f64>>,
) -> Result<f64> {
    let rows = Rows::new("coverage_error", y_true, y_score, sample_weight)?;
    Ok(rows.mean(|truth, scores| {
        let set = truth.iter().zip(scores).filter(|(set, _)| **set != 0.0);
        let lowest = set.map(|(_, &score)| score).fold(f64::INFINITY, f64::min);
        scores.iter().filter(|&&score| score >= lowest).count() as f64
    }))
}
