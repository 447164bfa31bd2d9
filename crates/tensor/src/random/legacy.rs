//! NumPy's legacy random stream as tensors: `numpy.random.seed(0)` and the calls after it, bit for bit.

use barehand_kernels::random::mt19937;
pub use barehand_kernels::random::mt19937::LegacyState;

use super::{check_range, drawn};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// `numpy.random.RandomState`: the Mersenne twister MT19937 with the distributions that NumPy froze.
///
/// Values are `f64`, as NumPy's are; `cast` converts them.
///
/// ```
/// use barehand_tensor::random::legacy::RandomState;
///
/// let mut random = RandomState::new(0);
/// assert_eq!(random.rand([2]).to_vec(), [0.5488135039273248, 0.7151893663724195]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RandomState(mt19937::RandomState);

impl RandomState {
    /// `RandomState(seed)`, or `numpy.random.seed(seed)`.
    pub fn new(seed: u32) -> Self {
        RandomState(mt19937::RandomState::new(seed))
    }

    /// `RandomState([..])`.
    ///
    /// # Errors
    /// When the list is empty.
    pub fn from_list(seeds: &[u32]) -> Result<Self> {
        if seeds.is_empty() {
            return Err(Error::value("RandomState", "the list of seeds is empty"));
        }
        Ok(RandomState(mt19937::RandomState::from_list(seeds)))
    }

    /// `get_state()`
    pub fn state(&self) -> LegacyState {
        self.0.state()
    }

    /// `set_state(state)`
    ///
    /// # Errors
    /// When there are not 624 words or the position is past their end.
    pub fn from_state(state: &LegacyState) -> Result<Self> {
        mt19937::RandomState::from_state(state).map(RandomState).ok_or_else(|| {
            let (words, position) = (state.key.len(), state.position);
            let message =
                format!("{words} words at position {position}; 624 words, position at most 624 expected");
            Error::value("RandomState", message)
        })
    }

    /// `rand(..)`, `random_sample(shape)`: uniform on `[0, 1)`.
    pub fn rand(&mut self, shape: impl AsRef<[usize]>) -> Tensor<f64> {
        drawn(shape.as_ref(), |out| out.fill_with(|| self.0.random_sample()))
    }

    /// `randn(..)`, `standard_normal(shape)`
    pub fn randn(&mut self, shape: impl AsRef<[usize]>) -> Tensor<f64> {
        drawn(shape.as_ref(), |out| out.fill_with(|| self.0.randn()))
    }

    /// `uniform(low, high, shape)`
    pub fn uniform(&mut self, low: f64, high: f64, shape: impl AsRef<[usize]>) -> Tensor<f64> {
        drawn(shape.as_ref(), |out| out.fill_with(|| self.0.uniform(low, high)))
    }

    /// `normal(mean, std, shape)`
    pub fn normal(&mut self, mean: f64, std: f64, shape: impl AsRef<[usize]>) -> Tensor<f64> {
        drawn(shape.as_ref(), |out| out.fill_with(|| self.0.normal(mean, std)))
    }

    /// `randint(low, high, shape)`: integers of `[low, high)`.
    ///
    /// # Errors
    /// When `low >= high`.
    pub fn randint(&mut self, low: i64, high: i64, shape: impl AsRef<[usize]>) -> Result<Tensor<i64>> {
        check_range("randint", low, high)?;
        Ok(drawn(shape.as_ref(), |out| out.fill_with(|| self.0.randint(low, high))))
    }

    /// `permutation(n)`: a random order of `0..n`.
    pub fn permutation(&mut self, n: usize) -> Tensor<i64> {
        self.0.permutation(n).into_iter().map(|i| i as i64).collect::<Vec<_>>().into()
    }

    /// `shuffle(values)`, in place.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        self.0.shuffle(values);
    }
}
