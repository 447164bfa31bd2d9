//! Gradient boosting of values.

use std::any::Any;
use std::marker::PhantomData;

use barehand_tensor::{Error, Float, Result, Tensor};

use super::boosted_trees::{BoostedTrees, boosted_model};
use super::booster::{Samples, boosted};
use super::loss::Loss;
use super::parameters::{Parameters, builder};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::Predict;
use crate::fitting::fits;
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::validate;

/// Predicts values by a sum of trees, each of which corrects those before it.
///
/// ```text
/// r_0 = the best constant;  r_m = r_{m-1} + learning_rate * tree_m(x)
/// ```
///
/// A tree is fitted to the gradients `g` and hessians `h` of the loss at `r_{m-1}`: its leaves hold `-sum g / (sum h + l2)`
/// (medians and quantiles for the absolute and the quantile loss), its splits are those that gain most. Features are put in
/// at most 255 bins first, so that a split is found among sums, not among samples. Missing values (NaN) go to the side where
/// they gain more; categories are split into sets. Features and their order are all that the model knows: they need not be
/// scaled.
///
/// Source: Friedman, "Greedy function approximation: a gradient boosting machine", 2001; Chen and Guestrin, "XGBoost", 2016;
/// scikit-learn's `HistGradientBoostingRegressor`, whose trees these are.
///
/// ```
/// use barehand_learn::{Predict, ensemble::HistGradientBoostingRegressor};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0], [1.0], [2.0], [f64::NAN]]);
/// let y = Tensor::from([1.0, 1.0, 5.0, 7.0]);
/// let model = HistGradientBoostingRegressor::new().min_samples_leaf(1).fit(&x, &y)?;
/// let predicted = model.predict(&x)?.to_vec();
/// assert!((predicted[2] - 5.0).abs() < 1e-3 && (predicted[3] - 7.0).abs() < 1e-3);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HistGradientBoostingRegressor {
    loss: Loss,
    parameters: Parameters,
}

impl Default for HistGradientBoostingRegressor {
    fn default() -> Self {
        HistGradientBoostingRegressor { loss: Loss::SquaredError, parameters: Parameters::default() }
    }
}

impl HistGradientBoostingRegressor {
    const NAME: &'static str = "HistGradientBoostingRegressor";

    /// The squared error, and the defaults of [`Parameters`].
    pub fn new() -> Self {
        Self::default()
    }

    /// What is made small (default: the squared error); every [`Loss`] but the log loss.
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    builder!();

    /// The model of features `(N, D)`, NaN where they are missing, and targets `(N)`.
    ///
    /// # Errors
    /// Parameters out of their ranges, shapes that do not fit, targets that are not finite or that the loss is not defined
    /// for.
    pub fn fit<T: Float>(
        &self,
        x: &Tensor<T>,
        y: &Tensor<T>,
    ) -> Result<FittedHistGradientBoostingRegressor<T>> {
        self.fitted(&x.clone().into(), y, None)
    }

    fn fitted<T: Float>(
        &self,
        x: &Features<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedHistGradientBoostingRegressor<T>> {
        let x = x.dense(Self::NAME)?;
        let (n, _) = validate::matrix(Self::NAME, x)?;
        if y.shape() != [n] {
            let message = format!("expected a target for each of {n} samples, found shape {:?}", y.shape());
            return Err(Error::shape(Self::NAME, message));
        }
        if matches!(self.loss, Loss::LogLoss(_)) {
            return Err(Error::value(Self::NAME, "the log loss is that of a classifier"));
        }
        let weights = match sample_weight {
            Some(_) => Some(validate::weights(Self::NAME, sample_weight, n)?),
            None => None,
        };
        let y = y.to_vec().into_iter().map(barehand_kernels::Real::to_f64).collect();
        let samples = Samples { x: x.clone(), y, weights };
        let (model, train, validation) = boosted(Self::NAME, &self.parameters, self.loss, samples)?;
        FittedHistGradientBoostingRegressor::new(model, train, validation)
    }
}

fits!(HistGradientBoostingRegressor, FittedHistGradientBoostingRegressor, values, fitted());

/// What [`HistGradientBoostingRegressor`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedHistGradientBoostingRegressor<T: Float> {
    model: BoostedTrees,
    train_scores: Vec<f64>,
    validation_scores: Vec<f64>,
    element: PhantomData<T>,
}

impl<T: Float> FittedHistGradientBoostingRegressor<T> {
    /// The model of these trees, and the scores that were kept while they grew.
    ///
    /// # Errors
    /// They are a classifier's.
    pub fn new(model: BoostedTrees, train_scores: Vec<f64>, validation_scores: Vec<f64>) -> Result<Self> {
        if matches!(model.loss, Loss::LogLoss(_)) {
            return Err(Error::value(
                HistGradientBoostingRegressor::NAME,
                "the trees are those of a classifier",
            ));
        }
        Ok(Self { model, train_scores, validation_scores, element: PhantomData })
    }

    /// The predictions `(N)` after each round, the last of which are those of `predict`.
    ///
    /// # Errors
    /// As `predict`.
    pub fn staged_predict(&self, x: &Tensor<T>) -> Result<Vec<Tensor<T>>> {
        let n =
            validate::matrix_of("HistGradientBoostingRegressor::staged_predict", x, self.model.features())?;
        Ok(self.model.staged(x, n, |raw| self.predictions(raw)))
    }

    fn predictions(&self, raw: &[f64]) -> Tensor<T> {
        self.model.values(raw).into_iter().map(T::from_f64).collect::<Vec<T>>().into()
    }
}

boosted_model!(FittedHistGradientBoostingRegressor);

impl<T: Float> Predict<Tensor<T>> for FittedHistGradientBoostingRegressor<T> {
    type Output = Tensor<T>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let n = validate::matrix_of("HistGradientBoostingRegressor::predict", x, self.model.features())?;
        Ok(self.predictions(&self.model.raw(x, n)))
    }
}

impl<T: Float> Persist for FittedHistGradientBoostingRegressor<T> {
    const NAME: &'static str = HistGradientBoostingRegressor::NAME;

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("trees", self.model.to_record())
            .with("n_iter", self.n_iter())
            .with("train_score", Tensor::from(self.train_scores.clone()))
            .with("validation_score", Tensor::from(self.validation_scores.clone()))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let model = BoostedTrees::from_record(record.record("trees")?, None)?;
        Self::new(
            model,
            record.tensor::<f64>("train_score")?.to_vec(),
            record.tensor::<f64>("validation_score")?.to_vec(),
        )
    }
}

impl<T: Float> Model<T> for FittedHistGradientBoostingRegressor<T> {
    fn name(&self) -> &'static str {
        HistGradientBoostingRegressor::NAME
    }

    fn features(&self) -> usize {
        self.model.features()
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Values(self.predict(x.dense(HistGradientBoostingRegressor::NAME)?)?))
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
