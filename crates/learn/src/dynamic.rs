//! Estimators and models of any kind behind one type: what pipelines, cross-validation, search and Python hold.
//!
//! An estimator implements [`Estimator`] beside its typed `fit`, a model [`Model`] beside its typed `predict`; what a model
//! cannot do is an error that says so.

use std::any::Any;

use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use crate::record::Record;

/// Features: dense or sparse.
#[derive(Clone, Debug, PartialEq)]
pub enum Features<T: Float> {
    /// `(N, D)`
    Dense(Tensor<T>),
    /// Sparse rows.
    Sparse(CsrMatrix<T>),
}

impl<T: Float> Features<T> {
    /// Rows and columns; of a tensor that is no matrix, what its first two axes say.
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Features::Dense(x) => {
                [x.shape().first().copied().unwrap_or(1), x.shape().get(1).copied().unwrap_or(1)]
            }
            Features::Sparse(x) => x.shape(),
        }
    }

    /// The tensor.
    ///
    /// # Errors
    /// The rows are sparse, which `operation` does not take.
    pub fn dense(&self, operation: &str) -> Result<&Tensor<T>> {
        match self {
            Features::Dense(x) => Ok(x),
            Features::Sparse(_) => Err(Error::value(
                operation,
                "takes dense features only, found sparse rows: to_dense() makes them",
            )),
        }
    }

    /// A tensor of all of them, those that sparse rows leave out too.
    pub fn to_dense(&self) -> Tensor<T> {
        match self {
            Features::Dense(x) => x.clone(),
            Features::Sparse(x) => x.to_dense(),
        }
    }

    /// The rows at `rows`, in that order.
    ///
    /// # Errors
    /// A row is not there.
    pub fn select_rows(&self, rows: &[usize]) -> Result<Features<T>> {
        Ok(match self {
            Features::Dense(x) => {
                let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
                Features::Dense(x.index_select(0, &rows.into())?)
            }
            Features::Sparse(x) => Features::Sparse(x.select_rows(rows)?),
        })
    }
}

impl<T: Float> From<Tensor<T>> for Features<T> {
    fn from(x: Tensor<T>) -> Self {
        Features::Dense(x)
    }
}

impl<T: Float> From<CsrMatrix<T>> for Features<T> {
    fn from(x: CsrMatrix<T>) -> Self {
        Features::Sparse(x)
    }
}

/// What is to be learned.
#[derive(Clone, Debug, PartialEq)]
pub enum Target<T: Float> {
    /// Nothing: clusters, components.
    None,
    /// Class labels `(N)`.
    Classes(Tensor<i64>),
    /// Values `(N)` or `(N, outputs)`.
    Values(Tensor<T>),
}

impl<T: Float> Target<T> {
    /// The labels.
    ///
    /// # Errors
    /// There are none.
    pub fn classes(&self, operation: &str) -> Result<&Tensor<i64>> {
        match self {
            Target::Classes(y) => Ok(y),
            _ => Err(Error::value(operation, "is fitted on class labels, found none")),
        }
    }

    /// The values.
    ///
    /// # Errors
    /// There are none.
    pub fn values(&self, operation: &str) -> Result<&Tensor<T>> {
        match self {
            Target::Values(y) => Ok(y),
            _ => Err(Error::value(operation, "is fitted on real targets, found none")),
        }
    }

    /// The targets of the rows at `rows`.
    ///
    /// # Errors
    /// A row is not there.
    pub fn select_rows(&self, rows: &[usize]) -> Result<Target<T>> {
        let rows: Tensor<i64> = rows.iter().map(|&row| row as i64).collect::<Vec<_>>().into();
        Ok(match self {
            Target::None => Target::None,
            Target::Classes(y) => Target::Classes(y.index_select(0, &rows)?),
            Target::Values(y) => Target::Values(y.index_select(0, &rows)?),
        })
    }
}

/// What a model says of each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction<T: Float> {
    /// Class labels, or numbers of clusters, `(N)`.
    Classes(Tensor<i64>),
    /// Values `(N)` or `(N, outputs)`.
    Values(Tensor<T>),
}

impl<T: Float> Prediction<T> {
    /// The class labels, or numbers of clusters.
    ///
    /// # Errors
    /// They are values.
    pub fn classes(&self, operation: &str) -> Result<&Tensor<i64>> {
        match self {
            Prediction::Classes(labels) => Ok(labels),
            Prediction::Values(_) => Err(Error::value(operation, "expected class labels, found values")),
        }
    }

    /// The values.
    ///
    /// # Errors
    /// They are class labels.
    pub fn values(&self, operation: &str) -> Result<&Tensor<T>> {
        match self {
            Prediction::Values(values) => Ok(values),
            Prediction::Classes(_) => Err(Error::value(operation, "expected values, found class labels")),
        }
    }
}

/// Parameters that make a [`Model`] of samples.
pub trait Estimator<T: Float>: Send + Sync {
    /// Its name, `"Ridge"`.
    fn name(&self) -> &'static str;

    /// The model of these samples.
    ///
    /// # Errors
    /// Those of the typed `fit`; also features, targets or weights of a kind that it does not take.
    fn fit_any(
        &self,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>>;

    /// Whether samples may be weighed; a pipeline passes weights to the steps that say so.
    fn takes_weights(&self) -> bool {
        true
    }
}

/// A fitted model.
pub trait Model<T: Float>: Send + Sync {
    /// The estimator's name.
    fn name(&self) -> &'static str;

    /// How many features it was fitted on.
    fn features(&self) -> usize;

    /// What it says of each row.
    fn predict_any(&self, _x: &Features<T>) -> Result<Prediction<T>> {
        Err(Error::value(self.name(), "does not predict"))
    }

    /// Probabilities `(N, classes)`.
    fn predict_proba_any(&self, _x: &Features<T>) -> Result<Tensor<T>> {
        Err(Error::value(self.name(), "has no probabilities"))
    }

    /// Scores `(N)` or `(N, classes)`.
    fn decision_function_any(&self, _x: &Features<T>) -> Result<Tensor<T>> {
        Err(Error::value(self.name(), "has no decision function"))
    }

    /// Other features.
    fn transform_any(&self, _x: &Features<T>) -> Result<Features<T>> {
        Err(Error::value(self.name(), "does not transform"))
    }

    /// The features that others were made of.
    fn inverse_transform_any(&self, _x: &Features<T>) -> Result<Features<T>> {
        Err(Error::value(self.name(), "does not transform back"))
    }

    /// The classes that it tells apart, in ascending order, for classifiers.
    fn classes(&self) -> Option<&[i64]> {
        None
    }

    /// Everything that there is to know about it, by name; what its file holds.
    fn record(&self) -> Record;

    /// The typed model, for `downcast_ref`.
    fn as_any(&self) -> &dyn Any;
}

/// Refuses weights that an estimator does not take.
///
/// # Errors
/// There are weights.
pub fn no_weights(operation: &str, sample_weight: Option<&Tensor<f64>>) -> Result<()> {
    match sample_weight {
        None => Ok(()),
        Some(_) => Err(Error::value(operation, "takes no weights of samples")),
    }
}
