//! Distances of one point to many, and which of many candidates are near.

mod boolean;

pub use boolean::Boolean;

use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;

/// How far two points of `d` coordinates are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// `sqrt(sum (a - b)^2)`
    Euclidean,
    /// `sum |a - b|`
    Manhattan,
    /// `max |a - b|`
    Chebyshev,
    /// `(sum |a - b|^p)^(1/p)`
    Minkowski(f64),
    /// `1 - a·b / (|a| |b|)`; a point at the origin is at right angles to every other.
    Cosine,
    /// The share of coordinates that differ.
    Hamming,
    /// `sum |a - b| / (|a| + |b|)`, 0 where both are 0.
    Canberra,
    /// `sum |a - b| / sum (|a| + |b|)`, 0 where all are 0.
    BrayCurtis,
    /// Of what is 0 and what is not.
    Boolean(Boolean),
    /// The angle between two places on a sphere, each a latitude and a longitude, all in radians:
    /// `2 asin sqrt(sin^2((a_0 - b_0) / 2) + cos a_0 cos b_0 sin^2((a_1 - b_1) / 2))`
    Haversine,
    /// `sqrt(d / m sum (a - b)^2)` over the `m` coordinates that both have, that is, neither is NaN; NaN where there are none.
    NanEuclidean,
}

impl Metric {
    /// The distance of what [`ranks`] gives, which is in the same order and cheaper.
    pub fn of_rank(self, rank: f64) -> f64 {
        match self {
            Metric::Euclidean | Metric::NanEuclidean => rank.sqrt(),
            Metric::Minkowski(p) => rank.powf(1.0 / p),
            Metric::Haversine => 2.0 * rank.min(1.0).sqrt().asin(),
            _ => rank,
        }
    }

    /// What [`ranks`] gives at a distance.
    pub fn to_rank(self, distance: f64) -> f64 {
        match self {
            Metric::Euclidean | Metric::NanEuclidean => distance * distance,
            Metric::Minkowski(p) => distance.powf(p),
            // Nothing is farther than half a turn.
            Metric::Haversine if distance >= std::f64::consts::PI => f64::INFINITY,
            Metric::Haversine => (0.5 * distance).sin().powi(2),
            _ => distance,
        }
    }

    /// Whether no way over a third point is shorter: what tells a tree of balls which of them are too far away.
    pub fn has_triangles(self) -> bool {
        match self {
            Metric::Minkowski(p) => p >= 1.0,
            Metric::Cosine | Metric::BrayCurtis | Metric::NanEuclidean => false,
            Metric::Boolean(boolean) => !matches!(boolean, Boolean::Dice | Boolean::Yule),
            _ => true,
        }
    }

    /// Whether a point is no nearer than its nearest coordinate: what tells a tree of boxes which of them are too far away.
    pub fn has_boxes(self) -> bool {
        match self {
            Metric::Minkowski(p) => p >= 1.0,
            Metric::Euclidean | Metric::Manhattan | Metric::Chebyshev => true,
            _ => false,
        }
    }
}

/// Terms side by side.
const LANES: usize = 8;

/// For each row of `rows`, `(n, a.len())`, a number that rises with its distance to `a`: the distance without its root.
pub fn ranks<T: Real>(metric: Metric, a: &[T], rows: &[T], out: &mut [f64]) {
    assert_eq!(rows.len(), a.len() * out.len(), "rows of {} numbers", a.len());
    dispatch(Ranks { metric, columns: a.len(), a, rows, out });
}

/// The same of one pair of points of `columns` coordinates, of which those that are 0 in both may be left out of `a` and `b`.
pub fn rank_of_stored<T: Real>(metric: Metric, columns: usize, a: &[T], b: &[T]) -> f64 {
    assert!(a.len() == b.len() && a.len() <= columns, "{} of {columns} coordinates", a.len());
    let mut out = [0.0];
    dispatch(Ranks { metric, columns, a, rows: b, out: &mut out });
    out[0]
}

struct Ranks<'a, T> {
    metric: Metric,
    columns: usize,
    a: &'a [T],
    rows: &'a [T],
    out: &'a mut [f64],
}

impl<T: Real> Kernel for Ranks<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Ranks { metric, columns, a, rows, out } = self;
        let d = a.len();
        let columns = columns as f64;
        let mut each = |rank: &dyn Fn(&[T]) -> f64| {
            for (i, out) in out.iter_mut().enumerate() {
                *out = rank(&rows[i * d..(i + 1) * d]);
            }
        };
        match metric {
            Metric::Euclidean => each(&|b| sum(a, b, |x, y, sum| A::fma(x - y, x - y, sum))),
            Metric::Manhattan => each(&|b| sum(a, b, |x, y, sum| sum + (x - y).abs())),
            Metric::Minkowski(p) => each(&|b| sum(a, b, |x, y, sum| sum + (x - y).abs().powf(p))),
            Metric::Chebyshev => each(&|b| largest(a, b)),
            Metric::Cosine => {
                let square = sum(a, a, |x, _, sum| A::fma(x, x, sum));
                each(&|b| {
                    let product = sum(a, b, |x, y, sum| A::fma(x, y, sum));
                    let other = sum(b, b, |x, _, sum| A::fma(x, x, sum));
                    let length = square.sqrt() * other.sqrt();
                    let cosine = if length > 0.0 { product / length } else { 0.0 };
                    (1.0 - cosine).clamp(0.0, 2.0)
                });
            }
            Metric::Hamming => each(&|b| sum(a, b, |x, y, sum| sum + one_if(x != y)) / columns),
            Metric::Canberra => {
                each(&|b| sum(a, b, |x, y, sum| sum + share((x - y).abs(), x.abs() + y.abs())));
            }
            Metric::BrayCurtis => each(&|b| {
                let apart = sum(a, b, |x, y, sum| sum + (x - y).abs());
                share(apart, sum(a, b, |x, y, sum| sum + (x.abs() + y.abs())))
            }),
            Metric::Boolean(boolean) => {
                let count = |of: &[T]| sum(of, of, |x, _, sum| sum + one_if(x != 0.0));
                let first = count(a);
                each(&|b| {
                    let both = sum(a, b, |x, y, sum| sum + one_if(x != 0.0 && y != 0.0));
                    boolean.distance(both, first - both, count(b) - both, columns)
                });
            }
            Metric::Haversine => each(&|b| {
                let (a, b) = ([a[0].to_f64(), a[1].to_f64()], [b[0].to_f64(), b[1].to_f64()]);
                let half = |x: f64, y: f64| (0.5 * (x - y)).sin().powi(2);
                A::fma(a[0].cos() * b[0].cos(), half(a[1], b[1]), half(a[0], b[0]))
            }),
            Metric::NanEuclidean => each(&|b| {
                let there = |x: f64, y: f64| !(x - y).is_nan();
                let count = sum(a, b, |x, y, sum| sum + one_if(there(x, y)));
                let square = sum(a, b, |x, y, sum| sum + if there(x, y) { (x - y) * (x - y) } else { 0.0 });
                if count > 0.0 { columns / count * square } else { f64::NAN }
            }),
        }
    }
}

/// A part of a whole; of nothing, nothing.
#[inline(always)]
fn share(part: f64, whole: f64) -> f64 {
    if part > 0.0 { part / whole } else { 0.0 }
}

#[inline(always)]
fn one_if(condition: bool) -> f64 {
    if condition { 1.0 } else { 0.0 }
}

#[inline(always)]
fn sum<T: Real>(a: &[T], b: &[T], add: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (first, a_rest) = a.as_chunks::<LANES>();
    let (second, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in first.iter().zip(second) {
        for lane in 0..LANES {
            sums[lane] = add(x[lane].to_f64(), y[lane].to_f64(), sums[lane]);
        }
    }
    let mut total = 0.0;
    for (x, y) in a_rest.iter().zip(b_rest) {
        total = add(x.to_f64(), y.to_f64(), total);
    }
    total + sums.iter().sum::<f64>()
}

#[inline(always)]
fn largest<T: Real>(a: &[T], b: &[T]) -> f64 {
    let mut largest = 0.0f64;
    for (x, y) in a.iter().zip(b) {
        let apart = (x.to_f64() - y.to_f64()).abs();
        largest = if apart > largest { apart } else { largest };
    }
    largest
}

/// Adds to `out` every `(half_squares[i] - products[i], first + i)` that is no larger than `limit`: of points whose half
/// squared length and whose product with a query are given, those that may be near it.
pub fn within(half_squares: &[f32], products: &[f32], limit: f32, first: u32, out: &mut Vec<(f32, u32)>) {
    assert_eq!(half_squares.len(), products.len());
    dispatch(Within { half_squares, products, limit, first, out });
}

struct Within<'a> {
    half_squares: &'a [f32],
    products: &'a [f32],
    limit: f32,
    first: u32,
    out: &'a mut Vec<(f32, u32)>,
}

impl Kernel for Within<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Within { half_squares, products, limit, first, out } = self;
        let mut keep = |i: usize| {
            let value = half_squares[i] - products[i];
            if value <= limit {
                out.push((value, first + i as u32));
            }
        };
        let mut at = 0;
        for (half, product) in half_squares.chunks_exact(32).zip(products.chunks_exact(32)) {
            let mut any = false;
            for lane in 0..32 {
                any |= half[lane] - product[lane] <= limit;
            }
            if any {
                (at..at + 32).for_each(&mut keep);
            }
            at += 32;
        }
        (at..products.len()).for_each(&mut keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terms of the first 21 columns of eight lanes and their rest: by the formulas, in one loop each.
    #[test]
    fn ranks_are_distances_without_their_roots() {
        let a: Vec<f64> = (0..21).map(|i| f64::from(i * 7 % 5) - 2.0).collect();
        let b: Vec<f64> = (0..21).map(|i| f64::from(i * 3 % 4)).collect();
        let apart: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect();
        let power = |p: f64| apart.iter().map(|x| x.powf(p)).sum::<f64>();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let sizes: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a.abs() + b.abs()).collect();
        let count = |both: fn(bool, bool) -> bool| {
            a.iter().zip(&b).filter(|&(&a, &b)| both(a != 0.0, b != 0.0)).count() as f64
        };
        let either = count(|a, b| a || b);
        for (metric, expected) in [
            (Metric::Euclidean, power(2.0).sqrt()),
            (Metric::Manhattan, power(1.0)),
            (Metric::Chebyshev, apart.iter().copied().fold(0.0, f64::max)),
            (Metric::Minkowski(3.0), power(3.0).powf(1.0 / 3.0)),
            (Metric::Cosine, 1.0 - dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()),
            (Metric::Hamming, apart.iter().filter(|&&x| x > 0.0).count() as f64 / 21.0),
            (Metric::Canberra, apart.iter().zip(&sizes).map(|(x, size)| share(*x, *size)).sum()),
            (Metric::BrayCurtis, power(1.0) / sizes.iter().sum::<f64>()),
            (Metric::Boolean(Boolean::Jaccard), count(|a, b| a != b) / either),
            (Metric::NanEuclidean, power(2.0).sqrt()),
        ] {
            let mut out = [0.0; 2];
            ranks(metric, &a, &[b.clone(), a.clone()].concat(), &mut out);
            let found = out.map(|rank| metric.of_rank(rank));
            assert!(
                (found[0] - expected).abs() < 1e-12 && found[1].abs() < 1e-12,
                "{metric:?} {found:?} {expected}"
            );
            assert!((metric.to_rank(found[0]) - out[0]).abs() < 1e-9);
            let stored: Vec<usize> = (0..21).filter(|&i| sizes[i] > 0.0).collect();
            let of = |x: &[f64]| stored.iter().map(|&i| x[i]).collect::<Vec<_>>();
            let rank = rank_of_stored(metric, 21, &of(&a), &of(&b));
            // What is 0 in both is no coordinate that both have.
            assert!((rank - out[0]).abs() < 1e-12 || metric == Metric::NanEuclidean, "{metric:?}");
        }
    }

    #[test]
    fn places_on_a_sphere() {
        let quarter = std::f64::consts::FRAC_PI_2;
        let rows = [0.0, quarter, quarter, 1.0, 0.0, 2.0 * quarter, 0.0, 0.0];
        let mut out = [0.0; 4];
        ranks(Metric::Haversine, &[0.0, 0.0], &rows, &mut out);
        let expected = [quarter, quarter, 2.0 * quarter, 0.0];
        for (rank, expected) in out.iter().zip(expected) {
            assert!((Metric::Haversine.of_rank(*rank) - expected).abs() < 1e-7);
        }
        assert_eq!(Metric::Haversine.to_rank(4.0), f64::INFINITY);
        assert!((Metric::Haversine.to_rank(quarter) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn coordinates_that_are_missing_do_not_count() {
        let nan = f64::NAN;
        let mut out = [0.0; 2];
        ranks(
            Metric::NanEuclidean,
            &[3.0, nan, nan, 6.0],
            &[1.0, nan, 4.0, 5.0, nan, 1.0, 1.0, nan],
            &mut out,
        );
        // scikit-learn's own example: 4 / 2 (2^2 + 1^2).
        assert!((out[0] - 10.0).abs() < 1e-12 && out[1].is_nan() && out[1].is_sign_positive());
    }

    #[test]
    fn what_is_within_a_limit_is_found_once() {
        let half: Vec<f32> = (0..100).map(|i| (i * 37 % 100) as f32).collect();
        let products = vec![1.0; 100];
        let mut found = Vec::new();
        within(&half, &products, 4.0, 10, &mut found);
        let expected: Vec<(f32, u32)> =
            (0..100).filter(|&i| half[i] - 1.0 <= 4.0).map(|i| (half[i] - 1.0, 10 + i as u32)).collect();
        assert_eq!(found, expected);
    }
}
