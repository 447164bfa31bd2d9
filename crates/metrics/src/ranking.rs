//! Scores of rankings: is what is relevant near the top?

mod gain;
mod labels;
mod retrieval;

use barehand_tensor::{Element, Error, Float, Result, Tensor};

pub use gain::{Gain, dcg, ndcg};
pub use labels::{coverage_error, label_ranking_average_precision, label_ranking_loss};
pub use retrieval::{Retrieval, hit_rate, mean_average_precision_at_k, mean_reciprocal_rank, recall_at_k};

use crate::binary_scores::{finite, reals, slice_of};
use crate::targets::{checked_weights, total};

/// Truths and scores `(N, K)` side by side, and a weight for each row.
struct Rows {
    truth: Tensor<f64>,
    scores: Tensor<f64>,
    columns: usize,
    weights: Option<Vec<f64>>,
}

impl Rows {
    fn new<U: Element, T: Float>(
        operation: &str,
        y_true: &Tensor<U>,
        y_score: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Rows> {
        let (t, s) = (y_true.shape(), y_score.shape());
        if t.len() != 2 || t != s || y_true.is_empty() {
            let text = format!("expected truths and scores of one shape (N, K), found {t:?} and {s:?}");
            return Err(Error::shape(operation, text));
        }
        let (truth, scores) = (reals(y_true), reals(y_score));
        finite(operation, "truths", slice_of(&truth))?;
        finite(operation, "scores", slice_of(&scores))?;
        let weights = checked_weights(operation, sample_weight, t[0])?;
        Ok(Rows { truth, scores, columns: t[1], weights })
    }

    /// The weighted mean of `value(truths, scores)` over rows.
    fn mean(&self, value: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
        let truth = slice_of(&self.truth).chunks_exact(self.columns);
        let rows = truth.zip(slice_of(&self.scores).chunks_exact(self.columns));
        total(rows.map(|(truth, scores)| value(truth, scores)), self.weights.as_ref(), true)
    }
}

/// Columns by descending score; equal scores stand together, in the order of columns.
fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap_or(std::cmp::Ordering::Equal));
    order
}

/// Groups of columns with equal scores, from the highest down.
fn groups<'a>(order: &'a [usize], scores: &'a [f64]) -> impl Iterator<Item = &'a [usize]> {
    order.chunk_by(|&a, &b| scores[a] == scores[b])
}
