//! The nearest points, and what they say together.
//!
//! ```text
//! distance(a, b) = (sum_j |a_j - b_j|^p)^(1/p)        p = 2: Euclidean, 1: Manhattan, infinity: the largest |a_j - b_j|
//! neighbours     = the k points of smallest distance; of equal ones those with the lower index
//! weight         = 1, or 1 / distance; where neighbours lie on the point itself, 1 for them and 0 for all others
//! share_c        = sum of the weights of the neighbours of class c / sum of all weights
//! mean           = sum of weight * target / sum of all weights
//! ```
//!
//! Source: Fix and Hodges, "Discriminatory analysis", 1951. scikit-learn: `KNeighborsClassifier`, `KNeighborsRegressor`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The distances from each row of `queries` `(m, d)` to each row of `points` `(n, d)`.
pub fn distances_between(queries: &Array, points: &Array, p: f64, trace: &mut Trace) -> Result<Array> {
    queries.expect_rank("k_nearest_neighbors", "queries", 2)?;
    points.expect_rank("k_nearest_neighbors", "points", 2)?;
    let d = points.shape()[1];
    queries.expect_shape("k_nearest_neighbors", "queries", &[queries.shape()[0], d])?;
    if !(p > 0.0) {
        return Err(Error::new("k_nearest_neighbors", format!("p = {p}: more than 0 expected")));
    }
    let distance = |index: &[usize]| {
        let apart = (0..d).map(|j| (queries.get(&[index[0], j]) - points.get(&[index[1], j])).abs());
        if p.is_infinite() {
            apart.fold(0.0, f64::max)
        } else {
            apart.map(|x| x.powf(p)).sum::<f64>().powf(1.0 / p)
        }
    };
    let distances = Array::from_fn(&[queries.shape()[0], points.shape()[0]], distance);
    Ok(trace.step("distance", "(sum |a - b|^p)^(1/p)", distances))
}

/// The indices of the `k` nearest points of each row of distances, nearest first.
pub fn nearest(distances: &Array, k: usize, trace: &mut Trace) -> Result<Vec<Vec<usize>>> {
    distances.expect_rank("k_nearest_neighbors", "distances", 2)?;
    let (m, n) = (distances.shape()[0], distances.shape()[1]);
    if k == 0 || k > n {
        return Err(Error::new("k_nearest_neighbors", format!("k = {k} of {n} points")));
    }
    let found: Vec<Vec<usize>> = (0..m)
        .map(|query| {
            let mut order: Vec<usize> = (0..n).collect();
            // A stable sort: of equal distances the lower index stays first.
            order.sort_by(|&a, &b| distances.get(&[query, a]).total_cmp(&distances.get(&[query, b])));
            order.truncate(k);
            order
        })
        .collect();
    let indices = Array::from_fn(&[m, k], |index| found[index[0]][index[1]] as f64);
    trace.step("neighbours", "the k of smallest distance", indices);
    Ok(found)
}

/// What each neighbour counts: all alike, or by the inverse of its distance.
pub fn weights_of_neighbors(
    distances: &Array,
    neighbors: &[Vec<usize>],
    by_distance: bool,
    trace: &mut Trace,
) -> Array {
    let k = neighbors.first().map_or(0, Vec::len);
    let distance = |query: usize, i: usize| distances.get(&[query, neighbors[query][i]]);
    let weight = |index: &[usize]| {
        let (query, i) = (index[0], index[1]);
        if !by_distance {
            1.0
        } else if (0..k).any(|i| distance(query, i) == 0.0) {
            f64::from(u8::from(distance(query, i) == 0.0))
        } else {
            1.0 / distance(query, i)
        }
    };
    trace.step("weight", "1, or 1 / distance", Array::from_fn(&[neighbors.len(), k], weight))
}

/// The share of each class, `(m, classes)`; the largest one, the first of equal ones, is the prediction.
pub fn neighbor_shares(
    classes: &[usize],
    count: usize,
    neighbors: &[Vec<usize>],
    weights: &Array,
    trace: &mut Trace,
) -> Array {
    let mut votes = Array::zeros(&[neighbors.len(), count]);
    for (query, neighbors) in neighbors.iter().enumerate() {
        for (i, &neighbor) in neighbors.iter().enumerate() {
            votes.data_mut()[query * count + classes[neighbor]] += weights.get(&[query, i]);
        }
    }
    let votes = trace.step("votes", "sum of the weights of a class", votes);
    let shares = Array::from_fn(votes.shape(), |index| {
        let total: f64 = (0..count).map(|class| votes.get(&[index[0], class])).sum();
        votes.get(index) / total
    });
    trace.step("share", "votes / sum of votes", shares)
}

/// The weighted mean of the neighbours' targets, `(m)`.
pub fn neighbor_mean(targets: &[f64], neighbors: &[Vec<usize>], weights: &Array, trace: &mut Trace) -> Array {
    let mean = |query: usize| {
        let (mut sum, mut total) = (0.0, 0.0);
        for (i, &neighbor) in neighbors[query].iter().enumerate() {
            sum += weights.get(&[query, i]) * targets[neighbor];
            total += weights.get(&[query, i]);
        }
        sum / total
    };
    let means: Vec<f64> = (0..neighbors.len()).map(mean).collect();
    trace.step("mean", "sum weight target / sum weight", Array::vector(&means))
}
