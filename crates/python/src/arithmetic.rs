//! Operators and methods of two operands: arithmetic, comparison, logic; by PyTorch's rules of which types meet where.

use barehand_tensor::{AnyTensor, DType, Float, Integer, Tensor, integer};
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use crate::creation::Number;
use crate::dtype::{self, promoted, real, with_number};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, len, released};

/// What stands beside a tensor.
pub enum Operand {
    Tensor(AnyTensor),
    Number(Number),
}

impl Operand {
    /// Nothing where the object is no operand, so that Python asks the other side.
    pub fn of(given: &Bound<'_, PyAny>) -> Result<Option<Self>> {
        if let Ok(tensor) = given.cast::<PyTensor>() {
            return Ok(Some(Operand::Tensor(tensor.get().value())));
        }
        if let Some(number) = Number::of(given)? {
            return Ok(Some(Operand::Number(number)));
        }
        if let Ok(array) = given.cast::<PyUntypedArray>() {
            return Ok(Some(Operand::Tensor(crate::array::from_numpy(array)?)));
        }
        // NumPy's scalars.
        if given.hasattr("__array_interface__")? {
            return Ok(Some(Operand::Number(given.extract()?)));
        }
        Ok(None)
    }

    /// As [`of`](Operand::of), where an operand is expected.
    pub fn expected(operation: &str, given: &Bound<'_, PyAny>) -> Result<Self> {
        Operand::of(given)?.ok_or_else(|| {
            let kind = given.get_type().name().map(|name| name.to_string()).unwrap_or_default();
            Failure::wrong_type(format!("{operation}: a tensor or a number expected, not {kind}"))
        })
    }

    pub fn into_tensor(self, dtype: DType) -> AnyTensor {
        match self {
            Operand::Tensor(y) if y.dtype() == dtype => y,
            Operand::Tensor(y) => cast(&y, dtype),
            Operand::Number(number) => number.tensor(dtype),
        }
    }

    /// The type in which this meets a tensor; a number must fit into it.
    pub fn meets(&self, x: &AnyTensor) -> Result<DType> {
        match self {
            Operand::Tensor(y) => Ok(promoted((x.dtype(), x.shape().len()), (y.dtype(), y.shape().len()))),
            Operand::Number(number) => {
                let dtype = with_number(x.dtype(), number.dtype());
                number.fitting(dtype)?;
                Ok(dtype)
            }
        }
    }
}

/// An operation on two numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Add,
    Sub,
    Mul,
    Div,
    FloorDivide,
    Remainder,
    Fmod,
    Pow,
    Maximum,
    Minimum,
    Atan2,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Add => "add",
            Operation::Sub => "sub",
            Operation::Mul => "mul",
            Operation::Div => "div",
            Operation::FloorDivide => "floor_divide",
            Operation::Remainder => "remainder",
            Operation::Fmod => "fmod",
            Operation::Pow => "pow",
            Operation::Maximum => "maximum",
            Operation::Minimum => "minimum",
            Operation::Atan2 => "atan2",
        }
    }

    fn on_reals<T: Float>(self, x: &Tensor<T>, y: &Tensor<T>) -> Result<AnyTensor> {
        Ok(T::into_any(match self {
            Operation::Add => x.add(y),
            Operation::Sub => x.sub(y),
            Operation::Mul => x.mul(y),
            Operation::Div => x.div(y),
            Operation::FloorDivide => x.floor_divide(y),
            Operation::Remainder => x.remainder(y),
            Operation::Fmod => x.fmod(y),
            Operation::Pow => x.pow(y),
            Operation::Maximum => x.maximum(y),
            Operation::Minimum => x.minimum(y),
            Operation::Atan2 => x.atan2(y),
        }?))
    }

    /// x op s, or s op x where `reversed`; `None` where there is no form of its own for a number.
    fn on_real_and_number<T: Float>(
        self,
        x: &Tensor<T>,
        s: f64,
        reversed: bool,
    ) -> Result<Option<AnyTensor>> {
        Ok(Some(T::into_any(match (self, reversed) {
            (Operation::Add, _) => x.add_scalar(s),
            (Operation::Sub, false) => x.add_scalar(-s),
            (Operation::Sub, true) => x.scalar_sub(s),
            (Operation::Mul, _) => x.mul_scalar(s),
            (Operation::Div, false) => x.div_scalar(s),
            (Operation::Div, true) => x.scalar_div(s),
            (Operation::Pow, false) => x.pow_scalar(s),
            _ => return Ok(None),
        }?)))
    }

    fn on_wholes<T: Integer>(self, x: &Tensor<T>, y: &Tensor<T>) -> Result<AnyTensor>
    where
        AnyTensor: From<Tensor<T>>,
    {
        Ok(AnyTensor::from(match self {
            Operation::Add => integer::add(x, y),
            Operation::Sub => integer::sub(x, y),
            Operation::Mul => integer::mul(x, y),
            Operation::FloorDivide => integer::floor_divide(x, y),
            Operation::Remainder => integer::remainder(x, y),
            Operation::Fmod => integer::fmod(x, y),
            Operation::Pow => integer::pow(x, y),
            Operation::Maximum => integer::maximum(x, y),
            Operation::Minimum => integer::minimum(x, y),
            Operation::Div | Operation::Atan2 => {
                return Err(Failure::wrong_type("whole numbers are converted first"));
            }
        }?))
    }

    fn on_bools(self, x: &Tensor<bool>, y: &Tensor<bool>) -> Result<AnyTensor> {
        Ok(AnyTensor::from(match self {
            Operation::Add | Operation::Maximum => x.or(y)?,
            Operation::Mul | Operation::Minimum => x.and(y)?,
            _ => {
                return Err(Failure::wrong_type(format!(
                    "{}: not defined for booleans; convert one of them with .int() or .float()",
                    self.name()
                )));
            }
        }))
    }

    /// x op y, or y op x where `reversed`.
    pub fn apply(self, py: Python<'_>, x: AnyTensor, y: Operand, reversed: bool) -> Result<AnyTensor> {
        let elements = len(&x).max(if let Operand::Tensor(y) = &y { len(y) } else { 0 });
        released(py, elements, || {
            // Most calls, told apart without any conversion.
            match (&x, &y) {
                (AnyTensor::F32(x), Operand::Tensor(AnyTensor::F32(y))) if !reversed => {
                    return self.on_reals(x, y);
                }
                (AnyTensor::F64(x), Operand::Tensor(AnyTensor::F64(y))) if !reversed => {
                    return self.on_reals(x, y);
                }
                (AnyTensor::F32(x), Operand::Number(number)) => {
                    if let Some(result) = self.on_real_and_number(x, number.real(), reversed)? {
                        return Ok(result);
                    }
                }
                (AnyTensor::F64(x), Operand::Number(number)) => {
                    if let Some(result) = self.on_real_and_number(x, number.real(), reversed)? {
                        return Ok(result);
                    }
                }
                _ => {}
            }
            let mut dtype = y.meets(&x)?;
            if matches!(self, Operation::Div | Operation::Atan2) {
                dtype = real(dtype);
            }
            let (x, y) = (if x.dtype() == dtype { x } else { cast(&x, dtype) }, y.into_tensor(dtype));
            let (x, y) = if reversed { (y, x) } else { (x, y) };
            match (&x, &y) {
                (AnyTensor::F32(x), AnyTensor::F32(y)) => self.on_reals(x, y),
                (AnyTensor::F64(x), AnyTensor::F64(y)) => self.on_reals(x, y),
                (AnyTensor::I64(x), AnyTensor::I64(y)) => self.on_wholes(x, y),
                (AnyTensor::I32(x), AnyTensor::I32(y)) => self.on_wholes(x, y),
                (AnyTensor::U8(x), AnyTensor::U8(y)) => self.on_wholes(x, y),
                (AnyTensor::Bool(x), AnyTensor::Bool(y)) => self.on_bools(x, y),
                _ => unreachable!("both were converted to {dtype}"),
            }
        })
    }
}

/// The operator between a tensor and whatever object: `NotImplemented` where that is no operand.
fn operator(
    slf: &Bound<'_, PyTensor>,
    other: &Bound<'_, PyAny>,
    operation: Operation,
    reversed: bool,
) -> Result<Py<PyAny>> {
    let py = slf.py();
    let Some(operand) = Operand::of(other)? else { return Ok(py.NotImplemented()) };
    let result = operation.apply(py, slf.get().value(), operand, reversed)?;
    Ok(Py::new(py, PyTensor::from(result))?.into_any())
}

/// `x op= y`
fn in_place(slf: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>, operation: Operation) -> Result<()> {
    in_place_scaled(slf, other, Number::Int(1), operation)
}

/// `x op= alpha y`
fn in_place_scaled(
    slf: &Bound<'_, PyTensor>,
    other: &Bound<'_, PyAny>,
    alpha: Number,
    operation: Operation,
) -> Result<()> {
    slf.get().check_in_place(operation.name())?;
    let operand = scaled(slf.py(), Operand::expected(operation.name(), other)?, alpha)?;
    let result = operation.apply(slf.py(), slf.get().value(), operand, false)?;
    check_kind(operation.name(), slf.get().dtype(), result.dtype())?;
    slf.get().assign_result(operation.name(), result)
}

/// A result in place may not be of a kind that the tensor cannot hold.
pub fn check_kind(operation: &str, held: DType, result: DType) -> Result<()> {
    if dtype::with_number(held, result) == held {
        return Ok(());
    }
    Err(Failure::wrong_type(format!(
        "{operation}: the result is {}, which a tensor of {} cannot hold in place",
        dtype::name(result),
        dtype::name(held)
    )))
}

/// `alpha * other`, where alpha is not 1.
fn scaled(py: Python<'_>, other: Operand, alpha: Number) -> Result<Operand> {
    if alpha.real() == 1.0 {
        return Ok(other);
    }
    Ok(match (other, alpha) {
        (Operand::Number(Number::Int(number)), Number::Int(alpha)) => {
            Operand::Number(Number::Int(number.wrapping_mul(alpha)))
        }
        (Operand::Number(number), _) => Operand::Number(Number::Float(number.real() * alpha.real())),
        (Operand::Tensor(y), _) => {
            Operand::Tensor(Operation::Mul.apply(py, y, Operand::Number(alpha), false)?)
        }
    })
}

macro_rules! operators {
    ($($operation:ident: $operator:ident $reflected:ident $in_place:ident;)*) => {
        #[pymethods]
        impl PyTensor { $(
            fn $operator(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
                operator(slf, other, Operation::$operation, false)
            }
            fn $reflected(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
                operator(slf, other, Operation::$operation, true)
            }
            fn $in_place(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<()> {
                in_place(slf, other, Operation::$operation)
            }
        )* }
    };
}

operators! {
    Add: __add__ __radd__ __iadd__;
    Sub: __sub__ __rsub__ __isub__;
    Mul: __mul__ __rmul__ __imul__;
    Div: __truediv__ __rtruediv__ __itruediv__;
    FloorDivide: __floordiv__ __rfloordiv__ __ifloordiv__;
    Remainder: __mod__ __rmod__ __imod__;
}

macro_rules! methods {
    ($($(#[$doc:meta])* $operation:ident: $name:ident $in_place:ident;)*) => {
        #[pymethods]
        impl PyTensor { $(
            $(#[$doc])*
            fn $name(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<PyTensor> {
                let operand = Operand::expected(stringify!($name), other)?;
                Ok(PyTensor::from(Operation::$operation.apply(slf.py(), slf.get().value(), operand, false)?))
            }
            /// The same in place.
            fn $in_place<'py>(slf: Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Result<Bound<'py, Self>> {
                in_place(&slf, other, Operation::$operation)?;
                Ok(slf)
            }
        )* }
    };
}

methods! {
    /// x y, element by element.
    Mul: mul mul_;
    /// x y, element by element.
    Mul: multiply multiply_;
    /// x / y rounded down.
    FloorDivide: floor_divide floor_divide_;
    /// x - y floor(x / y), with the sign of y.
    Remainder: remainder remainder_;
    /// x - y trunc(x / y), with the sign of x.
    Fmod: fmod fmod_;
}

#[pymethods]
impl PyTensor {
    /// x + alpha y
    #[pyo3(signature = (other, *, alpha=Number::Int(1)), text_signature = "($self, other, *, alpha=1)")]
    fn add(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, alpha: Number) -> Result<PyTensor> {
        let operand = scaled(slf.py(), Operand::expected("add", other)?, alpha)?;
        Ok(PyTensor::from(Operation::Add.apply(slf.py(), slf.get().value(), operand, false)?))
    }

    /// x += alpha y
    #[pyo3(signature = (other, *, alpha=Number::Int(1)), text_signature = "($self, other, *, alpha=1)")]
    fn add_<'py>(
        slf: Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        alpha: Number,
    ) -> Result<Bound<'py, Self>> {
        in_place_scaled(&slf, other, alpha, Operation::Add)?;
        Ok(slf)
    }

    /// x - alpha y
    #[pyo3(signature = (other, *, alpha=Number::Int(1)), text_signature = "($self, other, *, alpha=1)")]
    fn sub(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, alpha: Number) -> Result<PyTensor> {
        let operand = scaled(slf.py(), Operand::expected("sub", other)?, alpha)?;
        Ok(PyTensor::from(Operation::Sub.apply(slf.py(), slf.get().value(), operand, false)?))
    }

    /// x -= alpha y
    #[pyo3(signature = (other, *, alpha=Number::Int(1)), text_signature = "($self, other, *, alpha=1)")]
    fn sub_<'py>(
        slf: Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        alpha: Number,
    ) -> Result<Bound<'py, Self>> {
        in_place_scaled(&slf, other, alpha, Operation::Sub)?;
        Ok(slf)
    }

    /// x / y; with `rounding_mode` "floor" rounded down, with "trunc" toward zero.
    #[pyo3(signature = (other, *, rounding_mode=None))]
    fn div(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, rounding_mode: Option<&str>) -> Result<PyTensor> {
        let operand = Operand::expected("div", other)?;
        let x = slf.get().value();
        Ok(PyTensor::from(match rounding_mode {
            None => Operation::Div.apply(slf.py(), x, operand, false)?,
            Some("floor") => Operation::FloorDivide.apply(slf.py(), x, operand, false)?,
            Some("trunc") => {
                let dtype = operand.meets(&x)?;
                let quotient = Operation::Div.apply(slf.py(), cast(&x, DType::F64), operand, false)?;
                let truncated = match quotient {
                    AnyTensor::F64(q) => q.trunc()?.into(),
                    // A number of f64 without axes takes the type of what it meets.
                    AnyTensor::F32(q) => q.trunc()?.into(),
                    other => other,
                };
                cast(&truncated, dtype)
            }
            Some(other) => {
                return Err(Failure::value(
                    "div",
                    format!("rounding_mode must be None, 'floor' or 'trunc', not '{other}'"),
                ));
            }
        }))
    }

    /// x /= y
    fn div_<'py>(slf: Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Result<Bound<'py, Self>> {
        in_place(&slf, other, Operation::Div)?;
        Ok(slf)
    }

    /// x to the power of the exponent, element by element.
    fn pow(slf: &Bound<'_, Self>, exponent: &Bound<'_, PyAny>) -> Result<PyTensor> {
        let exponent = Operand::expected("pow", exponent)?;
        Ok(PyTensor::from(Operation::Pow.apply(slf.py(), slf.get().value(), exponent, false)?))
    }

    /// The same in place.
    fn pow_<'py>(slf: Bound<'py, Self>, exponent: &Bound<'py, PyAny>) -> Result<Bound<'py, Self>> {
        in_place(&slf, exponent, Operation::Pow)?;
        Ok(slf)
    }

    /// The larger of x and y, element by element.
    fn maximum(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<PyTensor> {
        let operand = Operand::expected("maximum", other)?;
        Ok(PyTensor::from(Operation::Maximum.apply(slf.py(), slf.get().value(), operand, false)?))
    }

    /// The smaller of x and y, element by element.
    fn minimum(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<PyTensor> {
        let operand = Operand::expected("minimum", other)?;
        Ok(PyTensor::from(Operation::Minimum.apply(slf.py(), slf.get().value(), operand, false)?))
    }

    /// The angle of the point (y, x), where this tensor is y.
    fn atan2(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<PyTensor> {
        let operand = Operand::expected("atan2", other)?;
        Ok(PyTensor::from(Operation::Atan2.apply(slf.py(), slf.get().value(), operand, false)?))
    }

    fn __pow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        modulo: Option<&Bound<'_, PyAny>>,
    ) -> Result<Py<PyAny>> {
        if modulo.is_some() {
            return Ok(slf.py().NotImplemented());
        }
        operator(slf, other, Operation::Pow, false)
    }

    fn __rpow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        modulo: Option<&Bound<'_, PyAny>>,
    ) -> Result<Py<PyAny>> {
        if modulo.is_some() {
            return Ok(slf.py().NotImplemented());
        }
        operator(slf, other, Operation::Pow, true)
    }

    fn __ipow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> Result<()> {
        in_place(slf, other, Operation::Pow)
    }
}
