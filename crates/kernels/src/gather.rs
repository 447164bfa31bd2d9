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

/// Sums the marked axes of a view of any countable type: what integer tensors use, one element at a time in order.
pub fn sum_axes<T: Plain>(
    x: crate::View<T>,
    reduced: &[bool],
    zero: T,
    add: impl Fn(T, T) -> T,
    out: &mut [T],
) {
    out.fill(zero);
    if x.is_empty() {
        return;
    }
    let mut steps = vec![0; x.shape.len()];
    let mut size = 1;
    for axis in (0..x.shape.len()).rev().filter(|&axis| !reduced[axis]) {
        steps[axis] = size;
        size *= x.shape[axis];
    }
    assert_eq!(out.len(), size, "one output for each index of the kept axes");
    let mut position = vec![0; x.shape.len()];
    let (mut from, mut to) = (0, 0);
    for _ in 0..x.len() {
        out[to] = add(out[to], x.data[from]);
        for axis in (0..x.shape.len()).rev() {
            position[axis] += 1;
            from += x.strides[axis];
            to += steps[axis];
            if position[axis] < x.shape[axis] {
                break;
            }
            from -= x.shape[axis] * x.strides[axis];
            to -= x.shape[axis] * steps[axis];
            position[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;

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

    #[test]
    fn sums_any_axes_of_any_strides() {
        let data: Vec<i64> = (0..24).collect();
        let mut out = [0; 3];
        // Shape [2, 3, 4]: axes 0 and 2 summed.
        sum_axes(View::new(&data, &[2, 3, 4], &[12, 4, 1]), &[true, false, true], 0, |a, b| a + b, &mut out);
        assert_eq!(out, [60, 92, 124]);
        let mut transposed = [0; 4];
        sum_axes(View::new(&data[..12], &[4, 3], &[1, 4]), &[false, true], 0, |a, b| a + b, &mut transposed);
        assert_eq!(transposed, [12, 15, 18, 21]);
    }
}
