//! Arithmetic and sums of whole numbers, by PyTorch's rules and under its names: `integer::add(&x, &y)`.
//!
//! Functions of their own, for the methods of these names belong to the floats and record gradients; whole numbers have
//! none. Results that do not fit wrap around, quotients are rounded down, and where PyTorch fails or is undefined (a
//! division by 0, a negative exponent) there is an error. Sums and products of the smaller types are `i64`.
//!
//! ```
//! use barehand_tensor::{Tensor, integer};
//! # fn main() -> barehand_tensor::Result<()> {
//! let x = Tensor::from([[7_i64, -7], [6, 2]]);
//! assert_eq!(integer::floor_divide(&x, &Tensor::scalar(4))?, Tensor::from([[1, -2], [1, 0]]));
//! assert_eq!(integer::remainder(&x, &Tensor::scalar(4))?, Tensor::from([[3, 1], [2, 2]]));
//! assert_eq!(integer::sum_dim(&x, 0, false)?, Tensor::from([13, -5]));
//!
//! let pixels = Tensor::from([200_u8, 100]);
//! assert_eq!(integer::add(&pixels, &pixels)?, Tensor::from([144_u8, 200]));
//! assert_eq!(integer::sum(&pixels), Tensor::scalar(300_i64));
//! # Ok(())
//! # }
//! ```

use barehand_kernels::Buffer;
use barehand_kernels::integer::{self as kernel, Binary, Unary};
use barehand_kernels::reduce::fold_axes;

use super::arithmetic::broadcast;
use super::index::around;
use super::reduce::refuse_empty;
use crate::element::{Integer, Whole};
use crate::error::{Error, Result};
use crate::layout::{Axes, broadcast_shapes, mark_axes, resolve_axis};
use crate::tensor::{Tensor, reduced_shape};

fn binary<T: Integer>(op: Binary, x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    let shape = broadcast_shapes(op.name(), x.shape(), y.shape())?;
    let (x, y) = (broadcast(op.name(), x, &shape)?, broadcast(op.name(), y, &shape)?);
    let mut out = Buffer::scratch(x.len());
    kernel::binary(op, x.view(), y.view(), &mut out);
    Ok(Tensor::from_buffer(out, &shape))
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident => $op:ident;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// When the shapes do not broadcast.
        pub fn $name<T: Integer>(x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
            binary(Binary::$op, x, y)
        }
    )* };
}

binary! {
    /// x + y
    add => Add;
    /// x - y
    sub => Sub;
    /// x y, element by element.
    mul => Mul;
    /// The larger of x and y.
    maximum => Maximum;
    /// The smaller of x and y.
    minimum => Minimum;
    /// The bits that both x and y have.
    bitwise_and => And;
    /// The bits that x or y has.
    bitwise_or => Or;
    /// The bits that exactly one of x and y has.
    bitwise_xor => Xor;
}

fn divided<T: Integer>(op: Binary, x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    // Where the result has no elements, nothing is divided.
    if !x.is_empty() && y.eq_scalar(T::default())?.any() {
        return Err(Error::value(
            op.name(),
            "division by zero: a divisor is 0, and integers have no infinity",
        ));
    }
    binary(op, x, y)
}

/// x / y rounded down (Python's `//`): -7 / 2 is -4.
///
/// # Errors
/// When the shapes do not broadcast, or a divisor is 0.
pub fn floor_divide<T: Integer>(x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    divided(Binary::FloorDivide, x, y)
}

/// What [`floor_divide`] leaves, with the sign of the divisor (Python's `%`): -7 modulo 2 is 1.
///
/// # Errors
/// When the shapes do not broadcast, or a divisor is 0.
pub fn remainder<T: Integer>(x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    divided(Binary::Remainder, x, y)
}

/// What a division rounded toward 0 leaves, with the sign of x (C's `%`): -7 and 2 give -1.
///
/// # Errors
/// When the shapes do not broadcast, or a divisor is 0.
pub fn fmod<T: Integer>(x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    divided(Binary::Fmod, x, y)
}

/// x^y, with 0^0 = 1.
///
/// # Errors
/// When the shapes do not broadcast, or an exponent is negative.
pub fn pow<T: Integer>(x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    if y.lt_scalar(T::default())?.any() {
        return Err(Error::value("pow", "integers to negative integer powers are not integers; use floats"));
    }
    binary(Binary::Pow, x, y)
}

fn unary<T: Integer>(op: Unary<T>, x: &Tensor<T>) -> Tensor<T> {
    let mut out = Buffer::scratch(x.len());
    kernel::unary(op, x.view(), &mut out);
    Tensor::from_buffer(out, x.shape())
}

/// -x
pub fn neg<T: Integer>(x: &Tensor<T>) -> Tensor<T> {
    unary(Unary::Neg, x)
}

/// |x|; the smallest number of a signed type stays as it is.
pub fn abs<T: Integer>(x: &Tensor<T>) -> Tensor<T> {
    unary(Unary::Abs, x)
}

/// Every bit of x turned over.
pub fn bitwise_not<T: Integer>(x: &Tensor<T>) -> Tensor<T> {
    unary(Unary::Not, x)
}

/// min(max(x, low), high); `T::MIN` and `T::MAX` leave a side open.
pub fn clamp<T: Integer>(x: &Tensor<T>, low: T, high: T) -> Tensor<T> {
    unary(Unary::Clamp { low, high }, x)
}

/// Folds the marked axes of `x`.
fn fold<T: Whole, U: Whole>(
    x: &Tensor<T>,
    reduced: &[bool],
    keepdim: bool,
    start: U,
    step: impl Fn(U, T) -> U,
) -> Tensor<U> {
    let shape = reduced_shape(x.shape(), reduced, keepdim);
    let mut out = Buffer::scratch(shape.iter().product());
    fold_axes(x.view(), reduced, start, step, &mut out);
    Tensor::from_buffer(out, &shape)
}

fn summed<T: Whole>(x: &Tensor<T>, reduced: &[bool], keepdim: bool) -> Tensor<i64> {
    fold(x, reduced, keepdim, 0, |sum: i64, x| sum.wrapping_add(x.as_i64()))
}

fn multiplied<T: Whole>(x: &Tensor<T>, reduced: &[bool], keepdim: bool) -> Tensor<i64> {
    fold(x, reduced, keepdim, 1, |product: i64, x| product.wrapping_mul(x.as_i64()))
}

/// The sum of all elements; 0 for none.
pub fn sum<T: Whole>(x: &Tensor<T>) -> Tensor<i64> {
    summed(x, &x.all_axes(), false)
}

/// The sum along axes.
///
/// # Errors
/// When an axis does not exist or is named twice.
pub fn sum_dim<T: Whole>(x: &Tensor<T>, axes: impl Axes, keepdim: bool) -> Result<Tensor<i64>> {
    Ok(summed(x, &mark_axes("sum", axes.axes(), x.rank())?, keepdim))
}

/// The product of all elements; 1 for none.
pub fn prod<T: Whole>(x: &Tensor<T>) -> Tensor<i64> {
    multiplied(x, &x.all_axes(), false)
}

/// The product along an axis.
///
/// # Errors
/// When the axis does not exist.
pub fn prod_dim<T: Whole>(x: &Tensor<T>, axis: isize, keepdim: bool) -> Result<Tensor<i64>> {
    Ok(multiplied(x, &mark_axes("prod", &[axis], x.rank())?, keepdim))
}

/// Running sums along an axis.
///
/// # Errors
/// When the axis does not exist.
pub fn cumsum<T: Whole>(x: &Tensor<T>, axis: isize) -> Result<Tensor<i64>> {
    let axis = resolve_axis("cumsum", axis, x.rank())?;
    let (outer, n, inner) = around(x.shape(), axis);
    let mut sums = x.cast::<i64>();
    kernel::cumsum(sums.data_mut(), [outer, n, inner]);
    Ok(sums)
}

fn extreme<T: Whole>(
    operation: &str,
    max: bool,
    x: &Tensor<T>,
    reduced: &[bool],
    keepdim: bool,
) -> Result<Tensor<T>> {
    refuse_empty(operation, x.shape(), reduced)?;
    Ok(if max {
        fold(x, reduced, keepdim, T::LEAST, |best, x| if x > best { x } else { best })
    } else {
        fold(x, reduced, keepdim, T::GREATEST, |best, x| if x < best { x } else { best })
    })
}

/// The largest element.
///
/// # Errors
/// When there are no elements.
pub fn max<T: Whole>(x: &Tensor<T>) -> Result<Tensor<T>> {
    extreme("max", true, x, &x.all_axes(), false)
}

/// The smallest element.
///
/// # Errors
/// When there are no elements.
pub fn min<T: Whole>(x: &Tensor<T>) -> Result<Tensor<T>> {
    extreme("min", false, x, &x.all_axes(), false)
}

/// The largest elements along axes; [`Tensor::max_dim`] says where they are too.
///
/// # Errors
/// When an axis does not exist, is named twice or has no elements.
pub fn amax<T: Whole>(x: &Tensor<T>, axes: impl Axes, keepdim: bool) -> Result<Tensor<T>> {
    extreme("amax", true, x, &mark_axes("amax", axes.axes(), x.rank())?, keepdim)
}

/// The smallest elements along axes; [`Tensor::min_dim`] says where they are too.
///
/// # Errors
/// When an axis does not exist, is named twice or has no elements.
pub fn amin<T: Whole>(x: &Tensor<T>, axes: impl Axes, keepdim: bool) -> Result<Tensor<T>> {
    extreme("amin", false, x, &mark_axes("amin", axes.axes(), x.rank())?, keepdim)
}
