//! How good a model is: scikit-learn's scores by their names, larger is better.

use std::fmt;
use std::str::FromStr;

use barehand_metrics::{Accuracy, Average, BalancedAccuracy, LogLoss, PrecisionRecall, TopKAccuracy};
use barehand_tensor::{Error, Float, Result, Tensor};

use crate::dynamic::{Features, Model, Prediction, Target};

/// Says how good a model is on samples; more is better.
///
/// [`Scorer`] has scikit-learn's scores; a closure wrapped by [`Scorer::custom`] is one too.
pub trait Score<T: Float>: Send + Sync {
    /// What it is called in tables.
    fn name(&self) -> &str;

    /// The score of a model on these samples.
    ///
    /// # Errors
    /// The model does not give what the score is made of, or the score is not defined.
    fn score(
        &self,
        model: &dyn Model<T>,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<f64>;
}

/// scikit-learn's scores, by its names: `"accuracy".parse()`.
///
/// `F1`, `Precision` and `Recall` are those of class 1 of two classes; with an average they take any number of classes.
/// Losses are negative, so that more is better.
///
/// ```
/// use barehand_learn::model_selection::Scorer;
///
/// assert_eq!("neg_log_loss".parse::<Scorer>()?, Scorer::NegLogLoss);
/// assert_eq!(Scorer::F1Macro.to_string(), "f1_macro");
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scorer {
    /// What the kind of the targets suggests: accuracy for classes, the coefficient of determination for values.
    #[default]
    Default,
    /// The share of right predictions.
    Accuracy,
    /// The mean recall over classes.
    BalancedAccuracy,
    /// F1 of class 1.
    F1,
    /// F1 of all samples as one.
    F1Micro,
    /// The mean of the classes' F1.
    F1Macro,
    /// The mean of the classes' F1, weighted by their samples.
    F1Weighted,
    /// Precision of class 1.
    Precision,
    /// Precision of all samples as one.
    PrecisionMicro,
    /// The mean of the classes' precision.
    PrecisionMacro,
    /// The mean of the classes' precision, weighted by their samples.
    PrecisionWeighted,
    /// Recall of class 1.
    Recall,
    /// Recall of all samples as one.
    RecallMicro,
    /// The mean of the classes' recall.
    RecallMacro,
    /// The mean of the classes' recall, weighted by their samples.
    RecallWeighted,
    /// The share of samples whose class is among the two most probable.
    TopKAccuracy,
    /// The logarithm of the probability of the right class, averaged.
    NegLogLoss,
    /// The coefficient of determination.
    R2,
    /// The mean squared error, negative.
    NegMeanSquaredError,
    /// Its square root, negative.
    NegRootMeanSquaredError,
    /// The mean absolute error, negative.
    NegMeanAbsoluteError,
    /// The largest error, negative.
    NegMaxError,
}

/// Each with its name.
const NAMES: [(Scorer, &str); 22] = [
    (Scorer::Default, "score"),
    (Scorer::Accuracy, "accuracy"),
    (Scorer::BalancedAccuracy, "balanced_accuracy"),
    (Scorer::F1, "f1"),
    (Scorer::F1Micro, "f1_micro"),
    (Scorer::F1Macro, "f1_macro"),
    (Scorer::F1Weighted, "f1_weighted"),
    (Scorer::Precision, "precision"),
    (Scorer::PrecisionMicro, "precision_micro"),
    (Scorer::PrecisionMacro, "precision_macro"),
    (Scorer::PrecisionWeighted, "precision_weighted"),
    (Scorer::Recall, "recall"),
    (Scorer::RecallMicro, "recall_micro"),
    (Scorer::RecallMacro, "recall_macro"),
    (Scorer::RecallWeighted, "recall_weighted"),
    (Scorer::TopKAccuracy, "top_k_accuracy"),
    (Scorer::NegLogLoss, "neg_log_loss"),
    (Scorer::R2, "r2"),
    (Scorer::NegMeanSquaredError, "neg_mean_squared_error"),
    (Scorer::NegRootMeanSquaredError, "neg_root_mean_squared_error"),
    (Scorer::NegMeanAbsoluteError, "neg_mean_absolute_error"),
    (Scorer::NegMaxError, "neg_max_error"),
];

impl Scorer {
    /// A score of one's own.
    ///
    /// ```
    /// use barehand_learn::model_selection::{Score, Scorer};
    /// use barehand_learn::{Features, Model, Target};
    ///
    /// let columns = Scorer::custom("columns", |model: &dyn Model<f64>, _: &Features<f64>, _: &Target<f64>| {
    ///     Ok(model.features() as f64)
    /// });
    /// assert_eq!(columns.name(), "columns");
    /// ```
    pub fn custom<T: Float>(
        name: impl Into<String>,
        score: impl Fn(&dyn Model<T>, &Features<T>, &Target<T>) -> Result<f64> + Send + Sync,
    ) -> impl Score<T> {
        Custom { name: name.into(), score }
    }

    fn text(self) -> &'static str {
        NAMES.iter().find(|(scorer, _)| *scorer == self).map_or("score", |(_, name)| name)
    }
}

impl fmt::Display for Scorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for Scorer {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(scorer, _)| *scorer).ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
            Error::value("Scorer", format!("{name:?} is none of {}", known.join(", ")))
        })
    }
}

struct Custom<F> {
    name: String,
    score: F,
}

impl<T: Float, F> Score<T> for Custom<F>
where
    F: Fn(&dyn Model<T>, &Features<T>, &Target<T>) -> Result<f64> + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn score(
        &self,
        model: &dyn Model<T>,
        x: &Features<T>,
        y: &Target<T>,
        _: Option<&Tensor<f64>>,
    ) -> Result<f64> {
        (self.score)(model, x, y)
    }
}

/// Predicted labels.
fn labels<T: Float>(model: &dyn Model<T>, x: &Features<T>, operation: &str) -> Result<Tensor<i64>> {
    match model.predict_any(x)? {
        Prediction::Classes(labels) => Ok(labels),
        Prediction::Values(_) => {
            Err(Error::value(operation, format!("{} predicts no classes", model.name())))
        }
    }
}

/// Predicted values.
fn values<T: Float>(model: &dyn Model<T>, x: &Features<T>, operation: &str) -> Result<Tensor<T>> {
    match model.predict_any(x)? {
        Prediction::Values(values) => Ok(values),
        Prediction::Classes(_) => {
            Err(Error::value(operation, format!("{} predicts no values", model.name())))
        }
    }
}

/// Errors of several outputs, a column each: `score(true, predicted, weights)` is averaged over them.
fn mean_over_outputs<T: Float>(
    operation: &str,
    y_true: &Tensor<T>,
    y_pred: &Tensor<T>,
    sample_weight: Option<&Tensor<f64>>,
    score: impl Fn(&[f64], &[f64], &[f64]) -> f64,
) -> Result<f64> {
    let n = y_true.shape().first().copied().unwrap_or(0);
    let outputs = y_true.len() / n.max(1);
    if n == 0 || y_pred.len() != y_true.len() || y_pred.shape().first() != Some(&n) {
        let message = format!("targets of shape {:?}, predictions {:?}", y_true.shape(), y_pred.shape());
        return Err(Error::shape(operation, message));
    }
    let weights = crate::validate::weights(operation, sample_weight, n)?;
    let column = |tensor: &[T], output: usize| -> Vec<f64> {
        tensor.iter().skip(output).step_by(outputs).map(|value| value.to_f64()).collect()
    };
    let (y_true, y_pred) = (y_true.to_vec(), y_pred.to_vec());
    let sum: f64 =
        (0..outputs).map(|output| score(&column(&y_true, output), &column(&y_pred, output), &weights)).sum();
    Ok(sum / outputs as f64)
}

fn weighted_mean(weights: &[f64], values: impl Iterator<Item = f64>) -> f64 {
    let sum: f64 = weights.iter().zip(values).map(|(weight, value)| weight * value).sum();
    sum / weights.iter().sum::<f64>()
}

fn squared_error(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> f64 {
    weighted_mean(weights, y_true.iter().zip(y_pred).map(|(t, p)| (t - p).powi(2)))
}

fn r2(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> f64 {
    if y_true.len() < 2 {
        return f64::NAN;
    }
    let mean = weighted_mean(weights, y_true.iter().copied());
    let spread = weighted_mean(weights, y_true.iter().map(|t| (t - mean).powi(2)));
    let residual = squared_error(y_true, y_pred, weights);
    match (spread == 0.0, residual == 0.0) {
        (true, true) => 1.0,
        (true, false) => 0.0,
        _ => 1.0 - residual / spread,
    }
}

impl<T: Float> Score<T> for Scorer {
    fn name(&self) -> &str {
        self.text()
    }

    fn score(
        &self,
        model: &dyn Model<T>,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<f64> {
        let name = self.text();
        let averaged = |average| {
            let mut options = PrecisionRecall::new();
            if let Some(weights) = sample_weight {
                options = options.sample_weight(weights);
            }
            options.average(y.classes(name)?, &labels(model, x, name)?, average)
        };
        let errors = |score: fn(&[f64], &[f64], &[f64]) -> f64| {
            mean_over_outputs(name, y.values(name)?, &values(model, x, name)?, sample_weight, score)
        };
        let binary = Average::Binary { pos_label: 1 };
        match self {
            Scorer::Default => match y {
                Target::Classes(_) => Scorer::Accuracy.score(model, x, y, sample_weight),
                Target::Values(_) => Scorer::R2.score(model, x, y, sample_weight),
                Target::None => Err(Error::value(name, "without targets a score must be named")),
            },
            Scorer::Accuracy => {
                let mut options = Accuracy::new();
                if let Some(weights) = sample_weight {
                    options = options.sample_weight(weights);
                }
                options.score(y.classes(name)?, &labels(model, x, name)?)
            }
            Scorer::BalancedAccuracy => {
                let mut options = BalancedAccuracy::new();
                if let Some(weights) = sample_weight {
                    options = options.sample_weight(weights);
                }
                options.score(y.classes(name)?, &labels(model, x, name)?)
            }
            Scorer::F1 => Ok(averaged(binary)?.f_beta),
            Scorer::F1Micro => Ok(averaged(Average::Micro)?.f_beta),
            Scorer::F1Macro => Ok(averaged(Average::Macro)?.f_beta),
            Scorer::F1Weighted => Ok(averaged(Average::Weighted)?.f_beta),
            Scorer::Precision => Ok(averaged(binary)?.precision),
            Scorer::PrecisionMicro => Ok(averaged(Average::Micro)?.precision),
            Scorer::PrecisionMacro => Ok(averaged(Average::Macro)?.precision),
            Scorer::PrecisionWeighted => Ok(averaged(Average::Weighted)?.precision),
            Scorer::Recall => Ok(averaged(binary)?.recall),
            Scorer::RecallMicro => Ok(averaged(Average::Micro)?.recall),
            Scorer::RecallMacro => Ok(averaged(Average::Macro)?.recall),
            Scorer::RecallWeighted => Ok(averaged(Average::Weighted)?.recall),
            Scorer::TopKAccuracy => {
                let scores = model.decision_function_any(x).or_else(|_| model.predict_proba_any(x))?;
                let classes = model.classes().unwrap_or_default();
                let mut options = TopKAccuracy::new(2).labels(classes);
                if let Some(weights) = sample_weight {
                    options = options.sample_weight(weights);
                }
                options.score(y.classes(name)?, &scores)
            }
            Scorer::NegLogLoss => {
                let probabilities = model.predict_proba_any(x)?;
                let classes = model.classes().unwrap_or_default();
                let mut options = LogLoss::new().labels(classes);
                if let Some(weights) = sample_weight {
                    options = options.sample_weight(weights);
                }
                Ok(-options.score(y.classes(name)?, &probabilities)?)
            }
            Scorer::R2 => errors(r2),
            Scorer::NegMeanSquaredError => Ok(-errors(squared_error)?),
            Scorer::NegRootMeanSquaredError => Ok(-errors(|t, p, w| squared_error(t, p, w).sqrt())?),
            Scorer::NegMeanAbsoluteError => {
                Ok(-errors(|t, p, w| weighted_mean(w, t.iter().zip(p).map(|(t, p)| (t - p).abs())))?)
            }
            Scorer::NegMaxError => {
                Ok(-errors(|t, p, _| t.iter().zip(p).map(|(t, p)| (t - p).abs()).fold(0.0, f64::max))?)
            }
        }
    }
}
