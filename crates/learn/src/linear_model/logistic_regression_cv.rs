//! Logistic regression whose penalty cross-validation finds.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::logistic_regression::{FittedLogisticRegression, LogisticRegression};
use super::ridge_classifier::several_classes;
use super::samples::{AsSamples, Samples};
use crate::dynamic::{Features, Target};
use crate::model_selection::{self, Score, Scorer, Split, Splitter, StratifiedKFold};
use crate::validate;

/// [`LogisticRegression`] with the `C` and `l1_ratio` whose score of held-out samples is best, the mean of all folds; of equal
/// ones the first `C`, then the first ratio. Each fold goes from one `C` to the next, each from the last one's coefficients.
///
/// Source: scikit-learn's `LogisticRegressionCV`.
///
/// ```
/// use barehand_learn::{Fit, Predict, linear_model::{LogisticRegression, LogisticRegressionCv}};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from_vec((0..10).map(f64::from).collect(), [10, 1])?;
/// let y = Tensor::from([0i64, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
/// let found = LogisticRegressionCv::new(LogisticRegression::new()).cs(&[0.01, 1.0, 100.0]).fit(&x, &y)?;
/// assert_eq!(found.scores().shape(), [5, 1, 3]); // folds, ratios, Cs
/// assert_eq!(found.model().predict(&x)?.to_vec(), y.to_vec());
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegressionCv {
    regression: LogisticRegression,
    cs: Vec<f64>,
    l1_ratios: Vec<f64>,
    splits: Option<Vec<Split>>,
    scorer: Scorer,
    refit: bool,
    warm_start: bool,
}

impl LogisticRegressionCv {
    /// Of regressions like this one, whose `C` is to be found.
    pub fn new(regression: LogisticRegression) -> Self {
        LogisticRegressionCv {
            l1_ratios: vec![regression.ratio()],
            regression,
            cs: (0..10).map(|i| 10.0f64.powf(-4.0 + 8.0 * f64::from(i) / 9.0)).collect(),
            splits: None,
            scorer: Scorer::Accuracy,
            refit: true,
            warm_start: true,
        }
    }

    /// What is tried for `C` (default: ten, evenly spaced by their logarithms, from 1e-4 to 1e4).
    pub fn cs(mut self, cs: &[f64]) -> Self {
        self.cs = cs.to_vec();
        self
    }

    /// The ratios that are tried (default: that of the regression).
    pub fn l1_ratios(mut self, l1_ratios: &[f64]) -> Self {
        self.l1_ratios = l1_ratios.to_vec();
        self
    }

    /// The splits that each pair of parameters is tried on (default: five folds with the classes' shares).
    pub fn splits(mut self, splits: Vec<Split>) -> Self {
        self.splits = Some(splits);
        self
    }

    /// The score (default: accuracy).
    pub fn scorer(mut self, scorer: Scorer) -> Self {
        self.scorer = scorer;
        self
    }

    /// Whether the best parameters are fitted on all samples; else coefficients are the mean of those of each fold's best
    /// ones, and so are the parameters (default: yes).
    pub fn refit(mut self, refit: bool) -> Self {
        self.refit = refit;
        self
    }

    /// Whether each fit starts from coefficients that are known: those for the last `C`, and at the end the mean of the folds'
    /// (default: yes).
    pub fn warm_start(mut self, warm_start: bool) -> Self {
        self.warm_start = warm_start;
        self
    }

    /// As `fit`, with a score of one's own, of a model and of the samples that split (by its place among them) holds out.
    ///
    /// # Errors
    /// As `fit`, and those of the score.
    pub fn fit_scored<T: Float>(
        &self,
        x: &impl AsSamples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        score: ScoreOfHeldOut<T>,
    ) -> Result<FittedLogisticRegressionCv<T>> {
        self.searched(&x.samples(OPERATION)?, y, sample_weight, Some(score))
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedLogisticRegressionCv<T>> {
        self.searched(samples, y, sample_weight, None)
    }

    fn searched<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        mut score: Option<ScoreOfHeldOut<T>>,
    ) -> Result<FittedLogisticRegressionCv<T>> {
        let (n, d) = samples.shape();
        let (classes, codes) = several_classes(OPERATION, y, n)?;
        if self.cs.is_empty() || self.l1_ratios.is_empty() {
            return Err(Error::value(OPERATION, "no Cs, or no l1_ratios: at least one of each expected"));
        }
        let regressions: Vec<Vec<LogisticRegression>> = self
            .l1_ratios
            .iter()
            .map(|&ratio| self.cs.iter().map(|&c| self.one(c, ratio)).collect())
            .collect();
        regressions.iter().flatten().try_for_each(LogisticRegression::check)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let all = self.regression.labelled(OPERATION, classes, &codes, weights.clone())?;
        let of_all = model_selection::Samples::new(n).classes(y);
        let splits: Vec<Split> = match &self.splits {
            Some(splits) => splits.split(&of_all)?.collect(),
            None => StratifiedKFold::new(5).split(&of_all)?.collect(),
        };
        if splits.is_empty() {
            return Err(Error::value(OPERATION, "no splits: at least one expected"));
        }
        let (ratios, count, outputs) = (self.l1_ratios.len(), self.cs.len(), all.outputs());
        let parameters = outputs * (d + usize::from(self.regression.fits_intercept()));
        let tried = splits.len() * ratios * count;
        let (mut scores, mut n_iter, mut paths) =
            (Vec::with_capacity(tried), Vec::with_capacity(tried), Vec::with_capacity(tried * parameters));
        let mut unconverged = Vec::new();
        for (place, split) in splits.iter().enumerate() {
            if split.train.is_empty() || split.test.is_empty() {
                let message = "a split without samples to learn from, or to be tested on";
                return Err(Error::value(OPERATION, message));
            }
            let pick = |rows: &[usize]| -> Result<Features<T>> {
                samples.select(&rows.iter().map(|&row| row as i64).collect::<Vec<i64>>())
            };
            let weights_of = |rows: &[usize]| {
                weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect::<Vec<f64>>())
            };
            let x = pick(&split.train)?;
            let x = x.samples(OPERATION)?;
            let codes: Vec<usize> = split.train.iter().map(|&row| codes[row]).collect();
            let labelled =
                self.regression.labelled(OPERATION, all.classes.clone(), &codes, weights_of(&split.train))?;
            let held_out = match score {
                Some(_) => None,
                None => {
                    let labels = split.test.iter().map(|&row| all.classes[all.codes[row] as usize]);
                    let labels = Target::Classes(labels.collect::<Vec<i64>>().into());
                    Some((pick(&split.test)?, labels, weights_of(&split.test).map(Tensor::from)))
                }
            };
            for path in &regressions {
                let mut start = None;
                for regression in path {
                    let (model, end) = regression.minimized(OPERATION, &x, &labelled, start, None)?;
                    n_iter.push(model.n_iter() as i64);
                    if !model.converged() {
                        unconverged.push(model.n_iter());
                    }
                    paths.extend_from_slice(&end);
                    start = self.warm_start.then_some(end);
                    scores.push(match (&mut score, &held_out) {
                        (Some(score), _) => score(place, model)?,
                        (None, Some((x, y, weights))) => self.scorer.score(&model, x, y, weights.as_ref())?,
                        (None, None) => f64::NAN,
                    });
                }
            }
        }
        let tried = Tried { scores: &scores, paths: &paths, folds: splits.len(), ratios, count, parameters };
        let (model, c, l1_ratio) = if self.refit {
            let (ratio, place) = tried.best();
            let start = self.warm_start.then(|| tried.mean(&|_| (ratio, place)));
            let (model, _) = regressions[ratio][place].minimized(OPERATION, samples, &all, start, None)?;
            if !model.converged() {
                unconverged.push(model.n_iter());
            }
            (model, self.cs[place], self.l1_ratios[ratio])
        } else {
            let best: Vec<(usize, usize)> = (0..splits.len()).map(|fold| tried.best_of(fold)).collect();
            let mean = tried.mean(&|fold| best[fold]);
            let (coef, intercept) = mean.split_at(outputs * d);
            let intercept = if intercept.is_empty() { vec![0.0; outputs] } else { intercept.to_vec() };
            let model = self.regression.model(&all.classes, coef, &intercept, 0)?;
            let mean = |value: &dyn Fn(&(usize, usize)) -> f64| {
                best.iter().map(value).sum::<f64>() / best.len() as f64
            };
            (model, mean(&|&(_, place)| self.cs[place]), mean(&|&(ratio, _)| self.l1_ratios[ratio]))
        };
        let shape = [splits.len(), ratios, count];
        Ok(FittedLogisticRegressionCv {
            model,
            c,
            l1_ratio,
            coefs_paths: rows_of(paths, outputs, d, shape)?,
            scores: Tensor::from_vec(scores, shape)?,
            n_iter: Tensor::from_vec(n_iter, shape)?,
            unconverged,
        })
    }

    fn one(&self, c: f64, l1_ratio: f64) -> LogisticRegression {
        self.regression.clone().c(c).l1_ratio(l1_ratio)
    }
}

/// What [`LogisticRegressionCv::fit_scored`] asks for.
pub type ScoreOfHeldOut<'a, T> = &'a mut dyn FnMut(usize, FittedLogisticRegression<T>) -> Result<f64>;

const OPERATION: &str = "LogisticRegressionCv::fit";

/// Parameters as solvers have them, all coefficients before all intercepts, as rows that end with their intercept.
fn rows_of(
    paths: Vec<f64>,
    outputs: usize,
    d: usize,
    [folds, ratios, count]: [usize; 3],
) -> Result<Tensor<f64>> {
    let parameters = paths.len() / (folds * ratios * count);
    let width = parameters / outputs;
    let mut out = Vec::with_capacity(paths.len());
    for x in paths.chunks_exact(parameters) {
        let (coef, intercept) = x.split_at(outputs * d);
        for (output, coef) in coef.chunks_exact(d).enumerate() {
            out.extend_from_slice(coef);
            out.extend(intercept.get(output));
        }
    }
    Tensor::from_vec(out, [folds, ratios, count, outputs, width])
}

/// Scores and parameters, `(folds, ratios, Cs)`.
struct Tried<'a> {
    scores: &'a [f64],
    paths: &'a [f64],
    folds: usize,
    ratios: usize,
    count: usize,
    parameters: usize,
}

impl Tried<'_> {
    fn place(&self, fold: usize, ratio: usize, c: usize) -> usize {
        (fold * self.ratios + ratio) * self.count + c
    }

    /// The ratio and the `C` of the largest value, the first of equal ones; `C` by `C`.
    fn largest(&self, value: impl Fn(usize, usize) -> f64) -> (usize, usize) {
        let mut best = (f64::NEG_INFINITY, (0, 0));
        for c in 0..self.count {
            for ratio in 0..self.ratios {
                let value = value(ratio, c);
                if value > best.0 {
                    best = (value, (ratio, c));
                }
            }
        }
        best.1
    }

    fn best(&self) -> (usize, usize) {
        self.largest(|ratio, c| (0..self.folds).map(|fold| self.scores[self.place(fold, ratio, c)]).sum())
    }

    fn best_of(&self, fold: usize) -> (usize, usize) {
        self.largest(|ratio, c| self.scores[self.place(fold, ratio, c)])
    }

    /// The mean of one model's parameters of each fold.
    fn mean(&self, of: &dyn Fn(usize) -> (usize, usize)) -> Vec<f64> {
        let mut sum = vec![0.0; self.parameters];
        for fold in 0..self.folds {
            let (ratio, c) = of(fold);
            let first = self.place(fold, ratio, c) * self.parameters;
            let x = &self.paths[first..first + self.parameters];
            sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x / self.folds as f64);
        }
        sum
    }
}

selects!(LogisticRegressionCv, FittedLogisticRegressionCv, classes: i64);

/// What [`LogisticRegressionCv`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLogisticRegressionCv<T: Float> {
    model: FittedLogisticRegression<T>,
    c: f64,
    l1_ratio: f64,
    scores: Tensor<f64>,
    coefs_paths: Tensor<f64>,
    n_iter: Tensor<i64>,
    unconverged: Vec<usize>,
}

impl<T: Float> FittedLogisticRegressionCv<T> {
    /// The regression with the parameters that were found.
    pub fn model(&self) -> &FittedLogisticRegression<T> {
        &self.model
    }

    /// The same, without the rest.
    pub fn into_model(self) -> FittedLogisticRegression<T> {
        self.model
    }

    /// The `C` that was found.
    pub fn c(&self) -> f64 {
        self.c
    }

    /// The ratio that was found.
    pub fn l1_ratio(&self) -> f64 {
        self.l1_ratio
    }

    /// The scores of held-out samples, `(folds, ratios, Cs)`.
    pub fn scores(&self) -> &Tensor<f64> {
        &self.scores
    }

    /// Coefficients, each row with its intercept at its end if there is one: `(folds, ratios, Cs, outputs, D + 1)`.
    pub fn coefs_paths(&self) -> &Tensor<f64> {
        &self.coefs_paths
    }

    /// Iterations it took, `(folds, ratios, Cs)`.
    pub fn n_iter(&self) -> &Tensor<i64> {
        &self.n_iter
    }

    /// After how many iterations fits stopped that did not meet their tolerance, one number each.
    pub fn unconverged(&self) -> &[usize] {
        &self.unconverged
    }
}
