//! Averages of weights over training.
//!
//! ```text
//! exponential   a = decay a + (1 - decay) w
//! of all        a = a + (w - a) / (n + 1)       after n weights
//! ```
//!
//! Both begin with the first weights, not with 0, so neither needs a bias correction.
//! Polyak and Juditsky 1992; Izmailov et al. 2018. PyTorch: `torch.optim.swa_utils.AveragedModel`.

use crate::array::Array;
use crate::error::Result;
use crate::trace::Trace;

/// The average of the weights it was shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightAverage {
    /// The share that stays; `None`: all weights count alike.
    pub decay: Option<f64>,
    count: u32,
    average: Option<Array>,
}

impl WeightAverage {
    /// An exponential average, or with `None` that of all.
    pub fn new(decay: Option<f64>) -> Self {
        WeightAverage { decay, count: 0, average: None }
    }

    /// Takes in the next weights, and returns their average.
    pub fn update(&mut self, weights: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("weight average: update");
        let average = match (&self.average, self.decay) {
            (None, _) => trace.step("a", "w", weights.clone()),
            (Some(average), Some(decay)) => {
                let next = average.zip(weights, |a, w| decay * a + (1.0 - decay) * w)?;
                trace.step("a", "decay a + (1 - decay) w", next)
            }
            (Some(average), None) => {
                let n = trace.number("n", "weights seen", f64::from(self.count));
                trace.step(
                    "a",
                    "a + (w - a) / (n + 1)",
                    average.zip(weights, |a, w| a + (w - a) / (n + 1.0))?,
                )
            }
        };
        self.count += 1;
        self.average = Some(average.clone());
        Ok(average)
    }
}
