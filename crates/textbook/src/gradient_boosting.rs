//! Gradient boosting: trees, each fitted to what those before it left over.
//!
//! ```text
//! r_0      = the best constant
//! g, h     = first and second derivative of the loss at r_{m-1}, for each sample
//! value(S) = -sum_S g / (sum_S h + l2)                                    of the samples S in a leaf
//! gain     = G^2 / (H + l2) of the left side + the same of the right side - the same of both together
//! r_m      = r_{m-1} + learning_rate * value(leaf of the sample)
//! ```
//!
//! squared error: `g = r - y`, `h = 1`, constant: the mean. Log loss of classes 0 and 1: `p = 1 / (1 + exp(-r))`, `g = p - y`,
//! `h = p (1 - p)`, constant: the log odds of the mean. A tree grows leaf by leaf: of all leaves the one whose best split
//! gains most is split next. Every cut between two distinct values of every feature is tried; of equal gains the first
//! feature and the lowest cut are taken. The root's value counts as 0, so that its split is compared with no tree at all.
//!
//! Sources: Friedman, "Greedy function approximation: a gradient boosting machine", 2001; Chen and Guestrin, "XGBoost: a
//! scalable tree boosting system", 2016. With no more distinct values than bins this is scikit-learn's
//! `HistGradientBoosting`, whose gradients are f32.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What is made small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoostedLoss {
    /// `(r - y)^2 / 2`
    #[default]
    SquaredError,
    /// The log loss of classes 0 and 1.
    LogLoss,
}

/// Gradient boosting of trees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientBoosting {
    /// What is made small.
    pub loss: BoostedLoss,
    /// How many trees.
    pub rounds: usize,
    /// What each tree is multiplied by.
    pub learning_rate: f64,
    /// The most leaves of a tree.
    pub max_leaves: usize,
    /// The fewest samples of a leaf.
    pub min_samples_leaf: usize,
    /// What is added to the sum of the second derivatives.
    pub l2: f64,
}

impl Default for GradientBoosting {
    fn default() -> Self {
        GradientBoosting {
            loss: BoostedLoss::SquaredError,
            rounds: 100,
            learning_rate: 0.1,
            max_leaves: 31,
            min_samples_leaf: 20,
            l2: 0.0,
        }
    }
}

/// A cut of the samples of a leaf.
struct Cut {
    gain: f64,
    left: Vec<usize>,
    right: Vec<usize>,
}

impl GradientBoosting {
    /// The raw predictions of the samples `x`, `(n, d)`, after all rounds of learning their targets `y`, `(n)`.
    pub fn fit(&self, x: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        x.expect_rank("gradient_boosting", "X", 2)?;
        let n = x.shape()[0];
        y.expect_shape("gradient_boosting", "y", &[n])?;
        if n == 0 || self.max_leaves < 2 || self.min_samples_leaf == 0 {
            let message = "needs samples, two leaves or more, and a sample or more in each";
            return Err(Error::new("gradient_boosting", message));
        }
        trace.section("gradient boosting: start");
        let mean = trace.number("mean", "sum y / n", y.sum() / n as f64);
        let constant = match self.loss {
            BoostedLoss::SquaredError => mean,
            BoostedLoss::LogLoss => {
                let p = mean.clamp(10.0 * f64::EPSILON, 1.0 - 10.0 * f64::EPSILON);
                (p / (1.0 - p)).ln()
            }
        };
        let mut r = trace.step("r", "the best constant", Array::filled(&[n], constant));
        for round in 0..self.rounds {
            trace.section(&format!("gradient boosting: round {}", round + 1));
            let (g, h) = self.derivatives(&r, y, trace)?;
            let values = trace.step("value", "-sum g / (sum h + l2) of the leaf", self.tree(x, &g, &h));
            r = trace.step(
                "r",
                "r + learning_rate value",
                r.zip(&values, |r, v| r + self.learning_rate * v)?,
            );
        }
        Ok(r)
    }

    fn derivatives(&self, r: &Array, y: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        Ok(match self.loss {
            BoostedLoss::SquaredError => {
                let g = trace.step("g", "r - y", r.zip(y, |r, y| r - y)?);
                (g, trace.step("h", "1", r.map(|_| 1.0)))
            }
            BoostedLoss::LogLoss => {
                let p = trace.step("p", "1 / (1 + exp(-r))", r.map(|r| 1.0 / (1.0 + (-r).exp())));
                let g = trace.step("g", "p - y", p.zip(y, |p, y| p - y)?);
                (g, trace.step("h", "p (1 - p)", p.map(|p| p * (1.0 - p))))
            }
        })
    }

    /// The value of the leaf of each sample.
    fn tree(&self, x: &Array, g: &Array, h: &Array) -> Array {
        let n = x.shape()[0];
        let mut leaves = vec![(0..n).collect::<Vec<usize>>()];
        while leaves.len() < self.max_leaves {
            let cuts: Vec<Option<Cut>> =
                leaves.iter().map(|leaf| self.best_cut(x, g, h, leaf, leaves.len() == 1)).collect();
            let mut best: Option<usize> = None;
            for (leaf, cut) in cuts.iter().enumerate() {
                let gain = |leaf: usize| cuts[leaf].as_ref().map_or(0.0, |cut| cut.gain);
                if cut.is_some() && best.is_none_or(|best| gain(leaf) > gain(best)) {
                    best = Some(leaf);
                }
            }
            let Some(best) = best else { break };
            for (leaf, cut) in cuts.into_iter().enumerate() {
                if let (true, Some(cut)) = (leaf == best, cut) {
                    leaves[leaf] = cut.left;
                    leaves.push(cut.right);
                }
            }
        }
        let mut values = Array::zeros(&[n]);
        // A tree of one leaf changes nothing.
        if leaves.len() > 1 {
            for leaf in &leaves {
                let value = -sum(g, leaf) / (sum(h, leaf) + self.l2);
                leaf.iter().for_each(|&sample| values.data_mut()[sample] = value);
            }
        }
        values
    }

    fn best_cut(&self, x: &Array, g: &Array, h: &Array, leaf: &[usize], is_root: bool) -> Option<Cut> {
        let score = |samples: &[usize]| sum(g, samples).powi(2) / (sum(h, samples) + self.l2);
        let whole = if is_root { 0.0 } else { score(leaf) };
        let mut best: Option<Cut> = None;
        for feature in 0..x.shape()[1] {
            let mut distinct: Vec<f64> = leaf.iter().map(|&sample| x.get(&[sample, feature])).collect();
            distinct.sort_by(f64::total_cmp);
            distinct.dedup();
            for &cut in distinct.iter().rev().skip(1).rev() {
                let (left, right): (Vec<usize>, Vec<usize>) =
                    leaf.iter().partition(|&&sample| x.get(&[sample, feature]) <= cut);
                let small = left.len().min(right.len()) < self.min_samples_leaf;
                let flat = sum(h, &left).min(sum(h, &right)) < 1e-3;
                let gain = score(&left) + score(&right) - whole;
                if !small && !flat && gain > best.as_ref().map_or(0.0, |best| best.gain) {
                    best = Some(Cut { gain, left, right });
                }
            }
        }
        best
    }
}

fn sum(values: &Array, samples: &[usize]) -> f64 {
    samples.iter().map(|&sample| values.data()[sample]).sum()
}
