//! Losses of a prediction and a target.

use barehand_nn::{BceLoss, BceWithLogitsLoss, CrossEntropyLoss, L1Loss, MseLoss, NllLoss, SmoothL1Loss};
use barehand_tensor::{AnyTensor, DType, Reduction, Targets, Tensor};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{alike, compute, maybe_alike, on_floats};
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

/// What becomes of the losses of single samples.
pub(super) struct Reduced(pub(super) Reduction);

impl<'py> FromPyObject<'_, 'py> for Reduced {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match given.cast::<PyString>()?.to_string().as_str() {
            "none" => Ok(Reduced(Reduction::None)),
            "mean" => Ok(Reduced(Reduction::Mean)),
            "sum" => Ok(Reduced(Reduction::Sum)),
            other => {
                Err(Failure::value("reduction", format!("'{other}' is not one of 'none', 'mean', 'sum'"))
                    .into())
            }
        }
    }
}

pub(super) const MEAN: Reduced = Reduced(Reduction::Mean);

/// (input - target)², its mean over all elements or its sum.
///
/// >>> F.mse_loss(bh.tensor([1.0, 2.0]), bh.tensor([1.0, 4.0])).item()
/// 2.0
#[pyfunction]
#[pyo3(signature = (input, target, *, reduction=MEAN), text_signature = "(input, target, *, reduction='mean')")]
fn mse_loss(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    target: &Bound<'_, PyTensor>,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("mse_loss", input, x => {
        let target = alike("mse_loss", "the target", target, &x)?;
        compute(py, x.len(), || MseLoss { reduction: reduction.0, half: false }.forward(&x, &target))
    })
}

/// |input - target|, its mean over all elements or its sum.
#[pyfunction]
#[pyo3(signature = (input, target, *, reduction=MEAN), text_signature = "(input, target, *, reduction='mean')")]
fn l1_loss(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    target: &Bound<'_, PyTensor>,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("l1_loss", input, x => {
        let target = alike("l1_loss", "the target", target, &x)?;
        compute(py, x.len(), || L1Loss { reduction: reduction.0 }.forward(&x, &target))
    })
}

/// d² / (2 beta) where d = |input - target| is below beta, d - beta / 2 elsewhere (Girshick 2015).
#[pyfunction]
#[pyo3(signature = (input, target, *, reduction=MEAN, beta=1.0),
       text_signature = "(input, target, *, reduction='mean', beta=1.0)")]
fn smooth_l1_loss(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    target: &Bound<'_, PyTensor>,
    reduction: Reduced,
    beta: f64,
) -> Result<PyTensor> {
    on_floats!("smooth_l1_loss", input, x => {
        let target = alike("smooth_l1_loss", "the target", target, &x)?;
        compute(py, x.len(), || SmoothL1Loss { reduction: reduction.0, beta }.forward(&x, &target))
    })
}

/// -(t ln p + (1 - t) ln(1 - p)) from probabilities p; logarithms are held at -100.
#[pyfunction]
#[pyo3(signature = (input, target, weight=None, *, reduction=MEAN),
       text_signature = "(input, target, weight=None, *, reduction='mean')")]
fn binary_cross_entropy(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    target: &Bound<'_, PyTensor>,
    weight: Option<&Bound<'_, PyTensor>>,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "binary_cross_entropy";
    on_floats!(NAME, input, x => {
        let target = alike(NAME, "the target", target, &x)?;
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        compute(py, x.len(), || BceLoss { weight, reduction: reduction.0 }.forward(&x, &target))
    })
}

/// -(pos_weight t ln sigmoid(x) + (1 - t) ln(1 - sigmoid(x))) from logits x, without overflow.
#[pyfunction]
#[pyo3(signature = (input, target, weight=None, *, reduction=MEAN, pos_weight=None),
       text_signature = "(input, target, weight=None, *, reduction='mean', pos_weight=None)")]
fn binary_cross_entropy_with_logits(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    target: &Bound<'_, PyTensor>,
    weight: Option<&Bound<'_, PyTensor>>,
    reduction: Reduced,
    pos_weight: Option<&Bound<'_, PyTensor>>,
) -> Result<PyTensor> {
    const NAME: &str = "binary_cross_entropy_with_logits";
    on_floats!(NAME, input, x => {
        let target = alike(NAME, "the target", target, &x)?;
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let pos_weight = maybe_alike(NAME, "pos_weight", pos_weight, &x)?;
        compute(py, x.len(), || BceWithLogitsLoss { weight, pos_weight, reduction: reduction.0 }.forward(&x, &target))
    })
}

/// -Σ q ln softmax(input) over the classes: logits (N, C), (N, C, ...) or (C) against class indices (N, ...) or
/// probabilities q of the logits' shape. `weight` (C) counts classes more or less, and the mean with them.
///
/// >>> F.cross_entropy(bh.zeros(2, 4), bh.tensor([0, 3]))
/// tensor(1.3863)
#[pyfunction]
#[pyo3(signature = (input, target, weight=None, *, ignore_index=-100, reduction=MEAN, label_smoothing=0.0),
       text_signature = "(input, target, weight=None, *, ignore_index=-100, reduction='mean', label_smoothing=0.0)")]
fn cross_entropy(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    target: &Bound<'_, PyTensor>,
    weight: Option<&Bound<'_, PyTensor>>,
    ignore_index: i64,
    reduction: Reduced,
    label_smoothing: f64,
) -> Result<PyTensor> {
    const NAME: &str = "cross_entropy";
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let loss = CrossEntropyLoss { weight, ignore_index, label_smoothing, reduction: reduction.0 };
        match target.get().dtype() {
            DType::F32 | DType::F64 => {
                let target = alike(NAME, "the target", target, &x)?;
                compute(py, x.len(), || loss.forward(&x, Targets::Probabilities(&target)))
            }
            _ => {
                let classes = classes(NAME, target)?;
                compute(py, x.len(), || loss.forward(&x, &classes))
            }
        }
    })
}

/// -input at the right class: log-probabilities (N, C), (N, C, ...) or (C) against class indices (N, ...). After
/// `log_softmax` this is `cross_entropy`.
#[pyfunction]
#[pyo3(signature = (input, target, weight=None, *, ignore_index=-100, reduction=MEAN),
       text_signature = "(input, target, weight=None, *, ignore_index=-100, reduction='mean')")]
fn nll_loss(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    target: &Bound<'_, PyTensor>,
    weight: Option<&Bound<'_, PyTensor>>,
    ignore_index: i64,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "nll_loss";
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let classes = classes(NAME, target)?;
        let loss = NllLoss { weight, ignore_index, reduction: reduction.0 };
        compute(py, x.len(), || loss.forward(&x, &classes))
    })
}

/// Class indices, of any type of whole numbers.
pub(super) fn classes(operation: &str, target: &Bound<'_, PyTensor>) -> Result<Tensor<i64>> {
    match target.get().value() {
        AnyTensor::I64(classes) => Ok(classes),
        other if matches!(other.dtype(), DType::I32 | DType::U8) => Ok(other.cast()),
        other => Err(Failure::wrong_type(format!(
            "{operation}: the target is {}, and class indices are whole numbers",
            crate::dtype::name(other.dtype())
        ))),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(mse_loss, module)?)?;
    module.add_function(wrap_pyfunction!(l1_loss, module)?)?;
    module.add_function(wrap_pyfunction!(smooth_l1_loss, module)?)?;
    module.add_function(wrap_pyfunction!(binary_cross_entropy, module)?)?;
    module.add_function(wrap_pyfunction!(binary_cross_entropy_with_logits, module)?)?;
    module.add_function(wrap_pyfunction!(cross_entropy, module)?)?;
    module.add_function(wrap_pyfunction!(nll_loss, module)?)
}
