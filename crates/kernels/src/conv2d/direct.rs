//! Convolution where a padded copy would be out of proportion: a kernel that reaches or steps far over the padding, and of
//! all that it passes meets few pixels. Every tap visits the outputs for which it meets one.

use std::ops::Range;

use super::backward::{Take, sum};
use super::{Conv2dGradients, Conv2dPass, Conv2dShape, GRAIN, Sizes};
use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::isa;
use crate::pool2d::{self, Pool2dShape};
use crate::threads;

/// So many times the elements of a plane of the image and of the output may a copy of a plane have, and so many more.
const PROPORTION: f64 = 16.0;
const MORE: f64 = 16_384.0;

/// Whether copies of the images would be out of proportion.
pub(super) fn pays(s: &Conv2dShape, output: [usize; 2]) -> bool {
    // Floats, for these sizes may be too large for a product.
    let copy = |i: usize| {
        let reach = s.kernel[i].saturating_sub(1) as f64 * s.dilation[i] as f64;
        (output[i] as f64 + (reach / s.stride[i] as f64).floor()) * s.stride[i] as f64
    };
    let plane = |sides: [usize; 2]| sides[0] as f64 * sides[1] as f64;
    copy(0) * copy(1) > PROPORTION * (plane(s.input) + plane(output)) + MORE
}

/// The outputs along an axis for which a tap meets the image.
fn meets(s: &Conv2dShape, axis: usize, outputs: usize, tap: usize) -> Range<usize> {
    let (reach, padding) = (tap * s.dilation[axis], s.padding[axis]);
    let first = padding.saturating_sub(reach).div_ceil(s.stride[axis]);
    let last = (s.input[axis] + padding).saturating_sub(reach).div_ceil(s.stride[axis]);
    first.min(outputs)..last.min(outputs)
}

/// Calls `body(tap, outputs, pixel)` for every run of outputs in a row for which a tap meets the image: the first of them
/// meets `pixel`, and each after it the pixel a stride further.
fn each_run(s: &Conv2dShape, output: [usize; 2], mut body: impl FnMut(usize, Range<usize>, usize)) {
    for r in 0..s.kernel[0] {
        let rows = meets(s, 0, output[0], r);
        for q in 0..s.kernel[1] {
            let columns = meets(s, 1, output[1], q);
            if columns.is_empty() {
                continue;
            }
            for i in rows.clone() {
                let row = i * s.stride[0] + r * s.dilation[0] - s.padding[0];
                let column = columns.start * s.stride[1] + q * s.dilation[1] - s.padding[1];
                let outputs = i * output[1] + columns.start..i * output[1] + columns.end;
                body(r * s.kernel[1] + q, outputs, row * s.input[1] + column);
            }
        }
    }
}

pub(super) fn forward<T: Vectors>(
    s: &Conv2dShape,
    sizes: &Sizes,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    relu: bool,
    pool: Option<(&Pool2dShape, &mut [u32])>,
    y: &mut [T],
) {
    let (pool, indices) = pool.map_or((None, Default::default()), |(pool, indices)| (Some(pool), indices));
    let (pixels, kernel) = (sizes.last_plane, s.kernel[0] * s.kernel[1]);
    let (y, indices) = (Disjoint::new(y), Disjoint::new(indices));
    threads::for_each(s.batch * s.out_channels, threads::threads_for(sizes.work, GRAIN), |plane| {
        let (image, k) = (plane / s.out_channels, plane % s.out_channels);
        // SAFETY: every plane is taken once.
        let last = unsafe { y.slice(plane * pixels, pixels) };
        let mut unpooled = Buffer::scratch(if pool.is_some() { sizes.output_plane } else { 0 });
        let out = if pool.is_some() { &mut unpooled[..] } else { &mut *last };
        out.fill(bias.map_or(T::ZERO, |bias| bias[k]));
        for c in 0..sizes.inputs {
            let channel = image * s.in_channels + k / sizes.outputs * sizes.inputs + c;
            let x = &x[channel * sizes.input_plane..][..sizes.input_plane];
            let w = &w[k * sizes.taps + c * kernel..][..kernel];
            each_run(s, sizes.output, |tap, outputs, pixel| {
                let met = x[pixel..].iter().step_by(s.stride[1]);
                out[outputs].iter_mut().zip(met).for_each(|(out, &x)| *out += w[tap] * x);
            });
        }
        if relu {
            out.iter_mut().filter(|out| **out <= T::ZERO).for_each(|out| *out = T::ZERO);
        }
        if let Some(pool) = pool {
            // SAFETY: as above.
            pool2d::max_planes(pool, &unpooled, last, unsafe { indices.slice(plane * pixels, pixels) });
        }
    });
}

/// As [`backward`](super::backward::backward).
pub(super) fn backward<T: Vectors>(
    s: &Conv2dShape,
    sizes: &Sizes,
    pass: Conv2dPass<T>,
    bias: Option<&[T]>,
    gradients: Conv2dGradients<T>,
) {
    let Conv2dPass { x, w, relu, pool, dy } = pass;
    let Conv2dGradients { dx, dw, dbias } = gradients;
    let (pixels, kernel) = (sizes.last_plane, s.kernel[0] * s.kernel[1]);
    let threads = threads::threads_for(sizes.work, GRAIN);
    let zeros = relu.is_some() || pool.is_some();
    let mut plain = Buffer::scratch(if zeros { s.batch * s.out_channels * sizes.output_plane } else { 0 });
    for (plane, to) in plain.chunks_exact_mut(sizes.output_plane).enumerate() {
        let here = plane * pixels..(plane + 1) * pixels;
        isa::dispatch(Take {
            dy: &dy[here.clone()],
            relu: relu.map(|y| &y[here.clone()]),
            indices: pool.map(|(_, indices)| &indices[here]),
            to,
            plane: sizes.output_plane,
            sums: &mut [],
        });
    }
    let dy = if zeros { &plain[..] } else { dy };
    let of = |image: usize, k: usize| {
        &dy[(image * s.out_channels + k) * sizes.output_plane..][..sizes.output_plane]
    };
    if let Some(dx) = dx {
        let dx = Disjoint::new(dx);
        threads::for_each(s.batch * s.in_channels, threads, |plane| {
            let (image, channel) = (plane / s.in_channels, plane % s.in_channels);
            let (group, c) = (channel / sizes.inputs, channel % sizes.inputs);
            // SAFETY: every plane is taken once.
            let dx = unsafe { dx.slice(plane * sizes.input_plane, sizes.input_plane) };
            dx.fill(bias.map_or(T::ZERO, |bias| bias[channel]));
            for k in group * sizes.outputs..(group + 1) * sizes.outputs {
                let (dy, w) = (of(image, k), &w[k * sizes.taps + c * kernel..][..kernel]);
                each_run(s, sizes.output, |tap, outputs, pixel| {
                    let met = dx[pixel..].iter_mut().step_by(s.stride[1]);
                    met.zip(&dy[outputs]).for_each(|(dx, &dy)| *dx += w[tap] * dy);
                });
            }
        });
    }
    if let Some(dw) = dw {
        let dw = Disjoint::new(dw);
        // A channel's images in order, on one thread: the result does not depend on their number.
        threads::for_each(s.out_channels, threads, |k| {
            // SAFETY: every channel is taken once.
            let dw = unsafe { dw.slice(k * sizes.taps, sizes.taps) };
            dw.fill(T::ZERO);
            for (image, c) in (0..s.batch).flat_map(|image| (0..sizes.inputs).map(move |c| (image, c))) {
                let channel = image * s.in_channels + k / sizes.outputs * sizes.inputs + c;
                let x = &x[channel * sizes.input_plane..][..sizes.input_plane];
                let (dy, dw) = (of(image, k), &mut dw[c * kernel..][..kernel]);
                each_run(s, sizes.output, |tap, outputs, pixel| {
                    let met = x[pixel..].iter().step_by(s.stride[1]);
                    dw[tap] += dy[outputs].iter().zip(met).map(|(&dy, &x)| dy * x).sum::<T>();
                });
            }
        });
    }
    if let Some(dbias) = dbias {
        for (k, dbias) in dbias.iter_mut().enumerate() {
            *dbias = (0..s.batch).fold(T::ZERO, |total, image| total + sum(of(image, k)));
        }
    }
}
