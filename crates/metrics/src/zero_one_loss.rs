//! The share of predictions that are wrong.

use barehand_tensor::{Error, Result, Tensor};

use crate::targets::{Targets, checked_weights, total};

/// The share of samples whose predicted label is not the true one, `1 - accuracy`. Source: scikit-learn's `zero_one_loss`
/// (and `hamming_loss` of single labels).
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![2i64, 2, 3, 4], [4])?;
/// let y_pred = Tensor::from_vec(vec![1i64, 2, 3, 4], [4])?;
/// assert_eq!(barehand_metrics::zero_one_loss(&y_true, &y_pred, None)?, 0.25);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not all `(N)` with `N > 0`, or weights are negative, not finite, or all 0.
pub fn zero_one_loss(
    y_true: &Tensor<i64>,
    y_pred: &Tensor<i64>,
    sample_weight: Option<&Tensor<f64>>,
) -> Result<f64> {
    let targets = Targets::new("zero_one_loss", y_true, y_pred, sample_weight)?;
    let wrong = targets.iter().map(|(t, p, _)| f64::from(u8::from(t != p)));
    Ok(total(wrong, targets.weights.as_ref(), true))
}

/// The share of entries of labels `(N, K)`, set or not, that are predicted wrong. Source: scikit-learn's `hamming_loss` of
/// several labels; of single ones it is [`zero_one_loss`].
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![false, true, true, true], [2, 2])?;
/// let y_pred = Tensor::from_vec(vec![false; 4], [2, 2])?;
/// assert_eq!(barehand_metrics::hamming_loss(&y_true, &y_pred, None)?, 0.75);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not both `(N, K)`, or weights are not `(N)`, negative, not finite, or all 0.
pub fn hamming_loss(
    y_true: &Tensor<bool>,
    y_pred: &Tensor<bool>,
    sample_weight: Option<&Tensor<f64>>,
) -> Result<f64> {
    const OPERATION: &str = "hamming_loss";
    let (t, p) = (y_true.shape(), y_pred.shape());
    if t.len() != 2 || t != p || y_true.is_empty() {
        let text = format!("expected labels and predictions of one shape (N, K), found {t:?} and {p:?}");
        return Err(Error::shape(OPERATION, text));
    }
    let weights = checked_weights(OPERATION, sample_weight, t[0])?;
    let (t, p, k) = (y_true.to_vec(), y_pred.to_vec(), t[1]);
    let rows = t.chunks_exact(k).zip(p.chunks_exact(k));
    let wrong = rows.map(|(t, p)| t.iter().zip(p).filter(|(t, p)| t != p).count() as f64 / k as f64);
    Ok(total(wrong, weights.as_ref(), true))
}
