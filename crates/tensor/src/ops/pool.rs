//! Pooling over two dimensions.

use barehand_kernels::Buffer;
use barehand_kernels::pool2d::Pool2dShape;

use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::tensor::Tensor;

/// Which windows max-pooling looks at; PyTorch's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2dOptions {
    /// Height and width of a window.
    pub kernel: [usize; 2],
    /// Steps between windows; PyTorch's default is the kernel.
    pub stride: [usize; 2],
    /// Negative infinity on every side, at most half a window.
    pub padding: [usize; 2],
    /// Steps between a window's own elements.
    pub dilation: [usize; 2],
    /// Whether a last window may hang over the edge.
    pub ceil_mode: bool,
}

impl MaxPool2dOptions {
    /// Windows of `kernel`, side by side.
    pub fn new(kernel: [usize; 2]) -> Self {
        MaxPool2dOptions { kernel, stride: kernel, padding: [0, 0], dilation: [1, 1], ceil_mode: false }
    }

    /// The windows over images of a size.
    pub(super) fn over(self, [batch, channels, h, w]: [usize; 4]) -> Pool2dShape {
        let MaxPool2dOptions { kernel, stride, padding, dilation, ceil_mode } = self;
        Pool2dShape { batch, channels, input: [h, w], kernel, stride, padding, dilation, ceil_mode }
    }
}

/// Which windows average-pooling looks at; PyTorch's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2dOptions {
    /// Height and width of a window.
    pub kernel: [usize; 2],
    /// Steps between windows; PyTorch's default is the kernel.
    pub stride: [usize; 2],
    /// Zeros on every side, at most half a window.
    pub padding: [usize; 2],
    /// Whether a last window may hang over the edge.
    pub ceil_mode: bool,
    /// Whether padding counts as elements of the mean. Default true.
    pub count_include_pad: bool,
    /// Divides by this instead of by the number of elements.
    pub divisor_override: Option<usize>,
}

impl AvgPool2dOptions {
    /// Windows of `kernel`, side by side.
    pub fn new(kernel: [usize; 2]) -> Self {
        AvgPool2dOptions {
            kernel,
            stride: kernel,
            padding: [0, 0],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

fn image_shape(operation: &str, shape: &[usize]) -> Result<[usize; 4]> {
    <[usize; 4]>::try_from(shape)
        .map_err(|_| Error::shape(operation, format!("input of shape {shape:?} must be (N, C, H, W)")))
}

pub(super) fn pooled(operation: &str, s: &Pool2dShape) -> Result<[usize; 4]> {
    match s.output() {
        Some([h, w]) => Ok([s.batch, s.channels, h, w]),
        None => Err(Error::shape(
            operation,
            format!(
                "windows of {:?} with stride {:?}, padding {:?} and dilation {:?} do not fit an image of {:?}; padding may be \
                 at most half a window",
                s.kernel, s.stride, s.padding, s.dilation, s.input
            ),
        )),
    }
}

struct MaxPool2d {
    shape: Pool2dShape,
    output: [usize; 4],
}

impl<T: Float> Operator<T> for MaxPool2d {
    /// Which element each window chose.
    type Saved = Buffer<u32>;

    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Buffer<u32>)> {
        let count = self.output.iter().product();
        let (mut out, mut chosen) = (Buffer::scratch(count), Buffer::scratch(count));
        T::max_pool2d(&self.shape, inputs[0].packed().packed_slice(), &mut out, &mut chosen);
        Ok((Tensor::from_buffer(out, &self.output), chosen))
    }

    fn backward(&self, chosen: &Buffer<u32>, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let Pool2dShape { batch, channels, input: [h, w], .. } = self.shape;
        let mut dx = Buffer::scratch(batch * channels * h * w);
        T::max_pool2d_backward(&self.shape, grad.packed().packed_slice(), chosen, &mut dx);
        Ok(one(Tensor::from_buffer(dx, &[batch, channels, h, w])))
    }
}

struct AvgPool2d {
    shape: Pool2dShape,
    output: [usize; 4],
    count_include_pad: bool,
    divisor: Option<usize>,
}

impl<T: Float> Operator<T> for AvgPool2d {
    type Saved = ();

    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, ())> {
        let mut out = Buffer::scratch(self.output.iter().product());
        let x = inputs[0].packed();
        T::avg_pool2d(&self.shape, x.packed_slice(), self.count_include_pad, self.divisor, &mut out);
        Ok((Tensor::from_buffer(out, &self.output), ()))
    }

    fn backward(&self, (): &(), grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let Pool2dShape { batch, channels, input: [h, w], .. } = self.shape;
        let mut dx = Buffer::scratch(batch * channels * h * w);
        let dy = grad.packed();
        T::avg_pool2d_backward(&self.shape, dy.packed_slice(), self.count_include_pad, self.divisor, &mut dx);
        Ok(one(Tensor::from_buffer(dx, &[batch, channels, h, w])))
    }
}

struct AdaptiveAvgPool2d {
    output: [usize; 2],
}

impl<T: Float> Operator<T> for AdaptiveAvgPool2d {
    type Saved = Dims;

    fn name(&self) -> &'static str {
        "adaptive_avg_pool2d"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        let x = inputs[0].packed();
        let [n, c, h, w] = image_shape("adaptive_avg_pool2d", x.shape())?;
        let shape = [n, c, self.output[0], self.output[1]];
        let mut out = Buffer::scratch(shape.iter().product());
        T::adaptive_avg_pool2d(n * c, [h, w], self.output, x.packed_slice(), &mut out);
        Ok((Tensor::from_buffer(out, &shape), Dims::from_slice(x.shape())))
    }

    fn backward(&self, shape: &Dims, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let mut dx = Buffer::scratch(shape.iter().product());
        let planes = shape[0] * shape[1];
        let dy = grad.packed();
        T::adaptive_avg_pool2d_backward(
            planes,
            [shape[2], shape[3]],
            self.output,
            dy.packed_slice(),
            &mut dx,
        );
        Ok(one(Tensor::from_buffer(dx, shape)))
    }
}

impl<T: Float> Tensor<T> {
    /// The largest element of each window of (N, C, H, W); the first of equals gets the gradient.
    ///
    /// # Errors
    /// When the input is not (N, C, H, W) or no window fits.
    pub fn max_pool2d(&self, options: MaxPool2dOptions) -> Result<Tensor<T>> {
        let shape = options.over(image_shape("max_pool2d", self.shape())?);
        apply(MaxPool2d { shape, output: pooled("max_pool2d", &shape)? }, &[self])
    }

    /// The mean of each window of (N, C, H, W).
    ///
    /// # Errors
    /// When the input is not (N, C, H, W), no window fits, or the divisor is 0.
    pub fn avg_pool2d(&self, options: AvgPool2dOptions) -> Result<Tensor<T>> {
        let [batch, channels, h, w] = image_shape("avg_pool2d", self.shape())?;
        let AvgPool2dOptions { kernel, stride, padding, ceil_mode, count_include_pad, divisor_override } =
            options;
        if divisor_override == Some(0) {
            return Err(Error::value("avg_pool2d", "divisor_override must not be 0"));
        }
        let dilation = [1, 1];
        let shape =
            Pool2dShape { batch, channels, input: [h, w], kernel, stride, padding, dilation, ceil_mode };
        let output = pooled("avg_pool2d", &shape)?;
        apply(AvgPool2d { shape, output, count_include_pad, divisor: divisor_override }, &[self])
    }

    /// The means of `output` windows of nearly equal size that together cover the image.
    ///
    /// # Errors
    /// When the input is not (N, C, H, W), or the output or the image is empty.
    pub fn adaptive_avg_pool2d(&self, output: [usize; 2]) -> Result<Tensor<T>> {
        let [_, _, h, w] = image_shape("adaptive_avg_pool2d", self.shape())?;
        if h == 0 || w == 0 || output.contains(&0) {
            return Err(Error::shape(
                "adaptive_avg_pool2d",
                format!("an image of {h} x {w} cannot be averaged to {} x {}", output[0], output[1]),
            ));
        }
        apply(AdaptiveAvgPool2d { output }, &[self])
    }
}
