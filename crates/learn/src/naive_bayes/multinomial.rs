//! Features that count how often something occurs.

use std::any::Any;

use barehand_tensor::{Float, Result, Tensor};

use super::counts::{Counts, LinearScores, Smoothing, smoothing_parameters, table};
use super::{NaiveBayes, naive_bayes_estimator, naive_bayes_model};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;

/// Naive Bayes with a multinomial distribution for every class: counts of words, say.
///
/// ```text
/// log P(x | c) = sum_j x_j log P(j | c),  P(j | c) = (N_cj + alpha) / sum_j (N_cj + alpha)
/// ```
///
/// Takes sparse rows. Source: scikit-learn's `MultinomialNB`.
///
/// ```
/// use barehand_learn::naive_bayes::MultinomialNB;
/// use barehand_learn::{Fit, Predict};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0f64]]);
/// let model = MultinomialNB::new().fit(&x, &Tensor::from([0i64, 1]))?;
/// assert_eq!(model.predict(&Tensor::from([[0.0, 0.0, 1.0]]))?.to_vec(), [1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultinomialNB {
    smoothing: Smoothing,
}

const FIT: &str = "MultinomialNB::fit";
const PREDICT: &str = "MultinomialNB::predict";

smoothing_parameters!(MultinomialNB);

impl MultinomialNB {
    /// A model of these classes that has seen nothing, to be told more by `partial_fit`.
    ///
    /// # Errors
    /// Parameters are out of their range.
    pub fn start<T: Float>(&self, classes: &[i64], columns: usize) -> Result<FittedMultinomialNB<T>> {
        let counts = Counts::none(FIT, &self.smoothing, classes, columns)?;
        FittedMultinomialNB::new(counts)
    }
}

naive_bayes_estimator!(MultinomialNB, FittedMultinomialNB);

/// What [`MultinomialNB`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedMultinomialNB<T: Float> {
    counts: Counts,
    feature_log_prob: Vec<f64>,
    scores: LinearScores<T>,
}

impl<T: Float> FittedMultinomialNB<T> {
    fn new(counts: Counts) -> Result<Self> {
        let alphas = counts.smoothing.alphas(FIT, counts.columns)?;
        let mut feature_log_prob = Vec::with_capacity(counts.feature_count.len());
        for counts in counts.feature_count.chunks_exact(counts.columns) {
            let smoothed = || counts.iter().zip(&alphas).map(|(count, alpha)| count + alpha);
            let total = smoothed().sum::<f64>().ln();
            feature_log_prob.extend(smoothed().map(|count| count.ln() - total));
        }
        let scores = LinearScores::new(&feature_log_prob, &counts.class_log_prior(), counts.columns);
        Ok(FittedMultinomialNB { counts, feature_log_prob, scores })
    }

    /// Learns from more samples, as if they had been among the first.
    ///
    /// # Errors
    /// Features, labels or weights of the wrong kind or shape; a label that is not among the classes, or a value below 0.
    pub fn partial_fit(
        &mut self,
        x: &Features<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<()> {
        let mut counts = self.counts.clone();
        counts.count(FIT, x, y, sample_weight, None)?;
        *self = Self::new(counts)?;
        Ok(())
    }

    fn columns(&self) -> usize {
        self.counts.columns
    }

    /// How many samples each class has, or what weight of them.
    pub fn class_count(&self) -> &[f64] {
        &self.counts.class_count
    }

    /// Sum of each feature in each class, `(classes, D)` row by row.
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

impl<T: Float> NaiveBayes<T> for FittedMultinomialNB<T> {
    fn class_labels(&self) -> &[i64] {
        &self.counts.classes
    }

    fn joint_log_likelihood(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let n = self.counts.check(PREDICT, x, false)?;
        self.scores.of(x, n, None)
    }
}

naive_bayes_model!(FittedMultinomialNB);

impl<T: Float> Persist for FittedMultinomialNB<T> {
    const NAME: &'static str = "MultinomialNB";

    fn to_record(&self) -> Record {
        self.counts
            .write(record_of::<T>(Self::NAME))
            .with("feature_log_prob", table(&self.feature_log_prob, self.counts.columns))
    }

    fn from_record(record: &Record) -> Result<Self> {
        Self::new(Counts::read(record)?)
    }
}
