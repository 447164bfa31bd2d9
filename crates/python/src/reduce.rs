//! Methods that bring axes together: sums, means, extremes, scans, softmax, sorting.

use barehand_tensor::{AnyTensor, Axes, Tensor, Whole, each_tensor, integer};
use pyo3::prelude::*;

use crate::arithmetic::{Operand, Operation};
use crate::dtype::{self, DTypeArgument};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, len, released};
use crate::unary::on_reals;

/// A `dim=` argument: one axis or several.
pub struct AxesArgument(Vec<isize>);

impl<'py> FromPyObject<'_, 'py> for AxesArgument {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(axis) = given.extract::<isize>() {
            return Ok(AxesArgument(vec![axis]));
        }
        match given.extract::<Vec<isize>>() {
            Ok(axes) => Ok(AxesArgument(axes)),
            Err(_) => {
                Err(Failure::wrong_type(format!("dim must be an axis or several, not {}", given.repr()?))
                    .into())
            }
        }
    }
}

impl Axes for &AxesArgument {
    fn axes(&self) -> &[isize] {
        &self.0
    }
}

impl AxesArgument {
    /// The axes of `dim=`; all of them where none is named.
    fn or_all(dim: Option<Self>, rank: usize) -> Self {
        match dim {
            // A number alone may be reduced along axis 0, as if it had one.
            Some(dim) if rank == 0 && dim.0.iter().all(|dim| matches!(dim, 0 | -1)) => {
                AxesArgument(Vec::new())
            }
            Some(dim) if !dim.0.is_empty() => dim,
            _ => AxesArgument((0..rank as isize).collect()),
        }
    }
}

/// Works along one axis. A number alone is taken as if it had one, as in PyTorch, and so are the results.
fn along_axis<const N: usize>(
    value: &AnyTensor,
    dim: isize,
    work: impl FnOnce(&AnyTensor) -> Result<[AnyTensor; N]>,
) -> Result<[AnyTensor; N]> {
    if !value.shape().is_empty() || !matches!(dim, 0 | -1) {
        return work(value);
    }
    let mut results = work(&each_tensor!(value, x => x.unsqueeze(0)?.into()))?;
    for result in &mut results {
        *result = each_tensor!(&*result, x => x.reshape([])?.into());
    }
    Ok(results)
}

/// A sum of whole numbers, which is int64.
fn whole_sum<T: Whole>(x: &Tensor<T>, axes: &AxesArgument, keepdim: bool) -> Result<AnyTensor> {
    Ok(integer::sum_dim(x, axes, keepdim)?.into())
}

fn sum(py: Python<'_>, value: &AnyTensor, dim: Option<AxesArgument>, keepdim: bool) -> Result<AnyTensor> {
    let all = dim.is_none() && !keepdim;
    let axes = AxesArgument::or_all(dim, value.shape().len());
    released(py, len(value), || match value {
        AnyTensor::F32(x) if all => Ok(x.sum()?.into()),
        AnyTensor::F64(x) if all => Ok(x.sum()?.into()),
        AnyTensor::F32(x) => Ok(x.sum_dim(&axes, keepdim)?.into()),
        AnyTensor::F64(x) => Ok(x.sum_dim(&axes, keepdim)?.into()),
        AnyTensor::I64(x) => whole_sum(x, &axes, keepdim),
        AnyTensor::I32(x) => whole_sum(x, &axes, keepdim),
        AnyTensor::U8(x) => whole_sum(x, &axes, keepdim),
        AnyTensor::Bool(x) => whole_sum(x, &axes, keepdim),
    })
}

/// The value in the element type that an operation was asked for.
fn in_dtype(value: AnyTensor, dtype: Option<DTypeArgument>) -> AnyTensor {
    match dtype {
        Some(DTypeArgument(dtype)) if dtype != value.dtype() => cast(&value, dtype),
        _ => value,
    }
}

/// Means are of real numbers.
fn check_real(operation: &str, value: &AnyTensor) -> Result<()> {
    if dtype::is_float(value.dtype()) {
        return Ok(());
    }
    Err(Failure::wrong_type(format!(
        "{operation}: of real numbers, not of {}; convert with .float(), or pass dtype=",
        dtype::name(value.dtype())
    )))
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Max,
    Min,
}

impl End {
    fn of_all(self, py: Python<'_>, value: &AnyTensor) -> Result<AnyTensor> {
        fn whole<T: Whole>(end: End, x: &Tensor<T>) -> Result<AnyTensor>
        where
            AnyTensor: From<Tensor<T>>,
        {
            Ok(AnyTensor::from(if end == End::Max { integer::max(x) } else { integer::min(x) }?))
        }
        released(py, len(value), || {
            Ok(match value {
                AnyTensor::F32(x) => if self == End::Max { x.max() } else { x.min() }?.into(),
                AnyTensor::F64(x) => if self == End::Max { x.max() } else { x.min() }?.into(),
                AnyTensor::I64(x) => whole(self, x)?,
                AnyTensor::I32(x) => whole(self, x)?,
                AnyTensor::U8(x) => whole(self, x)?,
                AnyTensor::Bool(x) => whole(self, x)?,
            })
        })
    }

    fn along(
        self,
        py: Python<'_>,
        value: &AnyTensor,
        dim: isize,
        keepdim: bool,
    ) -> Result<(AnyTensor, AnyTensor)> {
        let [values, places] = along_axis(value, dim, |value| {
            released(py, len(value), || {
                each_tensor!(value, x => {
                    let (values, places) = if self == End::Max { x.max_dim(dim, keepdim) } else { x.min_dim(dim, keepdim) }?;
                    Ok([values.into(), places.into()])
                })
            })
        })?;
        Ok((values, places))
    }

    fn amax(
        self,
        py: Python<'_>,
        value: &AnyTensor,
        dim: Option<AxesArgument>,
        keepdim: bool,
    ) -> Result<AnyTensor> {
        fn whole<T: Whole>(end: End, x: &Tensor<T>, axes: &AxesArgument, keepdim: bool) -> Result<AnyTensor>
        where
            AnyTensor: From<Tensor<T>>,
        {
            let extreme = if end == End::Max {
                integer::amax(x, axes, keepdim)
            } else {
                integer::amin(x, axes, keepdim)
            };
            Ok(AnyTensor::from(extreme?))
        }
        let axes = &AxesArgument::or_all(dim, value.shape().len());
        released(py, len(value), || {
            Ok(match value {
                AnyTensor::F32(x) => {
                    if self == End::Max { x.amax(axes, keepdim) } else { x.amin(axes, keepdim) }?.into()
                }
                AnyTensor::F64(x) => {
                    if self == End::Max { x.amax(axes, keepdim) } else { x.amin(axes, keepdim) }?.into()
                }
                AnyTensor::I64(x) => whole(self, x, axes, keepdim)?,
                AnyTensor::I32(x) => whole(self, x, axes, keepdim)?,
                AnyTensor::U8(x) => whole(self, x, axes, keepdim)?,
                AnyTensor::Bool(x) => whole(self, x, axes, keepdim)?,
            })
        })
    }

    /// `max()`, `max(dim)`, `max(other)`.
    fn overloaded<'py>(
        self,
        slf: &Bound<'py, PyTensor>,
        dim: Option<&Bound<'py, PyAny>>,
        keepdim: bool,
    ) -> Result<Bound<'py, PyAny>> {
        let py = slf.py();
        let value = slf.get().value();
        let Some(dim) = dim else {
            return Ok(Bound::new(py, PyTensor::from(self.of_all(py, &value)?))?.into_any());
        };
        if dim.is_instance_of::<PyTensor>() {
            let operation = if self == End::Max { Operation::Maximum } else { Operation::Minimum };
            let result = operation.apply(py, value, Operand::expected("max", dim)?, false)?;
            return Ok(Bound::new(py, PyTensor::from(result))?.into_any());
        }
        let (values, places) = self.along(py, &value, dim.extract()?, keepdim)?;
        named_pair(py, values, places)
    }

    fn place(
        self,
        py: Python<'_>,
        value: &AnyTensor,
        dim: Option<isize>,
        keepdim: bool,
    ) -> Result<AnyTensor> {
        let places = |value: &AnyTensor, dim: isize| -> Result<Tensor<i64>> {
            released(
                py,
                len(value),
                || each_tensor!(value, x => Ok(if self == End::Max { x.argmax(dim) } else { x.argmin(dim) }?)),
            )
        };
        let Some(dim) = dim else {
            let flat: AnyTensor = each_tensor!(value, x => x.detach().reshape([-1])?.into());
            return Ok(places(&flat, 0)?.into());
        };
        let [places] = along_axis(value, dim, |value| {
            let places = places(value, dim)?;
            let rank = value.shape().len();
            Ok([if keepdim { places.unsqueeze(position(dim, rank))? } else { places }.into()])
        })?;
        Ok(places)
    }
}

/// An axis counted from the front, where a new axis takes its place.
fn position(dim: isize, rank: usize) -> isize {
    if dim < 0 { dim + rank as isize } else { dim }
}

/// `(values, indices)`, also by name, as PyTorch returns them.
pub fn named_pair(py: Python<'_>, values: AnyTensor, indices: AnyTensor) -> Result<Bound<'_, PyAny>> {
    static CLASS: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    let class = CLASS.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        let make = py.import("collections")?.getattr("namedtuple")?;
        Ok(make.call1(("ValuesAndIndices", ("values", "indices")))?.unbind())
    })?;
    Ok(class.bind(py).call1((PyTensor::from(values), PyTensor::from(indices)))?)
}

/// The correction of a variance: `correction=`, or 1 and 0 for PyTorch's older `unbiased=`.
fn correction(correction: Option<f64>, unbiased: Option<bool>) -> Result<f64> {
    match (correction, unbiased) {
        (Some(_), Some(_)) => Err(Failure::value("var", "give correction or unbiased, not both")),
        (Some(correction), None) => Ok(correction),
        (None, Some(false)) => Ok(0.0),
        (None, _) => Ok(1.0),
    }
}

#[pymethods]
impl PyTensor {
    /// The sum of all elements, or along axes; of whole numbers in int64.
    #[pyo3(signature = (dim=None, keepdim=false, *, dtype=None))]
    fn sum(
        &self,
        py: Python<'_>,
        dim: Option<AxesArgument>,
        keepdim: bool,
        dtype: Option<DTypeArgument>,
    ) -> Result<PyTensor> {
        Ok(PyTensor::from(sum(py, &in_dtype(self.value(), dtype), dim, keepdim)?))
    }

    /// The mean of all elements, or along axes.
    #[pyo3(signature = (dim=None, keepdim=false, *, dtype=None))]
    fn mean(
        &self,
        py: Python<'_>,
        dim: Option<AxesArgument>,
        keepdim: bool,
        dtype: Option<DTypeArgument>,
    ) -> Result<PyTensor> {
        let value = in_dtype(self.value(), dtype);
        check_real("mean", &value)?;
        let all = dim.is_none() && !keepdim;
        let axes = &AxesArgument::or_all(dim, value.shape().len());
        Ok(PyTensor::from(on_reals!(py, value, x => if all { x.mean() } else { x.mean_dim(axes, keepdim) })?))
    }

    /// The variance, Σ(x - mean)² / (n - correction): of all elements, or along axes. Default correction 1.
    #[pyo3(signature = (dim=None, unbiased=None, keepdim=false, *, correction=None))]
    fn var(
        &self,
        py: Python<'_>,
        dim: Option<AxesArgument>,
        unbiased: Option<bool>,
        keepdim: bool,
        correction: Option<f64>,
    ) -> Result<PyTensor> {
        let value = self.value();
        check_real("var", &value)?;
        let correction = self::correction(correction, unbiased)?;
        let all = dim.is_none() && !keepdim;
        let axes = &AxesArgument::or_all(dim, value.shape().len());
        Ok(PyTensor::from(on_reals!(py, value, x => {
            if all { x.var(correction) } else { x.var_dim(axes, correction, keepdim) }
        })?))
    }

    /// The standard deviation, the root of the variance.
    #[pyo3(signature = (dim=None, unbiased=None, keepdim=false, *, correction=None))]
    fn std(
        &self,
        py: Python<'_>,
        dim: Option<AxesArgument>,
        unbiased: Option<bool>,
        keepdim: bool,
        correction: Option<f64>,
    ) -> Result<PyTensor> {
        let value = self.value();
        check_real("std", &value)?;
        let correction = self::correction(correction, unbiased)?;
        let all = dim.is_none() && !keepdim;
        let axes = &AxesArgument::or_all(dim, value.shape().len());
        Ok(PyTensor::from(on_reals!(py, value, x => {
            if all { x.std(correction) } else { x.std_dim(axes, correction, keepdim) }
        })?))
    }

    /// The largest element; along an axis `(values, indices)`; with another tensor the larger of each pair.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn max<'py>(
        slf: &Bound<'py, Self>,
        dim: Option<&Bound<'py, PyAny>>,
        keepdim: bool,
    ) -> Result<Bound<'py, PyAny>> {
        End::Max.overloaded(slf, dim, keepdim)
    }

    /// The smallest element; along an axis `(values, indices)`; with another tensor the smaller of each pair.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn min<'py>(
        slf: &Bound<'py, Self>,
        dim: Option<&Bound<'py, PyAny>>,
        keepdim: bool,
    ) -> Result<Bound<'py, PyAny>> {
        End::Min.overloaded(slf, dim, keepdim)
    }

    /// The largest element along axes; where several are equal, they share the gradient.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn amax(&self, py: Python<'_>, dim: Option<AxesArgument>, keepdim: bool) -> Result<PyTensor> {
        Ok(PyTensor::from(End::Max.amax(py, &self.value(), dim, keepdim)?))
    }

    /// The smallest element along axes; where several are equal, they share the gradient.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn amin(&self, py: Python<'_>, dim: Option<AxesArgument>, keepdim: bool) -> Result<PyTensor> {
        Ok(PyTensor::from(End::Min.amax(py, &self.value(), dim, keepdim)?))
    }

    /// The place of the largest element, along an axis or among all.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn argmax(&self, py: Python<'_>, dim: Option<isize>, keepdim: bool) -> Result<PyTensor> {
        Ok(PyTensor::from(End::Max.place(py, &self.value(), dim, keepdim)?))
    }

    /// The place of the smallest element, along an axis or among all.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn argmin(&self, py: Python<'_>, dim: Option<isize>, keepdim: bool) -> Result<PyTensor> {
        Ok(PyTensor::from(End::Min.place(py, &self.value(), dim, keepdim)?))
    }

    /// The product of all elements, or along an axis.
    #[pyo3(signature = (dim=None, keepdim=false, *, dtype=None))]
    fn prod(
        &self,
        py: Python<'_>,
        dim: Option<isize>,
        keepdim: bool,
        dtype: Option<DTypeArgument>,
    ) -> Result<PyTensor> {
        fn whole<T: Whole>(x: &Tensor<T>, dim: Option<isize>, keepdim: bool) -> Result<AnyTensor> {
            Ok(match dim {
                None => integer::prod(x),
                Some(dim) => integer::prod_dim(x, dim, keepdim)?,
            }
            .into())
        }
        let value = in_dtype(self.value(), dtype);
        let product = |value: &AnyTensor| -> Result<[AnyTensor; 1]> {
            released(py, len(value), || {
                Ok([match value {
                    AnyTensor::F32(x) => dim.map_or_else(|| x.prod(), |dim| x.prod_dim(dim, keepdim))?.into(),
                    AnyTensor::F64(x) => dim.map_or_else(|| x.prod(), |dim| x.prod_dim(dim, keepdim))?.into(),
                    AnyTensor::I64(x) => whole(x, dim, keepdim)?,
                    AnyTensor::I32(x) => whole(x, dim, keepdim)?,
                    AnyTensor::U8(x) => whole(x, dim, keepdim)?,
                    AnyTensor::Bool(x) => whole(x, dim, keepdim)?,
                }])
            })
        };
        let [product] = match dim {
            Some(dim) => along_axis(&value, dim, product)?,
            None => product(&value)?,
        };
        Ok(PyTensor::from(product))
    }

    /// Sums of the elements so far along an axis.
    #[pyo3(signature = (dim, *, dtype=None))]
    fn cumsum(&self, py: Python<'_>, dim: isize, dtype: Option<DTypeArgument>) -> Result<PyTensor> {
        let value = in_dtype(self.value(), dtype);
        let [sums] = along_axis(&value, dim, |value| {
            released(py, len(value), || {
                Ok([match value {
                    AnyTensor::F32(x) => x.cumsum(dim)?.into(),
                    AnyTensor::F64(x) => x.cumsum(dim)?.into(),
                    AnyTensor::I64(x) => integer::cumsum(x, dim)?.into(),
                    AnyTensor::I32(x) => integer::cumsum(x, dim)?.into(),
                    AnyTensor::U8(x) => integer::cumsum(x, dim)?.into(),
                    AnyTensor::Bool(x) => integer::cumsum(x, dim)?.into(),
                }])
            })
        })?;
        Ok(PyTensor::from(sums))
    }

    /// ln Σ e^x along an axis, without overflow.
    #[pyo3(signature = (dim, keepdim=false))]
    fn logsumexp(&self, py: Python<'_>, dim: isize, keepdim: bool) -> Result<PyTensor> {
        let [result] = along_axis(&self.value(), dim, |value| {
            Ok([on_reals!(py, value.clone(), x => x.logsumexp(dim, keepdim))?])
        })?;
        Ok(PyTensor::from(result))
    }

    /// The Euclidean norm of all elements, or along axes.
    #[pyo3(signature = (p=None, dim=None, keepdim=false))]
    fn norm(
        &self,
        py: Python<'_>,
        p: Option<&Bound<'_, PyAny>>,
        dim: Option<AxesArgument>,
        keepdim: bool,
    ) -> Result<PyTensor> {
        let value = self.value();
        check_real("norm", &value)?;
        let p = match p {
            None => 2.0,
            Some(p) => match p.extract::<String>().as_deref() {
                Ok("fro") => 2.0,
                Ok(other) => {
                    return Err(Failure::value(
                        "norm",
                        format!("p must be a number or 'fro', not '{other}'"),
                    ));
                }
                Err(_) => p.extract::<f64>()?,
            },
        };
        let whole = dim.is_none() && !keepdim;
        let axes = &AxesArgument::or_all(dim, value.shape().len());
        let norm = on_reals!(py, value, x => {
            if p == 2.0 && whole {
                x.norm()
            } else if p == 2.0 {
                x.square()?.sum_dim(axes, keepdim)?.sqrt()
            } else if p == 1.0 {
                x.abs()?.sum_dim(axes, keepdim)
            } else if p == f64::INFINITY {
                x.abs()?.amax(axes, keepdim)
            } else if p == f64::NEG_INFINITY {
                x.abs()?.amin(axes, keepdim)
            } else {
                x.abs()?.pow_scalar(p)?.sum_dim(axes, keepdim)?.pow_scalar(1.0 / p)
            }
        })?;
        Ok(PyTensor::from(norm))
    }

    /// Whether all elements are true, or all along axes.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn all(&self, dim: Option<AxesArgument>, keepdim: bool) -> Result<PyTensor> {
        let x = self.value().cast::<bool>();
        let axes = &AxesArgument::or_all(dim, x.rank());
        Ok(x.all_dim(axes, keepdim)?.into())
    }

    /// Whether any element is true, or any along axes.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn any(&self, dim: Option<AxesArgument>, keepdim: bool) -> Result<PyTensor> {
        let x = self.value().cast::<bool>();
        let axes = &AxesArgument::or_all(dim, x.rank());
        Ok(x.any_dim(axes, keepdim)?.into())
    }

    /// How many elements are not 0.
    #[pyo3(signature = (dim=None))]
    fn count_nonzero(&self, dim: Option<AxesArgument>) -> Result<PyTensor> {
        let value = self.value();
        let axes = &AxesArgument::or_all(dim, value.shape().len());
        each_tensor!(&value, x => Ok(x.count_nonzero_dim(axes, false)?.into()))
    }

    /// e^x / Σ e^x along an axis.
    #[pyo3(signature = (dim, dtype=None))]
    fn softmax(&self, py: Python<'_>, dim: isize, dtype: Option<DTypeArgument>) -> Result<PyTensor> {
        let value = in_dtype(self.value(), dtype);
        check_real("softmax", &value)?;
        Ok(PyTensor::from(on_reals!(py, value, x => x.softmax(dim))?))
    }

    /// x - ln Σ e^x along an axis.
    #[pyo3(signature = (dim, dtype=None))]
    fn log_softmax(&self, py: Python<'_>, dim: isize, dtype: Option<DTypeArgument>) -> Result<PyTensor> {
        let value = in_dtype(self.value(), dtype);
        check_real("log_softmax", &value)?;
        Ok(PyTensor::from(on_reals!(py, value, x => x.log_softmax(dim))?))
    }

    /// The elements in order along an axis, and where they were; equal elements keep their order.
    #[pyo3(signature = (dim=-1, descending=false, stable=true), text_signature = "($self, dim=-1, descending=False, stable=True)")]
    fn sort<'py>(
        &self,
        py: Python<'py>,
        dim: isize,
        descending: bool,
        stable: bool,
    ) -> Result<Bound<'py, PyAny>> {
        // The order of equal elements is kept in any case.
        let _ = stable;
        let [values, places] = along_axis(&self.value(), dim, |value| {
            released(py, len(value), || {
                each_tensor!(value, x => {
                    let (values, places) = x.sort(dim, descending)?;
                    Ok([values.into(), places.into()])
                })
            })
        })?;
        named_pair(py, values, places)
    }

    /// Where the elements in order were along an axis.
    #[pyo3(signature = (dim=-1, descending=false, stable=true), text_signature = "($self, dim=-1, descending=False, stable=True)")]
    fn argsort(&self, py: Python<'_>, dim: isize, descending: bool, stable: bool) -> Result<PyTensor> {
        // The order of equal elements is kept in any case.
        let _ = stable;
        let [places] = along_axis(&self.value(), dim, |value| {
            released(py, len(value), || each_tensor!(value, x => Ok([x.argsort(dim, descending)?.into()])))
        })?;
        Ok(PyTensor::from(places))
    }

    /// The `k` largest (or smallest) elements along an axis, and where they were.
    #[pyo3(signature = (k, dim=-1, largest=true, sorted=true), text_signature = "($self, k, dim=-1, largest=True, sorted=True)")]
    fn topk<'py>(
        &self,
        py: Python<'py>,
        k: usize,
        dim: isize,
        largest: bool,
        sorted: bool,
    ) -> Result<Bound<'py, PyAny>> {
        // They come in order in any case.
        let _ = sorted;
        let [values, places] = along_axis(&self.value(), dim, |value| {
            released(py, len(value), || {
                each_tensor!(value, x => {
                    if largest {
                        let (values, places) = x.topk(k, dim)?;
                        return Ok([values.into(), places.into()]);
                    }
                    let places = x.argsort(dim, false)?.narrow(dim, 0, k)?;
                    Ok([x.gather(dim, &places)?.into(), places.into()])
                })
            })
        })?;
        named_pair(py, values, places)
    }
}
