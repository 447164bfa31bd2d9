//! Logistic regression.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::class_weight::ClassWeight;
use super::few_rows;
use super::lbfgs::Minimum;
use super::logistic_objective::LogisticObjective;
use super::newton;
use super::predictor::{Predictor, read_classes};
use super::proximal::Proximal;
use super::ridge_classifier::several_classes;
use super::samples::{AsSamples, Samples};
use crate::estimator::PredictProba;
use crate::model_file::Persist;
use crate::models::{labels, record_of};
use crate::record::Record;
use crate::validate;

/// How [`LogisticRegression`] finds its coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogisticSolver {
    /// L-BFGS; L2 or no penalty. Two classes of many samples (32,768 and more) start from where an eighth of them ends, which counts
    /// as one iteration.
    #[default]
    Lbfgs,
    /// Newton's method with all second derivatives, for many more samples than features times classes; L2 or no penalty.
    NewtonCholesky,
    /// Newton steps by coordinate descent (proximal gradients where there are very many parameters); any penalty.
    CoordinateDescent,
}

impl LogisticSolver {
    fn name(self) -> &'static str {
        match self {
            LogisticSolver::Lbfgs => "lbfgs",
            LogisticSolver::NewtonCholesky => "newton-cholesky",
            LogisticSolver::CoordinateDescent => "coordinate-descent",
        }
    }

    /// The solver of this name: `"lbfgs"`, `"newton-cholesky"` or `"coordinate-descent"`.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<LogisticSolver> {
        use LogisticSolver::{CoordinateDescent, Lbfgs, NewtonCholesky};
        let found =
            [Lbfgs, NewtonCholesky, CoordinateDescent].into_iter().find(|solver| solver.name() == name);
        found.ok_or_else(|| Error::value("LogisticRegression", format!("solver {name:?} is not known")))
    }
}

/// Logistic regression with any number of classes: minimises
///
/// ```text
/// sum_i w_i ce(x_i coef^T + intercept, y_i) / W + (l1_ratio |coef|_1 + (1 - l1_ratio) |coef|^2 / 2) / (C W)
/// ```
///
/// with `W` the sum of the weights. The cross entropy `ce` is that of one logit for two classes and of a softmax for
/// more; intercepts are free. Source: scikit-learn's `LogisticRegression`.
///
/// ```
/// use barehand_learn::{Fit, Predict, PredictProba, linear_model::LogisticRegression};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0], [2.0], [3.0], [4.0f64]]);
/// let model = LogisticRegression::new().fit(&x, &Tensor::from([0i64, 0, 1, 1]))?;
/// assert_eq!(model.predict(&x)?.to_vec(), [0, 0, 1, 1]);
/// assert!((model.predict_proba(&Tensor::from([[2.5f64]]))?.at([0, 1])? - 0.5).abs() < 1e-3);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegression {
    c: f64,
    l1_ratio: f64,
    tol: f64,
    fit_intercept: bool,
    penalized_intercept: Option<f64>,
    class_weight: ClassWeight,
    solver: LogisticSolver,
    max_iter: usize,
    start: Option<(Vec<f64>, Vec<f64>)>,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        LogisticRegression {
            c: 1.0,
            l1_ratio: 0.0,
            tol: 1e-4,
            fit_intercept: true,
            penalized_intercept: None,
            class_weight: ClassWeight::None,
            solver: LogisticSolver::Lbfgs,
            max_iter: 100,
            start: None,
        }
    }
}

impl LogisticRegression {
    /// An L2 penalty with `C = 1`, by L-BFGS.
    pub fn new() -> Self {
        Self::default()
    }

    /// How weak the penalty is; infinite for none (default: 1).
    pub fn c(mut self, c: f64) -> Self {
        self.c = c;
        self
    }

    /// Part of the penalty that is L1: 0 for L2, 1 for L1, between them an elastic net (default: 0).
    pub fn l1_ratio(mut self, l1_ratio: f64) -> Self {
        self.l1_ratio = l1_ratio;
        self
    }

    /// Solvers stop where no slope of the objective is above it (default: 1e-4).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Whether to fit intercepts (default: yes).
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Penalises the intercept as the coefficient of a feature that is `scaling` in every sample: liblinear's objective
    /// (default: intercepts are free).
    pub fn penalized_intercept(mut self, scaling: Option<f64>) -> Self {
        self.penalized_intercept = scaling;
        self
    }

    /// How much each class counts (default: 1).
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.class_weight = class_weight;
        self
    }

    /// The way to the coefficients (default: [`LogisticSolver::Lbfgs`]).
    pub fn solver(mut self, solver: LogisticSolver) -> Self {
        self.solver = solver;
        self
    }

    /// Iterations at most (default: 100).
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Starts from these coefficients, row by row, and intercepts, instead of zeros.
    pub fn start(mut self, coef: Vec<f64>, intercept: Vec<f64>) -> Self {
        self.start = Some((coef, intercept));
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |name: &str, value: f64, expected: &str| {
            Err(Error::value(OPERATION, format!("{name} is {value}: {expected} expected")))
        };
        if !(self.c > 0.0) {
            return wrong("C", self.c, "more than 0");
        }
        if !(0.0..=1.0).contains(&self.l1_ratio) {
            return wrong("l1_ratio", self.l1_ratio, "0 to 1");
        }
        if !(self.tol >= 0.0) {
            return wrong("tol", self.tol, "0 or more");
        }
        if let Some(scaling) = self.penalized_intercept
            && !(scaling > 0.0 && scaling.is_finite())
        {
            return wrong("the scaling of the intercept", scaling, "more than 0");
        }
        if self.l1_ratio > 0.0 && self.c.is_finite() && self.solver != LogisticSolver::CoordinateDescent {
            let message = format!("{:?} takes no L1 penalty: CoordinateDescent does", self.solver);
            return Err(Error::value(OPERATION, message));
        }
        Ok(())
    }

    /// As `fit` by L-BFGS, each iteration of which is watched: `watch` is shown the model as if the fit had ended there, the one
    /// that it begins with before all others, and says whether to go on. Other solvers show nothing.
    ///
    /// # Errors
    /// As `fit`, and those of the watch.
    ///
    /// ```
    /// use barehand_learn::linear_model::LogisticRegression;
    /// use barehand_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1.0], [2.0], [3.0], [4.0f64]]);
    /// let mut seen = Vec::new();
    /// let model = LogisticRegression::new().fit_watched(&x, &Tensor::from([0i64, 0, 1, 1]), None, &mut |model| {
    ///     seen.push(model.coef().at([0, 0])?);
    ///     Ok(model.n_iter() < 2)
    /// })?;
    /// assert!(model.n_iter() == 2 && seen.len() == 3 && seen[0] == 0.0 && seen[2] == model.coef().at([0, 0])?);
    /// # Ok::<(), barehand_tensor::Error>(())
    /// ```
    pub fn fit_watched<T: Float>(
        &self,
        x: &impl AsSamples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        watch: WatchOfFit<T>,
    ) -> Result<FittedLogisticRegression<T>> {
        self.found(&x.samples(OPERATION)?, y, sample_weight, Some(watch))
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedLogisticRegression<T>> {
        self.found(samples, y, sample_weight, None)
    }

    fn found<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        watch: Option<WatchOfFit<T>>,
    ) -> Result<FittedLogisticRegression<T>> {
        self.check()?;
        let (n, d) = samples.shape();
        let (classes, codes) = several_classes(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let labelled = self.labelled(OPERATION, classes, &codes, weights)?;
        let start = self.start.as_ref().map(|_| self.starting_point(labelled.outputs(), d)).transpose()?;
        Ok(self.minimized(OPERATION, samples, &labelled, start, watch)?.0)
    }

    /// Samples' classes, and their weights with those of the classes.
    pub(super) fn labelled(
        &self,
        operation: &str,
        classes: Vec<i64>,
        codes: &[usize],
        weights: Option<Vec<f64>>,
    ) -> Result<Labelled> {
        let weights = self.class_weight.sample_weights(operation, &classes, codes, weights)?;
        let total = weights.as_ref().map_or(codes.len() as f64, |weights| weights.iter().sum());
        if !(total > 0.0 && total.is_finite()) {
            return Err(Error::value(operation, format!("the weights of all samples add up to {total}")));
        }
        let codes = codes.iter().map(|&code| code as u32).collect();
        Ok(Labelled { classes, codes, weights, total })
    }

    /// The model, and the parameters as solvers have them, from which another fit may start as this one did from `start`.
    pub(super) fn minimized<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        labelled: &Labelled,
        start: Option<Vec<f64>>,
        mut watch: Option<WatchOfFit<T>>,
    ) -> Result<(FittedLogisticRegression<T>, Vec<f64>)> {
        let (_, d) = samples.shape();
        let Labelled { classes, codes, weights, total } = labelled;
        let outputs = labelled.outputs();
        let strength = 1.0 / (self.c * total);
        let of_intercept = |strength: f64, power: i32| {
            self.penalized_intercept.map_or(0.0, |scaling| strength / scaling.powi(power))
        };
        let (l1, l2) = (strength * self.l1_ratio, strength * (1.0 - self.l1_ratio));
        let objective = LogisticObjective {
            samples,
            classes: codes,
            weights: weights.as_deref(),
            scale: 1.0 / total,
            outputs,
            fit_intercept: self.fit_intercept,
            l2,
            l2_intercept: of_intercept(l2, 2),
        };
        let from_zeros = start.is_none();
        let zeros = || vec![0.0; objective.parameters()];
        let rehearsed = if from_zeros && self.max_iter > 0 && self.solver == LogisticSolver::Lbfgs {
            few_rows::rehearsed(&objective, self.tol)
        } else {
            None
        };
        let (start, mut curvature) = match rehearsed {
            Some((start, curvature)) => (start, Some(curvature)),
            None => (start.unwrap_or_else(zeros), None),
        };
        // NaN and infinity in the samples show in the first gradient.
        let mut at = objective.evaluated(start);
        if curvature.is_some() && !(at.value < objective.value_at_zeros()) {
            // The part was not like the whole.
            (at, curvature) = (objective.evaluated(zeros()), None);
        }
        if !at.value.is_finite() || !at.gradient.iter().all(|slope| slope.is_finite()) {
            samples.check_finite(operation)?;
            return Err(Error::value(operation, "numbers too large: the loss is not finite"));
        }
        let model = |minimum: Minimum, solver| {
            let mut parameters = minimum.x;
            if outputs > 1 && strength == 0.0 && self.start.is_none() {
                // Without a penalty those of a feature may all be shifted by one number: they add up to 0.
                let (coef, _) = parameters.split_at_mut(outputs * d);
                for j in 0..d {
                    let mean = coef.iter().skip(j).step_by(d).sum::<f64>() / outputs as f64;
                    coef.iter_mut().skip(j).step_by(d).for_each(|coef| *coef -= mean);
                }
            }
            let (coef, intercept) = parameters.split_at(outputs * d);
            let mut intercept = if self.fit_intercept { intercept.to_vec() } else { vec![0.0; outputs] };
            if outputs > 1 && self.penalized_intercept.is_none() && from_zeros {
                // Free intercepts may all be shifted by one number: theirs add up to 0.
                let mean = intercept.iter().sum::<f64>() / outputs as f64;
                intercept.iter_mut().for_each(|intercept| *intercept -= mean);
            }
            let model = FittedLogisticRegression {
                predictor: Predictor::new(coef, &intercept)?,
                classes: classes.clone(),
                n_iter: minimum.n_iter,
                converged: minimum.converged,
                solver,
            };
            Ok((model, parameters))
        };
        let mut solver = self.solver;
        let minimum = match self.solver {
            LogisticSolver::Lbfgs => {
                let before = usize::from(curvature.is_some());
                let curvature = curvature.or_else(|| few_rows::curvature(&objective));
                let mut stopped = Ok(());
                let mut shown = |x: &[f64], n_iter| {
                    let Some(watch) = &mut watch else { return true };
                    let here = Minimum { x: x.to_vec(), n_iter, converged: false };
                    let answer = model(here, LogisticSolver::Lbfgs).and_then(|(model, _)| watch(model));
                    answer.unwrap_or_else(|error| {
                        stopped = Err(error);
                        false
                    })
                };
                // A rehearsal is the first iteration, from zeros to here.
                let minimum = if before > 0 && !shown(&zeros(), 0) {
                    Minimum { x: zeros(), n_iter: 0, converged: false }
                } else {
                    let max_iter = self.max_iter - before;
                    let mut watched = |x: &[f64], n_iter| shown(x, n_iter + before);
                    let rest = objective.descend(at, curvature.as_ref(), max_iter, self.tol, &mut watched);
                    Minimum { n_iter: rest.n_iter + before, ..rest }
                };
                stopped?;
                minimum
            }
            LogisticSolver::NewtonCholesky => {
                let (minimum, alone) = newton::minimize(&objective, at.x, self.max_iter, self.tol);
                solver = if alone { solver } else { LogisticSolver::Lbfgs };
                minimum
            }
            LogisticSolver::CoordinateDescent => {
                let (max_iter, tol) = (self.max_iter, self.tol);
                let l1_intercept = of_intercept(l1, 1);
                Proximal { objective: &objective, l1, l1_intercept, max_iter, tol }.minimize(at.x)
            }
        };
        model(minimum, solver)
    }

    /// Of as many outputs as scores tell the classes apart.
    pub(super) fn model<T: Float>(
        &self,
        classes: &[i64],
        coef: &[f64],
        intercept: &[f64],
        n_iter: usize,
    ) -> Result<FittedLogisticRegression<T>> {
        let predictor = Predictor::new(coef, intercept)?;
        Ok(FittedLogisticRegression {
            predictor,
            classes: classes.to_vec(),
            n_iter,
            converged: true,
            solver: self.solver,
        })
    }

    pub(super) fn ratio(&self) -> f64 {
        self.l1_ratio
    }

    pub(super) fn fits_intercept(&self) -> bool {
        self.fit_intercept
    }

    fn starting_point(&self, outputs: usize, d: usize) -> Result<Vec<f64>> {
        let intercepts = if self.fit_intercept { outputs } else { 0 };
        let Some((coef, intercept)) = &self.start else {
            return Ok(vec![0.0; outputs * d + intercepts]);
        };
        if coef.len() != outputs * d || intercept.len() < intercepts {
            let message = format!(
                "starts from {} coefficients and {} intercepts; {outputs} x {d} and {intercepts} expected",
                coef.len(),
                intercept.len()
            );
            return Err(Error::value(OPERATION, message));
        }
        Ok(coef.iter().chain(&intercept[..intercepts]).copied().collect())
    }
}

/// What [`LogisticRegression::fit_watched`] shows models to.
pub type WatchOfFit<'a, T> = &'a mut dyn FnMut(FittedLogisticRegression<T>) -> Result<bool>;

const OPERATION: &str = "LogisticRegression::fit";

/// What is known of samples beside their features.
pub(super) struct Labelled {
    pub classes: Vec<i64>,
    /// Of each sample.
    pub codes: Vec<u32>,
    /// Those of the samples times those of their classes.
    pub weights: Option<Vec<f64>>,
    /// Their sum.
    pub total: f64,
}

impl Labelled {
    /// The rows of coefficients.
    pub fn outputs(&self) -> usize {
        if self.classes.len() == 2 { 1 } else { self.classes.len() }
    }
}

classifier!(LogisticRegression, FittedLogisticRegression {
    fn predict_proba_any(&self, x: &crate::Features<T>) -> Result<Tensor<T>> {
        self.predict_proba(x)
    }
});

/// What [`LogisticRegression`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLogisticRegression<T: Float> {
    predictor: Predictor<T>,
    classes: Vec<i64>,
    n_iter: usize,
    converged: bool,
    solver: LogisticSolver,
}

impl<T: Float> FittedLogisticRegression<T> {
    /// Iterations over all samples that it took.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// Whether the tolerance was met, and not the limit of iterations.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// The solver that ended the fit: L-BFGS where Newton's equations could not be solved.
    pub fn solver(&self) -> LogisticSolver {
        self.solver
    }
}

impl<T: Float, X: AsSamples<T>> PredictProba<X> for FittedLogisticRegression<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &X) -> Result<Tensor<T>> {
        self.predictor.probabilities("LogisticRegression::predict_proba", x)
    }
}

impl<T: Float> Persist for FittedLogisticRegression<T> {
    const NAME: &'static str = "LogisticRegression";

    fn to_record(&self) -> Record {
        self.predictor
            .write(record_of::<T>(Self::NAME))
            .with("classes", labels(&self.classes))
            .with("n_iter", self.n_iter)
            .with("converged", self.converged)
            .with("solver", self.solver.name())
    }

    fn from_record(record: &Record) -> Result<Self> {
        let predictor = Predictor::read(record)?;
        Ok(FittedLogisticRegression {
            classes: read_classes(record, predictor.outputs())?,
            predictor,
            n_iter: record.count("n_iter")?,
            converged: record.bool("converged")?,
            solver: LogisticSolver::named(record.text("solver")?)?,
        })
    }
}
