//! Equal matrices somewhere in one array, such as the heads of attention: however they are interleaved, nothing is
//! copied.

use crate::disjoint::Disjoint;

/// Matrices to read: row `i` of matrix `h` starts at `data[offsets[h] + i * row_stride]`, and its elements follow one
/// another. Offsets may repeat.
#[derive(Clone, Copy, Debug)]
pub struct Heads<'a, T> {
    /// The memory.
    pub data: &'a [T],
    /// Where each matrix starts.
    pub offsets: &'a [usize],
    /// Elements to step over for the next row.
    pub row_stride: usize,
}

impl<T> Heads<'_, T> {
    /// Panics unless there are `count` matrices of `rows x cols` elements inside the data.
    pub(crate) fn check(&self, what: &str, count: usize, rows: usize, cols: usize) {
        check(what, (self.data.len(), self.offsets, self.row_stride), count, rows, cols);
    }

    /// The first `cols` elements of a row.
    #[inline(always)]
    pub(crate) fn row(&self, head: usize, row: usize, cols: usize) -> &[T] {
        // Rows without elements may lie anywhere.
        if cols == 0 { &[] } else { &self.data[self.offsets[head] + row * self.row_stride..][..cols] }
    }
}

/// Matrices to write, laid out as [`Heads`]; no two rows may share an element.
#[derive(Debug)]
pub struct HeadsMut<'a, T> {
    /// The memory.
    pub data: &'a mut [T],
    /// Where each matrix starts.
    pub offsets: &'a [usize],
    /// Elements to step over for the next row.
    pub row_stride: usize,
}

impl<'a, T> HeadsMut<'a, T> {
    /// Rows that several threads write, each its own; panics unless there are `count` matrices of `rows x cols` elements
    /// inside the data.
    pub(crate) fn shared(self, what: &str, count: usize, rows: usize, cols: usize) -> Rows<'a, T> {
        check(what, (self.data.len(), self.offsets, self.row_stride), count, rows, cols);
        Rows { data: Disjoint::new(self.data), offsets: self.offsets, row_stride: self.row_stride, cols }
    }
}

fn check(
    what: &str,
    (len, offsets, stride): (usize, &[usize], usize),
    count: usize,
    rows: usize,
    cols: usize,
) {
    assert_eq!(offsets.len(), count, "{what}: an offset for each matrix");
    if rows > 0 && cols > 0 {
        let last = (rows - 1) * stride + cols;
        assert!(offsets.iter().all(|&offset| offset + last <= len), "{what} reaches past {len} elements");
    }
}

/// The rows of [`HeadsMut`].
pub(crate) struct Rows<'a, T> {
    data: Disjoint<'a, T>,
    offsets: &'a [usize],
    row_stride: usize,
    cols: usize,
}

impl<T> Rows<'_, T> {
    /// A row for writing.
    ///
    /// # Safety
    /// Nobody else holds this row, and no two rows of the matrices overlap.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // As for `Disjoint`.
    pub(crate) unsafe fn row(&self, head: usize, row: usize) -> &mut [T] {
        let start = if self.cols == 0 { 0 } else { self.offsets[head] + row * self.row_stride };
        // SAFETY: the caller's.
        unsafe { self.data.slice(start, self.cols) }
    }
}
