//! Copying blocks of elements from, and combining them into, listed places: the ground of all indexing.

use crate::buffer::Plain;
use crate::threads;

/// `out[i * block..][..block] = source[offsets[i]..][..block]` for every `i`.
pub fn take_blocks<T: Plain>(source: &[T], offsets: &[usize], block: usize, out: &mut [T]) {
    take(source, offsets, 1, block, out);
}

/// `out[i * row..][..row] = source[rows[i] * row..][..row]` for every `i`.
pub fn take_rows<T: Plain>(source: &[T], rows: &[usize], row: usize, out: &mut [T]) {
    take(source, rows, row, row, out);
}

/// Blocks that start at `unit` times the listed places.
fn take<T: Plain>(source: &[T], places: &[usize], unit: usize, block: usize, out: &mut [T]) {
    assert_eq!(out.len(), places.len() * block, "one block of output for each place");
    if block == 0 || places.is_empty() {
        return;
    }
    let blocks_in_a_piece = (8 * 1024 / block).max(1);
    threads::for_each_chunk(out, blocks_in_a_piece * block, 16 * 1024, |start, piece| {
        let places = &places[start / block..];
        if block == 1 {
            for (value, &place) in piece.iter_mut().zip(places) {
                *value = source[place * unit];
            }
        } else {
            for (values, &place) in piece.chunks_exact_mut(block).zip(places) {
                values.copy_from_slice(&source[place * unit..][..block]);
            }
        }
    });
}

/// `out[offsets[i] + j] = combine(out[offsets[i] + j], source[i * block + j])` in order of `i`, so that places named
/// twice receive both, always in the same order.
pub fn combine_blocks<T: Plain>(
    source: &[T],
    offsets: &[usize],
    block: usize,
    out: &mut [T],
    combine: impl Fn(T, T) -> T,
) {
    assert_eq!(source.len(), offsets.len() * block, "one block of source for each offset");
    if block == 0 {
        return;
    }
    for (values, &offset) in source.chunks_exact(block).zip(offsets) {
        for (target, &value) in out[offset..offset + block].iter_mut().zip(values) {
            *target = combine(*target, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combining_is_the_transpose_of_taking() {
        let source = [1, 2, 3, 4, 5, 6];
        let mut out = [0; 6];
        take_blocks(&source, &[4, 0, 4], 2, &mut out);
        assert_eq!(out, [5, 6, 1, 2, 5, 6]);
        let mut back = [0; 6];
        combine_blocks(&out, &[4, 0, 4], 2, &mut back, |a, b| a + b);
        assert_eq!(back, [1, 2, 0, 0, 10, 12]);
    }
}
