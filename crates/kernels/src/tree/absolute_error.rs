//! Absolute error: the distance from the median.

use super::criterion::{Moving, Rows, Scan, Targets};
use super::order::key_row;

/// The mean absolute error of predicting the weighted median.
///
/// The errors left and right of every cut of a column are found in two passes, each of which adds row after row to sums
/// over the sorted targets (Fenwick, 1994) and looks up the median: `n log n` for a column.
#[derive(Debug)]
pub struct AbsoluteError<'a> {
    targets: Targets<'a>,
    /// The targets of each output in ascending order, `(outputs, rows)`.
    sorted: Vec<f64>,
    /// Where among them each row's target stands.
    places: Vec<u32>,
    weights: Vec<f64>,
    medians: Vec<f64>,
    weight: f64,
}

impl<'a> AbsoluteError<'a> {
    /// Of these targets.
    pub fn new(targets: Targets<'a>) -> Self {
        let medians = vec![0.0; targets.outputs];
        AbsoluteError {
            targets,
            sorted: Vec::new(),
            places: Vec::new(),
            weights: Vec::new(),
            medians,
            weight: 0.0,
        }
    }

    fn rows(&self) -> usize {
        self.weights.len()
    }

    /// Adds to `errors[i]` the error of the first `i + 1` rows of `rows`, and puts their median into `medians[i]`.
    fn errors(
        &self,
        output: usize,
        rows: impl Iterator<Item = usize>,
        [weights, products]: &mut [Vec<f64>; 2],
        errors: &mut [f64],
        medians: &mut [f64],
    ) {
        let n = self.rows();
        let sorted = &self.sorted[output * n..(output + 1) * n];
        let places = &self.places[output * n..(output + 1) * n];
        for sums in [&mut *weights, &mut *products] {
            sums.clear();
            sums.resize(n + 1, 0.0);
        }
        let highest = if n == 0 { 0 } else { 1usize << n.ilog2() };
        let (mut weight, mut product) = (0.0, 0.0);
        for (i, row) in rows.enumerate() {
            let (place, own) = (places[row] as usize, self.weights[row]);
            let value = sorted[place];
            weight += own;
            product += own * value;
            let mut at = place + 1;
            while at <= n {
                weights[at] += own;
                products[at] += own * value;
                at += at & at.wrapping_neg();
            }
            // The place before which less than half of the weight lies, and the one up to which half or less does.
            let (below, low_weight, low_product) = search(weights, products, highest, weight / 2.0, false);
            let (upto, ..) = search(weights, products, highest, weight / 2.0, true);
            let median = if upto == below {
                sorted[below.min(n - 1)]
            } else {
                f64::midpoint(sorted[below.min(n - 1)], sorted[upto.min(n - 1)])
            };
            medians[i] = median;
            // Any number between the two gives the same error; this one is 0 for the row at `below`.
            let middle = sorted[below.min(n - 1)];
            errors[i] +=
                (product - low_product) - middle * (weight - low_weight) + middle * low_weight - low_product;
        }
    }
}

/// How many places can be passed while the weight passed stays below `half` (or at it, where `inclusive`), and the sums
/// that were passed. Places that nothing was added to weigh nothing and are passed.
fn search(
    weights: &[f64],
    products: &[f64],
    highest: usize,
    half: f64,
    inclusive: bool,
) -> (usize, f64, f64) {
    let (mut at, mut weight, mut product, mut step) = (0, 0.0, 0.0, highest);
    while step > 0 {
        let next = at + step;
        if next < weights.len() {
            let sum = weight + weights[next];
            if sum < half || inclusive && sum <= half {
                (at, weight, product) = (next, sum, product + products[next]);
            }
        }
        step /= 2;
    }
    (at, weight, product)
}

impl Moving for AbsoluteError<'_> {
    fn begin(&self, scan: &mut Scan, keys: &[u64]) {
        let n = keys.len();
        scan.weight = 0.0;
        scan.moved = 0;
        for list in scan.errors.iter_mut().chain(&mut scan.medians) {
            list.clear();
            list.resize(n, 0.0);
        }
        let Scan { errors: [left, right], medians: [lefts, rights], prefix, .. } = scan;
        // The first output last: its medians are the ones that monotonic constraints look at.
        for output in (0..self.targets.outputs).rev() {
            self.errors(output, keys.iter().map(|&key| key_row(key)), prefix, left, lefts);
            self.errors(output, keys.iter().rev().map(|&key| key_row(key)), prefix, right, rights);
        }
    }

    #[inline(always)]
    fn move_left(&self, scan: &mut Scan, row: usize) {
        scan.weight += self.weights[row];
        scan.moved += 1;
    }

    #[inline(always)]
    fn proxy(&self, scan: &Scan) -> f64 {
        let remaining = self.rows() - scan.moved;
        -(scan.errors[0][scan.moved - 1] + scan.errors[1][remaining - 1]) / self.targets.outputs as f64
    }

    fn sides(&self, scan: &Scan) -> (f64, f64) {
        let remaining = self.rows() - scan.moved;
        (scan.medians[0][scan.moved - 1], scan.medians[1][remaining - 1])
    }

    fn total(&self) -> f64 {
        self.weight
    }

    fn orderings(&self) -> usize {
        self.targets.outputs
    }

    fn score(&self, ordering: usize, row: usize) -> (f64, f64) {
        let n = self.rows();
        let value = self.sorted[ordering * n + self.places[ordering * n + row] as usize];
        (self.weights[row] * value, self.weights[row])
    }
}

/// The weighted median of values in ascending order: where half of the weight lies on both sides of a gap, its middle.
fn median(values: &[(f64, f64)]) -> f64 {
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut passed = 0.0;
    for (i, (value, weight)) in values.iter().enumerate() {
        passed += weight;
        if passed > half {
            return *value;
        }
        if passed == half
            && let Some((next, _)) = values.get(i + 1)
        {
            return f64::midpoint(*value, *next);
        }
    }
    values.last().map_or(0.0, |(value, _)| *value)
}

impl Rows for AbsoluteError<'_> {
    fn enter(&mut self, samples: &[u32]) {
        let (outputs, n) = (self.targets.outputs, samples.len());
        self.weights.clear();
        self.weights.extend(samples.iter().map(|&sample| self.targets.weights[sample as usize]));
        self.weight = self.weights.iter().sum();
        self.sorted.clear();
        self.places.clear();
        self.places.resize(n * outputs, 0);
        for output in 0..outputs {
            let of = |row: u32| self.targets.values[samples[row as usize] as usize * outputs + output];
            let mut order: Vec<u32> = (0..n as u32).collect();
            order.sort_unstable_by(|&a, &b| of(a).total_cmp(&of(b)).then(a.cmp(&b)));
            for (place, &row) in order.iter().enumerate() {
                self.places[output * n + row as usize] = place as u32;
            }
            self.sorted.extend(order.iter().map(|&row| of(row)));
            let pairs: Vec<_> = order.iter().map(|&row| (of(row), self.weights[row as usize])).collect();
            self.medians[output] = median(&pairs);
        }
    }

    fn value(&self, out: &mut [f64]) {
        out.copy_from_slice(&self.medians);
    }

    fn impurity_of(&self, rows: &[u32]) -> (f64, f64) {
        let (outputs, n) = (self.targets.outputs, self.rows());
        let rows: Vec<usize> = rows.iter().map(|&row| row as usize).collect();
        let weight: f64 = rows.iter().map(|&row| self.weights[row]).sum();
        let mut sum = 0.0;
        for output in 0..outputs {
            let place = |row: usize| self.places[output * n + row] as usize;
            let mut order = rows.clone();
            order.sort_unstable_by_key(|&row| place(row));
            let pairs: Vec<_> =
                order.iter().map(|&row| (self.sorted[output * n + place(row)], self.weights[row])).collect();
            let middle = median(&pairs);
            sum += pairs.iter().map(|(value, weight)| weight * (value - middle).abs()).sum::<f64>();
        }
        (weight, sum / (weight * outputs as f64))
    }
}
