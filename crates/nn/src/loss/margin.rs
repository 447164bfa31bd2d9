//! Losses of order: what should rank higher must do so by a margin.

use super::same_shape;
use crate::{Error, Float, Reduction, Result, Tensor};

/// max(0, -target (first - second) + margin) (`torch.nn.MarginRankingLoss`): a target of 1 says that the first should rank
/// higher, -1 the second.
#[derive(Clone, Copy, Debug, Default)]
pub struct MarginRankingLoss {
    /// Default 0.
    pub margin: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl MarginRankingLoss {
    /// The loss of two scores and which should be higher.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(
        &self,
        first: &Tensor<T>,
        second: &Tensor<T>,
        target: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        same_shape("margin_ranking_loss", first, second)?;
        same_shape("margin_ranking_loss", first, target)?;
        let losses = second.sub(first)?.mul(target)?.add_scalar(self.margin)?.relu()?;
        self.reduction.apply(&losses)
    }
}

/// max(0, positive - negative + margin) of distances: the pairwise margin loss of two-tower models, a triplet loss whose
/// distances are given. Of similarities, which are large where distances are small, give the negative one first.
#[derive(Clone, Copy, Debug)]
pub struct PairwiseMarginLoss {
    /// Default 1.
    pub margin: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for PairwiseMarginLoss {
    fn default() -> Self {
        PairwiseMarginLoss { margin: 1.0, reduction: Reduction::Mean }
    }
}

impl PairwiseMarginLoss {
    /// The loss of the distances to what belongs to an anchor and to what does not.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, positive: &Tensor<T>, negative: &Tensor<T>) -> Result<Tensor<T>> {
        same_shape("pairwise_margin_loss", positive, negative)?;
        self.reduction.apply(&positive.sub(negative)?.add_scalar(self.margin)?.relu()?)
    }
}

/// Σ_(c ≠ y) w_y max(0, margin - x_y + x_c)^p / C, over the classes of a row (`torch.nn.MultiMarginLoss`).
#[derive(Clone, Debug)]
pub struct MultiMarginLoss<T: Float = f32> {
    /// 1 (the default) or 2.
    pub p: u8,
    /// Default 1.
    pub margin: f64,
    /// A weight for each class; unlike in cross entropy the mean is not weighted.
    pub weight: Option<Tensor<T>>,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Float> Default for MultiMarginLoss<T> {
    fn default() -> Self {
        MultiMarginLoss { p: 1, margin: 1.0, weight: None, reduction: Reduction::Mean }
    }
}

impl<T: Float> MultiMarginLoss<T> {
    /// The loss of scores (N, C) against class indices (N), or of (C) against one.
    ///
    /// # Errors
    /// When shapes do not fit, a class is outside 0..C, the weight is not one number for each class, or p is neither 1
    /// nor 2.
    pub fn forward(&self, scores: &Tensor<T>, target: &Tensor<i64>) -> Result<Tensor<T>> {
        const NAME: &str = "multi_margin_loss";
        if self.p != 1 && self.p != 2 {
            return Err(Error::value(NAME, format!("p = {} must be 1 or 2", self.p)));
        }
        if scores.rank() == 1 && target.rank() <= 1 && target.len() == 1 {
            let losses = self.rows(&scores.unsqueeze(0)?, &target.reshape([1])?)?;
            return self.reduction.apply(&losses.squeeze(0)?);
        }
        if scores.rank() != 2 || target.shape() != &scores.shape()[..1] {
            return Err(Error::shape(
                NAME,
                format!(
                    "scores of shape {:?} and classes of shape {:?}: (N, C) and (N), or (C) and one, expected",
                    scores.shape(),
                    target.shape()
                ),
            ));
        }
        self.reduction.apply(&self.rows(scores, target)?)
    }

    fn rows(&self, scores: &Tensor<T>, target: &Tensor<i64>) -> Result<Tensor<T>> {
        const NAME: &str = "multi_margin_loss";
        let classes = scores.shape()[1];
        if let Some(wrong) = target.to_vec().into_iter().find(|&y| !(0..classes as i64).contains(&y)) {
            return Err(Error::index(NAME, format!("target {wrong} is not one of the {classes} classes")));
        }
        let column = target.unsqueeze(1)?;
        let right = scores.gather(1, &column)?;
        let mut losses = scores.sub(&right)?.add_scalar(self.margin)?.relu()?;
        if self.p == 2 {
            losses = losses.square()?;
        }
        // The right class is not compared with itself.
        let others = Tensor::ones(scores.shape()).scatter(1, &column, &Tensor::zeros(column.shape()))?;
        losses = losses.mul(&others)?.sum_dim(1, false)?.mul_scalar(1.0 / classes as f64)?;
        let Some(weight) = &self.weight else { return Ok(losses) };
        if weight.shape() != [classes] {
            return Err(Error::shape(
                NAME,
                format!(
                    "the weight has shape {:?}; one number for each of {classes} classes expected",
                    weight.shape()
                ),
            ));
        }
        losses.mul(&weight.detach().index_select(0, target)?)
    }
}
