//! Depthwise convolution: every channel by itself.
//!
//! There is no matrix in it to share loads with, only planes, most of them small: what counts is that a plane costs
//! little beyond its products. So padded copies are kept from plane to plane, for their zeros stay where they are; tiles of
//! outputs are summed up in registers and stored where they belong; and a plane's passes follow each other while it is in
//! the first cache.

use super::backward::{SHARES, Take, sum};
use super::grid::{GradientGrid, InputGrid, Phase, Place, copy_row};
use super::{Conv2dGradients, Conv2dPass, Conv2dShape, GRAIN, Sizes};
use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::gemm::tile;
use crate::isa::{self, Arch, Isa, Kernel};
use crate::pool2d::{self, Pool2dShape};
use crate::threads;

/// Planes of a task.
const PLANES: usize = 8;

/// Rows of outputs that a tile holds.
const ROWS: usize = 4;

/// Whether this is what is computed here.
pub(super) fn fits(sizes: &Sizes) -> bool {
    sizes.inputs == 1 && sizes.outputs == 1
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
    let grid = InputGrid::new(s);
    let offsets = grid.taps();
    let [rows, columns] = sizes.output;
    let place = Place { width: grid.width, columns, start: 0, row_stride: columns, col_stride: 1 };
    let (planes, pixels) = (s.batch * s.in_channels, sizes.last_plane);
    let (y, indices) = (Disjoint::new(y), Disjoint::new(indices));
    let tasks = if pixels == 0 { 0 } else { planes.div_ceil(PLANES) };
    threads::for_each(tasks, threads::threads_for(sizes.work, GRAIN), |task| {
        let mut copy = Buffer::zeroed(grid.len());
        let mut unpooled = Buffer::scratch(if pool.is_some() { sizes.output_plane } else { 0 });
        for plane in task * PLANES..planes.min((task + 1) * PLANES) {
            let channel = plane % s.in_channels;
            // SAFETY: every plane is taken once.
            let last = unsafe { y.slice(plane * pixels, pixels) };
            isa::dispatch(Forward {
                image: &x[plane * sizes.input_plane..][..sizes.input_plane],
                grid: &grid,
                copy: &mut copy,
                job: Correlation {
                    weights: &w[channel * sizes.taps..][..sizes.taps],
                    offsets: &offsets,
                    rows,
                    place,
                    bias: bias.map_or(T::ZERO, |bias| bias[channel]),
                    relu,
                },
                out: if pool.is_some() { &mut unpooled } else { &mut *last },
            });
            if let Some(pool) = pool {
                // SAFETY: as above.
                pool2d::max_planes(pool, &unpooled, last, unsafe { indices.slice(plane * pixels, pixels) });
            }
        }
    });
}

struct Forward<'a, T> {
    image: &'a [T],
    grid: &'a InputGrid,
    /// Zeros but for what the plane before left inside.
    copy: &'a mut [T],
    job: Correlation<'a, T>,
    out: &'a mut [T],
}

impl<T: Vectors> Kernel for Forward<'_, T> {
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

impl<T: Vectors> Forward<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>>(self) {
        self.grid.refill::<T, L>(self.image, self.copy);
        self.job.run::<L>(self.copy, self.out);
    }
}

/// `out[place of p] = bias + sum over taps t of weights[t] * grid[offsets[t] + p]`, for one plane.
struct Correlation<'a, T> {
    weights: &'a [T],
    offsets: &'a [usize],
    rows: usize,
    place: Place,
    bias: T,
    relu: bool,
}

impl<T: Vectors> Correlation<'_, T> {
    #[inline(always)]
    fn run<L: Lanes<T>>(&self, grid: &[T], out: &mut [T]) {
        let Place { width, columns, start, row_stride, col_stride } = self.place;
        let furthest = self.offsets.iter().copied().max().unwrap_or(0);
        assert!(self.offsets.len() == self.weights.len());
        assert!(furthest + (self.rows - 1) * width + columns.max(L::N) <= grid.len());
        assert!(start + (self.rows - 1) * row_stride + (columns - 1) * col_stride < out.len());
        let (grid, out) = (grid.as_ptr(), out.as_mut_ptr());
        let mut i = 0;
        // SAFETY: the farthest output's last tap lies in the grid, and so does a vector behind it where a row is shorter
        // than that; every output has its place in `out`.
        unsafe {
            if self.rows < ROWS {
                while i < self.rows {
                    self.stripe::<L, 1>(i, grid, out);
                    i += 1;
                }
                return;
            }
            while i < self.rows {
                // The last rows are taken a second time where they do not fill a tile.
                self.stripe::<L, ROWS>(i.min(self.rows - ROWS), grid, out);
                i += ROWS;
            }
        }
    }

    #[inline(always)]
    unsafe fn stripe<L: Lanes<T>, const R: usize>(&self, i: usize, grid: *const T, out: *mut T) {
        let columns = self.place.columns;
        let mut j = 0;
        // SAFETY: the caller's.
        unsafe {
            while j < columns {
                // So are the last columns.
                let last = columns.saturating_sub(L::N);
                if columns - j > L::N {
                    self.tile::<L, R, 2>(i, [j, last.min(j + L::N)], grid, out);
                } else {
                    self.tile::<L, R, 1>(i, [last.min(j)], grid, out);
                }
                j += 2 * L::N;
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const R: usize, const V: usize>(
        &self,
        i: usize,
        at: [usize; V],
        grid: *const T,
        out: *mut T,
    ) {
        let Place { width, columns, start, row_stride, col_stride } = self.place;
        // SAFETY: the caller's.
        unsafe {
            let mut acc = [[L::splat(self.bias); V]; R];
            for (&weight, &offset) in self.weights.iter().zip(self.offsets) {
                let (weight, from) = (L::splat(weight), grid.add(offset + i * width));
                for r in 0..R {
                    for v in 0..V {
                        acc[r][v] = weight.fma(L::load(from.add(r * width + at[v])), acc[r][v]);
                    }
                }
            }
            for r in 0..R {
                for v in 0..V {
                    let sum = if self.relu { acc[r][v].relu() } else { acc[r][v] };
                    let to = out.add(start + (i + r) * row_stride + at[v] * col_stride);
                    if col_stride == 1 && columns >= L::N {
                        sum.store(to);
                        continue;
                    }
                    let mut lanes = [T::ZERO; 16];
                    sum.store(lanes.as_mut_ptr());
                    for (k, &lane) in lanes[..L::N.min(columns - at[v])].iter().enumerate() {
                        to.add(k * col_stride).write(lane);
                    }
                }
            }
        }
    }
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
    let (wants_input, wants_weight) = (dx.is_some(), dw.is_some() || dbias.is_some());
    let (grid, gradient_grid) = (InputGrid::new(s), GradientGrid::new(s, 1));
    let (offsets, phases) = (grid.taps(), gradient_grid.phases());
    let phase_offsets: Vec<Vec<usize>> =
        phases.iter().map(|phase| phase.taps.iter().map(|tap| tap.1).collect()).collect();
    let (shares, channels, taps) = (s.batch.min(SHARES), s.in_channels, sizes.taps);
    let (pixels, run) = (sizes.last_plane, grid.run());
    // For every share, channel after channel: the sums of its taps, and of its gradients.
    let part = if wants_weight { taps + 1 } else { 0 };
    let mut partial = Buffer::<T>::zeroed(shares * channels * part);
    let partials = Disjoint::new(&mut partial);
    let dx = Disjoint::new(dx.unwrap_or_default());
    let pieces = channels.div_ceil(PLANES);
    threads::for_each(shares * pieces, threads::threads_for(sizes.work, GRAIN), |task| {
        let (share, first) = (task / pieces, task % pieces * PLANES);
        let last = channels.min(first + PLANES);
        let mut copy = Buffer::zeroed(if wants_weight { grid.len() } else { 0 });
        let mut spread = Buffer::zeroed(if wants_weight { run } else { 0 });
        let mut gradient = Buffer::zeroed(if wants_input { gradient_grid.len() } else { 0 });
        let zeros = relu.is_some() || pool.is_some();
        let mut plain = Buffer::scratch(if zeros { sizes.output_plane } else { 0 });
        for image in share * s.batch / shares..(share + 1) * s.batch / shares {
            for channel in first..last {
                let plane = image * channels + channel;
                let here = plane * pixels..(plane + 1) * pixels;
                let mut dy = &dy[here.clone()];
                if zeros {
                    isa::dispatch(Take {
                        dy,
                        relu: relu.map(|y| &y[here.clone()]),
                        indices: pool.map(|(_, indices)| &indices[here]),
                        to: &mut plain,
                        plane: sizes.output_plane,
                        sums: &mut [],
                    });
                    dy = &plain;
                }
                if wants_input {
                    // SAFETY: no other task has this image and channel.
                    let out = unsafe { dx.slice(plane * sizes.input_plane, sizes.input_plane) };
                    isa::dispatch(Input {
                        dy,
                        grid: &gradient_grid,
                        copy: &mut gradient,
                        phases: &phases,
                        offsets: &phase_offsets,
                        weights: &w[channel * taps..][..taps],
                        bias: bias.map_or(T::ZERO, |bias| bias[channel]),
                        out,
                    });
                }
                if wants_weight {
                    // SAFETY: no other task has this share and channel.
                    let sums = unsafe { partials.slice((share * channels + channel) * part, part) };
                    isa::dispatch(Weight {
                        dy,
                        image: &x[plane * sizes.input_plane..][..sizes.input_plane],
                        grid: &grid,
                        copy: &mut copy,
                        spread: &mut spread,
                        offsets: &offsets,
                        sums,
                    });
                }
            }
        }
    });
    // The shares are added up in order.
    let (total, others) = partial.split_at_mut((channels * part).min(shares * channels * part));
    for share in others.chunks_exact(total.len().max(1)) {
        total.iter_mut().zip(share).for_each(|(total, &sum)| *total += sum);
    }
    let sums = |channel: usize| total.get(channel * part..(channel + 1) * part);
    if let Some(dw) = dw {
        for (channel, dw) in dw.chunks_exact_mut(taps.max(1)).enumerate() {
            match sums(channel) {
                Some(sums) => dw.copy_from_slice(&sums[..taps]),
                None => dw.fill(T::ZERO),
            }
        }
    }
    if let Some(dbias) = dbias {
        for (channel, dbias) in dbias.iter_mut().enumerate() {
            *dbias = sums(channel).map_or(T::ZERO, |sums| sums[taps]);
        }
    }
}

/// The gradient of one plane of an image.
struct Input<'a, T> {
    dy: &'a [T],
    grid: &'a GradientGrid,
    copy: &'a mut [T],
    phases: &'a [Phase],
    offsets: &'a [Vec<usize>],
    weights: &'a [T],
    bias: T,
    out: &'a mut [T],
}

impl<T: Vectors> Kernel for Input<'_, T> {
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

impl<T: Vectors> Input<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>>(self) {
        self.grid.refill::<T, L>(self.dy, self.copy);
        let mut weights = [T::ZERO; 64];
        let mut many = Vec::new();
        for (phase, offsets) in self.phases.iter().zip(self.offsets) {
            let weights = if offsets.len() <= weights.len() {
                &mut weights[..offsets.len()]
            } else {
                many.resize(offsets.len(), T::ZERO);
                &mut many[..]
            };
            weights.iter_mut().zip(&phase.taps).for_each(|(weight, tap)| *weight = self.weights[tap.0]);
            let (rows, place, bias) = (phase.rows, phase.place, self.bias);
            Correlation { weights, offsets, rows, place, bias, relu: false }.run::<L>(self.copy, self.out);
        }
    }
}

/// The gradients of a channel's taps from one plane, and the sum of its output's gradients.
struct Weight<'a, T> {
    dy: &'a [T],
    image: &'a [T],
    grid: &'a InputGrid,
    copy: &'a mut [T],
    /// The output's gradients, numbered along the grid's rows, with zeros between them.
    spread: &'a mut [T],
    offsets: &'a [usize],
    sums: &'a mut [T],
}

impl<T: Vectors> Kernel for Weight<'_, T> {
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

impl<T: Vectors> Weight<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>>(self) {
        let Weight { dy, image, grid, copy, spread, offsets, sums } = self;
        grid.refill::<T, L>(image, copy);
        let columns = grid.columns();
        for (from, to) in dy.chunks_exact(columns).zip(spread.chunks_mut(grid.width)) {
            // SAFETY: both rows are that long.
            unsafe { copy_row::<T, L>(from.as_ptr(), to[..columns].as_mut_ptr(), columns) };
        }
        let taps = offsets.len();
        assert!(offsets.iter().all(|offset| offset + spread.len() <= copy.len()) && sums.len() > taps);
        let mut t = 0;
        while t < taps {
            // SAFETY: all offsets reach the whole run.
            t += unsafe {
                match taps - t {
                    9.. => dots::<T, L, 9>(spread, copy, &offsets[t..], &mut sums[t..]),
                    4.. => dots::<T, L, 4>(spread, copy, &offsets[t..], &mut sums[t..]),
                    _ => dots::<T, L, 1>(spread, copy, &offsets[t..], &mut sums[t..]),
                }
            };
        }
        sums[taps] += sum(dy);
    }
}

/// `sums[t] += sum over p of gradient[p] * grid[offsets[t] + p]` for the first `M` taps, and their number.
///
/// # Safety
/// As for [`Lanes`]; those offsets reach as far in the grid as the gradient is long.
#[inline(always)]
unsafe fn dots<T: Vectors, L: Lanes<T>, const M: usize>(
    gradient: &[T],
    grid: &[T],
    offsets: &[usize],
    sums: &mut [T],
) -> usize {
    // SAFETY: the caller's.
    let products = unsafe {
        let row = |t: usize| grid.as_ptr().add(*offsets.get_unchecked(t));
        tile::dot::<T, L, 1, M>(gradient.len(), T::ZERO, |_| gradient.as_ptr(), row)
    };
    sums.iter_mut().zip(products[0]).for_each(|(sum, product)| *sum += product);
    M
}
