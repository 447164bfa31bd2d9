//! Training and test sets drawn at random, classes in equal shares.

use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Error, Result};

use super::shuffle_split::{Size, sized, sizes};
use super::splitter::{Samples, Split, Splits, Splitter, counts};

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
fn shares(counts: &[usize], draws: usize, random: &mut RandomState) -> Vec<usize> {
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
        random.shuffle(&mut tied);
        tied.truncate(missing);
        for &class in &tied {
            drawn[class] += 1;
        }
        missing -= tied.len();
    }
    drawn
}

impl Splitter for StratifiedShuffleSplit {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
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
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes.len()];
        codes.iter().enumerate().for_each(|(i, &class)| members[class].push(i));
        let mut random = RandomState::new(self.random_state);
        Ok(Box::new((0..self.n_splits).map(move |_| {
            let for_training = shares(&counts, trained, &mut random);
            let left: Vec<usize> = counts.iter().zip(&for_training).map(|(all, taken)| all - taken).collect();
            let for_test = shares(&left, tested, &mut random);
            let mut split = Split::default();
            for (class, members) in members.iter().enumerate() {
                let mut order: Vec<usize> = (0..members.len()).collect();
                random.shuffle(&mut order);
                let (first, second) = (for_training[class], for_test[class]);
                split.train.extend(order[..first].iter().map(|&i| members[i]));
                split.test.extend(order[first..first + second].iter().map(|&i| members[i]));
            }
            random.shuffle(&mut split.train);
            random.shuffle(&mut split.test);
            split
        })))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}
