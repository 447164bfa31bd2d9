//! Average-pooling over one and two dimensions.

use barehand_kernels::Buffer;
use barehand_kernels::pool2d::Pool2dShape;

use super::pool::{grid, planes, pooled, with_sides};
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::tensor::Tensor;

/// Which windows average-pooling looks at, over `D` axes; PyTorch's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPoolOptions<const D: usize> {
    /// The sides of a window.
    pub kernel: [usize; D],
    /// Steps between windows; PyTorch's default is the kernel.
    pub stride: [usize; D],
    /// Zeros on every side, at most half a window.
    pub padding: [usize; D],
    /// Whether a last window may hang over the edge.
    pub ceil_mode: bool,
    /// Whether padding counts as elements of the mean. Default true.
    pub count_include_pad: bool,
    /// Divides by this instead of by the number of elements.
    pub divisor_override: Option<usize>,
}

/// Which windows of sequences average-pooling looks at.
pub type AvgPool1dOptions = AvgPoolOptions<1>;

/// Which windows of images average-pooling looks at.
pub type AvgPool2dOptions = AvgPoolOptions<2>;

impl<const D: usize> AvgPoolOptions<D> {
    /// Windows of `kernel`, side by side.
    pub fn new(kernel: [usize; D]) -> Self {
        AvgPoolOptions {
            kernel,
            stride: kernel,
            padding: [0; D],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

struct AvgPool {
    name: &'static str,
    shape: Pool2dShape,
    input: Dims,
    output: Dims,
    count_include_pad: bool,
    divisor: Option<usize>,
}

impl<T: Float> Operator<T> for AvgPool {
    type Saved = ();

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, ())> {
        let mut out = Buffer::scratch(self.output.iter().product());
        let x = inputs[0].packed();
        T::avg_pool2d(&self.shape, x.packed_slice(), self.count_include_pad, self.divisor, &mut out);
        Ok((Tensor::from_buffer(out, &self.output), ()))
    }

    fn backward(&self, (): &(), grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let mut dx = Buffer::scratch(self.input.iter().product());
        let dy = grad.packed();
        T::avg_pool2d_backward(&self.shape, dy.packed_slice(), self.count_include_pad, self.divisor, &mut dx);
        Ok(one(Tensor::from_buffer(dx, &self.input)))
    }
}

impl<T: Float> Tensor<T> {
    /// The mean of each window of (N, C, L).
    ///
    /// # Errors
    /// When the input is not (N, C, L), no window fits, or the divisor is 0.
    pub fn avg_pool1d(&self, options: AvgPool1dOptions) -> Result<Tensor<T>> {
        self.averaged("avg_pool1d", options)
    }

    /// The mean of each window of (N, C, H, W).
    ///
    /// # Errors
    /// When the input is not (N, C, H, W), no window fits, or the divisor is 0.
    pub fn avg_pool2d(&self, options: AvgPool2dOptions) -> Result<Tensor<T>> {
        self.averaged("avg_pool2d", options)
    }

    fn averaged<const D: usize>(&self, name: &'static str, options: AvgPoolOptions<D>) -> Result<Tensor<T>> {
        let (batch, channels, input) = planes::<D>(name, self.shape())?;
        let AvgPoolOptions { kernel, stride, padding, ceil_mode, count_include_pad, divisor_override } =
            options;
        if divisor_override == Some(0) {
            return Err(Error::value(name, "divisor_override must not be 0"));
        }
        let (kernel, stride, padding) = (grid(&kernel, 1), grid(&stride, 1), grid(&padding, 0));
        let dilation = [1, 1];
        let shape = Pool2dShape { batch, channels, input, kernel, stride, padding, dilation, ceil_mode };
        let output = with_sides::<D>(self.shape(), pooled(name, &shape)?);
        let input = Dims::from_slice(self.shape());
        apply(AvgPool { name, shape, input, output, count_include_pad, divisor: divisor_override }, &[self])
    }
}
