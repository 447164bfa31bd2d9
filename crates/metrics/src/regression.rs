//! Scores of predicted numbers: how far they are off, and how much of the targets' spread they explain.

mod deviance;
mod error;
mod explained;
mod quantile;

use barehand_tensor::{Error, Float, Result, Tensor};

pub use deviance::{d2_tweedie, mean_gamma_deviance, mean_poisson_deviance, mean_tweedie_deviance};
pub use error::{
    max_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_error,
    mean_squared_log_error, median_absolute_error, root_mean_squared_error, root_mean_squared_log_error,
};
pub use explained::{Explained, explained_variance, r2};
pub use quantile::{d2_absolute_error, d2_pinball, mean_pinball_loss};

use crate::binary_scores::{finite, reals, slice_of};
use crate::targets::checked_weights;

/// Targets and predictions `(N)` or `(N, K)` side by side, with a weight for each sample: what every score of predicted
/// numbers is a method of. Sums are added up in `f64`, in blocks of fixed size.
///
/// Methods give one number for each of the `K` outputs; [`mean_of_outputs`] makes them one. The functions of the same name
/// are their plain mean, without weights.
///
/// ```
/// use barehand_metrics::Regression;
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from([[0.5, 1.0], [-1.0, 1.0], [7.0, -6.0f64]]);
/// let y_pred = Tensor::from([[0.0, 2.0], [-1.0, 2.0], [8.0, -5.0f64]]);
/// let weights = Tensor::from([1.0, 1.0, 2.0f64]);
/// let scores = Regression::new(&y_true, &y_pred)?.sample_weight(&weights)?;
/// assert_eq!(scores.mean_squared_error(), [2.25 / 4.0, 1.0]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Regression {
    y_true: Tensor<f64>,
    y_pred: Tensor<f64>,
    samples: usize,
    outputs: usize,
    weights: Option<Vec<f64>>,
}

impl Regression {
    /// Targets and predictions of one shape, `(N)` or `(N, K)`.
    ///
    /// # Errors
    /// The shapes differ from these, there are no samples, or a number is not finite.
    pub fn new<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<Self> {
        const OPERATION: &str = "regression score";
        let (t, p) = (y_true.shape(), y_pred.shape());
        if t != p || !matches!(t.len(), 1 | 2) {
            let text =
                format!("expected targets and predictions of one shape (N) or (N, K), found {t:?} and {p:?}");
            return Err(Error::shape(OPERATION, text));
        }
        if y_true.is_empty() {
            return Err(Error::value(OPERATION, format!("there is no score of targets {t:?}")));
        }
        let (samples, outputs) = (t[0], t.get(1).copied().unwrap_or(1));
        let (y_true, y_pred) = (reals(y_true), reals(y_pred));
        finite(OPERATION, "targets", slice_of(&y_true))?;
        finite(OPERATION, "predictions", slice_of(&y_pred))?;
        Ok(Regression { y_true, y_pred, samples, outputs, weights: None })
    }

    /// A weight for each sample, `(N)`.
    ///
    /// # Errors
    /// Another shape, or weights that are negative, not finite, or all 0.
    pub fn sample_weight(mut self, weights: &Tensor<f64>) -> Result<Self> {
        self.weights = checked_weights("regression score", Some(weights), self.samples)?;
        Ok(self)
    }

    /// How many numbers are predicted for each sample.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// For each output, the weighted mean of `value(target, prediction)`.
    fn means(&self, value: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..self.outputs).map(|output| self.mean_at(output, &value)).collect()
    }

    /// The weighted mean of `value(target, prediction)` of one output.
    fn mean_at(&self, output: usize, value: impl Fn(f64, f64) -> f64) -> f64 {
        self.sum_at(output, value) / self.weight()
    }

    /// The weighted sum of `value(target, prediction)` of one output.
    fn sum_at(&self, output: usize, value: impl Fn(f64, f64) -> f64) -> f64 {
        let (t, p, k) = (slice_of(&self.y_true), slice_of(&self.y_pred), self.outputs);
        if k == 1 {
            // Slices of one length, so that the compiler sees no bounds.
            return match &self.weights {
                None => in_blocks(self.samples, |range| {
                    let pairs = t[range.clone()].iter().zip(&p[range]);
                    lanes(pairs.map(|(&t, &p)| value(t, p)))
                }),
                Some(weights) => in_blocks(self.samples, |range| {
                    let pairs = t[range.clone()].iter().zip(&p[range.clone()]).zip(&weights[range]);
                    lanes(pairs.map(|((&t, &p), weight)| weight * value(t, p)))
                }),
            };
        }
        in_blocks(self.samples, |range| {
            lanes(range.map(|i| {
                let weight = self.weights.as_ref().map_or(1.0, |weights| weights[i]);
                weight * value(t[i * k + output], p[i * k + output])
            }))
        })
    }

    /// The sum of all weights.
    fn weight(&self) -> f64 {
        match &self.weights {
            None => self.samples as f64,
            Some(weights) => in_blocks(self.samples, |range| lanes(weights[range].iter().copied())),
        }
    }

    /// The targets and predictions of one output.
    fn output(&self, output: usize) -> impl Iterator<Item = (f64, f64)> + '_ {
        let pairs = slice_of(&self.y_true).iter().zip(slice_of(&self.y_pred));
        pairs.skip(output).step_by(self.outputs).map(|(&t, &p)| (t, p))
    }
}

/// The mean of what several outputs score, weighted where weights are given.
///
/// # Errors
/// Not one weight for each output, or weights that sum to 0.
pub fn mean_of_outputs(scores: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    const OPERATION: &str = "mean of outputs";
    let Some(weights) = weights else {
        return Ok(scores.iter().sum::<f64>() / scores.len() as f64);
    };
    if weights.len() != scores.len() {
        return Err(Error::shape(
            OPERATION,
            format!("{} weights for {} outputs", weights.len(), scores.len()),
        ));
    }
    let whole: f64 = weights.iter().sum();
    if whole == 0.0 {
        return Err(Error::value(OPERATION, "the weights sum to 0"));
    }
    Ok(scores.iter().zip(weights).map(|(score, weight)| score * weight).sum::<f64>() / whole)
}

/// Sums of blocks, added up in order: errors grow with the number of blocks only.
fn in_blocks(n: usize, sum: impl Fn(std::ops::Range<usize>) -> f64) -> f64 {
    const BLOCK: usize = 1024;
    (0..n.div_ceil(BLOCK)).map(|block| sum(block * BLOCK..n.min((block + 1) * BLOCK))).sum()
}

/// A sum in four parts, which a processor adds up at the same time.
fn lanes(mut values: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; 4];
    loop {
        for sum in &mut sums {
            match values.next() {
                Some(value) => *sum += value,
                None => return (sums[0] + sums[1]) + (sums[2] + sums[3]),
            }
        }
    }
}

/// The plain mean over outputs, of samples of weight 1.
fn plain<T: Float>(
    y_true: &Tensor<T>,
    y_pred: &Tensor<T>,
    score: impl FnOnce(&Regression) -> Result<Vec<f64>>,
) -> Result<f64> {
    mean_of_outputs(&score(&Regression::new(y_true, y_pred)?)?, None)
}
