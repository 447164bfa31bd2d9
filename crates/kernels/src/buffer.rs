//! Aligned memory that is recycled: the buffers of one training step serve the next.
//!
//! Fresh memory is expensive on a CPU: the operating system hands out zeroed pages one fault at a time, about a
//! quarter of a microsecond for every 4 KiB; and asking the allocator for aligned memory costs a tenth of a microsecond
//! even for a few bytes. So buffers go back to free lists by size class: those of [`POOLED_BYTES`] or more to one list
//! of the process, smaller ones to one of the thread that drops them, so that small operations touch no lock.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Every buffer starts on a cache line, which is also the width of the widest vector.
pub const ALIGNMENT: usize = 64;

/// Buffers of at least this many bytes are recycled by the process, smaller ones by their thread.
pub const POOLED_BYTES: usize = 32 * 1024;

/// Free small memory that a thread keeps for reuse, at most.
const KEPT_SMALL_BYTES: usize = 1 << 20;

/// Free memory kept for reuse, at most; beyond it buffers return to the system.
const KEPT_BYTES: usize = 2 << 30;

/// Types that a [`Buffer`] can hold.
///
/// # Safety
/// The type has no destructor and zero bytes are a valid value; where `ANY_BITS` is true, so is every bit pattern.
pub unsafe trait Plain: Copy + Send + Sync + 'static {
    /// Whether stale bytes of any origin are valid values.
    const ANY_BITS: bool;
}

macro_rules! plain {
    ($any:literal: $($t:ty),*) => { $(
        // SAFETY: numbers accept every bit pattern; `bool` accepts zero and says that it accepts no other.
        unsafe impl Plain for $t {
            const ANY_BITS: bool = $any;
        }
    )* };
}
plain!(true: f32, f64, i8, u8, i16, u16, i32, u32, i64, u64, usize);
plain!(false: bool);

/// A fixed-length, 64-byte-aligned array whose memory is recycled; or one that [looks at](Buffer::foreign) memory of
/// another owner, which is only read.
pub struct Buffer<T: Plain> {
    start: NonNull<T>,
    len: usize,
    /// Bytes really allocated; 0 when nothing was.
    capacity: usize,
    /// Keeps foreign memory alive.
    owner: Option<Box<dyn Send + Sync>>,
}

// SAFETY: a buffer owns its memory and `T: Plain` is `Send + Sync`.
unsafe impl<T: Plain> Send for Buffer<T> {}
// SAFETY: as above; shared access only reads.
unsafe impl<T: Plain> Sync for Buffer<T> {}

impl<T: Plain> Buffer<T> {
    /// `len` elements of unspecified (but valid) value, for callers that overwrite all of them.
    pub fn scratch(len: usize) -> Self {
        Self::allocate(len, !T::ANY_BITS)
    }

    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        Self::allocate(len, true)
    }

    /// `len` copies of `value`.
    pub fn filled(len: usize, value: T) -> Self {
        let mut buffer = Self::scratch(len);
        buffer.fill(value);
        buffer
    }

    /// A copy of `values`.
    pub fn copy_of(values: &[T]) -> Self {
        let mut buffer = Self::scratch(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// `len` elements of memory that belongs to `owner`, who is dropped with the buffer. They are never written.
    ///
    /// # Safety
    /// `start` addresses `len` initialised, aligned elements that are valid for `T` and stay so while `owner` lives, and
    /// nobody writes to them while a kernel reads.
    pub unsafe fn foreign(start: NonNull<T>, len: usize, owner: impl Send + Sync + 'static) -> Self {
        debug_assert!(start.is_aligned());
        Buffer { start, len, capacity: 0, owner: Some(Box::new(owner)) }
    }

    /// Whether the memory belongs to somebody else.
    #[inline]
    pub fn is_foreign(&self) -> bool {
        self.owner.is_some()
    }

    fn allocate(len: usize, zero: bool) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).expect("array size overflows the address space");
        if bytes == 0 {
            return Buffer { start: NonNull::dangling(), len, capacity: 0, owner: None };
        }
        let capacity = size_class(bytes);
        if let Some(start) = take(capacity) {
            let start = start.cast::<T>();
            // Without zeroing, the elements keep stale bytes: initialised memory, and `ANY_BITS` says valid values.
            if zero {
                // SAFETY: the block has `capacity >= bytes` bytes, came from `layout` and is owned by nobody else.
                unsafe { start.as_ptr().write_bytes(0, len) };
            }
            return Buffer { start, len, capacity, owner: None };
        }
        let layout = layout(capacity);
        // A fresh block is zeroed as a whole, so that whoever reuses it finds initialised memory.
        // SAFETY: the layout's size is not zero.
        let Some(start) = NonNull::new(unsafe { alloc_zeroed(layout) }) else { handle_alloc_error(layout) };
        // SAFETY: the layout has room for the offset.
        let start = unsafe { start.add(offset(capacity)) }.cast::<T>();
        LIVE.fetch_add(capacity, Ordering::Relaxed);
        Buffer { start, len, capacity, owner: None }
    }
}

/// What the system is asked for: for a pooled block a page more, on a page's boundary.
fn layout(capacity: usize) -> Layout {
    let (size, alignment) = if capacity < POOLED_BYTES {
        (Some(capacity), ALIGNMENT)
    } else {
        (capacity.checked_add(PAGE), PAGE)
    };
    let layout = size.and_then(|size| Layout::from_size_align(size, alignment).ok());
    layout.expect("array size overflows the address space")
}

/// Addresses of the first-level cache repeat after so many bytes.
const PAGE: usize = 4096;

/// Where in its page the next block should begin: not where the last one did. A loop that walks through several arrays
/// which begin alike has all of them in the same sets of the cache, and its loads wait for stores that seem to be to the same
/// address; elementwise and row by row that costs a tenth to a fifth of the time.
fn offset(capacity: usize) -> usize {
    static BLOCKS: AtomicUsize = AtomicUsize::new(0);
    const STEP: usize = 5 * ALIGNMENT;
    if capacity < POOLED_BYTES { 0 } else { BLOCKS.fetch_add(1, Ordering::Relaxed) % (PAGE / STEP) * STEP }
}

/// Rounds a size up so that similar sizes share blocks: four classes to a power of two, so at most a quarter is lost.
fn size_class(bytes: usize) -> usize {
    let step = (bytes.next_power_of_two() / 8).max(ALIGNMENT);
    bytes.next_multiple_of(step)
}

struct FreeList {
    blocks: BTreeMap<usize, Vec<NonNull<u8>>>,
    bytes: usize,
}

// SAFETY: the list owns its blocks; nobody else holds their addresses.
unsafe impl Send for FreeList {}

static FREE: Mutex<FreeList> = Mutex::new(FreeList { blocks: BTreeMap::new(), bytes: 0 });

/// Bytes obtained from the system and not returned.
static LIVE: AtomicUsize = AtomicUsize::new(0);

fn take(capacity: usize) -> Option<NonNull<u8>> {
    if capacity < POOLED_BYTES {
        return SMALL.try_with(|small| small.borrow_mut().take(capacity)).ok().flatten();
    }
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let block = free.blocks.get_mut(&capacity)?.pop()?;
    free.bytes -= capacity;
    Some(block)
}

/// Free blocks below [`POOLED_BYTES`] of one thread: those of `n * ALIGNMENT` bytes under index `n`.
struct SmallFreeList {
    blocks: Vec<Vec<NonNull<u8>>>,
    bytes: usize,
}

thread_local! {
    static SMALL: RefCell<SmallFreeList> = const { RefCell::new(SmallFreeList { blocks: Vec::new(), bytes: 0 }) };
}

impl SmallFreeList {
    fn take(&mut self, capacity: usize) -> Option<NonNull<u8>> {
        let block = self.blocks.get_mut(capacity / ALIGNMENT)?.pop()?;
        self.bytes -= capacity;
        Some(block)
    }

    /// Whether there was room.
    fn put(&mut self, block: NonNull<u8>, capacity: usize) -> bool {
        if self.bytes + capacity > KEPT_SMALL_BYTES {
            return false;
        }
        let class = capacity / ALIGNMENT;
        if self.blocks.len() <= class {
            self.blocks.resize_with(class + 1, Vec::new);
        }
        self.blocks[class].push(block);
        self.bytes += capacity;
        true
    }

    fn release(&mut self) {
        self.bytes = 0;
        for (class, blocks) in std::mem::take(&mut self.blocks).into_iter().enumerate() {
            for block in blocks {
                // SAFETY: the block came from `alloc_zeroed` with this layout and left the list just now.
                unsafe { release(block, class * ALIGNMENT) };
            }
        }
    }
}

impl Drop for SmallFreeList {
    fn drop(&mut self) {
        self.release();
    }
}

/// Returns a block to the system.
///
/// # Safety
/// The block came from `alloc_zeroed` with the layout of `capacity`, and nobody owns it.
unsafe fn release(block: NonNull<u8>, capacity: usize) {
    LIVE.fetch_sub(capacity, Ordering::Relaxed);
    // A pooled block's offset is what is above the boundary of its page.
    let offset = if capacity < POOLED_BYTES { 0 } else { block.addr().get() % PAGE };
    // SAFETY: the caller's; the offset is that of `allocate`.
    unsafe { dealloc(block.as_ptr().sub(offset), layout(capacity)) };
}

/// Returns every free block to the system, except small ones that other threads keep (a megabyte each at most).
pub fn trim() {
    let _ = SMALL.try_with(|small| small.borrow_mut().release());
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    free.bytes = 0;
    for (capacity, blocks) in std::mem::take(&mut free.blocks) {
        for block in blocks {
            // SAFETY: the block came from `alloc_zeroed` with this layout and left the list just now.
            unsafe { release(block, capacity) };
        }
    }
}

/// Bytes held from the system at this moment, in use or free.
pub fn held_bytes() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Bytes waiting for reuse at this moment, small blocks not counted.
pub fn free_bytes() -> usize {
    FREE.lock().unwrap_or_else(PoisonError::into_inner).bytes
}

impl<T: Plain> Drop for Buffer<T> {
    fn drop(&mut self) {
        if self.capacity == 0 {
            return;
        }
        let block = self.start.cast::<u8>();
        if self.capacity >= POOLED_BYTES {
            let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            if free.bytes + self.capacity <= KEPT_BYTES {
                free.bytes += self.capacity;
                free.blocks.entry(self.capacity).or_default().push(block);
                return;
            }
        } else if SMALL.try_with(|small| small.borrow_mut().put(block, self.capacity)).unwrap_or(false) {
            return;
        }
        // SAFETY: the block came from `alloc_zeroed` with this layout, and this buffer was its only owner.
        unsafe { release(block, self.capacity) };
    }
}

impl<T: Plain> Deref for Buffer<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `start` addresses `len` initialised elements owned by this buffer.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buffer<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        assert!(self.owner.is_none(), "foreign memory is only read");
        // SAFETY: as in `deref`, and `&mut self` makes the access unique.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl<T: Plain + std::fmt::Debug> std::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Plain> FromIterator<T> for Buffer<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::copy_of(&values.into_iter().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_zeroed() {
        for len in [0, 1, 7, 100, 10_000, 100_000] {
            let buffer = Buffer::<f32>::zeroed(len);
            assert_eq!(buffer.len(), len);
            assert!(len == 0 || (buffer.as_ptr() as usize).is_multiple_of(ALIGNMENT));
            assert!(buffer.iter().all(|&v| v == 0.0));
        }
    }

    #[test]
    fn a_recycled_buffer_is_zeroed_again() {
        drop(Buffer::<f64>::filled(123_457, 3.5));
        assert!(Buffer::<f64>::zeroed(123_457).iter().all(|&v| v == 0.0));
        drop(Buffer::<u8>::filled(987_656, 255));
        assert!(Buffer::<bool>::scratch(987_656).iter().all(|&v| !v));
    }

    #[test]
    fn size_classes_waste_at_most_a_quarter() {
        for bytes in [1, 63, 65, 1000, 4097, 33_000, 1 << 20, (1 << 20) + 1] {
            let class = size_class(bytes);
            assert!(
                class >= bytes && class <= (bytes + bytes / 4).max(bytes + ALIGNMENT),
                "{bytes} -> {class}"
            );
        }
    }
}
