//! The fully connected layer.

use crate::summary::observe;
use crate::{Float, Generator, Module, Parameters, Result, Tensor, init};

/// y = x weightᵀ + bias over the last axis: (..., in) to (..., out) (`torch.nn.Linear`).
///
/// Weight (out, in) and bias (out) begin uniform on ±1/√in.
///
/// ```
/// use barehand_nn::{Generator, Linear, Module, Tensor};
///
/// let layer = Linear::<f32>::new(4, 3, &mut Generator::new(0));
/// assert_eq!(layer.forward(&Tensor::zeros([2, 4])).unwrap().shape(), [2, 3]);
/// ```
#[derive(Clone, Parameters)]
pub struct Linear<T: Float = f32> {
    /// (out, in)
    pub weight: Tensor<T>,
    /// (out)
    pub bias: Option<Tensor<T>>,
}

impl<T: Float> Linear<T> {
    /// A layer with a bias.
    pub fn new(inputs: usize, outputs: usize, generator: &mut Generator) -> Self {
        let bound = bound(inputs);
        let weight = init::uniform(&[outputs, inputs], -bound, bound, generator).requires_grad();
        let bias = init::uniform(&[outputs], -bound, bound, generator).requires_grad();
        Linear { weight, bias: Some(bias) }
    }

    /// A layer without a bias.
    pub fn without_bias(inputs: usize, outputs: usize, generator: &mut Generator) -> Self {
        let bound = bound(inputs);
        Linear {
            weight: init::uniform(&[outputs, inputs], -bound, bound, generator).requires_grad(),
            bias: None,
        }
    }
}

/// The bound of `kaiming_uniform(a=sqrt(5))`, PyTorch's default: 1/√fan_in.
pub(crate) fn bound(fan_in: usize) -> f64 {
    if fan_in == 0 { 0.0 } else { 1.0 / (fan_in as f64).sqrt() }
}

impl<T: Float> Module<T> for Linear<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.linear(&self.weight, self.bias.as_ref()))
    }
}
