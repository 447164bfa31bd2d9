//! Random tensors.

pub mod legacy;

use barehand_kernels::Buffer;
use barehand_kernels::random::{Philox, Random};

use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The source of randomness that every random call takes: Philox4x32-10, whose whole state is a seed and a counter
/// (`state()` saves them, `from_state(seed, counter)` continues exactly). Same seed, same numbers, on any number of
/// threads and any processor.
pub type Generator = Philox;

impl<T: Float + Random> Tensor<T> {
    /// The uniform distribution on `[0, 1)` (PyTorch's `rand`).
    ///
    /// ```
    /// use barehand_tensor::{Tensor, random::Generator};
    ///
    /// let mut generator = Generator::new(0);
    /// let x = Tensor::<f32>::rand([2, 3], &mut generator);
    /// assert!(x.to_vec().iter().all(|&v| (0.0..1.0).contains(&v)));
    /// ```
    pub fn rand(shape: impl AsRef<[usize]>, generator: &mut Generator) -> Self {
        drawn(shape.as_ref(), |out| generator.fill_uniform(T::ZERO, T::ONE, out))
    }

    /// The standard normal distribution (PyTorch's `randn`).
    pub fn randn(shape: impl AsRef<[usize]>, generator: &mut Generator) -> Self {
        drawn(shape.as_ref(), |out| generator.fill_normal(T::ZERO, T::ONE, out))
    }

    /// The uniform distribution on `[low, high)` (PyTorch's `uniform_`).
    ///
    /// # Errors
    /// When `low > high`, or one or their difference is not finite.
    pub fn uniform(low: T, high: T, shape: impl AsRef<[usize]>, generator: &mut Generator) -> Result<Self> {
        if !(low <= high && (high - low).is_finite()) {
            return Err(Error::value("uniform", format!("no finite interval leads from {low} to {high}")));
        }
        Ok(drawn(shape.as_ref(), |out| generator.fill_uniform(low, high, out)))
    }

    /// The normal distribution with the given mean and standard deviation (PyTorch's `normal`).
    ///
    /// # Errors
    /// When `std` is negative or NaN.
    pub fn normal(mean: T, std: T, shape: impl AsRef<[usize]>, generator: &mut Generator) -> Result<Self> {
        if std < T::ZERO || std.is_nan() {
            return Err(Error::value(
                "normal",
                format!("the standard deviation must be 0 or more, not {std}"),
            ));
        }
        Ok(drawn(shape.as_ref(), |out| generator.fill_normal(mean, std, out)))
    }
}

impl Tensor<i64> {
    /// Integers of `[low, high)`, every one equally likely (PyTorch's `randint`).
    ///
    /// # Errors
    /// When `low >= high`.
    pub fn randint(
        low: i64,
        high: i64,
        shape: impl AsRef<[usize]>,
        generator: &mut Generator,
    ) -> Result<Self> {
        check_range("randint", low, high)?;
        Ok(drawn(shape.as_ref(), |out| generator.fill_integers(low, high, out)))
    }

    /// A random order of `0..n` (PyTorch's `randperm`).
    pub fn randperm(n: usize, generator: &mut Generator) -> Self {
        generator.permutation(n).into_iter().map(|i| i as i64).collect::<Vec<_>>().into()
    }
}

impl Tensor<bool> {
    /// True with chance `p` each.
    ///
    /// # Errors
    /// When `p` is not in `[0, 1]`.
    pub fn bernoulli(p: f64, shape: impl AsRef<[usize]>, generator: &mut Generator) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value("bernoulli", format!("p = {p} is not a probability from 0 to 1")));
        }
        Ok(drawn(shape.as_ref(), |out| generator.fill_bernoulli(p, out)))
    }
}

fn drawn<T: crate::Element>(shape: &[usize], fill: impl FnOnce(&mut [T])) -> Tensor<T> {
    let mut buffer = Buffer::scratch(shape.iter().product());
    fill(&mut buffer);
    Tensor::from_buffer(buffer, shape)
}

fn check_range(operation: &str, low: i64, high: i64) -> Result<()> {
    if low < high {
        Ok(())
    } else {
        Err(Error::value(operation, format!("no integer lies in [{low}, {high})")))
    }
}
