//! Columns as ranks.

use super::order::sort_keys;

/// The distinct values of a column, or its bins, in ascending order: from `low[r]` to `high[r]` is rank `r`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distinct {
    /// The smallest value of each rank.
    pub low: Vec<f32>,
    /// The largest value of each rank; `low` again where every value has a rank of its own.
    pub high: Vec<f32>,
}

impl Distinct {
    /// How many ranks there are; that of a missing value.
    pub fn len(&self) -> u32 {
        self.low.len() as u32
    }

    /// Whether every value is missing.
    pub fn is_empty(&self) -> bool {
        self.low.is_empty()
    }

    /// Halfway between rank `left` and the rank `right` above it; exact, for it is not rounded to f32.
    pub fn between(&self, left: u32, right: u32) -> f64 {
        f64::from(self.high[left as usize]) / 2.0 + f64::from(self.low[right as usize]) / 2.0
    }

    /// How many ranks lie at or below `threshold`.
    pub fn up_to(&self, threshold: f64) -> u32 {
        self.high.partition_point(|&value| f64::from(value) <= threshold) as u32
    }
}

/// A number whose order among whole numbers is that of `value` among reals; NaN comes last, the zeros are one.
fn ordered(value: f32) -> u32 {
    if value.is_nan() {
        return u32::MAX;
    }
    let bits = (value + 0.0).to_bits();
    bits ^ ((bits as i32 >> 31) as u32 | 0x8000_0000)
}

/// Puts ranks in the place of a column's values, given as their bits, and returns the values.
pub fn rank_column(column: &mut [u32]) -> Distinct {
    let key = |(row, &bits): (usize, &u32)| u64::from(ordered(f32::from_bits(bits))) << 32 | row as u64;
    let mut keys: Vec<u64> = column.iter().enumerate().map(key).collect();
    sort_keys(&mut keys, &mut Vec::new(), u32::MAX);
    let (mut low, mut last) = (Vec::new(), None);
    for &key in &keys {
        let bits = (key >> 32) as u32;
        if bits != u32::MAX && last != Some(bits) {
            last = Some(bits);
            let restored = if bits >> 31 == 1 { bits ^ 0x8000_0000 } else { !bits };
            low.push(f32::from_bits(restored));
        }
        column[key as u32 as usize] = low.len() as u32 - u32::from(bits != u32::MAX);
    }
    Distinct { high: low.clone(), low }
}

/// Merges neighbouring ranks until at most `bins` are left, each with about as many rows.
pub fn merge_into_bins(distinct: &Distinct, ranks: &mut [u32], bins: u32) -> Distinct {
    let count = distinct.len();
    if count <= bins {
        return distinct.clone();
    }
    let mut rows = vec![0usize; count as usize + 1];
    for &rank in &*ranks {
        rows[rank as usize] += 1;
    }
    let known = ranks.len() - rows[count as usize];
    let (mut merged, mut bin_of, mut seen) = (Distinct::default(), vec![0u32; count as usize + 1], 0usize);
    for rank in 0..count as usize {
        // A new bin begins where the rows so far have filled the bins so far.
        if seen * bins as usize >= merged.low.len() * known {
            merged.low.push(distinct.low[rank]);
            merged.high.push(distinct.high[rank]);
        }
        bin_of[rank] = merged.len() - 1;
        if let Some(high) = merged.high.last_mut() {
            *high = distinct.high[rank];
        }
        seen += rows[rank];
    }
    bin_of[count as usize] = merged.len();
    for rank in ranks {
        *rank = bin_of[*rank as usize];
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(values: &[f32]) -> (Vec<u32>, Distinct) {
        let mut ranks: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
        let distinct = rank_column(&mut ranks);
        (ranks, distinct)
    }

    #[test]
    fn ranks_follow_the_values() {
        let tiny = f32::from_bits(1);
        let values = [3.0, -1.0, f32::NAN, -0.0, 0.0, tiny, f32::MIN, 3.0, f32::MAX, -f32::NAN];
        let (ranks, distinct) = ranked(&values);
        assert_eq!(ranks, [4, 1, 6, 2, 2, 3, 0, 4, 5, 6]);
        assert_eq!(distinct.low, [f32::MIN, -1.0, 0.0, tiny, 3.0, f32::MAX]);
        assert_eq!(distinct.up_to(distinct.between(2, 3)), 3);
        assert_eq!(distinct.up_to(3.0), 5);
        assert_eq!(ranked(&[f32::NAN]).0, [0]);
    }

    #[test]
    fn many_values_are_ranked_as_a_comparison_sorts_them() {
        let values: Vec<f32> =
            (0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 - 8e6).collect();
        let (ranks, distinct) = ranked(&values);
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        sorted.dedup();
        assert_eq!(distinct.low, sorted);
        assert!(values.iter().zip(&ranks).all(|(&value, &rank)| sorted[rank as usize] == value));
    }

    #[test]
    fn bins_hold_their_share() {
        let values: Vec<f32> = (0..1000).map(|i| (i * i % 777) as f32).chain([f32::NAN]).collect();
        let (mut ranks, distinct) = ranked(&values);
        let bins = merge_into_bins(&distinct, &mut ranks, 10);
        assert!(bins.len() <= 10 && bins.len() >= 9);
        assert_eq!(ranks[1000], bins.len());
        for (&rank, &value) in ranks.iter().zip(&values[..1000]) {
            assert!(bins.low[rank as usize] <= value && value <= bins.high[rank as usize]);
        }
    }
}
