//! Log loss: cross entropy of predicted probabilities.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::targets::{Places, checked_weights, sorted_unique, total, weight};

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
        let data = Probabilities::new("log_loss", y_true, y_proba, self.labels, self.sample_weight)?;
        let loss = data.sum(|class, mut row| surprise(row.nth(class)));
        Ok(if self.normalize { loss / data.weight() } else { loss })
    }

    /// How much less surprising the classes are than by their frequencies: `1 - log loss(p) / log loss(frequencies)`. Source:
    /// scikit-learn's `d2_log_loss_score`.
    ///
    /// # Errors
    /// As [`LogLoss::score`], or where there are fewer than two samples.
    pub fn d2<T: Float>(&self, y_true: &Tensor<i64>, y_proba: &Tensor<T>) -> Result<f64> {
        let data = Probabilities::new("d2_log_loss", y_true, y_proba, self.labels, self.sample_weight)?;
        if y_true.len() < 2 {
            return Err(Error::value("d2_log_loss", "not defined for fewer than two samples"));
        }
        let frequencies = data.frequencies();
        let left = data.sum(|class, mut row| surprise(row.nth(class)));
        Ok(1.0 - left / data.sum(|class, _| surprise(Some(frequencies[class]))))
    }
}

/// `-ln` of a probability kept away from 0 and 1.
fn surprise<T: Float>(p: Option<T>) -> f64 {
    let clipped = p.unwrap_or(T::ZERO).max(T::EPSILON).min(T::ONE - T::EPSILON);
    -clipped.to_f64().ln()
}

/// Labels and the probabilities of classes, side by side and checked.
pub(crate) struct Probabilities<T> {
    /// The column of each sample's true class.
    codes: Vec<usize>,
    proba: Vec<T>,
    pub(crate) classes: usize,
    weights: Option<Vec<f64>>,
}

impl<T: Float> Probabilities<T> {
    pub(crate) fn new(
        operation: &str,
        y_true: &Tensor<i64>,
        y_proba: &Tensor<T>,
        labels: Option<&[i64]>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Self> {
        let fail = |text: String| Err(Error::value(operation, text));
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
            return Err(Error::shape(operation, text));
        }
        let weights = checked_weights(operation, sample_weight, n)?;
        let (y_true, proba) = (y_true.to_vec(), y_proba.to_vec());
        if let Some(p) = proba.iter().find(|p| !(T::ZERO..=T::ONE).contains(*p)) {
            return fail(format!("a probability lies in [0, 1], found {p}"));
        }
        let labels = sorted_unique(labels.unwrap_or(&y_true).iter().copied());
        let classes = (proba.len() / n).max(2);
        if labels.len() != classes {
            return fail(format!(
                "{} labels for probabilities of {classes} classes, {shape:?}",
                labels.len()
            ));
        }
        let places = Places::new(&labels);
        let mut codes = Vec::with_capacity(n);
        for &label in &y_true {
            match places.find(label) {
                Some(class) => codes.push(class),
                None => {
                    return fail(format!("y_true has label {label}, which is not among labels {labels:?}"));
                }
            }
        }
        Ok(Probabilities { codes, proba, classes, weights })
    }

    /// The weighted sum of `value(true class, probabilities of all classes)`.
    pub(crate) fn sum(&self, value: impl Fn(usize, Row<'_, T>) -> f64) -> f64 {
        let columns = self.proba.len() / self.codes.len();
        let values = self
            .codes
            .iter()
            .zip(self.proba.chunks_exact(columns))
            .map(|(&class, row)| value(class, Row { given: row, next: 0, classes: self.classes }));
        total(values, self.weights.as_ref(), false)
    }

    pub(crate) fn mean(&self, value: impl Fn(usize, Row<'_, T>) -> f64) -> f64 {
        self.sum(value) / self.weight()
    }

    pub(crate) fn weight(&self) -> f64 {
        self.weights.as_ref().map_or(self.codes.len() as f64, |weights| weights.iter().sum())
    }

    /// The share of each class in the weight of all samples.
    pub(crate) fn frequencies(&self) -> Vec<T> {
        let mut sums = vec![0.0; self.classes];
        for (i, &class) in self.codes.iter().enumerate() {
            sums[class] += weight(self.weights.as_ref(), i);
        }
        sums.into_iter().map(|sum| T::from_f64(sum / self.weight())).collect()
    }
}

/// The probabilities of all classes of one sample, also where only the second of two is given.
pub(crate) struct Row<'a, T> {
    given: &'a [T],
    next: usize,
    classes: usize,
}

impl<T: Float> Iterator for Row<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let class = self.next;
        self.next += 1;
        match self.given {
            &[p] if self.classes == 2 => [T::ONE - p, p].get(class).copied(),
            row => row.get(class).copied(),
        }
    }

    fn nth(&mut self, n: usize) -> Option<T> {
        self.next += n;
        self.next()
    }
}
