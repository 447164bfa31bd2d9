//! What trees learn, as their criteria read it.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::validate;

fn outputs_of(operation: &str, shape: &[usize], n: usize) -> Result<usize> {
    match *shape {
        [rows] if rows == n => Ok(1),
        [rows, outputs] if rows == n && outputs > 0 => Ok(outputs),
        _ => {
            let message = format!("expected targets ({n}) or ({n}, outputs), found shape {shape:?}");
            Err(Error::shape(operation, message))
        }
    }
}

/// Codes of classes `(n, outputs)`, and the classes of each output.
pub(crate) fn class_targets(operation: &str, y: &Tensor<i64>, n: usize) -> Result<(Vec<f64>, Vec<Vec<i64>>)> {
    let outputs = outputs_of(operation, y.shape(), n)?;
    let labels = y.to_vec();
    let (mut codes, mut classes) = (vec![0.0; n * outputs], Vec::new());
    for output in 0..outputs {
        let own: Vec<i64> = labels.iter().skip(output).step_by(outputs).copied().collect();
        let (found, positions) = validate::classes(operation, &own.into(), n)?;
        for (row, position) in positions.into_iter().enumerate() {
            codes[row * outputs + output] = position as f64;
        }
        classes.push(found);
    }
    Ok((codes, classes))
}

/// Values `(n, outputs)`, finite, and how many outputs there are.
pub(crate) fn value_targets<T: Float>(operation: &str, y: &Tensor<T>, n: usize) -> Result<(Vec<f64>, usize)> {
    let outputs = outputs_of(operation, y.shape(), n)?;
    let values: Vec<f64> = y.to_vec().iter().map(|value| value.to_f64()).collect();
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok((values, outputs)),
        Some(place) => Err(Error::value(
            operation,
            format!("target of row {} is {}: finite numbers expected", place / outputs, values[place]),
        )),
    }
}
