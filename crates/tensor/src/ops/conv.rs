//! Convolution over two dimensions.

use barehand_kernels::Buffer;
use barehand_kernels::conv2d::Conv2dShape;

use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// How a kernel moves over an image; the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dOptions {
    /// Steps between places, vertical and horizontal. Default 1.
    pub stride: [usize; 2],
    /// Zeros on every side. Default 0.
    pub padding: [usize; 2],
    /// Steps between the kernel's own elements. Default 1.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other. Default 1.
    pub groups: usize,
}

impl Default for Conv2dOptions {
    fn default() -> Self {
        Conv2dOptions { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

struct Conv2d {
    shape: Conv2dShape,
    output: [usize; 2],
}

impl<T: Float> Operator<T> for Conv2d {
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (x, w) = (inputs[0].packed(), inputs[1].packed());
        let bias = inputs.get(2).map(|b| b.packed());
        let [height, width] = self.output;
        let shape = [self.shape.batch, self.shape.out_channels, height, width];
        let mut out = Buffer::scratch(shape.iter().product());
        let bias = bias.as_ref().map(Tensor::packed_slice);
        T::conv2d(&self.shape, x.packed_slice(), w.packed_slice(), bias, &mut out);
        Ok((Tensor::from_buffer(out, &shape), (x, w)))
    }

    fn backward(&self, (x, w): &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let grad = grad.packed();
        let dy = grad.packed_slice();
        let dx = wants[0].then(|| {
            let mut dx = Buffer::scratch(x.len());
            T::conv2d_input_grad(&self.shape, w.packed_slice(), dy, &mut dx);
            Tensor::from_buffer(dx, x.shape())
        });
        let bias_wanted = wants.get(2).copied().unwrap_or(false);
        let (mut dw, mut dbias) = (None, None);
        if wants[1] || bias_wanted {
            let mut weight_gradient = Buffer::scratch(w.len());
            let mut bias_gradient = bias_wanted.then(|| Buffer::scratch(self.shape.out_channels));
            let bias_slice = bias_gradient.as_deref_mut();
            T::conv2d_weight_grad(&self.shape, x.packed_slice(), dy, &mut weight_gradient, bias_slice);
            dw = wants[1].then(|| Tensor::from_buffer(weight_gradient, w.shape()));
            dbias = bias_gradient.map(|b| Tensor::from_buffer(b, &[self.shape.out_channels]));
        }
        Ok([dx, dw, dbias].into_iter().take(wants.len()).collect())
    }
}

impl<T: Float> Tensor<T> {
    /// Convolution of (N, C, H, W) by (K, C / groups, kernel height, kernel width), as the libraries have it: the kernel
    /// is not flipped (cross-correlation). Output (N, K, H', W') with H' = (H + 2 padding - dilation (kernel - 1) - 1) /
    /// stride + 1, rounded down.
    ///
    /// # Errors
    /// When shapes do not fit, or the kernel is larger than the padded image.
    pub fn conv2d(
        &self,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: Conv2dOptions,
    ) -> Result<Tensor<T>> {
        let (&[batch, in_channels, height, width], &[out_channels, per_group, kh, kw]) =
            (self.shape(), weight.shape())
        else {
            return Err(Error::shape(
                "conv2d",
                format!(
                    "input of shape {:?} and weight of shape {:?} must be (N, C, H, W) and (K, C / groups, height, width)",
                    self.shape(),
                    weight.shape()
                ),
            ));
        };
        let groups = options.groups;
        if groups == 0 || !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(Error::value(
                "conv2d",
                format!(
                    "groups = {groups} must divide the {in_channels} input and {out_channels} output channels"
                ),
            ));
        }
        if per_group != in_channels / groups {
            return Err(Error::shape(
                "conv2d",
                format!(
                    "input of shape {:?} for a weight of shape {:?} in {groups} group(s): the weight's second axis must be {}",
                    self.shape(),
                    weight.shape(),
                    in_channels / groups
                ),
            ));
        }
        if let Some(bias) = bias
            && bias.shape() != [out_channels]
        {
            return Err(Error::shape(
                "conv2d",
                format!("the bias has shape {:?}, not [{out_channels}]", bias.shape()),
            ));
        }
        let Conv2dOptions { stride, padding, dilation, .. } = options;
        let shape = Conv2dShape {
            batch,
            in_channels,
            out_channels,
            input: [height, width],
            kernel: [kh, kw],
            stride,
            padding,
            dilation,
            groups,
        };
        let Some(output) = shape.output() else {
            return Err(Error::shape(
                "conv2d",
                format!(
                    "a kernel of {kh} x {kw} with dilation {dilation:?} and stride {stride:?} does not fit an image of \
                     {height} x {width} with padding {padding:?}"
                ),
            ));
        };
        let operator = Conv2d { shape, output };
        match bias {
            Some(bias) => apply(operator, &[self, weight, bias]),
            None => apply(operator, &[self, weight]),
        }
    }
}
