//! Histograms of gradients over binned features, where gradient boosting finds its splits.
//!
//! A binned feature is a byte a row. Eight of them lie side by side in one word, blocks of words one after another, so
//! that one load feeds eight histograms. A histogram is summed by one thread, row by row in the order given: threads share
//! the features, never the rows, and so never change a sum.

mod split;

use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::threads;

pub use split::{Limits, NodeSums, Split, best_split, node_value};

/// Features in a word.
const BLOCK: usize = 8;

/// Updates of a bin that pay for another thread.
const GRAIN: usize = 1 << 14;

/// Rows that are put into words, gathered, or moved to a side of a split, in one piece.
const PIECE: usize = 1 << 12;

/// Sums that a bin holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// `[gradient, rows]`, where every hessian is 1.
    Gradients,
    /// `[gradient, hessian, rows, 0]`.
    Hessians,
}

impl Sums {
    /// How many numbers a bin takes.
    pub fn lanes(self) -> usize {
        match self {
            Sums::Gradients => 2,
            Sums::Hessians => 4,
        }
    }

    /// `[gradient, hessian, rows]` of a bin.
    #[inline(always)]
    pub fn of(self, bin: &[f64]) -> [f64; 3] {
        match self {
            Sums::Gradients => [bin[0], bin[1], bin[1]],
            Sums::Hessians => [bin[0], bin[1], bin[2]],
        }
    }
}

/// Rows of features of at most 256 bins each.
#[derive(Clone, Debug)]
pub struct Binned {
    rows: usize,
    /// The first bin of each feature among those of all, and their number at the end.
    starts: Vec<usize>,
    /// Word `block * rows + row` holds the bins of features `8 block..8 block + 8`; every one is below its feature's number.
    words: Vec<u64>,
}

impl Binned {
    /// Rows of which `fill(feature, first row, bins)` says the bins; feature `f` has `sizes[f]` of them.
    pub fn new(rows: usize, sizes: &[usize], fill: impl Fn(usize, usize, &mut [u8]) + Sync) -> Self {
        assert!(u32::try_from(rows).is_ok(), "{rows} rows are more than 32 bits count");
        let mut starts = vec![0];
        for &size in sizes {
            assert!((1..=256).contains(&size), "{size} bins do not fit a byte");
            starts.push(starts[starts.len() - 1] + size);
        }
        let blocks = sizes.len().div_ceil(BLOCK);
        let mut words = vec![0u64; blocks * rows];
        let pieces = rows.div_ceil(PIECE);
        let places = Disjoint::new(&mut words);
        let threads = threads::threads_for(rows * sizes.len(), GRAIN);
        threads::for_each(blocks * pieces, threads, |task| {
            let (block, from) = (task / pieces, task % pieces * PIECE);
            let count = PIECE.min(rows - from);
            // SAFETY: every task takes rows of its own of one block.
            let words = unsafe { places.slice(block * rows + from, count) };
            let mut bins = vec![0u8; count];
            for (j, size) in sizes.iter().skip(block * BLOCK).take(BLOCK).enumerate() {
                fill(block * BLOCK + j, from, &mut bins);
                for (word, &bin) in words.iter_mut().zip(&bins) {
                    assert!(usize::from(bin) < *size, "bin {bin} of {size}");
                    *word |= u64::from(bin) << (8 * j);
                }
            }
        });
        Binned { rows, starts, words }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features there are.
    pub fn features(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many bins all features have together.
    pub fn bins(&self) -> usize {
        self.starts[self.features()]
    }

    /// Where the bins of a feature lie among those of all.
    pub fn bins_of(&self, feature: usize) -> std::ops::Range<usize> {
        self.starts[feature]..self.starts[feature + 1]
    }

    /// The bin of a feature in a row.
    #[inline]
    pub fn bin(&self, feature: usize, row: usize) -> u8 {
        (self.words[feature / BLOCK * self.rows + row] >> (8 * (feature % BLOCK))) as u8
    }

    /// Sums `[gradient, hessian]` of `rows` into the histogram of every feature: `sums.lanes()` numbers for each of
    /// [`Binned::bins`]. Where there is a `parent`, the histogram of these rows and others, it becomes that of the others.
    ///
    /// Returns what `look(feature, its bins, those of the others)` says of each feature, while both are in the first cache.
    /// `ordered` is room for the pairs of these rows, side by side.
    pub fn histogram<O: Clone + Default + Send>(
        &self,
        sums: Sums,
        rows: &[u32],
        pairs: &[[f32; 2]],
        ordered: &mut Vec<[f32; 2]>,
        histogram: &mut [f64],
        parent: Option<&mut [f64]>,
        look: impl Fn(usize, &[f64], &[f64]) -> O + Sync,
    ) -> Vec<O> {
        let size = self.bins() * sums.lanes();
        assert!(pairs.len() == self.rows, "a gradient for each of {} rows", self.rows);
        assert!(histogram.len() == size, "{} numbers a bin", sums.lanes());
        assert!(parent.as_ref().is_none_or(|parent| parent.len() == size), "{} numbers a bin", sums.lanes());
        assert!(rows.iter().all(|&row| (row as usize) < self.rows), "a row is not there");
        ordered.clear();
        ordered.resize(rows.len(), [0.0; 2]);
        threads::for_each_chunk(ordered, PIECE, GRAIN, |from, piece| {
            for (pair, &row) in piece.iter_mut().zip(&rows[from..]) {
                *pair = pairs[row as usize];
            }
        });
        match sums {
            Sums::Gradients => self.filled::<2, 8, O>(rows, ordered, histogram, parent, look),
            Sums::Hessians => self.filled::<4, 4, O>(rows, ordered, histogram, parent, look),
        }
    }

    /// `LANES` numbers a bin, `GROUP` features at a time: what stays in the first cache.
    fn filled<const LANES: usize, const GROUP: usize, O: Clone + Default + Send>(
        &self,
        rows: &[u32],
        ordered: &[[f32; 2]],
        histogram: &mut [f64],
        parent: Option<&mut [f64]>,
        look: impl Fn(usize, &[f64], &[f64]) -> O + Sync,
    ) -> Vec<O> {
        let features = self.features();
        let mut seen = vec![O::default(); features];
        let (places, histogram) = (Disjoint::new(&mut seen), Disjoint::new(histogram));
        let parent = parent.map(Disjoint::new);
        let threads = threads::threads_for(rows.len() * features + self.bins(), GRAIN);
        threads::for_each(features.div_ceil(GROUP), threads, |group| {
            let first = group * GROUP;
            let last = (first + GROUP).min(features);
            let (from, to) = (self.starts[first], self.starts[last]);
            let (start, len) = (from * LANES, (to - from) * LANES);
            // SAFETY: every task takes features, and their bins, of its own.
            let (places, own, others) = unsafe {
                let others = parent.as_ref().map_or(&mut [][..], |parent| parent.slice(start, len));
                (places.slice(first, last - first), histogram.slice(start, len), others)
            };
            let (cells, _) = own.as_chunks_mut::<LANES>();
            cells.fill([0.0; LANES]);
            // Features past the last one count all their rows in bin 0 of nothing.
            let mut nothing = [0.0; LANES];
            let mut out = [&raw mut nothing; GROUP];
            for (place, feature) in out.iter_mut().zip(first..last) {
                *place = &raw mut cells[self.starts[feature] - from];
            }
            let block = first / BLOCK * self.rows;
            let words = &self.words[block..block + self.rows];
            dispatch(Fill { words, shift: 8 * (first % BLOCK), rows, ordered, out });
            dispatch(Subtract { from: others, what: own });
            for (place, feature) in places.iter_mut().zip(first..last) {
                let bins = (self.starts[feature] - from) * LANES..(self.starts[feature + 1] - from) * LANES;
                let others = others.get(bins.clone()).unwrap_or_default();
                *place = look(feature, &own[bins], others);
            }
        });
        seen
    }

    /// Puts those of `rows` whose bin of `feature` goes left in front, both sides in the order in which they were, and
    /// returns how many go left. `buffer` is room for the others.
    pub fn partition(
        &self,
        feature: usize,
        goes_left: &[bool; 256],
        rows: &mut [u32],
        buffer: &mut Vec<u32>,
    ) -> usize {
        let len = rows.len();
        buffer.clear();
        buffer.resize(len, 0);
        let column = &self.words[feature / BLOCK * self.rows..][..self.rows];
        let shift = 8 * (feature % BLOCK);
        let pieces = len.div_ceil(PIECE).max(1);
        let mut counts = vec![0usize; pieces];
        {
            let (rows, right, counts) =
                (Disjoint::new(rows), Disjoint::new(&mut buffer[..]), Disjoint::new(&mut counts));
            threads::for_each(pieces, threads::threads_for(len, PIECE), |piece| {
                let from = piece * PIECE;
                let count = PIECE.min(len - from);
                // SAFETY: every task takes a piece of its own.
                let (rows, right, lefts) =
                    unsafe { (rows.slice(from, count), right.slice(from, count), counts.slice(piece, 1)) };
                let mut left = 0;
                for i in 0..count {
                    let row = rows[i];
                    let goes = goes_left[(column[row as usize] >> shift) as usize & 0xFF];
                    rows[left] = row;
                    right[i - left] = row;
                    left += usize::from(goes);
                }
                lefts[0] = left;
            });
        }
        let total: usize = counts.iter().sum();
        let mut to = 0;
        for (piece, &count) in counts.iter().enumerate() {
            rows.copy_within(piece * PIECE..piece * PIECE + count, to);
            to += count;
        }
        for (piece, &count) in counts.iter().enumerate() {
            let from = piece * PIECE;
            let others = PIECE.min(len - from) - count;
            rows[to..to + others].copy_from_slice(&buffer[from..from + others]);
            to += others;
        }
        total
    }
}

/// `from -= what`, as far as both go.
struct Subtract<'a> {
    from: &'a mut [f64],
    what: &'a [f64],
}

impl Kernel for Subtract<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        self.from.iter_mut().zip(self.what).for_each(|(from, what)| *from -= what);
    }
}

struct Fill<'a, const LANES: usize, const GROUP: usize> {
    words: &'a [u64],
    shift: usize,
    rows: &'a [u32],
    ordered: &'a [[f32; 2]],
    /// Each with room for every bin of its feature.
    out: [*mut [f64; LANES]; GROUP],
}

impl<const LANES: usize, const GROUP: usize> Kernel for Fill<'_, LANES, GROUP> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        for (&row, &[gradient, hessian]) in self.rows.iter().zip(self.ordered) {
            let mut sample = [0.0; LANES];
            sample[0] = f64::from(gradient);
            if LANES == 2 {
                sample[1] = 1.0;
            } else {
                sample[1] = f64::from(hessian);
                sample[2] = 1.0;
            }
            // SAFETY: the caller has compared every row with their number.
            let word = unsafe { *self.words.get_unchecked(row as usize) } >> self.shift;
            for j in 0..GROUP {
                let bin = (word >> (8 * j)) as usize & 0xFF;
                // SAFETY: `Binned` holds no bin that its feature does not have, and 0 where there is no feature.
                let cell = unsafe { &mut *self.out[j].add(bin) };
                for lane in 0..LANES {
                    cell[lane] += sample[lane];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binned(rows: usize, sizes: &[usize]) -> Binned {
        Binned::new(rows, sizes, |feature, from, bins| {
            for (i, bin) in bins.iter_mut().enumerate() {
                *bin = ((from + i) * (feature + 3) % sizes[feature]) as u8;
            }
        })
    }

    #[test]
    fn histograms_are_the_sums_of_their_rows_on_any_number_of_threads() {
        for features in [1, 4, 7, 8, 11, 17] {
            let sizes: Vec<usize> = (0..features).map(|f| [256, 1, 31, 2][f % 4]).collect();
            let binned = binned(40_000, &sizes);
            let pairs: Vec<[f32; 2]> =
                (0..40_000).map(|i| [(i % 97) as f32 - 40.0, (i % 5) as f32]).collect();
            let rows: Vec<u32> = (0..40_000).filter(|i| i % 3 != 1).collect();
            for sums in [Sums::Gradients, Sums::Hessians] {
                let lanes = sums.lanes();
                let mut expected = vec![0.0; binned.bins() * lanes];
                for &row in &rows {
                    for feature in 0..features {
                        let bin =
                            binned.bins_of(feature).start + usize::from(binned.bin(feature, row as usize));
                        let [gradient, hessian] = pairs[row as usize].map(f64::from);
                        let sample = [gradient, if lanes == 2 { 1.0 } else { hessian }, 1.0, 0.0];
                        for lane in 0..lanes {
                            expected[bin * lanes + lane] += sample[lane];
                        }
                    }
                }
                for threads in [1, 3] {
                    let mut found = vec![f64::NAN; expected.len()];
                    let mut parent: Vec<f64> = expected.iter().map(|sum| 3.0 * sum).collect();
                    let seen = threads::with_num_threads(threads, || {
                        let room = &mut Vec::new();
                        let parent = Some(&mut parent[..]);
                        binned.histogram(
                            sums,
                            &rows,
                            &pairs,
                            room,
                            &mut found,
                            parent,
                            |feature, own, others| {
                                assert_eq!(own.len(), lanes * sizes[feature]);
                                (feature, own[0], others[0])
                            },
                        )
                    });
                    assert_eq!(found, expected);
                    // Whole numbers: nothing is rounded.
                    assert!(parent.iter().zip(&expected).all(|(others, own)| *others == 2.0 * own));
                    for (feature, seen) in seen.into_iter().enumerate() {
                        let at = binned.bins_of(feature).start * lanes;
                        assert_eq!(seen, (feature, found[at], parent[at]));
                    }
                }
            }
        }
    }

    #[test]
    fn sides_keep_their_order() {
        let binned = binned(50_000, &[7, 256]);
        for (feature, len) in [(0, 50_000), (1, 50_000), (0, 5), (1, 0), (0, PIECE), (0, PIECE + 1)] {
            let mut goes_left = [false; 256];
            goes_left.iter_mut().step_by(3).for_each(|left| *left = true);
            let mut rows: Vec<u32> = (0..len as u32).rev().collect();
            let is_left = |row: &u32| goes_left[usize::from(binned.bin(feature, *row as usize))];
            let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| is_left(row));
            let count = threads::with_num_threads(2, || {
                binned.partition(feature, &goes_left, &mut rows, &mut Vec::new())
            });
            assert_eq!(count, left.len());
            assert_eq!(rows, [left, right].concat());
        }
    }
}
