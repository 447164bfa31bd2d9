//! Vectors for words, characters, positions: rows of a trained table.

use barehand_tensor::EmbeddingOptions;

use crate::summary::observe;
use crate::{Error, Float, Generator, Parameters, Result, Tensor, init};

/// The row of a table for each index: (*) to (*, dim) (`torch.nn.Embedding`).
///
/// The weight (count, dim) begins normal with mean 0 and standard deviation 1.
///
/// ```
/// use barehand_nn::{Embedding, Generator, Tensor};
///
/// let words = Embedding::<f32>::new(10, 3, &mut Generator::new(0));
/// assert_eq!(words.forward(&Tensor::from([[1_i64, 2], [9, 1]])).unwrap().shape(), [2, 2, 3]);
/// ```
#[derive(Clone, Parameters)]
pub struct Embedding<T: Float = f32> {
    /// (count, dim)
    pub weight: Tensor<T>,
    #[module(skip)]
    options: EmbeddingOptions,
}

impl<T: Float> Embedding<T> {
    /// A table of `count` rows of `dim` numbers.
    pub fn new(count: usize, dim: usize, generator: &mut Generator) -> Self {
        Self::from_weight(init::normal(&[count, dim], 0.0, 1.0, generator).requires_grad())
    }

    /// The rows of a table made elsewhere, trained if it is a leaf (`torch.nn.Embedding.from_pretrained`).
    pub fn from_weight(weight: Tensor<T>) -> Self {
        Embedding { weight, options: EmbeddingOptions::default() }
    }

    /// With a row for what fills up short sequences: it is 0 at first, and its gradient is always 0.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn padding_idx(mut self, row: usize) -> Result<Self> {
        let &[rows, dim] = self.weight.shape() else {
            return Err(Error::shape(
                "Embedding",
                format!("the weight has shape {:?}, not (count, dim)", self.weight.shape()),
            ));
        };
        if row >= rows {
            return Err(Error::index("Embedding", format!("padding_idx {row} for a table of {rows} rows")));
        }
        self.weight.data_mut()[row * dim..][..dim].fill(T::from_real(0.0));
        self.options.padding_idx = Some(row);
        Ok(self)
    }

    /// Whether each row's gradient is divided by the number of times the row was picked. Default false.
    #[must_use]
    pub fn scale_grad_by_freq(mut self, scale: bool) -> Self {
        self.options.scale_grad_by_freq = scale;
        self
    }

    /// Shortens the rows at `ids` whose norm is more than `max_norm` to that norm, in place and off the tape: what PyTorch's
    /// layer does before each forward with `max_norm`. The norm is the Euclidean one for `p` 2, the largest element's size
    /// for an infinite `p`.
    ///
    /// ```
    /// use barehand_nn::{Embedding, Tensor};
    ///
    /// let mut words = Embedding::from_weight(Tensor::from([[3.0, 4.0], [6.0, 8.0]]).requires_grad());
    /// let ids = Tensor::from([0_i64]);
    /// words.renormalize(&ids, 1.0, 2.0)?;
    /// assert!((words.forward(&ids)?.at([0, 0])? - 0.6_f64).abs() < 1e-7);
    /// assert_eq!(words.weight.at([1, 0])?, 6.0);
    /// # Ok::<(), barehand_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an index is not a row of the table, or a number is negative.
    pub fn renormalize(&mut self, ids: &Tensor<i64>, max_norm: f64, p: f64) -> Result<()> {
        self.weight.embedding_renorm(ids, max_norm, p)
    }

    /// The rows at `ids`.
    ///
    /// # Errors
    /// When an index is not a row of the table.
    pub fn forward(&self, ids: &Tensor<i64>) -> Result<Tensor<T>> {
        observe(self, self.weight.embedding(ids, self.options))
    }
}
