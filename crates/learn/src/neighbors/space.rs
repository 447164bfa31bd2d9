//! Points where one of the kernels' metrics is theirs, and how they are searched there.

use barehand_kernels::nearest::Metric;
use barehand_tensor::{CsrMatrix, Float, Tensor};

use super::brute::{self, Rounded};
use super::nearest_neighbors::Algorithm;
use super::space_tree::SpaceTree;
use super::sparse;

/// Points and the way to those that are near.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Space<T: Float> {
    /// Compared with every query; with their copy in f32 for Euclidean distances.
    Brute(Tensor<T>, Option<Rounded>),
    /// Boxes or balls.
    Tree(SpaceTree<T>),
    /// Compared with every query.
    Sparse(CsrMatrix<T>),
}

/// Queries of the same element type and kind.
#[derive(Clone, Copy)]
pub(super) enum Queries<'a, T> {
    Dense(&'a [T], usize),
    Sparse(&'a CsrMatrix<T>),
}

impl<T: Float> Space<T> {
    /// Dense points `(N, D)`.
    pub(super) fn new(points: Tensor<T>, metric: Metric, algorithm: Algorithm, leaf_size: usize) -> Self {
        let d = points.shape()[1];
        if matches!(algorithm, Algorithm::KdTree | Algorithm::BallTree) {
            let balls = algorithm == Algorithm::BallTree;
            let points = points.as_slice().unwrap_or_default();
            return Space::Tree(SpaceTree::new(points, d, leaf_size, metric, balls));
        }
        let rounded = if metric == Metric::Euclidean { Rounded::new(&points) } else { None };
        Space::Brute(points, rounded)
    }

    /// What a query costs, in numbers looked at.
    pub(super) fn cost(&self) -> usize {
        match self {
            Space::Brute(points, _) => points.len(),
            Space::Tree(_) => 1 << 12,
            Space::Sparse(points) => points.stored() + points.rows(),
        }
    }

    /// The `found.len() / k` queries from `from` on: of each the `k` nearest points with their ranks.
    pub(super) fn nearest(
        &self,
        metric: Metric,
        queries: Queries<'_, T>,
        from: usize,
        k: usize,
        found: &mut [(f64, u32)],
    ) {
        match (self, queries) {
            (Space::Brute(points, rounded), Queries::Dense(queries, d)) => {
                let points = points.as_slice().unwrap_or_default();
                let queries = &queries[from * d..(from + found.len() / k) * d];
                found.copy_from_slice(&brute::nearest(metric, points, rounded.as_ref(), queries, d, k));
            }
            (Space::Tree(tree), Queries::Dense(queries, d)) => {
                for (query, found) in queries[from * d..].chunks_exact(d).zip(found.chunks_exact_mut(k)) {
                    found.copy_from_slice(&tree.nearest(metric, query, k));
                }
            }
            (Space::Sparse(points), Queries::Sparse(queries)) => {
                for (i, found) in found.chunks_exact_mut(k).enumerate() {
                    let ranked = sparse::ranks(metric, queries.row(from + i), points);
                    found.copy_from_slice(&brute::first(ranked.collect(), k));
                }
            }
            _ => {}
        }
    }

    /// Every point whose rank to the query at `at` is at most `limit`, by index.
    pub(super) fn near(
        &self,
        metric: Metric,
        queries: Queries<'_, T>,
        at: usize,
        limit: f64,
    ) -> Vec<(f64, u32)> {
        match (self, queries) {
            (Space::Brute(points, rounded), Queries::Dense(queries, d)) => {
                let points = points.as_slice().unwrap_or_default();
                brute::near(metric, points, rounded.as_ref(), &queries[at * d..(at + 1) * d], limit)
            }
            (Space::Tree(tree), Queries::Dense(queries, d)) => {
                tree.near(metric, &queries[at * d..(at + 1) * d], limit)
            }
            (Space::Sparse(points), Queries::Sparse(queries)) => {
                sparse::ranks(metric, queries.row(at), points).filter(|(rank, _)| *rank <= limit).collect()
            }
            _ => Vec::new(),
        }
    }
    /// The sum over all points of a value that falls with their rank to the query at `at`; as [`SpaceTree::sum`] where there is
    /// one, exact elsewhere.
    pub(super) fn sum(
        &self,
        metric: Metric,
        queries: Queries<'_, T>,
        at: usize,
        value: impl Fn(f64) -> f64,
        slack: f64,
        share: f64,
    ) -> f64 {
        match (self, queries) {
            (Space::Tree(tree), Queries::Dense(queries, d)) => {
                tree.sum(metric, &queries[at * d..(at + 1) * d], value, slack, share)
            }
            _ => self.near(metric, queries, at, f64::INFINITY).into_iter().map(|(rank, _)| value(rank)).sum(),
        }
    }
}
