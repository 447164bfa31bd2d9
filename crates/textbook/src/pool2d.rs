//! Max and average pooling.
//!
//! ```text
//! max      y[n,c,i,j] = max over the window of x         dx: all of dy to the largest (the first, if several)
//! average  y[n,c,i,j] = sum over the window of x / size  dx: dy / size to every element of the window
//! ```
//!
//! The window of (i, j) starts at (i s - p, j s - p). Padding is -infinity for the maximum and 0 for the average;
//! `size` is the whole kernel, or only what lies inside the image where padding is not counted.
//! PyTorch: `torch.nn.MaxPool2d`, `torch.nn.AvgPool2d`.

use crate::array::{Array, indices};
use crate::conv2d::window_count;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// How a window becomes one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Its largest element.
    Max,
    /// Its mean.
    Average {
        /// Whether padding counts as elements of the window (PyTorch's default: true).
        count_padding: bool,
    },
}

/// The geometry of a pooling layer; pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// What is computed.
    pub pool: Pool,
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Steps between neighbouring windows; the layers' usual default is the kernel.
    pub stride: [usize; 2],
    /// Padding on each side, at most half of the kernel.
    pub padding: [usize; 2],
    /// Steps between neighbouring elements of a window; 1 for averages.
    pub dilation: [usize; 2],
}

impl Pool2d {
    /// Windows of `kernel` that touch and do not overlap, no padding.
    pub fn new(pool: Pool, kernel: [usize; 2]) -> Self {
        Pool2d { pool, kernel, stride: kernel, padding: [0, 0], dilation: [1, 1] }
    }

    /// x (.., H, W) to (.., out, out).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        let shape = self.output_shape("pool2d", x)?;
        trace.section("pool2d: forward");
        let (formula, y) = match self.pool {
            Pool::Max => (
                "max over the window",
                Array::from_fn(&shape, |index| {
                    self.largest(x, index).map_or(f64::NEG_INFINITY, |position| x[position])
                }),
            ),
            Pool::Average { .. } => (
                "sum over the window / size",
                Array::from_fn(&shape, |index| {
                    let sum: f64 = self.window(x, index).iter().map(|&position| x[position]).sum();
                    sum / self.size(x, index)
                }),
            ),
        };
        Ok(trace.step("y", formula, y))
    }

    /// The gradient with respect to x.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<Array> {
        let shape = self.output_shape("pool2d_backward", x)?;
        dy.expect_shape("pool2d_backward", "dy", &shape)?;
        trace.section("pool2d: backward");
        let mut dx = Array::zeros(x.shape());
        for index in indices(&shape) {
            let (receivers, share) = match self.pool {
                Pool::Max => (self.largest(x, &index).into_iter().collect(), dy.get(&index)),
                Pool::Average { .. } => (self.window(x, &index), dy.get(&index) / self.size(x, &index)),
            };
            for position in receivers {
                dx[position] += share;
            }
        }
        let formula = if self.pool == Pool::Max { "dy to the largest" } else { "dy / size to each" };
        Ok(trace.step("dx", formula, dx))
    }

    /// Positions in x of the window behind one output element, padding left out.
    fn window(&self, x: &Array, output: &[usize]) -> Vec<usize> {
        let rank = x.rank();
        let [h, w] = [x.shape()[rank - 2], x.shape()[rank - 1]];
        let mut index = output.to_vec();
        let mut positions = Vec::new();
        for u in 0..self.kernel[0] {
            for v in 0..self.kernel[1] {
                let a = output[rank - 2] * self.stride[0] + u * self.dilation[0];
                let b = output[rank - 1] * self.stride[1] + v * self.dilation[1];
                let [ph, pw] = self.padding;
                if (ph..ph + h).contains(&a) && (pw..pw + w).contains(&b) {
                    (index[rank - 2], index[rank - 1]) = (a - ph, b - pw);
                    positions.push(x.position(&index));
                }
            }
        }
        positions
    }

    /// Position of the first largest element; not-a-number counts as largest, as in PyTorch. `None` where a dilated
    /// window touches nothing but padding.
    fn largest(&self, x: &Array, output: &[usize]) -> Option<usize> {
        self.window(x, output).into_iter().reduce(|best, position| {
            let larger = x[position] > x[best] || (x[position].is_nan() && !x[best].is_nan());
            if larger { position } else { best }
        })
    }

    fn size(&self, x: &Array, output: &[usize]) -> f64 {
        let counted = self.pool == Pool::Average { count_padding: true };
        if counted { (self.kernel[0] * self.kernel[1]) as f64 } else { self.window(x, output).len() as f64 }
    }

    fn output_shape(&self, operation: &str, x: &Array) -> Result<Vec<usize>> {
        if x.rank() < 2 {
            return Err(Error::new(operation, format!("x must end in (H, W), got shape {:?}", x.shape())));
        }
        let half_at_most = (0..2).all(|axis| self.padding[axis] <= self.kernel[axis] / 2);
        let plain = self.pool == Pool::Max || self.dilation == [1, 1];
        if self.stride.contains(&0) || self.dilation.contains(&0) || !half_at_most || !plain {
            let message = format!(
                "stride and dilation must be 1 or more, padding at most half the kernel, an average undilated; \
                 got {self:?}"
            );
            return Err(Error::new(operation, message));
        }
        let mut shape = x.shape().to_vec();
        for axis in 0..2 {
            let length = &mut shape[x.rank() - 2 + axis];
            let [kernel, stride] = [self.kernel[axis], self.stride[axis]];
            *length =
                window_count(operation, *length, kernel, stride, self.padding[axis], self.dilation[axis])?;
        }
        if x.is_empty() && !shape.contains(&0) {
            return Err(Error::new(operation, format!("no elements to pool in shape {:?}", x.shape())));
        }
        Ok(shape)
    }
}
