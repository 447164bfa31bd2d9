//! The area under the ROC curve: how likely a positive sample scores higher than a negative one.

use std::cell::Cell;

use barehand_kernels::ranking::pairs;
use barehand_tensor::{Error, Float, Result, Tensor};

use crate::auc::auc;
use crate::binary_scores::{finite, reals, slice_of};
use crate::column_average::{ColumnAverage, Columns, mean};
use crate::roc_curve::RocCurve;
use crate::targets::{Places, checked_weights, sorted_unique};
use crate::threshold_counts::ThresholdCounts;

const OPERATION: &str = "roc_auc";

/// The area under the ROC curve of two labels `(N)` and scores `(N)`; the larger label is positive.
///
/// ```text
/// AUC = sum over pairs (positive p, negative n) of [s_p > s_n] + [s_p = s_n] / 2, divided by the number of pairs
/// ```
///
/// Pairs are counted in whole numbers, from sorted scores: O(n log n), and exact. [`RocAuc`] has weights, several classes,
/// several labels, and the area of a part. Source: scikit-learn's `roc_auc_score`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let y_score = Tensor::from_vec(vec![0.1, 0.4, 0.35, 0.8f64], [4])?;
/// assert_eq!(barehand_metrics::roc_auc(&y_true, &y_score)?, 0.75);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`RocAuc::score`]. Where all labels are the same there is no area: that is an error, not 0.
pub fn roc_auc<T: Float>(y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<f64> {
    RocAuc::new().score(y_true, y_score)
}

/// What several classes are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MultiClass {
    /// Each class with all others together.
    OneVsRest,
    /// Each class with each other, among the samples of both (Hand and Till 2001).
    OneVsOne,
}

/// What an area is where all samples are of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Undefined {
    /// An error.
    #[default]
    Error,
    /// NaN, as in scikit-learn.
    Nan,
}

/// [`roc_auc`] with options.
#[derive(Clone, Copy, Debug)]
pub struct RocAuc<'a> {
    average: ColumnAverage,
    multi_class: Option<MultiClass>,
    max_fpr: Option<f64>,
    labels: Option<&'a [i64]>,
    sample_weight: Option<&'a Tensor<f64>>,
    undefined: Undefined,
}

impl Default for RocAuc<'_> {
    fn default() -> Self {
        RocAuc {
            average: ColumnAverage::Macro,
            multi_class: None,
            max_fpr: None,
            labels: None,
            sample_weight: None,
            undefined: Undefined::Error,
        }
    }
}

impl<'a> RocAuc<'a> {
    /// The whole area, the mean over columns where there are several, every sample of weight 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the areas of several columns become one (default: their mean).
    #[must_use]
    pub fn average(mut self, average: ColumnAverage) -> Self {
        self.average = average;
        self
    }

    /// What each of several classes is compared with; must be chosen where there are more than two.
    #[must_use]
    pub fn multi_class(mut self, multi_class: MultiClass) -> Self {
        self.multi_class = Some(multi_class);
        self
    }

    /// Only the area up to this false positive rate, in `(0, 1]`, rescaled so that guessing is 1/2 and perfection 1
    /// (McClish 1989). For two classes or several labels.
    #[must_use]
    pub fn max_fpr(mut self, max_fpr: f64) -> Self {
        self.max_fpr = Some(max_fpr);
        self
    }

    /// The class of each column, ascending; needed where `y_true` does not hold all of them.
    #[must_use]
    pub fn labels(mut self, labels: &'a [i64]) -> Self {
        self.labels = Some(labels);
        self
    }

    /// A weight for each sample, `(N)`. Not for one class against one.
    #[must_use]
    pub fn sample_weight(mut self, weights: &'a Tensor<f64>) -> Self {
        self.sample_weight = Some(weights);
        self
    }

    /// What an area is where all samples are of one kind (default: an error).
    #[must_use]
    pub fn undefined(mut self, undefined: Undefined) -> Self {
        self.undefined = undefined;
        self
    }

    /// The area of labels `(N)` and scores: `(N)` of the larger of two labels, or probabilities `(N, C)` of several classes,
    /// whose rows sum to 1.
    ///
    /// # Errors
    /// The shapes differ from these, a score is not finite, weights are negative, not finite or all 0, `max_fpr` is outside
    /// `(0, 1]`, all samples are of one kind, or a choice does not go with the number of classes.
    pub fn score<T: Float>(&self, y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<f64> {
        let (n, shape) = (y_true.len(), y_score.shape());
        if y_true.rank() != 1 || n == 0 || shape.first() != Some(&n) || shape.len() > 2 {
            let text = format!(
                "expected labels (N) and scores (N) or (N, C), found {:?} and {shape:?}",
                y_true.shape()
            );
            return Err(Error::shape(OPERATION, text));
        }
        self.check()?;
        let scores = reals(y_score);
        finite(OPERATION, "scores", slice_of(&scores))?;
        let labels = y_true.contiguous();
        let labels = labels.as_slice().unwrap_or_default();
        let columns = shape.get(1).copied().unwrap_or(1);
        if columns <= 1 {
            let present = sorted_unique(labels.iter().copied());
            if let [_, _, _, ..] = present[..] {
                return fail(format!("scores (N, C) are needed for the {} classes of y_true", present.len()));
            }
            let weights = checked_weights(OPERATION, self.sample_weight, n)?;
            // Of a single label nobody knows the kind; either way there is no area.
            let positive: Vec<bool> = labels.iter().map(|label| present.get(1) == Some(label)).collect();
            return self.defined(self.area(slice_of(&scores), &positive, weights.as_deref()));
        }
        let Some(multi_class) = self.multi_class else {
            return fail(format!("choose a MultiClass for scores of {columns} classes"));
        };
        let codes = self.codes(labels, slice_of(&scores), columns)?;
        match multi_class {
            MultiClass::OneVsRest => {
                let truth = one_hot(&codes, columns);
                self.over_columns(&truth, slice_of(&scores), columns)
            }
            MultiClass::OneVsOne => {
                if self.sample_weight.is_some() {
                    return fail("one class against one takes no weights".into());
                }
                let weighted = match self.average {
                    ColumnAverage::Macro => false,
                    ColumnAverage::Weighted => true,
                    other => return fail(format!("one class against one has no {other:?} average")),
                };
                self.defined(self.one_vs_one(&codes, slice_of(&scores), columns, weighted))
            }
        }
    }

    /// The area of each of several classes against the rest, of labels `(N)` and probabilities `(N, C)`.
    ///
    /// # Errors
    /// As [`RocAuc::score`].
    pub fn per_class<T: Float>(&self, y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<Vec<f64>> {
        let &[n, columns] = y_score.shape() else {
            return Err(Error::shape(
                OPERATION,
                format!("expected scores (N, C), found {:?}", y_score.shape()),
            ));
        };
        if y_true.shape() != [n] {
            return Err(Error::shape(
                OPERATION,
                format!("{n} rows of scores for labels {:?}", y_true.shape()),
            ));
        }
        let scores = reals(y_score);
        finite(OPERATION, "scores", slice_of(&scores))?;
        let codes = self.codes(&y_true.to_vec(), slice_of(&scores), columns)?;
        self.each_column(&one_hot(&codes, columns), slice_of(&scores), columns)
    }

    /// The area of labels `(N, K)` that are set or not, and scores `(N, K)`.
    ///
    /// # Errors
    /// As [`RocAuc::score`], where a column is all set or all unset (or, for [`ColumnAverage::Samples`], a row).
    pub fn multilabel<T: Float>(&self, y_true: &Tensor<bool>, y_score: &Tensor<T>) -> Result<f64> {
        let (scores, columns) = self.multilabel_scores(y_true, y_score)?;
        self.over_columns(&y_true.to_vec(), slice_of(&scores), columns)
    }

    /// The area of each column of labels `(N, K)` that are set or not, and scores `(N, K)`.
    ///
    /// # Errors
    /// As [`RocAuc::multilabel`].
    pub fn per_column<T: Float>(&self, y_true: &Tensor<bool>, y_score: &Tensor<T>) -> Result<Vec<f64>> {
        let (scores, columns) = self.multilabel_scores(y_true, y_score)?;
        self.each_column(&y_true.to_vec(), slice_of(&scores), columns)
    }

    fn multilabel_scores<T: Float>(
        &self,
        y_true: &Tensor<bool>,
        y_score: &Tensor<T>,
    ) -> Result<(Tensor<f64>, usize)> {
        let (t, s) = (y_true.shape(), y_score.shape());
        if t.len() != 2 || t != s || y_true.is_empty() {
            let text = format!("expected labels and scores of one shape (N, K), found {t:?} and {s:?}");
            return Err(Error::shape(OPERATION, text));
        }
        self.check()?;
        let scores = reals(y_score);
        finite(OPERATION, "scores", slice_of(&scores))?;
        Ok((scores, t[1]))
    }

    fn check(&self) -> Result<()> {
        match self.max_fpr {
            Some(max_fpr) if !(max_fpr > 0.0 && max_fpr <= 1.0) => {
                fail(format!("max_fpr lies in (0, 1], not {max_fpr}"))
            }
            _ => Ok(()),
        }
    }

    /// The column of each label's class.
    fn codes(&self, labels: &[i64], scores: &[f64], columns: usize) -> Result<Vec<usize>> {
        if self.max_fpr.is_some_and(|max_fpr| max_fpr != 1.0) {
            return fail("max_fpr is for two classes or several labels".into());
        }
        let classes = self.labels.map_or_else(|| sorted_unique(labels.iter().copied()), <[i64]>::to_vec);
        if !classes.is_sorted_by(|a, b| a < b) {
            return fail(format!("labels {classes:?} must ascend"));
        }
        if classes.len() != columns {
            return fail(format!("{} classes for scores of {columns}", classes.len()));
        }
        for (row, scores) in scores.chunks_exact(columns).enumerate() {
            let sum: f64 = scores.iter().sum();
            // The tolerance of scikit-learn.
            if (sum - 1.0).abs() > 1e-8 + 1e-5 * sum.abs() {
                return fail(format!("probabilities of several classes sum to 1, row {row} to {sum}"));
            }
        }
        let places = Places::new(&classes);
        let code = |&label: &i64| {
            places.find(label).ok_or_else(|| {
                Error::value(
                    OPERATION,
                    format!("y_true has label {label}, which is not among labels {classes:?}"),
                )
            })
        };
        labels.iter().map(code).collect()
    }

    fn over_columns(&self, truth: &[bool], scores: &[f64], columns: usize) -> Result<f64> {
        let weights = checked_weights(OPERATION, self.sample_weight, truth.len() / columns)?;
        let undefined = Cell::new(false);
        let columns = Columns::new(truth, scores, columns, weights.as_deref());
        let average = columns.average(self.average, |scores, truth, weights| {
            let area = self.area(scores, truth, weights);
            undefined.set(undefined.get() || area.is_nan());
            area
        });
        self.defined(if undefined.get() && self.undefined == Undefined::Error { f64::NAN } else { average })
    }

    fn each_column(&self, truth: &[bool], scores: &[f64], columns: usize) -> Result<Vec<f64>> {
        let weights = checked_weights(OPERATION, self.sample_weight, truth.len() / columns)?;
        let columns = Columns::new(truth, scores, columns, weights.as_deref());
        let areas = columns.each(|scores, truth, weights| self.area(scores, truth, weights));
        areas.into_iter().map(|area| self.defined(area)).collect()
    }

    fn defined(&self, area: f64) -> Result<f64> {
        if area.is_nan() && self.undefined == Undefined::Error {
            return fail("all samples are of one kind: there is no area".into());
        }
        Ok(area)
    }

    /// The area of one column; NaN where all samples are of one kind.
    fn area(&self, scores: &[f64], positive: &[bool], weights: Option<&[f64]>) -> f64 {
        if let Some(max_fpr) = self.max_fpr.filter(|&max_fpr| max_fpr < 1.0) {
            return partial_area(&ThresholdCounts::of(scores, positive, weights), max_fpr);
        }
        if weights.is_some() {
            let counts = ThresholdCounts::of(scores, positive, weights);
            let (tp, fp) = (&counts.true_positives, &counts.false_positives);
            let (mut before, mut sum) = ((0.0, 0.0), 0.0);
            for (&tp, &fp) in tp.iter().zip(fp) {
                sum += (fp - before.1) * (tp + before.0) / 2.0;
                before = (tp, fp);
            }
            let pairs = counts.positives() * counts.negatives();
            return if pairs == 0.0 { f64::NAN } else { sum / pairs };
        }
        let pairs = pairs(scores, positive);
        let all = u128::from(pairs.positives) * u128::from(pairs.negatives);
        if all == 0 { f64::NAN } else { pairs.twice_the_wins as f64 / (2 * all) as f64 }
    }

    fn one_vs_one(&self, codes: &[usize], scores: &[f64], columns: usize, weighted: bool) -> f64 {
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); columns];
        codes.iter().enumerate().for_each(|(row, &code)| rows[code].push(row));
        let (mut areas, mut prevalence) = (Vec::new(), Vec::new());
        for a in (0..columns).filter(|&a| !rows[a].is_empty()) {
            for b in (a + 1..columns).filter(|&b| !rows[b].is_empty()) {
                let both = || rows[a].iter().chain(&rows[b]);
                let area = |class: usize| {
                    let scores: Vec<f64> = both().map(|row| scores[row * columns + class]).collect();
                    let positive: Vec<bool> = both().map(|&row| codes[row] == class).collect();
                    self.area(&scores, &positive, None)
                };
                areas.push(f64::midpoint(area(a), area(b)));
                prevalence.push(both().count() as f64);
            }
        }
        mean(&areas, weighted.then_some(prevalence.as_slice()))
    }
}

fn one_hot(codes: &[usize], columns: usize) -> Vec<bool> {
    let mut truth = vec![false; codes.len() * columns];
    codes.iter().enumerate().for_each(|(row, code)| truth[row * columns + code] = true);
    truth
}

/// The area up to a false positive rate, rescaled from what is possible there to `[1/2, 1]`.
fn partial_area(counts: &ThresholdCounts, max_fpr: f64) -> f64 {
    if counts.positives() == 0.0 || counts.negatives() == 0.0 {
        return f64::NAN;
    }
    let curve = RocCurve::of(counts.clone(), true);
    let (mut fpr, mut tpr) = (curve.false_positive_rate, curve.true_positive_rate);
    let stop = fpr.partition_point(|&rate| rate <= max_fpr);
    let share = (max_fpr - fpr[stop - 1]) / (fpr[stop] - fpr[stop - 1]);
    let last = tpr[stop - 1] + share * (tpr[stop] - tpr[stop - 1]);
    fpr.truncate(stop);
    tpr.truncate(stop);
    fpr.push(max_fpr);
    tpr.push(last);
    let area = auc(&fpr, &tpr).unwrap_or(f64::NAN);
    let least = max_fpr * max_fpr / 2.0;
    0.5 * (1.0 + (area - least) / (max_fpr - least))
}

fn fail<T>(text: String) -> Result<T> {
    Err(Error::value(OPERATION, text))
}
