//! GPT-2's Conv1D.

use crate::summary::observe;
use crate::{Float, Generator, Module, Parameters, Result, Tensor, init};

/// y = x weight + bias over the last axis: (..., in) to (..., out), as GPT-2 stores it (`Conv1D` of its authors and of
/// transformers). It is a convolution one wide over a sequence whose channels come last, that is a [`Linear`](crate::Linear)
/// whose weight is transposed: (in, out).
///
/// The weight begins normal with a standard deviation of 0.02, the bias 0.
///
/// ```
/// use barehand_nn::{Conv1D, Generator, Module, Tensor};
///
/// let mut layer = Conv1D::<f32>::new(2, 3, &mut Generator::new(0));
/// layer.weight = Tensor::from([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]);
/// assert_eq!(layer.forward(&Tensor::from([1.0, 1.0])).unwrap().to_vec(), [11.0, 22.0, 33.0]);
/// ```
#[derive(Clone, Parameters)]
pub struct Conv1D<T: Float = f32> {
    /// (in, out)
    pub weight: Tensor<T>,
    /// (out)
    pub bias: Tensor<T>,
}

impl<T: Float> Conv1D<T> {
    /// A layer from `inputs` to `outputs` features.
    pub fn new(inputs: usize, outputs: usize, generator: &mut Generator) -> Self {
        let weight = init::normal(&[inputs, outputs], 0.0, 0.02, generator).requires_grad();
        Conv1D { weight, bias: Tensor::zeros([outputs]).requires_grad() }
    }
}

impl<T: Float> Module<T> for Conv1D<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.linear(&self.weight.t()?, Some(&self.bias)))
    }
}
