//! What the naive Bayes models of counts share: how often what occurred in which class, and how that is smoothed.

use barehand_kernels::class_sums::{ClassSum, class_sums};
use barehand_kernels::gemm::{Matrix, MatrixMut};
use barehand_tensor::{AnyTensor, Buffer, Error, Float, Result, Tensor};

use super::{ascending, codes};
use crate::dynamic::Features;
use crate::models::labels;
use crate::record::{Field, Record};
use crate::validate;

/// Added to counts below this, unless it is forced.
const LEAST_ALPHA: f64 = 1e-10;

/// How counts become probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoothing {
    pub(super) alpha: Vec<f64>,
    pub(super) force_alpha: bool,
    pub(super) fit_prior: bool,
    pub(super) class_prior: Option<Vec<f64>>,
}

impl Default for Smoothing {
    fn default() -> Self {
        Smoothing { alpha: vec![1.0], force_alpha: true, fit_prior: true, class_prior: None }
    }
}

impl Smoothing {
    /// What is added to the counts of each of `columns` features.
    pub(super) fn alphas(&self, operation: &str, columns: usize) -> Result<Vec<f64>> {
        if self.alpha.len() != 1 && self.alpha.len() != columns {
            let message = format!("alpha has {} elements for {columns} features", self.alpha.len());
            return Err(Error::value(operation, message));
        }
        if let Some(alpha) = self.alpha.iter().find(|alpha| !(**alpha >= 0.0 && alpha.is_finite())) {
            return Err(Error::value(operation, format!("alpha is {alpha}: a number from 0 on expected")));
        }
        let alpha = |j: usize| self.alpha[j % self.alpha.len()];
        let floor = if self.force_alpha { 0.0 } else { LEAST_ALPHA };
        Ok((0..columns).map(|j| alpha(j).max(floor)).collect())
    }

    fn check(&self, operation: &str, classes: usize, columns: usize) -> Result<()> {
        self.alphas(operation, columns)?;
        let Some(prior) = &self.class_prior else { return Ok(()) };
        if prior.len() != classes {
            return Err(Error::value(operation, "Number of priors must match number of classes."));
        }
        match prior.iter().find(|prior| !(**prior >= 0.0 && prior.is_finite())) {
            Some(prior) => Err(Error::value(operation, format!("a prior is {prior}: from 0 to 1 expected"))),
            None => Ok(()),
        }
    }

    pub(super) fn write(&self, record: Record) -> Record {
        record
            .with("alpha", Field::from(&self.alpha[..]))
            .with("force_alpha", self.force_alpha)
            .with("fit_prior", self.fit_prior)
            .with("class_prior", self.class_prior.as_deref())
    }

    pub(super) fn read(record: &Record) -> Result<Smoothing> {
        let alpha = record.tensor::<f64>("alpha")?.to_vec();
        if alpha.is_empty() {
            return Err(record.error("its alpha is empty"));
        }
        let class_prior = match record.is_set("class_prior") {
            true => Some(record.tensor::<f64>("class_prior")?.to_vec()),
            false => None,
        };
        let (force_alpha, fit_prior) = (record.bool("force_alpha")?, record.bool("fit_prior")?);
        Ok(Smoothing { alpha, force_alpha, fit_prior, class_prior })
    }
}

/// The builder's methods that every model of counts has.
macro_rules! smoothing_parameters {
    ($estimator:ident) => {
        impl $estimator {
            /// With scikit-learn's defaults.
            pub fn new() -> Self {
                Self::default()
            }

            /// What is added to every count (default: 1; 0 for no smoothing).
            pub fn alpha(self, alpha: f64) -> Self {
                self.alphas([alpha])
            }

            /// What is added to the counts of each feature.
            pub fn alphas(mut self, alphas: impl Into<Vec<f64>>) -> Self {
                self.smoothing.alpha = alphas.into();
                self
            }

            /// Whether alpha stays as it is below 1e-10, which it is raised to otherwise (default: yes).
            pub fn force_alpha(mut self, force_alpha: bool) -> Self {
                self.smoothing.force_alpha = force_alpha;
                self
            }

            /// Whether prior probabilities are the classes' shares of the samples (default), or all the same.
            pub fn fit_prior(mut self, fit_prior: bool) -> Self {
                self.smoothing.fit_prior = fit_prior;
                self
            }

            /// Prior probabilities of the classes, in ascending order.
            pub fn class_prior(mut self, class_prior: impl Into<Vec<f64>>) -> Self {
                self.smoothing.class_prior = Some(class_prior.into());
                self
            }
        }
    };
}
pub(super) use smoothing_parameters;

/// How often each class occurred, and each feature in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    pub(super) smoothing: Smoothing,
    pub(super) columns: usize,
    pub(super) classes: Vec<i64>,
    pub(super) class_count: Vec<f64>,
    pub(super) feature_count: Vec<f64>,
}

impl Counts {
    /// Nothing seen yet.
    pub(super) fn none(
        operation: &str,
        smoothing: &Smoothing,
        classes: &[i64],
        columns: usize,
    ) -> Result<Counts> {
        let classes = ascending(operation, classes)?;
        if columns == 0 {
            return Err(Error::value(operation, "0 features: at least one expected"));
        }
        smoothing.check(operation, classes.len(), columns)?;
        Ok(Counts {
            smoothing: smoothing.clone(),
            columns,
            class_count: vec![0.0; classes.len()],
            feature_count: vec![0.0; classes.len() * columns],
            classes,
        })
    }

    /// Counts more samples: their values, or how many lie above a threshold.
    pub(super) fn count<T: Float>(
        &mut self,
        operation: &str,
        x: &Features<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        above: Option<f64>,
    ) -> Result<()> {
        let n = self.check(operation, x, above.is_none())?;
        let codes = codes(operation, &self.classes, y, n)?;
        let weights = sample_weight.map(|_| validate::weights(operation, sample_weight, n)).transpose()?;
        let weight = |i: usize| weights.as_ref().map_or(1.0, |weights| weights[i]);
        match x {
            Features::Dense(x) => {
                let sum = above.map_or(ClassSum::Values, ClassSum::Above);
                let x = x.contiguous();
                let rows = x.as_slice().unwrap_or_default();
                let classes = self.classes.len();
                let sums = class_sums(sum, rows, self.columns, &codes, classes, weights.as_deref());
                self.feature_count.iter_mut().zip(sums).for_each(|(count, sum)| *count += sum);
            }
            Features::Sparse(x) => {
                for (i, &code) in codes.iter().enumerate() {
                    let counts = &mut self.feature_count[code as usize * self.columns..][..self.columns];
                    let (columns, values) = x.row(i);
                    for (&j, value) in columns.iter().zip(values) {
                        let value = value.to_f64();
                        let counted = above.map_or(value, |threshold| f64::from(value > threshold));
                        counts[j as usize] += weight(i) * counted;
                    }
                }
            }
        }
        for (i, &code) in codes.iter().enumerate() {
            self.class_count[code as usize] += weight(i);
        }
        Ok(())
    }

    /// The number of rows of features that can be counted or predicted.
    pub(super) fn check<T: Float>(
        &self,
        operation: &str,
        x: &Features<T>,
        not_negative: bool,
    ) -> Result<usize> {
        let [n, d] = x.shape();
        match x {
            Features::Dense(x) => {
                validate::matrix_of(operation, x, self.columns)?;
                validate::finite(operation, x)?;
            }
            Features::Sparse(x) => {
                if d != self.columns {
                    let message = format!("x has {d} features, the model was fitted on {}", self.columns);
                    return Err(Error::shape(operation, message));
                }
                if n == 0 {
                    return Err(Error::value(operation, "0 samples: at least one expected"));
                }
                if let Some(value) = x.values().iter().find(|value| !value.is_finite()) {
                    return Err(Error::value(operation, format!("x holds {value}: finite numbers expected")));
                }
            }
        }
        if not_negative {
            let negative = match x {
                Features::Dense(x) => {
                    x.contiguous().as_slice().unwrap_or_default().iter().any(|x| *x < T::ZERO)
                }
                Features::Sparse(x) => x.values().iter().any(|x| *x < T::ZERO),
            };
            if negative {
                return Err(Error::value(operation, "x holds a negative number: counts expected"));
            }
        }
        Ok(n)
    }

    /// `log P(c)`
    pub(super) fn class_log_prior(&self) -> Vec<f64> {
        let Smoothing { fit_prior, class_prior, .. } = &self.smoothing;
        match class_prior {
            Some(prior) => prior.iter().map(|prior| prior.ln()).collect(),
            None if *fit_prior => {
                let total = self.class_count.iter().sum::<f64>().ln();
                self.class_count.iter().map(|count| count.ln() - total).collect()
            }
            None => vec![-(self.classes.len() as f64).ln(); self.classes.len()],
        }
    }

    pub(super) fn write(&self, record: Record) -> Record {
        self.smoothing
            .write(record)
            .with("columns", self.columns)
            .with("classes", labels(&self.classes))
            .with("class_count", Field::from(&self.class_count[..]))
            .with("feature_count", table(&self.feature_count, self.columns))
            .with("class_log_prior", Field::from(&self.class_log_prior()[..]))
    }

    pub(super) fn read(record: &Record) -> Result<Counts> {
        let (classes, columns) = frame(record)?;
        let smoothing = Smoothing::read(record)?;
        smoothing.check(record.name(), classes.len(), columns)?;
        Ok(Counts {
            smoothing,
            columns,
            class_count: record.tensor_of::<f64>("class_count", &[classes.len()])?.to_vec(),
            feature_count: record.tensor_of::<f64>("feature_count", &[classes.len(), columns])?.to_vec(),
            classes,
        })
    }
}

/// Classes, which ascend, and the number of features of a record.
pub(super) fn frame(record: &Record) -> Result<(Vec<i64>, usize)> {
    let classes = record.tensor::<i64>("classes")?;
    let (shape, classes) = (classes.shape().len(), classes.to_vec());
    if shape != 1 || classes.is_empty() || classes.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(record.error("its classes do not ascend"));
    }
    match record.count("columns")? {
        0 => Err(record.error("has no features")),
        columns => Ok((classes, columns)),
    }
}

/// A table `(classes, columns)` as a field.
pub(super) fn table(values: &[f64], columns: usize) -> Field {
    let shape = [values.len() / columns.max(1), columns];
    Tensor::from_slice(values, shape).map_or(Field::None, |table| Field::Tensor(AnyTensor::from(table)))
}

/// Weights of features and a constant for each class, in the features' own type: `x W^T + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearScores<T> {
    weights: Vec<T>,
    constants: Vec<T>,
    columns: usize,
}

impl<T: Float> LinearScores<T> {
    pub(super) fn new(weights: &[f64], constants: &[f64], columns: usize) -> Self {
        let cast = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect();
        LinearScores { weights: cast(weights), constants: cast(constants), columns }
    }

    /// The scores of `n` rows; of whether values lie above a threshold where there is one.
    pub(super) fn of(&self, x: &Features<T>, n: usize, above: Option<f64>) -> Result<Tensor<T>> {
        let classes = self.constants.len();
        let mut out = Buffer::scratch(n * classes);
        out.chunks_exact_mut(classes).for_each(|row| row.copy_from_slice(&self.constants));
        let counted = |value: T| above.map_or(value, |at| if value.to_f64() > at { T::ONE } else { T::ZERO });
        match x {
            Features::Dense(x) => {
                let x = x.contiguous();
                let values = x.as_slice().unwrap_or_default();
                let binary: Buffer<T>;
                let values = if above.is_some() {
                    binary = values.iter().map(|&value| counted(value)).collect();
                    &binary[..]
                } else {
                    values
                };
                let weights = Matrix::row_major(&self.weights, classes, self.columns).transpose();
                let rows = Matrix::row_major(values, n, self.columns);
                T::gemm(T::ONE, rows, weights, T::ONE, MatrixMut::row_major(&mut out, n, classes));
            }
            Features::Sparse(x) => {
                for (i, out) in out.chunks_exact_mut(classes).enumerate() {
                    let (columns, values) = x.row(i);
                    for (out, weights) in out.iter_mut().zip(self.weights.chunks_exact(self.columns)) {
                        for (&j, &value) in columns.iter().zip(values) {
                            *out += counted(value) * weights[j as usize];
                        }
                    }
                }
            }
        }
        Tensor::from_strided(out, &[n, classes], &[classes, 1])
    }
}
