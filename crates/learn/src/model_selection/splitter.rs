//! What a splitter is given, and what it gives.

use barehand_tensor::{Element, Error, Result, Tensor};

use super::stream::Stream;

/// What splitters know of the samples: how many, and, for those that ask, their classes and groups.
///
/// ```
/// use barehand_learn::model_selection::Samples;
/// use barehand_tensor::Tensor;
///
/// let y = Tensor::from([0i64, 1, 0, 1]);
/// let samples = Samples::new(4).classes(&y);
/// assert_eq!(samples.len(), 4);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    n: usize,
    classes: Option<&'a Tensor<i64>>,
    groups: Option<&'a Tensor<i64>>,
}

impl<'a> Samples<'a> {
    /// That many samples.
    pub fn new(n: usize) -> Self {
        Samples { n, classes: None, groups: None }
    }

    /// The class of each, `(N)`, for splitters that keep the shares of classes.
    pub fn classes(mut self, y: &'a Tensor<i64>) -> Self {
        self.classes = Some(y);
        self
    }

    /// The group of each, `(N)`, for splitters that keep groups together.
    pub fn groups(mut self, groups: &'a Tensor<i64>) -> Self {
        self.groups = Some(groups);
        self
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Whether their classes are known.
    pub(super) fn has_classes(&self) -> bool {
        self.classes.is_some()
    }

    /// The classes that occur, ascending, and the position of each sample's among them.
    pub(super) fn coded_classes(&self, operation: &str) -> Result<(Vec<i64>, Vec<usize>)> {
        coded(operation, "class", self.classes, self.n)
    }

    /// The groups that occur, ascending, and the position of each sample's among them.
    pub(super) fn coded_groups(&self, operation: &str) -> Result<(Vec<i64>, Vec<usize>)> {
        coded(operation, "group", self.groups, self.n)
    }
}

fn coded(
    operation: &str,
    what: &str,
    labels: Option<&Tensor<i64>>,
    n: usize,
) -> Result<(Vec<i64>, Vec<usize>)> {
    let Some(labels) = labels else {
        return Err(Error::value(operation, format!("needs the {what} of each sample, found none")));
    };
    if labels.shape() != [n] {
        let message = format!("expected a {what} for each of {n} samples, found shape {:?}", labels.shape());
        return Err(Error::shape(operation, message));
    }
    let labels = labels.to_vec();
    let mut distinct = labels.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let codes = labels.iter().map(|label| distinct.binary_search(label).unwrap_or_default()).collect();
    Ok((distinct, codes))
}

/// How often each of `distinct` codes occurs.
pub(super) fn counts(codes: &[usize], distinct: usize) -> Vec<usize> {
    let mut counts = vec![0; distinct];
    for &code in codes {
        counts[code] += 1;
    }
    counts
}

/// Rows to learn from, and rows to be tested on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Indices of the training samples.
    pub train: Vec<usize>,
    /// Indices of the test samples.
    pub test: Vec<usize>,
}

impl Split {
    /// The training rows and the test rows of a tensor.
    ///
    /// ```
    /// use barehand_learn::model_selection::Split;
    /// use barehand_tensor::Tensor;
    ///
    /// let split = Split { train: vec![2, 0], test: vec![1] };
    /// let (train, test) = split.of(&Tensor::from([1.0, 2.0, 3.0]))?;
    /// assert_eq!((train.to_vec(), test.to_vec()), (vec![3.0, 1.0], vec![2.0]));
    /// # Ok::<(), barehand_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// The tensor has fewer rows.
    pub fn of<T: Element>(&self, x: &Tensor<T>) -> Result<(Tensor<T>, Tensor<T>)> {
        let pick = |rows: &[usize]| {
            x.index_select(0, &rows.iter().map(|&row| row as i64).collect::<Vec<_>>().into())
        };
        Ok((pick(&self.train)?, pick(&self.test)?))
    }

    /// The samples where `is_test` says so, and the others, both in ascending order.
    pub(super) fn by(n: usize, is_test: impl Fn(usize) -> bool) -> Split {
        let (test, train) = (0..n).partition(|&i| is_test(i));
        Split { train, test }
    }
}

/// Splits one after the other, each made when it is asked for.
pub type Splits = Box<dyn Iterator<Item = Split> + Send>;

/// Makes splits of samples.
pub trait Splitter: Send + Sync {
    /// The splits.
    ///
    /// # Errors
    /// Too few samples, classes or groups for this splitter, or it needs some that are not given.
    fn split(&self, samples: &Samples<'_>) -> Result<Splits>;

    /// The splits, drawn not from the stream of the option `random_state` but from this one, some of them when they are
    /// asked for. A splitter that draws nothing leaves it alone.
    ///
    /// # Errors
    /// As [`Splitter::split`].
    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        let _ = stream;
        self.split(samples)
    }

    /// How many splits there will be.
    ///
    /// # Errors
    /// It depends on groups that are not given, or is too large to count.
    fn n_splits(&self, samples: &Samples<'_>) -> Result<usize>;

    /// Whether every call gives the same splits; true for all splitters here, whose default seed is 0.
    fn is_constant(&self) -> bool {
        true
    }
}

/// Splits that are there already.
impl Splitter for Vec<Split> {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        let n = samples.len();
        for (i, split) in self.iter().enumerate() {
            if let Some(row) = split.train.iter().chain(&split.test).find(|&&row| row >= n) {
                return Err(Error::index("split", format!("split {i} names sample {row} of {n}")));
            }
        }
        Ok(Box::new(self.clone().into_iter()))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.len())
    }
}

/// The splits whose test samples are those of one fold, fold after fold.
pub(super) fn by_fold(folds: Vec<usize>, n_splits: usize) -> Splits {
    Box::new((0..n_splits).map(move |fold| Split::by(folds.len(), |i| folds[i] == fold)))
}

/// At least two folds, and no more than `n` of what is to be divided.
pub(super) fn check_folds(operation: &str, n_splits: usize, n: usize, of: &str) -> Result<()> {
    if n_splits < 2 {
        return Err(Error::value(operation, format!("n_splits is {n_splits}: at least 2 expected")));
    }
    if n_splits > n {
        return Err(Error::value(
            operation,
            format!("n_splits is {n_splits}, more than there are {of}: {n}"),
        ));
    }
    Ok(())
}

/// The sizes of `parts` parts of `n`, as equal as can be: the first ones have one more.
pub(super) fn even_sizes(n: usize, parts: usize) -> impl Iterator<Item = usize> {
    (0..parts).map(move |part| n / parts + usize::from(part < n % parts))
}
