//! Convolution over sequences and images.

use barehand_tensor::{ConvKernel, ConvOptions, PadMode, same_padding};

use super::images::{Pair, Sides, batched};
use super::linear::bound;
use super::max_pool::MaxPool2d;
use crate::summary::{observe_as, observe_shape};
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor, init};

/// Convolution of (N, C, L) to (N, K, L'), or of (N, C, H, W) to (N, K, H', W'); or of one sample without N
/// (`torch.nn.Conv1d`, `torch.nn.Conv2d`).
///
/// Weight (K, C / groups, kernel) and bias (K) begin uniform on ±1/√fan_in, fan_in = C / groups · elements of the kernel.
///
/// ```
/// use barehand_nn::{Conv1d, Conv2d, Generator, Module, Padding, Tensor};
///
/// let mut generator = Generator::new(0);
/// let layer: Conv2d = Conv2d::builder(1, 32, 3).stride(2).padding(1).bias(false).build(&mut generator).unwrap();
/// assert_eq!(layer.forward(&Tensor::zeros([8, 1, 28, 28])).unwrap().shape(), [8, 32, 14, 14]);
///
/// let layer: Conv1d = Conv1d::builder(4, 6, 5).padding(Padding::Same).build(&mut generator).unwrap();
/// assert_eq!(layer.forward(&Tensor::zeros([8, 4, 20])).unwrap().shape(), [8, 6, 20]);
/// ```
#[derive(Clone, Parameters)]
#[module(named)]
pub struct Conv<const D: usize, T: Float = f32> {
    /// (K, C / groups, kernel)
    pub weight: Tensor<T>,
    /// (K)
    pub bias: Option<Tensor<T>>,
    /// How the kernel moves. Its padding is what stands on both sides alike.
    #[module(skip)]
    pub options: ConvOptions<D>,
    /// One more beyond the last row and column, where "same" asks for an odd number.
    #[module(skip)]
    uneven: [usize; D],
    /// What the padding holds, if not zeros.
    #[module(skip)]
    mode: Option<PadMode>,
}

/// Over sequences.
pub type Conv1d<T = f32> = Conv<1, T>;

/// Over images.
pub type Conv2d<T = f32> = Conv<2, T>;

/// How much stands around the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding<const D: usize> {
    /// As much on both sides of each axis.
    Sides([usize; D]),
    /// As much as keeps the input's size, with stride 1; where that is odd, one more behind.
    Same,
}

impl<const D: usize> From<usize> for Padding<D> {
    fn from(all: usize) -> Self {
        Padding::Sides([all; D])
    }
}

impl<const D: usize> From<[usize; D]> for Padding<D> {
    fn from(sides: [usize; D]) -> Self {
        Padding::Sides(sides)
    }
}

impl<const D: usize> From<Sides<D>> for Padding<D> {
    fn from(sides: Sides<D>) -> Self {
        Padding::Sides(sides.0)
    }
}

impl<const D: usize, T: Float> Conv<D, T> {
    /// PyTorch's name of the layer.
    const NAME: &'static str = if D == 1 { "Conv1d" } else { "Conv2d" };

    /// A layer with the default options: stride 1, no padding, with a bias.
    ///
    /// # Errors
    /// When a number of channels or the kernel is 0.
    pub fn new(
        in_channels: usize,
        out_channels: usize,
        kernel: impl Into<Sides<D>>,
        generator: &mut Generator,
    ) -> Result<Self> {
        ConvBuilder::new(in_channels, out_channels, kernel).build(generator)
    }

    /// The input as the operator takes it, which pads with zeros on both sides alike, and the options for it.
    fn padded(&self, x: &Tensor<T>) -> Result<(Tensor<T>, ConvOptions<D>)> {
        let even = self.uneven.iter().all(|&more| more == 0);
        if x.rank() != D + 2 || self.mode.is_none() && even {
            return Ok((x.clone(), self.options));
        }
        let mut amounts = vec![(0, 0); 2];
        let Some(mode) = self.mode else {
            amounts.extend(self.uneven.map(|more| (0, more)));
            return Ok((x.pad(&amounts, T::default())?, self.options));
        };
        amounts.extend((0..D).map(|axis| {
            let padding = self.options.padding[axis];
            (padding, padding + self.uneven[axis])
        }));
        Ok((x.pad_with(&amounts, mode)?, ConvOptions { padding: [0; D], ..self.options }))
    }
}

impl<T: Float> Conv2d<T> {
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
        let y = batched::<2, T>(x, |x| {
            let (x, options) = self.padded(x)?;
            x.conv2d_relu(&self.weight, self.bias.as_ref(), options)
        });
        observe_as(self, Self::NAME, y)
    }

    /// The layer, a ReLU and a max-pooling in one step: what `pool` makes of [`forward_relu`](Self::forward_relu), without
    /// ever keeping that ([`Tensor::conv2d_relu_max_pool2d`]).
    ///
    /// # Errors
    /// When the input does not fit, or no window fits the convolution's output.
    pub fn forward_relu_max_pool(&self, x: &Tensor<T>, pool: &MaxPool2d) -> Result<Tensor<T>> {
        let y = batched::<2, T>(x, |x| {
            let (x, options) = self.padded(x)?;
            x.conv2d_relu_max_pool2d(&self.weight, self.bias.as_ref(), options, pool.options)
        })?;
        observe_shape(self, Self::NAME, || {
            let (mut shape, first) = (y.shape().to_vec(), y.rank() - 2);
            let side = |axis: usize| {
                let image = x.shape()[first + axis] + self.uneven[axis];
                self.options.output(axis, image, self.weight.shape()[2 + axis])
            };
            (0..2).for_each(|axis| shape[first + axis] = side(axis).unwrap_or(0));
            shape
        });
        observe_as(pool, MaxPool2d::NAME, Ok(y))
    }
}

impl Conv1d {
    /// A layer to be: set options, then [`build`](ConvBuilder::build) it.
    pub fn builder(in_channels: usize, out_channels: usize, kernel: impl Into<Sides<1>>) -> ConvBuilder<1> {
        ConvBuilder::new(in_channels, out_channels, kernel)
    }
}

impl Conv2d {
    /// A layer to be: set options, then [`build`](ConvBuilder::build) it.
    pub fn builder(in_channels: usize, out_channels: usize, kernel: impl Into<Pair>) -> ConvBuilder<2> {
        ConvBuilder::new(in_channels, out_channels, kernel)
    }
}

/// The options of a [`Conv1d`] or [`Conv2d`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ConvBuilder<const D: usize> {
    in_channels: usize,
    out_channels: usize,
    kernel: [usize; D],
    bias: bool,
    padding: Padding<D>,
    mode: Option<PadMode>,
    options: ConvOptions<D>,
}

impl<const D: usize> ConvBuilder<D> {
    /// The default options: stride 1, no padding, with a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel: impl Into<Sides<D>>) -> Self {
        const { assert!(D == 1 || D == 2, "convolution is known over sequences and images") };
        ConvBuilder {
            in_channels,
            out_channels,
            kernel: kernel.into().0,
            bias: true,
            padding: Padding::Sides([0; D]),
            mode: None,
            options: ConvOptions::default(),
        }
    }

    /// Steps between places. Default 1.
    pub fn stride(mut self, stride: impl Into<Sides<D>>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// How much stands on every side, or [`Padding::Same`]. Default 0.
    pub fn padding(mut self, padding: impl Into<Padding<D>>) -> Self {
        self.padding = padding.into();
        self
    }

    /// What the padding holds: the input's own values instead of zeros.
    pub fn padding_mode(mut self, mode: PadMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Steps between the kernel's own elements. Default 1.
    pub fn dilation(mut self, dilation: impl Into<Sides<D>>) -> Self {
        self.options.dilation = dilation.into().0;
        self
    }

    /// Groups of channels that do not see each other. Default 1.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self
    }

    /// Which way the kernel lies. Default: as stored, which is cross-correlation.
    pub fn kernel(mut self, kernel: ConvKernel) -> Self {
        self.options.kernel = kernel;
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
    /// When the kernel, the stride or the dilation is 0, the groups do not divide the channels, or the padding is to keep
    /// the size and the stride is not 1.
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Conv<D, T>> {
        let ConvBuilder { in_channels, out_channels, kernel, bias, padding, mode, mut options } = self;
        let ConvOptions { stride, dilation, groups, .. } = options;
        let name = Conv::<D, T>::NAME;
        check(name, kernel, stride, dilation)?;
        check_groups(name, groups, in_channels, out_channels)?;
        let mut uneven = [0; D];
        match padding {
            Padding::Sides(sides) => options.padding = sides,
            Padding::Same if stride != [1; D] => {
                return Err(Error::value(
                    name,
                    format!("padding that keeps the size needs stride 1, not {stride:?}"),
                ));
            }
            Padding::Same => {
                for axis in 0..D {
                    let (before, behind) = same_padding(kernel[axis], dilation[axis]);
                    (options.padding[axis], uneven[axis]) = (before, behind - before);
                }
            }
        }
        let mut shape = vec![out_channels, in_channels / groups];
        shape.extend(kernel);
        let (weight, bias) = drawn(&shape, shape[1..].iter().product(), out_channels, bias, generator);
        Ok(Conv { weight, bias, options, uneven, mode })
    }
}

/// Sides that are all at least 1.
pub(super) fn check<const D: usize>(
    name: &str,
    kernel: [usize; D],
    stride: [usize; D],
    dilation: [usize; D],
) -> Result<()> {
    if kernel.contains(&0) || stride.contains(&0) || dilation.contains(&0) {
        return Err(Error::value(
            name,
            format!("kernel {kernel:?}, stride {stride:?} and dilation {dilation:?} must all be at least 1"),
        ));
    }
    Ok(())
}

/// Groups that divide the channels of both sides.
pub(super) fn check_groups(name: &str, groups: usize, inputs: usize, outputs: usize) -> Result<()> {
    if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
        return Err(Error::value(
            name,
            format!("groups = {groups} must divide the {inputs} input and {outputs} output channels"),
        ));
    }
    Ok(())
}

/// A weight, and perhaps a bias, uniform on ±1/√fan_in.
pub(super) fn drawn<T: Float>(
    shape: &[usize],
    fan_in: usize,
    outputs: usize,
    bias: bool,
    generator: &mut Generator,
) -> (Tensor<T>, Option<Tensor<T>>) {
    let bound = bound(fan_in);
    let weight = init::uniform(shape, -bound, bound, generator).requires_grad();
    let bias = bias.then(|| init::uniform(&[outputs], -bound, bound, generator).requires_grad());
    (weight, bias)
}

impl<T: Float> Module<T> for Conv1d<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let y = batched::<1, T>(x, |x| {
            let (x, options) = self.padded(x)?;
            x.conv1d(&self.weight, self.bias.as_ref(), options)
        });
        observe_as(self, Self::NAME, y)
    }
}

impl<T: Float> Module<T> for Conv2d<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let y = batched::<2, T>(x, |x| {
            let (x, options) = self.padded(x)?;
            x.conv2d(&self.weight, self.bias.as_ref(), options)
        });
        observe_as(self, Self::NAME, y)
    }
}
