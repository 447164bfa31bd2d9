//! Reductions and scans along the middle axis of `outer x axis x inner` arrays.

use super::slice;
use crate::buffer::Plain;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::softmax::{self, finite_or_zero};
use crate::strided::{CHUNK, DEAR_GRAIN};
use crate::threads::{for_each, threads_for};

/// Columns that are scanned together; their accumulators stay in the first-level cache.
const STRIP: usize = 256;

/// Calls `task(outer index, first column, columns)` for strips of columns that together are the whole array.
fn strips([outer, axis, inner]: [usize; 3], task: impl Fn(usize, usize, usize) + Sync) {
    let across = inner.div_ceil(STRIP);
    let group = (CHUNK / (axis * inner.min(STRIP)).max(1)).max(1);
    let count = outer * across;
    for_each(count.div_ceil(group), threads_for(outer * axis * inner, DEAR_GRAIN), |g| {
        for i in g * group..count.min((g + 1) * group) {
            let first = i % across * STRIP;
            task(i / across, first, STRIP.min(inner - first));
        }
    });
}

pub(super) fn arg_reduce<T: Math>(
    max: bool,
    x: &[T],
    shape: [usize; 3],
    values: &mut [T],
    indices: &mut [i64],
) {
    arg_reduce_with(max, x, shape, values, indices, |row| dispatch(ArgRow { max, x: row }));
}

/// [`Reductions::arg_reduce`](super::Reductions::arg_reduce) for any type that has an order, `shape` being
/// `[outer, axis, inner]`.
pub fn arg_reduce_any<T: Plain + PartialOrd>(
    max: bool,
    x: &[T],
    shape: [usize; 3],
    values: &mut [T],
    indices: &mut [i64],
) {
    arg_reduce_with(max, x, shape, values, indices, |row| {
        let (mut value, mut index) = ([row[0]], [0]);
        let (values, indices) = (&mut value[..], &mut index[..]);
        dispatch(ArgStrip { max, x: row, inner: 1, first: 0, values, indices });
        (value[0], index[0])
    });
}

/// Contiguous rows are left to `row`.
fn arg_reduce_with<T: Plain + PartialOrd>(
    max: bool,
    x: &[T],
    shape: [usize; 3],
    values: &mut [T],
    indices: &mut [i64],
    row: impl Fn(&[T]) -> (T, i64) + Sync,
) {
    let [outer, axis, inner] = shape;
    assert_eq!(x.len(), outer * axis * inner, "arg_reduce of {shape:?}");
    assert!(values.len() == outer * inner && indices.len() == outer * inner, "arg_reduce of {shape:?}");
    assert!(axis > 0 || values.is_empty(), "arg_reduce along an empty axis");
    let (values, indices) = (Disjoint::new(values), Disjoint::new(indices));
    strips(shape, |o, first, n| {
        let at = o * inner + first;
        // SAFETY: strips do not overlap.
        let (values, indices) = unsafe { (values.slice(at, n), indices.slice(at, n)) };
        let x = &x[o * axis * inner..][..axis * inner];
        if inner == 1 {
            (values[0], indices[0]) = row(x);
        } else {
            dispatch(ArgStrip { max, x, inner, first, values, indices });
        }
    });
}

struct ArgRow<'a, T> {
    max: bool,
    x: &'a [T],
}

impl<T: Math> Kernel for ArgRow<'_, T> {
    type Output = (T, i64);
    #[inline(always)]
    fn run<A: Arch>(self) -> (T, i64) {
        // The extreme value first, then where it is: two simple loops are faster than one that carries indices.
        let best = if self.max { slice::max(self.x) } else { slice::min(self.x) };
        let found = self.x.iter().position(|x| *x == best || (x.is_nan() && best.is_nan()));
        (best, found.unwrap_or(0) as i64)
    }
}

struct ArgStrip<'a, T> {
    max: bool,
    x: &'a [T],
    inner: usize,
    first: usize,
    values: &'a mut [T],
    indices: &'a mut [i64],
}

impl<T: Plain + PartialOrd> Kernel for ArgStrip<'_, T> {
    type Output = ();
    #[inline(always)]
    #[allow(clippy::eq_op)] // What does not equal itself is NaN.
    fn run<A: Arch>(self) {
        let ArgStrip { max, x, inner, first, values, indices } = self;
        values.copy_from_slice(&x[first..first + values.len()]);
        indices.fill(0);
        for (k, row) in x.chunks_exact(inner).enumerate().skip(1) {
            for ((best, index), x) in values.iter_mut().zip(&mut *indices).zip(&row[first..]) {
                let better = if max { *x > *best } else { *x < *best };
                if better || (*x != *x && *best == *best) {
                    *best = *x;
                    *index = k as i64;
                }
            }
        }
    }
}

pub(super) fn cumsum<T: Math>(x: &[T], shape: [usize; 3], out: &mut [T]) {
    let [outer, axis, inner] = shape;
    assert!(x.len() == outer * axis * inner && x.len() == out.len(), "cumsum of {shape:?}");
    let out = Disjoint::new(out);
    strips(shape, |o, first, n| {
        let mut sums = [0.0; STRIP];
        for k in 0..axis {
            let at = (o * axis + k) * inner + first;
            // SAFETY: strips do not overlap, and neither do the rows of a strip.
            let out = unsafe { out.slice(at, n) };
            for ((sum, x), out) in sums.iter_mut().zip(&x[at..at + n]).zip(out) {
                *sum += x.to_f64();
                *out = T::from_f64(*sum);
            }
        }
    });
}

pub(super) fn log_sum_exp<T: Math + Vectors>(x: &[T], shape: [usize; 3], out: &mut [T]) {
    let [outer, axis, inner] = shape;
    assert!(x.len() == outer * axis * inner && out.len() == outer * inner, "log_sum_exp of {shape:?}");
    if axis == 0 {
        out.fill(T::NEG_INFINITY);
        return;
    }
    if inner == 1 {
        softmax::log_sum_exp(x, axis, out);
        return;
    }
    let out = Disjoint::new(out);
    strips(shape, |o, first, n| {
        // SAFETY: strips do not overlap.
        let out = unsafe { out.slice(o * inner + first, n) };
        dispatch(LogSumExp { x: &x[o * axis * inner..][..axis * inner], inner, first, out });
    });
}

struct LogSumExp<'a, T> {
    x: &'a [T],
    inner: usize,
    first: usize,
    out: &'a mut [T],
}

impl<T: Math> Kernel for LogSumExp<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let LogSumExp { x, inner, first, out } = self;
        let mut top = [T::NEG_INFINITY; STRIP];
        for row in x.chunks_exact(inner) {
            for (top, x) in top[..out.len()].iter_mut().zip(&row[first..]) {
                *top = if *x > *top || x.is_nan() { *x } else { *top };
            }
        }
        let mut sum = [0.0; STRIP];
        for row in x.chunks_exact(inner) {
            for ((sum, top), x) in sum[..out.len()].iter_mut().zip(&top).zip(&row[first..]) {
                *sum += math::exp::<A, T>(*x - finite_or_zero(*top)).to_f64();
            }
        }
        for ((out, top), sum) in out.iter_mut().zip(&top).zip(&sum) {
            *out = finite_or_zero(*top) + T::from_f64(math::ln::<A, f64>(*sum));
        }
    }
}
