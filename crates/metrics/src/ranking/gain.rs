//! Discounted cumulative gain.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::{Rows, descending, groups};

/// Discounted cumulative gain of rankings, and its share of the best one:
///
/// ```text
/// DCG = sum over ranks r = 1, 2, ... of gain at r / log(r + 1)        NDCG = DCG / DCG of the best order
/// ```
///
/// Gains `(N, K)` are summed as they are. Equal scores share the ranks that they take: each of them counts with their mean
/// gain, which is the mean over all orders of the ties. Source: scikit-learn's `dcg_score` and `ndcg_score`.
///
/// ```
/// use barehand_metrics::Gain;
/// use barehand_tensor::Tensor;
/// let gains = Tensor::from([[10.0, 0.0, 0.0, 1.0, 5.0f64]]);
/// let scores = Tensor::from([[0.1, 0.2, 0.3, 4.0, 70.0f64]]);
/// assert!((Gain::new().dcg(&gains, &scores)? - 9.499457825916874).abs() < 1e-14);
/// assert!((Gain::new().k(2).ndcg(&gains, &scores)? - 0.4280562600295606).abs() < 1e-14);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gain<'a> {
    k: Option<usize>,
    log_base: f64,
    ignore_ties: bool,
    sample_weight: Option<&'a Tensor<f64>>,
}

impl Default for Gain<'_> {
    fn default() -> Self {
        Gain { k: None, log_base: 2.0, ignore_ties: false, sample_weight: None }
    }
}

impl<'a> Gain<'a> {
    /// All ranks, logarithms to base 2, ties averaged, every row of weight 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many of the first ranks count (default: all).
    #[must_use]
    pub fn k(mut self, k: usize) -> Self {
        self.k = Some(k);
        self
    }

    /// The base of the logarithm that discounts (default: 2).
    #[must_use]
    pub fn log_base(mut self, base: f64) -> Self {
        self.log_base = base;
        self
    }

    /// Whether to break ties by taking the later column first instead of averaging (default: no).
    #[must_use]
    pub fn ignore_ties(mut self, ignore: bool) -> Self {
        self.ignore_ties = ignore;
        self
    }

    /// A weight for each row, `(N)`.
    #[must_use]
    pub fn sample_weight(mut self, weights: &'a Tensor<f64>) -> Self {
        self.sample_weight = Some(weights);
        self
    }

    /// The mean gain of gains and scores `(N, K)`.
    ///
    /// # Errors
    /// The shapes differ or are not `(N, K)`, a number is not finite, weights are unusable, `k` is 0, or the logarithm's base is
    /// not positive.
    pub fn dcg<T: Float>(&self, y_true: &Tensor<T>, y_score: &Tensor<T>) -> Result<f64> {
        let (rows, discounts) = self.rows("dcg", y_true, y_score)?;
        Ok(rows.mean(|gains, scores| gain(gains, scores, &discounts, self.ignore_ties)))
    }

    /// The mean over rows of the gain's share of the best order's gain; 0 for a row without gains.
    ///
    /// # Errors
    /// As [`Gain::dcg`]; also where a gain is negative, or `K` is 1.
    pub fn ndcg<T: Float>(&self, y_true: &Tensor<T>, y_score: &Tensor<T>) -> Result<f64> {
        const OPERATION: &str = "ndcg";
        let (rows, discounts) = self.rows(OPERATION, y_true, y_score)?;
        if let Some(gain) = y_true.to_vec().into_iter().find(|gain| *gain < T::ZERO) {
            return Err(Error::value(OPERATION, format!("a gain is not negative, found {gain}")));
        }
        if rows.columns == 1 {
            return Err(Error::value(OPERATION, "one document has one order: two or more expected"));
        }
        Ok(rows.mean(|gains, scores| {
            let best = gain(gains, gains, &discounts, true);
            if best == 0.0 { 0.0 } else { gain(gains, scores, &discounts, self.ignore_ties) / best }
        }))
    }

    fn rows<T: Float>(
        &self,
        operation: &str,
        y_true: &Tensor<T>,
        y_score: &Tensor<T>,
    ) -> Result<(Rows, Vec<f64>)> {
        if self.k == Some(0) {
            return Err(Error::value(operation, "k is at least 1"));
        }
        if self.log_base.is_nan() || self.log_base <= 0.0 {
            let text = format!("the logarithm's base is positive, not {}", self.log_base);
            return Err(Error::value(operation, text));
        }
        let rows = Rows::new(operation, y_true, y_score, self.sample_weight)?;
        let k = self.k.unwrap_or(rows.columns);
        let discount = |rank: usize| {
            if rank < k { 1.0 / ((rank as f64 + 2.0).ln() / self.log_base.ln()) } else { 0.0 }
        };
        let discounts = (0..rows.columns).map(discount).collect();
        Ok((rows, discounts))
    }
}

fn gain(gains: &[f64], scores: &[f64], discounts: &[f64], ignore_ties: bool) -> f64 {
    if ignore_ties {
        // From the lowest score up, then turned round: of equal scores the later column first.
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[a].partial_cmp(&scores[b]).unwrap_or(std::cmp::Ordering::Equal));
        return order.iter().rev().zip(discounts).map(|(&i, discount)| gains[i] * discount).sum();
    }
    let order = descending(scores);
    let mut rank = 0;
    groups(&order, scores)
        .map(|group| {
            let mean = group.iter().map(|&i| gains[i]).sum::<f64>() / group.len() as f64;
            let discount: f64 = discounts[rank..rank + group.len()].iter().sum();
            rank += group.len();
            mean * discount
        })
        .sum()
}

/// Discounted cumulative gain of gains and scores `(N, K)`. [`Gain`] has the options.
///
/// # Errors
/// As [`Gain::dcg`].
pub fn dcg<T: Float>(y_true: &Tensor<T>, y_score: &Tensor<T>) -> Result<f64> {
    Gain::new().dcg(y_true, y_score)
}

/// Normalised discounted cumulative gain of gains and scores `(N, K)`. [`Gain`] has the options.
///
/// # Errors
/// As [`Gain::ndcg`].
pub fn ndcg<T: Float>(y_true: &Tensor<T>, y_score: &Tensor<T>) -> Result<f64> {
    Gain::new().ndcg(y_true, y_score)
}
