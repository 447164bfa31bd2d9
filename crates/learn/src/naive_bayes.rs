//! Classifiers by Bayes' rule over features taken as independent within a class.
//!
//! ```text
//! log P(c | x) = log P(c) + sum_j log P(x_j | c) - log sum_c' P(c') prod_j P(x_j | c')
//! ```

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::dynamic::Features;

mod bernoulli;
mod categorical;
mod complement;
mod counts;
mod gaussian;
mod multinomial;

pub use bernoulli::{BernoulliNB, FittedBernoulliNB};
pub use categorical::{CategoricalNB, FittedCategoricalNB};
pub use complement::{ComplementNB, FittedComplementNB};
pub use counts::{Counts, Smoothing};
pub use gaussian::{FittedGaussianNB, GaussianNB};
pub use multinomial::{FittedMultinomialNB, MultinomialNB};

/// What every fitted naive Bayes model can say.
pub trait NaiveBayes<T: Float> {
    /// The classes that it tells apart, in ascending order.
    fn class_labels(&self) -> &[i64];

    /// `log P(c) + log P(x | c)` of each row and class, `(N, classes)`.
    fn joint_log_likelihood(&self, x: &Features<T>) -> Result<Tensor<T>>;

    /// `log P(c | x)`, `(N, classes)`.
    ///
    /// # Errors
    /// Those of [`joint_log_likelihood`](Self::joint_log_likelihood); so below.
    fn predict_log_proba(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let mut joint = self.joint_log_likelihood(x)?;
        let classes = self.class_labels().len();
        for row in joint.data_mut().chunks_exact_mut(classes) {
            // The largest first: beside a logarithm of some millions, that of a sum of a few is lost.
            let (largest, log_sum) = log_sum_exp(row);
            row.iter_mut().for_each(|value| *value = T::from_f64(value.to_f64() - largest - log_sum));
        }
        Ok(joint)
    }

    /// `P(c | x)`, `(N, classes)`.
    fn posterior(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let mut log = self.predict_log_proba(x)?;
        log.data_mut().iter_mut().for_each(|value| *value = T::from_f64(value.to_f64().exp()));
        Ok(log)
    }

    /// The class of each row that is most probable, the smallest of several.
    fn most_probable(&self, x: &Features<T>) -> Result<Tensor<i64>> {
        let joint = self.joint_log_likelihood(x)?;
        let labels = self.class_labels();
        let best = |row: &[T]| {
            // NumPy's argmax: the first NaN, else the first of the largest.
            let mut best = 0;
            for (k, value) in row.iter().enumerate() {
                if !row[best].is_nan() && (value.is_nan() || *value > row[best]) {
                    best = k;
                }
            }
            labels[best]
        };
        let rows = joint.as_slice().unwrap_or_default().chunks_exact(labels.len());
        Ok(rows.map(best).collect::<Vec<i64>>().into())
    }
}

/// The largest number of a row, and by how much the logarithm of the sum of their exponentials is more.
fn log_sum_exp<T: Float>(row: &[T]) -> (f64, f64) {
    let largest = row.iter().fold(f64::NEG_INFINITY, |largest, value| largest.max(value.to_f64()));
    if !largest.is_finite() {
        return (largest, 0.0);
    }
    (largest, row.iter().map(|value| (value.to_f64() - largest).exp()).sum::<f64>().ln())
}

/// The position of each label among `classes`, which ascend.
fn codes(operation: &str, classes: &[i64], y: &Tensor<i64>, n: usize) -> Result<Vec<u32>> {
    if y.shape() != [n] {
        let message = format!("expected a label for each of {n} samples, found shape {:?}", y.shape());
        return Err(Error::shape(operation, message));
    }
    let code = |label: &i64| {
        let code = classes.binary_search(label).map_err(|_| {
            Error::value(operation, format!("label {label} is not among the classes {classes:?}"))
        })?;
        Ok(code as u32)
    };
    y.to_vec().iter().map(code).collect()
}

/// The distinct labels in ascending order, of which there is at least one.
fn ascending(operation: &str, classes: &[i64]) -> Result<Vec<i64>> {
    let mut classes = classes.to_vec();
    classes.sort_unstable();
    classes.dedup();
    if classes.is_empty() {
        return Err(Error::value(operation, "0 classes: at least one expected"));
    }
    Ok(classes)
}

/// A [`Model`](crate::Model) of a fitted naive Bayes type.
macro_rules! naive_bayes_model {
    ($fitted:ident) => {
        impl<T: Float> Predict<Tensor<T>> for $fitted<T> {
            type Output = Tensor<i64>;

            fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
                self.most_probable(&x.clone().into())
            }
        }

        impl<T: Float> PredictProba<Tensor<T>> for $fitted<T> {
            type Output = Tensor<T>;

            fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
                self.posterior(&x.clone().into())
            }
        }

        impl<T: Float> Model<T> for $fitted<T> {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn features(&self) -> usize {
                self.columns()
            }

            fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
                Ok(Prediction::Classes(self.most_probable(x)?))
            }

            fn predict_proba_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
                self.posterior(x)
            }

            fn classes(&self) -> Option<&[i64]> {
                Some(self.class_labels())
            }

            fn record(&self) -> Record {
                self.to_record()
            }

            fn as_any(&self) -> &dyn Any {
                self
            }
        }
    };
}
use naive_bayes_model;

/// [`Fit`](crate::Fit) and its kin for an estimator with `start(classes, columns)`, whose model has `partial_fit`.
macro_rules! naive_bayes_estimator {
    ($estimator:ident, $fitted:ident) => {
        impl $estimator {
            /// The model of features `(N, D)`, dense or sparse, and labels `(N)`.
            ///
            /// # Errors
            /// Features, labels or weights of the wrong kind or shape; parameters out of their range.
            pub fn fit_features<T: Float>(
                &self,
                x: &Features<T>,
                y: &Tensor<i64>,
                sample_weight: Option<&Tensor<f64>>,
            ) -> Result<$fitted<T>> {
                let mut fitted = self.start(&y.to_vec(), x.shape()[1])?;
                fitted.partial_fit(x, y, sample_weight)?;
                Ok(fitted)
            }
        }

        crate::fitting::fits!($estimator, $fitted, classes, fit_features());
    };
}
use naive_bayes_estimator;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PredictProba;

    /// In f32 their logarithms, some -1e12, cannot be told from those with `ln 2` more.
    #[test]
    fn what_is_far_away_is_of_some_class() {
        let x = Tensor::from([[0.0f32, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]);
        let y = Tensor::from([0i64, 0, 1, 1]);
        let model = GaussianNB::new().fit_features(&x.into(), &y, None).unwrap();
        let p = model.predict_proba(&Tensor::from([[1e6f32, 1e6]])).unwrap().to_vec();
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{p:?}");
    }

    #[test]
    fn priors_are_numbers() {
        let model = GaussianNB::new().priors([f64::NAN, 0.5]).start::<f64>(&[0, 1], 2);
        assert!(model.unwrap_err().to_string().contains("sum of the priors"));
    }
}
