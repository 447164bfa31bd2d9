//! Attention to oneself, from one projection that holds query, key and value side by side.

use barehand_kernels::Buffer;
use barehand_kernels::heads::HeadsMut;

use super::attention::{Attention, AttentionMask, AttentionOptions, Saved};
use super::matmul::batch_offsets;
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::layout::{Dims, Layout};
use crate::tensor::Tensor;

const NAME: &str = "packed_attention";

/// How (A, B, 3·H·D) is read: in heads, and which of the first two axes counts sequences.
#[derive(Clone, Copy)]
struct Packing {
    heads: usize,
    batch_axis: usize,
}

impl Packing {
    /// The axes (N, H, L, D) of a tensor (A, B, H·D) of which each row is `width` elements apart.
    fn split(self, [first, second]: [usize; 2], width: usize, row: usize, offset: usize) -> Layout {
        let Packing { heads, batch_axis } = self;
        let (outer, inner) = ((first, second * row), (second, row));
        let (n, length) = if batch_axis == 0 { (outer, inner) } else { (inner, outer) };
        let shape = [n.0, heads, length.0, width];
        let strides = [n.1, width, length.1, 1];
        Layout::strided(Dims::from_slice(&shape), Dims::from_slice(&strides), offset)
    }

    /// Query, key and value, or the places of their gradients: (N, H, L, D), views of (A, B, 3·H·D).
    fn parts(self, shape: &[usize]) -> [Layout; 3] {
        let row = shape[2];
        let width = row / (3 * self.heads);
        // Memory without elements has no place to begin but the first.
        let step = if shape.contains(&0) { 0 } else { self.heads * width };
        [0, 1, 2].map(|part| self.split([shape[0], shape[1]], width, row, part * step))
    }

    fn views<T: Element>(self, x: &Tensor<T>) -> [Tensor<T>; 3] {
        let x = x.packed();
        self.parts(x.shape()).map(|part| x.with_layout(behind(x.layout().offset(), &part)))
    }
}

/// A layout that begins `offset` elements later.
fn behind(offset: usize, layout: &Layout) -> Layout {
    let (shape, strides) = (Dims::from_slice(layout.shape()), Dims::from_slice(layout.strides()));
    Layout::strided(shape, strides, offset + layout.offset())
}

/// Query, key and value are views of one tensor, and their gradients are written side by side into one: the slices of the
/// usual way would fill three tensors of the whole size with zeros, and add them up.
struct PackedAttention {
    attention: Attention,
    packing: Packing,
}

impl<T: Float> Operator<T> for PackedAttention {
    type Saved = (Saved<T>, Dims);

    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let [query, key, value] = self.packing.views(inputs[0]);
        let (y, saved) = self.attention.forward(&[&query, &key, &value])?;
        // (N, H, L, D), in memory as the query is: (A, B, H·D).
        let y = y.permute(if self.packing.batch_axis == 0 { [0, 2, 1, 3] } else { [2, 0, 1, 3] })?;
        let shape = Dims::from_slice(inputs[0].shape());
        let y = y.reshape_to(&[shape[0], shape[1], shape[2] / 3])?;
        Ok((y, (saved, shape)))
    }

    fn backward(
        &self,
        (saved, shape): &Self::Saved,
        grad: &Tensor<T>,
        _: &[bool],
    ) -> Result<InputGradients<T>> {
        let row = shape[2] / 3;
        let rows = self.packing.split([shape[0], shape[1]], row / self.packing.heads, row, 0);
        let grad = grad.packed();
        let grad = grad.with_layout(behind(grad.layout().offset(), &rows));
        let mut dx = Buffer::scratch(shape.iter().product());
        let parts = self.packing.parts(shape);
        let offsets = parts.each_ref().map(|part| {
            let offsets = batch_offsets(&part.shape()[..2], &part.strides()[..2]);
            offsets.into_iter().map(|offset| part.offset() + offset).collect::<Vec<_>>()
        });
        let offsets = offsets.each_ref().map(Vec::as_slice);
        let targets = HeadsMut::side_by_side(&mut dx, offsets, parts[0].strides()[2]);
        self.attention.gradients(saved, &grad, targets.map(Some), None);
        Ok(one(Tensor::from_buffer(dx, shape)))
    }
}

impl<T: Float> Tensor<T> {
    /// Attention in `heads` heads of tokens to each other, from (A, B, 3·H·D), where query, key and value lie side by
    /// side, to (A, B, H·D): [`scaled_dot_product_attention`](Tensor::scaled_dot_product_attention) of its parts, joined
    /// again, without a copy of them. `batch_axis`, 0 or 1, is the axis that counts sequences.
    ///
    /// ```
    /// use barehand_tensor::{AttentionOptions, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let packed = Tensor::<f32>::ones([2, 5, 3 * 8]);
    /// assert_eq!(packed.packed_attention(4, 0, &AttentionOptions::default())?.shape(), [2, 5, 8]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the last axis is no multiple of 3 times the heads, a mask does not fit or is one that is added, or heads are
    /// grouped.
    pub fn packed_attention(
        &self,
        heads: usize,
        batch_axis: usize,
        options: &AttentionOptions<T>,
    ) -> Result<Tensor<T>> {
        let fits =
            self.rank() == 3 && heads > 0 && self.shape()[2].is_multiple_of(3 * heads) && batch_axis < 2;
        if !fits {
            return Err(Error::shape(
                NAME,
                format!(
                    "{:?} in {heads} heads, sequences along axis {batch_axis}: (A, B, 3·H·D) and axis 0 or 1 expected",
                    self.shape()
                ),
            ));
        }
        if matches!(options.mask, Some(AttentionMask::Additive(_))) || options.enable_gqa {
            return Err(Error::value(
                NAME,
                "masks that are added, and grouped heads, are for scaled_dot_product_attention",
            ));
        }
        let packing = Packing { heads, batch_axis };
        let [query, key, value] = packing.views(&self.detach());
        let (attention, _, _) = Attention::prepare([&query, &key, &value], options)?;
        apply(PackedAttention { attention, packing }, &[self])
    }
}
