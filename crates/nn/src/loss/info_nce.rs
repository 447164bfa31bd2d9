//! Contrastive losses over a batch: each sample's partner among everybody else's.

use barehand_tensor::concat;

use super::cross_entropy::CrossEntropyLoss;
use super::same_shape;
use crate::{Error, Float, Reduction, Result, Tensor};

/// x / max(‖x‖, 1e-12) over the last axis.
fn normalized<T: Float>(x: &Tensor<T>) -> Result<Tensor<T>> {
    x.div(&x.vector_norm(2.0, -1, true)?.clamp(1e-12, f64::INFINITY)?)
}

fn check<T: Float>(loss: &str, anchors: &Tensor<T>, positives: &Tensor<T>, temperature: f64) -> Result<()> {
    same_shape(loss, anchors, positives)?;
    if anchors.rank() != 2 {
        return Err(Error::shape(
            loss,
            format!("embeddings of shape {:?}: (N, D) expected", anchors.shape()),
        ));
    }
    if temperature.is_nan() || temperature <= 0.0 {
        return Err(Error::value(loss, format!("temperature = {temperature} must be positive")));
    }
    Ok(())
}

/// The two halves of 2N embeddings: N anchors, then their N positives.
fn halves<T: Float>(loss: &str, embeddings: &Tensor<T>) -> Result<(Tensor<T>, Tensor<T>)> {
    let rows = embeddings.shape().first().copied().unwrap_or(0);
    if embeddings.rank() != 2 || !rows.is_multiple_of(2) {
        return Err(Error::shape(
            loss,
            format!("embeddings of shape {:?}: N anchors and then N positives expected", embeddings.shape()),
        ));
    }
    Ok((embeddings.narrow(0, 0, rows / 2)?, embeddings.narrow(0, rows / 2, rows / 2)?))
}

/// Cross entropy of the similarities of each anchor with every positive, the right one being its own (van den Oord et al.
/// 2018): logits a pᵀ / temperature, labels on the diagonal. Symmetric, it is CLIP's loss (Radford et al. 2021).
///
/// ```
/// use barehand_nn::{InfoNceLoss, Tensor};
///
/// let x = Tensor::from([[1.0_f64, 0.0], [0.0, 1.0]]);
/// let loss = InfoNceLoss { temperature: 1.0, ..InfoNceLoss::default() }.forward(&x, &x).unwrap();
/// assert!((loss.item().unwrap() - (1.0 + (-1.0_f64).exp()).ln()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InfoNceLoss {
    /// Default 0.07.
    pub temperature: f64,
    /// Whether embeddings are first divided by their length. Default true.
    pub normalize: bool,
    /// Whether each positive looks for its anchor too, and the two losses are averaged. Default false.
    pub symmetric: bool,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for InfoNceLoss {
    fn default() -> Self {
        InfoNceLoss { temperature: 0.07, normalize: true, symmetric: false, reduction: Reduction::Mean }
    }
}

impl InfoNceLoss {
    /// The loss of anchors and their positives, both (N, D).
    ///
    /// # Errors
    /// When the shapes differ or are not (N, D), or the temperature is not positive.
    pub fn forward<T: Float>(&self, anchors: &Tensor<T>, positives: &Tensor<T>) -> Result<Tensor<T>> {
        check("info_nce_loss", anchors, positives, self.temperature)?;
        let (anchors, positives) = if self.normalize {
            (normalized(anchors)?, normalized(positives)?)
        } else {
            (anchors.clone(), positives.clone())
        };
        let logits = anchors.matmul(&positives.t()?)?.mul_scalar(1.0 / self.temperature)?;
        let own = Tensor::<i64>::arange(0.0, anchors.shape()[0] as f64, 1.0)?;
        let loss = CrossEntropyLoss { reduction: self.reduction, ..CrossEntropyLoss::default() };
        let one_way = loss.forward(&logits, &own)?;
        if !self.symmetric {
            return Ok(one_way);
        }
        one_way.add(&loss.forward(&logits.t()?, &own)?)?.mul_scalar(0.5)
    }

    /// The loss of 2N embeddings (2N, D): N anchors, and then their N positives.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and when the number of rows is odd.
    pub fn forward_stacked<T: Float>(&self, embeddings: &Tensor<T>) -> Result<Tensor<T>> {
        let (anchors, positives) = halves("info_nce_loss", embeddings)?;
        self.forward(&anchors, &positives)
    }
}

/// SimCLR's form (Chen et al. 2020): of 2N embeddings, two views of N samples, each looks for its other view among all
/// 2N - 1 others.
#[derive(Clone, Copy, Debug)]
pub struct NtXentLoss {
    /// Default 0.5.
    pub temperature: f64,
    /// Whether embeddings are first divided by their length. Default true.
    pub normalize: bool,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for NtXentLoss {
    fn default() -> Self {
        NtXentLoss { temperature: 0.5, normalize: true, reduction: Reduction::Mean }
    }
}

impl NtXentLoss {
    /// The loss of two views, both (N, D).
    ///
    /// # Errors
    /// When the shapes differ or are not (N, D), or the temperature is not positive.
    pub fn forward<T: Float>(&self, first: &Tensor<T>, second: &Tensor<T>) -> Result<Tensor<T>> {
        check("nt_xent_loss", first, second, self.temperature)?;
        let n = first.shape()[0];
        let views = concat(&[first, second], 0)?;
        let views = if self.normalize { normalized(&views)? } else { views };
        let itself = Tensor::<f64>::eye(2 * n).gt_scalar(0.5)?;
        let logits = views
            .matmul(&views.t()?)?
            .mul_scalar(1.0 / self.temperature)?
            .masked_fill(&itself, T::from_real(f64::NEG_INFINITY))?;
        let other: Vec<i64> = (0..2 * n).map(|i| ((i + n) % (2 * n).max(1)) as i64).collect();
        let other = Tensor::from_vec(other, [2 * n])?;
        CrossEntropyLoss { reduction: self.reduction, ..CrossEntropyLoss::default() }.forward(&logits, &other)
    }

    /// The loss of 2N embeddings (2N, D): N first views, and then their N second ones.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and when the number of rows is odd.
    pub fn forward_stacked<T: Float>(&self, embeddings: &Tensor<T>) -> Result<Tensor<T>> {
        let (first, second) = halves("nt_xent_loss", embeddings)?;
        self.forward(&first, &second)
    }
}
