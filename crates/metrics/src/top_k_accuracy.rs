//! Top-k accuracy: how often the true class is among the k with the highest scores.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::targets::{checked_weights, sorted_unique, total};

/// The share of samples whose true class is among the `k` classes with the highest scores.
///
/// `y_true` is `(N)` and holds column numbers, `y_score` is `(N, C)`; of equal scores the class further right is taken
/// to be higher, as scikit-learn does. [`TopKAccuracy`] has the options, and scikit-learn's binary form.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 1, 2, 2], [4])?;
/// let y_score = Tensor::from([[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1f32]]);
/// assert_eq!(barehand_metrics::top_k_accuracy(&y_true, &y_score, 2)?, 0.75);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes differ from these, `k` is 0, a label is not a column number, or a score is not finite.
pub fn top_k_accuracy<T: Float>(y_true: &Tensor<i64>, y_score: &Tensor<T>, k: usize) -> Result<f64> {
    let labels: Vec<i64> = (0..y_score.shape().get(1).map_or(2, |&columns| columns as i64)).collect();
    TopKAccuracy::new(k).labels(&labels).score(y_true, y_score)
}

/// [`top_k_accuracy`] with options. Source: scikit-learn's `top_k_accuracy_score`.
#[derive(Clone, Copy, Debug)]
pub struct TopKAccuracy<'a> {
    k: usize,
    normalize: bool,
    labels: Option<&'a [i64]>,
    sample_weight: Option<&'a Tensor<f64>>,
}

impl<'a> TopKAccuracy<'a> {
    /// The share of samples among whose `k` best classes the true one is; columns stand for the sorted labels of
    /// `y_true`.
    pub fn new(k: usize) -> Self {
        TopKAccuracy { k, normalize: true, labels: None, sample_weight: None }
    }

    /// Whether to divide by the sum of the weights (default: yes).
    #[must_use]
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// The label of each column, ascending; needed where `y_true` does not hold all of them.
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

    /// The score of labels `(N)` and scores `(N, C)`; or, for two classes, scores `(N)` of the larger label, which count
    /// as a prediction of it above 0.5 when all lie in `[0, 1]`, else above 0.
    ///
    /// # Errors
    /// The shapes differ from these, `k` is 0, labels are unsorted or do not match the columns, or a number is not
    /// finite.
    pub fn score<T: Float>(&self, y_true: &Tensor<i64>, y_score: &Tensor<T>) -> Result<f64> {
        const OPERATION: &str = "top_k_accuracy";
        let fail = |text: String| Err(Error::value(OPERATION, text));
        let (n, shape) = (y_true.len(), y_score.shape());
        if y_true.shape() != [n] || n == 0 || shape.first() != Some(&n) || shape.len() > 2 {
            let text = format!(
                "expected labels (N) and scores (N, C) or (N), found {:?} and {shape:?}",
                y_true.shape()
            );
            return Err(Error::shape(OPERATION, text));
        }
        if self.k == 0 {
            return fail("k is at least 1".into());
        }
        let weights = checked_weights(OPERATION, self.sample_weight, n)?;
        let (y_true, scores) = (y_true.to_vec(), y_score.to_vec());
        if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
            return fail(format!("a score is finite, found {score}"));
        }
        let labels = self.labels.map_or_else(|| sorted_unique(y_true.iter().copied()), <[i64]>::to_vec);
        if !labels.is_sorted_by(|a, b| a < b) {
            return fail(format!("labels {labels:?} must ascend"));
        }
        let columns = scores.len() / n;
        let binary = shape.len() == 1 || columns == 1;
        let classes = if binary { 2 } else { columns };
        if labels.len() != classes {
            return fail(format!("{} labels for scores of {classes} classes, {shape:?}", labels.len()));
        }
        let mut encoded = Vec::with_capacity(n);
        for label in &y_true {
            match labels.binary_search(label) {
                Ok(class) => encoded.push(class),
                Err(_) => {
                    return fail(format!("y_true has label {label}, which is not among labels {labels:?}"));
                }
            }
        }

        let unit = scores.iter().all(|&score| (T::ZERO..=T::ONE).contains(&score));
        let threshold = if unit { T::HALF } else { T::ZERO };
        let hits = encoded.iter().zip(scores.chunks_exact(columns)).map(|(&class, row)| {
            let hit = if binary {
                self.k > 1 || usize::from(row[0] > threshold) == class
            } else {
                let own = row[class];
                let above =
                    row.iter().enumerate().filter(|&(c, &s)| s > own || (s == own && c > class)).count();
                above < self.k
            };
            f64::from(u8::from(hit))
        });
        Ok(total(hits, weights.as_ref(), self.normalize))
    }
}
