//! What recurrent layers share: the walk through time over a batch of sequences, and the weight that meets the hidden
//! state at every step.
//!
//! A batch lies packed, step after step: first the elements of all sequences at step 0, then those at step 1 of the
//! sequences that are that long, and so on, longest sequences first. Step `t` so has `sizes[t]` rows, no row is padding,
//! and row `i` of every step belongs to sequence `i`. A batch of equal lengths is a plain `(T, N, ..)` array.
//!
//! Sequences do not see each other, so threads share them: each walks its own through all of time and waits for nobody.

use std::ops::Range;

use crate::gemm::lanes::Vectors;
use crate::gemm::packed::Packed;
use crate::gemm::{Gemm, Matrix, MatrixMut};
use crate::threads::{for_each, split_count, split_part, threads_for};

/// Multiply-adds that justify a thread.
const GRAIN: usize = 1 << 20;

/// Sequences that a thread should have at least: with fewer, reading the weight costs more than the arithmetic.
const SEQUENCES: usize = 4;

/// The steps of a packed batch, and the direction in which they are taken.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// Rows of each step: positive and never growing.
    pub sizes: &'a [usize],
    /// From the last step to the first.
    pub reverse: bool,
}

impl Steps<'_> {
    /// Rows of all steps together.
    pub fn rows(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// The number of sequences.
    pub fn batch(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// Where each step begins and how many rows it has, in the order in which they are taken; `back` for the opposite.
    fn order(&self, back: bool) -> Vec<(usize, usize)> {
        assert!(
            self.sizes.windows(2).all(|pair| pair[0] >= pair[1]),
            "steps of growing size: {:?}",
            self.sizes
        );
        let mut start = 0;
        let mut order: Vec<(usize, usize)> = Vec::with_capacity(self.sizes.len());
        for &size in self.sizes {
            order.push((start, size));
            start += size;
        }
        if self.reverse != back {
            order.reverse();
        }
        order
    }

    /// Calls `step(scratch, at)` for every step of every block of sequences, in order within a block.
    /// `scratch(sequences of a block)` makes what a block needs.
    pub(crate) fn walk<S>(
        &self,
        back: bool,
        weight_work: usize,
        shared: bool,
        scratch: impl Fn(usize) -> S + Sync,
        step: impl Fn(&mut S, At) + Sync,
    ) {
        let (order, batch) = (self.order(back), self.batch());
        let work = self.rows().saturating_mul(weight_work);
        let threads = if shared { threads_for(work, GRAIN).min(batch.div_ceil(SEQUENCES)).max(1) } else { 1 };
        for_each(split_count(batch, threads, 1), threads, |part| {
            let block = split_part(batch, threads, 1, part);
            let mut scratch = scratch(block.len());
            for (index, &(start, size)) in order.iter().enumerate() {
                let sequences = block.start..block.end.min(size);
                if !sequences.is_empty() {
                    step(&mut scratch, At { row: start + block.start, sequences, turned: index % 2 == 1 });
                }
            }
        });
    }
}

/// A step of a block of sequences.
pub(crate) struct At {
    /// The block's first row in packed arrays.
    pub row: usize,
    /// Those of its sequences that take part.
    pub sequences: Range<usize>,
    /// Whether the weight is gone through from its end: every other step, so that each begins with what the last one has
    /// left in the cache.
    pub turned: bool,
}

/// The right operand of every step's product.
pub(crate) enum Weight<'a, T: Vectors> {
    /// Laid out once, for many steps.
    Packed(Packed<T>),
    /// As it is, for a single step: laying it out would cost as much as using it.
    Plain(Matrix<'a, T>),
}

impl<'a, T: Vectors + Gemm> Weight<'a, T> {
    pub(crate) fn new(matrix: Matrix<'a, T>, steps: Steps) -> Self {
        if steps.sizes.len() > 1 { Weight::Packed(Packed::new(matrix)) } else { Weight::Plain(matrix) }
    }

    /// Whether products should be divided between threads by sequences: a plain one divides itself.
    pub(crate) fn shared(&self) -> bool {
        matches!(self, Weight::Packed(_))
    }

    /// `c += a weight` for contiguous rows.
    pub(crate) fn add_product(&self, a: &[T], rows: usize, c: &mut [T], turned: bool) {
        match self {
            Weight::Packed(packed) => packed.add_product(a, rows, c, turned),
            Weight::Plain(matrix) => T::gemm(
                T::ONE,
                Matrix::row_major(a, rows, matrix.rows),
                *matrix,
                T::ONE,
                MatrixMut::row_major(c, rows, matrix.cols),
            ),
        }
    }
}
