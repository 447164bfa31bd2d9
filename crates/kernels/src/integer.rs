//! Arithmetic of whole numbers by PyTorch's rules: results that do not fit wrap around, quotients are rounded down.

use std::ops::{BitAnd, BitOr, BitXor, Not};

use crate::buffer::Plain;
use crate::compare::zip;
use crate::strided::cast;
use crate::view::View;

/// A function of two whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `x + y`
    Add,
    /// `x - y`
    Sub,
    /// `x * y`
    Mul,
    /// `x / y` rounded down; `y` must not be 0.
    FloorDivide,
    /// `x - y * floor(x / y)`, which has the sign of `y`; `y` must not be 0.
    Remainder,
    /// `x - y * trunc(x / y)`, which has the sign of `x`; `y` must not be 0.
    Fmod,
    /// `x^y`; `y` must not be negative.
    Pow,
    /// The larger.
    Maximum,
    /// The smaller.
    Minimum,
    /// The bits that both have.
    And,
    /// The bits that either has.
    Or,
    /// The bits that one of them has.
    Xor,
}

impl Binary {
    /// The name used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::FloorDivide => "floor_divide",
            Binary::Remainder => "remainder",
            Binary::Fmod => "fmod",
            Binary::Pow => "pow",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
            Binary::And => "bitwise_and",
            Binary::Or => "bitwise_or",
            Binary::Xor => "bitwise_xor",
        }
    }
}

/// A function of one whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary<T> {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// Every bit turned over.
    Not,
    /// `min(max(x, low), high)`
    Clamp {
        /// The lower bound.
        low: T,
        /// The upper bound, which wins where the bounds cross.
        high: T,
    },
}

/// A whole number as the processor knows it.
pub trait Integer:
    Plain
    + Ord
    + Default
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
{
    /// 1
    const ONE: Self;
    /// `self + other`, wrapped around.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// `self - other`, wrapped around.
    #[must_use]
    fn minus(self, other: Self) -> Self;
    /// `self * other`, wrapped around.
    #[must_use]
    fn times(self, other: Self) -> Self;
    /// The quotient rounded toward 0, and what it leaves.
    fn quotient(self, other: Self) -> (Self, Self);
    /// A number that is not negative, as an exponent.
    fn exponent(self) -> u64;
}

macro_rules! integer {
    ($($t:ident),*) => { $(
        impl Integer for $t {
            const ONE: Self = 1;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn quotient(self, other: Self) -> (Self, Self) {
                (self.wrapping_div(other), self.wrapping_rem(other))
            }
            #[inline(always)]
            fn exponent(self) -> u64 {
                self as u64
            }
        }
    )* };
}
integer!(i64, i32, u8);

/// `op(x, y)` elementwise for views of one shape; `out` is row-major.
pub fn binary<T: Integer>(op: Binary, x: View<T>, y: View<T>, out: &mut [T]) {
    match op {
        Binary::Add => zip(x, y, out, T::plus),
        Binary::Sub => zip(x, y, out, T::minus),
        Binary::Mul => zip(x, y, out, T::times),
        Binary::FloorDivide => zip(x, y, out, |x, y| {
            let (quotient, rest) = x.quotient(y);
            if rounded_up(rest, y) { quotient.minus(T::ONE) } else { quotient }
        }),
        Binary::Remainder => zip(x, y, out, |x, y| {
            let (_, rest) = x.quotient(y);
            if rounded_up(rest, y) { rest.plus(y) } else { rest }
        }),
        Binary::Fmod => zip(x, y, out, |x, y| x.quotient(y).1),
        Binary::Pow => zip(x, y, out, power),
        Binary::Maximum => zip(x, y, out, T::max),
        Binary::Minimum => zip(x, y, out, T::min),
        Binary::And => zip(x, y, out, |x, y| x & y),
        Binary::Or => zip(x, y, out, |x, y| x | y),
        Binary::Xor => zip(x, y, out, |x, y| x ^ y),
    }
}

/// `op(x)` elementwise; `out` is row-major.
pub fn unary<T: Integer>(op: Unary<T>, x: View<T>, out: &mut [T]) {
    let zero = T::default();
    match op {
        Unary::Neg => cast(x, out, |x| zero.minus(x)),
        Unary::Abs => cast(x, out, |x| if x < zero { zero.minus(x) } else { x }),
        Unary::Not => cast(x, out, |x: T| !x),
        Unary::Clamp { low, high } => cast(x, out, |x: T| x.max(low).min(high)),
    }
}

/// Whether rounding toward 0 went up: the rest has not the divisor's sign.
#[inline(always)]
fn rounded_up<T: Integer>(rest: T, divisor: T) -> bool {
    let zero = T::default();
    rest != zero && (rest < zero) != (divisor < zero)
}

/// By repeated squaring; wrapping around commutes with it.
#[inline(always)]
fn power<T: Integer>(base: T, exponent: T) -> T {
    let (mut square, mut left, mut product) = (base, exponent.exponent(), T::ONE);
    while left > 0 {
        if left % 2 == 1 {
            product = product.times(square);
        }
        square = square.times(square);
        left /= 2;
    }
    product
}

/// Running sums along the middle of `(outer, axis, inner)`, in place and wrapped around.
pub fn cumsum(x: &mut [i64], [outer, axis, inner]: [usize; 3]) {
    assert_eq!(x.len(), outer * axis * inner, "cumsum of {:?}", [outer, axis, inner]);
    if x.is_empty() {
        return;
    }
    for block in x.chunks_exact_mut(axis * inner) {
        for k in 1..axis {
            let (before, row) = block[(k - 1) * inner..(k + 1) * inner].split_at_mut(inner);
            for (sum, before) in row.iter_mut().zip(before) {
                *sum = sum.wrapping_add(*before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<T: Integer>(op: Binary, x: &[T], y: &[T]) -> Vec<T> {
        let mut out = vec![T::default(); x.len()];
        let shape = [x.len()];
        binary(op, View::new(x, &shape, &[1]), View::new(y, &shape, &[1]), &mut out);
        out
    }

    #[test]
    fn quotients_are_rounded_down_and_rests_have_the_divisors_sign() {
        let (x, y) = ([7i64, -7, 7, -7, 6, -6, i64::MIN], [2, 2, -2, -2, -2, 3, -1]);
        assert_eq!(all(Binary::FloorDivide, &x, &y), [3, -4, -4, 3, -3, -2, i64::MIN]);
        assert_eq!(all(Binary::Remainder, &x, &y), [1, 1, -1, -1, 0, 0, 0]);
        assert_eq!(all(Binary::Fmod, &x, &y), [1, -1, 1, -1, 0, 0, 0]);
        for (x, y) in (-12i64..=12).flat_map(|x| (-5..=5).map(move |y| (x, y))).filter(|(_, y)| *y != 0) {
            let (quotient, rest) =
                (all(Binary::FloorDivide, &[x], &[y])[0], all(Binary::Remainder, &[x], &[y])[0]);
            assert_eq!(quotient, (x as f64 / y as f64).floor() as i64);
            assert_eq!(quotient * y + rest, x);
        }
    }

    #[test]
    fn powers_wrap_around() {
        assert_eq!(
            all(Binary::Pow, &[0i64, 0, -3, 2, 2, 3], &[0, 5, 3, 62, 64, 41]),
            [1, 0, -27, 1 << 62, 0, 3i64.wrapping_pow(41)]
        );
        assert_eq!(all(Binary::Pow, &[3u8, 2], &[6, 255]), [3u8.wrapping_pow(6), 0]);
    }

    #[test]
    fn running_sums_along_each_axis() {
        let mut x = [1, 2, 3, 4, 5, 6];
        cumsum(&mut x, [1, 2, 3]);
        assert_eq!(x, [1, 2, 3, 5, 7, 9]);
        cumsum(&mut x, [2, 3, 1]);
        assert_eq!(x, [1, 3, 6, 5, 12, 21]);
        cumsum(&mut [], [2, 0, 3]);
    }
}
