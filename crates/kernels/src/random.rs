//! Random numbers: a counter-based generator for everything new ([`Philox`]), and NumPy's legacy stream, bit for bit,
//! for agreeing with the world ([`mt19937::RandomState`]).

pub mod mt19937;
mod normal;
pub mod philox;

pub use mt19937::RandomState;
pub use philox::Philox;

use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::for_each_chunk;
use normal::BoxMuller;
use philox::Group;
pub(crate) use philox::LANES;

/// Elements below which another thread does not pay.
const GRAIN: usize = 1 << 15;

/// Groups drawn by one task: a few thousand numbers, so a piece stays in the first-level cache.
const GROUPS_PER_TASK: usize = 64;

/// Distributions that turn one group of random words into a fixed count of values, so that value `i` of a fill is a
/// pure function of the generator's state and `i`: no thread count, no instruction set, no order changes it.
trait Distribution<T>: Copy + Sync {
    /// Values made of one group.
    const PER_GROUP: usize;
    /// Makes them; `out` has exactly `PER_GROUP` elements.
    fn draw(self, words: &Group, out: &mut [T]);
}

struct Fill<'a, T, D> {
    rng: Philox,
    distribution: D,
    out: &'a mut [T],
}

impl<T: Copy + Default, D: Distribution<T>> Kernel for Fill<'_, T, D> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let mut rng = self.rng;
        let mut pieces = self.out.chunks_exact_mut(D::PER_GROUP);
        for piece in &mut pieces {
            self.distribution.draw(&rng.next_group(), piece);
        }
        let rest = pieces.into_remainder();
        if !rest.is_empty() {
            let mut whole = [T::default(); 4 * LANES];
            self.distribution.draw(&rng.next_group(), &mut whole[..D::PER_GROUP]);
            rest.copy_from_slice(&whole[..rest.len()]);
        }
    }
}

/// Fills `out` from `rng` on and returns the generator as it stands afterwards.
fn fill<T: Copy + Default + Send, D: Distribution<T>>(rng: Philox, distribution: D, out: &mut [T]) -> Philox {
    let group_of = |i: usize| (i / D::PER_GROUP * LANES) as u64;
    let after = rng.skip(group_of(out.len().next_multiple_of(D::PER_GROUP)));
    for_each_chunk(out, D::PER_GROUP * GROUPS_PER_TASK, GRAIN, |start, out| {
        dispatch(Fill { rng: rng.skip(group_of(start)), distribution, out });
    });
    after
}

/// Element types that can be drawn at random. Reached through [`Philox::fill_uniform`] and [`Philox::fill_normal`].
pub trait Random: Real {
    /// Values of the uniform distribution on `[low, high)`; returns the generator's next state.
    fn uniform(rng: Philox, low: Self, high: Self, out: &mut [Self]) -> Philox;
    /// Values of the normal distribution; returns the generator's next state.
    fn normal(rng: Philox, mean: Self, std: Self, out: &mut [Self]) -> Philox;
}

#[derive(Clone, Copy)]
struct Uniform<T> {
    low: T,
    range: T,
    /// The largest value below `high`: `low + range * u` may round up to `high` itself.
    last: T,
}

impl Distribution<f32> for Uniform<f32> {
    const PER_GROUP: usize = 4 * LANES;

    #[inline(always)]
    fn draw(self, words: &Group, out: &mut [f32]) {
        for (row, out) in words.iter().zip(out.chunks_exact_mut(LANES)) {
            for (&word, out) in row.iter().zip(out) {
                let u = (word >> 8) as i32 as f32 * (1.0 / (1 << 24) as f32);
                *out = Real::min(self.low + self.range * u, self.last);
            }
        }
    }
}

impl Distribution<f64> for Uniform<f64> {
    const PER_GROUP: usize = 2 * LANES;

    #[inline(always)]
    fn draw(self, words: &Group, out: &mut [f64]) {
        for (rows, out) in words.chunks_exact(2).zip(out.chunks_exact_mut(LANES)) {
            for ((&a, &b), out) in rows[0].iter().zip(&rows[1]).zip(out) {
                // 27 + 26 bits, each small enough for the signed conversion every processor has.
                let (a, b) = (f64::from((a >> 5) as i32), f64::from((b >> 6) as i32));
                let u = (a * 67_108_864.0 + b) * (1.0 / 9_007_199_254_740_992.0);
                *out = Real::min(self.low + self.range * u, self.last);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Normal<T> {
    mean: T,
    std: T,
}

impl Distribution<f32> for Normal<f32> {
    const PER_GROUP: usize = 4 * LANES;

    #[inline(always)]
    fn draw(self, words: &Group, out: &mut [f32]) {
        for (rows, out) in words.chunks_exact(2).zip(out.chunks_exact_mut(2 * LANES)) {
            let (left, right) = out.split_at_mut(LANES);
            for l in 0..LANES {
                let (a, b) = f32::box_muller(rows[0][l], rows[1][l]);
                left[l] = self.mean + self.std * a;
                right[l] = self.mean + self.std * b;
            }
        }
    }
}

impl Distribution<f64> for Normal<f64> {
    const PER_GROUP: usize = 2 * LANES;

    #[inline(always)]
    fn draw(self, words: &Group, out: &mut [f64]) {
        let (left, right) = out.split_at_mut(LANES);
        for l in 0..LANES {
            let joined = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
            let (a, b) = f64::box_muller(joined(words[0][l], words[1][l]), joined(words[2][l], words[3][l]));
            left[l] = self.mean + self.std * a;
            right[l] = self.mean + self.std * b;
        }
    }
}

macro_rules! random {
    ($($t:ty),*) => { $(
        impl Random for $t {
            fn uniform(rng: Philox, low: Self, high: Self, out: &mut [Self]) -> Philox {
                fill(rng, Uniform { low, range: high - low, last: if high > low { high.next_down() } else { low } }, out)
            }

            fn normal(rng: Philox, mean: Self, std: Self, out: &mut [Self]) -> Philox {
                fill(rng, Normal { mean, std }, out)
            }
        }
    )* };
}
random!(f32, f64);

/// True with a chance of `threshold / 2^32`.
#[derive(Clone, Copy)]
struct Bernoulli {
    threshold: u64,
}

impl Distribution<bool> for Bernoulli {
    const PER_GROUP: usize = 4 * LANES;

    #[inline(always)]
    fn draw(self, words: &Group, out: &mut [bool]) {
        for (&word, out) in words.as_flattened().iter().zip(out) {
            *out = u64::from(word) < self.threshold;
        }
    }
}

/// Whole 64-bit words.
#[derive(Clone, Copy)]
struct Words;

impl Distribution<u64> for Words {
    const PER_GROUP: usize = 2 * LANES;

    #[inline(always)]
    fn draw(self, words: &Group, out: &mut [u64]) {
        for (rows, out) in words.chunks_exact(2).zip(out.chunks_exact_mut(LANES)) {
            for ((&high, &low), out) in rows[0].iter().zip(&rows[1]).zip(out) {
                *out = u64::from(high) << 32 | u64::from(low);
            }
        }
    }
}

/// A chance as the count of 32-bit words, out of 2^32, that stand for "yes".
#[inline]
pub(crate) fn threshold(p: f64) -> u64 {
    assert!((0.0..=1.0).contains(&p), "a probability lies in [0, 1], not {p}");
    (p * 4_294_967_296.0).round() as u64
}

impl Philox {
    /// Fills `out` with the uniform distribution on `[low, high)`, in steps of 2^-24 (f32) or 2^-53 (f64) of the range.
    pub fn fill_uniform<T: Random>(&mut self, low: T, high: T, out: &mut [T]) {
        *self = T::uniform(*self, low, high, out);
    }

    /// Fills `out` with the normal distribution (Box and Muller, 1958). The same state gives the same bits on every
    /// processor. The tails end at 6.7 (f32) and 8.5 (f64) standard deviations.
    pub fn fill_normal<T: Random>(&mut self, mean: T, std: T, out: &mut [T]) {
        *self = T::normal(*self, mean, std, out);
    }

    /// Fills `out` with `true` with chance `p` (in steps of 2^-32).
    pub fn fill_bernoulli(&mut self, p: f64, out: &mut [bool]) {
        *self = fill(*self, Bernoulli { threshold: threshold(p) }, out);
    }

    /// Fills `out` with random 64-bit words.
    pub fn fill_words(&mut self, out: &mut [u64]) {
        *self = fill(*self, Words, out);
    }

    /// The generator after `len` 32-bit words.
    pub(crate) fn after_bits(self, len: usize) -> Philox {
        self.skip((len.div_ceil(4 * LANES) * LANES) as u64)
    }

    /// Fills `out` with integers of `[low, high)`, every one equally likely (Lemire, 2019).
    pub fn fill_integers(&mut self, low: i64, high: i64, out: &mut [i64]) {
        assert!(low < high, "no integer lies in [{low}, {high})");
        let n = high.wrapping_sub(low) as u64;
        let start = *self;
        let mut words = vec![0; out.len()];
        self.fill_words(&mut words);
        for_each_chunk(out, 1 << 14, GRAIN, |offset, out| {
            for (i, (out, &word)) in out.iter_mut().zip(&words[offset..]).enumerate() {
                *out = low.wrapping_add(start.below(n, word, (offset + i) as u64) as i64);
            }
        });
    }

    /// A random order of `0..n` (Fisher and Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let start = *self;
        let mut words = vec![0; n];
        self.fill_words(&mut words);
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, start.below(i as u64 + 1, words[i], i as u64) as usize);
        }
        order
    }

    /// The integer below `n` that `word` stands for. A word that would favour some integers (there are fewer than `n`
    /// of 2^64) is replaced by one from a part of the counter space that fills never reach, addressed by the state,
    /// the `place` in the fill and the attempt.
    fn below(self, n: u64, mut word: u64, place: u64) -> u64 {
        let mut attempt = 0;
        loop {
            let product = u128::from(word) * u128::from(n);
            // The remainder 2^64 mod n costs a division, so look whether it can matter first.
            if product as u64 >= n || product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
            attempt += 1;
            let [high, low, ..] = self.skip(place).block_of(attempt);
            word = u64::from(high) << 32 | u64::from(low);
        }
    }
}
