//! Pooling to an output of a given size.
//!
//! ```text
//! window i of n over h elements:  from floor(i h / n) to ceil((i + 1) h / n), the end excluded
//! max      y = max over the window of x            dx: all of dy to the largest (the first, if several)
//! average  y = mean over the window of x           dx: dy / size to every element of the window
//! ```
//!
//! The windows cover the image and, where n does not divide h, differ in size by at most one and overlap. A sequence is an
//! image of one row. PyTorch: `torch.nn.AdaptiveAvgPool2d`, `AdaptiveMaxPool2d`.

use crate::array::{Array, indices};
use crate::error::{Error, Result};
use crate::trace::Trace;

/// A pooling to `output` (height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptivePool2d {
    /// Whether a window becomes its largest element; else its mean.
    pub max: bool,
    /// Height and width of the output.
    pub output: [usize; 2],
}

impl AdaptivePool2d {
    /// x (.., H, W) to (.., output).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        let shape = self.output_shape("adaptive_pool2d", x)?;
        trace.section("adaptive_pool2d: forward");
        let sides = &x.shape()[x.rank() - 2..];
        for (axis, names) in
            [["row_starts", "row_ends"], ["column_starts", "column_ends"]].into_iter().enumerate()
        {
            let windows: Vec<_> =
                (0..self.output[axis]).map(|i| window(i, self.output[axis], sides[axis])).collect();
            let starts: Vec<f64> = windows.iter().map(|w| w.start as f64).collect();
            let ends: Vec<f64> = windows.iter().map(|w| w.end as f64).collect();
            trace.step(names[0], "floor(i h / n)", Array::vector(&starts));
            trace.step(names[1], "ceil((i + 1) h / n)", Array::vector(&ends));
        }
        let y = Array::from_fn(&shape, |index| {
            if self.max {
                return x[self.largest(x, index)];
            }
            let window = self.window(x, index);
            window.iter().map(|&position| x[position]).sum::<f64>() / window.len() as f64
        });
        Ok(trace.step("y", if self.max { "max over the window" } else { "mean over the window" }, y))
    }

    /// The gradient with respect to x.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<Array> {
        let shape = self.output_shape("adaptive_pool2d_backward", x)?;
        dy.expect_shape("adaptive_pool2d_backward", "dy", &shape)?;
        trace.section("adaptive_pool2d: backward");
        let mut dx = Array::zeros(x.shape());
        for index in indices(&shape) {
            let receivers = if self.max { vec![self.largest(x, &index)] } else { self.window(x, &index) };
            for &position in &receivers {
                dx[position] += dy.get(&index) / receivers.len() as f64;
            }
        }
        Ok(trace.step("dx", if self.max { "dy to the largest" } else { "dy / size to each" }, dx))
    }

    /// Where in its image (row times width plus column) each window's largest element is.
    pub fn indices(&self, x: &Array) -> Result<Array> {
        let shape = self.output_shape("adaptive_pool2d", x)?;
        let image = x.shape()[x.rank() - 2] * x.shape()[x.rank() - 1];
        Ok(Array::from_fn(&shape, |index| (self.largest(x, index) % image) as f64))
    }

    /// Positions in x of the window behind one output element.
    fn window(&self, x: &Array, output: &[usize]) -> Vec<usize> {
        let rank = x.rank();
        let [rows, columns] = [rank - 2, rank - 1]
            .map(|axis| window(output[axis], self.output[axis + 2 - rank], x.shape()[axis]));
        let mut index = output.to_vec();
        let mut positions = Vec::new();
        for row in rows {
            for column in columns.clone() {
                (index[rank - 2], index[rank - 1]) = (row, column);
                positions.push(x.position(&index));
            }
        }
        positions
    }

    /// Position of the first largest element; not-a-number counts as largest, and the last of several.
    fn largest(&self, x: &Array, output: &[usize]) -> usize {
        let mut window = self.window(x, output).into_iter();
        let first = window.next().unwrap_or(0);
        window.fold(
            first,
            |best, position| {
                if x[position] > x[best] || x[position].is_nan() { position } else { best }
            },
        )
    }

    fn output_shape(&self, operation: &str, x: &Array) -> Result<Vec<usize>> {
        if x.rank() < 2 {
            return Err(Error::new(operation, format!("x must end in (H, W), got shape {:?}", x.shape())));
        }
        let mut shape = x.shape().to_vec();
        for (side, output) in shape[x.rank() - 2..].iter_mut().zip(self.output) {
            if *side == 0 || output == 0 {
                let message =
                    format!("{:?} cannot be pooled to {:?}: no side may be 0", x.shape(), self.output);
                return Err(Error::new(operation, message));
            }
            *side = output;
        }
        Ok(shape)
    }
}

/// Elements `floor(i h / n) .. ceil((i + 1) h / n)`.
fn window(i: usize, n: usize, h: usize) -> std::ops::Range<usize> {
    i * h / n..((i + 1) * h).div_ceil(n)
}
