//! Scatter matrices: `sum_i w_i (x_i - shift)^T (x_i - shift)`, the sums behind covariances.
//!
//! Products are taken in the samples' own type, unlike those of [`gram`](crate::gram): of 32-bit pixels there are many, and
//! their covariance has no more digits than they have. Samples are centered before they are multiplied (a mean taken out
//! afterwards takes the digits with it), a few hundred at a time, so that a chunk stays in the second cache while every pair
//! of blocks of its columns is multiplied; only pairs on and above the diagonal are. Chunks are added up in f64, in order.

use crate::buffer::{Buffer, Plain};
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::gemm::{Gemm, Matrix, MatrixMut};
use crate::threads::{for_each, for_each_chunk, threads_for, with_num_threads};

/// Elements of a chunk of rows.
const CHUNK: usize = 1 << 18;

/// Columns of a block: a multiple of 16, seven of the widest vectors of `f32`.
const BLOCK: usize = 112;

/// Narrower matrices have one block, and threads share the rows.
const PIECES: usize = 32;

/// Multiply-adds below which another thread does not pay.
const GRAIN: usize = 1 << 20;

/// Scatter matrices of `f32` and `f64`.
pub trait Scatter: Gemm + Plain {
    /// `out = sum_i w_i (x_i - shift)^T (x_i - shift)`, `(d, d)`, of samples `(n, d)`; weights are not negative, and 1 where
    /// none are given.
    ///
    /// ```
    /// use barehand_kernels::scatter::Scatter;
    ///
    /// let mut out = [0.0; 4];
    /// f32::scatter(&[1.0, 2.0, 3.0, 6.0], 2, 2, &[2.0, 4.0], None, &mut out);
    /// assert_eq!(out, [2.0, 4.0, 4.0, 8.0]);
    /// ```
    fn scatter(x: &[Self], n: usize, d: usize, shift: &[f64], weights: Option<&[f64]>, out: &mut [f64]);
}

macro_rules! scatter {
    ($($t:ty),*) => { $(
        impl Scatter for $t {
            fn scatter(x: &[Self], n: usize, d: usize, shift: &[f64], weights: Option<&[f64]>, out: &mut [f64]) {
                scatter(x, n, d, shift, weights, out);
            }
        }
    )* };
}
scatter!(f32, f64);

fn scatter<T: Vectors + Gemm>(
    x: &[T],
    n: usize,
    d: usize,
    shift: &[f64],
    weights: Option<&[f64]>,
    out: &mut [f64],
) {
    assert!(x.len() == n * d && shift.len() == d && out.len() == d * d, "scatter matrix of {n} x {d}");
    assert!(weights.is_none_or(|weights| weights.len() == n), "weights of {n} samples");
    out.fill(0.0);
    if n == 0 || d == 0 {
        return;
    }
    let rows = (CHUNK / d).clamp(64, 4096);
    let scales: Option<Vec<f64>> =
        weights.map(|weights| weights.iter().map(|weight| weight.max(0.0).sqrt()).collect());
    let scales = scales.as_deref();
    let threads = threads_for(n.saturating_mul(d).saturating_mul(d), GRAIN);
    if d <= BLOCK {
        let piece = n.div_ceil(PIECES).max(rows.min(1024));
        let mut partial = Buffer::<f64>::zeroed(n.div_ceil(piece) * d * d);
        let cut = Disjoint::new(&mut partial);
        for_each(n.div_ceil(piece), threads, |i| {
            // SAFETY: every piece is taken once.
            let sums = unsafe { cut.slice(i * d * d, d * d) };
            let mut centered = Buffer::<T>::scratch(rows * d);
            let mut product = Buffer::<T>::scratch(d * d);
            let end = n.min((i + 1) * piece);
            for from in (i * piece..end).step_by(rows) {
                let to = end.min(from + rows);
                let centered = &mut centered[..(to - from) * d];
                center(&x[from * d..to * d], shift, scales.map(|scales| &scales[from..to]), centered);
                add_product(centered, to - from, d, [0..d, 0..d], &mut product, sums);
            }
        });
        for partial in partial.chunks_exact(d * d) {
            out.iter_mut().zip(partial).for_each(|(out, partial)| *out += partial);
        }
        return;
    }
    // Enough blocks that threads have pairs to share.
    let width = d.div_ceil(d.div_ceil(BLOCK).max(4)).next_multiple_of(16);
    let blocks = d.div_ceil(width);
    let block = |i: usize| i * width..d.min((i + 1) * width);
    let pairs: Vec<(usize, usize)> = (0..blocks).flat_map(|i| (i..blocks).map(move |j| (i, j))).collect();
    let mut sums = Buffer::<f64>::zeroed(pairs.len() * width * width);
    let mut centered = Buffer::<T>::scratch(rows * d);
    for from in (0..n).step_by(rows) {
        let to = n.min(from + rows);
        let centered = &mut centered[..(to - from) * d];
        for_each_chunk(centered, rows.div_ceil(8).max(1) * d, CHUNK / 8, |at, out| {
            let (first, count) = (from + at / d, out.len() / d);
            let scales = scales.map(|scales| &scales[first..first + count]);
            center(&x[first * d..][..count * d], shift, scales, out);
        });
        let centered = &*centered;
        let cut = Disjoint::new(&mut sums);
        for_each(pairs.len(), threads, |p| {
            // SAFETY: every pair is taken once.
            let sums = unsafe { cut.slice(p * width * width, width * width) };
            let (i, j) = pairs[p];
            let mut product = Buffer::<T>::scratch(width * width);
            let sums = &mut sums[..block(i).len() * block(j).len()];
            add_product(centered, to - from, d, [block(i), block(j)], &mut product, sums);
        });
    }
    for (&(i, j), sums) in pairs.iter().zip(sums.chunks_exact(width * width)) {
        for (a, row) in block(i).zip(sums.chunks_exact(block(j).len())) {
            for (b, &sum) in block(j).zip(row) {
                out[a * d + b] = sum;
                out[b * d + a] = sum;
            }
        }
    }
}

/// `out = (x - shift) scale`, row by row.
fn center<T: Vectors>(x: &[T], shift: &[f64], scales: Option<&[f64]>, out: &mut [T]) {
    let d = shift.len();
    for (i, (out, x)) in out.chunks_exact_mut(d).zip(x.chunks_exact(d)).enumerate() {
        let scale = scales.map_or(1.0, |scales| scales[i]);
        for ((out, &x), shift) in out.iter_mut().zip(x).zip(shift) {
            *out = T::from_f64((x.to_f64() - shift) * scale);
        }
    }
}

/// `sums += a^T b` for two ranges of the columns of `x`, `(rows, d)`, on this thread.
fn add_product<T: Vectors + Gemm>(
    x: &[T],
    rows: usize,
    d: usize,
    [a, b]: [std::ops::Range<usize>; 2],
    product: &mut [T],
    sums: &mut [f64],
) {
    let (m, n) = (a.len(), b.len());
    let columns = |from: usize, count: usize| Matrix {
        data: &x[from..],
        rows,
        cols: count,
        row_stride: d,
        col_stride: 1,
    };
    let product = &mut product[..m * n];
    with_num_threads(1, || {
        let out = MatrixMut::row_major(product, m, n);
        T::gemm(T::ONE, columns(a.start, m).transpose(), columns(b.start, n), T::ZERO, out);
    });
    sums.iter_mut().zip(&*product).for_each(|(sum, product)| *sum += product.to_f64());
}
