//! `barehand.naive_bayes`.

use barehand_learn::models::AnyModel;
use barehand_learn::naive_bayes::{
    BernoulliNB, CategoricalNB, ComplementNB, FittedBernoulliNB, FittedCategoricalNB, FittedComplementNB,
    FittedGaussianNB, FittedMultinomialNB, GaussianNB, MultinomialNB, NaiveBayes,
};
use barehand_learn::{Features, Target};
use barehand_tensor::{Error, Float, Tensor};
use pyo3::prelude::*;

use super::model::Model;
use super::samples::{AnyFeatures, AnyTarget, Weights};
use crate::array;
use crate::error::Result;
use crate::tensor::released;

/// Goes on with the model `previous`, or starts one of classes `0 .. n_classes`.
macro_rules! learn {
    ($py:expr, $fitted:ident, $estimator:expr, $x:expr, $y:expr, $weight:expr, $classes:expr, $previous:expr) => {{
        let weights = $weight.map(|Weights(weights)| weights);
        let classes: Vec<i64> = (0..$classes as i64).collect();
        let elements = $x.elements();
        macro_rules! of_type {
            ($t:ty, $kind:ident, $features:expr) => {{
                let features: Features<$t> = $features;
                let target: Target<$t> = $y.get();
                let mut model: $fitted<$t> = match $previous.as_deref().map(Model::any) {
                    Some(AnyModel::$kind(model)) => model.as_any().downcast_ref::<$fitted<$t>>().cloned(),
                    _ => None,
                }
                .map_or_else(|| $estimator.start(&classes, features.shape()[1]), Ok)?;
                released($py, elements, || {
                    model.partial_fit(&features, target.classes("partial_fit")?, weights.as_ref())
                })?;
                Model::new(AnyModel::$kind(Box::new(model)))
            }};
        }
        let single = match ($previous.as_deref().map(Model::any), &$x) {
            (Some(AnyModel::F32(_)), _) | (None, AnyFeatures::F32(_)) => true,
            _ => false,
        };
        Ok(if single { of_type!(f32, F32, $x.get::<f32>()?) } else { of_type!(f64, F64, $x.get::<f64>()?) })
    }};
}

#[pyfunction]
fn gaussian_nb(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    n_classes: usize,
    priors: Option<Vec<f64>>,
    var_smoothing: f64,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    let mut estimator = GaussianNB::new().var_smoothing(var_smoothing);
    if let Some(priors) = priors {
        estimator = estimator.priors(priors);
    }
    learn!(py, FittedGaussianNB, estimator, x, y, sample_weight, n_classes, previous)
}

/// How counts are smoothed: alpha of each feature or of all, whether it is kept however small, whether priors are counted,
/// and priors.
type Smoothing = (Vec<f64>, bool, bool, Option<Vec<f64>>);

macro_rules! smoothed {
    ($estimator:expr, $smoothing:expr) => {{
        let (alphas, force_alpha, fit_prior, class_prior) = $smoothing;
        let estimator = $estimator.alphas(alphas).force_alpha(force_alpha).fit_prior(fit_prior);
        match class_prior {
            Some(prior) => estimator.class_prior(prior),
            None => estimator,
        }
    }};
}

#[pyfunction]
fn multinomial_nb(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    n_classes: usize,
    smoothing: Smoothing,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    let estimator = smoothed!(MultinomialNB::new(), smoothing);
    learn!(py, FittedMultinomialNB, estimator, x, y, sample_weight, n_classes, previous)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn complement_nb(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    n_classes: usize,
    smoothing: Smoothing,
    norm: bool,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    let estimator = smoothed!(ComplementNB::new().norm(norm), smoothing);
    learn!(py, FittedComplementNB, estimator, x, y, sample_weight, n_classes, previous)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn bernoulli_nb(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    n_classes: usize,
    smoothing: Smoothing,
    binarize: Option<f64>,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    let estimator = smoothed!(BernoulliNB::new().binarize(binarize), smoothing);
    learn!(py, FittedBernoulliNB, estimator, x, y, sample_weight, n_classes, previous)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn categorical_nb(
    py: Python<'_>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    n_classes: usize,
    smoothing: Smoothing,
    min_categories: Vec<usize>,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    let estimator = smoothed!(CategoricalNB::new().min_categories(min_categories), smoothing);
    learn!(py, FittedCategoricalNB, estimator, x, y, sample_weight, n_classes, previous)
}

/// Joint log-likelihoods of rows and classes, or, normalised, log-probabilities.
#[pyfunction]
fn naive_bayes_log<'py>(
    py: Python<'py>,
    model: PyRef<'_, Model>,
    x: AnyFeatures,
    normalised: bool,
) -> Result<Bound<'py, PyAny>> {
    fn of<T: Float>(
        model: &dyn barehand_learn::Model<T>,
        x: &Features<T>,
        normalised: bool,
    ) -> barehand_tensor::Result<Tensor<T>> {
        let any = model.as_any();
        let found: Option<&dyn NaiveBayes<T>> = None
            .or_else(|| any.downcast_ref::<FittedGaussianNB<T>>().map(|m| m as &dyn NaiveBayes<T>))
            .or_else(|| any.downcast_ref::<FittedMultinomialNB<T>>().map(|m| m as &dyn NaiveBayes<T>))
            .or_else(|| any.downcast_ref::<FittedComplementNB<T>>().map(|m| m as &dyn NaiveBayes<T>))
            .or_else(|| any.downcast_ref::<FittedBernoulliNB<T>>().map(|m| m as &dyn NaiveBayes<T>))
            .or_else(|| any.downcast_ref::<FittedCategoricalNB<T>>().map(|m| m as &dyn NaiveBayes<T>));
        match found {
            Some(model) if normalised => model.predict_log_proba(x),
            Some(model) => model.joint_log_likelihood(x),
            None => Err(Error::value(model.name(), "has no joint log-likelihoods")),
        }
    }
    let elements = x.elements();
    let tensor = match model.any() {
        AnyModel::F32(model) => {
            let x = x.get::<f32>()?;
            released(py, elements, || of(model.as_ref(), &x, normalised))?.into()
        }
        AnyModel::F64(model) => {
            let x = x.get::<f64>()?;
            released(py, elements, || of(model.as_ref(), &x, normalised))?.into()
        }
    };
    array::given(py, tensor)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gaussian_nb, module)?)?;
    module.add_function(wrap_pyfunction!(multinomial_nb, module)?)?;
    module.add_function(wrap_pyfunction!(complement_nb, module)?)?;
    module.add_function(wrap_pyfunction!(bernoulli_nb, module)?)?;
    module.add_function(wrap_pyfunction!(categorical_nb, module)?)?;
    module.add_function(wrap_pyfunction!(naive_bayes_log, module)?)
}
