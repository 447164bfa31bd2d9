//! One walk over the parameters of a model that are to move.

use barehand_tensor::layout::Dims;
use barehand_tensor::profile::{self, Phase};

use crate::module::Entry;
use crate::{Error, Float, Gradients, Parameters, Result, Tensor};

/// Runs `update` on every trained parameter, its name and its gradient.
pub(super) fn for_each_trained<T: Float>(
    optimizer: &'static str,
    model: &mut dyn Parameters<T>,
    gradients: &Gradients<T>,
    strict: bool,
    mut update: impl FnMut(&str, &mut Tensor<T>, &[T]) -> Result<()>,
) -> Result<()> {
    if strict {
        let mut without = Vec::new();
        model.visit("", &mut |name, entry| {
            if let Entry::Parameter(parameter) = entry
                && parameter.is_leaf()
                && gradients.get(parameter).is_none()
            {
                without.push(name.to_owned());
            }
        });
        if !without.is_empty() {
            return Err(Error::gradient(
                optimizer,
                format!(
                    "no gradient for {}: they took no part in the loss; freeze them, or build the optimizer with strict(false)",
                    without.join(", ")
                ),
            ));
        }
    }
    let mut outcome = Ok(());
    model.visit_parameters_mut(&mut |name, parameter| {
        if let (Ok(()), Some(gradient)) = (&outcome, gradients.get(parameter)) {
            outcome = with_elements(optimizer, parameter, gradient, |parameter, gradient| {
                update(name, parameter, gradient)
            });
        }
    });
    outcome
}

/// Runs `update` on a parameter and the elements of its gradient.
pub(super) fn with_elements<T: Float>(
    optimizer: &'static str,
    parameter: &mut Tensor<T>,
    gradient: &Tensor<T>,
    update: impl FnOnce(&mut Tensor<T>, &[T]) -> Result<()>,
) -> Result<()> {
    if gradient.shape() != parameter.shape() {
        return Err(Error::shape(
            optimizer,
            format!(
                "a gradient of shape {:?} for a parameter of shape {:?}",
                gradient.shape(),
                parameter.shape()
            ),
        ));
    }
    let gradient = gradient.contiguous();
    let gradient = gradient.as_slice().expect("made contiguous above");
    let shape = Dims::from_slice(parameter.shape());
    profile::span(optimizer, Phase::Update, |_| shape, || update(parameter, gradient))
}
