//! Training and test sets drawn at random, classes in equal shares.

use barehand_tensor::{Error, Result};

use super::shuffle_split::{Size, sized, sizes};
use super::splitter::{Samples, Split, Splits, Splitter, counts};
use super::stream::Stream;

/// As [`ShuffleSplit`](super::ShuffleSplit), but both sets have the classes in the shares that the whole has, as near as
/// whole samples allow.
///
/// Source: scikit-learn's `StratifiedShuffleSplit`.
///
/// ```
/// use barehand_learn::model_selection::{Samples, Splitter, StratifiedShuffleSplit};
/// use barehand_tensor::Tensor;
///
/// let y = Tensor::from([0i64, 0, 0, 1, 1, 1]);
/// let splitter = StratifiedShuffleSplit::new(1).test_size(0.5).random_state(0);
/// let split = splitter.split(&Samples::new(6).classes(&y))?.next().unwrap();
/// assert_eq!((split.train, split.test), (vec![5, 2, 3], vec![4, 1, 0]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StratifiedShuffleSplit {
    n_splits: usize,
    test_size: Option<Size>,
    train_size: Option<Size>,
    random_state: u32,
}

impl Default for StratifiedShuffleSplit {
    fn default() -> Self {
        StratifiedShuffleSplit::new(10)
    }
}

impl StratifiedShuffleSplit {
    /// That many splits (scikit-learn's default: 10).
    pub fn new(n_splits: usize) -> Self {
        StratifiedShuffleSplit { n_splits, test_size: None, train_size: None, random_state: 0 }
    }

    sized!("0.1");
}

/// How many of each class to draw for `draws` in all: the floors of the exact shares, and one more where the remainder is
/// largest, ties drawn by lot (scikit-learn's `_approximate_mode`).
fn shares(counts: &[usize], draws: usize, stream: &Stream) -> Vec<usize> {
    let total = counts.iter().sum::<usize>() as f64;
    let exact: Vec<f64> = counts.iter().map(|&count| count as f64 / total * draws as f64).collect();
    let mut drawn: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();
    let mut missing = draws.saturating_sub(drawn.iter().sum());
    let remainder: Vec<f64> = exact.iter().map(|share| share - share.floor()).collect();
    let mut levels = remainder.clone();
    levels.sort_by(|a, b| b.total_cmp(a));
    levels.dedup();
    for level in levels {
        if missing == 0 {
            break;
        }
        let mut tied: Vec<usize> = (0..counts.len()).filter(|&class| remainder[class] == level).collect();
        stream.shuffle(&mut tied);
        tied.truncate(missing);
        for &class in &tied {
            drawn[class] += 1;
        }
        missing -= tied.len();
    }
    drawn
}

/// The samples of each class.
fn members(codes: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); classes];
    codes.iter().enumerate().for_each(|(i, &class)| members[class].push(i));
    members
}

/// So many of the samples in random order, no one twice; where they have classes, each with the share that it has of all.
///
/// Source: scikit-learn's `resample` without replacement.
///
/// ```
/// use barehand_learn::model_selection::{Samples, Stream, subsample};
/// use barehand_tensor::Tensor;
///
/// let y = Tensor::from([0i64, 0, 0, 0, 1, 1]);
/// let drawn = subsample(&Samples::new(6).classes(&y), 3, &Stream::seeded(0))?;
/// assert_eq!(drawn.iter().filter(|&&i| i < 4).count(), 2);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// There are fewer samples, or not a class for each.
pub fn subsample(samples: &Samples<'_>, size: usize, stream: &Stream) -> Result<Vec<usize>> {
    const OPERATION: &str = "subsample";
    let n = samples.len();
    if size > n {
        return Err(Error::value(OPERATION, format!("{size} of {n} samples cannot be drawn")));
    }
    if !samples.has_classes() {
        let mut order = stream.permutation(n);
        order.truncate(size);
        return Ok(order);
    }
    let (classes, codes) = samples.coded_classes(OPERATION)?;
    let counts = counts(&codes, classes.len());
    let mut drawn = Vec::with_capacity(size);
    for (members, share) in members(&codes, classes.len()).iter().zip(shares(&counts, size, stream)) {
        drawn.extend(stream.permutation(members.len())[..share].iter().map(|&i| members[i]));
    }
    stream.shuffle(&mut drawn);
    Ok(drawn)
}

impl Splitter for StratifiedShuffleSplit {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        const OPERATION: &str = "StratifiedShuffleSplit";
        let n = samples.len();
        let (trained, tested) = sizes(OPERATION, n, self.test_size, self.train_size, 0.1)?;
        let (classes, codes) = samples.coded_classes(OPERATION)?;
        let counts = counts(&codes, classes.len());
        if let Some(class) = counts.iter().position(|&count| count < 2) {
            let message = format!("class {} has one sample: at least 2 of each expected", classes[class]);
            return Err(Error::value(OPERATION, message));
        }
        for (name, size) in [("train", trained), ("test", tested)] {
            if size < classes.len() {
                let message = format!(
                    "{size} samples to {name} on are fewer than there are classes: {}",
                    classes.len()
                );
                return Err(Error::value(OPERATION, message));
            }
        }
        let (members, stream) = (members(&codes, classes.len()), stream.clone());
        Ok(Box::new((0..self.n_splits).map(move |_| {
            let for_training = shares(&counts, trained, &stream);
            let left: Vec<usize> = counts.iter().zip(&for_training).map(|(all, taken)| all - taken).collect();
            let for_test = shares(&left, tested, &stream);
            let mut split = Split::default();
            for (class, members) in members.iter().enumerate() {
                let order = stream.permutation(members.len());
                let (first, second) = (for_training[class], for_test[class]);
                split.train.extend(order[..first].iter().map(|&i| members[i]));
                split.test.extend(order[first..first + second].iter().map(|&i| members[i]));
            }
            stream.shuffle(&mut split.train);
            stream.shuffle(&mut split.test);
            split
        })))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}
