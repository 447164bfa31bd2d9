//! What `barehand.data.transforms` does to one image `(..., H, W)`.

use barehand_data::ImageTransform;
use barehand_tensor::{AnyTensor, Error, Tensor, each_tensor};
use pyo3::prelude::*;

use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

fn image(operation: &str, x: &Bound<'_, PyTensor>) -> Result<AnyTensor> {
    let x = x.get().value();
    if x.shape().len() < 2 {
        let text = format!("expected an image (..., H, W), found shape {:?}", x.shape());
        return Err(Error::shape(operation, text).into());
    }
    Ok(x)
}

/// Bytes `(C, H, W)` as reals from 0 to 1.
#[pyfunction]
#[pyo3(name = "_scale_image")]
fn scale(x: &Bound<'_, PyTensor>) -> Result<PyTensor> {
    let x = image("ToTensor", x)?.get::<u8>()?;
    if x.shape().len() != 3 {
        return Err(
            Error::shape("ToTensor", format!("expected an image (C, H, W), found {:?}", x.shape())).into()
        );
    }
    let scaled = ImageTransform::scale(x.shape()[0]).apply(&x.unsqueeze(0)?)?;
    Ok(scaled.squeeze(0)?.into())
}

/// `(x - mean) / std` for each channel of an image `(..., C, H, W)`.
#[pyfunction]
#[pyo3(name = "_normalize_image")]
fn normalize(x: &Bound<'_, PyTensor>, mean: Vec<f32>, std: Vec<f32>) -> Result<PyTensor> {
    let AnyTensor::F32(x) = image("Normalize", x)? else {
        return Err(Failure::wrong_type("Normalize: expected float32, as ToTensor() gives it"));
    };
    let channels = x.shape().len().checked_sub(3).map(|axis| x.shape()[axis]);
    let fits = |n: usize| n == 1 || Some(n) == channels;
    if !fits(mean.len()) || !fits(std.len()) {
        let (m, s) = (mean.len(), std.len());
        let text =
            format!("{m} means and {s} deviations for an image (..., C, H, W) of shape {:?}", x.shape());
        return Err(Error::shape("Normalize", text).into());
    }
    let (m, s) = (mean.len(), std.len());
    Ok(x.sub(&Tensor::from_vec(mean, [m, 1, 1])?)?.div(&Tensor::from_vec(std, [s, 1, 1])?)?.into())
}

/// Mirrored left to right.
#[pyfunction]
#[pyo3(name = "_mirror_image")]
fn mirror(x: &Bound<'_, PyTensor>) -> Result<PyTensor> {
    let x = image("RandomHorizontalFlip", x)?;
    Ok(PyTensor::from(each_tensor!(x, x => AnyTensor::from(x.flip(-1)?))))
}

/// The window of `size` (height, width) at `corner` (top, left) of an image with `padding` zeros around it.
#[pyfunction]
#[pyo3(name = "_crop_image")]
fn crop(
    x: &Bound<'_, PyTensor>,
    corner: (usize, usize),
    size: (usize, usize),
    padding: usize,
) -> Result<PyTensor> {
    let x = image("RandomCrop", x)?;
    Ok(PyTensor::from(each_tensor!(x, x => {
        let mut amounts = vec![(0, 0); x.shape().len()];
        let axes = amounts.len();
        amounts[axes - 2..].fill((padding, padding));
        let padded = if padding > 0 { x.pad(&amounts, Default::default())? } else { x };
        AnyTensor::from(padded.narrow(-2, corner.0, size.0)?.narrow(-1, corner.1, size.1)?)
    })))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(scale, module)?)?;
    module.add_function(wrap_pyfunction!(normalize, module)?)?;
    module.add_function(wrap_pyfunction!(mirror, module)?)?;
    module.add_function(wrap_pyfunction!(crop, module)?)
}
