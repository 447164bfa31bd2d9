//! Convolution and pooling over images (N, C, H, W), or one image (C, H, W).

use barehand_tensor::{AvgPool2dOptions, Conv2dOptions, Float, MaxPool2dOptions, Tensor};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{Pair, alike, compute, maybe_alike, on_floats};
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

/// Runs a function over (N, C, H, W) on one image as well.
fn batched<T: Float>(
    x: &Tensor<T>,
    function: impl FnOnce(&Tensor<T>) -> barehand_tensor::Result<Tensor<T>>,
) -> barehand_tensor::Result<Tensor<T>> {
    if x.rank() == 3 { function(&x.unsqueeze(0)?)?.squeeze(0) } else { function(x) }
}

/// Zeros around an image.
enum Padding {
    Given([usize; 2]),
    /// None: only places where the whole kernel fits.
    Valid,
    /// As many as keep the image's size.
    Same,
}

impl<'py> FromPyObject<'_, 'py> for Padding {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let Ok(name) = given.cast::<PyString>() else {
            return Ok(Padding::Given(given.extract::<Pair>()?.0));
        };
        match name.to_string().as_str() {
            "valid" => Ok(Padding::Valid),
            "same" => Ok(Padding::Same),
            other => {
                Err(Failure::value("conv2d", format!("padding '{other}' is neither 'valid' nor 'same'"))
                    .into())
            }
        }
    }
}

/// Each output place is the sum of a window times the kernel (cross-correlation: the kernel is not flipped).
///
/// Input (N, C, H, W) or (C, H, W), weight (K, C / groups, kernel height, kernel width), bias (K); the output's sides are
/// (side + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down. `padding` is a number, a pair, "valid" (none)
/// or "same" (the output is as large as the input; stride 1 only).
///
/// >>> F.conv2d(bh.ones(1, 1, 3, 3), bh.ones(1, 1, 3, 3), padding="same")[0, 0, 1, 1].item()
/// 9.0
#[pyfunction]
#[pyo3(signature = (input, weight, bias=None, stride=Pair([1, 1]), padding=Padding::Given([0, 0]), dilation=Pair([1, 1]), groups=1),
       text_signature = "(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)")]
fn conv2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    weight: &Bound<'_, PyTensor>,
    bias: Option<&Bound<'_, PyTensor>>,
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: usize,
) -> Result<PyTensor> {
    let kernel = weight.get().look(|w| w.shape().get(2..4).map(|sides| [sides[0], sides[1]]));
    // Zeros on both sides, and one more below or to the right where their number is odd.
    let (padding, more) = match (padding, kernel) {
        (Padding::Given(padding), _) => (padding, [0, 0]),
        (Padding::Same, Some(kernel)) => {
            if stride.0 != [1, 1] {
                return Err(Failure::value(
                    "conv2d",
                    "padding='same' is not supported for strided convolutions",
                ));
            }
            let total = [0, 1].map(|axis| dilation.0[axis] * kernel[axis].saturating_sub(1));
            (total.map(|n| n / 2), total.map(|n| n % 2))
        }
        _ => ([0, 0], [0, 0]),
    };
    let options = Conv2dOptions { stride: stride.0, padding, dilation: dilation.0, groups };
    on_floats!("conv2d", input, x => {
        let weight = alike("conv2d", "weight", weight, &x)?;
        let bias = maybe_alike("conv2d", "bias", bias, &x)?;
        compute(py, x.len().max(weight.len()), || batched(&x, |x| {
            if more == [0, 0] || x.rank() != 4 {
                return x.conv2d(&weight, bias.as_ref(), options);
            }
            let uneven = x.pad(&[(0, 0), (0, 0), (0, more[0]), (0, more[1])], Default::default())?;
            uneven.conv2d(&weight, bias.as_ref(), options)
        }))
    })
}

/// The largest element of each window. `stride` is the kernel's size where it is not given.
#[pyfunction]
#[pyo3(signature = (input, kernel_size, stride=None, padding=Pair([0, 0]), dilation=Pair([1, 1]), ceil_mode=false),
       text_signature = "(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False)")]
fn max_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    kernel_size: Pair,
    stride: Option<Pair>,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> Result<PyTensor> {
    let options = MaxPool2dOptions {
        kernel: kernel_size.0,
        stride: stride.map_or(kernel_size.0, |stride| stride.0),
        padding: padding.0,
        dilation: dilation.0,
        ceil_mode,
    };
    on_floats!("max_pool2d", input, x => compute(py, x.len(), || batched(&x, |x| x.max_pool2d(options))))
}

/// The mean of each window; zeros around the image count unless `count_include_pad=False`.
#[pyfunction]
#[pyo3(signature = (input, kernel_size, stride=None, padding=Pair([0, 0]), ceil_mode=false, count_include_pad=true, divisor_override=None),
       text_signature = "(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)")]
fn avg_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    kernel_size: Pair,
    stride: Option<Pair>,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<usize>,
) -> Result<PyTensor> {
    let options = AvgPool2dOptions {
        kernel: kernel_size.0,
        stride: stride.map_or(kernel_size.0, |stride| stride.0),
        padding: padding.0,
        ceil_mode,
        count_include_pad,
        divisor_override,
    };
    on_floats!("avg_pool2d", input, x => compute(py, x.len(), || batched(&x, |x| x.avg_pool2d(options))))
}

/// The sides of an adaptive pooling's output; `None` keeps the image's.
struct OutputSize([Option<usize>; 2]);

impl<'py> FromPyObject<'_, 'py> for OutputSize {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(pair) = given.extract::<(Option<usize>, Option<usize>)>() {
            return Ok(OutputSize([pair.0, pair.1]));
        }
        Ok(OutputSize(given.extract::<Pair>()?.0.map(Some)))
    }
}

/// The means of as many windows as the output has places; together they cover the image.
#[pyfunction]
fn adaptive_avg_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    output_size: OutputSize,
) -> Result<PyTensor> {
    on_floats!("adaptive_avg_pool2d", input, x => compute(py, x.len(), || batched(&x, |x| {
        let side = |axis: usize| {
            let image = x.shape().len().checked_sub(2).map_or(0, |first| x.shape()[first + axis]);
            output_size.0[axis].unwrap_or(image)
        };
        x.adaptive_avg_pool2d([side(0), side(1)])
    })))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(conv2d, module)?)?;
    module.add_function(wrap_pyfunction!(max_pool2d, module)?)?;
    module.add_function(wrap_pyfunction!(avg_pool2d, module)?)?;
    module.add_function(wrap_pyfunction!(adaptive_avg_pool2d, module)?)
}
