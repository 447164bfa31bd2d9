//! Comparison of elements, and the logic of booleans and of the bits of integers.

use barehand_tensor::{AnyTensor, DType, Integer, Tensor, integer};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;

use crate::arithmetic::{Operand, check_kind};
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, len, released};

#[pymethods]
impl PyTensor {
    fn __richcmp__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, op: CompareOp) -> Result<Py<PyAny>> {
        let py = slf.py();
        let Some(operand) = Operand::of(other)? else { return Ok(py.NotImplemented()) };
        Ok(Py::new(py, PyTensor::from(compare(py, slf.get().value(), operand, op)?))?.into_any())
    }

    /// Whether any element is equal.
    fn __contains__(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> Result<bool> {
        let Some(operand) = Operand::of(element)? else { return Ok(false) };
        let equal = compare(slf.py(), slf.get().value(), operand, CompareOp::Eq)?;
        Ok(equal.cast::<bool>().to_vec().contains(&true))
    }
}

fn compare(py: Python<'_>, x: AnyTensor, y: Operand, op: CompareOp) -> Result<AnyTensor> {
    let dtype = match &y {
        // Numbers beyond an element type compare too.
        Operand::Number(number) if !number.fits(x.dtype()) && !dtype::is_float(number.dtype()) => DType::I64,
        y => y.meets(&x)?,
    };
    let elements = len(&x);
    released(py, elements, || {
        let (x, y) = (if x.dtype() == dtype { x } else { cast(&x, dtype) }, y.into_tensor(dtype));
        barehand_tensor::each_tensor!(&x, x => {
            let y = y.get()?;
            Ok(AnyTensor::from(match op {
                CompareOp::Eq => x.eq(&y),
                CompareOp::Ne => x.ne(&y),
                CompareOp::Lt => x.lt(&y),
                CompareOp::Le => x.le(&y),
                CompareOp::Gt => x.gt(&y),
                CompareOp::Ge => x.ge(&y),
            }?))
        })
    })
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => {
        #[pymethods]
        impl PyTensor { $(
            $(#[$doc])*
            fn $name(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<PyTensor> {
                let operand = Operand::expected(stringify!($name), other)?;
                Ok(PyTensor::from(compare(slf.py(), slf.get().value(), operand, CompareOp::$op)?))
            }
        )* }
    };
}

comparisons! {
    /// Where x = y.
    eq Eq;
    /// Where x ≠ y.
    ne Ne;
    /// Where x < y.
    lt Lt;
    /// Where x ≤ y.
    le Le;
    /// Where x > y.
    gt Gt;
    /// Where x ≥ y.
    ge Ge;
}

/// And, or, exclusive or: of booleans, or of the bits of integers.
#[derive(Clone, Copy)]
enum Logic {
    And,
    Or,
    Xor,
}

impl Logic {
    fn apply(self, py: Python<'_>, x: AnyTensor, y: Operand) -> Result<AnyTensor> {
        fn bits<T: Integer>(logic: Logic, x: &Tensor<T>, y: &Tensor<T>) -> Result<AnyTensor>
        where
            AnyTensor: From<Tensor<T>>,
        {
            Ok(AnyTensor::from(match logic {
                Logic::And => integer::bitwise_and(x, y),
                Logic::Or => integer::bitwise_or(x, y),
                Logic::Xor => integer::bitwise_xor(x, y),
            }?))
        }
        let dtype = y.meets(&x)?;
        let elements = len(&x);
        released(py, elements, || match (&cast(&x, dtype), &y.into_tensor(dtype)) {
            (AnyTensor::Bool(x), AnyTensor::Bool(y)) => self.of_bools(x, y),
            (AnyTensor::I64(x), AnyTensor::I64(y)) => bits(self, x, y),
            (AnyTensor::I32(x), AnyTensor::I32(y)) => bits(self, x, y),
            (AnyTensor::U8(x), AnyTensor::U8(y)) => bits(self, x, y),
            _ => Err(Failure::wrong_type(
                "&, |, ^ and ~ are defined for booleans and integers, not for floats",
            )),
        })
    }

    fn of_bools(self, x: &Tensor<bool>, y: &Tensor<bool>) -> Result<AnyTensor> {
        Ok(AnyTensor::from(match self {
            Logic::And => x.and(y),
            Logic::Or => x.or(y),
            Logic::Xor => x.xor(y),
        }?))
    }
}

macro_rules! logic {
    ($($logic:ident: $operator:ident $reflected:ident $in_place:ident $bitwise:ident $logical:ident;)*) => {
        #[pymethods]
        impl PyTensor { $(
            fn $operator(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
                let py = slf.py();
                let Some(operand) = Operand::of(other)? else { return Ok(py.NotImplemented()) };
                Ok(Py::new(py, PyTensor::from(Logic::$logic.apply(py, slf.get().value(), operand)?))?.into_any())
            }
            fn $reflected(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
                Self::$operator(slf, other)
            }
            fn $in_place(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<()> {
                slf.get().check_in_place(stringify!($bitwise))?;
                let operand = Operand::expected(stringify!($bitwise), other)?;
                let result = Logic::$logic.apply(slf.py(), slf.get().value(), operand)?;
                check_kind(stringify!($bitwise), slf.get().dtype(), result.dtype())?;
                slf.get().assign_result(stringify!($bitwise), result)
            }
            /// Of booleans, or of the bits of integers.
            fn $bitwise(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<PyTensor> {
                let operand = Operand::expected(stringify!($bitwise), other)?;
                Ok(PyTensor::from(Logic::$logic.apply(slf.py(), slf.get().value(), operand)?))
            }
            /// Of what is not zero, as booleans.
            fn $logical(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<PyTensor> {
                let other = Operand::expected(stringify!($logical), other)?.into_tensor(DType::Bool).get()?;
                Ok(PyTensor::from(Logic::$logic.of_bools(&slf.get().value().cast(), &other)?))
            }
        )* }
    };
}

logic! {
    And: __and__ __rand__ __iand__ bitwise_and logical_and;
    Or: __or__ __ror__ __ior__ bitwise_or logical_or;
    Xor: __xor__ __rxor__ __ixor__ bitwise_xor logical_xor;
}

#[pymethods]
impl PyTensor {
    fn __invert__(&self) -> Result<PyTensor> {
        self.bitwise_not()
    }

    /// Not, of booleans or of the bits of integers.
    fn bitwise_not(&self) -> Result<PyTensor> {
        Ok(match self.value() {
            AnyTensor::Bool(x) => x.not()?.into(),
            AnyTensor::I64(x) => integer::bitwise_not(&x).into(),
            AnyTensor::I32(x) => integer::bitwise_not(&x).into(),
            AnyTensor::U8(x) => integer::bitwise_not(&x).into(),
            _ => return Err(Failure::wrong_type("~ is defined for booleans and integers, not for floats")),
        })
    }

    /// Where zero.
    fn logical_not(&self) -> Result<PyTensor> {
        Ok(self.value().cast::<bool>().not()?.into())
    }
}
