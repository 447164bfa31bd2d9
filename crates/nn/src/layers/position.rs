//! Where a token stands: fixed waves, or a trained vector for each position.

use crate::summary::observe;
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor, init};

/// Waves of falling frequency, one row for each position: with angle = pos / 10000^(2 ⌊i/2⌋ / dim), sin(angle) at even
/// i and cos(angle) at odd i; (length, dim) (Vaswani et al. 2017).
///
/// ```
/// use barehand_nn::{Tensor, sinusoidal_encoding};
///
/// let waves: Tensor<f64> = sinusoidal_encoding(2, 4);
/// let known = [0.0, 1.0, 0.0, 1.0, 0.84147098, 0.54030231, 0.00999983, 0.99995];
/// assert!(waves.to_vec().iter().zip(known).all(|(x, known)| (x - known).abs() < 5e-9));
/// ```
pub fn sinusoidal_encoding<T: Float>(length: usize, dim: usize) -> Tensor<T> {
    let mut waves = Tensor::zeros([length, dim]);
    for (place, value) in waves.data_mut().iter_mut().enumerate() {
        let (position, i) = (place / dim, place % dim);
        let angle = position as f64 / 10_000_f64.powf((i / 2 * 2) as f64 / dim as f64);
        *value = T::from_real(if i % 2 == 0 { angle.sin() } else { angle.cos() });
    }
    waves
}

/// Adds [`sinusoidal_encoding`] to sequences (..., length, dim).
#[derive(Clone, Parameters)]
pub struct SinusoidalPositions<T: Float = f32> {
    #[module(skip)]
    waves: Tensor<T>,
}

impl<T: Float> SinusoidalPositions<T> {
    /// For sequences of at most `max_length`, of vectors of `dim`.
    pub fn new(max_length: usize, dim: usize) -> Self {
        SinusoidalPositions { waves: sinusoidal_encoding(max_length, dim) }
    }

    /// x + the waves of its positions, of which the first is number `start`: the length of what came before, where a
    /// sequence is given in parts.
    ///
    /// # Errors
    /// When `x` reaches past the last position, or its vectors are of another length.
    pub fn forward_from(&self, x: &Tensor<T>, start: usize) -> Result<Tensor<T>> {
        observe(self, x.add(&rows("SinusoidalPositions", &self.waves, x, start)?))
    }
}

impl<T: Float> Module<T> for SinusoidalPositions<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.forward_from(x, 0)
    }
}

/// Adds a trained vector for each position to sequences (..., length, dim), as BERT and GPT do.
///
/// The weight (max length, dim) begins normal with mean 0 and standard deviation 0.02.
///
/// ```
/// use barehand_nn::{Generator, LearnedPositions, Module, Tensor};
///
/// let positions = LearnedPositions::<f32>::new(64, 8, &mut Generator::new(0));
/// assert_eq!(positions.forward(&Tensor::zeros([2, 5, 8])).unwrap().shape(), [2, 5, 8]);
/// assert!(positions.forward(&Tensor::zeros([2, 65, 8])).is_err());
/// ```
#[derive(Clone, Parameters)]
pub struct LearnedPositions<T: Float = f32> {
    /// (max length, dim)
    pub weight: Tensor<T>,
}

impl<T: Float> LearnedPositions<T> {
    /// For sequences of at most `max_length`, of vectors of `dim`.
    pub fn new(max_length: usize, dim: usize, generator: &mut Generator) -> Self {
        LearnedPositions { weight: init::normal(&[max_length, dim], 0.0, 0.02, generator).requires_grad() }
    }

    /// x + the vectors of its positions, of which the first is number `start`: the length of what came before, where a
    /// sequence is given in parts.
    ///
    /// # Errors
    /// When `x` reaches past the last position, or its vectors are of another length.
    pub fn forward_from(&self, x: &Tensor<T>, start: usize) -> Result<Tensor<T>> {
        observe(self, x.add(&rows("LearnedPositions", &self.weight, x, start)?))
    }
}

impl<T: Float> Module<T> for LearnedPositions<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.forward_from(x, 0)
    }
}

/// The rows of a table for the positions of `x`.
fn rows<T: Float>(operation: &str, table: &Tensor<T>, x: &Tensor<T>, start: usize) -> Result<Tensor<T>> {
    let (max, dim) = (table.shape()[0], table.shape()[1]);
    match x.shape() {
        [.., length, width] if *width == dim && start.checked_add(*length).is_some_and(|end| end <= max) => {
            table.narrow(0, start, *length)
        }
        shape => Err(Error::shape(
            operation,
            format!("{shape:?} from position {start}: (..., length, {dim}) expected, up to position {max}"),
        )),
    }
}
