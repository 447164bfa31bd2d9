//! Attention with every choice of a modern decoder: grouped heads, rotary positions, a cache.

use barehand_tensor::{AttentionOptions, Causal, RopeOptions};

use super::attention_masks::AttentionMasks;
use super::heads::{join, split};
use super::linear::bound;
use crate::summary::observe;
use crate::{Dropout, Error, Float, Generator, KvCache, Linear, Module, Parameters, Result, Tensor, init};

const NAME: &str = "Attention";

/// softmax(Q Kᵀ / √dₖ) V, with projections before and behind, over sequences (N, L, E).
///
/// One class for many: single-head attention with its own dₖ and dᵥ; multi-head attention; grouped-query and multi-query
/// attention, where heads of queries share a head of keys and values (Ainslie et al. 2023, Shazeer 2019); rotary positions
/// in both layouts; causal attention with a [`KvCache`]; cross-attention. The names of the parameters are Llama's.
///
/// ```
/// use barehand_nn::{Attention, Generator, KvCache, Module, Tensor};
/// use barehand_tensor::{RopeOptions, no_grad};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let mut generator = Generator::new(0);
/// let attention: Attention<f64> =
///     Attention::builder(16).heads(4).kv_heads(2).rope(RopeOptions::default()).causal(true).build(&mut generator)?;
/// let x = Tensor::randn([1, 6, 16], &mut generator);
/// let whole = attention.forward(&x)?;
///
/// let mut cache = KvCache::new(6);
/// for i in 0..6 {
///     let token = no_grad(|| attention.forward_cached(&x.narrow(1, i, 1)?, &mut cache))?;
///     assert!(token.max_abs_diff(&whole.narrow(1, i, 1)?)? < 1e-12);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Parameters)]
pub struct Attention<T: Float = f32> {
    /// (H dₖ, E)
    pub q_proj: Linear<T>,
    /// (G dₖ, context width), for G heads of keys
    pub k_proj: Linear<T>,
    /// (G dᵥ, context width)
    pub v_proj: Linear<T>,
    /// (E, H dᵥ)
    pub o_proj: Linear<T>,
    /// Of the weights.
    pub dropout: Dropout,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    kv_heads: usize,
    #[module(skip)]
    rope: Option<RopeOptions>,
    #[module(skip)]
    causal: bool,
}

impl Attention {
    /// A layer over vectors of `embed`, to be: set options, then [`build`](AttentionBuilder::build) it.
    pub fn builder(embed: usize) -> AttentionBuilder {
        AttentionBuilder {
            embed,
            context: embed,
            heads: 1,
            kv_heads: None,
            head_dim: None,
            value_dim: None,
            rope: None,
            causal: false,
            bias: false,
            dropout: 0.0,
        }
    }
}

/// The options of an [`Attention`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct AttentionBuilder {
    embed: usize,
    context: usize,
    heads: usize,
    kv_heads: Option<usize>,
    head_dim: Option<usize>,
    value_dim: Option<usize>,
    rope: Option<RopeOptions>,
    causal: bool,
    bias: bool,
    dropout: f64,
}

impl AttentionBuilder {
    /// The width of what is attended to, where it is not the queries'.
    pub fn context(mut self, width: usize) -> Self {
        self.context = width;
        self
    }

    /// Heads of queries. Default 1.
    pub fn heads(mut self, heads: usize) -> Self {
        self.heads = heads;
        self
    }

    /// Heads of keys and values, which divide those of queries; 1 is multi-query attention. Default: as many as of
    /// queries.
    pub fn kv_heads(mut self, heads: usize) -> Self {
        self.kv_heads = Some(heads);
        self
    }

    /// dₖ, the width of a head's queries and keys. Default: embed / heads.
    pub fn head_dim(mut self, width: usize) -> Self {
        self.head_dim = Some(width);
        self
    }

    /// dᵥ, the width of a head's values. Default: dₖ.
    pub fn value_dim(mut self, width: usize) -> Self {
        self.value_dim = Some(width);
        self
    }

    /// Queries and keys turn by their positions. Default: not.
    pub fn rope(mut self, options: RopeOptions) -> Self {
        self.rope = Some(options);
        self
    }

    /// Whether a token attends to itself and former ones only. Default false.
    pub fn causal(mut self, causal: bool) -> Self {
        self.causal = causal;
        self
    }

    /// Whether projections have biases. Default false.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The share of weights dropped in training. Default 0.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// The layer; weights are drawn as those of [`Linear`].
    ///
    /// # Errors
    /// When a number is 0, heads do not divide what they must, or the share is not in [0, 1].
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Attention<T>> {
        let AttentionBuilder { embed, context, heads, rope, causal, bias, dropout, .. } = self;
        let kv_heads = self.kv_heads.unwrap_or(heads);
        let head_dim = self.head_dim.unwrap_or(embed.checked_div(heads).unwrap_or(0));
        let value_dim = self.value_dim.unwrap_or(head_dim);
        let divided = self.head_dim.is_some() || embed == heads * head_dim;
        if [embed, context, heads, kv_heads, head_dim, value_dim].contains(&0)
            || !heads.is_multiple_of(kv_heads)
            || !divided
        {
            return Err(Error::value(
                NAME,
                format!(
                    "a width of {embed} (context {context}) in {heads} heads of {head_dim} and {value_dim}, {kv_heads} of keys: none may \
                     be 0, heads must divide the width unless head_dim is given, and heads of keys those of queries"
                ),
            ));
        }
        let mut linear = |from: usize, to: usize| {
            let bound = bound(from);
            Linear {
                weight: init::uniform(&[to, from], -bound, bound, generator).requires_grad(),
                bias: bias.then(|| init::uniform(&[to], -bound, bound, generator).requires_grad()),
            }
        };
        let q_proj = linear(embed, heads * head_dim);
        let k_proj = linear(context, kv_heads * head_dim);
        let v_proj = linear(context, kv_heads * value_dim);
        let o_proj = linear(heads * value_dim, embed);
        let dropout = Dropout::new(dropout, generator)?;
        Ok(Attention { q_proj, k_proj, v_proj, o_proj, dropout, heads, kv_heads, rope, causal })
    }
}

impl<T: Float> Attention<T> {
    /// The output (N, L, E) for queries (N, L, E) over a context (N, S, C): the queries themselves in self-attention.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn attend(&self, x: &Tensor<T>, context: &Tensor<T>, masks: &AttentionMasks<T>) -> Result<Tensor<T>> {
        observe(self, self.compute(x, context, masks, None))
    }

    /// The output (N, L, E) for the next L tokens, after those whose keys and values the cache holds; it then holds these
    /// too. Nothing of what is held gets a gradient.
    ///
    /// # Errors
    /// When shapes do not fit, or the tokens do not fit the cache.
    pub fn forward_cached(&self, x: &Tensor<T>, cache: &mut KvCache<T>) -> Result<Tensor<T>> {
        observe(self, self.compute(x, x, &AttentionMasks::default(), Some(cache)))
    }

    fn compute(
        &self,
        x: &Tensor<T>,
        context: &Tensor<T>,
        masks: &AttentionMasks<T>,
        cache: Option<&mut KvCache<T>>,
    ) -> Result<Tensor<T>> {
        if x.rank() != 3 || context.rank() != 3 || x.shape()[0] != context.shape()[0] {
            return Err(Error::shape(
                NAME,
                format!(
                    "queries {:?} over {:?}: (N, L, E) and (N, S, C) expected",
                    x.shape(),
                    context.shape()
                ),
            ));
        }
        let query = split(&self.q_proj.forward(x)?, self.heads, 0)?;
        let key = split(&self.k_proj.forward(context)?, self.kv_heads, 0)?;
        let value = split(&self.v_proj.forward(context)?, self.kv_heads, 0)?;
        let before = cache.as_deref().map_or(0, KvCache::len);
        let turned = |x: Tensor<T>| match self.rope {
            Some(options) => x.rope(&RopeOptions { offset: options.offset + before, ..options }),
            None => Ok(x),
        };
        let (query, mut key, mut value) = (turned(query)?, turned(key)?, value);
        let mut triangle = Causal::UpperLeft;
        if let Some(cache) = cache {
            (key, value) = cache.append(&key, &value)?;
            triangle = Causal::LowerRight;
        }
        let options = AttentionOptions {
            mask: masks.together()?,
            causal: (self.causal || masks.causal).then_some(triangle),
            dropout: self.dropout.of_attention(),
            enable_gqa: self.kv_heads < self.heads,
            ..Default::default()
        };
        let attended = query.scaled_dot_product_attention(&key, &value, &options)?;
        self.o_proj.forward(&join(&attended, 0)?)
    }
}

/// Self-attention without further masks.
impl<T: Float> Module<T> for Attention<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.attend(x, x, &AttentionMasks::default())
    }
}
