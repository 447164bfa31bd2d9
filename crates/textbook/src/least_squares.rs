//! Least squares in closed form: the theta that minimises |X theta - y|^2.
//!
//! By *Householder QR*: reflections H_1 .. H_d turn X into an upper triangle, the same reflections turn y, and back
//! substitution finishes. The condition number of X enters once.
//!
//! ```text
//! v = x + sign(x_1) |x| e_1,   H = I - 2 v v^T / (v^T v),   H x = -sign(x_1) |x| e_1
//! R theta = Q^T y
//! ```
//!
//! By the *normal equations*: X^T X theta = X^T y, solved by Cholesky, X^T X = L L^T. Shorter and faster, but the
//! condition number is squared: half of the digits are lost before the solution starts.
//! Golub and Van Loan, Matrix Computations, 5.3. NumPy: `numpy.linalg.lstsq`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::matmul::matmul;
use crate::trace::Trace;

/// theta (d, outputs) of X (m, d), m >= d, and y (m, outputs) by Householder QR. An error if columns are dependent.
pub fn least_squares_qr(x: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
    let (m, d) = check("least_squares_qr", x, y)?;
    trace.section("least squares by Householder QR");
    let (mut r, mut qty) = (x.clone(), y.clone());
    let longest = (0..d).map(|j| norm((0..m).map(|i| x[[i, j]]))).fold(0.0, f64::max);
    for k in 0..d {
        let length = norm((k..m).map(|i| r[[i, k]]));
        if length <= longest * m as f64 * f64::EPSILON {
            let message = format!("column {k} of X {:?} depends on the columns before it", x.shape());
            return Err(Error::new("least_squares_qr", message));
        }
        let mut v: Vec<f64> = (k..m).map(|i| r[[i, k]]).collect();
        v[0] += length.copysign(v[0]);
        reflect(&mut r, &v, k);
        reflect(&mut qty, &v, k);
    }
    let r = trace.step(
        "R",
        "Q^T X, its upper triangle",
        Array::from_fn(&[d, d], |i| if i[0] <= i[1] { r[[i[0], i[1]]] } else { 0.0 }),
    );
    let qty = trace.step("Q^T y", "the same reflections of y", top_rows(&qty, d));
    Ok(trace.step("theta", "solve R theta = Q^T y from below", solve_upper(&r, &qty)))
}

/// The same by the normal equations and Cholesky's factor. An error if X^T X is not positive definite.
pub fn least_squares_normal_equations(x: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
    let (_, d) = check("least_squares_normal_equations", x, y)?;
    trace.section("least squares by the normal equations");
    let silent = &mut Trace::silent();
    let xt = x.transpose()?;
    let a = trace.step("A", "X^T X", matmul(&xt, x, silent)?);
    let b = trace.step("b", "X^T y", matmul(&xt, y, silent)?);
    let mut l = Array::zeros(&[d, d]);
    for i in 0..d {
        for j in 0..=i {
            let rest = a[[i, j]] - (0..j).map(|k| l[[i, k]] * l[[j, k]]).sum::<f64>();
            if i != j {
                l[[i, j]] = rest / l[[j, j]];
            } else if rest > a[[i, i]] * d as f64 * f64::EPSILON {
                l[[i, i]] = rest.sqrt();
            } else {
                let message =
                    format!("X^T X is not positive definite: column {i} depends on the columns before it");
                return Err(Error::new("least_squares_normal_equations", message));
            }
        }
    }
    let l = trace.step("L", "Cholesky's factor of A = L L^T", l);
    let z = trace.step("z", "solve L z = b from above", solve_lower(&l, &b));
    Ok(trace.step("theta", "solve L^T theta = z from below", solve_upper(&l.transpose()?, &z)))
}

/// Rows k.. of A become H A with the reflection of v.
fn reflect(a: &mut Array, v: &[f64], k: usize) {
    let vv: f64 = v.iter().map(|v| v * v).sum();
    for j in 0..a.shape()[1] {
        let va: f64 = v.iter().enumerate().map(|(i, v)| v * a[[k + i, j]]).sum();
        for (i, v) in v.iter().enumerate() {
            a[[k + i, j]] -= 2.0 * v * va / vv;
        }
    }
}

fn solve_upper(r: &Array, b: &Array) -> Array {
    let d = r.shape()[0];
    let mut x = b.clone();
    for j in 0..b.shape()[1] {
        for i in (0..d).rev() {
            let known: f64 = (i + 1..d).map(|k| r[[i, k]] * x[[k, j]]).sum();
            x[[i, j]] = (b[[i, j]] - known) / r[[i, i]];
        }
    }
    x
}

fn solve_lower(l: &Array, b: &Array) -> Array {
    let mut x = b.clone();
    for j in 0..b.shape()[1] {
        for i in 0..l.shape()[0] {
            let known: f64 = (0..i).map(|k| l[[i, k]] * x[[k, j]]).sum();
            x[[i, j]] = (b[[i, j]] - known) / l[[i, i]];
        }
    }
    x
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

fn top_rows(a: &Array, rows: usize) -> Array {
    Array::from_fn(&[rows, a.shape()[1]], |i| a[[i[0], i[1]]])
}

fn check(operation: &str, x: &Array, y: &Array) -> Result<(usize, usize)> {
    x.expect_rank(operation, "X", 2)?;
    y.expect_rank(operation, "y", 2)?;
    let (m, d) = (x.shape()[0], x.shape()[1]);
    if y.shape()[0] != m || m < d || d == 0 {
        let message = format!(
            "X {:?} and y {:?} must have equally many rows, at least one for each column",
            x.shape(),
            y.shape()
        );
        return Err(Error::new(operation, message));
    }
    Ok((m, d))
}
