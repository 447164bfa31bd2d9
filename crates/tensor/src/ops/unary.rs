//! Functions of one number, applied to every element.

use std::f64::consts::{FRAC_PI_2, PI};

use barehand_kernels::Buffer;
use barehand_kernels::elementwise::{Binary, Saved, Unary};

use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::Result;
use crate::tensor::Tensor;

/// What the derivative is computed from.
pub enum Kept<T: Float> {
    /// Nothing: it is constant.
    Nothing,
    /// The input or the output, whichever it is written in.
    Value(Tensor<T>),
    /// The derivative itself.
    Slope(Tensor<T>),
}

impl<T: Float> Operator<T> for Unary<T> {
    type Saved = Kept<T>;

    fn name(&self) -> &'static str {
        Unary::name(self)
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0];
        let mut out = Buffer::scratch(x.len());
        if x.node.is_some() && self.has_cheap_slope() {
            let mut slope = Buffer::scratch(x.len());
            T::unary_with_slope(*self, x.packed().packed_slice(), &mut out, &mut slope);
            let [y, slope] = [out, slope].map(|buffer| Tensor::from_buffer(buffer, x.shape()));
            return Ok((y, Kept::Slope(slope)));
        }
        T::unary(*self, x.view(), &mut out);
        let y = Tensor::from_buffer(out, x.shape());
        let kept = match self.saves() {
            Saved::Nothing => Kept::Nothing,
            Saved::Input => Kept::Value(x.detach()),
            Saved::Output => Kept::Value(y.clone()),
        };
        Ok((y, kept))
    }

    fn backward(&self, kept: &Self::Saved, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let mut dx = Buffer::scratch(grad.len());
        match kept {
            Kept::Nothing => T::unary_backward(*self, grad.view(), grad.view(), &mut dx),
            Kept::Value(value) => T::unary_backward(*self, value.view(), grad.view(), &mut dx),
            Kept::Slope(slope) => T::binary(Binary::Mul, slope.view(), grad.view(), &mut dx),
        }
        Ok(one(Tensor::from_buffer(dx, grad.shape())))
    }
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        impl<T: Float> Tensor<T> { $(
            $(#[$doc])*
            pub fn $name(&self) -> Result<Tensor<T>> {
                apply($op, &[self])
            }
        )* }
    };
}

unary! {
    /// -x
    neg => Unary::Neg;
    /// |x|; the derivative at 0 is taken as 0.
    abs => Unary::Abs;
    /// -1, 0 or 1 (0 for a NaN too); the derivative is 0.
    sign => Unary::Sign;
    /// x²
    square => Unary::Square;
    /// √x
    sqrt => Unary::Sqrt;
    /// 1/√x
    rsqrt => Unary::Rsqrt;
    /// 1/x
    recip => Unary::Recip;
    /// eˣ
    exp => Unary::Exp;
    /// eˣ - 1, exact near 0.
    expm1 => Unary::Expm1;
    /// Natural logarithm.
    ln => Unary::Ln;
    /// ln(1 + x), exact near 0.
    log1p => Unary::Log1p;
    /// Logarithm to base 2.
    log2 => Unary::Log2;
    /// Logarithm to base 10.
    log10 => Unary::Log10;
    /// Sine.
    sin => Unary::Sin;
    /// Cosine.
    cos => Unary::Cos;
    /// Tangent.
    tan => Unary::Tan;
    /// Inverse tangent.
    atan => Unary::Atan;
    /// Inverse sine; NaN outside of [-1, 1].
    asin => Unary::Asin;
    /// Inverse cosine; NaN outside of [-1, 1].
    acos => Unary::Acos;
    /// Inverse hyperbolic sine.
    asinh => Unary::Asinh;
    /// Inverse hyperbolic cosine; NaN below 1.
    acosh => Unary::Acosh;
    /// Inverse hyperbolic tangent; NaN outside of [-1, 1].
    atanh => Unary::Atanh;
    /// Hyperbolic sine.
    sinh => Unary::Sinh;
    /// Hyperbolic cosine.
    cosh => Unary::Cosh;
    /// Hyperbolic tangent.
    tanh => Unary::Tanh;
    /// The error function 2/√π ∫₀ˣ e^(-t²) dt.
    erf => Unary::Erf;
    /// The logistic function 1 / (1 + e^(-x)).
    sigmoid => Unary::Sigmoid;
    /// ln sigmoid(x), without overflow.
    log_sigmoid => Unary::LogSigmoid;
    /// max(x, 0); the derivative at 0 is 0.
    relu => Unary::Relu;
    /// Scaled exponential linear unit (Klambauer et al. 2017).
    selu => Unary::Selu;
    /// x Φ(x) with the exact normal distribution function Φ (PyTorch's `gelu`).
    gelu => Unary::GeluErf;
    /// GELU by its tanh approximation (PyTorch's `gelu(approximate="tanh")`).
    gelu_tanh => Unary::GeluTanh;
    /// x sigmoid(x), also called swish.
    silu => Unary::Silu;
    /// x tanh(softplus(x)) (Misra 2019).
    mish => Unary::Mish;
    /// x min(max(x + 3, 0), 6) / 6.
    hardswish => Unary::Hardswish;
    /// x / (1 + |x|)
    softsign => Unary::Softsign;
    /// min(max(x, 0), 6); the derivative at both bends is 0.
    relu6 => Unary::Hardtanh(T::ZERO, T::from_real(6.0));
    /// relu6(x + 3) / 6; the derivative at both bends is 0.
    hardsigmoid => Unary::Hardsigmoid;
    /// x - tanh x
    tanhshrink => Unary::Tanhshrink;
    /// erf(√π/2 x): the error function with slope 1 at 0.
    erf_sigmoid => Unary::ScaledErf(T::from_real(PI.sqrt() / 2.0));
    /// erf(√(π/2) x): the error function as it is often printed beside the other sigmoids, with slope √2 at 0.
    erf_sigmoid_printed => Unary::ScaledErf(T::from_real(FRAC_PI_2.sqrt()));
    /// (2/π) gd(π/2 x), where gd(u) = 2 atan(tanh(u/2)) is the Gudermannian: slope 1 at 0, limits ±1.
    gudermannian => Unary::Gudermannian;
    /// x / √(1 + x²): slope 1 at 0, limits ±1.
    algebraic_sigmoid => Unary::AlgebraicSigmoid;
    /// (2/π) atan(π/2 x): slope 1 at 0, limits ±1.
    arctangent_sigmoid => Unary::ArctangentSigmoid;
    /// The largest integer not above x; the derivative is 0.
    floor => Unary::Floor;
    /// The smallest integer not below x; the derivative is 0.
    ceil => Unary::Ceil;
    /// The nearest integer, halves to even; the derivative is 0.
    round => Unary::Round;
    /// The integer part; the derivative is 0.
    trunc => Unary::Trunc;
}

impl<T: Float> Tensor<T> {
    /// x + s
    pub fn add_scalar(&self, s: f64) -> Result<Tensor<T>> {
        apply(Unary::AddScalar(T::from_real(s)), &[self])
    }

    /// s x
    pub fn mul_scalar(&self, s: f64) -> Result<Tensor<T>> {
        apply(Unary::MulScalar(T::from_real(s)), &[self])
    }

    /// scale x + shift
    pub fn affine(&self, scale: f64, shift: f64) -> Result<Tensor<T>> {
        apply(Unary::Affine { scale: T::from_real(scale), shift: T::from_real(shift) }, &[self])
    }

    /// s - x
    pub fn scalar_sub(&self, s: f64) -> Result<Tensor<T>> {
        apply(Unary::ScalarSub(T::from_real(s)), &[self])
    }

    /// s / x
    pub fn scalar_div(&self, s: f64) -> Result<Tensor<T>> {
        apply(Unary::ScalarDiv(T::from_real(s)), &[self])
    }

    /// x^exponent
    pub fn pow_scalar(&self, exponent: f64) -> Result<Tensor<T>> {
        apply(Unary::PowScalar(T::from_real(exponent)), &[self])
    }

    /// min(max(x, low), high); the derivative is 1 between `low` and `high`, and 0 from them on.
    pub fn clamp(&self, low: f64, high: f64) -> Result<Tensor<T>> {
        apply(Unary::Clamp(T::from_real(low), T::from_real(high)), &[self])
    }

    /// x where positive, `slope` x elsewhere (PyTorch's default slope is 0.01).
    pub fn leaky_relu(&self, slope: f64) -> Result<Tensor<T>> {
        apply(Unary::LeakyRelu(T::from_real(slope)), &[self])
    }

    /// x where positive, alpha (eˣ - 1) elsewhere (PyTorch's default alpha is 1).
    pub fn elu(&self, alpha: f64) -> Result<Tensor<T>> {
        apply(Unary::Elu(T::from_real(alpha)), &[self])
    }

    /// x where positive, alpha (e^(x / alpha) - 1) elsewhere (PyTorch's default alpha is 1).
    pub fn celu(&self, alpha: f64) -> Result<Tensor<T>> {
        apply(Unary::Celu(T::from_real(alpha)), &[self])
    }

    /// min(max(x, low), high); the derivative is 0 on both bounds (PyTorch's defaults are -1 and 1).
    pub fn hardtanh(&self, low: f64, high: f64) -> Result<Tensor<T>> {
        apply(Unary::Hardtanh(T::from_real(low), T::from_real(high)), &[self])
    }

    /// x where it exceeds `threshold`, `value` elsewhere.
    pub fn threshold(&self, threshold: f64, value: f64) -> Result<Tensor<T>> {
        apply(Unary::Threshold(T::from_real(threshold), T::from_real(value)), &[self])
    }

    /// x moved by `margin` toward 0, which it does not pass (PyTorch's default margin is 0.5).
    pub fn softshrink(&self, margin: f64) -> Result<Tensor<T>> {
        apply(Unary::Softshrink(T::from_real(margin)), &[self])
    }

    /// x, and 0 where |x| is not above `margin` (PyTorch's default margin is 0.5).
    pub fn hardshrink(&self, margin: f64) -> Result<Tensor<T>> {
        apply(Unary::Hardshrink(T::from_real(margin)), &[self])
    }

    /// ln(1 + e^(beta x)) / beta, and x itself where beta x exceeds `threshold` (PyTorch's defaults are 1 and 20).
    pub fn softplus(&self, beta: f64, threshold: f64) -> Result<Tensor<T>> {
        apply(Unary::Softplus { beta: T::from_real(beta), threshold: T::from_real(threshold) }, &[self])
    }
}
