//! The problems of an elastic net's outputs, from what all of them share.

use barehand_tensor::{CsrMatrix, Error, Float, Result};

use super::coordinate_descent::{Form, SparseColumns};
use super::least_squares::transposed;
use super::moments::Moments;
use super::samples::Samples;

/// Whether coordinates are visited with the products of columns, `X^T X`, or with the columns themselves. Steps are the same
/// either way, up to rounding; a visit costs as much as there are columns, or rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Precompute {
    /// Products where that is faster: with no fewer samples than features, up to some thousand of these.
    #[default]
    Auto,
    /// Products.
    Products,
    /// The columns themselves.
    Columns,
    /// These products, of dense columns that are centred already where an intercept is fitted, and weighted.
    Given {
        /// `X^T X`, `(D, D)` row by row.
        gram: Vec<f64>,
        /// `X^T y`, `(D, outputs)` row by row, where that is known too.
        xy: Option<Vec<f64>>,
    },
}

/// Columns up to which their products are formed.
const SMALL: usize = 4096;

/// What all outputs share.
pub struct Forms {
    pub moments: Moments,
    /// Dense columns `(d, n)`, where their products are not formed, and their squared norms.
    columns: Vec<f64>,
    norms: Vec<f64>,
    sparse: Option<SparseColumns>,
}

impl Forms {
    pub fn new<T: Float>(
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        outputs: usize,
        weights: Option<&[f64]>,
        fit_intercept: bool,
        precompute: &Precompute,
    ) -> Result<Forms> {
        let (n, d) = samples.shape();
        let by_products = match precompute {
            Precompute::Auto => d <= if samples.is_sparse() { 256 } else { SMALL.min(n) },
            Precompute::Products => true,
            Precompute::Columns | Precompute::Given { .. } => false,
        };
        let make = if by_products { Moments::new } else { Moments::means };
        let moments = make(operation, samples, y, outputs, weights, fit_intercept)?;
        let mut forms = Forms { moments, columns: Vec::new(), norms: Vec::new(), sparse: None };
        if let Precompute::Given { gram, xy } = precompute {
            forms.take(operation, samples, y, weights, fit_intercept, gram, xy.as_deref())?;
        } else if !by_products {
            match samples {
                Samples::Sparse(x) => {
                    forms.sparse = Some(sparse_columns(x, weights, &forms.moments, fit_intercept));
                }
                Samples::Dense { .. } => {
                    forms.columns = transposed(&samples.centered(&forms.moments.x_mean, weights), n, d);
                    forms.norms =
                        forms.columns.chunks_exact(n).map(|c| c.iter().map(|x| x * x).sum()).collect();
                }
            }
        }
        Ok(forms)
    }

    /// Takes products that are given.
    #[allow(clippy::too_many_arguments)]
    fn take<T: Float>(
        &mut self,
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        weights: Option<&[f64]>,
        fit_intercept: bool,
        gram: &[f64],
        xy: Option<&[f64]>,
    ) -> Result<()> {
        let (_, d) = samples.shape();
        let Moments { outputs, ref x_mean, ref y_mean, .. } = self.moments;
        let refuse = |message: String| Err(Error::value(operation, message));
        if samples.is_sparse() {
            return refuse("products of columns are given: dense features expected".into());
        }
        if gram.len() != d * d || xy.is_some_and(|xy| xy.len() != d * outputs) {
            let (gram, xy) = (gram.len(), xy.map_or(d * outputs, <[f64]>::len));
            return refuse(format!(
                "{gram} and {xy} products are given; {d} x {d} and {d} x {outputs} expected"
            ));
        }
        let (zero, tolerance) = if size_of::<T>() == 4 { (1e-6, 1e-4) } else { (1e-8, 1e-7) };
        if fit_intercept && x_mean.iter().any(|mean| mean.abs() > zero) {
            return refuse(
                "products of columns are given, but an intercept is fitted, and their means are not 0".into(),
            );
        }
        // One of them is looked at: whoever wants all to be computed does not give any.
        let (a, b) = (d / 2, (d / 2 + 1).min(d - 1));
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let product =
            |(row, x): (usize, &[T])| weight(row) * (x[a].to_f64() - x_mean[a]) * (x[b].to_f64() - x_mean[b]);
        let expected: f64 = samples.dense().chunks_exact(d).enumerate().map(product).sum();
        let found = gram[a * d + b];
        if !((expected - found).abs() <= 1e-5 + tolerance * found.abs()) {
            return refuse(format!(
                "the Gram matrix did not pass validation: element ({a}, {b}) is {found}, the columns give {expected}"
            ));
        }
        let mut yy = vec![0.0; outputs];
        let mut centred = Vec::with_capacity(y.len());
        for (row, y) in y.chunks_exact(outputs).enumerate() {
            for ((yy, y), mean) in yy.iter_mut().zip(y).zip(y_mean) {
                let y = y.to_f64() - mean;
                *yy += weight(row) * y * y;
                centred.push(T::from_f64(weight(row) * y));
            }
        }
        self.moments.xy = match xy {
            Some(xy) => xy.to_vec(),
            None => transposed(&samples.transposed(&centred, outputs), outputs, d),
        };
        self.moments.yy = yy;
        self.moments.gram = gram.to_vec();
        Ok(())
    }

    /// The problem of one output, at `w = 0`.
    pub fn of<T: Float>(&self, y: &[T], output: usize, weights: Option<&[f64]>) -> Form<'_> {
        let Moments { outputs, ref gram, ref xy, ref yy, ref y_mean, .. } = self.moments;
        if !gram.is_empty() {
            let xy: Vec<f64> = xy.iter().skip(output).step_by(outputs).copied().collect();
            let gradient = xy.iter().map(|xy| -xy).collect();
            return Form::Gram { gram, xy, yy: yy[output], gradient };
        }
        let root = |row: usize| weights.map_or(1.0, |weights| weights[row].sqrt());
        let column = y.iter().skip(output).step_by(outputs).enumerate();
        let y: Vec<f64> = column.map(|(row, y)| (y.to_f64() - y_mean[output]) * root(row)).collect();
        match &self.sparse {
            Some(columns) => {
                let sum = y.iter().enumerate().map(|(row, y)| y * root(row)).sum();
                Form::Sparse { columns, residual: y.clone(), y, sum }
            }
            None => Form::Columns { columns: &self.columns, norms: &self.norms, residual: y.clone(), y },
        }
    }
}

fn sparse_columns<T: Float>(
    x: &CsrMatrix<T>,
    weights: Option<&[f64]>,
    moments: &Moments,
    fit_intercept: bool,
) -> SparseColumns {
    let [n, d] = x.shape();
    let columns = x.transpose();
    let root = |row: u32| weights.map_or(1.0, |weights| weights[row as usize].sqrt());
    let entries = columns.values().iter().zip(columns.indices());
    let values: Vec<f64> = entries.map(|(value, &row)| value.to_f64() * root(row)).collect();
    let total: f64 = weights.map_or(n as f64, |weights| weights.iter().sum());
    let (mut sums, mut norms) = (vec![0.0; d], vec![0.0; d]);
    for j in 0..d {
        for place in columns.indptr()[j]..columns.indptr()[j + 1] {
            sums[j] += values[place] * root(columns.indices()[place]);
            norms[j] += values[place] * values[place];
        }
        if fit_intercept {
            let centred = norms[j] - sums[j] * sums[j] / total;
            norms[j] = if centred <= norms[j] * 1e-15 * n as f64 { 0.0 } else { centred };
        }
    }
    SparseColumns {
        indptr: columns.indptr().to_vec(),
        indices: columns.indices().to_vec(),
        values,
        means: moments.x_mean.clone(),
        sums,
        norms,
        total: if fit_intercept { total } else { 0.0 },
    }
}
