//! Features that are there or not.

use std::any::Any;

use barehand_tensor::{Float, Result, Tensor};

use super::counts::{Counts, LinearScores, Smoothing, smoothing_parameters, table};
use super::{NaiveBayes, naive_bayes_estimator, naive_bayes_model};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;

/// Naive Bayes with a Bernoulli distribution for every class and feature; what is absent counts as well.
///
/// ```text
/// log P(x | c) = sum_j [ x_j log p_cj + (1 - x_j) log(1 - p_cj) ],  p_cj = (N_cj + alpha) / (N_c + 2 alpha)
/// ```
///
/// Takes sparse rows. Source: scikit-learn's `BernoulliNB`.
///
/// ```
/// use barehand_learn::naive_bayes::BernoulliNB;
/// use barehand_learn::{Fit, Predict};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0f64]]);
/// let model = BernoulliNB::new().fit(&x, &Tensor::from([0i64, 1]))?;
/// assert_eq!(model.predict(&Tensor::from([[0.0, 0.0, 1.0]]))?.to_vec(), [1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BernoulliNB {
    smoothing: Smoothing,
    binarize: Option<f64>,
}

impl Default for BernoulliNB {
    fn default() -> Self {
        BernoulliNB { smoothing: Smoothing::default(), binarize: Some(0.0) }
    }
}

const FIT: &str = "BernoulliNB::fit";
const PREDICT: &str = "BernoulliNB::predict";

smoothing_parameters!(BernoulliNB);

impl BernoulliNB {
    /// Above what a value says that the feature is there (default: 0); `None` where values are 0 and 1 already.
    pub fn binarize(mut self, threshold: impl Into<Option<f64>>) -> Self {
        self.binarize = threshold.into();
        self
    }

    /// A model of these classes that has seen nothing, to be told more by `partial_fit`.
    ///
    /// # Errors
    /// Parameters are out of their range.
    pub fn start<T: Float>(&self, classes: &[i64], columns: usize) -> Result<FittedBernoulliNB<T>> {
        let counts = Counts::none(FIT, &self.smoothing, classes, columns)?;
        FittedBernoulliNB::new(counts, self.binarize)
    }
}

naive_bayes_estimator!(BernoulliNB, FittedBernoulliNB);

/// What [`BernoulliNB`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedBernoulliNB<T: Float> {
    counts: Counts,
    binarize: Option<f64>,
    feature_log_prob: Vec<f64>,
    scores: LinearScores<T>,
}

impl<T: Float> FittedBernoulliNB<T> {
    fn new(counts: Counts, binarize: Option<f64>) -> Result<Self> {
        let alphas = counts.smoothing.alphas(FIT, counts.columns)?;
        let columns = counts.columns;
        let mut feature_log_prob = Vec::with_capacity(counts.feature_count.len());
        let (mut weights, mut constants) = (Vec::with_capacity(counts.feature_count.len()), Vec::new());
        let of_classes = counts.feature_count.chunks_exact(columns).zip(&counts.class_count);
        for ((of_class, class_count), prior) in of_classes.zip(counts.class_log_prior()) {
            let mut constant = prior;
            for (count, alpha) in of_class.iter().zip(&alphas) {
                let log = (count + alpha).ln() - (class_count + 2.0 * alpha).ln();
                let absent = (1.0 - log.exp()).ln();
                feature_log_prob.push(log);
                weights.push(log - absent);
                constant += absent;
            }
            constants.push(constant);
        }
        let scores = LinearScores::new(&weights, &constants, columns);
        Ok(FittedBernoulliNB { counts, binarize, feature_log_prob, scores })
    }

    /// Learns from more samples, as if they had been among the first.
    ///
    /// # Errors
    /// Features, labels or weights of the wrong kind or shape; a label that is not among the classes.
    pub fn partial_fit(
        &mut self,
        x: &Features<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<()> {
        let mut counts = self.counts.clone();
        counts.count(FIT, x, y, sample_weight, self.binarize)?;
        *self = Self::new(counts, self.binarize)?;
        Ok(())
    }

    fn columns(&self) -> usize {
        self.counts.columns
    }

    /// How many samples each class has, or what weight of them.
    pub fn class_count(&self) -> &[f64] {
        &self.counts.class_count
    }

    /// How many samples of each class have each feature, `(classes, D)` row by row.
    pub fn feature_count(&self) -> &[f64] {
        &self.counts.feature_count
    }

    /// `log P(j | c)`, `(classes, D)` row by row.
    pub fn feature_log_prob(&self) -> &[f64] {
        &self.feature_log_prob
    }

    /// `log P(c)`
    pub fn class_log_prior(&self) -> Vec<f64> {
        self.counts.class_log_prior()
    }
}

impl<T: Float> NaiveBayes<T> for FittedBernoulliNB<T> {
    fn class_labels(&self) -> &[i64] {
        &self.counts.classes
    }

    fn joint_log_likelihood(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let n = self.counts.check(PREDICT, x, false)?;
        self.scores.of(x, n, self.binarize)
    }
}

naive_bayes_model!(FittedBernoulliNB);

impl<T: Float> Persist for FittedBernoulliNB<T> {
    const NAME: &'static str = "BernoulliNB";

    fn to_record(&self) -> Record {
        self.counts
            .write(record_of::<T>(Self::NAME))
            .with("binarize", self.binarize)
            .with("feature_log_prob", table(&self.feature_log_prob, self.counts.columns))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let binarize = if record.is_set("binarize") { Some(record.float("binarize")?) } else { None };
        Self::new(Counts::read(record)?, binarize)
    }
}
