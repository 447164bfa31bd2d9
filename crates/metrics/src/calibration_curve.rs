//! Calibration: of the samples to which about the same probability was given, what share is positive.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::binary_scores::BinaryScores;

/// How probabilities are sorted into bins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Bins {
    /// Bins of equal width.
    #[default]
    Uniform,
    /// Bins of equally many samples, as far as ties allow.
    Quantile,
}

/// For each bin that is not empty, the share of positives and the mean probability.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalibrationCurve {
    /// The share of positives.
    pub prob_true: Vec<f64>,
    /// The mean of the predicted probabilities.
    pub prob_pred: Vec<f64>,
}

/// The calibration curve of labels `(N)` and probabilities `(N)` of `pos_label` (without one, labels are 0 and 1, or -1 and
/// 1). A probability on the border of two bins lies in the lower one. Source: scikit-learn's `calibration_curve`.
///
/// ```
/// use barehand_metrics::{Bins, calibration_curve};
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 0, 0, 0, 1, 1, 1, 1, 1], [9])?;
/// let y_prob = Tensor::from([0.1, 0.2, 0.3, 0.4, 0.65, 0.7, 0.8, 0.9, 1.0f64]);
/// let curve = calibration_curve(&y_true, &y_prob, 3, Bins::Uniform, None)?;
/// assert_eq!(curve.prob_true, [0.0, 0.5, 1.0]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not both `(N)` with `N > 0`, a probability is outside `[0, 1]`, or there is no bin.
pub fn calibration_curve<T: Float>(
    y_true: &Tensor<i64>,
    y_prob: &Tensor<T>,
    bins: usize,
    strategy: Bins,
    pos_label: Option<i64>,
) -> Result<CalibrationCurve> {
    const OPERATION: &str = "calibration_curve";
    let data = BinaryScores::new(OPERATION, y_true, y_prob, pos_label, None)?;
    let probabilities = data.scores();
    if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::value(OPERATION, format!("a probability lies in [0, 1], found {p}")));
    }
    if bins == 0 {
        return Err(Error::value(OPERATION, "at least one bin expected"));
    }
    let share = |i: usize| i as f64 * (1.0 / bins as f64);
    // The inner borders.
    let borders: Vec<f64> = match strategy {
        Bins::Uniform => (1..bins).map(share).collect(),
        Bins::Quantile => {
            let mut sorted = probabilities.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            (1..bins).map(|i| quantile(&sorted, share(i))).collect()
        }
    };
    let mut sums = vec![(0u64, 0u64, 0.0); bins];
    for (&p, &positive) in probabilities.iter().zip(&data.positive) {
        let bin = &mut sums[borders.partition_point(|&border| border < p)];
        bin.0 += 1;
        bin.1 += u64::from(positive);
        bin.2 += p;
    }
    let filled = || sums.iter().filter(|bin| bin.0 > 0);
    Ok(CalibrationCurve {
        prob_true: filled().map(|bin| bin.1 as f64 / bin.0 as f64).collect(),
        prob_pred: filled().map(|bin| bin.2 / bin.0 as f64).collect(),
    })
}

/// Between the two nearest of ascending values, as NumPy's `percentile` does it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let t = place - below as f64;
    let step = sorted[above] - sorted[below];
    if t >= 0.5 { sorted[above] - step * (1.0 - t) } else { sorted[below] + step * t }
}
