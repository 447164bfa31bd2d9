//! How far two points are apart, by the metrics of nearest neighbours that are no plain power of differences.
//!
//! ```text
//! weighted Minkowski     (sum_j w_j |a_j - b_j|^p)^(1/p)
//! standardized Euclidean sqrt(sum_j (a_j - b_j)^2 / V_j)              V: the variances
//! Mahalanobis            sqrt((a - b)^T VI (a - b))                   VI: the inverse of the covariance matrix
//! cosine                 1 - a·b / (|a| |b|)                          1 where a or b is 0
//! correlation            the cosine distance of a - mean(a) and b - mean(b)
//! Hamming                the share of j with a_j != b_j
//! Canberra               sum_j |a_j - b_j| / (|a_j| + |b_j|)          0 / 0 = 0
//! Bray-Curtis            sum_j |a_j - b_j| / sum_j (|a_j| + |b_j|)
//! haversine              2 asin sqrt(sin^2((a_0 - b_0)/2) + cos a_0 cos b_0 sin^2((a_1 - b_1)/2))
//! NaN-Euclidean          sqrt(d / m sum_j (a_j - b_j)^2)              over the m of d coordinates that neither misses
//! ```
//!
//! and of sets, where `tt` coordinates are not 0 in both, `tf` only in `a`, `ft` only in `b`, and `ff` in neither:
//!
//! ```text
//! Dice                   (tf + ft) / (2 tt + tf + ft)
//! Jaccard                (tf + ft) / (tt + tf + ft)
//! Rogers-Tanimoto        2 (tf + ft) / (tt + ff + 2 (tf + ft))
//! Russell-Rao            (tf + ft + ff) / (tt + tf + ft + ff)
//! Sokal-Sneath           2 (tf + ft) / (tt + 2 (tf + ft))
//! Yule                   2 tf ft / (tt ff + tf ft)
//! ```
//!
//! scikit-learn: `DistanceMetric`, `pairwise_distances`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// A metric and its parameters.
#[derive(Clone, Debug)]
pub enum PointDistance {
    /// Weights, one a coordinate, and the power.
    WeightedMinkowski(Array, f64),
    /// Variances, one a coordinate.
    StandardizedEuclidean(Array),
    /// The inverse of the covariance matrix.
    Mahalanobis(Array),
    /// By the angle between points.
    Cosine,
    /// By the angle between points less their means.
    Correlation,
    /// How many coordinates differ.
    Hamming,
    /// Differences as shares of sizes.
    Canberra,
    /// All differences as a share of all sizes.
    BrayCurtis,
    /// Of sets.
    Dice,
    /// Of sets.
    Jaccard,
    /// Of sets.
    RogersTanimoto,
    /// Of sets.
    RussellRao,
    /// Of sets.
    SokalSneath,
    /// Of sets.
    Yule,
    /// Of places on a sphere.
    Haversine,
    /// Of points with missing coordinates.
    NanEuclidean,
}

impl PointDistance {
    /// The distances from each row of `queries` `(m, d)` to each row of `points` `(n, d)`, `(m, n)`.
    pub fn between(&self, queries: &Array, points: &Array, trace: &mut Trace) -> Result<Array> {
        queries.expect_rank("point_distance", "queries", 2)?;
        points.expect_rank("point_distance", "points", 2)?;
        let d = points.shape()[1];
        queries.expect_shape("point_distance", "queries", &[queries.shape()[0], d])?;
        match self {
            PointDistance::WeightedMinkowski(numbers, _) | PointDistance::StandardizedEuclidean(numbers) => {
                numbers.expect_shape("point_distance", "numbers", &[d])?;
            }
            PointDistance::Mahalanobis(inverse) => {
                inverse.expect_shape("point_distance", "inverse", &[d, d])?;
            }
            PointDistance::Haversine if d != 2 => {
                return Err(Error::new("point_distance", format!("places of {d} coordinates: 2 expected")));
            }
            _ => {}
        }
        trace.section("distances of points");
        let row = |x: &Array, i: usize| (0..d).map(|j| x[[i, j]]).collect::<Vec<f64>>();
        let shape = [queries.shape()[0], points.shape()[0]];
        let distances = Array::from_fn(&shape, |at| self.of(&row(queries, at[0]), &row(points, at[1])));
        Ok(trace.step("distance", "of each query to each point", distances))
    }

    fn of(&self, a: &[f64], b: &[f64]) -> f64 {
        let d = a.len();
        match self {
            PointDistance::WeightedMinkowski(w, p) => {
                (0..d).map(|j| w[j] * (a[j] - b[j]).abs().powf(*p)).sum::<f64>().powf(1.0 / p)
            }
            PointDistance::StandardizedEuclidean(v) => {
                (0..d).map(|j| (a[j] - b[j]).powi(2) / v[j]).sum::<f64>().sqrt()
            }
            PointDistance::Mahalanobis(inverse) => {
                let mut square = 0.0;
                for i in 0..d {
                    for j in 0..d {
                        square += (a[i] - b[i]) * inverse[[i, j]] * (a[j] - b[j]);
                    }
                }
                square.sqrt()
            }
            PointDistance::Cosine => {
                let dot = |a: &[f64], b: &[f64]| (0..d).map(|j| a[j] * b[j]).sum::<f64>();
                let lengths = dot(a, a).sqrt() * dot(b, b).sqrt();
                if lengths == 0.0 { 1.0 } else { 1.0 - dot(a, b) / lengths }
            }
            PointDistance::Correlation => {
                let centred = |x: &[f64]| {
                    let mean = x.iter().sum::<f64>() / d as f64;
                    x.iter().map(|x| x - mean).collect::<Vec<f64>>()
                };
                PointDistance::Cosine.of(&centred(a), &centred(b))
            }
            PointDistance::Hamming => (0..d).filter(|&j| a[j] != b[j]).count() as f64 / d as f64,
            PointDistance::Canberra => {
                (0..d).map(|j| ratio((a[j] - b[j]).abs(), a[j].abs() + b[j].abs())).sum()
            }
            PointDistance::BrayCurtis => {
                let apart = (0..d).map(|j| (a[j] - b[j]).abs()).sum();
                ratio(apart, (0..d).map(|j| a[j].abs() + b[j].abs()).sum())
            }
            PointDistance::Haversine => {
                let half = |x: f64, y: f64| ((x - y) / 2.0).sin().powi(2);
                2.0 * (half(a[0], b[0]) + a[0].cos() * b[0].cos() * half(a[1], b[1])).sqrt().asin()
            }
            PointDistance::NanEuclidean => {
                let there: Vec<usize> = (0..d).filter(|&j| !a[j].is_nan() && !b[j].is_nan()).collect();
                let square: f64 = there.iter().map(|&j| (a[j] - b[j]).powi(2)).sum();
                if there.is_empty() { f64::NAN } else { (d as f64 / there.len() as f64 * square).sqrt() }
            }
            _ => self.of_sets(a, b),
        }
    }

    fn of_sets(&self, a: &[f64], b: &[f64]) -> f64 {
        let count = |first: bool, second: bool| {
            a.iter().zip(b).filter(|&(&a, &b)| (a != 0.0) == first && (b != 0.0) == second).count() as f64
        };
        let (tt, tf, ft, ff) =
            (count(true, true), count(true, false), count(false, true), count(false, false));
        match self {
            PointDistance::Dice => ratio(tf + ft, 2.0 * tt + tf + ft),
            PointDistance::Jaccard => ratio(tf + ft, tt + tf + ft),
            PointDistance::RogersTanimoto => ratio(2.0 * (tf + ft), tt + ff + 2.0 * (tf + ft)),
            PointDistance::RussellRao => ratio(tf + ft + ff, tt + tf + ft + ff),
            PointDistance::SokalSneath => ratio(2.0 * (tf + ft), tt + 2.0 * (tf + ft)),
            _ => ratio(2.0 * tf * ft, tt * ff + tf * ft),
        }
    }
}

/// 0 / 0 = 0
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
