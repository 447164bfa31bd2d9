//! Logistic regression by gradient descent.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::logistic_objective::LogisticObjective;
use super::predictor::{Predictor, read_classes};
use super::samples::{AsSamples, Samples};
use crate::estimator::PredictProba;
use crate::model_file::Persist;
use crate::models::{labels, record_of};
use crate::record::Record;
use crate::validate;

/// Gradient descent as it is taught, for logistic regression: from zeros, `learning_rate` times down the gradient of all
/// samples.
///
/// ```text
/// L = reduction of the cross entropy + l2 |coef|^2 / 2 + l1 |coef|_1;   coef = coef - lr dL/dcoef
/// ```
///
/// One logit for two classes, a softmax for more; intercepts are parameters of their own, in training and prediction alike,
/// and are not penalised. The loss before each step is kept; it is computed from logits, and stays finite where
/// probabilities round to 0 or 1. For work, [`LogisticRegression`](super::LogisticRegression) is exact.
///
/// ```
/// use barehand_learn::{Fit, linear_model::GradientDescentClassifier};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0], [2.0], [3.0f64]]);
/// let model = GradientDescentClassifier::new(0.01, 1000).sum(true).fit(&x, &Tensor::from([0i64, 0, 1]))?;
/// assert!((model.coef().item()? - 1.198_950_450_486_879).abs() < 1e-12);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GradientDescentClassifier {
    learning_rate: f64,
    steps: usize,
    sum: bool,
    l1: f64,
    l2: f64,
    fit_intercept: bool,
}

impl GradientDescentClassifier {
    /// Without a penalty, on the mean of the losses.
    pub fn new(learning_rate: f64, steps: usize) -> Self {
        GradientDescentClassifier { learning_rate, steps, sum: false, l1: 0.0, l2: 0.0, fit_intercept: true }
    }

    /// Whether losses are added up instead of averaged (default: no).
    pub fn sum(mut self, sum: bool) -> Self {
        self.sum = sum;
        self
    }

    /// Strength of the L1 penalty, whose slope at 0 is taken to be 0 (default: 0).
    pub fn l1(mut self, l1: f64) -> Self {
        self.l1 = l1;
        self
    }

    /// Strength of the L2 penalty (default: 0).
    pub fn l2(mut self, l2: f64) -> Self {
        self.l2 = l2;
        self
    }

    /// Whether to fit intercepts (default: yes).
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedGradientDescentClassifier<T>> {
        const OPERATION: &str = "GradientDescentClassifier::fit";
        for (name, value) in [("the step", self.learning_rate), ("l1", self.l1), ("l2", self.l2)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::value(OPERATION, format!("{name} is {value}: 0 or more expected")));
            }
        }
        let (n, d) = samples.shape();
        samples.check_finite(OPERATION)?;
        let (classes, codes) = validate::classes(OPERATION, y, n)?;
        if classes.len() < 2 {
            let message = format!("every sample is of class {}: at least two classes expected", classes[0]);
            return Err(Error::value(OPERATION, message));
        }
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let total = weights.as_ref().map_or(n as f64, |weights| weights.iter().sum());
        let codes: Vec<u32> = codes.iter().map(|&code| code as u32).collect();
        let outputs = if classes.len() == 2 { 1 } else { classes.len() };
        let objective = LogisticObjective {
            samples,
            classes: &codes,
            weights: weights.as_deref(),
            scale: if self.sum { 1.0 } else { 1.0 / total },
            outputs,
            fit_intercept: self.fit_intercept,
            l2: self.l2,
            l2_intercept: 0.0,
        };
        let mut parameters = vec![0.0; objective.parameters()];
        let mut gradient = vec![0.0; objective.parameters()];
        let mut loss_history = Vec::new();
        for _ in 0..self.steps {
            let mut loss = objective.evaluate(&parameters, &mut gradient, None);
            for (w, slope) in parameters.iter().zip(&mut gradient).take(outputs * d) {
                loss += self.l1 * w.abs();
                if *w != 0.0 {
                    *slope += self.l1.copysign(*w);
                }
            }
            if !loss.is_finite() {
                return Err(Error::value(OPERATION, "left the finite numbers: shorter steps expected"));
            }
            loss_history.push(loss);
            parameters.iter_mut().zip(&gradient).for_each(|(w, g)| *w -= self.learning_rate * g);
        }
        if !parameters.iter().all(|value| value.is_finite()) {
            return Err(Error::value(OPERATION, "left the finite numbers: shorter steps expected"));
        }
        let (coef, intercept) = parameters.split_at(outputs * d);
        let intercept = if self.fit_intercept { intercept.to_vec() } else { vec![0.0; outputs] };
        Ok(FittedGradientDescentClassifier {
            predictor: Predictor::new(coef, &intercept)?,
            classes,
            loss_history,
        })
    }
}

classifier!(GradientDescentClassifier, FittedGradientDescentClassifier {
    fn predict_proba_any(&self, x: &crate::Features<T>) -> Result<Tensor<T>> {
        self.predict_proba(x)
    }
});

/// What [`GradientDescentClassifier`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGradientDescentClassifier<T: Float> {
    predictor: Predictor<T>,
    classes: Vec<i64>,
    loss_history: Vec<f64>,
}

impl<T: Float> FittedGradientDescentClassifier<T> {
    /// The loss before each step.
    pub fn loss_history(&self) -> &[f64] {
        &self.loss_history
    }

    /// The labels of two classes: the larger one where its probability is `threshold` or more.
    ///
    /// # Errors
    /// There are more classes; as `predict`.
    pub fn predict_at(&self, x: &impl AsSamples<T>, threshold: f64) -> Result<Tensor<i64>> {
        const OPERATION: &str = "GradientDescentClassifier::predict_at";
        let &[small, large] = &self.classes[..] else {
            let message = format!("takes a threshold between two classes, found {}", self.classes.len());
            return Err(Error::value(OPERATION, message));
        };
        let p = self.predictor.probabilities(OPERATION, x)?.to_vec();
        let label = |p: &[T]| if p[1].to_f64() >= threshold { large } else { small };
        Ok(p.chunks_exact(2).map(label).collect::<Vec<i64>>().into())
    }
}

impl<T: Float, X: AsSamples<T>> PredictProba<X> for FittedGradientDescentClassifier<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &X) -> Result<Tensor<T>> {
        self.predictor.probabilities("GradientDescentClassifier::predict_proba", x)
    }
}

impl<T: Float> Persist for FittedGradientDescentClassifier<T> {
    const NAME: &'static str = "GradientDescentClassifier";

    fn to_record(&self) -> Record {
        self.predictor
            .write(record_of::<T>(Self::NAME))
            .with("classes", labels(&self.classes))
            .with("loss_history", Tensor::from(self.loss_history.clone()))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let predictor = Predictor::read(record)?;
        Ok(FittedGradientDescentClassifier {
            classes: read_classes(record, predictor.outputs())?,
            predictor,
            loss_history: record.tensor::<f64>("loss_history")?.to_vec(),
        })
    }
}
