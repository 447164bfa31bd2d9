//! Reductions of contiguous slices: everything, or each row of a matrix.

use std::hint::black_box;

use super::{Fold, Reduce, with_fold};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::strided::DEAR_GRAIN;
use crate::threads::for_each_chunk;

/// Accumulators that a loop keeps side by side: independent chains for the vector units, short sums for accuracy.
pub(crate) const LANES: usize = 32;

/// Elements whose accumulators are combined before the next are begun.
const BLOCK: usize = 2048;

/// Elements of the pieces that threads take in turn.
const PIECE: usize = 32 * BLOCK;

/// The sum of `f` over a slice.
#[inline(always)]
pub(crate) fn sum_map<T: Math>(x: &[T], f: impl Fn(f64) -> f64) -> f64 {
    let mut total = 0.0;
    for x in x.chunks(BLOCK) {
        let mut lanes = [0.0; LANES];
        let (groups, rest) = x.as_chunks::<LANES>();
        for group in groups {
            for j in 0..LANES {
                lanes[j] += f(group[j].to_f64());
            }
        }
        let tail: f64 = rest.iter().map(|x| f(x.to_f64())).sum();
        total += if groups.is_empty() { tail } else { tail + tree(lanes, |a, b| a + b) };
    }
    total
}

/// The sum of `f` over pairs of elements of two slices of one length.
#[inline(always)]
pub(crate) fn sum_map2<T: Math>(x: &[T], y: &[T], f: impl Fn(f64, f64) -> f64) -> f64 {
    let mut total = 0.0;
    for (x, y) in x.chunks(BLOCK).zip(y.chunks(BLOCK)) {
        let mut lanes = [0.0; LANES];
        let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        for (x, y) in xs.iter().zip(ys) {
            for j in 0..LANES {
                lanes[j] += f(x[j].to_f64(), y[j].to_f64());
            }
        }
        let tail: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| f(x.to_f64(), y.to_f64())).sum();
        total += if xs.is_empty() { tail } else { tail + tree(lanes, |a, b| a + b) };
    }
    total
}

/// The largest element; NaN if there is one, negative infinity of nothing.
#[inline(always)]
pub(crate) fn max<T: Math>(x: &[T]) -> T {
    extreme(x, T::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a })
}

/// The largest element that is a number, negative infinity of nothing: for sums of exponentials, which NaN reaches anyway.
#[inline(always)]
pub(crate) fn max_number<T: Math>(x: &[T]) -> T {
    extreme(x, T::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// The smallest element; NaN if there is one, infinity of nothing.
#[inline(always)]
pub(crate) fn min<T: Math>(x: &[T]) -> T {
    extreme(x, T::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a })
}

#[inline(always)]
fn extreme<T: Math>(x: &[T], nothing: T, better: impl Fn(T, T) -> T + Copy) -> T {
    let (groups, rest) = x.as_chunks::<LANES>();
    let mut best = rest.iter().fold(nothing, |best, x| better(best, *x));
    if !groups.is_empty() {
        let mut lanes = [nothing; LANES];
        for group in groups {
            for j in 0..LANES {
                lanes[j] = better(lanes[j], group[j]);
            }
        }
        best = better(best, tree(lanes, better));
    }
    best
}

/// Folds lanes pairwise.
#[inline(always)]
fn tree<T: Copy>(lanes: [T; LANES], combine: impl Fn(T, T) -> T) -> T {
    // Out of the compiler's sight, or it forms the lanes in pairs for the sake of the last additions.
    let mut lanes = black_box(lanes);
    let mut width = LANES / 2;
    while width > 0 {
        for j in 0..width {
            lanes[j] = combine(lanes[j], lanes[j + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// The fold of a slice, one block after another.
struct Slice<'a, T, F> {
    fold: F,
    x: &'a [T],
}

impl<T: Math, F: Fold> Kernel for Slice<'_, T, F> {
    type Output = f64;
    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        let mut total = F::IDENTITY;
        for x in self.x.chunks(BLOCK) {
            let (groups, rest) = x.as_chunks::<LANES>();
            let mut block = F::IDENTITY;
            for x in rest {
                block = F::combine(block, self.fold.element(0, x.to_f64()));
            }
            if !groups.is_empty() {
                let mut lanes = [F::IDENTITY; LANES];
                for group in groups {
                    for j in 0..LANES {
                        lanes[j] = F::combine(lanes[j], self.fold.element(0, group[j].to_f64()));
                    }
                }
                block = F::combine(block, tree(lanes, F::combine));
            }
            total = F::combine(total, block);
        }
        total
    }
}

/// Combines partial results pairwise.
fn combine<F: Fold>(partial: &[f64]) -> f64 {
    match partial {
        [] => F::IDENTITY,
        [one] => *one,
        _ => {
            let (left, right) = partial.split_at(partial.len() / 2);
            F::combine(combine::<F>(left), combine::<F>(right))
        }
    }
}

/// The fold of a whole slice, on several threads where it is long.
pub(super) fn fold<T: Math, F: Fold>(fold: F, x: &[T]) -> f64 {
    if x.len() <= PIECE {
        return dispatch(Slice { fold, x });
    }
    let mut partial = vec![F::IDENTITY; x.len().div_ceil(PIECE)];
    for_each_chunk(&mut partial, 1, 1, |i, out| {
        out[0] = dispatch(Slice { fold, x: &x[i * PIECE..x.len().min((i + 1) * PIECE)] });
    });
    combine::<F>(&partial)
}

/// Reduces each row of a `rows x cols` matrix to what [`Reduce`] says, except that `Mean` is the sum here.
pub(crate) fn rows<T: Math>(op: Reduce, x: &[T], cols: usize, out: &mut [f64]) {
    assert_eq!(x.len(), cols * out.len(), "reduction of {} rows of {cols}", out.len());
    with_fold!(op, |fold| fold_rows(x, cols, out, |_| fold));
}

/// `sum (x - mean)^2` of each row; the means repeat where they are fewer than the rows.
pub(crate) fn centered_squares<T: Math>(x: &[T], cols: usize, means: &[f64], out: &mut [f64]) {
    fold_rows(x, cols, out, |row| super::CenteredSquares { means: &means[row % means.len()..][..1] });
}

fn fold_rows<T: Math, F: Fold>(x: &[T], cols: usize, out: &mut [f64], fold_of: impl Fn(usize) -> F + Sync) {
    if cols > PIECE {
        for (row, out) in out.iter_mut().enumerate() {
            *out = fold(fold_of(row), &x[row * cols..][..cols]);
        }
        return;
    }
    let cols_or_one = cols.max(1);
    for_each_chunk(out, (PIECE / 4 / cols_or_one).max(1), 4 * DEAR_GRAIN / cols_or_one, |first, out| {
        dispatch(Rows { x: &x[first * cols..][..cols * out.len()], cols, first, out, fold_of: &fold_of });
    });
}

struct Rows<'a, T, G> {
    x: &'a [T],
    cols: usize,
    first: usize,
    out: &'a mut [f64],
    fold_of: &'a G,
}

impl<T: Math, F: Fold, G: Fn(usize) -> F> Kernel for Rows<'_, T, G> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        for (i, out) in self.out.iter_mut().enumerate() {
            let fold = (self.fold_of)(self.first + i);
            *out = Slice { fold, x: &self.x[i * self.cols..][..self.cols] }.run::<A>();
        }
    }
}

/// `sum x y`
pub(super) fn dot<T: Math>(x: &[T], y: &[T]) -> T {
    assert_eq!(x.len(), y.len(), "dot product of {} and {} elements", x.len(), y.len());
    if x.len() <= PIECE {
        return T::from_f64(dispatch(Dot { x, y }));
    }
    let mut partial = vec![0.0; x.len().div_ceil(PIECE)];
    for_each_chunk(&mut partial, 1, 1, |i, out| {
        let piece = i * PIECE..x.len().min((i + 1) * PIECE);
        out[0] = dispatch(Dot { x: &x[piece.clone()], y: &y[piece] });
    });
    T::from_f64(combine::<super::Sum>(&partial))
}

struct Dot<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Math> Kernel for Dot<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        sum_map2(self.x, self.y, |x, y| x * y)
    }
}
