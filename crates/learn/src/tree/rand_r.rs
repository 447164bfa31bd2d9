//! The stream that scikit-learn's splitters draw from.

use barehand_kernels::random::RandomState;

const LARGEST: u32 = 2_147_483_647;

/// Marsaglia's 32-bit xorshift, seeded from `numpy.random.RandomState` as scikit-learn seeds it: the same seed looks at the
/// same features, in the same order.
#[derive(Clone, Debug)]
pub struct RandR(u32);

impl RandR {
    /// The stream of `random_state=seed`.
    pub fn new(seed: u32) -> Self {
        RandR(RandomState::new(seed).randint(0, i64::from(LARGEST)) as u32)
    }

    fn next(&mut self) -> u32 {
        let mut x = if self.0 == 0 { 1 } else { self.0 };
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.0 = x;
        x % (LARGEST + 1)
    }

    /// A whole number of `[low, high)`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.next() as usize % (high - low)
    }

    /// A real number from `low` to `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        (high - low) * f64::from(self.next()) / f64::from(LARGEST) + low
    }
}
