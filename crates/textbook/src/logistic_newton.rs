//! Logistic regression by Newton's method.
//!
//! ```text
//! z = X w + b,  p = 1 / (1 + e^-z)
//! J = mean of the cross entropy + l2 |w|^2 / 2
//! g = X^T (p - y) / m + l2 w,           H = X^T diag(p (1 - p)) X / m + l2 I      (the intercept: a column of ones, no l2)
//! (w, b) = (w, b) - H^-1 g
//! ```
//!
//! Where statisticians solve the same equations as weighted least squares it is called IRLS. Each step squares the distance
//! to the minimum once it is near. Far from it a full step may lead away; engines halve it until it gains.
//! Bishop, Pattern Recognition and Machine Learning, 4.3.3. scikit-learn: `LogisticRegression(solver="newton-cholesky")`.

use crate::array::Array;
use crate::binary_cross_entropy::{BinaryCrossEntropy, logistic};
use crate::error::{Error, Result};
use crate::least_squares::least_squares_qr;
use crate::linear_regression::with_intercept;
use crate::logistic_regression::LogisticModel;
use crate::matmul::matmul;
use crate::trace::Trace;

/// So many full steps from zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticNewton {
    /// Steps.
    pub steps: usize,
    /// Strength of the penalty on w.
    pub l2: f64,
}

impl LogisticNewton {
    /// Steps from w = 0, b = 0 on X (m, d) and y (m, 1) in 0..=1.
    pub fn fit(&self, x: &Array, y: &Array, trace: &mut Trace) -> Result<LogisticModel> {
        let operation = "logistic_newton";
        x.expect_rank(operation, "X", 2)?;
        let (m, d) = (x.shape()[0], x.shape()[1]);
        y.expect_shape(operation, "y", &[m, 1])?;
        if m == 0 || self.l2 < 0.0 {
            return Err(Error::new(operation, format!("needs rows, got {m}, and l2 >= 0, got {}", self.l2)));
        }
        let silent = &mut Trace::silent();
        // Column 0 is the intercept's.
        let x1 = with_intercept(x)?;
        let mut theta = Array::zeros(&[d + 1, 1]);
        let mut loss_history = Vec::new();
        for step in 0..self.steps {
            trace.section(&format!("logistic regression by Newton: step {}", step + 1));
            let z = trace.step("z", "X w + b", matmul(&x1, &theta, silent)?);
            let penalty: f64 = theta.data()[1..].iter().map(|w| self.l2 / 2.0 * w * w).sum();
            let loss = BinaryCrossEntropy::default().forward(&z, y, silent)?[0] + penalty;
            loss_history.push(trace.number("J", "cross entropy + l2/2 |w|^2", loss));
            let p = trace.step("p", "1 / (1 + e^-z)", z.map(logistic));
            let penalized = |i: usize| if i == 0 { 0.0 } else { self.l2 };
            let g = Array::from_fn(&[d + 1, 1], |i| {
                let slope: f64 = (0..m).map(|r| x1[[r, i[0]]] * (p[[r, 0]] - y[[r, 0]])).sum();
                slope / m as f64 + penalized(i[0]) * theta[[i[0], 0]]
            });
            let g = trace.step("g", "X^T (p - y) / m + l2 w", g);
            let curvature = |r: usize| p[[r, 0]] * (1.0 - p[[r, 0]]);
            let h = Array::from_fn(&[d + 1, d + 1], |i| {
                let sum: f64 = (0..m).map(|r| x1[[r, i[0]]] * curvature(r) * x1[[r, i[1]]]).sum();
                sum / m as f64 + if i[0] == i[1] { penalized(i[0]) } else { 0.0 }
            });
            let h = trace.step("H", "X^T diag(p (1 - p)) X / m + l2 I", h);
            let newton = trace.step("step", "H^-1 g", least_squares_qr(&h, &g, silent)?);
            theta = trace.step("theta", "theta - H^-1 g", theta.zip(&newton, |theta, step| theta - step)?);
        }
        let w = Array::from_fn(&[d, 1], |i| theta[[i[0] + 1, 0]]);
        Ok(LogisticModel { w, b: theta[[0, 0]], loss_history })
    }
}
