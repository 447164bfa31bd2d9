//! Batch normalisation (Ioffe and Szegedy 2015) of arrays seen as `n x channels x inner`: each channel to mean 0 and
//! variance 1, then scaled and shifted.

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::reduce::{Reduce, columns, slice, sum_map, sum_map2};
use crate::strided::{CHEAP_GRAIN, CHUNK};
use crate::threads::{for_each, for_each_chunk, threads_for};

/// Batch normalisation; `inner` is 1 for feature vectors and the image's area for images.
pub trait BatchNorm: Math {
    /// `out = (x - mean) / sqrt(var + eps) * weight + bias` with the batch's own mean and (biased) variance of each
    /// channel, which are written too.
    fn batch_norm_train(
        x: &[Self],
        channels: usize,
        inner: usize,
        weight: Option<&[Self]>,
        bias: Option<&[Self]>,
        eps: Self,
        out: &mut [Self],
        mean: &mut [Self],
        var: &mut [Self],
    );

    /// The same with given means and variances.
    fn batch_norm_eval(
        x: &[Self],
        channels: usize,
        inner: usize,
        mean: &[Self],
        var: &[Self],
        weight: Option<&[Self]>,
        bias: Option<&[Self]>,
        eps: Self,
        out: &mut [Self],
    );

    /// The gradients that are asked for. With `h = (x - mean) / sqrt(var + eps)`, means over a channel:
    /// `dx = weight / sqrt(var + eps) (dy - mean(dy) - h mean(dy h))`, `dweight = sum dy h`, `dbias = sum dy`.
    fn batch_norm_train_backward(
        dy: &[Self],
        x: &[Self],
        channels: usize,
        inner: usize,
        weight: Option<&[Self]>,
        mean: &[Self],
        var: &[Self],
        eps: Self,
        dx: Option<&mut [Self]>,
        dweight: Option<&mut [Self]>,
        dbias: Option<&mut [Self]>,
    );

    /// The gradients of [`BatchNorm::batch_norm_eval`]: mean and variance are constants, so
    /// `dx = dy weight / sqrt(var + eps)`.
    fn batch_norm_eval_backward(
        dy: &[Self],
        x: &[Self],
        channels: usize,
        inner: usize,
        mean: &[Self],
        var: &[Self],
        weight: Option<&[Self]>,
        eps: Self,
        dx: Option<&mut [Self]>,
        dweight: Option<&mut [Self]>,
        dbias: Option<&mut [Self]>,
    );
}

macro_rules! batch_norm {
    ($($t:ty),*) => { $(
        impl BatchNorm for $t {
            fn batch_norm_train(
                x: &[Self],
                channels: usize,
                inner: usize,
                weight: Option<&[Self]>,
                bias: Option<&[Self]>,
                eps: Self,
                out: &mut [Self],
                mean: &mut [Self],
                var: &mut [Self],
            ) {
                let layout = Layout { channels, inner };
                statistics(x, layout, mean, var);
                normalise(x, layout, mean, var, weight, bias, eps, out);
            }
            fn batch_norm_eval(
                x: &[Self],
                channels: usize,
                inner: usize,
                mean: &[Self],
                var: &[Self],
                weight: Option<&[Self]>,
                bias: Option<&[Self]>,
                eps: Self,
                out: &mut [Self],
            ) {
                normalise(x, Layout { channels, inner }, mean, var, weight, bias, eps, out);
            }
            fn batch_norm_train_backward(
                dy: &[Self],
                x: &[Self],
                channels: usize,
                inner: usize,
                weight: Option<&[Self]>,
                mean: &[Self],
                var: &[Self],
                eps: Self,
                dx: Option<&mut [Self]>,
                dweight: Option<&mut [Self]>,
                dbias: Option<&mut [Self]>,
            ) {
                let layout = Layout { channels, inner };
                backward(true, dy, x, layout, mean, var, weight, eps, [dx, dweight, dbias]);
            }
            fn batch_norm_eval_backward(
                dy: &[Self],
                x: &[Self],
                channels: usize,
                inner: usize,
                mean: &[Self],
                var: &[Self],
                weight: Option<&[Self]>,
                eps: Self,
                dx: Option<&mut [Self]>,
                dweight: Option<&mut [Self]>,
                dbias: Option<&mut [Self]>,
            ) {
                let layout = Layout { channels, inner };
                backward(false, dy, x, layout, mean, var, weight, eps, [dx, dweight, dbias]);
            }
        }
    )* };
}
batch_norm!(f32, f64);

/// How an array's elements belong to channels.
#[derive(Clone, Copy, Debug)]
struct Layout {
    channels: usize,
    inner: usize,
}

impl Layout {
    fn check<T>(self, x: &[T], per_channel: &[&[T]]) {
        let sample = self.channels * self.inner;
        assert!(
            x.len().checked_rem(sample).unwrap_or(x.len()) == 0,
            "batch_norm of {} elements in samples of {} x {}",
            x.len(),
            self.channels,
            self.inner
        );
        assert!(
            per_channel.iter().all(|p| p.len() == self.channels),
            "batch_norm parameters for {} channels",
            self.channels
        );
    }

    /// How many elements a channel has.
    fn count<T>(self, x: &[T]) -> usize {
        x.len().checked_div(self.channels).unwrap_or(0)
    }

    /// Elements of the runs that are cut no further: a channel's share of a sample, or a sample of single elements.
    fn run(self) -> usize {
        (if self.inner == 1 { self.channels } else { self.inner }).max(1)
    }
}

/// Mean and biased variance of each channel.
fn statistics<T: Math>(x: &[T], layout: Layout, mean: &mut [T], var: &mut [T]) {
    layout.check(x, &[mean, var]);
    let Layout { channels, inner } = layout;
    let n = layout.count(x) as f64;
    let samples = x.len() / (channels * inner).max(1);
    let (mut means, mut squares) = (Buffer::<f64>::scratch(channels), Buffer::<f64>::scratch(channels));
    if inner == 1 {
        columns::reduce(Reduce::Sum, x, 1, samples, channels, &mut means);
        means.iter_mut().for_each(|mean| *mean /= n);
        columns::centered_squares(x, samples, channels, &means, &mut squares);
    } else {
        let mut runs = Buffer::<f64>::scratch(samples * channels);
        slice::rows(Reduce::Sum, x, inner, &mut runs);
        columns::reduce(Reduce::Sum, &runs, 1, samples, channels, &mut means);
        means.iter_mut().for_each(|mean| *mean /= n);
        slice::centered_squares(x, inner, &means, &mut runs);
        columns::reduce(Reduce::Sum, &runs, 1, samples, channels, &mut squares);
    }
    mean.iter_mut().zip(&*means).for_each(|(mean, value)| *mean = T::from_f64(*value));
    var.iter_mut().zip(&*squares).for_each(|(var, value)| *var = T::from_f64(*value / n));
}

/// What the loops need of each channel: `out = (x - mean) scale + shift`.
struct Channels<T: Math> {
    mean: Buffer<T>,
    scale: Buffer<T>,
    shift: Buffer<T>,
}

fn rstd<T: Math>(var: T, eps: T) -> f64 {
    1.0 / (var.to_f64() + eps.to_f64()).sqrt()
}

fn normalise<T: Math>(
    x: &[T],
    layout: Layout,
    mean: &[T],
    var: &[T],
    weight: Option<&[T]>,
    bias: Option<&[T]>,
    eps: T,
    out: &mut [T],
) {
    layout.check(x, &[mean, var, weight.unwrap_or(mean), bias.unwrap_or(mean)]);
    assert_eq!(x.len(), out.len(), "batch_norm of {} elements into {}", x.len(), out.len());
    let weight_of = |c: usize| weight.map_or(1.0, |weight| weight[c].to_f64());
    let channels = Channels {
        mean: Buffer::copy_of(mean),
        scale: (0..layout.channels).map(|c| T::from_f64(rstd(var[c], eps) * weight_of(c))).collect(),
        shift: bias.map_or_else(|| Buffer::zeroed(layout.channels), Buffer::copy_of),
    };
    let chunk = (CHUNK / layout.run()).max(1) * layout.run();
    for_each_chunk(out, chunk, CHEAP_GRAIN, |start, out| {
        dispatch(Normalise { x: &x[start..start + out.len()], start, layout, channels: &channels, out });
    });
}

struct Normalise<'a, T: Math> {
    x: &'a [T],
    start: usize,
    layout: Layout,
    channels: &'a Channels<T>,
    out: &'a mut [T],
}

impl<T: Math> Kernel for Normalise<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Normalise { x, start, layout, channels, out } = self;
        let Channels { mean, scale, shift } = channels;
        let run = layout.run();
        for (i, (x, out)) in x.chunks(run).zip(out.chunks_mut(run)).enumerate() {
            if layout.inner == 1 {
                let parameters = mean.iter().zip(&**scale).zip(&**shift);
                for ((out, x), ((mean, scale), shift)) in out.iter_mut().zip(x).zip(parameters) {
                    *out = A::fma(*x - *mean, *scale, *shift);
                }
            } else {
                let c = (start / run + i) % layout.channels;
                let (mean, scale, shift) = (mean[c], scale[c], shift[c]);
                for (out, x) in out.iter_mut().zip(x) {
                    *out = A::fma(*x - mean, scale, shift);
                }
            }
        }
    }
}

fn backward<T: Math>(
    train: bool,
    dy: &[T],
    x: &[T],
    layout: Layout,
    mean: &[T],
    var: &[T],
    weight: Option<&[T]>,
    eps: T,
    [dx, dweight, dbias]: [Option<&mut [T]>; 3],
) {
    layout.check(x, &[mean, var, weight.unwrap_or(mean)]);
    assert_eq!(dy.len(), x.len(), "batch_norm gradient of {} elements", x.len());
    let rstd: Buffer<f64> = var.iter().map(|var| rstd(*var, eps)).collect();
    let n = layout.count(x) as f64;

    // Sums over each channel of `dy` and `dy h`.
    let sums = if train || dweight.is_some() || dbias.is_some() {
        let mut sums = channel_sums(dy, x, layout, mean);
        sums[layout.channels..].iter_mut().zip(&*rstd).for_each(|(sum, rstd)| *sum *= *rstd);
        sums
    } else {
        Buffer::zeroed(2 * layout.channels)
    };
    let (dy_sum, dyh_sum) = sums.split_at(layout.channels);
    for (out, sum) in [(dbias, dy_sum), (dweight, dyh_sum)] {
        let Some(out) = out else { continue };
        assert_eq!(out.len(), layout.channels, "a gradient for each channel");
        out.iter_mut().zip(sum).for_each(|(out, sum)| *out = T::from_f64(*sum));
    }

    let Some(dx) = dx else { return };
    assert_eq!(dx.len(), x.len(), "a gradient for each input");
    // dx = dy scale - (x - mean) slope - offset
    let scale = |c: usize| weight.map_or(1.0, |weight| weight[c].to_f64()) * rstd[c];
    let batch = if train { 1.0 / n } else { 0.0 };
    let terms = Terms {
        mean: Buffer::copy_of(mean),
        scale: (0..layout.channels).map(|c| T::from_f64(scale(c))).collect(),
        slope: (0..layout.channels).map(|c| T::from_f64(scale(c) * batch * dyh_sum[c] * rstd[c])).collect(),
        offset: (0..layout.channels).map(|c| T::from_f64(scale(c) * batch * dy_sum[c])).collect(),
    };
    let chunk = (CHUNK / layout.run()).max(1) * layout.run();
    for_each_chunk(dx, chunk, CHEAP_GRAIN, |start, dx| {
        let piece = start..start + dx.len();
        dispatch(Backward { dy: &dy[piece.clone()], x: &x[piece], start, layout, terms: &terms, dx });
    });
}

struct Terms<T: Math> {
    mean: Buffer<T>,
    scale: Buffer<T>,
    slope: Buffer<T>,
    offset: Buffer<T>,
}

struct Backward<'a, T: Math> {
    dy: &'a [T],
    x: &'a [T],
    start: usize,
    layout: Layout,
    terms: &'a Terms<T>,
    dx: &'a mut [T],
}

impl<T: Math> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { dy, x, start, layout, terms, dx } = self;
        let Terms { mean, scale, slope, offset } = terms;
        let run = layout.run();
        for (i, ((dx, dy), x)) in dx.chunks_mut(run).zip(dy.chunks(run)).zip(x.chunks(run)).enumerate() {
            if layout.inner == 1 {
                let terms = mean.iter().zip(&**scale).zip(&**slope).zip(&**offset);
                let values = dx.iter_mut().zip(dy).zip(x);
                for (((dx, dy), x), (((mean, scale), slope), offset)) in values.zip(terms) {
                    *dx = *dy * *scale - (*x - *mean) * *slope - *offset;
                }
            } else {
                let c = (start / run + i) % layout.channels;
                let (mean, scale, slope, offset) = (mean[c], scale[c], slope[c], offset[c]);
                for ((dx, dy), x) in dx.iter_mut().zip(dy).zip(x) {
                    *dx = *dy * scale - (*x - mean) * slope - offset;
                }
            }
        }
    }
}

/// `sum dy` of each channel, then `sum dy (x - mean)` of each.
fn channel_sums<T: Math>(dy: &[T], x: &[T], layout: Layout, mean: &[T]) -> Buffer<f64> {
    let channels = layout.channels;
    let run = layout.run();
    // Partial sums: one pair a run of one channel, or one row of pairs a piece of rows.
    let height = if layout.inner == 1 { (4 * CHUNK / run).max(1) } else { 1 };
    let pieces = x.len().div_ceil(height * run);
    let width = if layout.inner == 1 { channels } else { 1 };
    let rows = if layout.inner == 1 { pieces } else { pieces / channels.max(1) };
    let mut partial = Buffer::<f64>::zeroed(2 * rows * channels);
    {
        let (first, second) = partial.split_at_mut(rows * channels);
        let (first, second) = (Disjoint::new(first), Disjoint::new(second));
        // Short runs are grouped into tasks.
        let group = (CHUNK / (height * run)).max(1);
        for_each(pieces.div_ceil(group), threads_for(x.len(), CHEAP_GRAIN), |g| {
            let from = g * group;
            let to = pieces.min(from + group);
            let piece = from * height * run..x.len().min(to * height * run);
            // SAFETY: tasks do not overlap.
            let (dy_sum, dyx_sum) = unsafe {
                (
                    first.slice(from * width, (to - from) * width),
                    second.slice(from * width, (to - from) * width),
                )
            };
            let (dy, x) = (&dy[piece.clone()], &x[piece]);
            dispatch(ChannelSums { dy, x, from, height, layout, mean, dy_sum, dyx_sum });
        });
    }
    let mut sums = Buffer::<f64>::scratch(2 * channels);
    columns::reduce(Reduce::Sum, &partial, 2, rows, channels, &mut sums);
    sums
}

struct ChannelSums<'a, T> {
    dy: &'a [T],
    x: &'a [T],
    from: usize,
    height: usize,
    layout: Layout,
    mean: &'a [T],
    dy_sum: &'a mut [f64],
    dyx_sum: &'a mut [f64],
}

impl<T: Math> Kernel for ChannelSums<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let ChannelSums { dy, x, from, height, layout, mean, dy_sum, dyx_sum } = self;
        let run = layout.run();
        if layout.inner == 1 {
            let sums = dy_sum.chunks_exact_mut(run).zip(dyx_sum.chunks_exact_mut(run));
            for ((dy, x), (dy_sum, dyx_sum)) in dy.chunks(height * run).zip(x.chunks(height * run)).zip(sums)
            {
                for (dy, x) in dy.chunks_exact(run).zip(x.chunks_exact(run)) {
                    let sums = dy_sum.iter_mut().zip(&mut *dyx_sum);
                    for (((dy, x), mean), (dy_sum, dyx_sum)) in dy.iter().zip(x).zip(mean).zip(sums) {
                        *dy_sum += dy.to_f64();
                        *dyx_sum += (*dy * (*x - *mean)).to_f64();
                    }
                }
            }
            return;
        }
        let sums = dy_sum.iter_mut().zip(dyx_sum);
        for (i, ((dy, x), (dy_sum, dyx_sum))) in dy.chunks(run).zip(x.chunks(run)).zip(sums).enumerate() {
            let mean = mean[(from + i) % layout.channels].to_f64();
            *dy_sum = sum_map(dy, |dy| dy);
            *dyx_sum = sum_map2(dy, x, |dy, x| dy * (x - mean));
        }
    }
}
