//! Two-dimensional transposed convolution, as loops.
//!
//! A convolution is a matrix; this is its transpose. Where the convolution *gathers* a window into one element, the
//! transpose *scatters* each element over a window:
//!
//! ```text
//! full[n, o, i s + u d, j s + v d] += x[n,c,i,j] w[c,o,u,v]
//! y[n,o,a,b] = b[o] + full[n, o, a + p, b + p]                     p rows and columns cut off every side
//! out        = (h - 1) s - 2 p + d (k - 1) + output padding + 1
//! ```
//!
//! x (N, C, H, W) or (C, H, W); w (C, O / groups, kh, kw): the input's channels come first, for it is the weight of the
//! convolution that leads back; b (O). A stride s > 1 takes s different lengths to the same one, so the way back is
//! ambiguous: the output padding, less than s (or d), says how many rows and columns longer the output is *at its end*.
//! They are not zeros: where the kernel reaches them, they get its share.
//!
//! The backward passes are the convolution and its weight gradient with the roles of x and dy exchanged. A sequence is an
//! image of one row. PyTorch: `torch.nn.ConvTranspose2d`, `ConvTranspose1d`.

use crate::array::Array;
use crate::conv2d::{Conv2dGradients, as_batch, like};
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The geometry of a transposed convolution; pairs are (vertical, horizontal). The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2d {
    /// Steps between the places where neighbours are scattered to.
    pub stride: [usize; 2],
    /// Rows and columns cut off each side.
    pub padding: [usize; 2],
    /// Rows and columns more at the end.
    pub output_padding: [usize; 2],
    /// Steps between neighbouring kernel elements.
    pub dilation: [usize; 2],
    /// Independent groups of channels.
    pub groups: usize,
}

impl Default for ConvTranspose2d {
    fn default() -> Self {
        ConvTranspose2d {
            stride: [1, 1],
            padding: [0, 0],
            output_padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
        }
    }
}

struct Sizes {
    batch: usize,
    channels: usize,
    image: [usize; 2],
    outputs: usize,
    kernel: [usize; 2],
    /// Before anything is cut off.
    full: [usize; 2],
    out: [usize; 2],
}

impl ConvTranspose2d {
    /// The transposed convolution of x with w, plus b where given: (N, O, out, out), or without N if x has none.
    pub fn forward(
        &self,
        x: &Array,
        weight: &Array,
        bias: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<Array> {
        let sizes = self.sizes("conv_transpose2d", x, weight)?;
        if let Some(b) = bias {
            b.expect_shape("conv_transpose2d", "bias", &[sizes.outputs])?;
        }
        trace.section("conv_transpose2d: forward");
        let image = as_batch(x)?;
        let mut full = Array::zeros(&[sizes.batch, sizes.outputs, sizes.full[0], sizes.full[1]]);
        self.for_each_product(&sizes, |[n, c, i, j], [o_out, a, b], [o, u, v]| {
            full[[n, o_out, a, b]] += image[[n, c, i, j]] * weight[[c, o, u, v]];
        });
        let full = trace.step("full", "x w scattered over every window", full);
        let [ph, pw] = self.padding;
        let cut = Array::from_fn(&[sizes.batch, sizes.outputs, sizes.out[0], sizes.out[1]], |i| {
            full[[i[0], i[1], i[2] + ph, i[3] + pw]]
        });
        let y = trace.step("s", "full without p rows and columns on each side", like(x, cut)?);
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
        let sizes = self.sizes("conv_transpose2d_backward", x, weight)?;
        let expected = [sizes.batch, sizes.outputs, sizes.out[0], sizes.out[1]];
        dy.expect_shape("conv_transpose2d_backward", "dy", &expected[4 - x.rank()..])?;
        trace.section("conv_transpose2d: backward");
        let (image, dy) = (as_batch(x)?, as_batch(dy)?);
        let [ph, pw] = self.padding;
        let dfull = Array::from_fn(&[sizes.batch, sizes.outputs, sizes.full[0], sizes.full[1]], |i| {
            let inside = (ph..ph + sizes.out[0]).contains(&i[2]) && (pw..pw + sizes.out[1]).contains(&i[3]);
            if inside { dy[[i[0], i[1], i[2] - ph, i[3] - pw]] } else { 0.0 }
        });
        let dfull = trace.step("dfull", "dy, and 0 for what was cut off", dfull);
        let (mut dx, mut dw) = (Array::zeros(image.shape()), Array::zeros(weight.shape()));
        self.for_each_product(&sizes, |[n, c, i, j], [o_out, a, b], [o, u, v]| {
            dx[[n, c, i, j]] += dfull[[n, o_out, a, b]] * weight[[c, o, u, v]];
            dw[[c, o, u, v]] += dfull[[n, o_out, a, b]] * image[[n, c, i, j]];
        });
        let input = trace.step("dx", "sum over the window of dfull w: a convolution", like(x, dx)?);
        let weight = trace.step("dw", "sum over images and places of dfull x", dw);
        let db = dy.sum_along(&[0, 2, 3]).reshape(&[sizes.outputs])?;
        let bias = trace.step("db", "sum over images and places of dy", db);
        Ok(Conv2dGradients { input, weight, bias })
    }

    /// Visits every product: indices into the input, the full output (without n) and the weight (without c).
    fn for_each_product(&self, sizes: &Sizes, mut visit: impl FnMut([usize; 4], [usize; 3], [usize; 3])) {
        let (channels, outputs) = (sizes.channels / self.groups, sizes.outputs / self.groups);
        for n in 0..sizes.batch {
            for c in 0..sizes.channels {
                for i in 0..sizes.image[0] {
                    for j in 0..sizes.image[1] {
                        for o in 0..outputs {
                            let o_out = c / channels * outputs + o;
                            for u in 0..sizes.kernel[0] {
                                for v in 0..sizes.kernel[1] {
                                    let a = i * self.stride[0] + u * self.dilation[0];
                                    let b = j * self.stride[1] + v * self.dilation[1];
                                    visit([n, c, i, j], [o_out, a, b], [o, u, v]);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn sizes(&self, operation: &str, x: &Array, weight: &Array) -> Result<Sizes> {
        if x.rank() != 3 && x.rank() != 4 {
            let message = format!("x must have shape (N, C, H, W) or (C, H, W), got {:?}", x.shape());
            return Err(Error::new(operation, message));
        }
        weight.expect_rank(operation, "weight (C, O / groups, kh, kw)", 4)?;
        let image = &x.shape()[x.rank() - 3..];
        let channels = image[0];
        let positive = [self.groups, self.stride[0], self.stride[1], self.dilation[0], self.dilation[1]];
        if positive.contains(&0) {
            let message = format!("groups, stride and dilation must be 1 or more, got {self:?}");
            return Err(Error::new(operation, message));
        }
        if weight.shape()[0] != channels || !channels.is_multiple_of(self.groups) {
            let message = format!(
                "weight {:?} does not fit x {:?} in {} groups: expected ({channels}, O / groups, kh, kw), groups dividing \
                 the channels",
                weight.shape(),
                x.shape(),
                self.groups
            );
            return Err(Error::new(operation, message));
        }
        let kernel = [weight.shape()[2], weight.shape()[3]];
        let (mut full, mut out) = ([0; 2], [0; 2]);
        for axis in 0..2 {
            let [s, d, p] = [self.stride[axis], self.dilation[axis], self.padding[axis]];
            let (h, k, more) = (image[axis + 1], kernel[axis], self.output_padding[axis]);
            if h == 0 || k == 0 || more >= s.max(d) {
                let message = format!(
                    "image {h} and kernel {k} must have elements, and output padding {more} be less than stride {s} or \
                     dilation {d}"
                );
                return Err(Error::new(operation, message));
            }
            full[axis] = (h - 1) * s + d * (k - 1) + 1 + more;
            out[axis] = match full[axis].checked_sub(2 * p) {
                None | Some(0) => {
                    let message = format!("padding {p} on each side leaves nothing of {}", full[axis]);
                    return Err(Error::new(operation, message));
                }
                Some(out) => out,
            };
        }
        let batch = if x.rank() == 4 { x.shape()[0] } else { 1 };
        let outputs = weight.shape()[1] * self.groups;
        Ok(Sizes { batch, channels, image: [image[1], image[2]], outputs, kernel, full, out })
    }
}
