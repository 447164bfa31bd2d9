//! Training and test sets drawn at random, again and again.

use barehand_tensor::{Error, Result};

use super::splitter::{Samples, Split, Splits, Splitter};
use super::stream::Stream;

/// How large a set is: so many samples, or such a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many.
    Count(usize),
    /// Such a share, between 0 and 1; test sets are rounded up, training sets down.
    Share(f64),
}

impl From<usize> for Size {
    fn from(count: usize) -> Self {
        Size::Count(count)
    }
}

impl From<f64> for Size {
    fn from(share: f64) -> Self {
        Size::Share(share)
    }
}

/// How many of `n` samples are trained and tested on; without either, the test set is `default` of all.
pub(super) fn sizes(
    operation: &str,
    n: usize,
    test: Option<Size>,
    train: Option<Size>,
    default: f64,
) -> Result<(usize, usize)> {
    let test = test.or(train.is_none().then_some(Size::Share(default)));
    let count = |name: &str, size: Size, round: fn(f64) -> f64| match size {
        Size::Count(count) if count > 0 && count < n => Ok(count),
        Size::Share(share) if share > 0.0 && share < 1.0 => Ok(round(share * n as f64) as usize),
        Size::Count(size) => Err(Error::value(
            operation,
            format!("{name} is {size}: more than 0 and less than the {n} samples expected"),
        )),
        Size::Share(size) => Err(Error::value(
            operation,
            format!("{name} is {size}: between 0 and 1, both excluded, expected"),
        )),
    };
    let tested = test.map(|size| count("test_size", size, f64::ceil)).transpose()?;
    let trained = train.map(|size| count("train_size", size, f64::floor)).transpose()?;
    if let (Some(Size::Share(test)), Some(Size::Share(train))) = (test, train)
        && test + train > 1.0
    {
        let message = format!("train_size {train} and test_size {test} are more than all together");
        return Err(Error::value(operation, message));
    }
    let (trained, tested) = match (trained, tested) {
        (Some(trained), Some(tested)) => (trained, tested),
        (Some(trained), None) => (trained, n - trained),
        (None, tested) => {
            let tested = tested.unwrap_or_default();
            (n.saturating_sub(tested), tested)
        }
    };
    if trained + tested > n {
        let message = format!("{trained} samples to train on and {tested} to test on are more than {n}");
        return Err(Error::value(operation, message));
    }
    if trained == 0 {
        return Err(Error::value(operation, format!("of {n} samples none is left to train on")));
    }
    Ok((trained, tested))
}

/// Random training and test sets, as often as asked; different test sets may share samples.
///
/// Source: scikit-learn's `ShuffleSplit`: of a permutation of the samples the first are tested on, the next trained on.
///
/// ```
/// use barehand_learn::model_selection::{Samples, ShuffleSplit, Splitter};
///
/// let split = ShuffleSplit::new(1).test_size(0.25).random_state(0).split(&Samples::new(6))?.next().unwrap();
/// assert_eq!((split.train, split.test), (vec![1, 3, 0, 4], vec![5, 2]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShuffleSplit {
    n_splits: usize,
    test_size: Option<Size>,
    train_size: Option<Size>,
    random_state: u32,
}

impl Default for ShuffleSplit {
    fn default() -> Self {
        ShuffleSplit::new(10)
    }
}

macro_rules! sized {
    ($default:literal) => {
        /// How many samples, or groups, or which share of them, to test on (default: what `train_size` leaves; without
        /// either
        #[doc = concat!($default, ").")]
        pub fn test_size(mut self, test_size: impl Into<Size>) -> Self {
            self.test_size = Some(test_size.into());
            self
        }

        /// How many, or which share, to train on (default: all that are not tested on).
        pub fn train_size(mut self, train_size: impl Into<Size>) -> Self {
            self.train_size = Some(train_size.into());
            self
        }

        /// The seed (default: 0).
        pub fn random_state(mut self, random_state: u32) -> Self {
            self.random_state = random_state;
            self
        }
    };
}
pub(super) use sized;

impl ShuffleSplit {
    /// That many splits (scikit-learn's default: 10).
    pub fn new(n_splits: usize) -> Self {
        ShuffleSplit { n_splits, test_size: None, train_size: None, random_state: 0 }
    }

    sized!("0.1");
}

/// `n_splits` times the training and test parts of a permutation of `0..n`.
fn permutations(
    n: usize,
    (trained, tested): (usize, usize),
    n_splits: usize,
    stream: &Stream,
) -> impl Iterator<Item = Split> + Send + use<> {
    let stream = stream.clone();
    (0..n_splits).map(move |_| {
        let order = stream.permutation(n);
        Split { test: order[..tested].to_vec(), train: order[tested..tested + trained].to_vec() }
    })
}

impl Splitter for ShuffleSplit {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        let n = samples.len();
        let sizes = sizes("ShuffleSplit", n, self.test_size, self.train_size, 0.1)?;
        Ok(Box::new(permutations(n, sizes, self.n_splits, stream)))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}

/// As [`ShuffleSplit`], but whole groups are drawn, and sizes are shares or numbers of groups.
///
/// Source: scikit-learn's `GroupShuffleSplit`.
///
/// ```
/// use barehand_learn::model_selection::{GroupShuffleSplit, Samples, Splitter};
/// use barehand_tensor::Tensor;
///
/// let groups = Tensor::from([1i64, 1, 2, 2, 3, 3]);
/// let split = GroupShuffleSplit::new(1).split(&Samples::new(6).groups(&groups))?.next().unwrap();
/// assert_eq!(split.test, [4, 5]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupShuffleSplit {
    n_splits: usize,
    test_size: Option<Size>,
    train_size: Option<Size>,
    random_state: u32,
}

impl Default for GroupShuffleSplit {
    fn default() -> Self {
        GroupShuffleSplit::new(5)
    }
}

impl GroupShuffleSplit {
    /// That many splits (scikit-learn's default: 5).
    pub fn new(n_splits: usize) -> Self {
        GroupShuffleSplit { n_splits, test_size: None, train_size: None, random_state: 0 }
    }

    sized!("0.2");
}

impl Splitter for GroupShuffleSplit {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        const OPERATION: &str = "GroupShuffleSplit";
        let (groups, codes) = samples.coded_groups(OPERATION)?;
        let sizes = sizes(OPERATION, groups.len(), self.test_size, self.train_size, 0.2)?;
        let n_groups = groups.len();
        Ok(Box::new(permutations(n_groups, sizes, self.n_splits, stream).map(move |split| {
            let members = |drawn: &[usize]| {
                let mut is_drawn = vec![false; n_groups];
                for &group in drawn {
                    is_drawn[group] = true;
                }
                (0..codes.len()).filter(|&i| is_drawn[codes[i]]).collect()
            };
            Split { train: members(&split.train), test: members(&split.test) }
        })))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}
