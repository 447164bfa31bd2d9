//! Linear regression by stochastic gradient descent, with any of its losses.

use barehand_kernels::stochastic_gradient::Loss;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::predictor::Predictor;
use super::samples::{AsSamples, Samples, targets};
use super::sgd::{HeldOut, LearningRate, Sgd, SgdPenalty, SgdStanding, check_held_out};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::validate;

/// A linear regression that learns from one sample after another. Targets are `(N)`.
///
/// Source: scikit-learn's `SGDRegressor`, whose steps it takes, in the same order for the same seed.
///
/// ```
/// use barehand_learn::{Fit, linear_model::SgdRegressor};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[-1.0], [0.0], [1.0f64]]);
/// let model = SgdRegressor::new().fit(&x, &Tensor::from([-2.0, 0.0, 2.0]))?;
/// assert!(model.coef().item()? > 1.0);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SgdRegressor {
    sgd: Sgd,
    held_out: Option<Vec<bool>>,
    seed: u32,
}

impl Default for SgdRegressor {
    fn default() -> Self {
        SgdRegressor {
            sgd: Sgd {
                loss: Loss::Squared,
                penalty: SgdPenalty::L2,
                alpha: 1e-4,
                fit_intercept: true,
                max_iter: 1000,
                tol: Some(1e-3),
                shuffle: true,
                learning_rate: LearningRate::InvScaling,
                eta0: 0.01,
                power_t: 0.25,
                n_iter_no_change: 5,
                average: 0,
            },
            held_out: None,
            seed: 0,
        }
    }
}

impl SgdRegressor {
    /// Least squares with scikit-learn's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other parameters.
    pub fn parameters(mut self, sgd: Sgd) -> Self {
        self.sgd = sgd;
        self
    }

    /// The parameters, to change some of them.
    pub fn sgd(&self) -> Sgd {
        self.sgd.clone()
    }

    /// Holds these samples out, and stops when their R² gains less than `tol` (default: none, and it stops when the objective
    /// gains less).
    pub fn held_out(mut self, held_out: Option<Vec<bool>>) -> Self {
        self.held_out = held_out;
        self
    }

    /// A seed for the orders of samples (default: 0).
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedSgdRegressor<T>> {
        self.go_on(samples, y, sample_weight, None)
    }

    /// Fits from where another descent stands.
    ///
    /// # Errors
    /// As `fit`; the standing is of other sizes.
    pub fn fit_from<T: Float>(
        &self,
        x: &impl AsSamples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
        standing: Option<&SgdStanding>,
    ) -> Result<FittedSgdRegressor<T>> {
        self.go_on(&x.samples(OPERATION)?, y, sample_weight, standing)
    }

    fn go_on<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
        standing: Option<&SgdStanding>,
    ) -> Result<FittedSgdRegressor<T>> {
        self.sgd.check(OPERATION)?;
        let (n, d) = samples.shape();
        samples.check_finite(OPERATION)?;
        let (y, outputs, _) = targets(OPERATION, y, n)?;
        if outputs != 1 {
            return Err(Error::shape(OPERATION, format!("takes one target a sample, found {outputs}")));
        }
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        check_held_out(OPERATION, self.held_out.as_deref(), n, weights.as_deref())?;
        let standing = SgdStanding::at(OPERATION, standing, 1, d, self.sgd.average > 0)?;
        let score = |predictions: &[f64]| {
            r2(predictions, &y, weights.as_deref(), self.held_out.as_deref().unwrap_or_default())
        };
        let held = self.held_out.as_deref().map(|held_out| HeldOut { held_out, score: &score });
        let (state, n_iter) = self.sgd.descend(
            OPERATION,
            samples,
            &y,
            weights.as_deref(),
            [1.0, 1.0],
            standing.state(0),
            standing.t,
            self.seed,
            held.as_ref(),
        )?;
        let standing = SgdStanding::of(vec![(state, n_iter)], standing.t + (n_iter * n) as f64);
        let (coef, intercept) = standing.predicting(self.sgd.average);
        Ok(FittedSgdRegressor { predictor: Predictor::new(coef, intercept)?, single: true, standing, n_iter })
    }
}

const OPERATION: &str = "SgdRegressor::fit";

/// `1 - sum w (y - p)^2 / sum w (y - mean)^2` over held out samples.
fn r2<T: Float>(predictions: &[f64], y: &[T], weights: Option<&[f64]>, held: &[bool]) -> f64 {
    let rows: Vec<usize> = held.iter().enumerate().filter(|(_, held)| **held).map(|(row, _)| row).collect();
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let total: f64 = rows.iter().map(|&row| weight(row)).sum();
    let mean = rows.iter().map(|&row| weight(row) * y[row].to_f64()).sum::<f64>() / total;
    let (mut unexplained, mut all) = (0.0, 0.0);
    for (&row, p) in rows.iter().zip(predictions) {
        unexplained += weight(row) * (y[row].to_f64() - p).powi(2);
        all += weight(row) * (y[row].to_f64() - mean).powi(2);
    }
    if all == 0.0 { if unexplained == 0.0 { 1.0 } else { 0.0 } } else { 1.0 - unexplained / all }
}

regressor!(SgdRegressor, FittedSgdRegressor);

/// What [`SgdRegressor`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedSgdRegressor<T: Float> {
    predictor: Predictor<T>,
    single: bool,
    standing: SgdStanding,
    n_iter: usize,
}

impl<T: Float> FittedSgdRegressor<T> {
    /// Epochs it took.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// From where [`SgdRegressor::fit_from`] goes on.
    pub fn standing(&self) -> &SgdStanding {
        &self.standing
    }
}

impl<T: Float> Persist for FittedSgdRegressor<T> {
    const NAME: &'static str = "SGDRegressor";

    fn to_record(&self) -> Record {
        self.standing
            .write(self.predictor.write(record_of::<T>(Self::NAME)))
            .with("single", self.single)
            .with("n_iter", self.n_iter)
    }

    fn from_record(record: &Record) -> Result<Self> {
        let predictor = Predictor::read_regressor(record)?;
        if predictor.outputs() != 1 {
            return Err(record.error("predicts several numbers a row, not one"));
        }
        Ok(FittedSgdRegressor {
            standing: SgdStanding::read(record, 1, predictor.features())?,
            single: record.bool("single")?,
            predictor,
            n_iter: record.count("n_iter")?,
        })
    }
}
