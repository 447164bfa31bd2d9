//! `barehand.nn.init`: initial values, drawn in place, from a generator of one's own or the default one.

use barehand_nn::init::{self, Fan, Nonlinearity};
use barehand_tensor::{AnyTensor, DType};
use pyo3::prelude::*;

use super::{not_float, overwrite};
use crate::creation::{Number, filled};
use crate::error::{Failure, Result};
use crate::random::{PyGenerator, with_generator};
use crate::tensor::{PyTensor, released};

/// Fills a tensor in either precision with what a function of its shape draws.
macro_rules! draw {
    ($operation:literal, $tensor:expr, $given:expr, |$shape:ident, $generator:ident| $values:expr) => {{
        let (tensor, given): (_, Option<&Bound<'_, PyGenerator>>) = ($tensor, $given);
        let given = given.map(Bound::get);
        let ($shape, dtype) = tensor.get().look(|x| (x.shape().to_vec(), x.dtype()));
        let elements = $shape.iter().product();
        let values = released(tensor.py(), elements, || -> barehand_tensor::Result<Option<AnyTensor>> {
            with_generator(given, |$generator| {
                Ok(Some(match dtype {
                    DType::F32 => AnyTensor::F32($values),
                    DType::F64 => AnyTensor::F64($values),
                    _ => return Ok(None),
                }))
            })
        })?;
        let values = values.ok_or_else(|| not_float($operation, dtype))?;
        overwrite($operation, tensor.get(), &values)?;
        Ok(tensor)
    }};
}

/// The uniform distribution on [a, b).
#[pyfunction]
#[pyo3(signature = (tensor, a=0.0, b=1.0, generator=None))]
fn uniform_<'py>(
    tensor: Bound<'py, PyTensor>,
    a: f64,
    b: f64,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    if !(a <= b && (b - a).is_finite()) {
        return Err(Failure::value("uniform_", format!("no finite interval leads from {a} to {b}")));
    }
    draw!("uniform_", tensor, generator, |shape, generator| init::uniform(&shape, a, b, generator))
}

/// The normal distribution.
#[pyfunction]
#[pyo3(signature = (tensor, mean=0.0, std=1.0, generator=None))]
fn normal_<'py>(
    tensor: Bound<'py, PyTensor>,
    mean: f64,
    std: f64,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    if std.is_nan() || std < 0.0 {
        return Err(Failure::value(
            "normal_",
            format!("the standard deviation must be 0 or more, not {std}"),
        ));
    }
    draw!("normal_", tensor, generator, |shape, generator| init::normal(&shape, mean, std, generator))
}

/// Every element `val`.
#[pyfunction]
fn constant_(tensor: Bound<'_, PyTensor>, val: Number) -> Result<Bound<'_, PyTensor>> {
    let values = tensor.get().look(|x| filled(x.shape(), val, x.dtype()));
    overwrite("constant_", tensor.get(), &values)?;
    Ok(tensor)
}

/// Every element 0.
#[pyfunction]
fn zeros_(tensor: Bound<'_, PyTensor>) -> Result<Bound<'_, PyTensor>> {
    constant_(tensor, Number::Int(0))
}

/// Every element 1.
#[pyfunction]
fn ones_(tensor: Bound<'_, PyTensor>) -> Result<Bound<'_, PyTensor>> {
    constant_(tensor, Number::Int(1))
}

/// What follows the layer. `a` is the slope of a leaky ReLU.
fn following(nonlinearity: &str, a: Option<f64>) -> Result<Nonlinearity> {
    Ok(match nonlinearity {
        "linear" | "conv1d" | "conv2d" | "conv3d" | "conv_transpose1d" | "conv_transpose2d"
        | "conv_transpose3d" | "sigmoid" => Nonlinearity::Linear,
        "tanh" => Nonlinearity::Tanh,
        "relu" => Nonlinearity::ReLU,
        "leaky_relu" => Nonlinearity::LeakyReLU(a.unwrap_or(0.01)),
        "selu" => Nonlinearity::SELU,
        other => return Err(Failure::value("calculate_gain", format!("Unsupported nonlinearity {other}"))),
    })
}

/// The recommended gain for what follows a layer: 1, 5/3 for "tanh", √2 for "relu", √(2 / (1 + param²)) for "leaky_relu"
/// (`param` 0.01 by default), 3/4 for "selu".
#[pyfunction]
#[pyo3(signature = (nonlinearity, param=None))]
fn calculate_gain(nonlinearity: &str, param: Option<f64>) -> Result<f64> {
    Ok(following(nonlinearity, param)?.gain())
}

fn fan(mode: &str) -> Result<Fan> {
    match mode.to_ascii_lowercase().as_str() {
        "fan_in" => Ok(Fan::In),
        "fan_out" => Ok(Fan::Out),
        other => Err(Failure::value(
            "kaiming",
            format!("Mode {other} not supported, please use one of ['fan_in', 'fan_out']"),
        )),
    }
}

/// Uniform on ±gain √(3 / fan) (He et al. 2015).
#[pyfunction]
#[pyo3(signature = (tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None))]
fn kaiming_uniform_<'py>(
    tensor: Bound<'py, PyTensor>,
    a: f64,
    mode: &str,
    nonlinearity: &str,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    let (fan, follows) = (fan(mode)?, following(nonlinearity, Some(a))?);
    draw!("kaiming_uniform_", tensor, generator, |shape, generator| init::kaiming_uniform(
        &shape, fan, follows, generator
    )?)
}

/// Normal with standard deviation gain / √fan (He et al. 2015).
#[pyfunction]
#[pyo3(signature = (tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None))]
fn kaiming_normal_<'py>(
    tensor: Bound<'py, PyTensor>,
    a: f64,
    mode: &str,
    nonlinearity: &str,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    let (fan, follows) = (fan(mode)?, following(nonlinearity, Some(a))?);
    draw!("kaiming_normal_", tensor, generator, |shape, generator| init::kaiming_normal(
        &shape, fan, follows, generator
    )?)
}

/// Uniform on ±gain √(6 / (fan in + fan out)) (Glorot and Bengio 2010).
#[pyfunction]
#[pyo3(signature = (tensor, gain=1.0, generator=None))]
fn xavier_uniform_<'py>(
    tensor: Bound<'py, PyTensor>,
    gain: f64,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    draw!("xavier_uniform_", tensor, generator, |shape, generator| init::xavier_uniform(
        &shape, gain, generator
    )?)
}

/// Normal with standard deviation gain √(2 / (fan in + fan out)) (Glorot and Bengio 2010).
#[pyfunction]
#[pyo3(signature = (tensor, gain=1.0, generator=None))]
fn xavier_normal_<'py>(
    tensor: Bound<'py, PyTensor>,
    gain: f64,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    draw!("xavier_normal_", tensor, generator, |shape, generator| init::xavier_normal(
        &shape, gain, generator
    )?)
}

/// The normal distribution within [a, b].
#[pyfunction]
#[pyo3(signature = (tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None))]
fn trunc_normal_<'py>(
    tensor: Bound<'py, PyTensor>,
    mean: f64,
    std: f64,
    a: f64,
    b: f64,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    draw!("trunc_normal_", tensor, generator, |shape, generator| init::trunc_normal(
        &shape, mean, std, a, b, generator
    )?)
}

/// A matrix with orthonormal rows or columns, whichever are fewer, times gain (Saxe et al. 2014); axes from the second on are
/// taken together.
#[pyfunction]
#[pyo3(signature = (tensor, gain=1.0, generator=None))]
fn orthogonal_<'py>(
    tensor: Bound<'py, PyTensor>,
    gain: f64,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    draw!("orthogonal_", tensor, generator, |shape, generator| init::orthogonal(&shape, gain, generator)?)
}

/// Normal with this deviation, and in each column a share of `sparsity` zeros, rounded up (Martens 2010).
#[pyfunction]
#[pyo3(signature = (tensor, sparsity, std=0.01, generator=None))]
fn sparse_<'py>(
    tensor: Bound<'py, PyTensor>,
    sparsity: f64,
    std: f64,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<Bound<'py, PyTensor>> {
    draw!("sparse_", tensor, generator, |shape, generator| init::sparse(&shape, sparsity, std, generator)?)
}

/// Ones on the diagonal of a matrix, zeros elsewhere.
///
/// >>> bh.nn.init.eye_(bh.empty(2, 3))
/// tensor([[1., 0., 0.],
///         [0., 1., 0.]])
#[pyfunction]
fn eye_(tensor: Bound<'_, PyTensor>) -> Result<Bound<'_, PyTensor>> {
    draw!("eye_", tensor, None, |shape, _generator| init::eye(&shape)?)
}

/// A convolution's weight (out, in, kernel...) that passes on as many channels as it can, in each group.
#[pyfunction]
#[pyo3(signature = (tensor, groups=1))]
fn dirac_(tensor: Bound<'_, PyTensor>, groups: usize) -> Result<Bound<'_, PyTensor>> {
    draw!("dirac_", tensor, None, |shape, _generator| init::dirac(&shape, groups)?)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(trunc_normal_, module)?)?;
    module.add_function(wrap_pyfunction!(orthogonal_, module)?)?;
    module.add_function(wrap_pyfunction!(sparse_, module)?)?;
    module.add_function(wrap_pyfunction!(eye_, module)?)?;
    module.add_function(wrap_pyfunction!(dirac_, module)?)?;
    module.add_function(wrap_pyfunction!(uniform_, module)?)?;
    module.add_function(wrap_pyfunction!(normal_, module)?)?;
    module.add_function(wrap_pyfunction!(constant_, module)?)?;
    module.add_function(wrap_pyfunction!(zeros_, module)?)?;
    module.add_function(wrap_pyfunction!(ones_, module)?)?;
    module.add_function(wrap_pyfunction!(calculate_gain, module)?)?;
    module.add_function(wrap_pyfunction!(kaiming_uniform_, module)?)?;
    module.add_function(wrap_pyfunction!(kaiming_normal_, module)?)?;
    module.add_function(wrap_pyfunction!(xavier_uniform_, module)?)?;
    module.add_function(wrap_pyfunction!(xavier_normal_, module)?)
}
