//! The sum of squares behind the global gradient norm.

use super::{CHUNK, GRAIN};
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::for_each_chunk;

/// Sums kept side by side: enough to hide the latency of an addition in the widest vectors.
const LANES: usize = 32;

struct SumSquares<'a, T>(&'a [T]);

impl<T: Real> Kernel for SumSquares<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        let mut sums = [0.0; LANES];
        let (rows, rest) = self.0.as_chunks::<LANES>();
        for row in rows {
            for l in 0..LANES {
                let x = row[l].to_f64();
                sums[l] = A::fma(x, x, sums[l]);
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum = A::fma(x.to_f64(), x.to_f64(), *sum);
        }
        pairwise(&sums)
    }
}

/// A sum by halves, whose rounding error grows with the logarithm of the length.
fn pairwise(terms: &[f64]) -> f64 {
    match terms {
        [] => 0.0,
        [only] => *only,
        _ => {
            let (left, right) = terms.split_at(terms.len() / 2);
            pairwise(left) + pairwise(right)
        }
    }
}

pub(super) fn sum_squares<T: Real>(x: &[T]) -> f64 {
    let mut sums = vec![0.0; x.len().div_ceil(CHUNK)];
    for_each_chunk(&mut sums, 1, GRAIN.div_ceil(CHUNK), |i, sum| {
        sum[0] = dispatch(SumSquares(&x[i * CHUNK..x.len().min((i + 1) * CHUNK)]));
    });
    pairwise(&sums)
}
