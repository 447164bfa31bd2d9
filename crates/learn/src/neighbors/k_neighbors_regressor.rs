//! The mean of the nearest.

use std::any::Any;

use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::nearest_neighbors::FittedNearestNeighbors;
use super::poll::{FittedPoll, Poll, poll_setters};
use super::vote::average;
use crate::dynamic::{Estimator, Features, Model, Prediction, Target, no_weights};
use crate::estimator::{Fit, Predict};
use crate::model_file::Persist;
use crate::models::field;
use crate::record::Record;
use crate::validate;

/// Predicts the mean of the targets of a point's neighbours.
///
/// Source: scikit-learn's `KNeighborsRegressor`.
///
/// ```
/// use barehand_learn::{Predict, neighbors::KNeighborsRegressor};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0], [1.0], [2.0], [3.0f64]]);
/// let model = KNeighborsRegressor::new().n_neighbors(2).fit(&x, &Tensor::from([0.0, 0.0, 1.0, 1.0]))?;
/// assert_eq!(model.predict(&Tensor::from([[1.5]]))?.to_vec(), [0.5]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KNeighborsRegressor {
    poll: Poll,
}

impl KNeighborsRegressor {
    const NAME: &'static str = "KNeighborsRegressor";

    /// The five nearest, which count alike.
    pub fn new() -> Self {
        Self::default()
    }

    poll_setters!();

    /// The model of features `(N, D)` and targets `(N)` or `(N, outputs)`.
    ///
    /// # Errors
    /// As [`NearestNeighbors::fit`]; also targets of another number or not finite, or fewer points than neighbours.
    pub fn fit<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<FittedKNeighborsRegressor<T>> {
        self.fit_features(&x.clone().into(), y)
    }

    fn fit_features<T: Float>(&self, x: &Features<T>, y: &Tensor<T>) -> Result<FittedKNeighborsRegressor<T>> {
        let poll = self.poll.fit(Self::NAME, x)?;
        let points = poll.points();
        if y.is_empty() || !matches!(*y.shape(), [n] | [n, _] if n == points) {
            let message = format!("expected targets of {points} samples, found shape {:?}", y.shape());
            return Err(Error::shape(Self::NAME, message));
        }
        validate::finite(Self::NAME, y)?;
        Ok(FittedKNeighborsRegressor { poll, y: y.contiguous() })
    }
}

impl<T: Float> Fit<Tensor<T>, Tensor<T>> for KNeighborsRegressor {
    type Fitted = FittedKNeighborsRegressor<T>;

    fn fit(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<Self::Fitted> {
        KNeighborsRegressor::fit(self, x, y)
    }
}

impl<T: Float> Fit<CsrMatrix<T>, Tensor<T>> for KNeighborsRegressor {
    type Fitted = FittedKNeighborsRegressor<T>;

    fn fit(&self, x: &CsrMatrix<T>, y: &Tensor<T>) -> Result<Self::Fitted> {
        self.fit_features(&x.clone().into(), y)
    }
}

impl<T: Float> Estimator<T> for KNeighborsRegressor {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights(Self::NAME, sample_weight)?;
        Ok(Box::new(self.fit_features(x, y.values(Self::NAME)?)?))
    }
}

/// What [`KNeighborsRegressor`] keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedKNeighborsRegressor<T: Float> {
    poll: FittedPoll<T>,
    y: Tensor<T>,
}

impl<T: Float> FittedKNeighborsRegressor<T> {
    /// The points, to be searched.
    pub fn search(&self) -> &FittedNearestNeighbors<T> {
        &self.poll.search
    }

    fn means(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let (indices, weights) = self.poll.ask(x)?;
        let outputs = self.y.shape().get(1).copied().unwrap_or(1);
        let values = self.y.as_slice().unwrap_or_default();
        let counts = vec![self.poll.n_neighbors; x.shape()[0]];
        let means = average(values, outputs, &indices, weights.as_deref(), &counts)?;
        let means: Vec<T> = means.into_iter().map(T::from_f64).collect();
        if self.y.shape().len() == 1 {
            Ok(means.into())
        } else {
            Tensor::from_vec(means, [x.shape()[0], outputs])
        }
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedKNeighborsRegressor<T> {
    type Output = Tensor<T>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.means(&x.clone().into())
    }
}

impl<T: Float> Persist for FittedKNeighborsRegressor<T> {
    const NAME: &'static str = KNeighborsRegressor::NAME;

    fn to_record(&self) -> Record {
        self.poll.to_record(Self::NAME).with("y", field(&self.y))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let (poll, y) = (FittedPoll::from_record(record)?, record.tensor::<T>("y")?.contiguous());
        let points = poll.points();
        if y.is_empty() || !matches!(*y.shape(), [n] | [n, _] if n == points) {
            return Err(record.error(format!("targets {:?} of {points} points", y.shape())));
        }
        Ok(FittedKNeighborsRegressor { poll, y })
    }
}

impl<T: Float> Model<T> for FittedKNeighborsRegressor<T> {
    fn name(&self) -> &'static str {
        KNeighborsRegressor::NAME
    }

    fn features(&self) -> usize {
        self.poll.search.features()
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Values(self.means(x)?))
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
