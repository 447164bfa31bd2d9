//! The contract of a differentiable operator.

use std::sync::Arc;

use smallvec::SmallVec;

use super::tape::{Node, Step, is_recording, no_grad};
use crate::element::Element;
use crate::error::Result;
use crate::layout::Dims;
use crate::profile::{self, Phase};
use crate::tensor::Tensor;

/// For each input of an operator its gradient, or `None` where none was asked for.
pub type InputGradients<T> = SmallVec<[Option<Tensor<T>>; 3]>;

/// A differentiable operation: a forward pass cannot be written without the backward pass beside it.
///
/// ```
/// use barehand_tensor::{InputGradients, Operator, Result, Tensor, apply};
///
/// /// y = x^3
/// struct Cube;
///
/// impl Operator<f64> for Cube {
///     type Saved = Tensor<f64>;
///
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn forward(&self, inputs: &[&Tensor<f64>]) -> Result<(Tensor<f64>, Tensor<f64>)> {
///         let x = inputs[0].detach();
///         Ok((x.square()?.mul(&x)?, x))
///     }
///     fn backward(&self, x: &Tensor<f64>, grad: &Tensor<f64>, _: &[bool]) -> Result<InputGradients<f64>> {
///         Ok([Some(x.square()?.mul_scalar(3.0)?.mul(grad)?)].into_iter().collect())
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let x = Tensor::from([2.0_f64]).requires_grad();
/// let y = apply(Cube, &[&x])?;
/// assert_eq!(y.sum()?.backward()?.of(&x)?.to_vec(), [12.0]);
/// # Ok(())
/// # }
/// ```
pub trait Operator<T: Element>: Send + Sync + 'static {
    /// What the forward pass leaves for the backward pass. Save tensors detached, so that they do not hold the tape.
    type Saved: Send + Sync + 'static;

    /// The name in error messages and profiles.
    fn name(&self) -> &'static str;

    /// The output, and what [`backward`](Operator::backward) needs. Nothing inside is recorded.
    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)>;

    /// One entry for each input: its gradient, given the output's; `None` where `wants` is false.
    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>>;
}

struct Recorded<T: Element, O: Operator<T>> {
    operator: O,
    saved: O::Saved,
}

impl<T: Element, O: Operator<T>> Step<T> for Recorded<T, O> {
    fn name(&self) -> &'static str {
        self.operator.name()
    }
    fn backward(&self, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        self.operator.backward(&self.saved, grad, wants)
    }
}

/// Runs an operator forward and, where an input wants a gradient, records it.
pub fn apply<T: Element, O: Operator<T>>(operator: O, inputs: &[&Tensor<T>]) -> Result<Tensor<T>> {
    let phase = if is_recording() { Phase::Forward } else { Phase::Inference };
    let shape = |result: &Result<(Tensor<T>, _)>| match result {
        Ok((output, _)) => Dims::from_slice(output.shape()),
        Err(_) => Dims::new(),
    };
    let (output, saved) =
        profile::span(operator.name(), phase, shape, || no_grad(|| operator.forward(inputs)))?;
    Ok(record(output, operator, saved, inputs))
}

/// The second half of [`apply`], for operators whose callers also need what was saved.
pub(crate) fn record<T: Element, O: Operator<T>>(
    output: Tensor<T>,
    operator: O,
    saved: O::Saved,
    inputs: &[&Tensor<T>],
) -> Tensor<T> {
    if !is_recording() || inputs.iter().all(|input| input.node.is_none()) {
        return output;
    }
    let node = Node::step(output.shape(), inputs, Arc::new(Recorded { operator, saved }));
    Tensor { node: Some(node), ..output }
}

/// The gradient of a one-input operator.
pub(crate) fn one<T: Element>(grad: Tensor<T>) -> InputGradients<T> {
    let mut gradients = InputGradients::new();
    gradients.push(Some(grad));
    gradients
}
