//! Gradients against finite differences.

use super::tape::no_grad;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What a gradient check found.
#[derive(Clone, Copy, Debug)]
pub struct GradientCheck {
    /// The largest difference, relative to 1 + the size of the gradient.
    pub worst: f64,
    /// How many partial derivatives were compared.
    pub compared: usize,
}

/// Compares the gradients of `f` with central differences in `f64`, for every element of every input.
///
/// The output is weighted by fixed uneven numbers and summed, so that mistakes cannot cancel. The difference allowed is
/// `tolerance` times (1 + |gradient|); 1e-6 suits smooth functions with the step of 1e-5 used here. At kinks (`relu` at
/// 0, equal elements in a maximum) finite differences mean nothing: choose inputs away from them.
///
/// ```
/// # use barehand_tensor::{Tensor, check_gradients};
/// let x = Tensor::from([0.5, -1.5, 2.0]);
/// check_gradients(|inputs| inputs[0].tanh(), &[x], 1e-6).unwrap();
/// ```
///
/// # Errors
/// When `f` fails, or a gradient differs: the text names the input, the element and both values.
pub fn check_gradients(
    f: impl Fn(&[Tensor<f64>]) -> Result<Tensor<f64>>,
    inputs: &[Tensor<f64>],
    tolerance: f64,
) -> Result<GradientCheck> {
    const STEP: f64 = 1e-5;
    let weighted = |inputs: &[Tensor<f64>]| -> Result<Tensor<f64>> {
        let y = f(inputs)?;
        let weights: Vec<f64> = (0..y.len()).map(|i| 0.5 + (i as f64 * 0.754_877_666).fract()).collect();
        y.mul(&Tensor::from_vec(weights, y.shape())?)?.sum()
    };
    let leaves: Vec<Tensor<f64>> = inputs.iter().map(|x| x.contiguous().requires_grad()).collect();
    let gradients = weighted(&leaves)?.backward()?;
    let mut check = GradientCheck { worst: 0.0, compared: 0 };
    for (which, leaf) in leaves.iter().enumerate() {
        let gradient = gradients.of(leaf)?.to_vec();
        for (element, &analytic) in gradient.iter().enumerate() {
            let at = |shift: f64| -> Result<f64> {
                let mut moved: Vec<Tensor<f64>> = leaves.iter().map(Tensor::detach).collect();
                moved[which].data_mut()[element] += shift;
                no_grad(|| weighted(&moved))?.item()
            };
            let numeric = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
            let error = (analytic - numeric).abs() / (1.0 + analytic.abs().max(numeric.abs()));
            if error.is_nan() || error > tolerance {
                return Err(Error::gradient(
                    "check_gradients",
                    format!(
                        "input {which} of shape {:?}, element {element}: the operator says {analytic:e}, finite differences \
                         say {numeric:e}",
                        leaf.shape()
                    ),
                ));
            }
            check.worst = check.worst.max(error);
            check.compared += 1;
        }
    }
    Ok(check)
}
