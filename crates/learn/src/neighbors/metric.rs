//! How far two points are apart.

use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
use barehand_kernels::nearest;
use barehand_tensor::{Error, Float, Result, Tensor};

pub use barehand_kernels::nearest::Boolean;

use super::nearest_neighbors::Algorithm;
use crate::factorization::symmetric_eigen;
use crate::record::Record;

/// How far two points of `D` coordinates are apart. Source: scikit-learn's `DistanceMetric` and `pairwise_distances`.
///
/// ```
/// use barehand_learn::neighbors::{Metric, NearestNeighbors};
/// use barehand_tensor::Tensor;
///
/// let points = Tensor::from([[0.0, 0.0], [3.0, 4.0f64]]);
/// for (metric, expected) in [
///     (Metric::Euclidean, 5.0),
///     (Metric::Manhattan, 7.0),
///     (Metric::StandardizedEuclidean(vec![9.0, 4.0]), 5f64.sqrt()),
///     (Metric::Hamming, 1.0),
/// ] {
///     let found = NearestNeighbors::new().metric(metric).fit(&points)?.kneighbors(&points, 2)?;
///     assert!((found.distances[1] - expected).abs() < 1e-12);
/// }
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Metric {
    /// `sqrt(sum (a - b)^2)`
    #[default]
    Euclidean,
    /// `sum (a - b)^2`
    SquaredEuclidean,
    /// `sum |a - b|`
    Manhattan,
    /// `max |a - b|`
    Chebyshev,
    /// `(sum |a - b|^p)^(1/p)`, `p > 0`.
    Minkowski(f64),
    /// `(sum w |a - b|^p)^(1/p)`
    WeightedMinkowski {
        /// The power, more than 0.
        p: f64,
        /// The weight of each coordinate, none below 0.
        w: Vec<f64>,
    },
    /// `sqrt(sum (a - b)^2 / V)`, of the variance of each coordinate.
    StandardizedEuclidean(Vec<f64>),
    /// `sqrt((a - b)^T VI (a - b))`, of the inverse covariance `(D, D)`.
    Mahalanobis(Vec<f64>),
    /// `1 - a·b / (|a| |b|)`; a point at the origin is at right angles to every other.
    Cosine,
    /// The same of points less the mean of their own coordinates.
    Correlation,
    /// The share of coordinates that differ.
    Hamming,
    /// `sum |a - b| / (|a| + |b|)`, 0 where both are 0.
    Canberra,
    /// `sum |a - b| / sum (|a| + |b|)`
    BrayCurtis,
    /// Of sets: of what is 0 and what is not.
    Boolean(Boolean),
    /// The angle between places on a sphere: a latitude and a longitude, in radians.
    Haversine,
    /// `sqrt(D / m sum (a - b)^2)` over the `m` coordinates that both have, that is, neither is NaN.
    NanEuclidean,
}

/// The parameters of a metric, in scikit-learn's words: what a file or Python says beside its name.
#[derive(Clone, Debug, Default)]
pub struct MetricParams {
    /// The power of `"minkowski"`; 2 by default.
    pub p: Option<f64>,
    /// The weights of `"minkowski"`, `V` of `"seuclidean"`, `VI` of `"mahalanobis"`.
    pub numbers: Option<Vec<f64>>,
}

impl Metric {
    /// scikit-learn's name.
    pub fn name(&self) -> &'static str {
        match self {
            Metric::Euclidean => "euclidean",
            Metric::SquaredEuclidean => "sqeuclidean",
            Metric::Manhattan => "manhattan",
            Metric::Chebyshev => "chebyshev",
            Metric::Minkowski(_) | Metric::WeightedMinkowski { .. } => "minkowski",
            Metric::StandardizedEuclidean(_) => "seuclidean",
            Metric::Mahalanobis(_) => "mahalanobis",
            Metric::Cosine => "cosine",
            Metric::Correlation => "correlation",
            Metric::Hamming => "hamming",
            Metric::Canberra => "canberra",
            Metric::BrayCurtis => "braycurtis",
            Metric::Boolean(Boolean::Dice) => "dice",
            Metric::Boolean(Boolean::Jaccard) => "jaccard",
            Metric::Boolean(Boolean::RogersTanimoto) => "rogerstanimoto",
            Metric::Boolean(Boolean::RussellRao) => "russellrao",
            Metric::Boolean(Boolean::SokalSneath) => "sokalsneath",
            Metric::Boolean(Boolean::Yule) => "yule",
            Metric::Haversine => "haversine",
            Metric::NanEuclidean => "nan_euclidean",
        }
    }

    /// The metric of this name, or of another of scikit-learn's names for it (`"l1"`, `"cityblock"`, `"sokalmichener"`).
    ///
    /// # Errors
    /// There is none, or a parameter that it needs is missing.
    pub fn from_name(operation: &str, name: &str, params: MetricParams) -> Result<Metric> {
        let needed = |what: &str| {
            let given = params.numbers.clone();
            given.ok_or_else(|| Error::value(operation, format!("metric {name:?} needs {what}")))
        };
        Ok(match name {
            "euclidean" | "l2" => Metric::Euclidean,
            "sqeuclidean" => Metric::SquaredEuclidean,
            "manhattan" | "cityblock" | "l1" => Metric::Manhattan,
            "chebyshev" | "infinity" => Metric::Chebyshev,
            "minkowski" | "p" => {
                let p = params.p.unwrap_or(2.0);
                match params.numbers {
                    None => Metric::Minkowski(p),
                    Some(w) => Metric::WeightedMinkowski { p, w },
                }
            }
            "seuclidean" => Metric::StandardizedEuclidean(needed("V, a variance for each feature")?),
            "mahalanobis" => Metric::Mahalanobis(needed("VI, an inverse covariance matrix")?),
            "cosine" => Metric::Cosine,
            "correlation" => Metric::Correlation,
            "hamming" => Metric::Hamming,
            "canberra" => Metric::Canberra,
            "braycurtis" => Metric::BrayCurtis,
            "dice" => Metric::Boolean(Boolean::Dice),
            "jaccard" => Metric::Boolean(Boolean::Jaccard),
            "rogerstanimoto" | "sokalmichener" => Metric::Boolean(Boolean::RogersTanimoto),
            "russellrao" => Metric::Boolean(Boolean::RussellRao),
            "sokalsneath" => Metric::Boolean(Boolean::SokalSneath),
            "yule" => Metric::Boolean(Boolean::Yule),
            "haversine" => Metric::Haversine,
            "nan_euclidean" => Metric::NanEuclidean,
            _ => return Err(Error::value(operation, format!("metric {name:?}"))),
        })
    }

    /// The record `record` with what there is to say about the metric.
    pub(super) fn in_record(&self, record: Record) -> Record {
        let (p, numbers) = match self {
            Metric::Minkowski(p) => (Some(*p), None),
            Metric::WeightedMinkowski { p, w } => (Some(*p), Some(w)),
            Metric::StandardizedEuclidean(numbers) | Metric::Mahalanobis(numbers) => (None, Some(numbers)),
            _ => (None, None),
        };
        let record = record.with("metric", self.name()).with("p", p);
        match numbers {
            Some(numbers) => record.with("metric_numbers", numbers.as_slice()),
            None => record,
        }
    }

    /// The metric that a record tells of.
    pub(super) fn of_record(record: &Record) -> Result<Metric> {
        let p = if record.is_set("p") { Some(record.float("p")?) } else { None };
        let numbers = if record.is_set("metric_numbers") {
            Some(record.tensor::<f64>("metric_numbers")?.to_vec())
        } else {
            None
        };
        Metric::from_name(record.name(), record.text("metric")?, MetricParams { p, numbers })
    }

    /// The algorithm that scikit-learn would choose where there are few columns.
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Metric::Euclidean | Metric::Manhattan | Metric::Chebyshev => Algorithm::KdTree,
            Metric::Minkowski(p) if *p >= 1.0 => Algorithm::KdTree,
            Metric::WeightedMinkowski { p, .. } if *p >= 1.0 => Algorithm::BallTree,
            Metric::Minkowski(_)
            | Metric::WeightedMinkowski { .. }
            | Metric::SquaredEuclidean
            | Metric::Cosine
            | Metric::Correlation
            | Metric::Boolean(Boolean::Yule)
            | Metric::NanEuclidean => Algorithm::Brute,
            _ => Algorithm::BallTree,
        }
    }

    /// What [`nearest::ranks`] gives at a distance.
    pub(super) fn to_rank(&self, kernel: nearest::Metric, distance: f64) -> f64 {
        if *self == Metric::SquaredEuclidean { distance } else { kernel.to_rank(distance) }
    }

    /// The distance of what [`nearest::ranks`] gives.
    pub(super) fn of_rank(&self, kernel: nearest::Metric, rank: f64) -> f64 {
        if *self == Metric::SquaredEuclidean { rank } else { kernel.of_rank(rank) }
    }

    /// The metric as the kernels have it, and where they find it: between the points themselves, or between others that
    /// are made of points like `x`, `(N, D)`.
    ///
    /// # Errors
    /// Parameters that are none, or of another number of columns.
    pub(super) fn on<T: Float>(&self, operation: &str, x: &Tensor<T>) -> Result<(nearest::Metric, Map)> {
        let d = x.shape()[1];
        let expect = |what: &str, numbers: &[f64], count: usize, allowed: fn(f64) -> bool| {
            if numbers.len() == count && numbers.iter().all(|&number| allowed(number)) {
                return Ok(());
            }
            let found = numbers.len();
            let message =
                format!("{what} holds {found} numbers: {count} expected, finite and in their range");
            Err(Error::value(operation, message))
        };
        let power = |p: f64| match p {
            1.0 => Ok(nearest::Metric::Manhattan),
            2.0 => Ok(nearest::Metric::Euclidean),
            p if p == f64::INFINITY => Ok(nearest::Metric::Chebyshev),
            p if p > 0.0 => Ok(nearest::Metric::Minkowski(p)),
            p => Err(Error::value(operation, format!("p is {p}: more than 0 expected"))),
        };
        let scale = |factors: Vec<f64>| Map::Scale { mean: mean(x), factors };
        Ok(match self {
            Metric::Euclidean | Metric::SquaredEuclidean => (nearest::Metric::Euclidean, Map::Same),
            Metric::Manhattan => (nearest::Metric::Manhattan, Map::Same),
            Metric::Chebyshev => (nearest::Metric::Chebyshev, Map::Same),
            Metric::Minkowski(p) => (power(*p)?, Map::Same),
            Metric::WeightedMinkowski { p, w } => {
                expect("w", w, d, |w| w >= 0.0 && w.is_finite())?;
                let kernel = power(*p)?;
                // Of the largest coordinate alone what matters is whether it counts at all.
                let factor = |&w: &f64| if w > 0.0 { w.powf(1.0 / p) } else { 0.0 };
                (kernel, scale(w.iter().map(factor).collect()))
            }
            Metric::StandardizedEuclidean(variances) => {
                expect("V", variances, d, |v| v > 0.0 && v.is_finite())?;
                (nearest::Metric::Euclidean, scale(variances.iter().map(|v| 1.0 / v.sqrt()).collect()))
            }
            Metric::Mahalanobis(inverse) => {
                expect("VI", inverse, d.saturating_mul(d), f64::is_finite)?;
                (
                    nearest::Metric::Euclidean,
                    Map::Linear { mean: mean(x), root: root(operation, inverse, d)? },
                )
            }
            Metric::Cosine => (nearest::Metric::Cosine, Map::Same),
            Metric::Correlation => (nearest::Metric::Cosine, Map::Centred),
            Metric::Hamming => (nearest::Metric::Hamming, Map::Same),
            Metric::Canberra => (nearest::Metric::Canberra, Map::Same),
            Metric::BrayCurtis => (nearest::Metric::BrayCurtis, Map::Same),
            Metric::Boolean(boolean) => (nearest::Metric::Boolean(*boolean), Map::Same),
            Metric::Haversine => (nearest::Metric::Haversine, Map::Same),
            Metric::NanEuclidean => (nearest::Metric::NanEuclidean, Map::Same),
        })
    }
}

/// Where a metric is one of the kernels'.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Map {
    /// Between the points themselves.
    Same,
    /// `(x - mean) factors`. Their mean is taken away so that what follows rounds the differences of points, not the points.
    Scale { mean: Vec<f64>, factors: Vec<f64> },
    /// `(x - mean) root`, of a matrix `(D, D)`.
    Linear { mean: Vec<f64>, root: Vec<f64> },
    /// `x` less the mean of its own coordinates.
    Centred,
}

impl Map {
    /// Points `x`, `(n, d)`, there.
    pub(super) fn of<T: Float>(&self, x: &[T], d: usize) -> Vec<f64> {
        let mut moved: Vec<f64> = x.iter().map(|value| value.to_f64()).collect();
        let less = |row: &mut [f64], mean: &[f64]| row.iter_mut().zip(mean).for_each(|(x, mean)| *x -= mean);
        for row in moved.chunks_exact_mut(d) {
            match self {
                Map::Same => {}
                Map::Scale { mean, factors } => {
                    less(row, mean);
                    row.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
                }
                Map::Linear { mean, .. } => less(row, mean),
                Map::Centred => {
                    let mean = row.iter().sum::<f64>() / d as f64;
                    row.iter_mut().for_each(|x| *x -= mean);
                }
            }
        }
        let Map::Linear { root, .. } = self else {
            return moved;
        };
        let n = x.len() / d;
        let mut out = vec![0.0; n * d];
        let (moved, root) = (Matrix::row_major(&moved, n, d), Matrix::row_major(root, d, d));
        f64::gemm(1.0, moved, root, 0.0, MatrixMut::row_major(&mut out, n, d));
        out
    }
}

/// The mean of points `(N, D)`.
pub(super) fn mean<T: Float>(x: &Tensor<T>) -> Vec<f64> {
    let x = x.contiguous();
    let (n, d) = (x.shape()[0], x.shape()[1]);
    let mut mean = vec![0.0; d];
    for row in x.as_slice().unwrap_or_default().chunks_exact(d.max(1)) {
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += value.to_f64() / n as f64;
        }
    }
    mean
}

/// `R` with `VI = R R^T`: `(a - b)^T VI (a - b)` is the square of the length of `(a - b) R`.
fn root(operation: &str, inverse: &[f64], d: usize) -> Result<Vec<f64>> {
    let even: Vec<f64> = (0..d * d).map(|i| 0.5 * (inverse[i] + inverse[i % d * d + i / d])).collect();
    let (values, vectors) = symmetric_eigen(&even, d)?;
    let largest = values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    if values.iter().any(|&value| value < -1e-10 * largest) {
        return Err(Error::value(
            operation,
            "VI has a negative eigenvalue: no square of a distance is below 0",
        ));
    }
    // Eigenvectors are rows; those of the root are its columns.
    let lengths: Vec<f64> = values.iter().map(|value| value.max(0.0).sqrt()).collect();
    Ok((0..d * d).map(|at| vectors[at % d * d + at / d] * lengths[at % d]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_metrics() {
        let numbers = || Some(vec![1.0]);
        for name in ["euclidean", "sqeuclidean", "manhattan", "chebyshev", "cosine", "correlation", "hamming"]
            .into_iter()
            .chain(["canberra", "braycurtis", "dice", "jaccard", "rogerstanimoto", "russellrao", "yule"])
            .chain(["sokalsneath", "haversine", "nan_euclidean", "minkowski", "seuclidean", "mahalanobis"])
        {
            let metric =
                Metric::from_name("test", name, MetricParams { p: Some(3.0), numbers: numbers() }).unwrap();
            assert_eq!(metric.name(), name);
            let record = metric.in_record(Record::new("test"));
            assert_eq!(Metric::of_record(&record).unwrap(), metric);
        }
        let error = Metric::from_name("fit", "seuclidean", MetricParams::default()).unwrap_err();
        assert_eq!(error.to_string(), "fit: metric \"seuclidean\" needs V, a variance for each feature");
        assert!(Metric::from_name("fit", "nearest", MetricParams::default()).is_err());
    }

    #[test]
    fn a_root_multiplies_back() {
        let (a, x) = ([5.0, 1.0, 1.0, 2.0], Tensor::from([[1.0, 1.0], [-1.0, -1.0]]));
        let (kernel, map) = Metric::Mahalanobis(a.to_vec()).on("test", &x).unwrap();
        let moved = map.of(&[1.0, 2.0, 0.0, 0.0], 2);
        let mut rank = [0.0];
        nearest::ranks(kernel, &moved[..2], &moved[2..], &mut rank);
        // 5 + 2 * 2 + 2 * 4
        assert!((rank[0] - 17.0).abs() < 1e-12);
        assert!(Metric::Mahalanobis(vec![1.0, 0.0, 0.0, -1.0]).on("test", &x).is_err());
        assert!(Metric::Mahalanobis(vec![1.0]).on("test", &x).is_err());
        assert!(Metric::StandardizedEuclidean(vec![1.0, 0.0]).on("test", &x).is_err());
    }
}
