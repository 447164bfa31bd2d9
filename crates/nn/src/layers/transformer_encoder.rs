//! The encoder of a transformer.

use super::attention_masks::AttentionMasks;
use super::transformer_options::TransformerOptions;
use crate::summary::observe;
use crate::{
    Activation, Dropout, Float, Generator, LayerNorm, Linear, Module, MultiheadAttention, Parameters, Result,
    Tensor,
};

/// Self-attention, then a feed-forward part, each with a residual connection and a layer norm (Vaswani et al. 2017;
/// `torch.nn.TransformerEncoderLayer`). Over sequences (L, N, E), (N, L, E) under `batch_first`, or (L, E).
///
/// ```
/// use barehand_nn::{AttentionMasks, Generator, Parameters, Tensor, TransformerEncoderLayer, TransformerOptions};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let options = TransformerOptions::new(8, 2).dim_feedforward(16).batch_first(true);
/// let mut layer = TransformerEncoderLayer::<f32>::new(&options, &mut Generator::new(0))?;
/// layer.eval(); // No dropout.
/// let y = layer.encode(&Tensor::ones([3, 5, 8]), &AttentionMasks::causal())?;
/// assert_eq!(y.shape(), [3, 5, 8]);
/// assert_eq!(layer.named_parameters()[0].0, "self_attn.in_proj_weight");
/// # Ok(())
/// # }
/// ```
#[derive(Parameters)]
pub struct TransformerEncoderLayer<T: Float = f32> {
    /// Of all tokens to all tokens.
    pub self_attn: MultiheadAttention<T>,
    /// (F, E)
    pub linear1: Linear<T>,
    /// Of the hidden values.
    pub dropout: Dropout,
    /// (E, F)
    pub linear2: Linear<T>,
    /// Of the attention.
    pub norm1: LayerNorm<T>,
    /// Of the feed-forward part.
    pub norm2: LayerNorm<T>,
    /// Of what the attention adds.
    pub dropout1: Dropout,
    /// Of what the feed-forward part adds.
    pub dropout2: Dropout,
    activation: Activation,
    #[module(skip)]
    norm_first: bool,
}

impl<T: Float> TransformerEncoderLayer<T> {
    /// A layer, its weights drawn from `generator`.
    ///
    /// # Errors
    /// When a number is 0, the width is no multiple of the heads, or the share dropped is not in [0, 1].
    pub fn new(options: &TransformerOptions, generator: &mut Generator) -> Result<Self> {
        let (width, hidden) = (options.d_model, options.dim_feedforward);
        Ok(TransformerEncoderLayer {
            self_attn: options.attention(generator)?,
            linear1: options.linear(width, hidden, generator),
            dropout: Dropout::new(options.dropout, generator)?,
            linear2: options.linear(hidden, width, generator),
            norm1: options.norm(),
            norm2: options.norm(),
            dropout1: Dropout::new(options.dropout, generator)?,
            dropout2: Dropout::new(options.dropout, generator)?,
            activation: options.activation,
            norm_first: options.norm_first,
        })
    }

    /// The output, of the input's shape.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn encode(&self, x: &Tensor<T>, masks: &AttentionMasks<T>) -> Result<Tensor<T>> {
        let attention = |x: &Tensor<T>| self.dropout1.forward(&self.self_attn.attend([x, x, x], masks)?);
        let feed_forward = |x: &Tensor<T>| {
            let hidden = self.activation.forward(&self.linear1.forward(x)?)?;
            self.dropout2.forward(&self.linear2.forward(&self.dropout.forward(&hidden)?)?)
        };
        let y = if self.norm_first {
            let x = x.add(&attention(&self.norm1.forward(x)?)?)?;
            x.add(&feed_forward(&self.norm2.forward(&x)?)?)
        } else {
            let x = self.norm1.forward(&x.add(&attention(x)?)?)?;
            self.norm2.forward(&x.add(&feed_forward(&x)?)?)
        };
        observe(self, y)
    }
}

/// Without masks.
impl<T: Float> Module<T> for TransformerEncoderLayer<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.encode(x, &AttentionMasks::default())
    }
}

/// Encoder layers one after another, and a norm behind the last where there is one (`torch.nn.TransformerEncoder`).
#[derive(Parameters)]
pub struct TransformerEncoder<T: Float = f32> {
    /// `layers.0`, `layers.1`, ...
    pub layers: Vec<TransformerEncoderLayer<T>>,
    /// Behind the last layer.
    pub norm: Option<LayerNorm<T>>,
}

impl<T: Float> TransformerEncoder<T> {
    /// So many layers, each with weights of its own, and no norm behind them.
    ///
    /// # Errors
    /// As [`TransformerEncoderLayer::new`].
    pub fn new(layers: usize, options: &TransformerOptions, generator: &mut Generator) -> Result<Self> {
        let layers = (0..layers).map(|_| TransformerEncoderLayer::new(options, generator));
        Ok(TransformerEncoder { layers: layers.collect::<Result<_>>()?, norm: None })
    }

    /// With a norm behind the last layer.
    #[must_use]
    pub fn norm(mut self, norm: LayerNorm<T>) -> Self {
        self.norm = Some(norm);
        self
    }

    /// The output, of the input's shape.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn encode(&self, x: &Tensor<T>, masks: &AttentionMasks<T>) -> Result<Tensor<T>> {
        let mut y = x.clone();
        for layer in &self.layers {
            y = layer.encode(&y, masks)?;
        }
        observe(self, self.norm.as_ref().map_or(Ok(y.clone()), |norm| norm.forward(&y)))
    }
}

/// Without masks.
impl<T: Float> Module<T> for TransformerEncoder<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.encode(x, &AttentionMasks::default())
    }
}
