//! Functions of two arguments.

use super::grain;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};

/// A function of two arguments `x` and `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `x + y`
    Add,
    /// `x - y`
    Sub,
    /// `x * y`
    Mul,
    /// `x / y`
    Div,
    /// `x^y`
    Pow,
    /// `x / y` rounded down; its derivative is 0.
    FloorDivide,
    /// `x - y floor(x / y)`, exactly: what the division rounded down leaves, with the sign of `y`.
    Remainder,
    /// `x - y trunc(x / y)`, exactly: what the division rounded toward 0 leaves, with the sign of `x`.
    Fmod,
    /// The larger; NaN if either is NaN. Where both are equal, each gets half of the gradient.
    Maximum,
    /// The smaller; NaN if either is NaN. Where both are equal, each gets half of the gradient.
    Minimum,
    /// The angle of the point `(y, x)`: `atan(x / y)` in the right quadrant.
    Atan2,
    /// `x` where it is positive, `y x` elsewhere: a leaky ReLU whose slope is learned (He et al. 2015).
    Prelu,
    /// `(x - y)^2`
    SquaredError,
    /// Binary cross-entropy of a logit `x` and a target probability `y`: `max(x, 0) - x y + ln(1 + e^-|x|)`.
    BceWithLogits,
    /// Binary cross-entropy of a probability `x` and a target probability `y`: `-(y ln x + (1 - y) ln(1 - x))` with
    /// the logarithms kept above -100, as in PyTorch.
    Bce,
}

/// An argument of a [`Binary`] function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `x`
    Left,
    /// `y`
    Right,
}

impl Binary {
    /// The name used in messages and recordings.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
            Binary::FloorDivide => "floor_divide",
            Binary::Remainder => "remainder",
            Binary::Fmod => "fmod",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
            Binary::Atan2 => "atan2",
            Binary::Prelu => "prelu",
            Binary::SquaredError => "squared_error",
            Binary::BceWithLogits => "bce_with_logits",
            Binary::Bce => "bce",
        }
    }

    pub(super) fn grain(self) -> usize {
        let dear = matches!(
            self,
            Binary::Pow
                | Binary::FloorDivide
                | Binary::Remainder
                | Binary::Fmod
                | Binary::Atan2
                | Binary::BceWithLogits
                | Binary::Bce
        );
        grain(!dear)
    }
}

/// `out = op(x, y)`, slices of one length.
pub(super) fn forward<T: Math>(op: Binary, x: &[T], y: &[T], out: &mut [T]) {
    dispatch(Forward { op, x, y, out });
}

/// `dx = dout * d op / d side`, slices of one length.
pub(super) fn backward<T: Math>(op: Binary, side: Side, x: &[T], y: &[T], dout: &[T], dx: &mut [T]) {
    dispatch(Backward { op, side, x, y, dout, dx });
}

/// `out = y + alpha x`, slices of one length.
pub(super) fn axpy<T: Math>(alpha: T, x: &[T], y: &[T], out: &mut [T]) {
    dispatch(Axpy { alpha, x, y, out });
}

struct Forward<'a, T> {
    op: Binary,
    x: &'a [T],
    y: &'a [T],
    out: &'a mut [T],
}

impl<T: Math> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { op, x, y, out } = self;
        match op {
            Binary::Add => zip(x, y, out, |x, y| x + y),
            Binary::Sub => zip(x, y, out, |x, y| x - y),
            Binary::Mul => zip(x, y, out, |x, y| x * y),
            Binary::Div => zip(x, y, out, |x, y| x / y),
            Binary::Pow => zip(x, y, out, T::powf::<A>),
            Binary::FloorDivide => zip(x, y, out, floor_divide),
            Binary::Remainder => zip(x, y, out, remainder),
            Binary::Fmod => zip(x, y, out, |x, y| x % y),
            Binary::Maximum => zip(x, y, out, |x, y| if x > y || x.is_nan() { x } else { y }),
            Binary::Minimum => zip(x, y, out, |x, y| if x < y || x.is_nan() { x } else { y }),
            Binary::Atan2 => zip(x, y, out, T::atan2),
            Binary::Prelu => zip(x, y, out, |x, y| if x > T::ZERO { x } else { y * x }),
            Binary::SquaredError => zip(x, y, out, |x, y| (x - y) * (x - y)),
            Binary::BceWithLogits => zip(x, y, out, |x, y| {
                let positive = if x < T::ZERO { T::ZERO } else { x };
                positive - x * y + math::log1p::<A, T>(math::exp_below_one::<A, T>(-x.abs()))
            }),
            Binary::Bce => zip(x, y, out, |x, y| {
                let (yes, no) = clamped_logs::<A, T>(x);
                (y - T::ONE) * no - y * yes
            }),
        }
    }
}

/// Whether a division that left `rest` was rounded up when it was rounded toward 0.
#[inline(always)]
fn rounded_up<T: Math>(rest: T, divisor: T) -> bool {
    rest != T::ZERO && (rest < T::ZERO) != (divisor < T::ZERO)
}

#[inline(always)]
fn remainder<T: Math>(x: T, y: T) -> T {
    let rest = x % y;
    if rounded_up(rest, y) { rest + y } else { rest }
}

/// From the exact rest, so that a quotient just below an integer is not rounded up to it; PyTorch's steps, zeros and
/// infinities included.
#[inline(always)]
fn floor_divide<T: Math>(x: T, y: T) -> T {
    if y == T::ZERO {
        return x / y;
    }
    let rest = x % y;
    let quotient = (x - rest) / y;
    let quotient = if rounded_up(rest, y) { quotient - T::ONE } else { quotient };
    if quotient == T::ZERO {
        return T::ZERO.copysign(x / y);
    }
    let below = quotient.floor();
    if quotient - below > T::HALF { below + T::ONE } else { below }
}

/// `ln p` and `ln(1 - p)`, not below -100.
#[inline(always)]
fn clamped_logs<A: Arch, T: Math>(p: T) -> (T, T) {
    let floor = T::from_f64(-100.0);
    let clamp = |ln: T| if ln < floor { floor } else { ln };
    (clamp(math::ln::<A, T>(p)), clamp(math::log1p::<A, T>(-p)))
}

struct Backward<'a, T> {
    op: Binary,
    side: Side,
    x: &'a [T],
    y: &'a [T],
    dout: &'a [T],
    dx: &'a mut [T],
}

impl<T: Math> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { op, side, x, y, dout, dx } = self;
        let half = T::HALF;
        match (op, side) {
            (Binary::FloorDivide, _) => dx.fill(T::ZERO),
            (Binary::Remainder, Side::Right) => zip3(x, y, dout, dx, |x, y, d| -d * floor_divide(x, y)),
            (Binary::Fmod, Side::Right) => zip3(x, y, dout, dx, |x, y, d| -d * (x / y).trunc()),
            (Binary::Add, _) | (Binary::Sub | Binary::Remainder | Binary::Fmod, Side::Left) => {
                dx.copy_from_slice(dout);
            }
            (Binary::Sub, Side::Right) => zip(dout, dout, dx, |d, _| -d),
            (Binary::Mul, Side::Left) => zip(y, dout, dx, |y, d| y * d),
            (Binary::Mul, Side::Right) => zip(x, dout, dx, |x, d| x * d),
            (Binary::Div, Side::Left) => zip(y, dout, dx, |y, d| d / y),
            (Binary::Div, Side::Right) => zip3(x, y, dout, dx, |x, y, d| -d * ((x / y) / y)),
            (Binary::Pow, Side::Left) => {
                zip3(x, y, dout, dx, |x, y, d| {
                    let slope = y * x.powf::<A>(y - T::ONE);
                    if y == T::ZERO { T::ZERO } else { d * slope }
                });
            }
            (Binary::Pow, Side::Right) => zip3(x, y, dout, dx, |x, y, d| {
                let slope = x.powf::<A>(y) * math::ln::<A, T>(x);
                if x == T::ZERO && y >= T::ZERO { T::ZERO } else { d * slope }
            }),
            (Binary::Maximum, Side::Left) | (Binary::Minimum, Side::Right) => {
                zip3(x, y, dout, dx, |x, y, d| {
                    let share = if x == y { half } else { T::ONE };
                    if x < y { T::ZERO } else { d * share }
                });
            }
            (Binary::Maximum, Side::Right) | (Binary::Minimum, Side::Left) => {
                zip3(x, y, dout, dx, |x, y, d| {
                    let share = if x == y { half } else { T::ONE };
                    if x > y { T::ZERO } else { d * share }
                });
            }
            (Binary::Atan2, Side::Left) => zip3(x, y, dout, dx, |x, y, d| d * over_square(y, x, y)),
            (Binary::Atan2, Side::Right) => zip3(x, y, dout, dx, |x, y, d| d * over_square(-x, x, y)),
            (Binary::Prelu, Side::Left) => {
                zip3(x, y, dout, dx, |x, y, d| if x > T::ZERO { d } else { d * y });
            }
            (Binary::Prelu, Side::Right) => {
                zip(x, dout, dx, |x, d| if x > T::ZERO { T::ZERO } else { d * x });
            }
            (Binary::SquaredError, Side::Left) => zip3(x, y, dout, dx, |x, y, d| d * (T::TWO * (x - y))),
            (Binary::SquaredError, Side::Right) => zip3(x, y, dout, dx, |x, y, d| d * (T::TWO * (y - x))),
            (Binary::BceWithLogits, Side::Left) => {
                zip3(x, y, dout, dx, |x, y, d| d * (math::sigmoid::<A, T>(x) - y));
            }
            (Binary::BceWithLogits, Side::Right) => zip(x, dout, dx, |x, d| -d * x),
            (Binary::Bce, Side::Left) => zip3(x, y, dout, dx, |x, y, d| {
                // PyTorch keeps this bound in single precision for both.
                let (variance, least) = (x * (T::ONE - x), T::from_f64(1e-12f32 as f64));
                d * (x - y) / if variance < least { least } else { variance }
            }),
            (Binary::Bce, Side::Right) => zip(x, dout, dx, |x, d| {
                let (yes, no) = clamped_logs::<A, T>(x);
                d * (no - yes)
            }),
        }
    }
}

/// `a / (x^2 + y^2)`, and 0 at the origin.
#[inline(always)]
fn over_square<T: Math>(a: T, x: T, y: T) -> T {
    let square = x * x + y * y;
    if square == T::ZERO { T::ZERO } else { a / square }
}

struct Axpy<'a, T> {
    alpha: T,
    x: &'a [T],
    y: &'a [T],
    out: &'a mut [T],
}

impl<T: Math> Kernel for Axpy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        zip(self.x, self.y, self.out, |x, y| A::fma(self.alpha, x, y));
    }
}

#[inline(always)]
pub(super) fn zip<T: Copy>(x: &[T], y: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        *out = f(*x, *y);
    }
}

#[inline(always)]
pub(super) fn zip3<T: Copy>(x: &[T], y: &[T], z: &[T], out: &mut [T], f: impl Fn(T, T, T) -> T) {
    for (((out, x), y), z) in out.iter_mut().zip(x).zip(y).zip(z) {
        *out = f(*x, *y, *z);
    }
}
