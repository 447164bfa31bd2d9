//! The small traits that estimators and their fitted models share.
//!
//! `X` is what holds the features: `Tensor<T>`, and [`CsrMatrix<T>`](barehand_tensor::CsrMatrix) where sparse rows are
//! taken. `Y` is `Tensor<i64>` for class labels, `Tensor<T>` for real targets, `()` where there are none.

use barehand_tensor::{Result, Tensor};

/// Learns a model from samples.
pub trait Fit<X, Y = ()> {
    /// The model, which predicts.
    type Fitted;

    /// The model of features `x` and targets `y`; parameters are checked here.
    fn fit(&self, x: &X, y: &Y) -> Result<Self::Fitted>;
}

/// Learns from samples that count more or less: weight 2 is a sample that stands there twice, weight 0 one that does not.
pub trait FitWeighted<X, Y = ()>: Fit<X, Y> {
    /// As [`Fit::fit`], with a weight for each sample, `(N)`.
    fn fit_weighted(&self, x: &X, y: &Y, sample_weight: &Tensor<f64>) -> Result<Self::Fitted>;
}

/// Says for each row what it is, or how much.
pub trait Predict<X> {
    /// `Tensor<i64>` of classes or clusters `(N)`, or `Tensor<T>` of values `(N)` or `(N, outputs)`.
    type Output;

    /// A prediction for each row of `x`.
    fn predict(&self, x: &X) -> Result<Self::Output>;
}

/// Says how probable each class (or component) is.
pub trait PredictProba<X> {
    /// `Tensor<T>`, `(N, classes)`.
    type Output;

    /// Probabilities, one column for each class in ascending order; rows sum to 1.
    fn predict_proba(&self, x: &X) -> Result<Self::Output>;
}

/// Says on which side of a decision, and how far, each row lies.
pub trait DecisionFunction<X> {
    /// `Tensor<T>`: `(N)` for two classes, positive for the larger one, else `(N, classes)`.
    type Output;

    /// The score of each row.
    fn decision_function(&self, x: &X) -> Result<Self::Output>;
}

/// Makes other features out of features.
pub trait Transform<X> {
    /// The new features.
    type Output;

    /// The new features of each row of `x`.
    fn transform(&self, x: &X) -> Result<Self::Output>;
}

/// Goes back from new features to the old ones.
pub trait InverseTransform<X> {
    /// The old features.
    type Output;

    /// The features that [`Transform::transform`] makes `x` of, as near as they can be had.
    fn inverse_transform(&self, x: &X) -> Result<Self::Output>;
}
