//! What training minimises.

use barehand_data::Batch;
use barehand_nn::Module;
use barehand_tensor::{CrossEntropyOptions, Result, Tensor};

/// The result of a batch.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The mean loss: one element, recorded.
    pub loss: Tensor,
    /// How many samples the batch has.
    pub samples: usize,
    /// How many of them were right, where that means something.
    pub correct: Option<usize>,
}

/// What training minimises: a loss for a batch of any kind. A closure will do.
pub trait Objective<B>: Send + Sync {
    /// Runs the model on a batch and judges it.
    ///
    /// # Errors
    /// What the model or the loss says.
    fn evaluate(&self, model: &dyn Module, batch: &B) -> Result<Outcome>;
}

impl<B, F: Fn(&dyn Module, &B) -> Result<Outcome> + Send + Sync> Objective<B> for F {
    fn evaluate(&self, model: &dyn Module, batch: &B) -> Result<Outcome> {
        self(model, batch)
    }
}

/// Cross entropy of logits, with accuracy beside it.
#[derive(Clone, Debug, Default)]
pub struct Classification {
    /// Class weights, smoothing and the like.
    pub options: CrossEntropyOptions,
}

impl Objective<Batch> for Classification {
    fn evaluate(&self, model: &dyn Module, batch: &Batch) -> Result<Outcome> {
        let logits = model.forward(&batch.inputs)?;
        let loss = logits.cross_entropy(&batch.targets, &self.options)?;
        let correct = logits.argmax(1)?.eq(&batch.targets)?.count();
        Ok(Outcome { loss, samples: batch.targets.len(), correct: Some(correct) })
    }
}
