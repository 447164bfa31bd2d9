//! NumPy's legacy generator, bit for bit: the Mersenne twister (Matsumoto and Nishimura, 1998) behind
//! `numpy.random.RandomState` and `numpy.random.seed`, whose stream NumPy has frozen (NEP 19).

const N: usize = 624;
const M: usize = 397;

/// `numpy.random.RandomState`: same seed, same numbers.
///
/// ```
/// use barehand_kernels::random::RandomState;
///
/// let mut rng = RandomState::new(0); // numpy.random.seed(0)
/// assert_eq!(rng.random_sample(), 0.5488135039273248);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RandomState {
    key: [u32; N],
    /// The next word of `key` to hand out; `N` when all are used.
    position: usize,
    /// The second value of the last pair of normal values.
    gauss: Option<f64>,
}

/// What `RandomState.get_state()` returns: enough to continue the stream exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct LegacyState {
    /// The twister's 624 words.
    pub key: Vec<u32>,
    /// How many of them are used.
    pub position: usize,
    /// The normal value waiting to be returned.
    pub gauss: Option<f64>,
}

/// `p` added up, the last sum scaled to 1.
fn cumulative(p: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums: Vec<f64> = p
        .iter()
        .map(|p| {
            sum += p;
            sum
        })
        .collect();
    for value in &mut sums {
        *value /= sum;
    }
    sums
}

/// How many of the ascending sums are not above `draw`.
fn above(sums: &[f64], draw: f64) -> usize {
    sums.partition_point(|&sum| sum <= draw)
}

impl RandomState {
    /// `RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        let mut key = [0; N];
        let mut word = seed;
        for (i, slot) in key.iter_mut().enumerate() {
            *slot = word;
            word = 1_812_433_253u32.wrapping_mul(word ^ word >> 30).wrapping_add(i as u32 + 1);
        }
        RandomState { key, position: N, gauss: None }
    }

    /// `RandomState([..])`: seeded by a non-empty list.
    pub fn from_list(seeds: &[u32]) -> Self {
        assert!(!seeds.is_empty(), "the list of seeds is empty");
        let mut key = Self::new(19_650_218).key;
        let mix = |previous: u32, factor: u32| (previous ^ previous >> 30).wrapping_mul(factor);
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(seeds.len()) {
            key[i] = (key[i] ^ mix(key[i - 1], 1_664_525)).wrapping_add(seeds[j]).wrapping_add(j as u32);
            i += 1;
            j = (j + 1) % seeds.len();
            if i == N {
                key[0] = key[N - 1];
                i = 1;
            }
        }
        for _ in 0..N - 1 {
            key[i] = (key[i] ^ mix(key[i - 1], 1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i == N {
                key[0] = key[N - 1];
                i = 1;
            }
        }
        key[0] = 0x8000_0000;
        RandomState { key, position: N, gauss: None }
    }

    /// `get_state()`
    pub fn state(&self) -> LegacyState {
        LegacyState { key: self.key.to_vec(), position: self.position, gauss: self.gauss }
    }

    /// `set_state()`; `None` where the state is not one of this generator's (624 words, position at most 624).
    pub fn from_state(state: &LegacyState) -> Option<Self> {
        let key = state.key.as_slice().try_into().ok()?;
        (state.position <= N).then_some(RandomState { key, position: state.position, gauss: state.gauss })
    }

    fn twist(&mut self) {
        for i in 0..N {
            let bits = self.key[i] & 0x8000_0000 | self.key[(i + 1) % N] & 0x7FFF_FFFF;
            self.key[i] = self.key[(i + M) % N] ^ bits >> 1 ^ (bits & 1).wrapping_neg() & 0x9908_B0DF;
        }
        self.position = 0;
    }

    /// The next 32 bits of the stream.
    pub fn next_u32(&mut self) -> u32 {
        if self.position == N {
            self.twist();
        }
        let mut y = self.key[self.position];
        self.position += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9D2C_5680;
        y ^= y << 15 & 0xEFC6_0000;
        y ^ y >> 18
    }

    fn next_u64(&mut self) -> u64 {
        let high = self.next_u32();
        u64::from(high) << 32 | u64::from(self.next_u32())
    }

    /// `random_sample()`, `rand()`: uniform on `[0, 1)`, 53 bits.
    pub fn random_sample(&mut self) -> f64 {
        let a = f64::from(self.next_u32() >> 5);
        let b = f64::from(self.next_u32() >> 6);
        (a * 67_108_864.0 + b) / 9_007_199_254_740_992.0
    }

    /// `uniform(low, high)`
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random_sample()
    }

    /// `randn()`, `standard_normal()`: Marsaglia's polar method, two values at a time, the second kept.
    pub fn randn(&mut self) -> f64 {
        if let Some(kept) = self.gauss.take() {
            return kept;
        }
        loop {
            let x = 2.0 * self.random_sample() - 1.0;
            let y = 2.0 * self.random_sample() - 1.0;
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.gauss = Some(factor * x);
                return factor * y;
            }
        }
    }

    /// `normal(mean, std)`
    pub fn normal(&mut self, mean: f64, std: f64) -> f64 {
        mean + std * self.randn()
    }

    /// A number of `0..=max`: words masked to the bits of `max` until one is small enough. Draws nothing for 0.
    fn masked(&mut self, max: u64) -> u64 {
        if max == 0 {
            return 0;
        }
        let mask = u64::MAX >> max.leading_zeros();
        loop {
            let word = if max >> 32 == 0 { u64::from(self.next_u32()) } else { self.next_u64() };
            if word & mask <= max {
                return word & mask;
            }
        }
    }

    /// `randint(low, high)`: an integer of `[low, high)`, which must not be empty (dtype int64, NumPy's default on
    /// 64-bit systems).
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        assert!(low < high, "no integer lies in [{low}, {high})");
        let max = high.wrapping_sub(low) as u64 - 1;
        low.wrapping_add(self.masked(max) as i64)
    }

    /// `shuffle(values)`, in place.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.masked(i as u64) as usize);
        }
    }

    /// `permutation(n)`: a random order of `0..n`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// `choice(n, size, p=p)`: indices of `0..n`, each as probable as the not negative `p` (not all 0) says; an index may
    /// come more than once.
    pub fn choice(&mut self, size: usize, p: &[f64]) -> Vec<usize> {
        let cumulative = cumulative(p);
        (0..size).map(|_| above(&cumulative, self.random_sample())).collect()
    }

    /// `choice(n, size, replace=False, p=p)`: every index at most once; at least `size` of `p` must not be 0.
    pub fn choice_distinct(&mut self, size: usize, p: &[f64]) -> Vec<usize> {
        assert!(p.iter().filter(|p| **p > 0.0).count() >= size, "{size} of fewer that are possible");
        let mut p = p.to_vec();
        let mut found: Vec<usize> = Vec::with_capacity(size);
        while found.len() < size {
            let draws: Vec<f64> = (found.len()..size).map(|_| self.random_sample()).collect();
            for &index in &found {
                p[index] = 0.0;
            }
            let cumulative = cumulative(&p);
            for draw in draws {
                let index = above(&cumulative, draw);
                // What rounding lets fall behind the last possible index, or onto an impossible one, is drawn again.
                if index < p.len() && p[index] > 0.0 && !found.contains(&index) {
                    found.push(index);
                }
            }
        }
        found
    }
}
