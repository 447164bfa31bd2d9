//! A prediction for every sample, by a model that has not seen it.

use std::sync::Arc;

use barehand_tensor::{Element, Error, Float, Result, Tensor, concat};

use super::fit_and_score::{Data, in_parallel};
use super::splitter::{Split, Splitter};
use crate::dynamic::{Estimator, Features, Model, Prediction, Target};

/// Predicts every sample with the model of the split in whose test set it lies.
///
/// The test sets must hold every sample once. Source: scikit-learn's `cross_val_predict`.
///
/// ```no_run
/// # use barehand_learn::{Estimator, Features, Target};
/// # use barehand_learn::model_selection::{CrossValPredict, KFold};
/// # fn of(estimator: &dyn Estimator<f64>, x: &Features<f64>, y: &Target<f64>) -> barehand_tensor::Result<()> {
/// let predicted = CrossValPredict::new().cv(KFold::new(5)).predict(estimator, x, y)?;
/// # let _ = predicted; Ok(()) }
/// ```
#[derive(Default)]
pub struct CrossValPredict {
    cv: Option<Arc<dyn Splitter>>,
    sample_weight: Option<Tensor<f64>>,
    groups: Option<Tensor<i64>>,
}

impl CrossValPredict {
    /// Five folds, stratified where there are classes.
    pub fn new() -> Self {
        Self::default()
    }

    /// What makes the splits (default: five folds, stratified where there are classes).
    pub fn cv(mut self, cv: impl Splitter + 'static) -> Self {
        self.cv = Some(Arc::new(cv));
        self
    }

    /// A weight for each sample, `(N)`, in fitting.
    pub fn sample_weight(mut self, sample_weight: &Tensor<f64>) -> Self {
        self.sample_weight = Some(sample_weight.clone());
        self
    }

    /// The group of each sample, `(N)`, for splitters that keep groups together.
    pub fn groups(mut self, groups: &Tensor<i64>) -> Self {
        self.groups = Some(groups.clone());
        self
    }

    /// Classes or values of every sample.
    ///
    /// # Errors
    /// Those of the splitter, of fitting and of predicting; test sets that leave samples out or share some.
    pub fn predict<T: Float>(
        &self,
        estimator: &dyn Estimator<T>,
        x: &Features<T>,
        y: &Target<T>,
    ) -> Result<Prediction<T>> {
        let (predictions, order) = self.by_split(estimator, x, y, |model, x| model.predict_any(x))?;
        let (mut labels, mut values) = (Vec::new(), Vec::new());
        for prediction in predictions {
            match prediction {
                Prediction::Classes(part) => labels.push(part),
                Prediction::Values(part) => values.push(part),
            }
        }
        if labels.is_empty() {
            return Ok(Prediction::Values(in_order(&values, &order)?));
        }
        Ok(Prediction::Classes(in_order(&labels, &order)?))
    }

    /// Probabilities of every sample, `(N, classes)`, a column for every class of `y` in ascending order: 0 for those that
    /// the split's training samples lack.
    ///
    /// # Errors
    /// As [`CrossValPredict::predict`].
    pub fn predict_proba<T: Float>(
        &self,
        estimator: &dyn Estimator<T>,
        x: &Features<T>,
        y: &Target<T>,
    ) -> Result<Tensor<T>> {
        let mut classes = y.classes("cross_val_predict")?.to_vec();
        classes.sort_unstable();
        classes.dedup();
        let (parts, order) = self.by_split(estimator, x, y, |model, x| {
            let given = model.predict_proba_any(x)?;
            let known = model.classes().unwrap_or_default();
            if known == classes {
                return Ok(given);
            }
            let columns = known.len().max(1);
            let mut all = vec![T::ZERO; given.len() / columns * classes.len()];
            for (row, known_row) in all.chunks_exact_mut(classes.len()).zip(given.to_vec().chunks(columns)) {
                for (class, &probability) in known.iter().zip(known_row) {
                    if let Ok(column) = classes.binary_search(class) {
                        row[column] = probability;
                    }
                }
            }
            Tensor::from_vec(all, [given.len() / columns, classes.len()])
        })?;
        in_order(&parts, &order)
    }

    /// Decision scores of every sample, `(N)` or `(N, classes)`.
    ///
    /// # Errors
    /// As [`CrossValPredict::predict`]; also where a split's training samples lack a class.
    pub fn decision_function<T: Float>(
        &self,
        estimator: &dyn Estimator<T>,
        x: &Features<T>,
        y: &Target<T>,
    ) -> Result<Tensor<T>> {
        let mut classes = y.classes("cross_val_predict")?.to_vec();
        classes.sort_unstable();
        classes.dedup();
        let (parts, order) = self.by_split(estimator, x, y, |model, x| {
            let known = model.classes().unwrap_or_default();
            if known == classes {
                return model.decision_function_any(x);
            }
            let message =
                format!("a split trains on {} of {} classes: stratify it", known.len(), classes.len());
            Err(Error::value("cross_val_predict", message))
        })?;
        in_order(&parts, &order)
    }

    /// What the models of the splits say of their test samples, and which samples these are.
    fn by_split<T: Float, P: Send>(
        &self,
        estimator: &dyn Estimator<T>,
        x: &Features<T>,
        y: &Target<T>,
        predict: impl Fn(&dyn Model<T>, &Features<T>) -> Result<P> + Sync,
    ) -> Result<(Vec<P>, Vec<usize>)> {
        let data = Data { x, y, sample_weight: self.sample_weight.as_ref(), groups: self.groups.as_ref() };
        let splits: Vec<Split> = data.splits(self.cv.as_deref())?.collect();
        let order: Vec<usize> = splits.iter().flat_map(|split| split.test.iter().copied()).collect();
        let mut seen = vec![false; x.shape()[0]];
        let fresh = order.iter().all(|&i| seen.get_mut(i).is_some_and(|seen| !std::mem::replace(seen, true)));
        if !fresh || order.len() != seen.len() {
            return Err(Error::value("cross_val_predict", "the test sets must hold every sample once"));
        }
        let parts: Result<Vec<P>> = in_parallel(&splits, |split| {
            let model = data.fit(estimator, &split.train)?;
            predict(model.as_ref(), &x.select_rows(&split.test)?)
        })
        .into_iter()
        .collect();
        Ok((parts?, order))
    }
}

/// The rows of all parts, row `i` of them at place `order[i]`.
fn in_order<E: Element>(parts: &[Tensor<E>], order: &[usize]) -> Result<Tensor<E>> {
    let all = concat(&parts.iter().collect::<Vec<_>>(), 0)?;
    let mut place = vec![0i64; order.len()];
    order.iter().enumerate().for_each(|(from, &to)| place[to] = from as i64);
    all.index_select(0, &place.into())
}
