//! A borrowed, strided, n-dimensional window on a slice: how kernels receive arrays.

/// Elements of `data` addressed by `shape` and `strides` (both outermost first, in elements). A stride of 0 repeats an
/// axis (broadcasting). `data[0]` is the element at index `[0, 0, ...]`. A zero-dimensional view holds one element.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// The memory, from the first element on.
    pub data: &'a [T],
    /// Length of each axis.
    pub shape: &'a [usize],
    /// Elements to step over for one step along each axis.
    pub strides: &'a [usize],
}

impl<'a, T> View<'a, T> {
    /// A view whose last addressed element must lie inside `data`.
    pub fn new(data: &'a [T], shape: &'a [usize], strides: &'a [usize]) -> Self {
        assert_eq!(shape.len(), strides.len(), "one stride for each axis");
        let view = View { data, shape, strides };
        assert!(
            view.is_empty() || view.last_offset() < data.len(),
            "view {shape:?} with strides {strides:?} reaches past {} elements",
            data.len()
        );
        view
    }

    /// How many elements the view addresses.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether some axis has length 0.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Offset of the element with the largest index.
    fn last_offset(&self) -> usize {
        self.shape.iter().zip(self.strides).map(|(n, s)| (n - 1) * s).sum()
    }

    /// Whether the elements lie one after another in row-major order.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&n, &stride) in self.shape.iter().zip(self.strides).rev() {
            if n != 1 && stride != expected {
                return self.is_empty();
            }
            expected *= n;
        }
        true
    }

    /// The elements as one slice, where they are contiguous.
    pub fn as_slice(&self) -> Option<&'a [T]> {
        self.is_contiguous().then(|| &self.data[..self.len()])
    }
}
