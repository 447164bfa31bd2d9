//! Softmax, its logarithm, and the sums they rest on, along the rows of a matrix.
//!
//! The maximum of each row is taken out first, so no exponential overflows. Short rows are worked on many at a time:
//! the exponentials of a block of rows are one long vector loop, whatever the rows' length.

use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::reduce::{max, sum_map, sum_map2};
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
                row_pieces([x], cols, out, |[x], out| dispatch(Forward { x, cols, out }));
            }
            fn log_softmax(x: &[Self], cols: usize, out: &mut [Self]) {
                row_pieces([x], cols, out, |[x], out| dispatch(LogForward { x, cols, out }));
            }
            fn softmax_backward(y: &[Self], dy: &[Self], cols: usize, dx: &mut [Self]) {
                row_pieces([y, dy], cols, dx, |[y, dy], dx| dispatch(Backward { y, dy, cols, dx }));
            }
            fn log_softmax_backward(y: &[Self], dy: &[Self], cols: usize, dx: &mut [Self]) {
                row_pieces([y, dy], cols, dx, |[y, dy], dx| dispatch(LogBackward { y, dy, cols, dx }));
            }
        }
    )* };
}
softmax!(f32, f64);

/// Runs `kernel` on pieces of whole rows, in parallel.
fn row_pieces<T: Math, const N: usize>(
    inputs: [&[T]; N],
    cols: usize,
    out: &mut [T],
    kernel: impl Fn([&[T]; N], &mut [T]) + Sync,
) {
    assert!(cols > 0 || out.is_empty(), "softmax of rows without columns");
    for x in &inputs {
        assert_eq!(x.len(), out.len(), "softmax of {} elements into {}", x.len(), out.len());
    }
    let cols = cols.max(1);
    assert!(out.len().is_multiple_of(cols), "softmax of {} elements in rows of {cols}", out.len());
    for_each_chunk(out, rows_per_piece(cols) * cols, DEAR_GRAIN, |start, piece| {
        kernel(inputs.map(|x| &x[start..start + piece.len()]), piece);
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

/// Elements whose exponentials are formed together.
const BLOCK: usize = 1024;

struct Forward<'a, T> {
    x: &'a [T],
    cols: usize,
    out: &'a mut [T],
}

impl<T: Math> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { x, cols, out } = self;
        let block = (BLOCK / cols).max(1) * cols;
        for (x, out) in x.chunks(block).zip(out.chunks_mut(block)) {
            for (x, out) in x.chunks_exact(cols).zip(out.chunks_exact_mut(cols)) {
                let top = max(x);
                out.iter_mut().zip(x).for_each(|(out, x)| *out = *x - top);
            }
            for value in &mut *out {
                *value = math::exp::<A, T>(*value);
            }
            for out in out.chunks_exact_mut(cols) {
                let scale = T::from_f64(1.0 / sum_map(out, |e| e));
                for value in out {
                    *value *= scale;
                }
            }
        }
    }
}

struct LogForward<'a, T> {
    x: &'a [T],
    cols: usize,
    out: &'a mut [T],
}

impl<T: Math> Kernel for LogForward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let LogForward { x, cols, out } = self;
        let (rows, mut out_rows) = (x.chunks_exact(cols), out.chunks_exact_mut(cols));
        let mut rows = rows;
        for_log_sums::<A, T>(x, cols, |_, top, ln_sum| {
            if let (Some(x), Some(out)) = (rows.next(), out_rows.next()) {
                // Beside an infinite maximum nothing has a logarithm, as PyTorch has it.
                let ln_sum = if top.abs() == T::INFINITY { T::NAN } else { T::from_f64(ln_sum) };
                out.iter_mut().zip(x).for_each(|(out, x)| *out = (*x - top) - ln_sum);
            }
        });
    }
}

struct Backward<'a, T> {
    y: &'a [T],
    dy: &'a [T],
    cols: usize,
    dx: &'a mut [T],
}

impl<T: Math> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let cols = self.cols;
        let rows = self.y.chunks_exact(cols).zip(self.dy.chunks_exact(cols));
        for ((y, dy), dx) in rows.zip(self.dx.chunks_exact_mut(cols)) {
            let mean = T::from_f64(sum_map2(y, dy, |y, dy| y * dy));
            for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                *dx = *y * (*dy - mean);
            }
        }
    }
}

struct LogBackward<'a, T> {
    y: &'a [T],
    dy: &'a [T],
    cols: usize,
    dx: &'a mut [T],
}

impl<T: Math> Kernel for LogBackward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let LogBackward { y, dy, cols, dx } = self;
        for (dx, y) in dx.iter_mut().zip(y) {
            *dx = math::exp::<A, T>(*y);
        }
        for (dy, dx) in dy.chunks_exact(cols).zip(dx.chunks_exact_mut(cols)) {
            let sum = T::from_f64(sum_map(dy, |dy| dy));
            for (dx, dy) in dx.iter_mut().zip(dy) {
                *dx = *dy - *dx * sum;
            }
        }
    }
}

/// `out[row] = ln sum e^x`; negative infinity for a row of negative infinities.
pub(crate) fn log_sum_exp<T: Math>(x: &[T], cols: usize, out: &mut [T]) {
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

impl<T: Math> Kernel for LogSumExp<'_, T> {
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
pub(crate) fn for_log_sums<A: Arch, T: Math>(x: &[T], cols: usize, mut each: impl FnMut(usize, T, f64)) {
    const ROWS: usize = 128;
    let mut e = [T::ZERO; BLOCK];
    if cols > BLOCK {
        for (row, x) in x.chunks_exact(cols).enumerate() {
            let top = max(x);
            let mut sum = 0.0;
            for x in x.chunks(BLOCK) {
                for (e, x) in e.iter_mut().zip(x) {
                    *e = math::exp::<A, T>(*x - finite_or_zero(top));
                }
                sum += sum_map(&e[..x.len()], |e| e);
            }
            each(row, top, math::ln::<A, f64>(sum));
        }
        return;
    }
    let rows = (BLOCK / cols).min(ROWS);
    let (mut tops, mut sums) = ([T::ZERO; ROWS], [0.0; ROWS]);
    for (i, x) in x.chunks(rows * cols).enumerate() {
        let e = &mut e[..x.len()];
        for ((e, x), top) in e.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(&mut tops) {
            *top = max(x);
            let shift = finite_or_zero(*top);
            e.iter_mut().zip(x).for_each(|(e, x)| *e = *x - shift);
        }
        for e in &mut *e {
            *e = math::exp::<A, T>(*e);
        }
        let sums = &mut sums[..x.len() / cols];
        for (sum, e) in sums.iter_mut().zip(e.chunks_exact(cols)) {
            *sum = sum_map(e, |e| e);
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

/// What to subtract for a maximum: an infinite one would make `inf - inf`, and without it the sum is right as it is.
#[inline(always)]
pub(crate) fn finite_or_zero<T: Math>(top: T) -> T {
    if top.abs() == T::INFINITY { T::ZERO } else { top }
}
