//! The detection error tradeoff: how many positives are missed, against how many negatives are taken for one.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::precision_recall_curve::drop_where_no_positive_comes;
use crate::threshold_counts::Curves;

/// False negative against false positive rate, from the lowest threshold up.
///
/// Source: scikit-learn's `det_curve`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DetCurve {
    /// Shares of the negatives at or above each threshold, descending.
    pub false_positive_rate: Vec<f64>,
    /// Shares of the positives below each threshold, ascending.
    pub false_negative_rate: Vec<f64>,
    /// The thresholds, ascending.
    pub thresholds: Vec<f64>,
}

/// The detection error tradeoff of labels 0 and 1 (or -1 and 1) `(N)` and scores `(N)`. [`Curves`] has the options.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let y_score = Tensor::from_vec(vec![0.1, 0.4, 0.35, 0.8f64], [4])?;
/// let curve = barehand_metrics::det_curve(&y_true, &y_score)?;
/// assert_eq!(curve.false_positive_rate, [0.5, 0.5, 0.0]);
/// assert_eq!(curve.false_negative_rate, [0.0, 0.5, 0.5]);
/// assert_eq!(curve.thresholds, [0.35, 0.4, 0.8]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Curves::det`].
pub fn det_curve<T: Float>(y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<DetCurve> {
    Curves::new().det(y_true, y_score)
}

impl Curves<'_> {
    /// The detection error tradeoff of labels `(N)` and scores `(N)`.
    ///
    /// # Errors
    /// As [`Curves::counts`]; also where all samples are of one kind.
    pub fn det<T: Float>(&self, y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<DetCurve> {
        const OPERATION: &str = "det_curve";
        let mut counts = self.counts_for(OPERATION, y_true, y_score)?;
        let (positives, negatives) = (counts.positives(), counts.negatives());
        if positives == 0.0 || negatives == 0.0 {
            return Err(Error::value(OPERATION, "all samples are of one kind: the curve is not defined"));
        }
        for (column, first) in [
            (&mut counts.thresholds, f64::INFINITY),
            (&mut counts.true_positives, 0.0),
            (&mut counts.false_positives, 0.0),
        ] {
            column.insert(0, first);
        }
        if self.drop_intermediate.unwrap_or(false) {
            drop_where_no_positive_comes(&mut counts);
        }
        // From the last threshold without false positives to the first that misses nothing.
        let first = counts.false_positives.partition_point(|&fp| fp == 0.0) - 1;
        let last = counts.true_positives.partition_point(|&tp| tp < positives);
        let points = (first..=last).rev();
        Ok(DetCurve {
            false_positive_rate: points.clone().map(|i| counts.false_positives[i] / negatives).collect(),
            false_negative_rate: points
                .clone()
                .map(|i| (positives - counts.true_positives[i]) / positives)
                .collect(),
            thresholds: points.map(|i| counts.thresholds[i]).collect(),
        })
    }
}
