//! Max-pooling over one and two dimensions.

use barehand_kernels::Buffer;
use barehand_kernels::pool2d::{NO_INDEX, Pool2dShape};

use super::pool::{grid, planes, pooled, with_sides};
use crate::autograd::operator::{InputGradients, Operator, apply, one, record};
use crate::element::Float;
use crate::error::Result;
use crate::layout::Dims;
use crate::tensor::Tensor;

/// Which windows max-pooling looks at, over `D` axes; PyTorch's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPoolOptions<const D: usize> {
    /// The sides of a window.
    pub kernel: [usize; D],
    /// Steps between windows; PyTorch's default is the kernel.
    pub stride: [usize; D],
    /// Negative infinity on every side, at most half a window.
    pub padding: [usize; D],
    /// Steps between a window's own elements.
    pub dilation: [usize; D],
    /// Whether a last window may hang over the edge.
    pub ceil_mode: bool,
}

/// Which windows of sequences max-pooling looks at.
pub type MaxPool1dOptions = MaxPoolOptions<1>;

/// Which windows of images max-pooling looks at.
pub type MaxPool2dOptions = MaxPoolOptions<2>;

impl<const D: usize> MaxPoolOptions<D> {
    /// Windows of `kernel`, side by side.
    pub fn new(kernel: [usize; D]) -> Self {
        MaxPoolOptions { kernel, stride: kernel, padding: [0; D], dilation: [1; D], ceil_mode: false }
    }

    /// The windows over images of a size.
    pub(super) fn over(self, batch: usize, channels: usize, input: [usize; 2]) -> Pool2dShape {
        let (kernel, stride) = (grid(&self.kernel, 1), grid(&self.stride, 1));
        let (padding, dilation) = (grid(&self.padding, 0), grid(&self.dilation, 1));
        Pool2dShape { batch, channels, input, kernel, stride, padding, dilation, ceil_mode: self.ceil_mode }
    }
}

/// What is looked at.
pub(super) enum Windows {
    /// Windows of one size.
    Sliding(Pool2dShape),
    /// As many as the output has places, which share an image of these sides out.
    Shares([usize; 2]),
}

pub(super) struct MaxPool {
    pub name: &'static str,
    pub windows: Windows,
    pub input: Dims,
    pub output: Dims,
}

impl<T: Float> Operator<T> for MaxPool {
    /// Which element each window chose.
    type Saved = Buffer<u32>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Buffer<u32>)> {
        let count = self.output.iter().product();
        let (mut out, mut chosen) = (Buffer::scratch(count), Buffer::scratch(count));
        let x = inputs[0].packed();
        match &self.windows {
            Windows::Sliding(shape) => T::max_pool2d(shape, x.packed_slice(), &mut out, &mut chosen),
            &Windows::Shares(input) => {
                let (planes, output) = (self.planes(), grid(&self.output[2..], 1));
                T::adaptive_max_pool2d(planes, input, output, x.packed_slice(), &mut out, &mut chosen);
            }
        }
        Ok((Tensor::from_buffer(out, &self.output), chosen))
    }

    fn backward(&self, chosen: &Buffer<u32>, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let mut dx = Buffer::scratch(self.input.iter().product());
        T::max_pool2d_backward(self.planes(), grad.packed().packed_slice(), chosen, &mut dx);
        Ok(one(Tensor::from_buffer(dx, &self.input)))
    }
}

impl MaxPool {
    fn planes(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// The pooling of `x`, and where in its plane each window's choice stands.
    pub(super) fn with_indices<T: Float>(self, x: &Tensor<T>) -> Result<(Tensor<T>, Tensor<i64>)> {
        let (y, chosen) = self.forward(&[x])?;
        let place = |&index: &u32| if index == NO_INDEX { -1 } else { i64::from(index) };
        let indices = Tensor::from_buffer(chosen.iter().map(place).collect(), y.shape());
        Ok((record(y, self, chosen, &[x]), indices))
    }
}

impl<T: Float> Tensor<T> {
    /// The largest element of each window of (N, C, L); the first of equals gets the gradient.
    ///
    /// # Errors
    /// When the input is not (N, C, L) or no window fits.
    pub fn max_pool1d(&self, options: MaxPool1dOptions) -> Result<Tensor<T>> {
        apply(self.max_pooling("max_pool1d", options)?, &[self])
    }

    /// The largest element of each window of (N, C, H, W); the first of equals gets the gradient.
    ///
    /// # Errors
    /// When the input is not (N, C, H, W) or no window fits.
    pub fn max_pool2d(&self, options: MaxPool2dOptions) -> Result<Tensor<T>> {
        apply(self.max_pooling("max_pool2d", options)?, &[self])
    }

    /// [`max_pool1d`](Tensor::max_pool1d), and where in its sequence each element was (PyTorch's `return_indices`).
    ///
    /// # Errors
    /// Those of [`max_pool1d`](Tensor::max_pool1d).
    pub fn max_pool1d_with_indices(&self, options: MaxPool1dOptions) -> Result<(Tensor<T>, Tensor<i64>)> {
        self.max_pooling("max_pool1d", options)?.with_indices(self)
    }

    /// [`max_pool2d`](Tensor::max_pool2d), and where in its plane each element was: row times width plus column
    /// (PyTorch's `return_indices`). It is -1 where a window holds nothing but padding.
    ///
    /// ```
    /// use barehand_tensor::{MaxPool2dOptions, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let x = Tensor::from([[[1.0, 4.0, 0.0], [2.0, 3.0, 9.0]]]).unsqueeze(0)?;
    /// let (y, indices) = x.max_pool2d_with_indices(MaxPool2dOptions { stride: [1, 1], ..MaxPool2dOptions::new([2, 2]) })?;
    /// assert_eq!((y.to_vec(), indices.to_vec()), (vec![4.0, 9.0], vec![1, 5]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`max_pool2d`](Tensor::max_pool2d).
    pub fn max_pool2d_with_indices(&self, options: MaxPool2dOptions) -> Result<(Tensor<T>, Tensor<i64>)> {
        self.max_pooling("max_pool2d", options)?.with_indices(self)
    }

    fn max_pooling<const D: usize>(&self, name: &'static str, options: MaxPoolOptions<D>) -> Result<MaxPool> {
        let (batch, channels, sides) = planes::<D>(name, self.shape())?;
        let shape = options.over(batch, channels, sides);
        let output = with_sides::<D>(self.shape(), pooled(name, &shape)?);
        Ok(MaxPool { name, windows: Windows::Sliding(shape), input: Dims::from_slice(self.shape()), output })
    }
}
