//! Whether numbers are numbers: the first thing that is asked of every input.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::threads::{for_each, threads_for};

/// Elements of the pieces that threads take in turn.
const PIECE: usize = 64 * 1024;

/// What may be among the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Finite numbers only.
    None,
    /// NaN too, which stands for a value that is not there; not infinity.
    Nan,
}

/// Whether every element of `x` is finite, or NaN where that is allowed.
pub fn all_finite<T: Math>(x: &[T], missing: Missing) -> bool {
    if x.len() <= PIECE {
        return dispatch(Finite { x, missing });
    }
    let finite = AtomicBool::new(true);
    for_each(x.len().div_ceil(PIECE), threads_for(x.len(), PIECE), |i| {
        let piece = &x[i * PIECE..x.len().min((i + 1) * PIECE)];
        if finite.load(Ordering::Relaxed) && !dispatch(Finite { x: piece, missing }) {
            finite.store(false, Ordering::Relaxed);
        }
    });
    finite.into_inner()
}

struct Finite<'a, T> {
    x: &'a [T],
    missing: Missing,
}

/// Sums side by side.
const LANES: usize = 32;

impl<T: Math> Kernel for Finite<'_, T> {
    type Output = bool;
    #[inline(always)]
    fn run<A: Arch>(self) -> bool {
        let Finite { x, missing } = self;
        let mut chunks = x.chunks_exact(LANES);
        let mut lanes = [T::ZERO; LANES];
        match missing {
            // Anything times 0 is 0, but infinity and NaN are not.
            Missing::None => {
                for chunk in &mut chunks {
                    lanes.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += *x * T::ZERO);
                }
                lanes.iter().all(|sum| *sum == T::ZERO) && chunks.remainder().iter().all(|x| x.is_finite())
            }
            Missing::Nan => {
                for chunk in &mut chunks {
                    for (largest, x) in lanes.iter_mut().zip(chunk) {
                        *largest = if x.abs() > *largest { x.abs() } else { *largest };
                    }
                }
                let rest = chunks.remainder().iter().all(|x| x.abs() != T::INFINITY);
                rest && lanes.iter().all(|largest| *largest != T::INFINITY)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_element_anywhere_is_found() {
        for len in [0, 1, 31, 32, 100, 3 * PIECE + 5] {
            let mut x = vec![1e300; len];
            assert!(all_finite(&x, Missing::None) && all_finite(&x, Missing::Nan));
            for place in [0, len / 2, len.saturating_sub(1)].into_iter().filter(|&place| place < len) {
                for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    x[place] = bad;
                    assert!(!all_finite(&x, Missing::None), "{bad} at {place} of {len}");
                    assert_eq!(all_finite(&x, Missing::Nan), bad.is_nan());
                }
                x[place] = 1.0;
            }
        }
    }
}
