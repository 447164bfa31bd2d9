//! Tensors (..., rows, columns) as the many matrices they are, for kernels that take them wherever they lie.

use barehand_kernels::Buffer;
use barehand_kernels::heads::{Heads, HeadsMut};

use super::matmul::batch_offsets;
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::tensor::Tensor;

/// The matrices of a tensor whose rows are contiguous.
pub(crate) struct Matrices<T: Element> {
    tensor: Tensor<T>,
    offsets: Vec<usize>,
}

/// The last two axes as matrices, without copying where rows are contiguous.
pub(crate) fn heads<T: Element>(x: &Tensor<T>) -> Matrices<T> {
    let rank = x.rank();
    let tensor = if x.strides()[rank - 1] == 1 || x.shape()[rank - 1] <= 1 { x.detach() } else { x.copied() };
    let offsets = batch_offsets(&tensor.shape()[..rank - 2], &tensor.strides()[..rank - 2]);
    Matrices { tensor, offsets }
}

impl<T: Element> Matrices<T> {
    pub(crate) fn view(&self) -> Heads<'_, T> {
        let row_stride = self.tensor.strides()[self.tensor.rank() - 2];
        Heads { data: self.tensor.view().data, offsets: &self.offsets, row_stride }
    }

    /// Memory for a gradient.
    pub(crate) fn dense(&self) -> Dense<T> {
        Dense::like(&self.tensor, self.tensor.shape()[self.tensor.rank() - 1])
    }
}

/// A new tensor (..., rows, `columns`) without gaps whose axes lie in memory in the order of another's, so that what
/// undoes a transposition of the one undoes that of the other without copying.
pub(crate) struct Dense<T: Element> {
    buffer: Buffer<T>,
    offsets: Vec<usize>,
    row_stride: usize,
    layout: Layout,
}

impl<T: Element> Dense<T> {
    pub(crate) fn like(x: &Tensor<T>, columns: usize) -> Self {
        let outer = x.rank() - 1;
        let mut order: Vec<usize> = (0..outer).collect();
        // Stable: axes without a place of their own, of length 1 or repeated, stay where they are.
        order.sort_by_key(|&axis| std::cmp::Reverse(x.strides()[axis]));
        let mut shape = Dims::from_slice(x.shape());
        shape[outer] = columns;
        let mut strides = Dims::from_elem(1, outer + 1);
        let mut step = columns;
        for &axis in order.iter().rev() {
            strides[axis] = step;
            step *= shape[axis].max(1);
        }
        let offsets = batch_offsets(&shape[..outer - 1], &strides[..outer - 1]);
        let buffer = Buffer::scratch(shape.iter().product());
        Dense { buffer, offsets, row_stride: strides[outer - 1], layout: Layout::strided(shape, strides, 0) }
    }

    pub(crate) fn target(&mut self) -> HeadsMut<'_, T> {
        HeadsMut::new(&mut self.buffer, &self.offsets, self.row_stride)
    }

    pub(crate) fn into_tensor(self) -> Tensor<T> {
        let Dense { buffer, layout, .. } = self;
        let shape = Dims::from_slice(layout.shape());
        Tensor::from_buffer(buffer, &shape).with_layout(layout)
    }
}
