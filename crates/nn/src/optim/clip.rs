//! Bounds on gradients.

use crate::{Error, Float, Gradients, Parameters, Result, Tensor};

/// How the size of all gradients together is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Norm {
    /// (Σ |g|^p)^(1/p)
    P(f64),
    /// √(Σ g²): the default.
    #[default]
    Two,
    /// The largest |g|.
    Infinity,
}

impl Norm {
    /// The norm of one tensor.
    pub fn of_tensor<T: Float>(self, x: &Tensor<T>) -> f64 {
        let x = x.contiguous();
        let elements = x.as_slice().expect("made contiguous above");
        match self {
            Norm::Two => T::sum_squares(elements).sqrt(),
            norm => norm.of_sizes(elements.iter().map(|x| x.as_f64().abs())),
        }
    }

    /// The norm of several tensors together, as if they were one, from the norm of each.
    pub fn of_norms(self, norms: &[f64]) -> f64 {
        self.of_sizes(norms.iter().copied())
    }

    fn of_sizes(self, sizes: impl Iterator<Item = f64>) -> f64 {
        match self {
            Norm::Two => sizes.map(|x| x * x).sum::<f64>().sqrt(),
            Norm::P(p) => sizes.map(|x| x.powf(p)).sum::<f64>().powf(1.0 / p),
            // A NaN is the norm of what holds one.
            Norm::Infinity => sizes.fold(0.0, |most: f64, x| if x > most || x.is_nan() { x } else { most }),
        }
    }

    fn of<T: Float>(self, gradients: &Gradients<T>) -> f64 {
        match self {
            Norm::Two => gradients.norm(),
            norm => norm.of_norms(&gradients.iter().map(|g| norm.of_tensor(g)).collect::<Vec<_>>()),
        }
    }
}

/// Scales all gradients together so that their norm is at most `max_norm`, and returns the norm they had
/// (`torch.nn.utils.clip_grad_norm_`). The factor is max_norm / (norm + 1e-6), where that is below 1.
///
/// ```
/// use barehand_nn::{Norm, Tensor, clip_grad_norm};
///
/// let w = Tensor::from([3.0_f64, 4.0]).requires_grad();
/// let mut gradients = w.square().unwrap().sum().unwrap().backward().unwrap();
/// assert_eq!(clip_grad_norm(&mut gradients, 1.0, Norm::Two).unwrap(), 10.0);
/// assert!((gradients.norm() - 1.0).abs() < 1e-6);
/// ```
///
/// # Errors
/// When `max_norm` is negative or NaN, or the norm's p is not positive.
pub fn clip_grad_norm<T: Float>(gradients: &mut Gradients<T>, max_norm: f64, norm: Norm) -> Result<f64> {
    if max_norm.is_nan() || max_norm < 0.0 {
        return Err(Error::value("clip_grad_norm", format!("max_norm = {max_norm} must be 0 or more")));
    }
    if let Norm::P(p) = norm
        && (p.is_nan() || p <= 0.0)
    {
        return Err(Error::value("clip_grad_norm", format!("the norm's p = {p} must be positive")));
    }
    let total = norm.of(gradients);
    let factor = max_norm / (total + 1e-6);
    // A NaN is not below 1 either, and must reach the gradients as it does in PyTorch.
    if factor.is_nan() || factor < 1.0 {
        gradients.scale(T::from_real(factor));
    }
    Ok(total)
}

/// [`clip_grad_norm`] for those parameters of `model` that `members` chooses by name or shape (see
/// [`named`](crate::named)), as if there were no others.
///
/// # Errors
/// As [`clip_grad_norm`].
pub fn clip_grad_norm_of<T: Float>(
    model: &dyn Parameters<T>,
    gradients: &mut Gradients<T>,
    members: impl Fn(&str, &Tensor<T>) -> bool,
    max_norm: f64,
    norm: Norm,
) -> Result<f64> {
    let mut chosen = Gradients::default();
    let mut parameters = Vec::new();
    for (name, parameter) in model.named_parameters() {
        if members(&name, parameter)
            && let Some(gradient) = gradients.get(parameter)
        {
            chosen.set(parameter, gradient.clone())?;
            parameters.push(parameter);
        }
    }
    let total = clip_grad_norm(&mut chosen, max_norm, norm)?;
    for parameter in parameters {
        if let Some(clipped) = chosen.remove(parameter) {
            gradients.set(parameter, clipped)?;
        }
    }
    Ok(total)
}

/// Holds every element of the gradients of `model`'s parameters between -`clip_value` and `clip_value`
/// (`torch.nn.utils.clip_grad_value_`).
///
/// # Errors
/// When `clip_value` is negative or NaN.
pub fn clip_grad_value<T: Float>(
    model: &dyn Parameters<T>,
    gradients: &mut Gradients<T>,
    clip_value: f64,
) -> Result<()> {
    if clip_value.is_nan() || clip_value < 0.0 {
        return Err(Error::value("clip_grad_value", format!("clip_value = {clip_value} must be 0 or more")));
    }
    for (_, parameter) in model.named_parameters() {
        if let Some(gradient) = gradients.get(parameter) {
            let clipped = gradient.clamp(-clip_value, clip_value)?;
            gradients.set(parameter, clipped)?;
        }
    }
    Ok(())
}
