//! The errors of ridge regression at samples that it has not seen, each left out in turn, without a fit for each.
//!
//! ```text
//! e_i = y_i - x_i w_-i - b_-i                                  what a fit without sample i gets wrong about it
//!     = (yc - H yc)_i / (1 - 1/m - H_ii)                       the same, of one fit
//! H   = Xc (Xc^T Xc + alpha I)^-1 Xc^T,  Xc = X - mean, yc = y - mean
//! ```
//!
//! H makes predictions of targets; H_ii, the leverage of a sample, is how much of its own target goes into its prediction,
//! and the mean adds 1/m. Without the division, errors are too small, the more so the more a sample decides alone.
//! Allen 1974; Rifkin and Lippert 2007. scikit-learn: `RidgeCV`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::least_squares::least_squares_qr;
use crate::trace::Trace;

/// The error e_i of each of the samples X (m, d) and y (m).
pub fn leave_one_out_errors(x: &Array, y: &Array, alpha: f64, trace: &mut Trace) -> Result<Array> {
    let operation = "leave_one_out_errors";
    x.expect_rank(operation, "X", 2)?;
    let (m, d) = (x.shape()[0], x.shape()[1]);
    y.expect_shape(operation, "y", &[m])?;
    if m < 2 || alpha <= 0.0 {
        return Err(Error::new(
            operation,
            format!("{m} rows and alpha {alpha}: at least 2, and more than 0 expected"),
        ));
    }
    trace.section("leave one out");
    let x_mean = x.sum_along(&[0]).map(|sum| sum / m as f64);
    let y_mean = y.sum() / m as f64;
    let centred = Array::from_fn(&[m, d], |i| x[[i[0], i[1]]] - x_mean[[0, i[1]]]);
    let yc = trace.step("yc", "y - mean y", y.map(|y| y - y_mean));
    // The columns of (Xc^T Xc + alpha I)^-1 Xc^T are ridge's answers to the unit vectors.
    let stacked = Array::from_fn(&[m + d, d], |i| match i[0].checked_sub(m) {
        None => centred[[i[0], i[1]]],
        Some(j) if j == i[1] => alpha.sqrt(),
        Some(_) => 0.0,
    });
    let units = Array::from_fn(&[m + d, m], |i| f64::from(u8::from(i[0] == i[1])));
    let answers = least_squares_qr(&stacked, &units, &mut Trace::silent())?;
    let hat = Array::from_fn(&[m, m], |i| (0..d).map(|j| centred[[i[0], j]] * answers[[j, i[1]]]).sum());
    let hat = trace.step("H", "Xc (Xc^T Xc + alpha I)^-1 Xc^T", hat);
    let residual = Array::from_fn(&[m], |i| yc[i[0]] - (0..m).map(|j| hat[[i[0], j]] * yc[j]).sum::<f64>());
    let residual = trace.step("r", "yc - H yc: what the fit of all samples gets wrong", residual);
    let left = Array::from_fn(&[m], |i| 1.0 - 1.0 / m as f64 - hat[[i[0], i[0]]]);
    let left = trace.step("left", "1 - 1/m - H_ii: what of a prediction is not the sample's own doing", left);
    Ok(trace.step("e", "r / left", Array::from_fn(&[m], |i| residual[i[0]] / left[i[0]])))
}
