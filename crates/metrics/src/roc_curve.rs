//! The ROC curve: what share of the positives is found, against what share of the negatives is taken for one.

use barehand_tensor::{Float, Result, Tensor};

use crate::threshold_counts::{Curves, ThresholdCounts};

/// True against false positive rate over all thresholds, from the highest down.
///
/// ```text
/// tpr_t = weight of positives with score >= t / weight of positives        fpr_t likewise of negatives
/// ```
///
/// Source: scikit-learn's `roc_curve`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RocCurve {
    /// Shares of the negatives, ascending from 0; NaN where there are none.
    pub false_positive_rate: Vec<f64>,
    /// Shares of the positives, ascending from 0; NaN where there are none.
    pub true_positive_rate: Vec<f64>,
    /// The threshold of each point, descending from infinity, where nothing is called positive.
    pub thresholds: Vec<f64>,
}

/// The ROC curve of labels 0 and 1 (or -1 and 1) `(N)` and scores `(N)`. [`Curves`] has the options.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let y_score = Tensor::from_vec(vec![0.1, 0.4, 0.35, 0.8f64], [4])?;
/// let curve = barehand_metrics::roc_curve(&y_true, &y_score)?;
/// assert_eq!(curve.false_positive_rate, [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(curve.true_positive_rate, [0.0, 0.5, 0.5, 1.0, 1.0]);
/// assert_eq!(curve.thresholds, [f64::INFINITY, 0.8, 0.4, 0.35, 0.1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Curves::counts`].
pub fn roc_curve<T: Float>(y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<RocCurve> {
    Curves::new().roc(y_true, y_score)
}

impl Curves<'_> {
    /// The ROC curve of labels `(N)` and scores `(N)`.
    ///
    /// # Errors
    /// As [`Curves::counts`].
    pub fn roc<T: Float>(&self, y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<RocCurve> {
        let counts = self.counts_for("roc_curve", y_true, y_score)?;
        Ok(RocCurve::of(counts, self.drop_intermediate.unwrap_or(true)))
    }
}

impl RocCurve {
    pub(crate) fn of(mut counts: ThresholdCounts, drop_intermediate: bool) -> RocCurve {
        let n = counts.thresholds.len();
        if drop_intermediate && n > 2 {
            // A point on the straight line between its neighbours: the second difference of both counts is 0.
            let bends =
                |column: &[f64], i: usize| (column[i + 1] - column[i]) - (column[i] - column[i - 1]) != 0.0;
            counts.retain(|counts, i| {
                i == 0 || i == n - 1 || bends(&counts.false_positives, i) || bends(&counts.true_positives, i)
            });
        }
        let rates = |counts: &[f64], whole: f64| {
            let rate = |count: f64| if whole > 0.0 { count / whole } else { f64::NAN };
            [0.0].iter().chain(counts).map(|&count| rate(count)).collect()
        };
        RocCurve {
            false_positive_rate: rates(&counts.false_positives, counts.negatives()),
            true_positive_rate: rates(&counts.true_positives, counts.positives()),
            thresholds: [f64::INFINITY].into_iter().chain(counts.thresholds).collect(),
        }
    }
}
