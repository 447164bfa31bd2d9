//! Scores over the number of samples, or over a parameter.

use std::fmt;
use std::fmt::Debug;

use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Error, Float, Result};

use super::cross_validation::{CrossValidation, FoldScores};
use super::fit_and_score::{in_parallel, mean_and_std};
use super::shuffle_split::Size;
use super::splitter::Split;
use crate::dynamic::{Estimator, Features, Target};

/// Training and test scores at a few points; printed, a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What was varied: `n_samples`, or a parameter's name.
    pub name: String,
    /// The points, as text.
    pub points: Vec<String>,
    /// What came out of each split at each point: `folds[point][split]`; scores are those of the cross-validation.
    pub folds: Vec<Vec<FoldScores>>,
}

impl Curve {
    /// The training scores `[point][split]`, of the first score.
    pub fn train(&self) -> Vec<Vec<f64>> {
        let of = |fold: &FoldScores| fold.train.as_ref().map_or(f64::NAN, |train| train[0]);
        self.folds.iter().map(|folds| folds.iter().map(of).collect()).collect()
    }

    /// The test scores `[point][split]`, of the first score.
    pub fn test(&self) -> Vec<Vec<f64>> {
        self.folds.iter().map(|folds| folds.iter().map(|fold| fold.test[0]).collect()).collect()
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.points.iter().map(String::len).chain([self.name.len()]).max().unwrap_or(0);
        write!(f, "{:>width$}  {:>21}  {:>21}", self.name, "train", "test")?;
        for (point, (train, test)) in self.points.iter().zip(self.train().iter().zip(self.test())) {
            write!(f, "\n{point:>width$}")?;
            for (mean, std) in [mean_and_std(train), mean_and_std(&test)] {
                write!(f, "  {mean:>9.6} +- {std:>8.6}")?;
            }
        }
        Ok(())
    }
}

/// Scores over a parameter: the estimator that `set` makes of each value. Source: scikit-learn's `validation_curve`.
///
/// ```
/// use barehand_learn::model_selection::{CrossValidation, KFold, Scorer, validation_curve};
/// use barehand_learn::preprocessing::StandardScaler;
/// use barehand_learn::{Features, Model, Target};
/// use barehand_tensor::Tensor;
///
/// let x = Features::from(Tensor::from([[1.0], [2.0], [3.0], [5.0f64]]));
/// let columns = |model: &dyn Model<f64>, _: &Features<f64>, _: &Target<f64>| Ok(model.features() as f64);
/// let cv = CrossValidation::new().cv(KFold::new(2)).score(Scorer::custom("columns", columns));
/// let set = |scaler: StandardScaler, &yes: &bool| scaler.with_std(yes);
/// let curve = validation_curve(&StandardScaler::new(), "with_std", [true, false], set, &cv, &x, &Target::None)?;
/// assert_eq!(curve.test(), [[1.0, 1.0], [1.0, 1.0]]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`CrossValidation::run`].
pub fn validation_curve<T: Float, E: Estimator<T> + Clone, V: Debug>(
    estimator: &E,
    name: &str,
    values: impl IntoIterator<Item = V>,
    set: impl Fn(E, &V) -> E,
    cv: &CrossValidation<T>,
    x: &Features<T>,
    y: &Target<T>,
) -> Result<Curve> {
    let values: Vec<V> = values.into_iter().collect();
    let estimators: Vec<E> = values.iter().map(|value| set(estimator.clone(), value)).collect();
    let splits: Vec<Split> = cv.splits(x, y)?.collect();
    let tasks: Vec<(usize, &Split)> =
        (0..estimators.len()).flat_map(|point| splits.iter().map(move |split| (point, split))).collect();
    let folds = in_parallel(&tasks, |&(point, split)| {
        cv.with_train_scores().run(&estimators[point], cv.data(x, y), split)
    });
    Ok(Curve {
        name: name.to_owned(),
        points: values.iter().map(|value| format!("{value:?}")).collect(),
        folds: by_point(folds, splits.len())?,
    })
}

fn by_point(folds: Vec<Result<FoldScores>>, splits: usize) -> Result<Vec<Vec<FoldScores>>> {
    let folds: Vec<FoldScores> = folds.into_iter().collect::<Result<_>>()?;
    Ok(folds.chunks(splits.max(1)).map(<[FoldScores]>::to_vec).collect())
}

/// How a [`learning_curve`] takes fewer samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningCurve {
    train_sizes: Vec<Size>,
    shuffle: bool,
    random_state: u32,
}

impl Default for LearningCurve {
    fn default() -> Self {
        let tenths = [0.1, 0.325, 0.55, 0.775, 1.0];
        LearningCurve { train_sizes: tenths.map(Size::Share).to_vec(), shuffle: false, random_state: 0 }
    }
}

impl LearningCurve {
    /// Five sizes, from a tenth of the training samples to all.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many of the training samples to learn from, or which shares of them (default: 0.1, 0.325, 0.55, 0.775, 1).
    pub fn train_sizes<S: Into<Size>>(mut self, sizes: impl IntoIterator<Item = S>) -> Self {
        self.train_sizes = sizes.into_iter().map(Into::into).collect();
        self
    }

    /// Whether to shuffle the training samples before the first of them are taken (default: no).
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of the shuffle (default: 0).
    pub fn random_state(mut self, random_state: u32) -> Self {
        self.random_state = random_state;
        self
    }

    /// Scores over the number of samples.
    ///
    /// # Errors
    /// As [`CrossValidation::run`]; sizes that are no share and no number of the training samples.
    pub fn run<T: Float>(
        &self,
        estimator: &dyn Estimator<T>,
        cv: &CrossValidation<T>,
        x: &Features<T>,
        y: &Target<T>,
    ) -> Result<Curve> {
        let mut splits: Vec<Split> = cv.splits(x, y)?.collect();
        let most = splits.first().map_or(0, |split| split.train.len());
        let mut sizes = self.train_sizes.iter().map(|&size| count(size, most)).collect::<Result<Vec<_>>>()?;
        sizes.sort_unstable();
        sizes.dedup();
        if self.shuffle {
            let mut random = RandomState::new(self.random_state);
            for split in &mut splits {
                random.shuffle(&mut split.train);
            }
        }
        let tasks: Vec<Split> = sizes
            .iter()
            .flat_map(|&size| {
                splits.iter().map(move |split| Split {
                    train: split.train[..size.min(split.train.len())].to_vec(),
                    test: split.test.clone(),
                })
            })
            .collect();
        let folds = in_parallel(&tasks, |split| cv.with_train_scores().run(estimator, cv.data(x, y), split));
        Ok(Curve {
            name: "n_samples".into(),
            points: sizes.iter().map(ToString::to_string).collect(),
            folds: by_point(folds, splits.len())?,
        })
    }
}

fn count(size: Size, most: usize) -> Result<usize> {
    match size {
        Size::Share(share) if share > 0.0 && share <= 1.0 => {
            Ok(((share * most as f64) as usize).clamp(1, most.max(1)))
        }
        Size::Count(count) if count > 0 && count <= most => Ok(count),
        _ => Err(Error::value(
            "learning_curve",
            format!("size {size:?}: a share above 0 up to 1, or up to {most} samples, expected"),
        )),
    }
}

/// Scores over the number of samples, five sizes from a tenth to all. [`LearningCurve`] has the options. Source:
/// scikit-learn's `learning_curve`.
///
/// # Errors
/// As [`LearningCurve::run`].
pub fn learning_curve<T: Float>(
    estimator: &dyn Estimator<T>,
    cv: &CrossValidation<T>,
    x: &Features<T>,
    y: &Target<T>,
) -> Result<Curve> {
    LearningCurve::new().run(estimator, cv, x, y)
}
