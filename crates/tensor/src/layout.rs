//! Shapes and strides: which element of the memory belongs to which index.

use smallvec::SmallVec;

use crate::error::{Error, Result};

/// Axis lengths or strides; up to four axes live inline.
pub type Dims = SmallVec<[usize; 4]>;

/// Shape, strides (in elements, outermost axis first) and the offset of the first element.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    shape: Dims,
    strides: Dims,
    offset: usize,
}

impl Clone for Layout {
    /// As derived, but without a loop over the axes: every operation clones a few layouts.
    #[inline]
    fn clone(&self) -> Self {
        Layout {
            shape: Dims::from_slice(&self.shape),
            strides: Dims::from_slice(&self.strides),
            offset: self.offset,
        }
    }
}

/// The strides of a row-major array.
fn row_major_strides(shape: &[usize]) -> Dims {
    let mut strides = Dims::from_slice(shape);
    let mut step = 1;
    for stride in strides.iter_mut().rev() {
        let length = std::mem::replace(stride, step);
        // Where an axis is 0, the others may be so long that this is no number; then there is nothing to step to.
        step = usize::wrapping_mul(step, length.max(1));
    }
    strides
}

impl Layout {
    /// Row-major, from the first element of the memory.
    pub fn contiguous(shape: &[usize]) -> Self {
        Layout { shape: Dims::from_slice(shape), strides: row_major_strides(shape), offset: 0 }
    }

    /// Any strided window.
    pub(crate) fn strided(shape: Dims, strides: Dims, offset: usize) -> Self {
        debug_assert_eq!(shape.len(), strides.len());
        Layout { shape, strides, offset }
    }

    /// Length of each axis.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements to step over along each axis.
    #[inline]
    pub fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// Where the first element lies in the memory.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether some axis has length 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Whether the elements lie one after another in row-major order.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&n, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if n != 1 && stride != expected {
                return self.is_empty();
            }
            expected *= n;
        }
        true
    }

    /// Axes in the order given.
    pub(crate) fn permute(&self, axes: &[usize]) -> Self {
        Layout {
            shape: axes.iter().map(|&axis| self.shape[axis]).collect(),
            strides: axes.iter().map(|&axis| self.strides[axis]).collect(),
            offset: self.offset,
        }
    }

    /// `len` elements of `axis`, every `step`-th from `start`. The caller has checked the range.
    pub(crate) fn slice(&self, axis: usize, start: usize, len: usize, step: usize) -> Self {
        let mut layout = self.clone();
        // An empty slice may start one past the end, and a slice of nothing anywhere; the offset must stay inside the memory.
        if len > 0 && !self.is_empty() {
            layout.offset += start * self.strides[axis];
        }
        layout.shape[axis] = len;
        layout.strides[axis] *= step;
        layout
    }

    /// With a new axis of length 1 before `axis`.
    pub(crate) fn unsqueeze(&self, axis: usize) -> Self {
        let mut layout = self.clone();
        let stride = if axis < self.rank() { self.shape[axis] * self.strides[axis] } else { 1 };
        layout.shape.insert(axis, 1);
        layout.strides.insert(axis, stride);
        layout
    }

    /// Repeated along new leading axes and axes of length 1 until the shape is `target`; `None` where that cannot be.
    pub(crate) fn broadcast_to(&self, target: &[usize]) -> Option<Self> {
        let missing = target.len().checked_sub(self.rank())?;
        let mut strides = Dims::from_elem(0, target.len());
        for axis in 0..self.rank() {
            match (self.shape[axis], target[missing + axis]) {
                (from, to) if from == to => strides[missing + axis] = self.strides[axis],
                (1, _) => {}
                _ => return None,
            }
        }
        Some(Layout { shape: Dims::from_slice(target), strides, offset: self.offset })
    }

    /// The same elements under another shape without moving any, where strides allow.
    pub(crate) fn reshape(&self, shape: &[usize]) -> Option<Self> {
        debug_assert_eq!(self.len(), shape.iter().product::<usize>());
        if self.is_contiguous() {
            let layout = Layout::contiguous(shape);
            return Some(Layout { offset: self.offset, ..layout });
        }
        // Match groups of old axes, each laid out evenly in memory, with groups of new axes of the same size.
        let old: Vec<(usize, usize)> =
            self.shape.iter().copied().zip(self.strides.iter().copied()).filter(|&(n, _)| n != 1).collect();
        let mut strides = Dims::from_elem(1, shape.len());
        let (mut at, mut new) = (0, 0);
        while at < old.len() {
            let (mut old_len, mut new_len, begin) = (old[at].0, 1, new);
            let mut end = at + 1;
            while new < shape.len() && (new_len < old_len || shape[new] == 1) {
                new_len *= shape[new];
                new += 1;
                while old_len < new_len && end < old.len() {
                    if old[end - 1].1 != old[end].0 * old[end].1 {
                        return None;
                    }
                    old_len *= old[end].0;
                    end += 1;
                }
            }
            if old_len != new_len {
                return None;
            }
            let mut stride = old[end - 1].1;
            for axis in (begin..new).rev() {
                strides[axis] = stride;
                stride *= shape[axis];
            }
            at = end;
        }
        Some(Layout { shape: Dims::from_slice(shape), strides, offset: self.offset })
    }
}

/// The shape that both broadcast to under NumPy's rule: aligned at the last axis, equal or 1.
pub fn broadcast_shapes(operation: &str, a: &[usize], b: &[usize]) -> Result<Dims> {
    if a == b {
        return Ok(Dims::from_slice(a));
    }
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (n, m) if n == m => Ok(n),
            (1, n) | (n, 1) => Ok(n),
            (n, m) => Err(Error::shape(
                operation,
                format!(
                    "shapes {a:?} and {b:?} do not broadcast: aligned at the last axis, lengths {n} and {m} differ and \
                     neither is 1"
                ),
            )),
        })
        .collect()
}

/// An axis counted from the front, or from the back when negative.
pub fn resolve_axis(operation: &str, axis: isize, rank: usize) -> Result<usize> {
    let resolved = if axis < 0 { axis + rank as isize } else { axis };
    if resolved >= 0 && resolved < rank as isize {
        return Ok(resolved as usize);
    }
    Err(Error::index(
        operation,
        if rank == 0 {
            format!("axis {axis} does not exist: the tensor has no axes")
        } else {
            format!(
                "axis {axis} does not exist: a tensor with {rank} axes has axes {} to {}",
                -(rank as isize),
                rank - 1
            )
        },
    ))
}

/// One axis or several, for methods that reduce: `1`, `-1`, `[0, 2]`, `&[0, 2][..]`.
pub trait Axes {
    /// The axes as written, negative ones counting from the back.
    fn axes(&self) -> &[isize];
}

impl Axes for isize {
    fn axes(&self) -> &[isize] {
        std::slice::from_ref(self)
    }
}

impl<const N: usize> Axes for [isize; N] {
    fn axes(&self) -> &[isize] {
        self
    }
}

impl Axes for &[isize] {
    fn axes(&self) -> &[isize] {
        self
    }
}

/// Marks the named axes; naming one twice is an error.
pub(crate) fn mark_axes(operation: &str, axes: &[isize], rank: usize) -> Result<SmallVec<[bool; 6]>> {
    let mut marked = SmallVec::from_elem(false, rank);
    for &axis in axes {
        let resolved = resolve_axis(operation, axis, rank)?;
        if std::mem::replace(&mut marked[resolved], true) {
            return Err(Error::value(operation, format!("axis {axis} is named twice in {axes:?}")));
        }
    }
    Ok(marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshape_of_a_transpose_is_a_view_only_where_strides_allow() {
        let layout = Layout::contiguous(&[4, 6]).permute(&[1, 0]);
        assert!(layout.reshape(&[24]).is_none());
        let split = layout.reshape(&[2, 3, 4]).unwrap();
        assert_eq!(split.strides(), [3, 1, 6]);
        let ones = layout.reshape(&[6, 1, 4, 1]).unwrap();
        assert_eq!((ones.strides()[0], ones.strides()[2]), (1, 6));
    }

    #[test]
    fn reshape_merges_evenly_strided_axes() {
        let layout = Layout::contiguous(&[8, 3, 4]).slice(0, 0, 4, 2);
        assert!(layout.reshape(&[12, 4]).is_none());
        assert_eq!(layout.reshape(&[4, 12]).unwrap().strides(), [24, 1]);
        assert_eq!(layout.reshape(&[2, 2, 12]).unwrap().strides(), [48, 24, 1]);
    }

    #[test]
    fn shapes_broadcast_from_the_last_axis() {
        assert_eq!(broadcast_shapes("add", &[3, 1], &[4]).unwrap().as_slice(), [3, 4]);
        assert_eq!(broadcast_shapes("add", &[], &[2, 0]).unwrap().as_slice(), [2, 0]);
        let error = broadcast_shapes("add", &[2, 3], &[2, 4]).unwrap_err().to_string();
        assert!(error.contains("[2, 3]") && error.contains("lengths 3 and 4"), "{error}");
    }
}
