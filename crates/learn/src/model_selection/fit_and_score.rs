//! One fit on one split, and what it scores: the piece of work that cross-validation and search are made of.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use barehand_kernels::threads;
use barehand_tensor::{Float, Result, Tensor};

use super::scorer::Score;
use super::splitter::{Samples, Split, Splits, Splitter};
use super::stratified_k_fold::StratifiedKFold;
use super::{FoldScores, KFold};
use crate::dynamic::{Estimator, Features, Model, Target};

/// Samples with their targets, weights and groups.
#[derive(Clone, Copy)]
pub(super) struct Data<'a, T: Float> {
    pub x: &'a Features<T>,
    pub y: &'a Target<T>,
    pub sample_weight: Option<&'a Tensor<f64>>,
    pub groups: Option<&'a Tensor<i64>>,
}

impl<T: Float> Data<'_, T> {
    /// What splitters may know.
    pub fn samples(&self) -> Samples<'_> {
        let mut samples = Samples::new(self.x.shape()[0]);
        if let Target::Classes(y) = self.y {
            samples = samples.classes(y);
        }
        if let Some(groups) = self.groups {
            samples = samples.groups(groups);
        }
        samples
    }

    /// The splits of `cv`, or five folds, stratified where there are classes.
    pub fn splits(&self, cv: Option<&dyn Splitter>) -> Result<Splits> {
        let samples = self.samples();
        match (cv, self.y) {
            (Some(cv), _) => cv.split(&samples),
            (None, Target::Classes(_)) => StratifiedKFold::new(5).split(&samples),
            (None, _) => KFold::new(5).split(&samples),
        }
    }

    /// The rows of one side of a split.
    fn part(&self, rows: &[usize]) -> Result<Part<T>> {
        let indices: Tensor<i64> = rows.iter().map(|&row| row as i64).collect::<Vec<_>>().into();
        Ok(Part {
            x: self.x.select_rows(rows)?,
            y: self.y.select_rows(rows)?,
            sample_weight: self.sample_weight.map(|w| w.index_select(0, &indices)).transpose()?,
        })
    }

    /// The model of the rows at `rows`.
    pub fn fit(&self, estimator: &dyn Estimator<T>, rows: &[usize]) -> Result<Box<dyn Model<T>>> {
        self.part(rows)?.fit(estimator)
    }
}

struct Part<T: Float> {
    x: Features<T>,
    y: Target<T>,
    sample_weight: Option<Tensor<f64>>,
}

impl<T: Float> Part<T> {
    fn fit(&self, estimator: &dyn Estimator<T>) -> Result<Box<dyn Model<T>>> {
        estimator.fit_any(&self.x, &self.y, self.sample_weight.as_ref())
    }

    fn scores(&self, model: &dyn Model<T>, scores: &[Box<dyn Score<T>>]) -> Result<Vec<f64>> {
        scores.iter().map(|score| score.score(model, &self.x, &self.y, self.sample_weight.as_ref())).collect()
    }
}

/// What is to be measured.
#[derive(Clone, Copy)]
pub(super) struct Measure<'a, T: Float> {
    pub scores: &'a [Box<dyn Score<T>>],
    pub train_scores: bool,
    /// What stands for the scores where fitting or scoring fails; without it, that is an error.
    pub error_score: Option<f64>,
}

impl<T: Float> Measure<'_, T> {
    /// Fits on the training rows, scores on the test rows.
    pub fn run(&self, estimator: &dyn Estimator<T>, data: Data<'_, T>, split: &Split) -> Result<FoldScores> {
        let mut fold = FoldScores::default();
        match self.measured(estimator, data, split, &mut fold) {
            Ok(()) => Ok(fold),
            Err(error) => {
                let Some(score) = self.error_score else { return Err(error) };
                let failed = vec![score; self.scores.len()];
                Ok(FoldScores {
                    train: self.train_scores.then(|| failed.clone()),
                    test: failed,
                    error: Some(error.to_string()),
                    ..fold
                })
            }
        }
    }

    fn measured(
        &self,
        estimator: &dyn Estimator<T>,
        data: Data<'_, T>,
        split: &Split,
        fold: &mut FoldScores,
    ) -> Result<()> {
        let start = Instant::now();
        let train = data.part(&split.train)?;
        let fitted = train.fit(estimator);
        fold.fit_time = start.elapsed();
        let model = fitted?;
        let start = Instant::now();
        fold.test = data.part(&split.test)?.scores(model.as_ref(), self.scores)?;
        fold.score_time = start.elapsed();
        if self.train_scores {
            fold.train = Some(train.scores(model.as_ref(), self.scores)?);
        }
        Ok(())
    }
}

/// The results of `work` on every item, in their order. Items are shared among threads where there are enough of them;
/// otherwise each has all threads for itself.
pub(super) fn in_parallel<I: Sync, O: Send>(items: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let threads = threads::num_threads();
    if threads == 1 || items.len() * 2 <= threads {
        return items.iter().map(work).collect();
    }
    let results: Vec<Mutex<Option<O>>> = items.iter().map(|_| Mutex::new(None)).collect();
    threads::for_each(items.len(), threads, |i| {
        let result = work(&items[i]);
        if let Ok(mut place) = results[i].lock() {
            *place = Some(result);
        }
    });
    results.into_iter().filter_map(|place| place.into_inner().ok().flatten()).collect()
}

/// Mean and deviation, as NumPy computes them: over all values, the deviation of the whole, not of a sample.
pub(super) fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Seconds, short.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.4}", duration.as_secs_f64())
}
