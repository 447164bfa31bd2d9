//! The memory that training a model takes, before it is taken.

use std::fmt;

use crate::{Float, Module, Result, summary};

/// Bytes that training needs at its peak, by what holds them: made by [`memory`], printed as a list.
///
/// Sums that no machine could hold stay at the largest number instead of wrapping around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The parameters.
    pub parameters: usize,
    /// A gradient for every parameter that is trained.
    pub gradients: usize,
    /// What the optimizer remembers of every parameter that is trained.
    pub optimizer: usize,
    /// The inputs of a batch and the outputs of all layers, kept for the backward pass.
    pub activations: usize,
    /// What comes and goes: values and gradients on their way through the layer with the largest output.
    pub workspace: usize,
}

/// How many times the largest output passing values take: the gradients on both sides of a layer and of what comes before
/// it, and the value that an activation replaces where it is not fused with its layer.
const PASSING: usize = 4;

impl Memory {
    /// All of them together.
    pub fn total(&self) -> usize {
        [self.parameters, self.gradients, self.optimizer, self.activations, self.workspace]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

/// The memory that training `model` takes on batches of shape `input`, whose first axis counts samples, with an optimizer
/// that remembers `state` numbers for each parameter (0 for plain SGD, 1 with momentum, 2 for Adam).
///
/// An estimate, from the outputs that modules note ([`observe`](crate::summary::observe)) for a single sample: nothing of
/// the batch's size is allocated.
///
/// ```
/// use barehand_nn::{Generator, memory, models};
///
/// let model = models::mlp::<f32>(&[784, 512, 10], &mut Generator::new(0)).unwrap();
/// let small = memory(&model, &[64, 784], 2).unwrap();
/// assert_eq!(small.parameters, 4 * 407_050);
/// assert_eq!(small.optimizer, 2 * small.parameters);
/// assert!(memory(&model, &[1024, 784], 2).unwrap().activations == 16 * small.activations);
/// println!("{small}");
/// ```
///
/// The model runs in the mode it is in; switch it to evaluation first, so that running statistics and random states stay.
///
/// # Errors
/// When the model refuses the input.
pub fn memory<T: Float>(model: &dyn Module<T>, input: &[usize], state: usize) -> Result<Memory> {
    let mut one = input.to_vec();
    let samples = one.first_mut().map_or(1, |axis| std::mem::replace(axis, 1));
    let table = summary(model, &one)?;
    let size = size_of::<T>();
    let outputs = table.rows.iter().filter(|row| row.kept).filter_map(|row| row.output.as_ref());
    let largest = outputs.map(|shape| shape.iter().product::<usize>() * size).max().unwrap_or(0);
    let of_batch = |bytes: usize| bytes.saturating_mul(samples);
    let trained = table.trainable * size;
    Ok(Memory {
        parameters: table.parameter_bytes,
        gradients: trained,
        optimizer: trained.saturating_mul(state),
        activations: of_batch(table.input_bytes + table.output_bytes),
        workspace: of_batch(PASSING * largest),
    })
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: usize| bytes as f64 / 1e6;
        write!(
            f,
            "{:.1} MB: parameters {:.1}, gradients {:.1}, optimizer {:.1}, activations {:.1}, workspace {:.1}",
            megabytes(self.total()),
            megabytes(self.parameters),
            megabytes(self.gradients),
            megabytes(self.optimizer),
            megabytes(self.activations),
            megabytes(self.workspace)
        )
    }
}
