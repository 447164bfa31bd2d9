//! Samples side by side: what makes the nearest of a few centers a loop without horizontal operations.

use crate::buffer::{Buffer, Plain};
use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::isa::{Arch, Isa, Kernel};
use crate::real::Real;
use crate::threads::for_each_chunk;

/// Samples of a panel: four of the widest vectors of `f32`.
pub(super) const WIDTH: usize = 64;

/// Features that are laid out at once, so that both sides of the transpose stay in the first cache.
const BAND: usize = 32;

/// Elements below which another thread does not pay.
const GRAIN: usize = 1 << 16;

/// Samples `(n, d)` in panels: `d x 64` matrices whose columns are 64 consecutive samples, a constant row taken out of
/// each. The last panel is padded with zeros.
pub struct Panels<T: Plain> {
    n: usize,
    d: usize,
    data: Buffer<T>,
}

impl<T: Real + Plain> Panels<T> {
    /// Lays `x - shift` out.
    pub fn new(x: &[T], n: usize, d: usize, shift: &[f64]) -> Self {
        assert!(x.len() == n * d && shift.len() == d, "{n} samples of {d} features");
        let mut data = Buffer::zeroed(n.div_ceil(WIDTH) * WIDTH * d);
        for_each_chunk(&mut data, (WIDTH * d).max(1), GRAIN, |start, panel| {
            let first = start / d;
            let rows = &x[first * d..n.min(first + WIDTH) * d];
            for band in (0..d).step_by(BAND) {
                let features = band..d.min(band + BAND);
                for (r, row) in rows.chunks_exact(d).enumerate() {
                    for t in features.clone() {
                        panel[t * WIDTH + r] = T::from_f64(row[t].to_f64() - shift[t]);
                    }
                }
            }
        });
        Panels { n, d, data }
    }

    /// How many samples.
    pub fn rows(&self) -> usize {
        self.n
    }

    /// How many features.
    pub fn columns(&self) -> usize {
        self.d
    }

    /// Panel `i`, `d x 64`.
    pub(super) fn panel(&self, i: usize) -> &[T] {
        &self.data[i * WIDTH * self.d..][..WIDTH * self.d]
    }
}

/// Squared distances of the samples of a panel to `k` points, from the differences: exact near 0, where the expansion
/// `|x|^2 - 2 x c + |c|^2` has no digits left.
pub(super) struct Differences<'a, T> {
    pub panel: &'a [T],
    pub points: &'a [T],
    pub k: usize,
    /// `k x 64`
    pub out: &'a mut [T],
}

impl<T: Vectors> Kernel for Differences<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        // SAFETY: each register type is used under its own instruction set; sizes are asserted.
        unsafe {
            match A::ISA {
                Isa::Avx512 => differences::<T, T::Wide>(self),
                Isa::Avx2 => differences::<T, T::Half>(self),
                _ => differences::<T, Portable<A, T>>(self),
            }
        }
    }
}

#[inline(always)]
unsafe fn differences<T: Vectors, L: Lanes<T>>(work: Differences<T>) {
    const V: usize = 4;
    let Differences { panel, points, k, out } = work;
    let d = panel.len() / WIDTH;
    assert!(panel.len() == d * WIDTH && points.len() == k * d && out.len() == k * WIDTH, "{k} points of {d}");
    // SAFETY: vectors lie inside the panel's rows of 64 elements, a multiple of four vectors of any set.
    unsafe {
        let one = L::splat(T::ONE);
        for j in 0..k {
            let point = points.as_ptr().add(j * d);
            for at in (0..WIDTH).step_by(V * L::N) {
                let mut sums = [L::splat(T::ZERO); V];
                for t in 0..d {
                    let minus = L::splat(-*point.add(t));
                    let x = panel.as_ptr().add(t * WIDTH + at);
                    for v in 0..V {
                        let difference = minus.fma(one, L::load(x.add(v * L::N)));
                        sums[v] = difference.fma(difference, sums[v]);
                    }
                }
                for v in 0..V {
                    sums[v].store(out.as_mut_ptr().add(j * WIDTH + at + v * L::N));
                }
            }
        }
    }
}
