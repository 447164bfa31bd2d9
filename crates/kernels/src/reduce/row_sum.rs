//! Sums along a row, or several rows side by side, in registers: the compiler, left alone, keeps so many sums in memory.

use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::isa::{Arch, Isa};
use crate::math::Math;

/// What is added up of `N` rows.
pub(crate) trait Term<T, const N: usize> {
    /// `sum` and the terms of a vector's worth of elements.
    ///
    /// # Safety
    /// As for [`Lanes`].
    unsafe fn add<L: Lanes<T>>(&self, x: [L; N], sum: L) -> L;
}

/// `x`
pub(crate) struct Each;

impl<T> Term<T, 1> for Each {
    #[inline(always)]
    unsafe fn add<L: Lanes<T>>(&self, [x]: [L; 1], sum: L) -> L {
        // SAFETY: the caller's.
        unsafe { sum.add(x) }
    }
}

/// `(x - center)^2`
pub(crate) struct Squares<T> {
    pub center: T,
}

impl<T: Copy> Term<T, 1> for Squares<T> {
    #[inline(always)]
    unsafe fn add<L: Lanes<T>>(&self, [x]: [L; 1], sum: L) -> L {
        // SAFETY: the caller's.
        unsafe {
            let x = x.sub(L::splat(self.center));
            x.fma(x, sum)
        }
    }
}

/// `x y`
pub(crate) struct Products;

impl<T> Term<T, 2> for Products {
    #[inline(always)]
    unsafe fn add<L: Lanes<T>>(&self, [x, y]: [L; 2], sum: L) -> L {
        // SAFETY: the caller's.
        unsafe { x.fma(y, sum) }
    }
}

/// `x (y - center)`, and of three rows `x y (z - center)`.
pub(crate) struct Centered<T> {
    pub center: T,
}

impl<T: Copy> Term<T, 2> for Centered<T> {
    #[inline(always)]
    unsafe fn add<L: Lanes<T>>(&self, [x, y]: [L; 2], sum: L) -> L {
        // SAFETY: the caller's.
        unsafe { x.fma(y.sub(L::splat(self.center)), sum) }
    }
}

impl<T: Copy> Term<T, 3> for Centered<T> {
    #[inline(always)]
    unsafe fn add<L: Lanes<T>>(&self, [x, y, z]: [L; 3], sum: L) -> L {
        // SAFETY: the caller's.
        unsafe { x.mul(y).fma(z.sub(L::splat(self.center)), sum) }
    }
}

/// The sum of a term over `N` rows of one length, in their own precision but for a few rounding errors: eight elements are
/// added up in each lane, four lanes in pairs, and these sums in `f64`. For rows whose elements are of like size.
#[inline(always)]
pub(crate) fn row_sum<A: Arch, T: Math + Vectors, const N: usize>(
    x: [&[T]; N],
    term: &impl Term<T, N>,
) -> f64 {
    let len = x[0].len();
    assert!(x.iter().all(|x| x.len() == len), "a sum over rows of one length");
    // SAFETY: all rows have that length; each register type is used under its own instruction set.
    unsafe {
        match A::ISA {
            Isa::Avx512 => in_registers::<A, T, T::Wide, N>(x, len, term),
            Isa::Avx2 => in_registers::<A, T, T::Half, N>(x, len, term),
            _ => in_registers::<A, T, Portable<A, T>, N>(x, len, term),
        }
    }
}

/// Sums kept side by side: independent chains for the vector units.
const CHAINS: usize = 4;

/// Elements that a lane adds up in their own precision.
const SPILL: usize = 8;

/// As many sums as the widest vector has elements.
type Totals = [f64; 16];

#[inline(always)]
unsafe fn in_registers<A: Arch, T: Math + Vectors, L: Lanes<T>, const N: usize>(
    x: [&[T]; N],
    len: usize,
    term: &impl Term<T, N>,
) -> f64 {
    let starts = x.map(<[T]>::as_ptr);
    // SAFETY: the caller's; what is read lies below `len`.
    unsafe {
        let mut rest = 0.0;
        for i in len / L::N * L::N..len {
            let one = std::array::from_fn(|n| Portable::<A, T, 1>::load(starts[n].add(i)));
            rest += term.add(one, Portable::<A, T, 1>::splat(T::ZERO)).sum().to_f64();
        }
        if len < L::N {
            return rest;
        }
        let mut totals = [0.0; 16];
        let mut i = 0;
        let zero = L::splat(T::ZERO);
        let step = CHAINS * L::N;
        let whole = len / step * step;
        while i < whole {
            let end = whole.min(i + SPILL * step);
            let mut sums = [zero; CHAINS];
            while i < end {
                for (chain, sum) in sums.iter_mut().enumerate() {
                    let at = i + chain * L::N;
                    *sum = term.add(std::array::from_fn(|n| L::load(starts[n].add(at))), *sum);
                }
                i += step;
            }
            spill::<T, L>(sums[0].add(sums[1]).add(sums[2].add(sums[3])), &mut totals);
        }
        let mut sum = zero;
        while i + L::N <= len {
            sum = term.add(std::array::from_fn(|n| L::load(starts[n].add(i))), sum);
            i += L::N;
        }
        spill::<T, L>(sum, &mut totals);
        let mut count = totals.len();
        while count > 1 {
            count /= 2;
            for i in 0..count {
                totals[i] += totals[count + i];
            }
        }
        totals[0] + rest
    }
}

/// Adds the lanes of `sum` to `totals`.
#[inline(always)]
unsafe fn spill<T: Math, L: Lanes<T>>(sum: L, totals: &mut Totals) {
    let mut lanes = [T::ZERO; 16];
    // SAFETY: the caller's; no vector is wider.
    unsafe { sum.store(lanes.as_mut_ptr()) };
    for i in 0..L::N {
        totals[i] += lanes[i].to_f64();
    }
}
