//! Cross entropy from logits, fused: neither probabilities nor one-hot targets are ever stored.

use barehand_kernels::Buffer;
use barehand_kernels::cross_entropy as kernel;

use crate::autograd::is_recording;
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::tensor::Tensor;

/// How the losses of single samples become the loss of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// They stay as they are.
    None,
    /// Their (weighted) mean: the default.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl Reduction {
    /// Reduces a tensor of losses.
    ///
    /// # Errors
    /// Never, but for failures of the sum itself.
    pub fn apply<T: Float>(self, losses: &Tensor<T>) -> Result<Tensor<T>> {
        match self {
            Reduction::None => Ok(losses.clone()),
            Reduction::Mean => losses.mean(),
            Reduction::Sum => losses.sum(),
        }
    }
}

/// What the right answers are.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a, T: Element> {
    /// The index of the right class, for each sample.
    Classes(&'a Tensor<i64>),
    /// A probability for every class (one-hot rows among them), for each sample.
    Probabilities(&'a Tensor<T>),
}

impl<'a, T: Element> From<&'a Tensor<i64>> for Targets<'a, T> {
    fn from(classes: &'a Tensor<i64>) -> Self {
        Targets::Classes(classes)
    }
}

/// The options of [`Tensor::cross_entropy`]; the defaults are PyTorch's.
#[derive(Clone, Debug)]
pub struct CrossEntropyOptions<T: Element = f32> {
    /// A weight for each class; the mean is then weighted too.
    pub weight: Option<Tensor<T>>,
    /// Samples of this class count for nothing. Default -100.
    pub ignore_index: i64,
    /// The share of probability taken from the target and spread evenly over all classes. Default 0.
    pub label_smoothing: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Element> Default for CrossEntropyOptions<T> {
    fn default() -> Self {
        CrossEntropyOptions {
            weight: None,
            ignore_index: -100,
            label_smoothing: 0.0,
            reduction: Reduction::Mean,
        }
    }
}

enum Owned<T: Element> {
    Classes(Tensor<i64>),
    Probabilities(Tensor<T>),
}

struct CrossEntropy<T: Element> {
    targets: Owned<T>,
    weight: Option<Tensor<T>>,
    ignore_index: i64,
    label_smoothing: T,
    reduction: Reduction,
    /// Whether the logits want a gradient.
    recorded: bool,
}

impl<T: Float> CrossEntropy<T> {
    fn targets(&self) -> kernel::Targets<'_, T> {
        match &self.targets {
            Owned::Classes(classes) => kernel::Targets::Classes(classes.packed_slice()),
            Owned::Probabilities(rows) => kernel::Targets::Probabilities(rows.packed_slice()),
        }
    }

    fn options(&self) -> kernel::CrossEntropyOptions<'_, T> {
        kernel::CrossEntropyOptions {
            weight: self.weight.as_ref().map(Tensor::packed_slice),
            ignore_index: self.ignore_index,
            label_smoothing: self.label_smoothing,
        }
    }
}

enum Saved<T: Element> {
    /// For a gradient of every single loss, which is not known before it comes.
    Logits(Tensor<T>, Buffer<T>),
    /// The gradient of the logits for a gradient of 1 of the reduced loss: written while the logits were read, which is half
    /// of the memory traffic, and the logits need not be kept.
    Gradient(Tensor<T>),
    /// Nothing is recorded.
    Nothing,
}

impl<T: Float> Operator<T> for CrossEntropy<T> {
    type Saved = Saved<T>;

    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Saved<T>)> {
        let logits = inputs[0].packed();
        let &[rows, classes] = logits.shape() else {
            return Err(Error::shape(
                "cross_entropy",
                format!("logits of shape {:?}, not (N, C)", logits.shape()),
            ));
        };
        let mut losses = Buffer::scratch(rows);
        let (x, targets, options) = (logits.packed_slice(), self.targets(), self.options());
        let total_weight = T::cross_entropy_weight(rows, targets, &options);
        let saved = if self.recorded && self.reduction != Reduction::None {
            let scale = if self.reduction == Reduction::Mean { 1.0 / total_weight } else { 1.0 };
            let mut dx = Buffer::scratch(logits.len());
            let scale = T::from_real(scale);
            T::cross_entropy_with_gradient(x, classes, targets, &options, scale, &mut losses, &mut dx);
            Saved::Gradient(Tensor::from_buffer(dx, logits.shape()))
        } else {
            let mut log_sum_exp = Buffer::scratch(rows);
            T::cross_entropy(x, classes, targets, &options, &mut losses, &mut log_sum_exp);
            if self.recorded { Saved::Logits(logits.clone(), log_sum_exp) } else { Saved::Nothing }
        };
        let losses = Tensor::from_buffer(losses, &[rows]);
        let out = match self.reduction {
            Reduction::None => losses,
            Reduction::Sum => losses.sum()?,
            Reduction::Mean => Tensor::scalar(losses.sum()?.item()? / T::from_real(total_weight)),
        };
        Ok((out, saved))
    }

    fn backward(&self, saved: &Saved<T>, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        Ok(one(match saved {
            Saved::Gradient(dx) if grad.item()? == T::ONE => dx.clone(),
            Saved::Gradient(dx) => dx.mul_scalar(grad.item()?.as_f64())?,
            Saved::Logits(logits, log_sum_exp) => {
                let mut dx = Buffer::scratch(logits.len());
                T::cross_entropy_backward(
                    logits.packed_slice(),
                    logits.shape()[1],
                    self.targets(),
                    &self.options(),
                    log_sum_exp,
                    grad.packed().packed_slice(),
                    &mut dx,
                );
                Tensor::from_buffer(dx, logits.shape())
            }
            Saved::Nothing => return Err(Error::gradient("cross_entropy", "nothing was recorded")),
        }))
    }
}

/// The axis of the classes: the second, or the only one.
pub(super) fn class_axis(shape: &[usize]) -> usize {
    usize::from(shape.len() > 1)
}

/// The shape without its classes.
fn sample_shape(operation: &str, shape: &[usize]) -> Result<Dims> {
    if shape.is_empty() {
        return Err(Error::shape(operation, "a tensor of shape []: (N, C), (N, C, ...) or (C) expected"));
    }
    let mut samples = Dims::from_slice(shape);
    samples.remove(class_axis(shape));
    Ok(samples)
}

/// Refuses weights that are not one for each class.
pub(super) fn check_weight<T: Element>(
    operation: &str,
    shape: &[usize],
    weight: Option<&Tensor<T>>,
) -> Result<()> {
    let classes = shape[class_axis(shape)];
    match weight {
        Some(weight) if weight.shape() != [classes] => Err(Error::shape(
            operation,
            format!(
                "the weight has shape {:?}; one number for each of {classes} classes expected",
                weight.shape()
            ),
        )),
        _ => Ok(()),
    }
}

/// Class indices that fit scores of the given shape, packed.
pub(super) fn check_classes(
    operation: &str,
    shape: &[usize],
    indices: &Tensor<i64>,
    ignore_index: i64,
) -> Result<Tensor<i64>> {
    let samples = sample_shape(operation, shape)?;
    if indices.shape() != samples.as_slice() {
        return Err(Error::shape(
            operation,
            format!(
                "class indices of shape {:?} for scores of shape {shape:?}: shape {samples:?} expected",
                indices.shape()
            ),
        ));
    }
    let indices = indices.packed();
    let classes = shape[class_axis(shape)] as i64;
    let wrong = |&(_, &class): &(usize, &i64)| class != ignore_index && !(0..classes).contains(&class);
    match indices.packed_slice().iter().enumerate().find(wrong) {
        None => Ok(indices),
        Some((row, class)) => Err(Error::index(
            operation,
            format!(
                "target {class} of sample {row} is not one of the {classes} classes 0 to {}",
                classes - 1
            ),
        )),
    }
}

impl<T: Float> Tensor<T> {
    /// Cross entropy of logits (N, C), (N, C, ...) or, for one sample, (C), against class indices (N), (N, ...) or a
    /// single one, or probabilities of the logits' shape: -sum_c q_c log softmax(x)_c (`torch.nn.functional.cross_entropy`).
    ///
    /// ```
    /// # use barehand_tensor::{CrossEntropyOptions, Targets, Tensor};
    /// let logits = Tensor::from([[0.1_f64, 0.2, 0.6, 0.1]]).ln().unwrap();
    /// let loss = logits.cross_entropy(Targets::Classes(&Tensor::from([1_i64])), &CrossEntropyOptions::default()).unwrap();
    /// assert!((loss.item().unwrap() - 1.6094379124341003).abs() < 1e-12);
    /// ```
    ///
    /// # Errors
    /// When shapes do not fit, a class index is outside 0..C (and not `ignore_index`), the weight is not one number for
    /// each class, or `label_smoothing` is not in [0, 1].
    pub fn cross_entropy<'a>(
        &self,
        targets: impl Into<Targets<'a, T>>,
        options: &CrossEntropyOptions<T>,
    ) -> Result<Tensor<T>> {
        let smoothing = options.label_smoothing;
        if !(0.0..=1.0).contains(&smoothing) {
            return Err(Error::value(
                "cross_entropy",
                format!("label_smoothing = {smoothing} is not in [0, 1]"),
            ));
        }
        let sample_shape = sample_shape("cross_entropy", self.shape())?;
        check_weight("cross_entropy", self.shape(), options.weight.as_ref())?;
        let rows = |x: &Tensor<T>| {
            if x.rank() == 2 {
                return Ok(x.clone());
            }
            let (axis, classes) = (class_axis(x.shape()), x.shape()[class_axis(x.shape())]);
            let order: Vec<isize> =
                (0..x.rank()).filter(|&i| i != axis).chain([axis]).map(|i| i as isize).collect();
            x.permute(order)?.reshape_to(&[sample_shape.iter().product(), classes])
        };
        let targets = match targets.into() {
            Targets::Classes(indices) => {
                Owned::Classes(check_classes("cross_entropy", self.shape(), indices, options.ignore_index)?)
            }
            Targets::Probabilities(q) if q.shape() == self.shape() && q.is_recorded() => {
                return self.cross_entropy_of_both(q, options);
            }
            Targets::Probabilities(q) if q.shape() == self.shape() => {
                Owned::Probabilities(rows(&q.detach())?.packed())
            }
            Targets::Probabilities(q) => {
                return Err(Error::shape(
                    "cross_entropy",
                    format!("probabilities of shape {:?} for logits of shape {:?}", q.shape(), self.shape()),
                ));
            }
        };
        let operator = CrossEntropy {
            targets,
            weight: options.weight.as_ref().map(Tensor::packed),
            ignore_index: options.ignore_index,
            label_smoothing: T::from_real(smoothing),
            reduction: options.reduction,
            recorded: is_recording() && self.is_recorded(),
        };
        let loss = apply(operator, &[&rows(self)?])?;
        if options.reduction == Reduction::None { loss.reshape_to(&sample_shape) } else { Ok(loss) }
    }

    /// The same put together from smaller operators, where the probabilities want a gradient too, which the fused one
    /// does not compute.
    fn cross_entropy_of_both(&self, q: &Tensor<T>, options: &CrossEntropyOptions<T>) -> Result<Tensor<T>> {
        let axis = class_axis(self.shape());
        let (classes, smoothing) = (self.shape()[axis], options.label_smoothing);
        let mut terms =
            self.log_softmax(axis as isize)?.mul(&q.affine(1.0 - smoothing, smoothing / classes as f64)?)?;
        if let Some(weight) = &options.weight {
            let mut shape = vec![1; self.rank()];
            shape[axis] = classes as isize;
            terms = terms.mul(&weight.detach().reshape(shape)?)?;
        }
        options.reduction.apply(&terms.sum_dim(axis as isize, false)?.neg()?)
    }
}
