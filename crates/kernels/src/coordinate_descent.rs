//! Coordinate descent for squared errors with an elastic net: one coordinate after another, each to its best place.
//!
//! ```text
//! P(w) = 1/2 |y - X w|^2 + l1 |w|_1 + l2/2 |w|^2
//! rho  = x_j^T (y - X w) + |x_j|^2 w_j
//! w_j  = sign(rho) max(|rho| - l1, 0) / (|x_j|^2 + l2)
//! ```
//!
//! Three forms keep `x_j^T (y - X w)` at hand: the Gram matrix (a visit costs as much as there are columns), dense columns
//! with the residual (as there are rows), and sparse columns (as there are entries). Each takes the coordinates to visit in
//! order, and returns how large coefficients are and how far one moved, at most.

use crate::isa::{Arch, Kernel, dispatch};
use crate::linear_loss::products;

/// What is added to the squared errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticPenalty {
    /// In front of `|w|_1`.
    pub l1: f64,
    /// In front of `|w|^2 / 2`.
    pub l2: f64,
    /// Whether coefficients may not be negative.
    pub positive: bool,
}

impl ElasticPenalty {
    /// The best place of a coordinate.
    #[inline(always)]
    fn minimum(&self, rho: f64, curvature: f64) -> f64 {
        if self.positive && rho < 0.0 {
            return 0.0;
        }
        (rho.abs() - self.l1).max(0.0).copysign(rho) / (curvature + self.l2)
    }
}

/// How far a visit to every coordinate went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moved {
    /// The largest absolute coefficient.
    pub largest: f64,
    /// The largest change of one.
    pub change: f64,
}

impl Moved {
    #[inline(always)]
    fn note(&mut self, old: f64, new: f64) {
        self.largest = self.largest.max(new.abs());
        self.change = self.change.max((new - old).abs());
    }
}

/// Visits coordinates with the Gram matrix `gram = X^T X`, `(d, d)`; `gradient = X^T (X w - y)` goes along. A coordinate
/// without curvature is left alone.
pub fn gram_cycle(
    gram: &[f64],
    penalty: ElasticPenalty,
    order: &[u32],
    w: &mut [f64],
    gradient: &mut [f64],
) -> Moved {
    assert!(gram.len() == w.len() * w.len() && gradient.len() == w.len(), "a square matrix");
    dispatch(GramCycle { gram, penalty, order, w, gradient })
}

struct GramCycle<'a> {
    gram: &'a [f64],
    penalty: ElasticPenalty,
    order: &'a [u32],
    w: &'a mut [f64],
    gradient: &'a mut [f64],
}

impl Kernel for GramCycle<'_> {
    type Output = Moved;
    #[inline(always)]
    fn run<A: Arch>(self) -> Moved {
        let GramCycle { gram, penalty, order, w, gradient } = self;
        let d = w.len();
        let mut moved = Moved::default();
        for &j in order {
            let j = j as usize;
            let row = &gram[j * d..(j + 1) * d];
            if row[j] == 0.0 {
                continue;
            }
            let old = w[j];
            w[j] = penalty.minimum(old * row[j] - gradient[j], row[j]);
            moved.note(old, w[j]);
            let step = w[j] - old;
            if step != 0.0 {
                for (g, &value) in gradient.iter_mut().zip(row) {
                    *g = A::fma(step, value, *g);
                }
            }
        }
        moved
    }
}

/// Visits coordinates with the columns themselves, `(d, n)`, their squared `norms`, and the residual `y - X w`.
pub fn column_cycle(
    columns: &[f64],
    norms: &[f64],
    penalty: ElasticPenalty,
    order: &[u32],
    w: &mut [f64],
    residual: &mut [f64],
) -> Moved {
    assert!(
        columns.len() == w.len() * residual.len() && norms.len() == w.len(),
        "a column for each coordinate"
    );
    dispatch(ColumnCycle { columns, norms, penalty, order, w, residual })
}

struct ColumnCycle<'a> {
    columns: &'a [f64],
    norms: &'a [f64],
    penalty: ElasticPenalty,
    order: &'a [u32],
    w: &'a mut [f64],
    residual: &'a mut [f64],
}

impl Kernel for ColumnCycle<'_> {
    type Output = Moved;
    #[inline(always)]
    fn run<A: Arch>(self) -> Moved {
        let ColumnCycle { columns, norms, penalty, order, w, residual } = self;
        let n = residual.len();
        let mut moved = Moved::default();
        for &j in order {
            let j = j as usize;
            if norms[j] == 0.0 {
                continue;
            }
            let column = &columns[j * n..(j + 1) * n];
            let old = w[j];
            let [product] = products::<A, f64, 1>([column], residual);
            w[j] = penalty.minimum(product + norms[j] * old, norms[j]);
            moved.note(old, w[j]);
            let step = w[j] - old;
            if step != 0.0 {
                for (r, &value) in residual.iter_mut().zip(column) {
                    *r = A::fma(-step, value, *r);
                }
            }
        }
        moved
    }
}

/// The products `columns residual`, `(d)`.
pub fn column_products(columns: &[f64], residual: &[f64]) -> Vec<f64> {
    struct Products<'a>(&'a [f64], &'a [f64]);
    impl Kernel for Products<'_> {
        type Output = Vec<f64>;
        #[inline(always)]
        fn run<A: Arch>(self) -> Vec<f64> {
            let Products(columns, residual) = self;
            let columns = columns.chunks_exact(residual.len().max(1));
            columns.map(|column| products::<A, f64, 1>([column], residual)[0]).collect()
        }
    }
    dispatch(Products(columns, residual))
}

/// Sparse columns, each of which stands for itself less its mean: `x_j - mean_j s`, where `s` has an element for each row
/// (1, or the root of its weight) and `mean_j = x_j^T s / s^T s`; all means are 0 where nothing is taken out.
#[derive(Clone, Copy, Debug)]
pub struct CenteredColumns<'a> {
    /// Where each column's entries start, and where the last one's end.
    pub indptr: &'a [usize],
    /// The row of each entry.
    pub indices: &'a [u32],
    /// The value of each entry.
    pub values: &'a [f64],
    /// What is taken out of each column.
    pub means: &'a [f64],
    /// `x_j^T s`
    pub sums: &'a [f64],
    /// `|x_j - mean_j s|^2`
    pub norms: &'a [f64],
}

/// Visits coordinates with sparse columns. `residual` is `y - X w` *without* the means, so that a step touches a column's
/// entries only, and `sum` is `s^T residual`; what they lack is a multiple of `s`, which no centred column notices.
pub fn sparse_cycle(
    x: &CenteredColumns,
    penalty: ElasticPenalty,
    order: &[u32],
    w: &mut [f64],
    residual: &mut [f64],
    sum: &mut f64,
) -> Moved {
    let mut moved = Moved::default();
    for &j in order {
        let j = j as usize;
        if x.norms[j] == 0.0 {
            continue;
        }
        let entries = x.indptr[j]..x.indptr[j + 1];
        let (rows, values) = (&x.indices[entries.clone()], &x.values[entries]);
        let product: f64 = rows.iter().zip(values).map(|(&row, value)| value * residual[row as usize]).sum();
        let old = w[j];
        w[j] = penalty.minimum(product - x.means[j] * *sum + x.norms[j] * old, x.norms[j]);
        moved.note(old, w[j]);
        let step = w[j] - old;
        if step != 0.0 {
            for (&row, value) in rows.iter().zip(values) {
                residual[row as usize] -= step * value;
            }
            *sum -= step * x.sums[j];
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_take_the_same_steps() {
        let (n, d) = (37, 11);
        let value = |i: usize| ((i * i * 7919 + i * 104_729) % 1013) as f64 / 507.0 - 1.0;
        // Columns, dense and (all of their elements stored) sparse, with their means taken out.
        let raw: Vec<f64> = (0..n * d).map(value).collect();
        let mut y: Vec<f64> = (0..n).map(|i| value(i * i + 3)).collect();
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let y_mean = mean(&y);
        y.iter_mut().for_each(|y| *y -= y_mean);
        let means: Vec<f64> = raw.chunks_exact(n).map(mean).collect();
        let mut columns = raw.clone();
        for (column, mean) in columns.chunks_exact_mut(n).zip(&means) {
            column.iter_mut().for_each(|x| *x -= mean);
        }
        let norms: Vec<f64> = columns.chunks_exact(n).map(|c| c.iter().map(|x| x * x).sum()).collect();
        let gram: Vec<f64> = (0..d * d)
            .map(|i| {
                let (a, b) = (&columns[i / d * n..][..n], &columns[i % d * n..][..n]);
                a.iter().zip(b).map(|(a, b)| a * b).sum()
            })
            .collect();
        let sums: Vec<f64> = raw.chunks_exact(n).map(|c| c.iter().sum()).collect();
        let sparse = CenteredColumns {
            indptr: &(0..=d).map(|j| j * n).collect::<Vec<_>>(),
            indices: &(0..n * d).map(|i| (i % n) as u32).collect::<Vec<_>>(),
            values: &raw,
            means: &means,
            sums: &sums,
            norms: &norms,
        };
        let order: Vec<u32> = (0..d as u32).rev().collect();
        for (l1, positive) in [(0.0, false), (0.5, false), (0.5, true)] {
            let penalty = ElasticPenalty { l1, l2: 0.3, positive };
            let (mut a, mut b, mut c) = (vec![0.0; d], vec![0.0; d], vec![0.0; d]);
            let mut gradient: Vec<f64> = column_products(&columns, &y).iter().map(|g| -g).collect();
            let (mut dense_residual, mut sparse_residual, mut sum) = (y.clone(), y.clone(), 0.0);
            let mut last = f64::INFINITY;
            for _ in 0..500 {
                let moved = gram_cycle(&gram, penalty, &order, &mut a, &mut gradient);
                column_cycle(&columns, &norms, penalty, &order, &mut b, &mut dense_residual);
                sparse_cycle(&sparse, penalty, &order, &mut c, &mut sparse_residual, &mut sum);
                for j in 0..d {
                    assert!((a[j] - b[j]).abs() < 1e-12 && (a[j] - c[j]).abs() < 1e-12, "{a:?} {b:?} {c:?}");
                }
                last = moved.change;
            }
            assert!(last < 1e-10, "{last}");
            // Where a minimum is, no coordinate gains by moving.
            for (w, g) in a.iter().zip(&gradient) {
                let slope = g + 0.3 * w;
                let at_rest = if *w == 0.0 {
                    slope >= -l1 - 1e-9 && (positive || slope <= l1 + 1e-9)
                } else {
                    (slope + l1 * w.signum()).abs() < 1e-9
                };
                assert!(at_rest && (!positive || *w >= 0.0), "{w} {slope}");
            }
        }
    }
}
