//! The inner loops of convolution where channels are few: vectors run along rows of pixels.

use super::backward::sum;
use super::grid::{Place, copy_row};
use crate::buffer::Buffer;
use crate::gemm::lanes::{Lanes, Portable, Vectors};
use crate::gemm::tile;
use crate::isa::{Arch, Isa, Kernel};

/// Taps between two visits to the sums: a panel of their rows and their weights stay in the first cache.
const DEPTH: usize = 160;

/// Tiles of outputs computed before they are written where they belong.
const TILES: usize = 8;

/// The rows of a matrix of weights in panels as high as the tiles that will use them, tap after tap.
pub(super) struct Packed<T> {
    rows: usize,
    taps: usize,
    /// The height of the tallest.
    highest: usize,
    panels: Vec<T>,
}

/// The heights that `rows` are cut into, with where each starts.
#[inline(always)]
fn panels(rows: usize, highest: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let height =
            [8, 4, 3, 2, 1].into_iter().find(|&height| height <= highest && start + height <= rows)?;
        start += height;
        Some((start - height, height))
    })
}

/// The height of the tallest tile.
fn tallest() -> usize {
    if crate::isa::active() == Isa::Avx512 { 8 } else { 4 }
}

impl<T: Vectors> Packed<T> {
    /// `weight(row, tap)` for every row and tap.
    pub fn new(rows: usize, taps: usize, weight: impl Fn(usize, usize) -> T) -> Self {
        let highest = tallest();
        let mut packed = Vec::with_capacity(rows * taps);
        for (start, height) in panels(rows, highest) {
            for tap in 0..taps {
                packed.extend((start..start + height).map(|row| weight(row, tap)));
            }
        }
        Packed { rows, taps, highest, panels: packed }
    }
}

/// `out[m][p] = bias[m] + sum over taps t of weights[m][t] * grid[offsets[t] + p]` for every output `p` of a run.
pub(super) struct Correlation<'a, T> {
    pub weights: &'a Packed<T>,
    pub offsets: &'a [usize],
    pub grid: &'a [T],
    /// Rows of outputs.
    pub rows: usize,
    pub bias: Option<&'a [T]>,
    pub place: Place,
    pub relu: bool,
    /// One plane for each row of the weights.
    pub out: &'a mut [T],
    /// Elements of a plane.
    pub plane: usize,
}

impl<T: Vectors> Kernel for Correlation<'_, T> {
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

impl<T: Vectors> Correlation<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>>(&mut self) {
        let width = 3 * L::N;
        let stretch = TILES * width;
        let taps = self.weights.taps;
        let run = (self.rows - 1) * self.place.width + self.place.columns;
        let depth = taps.div_ceil(taps.div_ceil(DEPTH).max(1)).max(1);
        // Rows at odd offsets cross cache lines: where several tiles read them, an aligned copy pays.
        let copy = self.weights.rows > self.weights.highest;
        let mut panel = Buffer::<T>::scratch(if copy { depth * width } else { 0 });
        // Zeros, for the sums of no taps at all.
        let mut sums = Buffer::zeroed(self.weights.rows * stretch);
        assert!(self.offsets.len() == self.weights.taps && self.out.len() >= self.weights.rows * self.plane);
        // The last vector may begin at the last output.
        let furthest = self.offsets.iter().copied().max().unwrap_or(0);
        assert!(taps == 0 || furthest + run + L::N <= self.grid.len() + 1, "{run} of {}", self.grid.len());
        for from in (0..run).step_by(stretch) {
            let to = run.min(from + stretch);
            for p in (from..to).step_by(width) {
                let vectors = (to - p).div_ceil(L::N).min(3);
                for t in (0..taps).step_by(depth) {
                    let offsets = &self.offsets[t..taps.min(t + depth)];
                    let sums = &mut sums[p - from..];
                    if copy {
                        let wide = vectors * L::N;
                        for (&offset, to) in offsets.iter().zip(panel.chunks_exact_mut(wide)) {
                            to.copy_from_slice(&self.grid[offset + p..][..wide]);
                        }
                    }
                    for (row, height) in panels(self.weights.rows, self.weights.highest) {
                        let weights = &self.weights.panels[row * taps + t * height..];
                        let rows =
                            if copy { Rows::Copied(&panel) } else { Rows::InPlace(&self.grid[p..], offsets) };
                        let job = Tile { weights, taps: offsets.len(), rows };
                        let sums = &mut sums[row * stretch..];
                        // SAFETY: the grid has slack for the last tile's width past its last output, and `sums` holds
                        // whole tiles.
                        unsafe {
                            match height {
                                8 => job.any::<L, 8>(vectors, sums, stretch, t > 0),
                                4 => job.any::<L, 4>(vectors, sums, stretch, t > 0),
                                3 => job.any::<L, 3>(vectors, sums, stretch, t > 0),
                                2 => job.any::<L, 2>(vectors, sums, stretch, t > 0),
                                _ => job.any::<L, 1>(vectors, sums, stretch, t > 0),
                            }
                        }
                    }
                }
            }
            self.place_stretch(from, to, &sums, stretch);
        }
    }

    /// Writes outputs `from..to` where they belong.
    #[inline(always)]
    fn place_stretch(&mut self, from: usize, to: usize, sums: &[T], stretch: usize) {
        let place = self.place;
        let floor = if self.relu { T::ZERO } else { T::NEG_INFINITY };
        let output = |sum: T| if sum <= floor { floor } else { sum };
        for row in 0..self.weights.rows {
            let bias = self.bias.map_or(T::ZERO, |bias| bias[row]);
            let out = &mut self.out[row * self.plane..][..self.plane];
            let sums = &sums[row * stretch..][..stretch];
            let mut p = from;
            while p < to {
                let (i, j) = (p / place.width, p % place.width);
                let next = to.min((i + 1) * place.width);
                if j < place.columns {
                    let count = (next - p).min(place.columns - j);
                    let start = place.start + i * place.row_stride + j * place.col_stride;
                    let sums = &sums[p - from..][..count];
                    if place.col_stride == 1 {
                        out[start..][..count]
                            .iter_mut()
                            .zip(sums)
                            .for_each(|(out, &sum)| *out = output(sum + bias));
                    } else {
                        let out = out[start..].iter_mut().step_by(place.col_stride);
                        out.zip(sums).for_each(|(out, &sum)| *out = output(sum + bias));
                    }
                }
                p = next;
            }
        }
    }
}

/// What a tile multiplies its weights with.
#[derive(Clone, Copy)]
enum Rows<'a, T> {
    /// One row after another, as wide as the tile.
    Copied(&'a [T]),
    /// Rows at offsets.
    InPlace(&'a [T], &'a [usize]),
}

struct Tile<'a, T> {
    weights: &'a [T],
    taps: usize,
    rows: Rows<'a, T>,
}

impl<T: Vectors> Tile<'_, T> {
    #[inline(always)]
    unsafe fn any<L: Lanes<T>, const M: usize>(
        &self,
        vectors: usize,
        sums: &mut [T],
        stretch: usize,
        add: bool,
    ) {
        // SAFETY: the caller's.
        unsafe {
            match vectors {
                1 => self.compute::<L, M, 1>(sums, stretch, add),
                2 => self.compute::<L, M, 2>(sums, stretch, add),
                _ => self.compute::<L, M, 3>(sums, stretch, add),
            }
        }
    }

    #[inline(always)]
    unsafe fn compute<L: Lanes<T>, const M: usize, const V: usize>(
        &self,
        sums: &mut [T],
        stretch: usize,
        add: bool,
    ) {
        // SAFETY: the caller's.
        unsafe {
            let weights = self.weights.as_ptr();
            let acc = match self.rows {
                Rows::Copied(rows) => tile::outer::<T, L, M, V>(self.taps, weights, 1, M, T::ZERO, |t| {
                    rows.as_ptr().add(t * V * L::N)
                }),
                Rows::InPlace(rows, offsets) => {
                    tile::outer::<T, L, M, V>(self.taps, weights, 1, M, T::ZERO, |t| {
                        rows.as_ptr().add(*offsets.get_unchecked(t))
                    })
                }
            };
            for i in 0..M {
                for v in 0..V {
                    let sum = sums.as_mut_ptr().add(i * stretch + v * L::N);
                    if add {
                        L::splat(T::ONE).fma(acc[i][v], L::load(sum)).store(sum);
                    } else {
                        acc[i][v].store(sum);
                    }
                }
            }
        }
    }
}

/// Outputs that dot products walk along at once: ten rows of them stay in the first cache.
const RUN: usize = 768;

/// Rows of outputs that are taken at once.
fn lines(width: usize) -> usize {
    (RUN / width).max(1)
}

/// Elements of a channel's rows that are taken at once, where rows of `columns` are numbered along a grid's of `width`.
pub(super) fn pitch(width: usize, columns: usize) -> usize {
    ((lines(width) - 1) * width + columns).next_multiple_of(16)
}

/// `sums[m][t] += sum over outputs p of gradients[m][p] * grid[offsets[t] + p]`, and `totals[m]` those of its gradients.
///
/// The gradients are numbered along the grid's rows, with zeros in between, a few rows at a time: so they stay in the
/// second cache while all taps visit them, and come from memory once.
pub(super) struct Dots<'a, T> {
    /// A plane for each channel.
    pub gradients: &'a [T],
    pub channels: usize,
    /// Rows and columns of outputs.
    pub rows: usize,
    pub columns: usize,
    /// Columns of the grid.
    pub width: usize,
    pub offsets: &'a [usize],
    pub grid: &'a [T],
    /// [`pitch`] elements for each channel, zeros but for what was copied there before.
    pub scratch: &'a mut [T],
    pub sums: &'a mut [T],
    pub totals: &'a mut [T],
}

impl<T: Vectors> Kernel for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(mut self) {
        match A::ISA {
            Isa::Avx512 => self.run_with::<T::Wide, 4>(),
            Isa::Avx2 => self.run_with::<T::Half, 2>(),
            _ => self.run_with::<Portable<A, T>, 2>(),
        }
    }
}

impl<T: Vectors> Dots<'_, T> {
    #[inline(always)]
    fn run_with<L: Lanes<T>, const M: usize>(&mut self) {
        let taps = self.offsets.len();
        let pitch = pitch(self.width, self.columns);
        assert!(self.gradients.len() == self.channels * self.rows * self.columns);
        assert!(self.scratch.len() == self.channels * pitch && self.sums.len() == self.channels * taps);
        let copy = self.channels > M;
        let mut panel = Buffer::<T>::scratch(if copy { 6 * pitch } else { 0 });
        for line in (0..self.rows).step_by(lines(self.width)) {
            let count = lines(self.width).min(self.rows - line);
            let depth = self.take::<L>(line, count, pitch);
            let from = line * self.width;
            let mut t = 0;
            while t < taps {
                let count = if t + 6 <= taps { 6 } else { 3.min(taps - t) };
                let offsets = &self.offsets[t..t + count];
                let mut rows: [&[T]; 6] = [&[]; 6];
                for (row, &offset) in rows.iter_mut().zip(offsets) {
                    *row = &self.grid[offset + from..][..depth];
                }
                if copy {
                    // As in a correlation.
                    for (row, to) in rows.iter_mut().zip(panel.chunks_exact_mut(depth)) {
                        to[..row.len()].copy_from_slice(row);
                        *row = to;
                    }
                }
                // SAFETY: rows of gradients and of the grid hold the depth.
                unsafe {
                    match count {
                        6 => self.down::<L, M, 6>(&rows, pitch, depth, t),
                        3 => self.down::<L, M, 3>(&rows, pitch, depth, t),
                        2 => self.down::<L, M, 2>(&rows, pitch, depth, t),
                        _ => self.down::<L, M, 1>(&rows, pitch, depth, t),
                    }
                }
                t += count;
            }
        }
    }

    /// Copies `count` rows of outputs of every channel, and says how long they are in the grid's numbering.
    #[inline(always)]
    fn take<L: Lanes<T>>(&mut self, line: usize, count: usize, pitch: usize) -> usize {
        let (columns, plane) = (self.columns, self.rows * self.columns);
        let end = (count - 1) * self.width + columns;
        let depth = end.next_multiple_of(16);
        for (channel, to) in self.scratch.chunks_exact_mut(pitch).enumerate() {
            let from = &self.gradients[channel * plane + line * columns..][..count * columns];
            for (from, to) in from.chunks_exact(columns).zip(to.chunks_mut(self.width)) {
                let to = &mut to[..columns];
                // SAFETY: both rows are that long.
                unsafe { copy_row::<T, L>(from.as_ptr(), to.as_mut_ptr(), columns) };
            }
            to[end..depth].fill(T::ZERO);
            if let Some(total) = self.totals.get_mut(channel) {
                *total += sum(from);
            }
        }
        depth
    }

    #[inline(always)]
    unsafe fn down<L: Lanes<T>, const M: usize, const N: usize>(
        &mut self,
        rows: &[&[T]; 6],
        pitch: usize,
        depth: usize,
        t: usize,
    ) {
        let mut channel = 0;
        // SAFETY: the caller's.
        unsafe {
            while channel + M <= self.channels {
                self.tile::<L, M, N>(rows, pitch, depth, channel, t);
                channel += M;
            }
            while channel < self.channels {
                self.tile::<L, 1, N>(rows, pitch, depth, channel, t);
                channel += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const M: usize, const N: usize>(
        &mut self,
        rows: &[&[T]; 6],
        pitch: usize,
        depth: usize,
        channel: usize,
        t: usize,
    ) {
        // SAFETY: the caller's.
        unsafe {
            let gradients = self.scratch.as_ptr().add(channel * pitch);
            let sums =
                tile::dot::<T, L, M, N>(depth, T::ZERO, |i| gradients.add(i * pitch), |j| rows[j].as_ptr());
            for (i, sums) in sums.iter().enumerate() {
                for (j, &sum) in sums.iter().enumerate() {
                    self.sums[(channel + i) * self.offsets.len() + t + j] += sum;
                }
            }
        }
    }
}
