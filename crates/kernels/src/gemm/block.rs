//! A block of a product on one thread: panels of the operands brought to the caches, then tile after tile.

use std::ops::Range;

use super::lanes::{Lanes, Portable, Vectors};
use super::{Matrix, tile};
use crate::buffer::Buffer;
use crate::isa::{Arch, Isa, Kernel};

/// Steps along `k` between two visits to `c`: a panel of `b` this deep stays in the first two caches.
const DEPTH: usize = 256;

/// The same where few rows of `a` meet rows of `b` in place: shallow, so that memory is read nearly in order.
const SHALLOW: usize = 32;

/// The same for dot products, which walk along `k` in ten rows at once.
const DOT_DEPTH: usize = 1024;

/// Rows of `a` that dot products keep in the second cache.
const DOT_ROWS: usize = 64;

/// `c = alpha a b + beta c` where `c` starts at a pointer and has strides; `k > 0`.
pub(super) struct Block<'a, T> {
    pub alpha: T,
    pub a: Matrix<'a, T>,
    pub b: Matrix<'a, T>,
    pub beta: T,
    pub c: *mut T,
    pub row_stride: usize,
    pub col_stride: usize,
    /// Added to the product on the way out, by [`Way::Panels`] and [`Way::InPlace`] only.
    pub bias: Option<Bias<'a, T>>,
    /// How; it must not depend on which part of an output this block is.
    pub way: Way,
}

/// What is added to a block.
#[derive(Clone, Copy)]
pub(super) enum Bias<'a, T> {
    /// One number for each row.
    Rows(&'a [T]),
    /// One number for each column.
    Columns(&'a [T]),
}

/// The ways to compute a block.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// Outer products of columns of `a` and copied panels of `b`.
    Panels,
    /// Outer products with rows of `b` in place, for few rows of `a`; `b.col_stride` is 1.
    InPlace,
    /// One row of `a` times rows of `b`; `b.col_stride` is 1.
    Row,
    /// Dot products of rows of `a` and columns of `b`, both contiguous.
    Dot,
}

impl<T: Vectors> Kernel for Block<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        // SAFETY: the block's creator checked its sizes; each register type is used under its own instruction set.
        unsafe {
            match (self.way, A::ISA) {
                (Way::Row, _) => row_times_matrix::<T, A>(&self),
                (Way::Dot, Isa::Avx512) => dot_products::<T, T::Wide, 4>(&self),
                (Way::Dot, Isa::Avx2) => dot_products::<T, T::Half, 2>(&self),
                (Way::Dot, _) => dot_products::<T, Portable<A, T>, 2>(&self),
                (_, Isa::Avx512) => outer_products::<T, T::Wide, 8, 6>(&self),
                (_, Isa::Avx2) => outer_products::<T, T::Half, 4, 3>(&self),
                (_, _) => outer_products::<T, Portable<A, T>, 4, 3>(&self),
            }
        }
    }
}

/// Adds up rows of `b`, four at a time, over a stretch of columns that stays in the first cache.
#[inline(always)]
unsafe fn row_times_matrix<T: Vectors, A: Arch>(block: &Block<T>) {
    const STRETCH: usize = 1024;
    let (a, b) = (block.a, block.b);
    for j in (0..b.cols).step_by(STRETCH) {
        let len = STRETCH.min(b.cols - j);
        let row = |t: usize| &b.data[t * b.row_stride + j..][..len];
        let weight = |t: usize| block.alpha * a.data[t * a.col_stride];
        let whole = b.rows / 4 * 4;
        let old = |j: usize| {
            // SAFETY: the caller's.
            if block.beta == T::ZERO {
                T::ZERO
            } else {
                block.beta * unsafe { *block.c.add(j * block.col_stride) }
            }
        };
        let mut sums: Vec<T> = (j..j + len).map(old).collect();
        for t in (0..whole).step_by(4) {
            let (b0, b1, b2, b3) = (row(t), row(t + 1), row(t + 2), row(t + 3));
            let (a0, a1, a2, a3) = (weight(t), weight(t + 1), weight(t + 2), weight(t + 3));
            for ((((sum, &b0), &b1), &b2), &b3) in sums.iter_mut().zip(b0).zip(b1).zip(b2).zip(b3) {
                *sum = A::fma(a3, b3, A::fma(a2, b2, A::fma(a1, b1, A::fma(a0, b0, *sum))));
            }
        }
        for t in whole..b.rows {
            let weight = weight(t);
            for (sum, &b) in sums.iter_mut().zip(row(t)) {
                *sum = A::fma(weight, b, *sum);
            }
        }
        for (i, &sum) in sums.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { *block.c.add((j + i) * block.col_stride) = sum };
        }
    }
}

/// Rows of `b`, as the outer-product tile reads them.
#[derive(Clone, Copy)]
struct Panel<T> {
    start: *const T,
    stride: usize,
}

/// Tiles are `M` rows by three vectors, or `M4` rows by four.
#[inline(always)]
unsafe fn outer_products<T: Vectors, L: Lanes<T>, const M: usize, const M4: usize>(block: &Block<T>) {
    let (k, n) = (block.a.cols, block.b.cols);
    // A copy of a panel of `b` costs as much as a few rows of tiles and repays itself in every further row.
    let copy = block.way == Way::Panels;
    let depth = if copy || k <= DEPTH { k.div_ceil(k.div_ceil(DEPTH)) } else { SHALLOW };
    let mut copied = Buffer::<T>::scratch(if copy || n % L::N != 0 { depth * 4 * L::N } else { 0 });
    for t in (0..k).step_by(depth) {
        let depth = depth.min(k - t);
        let beta = if t == 0 { block.beta } else { T::ONE };
        let bias = if t + depth == k { block.bias } else { None };
        let mut j = 0;
        while j < n {
            // Three vectors, or four where a last panel of one, which leaves the tile half empty, is avoided so.
            let vectors = (n - j).div_ceil(L::N);
            let vectors = if vectors > 3 && vectors % 3 == 1 { 4 } else { vectors.min(3) };
            let columns = (vectors * L::N).min(n - j);
            // SAFETY: rows and columns of the panel lie inside `b`; a direct panel is as wide as its vectors.
            let panel = unsafe {
                let start = block.b.data.as_ptr().add(t * block.b.row_stride + j * block.b.col_stride);
                if copy || columns < vectors * L::N {
                    let padded = vectors * L::N;
                    copy_panel::<T, L>(
                        start,
                        block.b.row_stride,
                        block.b.col_stride,
                        depth,
                        columns,
                        padded,
                        &mut copied,
                    );
                    Panel { start: copied.as_ptr(), stride: padded }
                } else {
                    Panel { start, stride: block.b.row_stride }
                }
            };
            let tiles = Tiles { block, t, depth, beta, bias, j, columns, panel };
            // SAFETY: as above.
            unsafe {
                match vectors {
                    1 => tiles.down::<L, M, 1>(),
                    2 => tiles.down::<L, M, 2>(),
                    3 => tiles.down::<L, M, 3>(),
                    _ => tiles.down::<L, M4, 4>(),
                }
            }
            j += columns;
        }
    }
}

/// Copies some columns of a matrix to contiguous rows, which are padded with zeros.
pub(super) struct CopyPanel<'a, T> {
    pub from: Matrix<'a, T>,
    /// The first column.
    pub first: usize,
    pub columns: usize,
    /// As many rows as the matrix has, of four elements or a multiple.
    pub to: &'a mut [T],
}

impl<T: Vectors> Kernel for CopyPanel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let CopyPanel { from, first, columns, to } = self;
        let padded = to.len() / from.rows;
        let start = from.data[first * from.col_stride..].as_ptr();
        let (rows, row, column) = (from.rows, from.row_stride, from.col_stride);
        // SAFETY: the matrix lies inside its data; each register type is used under its own instruction set.
        unsafe {
            match A::ISA {
                Isa::Avx512 => copy_panel::<T, T::Wide>(start, row, column, rows, columns, padded, to),
                Isa::Avx2 => copy_panel::<T, T::Half>(start, row, column, rows, columns, padded, to),
                _ => copy_panel::<T, Portable<A, T>>(start, row, column, rows, columns, padded, to),
            }
        }
    }
}

/// Copies `depth x columns` elements to rows of `padded` elements, the rest zeros.
#[inline(always)]
unsafe fn copy_panel<T: Vectors, L: Lanes<T>>(
    from: *const T,
    row_stride: usize,
    col_stride: usize,
    depth: usize,
    columns: usize,
    padded: usize,
    to: &mut [T],
) {
    let to = &mut to[..depth * padded];
    // SAFETY: the caller's.
    unsafe {
        if col_stride == 1 && columns == padded {
            // In vectors: a call to copy so few bytes costs more than the bytes.
            for (t, to) in to.chunks_exact_mut(padded).enumerate() {
                for j in (0..padded).step_by(L::N) {
                    L::load(from.add(t * row_stride + j)).store(to.as_mut_ptr().add(j));
                }
            }
            return;
        }
        if col_stride == 1 {
            for (t, to) in to.chunks_exact_mut(padded).enumerate() {
                let from = std::slice::from_raw_parts(from.add(t * row_stride), columns);
                to[..columns].copy_from_slice(from);
                to[columns..].fill(T::ZERO);
            }
            return;
        }
        // Four rows of the source at a time, along their contiguous axis where they have one: squares that the compiler
        // turns over in registers.
        for j in (0..padded).step_by(4) {
            let from: [*const T; 4] =
                std::array::from_fn(|i| from.add((j + i).min(columns - 1) * col_stride));
            let kept: [bool; 4] = std::array::from_fn(|i| j + i < columns);
            let whole = if kept[3] && row_stride == 1 { depth / 4 * 4 } else { 0 };
            for t in (0..whole).step_by(4) {
                let square: [[T; 4]; 4] =
                    std::array::from_fn(|i| from[i].add(t).cast::<[T; 4]>().read_unaligned());
                for u in 0..4 {
                    let row: [T; 4] = std::array::from_fn(|i| square[i][u]);
                    to.as_mut_ptr().add((t + u) * padded + j).cast::<[T; 4]>().write_unaligned(row);
                }
            }
            for t in whole..depth {
                let row: [T; 4] =
                    std::array::from_fn(|i| if kept[i] { *from[i].add(t * row_stride) } else { T::ZERO });
                to.as_mut_ptr().add(t * padded + j).cast::<[T; 4]>().write_unaligned(row);
            }
        }
    }
}

/// A column of tiles: all rows of `a`, one panel of `b`.
struct Tiles<'a, 'b, T> {
    block: &'a Block<'b, T>,
    t: usize,
    depth: usize,
    beta: T,
    bias: Option<Bias<'a, T>>,
    j: usize,
    columns: usize,
    panel: Panel<T>,
}

impl<T: Vectors> Tiles<'_, '_, T> {
    #[inline(always)]
    unsafe fn down<L: Lanes<T>, const M: usize, const V: usize>(&self) {
        let m = self.block.a.rows;
        let mut i = 0;
        // SAFETY: the caller's.
        unsafe {
            while i + M <= m {
                self.tile::<L, M, V>(i);
                i += M;
            }
            if M > 4 && i + 4 <= m {
                self.tile::<L, 4, V>(i);
                i += 4;
            }
            if i + 2 <= m {
                self.tile::<L, 2, V>(i);
                i += 2;
            }
            while i < m {
                self.tile::<L, 1, V>(i);
                i += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const M: usize, const V: usize>(&self, i: usize) {
        let (block, panel) = (self.block, self.panel);
        let (row_stride, col_stride) = (block.a.row_stride, block.a.col_stride);
        // SAFETY: the caller's.
        unsafe {
            let a = block.a.data.as_ptr().add(i * row_stride + self.t * col_stride);
            let acc = tile::outer::<T, L, M, V>(self.depth, a, row_stride, col_stride, T::ZERO, |t| {
                panel.start.add(t * panel.stride)
            });
            let c = block.c.add(i * block.row_stride + self.j * block.col_stride);
            // Where vectors do not fit the output they work on a copy, so that every element is computed alike.
            let whole = self.columns == V * L::N;
            let direct = whole && block.col_stride == 1;
            let mut copy = [T::ZERO; 64];
            let mut columns = [L::splat(T::ZERO); V];
            if let Some(Bias::Columns(bias)) = self.bias {
                let bias = &bias[self.j..][..self.columns];
                copy[..bias.len()].copy_from_slice(bias);
                columns = std::array::from_fn(|v| L::load(copy.as_ptr().add(v * L::N)));
            }
            for di in 0..M {
                let row = c.add(di * block.row_stride);
                let out = if direct { row } else { copy.as_mut_ptr() };
                if !direct && self.beta != T::ZERO {
                    for j in 0..self.columns {
                        copy[j] = *row.add(j * block.col_stride);
                    }
                }
                for v in 0..V {
                    let out = out.add(v * L::N);
                    let mut rest = match self.bias {
                        Some(Bias::Rows(bias)) => L::splat(*bias.get_unchecked(i + di)),
                        _ => columns[v],
                    };
                    if self.beta != T::ZERO {
                        rest = L::splat(self.beta).fma(L::load(out), rest);
                    }
                    L::splat(block.alpha).fma(acc[di][v], rest).store(out);
                }
                if direct {
                    continue;
                }
                if block.col_stride == 1 {
                    std::ptr::copy_nonoverlapping(copy.as_ptr(), row, self.columns);
                } else {
                    for j in 0..self.columns {
                        *row.add(j * block.col_stride) = copy[j];
                    }
                }
            }
        }
    }
}

/// `alpha product + beta c`, without reading `c` where `beta` is 0.
#[inline(always)]
unsafe fn update<T: Vectors>(alpha: T, product: T, beta: T, c: *const T) -> T {
    // SAFETY: the caller's.
    if beta == T::ZERO { alpha * product } else { alpha * product + beta * unsafe { *c } }
}

#[inline(always)]
unsafe fn dot_products<T: Vectors, L: Lanes<T>, const M: usize>(block: &Block<T>) {
    let (m, k, n) = (block.a.rows, block.a.cols, block.b.cols);
    let depth = k.div_ceil(k.div_ceil(DOT_DEPTH)).next_multiple_of(L::N);
    for t in (0..k).step_by(depth) {
        let depth = depth.min(k - t);
        let beta = if t == 0 { block.beta } else { T::ONE };
        for i in (0..m).step_by(DOT_ROWS) {
            let rows = i..m.min(i + DOT_ROWS);
            let dots = Dots { block, t, depth, beta, rows };
            let mut j = 0;
            // SAFETY: the caller's.
            unsafe {
                while j + 6 <= n {
                    dots.down::<L, M, 6>(j);
                    j += 6;
                }
                if j + 4 <= n {
                    dots.down::<L, M, 4>(j);
                    j += 4;
                }
                while j < n {
                    dots.down::<L, M, 1>(j);
                    j += 1;
                }
            }
        }
    }
}

struct Dots<'a, 'b, T> {
    block: &'a Block<'b, T>,
    t: usize,
    depth: usize,
    beta: T,
    rows: Range<usize>,
}

impl<T: Vectors> Dots<'_, '_, T> {
    #[inline(always)]
    unsafe fn down<L: Lanes<T>, const M: usize, const N: usize>(&self, j: usize) {
        let (mut i, m) = (self.rows.start, self.rows.end);
        // SAFETY: the caller's.
        unsafe {
            while i + M <= m {
                self.tile::<L, M, N>(i, j);
                i += M;
            }
            while i < m {
                self.tile::<L, 1, N>(i, j);
                i += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const M: usize, const N: usize>(&self, i: usize, j: usize) {
        let block = self.block;
        // SAFETY: the caller's.
        unsafe {
            let a = block.a.data.as_ptr().add(i * block.a.row_stride + self.t);
            let b = block.b.data.as_ptr().add(j * block.b.col_stride + self.t);
            let sums = tile::dot::<T, L, M, N>(
                self.depth,
                T::ZERO,
                |i| a.add(i * block.a.row_stride),
                |j| b.add(j * block.b.col_stride),
            );
            for (di, sums) in sums.iter().enumerate() {
                for (dj, &sum) in sums.iter().enumerate() {
                    let c = block.c.add((i + di) * block.row_stride + (j + dj) * block.col_stride);
                    *c = update(block.alpha, sum, self.beta, c);
                }
            }
        }
    }
}
