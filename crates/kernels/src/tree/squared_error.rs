//! Squared error: the variance of the node.

use super::criterion::{Moving, Rows, Scan, Targets};

/// The mean squared error of predicting the mean.
///
/// Targets are first taken from a number near the node's mean: `(sum of squares) - n mean^2` would lose every digit of
/// targets that lie far from 0. It is a round number, so that sums of whole targets stay whole, and cuts that are equally
/// good are so to the last bit.
#[derive(Debug)]
pub struct SquaredError<'a> {
    targets: Targets<'a>,
    means: Vec<f64>,
    /// Round numbers near the means.
    shifts: Vec<f64>,
    /// Weights times targets less the shifts, `(rows, outputs)`.
    weighted: Vec<f64>,
    weights: Vec<f64>,
    /// Sums of `weighted`.
    total: Vec<f64>,
    weight: f64,
}

impl<'a> SquaredError<'a> {
    /// Of these targets.
    pub fn new(targets: Targets<'a>) -> Self {
        let zeros = vec![0.0; targets.outputs];
        SquaredError {
            targets,
            means: zeros.clone(),
            shifts: zeros.clone(),
            weighted: Vec::new(),
            weights: Vec::new(),
            total: zeros,
            weight: 0.0,
        }
    }
}

/// The multiple nearest to `mean` of the largest power of two up to `deviation`.
fn round(mean: f64, deviation: f64) -> f64 {
    if !deviation.is_normal() {
        return mean;
    }
    let power = f64::from_bits(deviation.to_bits() & 0x7FF0_0000_0000_0000);
    let rounded = (mean / power).round_ties_even() * power;
    if rounded.is_finite() { rounded } else { mean }
}

impl Moving for SquaredError<'_> {
    #[inline(always)]
    fn begin(&self, scan: &mut Scan, _: &[u64]) {
        scan.weight = 0.0;
        scan.left.clear();
        scan.left.resize(self.targets.outputs, 0.0);
    }

    #[inline(always)]
    fn move_left(&self, scan: &mut Scan, row: usize) {
        scan.weight += self.weights[row];
        let outputs = self.targets.outputs;
        if outputs == 1 {
            scan.left[0] += self.weighted[row];
            return;
        }
        for (sum, value) in scan.left.iter_mut().zip(&self.weighted[row * outputs..]) {
            *sum += value;
        }
    }

    #[inline(always)]
    fn proxy(&self, scan: &Scan) -> f64 {
        let (mut left, mut right) = (0.0, 0.0);
        for (sum, total) in scan.left.iter().zip(&self.total) {
            left += sum * sum;
            right += (total - sum) * (total - sum);
        }
        left / scan.weight + right / (self.weight - scan.weight)
    }

    fn sides(&self, scan: &Scan) -> (f64, f64) {
        let right = (self.total[0] - scan.left[0]) / (self.weight - scan.weight);
        (self.shifts[0] + scan.left[0] / scan.weight, self.shifts[0] + right)
    }

    fn total(&self) -> f64 {
        self.weight
    }

    fn orderings(&self) -> usize {
        self.targets.outputs
    }

    fn score(&self, ordering: usize, row: usize) -> (f64, f64) {
        (self.weighted[row * self.targets.outputs + ordering], self.weights[row])
    }
}

impl Rows for SquaredError<'_> {
    fn enter(&mut self, samples: &[u32]) {
        let outputs = self.targets.outputs;
        let values = |sample: u32| &self.targets.values[sample as usize * outputs..][..outputs];
        self.weights.clear();
        self.weights.extend(samples.iter().map(|&sample| self.targets.weights[sample as usize]));
        self.weight = self.weights.iter().sum();
        self.means.fill(0.0);
        for (&sample, weight) in samples.iter().zip(&self.weights) {
            for (mean, value) in self.means.iter_mut().zip(values(sample)) {
                *mean += weight * value;
            }
        }
        self.means.iter_mut().for_each(|mean| *mean /= self.weight);
        for output in 0..outputs {
            let mean = self.means[output];
            let square = |(&sample, weight): (&u32, &f64)| weight * (values(sample)[output] - mean).powi(2);
            let variance = samples.iter().zip(&self.weights).map(square).sum::<f64>() / self.weight;
            self.shifts[output] = round(mean, variance.sqrt());
        }
        self.weighted.clear();
        self.total.fill(0.0);
        for (&sample, weight) in samples.iter().zip(&self.weights) {
            for ((shift, value), total) in self.shifts.iter().zip(values(sample)).zip(&mut self.total) {
                let weighted = weight * (value - shift);
                *total += weighted;
                self.weighted.push(weighted);
            }
        }
    }

    fn value(&self, out: &mut [f64]) {
        out.copy_from_slice(&self.means);
    }

    fn impurity_of(&self, rows: &[u32]) -> (f64, f64) {
        let outputs = self.targets.outputs;
        let rows = || rows.iter().map(|&row| row as usize);
        let weight: f64 = rows().map(|row| self.weights[row]).sum();
        let mut sum = 0.0;
        for output in 0..outputs {
            let of = |row: usize| self.weighted[row * outputs + output];
            let mean = rows().map(of).sum::<f64>() / weight;
            let square = |row: usize| self.weights[row] * (of(row) / self.weights[row] - mean).powi(2);
            sum += rows().map(square).sum::<f64>() / weight;
        }
        (weight, sum / outputs as f64)
    }
}
