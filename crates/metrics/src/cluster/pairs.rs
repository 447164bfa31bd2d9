//! Scores of clusterings that count pairs of samples: together in both, in one, or in neither.

use barehand_tensor::{Result, Tensor};

use super::contingency::Contingency;

impl Contingency {
    /// Ordered pairs of samples, as (apart in both, together in clusters only, together in classes only, together in both).
    /// Source: scikit-learn's `pair_confusion_matrix`.
    pub fn pairs(&self) -> (u128, u128, u128, u128) {
        let squares = |counts: &[u64]| counts.iter().map(|&n| u128::from(n) * u128::from(n)).sum::<u128>();
        let n = u128::from(self.samples());
        let both: u128 = self.cells().iter().map(|cell| u128::from(cell.2) * u128::from(cell.2)).sum();
        let clusters_only = squares(self.clusters()) - both;
        let classes_only = squares(self.classes()) - both;
        (n * n - clusters_only - classes_only - both, clusters_only, classes_only, both - n)
    }

    /// The share of pairs on which both agree. 1 where there are no pairs. Source: scikit-learn's `rand_score`.
    pub fn rand_index(&self) -> f64 {
        let (apart, clusters_only, classes_only, together) = self.pairs();
        let (agree, all) = (apart + together, apart + together + clusters_only + classes_only);
        if all == 0 { 1.0 } else { agree as f64 / all as f64 }
    }

    /// The Rand index adjusted for chance: 0 on average for random labels, 1 where both are the same. Source: scikit-learn's
    /// `adjusted_rand_score` (Hubert and Arabie 1985).
    pub fn adjusted_rand(&self) -> f64 {
        let (apart, clusters_only, classes_only, together) = self.pairs();
        if clusters_only == 0 && classes_only == 0 {
            return 1.0;
        }
        let [tn, fp, fn_, tp] = [apart, clusters_only, classes_only, together].map(|pairs| pairs as f64);
        2.0 * (tp * tn - fn_ * fp) / ((tp + fn_) * (fn_ + tn) + (tp + fp) * (fp + tn))
    }

    /// The geometric mean of the precision and recall of pairs: `tp / sqrt((tp + fp) (tp + fn))`. Source: scikit-learn's
    /// `fowlkes_mallows_score`.
    pub fn fowlkes_mallows(&self) -> f64 {
        let (_, clusters_only, classes_only, together) = self.pairs();
        if together == 0 {
            return 0.0;
        }
        let share = |others: u128| (together as f64 / (together + others) as f64).sqrt();
        share(clusters_only) * share(classes_only)
    }
}

/// The share of pairs of samples on which classes and clusters `(N)` agree: together in both or apart in both.
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn rand_index(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.rand_index())
}

/// The Rand index adjusted for chance, of classes and clusters `(N)`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let classes = Tensor::from_vec(vec![0i64, 0, 1, 2], [4])?;
/// let clusters = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// assert!((barehand_metrics::adjusted_rand(&classes, &clusters)? - 4.0 / 7.0).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn adjusted_rand(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.adjusted_rand())
}

/// The geometric mean of the precision and recall of pairs, of classes and clusters `(N)`.
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn fowlkes_mallows(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.fowlkes_mallows())
}
