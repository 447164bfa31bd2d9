//! Convolution over two dimensions (cross-correlation, as the libraries have it) and its two gradients.
//!
//! Nothing is unfolded: see [`grid`] for how one padded copy of an image, small enough for the second cache, makes all
//! three passes products of matrices whose rows start at offsets.

mod correlate;
mod grid;

use rayon::prelude::*;

use self::correlate::{Correlation, Dots, Packed};
use self::grid::{GradientGrid, InputGrid, Place};
use crate::buffer::Buffer;
use crate::gemm::lanes::Vectors;
use crate::isa;
use crate::real::Real;
use crate::threads;

/// Multiply-adds for which another thread pays.
const GRAIN: usize = 1 << 20;

/// Partial sums of the weights' gradient: each takes every image of its share in turn, and they are added in order, so
/// the result does not depend on the number of threads.
const SHARES: usize = 16;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2dShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps of the kernel over the input.
    pub stride: [usize; 2],
    /// Rows and columns of zeros added on every side.
    pub padding: [usize; 2],
    /// Steps between the elements of the kernel.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other; it divides both channel counts.
    pub groups: usize,
}

impl Conv2dShape {
    /// Height and width of the output: `(input + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down.
    /// `None` where the kernel is larger than the padded input, or a kernel, stride or dilation is 0.
    pub fn output(&self) -> Option<[usize; 2]> {
        let axis = |i: usize| {
            if self.kernel[i] == 0 || self.stride[i] == 0 || self.dilation[i] == 0 {
                return None;
            }
            let room = self.input[i] + 2 * self.padding[i];
            Some(room.checked_sub(self.dilation[i] * (self.kernel[i] - 1) + 1)? / self.stride[i] + 1)
        };
        Some([axis(0)?, axis(1)?])
    }
}

/// Convolution of `f32` and `f64`: images `(N, C, H, W)`, weights `(K, C / groups, kernel height, kernel width)`,
/// outputs `(N, K, output height, output width)`, all row-major.
pub trait Conv2d: Real {
    /// `y[n, k, i, j] = bias[k] + sum over c, r, s of x[n, c, i stride + r dilation - padding, ...] w[k, c, r, s]`,
    /// zeros outside the image.
    fn conv2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, y: &mut [Self]);

    /// The gradient for the images; all of `dx` is written.
    fn conv2d_input_grad(s: &Conv2dShape, w: &[Self], dy: &[Self], dx: &mut [Self]);

    /// The gradients for the weights and the bias; all of `dw` and `dbias` is written.
    fn conv2d_weight_grad(
        s: &Conv2dShape,
        x: &[Self],
        dy: &[Self],
        dw: &mut [Self],
        dbias: Option<&mut [Self]>,
    );
}

macro_rules! conv2d {
    ($($t:ident),*) => { $(
        impl Conv2d for $t {
            fn conv2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, y: &mut [Self]) {
                forward(s, x, w, bias, y);
            }
            fn conv2d_input_grad(s: &Conv2dShape, w: &[Self], dy: &[Self], dx: &mut [Self]) {
                input_grad(s, w, dy, dx);
            }
            fn conv2d_weight_grad(s: &Conv2dShape, x: &[Self], dy: &[Self], dw: &mut [Self], dbias: Option<&mut [Self]>) {
                weight_grad(s, x, dy, dw, dbias);
            }
        }
    )* };
}
conv2d!(f32, f64);

/// Elements of each array's parts.
struct Sizes {
    output: [usize; 2],
    /// A plane of the input, and of the output.
    input_plane: usize,
    output_plane: usize,
    /// Channels of a group.
    inputs: usize,
    outputs: usize,
    /// Weights of one output channel.
    taps: usize,
    /// Multiply-adds of a pass.
    work: usize,
}

impl Sizes {
    fn check(s: &Conv2dShape, x: usize, w: usize, y: usize) -> Self {
        let output = s.output().expect("a kernel that fits the padded input");
        assert!(
            s.groups > 0 && s.in_channels.is_multiple_of(s.groups) && s.out_channels.is_multiple_of(s.groups),
            "{} groups must divide {} and {} channels",
            s.groups,
            s.in_channels,
            s.out_channels
        );
        let (input_plane, output_plane) = (s.input[0] * s.input[1], output[0] * output[1]);
        let inputs = s.in_channels / s.groups;
        let taps = inputs * s.kernel[0] * s.kernel[1];
        assert_eq!(x, s.batch * s.in_channels * input_plane, "elements of the input of {s:?}");
        assert_eq!(w, s.out_channels * taps, "elements of the weights of {s:?}");
        assert_eq!(y, s.batch * s.out_channels * output_plane, "elements of the output of {s:?}");
        let outputs = s.out_channels / s.groups;
        Sizes { output, input_plane, output_plane, inputs, outputs, taps, work: y.saturating_mul(taps) }
    }
}

/// Calls `body(task, part)` on consecutive parts of `out`, `len` elements each.
fn for_each_part<T: Send>(out: &mut [T], len: usize, work: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    if len == 0 || out.is_empty() {
        return;
    }
    if threads::threads_for(work, GRAIN) > 1 {
        threads::run(|| {
            out.par_chunks_exact_mut(len).with_max_len(1).enumerate().for_each(|(i, part)| body(i, part));
        });
    } else {
        out.chunks_exact_mut(len).enumerate().for_each(|(i, part)| body(i, part));
    }
}

/// Into how many pieces the channels of a group are cut so that few images occupy all threads; each piece makes its own
/// copy of the image.
fn pieces(images: usize, channels: usize, work: usize) -> usize {
    let threads = threads::threads_for(work, GRAIN);
    if images >= threads {
        return 1;
    }
    let most = channels.div_ceil(8).min(threads.div_ceil(images.max(1)));
    (1..=most.max(1)).rev().find(|pieces| channels.is_multiple_of(*pieces)).unwrap_or(1)
}

fn forward<T: Vectors>(s: &Conv2dShape, x: &[T], w: &[T], bias: Option<&[T]>, y: &mut [T]) {
    let sizes = Sizes::check(s, x.len(), w.len(), y.len());
    assert!(bias.is_none_or(|bias| bias.len() == s.out_channels), "one bias for each output channel");
    let grid = InputGrid::new(s);
    let offsets = grid.taps();
    let highest = correlate::tallest();
    let pieces = pieces(s.batch * s.groups, sizes.outputs, sizes.work);
    let rows = sizes.outputs / pieces;
    let weights: Vec<_> = (0..s.groups * pieces)
        .map(|piece| {
            Packed::new(rows, sizes.taps, highest, |row, tap| w[(piece * rows + row) * sizes.taps + tap])
        })
        .collect();
    let [_, columns] = sizes.output;
    let place = Place { width: grid.width, columns, start: 0, row_stride: columns, col_stride: 1 };
    for_each_part(y, rows * sizes.output_plane, sizes.work, |task, out| {
        let (image, piece) = (task / (s.groups * pieces), task % (s.groups * pieces));
        let from = (image * s.groups + piece / pieces) * sizes.inputs * sizes.input_plane;
        let mut copy = Buffer::scratch(grid.len());
        grid.fill(&x[from..][..sizes.inputs * sizes.input_plane], &mut copy);
        isa::dispatch(Correlation {
            weights: &weights[piece],
            offsets: &offsets,
            grid: &copy,
            run: grid.run(),
            bias: bias.map(|bias| &bias[piece * rows..][..rows]),
            place,
            out,
            plane: sizes.output_plane,
            highest,
        });
    });
}

fn input_grad<T: Vectors>(s: &Conv2dShape, w: &[T], dy: &[T], dx: &mut [T]) {
    let sizes = Sizes::check(s, dx.len(), w.len(), dy.len());
    let grid = GradientGrid::new(s);
    let phases = grid.phases();
    let highest = correlate::tallest();
    let pieces = pieces(s.batch * s.groups, sizes.inputs, sizes.work);
    let rows = sizes.inputs / pieces;
    let kernel = s.kernel[0] * s.kernel[1];
    let offsets: Vec<Vec<usize>> = phases
        .iter()
        .map(|phase| {
            let channels = (0..sizes.outputs).map(|k| k * grid.plane());
            channels.flat_map(|channel| phase.taps.iter().map(move |tap| channel + tap.1)).collect()
        })
        .collect();
    // Weights for every piece of every group, and for every phase.
    let weights: Vec<_> = (0..s.groups * pieces)
        .flat_map(|piece| phases.iter().map(move |phase| (piece, phase)))
        .map(|(piece, phase)| {
            let (group, first, taps) = (piece / pieces, piece % pieces * rows, phase.taps.len());
            Packed::new(rows, sizes.outputs * taps, highest, |row, tap| {
                let (k, place) = (group * sizes.outputs + tap / taps, phase.taps[tap % taps].0);
                w[k * sizes.taps + (first + row) * kernel + place]
            })
        })
        .collect();
    for_each_part(dx, rows * sizes.input_plane, sizes.work, |task, out| {
        let (image, piece) = (task / (s.groups * pieces), task % (s.groups * pieces));
        let from = (image * s.groups + piece / pieces) * sizes.outputs * sizes.output_plane;
        let mut copy = Buffer::scratch(grid.len());
        grid.fill(&dy[from..][..sizes.outputs * sizes.output_plane], &mut copy);
        if s.stride != [1, 1] {
            // Between the elements that some phase writes, there may be some that no tap reaches.
            out.fill(T::ZERO);
        }
        for (i, phase) in phases.iter().enumerate() {
            isa::dispatch(Correlation {
                weights: &weights[piece * phases.len() + i],
                offsets: &offsets[i],
                grid: &copy,
                run: phase.run,
                bias: None,
                place: phase.place,
                out: &mut *out,
                plane: sizes.input_plane,
                highest,
            });
        }
    });
}

fn weight_grad<T: Vectors>(s: &Conv2dShape, x: &[T], dy: &[T], dw: &mut [T], dbias: Option<&mut [T]>) {
    let sizes = Sizes::check(s, x.len(), dw.len(), dy.len());
    assert!(
        dbias.as_ref().is_none_or(|dbias| dbias.len() == s.out_channels),
        "one bias for each output channel"
    );
    let grid = InputGrid::new(s);
    let offsets = grid.taps();
    let shares = s.batch.min(SHARES);
    let pieces = pieces(shares * s.groups, sizes.outputs, sizes.work);
    let rows = sizes.outputs / pieces;
    let run = grid.run().next_multiple_of(16);
    // For every share of the images and piece of the channels: the weights' sums, then the biases'.
    let part = rows * (sizes.taps + 1);
    let mut partial = Buffer::<T>::zeroed(shares * s.groups * pieces * part);
    for_each_part(&mut partial, part, sizes.work, |task, sums| {
        let (share, piece) = (task / (s.groups * pieces), task % (s.groups * pieces));
        let (sums, bias_sums) = sums.split_at_mut(rows * sizes.taps);
        let mut copy = Buffer::scratch(grid.len());
        let mut gradients = Buffer::scratch(rows * run);
        for image in share * s.batch / shares..(share + 1) * s.batch / shares {
            let from = (image * s.groups + piece / pieces) * sizes.inputs * sizes.input_plane;
            grid.fill(&x[from..][..sizes.inputs * sizes.input_plane], &mut copy);
            let from = (image * s.groups * pieces + piece) * rows * sizes.output_plane;
            for row in 0..rows {
                let gradient = &dy[from + row * sizes.output_plane..][..sizes.output_plane];
                grid.spread(gradient, &mut gradients[row * run..][..run]);
                if dbias.is_some() {
                    bias_sums[row] += sum(gradient);
                }
            }
            isa::dispatch(Dots { gradients: &gradients, rows, run, offsets: &offsets, grid: &copy, sums });
        }
    });
    let parts = s.groups * pieces;
    let total = |piece: usize, i: usize| -> T {
        (0..shares).map(|share| partial[(share * parts + piece) * part + i]).sum()
    };
    for (i, dw) in dw.iter_mut().enumerate() {
        *dw = total(i / (rows * sizes.taps), i % (rows * sizes.taps));
    }
    if let Some(dbias) = dbias {
        for (i, dbias) in dbias.iter_mut().enumerate() {
            *dbias = total(i / rows, rows * sizes.taps + i % rows);
        }
    }
}

/// The sum in sixteen lanes, so that it is fast and rounds little.
fn sum<T: Real>(values: &[T]) -> T {
    let chunks = values.chunks_exact(16);
    let rest: T = chunks.remainder().iter().copied().sum();
    let mut lanes = [T::ZERO; 16];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &value)| *lane += value);
    }
    lanes.into_iter().sum::<T>() + rest
}
