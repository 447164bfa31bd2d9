//! When to stop: the validation loss has not improved for a while.

use serde::{Deserialize, Serialize};

/// Stops training when the validation loss has not fallen for `patience` epochs.
///
/// ```
/// # use barehand_train::EarlyStopping;
/// let mut watch = EarlyStopping::new(2);
/// let stops: Vec<bool> = [1.0, 0.8, 0.9, 0.81, 0.7].map(|loss| { watch.observe(loss); watch.is_over() }).into();
/// assert_eq!(stops, [false, false, false, true, false]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// Epochs without improvement that are allowed.
    pub patience: u64,
    /// How far the loss must fall to count. Default 0.
    pub min_delta: f64,
    /// The smallest loss so far.
    best: Option<f64>,
    /// Epochs since it was seen.
    waited: u64,
}

impl EarlyStopping {
    /// Allows `patience` epochs without improvement.
    pub fn new(patience: u64) -> Self {
        EarlyStopping { patience, min_delta: 0.0, best: None, waited: 0 }
    }

    /// Counts only falls of more than `min_delta`.
    #[must_use]
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Takes an epoch's validation loss; whether it is the best so far.
    pub fn observe(&mut self, loss: f64) -> bool {
        let improved = self.best.is_none_or(|best| loss < best - self.min_delta);
        if improved {
            self.best = Some(loss);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        improved
    }

    /// Whether patience has run out.
    pub fn is_over(&self) -> bool {
        self.waited >= self.patience
    }
}
