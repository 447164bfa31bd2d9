//! Convolution over two dimensions.

use barehand_kernels::Buffer;
use barehand_kernels::conv2d::{Conv2dGradients, Conv2dPass, Conv2dShape, output_side};
use barehand_kernels::pool2d::Pool2dShape;

use super::pool::{MaxPool2dOptions, pooled};
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

impl Conv2dOptions {
    /// The side of the output along `axis` (0 is vertical): (image + 2 padding - dilation (kernel - 1) - 1) / stride + 1,
    /// rounded down. `None` where the kernel is larger than the padded image, or a number is 0 that must not be.
    pub fn output(&self, axis: usize, image: usize, kernel: usize) -> Option<usize> {
        output_side(image, kernel, self.stride[axis], self.padding[axis], self.dilation[axis])
    }
}

struct Conv2d {
    shape: Conv2dShape,
    output: [usize; 4],
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

impl<T: Float> Operator<T> for Conv2d {
    type Saved = Saved<T>;

    fn name(&self) -> &'static str {
        match (self.relu, &self.pool) {
            (false, _) => "conv2d",
            (true, None) => "conv2d_relu",
            (true, Some(_)) => "conv2d_relu_max_pool2d",
        }
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

    fn convolved(
        &self,
        name: &'static str,
        weight: &Tensor<T>,
        bias: Option<&Tensor<T>>,
        options: Conv2dOptions,
        relu: bool,
        pool: Option<MaxPool2dOptions>,
    ) -> Result<Tensor<T>> {
        let (&[batch, in_channels, height, width], &[out_channels, per_group, kh, kw]) =
            (self.shape(), weight.shape())
        else {
            return Err(Error::shape(
                name,
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
                name,
                format!(
                    "groups = {groups} must divide the {in_channels} input and {out_channels} output channels"
                ),
            ));
        }
        if per_group != in_channels / groups {
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
        if let Some(bias) = bias
            && bias.shape() != [out_channels]
        {
            return Err(Error::shape(
                name,
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
                name,
                format!(
                    "a kernel of {kh} x {kw} with dilation {dilation:?} and stride {stride:?} does not fit an image of \
                     {height} x {width} with padding {padding:?}"
                ),
            ));
        };
        let output = [batch, out_channels, output[0], output[1]];
        let pool = pool.map(|pool| pool.over(output));
        let output = pool.map_or(Ok(output), |pool| pooled(name, &pool))?;
        let operator = Conv2d { shape, output, relu, pool };
        match bias {
            Some(bias) => apply(operator, &[self, weight, bias]),
            None => apply(operator, &[self, weight]),
        }
    }
}
