//! Folds that keep groups together and the shares of classes as well.

use barehand_tensor::Result;

use super::splitter::{Samples, Splits, Splitter, by_fold, check_folds, counts};
use super::stratified_k_fold::check_members;
use super::stream::Stream;

/// `n_splits` folds, no group in more than one of them, each with about the share of every class that the whole has.
///
/// The group whose classes vary most goes first, each into the fold where it leaves the shares of classes least unequal (the
/// mean over classes of the deviation over folds); among equals, into the smaller. Source: scikit-learn's
/// `StratifiedGroupKFold`, sums in NumPy's order, so that ties are broken as there.
///
/// ```
/// use barehand_learn::model_selection::{Samples, Splitter, StratifiedGroupKFold};
/// use barehand_tensor::Tensor;
///
/// let y = Tensor::from([0i64, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
/// let groups = Tensor::from([1i64, 1, 2, 2, 3, 3, 3, 4, 5, 5, 5, 5, 6, 6, 7, 8, 8]);
/// let mut splits = StratifiedGroupKFold::new(3).split(&Samples::new(17).classes(&y).groups(&groups))?;
/// assert_eq!(splits.next().unwrap().test, [4, 5, 6, 12, 13, 14]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StratifiedGroupKFold {
    n_splits: usize,
    shuffle: bool,
    random_state: u32,
}

impl Default for StratifiedGroupKFold {
    fn default() -> Self {
        StratifiedGroupKFold::new(5)
    }
}

impl StratifiedGroupKFold {
    /// That many folds (scikit-learn's default: 5).
    pub fn new(n_splits: usize) -> Self {
        StratifiedGroupKFold { n_splits, shuffle: false, random_state: 0 }
    }

    /// Whether groups that vary equally come in shuffled order (default: no).
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of the shuffle (default: 0).
    pub fn random_state(mut self, random_state: u32) -> Self {
        self.random_state = random_state;
        self
    }
}

/// NumPy's sum of a contiguous axis: pairwise, in blocks of up to 128 with eight partial sums.
fn pairwise_sum(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if n > 128 {
        let half = n / 2 - n / 2 % 8;
        return pairwise_sum(&values[..half]) + pairwise_sum(&values[half..]);
    }
    let mut sums = [0.0; 8];
    sums.copy_from_slice(&values[..8]);
    let mut chunks = values[8..].chunks_exact(8);
    for chunk in &mut chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    chunks.remainder().iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

/// The deviation of one row.
fn deviation(row: &[f64]) -> f64 {
    let n = row.len() as f64;
    let mean = pairwise_sum(row) / n;
    let squares: Vec<f64> = row.iter().map(|value| (value - mean) * (value - mean)).collect();
    (pairwise_sum(&squares) / n).sqrt()
}

/// The mean over classes of the deviation over folds of the classes' shares, where `counts[fold][class]` lie.
fn inequality(counts: &[Vec<f64>], totals: &[f64]) -> f64 {
    let folds = counts.len() as f64;
    let deviations: Vec<f64> = totals
        .iter()
        .enumerate()
        .map(|(class, total)| {
            let shares = counts.iter().map(|of_fold| of_fold[class] / total);
            let mean = shares.clone().fold(0.0, |sum, share| sum + share) / folds;
            (shares.fold(0.0, |sum, share| sum + (share - mean) * (share - mean)) / folds).sqrt()
        })
        .collect();
    pairwise_sum(&deviations) / totals.len() as f64
}

impl Splitter for StratifiedGroupKFold {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        const OPERATION: &str = "StratifiedGroupKFold";
        let n_splits = self.n_splits;
        check_folds(OPERATION, n_splits, samples.len(), "samples")?;
        let (classes, class_of) = samples.coded_classes(OPERATION)?;
        let (groups, group_of) = samples.coded_groups(OPERATION)?;
        let class_counts = counts(&class_of, classes.len());
        check_members(OPERATION, n_splits, &class_counts)?;
        check_folds(OPERATION, n_splits, groups.len(), "groups")?;

        let mut per_group = vec![vec![0.0; classes.len()]; groups.len()];
        class_of.iter().zip(&group_of).for_each(|(&class, &group)| per_group[group][class] += 1.0);
        let mut order: Vec<usize> = (0..groups.len()).collect();
        if self.shuffle {
            stream.shuffle(&mut order);
        }
        let variation: Vec<f64> = per_group.iter().map(|counts| deviation(counts)).collect();
        order.sort_by(|&a, &b| variation[b].total_cmp(&variation[a]));

        let totals: Vec<f64> = class_counts.iter().map(|&count| count as f64).collect();
        let mut per_fold = vec![vec![0.0; classes.len()]; n_splits];
        let mut fold_of = vec![0; groups.len()];
        for group in order {
            let (mut best, mut least, mut fewest) = (0, f64::INFINITY, f64::INFINITY);
            for fold in 0..n_splits {
                per_fold[fold].iter_mut().zip(&per_group[group]).for_each(|(sum, count)| *sum += count);
                let unequal = inequality(&per_fold, &totals);
                per_fold[fold].iter_mut().zip(&per_group[group]).for_each(|(sum, count)| *sum -= count);
                let filled = pairwise_sum(&per_fold[fold]);
                // As numpy.isclose: ties are decided by size.
                let equal = (unequal - least).abs() <= 1e-8 + 1e-5 * least.abs();
                if unequal < least || (equal && filled < fewest) {
                    (best, least, fewest) = (fold, unequal, filled);
                }
            }
            per_fold[best].iter_mut().zip(&per_group[group]).for_each(|(sum, count)| *sum += count);
            fold_of[group] = best;
        }
        Ok(by_fold(group_of.into_iter().map(|group| fold_of[group]).collect(), n_splits))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_numpy() {
        // numpy.sum(1 / numpy.arange(1, n + 1)), whose last digits depend on the order.
        let harmonic = |n: usize| pairwise_sum(&(1..=n).map(|i| 1.0 / i as f64).collect::<Vec<_>>());
        assert_eq!(harmonic(7), 2.5928571428571425);
        assert_eq!(harmonic(20), 3.597739657143682);
        assert_eq!(harmonic(1000), 7.485470860550345);
    }
}
