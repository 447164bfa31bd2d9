//! Methods of one operand: functions applied to every element.

use barehand_tensor::{AnyTensor, Integer, Tensor, integer};
use pyo3::prelude::*;

use crate::arithmetic::{Operand, Operation, check_kind};
use crate::creation::{Number, filled};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, len, released};

/// Applies one function to either precision; other element types are converted to the default precision first.
macro_rules! on_reals {
    ($py:expr, $value:expr, $x:ident => $body:expr) => {{
        let value = $value;
        let elements = len(&value);
        released($py, elements, || -> Result<AnyTensor> {
            match &value {
                AnyTensor::F32($x) => Ok($body?.into()),
                AnyTensor::F64($x) => Ok($body?.into()),
                other => match cast(other, crate::dtype::default_float()) {
                    AnyTensor::F64($x) => Ok($body?.into()),
                    other => {
                        let $x = other.cast::<f32>();
                        Ok($body?.into())
                    }
                },
            }
        })
    }};
}
pub(crate) use on_reals;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $in_place:ident => $method:ident;)*) => {
        #[pymethods]
        impl PyTensor { $(
            $(#[$doc])*
            fn $name(&self, py: Python<'_>) -> Result<PyTensor> {
                Ok(PyTensor::from(on_reals!(py, self.value(), x => x.$method())?))
            }
            /// The same in place.
            fn $in_place(slf: Bound<'_, Self>) -> Result<Bound<'_, Self>> {
                slf.get().check_in_place(stringify!($in_place))?;
                let result = on_reals!(slf.py(), slf.get().value(), x => x.$method())?;
                if !crate::dtype::is_float(slf.get().dtype()) {
                    return Err(Failure::wrong_type(concat!(
                        stringify!($in_place), ": the result is float, which this tensor cannot hold in place"
                    )));
                }
                slf.get().assign_result(stringify!($in_place), result)?;
                Ok(slf)
            }
        )* }
    };
}

functions! {
    /// √x
    sqrt sqrt_ => sqrt;
    /// 1 / √x
    rsqrt rsqrt_ => rsqrt;
    /// 1 / x
    reciprocal reciprocal_ => recip;
    /// e^x
    exp exp_ => exp;
    /// e^x - 1, exact near 0.
    expm1 expm1_ => expm1;
    /// The natural logarithm.
    log log_ => ln;
    /// ln(1 + x), exact near 0.
    log1p log1p_ => log1p;
    /// The logarithm to base 2.
    log2 log2_ => log2;
    /// The logarithm to base 10.
    log10 log10_ => log10;
    /// Sine, of radians.
    sin sin_ => sin;
    /// Cosine, of radians.
    cos cos_ => cos;
    /// Tangent, of radians.
    tan tan_ => tan;
    /// Inverse tangent, in radians.
    atan atan_ => atan;
    /// Inverse sine, in radians.
    asin asin_ => asin;
    /// Inverse sine, in radians.
    arcsin arcsin_ => asin;
    /// Inverse cosine, in radians.
    acos acos_ => acos;
    /// Inverse cosine, in radians.
    arccos arccos_ => acos;
    /// Inverse hyperbolic sine.
    asinh asinh_ => asinh;
    /// Inverse hyperbolic sine.
    arcsinh arcsinh_ => asinh;
    /// Inverse hyperbolic cosine.
    acosh acosh_ => acosh;
    /// Inverse hyperbolic cosine.
    arccosh arccosh_ => acosh;
    /// Inverse hyperbolic tangent.
    atanh atanh_ => atanh;
    /// Inverse hyperbolic tangent.
    arctanh arctanh_ => atanh;
    /// Hyperbolic sine.
    sinh sinh_ => sinh;
    /// Hyperbolic cosine.
    cosh cosh_ => cosh;
    /// Hyperbolic tangent.
    tanh tanh_ => tanh;
    /// The error function.
    erf erf_ => erf;
    /// 1 / (1 + e^-x)
    sigmoid sigmoid_ => sigmoid;
}

/// A function that whole numbers have too, or that leaves them as they are.
fn on_all(
    py: Python<'_>,
    value: AnyTensor,
    single: impl Fn(&Tensor<f32>) -> barehand_tensor::Result<Tensor<f32>> + Sync + Send,
    double: impl Fn(&Tensor<f64>) -> barehand_tensor::Result<Tensor<f64>> + Sync + Send,
    whole: impl WholeFunction,
) -> Result<AnyTensor> {
    let elements = len(&value);
    released(py, elements, || {
        Ok(match &value {
            AnyTensor::F32(x) => single(x)?.into(),
            AnyTensor::F64(x) => double(x)?.into(),
            AnyTensor::I64(x) => whole.apply(x)?.into(),
            AnyTensor::I32(x) => whole.apply(x)?.into(),
            AnyTensor::U8(x) => whole.apply(x)?.into(),
            AnyTensor::Bool(_) => {
                return Err(Failure::wrong_type("not defined for booleans: convert with .int() or .float()"));
            }
        })
    })
}

trait WholeFunction: Send + Sync {
    fn apply<T: Integer>(&self, x: &Tensor<T>) -> Result<Tensor<T>>;
}

macro_rules! functions_of_all {
    ($($(#[$doc:meta])* $name:ident $in_place:ident $struct:ident => $method:ident, $x:ident => $whole:expr;)*) => {
        $(
            struct $struct;
            impl WholeFunction for $struct {
                fn apply<T: Integer>(&self, $x: &Tensor<T>) -> Result<Tensor<T>> {
                    Ok($whole)
                }
            }
        )*
        #[pymethods]
        impl PyTensor { $(
            $(#[$doc])*
            fn $name(&self, py: Python<'_>) -> Result<PyTensor> {
                Ok(PyTensor::from(on_all(py, self.value(), Tensor::$method, Tensor::$method, $struct)?))
            }
            /// The same in place.
            fn $in_place(slf: Bound<'_, Self>) -> Result<Bound<'_, Self>> {
                slf.get().check_in_place(stringify!($in_place))?;
                let result = on_all(slf.py(), slf.get().value(), Tensor::$method, Tensor::$method, $struct)?;
                slf.get().assign_result(stringify!($in_place), result)?;
                Ok(slf)
            }
        )* }
    };
}

functions_of_all! {
    /// -x
    neg neg_ Neg => neg, x => integer::neg(x);
    /// |x|
    abs abs_ Abs => abs, x => integer::abs(x);
    /// -1, 0 or 1.
    sign sign_ Sign => sign, x => {
        let positive = integer::minimum(x, &Tensor::scalar(T::from_integer(1)))?;
        if T::LEAST == T::from_integer(0) { positive } else { integer::maximum(&positive, &Tensor::scalar(T::from_integer(-1)))? }
    };
    /// x²
    square square_ Square => square, x => integer::mul(x, x)?;
    /// max(x, 0)
    relu relu_ Relu => relu, x => integer::maximum(x, &Tensor::scalar(T::from_integer(0)))?;
    /// Rounded down.
    floor floor_ Floor => floor, x => x.clone();
    /// Rounded up.
    ceil ceil_ Ceil => ceil, x => x.clone();
    /// To the nearest whole number, halves to the even one.
    round round_ Round => round, x => x.clone();
    /// Toward zero.
    trunc trunc_ Trunc => trunc, x => x.clone();
}

#[pymethods]
impl PyTensor {
    fn __neg__(&self, py: Python<'_>) -> Result<PyTensor> {
        self.neg(py)
    }

    fn __pos__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __abs__(&self, py: Python<'_>) -> Result<PyTensor> {
        self.abs(py)
    }

    /// Where not a number.
    fn isnan(&self) -> PyTensor {
        match self.value() {
            AnyTensor::F32(x) => x.isnan().into(),
            AnyTensor::F64(x) => x.isnan().into(),
            other => Tensor::<bool>::zeros(other.shape()).into(),
        }
    }

    /// Where infinite.
    fn isinf(&self) -> PyTensor {
        match self.value() {
            AnyTensor::F32(x) => x.isinf().into(),
            AnyTensor::F64(x) => x.isinf().into(),
            other => Tensor::<bool>::zeros(other.shape()).into(),
        }
    }

    /// Where neither infinite nor not a number.
    fn isfinite(&self) -> PyTensor {
        match self.value() {
            AnyTensor::F32(x) => x.isfinite().into(),
            AnyTensor::F64(x) => x.isfinite().into(),
            other => Tensor::<bool>::ones(other.shape()).into(),
        }
    }

    /// Held between `min` and `max`, numbers or tensors, either of which may be left out.
    #[pyo3(signature = (min=None, max=None))]
    fn clamp(
        slf: &Bound<'_, Self>,
        min: Option<&Bound<'_, PyAny>>,
        max: Option<&Bound<'_, PyAny>>,
    ) -> Result<PyTensor> {
        let bound = |given: Option<&Bound<'_, PyAny>>| {
            given.map(|given| Operand::expected("clamp", given)).transpose()
        };
        let (min, max) = (bound(min)?, bound(max)?);
        if min.is_none() && max.is_none() {
            return Err(Failure::value("clamp", "at least one of min and max must be given"));
        }
        let py = slf.py();
        let value = slf.get().value();
        let number = |bound: &Option<Operand>, absent: f64| match bound {
            None => Some(absent),
            Some(Operand::Number(number)) => Some(number.real()),
            Some(Operand::Tensor(_)) => None,
        };
        if crate::dtype::is_float(value.dtype())
            && let (Some(low), Some(high)) = (number(&min, f64::NEG_INFINITY), number(&max, f64::INFINITY))
        {
            return Ok(PyTensor::from(on_reals!(py, value, x => x.clamp(low, high))?));
        }
        let mut value = value;
        if let Some(min) = min {
            value = Operation::Maximum.apply(py, value, min, false)?;
        }
        if let Some(max) = max {
            value = Operation::Minimum.apply(py, value, max, false)?;
        }
        Ok(PyTensor::from(value))
    }

    /// The same in place.
    #[pyo3(signature = (min=None, max=None))]
    fn clamp_<'py>(
        slf: Bound<'py, Self>,
        min: Option<&Bound<'py, PyAny>>,
        max: Option<&Bound<'py, PyAny>>,
    ) -> Result<Bound<'py, Self>> {
        slf.get().check_in_place("clamp_")?;
        let result = PyTensor::clamp(&slf, min, max)?.value();
        check_kind("clamp_", slf.get().dtype(), result.dtype())?;
        slf.get().assign_result("clamp_", result)?;
        Ok(slf)
    }

    // In place, whatever was there before.

    /// Every element 0.
    fn zero_(slf: Bound<'_, Self>) -> Result<Bound<'_, Self>> {
        Self::fill_(slf, Number::Int(0))
    }

    /// Every element `value`.
    fn fill_(slf: Bound<'_, Self>, value: Number) -> Result<Bound<'_, Self>> {
        slf.get().check_in_place("fill_")?;
        let (shape, dtype) = slf.get().look(|x| (x.shape().to_vec(), x.dtype()));
        slf.get().assign_result("fill_", filled(&shape, value.fitting(dtype)?, dtype))?;
        Ok(slf)
    }

    /// The values of `source`, broadcast and converted.
    #[pyo3(signature = (source, non_blocking=false))]
    fn copy_<'py>(
        slf: Bound<'py, Self>,
        source: &Bound<'py, PyAny>,
        non_blocking: bool,
    ) -> Result<Bound<'py, Self>> {
        // The copy is done when the call returns.
        let _ = non_blocking;
        slf.get().check_in_place("copy_")?;
        let (shape, dtype) = slf.get().look(|x| (x.shape().to_vec(), x.dtype()));
        let source = match source.cast::<PyTensor>() {
            Ok(tensor) => tensor.get().value(),
            Err(_) => crate::creation::from_python(source, None)?,
        };
        let source = cast(&source, dtype);
        let elements = len(&source);
        let copied = released(slf.py(), elements, || -> Result<AnyTensor> {
            barehand_tensor::each_tensor!(&source, x => Ok(x.expand(&shape)?.contiguous().into()))
        })?;
        slf.get().assign_result("copy_", copied)?;
        Ok(slf)
    }
}
