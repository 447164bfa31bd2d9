//! Transposed convolution over one and two dimensions.

use barehand_kernels::Buffer;
use barehand_kernels::conv2d::{Conv2dGradients, Conv2dPass, Conv2dShape};

use super::conv::{check_addressable, check_bias, check_groups, check_ranks};
use super::pool::grid;
use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::tensor::Tensor;

/// How the kernel of a transposed convolution moves over `D` axes; the defaults are PyTorch's. Stride, padding and dilation
/// are those of the convolution that is transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTransposeOptions<const D: usize> {
    /// Steps between the places of the output where neighbours of the input are put. Default 1.
    pub stride: [usize; D],
    /// Rows and columns cut off every side of the output. Default 0.
    pub padding: [usize; D],
    /// How much longer the output is at its end: of the lengths that the convolution takes to the input's, which one.
    /// Less than the stride or the dilation. Default 0.
    pub output_padding: [usize; D],
    /// Steps between the kernel's own elements. Default 1.
    pub dilation: [usize; D],
    /// Groups of channels that do not see each other. Default 1.
    pub groups: usize,
}

/// How the kernel of a transposed convolution moves along sequences.
pub type ConvTranspose1dOptions = ConvTransposeOptions<1>;

/// How the kernel of a transposed convolution moves over images.
pub type ConvTranspose2dOptions = ConvTransposeOptions<2>;

impl<const D: usize> Default for ConvTransposeOptions<D> {
    fn default() -> Self {
        ConvTransposeOptions {
            stride: [1; D],
            padding: [0; D],
            output_padding: [0; D],
            dilation: [1; D],
            groups: 1,
        }
    }
}

impl<const D: usize> ConvTransposeOptions<D> {
    /// The side of the output along `axis`: (input - 1) stride - 2 padding + dilation (kernel - 1) + output padding + 1.
    /// `None` where that is not positive, or input, kernel, stride or dilation is 0.
    pub fn output(&self, axis: usize, input: usize, kernel: usize) -> Option<usize> {
        let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
        if kernel == 0 || stride == 0 || dilation == 0 {
            return None;
        }
        let reached = input.checked_sub(1)?.checked_mul(stride)?;
        let reached = reached.checked_add(dilation.checked_mul(kernel - 1)?)?.checked_add(1)?;
        let side = reached
            .checked_add(self.output_padding[axis])?
            .checked_sub(self.padding[axis].checked_mul(2)?)?;
        (side > 0).then_some(side)
    }

    /// The same with the output padding that makes inputs of `input` become outputs of `size` (PyTorch's `output_size`).
    ///
    /// # Errors
    /// When no output padding below the stride does.
    pub fn to_size(mut self, input: [usize; D], kernel: [usize; D], size: [usize; D]) -> Result<Self> {
        self.output_padding = [0; D];
        let plain = self;
        for axis in 0..D {
            // Without padding, so that nothing is below zero.
            let bare = ConvTransposeOptions { padding: [0; D], ..plain };
            let least = bare.output(axis, input[axis], kernel[axis]);
            let more = least.and_then(|least| {
                size[axis].checked_add(self.padding[axis].checked_mul(2)?)?.checked_sub(least)
            });
            match more {
                Some(more) if more < self.stride[axis] => self.output_padding[axis] = more,
                _ => {
                    return Err(Error::value(
                        "conv_transpose",
                        format!(
                            "an input of {input:?} under a kernel of {kernel:?} cannot become {size:?} with stride {:?}, \
                             padding {:?} and dilation {:?}",
                            self.stride, self.padding, self.dilation
                        ),
                    ));
                }
            }
        }
        Ok(self)
    }
}

struct ConvTranspose {
    name: &'static str,
    /// The convolution whose transpose this is: its images are the output.
    shape: Conv2dShape,
    output: Dims,
}

impl<T: Float> Operator<T> for ConvTranspose {
    /// The input and the weight.
    type Saved = [Tensor<T>; 2];

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, [Tensor<T>; 2])> {
        let (x, w) = (inputs[0].packed(), inputs[1].packed());
        let bias = inputs.get(2).map(|b| b.packed());
        let bias = bias.as_ref().map(Tensor::packed_slice);
        let mut out = Buffer::scratch(self.output.iter().product());
        T::conv_transpose2d(&self.shape, x.packed_slice(), w.packed_slice(), bias, &mut out);
        Ok((Tensor::from_buffer(out, &self.output), [x, w]))
    }

    fn backward(
        &self,
        [x, w]: &[Tensor<T>; 2],
        grad: &Tensor<T>,
        wants: &[bool],
    ) -> Result<InputGradients<T>> {
        let dy = grad.packed();
        let mut dx = wants[0].then(|| Buffer::scratch(x.len()));
        let mut dw = wants[1].then(|| Buffer::scratch(w.len()));
        if let Some(dx) = &mut dx {
            // The transpose of the transpose.
            T::conv2d(&self.shape, dy.packed_slice(), w.packed_slice(), None, false, dx);
        }
        if let Some(dw) = &mut dw {
            let (x, w, dy) = (dy.packed_slice(), w.packed_slice(), x.packed_slice());
            let pass = Conv2dPass { x, w, relu: None, pool: None, dy };
            T::conv2d_backward(&self.shape, pass, Conv2dGradients { dx: None, dw: Some(dw), dbias: None });
        }
        let mut gradients = InputGradients::new();
        gradients.push(dx.map(|dx| Tensor::from_buffer(dx, x.shape())));
        gradients.push(dw.map(|dw| Tensor::from_buffer(dw, w.shape())));
        if let Some(&wanted) = wants.get(2) {
            let axes: Vec<isize> = (0..grad.rank() as isize).filter(|&axis| axis != 1).collect();
            gradients.push(if wanted { Some(dy.sum_dim(&axes[..], false)?) } else { None });
        }
        Ok(gradients)
    }
}

impl<T: Float> Tensor<T> {
    /// The transpose of [`conv1d`](Tensor::conv1d), which makes sequences longer: (N, C, L) by (C, K / groups, kernel
    /// length) to (N, K, L') with L' = (L - 1) stride - 2 padding + dilation (kernel - 1) + output padding + 1
    /// (`torch.nn.functional.conv_transpose1d`).
    ///
    /// ```
    /// use barehand_tensor::{ConvTranspose1dOptions, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let (x, w) = (Tensor::from([[[1.0, 2.0]]]), Tensor::from([[[1.0, 10.0, 100.0]]]));
    /// let options = ConvTranspose1dOptions { stride: [2], ..Default::default() };
    /// assert_eq!(x.conv_transpose1d(&w, None, options)?.to_vec(), [1.0, 10.0, 102.0, 20.0, 200.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When shapes do not fit, no output is left, or the output padding is not below the stride or the dilation.
    pub fn conv_transpose1d(
        &self,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: ConvTranspose1dOptions,
    ) -> Result<Tensor<T>> {
        self.conv_transposed("conv_transpose1d", weight, bias, options)
    }

    /// The transpose of [`conv2d`](Tensor::conv2d), which makes images larger: (N, C, H, W) by (C, K / groups, kernel
    /// height, kernel width) to (N, K, H', W') with H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + output
    /// padding + 1 (`torch.nn.functional.conv_transpose2d`).
    ///
    /// # Errors
    /// When shapes do not fit, no output is left, or the output padding is not below the stride or the dilation.
    pub fn conv_transpose2d(
        &self,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: ConvTranspose2dOptions,
    ) -> Result<Tensor<T>> {
        self.conv_transposed("conv_transpose2d", weight, bias, options)
    }

    fn conv_transposed<const D: usize>(
        &self,
        name: &'static str,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: ConvTransposeOptions<D>,
    ) -> Result<Tensor<T>> {
        let ConvTransposeOptions { stride, padding, output_padding, dilation, groups } = options;
        check_ranks::<D, T>(name, self, weight, "(C, K / groups, kernel)")?;
        let (batch, in_channels, per_group) = (self.shape()[0], self.shape()[1], weight.shape()[1]);
        let Some(out_channels) = per_group.checked_mul(groups) else {
            return Err(Error::value(
                name,
                format!("groups = {groups} of {per_group} channels are too many"),
            ));
        };
        check_groups(name, groups, [in_channels, out_channels])?;
        if weight.shape()[0] != in_channels {
            return Err(Error::shape(
                name,
                format!(
                    "input of shape {:?} for a weight of shape {:?}: the weight's first axis must be {in_channels}",
                    self.shape(),
                    weight.shape()
                ),
            ));
        }
        check_bias(name, bias, out_channels)?;
        if (0..D).any(|axis| output_padding[axis] >= stride[axis].max(dilation[axis])) {
            return Err(Error::value(
                name,
                format!(
                    "output padding {output_padding:?} must be below the stride {stride:?} or the dilation {dilation:?}"
                ),
            ));
        }
        let mut output = Dims::from_slice(&[batch, out_channels]);
        for axis in 0..D {
            let Some(side) = options.output(axis, self.shape()[2 + axis], weight.shape()[2 + axis]) else {
                return Err(Error::shape(
                    name,
                    format!(
                        "nothing is left of an input of {:?} under a kernel of {:?} with stride {stride:?}, padding \
                         {padding:?} and dilation {dilation:?}",
                        &self.shape()[2..],
                        &weight.shape()[2..]
                    ),
                ));
            };
            output.push(side);
        }
        let shape = Conv2dShape {
            batch,
            in_channels: out_channels,
            out_channels: in_channels,
            input: grid(&output[2..], 1),
            kernel: grid(&weight.shape()[2..], 1),
            stride: grid(&stride, 1),
            padding: grid(&padding, 0),
            dilation: grid(&dilation, 1),
            groups,
        };
        check_addressable::<T>(name, &shape)?;
        // Output padding of a whole stride, which only dilation allows: there the convolution has more places than the
        // input, and at those the input is zero.
        let more: Vec<usize> = (0..D).map(|axis| output_padding[axis] / stride[axis]).collect();
        let longer = if more.iter().all(|&more| more == 0) {
            None
        } else {
            let behind = [0, 0].into_iter().chain(more).map(|more| (0, more));
            Some(self.pad(&behind.collect::<Vec<_>>(), T::ZERO)?)
        };
        let input = longer.as_ref().unwrap_or(self);
        let operator = ConvTranspose { name, shape, output };
        match bias {
            Some(bias) => apply(operator, &[input, weight, bias]),
            None => apply(operator, &[input, weight]),
        }
    }
}
