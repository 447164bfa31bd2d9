//! Functions of two numbers, with broadcasting, and the operators `+ - * /`.

use barehand_kernels::Buffer;
use barehand_kernels::elementwise::{Binary, Side, Unary};
use smallvec::SmallVec;

use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::layout::{Dims, broadcast_shapes};
use crate::random::Generator;
use crate::tensor::Tensor;

/// A view of `x` repeated to `shape`, which [`broadcast_shapes`] has found to fit.
pub(crate) fn broadcast<T: Element>(operation: &str, x: &Tensor<T>, shape: &[usize]) -> Result<Tensor<T>> {
    match x.layout.broadcast_to(shape) {
        Some(layout) => Ok(x.with_layout(layout)),
        None => {
            Err(Error::shape(operation, format!("shape {:?} does not broadcast to {shape:?}", x.shape())))
        }
    }
}

/// The transpose of broadcasting: sums the gradient of a broadcast tensor over the repeats.
pub(crate) fn sum_to<T: Element>(grad: &Tensor<T>, shape: &[usize]) -> Tensor<T> {
    if grad.shape() == shape {
        return grad.clone();
    }
    let missing = grad.rank() - shape.len();
    let reduced: SmallVec<[bool; 6]> = (0..grad.rank())
        .map(|axis| axis < missing || (shape[axis - missing] == 1 && grad.shape()[axis] != 1))
        .collect();
    let mut out = Buffer::scratch(shape.iter().product());
    T::sum_axes(grad.view(), &reduced, &mut out);
    Tensor::from_buffer(out, shape)
}

/// Runs a two-operand kernel on tensors that broadcast.
pub(crate) fn binary<T: Float>(op: Binary, x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    let shape = broadcast_shapes(op.name(), x.shape(), y.shape())?;
    let (x, y) = (broadcast(op.name(), x, &shape)?, broadcast(op.name(), y, &shape)?);
    let mut out = Buffer::scratch(x.len());
    T::binary(op, x.view(), y.view(), &mut out);
    Ok(Tensor::from_buffer(out, &shape))
}

/// The operands of a two-operand operator, or only their shapes where the derivative is constant.
pub struct Operands<T: Element> {
    values: Option<(Tensor<T>, Tensor<T>)>,
    shapes: (Dims, Dims),
}

impl<T: Float> Operator<T> for Binary {
    type Saved = Operands<T>;

    fn name(&self) -> &'static str {
        Binary::name(*self)
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (x, y) = (inputs[0], inputs[1]);
        let constant = matches!(self, Binary::Add | Binary::Sub | Binary::FloorDivide);
        let values = (!constant).then(|| (x.detach(), y.detach()));
        let shapes = (Dims::from_slice(x.shape()), Dims::from_slice(y.shape()));
        Ok((binary(*self, x, y)?, Operands { values, shapes }))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let name = Binary::name(*self);
        let of = |side: Side| -> Result<Tensor<T>> {
            let shape = if side == Side::Left { &saved.shapes.0 } else { &saved.shapes.1 };
            let on_output = match (self, &saved.values) {
                (Binary::Add, _) => grad.clone(),
                (Binary::Sub | Binary::Remainder | Binary::Fmod, _) if side == Side::Left => grad.clone(),
                (Binary::FloorDivide, _) => return Ok(Tensor::zeros(shape)),
                (Binary::Sub, _) => return sum_to(grad, shape).neg(),
                (Binary::Mul, Some((x, y))) => {
                    binary(Binary::Mul, grad, if side == Side::Left { y } else { x })?
                }
                (_, Some((x, y))) => {
                    let (x, y) = (broadcast(name, x, grad.shape())?, broadcast(name, y, grad.shape())?);
                    let mut out = Buffer::scratch(grad.len());
                    T::binary_backward(*self, side, x.view(), y.view(), grad.view(), &mut out);
                    Tensor::from_buffer(out, grad.shape())
                }
                (_, None) => return Err(Error::gradient(name, "the operands were not saved")),
            };
            Ok(sum_to(&on_output, shape))
        };
        let mut gradients = InputGradients::new();
        gradients.push(wants[0].then(|| of(Side::Left)).transpose()?);
        gradients.push(wants[1].then(|| of(Side::Right)).transpose()?);
        Ok(gradients)
    }
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:ident;)*) => {
        impl<T: Float> Tensor<T> { $(
            $(#[$doc])*
            ///
            /// # Errors
            /// When the shapes do not broadcast.
            pub fn $name(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
                apply(Binary::$op, &[self, other])
            }
        )* }
    };
}

binary_methods! {
    /// x + y
    add => Add;
    /// x - y
    sub => Sub;
    /// x y, element by element.
    mul => Mul;
    /// x / y
    div => Div;
    /// x^y
    pow => Pow;
    /// x / y rounded down (Python's `//`); the derivative is 0.
    floor_divide => FloorDivide;
    /// What [`floor_divide`](Self::floor_divide) leaves, x - y floor(x / y), with the sign of y (Python's `%`). Its
    /// derivative is 1 with respect to x, -floor(x / y) with respect to y.
    remainder => Remainder;
    /// What a division rounded toward 0 leaves, x - y trunc(x / y), with the sign of x (C's `fmod`). Its derivative is 1
    /// with respect to x, -trunc(x / y) with respect to y.
    fmod => Fmod;
    /// The larger of x and y; where equal, each gets half of the gradient.
    maximum => Maximum;
    /// The smaller of x and y; where equal, each gets half of the gradient.
    minimum => Minimum;
    /// The angle of the point (y, x) from the axis, in radians: `y.atan2(&x)`.
    atan2 => Atan2;
    /// (x - y)²: the squared error before any reduction.
    squared_error => SquaredError;
    /// Binary cross entropy of probabilities x against targets y, logarithms bounded below at -100.
    binary_cross_entropy => Bce;
    /// Binary cross entropy of logits x against targets y: max(x, 0) - x y + ln(1 + e^(-|x|)).
    binary_cross_entropy_with_logits => BceWithLogits;
}

macro_rules! operators {
    ($($trait:ident $method:ident, $scalar:expr, $reversed:expr;)*) => { $(
        impl<T: Float> std::ops::$trait<&Tensor<T>> for &Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, other: &Tensor<T>) -> Self::Output {
                Tensor::$method(self, other)
            }
        }
        impl<T: Float> std::ops::$trait<Tensor<T>> for &Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, other: Tensor<T>) -> Self::Output {
                Tensor::$method(self, &other)
            }
        }
        impl<T: Float> std::ops::$trait<&Tensor<T>> for Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, other: &Tensor<T>) -> Self::Output {
                Tensor::$method(&self, other)
            }
        }
        impl<T: Float> std::ops::$trait<Tensor<T>> for Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, other: Tensor<T>) -> Self::Output {
                Tensor::$method(&self, &other)
            }
        }
        impl<T: Float> std::ops::$trait<f64> for &Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, scalar: f64) -> Self::Output {
                $scalar(self, scalar)
            }
        }
        impl<T: Float> std::ops::$trait<&Tensor<T>> for f64 {
            type Output = Result<Tensor<T>>;
            fn $method(self, tensor: &Tensor<T>) -> Self::Output {
                $reversed(tensor, self)
            }
        }
    )* };
}

operators! {
    Add add, Tensor::add_scalar, Tensor::add_scalar;
    Sub sub, |x: &Tensor<T>, s: f64| x.add_scalar(-s), Tensor::scalar_sub;
    Mul mul, Tensor::mul_scalar, Tensor::mul_scalar;
    Div div, |x: &Tensor<T>, s: f64| apply(Unary::DivScalar(T::from_real(s)), &[x]), Tensor::scalar_div;
}

impl<T: Float> Tensor<T> {
    /// x where positive, w x elsewhere, with a learned slope w for all or for each channel, axis 1 (He et al. 2015;
    /// `torch.nn.functional.prelu`).
    ///
    /// # Errors
    /// When there is neither one slope nor one for each channel.
    pub fn prelu(&self, weight: &Tensor<T>) -> Result<Tensor<T>> {
        let channels = if self.rank() < 2 { 1 } else { self.shape()[1] };
        if weight.rank() > 1 || (weight.len() != 1 && weight.len() != channels) {
            return Err(Error::shape(
                "prelu",
                format!(
                    "slopes of shape {:?} for an input of shape {:?}: one, or one for each of {channels} channels, expected",
                    weight.shape(),
                    self.shape()
                ),
            ));
        }
        let mut shape = vec![1; self.rank()];
        if weight.len() != 1 {
            shape[1] = -1;
        }
        apply(Binary::Prelu, &[self, &weight.reshape(shape)?])
    }

    /// x where positive, elsewhere x times a slope drawn for each element from [lower, upper) (Xu et al. 2015;
    /// `torch.nn.functional.rrelu` in training; in evaluation it is a leaky ReLU with the middle slope).
    ///
    /// # Errors
    /// When the bounds are not finite or cross.
    pub fn rrelu(&self, lower: f64, upper: f64, generator: &mut Generator) -> Result<Tensor<T>> {
        if !(lower <= upper && lower.is_finite() && upper.is_finite()) {
            return Err(Error::value("rrelu", format!("no slope lies between {lower} and {upper}")));
        }
        let mut slopes = Tensor::<f64>::zeros(self.shape());
        generator.fill_uniform(lower, upper, slopes.data_mut());
        apply(Binary::Prelu, &[self, &slopes.cast()])
    }

    /// x / s
    pub fn div_scalar(&self, s: f64) -> Result<Tensor<T>> {
        self / s
    }

    /// `self += alpha other`, in place and not recorded: for updates by hand.
    ///
    /// # Errors
    /// When `other` does not broadcast to the shape of `self`.
    pub fn add_assign_scaled(&mut self, alpha: f64, other: &Tensor<T>) -> Result<()> {
        let other = broadcast("add_assign_scaled", other, self.shape())?;
        T::axpy(T::from_real(alpha), other.view(), self.data_mut());
        Ok(())
    }
}
