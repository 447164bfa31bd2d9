//! A small convolutional network for small images.

use crate::summary::observe;
use crate::{Conv2d, Dropout, Error, Float, Generator, Linear, MaxPool2d, Module, Parameters, ReLU, Result, Tensor};

/// Two convolutions of 3 x 3 (to 32, then 64 channels), max-pooling by 2, and two linear layers (to 128, then to the
/// classes), with ReLU between them: the network of PyTorch's MNIST example.
#[derive(Parameters)]
pub struct Cnn<T: Float = f32> {
    /// channels to 32
    pub conv1: Conv2d<T>,
    /// 32 to 64
    pub conv2: Conv2d<T>,
    pool: MaxPool2d,
    /// 64 pooled images to 128
    pub fc1: Linear<T>,
    dropout: Option<Dropout>,
    /// 128 to the classes
    pub fc2: Linear<T>,
}

/// A [`Cnn`] without dropout, for images of `channels` and `[height, width]`.
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
        CnnBuilder { channels, image, classes, dropout: 0.0 }
    }
}

/// The options of a [`Cnn`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CnnBuilder {
    channels: usize,
    image: [usize; 2],
    classes: usize,
    dropout: f64,
}

impl CnnBuilder {
    /// The share of the 128 features dropped in training. Default 0.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// The model, its weights drawn from `generator`.
    ///
    /// # Errors
    /// When the images are smaller than 6 x 6, a number is 0, or the share is outside [0, 1].
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Cnn<T>> {
        let CnnBuilder { channels, image, classes, dropout } = self;
        if channels == 0 || classes == 0 || image.iter().any(|&side| side < 6) {
            return Err(Error::value(
                "cnn",
                format!("{channels} channels of {image:?} for {classes} classes: images of 6 x 6 at least expected"),
            ));
        }
        let pooled: usize = image.iter().map(|side| (side - 4) / 2).product();
        Ok(Cnn {
            conv1: Conv2d::new(channels, 32, 3, generator)?,
            conv2: Conv2d::new(32, 64, 3, generator)?,
            pool: MaxPool2d::new(2),
            fc1: Linear::new(64 * pooled, 128, generator),
            dropout: if dropout == 0.0 { None } else { Some(Dropout::new(dropout, generator)?) },
            fc2: Linear::new(128, classes, generator),
        })
    }
}

impl<T: Float> Module<T> for Cnn<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let x = ReLU.forward(&self.conv1.forward(x)?)?;
        let x = ReLU.forward(&self.conv2.forward(&x)?)?;
        let x = self.pool.forward(&x)?.flatten(1, -1)?;
        let mut x = ReLU.forward(&self.fc1.forward(&x)?)?;
        if let Some(dropout) = &self.dropout {
            x = dropout.forward(&x)?;
        }
        observe(self, self.fc2.forward(&x))
    }
}
