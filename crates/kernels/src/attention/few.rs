//! The forward pass of a few queries against many keys, as when a model writes a text word by word: too few to fill
//! vectors, so these run along the rows of keys and values instead, which are read once, at the speed of memory.

use super::block::{Block, QUERIES, WholeRows};
use super::forward::State;
use super::mask::Cover;
use super::product::{Product, WHOLE};
use super::{Attend, AttentionShape};
use crate::buffer::Buffer;
use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::gemm::tile;
use crate::heads::Rows;
use crate::isa::{Arch, Isa, Kernel, dispatch};
use crate::math::Math;

/// Queries that are few.
pub(super) const FEW: usize = 4;

/// Keys of a block.
const KEYS: usize = 256;

/// Attends, and leaves the state of each query's softmax.
pub(super) fn attend_few<T: Math + Vectors>(attend: &Attend<T>, block: &Block, out: &Rows<T>) -> State<T> {
    let shape: &AttentionShape = &attend.shape;
    let (rows, lanes, wide) = (block.rows, block.lanes, shape.value_width.next_multiple_of(WHOLE));
    let factor = T::from_f64(attend.scale * std::f64::consts::LOG2_E);
    let queries: Vec<*const T> =
        (0..rows).map(|lane| attend.row(&attend.query, block, lane, shape.width)).collect();
    let mut scores = Buffer::<T>::scratch(rows * KEYS);
    let mut bias = Buffer::<T>::scratch(if attend.mask.is_some() { lanes * KEYS } else { 0 });
    let mut sums = Buffer::<T>::zeroed(rows * wide);
    let mut state = State { top: [T::NEG_INFINITY; QUERIES], sum: [T::ZERO; QUERIES] };
    let (limits, end) = attend.limits(block);
    for first in (0..end).step_by(KEYS) {
        let keys = first..end.min(first + KEYS);
        let cover = attend.bias(block, &keys, &mut bias);
        if cover == Cover::Nothing {
            continue;
        }
        dispatch(Scores {
            queries: &queries,
            key: attend.key.row(block.head, first, shape.width).as_ptr(),
            stride: attend.key.row_stride,
            count: keys.len(),
            width: shape.width,
            out: &mut scores,
        });
        for (lane, scores) in scores.chunks_exact_mut(KEYS).enumerate() {
            let scores = &mut scores[..keys.len()];
            dispatch(Softmax {
                scores,
                factor,
                bias: (cover == Cover::Some).then_some((&bias, lane, lanes)),
                limit: limits[lane].saturating_sub(first),
                top: &mut state.top[lane],
                sum: &mut state.sum[lane],
                sums: &mut sums[lane * wide..][..wide],
            });
        }
        let values = WholeRows::of(&attend.value, block.head, &keys, shape.value_width);
        // SAFETY: the sizes were checked; scores and sums have a row for each query.
        unsafe {
            Product {
                m: rows,
                k: keys.len(),
                n: wide,
                a: scores.as_ptr(),
                a_strides: [KEYS, 1],
                b: values.start,
                b_stride: values.stride,
                c: sums.as_mut_ptr(),
                c_stride: wide,
                add: true,
            }
            .run_now();
        }
    }
    for lane in 0..rows {
        let (head, row) = block.place(shape, lane);
        // SAFETY: each query belongs to one block.
        let out = unsafe { out.row(head, row) };
        let sum = state.sum[lane];
        let factor = if sum == T::ZERO { T::ZERO } else { T::ONE / sum };
        out.iter_mut().zip(&sums[lane * wide..]).for_each(|(out, sum)| *out = factor * *sum);
    }
    state
}

/// The products of queries with keys: a row of [`KEYS`] for each query.
struct Scores<'a, T> {
    queries: &'a [*const T],
    key: *const T,
    stride: usize,
    count: usize,
    width: usize,
    out: &'a mut [T],
}

impl<T: Vectors> Kernel for Scores<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(mut self) {
        // SAFETY: its creator checked the sizes; each register type is used under its own instruction set.
        unsafe {
            match A::ISA {
                Isa::Avx512 => self.all::<T::Wide>(),
                Isa::Avx2 => self.all::<T::Half>(),
                _ => self.all::<Portable<A, T>>(),
            }
        }
    }
}

impl<T: Vectors> Scores<'_, T> {
    #[inline(always)]
    unsafe fn all<L: Lanes<T>>(&mut self) {
        let mut i = 0;
        // SAFETY: the caller's.
        unsafe {
            while i + 2 <= self.queries.len() {
                self.along::<L, 2>(i);
                i += 2;
            }
            if i < self.queries.len() {
                self.along::<L, 1>(i);
            }
        }
    }

    #[inline(always)]
    unsafe fn along<L: Lanes<T>, const M: usize>(&mut self, i: usize) {
        let whole = self.count / 4 * 4;
        // SAFETY: the caller's.
        unsafe {
            for j in (0..whole).step_by(4) {
                self.tile::<L, M, 4>(i, j);
            }
            for j in whole..self.count {
                self.tile::<L, M, 1>(i, j);
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const M: usize, const N: usize>(&mut self, i: usize, j: usize) {
        // SAFETY: the caller's.
        let sums = unsafe {
            tile::dot::<T, L, M, N>(
                self.width,
                T::ZERO,
                |di| self.queries[i + di],
                |dj| self.key.add((j + dj) * self.stride),
            )
        };
        for (di, sums) in sums.iter().enumerate() {
            self.out[(i + di) * KEYS + j..][..N].copy_from_slice(sums);
        }
    }
}

/// Takes the scores of one query into its softmax, as the forward pass does for many.
struct Softmax<'a, T> {
    scores: &'a mut [T],
    factor: T,
    /// A row of so many elements for each key, and which of them is this query's.
    bias: Option<(&'a [T], usize, usize)>,
    limit: usize,
    top: &'a mut T,
    sum: &'a mut T,
    sums: &'a mut [T],
}

/// Numbers that a loop keeps side by side.
const SIDE: usize = 16;

impl<T: Math> Kernel for Softmax<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Softmax { scores, factor, bias, limit, top, sum, sums } = self;
        for score in &mut *scores {
            *score *= factor;
        }
        if let Some((bias, lane, lanes)) = bias {
            scores.iter_mut().zip(bias.chunks_exact(lanes)).for_each(|(score, bias)| *score += bias[lane]);
        }
        let seen = limit.min(scores.len());
        scores[seen..].fill(T::NEG_INFINITY);
        let old = *top;
        let mut tops = [old; SIDE];
        let (groups, rest) = scores.as_chunks::<SIDE>();
        for group in groups {
            for (top, score) in tops.iter_mut().zip(group) {
                *top = if *score > *top { *score } else { *top };
            }
        }
        for score in rest.iter().chain(&tops) {
            *top = if *score > *top { *score } else { *top };
        }
        let shift = if *top == T::NEG_INFINITY { T::ZERO } else { *top };
        let brought = (old - shift).exp2_of_negative::<A>();
        for score in &mut *scores {
            *score = (*score - shift).exp2_of_negative::<A>();
        }
        let mut parts = [T::ZERO; SIDE];
        let (groups, rest) = scores.as_chunks::<SIDE>();
        for group in groups {
            for (part, weight) in parts.iter_mut().zip(group) {
                *part += *weight;
            }
        }
        *sum = *sum * brought + parts.iter().chain(rest).copied().sum::<T>();
        for sum in sums {
            *sum *= brought;
        }
    }
}
