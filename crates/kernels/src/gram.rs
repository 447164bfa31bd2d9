//! Sums of products of columns: what least squares needs to know of its data, in one pass over them.

use std::ops::Range;

use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::gemm::{Gemm, Matrix, MatrixMut, tile};
use crate::isa::{Arch, Isa, Kernel, dispatch};
use crate::real::Real;
use crate::threads::{for_each_chunk, with_num_threads};

/// Rows of a piece are a multiple of this.
const BLOCK: usize = 128;

/// Rows of a piece, at least; sums over pieces are added up in order, so that threads never change a result.
const PIECE: usize = 4096;

/// Columns up to which tiles read a block in place; wider ones are copied into panels by a product.
const NARROW: usize = 256;

/// Columns of the widest vector of `f64`, and rows of the tallest tile.
const STEP: usize = 8;

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
    let pieces = (n / PIECE).clamp(1, if m <= NARROW { 16 } else { 4 });
    let rows = n.div_ceil(pieces).next_multiple_of(BLOCK).max(BLOCK);
    let pieces = n.div_ceil(rows).max(1);
    // Rows an odd number of vectors apart spread over the whole first cache.
    let stride = (m.div_ceil(STEP) | 1) * STEP;
    let size = stride * stride;
    let mut partial = vec![0.0; pieces * size];
    let grain = (1 << 20) / (rows.min(n) + 1) + 1;
    for_each_chunk(&mut partial, size, grain, |at, out| {
        let from = at / size * rows;
        with_num_threads(1, || piece(samples, from..n.min(from + rows), stride, out));
    });
    let (sum, others) = partial.split_at_mut(size);
    for other in others.chunks_exact(size) {
        sum.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
    }
    let mut gram = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..=i {
            gram[i * m + j] = partial[i * stride + j];
            gram[j * m + i] = partial[i * stride + j];
        }
    }
    gram
}

/// The lower triangle (and a little more) of the products of `rows`, `(stride, stride)`.
fn piece<T: Gemm>(samples: &Samples<T>, rows: Range<usize>, stride: usize, out: &mut [f64]) {
    let m = samples.columns + samples.outputs + 1;
    // Rows that are brought to f64, shifted and weighted together: of 56 columns they stay in the first cache.
    let block = if m <= NARROW { BLOCK / 2 } else { BLOCK };
    let mut z = vec![0.0; block.min(rows.len()) * stride];
    for from in rows.clone().step_by(block) {
        let rows = from..rows.end.min(from + block);
        let z = &mut z[..rows.len() * stride];
        dispatch(Shifted { samples, rows, stride, z });
        if m <= NARROW {
            dispatch(Triangle { z, stride, out });
        } else {
            by_panels(z, m, stride, out);
        }
    }
}

/// Rows `[x - shift, y - shift, 1]` times the roots of their weights; what lies between them stays as it is.
struct Shifted<'a, T> {
    samples: &'a Samples<'a, T>,
    rows: Range<usize>,
    stride: usize,
    z: &'a mut [f64],
}

impl<T: Real> Kernel for Shifted<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Samples { x, columns, y, outputs, weights, shift } = *self.samples;
        let (shift_x, shift_y) = shift.split_at(columns);
        for (row, z) in self.rows.zip(self.z.chunks_exact_mut(self.stride)) {
            let root = weights.map_or(1.0, |weights| weights[row].sqrt());
            let (z_x, z_y) = z.split_at_mut(columns);
            for ((z, x), shift) in z_x.iter_mut().zip(&x[row * columns..][..columns]).zip(shift_x) {
                *z = (x.to_f64() - shift) * root;
            }
            for ((z, y), shift) in z_y.iter_mut().zip(&y[row * outputs..][..outputs]).zip(shift_y) {
                *z = (y.to_f64() - shift) * root;
            }
            z_y[outputs] = root;
        }
    }
}

/// `out += z^T z` by tiles that read `z` in place: those that reach the diagonal, or lie below it.
struct Triangle<'a> {
    z: &'a [f64],
    stride: usize,
    out: &'a mut [f64],
}

impl Kernel for Triangle<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        assert!(self.stride.is_multiple_of(STEP) && self.out.len() == self.stride * self.stride);
        assert!(self.z.len().is_multiple_of(self.stride));
        // SAFETY: each register type is used under its own instruction set; sizes are asserted.
        unsafe {
            match A::ISA {
                Isa::Avx512 => self.tiles::<<f64 as Vectors>::Wide, 8>(),
                Isa::Avx2 => self.tiles::<<f64 as Vectors>::Half, 4>(),
                _ => self.tiles::<Portable<A, f64>, 4>(),
            }
        }
    }
}

impl Triangle<'_> {
    #[inline(always)]
    unsafe fn tiles<L: Lanes<f64>, const M: usize>(mut self) {
        const { assert!(STEP.is_multiple_of(L::N) && STEP.is_multiple_of(M)) };
        for at in (0..self.stride).step_by(3 * L::N) {
            // The first rows of the panel that share a tile with its first column.
            for i in (at / M * M..self.stride).step_by(M) {
                // SAFETY: the caller's; tiles end where rows do.
                unsafe {
                    match (self.stride - at) / L::N {
                        1 => self.tile::<L, M, 1>(i, at),
                        2 => self.tile::<L, M, 2>(i, at),
                        _ => self.tile::<L, M, 3>(i, at),
                    }
                }
            }
        }
    }

    /// `M` columns of `z` times `V` vectors of others.
    #[inline(always)]
    unsafe fn tile<L: Lanes<f64>, const M: usize, const V: usize>(&mut self, i: usize, j: usize) {
        let stride = self.stride;
        let (z, rows) = (self.z.as_ptr(), self.z.len() / stride);
        // SAFETY: `i + M` and `j + V N` are at most `stride`.
        unsafe {
            let sums = tile::outer::<f64, L, M, V>(rows, z.add(i), 1, stride, 0.0, |t| z.add(t * stride + j));
            let one = L::splat(1.0);
            for (r, sums) in sums.into_iter().enumerate() {
                let to = self.out.as_mut_ptr().add((i + r) * stride + j);
                for (v, sum) in sums.into_iter().enumerate() {
                    let to = to.add(v * L::N);
                    sum.fma(one, L::load(to)).store(to);
                }
            }
        }
    }
}

/// `out += z^T z` by products of panels of columns: what lies above the diagonal is computed where it shares a panel with
/// it, only.
fn by_panels(z: &[f64], m: usize, stride: usize, out: &mut [f64]) {
    const PANEL: usize = 48;
    let z = Matrix { cols: m, row_stride: stride, ..Matrix::row_major(z, z.len() / stride, stride) };
    for start in (0..m).step_by(PANEL) {
        let wide = PANEL.min(m - start);
        let left = Matrix { data: &z.data[start..], cols: m - start, ..z };
        let right = Matrix { data: &z.data[start..], cols: wide, ..z };
        let to = MatrixMut {
            data: &mut out[start * stride + start..],
            rows: m - start,
            cols: wide,
            row_stride: stride,
            col_stride: 1,
        };
        f64::gemm(1.0, left.transpose(), right, 1.0, to);
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
