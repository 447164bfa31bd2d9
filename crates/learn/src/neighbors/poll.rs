//! What classifier and regressor share: neighbours that are asked, and what each of them counts.

use barehand_tensor::{Error, Float, Result};

use super::nearest_neighbors::{FittedNearestNeighbors, NearestNeighbors};
use super::vote::Weights;
use crate::dynamic::Features;
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;

/// Who is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Poll {
    pub(super) search: NearestNeighbors,
    pub(super) weights: Weights,
}

/// The parameters of a model that asks its field `poll`.
macro_rules! poll_setters {
    () => {
        /// How many neighbours have a say (default: 5).
        pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
            self.poll.search = self.poll.search.n_neighbors(n_neighbors);
            self
        }

        /// How much each of them counts (default: all alike).
        pub fn weights(mut self, weights: super::vote::Weights) -> Self {
            self.poll.weights = weights;
            self
        }

        /// How they are looked for (default: whichever way is faster).
        pub fn algorithm(mut self, algorithm: super::nearest_neighbors::Algorithm) -> Self {
            self.poll.search = self.poll.search.algorithm(algorithm);
            self
        }

        /// How many points a leaf of a tree holds at most (default: 30).
        pub fn leaf_size(mut self, leaf_size: usize) -> Self {
            self.poll.search = self.poll.search.leaf_size(leaf_size);
            self
        }

        /// How far two points are apart (default: Euclidean).
        pub fn metric(mut self, metric: super::metric::Metric) -> Self {
            self.poll.search = self.poll.search.metric(metric);
            self
        }
    };
}

pub(super) use poll_setters;

impl Poll {
    /// # Errors
    /// As [`NearestNeighbors::fit_features`]; also fewer points than neighbours.
    pub(super) fn fit<T: Float>(&self, operation: &str, x: &Features<T>) -> Result<FittedPoll<T>> {
        let search = self.search.fit_features(x)?;
        let (n_neighbors, points) = (self.search.n_neighbors, x.shape()[0]);
        if n_neighbors > points {
            return Err(Error::value(operation, format!("{n_neighbors} neighbours of {points} points")));
        }
        Ok(FittedPoll { search, n_neighbors, weights: self.weights })
    }
}

/// Whoever may be asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FittedPoll<T: Float> {
    pub(super) search: FittedNearestNeighbors<T>,
    pub(super) n_neighbors: usize,
    weights: Weights,
}

impl<T: Float> FittedPoll<T> {
    /// How many points there are.
    pub(super) fn points(&self) -> usize {
        self.search.points().shape()[0]
    }

    /// The neighbours of each query and the weight of each; None: all alike.
    pub(super) fn ask(&self, x: &Features<T>) -> Result<(Vec<usize>, Option<Vec<f64>>)> {
        let found = self.search.kneighbors_any(x, self.n_neighbors)?;
        let weights = (self.weights == Weights::Distance).then(|| {
            found.distances.chunks(found.k).flat_map(|distances| self.weights.of(distances)).collect()
        });
        Ok((found.indices, weights))
    }

    pub(super) fn to_record(&self, name: &str) -> Record {
        record_of::<T>(name)
            .with("search", self.search.to_record())
            .with("n_neighbors", self.n_neighbors)
            .with("weights", self.weights.name())
    }

    /// # Errors
    /// Fields that are missing, or do not fit each other.
    pub(super) fn from_record(record: &Record) -> Result<Self> {
        let search = FittedNearestNeighbors::from_record(record.record("search")?)?;
        let weights = Weights::from_name(record.name(), record.text("weights")?)?;
        let poll = FittedPoll { search, n_neighbors: record.count("n_neighbors")?, weights };
        let points = poll.points();
        if poll.n_neighbors == 0 || poll.n_neighbors > points {
            return Err(record.error(format!("{} neighbours of {points} points", poll.n_neighbors)));
        }
        Ok(poll)
    }
}
