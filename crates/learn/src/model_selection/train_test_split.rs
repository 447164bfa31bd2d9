//! One training and one test set.

use barehand_tensor::{Error, Result};

use super::shuffle_split::{ShuffleSplit, Size, sized, sizes};
use super::splitter::{Samples, Split, Splitter};
use super::stratified_shuffle_split::StratifiedShuffleSplit;

/// Divides samples once, by default a quarter of them, drawn at random, for the test.
///
/// Source: scikit-learn's `train_test_split`.
///
/// ```
/// use barehand_learn::model_selection::{Samples, TrainTestSplit};
/// use barehand_tensor::Tensor;
///
/// let (x, y) = (Tensor::from([[0.0], [1.0], [2.0], [3.0]]), Tensor::from([0i64, 0, 1, 1]));
/// let split = TrainTestSplit::new().test_size(0.5).stratify(true).split(&Samples::new(4).classes(&y))?;
/// let (x_train, x_test) = split.of(&x)?;
/// let (y_train, y_test) = split.of(&y)?;
/// assert_eq!(x_train.shape(), [2, 1]);
/// assert_eq!(y_train.to_vec().iter().sum::<i64>(), 1);
/// # let _ = (x_test, y_test);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainTestSplit {
    test_size: Option<Size>,
    train_size: Option<Size>,
    random_state: u32,
    shuffle: bool,
    stratify: bool,
}

impl Default for TrainTestSplit {
    fn default() -> Self {
        TrainTestSplit { test_size: None, train_size: None, random_state: 0, shuffle: true, stratify: false }
    }
}

impl TrainTestSplit {
    /// A quarter for the test.
    pub fn new() -> Self {
        Self::default()
    }

    sized!("0.25");

    /// Whether to draw at random (default: yes); without, the first samples are trained on.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Whether both sets have the samples' classes in the same shares (default: no).
    pub fn stratify(mut self, stratify: bool) -> Self {
        self.stratify = stratify;
        self
    }

    /// The two sets.
    ///
    /// # Errors
    /// Sizes that leave nothing to train on, or more than there is; strata without classes or without shuffling.
    pub fn split(&self, samples: &Samples<'_>) -> Result<Split> {
        const OPERATION: &str = "train_test_split";
        let (trained, tested) = sizes(OPERATION, samples.len(), self.test_size, self.train_size, 0.25)?;
        if !self.shuffle {
            if self.stratify {
                return Err(Error::value(OPERATION, "strata are drawn at random: they need shuffle"));
            }
            return Ok(Split { train: (0..trained).collect(), test: (trained..trained + tested).collect() });
        }
        let mut splits = if self.stratify {
            StratifiedShuffleSplit::new(1)
                .train_size(trained)
                .test_size(tested)
                .random_state(self.random_state)
                .split(samples)?
        } else {
            ShuffleSplit::new(1)
                .train_size(trained)
                .test_size(tested)
                .random_state(self.random_state)
                .split(samples)?
        };
        Ok(splits.next().unwrap_or_default())
    }
}
