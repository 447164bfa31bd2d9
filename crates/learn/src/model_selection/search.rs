//! What the searches share: candidates, their scores, and the best of them.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use barehand_tensor::{Error, Float, Result, Tensor};

use super::cross_validation::{CrossValidation, FoldScores};
use super::fit_and_score::{in_parallel, mean_and_std};
use super::splitter::Split;
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};

/// Parameters by name, as text.
pub(super) type Parameters = Vec<(String, String)>;

/// An estimator that might be the best.
pub(super) type Possible<E> = (Parameters, E);

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Fits that are done.
    pub done: usize,
    /// All fits, of this iteration where there are several.
    pub total: usize,
}

/// Parameters, and what they scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The parameters that were searched, by name, values as text.
    pub parameters: Vec<(String, String)>,
    /// What came out of each split.
    pub folds: Vec<FoldScores>,
    /// In which iteration of a halving search; 0 elsewhere.
    pub iteration: usize,
    /// With how many samples, or how much of another resource, in a halving search.
    pub resources: Option<usize>,
}

impl Candidate {
    fn scores(&self, place: usize) -> Vec<f64> {
        self.folds.iter().map(|fold| fold.test[place]).collect()
    }
}

/// Which score decides, and what is done with the best.
pub(super) struct Refit {
    pub by: Option<String>,
    pub refit: bool,
}

/// What is called when a fit is done.
pub(super) type OnProgress = Option<Box<dyn Fn(Progress) + Send + Sync>>;

/// Scores every candidate on every split.
pub(super) fn evaluate<T: Float, E: Estimator<T>>(
    candidates: &[Possible<E>],
    cv: &CrossValidation<T>,
    splits: &[Split],
    (x, y): (&Features<T>, &Target<T>),
    on_progress: &OnProgress,
) -> Result<Vec<Candidate>> {
    if candidates.is_empty() || splits.is_empty() {
        return Err(Error::value("search", "no candidates, or no splits to try them on"));
    }
    let (data, measure) = (cv.data(x, y), cv.measure());
    let tasks: Vec<(usize, usize)> =
        (0..candidates.len()).flat_map(|i| (0..splits.len()).map(move |j| (i, j))).collect();
    let done = AtomicUsize::new(0);
    let folds: Result<Vec<FoldScores>> = in_parallel(&tasks, |&(candidate, split)| {
        let fold = measure.run(&candidates[candidate].1, data, &splits[split]);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(report) = on_progress {
            report(Progress { done, total: tasks.len() });
        }
        fold
    })
    .into_iter()
    .collect();
    let mut folds = folds?.into_iter();
    Ok(candidates
        .iter()
        .map(|(parameters, _)| Candidate {
            parameters: parameters.clone(),
            folds: folds.by_ref().take(splits.len()).collect(),
            iteration: 0,
            resources: None,
        })
        .collect())
}

/// A finished search; printed, a table of its candidates.
pub struct FittedSearch<E, T: Float> {
    names: Vec<String>,
    by: usize,
    candidates: Vec<Candidate>,
    best_index: usize,
    best_estimator: E,
    best_model: Option<Box<dyn Model<T>>>,
    refit_time: Duration,
}

impl<E: Estimator<T> + Clone, T: Float> FittedSearch<E, T> {
    /// The best of those that `may_win` names, refitted on all samples.
    pub(super) fn new(
        cv: &CrossValidation<T>,
        refit: &Refit,
        (x, y): (&Features<T>, &Target<T>),
        candidates: Vec<Candidate>,
        estimators: &[E],
        may_win: impl Fn(&Candidate) -> bool,
    ) -> Result<Self> {
        let names = cv.names()?;
        let by = match &refit.by {
            None => 0,
            Some(name) => names.iter().position(|known| known == name).ok_or_else(|| {
                Error::value("search", format!("refit by {name:?}, which is none of {names:?}"))
            })?,
        };
        let mean = |candidate: &Candidate| mean_and_std(&candidate.scores(by)).0;
        let mut best: Option<(usize, f64)> = None;
        for (i, candidate) in candidates.iter().enumerate().filter(|(_, candidate)| may_win(candidate)) {
            let score = mean(candidate);
            // The first of equals wins, and any number over NaN.
            if best.is_none_or(|(_, best)| score > best || (best.is_nan() && !score.is_nan())) {
                best = Some((i, score));
            }
        }
        let (best_index, _) = best.ok_or_else(|| Error::value("search", "no candidates"))?;
        let best_estimator = estimators[best_index].clone();
        let start = Instant::now();
        let best_model =
            if refit.refit { Some(best_estimator.fit_any(x, y, cv.data(x, y).sample_weight)?) } else { None };
        Ok(FittedSearch {
            names,
            by,
            candidates,
            best_index,
            best_estimator,
            best_model,
            refit_time: start.elapsed(),
        })
    }
}

impl<E, T: Float> FittedSearch<E, T> {
    /// Every candidate, in the order in which they were tried.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The place of the best among [`FittedSearch::candidates`].
    pub fn best_index(&self) -> usize {
        self.best_index
    }

    /// The parameters of the best.
    pub fn best_parameters(&self) -> &[(String, String)] {
        &self.candidates[self.best_index].parameters
    }

    /// The mean test score of the best.
    pub fn best_score(&self) -> f64 {
        mean_and_std(&self.candidates[self.best_index].scores(self.by)).0
    }

    /// The estimator that did best.
    pub fn best_estimator(&self) -> &E {
        &self.best_estimator
    }

    /// The best estimator's model of all samples, unless `refit(false)` was asked for.
    pub fn best_model(&self) -> Option<&dyn Model<T>> {
        self.best_model.as_deref()
    }

    /// The best estimator's model of all samples, to keep.
    pub fn into_best_model(self) -> Option<Box<dyn Model<T>>> {
        self.best_model
    }

    /// How long the fit on all samples took.
    pub fn refit_time(&self) -> Duration {
        self.refit_time
    }

    /// Mean and deviation over the splits of a test score, candidate by candidate.
    pub fn mean_and_std(&self, name: &str) -> Option<Vec<(f64, f64)>> {
        let place = self.names.iter().position(|known| known == name)?;
        Some(self.candidates.iter().map(|candidate| mean_and_std(&candidate.scores(place))).collect())
    }

    /// The rank of every candidate by the mean of a test score, 1 for the best; equals share the smallest, NaN is last.
    pub fn ranks(&self, name: &str) -> Option<Vec<usize>> {
        let means: Vec<f64> = self.mean_and_std(name)?.into_iter().map(|(mean, _)| mean).collect();
        Some(ranks(&means))
    }
}

/// 1 and how many are larger; NaN is smaller than every number.
fn ranks(scores: &[f64]) -> Vec<usize> {
    let above = |score: f64, other: f64| if score.is_nan() { !other.is_nan() } else { other > score };
    scores.iter().map(|&score| 1 + scores.iter().filter(|&&other| above(score, other)).count()).collect()
}

impl<E, T: Float> fmt::Display for FittedSearch<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.names[self.by];
        let means: Vec<(f64, f64)> =
            self.candidates.iter().map(|candidate| mean_and_std(&candidate.scores(self.by))).collect();
        let ranks = ranks(&means.iter().map(|(mean, _)| *mean).collect::<Vec<_>>());
        write!(f, "{:>4}  {:>12}  {:>10}  {:>8}  parameters", "rank", name, "deviation", "fit (s)")?;
        for (candidate, ((mean, std), rank)) in self.candidates.iter().zip(means.iter().zip(ranks)) {
            let fits: f64 = candidate.folds.iter().map(|fold| fold.fit_time.as_secs_f64()).sum();
            let fit = fits / candidate.folds.len() as f64;
            let parameters: Vec<String> =
                candidate.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let width = name.len().max(12);
            write!(f, "\n{rank:>4}  {mean:>width$.6}  {std:>10.6}  {fit:>8.4}  {}", parameters.join(", "))?;
            if let Some(resources) = candidate.resources {
                write!(f, "  (iteration {}, {resources})", candidate.iteration)?;
            }
        }
        Ok(())
    }
}

/// What a search is as an estimator: the best model.
pub(super) fn best_model<T: Float, E>(
    operation: &str,
    sample_weight: Option<&Tensor<f64>>,
    search: impl FnOnce() -> Result<FittedSearch<E, T>>,
) -> Result<Box<dyn Model<T>>> {
    no_weights(operation, sample_weight)?;
    search()?
        .into_best_model()
        .ok_or_else(|| Error::value(operation, "refit(false) leaves no model to go on with"))
}

/// The options that all searches have.
macro_rules! search_options {
    () => {
        /// How candidates are scored: splitter, scores, weights, groups (default: `CrossValidation::new()`).
        pub fn cross_validation(mut self, cv: CrossValidation<T>) -> Self {
            self.cv = cv;
            self
        }

        /// The score that decides (default: the first).
        pub fn refit_by(mut self, score: &str) -> Self {
            self.refit.by = Some(score.to_owned());
            self
        }

        /// Whether to fit the best on all samples (default: yes).
        pub fn refit(mut self, refit: bool) -> Self {
            self.refit.refit = refit;
            self
        }

        /// What is told of every fit that is done, from any thread.
        pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
            self.on_progress = Some(Box::new(report));
            self
        }
    };
}
pub(super) use search_options;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_share_the_smallest_rank_and_nan_is_last() {
        assert_eq!(ranks(&[0.5, f64::NAN, 0.9, 0.5, 0.9, f64::NAN]), [3, 5, 1, 3, 1, 5]);
        assert_eq!(ranks(&[f64::NAN, f64::NAN]), [1, 1]);
    }
}
