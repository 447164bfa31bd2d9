//! Both gradients, an image at a time: the copy of its output gradients serves them both while it is in the second cache.

use super::grid::{GradientGrid, InputGrid, Phase};
use super::{Conv2dGradients, Conv2dPass, Conv2dShape, GRAIN, Sizes, blocked, correlate, pieces};
use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::isa::{self, Arch, Kernel};
use crate::pool2d::give_back;
use crate::real::Real;
use crate::threads;

/// Partial sums of the weights' gradient: each takes every image of its share in turn, and they are added in order, so
/// the result does not depend on the number of threads.
const SHARES: usize = 16;

/// One share of the images, one group of their channels, and what is computed of it.
struct Task {
    share: usize,
    group: usize,
    /// The piece of the input channels whose gradient is wanted.
    input: Option<usize>,
    /// The piece of the output channels whose weights' gradient is wanted.
    weight: Option<usize>,
}

/// `bias` is added to the images' gradient, which is the output of a transposed convolution.
pub(super) fn backward<T: Vectors>(
    s: &Conv2dShape,
    pass: Conv2dPass<T>,
    bias: Option<&[T]>,
    gradients: Conv2dGradients<T>,
) {
    let Conv2dPass { x, w, relu, pool, dy } = pass;
    let Conv2dGradients { dx, dw, dbias } = gradients;
    let (wants_input, wants_weight) = (dx.is_some(), dw.is_some() || dbias.is_some());
    let images = s.batch * s.in_channels * s.input[0] * s.input[1];
    let read = if wants_weight { x.len() } else { images };
    let sizes = Sizes::check(s, pool.map(|pool| pool.0), read, w.len(), dy.len());
    assert!(relu.is_none_or(|y| y.len() == dy.len()), "an output for each of its gradients");
    assert!(pool.is_none_or(|(_, indices)| indices.len() == dy.len()), "an index for each gradient");
    assert!(dx.as_ref().is_none_or(|dx| dx.len() == images), "a gradient for each pixel");
    assert!(bias.is_none_or(|bias| bias.len() == s.in_channels), "one bias for each channel of the images");
    assert!(dw.as_ref().is_none_or(|dw| dw.len() == w.len()), "a gradient for each weight");
    assert!(dbias.as_ref().is_none_or(|db| db.len() == s.out_channels), "one bias for each output channel");
    let shares = s.batch.min(SHARES);
    let pieces_of = |channels| {
        let unit = if blocked::pays::<T>(channels) { blocked::vector::<T>() } else { 1 };
        pieces(shares * s.groups, channels, unit, sizes.work)
    };
    let (input_pieces, weight_pieces) = (pieces_of(sizes.inputs), pieces_of(sizes.outputs));
    let input = wants_input.then(|| InputSide::new(s, &sizes, w, bias, input_pieces));
    let weight = wants_weight.then(|| WeightSide::new::<T>(s, &sizes, weight_pieces));

    let together = input_pieces == 1 && weight_pieces == 1;
    let mut tasks = Vec::new();
    for (share, group) in (0..shares).flat_map(|share| (0..s.groups).map(move |group| (share, group))) {
        if together {
            tasks.push(Task {
                share,
                group,
                input: wants_input.then_some(0),
                weight: wants_weight.then_some(0),
            });
        } else {
            let pieces = if wants_input { input_pieces } else { 0 };
            tasks.extend((0..pieces).map(|i| Task { share, group, input: Some(i), weight: None }));
            let pieces = if wants_weight { weight_pieces } else { 0 };
            tasks.extend((0..pieces).map(|i| Task { share, group, input: None, weight: Some(i) }));
        }
    }
    let part = weight.as_ref().map_or(0, WeightSide::part);
    let mut partial = Buffer::<T>::zeroed(shares * s.groups * weight_pieces * part);
    let partials = Disjoint::new(&mut partial);
    let dx = Disjoint::new(dx.unwrap_or_default());
    let body = |task: usize| {
        let task = &tasks[task];
        // What this task reads of an image's output gradients: all channels of the group, or one piece of them.
        let channels = sizes.outputs / if task.input.is_some() { 1 } else { weight_pieces };
        let first = task.group * sizes.outputs + task.weight.unwrap_or(0) * channels;
        let index = (task.share * s.groups + task.group) * weight_pieces + task.weight.unwrap_or(0);
        // SAFETY: no other task has this share, group and piece.
        let sums = unsafe { partials.slice(index * part, if task.weight.is_some() { part } else { 0 }) };
        let (sums, bias_sums) = sums.split_at_mut(sums.len().saturating_sub(channels));
        let input = input.as_ref().zip(task.input);
        let weight = weight.as_ref().filter(|_| task.weight.is_some());
        let mut copies = Copies::new(s, channels, input.map(|input| input.0), weight);
        let mut image_copy = Buffer::scratch(weight.map_or(0, |weight| weight.grid.len()));
        for image in task.share * s.batch / shares..(task.share + 1) * s.batch / shares {
            let from = (image * s.out_channels + first) * sizes.last_plane;
            let part = from..from + channels * sizes.last_plane;
            let take = Take {
                dy: &dy[part.clone()],
                relu: relu.map(|y| &y[part.clone()]),
                indices: pool.map(|(_, indices)| &indices[part]),
                plane: sizes.output_plane,
                to: &mut [],
                sums: bias_sums,
            };
            copies.fill(take, weight);
            let from = (image * s.groups + task.group) * sizes.inputs * sizes.input_plane;
            if let Some((side, piece)) = input {
                let part = sizes.inputs / input_pieces * sizes.input_plane;
                // SAFETY: no other task has this image, group and piece.
                let out = unsafe { dx.slice(from + piece * part, part) };
                side.run(&copies, task.group * input_pieces + piece, out);
            }
            if let Some(side) = weight {
                side.run(&copies, &x[from..][..sizes.inputs * sizes.input_plane], &mut image_copy, sums);
            }
        }
    };
    threads::for_each(tasks.len(), threads::threads_for(sizes.work, GRAIN), body);
    if let Some(side) = weight {
        side.collect(&mut partial, shares, dw, dbias);
    }
}

/// An image's output gradients in the forms that the inner loops read.
struct Copies<T: Vectors> {
    grid: GradientGrid,
    /// As they are, but with the ReLU's zeros; and a vector's slack.
    plain: Buffer<T>,
    /// In blocks of channels, and where the pixels of a plane are there.
    blocked: Option<(Buffer<T>, Vec<usize>)>,
    /// Plane after plane, padded.
    planes: Option<Buffer<T>>,
    /// Rows numbered along those of the input's grid, and their length.
    rows: Option<(Buffer<T>, usize)>,
}

impl<T: Vectors> Copies<T> {
    fn new(
        s: &Conv2dShape,
        channels: usize,
        input: Option<&InputSide<T>>,
        weight: Option<&WeightSide>,
    ) -> Self {
        let grid = GradientGrid::new(s, channels);
        let plain = Buffer::zeroed(channels * grid.output().into_iter().product::<usize>() + 16);
        let wants_blocked = input.is_some_and(InputSide::blocked) || weight.is_some_and(|side| side.blocked);
        let blocked =
            wants_blocked.then(|| (Buffer::zeroed(grid.blocked_len(blocked::block::<T>())), grid.pixels()));
        let planes = input.filter(|side| !side.blocked()).map(|_| Buffer::scratch(grid.len()));
        let rows = weight.filter(|side| !side.blocked).map(|side| {
            let run = side.grid.run().next_multiple_of(16);
            (Buffer::scratch(channels * run), run)
        });
        Copies { grid, plain, blocked, planes, rows }
    }

    /// Copies what `take` reads.
    fn fill(&mut self, take: Take<T>, weight: Option<&WeightSide>) {
        let plane = take.plane;
        let len = self.grid.channels * plane;
        isa::dispatch(Take { to: &mut self.plain[..len], ..take });
        if let Some((grid, pixels)) = &mut self.blocked {
            isa::dispatch(blocked::Spread {
                gradients: &self.plain,
                pixels,
                grid,
                channels: self.grid.channels,
                plane: self.grid.blocked_plane(),
            });
        }
        let plain = &self.plain[..len];
        if let Some(grid) = &mut self.planes {
            self.grid.fill(plain, grid);
        }
        if let (Some((rows, run)), Some(side)) = (&mut self.rows, weight) {
            let planes = plain.chunks_exact(plane);
            rows.chunks_exact_mut(*run).zip(planes).for_each(|(row, plane)| side.grid.spread(plane, row));
        }
    }
}

/// Copies gradients with the ReLU's zeros, in order, so that they are fetched ahead; those of a max-pooling go back to the
/// elements it chose. Adds each channel's to `sums`, where there are any.
struct Take<'a, T> {
    dy: &'a [T],
    relu: Option<&'a [T]>,
    indices: Option<&'a [u32]>,
    to: &'a mut [T],
    /// Elements of a plane of `to`.
    plane: usize,
    sums: &'a mut [T],
}

impl<T: Real> Kernel for Take<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let passed = |dy: T, y: T| if y <= T::ZERO { T::ZERO } else { dy };
        let Take { dy, relu, indices, to, plane, sums } = self;
        match (indices, relu) {
            (None, None) => to.copy_from_slice(dy),
            (None, Some(relu)) => {
                to.iter_mut().zip(dy).zip(relu).for_each(|((to, &dy), &y)| *to = passed(dy, y));
            }
            (Some(indices), relu) => {
                to.fill(T::ZERO);
                let pooled = dy.len() / (to.len() / plane);
                for (channel, to) in to.chunks_exact_mut(plane).enumerate() {
                    let part = channel * pooled..(channel + 1) * pooled;
                    let chosen = indices[part.clone()].iter().copied().zip(dy[part.clone()].iter().copied());
                    match relu {
                        None => give_back(to, chosen),
                        Some(relu) => {
                            let chosen = chosen.zip(&relu[part]);
                            give_back(to, chosen.map(|((index, dy), &y)| (index, passed(dy, y))));
                        }
                    }
                }
            }
        }
        for (total, gradients) in sums.iter_mut().zip(to.chunks_exact(plane)) {
            *total += sum(gradients);
        }
    }
}

/// How the images' gradient is computed: a convolution of the output's, for each of the stride's phases.
struct InputSide<T> {
    phases: Vec<Phase>,
    /// Every phase's taps.
    offsets: Vec<Vec<usize>>,
    /// For every piece of every group, and for every phase.
    weights: Weights<T>,
    /// What is added to every element of a channel, for every piece of every group.
    bias: Option<Vec<Vec<T>>>,
    /// Elements of a plane.
    plane: usize,
    /// Whether the phases leave out some elements.
    sparse: bool,
}

/// Weights as the inner loops read them.
enum Weights<T> {
    Blocked(Vec<blocked::Weights<T>>),
    Packed(Vec<correlate::Packed<T>>),
}

impl<T: Vectors> InputSide<T> {
    fn new(s: &Conv2dShape, sizes: &Sizes, w: &[T], bias: Option<&[T]>, pieces: usize) -> Self {
        let grid = GradientGrid::new(s, sizes.outputs);
        let phases = grid.phases();
        let channels = sizes.inputs / pieces;
        let bias_of = |piece: usize| bias.map(|bias| &bias[piece * channels..][..channels]);
        let blocked = blocked::pays::<T>(sizes.inputs);
        // The channels that follow each other in the grid, before the next tap.
        let block = if blocked { blocked::block::<T>() } else { 1 };
        // Output channels and places in the kernel, in the order of the taps.
        let taps: Vec<Vec<(usize, (usize, usize))>> = phases
            .iter()
            .map(|phase| {
                let mut taps = Vec::with_capacity(sizes.outputs * phase.taps.len());
                for first in (0..sizes.outputs).step_by(block) {
                    let channels = first..sizes.outputs.min(first + block);
                    taps.extend(phase.taps.iter().flat_map(|&tap| channels.clone().map(move |k| (k, tap))));
                }
                taps
            })
            .collect();
        let plane = if blocked { grid.blocked_plane() } else { grid.plane() };
        let offset =
            |&(k, (_, pixel)): &(usize, (usize, usize))| (k / block * plane + pixel) * block + k % block;
        let offsets = taps.iter().map(|taps| taps.iter().map(offset).collect()).collect();
        let kernel = s.kernel[0] * s.kernel[1];
        // One matrix for every piece of every group, and for every phase.
        let each = (0..s.groups * pieces).flat_map(|piece| {
            let (group, first) = (piece / pieces * sizes.outputs, piece % pieces * channels);
            taps.iter().map(move |taps| (piece, group, first, taps))
        });
        let weight = |group: usize, first: usize, (k, (place, _)): (usize, (usize, usize)), row: usize| {
            w[(group + k) * sizes.taps + (first + row) * kernel + place]
        };
        let weights = if blocked {
            let pack = |(piece, group, first, taps): (usize, usize, usize, &Vec<_>)| {
                let weight = |row, t| weight(group, first, taps[t], row);
                blocked::Weights::new(channels, taps.len(), bias_of(piece), weight)
            };
            Weights::Blocked(each.map(pack).collect())
        } else {
            let pack = |(_, group, first, taps): (usize, usize, usize, &Vec<_>)| {
                correlate::Packed::new(channels, taps.len(), |row, t| weight(group, first, taps[t], row))
            };
            Weights::Packed(each.map(pack).collect())
        };
        let bias = bias.map(|bias| bias.chunks_exact(channels.max(1)).map(<[T]>::to_vec).collect());
        InputSide { phases, offsets, weights, bias, plane: sizes.input_plane, sparse: s.stride != [1, 1] }
    }

    fn blocked(&self) -> bool {
        matches!(self.weights, Weights::Blocked(_))
    }

    /// Computes one piece of one group's channels of an image.
    fn run(&self, copies: &Copies<T>, piece: usize, out: &mut [T]) {
        let bias = self.bias.as_ref().map(|bias| &bias[piece][..]);
        if self.sparse {
            // Between the elements that some phase writes, there may be some that no tap reaches.
            match bias {
                None => out.fill(T::ZERO),
                Some(bias) => {
                    out.chunks_exact_mut(self.plane).zip(bias).for_each(|(out, &bias)| out.fill(bias));
                }
            }
        }
        for (i, phase) in self.phases.iter().enumerate() {
            let (offsets, index) = (&self.offsets[i], piece * self.phases.len() + i);
            match (&self.weights, &copies.blocked, &copies.planes) {
                (Weights::Blocked(weights), Some((grid, _)), _) => isa::dispatch(blocked::Correlation {
                    weights: &weights[index],
                    offsets,
                    grid,
                    blocked: true,
                    rows: phase.rows,
                    place: phase.place,
                    relu: false,
                    out: &mut *out,
                    plane: self.plane,
                }),
                (Weights::Packed(weights), _, Some(grid)) => isa::dispatch(correlate::Correlation {
                    weights: &weights[index],
                    offsets,
                    grid,
                    rows: phase.rows,
                    bias,
                    place: phase.place,
                    relu: false,
                    out: &mut *out,
                    plane: self.plane,
                }),
                _ => unreachable!("the copies are made for this side"),
            }
        }
    }
}

/// How the weights' gradient is computed: from sums over the images of a share, first.
struct WeightSide {
    grid: InputGrid,
    offsets: Vec<usize>,
    blocked: bool,
    /// Groups of channels, and their pieces.
    parts: usize,
    /// Output channels of a piece.
    channels: usize,
    /// Elements of the weights' sums of a piece; the biases' follow.
    sums: usize,
}

impl WeightSide {
    fn new<T: Vectors>(s: &Conv2dShape, sizes: &Sizes, pieces: usize) -> Self {
        let grid = InputGrid::new(s);
        let channels = sizes.outputs / pieces;
        let blocked = blocked::pays::<T>(sizes.outputs);
        let sums = if blocked { blocked::sums_len::<T>(channels, sizes.taps) } else { channels * sizes.taps };
        WeightSide { offsets: grid.taps(), grid, blocked, parts: s.groups * pieces, channels, sums }
    }

    /// Elements of all sums of a piece.
    fn part(&self) -> usize {
        self.sums + self.channels
    }

    /// Adds an image's products.
    fn run<T: Vectors>(&self, copies: &Copies<T>, image: &[T], copy: &mut [T], sums: &mut [T]) {
        let grid = if self.blocked && self.grid.is_image() {
            image
        } else {
            self.grid.fill(image, copy);
            &*copy
        };
        match (&copies.blocked, &copies.rows) {
            (_, Some((gradients, run))) => isa::dispatch(correlate::Dots {
                gradients,
                rows: self.channels,
                run: *run,
                offsets: &self.offsets,
                grid,
                sums,
            }),
            (Some((gradients, _)), None) => isa::dispatch(blocked::WeightSums {
                from: &copies.grid,
                gradients,
                offsets: &self.offsets,
                grid,
                width: self.grid.width,
                sums,
            }),
            (None, None) => unreachable!("the copies are made for this side"),
        }
    }

    /// Adds the shares up, in order.
    fn collect<T: Vectors>(
        &self,
        partial: &mut [T],
        shares: usize,
        dw: Option<&mut [T]>,
        dbias: Option<&mut [T]>,
    ) {
        let part = self.part();
        let (total, others) = partial.split_at_mut((self.parts * part).min(partial.len()));
        for share in others.chunks_exact(total.len().max(1)) {
            total.iter_mut().zip(share).for_each(|(total, &sum)| *total += sum);
        }
        if shares == 0 {
            dw.into_iter().chain(dbias).for_each(|gradient| gradient.fill(T::ZERO));
            return;
        }
        let taps = self.offsets.len();
        if let Some(dw) = dw {
            for (piece, dw) in dw.chunks_exact_mut(self.channels * taps).enumerate() {
                let sums = &total[piece * part..][..self.sums];
                if !self.blocked {
                    dw.copy_from_slice(sums);
                    continue;
                }
                for (channel, dw) in dw.chunks_exact_mut(taps).enumerate() {
                    let (start, step) = blocked::place_of_sums::<T>(self.channels, taps, channel);
                    dw.iter_mut().zip(sums[start..].iter().step_by(step)).for_each(|(dw, &sum)| *dw = sum);
                }
            }
        }
        if let Some(dbias) = dbias {
            for (piece, dbias) in dbias.chunks_exact_mut(self.channels).enumerate() {
                dbias.copy_from_slice(&total[piece * part + self.sums..][..self.channels]);
            }
        }
    }
}

/// The sum in sixteen lanes, so that it is fast and rounds little.
#[inline(always)]
fn sum<T: Real>(values: &[T]) -> T {
    let chunks = values.chunks_exact(16);
    let rest: T = chunks.remainder().iter().copied().sum();
    let mut lanes = [T::ZERO; 16];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &value)| *lane += value);
    }
    lanes.into_iter().sum::<T>() + rest
}
