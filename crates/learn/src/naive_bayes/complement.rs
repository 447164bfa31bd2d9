//! Features that count how often something occurs, weighed by how often it occurs in the other classes.

use std::any::Any;

use barehand_tensor::{Float, Result, Tensor};

use super::counts::{Counts, LinearScores, Smoothing, smoothing_parameters, table};
use super::{NaiveBayes, naive_bayes_estimator, naive_bayes_model};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;

/// Naive Bayes by what is not in a class, for classes of very different sizes.
///
/// ```text
/// score_c = sum_j x_j w_cj,  w_cj = -log [ (N_j - N_cj + alpha) / sum_j (N_j - N_cj + alpha) ]
/// ```
///
/// with `N_j` the count in all classes; `norm` divides `log [...]` by its sum over `j` instead of the sign. The prior counts
/// only where there is one class. Takes sparse rows. Source: scikit-learn's `ComplementNB`; Rennie et al., "Tackling the
/// poor assumptions of naive Bayes text classifiers" (2003).
///
/// ```
/// use barehand_learn::naive_bayes::ComplementNB;
/// use barehand_learn::{Fit, Predict};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0f64]]);
/// let model = ComplementNB::new().fit(&x, &Tensor::from([0i64, 1]))?;
/// assert_eq!(model.predict(&Tensor::from([[0.0, 0.0, 1.0]]))?.to_vec(), [1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComplementNB {
    smoothing: Smoothing,
    norm: bool,
}

const FIT: &str = "ComplementNB::fit";
const PREDICT: &str = "ComplementNB::predict";

smoothing_parameters!(ComplementNB);

impl ComplementNB {
    /// Whether the weights of a class are divided by their sum (default: no).
    pub fn norm(mut self, norm: bool) -> Self {
        self.norm = norm;
        self
    }

    /// A model of these classes that has seen nothing, to be told more by `partial_fit`.
    ///
    /// # Errors
    /// Parameters are out of their range.
    pub fn start<T: Float>(&self, classes: &[i64], columns: usize) -> Result<FittedComplementNB<T>> {
        let counts = Counts::none(FIT, &self.smoothing, classes, columns)?;
        FittedComplementNB::new(counts, self.norm)
    }
}

naive_bayes_estimator!(ComplementNB, FittedComplementNB);

/// What [`ComplementNB`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedComplementNB<T: Float> {
    counts: Counts,
    norm: bool,
    feature_log_prob: Vec<f64>,
    scores: LinearScores<T>,
}

impl<T: Float> FittedComplementNB<T> {
    fn new(counts: Counts, norm: bool) -> Result<Self> {
        let alphas = counts.smoothing.alphas(FIT, counts.columns)?;
        let columns = counts.columns;
        let mut all = vec![0.0; columns];
        for of_class in counts.feature_count.chunks_exact(columns) {
            all.iter_mut().zip(of_class).for_each(|(all, count)| *all += count);
        }
        let mut feature_log_prob = Vec::with_capacity(counts.feature_count.len());
        for of_class in counts.feature_count.chunks_exact(columns) {
            let others: Vec<f64> = (0..columns).map(|j| all[j] + alphas[j] - of_class[j]).collect();
            let total: f64 = others.iter().sum();
            let logs: Vec<f64> = others.iter().map(|count| (count / total).ln()).collect();
            let divisor = if norm { logs.iter().sum() } else { -1.0 };
            feature_log_prob.extend(logs.iter().map(|log| log / divisor));
        }
        let constants = match counts.classes.len() {
            1 => counts.class_log_prior(),
            classes => vec![0.0; classes],
        };
        let scores = LinearScores::new(&feature_log_prob, &constants, columns);
        Ok(FittedComplementNB { counts, norm, feature_log_prob, scores })
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
        *self = Self::new(counts, self.norm)?;
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

    /// The weight of each feature for each class, `(classes, D)` row by row.
    pub fn feature_log_prob(&self) -> &[f64] {
        &self.feature_log_prob
    }

    /// `log P(c)`
    pub fn class_log_prior(&self) -> Vec<f64> {
        self.counts.class_log_prior()
    }
}

impl<T: Float> NaiveBayes<T> for FittedComplementNB<T> {
    fn class_labels(&self) -> &[i64] {
        &self.counts.classes
    }

    fn joint_log_likelihood(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let n = self.counts.check(PREDICT, x, false)?;
        self.scores.of(x, n, None)
    }
}

naive_bayes_model!(FittedComplementNB);

impl<T: Float> Persist for FittedComplementNB<T> {
    const NAME: &'static str = "ComplementNB";

    fn to_record(&self) -> Record {
        self.counts
            .write(record_of::<T>(Self::NAME))
            .with("norm", self.norm)
            .with("feature_log_prob", table(&self.feature_log_prob, self.counts.columns))
    }

    fn from_record(record: &Record) -> Result<Self> {
        Self::new(Counts::read(record)?, record.bool("norm")?)
    }
}
