//! One-dimensional convolution, as loops.
//!
//! ```text
//! y[n,o,i] = b[o] + sum_(c,u) x[n, c, i s + u d - p] w[o,c,u]      0 outside the sequence
//! out      = (l + p_before + p_behind - d (k - 1) - 1) / s + 1, rounded down
//! ```
//!
//! x (N, C, L) or (C, L); w (O, C / groups, k); b (O). Padding "same" keeps the length with s = 1: d (k - 1) zeros in all,
//! and where their number is odd PyTorch puts the odd one *behind*. The backward passes are the same sum, read for another
//! factor, as in [`crate::conv2d`], whose [`Kernel`] says which way the kernel lies. PyTorch: `torch.nn.Conv1d`.

use crate::array::Array;
use crate::conv2d::{Conv2dGradients, Kernel, window_count};
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The geometry of a one-dimensional convolution. The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Steps between neighbouring windows.
    pub stride: usize,
    /// Zeros before the sequence, and behind it.
    pub padding: [usize; 2],
    /// Steps between neighbouring kernel elements.
    pub dilation: usize,
    /// Independent groups of channels.
    pub groups: usize,
    /// Which way the kernel lies.
    pub kernel: Kernel,
}

impl Default for Conv1d {
    fn default() -> Self {
        Conv1d { stride: 1, padding: [0, 0], dilation: 1, groups: 1, kernel: Kernel::CrossCorrelation }
    }
}

impl Conv1d {
    /// Padded so that a kernel of `k` elements keeps the length (PyTorch's `padding="same"`).
    #[must_use]
    pub fn same(self, k: usize) -> Self {
        let total = self.dilation * k.saturating_sub(1);
        Conv1d { padding: [total / 2, total - total / 2], ..self }
    }

    /// The convolution of x with w, plus b where given: (N, O, out), or (O, out) if x has no N.
    pub fn forward(
        &self,
        x: &Array,
        weight: &Array,
        bias: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<Array> {
        let sizes = self.sizes("conv1d", x, weight)?;
        if let Some(b) = bias {
            b.expect_shape("conv1d", "bias", &[sizes.outputs])?;
        }
        trace.section("conv1d: forward");
        let padded = trace.step("x_padded", "x with zeros before and behind", self.pad(&as_batch(x)?));
        let mut y = Array::zeros(&[sizes.batch, sizes.outputs, sizes.out]);
        self.for_each_product(&sizes, |[n, o, i], [c_in, a], [c, u]| {
            y[[n, o, i]] += padded[[n, c_in, a]] * weight[[o, c, u]];
        });
        let y = trace.step("s", "sum over channels and kernel of x_padded w", like(x, y)?);
        match bias {
            None => Ok(y),
            Some(b) => Ok(trace.step("y", "s + b", y.zip(&b.reshape(&[sizes.outputs, 1])?, |s, b| s + b)?)),
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
        let sizes = self.sizes("conv1d_backward", x, weight)?;
        let full = [sizes.batch, sizes.outputs, sizes.out];
        dy.expect_shape("conv1d_backward", "dy", &full[3 - x.rank()..])?;
        trace.section("conv1d: backward");
        let (padded, dy) = (self.pad(&as_batch(x)?), as_batch(dy)?);
        let (mut dpadded, mut dw) = (Array::zeros(padded.shape()), Array::zeros(weight.shape()));
        self.for_each_product(&sizes, |[n, o, i], [c_in, a], [c, u]| {
            dpadded[[n, c_in, a]] += dy[[n, o, i]] * weight[[o, c, u]];
            dw[[o, c, u]] += dy[[n, o, i]] * padded[[n, c_in, a]];
        });
        let dpadded = trace.step("dx_padded", "sum over all that touched of dy w", dpadded);
        let inside = Array::from_fn(&[sizes.batch, sizes.channels, sizes.length], |i| {
            dpadded[[i[0], i[1], i[2] + self.padding[0]]]
        });
        let input = trace.step("dx", "dx_padded without its ends", like(x, inside)?);
        let weight = trace.step("dw", "sum over sequences and places of dy x_padded", dw);
        let db = dy.sum_along(&[0, 2]).reshape(&[sizes.outputs])?;
        let bias = trace.step("db", "sum over sequences and places of dy", db);
        Ok(Conv2dGradients { input, weight, bias })
    }

    /// Visits every product of the big sum: indices into the output, the padded input (without n) and the weight
    /// (without o).
    fn for_each_product(&self, sizes: &Sizes, mut visit: impl FnMut([usize; 3], [usize; 2], [usize; 2])) {
        let (channels, outputs) = (sizes.channels / self.groups, sizes.outputs / self.groups);
        for n in 0..sizes.batch {
            for o in 0..sizes.outputs {
                for i in 0..sizes.out {
                    for c in 0..channels {
                        for u in 0..sizes.kernel {
                            let c_in = o / outputs * channels + c;
                            let a = i * self.stride + u * self.dilation;
                            let tap = match self.kernel {
                                Kernel::CrossCorrelation => u,
                                Kernel::Convolution => sizes.kernel - 1 - u,
                            };
                            visit([n, o, i], [c_in, a], [c, tap]);
                        }
                    }
                }
            }
        }
    }

    /// x (N, C, L) with zeros at both ends.
    fn pad(&self, x: &Array) -> Array {
        let [before, behind] = self.padding;
        let [n, c, l] = [x.shape()[0], x.shape()[1], x.shape()[2]];
        Array::from_fn(&[n, c, before + l + behind], |i| {
            if (before..before + l).contains(&i[2]) { x[[i[0], i[1], i[2] - before]] } else { 0.0 }
        })
    }

    fn sizes(&self, operation: &str, x: &Array, weight: &Array) -> Result<Sizes> {
        if x.rank() != 2 && x.rank() != 3 {
            let message = format!("x must have shape (N, C, L) or (C, L), got {:?}", x.shape());
            return Err(Error::new(operation, message));
        }
        weight.expect_rank(operation, "weight (O, C / groups, k)", 3)?;
        if self.stride == 0 || self.dilation == 0 || self.groups == 0 {
            let message = format!("groups, stride and dilation must be 1 or more, got {self:?}");
            return Err(Error::new(operation, message));
        }
        let [channels, length] = [x.shape()[x.rank() - 2], x.shape()[x.rank() - 1]];
        let [outputs, per_group, kernel] = [weight.shape()[0], weight.shape()[1], weight.shape()[2]];
        let divides = channels % self.groups == 0 && outputs % self.groups == 0;
        if !divides || per_group != channels / self.groups {
            let message = format!(
                "weight {:?} does not fit x {:?} in {} groups: expected (O, {channels} / groups, k), groups dividing both \
                 channel counts",
                weight.shape(),
                x.shape(),
                self.groups
            );
            return Err(Error::new(operation, message));
        }
        // The uneven zero counts as one more element.
        let [before, behind] = self.padding;
        let longer = length.saturating_add(before).saturating_add(behind);
        let out = window_count(operation, longer, kernel, self.stride, 0, self.dilation)?;
        let batch = if x.rank() == 3 { x.shape()[0] } else { 1 };
        Ok(Sizes { batch, channels, length, outputs, kernel, out })
    }
}

struct Sizes {
    batch: usize,
    channels: usize,
    length: usize,
    outputs: usize,
    kernel: usize,
    out: usize,
}

/// (C, L) as a batch of one.
fn as_batch(x: &Array) -> Result<Array> {
    if x.rank() == 3 { Ok(x.clone()) } else { x.reshape(&[&[1], x.shape()].concat()) }
}

/// Drops the batch axis of `y` again where `x` had none.
fn like(x: &Array, y: Array) -> Result<Array> {
    if x.rank() == 3 { Ok(y) } else { y.reshape(&y.shape()[1..]) }
}
