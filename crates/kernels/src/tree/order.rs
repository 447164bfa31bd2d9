//! A node's rows in the order of a column.

/// The rank of a key.
#[inline(always)]
pub fn key_rank(key: u64) -> u32 {
    (key >> 32) as u32
}

/// The row of a key: its place in the node.
#[inline(always)]
pub fn key_row(key: u64) -> usize {
    key as u32 as usize
}

/// Bits of a digit: the counts of 2^11 digits still lie in the first-level cache.
const DIGIT: u32 = 11;

/// Below this a comparison sort is faster than counting digits.
const FEW: usize = 200;

/// Sorts keys whose upper halves are at most `largest`. Keys differ, so there is one order.
pub(super) fn sort_keys(keys: &mut Vec<u64>, scratch: &mut Vec<u64>, largest: u32) {
    let bits = (u32::BITS - largest.leading_zeros()).max(1);
    let passes = bits.div_ceil(DIGIT);
    let width = bits.div_ceil(passes);
    if keys.len() < FEW || keys.len() < 1 << (width - 1) {
        return keys.sort_unstable();
    }
    scratch.resize(keys.len(), 0);
    let mask = (1u64 << width) - 1;
    for pass in 0..passes {
        let shift = 32 + pass * width;
        let digit = |key: u64| (key >> shift & mask) as usize;
        let mut places = vec![0u32; 1 << width];
        for &key in &*keys {
            places[digit(key)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for &key in &*keys {
            let place = &mut places[digit(key)];
            scratch[*place as usize] = key;
            *place += 1;
        }
        std::mem::swap(keys, scratch);
    }
}

/// The keys of a node's rows, and memory to sort them in.
#[derive(Debug, Default)]
pub struct Keys {
    pub(super) list: Vec<u64>,
    pub(super) scratch: Vec<u64>,
    pub(super) missing: usize,
    distinct: u32,
}

impl Keys {
    /// Reads the ranks of `samples` in a column of `distinct` ranks. False where there is nothing to cut: all are equal, or
    /// all are missing.
    pub fn read(&mut self, ranks: &[u32], samples: &[u32], distinct: u32) -> bool {
        self.list.clear();
        let (mut low, mut high) = (u32::MAX, 0);
        self.list.extend(samples.iter().enumerate().map(|(row, &sample)| {
            let rank = ranks[sample as usize];
            low = low.min(rank);
            high = high.max(rank);
            u64::from(rank) << 32 | row as u64
        }));
        self.distinct = distinct;
        self.missing = 0;
        if high == distinct && low != high {
            self.missing = self.list.iter().filter(|&&key| key_rank(key) == distinct).count();
        }
        low < high
    }

    /// Sorts them by rank, equal ones by row.
    pub fn sort(&mut self) {
        sort_keys(&mut self.list, &mut self.scratch, self.distinct);
    }

    /// How many are missing.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// The smallest and the largest rank that is not missing.
    pub fn extremes(&self) -> (u32, u32) {
        let known = self.list.iter().map(|&key| key_rank(key)).filter(|&rank| rank < self.distinct);
        known.fold((u32::MAX, 0), |(low, high), rank| (low.min(rank), high.max(rank)))
    }

    /// The rank of missing values.
    pub(super) fn distinct(&self) -> u32 {
        self.distinct
    }
}
