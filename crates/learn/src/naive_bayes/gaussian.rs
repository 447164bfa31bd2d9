//! Features that are normal within a class.

use std::any::Any;

use barehand_kernels::class_sums::{ClassSum, class_sums};
use barehand_kernels::column_moments::{Moments, column_moments};
use barehand_kernels::diagonal_gaussian::diagonal_gaussian;
use barehand_tensor::{Buffer, Error, Float, Result, Tensor};

use super::{NaiveBayes, ascending, codes, naive_bayes_estimator, naive_bayes_model};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::{labels, record_of};
use crate::record::{Field, Record};
use crate::validate;

/// Naive Bayes with a normal distribution for every class and feature.
///
/// ```text
/// log P(x | c) = -1/2 sum_j [ log(2 pi var_cj) + (x_j - theta_cj)^2 / var_cj ],  var_cj = that of the class + epsilon
/// ```
///
/// where `epsilon` is `var_smoothing` times the largest variance of a feature. Source: scikit-learn's `GaussianNB`.
///
/// ```
/// use barehand_learn::naive_bayes::GaussianNB;
/// use barehand_learn::{Fit, Predict};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0f64]]);
/// let model = GaussianNB::new().fit(&x, &Tensor::from([1i64, 1, 2, 2]))?;
/// assert_eq!(model.predict(&Tensor::from([[-0.8, -1.0]]))?.to_vec(), [1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianNB {
    priors: Option<Vec<f64>>,
    var_smoothing: f64,
}

impl Default for GaussianNB {
    fn default() -> Self {
        GaussianNB { priors: None, var_smoothing: 1e-9 }
    }
}

const FIT: &str = "GaussianNB::fit";
const PREDICT: &str = "GaussianNB::predict";

impl GaussianNB {
    /// With scikit-learn's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prior probabilities of the classes, in ascending order (default: their shares of the samples).
    pub fn priors(mut self, priors: impl Into<Vec<f64>>) -> Self {
        self.priors = Some(priors.into());
        self
    }

    /// What part of the largest variance is added to every variance (default: 1e-9).
    pub fn var_smoothing(mut self, var_smoothing: f64) -> Self {
        self.var_smoothing = var_smoothing;
        self
    }

    /// A model of these classes that has seen nothing, to be told more by `partial_fit`.
    ///
    /// # Errors
    /// Parameters are out of their range.
    pub fn start<T: Float>(&self, classes: &[i64], columns: usize) -> Result<FittedGaussianNB<T>> {
        let classes = ascending(FIT, classes)?;
        if !(self.var_smoothing >= 0.0 && self.var_smoothing.is_finite()) {
            let message = format!("var_smoothing is {}: a number from 0 on expected", self.var_smoothing);
            return Err(Error::value(FIT, message));
        }
        if let Some(priors) = &self.priors {
            if priors.len() != classes.len() {
                return Err(Error::value(FIT, "Number of priors must match number of classes."));
            }
            if !((priors.iter().sum::<f64>() - 1.0).abs() <= 1e-8 + 1e-5) {
                return Err(Error::value(FIT, "The sum of the priors should be 1."));
            }
            if priors.iter().any(|prior| *prior < 0.0) {
                return Err(Error::value(FIT, "Priors must be non-negative."));
            }
        }
        let size = classes.len() * columns;
        let counts = vec![0.0; classes.len()];
        FittedGaussianNB::new(self.clone(), classes, counts, vec![0.0; size], vec![0.0; size], 0.0, columns)
    }
}

naive_bayes_estimator!(GaussianNB, FittedGaussianNB);

/// What [`GaussianNB`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGaussianNB<T: Float> {
    parameters: GaussianNB,
    columns: usize,
    classes: Vec<i64>,
    class_count: Vec<f64>,
    theta: Vec<f64>,
    /// With `epsilon` in it.
    var: Vec<f64>,
    epsilon: f64,
    /// `1 / var`, and the rest of the logarithm.
    precision: Vec<f64>,
    offset: Vec<f64>,
    element: std::marker::PhantomData<T>,
}

impl<T: Float> FittedGaussianNB<T> {
    fn new(
        parameters: GaussianNB,
        classes: Vec<i64>,
        class_count: Vec<f64>,
        theta: Vec<f64>,
        var: Vec<f64>,
        epsilon: f64,
        columns: usize,
    ) -> Result<Self> {
        if columns == 0 {
            return Err(Error::value(FIT, "0 features: at least one expected"));
        }
        let mut fitted = FittedGaussianNB {
            parameters,
            columns,
            classes,
            class_count,
            theta,
            precision: var.iter().map(|var| 1.0 / var).collect(),
            offset: Vec::new(),
            var,
            epsilon,
            element: std::marker::PhantomData,
        };
        let log_normal =
            |var: &[f64]| -0.5 * var.iter().map(|var| (std::f64::consts::TAU * var).ln()).sum::<f64>();
        fitted.offset = fitted
            .class_prior()
            .iter()
            .zip(fitted.var.chunks_exact(columns))
            .map(|(prior, var)| prior.ln() + log_normal(var))
            .collect();
        Ok(fitted)
    }

    /// Learns from more samples, as if they had been among the first; `epsilon` becomes that of these samples.
    ///
    /// # Errors
    /// Features, labels or weights of the wrong kind or shape; a label that is not among the classes.
    pub fn partial_fit(
        &mut self,
        x: &Features<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<()> {
        let x = x.dense(FIT)?;
        let n = validate::matrix_of(FIT, x, self.columns)?;
        validate::finite(FIT, x)?;
        let codes = codes(FIT, &self.classes, y, n)?;
        let weights = sample_weight.map(|_| validate::weights(FIT, sample_weight, n)).transpose()?;
        let (weights, x) = (weights.as_deref(), x.contiguous());
        let rows = x.as_slice().unwrap_or_default();
        let (d, classes) = (self.columns, self.classes.len());
        let all = column_moments(rows, d, None);
        let largest = all.squares.iter().fold(0.0, |largest: f64, squares| largest.max(squares / n as f64));
        let epsilon = self.parameters.var_smoothing * largest;

        let mut counts = vec![0.0; classes];
        for (i, &code) in codes.iter().enumerate() {
            counts[code as usize] += weights.map_or(1.0, |weights| weights[i]);
        }
        let mut means = class_sums(ClassSum::Values, rows, d, &codes, classes, weights);
        for (means, count) in means.chunks_exact_mut(d).zip(&counts) {
            means.iter_mut().for_each(|sum| *sum = if *count > 0.0 { *sum / count } else { 0.0 });
        }
        let squares = class_sums(ClassSum::Squares(&means), rows, d, &codes, classes, weights);
        let (mut theta, mut var) = (Vec::with_capacity(means.len()), Vec::with_capacity(means.len()));
        for k in 0..classes {
            let range = k * d..(k + 1) * d;
            let before = self.class_count[k];
            let mut known = Moments {
                count: vec![before; d],
                mean: self.theta[range.clone()].to_vec(),
                squares: self.var[range.clone()].iter().map(|var| (var - self.epsilon) * before).collect(),
            };
            known.merge(&Moments {
                count: vec![counts[k]; d],
                mean: means[range.clone()].to_vec(),
                squares: squares[range].to_vec(),
            });
            counts[k] += before;
            theta.extend(known.mean);
            let count = counts[k];
            var.extend(
                known.squares.iter().map(|squares| epsilon + if count > 0.0 { squares / count } else { 0.0 }),
            );
        }
        *self = Self::new(
            self.parameters.clone(),
            self.classes.clone(),
            counts,
            theta,
            var,
            epsilon,
            self.columns,
        )?;
        Ok(())
    }

    fn columns(&self) -> usize {
        self.columns
    }

    /// How many samples each class has, or what weight of them.
    pub fn class_count(&self) -> &[f64] {
        &self.class_count
    }

    /// Prior probability of each class.
    pub fn class_prior(&self) -> Vec<f64> {
        if let Some(priors) = &self.parameters.priors {
            return priors.clone();
        }
        let total: f64 = self.class_count.iter().sum();
        self.class_count.iter().map(|count| count / total).collect()
    }

    /// Mean of each feature in each class, `(classes, D)` row by row.
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }

    /// Variance of each feature in each class, `(classes, D)` row by row, `epsilon` included.
    pub fn var(&self) -> &[f64] {
        &self.var
    }

    /// What was added to the variances.
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }
}

impl<T: Float> NaiveBayes<T> for FittedGaussianNB<T> {
    fn class_labels(&self) -> &[i64] {
        &self.classes
    }

    fn joint_log_likelihood(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let x = x.dense(PREDICT)?;
        let n = validate::matrix_of(PREDICT, x, self.columns)?;
        validate::finite(PREDICT, x)?;
        let x = x.contiguous();
        let classes = self.classes.len();
        let mut out = Buffer::scratch(n * classes);
        let rows = x.as_slice().unwrap_or_default();
        diagonal_gaussian(rows, self.columns, &self.theta, &self.precision, &self.offset, &mut out);
        Tensor::from_strided(out, &[n, classes], &[classes, 1])
    }
}

naive_bayes_model!(FittedGaussianNB);

impl<T: Float> Persist for FittedGaussianNB<T> {
    const NAME: &'static str = "GaussianNB";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("priors", self.parameters.priors.as_deref())
            .with("var_smoothing", self.parameters.var_smoothing)
            .with("columns", self.columns)
            .with("classes", labels(&self.classes))
            .with("class_count", Field::from(&self.class_count[..]))
            .with("class_prior", Field::from(&self.class_prior()[..]))
            .with("theta", super::counts::table(&self.theta, self.columns))
            .with("var", super::counts::table(&self.var, self.columns))
            .with("epsilon", self.epsilon)
    }

    fn from_record(record: &Record) -> Result<Self> {
        let (classes, columns) = super::counts::frame(record)?;
        let priors = match record.is_set("priors") {
            true => Some(record.tensor_of::<f64>("priors", &[classes.len()])?.to_vec()),
            false => None,
        };
        let parameters = GaussianNB { priors, var_smoothing: record.float("var_smoothing")? };
        let counts = record.tensor_of::<f64>("class_count", &[classes.len()])?.to_vec();
        let table = |name: &str| Ok(record.tensor_of::<f64>(name, &[classes.len(), columns])?.to_vec());
        let (theta, var) = (table("theta")?, table("var")?);
        Self::new(parameters, classes, counts, theta, var, record.float("epsilon")?, columns)
    }
}
