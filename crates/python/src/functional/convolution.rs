//! Convolution over sequences (N, C, L) and images (N, C, H, W), or one of them without N; windows as columns.

use barehand_tensor::{
    Conv2dOptions, ConvKernel, ConvOptions, ConvTransposeOptions, Float, Tensor, same_padding,
};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{Sides, alike, compute, maybe_alike, on_floats};
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

/// Runs a function over (N, C, ...) on one sample without N, of `D` axes behind its channels, as well.
pub fn batched<const D: usize, T: Float>(
    x: &Tensor<T>,
    function: impl FnOnce(&Tensor<T>) -> barehand_tensor::Result<Tensor<T>>,
) -> barehand_tensor::Result<Tensor<T>> {
    if x.rank() == D + 1 { function(&x.unsqueeze(0)?)?.squeeze(0) } else { function(x) }
}

/// Zeros around the input.
enum Padding<const D: usize> {
    Given([usize; D]),
    /// None: only places where the whole kernel fits.
    Valid,
    /// As many as keep the input's size.
    Same,
}

impl<'py, const D: usize> FromPyObject<'_, 'py> for Padding<D> {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let Ok(name) = given.cast::<PyString>() else {
            return Ok(Padding::Given(given.extract::<Sides<D>>()?.0));
        };
        match name.to_string().as_str() {
            "valid" => Ok(Padding::Valid),
            "same" => Ok(Padding::Same),
            other => {
                let message = format!("padding '{other}' is neither 'valid' nor 'same'");
                Err(Failure::value("convolution", message).into())
            }
        }
    }
}

impl<const D: usize> Padding<D> {
    /// Zeros on both sides, and how many more behind the input where their number is odd.
    fn resolve(
        self,
        name: &str,
        kernel: Option<[usize; D]>,
        stride: [usize; D],
        dilation: [usize; D],
    ) -> Result<([usize; D], [usize; D])> {
        match (self, kernel) {
            (Padding::Given(padding), _) => Ok((padding, [0; D])),
            (Padding::Same, _) if stride != [1; D] => {
                Err(Failure::value(name, "padding='same' is not supported for strided convolutions"))
            }
            (Padding::Same, Some(kernel)) => {
                let sides: [_; D] = std::array::from_fn(|axis| same_padding(kernel[axis], dilation[axis]));
                Ok((sides.map(|side| side.0), sides.map(|side| side.1 - side.0)))
            }
            _ => Ok(([0; D], [0; D])),
        }
    }
}

/// The sides of a kernel, where the weight has as many axes as it should.
fn kernel_of<const D: usize>(weight: &PyTensor) -> Option<[usize; D]> {
    weight.look(|w| w.shape().get(2..).and_then(|sides| sides.try_into().ok()))
}

/// `x` with zeros behind its last axes.
fn longer<const D: usize, T: Float>(x: &Tensor<T>, more: [usize; D]) -> barehand_tensor::Result<Tensor<T>> {
    if more == [0; D] || x.rank() != D + 2 {
        return Ok(x.clone());
    }
    let amounts: Vec<_> = [0, 0].into_iter().chain(more).map(|more| (0, more)).collect();
    x.pad(&amounts, T::default())
}

/// Each output place is the sum of a window times the kernel (cross-correlation: the kernel is not flipped).
///
/// Input (N, C, L) or (C, L), weight (K, C / groups, kernel length), bias (K); the output is
/// (L + 2 padding - dilation (kernel - 1) - 1) / stride + 1 long, rounded down. `padding` is a number, "valid" (none) or
/// "same" (the output is as long as the input; stride 1 only). Flip the weight for the convolution of mathematics.
///
/// >>> x, w = bh.tensor([[[1.0, 2.0, 4.0, 8.0]]]), bh.tensor([[[1.0, 10.0]]])
/// >>> F.conv1d(x, w)
/// tensor([[[21., 42., 84.]]])
/// >>> F.conv1d(x, w.flip(-1))
/// tensor([[[12., 24., 48.]]])
#[pyfunction]
#[pyo3(signature = (input, weight, bias=None, stride=Sides([1]), padding=Padding::Given([0]), dilation=Sides([1]), groups=1),
       text_signature = "(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)")]
fn conv1d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    weight: &Bound<'_, PyTensor>,
    bias: Option<&Bound<'_, PyTensor>>,
    stride: Sides<1>,
    padding: Padding<1>,
    dilation: Sides<1>,
    groups: usize,
) -> Result<PyTensor> {
    let (padding, more) = padding.resolve("conv1d", kernel_of(weight.get()), stride.0, dilation.0)?;
    let kernel = ConvKernel::CrossCorrelation;
    let options = ConvOptions { stride: stride.0, padding, dilation: dilation.0, groups, kernel };
    on_floats!("conv1d", input, x => {
        let weight = alike("conv1d", "weight", weight, &x)?;
        let bias = maybe_alike("conv1d", "bias", bias, &x)?;
        compute(py, x.len().max(weight.len()), || {
            batched::<1, _>(&x, |x| longer(x, more)?.conv1d(&weight, bias.as_ref(), options))
        })
    })
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
#[pyo3(signature = (input, weight, bias=None, stride=Sides([1, 1]), padding=Padding::Given([0, 0]), dilation=Sides([1, 1]), groups=1),
       text_signature = "(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)")]
fn conv2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    weight: &Bound<'_, PyTensor>,
    bias: Option<&Bound<'_, PyTensor>>,
    stride: Sides<2>,
    padding: Padding<2>,
    dilation: Sides<2>,
    groups: usize,
) -> Result<PyTensor> {
    let (padding, more) = padding.resolve("conv2d", kernel_of(weight.get()), stride.0, dilation.0)?;
    let kernel = ConvKernel::CrossCorrelation;
    let options = ConvOptions { stride: stride.0, padding, dilation: dilation.0, groups, kernel };
    on_floats!("conv2d", input, x => {
        let weight = alike("conv2d", "weight", weight, &x)?;
        let bias = maybe_alike("conv2d", "bias", bias, &x)?;
        compute(py, x.len().max(weight.len()), || {
            batched::<2, _>(&x, |x| longer(x, more)?.conv2d(&weight, bias.as_ref(), options))
        })
    })
}

/// The transpose of `conv1d`: each input element is scattered over a window, times the kernel.
///
/// Input (N, C, L) or (C, L), weight (C, K / groups, kernel length), bias (K); the output is
/// (L - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1 long.
///
/// >>> F.conv_transpose1d(bh.tensor([[[1.0, 2.0]]]), bh.tensor([[[1.0, 10.0, 100.0]]]), stride=2)
/// tensor([[[  1.,  10., 102.,  20., 200.]]])
#[pyfunction]
#[pyo3(signature = (input, weight, bias=None, stride=Sides([1]), padding=Sides([0]), output_padding=Sides([0]), groups=1, dilation=Sides([1])),
       text_signature = "(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)")]
fn conv_transpose1d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    weight: &Bound<'_, PyTensor>,
    bias: Option<&Bound<'_, PyTensor>>,
    stride: Sides<1>,
    padding: Sides<1>,
    output_padding: Sides<1>,
    groups: usize,
    dilation: Sides<1>,
) -> Result<PyTensor> {
    const NAME: &str = "conv_transpose1d";
    let (stride, padding, output_padding, dilation) = (stride.0, padding.0, output_padding.0, dilation.0);
    let options = ConvTransposeOptions { stride, padding, output_padding, dilation, groups };
    on_floats!(NAME, input, x => {
        let weight = alike(NAME, "weight", weight, &x)?;
        let bias = maybe_alike(NAME, "bias", bias, &x)?;
        compute(py, x.len().max(weight.len()), || {
            batched::<1, _>(&x, |x| x.conv_transpose1d(&weight, bias.as_ref(), options))
        })
    })
}

/// The transpose of `conv2d`: each input element is scattered over a window, times the kernel.
///
/// Input (N, C, H, W) or (C, H, W), weight (C, K / groups, kernel height, kernel width), bias (K); the output's sides are
/// (side - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
///
/// >>> F.conv_transpose2d(bh.ones(1, 1, 2, 2), bh.ones(1, 1, 2, 2))
/// tensor([[[[1., 2., 1.],
///           [2., 4., 2.],
///           [1., 2., 1.]]]])
#[pyfunction]
#[pyo3(signature = (input, weight, bias=None, stride=Sides([1, 1]), padding=Sides([0, 0]), output_padding=Sides([0, 0]), groups=1, dilation=Sides([1, 1])),
       text_signature = "(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)")]
fn conv_transpose2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    weight: &Bound<'_, PyTensor>,
    bias: Option<&Bound<'_, PyTensor>>,
    stride: Sides<2>,
    padding: Sides<2>,
    output_padding: Sides<2>,
    groups: usize,
    dilation: Sides<2>,
) -> Result<PyTensor> {
    const NAME: &str = "conv_transpose2d";
    let (stride, padding, output_padding, dilation) = (stride.0, padding.0, output_padding.0, dilation.0);
    let options = ConvTransposeOptions { stride, padding, output_padding, dilation, groups };
    on_floats!(NAME, input, x => {
        let weight = alike(NAME, "weight", weight, &x)?;
        let bias = maybe_alike(NAME, "bias", bias, &x)?;
        compute(py, x.len().max(weight.len()), || {
            batched::<2, _>(&x, |x| x.conv_transpose2d(&weight, bias.as_ref(), options))
        })
    })
}

fn windows(stride: Sides<2>, padding: Sides<2>, dilation: Sides<2>) -> Conv2dOptions {
    Conv2dOptions { stride: stride.0, padding: padding.0, dilation: dilation.0, ..Conv2dOptions::default() }
}

/// Every window of (N, C, H, W) or (C, H, W) as a column (im2col): (N, C kernel height kernel width, places).
///
/// >>> F.unfold(bh.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]), 2)
/// tensor([[[1., 2.],
///          [2., 3.],
///          [4., 5.],
///          [5., 6.]]])
#[pyfunction]
#[pyo3(signature = (input, kernel_size, dilation=Sides([1, 1]), padding=Sides([0, 0]), stride=Sides([1, 1])),
       text_signature = "(input, kernel_size, dilation=1, padding=0, stride=1)")]
fn unfold(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    kernel_size: Sides<2>,
    dilation: Sides<2>,
    padding: Sides<2>,
    stride: Sides<2>,
) -> Result<PyTensor> {
    let options = windows(stride, padding, dilation);
    on_floats!("unfold", input, x => {
        compute(py, x.len(), || batched::<2, _>(&x, |x| x.unfold2d(kernel_size.0, options)))
    })
}

/// Columns (N, C kernel height kernel width, places), or without N, added up to images of `output_size` where their windows
/// lie (col2im): the transpose of `unfold`.
///
/// >>> F.fold(bh.ones(1, 4, 2), (2, 3), 2)
/// tensor([[[[1., 2., 1.],
///           [1., 2., 1.]]]])
#[pyfunction]
#[pyo3(signature = (input, output_size, kernel_size, dilation=Sides([1, 1]), padding=Sides([0, 0]), stride=Sides([1, 1])),
       text_signature = "(input, output_size, kernel_size, dilation=1, padding=0, stride=1)")]
fn fold(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    output_size: Sides<2>,
    kernel_size: Sides<2>,
    dilation: Sides<2>,
    padding: Sides<2>,
    stride: Sides<2>,
) -> Result<PyTensor> {
    let options = windows(stride, padding, dilation);
    on_floats!("fold", input, x => {
        compute(py, x.len(), || batched::<1, _>(&x, |x| x.fold2d(output_size.0, kernel_size.0, options)))
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(conv1d, module)?)?;
    module.add_function(wrap_pyfunction!(conv2d, module)?)?;
    module.add_function(wrap_pyfunction!(conv_transpose1d, module)?)?;
    module.add_function(wrap_pyfunction!(conv_transpose2d, module)?)?;
    module.add_function(wrap_pyfunction!(unfold, module)?)?;
    module.add_function(wrap_pyfunction!(fold, module)?)
}
