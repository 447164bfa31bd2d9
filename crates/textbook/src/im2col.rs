//! Convolution as a matrix product.
//!
//! `im2col` copies every window of an image into one column; the convolution is then W times that matrix, and its
//! backward passes are the backward of a matrix product, followed by `col2im`, which adds each column back to where it
//! was taken from.
//!
//! ```text
//! cols[n] (C kh kw, L)      L = out_h out_w
//! y[n]  = W cols[n]         W (O, C kh kw)
//! dW    = sum_n dy[n] cols[n]^T        dcols[n] = W^T dy[n]        dx = col2im(dcols)
//! ```
//!
//! With groups, each group is such a product of its own rows of cols. PyTorch: `torch.nn.functional.unfold`, `fold`.

use crate::array::Array;
use crate::conv2d::{Conv2d, Conv2dGradients, Kernel, as_batch, like};
use crate::error::Result;
use crate::matmul::matmul;
use crate::trace::Trace;

/// Every window of x (N, C, H, W) as a column: (N, C kh kw, L), zeros where a window leaves the image.
pub fn im2col(x: &Array, kernel: [usize; 2], conv: &Conv2d) -> Result<Array> {
    x.expect_rank("im2col", "x", 4)?;
    let channels = x.shape()[1];
    let sizes = ungrouped(conv).sizes("im2col", x, &Array::zeros(&[1, channels, kernel[0], kernel[1]]))?;
    let padded = conv.pad(x);
    let shape = [sizes.batch, channels * kernel[0] * kernel[1], sizes.out[0] * sizes.out[1]];
    Ok(Array::from_fn(&shape, |index| padded[source(index, kernel, sizes.out[1], conv)]))
}

/// Adds every column back to its window: the transpose of [`im2col`], image sizes (H, W) as in the forward pass.
pub fn col2im(cols: &Array, image: [usize; 2], kernel: [usize; 2], conv: &Conv2d) -> Result<Array> {
    cols.expect_rank("col2im", "cols", 3)?;
    let batch = cols.shape()[0];
    let channels = cols.shape()[1] / (kernel[0] * kernel[1]).max(1);
    let x = Array::zeros(&[batch, channels, image[0], image[1]]);
    let sizes = ungrouped(conv).sizes("col2im", &x, &Array::zeros(&[1, channels, kernel[0], kernel[1]]))?;
    let expected = [batch, channels * kernel[0] * kernel[1], sizes.out[0] * sizes.out[1]];
    cols.expect_shape("col2im", "cols", &expected)?;
    let mut padded = conv.pad(&x);
    for n in 0..expected[0] {
        for row in 0..expected[1] {
            for place in 0..expected[2] {
                padded[source(&[n, row, place], kernel, sizes.out[1], conv)] += cols[[n, row, place]];
            }
        }
    }
    Ok(conv.unpad(&padded, image))
}

impl Conv2d {
    /// The same as [`Conv2d::forward`], by im2col and a matrix product.
    pub fn forward_im2col(
        &self,
        x: &Array,
        weight: &Array,
        bias: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<Array> {
        let sizes = self.sizes("conv2d", x, weight)?;
        trace.section("conv2d by im2col: forward");
        let cols = trace.step("cols", "im2col x", im2col(&as_batch(x)?, sizes.kernel, self)?);
        let grouped = self.split_rows(&cols, 1)?;
        let w = trace.step("W", "w as a matrix for each group", self.weight_matrix(weight)?);
        let y = matmul(&w, &grouped, &mut Trace::silent())?;
        let y = y.reshape(&[sizes.batch, sizes.outputs, sizes.out[0], sizes.out[1]])?;
        let y = trace.step("s", "W cols", like(x, y)?);
        let Some(b) = bias else { return Ok(y) };
        b.expect_shape("conv2d", "bias", &[sizes.outputs])?;
        Ok(trace.step("y", "s + b", y.zip(&b.reshape(&[sizes.outputs, 1, 1])?, |s, b| s + b)?))
    }

    /// The same as [`Conv2d::backward`], by matrix products and col2im.
    pub fn backward_im2col(
        &self,
        x: &Array,
        weight: &Array,
        dy: &Array,
        trace: &mut Trace,
    ) -> Result<Conv2dGradients> {
        let sizes = self.sizes("conv2d_backward", x, weight)?;
        dy.expect_shape("conv2d_backward", "dy", &sizes.output_shape(x))?;
        trace.section("conv2d by im2col: backward");
        let silent = &mut Trace::silent();
        let cols = self.split_rows(&im2col(&as_batch(x)?, sizes.kernel, self)?, 1)?;
        let places = sizes.out[0] * sizes.out[1];
        let flat = dy.reshape(&[sizes.batch, sizes.outputs, places])?;
        let grouped = self.split_rows(&flat, 1)?;
        let dw = matmul(&grouped, &cols.transpose()?, silent)?.sum_along(&[0]);
        let dw = dw.reshape(weight.shape())?;
        let dw = if self.kernel == Kernel::Convolution { flipped(&dw) } else { dw };
        let weight_gradient = trace.step("dw", "sum_n dy cols^T", dw);
        let dcols = matmul(&self.weight_matrix(weight)?.transpose()?, &grouped, silent)?;
        let rows = sizes.channels * sizes.kernel[0] * sizes.kernel[1];
        let dcols = trace.step("dcols", "W^T dy", dcols.reshape(&[sizes.batch, rows, places])?);
        let dx = like(x, col2im(&dcols, sizes.image, sizes.kernel, self)?)?;
        let input = trace.step("dx", "col2im dcols", dx);
        let bias = flat.sum_along(&[0, 2]).reshape(&[sizes.outputs])?;
        let bias = trace.step("db", "sum over images and places of dy", bias);
        Ok(Conv2dGradients { input, weight: weight_gradient, bias })
    }

    /// `axis` as (groups, axis / groups).
    fn split_rows(&self, x: &Array, axis: usize) -> Result<Array> {
        let mut shape = x.shape().to_vec();
        shape[axis] /= self.groups;
        shape.insert(axis, self.groups);
        x.reshape(&shape)
    }

    /// w (O, C / groups, kh, kw) as (groups, O / groups, C / groups kh kw), turned for a true convolution.
    fn weight_matrix(&self, weight: &Array) -> Result<Array> {
        let w = if self.kernel == Kernel::Convolution { flipped(weight) } else { weight.clone() };
        let [o, c, kh, kw] = [w.shape()[0], w.shape()[1], w.shape()[2], w.shape()[3]];
        w.reshape(&[self.groups, o / self.groups, c * kh * kw])
    }
}

/// Which element of the padded image stands at (n, row, place) of the columns.
fn source(index: &[usize], kernel: [usize; 2], out_width: usize, conv: &Conv2d) -> [usize; 4] {
    let [n, row, place] = [index[0], index[1], index[2]];
    let (c, u, v) = (row / (kernel[0] * kernel[1]), row / kernel[1] % kernel[0], row % kernel[1]);
    let (i, j) = (place / out_width, place % out_width);
    [n, c, i * conv.stride[0] + u * conv.dilation[0], j * conv.stride[1] + v * conv.dilation[1]]
}

/// The columns of all groups together do not depend on the groups.
fn ungrouped(conv: &Conv2d) -> Conv2d {
    Conv2d { groups: 1, ..*conv }
}

/// Each kernel turned by 180 degrees.
fn flipped(w: &Array) -> Array {
    let [kh, kw] = [w.shape()[2], w.shape()[3]];
    Array::from_fn(w.shape(), |i| w[[i[0], i[1], kh - 1 - i[2], kw - 1 - i[3]]])
}
