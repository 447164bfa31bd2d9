//! The confusion matrix and the scores of each class that follow from it.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Counts of true class (row) against predicted class (column): `counts[t][p]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ConfusionMatrix {
    classes: Vec<String>,
    counts: Vec<Vec<u64>>,
}

#[derive(Deserialize)]
struct Unchecked {
    classes: Vec<String>,
    counts: Vec<Vec<u64>>,
}

impl TryFrom<Unchecked> for ConfusionMatrix {
    type Error = Error;

    fn try_from(matrix: Unchecked) -> Result<Self, Error> {
        ConfusionMatrix::new(matrix.classes, matrix.counts)
    }
}

/// Precision, recall and F1 of one class.
///
/// A value is `None` where its denominator is zero: precision of a class never predicted, recall of a class that
/// does not occur. Source: scikit-learn `precision_recall_fscore_support`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// TP / (TP + FP).
    pub precision: Option<f64>,
    /// TP / (TP + FN).
    pub recall: Option<f64>,
    /// 2 TP / (2 TP + FP + FN).
    pub f1: Option<f64>,
    /// Samples of the class.
    pub support: u64,
    /// Samples taken for the class.
    pub predicted: u64,
}

/// A mean over classes; an undefined value counts as zero, as in scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassAverages {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F1.
    pub f1: f64,
}

impl ConfusionMatrix {
    /// A matrix of `classes.len()` rows and as many columns.
    ///
    /// # Errors
    /// There is no class, a row or column is missing or too many, or the counts add up to 2^63 or more.
    pub fn new(classes: Vec<String>, counts: Vec<Vec<u64>>) -> Result<Self, Error> {
        let n = classes.len();
        if n == 0 {
            return Err(Error::Confusion("expected at least one class, got none".into()));
        }
        if counts.len() != n {
            return Err(Error::Confusion(format!("{n} classes need {n} rows, got {}", counts.len())));
        }
        if let Some((row, width)) = counts.iter().map(Vec::len).enumerate().find(|&(_, width)| width != n) {
            return Err(Error::Confusion(format!("{n} classes need {n} columns, row {row} has {width}")));
        }
        // Every sum and double sum below then fits.
        let total = counts.iter().flatten().try_fold(0u64, |total, &count| total.checked_add(count));
        if total.is_none_or(|total| total > u64::MAX / 2) {
            return Err(Error::Confusion("the counts add up to 2^63 or more".into()));
        }
        Ok(ConfusionMatrix { classes, counts })
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// `counts[true class][predicted class]`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Samples counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Samples on the diagonal.
    pub fn correct(&self) -> u64 {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    /// The scores of every class.
    pub fn class_scores(&self) -> Vec<ClassScores> {
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        (0..self.classes.len())
            .map(|class| {
                let hits = self.counts[class][class];
                let support = self.counts[class].iter().sum();
                let predicted = self.counts.iter().map(|row| row[class]).sum();
                ClassScores {
                    precision: ratio(hits, predicted),
                    recall: ratio(hits, support),
                    f1: ratio(2 * hits, support + predicted),
                    support,
                    predicted,
                }
            })
            .collect()
    }

    /// The plain mean over classes.
    pub fn macro_average(&self) -> ClassAverages {
        self.average(|_| 1.0)
    }

    /// The mean over classes, each weighted by its support.
    pub fn weighted_average(&self) -> ClassAverages {
        self.average(|scores| scores.support as f64)
    }

    fn average(&self, weight: impl Fn(&ClassScores) -> f64) -> ClassAverages {
        let scores = self.class_scores();
        let total: f64 = scores.iter().map(&weight).sum();
        let mean = |value: fn(&ClassScores) -> Option<f64>| {
            let sum: f64 = scores.iter().map(|s| weight(s) * value(s).unwrap_or(0.0)).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        };
        ClassAverages { precision: mean(|s| s.precision), recall: mean(|s| s.recall), f1: mean(|s| s.f1) }
    }

    /// The pairs most often confused: `(true class, predicted class, count)`, most frequent first.
    pub fn top_confusions(&self, limit: usize) -> Vec<(usize, usize, u64)> {
        let mut pairs: Vec<_> = self
            .counts
            .iter()
            .enumerate()
            .flat_map(|(t, row)| row.iter().enumerate().map(move |(p, &count)| (t, p, count)))
            .filter(|&(t, p, count)| t != p && count > 0)
            .collect();
        pairs.sort_by_key(|&(t, p, count)| (std::cmp::Reverse(count), t, p));
        pairs.truncate(limit);
        pairs
    }
}
