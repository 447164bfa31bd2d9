//! `barehand.linear_model`.

use barehand_learn::linear_model::{
    ClassWeight, LinearRegression, LogisticRegression, LogisticSolver, Ridge, RidgeClassifier, RidgeSolver,
};
use pyo3::prelude::*;

use super::model::{Model, fit};
use super::samples::{AnyFeatures, AnyTarget, Weights};
use crate::error::{Failure, Result};

#[pyfunction]
fn linear_regression(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    fit_intercept: bool,
    tol: f64,
    positive: bool,
) -> Result<Model> {
    let estimator = LinearRegression::new().fit_intercept(fit_intercept).tol(tol).positive(positive);
    fit(py, &estimator, x, Some(y), sample_weight)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn ridge(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    alphas: Vec<f64>,
    fit_intercept: bool,
    solver: &str,
    max_iter: Option<usize>,
    tol: f64,
    positive: bool,
) -> Result<Model> {
    let estimator = ridge_of(&alphas, fit_intercept, solver, max_iter, tol, positive)?;
    fit(py, &estimator, x, Some(y), sample_weight)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn ridge_classifier(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    alphas: Vec<f64>,
    fit_intercept: bool,
    solver: &str,
    max_iter: Option<usize>,
    tol: f64,
    positive: bool,
    class_weight: OfClasses,
) -> Result<Model> {
    let ridge = ridge_of(&alphas, fit_intercept, solver, max_iter, tol, positive)?;
    let estimator = RidgeClassifier::new(ridge).class_weight(class_weight.get()?);
    fit(py, &estimator, x, Some(y), sample_weight)
}

fn ridge_of(
    alphas: &[f64],
    fit_intercept: bool,
    solver: &str,
    max_iter: Option<usize>,
    tol: f64,
    positive: bool,
) -> Result<Ridge> {
    Ok(Ridge::default()
        .alphas(alphas)
        .fit_intercept(fit_intercept)
        .solver(RidgeSolver::named(solver)?)
        .max_iter(max_iter)
        .tol(tol)
        .positive(positive))
}

/// Weights of classes: none, `"balanced"`, or one for each code.
#[derive(FromPyObject)]
enum OfClasses {
    Named(String),
    Given(Vec<f64>),
    None(Option<f64>),
}

impl OfClasses {
    fn get(self) -> Result<ClassWeight> {
        match self {
            OfClasses::None(None) => Ok(ClassWeight::None),
            OfClasses::Named(name) if name == "balanced" => Ok(ClassWeight::Balanced),
            OfClasses::Given(weights) => Ok(ClassWeight::Given((0..).zip(weights).collect())),
            _ => {
                Err(Failure::value("class_weight", "none, \"balanced\" or a weight for each class expected"))
            }
        }
    }
}

#[pyfunction]
#[pyo3(signature = (x, y, sample_weight, *, C, l1_ratio, tol, fit_intercept, penalized_intercept, class_weight, solver,
                    max_iter, start))]
#[allow(clippy::too_many_arguments, non_snake_case)]
fn logistic_regression(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    C: f64,
    l1_ratio: f64,
    tol: f64,
    fit_intercept: bool,
    penalized_intercept: Option<f64>,
    class_weight: OfClasses,
    solver: &str,
    max_iter: usize,
    start: Option<(Weights, Weights)>,
) -> Result<Model> {
    let solver = match solver {
        "lbfgs" => LogisticSolver::Lbfgs,
        "newton-cholesky" => LogisticSolver::NewtonCholesky,
        "coordinate-descent" => LogisticSolver::CoordinateDescent,
        other => return Err(Failure::value("LogisticRegression", format!("solver {other:?} is not known"))),
    };
    let mut estimator = LogisticRegression::new()
        .c(C)
        .l1_ratio(l1_ratio)
        .tol(tol)
        .fit_intercept(fit_intercept)
        .penalized_intercept(penalized_intercept)
        .class_weight(class_weight.get()?)
        .solver(solver)
        .max_iter(max_iter);
    if let Some((Weights(coef), Weights(intercept))) = start {
        estimator = estimator.start(coef.to_vec(), intercept.to_vec());
    }
    fit(py, &estimator, x, Some(y), sample_weight)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(linear_regression, module)?)?;
    module.add_function(wrap_pyfunction!(logistic_regression, module)?)?;
    module.add_function(wrap_pyfunction!(ridge, module)?)?;
    module.add_function(wrap_pyfunction!(ridge_classifier, module)?)
}
