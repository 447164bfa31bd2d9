//! Precision against recall over all thresholds, and the mean of the one over the other.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::binary_scores::{finite, reals, slice_of};
use crate::column_average::{ColumnAverage, Columns};
use crate::targets::checked_weights;
use crate::threshold_counts::{Curves, ThresholdCounts};

/// Precision and recall at every threshold, from the lowest up.
///
/// ```text
/// precision_t = tp_t / (tp_t + fp_t)        recall_t = tp_t / weight of positives
/// ```
///
/// The last point is (1, 0) and has no threshold. Source: scikit-learn's `precision_recall_curve`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PrecisionRecallCurve {
    /// Precision at each threshold, then 1.
    pub precision: Vec<f64>,
    /// Recall at each threshold, descending, then 0; all 1 where there are no positives.
    pub recall: Vec<f64>,
    /// The thresholds, ascending.
    pub thresholds: Vec<f64>,
    /// Whether there were positives at all.
    pub has_positives: bool,
}

/// The precision-recall curve of labels 0 and 1 (or -1 and 1) `(N)` and scores `(N)`. [`Curves`] has the options.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let y_score = Tensor::from_vec(vec![0.1, 0.4, 0.35, 0.8f64], [4])?;
/// let curve = barehand_metrics::precision_recall_curve(&y_true, &y_score)?;
/// assert_eq!(curve.recall, [1.0, 1.0, 0.5, 0.5, 0.0]);
/// assert_eq!(curve.thresholds, [0.1, 0.35, 0.4, 0.8]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Curves::counts`].
pub fn precision_recall_curve<T: Float>(
    y_true: &Tensor<i64>,
    y_score: &Tensor<T>,
) -> Result<PrecisionRecallCurve> {
    Curves::new().precision_recall(y_true, y_score)
}

/// The mean precision over the steps of recall:
///
/// ```text
/// AP = sum_t (recall_t - recall_{t+1}) precision_t        over thresholds t from the highest down
/// ```
///
/// No interpolation: the trapezoid rule would be too optimistic. Labels 0 and 1 (or -1 and 1) `(N)`, scores `(N)`; 0 where
/// there are no positives. [`Curves::average_precision`] has the options. Source: scikit-learn's
/// `average_precision_score`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let y_score = Tensor::from_vec(vec![0.1, 0.4, 0.35, 0.8f64], [4])?;
/// assert!((barehand_metrics::average_precision(&y_true, &y_score)? - 5.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Curves::counts`].
pub fn average_precision<T: Float>(y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<f64> {
    Curves::new().average_precision(y_true, y_score)
}

impl Curves<'_> {
    /// The precision-recall curve of labels `(N)` and scores `(N)`.
    ///
    /// # Errors
    /// As [`Curves::counts`].
    pub fn precision_recall<T: Float>(
        &self,
        y_true: &Tensor<i64>,
        y_score: &Tensor<T>,
    ) -> Result<PrecisionRecallCurve> {
        let mut counts = self.counts_for("precision_recall_curve", y_true, y_score)?;
        if self.drop_intermediate.unwrap_or(false) {
            drop_where_no_positive_comes(&mut counts);
        }
        let positives = counts.positives();
        let points = counts.true_positives.iter().zip(&counts.false_positives).rev();
        let precision = points.clone().map(|(&tp, &fp)| precision_of(tp, fp)).chain([1.0]).collect();
        let recall = |tp: f64| if positives == 0.0 { 1.0 } else { tp / positives };
        let recall = points.map(|(&tp, _)| recall(tp)).chain([0.0]).collect();
        let has_positives = positives != 0.0;
        counts.thresholds.reverse();
        Ok(PrecisionRecallCurve { precision, recall, thresholds: counts.thresholds, has_positives })
    }

    /// [`average_precision`] of labels `(N)` and scores `(N)`.
    ///
    /// # Errors
    /// As [`Curves::counts`].
    pub fn average_precision<T: Float>(&self, y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<f64> {
        Ok(mean_precision(&self.counts_for("average_precision", y_true, y_score)?))
    }

    /// [`average_precision`] of each column of labels `(N, K)` that are set or not, with scores `(N, K)`.
    ///
    /// # Errors
    /// The shapes differ or are not `(N, K)`, a score is not finite, or weights are unusable.
    pub fn average_precision_of_columns<T: Float>(
        &self,
        y_true: &Tensor<bool>,
        y_score: &Tensor<T>,
    ) -> Result<Vec<f64>> {
        self.columns(y_true, y_score, |columns| columns.each(mean_precision_of))
    }

    /// One [`average_precision`] for labels `(N, K)` that are set or not, with scores `(N, K)`.
    ///
    /// # Errors
    /// As [`Curves::average_precision_of_columns`].
    pub fn multilabel_average_precision<T: Float>(
        &self,
        y_true: &Tensor<bool>,
        y_score: &Tensor<T>,
        average: ColumnAverage,
    ) -> Result<f64> {
        self.columns(y_true, y_score, |columns| columns.average(average, mean_precision_of))
    }

    fn columns<T: Float, R>(
        &self,
        y_true: &Tensor<bool>,
        y_score: &Tensor<T>,
        score: impl FnOnce(&Columns) -> R,
    ) -> Result<R> {
        const OPERATION: &str = "average_precision";
        if y_true.rank() != 2 || y_true.shape() != y_score.shape() {
            let text = format!(
                "expected labels and scores of one shape (N, K), found {:?} and {:?}",
                y_true.shape(),
                y_score.shape()
            );
            return Err(Error::shape(OPERATION, text));
        }
        let scores = reals(y_score);
        finite(OPERATION, "scores", slice_of(&scores))?;
        let weights = checked_weights(OPERATION, self.sample_weight, y_true.shape()[0])?;
        let truth = y_true.to_vec();
        Ok(score(&Columns::new(&truth, slice_of(&scores), y_true.shape()[1], weights.as_deref())))
    }
}

fn mean_precision_of(scores: &[f64], positive: &[bool], weights: Option<&[f64]>) -> f64 {
    mean_precision(&ThresholdCounts::of(scores, positive, weights))
}

fn mean_precision(counts: &ThresholdCounts) -> f64 {
    let positives = counts.positives();
    let mut before = 0.0;
    let steps = counts.true_positives.iter().zip(&counts.false_positives).map(|(&tp, &fp)| {
        let step = (tp - before) * precision_of(tp, fp);
        before = tp;
        step
    });
    let sum: f64 = steps.sum();
    if positives == 0.0 { 0.0 } else { (sum / positives).max(0.0) }
}

fn precision_of(tp: f64, fp: f64) -> f64 {
    if tp + fp == 0.0 { 0.0 } else { tp / (tp + fp) }
}

/// Leaves out thresholds between which, on either side, no positive comes or goes: they lie on a straight line.
pub(crate) fn drop_where_no_positive_comes(counts: &mut ThresholdCounts) {
    let n = counts.thresholds.len();
    if n > 2 {
        counts.retain(|counts, i| {
            let tp = &counts.true_positives;
            i == 0 || i == n - 1 || tp[i] != tp[i - 1] || tp[i + 1] != tp[i]
        });
    }
}
