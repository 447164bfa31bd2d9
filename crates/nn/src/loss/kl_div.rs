//! Kullback-Leibler divergence: PyTorch's of logarithms, and that of plain weights.

use barehand_tensor::PairLoss;

use super::same_shape;
use crate::{Error, Float, Reduction, Result, Tensor};

/// How the terms of a divergence become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DivergenceReduction {
    /// They stay as they are.
    None,
    /// The mean over all terms: PyTorch's default, and no divergence, for classes are no samples.
    #[default]
    Mean,
    /// The sum over the length of the first axis: the mean divergence of a batch.
    BatchMean,
    /// The sum.
    Sum,
}

/// y (ln y - x) of log-probabilities x and probabilities y, or with `log_target` eʸ (y - x) of their logarithms
/// (`torch.nn.KLDivLoss`): summed, the divergence of the *target* from the *input*, KL(target ‖ input).
#[derive(Clone, Copy, Debug, Default)]
pub struct KlDivLoss {
    /// Default: the mean over all terms.
    pub reduction: DivergenceReduction,
    /// Whether targets are logarithms too. Default false.
    pub log_target: bool,
}

impl KlDivLoss {
    /// The divergence of the target from the input, of one shape.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, input: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        let loss = if self.log_target { PairLoss::KlDivergenceOfLogs } else { PairLoss::KlDivergence };
        let reduction = match self.reduction {
            DivergenceReduction::None => Reduction::None,
            DivergenceReduction::Mean => Reduction::Mean,
            DivergenceReduction::BatchMean | DivergenceReduction::Sum => Reduction::Sum,
        };
        let loss = input.pair_loss(target, loss, reduction)?;
        if self.reduction != DivergenceReduction::BatchMean {
            return Ok(loss);
        }
        match input.shape().first() {
            Some(&rows) => loss.mul_scalar(1.0 / rows as f64),
            None => Err(Error::shape("kl_div", "a number has no batch to take the mean over")),
        }
    }
}

/// Which of two distributions the expectation is taken under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// KL(first ‖ second) = Σ p ln(p / q): the default.
    #[default]
    FirstFromSecond,
    /// KL(second ‖ first) = Σ q ln(q / p).
    SecondFromFirst,
}

/// The divergence of two arrays of weights, each row (the last axis) divided by its sum, and then raised by `eps`.
///
/// ```
/// use barehand_nn::{KlDivergence, Tensor};
///
/// let (p, q) = (Tensor::from([0.4_f64, 0.6]), Tensor::from([0.5, 0.5]));
/// let divergence = KlDivergence::default().forward(&p, &q).unwrap();
/// assert!((divergence.item().unwrap() - 0.020135513550688863).abs() < 1e-11);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KlDivergence {
    /// Default: the first from the second.
    pub direction: Direction,
    /// Added to each probability. Default 1e-12.
    pub eps: f64,
    /// Of the rows' divergences. Default: mean.
    pub reduction: Reduction,
}

impl Default for KlDivergence {
    fn default() -> Self {
        KlDivergence { direction: Direction::default(), eps: 1e-12, reduction: Reduction::Mean }
    }
}

impl KlDivergence {
    /// The divergence of weights of one shape, none negative.
    ///
    /// # Errors
    /// When the shapes differ, or there is no axis to normalise along.
    pub fn forward<T: Float>(&self, first: &Tensor<T>, second: &Tensor<T>) -> Result<Tensor<T>> {
        same_shape("kl_divergence", first, second)?;
        let normalized = |x: &Tensor<T>| x.div(&x.sum_dim(-1, true)?)?.add_scalar(self.eps);
        let (p, q) = match self.direction {
            Direction::FirstFromSecond => (normalized(first)?, normalized(second)?),
            Direction::SecondFromFirst => (normalized(second)?, normalized(first)?),
        };
        let rows = p.mul(&p.div(&q)?.ln()?)?.sum_dim(-1, false)?;
        self.reduction.apply(&rows)
    }
}
