//! The nearest points, and those within a radius: how they are to be looked for.

use barehand_kernels::nearest;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::metric::{Map, Metric};
use super::space::Space;
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::Fit;
use crate::validate;

mod fitted;

use fitted::Search;
pub use fitted::{FittedNearestNeighbors, Neighbors};

/// How neighbours are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// A tree for up to 15 columns, of boxes where the metric allows them, else of balls; brute force beyond, where the metric
    /// allows no tree, for sparse rows, and where half of the points are asked for.
    #[default]
    Auto,
    /// Every query with every point.
    Brute,
    /// Boxes within boxes: for differences of coordinates, weighed or mixed, with a power of at least 1.
    KdTree,
    /// Balls within balls: for metrics of which no detour is shorter; of Bray-Curtis and Dice, which are none but come close,
    /// every ball is looked into.
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
#[derive(Clone, Debug, PartialEq)]
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
    /// `x` is no matrix, is empty, or not finite (NaN is a coordinate that is missing for [`Metric::NanEuclidean`]); a tree for a
    /// metric that allows none; parameters of a metric that are none, or of another number of columns.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedNearestNeighbors<T>> {
        self.fit_features(&x.clone().into())
    }

    /// As [`fit`](Self::fit), of dense or sparse rows. Sparse ones are searched as they are, by brute force, for metrics that are
    /// sums over coordinates as they stand.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); also sparse rows for a tree or another metric.
    pub fn fit_features<T: Float>(&self, x: &Features<T>) -> Result<FittedNearestNeighbors<T>> {
        const OPERATION: &str = "NearestNeighbors::fit";
        check(OPERATION, x, &self.metric)?;
        let [n, d] = x.shape();
        if self.n_neighbors == 0 || self.leaf_size == 0 {
            return Err(Error::value(OPERATION, "n_neighbors and leaf_size are at least 1"));
        }
        if u32::try_from(n).is_err() {
            return Err(Error::value(OPERATION, format!("{n} points are more than 32 bits count")));
        }
        let sparse = matches!(x, Features::Sparse(_));
        let algorithm = match self.algorithm {
            Algorithm::Auto if sparse || d > 15 || self.n_neighbors >= n / 2 => Algorithm::Brute,
            Algorithm::Auto => self.metric.algorithm(),
            chosen => chosen,
        };
        let (kernel, search) = match x {
            Features::Dense(x) => {
                let x = x.contiguous();
                let (kernel, map) = self.metric.on(OPERATION, &x)?;
                self.check_tree(OPERATION, kernel, algorithm)?;
                if algorithm != Algorithm::Brute {
                    check_places(OPERATION, kernel, d)?;
                }
                let search = match map {
                    Map::Same => Search::Here(Space::new(x, kernel, algorithm, self.leaf_size)),
                    map => {
                        let moved = map.of(x.as_slice().unwrap_or_default(), d);
                        let moved = Tensor::from_vec(moved, [n, d])?;
                        Search::Moved(map, Space::new(moved, kernel, algorithm, self.leaf_size))
                    }
                };
                (kernel, search)
            }
            Features::Sparse(x) => {
                let (kernel, map) = self.metric.on(OPERATION, &Tensor::<T>::zeros([0, d]))?;
                let missing = matches!(kernel, nearest::Metric::Haversine | nearest::Metric::NanEuclidean);
                if algorithm != Algorithm::Brute || map != Map::Same || missing {
                    let (metric, by) = (self.metric.name(), algorithm.name());
                    let message = format!("sparse rows are not searched by {by} with metric {metric:?}");
                    return Err(Error::value(OPERATION, message));
                }
                (kernel, Search::Here(Space::Sparse(x.clone())))
            }
        };
        let (leaf_size, metric) = (self.leaf_size, self.metric.clone());
        Ok(FittedNearestNeighbors { x: x.clone(), algorithm, leaf_size, metric, kernel, search })
    }

    fn check_tree(&self, operation: &str, kernel: nearest::Metric, algorithm: Algorithm) -> Result<()> {
        let close = matches!(self.metric, Metric::BrayCurtis | Metric::Boolean(nearest::Boolean::Dice));
        let possible = match algorithm {
            Algorithm::KdTree => kernel.has_boxes(),
            Algorithm::BallTree => kernel.has_triangles() || close,
            _ => true,
        };
        if possible {
            return Ok(());
        }
        let (metric, by) = (self.metric.name(), algorithm.name());
        let message =
            format!("a tree needs a metric that tells what is too far away: {metric:?} allows no {by}");
        Err(Error::value(operation, message))
    }
}

/// Refuses features that are empty or not finite.
fn check<T: Float>(operation: &str, x: &Features<T>, metric: &Metric) -> Result<()> {
    match x {
        Features::Dense(x) if *metric == Metric::NanEuclidean => {
            validate::matrix(operation, x)?;
            if x.to_vec().into_iter().any(|value| value.to_f64().is_infinite()) {
                return Err(Error::value(operation, "x holds infinity: numbers, or NaN, expected"));
            }
            Ok(())
        }
        Features::Dense(x) => {
            validate::matrix(operation, x)?;
            validate::finite(operation, x)
        }
        Features::Sparse(x) => {
            validate::not_empty(operation, x.rows(), x.columns())?;
            match x.values().iter().find(|value| !value.is_finite()) {
                None => Ok(()),
                Some(found) => {
                    Err(Error::value(operation, format!("x holds {found}: finite numbers expected")))
                }
            }
        }
    }
}

/// Refuses places that are not a latitude and a longitude.
fn check_places(operation: &str, kernel: nearest::Metric, d: usize) -> Result<()> {
    if kernel == nearest::Metric::Haversine && d != 2 {
        let message = format!("Haversine distance only valid in 2 dimensions, found {d}");
        return Err(Error::value(operation, message));
    }
    Ok(())
}

impl<T: Float> Fit<Tensor<T>> for NearestNeighbors {
    type Fitted = FittedNearestNeighbors<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        NearestNeighbors::fit(self, x)
    }
}

impl<T: Float> Fit<CsrMatrix<T>> for NearestNeighbors {
    type Fitted = FittedNearestNeighbors<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fit_features(&x.clone().into())
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
        Ok(Box::new(self.fit_features(x)?))
    }
}
