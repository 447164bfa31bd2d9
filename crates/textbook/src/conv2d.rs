//! Two-dimensional convolution, as loops.
//!
//! ```text
//! y[n,o,i,j] = b[o] + sum_(c,u,v) x[n, c, i s + u d - p, j s + v d - p] w[o,c,u,v]     0 outside the image
//! out        = (h + 2 p - d (k - 1) - 1) / s + 1, rounded down        (with d = 1: (h + 2 p - k) / s + 1)
//! ```
//!
//! x (N, C, H, W) or (C, H, W); w (O, C / groups, kh, kw); b (O). The output channels form `groups` equal groups, each
//! of which sees its own share of the input channels. What networks call convolution is *cross-correlation*; the true
//! convolution of signal processing turns the kernel by 180 degrees. Both are a [`Kernel`].
//!
//! The backward passes are the same sum, read for another factor:
//!
//! ```text
//! dw[o,c,u,v] = sum_(n,i,j) dy[n,o,i,j] x[n, c, i s + u d - p, ..]     db[o] = sum_(n,i,j) dy[n,o,i,j]
//! dx[n,c,a,b] = sum of dy[n,o,i,j] w[o,c,u,v] over all that touched (a, b)
//! ```
//!
//! [`crate::im2col()`] computes the same as one matrix product. PyTorch: `torch.nn.Conv2d`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// More padded elements than this are a mistake, not an example.
const LARGEST_PADDED: usize = 100_000_000;

/// Which way the kernel lies on the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernel {
    /// As stored: what PyTorch and every network call convolution.
    #[default]
    CrossCorrelation,
    /// Turned by 180 degrees: the mathematical convolution.
    Convolution,
}

/// The geometry of a two-dimensional convolution; pairs are (vertical, horizontal). The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Steps between neighbouring windows.
    pub stride: [usize; 2],
    /// Zeros added on each side.
    pub padding: [usize; 2],
    /// Steps between neighbouring kernel elements.
    pub dilation: [usize; 2],
    /// Independent groups of channels.
    pub groups: usize,
    /// Which way the kernel lies.
    pub kernel: Kernel,
}

impl Default for Conv2d {
    fn default() -> Self {
        Conv2d {
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
            kernel: Kernel::CrossCorrelation,
        }
    }
}

/// The gradients of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2dGradients {
    /// dx, the shape of x.
    pub input: Array,
    /// dw, the shape of w.
    pub weight: Array,
    /// db, shape (O).
    pub bias: Array,
}

/// Sizes of a checked convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub batch: usize,
    pub channels: usize,
    pub image: [usize; 2],
    pub outputs: usize,
    pub kernel: [usize; 2],
    pub out: [usize; 2],
}

impl Conv2d {
    /// The convolution of x with w, plus b where given: (N, O, out, out), or without N if x has none.
    pub fn forward(
        &self,
        x: &Array,
        weight: &Array,
        bias: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<Array> {
        let sizes = self.sizes("conv2d", x, weight)?;
        if let Some(b) = bias {
            b.expect_shape("conv2d", "bias", &[sizes.outputs])?;
        }
        trace.section("conv2d: forward");
        let image = as_batch(x)?;
        let padded = trace.step("x_padded", "x with p zeros on each side", self.pad(&image));
        let mut y = Array::zeros(&[sizes.batch, sizes.outputs, sizes.out[0], sizes.out[1]]);
        self.for_each_product(&sizes, |[n, o, i, j], [c_in, a, b], [c, u, v]| {
            y[[n, o, i, j]] += padded[[n, c_in, a, b]] * weight[[o, c, u, v]];
        });
        let y = trace.step("s", "sum over channels and kernel of x_padded w", like(x, y)?);
        match bias {
            None => Ok(y),
            Some(b) => {
                let column = b.reshape(&[sizes.outputs, 1, 1])?;
                Ok(trace.step("y", "s + b", y.zip(&column, |s, b| s + b)?))
            }
        }
    }

    /// The gradients of x, w and b from the gradient dy of the output.
    pub fn backward(
        &self,
        x: &Array,
        weight: &Array,
        dy: &Array,
        trace: &mut Trace,
    ) -> Result<Conv2dGradients> {
        let sizes = self.sizes("conv2d_backward", x, weight)?;
        dy.expect_shape("conv2d_backward", "dy", &sizes.output_shape(x))?;
        trace.section("conv2d: backward");
        let padded = self.pad(&as_batch(x)?);
        let dy = as_batch(dy)?;
        let mut dpadded = Array::zeros(padded.shape());
        let mut dw = Array::zeros(weight.shape());
        self.for_each_product(&sizes, |[n, o, i, j], [c_in, a, b], [c, u, v]| {
            dpadded[[n, c_in, a, b]] += dy[[n, o, i, j]] * weight[[o, c, u, v]];
            dw[[o, c, u, v]] += dy[[n, o, i, j]] * padded[[n, c_in, a, b]];
        });
        let dpadded = trace.step("dx_padded", "sum over all that touched of dy w", dpadded);
        let input =
            trace.step("dx", "dx_padded without its border", like(x, self.unpad(&dpadded, sizes.image))?);
        let weight = trace.step("dw", "sum over images and places of dy x_padded", dw);
        let db = dy.sum_along(&[0, 2, 3]).reshape(&[sizes.outputs])?;
        let bias = trace.step("db", "sum over images and places of dy", db);
        Ok(Conv2dGradients { input, weight, bias })
    }

    /// Visits every product of the big sum: indices into the output, the padded input (without n) and the weight
    /// (without o).
    fn for_each_product(&self, sizes: &Sizes, mut visit: impl FnMut([usize; 4], [usize; 3], [usize; 3])) {
        let [kh, kw] = sizes.kernel;
        let channels = sizes.channels / self.groups;
        let outputs = sizes.outputs / self.groups;
        for n in 0..sizes.batch {
            for o in 0..sizes.outputs {
                for i in 0..sizes.out[0] {
                    for j in 0..sizes.out[1] {
                        for c in 0..channels {
                            let c_in = o / outputs * channels + c;
                            for u in 0..kh {
                                for v in 0..kw {
                                    let a = i * self.stride[0] + u * self.dilation[0];
                                    let b = j * self.stride[1] + v * self.dilation[1];
                                    let tap = match self.kernel {
                                        Kernel::CrossCorrelation => [c, u, v],
                                        Kernel::Convolution => [c, kh - 1 - u, kw - 1 - v],
                                    };
                                    visit([n, o, i, j], [c_in, a, b], tap);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// x (N, C, H, W) with zeros around each image.
    pub(crate) fn pad(&self, x: &Array) -> Array {
        let [ph, pw] = self.padding;
        let [n, c, h, w] = [x.shape()[0], x.shape()[1], x.shape()[2], x.shape()[3]];
        Array::from_fn(&[n, c, h + 2 * ph, w + 2 * pw], |index| {
            let inside = (ph..ph + h).contains(&index[2]) && (pw..pw + w).contains(&index[3]);
            if inside { x[[index[0], index[1], index[2] - ph, index[3] - pw]] } else { 0.0 }
        })
    }

    /// The inverse of [`Conv2d::pad`]: the images without their borders.
    pub(crate) fn unpad(&self, padded: &Array, image: [usize; 2]) -> Array {
        let [n, c] = [padded.shape()[0], padded.shape()[1]];
        Array::from_fn(&[n, c, image[0], image[1]], |index| {
            padded[[index[0], index[1], index[2] + self.padding[0], index[3] + self.padding[1]]]
        })
    }

    pub(crate) fn sizes(&self, operation: &str, x: &Array, weight: &Array) -> Result<Sizes> {
        if x.rank() != 3 && x.rank() != 4 {
            let message = format!("x must have shape (N, C, H, W) or (C, H, W), got {:?}", x.shape());
            return Err(Error::new(operation, message));
        }
        weight.expect_rank(operation, "weight (O, C / groups, kh, kw)", 4)?;
        let image = &x.shape()[x.rank() - 3..];
        let (channels, outputs) = (image[0], weight.shape()[0]);
        let batch = if x.rank() == 4 { x.shape()[0] } else { 1 };
        let positive = [self.groups, self.stride[0], self.stride[1], self.dilation[0], self.dilation[1]];
        if positive.contains(&0) {
            return Err(Error::new(
                operation,
                format!("groups, stride and dilation must be 1 or more, got {self:?}"),
            ));
        }
        if channels % self.groups != 0
            || outputs % self.groups != 0
            || weight.shape()[1] != channels / self.groups
        {
            let message = format!(
                "weight {:?} does not fit x {:?} in {} groups: expected (O, {channels} / groups, kh, kw), groups \
                 dividing both channel counts",
                weight.shape(),
                x.shape(),
                self.groups
            );
            return Err(Error::new(operation, message));
        }
        let kernel = [weight.shape()[2], weight.shape()[3]];
        let mut out = [0; 2];
        for axis in 0..2 {
            out[axis] = window_count(
                operation,
                image[axis + 1],
                kernel[axis],
                self.stride[axis],
                self.padding[axis],
                self.dilation[axis],
            )?;
        }
        let padded = (0..2).map(|axis| self.padding[axis].saturating_mul(2).saturating_add(image[axis + 1]));
        let elements = padded.fold(batch.saturating_mul(channels), usize::saturating_mul);
        if elements > LARGEST_PADDED {
            return Err(Error::new(
                operation,
                format!("padding {:?} makes {elements} elements, too many", self.padding),
            ));
        }
        Ok(Sizes { batch, channels, image: [image[1], image[2]], outputs, kernel, out })
    }
}

impl Sizes {
    pub(crate) fn output_shape(&self, x: &Array) -> Vec<usize> {
        let full = [self.batch, self.outputs, self.out[0], self.out[1]];
        full[4 - x.rank()..].to_vec()
    }
}

/// (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1; an error where the kernel does not fit once.
pub(crate) fn window_count(
    operation: &str,
    length: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Result<usize> {
    let reach = dilation.saturating_mul(kernel.saturating_sub(1)).saturating_add(1);
    let padded = padding.saturating_mul(2).saturating_add(length);
    if kernel == 0 || padded < reach {
        let message = format!(
            "a kernel of {kernel} (dilation {dilation}) does not fit {length} elements with padding {padding}"
        );
        return Err(Error::new(operation, message));
    }
    Ok((padded - reach) / stride + 1)
}

/// (C, H, W) as a batch of one.
pub(crate) fn as_batch(x: &Array) -> Result<Array> {
    if x.rank() == 4 {
        return Ok(x.clone());
    }
    x.reshape(&[&[1], x.shape()].concat())
}

/// Drops the batch axis of `y` again where `x` had none.
pub(crate) fn like(x: &Array, y: Array) -> Result<Array> {
    if x.rank() == 4 { Ok(y) } else { y.reshape(&y.shape()[1..]) }
}
