//! Methods that give elements another shape or order.

use barehand_tensor::{DType, each_tensor};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::creation::{integers, sizes};
use crate::dtype::DTypeArgument;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, len, released};

/// A tensor that shows the same elements, in whatever element type.
macro_rules! view {
    ($slf:expr, $x:ident => $body:expr) => {{
        let value = $slf.value();
        each_tensor!(&value, $x => Ok(PyTensor::view_of($body?.into())))
    }};
}

/// A new tensor of the same element type.
macro_rules! new {
    ($py:expr, $slf:expr, $x:ident => $body:expr) => {{
        let value = $slf.value();
        let elements = len(&value);
        released($py, elements, || each_tensor!(&value, $x => Ok(PyTensor::from($body?))))
    }};
}

fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&n| n as isize).collect()
}

fn views(py: Python<'_>, tensors: Vec<PyTensor>) -> Result<Bound<'_, PyTuple>> {
    let objects = tensors.into_iter().map(|tensor| Bound::new(py, tensor)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, objects)?)
}

/// The tensors that a splitting method of the library returns.
macro_rules! parts {
    ($py:expr, $slf:expr, $x:ident => $body:expr) => {{
        let value = $slf.value();
        let parts = each_tensor!(&value, $x => {
            $body?.into_iter().map(|part| PyTensor::view_of(part.into())).collect::<Vec<_>>()
        });
        views($py, parts)
    }};
}

/// Integers given one by one, or together by name.
fn by_name<'py>(args: &Bound<'py, PyTuple>, named: Option<Bound<'py, PyAny>>) -> Result<Bound<'py, PyTuple>> {
    match named {
        None => Ok(args.clone()),
        Some(named) if args.is_empty() => Ok(PyTuple::new(args.py(), [named])?),
        Some(_) => Err(Failure::wrong_type("dims were given twice")),
    }
}

#[pymethods]
impl PyTensor {
    /// The same elements under another shape; one length may be -1.
    #[pyo3(signature = (*shape))]
    fn reshape(&self, shape: &Bound<'_, PyTuple>) -> Result<PyTensor> {
        let shape = integers("reshape", shape)?;
        view!(self, x => x.reshape(&shape))
    }

    /// The same elements under another shape; one length may be -1.
    #[pyo3(signature = (*shape))]
    fn view(&self, shape: &Bound<'_, PyTuple>) -> Result<PyTensor> {
        let shape = integers("view", shape)?;
        view!(self, x => x.reshape(&shape))
    }

    /// The same elements in the shape of `other`.
    fn view_as(&self, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        let shape = other.get().look(|x| signed(x.shape()));
        view!(self, x => x.reshape(&shape))
    }

    /// The same elements in the shape of `other`.
    fn reshape_as(&self, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        self.view_as(other)
    }

    /// One axis of the axes `start_dim` to `end_dim`.
    #[pyo3(signature = (start_dim=0, end_dim=-1), text_signature = "($self, start_dim=0, end_dim=-1)")]
    fn flatten(&self, start_dim: isize, end_dim: isize) -> Result<PyTensor> {
        view!(self, x => x.flatten(start_dim, end_dim))
    }

    /// One axis of all.
    fn ravel(&self) -> Result<PyTensor> {
        view!(self, x => x.reshape([-1]))
    }

    /// One axis as several.
    fn unflatten(&self, dim: isize, sizes: Vec<isize>) -> Result<PyTensor> {
        let shape = self.look(|x| -> Result<Vec<isize>> {
            let axis = barehand_tensor::layout::resolve_axis("unflatten", dim, x.shape().len())?;
            let mut shape = signed(x.shape());
            shape.splice(axis..=axis, sizes);
            Ok(shape)
        })?;
        view!(self, x => x.reshape(&shape))
    }

    /// The axes in another order.
    #[pyo3(signature = (*args, dims=None))]
    fn permute(&self, args: &Bound<'_, PyTuple>, dims: Option<Bound<'_, PyAny>>) -> Result<PyTensor> {
        let dims = &by_name(args, dims)?;
        let dims = integers("permute", dims)?;
        view!(self, x => x.permute(&dims))
    }

    /// Two axes exchanged.
    fn transpose(&self, dim0: isize, dim1: isize) -> Result<PyTensor> {
        // A number alone has one axis to PyTorch, which changes places with itself.
        if self.dims() == 0 && [dim0, dim1].iter().all(|dim| matches!(dim, 0 | -1)) {
            return view!(self, x => x.reshape([]));
        }
        view!(self, x => x.transpose(dim0, dim1))
    }

    /// Two axes exchanged.
    fn swapaxes(&self, axis0: isize, axis1: isize) -> Result<PyTensor> {
        self.transpose(axis0, axis1)
    }

    /// One axis (or several) at another place, the others in their order.
    fn movedim(&self, source: isize, destination: isize) -> Result<PyTensor> {
        let rank = self.dims();
        let from = barehand_tensor::layout::resolve_axis("movedim", source, rank)?;
        let to = barehand_tensor::layout::resolve_axis("movedim", destination, rank)?;
        let mut order: Vec<isize> = (0..rank as isize).collect();
        let axis = order.remove(from);
        order.insert(to, axis);
        view!(self, x => x.permute(&order))
    }

    /// A matrix with its axes exchanged; a vector as it is.
    fn t(&self) -> Result<PyTensor> {
        match self.dims() {
            0 | 1 => view!(self, x => x.reshape(signed(x.shape()))),
            2 => view!(self, x => x.transpose(0, 1)),
            rank => Err(Failure::value("t", format!("a matrix expected, not {rank} axes"))),
        }
    }

    /// The axes in reverse order.
    #[getter(T)]
    fn reversed_axes(&self) -> Result<PyTensor> {
        let order: Vec<isize> = (0..self.dims() as isize).rev().collect();
        view!(self, x => x.permute(&order))
    }

    /// The last two axes exchanged.
    #[getter(mT)]
    fn matrix_transposed(&self) -> Result<PyTensor> {
        view!(self, x => x.transpose(-2, -1))
    }

    /// A new axis of length 1.
    fn unsqueeze(&self, dim: isize) -> Result<PyTensor> {
        // Here the last place is one behind the last axis.
        let dim = if dim < 0 { dim + self.dims() as isize + 1 } else { dim };
        view!(self, x => x.unsqueeze(dim))
    }

    /// Without axes of length 1, or without those named that have it.
    #[pyo3(signature = (dim=None))]
    fn squeeze(&self, dim: Option<&Bound<'_, PyAny>>) -> Result<PyTensor> {
        let Some(dim) = dim else { return view!(self, x => x.squeeze_all()) };
        let mut dims: Vec<isize> = match dim.extract::<isize>() {
            Ok(dim) => vec![dim],
            Err(_) => dim.extract()?,
        };
        let shape = self.look(|x| x.shape().to_vec());
        let mut resolved = Vec::new();
        for dim in dims.drain(..) {
            // A number alone has one axis to PyTorch.
            resolved.push(barehand_tensor::layout::resolve_axis("squeeze", dim, shape.len().max(1))?);
        }
        let kept: Vec<isize> = shape
            .iter()
            .enumerate()
            .filter(|(axis, n)| !(**n == 1 && resolved.contains(axis)))
            .map(|(_, n)| *n as isize)
            .collect();
        view!(self, x => x.reshape(&kept))
    }

    /// Axes of length 1, and new axes in front, repeated without a copy; -1 keeps a length.
    #[pyo3(signature = (*sizes))]
    fn expand(&self, sizes: &Bound<'_, PyTuple>) -> Result<PyTensor> {
        let wanted = integers("expand", sizes)?;
        let shape = self.look(|x| -> Result<Vec<usize>> {
            let missing = wanted.len().saturating_sub(x.shape().len());
            wanted
                .iter()
                .enumerate()
                .map(|(axis, &n)| match usize::try_from(n) {
                    Ok(n) => Ok(n),
                    Err(_) if n == -1 && axis >= missing => Ok(x.shape()[axis - missing]),
                    Err(_) => Err(Failure::value(
                        "expand",
                        format!("{n} is no length of axis {axis} of {wanted:?}"),
                    )),
                })
                .collect()
        })?;
        view!(self, x => x.expand(&shape))
    }

    /// Repeated to the shape of `other`.
    fn expand_as(&self, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        let shape = other.get().look(|x| x.shape().to_vec());
        view!(self, x => x.expand(&shape))
    }

    /// Repeated to a shape.
    #[pyo3(signature = (*size))]
    fn broadcast_to(&self, size: &Bound<'_, PyTuple>) -> Result<PyTensor> {
        self.expand(size)
    }

    /// `length` elements of an axis from `start`.
    fn narrow(&self, dim: isize, start: isize, length: usize) -> Result<PyTensor> {
        let start = self.look(|x| -> Result<usize> {
            let axis = barehand_tensor::layout::resolve_axis("narrow", dim, x.shape().len())?;
            let n = x.shape()[axis] as isize;
            let resolved = if start < 0 { start + n } else { start };
            usize::try_from(resolved)
                .map_err(|_| Failure::value("narrow", format!("start {start} is before an axis of {n}")))
        })?;
        view!(self, x => x.narrow(dim, start, length))
    }

    /// One index of an axis, which goes away.
    fn select(&self, dim: isize, index: isize) -> Result<PyTensor> {
        view!(self, x => x.select(dim, index))
    }

    /// Every `(x_i, i)` of two axes.
    #[pyo3(signature = (offset=0, dim1=0, dim2=1))]
    fn diagonal(&self, offset: isize, dim1: isize, dim2: isize) -> Result<PyTensor> {
        let skipped = offset.unsigned_abs();
        let (dim, rest) = if offset < 0 { (dim1, offset) } else { (dim2, offset) };
        let value = self.value();
        each_tensor!(&value, x => {
            let axis = barehand_tensor::layout::resolve_axis("diagonal", dim, x.rank())?;
            let n = x.shape()[axis];
            let shifted = if rest == 0 { x.clone() } else { x.narrow(dim, skipped.min(n), n.saturating_sub(skipped))? };
            Ok(PyTensor::view_of(shifted.diagonal(dim1, dim2)?.into()))
        })
    }

    /// Parts of `split_size` (or of several sizes) along an axis.
    #[pyo3(signature = (split_size, dim=0))]
    fn split<'py>(
        &self,
        py: Python<'py>,
        split_size: &Bound<'py, PyAny>,
        dim: isize,
    ) -> Result<Bound<'py, PyTuple>> {
        if let Ok(size) = split_size.extract::<usize>() {
            return parts!(py, self, x => x.split(size, dim));
        }
        let sizes: Vec<usize> = split_size.extract()?;
        parts!(py, self, x => x.split_at(&sizes, dim))
    }

    /// About `chunks` equal parts along an axis.
    #[pyo3(signature = (chunks, dim=0))]
    fn chunk<'py>(&self, py: Python<'py>, chunks: usize, dim: isize) -> Result<Bound<'py, PyTuple>> {
        parts!(py, self, x => x.chunk(chunks, dim))
    }

    /// One tensor for each index of an axis.
    #[pyo3(signature = (dim=0))]
    fn unbind<'py>(&self, py: Python<'py>, dim: isize) -> Result<Bound<'py, PyTuple>> {
        let value = self.value();
        let axis = barehand_tensor::layout::resolve_axis("unbind", dim, value.shape().len())?;
        let parts = each_tensor!(&value, x => {
            (0..x.shape()[axis] as isize)
                .map(|i| Ok(PyTensor::view_of(x.select(dim, i)?.into())))
                .collect::<Result<Vec<_>>>()?
        });
        views(py, parts)
    }

    /// Axes backward.
    #[pyo3(signature = (*args, dims=None))]
    fn flip(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        dims: Option<Bound<'_, PyAny>>,
    ) -> Result<PyTensor> {
        let dims = &by_name(args, dims)?;
        let dims = integers("flip", dims)?;
        new!(py, self, x => {
            let mut flipped = x.clone();
            for &dim in &dims {
                flipped = flipped.flip(dim)?;
            }
            Ok::<_, Failure>(flipped)
        })
    }

    /// Elements moved along axes, those that leave at the end coming in at the beginning.
    #[pyo3(signature = (shifts, dims=None))]
    fn roll(
        &self,
        py: Python<'_>,
        shifts: &Bound<'_, PyAny>,
        dims: Option<&Bound<'_, PyAny>>,
    ) -> Result<PyTensor> {
        let several = |given: &Bound<'_, PyAny>| -> Result<Vec<isize>> {
            Ok(match given.extract::<isize>() {
                Ok(one) => vec![one],
                Err(_) => given.extract()?,
            })
        };
        let shifts = several(shifts)?;
        let Some(dims) = dims.map(several).transpose()? else {
            let shape = self.look(|x| signed(x.shape()));
            let [shift] = shifts[..] else {
                return Err(Failure::value("roll", "several shifts need as many dims"));
            };
            return new!(py, self, x => x.reshape([-1])?.roll(shift, 0)?.reshape(&shape));
        };
        if dims.len() != shifts.len() {
            return Err(Failure::value("roll", format!("{} shifts for {} dims", shifts.len(), dims.len())));
        }
        new!(py, self, x => {
            let mut rolled = x.clone();
            for (&shift, &dim) in shifts.iter().zip(&dims) {
                rolled = rolled.roll(shift, dim)?;
            }
            Ok::<_, Failure>(rolled)
        })
    }

    /// The tensor side by side with itself, so many times along each axis.
    #[pyo3(signature = (*repeats))]
    fn repeat(&self, py: Python<'_>, repeats: &Bound<'_, PyTuple>) -> Result<PyTensor> {
        let repeats = sizes("repeat", repeats)?;
        if repeats.len() < self.dims() {
            return Err(Failure::value(
                "repeat",
                format!("{repeats:?} names fewer axes than the {} there are", self.dims()),
            ));
        }
        new!(py, self, x => x.tile(&repeats))
    }

    /// As `repeat`, where missing counts are 1.
    #[pyo3(signature = (*args, dims=None))]
    fn tile(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        dims: Option<Bound<'_, PyAny>>,
    ) -> Result<PyTensor> {
        let dims = &by_name(args, dims)?;
        let mut repeats = sizes("tile", dims)?;
        while repeats.len() < self.dims() {
            repeats.insert(0, 1);
        }
        new!(py, self, x => x.tile(&repeats))
    }

    /// 0 above the diagonal.
    #[pyo3(signature = (diagonal=0))]
    fn tril(&self, py: Python<'_>, diagonal: isize) -> Result<PyTensor> {
        new!(py, self, x => x.tril(diagonal))
    }

    /// 0 below the diagonal.
    #[pyo3(signature = (diagonal=0))]
    fn triu(&self, py: Python<'_>, diagonal: isize) -> Result<PyTensor> {
        new!(py, self, x => x.triu(diagonal))
    }

    /// As another element type.
    fn r#type(&self, py: Python<'_>, dtype: DTypeArgument) -> PyTensor {
        self.converted(py, dtype.0)
    }

    /// As the element type of `other`.
    fn type_as(&self, py: Python<'_>, other: &Bound<'_, PyTensor>) -> PyTensor {
        self.converted(py, other.get().dtype())
    }

    /// As float32.
    fn float(&self, py: Python<'_>) -> PyTensor {
        self.converted(py, DType::F32)
    }

    /// As float64.
    fn double(&self, py: Python<'_>) -> PyTensor {
        self.converted(py, DType::F64)
    }

    /// As int64.
    fn long(&self, py: Python<'_>) -> PyTensor {
        self.converted(py, DType::I64)
    }

    /// As int32.
    fn int(&self, py: Python<'_>) -> PyTensor {
        self.converted(py, DType::I32)
    }

    /// As uint8.
    fn byte(&self, py: Python<'_>) -> PyTensor {
        self.converted(py, DType::U8)
    }

    /// Whether each element is not 0.
    fn bool(&self, py: Python<'_>) -> PyTensor {
        self.converted(py, DType::Bool)
    }

    /// This tensor: everything lives on the CPU.
    fn cpu(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }
}

impl PyTensor {
    fn converted(&self, py: Python<'_>, dtype: DType) -> PyTensor {
        let value = self.value();
        if value.dtype() == dtype {
            return PyTensor::view_of(value);
        }
        let elements = len(&value);
        PyTensor::from(released(py, elements, || cast(&value, dtype)))
    }
}
