//! `barehand.linear_model`.

use barehand_learn::linear_model::{
    ClassWeight, DescentCost, ElasticNet, FittedLogisticRegression, FittedSgdClassifier, FittedSgdRegressor,
    GradientDescentClassifier, GradientDescentRegressor, LearningRate, LinearRegression, LogisticRegression,
    LogisticSolver, Precompute, Ridge, RidgeClassifier, RidgeSolver, Selection, Sgd, SgdClassifier, SgdLoss,
    SgdPenalty, SgdRegressor, SgdStanding,
};
use barehand_learn::models::{AnyModel, any_model};
use barehand_learn::{Field, Record};
use barehand_tensor::{Float, Tensor};
use pyo3::prelude::*;

use super::model::{Model, fit};
use super::samples::{AnyFeatures, AnyTarget, Weights};
use crate::error::{Failure, Result, callback};
use crate::tensor::released;

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
pub enum OfClasses {
    Named(String),
    Given(Vec<f64>),
    None(Option<f64>),
}

impl OfClasses {
    pub fn get(self) -> Result<ClassWeight> {
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

/// The parameters of a logistic regression.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[allow(non_snake_case)]
pub struct LogisticParameters {
    C: f64,
    l1_ratio: f64,
    tol: f64,
    fit_intercept: bool,
    penalized_intercept: Option<f64>,
    class_weight: OfClasses,
    solver: String,
    max_iter: usize,
}

impl LogisticParameters {
    pub fn get(self) -> Result<LogisticRegression> {
        Ok(LogisticRegression::new()
            .c(self.C)
            .l1_ratio(self.l1_ratio)
            .tol(self.tol)
            .fit_intercept(self.fit_intercept)
            .penalized_intercept(self.penalized_intercept)
            .class_weight(self.class_weight.get()?)
            .solver(LogisticSolver::named(&self.solver)?)
            .max_iter(self.max_iter))
    }
}

/// `watch` is called with the model that the fit begins with and that of each iteration of L-BFGS, and says whether to go on.
#[pyfunction]
fn logistic_regression(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    parameters: LogisticParameters,
    start: Option<(Weights, Weights)>,
    watch: Option<Bound<'_, PyAny>>,
) -> Result<Model> {
    fn shown<T: Float>(
        watch: &Bound<'_, PyAny>,
        model: FittedLogisticRegression<T>,
        any: impl Fn(FittedLogisticRegression<T>) -> AnyModel,
    ) -> barehand_tensor::Result<bool> {
        watch.call1((Model::new(any(model)),)).and_then(|go_on| go_on.extract()).map_err(callback)
    }
    let mut estimator = parameters.get()?;
    if let Some((Weights(coef), Weights(intercept))) = start {
        estimator = estimator.start(coef.to_vec(), intercept.to_vec());
    }
    let Some(watch) = watch else {
        return fit(py, &estimator, x, Some(y), sample_weight);
    };
    let weights = sample_weight.map(|Weights(weights)| weights);
    Ok(Model::new(match &x {
        AnyFeatures::F32(x) => {
            let y = y.get::<f32>();
            let (y, any) = (y.classes("LogisticRegression")?, |model| AnyModel::F32(Box::new(model)));
            any(estimator.fit_watched(x, y, weights.as_ref(), &mut |model| shown(&watch, model, any))?)
        }
        AnyFeatures::F64(x) => {
            let y = y.get::<f64>();
            let (y, any) = (y.classes("LogisticRegression")?, |model| AnyModel::F64(Box::new(model)));
            any(estimator.fit_watched(x, y, weights.as_ref(), &mut |model| shown(&watch, model, any))?)
        }
    }))
}

/// The linear model that has these coefficients and intercepts in the place of its own, as many of them.
#[pyfunction]
fn rewritten(model: PyRef<'_, Model>, coef: Weights, intercept: Weights) -> Result<Model> {
    fn shaped<T: Float>(record: &Record, name: &str, given: &Tensor<f64>) -> Result<Tensor<T>> {
        let shape = record.tensor::<T>(name)?.shape().to_vec();
        let numbers: Vec<T> = given.to_vec().into_iter().map(T::from_f64).collect();
        if given.shape() != shape && !(shape[0] == 1 && given.shape() == &shape[1..]) {
            let message = format!("{name}_ has shape {:?}: {shape:?} expected", given.shape());
            return Err(Failure::value(record.name(), message));
        }
        Ok(Tensor::from_vec(numbers, shape)?)
    }
    fn of<T: Float>(record: Record, coef: &Tensor<f64>, intercept: &Tensor<f64>) -> Result<Record> {
        let (coef, intercept) =
            (shaped::<T>(&record, "coef", coef)?, shaped::<T>(&record, "intercept", intercept)?);
        let standing = record.record("standing").cloned();
        let wide = |x: &Tensor<T>| Tensor::from(x.to_vec().into_iter().map(T::to_f64).collect::<Vec<f64>>());
        let (own_coef, own_intercept) = (wide(&coef), wide(&intercept));
        let record = record
            .with("coef", Field::Tensor(T::into_any(coef)))
            .with("intercept", Field::Tensor(T::into_any(intercept)));
        Ok(match standing {
            // Where stochastic gradient descent goes on from: from averages it does not.
            Ok(standing) if !standing.is_set("average_coef") => {
                let standing = standing.with("coef", own_coef).with("intercept", own_intercept);
                record.with("standing", standing)
            }
            _ => record,
        })
    }
    let record = match model.any() {
        AnyModel::F32(_) => of::<f32>(model.record(), &coef.0, &intercept.0)?,
        AnyModel::F64(_) => of::<f64>(model.record(), &coef.0, &intercept.0)?,
    };
    Ok(Model::new(any_model(&record)?))
}

/// The parameters of an elastic net, but for its penalty.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct NetParameters {
    l1_ratio: f64,
    fit_intercept: bool,
    max_iter: usize,
    tol: f64,
    positive: bool,
    seed: Option<u32>,
    precompute: Products,
    start: Option<Weights>,
}

/// Products of columns: `"auto"`, whether to form them, or a Gram matrix with `X^T y` or None.
#[derive(FromPyObject)]
#[allow(clippy::large_enum_variant)] // There is one of them, for the length of a call.
enum Products {
    Formed(bool),
    Given(Weights, Option<Weights>),
    Named(String),
}

impl NetParameters {
    pub fn get(self, alpha: f64) -> Result<ElasticNet> {
        let net = ElasticNet::new(alpha)
            .l1_ratio(self.l1_ratio)
            .fit_intercept(self.fit_intercept)
            .max_iter(self.max_iter)
            .tol(self.tol)
            .positive(self.positive)
            .selection(self.seed.map_or(Selection::Cyclic, Selection::Random))
            .precompute(match self.precompute {
                Products::Formed(true) => Precompute::Products,
                Products::Formed(false) => Precompute::Columns,
                Products::Given(Weights(gram), xy) => {
                    Precompute::Given { gram: gram.to_vec(), xy: xy.map(|Weights(xy)| xy.to_vec()) }
                }
                Products::Named(name) if name == "auto" => Precompute::Auto,
                Products::Named(name) => {
                    return Err(Failure::value("ElasticNet", format!("precompute {name:?} is not known")));
                }
            });
        Ok(match self.start {
            Some(Weights(coef)) => net.start(coef.to_vec()),
            None => net,
        })
    }
}

#[pyfunction]
fn elastic_net(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    alpha: f64,
    parameters: NetParameters,
) -> Result<Model> {
    fit(py, &parameters.get(alpha)?, x, Some(y), sample_weight)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn gradient_descent_regressor(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    learning_rate: f64,
    epochs: usize,
    batch_size: Option<usize>,
    seed: Option<u32>,
    half: bool,
    fit_intercept: bool,
    start: Option<(Weights, Weights)>,
) -> Result<Model> {
    let mut estimator = GradientDescentRegressor::new(learning_rate, epochs)
        .batch_size(batch_size)
        .shuffle(seed)
        .cost(if half { DescentCost::HalfMean } else { DescentCost::Mean })
        .fit_intercept(fit_intercept);
    if let Some((Weights(coef), Weights(intercept))) = start {
        estimator = estimator.start(coef.to_vec(), intercept.to_vec());
    }
    fit(py, &estimator, x, Some(y), None)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn gradient_descent_classifier(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    learning_rate: f64,
    steps: usize,
    sum: bool,
    l1: f64,
    l2: f64,
    fit_intercept: bool,
) -> Result<Model> {
    let estimator = GradientDescentClassifier::new(learning_rate, steps)
        .sum(sum)
        .l1(l1)
        .l2(l2)
        .fit_intercept(fit_intercept);
    fit(py, &estimator, x, Some(y), sample_weight)
}

/// The parameters that stochastic gradient descents share, by scikit-learn's names.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct SgdParameters {
    loss: String,
    epsilon: f64,
    penalty: Option<String>,
    alpha: f64,
    l1_ratio: f64,
    fit_intercept: bool,
    max_iter: usize,
    tol: Option<f64>,
    shuffle: bool,
    learning_rate: String,
    eta0: f64,
    power_t: f64,
    n_iter_no_change: usize,
    average: u64,
}

impl SgdParameters {
    fn get(&self) -> Result<Sgd> {
        let unknown =
            |name: &str, value: &str| Failure::value("SGD", format!("{name} {value:?} is not known"));
        Ok(Sgd {
            loss: match self.loss.as_str() {
                "hinge" => SgdLoss::Hinge(1.0),
                "perceptron" => SgdLoss::Hinge(0.0),
                "squared_hinge" => SgdLoss::SquaredHinge,
                "log_loss" => SgdLoss::Log,
                "modified_huber" => SgdLoss::ModifiedHuber,
                "squared_error" => SgdLoss::Squared,
                "huber" => SgdLoss::Huber(self.epsilon),
                "epsilon_insensitive" => SgdLoss::EpsilonInsensitive(self.epsilon),
                "squared_epsilon_insensitive" => SgdLoss::SquaredEpsilonInsensitive(self.epsilon),
                other => return Err(unknown("loss", other)),
            },
            penalty: match self.penalty.as_deref() {
                None => SgdPenalty::None,
                Some("l2") => SgdPenalty::L2,
                Some("l1") => SgdPenalty::L1,
                Some("elasticnet") => SgdPenalty::ElasticNet(self.l1_ratio),
                Some(other) => return Err(unknown("penalty", other)),
            },
            learning_rate: match self.learning_rate.as_str() {
                "constant" => LearningRate::Constant,
                "optimal" => LearningRate::Optimal,
                "invscaling" => LearningRate::InvScaling,
                "adaptive" => LearningRate::Adaptive,
                "pa1" => LearningRate::Pa1,
                "pa2" => LearningRate::Pa2,
                other => return Err(unknown("learning_rate", other)),
            },
            alpha: self.alpha,
            fit_intercept: self.fit_intercept,
            max_iter: self.max_iter,
            tol: self.tol,
            shuffle: self.shuffle,
            eta0: self.eta0,
            power_t: self.power_t,
            n_iter_no_change: self.n_iter_no_change,
            average: self.average,
        })
    }
}

/// Where to go on: from a model, or from coefficients and intercepts.
fn standing(previous: Option<&Model>, start: Option<(Weights, Weights)>) -> Option<SgdStanding> {
    fn of<T: Float>(model: &dyn barehand_learn::Model<T>) -> Option<SgdStanding> {
        let any = model.as_any();
        let classifier = any.downcast_ref::<FittedSgdClassifier<T>>().map(|model| model.standing().clone());
        classifier
            .or_else(|| any.downcast_ref::<FittedSgdRegressor<T>>().map(|model| model.standing().clone()))
    }
    if let Some((Weights(coef), Weights(intercept))) = start {
        return Some(SgdStanding {
            coef: coef.to_vec(),
            intercept: intercept.to_vec(),
            average: None,
            t: 1.0,
        });
    }
    match previous?.any() {
        AnyModel::F32(model) => of(&**model),
        AnyModel::F64(model) => of(&**model),
    }
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn sgd_classifier(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    parameters: SgdParameters,
    classes: i64,
    class_weight: OfClasses,
    held_out: Option<Vec<bool>>,
    seeds: Vec<u32>,
    previous: Option<PyRef<'_, Model>>,
    start: Option<(Weights, Weights)>,
) -> Result<Model> {
    let estimator = SgdClassifier::new()
        .parameters(parameters.get()?)
        .class_weight(class_weight.get()?)
        .held_out(held_out)
        .seeds(seeds);
    let standing = standing(previous.as_deref(), start);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let classes: Vec<i64> = (0..classes).collect();
    let elements = x.elements();
    let model = match &x {
        AnyFeatures::F32(x) => {
            let y = y.get::<f32>();
            let y = y.classes("SGDClassifier")?;
            let go = || estimator.fit_from(x, y, &classes, weights.as_ref(), standing.as_ref());
            AnyModel::F32(Box::new(released(py, elements, go)?))
        }
        AnyFeatures::F64(x) => {
            let y = y.get::<f64>();
            let y = y.classes("SGDClassifier")?;
            let go = || estimator.fit_from(x, y, &classes, weights.as_ref(), standing.as_ref());
            AnyModel::F64(Box::new(released(py, elements, go)?))
        }
    };
    Ok(Model::new(model))
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn sgd_regressor(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    parameters: SgdParameters,
    held_out: Option<Vec<bool>>,
    seed: u32,
    previous: Option<PyRef<'_, Model>>,
    start: Option<(Weights, Weights)>,
) -> Result<Model> {
    let estimator = SgdRegressor::new().parameters(parameters.get()?).held_out(held_out).seed(seed);
    let standing = standing(previous.as_deref(), start);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let elements = x.elements();
    let model = match &x {
        AnyFeatures::F32(x) => {
            let y = y.get::<f32>();
            let y = y.values("SGDRegressor")?;
            let go = || estimator.fit_from(x, y, weights.as_ref(), standing.as_ref());
            AnyModel::F32(Box::new(released(py, elements, go)?))
        }
        AnyFeatures::F64(x) => {
            let y = y.get::<f64>();
            let y = y.values("SGDRegressor")?;
            let go = || estimator.fit_from(x, y, weights.as_ref(), standing.as_ref());
            AnyModel::F64(Box::new(released(py, elements, go)?))
        }
    };
    Ok(Model::new(model))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(elastic_net, module)?)?;
    module.add_function(wrap_pyfunction!(gradient_descent_classifier, module)?)?;
    module.add_function(wrap_pyfunction!(gradient_descent_regressor, module)?)?;
    module.add_function(wrap_pyfunction!(linear_regression, module)?)?;
    module.add_function(wrap_pyfunction!(logistic_regression, module)?)?;
    module.add_function(wrap_pyfunction!(rewritten, module)?)?;
    module.add_function(wrap_pyfunction!(ridge, module)?)?;
    module.add_function(wrap_pyfunction!(ridge_classifier, module)?)?;
    module.add_function(wrap_pyfunction!(sgd_classifier, module)?)?;
    module.add_function(wrap_pyfunction!(sgd_regressor, module)?)
}
