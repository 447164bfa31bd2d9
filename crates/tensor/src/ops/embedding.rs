//! Embedding: rows of a table by index; backward adds gradients up at the rows they came from.

use barehand_kernels::Buffer;
use barehand_kernels::embedding as kernel;

use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::tensor::Tensor;

/// The options of [`Tensor::embedding`]; the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingOptions {
    /// A row whose gradient stays 0. Default: none.
    pub padding_idx: Option<usize>,
    /// Whether each row's gradient is divided by the number of times the row was picked. Default false.
    pub scale_grad_by_freq: bool,
}

struct Embedding {
    ids: Tensor<i64>,
    options: EmbeddingOptions,
}

impl<T: Float> Operator<T> for Embedding {
    /// The shape of the table.
    type Saved = Dims;

    fn name(&self) -> &'static str {
        "embedding"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        let table = inputs[0].packed();
        let width = table.shape()[1];
        let mut shape = Dims::from_slice(self.ids.shape());
        shape.push(width);
        let mut out = Buffer::scratch(self.ids.len() * width);
        kernel::forward(table.packed_slice(), width, self.ids.packed_slice(), &mut out);
        Ok((Tensor::from_buffer(out, &shape), Dims::from_slice(table.shape())))
    }

    fn backward(&self, table: &Dims, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let picks = kernel::Picks {
            ids: self.ids.packed_slice(),
            rows: table[0],
            padding: self.options.padding_idx,
            scale_by_frequency: self.options.scale_grad_by_freq,
        };
        let mut dtable = Buffer::scratch(table[0] * table[1]);
        kernel::backward(grad.packed().packed_slice(), table[1], &picks, &mut dtable);
        Ok(one(Tensor::from_buffer(dtable, table)))
    }
}

impl<T: Float> Tensor<T> {
    /// The rows of this table (V, D) at indices of any shape: (*) to (*, D) (`torch.nn.functional.embedding`).
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let table = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let rows = table.embedding(&Tensor::from([1_i64, 1, 0]), Default::default()).unwrap();
    /// assert_eq!(rows.to_vec(), [3.0, 4.0, 3.0, 4.0, 1.0, 2.0]);
    /// ```
    ///
    /// # Errors
    /// When the table does not have two axes, an index is not one of its rows (negative ones are not), or neither is
    /// `padding_idx`.
    pub fn embedding(&self, ids: &Tensor<i64>, options: EmbeddingOptions) -> Result<Tensor<T>> {
        let &[rows, _] = self.shape() else {
            return Err(Error::shape(
                "embedding",
                format!("the table has shape {:?}, not (rows, width)", self.shape()),
            ));
        };
        let ids = ids.packed();
        if let Some(id) = ids.packed_slice().iter().find(|&&id| id < 0 || id >= rows as i64) {
            return Err(Error::index("embedding", format!("index {id} for a table of {rows} rows")));
        }
        if let Some(padding) = options.padding_idx.filter(|&padding| padding >= rows) {
            return Err(Error::index(
                "embedding",
                format!("padding_idx {padding} for a table of {rows} rows"),
            ));
        }
        apply(Embedding { ids, options }, &[self])
    }
}
