//! Normalisation: over batches, over layers, to unit length.

use barehand_tensor::{Error, Float, Tensor};
use pyo3::prelude::*;

use super::{Sizes, alike, compute, maybe_alike, on_floats, typed};
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

/// Moves a running statistic toward a batch's, in place.
fn follow<T: Float>(running: &PyTensor, batch: &Tensor<T>, share: f64, scale: f64) -> Result<()>
where
    barehand_tensor::AnyTensor: From<Tensor<T>>,
{
    let mut held: Tensor<T> = typed(running.value()).map_err(|dtype| {
        Failure::wrong_type(format!(
            "batch_norm: the input is {} and its running statistics are {}",
            dtype::name(T::DTYPE),
            dtype::name(dtype)
        ))
    })?;
    if held.shape() != batch.shape() {
        return Err(Error::shape(
            "batch_norm",
            format!("running statistics of shape {:?} for {:?} channels", held.shape(), batch.shape()),
        )
        .into());
    }
    for (held, batch) in held.data_mut().iter_mut().zip(batch.to_vec()) {
        *held = T::from_real((1.0 - share) * held.as_f64() + share * scale * batch.as_f64());
    }
    running.replace(held.into());
    Ok(())
}

/// (x - mean) / √(var + eps) · weight + bias for each channel of (N, C, ...) (Ioffe and Szegedy 2015).
///
/// In training the mean and the population variance are the batch's, and the running statistics, where given, follow in
/// place: running = (1 - momentum) running + momentum batch, the running variance with the unbiased one. Else they are the
/// running statistics.
#[pyfunction]
#[pyo3(signature = (input, running_mean, running_var, weight=None, bias=None, training=false, momentum=0.1, eps=1e-5))]
fn batch_norm(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    running_mean: Option<&Bound<'_, PyTensor>>,
    running_var: Option<&Bound<'_, PyTensor>>,
    weight: Option<&Bound<'_, PyTensor>>,
    bias: Option<&Bound<'_, PyTensor>>,
    training: bool,
    momentum: f64,
    eps: f64,
) -> Result<PyTensor> {
    const NAME: &str = "batch_norm";
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let bias = maybe_alike(NAME, "bias", bias, &x)?;
        // The operator takes a bias beside a weight only.
        let channels = x.shape().get(1).copied().unwrap_or(0);
        let weight = weight.or_else(|| bias.as_ref().map(|_| Tensor::ones([channels])));
        if training {
            let work = || x.batch_norm_train(weight.as_ref(), bias.as_ref(), eps);
            let (y, (mean, var)) = compute(py, x.len(), work)?;
            let count = (x.len() / channels.max(1)) as f64;
            if let Some(running) = running_mean {
                follow(running.get(), &mean, momentum, 1.0)?;
            }
            if let Some(running) = running_var {
                follow(running.get(), &var, momentum, count / (count - 1.0))?;
            }
            Ok(y)
        } else {
            let (Some(mean), Some(var)) = (running_mean, running_var) else {
                return Err(Failure::value(NAME, "expected running_mean and running_var to be defined when training=False"));
            };
            let mean = alike(NAME, "running_mean", mean, &x)?;
            let var = alike(NAME, "running_var", var, &x)?;
            compute(py, x.len(), || x.batch_norm_eval(&mean, &var, weight.as_ref(), bias.as_ref(), eps))
        }
    })
}

/// (x - mean) / √(var + eps) · weight + bias over the last axes, which have `normalized_shape`, with the population
/// variance (Ba et al. 2016). Weight and bias have that shape.
#[pyfunction]
#[pyo3(signature = (input, normalized_shape, weight=None, bias=None, eps=1e-5))]
fn layer_norm(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    normalized_shape: Sizes,
    weight: Option<&Bound<'_, PyTensor>>,
    bias: Option<&Bound<'_, PyTensor>>,
    eps: f64,
) -> Result<PyTensor> {
    const NAME: &str = "layer_norm";
    let normalized = normalized_shape.0;
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let bias = maybe_alike(NAME, "bias", bias, &x)?;
        let fits = |p: &Option<Tensor<_>>| p.as_ref().is_none_or(|p| p.shape() == normalized);
        if normalized.is_empty() || !x.shape().ends_with(&normalized) || !fits(&weight) || !fits(&bias) {
            return Err(Failure::value(NAME, format!(
                "input of shape {:?} must end with normalized_shape {normalized:?}, and weight and bias must have that shape, \
                 not {:?}",
                x.shape(),
                [&weight, &bias].into_iter().flatten().map(Tensor::shape).collect::<Vec<_>>(),
            )));
        }
        compute(py, x.len(), || x.layer_norm_over(normalized.len(), weight.as_ref(), bias.as_ref(), eps))
    })
}

/// x / √(mean(x²) + eps) · weight over the last axes, which have `normalized_shape` (Zhang and Sennrich 2019). Without an eps
/// it is the gap between 1 and the next number.
///
/// >>> F.rms_norm(bh.tensor([[3.0, 4.0]]), (2,))
/// tensor([[0.8485, 1.1314]])
#[pyfunction]
#[pyo3(signature = (input, normalized_shape, weight=None, eps=None))]
fn rms_norm(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    normalized_shape: Sizes,
    weight: Option<&Bound<'_, PyTensor>>,
    eps: Option<f64>,
) -> Result<PyTensor> {
    const NAME: &str = "rms_norm";
    let normalized = normalized_shape.0;
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let fits = weight.as_ref().is_none_or(|w| w.shape() == normalized);
        if normalized.is_empty() || !x.shape().ends_with(&normalized) || !fits {
            return Err(Failure::value(NAME, format!(
                "input of shape {:?} must end with normalized_shape {normalized:?}, and weight must have that shape, not {:?}",
                x.shape(),
                weight.as_ref().map(Tensor::shape),
            )));
        }
        compute(py, x.len(), || x.rms_norm(normalized.len(), weight.as_ref(), eps))
    })
}

/// (x - mean) / √(var + eps) · weight + bias, with mean and population variance of each of `num_groups` groups of channels of
/// each sample of (N, C, ...), weight and bias of each channel (Wu and He 2018).
///
/// >>> F.group_norm(bh.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
/// tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
#[pyfunction]
#[pyo3(signature = (input, num_groups, weight=None, bias=None, eps=1e-5))]
fn group_norm(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    num_groups: usize,
    weight: Option<&Bound<'_, PyTensor>>,
    bias: Option<&Bound<'_, PyTensor>>,
    eps: f64,
) -> Result<PyTensor> {
    const NAME: &str = "group_norm";
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let bias = maybe_alike(NAME, "bias", bias, &x)?;
        compute(py, x.len(), || x.group_norm(num_groups, weight.as_ref(), bias.as_ref(), eps))
    })
}

/// (x - mean) / √(var + eps) · weight + bias, with mean and population variance of each channel of each sample of (N, C, ...)
/// (Ulyanov et al. 2016), or with the running statistics where `use_input_stats` is false.
///
/// With `use_input_stats` the running statistics, where given, follow in place: running = (1 - momentum) running + momentum ·
/// (the mean over the samples of their mean, or of their unbiased variance).
#[pyfunction]
#[pyo3(signature = (
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=true, momentum=0.1, eps=1e-5
))]
fn instance_norm(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    running_mean: Option<&Bound<'_, PyTensor>>,
    running_var: Option<&Bound<'_, PyTensor>>,
    weight: Option<&Bound<'_, PyTensor>>,
    bias: Option<&Bound<'_, PyTensor>>,
    use_input_stats: bool,
    momentum: f64,
    eps: f64,
) -> Result<PyTensor> {
    const NAME: &str = "instance_norm";
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let bias = maybe_alike(NAME, "bias", bias, &x)?;
        if use_input_stats {
            let y = compute(py, x.len(), || x.instance_norm(weight.as_ref(), bias.as_ref(), eps))?;
            let rows = x.detach().flatten(2, -1)?;
            if let Some(running) = running_mean {
                follow(running.get(), &rows.mean_dim(-1, false)?.mean_dim(0, false)?, momentum, 1.0)?;
            }
            if let Some(running) = running_var {
                follow(running.get(), &rows.var_dim(-1, 1.0, false)?.mean_dim(0, false)?, momentum, 1.0)?;
            }
            Ok(y)
        } else {
            let (Some(mean), Some(var)) = (running_mean, running_var) else {
                return Err(Failure::value(
                    NAME,
                    "expected running_mean and running_var to be defined when use_input_stats=False",
                ));
            };
            let mean = alike(NAME, "running_mean", mean, &x)?;
            let var = alike(NAME, "running_var", var, &x)?;
            // The operator takes a bias beside a weight only.
            let weight = weight.or_else(|| bias.as_ref().map(Tensor::ones_like));
            compute(py, x.len(), || x.batch_norm_eval(&mean, &var, weight.as_ref(), bias.as_ref(), eps))
        }
    })
}

/// x / max(‖x‖_p, eps) along an axis.
///
/// >>> F.normalize(bh.tensor([[3.0, 4.0]]))
/// tensor([[0.6000, 0.8000]])
#[pyfunction]
#[pyo3(signature = (input, p=2.0, dim=1, eps=1e-12))]
fn normalize(py: Python<'_>, input: &Bound<'_, PyTensor>, p: f64, dim: isize, eps: f64) -> Result<PyTensor> {
    fn unit<T: Float>(x: &Tensor<T>, p: f64, dim: isize, eps: f64) -> barehand_tensor::Result<Tensor<T>> {
        let size = x.abs()?;
        let norm = if p == f64::INFINITY {
            size.amax(dim, true)?.clamp(eps, f64::INFINITY)?
        } else if p == 1.0 {
            size.sum_dim(dim, true)?.clamp(eps, f64::INFINITY)?
        } else {
            // Held before the root is taken, whose slope at 0 is infinite.
            let least = eps.powf(p).max(f64::from(f32::MIN_POSITIVE));
            let powers = if p == 2.0 { x.square()? } else { size.pow_scalar(p)? };
            powers
                .sum_dim(dim, true)?
                .clamp(least, f64::INFINITY)?
                .pow_scalar(1.0 / p)?
                .clamp(eps, f64::INFINITY)?
        };
        x.div(&norm)
    }
    if !(p > 0.0 && eps >= 0.0) {
        return Err(Failure::value(
            "normalize",
            format!("p = {p} must be positive and eps = {eps} 0 or more"),
        ));
    }
    on_floats!("normalize", input, x => compute(py, x.len(), || unit(&x, p, dim, eps)))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(batch_norm, module)?)?;
    module.add_function(wrap_pyfunction!(group_norm, module)?)?;
    module.add_function(wrap_pyfunction!(instance_norm, module)?)?;
    module.add_function(wrap_pyfunction!(layer_norm, module)?)?;
    module.add_function(wrap_pyfunction!(normalize, module)?)?;
    module.add_function(wrap_pyfunction!(rms_norm, module)?)
}
