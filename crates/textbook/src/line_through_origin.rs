//! y = w x: the smallest model, one weight and no intercept.
//!
//! ```text
//! J(w)  = mean (w x - y)^2          J'(w) = mean 2 x (w x - y)
//! w = w - lr J'(w)                  batch: over all samples;  per sample: over each in turn
//! ```

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What the descent found.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The weight.
    pub w: f64,
    /// The cost before each epoch's update.
    pub costs: Vec<f64>,
}

/// J(w), the mean squared error of w x against y.
pub fn cost(w: f64, x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (w * x - y).powi(2)).sum::<f64>() / x.len() as f64
}

/// J over a list of weights.
pub fn cost_grid(weights: &[f64], x: &[f64], y: &[f64], trace: &mut Trace) -> Result<Vec<f64>> {
    check(x, y)?;
    trace.section("y = w x: cost over a grid");
    let costs: Vec<f64> = weights.iter().map(|&w| cost(w, x, y)).collect();
    trace.step("w", "the grid", Array::vector(weights));
    trace.step("J", "mean (w x - y)^2", Array::vector(&costs));
    Ok(costs)
}

/// Descent over all samples together, once an epoch.
pub fn batch_descent(
    w: f64,
    x: &[f64],
    y: &[f64],
    lr: f64,
    epochs: usize,
    trace: &mut Trace,
) -> Result<Line> {
    check(x, y)?;
    Ok(descend(w, epochs, x, y, trace, |w, trace| {
        let sum: f64 = x.iter().zip(y).map(|(x, y)| 2.0 * x * (w * x - y)).sum();
        let g = trace.number("g", "mean 2 x (w x - y)", sum / x.len() as f64);
        trace.number("w", "w - lr g", w - lr * g)
    }))
}

/// Descent over one sample after another: as many updates an epoch as there are samples.
pub fn per_sample_descent(
    w: f64,
    x: &[f64],
    y: &[f64],
    lr: f64,
    epochs: usize,
    trace: &mut Trace,
) -> Result<Line> {
    check(x, y)?;
    Ok(descend(w, epochs, x, y, trace, |mut w, trace| {
        for (x, y) in x.iter().zip(y) {
            let g = trace.number("g", "2 x (w x - y)", 2.0 * x * (w * x - y));
            w = trace.number("w", "w - lr g", w - lr * g);
        }
        w
    }))
}

fn descend(
    mut w: f64,
    epochs: usize,
    x: &[f64],
    y: &[f64],
    trace: &mut Trace,
    mut epoch: impl FnMut(f64, &mut Trace) -> f64,
) -> Line {
    let mut costs = Vec::with_capacity(epochs);
    for number in 1..=epochs {
        trace.section(&format!("y = w x: epoch {number}"));
        costs.push(trace.number("J", "mean (w x - y)^2", cost(w, x, y)));
        w = epoch(w, trace);
    }
    Line { w, costs }
}

fn check(x: &[f64], y: &[f64]) -> Result<()> {
    if x.len() == y.len() && !x.is_empty() {
        return Ok(());
    }
    let message = format!("x and y must be equally long and not empty, got {} and {}", x.len(), y.len());
    Err(Error::new("line_through_origin", message))
}
