//! What boosting makes smaller, its gradients and its hessians.

use barehand_kernels::threads;
use barehand_tensor::{Error, Result};

use super::quantile;

/// Samples in one piece of work.
const PIECE: usize = 1 << 12;

/// Samples that pay for another thread.
const GRAIN: usize = 1 << 14;

/// A loss of the raw prediction `r` of a target `y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// `(r - y)^2 / 2`
    SquaredError,
    /// `|r - y|`: leaves hold medians.
    AbsoluteError,
    /// `exp(r) - y r`, half the Poisson deviance of `exp(r)` but for a constant; targets are not negative.
    Poisson,
    /// `r + y exp(-r)`, half the gamma deviance of `exp(r)` but for a constant; targets are positive.
    Gamma,
    /// `q (y - r)` below the target, `(1 - q) (r - y)` above it: leaves hold quantiles `q`.
    Quantile(f64),
    /// The log loss of this many classes, numbered from 0: two have one raw prediction, the log odds of the second.
    LogLoss(usize),
}

impl Loss {
    /// Its name in scikit-learn.
    pub fn name(self) -> &'static str {
        match self {
            Loss::SquaredError => "squared_error",
            Loss::AbsoluteError => "absolute_error",
            Loss::Poisson => "poisson",
            Loss::Gamma => "gamma",
            Loss::Quantile(_) => "quantile",
            Loss::LogLoss(_) => "log_loss",
        }
    }

    /// The loss of regression of this name; `quantile` belongs to `"quantile"`.
    ///
    /// # Errors
    /// No such loss, or a quantile outside `(0, 1)`.
    pub fn from_name(operation: &str, name: &str, quantile: Option<f64>) -> Result<Self> {
        Ok(match name {
            "squared_error" => Loss::SquaredError,
            "absolute_error" => Loss::AbsoluteError,
            "poisson" => Loss::Poisson,
            "gamma" => Loss::Gamma,
            "quantile" => match quantile {
                Some(q) if q > 0.0 && q < 1.0 => Loss::Quantile(q),
                Some(q) => {
                    return Err(Error::value(
                        operation,
                        format!("quantile is {q}: between 0 and 1 expected"),
                    ));
                }
                None => return Err(Error::value(operation, "loss \"quantile\" needs a quantile")),
            },
            _ => {
                let known = "squared_error, absolute_error, poisson, gamma or quantile";
                return Err(Error::value(operation, format!("loss {name:?}: {known} expected")));
            }
        })
    }

    /// How many raw predictions a sample has: trees a round.
    pub fn outputs(self) -> usize {
        match self {
            Loss::LogLoss(classes) if classes > 2 => classes,
            _ => 1,
        }
    }

    /// Whether every hessian is 1 where samples have no weights.
    pub(super) fn has_unit_hessian(self) -> bool {
        matches!(self, Loss::SquaredError | Loss::AbsoluteError | Loss::Quantile(_))
    }

    /// Refuses targets that it is not defined for.
    ///
    /// # Errors
    /// Naming what was expected, in scikit-learn's words.
    pub(super) fn check_targets(self, operation: &str, y: &[f64]) -> Result<()> {
        if let Some(place) = y.iter().position(|y| !y.is_finite()) {
            return Err(Error::value(
                operation,
                format!("y[{place}] is {}: finite numbers expected", y[place]),
            ));
        }
        let message = match self {
            Loss::Gamma if !y.iter().all(|&y| y > 0.0) => "loss='gamma' requires strictly positive y.",
            Loss::Poisson if !(y.iter().all(|&y| y >= 0.0) && y.iter().sum::<f64>() > 0.0) => {
                "loss='poisson' requires non-negative y and sum(y) > 0."
            }
            Loss::LogLoss(classes) if y.iter().any(|&y| y < 0.0 || y >= classes.max(2) as f64) => {
                "a target is not the number of a class"
            }
            _ => return Ok(()),
        };
        Err(Error::value(operation, message))
    }

    /// The raw predictions that are best for all targets alike.
    pub(super) fn baseline(self, y: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let eps = 10.0 * f64::EPSILON;
        match self {
            Loss::SquaredError => vec![mean(y, weights)],
            Loss::AbsoluteError | Loss::Quantile(_) => {
                vec![self.center(y.iter().copied(), weights.map(<[f64]>::to_vec))]
            }
            Loss::Poisson | Loss::Gamma => vec![mean(y, weights).max(eps).ln()],
            Loss::LogLoss(classes) if classes <= 2 => {
                let p = mean(y, weights).clamp(eps, 1.0 - eps);
                vec![(p / (1.0 - p)).ln()]
            }
            Loss::LogLoss(classes) => {
                let logs: Vec<f64> = (0..classes)
                    .map(|class| {
                        let is: Vec<f64> =
                            y.iter().map(|&y| f64::from(u8::from(y == class as f64))).collect();
                        mean(&is, weights).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
                    })
                    .collect();
                let middle = logs.iter().sum::<f64>() / classes as f64;
                logs.iter().map(|log| log - middle).collect()
            }
        }
    }

    /// Whether leaves hold the [`Loss::center`] of what is left of their targets, not a Newton step.
    pub(super) fn has_centers(self) -> bool {
        matches!(self, Loss::AbsoluteError | Loss::Quantile(_))
    }

    /// The median, or the quantile, of residuals.
    pub(super) fn center(self, residuals: impl Iterator<Item = f64>, weights: Option<Vec<f64>>) -> f64 {
        let q = if let Loss::Quantile(q) = self { q } else { 0.5 };
        let mut values: Vec<f64> = residuals.collect();
        match weights {
            None => {
                values.sort_unstable_by(f64::total_cmp);
                if self == Loss::AbsoluteError {
                    quantile::median(&values)
                } else {
                    quantile::linear(&values, q)
                }
            }
            Some(weights) => {
                let mut pairs: Vec<(f64, f64)> = values.into_iter().zip(weights).collect();
                pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
                let (values, weights): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
                quantile::weighted(&values, &weights, q, false)
            }
        }
    }

    /// Writes `[gradient, hessian]` of every sample for raw prediction `output` of `raw`, `(n, outputs)`.
    pub(super) fn gradients(
        self,
        y: &[f64],
        raw: &[f64],
        weights: Option<&[f64]>,
        output: usize,
        pairs: &mut [[f32; 2]],
    ) {
        let outputs = self.outputs();
        threads::for_each_chunk(pairs, PIECE, GRAIN, |from, pairs| {
            for (i, pair) in pairs.iter_mut().enumerate() {
                let sample = from + i;
                let raw = &raw[sample * outputs..(sample + 1) * outputs];
                let [gradient, hessian] = self.gradient(y[sample], raw, output);
                let weight = weights.map_or(1.0, |weights| weights[sample]);
                *pair = [(weight * gradient) as f32, (weight * hessian) as f32];
            }
        });
    }

    fn gradient(self, y: f64, raw: &[f64], output: usize) -> [f64; 2] {
        let r = raw[0];
        match self {
            Loss::SquaredError => [r - y, 1.0],
            Loss::AbsoluteError => [if r > y { 1.0 } else { -1.0 }, 1.0],
            Loss::Quantile(q) => [if y >= r { -q } else { 1.0 - q }, 1.0],
            Loss::Poisson => {
                let mean = r.exp();
                [mean - y, mean]
            }
            Loss::Gamma => {
                let ratio = y * (-r).exp();
                [1.0 - ratio, ratio]
            }
            Loss::LogLoss(classes) if classes <= 2 => {
                // From exp(-r), so that 1 - p keeps its digits where p is nearly 1.
                if r > -37.0 {
                    let e = (-r).exp();
                    [((1.0 - y) - y * e) / (1.0 + e), e / ((1.0 + e) * (1.0 + e))]
                } else {
                    let e = r.exp();
                    [e - y, e]
                }
            }
            Loss::LogLoss(_) => {
                let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = raw.iter().map(|r| (r - largest).exp()).sum();
                let p = (raw[output] - largest).exp() / sum;
                [if y == output as f64 { p - 1.0 } else { p }, p * (1.0 - p)]
            }
        }
    }

    /// The mean loss of all samples.
    pub(super) fn mean(self, y: &[f64], raw: &[f64], weights: Option<&[f64]>) -> f64 {
        let outputs = self.outputs();
        let mut pieces = vec![[0.0; 2]; y.len().div_ceil(PIECE)];
        threads::for_each_chunk(&mut pieces, 1, GRAIN / PIECE, |piece, sums| {
            for sample in piece * PIECE..y.len().min((piece + 1) * PIECE) {
                let weight = weights.map_or(1.0, |weights| weights[sample]);
                sums[0][0] += weight * self.value(y[sample], &raw[sample * outputs..(sample + 1) * outputs]);
                sums[0][1] += weight;
            }
        });
        let total = pieces.iter().fold([0.0; 2], |sum, piece| [sum[0] + piece[0], sum[1] + piece[1]]);
        total[0] / total[1]
    }

    fn value(self, y: f64, raw: &[f64]) -> f64 {
        let r = raw[0];
        match self {
            Loss::SquaredError => 0.5 * (r - y) * (r - y),
            Loss::AbsoluteError => (r - y).abs(),
            Loss::Quantile(q) => {
                if y >= r {
                    q * (y - r)
                } else {
                    (1.0 - q) * (r - y)
                }
            }
            Loss::Poisson => r.exp() - y * r,
            Loss::Gamma => r + y * (-r).exp(),
            Loss::LogLoss(classes) if classes <= 2 => {
                let softplus = if r > 0.0 { r + (-r).exp().ln_1p() } else { r.exp().ln_1p() };
                softplus - y * r
            }
            Loss::LogLoss(_) => {
                let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = raw.iter().map(|r| (r - largest).exp()).sum();
                largest + sum.ln() - raw[y as usize]
            }
        }
    }

    /// The prediction of a raw one, for regression.
    pub(super) fn inverse_link(self, raw: f64) -> f64 {
        match self {
            Loss::Poisson | Loss::Gamma => raw.exp(),
            _ => raw,
        }
    }

    /// The probabilities of raw predictions of one sample.
    pub(super) fn probabilities(raw: &[f64], out: &mut [f64]) {
        if let [r] = raw {
            let p = 1.0 / (1.0 + (-r).exp());
            (out[0], out[1]) = (1.0 - p, p);
            return;
        }
        let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = raw.iter().map(|r| (r - largest).exp()).sum();
        for (out, r) in out.iter_mut().zip(raw) {
            *out = (r - largest).exp() / sum;
        }
    }
}

fn mean(y: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => y.iter().sum::<f64>() / y.len() as f64,
        Some(weights) => {
            let sum: f64 = y.iter().zip(weights).map(|(y, weight)| y * weight).sum();
            sum / weights.iter().sum::<f64>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every loss at a few raw predictions and targets.
    fn cases() -> Vec<(Loss, f64, Vec<f64>)> {
        let mut cases = Vec::new();
        for (loss, targets) in [
            (Loss::SquaredError, [-1.0, 2.5]),
            (Loss::AbsoluteError, [-1.0, 2.5]),
            (Loss::Quantile(0.3), [-1.0, 2.5]),
            (Loss::Poisson, [0.0, 3.0]),
            (Loss::Gamma, [0.5, 3.0]),
            (Loss::LogLoss(2), [0.0, 1.0]),
        ] {
            for y in targets {
                cases.extend([-40.0, -3.1, 0.2, 1.7].map(|r| (loss, y, vec![r])));
            }
        }
        cases.extend([0.0, 1.0, 2.0].map(|y| (Loss::LogLoss(3), y, vec![0.3, -1.0, 2.0])));
        cases
    }

    #[test]
    fn gradients_and_hessians_are_derivatives() {
        for (loss, y, raw) in cases() {
            for output in 0..loss.outputs() {
                let at = |h: f64| {
                    let mut raw = raw.clone();
                    raw[output] += h;
                    (loss.value(y, &raw), loss.gradient(y, &raw, output))
                };
                let h = 1e-5;
                let (_, [gradient, hessian]) = at(0.0);
                let slope = (at(h).0 - at(-h).0) / (2.0 * h);
                let scale = 1.0 + gradient.abs();
                // A central difference in f64: h^2 of the third derivative, and rounding over h.
                assert!(
                    (gradient - slope).abs() < 1e-8 * scale + 1e-10 * at(0.0).0.abs() / h,
                    "{loss:?} {y} {raw:?}"
                );
                if !loss.has_unit_hessian() {
                    let bend = (at(h).1[0] - at(-h).1[0]) / (2.0 * h);
                    assert!((hessian - bend).abs() < 1e-6 * scale, "{loss:?} {y} {raw:?} {hessian} {bend}");
                }
            }
        }
    }

    #[test]
    fn baselines_have_no_gradient() {
        let y = [0.0, 1.0, 1.0, 2.0, 1.0];
        let weights = [1.0, 2.0, 1.0, 3.0, 0.5];
        for loss in [Loss::SquaredError, Loss::Poisson, Loss::LogLoss(3)] {
            for weights in [None, Some(&weights[..])] {
                let baseline = loss.baseline(&y, weights);
                let raw: Vec<f64> = y.iter().flat_map(|_| baseline.clone()).collect();
                for output in 0..loss.outputs() {
                    let mut pairs = [[0.0; 2]; 5];
                    loss.gradients(&y, &raw, weights, output, &mut pairs);
                    assert!(pairs.iter().map(|pair| pair[0]).sum::<f32>().abs() < 1e-6, "{loss:?}");
                }
            }
        }
    }
}
