//! Reductions of the columns of matrices.

use super::{CenteredSquares, Fold, Reduce, Shifted, with_fold};
use crate::buffer::Buffer;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::threads::for_each_chunk;

/// Elements of the pieces, runs of whole rows, that threads take in turn.
const PIECE: usize = 64 * 1024;

/// Matrices narrower than this are folded: several rows side by side make one long row.
const WIDE: usize = 64;

/// Rows added up before the accumulators in memory are touched.
const DEPTH: usize = 8;

/// Reduces the columns of each of `outer` matrices of `rows x cols`; `Mean` is the sum here.
pub(crate) fn reduce<T: Math>(op: Reduce, x: &[T], outer: usize, rows: usize, cols: usize, out: &mut [f64]) {
    assert_eq!(x.len(), outer * rows * cols, "reduction of {outer} x {rows} x {cols}");
    assert_eq!(out.len(), outer * cols, "reduction into {outer} x {cols}");
    with_fold!(op, |fold| fold_columns(fold, x, rows, cols, out));
}

/// The sums of the columns of one matrix.
pub(super) fn sum<T: Math>(x: &[T], rows: usize, cols: usize, out: &mut [T]) {
    assert_eq!(out.len(), cols, "sums of {cols} columns");
    let mut sums = Buffer::<f64>::scratch(cols);
    reduce(Reduce::Sum, x, 1, rows, cols, &mut sums);
    out.iter_mut().zip(&*sums).for_each(|(out, sum)| *out = T::from_f64(*sum));
}

/// `sum (x - mean)^2` of the columns of one matrix.
pub(crate) fn centered_squares<T: Math>(x: &[T], rows: usize, cols: usize, means: &[f64], out: &mut [f64]) {
    let means: Vec<f64> = means.iter().cycle().take(cols * side_by_side(cols)).copied().collect();
    fold_columns(CenteredSquares { means: &means }, x, rows, cols, out);
}

/// `sum (x - shift)` of the columns of one matrix.
pub(crate) fn shifted_sums<T: Math>(x: &[T], rows: usize, cols: usize, shifts: &[f64], out: &mut [f64]) {
    let shifts: Vec<f64> = shifts.iter().cycle().take(cols * side_by_side(cols)).copied().collect();
    fold_columns(Shifted { shifts: &shifts }, x, rows, cols, out);
}

/// How many narrow rows make one long row.
fn side_by_side(cols: usize) -> usize {
    if cols < WIDE { (2 * WIDE).div_ceil(cols.max(1)) } else { 1 }
}

fn fold_columns<T: Math, F: Fold>(fold: F, x: &[T], rows: usize, cols: usize, out: &mut [f64]) {
    if cols == 0 || rows == 0 {
        out.fill(F::IDENTITY);
        return;
    }
    let height = (PIECE / cols).max(DEPTH).next_multiple_of(DEPTH * side_by_side(cols));
    let pieces = rows.div_ceil(height);
    let matrix = rows * cols;
    let piece_of = |i: usize| {
        let (matrix_index, piece) = (i / pieces, i % pieces);
        let matrix = &x[matrix_index * matrix..][..matrix];
        &matrix[piece * height * cols..matrix.len().min((piece + 1) * height * cols)]
    };
    let grain = (PIECE / 2 / rows.min(height)).max(1);
    if pieces == 1 {
        for_each_chunk(out, cols, grain, |start, out| {
            dispatch(Columns { fold, x: piece_of(start / cols), cols, out });
        });
        return;
    }
    let mut partial = Buffer::<f64>::scratch(out.len() * pieces);
    for_each_chunk(&mut partial, cols, grain, |start, out| {
        dispatch(Columns { fold, x: piece_of(start / cols), cols, out });
    });
    for (out, partial) in out.chunks_mut(cols).zip(partial.chunks(cols * pieces)) {
        out.copy_from_slice(&partial[..cols]);
        for row in partial[cols..].chunks(cols) {
            out.iter_mut().zip(row).for_each(|(out, value)| *out = F::combine(*out, *value));
        }
    }
}

struct Columns<'a, T, F> {
    fold: F,
    x: &'a [T],
    cols: usize,
    out: &'a mut [f64],
}

impl<T: Math, F: Fold> Kernel for Columns<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Columns { fold, x, cols, out } = self;
        let fold_in = side_by_side(cols);
        if fold_in == 1 {
            out.fill(F::IDENTITY);
            columns(fold, x, out);
            return;
        }
        let width = cols * fold_in;
        let whole = x.len() / width * width;
        let mut long = [F::IDENTITY; 4 * WIDE];
        columns(fold, &x[..whole], &mut long[..width]);
        columns(fold, &x[whole..], &mut long[..cols]);
        out.copy_from_slice(&long[..cols]);
        for part in long[cols..width].chunks(cols) {
            out.iter_mut().zip(part).for_each(|(out, value)| *out = F::combine(*out, *value));
        }
    }
}

/// Folds the rows of `x` into `out`, whose length is the width.
#[inline(always)]
fn columns<T: Math, F: Fold>(fold: F, x: &[T], out: &mut [f64]) {
    let width = out.len();
    let mut bands = x.chunks_exact(width * DEPTH);
    for band in bands.by_ref() {
        let rows: [&[T]; DEPTH] = std::array::from_fn(|r| &band[r * width..][..width]);
        for (j, out) in out.iter_mut().enumerate() {
            let mut values = [0.0; DEPTH];
            for r in 0..DEPTH {
                // SAFETY: every row has `width` elements, as many as `out`.
                values[r] = fold.element(j, unsafe { *rows[r].get_unchecked(j) }.to_f64());
            }
            let mut depth = DEPTH / 2;
            while depth > 0 {
                for r in 0..depth {
                    values[r] = F::combine(values[r], values[r + depth]);
                }
                depth /= 2;
            }
            *out = F::combine(*out, values[0]);
        }
    }
    for row in bands.remainder().chunks(width) {
        for (j, (out, x)) in out.iter_mut().zip(row).enumerate() {
            *out = F::combine(*out, fold.element(j, x.to_f64()));
        }
    }
}
