//! A grid: every combination of parameters' values.
//!
//! ```text
//! combination c has of parameter p the value  floor(c / prod_{q > p} n_q) mod n_p
//! ```
//!
//! Parameters are in the order of their names, the last one changes fastest. scikit-learn: `ParameterGrid`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// For each combination the place of each parameter's value, parameters by name, of parameters with so many values.
pub fn parameter_grid(parameters: &[(&str, usize)], trace: &mut Trace) -> Result<Vec<Vec<usize>>> {
    let mut parameters = parameters.to_vec();
    parameters.sort_unstable();
    if parameters.iter().any(|&(_, values)| values == 0)
        || parameters.windows(2).any(|two| two[0].0 == two[1].0)
    {
        let message = format!("{parameters:?}: distinct names, each with values, expected");
        return Err(Error::new("parameter_grid", message));
    }
    trace.section("parameter grid");
    let counts: Vec<usize> = parameters.iter().map(|&(_, values)| values).collect();
    let strides: Vec<f64> =
        (0..counts.len()).map(|p| counts[p + 1..].iter().product::<usize>() as f64).collect();
    let strides = trace.step("stride", "prod_{q > p} n_q", Array::vector(&strides));
    let combinations: usize = counts.iter().product();
    let place = |c: usize, p: usize| c / strides[p] as usize % counts[p];
    let grid = Array::from_fn(&[combinations, counts.len()], |i| place(i[0], i[1]) as f64);
    let grid = trace.step("grid", "floor(c / stride_p) mod n_p", grid);
    Ok((0..combinations).map(|c| (0..counts.len()).map(|p| grid[[c, p]] as usize).collect()).collect())
}
