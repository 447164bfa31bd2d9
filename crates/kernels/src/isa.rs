//! One binary, every processor: loops written once, compiled once per instruction set, chosen at run time.
//!
//! A kernel is a plain Rust loop that is generic over an [`Arch`]. [`dispatch`] calls the copy that was compiled
//! with the widest instructions this processor has, so the compiler's own vectoriser produces AVX-512, AVX2 or NEON
//! code from the same readable source. The pattern rests on two facts: a function with `#[target_feature]` is
//! compiled with those instructions, and whatever is inlined into it is too; hence the `#[inline(always)]` on every
//! [`Kernel::run`].
//!
//! Fused multiply-add is the one thing that must differ in source: without hardware support `mul_add` calls a
//! software routine some eighty times slower, so kernels write [`Arch::fma`].

use std::sync::atomic::{AtomicU8, Ordering};

use crate::real::Real;

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Isa {
    /// The target's baseline (SSE2 on `x86_64`), no fused multiply-add.
    Scalar = 1,
    /// 256-bit vectors with fused multiply-add.
    Avx2 = 2,
    /// 512-bit vectors.
    Avx512 = 3,
    /// 128-bit vectors with fused multiply-add on 64-bit Arm.
    Neon = 4,
}

impl Isa {
    /// Every instruction set this processor can run, narrowest first.
    pub fn available() -> Vec<Isa> {
        [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon]
            .into_iter()
            .filter(|isa| isa.is_supported())
            .collect()
    }

    /// Whether this processor, and the binary's target, can run `self`.
    pub fn is_supported(self) -> bool {
        match self {
            Isa::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_supported()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// The name used in `BAREHAND_ISA`, reports and benchmarks.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
        }
    }

    fn from_u8(value: u8) -> Option<Isa> {
        [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon].into_iter().find(|isa| *isa as u8 == value)
    }
}

/// The choice in force; 0 until the first kernel runs.
static ACTIVE: AtomicU8 = AtomicU8::new(0);

/// The instruction set kernels run with: the widest one available, unless `BAREHAND_ISA` (`scalar`, `avx2`, `avx512`,
/// `neon`) names another, or [`force`] chose one.
#[inline]
pub fn active() -> Isa {
    match Isa::from_u8(ACTIVE.load(Ordering::Relaxed)) {
        Some(isa) => isa,
        None => detect(),
    }
}

#[cold]
fn detect() -> Isa {
    let available = Isa::available();
    let named = std::env::var("BAREHAND_ISA").ok();
    let isa = named
        .and_then(|name| available.iter().copied().find(|isa| isa.name() == name))
        .unwrap_or_else(|| *available.last().unwrap_or(&Isa::Scalar));
    ACTIVE.store(isa as u8, Ordering::Relaxed);
    isa
}

/// Makes every later kernel in this process run with `isa` (`None`: detect again). Returns false, and changes nothing,
/// where the processor lacks it. For tests and benchmarks; tests that force a set must not share a process with others
/// that compare bits.
pub fn force(isa: Option<Isa>) -> bool {
    match isa {
        Some(isa) if !isa.is_supported() => false,
        Some(isa) => {
            ACTIVE.store(isa as u8, Ordering::Relaxed);
            true
        }
        None => {
            detect();
            true
        }
    }
}

/// What kernel source needs to know of the instruction set it is being compiled for.
pub trait Arch: Copy + Send + Sync + 'static {
    /// The set.
    const ISA: Isa;

    /// `a * b + c`: fused, with one rounding, where the hardware does that at full speed; two roundings elsewhere.
    fn fma<T: Real>(a: T, b: T, c: T) -> T;
}

macro_rules! arch {
    ($(#[$doc:meta])* $name:ident, |$a:ident, $b:ident, $c:ident| $fma:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Arch for $name {
            const ISA: Isa = Isa::$name;

            #[inline(always)]
            fn fma<T: Real>($a: T, $b: T, $c: T) -> T {
                $fma
            }
        }
    };
}

arch!(
    /// Compiled for the target's baseline.
    Scalar, |a, b, c| a * b + c
);
#[cfg(target_arch = "x86_64")]
arch!(
    /// Compiled with AVX2 and FMA.
    Avx2, |a, b, c| a.mul_add(b, c)
);
#[cfg(target_arch = "x86_64")]
arch!(
    /// Compiled with AVX-512 F, BW, DQ and VL.
    Avx512, |a, b, c| a.mul_add(b, c)
);
#[cfg(target_arch = "aarch64")]
arch!(
    /// Compiled with NEON.
    Neon, |a, b, c| a.mul_add(b, c)
);

/// A loop that can be compiled for every instruction set. `run` must be `#[inline(always)]`, and so must everything
/// in it that should be vectorised.
pub trait Kernel {
    /// What the loop returns.
    type Output;

    /// The loop.
    fn run<A: Arch>(self) -> Self::Output;
}

/// Runs `kernel` with the [`active`] instruction set.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match active() {
        // SAFETY: `active` only ever returns a set that `is_supported` found on this processor.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { run_avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { run_neon(kernel) },
        _ => kernel.run::<Scalar>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn run_neon<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Neon>()
}
