//! The outputs, an image at a time.

use super::grid::{InputGrid, Place};
use super::{Conv2dShape, GRAIN, Sizes, blocked, correlate, depthwise, direct, pieces};
use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::isa;
use crate::pool2d::{self, Pool2dShape};
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
    pool: Option<(&Pool2dShape, &mut [u32])>,
    y: &mut [T],
) {
    let (pool, indices) = pool.map_or((None, Default::default()), |(pool, indices)| (Some(pool), indices));
    let sizes = Sizes::check(s, pool, x.len(), w.len(), y.len());
    assert!(pool.is_none() || indices.len() == y.len(), "an index for every output");
    assert!(bias.is_none_or(|bias| bias.len() == s.out_channels), "one bias for each output channel");
    if direct::pays(s, sizes.output) {
        let pool = pool.map(|pool| (pool, indices));
        return direct::forward(s, &sizes, x, w, bias, relu, pool, y);
    }
    if depthwise::fits(&sizes) {
        let pool = pool.map(|pool| (pool, indices));
        return depthwise::forward(s, &sizes, x, w, bias, relu, pool, y);
    }
    let grid = InputGrid::new(s);
    let offsets = grid.taps();
    let blocked = blocked::pays::<T>(sizes.outputs);
    let unit = if blocked { blocked::vector::<T>() } else { 1 };
    let pieces = pieces(s.batch * s.groups, sizes.outputs, unit, sizes.work);
    let channels = sizes.outputs / pieces;
    let bias_of = |piece: usize| bias.map(|bias| &bias[piece * channels..][..channels]);
    let weights: Vec<_> = (0..s.groups * pieces)
        .map(|piece| {
            let weight = |row: usize, tap: usize| w[(piece * channels + row) * sizes.taps + tap];
            if blocked {
                Weights::Blocked(blocked::Weights::new(channels, sizes.taps, bias_of(piece), weight))
            } else {
                Weights::Packed(correlate::Packed::new(channels, sizes.taps, weight))
            }
        })
        .collect();
    let [rows, columns] = sizes.output;
    let place = Place { width: grid.width, columns, start: 0, row_stride: columns, col_stride: 1 };
    let part = channels * sizes.last_plane;
    let (y, indices) = (Disjoint::new(y), Disjoint::new(indices));
    let tasks = if part == 0 { 0 } else { s.batch * s.groups * pieces };
    threads::for_each(tasks, threads::threads_for(sizes.work, GRAIN), |task| {
        let (image, piece) = (task / (s.groups * pieces), task % (s.groups * pieces));
        // SAFETY: each task has its own part.
        let last = unsafe { y.slice(task * part, part) };
        let mut unpooled = Buffer::scratch(if pool.is_some() { channels * sizes.output_plane } else { 0 });
        let out = if pool.is_some() { &mut unpooled[..] } else { &mut *last };
        let from = (image * s.groups + piece / pieces) * sizes.inputs * sizes.input_plane;
        let image = &x[from..][..sizes.inputs * sizes.input_plane];
        let copies = !(blocked && grid.is_image());
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
        if let Some(pool) = pool {
            // SAFETY: as above.
            pool2d::max_planes(pool, &unpooled, last, unsafe { indices.slice(task * part, part) });
        }
    });
}
