//! Coordinate descent to a given duality gap, with features left out for good as soon as the gap proves that they are 0.
//!
//! ```text
//! P(w) = 1/2 |y - X w|^2 + l1 |w|_1 + l2/2 |w|^2,   r = y - X w,   a = X^T r - l2 w
//! gap  = P(w) - D(v)  with the dual point v = r min(1, l1 / max|a|)
//! left out: (1 - |a_j| / max(l1, max|a|)) / sqrt(|x_j|^2 + l2) > sqrt(2 gap) / l1
//! ```
//!
//! Friedman, Hastie and Tibshirani 2010; Fercoq, Gramfort and Salmon 2015; scikit-learn's `enet_coordinate_descent`, whose
//! steps and tests these are.

use barehand_kernels::coordinate_descent::{
    CenteredColumns, ElasticPenalty, Moved, column_cycle, column_products, gram_cycle, sparse_cycle,
};

/// A problem in one of three forms, each made at `w = 0`, of what several of them may share.
pub enum Form<'a> {
    /// Products of columns, `gradient = X^T (X w - y)`.
    Gram { gram: &'a [f64], xy: Vec<f64>, yy: f64, gradient: Vec<f64> },
    /// Columns `(d, n)`.
    Columns { columns: &'a [f64], norms: &'a [f64], y: Vec<f64>, residual: Vec<f64> },
    /// Sparse columns; `sum` is the residual's part along `s`, as [`CenteredColumns`] says.
    Sparse { columns: &'a SparseColumns, y: Vec<f64>, residual: Vec<f64>, sum: f64 },
}

/// See [`CenteredColumns`].
pub struct SparseColumns {
    pub indptr: Vec<usize>,
    pub indices: Vec<u32>,
    pub values: Vec<f64>,
    pub means: Vec<f64>,
    pub sums: Vec<f64>,
    pub norms: Vec<f64>,
    /// `s^T s`, what the sum of the residual's part along `s` is divided by; 0 where nothing is centred.
    pub total: f64,
}

impl SparseColumns {
    fn view(&self) -> CenteredColumns<'_> {
        CenteredColumns {
            indptr: &self.indptr,
            indices: &self.indices,
            values: &self.values,
            means: &self.means,
            sums: &self.sums,
            norms: &self.norms,
        }
    }

    fn entries(&self, j: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let entries = self.indptr[j]..self.indptr[j + 1];
        self.indices[entries.clone()]
            .iter()
            .map(|&row| row as usize)
            .zip(self.values[entries].iter().copied())
    }
}

/// What a gap is made of.
struct Residual {
    /// `X^T r`
    products: Vec<f64>,
    /// `|r|^2`
    square: f64,
    /// `r^T y`
    with_y: f64,
}

impl Form<'_> {
    fn norm(&self, j: usize) -> f64 {
        match self {
            Form::Gram { gram, xy, .. } => gram[j * xy.len() + j],
            Form::Columns { norms, .. } => norms[j],
            Form::Sparse { columns, .. } => columns.norms[j],
        }
    }

    fn y_square(&self) -> f64 {
        match self {
            Form::Gram { yy, .. } => *yy,
            Form::Columns { y, .. } | Form::Sparse { y, .. } => dot(y, y),
        }
    }

    fn cycle(&mut self, penalty: ElasticPenalty, order: &[u32], w: &mut [f64]) -> Moved {
        match self {
            Form::Gram { gram, gradient, .. } => gram_cycle(gram, penalty, order, w, gradient),
            Form::Columns { columns, norms, residual, .. } => {
                column_cycle(columns, norms, penalty, order, w, residual)
            }
            Form::Sparse { columns, residual, sum, .. } => {
                sparse_cycle(&columns.view(), penalty, order, w, residual, sum)
            }
        }
    }

    fn residual(&self, w: &[f64]) -> Residual {
        match self {
            Form::Gram { xy, yy, gradient, .. } => {
                let with_y = yy - dot(w, xy);
                Residual {
                    products: gradient.iter().map(|g| -g).collect(),
                    square: (with_y + dot(w, gradient)).max(0.0),
                    with_y,
                }
            }
            Form::Columns { columns, y, residual, .. } => Residual {
                products: column_products(columns, residual),
                square: dot(residual, residual),
                with_y: dot(residual, y),
            },
            Form::Sparse { columns, y, residual, sum } => {
                let product =
                    |j: usize| columns.entries(j).map(|(row, value)| value * residual[row]).sum::<f64>();
                let along = if columns.total > 0.0 { sum * sum / columns.total } else { 0.0 };
                Residual {
                    products: (0..w.len()).map(|j| product(j) - columns.means[j] * sum).collect(),
                    square: dot(residual, residual) - along,
                    with_y: dot(residual, y),
                }
            }
        }
    }

    /// The largest `x_j^T y` of `d` columns, in size unless coefficients may not be negative: the L1 penalty from which on all
    /// are 0. The problem is at `w = 0`.
    pub fn largest_product(&self, d: usize, positive: bool) -> f64 {
        let products = self.residual(&vec![0.0; d]).products;
        products.iter().map(|product| if positive { *product } else { product.abs() }).fold(0.0, f64::max)
    }

    /// Moves from `w = 0` to `w`.
    pub fn start(&mut self, w: &[f64]) {
        for (j, &step) in w.iter().enumerate().filter(|(_, step)| **step != 0.0) {
            self.shift(j, step);
        }
    }

    /// Moves coordinate `j` by `step`.
    fn shift(&mut self, j: usize, step: f64) {
        match self {
            Form::Gram { gram, xy, gradient, .. } => {
                let row = &gram[j * xy.len()..(j + 1) * xy.len()];
                gradient.iter_mut().zip(row).for_each(|(g, value)| *g += step * value);
            }
            Form::Columns { columns, residual, .. } => {
                let n = residual.len();
                let column = &columns[j * n..(j + 1) * n];
                residual.iter_mut().zip(column).for_each(|(r, value)| *r -= step * value);
            }
            Form::Sparse { columns, residual, sum, .. } => {
                columns.entries(j).for_each(|(row, value)| residual[row] -= step * value);
                *sum -= step * columns.sums[j];
            }
        }
    }
}

/// The order in which coordinates are visited.
pub enum Visits {
    /// One after another.
    Cyclic,
    /// Drawn with replacement, by xorshift from this state.
    Random(u32),
}

impl Visits {
    pub fn order(&mut self, active: &[u32]) -> Vec<u32> {
        match self {
            Visits::Cyclic => active.to_vec(),
            Visits::Random(state) => {
                (0..active.len()).map(|_| active[xorshift(state) as usize % active.len()]).collect()
            }
        }
    }
}

/// The next of scikit-learn's small random numbers, 0 to 2^31 - 1 (Marsaglia 2003).
pub fn xorshift(state: &mut u32) -> u32 {
    if *state == 0 {
        *state = 1;
    }
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state % (1 << 31)
}

/// Where a descent ended.
pub struct Descended {
    pub w: Vec<f64>,
    pub gap: f64,
    /// What the gap had to come below: `tol |y|^2`.
    pub enough: f64,
    pub n_iter: usize,
}

/// Descends from `w`, where `form` is, until the gap is `tol |y|^2` or less, or for `max_iter` cycles.
pub fn descend(
    form: &mut Form,
    penalty: ElasticPenalty,
    mut w: Vec<f64>,
    max_iter: usize,
    tol: f64,
    visits: &mut Visits,
) -> Descended {
    let enough = tol * form.y_square();
    let mut active: Vec<u32> = (0..w.len() as u32).collect();
    let (mut gap, slopes) = duality_gap(form, penalty, &w);
    // Less than nothing is no gap at all, but what products lose where columns depend on each other.
    if (0.0..=enough).contains(&gap) {
        return Descended { w, gap, enough, n_iter: 0 };
    }
    screen(form, penalty, gap, &slopes, &mut active, &mut w);
    for n_iter in 1..=max_iter {
        let moved = form.cycle(penalty, &visits.order(&active), &mut w);
        if moved.largest == 0.0 || moved.change <= tol * moved.largest || n_iter == max_iter {
            let slopes;
            (gap, slopes) = duality_gap(form, penalty, &w);
            if gap <= enough || n_iter == max_iter {
                return Descended { w, gap, enough, n_iter };
            }
            screen(form, penalty, gap, &slopes, &mut active, &mut w);
        }
    }
    Descended { w, gap, enough, n_iter: max_iter }
}

/// The gap, and the slopes `X^T r - l2 w` with the largest of them.
fn duality_gap(form: &Form, penalty: ElasticPenalty, w: &[f64]) -> (f64, (Vec<f64>, f64)) {
    let ElasticPenalty { l1, l2, positive } = penalty;
    let Residual { mut products, square, with_y } = form.residual(w);
    if l1 == 0.0 {
        let norm = dot(&products, &products);
        // Without any penalty there is no gap: the squared slope stands for it.
        let gap = if l2 == 0.0 { norm } else { square + 0.5 * l2 * dot(w, w) - with_y + norm / (2.0 * l2) };
        return (gap, (products, norm));
    }
    products.iter_mut().zip(w).for_each(|(slope, w)| *slope -= l2 * w);
    let largest = products.iter().map(|slope| if positive { *slope } else { slope.abs() });
    let largest = largest.fold(f64::NEG_INFINITY, f64::max);
    let penalized = square + l2 * dot(w, w);
    let primal = 0.5 * penalized + l1 * w.iter().map(|w| w.abs()).sum::<f64>();
    let scale = if largest > l1 { l1 / largest } else { 1.0 };
    let dual = -0.5 * scale * scale * penalized + scale * with_y;
    (primal - dual, (products, largest))
}

fn screen(
    form: &mut Form,
    penalty: ElasticPenalty,
    gap: f64,
    (slopes, largest): &(Vec<f64>, f64),
    active: &mut Vec<u32>,
    w: &mut [f64],
) {
    let ElasticPenalty { l1, l2, .. } = penalty;
    if l1 == 0.0 {
        return;
    }
    let radius = (2.0 * gap.abs()).sqrt() / l1;
    active.retain(|&j| {
        let j = j as usize;
        let norm = form.norm(j);
        let distance = (1.0 - (slopes[j] / l1.max(*largest)).abs()) / (norm + l2).sqrt();
        let keep = norm > 0.0 && distance <= radius;
        if !keep && w[j] != 0.0 {
            form.shift(j, -w[j]);
            w[j] = 0.0;
        }
        keep
    });
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
