//! How much worse a model does where a feature is shuffled (Breiman, 2001).

use barehand_kernels::random::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use crate::dynamic::{Model, Prediction, Target};
use crate::validate;

/// How much of its score a model loses where a feature is shuffled.
#[derive(Clone, Debug, PartialEq)]
pub struct PermutationImportance {
    /// The score without shuffling minus that with it, `(D, repeats)`.
    pub importances: Vec<Vec<f64>>,
    /// Their means, `(D)`.
    pub importances_mean: Vec<f64>,
    /// Their standard deviations, `(D)`.
    pub importances_std: Vec<f64>,
}

/// The importance of every feature of dense `x` for `model`, each shuffled `repeats` times.
///
/// The score is the accuracy of labels, and R² of values (the mean over several outputs). Source: scikit-learn's
/// `permutation_importance`.
///
/// ```
/// use barehand_learn::{Target, inspection::permutation_importance, tree::DecisionTreeClassifier};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0f32, 9.0], [1.0, 9.0], [2.0, 9.0], [3.0, 9.0]]);
/// let y = Tensor::from([0i64, 0, 1, 1]);
/// let model = DecisionTreeClassifier::new().fit(&x, &y)?;
/// let found = permutation_importance(&model, &x, &Target::Classes(y), 20, 0)?;
/// assert!(found.importances_mean[0] > 0.1 && found.importances_mean[1] == 0.0);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// `x` is no matrix of as many features as the model was fitted on; targets of another kind or length; no repeats.
pub fn permutation_importance<T: Float>(
    model: &dyn Model<T>,
    x: &Tensor<T>,
    y: &Target<T>,
    repeats: usize,
    seed: u32,
) -> Result<PermutationImportance> {
    const OPERATION: &str = "permutation_importance";
    let n = validate::matrix_of(OPERATION, x, model.features())?;
    let d = model.features();
    if repeats == 0 {
        return Err(Error::value(OPERATION, "repeats is 0: at least 1 expected"));
    }
    let base = score(OPERATION, &model.predict_any(&x.clone().into())?, y)?;
    let original = x.to_vec();
    // Every feature from the same state, so that their order does not matter; the draws are scikit-learn's.
    let seed = RandomState::new(seed).randint(0, 1 << 31) as u32;
    let mut importances = Vec::new();
    for feature in 0..d {
        let mut random = RandomState::new(seed);
        let mut order: Vec<usize> = (0..n).collect();
        let mut shuffled = original.clone();
        let mut drops = Vec::new();
        for _ in 0..repeats {
            random.shuffle(&mut order);
            let column: Vec<T> = order.iter().map(|&row| shuffled[row * d + feature]).collect();
            shuffled.iter_mut().skip(feature).step_by(d).zip(column).for_each(|(cell, value)| *cell = value);
            let x = Tensor::from_slice(&shuffled, [n, d])?;
            drops.push(base - score(OPERATION, &model.predict_any(&x.into())?, y)?);
        }
        importances.push(drops);
    }
    let mean = |drops: &Vec<f64>| drops.iter().sum::<f64>() / repeats as f64;
    let importances_mean: Vec<f64> = importances.iter().map(mean).collect();
    let variance = |(drops, mean): (&Vec<f64>, &f64)| {
        drops.iter().map(|drop| (drop - mean).powi(2)).sum::<f64>() / repeats as f64
    };
    let importances_std =
        importances.iter().zip(&importances_mean).map(|pair| variance(pair).sqrt()).collect();
    Ok(PermutationImportance { importances, importances_mean, importances_std })
}

fn score<T: Float>(operation: &str, found: &Prediction<T>, y: &Target<T>) -> Result<f64> {
    let differ = |found: &[usize], expected: &[usize]| {
        Err(Error::shape(operation, format!("targets of shape {expected:?}, predictions of {found:?}")))
    };
    match (found, y) {
        (Prediction::Classes(found), Target::Classes(y)) => {
            if found.shape() != y.shape() {
                return differ(found.shape(), y.shape());
            }
            let right = found.to_vec().iter().zip(y.to_vec()).filter(|(a, b)| **a == *b).count();
            Ok(right as f64 / y.len() as f64)
        }
        (Prediction::Values(found), Target::Values(y)) => {
            if found.shape() != y.shape() {
                return differ(found.shape(), y.shape());
            }
            let outputs = y.len() / y.shape()[0];
            let (found, y) = (found.to_vec(), y.to_vec());
            let scores = (0..outputs).map(|output| {
                let of = |list: &[T]| -> Vec<f64> {
                    list.iter().skip(output).step_by(outputs).map(|value| value.to_f64()).collect()
                };
                let (found, y) = (of(&found), of(&y));
                let mean = y.iter().sum::<f64>() / y.len() as f64;
                let missed: f64 = found.iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum();
                let spread: f64 = y.iter().map(|value| (value - mean).powi(2)).sum();
                match (missed == 0.0, spread == 0.0) {
                    (true, _) => 1.0,
                    (false, true) => 0.0,
                    _ => 1.0 - missed / spread,
                }
            });
            Ok(scores.sum::<f64>() / outputs as f64)
        }
        _ => Err(Error::value(operation, "labels for a classifier, values for a regressor expected")),
    }
}
