//! The multilayer perceptron.

use crate::summary::observe;
use crate::{Activation, Dropout, Error, Float, Generator, Linear, Module, Parameters, Result, Tensor};

/// Linear layers with an activation, and dropout where asked for, after each but the last.
///
/// Inputs of more than two axes, such as images, are flattened to (N, features).
#[derive(Parameters)]
pub struct Mlp<T: Float = f32> {
    /// `layers.0`, `layers.1`, ...
    pub layers: Vec<Linear<T>>,
    activation: Activation,
    dropouts: Vec<Dropout>,
}

/// An [`Mlp`] with ReLU and no dropout: `sizes` are the features of the input, of each hidden layer and of the output.
///
/// # Errors
/// With fewer than two sizes.
pub fn mlp<T: Float>(sizes: &[usize], generator: &mut Generator) -> Result<Mlp<T>> {
    Mlp::builder(sizes).build(generator)
}

impl Mlp {
    /// An MLP to be: set options, then [`build`](MlpBuilder::build) it.
    pub fn builder(sizes: &[usize]) -> MlpBuilder {
        MlpBuilder { sizes: sizes.to_vec(), activation: Activation::ReLU, dropout: 0.0 }
    }
}

/// The options of an [`Mlp`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MlpBuilder {
    sizes: Vec<usize>,
    activation: Activation,
    dropout: f64,
}

impl MlpBuilder {
    /// What follows each hidden layer. Default ReLU.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// The share of each hidden layer's outputs dropped in training. Default 0.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// The model, its weights drawn from `generator`.
    ///
    /// # Errors
    /// With fewer than two sizes, or a share outside [0, 1].
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Mlp<T>> {
        let MlpBuilder { sizes, activation, dropout } = self;
        if sizes.len() < 2 {
            return Err(Error::value(
                "mlp",
                format!("sizes {sizes:?}: those of the input and the output at least"),
            ));
        }
        let layers: Vec<_> = sizes.windows(2).map(|pair| Linear::new(pair[0], pair[1], generator)).collect();
        let hidden = if dropout == 0.0 { 0 } else { layers.len() - 1 };
        let dropouts = (0..hidden).map(|_| Dropout::new(dropout, generator)).collect::<Result<_>>()?;
        Ok(Mlp { layers, activation, dropouts })
    }
}

impl<T: Float> Module<T> for Mlp<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let mut y = if x.rank() > 2 { x.flatten(1, -1)? } else { x.clone() };
        let last = self.layers.len() - 1;
        for (i, layer) in self.layers.iter().enumerate() {
            y = layer.forward(&y)?;
            if i < last {
                y = self.activation.forward(&y)?;
                if let Some(dropout) = self.dropouts.get(i) {
                    y = dropout.forward(&y)?;
                }
            }
        }
        observe(self, Ok(y))
    }
}
