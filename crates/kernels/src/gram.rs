//! Sums of products of columns: what least squares needs to know of its data, in one pass over them.

use crate::gemm::{Gemm, Matrix, MatrixMut};
use crate::threads::{for_each_chunk, with_num_threads};

/// Rows that are brought to `f64`, shifted and weighted together.
const BLOCK: usize = 128;

/// Rows of a piece, at least; sums over pieces are added up in order, so that threads never change a result.
const PIECE: usize = 4096;

/// Samples whose columns are multiplied with each other.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a, T> {
    /// Features, `(n, columns)`.
    pub x: &'a [T],
    /// Columns of `x`.
    pub columns: usize,
    /// Targets, `(n, outputs)`.
    pub y: &'a [T],
    /// Columns of `y`.
    pub outputs: usize,
    /// A weight for each row, or 1.
    pub weights: Option<&'a [f64]>,
    /// What is taken out of each of the `columns + outputs` columns first. Numbers near the means, wherever they come
    /// from, keep the sums from losing digits; the caller corrects for the rest by the last row of the result.
    pub shift: &'a [f64],
}

/// Gram matrices in `f64`.
pub trait Gram: Gemm {
    /// `Z^T diag(weights) Z` of `Z = [x - shift, y - shift, 1]`, symmetric, `(m, m)` with `m = columns + outputs + 1`:
    /// the last row holds the weighted sums of the columns, and the sum of the weights.
    ///
    /// ```
    /// use barehand_kernels::gram::{Gram, Samples};
    ///
    /// let (x, y) = ([1.0, 2.0], [3.0, 5.0]);
    /// let samples =
    ///     Samples { x: &x, columns: 1, y: &y, outputs: 1, weights: None, shift: &[0.0, 1.0] };
    /// assert_eq!(f64::gram(&samples), [5.0, 10.0, 3.0, 10.0, 20.0, 6.0, 3.0, 6.0, 2.0]);
    /// ```
    fn gram(samples: &Samples<Self>) -> Vec<f64>;
}

macro_rules! gram {
    ($($t:ident),*) => { $(
        impl Gram for $t {
            fn gram(samples: &Samples<Self>) -> Vec<f64> {
                gram(samples)
            }
        }
    )* };
}
gram!(f32, f64);

fn gram<T: Gemm>(samples: &Samples<T>) -> Vec<f64> {
    let Samples { columns, outputs, .. } = *samples;
    let (width, m) = (columns + outputs, columns + outputs + 1);
    assert_eq!(samples.shift.len(), width, "a shift for each column");
    let n = samples.x.len().checked_div(columns).or(samples.y.len().checked_div(outputs)).unwrap_or(0);
    assert!(samples.x.len() == n * columns && samples.y.len() == n * outputs, "x and y have {n} rows");
    assert!(samples.weights.is_none_or(|weights| weights.len() == n), "a weight for each row");
    // Wide results cost memory and adding up: fewer pieces.
    let pieces = (n / PIECE).clamp(1, if m <= 256 { 16 } else { 4 });
    let rows = n.div_ceil(pieces).next_multiple_of(BLOCK).max(BLOCK);
    let pieces = n.div_ceil(rows).max(1);
    let mut partial = vec![0.0; pieces * m * m];
    let grain = (1 << 20) / (rows.min(n) + 1) + 1;
    for_each_chunk(&mut partial, m * m, grain, |at, out| {
        let from = at / (m * m) * rows;
        with_num_threads(1, || piece(samples, from..n.min(from + rows), m, out));
    });
    let (sum, others) = partial.split_at_mut(m * m);
    for other in others.chunks_exact(m * m) {
        sum.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
    }
    partial.truncate(m * m);
    for i in 0..m {
        for j in i + 1..m {
            partial[i * m + j] = partial[j * m + i];
        }
    }
    partial
}

/// The lower triangle (and a little more) of the products of `rows`.
fn piece<T: Gemm>(samples: &Samples<T>, rows: std::ops::Range<usize>, m: usize, out: &mut [f64]) {
    let Samples { x, columns, y, outputs, weights, shift } = *samples;
    let (shift_x, shift_y) = shift.split_at(columns);
    let mut z = vec![0.0; BLOCK.min(rows.len()) * m];
    // Panels of whole vectors: what lies above the diagonal is computed where it shares a panel with it, only.
    let panel = if m <= 128 { 24 } else { 48 };
    for from in rows.clone().step_by(BLOCK) {
        let count = BLOCK.min(rows.end - from);
        for (row, z) in (from..from + count).zip(z.chunks_exact_mut(m)) {
            let root = weights.map_or(1.0, |weights| weights[row].sqrt());
            let (z_x, z_y) = z.split_at_mut(columns);
            for ((z, x), shift) in z_x.iter_mut().zip(&x[row * columns..]).zip(shift_x) {
                *z = (x.to_f64() - shift) * root;
            }
            for ((z, y), shift) in z_y.iter_mut().zip(&y[row * outputs..]).zip(shift_y) {
                *z = (y.to_f64() - shift) * root;
            }
            z[m - 1] = root;
        }
        let z = Matrix::row_major(&z[..count * m], count, m);
        for start in (0..m).step_by(panel) {
            let wide = panel.min(m - start);
            let left = Matrix { data: &z.data[start..], cols: m - start, ..z };
            let right = Matrix { data: &z.data[start..], cols: wide, ..z };
            let to = MatrixMut {
                data: &mut out[start * m + start..],
                rows: m - start,
                cols: wide,
                row_stride: m,
                col_stride: 1,
            };
            f64::gemm(1.0, left.transpose(), right, 1.0, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_of_columns_whatever_the_threads() {
        for (n, columns, outputs) in [(0, 3, 1), (1, 1, 1), (700, 30, 2), (9000, 5, 1), (300, 140, 3)] {
            let value = |i: usize| ((i * 7919) % 1013) as f32 / 97.0 - 4.0;
            let x: Vec<f32> = (0..n * columns).map(value).collect();
            let y: Vec<f32> = (0..n * outputs).map(|i| value(i + 5)).collect();
            let weights: Vec<f64> = (0..n).map(|i| (i % 4) as f64).collect();
            let shift: Vec<f64> = (0..columns + outputs).map(|i| i as f64 / 8.0).collect();
            let samples = Samples { x: &x, columns, y: &y, outputs, weights: Some(&weights), shift: &shift };
            let found = with_num_threads(3, || f32::gram(&samples));
            assert_eq!(found, with_num_threads(1, || f32::gram(&samples)));
            let m = columns + outputs + 1;
            let z = |row: usize, j: usize| match j {
                j if j < columns => f64::from(x[row * columns + j]) - shift[j],
                j if j < m - 1 => f64::from(y[row * outputs + j - columns]) - shift[j],
                _ => 1.0,
            };
            for i in (0..m).step_by(3) {
                for j in 0..m {
                    let expected: f64 = (0..n).map(|r| weights[r] * z(r, i) * z(r, j)).sum();
                    let close = (found[i * m + j] - expected).abs() <= 1e-9 * (n as f64 + 1.0) * 100.0;
                    assert!(close, "{i} {j}: {} {expected}", found[i * m + j]);
                }
            }
        }
    }
}
