//! Scores of two kinds of samples, in order: what curves over thresholds, and the area under them, are counted from.

use crate::radix_sort::{ordered_bits, sort_by_key};
use crate::threads;

/// Pieces of the positives, counted one by one: whole numbers, so that their sum does not depend on the cut.
const PIECE: usize = 1 << 14;

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

/// Twice the number of (positive, negative) pairs in which the positive's key is larger, plus the number of those in
/// which both are equal. Both ascend.
pub fn twice_the_wins(positives: &[u64], negatives: &[u64]) -> u128 {
    let pieces = positives.len().div_ceil(PIECE);
    let mut wins = vec![0u128; pieces];
    let threads = threads::threads_for(positives.len() + negatives.len(), PIECE);
    let count = |piece: usize| {
        let positives = &positives[piece * PIECE..positives.len().min((piece + 1) * PIECE)];
        u128::from(before(positives, negatives, |negative, positive| negative < positive))
            + u128::from(before(positives, negatives, |negative, positive| negative <= positive))
    };
    if threads > 1 {
        threads::for_each_chunk(&mut wins, 1, 1, |piece, wins| wins[0] = count(piece));
    } else {
        wins.iter_mut().enumerate().for_each(|(piece, wins)| *wins = count(piece));
    }
    wins.into_iter().sum()
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
        for (n, distinct) in [(0, 1), (1, 1), (50, 5), (300, 40), (300, u32::MAX)] {
            let scores: Vec<f64> = (0..n).map(|_| f64::from(random.next_u32() % distinct) - 20.0).collect();
            let positive: Vec<bool> = (0..n).map(|_| random.next_u32() % 3 == 0).collect();
            let mut expected = 0u128;
            for i in (0..n).filter(|&i| positive[i]) {
                for j in (0..n).filter(|&j| !positive[j]) {
                    expected += 2 * u128::from(scores[i] > scores[j]) + u128::from(scores[i] == scores[j]);
                }
            }
            let (positives, negatives) = sorted_by_kind(&scores, &positive);
            assert_eq!(twice_the_wins(&positives, &negatives), expected);
        }
    }

    #[test]
    fn the_cut_changes_nothing() {
        let mut random = RandomState::new(4);
        let n = 5 * PIECE;
        let scores: Vec<f64> = (0..n).map(|_| f64::from(random.next_u32() % 1000)).collect();
        let positive: Vec<bool> = (0..n).map(|_| random.next_u32() % 2 == 0).collect();
        let counted = |workers| {
            threads::with_num_threads(workers, || {
                let (positives, negatives) = sorted_by_kind(&scores, &positive);
                twice_the_wins(&positives, &negatives)
            })
        };
        assert_eq!(counted(1), counted(3));
        let (positives, negatives) = sorted_by_kind(&scores, &positive);
        let whole =
            before(&positives, &negatives, |a, b| a < b) + before(&positives, &negatives, |a, b| a <= b);
        assert_eq!(counted(1), u128::from(whole));
    }
}
