//! Activation functions.

use barehand_tensor::{AnyTensor, Tensor};
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;

use super::{compute, not_float, on_floats, returned};
use crate::dtype::DTypeArgument;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast};

macro_rules! in_place {
    ($($(#[$doc:meta])* $name:ident ( $($option:ident: $kind:ty = $default:literal),* ) => |$x:ident| $y:expr;)*) => {
        $(
            $(#[$doc])*
            #[pyfunction]
            #[pyo3(signature = (input, $($option=$default,)* inplace=false))]
            fn $name<'py>(
                input: &Bound<'py, PyTensor>,
                $($option: $kind,)*
                inplace: bool,
            ) -> Result<Bound<'py, PyTensor>> {
                let operation = stringify!($name);
                let result = on_floats!(operation, input, $x => compute(input.py(), $x.len(), || $y))?;
                returned(operation, input, result, inplace)
            }
        )*

        fn register_in_place(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_function(wrap_pyfunction!($name, module)?)?;)*
            Ok(())
        }
    };
}

in_place! {
    /// max(x, 0)
    ///
    /// >>> F.relu(bh.tensor([-1.0, 2.0]))
    /// tensor([0., 2.])
    relu() => |x| x.relu();
    /// x where positive, negative_slope x elsewhere.
    leaky_relu(negative_slope: f64 = 0.01) => |x| x.leaky_relu(negative_slope);
    /// x where positive, alpha (e^x - 1) elsewhere (Clevert et al. 2016).
    elu(alpha: f64 = 1.0) => |x| x.elu(alpha);
    /// The scaled exponential linear unit (Klambauer et al. 2017).
    selu() => |x| x.selu();
    /// x sigmoid(x), also called swish.
    silu() => |x| x.silu();
    /// x tanh(softplus(x)) (Misra 2019).
    mish() => |x| x.mish();
    /// x min(max(x + 3, 0), 6) / 6
    hardswish() => |x| x.hardswish();
}

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident => $method:ident;)*) => {
        $(
            $(#[$doc])*
            #[pyfunction]
            fn $name(py: Python<'_>, input: &Bound<'_, PyTensor>) -> Result<PyTensor> {
                on_floats!(stringify!($name), input, x => compute(py, x.len(), || x.$method()))
            }
        )*

        fn register_plain(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_function(wrap_pyfunction!($name, module)?)?;)*
            Ok(())
        }
    };
}

plain! {
    /// 1 / (1 + e^-x)
    sigmoid => sigmoid;
    /// The hyperbolic tangent.
    tanh => tanh;
    /// ln sigmoid(x), without overflow.
    logsigmoid => log_sigmoid;
    /// x / (1 + |x|)
    softsign => softsign;
}

/// x Φ(x), Φ the normal distribution function, or with `approximate="tanh"` its approximation (Hendrycks and Gimpel 2016).
#[pyfunction]
#[pyo3(signature = (input, *, approximate="none"))]
fn gelu(py: Python<'_>, input: &Bound<'_, PyTensor>, approximate: &str) -> Result<PyTensor> {
    let tanh = match approximate {
        "none" => false,
        "tanh" => true,
        other => {
            return Err(Failure::value(
                "gelu",
                format!("approximate argument must be either none or tanh, not {other}"),
            ));
        }
    };
    on_floats!("gelu", input, x => compute(py, x.len(), || if tanh { x.gelu_tanh() } else { x.gelu() }))
}

/// ln(1 + e^(beta x)) / beta, and x itself where beta x exceeds the threshold.
#[pyfunction]
#[pyo3(signature = (input, beta=1.0, threshold=20.0))]
fn softplus(py: Python<'_>, input: &Bound<'_, PyTensor>, beta: f64, threshold: f64) -> Result<PyTensor> {
    on_floats!("softplus", input, x => compute(py, x.len(), || x.softplus(beta, threshold)))
}

/// PyTorch's choice of an axis where none is named.
fn axis(py: Python<'_>, operation: &std::ffi::CStr, dim: Option<isize>, rank: usize) -> Result<isize> {
    if let Some(dim) = dim {
        return Ok(dim);
    }
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), operation, 1)?;
    Ok(isize::from(!matches!(rank, 0 | 1 | 3)))
}

/// The input in the type that is asked for, and one axis even where it has none.
fn prepared(input: &Bound<'_, PyTensor>, dtype: Option<DTypeArgument>) -> AnyTensor {
    let value = input.get().value();
    match dtype {
        Some(DTypeArgument(dtype)) if dtype != value.dtype() => cast(&value, dtype),
        _ => value,
    }
}

macro_rules! along_an_axis {
    ($($(#[$doc:meta])* $name:ident, $warning:literal;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = (input, dim=None, *, dtype=None))]
        fn $name(
            py: Python<'_>,
            input: &Bound<'_, PyTensor>,
            dim: Option<isize>,
            dtype: Option<DTypeArgument>,
        ) -> Result<PyTensor> {
            fn along<T: barehand_tensor::Float>(x: &Tensor<T>, dim: isize) -> barehand_tensor::Result<Tensor<T>> {
                // A number alone is a row of one.
                if x.rank() == 0 { x.unsqueeze(0)?.$name(dim)?.squeeze(0) } else { x.$name(dim) }
            }
            let value = prepared(input, dtype);
            let dim = axis(py, $warning, dim, value.shape().len())?;
            match value {
                AnyTensor::F32(x) => Ok(compute(py, x.len(), || along(&x, dim))?.into()),
                AnyTensor::F64(x) => Ok(compute(py, x.len(), || along(&x, dim))?.into()),
                other => Err(not_float(stringify!($name), other.dtype())),
            }
        }
    )* };
}

along_an_axis! {
    /// e^x / Σ e^x along an axis.
    ///
    /// >>> F.softmax(bh.zeros(4), dim=0)
    /// tensor([0.2500, 0.2500, 0.2500, 0.2500])
    softmax, c"Implicit dimension choice for softmax has been deprecated. Change the call to include dim=X as an argument.";
    /// x - ln Σ e^x along an axis.
    log_softmax, c"Implicit dimension choice for log_softmax has been deprecated. Change the call to include dim=X as an argument.";
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    register_in_place(module)?;
    register_plain(module)?;
    module.add_function(wrap_pyfunction!(gelu, module)?)?;
    module.add_function(wrap_pyfunction!(softplus, module)?)?;
    module.add_function(wrap_pyfunction!(softmax, module)?)?;
    module.add_function(wrap_pyfunction!(log_softmax, module)?)
}
