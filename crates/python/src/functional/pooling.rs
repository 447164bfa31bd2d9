//! Pooling over sequences (N, C, L) and images (N, C, H, W), or one of them without N.

use barehand_tensor::{AnyTensor, AvgPoolOptions, Float, MaxPoolOptions, Tensor};
use pyo3::prelude::*;

use super::convolution::batched;
use super::{Sides, compute, not_float, on_floats};
use crate::error::Result;
use crate::tensor::PyTensor;

/// What a max-pooling gives.
#[derive(IntoPyObject)]
enum Largest {
    Elements(PyTensor),
    /// And where in its sequence or plane each was.
    WithIndices(PyTensor, PyTensor),
}

/// Runs a max-pooling over (N, C, ...) on one sample without N as well; `both` gives the places too.
fn largest<const D: usize, T: Float>(
    py: Python<'_>,
    x: &Tensor<T>,
    return_indices: bool,
    alone: impl FnOnce(&Tensor<T>) -> barehand_tensor::Result<Tensor<T>> + Send,
    both: impl FnOnce(&Tensor<T>) -> barehand_tensor::Result<(Tensor<T>, Tensor<i64>)> + Send,
) -> Result<Largest>
where
    PyTensor: From<Tensor<T>>,
{
    if !return_indices {
        return Ok(Largest::Elements(compute(py, x.len(), || batched::<D, T>(x, alone))?.into()));
    }
    let (y, indices) = compute(py, x.len(), || {
        if x.rank() != D + 1 {
            return both(x);
        }
        let (y, indices) = both(&x.unsqueeze(0)?)?;
        Ok((y.squeeze(0)?, indices.squeeze(0)?))
    })?;
    Ok(Largest::WithIndices(y.into(), indices.into()))
}

/// [`largest`] in either precision of the input.
macro_rules! largest {
    ($name:expr, $d:literal, $py:expr, $input:expr, $return_indices:expr, |$x:ident| $alone:expr, $both:expr) => {
        match $input.get().value() {
            AnyTensor::F32(x) => largest::<$d, f32>($py, &x, $return_indices, |$x| $alone, |$x| $both),
            AnyTensor::F64(x) => largest::<$d, f64>($py, &x, $return_indices, |$x| $alone, |$x| $both),
            other => Err(not_float($name, other.dtype())),
        }
    };
}

fn max_options<const D: usize>(
    kernel: Sides<D>,
    stride: Option<Sides<D>>,
    padding: Sides<D>,
    dilation: Sides<D>,
    ceil_mode: bool,
) -> MaxPoolOptions<D> {
    MaxPoolOptions {
        kernel: kernel.0,
        stride: stride.map_or(kernel.0, |stride| stride.0),
        padding: padding.0,
        dilation: dilation.0,
        ceil_mode,
    }
}

/// The largest element of each window. `stride` is the kernel's size where it is not given; with `return_indices` also
/// where in its sequence each is.
///
/// >>> F.max_pool1d(bh.tensor([[[1.0, 3.0, 2.0, 5.0]]]), 2, return_indices=True)
/// (tensor([[[3., 5.]]]), tensor([[[1, 3]]]))
#[pyfunction]
#[pyo3(signature = (input, kernel_size, stride=None, padding=Sides([0]), dilation=Sides([1]), ceil_mode=false, return_indices=false),
       text_signature = "(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)")]
fn max_pool1d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    kernel_size: Sides<1>,
    stride: Option<Sides<1>>,
    padding: Sides<1>,
    dilation: Sides<1>,
    ceil_mode: bool,
    return_indices: bool,
) -> Result<Largest> {
    let options = max_options(kernel_size, stride, padding, dilation, ceil_mode);
    largest!(
        "max_pool1d",
        1,
        py,
        input,
        return_indices,
        |x| x.max_pool1d(options),
        x.max_pool1d_with_indices(options)
    )
}

/// The largest element of each window. `stride` is the kernel's size where it is not given; with `return_indices` also
/// where in its plane each is, row times width plus column.
#[pyfunction]
#[pyo3(signature = (input, kernel_size, stride=None, padding=Sides([0, 0]), dilation=Sides([1, 1]), ceil_mode=false, return_indices=false),
       text_signature = "(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)")]
fn max_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    kernel_size: Sides<2>,
    stride: Option<Sides<2>>,
    padding: Sides<2>,
    dilation: Sides<2>,
    ceil_mode: bool,
    return_indices: bool,
) -> Result<Largest> {
    let options = max_options(kernel_size, stride, padding, dilation, ceil_mode);
    largest!(
        "max_pool2d",
        2,
        py,
        input,
        return_indices,
        |x| x.max_pool2d(options),
        x.max_pool2d_with_indices(options)
    )
}

fn avg_options<const D: usize>(
    kernel: Sides<D>,
    stride: Option<Sides<D>>,
    padding: Sides<D>,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<usize>,
) -> AvgPoolOptions<D> {
    AvgPoolOptions {
        kernel: kernel.0,
        stride: stride.map_or(kernel.0, |stride| stride.0),
        padding: padding.0,
        ceil_mode,
        count_include_pad,
        divisor_override,
    }
}

/// The mean of each window; zeros around the sequence count unless `count_include_pad=False`.
#[pyfunction]
#[pyo3(signature = (input, kernel_size, stride=None, padding=Sides([0]), ceil_mode=false, count_include_pad=true),
       text_signature = "(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True)")]
fn avg_pool1d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    kernel_size: Sides<1>,
    stride: Option<Sides<1>>,
    padding: Sides<1>,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Result<PyTensor> {
    let options = avg_options(kernel_size, stride, padding, ceil_mode, count_include_pad, None);
    on_floats!("avg_pool1d", input, x => {
        compute(py, x.len(), || batched::<1, _>(&x, |x| x.avg_pool1d(options)))
    })
}

/// The mean of each window; zeros around the image count unless `count_include_pad=False`.
#[pyfunction]
#[pyo3(signature = (input, kernel_size, stride=None, padding=Sides([0, 0]), ceil_mode=false, count_include_pad=true, divisor_override=None),
       text_signature = "(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)")]
fn avg_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    kernel_size: Sides<2>,
    stride: Option<Sides<2>>,
    padding: Sides<2>,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<usize>,
) -> Result<PyTensor> {
    let options = avg_options(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);
    on_floats!("avg_pool2d", input, x => {
        compute(py, x.len(), || batched::<2, _>(&x, |x| x.avg_pool2d(options)))
    })
}

/// The sides of an adaptive pooling's output; `None` keeps the image's.
struct OutputSize([Option<usize>; 2]);

impl<'py> FromPyObject<'_, 'py> for OutputSize {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(pair) = given.extract::<(Option<usize>, Option<usize>)>() {
            return Ok(OutputSize([pair.0, pair.1]));
        }
        Ok(OutputSize(given.extract::<Sides<2>>()?.0.map(Some)))
    }
}

impl OutputSize {
    /// The sides, for an input of a shape.
    fn over(&self, shape: &[usize]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let image = shape.len().checked_sub(2).map_or(0, |first| shape[first + axis]);
            self.0[axis].unwrap_or(image)
        })
    }
}

/// The means of as many windows as the output has places; together they cover the sequence.
#[pyfunction]
fn adaptive_avg_pool1d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    output_size: Sides<1>,
) -> Result<PyTensor> {
    on_floats!("adaptive_avg_pool1d", input, x => {
        compute(py, x.len(), || batched::<1, _>(&x, |x| x.adaptive_avg_pool1d(output_size.0[0])))
    })
}

/// The means of as many windows as the output has places; together they cover the image.
#[pyfunction]
fn adaptive_avg_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    output_size: OutputSize,
) -> Result<PyTensor> {
    on_floats!("adaptive_avg_pool2d", input, x => {
        compute(py, x.len(), || batched::<2, _>(&x, |x| x.adaptive_avg_pool2d(output_size.over(x.shape()))))
    })
}

/// The largest elements of as many windows as the output has places; together they cover the sequence. With
/// `return_indices` also where in it they are.
#[pyfunction]
#[pyo3(signature = (input, output_size, return_indices=false))]
fn adaptive_max_pool1d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    output_size: Sides<1>,
    return_indices: bool,
) -> Result<Largest> {
    let size = output_size.0[0];
    let name = "adaptive_max_pool1d";
    largest!(
        name,
        1,
        py,
        input,
        return_indices,
        |x| Ok(x.adaptive_max_pool1d(size)?.0),
        x.adaptive_max_pool1d(size)
    )
}

/// The largest elements of as many windows as the output has places; together they cover the image. With `return_indices`
/// also where in their plane they are, row times width plus column.
///
/// >>> F.adaptive_max_pool2d(bh.arange(12.0).reshape(1, 3, 4), (1, 2), return_indices=True)
/// (tensor([[[ 9., 11.]]]), tensor([[[ 9, 11]]]))
#[pyfunction]
#[pyo3(signature = (input, output_size, return_indices=false))]
fn adaptive_max_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    output_size: OutputSize,
    return_indices: bool,
) -> Result<Largest> {
    let size = output_size.over(&input.get().look(|x| x.shape().to_vec()));
    let name = "adaptive_max_pool2d";
    largest!(
        name,
        2,
        py,
        input,
        return_indices,
        |x| Ok(x.adaptive_max_pool2d(size)?.0),
        x.adaptive_max_pool2d(size)
    )
}

/// (sum of x^norm_type)^(1 / norm_type) over each window. `stride` is the kernel's size where it is not given.
#[pyfunction]
#[pyo3(signature = (input, norm_type, kernel_size, stride=None, ceil_mode=false))]
fn lp_pool1d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    norm_type: f64,
    kernel_size: Sides<1>,
    stride: Option<Sides<1>>,
    ceil_mode: bool,
) -> Result<PyTensor> {
    let ([kernel], [stride]) = (kernel_size.0, stride.map_or(kernel_size.0, |stride| stride.0));
    on_floats!("lp_pool1d", input, x => {
        compute(py, x.len(), || batched::<1, _>(&x, |x| x.lp_pool1d(norm_type, kernel, stride, ceil_mode)))
    })
}

/// (sum of x^norm_type)^(1 / norm_type) over each window. `stride` is the kernel's size where it is not given.
///
/// >>> F.lp_pool2d(bh.tensor([[[3.0, 0.0], [0.0, -4.0]]]), 2, 2)
/// tensor([[[5.]]])
#[pyfunction]
#[pyo3(signature = (input, norm_type, kernel_size, stride=None, ceil_mode=false))]
fn lp_pool2d(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    norm_type: f64,
    kernel_size: Sides<2>,
    stride: Option<Sides<2>>,
    ceil_mode: bool,
) -> Result<PyTensor> {
    let (kernel, stride) = (kernel_size.0, stride.map_or(kernel_size.0, |stride| stride.0));
    on_floats!("lp_pool2d", input, x => {
        compute(py, x.len(), || batched::<2, _>(&x, |x| x.lp_pool2d(norm_type, kernel, stride, ceil_mode)))
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(max_pool1d, module)?)?;
    module.add_function(wrap_pyfunction!(max_pool2d, module)?)?;
    module.add_function(wrap_pyfunction!(avg_pool1d, module)?)?;
    module.add_function(wrap_pyfunction!(avg_pool2d, module)?)?;
    module.add_function(wrap_pyfunction!(adaptive_avg_pool1d, module)?)?;
    module.add_function(wrap_pyfunction!(adaptive_avg_pool2d, module)?)?;
    module.add_function(wrap_pyfunction!(adaptive_max_pool1d, module)?)?;
    module.add_function(wrap_pyfunction!(adaptive_max_pool2d, module)?)?;
    module.add_function(wrap_pyfunction!(lp_pool1d, module)?)?;
    module.add_function(wrap_pyfunction!(lp_pool2d, module)?)
}
