//! Pooling to an output of a given size: its windows share the input out.

use barehand_kernels::Buffer;

use super::max_pool::{MaxPool, Windows};
use super::pool::{check_addressable, grid, planes, with_sides};
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::tensor::Tensor;

struct AdaptiveAvgPool {
    name: &'static str,
    input: Dims,
    output: Dims,
}

impl AdaptiveAvgPool {
    /// Planes, and the sides before and behind.
    fn sizes(&self) -> (usize, [usize; 2], [usize; 2]) {
        (self.input[0] * self.input[1], grid(&self.input[2..], 1), grid(&self.output[2..], 1))
    }
}

impl<T: Float> Operator<T> for AdaptiveAvgPool {
    type Saved = ();

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, ())> {
        let (planes, input, output) = self.sizes();
        let mut out = Buffer::scratch(self.output.iter().product());
        T::adaptive_avg_pool2d(planes, input, output, inputs[0].packed().packed_slice(), &mut out);
        Ok((Tensor::from_buffer(out, &self.output), ()))
    }

    fn backward(&self, (): &(), grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let (planes, input, output) = self.sizes();
        let mut dx = Buffer::scratch(self.input.iter().product());
        T::adaptive_avg_pool2d_backward(planes, input, output, grad.packed().packed_slice(), &mut dx);
        Ok(one(Tensor::from_buffer(dx, &self.input)))
    }
}

impl<T: Float> Tensor<T> {
    /// The means of `output` windows of nearly equal length that together cover each sequence of (N, C, L).
    ///
    /// # Errors
    /// When the input is not (N, C, L), or the output or the sequence is empty.
    pub fn adaptive_avg_pool1d(&self, output: usize) -> Result<Tensor<T>> {
        self.adaptively_averaged("adaptive_avg_pool1d", [output])
    }

    /// The means of `output` windows of nearly equal size that together cover each image of (N, C, H, W): window `i` of
    /// `n` is floor(i H / n) to ceil((i + 1) H / n).
    ///
    /// # Errors
    /// When the input is not (N, C, H, W), or the output or the image is empty.
    pub fn adaptive_avg_pool2d(&self, output: [usize; 2]) -> Result<Tensor<T>> {
        self.adaptively_averaged("adaptive_avg_pool2d", output)
    }

    /// The largest elements of the windows of [`adaptive_avg_pool1d`](Tensor::adaptive_avg_pool1d), and where in their
    /// sequence they are.
    ///
    /// # Errors
    /// When the input is not (N, C, L), or the output or the sequence is empty.
    pub fn adaptive_max_pool1d(&self, output: usize) -> Result<(Tensor<T>, Tensor<i64>)> {
        self.adaptive_largest("adaptive_max_pool1d", [output])
    }

    /// The largest elements of the windows of [`adaptive_avg_pool2d`](Tensor::adaptive_avg_pool2d), and where in their
    /// plane they are: row times width plus column.
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let x = Tensor::from([[[1.0, 4.0, 0.0], [2.0, 3.0, 9.0]]]).unsqueeze(0).unwrap();
    /// let (y, indices) = x.adaptive_max_pool2d([1, 2]).unwrap();
    /// assert_eq!((y.to_vec(), indices.to_vec()), (vec![4.0, 9.0], vec![1, 5]));
    /// ```
    ///
    /// # Errors
    /// When the input is not (N, C, H, W), or the output or the image is empty.
    pub fn adaptive_max_pool2d(&self, output: [usize; 2]) -> Result<(Tensor<T>, Tensor<i64>)> {
        self.adaptive_largest("adaptive_max_pool2d", output)
    }

    fn adaptively_averaged<const D: usize>(
        &self,
        name: &'static str,
        output: [usize; D],
    ) -> Result<Tensor<T>> {
        check_sides::<D>(name, self.shape(), output)?;
        let output = with_sides::<D>(self.shape(), grid(&output, 1));
        apply(AdaptiveAvgPool { name, input: Dims::from_slice(self.shape()), output }, &[self])
    }

    fn adaptive_largest<const D: usize>(
        &self,
        name: &'static str,
        output: [usize; D],
    ) -> Result<(Tensor<T>, Tensor<i64>)> {
        let windows = Windows::Shares(check_sides::<D>(name, self.shape(), output)?);
        let output = with_sides::<D>(self.shape(), grid(&output, 1));
        MaxPool { name, windows, input: Dims::from_slice(self.shape()), output }.with_indices(self)
    }
}

/// The sides of the input, where it and the output have any elements.
fn check_sides<const D: usize>(name: &str, shape: &[usize], output: [usize; D]) -> Result<[usize; 2]> {
    let (batch, channels, sides) = planes::<D>(name, shape)?;
    if sides.contains(&0) || output.contains(&0) {
        return Err(Error::shape(
            name,
            format!("an input of {:?} cannot be pooled to {output:?}: no side may be 0", &shape[2..]),
        ));
    }
    check_addressable(name, [batch, channels], [sides, grid(&output, 1)])?;
    Ok(sides)
}
