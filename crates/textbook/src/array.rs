//! The array of the textbook: `f64` numbers, a shape, row-major order, nothing else.

use std::ops::{Index, IndexMut};

use crate::error::{Error, Result};

/// A dense array of `f64` in row-major order. A scalar has shape `[]` and one element.
///
/// Arrays are read and written by multi-index, `x[[row, column]]`, or by position in memory, `x[5]`. Like indexing a
/// `Vec`, that panics outside the array; blocks check shapes before they index.
///
/// ```
/// use barehand_textbook::Array;
///
/// let x = Array::matrix([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let mean = x.sum_along(&[1]).map(|s| s / 3.0); // shape [2, 1]
/// let centred = x.zip(&mean, |x, mean| x - mean)?; // broadcasts
/// assert_eq!(centred[[1, 0]], -1.0);
/// # Ok::<(), barehand_textbook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Array {
    /// An array of `shape` over `data`, the last index running fastest. An error if the sizes differ.
    pub fn new(shape: &[usize], data: Vec<f64>) -> Result<Self> {
        if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(data.len()) {
            return Err(Error::new("array", format!("shape {shape:?} does not hold {} numbers", data.len())));
        }
        Ok(Array { shape: shape.to_vec(), data })
    }

    /// An array whose element at each multi-index is `f(index)`.
    pub fn from_fn(shape: &[usize], mut f: impl FnMut(&[usize]) -> f64) -> Self {
        let data = indices(shape).map(|index| f(&index)).collect();
        Array { shape: shape.to_vec(), data }
    }

    /// An array of `shape` that holds `value` everywhere.
    pub fn filled(shape: &[usize], value: f64) -> Self {
        Array { shape: shape.to_vec(), data: vec![value; shape.iter().product()] }
    }

    /// An array of zeros.
    pub fn zeros(shape: &[usize]) -> Self {
        Array::filled(shape, 0.0)
    }

    /// One number, shape `[]`.
    pub fn scalar(value: f64) -> Self {
        Array { shape: vec![], data: vec![value] }
    }

    /// A vector, shape `[n]`.
    pub fn vector(values: &[f64]) -> Self {
        Array { shape: vec![values.len()], data: values.to_vec() }
    }

    /// A matrix, shape `[rows, columns]`.
    pub fn matrix<const R: usize, const C: usize>(rows: [[f64; C]; R]) -> Self {
        Array { shape: vec![R, C], data: rows.concat() }
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The numbers in row-major order.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// The numbers in row-major order, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// The same numbers under another shape of the same size.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        Array::new(shape, self.data.clone()).map_err(|_| {
            Error::new("reshape", format!("{:?} cannot become {shape:?}: sizes differ", self.shape))
        })
    }

    /// The last two axes exchanged: `(.., m, n)` becomes `(.., n, m)`.
    pub fn transpose(&self) -> Result<Self> {
        let rank = self.rank();
        if rank < 2 {
            return Err(Error::new(
                "transpose",
                format!("needs two axes or more, got shape {:?}", self.shape),
            ));
        }
        let mut shape = self.shape.clone();
        shape.swap(rank - 2, rank - 1);
        Ok(Array::from_fn(&shape, |index| {
            let mut source = index.to_vec();
            source.swap(rank - 2, rank - 1);
            self.get(&source)
        }))
    }

    /// The element at a multi-index of any length.
    pub fn get(&self, index: &[usize]) -> f64 {
        self.data[self.position(index)]
    }

    /// Where the element at `index` lies in [`Array::data`].
    pub fn position(&self, index: &[usize]) -> usize {
        assert_eq!(index.len(), self.shape.len(), "index {index:?} into shape {:?}", self.shape);
        index.iter().zip(&self.shape).fold(0, |position, (&i, &n)| {
            assert!(i < n, "index {index:?} outside shape {:?}", self.shape);
            position * n + i
        })
    }

    /// `f` of every element.
    #[must_use]
    pub fn map(&self, f: impl FnMut(f64) -> f64) -> Self {
        Array { shape: self.shape.clone(), data: self.data.iter().copied().map(f).collect() }
    }

    /// `f(a, b)` of every pair of elements, the two shapes broadcast as NumPy does.
    pub fn zip(&self, other: &Array, mut f: impl FnMut(f64, f64) -> f64) -> Result<Self> {
        let shape = broadcast_shape(&self.shape, &other.shape)?;
        Ok(Array::from_fn(&shape, |index| f(self.get_broadcast(index), other.get_broadcast(index))))
    }

    /// The element that `index` of a broadcast shape repeats.
    pub fn get_broadcast(&self, index: &[usize]) -> f64 {
        let skipped = index.len() - self.rank();
        let own: Vec<usize> =
            index[skipped..].iter().zip(&self.shape).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
        self.get(&own)
    }

    /// The positions of each line of elements along `axis`, one list a line.
    pub fn lanes(&self, axis: usize) -> Vec<Vec<usize>> {
        let (n, inner) = (self.shape[axis], self.shape[axis + 1..].iter().product::<usize>());
        let outer: usize = self.shape[..axis].iter().product();
        let lane = |o: usize, i: usize| (0..n).map(|k| (o * n + k) * inner + i).collect();
        (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))).map(|(o, i)| lane(o, i)).collect()
    }

    /// `f` of each line of elements along `axis`, which stays as an axis of length 1.
    #[must_use]
    pub fn fold_along(&self, axis: usize, mut f: impl FnMut(&[f64]) -> f64) -> Self {
        let mut shape = self.shape.clone();
        shape[axis] = 1;
        let line = |lane: Vec<usize>| lane.into_iter().map(|i| self.data[i]).collect::<Vec<_>>();
        Array { shape, data: self.lanes(axis).into_iter().map(|lane| f(&line(lane))).collect() }
    }

    /// The sum over `axes`, each of which stays as an axis of length 1.
    #[must_use]
    pub fn sum_along(&self, axes: &[usize]) -> Self {
        axes.iter().fold(self.clone(), |sum, &axis| sum.fold_along(axis, |line| line.iter().sum()))
    }

    /// The largest element along `axis`, which stays as an axis of length 1.
    #[must_use]
    pub fn max_along(&self, axis: usize) -> Self {
        self.fold_along(axis, |line| line.iter().copied().fold(f64::NEG_INFINITY, maximum))
    }

    /// The sum of all elements.
    pub fn sum(&self) -> f64 {
        self.data.iter().sum()
    }

    /// `axis` counted from the front; a negative one counts from the back, -1 being the last.
    pub fn axis(&self, operation: &str, axis: isize) -> Result<usize> {
        let rank = self.rank() as isize;
        if axis < -rank || axis >= rank {
            return Err(Error::new(
                operation,
                format!("axis {axis} does not exist in shape {:?}", self.shape),
            ));
        }
        Ok(axis.rem_euclid(rank) as usize)
    }

    /// An error unless this array, called `name` in its message, has `shape`.
    pub fn expect_shape(&self, operation: &str, name: &str, shape: &[usize]) -> Result<()> {
        if self.shape == shape {
            return Ok(());
        }
        Err(Error::new(operation, format!("{name} must have shape {shape:?}, got {:?}", self.shape)))
    }

    /// An error unless this array, called `name` in its message, has `rank` axes.
    pub fn expect_rank(&self, operation: &str, name: &str, rank: usize) -> Result<()> {
        if self.rank() == rank {
            return Ok(());
        }
        Err(Error::new(operation, format!("{name} must have {rank} axes, got shape {:?}", self.shape)))
    }
}

/// Every multi-index of `shape`, the last one running fastest.
pub fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    (0..shape.iter().product()).map(move |mut position: usize| {
        let mut index = vec![0; shape.len()];
        for (i, &n) in index.iter_mut().zip(shape).rev() {
            *i = position % n;
            position /= n;
        }
        index
    })
}

/// The larger of two numbers, not-a-number if either is (unlike `f64::max`, which hides it).
pub(crate) fn maximum(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// The shape that `a` and `b` broadcast to: aligned at the last axis, a length of 1 stretches.
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length = |shape: &[usize], axis: usize| {
        if axis + shape.len() < rank { 1 } else { shape[axis + shape.len() - rank] }
    };
    (0..rank)
        .map(|axis| match (length(a, axis), length(b, axis)) {
            (m, n) if m == n => Ok(m),
            (1, n) => Ok(n),
            (m, 1) => Ok(m),
            _ => Err(Error::new(
                "broadcast",
                format!("shapes {a:?} and {b:?} differ in an axis where neither is 1"),
            )),
        })
        .collect()
}

impl<const N: usize> Index<[usize; N]> for Array {
    type Output = f64;

    fn index(&self, index: [usize; N]) -> &f64 {
        &self.data[self.position(&index)]
    }
}

impl<const N: usize> IndexMut<[usize; N]> for Array {
    fn index_mut(&mut self, index: [usize; N]) -> &mut f64 {
        let position = self.position(&index);
        &mut self.data[position]
    }
}

impl Index<usize> for Array {
    type Output = f64;

    fn index(&self, position: usize) -> &f64 {
        &self.data[position]
    }
}

impl IndexMut<usize> for Array {
    fn index_mut(&mut self, position: usize) -> &mut f64 {
        &mut self.data[position]
    }
}
