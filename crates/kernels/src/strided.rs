//! Moving elements between strided views and row-major slices.
//!
//! Everything rests on two ideas. A view is first simplified: axes of length 1 vanish and axes that continue each
//! other merge, so a contiguous view has one axis, a bias broadcast over rows two. And kernels never see strides: a
//! [`Reader`] hands them a view in row-major order, one short contiguous block at a time, straight from the view's
//! memory where that is contiguous and through a buffer in the first-level cache where it is not.

use smallvec::SmallVec;

use crate::buffer::{Buffer, Plain};
use crate::disjoint::Disjoint;
use crate::threads::{for_each, for_each_chunk, threads_for};
use crate::view::View;

/// Elements of a [`Reader`]'s block, at most.
pub(crate) const BLOCK: usize = 1024;

/// Elements of the pieces that threads take in turn.
pub(crate) const CHUNK: usize = 16 * BLOCK;

/// Elements that a thread should have where each costs little more than its memory traffic.
pub(crate) const CHEAP_GRAIN: usize = 32 * 1024;

/// Elements that a thread should have where each costs an exponential or the like.
pub(crate) const DEAR_GRAIN: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) stride: usize,
}

pub(crate) type Axes = SmallVec<[Axis; 4]>;

/// The axes of a view, simplified: no axis has length 1, none could be merged with its neighbour. Never empty.
pub(crate) fn simplified(shape: &[usize], strides: &[usize]) -> Axes {
    let mut axes = Axes::new();
    for (&len, &stride) in shape.iter().zip(strides) {
        if len == 1 {
            continue;
        }
        match axes.last_mut() {
            Some(last) if last.stride == len * stride => *last = Axis { len: last.len * len, stride },
            _ => axes.push(Axis { len, stride }),
        }
    }
    if axes.is_empty() {
        axes.push(Axis { len: 1, stride: 1 });
    }
    axes
}

/// A row-major walk over the elements of a strided view.
pub(crate) struct Walk {
    axes: Axes,
    index: SmallVec<[usize; 4]>,
    offset: usize,
}

impl Walk {
    /// A walk that begins at the element with number `start` in row-major order.
    fn new(axes: Axes, start: usize) -> Self {
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, axes.len());
        let (mut rest, mut offset) = (start, 0);
        for (i, axis) in axes.iter().enumerate().rev() {
            (rest, index[i]) = (rest / axis.len, rest % axis.len);
            offset += index[i] * axis.stride;
        }
        Walk { axes, index, offset }
    }

    fn inner(&self) -> Axis {
        self.axes[self.axes.len() - 1]
    }

    /// How many elements remain in the current run along the innermost axis.
    fn run(&self) -> usize {
        self.inner().len - self.index[self.index.len() - 1]
    }

    /// Steps over `n <= self.run()` elements.
    #[inline]
    fn advance(&mut self, n: usize) {
        let mut axis = self.axes.len() - 1;
        self.index[axis] += n;
        self.offset += n * self.axes[axis].stride;
        while self.index[axis] == self.axes[axis].len {
            self.offset -= self.axes[axis].len * self.axes[axis].stride;
            self.index[axis] = 0;
            if axis == 0 {
                return;
            }
            axis -= 1;
            self.index[axis] += 1;
            self.offset += self.axes[axis].stride;
        }
    }

    /// Copies the next `out.len()` elements.
    #[inline]
    fn read<T: Copy>(&mut self, data: &[T], out: &mut [T]) {
        let stride = self.inner().stride;
        let mut done = 0;
        while done < out.len() {
            let n = self.run().min(out.len() - done);
            let (from, to) = (&data[self.offset..], &mut out[done..done + n]);
            match stride {
                1 => to.copy_from_slice(&from[..n]),
                0 => to.fill(from[0]),
                _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
            }
            self.advance(n);
            done += n;
        }
    }

    /// Overwrites the next `values.len()` elements.
    #[inline]
    fn write<T: Copy>(&mut self, data: &mut [T], values: &[T]) {
        let stride = self.inner().stride;
        let mut done = 0;
        while done < values.len() {
            let n = self.run().min(values.len() - done);
            let (from, to) = (&values[done..done + n], &mut data[self.offset..]);
            if stride == 1 {
                to[..n].copy_from_slice(from);
            } else {
                from.iter().enumerate().for_each(|(i, from)| to[i * stride] = *from);
            }
            self.advance(n);
            done += n;
        }
    }
}

/// A view as kernels consume it. Views whose innermost axis strides over memory (transposes, mostly) are laid out
/// row-major first: the tiled [`copy`] reads memory once where a row-major walk would fetch a cache line an element.
pub(crate) enum Source<'a, T: Plain> {
    /// The elements lie one after another.
    Slice(&'a [T]),
    /// The same, in memory of our own.
    Copied(Buffer<T>),
    /// The innermost axis has stride 1 or 0.
    Rows(&'a [T], Axes),
}

impl<'a, T: Plain> Source<'a, T> {
    #[inline]
    pub(crate) fn new(x: View<'a, T>) -> Self {
        if let Some(slice) = x.as_slice() {
            return Source::Slice(slice);
        }
        let axes = simplified(x.shape, x.strides);
        if axes[axes.len() - 1].stride <= 1 {
            return Source::Rows(x.data, axes);
        }
        let mut copied = Buffer::scratch(x.len());
        copy(x, &mut copied);
        Source::Copied(copied)
    }

    /// The elements as one slice, where they are.
    #[inline]
    pub(crate) fn as_slice(&self) -> Option<&[T]> {
        match self {
            Source::Slice(slice) => Some(slice),
            Source::Copied(buffer) => Some(buffer),
            Source::Rows(..) => None,
        }
    }

    /// A reader whose first element has number `start` in row-major order.
    #[inline]
    pub(crate) fn reader(&self, start: usize) -> Reader<'_, T> {
        match self {
            Source::Slice(slice) => Reader::Slice(&slice[start..]),
            Source::Copied(buffer) => Reader::Slice(&buffer[start..]),
            Source::Rows(data, axes) => match axes[..] {
                [Axis { stride: 0, .. }] => Reader::Constant(Buffer::filled(BLOCK, data[0])),
                _ => Reader::Strided {
                    data,
                    walk: Walk::new(axes.clone(), start),
                    block: Buffer::scratch(BLOCK),
                },
            },
        }
    }
}

/// A view in row-major order, a block at a time.
pub(crate) enum Reader<'a, T: Plain> {
    /// What is left of a contiguous view.
    Slice(&'a [T]),
    /// Copies of the one element that the view repeats.
    Constant(Buffer<T>),
    /// Rows: handed out as they are where long, through the block where short.
    Strided { data: &'a [T], walk: Walk, block: Buffer<T> },
}

impl<T: Plain> Reader<'_, T> {
    /// Rows of at least this length are handed out without being copied.
    const LONG: usize = 256;

    /// How many of the next `n` elements should be taken together; at most [`BLOCK`].
    #[inline]
    pub(crate) fn block(&self, n: usize) -> usize {
        match self {
            Reader::Strided { walk, .. } if walk.inner().stride == 1 && walk.inner().len >= Self::LONG => {
                n.min(walk.run()).min(BLOCK)
            }
            _ => n.min(BLOCK),
        }
    }

    /// The next `n` elements, where `n` is at most [`BLOCK`].
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> &[T] {
        match self {
            Reader::Slice(rest) => {
                let (taken, left) = rest.split_at(n);
                *rest = left;
                taken
            }
            Reader::Constant(block) => &block[..n],
            Reader::Strided { data, walk, block } => {
                if walk.inner().stride == 1 && n <= walk.run() {
                    let taken = &data[walk.offset..walk.offset + n];
                    walk.advance(n);
                    return taken;
                }
                walk.read(data, &mut block[..n]);
                &block[..n]
            }
        }
    }
}

/// Copies a view into `out`, row-major.
///
/// Contiguous rows are copied whole; transposes go tile by tile, so that both sides use every cache line they touch.
pub fn copy<T: Plain>(x: View<T>, out: &mut [T]) {
    assert_eq!(x.len(), out.len(), "copy of {:?} into {} elements", x.shape, out.len());
    if out.is_empty() {
        return;
    }
    if let Some(slice) = x.as_slice() {
        for_each_chunk(out, CHUNK, 2 * CHEAP_GRAIN, |start, piece| {
            piece.copy_from_slice(&slice[start..start + piece.len()]);
        });
        return;
    }
    let axes = simplified(x.shape, x.strides);
    if let Some(near) = nearer_axis(&axes) {
        transpose(x.data, &axes, near, out);
    } else {
        for_each_chunk(out, CHUNK, CHEAP_GRAIN, |start, piece| {
            Walk::new(axes.clone(), start).read(x.data, piece);
        });
    }
}

/// The axis whose elements lie closest together, if that is not the innermost one and the innermost strides so far
/// that each of its elements is on a cache line of its own.
fn nearer_axis(axes: &Axes) -> Option<usize> {
    let (inner, outer) = axes.split_last()?;
    let (near, axis) =
        outer.iter().enumerate().filter(|(_, axis)| axis.stride > 0).min_by_key(|(_, a)| a.stride)?;
    (inner.stride >= 8 && axis.stride < inner.stride && axis.len >= 4 && inner.len >= 4).then_some(near)
}

/// Edge of the square tiles of [`transpose`].
const TILE: usize = 16;

/// Copies the view into `out` as a batch of matrix transposes, of the innermost axis with the axis `near`.
fn transpose<T: Plain>(data: &[T], axes: &Axes, near: usize, out: &mut [T]) {
    let inner = axes[axes.len() - 1];
    let rows = axes[near];
    let out_row_stride: usize = axes[near + 1..].iter().map(|axis| axis.len).product();

    // Every pair of a matrix and a band of `TILE` of its rows is a task.
    let bands = rows.len.div_ceil(TILE);
    let mut tasks = axes.clone();
    tasks[near] = Axis { len: bands, stride: rows.stride * TILE };
    tasks.pop();
    let count: usize = tasks.iter().map(|axis| axis.len).product();

    let threads = threads_for(out.len(), CHEAP_GRAIN);
    let out = Disjoint::new(out);
    // Tasks of a few thousand elements each, whatever the shape.
    let group = (CHUNK / (TILE * inner.len)).max(1);
    for_each(count.div_ceil(group), threads, |i| {
        for task in i * group..count.min((i + 1) * group) {
            let walk = Walk::new(tasks.clone(), task);
            let first = walk.index[near] * TILE;
            let height = TILE.min(rows.len - first);
            let start = out_offset(axes, &walk, near, first);
            for left in (0..inner.len).step_by(TILE) {
                let width = TILE.min(inner.len - left);
                let from = &data[walk.offset + left * inner.stride..];
                let mut tile = [[from[0]; TILE]; TILE];
                if height == TILE && width == TILE {
                    load_tile(from, rows.stride, inner.stride, TILE, TILE, &mut tile);
                } else {
                    load_tile(from, rows.stride, inner.stride, height, width, &mut tile);
                }
                for (r, row) in tile.iter().take(height).enumerate() {
                    // SAFETY: tasks own distinct bands of rows, and each row of a band is written once.
                    let to = unsafe { out.slice(start + r * out_row_stride + left, width) };
                    if width == TILE {
                        to.copy_from_slice(row);
                    } else {
                        to.copy_from_slice(&row[..width]);
                    }
                }
            }
        }
    });
}

/// Reads a `height x width` corner of a tile column by column, which is the direction the memory runs in.
#[inline(always)]
fn load_tile<T: Copy>(
    from: &[T],
    row_stride: usize,
    column_stride: usize,
    height: usize,
    width: usize,
    tile: &mut [[T; TILE]; TILE],
) {
    for c in 0..width {
        let column = &from[c * column_stride..];
        if row_stride == 1 {
            for (row, value) in tile.iter_mut().zip(&column[..height]) {
                row[c] = *value;
            }
        } else {
            for (row, value) in tile.iter_mut().zip(column.iter().step_by(row_stride)).take(height) {
                row[c] = *value;
            }
        }
    }
}

/// Where in the row-major output the row `first` of the matrix that `walk` stands at begins.
fn out_offset(axes: &Axes, walk: &Walk, near: usize, first: usize) -> usize {
    let mut offset = 0;
    for (i, axis) in axes[..axes.len() - 1].iter().enumerate() {
        offset = offset * axis.len + if i == near { first } else { walk.index[i] };
    }
    offset * axes[axes.len() - 1].len
}

/// Writes `f` of each element of a view into `out`, row-major: conversions between types.
pub fn cast<T: Plain, U: Plain>(x: View<T>, out: &mut [U], f: impl Fn(T) -> U + Sync) {
    assert_eq!(x.len(), out.len(), "cast of {:?} into {} elements", x.shape, out.len());
    let source = Source::new(x);
    for_each_chunk(out, CHUNK, CHEAP_GRAIN, |start, piece| {
        let mut reader = source.reader(start);
        let mut done = 0;
        while done < piece.len() {
            let n = reader.block(piece.len() - done);
            for (to, from) in piece[done..done + n].iter_mut().zip(reader.take(n)) {
                *to = f(*from);
            }
            done += n;
        }
    });
}

/// Overwrites the elements of a strided destination (which must not overlap itself) with those of `src`.
///
/// `dst[0]` is the element at index `[0, 0, ...]`; `src` has the destination's shape, broadcast where needed.
pub fn assign<T: Plain>(dst: &mut [T], shape: &[usize], strides: &[usize], src: View<T>) {
    assert_eq!(shape, src.shape, "assignment of {:?} to {shape:?}", src.shape);
    // Also the check that the destination lies inside `dst`.
    let destination = View::new(&*dst, shape, strides);
    if destination.is_empty() {
        return;
    }
    if destination.is_contiguous() {
        copy(src, &mut dst[..src.len()]);
        return;
    }
    let total = src.len();
    let source = Source::new(src);
    let mut reader = source.reader(0);
    let mut walk = Walk::new(simplified(shape, strides), 0);
    let mut done = 0;
    while done < total {
        let n = reader.block(total - done);
        walk.write(dst, reader.take(n));
        done += n;
    }
}
