//! What masks mean to a block of queries and a block of keys.

use std::ops::Range;

use super::block::{Block, QUERIES};
use super::product::Transpose;
use super::{Attend, Mask, Places};
use crate::buffer::Buffer;
use crate::gemm::lanes::Vectors;
use crate::math::Math;

/// What a mask does to a block.
#[derive(PartialEq)]
pub(super) enum Cover {
    /// Nobody attends to any of the keys.
    Nothing,
    /// Everybody attends to all of them, but for what is cut off.
    Everything,
    /// Something is added to the scores.
    Some,
}

#[allow(private_bounds)] // Its methods are as private as the bound.
impl<T: Math + Vectors> Attend<'_, T> {
    /// What is added to the scores of `keys` (times log2 e, with -inf for "never"), a row of `lanes` for each key.
    pub(super) fn bias(&self, block: &Block, keys: &Range<usize>, bias: &mut [T]) -> Cover {
        match &self.mask {
            None => Cover::Everything,
            Some(Mask::Keep { places, keep }) => {
                let of_block = Window::new(self, block, keys, places);
                // Most blocks of a mask are of one kind, which a look at its bytes finds out.
                match of_block.count(*keep) {
                    (0, _) => Cover::Nothing,
                    (kept, all) if kept == all => Cover::Everything,
                    _ => {
                        of_block.spread(bias, |value| if value == *keep { T::ZERO } else { T::NEG_INFINITY });
                        Cover::Some
                    }
                }
            }
            Some(Mask::Additive(places)) => {
                let factor = T::from_f64(std::f64::consts::LOG2_E);
                Window::new(self, block, keys, places).spread(bias, |value| value * factor);
                Cover::Some
            }
        }
    }
}

/// The part of a mask that belongs to a block.
struct Window<'a, V> {
    data: &'a [V],
    /// Where the first key of each query is; one for all where they are alike.
    starts: [usize; QUERIES],
    queries: usize,
    rows: usize,
    lanes: usize,
    keys: usize,
    col_stride: usize,
}

impl<'a, V: Copy + PartialEq> Window<'a, V> {
    fn new<T>(attend: &Attend<T>, block: &Block, keys: &Range<usize>, places: &Places<'a, V>) -> Self {
        let mut starts = [0; QUERIES];
        for (lane, start) in starts[..block.rows].iter_mut().enumerate() {
            let (head, row) = block.place(&attend.shape, lane);
            *start = places.offsets[head] + row * places.row_stride + keys.start * places.col_stride;
        }
        let alike = starts[..block.rows].iter().all(|start| *start == starts[0]);
        Window {
            data: places.data,
            starts,
            queries: if alike { 1 } else { block.rows },
            rows: block.rows,
            lanes: block.lanes,
            keys: keys.len(),
            col_stride: places.col_stride,
        }
    }

    /// Calls `each` with the places of a query, in order.
    fn for_query(&self, query: usize, mut each: impl FnMut(usize, V)) {
        let start = self.starts[query];
        if self.col_stride == 1 {
            self.data[start..start + self.keys].iter().enumerate().for_each(|(key, &value)| each(key, value));
        } else {
            (0..self.keys).for_each(|key| each(key, self.data[start + key * self.col_stride]));
        }
    }

    /// How many places hold `value`, and how many there are.
    fn count(&self, value: V) -> (usize, usize) {
        let mut count = 0;
        for query in 0..self.queries {
            self.for_query(query, |_, found| count += usize::from(found == value));
        }
        (count, self.queries * self.keys)
    }

    /// Writes what the places stand for, a row of lanes for each key.
    fn spread<T: Math + Vectors>(&self, bias: &mut [T], of: impl Fn(V) -> T) {
        let lanes = self.lanes;
        if self.queries == 1 {
            self.for_query(0, |key, value| bias[key * lanes..][..lanes].fill(of(value)));
            return;
        }
        if self.rows < lanes {
            bias[..self.keys * lanes].fill(T::ZERO);
        }
        let mut rows = Buffer::<T>::scratch(self.rows * self.keys);
        for (query, row) in rows.chunks_exact_mut(self.keys).enumerate() {
            self.for_query(query, |key, value| row[key] = of(value));
        }
        let rows: &[T] = &rows;
        let bias = &mut bias[..self.keys * lanes];
        let start = bias.as_mut_ptr();
        let source = |row: usize| rows[row * self.keys..].as_ptr();
        let target = |key: usize| start.wrapping_add(key * lanes);
        // SAFETY: rows hold a number for each key, and the bias `lanes` for each.
        unsafe { Transpose { rows: self.rows, cols: self.keys, source, target }.run_now::<T>() };
    }
}
