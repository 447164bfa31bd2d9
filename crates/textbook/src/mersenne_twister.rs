//! The Mersenne Twister MT19937, and what NumPy's legacy generator (`numpy.random.RandomState`) makes of it.
//!
//! 624 words of 32 bits; each new word mixes the one it replaces with its neighbour and the one 397 further on.
//! Matsumoto and Nishimura 1998. The same seed gives the same numbers as `numpy.random.seed(..)`, so that notes and
//! goldens written with NumPy can be followed to the last digit.

use crate::array::Array;

const WORDS: usize = 624;
const DISTANCE: usize = 397;

/// The generator.
///
/// ```
/// use barehand_textbook::MersenneTwister;
///
/// let mut random = MersenneTwister::new(0);
/// assert_eq!(random.uniform(), 0.5488135039273248); // numpy.random.RandomState(0).rand()
/// ```
#[derive(Clone, Debug)]
pub struct MersenneTwister {
    state: [u32; WORDS],
    next: usize,
    spare_normal: Option<f64>,
}

impl MersenneTwister {
    /// The generator that `numpy.random.RandomState(seed)` starts.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        for i in 1..WORDS {
            let previous = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        MersenneTwister { state, next: WORDS, spare_normal: None }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        for i in 0..WORDS {
            let joined = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % WORDS] & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + DISTANCE) % WORDS] ^ (joined >> 1) ^ odd;
        }
        self.next = 0;
    }

    /// A number in [0, 1) with 53 random bits: `rand()`, `random_sample()`.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (f64::from(self.next_u32() >> 5), f64::from(self.next_u32() >> 6));
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// A standard normal number by Marsaglia's polar method, which makes two at a time: `randn()`.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let r2 = x * x + y * y;
            if r2 < 1.0 && r2 != 0.0 {
                let scale = (-2.0 * r2.ln() / r2).sqrt();
                self.spare_normal = Some(scale * x);
                return scale * y;
            }
        }
    }

    /// An integer in 0..=`max`: the smallest enough number of bits, drawn until they fit.
    fn at_most(&mut self, max: u32) -> u32 {
        let mask = max.checked_ilog2().map_or(0, |bits| u32::MAX >> (31 - bits));
        loop {
            let value = self.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }

    /// The numbers 0..n in random order: `permutation(n)`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.at_most(i as u32) as usize);
        }
        order
    }

    /// An array of uniform numbers: `rand(*shape)`.
    pub fn rand(&mut self, shape: &[usize]) -> Array {
        Array::from_fn(shape, |_| self.uniform())
    }

    /// An array of standard normal numbers: `randn(*shape)`.
    pub fn randn(&mut self, shape: &[usize]) -> Array {
        Array::from_fn(shape, |_| self.normal())
    }
}
