//! Negative log likelihood from log-probabilities: one pick forward, one scatter backward.

use barehand_kernels::Buffer;
use barehand_kernels::nll_loss as kernel;

use super::cross_entropy::{Reduction, check_classes, check_weight, class_axis};
use super::index::around;
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::{Element, Float};
use crate::error::Result;
use crate::layout::Dims;
use crate::tensor::Tensor;

/// The options of [`Tensor::nll_loss`]; the defaults are PyTorch's.
#[derive(Clone, Debug)]
pub struct NllLossOptions<T: Element = f32> {
    /// A weight for each class; the mean is then weighted too.
    pub weight: Option<Tensor<T>>,
    /// Samples of this class count for nothing. Default -100.
    pub ignore_index: i64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Element> Default for NllLossOptions<T> {
    fn default() -> Self {
        NllLossOptions { weight: None, ignore_index: -100, reduction: Reduction::Mean }
    }
}

struct NllLoss<T: Element> {
    targets: Tensor<i64>,
    weight: Option<Tensor<T>>,
    ignore_index: i64,
    reduction: Reduction,
}

impl<T: Float> NllLoss<T> {
    fn samples(&self, shape: &[usize]) -> kernel::Samples<'_, T> {
        let (outer, classes, inner) = around(shape, class_axis(shape));
        kernel::Samples {
            shape: [outer, classes, inner],
            targets: self.targets.packed_slice(),
            weight: self.weight.as_ref().map(Tensor::packed_slice),
            ignore_index: self.ignore_index,
        }
    }
}

impl<T: Float> Operator<T> for NllLoss<T> {
    /// The shape of the log-probabilities, and what a mean divides by.
    type Saved = (Dims, f64);

    fn name(&self) -> &'static str {
        "nll_loss"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].packed();
        let mut losses = Buffer::scratch(self.targets.len());
        let total_weight = kernel::forward(x.packed_slice(), &self.samples(x.shape()), &mut losses);
        let losses = Tensor::from_buffer(losses, self.targets.shape());
        let out = match self.reduction {
            Reduction::None => losses,
            Reduction::Sum => losses.sum()?,
            Reduction::Mean => Tensor::scalar(losses.sum()?.item()? / T::from_real(total_weight)),
        };
        Ok((out, (Dims::from_slice(x.shape()), total_weight)))
    }

    fn backward(
        &self,
        (shape, total_weight): &Self::Saved,
        grad: &Tensor<T>,
        _: &[bool],
    ) -> Result<InputGradients<T>> {
        let scale = match self.reduction {
            Reduction::Mean => Tensor::scalar(grad.item()? / T::from_real(*total_weight)),
            Reduction::None | Reduction::Sum => grad.packed(),
        };
        let mut dx = Buffer::scratch(shape.iter().product());
        kernel::backward(&self.samples(shape), scale.packed_slice(), &mut dx);
        Ok(one(Tensor::from_buffer(dx, shape)))
    }
}

impl<T: Float> Tensor<T> {
    /// Negative log likelihood of log-probabilities (N, C), (N, C, ...) or, for one sample, (C), against class indices
    /// (N), (N, ...) or a single one: -w_y x_y (`torch.nn.functional.nll_loss`). A mean divides by the sum of the
    /// weights.
    ///
    /// ```
    /// # use barehand_tensor::{NllLossOptions, Tensor};
    /// let log_p = Tensor::from([[0.25_f64, 0.75], [0.5, 0.5]]).ln().unwrap();
    /// let loss = log_p.nll_loss(&Tensor::from([1, 0]), &NllLossOptions::default()).unwrap();
    /// assert!((loss.item().unwrap() - 0.4904146265058631).abs() < 1e-15);
    /// ```
    ///
    /// # Errors
    /// When shapes do not fit, a class index is outside 0..C (and not `ignore_index`), or the weight is not one number
    /// for each class.
    pub fn nll_loss(&self, targets: &Tensor<i64>, options: &NllLossOptions<T>) -> Result<Tensor<T>> {
        let targets = check_classes("nll_loss", self.shape(), targets, options.ignore_index)?;
        check_weight("nll_loss", self.shape(), options.weight.as_ref())?;
        let operator = NllLoss {
            targets,
            weight: options.weight.as_ref().map(Tensor::packed),
            ignore_index: options.ignore_index,
            reduction: options.reduction,
        };
        apply(operator, &[self])
    }
}
