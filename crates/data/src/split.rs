//! Seeded splits into training, validation and test samples, plain or stratified.

use barehand_kernels::random::Philox;
use barehand_tensor::{Error, Result, Tensor};

/// How to split a data set at random.
///
/// Sizes follow scikit-learn's `train_test_split`: the test part has `ceil(test * n)` samples, the validation part
/// `ceil(validation * n)`, the training part the rest.
///
/// ```
/// use barehand_data::Splitter;
/// let split = Splitter::new().validation(0.1).test(0.2).seed(3).split(50)?;
/// assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (35, 5, 10));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Splitter {
    validation: f64,
    test: f64,
    seed: u64,
}

/// Indices of the samples of each part, each in random order. Every sample is in exactly one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub train: Vec<usize>,
    /// To choose settings by.
    pub validation: Vec<usize>,
    /// To report.
    pub test: Vec<usize>,
}

impl Splitter {
    /// Everything in the training part, seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The validation part's share, from 0 (the default) to 1.
    #[must_use]
    pub fn validation(mut self, share: f64) -> Self {
        self.validation = share;
        self
    }

    /// The test part's share, from 0 (the default) to 1.
    #[must_use]
    pub fn test(mut self, share: f64) -> Self {
        self.test = share;
        self
    }

    /// The seed: the same one gives the same split.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Splits `n` samples without regard to what they are.
    ///
    /// # Errors
    /// A share is not in `[0, 1)`, or no sample remains for training.
    pub fn split(&self, n: usize) -> Result<Split> {
        let (validation, test) = self.sizes(n)?;
        let mut order = Philox::new(self.seed).permutation(n);
        let train = order.split_off(validation + test);
        let validation = order.split_off(test);
        Ok(Split { train, validation, test: order })
    }

    /// Splits so that every part has the classes of `labels` `(N)` in the same proportions, as far as whole samples
    /// allow: each class gets the floor of its share, and what is left goes to the largest remainders, ties drawn by
    /// lot (scikit-learn's `StratifiedShuffleSplit`).
    ///
    /// # Errors
    /// As [`Splitter::split`]; also where a class has fewer than two samples, or a wanted part has fewer samples than there
    /// are classes.
    pub fn stratified(&self, labels: &Tensor<i64>) -> Result<Split> {
        if labels.shape().len() != 1 {
            return Err(Error::shape(
                "stratified",
                format!("expected labels (N), found {:?}", labels.shape()),
            ));
        }
        let labels = labels.to_vec();
        let (validation, test) = self.sizes(labels.len())?;
        let mut random = Philox::new(self.seed);
        let mut classes = std::collections::BTreeMap::<i64, Vec<usize>>::new();
        for i in random.permutation(labels.len()) {
            classes.entry(labels[i]).or_default().push(i);
        }
        if let Some((label, _)) = classes.iter().find(|(_, members)| members.len() < 2) {
            let text = format!("class {label} has one sample, too few to be in two parts");
            return Err(Error::value("stratified", text));
        }
        for (part, size) in
            [("test", test), ("validation", validation), ("training", labels.len() - validation - test)]
        {
            if size > 0 && size < classes.len() {
                let text =
                    format!("the {part} part of {size} samples cannot hold all {} classes", classes.len());
                return Err(Error::value("stratified", text));
            }
        }
        let mut members: Vec<Vec<usize>> = classes.into_values().collect();
        let mut take = |size: usize| {
            let counts = apportion(&members.iter().map(Vec::len).collect::<Vec<_>>(), size, &mut random);
            let taken =
                members.iter_mut().zip(counts).flat_map(|(class, n)| class.split_off(class.len() - n));
            let taken: Vec<usize> = taken.collect();
            random.permutation(taken.len()).into_iter().map(|i| taken[i]).collect::<Vec<usize>>()
        };
        let (test, validation) = (take(test), take(validation));
        let train = take(labels.len() - test.len() - validation.len());
        Ok(Split { train, validation, test })
    }

    /// Sizes of the validation and the test part.
    fn sizes(&self, n: usize) -> Result<(usize, usize)> {
        let (validation, test) = (self.validation, self.test);
        if ![validation, test].iter().all(|share| (0.0..1.0).contains(share)) {
            let text = format!("shares lie in [0, 1), not validation {validation} and test {test}");
            return Err(Error::value("split", text));
        }
        let size = |share: f64| (share * n as f64).ceil() as usize;
        if size(validation) + size(test) >= n {
            let text =
                format!("validation {validation} and test {test} of {n} samples leave none for training");
            return Err(Error::value("split", text));
        }
        Ok((size(validation), size(test)))
    }
}

/// Shares out `size` seats in proportion to `counts`: floors, then the largest remainders, ties by lot. No class gets
/// more than it has, since `size` is at most their sum.
fn apportion(counts: &[usize], size: usize, random: &mut Philox) -> Vec<usize> {
    let total = counts.iter().map(|&n| n as u128).sum::<u128>().max(1);
    let exact = counts.iter().map(|&n| n as u128 * size as u128);
    let (mut seats, remainders): (Vec<usize>, Vec<u128>) =
        exact.map(|share| ((share / total) as usize, share % total)).unzip();
    let mut order = random.permutation(counts.len());
    // A stable sort keeps the lot's order among equals.
    order.sort_by_key(|&class| std::cmp::Reverse(remainders[class]));
    let missing = size - seats.iter().sum::<usize>();
    order.iter().take(missing).for_each(|&class| seats[class] += 1);
    seats
}
