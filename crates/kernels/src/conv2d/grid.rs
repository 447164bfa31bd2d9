//! Where the elements under a kernel lie: padded copies of images in which every tap is one constant offset.
//!
//! In a copy of the image with its padding written out, and with outputs numbered along its full rows, the element
//! under tap `(r, s)` of output `p` is at `p + r * width + s`: a constant away. So a convolution is a product of the
//! weights with rows that start at different offsets of one array, and needs no unfolded copy (im2col). The outputs
//! that this numbers past the end of each row are computed and dropped.
//!
//! With a stride the copy is cut into phases, one plane for each remainder of the row and column; dilation only changes
//! the offsets.

use std::ops::Range;

use super::Conv2dShape;
use crate::gemm::lanes::Lanes;
use crate::real::Real;

/// Elements that kernels may read past the last plane.
const SLACK: usize = 64;

/// One axis of a convolution.
#[derive(Clone, Copy)]
struct Axis {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl Axis {
    fn of(s: &Conv2dShape, i: usize) -> Self {
        Axis {
            input: s.input[i],
            output: s.output().map_or(0, |output| output[i]),
            kernel: s.kernel[i],
            stride: s.stride[i],
            padding: s.padding[i],
            dilation: s.dilation[i],
        }
    }

    /// Length of a phase: as many elements as outputs and taps reach.
    fn phase_len(&self) -> usize {
        self.output + (self.kernel - 1) * self.dilation / self.stride
    }

    /// The range of indices `q` of a phase for which `q * stride + phase - padding` lies in the input.
    fn inside(&self, phase: usize) -> (usize, usize) {
        let start = self.padding.saturating_sub(phase).div_ceil(self.stride);
        let end = (self.padding + self.input).saturating_sub(phase).div_ceil(self.stride);
        (start, end.max(start))
    }

    /// How far the farthest tap reaches back, in outputs.
    fn reach(&self) -> usize {
        (self.kernel - 1) * self.dilation / self.stride
    }

    /// The first index inside the input over all phases.
    fn first(&self) -> usize {
        (0..self.stride).map(|phase| self.inside(phase).0).min().unwrap_or(0)
    }

    /// How much longer the padded gradient is in front; negative where some of it never reaches the input.
    fn margin(&self) -> isize {
        self.reach() as isize - self.first() as isize
    }

    /// Length of the padded gradient.
    fn gradient_len(&self) -> usize {
        (0..self.stride).map(|phase| self.inside(phase).1).max().unwrap_or(0) - self.first() + self.reach()
    }
}

/// The padded, phased copy of one group of an image's channels.
pub(super) struct InputGrid {
    axes: [Axis; 2],
    channels: usize,
    /// Columns of a phase.
    pub width: usize,
    /// Elements of a phase.
    plane: usize,
}

impl InputGrid {
    pub fn new(s: &Conv2dShape) -> Self {
        let axes = [Axis::of(s, 0), Axis::of(s, 1)];
        let width = axes[1].phase_len();
        InputGrid { axes, channels: s.in_channels / s.groups, width, plane: axes[0].phase_len() * width }
    }

    pub fn len(&self) -> usize {
        self.channels * self.axes[0].stride * self.axes[1].stride * self.plane + SLACK
    }

    /// Whether a copy would be the image itself (and the slack).
    pub fn is_image(&self) -> bool {
        self.axes.iter().all(|axis| axis.stride == 1 && axis.padding == 0)
    }

    /// Outputs in the grid's numbering, dropped ones included.
    pub fn run(&self) -> usize {
        (self.axes[0].output - 1) * self.width + self.axes[1].output
    }

    /// The offset of every tap, in the order of the weights: channel, row, column.
    pub fn taps(&self) -> Vec<usize> {
        let [rows, columns] = self.axes;
        let mut taps = Vec::with_capacity(self.channels * rows.kernel * columns.kernel);
        for channel in 0..self.channels {
            for r in (0..rows.kernel).map(|r| r * rows.dilation) {
                for s in (0..columns.kernel).map(|s| s * columns.dilation) {
                    let phase =
                        (channel * rows.stride + r % rows.stride) * columns.stride + s % columns.stride;
                    taps.push(phase * self.plane + r / rows.stride * self.width + s / columns.stride);
                }
            }
        }
        taps
    }

    /// Copies the group's channels; `grid` is of length [`len`](Self::len).
    #[inline(always)]
    pub fn fill<T: Real>(&self, image: &[T], grid: &mut [T]) {
        let [rows, columns] = self.axes;
        let plane = rows.input * columns.input;
        let phases = grid.chunks_exact_mut(self.plane);
        for (index, to) in phases.take(self.channels * rows.stride * columns.stride).enumerate() {
            let (b, a) = (index % columns.stride, index / columns.stride % rows.stride);
            let channel = &image[index / columns.stride / rows.stride * plane..][..plane];
            let inside = (rows.inside(a), columns.inside(b));
            for (q, to) in to.chunks_exact_mut(self.width).enumerate() {
                let (first, last) = (inside.1.0.min(self.width), inside.1.1.min(self.width));
                if q < inside.0.0 || q >= inside.0.1 || first >= last {
                    to.fill(T::ZERO);
                    continue;
                }
                let from = (q * rows.stride + a - rows.padding) * columns.input;
                let from = &channel[from + first * columns.stride + b - columns.padding..];
                to[..first].fill(T::ZERO);
                to[last..].fill(T::ZERO);
                let to = &mut to[first..last];
                if columns.stride == 1 {
                    to.copy_from_slice(&from[..to.len()]);
                } else {
                    to.iter_mut().zip(from.iter().step_by(columns.stride)).for_each(|(to, &from)| *to = from);
                }
            }
        }
        let len = self.len();
        grid[len - SLACK..].fill(T::ZERO);
    }

    /// Copies the group's channels into a grid that holds zeros but for what was copied into it before.
    #[inline(always)]
    pub fn refill<T: Real, L: Lanes<T>>(&self, image: &[T], grid: &mut [T]) {
        let [rows, columns] = self.axes;
        let plane = rows.input * columns.input;
        let phases = grid.chunks_exact_mut(self.plane);
        for (index, to) in phases.take(self.channels * rows.stride * columns.stride).enumerate() {
            let (b, a) = (index % columns.stride, index / columns.stride % rows.stride);
            let channel = &image[index / columns.stride / rows.stride * plane..][..plane];
            let (top, bottom) = rows.inside(a);
            let (left, right) = columns.inside(b);
            let (left, right) = (left.min(self.width), right.min(self.width));
            for q in top..bottom.min(self.plane / self.width.max(1)) {
                if left >= right {
                    break;
                }
                let from = (q * rows.stride + a - rows.padding) * columns.input;
                let from = &channel[from + left * columns.stride + b - columns.padding..];
                let to = &mut to[q * self.width + left..q * self.width + right];
                if columns.stride == 1 {
                    let from = &from[..to.len()];
                    // SAFETY: both are that long.
                    unsafe { copy_row::<T, L>(from.as_ptr(), to.as_mut_ptr(), to.len()) };
                } else {
                    to.iter_mut().zip(from.iter().step_by(columns.stride)).for_each(|(to, &from)| *to = from);
                }
            }
        }
    }

    /// Columns of the output.
    pub fn columns(&self) -> usize {
        self.axes[1].output
    }

    /// Rows of the output.
    pub fn rows(&self) -> usize {
        self.axes[0].output
    }
}

/// Copies a row in vectors: for rows so short that a call of `memcpy` costs more than they do.
///
/// # Safety
/// As for [`Lanes`]; both are valid for `len` elements and do not overlap.
#[inline(always)]
pub(super) unsafe fn copy_row<T: Copy, L: Lanes<T>>(from: *const T, to: *mut T, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        if len < L::N {
            for j in 0..len {
                to.add(j).write(from.add(j).read());
            }
            return;
        }
        let mut j = 0;
        while j < len {
            // The last ones are taken a second time where they do not fill a vector.
            let at = j.min(len - L::N);
            L::load(from.add(at)).store(to.add(at));
            j += L::N;
        }
    }
}

/// The padded copy of some channels of an image's output gradients: what the input's gradient is a convolution of.
///
/// It comes plane after plane, or in blocks of channels: plane after plane of pixels that hold a block's channels side by
/// side.
pub(super) struct GradientGrid {
    axes: [Axis; 2],
    pub channels: usize,
    width: usize,
    plane: usize,
}

/// The part of an input's gradient that one set of taps makes.
pub(super) struct Phase {
    /// Which taps, as places in a kernel, and their offsets for the first output channel.
    pub taps: Vec<(usize, usize)>,
    /// Rows of outputs.
    pub rows: usize,
    /// Where the outputs go.
    pub place: Place,
}

/// Where outputs in a grid's numbering go in a plane.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Columns of the grid.
    pub width: usize,
    /// Columns to keep.
    pub columns: usize,
    pub start: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

impl GradientGrid {
    pub fn new(s: &Conv2dShape, channels: usize) -> Self {
        let axes = [Axis::of(s, 0), Axis::of(s, 1)];
        let width = axes[1].gradient_len();
        GradientGrid { axes, channels, width, plane: axes[0].gradient_len() * width }
    }

    pub fn len(&self) -> usize {
        self.channels * self.plane + SLACK
    }

    /// Elements from one channel to the next.
    pub fn plane(&self) -> usize {
        self.plane
    }

    /// Elements, in blocks of channels.
    pub fn blocked_len(&self, block: usize) -> usize {
        self.channels.next_multiple_of(block) * self.blocked_plane()
    }

    /// Pixels from one block of channels to the next. One more than a plane has: there goes what no tap takes to the input.
    pub fn blocked_plane(&self) -> usize {
        self.plane + 1
    }

    /// Where the pixels of a plane of gradients go in a block of channels.
    pub fn pixels(&self) -> Vec<usize> {
        let ([height, width], kept) = (self.output(), self.kept());
        let pixel = |i, j| {
            if kept[0].contains(&i) && kept[1].contains(&j) { self.pixel(i, j) } else { self.plane }
        };
        (0..height).flat_map(|i| (0..width).map(move |j| pixel(i, j))).collect()
    }

    /// Height and width of the gradients.
    pub fn output(&self) -> [usize; 2] {
        self.axes.map(|axis| axis.output)
    }

    /// The rows and columns of the gradients that some tap takes to the input.
    pub fn kept(&self) -> [Range<usize>; 2] {
        self.axes.map(|axis| {
            let end = axis.gradient_len() as isize - axis.margin();
            (-axis.margin()).max(0) as usize..axis.output.min(end.max(0) as usize)
        })
    }

    /// The pixel of a gradient that is kept.
    pub fn pixel(&self, row: usize, column: usize) -> usize {
        let [i, j] =
            [(0, row), (1, column)].map(|(axis, at)| (at as isize + self.axes[axis].margin()) as usize);
        i * self.width + j
    }

    pub fn phases(&self) -> Vec<Phase> {
        let [rows, columns] = self.axes;
        let mut phases = Vec::new();
        for (a, b) in (0..rows.stride).flat_map(|a| (0..columns.stride).map(move |b| (a, b))) {
            let (top, bottom) = rows.inside(a);
            let (left, right) = columns.inside(b);
            if top >= bottom || left >= right {
                continue;
            }
            let mut taps = Vec::new();
            for r in (0..rows.kernel).filter(|r| r * rows.dilation % rows.stride == a) {
                for s in (0..columns.kernel).filter(|s| s * columns.dilation % columns.stride == b) {
                    let up = top - rows.first() + rows.reach() - r * rows.dilation / rows.stride;
                    let over =
                        left - columns.first() + columns.reach() - s * columns.dilation / columns.stride;
                    taps.push((r * columns.kernel + s, up * self.width + over));
                }
            }
            phases.push(Phase {
                taps,
                rows: bottom - top,
                place: Place {
                    width: self.width,
                    columns: right - left,
                    start: (top * rows.stride + a - rows.padding) * columns.input + left * columns.stride + b
                        - columns.padding,
                    row_stride: rows.stride * columns.input,
                    col_stride: columns.stride,
                },
            });
        }
        phases
    }

    /// Copies the gradients plane after plane, into a grid that holds zeros but for what was copied into it before; it is of
    /// length [`len`](Self::len).
    #[inline(always)]
    pub fn refill<T: Real, L: Lanes<T>>(&self, gradients: &[T], grid: &mut [T]) {
        let [height, columns] = self.output();
        let kept = self.kept();
        if kept.iter().any(Range::is_empty) {
            return;
        }
        let planes = grid.chunks_exact_mut(self.plane).take(self.channels);
        for (to, from) in planes.zip(gradients.chunks_exact(height * columns)) {
            for row in kept[0].clone() {
                let from = &from[row * columns..][kept[1].clone()];
                let to = &mut to[self.pixel(row, kept[1].start)..][..from.len()];
                // SAFETY: both are that long.
                unsafe { copy_row::<T, L>(from.as_ptr(), to.as_mut_ptr(), from.len()) };
            }
        }
    }
}
