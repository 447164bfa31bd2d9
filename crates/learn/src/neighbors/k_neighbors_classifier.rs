//! The class of most of the nearest.

use std::any::Any;

use barehand_kernels::nearest::Metric;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::nearest_neighbors::{Algorithm, FittedNearestNeighbors, NearestNeighbors};
use super::vote::{Weights, vote};
use crate::dynamic::{Estimator, Features, Model, Prediction, Target, no_weights};
use crate::estimator::{Fit, Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::{labels, record_of};
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KNeighborsClassifier {
    search: NearestNeighbors,
    weights: Weights,
}

impl KNeighborsClassifier {
    const NAME: &'static str = "KNeighborsClassifier";

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

    /// The model of features `(N, D)` and class labels `(N)`.
    ///
    /// # Errors
    /// As [`NearestNeighbors::fit`]; also labels of another number, or fewer points than neighbours.
    pub fn fit<T: Float>(&self, x: &Tensor<T>, y: &Tensor<i64>) -> Result<FittedKNeighborsClassifier<T>> {
        let search = self.search.fit(x)?;
        let points = x.shape()[0];
        if self.search.n_neighbors > points {
            let message = format!("{} neighbours of {points} points", self.search.n_neighbors);
            return Err(Error::value(Self::NAME, message));
        }
        let (classes, codes) = validate::classes(Self::NAME, y, points)?;
        let n_neighbors = self.search.n_neighbors;
        Ok(FittedKNeighborsClassifier { search, n_neighbors, weights: self.weights, classes, codes })
    }
}

impl<T: Float> Fit<Tensor<T>, Tensor<i64>> for KNeighborsClassifier {
    type Fitted = FittedKNeighborsClassifier<T>;

    fn fit(&self, x: &Tensor<T>, y: &Tensor<i64>) -> Result<Self::Fitted> {
        KNeighborsClassifier::fit(self, x, y)
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
        Ok(Box::new(KNeighborsClassifier::fit(self, x.dense(Self::NAME)?, y.classes(Self::NAME)?)?))
    }
}

/// What [`KNeighborsClassifier`] keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedKNeighborsClassifier<T: Float> {
    search: FittedNearestNeighbors<T>,
    n_neighbors: usize,
    weights: Weights,
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

    fn shares(&self, x: &Tensor<T>) -> Result<Vec<f64>> {
        let (indices, weights) = self.neighbors(x)?;
        vote(&self.codes, self.classes.len(), &indices, weights.as_deref(), self.n_neighbors)
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedKNeighborsClassifier<T> {
    type Output = Tensor<i64>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
        let shares = self.shares(x)?;
        let most = |row: &[f64]| (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        Ok(shares
            .chunks_exact(self.classes.len())
            .map(|row| self.classes[most(row)])
            .collect::<Vec<i64>>()
            .into())
    }
}

impl<T: Float> PredictProba<Tensor<T>> for FittedKNeighborsClassifier<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let shares: Vec<T> = self.shares(x)?.into_iter().map(T::from_f64).collect();
        Tensor::from_vec(shares, [x.shape()[0], self.classes.len()])
    }
}

impl<T: Float> Persist for FittedKNeighborsClassifier<T> {
    const NAME: &'static str = KNeighborsClassifier::NAME;

    fn to_record(&self) -> Record {
        let y: Vec<i64> = self.codes.iter().map(|&code| self.classes[code]).collect();
        record_of::<T>(Self::NAME)
            .with("search", self.search.to_record())
            .with("n_neighbors", self.n_neighbors)
            .with("weights", self.weights.name())
            .with("y", labels(&y))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let search = FittedNearestNeighbors::from_record(record.record("search")?)?;
        let points = search.points().shape()[0];
        let (classes, codes) = validate::classes(Self::NAME, &record.tensor("y")?, points)?;
        let n_neighbors = record.count("n_neighbors")?;
        if n_neighbors == 0 || n_neighbors > points {
            return Err(record.error(format!("{n_neighbors} neighbours of {points} points")));
        }
        let weights = Weights::from_name(Self::NAME, record.text("weights")?)?;
        Ok(FittedKNeighborsClassifier { search, n_neighbors, weights, classes, codes })
    }
}

impl<T: Float> Model<T> for FittedKNeighborsClassifier<T> {
    fn name(&self) -> &'static str {
        KNeighborsClassifier::NAME
    }

    fn features(&self) -> usize {
        self.search.features()
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Classes(self.predict(x.dense(KNeighborsClassifier::NAME)?)?))
    }

    fn predict_proba_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.predict_proba(x.dense(KNeighborsClassifier::NAME)?)
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
