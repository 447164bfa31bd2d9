//! Softmax, its logarithm, and the sums they rest on, along the rows of a matrix.
//!
//! The maximum of each row is taken out first, so no exponential overflows. Short rows are worked on many at a time:
//! the exponentials of a block of rows are one long vector loop, whatever the rows' length.

use std::marker::PhantomData;

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::{Lanes, Lanewise, Vectors, for_lanes};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::reduce::row_sum::{Each, Products, row_sum};
use crate::reduce::{LANES, max_number, sum_map};
use crate::stream::{self, streams};
use crate::strided::{CHUNK, DEAR_GRAIN};
use crate::threads::{for_each, for_each_chunk, threads_for};

/// Softmax over the rows of matrices with `cols` columns; a row without a finite maximum gives NaN, as in PyTorch.
///
/// ```
/// use barehand_kernels::softmax::Softmax;
///
/// let mut y = [0.0; 2];
/// f64::softmax(&[0.0, 3f64.ln()], 2, &mut y);
/// assert!((y[1] - 0.75).abs() < 1e-15);
/// ```
pub trait Softmax: Math {
    /// `out = e^x / sum e^x`
    fn softmax(x: &[Self], cols: usize, out: &mut [Self]);

    /// `out = x - ln sum e^x`
    fn log_softmax(x: &[Self], cols: usize, out: &mut [Self]);

    /// `dx = y (dy - sum y dy)`, where `y` is the softmax.
    fn softmax_backward(y: &[Self], dy: &[Self], cols: usize, dx: &mut [Self]);

    /// `dx = dy - e^y sum dy`, where `y` is the logarithm of the softmax.
    fn log_softmax_backward(y: &[Self], dy: &[Self], cols: usize, dx: &mut [Self]);
}

macro_rules! softmax {
    ($($t:ty),*) => { $(
        impl Softmax for $t {
            fn softmax(x: &[Self], cols: usize, out: &mut [Self]) {
                by_rows::<_, Forward, 1>([x], cols, out);
            }
            fn log_softmax(x: &[Self], cols: usize, out: &mut [Self]) {
                by_rows::<_, LogForward, 1>([x], cols, out);
            }
            fn softmax_backward(y: &[Self], dy: &[Self], cols: usize, dx: &mut [Self]) {
                by_rows::<_, Backward, 2>([y, dy], cols, dx);
            }
            fn log_softmax_backward(y: &[Self], dy: &[Self], cols: usize, dx: &mut [Self]) {
                by_rows::<_, LogBackward, 2>([y, dy], cols, dx);
            }
        }
    )* };
}
softmax!(f32, f64);

/// Runs `R` on pieces of whole rows, in parallel.
fn by_rows<T: Math + Vectors, R: Rows<T, N>, const N: usize>(inputs: [&[T]; N], cols: usize, out: &mut [T]) {
    assert!(cols > 0 || out.is_empty(), "softmax of rows without columns");
    for x in &inputs {
        assert_eq!(x.len(), out.len(), "softmax of {} elements into {}", x.len(), out.len());
    }
    let cols = cols.max(1);
    assert!(out.len().is_multiple_of(cols), "softmax of {} elements in rows of {cols}", out.len());
    let streams = streams::<T>(out.len());
    for_each_chunk(out, rows_per_piece(cols) * cols, DEAR_GRAIN, |start, piece| {
        let inputs = inputs.map(|x| &x[start..start + piece.len()]);
        dispatch(Blocks { rows: PhantomData::<R>, inputs, cols, streams, out: piece });
    });
}

/// How many rows make a piece that a thread takes.
pub(crate) fn rows_per_piece(cols: usize) -> usize {
    (CHUNK / cols.max(1)).max(1)
}

/// Calls `task(first row, rows)` for pieces of `rows` rows, in parallel.
pub(crate) fn for_row_pieces(rows: usize, cols: usize, task: impl Fn(usize, usize) + Sync) {
    let height = rows_per_piece(cols);
    for_each(rows.div_ceil(height), threads_for(rows * cols, DEAR_GRAIN), |i| {
        task(i * height, height.min(rows - i * height));
    });
}

/// Rows of at most so many elements are worked on together.
const SHORT: usize = 128;

/// Elements whose exponentials are formed together.
pub(crate) const BLOCK: usize = 1024;

/// What is done with blocks of whole rows that the first-level cache holds (or with one long row). A trait and not a
/// closure, which nothing would oblige the compiler to inline where it is compiled for the instruction set.
trait Rows<T, const N: usize>: Sync {
    fn block<A: Arch>(x: [&[T]; N], cols: usize, out: &mut [T]);
}

struct Blocks<'a, T, R, const N: usize> {
    rows: PhantomData<R>,
    inputs: [&'a [T]; N],
    cols: usize,
    streams: bool,
    out: &'a mut [T],
}

impl<T: Math + Vectors, R: Rows<T, N>, const N: usize> Kernel for Blocks<'_, T, R, N> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Blocks { rows: _, inputs, cols, streams, out } = self;
        let block = (BLOCK / cols).max(1) * cols;
        let mut scratch = Buffer::scratch(if streams { block } else { 0 });
        for (i, out) in out.chunks_mut(block).enumerate() {
            let (start, end) = (i * block, i * block + out.len());
            let into = if streams { &mut scratch[..out.len()] } else { &mut *out };
            R::block::<A>(inputs.map(|x| &x[start..end]), cols, into);
            if streams {
                stream::copy(&scratch[..out.len()], out);
            }
        }
        if streams {
            stream::fence();
        }
    }
}

struct Forward;

impl<T: Math + Vectors> Rows<T, 1> for Forward {
    #[inline(always)]
    fn block<A: Arch>([x]: [&[T]; 1], cols: usize, out: &mut [T]) {
        let rows = x.chunks_exact(cols).zip(out.chunks_exact_mut(cols));
        if cols > SHORT {
            for (x, out) in rows {
                let scale = T::from_f64(1.0 / exponentials::<A, T, true>(x, max_number(x), out));
                for value in out {
                    *value *= scale;
                }
            }
            return;
        }
        // Short rows together, whose exponentials are one loop.
        for (x, out) in rows {
            let top = max_number(x);
            out.iter_mut().zip(x).for_each(|(out, x)| *out = *x - top);
        }
        for value in &mut *out {
            *value = math::exp_of_negative::<A, T>(*value);
        }
        for out in out.chunks_exact_mut(cols) {
            let scale = T::from_f64(1.0 / row_sum::<A, T, 1>([&*out], &Each));
            for value in out {
                *value *= scale;
            }
        }
    }
}

struct LogForward;

impl<T: Math + Vectors> Rows<T, 1> for LogForward {
    #[inline(always)]
    fn block<A: Arch>([x]: [&[T]; 1], cols: usize, out: &mut [T]) {
        let (mut rows, mut out_rows) = (x.chunks_exact(cols), out.chunks_exact_mut(cols));
        for_log_sums::<A, T>(x, cols, |_, top, ln_sum| {
            if let (Some(x), Some(out)) = (rows.next(), out_rows.next()) {
                // Beside an infinite maximum nothing has a logarithm, as PyTorch has it.
                let ln_sum = if top.abs() == T::INFINITY { T::NAN } else { T::from_f64(ln_sum) };
                out.iter_mut().zip(x).for_each(|(out, x)| *out = (*x - top) - ln_sum);
            }
        });
    }
}

struct Backward;

impl<T: Math + Vectors> Rows<T, 2> for Backward {
    #[inline(always)]
    fn block<A: Arch>([y, dy]: [&[T]; 2], cols: usize, dx: &mut [T]) {
        let rows = y.chunks_exact(cols).zip(dy.chunks_exact(cols));
        for ((y, dy), dx) in rows.zip(dx.chunks_exact_mut(cols)) {
            let mean = T::from_f64(row_sum::<A, T, 2>([y, dy], &Products));
            let gradient = Gradient { y: y.as_ptr(), dy: dy.as_ptr(), dx: dx.as_mut_ptr(), mean };
            // SAFETY: all three have `cols` elements.
            unsafe { for_lanes::<A, T>(cols, gradient) };
        }
    }
}

/// `dx = y (dy - mean)`
struct Gradient<T> {
    y: *const T,
    dy: *const T,
    dx: *mut T,
    mean: T,
}

impl<T: Math> Lanewise<T> for Gradient<T> {
    #[inline(always)]
    unsafe fn at<L: Lanes<T>>(&mut self, i: usize) {
        // SAFETY: the caller's.
        unsafe {
            let (y, dy, dx) = (self.y.add(i), self.dy.add(i), self.dx.add(i));
            L::load(y).mul(L::load(dy).sub(L::splat(self.mean))).store(dx);
        }
    }
}

struct LogBackward;

impl<T: Math + Vectors> Rows<T, 2> for LogBackward {
    #[inline(always)]
    fn block<A: Arch>([y, dy]: [&[T]; 2], cols: usize, dx: &mut [T]) {
        let rows = y.chunks_exact(cols).zip(dy.chunks_exact(cols));
        for ((y, dy), dx) in rows.zip(dx.chunks_exact_mut(cols)) {
            let sum = T::from_f64(sum_map(dy, |dy| dy));
            for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                *dx = *dy - math::exp_of_negative::<A, T>(*y) * sum;
            }
        }
    }
}

/// `out[row] = ln sum e^x`; negative infinity for a row of negative infinities.
pub(crate) fn log_sum_exp<T: Math + Vectors>(x: &[T], cols: usize, out: &mut [T]) {
    assert_eq!(x.len(), out.len() * cols, "log_sum_exp of {} rows of {cols}", out.len());
    let out_rows = Disjoint::new(out);
    for_row_pieces(x.len() / cols.max(1), cols, |first, rows| {
        // SAFETY: pieces do not overlap.
        let out = unsafe { out_rows.slice(first, rows) };
        dispatch(LogSumExp { x: &x[first * cols..][..rows * cols], cols, out });
    });
}

struct LogSumExp<'a, T> {
    x: &'a [T],
    cols: usize,
    out: &'a mut [T],
}

impl<T: Math + Vectors> Kernel for LogSumExp<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        for_log_sums::<A, T>(self.x, self.cols, |row, top, ln_sum| {
            let top = finite_or_zero(top);
            self.out[row] = T::from_f64(top.to_f64() + ln_sum);
        });
    }
}

/// Calls `each(row, top, ln sum e^(x - top))` for each row, where `top` is its maximum. The sum leaves out an infinite
/// maximum, so that `ln sum` is the infinity itself.
#[inline(always)]
pub(crate) fn for_log_sums<A: Arch, T: Math + Vectors>(
    x: &[T],
    cols: usize,
    mut each: impl FnMut(usize, T, f64),
) {
    const ROWS: usize = 128;
    if cols > BLOCK {
        for (row, x) in x.chunks_exact(cols).enumerate() {
            let (top, sum) = long_sum::<A, T>(x);
            each(row, top, math::ln::<A, f64>(sum));
        }
        return;
    }
    let mut e = Buffer::<T>::scratch(BLOCK);
    let rows = (BLOCK / cols).min(ROWS);
    let (mut tops, mut sums) = ([T::ZERO; ROWS], [0.0; ROWS]);
    for (i, x) in x.chunks(rows * cols).enumerate() {
        let sums = &mut sums[..x.len() / cols];
        if cols > SHORT {
            for ((x, top), total) in x.chunks_exact(cols).zip(&mut tops).zip(&mut *sums) {
                *top = max_number(x);
                *total = exponentials::<A, T, false>(x, finite_or_zero(*top), &mut e[..cols]);
            }
        } else {
            let e = &mut e[..x.len()];
            for ((e, x), top) in e.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(&mut tops) {
                *top = max_number(x);
                let shift = finite_or_zero(*top);
                e.iter_mut().zip(x).for_each(|(e, x)| *e = *x - shift);
            }
            for e in &mut *e {
                *e = math::exp_of_negative::<A, T>(*e);
            }
            for (total, e) in sums.iter_mut().zip(e.chunks_exact(cols)) {
                *total = row_sum::<A, T, 1>([e], &Each);
            }
        }
        for (total, top) in sums.iter_mut().zip(&tops) {
            if *top == T::INFINITY {
                *total = f64::INFINITY;
            }
        }
        // All rows at once, in vectors.
        for sum in &mut *sums {
            *sum = math::ln::<A, f64>(*sum);
        }
        for (r, (ln_sum, top)) in sums.iter().zip(&tops).enumerate() {
            each(i * rows + r, *top, *ln_sum);
        }
    }
}

/// `out = e^(x - top)`, and its sum. The next row is asked for meanwhile, and where the exponentials are to be `KEPT` the
/// place of its own.
#[inline(always)]
fn exponentials<A: Arch, T: Math + Vectors, const KEPT: bool>(x: &[T], top: T, out: &mut [T]) -> f64 {
    let ((groups, rest), (outs, out_rest)) = (x.as_chunks::<LANES>(), out.as_chunks_mut::<LANES>());
    for (group, out) in groups.iter().zip(outs) {
        for half in [0, LANES / 2] {
            stream::ahead(group.as_ptr(), x.len() + half);
            if KEPT {
                stream::ahead(out.as_ptr(), x.len() + half);
            }
        }
        for j in 0..LANES {
            out[j] = math::exp_of_negative::<A, T>(group[j] - top);
        }
    }
    if !rest.is_empty() {
        // Vectors for these too.
        let mut group = [T::NEG_INFINITY; LANES];
        group[..rest.len()].copy_from_slice(rest);
        for j in 0..LANES {
            group[j] = math::exp_of_negative::<A, T>(group[j] - top);
        }
        out_rest.copy_from_slice(&group[..rest.len()]);
    }
    row_sum::<A, T, 1>([&*out], &Each)
}

/// Elements of a long row that are worked on together.
pub(crate) const STEP: usize = 1024;

/// A maximum and a sum of `e^(x - maximum)` that grow together: where a larger maximum comes up, what has been added up
/// shrinks to it (Milakov and Gimelshein 2018). So a long row is read once.
#[derive(Clone, Copy)]
struct Running<T> {
    top: T,
    total: f64,
}

impl<T: Math> Running<T> {
    const NOTHING: Self = Running { top: T::NEG_INFINITY, total: 0.0 };

    /// Makes room for a piece; false if it cannot, being without a number behind nothing else.
    #[inline(always)]
    fn admit(&mut self, x: &[T]) -> bool {
        let here = max_number(x);
        if here > self.top {
            self.total *= (self.top.to_f64() - here.to_f64()).exp();
            self.top = here;
        }
        self.top != T::NEG_INFINITY || x.iter().any(|x| x.is_nan())
    }

    /// The maximum and the sum. Beside an infinite maximum the sum is infinite.
    #[inline(always)]
    fn finish(self) -> (T, f64) {
        (self.top, if self.top == T::INFINITY { f64::INFINITY } else { self.total })
    }
}

/// The maximum of a long row and the sum of `e^(x - maximum)`.
#[inline(always)]
pub(crate) fn long_sum<A: Arch, T: Math + Vectors>(x: &[T]) -> (T, f64) {
    let mut running = Running::NOTHING;
    let mut e = Buffer::<T>::scratch(STEP);
    for piece in x.chunks(STEP) {
        if running.admit(piece) {
            running.total += exponentials::<A, T, false>(piece, running.top, &mut e[..piece.len()]);
        }
    }
    running.finish()
}

/// The same, keeping the exponentials: those of each [`STEP`] under the maximum so far, which is noted in `tops`.
#[inline(always)]
pub(crate) fn long_exponentials<A: Arch, T: Math + Vectors>(
    x: &[T],
    e: &mut [T],
    tops: &mut [T],
) -> (T, f64) {
    let mut running = Running::NOTHING;
    for (step, (piece, e)) in x.chunks(STEP).zip(e.chunks_mut(STEP)).enumerate() {
        if running.admit(piece) {
            running.total += exponentials::<A, T, true>(piece, running.top, e);
        } else {
            e.fill(T::ZERO);
        }
        tops[step] = running.top;
    }
    running.finish()
}

/// What to subtract for a maximum: an infinite one would make `inf - inf`, and without it the sum is right as it is.
#[inline(always)]
pub(crate) fn finite_or_zero<T: Math>(top: T) -> T {
    if top.abs() == T::INFINITY { T::ZERO } else { top }
}
