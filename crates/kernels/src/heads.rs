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
    data: Disjoint<'a, T>,
    offsets: &'a [usize],
    row_stride: usize,
}

impl<'a, T> HeadsMut<'a, T> {
    /// Matrices that start at `offsets` of `data`, with so many elements from one row to the next.
    pub fn new(data: &'a mut [T], offsets: &'a [usize], row_stride: usize) -> Self {
        let [heads] = Self::side_by_side(data, [offsets], row_stride);
        heads
    }

    /// Several sets of matrices in one array, such as the gradients of queries, keys and values that were one projection; no
    /// two rows of all may share an element.
    pub fn side_by_side<const N: usize>(
        data: &'a mut [T],
        sets: [&'a [usize]; N],
        row_stride: usize,
    ) -> [Self; N] {
        let data = Disjoint::new(data);
        sets.map(|offsets| HeadsMut { data, offsets, row_stride })
    }

    /// Rows that several threads write, each its own; panics unless there are `count` matrices of `rows x cols` elements
    /// inside the data.
    pub(crate) fn shared(self, what: &str, count: usize, rows: usize, cols: usize) -> Rows<'a, T> {
        let HeadsMut { data, offsets, row_stride } = self;
        check(what, (data.len(), offsets, row_stride), count, rows, cols);
        Rows { data, offsets, row_stride, cols }
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
