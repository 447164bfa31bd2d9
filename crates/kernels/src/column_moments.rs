//! What there is to know of the columns of a matrix, read once: counts, means and squares about them; extremes.
//!
//! NaN stands for a value that is not there. Rows are taken in pieces that fit a core's cache, whatever the number of
//! threads: a piece is read twice (its own means first, as what they are more than its first row, then the squares about
//! those: no large offset swallows anything, and a column of one value has exactly that mean and no squares), memory once. Pieces are combined in order by the formula of Chan, Golub and LeVeque.

use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::reduce::columns;
use crate::threads::{for_each, threads_for};

/// Elements of a piece, a run of whole rows: 256 kB of f64.
const PIECE: usize = 32 * 1024;

/// Elements that a thread should have at least.
const GRAIN: usize = 64 * 1024;

/// Narrow rows are put side by side until they are as wide as this.
const WIDE: usize = 64;

/// Counts, means and centred squares of columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Sum of the weights of the values that are there.
    pub count: Vec<f64>,
    /// `sum w x / sum w`; 0 where there is nothing.
    pub mean: Vec<f64>,
    /// `sum w (x - mean)^2`
    pub squares: Vec<f64>,
}

impl Moments {
    /// Of no rows.
    pub fn none(cols: usize) -> Self {
        Moments { count: vec![0.0; cols], mean: vec![0.0; cols], squares: vec![0.0; cols] }
    }

    /// Those of both sets of rows: with `d` the difference of the means,
    /// `mean = mean_a + d n_b / n`, `squares = squares_a + squares_b + d^2 n_a n_b / n`.
    pub fn merge(&mut self, other: &Moments) {
        self.merge_slices(&other.count, &other.mean, &other.squares);
    }

    fn merge_slices(&mut self, count: &[f64], mean: &[f64], squares: &[f64]) {
        for j in 0..self.count.len() {
            let (a, b) = (self.count[j], count[j]);
            if b == 0.0 {
                continue;
            }
            if a == 0.0 {
                (self.count[j], self.mean[j], self.squares[j]) = (b, mean[j], squares[j]);
                continue;
            }
            let (n, d) = (a + b, mean[j] - self.mean[j]);
            self.count[j] = n;
            self.mean[j] += d * (b / n);
            self.squares[j] += squares[j] + d * d * (a * b / n);
        }
    }
}

/// The moments of the columns of `x`, rows of `cols`, each row weighing 1 or as `weights` say.
pub fn column_moments<T: Math>(x: &[T], cols: usize, weights: Option<&[f64]>) -> Moments {
    let mut total = Moments::none(cols);
    if cols == 0 {
        return total;
    }
    let rows = x.len() / cols;
    assert_eq!(x.len(), rows * cols, "moments of {} elements in rows of {cols}", x.len());
    assert!(weights.is_none_or(|weights| weights.len() == rows), "a weight for each of {rows} rows");
    let height = (PIECE / cols).max(1);
    let pieces = rows.div_ceil(height);
    let mut partial = vec![0.0; 3 * pieces * cols];
    {
        let partial = Disjoint::new(&mut partial);
        for_each(pieces, threads_for(x.len(), GRAIN), |i| {
            let range = i * height..rows.min((i + 1) * height);
            // SAFETY: every piece has a place of its own.
            let out = unsafe { partial.slice(3 * i * cols, 3 * cols) };
            let weights = weights.map(|weights| &weights[range.clone()]);
            piece_moments(&x[range.start * cols..range.end * cols], cols, weights, out);
        });
    }
    for piece in partial.chunks_exact(3 * cols) {
        total.merge_slices(&piece[..cols], &piece[cols..2 * cols], &piece[2 * cols..]);
    }
    total
}

/// Counts, means and squares of one piece, one after the other in `out`.
fn piece_moments<T: Math>(x: &[T], cols: usize, weights: Option<&[f64]>, out: &mut [f64]) {
    let rows = x.len() / cols;
    let (count, rest) = out.split_at_mut(cols);
    let (mean, squares) = rest.split_at_mut(cols);
    if weights.is_none() {
        // The counts' place holds the first row meanwhile.
        count.iter_mut().zip(x).for_each(|(first, x)| *first = x.to_f64());
        columns::shifted_sums(x, rows, cols, count, mean);
        // A NaN among the values is one in its column's sum.
        if mean.iter().all(|sum| sum.is_finite()) {
            mean.iter_mut().zip(&*count).for_each(|(sum, first)| *sum = first + *sum / rows as f64);
            count.fill(rows as f64);
            columns::centered_squares(x, rows, cols, mean, squares);
            return;
        }
    }
    dispatch(WeighedOrMissing { x, cols, weights, count, mean, squares });
}

/// Moments of rows that weigh differently, or of which values are missing.
struct WeighedOrMissing<'a, T> {
    x: &'a [T],
    cols: usize,
    weights: Option<&'a [f64]>,
    count: &'a mut [f64],
    mean: &'a mut [f64],
    squares: &'a mut [f64],
}

impl<T: Math> Kernel for WeighedOrMissing<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let WeighedOrMissing { x, cols, weights, count, mean, squares } = self;
        let weight_of = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let first: Vec<f64> = x[..cols].iter().map(|x| if x.is_nan() { 0.0 } else { x.to_f64() }).collect();
        count.fill(0.0);
        mean.fill(0.0);
        squares.fill(0.0);
        for (i, row) in x.chunks_exact(cols).enumerate() {
            let weight = weight_of(i);
            for (((count, sum), first), value) in count.iter_mut().zip(&mut *mean).zip(&first).zip(row) {
                let (w, v) = if value.is_nan() { (0.0, 0.0) } else { (weight, value.to_f64() - first) };
                *count += w;
                *sum += w * v;
            }
        }
        for ((sum, n), first) in mean.iter_mut().zip(&*count).zip(&first) {
            *sum = if *n == 0.0 { 0.0 } else { first + *sum / *n };
        }
        for (i, row) in x.chunks_exact(cols).enumerate() {
            let weight = weight_of(i);
            for ((square, mean), value) in squares.iter_mut().zip(&*mean).zip(row) {
                let d = if value.is_nan() { 0.0 } else { value.to_f64() - mean };
                *square += weight * d * d;
            }
        }
    }
}

/// Smallest and largest values of the columns of `x`, rows of `cols`; where a column has none, infinity and its
/// negative.
pub fn column_extremes<T: Math>(x: &[T], cols: usize) -> (Vec<T>, Vec<T>) {
    let (mut low, mut high) = (vec![T::INFINITY; cols], vec![T::NEG_INFINITY; cols]);
    if cols == 0 || x.is_empty() {
        return (low, high);
    }
    let rows = x.len() / cols;
    assert_eq!(x.len(), rows * cols, "extremes of {} elements in rows of {cols}", x.len());
    let height = (PIECE / cols).max(1);
    let pieces = rows.div_ceil(height);
    let mut partial = vec![T::ZERO; 2 * pieces * cols];
    {
        let partial = Disjoint::new(&mut partial);
        for_each(pieces, threads_for(x.len(), GRAIN), |i| {
            // SAFETY: every piece has a place of its own.
            let out = unsafe { partial.slice(2 * i * cols, 2 * cols) };
            let (low, high) = out.split_at_mut(cols);
            let piece = &x[i * height * cols..x.len().min((i + 1) * height * cols)];
            dispatch(Extremes { x: piece, low, high });
        });
    }
    for piece in partial.chunks_exact(2 * cols) {
        fold_extremes(&mut low, &mut high, &piece[..cols], &piece[cols..]);
    }
    (low, high)
}

#[inline(always)]
fn fold_extremes<T: Math>(low: &mut [T], high: &mut [T], lower: &[T], higher: &[T]) {
    for (((low, high), lower), higher) in low.iter_mut().zip(high).zip(lower).zip(higher) {
        // NaN is neither less nor more, so it is passed over.
        *low = if *lower < *low { *lower } else { *low };
        *high = if *higher > *high { *higher } else { *high };
    }
}

struct Extremes<'a, T> {
    x: &'a [T],
    low: &'a mut [T],
    high: &'a mut [T],
}

impl<T: Math> Kernel for Extremes<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Extremes { x, low, high } = self;
        let cols = low.len();
        low.fill(T::INFINITY);
        high.fill(T::NEG_INFINITY);
        if cols >= WIDE / 2 {
            x.chunks_exact(cols).for_each(|row| fold_extremes(low, high, row, row));
            return;
        }
        let width = cols * WIDE.div_ceil(cols);
        let (mut lows, mut highs) = ([T::INFINITY; 2 * WIDE], [T::NEG_INFINITY; 2 * WIDE]);
        let (lows, highs) = (&mut lows[..width], &mut highs[..width]);
        let mut bands = x.chunks_exact(width);
        bands.by_ref().for_each(|band| fold_extremes(lows, highs, band, band));
        for (lower, higher) in lows.chunks_exact(cols).zip(highs.chunks_exact(cols)) {
            fold_extremes(low, high, lower, higher);
        }
        bands.remainder().chunks_exact(cols).for_each(|row| fold_extremes(low, high, row, row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_num_threads;

    fn sample(rows: usize, cols: usize) -> Vec<f64> {
        (0..rows * cols).map(|i| 1e6 + ((i * 7919) % 1013) as f64 / 8.0).collect()
    }

    #[test]
    fn moments_are_those_of_plain_loops_on_any_number_of_threads() {
        for (rows, cols) in [(1, 1), (5, 3), (4000, 3), (700, 130), (40_000, 7)] {
            let mut x = sample(rows, cols);
            for missing in [false, true] {
                if missing {
                    x.iter_mut().step_by(11).for_each(|value| *value = f64::NAN);
                }
                let weights: Vec<f64> = (0..rows).map(|i| (i % 4) as f64).collect();
                for weights in [None, Some(&weights[..])] {
                    let one = with_num_threads(1, || column_moments(&x, cols, weights));
                    assert_eq!(one, with_num_threads(3, || column_moments(&x, cols, weights)));
                    for j in 0..cols {
                        let pairs: Vec<(f64, f64)> = (0..rows)
                            .map(|i| (weights.map_or(1.0, |w| w[i]), x[i * cols + j]))
                            .filter(|(_, value)| !value.is_nan())
                            .collect();
                        let n: f64 = pairs.iter().map(|(w, _)| w).sum();
                        assert_eq!(one.count[j], n);
                        if n > 0.0 {
                            let mean = pairs.iter().map(|(w, v)| w * (v - 1e6)).sum::<f64>() / n + 1e6;
                            let squares: f64 = pairs.iter().map(|(w, v)| w * (v - mean).powi(2)).sum();
                            assert!((one.mean[j] - mean).abs() < 1e-9, "{} {mean}", one.mean[j]);
                            assert!((one.squares[j] - squares).abs() <= 1e-9 * (1.0 + squares));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn extremes_pass_over_what_is_missing() {
        for (rows, cols) in [(1, 1), (9, 5), (3000, 3), (500, 200)] {
            let mut x: Vec<f32> = sample(rows, cols).iter().map(|&value| value as f32).collect();
            x.iter_mut().step_by(7).for_each(|value| *value = f32::NAN);
            let (low, high) = column_extremes(&x, cols);
            for j in 0..cols {
                let column = x.iter().skip(j).step_by(cols).copied().filter(|value| !value.is_nan());
                assert_eq!(low[j], column.clone().fold(f32::INFINITY, f32::min));
                assert_eq!(high[j], column.fold(f32::NEG_INFINITY, f32::max));
            }
        }
    }
}
