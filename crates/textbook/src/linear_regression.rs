//! Linear regression by gradient descent: batch, stochastic, mini-batch.
//!
//! ```text
//! yhat = X theta               X (m, d), theta (d, outputs), y (m, outputs); an intercept is a column of ones in X
//! J    = sum (yhat - y)^2 / (2 m)       gradient X^T (yhat - y) / m         "half mean"
//! J    = sum (yhat - y)^2 / m           gradient 2 X^T (yhat - y) / m       "mean"
//! theta = theta - lr gradient
//! ```
//!
//! The sum runs over every output, the division only over the m rows. Batch descent uses all rows for each step;
//! stochastic descent one row; mini-batch a few. What is often printed under the name of stochastic gradient descent
//! is batch descent. The closed form is in [`crate::least_squares`]. scikit-learn: `SGDRegressor` (stochastic).

use crate::array::Array;
use crate::error::{Error, Result};
use crate::matmul::matmul;
use crate::mersenne_twister::MersenneTwister;
use crate::trace::Trace;

/// What is minimised, and with it the factor in front of the gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cost {
    /// Sum of squares / (2 m), gradient X^T e / m.
    #[default]
    HalfMean,
    /// Sum of squares / m, gradient 2 X^T e / m.
    Mean,
}

impl Cost {
    /// J of the residuals e = X theta - y.
    pub fn value(self, e: &Array) -> f64 {
        let mean = e.map(|e| e * e).sum() / e.shape()[0] as f64;
        if self == Cost::HalfMean { mean / 2.0 } else { mean }
    }

    fn gradient_factor(self) -> f64 {
        if self == Cost::HalfMean { 1.0 } else { 2.0 }
    }
}

/// The order in which rows are visited in each epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they stand.
    #[default]
    Sequential,
    /// A new permutation each epoch, from `RandomState(seed).permutation`.
    Shuffled {
        /// Seed of the generator.
        seed: u32,
    },
}

/// Gradient descent for linear regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientDescent {
    /// Step size.
    pub learning_rate: f64,
    /// Passes over the data.
    pub epochs: usize,
    /// Rows for each step: `None` for all (batch), 1 for stochastic, more for mini-batch. The last batch may be short.
    pub batch_size: Option<usize>,
    /// Order of the rows.
    pub order: Order,
    /// What is minimised.
    pub cost: Cost,
}

/// What gradient descent found.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent {
    /// The coefficients, (d, outputs).
    pub theta: Array,
    /// The cost over all rows after each epoch.
    pub cost_history: Vec<f64>,
}

impl GradientDescent {
    /// Descends from `theta`, recording every epoch.
    pub fn fit(&self, x: &Array, y: &Array, theta: &Array, trace: &mut Trace) -> Result<Descent> {
        let operation = "linear_regression";
        for (name, array) in [("X", x), ("y", y), ("theta", theta)] {
            array.expect_rank(operation, name, 2)?;
        }
        let (m, d) = (x.shape()[0], x.shape()[1]);
        y.expect_shape(operation, "y", &[m, theta.shape()[1]])?;
        theta.expect_shape(operation, "theta", &[d, y.shape()[1]])?;
        let batch = self.batch_size.unwrap_or(m);
        if m == 0 || batch == 0 {
            return Err(Error::new(operation, format!("needs rows, got {m} rows in batches of {batch}")));
        }
        let mut random = match self.order {
            Order::Sequential => None,
            Order::Shuffled { seed } => Some(MersenneTwister::new(seed)),
        };
        let mut theta = theta.clone();
        let mut cost_history = Vec::with_capacity(self.epochs);
        for epoch in 0..self.epochs {
            trace.section(&format!("linear regression: epoch {}", epoch + 1));
            let rows = random.as_mut().map_or_else(|| (0..m).collect(), |random| random.permutation(m));
            for rows in rows.chunks(batch) {
                let gradient = self.gradient(&take_rows(x, rows), &take_rows(y, rows), &theta, trace)?;
                let next = theta.zip(&gradient, |theta, g| theta - self.learning_rate * g)?;
                theta = trace.step("theta", "theta - lr g", next);
            }
            let cost = self.cost.value(&residuals(x, y, &theta)?);
            cost_history.push(trace.number("J", "cost over all rows", cost));
        }
        Ok(Descent { theta, cost_history })
    }

    /// factor X^T (X theta - y) / rows.
    fn gradient(&self, x: &Array, y: &Array, theta: &Array, trace: &mut Trace) -> Result<Array> {
        let e = trace.step("e", "X theta - y", residuals(x, y, theta)?);
        let scale = self.cost.gradient_factor() / x.shape()[0] as f64;
        let g = matmul(&x.transpose()?, &e, &mut Trace::silent())?.map(|g| scale * g);
        let formula = if self.cost == Cost::HalfMean { "X^T e / m" } else { "2 X^T e / m" };
        Ok(trace.step("g", formula, g))
    }
}

/// X theta.
pub fn predict(x: &Array, theta: &Array) -> Result<Array> {
    matmul(x, theta, &mut Trace::silent())
}

/// X with a column of ones in front, whose coefficient is the intercept.
pub fn with_intercept(x: &Array) -> Result<Array> {
    x.expect_rank("with_intercept", "X", 2)?;
    let (m, d) = (x.shape()[0], x.shape()[1]);
    Ok(Array::from_fn(&[m, d + 1], |i| if i[1] == 0 { 1.0 } else { x[[i[0], i[1] - 1]] }))
}

/// X theta - y.
fn residuals(x: &Array, y: &Array, theta: &Array) -> Result<Array> {
    predict(x, theta)?.zip(y, |prediction, y| prediction - y)
}

fn take_rows(x: &Array, rows: &[usize]) -> Array {
    Array::from_fn(&[rows.len(), x.shape()[1]], |i| x[[rows[i[0]], i[1]]])
}
