//! Losses of pairs, reduced in one walk: neither differences nor single losses are stored.

use barehand_kernels::Buffer;
use barehand_kernels::elementwise::{PairLoss, Side};

use super::cross_entropy::Reduction;
use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

struct Reduced<T> {
    loss: PairLoss<T>,
    reduction: Reduction,
}

impl<T: Float> Operator<T> for Reduced<T> {
    /// Prediction and target.
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        self.loss.name()
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (x, y) = (inputs[0].detach(), inputs[1].detach());
        let out = match self.reduction {
            Reduction::None => {
                let mut losses = Buffer::scratch(x.len());
                T::pair_loss(self.loss, x.view(), y.view(), &mut losses);
                Tensor::from_buffer(losses, x.shape())
            }
            Reduction::Sum => Tensor::scalar(T::from_real(T::pair_loss_sum(self.loss, x.view(), y.view()))),
            Reduction::Mean => {
                let sum = T::pair_loss_sum(self.loss, x.view(), y.view());
                Tensor::scalar(T::from_real(sum / x.len() as f64))
            }
        };
        Ok((out, (x, y)))
    }

    fn backward(&self, (x, y): &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let (scale, each) = match self.reduction {
            Reduction::None => (T::ONE, Some(grad.view())),
            Reduction::Sum => (grad.item()?, None),
            Reduction::Mean => (grad.item()? / T::from_usize(x.len()), None),
        };
        let of = |side: Side| {
            let mut dx = Buffer::scratch(x.len());
            T::pair_loss_backward(self.loss, side, x.view(), y.view(), scale, each, &mut dx);
            Tensor::from_buffer(dx, x.shape())
        };
        let sides = [Side::Left, Side::Right];
        Ok(sides.into_iter().zip(wants).map(|(side, want)| want.then(|| of(side))).collect())
    }
}

impl<T: Float> Tensor<T> {
    /// The loss of each element beside one of a target of the same shape, reduced. The formulas are those of [`PairLoss`].
    ///
    /// ```
    /// # use barehand_tensor::{PairLoss, Reduction, Tensor};
    /// let (x, y) = (Tensor::from([2.5_f64, 0.0]), Tensor::from([3.0, 2.0]));
    /// let loss = x.pair_loss(&y, PairLoss::Huber(1.0), Reduction::Sum).unwrap();
    /// assert_eq!(loss.item().unwrap(), 1.625);
    /// ```
    ///
    /// # Errors
    /// When the shapes differ: broadcasting a prediction and a target is nearly always a mistake.
    pub fn pair_loss(
        &self,
        target: &Tensor<T>,
        loss: PairLoss<T>,
        reduction: Reduction,
    ) -> Result<Tensor<T>> {
        if self.shape() != target.shape() {
            return Err(Error::shape(
                loss.name(),
                format!(
                    "prediction of shape {:?} and target of shape {:?} must be equal",
                    self.shape(),
                    target.shape()
                ),
            ));
        }
        apply(Reduced { loss, reduction }, &[self, target])
    }
}
