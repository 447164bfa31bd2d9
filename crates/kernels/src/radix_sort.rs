//! Sorting by a 64-bit key, a byte at a time (least significant first), on several threads.
//!
//! Every pass counts how often each byte occurs in each piece of the input, and from the counts every piece knows where
//! its elements go; equal keys keep their order, so the result is one and the same however the input is cut. Bytes in
//! which all keys agree (the exponents of probabilities, the upper half of `f32`s) cost nothing.

use crate::disjoint::Disjoint;
use crate::threads;

/// Below this many elements a comparison sort wins.
const SMALL: usize = 1 << 10;

/// Elements that pay for a thread.
const GRAIN: usize = 1 << 15;

const RADIX: usize = 256;

/// Sorts by ascending `key`; equal keys keep their order.
pub fn sort_by_key<E: Copy + Send + Sync>(items: &mut Vec<E>, key: impl Fn(&E) -> u64 + Sync) {
    if items.len() < SMALL {
        return items.sort_by_key(key);
    }
    let first = key(&items[0]);
    let differing = items.iter().fold(0, |bits, item| bits | (key(item) ^ first));
    let mut scratch = items.clone();
    for byte in (0..8).filter(|byte| (differing >> (8 * byte)) & 0xff != 0) {
        let digit = |i: usize| (key(&items[i]) >> (8 * byte)) as usize & 0xff;
        distribute(&mut scratch, RADIX, digit, |i| items[i]);
        std::mem::swap(items, &mut scratch);
    }
}

/// Writes `value(i)` to `out` by ascending `digit(i)`, which is below `digits`, for every index of `out`; equal digits keep
/// their order. Returns where each digit starts, and the end.
pub fn distribute<E: Copy + Send + Sync>(
    out: &mut [E],
    digits: usize,
    digit: impl Fn(usize) -> usize + Sync,
    value: impl Fn(usize) -> E + Sync,
) -> Vec<usize> {
    let n = out.len();
    let workers = threads::threads_for(n, GRAIN);
    let pieces = threads::split_count(n, workers, 1);
    let mut counts = vec![0usize; pieces * digits];
    threads::for_each_chunk(&mut counts, digits, 1, |start, counts| {
        for i in threads::split_part(n, workers, 1, start / digits) {
            counts[digit(i)] += 1;
        }
    });
    let mut starts = vec![0; digits + 1];
    let mut next = 0;
    for digit in 0..digits {
        starts[digit] = next;
        for piece in 0..pieces {
            let count = &mut counts[piece * digits + digit];
            (next, *count) = (next + *count, next);
        }
    }
    starts[digits] = next;
    let out = Disjoint::new(out);
    threads::for_each_chunk(&mut counts, digits, 1, |start, places| {
        for i in threads::split_part(n, workers, 1, start / digits) {
            let place = &mut places[digit(i)];
            // SAFETY: the places of a piece and a digit run from its offset to the next one's, so each is taken once, and the
            // reference ends with the statement.
            unsafe { out.slice(*place, 1)[0] = value(i) };
            *place += 1;
        }
    });
    starts
}

/// Bits that compare as the numbers do; -0 and 0 are one. Of numbers that came from `f32`, the last bytes are all 0.
#[inline(always)]
pub fn ordered_bits(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    bits ^ ((bits as i64 >> 63) as u64 | 1 << 63)
}

/// The number that has these [`ordered_bits`].
#[inline(always)]
pub fn from_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(bits ^ ((!bits as i64 >> 63) as u64 | 1 << 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RandomState;

    #[test]
    fn sorts_as_the_standard_library_does_and_keeps_the_order_of_equals() {
        let mut random = RandomState::new(7);
        for n in [0, 1, 2, 1000, 1 << 10, 70_001, 140_000] {
            for distinct in [1, 3, 1 << 20, u64::MAX] {
                let items: Vec<(u64, usize)> = (0..n)
                    .map(|i| {
                        ((u64::from(random.next_u32()) << 32 | u64::from(random.next_u32())) % distinct, i)
                    })
                    .collect();
                let mut expected = items.clone();
                expected.sort_by_key(|item| item.0);
                for workers in [1, 3] {
                    let mut ours = items.clone();
                    threads::with_num_threads(workers, || sort_by_key(&mut ours, |item| item.0));
                    assert!(ours == expected, "{n} elements, {distinct} keys, {workers} threads");
                }
            }
        }
    }

    #[test]
    fn bits_are_ordered_as_numbers_are() {
        let values =
            [f64::NEG_INFINITY, -2.5, -1e-310, 0.0, 5e-324, 1.0, 1.0 + f64::EPSILON, f64::MAX, f64::INFINITY];
        assert!(values.map(ordered_bits).is_sorted_by(|a, b| a < b));
        assert_eq!(ordered_bits(-0.0), ordered_bits(0.0));
        assert_eq!(values.map(|x| from_ordered_bits(ordered_bits(x))), values);
    }
}
