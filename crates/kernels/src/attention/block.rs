//! A block of queries, turned over, against blocks of keys.

use std::ops::Range;

use super::product::{Transpose, WHOLE};
use super::{Attend, AttentionShape};
use crate::buffer::Buffer;
use crate::gemm::lanes::Vectors;
use crate::heads::Heads;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::random::{Philox, threshold};

/// Queries of a block: four of the widest vectors.
pub(super) const QUERIES: usize = 64;

/// Keys of a block: its scores are half of the first cache.
pub(super) const KEYS: usize = 64;

/// A block of queries that share a head of keys.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// The head of keys.
    pub head: usize,
    /// The first query, counted through all matrices of the group.
    pub first: usize,
    /// How many queries.
    pub rows: usize,
    /// The same, padded to whole vectors.
    pub lanes: usize,
}

impl Block {
    /// The matrix of a query, and its row.
    #[inline]
    pub(super) fn place(&self, shape: &AttentionShape, lane: usize) -> (usize, usize) {
        let row = self.first + lane;
        (self.head * shape.group + row / shape.queries, row % shape.queries)
    }

    /// Whether all queries are of one matrix.
    fn is_single(&self, shape: &AttentionShape) -> bool {
        self.place(shape, 0).0 == self.place(shape, self.rows - 1).0
    }
}

/// How the queries of a head of keys are cut: a matrix at a time, or all matrices as one where they are short.
pub(super) struct Blocks {
    shape: AttentionShape,
    /// Queries that are cut as one.
    run: usize,
    /// Blocks in each.
    per_run: usize,
}

impl Blocks {
    pub(super) fn new(shape: &AttentionShape) -> Self {
        let run = if shape.queries >= QUERIES { shape.queries } else { shape.queries * shape.group };
        Blocks { shape: *shape, run, per_run: run.div_ceil(QUERIES) }
    }

    /// Blocks of each head of keys.
    pub(super) fn per_head(&self) -> usize {
        (self.shape.queries * self.shape.group).checked_div(self.run).map_or(0, |runs| runs * self.per_run)
    }

    pub(super) fn get(&self, head: usize, index: usize) -> Block {
        let (run, at) = (index / self.per_run, index % self.per_run * QUERIES);
        let rows = QUERIES.min(self.run - at);
        Block { head, first: run * self.run + at, rows, lanes: rows.next_multiple_of(WHOLE) }
    }
}

/// Some lanes of a block, and the keys that they attend to.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The lanes.
    pub lanes: (usize, usize),
    /// The keys, of those of a block, that these and later lanes attend to, but no earlier ones. These lanes attend to all
    /// keys up to the end.
    pub keys: (usize, usize),
}

/// A block of keys in steps: what lies above the diagonal of a causal mask is not computed.
pub(super) struct Steps {
    steps: [Step; QUERIES / WHOLE],
    count: usize,
}

impl Steps {
    /// `cut` is what [`cut`] found.
    pub(super) fn new<T: Math>(
        shape: &AttentionShape,
        block: &Block,
        count: usize,
        cut: Option<&[T; QUERIES]>,
    ) -> Self {
        let whole = Step { lanes: (0, block.lanes), keys: (0, count) };
        let mut steps = [whole; QUERIES / WHOLE];
        let Some(cut) = cut.filter(|_| block.is_single(shape)) else { return Steps { steps, count: 1 } };
        let mut from = 0;
        let groups = block.lanes / WHOLE;
        for (group, step) in steps[..groups].iter_mut().enumerate() {
            // The limits grow along the lanes.
            let last = (group * WHOLE + WHOLE).min(block.rows) - 1;
            let to = (cut[last].to_f64() as usize).min(count);
            *step = Step { lanes: (group * WHOLE, group * WHOLE + WHOLE), keys: (from, to) };
            from = to;
        }
        Steps { steps, count: groups }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Step> {
        self.steps[..self.count].iter().copied()
    }
}

#[allow(private_bounds)] // Its methods are as private as the bound.
impl<T: Math + Vectors> Attend<'_, T> {
    /// For each query how many keys, from the first on, it may attend to, and the largest of these numbers.
    pub(super) fn limits(&self, block: &Block) -> ([usize; QUERIES], usize) {
        let keys = self.shape.keys;
        let Some(diagonal) = self.causal else { return ([keys; QUERIES], keys) };
        let mut limits = [0; QUERIES];
        for (lane, limit) in limits[..block.rows].iter_mut().enumerate() {
            let row = block.place(&self.shape, lane).1 as isize;
            *limit = (row + diagonal + 1).clamp(0, keys as isize) as usize;
        }
        (limits, limits.into_iter().max().unwrap_or(0))
    }

    /// The rows of a block, one after another along vectors: `width x lanes`, times `factor`, zeros beyond the last row.
    pub(super) fn turned(&self, heads: &Heads<T>, block: &Block, width: usize, factor: T) -> Buffer<T> {
        let lanes = block.lanes;
        let mut out = Buffer::scratch(width * lanes);
        if block.rows < lanes {
            out.fill(T::ZERO);
        }
        let rows: Vec<*const T> = (0..block.rows).map(|lane| self.row(heads, block, lane, width)).collect();
        let start = out.as_mut_ptr();
        let target = |column: usize| start.wrapping_add(column * lanes);
        // SAFETY: rows have `width` elements, and the output as many rows of `lanes`.
        unsafe {
            Transpose { rows: block.rows, cols: width, source: |row: usize| rows[row], target }
                .run_now::<T>();
        }
        if factor != T::ONE {
            dispatch(Times { factor, x: &mut out });
        }
        out
    }

    /// The start of a row of a block.
    pub(super) fn row(&self, heads: &Heads<T>, block: &Block, lane: usize, width: usize) -> *const T {
        let (head, row) = block.place(&self.shape, lane);
        heads.row(head, row, width).as_ptr()
    }

    /// The rows of a block as whole vectors.
    pub(super) fn whole_rows(&self, heads: &Heads<T>, block: &Block, width: usize) -> WholeRows<T> {
        if width.is_multiple_of(WHOLE) && block.is_single(&self.shape) {
            let start = self.row(heads, block, 0, width);
            return WholeRows { start, stride: heads.row_stride, copy: None };
        }
        let row = |lane: usize| {
            let (head, row) = block.place(&self.shape, lane);
            heads.row(head, row, width)
        };
        WholeRows::copied(block.rows, width, row)
    }

    /// What each weight of `keys` is multiplied by: 0 where it is dropped; a row of `lanes` for each key.
    pub(super) fn dropped(&self, block: &Block, keys: &Range<usize>, out: &mut [T]) -> bool {
        let Some((p, rng)) = self.dropout else { return false };
        let per_row = self.shape.keys.div_ceil(4) as u64;
        let mut rows = [0; QUERIES];
        for (lane, out) in rows[..block.rows].iter_mut().enumerate() {
            let (head, row) = block.place(&self.shape, lane);
            *out = (head * self.shape.queries + row) as u64 * per_row;
        }
        let scale = if p < 1.0 { T::from_f64(1.0 / (1.0 - p)) } else { T::ZERO };
        let out = &mut out[..keys.len().next_multiple_of(4) * block.lanes];
        dispatch(Drop {
            rng: rng.skip((keys.start / 4) as u64),
            threshold: u32::try_from(threshold(p)).unwrap_or(u32::MAX),
            scale,
            rows: &rows[..block.lanes],
            out,
        });
        true
    }
}

/// Rows that are whole vectors, where they lie or copied.
pub(super) struct WholeRows<T: Vectors> {
    pub start: *const T,
    pub stride: usize,
    copy: Option<Buffer<T>>,
}

impl<T: Vectors> WholeRows<T> {
    /// Copies of rows, padded by zeros.
    fn copied<'a>(count: usize, width: usize, row: impl Fn(usize) -> &'a [T]) -> Self {
        let stride = width.next_multiple_of(WHOLE);
        let mut copy = Buffer::scratch(count * stride);
        for (i, out) in copy.chunks_exact_mut(stride.max(1)).enumerate() {
            out[..width].copy_from_slice(row(i));
            out[width..].fill(T::ZERO);
        }
        WholeRows { start: copy.as_ptr(), stride, copy: Some(copy) }
    }

    /// The rows `keys` of a matrix.
    pub(super) fn of(heads: &Heads<T>, head: usize, keys: &Range<usize>, width: usize) -> Self {
        let row = |i: usize| heads.row(head, keys.start + i, width);
        if width.is_multiple_of(WHOLE) && !keys.is_empty() {
            return WholeRows { start: row(0).as_ptr(), stride: heads.row_stride, copy: None };
        }
        Self::copied(keys.len(), width, row)
    }

    /// From row `first` on.
    pub(super) fn at(&self, first: usize) -> *const T {
        debug_assert!(self.copy.as_ref().is_none_or(|copy| first * self.stride <= copy.len()));
        self.start.wrapping_add(first * self.stride)
    }
}

struct Times<'a, T> {
    factor: T,
    x: &'a mut [T],
}

impl<T: Math> Kernel for Times<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        for x in self.x {
            *x *= self.factor;
        }
    }
}

/// The weights of a query and four keys hang on one block of the generator, numbered by the query and the key alone.
struct Drop<'a, T> {
    rng: Philox,
    threshold: u32,
    scale: T,
    rows: &'a [u64],
    out: &'a mut [T],
}

impl<T: Math> Kernel for Drop<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Drop { rng, threshold, scale, rows, out } = self;
        let lanes = rows.len();
        for (four, out) in out.chunks_exact_mut(4 * lanes).enumerate() {
            let (a, rest) = out.split_at_mut(lanes);
            let (b, rest) = rest.split_at_mut(lanes);
            let (c, d) = rest.split_at_mut(lanes);
            for ((((row, a), b), c), d) in rows.iter().zip(a).zip(b).zip(c).zip(d) {
                let words = rng.skip(row + four as u64).block_of(0);
                let factor = |word: u32| if word < threshold { T::ZERO } else { scale };
                (*a, *b, *c, *d) = (factor(words[0]), factor(words[1]), factor(words[2]), factor(words[3]));
            }
        }
    }
}

/// Adds the bias to scores, and -inf to those of keys beyond a query's limit.
#[inline(always)]
pub(super) fn adjust<T: Math>(scores: &mut [T], lanes: usize, bias: Option<&[T]>, limits: Option<&[T]>) {
    if let Some(bias) = bias {
        scores.iter_mut().zip(bias).for_each(|(score, bias)| *score += *bias);
    }
    if let Some(limits) = limits {
        let limits = &limits[..lanes];
        for (j, scores) in scores.chunks_exact_mut(lanes).enumerate() {
            let j = T::from_usize(j);
            for (score, limit) in scores.iter_mut().zip(limits) {
                *score = if j < *limit { *score } else { T::NEG_INFINITY };
            }
        }
    }
}

/// The limits of a block of keys, counted from its first, where one of them cuts it.
pub(super) fn cut<T: Math>(
    limits: &[usize; QUERIES],
    block: &Block,
    keys: &Range<usize>,
) -> Option<[T; QUERIES]> {
    let cuts = limits[..block.rows].iter().any(|limit| *limit < keys.end);
    cuts.then(|| limits.map(|limit| T::from_usize(limit.saturating_sub(keys.start))))
}
