//! The objective of logistic regression, as its solvers see it.

use barehand_tensor::Float;

use super::curvature::Curvature;
use super::lbfgs::{Evaluated, InverseCurvature, Lbfgs, Minimum, Watch};
use super::samples::Samples;

/// The weighted mean cross entropy of linear scores, plus `l2 |coef|^2 / 2`.
///
/// Parameters are the coefficients `(outputs, d)`, row by row, and behind them, where they are fitted, the intercepts. One
/// output tells two classes apart, several are logits of a softmax.
pub struct LogisticObjective<'a, T: Float> {
    /// Features.
    pub samples: &'a Samples<'a, T>,
    /// The class of each sample.
    pub classes: &'a [u32],
    /// How much each sample counts.
    pub weights: Option<&'a [f64]>,
    /// One over the sum of the weights.
    pub scale: f64,
    /// 1 for two classes, else the number of classes.
    pub outputs: usize,
    /// Whether there are intercepts.
    pub fit_intercept: bool,
    /// Strength of the penalty on coefficients.
    pub l2: f64,
    /// Strength of the penalty on intercepts: 0, but for liblinear's objective.
    pub l2_intercept: f64,
}

impl<T: Float> LogisticObjective<'_, T> {
    fn d(&self) -> usize {
        self.samples.shape().1
    }

    /// How many parameters are coefficients.
    pub fn coefficients(&self) -> usize {
        self.outputs * self.d()
    }

    /// How many parameters there are.
    pub fn parameters(&self) -> usize {
        self.coefficients() + if self.fit_intercept { self.outputs } else { 0 }
    }

    /// The penalty in front of a parameter.
    pub fn l2_of(&self, parameter: usize) -> f64 {
        if parameter < self.coefficients() { self.l2 } else { self.l2_intercept }
    }

    /// The value; `gradient` gets the slopes, `probabilities`, if given, `(n, outputs)`.
    pub fn evaluate(&self, parameters: &[f64], gradient: &mut [f64], probabilities: Option<&mut [T]>) -> f64 {
        let (coef, intercept) = parameters.split_at(self.coefficients());
        let narrow = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
        let w = narrow(coef);
        let bias = if self.fit_intercept { narrow(intercept) } else { vec![T::ZERO; self.outputs] };
        let (d_coef, d_intercept) = gradient.split_at_mut(coef.len());
        let mut d_bias = vec![0.0; self.outputs];
        let loss = if self.samples.is_sparse() {
            let mut scores = self.samples.scores(&w, &bias);
            let loss = T::cross_entropy_of_scores(
                &mut scores,
                self.outputs,
                self.classes,
                self.weights,
                probabilities,
            );
            d_coef.copy_from_slice(&self.samples.transposed(&scores, self.outputs));
            for row in scores.chunks_exact(self.outputs) {
                d_bias.iter_mut().zip(row).for_each(|(sum, value)| *sum += value.to_f64());
            }
            loss
        } else {
            let samples = self.samples.classified(self.classes, self.weights);
            T::cross_entropy_gradient(&samples, &w, &bias, d_coef, &mut d_bias, probabilities)
        };
        d_intercept.copy_from_slice(&d_bias[..d_intercept.len()]);
        let mut value = loss * self.scale;
        for (i, (slope, parameter)) in gradient.iter_mut().zip(parameters).enumerate() {
            let l2 = self.l2_of(i);
            *slope = *slope * self.scale + l2 * parameter;
            value += 0.5 * l2 * parameter * parameter;
        }
        value
    }

    /// What is at these parameters.
    pub fn evaluated(&self, x: Vec<f64>) -> Evaluated {
        let mut gradient = vec![0.0; x.len()];
        let value = self.evaluate(&x, &mut gradient, None);
        Evaluated { x, value, gradient }
    }

    /// The value where all parameters are 0.
    pub fn value_at_zeros(&self) -> f64 {
        (self.outputs.max(2) as f64).ln()
    }

    /// L-BFGS from `start` on, until no slope is larger than `tol`.
    pub fn descend(
        &self,
        start: Evaluated,
        curvature: Option<&Curvature>,
        max_iter: usize,
        tol: f64,
        watch: &mut Watch,
    ) -> Minimum {
        let inverse = curvature.map(|curvature| |slopes: &[f64]| curvature.solve(slopes));
        let solver = Lbfgs {
            max_iter,
            gtol: tol,
            ftol: 64.0 * f64::EPSILON,
            inverse_curvature: inverse.as_ref().map(|inverse| inverse as &InverseCurvature),
        };
        solver.minimize(start, |x, gradient| self.evaluate(x, gradient, None), watch)
    }

    /// The second derivatives of the loss without its penalty, `(parameters, parameters)`, at these probabilities.
    pub fn hessian(&self, probabilities: &[T]) -> Vec<f64> {
        let (k, d, size) = (self.outputs, self.d(), self.parameters());
        let m = d + 1;
        let mut hessian = vec![0.0; size * size];
        let mut curvature = vec![0.0; self.classes.len()];
        for a in 0..k {
            for b in 0..=a {
                for (row, (value, p)) in curvature.iter_mut().zip(probabilities.chunks_exact(k)).enumerate() {
                    let (pa, pb) = (p[a].to_f64(), p[b].to_f64());
                    let weight = self.weights.map_or(1.0, |weights| weights[row]) * self.scale;
                    *value = weight * if a == b { pa * (1.0 - pa) } else { pa * pb };
                }
                let gram = self.samples.gram(&[], 0, Some(&curvature), &vec![0.0; d]);
                let sign = if a == b { 1.0 } else { -1.0 };
                let place = |class: usize, i: usize| if i < d { class * d + i } else { k * d + class };
                let last = if self.fit_intercept { m } else { d };
                for i in 0..last {
                    for j in 0..last {
                        let value = sign * gram[i * m + j];
                        hessian[place(a, i) * size + place(b, j)] = value;
                        hessian[place(b, j) * size + place(a, i)] = value;
                    }
                }
            }
        }
        hessian
    }
}
