//! Least squares with L1 and L2 penalties.

use barehand_kernels::coordinate_descent::ElasticPenalty;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::coordinate_descent::{Descended, Form, Visits, descend};
use super::elastic_net_forms::{Forms, Precompute};
use super::joint_descent::{self, Joint};
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
    precompute: Precompute,
    start: Option<Vec<f64>>,
}

impl Default for ElasticNet {
    fn default() -> Self {
        ElasticNet::new(1.0)
    }
}

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
            precompute: Precompute::Auto,
            start: None,
        }
    }

    /// Another penalty.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
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

    /// Whether products of columns are formed, or given (default: [`Precompute::Auto`]).
    pub fn precompute(mut self, precompute: Precompute) -> Self {
        self.precompute = precompute;
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
        let weights = weights.map(normalized);
        let weights = weights.as_deref();
        let forms = self.forms(OPERATION, samples, &y, outputs, weights)?;
        let start = self.starting_point(OPERATION, outputs * d)?;
        let mut model = FittedElasticNet {
            predictor: Predictor::new(&vec![0.0; outputs * d], &vec![0.0; outputs])?,
            single,
            dual_gap: Vec::with_capacity(outputs),
            tolerance: Vec::with_capacity(outputs),
            n_iter: Vec::with_capacity(outputs),
        };
        let mut coef = Vec::with_capacity(outputs * d);
        for (output, start) in start.chunks_exact(d).enumerate() {
            let mut form = forms.of(&y, output, weights);
            form.start(start);
            let end =
                self.descended(OPERATION, &mut form, start.to_vec(), self.alpha, n, &mut self.visits())?;
            coef.extend(end.w);
            // The objective that is minimised is n times the one above.
            model.dual_gap.push(end.gap / n as f64);
            model.tolerance.push(end.enough / n as f64);
            model.n_iter.push(end.n_iter as i64);
        }
        let intercept = if self.fit_intercept { forms.moments.intercepts(&coef) } else { vec![0.0; outputs] };
        model.predictor = Predictor::new(&coef, &intercept)?;
        Ok(model)
    }

    pub(super) fn ratio(&self) -> f64 {
        self.l1_ratio
    }

    pub(super) fn is_positive(&self) -> bool {
        self.positive
    }

    pub(super) fn fits_intercept(&self) -> bool {
        self.fit_intercept
    }

    /// What the outputs of these samples share.
    pub(super) fn forms<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        outputs: usize,
        weights: Option<&[f64]>,
    ) -> Result<Forms> {
        Forms::new(operation, samples, y, outputs, weights, self.fit_intercept, &self.precompute)
    }

    /// The same of one target and some of the samples only, whose products are not those that are given of all.
    pub(super) fn forms_of_part<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        weights: Option<&[f64]>,
    ) -> Result<Forms> {
        let precompute = match &self.precompute {
            Precompute::Given { .. } => &Precompute::Products,
            other => other,
        };
        Forms::new(operation, samples, y, 1, weights, self.fit_intercept, precompute)
    }

    /// `len` coefficients: those that are given, or zeros.
    pub(super) fn starting_point(&self, operation: &str, len: usize) -> Result<Vec<f64>> {
        let start = self.start.clone().unwrap_or_else(|| vec![0.0; len]);
        if start.len() == len {
            return Ok(start);
        }
        let message = format!("starts from {} coefficients; {len} expected", start.len());
        Err(Error::value(operation, message))
    }

    pub(super) fn visits(&self) -> Visits {
        match self.selection {
            Selection::Cyclic => Visits::Cyclic,
            Selection::Random(seed) => Visits::Random(seed),
        }
    }

    /// Descends from `w`, where `form` is, with a penalty of `alpha`. Of `n` samples, the objective is `n` times the one above.
    pub(super) fn descended(
        &self,
        operation: &str,
        form: &mut Form,
        w: Vec<f64>,
        alpha: f64,
        n: usize,
        visits: &mut Visits,
    ) -> Result<Descended> {
        let penalty = ElasticPenalty {
            l1: alpha * self.l1_ratio * n as f64,
            l2: alpha * (1.0 - self.l1_ratio) * n as f64,
            positive: self.positive,
        };
        let end = descend(form, penalty, w, self.max_iter, self.tol, visits);
        if !end.w.iter().all(|w| w.is_finite()) {
            let message = "coordinate descent left the finite numbers: the features need scaling";
            return Err(Error::value(operation, message));
        }
        Ok(end)
    }

    /// The same of several targets, from where they stand.
    pub(super) fn descended_jointly(
        &self,
        operation: &str,
        joint: &mut Joint,
        alpha: f64,
        n: usize,
        visits: &mut Visits,
    ) -> Result<joint_descent::End> {
        let (l1, l2) = (alpha * self.l1_ratio * n as f64, alpha * (1.0 - self.l1_ratio) * n as f64);
        let end = joint.descend(l1, l2, self.max_iter, self.tol, visits);
        if !joint.w.iter().all(|w| w.is_finite()) {
            let message = "coordinate descent left the finite numbers: the features need scaling";
            return Err(Error::value(operation, message));
        }
        Ok(end)
    }

    pub(super) fn check(&self, operation: &str) -> Result<()> {
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

regressor!(ElasticNet, FittedElasticNet);

/// Weights of sum `n`: the penalty is what it is without them.
pub(super) fn normalized(mut weights: Vec<f64>) -> Vec<f64> {
    let factor = weights.len() as f64 / weights.iter().sum::<f64>();
    weights.iter_mut().for_each(|weight| *weight *= factor);
    weights
}

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
