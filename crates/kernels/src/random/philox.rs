//! Philox4x32-10: random words as a pure function of a key and a counter (Salmon, Moraes, Dror, Shaw: "Parallel random
//! numbers: as easy as 1, 2, 3", 2011).

/// Counters worked on side by side.
pub(crate) const LANES: usize = 32;

/// The words of `LANES` consecutive blocks; row `j` holds word `j` of every block, the order vectors write them in. Vectors
/// that crossed cache lines would wait for the memory that they were just written to.
#[repr(align(64))]
pub(crate) struct Group([[u32; LANES]; 4]);

impl std::ops::Deref for Group {
    type Target = [[u32; LANES]; 4];

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// A random generator whose whole state is a seed and a counter.
///
/// Every draw is computed from the two, so a fill is cut over threads freely, a dropout mask is recomputed instead of
/// stored, and saving the pair ([`Philox::state`]) and restoring it ([`Philox::from_state`]) continues exactly. A fill
/// advances the counter by whole groups of 32 blocks (128 words).
///
/// ```
/// use barehand_kernels::random::Philox;
///
/// let mut rng = Philox::new(0);
/// let mut noise = [0.0f32; 5];
/// rng.fill_normal(0.0, 1.0, &mut noise);
/// let (seed, counter) = rng.state();
/// assert_eq!(Philox::from_state(seed, counter).permutation(9), rng.permutation(9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Philox {
    seed: u64,
    counter: u64,
}

impl Philox {
    /// The generator's beginning for `seed`.
    pub const fn new(seed: u64) -> Self {
        Philox { seed, counter: 0 }
    }

    /// The seed, and the number of blocks (of four 32-bit words) consumed.
    pub const fn state(self) -> (u64, u64) {
        (self.seed, self.counter)
    }

    /// The generator in a state that [`Philox::state`] returned.
    pub const fn from_state(seed: u64, counter: u64) -> Self {
        Philox { seed, counter }
    }

    /// The generator `blocks` further on.
    #[inline(always)]
    #[must_use]
    pub const fn skip(self, blocks: u64) -> Self {
        Philox { seed: self.seed, counter: self.counter.wrapping_add(blocks) }
    }

    /// A generator of its own for a worker or a layer: its seed is drawn from this one.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Philox::new(self.next_u64())
    }

    /// 64 random bits; takes one block.
    pub fn next_u64(&mut self) -> u64 {
        let [high, low, ..] = self.block_of(0);
        *self = self.skip(1);
        u64::from(high) << 32 | u64::from(low)
    }

    /// One value of the uniform distribution on `[0, 1)`, in steps of 2^-53; takes one block.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// The block at the current counter; `stream` is the counter's upper half, 0 in every fill.
    #[inline(always)]
    pub(crate) fn block_of(self, stream: u64) -> [u32; 4] {
        let counter =
            [self.counter as u32, (self.counter >> 32) as u32, stream as u32, (stream >> 32) as u32];
        block(counter, [self.seed as u32, (self.seed >> 32) as u32])
    }

    /// The next `LANES` blocks.
    #[inline(always)]
    pub(crate) fn next_group(&mut self) -> Group {
        let mut group = [[0; LANES]; 4];
        for l in 0..LANES {
            let words = self.skip(l as u64).block_of(0);
            for j in 0..4 {
                group[j][l] = words[j];
            }
        }
        *self = self.skip(LANES as u64);
        Group(group)
    }
}

/// The bijection itself: ten rounds on a 128-bit counter under a 64-bit key, least significant words first.
#[inline(always)]
pub fn block(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    // 64-bit registers throughout: vectors have a 32 x 32 -> 64 multiplication that reads the lower halves in place.
    let [mut a, mut b, mut c, mut d] = counter.map(u64::from);
    let mut key = key;
    for _ in 0..10 {
        let left = (a & 0xFFFF_FFFF) * MULTIPLIERS[0];
        let right = (c & 0xFFFF_FFFF) * MULTIPLIERS[1];
        (a, b, c, d) =
            ((right >> 32) ^ b ^ u64::from(key[0]), right, (left >> 32) ^ d ^ u64::from(key[1]), left);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    [a as u32, b as u32, c as u32, d as u32]
}
