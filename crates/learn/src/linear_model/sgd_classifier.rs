//! Linear classifiers by stochastic gradient descent.

use std::sync::Mutex;

use barehand_kernels::stochastic_gradient::Loss;
use barehand_kernels::threads;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::class_weight::ClassWeight;
use super::predictor::{Predictor, read_classes};
use super::samples::{AsSamples, Samples};
use super::sgd::{HeldOut, LearningRate, Sgd, SgdPenalty, SgdStanding, SgdState, check_held_out};
use crate::estimator::PredictProba;
use crate::model_file::Persist;
use crate::models::{labels, record_of};
use crate::record::Record;
use crate::validate;

/// A linear classifier that learns from one sample after another; of more than two classes each against the rest.
///
/// Source: scikit-learn's `SGDClassifier`, whose steps it takes, in the same order for the same seeds.
///
/// ```
/// use barehand_learn::{Fit, Predict, linear_model::SgdClassifier};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0f64]]);
/// let model = SgdClassifier::new().seed(0).fit(&x, &Tensor::from([1i64, 1, 2, 2]))?;
/// assert_eq!(model.predict(&Tensor::from([[-0.8, -1.0f64]]))?.to_vec(), [1]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SgdClassifier {
    sgd: Sgd,
    class_weight: ClassWeight,
    held_out: Option<Vec<bool>>,
    seeds: Vec<u32>,
}

impl Default for SgdClassifier {
    fn default() -> Self {
        SgdClassifier {
            sgd: Sgd {
                loss: Loss::Hinge(1.0),
                penalty: SgdPenalty::L2,
                alpha: 1e-4,
                fit_intercept: true,
                max_iter: 1000,
                tol: Some(1e-3),
                shuffle: true,
                learning_rate: LearningRate::Optimal,
                eta0: 0.01,
                power_t: 0.5,
                n_iter_no_change: 5,
                average: 0,
            },
            class_weight: ClassWeight::None,
            held_out: None,
            seeds: vec![0],
        }
    }
}

impl SgdClassifier {
    /// A linear support vector machine with scikit-learn's defaults.
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

    /// How much each class counts (default: 1).
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.class_weight = class_weight;
        self
    }

    /// Holds these samples out, and stops when their accuracy gains less than `tol` (default: none, and it stops when the
    /// objective gains less).
    pub fn held_out(mut self, held_out: Option<Vec<bool>>) -> Self {
        self.held_out = held_out;
        self
    }

    /// A seed for the orders of samples (default: 0).
    pub fn seed(self, seed: u32) -> Self {
        self.seeds(vec![seed])
    }

    /// A seed for each class against the rest; the last one also serves the classes behind it.
    pub fn seeds(mut self, seeds: Vec<u32>) -> Self {
        self.seeds = seeds;
        self
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedSgdClassifier<T>> {
        let (classes, _) = validate::classes(OPERATION, y, samples.shape().0)?;
        self.go_on(samples, y, &classes, sample_weight, None)
    }

    /// Fits labels that are all among `classes`, from where another descent stands.
    ///
    /// # Errors
    /// As `fit`; a label is not among the classes, or the standing is of other sizes.
    pub fn fit_from<T: Float>(
        &self,
        x: &impl AsSamples<T>,
        y: &Tensor<i64>,
        classes: &[i64],
        sample_weight: Option<&Tensor<f64>>,
        standing: Option<&SgdStanding>,
    ) -> Result<FittedSgdClassifier<T>> {
        self.go_on(&x.samples(OPERATION)?, y, classes, sample_weight, standing)
    }

    fn go_on<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        classes: &[i64],
        sample_weight: Option<&Tensor<f64>>,
        standing: Option<&SgdStanding>,
    ) -> Result<FittedSgdClassifier<T>> {
        self.sgd.check(OPERATION)?;
        let (n, d) = samples.shape();
        samples.check_finite(OPERATION)?;
        if y.shape() != [n] {
            let message = format!("expected a label for each of {n} samples, found shape {:?}", y.shape());
            return Err(Error::shape(OPERATION, message));
        }
        if classes.len() < 2 || classes.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::value(OPERATION, "at least two classes expected, in ascending order"));
        }
        let code = |label: &i64| {
            classes
                .binary_search(label)
                .map_err(|_| Error::value(OPERATION, format!("label {label} is not among the classes")))
        };
        let codes = y.to_vec().iter().map(code).collect::<Result<Vec<usize>>>()?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let of_class = self.class_weight.of_classes(OPERATION, classes, &codes, None)?;
        check_held_out(OPERATION, self.held_out.as_deref(), n, weights.as_deref())?;
        let outputs = if classes.len() == 2 { 1 } else { classes.len() };
        let standing = SgdStanding::at(OPERATION, standing, outputs, d, self.sgd.average > 0)?;
        // Descents of several classes share nothing, and go side by side.
        let results: Vec<Mutex<Option<Descent<T>>>> = (0..outputs).map(|_| Mutex::new(None)).collect();
        threads::for_each(outputs, threads::threads_for(outputs * n * d, 1 << 16), |output| {
            let positive = if outputs == 1 { 1 } else { output };
            let negative = if self.sgd.loss == Loss::Log { T::ZERO } else { -T::ONE };
            let targets: Vec<T> =
                codes.iter().map(|&code| if code == positive { T::ONE } else { negative }).collect();
            let class_weights = [if outputs == 1 { of_class[0] } else { 1.0 }, of_class[positive]];
            let score = |predictions: &[f64]| {
                accuracy(
                    predictions,
                    &targets,
                    weights.as_deref(),
                    self.held_out.as_deref().unwrap_or_default(),
                )
            };
            let held = self.held_out.as_deref().map(|held_out| HeldOut { held_out, score: &score });
            let result = self.sgd.descend(
                OPERATION,
                samples,
                &targets,
                weights.as_deref(),
                class_weights,
                standing.state(output),
                standing.t,
                self.seeds.get(output).or(self.seeds.last()).copied().unwrap_or(0),
                held.as_ref(),
            );
            if let Ok(mut slot) = results[output].lock() {
                *slot = Some(result);
            }
        });
        let results = results
            .into_iter()
            .map(|slot| {
                slot.into_inner().ok().flatten().unwrap_or_else(|| Err(Error::value(OPERATION, "lost")))
            })
            .collect::<Result<Vec<_>>>()?;
        let n_iter = results.iter().map(|(_, n_iter)| *n_iter).max().unwrap_or(0);
        let standing = SgdStanding::of(results, standing.t + (n_iter * n) as f64);
        let (coef, intercept) = standing.predicting(self.sgd.average);
        Ok(FittedSgdClassifier {
            predictor: Predictor::new(coef, intercept)?,
            classes: classes.to_vec(),
            probabilities: match self.sgd.loss {
                Loss::Log => Probabilities::Logistic,
                Loss::ModifiedHuber => Probabilities::Clipped,
                _ => Probabilities::None,
            },
            standing,
            n_iter,
        })
    }
}

/// Where the descent of one class ended, and after how many epochs.
type Descent<T> = Result<(SgdState<T>, usize)>;

const OPERATION: &str = "SgdClassifier::fit";

/// The part of held out samples, by weight, on whose side of 0 their target is.
fn accuracy<T: Float>(predictions: &[f64], targets: &[T], weights: Option<&[f64]>, held: &[bool]) -> f64 {
    let rows = held.iter().enumerate().filter(|(_, held)| **held).map(|(row, _)| row);
    let (mut right, mut total) = (0.0, 0.0);
    for (row, p) in rows.zip(predictions) {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        total += weight;
        if (*p > 0.0) == (targets[row] > T::ZERO) {
            right += weight;
        }
    }
    right / total
}

classifier!(SgdClassifier, FittedSgdClassifier {
    fn predict_proba_any(&self, x: &crate::Features<T>) -> Result<Tensor<T>> {
        self.probabilities(x)
    }
});

/// How scores become probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probabilities {
    None,
    /// `1 / (1 + e^-z)`, of several classes in proportion.
    Logistic,
    /// `(clip(z, -1, 1) + 1) / 2`, likewise (Zadrozny and Elkan 2002).
    Clipped,
}

/// What [`SgdClassifier`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedSgdClassifier<T: Float> {
    predictor: Predictor<T>,
    classes: Vec<i64>,
    probabilities: Probabilities,
    standing: SgdStanding,
    n_iter: usize,
}

impl<T: Float> FittedSgdClassifier<T> {
    /// Epochs it took, of the class that took most.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// From where [`SgdClassifier::fit_from`] goes on.
    pub fn standing(&self) -> &SgdStanding {
        &self.standing
    }

    fn probabilities(&self, x: &impl AsSamples<T>) -> Result<Tensor<T>> {
        const OPERATION: &str = "SgdClassifier::predict_proba";
        let scores = self.predictor.scores(OPERATION, x)?;
        let one = |z: f64| match self.probabilities {
            Probabilities::Logistic => 1.0 / (1.0 + (-z).exp()),
            _ => f64::midpoint(z.clamp(-1.0, 1.0), 1.0),
        };
        if self.probabilities == Probabilities::None {
            return Err(Error::value(
                OPERATION,
                "this loss gives no probabilities: log_loss and modified_huber do",
            ));
        }
        let (k, outputs) = (self.classes.len(), self.predictor.outputs());
        let mut out = Vec::with_capacity(scores.len() / outputs * k);
        for row in scores.chunks_exact(outputs) {
            if outputs == 1 {
                let p = one(row[0].to_f64());
                out.extend([T::from_f64(1.0 - p), T::from_f64(p)]);
                continue;
            }
            let p: Vec<f64> = row.iter().map(|z| one(z.to_f64())).collect();
            let sum: f64 = p.iter().sum();
            // Where no class is likely, all are equally so.
            out.extend(p.iter().map(|p| T::from_f64(if sum > 0.0 { p / sum } else { 1.0 / k as f64 })));
        }
        let n = out.len() / k;
        Tensor::from_vec(out, [n, k])
    }
}

impl<T: Float, X: AsSamples<T>> PredictProba<X> for FittedSgdClassifier<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &X) -> Result<Tensor<T>> {
        self.probabilities(x)
    }
}

impl<T: Float> Persist for FittedSgdClassifier<T> {
    const NAME: &'static str = "SGDClassifier";

    fn to_record(&self) -> Record {
        let probabilities = match self.probabilities {
            Probabilities::None => "none",
            Probabilities::Logistic => "logistic",
            Probabilities::Clipped => "clipped",
        };
        self.standing
            .write(self.predictor.write(record_of::<T>(Self::NAME)))
            .with("classes", labels(&self.classes))
            .with("probabilities", probabilities)
            .with("n_iter", self.n_iter)
    }

    fn from_record(record: &Record) -> Result<Self> {
        let predictor = Predictor::read(record)?;
        let (outputs, d) = (predictor.outputs(), predictor.features());
        Ok(FittedSgdClassifier {
            classes: read_classes(record, outputs)?,
            predictor,
            probabilities: match record.text("probabilities")? {
                "none" => Probabilities::None,
                "logistic" => Probabilities::Logistic,
                "clipped" => Probabilities::Clipped,
                other => return Err(record.error(format!("probabilities are {other:?}"))),
            },
            standing: SgdStanding::read(record, outputs, d)?,
            n_iter: record.count("n_iter")?,
        })
    }
}
