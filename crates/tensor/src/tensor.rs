//! The array: memory, a layout over it, and its place on the tape.

use std::sync::Arc;

use barehand_kernels::view::View;
use barehand_kernels::{Buffer, strided};

use crate::autograd::tape::Node;
use crate::element::{DType, Element, Float};
use crate::error::{Error, Result};
use crate::layout::{Dims, Layout};

/// An n-dimensional array of `T` (`f32` unless said otherwise), cheap to clone.
///
/// Clones and views share memory; whoever writes first gets a copy of their own, so a value that another tensor or the
/// tape holds never changes under it.
///
/// ```
/// use barehand_tensor::Tensor;
/// # fn main() -> barehand_tensor::Result<()> {
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
/// let loss = x.square()?.sum()?;
/// let gradients = loss.backward()?;
/// assert_eq!(gradients.of(&x)?.to_vec(), [2.0, 4.0, 6.0, 8.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tensor<T: Element = f32> {
    pub(crate) storage: Arc<Buffer<T>>,
    pub(crate) layout: Layout,
    pub(crate) node: Option<Arc<Node<T>>>,
}

impl<T: Element> Tensor<T> {
    /// Row-major memory under a shape of the same size.
    pub(crate) fn from_buffer(buffer: Buffer<T>, shape: &[usize]) -> Self {
        debug_assert_eq!(buffer.len(), shape.iter().product::<usize>());
        Tensor { storage: Arc::new(buffer), layout: Layout::contiguous(shape), node: None }
    }

    /// Memory under a shape and strides (in elements, from the first element on): how memory of another library comes in.
    ///
    /// # Errors
    /// When there is not one stride for each axis, or an element lies beyond the memory.
    pub fn from_strided(buffer: Buffer<T>, shape: &[usize], strides: &[usize]) -> Result<Self> {
        let count = element_count("from_strided", shape)?;
        let last = shape.iter().zip(strides).try_fold(0usize, |last, (&n, &stride)| {
            n.saturating_sub(1).checked_mul(stride).and_then(|step| last.checked_add(step))
        });
        if shape.len() != strides.len() || (count > 0 && last.is_none_or(|last| last >= buffer.len())) {
            return Err(Error::shape(
                "from_strided",
                format!(
                    "shape {shape:?} with strides {strides:?} leaves memory of {} elements",
                    buffer.len()
                ),
            ));
        }
        let layout = Layout::strided(Dims::from_slice(shape), Dims::from_slice(strides), 0);
        Ok(Tensor { storage: Arc::new(buffer), layout, node: None })
    }

    /// The memory from the first element on, over which [`strides`](Self::strides) step.
    pub fn memory(&self) -> &[T] {
        &self.storage[self.layout.offset()..]
    }

    /// Whether another tensor, the tape, or another library holds the same memory, so that writing needs a copy.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.storage) > 1 || self.storage.is_foreign()
    }

    /// Takes the values of another tensor of the same shape, sharing its memory; a leaf keeps its identity.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn set_data(&mut self, values: &Tensor<T>) -> Result<()> {
        if self.shape() != values.shape() {
            return Err(Error::shape(
                "set_data",
                format!("values of shape {:?} for a tensor of shape {:?}", values.shape(), self.shape()),
            ));
        }
        self.storage = values.storage.clone();
        self.layout = values.layout.clone();
        Ok(())
    }

    /// Another layout over the same memory, off the tape.
    pub(crate) fn with_layout(&self, layout: Layout) -> Self {
        Tensor { storage: self.storage.clone(), layout, node: None }
    }

    /// A tensor of the given shape from values in row-major order.
    ///
    /// # Errors
    /// When the number of values is not the product of the shape.
    pub fn from_vec(values: Vec<T>, shape: impl AsRef<[usize]>) -> Result<Self> {
        Self::from_slice(&values, shape)
    }

    /// A tensor of the given shape that copies values in row-major order.
    ///
    /// # Errors
    /// When the number of values is not the product of the shape.
    pub fn from_slice(values: &[T], shape: impl AsRef<[usize]>) -> Result<Self> {
        let shape = shape.as_ref();
        let expected = element_count("from_slice", shape)?;
        if values.len() != expected {
            return Err(Error::shape(
                "from_slice",
                format!("{} values cannot fill shape {shape:?}, which holds {expected}", values.len()),
            ));
        }
        Ok(Self::from_buffer(Buffer::copy_of(values), shape))
    }

    /// One value, no axes.
    pub fn scalar(value: T) -> Self {
        Self::from_buffer(Buffer::filled(1, value), &[])
    }

    /// Every element `value`.
    pub fn full(shape: impl AsRef<[usize]>, value: T) -> Self {
        let shape = shape.as_ref();
        Self::from_buffer(Buffer::filled(shape.iter().product(), value), shape)
    }

    /// Every element 0 (or false).
    pub fn zeros(shape: impl AsRef<[usize]>) -> Self {
        let shape = shape.as_ref();
        Self::from_buffer(Buffer::zeroed(shape.iter().product()), shape)
    }

    /// Every element 1 (or true).
    pub fn ones(shape: impl AsRef<[usize]>) -> Self {
        Self::full(shape, T::from_integer(1))
    }

    /// Zeros in the shape of `self`.
    pub fn zeros_like(&self) -> Self {
        Self::zeros(self.shape())
    }

    /// Ones in the shape of `self`.
    pub fn ones_like(&self) -> Self {
        Self::ones(self.shape())
    }

    /// `start, start + step, ...` up to and excluding `end` (NumPy's and PyTorch's `arange`).
    ///
    /// # Errors
    /// When `step` is 0, leads away from `end`, or is not finite.
    pub fn arange(start: f64, end: f64, step: f64) -> Result<Self> {
        let count = ((end - start) / step).ceil();
        if step == 0.0 || !count.is_finite() || (count < 0.0) {
            return Err(Error::value(
                "arange",
                format!("no sequence leads from {start} to {end} by steps of {step}"),
            ));
        }
        let values: Buffer<T> = (0..count as usize).map(|i| T::from_real(start + i as f64 * step)).collect();
        let shape = [values.len()];
        Ok(Self::from_buffer(values, &shape))
    }

    /// `count` evenly spaced values from `start` to `end`, both included.
    pub fn linspace(start: f64, end: f64, count: usize) -> Self {
        let step = if count > 1 { (end - start) / (count - 1) as f64 } else { 0.0 };
        // From both ends toward the middle, so that the last value is `end` exactly.
        let values: Buffer<T> = (0..count)
            .map(|i| {
                if i < count.div_ceil(2) {
                    start + i as f64 * step
                } else {
                    end - (count - 1 - i) as f64 * step
                }
            })
            .map(T::from_real)
            .collect();
        Self::from_buffer(values, &[count])
    }

    /// The identity matrix.
    pub fn eye(n: usize) -> Self {
        let mut buffer = Buffer::zeroed(n * n);
        buffer.iter_mut().step_by(n + 1).for_each(|value| *value = T::from_integer(1));
        Self::from_buffer(buffer, &[n, n])
    }

    /// Length of each axis, outermost first.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// Elements to step over along each axis.
    #[inline]
    pub fn strides(&self) -> &[usize] {
        self.layout.strides()
    }

    /// Shape, strides and offset.
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.layout.rank()
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// The element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        T::DTYPE
    }

    /// Whether the elements lie one after another in row-major order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.layout.is_contiguous()
    }

    /// The elements as kernels take them.
    #[inline]
    pub(crate) fn view(&self) -> View<'_, T> {
        View {
            data: &self.storage[self.layout.offset()..],
            shape: self.layout.shape(),
            strides: self.layout.strides(),
        }
    }

    /// The elements as a slice in row-major order, where they lie so.
    #[inline]
    pub fn as_slice(&self) -> Option<&[T]> {
        self.is_contiguous().then(|| &self.storage[self.layout.offset()..][..self.len()])
    }

    /// The elements in row-major order, as a contiguous tensor off the tape: `self` where it is one already.
    pub(crate) fn packed(&self) -> Tensor<T> {
        if self.is_contiguous() { self.detach() } else { self.copied() }
    }

    /// The slice of a tensor made by [`packed`](Self::packed).
    #[inline]
    pub(crate) fn packed_slice(&self) -> &[T] {
        debug_assert!(self.is_contiguous());
        &self.storage[self.layout.offset()..][..self.len()]
    }

    /// A row-major copy with memory of its own, off the tape.
    pub(crate) fn copied(&self) -> Tensor<T> {
        let mut buffer = Buffer::scratch(self.len());
        strided::copy(self.view(), &mut buffer);
        Tensor::from_buffer(buffer, self.shape())
    }

    /// The same values in row-major order; the same tensor where they lie so already.
    #[must_use]
    pub fn contiguous(&self) -> Tensor<T> {
        if self.is_contiguous() {
            return self.clone();
        }
        Tensor { node: self.node.clone(), ..self.copied() }
    }

    /// The elements in row-major order.
    pub fn to_vec(&self) -> Vec<T> {
        self.packed().packed_slice().to_vec()
    }

    /// The only element.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub fn item(&self) -> Result<T> {
        if self.len() == 1 {
            return Ok(self.storage[self.layout.offset()]);
        }
        Err(Error::shape("item", format!("shape {:?} holds {} elements, not one", self.shape(), self.len())))
    }

    /// The element at an index.
    ///
    /// # Errors
    /// When the index has the wrong length or leaves the shape.
    pub fn at(&self, index: impl AsRef<[usize]>) -> Result<T> {
        let index = index.as_ref();
        if index.len() != self.rank() || index.iter().zip(self.shape()).any(|(i, n)| i >= n) {
            return Err(Error::index("at", format!("index {index:?} is outside shape {:?}", self.shape())));
        }
        let offset: usize = index.iter().zip(self.strides()).map(|(i, s)| i * s).sum();
        Ok(self.storage[self.layout.offset() + offset])
    }

    /// The elements for writing, in row-major order: in place where nobody shares the memory, otherwise in a copy.
    /// Writing is not recorded; a leaf keeps its identity, so this is how optimizers update parameters.
    pub fn data_mut(&mut self) -> &mut [T] {
        if !self.is_contiguous() {
            let copied = self.copied();
            self.storage = copied.storage;
            self.layout = copied.layout;
        } else if exclusive(&mut self.storage).is_none() {
            // Copy only this view's elements, not all the memory it looks at.
            let values = Buffer::copy_of(self.packed_slice());
            self.layout = Layout::contiguous(self.layout.shape());
            self.storage = Arc::new(values);
        }
        let (offset, len) = (self.layout.offset(), self.len());
        let buffer = exclusive(&mut self.storage).expect("made unique above");
        &mut buffer[offset..offset + len]
    }

    /// The elements of a contiguous tensor that nobody shares.
    pub(crate) fn unique_data_mut(&mut self) -> Option<&mut [T]> {
        if !self.is_contiguous() {
            return None;
        }
        let (offset, len) = (self.layout.offset(), self.len());
        exclusive(&mut self.storage).map(|buffer| &mut buffer[offset..offset + len])
    }

    /// Converts every element: floats to integers truncate, anything to `bool` asks whether it is nonzero. Not recorded.
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        let mut buffer = Buffer::scratch(self.len());
        let through_integers =
            !matches!(T::DTYPE, DType::F32 | DType::F64) && !matches!(U::DTYPE, DType::F32 | DType::F64);
        if through_integers {
            strided::cast(self.view(), &mut buffer, |x: T| U::from_integer(x.as_i64()));
        } else {
            strided::cast(self.view(), &mut buffer, |x: T| U::from_real(x.as_f64()));
        }
        Tensor::from_buffer(buffer, self.shape())
    }

    /// The same values, off the tape.
    #[must_use]
    #[inline]
    pub fn detach(&self) -> Tensor<T> {
        Tensor { storage: self.storage.clone(), layout: self.layout.clone(), node: None }
    }

    /// Whether both look into one memory, wherever their elements lie in it.
    pub fn shares_memory(&self, other: &Tensor<T>) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }

    /// Whether both show the same memory through the same layout.
    pub fn same_memory(&self, other: &Tensor<T>) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage) && self.layout == other.layout
    }

    /// Whether one is a clone of the other: the same memory under the same layout, and the same place on the tape.
    pub fn is_clone_of(&self, other: &Tensor<T>) -> bool {
        self.same_memory(other) && self.node_id() == other.node_id()
    }
}

impl<T: Float> Tensor<T> {
    /// The largest absolute difference between two tensors of one shape, NaN where either has one.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn max_abs_diff(&self, other: &Tensor<T>) -> Result<f64> {
        if self.shape() != other.shape() {
            return Err(Error::shape(
                "max_abs_diff",
                format!("shapes {:?} and {:?} must be equal", self.shape(), other.shape()),
            ));
        }
        let (a, b) = (self.packed(), other.packed());
        let differences = a.packed_slice().iter().zip(b.packed_slice()).map(|(&x, &y)| {
            let (x, y) = (x.as_f64(), y.as_f64());
            if x == y { 0.0 } else { (x - y).abs() }
        });
        Ok(differences.fold(0.0, |worst: f64, d| if d > worst || d.is_nan() { d } else { worst }))
    }
}

/// Memory that nobody else holds and that is ours to write.
fn exclusive<T: Element>(storage: &mut Arc<Buffer<T>>) -> Option<&mut Buffer<T>> {
    Arc::get_mut(storage).filter(|buffer| !buffer.is_foreign())
}

/// The product of a shape, refused where it overflows.
pub(crate) fn element_count(operation: &str, shape: &[usize]) -> Result<usize> {
    shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n)).ok_or_else(|| {
        Error::shape(operation, format!("shape {shape:?} holds more elements than memory can address"))
    })
}

impl<T: Element> From<T> for Tensor<T> {
    fn from(value: T) -> Self {
        Tensor::scalar(value)
    }
}

impl<T: Element> From<Vec<T>> for Tensor<T> {
    fn from(values: Vec<T>) -> Self {
        Tensor::from_buffer(Buffer::copy_of(&values), &[values.len()])
    }
}

impl<T: Element> From<&[T]> for Tensor<T> {
    fn from(values: &[T]) -> Self {
        Tensor::from_buffer(Buffer::copy_of(values), &[values.len()])
    }
}

impl<T: Element, const N: usize> From<[T; N]> for Tensor<T> {
    fn from(values: [T; N]) -> Self {
        Tensor::from(&values[..])
    }
}

impl<T: Element, const N: usize, const M: usize> From<[[T; M]; N]> for Tensor<T> {
    fn from(values: [[T; M]; N]) -> Self {
        Tensor::from_buffer(Buffer::copy_of(values.as_flattened()), &[N, M])
    }
}

impl<T: Element, const N: usize, const M: usize, const L: usize> From<[[[T; L]; M]; N]> for Tensor<T> {
    fn from(values: [[[T; L]; M]; N]) -> Self {
        Tensor::from_buffer(Buffer::copy_of(values.as_flattened().as_flattened()), &[N, M, L])
    }
}

impl<T: Element> PartialEq for Tensor<T> {
    /// Equal shapes and equal elements (so a NaN is never equal), wherever they lie in memory.
    fn eq(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.packed().packed_slice() == other.packed().packed_slice()
    }
}

/// The shape with marked axes removed, or kept at length 1.
pub(crate) fn reduced_shape(shape: &[usize], reduced: &[bool], keepdim: bool) -> Dims {
    shape
        .iter()
        .zip(reduced)
        .filter_map(|(&n, &gone)| if gone { keepdim.then_some(1) } else { Some(n) })
        .collect()
}

impl<T: Element> std::fmt::Debug for Tensor<T> {
    /// Type and shape only, so that a structure full of weights stays readable; `Display` shows the elements.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor<{}>{:?}", T::DTYPE, self.shape())
    }
}
