//! What every estimator asks of its inputs, in words that say which row or column is wrong.

use barehand_kernels::finite::{Missing, all_finite};
use barehand_tensor::{Error, Float, Result, Tensor};

/// Rows and columns of features `(N, D)` with `N > 0` and `D > 0`.
///
/// # Errors
/// Another rank, no rows or no columns.
pub fn matrix<T: Float>(operation: &str, x: &Tensor<T>) -> Result<(usize, usize)> {
    match *x.shape() {
        [n, d] => not_empty(operation, n, d),
        ref shape => Err(Error::shape(operation, format!("expected features (N, D), found shape {shape:?}"))),
    }
}

/// Rows and columns, at least one of each.
///
/// # Errors
/// There are none.
pub fn not_empty(operation: &str, n: usize, d: usize) -> Result<(usize, usize)> {
    if n > 0 && d > 0 {
        return Ok((n, d));
    }
    Err(Error::value(operation, format!("{n} samples of {d} features: at least one of each expected")))
}

/// As [`matrix`], of `columns` columns: those that the model was fitted on.
///
/// # Errors
/// As [`matrix`], or another number of columns.
pub fn matrix_of<T: Float>(operation: &str, x: &Tensor<T>, columns: usize) -> Result<usize> {
    let (n, d) = matrix(operation, x)?;
    if d == columns {
        return Ok(n);
    }
    Err(Error::shape(operation, format!("x has {d} features, the model was fitted on {columns}")))
}

/// Refuses NaN and infinity.
///
/// # Errors
/// Naming the first row and column where one stands.
pub fn finite<T: Float>(operation: &str, x: &Tensor<T>) -> Result<()> {
    let x = x.contiguous();
    let values = x.as_slice().unwrap_or_default();
    if all_finite(values, Missing::None) {
        return Ok(());
    }
    let place = values.iter().position(|value| !value.is_finite()).unwrap_or_default();
    let found = values[place];
    let message = match x.shape() {
        [_, d] => format!("row {}, column {} of x is {found}: finite numbers expected", place / d, place % d),
        _ => format!("element {place} is {found}: finite numbers expected"),
    };
    Err(Error::value(operation, message))
}

/// The classes that occur in labels `(N)`, in ascending order, and the position of each label among them.
///
/// # Errors
/// The labels are not `(n)`.
pub fn classes(operation: &str, y: &Tensor<i64>, n: usize) -> Result<(Vec<i64>, Vec<usize>)> {
    if y.shape() != [n] {
        let message = format!("expected a label for each of {n} samples, found shape {:?}", y.shape());
        return Err(Error::shape(operation, message));
    }
    let labels = y.to_vec();
    let mut classes = labels.clone();
    classes.sort_unstable();
    classes.dedup();
    let codes = labels.iter().map(|label| classes.binary_search(label).unwrap_or_default()).collect();
    Ok((classes, codes))
}

/// Weights of `n` samples: 1 each where none are given.
///
/// # Errors
/// They are not `(n)`, one is negative or not finite, or all are 0.
pub fn weights(operation: &str, sample_weight: Option<&Tensor<f64>>, n: usize) -> Result<Vec<f64>> {
    let Some(tensor) = sample_weight else {
        return Ok(vec![1.0; n]);
    };
    if tensor.shape() != [n] {
        let message = format!("expected a weight for each of {n} samples, found shape {:?}", tensor.shape());
        return Err(Error::shape(operation, message));
    }
    let weights = tensor.to_vec();
    if let Some(i) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        let message = format!("weight {i} is {}: finite and not negative expected", weights[i]);
        return Err(Error::value(operation, message));
    }
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(Error::value(operation, "every sample has weight 0"));
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_that_is_not_finite_is_named() {
        let mut values = vec![1.0f64; 30];
        assert!(finite("fit", &Tensor::from_vec(values.clone(), [10, 3]).unwrap()).is_ok());
        values[29] = f64::NAN;
        values[14] = f64::INFINITY;
        let error = finite("fit", &Tensor::from_vec(values, [10, 3]).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "fit: row 4, column 2 of x is inf: finite numbers expected");
    }

    #[test]
    fn labels_become_positions() {
        let y = Tensor::from([7i64, -1, 7]);
        assert_eq!(classes("fit", &y, 3).unwrap(), (vec![-1, 7], vec![1, 0, 1]));
        assert!(classes("fit", &y, 4).unwrap_err().to_string().contains("each of 4 samples"));
    }
}
