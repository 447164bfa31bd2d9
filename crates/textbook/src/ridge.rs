//! Ridge regression: least squares with an L2 penalty on the coefficients, and not on the intercept.
//!
//! ```text
//! J = sum (y - X w - b)^2 + alpha |w|^2
//! Xc = X - mean, yc = y - mean:   least squares of [Xc; sqrt(alpha) I] w = [yc; 0],   b = mean y - mean x w
//! ```
//!
//! The penalty is rows of data: d samples that say that each coefficient is 0, as loudly as sqrt(alpha). They keep the
//! condition of X from being squared, as the normal equations (X^T X + alpha I) w = X^T y would.
//! Hoerl and Kennard 1970. scikit-learn: `Ridge`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::least_squares::least_squares_qr;
use crate::trace::Trace;

/// w (d, outputs) and b (1, outputs) of X (m, d) and y (m, outputs).
pub fn ridge(x: &Array, y: &Array, alpha: f64, trace: &mut Trace) -> Result<(Array, Array)> {
    let operation = "ridge";
    x.expect_rank(operation, "X", 2)?;
    y.expect_rank(operation, "y", 2)?;
    let (m, d) = (x.shape()[0], x.shape()[1]);
    let outputs = y.shape()[1];
    if y.shape()[0] != m || m == 0 || alpha <= 0.0 {
        let message =
            format!("needs as many rows in y {:?} as in X {:?}, and alpha > 0", y.shape(), x.shape());
        return Err(Error::new(operation, message));
    }
    trace.section("ridge");
    let mean = |a: &Array| a.sum_along(&[0]).map(|sum| sum / m as f64);
    let x_mean = trace.step("mean x", "sum x / m", mean(x));
    let y_mean = trace.step("mean y", "sum y / m", mean(y));
    let root = trace.number("sqrt(alpha)", "the weight of each row that says w_j = 0", alpha.sqrt());
    let stacked = Array::from_fn(&[m + d, d], |i| match i[0].checked_sub(m) {
        None => x[[i[0], i[1]]] - x_mean[[0, i[1]]],
        Some(j) if j == i[1] => root,
        Some(_) => 0.0,
    });
    let right =
        Array::from_fn(
            &[m + d, outputs],
            |i| {
                if i[0] < m { y[[i[0], i[1]]] - y_mean[[0, i[1]]] } else { 0.0 }
            },
        );
    let w = trace.step("w", "least squares of [Xc; sqrt(alpha) I] w = [yc; 0]", {
        least_squares_qr(&stacked, &right, &mut Trace::silent())?
    });
    let b = Array::from_fn(&[1, outputs], |i| {
        y_mean[[0, i[1]]] - (0..d).map(|j| x_mean[[0, j]] * w[[j, i[1]]]).sum::<f64>()
    });
    let b = trace.step("b", "mean y - mean x w", b);
    Ok((w, b))
}
