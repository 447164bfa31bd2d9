//! A part of the rows of a logistic problem: enough to know what its second derivatives are like, and about where it ends.

use barehand_tensor::{Float, Tensor};

use super::curvature::Curvature;
use super::logistic_objective::LogisticObjective;
use super::samples::Samples;

/// Rows that tell second derivatives, at least; eight times as many as there are features are enough to know their products.
const CURVATURE_ROWS: usize = 4096;

/// The share of the rows that is rehearsed with, and how many there are of them at least and at most.
const REHEARSED_SHARE: usize = 8;
const REHEARSED_ROWS: std::ops::RangeInclusive<usize> = 4096..=16384;

/// Rows for each parameter without which the end of a part tells little of that of the whole.
const ROWS_PER_PARAMETER: usize = 64;

/// Iterations over a part, at most.
const ITERATIONS: usize = 20;

/// Slopes below this, much less than what a part's own are by chance, are not worth an iteration.
const TOLERANCE: f64 = 1e-4;

/// Rows of an objective, evenly spread.
struct FewRows<T: Float> {
    samples: Samples<'static, T>,
    classes: Vec<u32>,
    weights: Option<Vec<f64>>,
    total: f64,
}

impl<T: Float> FewRows<T> {
    /// About as many as `wanted`; none of sparse samples, and where there are no more rows.
    fn of(objective: &LogisticObjective<T>, wanted: usize) -> Option<Self> {
        let Samples::Dense { n, d, .. } = *objective.samples else { return None };
        let step = n.div_ceil(wanted);
        if step <= 1 {
            return None;
        }
        let rows = || (0..n).step_by(step);
        let dense = objective.samples.dense();
        let x: Vec<T> = rows().flat_map(|row| &dense[row * d..(row + 1) * d]).copied().collect();
        let weights: Option<Vec<f64>> =
            objective.weights.map(|weights| rows().map(|row| weights[row]).collect());
        let count = rows().count();
        let total = weights.as_ref().map_or(count as f64, |weights| weights.iter().sum());
        let x = Tensor::from_vec(x, [count, d]).ok()?;
        (total > 0.0).then(|| FewRows {
            samples: Samples::Dense { x, n: count, d },
            classes: rows().map(|row| objective.classes[row]).collect(),
            weights,
            total,
        })
    }

    /// The same objective, of these rows.
    fn objective(&self, whole: &LogisticObjective<T>) -> LogisticObjective<'_, T> {
        LogisticObjective {
            samples: &self.samples,
            classes: &self.classes,
            weights: self.weights.as_deref(),
            scale: 1.0 / self.total,
            outputs: whole.outputs,
            fit_intercept: whole.fit_intercept,
            l2: whole.l2,
            l2_intercept: whole.l2_intercept,
        }
    }
}

/// The second derivatives at even odds of a part of the rows, or of all where they are no more.
pub fn curvature<T: Float>(objective: &LogisticObjective<T>) -> Option<Curvature> {
    match FewRows::of(objective, CURVATURE_ROWS.max(8 * objective.samples.shape().1)) {
        Some(rows) => Curvature::new(&rows.objective(objective), None),
        None => Curvature::new(objective, None),
    }
}

/// Where a problem of two classes ends that has an eighth of the rows, and the second derivatives there: two or three iterations
/// over all rows are left from there, of eight from zeros. None of several classes, and of too few rows to tell.
pub fn rehearsed<T: Float>(objective: &LogisticObjective<T>, tol: f64) -> Option<(Vec<f64>, Curvature)> {
    let (n, parameters) = (objective.classes.len(), objective.parameters());
    let wanted = (n / REHEARSED_SHARE).min(*REHEARSED_ROWS.end());
    if objective.outputs > 1 || wanted < parameters * ROWS_PER_PARAMETER || !REHEARSED_ROWS.contains(&wanted)
    {
        return None;
    }
    let rows = FewRows::of(objective, wanted)?;
    let few = rows.objective(objective);
    let start = few.evaluated(vec![0.0; parameters]);
    let end = few.descend(
        start,
        Curvature::new(&few, None).as_ref(),
        ITERATIONS,
        tol.max(TOLERANCE),
        &mut |_, _| true,
    );
    let mut probabilities = vec![T::ZERO; rows.classes.len()];
    let value = few.evaluate(&end.x, &mut vec![0.0; parameters], Some(&mut probabilities));
    if !value.is_finite() {
        return None;
    }
    Some((end.x, Curvature::new(&few, Some(&probabilities))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_the_looked_at_rows_do_not_have_keeps_its_steps_short() {
        let (n, d) = (20_000, 2);
        let mut x = vec![0.0; n * d];
        x.iter_mut().step_by(d).enumerate().for_each(|(i, x)| *x = (i % 7) as f64 - 3.0);
        x[d + 1] = 1.0; // Row 1 is none of those looked at.
        let samples = Samples::Dense { x: Tensor::from_vec(x, [n, d]).unwrap(), n, d };
        let classes = vec![0; n];
        let objective = LogisticObjective {
            samples: &samples,
            classes: &classes,
            weights: None,
            scale: 1.0 / n as f64,
            outputs: 1,
            fit_intercept: false,
            l2: 0.0,
            l2_intercept: 0.0,
        };
        let step = curvature(&objective).unwrap().solve(&[1.0, 1.0]);
        assert!((step[0] - step[1]).abs() < 1e-6 && step[0] > 0.1 && step[0] < 10.0, "{step:?}");
    }

    #[test]
    fn a_rehearsal_ends_near_the_end() {
        let (n, d) = (40_000, 3);
        let value = |i: usize| ((i * 7919) % 1013) as f64 / 506.0 - 1.0;
        let x: Vec<f64> = (0..n * d).map(value).collect();
        let classes: Vec<u32> = (0..n)
            .map(|row| u32::from(2.0 * x[row * d] - x[row * d + 1] + value(row * 31 + 5) > 0.3))
            .collect();
        let weights: Vec<f64> = (0..n).map(|i| (i % 3) as f64).collect();
        let samples = Samples::Dense { x: Tensor::from_vec(x, [n, d]).unwrap(), n, d };
        let objective = LogisticObjective {
            samples: &samples,
            classes: &classes,
            weights: Some(&weights),
            scale: 1.0 / weights.iter().sum::<f64>(),
            outputs: 1,
            fit_intercept: true,
            l2: 1e-5,
            l2_intercept: 0.0,
        };
        let from = |x: Vec<f64>, curvature: &Curvature| {
            objective.descend(objective.evaluated(x), Some(curvature), 100, 1e-8, &mut |_, _| true)
        };
        let (start, there) = rehearsed(&objective, 1e-8).unwrap();
        let (short, long) = (from(start, &there), from(vec![0.0; d + 1], &curvature(&objective).unwrap()));
        assert!(short.n_iter < long.n_iter && long.converged, "{} {}", short.n_iter, long.n_iter);
        for (a, b) in short.x.iter().zip(&long.x) {
            assert!((a - b).abs() < 1e-5, "{:?} {:?}", short.x, long.x);
        }
        let many = LogisticObjective { outputs: 3, ..objective };
        assert!(rehearsed(&many, 1e-8).is_none());
    }
}
