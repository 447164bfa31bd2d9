//! The layer of a transformer, over one sequence: attention, attention to an encoder's output in a decoder, and a
//! feed-forward part, each with a residual connection and a layer norm.
//!
//! ```text
//! a part f with its norm N:    post-norm (the paper)   x <- N(x + f(x))
//!                              pre-norm (GPT-2)        x <- x + f(N(x))
//! parts:   attention(x, x)     attention(x, memory), in a decoder     W2 act(W1 x + b1) + b2
//! ```
//!
//! Vaswani et al. 2017; Xiong et al. 2020 for pre-norm. PyTorch: `torch.nn.TransformerEncoderLayer`,
//! `torch.nn.TransformerDecoderLayer`, without dropout.

use crate::activation::Activation;
use crate::array::Array;
use crate::elementwise::Elementwise;
use crate::error::Result;
use crate::layer_norm::LayerNorm;
use crate::linear::{WeightLayout, linear, linear_backward};
use crate::multi_head_attention::{MultiHeadAttention, Projection};
use crate::trace::Trace;

/// A layer and its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformerLayer {
    /// Whether norms come before the parts; else behind the sums.
    pub norm_first: bool,
    /// Of the sequence to itself, and its norm.
    pub self_attention: (MultiHeadAttention, LayerNorm),
    /// Of the sequence to the memory, and its norm: in a decoder.
    pub cross_attention: Option<(MultiHeadAttention, LayerNorm)>,
    /// (F, E)
    pub first: Projection,
    /// Between the two linear layers.
    pub activation: Activation,
    /// (E, F)
    pub second: Projection,
    /// Of the feed-forward part.
    pub norm: LayerNorm,
}

/// A part of the layer.
#[derive(Clone, Copy)]
enum Part<'a> {
    Attention(&'a MultiHeadAttention),
    Memory(&'a MultiHeadAttention),
    FeedForward,
}

impl TransformerLayer {
    /// y (L, E) for x (L, E) and, in a decoder, a memory (S, E); the masks, 1 = keep, are (L, L) and (L, S).
    pub fn forward(
        &self,
        x: &Array,
        memory: &Array,
        mask: Option<&Array>,
        memory_mask: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<Array> {
        trace.section("transformer layer: forward");
        let inputs = self.inputs(x, memory, [mask, memory_mask], trace)?;
        Ok(inputs[inputs.len() - 1].clone())
    }

    /// dx and dmemory, from dy. The gradients of the weights are those of the parts, which are blocks of their own.
    pub fn backward(
        &self,
        x: &Array,
        memory: &Array,
        mask: Option<&Array>,
        memory_mask: Option<&Array>,
        dy: &Array,
        trace: &mut Trace,
    ) -> Result<(Array, Array)> {
        let silent = &mut Trace::silent();
        let masks = [mask, memory_mask];
        let inputs = self.inputs(x, memory, masks, silent)?;
        dy.expect_shape("transformer_layer_backward", "dy", x.shape())?;
        trace.section("transformer layer: backward");
        let mut dx = dy.clone();
        let mut dmemory = Array::zeros(memory.shape());
        for (i, (part, norm)) in self.list().into_iter().enumerate().rev() {
            let x = &inputs[i];
            let add = |a: &Array, b: &Array| a.zip(b, |a, b| a + b);
            let (d, dm) = if self.norm_first {
                let normed = norm.forward(x, silent)?;
                let (d, dm) = self.part_backward(part, &normed, memory, masks, &dx)?;
                (add(&dx, &norm.backward(x, &d, silent)?.input)?, dm)
            } else {
                let sum = add(x, &self.part(part, x, memory, masks)?)?;
                let d = norm.backward(&sum, &dx, silent)?.input;
                let (inner, dm) = self.part_backward(part, x, memory, masks, &d)?;
                (add(&d, &inner)?, dm)
            };
            dx = trace.step(&format!("dx_{i}"), "of what the part got, by its residual and by itself", d);
            if let Some(dm) = dm {
                dmemory = trace.step("dmemory", "of the memory", dm);
            }
        }
        Ok((dx, dmemory))
    }

    fn list(&self) -> Vec<(Part<'_>, &LayerNorm)> {
        let (attention, norm) = &self.self_attention;
        let mut parts = vec![(Part::Attention(attention), norm)];
        parts.extend(self.cross_attention.as_ref().map(|(attention, norm)| (Part::Memory(attention), norm)));
        parts.push((Part::FeedForward, &self.norm));
        parts
    }

    /// What each part gets, and last what the last one leaves.
    fn inputs(
        &self,
        x: &Array,
        memory: &Array,
        masks: [Option<&Array>; 2],
        trace: &mut Trace,
    ) -> Result<Vec<Array>> {
        let silent = &mut Trace::silent();
        let mut inputs = vec![x.clone()];
        for (i, (part, norm)) in self.list().into_iter().enumerate() {
            let x = &inputs[i];
            let add = |a: &Array, b: &Array| a.zip(b, |a, b| a + b);
            let y = if self.norm_first {
                let normed = trace.step(&format!("n_{}", i + 1), "N(x)", norm.forward(x, silent)?);
                let f = trace.step(&format!("f_{}", i + 1), "f(n)", self.part(part, &normed, memory, masks)?);
                trace.step(&format!("x_{}", i + 1), "x + f", add(x, &f)?)
            } else {
                let f = trace.step(&format!("f_{}", i + 1), "f(x)", self.part(part, x, memory, masks)?);
                let sum = trace.step(&format!("s_{}", i + 1), "x + f", add(x, &f)?);
                trace.step(&format!("x_{}", i + 1), "N(s)", norm.forward(&sum, silent)?)
            };
            inputs.push(y);
        }
        Ok(inputs)
    }

    fn part(&self, part: Part<'_>, x: &Array, memory: &Array, masks: [Option<&Array>; 2]) -> Result<Array> {
        let silent = &mut Trace::silent();
        match part {
            Part::Attention(attention) => attention.forward(x, x, masks[0], silent),
            Part::Memory(attention) => attention.forward(x, memory, masks[1], silent),
            Part::FeedForward => {
                let h = self.activation.forward(&self.hidden(x)?, silent);
                linear(&h, &self.second.weight, self.second.bias.as_ref(), WeightLayout::OutIn, silent)
            }
        }
    }

    /// W1 x + b1
    fn hidden(&self, x: &Array) -> Result<Array> {
        let (weight, bias) = (&self.first.weight, self.first.bias.as_ref());
        linear(x, weight, bias, WeightLayout::OutIn, &mut Trace::silent())
    }

    fn part_backward(
        &self,
        part: Part<'_>,
        x: &Array,
        memory: &Array,
        masks: [Option<&Array>; 2],
        dy: &Array,
    ) -> Result<(Array, Option<Array>)> {
        let silent = &mut Trace::silent();
        match part {
            Part::Attention(attention) => {
                let d = attention.backward(x, x, masks[0], dy, silent)?;
                Ok((d.input.zip(&d.context, |q, kv| q + kv)?, None))
            }
            Part::Memory(attention) => {
                let d = attention.backward(x, memory, masks[1], dy, silent)?;
                Ok((d.input, Some(d.context)))
            }
            Part::FeedForward => {
                let z = self.hidden(x)?;
                let h = self.activation.forward(&z, silent);
                let dh = linear_backward(&h, &self.second.weight, WeightLayout::OutIn, dy, silent)?.input;
                let dz = self.activation.backward(&z, &dh, silent)?;
                Ok((linear_backward(x, &self.first.weight, WeightLayout::OutIn, &dz, silent)?.input, None))
            }
        }
    }
}
