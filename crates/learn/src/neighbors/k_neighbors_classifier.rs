//! The class of most of the nearest.

use std::any::Any;

use barehand_tensor::{CsrMatrix, Float, Result, Tensor};

use super::nearest_neighbors::FittedNearestNeighbors;
use super::poll::{FittedPoll, Poll, poll_setters};
use super::vote::vote;
use crate::dynamic::{Estimator, Features, Model, Prediction, Target, no_weights};
use crate::estimator::{Fit, Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::labels;
use crate::record::Record;
use crate::validate;

/// Says that a point is of the class of most of its neighbours; of equally many, of the smallest class.
///
/// Source: Fix and Hodges, "Discriminatory analysis", 1951; scikit-learn's `KNeighborsClassifier`.
///
/// ```
/// use barehand_learn::{Predict, PredictProba, neighbors::KNeighborsClassifier};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0], [1.0], [2.0], [3.0f64]]);
/// let model = KNeighborsClassifier::new().n_neighbors(3).fit(&x, &Tensor::from([0i64, 0, 1, 1]))?;
/// let query = Tensor::from([[1.1]]);
/// assert_eq!(model.predict(&query)?.to_vec(), [0]);
/// assert!((model.predict_proba(&query)?.to_vec()[0] - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KNeighborsClassifier {
    poll: Poll,
}

impl KNeighborsClassifier {
    const NAME: &'static str = "KNeighborsClassifier";

    /// The five nearest, which count alike.
    pub fn new() -> Self {
        Self::default()
    }

    poll_setters!();

    /// The model of features `(N, D)` and class labels `(N)`.
    ///
    /// # Errors
    /// As [`NearestNeighbors::fit`]; also labels of another number, or fewer points than neighbours.
    pub fn fit<T: Float>(&self, x: &Tensor<T>, y: &Tensor<i64>) -> Result<FittedKNeighborsClassifier<T>> {
        self.fit_features(&x.clone().into(), y)
    }

    fn fit_features<T: Float>(
        &self,
        x: &Features<T>,
        y: &Tensor<i64>,
    ) -> Result<FittedKNeighborsClassifier<T>> {
        let poll = self.poll.fit(Self::NAME, x)?;
        let (classes, codes) = validate::classes(Self::NAME, y, poll.points())?;
        Ok(FittedKNeighborsClassifier { poll, classes, codes })
    }
}

impl<T: Float> Fit<Tensor<T>, Tensor<i64>> for KNeighborsClassifier {
    type Fitted = FittedKNeighborsClassifier<T>;

    fn fit(&self, x: &Tensor<T>, y: &Tensor<i64>) -> Result<Self::Fitted> {
        KNeighborsClassifier::fit(self, x, y)
    }
}

impl<T: Float> Fit<CsrMatrix<T>, Tensor<i64>> for KNeighborsClassifier {
    type Fitted = FittedKNeighborsClassifier<T>;

    fn fit(&self, x: &CsrMatrix<T>, y: &Tensor<i64>) -> Result<Self::Fitted> {
        self.fit_features(&x.clone().into(), y)
    }
}

impl<T: Float> Estimator<T> for KNeighborsClassifier {
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
        Ok(Box::new(self.fit_features(x, y.classes(Self::NAME)?)?))
    }
}

/// What [`KNeighborsClassifier`] keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedKNeighborsClassifier<T: Float> {
    poll: FittedPoll<T>,
    classes: Vec<i64>,
    codes: Vec<usize>,
}

impl<T: Float> FittedKNeighborsClassifier<T> {
    /// The classes in ascending order.
    pub fn classes(&self) -> &[i64] {
        &self.classes
    }

    /// The points, to be searched.
    pub fn search(&self) -> &FittedNearestNeighbors<T> {
        &self.poll.search
    }

    fn shares(&self, x: &Features<T>) -> Result<Vec<f64>> {
        let (indices, weights) = self.poll.ask(x)?;
        let counts = vec![self.poll.n_neighbors; x.shape()[0]];
        vote(&self.codes, self.classes.len(), &indices, weights.as_deref(), &counts)
    }

    fn labels(&self, x: &Features<T>) -> Result<Tensor<i64>> {
        let shares = self.shares(x)?;
        let most = |row: &[f64]| (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        let labels = shares.chunks_exact(self.classes.len()).map(|row| self.classes[most(row)]);
        Ok(labels.collect::<Vec<i64>>().into())
    }

    fn probabilities(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let shares: Vec<T> = self.shares(x)?.into_iter().map(T::from_f64).collect();
        Tensor::from_vec(shares, [x.shape()[0], self.classes.len()])
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedKNeighborsClassifier<T> {
    type Output = Tensor<i64>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
        self.labels(&x.clone().into())
    }
}

impl<T: Float> PredictProba<Tensor<T>> for FittedKNeighborsClassifier<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.probabilities(&x.clone().into())
    }
}

impl<T: Float> Persist for FittedKNeighborsClassifier<T> {
    const NAME: &'static str = KNeighborsClassifier::NAME;

    fn to_record(&self) -> Record {
        let y: Vec<i64> = self.codes.iter().map(|&code| self.classes[code]).collect();
        self.poll.to_record(Self::NAME).with("y", labels(&y))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let poll = FittedPoll::from_record(record)?;
        let (classes, codes) = validate::classes(Self::NAME, &record.tensor("y")?, poll.points())?;
        Ok(FittedKNeighborsClassifier { poll, classes, codes })
    }
}

impl<T: Float> Model<T> for FittedKNeighborsClassifier<T> {
    fn name(&self) -> &'static str {
        KNeighborsClassifier::NAME
    }

    fn features(&self) -> usize {
        self.poll.search.features()
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Classes(self.labels(x)?))
    }

    fn predict_proba_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.probabilities(x)
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
