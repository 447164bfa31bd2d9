//! The area under a curve of points.

use barehand_tensor::{Error, Result};

/// The area under the straight lines between points, by the trapezoid rule:
///
/// ```text
/// auc = sum_i (x_{i+1} - x_i) (y_i + y_{i+1}) / 2
/// ```
///
/// `x` ascends or descends; the sign is that of an ascending `x`. Source: scikit-learn's `auc`.
///
/// ```
/// let area = barehand_metrics::auc(&[0.0, 0.0, 0.5, 0.5, 1.0], &[0.0, 0.5, 0.5, 1.0, 1.0])?;
/// assert_eq!(area, 0.75);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// Fewer than two points, not as many `y` as `x`, or `x` goes up and down.
pub fn auc(x: &[f64], y: &[f64]) -> Result<f64> {
    const OPERATION: &str = "auc";
    if x.len() != y.len() || x.len() < 2 {
        let text = format!("expected two points or more, found {} of x and {} of y", x.len(), y.len());
        return Err(Error::shape(OPERATION, text));
    }
    let falls = x.windows(2).any(|pair| pair[1] < pair[0]);
    let rises = x.windows(2).any(|pair| pair[1] > pair[0]);
    if falls && rises {
        return Err(Error::value(OPERATION, "x neither ascends nor descends"));
    }
    let area: f64 = x.windows(2).zip(y.windows(2)).map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum();
    Ok(if falls { -area } else { area })
}
