//! Convolution over images.

use barehand_tensor::Conv2dOptions;

use super::images::{Pair, batched};
use super::linear::bound;
use super::pool2d::MaxPool2d;
use crate::summary::{observe, observe_shape};
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor, init};

/// Convolution of (N, C, H, W), or of one image (C, H, W), to (N, K, H', W') (`torch.nn.Conv2d`).
///
/// Weight (K, C / groups, height, width) and bias (K) begin uniform on ±1/√fan_in, fan_in = C / groups · height · width.
///
/// ```
/// use barehand_nn::{Conv2d, Generator, Module, Tensor};
///
/// let mut generator = Generator::new(0);
/// let layer: Conv2d = Conv2d::builder(1, 32, 3).stride(2).padding(1).bias(false).build(&mut generator).unwrap();
/// assert_eq!(layer.forward(&Tensor::zeros([8, 1, 28, 28])).unwrap().shape(), [8, 32, 14, 14]);
/// ```
#[derive(Clone, Parameters)]
pub struct Conv2d<T: Float = f32> {
    /// (K, C / groups, height, width)
    pub weight: Tensor<T>,
    /// (K)
    pub bias: Option<Tensor<T>>,
    /// How the kernel moves.
    #[module(skip)]
    pub options: Conv2dOptions,
}

impl<T: Float> Conv2d<T> {
    /// A layer with the default options: stride 1, no padding, with a bias.
    ///
    /// # Errors
    /// When a number of channels or the kernel is 0.
    pub fn new(
        in_channels: usize,
        out_channels: usize,
        kernel: impl Into<Pair>,
        generator: &mut Generator,
    ) -> Result<Self> {
        Conv2d::builder(in_channels, out_channels, kernel).build(generator)
    }

    /// The layer and a ReLU behind it in one step: max(`forward(x)`, 0), for the price of the convolution alone
    /// ([`Tensor::conv2d_relu`]).
    ///
    /// ```
    /// use barehand_nn::{Conv2d, Generator, Module, Tensor};
    ///
    /// let layer = Conv2d::<f32>::new(3, 16, 3, &mut Generator::new(0)).unwrap();
    /// let x = Tensor::ones([1, 3, 8, 8]);
    /// let both = layer.forward(&x).unwrap().relu().unwrap();
    /// assert_eq!(layer.forward_relu(&x).unwrap().to_vec(), both.to_vec());
    /// ```
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn forward_relu(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, batched(x, |x| x.conv2d_relu(&self.weight, self.bias.as_ref(), self.options)))
    }

    /// The layer, a ReLU and a max-pooling in one step: what `pool` makes of [`forward_relu`](Self::forward_relu), without
    /// ever keeping that ([`Tensor::conv2d_relu_max_pool2d`]).
    ///
    /// # Errors
    /// When the input does not fit, or no window fits the convolution's output.
    pub fn forward_relu_max_pool(&self, x: &Tensor<T>, pool: &MaxPool2d) -> Result<Tensor<T>> {
        let y = batched(x, |x| {
            x.conv2d_relu_max_pool2d(&self.weight, self.bias.as_ref(), self.options, pool.options)
        })?;
        observe_shape(self, || {
            let (mut shape, first) = (y.shape().to_vec(), y.rank() - 2);
            let side = |axis: usize| {
                self.options.output(axis, x.shape()[first + axis], self.weight.shape()[2 + axis])
            };
            (0..2).for_each(|axis| shape[first + axis] = side(axis).unwrap_or(0));
            shape
        });
        observe(pool, Ok(y))
    }
}

impl Conv2d {
    /// A layer to be: set options, then [`build`](Conv2dBuilder::build) it.
    pub fn builder(in_channels: usize, out_channels: usize, kernel: impl Into<Pair>) -> Conv2dBuilder {
        let Pair(kernel) = kernel.into();
        Conv2dBuilder { in_channels, out_channels, kernel, bias: true, options: Conv2dOptions::default() }
    }
}

/// The options of a [`Conv2d`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Conv2dBuilder {
    in_channels: usize,
    out_channels: usize,
    kernel: [usize; 2],
    bias: bool,
    options: Conv2dOptions,
}

impl Conv2dBuilder {
    /// Steps between places. Default 1.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// Zeros on every side. Default 0.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.options.padding = padding.into().0;
        self
    }

    /// Steps between the kernel's own elements. Default 1.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.options.dilation = dilation.into().0;
        self
    }

    /// Groups of channels that do not see each other. Default 1.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self
    }

    /// Whether there is a bias. Default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The layer, its weights drawn from `generator`.
    ///
    /// # Errors
    /// When the kernel, the stride or the dilation is 0, or the groups do not divide the channels.
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Conv2d<T>> {
        let Conv2dBuilder { in_channels, out_channels, kernel, bias, options } = self;
        let Conv2dOptions { stride, dilation, groups, .. } = options;
        if kernel.contains(&0) || stride.contains(&0) || dilation.contains(&0) {
            return Err(Error::value(
                "Conv2d",
                format!(
                    "kernel {kernel:?}, stride {stride:?} and dilation {dilation:?} must all be at least 1"
                ),
            ));
        }
        if groups == 0 || !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(Error::value(
                "Conv2d",
                format!(
                    "groups = {groups} must divide the {in_channels} input and {out_channels} output channels"
                ),
            ));
        }
        let shape = [out_channels, in_channels / groups, kernel[0], kernel[1]];
        let bound = bound(shape[1..].iter().product());
        let weight = init::uniform(&shape, -bound, bound, generator).requires_grad();
        let bias = bias.then(|| init::uniform(&[out_channels], -bound, bound, generator).requires_grad());
        Ok(Conv2d { weight, bias, options })
    }
}

impl<T: Float> Module<T> for Conv2d<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, batched(x, |x| x.conv2d(&self.weight, self.bias.as_ref(), self.options)))
    }
}
