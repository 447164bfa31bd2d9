//! Embedding: rows of a table picked by index, and in the backward pass every row's gradients added up in the order in
//! which the row was picked. Nothing the size of a one-hot matrix is made. Rows that have grown too long can be shortened.

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

/// The rows that were picked and whose norm is more than `max_norm`, in order, each once with its norm: what there is to
/// shorten.
///
/// `p` says which norm: (sum |x|^p)^(1/p), for infinity the largest |x|, for 0 how many are not 0, as PyTorch has it.
pub fn too_long<T: Real>(table: &[T], width: usize, ids: &[i64], max_norm: f64, p: f64) -> Vec<(usize, f64)> {
    let mut rows: Vec<usize> = ids.iter().map(|&id| id as usize).collect();
    rows.sort_unstable();
    rows.dedup();
    let norm = |row: usize| norm(&table[row * width..][..width], p);
    rows.into_iter().map(|row| (row, norm(row))).filter(|&(_, norm)| norm > max_norm).collect()
}

/// Shortens rows of these norms to `max_norm`: each times `max_norm / (norm + 1e-7)`, as PyTorch does.
pub fn shorten<T: Real>(table: &mut [T], width: usize, rows: &[(usize, f64)], max_norm: f64) {
    for &(row, norm) in rows {
        let scale = T::from_f64(max_norm / (norm + 1e-7));
        for x in &mut table[row * width..][..width] {
            *x *= scale;
        }
    }
}

fn norm<T: Real>(row: &[T], p: f64) -> f64 {
    let sizes = row.iter().map(|x| x.to_f64().abs());
    match p {
        0.0 => sizes.filter(|&x| x != 0.0).count() as f64,
        1.0 => sizes.sum(),
        2.0 => sizes.map(|x| x * x).sum::<f64>().sqrt(),
        f64::INFINITY => sizes.fold(0.0, f64::max),
        p => sizes.map(|x| x.powf(p)).sum::<f64>().powf(1.0 / p),
    }
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
