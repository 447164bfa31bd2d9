//! The part of a transformer that works on each token by itself.

use crate::summary::observe;
use crate::{Activation, Float, Generator, Linear, Module, Parameters, Result, Tensor};

/// W₂ f(W₁ x + b₁) + b₂ (Vaswani et al. 2017).
#[derive(Clone, Parameters)]
pub struct FeedForward<T: Float = f32> {
    /// (hidden, width)
    pub linear1: Linear<T>,
    /// f
    pub activation: Activation,
    /// (width, hidden)
    pub linear2: Linear<T>,
}

impl<T: Float> FeedForward<T> {
    /// From `width` to `hidden` and back, with biases.
    pub fn new(width: usize, hidden: usize, activation: Activation, generator: &mut Generator) -> Self {
        let linear1 = Linear::new(width, hidden, generator);
        FeedForward { linear1, activation, linear2: Linear::new(hidden, width, generator) }
    }
}

impl<T: Float> Module<T> for FeedForward<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let hidden = self.activation.forward(&self.linear1.forward(x)?)?;
        observe(self, self.linear2.forward(&hidden))
    }
}

/// W_down (f(W_gate x) · W_up x), without biases: SwiGLU where f is SiLU (Shazeer 2020; the feed-forward part of Llama,
/// whose names these are).
///
/// ```
/// use barehand_nn::{Generator, Module, Parameters, SwiGluFeedForward, Tensor};
///
/// let part = SwiGluFeedForward::<f32>::new(4, 11, &mut Generator::new(0));
/// assert_eq!(part.forward(&Tensor::ones([2, 3, 4])).unwrap().shape(), [2, 3, 4]);
/// assert_eq!(part.named_parameters()[0].0, "gate_proj.weight");
/// ```
#[derive(Clone, Parameters)]
pub struct SwiGluFeedForward<T: Float = f32> {
    /// (hidden, width)
    pub gate_proj: Linear<T>,
    /// (hidden, width)
    pub up_proj: Linear<T>,
    /// (width, hidden)
    pub down_proj: Linear<T>,
}

impl<T: Float> SwiGluFeedForward<T> {
    /// From `width` to `hidden` and back.
    pub fn new(width: usize, hidden: usize, generator: &mut Generator) -> Self {
        let gate_proj = Linear::without_bias(width, hidden, generator);
        let up_proj = Linear::without_bias(width, hidden, generator);
        SwiGluFeedForward { gate_proj, up_proj, down_proj: Linear::without_bias(hidden, width, generator) }
    }
}

impl<T: Float> Module<T> for SwiGluFeedForward<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let gate = self.gate_proj.forward(x)?.silu()?;
        observe(self, self.down_proj.forward(&gate.mul(&self.up_proj.forward(x)?)?))
    }
}
