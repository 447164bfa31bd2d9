//! True and predicted classes, side by side, checked once for every score.

use barehand_tensor::{Error, Result, Tensor};

/// Equally many true and predicted labels, and the weight of each pair where weights were given.
pub(crate) struct Targets {
    pub(crate) y_true: Vec<i64>,
    pub(crate) y_pred: Vec<i64>,
    pub(crate) weights: Option<Vec<f64>>,
}

impl Targets {
    pub(crate) fn new(
        operation: &str,
        y_true: &Tensor<i64>,
        y_pred: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Targets> {
        let (t, p) = (y_true.shape(), y_pred.shape());
        if t.len() != 1 || t != p {
            let text = format!("expected true and predicted labels of one shape (N), found {t:?} and {p:?}");
            return Err(Error::shape(operation, text));
        }
        if t[0] == 0 {
            return Err(Error::value(operation, "there is no score of no samples"));
        }
        let weights = checked_weights(operation, sample_weight, t[0])?;
        Ok(Targets { y_true: y_true.to_vec(), y_pred: y_pred.to_vec(), weights })
    }

    /// (true label, predicted label, weight), weight 1 where none were given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, i64, f64)> + '_ {
        self.y_true
            .iter()
            .zip(&self.y_pred)
            .enumerate()
            .map(|(i, (&t, &p))| (t, p, weight(self.weights.as_ref(), i)))
    }

    /// Every label that occurs, true or predicted, in ascending order.
    pub(crate) fn labels(&self) -> Vec<i64> {
        sorted_unique(self.y_true.iter().chain(&self.y_pred).copied())
    }
}

/// Weights for `n` samples: finite, not negative, and not all zero.
pub(crate) fn checked_weights(
    operation: &str,
    sample_weight: Option<&Tensor<f64>>,
    n: usize,
) -> Result<Option<Vec<f64>>> {
    let Some(tensor) = sample_weight else {
        return Ok(None);
    };
    if tensor.shape() != [n] {
        let text = format!("expected one weight for each of {n} samples, found shape {:?}", tensor.shape());
        return Err(Error::shape(operation, text));
    }
    let weights = tensor.to_vec();
    if let Some(weight) = weights.iter().find(|weight| !weight.is_finite() || **weight < 0.0) {
        return Err(Error::value(operation, format!("a weight is finite and not negative, found {weight}")));
    }
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(Error::value(operation, "every sample has weight 0"));
    }
    Ok(Some(weights))
}

#[inline]
pub(crate) fn weight(weights: Option<&Vec<f64>>, i: usize) -> f64 {
    weights.map_or(1.0, |weights| weights[i])
}

/// The weighted mean of `values`, or their weighted sum.
pub(crate) fn total(values: impl Iterator<Item = f64>, weights: Option<&Vec<f64>>, normalize: bool) -> f64 {
    let (mut sum, mut whole) = (0.0, 0.0);
    match weights {
        Some(weights) => values.zip(weights).for_each(|(value, weight)| {
            sum += value * weight;
            whole += weight;
        }),
        None => values.for_each(|value| {
            sum += value;
            whole += 1.0;
        }),
    }
    if normalize { sum / whole } else { sum }
}

/// The labels that occur, ascending. Labels that lie close together, as classes do, are ticked off instead of sorted.
pub(crate) fn sorted_unique(labels: impl Iterator<Item = i64> + Clone) -> Vec<i64> {
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    labels.clone().for_each(|label| (low, high) = (low.min(label), high.max(label)));
    if low > high {
        return Vec::new();
    }
    if let Some(span) = span(low, high) {
        let mut present = vec![false; span];
        labels.for_each(|label| present[label.wrapping_sub(low) as usize] = true);
        return (0..span).filter(|&i| present[i]).map(|i| low + i as i64).collect();
    }
    let mut labels: Vec<i64> = labels.collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// How many whole numbers lie from `low` to `high`, where a table of them is worth having.
fn span(low: i64, high: i64) -> Option<usize> {
    high.checked_sub(low).filter(|&distance| distance < 1 << 16).map(|distance| distance as usize + 1)
}

/// Where each label stands in a list that names none twice.
pub(crate) enum Places {
    /// By distance from the smallest label; `usize::MAX` for labels between that are not in the list.
    Table { low: i64, places: Vec<usize> },
    /// Labels and their places, by label.
    Sorted(Vec<(i64, usize)>),
}

impl Places {
    pub(crate) fn new(labels: &[i64]) -> Places {
        let low = labels.iter().copied().min().unwrap_or(0);
        let high = labels.iter().copied().max().unwrap_or(0);
        if let Some(span) = span(low, high) {
            let mut places = vec![usize::MAX; span];
            labels.iter().enumerate().for_each(|(place, label)| places[(label - low) as usize] = place);
            return Places::Table { low, places };
        }
        let mut sorted: Vec<(i64, usize)> = labels.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        Places::Sorted(sorted)
    }

    #[inline]
    pub(crate) fn find(&self, label: i64) -> Option<usize> {
        match self {
            Places::Table { low, places } => {
                let distance = label.wrapping_sub(*low) as u64;
                let found = places.get(usize::try_from(distance).ok()?)?;
                (*found != usize::MAX).then_some(*found)
            }
            Places::Sorted(sorted) => {
                sorted.binary_search_by_key(&label, |entry| entry.0).ok().map(|at| sorted[at].1)
            }
        }
    }
}

/// Refuses an empty list of labels and one that names a label twice.
pub(crate) fn check_labels(operation: &str, labels: &[i64]) -> Result<()> {
    if labels.is_empty() {
        return Err(Error::value(operation, "the list of labels is empty"));
    }
    if sorted_unique(labels.iter().copied()).len() < labels.len() {
        return Err(Error::value(operation, format!("labels {labels:?} name a class twice")));
    }
    Ok(())
}

/// Every label that occurs, ascending.
///
/// ```
/// use barehand_tensor::Tensor;
/// let labels = Tensor::from_vec(vec![3i64, -1, 3, 2], [4])?;
/// assert_eq!(barehand_metrics::distinct(&labels), [-1, 2, 3]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub fn distinct(labels: &Tensor<i64>) -> Vec<i64> {
    let labels = labels.contiguous();
    sorted_unique(labels.as_slice().unwrap_or_default().iter().copied())
}
