//! Log loss: cross entropy of predicted probabilities.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::targets::{checked_weights, sorted_unique, total};

/// The mean negative logarithm of the probability given to the true class:
///
/// ```text
/// log loss = -1/N sum_i ln clip(p_i[y_i], eps, 1 - eps)
/// ```
///
/// `y_true` is `(N)`, `y_proba` `(N, C)` with columns for the labels of `y_true` in ascending order, or, for two classes,
/// `(N)` or `(N, 1)` with the probability of the larger label. `eps` is the machine epsilon of `T`. [`LogLoss`] has the
/// options, among them the labels, which are needed where `y_true` does not hold all of them.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![1i64, 0, 0, 1], [4])?;
/// let y_proba = Tensor::from([[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65f64]]);
/// assert!((barehand_metrics::log_loss(&y_true, &y_proba)? - 0.21616187468057912).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes differ from these, labels and columns do not match, or a probability is outside `[0, 1]`.
pub fn log_loss<T: Float>(y_true: &Tensor<i64>, y_proba: &Tensor<T>) -> Result<f64> {
    LogLoss::new().score(y_true, y_proba)
}

/// [`log_loss`] with options. Source: scikit-learn's `log_loss`. Rows are taken as they are, also where they do not sum
/// to 1.
#[derive(Clone, Copy, Debug)]
pub struct LogLoss<'a> {
    normalize: bool,
    labels: Option<&'a [i64]>,
    sample_weight: Option<&'a Tensor<f64>>,
}

impl Default for LogLoss<'_> {
    fn default() -> Self {
        LogLoss { normalize: true, labels: None, sample_weight: None }
    }
}

impl<'a> LogLoss<'a> {
    /// The mean, labels as they occur, every sample of weight 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to divide by the sum of the weights (default: yes).
    #[must_use]
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// The labels of the columns; in whatever order they are given, columns stand for them in ascending order.
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

    /// The loss of probabilities `(N, C)`, `(N, 1)` or `(N)` for labels `(N)`.
    ///
    /// # Errors
    /// As [`log_loss`]; also where there are fewer than two labels, `y_true` has others, or weights are unusable.
    pub fn score<T: Float>(&self, y_true: &Tensor<i64>, y_proba: &Tensor<T>) -> Result<f64> {
        const OPERATION: &str = "log_loss";
        let fail = |text: String| Err(Error::value(OPERATION, text));
        let (n, shape) = (y_true.len(), y_proba.shape());
        if y_true.shape() != [n]
            || n == 0
            || shape.first() != Some(&n)
            || shape.len() > 2
            || y_proba.is_empty()
        {
            let text = format!(
                "expected labels (N) and probabilities (N, C) or (N), found {:?} and {shape:?}",
                y_true.shape()
            );
            return Err(Error::shape(OPERATION, text));
        }
        let weights = checked_weights(OPERATION, self.sample_weight, n)?;
        let (y_true, proba) = (y_true.to_vec(), y_proba.to_vec());
        if let Some(p) = proba.iter().find(|p| !(T::ZERO..=T::ONE).contains(*p)) {
            return fail(format!("a probability lies in [0, 1], found {p}"));
        }
        let labels = sorted_unique(self.labels.unwrap_or(&y_true).iter().copied());
        let columns = proba.len() / n;
        let classes = columns.max(2);
        if labels.len() != classes {
            return fail(format!(
                "{} labels for probabilities of {classes} classes, {shape:?}",
                labels.len()
            ));
        }
        let mut losses = Vec::with_capacity(n);
        for (label, row) in y_true.iter().zip(proba.chunks_exact(columns)) {
            let Ok(class) = labels.binary_search(label) else {
                return fail(format!("y_true has label {label}, which is not among labels {labels:?}"));
            };
            let p = match (columns, class) {
                (1, 0) => T::ONE - row[0],
                (1, _) => row[0],
                _ => row[class],
            };
            let clipped = p.max(T::EPSILON).min(T::ONE - T::EPSILON);
            losses.push(-clipped.to_f64().ln());
        }
        Ok(total(losses.into_iter(), weights.as_ref(), self.normalize))
    }
}
