//! Scaled dot-product attention.

use barehand_kernels::random::Philox;

use super::arithmetic::broadcast;
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::layout::{Dims, broadcast_shapes};
use crate::tensor::Tensor;

const NAME: &str = "scaled_dot_product_attention";

/// Which keys a query may attend to. The conventions of the field contradict each other, so each has a name.
#[derive(Clone, Debug)]
pub enum AttentionMask<T: Element = f32> {
    /// True where a query attends to a key (the boolean mask of PyTorch's `scaled_dot_product_attention`; 1 = keep);
    /// its shape broadcasts to (..., H, L, S).
    Keep(Tensor<bool>),
    /// True where a key is padding that nobody attends to (PyTorch's `key_padding_mask`, the opposite of `Keep`): (N, S),
    /// where N is the first axis of the query, or (S) for all alike.
    KeyPadding(Tensor<bool>),
    /// Added to the scaled scores before the softmax, with -∞ for "never" (PyTorch's float mask; relative positions); its
    /// shape broadcasts to (..., H, L, S). It gets a gradient where it requires one.
    Additive(Tensor<T>),
}

/// How the triangle of a causal mask lies where there are not as many keys as queries; the names are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Causal {
    /// Query i attends to keys 0..=i: the first query belongs to the first key (PyTorch's `is_causal`).
    UpperLeft,
    /// Query i attends to keys 0..=i + S - L: the last query belongs to the last key, as where the keys of former tokens
    /// come from a cache.
    LowerRight,
}

impl Causal {
    /// `d` such that query i attends to keys up to and including i + d.
    fn diagonal(self, queries: usize, keys: usize) -> isize {
        match self {
            Causal::UpperLeft => 0,
            Causal::LowerRight => keys as isize - queries as isize,
        }
    }
}

/// Dropout of attention weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionDropout {
    /// The chance of a weight to become 0; the others are scaled by 1 / (1 - p).
    pub p: f64,
    /// Decides which: the same generator drops the same weights, so [fork](Philox::fork) one for each call.
    pub generator: Philox,
}

/// The options of [`Tensor::scaled_dot_product_attention`]; the defaults are PyTorch's.
#[derive(Clone, Debug)]
pub struct AttentionOptions<T: Element = f32> {
    /// Default: every query attends to every key.
    pub mask: Option<AttentionMask<T>>,
    /// Whether queries attend only to keys that are not later, beside what the mask says. Default: no.
    pub causal: Option<Causal>,
    /// What scores are multiplied by. Default: 1 / sqrt(E).
    pub scale: Option<f64>,
    /// For training only. Default: none.
    pub dropout: Option<AttentionDropout>,
    /// Whether H / `H_kv` query heads that follow one another share a head of keys and values (grouped-query attention;
    /// with `H_kv` = 1 multi-query attention). Default: no, as many heads everywhere.
    pub enable_gqa: bool,
}

impl<T: Element> Default for AttentionOptions<T> {
    fn default() -> Self {
        AttentionOptions { mask: None, causal: None, scale: None, dropout: None, enable_gqa: false }
    }
}

/// How query, key and value fit together.
struct Shapes {
    /// The axes before the last two, of the query and of the output.
    batch: Dims,
    /// The same of key and value: a group of query heads shares one of theirs.
    shared: Dims,
    group: usize,
    queries: usize,
    keys: usize,
    width: usize,
}

impl Shapes {
    fn new(query: &[usize], key: &[usize], value: &[usize], gqa: bool) -> Result<Self> {
        let failure = |expected: String| {
            Error::shape(NAME, format!("query {query:?}, key {key:?}, value {value:?}: {expected}"))
        };
        let (
            [query_batch @ .., queries, width],
            [key_batch @ .., keys, key_width],
            [value_batch @ .., values, _],
        ) = (query, key, value)
        else {
            return Err(failure("each needs at least the axes (length, width)".to_owned()));
        };
        if width != key_width {
            return Err(failure(format!(
                "the widths of query ({width}) and key ({key_width}) must be equal"
            )));
        }
        if keys != values {
            return Err(failure(format!("there must be as many values ({values}) as keys ({keys})")));
        }
        let mut group = 1;
        let (batch, shared) = if gqa {
            let ([query_outer @ .., heads], [key_outer @ .., key_heads], [value_outer @ .., value_heads]) =
                (query_batch, key_batch, value_batch)
            else {
                return Err(failure("grouped queries need the axes (heads, length, width)".to_owned()));
            };
            if key_heads != value_heads || *key_heads == 0 || !heads.is_multiple_of(*key_heads) {
                return Err(failure(format!(
                    "{heads} query heads must be a multiple of the heads of key ({key_heads}) and value \
                     ({value_heads}), which must be equal"
                )));
            }
            group = heads / key_heads;
            let outer = broadcast_shapes(NAME, query_outer, key_outer)?;
            let outer = broadcast_shapes(NAME, &outer, value_outer)?;
            let with = |heads: usize| outer.iter().copied().chain([heads]).collect::<Dims>();
            (with(*heads), with(*key_heads))
        } else {
            let batch = broadcast_shapes(NAME, query_batch, key_batch)?;
            let batch = broadcast_shapes(NAME, &batch, value_batch)?;
            (batch.clone(), batch)
        };
        Ok(Shapes { batch, shared, group, queries: *queries, keys: *keys, width: *width })
    }

    /// The shape of the scores, to which masks broadcast.
    fn scores(&self) -> Dims {
        self.batch.iter().copied().chain([self.queries, self.keys]).collect()
    }

    /// `x` with the leading axes `batch` beside its last two.
    fn expanded<T: Element>(x: &Tensor<T>, batch: &[usize]) -> Result<Tensor<T>> {
        let [.., length, width] = *x.shape() else { return Ok(x.clone()) };
        let shape: Dims = batch.iter().copied().chain([length, width]).collect();
        if x.shape() == shape.as_slice() { Ok(x.clone()) } else { x.expand(&shape) }
    }

    /// A mask of padding as the axes of scores have it: (N, 1, ..., 1, S).
    fn key_padding(&self, mask: &Tensor<bool>) -> Result<Tensor<bool>> {
        let scores = self.scores();
        match *mask.shape() {
            [keys] if keys == self.keys => Ok(mask.clone()),
            [first, keys] if keys == self.keys && scores.len() > 2 && first == scores[0] => {
                let mut shape = Dims::from_elem(1, scores.len());
                shape[0] = first;
                shape[scores.len() - 1] = keys;
                mask.reshape_to(&shape)
            }
            _ => Err(Error::shape(
                NAME,
                format!(
                    "a key-padding mask of shape {:?} for scores of shape {:?} must be (N, S), the first axis and the last",
                    mask.shape(),
                    scores.as_slice()
                ),
            )),
        }
    }
}

impl<T: Float> Tensor<T> {
    /// softmax(scale · Q Kᵀ + mask) V, along the keys (Vaswani et al. 2017; PyTorch's `scaled_dot_product_attention`).
    ///
    /// `self` is the query (..., H, L, E), `key` (..., `H_kv`, S, E) and `value` (..., `H_kv`, S, Ev); the result is
    /// (..., H, L, Ev). Leading axes broadcast; heads are equal unless
    /// [`enable_gqa`](AttentionOptions::enable_gqa) says otherwise. L and S differ in cross-attention, E and Ev may.
    ///
    /// A query that may attend to no key at all gets zeros, and passes no gradient.
    ///
    /// ```
    /// use barehand_tensor::{AttentionOptions, Causal, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let x = Tensor::from([[1.0_f32, 0.0], [0.0, 1.0]]);
    /// let options = AttentionOptions { causal: Some(Causal::UpperLeft), ..Default::default() };
    /// let y = x.scaled_dot_product_attention(&x, &x, &options)?;
    /// assert_eq!(y.select(0, 0)?.to_vec(), [1.0, 0.0]); // The first token sees itself alone.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When shapes do not fit, the mask does not broadcast to (..., H, L, S), or the chance of dropout is not in [0, 1].
    pub fn scaled_dot_product_attention(
        &self,
        key: &Tensor<T>,
        value: &Tensor<T>,
        options: &AttentionOptions<T>,
    ) -> Result<Tensor<T>> {
        let shapes = Shapes::new(self.shape(), key.shape(), value.shape(), options.enable_gqa)?;
        if let Some(AttentionDropout { p, .. }) = options.dropout
            && !(0.0..=1.0).contains(&p)
        {
            return Err(Error::value(NAME, format!("p = {p} is not a probability from 0 to 1")));
        }
        let scores_shape = shapes.scores();
        // Grouped heads beside their key's: (..., H_kv, group, L, E).
        let repeated = |x: &Tensor<T>| -> Result<Tensor<T>> {
            let x = Shapes::expanded(x, &shapes.shared)?;
            if shapes.group == 1 {
                return Ok(x);
            }
            let [.., length, width] = *x.shape() else { return Ok(x) };
            let grouped: Dims = shapes.shared.iter().copied().chain([shapes.group, length, width]).collect();
            let merged: Dims = shapes.batch.iter().copied().chain([length, width]).collect();
            x.unsqueeze(-3)?.expand(&grouped)?.reshape_to(&merged)
        };
        let scale =
            options.scale.unwrap_or(if shapes.width == 0 { 1.0 } else { 1.0 / (shapes.width as f64).sqrt() });
        let query = Shapes::expanded(self, &shapes.batch)?;
        let mut scores = query.matmul(&repeated(key)?.t()?)?.mul_scalar(scale)?;
        let mut keep = Tensor::<bool>::ones(&scores_shape);
        if let Some(causal) = options.causal {
            let diagonal = causal.diagonal(shapes.queries, shapes.keys);
            let triangle = Tensor::<f32>::ones([shapes.queries, shapes.keys]).tril(diagonal)?;
            keep = keep.and(&triangle.cast())?;
        }
        match &options.mask {
            None => {}
            Some(AttentionMask::Keep(mask)) => keep = keep.and(&broadcast(NAME, mask, &scores_shape)?)?,
            Some(AttentionMask::KeyPadding(mask)) => keep = keep.and(&shapes.key_padding(mask)?.not()?)?,
            Some(AttentionMask::Additive(mask)) => {
                broadcast(NAME, mask, &scores_shape)?;
                keep = keep.and(&broadcast(NAME, mask, &scores_shape)?.ne_scalar(T::NEG_INFINITY)?)?;
                scores = scores.add(&mask.expand(&scores_shape)?)?;
            }
        }
        let dead = keep.any_dim(-1, true)?.not()?;
        let mut weights = scores.masked_fill(&keep.not()?, T::NEG_INFINITY)?;
        weights = weights.masked_fill(&dead, T::ZERO)?.softmax(-1)?.masked_fill(&dead, T::ZERO)?;
        if let Some(AttentionDropout { p, mut generator }) = options.dropout {
            weights = weights.dropout(p, &mut generator)?;
        }
        weights.matmul(&repeated(value)?)
    }
}
