//! Initial values of parameters (`torch.nn.init`).
//!
//! Values are drawn in `f64` and rounded, so the same seed gives the same model in either precision.

use crate::{Error, Float, Generator, Result, Tensor};

/// Every element `value`.
pub fn constant<T: Float>(shape: &[usize], value: f64) -> Tensor<T> {
    Tensor::full(shape, T::from_real(value))
}

/// Every element 0.
pub fn zeros<T: Float>(shape: &[usize]) -> Tensor<T> {
    Tensor::zeros(shape)
}

/// Every element 1.
pub fn ones<T: Float>(shape: &[usize]) -> Tensor<T> {
    Tensor::ones(shape)
}

/// The uniform distribution on `[low, high)`.
pub fn uniform<T: Float>(shape: &[usize], low: f64, high: f64, generator: &mut Generator) -> Tensor<T> {
    drawn(shape, |out| generator.fill_uniform(low, high, out))
}

/// The normal distribution.
pub fn normal<T: Float>(shape: &[usize], mean: f64, std: f64, generator: &mut Generator) -> Tensor<T> {
    drawn(shape, |out| generator.fill_normal(mean, std, out))
}

fn drawn<T: Float>(shape: &[usize], fill: impl FnOnce(&mut [f64])) -> Tensor<T> {
    let mut values = Tensor::<f64>::zeros(shape);
    fill(values.data_mut());
    values.cast()
}

/// What follows a layer, and so how much its outputs must grow for their variance to stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// Nothing, or a convolution, or the logistic function: gain 1.
    Linear,
    /// Gain 5/3.
    Tanh,
    /// Gain √2.
    ReLU,
    /// Gain √(2 / (1 + slope²)).
    LeakyReLU(f64),
    /// Gain 3/4.
    SELU,
}

impl Nonlinearity {
    /// The recommended gain (`torch.nn.init.calculate_gain`).
    pub fn gain(self) -> f64 {
        match self {
            Nonlinearity::Linear => 1.0,
            Nonlinearity::Tanh => 5.0 / 3.0,
            Nonlinearity::ReLU => 2.0_f64.sqrt(),
            Nonlinearity::LeakyReLU(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Nonlinearity::SELU => 0.75,
        }
    }
}

/// Whose variance Kaiming initialisation keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fan {
    /// That of the outputs: the default.
    #[default]
    In,
    /// That of the gradients.
    Out,
}

/// How many inputs an output of the layer sees, and how many outputs an input reaches, for a weight of shape
/// (out, in, ...).
///
/// # Errors
/// When the shape has fewer than two axes.
pub fn fans(shape: &[usize]) -> Result<(usize, usize)> {
    let &[outputs, inputs, ref field @ ..] = shape else {
        return Err(Error::shape(
            "fans",
            format!("a weight of shape {shape:?} has no fan: two axes or more expected"),
        ));
    };
    let field: usize = field.iter().product();
    Ok((inputs * field, outputs * field))
}

fn kaiming_std(shape: &[usize], fan: Fan, nonlinearity: Nonlinearity) -> Result<f64> {
    let (fan_in, fan_out) = fans(shape)?;
    let fan = if fan == Fan::In { fan_in } else { fan_out };
    Ok(if fan == 0 { 0.0 } else { nonlinearity.gain() / (fan as f64).sqrt() })
}

/// Uniform on ±√3 gain / √fan (He et al. 2015).
///
/// # Errors
/// When the shape has fewer than two axes.
pub fn kaiming_uniform<T: Float>(
    shape: &[usize],
    fan: Fan,
    nonlinearity: Nonlinearity,
    generator: &mut Generator,
) -> Result<Tensor<T>> {
    let bound = 3.0_f64.sqrt() * kaiming_std(shape, fan, nonlinearity)?;
    Ok(uniform(shape, -bound, bound, generator))
}

/// Normal with standard deviation gain / √fan (He et al. 2015).
///
/// # Errors
/// When the shape has fewer than two axes.
pub fn kaiming_normal<T: Float>(
    shape: &[usize],
    fan: Fan,
    nonlinearity: Nonlinearity,
    generator: &mut Generator,
) -> Result<Tensor<T>> {
    let std = kaiming_std(shape, fan, nonlinearity)?;
    Ok(normal(shape, 0.0, std, generator))
}

fn xavier_std(shape: &[usize], gain: f64) -> Result<f64> {
    let (fan_in, fan_out) = fans(shape)?;
    let both = fan_in + fan_out;
    Ok(if both == 0 { 0.0 } else { gain * (2.0 / both as f64).sqrt() })
}

/// Uniform on ±gain √(6 / (fan in + fan out)) (Glorot and Bengio 2010).
///
/// # Errors
/// When the shape has fewer than two axes.
pub fn xavier_uniform<T: Float>(shape: &[usize], gain: f64, generator: &mut Generator) -> Result<Tensor<T>> {
    let bound = 3.0_f64.sqrt() * xavier_std(shape, gain)?;
    Ok(uniform(shape, -bound, bound, generator))
}

/// Normal with standard deviation gain √(2 / (fan in + fan out)) (Glorot and Bengio 2010).
///
/// # Errors
/// When the shape has fewer than two axes.
pub fn xavier_normal<T: Float>(shape: &[usize], gain: f64, generator: &mut Generator) -> Result<Tensor<T>> {
    let std = xavier_std(shape, gain)?;
    Ok(normal(shape, 0.0, std, generator))
}
