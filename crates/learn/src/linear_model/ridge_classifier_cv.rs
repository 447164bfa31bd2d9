//! Ridge regression on classes whose penalty is found by leaving out one sample after another.

use barehand_tensor::{Float, Result, Tensor};

use super::class_weight::ClassWeight;
use super::ridge_classifier::{FittedRidgeClassifier, several_classes, signs};
use super::ridge_cv::{RidgeCv, ScoreOfPredictions};
use super::samples::{AsSamples, Samples};
use crate::validate;

/// [`RidgeClassifier`](super::RidgeClassifier) with the penalty that [`RidgeCv`] finds for its targets.
///
/// Source: scikit-learn's `RidgeClassifierCV` with `cv=None`.
///
/// ```
/// use barehand_learn::{Fit, Predict, linear_model::{RidgeClassifierCv, RidgeCv}};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0], [1.0], [4.0], [5.0f64]]);
/// let found = RidgeClassifierCv::new(RidgeCv::default()).fit(&x, &Tensor::from([3i64, 3, 8, 8]))?;
/// assert_eq!(found.model().predict(&Tensor::from([[1.5], [4.5]]))?.to_vec(), [3, 8]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RidgeClassifierCv {
    search: RidgeCv,
    class_weight: ClassWeight,
}

impl RidgeClassifierCv {
    /// With this search inside.
    pub fn new(search: RidgeCv) -> Self {
        RidgeClassifierCv { search: search.alpha_per_target(false), class_weight: ClassWeight::None }
    }

    /// How much each class counts (default: 1).
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.class_weight = class_weight;
        self
    }

    /// As `fit`, but the penalty is that whose predictions of left-out samples, `(N, classes)` or `(N, 1)` for two classes,
    /// have the best score.
    ///
    /// # Errors
    /// As `fit`, and those of the score.
    pub fn fit_scored<T: Float>(
        &self,
        x: &impl AsSamples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        score: ScoreOfPredictions,
    ) -> Result<FittedRidgeClassifierCv<T>> {
        self.searched(&x.samples(OPERATION)?, y, sample_weight, Some(score))
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedRidgeClassifierCv<T>> {
        self.searched(samples, y, sample_weight, None)
    }

    fn searched<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        score: Option<ScoreOfPredictions>,
    ) -> Result<FittedRidgeClassifierCv<T>> {
        let (n, _) = samples.shape();
        let (classes, codes) = several_classes(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let weights = self.class_weight.sample_weights_by_number(OPERATION, &classes, &codes, weights)?;
        let (targets, outputs) = signs::<T>(&codes, classes.len());
        let found =
            self.search.found(OPERATION, samples, &targets, (outputs, false), weights.as_deref(), score)?;
        let (alpha, best_score) = (found.alphas()[0], found.best_scores()[0]);
        let results = found.results().cloned();
        let model = FittedRidgeClassifier::new(found.into_model(), classes);
        Ok(FittedRidgeClassifierCv { model, alpha, best_score, results })
    }
}

const OPERATION: &str = "RidgeClassifierCv::fit";

selects!(RidgeClassifierCv, FittedRidgeClassifierCv, classes: i64);

/// What [`RidgeClassifierCv`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRidgeClassifierCv<T: Float> {
    model: FittedRidgeClassifier<T>,
    alpha: f64,
    best_score: f64,
    results: Option<Tensor<f64>>,
}

impl<T: Float> FittedRidgeClassifierCv<T> {
    /// The classifier of all samples with the penalty that was found.
    pub fn model(&self) -> &FittedRidgeClassifier<T> {
        &self.model
    }

    /// The same, without the rest.
    pub fn into_model(self) -> FittedRidgeClassifier<T> {
        self.model
    }

    /// The penalty that was found.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Its score, as [`FittedRidgeCv::best_scores`](super::FittedRidgeCv::best_scores).
    pub fn best_score(&self) -> f64 {
        self.best_score
    }

    /// As [`FittedRidgeCv::results`](super::FittedRidgeCv::results).
    pub fn results(&self) -> Option<&Tensor<f64>> {
        self.results.as_ref()
    }
}
