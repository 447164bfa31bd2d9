//! A model's outputs and losses on data it does not learn from.

use barehand_data::{Batch, DataLoader, Dataset};
use barehand_nn::Module;
use barehand_tensor::{Error, Result, Tensor, concat, no_grad};

use crate::objective::Objective;

/// What a model scores on a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// The share that was right, where the objective knows.
    pub accuracy: Option<f64>,
    /// How many samples were looked at.
    pub samples: usize,
}

/// The outputs of a model for every sample, in the order of the data set.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// (N, classes)
    pub logits: Tensor,
    /// (N)
    pub targets: Tensor<i64>,
}

/// Runs `work` with the model in evaluation mode and nothing recorded, then puts its mode back.
fn in_eval_mode<R>(model: &mut dyn Module, work: impl FnOnce(&dyn Module) -> R) -> R {
    let training = model.is_training();
    model.eval();
    let result = no_grad(|| work(model));
    if training {
        model.train();
    }
    result
}

/// The mean loss (and accuracy) over a data set, in evaluation mode: dropout passes everything, batch norm uses its running
/// statistics.
///
/// # Errors
/// When the data set is empty or fails, or the model does.
pub fn evaluate<D: Dataset>(
    model: &mut dyn Module,
    loader: &DataLoader<D>,
    objective: &dyn Objective<D::Batch>,
) -> Result<Evaluation> {
    in_eval_mode(model, |model| {
        let (mut loss, mut correct, mut samples) = (0.0, None, 0);
        for batch in loader.epoch(0) {
            let outcome = objective.evaluate(model, &batch?)?;
            loss += f64::from(outcome.loss.item()?) * outcome.samples as f64;
            correct = outcome.correct.map(|right| correct.unwrap_or(0) + right);
            samples += outcome.samples;
        }
        if samples == 0 {
            return Err(Error::value("evaluate", "the data set is empty"));
        }
        let accuracy = correct.map(|right| right as f64 / samples as f64);
        Ok(Evaluation { loss: loss / samples as f64, accuracy, samples })
    })
}

/// The outputs for every sample, in evaluation mode and in the loader's order.
///
/// # Errors
/// When the data set is empty or fails, or the model does.
pub fn predict<D: Dataset<Batch = Batch>>(
    model: &mut dyn Module,
    loader: &DataLoader<D>,
) -> Result<Predictions> {
    in_eval_mode(model, |model| {
        let (mut logits, mut targets) = (Vec::new(), Vec::new());
        for batch in loader.epoch(0) {
            let batch = batch?;
            logits.push(model.forward(&batch.inputs)?);
            targets.push(batch.targets);
        }
        let logits = concat(&logits.iter().collect::<Vec<_>>(), 0)?;
        Ok(Predictions { logits, targets: concat(&targets.iter().collect::<Vec<_>>(), 0)? })
    })
}
