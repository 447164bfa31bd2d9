//! The elastic net by coordinate descent: one coefficient after another goes to where it is best while the others stand.
//!
//! ```text
//! P(w)  = sum (y - X w - b)^2 / (2 m) + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|^2 / 2)
//! rho_j = x_j^T (y - X w) + |x_j|^2 w_j                  what is left for x_j to explain
//! w_j   = sign(rho_j) max(|rho_j| - m alpha l1_ratio, 0) / (|x_j|^2 + m alpha (1 - l1_ratio))
//! ```
//!
//! on columns and targets less their means; b = mean y - mean x w. The soft threshold is what makes exact zeros. How far P
//! is from its minimum is bounded by the duality gap, from a point that the residual r gives:
//!
//! ```text
//! gap = m P(w) - D(v),  D(v) = -|v|^2 / 2 (1 + ...) + v^T y,  v = r min(1, l1 / max |X^T r - l2 w|)
//! ```
//!
//! Friedman, Hastie and Tibshirani 2010. scikit-learn: `ElasticNet`, `Lasso` (an l1_ratio of 1).

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// Coordinate descent, so many cycles of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticNet {
    /// Strength of the penalty.
    pub alpha: f64,
    /// Part of it that is L1.
    pub l1_ratio: f64,
    /// Whether coefficients may not be negative.
    pub positive: bool,
    /// Visits to each coefficient.
    pub cycles: usize,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct ElasticNetModel {
    /// The coefficients, (d).
    pub w: Array,
    /// The intercept.
    pub b: f64,
    /// The duality gap at the end, in units of P.
    pub gap: f64,
}

impl ElasticNet {
    /// Descends from w = 0 on X (m, d) and y (m).
    pub fn fit(&self, x: &Array, y: &Array, trace: &mut Trace) -> Result<ElasticNetModel> {
        let operation = "elastic_net";
        x.expect_rank(operation, "X", 2)?;
        let (m, d) = (x.shape()[0], x.shape()[1]);
        y.expect_shape(operation, "y", &[m])?;
        if m == 0 {
            return Err(Error::new(operation, "needs at least one row"));
        }
        let x_mean = x.sum_along(&[0]).map(|sum| sum / m as f64);
        let y_mean = y.sum() / m as f64;
        let x = Array::from_fn(&[m, d], |i| x[[i[0], i[1]]] - x_mean[[0, i[1]]]);
        let y = y.map(|y| y - y_mean);
        trace.section("elastic net: penalties");
        let l1 = trace.number("l1", "m alpha l1_ratio", m as f64 * self.alpha * self.l1_ratio);
        let l2 = trace.number("l2", "m alpha (1 - l1_ratio)", m as f64 * self.alpha * (1.0 - self.l1_ratio));
        let mut w = Array::zeros(&[d]);
        for cycle in 0..self.cycles {
            trace.section(&format!("elastic net: cycle {}", cycle + 1));
            for j in 0..d {
                let r = residual(&x, &y, &w);
                let norm: f64 = (0..m).map(|i| x[[i, j]] * x[[i, j]]).sum();
                if norm == 0.0 {
                    continue;
                }
                let left: f64 = (0..m).map(|i| x[[i, j]] * r[i]).sum();
                let rho = trace.number("rho", "x_j^T r + |x_j|^2 w_j", left + norm * w[j]);
                let held = if self.positive && rho < 0.0 { 0.0 } else { soft_threshold(rho, l1) };
                w.data_mut()[j] = trace.number("w_j", "soft(rho, l1) / (|x_j|^2 + l2)", held / (norm + l2));
            }
        }
        let w = trace.step("w", "after the last cycle", w);
        let gap = trace.number("gap", "P(w) - D(v)", self.gap(&x, &y, &w, l1, l2) / m as f64);
        let b = y_mean - (0..d).map(|j| x_mean[[0, j]] * w[j]).sum::<f64>();
        Ok(ElasticNetModel { b: trace.number("b", "mean y - mean x w", b), w, gap })
    }

    /// For l1 > 0.
    fn gap(&self, x: &Array, y: &Array, w: &Array, l1: f64, l2: f64) -> f64 {
        let r = residual(x, y, w);
        let d = w.len();
        let slopes = (0..d).map(|j| (0..y.len()).map(|i| x[[i, j]] * r[i]).sum::<f64>() - l2 * w[j]);
        let steepest = slopes
            .map(|slope| if self.positive { slope } else { slope.abs() })
            .fold(f64::NEG_INFINITY, f64::max);
        let squares = |a: &Array| a.data().iter().map(|a| a * a).sum::<f64>();
        let penalized = squares(&r) + l2 * squares(w);
        let primal = penalized / 2.0 + l1 * w.data().iter().map(|w| w.abs()).sum::<f64>();
        let scale = if steepest > l1 { l1 / steepest } else { 1.0 };
        let with_y: f64 = r.data().iter().zip(y.data()).map(|(r, y)| r * y).sum();
        primal - (scale * with_y - scale * scale * penalized / 2.0)
    }
}

/// sign(rho) max(|rho| - l1, 0)
pub fn soft_threshold(rho: f64, l1: f64) -> f64 {
    rho.signum() * (rho.abs() - l1).max(0.0)
}

/// y - X w
fn residual(x: &Array, y: &Array, w: &Array) -> Array {
    Array::from_fn(&[y.len()], |i| y[i[0]] - (0..w.len()).map(|j| x[[i[0], j]] * w[j]).sum::<f64>())
}
