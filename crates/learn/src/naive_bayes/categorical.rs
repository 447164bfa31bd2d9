//! Features that are numbers of categories.

use std::any::Any;

use barehand_tensor::{Error, Float, Result, Tensor};

use super::counts::{Counts, Smoothing, smoothing_parameters};
use super::{NaiveBayes, codes, naive_bayes_estimator, naive_bayes_model};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, PredictProba};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::{Field, Record};
use crate::validate;

/// Naive Bayes with a distribution over categories for every class and feature; values are the categories' numbers, from 0 on.
///
/// ```text
/// log P(x | c) = sum_j log P(x_j | c),  P(t | c) = (N_cjt + alpha) / (N_c + alpha categories_j)
/// ```
///
/// Source: scikit-learn's `CategoricalNB`.
///
/// ```
/// use barehand_learn::naive_bayes::CategoricalNB;
/// use barehand_learn::{Fit, Predict};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0, 2.0], [1.0, 0.0], [0.0, 1.0f64]]);
/// let model = CategoricalNB::new().fit(&x, &Tensor::from([0i64, 1, 0]))?;
/// assert_eq!(model.predict(&Tensor::from([[1.0, 0.0]]))?.to_vec(), [1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CategoricalNB {
    smoothing: Smoothing,
    min_categories: Vec<usize>,
}

const FIT: &str = "CategoricalNB::fit";
const PREDICT: &str = "CategoricalNB::predict";

/// A category's number is below this: counts are kept for every number up to the largest.
const MOST_CATEGORIES: f64 = 16_777_216.0;

smoothing_parameters!(CategoricalNB);

impl CategoricalNB {
    /// How many categories each feature has at least, or all of them where one number is given (default: as many as are
    /// seen).
    pub fn min_categories(mut self, min_categories: impl Into<Vec<usize>>) -> Self {
        self.min_categories = min_categories.into();
        self
    }

    /// A model of these classes that has seen nothing, to be told more by `partial_fit`.
    ///
    /// # Errors
    /// Parameters are out of their range.
    pub fn start<T: Float>(&self, classes: &[i64], columns: usize) -> Result<FittedCategoricalNB<T>> {
        let given = &self.min_categories;
        if given.len() > 1 && given.len() != columns {
            let message = format!("min_categories has {} elements for {columns} features", given.len());
            return Err(Error::value(FIT, message));
        }
        if given.iter().any(|&least| least as f64 > MOST_CATEGORIES) {
            return Err(Error::value(FIT, format!("min_categories is more than {MOST_CATEGORIES}")));
        }
        let counts = Counts::none(FIT, &self.smoothing, classes, columns)?;
        let least = |j: usize| given.get(if given.len() == 1 { 0 } else { j }).copied().unwrap_or(0);
        let tables = (0..columns).map(|j| vec![0.0; counts.classes.len() * least(j)]).collect();
        FittedCategoricalNB::new(counts, tables)
    }
}

naive_bayes_estimator!(CategoricalNB, FittedCategoricalNB);

/// What [`CategoricalNB`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedCategoricalNB<T: Float> {
    /// Its feature counts are not used.
    counts: Counts,
    /// For each feature, `(classes, categories)` row by row.
    category_count: Vec<Vec<f64>>,
    feature_log_prob: Vec<Vec<f64>>,
    prior: Vec<f64>,
    element: std::marker::PhantomData<T>,
}

impl<T: Float> FittedCategoricalNB<T> {
    fn new(counts: Counts, category_count: Vec<Vec<f64>>) -> Result<Self> {
        let alphas = counts.smoothing.alphas(FIT, counts.columns)?;
        let classes = counts.classes.len();
        let mut feature_log_prob = Vec::with_capacity(counts.columns);
        for (table, alpha) in category_count.iter().zip(alphas) {
            let mut logs = Vec::with_capacity(table.len());
            for row in table.chunks_exact((table.len() / classes).max(1)) {
                let total = row.iter().map(|count| count + alpha).sum::<f64>().ln();
                logs.extend(row.iter().map(|count| (count + alpha).ln() - total));
            }
            feature_log_prob.push(logs);
        }
        let prior = counts.class_log_prior();
        let element = std::marker::PhantomData;
        Ok(FittedCategoricalNB { counts, category_count, feature_log_prob, prior, element })
    }

    /// The categories of each row.
    fn categories(&self, operation: &str, x: &Features<T>) -> Result<Vec<usize>> {
        let x = x.dense(operation)?;
        validate::matrix_of(operation, x, self.counts.columns)?;
        let category = |(place, value): (usize, T)| {
            let value = value.to_f64();
            // As scikit-learn, what comes after the point is dropped.
            if value > -1.0 && value < MOST_CATEGORIES {
                return Ok(value.max(0.0) as usize);
            }
            let (row, column) = (place / self.counts.columns, place % self.counts.columns);
            let message = format!(
                "row {row}, column {column} of x is {value}: categories from 0 to {MOST_CATEGORIES} expected"
            );
            Err(Error::value(operation, message))
        };
        x.to_vec().into_iter().enumerate().map(category).collect()
    }

    /// Learns from more samples, as if they had been among the first.
    ///
    /// # Errors
    /// Features, labels or weights of the wrong kind or shape; a label that is not among the classes; a negative category.
    pub fn partial_fit(
        &mut self,
        x: &Features<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<()> {
        let categories = self.categories(FIT, x)?;
        let (d, classes) = (self.counts.columns, self.counts.classes.len());
        let n = categories.len() / d;
        let codes = codes(FIT, &self.counts.classes, y, n)?;
        let weights = validate::weights(FIT, sample_weight, n)?;
        let mut tables = Vec::with_capacity(d);
        for (j, table) in self.category_count.iter().enumerate() {
            let before = table.len() / classes;
            let most = categories[j..].iter().step_by(d).max().map_or(0, |most| most + 1).max(before);
            let mut wider = vec![0.0; classes * most];
            for (wider, row) in wider.chunks_exact_mut(most.max(1)).zip(table.chunks_exact(before.max(1))) {
                wider[..before].copy_from_slice(row);
            }
            for (i, &code) in codes.iter().enumerate() {
                wider[code as usize * most + categories[i * d + j]] += weights[i];
            }
            tables.push(wider);
        }
        let mut counts = self.counts.clone();
        codes.iter().zip(&weights).for_each(|(&code, weight)| counts.class_count[code as usize] += weight);
        *self = Self::new(counts, tables)?;
        Ok(())
    }

    fn columns(&self) -> usize {
        self.counts.columns
    }

    /// How many samples each class has, or what weight of them.
    pub fn class_count(&self) -> &[f64] {
        &self.counts.class_count
    }

    /// For each feature how often each category occurred in each class, `(classes, categories)` row by row.
    pub fn category_count(&self) -> &[Vec<f64>] {
        &self.category_count
    }

    /// For each feature `log P(t | c)`, `(classes, categories)` row by row.
    pub fn feature_log_prob(&self) -> &[Vec<f64>] {
        &self.feature_log_prob
    }

    /// `log P(c)`
    pub fn class_log_prior(&self) -> Vec<f64> {
        self.counts.class_log_prior()
    }
}

impl<T: Float> NaiveBayes<T> for FittedCategoricalNB<T> {
    fn class_labels(&self) -> &[i64] {
        &self.counts.classes
    }

    fn joint_log_likelihood(&self, x: &Features<T>) -> Result<Tensor<T>> {
        let categories = self.categories(PREDICT, x)?;
        let (d, classes) = (self.counts.columns, self.counts.classes.len());
        let mut joint = Vec::with_capacity(categories.len() / d * classes);
        for row in categories.chunks_exact(d) {
            let mut scores = self.prior.clone();
            for (j, &category) in row.iter().enumerate() {
                let table = &self.feature_log_prob[j];
                let width = table.len() / classes;
                if category >= width {
                    let message = format!(
                        "category {category} of feature {j} did not occur in fit, which saw {width}: min_categories"
                    );
                    return Err(Error::index(PREDICT, message));
                }
                for (score, logs) in scores.iter_mut().zip(table.chunks_exact(width)) {
                    *score += logs[category];
                }
            }
            joint.extend(scores.into_iter().map(T::from_f64));
        }
        Tensor::from_vec(joint, [categories.len() / d, classes])
    }
}

naive_bayes_model!(FittedCategoricalNB);

impl<T: Float> Persist for FittedCategoricalNB<T> {
    const NAME: &'static str = "CategoricalNB";

    fn to_record(&self) -> Record {
        let classes = self.counts.classes.len();
        let tables = |tables: &[Vec<f64>]| -> Vec<Field> {
            tables.iter().map(|table| super::counts::table(table, table.len() / classes)).collect()
        };
        self.counts
            .write(record_of::<T>(Self::NAME))
            .with("category_count", tables(&self.category_count))
            .with("feature_log_prob", tables(&self.feature_log_prob))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let counts = Counts::read(record)?;
        let Field::List(list) = record.field("category_count")? else {
            return Err(record.error("its category_count is no list"));
        };
        if list.len() != counts.columns {
            return Err(record.error(format!("has {} tables for {} features", list.len(), counts.columns)));
        }
        let table = |field: &Field| {
            let wrong = || record.error("a table of its category_count is not (classes, categories)");
            let Field::Tensor(table) = field else { return Err(wrong()) };
            let table = table.get::<f64>().map_err(|_| wrong())?;
            match *table.shape() {
                [classes, categories] if classes == counts.classes.len() && categories > 0 => {
                    Ok(table.to_vec())
                }
                _ => Err(wrong()),
            }
        };
        let tables = list.iter().map(table).collect::<Result<Vec<_>>>()?;
        Self::new(counts, tables)
    }
}
