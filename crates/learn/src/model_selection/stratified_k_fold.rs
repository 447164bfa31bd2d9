//! Folds that have the classes in the same shares.

use barehand_tensor::{Error, Result};

use super::k_fold::check_repeats;
use super::splitter::{Samples, Splits, Splitter, by_fold, check_folds, counts};
use super::stream::Stream;

/// `n_splits` folds, each with the share of every class that the whole has, as near as whole samples allow.
///
/// Of the labels in sorted order, classes counted by first appearance, every `n_splits`-th goes into the same fold: that says
/// how many of each class a fold gets. A class with fewer samples than folds is missing in some. Source: scikit-learn's
/// `StratifiedKFold`.
///
/// ```
/// use barehand_learn::model_selection::{Samples, Splitter, StratifiedKFold};
/// use barehand_tensor::Tensor;
///
/// let y = Tensor::from([0i64, 0, 0, 0, 1, 1]);
/// let tests: Vec<_> = StratifiedKFold::new(2).split(&Samples::new(6).classes(&y))?.map(|split| split.test).collect();
/// assert_eq!(tests, [[0, 1, 4], [2, 3, 5]]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StratifiedKFold {
    n_splits: usize,
    shuffle: bool,
    random_state: u32,
}

impl Default for StratifiedKFold {
    fn default() -> Self {
        StratifiedKFold::new(5)
    }
}

impl StratifiedKFold {
    /// That many folds (scikit-learn's default: 5).
    pub fn new(n_splits: usize) -> Self {
        StratifiedKFold { n_splits, shuffle: false, random_state: 0 }
    }

    /// Whether to shuffle the samples of each class first (default: no).
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

/// The positions of the samples' classes, counted by first appearance, and how many samples each class has.
fn by_first_appearance(
    operation: &str,
    n_splits: usize,
    samples: &Samples<'_>,
) -> Result<(Vec<usize>, Vec<usize>)> {
    check_folds(operation, n_splits, samples.len(), "samples")?;
    let (classes, codes) = samples.coded_classes(operation)?;
    let mut order = vec![usize::MAX; classes.len()];
    let mut seen = 0;
    let codes: Vec<usize> = codes
        .into_iter()
        .map(|code| {
            if order[code] == usize::MAX {
                order[code] = seen;
                seen += 1;
            }
            order[code]
        })
        .collect();
    let counts = counts(&codes, classes.len());
    check_members(operation, n_splits, &counts)?;
    Ok((codes, counts))
}

/// At least one class has a sample for every fold.
pub(super) fn check_members(operation: &str, n_splits: usize, counts: &[usize]) -> Result<()> {
    match counts.iter().max() {
        Some(&largest) if n_splits > largest => Err(Error::value(
            operation,
            format!("n_splits is {n_splits}, and no class has more than {largest} samples"),
        )),
        _ => Ok(()),
    }
}

/// The fold of each sample.
fn folds(n_splits: usize, codes: &[usize], classes: usize, stream: Option<&Stream>) -> Vec<usize> {
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    codes.iter().enumerate().for_each(|(i, &class)| of_class[class].push(i));
    let mut folds = vec![0; codes.len()];
    let mut place = 0;
    for members in &of_class {
        // Fold i takes the labels i, i + n_splits, ... of those sorted: so many of each class it gets.
        let mut given: Vec<usize> = (place..place + members.len()).map(|place| place % n_splits).collect();
        given.sort_unstable();
        place += members.len();
        if let Some(stream) = stream {
            stream.shuffle(&mut given);
        }
        members.iter().zip(given).for_each(|(&i, fold)| folds[i] = fold);
    }
    folds
}

impl Splitter for StratifiedKFold {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        let (codes, counts) = by_first_appearance("StratifiedKFold", self.n_splits, samples)?;
        let stream = self.shuffle.then_some(stream);
        Ok(by_fold(folds(self.n_splits, &codes, counts.len(), stream), self.n_splits))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}

/// [`StratifiedKFold`] with shuffling, several times over.
///
/// Source: scikit-learn's `RepeatedStratifiedKFold`.
///
/// ```
/// use barehand_learn::model_selection::{RepeatedStratifiedKFold, Samples, Splitter};
/// use barehand_tensor::Tensor;
///
/// let y = Tensor::from([0i64, 1, 0, 1]);
/// let splits = RepeatedStratifiedKFold::new(2, 3).split(&Samples::new(4).classes(&y))?;
/// assert_eq!(splits.count(), 6);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedStratifiedKFold {
    n_splits: usize,
    n_repeats: usize,
    random_state: u32,
}

impl Default for RepeatedStratifiedKFold {
    fn default() -> Self {
        RepeatedStratifiedKFold::new(5, 10)
    }
}

impl RepeatedStratifiedKFold {
    /// That many folds (scikit-learn's default: 5), that many times (10).
    pub fn new(n_splits: usize, n_repeats: usize) -> Self {
        RepeatedStratifiedKFold { n_splits, n_repeats, random_state: 0 }
    }

    /// The seed (default: 0).
    pub fn random_state(mut self, random_state: u32) -> Self {
        self.random_state = random_state;
        self
    }
}

impl Splitter for RepeatedStratifiedKFold {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        const OPERATION: &str = "RepeatedStratifiedKFold";
        check_repeats(OPERATION, self.n_repeats)?;
        let (codes, counts) = by_first_appearance(OPERATION, self.n_splits, samples)?;
        let (n_splits, classes, stream) = (self.n_splits, counts.len(), stream.clone());
        Ok(Box::new(
            (0..self.n_repeats)
                .flat_map(move |_| by_fold(folds(n_splits, &codes, classes, Some(&stream)), n_splits)),
        ))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits.saturating_mul(self.n_repeats))
    }
}
