//! Picking elements by index: `index_select`, `gather`, `scatter`, masks, and NumPy's mixed indexing.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};
use std::sync::Arc;

use barehand_kernels::compare::select;
use barehand_kernels::{Buffer, gather, strided};

use super::arithmetic::{broadcast, sum_to};
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::layout::{Dims, broadcast_shapes, resolve_axis};
use crate::tensor::Tensor;

/// Blocks of consecutive elements copied from given places of a row-major tensor. Backward adds each block's gradient
/// at its place. Every way of picking elements by index ends here.
struct Take {
    /// Where each block starts.
    offsets: Arc<Vec<usize>>,
    block: usize,
    shape: Dims,
}

impl<T: Element> Operator<T> for Take {
    type Saved = Dims;

    fn name(&self) -> &'static str {
        "take"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        let x = inputs[0].packed();
        let mut out = Buffer::scratch(self.offsets.len() * self.block);
        gather::take_blocks(x.packed_slice(), &self.offsets, self.block, &mut out);
        Ok((Tensor::from_buffer(out, &self.shape), Dims::from_slice(x.shape())))
    }

    fn backward(&self, shape: &Dims, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let mut dx = Buffer::zeroed(shape.iter().product());
        gather::combine_blocks(grad.packed().packed_slice(), &self.offsets, self.block, &mut dx, T::plus);
        Ok(one(Tensor::from_buffer(dx, shape)))
    }
}

/// An index along one axis, as a number from the front.
fn resolve_index(operation: &str, index: i64, n: usize, axis: usize, shape: &[usize]) -> Result<usize> {
    let resolved = if index < 0 { index + n as i64 } else { index };
    if resolved >= 0 && resolved < n as i64 {
        return Ok(resolved as usize);
    }
    Err(Error::index(
        operation,
        format!("index {index} is outside axis {axis} of shape {shape:?}, which has {n}"),
    ))
}

/// Elements before, along, and behind an axis.
pub(crate) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

impl<T: Element> Tensor<T> {
    /// The given indices of one axis, in that order (`torch.index_select`; on axis 0, the rows of an embedding).
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let rows = x.index_select(0, &Tensor::from([1_i64, 1, 0])).unwrap();
    /// assert_eq!(rows.to_vec(), [3.0, 4.0, 3.0, 4.0, 1.0, 2.0]);
    /// ```
    ///
    /// # Errors
    /// When the indices are not one-dimensional or leave the axis.
    pub fn index_select(&self, axis: isize, indices: &Tensor<i64>) -> Result<Tensor<T>> {
        let at = resolve_axis("index_select", axis, self.rank())?;
        if indices.rank() != 1 {
            return Err(Error::shape(
                "index_select",
                format!("indices of shape {:?}: one axis expected", indices.shape()),
            ));
        }
        let (outer, n, block) = around(self.shape(), at);
        let picked = indices
            .to_vec()
            .into_iter()
            .map(|i| resolve_index("index_select", i, n, at, self.shape()))
            .collect::<Result<Vec<usize>>>()?;
        let offsets = (0..outer).flat_map(|o| picked.iter().map(move |i| (o * n + i) * block)).collect();
        let mut shape = Dims::from_slice(self.shape());
        shape[at] = picked.len();
        apply(Take { offsets: Arc::new(offsets), block, shape }, &[self])
    }

    /// The rows of axis 0 at `rows`, in that order, off the tape: how a batch is put together (NumPy's `take` with
    /// `axis=0`). [`index_select`](Tensor::index_select) takes any axis and is differentiable.
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    /// assert_eq!(x.take_rows(&[2, 0]).unwrap().to_vec(), [5.0, 6.0, 1.0, 2.0]);
    /// ```
    ///
    /// # Errors
    /// When the tensor has no axes, or an index is not below the length of axis 0.
    pub fn take_rows(&self, rows: &[usize]) -> Result<Tensor<T>> {
        let Some(&n) = self.shape().first() else {
            return Err(Error::shape("take_rows", "a scalar has no rows"));
        };
        if let Some(row) = rows.iter().find(|&&row| row >= n) {
            return Err(Error::index("take_rows", format!("row {row} of {n}")));
        }
        let x = self.packed();
        let mut shape = Dims::from_slice(self.shape());
        shape[0] = rows.len();
        let row = shape[1..].iter().product();
        let mut out = Buffer::scratch(rows.len() * row);
        gather::take_rows(x.packed_slice(), rows, row, &mut out);
        Ok(Tensor::from_buffer(out, &shape))
    }

    /// Where `gather`, `scatter` and their kin address: for each element of `indices` its offset in `shape`.
    fn offsets_along(
        operation: &str,
        shape: &[usize],
        axis: usize,
        indices: &Tensor<i64>,
    ) -> Result<Vec<usize>> {
        let fits = indices.rank() == shape.len()
            && indices.shape().iter().zip(shape).enumerate().all(|(i, (a, b))| i == axis || a <= b);
        if !fits {
            return Err(Error::shape(
                operation,
                format!(
                    "indices of shape {:?} must have the axes of shape {shape:?}, each at most as long (but axis {axis})",
                    indices.shape()
                ),
            ));
        }
        let strides = crate::layout::Layout::contiguous(shape);
        let mut position = Dims::from_elem(0, shape.len());
        let mut offsets = Vec::with_capacity(indices.len());
        for index in indices.to_vec() {
            let along = resolve_index(operation, index, shape[axis], axis, shape)?;
            let at = |i: usize| if i == axis { along } else { position[i] };
            offsets.push((0..shape.len()).map(|i| at(i) * strides.strides()[i]).sum());
            for i in (0..shape.len()).rev() {
                position[i] += 1;
                if position[i] < indices.shape()[i] {
                    break;
                }
                position[i] = 0;
            }
        }
        Ok(offsets)
    }

    /// `out[i][j] = x[indices[i][j]][j]` for axis 0, and so for any axis (`torch.gather`).
    ///
    /// # Errors
    /// When `indices` has other axes, or leaves the axis.
    pub fn gather(&self, axis: isize, indices: &Tensor<i64>) -> Result<Tensor<T>> {
        let axis = resolve_axis("gather", axis, self.rank())?;
        let offsets = Self::offsets_along("gather", self.shape(), axis, indices)?;
        let shape = Dims::from_slice(indices.shape());
        apply(Take { offsets: Arc::new(offsets), block: 1, shape }, &[self])
    }

    /// A copy in which `out[indices[i][j]][j] = source[i][j]` for axis 0, and so for any axis (`torch.scatter`).
    ///
    /// # Errors
    /// When `indices` has other axes or leaves the axis, or `source` is smaller than `indices`.
    pub fn scatter(&self, axis: isize, indices: &Tensor<i64>, source: &Tensor<T>) -> Result<Tensor<T>> {
        self.put("scatter", axis, indices, source, false)
    }

    /// A copy to which `out[indices[i][j]][j] += source[i][j]` for axis 0, and so for any axis (`torch.scatter_add`).
    ///
    /// # Errors
    /// When `indices` has other axes or leaves the axis, or `source` is smaller than `indices`.
    pub fn scatter_add(&self, axis: isize, indices: &Tensor<i64>, source: &Tensor<T>) -> Result<Tensor<T>> {
        self.put("scatter_add", axis, indices, source, true)
    }

    fn put(
        &self,
        operation: &'static str,
        axis: isize,
        indices: &Tensor<i64>,
        source: &Tensor<T>,
        add: bool,
    ) -> Result<Tensor<T>> {
        let axis = resolve_axis(operation, axis, self.rank())?;
        let offsets = Self::offsets_along(operation, self.shape(), axis, indices)?;
        let mut part = source.clone();
        if source.rank() != indices.rank() {
            return Err(Error::shape(
                operation,
                format!("source of shape {:?} for indices of shape {:?}", source.shape(), indices.shape()),
            ));
        }
        for (axis, &n) in indices.shape().iter().enumerate() {
            part = part.narrow(axis as isize, 0, n)?;
        }
        apply(Put { operation, offsets: Arc::new(offsets), add }, &[self, &part])
    }

    /// `value` where the mask is true, `self` elsewhere; the mask broadcasts.
    ///
    /// # Errors
    /// When the mask does not broadcast to the shape of `self`.
    pub fn masked_fill(&self, mask: &Tensor<bool>, value: T) -> Result<Tensor<T>> {
        broadcast("masked_fill", mask, self.shape())?;
        where_(mask, &Tensor::scalar(value), self)
    }

    /// The elements where the mask is true, in row-major order, along one axis.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn masked_select(&self, mask: &Tensor<bool>) -> Result<Tensor<T>> {
        if mask.shape() != self.shape() {
            return Err(Error::shape(
                "masked_select",
                format!("the mask has shape {:?}, the tensor {:?}", mask.shape(), self.shape()),
            ));
        }
        let offsets: Vec<usize> = mask
            .packed()
            .packed_slice()
            .iter()
            .enumerate()
            .filter(|(_, keep)| **keep)
            .map(|(i, _)| i)
            .collect();
        let shape = Dims::from_slice(&[offsets.len()]);
        apply(Take { offsets: Arc::new(offsets), block: 1, shape }, &[self])
    }

    /// NumPy's indexing: any mix of numbers, slices, new axes, an ellipsis, index tensors and masks.
    ///
    /// Index tensors (and masks, by the positions where they are true) broadcast together; their axes take the place of
    /// the first where they stand side by side, and the front where something stands between them, as in NumPy.
    ///
    /// ```
    /// # use barehand_tensor::{Index, Tensor};
    /// let x = Tensor::<f32>::arange(0.0, 12.0, 1.0).unwrap().reshape([3, 4]).unwrap();
    /// assert_eq!(x.index(&[1.into(), (1..3).into()]).unwrap().to_vec(), [5.0, 6.0]);
    /// assert_eq!(x.index(&[Index::Ellipsis, Index::from(-1)]).unwrap().to_vec(), [3.0, 7.0, 11.0]);
    /// let (i, j) = (Tensor::from([0_i64, 2]), Tensor::from([1_i64, 3]));
    /// assert_eq!(x.index(&[i.into(), j.into()]).unwrap().to_vec(), [1.0, 11.0]);
    /// ```
    ///
    /// # Errors
    /// When there are more indices than axes, or one leaves its axis.
    pub fn index(&self, indices: &[Index]) -> Result<Tensor<T>> {
        let consumed: usize = indices.iter().map(Index::axes).sum();
        let ellipses = indices.iter().filter(|index| matches!(index, Index::Ellipsis)).count();
        if consumed > self.rank() || ellipses > 1 {
            return Err(Error::index(
                "index",
                if ellipses > 1 {
                    "only one ellipsis is allowed".to_string()
                } else {
                    format!("{consumed} axes are indexed, shape {:?} has {}", self.shape(), self.rank())
                },
            ));
        }
        let mut x = self.clone();
        let mut axis = 0;
        let mut taken: Vec<(usize, Tensor<i64>)> = Vec::new();
        for index in indices {
            let here = axis as isize;
            match index {
                Index::At(i) => x = x.select(here, *i)?,
                Index::Slice { start, stop, step } => {
                    x = x.slice(here, *start, *stop, *step)?;
                    axis += 1;
                }
                Index::NewAxis => {
                    x = x.unsqueeze(here)?;
                    axis += 1;
                }
                Index::Ellipsis => axis += self.rank() - consumed,
                Index::Take(indices) => {
                    taken.push((axis, indices.clone()));
                    axis += 1;
                }
                Index::Mask(mask) => {
                    for positions in mask_positions(mask, &x.shape()[axis..])? {
                        taken.push((axis, positions));
                        axis += 1;
                    }
                }
            }
        }
        if taken.is_empty() { Ok(x) } else { x.take_together(&taken) }
    }

    /// Indexes several axes by tensors that broadcast together.
    fn take_together(&self, taken: &[(usize, Tensor<i64>)]) -> Result<Tensor<T>> {
        let mut common = Dims::new();
        for (_, indices) in taken {
            common = broadcast_shapes("index", &common, indices.shape())?;
        }
        // Indexed axes first, so that what is left of the shape is one block behind each combination of indices.
        let kept: Vec<usize> = (0..self.rank()).filter(|axis| taken.iter().all(|(t, _)| t != axis)).collect();
        let order: Vec<isize> =
            taken.iter().map(|(axis, _)| *axis).chain(kept.iter().copied()).map(|a| a as isize).collect();
        let x = self.permute(order)?;
        let block: usize = x.shape()[taken.len()..].iter().product();
        let mut offsets = vec![0; common.iter().product()];
        for (place, (axis, indices)) in taken.iter().enumerate() {
            let n = x.shape()[place];
            for (offset, index) in offsets.iter_mut().zip(broadcast("index", indices, &common)?.to_vec()) {
                *offset = *offset * n + resolve_index("index", index, n, *axis, self.shape())?;
            }
        }
        for offset in &mut offsets {
            *offset *= block;
        }
        let mut shape = common.clone();
        shape.extend_from_slice(&x.shape()[taken.len()..]);
        let out = apply(Take { offsets: Arc::new(offsets), block, shape }, &[&x])?;
        let side_by_side = taken.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0);
        let before = kept.iter().filter(|&&axis| axis < taken[0].0).count();
        if !side_by_side || before == 0 {
            return Ok(out);
        }
        // Kept axes that stood before the indexed ones go back in front.
        let front = common.len()..common.len() + before;
        let order: Vec<isize> = front
            .chain(0..common.len())
            .chain(common.len() + before..out.rank())
            .map(|a| a as isize)
            .collect();
        out.permute(order)
    }
}

/// The positions where a mask over the leading axes of `shape` is true: one index tensor for each axis.
fn mask_positions(mask: &Tensor<bool>, shape: &[usize]) -> Result<Vec<Tensor<i64>>> {
    if mask.rank() == 0 || !shape.starts_with(mask.shape()) {
        return Err(Error::shape(
            "index",
            format!("a mask of shape {:?} does not lie on the axes {shape:?} that it indexes", mask.shape()),
        ));
    }
    let mut positions = vec![Vec::new(); mask.rank()];
    for (i, _) in mask.to_vec().into_iter().enumerate().filter(|(_, keep)| *keep) {
        let mut rest = i;
        for axis in (0..mask.rank()).rev() {
            positions[axis].push((rest % mask.shape()[axis]) as i64);
            rest /= mask.shape()[axis];
        }
    }
    Ok(positions.into_iter().map(Tensor::from).collect())
}

/// One index of [`Tensor::index`].
#[derive(Clone)]
pub enum Index {
    /// One position; the axis disappears. Negative: from the end.
    At(isize),
    /// `start..stop` by `step`, with Python's rules.
    Slice {
        /// First position; negative: from the end.
        start: isize,
        /// Past the last position; `None`: to the end.
        stop: Option<isize>,
        /// At least 1.
        step: usize,
    },
    /// A new axis of length 1.
    NewAxis,
    /// As many whole axes as are not indexed otherwise.
    Ellipsis,
    /// The positions listed.
    Take(Tensor<i64>),
    /// The positions where true, over as many axes as the mask has.
    Mask(Tensor<bool>),
}

impl Index {
    /// Whether elements are picked one by one, so that the result is no view.
    pub(crate) fn picks(&self) -> bool {
        matches!(self, Index::Take(_) | Index::Mask(_))
    }

    /// How many axes of the tensor this uses up.
    fn axes(&self) -> usize {
        match self {
            Index::NewAxis | Index::Ellipsis => 0,
            Index::Mask(mask) => mask.rank(),
            _ => 1,
        }
    }
}

impl From<isize> for Index {
    fn from(position: isize) -> Self {
        Index::At(position)
    }
}

impl From<Range<isize>> for Index {
    fn from(range: Range<isize>) -> Self {
        Index::Slice { start: range.start, stop: Some(range.end), step: 1 }
    }
}

impl From<RangeFrom<isize>> for Index {
    fn from(range: RangeFrom<isize>) -> Self {
        Index::Slice { start: range.start, stop: None, step: 1 }
    }
}

impl From<RangeTo<isize>> for Index {
    fn from(range: RangeTo<isize>) -> Self {
        Index::Slice { start: 0, stop: Some(range.end), step: 1 }
    }
}

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Self {
        Index::Slice { start: 0, stop: None, step: 1 }
    }
}

impl From<Tensor<i64>> for Index {
    fn from(positions: Tensor<i64>) -> Self {
        Index::Take(positions)
    }
}

impl From<Tensor<bool>> for Index {
    fn from(mask: Tensor<bool>) -> Self {
        Index::Mask(mask)
    }
}

/// Elements written to (or added at) given places of a copy.
struct Put {
    operation: &'static str,
    offsets: Arc<Vec<usize>>,
    add: bool,
}

impl<T: Element> Operator<T> for Put {
    type Saved = Dims;

    fn name(&self) -> &'static str {
        self.operation
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        let (x, source) = (inputs[0], inputs[1].packed());
        let mut out = Buffer::scratch(x.len());
        strided::copy(x.view(), &mut out);
        let add = self.add;
        let combine = move |a: T, b: T| if add { a.plus(b) } else { b };
        gather::combine_blocks(source.packed_slice(), &self.offsets, 1, &mut out, combine);
        Ok((Tensor::from_buffer(out, x.shape()), Dims::from_slice(source.shape())))
    }

    fn backward(&self, source: &Dims, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let kept = || {
            if self.add {
                return grad.clone();
            }
            let mut dx = grad.copied();
            let zeros = vec![T::default(); self.offsets.len()];
            gather::combine_blocks(&zeros, &self.offsets, 1, dx.data_mut(), |_, zero| zero);
            dx
        };
        let written = || {
            let mut out = Buffer::scratch(self.offsets.len());
            gather::take_blocks(grad.packed().packed_slice(), &self.offsets, 1, &mut out);
            Tensor::from_buffer(out, source)
        };
        Ok([wants[0].then(kept), wants[1].then(written)].into_iter().collect())
    }
}

/// `x` where the condition is true, `y` elsewhere; all three broadcast (`torch.where`, `numpy.where`).
///
/// ```
/// # use barehand_tensor::{Tensor, where_};
/// let x = Tensor::from([-1.0, 2.0]);
/// let y = where_(&x.gt_scalar(0.0).unwrap(), &x, &Tensor::scalar(0.0)).unwrap();
/// assert_eq!(y.to_vec(), [0.0, 2.0]);
/// ```
///
/// # Errors
/// When the shapes do not broadcast.
pub fn where_<T: Element>(condition: &Tensor<bool>, x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
    apply(Where(condition.clone()), &[x, y])
}

struct Where(Tensor<bool>);

impl<T: Element> Operator<T> for Where {
    type Saved = (Dims, Dims);

    fn name(&self) -> &'static str {
        "where"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (x, y) = (inputs[0], inputs[1]);
        let shape = broadcast_shapes("where", x.shape(), y.shape())?;
        let shape = broadcast_shapes("where", &shape, self.0.shape())?;
        let out = choose(&self.0, x, y, &shape)?;
        Ok((out, (Dims::from_slice(x.shape()), Dims::from_slice(y.shape()))))
    }

    fn backward(&self, shapes: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let zero = Tensor::scalar(T::default());
        let left = || Ok(sum_to(&choose(&self.0, grad, &zero, grad.shape())?, &shapes.0));
        let right = || Ok(sum_to(&choose(&self.0, &zero, grad, grad.shape())?, &shapes.1));
        let mut gradients = InputGradients::new();
        gradients.push(wants[0].then(left).transpose()?);
        gradients.push(wants[1].then(right).transpose()?);
        Ok(gradients)
    }
}

fn choose<T: Element>(
    condition: &Tensor<bool>,
    x: &Tensor<T>,
    y: &Tensor<T>,
    shape: &[usize],
) -> Result<Tensor<T>> {
    let condition = broadcast("where", condition, shape)?;
    let (x, y) = (broadcast("where", x, shape)?, broadcast("where", y, shape)?);
    let mut out = Buffer::scratch(condition.len());
    select(condition.view(), x.view(), y.view(), &mut out);
    Ok(Tensor::from_buffer(out, shape))
}
