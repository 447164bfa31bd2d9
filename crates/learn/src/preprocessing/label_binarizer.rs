//! Labels of any kind as columns, one for each class.

use std::fmt::Debug;

use barehand_tensor::{Error, Float, Result, Tensor};

use super::label_encoder::{FittedLabelEncoder, LabelEncoder};

/// A column for each class, in ascending order, that says whether a label is of it; of two classes the second one's alone.
///
/// Labels that were not in `fit` are of no class. Source: scikit-learn's `LabelBinarizer`.
///
/// ```
/// use barehand_learn::preprocessing::LabelBinarizer;
/// use barehand_tensor::Tensor;
///
/// let binarizer = LabelBinarizer::new().fit(&["b", "a", "c", "a"])?;
/// let columns = binarizer.transform(&["a", "c", "d"])?;
/// assert_eq!(columns.to_vec(), [1, 0, 0, 0, 0, 1, 0, 0, 0]);
/// assert_eq!(binarizer.inverse_transform(&Tensor::from([[0.1, 0.7, 0.2f64]]))?, ["b"]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelBinarizer {
    neg_label: i64,
    pos_label: i64,
}

impl Default for LabelBinarizer {
    fn default() -> Self {
        LabelBinarizer { neg_label: 0, pos_label: 1 }
    }
}

impl LabelBinarizer {
    /// Columns of 0 and 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// What "no" and "yes" are (default: 0 and 1).
    pub fn labels(mut self, neg_label: i64, pos_label: i64) -> Self {
        (self.neg_label, self.pos_label) = (neg_label, pos_label);
        self
    }

    /// The binarizer of the labels that occur here.
    ///
    /// # Errors
    /// There are none, or "yes" is no more than "no".
    pub fn fit<L: Ord + Clone>(&self, labels: &[L]) -> Result<FittedLabelBinarizer<L>> {
        if self.neg_label >= self.pos_label {
            let (neg, pos) = (self.neg_label, self.pos_label);
            let message = format!("neg_label={neg} must be strictly less than pos_label={pos}");
            return Err(Error::value("LabelBinarizer::fit", message));
        }
        Ok(FittedLabelBinarizer { encoder: LabelEncoder::new().fit(labels)?, labels: *self })
    }
}

/// What [`LabelBinarizer`] learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FittedLabelBinarizer<L> {
    encoder: FittedLabelEncoder<L>,
    labels: LabelBinarizer,
}

impl<L: Ord + Clone + Debug> FittedLabelBinarizer<L> {
    /// The classes, in ascending order.
    pub fn classes(&self) -> &[L] {
        self.encoder.classes()
    }

    fn columns(&self) -> usize {
        if self.classes().len() == 2 { 1 } else { self.classes().len() }
    }

    /// The columns of each label, `(n, classes)`, or `(n, 1)` for two classes; a single class has a column without "yes".
    ///
    /// # Errors
    /// There are no labels.
    pub fn transform(&self, labels: &[L]) -> Result<Tensor<i64>> {
        let (k, classes) = (self.columns(), self.classes());
        let LabelBinarizer { neg_label, pos_label } = self.labels;
        let mut out = vec![neg_label; labels.len() * k];
        for (row, label) in out.chunks_exact_mut(k).zip(labels) {
            match classes.binary_search(label) {
                Ok(1) if classes.len() == 2 => row[0] = pos_label,
                Ok(code) if classes.len() > 2 => row[code] = pos_label,
                _ => {}
            }
        }
        Tensor::from_vec(out, [labels.len(), k])
    }

    /// The label of each row of such columns, or of scores or probabilities in their place: the largest's, the first of equal
    /// ones; a single column says "yes" above the middle of both labels.
    ///
    /// # Errors
    /// Another number of columns.
    pub fn inverse_transform<T: Float>(&self, columns: &Tensor<T>) -> Result<Vec<L>> {
        let (k, classes) = (self.columns(), self.classes());
        if columns.shape().len() != 2 || columns.shape()[1] != k {
            let message = format!("expected columns (N, {k}), found shape {:?}", columns.shape());
            return Err(Error::shape("LabelBinarizer::inverse_transform", message));
        }
        let middle = f64::midpoint(self.labels.neg_label as f64, self.labels.pos_label as f64);
        let code = |row: &[T]| {
            if k == 1 {
                return usize::from(classes.len() == 2 && row[0].to_f64() > middle);
            }
            (1..k).fold(0, |best, i| if row[i] > row[best] { i } else { best })
        };
        Ok(columns.to_vec().chunks_exact(k).map(|row| classes[code(row)].clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_have_one_column_and_one_has_none_that_says_yes() {
        let two = LabelBinarizer::new().labels(-2, 0).fit(&[5, 3, 3]).unwrap();
        let columns = two.transform(&[3, 5, 4]).unwrap();
        assert_eq!((columns.shape(), columns.to_vec()), (&[3, 1][..], vec![-2, 0, -2]));
        assert_eq!(two.inverse_transform(&columns.cast::<f64>()).unwrap(), [3, 5, 3]);
        let one = LabelBinarizer::new().fit(&["a", "a"]).unwrap();
        assert_eq!(one.transform(&["a", "b"]).unwrap().to_vec(), [0, 0]);
        assert_eq!(one.inverse_transform(&Tensor::from([[3.0f32]])).unwrap(), ["a"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(LabelBinarizer::new().fit::<i64>(&[]).is_err());
        assert!(LabelBinarizer::new().labels(1, 1).fit(&[1]).is_err());
        let three = LabelBinarizer::new().fit(&[1, 2, 3]).unwrap();
        let error = three.inverse_transform(&Tensor::from([[1.0f64, 0.0]])).unwrap_err();
        assert!(error.to_string().contains("(N, 3)"), "{error}");
        assert!(three.transform(&[]).unwrap().is_empty());
    }
}
