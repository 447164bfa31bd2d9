//! Logistic regression by gradient descent.
//!
//! ```text
//! z = X w + b,  p = 1 / (1 + e^-z)
//! L = reduction of -(y log p + (1 - y) log(1 - p)) + (l2 / 2) |w|^2
//! dw = X^T (p - y) scale + l2 w,   db = sum (p - y) scale         scale: 1 for the sum, 1/m for the mean
//! label = 1 where p >= threshold (or, as another convention, p > threshold)
//! ```
//!
//! The intercept b is a parameter of its own, in training and in prediction alike, and is not penalised. The loss is
//! computed from z, so it stays finite when p rounds to 0 or 1. scikit-learn: `LogisticRegression` (another solver).

use crate::array::Array;
use crate::binary_cross_entropy::{BinaryCrossEntropy, logistic};
use crate::error::{Error, Result};
use crate::loss_reduction::Reduction;
use crate::matmul::matmul;
use crate::trace::Trace;

/// How the descent goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticDescent {
    /// Step size.
    pub learning_rate: f64,
    /// Updates.
    pub steps: usize,
    /// Sum or mean over the samples.
    pub reduction: Reduction,
    /// Strength of the penalty on w.
    pub l2: f64,
}

/// Which side a probability equal to the threshold falls on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threshold {
    /// p >= threshold is a 1.
    #[default]
    AtLeast,
    /// p > threshold is a 1.
    Above,
}

impl Threshold {
    /// 1 or 0 for each probability.
    pub fn labels(self, p: &Array, threshold: f64) -> Array {
        p.map(|p| f64::from(if self == Threshold::AtLeast { p >= threshold } else { p > threshold }))
    }
}

/// A fitted model: w (d, 1) and b.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticModel {
    /// The coefficients, (d, 1).
    pub w: Array,
    /// The intercept.
    pub b: f64,
    /// The loss before each update.
    pub loss_history: Vec<f64>,
}

impl LogisticDescent {
    /// Descends from w = 0, b = 0 on X (m, d) and y (m, 1) in 0..=1.
    pub fn fit(&self, x: &Array, y: &Array, trace: &mut Trace) -> Result<LogisticModel> {
        let operation = "logistic_regression";
        x.expect_rank(operation, "X", 2)?;
        let (m, d) = (x.shape()[0], x.shape()[1]);
        y.expect_shape(operation, "y", &[m, 1])?;
        if m == 0 {
            return Err(Error::new(operation, "needs at least one row"));
        }
        if let Some(y) = y.data().iter().find(|y| !(0.0..=1.0).contains(*y)) {
            return Err(Error::new(operation, format!("y must lie in 0..=1, got {y}")));
        }
        if self.reduction == Reduction::None {
            return Err(Error::new(operation, "the loss must be reduced by sum or mean to be descended"));
        }
        let objective = BinaryCrossEntropy { reduction: self.reduction };
        let silent = &mut Trace::silent();
        let mut model = LogisticModel { w: Array::zeros(&[d, 1]), b: 0.0, loss_history: Vec::new() };
        for step in 0..self.steps {
            trace.section(&format!("logistic regression: step {}", step + 1));
            let z = trace.step("z", "X w + b", model.decision(x)?);
            let penalty = self.l2 / 2.0 * model.w.map(|w| w * w).sum();
            let loss = objective.forward(&z, y, silent)?[0] + penalty;
            model.loss_history.push(trace.number("L", "cross entropy + l2/2 |w|^2", loss));
            let dz = objective.backward(&z, y, &Array::scalar(1.0), silent)?;
            let dz = trace.step("dz", "(p - y) scale, p = 1 / (1 + e^-z)", dz);
            let dw = matmul(&x.transpose()?, &dz, silent)?.zip(&model.w, |g, w| g + self.l2 * w)?;
            let dw = trace.step("dw", "X^T dz + l2 w", dw);
            let db = trace.number("db", "sum dz", dz.sum());
            model.w = trace.step("w", "w - lr dw", model.w.zip(&dw, |w, g| w - self.learning_rate * g)?);
            model.b = trace.number("b", "b - lr db", model.b - self.learning_rate * db);
        }
        Ok(model)
    }
}

impl LogisticModel {
    /// z = X w + b.
    pub fn decision(&self, x: &Array) -> Result<Array> {
        Ok(matmul(x, &self.w, &mut Trace::silent())?.map(|z| z + self.b))
    }

    /// P(y = 1) for each row of X, (m, 1).
    pub fn probabilities(&self, x: &Array) -> Result<Array> {
        Ok(self.decision(x)?.map(logistic))
    }
}
