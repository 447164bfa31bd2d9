//! Every query is compared with every point.
//!
//! For Euclidean distances the products of a block of queries with a block of points come from one matrix product in f32,
//! of points moved to their mean and scaled to one. They are off by no more than a bound that follows from the number of
//! columns, so that all that may be among the nearest is kept, and compared again, exactly, in f64.

use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
use barehand_kernels::nearest::{Metric, ranks, within};
use barehand_tensor::{Float, Tensor};

use super::metric::mean;

/// Queries and points of one matrix product: the products stay in the second cache.
const QUERIES: usize = 192;
const POINTS: usize = 1024;

/// The rounding of f32.
const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// Queries whose coordinates are more than this many times as large as any point's are compared in f64 at once.
const FAR: f64 = 1e6;

/// Points near their mean, in f32, and half the square of the length of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rounded {
    mean: Vec<f64>,
    scale: f64,
    points: Vec<f32>,
    half_squares: Vec<f32>,
    /// The largest length of a point.
    radius: f64,
}

impl Rounded {
    /// Of points `x`, `(n, d)`; None where they are not finite or all alike, which f32 cannot tell apart.
    pub(super) fn new<T: Float>(points: &Tensor<T>) -> Option<Rounded> {
        let (n, d) = (points.shape()[0], points.shape()[1]);
        let mean = mean(points);
        let x = points.as_slice()?;
        let centered = |row: &[T], mean: &[f64]| -> Vec<f64> {
            row.iter().zip(mean).map(|(value, mean)| value.to_f64() - mean).collect()
        };
        let mut scale = 0.0f64;
        for row in x.chunks_exact(d) {
            scale = centered(row, &mean).iter().fold(scale, |most, value| most.max(value.abs()));
        }
        if !(scale.is_finite() && scale > 0.0 && mean.iter().all(|mean| mean.is_finite())) {
            return None;
        }
        let mut rounded = Rounded { mean, scale, points: Vec::new(), half_squares: Vec::new(), radius: 0.0 };
        rounded.points.reserve(n * d);
        for row in x.chunks_exact(d) {
            let at = rounded.points.len();
            rounded.points.extend(centered(row, &rounded.mean).iter().map(|value| (value / scale) as f32));
            let square: f64 =
                rounded.points[at..].iter().map(|&value| f64::from(value) * f64::from(value)).sum();
            rounded.half_squares.push((0.5 * square) as f32);
            rounded.radius = rounded.radius.max(square.sqrt());
        }
        Some(rounded)
    }

    /// By how much half a squared distance from a query of this length may be off.
    fn bound(&self, length: f64, d: usize) -> f64 {
        // d products and their sums, both operands rounded; a squared length, rounded, and the difference of the two.
        1.01 * UNIT * ((d as f64 + 6.0) * length * self.radius + 4.0 * self.radius * self.radius) + 1e-30
    }
}

/// The `k` nearest of `points`, `(n, d)`, to each query, with [`ranks`] ascending, the lower index first where equal.
pub(super) fn nearest<T: Float>(
    metric: Metric,
    points: &[T],
    rounded: Option<&Rounded>,
    queries: &[T],
    d: usize,
    k: usize,
) -> Vec<(f64, u32)> {
    let mut out = Vec::with_capacity(queries.len() / d * k);
    for queries in queries.chunks(QUERIES * d) {
        if let Some(rounded) = rounded
            && let Some(shifted) = shift(rounded, queries, d)
        {
            for (query, candidates) in queries.chunks_exact(d).zip(candidates(rounded, &shifted, d, k)) {
                out.extend(exact(metric, points, query, d, k, &candidates));
            }
            continue;
        }
        let n = points.len() / d;
        let mut rank = vec![0.0; n];
        for query in queries.chunks_exact(d) {
            ranks(metric, query, points, &mut rank);
            let all = rank.iter().enumerate().map(|(i, &rank)| (rank, i as u32)).collect();
            out.extend(first(all, k));
        }
    }
    out
}

/// Every point whose rank is at most `limit`, by index.
pub(super) fn near<T: Float>(
    metric: Metric,
    points: &[T],
    rounded: Option<&Rounded>,
    query: &[T],
    limit: f64,
) -> Vec<(f64, u32)> {
    let d = query.len();
    if let Some(rounded) = rounded
        && limit.is_finite()
        && let Some(shifted) = shift(rounded, query, d)
    {
        let candidates = candidates_within(rounded, &shifted, limit).into_iter();
        let ranked = candidates.map(|point| {
            let mut rank = [0.0];
            ranks(metric, query, &points[point as usize * d..(point as usize + 1) * d], &mut rank);
            (rank[0], point)
        });
        return ranked.filter(|(rank, _)| *rank <= limit).collect();
    }
    let mut rank = vec![0.0; points.len() / d];
    ranks(metric, query, points, &mut rank);
    let all = rank.into_iter().enumerate().filter(|(_, rank)| *rank <= limit);
    all.map(|(i, rank)| (rank, i as u32)).collect()
}

/// Queries moved and scaled like the points; None where they are too far away for f32.
fn shift<T: Float>(rounded: &Rounded, queries: &[T], d: usize) -> Option<Vec<f32>> {
    let mut shifted = Vec::with_capacity(queries.len());
    for query in queries.chunks_exact(d) {
        for (value, mean) in query.iter().zip(&rounded.mean) {
            let value = (value.to_f64() - mean) / rounded.scale;
            if !(value.abs() <= FAR) {
                return None;
            }
            shifted.push(value as f32);
        }
    }
    Some(shifted)
}

/// For each query the points that may be among its `k` nearest.
fn candidates(rounded: &Rounded, queries: &[f32], d: usize, k: usize) -> Vec<Vec<u32>> {
    let m = queries.len() / d;
    let mut kept: Vec<Vec<(f32, u32)>> = vec![Vec::new(); m];
    let mut limits = vec![f32::INFINITY; m];
    let slack: Vec<f64> = queries
        .chunks_exact(d)
        .map(|query| {
            let square: f64 = query.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
            2.0 * rounded.bound(square.sqrt(), d)
        })
        .collect();
    let mut products = vec![0.0; m * POINTS];
    let tighten = |kept: &mut Vec<(f32, u32)>, limit: &mut f32, slack: f64| {
        if kept.len() >= k {
            let (_, kth, _) = kept.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0));
            // Rounded up: a limit that is too low loses a neighbour.
            *limit = ((f64::from(kth.0) + slack) as f32).next_up();
            kept.retain(|candidate| candidate.0 <= *limit);
        }
    };
    for (block, points) in rounded.points.chunks(POINTS * d).enumerate() {
        let n = points.len() / d;
        let products = &mut products[..m * n];
        f32::gemm(
            1.0,
            Matrix::row_major(queries, m, d),
            Matrix::row_major(points, n, d).transpose(),
            0.0,
            MatrixMut::row_major(products, m, n),
        );
        let first = block * POINTS;
        let half_squares = &rounded.half_squares[first..first + n];
        for (query, products) in products.chunks_exact(n).enumerate() {
            within(half_squares, products, limits[query], first as u32, &mut kept[query]);
            if kept[query].len() > 4 * k + 64 {
                tighten(&mut kept[query], &mut limits[query], slack[query]);
            }
        }
    }
    kept.into_iter()
        .enumerate()
        .map(|(query, mut kept)| {
            tighten(&mut kept, &mut limits[query], slack[query]);
            kept.into_iter().map(|(_, point)| point).collect()
        })
        .collect()
}

/// The points that may be within a squared distance of `limit` from a query, by index.
fn candidates_within(rounded: &Rounded, query: &[f32], limit: f64) -> Vec<u32> {
    let d = query.len();
    let square: f64 = query.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    // |x|^2 / 2 - x q = (|x - q|^2 - |q|^2) / 2, and the rounding of q counts in its own square, too.
    let most = 0.5 * (limit / rounded.scale / rounded.scale - square);
    let most = ((most + rounded.bound(square.sqrt(), d) + 4.0 * UNIT * square) as f32).next_up();
    let mut found = Vec::new();
    let mut products = [0.0; POINTS];
    for (block, points) in rounded.points.chunks(POINTS * d).enumerate() {
        let (n, first) = (points.len() / d, block * POINTS);
        let products = &mut products[..n];
        f32::gemm(
            1.0,
            Matrix::row_major(points, n, d),
            Matrix::row_major(query, d, 1),
            0.0,
            MatrixMut::row_major(products, n, 1),
        );
        within(&rounded.half_squares[first..first + n], products, most, first as u32, &mut found);
    }
    found.into_iter().map(|(_, point)| point).collect()
}

fn exact<T: Float>(
    metric: Metric,
    points: &[T],
    query: &[T],
    d: usize,
    k: usize,
    candidates: &[u32],
) -> Vec<(f64, u32)> {
    let ranked = candidates.iter().map(|&point| {
        let mut rank = [0.0];
        ranks(metric, query, &points[point as usize * d..(point as usize + 1) * d], &mut rank);
        (rank[0], point)
    });
    first(ranked.collect(), k)
}

/// The `k` smallest, ascending; of equal ones the lower index first.
pub(super) fn first(mut ranked: Vec<(f64, u32)>, k: usize) -> Vec<(f64, u32)> {
    let order = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if k < ranked.len() {
        ranked.select_nth_unstable_by(k, order);
        ranked.truncate(k);
    }
    ranked.sort_unstable_by(order);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, so that many points lie exactly at the limit; far from the origin, where f32 has few digits.
    #[test]
    fn within_a_radius_in_f32_and_f64() {
        for (n, d, offset) in [(50, 3, 0.0), (3000, 20, 1e4), (1025, 17, -7.0)] {
            let x: Vec<f64> = (0..n * d).map(|i| ((i * 7919) % 1013 % 5) as f64 + offset).collect();
            let points = Tensor::from_vec(x.clone(), [n, d]).unwrap();
            let rounded = Rounded::new(&points).unwrap();
            for query in x.chunks_exact(d).step_by(n / 7) {
                for limit in [0.0, 1.0, 9.0, 25.0, 60.0, f64::INFINITY] {
                    let found = near(Metric::Euclidean, &x, Some(&rounded), query, limit);
                    assert_eq!(found, near(Metric::Euclidean, &x, None, query, limit), "{n} {d} {limit}");
                    assert!(!found.is_empty());
                }
            }
        }
    }
}
