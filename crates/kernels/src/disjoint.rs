//! One slice, written by many tasks at once, each in places of its own.

use std::marker::PhantomData;

/// A mutable slice whose tasks promise not to touch the same elements.
///
/// For outputs that [`for_each_chunk`](crate::threads::for_each_chunk) cannot cut: several slices cut alike, or
/// pieces that are not consecutive.
#[derive(Debug)]
pub(crate) struct Disjoint<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Disjoint<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Disjoint<'_, T> {}

// SAFETY: tasks on other threads get `&mut T`s, which need `T: Send`; that they differ is the promise of `slice`.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Disjoint { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// Of the whole slice.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The elements `start..start + len`.
    ///
    /// # Safety
    /// While the returned slice lives, no other slice that overlaps it may be taken.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // That is the point: the caller promises that the pieces differ.
    pub(crate) unsafe fn slice(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start <= self.len && len <= self.len - start, "piece {start}+{len} of {}", self.len);
        // SAFETY: inside the slice by the assertion, and unique by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}
