//! Transposed convolution over sequences and images.

use barehand_tensor::ConvTransposeOptions;

use super::conv::{check, check_groups, drawn};
use super::images::{Pair, Sides, batched};
use crate::summary::observe_as;
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor};

/// The transpose of a convolution, which makes (N, C, L) longer or (N, C, H, W) larger; or one sample without N
/// (`torch.nn.ConvTranspose1d`, `torch.nn.ConvTranspose2d`).
///
/// L' = (L - 1) stride - 2 padding + dilation (kernel - 1) + output padding + 1. Weight (C, K / groups, kernel) and bias
/// (K) begin uniform on ±1/√fan_in, fan_in = K / groups · elements of the kernel, as PyTorch counts it.
///
/// ```
/// use barehand_nn::{ConvTranspose2d, Generator, Module, Tensor};
///
/// let mut generator = Generator::new(0);
/// let layer: ConvTranspose2d =
///     ConvTranspose2d::builder(32, 3, 4).stride(2).padding(1).build(&mut generator).unwrap();
/// assert_eq!(layer.forward(&Tensor::zeros([8, 32, 14, 14])).unwrap().shape(), [8, 3, 28, 28]);
/// ```
#[derive(Clone, Parameters)]
#[module(named)]
pub struct ConvTranspose<const D: usize, T: Float = f32> {
    /// (C, K / groups, kernel)
    pub weight: Tensor<T>,
    /// (K)
    pub bias: Option<Tensor<T>>,
    /// How the kernel moves.
    #[module(skip)]
    pub options: ConvTransposeOptions<D>,
}

/// Over sequences.
pub type ConvTranspose1d<T = f32> = ConvTranspose<1, T>;

/// Over images.
pub type ConvTranspose2d<T = f32> = ConvTranspose<2, T>;

impl<const D: usize, T: Float> ConvTranspose<D, T> {
    /// PyTorch's name of the layer.
    const NAME: &'static str = if D == 1 { "ConvTranspose1d" } else { "ConvTranspose2d" };

    /// A layer with the default options: stride 1, no padding, with a bias.
    ///
    /// # Errors
    /// When the kernel is 0.
    pub fn new(
        in_channels: usize,
        out_channels: usize,
        kernel: impl Into<Sides<D>>,
        generator: &mut Generator,
    ) -> Result<Self> {
        ConvTransposeBuilder::new(in_channels, out_channels, kernel).build(generator)
    }

    /// The options that make outputs of `size` (PyTorch's `output_size`).
    fn sized(&self, x: &Tensor<T>, size: [usize; D]) -> Result<ConvTransposeOptions<D>> {
        if x.rank() < D {
            return Ok(self.options);
        }
        let sides = |shape: &[usize]| std::array::from_fn(|axis| shape[shape.len() - D + axis]);
        self.options.to_size(sides(x.shape()), sides(self.weight.shape()), size)
    }
}

impl<T: Float> ConvTranspose1d<T> {
    /// The layer with an output of this length: of those that a stride leaves open, the output padding chooses it.
    ///
    /// # Errors
    /// When the input does not fit or cannot become so long.
    pub fn forward_to(&self, x: &Tensor<T>, length: usize) -> Result<Tensor<T>> {
        let options = self.sized(x, [length])?;
        let y = batched::<1, T>(x, |x| x.conv_transpose1d(&self.weight, self.bias.as_ref(), options));
        observe_as(self, Self::NAME, y)
    }
}

impl<T: Float> ConvTranspose2d<T> {
    /// The layer with an output of this height and width: of those that a stride leaves open, the output padding chooses
    /// it.
    ///
    /// ```
    /// use barehand_nn::{ConvTranspose2d, Generator, Tensor};
    ///
    /// let layer: ConvTranspose2d =
    ///     ConvTranspose2d::builder(2, 1, 3).stride(2).padding(1).build(&mut Generator::new(0)).unwrap();
    /// let x = Tensor::zeros([1, 2, 4, 4]);
    /// assert_eq!(layer.forward_to(&x, [8, 7]).unwrap().shape(), [1, 1, 8, 7]);
    /// assert!(layer.forward_to(&x, [9, 7]).is_err());
    /// ```
    ///
    /// # Errors
    /// When the input does not fit or cannot become so large.
    pub fn forward_to(&self, x: &Tensor<T>, size: impl Into<Pair>) -> Result<Tensor<T>> {
        let options = self.sized(x, size.into().0)?;
        let y = batched::<2, T>(x, |x| x.conv_transpose2d(&self.weight, self.bias.as_ref(), options));
        observe_as(self, Self::NAME, y)
    }
}

impl ConvTranspose1d {
    /// A layer to be: set options, then [`build`](ConvTransposeBuilder::build) it.
    pub fn builder(
        in_channels: usize,
        out_channels: usize,
        kernel: impl Into<Sides<1>>,
    ) -> ConvTransposeBuilder<1> {
        ConvTransposeBuilder::new(in_channels, out_channels, kernel)
    }
}

impl ConvTranspose2d {
    /// A layer to be: set options, then [`build`](ConvTransposeBuilder::build) it.
    pub fn builder(
        in_channels: usize,
        out_channels: usize,
        kernel: impl Into<Pair>,
    ) -> ConvTransposeBuilder<2> {
        ConvTransposeBuilder::new(in_channels, out_channels, kernel)
    }
}

/// The options of a [`ConvTranspose1d`] or [`ConvTranspose2d`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ConvTransposeBuilder<const D: usize> {
    in_channels: usize,
    out_channels: usize,
    kernel: [usize; D],
    bias: bool,
    options: ConvTransposeOptions<D>,
}

impl<const D: usize> ConvTransposeBuilder<D> {
    /// The default options: stride 1, no padding, with a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel: impl Into<Sides<D>>) -> Self {
        const { assert!(D == 1 || D == 2, "transposed convolution is known over sequences and images") };
        let (kernel, options) = (kernel.into().0, ConvTransposeOptions::default());
        ConvTransposeBuilder { in_channels, out_channels, kernel, bias: true, options }
    }

    /// Steps between the places where neighbours of the input are put. Default 1.
    pub fn stride(mut self, stride: impl Into<Sides<D>>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// Rows and columns cut off every side of the output. Default 0.
    pub fn padding(mut self, padding: impl Into<Sides<D>>) -> Self {
        self.options.padding = padding.into().0;
        self
    }

    /// How much longer the output is at its end; less than the stride or the dilation. Default 0.
    pub fn output_padding(mut self, more: impl Into<Sides<D>>) -> Self {
        self.options.output_padding = more.into().0;
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

    /// Whether there is a bias. Default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The layer, its weights drawn from `generator`.
    ///
    /// # Errors
    /// When the kernel, the stride or the dilation is 0, the groups do not divide the channels, or the output padding is
    /// not below the stride or the dilation.
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<ConvTranspose<D, T>> {
        let ConvTransposeBuilder { in_channels, out_channels, kernel, bias, options } = self;
        let ConvTransposeOptions { stride, output_padding, dilation, groups, .. } = options;
        let name = ConvTranspose::<D, T>::NAME;
        check(name, kernel, stride, dilation)?;
        check_groups(name, groups, in_channels, out_channels)?;
        if (0..D).any(|axis| output_padding[axis] >= stride[axis].max(dilation[axis])) {
            return Err(Error::value(
                name,
                format!(
                    "output padding {output_padding:?} must be below the stride {stride:?} or the dilation {dilation:?}"
                ),
            ));
        }
        let mut shape = vec![in_channels, out_channels / groups];
        shape.extend(kernel);
        let (weight, bias) = drawn(&shape, shape[1..].iter().product(), out_channels, bias, generator);
        Ok(ConvTranspose { weight, bias, options })
    }
}

impl<T: Float> Module<T> for ConvTranspose1d<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let run = |x: &Tensor<T>| x.conv_transpose1d(&self.weight, self.bias.as_ref(), self.options);
        observe_as(self, Self::NAME, batched::<1, T>(x, run))
    }
}

impl<T: Float> Module<T> for ConvTranspose2d<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let run = |x: &Tensor<T>| x.conv_transpose2d(&self.weight, self.bias.as_ref(), self.options);
        observe_as(self, Self::NAME, batched::<2, T>(x, run))
    }
}
