//! The scores of a model on samples that it has not seen, split after split.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use barehand_kernels::threads;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::fit_and_score::{Data, Measure, in_parallel, mean_and_std, seconds};
use super::scorer::{Score, Scorer};
use super::splitter::{Splits, Splitter};
use crate::dynamic::{Estimator, Features, Target};

/// Fits an estimator on the training samples of every split and scores it on the test samples.
///
/// By default five folds, stratified where there are classes, and [`Scorer::Default`]. Splits are shared among threads;
/// results do not depend on how many there are. Source: scikit-learn's `cross_validate`.
///
/// ```
/// use barehand_learn::model_selection::{CrossValidation, KFold, Scorer};
/// use barehand_learn::preprocessing::StandardScaler;
/// use barehand_learn::{Features, Model, Target};
/// use barehand_tensor::Tensor;
///
/// let x = Features::from(Tensor::from([[1.0], [2.0], [3.0], [5.0f64]]));
/// let mean = |model: &dyn Model<f64>, x: &Features<f64>, _: &Target<f64>| {
///     model.transform_any(x)?.dense("mean")?.mean()?.item()
/// };
/// let scores = CrossValidation::new()
///     .cv(KFold::new(2))
///     .score(Scorer::custom("mean", mean))
///     .run(&StandardScaler::new(), &x, &Target::None)?;
/// assert_eq!(scores.test("mean").unwrap(), [-2.5, 5.0]);
/// println!("{scores}");
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub struct CrossValidation<T: Float> {
    cv: Option<Arc<dyn Splitter>>,
    scores: Vec<Box<dyn Score<T>>>,
    train_scores: bool,
    error_score: Option<f64>,
    sample_weight: Option<Tensor<f64>>,
    groups: Option<Tensor<i64>>,
}

impl<T: Float> Default for CrossValidation<T> {
    fn default() -> Self {
        CrossValidation {
            cv: None,
            scores: vec![Box::new(Scorer::Default)],
            train_scores: false,
            error_score: None,
            sample_weight: None,
            groups: None,
        }
    }
}

impl<T: Float> CrossValidation<T> {
    /// Five folds, the estimator's own score.
    pub fn new() -> Self {
        Self::default()
    }

    /// What makes the splits (default: five folds, stratified where there are classes).
    pub fn cv(mut self, cv: impl Splitter + 'static) -> Self {
        self.cv = Some(Arc::new(cv));
        self
    }

    /// The one score to compute (default: [`Scorer::Default`]).
    pub fn score(mut self, score: impl Score<T> + 'static) -> Self {
        self.scores = vec![Box::new(score)];
        self
    }

    /// One score more.
    pub fn and_score(mut self, score: impl Score<T> + 'static) -> Self {
        self.scores.push(Box::new(score));
        self
    }

    /// Whether to score the training samples as well (default: no).
    pub fn train_scores(mut self, train_scores: bool) -> Self {
        self.train_scores = train_scores;
        self
    }

    /// What stands for the scores of a split on which fitting or scoring fails, NaN for example (default: the failure is
    /// an error of the whole).
    pub fn error_score(mut self, error_score: f64) -> Self {
        self.error_score = Some(error_score);
        self
    }

    /// A weight for each sample, `(N)`, in fitting and in scoring.
    pub fn sample_weight(mut self, sample_weight: &Tensor<f64>) -> Self {
        self.sample_weight = Some(sample_weight.clone());
        self
    }

    /// The group of each sample, `(N)`, for splitters that keep groups together.
    pub fn groups(mut self, groups: &Tensor<i64>) -> Self {
        self.groups = Some(groups.clone());
        self
    }

    /// The scores of an estimator.
    ///
    /// # Errors
    /// Those of the splitter, of fitting and of scoring; two scores of the same name.
    pub fn run(
        &self,
        estimator: &dyn Estimator<T>,
        x: &Features<T>,
        y: &Target<T>,
    ) -> Result<CrossValidationScores> {
        let names = self.names()?;
        let (data, measure) = (self.data(x, y), self.measure());
        let mut splits = data.splits(self.cv.as_deref())?;
        let mut folds = Vec::new();
        loop {
            // A few at a time: splits that leave one out are many, and each names every sample.
            let some: Vec<_> = splits.by_ref().take(4 * threads::num_threads()).collect();
            if some.is_empty() {
                break;
            }
            for fold in in_parallel(&some, |split| measure.run(estimator, data, split)) {
                folds.push(fold?);
            }
        }
        if folds.is_empty() {
            return Err(Error::value("cross_validate", "the splitter made no splits"));
        }
        Ok(CrossValidationScores { names, folds })
    }

    pub(super) fn data<'a>(&'a self, x: &'a Features<T>, y: &'a Target<T>) -> Data<'a, T> {
        Data { x, y, sample_weight: self.sample_weight.as_ref(), groups: self.groups.as_ref() }
    }

    pub(super) fn measure(&self) -> Measure<'_, T> {
        Measure { scores: &self.scores, train_scores: self.train_scores, error_score: self.error_score }
    }

    pub(super) fn with_train_scores(&self) -> Measure<'_, T> {
        Measure { train_scores: true, ..self.measure() }
    }

    pub(super) fn splits(&self, x: &Features<T>, y: &Target<T>) -> Result<Splits> {
        self.data(x, y).splits(self.cv.as_deref())
    }

    /// The names of the scores.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let names: Vec<String> = self.scores.iter().map(|score| score.name().to_owned()).collect();
        match (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
            Some(i) => Err(Error::value("cross_validate", format!("two scores are called {:?}", names[i]))),
            None => Ok(names),
        }
    }
}

/// What came out of one split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoldScores {
    /// How long the fit took.
    pub fit_time: Duration,
    /// How long scoring the test samples took.
    pub score_time: Duration,
    /// Every score on the test samples.
    pub test: Vec<f64>,
    /// Every score on the training samples, where they were asked for.
    pub train: Option<Vec<f64>>,
    /// What went wrong, where something did.
    pub error: Option<String>,
}

/// The scores of every split; printed, a table.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidationScores {
    /// The names of the scores.
    pub names: Vec<String>,
    /// What came out of each split.
    pub folds: Vec<FoldScores>,
}

impl CrossValidationScores {
    /// The test scores of this name, split by split.
    pub fn test(&self, name: &str) -> Option<Vec<f64>> {
        let place = self.names.iter().position(|known| known == name)?;
        Some(self.folds.iter().map(|fold| fold.test[place]).collect())
    }

    /// The training scores of this name, where they were asked for.
    pub fn train(&self, name: &str) -> Option<Vec<f64>> {
        let place = self.names.iter().position(|known| known == name)?;
        self.folds.iter().map(|fold| fold.train.as_ref().map(|train| train[place])).collect()
    }

    /// Mean and deviation over the splits of the test scores of this name.
    pub fn mean_and_std(&self, name: &str) -> Option<(f64, f64)> {
        self.test(name).map(|scores| mean_and_std(&scores))
    }
}

impl fmt::Display for CrossValidationScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5} {:>9} {:>10}", "split", "fit (s)", "score (s)")?;
        let with_train = self.folds.iter().all(|fold| fold.train.is_some());
        let columns = |name: &str| if with_train { name.len().max(8) + 6 } else { name.len().max(8) };
        for name in &self.names {
            if with_train {
                write!(f, "  {:>width$}", format!("train {name}"), width = columns(name))?;
            }
            write!(f, "  {name:>width$}", width = columns(name))?;
        }
        for (i, fold) in self.folds.iter().enumerate() {
            write!(f, "\n{i:>5} {:>9} {:>10}", seconds(fold.fit_time), seconds(fold.score_time))?;
            for (place, name) in self.names.iter().enumerate() {
                if let (true, Some(train)) = (with_train, &fold.train) {
                    write!(f, "  {:>width$.6}", train[place], width = columns(name))?;
                }
                write!(f, "  {:>width$.6}", fold.test[place], width = columns(name))?;
            }
        }
        for name in &self.names {
            if let Some((mean, std)) = self.mean_and_std(name) {
                write!(f, "\n{name}: {mean:.6} +- {std:.6}")?;
            }
        }
        Ok(())
    }
}

/// One score of an estimator for each split. [`CrossValidation`] has the options.
///
/// # Errors
/// As [`CrossValidation::run`].
pub fn cross_val_score<T: Float>(
    estimator: &dyn Estimator<T>,
    x: &Features<T>,
    y: &Target<T>,
    cv: impl Splitter + 'static,
    score: Scorer,
) -> Result<Vec<f64>> {
    let scores = CrossValidation::new().cv(cv).score(score).run(estimator, x, y)?;
    Ok(scores.folds.iter().map(|fold| fold.test[0]).collect())
}
