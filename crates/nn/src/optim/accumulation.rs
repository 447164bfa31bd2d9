//! One step from several micro-batches.

use crate::{Error, Float, Gradients, Result};

/// Gradients of several micro-batches, put together as if they were one batch.
///
/// The gradient of a mean over n tokens counts n times:
///
/// ```text
/// gradient = sum_i n_i gradient_i / sum_i n_i
/// ```
///
/// A mean of the means would let a token of a short micro-batch count more than one of a long micro-batch.
///
/// ```
/// use barehand_nn::{Accumulation, Tensor};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let w = Tensor::from([2.0_f64]).requires_grad();
/// let loss = |x: &[f64]| w.mul(&Tensor::from_vec(x.to_vec(), [x.len()])?)?.mean();
/// let mut accumulation = Accumulation::new();
/// accumulation.add(loss(&[1.0, 2.0, 3.0])?.backward()?, 3.0)?;
/// accumulation.add(loss(&[10.0])?.backward()?, 1.0)?;
/// let whole = loss(&[1.0, 2.0, 3.0, 10.0])?.backward()?;
/// assert_eq!(accumulation.take()?.of(&w)?, whole.of(&w)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Accumulation<T: Float = f32> {
    sum: Gradients<T>,
    count: f64,
}

impl<T: Float> Default for Accumulation<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Float> Accumulation<T> {
    /// Of nothing yet.
    pub fn new() -> Self {
        Accumulation { sum: Gradients::default(), count: 0.0 }
    }

    /// Adds the gradients of a loss that is a mean over `count` samples or tokens, or over as much weight.
    ///
    /// # Errors
    /// When the count is negative or not finite.
    pub fn add(&mut self, mut gradients: Gradients<T>, count: f64) -> Result<()> {
        if !(count.is_finite() && count >= 0.0) {
            return Err(Error::value("Accumulation", format!("a mean over {count} samples")));
        }
        // Of nothing the mean, and so its gradient, is no number.
        if count > 0.0 {
            gradients.scale(T::from_real(count));
            self.sum.accumulate(gradients)?;
            self.count += count;
        }
        Ok(())
    }

    /// How many samples or tokens have been added since the last [`take`](Accumulation::take).
    pub fn count(&self) -> f64 {
        self.count
    }

    /// The gradients of the mean over everything that was added, and begins again.
    ///
    /// # Errors
    /// When nothing was added.
    pub fn take(&mut self) -> Result<Gradients<T>> {
        if self.count == 0.0 {
            return Err(Error::value("Accumulation", "nothing was added: there is no mean of no samples"));
        }
        let Accumulation { mut sum, count } = std::mem::take(self);
        sum.scale(T::from_real(1.0 / count));
        Ok(sum)
    }
}
