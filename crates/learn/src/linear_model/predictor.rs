//! What every fitted linear model is made of.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::samples::{AsSamples, Samples};
use crate::models::field;
use crate::record::Record;

/// `x coef^T + intercept`
#[derive(Clone, Debug, PartialEq)]
pub struct Predictor<T: Float> {
    /// `(outputs, d)`
    pub coef: Tensor<T>,
    /// `(outputs)`
    pub intercept: Tensor<T>,
}

impl<T: Float> Predictor<T> {
    /// Of coefficients in f64, `(outputs, d)`, and an intercept for each output.
    ///
    /// # Errors
    /// One is not finite.
    pub fn new(coef: &[f64], intercept: &[f64]) -> Result<Predictor<T>> {
        if !coef.iter().chain(intercept).all(|value| T::from_f64(*value).is_finite()) {
            let message =
                "coefficients are not finite: the features need scaling, or differ too much in size";
            return Err(Error::value("fit", message));
        }
        let convert = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
        let outputs = intercept.len();
        let columns = coef.len() / outputs.max(1);
        Ok(Predictor {
            coef: Tensor::from_vec(convert(coef), [outputs, columns])?,
            intercept: convert(intercept).into(),
        })
    }

    /// Features it was fitted on.
    pub fn features(&self) -> usize {
        self.coef.shape()[1]
    }

    /// Scores of a row.
    pub fn outputs(&self) -> usize {
        self.intercept.len()
    }

    /// `(n, outputs)`, row by row.
    pub fn scores(&self, operation: &str, x: &impl AsSamples<T>) -> Result<Vec<T>> {
        let samples = x.samples(operation)?;
        samples.expect_columns(operation, self.features())?;
        Ok(self.of(&samples))
    }

    /// The same of as many columns as there are coefficients.
    pub fn of(&self, samples: &Samples<T>) -> Vec<T> {
        let (coef, intercept) = (self.coef.contiguous(), self.intercept.contiguous());
        samples.scores(coef.as_slice().unwrap_or_default(), intercept.as_slice().unwrap_or_default())
    }

    /// The same as a tensor, `(n)` for one output.
    pub fn values(&self, operation: &str, x: &impl AsSamples<T>, single: bool) -> Result<Tensor<T>> {
        let scores = self.scores(operation, x)?;
        if single {
            return Ok(scores.into());
        }
        let n = scores.len() / self.outputs();
        Tensor::from_vec(scores, [n, self.outputs()])
    }

    /// Probabilities of two classes by the logistic function of one score, of more by the softmax of theirs, `(n, classes)`.
    pub fn probabilities(&self, operation: &str, x: &impl AsSamples<T>) -> Result<Tensor<T>> {
        let scores = self.scores(operation, x)?;
        let k = self.outputs();
        if k > 1 {
            let mut out = vec![T::ZERO; scores.len()];
            T::softmax(&scores, k, &mut out);
            return Tensor::from_vec(out, [scores.len() / k, k]);
        }
        let n = scores.len();
        let p = Tensor::<T>::from(scores).sigmoid()?;
        let pairs = p.to_vec().into_iter().flat_map(|p| [T::ONE - p, p]).collect();
        Tensor::from_vec(pairs, [n, 2])
    }

    /// A record with both fields more.
    pub fn write(&self, record: Record) -> Record {
        record.with("coef", field(&self.coef)).with("intercept", field(&self.intercept))
    }

    /// From a record's fields.
    pub fn read(record: &Record) -> Result<Predictor<T>> {
        let coef = record.tensor::<T>("coef")?;
        let &[outputs, columns] = coef.shape() else {
            return Err(record.error(format!("coef has shape {:?}, expected (outputs, D)", coef.shape())));
        };
        if outputs == 0 || columns == 0 {
            return Err(record.error("has no coefficients"));
        }
        Ok(Predictor { intercept: record.tensor_of("intercept", &[outputs])?, coef })
    }

    /// The same of a regressor, whose predictions are `(n)` where its field `single` says so.
    pub fn read_regressor(record: &Record) -> Result<Predictor<T>> {
        let predictor = Predictor::read(record)?;
        if record.bool("single")? && predictor.outputs() != 1 {
            return Err(record.error(format!("predicts {} numbers a row, not one", predictor.outputs())));
        }
        Ok(predictor)
    }
}

/// Classes in ascending order from a record, as many as `outputs` scores tell apart.
pub fn read_classes(record: &Record, outputs: usize) -> Result<Vec<i64>> {
    let classes = record.tensor::<i64>("classes")?.to_vec();
    if outputs == 2 {
        return Err(record.error("two rows of coefficients: one tells two classes apart"));
    }
    let expected = if outputs == 1 { 2 } else { outputs };
    if classes.len() != expected || classes.windows(2).any(|pair| pair[0] >= pair[1]) {
        let message = format!("{} classes; {expected} expected, in ascending order", classes.len());
        return Err(record.error(message));
    }
    Ok(classes)
}

/// The class of each row of scores: the sign's for one score, the largest's (the first of equal ones) for several.
pub fn classes_of_scores<T: Float>(scores: &[T], classes: &[i64]) -> Tensor<i64> {
    if classes.len() == 2 {
        let label = |score: &T| classes[usize::from(*score > T::ZERO)];
        return scores.iter().map(label).collect::<Vec<i64>>().into();
    }
    let best = |row: &[T]| {
        let mut best = 0;
        for (i, score) in row.iter().enumerate() {
            if *score > row[best] {
                best = i;
            }
        }
        classes[best]
    };
    scores.chunks_exact(classes.len()).map(best).collect::<Vec<i64>>().into()
}
