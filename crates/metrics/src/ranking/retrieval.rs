//! Scores of search: for each query, documents with scores, some of which are relevant.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::{Rows, descending, groups};

/// Scores of rankings of documents, `(queries, documents)`, cut off after the first `k`.
///
/// Equal scores have no order: each score is its mean over all orders of the ties, so that a model which scores everything
/// the same gets what guessing gets. A query without relevant documents scores 0.
///
/// ```
/// use barehand_metrics::Retrieval;
/// use barehand_tensor::Tensor;
/// let relevant = Tensor::from_vec(vec![false, true, false, true, false, false], [2, 3])?;
/// let scores = Tensor::from([[0.9, 0.5, 0.1], [0.2, 0.3, 0.1f64]]);
/// let search = Retrieval::new(&relevant, &scores)?;
/// assert_eq!(search.mean_reciprocal_rank(None)?, 0.5);
/// assert_eq!(search.recall(1)?, 0.0);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub struct Retrieval {
    rows: Rows,
}

impl Retrieval {
    /// Which documents are relevant, and their scores, both `(queries, documents)`.
    ///
    /// # Errors
    /// The shapes differ or are not `(queries, documents)`, or a score is not finite.
    pub fn new<T: Float>(relevant: &Tensor<bool>, scores: &Tensor<T>) -> Result<Self> {
        Ok(Retrieval { rows: Rows::new("retrieval", relevant, scores, None)? })
    }

    /// A weight for each query.
    ///
    /// # Errors
    /// Another shape, or weights that are negative, not finite, or all 0.
    pub fn query_weight(mut self, weights: &Tensor<f64>) -> Result<Self> {
        let queries = self.rows.truth.shape()[0];
        self.rows.weights = crate::targets::checked_weights("retrieval", Some(weights), queries)?;
        Ok(self)
    }

    /// The mean of 1 / rank of the first relevant document; 0 where it is not among the first `k`.
    ///
    /// # Errors
    /// `k` is 0.
    pub fn mean_reciprocal_rank(&self, k: Option<usize>) -> Result<f64> {
        self.over_groups(k.unwrap_or(usize::MAX), |groups, k| {
            let Some(group) = groups.iter().find(|group| group.relevant > 0) else { return 0.0 };
            // The first of r relevant among m comes at place j with probability C(m - j, r - 1) / C(m, r).
            let (m, r) = (group.size as f64, group.relevant as f64);
            let mut probability = r / m;
            let mut sum = 0.0;
            for j in 1..=group.size - group.relevant + 1 {
                let rank = group.before + j;
                if rank > k {
                    break;
                }
                sum += probability / rank as f64;
                let left = m - j as f64;
                probability *= if left > 0.0 { (left - r + 1.0) / left } else { 0.0 };
            }
            sum
        })
    }

    /// The mean share of the relevant documents that are among the first `k`.
    ///
    /// # Errors
    /// `k` is 0.
    pub fn recall(&self, k: usize) -> Result<f64> {
        self.over_groups(k, |groups, k| {
            let relevant: usize = groups.iter().map(|group| group.relevant).sum();
            let found = |group: &Group| {
                let taken = k.saturating_sub(group.before).min(group.size);
                group.relevant as f64 * (taken as f64 / group.size as f64)
            };
            if relevant == 0 { 0.0 } else { groups.iter().map(found).sum::<f64>() / relevant as f64 }
        })
    }

    /// The share of queries with a relevant document among the first `k`.
    ///
    /// # Errors
    /// `k` is 0.
    pub fn hit_rate(&self, k: usize) -> Result<f64> {
        self.over_groups(k, |groups, k| {
            let Some(group) = groups.iter().find(|group| group.relevant > 0) else { return 0.0 };
            let taken = k.saturating_sub(group.before).min(group.size);
            // No relevant one among those taken: C(m - r, taken) / C(m, taken).
            let missed =
                |i: usize| (group.size - group.relevant).saturating_sub(i) as f64 / (group.size - i) as f64;
            1.0 - (0..taken).map(missed).product::<f64>()
        })
    }

    /// The mean of the average precision at `k`: the mean of the precision at the rank of each relevant document among the
    /// first `k`, as a share of the `min(k, relevant)` that could be there.
    ///
    /// ```text
    /// AP@k = sum over ranks i to k of [relevant at i] hits up to i / i,   divided by min(k, relevant documents)
    /// ```
    ///
    /// # Errors
    /// `k` is 0.
    pub fn mean_average_precision(&self, k: Option<usize>) -> Result<f64> {
        self.over_groups(k.unwrap_or(usize::MAX), |groups, k| {
            let (mut hits, mut sum) = (0.0, 0.0);
            for group in groups {
                let (m, r) = (group.size as f64, group.relevant as f64);
                for j in 0..k.saturating_sub(group.before).min(group.size) {
                    // Relevant with probability r / m, and then on average so many relevant ones stand before it.
                    let before = if group.size > 1 { j as f64 * (r - 1.0) / (m - 1.0) } else { 0.0 };
                    sum += r / m * (hits + 1.0 + before) / (group.before + j + 1) as f64;
                }
                hits += r;
            }
            if hits == 0.0 { 0.0 } else { sum / hits.min(k as f64) }
        })
    }

    fn over_groups(&self, k: usize, value: impl Fn(&[Group], usize) -> f64) -> Result<f64> {
        if k == 0 {
            return Err(Error::value("retrieval", "k is at least 1"));
        }
        Ok(self.rows.mean(|relevant, scores| {
            let order = descending(scores);
            let mut before = 0;
            let tied: Vec<Group> = groups(&order, scores)
                .map(|group| {
                    let size = group.len();
                    before += size;
                    let relevant = group.iter().filter(|&&i| relevant[i] != 0.0).count();
                    Group { before: before - size, size, relevant }
                })
                .collect();
            value(&tied, k.min(scores.len()))
        }))
    }
}

/// Documents with equal scores.
struct Group {
    /// How many documents score higher.
    before: usize,
    size: usize,
    relevant: usize,
}

/// The mean of 1 / rank of the first relevant document; both `(queries, documents)`. [`Retrieval`] has weights.
///
/// # Errors
/// As [`Retrieval::new`].
pub fn mean_reciprocal_rank<T: Float>(relevant: &Tensor<bool>, scores: &Tensor<T>) -> Result<f64> {
    Retrieval::new(relevant, scores)?.mean_reciprocal_rank(None)
}

/// The mean average precision at `k`; both `(queries, documents)`.
///
/// # Errors
/// As [`Retrieval::new`], or where `k` is 0.
pub fn mean_average_precision_at_k<T: Float>(
    relevant: &Tensor<bool>,
    scores: &Tensor<T>,
    k: usize,
) -> Result<f64> {
    Retrieval::new(relevant, scores)?.mean_average_precision(Some(k))
}

/// The mean share of relevant documents among the first `k`; both `(queries, documents)`.
///
/// # Errors
/// As [`Retrieval::new`], or where `k` is 0.
pub fn recall_at_k<T: Float>(relevant: &Tensor<bool>, scores: &Tensor<T>, k: usize) -> Result<f64> {
    Retrieval::new(relevant, scores)?.recall(k)
}

/// The share of queries with a relevant document among the first `k`; both `(queries, documents)`.
///
/// # Errors
/// As [`Retrieval::new`], or where `k` is 0.
pub fn hit_rate<T: Float>(relevant: &Tensor<bool>, scores: &Tensor<T>, k: usize) -> Result<f64> {
    Retrieval::new(relevant, scores)?.hit_rate(k)
}
