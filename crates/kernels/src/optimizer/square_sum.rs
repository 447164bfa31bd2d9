//! The sum of squares behind the global gradient norm.

use rayon::prelude::*;

use super::{CHUNK, GRAIN};
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::{run, threads_for};

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
    let of_chunk = |chunk| dispatch(SumSquares(chunk));
    let sums: Vec<f64> = if threads_for(x.len(), GRAIN) == 1 {
        x.chunks(CHUNK).map(of_chunk).collect()
    } else {
        run(|| x.par_chunks(CHUNK).map(of_chunk).collect())
    };
    pairwise(&sums)
}
