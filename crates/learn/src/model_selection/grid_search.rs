//! Every combination of parameters, scored.

use std::fmt::Debug;

use barehand_tensor::{Float, Result, Tensor};

use super::cross_validation::CrossValidation;
use super::search::{FittedSearch, OnProgress, Possible, Progress, Refit, evaluate, search_options};
use super::splitter::Split;
use crate::dynamic::{Estimator, Features, Model, Target};

/// One parameter and its values: the `i`-th as text, and the estimator with it.
struct Axis<E> {
    name: String,
    values: Vec<String>,
    set: Box<dyn Fn(E, usize) -> E + Send + Sync>,
}

/// Tries every combination of parameters and keeps the best.
///
/// Combinations come in scikit-learn's order: parameters by name, the last one fastest; the first of equals wins. A search is
/// an [`Estimator`] itself, whose model is that of the best: it can be cross-validated. Source: scikit-learn's
/// `GridSearchCV`.
///
/// ```
/// use barehand_learn::model_selection::{CrossValidation, GridSearch, KFold, Scorer};
/// use barehand_learn::preprocessing::StandardScaler;
/// use barehand_learn::{Features, Model, Target};
/// use barehand_tensor::Tensor;
///
/// let x = Features::from(Tensor::from([[1.0], [2.0], [3.0], [5.0f64]]));
/// let largest = |model: &dyn Model<f64>, x: &Features<f64>, _: &Target<f64>| {
///     Ok(model.transform_any(x)?.dense("largest")?.to_vec().into_iter().fold(0.0, f64::max))
/// };
/// let search = GridSearch::new(StandardScaler::new())
///     .over("with_mean", [true, false], |scaler, &yes| scaler.with_mean(yes))
///     .over("with_std", [true, false], |scaler, &yes| scaler.with_std(yes))
///     .cross_validation(CrossValidation::new().cv(KFold::new(2)).score(Scorer::custom("largest", largest)))
///     .fit(&x, &Target::None)?;
/// assert_eq!(search.candidates().len(), 4);
/// assert_eq!(search.best_parameters()[0], ("with_mean".to_string(), "false".to_string()));
/// println!("{search}");
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub struct GridSearch<E, T: Float> {
    estimator: E,
    axes: Vec<Axis<E>>,
    cv: CrossValidation<T>,
    refit: Refit,
    on_progress: OnProgress,
}

impl<E: Estimator<T> + Clone, T: Float> GridSearch<E, T> {
    /// A search that tries this estimator only, until [`GridSearch::over`] adds parameters.
    pub fn new(estimator: E) -> Self {
        GridSearch {
            estimator,
            axes: Vec::new(),
            cv: CrossValidation::new(),
            refit: Refit { by: None, refit: true },
            on_progress: None,
        }
    }

    /// One parameter more to try these values of, `set` by a function of the estimator and a value.
    pub fn over<V: Debug + Send + Sync + 'static>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
        set: impl Fn(E, &V) -> E + Send + Sync + 'static,
    ) -> Self {
        let values: Vec<V> = values.into_iter().collect();
        self.axes.push(Axis {
            name: name.to_owned(),
            values: values.iter().map(|value| format!("{value:?}")).collect(),
            set: Box::new(move |estimator, i| set(estimator, &values[i])),
        });
        self.axes.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }

    search_options!();

    /// Every combination, as scikit-learn's `ParameterGrid` orders them.
    pub(super) fn possible(&self) -> Vec<Possible<E>> {
        let mut all = vec![(Vec::new(), self.estimator.clone())];
        for axis in &self.axes {
            all = all
                .iter()
                .flat_map(|(parameters, estimator)| {
                    axis.values.iter().enumerate().map(move |(i, value)| {
                        let mut parameters = parameters.clone();
                        parameters.push((axis.name.clone(), value.clone()));
                        (parameters, (axis.set)(estimator.clone(), i))
                    })
                })
                .collect();
        }
        all
    }

    pub(super) fn into_parts(self) -> (CrossValidation<T>, Refit, OnProgress) {
        (self.cv, self.refit, self.on_progress)
    }

    /// Tries all of them.
    ///
    /// # Errors
    /// Those of the splitter, of fitting and of scoring; a parameter without values.
    pub fn fit(&self, x: &Features<T>, y: &Target<T>) -> Result<FittedSearch<E, T>> {
        let possible = self.possible();
        let splits: Vec<Split> = self.cv.splits(x, y)?.collect();
        let candidates = evaluate(&possible, &self.cv, &splits, (x, y), &self.on_progress)?;
        let estimators: Vec<E> = possible.into_iter().map(|(_, estimator)| estimator).collect();
        FittedSearch::new(&self.cv, &self.refit, (x, y), candidates, &estimators, |_| true)
    }
}

impl<E: Estimator<T> + Clone, T: Float> Estimator<T> for GridSearch<E, T> {
    fn name(&self) -> &'static str {
        "GridSearch"
    }

    fn takes_weights(&self) -> bool {
        false
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        super::search::best_model("GridSearch", sample_weight, || self.fit(x, y))
    }
}
