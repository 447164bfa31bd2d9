//! Activation functions.

use barehand_tensor::{AnyTensor, Gate, Tensor};
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;

use super::{alike, compute, not_float, on_floats, returned};
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
    /// min(max(x, 0), 6)
    relu6() => |x| x.relu6();
    /// min(max(x + 3, 0), 6) / 6
    hardsigmoid() => |x| x.hardsigmoid();
    /// x where positive, alpha (e^(x / alpha) - 1) elsewhere (Barron 2017).
    celu(alpha: f64 = 1.0) => |x| x.celu(alpha);
    /// min(max(x, min_val), max_val)
    hardtanh(min_val: f64 = -1.0, max_val: f64 = 1.0) => |x| x.hardtanh(min_val, max_val);
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
    /// x - tanh x
    tanhshrink => tanhshrink;
    /// (2/π) gd(π/2 x), where gd(u) = 2 atan(tanh(u/2)) is the Gudermannian: slope 1 at 0, limits ±1.
    gudermannian => gudermannian;
    /// x / √(1 + x²): slope 1 at 0, limits ±1.
    algebraic_sigmoid => algebraic_sigmoid;
    /// (2/π) atan(π/2 x): slope 1 at 0, limits ±1.
    arctangent_sigmoid => arctangent_sigmoid;
}

/// erf(√π/2 x): slope 1 at 0, limits ±1. With `printed`, erf(√(π/2) x), as it is often printed, with slope √2.
#[pyfunction]
#[pyo3(signature = (input, *, printed=false))]
fn erf_sigmoid(py: Python<'_>, input: &Bound<'_, PyTensor>, printed: bool) -> Result<PyTensor> {
    on_floats!("erf_sigmoid", input, x => compute(py, x.len(), || {
        if printed { x.erf_sigmoid_printed() } else { x.erf_sigmoid() }
    }))
}

/// x where it exceeds the threshold, `value` elsewhere.
#[pyfunction]
#[pyo3(signature = (input, threshold, value, inplace=false))]
fn threshold<'py>(
    input: &Bound<'py, PyTensor>,
    threshold: f64,
    value: f64,
    inplace: bool,
) -> Result<Bound<'py, PyTensor>> {
    let result =
        on_floats!("threshold", input, x => compute(input.py(), x.len(), || x.threshold(threshold, value)))?;
    returned("threshold", input, result, inplace)
}

/// x moved by lambd toward 0, which it does not pass.
#[pyfunction]
#[pyo3(signature = (input, lambd=0.5))]
fn softshrink(py: Python<'_>, input: &Bound<'_, PyTensor>, lambd: f64) -> Result<PyTensor> {
    if lambd.is_nan() || lambd < 0.0 {
        return Err(Failure::value(
            "softshrink",
            format!("lambd must be 0 or more, but found to be {lambd}"),
        ));
    }
    on_floats!("softshrink", input, x => compute(py, x.len(), || x.softshrink(lambd)))
}

/// x, and 0 where |x| is not above lambd.
#[pyfunction]
#[pyo3(signature = (input, lambd=0.5))]
fn hardshrink(py: Python<'_>, input: &Bound<'_, PyTensor>, lambd: f64) -> Result<PyTensor> {
    on_floats!("hardshrink", input, x => compute(py, x.len(), || x.hardshrink(lambd)))
}

/// x where positive, weight x elsewhere, with one learned slope or one for each channel, axis 1 (He et al. 2015).
#[pyfunction]
fn prelu(py: Python<'_>, input: &Bound<'_, PyTensor>, weight: &Bound<'_, PyTensor>) -> Result<PyTensor> {
    on_floats!("prelu", input, x => {
        let weight = alike("prelu", "weight", weight, &x)?;
        compute(py, x.len(), || x.prelu(&weight))
    })
}

/// x where positive; elsewhere in training x times a slope drawn from [lower, upper), else x times the middle one (Xu et al.
/// 2015).
#[pyfunction]
#[pyo3(signature = (input, lower=1.0 / 8.0, upper=1.0 / 3.0, training=false, inplace=false))]
fn rrelu<'py>(
    input: &Bound<'py, PyTensor>,
    lower: f64,
    upper: f64,
    training: bool,
    inplace: bool,
) -> Result<Bound<'py, PyTensor>> {
    let result = on_floats!("rrelu", input, x => compute(input.py(), x.len(), || {
        if training {
            crate::random::with_generator(None, |generator| x.rrelu(lower, upper, generator))
        } else {
            x.leaky_relu(f64::midpoint(lower, upper))
        }
    }))?;
    returned("rrelu", input, result, inplace)
}

/// a sigmoid(b), where a and b are the halves along an axis (Dauphin et al. 2017).
///
/// >>> F.glu(bh.tensor([2.0, 0.0]))
/// tensor([1.])
#[pyfunction]
#[pyo3(signature = (input, dim=-1))]
fn glu(py: Python<'_>, input: &Bound<'_, PyTensor>, dim: isize) -> Result<PyTensor> {
    on_floats!("glu", input, x => compute(py, x.len(), || x.glu(dim)))
}

macro_rules! gated {
    ($($(#[$doc:meta])* $name:ident => $gate:ident;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = (input, dim=-1, *, gate_first=true))]
        fn $name(py: Python<'_>, input: &Bound<'_, PyTensor>, dim: isize, gate_first: bool) -> Result<PyTensor> {
            on_floats!(stringify!($name), input, x => compute(py, x.len(), || {
                x.gated_linear_unit(Gate::$gate, gate_first, dim)
            }))
        }
    )* };
}

gated! {
    /// silu(g) v, where g and v are the halves along an axis (Shazeer 2020): the first half is the gate, or with
    /// `gate_first=False` the second.
    swiglu => Silu;
    /// gelu(g) v, where g and v are the halves along an axis (Shazeer 2020): the first half is the gate, or with
    /// `gate_first=False` the second.
    geglu => Gelu;
    /// relu(g) v, where g and v are the halves along an axis (Shazeer 2020): the first half is the gate, or with
    /// `gate_first=False` the second.
    reglu => Relu;
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
    /// e^(-x) / Σ e^(-x) along an axis: the smallest is likeliest.
    softmin, c"Implicit dimension choice for softmin has been deprecated. Change the call to include dim=X as an argument.";
    /// x - ln Σ e^x along an axis.
    log_softmax, c"Implicit dimension choice for log_softmax has been deprecated. Change the call to include dim=X as an argument.";
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    register_in_place(module)?;
    register_plain(module)?;
    module.add_function(wrap_pyfunction!(gelu, module)?)?;
    module.add_function(wrap_pyfunction!(erf_sigmoid, module)?)?;
    module.add_function(wrap_pyfunction!(threshold, module)?)?;
    module.add_function(wrap_pyfunction!(softshrink, module)?)?;
    module.add_function(wrap_pyfunction!(hardshrink, module)?)?;
    module.add_function(wrap_pyfunction!(prelu, module)?)?;
    module.add_function(wrap_pyfunction!(rrelu, module)?)?;
    module.add_function(wrap_pyfunction!(glu, module)?)?;
    module.add_function(wrap_pyfunction!(swiglu, module)?)?;
    module.add_function(wrap_pyfunction!(geglu, module)?)?;
    module.add_function(wrap_pyfunction!(reglu, module)?)?;
    module.add_function(wrap_pyfunction!(softmin, module)?)?;
    module.add_function(wrap_pyfunction!(softplus, module)?)?;
    module.add_function(wrap_pyfunction!(softmax, module)?)?;
    module.add_function(wrap_pyfunction!(log_softmax, module)?)
}
