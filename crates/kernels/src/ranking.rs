//! Scores of two kinds of samples, in order: what curves over thresholds, and the area under them, are counted from.

use crate::radix_sort::{distribute, ordered_bits, sort_by_key};
use crate::threads;

/// Scores that share a bucket: few enough to be sorted in the first cache.
const BUCKET: usize = 1 << 10;

/// Scores that pay for a thread.
const GRAIN: usize = 1 << 14;

/// The keys ([`ordered_bits`]) of positive and of negative samples, each in ascending order.
///
/// # Panics
/// Where there are not as many scores as kinds.
pub fn sorted_by_kind(scores: &[f64], positive: &[bool]) -> (Vec<u64>, Vec<u64>) {
    assert_eq!(scores.len(), positive.len());
    let n = scores.len();
    // Every key is written to both sides, and only one side moves on: no branch to mispredict.
    let (mut positives, mut negatives) = (vec![0u64; n + 1], vec![0u64; n + 1]);
    let (mut p, mut q) = (0, 0);
    for (&score, &positive) in scores.iter().zip(positive) {
        let bits = ordered_bits(score);
        positives[p] = bits;
        negatives[q] = bits;
        p += usize::from(positive);
        q += usize::from(!positive);
    }
    positives.truncate(p);
    negatives.truncate(q);
    sort_by_key(&mut positives, |&bits| bits);
    sort_by_key(&mut negatives, |&bits| bits);
    (positives, negatives)
}

/// What pairs of a positive and a negative sample there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// How many samples are positive.
    pub positives: u64,
    /// How many are negative.
    pub negatives: u64,
    /// Twice the number of pairs in which the positive's score is larger, plus the number of those in which both are equal.
    pub twice_the_wins: u128,
}

/// Counts pairs of a positive and a negative sample.
///
/// Scores are thrown into buckets that ascend, by a straight line from the smallest to the largest; between buckets pairs are
/// counted by how many there are, and only within a bucket scores are sorted. Everything is a whole number, so that no cut
/// changes the result.
///
/// # Panics
/// Where there are not as many scores as kinds.
pub fn pairs(scores: &[f64], positive: &[bool]) -> Pairs {
    assert_eq!(scores.len(), positive.len());
    let n = scores.len();
    let (low, high) = scores.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &score| {
        (if score < low { score } else { low }, if score > high { score } else { high })
    });
    let buckets = (n / BUCKET).clamp(1, 1 << 12);
    let slope = (buckets - 1) as f64 / (high - low);
    // Subtraction, multiplication and truncation keep the order. Where the line is none, everything lies in one bucket.
    let slope = if slope.is_finite() { slope } else { 0.0 };
    let bucket = |i: usize| (((scores[i] - low) * slope) as usize).min(buckets - 1);
    let mut keys = vec![0u64; n];
    let starts = distribute(
        &mut keys,
        2 * buckets,
        |i| 2 * bucket(i) + usize::from(positive[i]),
        |i| ordered_bits(scores[i]),
    );
    let size = |kind: usize| starts[kind + 1] - starts[kind];
    let within = |bucket: usize, keys: &mut [u64]| {
        let (negatives, positives) = keys.split_at_mut(size(2 * bucket));
        if negatives.is_empty() || positives.is_empty() {
            return 0;
        }
        negatives.sort_unstable();
        positives.sort_unstable();
        u128::from(before(positives, negatives, |negative, positive| negative < positive))
            + u128::from(before(positives, negatives, |negative, positive| negative <= positive))
    };
    let mut rest = &mut keys[..];
    let mut tasks: Vec<(&mut [u64], u128)> = Vec::with_capacity(buckets);
    for bucket in 0..buckets {
        let (own, others) = rest.split_at_mut(size(2 * bucket) + size(2 * bucket + 1));
        tasks.push((own, 0));
        rest = others;
    }
    let grain = GRAIN.div_ceil(n.div_ceil(buckets).max(1));
    threads::for_each_chunk(&mut tasks, 1, grain, |bucket, task| task[0].1 = within(bucket, task[0].0));
    let (mut below, mut positives, mut wins) = (0u64, 0u64, 0u128);
    for (bucket, (_, within)) in tasks.iter().enumerate() {
        let own = size(2 * bucket + 1) as u64;
        wins += within + 2 * u128::from(own) * u128::from(below);
        positives += own;
        below += size(2 * bucket) as u64;
    }
    Pairs { positives, negatives: below, twice_the_wins: wins }
}

/// The sum over `positives` of how many of `negatives` come before each.
fn before(positives: &[u64], negatives: &[u64], comes_first: impl Fn(u64, u64) -> bool) -> u64 {
    let Some(&first) = positives.first() else { return 0 };
    let (mut p, mut q) = (0, negatives.partition_point(|&negative| comes_first(negative, first)));
    let mut sum = 0;
    // One of the two moves on at every step; which one is a comparison, not a jump.
    while p < positives.len() && q < negatives.len() {
        let negative_first = comes_first(negatives[q], positives[p]);
        sum += if negative_first { 0 } else { q as u64 };
        q += usize::from(negative_first);
        p += usize::from(!negative_first);
    }
    sum + (positives.len() - p) as u64 * negatives.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RandomState;

    #[test]
    fn wins_are_those_of_the_pairs() {
        let mut random = RandomState::new(3);
        for (n, distinct) in [(0, 1), (1, 1), (50, 5), (300, 40), (300, u32::MAX), (3 * BUCKET, u32::MAX)] {
            let scores: Vec<f64> = (0..n).map(|_| f64::from(random.next_u32() % distinct) - 20.0).collect();
            let positive: Vec<bool> = (0..n).map(|_| random.next_u32().is_multiple_of(3)).collect();
            let counted = pairs(&scores, &positive);
            let mut expected = 0u128;
            for i in (0..n).filter(|&i| positive[i]) {
                for j in (0..n).filter(|&j| !positive[j]) {
                    expected += 2 * u128::from(scores[i] > scores[j]) + u128::from(scores[i] == scores[j]);
                }
            }
            assert_eq!(counted.twice_the_wins, expected);
            let (positives, negatives) = sorted_by_kind(&scores, &positive);
            assert_eq!(
                (counted.positives, counted.negatives),
                (positives.len() as u64, negatives.len() as u64)
            );
        }
    }

    #[test]
    fn neither_the_cut_nor_the_spread_changes_anything() {
        let mut random = RandomState::new(4);
        let n = 20 * BUCKET;
        let positive: Vec<bool> = (0..n).map(|_| random.next_u32().is_multiple_of(2)).collect();
        let ranks: Vec<f64> = (0..n).map(|_| f64::from(random.next_u32() % 5000)).collect();
        let counted =
            |scores: &[f64], workers| threads::with_num_threads(workers, || pairs(scores, &positive));
        let expected = counted(&ranks, 1);
        // The same order on other scales: one bucket for nearly all, a span that overflows, zeros of both signs.
        let spread: [fn(f64) -> f64; 4] = [
            |rank| rank,
            |rank| if rank == 4999.0 { 1e300 } else { rank * 1e-3 },
            |rank| {
                if rank == 0.0 {
                    -f64::MAX
                } else if rank == 4999.0 {
                    f64::MAX
                } else {
                    rank
                }
            },
            |rank| (rank - 2500.0).powi(3),
        ];
        for scale in spread {
            let scores: Vec<f64> = ranks.iter().map(|&rank| scale(rank)).collect();
            assert_eq!(counted(&scores, 1), expected);
            assert_eq!(counted(&scores, 3), expected);
        }
        let (positives, negatives) = sorted_by_kind(&ranks, &positive);
        let whole =
            before(&positives, &negatives, |a, b| a < b) + before(&positives, &negatives, |a, b| a <= b);
        assert_eq!(expected.twice_the_wins, u128::from(whole));
        let zeros: Vec<f64> = (0..n).map(|i| if i % 3 == 0 { -0.0 } else { 0.0 }).collect();
        let ties = counted(&zeros, 2);
        assert_eq!(ties.twice_the_wins, u128::from(ties.positives) * u128::from(ties.negatives));
    }
}
