//! Both gradients, an image at a time: the copy of its output gradients serves them both while it is in the second cache.

use super::grid::{GradientGrid, InputGrid, Phase};
use super::{
    Conv2dGradients, Conv2dPass, Conv2dShape, GRAIN, Sizes, blocked, correlate, depthwise, direct, pieces,
};
use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::isa::{self, Arch, Isa, Kernel};
use crate::pool2d::give_back;
use crate::real::Real;
use crate::threads;

/// Partial sums of the weights' gradient: each takes every image of its share in turn, and they are added in order, so
/// the result does not depend on the number of threads.
pub(super) const SHARES: usize = 16;

/// Taps from which the transposition that [`blocked`] needs is paid for by the products with each gradient.
const MANY: usize = 160;

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
    if direct::pays(s, sizes.output) {
        return direct::backward(s, &sizes, pass, bias, Conv2dGradients { dx, dw, dbias });
    }
    if depthwise::fits(&sizes) {
        return depthwise::backward(s, &sizes, pass, bias, Conv2dGradients { dx, dw, dbias });
    }
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
        let sources = relu.is_some() || pool.is_some();
        let mut copies = Copies::new(s, channels, sources, input.map(|input| input.0), weight);
        let mut scratch = Buffer::zeroed(weight.map_or(0, WeightSide::scratch));
        let mut image_copy = Buffer::scratch(weight.map_or(0, |weight| weight.grid.len()));
        for image in task.share * s.batch / shares..(task.share + 1) * s.batch / shares {
            let from = (image * s.out_channels + first) * sizes.last_plane;
            let part = from..from + channels * sizes.last_plane;
            let take = Take {
                dy: &dy[part.clone()],
                relu: relu.map(|y| &y[part.clone()]),
                indices: pool.map(|(_, indices)| &indices[part.clone()]),
                plane: sizes.output_plane,
                to: &mut [],
                sums: if weight.is_some_and(|side| side.blocked) {
                    &mut *bias_sums
                } else {
                    Default::default()
                },
            };
            copies.fill(take);
            let from = (image * s.groups + task.group) * sizes.inputs * sizes.input_plane;
            if let Some((side, piece)) = input {
                let part = sizes.inputs / input_pieces * sizes.input_plane;
                // SAFETY: no other task has this image, group and piece.
                let out = unsafe { dx.slice(from + piece * part, part) };
                side.run(&copies, task.group * input_pieces + piece, out);
            }
            if let Some(side) = weight {
                let image = &x[from..][..sizes.inputs * sizes.input_plane];
                let gradients = copies.source(&dy[part]);
                side.run(&copies, gradients, image, &mut image_copy, &mut scratch, sums, bias_sums);
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
    /// As they are, but with the zeros of a ReLU or of a pooling; and a vector's slack. Where nobody needs these, the
    /// gradients themselves are read.
    plain: Option<Buffer<T>>,
    /// In blocks of channels, and where the pixels of a plane are there.
    blocked: Option<(Buffer<T>, Vec<usize>)>,
    /// Plane after plane, padded.
    planes: Option<Buffer<T>>,
}

impl<T: Vectors> Copies<T> {
    fn new(
        s: &Conv2dShape,
        channels: usize,
        zeros: bool,
        input: Option<&InputSide<T>>,
        weight: Option<&WeightSide>,
    ) -> Self {
        let grid = GradientGrid::new(s, channels);
        let wants_blocked = input.is_some_and(InputSide::blocked) || weight.is_some_and(|side| side.blocked);
        let elements = channels * grid.output().into_iter().product::<usize>();
        let plain = (zeros || wants_blocked).then(|| Buffer::zeroed(elements + 16));
        let blocked =
            wants_blocked.then(|| (Buffer::zeroed(grid.blocked_len(blocked::block::<T>())), grid.pixels()));
        let planes = input.filter(|side| !side.blocked()).map(|_| Buffer::zeroed(grid.len()));
        Copies { grid, plain, blocked, planes }
    }

    /// Copies what `take` reads.
    fn fill(&mut self, take: Take<T>) {
        let (dy, len) = (take.dy, self.grid.channels * take.plane);
        if let Some(plain) = &mut self.plain {
            isa::dispatch(Take { to: &mut plain[..len], ..take });
        }
        if let (Some((grid, pixels)), Some(plain)) = (&mut self.blocked, &self.plain) {
            isa::dispatch(blocked::Spread {
                gradients: plain,
                pixels,
                grid,
                channels: self.grid.channels,
                plane: self.grid.blocked_plane(),
            });
        }
        if let Some(to) = &mut self.planes {
            let gradients = self.plain.as_ref().map_or(dy, |plain| &plain[..len]);
            isa::dispatch(Refill { grid: &self.grid, gradients, to });
        }
    }

    /// The gradients plane after plane, `dy` or what it became.
    fn source<'a>(&'a self, dy: &'a [T]) -> &'a [T] {
        self.plain.as_ref().map_or(dy, |plain| &plain[..plain.len() - 16])
    }
}

/// Copies gradients into their grid, plane after plane.
struct Refill<'a, T> {
    grid: &'a GradientGrid,
    gradients: &'a [T],
    to: &'a mut [T],
}

impl<T: Vectors> Kernel for Refill<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        match A::ISA {
            Isa::Avx512 => self.run_with::<T::Wide>(),
            Isa::Avx2 => self.run_with::<T::Half>(),
            _ => self.run_with::<Portable<A, T>>(),
        }
    }
}

impl<T: Vectors> Refill<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>>(self) {
        self.grid.refill::<T, L>(self.gradients, self.to);
    }
}

/// Copies gradients with the ReLU's zeros, in order, so that they are fetched ahead; those of a max-pooling go back to the
/// elements it chose. Adds each channel's to `sums`, where there are any.
pub(super) struct Take<'a, T> {
    pub dy: &'a [T],
    pub relu: Option<&'a [T]>,
    pub indices: Option<&'a [u32]>,
    pub to: &'a mut [T],
    /// Elements of a plane of `to`.
    pub plane: usize,
    pub sums: &'a mut [T],
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
                let pooled = dy.len() / (to.len() / plane).max(1);
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
        // Without channels there are no pieces of their biases.
        let bias = self.bias.as_ref().map(|bias| bias.get(piece).map_or(&[][..], |bias| &bias[..]));
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
        let blocked = blocked::pays::<T>(sizes.outputs) && sizes.taps >= MANY;
        let sums = if blocked { blocked::sums_len::<T>(channels, sizes.taps) } else { channels * sizes.taps };
        WeightSide { offsets: grid.taps(), grid, blocked, parts: s.groups * pieces, channels, sums }
    }

    /// Elements of all sums of a piece.
    fn part(&self) -> usize {
        self.sums + self.channels
    }

    /// Elements of the memory that sums along rows need.
    fn scratch(&self) -> usize {
        if self.blocked { 0 } else { self.channels * correlate::pitch(self.grid.width, self.grid.columns()) }
    }

    /// Adds an image's products, and its gradients to those of the biases where nobody did that before.
    fn run<T: Vectors>(
        &self,
        copies: &Copies<T>,
        gradients: &[T],
        image: &[T],
        copy: &mut [T],
        scratch: &mut [T],
        sums: &mut [T],
        totals: &mut [T],
    ) {
        let grid = if self.blocked && self.grid.is_image() {
            image
        } else {
            self.grid.fill(image, copy);
            &*copy
        };
        match &copies.blocked {
            Some((gradients, _)) if self.blocked => isa::dispatch(blocked::WeightSums {
                from: &copies.grid,
                gradients,
                offsets: &self.offsets,
                grid,
                width: self.grid.width,
                sums,
            }),
            _ => isa::dispatch(correlate::Dots {
                gradients,
                channels: self.channels,
                rows: self.grid.rows(),
                columns: self.grid.columns(),
                width: self.grid.width,
                offsets: &self.offsets,
                grid,
                scratch,
                sums,
                totals,
            }),
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
            for (piece, dw) in dw.chunks_exact_mut((self.channels * taps).max(1)).enumerate() {
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
            for (piece, dbias) in dbias.chunks_exact_mut(self.channels.max(1)).enumerate() {
                dbias.copy_from_slice(&total[piece * part + self.sums..][..self.channels]);
            }
        }
    }
}

/// The sum in sixteen lanes, so that it is fast and rounds little.
#[inline(always)]
pub(super) fn sum<T: Real>(values: &[T]) -> T {
    let chunks = values.chunks_exact(16);
    let rest: T = chunks.remainder().iter().copied().sum();
    let mut lanes = [T::ZERO; 16];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &value)| *lane += value);
    }
    lanes.into_iter().sum::<T>() + rest
}
