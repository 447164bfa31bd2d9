//! The nearest points, and those within a radius.

use std::any::Any;

use barehand_kernels::nearest::Metric;
use barehand_kernels::threads;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::brute::{self, Rounded};
use super::space_tree::SpaceTree;
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::Fit;
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;
use crate::validate;

/// Queries in one piece of work.
const PIECE: usize = 192;

/// How neighbours are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// A k-d tree for up to 15 columns, brute force beyond; brute force also for cosines, for powers below 1, and where half
    /// of the points are asked for.
    #[default]
    Auto,
    /// Every query with every point.
    Brute,
    /// Boxes within boxes.
    KdTree,
    /// Balls within balls.
    BallTree,
}

impl Algorithm {
    /// scikit-learn's name.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Auto => "auto",
            Algorithm::Brute => "brute",
            Algorithm::KdTree => "kd_tree",
            Algorithm::BallTree => "ball_tree",
        }
    }

    /// The algorithm of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn from_name(operation: &str, name: &str) -> Result<Self> {
        let all = [Algorithm::Auto, Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree];
        let found = all.into_iter().find(|algorithm| algorithm.name() == name);
        found.ok_or_else(|| {
            Error::value(operation, format!("algorithm {name:?}: auto, brute, kd_tree or ball_tree expected"))
        })
    }
}

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

/// Finds the points that are nearest to others.
///
/// Distances are exact to rounding, whichever algorithm finds them, and so are ties. Source: scikit-learn's
/// `NearestNeighbors`.
///
/// ```
/// use barehand_learn::neighbors::NearestNeighbors;
/// use barehand_tensor::Tensor;
///
/// let points = Tensor::from([[0.0, 0.0], [0.0, 0.5], [1.0, 1.0f64]]);
/// let model = NearestNeighbors::new().fit(&points)?;
/// let found = model.kneighbors(&Tensor::from([[1.0, 0.0]]), 2)?;
/// assert_eq!((found.indices, found.distances), (vec![0, 2], vec![1.0, 1.0]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearestNeighbors {
    pub(super) n_neighbors: usize,
    algorithm: Algorithm,
    leaf_size: usize,
    metric: Metric,
}

impl Default for NearestNeighbors {
    fn default() -> Self {
        NearestNeighbors {
            n_neighbors: 5,
            algorithm: Algorithm::Auto,
            leaf_size: 30,
            metric: Metric::Euclidean,
        }
    }
}

impl NearestNeighbors {
    /// Euclidean distances, by whichever algorithm is faster.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many neighbours will be asked for, for the choice of [`Algorithm::Auto`] (default: 5).
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.n_neighbors = n_neighbors;
        self
    }

    /// How they are looked for (default: whichever way is faster).
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// How many points a leaf of a tree holds at most (default: 30).
    pub fn leaf_size(mut self, leaf_size: usize) -> Self {
        self.leaf_size = leaf_size;
        self
    }

    /// How far two points are apart (default: Euclidean).
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// The points `(N, D)` in the order in which they are searched.
    ///
    /// # Errors
    /// `x` is no matrix, is empty or not finite; a tree for a metric that is none.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedNearestNeighbors<T>> {
        const OPERATION: &str = "NearestNeighbors::fit";
        let (n, d) = validate::matrix(OPERATION, x)?;
        validate::finite(OPERATION, x)?;
        if self.n_neighbors == 0 || self.leaf_size == 0 {
            return Err(Error::value(OPERATION, "n_neighbors and leaf_size are at least 1"));
        }
        let triangles = match self.metric {
            Metric::Minkowski(p) if !(p > 0.0 && p.is_finite()) => {
                return Err(Error::value(OPERATION, format!("p is {p}: more than 0 expected")));
            }
            Metric::Minkowski(p) => p >= 1.0,
            Metric::Cosine => false,
            _ => true,
        };
        let algorithm = match self.algorithm {
            Algorithm::Auto if d > 15 || self.n_neighbors >= n / 2 || !triangles => Algorithm::Brute,
            Algorithm::Auto => Algorithm::KdTree,
            chosen => chosen,
        };
        if !triangles && algorithm != Algorithm::Brute {
            let message = "a tree needs a metric: cosines, and powers below 1, are found by brute force";
            return Err(Error::value(OPERATION, message));
        }
        if u32::try_from(n).is_err() {
            return Err(Error::value(OPERATION, format!("{n} points are more than 32 bits count")));
        }
        let x = x.contiguous();
        let points = x.as_slice().unwrap_or_default();
        let search = match (algorithm, self.metric) {
            (Algorithm::KdTree | Algorithm::BallTree, metric) => {
                let balls = algorithm == Algorithm::BallTree;
                Search::Tree(SpaceTree::new(points, d, self.leaf_size, metric, balls))
            }
            (_, Metric::Euclidean) => Search::Brute(Rounded::new(points, d)),
            _ => Search::Brute(None),
        };
        Ok(FittedNearestNeighbors { x, algorithm, leaf_size: self.leaf_size, metric: self.metric, search })
    }
}

impl<T: Float> Fit<Tensor<T>> for NearestNeighbors {
    type Fitted = FittedNearestNeighbors<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        NearestNeighbors::fit(self, x)
    }
}

impl<T: Float> Estimator<T> for NearestNeighbors {
    fn name(&self) -> &'static str {
        "NearestNeighbors"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights("NearestNeighbors", sample_weight)?;
        Ok(Box::new(NearestNeighbors::fit(self, x.dense("NearestNeighbors")?)?))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Search<T> {
    Brute(Option<Rounded>),
    Tree(SpaceTree<T>),
}

/// What [`NearestNeighbors`] searches.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedNearestNeighbors<T: Float> {
    x: Tensor<T>,
    algorithm: Algorithm,
    leaf_size: usize,
    metric: Metric,
    search: Search<T>,
}

impl<T: Float> FittedNearestNeighbors<T> {
    /// The points, `(N, D)`.
    pub fn points(&self) -> &Tensor<T> {
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
        const OPERATION: &str = "kneighbors";
        let n = self.check(OPERATION, x)?;
        let points = self.x.shape()[0];
        if k == 0 || k > points {
            let message = format!("{k} neighbours asked for: from 1 to {points} expected");
            return Err(Error::value(OPERATION, message));
        }
        let (x, d) = (x.contiguous(), self.x.shape()[1]);
        let queries = x.as_slice().unwrap_or_default();
        let fitted = self.x.as_slice().unwrap_or_default();
        let mut found = vec![(0.0, 0u32); n * k];
        threads::for_each_chunk(&mut found, PIECE * k, self.grain() * k, |from, found| {
            let from = from / k;
            let queries = &queries[from * d..(from + found.len() / k) * d];
            match &self.search {
                Search::Brute(rounded) => {
                    found.copy_from_slice(&brute::nearest(
                        self.metric,
                        fitted,
                        rounded.as_ref(),
                        queries,
                        d,
                        k,
                    ));
                }
                Search::Tree(tree) => {
                    for (query, found) in queries.chunks_exact(d).zip(found.chunks_exact_mut(k)) {
                        found.copy_from_slice(&tree.nearest(self.metric, query, k));
                    }
                }
            }
        });
        Ok(Neighbors {
            k,
            distances: found.iter().map(|&(rank, _)| self.metric.of_rank(rank)).collect(),
            indices: found.iter().map(|&(_, point)| point as usize).collect(),
        })
    }

    /// Every point within `radius` of each query `(N, D)`, itself included: distances and indices, by index.
    ///
    /// # Errors
    /// `x` has another number of columns or is not finite, or `radius` is negative.
    pub fn radius_neighbors(&self, x: &Tensor<T>, radius: f64) -> Result<Vec<Vec<(f64, usize)>>> {
        const OPERATION: &str = "radius_neighbors";
        let n = self.check(OPERATION, x)?;
        if !(radius >= 0.0) {
            return Err(Error::value(OPERATION, format!("radius is {radius}: at least 0 expected")));
        }
        let (x, d) = (x.contiguous(), self.x.shape()[1]);
        let queries = x.as_slice().unwrap_or_default();
        let fitted = self.x.as_slice().unwrap_or_default();
        let limit = self.metric.to_rank(radius);
        let mut found: Vec<Vec<(f64, usize)>> = vec![Vec::new(); n];
        threads::for_each_chunk(&mut found, 16, self.grain(), |from, found| {
            for (i, found) in found.iter_mut().enumerate() {
                let query = &queries[(from + i) * d..(from + i + 1) * d];
                // A root may be rounded past the radius, or a square before it: distances decide.
                let wide = limit * (1.0 + 1e-9);
                let near = match &self.search {
                    Search::Brute(_) => brute::near(self.metric, fitted, query, wide),
                    Search::Tree(tree) => tree.near(self.metric, query, wide),
                };
                *found = near
                    .into_iter()
                    .map(|(rank, point)| (self.metric.of_rank(rank), point as usize))
                    .filter(|(distance, _)| *distance <= radius)
                    .collect();
            }
        });
        Ok(found)
    }

    fn check(&self, operation: &str, x: &Tensor<T>) -> Result<usize> {
        let n = validate::matrix_of(operation, x, self.x.shape()[1])?;
        validate::finite(operation, x)?;
        Ok(n)
    }

    /// Queries that pay for another thread.
    fn grain(&self) -> usize {
        let cost = match self.search {
            Search::Brute(_) => self.x.len(),
            Search::Tree(_) => 1 << 12,
        };
        (1 << 16) / cost.max(1) + 1
    }
}

impl<T: Float> Persist for FittedNearestNeighbors<T> {
    const NAME: &'static str = "NearestNeighbors";

    fn to_record(&self) -> Record {
        let (metric, p) = match self.metric {
            Metric::Euclidean => ("euclidean", None),
            Metric::Manhattan => ("manhattan", None),
            Metric::Chebyshev => ("chebyshev", None),
            Metric::Cosine => ("cosine", None),
            Metric::Minkowski(p) => ("minkowski", Some(p)),
        };
        record_of::<T>(Self::NAME)
            .with("x", field(&self.x))
            .with("algorithm", self.algorithm.name())
            .with("leaf_size", self.leaf_size)
            .with("metric", metric)
            .with("p", p)
    }

    /// The tree is built again: it follows from the points.
    fn from_record(record: &Record) -> Result<Self> {
        let metric = match record.text("metric")? {
            "euclidean" => Metric::Euclidean,
            "manhattan" => Metric::Manhattan,
            "chebyshev" => Metric::Chebyshev,
            "cosine" => Metric::Cosine,
            "minkowski" => Metric::Minkowski(record.float("p")?),
            other => return Err(record.error(format!("metric {other:?}"))),
        };
        NearestNeighbors::new()
            .algorithm(Algorithm::from_name(record.name(), record.text("algorithm")?)?)
            .leaf_size(record.count("leaf_size")?)
            .metric(metric)
            .fit(&record.tensor::<T>("x")?)
    }
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
