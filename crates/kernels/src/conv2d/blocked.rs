//! The inner loops of convolution where there are enough channels to fill vectors with them.
//!
//! Vectors run over channels of what is computed, and pixels are broadcast to them one by one. So rows of outputs may
//! have any length and begin anywhere: nothing is computed to be dropped, and no load crosses a cache line. The price
//! is a transposition, in registers, between pixels that follow each other (as images lie in memory) and channels that
//! do: of the outputs when they are written, and of the output's gradients when they are read, once for both gradients.
//!
//! A block is two vectors of channels: a pixel's share of it is one or two cache lines.

use std::ops::Range;

use super::grid::{GradientGrid, Place};
use crate::buffer::Buffer;
use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::gemm::tile;
use crate::isa::{self, Arch, Isa, Kernel};

/// Outputs, or taps, that a tile holds the sums of: as many as registers allow for two vectors of channels.
const WIDEST: usize = 14;

/// Outputs held back to be transposed together.
const HELD: usize = 48;

/// Outputs whose gradients stay in the first cache while all taps visit them.
const STRETCH: usize = 176;

/// Channels of a vector, with the instruction set in force.
pub(super) fn vector<T: Vectors>() -> usize {
    match isa::active() {
        Isa::Avx512 => T::Wide::N,
        Isa::Avx2 => T::Half::N,
        _ => <Portable<isa::Scalar, T> as Lanes<T>>::N,
    }
}

/// Channels of a block.
pub(super) fn block<T: Vectors>() -> usize {
    2 * vector::<T>()
}

/// Elements of the sums of `channels` with `taps` each.
pub(super) fn sums_len<T: Vectors>(channels: usize, taps: usize) -> usize {
    channels.next_multiple_of(vector::<T>()) * taps
}

/// Whether `channels` fill vectors well enough.
pub(super) fn pays<T: Vectors>(channels: usize) -> bool {
    3 * channels >= 2 * channels.next_multiple_of(vector::<T>())
}

/// Calls `$call` with the constant `$n` equal to `$value`, which is at most [`WIDEST`].
macro_rules! with_constant {
    ($value:expr, $most:expr, |$n:ident| $call:expr) => {
        with_constant!(@ $value, $most, $n, $call, 1 2 3 4 5 6 7 8 9 10 11 12 13 14)
    };
    (@ $value:expr, $most:expr, $n:ident, $call:expr, $($i:literal)*) => {
        match $value {
            $($i if $i <= $most => { const $n: usize = $i; $call })*
            other => unreachable!("a tile of {other}"),
        }
    };
}

/// A matrix of weights, channels by taps, in blocks of channels: tap after tap, the channels of the block side by side,
/// the last of them filled up with zeros to whole vectors.
pub(super) struct Weights<T> {
    channels: usize,
    taps: usize,
    blocks: Vec<T>,
    /// What each channel's sums begin with.
    bias: Vec<T>,
}

impl<T: Vectors> Weights<T> {
    /// `weight(channel, tap)` for every channel and tap.
    pub fn new(channels: usize, taps: usize, bias: Option<&[T]>, weight: impl Fn(usize, usize) -> T) -> Self {
        let (vector, block) = (vector::<T>(), block::<T>());
        let padded = channels.next_multiple_of(vector);
        let mut blocks = Vec::with_capacity(padded * taps);
        for start in (0..padded).step_by(block) {
            for tap in 0..taps {
                let row = |row| if row < channels { weight(row, tap) } else { T::ZERO };
                blocks.extend((start..padded.min(start + block)).map(row));
            }
        }
        let mut bias = bias.map_or(Vec::new(), <[T]>::to_vec);
        bias.resize(padded, T::ZERO);
        Weights { channels, taps, blocks, bias }
    }
}

/// `out[k][p] = bias[k] + sum over taps t of weights[k][t] * grid[offsets[t] + p * (distance of pixels)]`
pub(super) struct Correlation<'a, T> {
    pub weights: &'a Weights<T>,
    pub offsets: &'a [usize],
    pub grid: &'a [T],
    /// Whether the grid is in blocks of channels, pixel after pixel; else pixels are side by side.
    pub blocked: bool,
    pub rows: usize,
    pub place: Place,
    pub relu: bool,
    /// One plane for each channel of the weights.
    pub out: &'a mut [T],
    /// Elements of a plane.
    pub plane: usize,
}

impl<T: Vectors> Kernel for Correlation<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(mut self) {
        match (A::ISA, self.blocked) {
            (Isa::Avx512, false) => self.run_with::<T::Wide, WIDEST, false>(),
            (Isa::Avx512, true) => self.run_with::<T::Wide, WIDEST, true>(),
            (Isa::Avx2, false) => self.run_with::<T::Half, 6, false>(),
            (Isa::Avx2, true) => self.run_with::<T::Half, 6, true>(),
            (_, false) => self.run_with::<Portable<A, T>, 6, false>(),
            (_, true) => self.run_with::<Portable<A, T>, 6, true>(),
        }
    }
}

impl<T: Vectors> Correlation<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>, const MOST: usize, const BLOCKED: bool>(&mut self) {
        let Weights { channels, taps, blocks, bias } = self.weights;
        let (channels, taps) = (*channels, *taps);
        let distance = if BLOCKED { 2 * L::N } else { 1 };
        let mut place = self.place;
        let mut rows = self.rows;
        assert!(blocks.len() == channels.next_multiple_of(L::N) * taps && self.offsets.len() == taps);
        assert!(self.out.len() >= channels * self.plane);
        let furthest = self.offsets.iter().copied().max().unwrap_or(0);
        let last = ((rows - 1) * place.width + place.columns - 1) * distance + furthest;
        assert!(taps == 0 || last < self.grid.len(), "{last} of {}", self.grid.len());
        let contiguous = place.col_stride == 1 && place.row_stride == place.columns;
        if contiguous && place.width == place.columns {
            // Rows that touch each other are one row.
            let columns = rows * place.columns;
            (place.columns, place.width, place.row_stride, rows) = (columns, columns, columns, 1);
        }
        let tiles = place.columns.div_ceil(MOST);
        let capacity = (HELD + MOST).next_multiple_of(L::N);
        let mut held = Buffer::<T>::zeroed(capacity * 2 * L::N);
        let mut planes = Buffer::<T>::scratch(if contiguous { L::N * L::N } else { capacity * L::N });
        for first in (0..channels).step_by(2 * L::N) {
            let vectors = (channels - first).div_ceil(L::N).min(2);
            let weights = &blocks[first * taps..][..vectors * L::N * taps];
            let bias = &bias[first..][..vectors * L::N];
            let (mut done, mut count) = (0, 0);
            for i in 0..rows {
                let mut j = 0;
                for tile in 1..=tiles {
                    let end = tile * place.columns / tiles;
                    // Without taps nothing is read, and there may be nothing.
                    let grid = self.grid.get((i * place.width + j) * distance..).unwrap_or_default();
                    let sums = &mut held[count * vectors * L::N..];
                    // SAFETY: the farthest output's last tap lies in the grid; `held` has room for a tile.
                    unsafe {
                        with_constant!(end - j, MOST, |M| if vectors == 2 {
                            self.tile::<L, M, 2>(weights, bias, grid, distance, sums);
                        } else {
                            self.tile::<L, M, 1>(weights, bias, grid, distance, sums);
                        });
                    }
                    count += end - j;
                    j = end;
                    if count >= HELD || i + 1 == rows && tile == tiles {
                        for v in 0..vectors {
                            let channel = first + v * L::N;
                            let channels = channel..channels.min(channel + L::N);
                            let from = &held[v * L::N..];
                            self.write::<L>(
                                from,
                                vectors * L::N,
                                channels,
                                done..done + count,
                                place,
                                &mut planes,
                            );
                        }
                        (done, count) = (done + count, 0);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const M: usize, const V: usize>(
        &self,
        weights: &[T],
        bias: &[T],
        grid: &[T],
        distance: usize,
        sums: &mut [T],
    ) {
        // SAFETY: the caller's.
        unsafe {
            let bias = std::array::from_fn(|v| L::load(bias.as_ptr().add(v * L::N)));
            let acc = tile::outer_at::<T, L, M, V>(
                self.offsets.len(),
                bias,
                |t| grid.as_ptr().add(*self.offsets.get_unchecked(t)),
                distance,
                |t| weights.as_ptr().add(t * V * L::N),
            );
            for i in 0..M {
                for v in 0..V {
                    let sum = if self.relu { acc[i][v].relu() } else { acc[i][v] };
                    sum.store(sums.as_mut_ptr().add((i * V + v) * L::N));
                }
            }
        }
    }

    /// Transposes outputs `pixels` of a vector of channels, `distance` apart in `from`, to where they belong.
    #[inline(always)]
    fn write<L: Lanes<T>>(
        &mut self,
        from: &[T],
        distance: usize,
        channels: Range<usize>,
        pixels: Range<usize>,
        place: Place,
        planes: &mut [T],
    ) {
        let contiguous = place.col_stride == 1 && place.row_stride == place.columns;
        if contiguous && pixels.len() >= L::N {
            let out = self.out[channels.start * self.plane..][..channels.len() * self.plane].as_mut_ptr();
            assert!(place.start + pixels.end <= self.plane);
            for p in (0..pixels.len()).step_by(L::N) {
                // The last ones are taken a second time where they do not fill a vector.
                let p = p.min(pixels.len() - L::N);
                let to = place.start + pixels.start + p;
                // SAFETY: `pixels` were held back; `to` and the vector behind it lie in the plane.
                unsafe {
                    tile::transpose::<T, L>(
                        |i| from.as_ptr().add((p + i) * distance),
                        channels.len(),
                        |c| out.add(c * self.plane + to),
                    );
                }
            }
            return;
        }
        let (pitch, to) = (planes.len() / L::N, planes.as_mut_ptr());
        for p in (0..pixels.len()).step_by(L::N) {
            // SAFETY: `held` and `planes` have room for whole vectors.
            unsafe {
                tile::transpose::<T, L>(
                    |i| from.as_ptr().add((p + i) * distance),
                    L::N,
                    |c| to.add(c * pitch + p),
                );
            }
        }
        for (row, channel) in planes.chunks_exact(pitch).zip(channels) {
            let out = &mut self.out[channel * self.plane..][..self.plane];
            let mut p = pixels.start;
            while p < pixels.end {
                let (i, j) = (p / place.columns, p % place.columns);
                let count = (pixels.end - p).min(place.columns - j);
                let out = &mut out[place.start + i * place.row_stride + j * place.col_stride..];
                let values = &row[p - pixels.start..][..count];
                out.iter_mut().step_by(place.col_stride).zip(values).for_each(|(out, &value)| *out = value);
                p += count;
            }
        }
    }
}

/// Copies an image's output gradients into a grid of blocks of channels.
pub(super) struct Spread<'a, T> {
    /// One plane for each channel, and a vector's slack.
    pub gradients: &'a [T],
    /// Where the pixels of a plane go.
    pub pixels: &'a [usize],
    /// Blocks of `plane` pixels each.
    pub grid: &'a mut [T],
    pub channels: usize,
    pub plane: usize,
}

impl<T: Vectors> Kernel for Spread<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(mut self) {
        match A::ISA {
            Isa::Avx512 => self.run_with::<T::Wide>(),
            Isa::Avx2 => self.run_with::<T::Half>(),
            _ => self.run_with::<Portable<A, T>>(),
        }
    }
}

impl<T: Vectors> Spread<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>>(&mut self) {
        let (from, block) = (self.pixels.len(), 2 * L::N);
        assert!(self.gradients.len() >= self.channels * from + L::N);
        assert!(self.grid.len() >= self.channels.next_multiple_of(block) * self.plane);
        assert!(self.pixels.iter().all(|&pixel| pixel < self.plane));
        let zeros = [T::ZERO; 16];
        for first in (0..self.channels).step_by(L::N) {
            let here = L::N.min(self.channels - first);
            let gradients = self.gradients[first * from..].as_ptr();
            let grid = self.grid[first / block * block * self.plane + first % block..].as_mut_ptr();
            for p in (0..from).step_by(L::N) {
                let pixels = &self.pixels[p..];
                // SAFETY: `here` planes begin at `gradients`, with slack behind the last; pixels lie in the block.
                unsafe {
                    tile::transpose::<T, L>(
                        |k| if k < here { gradients.add(k * from + p) } else { zeros.as_ptr() },
                        pixels.len(),
                        |q| grid.add(*pixels.get_unchecked(q) * block),
                    );
                }
            }
        }
    }
}

/// `sums[t][k] += sum over p of gradients[p][k] * grid[offsets[t] + p]`, in blocks of channels `k`.
pub(super) struct WeightSums<'a, T> {
    pub from: &'a GradientGrid,
    /// Filled by [`Spread`].
    pub gradients: &'a [T],
    pub offsets: &'a [usize],
    pub grid: &'a [T],
    /// Columns of the grid.
    pub width: usize,
    /// For each block of channels, filled up to whole vectors: taps by channels.
    pub sums: &'a mut [T],
}

impl<T: Vectors> Kernel for WeightSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(mut self) {
        match A::ISA {
            Isa::Avx512 => self.run_with::<T::Wide, 12>(),
            Isa::Avx2 => self.run_with::<T::Half, 6>(),
            _ => self.run_with::<Portable<A, T>, 6>(),
        }
    }
}

impl<T: Vectors> WeightSums<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>, const MOST: usize>(&mut self) {
        let taps = self.offsets.len();
        let [rows, columns] = self.from.kept();
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        let channels = self.from.channels;
        assert!(self.sums.len() >= channels.next_multiple_of(L::N) * taps);
        let last = (rows.end - 1) * self.width + columns.end - 1;
        assert!(self.offsets.iter().all(|offset| offset + last < self.grid.len()));
        assert!(self.gradients.len() >= self.from.blocked_len(2 * L::N));
        let lines = (STRETCH / columns.len()).max(1);
        let groups = taps.div_ceil(MOST);
        for i in rows.clone().step_by(lines) {
            let rows = i..rows.end.min(i + lines);
            for first in (0..channels).step_by(2 * L::N) {
                let vectors = (channels - first).div_ceil(L::N).min(2);
                let block = first / (2 * L::N) * self.from.blocked_plane() * 2 * L::N;
                let mut t = 0;
                for group in 1..=groups {
                    let next = group * taps / groups;
                    let sums = first * taps + t * vectors * L::N;
                    // SAFETY: all offsets reach all outputs inside the grid, and the gradients' grid holds them too.
                    unsafe {
                        with_constant!(next - t, MOST, |M| if vectors == 2 {
                            self.tile::<L, M, 2>(t, block, &rows, &columns, sums);
                        } else {
                            self.tile::<L, M, 1>(t, block, &rows, &columns, sums);
                        });
                    }
                    t = next;
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const M: usize, const V: usize>(
        &mut self,
        t: usize,
        block: usize,
        rows: &Range<usize>,
        columns: &Range<usize>,
        sums: usize,
    ) {
        // SAFETY: the caller's.
        unsafe {
            let mut acc = [[L::splat(T::ZERO); V]; M];
            let taps: [*const T; M] =
                std::array::from_fn(|m| self.grid.as_ptr().add(*self.offsets.get_unchecked(t + m)));
            for i in rows.clone() {
                let pixel = self.from.pixel(i, columns.start);
                let mut gradients = self.gradients.as_ptr().add(pixel * 2 * L::N + block);
                let start = i * self.width + columns.start;
                for p in start..start + columns.len() {
                    let b: [L; V] = std::array::from_fn(|v| L::load(gradients.add(v * L::N)));
                    for m in 0..M {
                        let a = L::splat(*taps[m].add(p));
                        for v in 0..V {
                            acc[m][v] = a.fma(b[v], acc[m][v]);
                        }
                    }
                    gradients = gradients.add(2 * L::N);
                }
            }
            let sums = self.sums[sums..][..M * V * L::N].as_mut_ptr();
            for m in 0..M {
                for v in 0..V {
                    let sum = sums.add((m * V + v) * L::N);
                    L::splat(T::ONE).fma(acc[m][v], L::load(sum)).store(sum);
                }
            }
        }
    }
}

/// Where [`WeightSums`] puts the sum of a channel's first tap, and how far it is to the next.
pub(super) fn place_of_sums<T: Vectors>(channels: usize, taps: usize, channel: usize) -> (usize, usize) {
    let first = channel / block::<T>() * block::<T>();
    let width = block::<T>().min(channels.next_multiple_of(vector::<T>()) - first);
    (first * taps + channel - first, width)
}
