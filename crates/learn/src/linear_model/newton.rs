//! Newton's method for logistic regression: the equations of each step solved by Cholesky's factor.

use barehand_tensor::Float;

use super::few_rows;
use super::lbfgs::Minimum;
use super::least_squares::ScaledCholesky;
use super::logistic_objective::LogisticObjective;

/// Halvings of a step, at most.
const HALVINGS: usize = 21;

/// Part of the gain that the slope promises, which a step must have.
const GAIN: f64 = 1.0 / 2048.0;

/// Minimises from `x` on until no slope is above `tol`, and neither is half the squared Newton decrement.
///
/// ```text
/// (H + l2 I) step = -g,   x = x + t step with t = 1, 1/2, 1/4, ... until it gains enough
/// ```
///
/// Where the equations cannot be solved, or no step gains, L-BFGS goes on, and the second of what is returned is false.
/// Source: scikit-learn's `newton-cholesky`; Boyd and Vandenberghe, Convex Optimization, 9.5.
pub fn minimize<T: Float>(
    objective: &LogisticObjective<T>,
    mut x: Vec<f64>,
    max_iter: usize,
    tol: f64,
) -> (Minimum, bool) {
    let size = x.len();
    let mut probabilities = vec![T::ZERO; objective.classes.len() * objective.outputs];
    let mut gradient = vec![0.0; size];
    let mut value = objective.evaluate(&x, &mut gradient, Some(&mut probabilities));
    for n_iter in 0..max_iter {
        let mut hessian = objective.hessian(&probabilities);
        for i in 0..size {
            hessian[i * size + i] += objective.l2_of(i);
        }
        hold_free_directions(objective, &mut hessian);
        let Some(factor) = ScaledCholesky::new(&hessian, size, 0.0) else {
            return (go_on(objective, x, n_iter, max_iter, tol), false);
        };
        let mut step: Vec<f64> = gradient.iter().map(|g| -g).collect();
        factor.solve(&mut step, 1);
        let slope: f64 = gradient.iter().zip(&step).map(|(g, step)| g * step).sum();
        let length = |g: &[f64]| g.iter().map(|g| g.abs()).sum::<f64>();
        let (mut part, mut moved) = (1.0, false);
        let mut tried = vec![0.0; size];
        let mut slopes = vec![0.0; size];
        for _ in 0..HALVINGS {
            for ((tried, x), step) in tried.iter_mut().zip(&x).zip(&step) {
                *tried = x + part * step;
            }
            let at = objective.evaluate(&tried, &mut slopes, Some(&mut probabilities));
            let gained = at - value;
            // Where a gain is lost in rounding, smaller slopes are one too.
            let rounding = 16.0 * T::EPSILON.to_f64() * value.abs();
            if gained <= part * GAIN * slope
                || (gained.abs() <= rounding && length(&slopes) < length(&gradient))
            {
                (value, moved) = (at, true);
                break;
            }
            part *= 0.5;
        }
        if !moved {
            return (go_on(objective, x, n_iter, max_iter, tol), false);
        }
        std::mem::swap(&mut x, &mut tried);
        std::mem::swap(&mut gradient, &mut slopes);
        let steepest = gradient.iter().map(|g| g.abs()).fold(0.0, f64::max);
        if steepest <= tol && -0.5 * slope <= tol {
            return (Minimum { x, n_iter: n_iter + 1, converged: true }, true);
        }
    }
    (Minimum { x, n_iter: max_iter, converged: false }, true)
}

fn go_on<T: Float>(
    objective: &LogisticObjective<T>,
    x: Vec<f64>,
    n_iter: usize,
    max_iter: usize,
    tol: f64,
) -> Minimum {
    let start = objective.evaluated(x);
    let curvature = few_rows::curvature(objective);
    let rest = objective.descend(start, curvature.as_ref(), max_iter - n_iter, tol, &mut |_, _| true);
    Minimum { n_iter: n_iter + rest.n_iter, ..rest }
}

/// Logits may all be shifted by one number: what is not penalised is determined up to such shifts. Their curvature is
/// set to what others have, which leaves them where they are.
fn hold_free_directions<T: Float>(objective: &LogisticObjective<T>, hessian: &mut [f64]) {
    let (k, size) = (objective.outputs, objective.parameters());
    if k == 1 {
        return;
    }
    let d = objective.coefficients() / k;
    let mut hold = |places: Vec<usize>| {
        let mean = places.iter().map(|&i| hessian[i * size + i]).sum::<f64>() / k as f64;
        for &i in &places {
            for &j in &places {
                hessian[i * size + j] += mean;
            }
        }
    };
    if objective.l2 == 0.0 {
        (0..d).for_each(|j| hold((0..k).map(|class| class * d + j).collect()));
    }
    if objective.fit_intercept && objective.l2_intercept == 0.0 {
        hold((0..k).map(|class| k * d + class).collect());
    }
}
