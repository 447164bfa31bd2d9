//! Impurity of classes: Gini's index, and entropy.

use super::criterion::{BLOCK, Moving, Rows, Scan, Targets};
use super::order::key_row;

/// Whole weights up to this sum have their x log x in a table.
const TABLE: f64 = 4_194_304.0;

/// The classes of a node's rows.
#[derive(Debug)]
struct Classes<'a> {
    targets: Targets<'a>,
    /// Where the classes of each output begin among the sums, and where the last ones end.
    starts: Vec<usize>,
    /// Places of the rows' classes among the sums, `(rows, outputs)`.
    places: Vec<u32>,
    weights: Vec<f64>,
    total: Vec<f64>,
    weight: f64,
    /// Whether every weight is a whole number, so that sums and their squares are exact in whatever order they are made.
    whole: bool,
    /// Whether every row of the node weighs 1.
    equal: bool,
}

impl<'a> Classes<'a> {
    fn new(targets: Targets<'a>, classes: &[usize]) -> Self {
        assert_eq!(classes.len(), targets.outputs, "a count of classes for each output");
        let mut starts = vec![0];
        for (output, count) in classes.iter().enumerate() {
            starts.push(starts[output] + count);
        }
        // Squares of sums stay below 2^53.
        let sum: f64 = targets.weights.iter().sum();
        let whole = sum < 94_906_265.0 && targets.weights.iter().all(|weight| weight.fract() == 0.0);
        let total = vec![0.0; starts[classes.len()]];
        Classes {
            targets,
            starts,
            places: Vec::new(),
            weights: Vec::new(),
            total,
            weight: 0.0,
            whole,
            equal: false,
        }
    }

    fn outputs(&self) -> usize {
        self.targets.outputs
    }

    fn enter(&mut self, samples: &[u32]) {
        let outputs = self.outputs();
        self.places.clear();
        self.weights.clear();
        self.total.fill(0.0);
        self.weight = 0.0;
        for &sample in samples {
            let (sample, weight) = (sample as usize, self.targets.weights[sample as usize]);
            for output in 0..outputs {
                let place = self.starts[output] + self.targets.values[sample * outputs + output] as usize;
                self.total[place] += weight;
                self.places.push(place as u32);
            }
            self.weights.push(weight);
            self.weight += weight;
        }
        self.equal = self.weights.iter().all(|&weight| weight == 1.0);
    }

    /// The most classes that an output has.
    fn widest(&self) -> usize {
        self.starts.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0)
    }

    fn value(&self, out: &mut [f64]) {
        out.fill(0.0);
        let widest = self.widest();
        for output in 0..self.outputs() {
            let sums = &self.total[self.starts[output]..self.starts[output + 1]];
            for (share, sum) in out[output * widest..].iter_mut().zip(sums) {
                *share = sum / self.weight;
            }
        }
    }

    fn sums_of(&self, rows: &[u32]) -> (Vec<f64>, f64) {
        let (mut sums, mut weight, outputs) = (vec![0.0; self.total.len()], 0.0, self.outputs());
        for &row in rows {
            let row = row as usize;
            for &place in &self.places[row * outputs..(row + 1) * outputs] {
                sums[place as usize] += self.weights[row];
            }
            weight += self.weights[row];
        }
        (sums, weight)
    }

    /// The sums of each output.
    fn by_output<'s>(&'s self, sums: &'s [f64]) -> impl Iterator<Item = &'s [f64]> {
        self.starts.windows(2).map(|ends| &sums[ends[0]..ends[1]])
    }

    fn begin(&self, scan: &mut Scan) {
        scan.weight = 0.0;
        scan.left.clear();
        scan.left.resize(self.total.len(), 0.0);
        scan.right.clear();
        scan.right.extend_from_slice(&self.total);
    }

    fn sides(&self, scan: &Scan) -> (f64, f64) {
        let right = self.total[0] - scan.left[0];
        (scan.left[0] / scan.weight, right / (self.weight - scan.weight))
    }

    /// Shares of each class of each output; where there are two, of one.
    fn orderings(&self) -> usize {
        if self.total.len() == 2 { 1 } else { self.total.len() }
    }

    fn score(&self, ordering: usize, row: usize) -> (f64, f64) {
        let outputs = self.outputs();
        let held = self.places[row * outputs..(row + 1) * outputs].contains(&(ordering as u32));
        (if held { self.weights[row] } else { 0.0 }, self.weights[row])
    }
}

fn square_sum(sums: &[f64]) -> f64 {
    sums.iter().map(|sum| sum * sum).sum()
}

/// Of the weights of both sides, and the sums of their classes' squares.
#[inline(always)]
fn gini_proxy(left: f64, left_squares: f64, right: f64, right_squares: f64) -> f64 {
    let index = |squares: f64, weight: f64| 1.0 - squares / (weight * weight);
    -right * index(right_squares, right) - left * index(left_squares, left)
}

/// Gini's index: how probable it is that two rows of the node, drawn at random, are of different classes.
#[derive(Debug)]
pub struct Gini<'a>(Classes<'a>);

impl<'a> Gini<'a> {
    /// Of targets that are codes below `classes` of their output.
    pub fn new(targets: Targets<'a>, classes: &[usize]) -> Self {
        Gini(Classes::new(targets, classes))
    }
}

impl Moving for Gini<'_> {
    #[inline(always)]
    fn begin(&self, scan: &mut Scan, _: &[u64]) {
        self.0.begin(scan);
        scan.left_square.clear();
        scan.left_square.resize(self.0.outputs(), 0.0);
        scan.right_square.clear();
        scan.right_square.extend(self.0.by_output(&self.0.total).map(square_sum));
    }

    #[inline(always)]
    fn move_left(&self, scan: &mut Scan, row: usize) {
        let (outputs, weight) = (self.0.outputs(), self.0.weights[row]);
        scan.weight += weight;
        if outputs == 1 {
            let place = self.0.places[row] as usize;
            let (left, right) = (&mut scan.left[place], &mut scan.right[place]);
            // (s + w)^2 = s^2 + w (2 s + w)
            scan.left_square[0] += weight * (2.0 * *left + weight);
            scan.right_square[0] -= weight * (2.0 * *right - weight);
            *left += weight;
            *right -= weight;
            return;
        }
        for output in 0..outputs {
            let place = self.0.places[row * outputs + output] as usize;
            let (left, right) = (&mut scan.left[place], &mut scan.right[place]);
            scan.left_square[output] += weight * (2.0 * *left + weight);
            scan.right_square[output] -= weight * (2.0 * *right - weight);
            *left += weight;
            *right -= weight;
        }
    }

    /// Sums of whole weights are exact, and so are their squares.
    fn moves_blocks(&self) -> bool {
        self.0.whole && self.0.outputs() == 1
    }

    #[inline(always)]
    fn move_block(&self, scan: &mut Scan, keys: &[u64], proxies: &mut [f64]) {
        let (places, n, total) = (&self.0.places, keys.len(), self.0.weight);
        let (weight, left, right) = (&mut [0.0; BLOCK], &mut [0.0; BLOCK], &mut [0.0; BLOCK]);
        let (weight, left, right) = (&mut weight[..n], &mut left[..n], &mut right[..n]);
        if let &[zeros, ones] = &self.0.total[..] {
            // Of two classes one is counted, which is no more than adding up.
            let (mut moved, mut count) = (scan.weight, scan.left[1]);
            if self.0.equal {
                let (mut sum, sums) = (0, &mut [0u32; BLOCK]);
                for (to, &key) in sums.iter_mut().zip(keys) {
                    sum += places[key_row(key)];
                    *to = sum;
                }
                for i in 0..n {
                    (weight[i], left[i]) = (moved + (i + 1) as f64, count + f64::from(sums[i]));
                }
                (moved, count) = (moved + n as f64, count + f64::from(sum));
            } else {
                for (i, &key) in keys.iter().enumerate() {
                    let row = key_row(key);
                    moved += self.0.weights[row];
                    count += self.0.weights[row] * f64::from(places[row]);
                    (weight[i], left[i]) = (moved, count);
                }
            }
            for i in 0..n {
                let (a, b) = (weight[i] - left[i], left[i]);
                left[i] = a * a + b * b;
                right[i] = (zeros - a) * (zeros - a) + (ones - b) * (ones - b);
            }
            (scan.weight, scan.left[1]) = (moved, count);
        } else {
            for i in 0..n {
                self.move_left(scan, key_row(keys[i]));
                (weight[i], left[i], right[i]) = (scan.weight, scan.left_square[0], scan.right_square[0]);
            }
        }
        for i in 0..n {
            proxies[i] = gini_proxy(weight[i], left[i], total - weight[i], right[i]);
        }
    }

    #[inline(always)]
    fn proxy(&self, scan: &Scan) -> f64 {
        let (left, right) = (scan.weight, self.0.weight - scan.weight);
        let index = |squares: f64, weight: f64| 1.0 - squares / (weight * weight);
        if self.0.whole && self.0.outputs() == 1 {
            return gini_proxy(left, scan.left_square[0], right, scan.right_square[0]);
        }
        let (mut a, mut b) = (0.0, 0.0);
        for output in 0..self.0.outputs() {
            let range = self.0.starts[output]..self.0.starts[output + 1];
            let (lefts, rights) = if self.0.whole {
                (scan.left_square[output], scan.right_square[output])
            } else {
                // Running sums of real weights would drift: these are made anew.
                let remaining = self.0.total[range.clone()].iter().zip(&scan.left[range.clone()]);
                (square_sum(&scan.left[range]), remaining.map(|(total, left)| (total - left).powi(2)).sum())
            };
            a += index(lefts, left);
            b += index(rights, right);
        }
        let outputs = self.0.outputs() as f64;
        -right * (b / outputs) - left * (a / outputs)
    }

    fn sides(&self, scan: &Scan) -> (f64, f64) {
        self.0.sides(scan)
    }

    fn total(&self) -> f64 {
        self.0.weight
    }

    fn orderings(&self) -> usize {
        self.0.orderings()
    }

    fn score(&self, ordering: usize, row: usize) -> (f64, f64) {
        self.0.score(ordering, row)
    }
}

impl Rows for Gini<'_> {
    fn enter(&mut self, samples: &[u32]) {
        self.0.enter(samples);
    }

    fn value(&self, out: &mut [f64]) {
        self.0.value(out);
    }

    fn impurity_of(&self, rows: &[u32]) -> (f64, f64) {
        let (sums, weight) = self.0.sums_of(rows);
        let indices = self.0.by_output(&sums).map(|sums| 1.0 - square_sum(sums) / (weight * weight));
        (weight, indices.sum::<f64>() / self.0.outputs() as f64)
    }
}

/// Entropy in bits: `-sum_k p_k log2 p_k`.
#[derive(Debug)]
pub struct Entropy<'a> {
    classes: Classes<'a>,
    /// x log2 x of the whole numbers, where weights are whole.
    table: Vec<f64>,
}

fn x_log_x(x: f64) -> f64 {
    if x > 0.0 { x * x.log2() } else { 0.0 }
}

impl<'a> Entropy<'a> {
    /// Of targets that are codes below `classes` of their output.
    pub fn new(targets: Targets<'a>, classes: &[usize]) -> Self {
        let sum: f64 = targets.weights.iter().sum();
        let classes = Classes::new(targets, classes);
        let numbers = if classes.whole && sum <= TABLE { 0..sum as u32 + 1 } else { 0..0 };
        Entropy { classes, table: numbers.map(|x| x_log_x(f64::from(x))).collect() }
    }

    #[inline(always)]
    fn x_log_x(&self, x: f64) -> f64 {
        if self.table.is_empty() { x_log_x(x.max(0.0)) } else { self.table[x as usize] }
    }
}

impl Moving for Entropy<'_> {
    fn begin(&self, scan: &mut Scan, _: &[u64]) {
        self.classes.begin(scan);
    }

    #[inline(always)]
    fn move_left(&self, scan: &mut Scan, row: usize) {
        let (outputs, weight) = (self.classes.outputs(), self.classes.weights[row]);
        scan.weight += weight;
        for &place in &self.classes.places[row * outputs..(row + 1) * outputs] {
            scan.left[place as usize] += weight;
        }
    }

    #[inline(always)]
    fn proxy(&self, scan: &Scan) -> f64 {
        let right = self.classes.weight - scan.weight;
        let outputs = self.classes.outputs() as f64;
        let mut sum = 0.0;
        for (total, left) in self.classes.total.iter().zip(&scan.left) {
            sum += self.x_log_x(*left) + self.x_log_x(total - left);
        }
        sum / outputs - (self.x_log_x(scan.weight) + self.x_log_x(right))
    }

    fn sides(&self, scan: &Scan) -> (f64, f64) {
        self.classes.sides(scan)
    }

    fn total(&self) -> f64 {
        self.classes.weight
    }

    fn orderings(&self) -> usize {
        self.classes.orderings()
    }

    fn score(&self, ordering: usize, row: usize) -> (f64, f64) {
        self.classes.score(ordering, row)
    }
}

impl Rows for Entropy<'_> {
    fn enter(&mut self, samples: &[u32]) {
        self.classes.enter(samples);
    }

    fn value(&self, out: &mut [f64]) {
        self.classes.value(out);
    }

    fn impurity_of(&self, rows: &[u32]) -> (f64, f64) {
        let (sums, weight) = self.classes.sums_of(rows);
        let entropy = |sums: &[f64]| -sums.iter().map(|&sum| x_log_x(sum / weight)).sum::<f64>();
        let sum: f64 = self.classes.by_output(&sums).map(entropy).sum();
        (weight, sum / self.classes.outputs() as f64)
    }
}
