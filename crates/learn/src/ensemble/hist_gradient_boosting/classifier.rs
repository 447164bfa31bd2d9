//! Gradient boosting of classes.

use std::any::Any;
use std::marker::PhantomData;

use barehand_tensor::{Error, Float, Result, Tensor};

use super::boosted_trees::{BoostedTrees, boosted_model};
use super::booster::{Samples, boosted};
use super::loss::Loss;
use super::parameters::{Parameters, builder};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{DecisionFunction, Predict, PredictProba};
use crate::fitting::fits;
use crate::model_file::Persist;
use crate::models::{labels, record_of};
use crate::record::Record;
use crate::validate;

/// Tells classes apart by sums of trees, each of which corrects those before it: one sum, the log odds of the larger class,
/// for two classes, else one for each class, of which a softmax makes probabilities.
///
/// How trees are grown is said at
/// [`HistGradientBoostingRegressor`](super::HistGradientBoostingRegressor). Source: scikit-learn's
/// `HistGradientBoostingClassifier`, whose trees these are.
///
/// ```
/// use barehand_learn::{Predict, PredictProba, ensemble::HistGradientBoostingClassifier};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0], [1.0], [2.0], [3.0f64]]);
/// let y = Tensor::from([7i64, 7, -2, 7]);
/// let model = HistGradientBoostingClassifier::new().min_samples_leaf(1).fit(&x, &y)?;
/// assert_eq!(model.classes(), [-2, 7]);
/// assert_eq!(model.predict(&x)?, y);
/// assert!(model.predict_proba(&x)?.to_vec()[4] > 0.99); // of class -2, for the third row
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistGradientBoostingClassifier {
    parameters: Parameters,
}

impl HistGradientBoostingClassifier {
    const NAME: &'static str = "HistGradientBoostingClassifier";

    /// The defaults of [`Parameters`].
    pub fn new() -> Self {
        Self::default()
    }

    builder!();

    /// The model of features `(N, D)`, NaN where they are missing, and class labels `(N)`.
    ///
    /// # Errors
    /// Parameters out of their ranges, or shapes that do not fit.
    pub fn fit<T: Float>(
        &self,
        x: &Tensor<T>,
        y: &Tensor<i64>,
    ) -> Result<FittedHistGradientBoostingClassifier<T>> {
        self.fitted(&x.clone().into(), y, None)
    }

    fn fitted<T: Float>(
        &self,
        x: &Features<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedHistGradientBoostingClassifier<T>> {
        let x = x.dense(Self::NAME)?;
        let (n, _) = validate::matrix(Self::NAME, x)?;
        let (classes, codes) = validate::classes(Self::NAME, y, n)?;
        let weights = match sample_weight {
            Some(_) => Some(validate::weights(Self::NAME, sample_weight, n)?),
            None => None,
        };
        let y = codes.into_iter().map(|code| code as f64).collect();
        let samples = Samples { x: x.clone(), y, weights };
        let loss = Loss::LogLoss(classes.len());
        let (model, train, validation) = boosted(Self::NAME, &self.parameters, loss, samples)?;
        FittedHistGradientBoostingClassifier::new(model, classes, train, validation)
    }
}

fits!(HistGradientBoostingClassifier, FittedHistGradientBoostingClassifier, classes, fitted());

/// What [`HistGradientBoostingClassifier`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedHistGradientBoostingClassifier<T: Float> {
    model: BoostedTrees,
    classes: Vec<i64>,
    train_scores: Vec<f64>,
    validation_scores: Vec<f64>,
    element: PhantomData<T>,
}

impl<T: Float> FittedHistGradientBoostingClassifier<T> {
    /// The model of these trees and ascending classes, and the scores that were kept while the trees grew.
    ///
    /// # Errors
    /// The trees are a regressor's, or those of another number of classes.
    pub fn new(
        model: BoostedTrees,
        classes: Vec<i64>,
        train_scores: Vec<f64>,
        validation_scores: Vec<f64>,
    ) -> Result<Self> {
        if model.loss != Loss::LogLoss(classes.len()) || !classes.is_sorted_by(|a, b| a < b) {
            let message =
                format!("{} classes that do not belong to the trees, or not in order", classes.len());
            return Err(Error::value(HistGradientBoostingClassifier::NAME, message));
        }
        Ok(Self { model, classes, train_scores, validation_scores, element: PhantomData })
    }

    /// The classes in ascending order.
    pub fn classes(&self) -> &[i64] {
        &self.classes
    }

    /// The classes `(N)` after each round, the last of which are those of `predict`.
    ///
    /// # Errors
    /// As `predict`.
    pub fn staged_predict(&self, x: &Tensor<T>) -> Result<Vec<Tensor<i64>>> {
        let n =
            validate::matrix_of("HistGradientBoostingClassifier::staged_predict", x, self.model.features())?;
        Ok(self.model.staged(x, n, |raw| self.labels(raw)))
    }

    fn labels(&self, raw: &[f64]) -> Tensor<i64> {
        let last = self.classes.len() - 1;
        self.model
            .codes(raw)
            .into_iter()
            .map(|code| self.classes[code.min(last)])
            .collect::<Vec<i64>>()
            .into()
    }
}

boosted_model!(FittedHistGradientBoostingClassifier);

impl<T: Float> Predict<Tensor<T>> for FittedHistGradientBoostingClassifier<T> {
    type Output = Tensor<i64>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
        let n = validate::matrix_of("HistGradientBoostingClassifier::predict", x, self.model.features())?;
        Ok(self.labels(&self.model.raw(x, n)))
    }
}

impl<T: Float> PredictProba<Tensor<T>> for FittedHistGradientBoostingClassifier<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let n =
            validate::matrix_of("HistGradientBoostingClassifier::predict_proba", x, self.model.features())?;
        let probabilities = self.model.probabilities(&self.model.raw(x, n));
        let out: Vec<T> = match self.classes.len() {
            1 => vec![T::from_f64(1.0); n],
            _ => probabilities.into_iter().map(T::from_f64).collect(),
        };
        Tensor::from_vec(out, [n, self.classes.len()])
    }
}

impl<T: Float> DecisionFunction<Tensor<T>> for FittedHistGradientBoostingClassifier<T> {
    type Output = Tensor<T>;

    fn decision_function(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let n = validate::matrix_of(
            "HistGradientBoostingClassifier::decision_function",
            x,
            self.model.features(),
        )?;
        let raw: Vec<T> = self.model.raw(x, n).into_iter().map(T::from_f64).collect();
        match self.model.outputs() {
            1 => Ok(raw.into()),
            outputs => Tensor::from_vec(raw, [n, outputs]),
        }
    }
}

impl<T: Float> Persist for FittedHistGradientBoostingClassifier<T> {
    const NAME: &'static str = HistGradientBoostingClassifier::NAME;

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("trees", self.model.to_record())
            .with("classes", labels(&self.classes))
            .with("n_iter", self.n_iter())
            .with("train_score", Tensor::from(self.train_scores.clone()))
            .with("validation_score", Tensor::from(self.validation_scores.clone()))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let classes = record.tensor::<i64>("classes")?.to_vec();
        if classes.is_empty() {
            return Err(record.error("has no classes"));
        }
        let model = BoostedTrees::from_record(record.record("trees")?, Some(classes.len()))?;
        Self::new(
            model,
            classes,
            record.tensor::<f64>("train_score")?.to_vec(),
            record.tensor::<f64>("validation_score")?.to_vec(),
        )
    }
}

impl<T: Float> Model<T> for FittedHistGradientBoostingClassifier<T> {
    fn name(&self) -> &'static str {
        HistGradientBoostingClassifier::NAME
    }

    fn features(&self) -> usize {
        self.model.features()
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Classes(self.predict(x.dense(HistGradientBoostingClassifier::NAME)?)?))
    }

    fn predict_proba_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.predict_proba(x.dense(HistGradientBoostingClassifier::NAME)?)
    }

    fn decision_function_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.decision_function(x.dense(HistGradientBoostingClassifier::NAME)?)
    }

    fn classes(&self) -> Option<&[i64]> {
        Some(&self.classes)
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
