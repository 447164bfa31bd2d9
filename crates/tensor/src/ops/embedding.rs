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
        let ids = rows_of("embedding", self, ids)?;
        let rows = self.shape()[0];
        if let Some(padding) = options.padding_idx.filter(|&padding| padding >= rows) {
            return Err(Error::index(
                "embedding",
                format!("padding_idx {padding} for a table of {rows} rows"),
            ));
        }
        apply(Embedding { ids, options }, &[self])
    }

    /// Shortens the rows at some indices, off the tape: each whose norm is more than `max_norm` to that norm, the others
    /// stay (`torch.embedding_renorm_`). The norm is (sum |x|^p)^(1/p), the largest |x| where p is infinite.
    ///
    /// A leaf stays the leaf it is: call it before [`embedding`](Tensor::embedding), as PyTorch's layer does.
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let mut table = Tensor::from([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]);
    /// table.embedding_renorm(&Tensor::from([0_i64, 1, 0]), 1.0, 2.0).unwrap();
    /// let known = [0.6, 0.8, 0.3, 0.4, 6.0, 8.0];
    /// assert!(table.to_vec().iter().zip(known).all(|(x, known): (&f64, f64)| (x - known).abs() < 1e-7));
    /// ```
    ///
    /// # Errors
    /// As [`embedding`](Tensor::embedding), and when `max_norm` or `p` is negative.
    pub fn embedding_renorm(&mut self, ids: &Tensor<i64>, max_norm: f64, p: f64) -> Result<()> {
        let ids = rows_of("embedding_renorm", self, ids)?;
        if max_norm.is_nan() || max_norm < 0.0 || p.is_nan() || p < 0.0 {
            return Err(Error::value(
                "embedding_renorm",
                format!("max_norm = {max_norm} and norm_type = {p}: numbers from 0 on expected"),
            ));
        }
        let width = self.shape()[1];
        let packed = self.packed();
        let rows = kernel::too_long(packed.packed_slice(), width, ids.packed_slice(), max_norm, p);
        // Our share of the memory goes before it is written to, and nothing is written where all rows are short.
        drop(packed);
        if !rows.is_empty() {
            kernel::shorten(self.data_mut(), width, &rows, max_norm);
        }
        Ok(())
    }
}

/// Indices side by side in memory, all of them rows of the table.
fn rows_of<T: Float>(operation: &str, table: &Tensor<T>, ids: &Tensor<i64>) -> Result<Tensor<i64>> {
    let &[rows, _] = table.shape() else {
        return Err(Error::shape(
            operation,
            format!("the table has shape {:?}, not (rows, width)", table.shape()),
        ));
    };
    let ids = ids.packed();
    if let Some(id) = ids.packed_slice().iter().find(|&&id| id < 0 || id >= rows as i64) {
        return Err(Error::index(operation, format!("index {id} for a table of {rows} rows")));
    }
    Ok(ids)
}
