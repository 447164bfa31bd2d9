//! Ordinary least squares.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::iterative::Centered;
use super::least_squares::{Solution, least_squares};
use super::moments::Moments;
use super::non_negative::non_negative;
use super::predictor::Predictor;
use super::samples::{Samples, targets};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::validate;

/// Least squares: the coefficients and intercepts that minimise `sum_i w_i |y_i - x_i coef^T - intercept|^2`.
///
/// Products of columns are summed in f64 in one pass over the samples, and the normal equations solved by Cholesky's factor
/// where their condition leaves half of the digits; else singular values of the samples decide, and those below `tol` times
/// the largest count as 0, which gives the solution of smallest norm. Sparse samples go by LSQR, with `tol` as its
/// tolerance. Source: scikit-learn's `LinearRegression`.
///
/// ```
/// use barehand_learn::{Fit, Predict, linear_model::LinearRegression};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 3.0f64]]);
/// let y = Tensor::from([6.0, 8.0, 9.0, 11.0]); // x0 + 2 x1 + 3
/// let model = LinearRegression::new().fit(&x, &y)?;
/// assert!((model.predict(&Tensor::from([[3.0, 5.0]]))?.item()? - 16.0).abs() < 1e-12);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearRegression {
    fit_intercept: bool,
    tol: f64,
    positive: bool,
}

impl Default for LinearRegression {
    fn default() -> Self {
        LinearRegression { fit_intercept: true, tol: 1e-6, positive: false }
    }
}

impl LinearRegression {
    /// With an intercept.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to fit an intercept (default: yes).
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Below what part of the largest singular value another counts as 0; LSQR's tolerance for sparse samples (default: 1e-6).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Whether coefficients may not be negative (default: no).
    pub fn positive(mut self, positive: bool) -> Self {
        self.positive = positive;
        self
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedLinearRegression<T>> {
        const OPERATION: &str = "LinearRegression::fit";
        if !(self.tol >= 0.0 && self.tol.is_finite()) {
            return Err(Error::value(OPERATION, format!("tol is {}: 0 or more expected", self.tol)));
        }
        let (n, d) = samples.shape();
        let (y, outputs, single) = targets(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let weights = weights.as_deref();
        let moments = |whole: bool| {
            let make = if whole { Moments::new } else { Moments::means };
            make(OPERATION, samples, &y, outputs, weights, self.fit_intercept)
        };
        let (moments, solution) = if self.positive {
            let moments = moments(true)?;
            let mut coef = Vec::with_capacity(outputs * d);
            for output in 0..outputs {
                let b: Vec<f64> = moments.xy.iter().skip(output).step_by(outputs).copied().collect();
                coef.extend(non_negative(&moments.gram, &b, 0.0)?);
            }
            (moments, Solution { coef, singular: Vec::new(), rank: 0 })
        } else if samples.is_sparse() {
            let moments = moments(false)?;
            let a = Centered::new(samples, &moments, weights);
            let solve = |output| a.lsqr(&a.target(&y, &moments, output), 0.0, self.tol, None).0;
            let coef = (0..outputs).flat_map(solve).collect();
            (moments, Solution { coef, singular: Vec::new(), rank: 0 })
        } else {
            let moments = moments(n > d)?;
            let solution = least_squares(samples, &moments, &y, weights, self.tol)?;
            (moments, solution)
        };
        let intercept =
            if self.fit_intercept { moments.intercepts(&solution.coef) } else { vec![0.0; outputs] };
        Ok(FittedLinearRegression {
            predictor: Predictor::new(&solution.coef, &intercept)?,
            single,
            rank: solution.rank,
            singular: solution.singular.iter().map(|&s| T::from_f64(s)).collect::<Vec<T>>().into(),
        })
    }
}

regressor!(LinearRegression, FittedLinearRegression);

/// What [`LinearRegression`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLinearRegression<T: Float> {
    predictor: Predictor<T>,
    single: bool,
    rank: usize,
    singular: Tensor<T>,
}

impl<T: Float> FittedLinearRegression<T> {
    /// How many of the singular values counted; 0 for sparse samples and non-negative coefficients, which go another way.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The singular values of the features less their means, the largest first; none where the rank is 0.
    pub fn singular(&self) -> &Tensor<T> {
        &self.singular
    }
}

impl<T: Float> Persist for FittedLinearRegression<T> {
    const NAME: &'static str = "LinearRegression";

    fn to_record(&self) -> Record {
        self.predictor
            .write(record_of::<T>(Self::NAME))
            .with("single", self.single)
            .with("rank", self.rank)
            .with("singular", crate::models::field(&self.singular))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let singular = record.tensor::<T>("singular")?;
        Ok(FittedLinearRegression {
            predictor: Predictor::read_regressor(record)?,
            single: record.bool("single")?,
            rank: record.count("rank")?,
            singular: record.tensor_of("singular", &[singular.len()])?,
        })
    }
}
