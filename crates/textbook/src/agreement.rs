//! How far truth and predictions agree beyond chance: Matthews' correlation and Cohen's kappa.
//!
//! With `C` the confusion matrix, `t` the sums of its rows, `p` of its columns, `c` of its diagonal, `s` of everything:
//!
//! ```text
//! MCC   = (c s - sum_k t_k p_k) / sqrt((s^2 - sum_k p_k^2) (s^2 - sum_k t_k^2))
//! kappa = 1 - sum_ij d_ij C_ij / sum_ij d_ij t_i p_j / s
//! ```
//!
//! `d_ij` is how much a confusion of `i` and `j` counts: 1, `|i - j|` or `(i - j)^2`. scikit-learn: `matthews_corrcoef`,
//! `cohen_kappa_score`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The sums of rows, of columns, of the diagonal and of everything.
fn sums(operation: &str, confusion: &Array, trace: &mut Trace) -> Result<(Array, Array, f64, f64)> {
    confusion.expect_rank(operation, "confusion", 2)?;
    let classes = confusion.shape()[0];
    confusion.expect_shape(operation, "confusion", &[classes, classes])?;
    let t = trace.step("t", "sum_j C_ij", confusion.sum_along(&[1]).reshape(&[classes])?);
    let p = trace.step("p", "sum_i C_ij", confusion.sum_along(&[0]).reshape(&[classes])?);
    let diagonal = (0..classes).map(|k| confusion.get(&[k, k])).sum();
    let c = trace.number("c", "sum_k C_kk", diagonal);
    let s = trace.number("s", "sum_ij C_ij", confusion.sum());
    Ok((t, p, c, s))
}

/// Matthews' correlation coefficient of a confusion matrix `(classes, classes)`; 0 where either side has a single class.
pub fn matthews_corrcoef(confusion: &Array, trace: &mut Trace) -> Result<f64> {
    trace.section("Matthews' correlation");
    let (t, p, c, s) = sums("matthews_corrcoef", confusion, trace)?;
    let dot = |a: &Array, b: &Array| Ok::<f64, Error>(a.zip(b, |a, b| a * b)?.sum());
    let together = trace.number("cov(t, p)", "c s - sum_k t_k p_k", c * s - dot(&t, &p)?);
    let predicted = trace.number("cov(p, p)", "s^2 - sum_k p_k^2", s * s - dot(&p, &p)?);
    let truth = trace.number("cov(t, t)", "s^2 - sum_k t_k^2", s * s - dot(&t, &t)?);
    let spread = (predicted * truth).sqrt();
    let mcc = if spread == 0.0 { 0.0 } else { together / spread };
    Ok(trace.number("MCC", "cov(t, p) / sqrt(cov(p, p) cov(t, t))", mcc))
}

/// Cohen's kappa of a confusion matrix `(classes, classes)`; confusions count by `|i - j|^power`, all the same for power 0.
pub fn cohen_kappa(confusion: &Array, power: i32, trace: &mut Trace) -> Result<f64> {
    trace.section("Cohen's kappa");
    let (t, p, _, s) = sums("cohen_kappa", confusion, trace)?;
    let counts = Array::from_fn(confusion.shape(), |index| {
        let distance = index[0].abs_diff(index[1]) as f64;
        if distance == 0.0 { 0.0 } else { distance.powi(power) }
    });
    let counts = trace.step("d", "|i - j|^power, 0 on the diagonal", counts);
    let chance = Array::from_fn(confusion.shape(), |index| t[index[0]] * p[index[1]] / s);
    let chance = trace.step("E", "t_i p_j / s", chance);
    let found = trace.number("found", "sum_ij d_ij C_ij", counts.zip(confusion, |d, c| d * c)?.sum());
    let expected = trace.number("expected", "sum_ij d_ij E_ij", counts.zip(&chance, |d, e| d * e)?.sum());
    if expected.is_nan() || expected <= 0.0 {
        return Err(Error::new(
            "cohen_kappa",
            "chance alone would agree: there is no kappa of a single class",
        ));
    }
    Ok(trace.number("kappa", "1 - found / expected", 1.0 - found / expected))
}
