//! Attention and rotary embedding.

use barehand_tensor::{
    AnyTensor, AttentionDropout, AttentionMask, AttentionOptions, Causal, DType, Float, RopeLayout,
    RopeOptions, Tensor,
};
use pyo3::prelude::*;

use super::{alike, compute, on_floats};
use crate::dtype::{DTypeArgument, default_float};
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

const NAME: &str = "scaled_dot_product_attention";

/// softmax(scale · query keyᵀ + mask) value: query (..., H, L, E), key (..., H, S, E), value (..., H, S, Ev), output
/// (..., H, L, Ev). The matrix of weights is never stored, in training neither.
///
/// `attn_mask` broadcasts to (..., H, L, S): booleans say where a query attends to a key, floats are added to the scores.
/// `is_causal` lets query i attend to keys 0 to i; `scale` is 1 / sqrt(E) if None; with `enable_gqa` H of the query may be
/// a multiple of that of key and value. A query that attends to no key gets zeros.
///
/// >>> x = bh.tensor([[1.0, 0.0], [0.0, 1.0]])
/// >>> F.scaled_dot_product_attention(x, x, x, is_causal=True)[0]
/// tensor([1., 0.])
#[pyfunction]
#[pyo3(signature = (query, key, value, attn_mask=None, dropout_p=0.0, is_causal=false, *, scale=None, enable_gqa=false))]
#[allow(clippy::too_many_arguments)] // As many as PyTorch's.
fn scaled_dot_product_attention(
    py: Python<'_>,
    query: &Bound<'_, PyTensor>,
    key: &Bound<'_, PyTensor>,
    value: &Bound<'_, PyTensor>,
    attn_mask: Option<&Bound<'_, PyTensor>>,
    dropout_p: f64,
    is_causal: bool,
    scale: Option<f64>,
    enable_gqa: bool,
) -> Result<PyTensor> {
    if is_causal && attn_mask.is_some() {
        return Err(Failure::value(
            NAME,
            "attn_mask and is_causal exclude each other: put the triangle into the mask",
        ));
    }
    let dropout = dropped(NAME, dropout_p)?;
    let causal = is_causal.then_some(Causal::UpperLeft);
    on_floats!(NAME, query, q => {
        let (k, v) = (alike(NAME, "the key", key, &q)?, alike(NAME, "the value", value, &q)?);
        let mask = attn_mask.map(|mask| mask_of(mask, &q)).transpose()?;
        let work = q.len() * k.shape().iter().rev().nth(1).copied().unwrap_or(1);
        compute(py, work, || {
            let options = AttentionOptions { mask, causal, scale, dropout, enable_gqa };
            q.scaled_dot_product_attention(&k, &v, &options)
        })
    })
}

fn mask_of<T: Float>(mask: &Bound<'_, PyTensor>, query: &Tensor<T>) -> Result<AttentionMask<T>> {
    match mask.get().value() {
        AnyTensor::Bool(keep) => Ok(AttentionMask::Keep(keep)),
        _ => Ok(AttentionMask::Additive(alike(NAME, "attn_mask", mask, query)?)),
    }
}

/// Rotary position embedding of queries or keys (..., T, D), never of values: pair i of row t turns by the angle
/// (offset + t) / base^(2i / width). Pairs are neighbours where `layout` is 'interleaved' (the paper, Meta's Llama), i and
/// i + width / 2 where it is 'half_split' (GPT-NeoX, Hugging Face). Elements beyond `width` stay as they are.
///
/// >>> F.rope(bh.tensor([[1.0, 0.0], [1.0, 0.0]]))
/// tensor([[1.0000, 0.0000],
///         [0.5403, 0.8415]])
#[pyfunction]
#[pyo3(signature = (input, layout="interleaved", *, base=10000.0, offset=0, width=None))]
fn rope(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    layout: &str,
    base: f64,
    offset: usize,
    width: Option<usize>,
) -> Result<PyTensor> {
    let layout = match layout {
        "interleaved" => RopeLayout::Interleaved,
        "half_split" => RopeLayout::HalfSplit,
        other => {
            return Err(Failure::value(
                "rope",
                format!("layout '{other}' is not one of 'interleaved', 'half_split'"),
            ));
        }
    };
    let options = RopeOptions { layout, base, offset, width };
    on_floats!("rope", input, x => compute(py, x.len(), || x.rope(&options)))
}

/// Attention of tokens to each other in `num_heads` heads, from (N, L, 3·E), where query, key and value lie side by side,
/// to (N, L, E): `scaled_dot_product_attention` of its parts, joined again, without a copy of them.
///
/// >>> F.packed_attention(bh.ones(2, 5, 3 * 8), 4, is_causal=True).shape
/// (2, 5, 8)
#[pyfunction]
#[pyo3(signature = (input, num_heads, *, dropout_p=0.0, is_causal=false))]
fn packed_attention(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    num_heads: usize,
    dropout_p: f64,
    is_causal: bool,
) -> Result<PyTensor> {
    const NAME: &str = "packed_attention";
    let (dropout, causal) = (dropped(NAME, dropout_p)?, is_causal.then_some(Causal::UpperLeft));
    on_floats!(NAME, input, x => {
        let work = x.len() * x.shape().iter().rev().nth(1).copied().unwrap_or(1);
        compute(py, work, || {
            x.packed_attention(num_heads, 0, &AttentionOptions { causal, dropout, ..Default::default() })
        })
    })
}

/// What drops weights of attention, in an order drawn from the default generator.
fn dropped(operation: &str, p: f64) -> Result<Option<AttentionDropout>> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Failure::value(operation, format!("dropout_p has to be between 0 and 1, but got {p}")));
    }
    let generator = || crate::random::with_generator(None, barehand_tensor::Generator::fork);
    Ok((p > 0.0).then(|| AttentionDropout { p, generator: generator() }))
}

/// Waves of falling frequency, one row for each position, (length, dim): with the angle pos / 10000^(2 ⌊i/2⌋ / dim), its
/// sine at even i and its cosine at odd i (Vaswani et al. 2017).
///
/// >>> F.sinusoidal_encoding(2, 4)
/// tensor([[0.0000, 1.0000, 0.0000, 1.0000],
///         [0.8415, 0.5403, 0.0100, 0.9999]])
#[pyfunction]
#[pyo3(signature = (length, dim, *, dtype=None))]
fn sinusoidal_encoding(length: usize, dim: usize, dtype: Option<DTypeArgument>) -> Result<PyTensor> {
    if length
        .checked_mul(dim)
        .and_then(|elements| elements.checked_mul(8))
        .is_none_or(|bytes| bytes > isize::MAX as usize)
    {
        return Err(Failure::value("sinusoidal_encoding", format!("{length} x {dim} numbers are too many")));
    }
    match dtype.map_or_else(default_float, |dtype| dtype.0) {
        DType::F32 => Ok(barehand_nn::sinusoidal_encoding::<f32>(length, dim).into()),
        DType::F64 => Ok(barehand_nn::sinusoidal_encoding::<f64>(length, dim).into()),
        other => Err(super::not_float("sinusoidal_encoding", other)),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(packed_attention, module)?)?;
    module.add_function(wrap_pyfunction!(sinusoidal_encoding, module)?)?;
    module.add_function(wrap_pyfunction!(scaled_dot_product_attention, module)?)?;
    module.add_function(wrap_pyfunction!(rope, module)?)
}
