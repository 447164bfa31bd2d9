//! Convolution over one and two dimensions.

use barehand_kernels::Buffer;
use barehand_kernels::conv2d::{Conv2dGradients, Conv2dPass, Conv2dShape, output_side};
use barehand_kernels::pool2d::Pool2dShape;

use super::max_pool::MaxPool2dOptions;
use super::pool::{grid, pooled};
use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::tensor::Tensor;

/// Which way the kernel lies on what it moves over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConvKernel {
    /// As stored: what PyTorch and every network call convolution.
    #[default]
    CrossCorrelation,
    /// Reversed along every axis: the convolution of mathematics (`scipy.signal.convolve`).
    Convolution,
}

/// How a kernel moves over `D` axes, the first of two being the vertical one; the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions<const D: usize> {
    /// Steps between places. Default 1.
    pub stride: [usize; D],
    /// Zeros on every side. Default 0.
    pub padding: [usize; D],
    /// Steps between the kernel's own elements. Default 1.
    pub dilation: [usize; D],
    /// Groups of channels that do not see each other. Default 1.
    pub groups: usize,
    /// Which way the kernel lies. Default: as stored.
    pub kernel: ConvKernel,
}

/// How a kernel moves along sequences.
pub type Conv1dOptions = ConvOptions<1>;

/// How a kernel moves over images.
pub type Conv2dOptions = ConvOptions<2>;

impl<const D: usize> Default for ConvOptions<D> {
    fn default() -> Self {
        ConvOptions {
            stride: [1; D],
            padding: [0; D],
            dilation: [1; D],
            groups: 1,
            kernel: ConvKernel::CrossCorrelation,
        }
    }
}

impl<const D: usize> ConvOptions<D> {
    /// The side of the output along `axis` (0 is the first): (input + 2 padding - dilation (kernel - 1) - 1) / stride + 1,
    /// rounded down. `None` where the kernel is larger than the padded input, or a number is 0 that must not be.
    pub fn output(&self, axis: usize, input: usize, kernel: usize) -> Option<usize> {
        output_side(input, kernel, self.stride[axis], self.padding[axis], self.dilation[axis])
    }
}

/// How many zeros before and behind an axis keep its length (PyTorch's `padding="same"`, with stride 1):
/// dilation (kernel - 1) in all, the odd one behind.
pub fn same_padding(kernel: usize, dilation: usize) -> (usize, usize) {
    let total = dilation.saturating_mul(kernel.saturating_sub(1));
    (total / 2, total - total / 2)
}

struct Conv {
    name: &'static str,
    shape: Conv2dShape,
    output: Dims,
    relu: bool,
    pool: Option<Pool2dShape>,
}

/// What the gradients are computed from.
struct Saved<T: Float> {
    x: Tensor<T>,
    w: Tensor<T>,
    /// The output of a ReLU: where it is zero, no gradient passes.
    y: Option<Tensor<T>>,
    /// Which element each window of the max-pooling chose.
    chosen: Buffer<u32>,
}

impl<T: Float> Operator<T> for Conv {
    type Saved = Saved<T>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Saved<T>)> {
        let (x, w) = (inputs[0].packed(), inputs[1].packed());
        let bias = inputs.get(2).map(|b| b.packed());
        let bias = bias.as_ref().map(Tensor::packed_slice);
        let mut out = Buffer::scratch(self.output.iter().product());
        let mut chosen = Buffer::scratch(if self.pool.is_some() { out.len() } else { 0 });
        let (s, x_slice, w_slice) = (&self.shape, x.packed_slice(), w.packed_slice());
        match &self.pool {
            None => T::conv2d(s, x_slice, w_slice, bias, self.relu, &mut out),
            Some(pool) => {
                T::conv2d_max_pool2d(s, pool, x_slice, w_slice, bias, self.relu, &mut out, &mut chosen);
            }
        }
        let out = Tensor::from_buffer(out, &self.output);
        let y = self.relu.then(|| out.clone());
        Ok((out, Saved { x, w, y, chosen }))
    }

    fn backward(&self, saved: &Saved<T>, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let Saved { x, w, y, chosen } = saved;
        let dy = grad.packed();
        let bias_wanted = wants.get(2).copied().unwrap_or(false);
        let mut dx = wants[0].then(|| Buffer::scratch(x.len()));
        let mut dw = wants[1].then(|| Buffer::scratch(w.len()));
        let mut dbias = bias_wanted.then(|| Buffer::scratch(self.shape.out_channels));
        T::conv2d_backward(
            &self.shape,
            Conv2dPass {
                x: x.packed_slice(),
                w: w.packed_slice(),
                relu: y.as_ref().map(Tensor::packed_slice),
                pool: self.pool.as_ref().map(|pool| (pool, &**chosen)),
                dy: dy.packed_slice(),
            },
            Conv2dGradients { dx: dx.as_deref_mut(), dw: dw.as_deref_mut(), dbias: dbias.as_deref_mut() },
        );
        let dx = dx.map(|dx| Tensor::from_buffer(dx, x.shape()));
        let dw = dw.map(|dw| Tensor::from_buffer(dw, w.shape()));
        let dbias = dbias.map(|dbias| Tensor::from_buffer(dbias, &[self.shape.out_channels]));
        Ok([dx, dw, dbias].into_iter().take(wants.len()).collect())
    }
}

impl<T: Float> Tensor<T> {
    /// Convolution of sequences (N, C, L) by (K, C / groups, kernel length), as the libraries have it: the kernel is not
    /// flipped (cross-correlation) unless [`ConvKernel::Convolution`] asks for it. Output (N, K, L') with
    /// L' = (L + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down.
    ///
    /// ```
    /// use barehand_tensor::{Conv1dOptions, ConvKernel, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let x = Tensor::from([[[1.0, 2.0, 4.0, 8.0]]]);
    /// let w = Tensor::from([[[1.0, 10.0]]]);
    /// let options = Conv1dOptions::default();
    /// assert_eq!(x.conv1d(&w, None, options)?.to_vec(), [21.0, 42.0, 84.0]);
    /// let flipped = Conv1dOptions { kernel: ConvKernel::Convolution, ..options };
    /// assert_eq!(x.conv1d(&w, None, flipped)?.to_vec(), [12.0, 24.0, 48.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When shapes do not fit, or the kernel is longer than the padded sequence.
    pub fn conv1d(
        &self,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: Conv1dOptions,
    ) -> Result<Tensor<T>> {
        self.convolved("conv1d", weight, bias, options, false, None)
    }

    /// Convolution of (N, C, H, W) by (K, C / groups, kernel height, kernel width), as the libraries have it: the kernel
    /// is not flipped (cross-correlation) unless [`ConvKernel::Convolution`] asks for it. Output (N, K, H', W') with
    /// H' = (H + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down.
    ///
    /// # Errors
    /// When shapes do not fit, or the kernel is larger than the padded image.
    pub fn conv2d(
        &self,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: Conv2dOptions,
    ) -> Result<Tensor<T>> {
        self.convolved("conv2d", weight, bias, options, false, None)
    }

    /// [`conv2d`](Tensor::conv2d) and [`relu`](Tensor::relu) in one: max(x ∗ w + b, 0). The ReLU costs nothing: outputs are
    /// cut off before they are written, and gradients where the backward pass reads them anyway.
    ///
    /// ```
    /// use barehand_tensor::{Conv2dOptions, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let x = Tensor::from([1.0_f32, -2.0, 3.0, -4.0]).reshape(&[1, 1, 2, 2])?;
    /// let w = Tensor::from([2.0_f32]).reshape(&[1, 1, 1, 1])?;
    /// let y = x.conv2d_relu(&w, None, Conv2dOptions::default())?;
    /// assert_eq!(y.to_vec(), [2.0, 0.0, 6.0, 0.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`conv2d`](Tensor::conv2d).
    pub fn conv2d_relu(
        &self,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: Conv2dOptions,
    ) -> Result<Tensor<T>> {
        self.convolved("conv2d_relu", weight, bias, options, true, None)
    }

    /// [`conv2d`](Tensor::conv2d), [`relu`](Tensor::relu) and [`max_pool2d`](Tensor::max_pool2d) in one: an image is pooled
    /// while its convolution is in the cache, which is not kept, so a network's largest array never comes to be.
    ///
    /// ```
    /// use barehand_tensor::{Conv2dOptions, MaxPool2dOptions, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let x = Tensor::from([1.0_f32, -2.0, 3.0, -4.0]).reshape(&[1, 1, 2, 2])?;
    /// let w = Tensor::from([2.0_f32]).reshape(&[1, 1, 1, 1])?;
    /// let pool = MaxPool2dOptions::new([2, 2]);
    /// let y = x.conv2d_relu_max_pool2d(&w, None, Conv2dOptions::default(), pool)?;
    /// assert_eq!((y.shape(), y.to_vec()), (&[1, 1, 1, 1][..], vec![6.0]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`conv2d`](Tensor::conv2d) and of [`max_pool2d`](Tensor::max_pool2d).
    pub fn conv2d_relu_max_pool2d(
        &self,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: Conv2dOptions,
        pool: MaxPool2dOptions,
    ) -> Result<Tensor<T>> {
        self.convolved("conv2d_relu_max_pool2d", weight, bias, options, true, Some(pool))
    }

    fn convolved<const D: usize>(
        &self,
        name: &'static str,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: ConvOptions<D>,
        relu: bool,
        pool: Option<MaxPool2dOptions>,
    ) -> Result<Tensor<T>> {
        let ConvOptions { stride, padding, dilation, groups, kernel } = options;
        check_ranks::<D, T>(name, self, weight, "(K, C / groups, kernel)")?;
        let (batch, in_channels, out_channels) = (self.shape()[0], self.shape()[1], weight.shape()[0]);
        check_groups(name, groups, [in_channels, out_channels])?;
        if weight.shape()[1] != in_channels / groups {
            return Err(Error::shape(
                name,
                format!(
                    "input of shape {:?} for a weight of shape {:?} in {groups} group(s): the weight's second axis must be {}",
                    self.shape(),
                    weight.shape(),
                    in_channels / groups
                ),
            ));
        }
        check_bias(name, bias, out_channels)?;
        let shape = Conv2dShape {
            batch,
            in_channels,
            out_channels,
            input: grid(&self.shape()[2..], 1),
            kernel: grid(&weight.shape()[2..], 1),
            stride: grid(&stride, 1),
            padding: grid(&padding, 0),
            dilation: grid(&dilation, 1),
            groups,
        };
        let Some(sides) = shape.output() else {
            return Err(Error::shape(
                name,
                format!(
                    "a kernel of {:?} with dilation {dilation:?} and stride {stride:?} does not fit an input of {:?} with \
                     padding {padding:?}",
                    &weight.shape()[2..],
                    &self.shape()[2..]
                ),
            ));
        };
        check_addressable::<T>(name, &shape)?;
        let pool = pool.map(|pool| pool.over(batch, out_channels, sides));
        let sides = pool.map_or(Ok(sides), |pool| pooled(name, &pool))?;
        let mut output = Dims::from_slice(&[batch, out_channels]);
        output.extend_from_slice(&sides[2 - D..]);
        let operator = Conv { name, shape, output, relu, pool };
        let flipped = match kernel {
            ConvKernel::CrossCorrelation => None,
            ConvKernel::Convolution => {
                Some((2..2 + D as isize).try_fold(weight.clone(), |weight, axis| weight.flip(axis))?)
            }
        };
        let weight = flipped.as_ref().unwrap_or(weight);
        match bias {
            Some(bias) => apply(operator, &[self, weight, bias]),
            None => apply(operator, &[self, weight]),
        }
    }
}

/// Refuses sizes that no memory has.
pub(super) fn check_addressable<T: Float>(name: &str, shape: &Conv2dShape) -> Result<()> {
    if shape.is_addressable(size_of::<T>().max(size_of::<f64>())) {
        return Ok(());
    }
    let Conv2dShape { input, kernel, stride, padding, .. } = shape;
    Err(Error::shape(
        name,
        format!(
            "images of {input:?}, a kernel of {kernel:?}, stride {stride:?} and padding {padding:?} make more elements than \
             memory can address"
        ),
    ))
}

/// An input of `D` spatial axes, and a weight that has as many.
pub(super) fn check_ranks<const D: usize, T: Float>(
    name: &str,
    input: &Tensor<T>,
    weight: &Tensor<T>,
    weight_axes: &str,
) -> Result<()> {
    if input.rank() == D + 2 && weight.rank() == D + 2 {
        return Ok(());
    }
    let axes = if D == 1 { "(N, C, L)" } else { "(N, C, H, W)" };
    Err(Error::shape(
        name,
        format!(
            "input of shape {:?} and weight of shape {:?} must be {axes} and {weight_axes}, where the kernel has {D} \
             axis or axes",
            input.shape(),
            weight.shape()
        ),
    ))
}

/// Groups that divide the channels of both sides.
pub(super) fn check_groups(name: &str, groups: usize, [inputs, outputs]: [usize; 2]) -> Result<()> {
    if groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups) {
        return Ok(());
    }
    Err(Error::value(
        name,
        format!("groups = {groups} must divide the {inputs} input and {outputs} output channels"),
    ))
}

/// A bias for each output channel.
pub(super) fn check_bias<T: Float>(name: &str, bias: Option<&Tensor<T>>, channels: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.shape() != [channels] => {
            Err(Error::shape(name, format!("the bias has shape {:?}, not [{channels}]", bias.shape())))
        }
        _ => Ok(()),
    }
}
