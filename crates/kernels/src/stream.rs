//! Moving large arrays past the caches: stores that do not first read what they overwrite, and reads begun early.
//!
//! A store to memory that is in no cache costs two transfers, for the line is fetched before it is changed, unless the
//! store is a streaming one. An output that is larger than the caches is in none of them when it is written, nor when it
//! is read again; so it is computed a block at a time in the first-level cache, and the block streamed out.

use crate::buffer::Plain;

/// Outputs of at least this many bytes are streamed: a shared cache does not hold them. One that holds them serves the next
/// reader, so that streaming 16 MiB past a cache of 32 made GELU and softmax with their gradients slower by a third.
pub(crate) const STREAM_BYTES: usize = 64 << 20;

/// Whether an output of `len` elements should be streamed.
#[inline(always)]
pub(crate) fn streams<T>(len: usize) -> bool {
    cfg!(target_arch = "x86_64") && len * size_of::<T>() >= STREAM_BYTES
}

/// Copies `from` to `to`, past the caches where the processor can. Call [`fence`] behind the last copy.
#[inline(always)]
pub(crate) fn copy<T: Plain>(from: &[T], to: &mut [T]) {
    assert_eq!(from.len(), to.len(), "a streamed copy of {} elements to {}", from.len(), to.len());
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
        const WIDTH: usize = size_of::<__m128i>();
        let bytes = size_of_val(from);
        let head = to.as_ptr().align_offset(WIDTH).min(to.len()) * size_of::<T>();
        let body = (bytes - head) / WIDTH * WIDTH;
        let source = from.as_ptr().cast::<u8>();
        let target = to.as_mut_ptr().cast::<u8>();
        // SAFETY: `head + body <= bytes`, the size of both slices, which do not overlap (one is borrowed mutably); the
        // target is aligned from `head` on; every bit pattern that `from` holds is valid for the same type in `to`.
        unsafe {
            std::ptr::copy_nonoverlapping(source, target, head);
            for at in (head..head + body).step_by(WIDTH) {
                _mm_stream_si128(target.add(at).cast(), _mm_loadu_si128(source.add(at).cast()));
            }
            let rest = head + body;
            std::ptr::copy_nonoverlapping(source.add(rest), target.add(rest), bytes - rest);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.copy_from_slice(from);
}

/// Makes what this thread has streamed visible before whatever it does next: streaming stores are not ordered by
/// themselves.
#[inline(always)]
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every `x86_64` processor has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Asks for the line `distance` elements behind `x`, wherever that is: between the computations on one row, for those of the
/// next, which the processor would ask for only when it stands before them.
#[inline(always)]
pub(crate) fn ahead<T>(x: *const T, distance: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of any address is harmless.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(x.wrapping_add(distance).cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, distance);
}

/// Asks for the lines of `x`, which will be needed soon.
#[inline(always)]
pub(crate) fn prefetch<T>(x: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..size_of_val(x)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of any address is harmless, and this one lies inside the slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().cast::<i8>().add(at)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}
