//! What this machine can do at best: no step can be faster than its arithmetic at the peak rate of fused multiply-adds, or
//! than its traffic at the bandwidth of the memory that its footprint fits in.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::{vdupq_n_f32, vfmaq_f32};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use barehand_tensor::isa::{Arch, Isa, Kernel, dispatch};

/// Seconds that one attempt takes at least; the best of [`ATTEMPTS`] counts.
const ATTEMPT: f64 = 0.02;
const ATTEMPTS: usize = 10;

/// The best rate at which `threads` threads do a loop together; `thread(i)` prepares the loop, which returns its units of
/// work (flops, bytes).
fn best_rate<L: FnMut() -> f64>(threads: usize, thread: impl Fn(usize) -> L + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    let attempts = |i: usize| {
        let mut pass = thread(i);
        let mut attempt = || {
            barrier.wait();
            let (start, mut units) = (Instant::now(), 0.0);
            while start.elapsed().as_secs_f64() < ATTEMPT {
                units += pass();
            }
            units / start.elapsed().as_secs_f64()
        };
        attempt();
        (0..ATTEMPTS).map(|_| attempt()).collect::<Vec<f64>>()
    };
    let rates: Vec<Vec<f64>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|i| scope.spawn(move || attempts(i))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a measuring thread panicked")).collect()
    });
    let together = |attempt: usize| rates.iter().map(|rates| rates[attempt]).sum::<f64>();
    (0..ATTEMPTS).map(together).fold(0.0, f64::max)
}

/// Peak f32 flops a second: fused multiply-adds on values that never leave the registers.
pub fn peak_flops(threads: usize) -> f64 {
    // What the processor can do, whatever `BAREHAND_ISA` says.
    let widest = Isa::available().last().copied().unwrap_or(Isa::Scalar);
    best_rate(threads, |_| {
        // SAFETY: this processor has the set.
        move || unsafe {
            match widest {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => multiply_add_avx512(),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => multiply_add_avx2(),
                #[cfg(target_arch = "aarch64")]
                Isa::Neon => multiply_add_neon(),
                _ => multiply_add_scalar(),
            }
        }
    })
}

/// Written with the processor's own words: no compiler keeps that many arrays in registers by itself.
macro_rules! multiply_add {
    ($name:ident, $(#[$feature:meta])?, $lanes:literal, $splat:expr, $multiply_add:expr) => {
        $(#[$feature])?
        fn $name() -> f64 {
            // Enough independent chains to hide the latency of an addition, few enough for 16 registers.
            const CHAINS: usize = 12;
            const REPETITIONS: usize = 10_000;
            let (scale, shift) = ($splat(black_box(0.5)), $splat(black_box(1.0)));
            let mut chains = [shift; CHAINS];
            for _ in 0..REPETITIONS {
                for chain in &mut chains {
                    *chain = $multiply_add(*chain, scale, shift);
                }
            }
            black_box(chains);
            (2 * $lanes * CHAINS * REPETITIONS) as f64
        }
    };
}

#[cfg(target_arch = "x86_64")]
multiply_add!(multiply_add_avx512, #[target_feature(enable = "avx512f")], 16, _mm512_set1_ps, _mm512_fmadd_ps);
#[cfg(target_arch = "x86_64")]
multiply_add!(multiply_add_avx2, #[target_feature(enable = "avx2,fma")], 8, _mm256_set1_ps, _mm256_fmadd_ps);
#[cfg(target_arch = "aarch64")]
multiply_add!(multiply_add_neon, #[target_feature(enable = "neon")], 4, vdupq_n_f32, |x, scale, shift| {
    vfmaq_f32(shift, x, scale)
});
multiply_add!(multiply_add_scalar, , 4, |value: f32| [value; 4], |x: [f32; 4], scale: [f32; 4], shift: [f32; 4]| {
    std::array::from_fn(|lane| x[lane] * scale[lane] + shift[lane])
});

/// Bytes a second over `footprint` bytes that are gone through again and again, shared between the threads: the better of
/// reading them and of reading and writing them in place.
pub fn bandwidth(footprint: usize, threads: usize) -> f64 {
    let floats = (footprint / threads / 4).max(1024);
    let memory = move || vec![1.0f32; floats];
    let read = best_rate(threads, |_| {
        let memory = memory();
        move || dispatch(Read(&memory))
    });
    let update = best_rate(threads, |_| {
        let mut memory = memory();
        move || dispatch(Update(&mut memory))
    });
    read.max(update)
}

struct Read<'a>(&'a [f32]);

impl Kernel for Read<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        let mut sums = [0.0f32; 128];
        for values in self.0.chunks_exact(128) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value;
            }
        }
        black_box(sums);
        (4 * self.0.len()) as f64
    }
}

struct Update<'a>(&'a mut [f32]);

impl Kernel for Update<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        for value in self.0.iter_mut() {
            *value = A::fma(*value, 0.5, 0.5);
        }
        (8 * self.0.len()) as f64
    }
}
