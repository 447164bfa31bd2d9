//! Joining tensors.

use barehand_kernels::{Buffer, strided};

use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::layout::{Dims, Layout, resolve_axis};
use crate::tensor::Tensor;

struct Concat {
    axis: usize,
}

impl<T: Element> Operator<T> for Concat {
    /// The length of each input along the axis.
    type Saved = Dims;

    fn name(&self) -> &'static str {
        "concat"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        let lengths: Dims = inputs.iter().map(|x| x.shape()[self.axis]).collect();
        let mut shape = Dims::from_slice(inputs[0].shape());
        shape[self.axis] = lengths.iter().sum();
        let whole = Layout::contiguous(&shape);
        let mut out = Buffer::scratch(whole.len());
        let mut start = 0;
        for x in inputs {
            let window = whole.slice(self.axis, start, x.shape()[self.axis], 1);
            strided::assign(&mut out[window.offset()..], window.shape(), window.strides(), x.view());
            start += x.shape()[self.axis];
        }
        Ok((Tensor::from_buffer(out, &shape), lengths))
    }

    fn backward(&self, lengths: &Dims, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let mut start = 0;
        let pieces = lengths.iter().zip(wants).map(|(&len, &wanted)| {
            start += len;
            wanted.then(|| grad.with_layout(grad.layout.slice(self.axis, start - len, len, 1)))
        });
        Ok(pieces.collect())
    }
}

/// Tensors joined along an axis that they have (`torch.cat`, `numpy.concatenate`).
///
/// ```
/// # use barehand_tensor::{Tensor, concat};
/// let (a, b) = (Tensor::from([[1.0, 2.0]]), Tensor::from([[3.0, 4.0]]));
/// assert_eq!(concat(&[&a, &b], 1).unwrap().to_vec(), [1.0, 2.0, 3.0, 4.0]);
/// ```
///
/// # Errors
/// When there is nothing to join, or shapes differ in another axis.
pub fn concat<T: Element>(tensors: &[&Tensor<T>], axis: isize) -> Result<Tensor<T>> {
    let Some(first) = tensors.first() else {
        return Err(Error::value("concat", "no tensors to join"));
    };
    let at = resolve_axis("concat", axis, first.rank())?;
    for other in &tensors[1..] {
        let fits = other.rank() == first.rank()
            && other.shape().iter().zip(first.shape()).enumerate().all(|(i, (a, b))| i == at || a == b);
        if !fits {
            return Err(Error::shape(
                "concat",
                format!("shapes {:?} and {:?} differ in more than axis {axis}", first.shape(), other.shape()),
            ));
        }
    }
    apply(Concat { axis: at }, tensors)
}

/// Tensors of one shape joined along a new axis.
///
/// # Errors
/// When there is nothing to join, or shapes differ.
pub fn stack<T: Element>(tensors: &[&Tensor<T>], axis: isize) -> Result<Tensor<T>> {
    if let Some(other) = tensors.iter().find(|x| x.shape() != tensors[0].shape()) {
        return Err(Error::shape(
            "stack",
            format!("shapes {:?} and {:?} must be equal", tensors[0].shape(), other.shape()),
        ));
    }
    let unsqueezed = tensors.iter().map(|x| x.unsqueeze(axis)).collect::<Result<Vec<_>>>()?;
    concat(&unsqueezed.iter().collect::<Vec<_>>(), axis)
}
