//! Columns centred, scaled, shifted: one multiply or divide and one add for every element.
//!
//! The two operations keep their own rounding (nothing is fused or turned into a reciprocal), so that a row alone gives
//! the bits that it gives among a million.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::threads::for_each_chunk;

/// Elements of the pieces that threads take in turn.
const PIECE: usize = 32 * 1024;

/// Elements that a thread should have at least.
const GRAIN: usize = 32 * 1024;

/// Narrow rows are put side by side until they are as wide as this.
const WIDE: usize = 64;

/// What is done with an element of column `j`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColumnScale {
    /// `(x - a_j) / b_j`
    CenterDivide,
    /// `x a_j + b_j`
    MultiplyAdd,
}

/// Applies it to the rows of `x`, with a pair of numbers for each column, and then keeps the results within `bounds`
/// (NaN stays). Returns whether an element of `x` was infinite.
pub fn scale_columns<T: Math>(
    op: ColumnScale,
    x: &[T],
    a: &[T],
    b: &[T],
    bounds: Option<(T, T)>,
    out: &mut [T],
) -> bool {
    let cols = a.len();
    assert_eq!(b.len(), cols, "pairs of numbers for {cols} columns");
    assert_eq!(x.len(), out.len(), "{} elements are scaled into {}", x.len(), out.len());
    if cols == 0 {
        return false;
    }
    let rows = x.len() / cols;
    assert_eq!(x.len(), rows * cols, "{} elements in rows of {cols}", x.len());
    let side_by_side = if cols < WIDE / 2 && rows >= 16 { WIDE.div_ceil(cols) } else { 1 };
    let (wide_a, wide_b);
    let (a, b) = if side_by_side == 1 {
        (a, b)
    } else {
        (wide_a, wide_b) = (a.repeat(side_by_side), b.repeat(side_by_side));
        (&wide_a[..], &wide_b[..])
    };
    let infinite = AtomicBool::new(false);
    let chunk = (PIECE / a.len()).max(1) * a.len();
    for_each_chunk(out, chunk, GRAIN, |start, out| {
        let x = &x[start..start + out.len()];
        let found = match op {
            ColumnScale::CenterDivide => dispatch(Scale { x, a, b, bounds, out, op: |x, a, b| (x - a) / b }),
            ColumnScale::MultiplyAdd => dispatch(Scale { x, a, b, bounds, out, op: |x, a, b| x * a + b }),
        };
        if found {
            infinite.store(true, Ordering::Relaxed);
        }
    });
    infinite.into_inner()
}

struct Scale<'a, T, F> {
    x: &'a [T],
    a: &'a [T],
    b: &'a [T],
    bounds: Option<(T, T)>,
    out: &'a mut [T],
    op: F,
}

impl<T: Math, F: Fn(T, T, T) -> T> Kernel for Scale<'_, T, F> {
    type Output = bool;
    #[inline(always)]
    fn run<A: Arch>(self) -> bool {
        let Scale { x, a, b, bounds, out, op } = self;
        let width = a.len();
        let mut found = false;
        for (x, out) in x.chunks(width).zip(out.chunks_mut(width)) {
            let mut largest = T::ZERO;
            for (((out, x), a), b) in out.iter_mut().zip(x).zip(a).zip(b) {
                largest = if x.abs() > largest { x.abs() } else { largest };
                *out = op(*x, *a, *b);
            }
            found |= largest == T::INFINITY;
            if let Some((low, high)) = bounds {
                for out in out {
                    let raised = if *out < low { low } else { *out };
                    *out = if raised > high { high } else { raised };
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_num_threads;

    #[test]
    fn every_width_and_thread_count_gives_the_bits_of_the_formula() {
        for (rows, cols) in [(1, 1), (1, 40), (100, 3), (20_000, 3), (900, 70)] {
            let x: Vec<f64> = (0..rows * cols).map(|i| (i as f64).sin()).collect();
            let a: Vec<f64> = (0..cols).map(|j| 0.1 + j as f64).collect();
            let b: Vec<f64> = (0..cols).map(|j| 3.0 / (1.0 + j as f64)).collect();
            for threads in [1, 3] {
                let mut out = vec![0.0; x.len()];
                with_num_threads(threads, || {
                    assert!(!scale_columns(ColumnScale::CenterDivide, &x, &a, &b, None, &mut out));
                });
                for (i, out) in out.iter().enumerate() {
                    assert_eq!(*out, (x[i] - a[i % cols]) / b[i % cols]);
                }
                let bounds = Some((0.0, 0.5));
                scale_columns(ColumnScale::MultiplyAdd, &x, &a, &b, bounds, &mut out);
                for (i, out) in out.iter().enumerate() {
                    assert_eq!(*out, (x[i] * a[i % cols] + b[i % cols]).clamp(0.0, 0.5));
                }
            }
        }
    }

    #[test]
    fn infinity_is_noticed_and_nan_stays() {
        let x = [1.0f32, f32::NAN, f32::NEG_INFINITY, 2.0];
        let mut out = [0.0; 4];
        assert!(scale_columns(
            ColumnScale::MultiplyAdd,
            &x,
            &[1.0; 2],
            &[0.0; 2],
            Some((0.0, 1.0)),
            &mut out
        ));
        assert!(out[1].is_nan() && out[2] == 0.0 && out[3] == 1.0);
        let without = [1.0f32, f32::NAN];
        assert!(!scale_columns(ColumnScale::CenterDivide, &without, &[1.0], &[1.0], None, &mut out[..2]));
    }
}
