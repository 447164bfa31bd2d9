//! Least squares with L1 and L2 penalties.

use barehand_kernels::coordinate_descent::ElasticPenalty;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::coordinate_descent::{Form, SparseColumns, Visits, descend};
use super::least_squares::transposed;
use super::moments::Moments;
use super::predictor::Predictor;
use super::samples::{Samples, targets};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::validate;

/// The order in which coordinates are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// One after another.
    #[default]
    Cyclic,
    /// Drawn with replacement, from this seed.
    Random(u32),
}

/// The elastic net: minimises
///
/// ```text
/// sum_i w_i (y_i - x_i coef - intercept)^2 / (2 W) + alpha (l1_ratio |coef|_1 + (1 - l1_ratio) |coef|^2 / 2)
/// ```
///
/// with `W` the sum of the weights, for each output on its own, by coordinate descent to a duality gap of `tol |y|^2`: on
/// products of columns where there are no fewer samples than features, on the columns themselves elsewhere. Source:
/// scikit-learn's `ElasticNet`, whose steps it takes.
///
/// ```
/// use barehand_learn::{Fit, linear_model::ElasticNet};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[-1.0, 0.1], [0.0, -0.2], [1.0, 0.1f64]]);
/// let model = ElasticNet::new(0.1).l1_ratio(1.0).fit(&x, &Tensor::from([1.0, 2.0, 3.0]))?;
/// assert_eq!(model.coef().at([0, 1])?, 0.0); // a feature that says nothing has no coefficient
/// assert!((model.coef().at([0, 0])? - 0.85).abs() < 1e-12);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ElasticNet {
    alpha: f64,
    l1_ratio: f64,
    fit_intercept: bool,
    max_iter: usize,
    tol: f64,
    positive: bool,
    selection: Selection,
    start: Option<Vec<f64>>,
}

impl Default for ElasticNet {
    fn default() -> Self {
        ElasticNet::new(1.0)
    }
}

/// Columns up to which their products are formed.
const SMALL: usize = 4096;

impl ElasticNet {
    /// With a penalty of `alpha`, scikit-learn's default being 1, half of it L1.
    pub fn new(alpha: f64) -> Self {
        ElasticNet {
            alpha,
            l1_ratio: 0.5,
            fit_intercept: true,
            max_iter: 1000,
            tol: 1e-4,
            positive: false,
            selection: Selection::Cyclic,
            start: None,
        }
    }

    /// Part of the penalty that is L1: 1 for the lasso (default: 0.5).
    pub fn l1_ratio(mut self, l1_ratio: f64) -> Self {
        self.l1_ratio = l1_ratio;
        self
    }

    /// Whether to fit an intercept (default: yes).
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Cycles at most (default: 1000).
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// The duality gap, in parts of `|y|^2`, that is small enough; looked at when no coefficient moves by a larger part of the
    /// largest one (default: 1e-4).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Whether coefficients may not be negative (default: no).
    pub fn positive(mut self, positive: bool) -> Self {
        self.positive = positive;
        self
    }

    /// The order of coordinates (default: one after another).
    pub fn selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Starts from these coefficients, `(outputs, D)` row by row, instead of zeros.
    pub fn start(mut self, coef: Vec<f64>) -> Self {
        self.start = Some(coef);
        self
    }

    pub(super) fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedElasticNet<T>> {
        const OPERATION: &str = "ElasticNet::fit";
        self.check(OPERATION)?;
        let (n, d) = samples.shape();
        let (y, outputs, single) = targets(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        // Weights of sum n: the penalty is what it is without them.
        let weights = weights.map(|weights| {
            let total: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight * (n as f64 / total)).collect::<Vec<f64>>()
        });
        let weights = weights.as_deref();
        let start = self.start.clone().unwrap_or_else(|| vec![0.0; outputs * d]);
        if start.len() != outputs * d {
            let message = format!("starts from {} coefficients; {outputs} x {d} expected", start.len());
            return Err(Error::value(OPERATION, message));
        }
        let by_products = d <= if samples.is_sparse() { 256 } else { SMALL.min(n) };
        let make = if by_products { Moments::new } else { Moments::means };
        let moments = make(OPERATION, samples, &y, outputs, weights, self.fit_intercept)?;
        let mut form = Forms::new(samples, moments, weights, self.fit_intercept);
        let penalty = ElasticPenalty {
            l1: self.alpha * self.l1_ratio * n as f64,
            l2: self.alpha * (1.0 - self.l1_ratio) * n as f64,
            positive: self.positive,
        };
        let mut model = FittedElasticNet {
            predictor: Predictor::new(&vec![0.0; outputs * d], &vec![0.0; outputs])?,
            single,
            dual_gap: Vec::with_capacity(outputs),
            tolerance: Vec::with_capacity(outputs),
            n_iter: Vec::with_capacity(outputs),
        };
        let mut coef = Vec::with_capacity(outputs * d);
        for (output, start) in start.chunks_exact(d).enumerate() {
            let mut form = form.of(&y, output, weights);
            let visits = match self.selection {
                Selection::Cyclic => Visits::Cyclic,
                Selection::Random(seed) => Visits::Random(seed),
            };
            let end = descend(&mut form, penalty, start.to_vec(), self.max_iter, self.tol, visits);
            if !end.w.iter().all(|w| w.is_finite()) {
                let message = "coordinate descent left the finite numbers: the features need scaling";
                return Err(Error::value(OPERATION, message));
            }
            coef.extend(end.w);
            // The objective that is minimised is n times the one above.
            model.dual_gap.push(end.gap / n as f64);
            model.tolerance.push(end.enough / n as f64);
            model.n_iter.push(end.n_iter as i64);
        }
        let intercept = if self.fit_intercept { form.moments.intercepts(&coef) } else { vec![0.0; outputs] };
        model.predictor = Predictor::new(&coef, &intercept)?;
        Ok(model)
    }

    fn check(&self, operation: &str) -> Result<()> {
        let wrong = |name: &str, value: f64, expected: &str| {
            Err(Error::value(operation, format!("{name} is {value}: {expected} expected")))
        };
        if !(self.alpha >= 0.0 && self.alpha.is_finite()) {
            return wrong("alpha", self.alpha, "0 or more");
        }
        if !(0.0..=1.0).contains(&self.l1_ratio) {
            return wrong("l1_ratio", self.l1_ratio, "0 to 1");
        }
        if !(self.tol >= 0.0) {
            return wrong("tol", self.tol, "0 or more");
        }
        Ok(())
    }
}

/// The problem of each output, from what all outputs share.
struct Forms {
    moments: Moments,
    /// Dense columns `(d, n)`, where their products are not formed.
    columns: Vec<f64>,
    sparse: Option<SparseColumns>,
}

impl Forms {
    fn new<T: Float>(
        samples: &Samples<T>,
        moments: Moments,
        weights: Option<&[f64]>,
        fit_intercept: bool,
    ) -> Forms {
        let (n, d) = samples.shape();
        let mut forms = Forms { moments, columns: Vec::new(), sparse: None };
        if !forms.moments.gram.is_empty() {
            return forms;
        }
        let Samples::Sparse(x) = samples else {
            forms.columns = transposed(&samples.centered(&forms.moments.x_mean, weights), n, d);
            return forms;
        };
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
        forms.sparse = Some(SparseColumns {
            indptr: columns.indptr().to_vec(),
            indices: columns.indices().to_vec(),
            values,
            means: forms.moments.x_mean.clone(),
            sums,
            norms,
            total: if fit_intercept { total } else { 0.0 },
            y: Vec::new(),
            residual: Vec::new(),
            sum: 0.0,
        });
        forms
    }

    fn of<T: Float>(&mut self, y: &[T], output: usize, weights: Option<&[f64]>) -> Form {
        let Moments { outputs, ref gram, ref xy, ref yy, ref y_mean, .. } = self.moments;
        if !gram.is_empty() {
            let xy: Vec<f64> = xy.iter().skip(output).step_by(outputs).copied().collect();
            let gradient = xy.iter().map(|xy| -xy).collect();
            return Form::Gram { gram: gram.clone(), xy, yy: yy[output], gradient };
        }
        let root = |row: usize| weights.map_or(1.0, |weights| weights[row].sqrt());
        let column = y.iter().skip(output).step_by(outputs).enumerate();
        let y: Vec<f64> = column.map(|(row, y)| (y.to_f64() - y_mean[output]) * root(row)).collect();
        match &self.sparse {
            Some(x) => Form::Sparse(SparseColumns {
                indptr: x.indptr.clone(),
                indices: x.indices.clone(),
                values: x.values.clone(),
                means: x.means.clone(),
                sums: x.sums.clone(),
                norms: x.norms.clone(),
                total: x.total,
                sum: y.iter().enumerate().map(|(row, y)| y * root(row)).sum(),
                residual: y.clone(),
                y,
            }),
            None => {
                let norms =
                    self.columns.chunks_exact(y.len()).map(|c| c.iter().map(|x| x * x).sum()).collect();
                Form::Columns { columns: self.columns.clone(), norms, residual: y.clone(), y }
            }
        }
    }
}

regressor!(ElasticNet, FittedElasticNet);

/// What [`ElasticNet`] and [`Lasso`](super::Lasso) learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedElasticNet<T: Float> {
    predictor: Predictor<T>,
    single: bool,
    dual_gap: Vec<f64>,
    tolerance: Vec<f64>,
    n_iter: Vec<i64>,
}

impl<T: Float> FittedElasticNet<T> {
    /// How far each output's objective is from its minimum, at most.
    pub fn dual_gap(&self) -> &[f64] {
        &self.dual_gap
    }

    /// Cycles for each output.
    pub fn n_iter(&self) -> &[i64] {
        &self.n_iter
    }

    /// Whether every gap is as small as it was to be.
    pub fn converged(&self) -> bool {
        self.dual_gap.iter().zip(&self.tolerance).all(|(gap, tolerance)| gap <= tolerance)
    }
}

impl<T: Float> Persist for FittedElasticNet<T> {
    const NAME: &'static str = "ElasticNet";

    fn to_record(&self) -> Record {
        self.predictor
            .write(record_of::<T>(Self::NAME))
            .with("single", self.single)
            .with("dual_gap", Tensor::from(self.dual_gap.clone()))
            .with("tolerance", Tensor::from(self.tolerance.clone()))
            .with("n_iter", Tensor::from(self.n_iter.clone()))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let predictor = Predictor::read_regressor(record)?;
        let outputs = [predictor.outputs()];
        Ok(FittedElasticNet {
            predictor,
            single: record.bool("single")?,
            dual_gap: record.tensor_of::<f64>("dual_gap", &outputs)?.to_vec(),
            tolerance: record.tensor_of::<f64>("tolerance", &outputs)?.to_vec(),
            n_iter: record.tensor_of::<i64>("n_iter", &outputs)?.to_vec(),
        })
    }
}
