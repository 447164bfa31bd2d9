//! The element types of a tensor.

use std::fmt::{Debug, Display};

use barehand_kernels::attention::Attention;
use barehand_kernels::batch_norm::BatchNorm;
use barehand_kernels::buffer::Plain;
use barehand_kernels::conv2d::Conv2d;
use barehand_kernels::cross_entropy::CrossEntropy;
use barehand_kernels::csr::CsrProduct;
use barehand_kernels::dropout::Dropout;
use barehand_kernels::elementwise::Elementwise;
use barehand_kernels::gated_linear_unit::GatedLinearUnit;
use barehand_kernels::gemm::Gemm;
use barehand_kernels::gram::Gram;
use barehand_kernels::group_norm::GroupNorm;
use barehand_kernels::gru::Gru;
use barehand_kernels::k_means::KMeans;
use barehand_kernels::layer_norm::LayerNorm;
use barehand_kernels::linear_loss::LinearLoss;
use barehand_kernels::lstm::Lstm;
use barehand_kernels::optimizer::OptimizerStep;
use barehand_kernels::pool2d::Pool2d;
use barehand_kernels::real::Real;
use barehand_kernels::reduce::{Reduce, Reductions, arg_reduce_any, fold_axes};
use barehand_kernels::rnn::Rnn;
use barehand_kernels::rope::Rope;
use barehand_kernels::scatter::Scatter;
use barehand_kernels::softmax::Softmax;
use barehand_kernels::stochastic_gradient::StochasticGradient;
use barehand_kernels::unfold::Unfold;
use barehand_kernels::view::View;

use crate::any_tensor::AnyTensor;
use crate::autograd::gradients::Leaves;
use crate::autograd::tape::{World, Worlds};
use crate::tensor::Tensor;

/// The name of an element type at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floating point, the default.
    F32,
    /// 64-bit floating point.
    F64,
    /// 64-bit signed integer: labels and indices.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 8-bit unsigned integer: pixels.
    U8,
    /// True or false: masks.
    Bool,
}

impl DType {
    /// `f32`, `f64`, `i64`, `i32`, `u8` or `bool`.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::I64 => "i64",
            DType::I32 => "i32",
            DType::U8 => "u8",
            DType::Bool => "bool",
        }
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 => 8,
            DType::F32 | DType::I32 => 4,
            DType::U8 | DType::Bool => 1,
        }
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A type that a tensor can hold.
pub trait Element: Plain + Default + Debug + Display + PartialEq + PartialOrd {
    /// Its run-time name.
    const DTYPE: DType;
    /// The value as a real number (rounded, for large integers).
    fn as_f64(self) -> f64;
    /// The value as an integer, truncated toward zero.
    fn as_i64(self) -> i64;
    /// The nearest value to a real number; for integers truncated toward zero and saturated, for `bool` whether nonzero.
    fn from_real(x: f64) -> Self;
    /// The value of an integer, rounded for floats, saturated for small integers.
    fn from_integer(x: i64) -> Self;
    /// The sum; integers saturate, for `bool` it is "or".
    fn plus(self, other: Self) -> Self;
    /// Sums the marked axes of a view into row-major `out`.
    fn sum_axes(x: View<Self>, reduced: &[bool], out: &mut [Self]) {
        fold_axes(x, reduced, Self::default(), Self::plus, out);
    }
    /// The largest (or smallest) values along the middle of `[outer, axis, inner]`, and where each is first.
    fn arg_extremes(max: bool, x: &[Self], shape: [usize; 3], values: &mut [Self], indices: &mut [i64]) {
        arg_reduce_any(max, x, shape, values, indices);
    }
}

macro_rules! element {
    ($t:ident, $dtype:ident, $from_integer:expr, $plus:expr $(, $faster:item)*) => {
        impl Element for $t {
            const DTYPE: DType = DType::$dtype;
            #[inline(always)]
            fn as_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn as_i64(self) -> i64 {
                self as i64
            }
            #[inline(always)]
            fn from_real(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_integer(x: i64) -> Self {
                $from_integer(x)
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                $plus(self, other)
            }
            $($faster)*
        }
    };
}

element!(
    f32,
    F32,
    |x| x as f32,
    |a, b| a + b,
    fn sum_axes(x: View<f32>, reduced: &[bool], out: &mut [f32]) {
        f32::reduce(Reduce::Sum, x, reduced, out);
    },
    fn arg_extremes(
        max: bool,
        x: &[f32],
        [outer, axis, inner]: [usize; 3],
        values: &mut [f32],
        indices: &mut [i64],
    ) {
        f32::arg_reduce(max, x, outer, axis, inner, values, indices);
    }
);
element!(
    f64,
    F64,
    |x| x as f64,
    |a, b| a + b,
    fn sum_axes(x: View<f64>, reduced: &[bool], out: &mut [f64]) {
        f64::reduce(Reduce::Sum, x, reduced, out);
    },
    fn arg_extremes(
        max: bool,
        x: &[f64],
        [outer, axis, inner]: [usize; 3],
        values: &mut [f64],
        indices: &mut [i64],
    ) {
        f64::arg_reduce(max, x, outer, axis, inner, values, indices);
    }
);
element!(i64, I64, |x| x, i64::saturating_add);
element!(i32, I32, |x: i64| x.clamp(i32::MIN as i64, i32::MAX as i64) as i32, i32::saturating_add);
element!(u8, U8, |x: i64| x.clamp(0, 255) as u8, u8::saturating_add);

impl Element for bool {
    const DTYPE: DType = DType::Bool;
    #[inline(always)]
    fn as_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    #[inline(always)]
    fn as_i64(self) -> i64 {
        i64::from(self)
    }
    #[inline(always)]
    fn from_real(x: f64) -> Self {
        x != 0.0
    }
    #[inline(always)]
    fn from_integer(x: i64) -> Self {
        x != 0
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self | other
    }
}

/// The element types that carry gradients: `f32` and `f64`. It gathers every numeric kernel under one name, so that an
/// operator is written once for both.
pub trait Float:
    Element
    + Real
    + Elementwise
    + GatedLinearUnit
    + Reductions
    + CsrProduct
    + Gemm
    + Gram
    + GroupNorm
    + KMeans
    + Scatter
    + Softmax
    + StochasticGradient
    + CrossEntropy
    + LayerNorm
    + BatchNorm
    + Conv2d
    + Pool2d
    + Dropout
    + Gru
    + LinearLoss
    + Lstm
    + Rnn
    + OptimizerStep
    + Rope
    + Attention
    + Unfold
{
    /// The other precision.
    type Other: Float<Other = Self>;

    /// Itself among tensors of any element type.
    fn into_any(tensor: Tensor<Self>) -> AnyTensor;

    /// The part of a backward pass that is of this precision.
    #[doc(hidden)]
    fn world(worlds: &mut Worlds) -> &mut World<Self>;

    /// The two parts of what a backward pass found, this precision first.
    #[doc(hidden)]
    fn own_and_other(single: Leaves<f32>, double: Leaves<f64>) -> (Leaves<Self>, Leaves<Self::Other>);
}

impl Float for f32 {
    type Other = f64;

    fn into_any(tensor: Tensor<f32>) -> AnyTensor {
        tensor.into()
    }
    fn world(worlds: &mut Worlds) -> &mut World<f32> {
        &mut worlds.single
    }
    fn own_and_other(single: Leaves<f32>, double: Leaves<f64>) -> (Leaves<f32>, Leaves<f64>) {
        (single, double)
    }
}

impl Float for f64 {
    type Other = f32;

    fn into_any(tensor: Tensor<f64>) -> AnyTensor {
        tensor.into()
    }
    fn world(worlds: &mut Worlds) -> &mut World<f64> {
        &mut worlds.double
    }
    fn own_and_other(single: Leaves<f32>, double: Leaves<f64>) -> (Leaves<f64>, Leaves<f32>) {
        (double, single)
    }
}

/// The element types that count: `bool`, as 0 and 1, and the integers. Their sums and products are `i64`.
pub trait Whole: Element {
    /// No value is smaller.
    const LEAST: Self;
    /// No value is larger.
    const GREATEST: Self;
}

impl Whole for bool {
    const LEAST: Self = false;
    const GREATEST: Self = true;
}

impl Whole for u8 {
    const LEAST: Self = u8::MIN;
    const GREATEST: Self = u8::MAX;
}

impl Whole for i32 {
    const LEAST: Self = i32::MIN;
    const GREATEST: Self = i32::MAX;
}

impl Whole for i64 {
    const LEAST: Self = i64::MIN;
    const GREATEST: Self = i64::MAX;
}

/// The element types with the arithmetic of whole numbers: `u8`, `i32` and `i64` (see [`integer`](crate::integer)).
pub trait Integer: Whole + barehand_kernels::integer::Integer {}

impl Integer for u8 {}
impl Integer for i32 {}
impl Integer for i64 {}
