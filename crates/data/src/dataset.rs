//! What a [`DataLoader`](crate::DataLoader) draws from, and the plainest data set: tensors side by side.

use std::sync::Arc;

use barehand_kernels::random::Philox;
use barehand_tensor::{Element, Error, Result, Tensor};

/// A numbered collection of samples that can put any of them into a batch.
///
/// Implement it for data of your own: the loader calls [`Dataset::batch`] on another thread, ahead of time.
///
/// ```
/// use barehand_data::{DataLoader, Dataset, Philox};
/// use barehand_tensor::{Result, Tensor};
///
/// /// x and x squared.
/// struct Squares;
///
/// impl Dataset for Squares {
///     type Batch = (Tensor, Tensor);
///
///     fn len(&self) -> usize {
///         100
///     }
///
///     fn batch(&self, indices: &[usize], _: &mut Philox) -> Result<(Tensor, Tensor)> {
///         let x: Vec<f32> = indices.iter().map(|&i| i as f32).collect();
///         let y = x.iter().map(|x| x * x).collect();
///         Ok((Tensor::from_vec(x, [indices.len()])?, Tensor::from_vec(y, [indices.len()])?))
///     }
/// }
///
/// let loader = DataLoader::new(Squares, 32)?.shuffle(true).seed(7);
/// assert_eq!(loader.epoch(0).count(), 4);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub trait Dataset: Send + Sync + 'static {
    /// What the samples of one batch become.
    type Batch: Send + 'static;

    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples at `indices`, in that order. Whatever is random about them (augmentation) is drawn from `random`,
    /// which is the same for the same seed, epoch and batch.
    ///
    /// # Errors
    /// An index is out of range, or a sample cannot be read.
    fn batch(&self, indices: &[usize], random: &mut Philox) -> Result<Self::Batch>;
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    type Batch = D::Batch;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn batch(&self, indices: &[usize], random: &mut Philox) -> Result<Self::Batch> {
        (**self).batch(indices, random)
    }
}

/// Inputs and what they should lead to, of one batch; the first axis counts samples.
#[derive(Clone, Debug)]
pub struct Batch<X: Element = f32, Y: Element = i64> {
    /// `(B, ...)`
    pub inputs: Tensor<X>,
    /// `(B, ...)`, for classes `(B)`
    pub targets: Tensor<Y>,
}

/// Two tensors whose first axes run together (PyTorch's `TensorDataset` of an input and a target).
#[derive(Clone, Debug)]
pub struct TensorDataset<X: Element = f32, Y: Element = i64> {
    inputs: Tensor<X>,
    targets: Tensor<Y>,
}

impl<X: Element, Y: Element> TensorDataset<X, Y> {
    /// Pairs row `i` of `inputs` with row `i` of `targets`.
    ///
    /// # Errors
    /// A tensor has no axis, or the first axes differ in length.
    pub fn new(inputs: &Tensor<X>, targets: &Tensor<Y>) -> Result<Self> {
        let (x, y) = (inputs.shape(), targets.shape());
        if x.is_empty() || y.is_empty() || x[0] != y[0] {
            let text = format!("inputs {x:?} and targets {y:?} must have first axes of one length");
            return Err(Error::shape("TensorDataset", text));
        }
        Ok(TensorDataset { inputs: inputs.contiguous(), targets: targets.contiguous() })
    }
}

impl<X: Element, Y: Element> Dataset for TensorDataset<X, Y> {
    type Batch = Batch<X, Y>;

    fn len(&self) -> usize {
        self.inputs.shape()[0]
    }

    fn batch(&self, indices: &[usize], _: &mut Philox) -> Result<Self::Batch> {
        check_indices(indices, self.len())?;
        Ok(Batch { inputs: self.inputs.take_rows(indices)?, targets: self.targets.take_rows(indices)? })
    }
}

/// Refuses an index outside `0..len`.
pub(crate) fn check_indices(indices: &[usize], len: usize) -> Result<()> {
    match indices.iter().find(|&&i| i >= len) {
        None => Ok(()),
        Some(i) => Err(Error::index("batch", format!("index {i} is out of range for {len} samples"))),
    }
}

/// Some samples of another data set, in an order of their own (PyTorch's `Subset`): a part of a split.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    dataset: D,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// The samples of `dataset` at `indices`. Give it an `Arc` to share one data set between several subsets.
    ///
    /// # Errors
    /// An index is out of range.
    pub fn new(dataset: D, indices: impl Into<Vec<usize>>) -> Result<Self> {
        let indices = indices.into();
        check_indices(&indices, dataset.len())?;
        Ok(Subset { dataset, indices })
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Batch = D::Batch;

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn batch(&self, indices: &[usize], random: &mut Philox) -> Result<Self::Batch> {
        check_indices(indices, self.len())?;
        let inner: Vec<usize> = indices.iter().map(|&i| self.indices[i]).collect();
        self.dataset.batch(&inner, random)
    }
}
