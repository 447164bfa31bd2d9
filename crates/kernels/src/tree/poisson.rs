//! Half the Poisson deviance.

use super::criterion::{Moving, Rows, Scan, Targets};

/// Half the Poisson deviance of predicting the mean: `mean of y log(y / mean)`, for targets that are not negative.
///
/// A side without a positive target is never made: it would predict 0, of which the deviance may be infinite. Positive
/// targets are counted, for the difference of two equal sums need not be 0.
#[derive(Debug)]
pub struct Poisson<'a> {
    targets: Targets<'a>,
    /// Targets and weights times targets, `(rows, outputs)`.
    values: Vec<f64>,
    weights: Vec<f64>,
    total: Vec<f64>,
    /// Rows with a positive target, for each output.
    positive: Vec<f64>,
    weight: f64,
}

impl<'a> Poisson<'a> {
    /// Of these targets.
    pub fn new(targets: Targets<'a>) -> Self {
        let total = vec![0.0; targets.outputs];
        let positive = total.clone();
        Poisson { targets, values: Vec::new(), weights: Vec::new(), total, positive, weight: 0.0 }
    }
}

impl Moving for Poisson<'_> {
    fn begin(&self, scan: &mut Scan, _: &[u64]) {
        scan.weight = 0.0;
        scan.left.clear();
        scan.left.resize(self.targets.outputs, 0.0);
        scan.counts.clear();
        scan.counts.resize(self.targets.outputs, 0.0);
    }

    #[inline(always)]
    fn move_left(&self, scan: &mut Scan, row: usize) {
        let weight = self.weights[row];
        scan.weight += weight;
        let values = &self.values[row * self.targets.outputs..];
        for ((sum, count), value) in scan.left.iter_mut().zip(&mut scan.counts).zip(values) {
            *sum += weight * value;
            *count += f64::from(*value > 0.0);
        }
    }

    fn proxy(&self, scan: &Scan) -> f64 {
        let right_weight = self.weight - scan.weight;
        let mut proxy = 0.0;
        let counts = scan.counts.iter().zip(&self.positive);
        for ((&left, total), (count, positive)) in scan.left.iter().zip(&self.total).zip(counts) {
            let right = total - left;
            if *count == 0.0 || count == positive || left <= 0.0 || right <= 0.0 {
                return f64::NEG_INFINITY;
            }
            proxy += left * (left / scan.weight).ln() + right * (right / right_weight).ln();
        }
        proxy
    }

    fn sides(&self, scan: &Scan) -> (f64, f64) {
        let right = self.total[0] - scan.left[0];
        (scan.left[0] / scan.weight, right / (self.weight - scan.weight))
    }

    fn total(&self) -> f64 {
        self.weight
    }

    fn orderings(&self) -> usize {
        self.targets.outputs
    }

    fn score(&self, ordering: usize, row: usize) -> (f64, f64) {
        let weight = self.weights[row];
        (weight * self.values[row * self.targets.outputs + ordering], weight)
    }
}

impl Rows for Poisson<'_> {
    fn enter(&mut self, samples: &[u32]) {
        let outputs = self.targets.outputs;
        self.values.clear();
        self.weights.clear();
        self.total.fill(0.0);
        self.positive.fill(0.0);
        self.weight = 0.0;
        for &sample in samples {
            let weight = self.targets.weights[sample as usize];
            let values = &self.targets.values[sample as usize * outputs..][..outputs];
            self.total.iter_mut().zip(values).for_each(|(total, value)| *total += weight * value);
            for (count, value) in self.positive.iter_mut().zip(values) {
                *count += f64::from(*value > 0.0);
            }
            self.values.extend_from_slice(values);
            self.weights.push(weight);
            self.weight += weight;
        }
    }

    fn value(&self, out: &mut [f64]) {
        out.iter_mut().zip(&self.total).for_each(|(out, total)| *out = total / self.weight);
    }

    fn impurity_of(&self, rows: &[u32]) -> (f64, f64) {
        let outputs = self.targets.outputs;
        let rows = || rows.iter().map(|&row| row as usize);
        let weight: f64 = rows().map(|row| self.weights[row]).sum();
        let mut sum = 0.0;
        for output in 0..outputs {
            let of = |row: usize| self.values[row * outputs + output];
            let total: f64 = rows().map(|row| self.weights[row] * of(row)).sum();
            if total <= 0.0 {
                return (weight, f64::INFINITY);
            }
            let mean = total / weight;
            let loss = |y: f64| if y == 0.0 { 0.0 } else { y * (y / mean).ln() };
            sum += rows().map(|row| self.weights[row] * loss(of(row))).sum::<f64>();
        }
        (weight, sum / (weight * outputs as f64))
    }
}
