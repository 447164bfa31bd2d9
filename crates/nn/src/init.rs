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

/// The normal distribution within `[low, high]`, by the inverse of its distribution function (`torch.nn.init.trunc_normal_`).
///
/// # Errors
/// When the bounds cross, or the standard deviation is not positive.
pub fn trunc_normal<T: Float>(
    shape: &[usize],
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
    generator: &mut Generator,
) -> Result<Tensor<T>> {
    if !(low <= high && std > 0.0) {
        return Err(Error::value(
            "trunc_normal",
            format!("no normal distribution of deviation {std} lies between {low} and {high}"),
        ));
    }
    // Of the two tails the one whose probabilities are small, and so exact.
    let mirrored = low + high > 2.0 * mean;
    let (from, to) = if mirrored { (2.0 * mean - high, 2.0 * mean - low) } else { (low, high) };
    let (from, to) = (normal_cdf((from - mean) / std), normal_cdf((to - mean) / std));
    let mut values = Tensor::<f64>::zeros(shape);
    generator.fill_uniform(from, to, values.data_mut());
    for value in values.data_mut() {
        let x = std * normal_quantile(*value);
        *value = (if mirrored { mean - x } else { mean + x }).clamp(low, high);
    }
    Ok(values.cast())
}

/// Φ(x), to some 1e-7 of itself: enough for a border. By the error function's continued fraction in the tail and its series
/// elsewhere.
fn normal_cdf(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    if x < -3.0 {
        let fraction = (1..=60).rev().fold(-x, |f, n| -x + f64::from(n) / f);
        return density / fraction;
    }
    if x > 3.0 {
        return 1.0 - normal_cdf(-x);
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..80 {
        term *= x * x / f64::from(2 * n + 1);
        sum += term;
    }
    0.5 + density * sum
}

/// The x of Φ(x) = p: Acklam's rational approximation, and one step of Halley's method from it.
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.383577518672690e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
    let polynomial = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let x = if p < 0.02425 {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    };
    let error = (normal_cdf(x) - p) * std::f64::consts::TAU.sqrt() * (x * x / 2.0).exp();
    x - error / (1.0 + x * error / 2.0)
}

/// Ones on the diagonal of a matrix, zeros elsewhere (`torch.nn.init.eye_`): a layer that passes on as much as it can.
///
/// # Errors
/// When the shape is not that of a matrix.
pub fn eye<T: Float>(shape: &[usize]) -> Result<Tensor<T>> {
    let &[rows, columns] = shape else {
        return Err(Error::shape("eye", format!("a tensor of shape {shape:?}: a matrix expected")));
    };
    let mut values = Tensor::zeros(shape);
    let data = values.data_mut();
    for i in 0..rows.min(columns) {
        data[i * columns + i] = T::ONE;
    }
    Ok(values)
}

/// A convolution's weight (out, in, kernel...) that passes on as many channels as it can, in each group
/// (`torch.nn.init.dirac_`).
///
/// # Errors
/// When the shape has not 3 to 5 axes, or the groups do not divide the outputs.
pub fn dirac<T: Float>(shape: &[usize], groups: usize) -> Result<Tensor<T>> {
    let &[outputs, inputs, ref kernel @ ..] = shape else {
        return Err(Error::shape("dirac", format!("a tensor of shape {shape:?}: 3 to 5 axes expected")));
    };
    if !(1..=3).contains(&kernel.len()) {
        return Err(Error::shape("dirac", format!("a tensor of shape {shape:?}: 3 to 5 axes expected")));
    }
    if groups == 0 || !outputs.is_multiple_of(groups) {
        return Err(Error::value(
            "dirac",
            format!("{groups} groups do not divide {outputs} output channels"),
        ));
    }
    let field: usize = kernel.iter().product();
    let centre = kernel.iter().fold(0, |at, &n| at * n + n / 2);
    let per_group = outputs / groups;
    let mut values = Tensor::zeros(shape);
    if field == 0 {
        return Ok(values);
    }
    let data = values.data_mut();
    for group in 0..groups {
        for channel in 0..per_group.min(inputs) {
            data[((group * per_group + channel) * inputs + channel) * field + centre] = T::ONE;
        }
    }
    Ok(values)
}

/// A matrix (the axes from the second on taken together) with orthonormal rows or columns, whichever are fewer, times
/// `gain` (Saxe et al. 2014; `torch.nn.init.orthogonal_`).
///
/// # Errors
/// When the shape has fewer than two axes.
pub fn orthogonal<T: Float>(shape: &[usize], gain: f64, generator: &mut Generator) -> Result<Tensor<T>> {
    let &[rows, ref rest @ ..] = shape else {
        return Err(Error::shape("orthogonal", "a tensor of shape []: two axes or more expected"));
    };
    if rest.is_empty() {
        return Err(Error::shape(
            "orthogonal",
            format!("a tensor of shape {shape:?}: two axes or more expected"),
        ));
    }
    let columns: usize = rest.iter().product();
    let (count, length) = (rows.min(columns), rows.max(columns));
    // Normal vectors, each freed from those before it: twice, for the first time leaves what rounding puts back. That is
    // the Q of a QR decomposition whose R has a positive diagonal, so every direction is as likely.
    let mut vectors = vec![0.0; count * length];
    generator.fill_normal(0.0, 1.0, &mut vectors);
    for i in 0..count {
        let (before, from) = vectors.split_at_mut(i * length);
        let vector = &mut from[..length];
        for _ in 0..2 {
            for other in before.chunks_exact(length) {
                let along: f64 = other.iter().zip(&*vector).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
            let size = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
            for v in vector.iter_mut() {
                *v /= size;
            }
        }
    }
    let mut values = Tensor::<f64>::zeros(shape);
    for (i, value) in values.data_mut().iter_mut().enumerate() {
        let (row, column) = (i / columns, i % columns);
        let at = if rows <= columns { row * length + column } else { column * length + row };
        *value = gain * vectors[at];
    }
    Ok(values.cast())
}

/// Normal with mean 0 and this standard deviation, and in each column a share of `sparsity` zeros, rounded up
/// (Martens 2010; `torch.nn.init.sparse_`).
///
/// # Errors
/// When the shape is not that of a matrix, or the sparsity is not in [0, 1].
pub fn sparse<T: Float>(
    shape: &[usize],
    sparsity: f64,
    std: f64,
    generator: &mut Generator,
) -> Result<Tensor<T>> {
    let &[rows, columns] = shape else {
        return Err(Error::shape("sparse", format!("a tensor of shape {shape:?}: a matrix expected")));
    };
    if !(0.0..=1.0).contains(&sparsity) {
        return Err(Error::value("sparse", format!("sparsity = {sparsity} is not a share from 0 to 1")));
    }
    let zeros = (sparsity * rows as f64).ceil() as usize;
    let mut values = normal::<f64>(shape, 0.0, std, generator);
    let data = values.data_mut();
    for column in 0..columns {
        for row in generator.permutation(rows).into_iter().take(zeros) {
            data[row * columns + column] = 0.0;
        }
    }
    Ok(values.cast())
}
