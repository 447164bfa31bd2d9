//! Log-densities of rows under Gaussians whose features are independent.

use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::threads::for_each_chunk;

/// Multiply-adds that a thread should have at least.
const GRAIN: usize = 64 * 1024;

/// `out[i, k] = offset_k - 1/2 sum_j (x_ij - mean_kj)^2 precision_kj` for the rows of `x` and `k` Gaussians, in f64.
pub fn diagonal_gaussian<T: Math>(
    x: &[T],
    cols: usize,
    means: &[f64],
    precisions: &[f64],
    offsets: &[f64],
    out: &mut [T],
) {
    let gaussians = offsets.len();
    assert_eq!(means.len(), gaussians * cols, "means of {gaussians} x {cols}");
    assert_eq!(precisions.len(), means.len(), "precisions of {gaussians} x {cols}");
    assert_eq!(x.len() * gaussians, out.len() * cols, "{} elements of rows of {cols}", x.len());
    let chunk = (4096 / means.len().max(1)).max(4) * gaussians;
    for_each_chunk(out, chunk.max(1), (GRAIN / cols.max(1)).max(1), |start, out| {
        let rows = start / gaussians..(start + out.len()) / gaussians;
        let x = &x[rows.start * cols..rows.end * cols];
        dispatch(Densities { x, cols, means, precisions, offsets, out });
    });
}

struct Densities<'a, T> {
    x: &'a [T],
    cols: usize,
    means: &'a [f64],
    precisions: &'a [f64],
    offsets: &'a [f64],
    out: &'a mut [T],
}

/// Sums side by side.
const LANES: usize = 8;

impl<T: Math> Kernel for Densities<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Densities { x, cols, means, precisions, offsets, out } = self;
        for (row, out) in x.chunks_exact(cols).zip(out.chunks_exact_mut(offsets.len())) {
            let gaussians = means.chunks_exact(cols).zip(precisions.chunks_exact(cols)).zip(offsets);
            for (out, ((mean, precision), offset)) in out.iter_mut().zip(gaussians) {
                let mut sums = [0.0; LANES];
                let mut terms = row.chunks_exact(LANES).zip(mean.chunks_exact(LANES));
                let mut precisions = precision.chunks_exact(LANES);
                for ((x, mean), precision) in (&mut terms).zip(&mut precisions) {
                    for lane in 0..LANES {
                        let d = x[lane].to_f64() - mean[lane];
                        sums[lane] = A::fma(d * d, precision[lane], sums[lane]);
                    }
                }
                let done = cols / LANES * LANES;
                for j in done..cols {
                    let d = row[j].to_f64() - mean[j];
                    sums[j - done] = A::fma(d * d, precision[j], sums[j - done]);
                }
                let mut depth = LANES / 2;
                while depth > 0 {
                    for lane in 0..depth {
                        sums[lane] += sums[lane + depth];
                    }
                    depth /= 2;
                }
                *out = T::from_f64(offset - 0.5 * sums[0]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_num_threads;

    #[test]
    fn densities_are_those_of_plain_loops() {
        for (rows, cols, gaussians) in [(1, 1, 1), (3, 4, 2), (2000, 19, 3)] {
            let x: Vec<f64> = (0..rows * cols).map(|i| (i as f64 * 0.7).sin()).collect();
            let means: Vec<f64> = (0..gaussians * cols).map(|i| (i as f64).cos()).collect();
            let precisions: Vec<f64> = (0..gaussians * cols).map(|i| 1.0 + i as f64).collect();
            let offsets: Vec<f64> = (0..gaussians).map(|k| -(k as f64)).collect();
            for threads in [1, 3] {
                let mut out = vec![0.0; rows * gaussians];
                with_num_threads(threads, || {
                    diagonal_gaussian(&x, cols, &means, &precisions, &offsets, &mut out);
                });
                for (i, out) in out.iter().enumerate() {
                    let (row, k) = (i / gaussians, i % gaussians);
                    let sum: f64 = (0..cols)
                        .map(|j| (x[row * cols + j] - means[k * cols + j]).powi(2) * precisions[k * cols + j])
                        .sum();
                    assert!((out - (offsets[k] - 0.5 * sum)).abs() < 1e-12 * (1.0 + sum));
                }
            }
        }
    }
}
