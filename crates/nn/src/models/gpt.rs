//! GPT: a transformer that predicts the next token.

use barehand_tensor::{AttentionOptions, Causal, concat, no_grad};

use crate::layers::heads::{join, split_packed};
use crate::summary::observe;
use crate::{
    Dropout, Embedding, Error, Float, GELU, Generator, KvCache, LayerNorm, LearnedPositions, Linear, Module,
    Parameters, Result, Tensor, cross_entropy, init,
};

/// A decoder of pre-norm blocks with learned positions and GELU, and a linear layer over the vocabulary (Radford et al.
/// 2019). Its parameters have nanoGPT's names.
///
/// ```
/// use barehand_nn::{Generator, Tensor, models::{Gpt, Sampling}};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let mut generator = Generator::new(0);
/// let gpt: Gpt = Gpt::builder(65).block_size(16).n_layer(2).n_head(2).n_embd(32).build(&mut generator)?;
/// let ids = Tensor::from([[1_i64, 2, 3, 4]]);
/// let targets = Tensor::from([[2_i64, 3, 4, 5]]);
/// assert_eq!(gpt.forward(&ids)?.shape(), [1, 4, 65]);
/// let gradients = gpt.loss(&ids, &targets)?.backward()?;
/// assert_eq!(gradients.of(&gpt.lm_head.weight)?.shape(), [65, 32]);
/// assert_eq!(gpt.generate(&ids, 10, Sampling::Greedy, &mut generator)?.shape(), [1, 14]);
/// # Ok(())
/// # }
/// ```
#[derive(Parameters)]
pub struct Gpt<T: Float = f32> {
    /// Everything but the last layer.
    pub transformer: GptBody<T>,
    /// (vocabulary, width), without a bias: to the logits of the next token.
    pub lm_head: Linear<T>,
}

/// Embeddings, blocks, and the last norm.
#[derive(Parameters)]
pub struct GptBody<T: Float = f32> {
    /// (vocabulary, width), of tokens.
    pub wte: Embedding<T>,
    /// (block size, width), of positions.
    pub wpe: LearnedPositions<T>,
    drop: Dropout,
    /// `h.0`, `h.1`, ...
    pub h: Vec<GptBlock<T>>,
    /// Behind the last block.
    pub ln_f: LayerNorm<T>,
}

/// Attention and a feed-forward part, each behind a norm and added to what came in.
#[derive(Parameters)]
pub struct GptBlock<T: Float = f32> {
    /// Before the attention.
    pub ln_1: LayerNorm<T>,
    /// To this and former tokens.
    pub attn: CausalSelfAttention<T>,
    /// Before the feed-forward part.
    pub ln_2: LayerNorm<T>,
    /// Token by token.
    pub mlp: GptMlp<T>,
}

/// Attention to this and former tokens, with query, key and value from one projection.
#[derive(Parameters)]
pub struct CausalSelfAttention<T: Float = f32> {
    /// (3 width, width): query, key and value.
    pub c_attn: Linear<T>,
    /// (width, width), of the output.
    pub c_proj: Linear<T>,
    attn_dropout: Dropout,
    resid_dropout: Dropout,
    #[module(skip)]
    heads: usize,
}

/// To four times the width and back, with GELU between.
#[derive(Parameters)]
pub struct GptMlp<T: Float = f32> {
    /// (4 width, width)
    pub c_fc: Linear<T>,
    gelu: GELU,
    /// (width, 4 width)
    pub c_proj: Linear<T>,
    dropout: Dropout,
}

impl Gpt {
    /// A GPT over a vocabulary, to be: set options, then [`build`](GptBuilder::build) it. The defaults are those of the
    /// smallest GPT-2.
    pub fn builder(vocabulary: usize) -> GptBuilder {
        GptBuilder {
            vocabulary,
            block_size: 1024,
            n_layer: 12,
            n_head: 12,
            n_embd: 768,
            dropout: 0.0,
            bias: true,
            tied: true,
        }
    }
}

/// The options of a [`Gpt`]; the names are nanoGPT's.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct GptBuilder {
    vocabulary: usize,
    block_size: usize,
    n_layer: usize,
    n_head: usize,
    n_embd: usize,
    dropout: f64,
    bias: bool,
    tied: bool,
}

impl GptBuilder {
    /// The longest sequence. Default 1024.
    pub fn block_size(mut self, tokens: usize) -> Self {
        self.block_size = tokens;
        self
    }

    /// Blocks. Default 12.
    pub fn n_layer(mut self, layers: usize) -> Self {
        self.n_layer = layers;
        self
    }

    /// Heads of attention. Default 12.
    pub fn n_head(mut self, heads: usize) -> Self {
        self.n_head = heads;
        self
    }

    /// The width. Default 768.
    pub fn n_embd(mut self, width: usize) -> Self {
        self.n_embd = width;
        self
    }

    /// The share dropped in training: of the embeddings, of weights of attention, and of what each part adds. Default 0.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// Whether linear layers and norms have biases. Default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Whether the last layer's weight is the embedding of tokens, one tensor under two names. Default true.
    pub fn tied(mut self, tied: bool) -> Self {
        self.tied = tied;
        self
    }

    /// The model. Weights are drawn normal with standard deviation 0.02, those of the projections that end a part, with
    /// 0.02 / √(2 layers); biases are 0.
    ///
    /// # Errors
    /// When a number is 0 (but that of blocks), the heads do not divide the width, or the share is outside [0, 1].
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Gpt<T>> {
        let GptBuilder { vocabulary, block_size, n_layer, n_head, n_embd: width, dropout, bias, tied } = self;
        if [vocabulary, block_size, n_head, width].contains(&0) || !width.is_multiple_of(n_head) {
            return Err(Error::value(
                "gpt",
                format!(
                    "a vocabulary of {vocabulary}, a block size of {block_size}, {n_head} heads, a width of {width}: none may be 0, \
                     and the heads must divide the width"
                ),
            ));
        }
        let last_std = 0.02 / (2.0 * n_layer.max(1) as f64).sqrt();
        let linear = |from: usize, to: usize, std: f64, generator: &mut Generator| Linear {
            weight: init::normal(&[to, from], 0.0, std, generator).requires_grad(),
            bias: bias.then(|| Tensor::zeros([to]).requires_grad()),
        };
        let norm = || {
            let norm = LayerNorm::new([width]);
            if bias { norm } else { norm.without_bias() }
        };
        let wte: Tensor<T> = init::normal(&[vocabulary, width], 0.0, 0.02, generator).requires_grad();
        let wpe = LearnedPositions::new(block_size, width, generator);
        let mut block = || -> Result<GptBlock<T>> {
            Ok(GptBlock {
                ln_1: norm(),
                attn: CausalSelfAttention {
                    c_attn: linear(width, 3 * width, 0.02, generator),
                    c_proj: linear(width, width, last_std, generator),
                    attn_dropout: Dropout::new(dropout, generator)?,
                    resid_dropout: Dropout::new(dropout, generator)?,
                    heads: n_head,
                },
                ln_2: norm(),
                mlp: GptMlp {
                    c_fc: linear(width, 4 * width, 0.02, generator),
                    gelu: GELU::default(),
                    c_proj: linear(4 * width, width, last_std, generator),
                    dropout: Dropout::new(dropout, generator)?,
                },
            })
        };
        let h = (0..n_layer).map(|_| block()).collect::<Result<_>>()?;
        let head = if tied {
            wte.clone()
        } else {
            init::normal(&[vocabulary, width], 0.0, 0.02, generator).requires_grad()
        };
        let drop = Dropout::new(dropout, generator)?;
        let transformer = GptBody { wte: Embedding::from_weight(wte), wpe, drop, h, ln_f: norm() };
        Ok(Gpt { transformer, lm_head: Linear { weight: head, bias: None } })
    }
}

/// How the next token is chosen from its logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// The most probable one, the first among equals.
    Greedy,
    /// By chance, from softmax(logits / temperature): below 1 bolder, above 1 more varied.
    Temperature(f64),
}

impl<T: Float> Gpt<T> {
    /// The logits of every next token, (N, L, vocabulary), for tokens (N, L).
    ///
    /// # Errors
    /// When there are more tokens than the block size, or one is not in the vocabulary.
    pub fn forward(&self, ids: &Tensor<i64>) -> Result<Tensor<T>> {
        observe(self, self.lm_head.forward(&self.transformer.forward(ids, None)?))
    }

    /// The mean cross entropy of the next tokens: targets (N, L) for tokens (N, L).
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and when the shapes differ.
    pub fn loss(&self, ids: &Tensor<i64>, targets: &Tensor<i64>) -> Result<Tensor<T>> {
        cross_entropy(&self.forward(ids)?.flatten(0, 1)?, &targets.flatten(0, -1)?)
    }

    /// The logits after the last of some tokens (N, L), (N, vocabulary), where the cache holds all tokens before them; it
    /// then holds these too. Nothing is recorded.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and when the tokens do not fit the cache.
    pub fn forward_cached(&self, ids: &Tensor<i64>, cache: &mut [KvCache<T>]) -> Result<Tensor<T>> {
        if cache.len() != self.transformer.h.len() {
            return Err(Error::value(
                "gpt",
                format!(
                    "{} caches for {} blocks: make_cache makes them",
                    cache.len(),
                    self.transformer.h.len()
                ),
            ));
        }
        no_grad(|| {
            let x = self.transformer.forward(ids, Some(cache))?;
            self.lm_head.forward(&x.select(1, -1)?)
        })
    }

    /// An empty cache for each block, for [`forward_cached`](Self::forward_cached).
    pub fn make_cache(&self) -> Vec<KvCache<T>> {
        self.transformer.h.iter().map(|_| KvCache::new(self.block_size())).collect()
    }

    /// The longest sequence.
    pub fn block_size(&self) -> usize {
        self.transformer.wpe.weight.shape()[0]
    }

    /// Tokens (N, L) and `count` more: (N, L + count). Only the last of them that the block size allows are looked at, as
    /// nanoGPT does; while there are no more, the keys and values of former tokens are kept and not computed again.
    ///
    /// # Errors
    /// When there is no token to begin with, one is not in the vocabulary, or the temperature is not positive.
    pub fn generate(
        &self,
        ids: &Tensor<i64>,
        count: usize,
        sampling: Sampling,
        generator: &mut Generator,
    ) -> Result<Tensor<i64>> {
        if ids.rank() != 2 || ids.shape()[1] == 0 {
            return Err(Error::shape(
                "generate",
                format!("tokens of shape {:?}: (N, L) with L > 0 expected", ids.shape()),
            ));
        }
        let mut cache = self.make_cache();
        let mut ids = ids.clone();
        let mut news = ids.clone();
        for _ in 0..count {
            let (length, block) = (ids.shape()[1], self.block_size());
            if length > block {
                // Every token has moved to another position: nothing that is held is true any more.
                for layer in &mut cache {
                    layer.truncate(0);
                }
                news = ids.narrow(1, length - block, block)?;
            }
            let logits = self.forward_cached(&news, &mut cache)?;
            news = sampling.choose(&logits, generator)?;
            ids = concat(&[&ids, &news], 1)?;
        }
        Ok(ids)
    }
}

impl Sampling {
    /// A token for each row of logits: (N, vocabulary) to (N, 1).
    ///
    /// # Errors
    /// When the logits do not have two axes or the vocabulary is empty, or the temperature is not positive.
    pub fn choose<T: Float>(self, logits: &Tensor<T>, generator: &mut Generator) -> Result<Tensor<i64>> {
        if logits.rank() != 2 || logits.shape()[1] == 0 {
            return Err(Error::shape(
                "generate",
                format!(
                    "logits of shape {:?}: (N, vocabulary) expected, with a token at least",
                    logits.shape()
                ),
            ));
        }
        let temperature = match self {
            Sampling::Greedy => return logits.argmax(-1)?.unsqueeze(1),
            Sampling::Temperature(temperature) => temperature,
        };
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(Error::value(
                "generate",
                format!("a temperature of {temperature}: a positive number expected"),
            ));
        }
        let p = logits.cast::<f64>().div_scalar(temperature)?.softmax(-1)?;
        let vocabulary = p.shape()[1];
        let draw = |row: &[f64]| {
            let mut left = generator.next_f64();
            // Rounding may leave a trace behind the last token: it belongs to that.
            let passed = row.iter().take_while(|p| {
                left -= **p;
                left >= 0.0
            });
            passed.count().min(vocabulary - 1) as i64
        };
        let tokens: Vec<i64> = p.to_vec().chunks_exact(vocabulary).map(draw).collect();
        Tensor::from_vec(tokens, [p.shape()[0], 1])
    }
}

impl<T: Float> GptBody<T> {
    fn forward(&self, ids: &Tensor<i64>, mut cache: Option<&mut [KvCache<T>]>) -> Result<Tensor<T>> {
        if ids.rank() != 2 {
            return Err(Error::shape("gpt", format!("tokens of shape {:?}: (N, L) expected", ids.shape())));
        }
        let before = cache.as_deref().and_then(|cache| cache.first()).map_or(0, KvCache::len);
        let x = self.wpe.forward_from(&self.wte.forward(ids)?, before)?;
        let mut x = self.drop.forward(&x)?;
        for (i, block) in self.h.iter().enumerate() {
            x = block.forward(&x, cache.as_deref_mut().map(|cache| &mut cache[i]))?;
        }
        observe(self, self.ln_f.forward(&x))
    }
}

impl<T: Float> GptBlock<T> {
    /// x + attn(ln_1(x)), and of that sum x + mlp(ln_2(x)): (N, L, width), where the cache, if there is one, holds the
    /// tokens before these.
    ///
    /// # Errors
    /// When the shape does not fit, or the tokens do not fit the cache.
    pub fn forward(&self, x: &Tensor<T>, cache: Option<&mut KvCache<T>>) -> Result<Tensor<T>> {
        let x = x.add(&self.attn.forward(&self.ln_1.forward(x)?, cache)?)?;
        observe(self, x.add(&self.mlp.forward(&self.ln_2.forward(&x)?)?))
    }
}

impl<T: Float> CausalSelfAttention<T> {
    fn forward(&self, x: &Tensor<T>, cache: Option<&mut KvCache<T>>) -> Result<Tensor<T>> {
        let packed = self.c_attn.forward(x)?;
        let options = AttentionOptions {
            causal: Some(Causal::LowerRight),
            dropout: self.attn_dropout.of_attention(),
            ..Default::default()
        };
        let attended = match cache {
            None => packed.packed_attention(self.heads, 0, &options)?,
            Some(cache) => {
                let [query, key, value] = split_packed(&packed, self.heads, 0)?;
                let (key, value) = cache.append(&key, &value)?;
                join(&query.scaled_dot_product_attention(&key, &value, &options)?, 0)?
            }
        };
        let y = self.c_proj.forward(&attended)?;
        observe(self, self.resid_dropout.forward(&y))
    }
}

impl<T: Float> GptMlp<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let hidden = self.gelu.forward(&self.c_fc.forward(x)?)?;
        observe(self, self.dropout.forward(&self.c_proj.forward(&hidden)?))
    }
}
