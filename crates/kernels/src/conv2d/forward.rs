//! The outputs, an image at a time.

use rayon::prelude::*;

use super::grid::{InputGrid, Place};
use super::{Conv2dShape, GRAIN, Sizes, blocked, correlate, pieces};
use crate::buffer::Buffer;
use crate::gemm::lanes::Vectors;
use crate::isa;
use crate::threads;

/// Weights as the inner loops read them.
enum Weights<T> {
    Blocked(blocked::Weights<T>),
    Packed(correlate::Packed<T>),
}

pub(super) fn forward<T: Vectors>(
    s: &Conv2dShape,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    relu: bool,
    y: &mut [T],
) {
    let sizes = Sizes::check(s, x.len(), w.len(), y.len());
    assert!(bias.is_none_or(|bias| bias.len() == s.out_channels), "one bias for each output channel");
    let grid = InputGrid::new(s);
    let offsets = grid.taps();
    let pieces = pieces(s.batch * s.groups, sizes.outputs, sizes.work);
    let channels = sizes.outputs / pieces;
    let bias_of = |piece: usize| bias.map(|bias| &bias[piece * channels..][..channels]);
    let weights: Vec<_> = (0..s.groups * pieces)
        .map(|piece| {
            let weight = |row: usize, tap: usize| w[(piece * channels + row) * sizes.taps + tap];
            if blocked::pays::<T>(channels) {
                Weights::Blocked(blocked::Weights::new(channels, sizes.taps, bias_of(piece), weight))
            } else {
                Weights::Packed(correlate::Packed::new(channels, sizes.taps, weight))
            }
        })
        .collect();
    let [rows, columns] = sizes.output;
    let place = Place { width: grid.width, columns, start: 0, row_stride: columns, col_stride: 1 };
    let body = |task: usize, out: &mut [T]| {
        let (image, piece) = (task / (s.groups * pieces), task % (s.groups * pieces));
        let from = (image * s.groups + piece / pieces) * sizes.inputs * sizes.input_plane;
        let image = &x[from..][..sizes.inputs * sizes.input_plane];
        let copies = !grid.is_image() || matches!(weights[piece], Weights::Packed(_));
        let mut copy = Buffer::scratch(if copies { grid.len() } else { 0 });
        if copies {
            grid.fill(image, &mut copy);
        }
        match &weights[piece] {
            Weights::Blocked(weights) => isa::dispatch(blocked::Correlation {
                weights,
                offsets: &offsets,
                grid: if copies { &copy } else { image },
                blocked: false,
                rows,
                place,
                relu,
                out,
                plane: sizes.output_plane,
            }),
            Weights::Packed(weights) => isa::dispatch(correlate::Correlation {
                weights,
                offsets: &offsets,
                grid: &copy,
                rows,
                bias: bias_of(piece),
                relu,
                place,
                out,
                plane: sizes.output_plane,
            }),
        }
    };
    let part = channels * sizes.output_plane;
    if y.is_empty() {
    } else if threads::threads_for(sizes.work, GRAIN) > 1 {
        threads::run(|| {
            let parts = y.par_chunks_exact_mut(part).with_max_len(1).enumerate();
            parts.for_each(|(task, out)| body(task, out));
        });
    } else {
        y.chunks_exact_mut(part).enumerate().for_each(|(task, out)| body(task, out));
    }
}
