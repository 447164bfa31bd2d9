//! Coordinate descent for several targets whose coefficients of one feature are 0 together.
//!
//! ```text
//! P(W) = 1/2 |Y - X W|^2 + l1 sum_j |W_j| + l2/2 |W|^2,   R = Y - X W,   A = X^T R - l2 W,   W_j: row j of W, (D, outputs)
//! W_j  = z max(0, 1 - l1 / |z|) / (|x_j|^2 + l2),   z = X_j^T R + |x_j|^2 W_j
//! gap  = P(W) - D(V)  with the dual point V = R min(1, l1 / max_j |A_j|)
//! ```
//!
//! Yuan and Lin 2006; scikit-learn's `enet_coordinate_descent_multi_task`, whose steps and tests these are.

use barehand_tensor::{CsrMatrix, Float, Result};

use super::coordinate_descent::Visits;
use super::least_squares::transposed;
use super::samples::Samples;

/// The columns of samples, times the roots of their weights.
pub enum Columns {
    /// `(D, n)`
    Dense(Vec<f64>),
    /// Rows are columns here.
    Sparse(CsrMatrix<f64>),
}

impl Columns {
    /// Of samples as they are: nothing is taken out of them.
    pub fn new<T: Float>(samples: &Samples<T>, weights: Option<&[f64]>) -> Result<Columns> {
        let (n, d) = samples.shape();
        let Samples::Sparse(x) = samples else {
            return Ok(Columns::Dense(transposed(&samples.centered(&vec![0.0; d], weights), n, d)));
        };
        let x = x.transpose();
        let root = |&row: &u32| weights.map_or(1.0, |weights| weights[row as usize].sqrt());
        let values = x.values().iter().zip(x.indices()).map(|(value, row)| value.to_f64() * root(row));
        let values = values.collect();
        Ok(Columns::Sparse(CsrMatrix::new(x.shape(), x.indptr().to_vec(), x.indices().to_vec(), values)?))
    }

    fn count(&self, n: usize) -> usize {
        match self {
            Columns::Dense(columns) => columns.len() / n,
            Columns::Sparse(columns) => columns.rows(),
        }
    }

    fn square(&self, j: usize, n: usize) -> f64 {
        let column = match self {
            Columns::Dense(columns) => &columns[j * n..(j + 1) * n],
            Columns::Sparse(columns) => columns.row(j).1,
        };
        dot(column, column)
    }

    fn product(&self, j: usize, target: &[f64]) -> f64 {
        match self {
            Columns::Dense(columns) => dot(&columns[j * target.len()..(j + 1) * target.len()], target),
            Columns::Sparse(columns) => {
                let (rows, values) = columns.row(j);
                rows.iter().zip(values).map(|(&row, value)| value * target[row as usize]).sum()
            }
        }
    }

    /// Takes `step` times column `j` out of a residual.
    fn take(&self, j: usize, step: f64, residual: &mut [f64]) {
        match self {
            Columns::Dense(columns) => {
                let n = residual.len();
                residual.iter_mut().zip(&columns[j * n..(j + 1) * n]).for_each(|(r, x)| *r -= step * x);
            }
            Columns::Sparse(columns) => {
                let (rows, values) = columns.row(j);
                rows.iter().zip(values).for_each(|(&row, x)| residual[row as usize] -= step * x);
            }
        }
    }
}

/// A problem, and where it stands.
pub struct Joint {
    n: usize,
    outputs: usize,
    columns: Columns,
    /// Squared, of the columns.
    norms: Vec<f64>,
    /// `(outputs, n)`
    y: Vec<f64>,
    residual: Vec<f64>,
    /// `(D, outputs)`
    pub w: Vec<f64>,
}

/// Where a descent ended.
pub struct End {
    pub gap: f64,
    /// What the gap had to come below: `tol |Y|^2`.
    pub enough: f64,
    pub n_iter: usize,
}

impl Joint {
    /// Of targets `(outputs, n)`, at `w`, `(D, outputs)`.
    pub fn new(columns: Columns, y: Vec<f64>, n: usize, w: Vec<f64>) -> Joint {
        let norms: Vec<f64> = (0..columns.count(n)).map(|j| columns.square(j, n)).collect();
        let outputs = y.len() / n;
        let zero = vec![0.0; w.len()];
        let mut joint = Joint { n, outputs, columns, norms, residual: y.clone(), y, w: zero };
        for (j, w) in w.chunks_exact(outputs).enumerate() {
            joint.set(j, w);
        }
        joint
    }

    /// The L1 penalty from which on all coefficients are 0.
    pub fn largest_product(&self) -> f64 {
        let norm = |j: usize| {
            let products = self.products(j, &self.y);
            dot(&products, &products).sqrt()
        };
        (0..self.norms.len()).map(norm).fold(0.0, f64::max)
    }

    /// Descends until the gap is `tol |Y|^2` or less, or for `max_iter` cycles.
    pub fn descend(&mut self, l1: f64, l2: f64, max_iter: usize, tol: f64, visits: &mut Visits) -> End {
        let enough = tol * dot(&self.y, &self.y);
        let all: Vec<u32> = (0..self.norms.len() as u32).collect();
        let mut gap = self.duality_gap(l1, l2);
        if (0.0..=enough).contains(&gap) {
            return End { gap, enough, n_iter: 0 };
        }
        for n_iter in 1..=max_iter {
            let (mut change, mut largest) = (0.0f64, 0.0f64);
            for j in visits.order(&all) {
                let j = j as usize;
                if self.norms[j] == 0.0 {
                    continue;
                }
                let before = self.w[j * self.outputs..(j + 1) * self.outputs].to_vec();
                let mut z = self.products(j, &self.residual);
                z.iter_mut().zip(&before).for_each(|(z, w)| *z += self.norms[j] * w);
                let length = dot(&z, &z).sqrt();
                let shrunk = if length > l1 { (1.0 - l1 / length) / (self.norms[j] + l2) } else { 0.0 };
                z.iter_mut().for_each(|z| *z *= shrunk);
                self.set(j, &z);
                for (after, before) in z.iter().zip(&before) {
                    change = change.max((after - before).abs());
                    largest = largest.max(after.abs());
                }
            }
            if largest == 0.0 || change <= tol * largest || n_iter == max_iter {
                gap = self.duality_gap(l1, l2);
                if gap <= enough || n_iter == max_iter {
                    return End { gap, enough, n_iter };
                }
            }
        }
        End { gap, enough, n_iter: max_iter }
    }

    /// Column `j` times each of `targets`.
    fn products(&self, j: usize, targets: &[f64]) -> Vec<f64> {
        targets.chunks_exact(self.n).map(|target| self.columns.product(j, target)).collect()
    }

    /// Moves row `j` of the coefficients to `to`.
    fn set(&mut self, j: usize, to: &[f64]) {
        let w = &mut self.w[j * self.outputs..(j + 1) * self.outputs];
        for ((w, &to), residual) in w.iter_mut().zip(to).zip(self.residual.chunks_exact_mut(self.n)) {
            let step = to - *w;
            *w = to;
            if step != 0.0 {
                self.columns.take(j, step, residual);
            }
        }
    }

    fn duality_gap(&self, l1: f64, l2: f64) -> f64 {
        let (square, with_y) = (dot(&self.residual, &self.residual), dot(&self.residual, &self.y));
        let w_square = dot(&self.w, &self.w);
        let (mut steepest, mut slopes, mut lengths) = (0.0f64, 0.0, 0.0);
        for (j, w) in self.w.chunks_exact(self.outputs).enumerate() {
            let mut slope = self.products(j, &self.residual);
            if l1 > 0.0 {
                slope.iter_mut().zip(w).for_each(|(slope, w)| *slope -= l2 * w);
            }
            let slope = dot(&slope, &slope);
            slopes += slope;
            steepest = steepest.max(slope.sqrt());
            lengths += dot(w, w).sqrt();
        }
        if l1 == 0.0 {
            // Without any penalty there is no gap: the squared slope stands for it.
            return if l2 == 0.0 {
                slopes
            } else {
                square + 0.5 * l2 * w_square - with_y + slopes / (2.0 * l2)
            };
        }
        let penalized = square + l2 * w_square;
        let scale = if steepest > l1 { l1 / steepest } else { 1.0 };
        0.5 * penalized + l1 * lengths + 0.5 * scale * scale * penalized - scale * with_y
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
