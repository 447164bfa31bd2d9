//! The block of a GPT, over one sequence: attention to this and former tokens, then a feed-forward part, each behind a
//! layer norm and added to what came in.
//!
//! ```text
//! n1 = N1(x)     a = attention(n1)     x1 = x + a
//! n2 = N2(x1)    f = W2 gelu(W1 n2 + b1) + b2      y = x1 + f
//!
//! dx1 = dy + dN2(df)      with df = dy: a residual passes its gradient on, and the part adds its own
//! dx = dx1 + dN1(da)      with da = dx1
//! ```
//!
//! Query, key and value come from one projection (3 E, E), side by side in this order; token i attends to tokens 0 .. i.
//! The norms stand before the parts ("pre-norm"), so that the sum runs through all blocks untouched.
//!
//! Radford et al. 2019, in the shape of nanoGPT's `Block`.

use crate::array::Array;
use crate::batch_norm::NormGradients;
use crate::error::{Error, Result};
use crate::feed_forward::{FeedForward, FeedForwardGradients};
use crate::layer_norm::LayerNorm;
use crate::linear::LinearGradients;
use crate::multi_head_attention::{MultiHeadAttention, Projection, Sharing};
use crate::trace::Trace;

/// A block and its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct GptBlock {
    /// Before the attention: `ln_1`.
    pub attention_norm: LayerNorm,
    /// Heads of the attention.
    pub heads: usize,
    /// (3 E, E), query, key and value: `attn.c_attn`.
    pub packed: Projection,
    /// (E, E): `attn.c_proj`.
    pub output: Projection,
    /// Before the feed-forward part: `ln_2`.
    pub feed_forward_norm: LayerNorm,
    /// (4 E, E) and (E, 4 E): `mlp.c_fc` and `mlp.c_proj`.
    pub feed_forward: FeedForward,
}

/// The gradients of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct GptBlockGradients {
    /// dx
    pub input: Array,
    /// Of the norm before the attention.
    pub attention_norm: NormGradients,
    /// Of the packed projection: weight (3 E, E) and bias (3 E).
    pub packed: (Array, Array),
    /// Of the attention's last projection.
    pub output: LinearGradients,
    /// Of the norm before the feed-forward part.
    pub feed_forward_norm: NormGradients,
    /// Of the feed-forward part.
    pub feed_forward: FeedForwardGradients,
}

impl GptBlock {
    /// y (L, E) for x (L, E).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("GPT block: forward");
        let silent = &mut Trace::silent();
        let [_, x1, n2] = self.parts("gpt_block", x, trace)?;
        let f = trace.step("f", "W2 gelu(W1 n2 + b1) + b2", self.feed_forward.forward(&n2, silent)?);
        Ok(trace.step("y", "x1 + f", add(&x1, &f)?))
    }

    /// All gradients, from dy.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<GptBlockGradients> {
        const NAME: &str = "gpt_block_backward";
        let silent = &mut Trace::silent();
        let [n1, x1, n2] = self.parts(NAME, x, silent)?;
        dy.expect_shape(NAME, "dy", x.shape())?;
        trace.section("GPT block: backward");
        let feed_forward = self.feed_forward.backward(&n2, dy, silent)?;
        let dn2 = trace.step("dn2", "of the feed-forward part's input", feed_forward.input.clone());
        let feed_forward_norm = self.feed_forward_norm.backward(&x1, &dn2, silent)?;
        let dx1 = trace.step("dx1", "dy + dN2(dn2)", add(dy, &feed_forward_norm.input)?);
        let attention = self.attention(NAME)?;
        let d = attention.backward(&n1, &n1, Some(&causal(x)), &dx1, silent)?;
        let dn1 = trace.step("dn1", "of the attention's input", add(&d.input, &d.context)?);
        let attention_norm = self.attention_norm.backward(x, &dn1, silent)?;
        let input = trace.step("dx", "dx1 + dN1(dn1)", add(&dx1, &attention_norm.input)?);
        let [query, key, value, output] = d.projections;
        let parts = [&query, &key, &value];
        let packed = (
            trace.step("dWqkv", "rows of dWq, dWk, dWv", stacked(&parts.map(|d| &d.weight))?),
            trace.step("dbqkv", "dbq, dbk, dbv", stacked(&parts.map(|d| &d.bias))?),
        );
        Ok(GptBlockGradients { input, attention_norm, packed, output, feed_forward_norm, feed_forward })
    }

    /// n1, x1 and n2.
    fn parts(&self, operation: &str, x: &Array, trace: &mut Trace) -> Result<[Array; 3]> {
        let silent = &mut Trace::silent();
        x.expect_rank(operation, "x", 2)?;
        let n1 = trace.step("n1", "N1(x)", self.attention_norm.forward(x, silent)?);
        let a = self.attention(operation)?.forward(&n1, &n1, Some(&causal(x)), silent)?;
        let a = trace.step("a", "attention of n1 to itself, causal", a);
        let x1 = trace.step("x1", "x + a", add(x, &a)?);
        let n2 = trace.step("n2", "N2(x1)", self.feed_forward_norm.forward(&x1, silent)?);
        Ok([n1, x1, n2])
    }

    /// The attention, its three projections apart.
    fn attention(&self, operation: &str) -> Result<MultiHeadAttention> {
        self.packed.weight.expect_rank(operation, "packed projection", 2)?;
        let rows = self.packed.weight.shape()[0];
        if !rows.is_multiple_of(3) {
            let message =
                format!("a packed projection of {rows} rows: those of query, key and value expected");
            return Err(Error::new(operation, message));
        }
        let third = |part: usize| -> Result<Projection> {
            let bias = self.packed.bias.as_ref().map(|bias| rows_of(bias, part, rows / 3));
            Ok(Projection { weight: rows_of(&self.packed.weight, part, rows / 3)?, bias: bias.transpose()? })
        };
        Ok(MultiHeadAttention {
            heads: self.heads,
            kv_heads: self.heads,
            sharing: Sharing::Nothing,
            query: third(0)?,
            key: third(1)?,
            value: third(2)?,
            output: self.output.clone(),
        })
    }
}

/// 1 where token i attends to token j: j <= i.
fn causal(x: &Array) -> Array {
    let length = x.shape()[0];
    Array::from_fn(&[length, length], |index| f64::from(u8::from(index[1] <= index[0])))
}

fn add(a: &Array, b: &Array) -> Result<Array> {
    a.zip(b, |a, b| a + b)
}

/// A third of the rows.
fn rows_of(x: &Array, part: usize, rows: usize) -> Result<Array> {
    let inner: usize = x.shape()[1..].iter().product();
    let mut shape = x.shape().to_vec();
    shape[0] = rows;
    Array::new(&shape, x.data()[part * rows * inner..][..rows * inner].to_vec())
}

/// Rows one below the other.
fn stacked(parts: &[&Array; 3]) -> Result<Array> {
    let mut shape = parts[0].shape().to_vec();
    shape[0] *= 3;
    Array::new(&shape, parts.iter().flat_map(|part| part.data().iter().copied()).collect())
}
