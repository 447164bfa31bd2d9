//! The hinge loss of decisions, as a score.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::binary_scores::{finite, reals, slice_of};
use crate::targets::{Places, checked_weights, sorted_unique, total};

/// The mean hinge loss of decisions. Of two labels, `y` is 1 for the larger and -1 for the other; of several (Crammer and
/// Singer), the margin is that to the best of the wrong classes:
///
/// ```text
/// 1/N sum_i max(0, 1 - y_i d_i)        1/N sum_i max(0, 1 - (d_i[y_i] - max of d_i[c] over c != y_i))
/// ```
///
/// `y_true` is `(N)`; decisions `(N)` or `(N, 1)` for two labels, `(N, C)` for several. `labels` are those of the columns,
/// needed where `y_true` does not hold all of them. Source: scikit-learn's `hinge_loss`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![-1i64, 1, 1], [3])?;
/// let decisions = Tensor::from([-2.0, 2.5, 0.1f64]);
/// assert!((barehand_metrics::hinge_loss(&y_true, &decisions, None, None)? - 0.3).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes differ from these, labels and columns do not match, a decision is not finite, or weights are unusable.
pub fn hinge_loss<T: Float>(
    y_true: &Tensor<i64>,
    decisions: &Tensor<T>,
    labels: Option<&[i64]>,
    sample_weight: Option<&Tensor<f64>>,
) -> Result<f64> {
    const OPERATION: &str = "hinge_loss";
    let fail = |text: String| Err(Error::value(OPERATION, text));
    let (n, shape) = (y_true.len(), decisions.shape());
    if y_true.rank() != 1 || n == 0 || shape.first() != Some(&n) || shape.len() > 2 || decisions.is_empty() {
        let text = format!(
            "expected labels (N) and decisions (N) or (N, C), found {:?} and {shape:?}",
            y_true.shape()
        );
        return Err(Error::shape(OPERATION, text));
    }
    let weights = checked_weights(OPERATION, sample_weight, n)?;
    let decisions = reals(decisions);
    let decisions = slice_of(&decisions);
    finite(OPERATION, "decisions", decisions)?;
    let y_true = y_true.to_vec();
    let labels = sorted_unique(labels.unwrap_or(&y_true).iter().copied());
    let columns = decisions.len() / n;
    let classes = columns.max(2);
    if labels.len() > classes || (columns > 1 && labels.len() != classes) {
        return fail(format!("{} labels for decisions of {classes} classes, {shape:?}", labels.len()));
    }
    let places = Places::new(&labels);
    let mut losses = Vec::with_capacity(n);
    for (&label, row) in y_true.iter().zip(decisions.chunks_exact(columns)) {
        let Some(class) = places.find(label) else {
            return fail(format!("y_true has label {label}, which is not among labels {labels:?}"));
        };
        let margin = if columns == 1 {
            // A single label is the smaller of two.
            if class == 1 { row[0] } else { -row[0] }
        } else {
            let others = row.iter().enumerate().filter(|&(c, _)| c != class).map(|(_, &d)| d);
            row[class] - others.fold(f64::NEG_INFINITY, f64::max)
        };
        losses.push((1.0 - margin).max(0.0));
    }
    Ok(total(losses.into_iter(), weights.as_ref(), true))
}
