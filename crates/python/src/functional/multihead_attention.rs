//! Multi-head attention.

use barehand_nn::{
    AttentionMasks, InProjection, MultiheadParameters, multi_head_attention_forward as forward,
};
use barehand_tensor::{AnyTensor, AttentionDropout, AttentionMask, Element, Float, Tensor, where_};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::{alike, compute, maybe_alike, typed};
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

const NAME: &str = "multi_head_attention_forward";

/// A mask as PyTorch's layers take it.
enum Mask<T: Element> {
    /// True where a query may not attend to a key.
    Forbidden(Tensor<bool>),
    /// Added to the scores.
    Added(Tensor<T>),
}

impl<T: Float> Mask<T> {
    fn of(name: &str, given: Option<&Bound<'_, PyTensor>>) -> Result<Option<Self>> {
        let Some(given) = given else { return Ok(None) };
        match given.get().value() {
            AnyTensor::Bool(mask) => Ok(Some(Mask::Forbidden(mask))),
            value => typed(value).map(|added| Some(Mask::Added(added))).map_err(|dtype| {
                Failure::wrong_type(format!(
                    "{NAME}: {name} is {}, and only bool and the type of the query are supported",
                    crate::dtype::name(dtype)
                ))
            }),
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Mask::Forbidden(mask) => mask.shape(),
            Mask::Added(mask) => mask.shape(),
        }
    }

    fn reshaped(&self, shape: [usize; 4]) -> barehand_tensor::Result<Self> {
        let shape = shape.map(|n| n as isize);
        Ok(match self {
            Mask::Forbidden(mask) => Mask::Forbidden(mask.reshape(shape)?),
            Mask::Added(mask) => Mask::Added(mask.reshape(shape)?),
        })
    }
}

/// Both masks over scores (N, H, L, S).
fn together<T: Float>(
    attention: Option<Mask<T>>,
    padding: Option<Mask<T>>,
    [n, heads, queries, keys]: [usize; 4],
) -> Result<AttentionMasks<T>> {
    let wrong = |name: &str, shape: &[usize], expected: &str| {
        Failure::value(NAME, format!("{name} has shape {shape:?}, and {expected} was expected"))
    };
    let attention = attention.map(|mask| -> Result<Mask<T>> {
        match *mask.shape() {
            [l, s] if (l, s) == (queries, keys) => Ok(mask.reshaped([1, 1, l, s])?),
            [rows, l, s] if (rows, l, s) == (n * heads, queries, keys) => {
                Ok(mask.reshaped([n, heads, l, s])?)
            }
            ref shape => {
                let expected = format!("({queries}, {keys}) or ({}, {queries}, {keys})", n * heads);
                Err(wrong("attn_mask", shape, &expected))
            }
        }
    });
    let padding = padding.map(|mask| -> Result<Mask<T>> {
        match *mask.shape() {
            [s] if n == 1 && s == keys => Ok(mask.reshaped([1, 1, 1, s])?),
            [rows, s] if (rows, s) == (n, keys) => Ok(mask.reshaped([n, 1, 1, s])?),
            ref shape => Err(wrong("key_padding_mask", shape, &format!("({n}, {keys})"))),
        }
    });
    let (attention, padding) = (attention.transpose()?, padding.transpose()?);
    let never = Tensor::scalar(T::NEG_INFINITY);
    let mask = match (attention, padding) {
        (None, None) => None,
        (Some(Mask::Forbidden(mask)), None) | (None, Some(Mask::Forbidden(mask))) => {
            Some(AttentionMask::Keep(mask.not()?))
        }
        (Some(Mask::Added(mask)), None) | (None, Some(Mask::Added(mask))) => {
            Some(AttentionMask::Additive(mask))
        }
        (Some(Mask::Forbidden(a)), Some(Mask::Forbidden(b))) => Some(AttentionMask::Keep(a.or(&b)?.not()?)),
        (Some(Mask::Added(added)), Some(Mask::Forbidden(forbidden)))
        | (Some(Mask::Forbidden(forbidden)), Some(Mask::Added(added))) => {
            Some(AttentionMask::Additive(where_(&forbidden, &never, &added)?))
        }
        (Some(Mask::Added(a)), Some(Mask::Added(b))) => Some(AttentionMask::Additive(a.add(&b)?)),
    };
    Ok(AttentionMasks { mask, ..AttentionMasks::default() })
}

/// Attention in several heads, with the projections of `nn.MultiheadAttention`: the output, and, with `need_weights`, the
/// weights (N, L, S), of each head (N, H, L, S) without `average_attn_weights`.
///
/// Query (L, N, E), key (S, N, kdim), value (S, N, vdim), or N first with `batch_first`, or without N. In `attn_mask`
/// (L, S) or (N·H, L, S) and `key_padding_mask` (N, S), True forbids, and floats are added to the scores. A query that may
/// attend to nothing gets zeros. `is_causal` says that `attn_mask` is the causal one.
#[pyfunction]
#[pyo3(signature = (
    query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
    dropout_p, out_proj_weight, out_proj_bias, training=true, key_padding_mask=None, need_weights=true, attn_mask=None,
    use_separate_proj_weight=false, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, *,
    average_attn_weights=true, is_causal=false, batch_first=false
))]
fn multi_head_attention_forward(
    py: Python<'_>,
    query: &Bound<'_, PyTensor>,
    key: &Bound<'_, PyTensor>,
    value: &Bound<'_, PyTensor>,
    embed_dim_to_check: usize,
    num_heads: usize,
    in_proj_weight: Option<&Bound<'_, PyTensor>>,
    in_proj_bias: Option<&Bound<'_, PyTensor>>,
    bias_k: Option<&Bound<'_, PyTensor>>,
    bias_v: Option<&Bound<'_, PyTensor>>,
    add_zero_attn: bool,
    dropout_p: f64,
    out_proj_weight: &Bound<'_, PyTensor>,
    out_proj_bias: Option<&Bound<'_, PyTensor>>,
    training: bool,
    key_padding_mask: Option<&Bound<'_, PyTensor>>,
    need_weights: bool,
    attn_mask: Option<&Bound<'_, PyTensor>>,
    use_separate_proj_weight: bool,
    q_proj_weight: Option<&Bound<'_, PyTensor>>,
    k_proj_weight: Option<&Bound<'_, PyTensor>>,
    v_proj_weight: Option<&Bound<'_, PyTensor>>,
    average_attn_weights: bool,
    is_causal: bool,
    batch_first: bool,
) -> Result<(PyTensor, Option<PyTensor>)> {
    macro_rules! of {
        ($x:ident) => {{
            let (key, value) = (alike(NAME, "key", key, &$x)?, alike(NAME, "value", value, &$x)?);
            let weight = |name: &str, given: Option<&Bound<'_, PyTensor>>| {
                maybe_alike(NAME, name, given, &$x)?
                    .ok_or_else(|| Failure::value(NAME, format!("{name} is expected, and was None")))
            };
            let bias = maybe_alike(NAME, "in_proj_bias", in_proj_bias, &$x)?;
            let (bias_k, bias_v) =
                (maybe_alike(NAME, "bias_k", bias_k, &$x)?, maybe_alike(NAME, "bias_v", bias_v, &$x)?);
            let out_weight = alike(NAME, "out_proj_weight", out_proj_weight, &$x)?;
            let out_bias = maybe_alike(NAME, "out_proj_bias", out_proj_bias, &$x)?;
            let (packed, separate) = if use_separate_proj_weight {
                let q = weight("q_proj_weight", q_proj_weight)?;
                let k = weight("k_proj_weight", k_proj_weight)?;
                let v = weight("v_proj_weight", v_proj_weight)?;
                (None, Some([q, k, v]))
            } else {
                (Some(weight("in_proj_weight", in_proj_weight)?), None)
            };
            let in_proj_weight = match (&packed, &separate) {
                (Some(packed), _) => InProjection::Packed(packed),
                (None, Some([q, k, v])) => InProjection::Separate([q, k, v]),
                (None, None) => unreachable!("one of them was just made"),
            };
            let (queries, keys, n) = match (($x).shape(), key.shape()) {
                (&[l, _], &[s, _]) => (l, s, 1),
                (&[n, l, _], &[_, s, _]) if batch_first => (l, s, n),
                (&[l, n, _], &[s, _, _]) => (l, s, n),
                (query, key) => {
                    return Err(Failure::value(
                        NAME,
                        format!("query {query:?} and key {key:?}: sequences of two or three axes expected, both alike"),
                    ));
                }
            };
            if ($x).shape().last() != Some(&embed_dim_to_check) {
                return Err(Failure::value(
                    NAME,
                    format!("was expecting embedding dimension of {embed_dim_to_check}, but got {:?}", ($x).shape()),
                ));
            }
            if is_causal && attn_mask.is_none() {
                let text = "Need attn_mask if specifying the is_causal hint.";
                return Err(Failure::Python(PyRuntimeError::new_err(text)));
            }
            // The mask that was promised to be causal is not looked at where nothing else is asked for.
            let causal = is_causal && key_padding_mask.is_none() && !need_weights;
            let attention = if causal { None } else { Mask::of("attn_mask", attn_mask)? };
            let padding = Mask::of("key_padding_mask", key_padding_mask)?;
            let masks = together(attention, padding, [n, num_heads, queries, keys])?;
            let masks = AttentionMasks { causal, ..masks };
            if !(0.0..=1.0).contains(&dropout_p) {
                return Err(Failure::value(NAME, format!("dropout_p = {dropout_p} is not from 0 to 1")));
            }
            let dropout = (training && dropout_p > 0.0).then(|| AttentionDropout {
                p: dropout_p,
                generator: crate::random::with_generator(None, |generator| generator.fork()),
            });
            let parameters = MultiheadParameters {
                in_proj_weight,
                in_proj_bias: bias.as_ref(),
                bias_kv: bias_k.as_ref().zip(bias_v.as_ref()).map(|(k, v)| [k, v]),
                add_zero_attn,
                out_proj_weight: &out_weight,
                out_proj_bias: out_bias.as_ref(),
                num_heads,
                batch_first,
                dropout,
                need_weights,
            };
            let (y, weights) = compute(py, 4 * ($x).len() + n * queries * keys, || {
                let (y, weights) = forward([&$x, &key, &value], &parameters, &masks)?;
                // Heads are the third axis from behind, with and without sequences before them.
                let mean = |weights: Tensor<_>| {
                    if average_attn_weights { weights.mean_dim(-3, false) } else { Ok(weights) }
                };
                Ok((y, weights.map(mean).transpose()?))
            })?;
            Ok((y.into(), weights.map(PyTensor::from)))
        }};
    }
    match query.get().value() {
        AnyTensor::F32(x) => of!(x),
        AnyTensor::F64(x) => of!(x),
        other => Err(super::not_float(NAME, other.dtype())),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(multi_head_attention_forward, module)?)
}
