//! Scaled dot-product attention, fused: the matrix of weights is never stored, in training neither.

use barehand_kernels::Buffer;
use barehand_kernels::attention::{Attend, AttentionGradients, AttentionPass, AttentionShape, Mask, Places};
use barehand_kernels::heads::HeadsMut;
use barehand_kernels::random::Philox;

use super::arithmetic::broadcast;
use super::heads::{Dense, Matrices, heads};
use super::matmul::batch_offsets;
use crate::autograd::operator::{InputGradients, Operator, apply};
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

/// Which keys are seen, over the shape of the scores.
enum Seen {
    All,
    /// Where the tensor holds the value.
    Where(Tensor<bool>, bool),
    /// The fourth input is added.
    Added,
}

/// The operator: inputs are query, key and value, and a mask that is added where there is one.
pub(crate) struct Attention {
    shape: AttentionShape,
    seen: Seen,
    causal: Option<isize>,
    scale: f64,
    dropout: Option<AttentionDropout>,
}

/// Where the mask of each head of queries starts, over the shape of the scores.
fn mask_offsets<T: Element>(mask: &Tensor<T>) -> Vec<usize> {
    let outer = mask.rank() - 2;
    batch_offsets(&mask.shape()[..outer], &mask.strides()[..outer])
}

fn places<'a, T: Element>(mask: &'a Tensor<T>, offsets: &'a [usize]) -> Places<'a, T> {
    let strides = &mask.strides()[mask.rank() - 2..];
    Places { data: mask.view().data, offsets, row_stride: strides[0], col_stride: strides[1] }
}

/// The operator, its operands with all their leading axes, and the mask that is added.
pub(crate) type Prepared<T> = (Attention, [Tensor<T>; 3], Option<Tensor<T>>);

impl Attention {
    /// What computes the attention of these operands.
    pub(crate) fn prepare<T: Float>(
        [query, key, value]: [&Tensor<T>; 3],
        options: &AttentionOptions<T>,
    ) -> Result<Prepared<T>> {
        let shapes = Shapes::new(query.shape(), key.shape(), value.shape(), options.enable_gqa)?;
        if let Some(AttentionDropout { p, .. }) = options.dropout
            && !(0.0..=1.0).contains(&p)
        {
            return Err(Error::value(NAME, format!("p = {p} is not a probability from 0 to 1")));
        }
        let scores = shapes.scores();
        let causal = options.causal.map(|causal| causal.diagonal(shapes.queries, shapes.keys));
        let shape = AttentionShape {
            heads: shapes.shared.iter().product(),
            group: shapes.group,
            queries: shapes.queries,
            keys: shapes.keys,
            width: shapes.width,
            value_width: value.shape()[value.rank() - 1],
        };
        // Products of rows without elements are 0, whatever they are multiplied by.
        let scale = options.scale.unwrap_or_else(|| 1.0 / (shapes.width.max(1) as f64).sqrt());
        let query = Shapes::expanded(query, &shapes.batch)?;
        let [key, value] = [key, value].map(|x| Shapes::expanded(x, &shapes.shared));
        let (key, value) = (key?, value?);
        let attention = |seen| Attention { shape, seen, causal, scale, dropout: options.dropout };
        let seen = match &options.mask {
            None => Seen::All,
            Some(AttentionMask::Keep(mask)) => Seen::Where(broadcast(NAME, mask, &scores)?, true),
            Some(AttentionMask::KeyPadding(mask)) => {
                Seen::Where(broadcast(NAME, &shapes.key_padding(mask)?, &scores)?, false)
            }
            Some(AttentionMask::Additive(mask)) => {
                broadcast(NAME, mask, &scores)?;
                return Ok((attention(Seen::Added), [query, key, value], Some(mask.expand(&scores)?)));
            }
        };
        Ok((attention(seen), [query, key, value], None))
    }

    /// Calls `run` with what the kernel is told in both directions.
    fn with<T: Float, R>(
        &self,
        [query, key, value]: [&Matrices<T>; 3],
        added: Option<&Tensor<T>>,
        run: impl FnOnce(&Attend<T>) -> R,
    ) -> R {
        let offsets = match (&self.seen, added) {
            (Seen::Where(mask, _), _) => mask_offsets(mask),
            (_, Some(mask)) => mask_offsets(mask),
            _ => Vec::new(),
        };
        let mask = match (&self.seen, added) {
            (Seen::Where(mask, keep), _) => Some(Mask::Keep { places: places(mask, &offsets), keep: *keep }),
            (Seen::Added, Some(mask)) => Some(Mask::Additive(places(mask, &offsets))),
            _ => None,
        };
        run(&Attend {
            shape: self.shape,
            query: query.view(),
            key: key.view(),
            value: value.view(),
            mask,
            causal: self.causal,
            scale: self.scale,
            dropout: self.dropout.map(|dropout| (dropout.p, dropout.generator)),
        })
    }
}

/// What the forward pass leaves.
pub(crate) struct Saved<T: Element> {
    /// Query, key and value.
    inputs: [Matrices<T>; 3],
    mask: Option<Tensor<T>>,
    out: Matrices<T>,
    log_sums: Buffer<T>,
}

impl<T: Float> Operator<T> for Attention {
    type Saved = Saved<T>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let mask = inputs.get(3).map(|mask| mask.detach());
        let mut out = Dense::like(inputs[0], self.shape.value_width);
        let mut log_sums = Buffer::scratch(self.shape.query_heads() * self.shape.queries);
        let inputs = [0, 1, 2].map(|i| heads(inputs[i]));
        self.with(inputs.each_ref(), mask.as_ref(), |attend| {
            T::attention(attend, out.target(), &mut log_sums);
        });
        let out = out.into_tensor();
        let saved = Saved { inputs, mask, out: heads(&out), log_sums };
        Ok((out, saved))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let like = |i: usize| wants[i].then(|| saved.inputs[i].dense());
        let mut dense = [0, 1, 2].map(like);
        // A mask that is learnt gets its whole matrix of gradients, for it may be as large itself.
        let mask = saved.mask.as_ref();
        let mut dmask = mask.filter(|_| wants[3]).map(|mask| Buffer::zeroed(mask.len()));
        let targets = dense.each_mut().map(|dense| dense.as_mut().map(Dense::target));
        self.gradients(saved, grad, targets, dmask.as_deref_mut());
        let dmask = dmask.zip(mask).map(|(dmask, mask)| Tensor::from_buffer(dmask, mask.shape()));
        let dense = dense.map(|gradient| gradient.map(Dense::into_tensor));
        Ok(dense.into_iter().chain([dmask]).take(wants.len()).collect())
    }
}

impl Attention {
    /// Writes the gradients of query, key and value where they are asked for, and that of a mask.
    pub(super) fn gradients<T: Float>(
        &self,
        saved: &Saved<T>,
        grad: &Tensor<T>,
        targets: [Option<HeadsMut<T>>; 3],
        dmask: Option<&mut [T]>,
    ) {
        let Saved { inputs, mask, out, log_sums } = saved;
        let [dquery, dkey, dvalue] = targets;
        let dout = heads(grad);
        self.with(inputs.each_ref(), mask.as_ref(), |attend| {
            let pass = AttentionPass { out: out.view(), log_sums, dout: dout.view() };
            T::attention_backward(attend, &pass, AttentionGradients { dquery, dkey, dvalue, dmask });
        });
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
        let (attention, [query, key, value], added) = Attention::prepare([self, key, value], options)?;
        match added {
            Some(added) => apply(attention, &[&query, &key, &value, &added]),
            None => apply(attention, &[&query, &key, &value]),
        }
    }
}
