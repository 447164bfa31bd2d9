//! The products of attention: small enough for the cache, one operand read where it lies.

use std::marker::PhantomData;

use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::gemm::tile;
use crate::isa::{Arch, Isa, Kernel, dispatch};

/// What widths are padded to, so that every row is whole vectors on every processor.
pub(super) const WHOLE: usize = 16;

/// `c = a b`, or `c += a b`, with `a` of `m x k`, `b` of `k x n` and `c` of `m x n` elements; `n` is a multiple of [`WHOLE`].
pub(super) struct Product<T> {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: *const T,
    /// Elements from one row, and from one column, of `a` to the next.
    pub a_strides: [usize; 2],
    pub b: *const T,
    pub b_stride: usize,
    pub c: *mut T,
    pub c_stride: usize,
    pub add: bool,
}

impl<T: Vectors> Product<T> {
    /// Computes it.
    ///
    /// # Safety
    /// The pointers are valid for the elements that the sizes and strides address, and nobody else uses `c`.
    #[inline]
    pub(super) unsafe fn run_now(self) {
        debug_assert!(self.n.is_multiple_of(WHOLE));
        dispatch(self);
    }
}

impl<T: Vectors> Kernel for Product<T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        // SAFETY: the promise of `run_now`; each register type is used under its own instruction set.
        unsafe {
            match A::ISA {
                // As many sums as hide the latency of the multiply-add and fit the registers.
                Isa::Avx512 => self.panels::<T::Wide, 4, 6>(),
                Isa::Avx2 => self.panels::<T::Half, 2, 6>(),
                _ => self.panels::<Portable<A, T>, 2, 4>(),
            }
        }
    }
}

impl<T: Vectors> Product<T> {
    /// Panels of `V` vectors, in tiles of `M` rows; the rest in narrower ones.
    #[inline(always)]
    unsafe fn panels<L: Lanes<T>, const V: usize, const M: usize>(&self) {
        let mut j = 0;
        // SAFETY: the caller's.
        unsafe {
            while j + V * L::N <= self.n {
                self.down::<L, V, M>(j);
                j += V * L::N;
            }
            if V > 2 && j + 2 * L::N <= self.n {
                self.down::<L, 2, 8>(j);
                j += 2 * L::N;
            }
            while j < self.n {
                self.down::<L, 1, 8>(j);
                j += L::N;
            }
        }
    }

    #[inline(always)]
    unsafe fn down<L: Lanes<T>, const V: usize, const M: usize>(&self, j: usize) {
        let mut i = 0;
        // SAFETY: the caller's.
        unsafe {
            while i + M <= self.m {
                self.tile::<L, V, M>(i, j);
                i += M;
            }
            if M > 4 && i + 4 <= self.m {
                self.tile::<L, V, 4>(i, j);
                i += 4;
            }
            if M > 2 && i + 2 <= self.m {
                self.tile::<L, V, 2>(i, j);
                i += 2;
            }
            while i < self.m {
                self.tile::<L, V, 1>(i, j);
                i += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const V: usize, const M: usize>(&self, i: usize, j: usize) {
        let [row, column] = self.a_strides;
        // SAFETY: the caller's.
        unsafe {
            let (a, b) = (self.a.add(i * row), self.b.add(j));
            let sums =
                tile::outer::<T, L, M, V>(self.k, a, row, column, T::ZERO, |t| b.add(t * self.b_stride));
            for (di, sums) in sums.into_iter().enumerate() {
                let c = self.c.add((i + di) * self.c_stride + j);
                for (v, sum) in sums.into_iter().enumerate() {
                    let c = c.add(v * L::N);
                    let sum = if self.add { L::splat(T::ONE).fma(L::load(c), sum) } else { sum };
                    sum.store(c);
                }
            }
        }
    }
}

/// Writes `target(j)[i] = source(i)[j]` for all `rows` values of `i` and `cols` of `j`.
pub(super) struct Transpose<S, D> {
    pub rows: usize,
    pub cols: usize,
    pub source: S,
    pub target: D,
}

impl<S, D> Transpose<S, D> {
    /// Computes it.
    ///
    /// # Safety
    /// The pointers are valid for the elements addressed, and nobody else uses the targets.
    pub(super) unsafe fn run_now<T: Vectors>(self)
    where
        S: Fn(usize) -> *const T,
        D: Fn(usize) -> *mut T,
    {
        dispatch(Typed::<T, S, D> { transpose: self, element: PhantomData });
    }
}

struct Typed<T, S, D> {
    transpose: Transpose<S, D>,
    element: PhantomData<T>,
}

impl<T: Vectors, S: Fn(usize) -> *const T, D: Fn(usize) -> *mut T> Kernel for Typed<T, S, D> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        // SAFETY: the promise of `run_now`; each register type is used under its own instruction set.
        unsafe {
            match A::ISA {
                Isa::Avx512 => self.squares::<T::Wide>(),
                Isa::Avx2 => self.squares::<T::Half>(),
                _ => self.squares::<Portable<A, T>>(),
            }
        }
    }
}

impl<T: Vectors, S: Fn(usize) -> *const T, D: Fn(usize) -> *mut T> Typed<T, S, D> {
    #[inline(always)]
    unsafe fn squares<L: Lanes<T>>(&self) {
        let Transpose { rows, cols, source, target } = &self.transpose;
        let (rows, cols) = (*rows, *cols);
        let (whole_rows, whole_cols) = (rows / L::N * L::N, cols / L::N * L::N);
        // SAFETY: the caller's.
        unsafe {
            for i in (0..whole_rows).step_by(L::N) {
                for j in (0..whole_cols).step_by(L::N) {
                    tile::transpose::<T, L>(|di| source(i + di).add(j), L::N, |dj| target(j + dj).add(i));
                }
            }
            for i in 0..rows {
                let from = if i < whole_rows { whole_cols } else { 0 };
                for j in from..cols {
                    *target(j).add(i) = *source(i).add(j);
                }
            }
        }
    }
}

/// `out[i] = sum of a(i) b(i)` over rows of `k` elements.
pub(super) struct Dots<'a, T> {
    pub k: usize,
    pub pairs: &'a [(*const T, *const T)],
    pub out: &'a mut [T],
}

impl<T: Vectors> Dots<'_, T> {
    /// Computes them.
    ///
    /// # Safety
    /// The pointers are valid for `k` elements.
    pub(super) unsafe fn run_now(self) {
        dispatch(self);
    }

    #[inline(always)]
    unsafe fn all<L: Lanes<T>>(self) {
        for (out, &(a, b)) in self.out.iter_mut().zip(self.pairs) {
            // SAFETY: the caller's.
            *out = unsafe { tile::dot::<T, L, 1, 1>(self.k, T::ZERO, |_| a, |_| b)[0][0] };
        }
    }
}

impl<T: Vectors> Kernel for Dots<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        // SAFETY: the promise of `run_now`; each register type is used under its own instruction set.
        unsafe {
            match A::ISA {
                Isa::Avx512 => self.all::<T::Wide>(),
                Isa::Avx2 => self.all::<T::Half>(),
                _ => self.all::<Portable<A, T>>(),
            }
        }
    }
}
