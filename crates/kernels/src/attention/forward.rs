//! The forward pass.

use super::Attend;
use super::block::{Block, Blocks, KEYS, QUERIES, Steps, adjust, cut};
use super::few::{FEW, attend_few};
use super::mask::Cover;
use super::product::{Product, Transpose};
use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::heads::{HeadsMut, Rows};
use crate::isa::{Arch, Kernel, Scalar, dispatch};
use crate::math::Math;
use crate::threads::{for_each, threads_for};

/// Multiply-adds below which another thread does not pay.
pub(super) const GRAIN: usize = 1 << 18;

pub(super) fn forward<T: Math + Vectors>(attend: &Attend<T>, out: HeadsMut<T>, log_sums: &mut [T]) {
    let shape = &attend.shape;
    let query_heads = shape.query_heads();
    assert_eq!(log_sums.len(), query_heads * shape.queries, "a logarithm for each query");
    let out = out.shared("the output", query_heads, shape.queries, shape.value_width);
    let log_sums = Disjoint::new(log_sums);
    let blocks = Blocks::new(shape);
    let per_head = blocks.per_head();
    for_each(shape.heads * per_head, threads_for(shape.work(attend.causal), GRAIN), |task| {
        let block = blocks.get(task / per_head, task % per_head);
        let few = block.rows <= FEW && attend.dropout.is_none();
        let state = if few { attend_few(attend, &block, &out) } else { attend_block(attend, &block, &out) };
        for lane in 0..block.rows {
            let (head, row) = block.place(shape, lane);
            // SAFETY: each query belongs to one block.
            unsafe { log_sums.slice(head * shape.queries + row, 1)[0] = state.log_sum(lane) };
        }
    });
}

/// Attends, and leaves the state of each query's softmax.
fn attend_block<T: Math + Vectors>(attend: &Attend<T>, block: &Block, out: &Rows<T>) -> State<T> {
    let shape = &attend.shape;
    let (lanes, width, value_width) = (block.lanes, shape.width, shape.value_width);
    // Scores to base 2: the softmax's exponential is then that of the processor.
    let factor = T::from_f64(attend.scale * std::f64::consts::LOG2_E);
    let query = attend.turned(&attend.query, block, width, factor);
    let mut scores = Buffer::<T>::scratch(KEYS * lanes);
    let mut bias = Buffer::<T>::scratch(if attend.mask.is_some() { KEYS * lanes } else { 0 });
    let mut dropped = Buffer::<T>::scratch(if attend.dropout.is_some() { KEYS * lanes } else { 0 });
    let mut sums = Buffer::<T>::scratch(value_width * lanes);
    let mut state = State { top: [T::NEG_INFINITY; QUERIES], sum: [T::ZERO; QUERIES] };
    let (limits, end) = attend.limits(block);
    let mut started = false;
    for first in (0..end).step_by(KEYS) {
        let keys = first..end.min(first + KEYS);
        let cover = attend.bias(block, &keys, &mut bias);
        if cover == Cover::Nothing {
            continue;
        }
        let cut = cut::<T>(&limits, block, &keys);
        let steps = Steps::new(shape, block, keys.len(), cut.as_ref());
        for step in steps.iter() {
            // SAFETY: the sizes were checked; the scratch buffers hold a block each.
            unsafe {
                Product {
                    m: step.keys.1 - step.keys.0,
                    k: width,
                    n: lanes - step.lanes.0,
                    a: attend
                        .key
                        .row(block.head, first, width)
                        .as_ptr()
                        .wrapping_add(step.keys.0 * attend.key.row_stride),
                    a_strides: [attend.key.row_stride, 1],
                    b: query.as_ptr().wrapping_add(step.lanes.0),
                    b_stride: lanes,
                    c: scores.as_mut_ptr().wrapping_add(step.keys.0 * lanes + step.lanes.0),
                    c_stride: lanes,
                    add: false,
                }
                .run_now();
            }
        }
        let count = keys.len() * lanes;
        let has_dropped = attend.dropped(block, &keys, &mut dropped);
        dispatch(Online {
            lanes,
            scores: &mut scores[..count],
            bias: (cover == Cover::Some).then(|| &bias[..count]),
            limits: cut.as_ref().map(|cut| &cut[..]),
            dropped: has_dropped.then(|| &dropped[..count]),
            state: &mut state,
            sums: if started { &mut sums } else { &mut [] },
        });
        for step in steps.iter() {
            // SAFETY: as above.
            unsafe {
                Product {
                    m: value_width,
                    k: step.keys.1,
                    n: step.lanes.1 - step.lanes.0,
                    a: attend.value.row(block.head, first, value_width).as_ptr(),
                    a_strides: [1, attend.value.row_stride],
                    b: scores.as_ptr().wrapping_add(step.lanes.0),
                    b_stride: lanes,
                    c: sums.as_mut_ptr().wrapping_add(step.lanes.0),
                    c_stride: lanes,
                    add: started,
                }
                .run_now();
            }
        }
        started = true;
    }
    if !started {
        sums.fill(T::ZERO);
    }
    dispatch(Finish { lanes, state: &state, sums: &mut sums });
    let rows: Vec<*mut T> = (0..block.rows)
        .map(|lane| {
            let (head, row) = block.place(shape, lane);
            // SAFETY: each query belongs to one block.
            unsafe { out.row(head, row).as_mut_ptr() }
        })
        .collect();
    let sums: &[T] = &sums;
    let source = |row: usize| sums[row * lanes..].as_ptr();
    // SAFETY: each row of the output has `value_width` elements, and each of the sums `lanes`.
    unsafe {
        Transpose { rows: value_width, cols: block.rows, source, target: |row: usize| rows[row] }
            .run_now::<T>();
    }
    state
}

/// The softmax of each query so far.
pub(super) struct State<T> {
    /// The largest score.
    pub top: [T; QUERIES],
    /// The sum of `2^(score - top)`.
    pub sum: [T; QUERIES],
}

impl<T: Math> State<T> {
    /// The logarithm, to base 2, of the sum of `2^score`; without a key one that makes every weight 0.
    fn log_sum(&self, lane: usize) -> T {
        let sum = self.sum[lane];
        if sum == T::ZERO { T::INFINITY } else { self.top[lane] + sum.log2::<Scalar>() }
    }
}

/// Takes a block of keys into the softmax: scores become weights relative to the largest score so far, to which the old
/// sums are brought as well.
struct Online<'a, T> {
    lanes: usize,
    scores: &'a mut [T],
    bias: Option<&'a [T]>,
    limits: Option<&'a [T]>,
    dropped: Option<&'a [T]>,
    state: &'a mut State<T>,
    /// The weighted sums of values, empty before the first block.
    sums: &'a mut [T],
}

impl<T: Math> Kernel for Online<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        // The usual width as a number that the compiler knows.
        match self.lanes {
            QUERIES => self.update::<A>(QUERIES),
            lanes => self.update::<A>(lanes),
        }
    }
}

impl<T: Math> Online<'_, T> {
    #[inline(always)]
    fn update<A: Arch>(self, lanes: usize) {
        let Online { scores, bias, limits, dropped, state, sums, .. } = self;
        adjust(scores, lanes, bias, limits);
        let (top, sum) = (&mut state.top[..lanes], &mut state.sum[..lanes]);
        let mut old = [T::ZERO; QUERIES];
        let old = &mut old[..lanes];
        old.copy_from_slice(top);
        for scores in scores.chunks_exact(lanes) {
            for (top, score) in top.iter_mut().zip(scores) {
                *top = if *score > *top { *score } else { *top };
            }
        }
        // Queries that have seen no key yet have nothing to subtract.
        let mut shift = [T::ZERO; QUERIES];
        let shift = &mut shift[..lanes];
        for (shift, top) in shift.iter_mut().zip(&*top) {
            *shift = if *top == T::NEG_INFINITY { T::ZERO } else { *top };
        }
        let mut moved = false;
        for (old, shift) in old.iter_mut().zip(&*shift) {
            *old = (*old - *shift).exp2_of_negative::<A>();
            moved |= *old != T::ONE;
        }
        for (sum, old) in sum.iter_mut().zip(&*old) {
            *sum *= *old;
        }
        for scores in scores.chunks_exact_mut(lanes) {
            for ((score, shift), sum) in scores.iter_mut().zip(&*shift).zip(&mut *sum) {
                let weight = (*score - *shift).exp2_of_negative::<A>();
                *score = weight;
                *sum += weight;
            }
        }
        if let Some(dropped) = dropped {
            scores.iter_mut().zip(dropped).for_each(|(weight, factor)| *weight *= *factor);
        }
        if moved {
            for sums in sums.chunks_exact_mut(lanes) {
                sums.iter_mut().zip(&*old).for_each(|(sum, old)| *sum *= *old);
            }
        }
    }
}

/// Divides by the sums of weights; without a key there are zeros.
struct Finish<'a, T> {
    lanes: usize,
    state: &'a State<T>,
    sums: &'a mut [T],
}

impl<T: Math> Kernel for Finish<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Finish { lanes, state, sums } = self;
        let mut factor = [T::ZERO; QUERIES];
        for lane in 0..lanes {
            let sum = state.sum[lane];
            factor[lane] = if sum == T::ZERO { T::ZERO } else { T::ONE / sum };
        }
        for sums in sums.chunks_exact_mut(lanes) {
            sums.iter_mut().zip(&factor).for_each(|(sum, factor)| *sum *= *factor);
        }
    }
}
