//! Estimators one after another, as one.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::dynamic::{Estimator, Features, Model, Prediction, Target};
use crate::estimator::{DecisionFunction, Fit, InverseTransform, Predict, PredictProba, Transform};
use crate::model_file::Persist;
use crate::models::{model, record_of};
use crate::record::{Field, Record};

/// Named steps: all but the last transform the features for the next one, the last does what it can.
///
/// Weights of samples go to the steps that take them. Source: scikit-learn's `Pipeline`.
///
/// ```
/// use barehand_learn::naive_bayes::GaussianNB;
/// use barehand_learn::pipeline::Pipeline;
/// use barehand_learn::preprocessing::StandardScaler;
/// use barehand_learn::{Persist, Predict, pipeline::FittedPipeline};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 200.0], [2.0, 100.0], [8.0, 150.0], [9.0, 250.0f64]]);
/// let y = Tensor::from([0i64, 0, 1, 1]);
/// let pipeline = Pipeline::new().step("scale", StandardScaler::new()).step("model", GaussianNB::new());
/// let model = pipeline.fit(&x, &y)?;
/// assert_eq!(model.predict(&x)?.classes("y")?.to_vec(), [0, 0, 1, 1]);
///
/// let same = FittedPipeline::<f64>::from_bytes(&model.to_bytes()?)?; // all steps are in one file
/// assert_eq!(same.step("model").unwrap().name(), "GaussianNB");
/// assert_eq!(same.predict(&x)?, model.predict(&x)?);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub struct Pipeline<T: Float> {
    steps: Vec<(String, Box<dyn Estimator<T>>)>,
}

impl<T: Float> Default for Pipeline<T> {
    fn default() -> Self {
        Pipeline { steps: Vec::new() }
    }
}

impl<T: Float> fmt::Debug for Pipeline<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps.iter().map(|(name, step)| (name, step.name()))).finish()
    }
}

const FIT: &str = "Pipeline::fit";

/// A pipeline whose steps are called as their estimators in small letters, with `-1`, `-2`, ... where one comes twice.
///
/// ```
/// use barehand_learn::pipeline::make_pipeline;
/// use barehand_learn::preprocessing::{MaxAbsScaler, StandardScaler};
///
/// let pipeline = make_pipeline::<f64>(vec![
///     Box::new(StandardScaler::new()),
///     Box::new(MaxAbsScaler::new()),
///     Box::new(StandardScaler::new()),
/// ]);
/// assert_eq!(pipeline.names(), ["standardscaler-1", "maxabsscaler", "standardscaler-2"]);
/// ```
pub fn make_pipeline<T: Float>(estimators: Vec<Box<dyn Estimator<T>>>) -> Pipeline<T> {
    let names: Vec<String> = estimators.iter().map(|step| step.name().to_lowercase()).collect();
    let count = |name: &String, among: &[String]| among.iter().filter(|other| *other == name).count();
    let numbered = (0..names.len()).map(|i| match count(&names[i], &names) {
        1 => names[i].clone(),
        _ => format!("{}-{}", names[i], count(&names[i], &names[..=i])),
    });
    Pipeline { steps: numbered.zip(estimators).collect() }
}

impl<T: Float> Pipeline<T> {
    /// Without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one step more, at the end.
    pub fn step(mut self, name: impl Into<String>, estimator: impl Estimator<T> + 'static) -> Self {
        self.steps.push((name.into(), Box::new(estimator)));
        self
    }

    /// The names of the steps.
    pub fn names(&self) -> Vec<&str> {
        self.steps.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The model of features `x`, dense or sparse, and targets `y`, with weights of samples for the steps that take them.
    ///
    /// # Errors
    /// There are no steps, two of one name, or a name is empty or holds `__`; a step refuses what it is given; there are
    /// weights and no step takes them.
    pub fn fit_features(
        &self,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedPipeline<T>> {
        check_names(&self.names()).map_err(|message| Error::value(FIT, message))?;
        if sample_weight.is_some() && !self.takes_weights() {
            return Err(Error::value(FIT, "there are weights of samples, and none of the steps takes them"));
        }
        let mut x = Cow::Borrowed(x);
        let mut steps: Vec<(String, Box<dyn Model<T>>)> = Vec::with_capacity(self.steps.len());
        for (i, (name, step)) in self.steps.iter().enumerate() {
            let fitted = step.fit_any(&x, y, sample_weight.filter(|_| step.takes_weights()))?;
            if i + 1 < self.steps.len() {
                x = Cow::Owned(fitted.transform_any(&x)?);
            }
            steps.push((name.clone(), fitted));
        }
        Ok(FittedPipeline { steps })
    }

    /// The model of features `(N, D)` and targets: class labels, values, or `()`.
    ///
    /// # Errors
    /// As [`fit_features`](Self::fit_features).
    pub fn fit<Y>(&self, x: &Tensor<T>, y: &Y) -> Result<FittedPipeline<T>>
    where
        Self: Fit<Tensor<T>, Y, Fitted = FittedPipeline<T>>,
    {
        Fit::fit(self, x, y)
    }
}

fn check_names(names: &[&str]) -> std::result::Result<(), String> {
    if names.is_empty() {
        return Err("The pipeline is empty. Please add steps.".into());
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() || name.contains("__") {
            return Err(format!("step {name:?}: a name without \"__\" expected"));
        }
        if names[..i].contains(name) {
            return Err(format!("two steps are called {name:?}"));
        }
    }
    Ok(())
}

macro_rules! fit {
    ($($t:ty),*) => { $(
        impl Fit<Tensor<$t>, ()> for Pipeline<$t> {
            type Fitted = FittedPipeline<$t>;

            fn fit(&self, x: &Tensor<$t>, (): &()) -> Result<Self::Fitted> {
                self.fit_features(&x.clone().into(), &Target::None, None)
            }
        }

        impl Fit<Tensor<$t>, Tensor<i64>> for Pipeline<$t> {
            type Fitted = FittedPipeline<$t>;

            fn fit(&self, x: &Tensor<$t>, y: &Tensor<i64>) -> Result<Self::Fitted> {
                self.fit_features(&x.clone().into(), &Target::Classes(y.clone()), None)
            }
        }

        impl Fit<Tensor<$t>, Tensor<$t>> for Pipeline<$t> {
            type Fitted = FittedPipeline<$t>;

            fn fit(&self, x: &Tensor<$t>, y: &Tensor<$t>) -> Result<Self::Fitted> {
                self.fit_features(&x.clone().into(), &Target::Values(y.clone()), None)
            }
        }
    )* };
}
fit!(f32, f64);

impl<T: Float> Estimator<T> for Pipeline<T> {
    fn name(&self) -> &'static str {
        "Pipeline"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        Ok(Box::new(self.fit_features(x, y, sample_weight)?))
    }

    fn takes_weights(&self) -> bool {
        self.steps.iter().any(|(_, step)| step.takes_weights())
    }
}

/// The fitted steps.
pub struct FittedPipeline<T: Float> {
    steps: Vec<(String, Box<dyn Model<T>>)>,
}

impl<T: Float> fmt::Debug for FittedPipeline<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps.iter().map(|(name, step)| (name, step.name()))).finish()
    }
}

impl<T: Float> FittedPipeline<T> {
    /// The pipeline of models that were fitted one on what the other made.
    ///
    /// # Errors
    /// There are none, or two of one name, or a name is empty or holds `__`.
    pub fn of(steps: Vec<(String, Box<dyn Model<T>>)>) -> Result<Self> {
        let names: Vec<&str> = steps.iter().map(|(name, _)| name.as_str()).collect();
        check_names(&names).map_err(|message| Error::value("FittedPipeline::of", message))?;
        Ok(FittedPipeline { steps })
    }

    /// The names of the steps.
    pub fn names(&self) -> Vec<&str> {
        self.steps.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The model of this name.
    pub fn step(&self, name: &str) -> Option<&dyn Model<T>> {
        self.steps.iter().find(|(other, _)| other == name).map(|(_, step)| step.as_ref())
    }

    /// The last step.
    fn last(&self) -> &dyn Model<T> {
        self.steps[self.steps.len() - 1].1.as_ref()
    }

    /// What the last step sees of `x`.
    fn before_last<'a>(&self, x: &'a Features<T>) -> Result<Cow<'a, Features<T>>> {
        let mut x = Cow::Borrowed(x);
        for (_, step) in &self.steps[..self.steps.len() - 1] {
            x = Cow::Owned(step.transform_any(&x)?);
        }
        Ok(x)
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedPipeline<T> {
    type Output = Prediction<T>;

    fn predict(&self, x: &Tensor<T>) -> Result<Prediction<T>> {
        self.predict_any(&x.clone().into())
    }
}

impl<T: Float> PredictProba<Tensor<T>> for FittedPipeline<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.predict_proba_any(&x.clone().into())
    }
}

impl<T: Float> DecisionFunction<Tensor<T>> for FittedPipeline<T> {
    type Output = Tensor<T>;

    fn decision_function(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.decision_function_any(&x.clone().into())
    }
}

impl<T: Float> Transform<Tensor<T>> for FittedPipeline<T> {
    type Output = Features<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Features<T>> {
        self.transform_any(&x.clone().into())
    }
}

impl<T: Float> InverseTransform<Tensor<T>> for FittedPipeline<T> {
    type Output = Features<T>;

    fn inverse_transform(&self, x: &Tensor<T>) -> Result<Features<T>> {
        self.inverse_transform_any(&x.clone().into())
    }
}

impl<T: Float> Model<T> for FittedPipeline<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.steps[0].1.features()
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        self.last().predict_any(&*self.before_last(x)?)
    }

    fn predict_proba_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.last().predict_proba_any(&*self.before_last(x)?)
    }

    fn decision_function_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.last().decision_function_any(&*self.before_last(x)?)
    }

    fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        self.last().transform_any(&*self.before_last(x)?)
    }

    fn inverse_transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        let mut x = Cow::Borrowed(x);
        for (_, step) in self.steps.iter().rev() {
            x = Cow::Owned(step.inverse_transform_any(&x)?);
        }
        Ok(x.into_owned())
    }

    fn classes(&self) -> Option<&[i64]> {
        self.last().classes()
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<T: Float> Persist for FittedPipeline<T> {
    const NAME: &'static str = "Pipeline";

    fn to_record(&self) -> Record {
        let names: Vec<Field> = self.names().into_iter().map(Field::from).collect();
        let steps: Vec<Record> = self.steps.iter().map(|(_, step)| step.record()).collect();
        record_of::<T>(Self::NAME).with("names", names).with("steps", steps)
    }

    fn from_record(record: &Record) -> Result<Self> {
        let Field::List(names) = record.field("names")? else {
            return Err(record.error("field \"names\" is no list"));
        };
        let name = |field: &Field| match field {
            Field::Text(name) => Ok(name.clone()),
            _ => Err(record.error("field \"names\" holds something else than text")),
        };
        let names = names.iter().map(name).collect::<Result<Vec<String>>>()?;
        let steps = record.records("steps")?;
        if names.len() != steps.len() {
            return Err(record.error(format!("{} names for {} steps", names.len(), steps.len())));
        }
        let steps = steps.into_iter().map(model::<T>).collect::<Result<Vec<_>>>()?;
        check_names(&names.iter().map(String::as_str).collect::<Vec<_>>())
            .map_err(|message| record.error(message))?;
        Ok(FittedPipeline { steps: names.into_iter().zip(steps).collect() })
    }
}
