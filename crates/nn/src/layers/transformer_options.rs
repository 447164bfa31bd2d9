//! What the layers of a transformer are like.

use crate::{Activation, Float, Generator, LayerNorm, Linear, MultiheadAttention, Result};

/// The options of [`TransformerEncoderLayer`](crate::TransformerEncoderLayer), of
/// [`TransformerDecoderLayer`](crate::TransformerDecoderLayer), and of stacks of them; names and defaults are PyTorch's.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct TransformerOptions {
    pub(crate) d_model: usize,
    pub(crate) nhead: usize,
    pub(crate) dim_feedforward: usize,
    pub(crate) dropout: f64,
    pub(crate) activation: Activation,
    pub(crate) layer_norm_eps: f64,
    pub(crate) batch_first: bool,
    pub(crate) norm_first: bool,
    pub(crate) bias: bool,
}

impl TransformerOptions {
    /// PyTorch's defaults, for vectors of `d_model` and attention in `nhead` heads.
    pub fn new(d_model: usize, nhead: usize) -> Self {
        TransformerOptions {
            d_model,
            nhead,
            dim_feedforward: 2048,
            dropout: 0.1,
            activation: Activation::ReLU,
            layer_norm_eps: 1e-5,
            batch_first: false,
            norm_first: false,
            bias: true,
        }
    }

    /// The width inside the feed-forward part. Default 2048.
    pub fn dim_feedforward(mut self, width: usize) -> Self {
        self.dim_feedforward = width;
        self
    }

    /// The share dropped, in training, of weights of attention, of the feed-forward part's hidden values, and of what each
    /// part adds. Default 0.1.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// Between the two linear layers of the feed-forward part. Default ReLU.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Added to variances. Default 1e-5.
    pub fn layer_norm_eps(mut self, eps: f64) -> Self {
        self.layer_norm_eps = eps;
        self
    }

    /// Whether sequences are (N, L, E). Default false: (L, N, E).
    pub fn batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// Whether each part normalises what it gets ("pre-norm"). Default false: the sum of what it got and what it gives
    /// is normalised ("post-norm", as in the paper).
    pub fn norm_first(mut self, norm_first: bool) -> Self {
        self.norm_first = norm_first;
        self
    }

    /// Whether there are biases anywhere. Default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    pub(crate) fn attention<T: Float>(&self, generator: &mut Generator) -> Result<MultiheadAttention<T>> {
        MultiheadAttention::builder(self.d_model, self.nhead)
            .dropout(self.dropout)
            .bias(self.bias)
            .batch_first(self.batch_first)
            .build(generator)
    }

    pub(crate) fn linear<T: Float>(&self, from: usize, to: usize, generator: &mut Generator) -> Linear<T> {
        if self.bias { Linear::new(from, to, generator) } else { Linear::without_bias(from, to, generator) }
    }

    pub(crate) fn norm<T: Float>(&self) -> LayerNorm<T> {
        let norm = LayerNorm::new([self.d_model]).eps(self.layer_norm_eps);
        if self.bias { norm } else { norm.without_bias() }
    }
}
