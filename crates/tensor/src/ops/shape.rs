//! The same elements under another shape: views, and their gradients.

use barehand_kernels::strided;
use smallvec::SmallVec;

use super::arithmetic::{broadcast, sum_to};
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::layout::{Dims, Layout, resolve_axis};
use crate::tensor::{Tensor, element_count};

/// A recorded change of layout. Every view is one of these, so its gradient is here.
#[derive(Clone, Debug)]
enum Relayout {
    Reshape(Dims),
    Permute(Dims),
    /// Axes of length 1, and new leading axes, repeated.
    Expand(Dims),
    /// Every `step`-th of `axis`, `len` of them from `start`.
    Slice {
        axis: usize,
        start: usize,
        len: usize,
        step: usize,
    },
    /// Two axes replaced by their common diagonal, which becomes the last axis.
    Diagonal {
        first: usize,
        second: usize,
    },
}

impl Relayout {
    fn view<T: Element>(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        Ok(match self {
            Relayout::Expand(shape) => broadcast("expand", x, shape)?,
            Relayout::Reshape(shape) => match x.layout.reshape(shape) {
                Some(layout) => x.with_layout(layout),
                None => x.copied().with_layout(Layout::contiguous(shape)),
            },
            Relayout::Permute(axes) => x.with_layout(x.layout.permute(axes)),
            &Relayout::Slice { axis, start, len, step } => {
                x.with_layout(x.layout.slice(axis, start, len, step))
            }
            &Relayout::Diagonal { first, second } => x.with_layout(diagonal_layout(&x.layout, first, second)),
        })
    }
}

fn diagonal_layout(layout: &Layout, first: usize, second: usize) -> Layout {
    let kept = (0..layout.rank()).filter(|&axis| axis != first && axis != second);
    let (mut shape, mut strides): (Dims, Dims) =
        kept.map(|axis| (layout.shape()[axis], layout.strides()[axis])).unzip();
    shape.push(layout.shape()[first].min(layout.shape()[second]));
    strides.push(layout.strides()[first] + layout.strides()[second]);
    Layout::strided(shape, strides, layout.offset())
}

impl<T: Element> Operator<T> for Relayout {
    type Saved = Dims;

    fn name(&self) -> &'static str {
        match self {
            Relayout::Reshape(_) => "reshape",
            Relayout::Permute(_) => "permute",
            Relayout::Expand(_) => "expand",
            Relayout::Slice { .. } => "slice",
            Relayout::Diagonal { .. } => "diagonal",
        }
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        Ok((self.view(inputs[0])?, Dims::from_slice(inputs[0].shape())))
    }

    fn backward(&self, shape: &Dims, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        Ok(one(match self {
            Relayout::Reshape(_) => Relayout::Reshape(shape.clone()).view(grad)?,
            Relayout::Expand(_) => sum_to(grad, shape),
            Relayout::Permute(axes) => {
                let mut inverse = Dims::from_elem(0, axes.len());
                axes.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
                grad.with_layout(grad.layout.permute(&inverse))
            }
            Relayout::Slice { .. } | Relayout::Diagonal { .. } => {
                let mut whole = Tensor::zeros(shape);
                let window = self.view(&whole)?.layout;
                let memory = &mut whole.data_mut()[window.offset()..];
                strided::assign(memory, window.shape(), window.strides(), grad.view());
                whole
            }
        }))
    }
}

impl<T: Element> Tensor<T> {
    /// A view repeated along axes of length 1 and new leading axes, without copying.
    ///
    /// # Errors
    /// When the shape does not broadcast to `shape`.
    pub fn expand(&self, shape: impl AsRef<[usize]>) -> Result<Tensor<T>> {
        apply(Relayout::Expand(Dims::from_slice(shape.as_ref())), &[self])
    }

    /// The same elements in row-major order under another shape; one axis may be `-1`: whatever is left.
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let x = Tensor::<f32>::arange(0.0, 12.0, 1.0).unwrap();
    /// assert_eq!(x.reshape([3, -1]).unwrap().shape(), [3, 4]);
    /// ```
    ///
    /// # Errors
    /// When the number of elements differs, or cannot be divided evenly.
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Tensor<T>> {
        let wanted = shape.as_ref();
        let refuse = || {
            Error::shape(
                "reshape",
                format!(
                    "shape {:?} holds {} elements, which do not fill {wanted:?}",
                    self.shape(),
                    self.len()
                ),
            )
        };
        let mut known = 1usize;
        for &n in wanted.iter().filter(|&&n| n != -1) {
            let n = usize::try_from(n).map_err(|_| {
                Error::value("reshape", format!("length {n} in {wanted:?} is negative; only -1 may be"))
            })?;
            known = known.checked_mul(n).ok_or_else(refuse)?;
        }
        let rest = match wanted.iter().filter(|&&n| n == -1).count() {
            0 if known == self.len() => 1,
            1 if known > 0 && self.len().is_multiple_of(known) => self.len() / known,
            0 | 1 => return Err(refuse()),
            n => {
                return Err(Error::value(
                    "reshape",
                    format!("{n} lengths in {wanted:?} are -1; only one may be"),
                ));
            }
        };
        let shape = wanted.iter().map(|&n| if n == -1 { rest } else { n as usize }).collect();
        apply(Relayout::Reshape(shape), &[self])
    }

    /// [`reshape`](Self::reshape) to a shape that is known to fit.
    pub(crate) fn reshape_to(&self, shape: &[usize]) -> Result<Tensor<T>> {
        if element_count("reshape", shape)? != self.len() {
            return Err(Error::shape("reshape", format!("shape {:?} does not fill {shape:?}", self.shape())));
        }
        apply(Relayout::Reshape(Dims::from_slice(shape)), &[self])
    }

    /// All axes from `start` to `end` (both included) merged into one.
    ///
    /// # Errors
    /// When an axis does not exist or the order is reversed.
    pub fn flatten(&self, start: isize, end: isize) -> Result<Tensor<T>> {
        if self.rank() == 0 {
            return self.reshape_to(&[1]);
        }
        let first = resolve_axis("flatten", start, self.rank())?;
        let last = resolve_axis("flatten", end, self.rank())?;
        if first > last {
            return Err(Error::value("flatten", format!("axis {start} lies behind axis {end}")));
        }
        let mut shape = Dims::from_slice(&self.shape()[..first]);
        shape.push(element_count("flatten", &self.shape()[first..=last])?);
        shape.extend_from_slice(&self.shape()[last + 1..]);
        self.reshape_to(&shape)
    }

    /// The axes in another order, without copying.
    ///
    /// # Errors
    /// When `axes` is not a permutation of all axes.
    pub fn permute(&self, axes: impl AsRef<[isize]>) -> Result<Tensor<T>> {
        let axes = axes.as_ref();
        let marked = crate::layout::mark_axes("permute", axes, self.rank())?;
        if axes.len() != self.rank() || marked.contains(&false) {
            return Err(Error::value(
                "permute",
                format!(
                    "{axes:?} does not name each of the {} axes of shape {:?} once",
                    self.rank(),
                    self.shape()
                ),
            ));
        }
        let order =
            axes.iter().map(|&axis| resolve_axis("permute", axis, self.rank())).collect::<Result<Dims>>()?;
        apply(Relayout::Permute(order), &[self])
    }

    /// Two axes exchanged, without copying.
    ///
    /// # Errors
    /// When an axis does not exist.
    pub fn transpose(&self, first: isize, second: isize) -> Result<Tensor<T>> {
        let first = resolve_axis("transpose", first, self.rank())?;
        let second = resolve_axis("transpose", second, self.rank())?;
        let mut order: Dims = (0..self.rank()).collect();
        order.swap(first, second);
        apply(Relayout::Permute(order), &[self])
    }

    /// The last two axes exchanged: the transpose of a matrix, or of each matrix in a batch.
    ///
    /// # Errors
    /// With fewer than two axes.
    pub fn t(&self) -> Result<Tensor<T>> {
        if self.rank() < 2 {
            return Err(Error::shape(
                "t",
                format!("shape {:?} has fewer than two axes to exchange", self.shape()),
            ));
        }
        self.transpose(-2, -1)
    }

    /// A new axis of length 1 at `axis` (`-1`: the last).
    ///
    /// # Errors
    /// When the place does not exist.
    pub fn unsqueeze(&self, axis: isize) -> Result<Tensor<T>> {
        let axis = resolve_axis("unsqueeze", axis, self.rank() + 1)?;
        let shape = self.layout.unsqueeze(axis);
        apply(Relayout::Reshape(Dims::from_slice(shape.shape())), &[self])
    }

    /// Without an axis of length 1.
    ///
    /// # Errors
    /// When the axis does not exist or is longer.
    pub fn squeeze(&self, axis: isize) -> Result<Tensor<T>> {
        let at = resolve_axis("squeeze", axis, self.rank())?;
        if self.shape()[at] != 1 {
            return Err(Error::shape(
                "squeeze",
                format!("axis {axis} of shape {:?} has length {}, not 1", self.shape(), self.shape()[at]),
            ));
        }
        let mut shape = Dims::from_slice(self.shape());
        shape.remove(at);
        apply(Relayout::Reshape(shape), &[self])
    }

    /// Without any axis of length 1.
    pub fn squeeze_all(&self) -> Result<Tensor<T>> {
        let shape = self.shape().iter().copied().filter(|&n| n != 1).collect();
        apply(Relayout::Reshape(shape), &[self])
    }

    /// `len` elements of an axis from `start`, without copying.
    ///
    /// # Errors
    /// When they reach past the axis.
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Result<Tensor<T>> {
        let at = resolve_axis("narrow", axis, self.rank())?;
        if start.checked_add(len).is_none_or(|end| end > self.shape()[at]) {
            return Err(Error::index(
                "narrow",
                format!(
                    "{len} elements from {start} reach past axis {axis} of shape {:?}, which has {}",
                    self.shape(),
                    self.shape()[at]
                ),
            ));
        }
        apply(Relayout::Slice { axis: at, start, len, step: 1 }, &[self])
    }

    /// `axis[start..stop..step]` with Python's rules: negative bounds count from the end, bounds beyond it are cut.
    ///
    /// # Errors
    /// When the axis does not exist or `step` is 0.
    pub fn slice(&self, axis: isize, start: isize, stop: Option<isize>, step: usize) -> Result<Tensor<T>> {
        let at = resolve_axis("slice", axis, self.rank())?;
        if step == 0 {
            return Err(Error::value("slice", "a step of 0 leads nowhere"));
        }
        let n = self.shape()[at];
        let clip = |bound: isize| {
            let from_front = if bound < 0 { bound.saturating_add(n as isize) } else { bound };
            from_front.clamp(0, n as isize) as usize
        };
        let (start, stop) = (clip(start), stop.map_or(n, clip));
        let len = stop.saturating_sub(start).div_ceil(step);
        apply(Relayout::Slice { axis: at, start, len, step }, &[self])
    }

    /// One index of an axis, which disappears; negative indices count from the end.
    ///
    /// # Errors
    /// When the axis or the index does not exist.
    pub fn select(&self, axis: isize, index: isize) -> Result<Tensor<T>> {
        let at = resolve_axis("select", axis, self.rank())?;
        let n = self.shape()[at];
        let resolved = if index < 0 { index + n as isize } else { index };
        if resolved < 0 || resolved >= n as isize {
            return Err(Error::index(
                "select",
                format!("index {index} is outside axis {axis} of shape {:?}, which has {n}", self.shape()),
            ));
        }
        let one = apply(Relayout::Slice { axis: at, start: resolved as usize, len: 1, step: 1 }, &[self])?;
        one.squeeze(at as isize)
    }

    /// The diagonal of two axes, as the last axis (`diagonal(0, 1)` of a matrix is its main diagonal).
    ///
    /// # Errors
    /// When the axes do not exist or are the same.
    pub fn diagonal(&self, first: isize, second: isize) -> Result<Tensor<T>> {
        let a = resolve_axis("diagonal", first, self.rank())?;
        let b = resolve_axis("diagonal", second, self.rank())?;
        if a == b {
            return Err(Error::value("diagonal", format!("axes {first} and {second} are the same")));
        }
        apply(Relayout::Diagonal { first: a, second: b }, &[self])
    }

    /// Consecutive pieces of an axis, `size` long each; the last takes what is left (PyTorch's `split` by a number).
    ///
    /// # Errors
    /// When the axis does not exist or `size` is 0.
    pub fn split(&self, size: usize, axis: isize) -> Result<Vec<Tensor<T>>> {
        let at = resolve_axis("split", axis, self.rank())?;
        if size == 0 {
            return Err(Error::value("split", "pieces must have at least one element"));
        }
        let n = self.shape()[at];
        (0..n.div_ceil(size)).map(|i| self.narrow(axis, i * size, size.min(n - i * size))).collect()
    }

    /// Consecutive pieces of an axis of the lengths given (PyTorch's `split` by a list).
    ///
    /// # Errors
    /// When the axis does not exist or the lengths do not add up to it.
    pub fn split_at(&self, sizes: &[usize], axis: isize) -> Result<Vec<Tensor<T>>> {
        let at = resolve_axis("split_at", axis, self.rank())?;
        if sizes.iter().sum::<usize>() != self.shape()[at] {
            return Err(Error::shape(
                "split_at",
                format!("sizes {sizes:?} do not add up to axis {axis} of shape {:?}", self.shape()),
            ));
        }
        let mut start = 0;
        sizes
            .iter()
            .map(|&size| {
                start += size;
                self.narrow(axis, start - size, size)
            })
            .collect()
    }

    /// At most `count` pieces of an axis of equal length, the last possibly shorter.
    ///
    /// # Errors
    /// When the axis does not exist or `count` is 0.
    pub fn chunk(&self, count: usize, axis: isize) -> Result<Vec<Tensor<T>>> {
        let at = resolve_axis("chunk", axis, self.rank())?;
        if count == 0 {
            return Err(Error::value("chunk", "at least one chunk is needed"));
        }
        self.split(self.shape()[at].div_ceil(count).max(1), axis)
    }

    /// An axis in reverse order.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn flip(&self, axis: isize) -> Result<Tensor<T>> {
        let n = self.shape()[resolve_axis("flip", axis, self.rank())?] as i64;
        self.index_select(axis, &Tensor::from((0..n).rev().collect::<Vec<i64>>()))
    }

    /// An axis rotated by `shift` places; what leaves the end enters at the front.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn roll(&self, shift: isize, axis: isize) -> Result<Tensor<T>> {
        let n = self.shape()[resolve_axis("roll", axis, self.rank())?] as i64;
        let from: Vec<i64> = (0..n).map(|i| (i - shift as i64).rem_euclid(n)).collect();
        self.index_select(axis, &Tensor::from(from))
    }

    /// The whole tensor repeated along each axis (`torch.tile`, `numpy.tile`).
    ///
    /// # Errors
    /// When there are fewer repeats than axes.
    pub fn tile(&self, repeats: &[usize]) -> Result<Tensor<T>> {
        if repeats.len() < self.rank() {
            return Err(Error::shape(
                "tile",
                format!("{} repeats for the {} axes of shape {:?}", repeats.len(), self.rank(), self.shape()),
            ));
        }
        let mut out = self.clone();
        for _ in self.rank()..repeats.len() {
            out = out.unsqueeze(0)?;
        }
        for (axis, &count) in repeats.iter().enumerate() {
            if count != 1 {
                let n = out.shape()[axis] as i64;
                let from: Vec<i64> = (0..count as i64 * n).map(|i| i % n).collect();
                out = out.index_select(axis as isize, &Tensor::from(from))?;
            }
        }
        Ok(out)
    }

    /// Surrounded by `value`: for each axis how many before and how many after.
    ///
    /// # Errors
    /// When there is not one pair for each axis.
    pub fn pad(&self, amounts: &[(usize, usize)], value: T) -> Result<Tensor<T>> {
        if amounts.len() != self.rank() {
            return Err(Error::shape(
                "pad",
                format!("{} pairs for the {} axes of shape {:?}", amounts.len(), self.rank(), self.shape()),
            ));
        }
        apply(Pad { amounts: SmallVec::from_slice(amounts), value }, &[self])
    }

    /// The lower triangle of each matrix: elements above diagonal `k` become 0.
    ///
    /// # Errors
    /// With fewer than two axes.
    pub fn tril(&self, k: isize) -> Result<Tensor<T>> {
        self.triangle("tril", |row, col| col <= row + k)
    }

    /// The upper triangle of each matrix: elements below diagonal `k` become 0.
    ///
    /// # Errors
    /// With fewer than two axes.
    pub fn triu(&self, k: isize) -> Result<Tensor<T>> {
        self.triangle("triu", |row, col| col >= row + k)
    }

    fn triangle(&self, operation: &str, keep: impl Fn(isize, isize) -> bool) -> Result<Tensor<T>> {
        let &[.., rows, cols] = self.shape() else {
            return Err(Error::shape(operation, format!("shape {:?} has fewer than two axes", self.shape())));
        };
        let mask: Vec<bool> =
            (0..rows * cols).map(|i| !keep((i / cols.max(1)) as isize, (i % cols.max(1)) as isize)).collect();
        self.masked_fill(&Tensor::from_vec(mask, [rows, cols])?, T::default())
    }
}

struct Pad<T> {
    amounts: SmallVec<[(usize, usize); 6]>,
    value: T,
}

impl<T: Element> Operator<T> for Pad<T> {
    type Saved = Dims;

    fn name(&self) -> &'static str {
        "pad"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        let x = inputs[0];
        let shape: Dims =
            x.shape().iter().zip(&self.amounts).map(|(n, (before, after))| before + n + after).collect();
        element_count("pad", &shape)?;
        let mut out = Tensor::full(&shape, self.value);
        let window = self.window(&out.layout, x.shape());
        strided::assign(&mut out.data_mut()[window.offset()..], window.shape(), window.strides(), x.view());
        Ok((out, Dims::from_slice(x.shape())))
    }

    fn backward(&self, shape: &Dims, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        Ok(one(grad.with_layout(self.window(&grad.layout, shape))))
    }
}

impl<T> Pad<T> {
    /// Where the unpadded elements lie.
    fn window(&self, padded: &Layout, shape: &[usize]) -> Layout {
        let axes = self.amounts.iter().zip(shape).enumerate();
        axes.fold(padded.clone(), |layout, (axis, (&(before, _), &n))| layout.slice(axis, before, n, 1))
    }
}
