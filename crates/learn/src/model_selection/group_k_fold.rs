//! Folds that keep groups together.

use barehand_tensor::Result;

use super::k_fold::dealt;
use super::splitter::{Samples, Splits, Splitter, by_fold, check_folds, counts};
use super::stream::Stream;

/// `n_splits` folds, no group in more than one of them.
///
/// The largest group first, each goes into the fold that has the fewest samples so far; with `shuffle`, shuffled groups are
/// dealt out in equal numbers instead. Source: scikit-learn's `GroupKFold`.
///
/// ```
/// use barehand_learn::model_selection::{GroupKFold, Samples, Splitter};
/// use barehand_tensor::Tensor;
///
/// let groups = Tensor::from([0i64, 0, 2, 2, 3, 3]);
/// let splits = GroupKFold::new(2).split(&Samples::new(6).groups(&groups))?;
/// assert_eq!(splits.map(|split| split.test).collect::<Vec<_>>(), [vec![0, 1, 4, 5], vec![2, 3]]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKFold {
    n_splits: usize,
    shuffle: bool,
    random_state: u32,
}

impl Default for GroupKFold {
    fn default() -> Self {
        GroupKFold::new(5)
    }
}

impl GroupKFold {
    /// That many folds (scikit-learn's default: 5).
    pub fn new(n_splits: usize) -> Self {
        GroupKFold { n_splits, shuffle: false, random_state: 0 }
    }

    /// Whether to deal out shuffled groups (default: no).
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

/// The fold of each group: the largest first, each goes to the fold that has the fewest samples so far.
fn lightest(sizes: &[usize], n_splits: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&group| sizes[group]);
    let (mut filled, mut fold_of) = (vec![0; n_splits], vec![0; sizes.len()]);
    for &group in order.iter().rev() {
        let lightest = (0..n_splits).min_by_key(|&fold| filled[fold]).unwrap_or_default();
        filled[lightest] += sizes[group];
        fold_of[group] = lightest;
    }
    fold_of
}

impl Splitter for GroupKFold {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        const OPERATION: &str = "GroupKFold";
        check_folds(OPERATION, self.n_splits, samples.len(), "samples")?;
        let (groups, codes) = samples.coded_groups(OPERATION)?;
        let (n_splits, n_groups) = (self.n_splits, groups.len());
        check_folds(OPERATION, n_splits, n_groups, "groups")?;
        let fold_of = if self.shuffle {
            dealt(&stream.permutation(n_groups), n_splits)
        } else {
            lightest(&counts(&codes, n_groups), n_splits)
        };
        Ok(by_fold(codes.into_iter().map(|group| fold_of[group]).collect(), n_splits))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}
