//! Sums of the rows of a matrix, class by class: the statistics of naive Bayes.
//!
//! Rows are taken in at most [`PIECES`] pieces, whatever the number of threads, and pieces are added in order.

use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::threads::{for_each, threads_for};

/// How many pieces there are at most: each has sums of its own for every class and column.
const PIECES: usize = 32;

/// Rows that a piece has at least.
const ROWS: usize = 256;

/// Elements that a thread should have at least.
const GRAIN: usize = 32 * 1024;

/// What is added up of every element.
#[derive(Clone, Copy, Debug)]
pub enum ClassSum<'a> {
    /// `w x`
    Values,
    /// `w (x - mean)^2` about the means of the row's class, `(classes, cols)`.
    Squares(&'a [f64]),
    /// `w` where `x` exceeds a threshold.
    Above(f64),
}

/// The sums of each class over the rows of `x`, `(classes, cols)`. Row `i` is of class `codes[i]` and weighs
/// `weights[i]`, or 1.
pub fn class_sums<T: Math>(
    sum: ClassSum,
    x: &[T],
    cols: usize,
    codes: &[u32],
    classes: usize,
    weights: Option<&[f64]>,
) -> Vec<f64> {
    let rows = codes.len();
    assert_eq!(x.len(), rows * cols, "class sums of {} elements in {rows} rows of {cols}", x.len());
    assert!(weights.is_none_or(|weights| weights.len() == rows), "a weight for each of {rows} rows");
    assert!(codes.iter().all(|&code| (code as usize) < classes), "codes of {classes} classes");
    let size = classes * cols;
    let height = rows.div_ceil(PIECES).max(ROWS);
    let pieces = rows.div_ceil(height).max(1);
    let mut partial = vec![0.0; pieces * size];
    {
        let partial = Disjoint::new(&mut partial);
        for_each(pieces, threads_for(x.len(), GRAIN), |i| {
            let range = (i * height).min(rows)..rows.min((i + 1) * height);
            // SAFETY: every piece has a place of its own.
            let out = unsafe { partial.slice(i * size, size) };
            dispatch(Sums {
                sum,
                x: &x[range.start * cols..range.end * cols],
                cols,
                codes: &codes[range.clone()],
                weights: weights.map(|weights| &weights[range]),
                out,
            });
        });
    }
    let (total, rest) = partial.split_at_mut(size);
    for piece in rest.chunks(size.max(1)) {
        total.iter_mut().zip(piece).for_each(|(total, sum)| *total += sum);
    }
    partial.truncate(size);
    partial
}

struct Sums<'a, T> {
    sum: ClassSum<'a>,
    x: &'a [T],
    cols: usize,
    codes: &'a [u32],
    weights: Option<&'a [f64]>,
    out: &'a mut [f64],
}

impl<T: Math> Kernel for Sums<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Sums { sum, x, cols, codes, weights, out } = self;
        for (i, (row, &code)) in x.chunks_exact(cols.max(1)).zip(codes).enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[i]);
            let place = code as usize * cols;
            let out = &mut out[place..place + cols];
            match sum {
                ClassSum::Values => out.iter_mut().zip(row).for_each(|(out, x)| *out += weight * x.to_f64()),
                ClassSum::Squares(means) => {
                    for ((out, x), mean) in out.iter_mut().zip(row).zip(&means[place..place + cols]) {
                        let d = x.to_f64() - mean;
                        *out += weight * d * d;
                    }
                }
                ClassSum::Above(threshold) => {
                    for (out, x) in out.iter_mut().zip(row) {
                        *out += if x.to_f64() > threshold { weight } else { 0.0 };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_num_threads;

    #[test]
    fn sums_are_those_of_plain_loops_on_any_number_of_threads() {
        for (rows, cols, classes) in [(1, 1, 1), (1000, 3, 4), (20_000, 9, 3)] {
            let x: Vec<f64> = (0..rows * cols).map(|i| ((i * 31) % 17) as f64 - 5.0).collect();
            let codes: Vec<u32> = (0..rows).map(|i| ((i * 5) % classes) as u32).collect();
            let weights: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).collect();
            let means: Vec<f64> = (0..classes * cols).map(|i| i as f64 / 4.0).collect();
            for sum in [ClassSum::Values, ClassSum::Squares(&means), ClassSum::Above(1.0)] {
                let found =
                    with_num_threads(1, || class_sums(sum, &x, cols, &codes, classes, Some(&weights)));
                let threads =
                    with_num_threads(3, || class_sums(sum, &x, cols, &codes, classes, Some(&weights)));
                assert_eq!(found, threads);
                let mut expected = vec![0.0; classes * cols];
                for i in 0..rows {
                    for j in 0..cols {
                        let (x, place) = (x[i * cols + j], codes[i] as usize * cols + j);
                        expected[place] += weights[i]
                            * match sum {
                                ClassSum::Values => x,
                                ClassSum::Squares(means) => (x - means[place]).powi(2),
                                ClassSum::Above(threshold) => f64::from(x > threshold),
                            };
                    }
                }
                assert_eq!(found, expected, "sums of small numbers are exact");
            }
        }
    }
}
