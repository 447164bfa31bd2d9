//! Vector registers as values, for the two inner loops that no compiler keeps in registers by itself.
//!
//! Everywhere else in this crate the compiler's vectoriser is trusted. A matrix tile is the exception: it holds two
//! dozen accumulators at once, and written as arrays they are spilled to memory on every step (forty times slower).

#[cfg(target_arch = "x86_64")]
#[allow(clippy::wildcard_imports)] // Every name of it starts with `_mm` or `__m`.
use std::arch::x86_64::*;
use std::marker::PhantomData;

use crate::buffer::Plain;
use crate::isa::{Arch, Isa};
use crate::real::Real;

/// A vector register's worth of `T`.
///
/// # Safety
/// Every method needs a processor with the instructions the type stands for, and must be inlined into a function
/// compiled with them: call them below [`isa::dispatch`](crate::isa::dispatch) only. Pointers must be valid for `N`
/// elements.
pub(crate) trait Lanes<T>: Copy {
    /// How many elements.
    const N: usize;
    unsafe fn splat(value: T) -> Self;
    unsafe fn load(from: *const T) -> Self;
    unsafe fn store(self, to: *mut T);
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// `self * b + c`
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    /// `self` where it is above zero or NaN, else zero.
    unsafe fn relu(self) -> Self;
    /// The lanes of `self` and `b` in turns: of their lower halves, then of their upper halves.
    unsafe fn zip(self, b: Self) -> (Self, Self);
    /// The sum of the lanes, pairwise.
    unsafe fn sum(self) -> T;
    /// The sums of four vectors, bit for bit: fewer instructions where the vectors are wide.
    #[inline(always)]
    unsafe fn sum_four(four: [Self; 4]) -> [T; 4] {
        // SAFETY: the caller's.
        unsafe { [four[0].sum(), four[1].sum(), four[2].sum(), four[3].sum()] }
    }
}

/// Element types that have vector registers.
pub(crate) trait Vectors: Real + Plain {
    /// AVX-512's.
    type Wide: Lanes<Self>;
    /// AVX2's.
    type Half: Lanes<Self>;
}

/// Elements in an array, vectorised by the compiler: four are one or two 128-bit registers on any processor, one is what
/// is left of a row behind the last whole vector.
#[derive(Clone, Copy)]
pub(crate) struct Portable<A, T, const N: usize = 4>([T; N], PhantomData<A>);

impl<A: Arch, T: Real, const N: usize> Lanes<T> for Portable<A, T, N> {
    const N: usize = N;
    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Portable([value; N], PhantomData)
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's.
        Portable(unsafe { from.cast::<[T; N]>().read_unaligned() }, PhantomData)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[T; N]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] + b.0[i]), PhantomData)
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] - b.0[i]), PhantomData)
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] * b.0[i]), PhantomData)
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        Portable(std::array::from_fn(|i| A::fma(self.0[i], b.0[i], c.0[i])), PhantomData)
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        Portable(self.0.map(|value| if value <= T::ZERO { T::ZERO } else { value }), PhantomData)
    }
    #[inline(always)]
    unsafe fn zip(self, b: Self) -> (Self, Self) {
        let turn = |i: usize| if i.is_multiple_of(2) { self.0[i / 2] } else { b.0[i / 2] };
        (
            Portable(std::array::from_fn(turn), PhantomData),
            Portable(std::array::from_fn(|i| turn(N + i)), PhantomData),
        )
    }
    #[inline(always)]
    unsafe fn sum(self) -> T {
        let (mut sums, mut count) = (self.0, N);
        while count > 1 {
            count /= 2;
            for i in 0..count {
                sums[i] += sums[count + i];
            }
        }
        sums[0]
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl<T: Real + Plain> Vectors for T {
    type Wide = Portable<crate::isa::Scalar, T>;
    type Half = Portable<crate::isa::Scalar, T>;
}

#[cfg(target_arch = "x86_64")]
macro_rules! register {
    ($register:ty, $t:ty, $n:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident, $max:ident, |$a:ident, $b:ident| $zip:expr,
     |$v:ident| $sum:expr $(, |$four:ident| $sums:expr)?) => {
        impl Lanes<$t> for $register {
            const N: usize = $n;
            #[inline(always)]
            unsafe fn splat(value: $t) -> Self {
                // SAFETY: the caller's.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: the caller's.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller's.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                // SAFETY: the caller's.
                unsafe { $add(self, b) }
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                // SAFETY: the caller's.
                unsafe { $sub(self, b) }
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                // SAFETY: the caller's.
                unsafe { $mul(self, b) }
            }
            #[inline(always)]
            unsafe fn fma(self, b: Self, c: Self) -> Self {
                // SAFETY: the caller's.
                unsafe { $fma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn relu(self) -> Self {
                // The second operand is the result where one is NaN.
                // SAFETY: the caller's.
                unsafe { $max($splat(0.0), self) }
            }
            #[inline(always)]
            unsafe fn zip(self, $b: Self) -> (Self, Self) {
                let $a = self;
                // SAFETY: the caller's.
                unsafe { $zip }
            }
            #[inline(always)]
            unsafe fn sum(self) -> $t {
                let $v = self;
                // SAFETY: the caller's.
                unsafe { $sum }
            }
            $(
                #[inline(always)]
                unsafe fn sum_four(four: [Self; 4]) -> [$t; 4] {
                    let $four = four;
                    // SAFETY: the caller's.
                    unsafe { $sums }
                }
            )?
        }
    };
}

#[cfg(target_arch = "x86_64")]
register!(
    __m512,
    f32,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    _mm512_max_ps,
    |a, b| {
        let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
    },
    |v| {
        // In the order of `sum_four`, so that a row's sums do not depend on the tile that computes it.
        <__m512 as Lanes<f32>>::sum_four([v; 4])[0]
    },
    |v| {
        // Lanes of the four interleaved, added as they are: each 128-bit quarter ends up with one lane of each.
        let ab = _mm512_add_ps(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]));
        let cd = _mm512_add_ps(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]));
        let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
        let (low, high) = (_mm512_unpacklo_pd(ab, cd), _mm512_unpackhi_pd(ab, cd));
        let all = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
        let half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps::<1>(all));
        let sums = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
        std::mem::transmute::<__m128, [f32; 4]>(sums)
    }
);
#[cfg(target_arch = "x86_64")]
register!(
    __m512d,
    f64,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd,
    _mm512_max_pd,
    |a, b| {
        let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
        let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
        (_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b))
    },
    |v| _mm512_reduce_add_pd(v)
);
#[cfg(target_arch = "x86_64")]
register!(
    __m256,
    f32,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_max_ps,
    |a, b| {
        let (even, odd) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        (_mm256_permute2f128_ps::<0x20>(even, odd), _mm256_permute2f128_ps::<0x31>(even, odd))
    },
    |v| {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
);
#[cfg(target_arch = "x86_64")]
register!(
    __m256d,
    f64,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    _mm256_max_pd,
    |a, b| {
        let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        (_mm256_permute2f128_pd::<0x20>(even, odd), _mm256_permute2f128_pd::<0x31>(even, odd))
    },
    |v| {
        let two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
);

#[cfg(target_arch = "x86_64")]
impl Vectors for f32 {
    type Wide = __m512;
    type Half = __m256;
}
#[cfg(target_arch = "x86_64")]
impl Vectors for f64 {
    type Wide = __m512d;
    type Half = __m256d;
}

/// A loop over rows side by side, a vector at a time.
pub(crate) trait Lanewise<T> {
    /// Does what is to be done from element `i` on, for a vector's worth.
    ///
    /// # Safety
    /// As for [`Lanes`], and as [`for_lanes`] promises.
    unsafe fn at<L: Lanes<T>>(&mut self, i: usize);
}

/// Calls `rows` for the elements below `len`, in whole vectors and then one by one.
///
/// # Safety
/// Everything that `rows` reads and writes from an element below `len` on is valid.
#[inline(always)]
pub(crate) unsafe fn for_lanes<A: Arch, T: Vectors>(len: usize, rows: impl Lanewise<T>) {
    // SAFETY: the caller's; each register type is used under its own instruction set.
    unsafe {
        match A::ISA {
            Isa::Avx512 => vectors::<A, T, T::Wide>(len, rows),
            Isa::Avx2 => vectors::<A, T, T::Half>(len, rows),
            _ => vectors::<A, T, Portable<A, T>>(len, rows),
        }
    }
}

#[inline(always)]
unsafe fn vectors<A: Arch, T: Vectors, L: Lanes<T>>(len: usize, mut rows: impl Lanewise<T>) {
    let mut i = 0;
    // SAFETY: the caller's.
    unsafe {
        while i + L::N <= len {
            rows.at::<L>(i);
            i += L::N;
        }
        while i < len {
            rows.at::<Portable<A, T, 1>>(i);
            i += 1;
        }
    }
}
