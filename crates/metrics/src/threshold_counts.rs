//! What is counted at every threshold: the ground that all curves stand on.

use barehand_kernels::radix_sort::{from_ordered_bits, ordered_bits, sort_by_key};
use barehand_kernels::ranking::sorted_by_kind;
use barehand_tensor::{Float, Result, Tensor};

use crate::binary_scores::BinaryScores;

/// True and false positives when everything that scores at least a threshold is called positive, for every score that
/// occurs as the threshold, from the highest down.
///
/// Samples with equal scores pass a threshold together, so ties are never broken by the order of the samples. Counts are
/// whole numbers; with weights, sums of them. Source: scikit-learn's `confusion_matrix_at_thresholds`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThresholdCounts {
    /// The distinct scores, descending.
    pub thresholds: Vec<f64>,
    /// Weight of the positives at or above each threshold.
    pub true_positives: Vec<f64>,
    /// Weight of the negatives at or above each threshold.
    pub false_positives: Vec<f64>,
}

impl ThresholdCounts {
    /// Weight of all positives.
    pub fn positives(&self) -> f64 {
        self.true_positives.last().copied().unwrap_or(0.0)
    }

    /// Weight of all negatives.
    pub fn negatives(&self) -> f64 {
        self.false_positives.last().copied().unwrap_or(0.0)
    }

    pub(crate) fn of(scores: &[f64], positive: &[bool], weights: Option<&[f64]>) -> ThresholdCounts {
        match weights {
            None => counted(scores, positive),
            Some(weights) => weighed(scores, positive, weights),
        }
    }

    /// Keeps the thresholds for which `keep` holds.
    pub(crate) fn retain(&mut self, keep: impl Fn(&ThresholdCounts, usize) -> bool) {
        let kept: Vec<usize> = (0..self.thresholds.len()).filter(|&i| keep(self, i)).collect();
        for column in [&mut self.thresholds, &mut self.true_positives, &mut self.false_positives] {
            *column = kept.iter().map(|&i| column[i]).collect();
        }
    }

    fn push(&mut self, bits: u64, true_positives: f64, false_positives: f64) {
        self.thresholds.push(from_ordered_bits(bits));
        self.true_positives.push(true_positives);
        self.false_positives.push(false_positives);
    }

    fn with_capacity(n: usize) -> Self {
        let [thresholds, true_positives, false_positives] = [(); 3].map(|()| Vec::with_capacity(n));
        ThresholdCounts { thresholds, true_positives, false_positives }
    }
}

/// Two sorted lists, walked from their upper ends.
fn counted(scores: &[f64], positive: &[bool]) -> ThresholdCounts {
    let (positives, negatives) = sorted_by_kind(scores, positive);
    let mut counts = ThresholdCounts::with_capacity(scores.len());
    let (mut p, mut q) = (positives.len(), negatives.len());
    while p > 0 || q > 0 {
        let bits = match (positives[..p].last(), negatives[..q].last()) {
            (Some(&a), Some(&b)) => a.max(b),
            (Some(&a), None) => a,
            (None, b) => b.copied().unwrap_or_default(),
        };
        while p > 0 && positives[p - 1] == bits {
            p -= 1;
        }
        while q > 0 && negatives[q - 1] == bits {
            q -= 1;
        }
        counts.push(bits, (positives.len() - p) as f64, (negatives.len() - q) as f64);
    }
    counts
}

fn weighed(scores: &[f64], positive: &[bool], weights: &[f64]) -> ThresholdCounts {
    // Samples of weight 0 have no threshold either.
    let mut order: Vec<(u64, usize)> =
        (0..scores.len()).filter(|&i| weights[i] != 0.0).map(|i| (!ordered_bits(scores[i]), i)).collect();
    sort_by_key(&mut order, |entry| entry.0);
    let mut counts = ThresholdCounts::with_capacity(order.len());
    let (mut true_positives, mut false_positives) = (0.0, 0.0);
    for (at, &(bits, i)) in order.iter().enumerate() {
        *(if positive[i] { &mut true_positives } else { &mut false_positives }) += weights[i];
        if order.get(at + 1).is_none_or(|next| next.0 != bits) {
            counts.push(!bits, true_positives, false_positives);
        }
    }
    counts
}

/// Options of curves over thresholds: [`roc_curve`](crate::roc_curve()),
/// [`precision_recall_curve`](crate::precision_recall_curve()), [`det_curve`](crate::det_curve()),
/// [`average_precision`](crate::average_precision()).
///
/// ```
/// use barehand_metrics::Curves;
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![3i64, 3, 7, 7], [4])?;
/// let y_score = Tensor::from_vec(vec![0.1, 0.4, 0.35, 0.8f64], [4])?;
/// let curve = Curves::new().pos_label(7).roc(&y_true, &y_score)?;
/// assert_eq!(curve.false_positive_rate, [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(curve.true_positive_rate, [0.0, 0.5, 0.5, 1.0, 1.0]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Curves<'a> {
    pub(crate) pos_label: Option<i64>,
    pub(crate) sample_weight: Option<&'a Tensor<f64>>,
    pub(crate) drop_intermediate: Option<bool>,
}

impl<'a> Curves<'a> {
    /// Labels 0 and 1 (or -1 and 1), every sample of weight 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// The label that counts as positive; needed where labels are not 0 and 1, or -1 and 1.
    #[must_use]
    pub fn pos_label(mut self, label: i64) -> Self {
        self.pos_label = Some(label);
        self
    }

    /// A weight for each sample, `(N)`.
    #[must_use]
    pub fn sample_weight(mut self, weights: &'a Tensor<f64>) -> Self {
        self.sample_weight = Some(weights);
        self
    }

    /// Whether to leave out thresholds that lie on a straight line between others (default: in ROC curves only).
    #[must_use]
    pub fn drop_intermediate(mut self, drop: bool) -> Self {
        self.drop_intermediate = Some(drop);
        self
    }

    /// True and false positives at every threshold, of labels `(N)` and scores `(N)`.
    ///
    /// # Errors
    /// The shapes are not both `(N)` with `N > 0`, a score is not finite, weights are negative, not finite or all 0, or
    /// there is no `pos_label` and labels are not 0 and 1, or -1 and 1.
    pub fn counts<T: Float>(&self, y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<ThresholdCounts> {
        self.counts_for("confusion_at_thresholds", y_true, y_score)
    }

    pub(crate) fn counts_for<T: Float>(
        &self,
        operation: &str,
        y_true: &Tensor<i64>,
        y_score: &Tensor<T>,
    ) -> Result<ThresholdCounts> {
        let binary = BinaryScores::new(operation, y_true, y_score, self.pos_label, self.sample_weight)?;
        Ok(ThresholdCounts::of(binary.scores(), &binary.positive, binary.weights.as_deref()))
    }
}
