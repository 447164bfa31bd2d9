//! Least squares with an L2 penalty.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::iterative::Centered;
use super::least_squares::{ridge_by_kernel, ridge_by_normal_equations, ridge_by_singular_values};
use super::moments::Moments;
use super::non_negative::non_negative;
use super::predictor::Predictor;
use super::samples::{Samples, targets};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::validate;

/// How [`Ridge`] finds its coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RidgeSolver {
    /// Cholesky for dense samples, conjugate gradients for sparse ones.
    #[default]
    Auto,
    /// The normal equations by Cholesky's factor, in their dual form where there are fewer samples than features; singular
    /// values where they are singular.
    Cholesky,
    /// Singular values of the samples; not for sparse ones.
    Svd,
    /// LSQR, until its estimates of the relative residuals are below `tol`.
    Lsqr,
    /// Conjugate gradients on the normal equations, until the residual is `tol` times the right side.
    SparseCg,
}

impl RidgeSolver {
    /// scikit-learn's name.
    pub fn name(self) -> &'static str {
        match self {
            RidgeSolver::Auto => "auto",
            RidgeSolver::Cholesky => "cholesky",
            RidgeSolver::Svd => "svd",
            RidgeSolver::Lsqr => "lsqr",
            RidgeSolver::SparseCg => "sparse_cg",
        }
    }

    /// The solver of scikit-learn's name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<RidgeSolver> {
        use RidgeSolver::{Auto, Cholesky, Lsqr, SparseCg, Svd};
        let found = [Auto, Cholesky, Svd, Lsqr, SparseCg].into_iter().find(|solver| solver.name() == name);
        found.ok_or_else(|| Error::value("Ridge", format!("solver {name:?} is not known")))
    }
}

/// Ridge regression: minimises `sum_i w_i |y_i - x_i coef^T - intercept|^2 + alpha |coef|^2`; the intercept is free.
///
/// Source: scikit-learn's `Ridge`.
///
/// ```
/// use barehand_learn::{Fit, linear_model::Ridge};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[-1.0], [0.0], [1.0f64]]);
/// let y = Tensor::from([1.0, 2.0, 3.0]);
/// let model = Ridge::new(2.0).fit(&x, &y)?; // 2 / (2 + alpha)
/// assert_eq!((model.coef().item()?, model.intercept().item()?), (0.5, 2.0));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ridge {
    alphas: Vec<f64>,
    fit_intercept: bool,
    solver: RidgeSolver,
    max_iter: Option<usize>,
    tol: f64,
    positive: bool,
}

impl Default for Ridge {
    fn default() -> Self {
        Ridge::new(1.0)
    }
}

impl Ridge {
    /// With a penalty of `alpha`, scikit-learn's default being 1.
    pub fn new(alpha: f64) -> Self {
        Ridge {
            alphas: vec![alpha],
            fit_intercept: true,
            solver: RidgeSolver::Auto,
            max_iter: None,
            tol: 1e-4,
            positive: false,
        }
    }

    /// A penalty for each output.
    pub fn alphas(mut self, alphas: &[f64]) -> Self {
        self.alphas = alphas.to_vec();
        self
    }

    /// Whether to fit an intercept (default: yes).
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// The way to the coefficients (default: [`RidgeSolver::Auto`]).
    pub fn solver(mut self, solver: RidgeSolver) -> Self {
        self.solver = solver;
        self
    }

    /// A limit for solvers that iterate (default: ten iterations a feature for conjugate gradients, two for LSQR).
    pub fn max_iter(mut self, max_iter: Option<usize>) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// When solvers that iterate stop (default: 1e-4).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Whether coefficients may not be negative: by active sets, exactly, whatever the solver (default: no).
    pub fn positive(mut self, positive: bool) -> Self {
        self.positive = positive;
        self
    }

    pub(super) fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedRidge<T>> {
        const OPERATION: &str = "Ridge::fit";
        let (n, _) = samples.shape();
        let (y, outputs, single) = targets(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        self.solved(OPERATION, samples, &y, outputs, single, weights.as_deref())
    }

    /// Of targets `(n, outputs)`, row by row.
    pub(super) fn solved<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        outputs: usize,
        single: bool,
        weights: Option<&[f64]>,
    ) -> Result<FittedRidge<T>> {
        let alphas = self.checked(operation, outputs)?;
        let (n, d) = samples.shape();
        let moments = |whole: bool| {
            let make = if whole { Moments::new } else { Moments::means };
            make(operation, samples, y, outputs, weights, self.fit_intercept)
        };
        let (mut n_iter, mut converged) = (None, true);
        let mut solver = match self.solver {
            RidgeSolver::Auto if samples.is_sparse() => RidgeSolver::SparseCg,
            RidgeSolver::Auto => RidgeSolver::Cholesky,
            solver => solver,
        };
        if solver == RidgeSolver::Svd && samples.is_sparse() {
            return Err(Error::value(operation, "solver \"svd\" does not take sparse features"));
        }
        let (moments, coef) = if self.positive {
            let moments = moments(true)?;
            let mut coef = Vec::with_capacity(outputs * d);
            for (output, &alpha) in alphas.iter().enumerate() {
                let b: Vec<f64> = moments.xy.iter().skip(output).step_by(outputs).copied().collect();
                coef.extend(non_negative(&moments.gram, &b, alpha)?);
            }
            (moments, coef)
        } else {
            match solver {
                RidgeSolver::Lsqr | RidgeSolver::SparseCg => {
                    let moments = moments(false)?;
                    let a = Centered::new(samples, &moments, weights);
                    let mut coef = Vec::with_capacity(outputs * d);
                    let mut iterations = Vec::with_capacity(outputs);
                    for (output, &alpha) in alphas.iter().enumerate() {
                        let target = a.target(y, &moments, output);
                        if solver == RidgeSolver::SparseCg {
                            let (w, met) = a.conjugate_gradients(&target, alpha, self.tol, self.max_iter);
                            coef.extend(w);
                            converged &= met;
                        } else {
                            let (w, count) = a.lsqr(&target, alpha.sqrt(), self.tol, self.max_iter);
                            coef.extend(w);
                            iterations.push(count as i64);
                        }
                    }
                    n_iter = (solver == RidgeSolver::Lsqr).then_some(iterations);
                    (moments, coef)
                }
                RidgeSolver::Svd => {
                    let moments = moments(false)?;
                    let coef = ridge_by_singular_values(samples, &moments, y, weights, &alphas)?;
                    (moments, coef)
                }
                _ => {
                    let in_dual = d > n && !samples.is_sparse();
                    let moments = moments(!in_dual)?;
                    let coef = if in_dual {
                        ridge_by_kernel(samples, &moments, y, weights, &alphas)
                    } else {
                        ridge_by_normal_equations(&moments, &alphas)
                    };
                    match coef {
                        Some(coef) => (moments, coef),
                        None if samples.is_sparse() => {
                            let a = Centered::new(samples, &moments, weights);
                            let solve = |output: usize| {
                                a.lsqr(&a.target(y, &moments, output), alphas[output].sqrt(), 1e-12, None).0
                            };
                            let coef = (0..outputs).flat_map(solve).collect();
                            solver = RidgeSolver::Lsqr;
                            (moments, coef)
                        }
                        None => {
                            let coef = ridge_by_singular_values(samples, &moments, y, weights, &alphas)?;
                            solver = RidgeSolver::Svd;
                            (moments, coef)
                        }
                    }
                }
            }
        };
        let intercept = if self.fit_intercept { moments.intercepts(&coef) } else { vec![0.0; outputs] };
        Ok(FittedRidge { predictor: Predictor::new(&coef, &intercept)?, single, solver, n_iter, converged })
    }

    /// A penalty for each output.
    fn checked(&self, operation: &str, outputs: usize) -> Result<Vec<f64>> {
        if let Some(alpha) = self.alphas.iter().find(|alpha| !(**alpha >= 0.0 && alpha.is_finite())) {
            return Err(Error::value(operation, format!("alpha is {alpha}: 0 or more expected")));
        }
        if !(self.tol >= 0.0) {
            return Err(Error::value(operation, format!("tol is {}: 0 or more expected", self.tol)));
        }
        match self.alphas.len() {
            1 => Ok(vec![self.alphas[0]; outputs]),
            count if count == outputs => Ok(self.alphas.clone()),
            count => Err(Error::value(
                operation,
                format!("{count} penalties for {outputs} outputs: one, or one for each expected"),
            )),
        }
    }
}

regressor!(Ridge, FittedRidge);

/// What [`Ridge`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRidge<T: Float> {
    pub(super) predictor: Predictor<T>,
    single: bool,
    solver: RidgeSolver,
    n_iter: Option<Vec<i64>>,
    converged: bool,
}

impl<T: Float> FittedRidge<T> {
    pub(super) fn new(predictor: Predictor<T>, single: bool, solver: RidgeSolver) -> Self {
        FittedRidge { predictor, single, solver, n_iter: None, converged: true }
    }

    /// The way that was gone.
    pub fn solver(&self) -> RidgeSolver {
        self.solver
    }

    /// Iterations for each output, of LSQR.
    pub fn n_iter(&self) -> Option<&[i64]> {
        self.n_iter.as_deref()
    }

    /// Whether conjugate gradients met their tolerance; what does not iterate by them has.
    pub fn converged(&self) -> bool {
        self.converged
    }
}

impl<T: Float> Persist for FittedRidge<T> {
    const NAME: &'static str = "Ridge";

    fn to_record(&self) -> Record {
        self.predictor
            .write(record_of::<T>(Self::NAME))
            .with("single", self.single)
            .with("solver", self.solver.name())
            .with("n_iter", self.n_iter.clone().map(Tensor::from))
            .with("converged", self.converged)
    }

    fn from_record(record: &Record) -> Result<Self> {
        let predictor = Predictor::read_regressor(record)?;
        let n_iter = if record.is_set("n_iter") {
            Some(record.tensor_of::<i64>("n_iter", &[predictor.outputs()])?.to_vec())
        } else {
            None
        };
        Ok(FittedRidge {
            predictor,
            single: record.bool("single")?,
            solver: RidgeSolver::named(record.text("solver")?)?,
            n_iter,
            converged: record.bool("converged")?,
        })
    }
}
