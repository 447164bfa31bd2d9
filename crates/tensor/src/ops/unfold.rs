//! Windows of images as columns, and columns added up to images.

use barehand_kernels::Buffer;
use barehand_kernels::conv2d::Conv2dShape;

use super::conv::Conv2dOptions;
use super::pool::{check_addressable, planes};
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The one or, with `fold`, its transpose.
struct Unfold {
    fold: bool,
    shape: Conv2dShape,
}

impl Unfold {
    fn images(&self) -> [usize; 4] {
        let [height, width] = self.shape.input;
        [self.shape.batch, self.shape.in_channels, height, width]
    }

    fn columns(&self) -> [usize; 3] {
        let Conv2dShape { batch, in_channels, kernel, .. } = self.shape;
        let places = self.shape.output().map_or(0, |output| output[0] * output[1]);
        [batch, in_channels * kernel[0] * kernel[1], places]
    }

    fn run<T: Float>(&self, x: &Tensor<T>, fold: bool) -> Tensor<T> {
        let x = x.packed();
        if fold {
            let mut out = Buffer::scratch(self.images().iter().product());
            T::col2im(&self.shape, x.packed_slice(), &mut out);
            Tensor::from_buffer(out, &self.images())
        } else {
            let mut out = Buffer::scratch(self.columns().iter().product());
            T::im2col(&self.shape, x.packed_slice(), &mut out);
            Tensor::from_buffer(out, &self.columns())
        }
    }
}

impl<T: Float> Operator<T> for Unfold {
    type Saved = ();

    fn name(&self) -> &'static str {
        if self.fold { "fold" } else { "unfold" }
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, ())> {
        Ok((self.run(inputs[0], self.fold), ()))
    }

    fn backward(&self, (): &(), grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        Ok(one(self.run(grad, !self.fold)))
    }
}

impl<T: Float> Tensor<T> {
    /// Every window of (N, C, H, W) that a kernel would see as a column: (N, C kernel height kernel width, places), zeros
    /// where it leaves the image (`im2col`; `torch.nn.functional.unfold`). A convolution is a matrix of weights times
    /// these; [`conv2d`](Tensor::conv2d) does without the copy. Groups do not count.
    ///
    /// ```
    /// use barehand_tensor::{Conv2dOptions, Tensor};
    ///
    /// let x = Tensor::from([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]).unsqueeze(0).unwrap();
    /// let columns = x.unfold2d([2, 2], Conv2dOptions::default()).unwrap();
    /// assert_eq!(columns, Tensor::from([[[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 6.0]]]));
    /// ```
    ///
    /// # Errors
    /// When the input is not (N, C, H, W) or no window fits.
    pub fn unfold2d(&self, kernel: [usize; 2], options: Conv2dOptions) -> Result<Tensor<T>> {
        let (batch, channels, image) = planes::<2>("unfold", self.shape())?;
        let shape = windows("unfold", [batch, channels], image, kernel, options)?;
        apply(Unfold { fold: false, shape }, &[self])
    }

    /// Columns (N, C kernel height kernel width, places) added up to images (N, C, H, W) where their windows lie: the
    /// transpose of [`unfold2d`](Tensor::unfold2d) (`col2im`; `torch.nn.functional.fold`).
    ///
    /// # Errors
    /// When the columns are not those of the windows of such an image.
    pub fn fold2d(&self, image: [usize; 2], kernel: [usize; 2], options: Conv2dOptions) -> Result<Tensor<T>> {
        let &[batch, rows, places] = self.shape() else {
            return Err(Error::shape(
                "fold",
                format!(
                    "input of shape {:?} must be (N, C kernel height kernel width, places)",
                    self.shape()
                ),
            ));
        };
        let taps = kernel[0].saturating_mul(kernel[1]).max(1);
        let shape = windows("fold", [batch, rows / taps], image, kernel, options)?;
        let fold = Unfold { fold: true, shape };
        if fold.columns() != [batch, rows, places] {
            return Err(Error::shape(
                "fold",
                format!(
                    "input of shape {:?} for images of {image:?} and windows of {kernel:?}: (N, a multiple of {taps}, {}) \
                     expected",
                    self.shape(),
                    fold.columns()[2]
                ),
            ));
        }
        apply(fold, &[self])
    }
}

fn windows(
    name: &str,
    [batch, in_channels]: [usize; 2],
    input: [usize; 2],
    kernel: [usize; 2],
    options: Conv2dOptions,
) -> Result<Conv2dShape> {
    let Conv2dOptions { stride, padding, dilation, .. } = options;
    let (out_channels, groups) = (1, 1);
    let shape =
        Conv2dShape { batch, in_channels, out_channels, input, kernel, stride, padding, dilation, groups };
    let Some(places) = shape.output() else {
        return Err(Error::shape(
            name,
            format!(
                "windows of {kernel:?} with dilation {dilation:?} and stride {stride:?} do not fit an image of {input:?} with \
                 padding {padding:?}"
            ),
        ));
    };
    let columns = [0, 1].map(|axis| kernel[axis].saturating_mul(places[axis]));
    check_addressable(name, [batch, in_channels], [input, columns])?;
    Ok(shape)
}
