//! The mean of the nearest.

use std::any::Any;

use barehand_kernels::nearest::Metric;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::nearest_neighbors::{Algorithm, FittedNearestNeighbors, NearestNeighbors};
use super::vote::{Weights, average};
use crate::dynamic::{Estimator, Features, Model, Prediction, Target, no_weights};
use crate::estimator::{Fit, Predict};
use crate::model_file::Persist;
use crate::models::{field, record_of};
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KNeighborsRegressor {
    search: NearestNeighbors,
    weights: Weights,
}

impl KNeighborsRegressor {
    const NAME: &'static str = "KNeighborsRegressor";

    /// The five nearest, which count alike.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many neighbours have a say (default: 5).
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.search = self.search.n_neighbors(n_neighbors);
        self
    }

    /// How much each of them counts (default: all alike).
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// How they are looked for (default: whichever way is faster).
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.search = self.search.algorithm(algorithm);
        self
    }

    /// How many points a leaf of a tree holds at most (default: 30).
    pub fn leaf_size(mut self, leaf_size: usize) -> Self {
        self.search = self.search.leaf_size(leaf_size);
        self
    }

    /// How far two points are apart (default: Euclidean).
    pub fn metric(mut self, metric: Metric) -> Self {
        self.search = self.search.metric(metric);
        self
    }

    /// The model of features `(N, D)` and targets `(N)` or `(N, outputs)`.
    ///
    /// # Errors
    /// As [`NearestNeighbors::fit`]; also targets of another number or not finite, or fewer points than neighbours.
    pub fn fit<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<FittedKNeighborsRegressor<T>> {
        let search = self.search.fit(x)?;
        let points = x.shape()[0];
        if self.search.n_neighbors > points {
            let message = format!("{} neighbours of {points} points", self.search.n_neighbors);
            return Err(Error::value(Self::NAME, message));
        }
        if y.is_empty() || !matches!(*y.shape(), [n] | [n, _] if n == points) {
            let message = format!("expected targets of {points} samples, found shape {:?}", y.shape());
            return Err(Error::shape(Self::NAME, message));
        }
        validate::finite(Self::NAME, y)?;
        let n_neighbors = self.search.n_neighbors;
        Ok(FittedKNeighborsRegressor { search, n_neighbors, weights: self.weights, y: y.contiguous() })
    }
}

impl<T: Float> Fit<Tensor<T>, Tensor<T>> for KNeighborsRegressor {
    type Fitted = FittedKNeighborsRegressor<T>;

    fn fit(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<Self::Fitted> {
        KNeighborsRegressor::fit(self, x, y)
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
        Ok(Box::new(KNeighborsRegressor::fit(self, x.dense(Self::NAME)?, y.values(Self::NAME)?)?))
    }
}

/// What [`KNeighborsRegressor`] keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedKNeighborsRegressor<T: Float> {
    search: FittedNearestNeighbors<T>,
    n_neighbors: usize,
    weights: Weights,
    y: Tensor<T>,
}

impl<T: Float> FittedKNeighborsRegressor<T> {
    /// The points, to be searched.
    pub fn search(&self) -> &FittedNearestNeighbors<T> {
        &self.search
    }

    /// The neighbours of each query and the weight of each.
    fn neighbors(&self, x: &Tensor<T>) -> Result<(Vec<usize>, Option<Vec<f64>>)> {
        let found = self.search.kneighbors(x, self.n_neighbors)?;
        let weights = (self.weights == Weights::Distance).then(|| {
            found.distances.chunks(found.k).flat_map(|distances| self.weights.of(distances)).collect()
        });
        Ok((found.indices, weights))
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedKNeighborsRegressor<T> {
    type Output = Tensor<T>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let (indices, weights) = self.neighbors(x)?;
        let outputs = self.y.shape().get(1).copied().unwrap_or(1);
        let values = self.y.as_slice().unwrap_or_default();
        let means = average(values, outputs, &indices, weights.as_deref(), self.n_neighbors)?;
        let means: Vec<T> = means.into_iter().map(T::from_f64).collect();
        if self.y.shape().len() == 1 {
            Ok(means.into())
        } else {
            Tensor::from_vec(means, [x.shape()[0], outputs])
        }
    }
}

impl<T: Float> Persist for FittedKNeighborsRegressor<T> {
    const NAME: &'static str = KNeighborsRegressor::NAME;

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("search", self.search.to_record())
            .with("n_neighbors", self.n_neighbors)
            .with("weights", self.weights.name())
            .with("y", field(&self.y))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let search = FittedNearestNeighbors::from_record(record.record("search")?)?;
        let points = search.points().shape()[0];
        let n_neighbors = record.count("n_neighbors")?;
        let y = record.tensor::<T>("y")?.contiguous();
        if n_neighbors == 0
            || n_neighbors > points
            || y.is_empty()
            || !matches!(*y.shape(), [n] | [n, _] if n == points)
        {
            let found = y.shape();
            return Err(
                record.error(format!("{n_neighbors} neighbours of {points} points, targets {found:?}"))
            );
        }
        let weights = Weights::from_name(Self::NAME, record.text("weights")?)?;
        Ok(FittedKNeighborsRegressor { search, n_neighbors, weights, y })
    }
}

impl<T: Float> Model<T> for FittedKNeighborsRegressor<T> {
    fn name(&self) -> &'static str {
        KNeighborsRegressor::NAME
    }

    fn features(&self) -> usize {
        self.search.features()
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Values(self.predict(x.dense(KNeighborsRegressor::NAME)?)?))
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
