//! Distances of one point to many, and which of many candidates are near.

use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;

/// How far two points are apart.
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
    /// `1 - a·b / (|a| |b|)`
    Cosine,
}

impl Metric {
    /// The distance of what [`ranks`] gives, which is in the same order and cheaper.
    pub fn of_rank(self, rank: f64) -> f64 {
        match self {
            Metric::Euclidean => rank.sqrt(),
            Metric::Minkowski(p) => rank.powf(1.0 / p),
            Metric::Manhattan | Metric::Chebyshev | Metric::Cosine => rank,
        }
    }

    /// What [`ranks`] gives at a distance.
    pub fn to_rank(self, distance: f64) -> f64 {
        match self {
            Metric::Euclidean => distance * distance,
            Metric::Minkowski(p) => distance.powf(p),
            Metric::Manhattan | Metric::Chebyshev | Metric::Cosine => distance,
        }
    }
}

/// Terms side by side.
const LANES: usize = 8;

/// For each row of `rows`, `(n, a.len())`, a number that rises with its distance to `a`: the distance without its root.
pub fn ranks<T: Real>(metric: Metric, a: &[T], rows: &[T], out: &mut [f64]) {
    assert_eq!(rows.len(), a.len() * out.len(), "rows of {} numbers", a.len());
    dispatch(Ranks { metric, a, rows, out });
}

struct Ranks<'a, T> {
    metric: Metric,
    a: &'a [T],
    rows: &'a [T],
    out: &'a mut [f64],
}

impl<T: Real> Kernel for Ranks<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Ranks { metric, a, rows, out } = self;
        let d = a.len();
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
                    // A point at the origin is at right angles to every other, as scikit-learn has it.
                    let length = square.sqrt() * other.sqrt();
                    let cosine = if length > 0.0 { product / length } else { 0.0 };
                    (1.0 - cosine).clamp(0.0, 2.0)
                });
            }
        }
    }
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

    #[test]
    fn ranks_are_distances_without_their_roots() {
        let a: Vec<f64> = (0..21).map(|i| f64::from(i * 7 % 5) - 1.5).collect();
        let b: Vec<f64> = (0..21).map(|i| f64::from(i * 3 % 4)).collect();
        let apart: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect();
        let power = |p: f64| apart.iter().map(|x| x.powf(p)).sum::<f64>();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for (metric, expected) in [
            (Metric::Euclidean, power(2.0).sqrt()),
            (Metric::Manhattan, power(1.0)),
            (Metric::Chebyshev, apart.iter().copied().fold(0.0, f64::max)),
            (Metric::Minkowski(3.0), power(3.0).powf(1.0 / 3.0)),
            (Metric::Cosine, 1.0 - dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()),
        ] {
            let mut out = [0.0; 2];
            ranks(metric, &a, &[b.clone(), a.clone()].concat(), &mut out);
            let found = out.map(|rank| metric.of_rank(rank));
            assert!(
                (found[0] - expected).abs() < 1e-12 && found[1].abs() < 1e-12,
                "{metric:?} {found:?} {expected}"
            );
            assert!((metric.to_rank(found[0]) - out[0]).abs() < 1e-9);
        }
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
