//! Elementary functions written so that a loop over them becomes vector instructions.

use crate::buffer::Plain;
use crate::isa::Arch;
use crate::real::Real;

/// Real numbers with elementary functions.
pub trait Math: Real + Plain {
    /// `e^x`
    fn exp<A: Arch>(self) -> Self;
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
    /// `sin x`
    fn sin<A: Arch>(self) -> Self;
    /// `cos x`
    fn cos<A: Arch>(self) -> Self;
    /// `x^y`
    fn powf(self, y: Self) -> Self;
    /// `tan x`
    fn tan(self) -> Self;
    /// `atan x`
    fn atan(self) -> Self;
    /// The angle of the point `(x, self)`.
    fn atan2(self, x: Self) -> Self;
    /// `sinh x`
    fn sinh(self) -> Self;
    /// `cosh x`
    fn cosh(self) -> Self;
    /// `log2 x`
    fn log2(self) -> Self;
    /// `log10 x`
    fn log10(self) -> Self;
    /// `2^x`
    fn exp2(self) -> Self;
    /// The largest integer that is not larger.
    fn floor(self) -> Self;
    /// The smallest integer that is not smaller.
    fn ceil(self) -> Self;
    /// The integer part.
    fn trunc(self) -> Self;
    /// The nearest integer, halves to even.
    fn round_ties_even(self) -> Self;
}

macro_rules! math {
    ($t:ident) => {
        impl Math for $t {
            math!(@std $t powf(y));
            math!(@std $t atan2(y));
            math!(@std $t tan());
            math!(@std $t atan());
            math!(@std $t sinh());
            math!(@std $t cosh());
            math!(@std $t log2());
            math!(@std $t log10());
            math!(@std $t exp2());
            math!(@std $t floor());
            math!(@std $t ceil());
            math!(@std $t trunc());
            math!(@std $t round_ties_even());
            #[inline(always)]
            fn exp<A: Arch>(self) -> Self {
                $t::exp(self)
            }
            #[inline(always)]
            fn expm1<A: Arch>(self) -> Self {
                $t::exp_m1(self)
            }
            #[inline(always)]
            fn ln<A: Arch>(self) -> Self {
                $t::ln(self)
            }
            #[inline(always)]
            fn log1p<A: Arch>(self) -> Self {
                $t::ln_1p(self)
            }
            #[inline(always)]
            fn tanh<A: Arch>(self) -> Self {
                $t::tanh(self)
            }
            #[inline(always)]
            fn erf<A: Arch>(self) -> Self {
                let x = self as f64;
                let (mut term, mut sum) = (x, x);
                if x.abs() > 6.0 {
                    return 1.0f64.copysign(x) as $t;
                }
                for n in 1..200 {
                    term *= -x * x / n as f64;
                    sum += term / (2 * n + 1) as f64;
                }
                (sum * std::f64::consts::FRAC_2_SQRT_PI) as $t
            }
            #[inline(always)]
            fn sin<A: Arch>(self) -> Self {
                $t::sin(self)
            }
            #[inline(always)]
            fn cos<A: Arch>(self) -> Self {
                $t::cos(self)
            }
        }
    };
    (@std $t:ident $name:ident($($y:ident)?)) => {
        #[inline(always)]
        fn $name(self $(, $y: Self)?) -> Self {
            $t::$name(self $(, $y)?)
        }
    };
}
math!(f32);
math!(f64);

/// `e^x`
#[inline(always)]
pub fn exp<A: Arch, T: Math>(x: T) -> T {
    x.exp::<A>()
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

/// `1 / (1 + e^-x)`
#[inline(always)]
pub fn sigmoid<A: Arch, T: Math>(x: T) -> T {
    T::ONE / (T::ONE + exp::<A, T>(-x))
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
    positive + log1p::<A, T>(exp::<A, T>(-x.abs()))
}

/// `ln(1 / (1 + e^-x))`, exact in both tails.
#[inline(always)]
pub fn log_sigmoid<A: Arch, T: Math>(x: T) -> T {
    let negative = if x < T::ZERO { x } else { T::ZERO };
    negative - log1p::<A, T>(exp::<A, T>(-x.abs()))
}
