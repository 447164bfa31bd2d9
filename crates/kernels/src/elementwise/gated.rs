//! Functions `x g(x)` of a smooth gate `g`: GELU, SiLU, Mish. Value and derivative share the exponential that is nearly all
//! of their cost, so a forward pass that will be followed by a backward pass computes both.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::unary::Unary;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};

/// `sqrt(2 / pi)`
const GELU_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const GELU_CUBE: f64 = 0.044715;

/// `x Phi(x)`, and its derivative `Phi(x) + x phi(x)`.
#[inline(always)]
pub(crate) fn gelu_erf<A: Arch, T: Math>(x: T) -> (T, T) {
    let (e, cdf) = math::normal::<A, T>(x);
    (x * cdf, A::fma(x, T::from_f64(GELU_SCALE / 2.0) * e, cdf))
}

/// `u` such that the tanh form of GELU is `x sigmoid(u)`, by `(1 + tanh(u / 2)) / 2 = sigmoid(u)`.
#[inline(always)]
fn gelu_argument<A: Arch, T: Math>(x: T) -> T {
    T::from_f64(2.0 * GELU_SCALE) * x * A::fma(T::from_f64(GELU_CUBE) * x, x, T::ONE)
}

/// `x s` with `s = sigmoid(u)`, and `s + x u' s (1 - s)`.
#[inline(always)]
pub(crate) fn gelu_tanh<A: Arch, T: Math>(x: T) -> (T, T) {
    let s = math::sigmoid::<A, T>(gelu_argument::<A, T>(x));
    let slope = T::from_f64(2.0 * GELU_SCALE) * A::fma(T::from_f64(3.0 * GELU_CUBE) * x, x, T::ONE);
    (x * s, A::fma(x * slope, s * (T::ONE - s), s))
}

/// `x s` with `s = sigmoid(x)`, and `s (1 + x (1 - s))`.
#[inline(always)]
pub(crate) fn silu<A: Arch, T: Math>(x: T) -> (T, T) {
    let s = math::sigmoid::<A, T>(x);
    (x * s, s * A::fma(x, T::ONE - s, T::ONE))
}

/// `tanh(ln(1 + e^x)) = n / (n + 2)` with `n = e^x (e^x + 2)`; 1 to the last bit from 20 on.
#[inline(always)]
fn tanh_softplus<A: Arch, T: Math>(x: T) -> T {
    let top = T::from_f64(20.0);
    let e = math::exp::<A, T>(if x > top { top } else { x });
    let n = e * (e + T::TWO);
    n / (n + T::TWO)
}

/// `x t` with `t = tanh(softplus(x))`, and `t + x sigmoid(x) (1 - t^2)`.
#[inline(always)]
pub(super) fn mish<A: Arch, T: Math>(x: T) -> (T, T) {
    let (t, s) = (tanh_softplus::<A, T>(x), math::sigmoid::<A, T>(x));
    (x * t, A::fma(x * s, T::ONE - t * t, t))
}

/// `out = op(x)` and `slope = op'(x)`, slices of one length.
pub(super) fn with_slope<T: Math>(op: Unary<T>, x: &[T], out: &mut [T], slope: &mut [T]) {
    dispatch(WithSlope { op, x, out, slope });
}

struct WithSlope<'a, T> {
    op: Unary<T>,
    x: &'a [T],
    out: &'a mut [T],
    slope: &'a mut [T],
}

impl<T: Math> Kernel for WithSlope<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let WithSlope { op, x, out, slope } = self;
        match op {
            Unary::GeluErf => both(x, out, slope, gelu_erf::<A, T>),
            Unary::GeluTanh => both(x, out, slope, gelu_tanh::<A, T>),
            Unary::Silu => both(x, out, slope, silu::<A, T>),
            Unary::Mish => both(x, out, slope, mish::<A, T>),
            op => panic!("{} keeps no slope", op.name()),
        }
    }
}

#[inline(always)]
fn both<T: Copy>(x: &[T], out: &mut [T], slope: &mut [T], f: impl Fn(T) -> (T, T)) {
    for ((x, out), slope) in x.iter().zip(out).zip(slope) {
        (*out, *slope) = f(*x);
    }
}
