//! Points that are searched: the nearest, those within a radius, how dense they lie.

use std::any::Any;

use barehand_kernels::{nearest, threads};
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::{Algorithm, NearestNeighbors, check, check_places};
use crate::dynamic::{Features, Model};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::neighbors::kernel_density::Kernel;
use crate::neighbors::metric::{Map, Metric};
use crate::neighbors::space::{Queries, Space};
use crate::record::{Field, Record};

/// Queries in one piece of work.
const PIECE: usize = 192;

/// Neighbours of queries, nearest first; of equally near ones the lower index first.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors {
    /// How many each query has.
    pub k: usize,
    /// How far away they are, `(queries, k)`.
    pub distances: Vec<f64>,
    /// Which points they are, `(queries, k)`.
    pub indices: Vec<usize>,
}

/// Where points are searched.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Search<T: Float> {
    /// Between the points themselves.
    Here(Space<T>),
    /// Between what they become.
    Moved(Map, Space<f64>),
}

/// What [`NearestNeighbors`] searches.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedNearestNeighbors<T: Float> {
    pub(super) x: Features<T>,
    pub(super) algorithm: Algorithm,
    pub(super) leaf_size: usize,
    pub(super) metric: Metric,
    pub(super) kernel: nearest::Metric,
    pub(super) search: Search<T>,
}

impl<T: Float> FittedNearestNeighbors<T> {
    /// The points, `(N, D)`.
    pub fn points(&self) -> &Features<T> {
        &self.x
    }

    /// How they are searched; never [`Algorithm::Auto`].
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `k` nearest points to each query `(N, D)`.
    ///
    /// # Errors
    /// `x` has another number of columns or is not finite, or `k` is 0 or more than there are points.
    pub fn kneighbors(&self, x: &Tensor<T>, k: usize) -> Result<Neighbors> {
        self.kneighbors_any(&x.clone().into(), k)
    }

    /// As [`kneighbors`](Self::kneighbors), for dense or sparse queries.
    ///
    /// # Errors
    /// As [`kneighbors`](Self::kneighbors).
    pub fn kneighbors_any(&self, x: &Features<T>, k: usize) -> Result<Neighbors> {
        const OPERATION: &str = "kneighbors";
        let n = self.check(OPERATION, x)?;
        let points = self.x.shape()[0];
        if k == 0 || k > points {
            let message = format!("{k} neighbours asked for: from 1 to {points} expected");
            return Err(Error::value(OPERATION, message));
        }
        let found = self.asked(
            x,
            |space, queries| nearest_in(space, self.kernel, queries, n, k),
            |space, queries| nearest_in(space, self.kernel, queries, n, k),
        )?;
        Ok(Neighbors {
            k,
            distances: found.iter().map(|&(rank, _)| self.metric.of_rank(self.kernel, rank)).collect(),
            indices: found.iter().map(|&(_, point)| point as usize).collect(),
        })
    }

    /// Every point within `radius` of each query `(N, D)`, itself included: distances and indices, by index.
    ///
    /// # Errors
    /// `x` has another number of columns or is not finite, or `radius` is negative.
    pub fn radius_neighbors(&self, x: &Tensor<T>, radius: f64) -> Result<Vec<Vec<(f64, usize)>>> {
        self.radius_neighbors_any(&x.clone().into(), radius)
    }

    /// As [`radius_neighbors`](Self::radius_neighbors), for dense or sparse queries.
    ///
    /// # Errors
    /// As [`radius_neighbors`](Self::radius_neighbors).
    pub fn radius_neighbors_any(&self, x: &Features<T>, radius: f64) -> Result<Vec<Vec<(f64, usize)>>> {
        self.near("radius_neighbors", x, radius, |distance, point| (distance, point as usize))
    }

    /// Every point within `radius` of each query, itself included, by index.
    ///
    /// # Errors
    /// As [`radius_neighbors`](Self::radius_neighbors).
    pub(crate) fn within(&self, operation: &str, x: &Features<T>, radius: f64) -> Result<Vec<Vec<u32>>> {
        self.near(operation, x, radius, |_, point| point)
    }

    /// What is made of the distance and the index of every point within `radius` of each query.
    fn near<R: Clone + Send>(
        &self,
        operation: &str,
        x: &Features<T>,
        radius: f64,
        make: impl Fn(f64, u32) -> R + Sync,
    ) -> Result<Vec<Vec<R>>> {
        let n = self.check(operation, x)?;
        if !(radius >= 0.0) {
            return Err(Error::value(operation, format!("radius is {radius}: at least 0 expected")));
        }
        // A root may be rounded past the radius, or a square before it: distances decide.
        let wide = self.metric.to_rank(self.kernel, radius) * (1.0 + 1e-9);
        let distances = |near: Vec<(f64, u32)>| -> Vec<R> {
            near.into_iter()
                .map(|(rank, point)| (self.metric.of_rank(self.kernel, rank), point))
                .filter(|(distance, _)| *distance <= radius)
                .map(|(distance, point)| make(distance, point))
                .collect()
        };
        self.asked(
            x,
            |space, queries| each_in(space, n, |i| distances(space.near(self.kernel, queries, i, wide))),
            |space, queries| each_in(space, n, |i| distances(space.near(self.kernel, queries, i, wide))),
        )
    }

    /// How many pairs of a query and a point are within each of the radii.
    ///
    /// # Errors
    /// As [`radius_neighbors`](Self::radius_neighbors).
    pub fn pairs_within(&self, x: &Features<T>, radii: &[f64]) -> Result<Vec<usize>> {
        const OPERATION: &str = "pairs_within";
        let n = self.check(OPERATION, x)?;
        if let Some(radius) = radii.iter().find(|radius| !(**radius >= 0.0)) {
            return Err(Error::value(OPERATION, format!("radius is {radius}: at least 0 expected")));
        }
        let widest = radii.iter().copied().fold(0.0, f64::max);
        let limit = self.metric.to_rank(self.kernel, widest) * (1.0 + 1e-9);
        let count = |near: Vec<(f64, u32)>| {
            let distances: Vec<f64> =
                near.into_iter().map(|(rank, _)| self.metric.of_rank(self.kernel, rank)).collect();
            radii
                .iter()
                .map(|radius| distances.iter().filter(|&distance| distance <= radius).count())
                .collect()
        };
        let counts = self.asked(
            x,
            |space, queries| each_in(space, n, |i| count(space.near(self.kernel, queries, i, limit))),
            |space, queries| each_in(space, n, |i| count(space.near(self.kernel, queries, i, limit))),
        )?;
        let add = |mut sums: Vec<usize>, counts: Vec<usize>| {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            sums
        };
        Ok(counts.into_iter().fold(vec![0; radii.len()], add))
    }

    /// The logarithm of the density of the points at each query: of the sum of what each point spreads there. The density is
    /// off by no more than `atol`, and `rtol` of itself, where that saves work.
    ///
    /// # Errors
    /// `x` has another number of columns or is not finite; `bandwidth` is not positive, or a tolerance negative.
    pub fn log_density(
        &self,
        x: &Features<T>,
        kernel: Kernel,
        bandwidth: f64,
        atol: f64,
        rtol: f64,
    ) -> Result<Vec<f64>> {
        const OPERATION: &str = "log_density";
        let n = self.check(OPERATION, x)?;
        if !(bandwidth > 0.0 && bandwidth.is_finite() && atol >= 0.0 && rtol >= 0.0) {
            let message = format!(
                "bandwidth {bandwidth}, tolerances {atol} and {rtol}: more than 0, at least 0 expected"
            );
            return Err(Error::value(OPERATION, message));
        }
        let [points, d] = self.x.shape();
        let norm = kernel.log_norm(bandwidth, d);
        let log = |rank: f64| kernel.log(self.metric.of_rank(self.kernel, rank) / bandwidth);
        let slack = |nearest: f64| {
            if atol > 0.0 { atol / points as f64 * (-norm - nearest).exp() } else { 0.0 }
        };
        let sums = self.asked(
            x,
            |space, queries| each_in(space, n, |i| log_sum(space, self.kernel, queries, i, log, slack, rtol)),
            |space, queries| each_in(space, n, |i| log_sum(space, self.kernel, queries, i, log, slack, rtol)),
        )?;
        Ok(sums.into_iter().map(|sum| sum + norm).collect())
    }

    /// What is found of queries among the points, of their own element type or where they were moved to.
    fn asked<R>(
        &self,
        x: &Features<T>,
        here: impl FnOnce(&Space<T>, Queries<'_, T>) -> R,
        moved: impl FnOnce(&Space<f64>, Queries<'_, f64>) -> R,
    ) -> Result<R> {
        let d = self.x.shape()[1];
        let dense;
        let rows = match (x, &self.search) {
            (Features::Sparse(x), Search::Here(space @ Space::Sparse(_))) => {
                return Ok(here(space, Queries::Sparse(x)));
            }
            (Features::Dense(x), Search::Here(space @ Space::Sparse(_))) => {
                return Ok(here(space, Queries::Sparse(&CsrMatrix::from_dense(x)?)));
            }
            (Features::Sparse(x), _) => {
                dense = x.to_dense();
                dense.as_slice().unwrap_or_default()
            }
            (Features::Dense(x), _) => {
                dense = x.contiguous();
                dense.as_slice().unwrap_or_default()
            }
        };
        Ok(match &self.search {
            Search::Here(space) => here(space, Queries::Dense(rows, d)),
            Search::Moved(map, space) => moved(space, Queries::Dense(&map.of(rows, d), d)),
        })
    }

    fn check(&self, operation: &str, x: &Features<T>) -> Result<usize> {
        let [n, d] = self.x.shape();
        check_places(operation, self.kernel, d)?;
        check(operation, x, &self.metric)?;
        match x.shape() {
            [rows, columns] if columns == d => Ok(rows),
            [_, columns] => {
                let message = format!("x has {columns} features, the model was fitted on {d} of {n} points");
                Err(Error::shape(operation, message))
            }
        }
    }
}

fn nearest_in<T: Float>(
    space: &Space<T>,
    kernel: nearest::Metric,
    queries: Queries<'_, T>,
    n: usize,
    k: usize,
) -> Vec<(f64, u32)> {
    let mut found = vec![(0.0, 0); n * k];
    threads::for_each_chunk(&mut found, PIECE * k, grain(space) * k, |from, found| {
        space.nearest(kernel, queries, from / k, k, found);
    });
    found
}

/// One answer for each query.
fn each_in<T: Float, R: Clone + Default + Send>(
    space: &Space<T>,
    n: usize,
    answer: impl Fn(usize) -> R + Sync,
) -> Vec<R> {
    let mut found = vec![R::default(); n];
    threads::for_each_chunk(&mut found, 16, grain(space), |from, found| {
        for (i, found) in found.iter_mut().enumerate() {
            *found = answer(from + i);
        }
    });
    found
}

/// The sum of `exp(log)` of the ranks to a query, in logarithms and as shares of that of the nearest point: what is tiny is not
/// lost. `slack` is what a point's share may be off, given that of the nearest.
fn log_sum<T: Float>(
    space: &Space<T>,
    metric: nearest::Metric,
    queries: Queries<'_, T>,
    at: usize,
    log: impl Fn(f64) -> f64,
    slack: impl Fn(f64) -> f64,
    rtol: f64,
) -> f64 {
    let mut first = [(0.0, 0)];
    space.nearest(metric, queries, at, 1, &mut first);
    let nearest = log(first[0].0);
    if nearest == f64::NEG_INFINITY {
        return nearest;
    }
    // A node may be nearer than any point in it: no share is more than 1.
    let share = |rank: f64| (log(rank) - nearest).min(0.0).exp();
    nearest + space.sum(metric, queries, at, share, slack(nearest), rtol).ln()
}

/// Queries that pay for another thread.
fn grain<T: Float>(space: &Space<T>) -> usize {
    (1 << 16) / space.cost().max(1) + 1
}

impl<T: Float> Persist for FittedNearestNeighbors<T> {
    const NAME: &'static str = "NearestNeighbors";

    fn to_record(&self) -> Record {
        let record = record_of::<T>(Self::NAME)
            .with("algorithm", self.algorithm.name())
            .with("leaf_size", self.leaf_size);
        let record = match &self.x {
            Features::Dense(x) => record.with("x", field(x)),
            Features::Sparse(x) => {
                let whole = |list: Vec<i64>| Field::Tensor(Tensor::from(list).into());
                let rows = Record::new("CsrMatrix")
                    .with("columns", x.columns())
                    .with("indptr", whole(x.indptr().iter().map(|&place| place as i64).collect()))
                    .with("indices", whole(x.indices().iter().map(|&column| i64::from(column)).collect()))
                    .with("values", field(&Tensor::from(x.values().to_vec())));
                record.with("x", rows)
            }
        };
        self.metric.in_record(record)
    }

    /// The tree is built again: it follows from the points.
    fn from_record(record: &Record) -> Result<Self> {
        let x = match record.field("x")? {
            Field::Record(rows) => {
                let indptr = whole::<usize>(rows, "indptr")?;
                let shape = [indptr.len().saturating_sub(1), rows.count("columns")?];
                let values = rows.tensor::<T>("values")?.to_vec();
                CsrMatrix::new(shape, indptr, whole::<u32>(rows, "indices")?, values)?.into()
            }
            _ => record.tensor::<T>("x")?.into(),
        };
        NearestNeighbors::new()
            .algorithm(Algorithm::from_name(record.name(), record.text("algorithm")?)?)
            .leaf_size(record.count("leaf_size")?)
            .metric(Metric::of_record(record)?)
            .fit_features(&x)
    }
}

/// Whole numbers of a record that are not negative.
fn whole<I: TryFrom<i64>>(record: &Record, name: &str) -> Result<Vec<I>> {
    let number = |value: i64| {
        I::try_from(value)
            .map_err(|_| record.error(format!("field {name:?} holds {value}, which is no place")))
    };
    record.tensor::<i64>(name)?.to_vec().into_iter().map(number).collect()
}

impl<T: Float> Model<T> for FittedNearestNeighbors<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.x.shape()[1]
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
