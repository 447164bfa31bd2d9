//! Functions of one argument: activations, elementary functions, arithmetic with constants.

use std::f64::consts::{FRAC_2_PI, FRAC_2_SQRT_PI, FRAC_PI_2, FRAC_PI_4, LN_2, LN_10};

use super::binary::zip;
use super::{gated, grain};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};

/// A function of one argument `x`; derivatives at kinks are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary<T> {
    /// `-x`
    Neg,
    /// `|x|`; its derivative at 0 is 0.
    Abs,
    /// -1, 0 or 1.
    Sign,
    /// `x^2`
    Square,
    /// The square root.
    Sqrt,
    /// `1 / sqrt(x)`
    Rsqrt,
    /// `1 / x`
    Recip,
    /// `e^x`
    Exp,
    /// `2^x`
    Exp2,
    /// `e^x - 1`, exact near 0.
    Expm1,
    /// The natural logarithm.
    Ln,
    /// `ln(1 + x)`, exact near 0.
    Log1p,
    /// The logarithm to base 2.
    Log2,
    /// The logarithm to base 10.
    Log10,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// The tangent.
    Tan,
    /// The inverse tangent.
    Atan,
    /// The inverse sine; NaN outside of `[-1, 1]`.
    Asin,
    /// The inverse cosine; NaN outside of `[-1, 1]`.
    Acos,
    /// The inverse hyperbolic sine.
    Asinh,
    /// The inverse hyperbolic cosine; NaN below 1.
    Acosh,
    /// The inverse hyperbolic tangent; NaN outside of `[-1, 1]`.
    Atanh,
    /// The hyperbolic sine.
    Sinh,
    /// The hyperbolic cosine.
    Cosh,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    Erf,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// `ln(1 / (1 + e^-x))`
    LogSigmoid,
    /// `ln(1 + e^(beta x)) / beta`, and `x` itself where `beta x > threshold`.
    Softplus {
        /// Sharpness of the bend.
        beta: T,
        /// Where the function becomes the identity.
        threshold: T,
    },
    /// `max(x, 0)`; its derivative at 0 is 0.
    Relu,
    /// `x`, times this slope where `x` is not positive.
    LeakyRelu(T),
    /// `x`, and `alpha (e^x - 1)` where `x` is not positive.
    Elu(T),
    /// `1.0507 elu(x)` with `alpha = 1.6733` (Klambauer et al. 2017).
    Selu,
    /// `x Phi(x)` with the normal distribution function `Phi` (Hendrycks and Gimpel 2016).
    GeluErf,
    /// The same with `Phi` approximated: `x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`.
    GeluTanh,
    /// `x sigmoid(x)`
    Silu,
    /// `x tanh(softplus(x))` (Misra 2019).
    Mish,
    /// `x relu6(x + 3) / 6`
    Hardswish,
    /// `x / (1 + |x|)`
    Softsign,
    /// `x` kept between two bounds (low, high); its derivative on them is 0, and 1 for NaN.
    Hardtanh(T, T),
    /// `relu6(x + 3) / 6`; its derivative is 0 at both bends.
    Hardsigmoid,
    /// `x`, and `alpha (e^(x / alpha) - 1)` where `x` is not positive.
    Celu(T),
    /// `x` where it exceeds the first number, elsewhere the second, whose derivative is 0.
    Threshold(T, T),
    /// `x` moved by this much toward 0, which it does not pass.
    Softshrink(T),
    /// `x`, and 0 where `|x|` is not above this.
    Hardshrink(T),
    /// `x - tanh x`
    Tanhshrink,
    /// `erf(scale x)`
    ScaledErf(T),
    /// `(2/pi) gd(pi/2 x)`, where `gd(u) = 2 atan(tanh(u/2))`.
    Gudermannian,
    /// `x / sqrt(1 + x^2)`
    AlgebraicSigmoid,
    /// `(2/pi) atan(pi/2 x)`
    ArctangentSigmoid,
    /// The largest integer that is not larger; its derivative is 0, like those of the other roundings.
    Floor,
    /// The smallest integer that is not smaller.
    Ceil,
    /// The nearest integer, halves to even.
    Round,
    /// The integer part.
    Trunc,
    /// `x + s`
    AddScalar(T),
    /// `x * s`
    MulScalar(T),
    /// x / s, correctly rounded (a multiplication by 1 / s is not).
    DivScalar(T),
    /// `s - x`
    ScalarSub(T),
    /// `s / x`
    ScalarDiv(T),
    /// `x^s`
    PowScalar(T),
    /// `x` kept between two bounds (low, high); its derivative on them is 0, as PyTorch has it.
    Clamp(T, T),
    /// `scale x + shift`
    Affine {
        /// The factor.
        scale: T,
        /// The summand.
        shift: T,
    },
}

/// What the derivative of a [`Unary`] function is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Neither: the derivative is constant.
    Nothing,
    /// `x`
    Input,
    /// `op(x)`
    Output,
}

const SELU_ALPHA: f64 = 1.6732632423543772;
const SELU_SCALE: f64 = 1.0507009873554805;

impl<T> Unary<T> {
    /// The name used in messages and recordings.
    pub fn name(&self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Square => "square",
            Unary::Sqrt => "sqrt",
            Unary::Rsqrt => "rsqrt",
            Unary::Recip => "recip",
            Unary::Exp => "exp",
            Unary::Exp2 => "exp2",
            Unary::Expm1 => "expm1",
            Unary::Ln => "ln",
            Unary::Log1p => "log1p",
            Unary::Log2 => "log2",
            Unary::Log10 => "log10",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tan => "tan",
            Unary::Atan => "atan",
            Unary::Asin => "asin",
            Unary::Acos => "acos",
            Unary::Asinh => "asinh",
            Unary::Acosh => "acosh",
            Unary::Atanh => "atanh",
            Unary::Sinh => "sinh",
            Unary::Cosh => "cosh",
            Unary::Tanh => "tanh",
            Unary::Erf => "erf",
            Unary::Sigmoid => "sigmoid",
            Unary::LogSigmoid => "log_sigmoid",
            Unary::Softplus { .. } => "softplus",
            Unary::Relu => "relu",
            Unary::LeakyRelu(_) => "leaky_relu",
            Unary::Elu(_) => "elu",
            Unary::Selu => "selu",
            Unary::GeluErf => "gelu",
            Unary::GeluTanh => "gelu_tanh",
            Unary::Silu => "silu",
            Unary::Mish => "mish",
            Unary::Hardswish => "hardswish",
            Unary::Softsign => "softsign",
            Unary::Hardtanh(..) => "hardtanh",
            Unary::Hardsigmoid => "hardsigmoid",
            Unary::Celu(_) => "celu",
            Unary::Threshold(..) => "threshold",
            Unary::Softshrink(_) => "softshrink",
            Unary::Hardshrink(_) => "hardshrink",
            Unary::Tanhshrink => "tanhshrink",
            Unary::ScaledErf(_) => "erf_sigmoid",
            Unary::Gudermannian => "gudermannian",
            Unary::AlgebraicSigmoid => "algebraic_sigmoid",
            Unary::ArctangentSigmoid => "arctangent_sigmoid",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Round => "round",
            Unary::Trunc => "trunc",
            Unary::AddScalar(_) => "add_scalar",
            Unary::MulScalar(_) => "mul_scalar",
            Unary::DivScalar(_) => "div_scalar",
            Unary::ScalarSub(_) => "scalar_sub",
            Unary::ScalarDiv(_) => "scalar_div",
            Unary::PowScalar(_) => "pow_scalar",
            Unary::Clamp(..) => "clamp",
            Unary::Affine { .. } => "affine",
        }
    }

    /// What [`unary_backward`](super::Elementwise::unary_backward) needs.
    pub fn saves(&self) -> Saved {
        match self {
            Unary::Neg
            | Unary::Sign
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::Trunc
            | Unary::AddScalar(_)
            | Unary::MulScalar(_)
            | Unary::DivScalar(_)
            | Unary::ScalarSub(_)
            | Unary::Affine { .. } => Saved::Nothing,
            Unary::Sqrt
            | Unary::Rsqrt
            | Unary::Recip
            | Unary::Exp
            | Unary::Exp2
            | Unary::Expm1
            | Unary::Tan
            | Unary::Tanh
            | Unary::Sigmoid
            | Unary::Relu => Saved::Output,
            _ => Saved::Input,
        }
    }

    /// Whether [`unary_with_slope`](super::Elementwise::unary_with_slope) has the derivative nearly for free.
    pub fn has_cheap_slope(&self) -> bool {
        matches!(self, Unary::GeluErf | Unary::GeluTanh | Unary::Silu | Unary::Mish)
    }

    pub(super) fn grain(&self) -> usize {
        grain(matches!(
            self,
            Unary::Neg
                | Unary::Abs
                | Unary::Sign
                | Unary::Square
                | Unary::Relu
                | Unary::LeakyRelu(_)
                | Unary::Hardswish
                | Unary::Hardtanh(..)
                | Unary::Hardsigmoid
                | Unary::Threshold(..)
                | Unary::Softshrink(_)
                | Unary::Hardshrink(_)
                | Unary::Softsign
                | Unary::Floor
                | Unary::Ceil
                | Unary::Round
                | Unary::Trunc
                | Unary::AddScalar(_)
                | Unary::MulScalar(_)
                | Unary::DivScalar(_)
                | Unary::ScalarSub(_)
                | Unary::Clamp(..)
                | Unary::Affine { .. }
        ))
    }
}

/// `out = op(x)`, slices of one length.
pub(super) fn forward<T: Math>(op: Unary<T>, x: &[T], out: &mut [T]) {
    dispatch(Forward { op, x, out });
}

/// `dx = dy * op'`, slices of one length.
pub(super) fn backward<T: Math>(op: Unary<T>, saved: &[T], dy: &[T], dx: &mut [T]) {
    dispatch(Backward { op, saved, dy, dx });
}

struct Forward<'a, T> {
    op: Unary<T>,
    x: &'a [T],
    out: &'a mut [T],
}

impl<T: Math> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { op, x, out } = self;
        let c = T::from_f64;
        match op {
            Unary::Neg => map(x, out, |x| -x),
            Unary::Abs => map(x, out, T::abs),
            Unary::Sign => map(x, out, sign),
            Unary::Square => map(x, out, |x| x * x),
            Unary::Sqrt => map(x, out, T::sqrt),
            Unary::Rsqrt => map(x, out, math::rsqrt::<A, T>),
            Unary::Recip => map(x, out, |x| T::ONE / x),
            Unary::Exp => map(x, out, math::exp::<A, T>),
            Unary::Exp2 => map(x, out, T::exp2::<A>),
            Unary::Expm1 => map(x, out, math::expm1::<A, T>),
            Unary::Ln => map(x, out, math::ln::<A, T>),
            Unary::Log1p => map(x, out, math::log1p::<A, T>),
            Unary::Log2 => map(x, out, T::log2::<A>),
            Unary::Log10 => map(x, out, T::log10::<A>),
            Unary::Sin => {
                map(x, out, math::sin::<A, T>);
                patch(x, out, |x| x.sin_cos_far().0);
            }
            Unary::Cos => {
                map(x, out, math::cos::<A, T>);
                patch(x, out, |x| x.sin_cos_far().1);
            }
            Unary::Tan => map(x, out, T::tan),
            Unary::Atan => map(x, out, T::atan::<A>),
            Unary::Asin => map(x, out, T::asin),
            Unary::Acos => map(x, out, T::acos),
            Unary::Asinh => map(x, out, T::asinh),
            Unary::Acosh => map(x, out, T::acosh),
            Unary::Atanh => map(x, out, T::atanh),
            Unary::Sinh => map(x, out, T::sinh::<A>),
            Unary::Cosh => map(x, out, T::cosh::<A>),
            Unary::Tanh => map(x, out, math::tanh::<A, T>),
            Unary::Erf => map(x, out, math::erf::<A, T>),
            Unary::Sigmoid => map(x, out, math::sigmoid::<A, T>),
            Unary::LogSigmoid => map(x, out, math::log_sigmoid::<A, T>),
            Unary::Softplus { beta, threshold } => map(x, out, |x| {
                let scaled = beta * x;
                let soft = math::softplus::<A, T>(scaled) / beta;
                if scaled > threshold { x } else { soft }
            }),
            Unary::Relu => map(x, out, |x| if x <= T::ZERO { T::ZERO } else { x }),
            Unary::LeakyRelu(slope) => map(x, out, |x| if x > T::ZERO { x } else { x * slope }),
            Unary::Elu(alpha) => map(x, out, |x| elu::<A, T>(x, alpha)),
            Unary::Selu => map(x, out, |x| c(SELU_SCALE) * elu::<A, T>(x, c(SELU_ALPHA))),
            Unary::GeluErf => map(x, out, |x| gated::gelu_erf::<A, T>(x).0),
            Unary::GeluTanh => map(x, out, |x| gated::gelu_tanh::<A, T>(x).0),
            Unary::Silu => map(x, out, |x| gated::silu::<A, T>(x).0),
            Unary::Mish => map(x, out, |x| gated::mish::<A, T>(x).0),
            Unary::Hardswish => map(x, out, |x| x * clamp(x + c(3.0), T::ZERO, c(6.0)) * c(1.0 / 6.0)),
            Unary::Softsign => map(x, out, |x| x / (T::ONE + x.abs())),
            Unary::Hardtanh(low, high) => map(x, out, |x| clamp(x, low, high)),
            Unary::Hardsigmoid => map(x, out, |x| clamp(x + c(3.0), T::ZERO, c(6.0)) / c(6.0)),
            Unary::Celu(alpha) => {
                let inverse = T::ONE / alpha;
                map(x, out, |x| {
                    let bend = alpha * math::expm1::<A, T>(x * inverse);
                    if x > T::ZERO { x } else { bend }
                });
            }
            Unary::Threshold(threshold, value) => map(x, out, |x| if x <= threshold { value } else { x }),
            Unary::Softshrink(margin) => map(x, out, |x| {
                let inside = if x.is_nan() { x } else { T::ZERO };
                let below = if x < -margin { x + margin } else { inside };
                if x > margin { x - margin } else { below }
            }),
            Unary::Hardshrink(margin) => {
                map(x, out, |x| if x >= -margin && x <= margin { T::ZERO } else { x });
            }
            Unary::Tanhshrink => map(x, out, |x| x - math::tanh::<A, T>(x)),
            Unary::ScaledErf(scale) => map(x, out, |x| math::erf::<A, T>(scale * x)),
            Unary::Gudermannian => {
                map(x, out, |x| c(2.0 * FRAC_2_PI) * math::tanh::<A, T>(c(FRAC_PI_4) * x).atan::<A>());
            }
            Unary::AlgebraicSigmoid => map(x, out, |x| {
                let (root, far) = algebraic(x);
                if far { root.copysign(x) } else { x * root }
            }),
            Unary::ArctangentSigmoid => map(x, out, |x| c(FRAC_2_PI) * (c(FRAC_PI_2) * x).atan::<A>()),
            Unary::Floor => map(x, out, T::floor),
            Unary::Ceil => map(x, out, T::ceil),
            Unary::Round => map(x, out, T::round_ties_even),
            Unary::Trunc => map(x, out, T::trunc),
            Unary::AddScalar(s) => map(x, out, |x| x + s),
            Unary::MulScalar(s) => map(x, out, |x| x * s),
            Unary::DivScalar(s) => map(x, out, |x| x / s),
            Unary::ScalarSub(s) => map(x, out, |x| s - x),
            Unary::ScalarDiv(s) => map(x, out, |x| s / x),
            Unary::PowScalar(s) => power::<A, T>(x, out, s),
            Unary::Clamp(low, high) => map(x, out, |x| clamp(x, low, high)),
            Unary::Affine { scale, shift } => map(x, out, |x| A::fma(scale, x, shift)),
        }
    }
}

struct Backward<'a, T> {
    op: Unary<T>,
    /// The input or the output, as [`Unary::saves`] says.
    saved: &'a [T],
    dy: &'a [T],
    dx: &'a mut [T],
}

impl<T: Math> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { op, saved, dy, dx } = self;
        let c = T::from_f64;
        let (zero, one) = (T::ZERO, T::ONE);
        // In these closures `x` is the saved input, `y` the saved output, `d` the gradient that arrives.
        match op {
            Unary::Neg | Unary::ScalarSub(_) => map(dy, dx, |d| -d),
            Unary::AddScalar(_) => dx.copy_from_slice(dy),
            Unary::MulScalar(scale) | Unary::Affine { scale, .. } => map(dy, dx, |d| d * scale),
            Unary::DivScalar(s) => map(dy, dx, |d| d / s),
            Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc => dx.fill(zero),

            Unary::Sqrt => zip(saved, dy, dx, |y, d| d / (T::TWO * y)),
            Unary::Rsqrt => zip(saved, dy, dx, |y, d| -T::HALF * d * (y * y * y)),
            Unary::Recip => zip(saved, dy, dx, |y, d| -d * (y * y)),
            Unary::Exp => zip(saved, dy, dx, |y, d| d * y),
            Unary::Exp2 => zip(saved, dy, dx, |y, d| d * y * c(LN_2)),
            Unary::Expm1 => zip(saved, dy, dx, |y, d| d * (y + one)),
            Unary::Tan => zip(saved, dy, dx, |y, d| d * (one + y * y)),
            Unary::Tanh => zip(saved, dy, dx, |y, d| d * (one - y * y)),
            Unary::Sigmoid => zip(saved, dy, dx, |y, d| d * ((one - y) * y)),
            Unary::Relu => zip(saved, dy, dx, |y, d| if y <= zero { zero } else { d }),

            Unary::Abs => zip(saved, dy, dx, |x, d| d * sign(x)),
            Unary::Square => zip(saved, dy, dx, |x, d| d * (T::TWO * x)),
            Unary::Ln => zip(saved, dy, dx, |x, d| d / x),
            Unary::Log1p => zip(saved, dy, dx, |x, d| d / (x + one)),
            Unary::Log2 => zip(saved, dy, dx, |x, d| d / (x * c(LN_2))),
            Unary::Log10 => zip(saved, dy, dx, |x, d| d / (x * c(LN_10))),
            Unary::Sin => {
                map(saved, dx, math::cos::<A, T>);
                patch(saved, dx, |x| x.sin_cos_far().1);
                dx.iter_mut().zip(dy).for_each(|(dx, d)| *dx *= *d);
            }
            Unary::Cos => {
                map(saved, dx, math::sin::<A, T>);
                patch(saved, dx, |x| x.sin_cos_far().0);
                dx.iter_mut().zip(dy).for_each(|(dx, d)| *dx *= -*d);
            }
            Unary::Atan => zip(saved, dy, dx, |x, d| d / (one + x * x)),
            // (1 - x) (1 + x) loses nothing near 1, where 1 - x^2 does.
            Unary::Asin => zip(saved, dy, dx, |x, d| d / ((one - x) * (one + x)).sqrt()),
            Unary::Acos => zip(saved, dy, dx, |x, d| -d / ((one - x) * (one + x)).sqrt()),
            Unary::Asinh => zip(saved, dy, dx, |x, d| d / (x * x + one).sqrt()),
            Unary::Acosh => zip(saved, dy, dx, |x, d| d / ((x - one) * (x + one)).sqrt()),
            Unary::Atanh => zip(saved, dy, dx, |x, d| d / ((one - x) * (one + x))),
            Unary::Sinh => zip(saved, dy, dx, |x, d| d * x.cosh::<A>()),
            Unary::Cosh => zip(saved, dy, dx, |x, d| d * x.sinh::<A>()),
            Unary::Erf => {
                zip(saved, dy, dx, |x, d| d * (c(FRAC_2_SQRT_PI) * math::exp_below_one::<A, T>(-x * x)));
            }
            Unary::LogSigmoid => zip(saved, dy, dx, |x, d| d * math::sigmoid::<A, T>(-x)),
            Unary::Softplus { beta, threshold } => zip(saved, dy, dx, |x, d| {
                let slope = d * math::sigmoid::<A, T>(beta * x);
                if beta * x > threshold { d } else { slope }
            }),
            Unary::LeakyRelu(slope) => zip(saved, dy, dx, |x, d| if x > zero { d } else { d * slope }),
            Unary::Elu(alpha) => zip(saved, dy, dx, |x, d| {
                let slope = alpha * math::exp::<A, T>(x);
                if x <= zero { d * slope } else { d }
            }),
            Unary::Selu => zip(saved, dy, dx, |x, d| {
                let slope = c(SELU_ALPHA * SELU_SCALE) * math::exp::<A, T>(x);
                d * if x <= zero { slope } else { c(SELU_SCALE) }
            }),
            Unary::GeluErf => zip(saved, dy, dx, |x, d| d * gated::gelu_erf::<A, T>(x).1),
            Unary::GeluTanh => zip(saved, dy, dx, |x, d| d * gated::gelu_tanh::<A, T>(x).1),
            Unary::Silu => zip(saved, dy, dx, |x, d| d * gated::silu::<A, T>(x).1),
            Unary::Mish => zip(saved, dy, dx, |x, d| d * gated::mish::<A, T>(x).1),
            Unary::Hardswish => zip(saved, dy, dx, |x, d| {
                let bend = A::fma(x, c(1.0 / 3.0), T::HALF);
                let slope = if x < c(3.0) { bend } else { one };
                if x <= c(-3.0) { zero } else { d * slope }
            }),
            Unary::Softsign => zip(saved, dy, dx, |x, d| {
                let q = one + x.abs();
                d / (q * q)
            }),
            Unary::Hardtanh(low, high) => {
                zip(saved, dy, dx, |x, d| if x <= low || x >= high { zero } else { d });
            }
            Unary::Hardsigmoid => {
                zip(saved, dy, dx, |x, d| if x > c(-3.0) && x < c(3.0) { d * c(1.0 / 6.0) } else { zero });
            }
            Unary::Celu(alpha) => {
                let inverse = one / alpha;
                zip(saved, dy, dx, |x, d| {
                    let slope = math::exp::<A, T>(x * inverse);
                    if x <= zero { d * slope } else { d }
                });
            }
            Unary::Threshold(threshold, _) => {
                zip(saved, dy, dx, |x, d| if x <= threshold { zero } else { d });
            }
            Unary::Softshrink(margin) | Unary::Hardshrink(margin) => {
                zip(saved, dy, dx, |x, d| if x >= -margin && x <= margin { zero } else { d });
            }
            Unary::Tanhshrink => zip(saved, dy, dx, |x, d| {
                let t = math::tanh::<A, T>(x);
                d * (t * t)
            }),
            Unary::ScaledErf(scale) => zip(saved, dy, dx, |x, d| {
                let u = scale * x;
                d * (scale * c(FRAC_2_SQRT_PI) * math::exp_below_one::<A, T>(-u * u))
            }),
            Unary::Gudermannian => zip(saved, dy, dx, |x, d| {
                let e = math::exp_below_one::<A, T>(-(c(FRAC_PI_2) * x).abs());
                d * (T::TWO * e / A::fma(e, e, one))
            }),
            Unary::AlgebraicSigmoid => zip(saved, dy, dx, |x, d| {
                let (root, far) = algebraic(x);
                let root = if far { root / x.abs() } else { root };
                d * (root * root * root)
            }),
            Unary::ArctangentSigmoid => zip(saved, dy, dx, |x, d| {
                let u = c(FRAC_PI_2) * x;
                d / A::fma(u, u, one)
            }),
            Unary::ScalarDiv(s) => zip(saved, dy, dx, |x, d| -d * ((s / x) / x)),
            Unary::PowScalar(s) => power_backward::<A, T>(saved, dy, dx, s),
            Unary::Clamp(low, high) => {
                // An infinite bound is none, so that infinity does not lie on it.
                let (no_low, no_high) = (low == -T::INFINITY, high == T::INFINITY);
                let between = |x: T| (x > low || no_low) && (x < high || no_high);
                zip(saved, dy, dx, |x, d| if between(x) { d } else { zero });
            }
        }
    }
}

/// `x^s`, without the general power where arithmetic gives the same.
#[inline(always)]
fn power<A: Arch, T: Math>(x: &[T], out: &mut [T], s: T) {
    match s.to_f64() {
        0.0 => out.fill(T::ONE),
        0.5 => map(x, out, T::sqrt),
        1.0 => out.copy_from_slice(x),
        2.0 => map(x, out, |x| x * x),
        3.0 => map(x, out, |x| x * x * x),
        -1.0 => map(x, out, |x| T::ONE / x),
        -0.5 => map(x, out, |x| T::ONE / x.sqrt()),
        _ => map(x, out, |x| x.powf::<A>(s)),
    }
}

/// `dy s x^(s - 1)`, and 0 everywhere for `s = 0`.
#[inline(always)]
fn power_backward<A: Arch, T: Math>(x: &[T], dy: &[T], dx: &mut [T], s: T) {
    match s.to_f64() {
        0.0 => dx.fill(T::ZERO),
        0.5 => zip(x, dy, dx, |x, d| d * (s / x.sqrt())),
        1.0 => dx.copy_from_slice(dy),
        2.0 => zip(x, dy, dx, |x, d| d * (T::TWO * x)),
        3.0 => zip(x, dy, dx, |x, d| d * (s * (x * x))),
        _ => zip(x, dy, dx, |x, d| d * (s * x.powf::<A>(s - T::ONE))),
    }
}

#[inline(always)]
fn sign<T: Math>(x: T) -> T {
    let unit = if x < T::ZERO { -T::ONE } else { T::ZERO };
    if x > T::ZERO { T::ONE } else { unit }
}

/// NaN stays NaN; the upper bound wins where the bounds cross.
#[inline(always)]
fn clamp<T: Math>(x: T, low: T, high: T) -> T {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[inline(always)]
fn elu<A: Arch, T: Math>(x: T, alpha: T) -> T {
    let bend = alpha * math::expm1::<A, T>(x);
    if x > T::ZERO { x } else { bend }
}

/// `1 / sqrt(1 + t^2)` of `t = x` near 0, and `t = 1 / x` far out (and whether that was far), where the square of `x` would
/// overflow: `x` over the root is then the first with the sign of `x`.
#[inline(always)]
fn algebraic<T: Math>(x: T) -> (T, bool) {
    let far = x.abs() > T::ONE;
    let t = if far { T::ONE / x } else { x };
    (T::ONE / (T::ONE + t * t).sqrt(), far)
}

#[inline(always)]
fn map<T: Copy>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = f(*x);
    }
}

/// Recomputes what lies beyond the range of the vectorised sine and cosine: rare, so found first in one quick pass.
#[inline(always)]
fn patch<T: Math>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    let mut far = false;
    for x in x {
        far |= x.abs() > T::SIN_RANGE;
    }
    if far {
        for (out, x) in out.iter_mut().zip(x) {
            if x.abs() > T::SIN_RANGE {
                *out = f(*x);
            }
        }
    }
}
