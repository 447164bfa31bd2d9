//! The backward pass: weights computed again, a block of queries against a block of keys at a time.

use std::ops::Range;

use super::block::{Block, Blocks, KEYS, QUERIES, Steps, WholeRows, adjust, cut};
use super::forward::GRAIN;
use super::mask::Cover;
use super::product::{Dots, Product, WHOLE};
use super::{Attend, AttentionGradients, AttentionPass};
use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::heads::{Heads, HeadsMut, Rows};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::threads::{for_each, threads_for};

/// Tasks that keep many threads busy: with fewer heads, each head's keys are cut into pieces.
const TASKS: usize = 16;

/// Keys of a piece, at least: each piece has gradients of the queries of its own, which are added up at the end.
const PIECE: usize = 512;

pub(super) fn backward<T: Math + Vectors>(
    attend: &Attend<T>,
    pass: &AttentionPass<T>,
    gradients: AttentionGradients<T>,
) {
    let shape = &attend.shape;
    let (query_heads, queries, width) = (shape.query_heads(), shape.queries, shape.width);
    assert_eq!(pass.log_sums.len(), query_heads * queries, "a logarithm for each query");
    pass.out.check("the output", query_heads, queries, shape.value_width);
    pass.dout.check("the output's gradient", query_heads, queries, shape.value_width);
    let AttentionGradients { dquery, dkey, dvalue, dmask } = gradients;
    let dmask = dmask.map(|dmask| {
        assert_eq!(dmask.len(), query_heads * queries * shape.keys, "a gradient for each pair");
        Disjoint::new(dmask)
    });
    let dkey = dkey.map(|dkey| dkey.shared("the keys' gradient", shape.heads, shape.keys, width));
    let dvalue = dvalue
        .map(|dvalue| dvalue.shared("the values' gradient", shape.heads, shape.keys, shape.value_width));
    // The pieces depend on the sizes alone, so that threads never change a result.
    let pieces = TASKS.div_ceil(shape.heads.max(1)).min(shape.keys / PIECE).max(1);
    let piece = shape.keys.div_ceil(pieces).next_multiple_of(KEYS);
    let pieces = shape.keys.div_ceil(piece.max(1)).max(1);
    // Each piece's gradients of the queries, unless there is only one, which writes to their place.
    let partial_len = if pieces > 1 && dquery.is_some() { query_heads * queries * width } else { 0 };
    let mut partial = Buffer::<T>::zeroed(pieces * partial_len);
    let partial_offsets: Vec<usize> = (0..pieces * query_heads).map(|head| head * queries * width).collect();
    let dquery = dquery.map(|dquery| dquery.shared("the queries' gradient", query_heads, queries, width));
    {
        let parts = (partial_len > 0).then(|| {
            HeadsMut::new(&mut partial, &partial_offsets, width).shared(
                "partial gradients",
                pieces * query_heads,
                queries,
                width,
            )
        });
        let blocks = Blocks::new(shape);
        // Five products against the forward pass's two.
        let threads = threads_for(3 * shape.work(attend.causal), GRAIN);
        for_each(shape.heads * pieces, threads, |task| {
            let (head, piece_index) = (task / pieces, task % pieces);
            let keys = (piece_index * piece).min(shape.keys)..((piece_index + 1) * piece).min(shape.keys);
            let target = match &parts {
                Some(parts) => Some((parts, piece_index * query_heads)),
                None => dquery.as_ref().map(|dquery| (dquery, 0)),
            };
            let task = Task { attend, pass, head, keys, dkey: dkey.as_ref(), dvalue: dvalue.as_ref() };
            task.run(&blocks, target, dmask.as_ref());
        });
    }
    if let Some(dquery) = dquery
        && partial_len > 0
    {
        for_each(query_heads * queries, threads_for(pieces * partial_len, 1 << 15), |row| {
            // SAFETY: each row is taken once.
            let out = unsafe { dquery.row(row / queries, row % queries) };
            out.fill(T::ZERO);
            for part in partial.chunks_exact(partial_len) {
                out.iter_mut().zip(&part[row * width..]).for_each(|(out, part)| *out += *part);
            }
        });
    }
}

/// A head of keys, or a piece of one, against all of its queries.
struct Task<'a, T> {
    attend: &'a Attend<'a, T>,
    pass: &'a AttentionPass<'a, T>,
    head: usize,
    keys: Range<usize>,
    dkey: Option<&'a Rows<'a, T>>,
    dvalue: Option<&'a Rows<'a, T>>,
}

/// Memory of a task, used by block after block.
struct Scratch<T: Vectors> {
    weights: Buffer<T>,
    slopes: Buffer<T>,
    bias: Buffer<T>,
    dropped: Buffer<T>,
    dkeys: Buffer<T>,
    dvalues: Buffer<T>,
    dqueries: Buffer<T>,
}

impl<T: Math + Vectors> Task<'_, T> {
    /// `dquery` is where the gradients of the queries go, and the number of its matrix for the first of them.
    fn run(&self, blocks: &Blocks, dquery: Option<(&Rows<T>, usize)>, dmask: Option<&Disjoint<T>>) {
        let shape = &self.attend.shape;
        let [wide, value_wide] = [shape.width, shape.value_width].map(|width| width.next_multiple_of(WHOLE));
        let scores = |wanted: bool| Buffer::scratch(if wanted { KEYS * QUERIES } else { 0 });
        let keys = self.keys.len();
        let mut scratch = Scratch {
            weights: scores(true),
            slopes: scores(true),
            bias: scores(self.attend.mask.is_some()),
            dropped: scores(self.attend.dropout.is_some()),
            dkeys: Buffer::zeroed(if self.dkey.is_some() { keys * wide } else { 0 }),
            dvalues: Buffer::zeroed(if self.dvalue.is_some() { keys * value_wide } else { 0 }),
            dqueries: Buffer::scratch(if dquery.is_some() { QUERIES * wide } else { 0 }),
        };
        let key_rows = dquery.map(|_| WholeRows::of(&self.attend.key, self.head, &self.keys, shape.width));
        for index in 0..blocks.per_head() {
            let block = blocks.get(self.head, index);
            let started = self.block(&block, key_rows.as_ref(), &mut scratch, dmask);
            let Some((target, first)) = dquery else { continue };
            let scale = T::from_f64(self.attend.scale);
            dispatch(Scaled {
                scale,
                count: if started { block.rows } else { 0 },
                sums: &scratch.dqueries,
                wide,
                // SAFETY: each query belongs to one block, and each piece of keys has rows of its own.
                row: |lane: usize| unsafe {
                    let (head, row) = block.place(shape, lane);
                    target.row(first + head, row)
                },
            });
            if !started {
                for lane in 0..block.rows {
                    let (head, row) = block.place(shape, lane);
                    // SAFETY: as above.
                    unsafe { target.row(first + head, row) }.fill(T::ZERO);
                }
            }
        }
        let write = |rows: Option<&Rows<T>>, sums: &[T], wide: usize, scale: T| {
            let Some(rows) = rows else { return };
            // SAFETY: each key belongs to one task.
            let row = |i: usize| unsafe { rows.row(self.head, self.keys.start + i) };
            dispatch(Scaled { scale, count: keys, sums, wide, row });
        };
        write(self.dkey, &scratch.dkeys, wide, T::from_f64(self.attend.scale));
        write(self.dvalue, &scratch.dvalues, value_wide, T::ONE);
    }

    /// Adds what a block of queries contributes; tells whether it attends to any key.
    fn block(
        &self,
        block: &Block,
        key_rows: Option<&WholeRows<T>>,
        scratch: &mut Scratch<T>,
        dmask: Option<&Disjoint<T>>,
    ) -> bool {
        let Task { attend, pass, head, .. } = *self;
        let shape = &attend.shape;
        let (lanes, width, value_width) = (block.lanes, shape.width, shape.value_width);
        let [wide, value_wide] = [width, value_width].map(|width| width.next_multiple_of(WHOLE));
        let (limits, end) = attend.limits(block);
        let end = end.min(self.keys.end);
        if end <= self.keys.start {
            return false;
        }
        let factor = T::from_f64(attend.scale * std::f64::consts::LOG2_E);
        let query = attend.turned(&attend.query, block, width, factor);
        let dout = attend.turned(&pass.dout, block, value_width, T::ONE);
        let query_rows = self.dkey.map(|_| attend.whole_rows(&attend.query, block, width));
        let dout_rows = self.dvalue.map(|_| attend.whole_rows(&pass.dout, block, value_width));
        let (log_sums, centers) = self.of_queries(block);
        let mut started = false;
        for first in (self.keys.start..end).step_by(KEYS) {
            let keys = first..end.min(first + KEYS);
            let Scratch { weights, slopes, bias, dropped, dkeys, dvalues, dqueries } = &mut *scratch;
            let cover = attend.bias(block, &keys, bias);
            if cover == Cover::Nothing {
                continue;
            }
            let cut = cut::<T>(&limits, block, &keys);
            let steps = Steps::new(shape, block, keys.len(), cut.as_ref());
            let from = first - self.keys.start;
            let count = keys.len() * lanes;
            // Keys, or values, times queries, or gradients of outputs, which lie turned.
            let against = |rows: &Heads<T>, width: usize, turned: &[T], out: &mut [T]| {
                let start = rows.row(head, first, width).as_ptr();
                for step in steps.iter() {
                    // SAFETY: the sizes were checked; the scratch buffers hold a block each.
                    unsafe {
                        Product {
                            m: step.keys.1 - step.keys.0,
                            k: width,
                            n: lanes - step.lanes.0,
                            a: start.wrapping_add(step.keys.0 * rows.row_stride),
                            a_strides: [rows.row_stride, 1],
                            b: turned.as_ptr().wrapping_add(step.lanes.0),
                            b_stride: lanes,
                            c: out.as_mut_ptr().wrapping_add(step.keys.0 * lanes + step.lanes.0),
                            c_stride: lanes,
                            add: false,
                        }
                        .run_now();
                    }
                }
            };
            against(&attend.key, width, &query, weights);
            against(&attend.value, value_width, &dout, slopes);
            let has_dropped = attend.dropped(block, &keys, dropped);
            dispatch(Weighted {
                lanes,
                weights: &mut weights[..count],
                slopes: &mut slopes[..count],
                bias: (cover == Cover::Some).then(|| &bias[..count]),
                limits: cut.as_ref().map(|cut| &cut[..]),
                dropped: has_dropped.then(|| &dropped[..count]),
                log_sums: &log_sums,
                centers: &centers,
            });
            // A row of sums for each key, over the queries of the block.
            let sum_up = |turned: &[T], rows: &WholeRows<T>, wide: usize, sums: &mut [T]| {
                let sums = &mut sums[from * wide..][..keys.len() * wide];
                for step in steps.iter().filter(|step| step.lanes.0 < block.rows) {
                    // SAFETY: as above; the sums have a row for each key.
                    unsafe {
                        Product {
                            m: step.keys.1 - step.keys.0,
                            k: block.rows - step.lanes.0,
                            n: wide,
                            a: turned.as_ptr().wrapping_add(step.keys.0 * lanes + step.lanes.0),
                            a_strides: [lanes, 1],
                            b: rows.at(step.lanes.0),
                            b_stride: rows.stride,
                            c: sums.as_mut_ptr().wrapping_add(step.keys.0 * wide),
                            c_stride: wide,
                            add: true,
                        }
                        .run_now();
                    }
                }
            };
            if let Some(rows) = &dout_rows {
                sum_up(weights, rows, value_wide, dvalues);
            }
            if let Some(rows) = &query_rows {
                sum_up(slopes, rows, wide, dkeys);
            }
            if let Some(rows) = key_rows {
                for step in steps.iter() {
                    // SAFETY: as above; there is a row of sums for each query.
                    unsafe {
                        Product {
                            m: step.lanes.1.min(block.rows) - step.lanes.0,
                            k: step.keys.1,
                            n: wide,
                            a: slopes.as_ptr().wrapping_add(step.lanes.0),
                            a_strides: [1, lanes],
                            b: rows.at(from),
                            b_stride: rows.stride,
                            c: dqueries.as_mut_ptr().wrapping_add(step.lanes.0 * wide),
                            c_stride: wide,
                            add: started,
                        }
                        .run_now();
                    }
                }
            }
            if let Some(dmask) = dmask {
                for lane in 0..block.rows {
                    let (head, row) = block.place(shape, lane);
                    let at = (head * shape.queries + row) * shape.keys + first;
                    // SAFETY: each pair belongs to one block of queries and one of keys.
                    let out = unsafe { dmask.slice(at, keys.len()) };
                    for (out, slopes) in out.iter_mut().zip(slopes.chunks_exact(lanes)) {
                        *out = slopes[lane];
                    }
                }
            }
            started = true;
        }
        started
    }

    /// For each query the logarithm of its sum, and the mean slope of its weights: that of `O dO` over the columns.
    fn of_queries(&self, block: &Block) -> ([T; QUERIES], [T; QUERIES]) {
        let (shape, pass) = (&self.attend.shape, self.pass);
        // Beyond the last query a logarithm that makes every weight 0.
        let (mut log_sums, mut centers) = ([T::INFINITY; QUERIES], [T::ZERO; QUERIES]);
        let mut pairs = Vec::with_capacity(block.rows);
        for (lane, log_sum) in log_sums[..block.rows].iter_mut().enumerate() {
            let (head, row) = block.place(shape, lane);
            *log_sum = pass.log_sums[head * shape.queries + row];
            let [out, dout] =
                [&pass.out, &pass.dout].map(|heads| heads.row(head, row, shape.value_width).as_ptr());
            pairs.push((out, dout));
        }
        // SAFETY: rows of that many elements.
        unsafe { Dots { k: shape.value_width, pairs: &pairs, out: &mut centers }.run_now() };
        (log_sums, centers)
    }
}

/// Rows of sums, `wide` elements apart, times a factor to where they belong.
struct Scaled<'a, T, R> {
    scale: T,
    count: usize,
    sums: &'a [T],
    wide: usize,
    row: R,
}

impl<'a, T: Math, R: Fn(usize) -> &'a mut [T]> Kernel for Scaled<'_, T, R> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        for i in 0..self.count {
            let out = (self.row)(i);
            let sums = &self.sums[i * self.wide..][..out.len()];
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = self.scale * *sum;
            }
        }
    }
}

/// Scores become weights, gradients of weights those of scores.
struct Weighted<'a, T> {
    lanes: usize,
    weights: &'a mut [T],
    slopes: &'a mut [T],
    bias: Option<&'a [T]>,
    limits: Option<&'a [T]>,
    dropped: Option<&'a [T]>,
    log_sums: &'a [T; QUERIES],
    centers: &'a [T; QUERIES],
}

impl<T: Math> Kernel for Weighted<'_, T> {
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

impl<T: Math> Weighted<'_, T> {
    #[inline(always)]
    fn update<A: Arch>(self, lanes: usize) {
        let Weighted { weights, slopes, bias, limits, dropped, log_sums, centers, .. } = self;
        adjust(weights, lanes, bias, limits);
        let (log_sums, centers) = (&log_sums[..lanes], &centers[..lanes]);
        if let Some(dropped) = dropped {
            slopes.iter_mut().zip(dropped).for_each(|(slope, factor)| *slope *= *factor);
        }
        for (weights, slopes) in weights.chunks_exact_mut(lanes).zip(slopes.chunks_exact_mut(lanes)) {
            for (((weight, slope), log_sum), center) in
                weights.iter_mut().zip(slopes).zip(log_sums).zip(centers)
            {
                let p = (*weight - *log_sum).exp2_of_negative::<A>();
                *weight = p;
                // What is not seen was not computed either.
                *slope = if p == T::ZERO { T::ZERO } else { p * (*slope - *center) };
            }
        }
        if let Some(dropped) = dropped {
            weights.iter_mut().zip(dropped).for_each(|(weight, factor)| *weight *= *factor);
        }
    }
}
