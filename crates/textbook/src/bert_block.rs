//! The block of a BERT, over one sequence: attention of all tokens to all that are no padding, then a feed-forward part,
//! each added to what came in, and the sum normalised.
//!
//! ```text
//! a = attention(x)      x1 = N1(x + a)
//! f = W2 gelu(W1 x1 + b1) + b2      y = N2(x1 + f)
//!
//! ds2 = dN2(dy)     dx1 = ds2 + df       a norm's gradient goes both ways, past the part and through it
//! ds1 = dN1(dx1)    dx = ds1 + da
//! ```
//!
//! The norms stand behind the sums ("post-norm", as in the paper on transformers), and nobody attends to padding.
//!
//! Devlin et al. 2018. PyTorch: `torch.nn.TransformerEncoderLayer(activation="gelu")`, without dropout.

use crate::array::Array;
use crate::batch_norm::NormGradients;
use crate::error::Result;
use crate::feed_forward::{FeedForward, FeedForwardGradients};
use crate::layer_norm::LayerNorm;
use crate::multi_head_attention::{MultiHeadAttention, MultiHeadGradients};
use crate::trace::Trace;

/// A block and its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct BertBlock {
    /// Of the sequence to itself.
    pub attention: MultiHeadAttention,
    /// Behind the attention's sum.
    pub attention_norm: LayerNorm,
    /// Token by token.
    pub feed_forward: FeedForward,
    /// Behind the feed-forward part's sum.
    pub feed_forward_norm: LayerNorm,
}

/// The gradients of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct BertBlockGradients {
    /// dx
    pub input: Array,
    /// Of the attention; its input and context are both x.
    pub attention: MultiHeadGradients,
    /// Of the norm behind the attention's sum.
    pub attention_norm: NormGradients,
    /// Of the feed-forward part.
    pub feed_forward: FeedForwardGradients,
    /// Of the norm behind the feed-forward part's sum.
    pub feed_forward_norm: NormGradients,
}

impl BertBlock {
    /// y (L, E) for x (L, E); `real` (L) is 0 at padding.
    pub fn forward(&self, x: &Array, real: Option<&Array>, trace: &mut Trace) -> Result<Array> {
        trace.section("BERT block: forward");
        let [_, _, s2] = self.parts("bert_block", x, real, trace)?;
        Ok(trace.step("y", "N2(s2)", self.feed_forward_norm.forward(&s2, &mut Trace::silent())?))
    }

    /// All gradients, from dy.
    pub fn backward(
        &self,
        x: &Array,
        real: Option<&Array>,
        dy: &Array,
        trace: &mut Trace,
    ) -> Result<BertBlockGradients> {
        const NAME: &str = "bert_block_backward";
        let silent = &mut Trace::silent();
        let [s1, x1, s2] = self.parts(NAME, x, real, silent)?;
        dy.expect_shape(NAME, "dy", x.shape())?;
        trace.section("BERT block: backward");
        let feed_forward_norm = self.feed_forward_norm.backward(&s2, dy, silent)?;
        let ds2 = trace.step("ds2", "dN2(dy)", feed_forward_norm.input.clone());
        let feed_forward = self.feed_forward.backward(&x1, &ds2, silent)?;
        let dx1 = trace.step("dx1", "ds2 + df", add(&ds2, &feed_forward.input)?);
        let attention_norm = self.attention_norm.backward(&s1, &dx1, silent)?;
        let ds1 = trace.step("ds1", "dN1(dx1)", attention_norm.input.clone());
        let keep = real.map(|real| mask(NAME, x, real)).transpose()?;
        let attention = self.attention.backward(x, x, keep.as_ref(), &ds1, silent)?;
        let da = trace.step("da", "of the attention's input", add(&attention.input, &attention.context)?);
        let input = trace.step("dx", "ds1 + da", add(&ds1, &da)?);
        Ok(BertBlockGradients { input, attention, attention_norm, feed_forward, feed_forward_norm })
    }

    /// s1, x1 and s2.
    fn parts(
        &self,
        operation: &str,
        x: &Array,
        real: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<[Array; 3]> {
        let silent = &mut Trace::silent();
        x.expect_rank(operation, "x", 2)?;
        let keep = real.map(|real| mask(operation, x, real)).transpose()?;
        let a = self.attention.forward(x, x, keep.as_ref(), silent)?;
        let a = trace.step("a", "attention of x to its real tokens", a);
        let s1 = trace.step("s1", "x + a", add(x, &a)?);
        let x1 = trace.step("x1", "N1(s1)", self.attention_norm.forward(&s1, silent)?);
        let f = trace.step("f", "W2 gelu(W1 x1 + b1) + b2", self.feed_forward.forward(&x1, silent)?);
        let s2 = trace.step("s2", "x1 + f", add(&x1, &f)?);
        Ok([s1, x1, s2])
    }
}

/// 1 where token i attends to token j: where j is no padding.
fn mask(operation: &str, x: &Array, real: &Array) -> Result<Array> {
    let length = x.shape()[0];
    real.expect_shape(operation, "real", &[length])?;
    Ok(Array::from_fn(&[length, length], |index| f64::from(u8::from(real[index[1]] != 0.0))))
}

fn add(a: &Array, b: &Array) -> Result<Array> {
    a.zip(b, |a, b| a + b)
}
