//! Precision, recall and F-scores, of each class and averaged.

use barehand_tensor::{Error, Result, Tensor};

use crate::targets::{Places, Targets, check_labels};

/// How the scores of several classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Average {
    /// No averaging: the scores of the positive class, of two.
    Binary {
        /// The label that counts as positive (scikit-learn's default: 1).
        pos_label: i64,
    },
    /// From the sums of all classes' true and false positives and negatives.
    Micro,
    /// The mean of the classes' scores.
    Macro,
    /// The mean of the classes' scores, weighted by their support.
    Weighted,
}

/// The score where its denominator is 0: precision of a class never predicted, recall of a class that does not occur, F of
/// a class that is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ZeroDivision {
    /// 0
    #[default]
    Zero,
    /// 1
    One,
    /// NaN, which averages pass over.
    Nan,
}

impl ZeroDivision {
    fn divide(self, numerator: f64, denominator: f64) -> f64 {
        if denominator != 0.0 {
            return numerator / denominator;
        }
        match self {
            ZeroDivision::Zero => 0.0,
            ZeroDivision::One => 1.0,
            ZeroDivision::Nan => f64::NAN,
        }
    }
}

/// Averaged scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Of what was predicted to be in a class, how much is.
    pub precision: f64,
    /// Of what is in a class, how much was found.
    pub recall: f64,
    /// The weighted harmonic mean of both.
    pub f_beta: f64,
    /// Of what is or was predicted to be in a class, how much is both.
    pub jaccard: f64,
}

/// The scores of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// The class.
    pub label: i64,
    /// `tp / (tp + fp)`
    pub precision: f64,
    /// `tp / (tp + fn)`
    pub recall: f64,
    /// `(1 + beta^2) tp / ((1 + beta^2) tp + beta^2 fn + fp)`
    pub f_beta: f64,
    /// `tp / (tp + fp + fn)`
    pub jaccard: f64,
    /// The weight of the samples truly in this class (their number, without weights).
    pub support: f64,
    /// The weight of the samples predicted to be in this class.
    pub predicted: f64,
    /// The weight of the samples in this class that were predicted to be: true positives.
    pub hits: f64,
}

/// Options of precision, recall and F-scores, with scikit-learn's names and defaults.
///
/// ```text
/// precision = tp / (tp + fp)
/// recall    = tp / (tp + fn)
/// F_beta    = (1 + beta^2) tp / ((1 + beta^2) tp + beta^2 fn + fp)
/// ```
///
/// `beta` 0 makes F the precision, infinity the recall. Source: scikit-learn's `precision_recall_fscore_support`.
///
/// ```
/// use barehand_metrics::{Average, PrecisionRecall};
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 1, 2, 0, 1, 2], [6])?;
/// let y_pred = Tensor::from_vec(vec![0i64, 2, 1, 0, 0, 1], [6])?;
/// let scores = PrecisionRecall::new().average(&y_true, &y_pred, Average::Macro)?;
/// assert!((scores.precision - 2.0 / 9.0).abs() < 1e-15);
/// assert_eq!(PrecisionRecall::new().per_class(&y_true, &y_pred)?[0].recall, 1.0);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PrecisionRecall<'a> {
    pub(crate) beta: f64,
    pub(crate) labels: Option<&'a [i64]>,
    pub(crate) sample_weight: Option<&'a Tensor<f64>>,
    pub(crate) zero_division: ZeroDivision,
}

impl Default for PrecisionRecall<'_> {
    fn default() -> Self {
        PrecisionRecall { beta: 1.0, labels: None, sample_weight: None, zero_division: ZeroDivision::Zero }
    }
}

impl<'a> PrecisionRecall<'a> {
    /// F1, all labels that occur, every sample of weight 1, 0 for a division by 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many times as important recall is as precision, from 0 to infinity (default: 1).
    #[must_use]
    pub fn beta(mut self, beta: f64) -> Self {
        self.beta = beta;
        self
    }

    /// The classes to score, in this order (default: all that occur, ascending). [`Average::Binary`] has its own.
    #[must_use]
    pub fn labels(mut self, labels: &'a [i64]) -> Self {
        self.labels = Some(labels);
        self
    }

    /// A weight for each sample, `(N)`.
    #[must_use]
    pub fn sample_weight(mut self, weights: &'a Tensor<f64>) -> Self {
        self.sample_weight = Some(weights);
        self
    }

    /// The score where nothing can be divided (default: 0).
    #[must_use]
    pub fn zero_division(mut self, score: ZeroDivision) -> Self {
        self.zero_division = score;
        self
    }

    /// The scores of every class.
    ///
    /// # Errors
    /// The shapes are not all `(N)` with `N > 0`; weights are negative, not finite, or all 0; `labels` is empty or names
    /// a class twice; `beta` is negative or NaN.
    pub fn per_class(&self, y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<Vec<ClassScores>> {
        let targets = self.targets(y_true, y_pred)?;
        let labels = self.labels.map_or_else(|| targets.labels(), <[i64]>::to_vec);
        let counts = Counts::of_classes(&targets, &labels);
        Ok(labels.iter().zip(&counts).map(|(&label, counts)| self.class_scores(label, counts)).collect())
    }

    /// The scores of all classes as one.
    ///
    /// # Errors
    /// As [`PrecisionRecall::per_class`]; also, for [`Average::Binary`], where there are more than two classes or the
    /// positive label is neither of two.
    pub fn average(&self, y_true: &Tensor<i64>, y_pred: &Tensor<i64>, average: Average) -> Result<Scores> {
        let targets = self.targets(y_true, y_pred)?;
        let present = targets.labels();
        let labels = match (average, self.labels) {
            (Average::Binary { pos_label }, _) => {
                if present.len() > 2 || (present.len() == 2 && !present.contains(&pos_label)) {
                    let text = format!(
                        "Average::Binary needs two classes, {pos_label} one of them, found {present:?}"
                    );
                    return Err(Error::value("precision_recall", text));
                }
                vec![pos_label]
            }
            (_, Some(labels)) => labels.to_vec(),
            (_, None) => present,
        };
        let mut counts = Counts::of_classes(&targets, &labels);
        if average == Average::Micro {
            counts = vec![counts.iter().fold(Counts::default(), |sum, class| Counts {
                hits: sum.hits + class.hits,
                predicted: sum.predicted + class.predicted,
                support: sum.support + class.support,
            })];
        }
        let classes: Vec<ClassScores> = counts.iter().map(|counts| self.class_scores(0, counts)).collect();
        let support =
            (average == Average::Weighted).then(|| classes.iter().map(|c| c.support).collect::<Vec<_>>());
        Ok(mean_of_classes(&classes, support.as_deref()))
    }

    /// The mean of the classes' scores with weights of your own, one for each class in their order: those of samples, where
    /// classes stand for samples that have several labels.
    ///
    /// # Errors
    /// As [`PrecisionRecall::per_class`]; also where there is not one weight for each class.
    pub fn weighted_by(&self, y_true: &Tensor<i64>, y_pred: &Tensor<i64>, weights: &[f64]) -> Result<Scores> {
        let classes = self.per_class(y_true, y_pred)?;
        if classes.len() != weights.len() {
            let text = format!("{} weights for {} classes", weights.len(), classes.len());
            return Err(Error::shape("precision_recall", text));
        }
        Ok(mean_of_classes(&classes, Some(weights)))
    }

    fn targets(&self, y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<Targets> {
        if self.beta.is_nan() || self.beta < 0.0 {
            return Err(Error::value("precision_recall", format!("beta is at least 0, not {}", self.beta)));
        }
        if let Some(labels) = self.labels {
            check_labels("precision_recall", labels)?;
        }
        Targets::new("precision_recall", y_true, y_pred, self.sample_weight)
    }

    fn class_scores(&self, label: i64, counts: &Counts) -> ClassScores {
        let &Counts { hits, predicted, support } = counts;
        let precision = self.zero_division.divide(hits, predicted);
        let recall = self.zero_division.divide(hits, support);
        let beta2 = self.beta * self.beta;
        let f_beta = if beta2 == 0.0 {
            precision
        } else if beta2.is_infinite() {
            recall
        } else {
            self.zero_division.divide((1.0 + beta2) * hits, beta2 * support + predicted)
        };
        let jaccard = self.zero_division.divide(hits, support + predicted - hits);
        ClassScores { label, precision, recall, f_beta, jaccard, support, predicted, hits }
    }
}

/// The means of the scores that are defined; plain ones where the weights sum to 0.
fn mean_of_classes(classes: &[ClassScores], weights: Option<&[f64]>) -> Scores {
    let mean = |score: fn(&ClassScores) -> f64| {
        let scores = || classes.iter().map(score).enumerate().filter(|(_, score)| !score.is_nan());
        let weight = |i: usize| weights.map_or(1.0, |weights| weights[i]);
        let whole: f64 = scores().map(|(i, _)| weight(i)).sum();
        if whole > 0.0 {
            scores().map(|(i, score)| score * weight(i)).sum::<f64>() / whole
        } else {
            // 0/0, hence NaN, where no class has a score.
            scores().map(|(_, score)| score).sum::<f64>() / scores().count() as f64
        }
    };
    Scores {
        precision: mean(|c| c.precision),
        recall: mean(|c| c.recall),
        f_beta: mean(|c| c.f_beta),
        jaccard: mean(|c| c.jaccard),
    }
}

/// Weights of one class: what the scores are made of.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// True positives.
    hits: f64,
    /// True and false positives.
    predicted: f64,
    /// True positives and false negatives.
    support: f64,
}

impl Counts {
    fn of_classes(targets: &Targets, labels: &[i64]) -> Vec<Counts> {
        let places = Places::new(labels);
        let mut counts = vec![Counts::default(); labels.len()];
        for (t, p, weight) in targets.iter() {
            if let Some(class) = places.find(p) {
                counts[class].predicted += weight;
            }
            if let Some(class) = places.find(t) {
                counts[class].support += weight;
                counts[class].hits += if t == p { weight } else { 0.0 };
            }
        }
        counts
    }
}

/// Precision, `tp / (tp + fp)`, averaged; 0 where nothing was predicted. [`PrecisionRecall`] has the options.
pub fn precision(y_true: &Tensor<i64>, y_pred: &Tensor<i64>, average: Average) -> Result<f64> {
    Ok(PrecisionRecall::new().average(y_true, y_pred, average)?.precision)
}

/// Recall, `tp / (tp + fn)`, averaged; 0 where there is nothing to find. [`PrecisionRecall`] has the options.
pub fn recall(y_true: &Tensor<i64>, y_pred: &Tensor<i64>, average: Average) -> Result<f64> {
    Ok(PrecisionRecall::new().average(y_true, y_pred, average)?.recall)
}

/// F1, the harmonic mean of precision and recall, `2 tp / (2 tp + fn + fp)`, averaged. [`PrecisionRecall`] has the
/// options.
pub fn f1(y_true: &Tensor<i64>, y_pred: &Tensor<i64>, average: Average) -> Result<f64> {
    Ok(PrecisionRecall::new().average(y_true, y_pred, average)?.f_beta)
}

/// The Jaccard index, `tp / (tp + fp + fn)`, averaged: the share of what is or was predicted to be in a class that is both.
/// [`PrecisionRecall`] has the options. Source: scikit-learn's `jaccard_score`.
pub fn jaccard(y_true: &Tensor<i64>, y_pred: &Tensor<i64>, average: Average) -> Result<f64> {
    Ok(PrecisionRecall::new().average(y_true, y_pred, average)?.jaccard)
}

/// F-beta, in which recall is `beta` times as important as precision, averaged. [`PrecisionRecall`] has the options.
pub fn f_beta(y_true: &Tensor<i64>, y_pred: &Tensor<i64>, beta: f64, average: Average) -> Result<f64> {
    Ok(PrecisionRecall::new().beta(beta).average(y_true, y_pred, average)?.f_beta)
}
