//! A small convolutional network for small images.

use crate::summary::observe;
use crate::{
    Conv2d, Dropout, Error, Float, Generator, Linear, MaxPool2d, Module, Parameters, ReLU, Result, Tensor,
};

/// Convolutions of 3 x 3, max-pooling by 2, and linear layers, with ReLU between them. The defaults, 32 and 64 channels
/// and one hidden layer of 128, are the network of PyTorch's MNIST example.
#[derive(Parameters)]
pub struct Cnn<T: Float = f32> {
    /// `convolutions.0`, `convolutions.1`, ...
    pub convolutions: Vec<Conv2d<T>>,
    pool: MaxPool2d,
    /// `layers.0`, `layers.1`, ...: from the pooled images to the classes.
    pub layers: Vec<Linear<T>>,
    dropouts: Vec<Dropout>,
}

/// A [`Cnn`] with the default layers and no dropout, for images of `channels` and `[height, width]`.
///
/// # Errors
/// When the images are smaller than 6 x 6, or a number is 0.
pub fn cnn<T: Float>(
    channels: usize,
    image: [usize; 2],
    classes: usize,
    generator: &mut Generator,
) -> Result<Cnn<T>> {
    Cnn::builder(channels, image, classes).build(generator)
}

impl Cnn {
    /// A CNN to be: set options, then [`build`](CnnBuilder::build) it.
    pub fn builder(channels: usize, image: [usize; 2], classes: usize) -> CnnBuilder {
        CnnBuilder {
            input: channels,
            image,
            channels: vec![32, 64],
            hidden: vec![128],
            classes,
            dropout: 0.0,
        }
    }
}

/// The options of a [`Cnn`].
#[derive(Clone, Debug)]
#[must_use]
pub struct CnnBuilder {
    input: usize,
    image: [usize; 2],
    channels: Vec<usize>,
    hidden: Vec<usize>,
    classes: usize,
    dropout: f64,
}

impl CnnBuilder {
    /// The channels that each convolution puts out. Default 32, 64.
    pub fn channels(mut self, channels: &[usize]) -> Self {
        self.channels = channels.to_vec();
        self
    }

    /// The widths of the hidden linear layers. Default 128.
    pub fn hidden(mut self, widths: &[usize]) -> Self {
        self.hidden = widths.to_vec();
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
    /// When a number is 0, the convolutions and the pooling leave nothing of the images (each takes 2 from every side), or
    /// the share is outside [0, 1].
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Cnn<T>> {
        let CnnBuilder { input, image, channels, hidden, classes, dropout } = self;
        let lost = 2 * channels.len();
        let sizes =
            [input, classes].into_iter().chain(channels.iter().copied()).chain(hidden.iter().copied());
        if sizes.into_iter().any(|n| n == 0) || image.iter().any(|&side| side < lost + 2) {
            return Err(Error::value(
                "cnn",
                format!(
                    "{input} channels of {image:?}, convolutions to {channels:?}, layers of {hidden:?} and {classes} classes: no \
                     number may be 0, and images must have {0} x {0} pixels at least",
                    lost + 2
                ),
            ));
        }
        let outputs: Vec<usize> = [input].into_iter().chain(channels).collect();
        let convolutions = outputs
            .windows(2)
            .map(|pair| Conv2d::new(pair[0], pair[1], 3, generator))
            .collect::<Result<_>>()?;
        let pooled: usize = image.iter().map(|side| (side - lost) / 2).product();
        let features = outputs[outputs.len() - 1] * pooled;
        let dropped = if dropout == 0.0 { 0 } else { hidden.len() };
        let widths: Vec<usize> = [features].into_iter().chain(hidden).chain([classes]).collect();
        Ok(Cnn {
            convolutions,
            pool: MaxPool2d::new(2),
            layers: widths.windows(2).map(|pair| Linear::new(pair[0], pair[1], generator)).collect(),
            dropouts: (0..dropped).map(|_| Dropout::new(dropout, generator)).collect::<Result<_>>()?,
        })
    }
}

impl<T: Float> Module<T> for Cnn<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let mut x = x.clone();
        if let Some((last, others)) = self.convolutions.split_last() {
            for convolution in others {
                x = convolution.forward_relu(&x)?;
            }
            x = last.forward_relu_max_pool(&x, &self.pool)?;
        } else {
            x = self.pool.forward(&x)?;
        }
        x = x.flatten(1, -1)?;
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x)?;
            if i + 1 < self.layers.len() {
                x = ReLU.forward(&x)?;
                if let Some(dropout) = self.dropouts.get(i) {
                    x = dropout.forward(&x)?;
                }
            }
        }
        observe(self, Ok(x))
    }
}
