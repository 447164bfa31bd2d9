//! Embedding: rows of a table picked by index, and in the backward pass every row's gradients added up in the order in
//! which the row was picked. Nothing the size of a one-hot matrix is made.

use crate::buffer::Plain;
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads;

/// Elements that each thread should copy or add at least.
const GRAIN: usize = 1 << 15;

/// `out[i * width..][..width] = table[ids[i] * width..][..width]` for every `i`.
pub fn forward<T: Plain>(table: &[T], width: usize, ids: &[i64], out: &mut [T]) {
    assert_eq!(out.len(), ids.len() * width, "one row of output for each index");
    if width == 0 || ids.is_empty() {
        return;
    }
    let rows = (8 * 1024 / width).max(1);
    threads::for_each_chunk(out, rows * width, GRAIN, |start, piece| {
        for (values, &id) in piece.chunks_exact_mut(width).zip(&ids[start / width..]) {
            values.copy_from_slice(&table[id as usize * width..][..width]);
        }
    });
}

/// Which rows of a table were picked, and when.
#[derive(Clone, Copy, Debug)]
pub struct Picks<'a> {
    /// The row that each position picked, all of them rows of the table.
    pub ids: &'a [i64],
    /// Rows of the table.
    pub rows: usize,
    /// A row whose gradient stays 0.
    pub padding: Option<usize>,
    /// Whether each row's gradient is divided by the number of times it was picked.
    pub scale_by_frequency: bool,
}

/// The gradient of the table, `(rows, width)`: `dtable[r] = sum of dy[i] over the i with ids[i] = r`, in order of `i`
/// whatever the number of threads, which share the table's rows between them.
pub fn backward<T: Real + Plain>(dy: &[T], width: usize, picks: &Picks<'_>, dtable: &mut [T]) {
    let Picks { ids, rows, padding, scale_by_frequency } = *picks;
    assert_eq!(dy.len(), ids.len() * width, "one row of gradient for each index");
    assert_eq!(dtable.len(), rows * width, "a gradient for each row of the table");
    if width == 0 || rows == 0 {
        return;
    }
    let (starts, positions) = by_row(ids, rows);
    // Pieces are cut by rows, not by picks: a piece is zeroed and filled while it is in the cache.
    let piece_rows = (4 * 1024 / width).max(1);
    let threads = threads::threads_for(dy.len() + dtable.len(), GRAIN);
    let grain = dtable.len() / threads;
    threads::for_each_chunk(dtable, piece_rows * width, grain, |start, piece| {
        for (row, sum) in (start / width..).zip(piece.chunks_exact_mut(width)) {
            let positions = &positions[starts[row]..starts[row + 1]];
            if Some(row) == padding || positions.is_empty() {
                sum.fill(T::ZERO);
                continue;
            }
            let scale = if scale_by_frequency { 1.0 / positions.len() as f64 } else { 1.0 };
            dispatch(AddUp { dy, positions, scale: T::from_f64(scale), sum });
        }
    });
}

/// The positions in order of the row they picked, and where each row's begin: a counting sort, which keeps the order of
/// equals.
fn by_row(ids: &[i64], rows: usize) -> (Vec<usize>, Vec<usize>) {
    let mut starts = vec![0; rows + 1];
    for &id in ids {
        starts[id as usize + 1] += 1;
    }
    for row in 0..rows {
        starts[row + 1] += starts[row];
    }
    let mut next = starts.clone();
    let mut positions = vec![0; ids.len()];
    for (position, &id) in ids.iter().enumerate() {
        let place = &mut next[id as usize];
        positions[*place] = position;
        *place += 1;
    }
    (starts, positions)
}

/// The sum of some rows of `dy`, at least one.
struct AddUp<'a, T> {
    dy: &'a [T],
    positions: &'a [usize],
    scale: T,
    sum: &'a mut [T],
}

impl<T: Real> Kernel for AddUp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let AddUp { dy, positions, scale, sum } = self;
        let width = sum.len();
        let row = |position: usize| &dy[position * width..][..width];
        sum.copy_from_slice(row(positions[0]));
        for &position in &positions[1..] {
            for (sum, dy) in sum.iter_mut().zip(row(position)) {
                *sum += *dy;
            }
        }
        if scale != T::ONE {
            for sum in sum.iter_mut() {
                *sum *= scale;
            }
        }
    }
}
