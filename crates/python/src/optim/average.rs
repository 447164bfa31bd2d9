//! Averages of parameters, for `barehand.optim.swa_utils`.

use barehand_kernels::optimizer::{AverageStep, Step};
use barehand_tensor::{AnyTensor, Error, Float, Tensor};
use pyo3::prelude::*;

use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, detached};

/// Moves each average toward its value, of which a share of 1 - `decay` is taken in.
#[pyfunction]
fn average(averages: Vec<Bound<'_, PyTensor>>, values: Vec<Bound<'_, PyTensor>>, decay: f64) -> Result<()> {
    fn move_toward<T: Float>(average: &mut Tensor<T>, value: &Tensor<T>, decay: f64) -> Result<()> {
        if average.shape() != value.shape() {
            let message =
                format!("an average of shape {:?} of values of {:?}", average.shape(), value.shape());
            return Err(Error::shape("average", message).into());
        }
        let value = value.contiguous();
        let elements = value.as_slice().expect("made contiguous above");
        let step = Step::Average(AverageStep { decay });
        T::step(&step, average.data_mut(), elements, &mut [], T::from_real(1.0));
        Ok(())
    }
    if averages.len() != values.len() {
        return Err(Failure::value(
            "average",
            format!("{} averages of {} values", averages.len(), values.len()),
        ));
    }
    for (average, value) in averages.iter().zip(&values) {
        let value = value.get().look(detached);
        average.get().update(|held| match (held, &value) {
            (AnyTensor::F32(held), AnyTensor::F32(value)) => move_toward(held, value, decay),
            (AnyTensor::F64(held), AnyTensor::F64(value)) => move_toward(held, value, decay),
            (held, value) => Err(Failure::wrong_type(format!(
                "average: {} of {}",
                dtype::name(held.dtype()),
                dtype::name(value.dtype())
            ))),
        })?;
    }
    Ok(())
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(average, module)?)
}
