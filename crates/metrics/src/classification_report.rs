//! The classification report: every class's scores in one table.

use std::fmt;

use barehand_tensor::{Error, Result, Tensor};

use crate::precision_recall::{Average, PrecisionRecall, ZeroDivision};

/// Precision, recall, F1 and support of every class and their averages, as numbers and, through [`Display`](fmt::Display), as
/// scikit-learn's text.
///
/// ```
/// use barehand_metrics::ClassificationReport;
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 1, 2, 2, 2], [5])?;
/// let y_pred = Tensor::from_vec(vec![0i64, 0, 2, 2, 1], [5])?;
/// let report = ClassificationReport::options().names(&["cat", "dog", "owl"]).build(&y_true, &y_pred)?;
/// assert_eq!(report.accuracy, Some(0.6));
/// assert_eq!(
///     report.to_string(),
///     "              precision    recall  f1-score   support
///
///          cat       0.50      1.00      0.67         1
///          dog       0.00      0.00      0.00         1
///          owl       1.00      0.67      0.80         3
///
///     accuracy                           0.60         5
///    macro avg       0.50      0.56      0.49         5
/// weighted avg       0.70      0.60      0.61         5
/// "
/// );
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassificationReport {
    /// One row for each class.
    pub classes: Vec<ReportRow>,
    /// The share of right predictions, where the report covers all labels that occur; otherwise `micro_avg` says how the
    /// labels it covers did.
    pub accuracy: Option<f64>,
    /// Scores from the sums over all classes.
    pub micro_avg: ReportRow,
    /// The mean of the classes' scores.
    pub macro_avg: ReportRow,
    /// The mean of the classes' scores, weighted by support.
    pub weighted_avg: ReportRow,
    /// The mean over samples with several labels, where it was given.
    pub samples_avg: Option<ReportRow>,
    digits: usize,
    whole: bool,
}

/// A row of a [`ClassificationReport`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReportRow {
    /// The class, or the kind of average.
    pub name: String,
    /// Of what was predicted, how much is right.
    pub precision: f64,
    /// Of what there is, how much was found.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// The weight (without weights: the number) of the samples truly in the class; in averages, of all classes covered.
    pub support: f64,
}

/// Options of a [`ClassificationReport`], with scikit-learn's defaults.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions<'a> {
    labels: Option<&'a [i64]>,
    names: Option<&'a [&'a str]>,
    sample_weight: Option<&'a Tensor<f64>>,
    digits: usize,
    zero_division: ZeroDivision,
    samples_avg: Option<[f64; 3]>,
}

impl ClassificationReport {
    /// A report on labels `(N)` and predictions `(N)` with the default options.
    ///
    /// # Errors
    /// The shapes are not both `(N)` with `N > 0`.
    pub fn new(y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<Self> {
        Self::options().build(y_true, y_pred)
    }

    /// All labels that occur, named by their numbers; two digits; 0 for a division by 0.
    pub fn options<'a>() -> ReportOptions<'a> {
        ReportOptions {
            labels: None,
            names: None,
            sample_weight: None,
            digits: 2,
            zero_division: ZeroDivision::Zero,
            samples_avg: None,
        }
    }
}

impl<'a> ReportOptions<'a> {
    /// The classes to report, in this order (default: all that occur, ascending).
    #[must_use]
    pub fn labels(mut self, labels: &'a [i64]) -> Self {
        self.labels = Some(labels);
        self
    }

    /// The name of each reported class (default: its label).
    #[must_use]
    pub fn names(mut self, names: &'a [&'a str]) -> Self {
        self.names = Some(names);
        self
    }

    /// A weight for each sample, `(N)`.
    #[must_use]
    pub fn sample_weight(mut self, weights: &'a Tensor<f64>) -> Self {
        self.sample_weight = Some(weights);
        self
    }

    /// Digits after the point in the text (default: 2).
    #[must_use]
    pub fn digits(mut self, digits: usize) -> Self {
        self.digits = digits;
        self
    }

    /// The score where nothing can be divided (default: 0).
    #[must_use]
    pub fn zero_division(mut self, score: ZeroDivision) -> Self {
        self.zero_division = score;
        self
    }

    /// Precision, recall and F1 averaged over samples that have several labels each, which pairs of labels do not show.
    #[must_use]
    pub fn samples_avg(mut self, precision: f64, recall: f64, f1: f64) -> Self {
        self.samples_avg = Some([precision, recall, f1]);
        self
    }

    /// The report on labels `(N)` and predictions `(N)`.
    ///
    /// # Errors
    /// The shapes are not all `(N)` with `N > 0`; weights are negative, not finite, or all 0; `labels` is empty or names
    /// a class twice; there is another number of names than of classes.
    pub fn build(&self, y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<ClassificationReport> {
        let scores = PrecisionRecall {
            labels: self.labels,
            sample_weight: self.sample_weight,
            zero_division: self.zero_division,
            ..PrecisionRecall::new()
        };
        let classes = scores.per_class(y_true, y_pred)?;
        if let Some(names) = self.names.filter(|names| names.len() != classes.len()) {
            let text =
                format!("{} names for {} classes; set the labels they belong to", names.len(), classes.len());
            return Err(Error::value("classification_report", text));
        }
        let support = classes.iter().map(|class| class.support).sum();
        let average = |name: &str, average| -> Result<ReportRow> {
            let mean = scores.average(y_true, y_pred, average)?;
            let (precision, recall, f1) = (mean.precision, mean.recall, mean.f_beta);
            Ok(ReportRow { name: name.into(), precision, recall, f1, support })
        };
        let micro_avg = average("micro avg", Average::Micro)?;
        let covered = self.labels.is_none_or(|labels| {
            y_true.to_vec().iter().chain(&y_pred.to_vec()).all(|label| labels.contains(label))
        });
        let row = |(i, class): (usize, &crate::ClassScores)| ReportRow {
            name: self.names.map_or_else(|| class.label.to_string(), |names| names[i].to_owned()),
            precision: class.precision,
            recall: class.recall,
            f1: class.f_beta,
            support: class.support,
        };
        Ok(ClassificationReport {
            classes: classes.iter().enumerate().map(row).collect(),
            // Several labels at once have no accuracy that their entries would show.
            accuracy: (covered && self.samples_avg.is_none()).then_some(micro_avg.f1),
            micro_avg,
            macro_avg: average("macro avg", Average::Macro)?,
            weighted_avg: average("weighted avg", Average::Weighted)?,
            samples_avg: self.samples_avg.map(|[precision, recall, f1]| ReportRow {
                name: "samples avg".into(),
                precision,
                recall,
                f1,
                support,
            }),
            digits: self.digits,
            whole: self.sample_weight.is_none(),
        })
    }
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.classes.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let width = longest.max("weighted avg".len()).max(self.digits);
        let number =
            |score: f64| if score.is_nan() { "nan".to_owned() } else { format!("{score:.*}", self.digits) };
        // Sums of weights get the scores' digits; scikit-learn prints all seventeen.
        let support = |weight: f64| format!("{weight:.*}", if self.whole { 0 } else { self.digits });
        let line = |f: &mut fmt::Formatter<'_>, name: &str, [p, r, f1, s]: [String; 4]| {
            writeln!(f, "{name:>width$}  {p:>9} {r:>9} {f1:>9} {s:>9}")
        };
        let row = |f: &mut fmt::Formatter<'_>, row: &ReportRow| {
            let cells = [number(row.precision), number(row.recall), number(row.f1), support(row.support)];
            line(f, &row.name, cells)
        };

        line(f, "", ["precision", "recall", "f1-score", "support"].map(String::from))?;
        writeln!(f)?;
        for class in &self.classes {
            row(f, class)?;
        }
        writeln!(f)?;
        match self.accuracy {
            Some(accuracy) => {
                let cells = [String::new(), String::new(), number(accuracy), support(self.micro_avg.support)];
                line(f, "accuracy", cells)?;
            }
            None => row(f, &self.micro_avg)?,
        }
        row(f, &self.macro_avg)?;
        row(f, &self.weighted_avg)?;
        self.samples_avg.iter().try_for_each(|average| row(f, average))
    }
}
