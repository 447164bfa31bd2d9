//! Multi-head attention as PyTorch has it.

use barehand_tensor::{AttentionDropout, AttentionMask, AttentionOptions, Causal, concat};

use super::attention_masks::{AttentionMasks, restricted, triangle, widened};
use super::heads::{join, split, split_packed, weights};
use super::linear::bound;
use crate::summary::observe;
use crate::{Dropout, Error, Float, Generator, Linear, Module, Parameters, Result, Tensor, init};

const NAME: &str = "MultiheadAttention";

/// The weights of query, key and value.
#[derive(Clone, Copy, Debug)]
pub enum InProjection<'a, T: Float> {
    /// (3E, E), one above the other.
    Packed(&'a Tensor<T>),
    /// (E, E), (E, kdim) and (E, vdim).
    Separate([&'a Tensor<T>; 3]),
}

/// What [`multi_head_attention_forward`] computes with.
#[derive(Clone, Copy, Debug)]
pub struct MultiheadParameters<'a, T: Float> {
    /// The weights of query, key and value.
    pub in_proj_weight: InProjection<'a, T>,
    /// (3E)
    pub in_proj_bias: Option<&'a Tensor<T>>,
    /// A key and a value (1, 1, E) that every sequence has behind its own.
    pub bias_kv: Option<[&'a Tensor<T>; 2]>,
    /// Whether there is a key and a value of zeros behind those.
    pub add_zero_attn: bool,
    /// (E, E)
    pub out_proj_weight: &'a Tensor<T>,
    /// (E)
    pub out_proj_bias: Option<&'a Tensor<T>>,
    /// E is a multiple of it.
    pub num_heads: usize,
    /// Whether sequences are (N, L, E); else (L, N, E).
    pub batch_first: bool,
    /// Of weights of attention.
    pub dropout: Option<AttentionDropout>,
    /// Whether the weights (N, H, L, S) are returned too. They are not kept otherwise.
    pub need_weights: bool,
}

/// Attention in several heads (`torch.nn.functional.multi_head_attention_forward`): the output, of the query's shape, and,
/// where asked for, the weights (N, H, L, S), or (H, L, S) for a single sequence.
///
/// # Errors
/// When shapes do not fit.
pub fn multi_head_attention_forward<T: Float>(
    [query, key, value]: [&Tensor<T>; 3],
    parameters: &MultiheadParameters<'_, T>,
    masks: &AttentionMasks<T>,
) -> Result<(Tensor<T>, Option<Tensor<T>>)> {
    if query.rank() == 2 && key.rank() == 2 && value.rank() == 2 {
        let batch = isize::from(!parameters.batch_first);
        let one = [query, key, value].map(|x| x.unsqueeze(batch));
        let [query, key, value] = one;
        let (query, key, value) = (query?, key?, value?);
        let (y, weights) = batched([&query, &key, &value], parameters, masks)?;
        return Ok((y.squeeze(batch)?, weights.map(|weights| weights.squeeze(0)).transpose()?));
    }
    batched([query, key, value], parameters, masks)
}

fn batched<T: Float>(
    inputs: [&Tensor<T>; 3],
    parameters: &MultiheadParameters<'_, T>,
    masks: &AttentionMasks<T>,
) -> Result<(Tensor<T>, Option<Tensor<T>>)> {
    let MultiheadParameters { num_heads: heads, batch_first, dropout, .. } = *parameters;
    let batch = usize::from(!batch_first);
    let mut mask = masks.together()?;
    let mut causal = masks.causal.then_some(Causal::UpperLeft);
    let [query, key, value] = inputs;
    let plain = parameters.bias_kv.is_none()
        && !(parameters.add_zero_attn || parameters.need_weights)
        && !matches!(mask, Some(AttentionMask::Additive(_)));
    if let InProjection::Packed(weight) = parameters.in_proj_weight
        && plain
        && query.is_clone_of(key)
        && key.is_clone_of(value)
        && query.rank() == 3
    {
        let options = AttentionOptions { mask, causal, dropout, ..Default::default() };
        let packed = query.linear(weight, parameters.in_proj_bias)?;
        let joined = packed.packed_attention(heads, batch, &options)?;
        return Ok((joined.linear(parameters.out_proj_weight, parameters.out_proj_bias)?, None));
    }
    let [query, mut key, mut value] = project(inputs, parameters, batch)?;
    let mut added = 0;
    if let Some(bias) = parameters.bias_kv {
        // (1, 1, E) as (N, H, 1, D).
        let [k, v] = bias.map(|bias| {
            let &[n, _, _, _] = key.shape() else { unreachable!("split into heads") };
            let width = bias.len() / heads;
            split(bias, heads, 0)?.expand([n, heads, 1, width])
        });
        (key, value) = (concat(&[&key, &k?], 2)?, concat(&[&value, &v?], 2)?);
        added += 1;
    }
    if parameters.add_zero_attn {
        let behind = |x: &Tensor<T>| x.pad(&[(0, 0), (0, 0), (0, 1), (0, 0)], T::ZERO);
        (key, value) = (behind(&key)?, behind(&value)?);
        added += 1;
    }
    if added > 0 {
        let keys = key.shape()[2] - added;
        mask = mask.map(|mask| widened(mask, keys, added)).transpose()?;
        if causal.take().is_some() {
            let sees = triangle(Causal::UpperLeft, query.shape()[2], keys)?;
            mask = Some(restricted(mask, sees.pad(&[(0, 0), (0, added)], true)?)?);
        }
    }
    let (attended, weights) = if parameters.need_weights {
        let width = query.shape()[3];
        let weights = weights(&query, &key, mask.as_ref(), causal, 1.0 / (width as f64).sqrt())?;
        let weights = match dropout {
            Some(AttentionDropout { p, mut generator }) => weights.dropout(p, &mut generator)?,
            None => weights,
        };
        (weights.matmul(&value)?, Some(weights))
    } else {
        let options = AttentionOptions { mask, causal, dropout, ..Default::default() };
        (query.scaled_dot_product_attention(&key, &value, &options)?, None)
    };
    let joined = join(&attended, batch)?;
    Ok((joined.linear(parameters.out_proj_weight, parameters.out_proj_bias)?, weights))
}

/// Query, key and value, (N, H, L, D) each.
fn project<T: Float>(
    [query, key, value]: [&Tensor<T>; 3],
    parameters: &MultiheadParameters<'_, T>,
    batch: usize,
) -> Result<[Tensor<T>; 3]> {
    let heads = parameters.num_heads;
    let embed = match query.shape() {
        &[_, _, embed] if heads > 0 && embed % heads == 0 => embed,
        shape => {
            return Err(Error::shape(
                NAME,
                format!(
                    "a query of shape {shape:?} for {heads} heads: (.., .., E) expected, E a multiple of them"
                ),
            ));
        }
    };
    let fits = |x: &Tensor<T>| x.rank() == 3 && x.shape()[batch] == query.shape()[batch];
    if !fits(key) || !fits(value) || key.shape()[..2] != value.shape()[..2] {
        return Err(Error::shape(
            NAME,
            format!(
                "query {:?}, key {:?} and value {:?}: as many sequences everywhere, and as many values as keys, expected",
                query.shape(),
                key.shape(),
                value.shape()
            ),
        ));
    }
    let bias = |part: usize, parts: usize| {
        parameters.in_proj_bias.map(|bias| bias.narrow(0, part * embed, parts * embed)).transpose()
    };
    match parameters.in_proj_weight {
        InProjection::Packed(weight) if query.is_clone_of(key) && key.is_clone_of(value) => {
            split_packed(&query.linear(weight, parameters.in_proj_bias)?, heads, batch)
        }
        InProjection::Packed(weight) if key.is_clone_of(value) => {
            let query = query.linear(&weight.narrow(0, 0, embed)?, bias(0, 1)?.as_ref())?;
            let both = key.linear(&weight.narrow(0, embed, 2 * embed)?, bias(1, 2)?.as_ref())?;
            let [key, value] = split_packed(&both, heads, batch)?;
            Ok([split(&query, heads, batch)?, key, value])
        }
        InProjection::Packed(weight) => {
            let part = |i: usize, x: &Tensor<T>| {
                let y = x.linear(&weight.narrow(0, i * embed, embed)?, bias(i, 1)?.as_ref())?;
                split(&y, heads, batch)
            };
            Ok([part(0, query)?, part(1, key)?, part(2, value)?])
        }
        InProjection::Separate(weights) => {
            let part =
                |i: usize, x: &Tensor<T>| split(&x.linear(weights[i], bias(i, 1)?.as_ref())?, heads, batch);
            Ok([part(0, query)?, part(1, key)?, part(2, value)?])
        }
    }
}

/// softmax(Q Kᵀ / √D) V in several heads, each of width D = E / H, with a projection of query, key and value before and of
/// their joined outputs behind (Vaswani et al. 2017; `torch.nn.MultiheadAttention`).
///
/// Sequences are (L, N, E), or (N, L, E) under [`batch_first`](MultiheadAttentionBuilder::batch_first), or (L, E) for a
/// single one. The weights of the inputs begin as `xavier_uniform`, those of the output uniform on ±1/√E, biases 0.
///
/// ```
/// use barehand_nn::{AttentionMasks, Generator, MultiheadAttention, Tensor};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let mut generator = Generator::new(0);
/// let attention: MultiheadAttention = MultiheadAttention::builder(8, 2).batch_first(true).build(&mut generator)?;
/// let x = Tensor::randn([3, 5, 8], &mut generator);
/// let (y, weights) = attention.forward_with_weights([&x, &x, &x], &AttentionMasks::causal())?;
/// assert_eq!(y.shape(), [3, 5, 8]);
/// assert_eq!(weights.shape(), [3, 2, 5, 5]);
/// assert_eq!(weights.at([0, 0, 0, 0])?, 1.0); // The first token sees itself alone.
/// # Ok(())
/// # }
/// ```
#[derive(Parameters)]
pub struct MultiheadAttention<T: Float = f32> {
    /// (3E, E), where keys and values have the width E too.
    pub in_proj_weight: Option<Tensor<T>>,
    /// (E, E), else.
    pub q_proj_weight: Option<Tensor<T>>,
    /// (E, kdim), else.
    pub k_proj_weight: Option<Tensor<T>>,
    /// (E, vdim), else.
    pub v_proj_weight: Option<Tensor<T>>,
    /// (3E)
    pub in_proj_bias: Option<Tensor<T>>,
    /// (1, 1, E)
    pub bias_k: Option<Tensor<T>>,
    /// (1, 1, E)
    pub bias_v: Option<Tensor<T>>,
    /// (E, E)
    pub out_proj: Linear<T>,
    /// How many heads share the width.
    #[module(skip)]
    pub num_heads: usize,
    /// Whether sequences are (N, L, E); else (L, N, E).
    #[module(skip)]
    pub batch_first: bool,
    #[module(skip)]
    add_zero_attn: bool,
    /// Of the weights.
    pub dropout: Dropout,
}

impl MultiheadAttention {
    /// A layer to be: set options, then [`build`](MultiheadAttentionBuilder::build) it.
    pub fn builder(embed_dim: usize, num_heads: usize) -> MultiheadAttentionBuilder {
        MultiheadAttentionBuilder {
            embed_dim,
            num_heads,
            dropout: 0.0,
            bias: true,
            add_bias_kv: false,
            add_zero_attn: false,
            kdim: embed_dim,
            vdim: embed_dim,
            batch_first: false,
        }
    }
}

/// The options of a [`MultiheadAttention`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MultiheadAttentionBuilder {
    embed_dim: usize,
    num_heads: usize,
    dropout: f64,
    bias: bool,
    add_bias_kv: bool,
    add_zero_attn: bool,
    kdim: usize,
    vdim: usize,
    batch_first: bool,
}

impl MultiheadAttentionBuilder {
    /// The share of weights dropped in training. Default 0.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// Whether the projections have biases. Default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Whether every sequence has one trained key and value more. Default false.
    pub fn add_bias_kv(mut self, add: bool) -> Self {
        self.add_bias_kv = add;
        self
    }

    /// Whether every sequence has one key and value of zeros more. Default false.
    pub fn add_zero_attn(mut self, add: bool) -> Self {
        self.add_zero_attn = add;
        self
    }

    /// The width of keys. Default: that of queries.
    pub fn kdim(mut self, width: usize) -> Self {
        self.kdim = width;
        self
    }

    /// The width of values. Default: that of queries.
    pub fn vdim(mut self, width: usize) -> Self {
        self.vdim = width;
        self
    }

    /// Whether sequences are (N, L, E). Default false: (L, N, E).
    pub fn batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// The layer, its weights drawn from `generator`.
    ///
    /// # Errors
    /// When a number is 0, the width is no multiple of the heads, or the share is not in [0, 1].
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<MultiheadAttention<T>> {
        let MultiheadAttentionBuilder { embed_dim: width, num_heads, dropout, kdim, vdim, .. } = self;
        if width == 0 || num_heads == 0 || !width.is_multiple_of(num_heads) {
            return Err(Error::value(
                NAME,
                format!("embed_dim {width} must be divisible by num_heads {num_heads}, and neither may be 0"),
            ));
        }
        let packed = kdim == width && vdim == width;
        let mut weight = |there: bool, rows: usize, cols: usize| -> Result<Option<Tensor<T>>> {
            let drawn = there.then(|| init::xavier_uniform(&[rows, cols], 1.0, generator)).transpose()?;
            Ok(drawn.map(|weight| weight.requires_grad()))
        };
        let in_proj_weight = weight(packed, 3 * width, width)?;
        let q_proj_weight = weight(!packed, width, width)?;
        let k_proj_weight = weight(!packed, width, kdim)?;
        let v_proj_weight = weight(!packed, width, vdim)?;
        let zeros = |n: usize| self.bias.then(|| Tensor::zeros([n]).requires_grad());
        let mut extra = || -> Option<Tensor<T>> {
            // xavier_normal of (1, 1, E), whose fans are both E.
            let std = 1.0 / (width as f64).sqrt();
            self.add_bias_kv.then(|| init::normal(&[1, 1, width], 0.0, std, generator).requires_grad())
        };
        let (bias_k, bias_v) = (extra(), extra());
        let bound = bound(width);
        let weight = init::uniform(&[width, width], -bound, bound, generator).requires_grad();
        Ok(MultiheadAttention {
            in_proj_weight,
            q_proj_weight,
            k_proj_weight,
            v_proj_weight,
            in_proj_bias: zeros(3 * width),
            bias_k,
            bias_v,
            out_proj: Linear { weight, bias: zeros(width) },
            num_heads,
            batch_first: self.batch_first,
            add_zero_attn: self.add_zero_attn,
            dropout: Dropout::new(dropout, generator)?,
        })
    }
}

impl<T: Float> MultiheadAttention<T> {
    /// The output for queries, keys and values, of the queries' shape.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn attend(&self, inputs: [&Tensor<T>; 3], masks: &AttentionMasks<T>) -> Result<Tensor<T>> {
        let attended = multi_head_attention_forward(inputs, &self.parameters(false)?, masks);
        observe(self, attended.map(|(y, _)| y))
    }

    /// The output, and the weights of each head (N, H, L, S), after dropout.
    ///
    /// # Errors
    /// As [`attend`](Self::attend).
    pub fn forward_with_weights(
        &self,
        inputs: [&Tensor<T>; 3],
        masks: &AttentionMasks<T>,
    ) -> Result<(Tensor<T>, Tensor<T>)> {
        let (y, weights) = multi_head_attention_forward(inputs, &self.parameters(true)?, masks)?;
        let weights = weights.ok_or_else(|| Error::value(NAME, "weights were asked for"))?;
        Ok((observe(self, Ok(y))?, weights))
    }

    fn parameters(&self, need_weights: bool) -> Result<MultiheadParameters<'_, T>> {
        let in_proj_weight =
            match (&self.in_proj_weight, [&self.q_proj_weight, &self.k_proj_weight, &self.v_proj_weight]) {
                (Some(packed), _) => InProjection::Packed(packed),
                (None, [Some(q), Some(k), Some(v)]) => InProjection::Separate([q, k, v]),
                _ => {
                    return Err(Error::value(
                        NAME,
                        "neither in_proj_weight nor all of q_, k_ and v_proj_weight",
                    ));
                }
            };
        let bias_kv = self.bias_k.as_ref().zip(self.bias_v.as_ref()).map(|(k, v)| [k, v]);
        Ok(MultiheadParameters {
            in_proj_weight,
            in_proj_bias: self.in_proj_bias.as_ref(),
            bias_kv,
            add_zero_attn: self.add_zero_attn,
            out_proj_weight: &self.out_proj.weight,
            out_proj_bias: self.out_proj.bias.as_ref(),
            num_heads: self.num_heads,
            batch_first: self.batch_first,
            dropout: self.dropout.of_attention(),
            need_weights,
        })
    }
}

/// Self-attention without masks.
impl<T: Float> Module<T> for MultiheadAttention<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.attend([x, x, x], &AttentionMasks::default())
    }
}
