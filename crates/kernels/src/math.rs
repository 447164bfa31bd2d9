//! Elementary functions written so that a loop over them becomes vector instructions.
//!
//! No branches and no table look-ups: rounding by adding and subtracting a large number, exponents by integer
//! arithmetic on the bits, one polynomial, selections at the end. Both element types share the algorithms and differ
//! in coefficients ([`coefficients`]). In `f32` every function is within 2 units in the last place over its whole
//! domain, subnormal numbers, infinities and NaN included; in `f64` within 4.
//!
//! The reductions are the classic ones (Cody and Waite 1980; Ng's fdlibm for logarithms); the polynomials interpolate
//! at Chebyshev nodes.

mod coefficients;

use crate::buffer::Plain;
use crate::isa::Arch;
use crate::real::Real;

/// Real numbers with elementary functions. Those that take an [`Arch`] become vector code in a loop; the others call
/// the system's library for `f64`, one element at a time.
#[allow(clippy::return_self_not_must_use)] // Nobody computes a sine for its side effects.
pub trait Math: Real + Plain {
    /// Beyond this absolute value [`Math::sin`] and [`Math::cos`] lose accuracy; use [`Math::sin_cos_far`] there.
    const SIN_RANGE: Self;

    /// `e^x`
    fn exp<A: Arch>(self) -> Self;
    /// `e^x` for `x <= 0`, without what only larger arguments need.
    fn exp_below_one<A: Arch>(self) -> Self;
    /// `e^x` for `x <= 0`, with 0 for all but the largest of what would be subnormal: the softmax's, a third cheaper.
    fn exp_of_negative<A: Arch>(self) -> Self;
    /// `2^x` for `x <= 0`, in the same way.
    fn exp2_of_negative<A: Arch>(self) -> Self;
    /// `e^(-x^2 / 2)`, and the normal distribution function at `-|x|`, exact in the tail.
    fn normal_tail<A: Arch>(self) -> (Self, Self);
    /// `e^x - 1`
    fn expm1<A: Arch>(self) -> Self;
    /// `ln x`
    fn ln<A: Arch>(self) -> Self;
    /// `ln(1 + x)`
    fn log1p<A: Arch>(self) -> Self;
    /// `tanh x`
    fn tanh<A: Arch>(self) -> Self;
    /// `erf x`
    fn erf<A: Arch>(self) -> Self;
    /// `sin x` for `|x| <= SIN_RANGE`
    fn sin<A: Arch>(self) -> Self;
    /// `cos x` for `|x| <= SIN_RANGE`
    fn cos<A: Arch>(self) -> Self;
    /// `(sin x, cos x)` for every `x`, slowly.
    fn sin_cos_far(self) -> (Self, Self);
    /// `x^y`
    fn powf<A: Arch>(self, y: Self) -> Self;
    /// `2^x`
    fn exp2<A: Arch>(self) -> Self;
    /// `log2 x`
    fn log2<A: Arch>(self) -> Self;
    /// `log10 x`
    fn log10<A: Arch>(self) -> Self;
    /// `sinh x`
    fn sinh<A: Arch>(self) -> Self;
    /// `cosh x`
    fn cosh<A: Arch>(self) -> Self;
    /// `tan x`
    fn tan(self) -> Self;
    /// `atan x`
    fn atan<A: Arch>(self) -> Self;
    /// `asin x`
    fn asin(self) -> Self;
    /// `acos x`
    fn acos(self) -> Self;
    /// `asinh x`
    fn asinh(self) -> Self;
    /// `acosh x`
    fn acosh(self) -> Self;
    /// `atanh x`
    fn atanh(self) -> Self;
    /// The angle of the point `(x, self)`.
    fn atan2(self, x: Self) -> Self;
    /// The largest integer that is not larger.
    fn floor(self) -> Self;
    /// The smallest integer that is not smaller.
    fn ceil(self) -> Self;
    /// The integer part.
    fn trunc(self) -> Self;
    /// The nearest integer, halves to even.
    fn round_ties_even(self) -> Self;
}

/// A polynomial, lowest coefficient first.
#[inline(always)]
fn polynomial<A: Arch, T: Real, const N: usize>(x: T, coefficients: [T; N]) -> T {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = A::fma(sum, x, coefficients[i]);
    }
    sum
}

/// The functions that both types compute alike, in a module named after the type.
macro_rules! algorithms {
    ($t:ident, $bits:ident, $int:ident, $module:ident) => {
        mod $module {
            use std::$t::consts::{LN_2, LOG2_E};

            use super::coefficients::$module as c;
            use super::polynomial;
            use crate::isa::Arch;

            const MANTISSA: u32 = $t::MANTISSA_DIGITS - 1;
            const BIAS: $int = $t::MAX_EXP as $int - 1;

            /// Adding and subtracting this rounds to an integer, which the lowest bits of the sum then hold.
            const ROUNDER: $t = 1.5 * (1u64 << MANTISSA) as $t;

            /// The same for an exponent: the lowest bits of the sum are then those of its field, as `2^k` has it.
            const EXPONENT_ROUNDER: $t = ROUNDER + BIAS as $t;

            /// `ln 2`, cut so short that its multiples by exponents are exact, and the rest of it.
            const LN_2_HIGH: $t = c::LN_2_HIGH;
            const LN_2_LOW: $t = c::LN_2_LOW;

            /// `2^k` for exponents of normal numbers.
            #[inline(always)]
            fn power_of_two(k: $int) -> $t {
                $t::from_bits((k.wrapping_add(BIAS) as $bits) << MANTISSA)
            }

            /// `k` and `r` such that `x = k ln 2 + r` and `|r|` is hardly more than `ln 2 / 2`; `k` as a number too.
            #[inline(always)]
            fn reduce<A: Arch>(x: $t) -> ($int, $t, $t) {
                let rounded = A::fma(x, LOG2_E, ROUNDER);
                let k = (rounded.to_bits() as $int).wrapping_sub(ROUNDER.to_bits() as $int);
                let n = rounded - ROUNDER;
                let r = A::fma(n, -LN_2_LOW, A::fma(n, -LN_2_HIGH, x));
                (k, n, r)
            }

            /// `x` kept between two bounds; NaN stays NaN.
            #[inline(always)]
            fn clamp(x: $t, low: $t, high: $t) -> $t {
                let x = if x < low { low } else { x };
                if x > high { high } else { x }
            }

            #[inline(always)]
            pub(super) fn exp<A: Arch>(x: $t) -> $t {
                // Beyond these the result is 0 or infinity, and the exponent arithmetic would wrap around.
                let (k, _, r) = reduce::<A>(clamp(x, c::EXP_LOW, c::EXP_HIGH));
                let e = 1.0 + A::fma(r * r, polynomial::<A, $t, _>(r, c::EXP), r);
                // In two factors, since `2^k` itself may be subnormal or too large.
                let half = k >> 1;
                e * power_of_two(half) * power_of_two(k.wrapping_sub(half))
            }

            /// `e^(x + small)` for `x` from where it is 0 to somewhat above 0.
            #[inline(always)]
            fn exp_in_range<A: Arch>(x: $t, small: Option<$t>) -> $t {
                let rounded = A::fma(x, LOG2_E, EXPONENT_ROUNDER);
                let n = rounded - EXPONENT_ROUNDER;
                let r = A::fma(n, -LN_2_LOW, A::fma(n, -LN_2_HIGH, x));
                let r = if let Some(small) = small { r + small } else { r };
                let e = A::fma(A::fma(polynomial::<A, $t, _>(r, c::EXP), r, 1.0), r, 1.0);
                e * $t::from_bits(rounded.to_bits() << MANTISSA)
            }

            /// The exponent of a power of two that lifts every subnormal number among the normal ones.
            const LIFT: $int = (BIAS + 1) / 2;

            #[inline(always)]
            pub(super) fn exp_below_one<A: Arch>(x: $t) -> $t {
                const ROUND: $t = EXPONENT_ROUNDER + LIFT as $t;
                const LOWER: $t = $t::from_bits(((BIAS - LIFT) as $bits) << MANTISSA);
                let x = if x < c::EXP_LOW { c::EXP_LOW } else { x };
                let rounded = A::fma(x, LOG2_E, ROUND);
                let n = rounded - ROUND;
                let r = A::fma(n, -LN_2_LOW, A::fma(n, -LN_2_HIGH, x));
                let e = 1.0 + A::fma(r * r, polynomial::<A, $t, _>(r, c::EXP), r);
                // Only the last factor rounds, where the result is subnormal.
                e * $t::from_bits(rounded.to_bits() << MANTISSA) * LOWER
            }

            #[inline(always)]
            pub(super) fn exp_of_negative<A: Arch>(x: $t) -> $t {
                // There the power of two has no bits.
                exp_in_range::<A>(if x < c::EXP_ZERO { c::EXP_ZERO } else { x }, None)
            }

            #[inline(always)]
            pub(super) fn exp2_of_negative<A: Arch>(x: $t) -> $t {
                let x = if x < -BIAS as $t { -BIAS as $t } else { x };
                let rounded = x + EXPONENT_ROUNDER;
                let r = x - (rounded - EXPONENT_ROUNDER);
                let e = A::fma(polynomial::<A, $t, _>(r, c::EXP2), r, 1.0);
                e * $t::from_bits(rounded.to_bits() << MANTISSA)
            }

            #[inline(always)]
            pub(super) fn normal_tail<A: Arch>(x: $t) -> ($t, $t) {
                // From there on the exponential is 0.
                let a = if x.abs() > c::NORMAL_ZERO { c::NORMAL_ZERO } else { x.abs() };
                let square = a * a;
                // What the square lost in rounding counts in the tail, where it is large.
                let lost = A::fma(a, a, -square);
                let e = exp_in_range::<A>(-0.5 * square, Some(-0.5 * lost));
                let t = (a - c::NORMAL_MIDDLE) / (a + c::NORMAL_MIDDLE);
                (e, e * polynomial::<A, $t, _>(t, c::NORMAL_TAIL))
            }

            #[inline(always)]
            pub(super) fn atan<A: Arch>(x: $t) -> $t {
                use std::$t::consts::{FRAC_PI_2, FRAC_PI_4, SQRT_2};
                // atan(a) = pi/2 - atan(1/a) = pi/4 + atan((a - 1) / (a + 1)): an argument below sqrt(2) - 1.
                let a = x.abs();
                let (far, middle) = (a > SQRT_2 + 1.0, a > SQRT_2 - 1.0);
                let numerator = if middle { a - 1.0 } else { a };
                let numerator = if far { -1.0 } else { numerator };
                let denominator = if middle { a + 1.0 } else { 1.0 };
                let denominator = if far { a } else { denominator };
                let offset = if middle { FRAC_PI_4 } else { 0.0 };
                let offset = if far { FRAC_PI_2 } else { offset };
                // What the angle loses in the type.
                let low = if middle { c::PI_4_LOW } else { 0.0 };
                let low = if far { 2.0 * c::PI_4_LOW } else { low };
                let s = numerator / denominator;
                let z = s * s;
                // The small term first, so that only one sum is rounded at the size of the result.
                let y = A::fma(s * z, polynomial::<A, $t, _>(z, c::ATAN), low) + s + offset;
                y.copysign(x)
            }

            #[inline(always)]
            pub(super) fn expm1<A: Arch>(x: $t) -> $t {
                let (k, _, r) = reduce::<A>(clamp(x, c::EXPM1_LOW, c::EXP_HIGH));
                let e = A::fma(r * r, polynomial::<A, $t, _>(r, c::EXP), r);
                // 2^k (e^r - 1) + 2^k - 1. The difference is exact for small `k` and -1 or 2^k for large.
                let half = k >> 1;
                let inverse = power_of_two(half.wrapping_neg()) * power_of_two(half.wrapping_sub(k));
                let y = ((1.0 - inverse) + e) * power_of_two(half) * power_of_two(k.wrapping_sub(half));
                y.copysign(x)
            }

            /// `(n, m)` such that `x = 2^n m` and `m` is between `sqrt(1/2)` and `sqrt(2)`; rubbish for `x` that is not
            /// positive and finite.
            #[inline(always)]
            fn split(x: $t) -> ($t, $t) {
                // Shifting the bits by those of sqrt(1/2) makes the exponent field change at sqrt(1/2) and its
                // multiples by powers of two.
                const HALF_ROOT: $bits = std::$t::consts::FRAC_1_SQRT_2.to_bits();
                let tiny = x < $t::MIN_POSITIVE;
                let scaled = if tiny { x * (1u64 << MANTISSA) as $t } else { x };
                let k = (scaled.to_bits().wrapping_sub(HALF_ROOT) as $int) >> MANTISSA;
                let m = $t::from_bits(scaled.to_bits().wrapping_sub((k as $bits) << MANTISSA));
                // To a number by the same trick that rounds: exact, and one vector instruction everywhere.
                let shift = if tiny { MANTISSA as $int } else { 0 };
                let n = $t::from_bits((ROUNDER.to_bits() as $int).wrapping_add(k - shift) as $bits) - ROUNDER;
                (n, m)
            }

            /// `n ln 2 + ln(1 + f) + correction`
            #[inline(always)]
            fn join<A: Arch>(n: $t, f: $t, correction: $t) -> $t {
                // ln(1 + f) = 2 atanh(s) = f - (f^2/2 - s (f^2/2 + R(s^2)))
                let s = f / (2.0 + f);
                let z = s * s;
                let half_square = 0.5 * f * f;
                let tail = s * (half_square + z * polynomial::<A, $t, _>(z, c::LN));
                let low = A::fma(n, LN_2_LOW, correction);
                A::fma(n, LN_2_HIGH, f - (half_square - (tail + low)))
            }

            /// The values of logarithms outside of the positive finite numbers.
            #[inline(always)]
            fn outside(x: $t, y: $t) -> $t {
                let y = if x < $t::INFINITY { y } else { x };
                let y = if x == 0.0 { $t::NEG_INFINITY } else { y };
                if x < 0.0 { $t::NAN } else { y }
            }

            #[inline(always)]
            pub(super) fn ln<A: Arch>(x: $t) -> $t {
                let (n, m) = split(x);
                outside(x, join::<A>(n, m - 1.0, 0.0))
            }

            #[inline(always)]
            pub(super) fn log1p<A: Arch>(x: $t) -> $t {
                let u = 1.0 + x;
                // What the sum lost, relative to it.
                let lost = if x > 1.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
                let (n, m) = split(u);
                let y = outside(u, join::<A>(n, m - 1.0, lost / u));
                if x == 0.0 { x } else { y }
            }

            #[inline(always)]
            pub(super) fn tanh<A: Arch>(x: $t) -> $t {
                let z = x * x;
                let near = A::fma(x * z, polynomial::<A, $t, _>(z, c::TANH), x);
                let e = expm1::<A>(2.0 * clamp(x.abs(), 0.0, c::TANH_HIGH));
                let y = if x.abs() < 0.55 { near } else { e / (e + 2.0) };
                y.copysign(x)
            }

            #[inline(always)]
            pub(super) fn erf<A: Arch>(x: $t) -> $t {
                let a = clamp(x.abs(), 0.0, c::ERF_HIGH);
                let near = A::fma(x, polynomial::<A, $t, _>(x * x, c::ERF), x);
                // erfc(a) = e^(-a^2) times a function that is tame in t.
                let t = (a - 3.0) / (a + 3.0);
                let far = A::fma(-exp::<A>(-a * a), polynomial::<A, $t, _>(t, c::ERFCX), 1.0);
                if a < 1.0 { near } else { far.copysign(x) }
            }

            #[inline(always)]
            pub(super) fn exp2<A: Arch>(x: $t) -> $t {
                let x = clamp(x, c::EXP2_LOW, c::EXP2_HIGH);
                let rounded = x + ROUNDER;
                let k = (rounded.to_bits() as $int).wrapping_sub(ROUNDER.to_bits() as $int);
                let r = (x - (rounded - ROUNDER)) * LN_2;
                let e = 1.0 + A::fma(r * r, polynomial::<A, $t, _>(r, c::EXP), r);
                let half = k >> 1;
                e * power_of_two(half) * power_of_two(k.wrapping_sub(half))
            }
        }
    };
}
algorithms!(f32, u32, i32, single);
algorithms!(f64, u64, i64, double);

/// Sine (`quarter` 0) or cosine (`quarter` 1: a quarter turn ahead) by polynomials for one eighth of a turn.
#[inline(always)]
fn sine<A: Arch, const N: usize, const M: usize>(x: f64, quarter: u64, sin: [f64; N], cos: [f64; M]) -> f64 {
    use coefficients::{PI_2_HIGH, PI_2_LOW, PI_2_MIDDLE, ROUNDER};
    let rounded = A::fma(x, std::f64::consts::FRAC_2_PI, ROUNDER);
    let turn = rounded.to_bits().wrapping_add(quarter);
    let n = rounded - ROUNDER;
    let r = A::fma(n, -PI_2_LOW, A::fma(n, -PI_2_MIDDLE, A::fma(n, -PI_2_HIGH, x)));
    let z = r * r;
    let s = A::fma(z * r, polynomial::<A, f64, N>(z, sin), r);
    let c = 1.0 - A::fma(z * z, -polynomial::<A, f64, M>(z, cos), 0.5 * z);
    let y = if turn & 1 == 0 { s } else { c };
    f64::from_bits(y.to_bits() ^ ((turn & 2) << 62))
}

macro_rules! shared {
    ($t:ident, $module:ident) => {
        shared!(@vector $module: exp, exp_below_one, exp_of_negative, exp2_of_negative, expm1, ln, log1p, tanh, erf, exp2, atan);
        shared!(@scalar $t: tan(), asin(), acos(), atan2(x), floor(), ceil(), trunc(), round_ties_even());

        #[inline(always)]
        fn sin_cos_far(self) -> (Self, Self) {
            $t::sin_cos(self)
        }
        #[inline(always)]
        fn normal_tail<A: Arch>(self) -> (Self, Self) {
            $module::normal_tail::<A>(self)
        }
    };
    (@vector $module:ident: $($name:ident),*) => { $(
        #[inline(always)]
        fn $name<A: Arch>(self) -> Self {
            $module::$name::<A>(self)
        }
    )* };
    (@scalar $t:ident: $($name:ident($($x:ident)?)),*) => { $(
        #[inline(always)]
        fn $name(self $(, $x: Self)?) -> Self {
            $t::$name(self $(, $x)?)
        }
    )* };
}

/// From here on `x^2 + 1` and `x^2 - 1` are `x^2`.
const FAR: f64 = 268_435_456.0;

impl Math for f32 {
    const SIN_RANGE: f32 = 1e6;

    shared!(f32, single);

    // The following in `f64`, which makes them right to the last bit but a handful of cases.
    #[inline(always)]
    fn sin<A: Arch>(self) -> f32 {
        let y = sine::<A, _, _>(self as f64, 0, coefficients::SIN_SHORT, coefficients::COS_SHORT) as f32;
        if self == 0.0 { self } else { y }
    }
    #[inline(always)]
    fn cos<A: Arch>(self) -> f32 {
        sine::<A, _, _>(self as f64, 1, coefficients::SIN_SHORT, coefficients::COS_SHORT) as f32
    }
    #[inline(always)]
    fn powf<A: Arch>(self, y: f32) -> f32 {
        // An odd power keeps the sign, other integers lose it, fractions of negative numbers are NaN.
        let x = self;
        let size = double::exp::<A>(y as f64 * double::ln::<A>(x.abs() as f64)) as f32;
        let half = y * 0.5;
        let whole = y.trunc() == y;
        let odd = whole && half.trunc() != half;
        let signed = if odd { size.copysign(x) } else { size };
        let signed = if x < 0.0 && !whole && x != f32::NEG_INFINITY { f32::NAN } else { signed };
        let unit = x == 1.0 || y == 0.0 || (x == -1.0 && y.abs() == f32::INFINITY);
        if unit { 1.0 } else { signed }
    }
    #[inline(always)]
    fn log2<A: Arch>(self) -> f32 {
        (double::ln::<A>(self as f64) * std::f64::consts::LOG2_E) as f32
    }
    #[inline(always)]
    fn log10<A: Arch>(self) -> f32 {
        (double::ln::<A>(self as f64) * std::f64::consts::LOG10_E) as f32
    }
    #[inline(always)]
    fn sinh<A: Arch>(self) -> f32 {
        // Far beyond the range of the type, and finite.
        let e = double::expm1::<A>(if self.abs() > 200.0 { 200.0 } else { self.abs() } as f64);
        ((0.5 * (e + e / (e + 1.0))) as f32).copysign(self)
    }
    #[inline(always)]
    fn cosh<A: Arch>(self) -> f32 {
        let e = double::exp::<A>(self as f64);
        (0.5 * (e + 1.0 / e)) as f32
    }
    #[inline(always)]
    fn asinh(self) -> f32 {
        Math::asinh(self as f64) as f32
    }
    #[inline(always)]
    fn acosh(self) -> f32 {
        Math::acosh(self as f64) as f32
    }
    #[inline(always)]
    fn atanh(self) -> f32 {
        Math::atanh(self as f64) as f32
    }
}

impl Math for f64 {
    const SIN_RANGE: f64 = 1e6;

    shared!(f64, double);

    #[inline(always)]
    fn sin<A: Arch>(self) -> f64 {
        let y = sine::<A, _, _>(self, 0, coefficients::SIN, coefficients::COS);
        if self == 0.0 { self } else { y }
    }
    #[inline(always)]
    fn cos<A: Arch>(self) -> f64 {
        sine::<A, _, _>(self, 1, coefficients::SIN, coefficients::COS)
    }
    #[inline(always)]
    fn powf<A: Arch>(self, y: f64) -> f64 {
        f64::powf(self, y)
    }
    #[inline(always)]
    fn log2<A: Arch>(self) -> f64 {
        f64::log2(self)
    }
    #[inline(always)]
    fn log10<A: Arch>(self) -> f64 {
        f64::log10(self)
    }
    #[inline(always)]
    fn sinh<A: Arch>(self) -> f64 {
        f64::sinh(self)
    }
    #[inline(always)]
    fn cosh<A: Arch>(self) -> f64 {
        f64::cosh(self)
    }
    // By ln(1 + u) of an exact u, so that small results keep all of their digits, which those of the standard library lose.
    #[inline(always)]
    fn asinh(self) -> f64 {
        let a = self.abs();
        if a > FAR {
            return (a.ln() + std::f64::consts::LN_2).copysign(self);
        }
        // a + sqrt(a^2 + 1) - 1
        (a + a * a / (1.0 + (a * a + 1.0).sqrt())).ln_1p().copysign(self)
    }
    #[inline(always)]
    fn acosh(self) -> f64 {
        if self > FAR {
            return self.ln() + std::f64::consts::LN_2;
        }
        // x + sqrt(x^2 - 1) - 1, where t = x - 1 is exact near 1. Below 1 there is none.
        let t = if self < 1.0 { f64::NAN } else { self - 1.0 };
        (t + (t * (t + 2.0)).sqrt()).ln_1p()
    }
    #[inline(always)]
    fn atanh(self) -> f64 {
        let a = self.abs();
        (0.5 * (2.0 * a / (1.0 - a)).ln_1p()).copysign(self)
    }
}
/// `e^x`
#[inline(always)]
pub fn exp<A: Arch, T: Math>(x: T) -> T {
    x.exp::<A>()
}

/// `e^x` for `x <= 0`, without what only larger arguments need.
#[inline(always)]
pub fn exp_below_one<A: Arch, T: Math>(x: T) -> T {
    x.exp_below_one::<A>()
}

/// `e^x` for `x <= 0`, with 0 for all but the largest of what would be subnormal.
#[inline(always)]
pub fn exp_of_negative<A: Arch, T: Math>(x: T) -> T {
    x.exp_of_negative::<A>()
}

/// `2^x` for `x <= 0`, in the same way.
#[inline(always)]
pub fn exp2_of_negative<A: Arch, T: Math>(x: T) -> T {
    x.exp2_of_negative::<A>()
}

/// `(e^(-x^2 / 2), Phi(x))`, `Phi` the normal distribution function, exact in its left tail.
#[inline(always)]
pub fn normal<A: Arch, T: Math>(x: T) -> (T, T) {
    let (e, tail) = x.normal_tail::<A>();
    (e, if x > T::ZERO { T::ONE - tail } else { tail })
}

/// `e^x - 1`
#[inline(always)]
pub fn expm1<A: Arch, T: Math>(x: T) -> T {
    x.expm1::<A>()
}

/// `ln x`
#[inline(always)]
pub fn ln<A: Arch, T: Math>(x: T) -> T {
    x.ln::<A>()
}

/// `ln(1 + x)`
#[inline(always)]
pub fn log1p<A: Arch, T: Math>(x: T) -> T {
    x.log1p::<A>()
}

/// `tanh x`
#[inline(always)]
pub fn tanh<A: Arch, T: Math>(x: T) -> T {
    x.tanh::<A>()
}

/// The error function `2/sqrt(pi) * integral of e^(-t^2) from 0 to x`.
#[inline(always)]
pub fn erf<A: Arch, T: Math>(x: T) -> T {
    x.erf::<A>()
}

/// `sin x`
#[inline(always)]
pub fn sin<A: Arch, T: Math>(x: T) -> T {
    x.sin::<A>()
}

/// `cos x`
#[inline(always)]
pub fn cos<A: Arch, T: Math>(x: T) -> T {
    x.cos::<A>()
}

/// `1 / (1 + e^-x)`, by the exponential that cannot overflow: exact on the far left, where the plain form is 0.
#[inline(always)]
pub fn sigmoid<A: Arch, T: Math>(x: T) -> T {
    let small = exp_below_one::<A, T>(-x.abs());
    let numerator = if x < T::ZERO { small } else { T::ONE };
    numerator / (T::ONE + small)
}

/// `1 / sqrt(x)`
#[inline(always)]
pub fn rsqrt<A: Arch, T: Math>(x: T) -> T {
    T::ONE / x.sqrt()
}

/// `ln(1 + e^x)`, exact in both tails.
#[inline(always)]
pub fn softplus<A: Arch, T: Math>(x: T) -> T {
    let positive = if x > T::ZERO { x } else { T::ZERO };
    positive + log1p::<A, T>(exp_below_one::<A, T>(-x.abs()))
}

/// `ln(1 / (1 + e^-x))`, exact in both tails.
#[inline(always)]
pub fn log_sigmoid<A: Arch, T: Math>(x: T) -> T {
    let negative = if x < T::ZERO { x } else { T::ZERO };
    negative - log1p::<A, T>(exp_below_one::<A, T>(-x.abs()))
}
