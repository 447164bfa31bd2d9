//! The decoder of a transformer.

use super::attention_masks::AttentionMasks;
use super::transformer_options::TransformerOptions;
use crate::summary::observe;
use crate::{
    Activation, Dropout, Float, Generator, LayerNorm, Linear, Module, MultiheadAttention, Parameters, Result,
    Tensor,
};

/// Self-attention, attention to an encoder's output (the memory), then a feed-forward part, each with a residual
/// connection and a layer norm (Vaswani et al. 2017; `torch.nn.TransformerDecoderLayer`).
///
/// Over sequences (L, N, E), (N, L, E) under `batch_first`, or (L, E), and a memory (S, N, E), (N, S, E), or (S, E).
#[derive(Parameters)]
pub struct TransformerDecoderLayer<T: Float = f32> {
    /// Of all tokens to all tokens.
    pub self_attn: MultiheadAttention<T>,
    /// Of all tokens to the memory.
    pub multihead_attn: MultiheadAttention<T>,
    /// (F, E)
    pub linear1: Linear<T>,
    /// Of the hidden values.
    pub dropout: Dropout,
    /// (E, F)
    pub linear2: Linear<T>,
    /// Of the self-attention.
    pub norm1: LayerNorm<T>,
    /// Of the attention to the memory.
    pub norm2: LayerNorm<T>,
    /// Of the feed-forward part.
    pub norm3: LayerNorm<T>,
    /// Of what the self-attention adds.
    pub dropout1: Dropout,
    /// Of what the attention to the memory adds.
    pub dropout2: Dropout,
    /// Of what the feed-forward part adds.
    pub dropout3: Dropout,
    activation: Activation,
    #[module(skip)]
    norm_first: bool,
}

impl<T: Float> TransformerDecoderLayer<T> {
    /// A layer, its weights drawn from `generator`.
    ///
    /// # Errors
    /// When a number is 0, the width is no multiple of the heads, or the share dropped is not in [0, 1].
    pub fn new(options: &TransformerOptions, generator: &mut Generator) -> Result<Self> {
        let (width, hidden) = (options.d_model, options.dim_feedforward);
        Ok(TransformerDecoderLayer {
            self_attn: options.attention(generator)?,
            multihead_attn: options.attention(generator)?,
            linear1: options.linear(width, hidden, generator),
            dropout: Dropout::new(options.dropout, generator)?,
            linear2: options.linear(hidden, width, generator),
            norm1: options.norm(),
            norm2: options.norm(),
            norm3: options.norm(),
            dropout1: Dropout::new(options.dropout, generator)?,
            dropout2: Dropout::new(options.dropout, generator)?,
            dropout3: Dropout::new(options.dropout, generator)?,
            activation: options.activation,
            norm_first: options.norm_first,
        })
    }

    /// The output, of the input's shape: `masks` say who of `x` attends to whom of `x`, `memory_masks` to whom of `memory`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn decode(
        &self,
        x: &Tensor<T>,
        memory: &Tensor<T>,
        masks: &AttentionMasks<T>,
        memory_masks: &AttentionMasks<T>,
    ) -> Result<Tensor<T>> {
        let attention = |x: &Tensor<T>| self.dropout1.forward(&self.self_attn.attend([x, x, x], masks)?);
        let look_up = |x: &Tensor<T>| {
            self.dropout2.forward(&self.multihead_attn.attend([x, memory, memory], memory_masks)?)
        };
        let feed_forward = |x: &Tensor<T>| {
            let hidden = self.activation.forward(&self.linear1.forward(x)?)?;
            self.dropout3.forward(&self.linear2.forward(&self.dropout.forward(&hidden)?)?)
        };
        let y = if self.norm_first {
            let x = x.add(&attention(&self.norm1.forward(x)?)?)?;
            let x = x.add(&look_up(&self.norm2.forward(&x)?)?)?;
            x.add(&feed_forward(&self.norm3.forward(&x)?)?)
        } else {
            let x = self.norm1.forward(&x.add(&attention(x)?)?)?;
            let x = self.norm2.forward(&x.add(&look_up(&x)?)?)?;
            self.norm3.forward(&x.add(&feed_forward(&x)?)?)
        };
        observe(self, y)
    }
}

/// Decoder layers one after another, and a norm behind the last where there is one (`torch.nn.TransformerDecoder`).
///
/// ```
/// use barehand_nn::{AttentionMasks, Generator, Tensor, TransformerDecoder, TransformerOptions};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let options = TransformerOptions::new(8, 2).dim_feedforward(16).batch_first(true);
/// let decoder = TransformerDecoder::<f32>::new(2, &options, &mut Generator::new(0))?;
/// let (x, memory) = (Tensor::ones([3, 5, 8]), Tensor::ones([3, 7, 8]));
/// let y = decoder.decode(&x, &memory, &AttentionMasks::causal(), &AttentionMasks::default())?;
/// assert_eq!(y.shape(), [3, 5, 8]);
/// # Ok(())
/// # }
/// ```
#[derive(Parameters)]
pub struct TransformerDecoder<T: Float = f32> {
    /// `layers.0`, `layers.1`, ...
    pub layers: Vec<TransformerDecoderLayer<T>>,
    /// Behind the last layer.
    pub norm: Option<LayerNorm<T>>,
}

impl<T: Float> TransformerDecoder<T> {
    /// So many layers, each with weights of its own, and no norm behind them.
    ///
    /// # Errors
    /// As [`TransformerDecoderLayer::new`].
    pub fn new(layers: usize, options: &TransformerOptions, generator: &mut Generator) -> Result<Self> {
        let layers = (0..layers).map(|_| TransformerDecoderLayer::new(options, generator));
        Ok(TransformerDecoder { layers: layers.collect::<Result<_>>()?, norm: None })
    }

    /// With a norm behind the last layer.
    #[must_use]
    pub fn norm(mut self, norm: LayerNorm<T>) -> Self {
        self.norm = Some(norm);
        self
    }

    /// As [`TransformerDecoderLayer::decode`], through all layers.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn decode(
        &self,
        x: &Tensor<T>,
        memory: &Tensor<T>,
        masks: &AttentionMasks<T>,
        memory_masks: &AttentionMasks<T>,
    ) -> Result<Tensor<T>> {
        let mut y = x.clone();
        for layer in &self.layers {
            y = layer.decode(&y, memory, masks, memory_masks)?;
        }
        observe(self, self.norm.as_ref().map_or(Ok(y.clone()), |norm| norm.forward(&y)))
    }
}
