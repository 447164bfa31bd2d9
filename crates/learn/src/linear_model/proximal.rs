//! Logistic regression with an L1 penalty: Newton steps by coordinate descent, or accelerated proximal gradients.

use barehand_kernels::coordinate_descent::{ElasticPenalty, gram_cycle};
use barehand_tensor::Float;

use super::lbfgs::Minimum;
use super::logistic_objective::LogisticObjective;

/// Parameters up to which second derivatives are formed.
const SMALL: usize = 1500;

/// Visits to all coordinates for a Newton step at most, and to those that are not 0 between two of them.
const CYCLES: usize = 30;

/// An objective plus `l1 |coef|_1`.
pub struct Proximal<'a, T: Float> {
    /// The smooth part.
    pub objective: &'a LogisticObjective<'a, T>,
    /// In front of the coefficients' absolute values.
    pub l1: f64,
    /// The same for intercepts: 0, but for liblinear's objective.
    pub l1_intercept: f64,
    /// Iterations at most.
    pub max_iter: usize,
    /// Stop where no parameter's slope, less what L1 holds, is larger.
    pub tol: f64,
}

impl<T: Float> Proximal<'_, T> {
    /// Minimises from `x` on.
    pub fn minimize(&self, x: Vec<f64>) -> Minimum {
        if self.objective.parameters() <= SMALL { self.newton(x) } else { self.accelerated(x) }
    }

    fn l1_of(&self, parameter: usize) -> f64 {
        if parameter < self.objective.coefficients() { self.l1 } else { self.l1_intercept }
    }

    fn penalty(&self, x: &[f64]) -> f64 {
        x.iter().enumerate().map(|(i, x)| self.l1_of(i) * x.abs()).sum()
    }

    /// The largest slope that is not held by L1.
    fn violation(&self, x: &[f64], gradient: &[f64]) -> f64 {
        let slopes = x.iter().zip(gradient).enumerate().map(|(i, (x, g))| {
            let l1 = self.l1_of(i);
            if *x == 0.0 { (g.abs() - l1).max(0.0) } else { (g + l1.copysign(*x)).abs() }
        });
        slopes.fold(0.0, f64::max)
    }

    /// Newton's method, whose quadratic model is minimised by coordinate descent (Friedman, Hastie and Tibshirani 2010; Yuan,
    /// Ho and Lin 2012).
    fn newton(&self, mut x: Vec<f64>) -> Minimum {
        let objective = self.objective;
        let size = x.len();
        let mut probabilities = vec![T::ZERO; objective.classes.len() * objective.outputs];
        let mut gradient = vec![0.0; size];
        let mut smooth = objective.evaluate(&x, &mut gradient, Some(&mut probabilities));
        for n_iter in 0..self.max_iter {
            if self.violation(&x, &gradient) <= self.tol {
                return Minimum { x, n_iter, converged: true };
            }
            let hessian = objective.hessian(&probabilities);
            let target = self.model_minimum(&hessian, &x, &gradient);
            let step: Vec<f64> = target.iter().zip(&x).map(|(target, x)| target - x).collect();
            let slope: f64 = gradient.iter().zip(&step).map(|(g, step)| g * step).sum();
            let promised = slope + self.penalty(&target) - self.penalty(&x);
            let value = smooth + self.penalty(&x);
            let (mut part, mut moved) = (1.0, false);
            for _ in 0..40 {
                let tried: Vec<f64> = x.iter().zip(&step).map(|(x, step)| x + part * step).collect();
                let at = objective.evaluate(&tried, &mut gradient, Some(&mut probabilities));
                let rounding = 16.0 * T::EPSILON.to_f64() * value.abs();
                if at + self.penalty(&tried) - value <= (0.01 * part * promised).max(-value.abs()) + rounding
                {
                    (x, smooth, moved) = (tried, at, true);
                    break;
                }
                part *= 0.5;
            }
            if !moved {
                return Minimum { x, n_iter, converged: false };
            }
        }
        Minimum { x, n_iter: self.max_iter, converged: false }
    }

    /// Where the quadratic model at `x`, with its penalties, is smallest.
    fn model_minimum(&self, hessian: &[f64], x: &[f64], gradient: &[f64]) -> Vec<f64> {
        let objective = self.objective;
        let penalty = ElasticPenalty { l1: self.l1, l2: objective.l2, positive: false };
        let of_intercepts =
            ElasticPenalty { l1: self.l1_intercept, l2: objective.l2_intercept, positive: false };
        let coefficients = objective.coefficients() as u32;
        let all: Vec<u32> = (0..coefficients).collect();
        let intercepts: Vec<u32> = (coefficients..x.len() as u32).collect();
        let mut w = x.to_vec();
        // The slope of the loss alone: the cycle adds its penalties itself.
        let mut slopes: Vec<f64> =
            gradient.iter().zip(x).enumerate().map(|(i, (g, x))| g - objective.l2_of(i) * x).collect();
        let mut cycle = |order: &[u32], w: &mut Vec<f64>| {
            let a = gram_cycle(hessian, penalty, order, w, &mut slopes);
            let b = gram_cycle(hessian, of_intercepts, &intercepts, w, &mut slopes);
            a.change.max(b.change) <= 1e-10 * a.largest.max(b.largest)
        };
        for _ in 0..CYCLES {
            if cycle(&all, &mut w) {
                break;
            }
            let active: Vec<u32> = all.iter().copied().filter(|&j| w[j as usize] != 0.0).collect();
            for _ in 0..CYCLES {
                if cycle(&active, &mut w) {
                    break;
                }
            }
        }
        w
    }

    /// Proximal gradients with momentum, begun anew where it leads uphill (Beck and Teboulle 2009; O'Donoghue and Candès
    /// 2015): nothing but products with the samples, for very many parameters.
    fn accelerated(&self, mut x: Vec<f64>) -> Minimum {
        let objective = self.objective;
        let size = x.len();
        let (mut ahead, mut momentum, mut steepness) = (x.clone(), 1.0f64, 1.0f64);
        let (mut at_ahead, mut at_next) = (vec![0.0; size], vec![0.0; size]);
        for n_iter in 0..self.max_iter.saturating_mul(10) {
            let value = objective.evaluate(&ahead, &mut at_ahead, None);
            steepness *= 0.9;
            let next = loop {
                let next: Vec<f64> = ahead
                    .iter()
                    .zip(&at_ahead)
                    .enumerate()
                    .map(|(i, (x, g))| {
                        let z = x - g / steepness;
                        (z.abs() - self.l1_of(i) / steepness).max(0.0).copysign(z)
                    })
                    .collect();
                let reached = objective.evaluate(&next, &mut at_next, None);
                let (mut linear, mut square) = (0.0, 0.0);
                for ((next, ahead), g) in next.iter().zip(&ahead).zip(&at_ahead) {
                    linear += g * (next - ahead);
                    square += (next - ahead).powi(2);
                }
                let rounding = 16.0 * T::EPSILON.to_f64() * value.abs();
                if reached <= value + linear + 0.5 * steepness * square + rounding || steepness > 1e300 {
                    break next;
                }
                steepness *= 2.0;
            };
            if self.violation(&next, &at_next) <= self.tol {
                return Minimum { x: next, n_iter: n_iter + 1, converged: true };
            }
            let uphill: f64 =
                ahead.iter().zip(&next).zip(&x).map(|((ahead, next), x)| (ahead - next) * (next - x)).sum();
            if uphill > 0.0 {
                momentum = 1.0;
                ahead.copy_from_slice(&next);
            } else {
                let further = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
                let factor = (momentum - 1.0) / further;
                for ((ahead, next), x) in ahead.iter_mut().zip(&next).zip(&x) {
                    *ahead = next + factor * (next - x);
                }
                momentum = further;
            }
            x = next;
        }
        Minimum { x, n_iter: self.max_iter, converged: false }
    }
}
