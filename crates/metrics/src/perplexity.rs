//! Perplexity: among how many equally likely tokens a language model seems to choose.

use barehand_tensor::{Error, Float, Result, Tensor};

/// The exponential of the mean surprise at the true tokens:
///
/// ```text
/// perplexity = exp(-1/N sum_i ln softmax(logits_i)[target_i])
/// ```
///
/// Logits `(N, C)` and targets `(N)`, or `(B, T, C)` and `(B, T)`; targets equal to `ignore_index` are left out. Sums run in
/// `f64`, the largest logit taken out first.
///
/// ```
/// use barehand_tensor::Tensor;
/// let logits = Tensor::from([[0.0, 0.0, 0.0, 0.0], [7.0, 7.0, 7.0, 7.0f32]]);
/// let targets = Tensor::from_vec(vec![2i64, 0], [2])?;
/// assert!((barehand_metrics::perplexity(&logits, &targets, None)? - 4.0).abs() < 1e-14);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes differ from these, a target is no column, a logit is NaN, or every target is left out.
pub fn perplexity<T: Float>(
    logits: &Tensor<T>,
    targets: &Tensor<i64>,
    ignore_index: Option<i64>,
) -> Result<f64> {
    const OPERATION: &str = "perplexity";
    let (l, t) = (logits.shape(), targets.shape());
    if l.len() < 2 || l[..l.len() - 1] != *t {
        let text = format!("expected logits (..., C) and targets (...), found {l:?} and {t:?}");
        return Err(Error::shape(OPERATION, text));
    }
    let classes = l[l.len() - 1];
    let (logits, mut sum, mut count) = (logits.contiguous(), 0.0, 0u64);
    let rows = logits.as_slice().unwrap_or_default().chunks_exact(classes.max(1));
    for (target, row) in targets.to_vec().into_iter().zip(rows) {
        if Some(target) == ignore_index {
            continue;
        }
        let own = usize::try_from(target).ok().and_then(|target| row.get(target));
        let Some(own) = own else {
            return Err(Error::index(OPERATION, format!("target {target} is not one of {classes} classes")));
        };
        let most = row.iter().map(|x| x.to_f64()).fold(f64::NEG_INFINITY, f64::max);
        let whole: f64 = row.iter().map(|x| (x.to_f64() - most).exp()).sum();
        sum += most + whole.ln() - own.to_f64();
        count += 1;
    }
    if count == 0 {
        return Err(Error::value(OPERATION, "there is no target that counts"));
    }
    if sum.is_nan() {
        return Err(Error::value(OPERATION, "logits are numbers, found NaN"));
    }
    Ok((sum / count as f64).exp())
}
