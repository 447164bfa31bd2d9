//! What a model predicts on average where features have given values (Friedman, 2001).

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::dynamic::{Model, Prediction};
use crate::validate;

/// What of a model is averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Response {
    /// What it predicts, of models that predict values.
    #[default]
    Predict,
    /// Its probabilities: of two classes that of the second, else of each.
    PredictProba,
    /// Its decision function.
    DecisionFunction,
}

/// The dependence of a model's answers on some features.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialDependence {
    /// The values of each feature.
    pub grid: Vec<Vec<f64>>,
    /// The mean answer at each point of the grid, the last feature's values side by side: `(answers, points)`.
    pub average: Vec<Vec<f64>>,
}

/// The mean over the rows of `x` of what `model` answers where `features` are set to each combination of `grid`.
///
/// Source: scikit-learn's `partial_dependence` with `method="brute"`.
///
/// ```
/// use barehand_learn::inspection::{Response, partial_dependence};
/// use barehand_learn::tree::DecisionTreeRegressor;
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0]]);
/// let model = DecisionTreeRegressor::new().fit(&x, &Tensor::from([1.0f32, 1.0, 5.0, 5.0]))?;
/// let found = partial_dependence(&model, &x, &[0], &[vec![0.5, 2.5]], Response::Predict)?;
/// assert_eq!(found.average, [[1.0, 5.0]]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// `x` is no matrix of as many features as the model was fitted on; a feature is not there or has no values; the model has
/// no such answer.
pub fn partial_dependence<T: Float>(
    model: &dyn Model<T>,
    x: &Tensor<T>,
    features: &[usize],
    grid: &[Vec<f64>],
    response: Response,
) -> Result<PartialDependence> {
    const OPERATION: &str = "partial_dependence";
    let n = validate::matrix_of(OPERATION, x, model.features())?;
    let d = model.features();
    if let Some(feature) = features.iter().find(|&&feature| feature >= d) {
        return Err(Error::index(OPERATION, format!("feature {feature} is not there: x has {d} features")));
    }
    if features.is_empty() || grid.len() != features.len() || grid.iter().any(Vec::is_empty) {
        let lengths: Vec<usize> = grid.iter().map(Vec::len).collect();
        let message = format!("values for each of features {features:?} expected, found {lengths:?}");
        return Err(Error::value(OPERATION, message));
    }
    let points = grid.iter().map(Vec::len).try_fold(1usize, usize::checked_mul);
    let points = points.ok_or_else(|| Error::value(OPERATION, "the grid has too many points"))?;
    let mut rows = x.to_vec();
    let mut average: Vec<Vec<f64>> = Vec::new();
    for point in 0..points {
        let mut rest = point;
        for (&feature, values) in features.iter().zip(grid).rev() {
            let value = T::from_f64(values[rest % values.len()]);
            rest /= values.len();
            rows.iter_mut().skip(feature).step_by(d).for_each(|cell| *cell = value);
        }
        let x = Tensor::from_slice(&rows, [n, d])?;
        let answers = answers(OPERATION, model, x, response)?;
        average.resize(answers.len(), Vec::new());
        average.iter_mut().zip(answers).for_each(|(list, mean)| list.push(mean));
    }
    Ok(PartialDependence { grid: grid.to_vec(), average })
}

/// The means of a model's answers.
fn answers<T: Float>(
    operation: &str,
    model: &dyn Model<T>,
    x: Tensor<T>,
    response: Response,
) -> Result<Vec<f64>> {
    let n = x.shape()[0];
    let answers = match response {
        Response::Predict => match model.predict_any(&x.into())? {
            Prediction::Values(values) => values,
            Prediction::Classes(_) => {
                let message = "labels have no mean: ask for probabilities or the decision function";
                return Err(Error::value(operation, message));
            }
        },
        Response::PredictProba => model.predict_proba_any(&x.into())?,
        Response::DecisionFunction => model.decision_function_any(&x.into())?,
    };
    let columns = answers.len() / n;
    let values = answers.to_vec();
    let mean = |column: usize| {
        values.iter().skip(column).step_by(columns).map(|value| value.to_f64()).sum::<f64>() / n as f64
    };
    let first = usize::from(response == Response::PredictProba && columns == 2);
    Ok((first..columns).map(mean).collect())
}
