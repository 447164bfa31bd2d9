//! Matrix products: single, batched, and the linear layer.

use barehand_kernels::Buffer;
use barehand_kernels::gemm::{Matrix, MatrixMut};

use super::arithmetic::{broadcast, sum_to};
use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::layout::{Dims, broadcast_shapes};
use crate::tensor::Tensor;

/// The last two axes as a matrix; the memory is that of the whole tensor.
pub(super) fn matrix<T: Element>(x: &Tensor<T>) -> Matrix<'_, T> {
    let (shape, strides, rank) = (x.shape(), x.strides(), x.rank());
    Matrix {
        data: x.view().data,
        rows: shape[rank - 2],
        cols: shape[rank - 1],
        row_stride: strides[rank - 2],
        col_stride: strides[rank - 1],
    }
}

/// Where each matrix of a batch starts.
pub(crate) fn batch_offsets(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0];
    for (&n, &stride) in shape.iter().zip(strides) {
        offsets = offsets.iter().flat_map(|o| (0..n).map(move |i| o + i * stride)).collect();
    }
    offsets
}

/// `a b` of two matrices.
fn single_product<T: Float>(a: Matrix<T>, b: Matrix<T>) -> Tensor<T> {
    let (m, n) = (a.rows, b.cols);
    let mut out = Buffer::scratch(m * n);
    T::gemm(T::ONE, a, b, T::ZERO, MatrixMut::row_major(&mut out, m, n));
    Tensor::from_buffer(out, &[m, n])
}

/// `a b` over the last two axes of each, batch axes broadcast.
fn product<T: Float>(a: &Tensor<T>, b: &Tensor<T>) -> Result<Tensor<T>> {
    if a.rank() == 2 && b.rank() == 2 {
        return Ok(single_product(matrix(a), matrix(b)));
    }
    let (m, n) = (a.shape()[a.rank() - 2], b.shape()[b.rank() - 1]);
    // A batch against one matrix is one tall product.
    if b.rank() == 2 && a.rank() > 2 && a.is_contiguous() {
        let k = b.shape()[0];
        let rows = a.len() / k.max(1);
        let tall = if k == 0 {
            Tensor::zeros([a.shape()[..a.rank() - 1].iter().product(), 0])
        } else {
            a.reshape_to(&[rows, k])?
        };
        let mut shape = Dims::from_slice(&a.shape()[..a.rank() - 1]);
        shape.push(n);
        return product(&tall, b)?.reshape_to(&shape);
    }
    let (a_batch, b_batch) = (&a.shape()[..a.rank() - 2], &b.shape()[..b.rank() - 2]);
    let mut shape = broadcast_shapes("matmul", a_batch, b_batch)?;
    let batch = shape.len();
    let repeat = |x: &Tensor<T>| {
        let mut target = shape.clone();
        target.extend_from_slice(&x.shape()[x.rank() - 2..]);
        broadcast("matmul", x, &target)
    };
    let (a, b) = (repeat(a)?, repeat(b)?);
    let count: usize = shape.iter().product();
    let mut out = Buffer::scratch(count * m * n);
    let a_offsets = batch_offsets(&shape, &a.strides()[..batch]);
    let b_offsets = batch_offsets(&shape, &b.strides()[..batch]);
    let c_offsets: Vec<usize> = (0..count).map(|i| i * m * n).collect();
    let c = MatrixMut::row_major(&mut out, m, n);
    T::gemm_batched(T::ONE, matrix(&a), &a_offsets, matrix(&b), &b_offsets, T::ZERO, c, &c_offsets);
    shape.extend_from_slice(&[m, n]);
    Ok(Tensor::from_buffer(out, &shape))
}

struct Matmul;

impl<T: Float> Operator<T> for Matmul {
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        "matmul"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (a, b) = (inputs[0].detach(), inputs[1].detach());
        Ok((product(&a, &b)?, (a, b)))
    }

    /// dA = dC Bᵀ and dB = Aᵀ dC, each summed over the batch axes it was repeated along.
    fn backward(&self, (a, b): &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let da = || Ok(sum_to(&product(grad, &b.t()?)?, a.shape()));
        let db = || {
            // One matrix shared by a whole batch: its gradient is one tall product, not a sum of many.
            if b.rank() == 2 && a.rank() > 2 && !a.is_empty() && !grad.is_empty() {
                let rows = |x: &Tensor<T>| x.packed().reshape([-1, x.shape()[x.rank() - 1] as isize]);
                return product(&rows(a)?.t()?, &rows(grad)?);
            }
            Ok(sum_to(&product(&a.t()?, grad)?, b.shape()))
        };
        let mut gradients = InputGradients::new();
        gradients.push(wants[0].then(da).transpose()?);
        gradients.push(wants[1].then(db).transpose()?);
        Ok(gradients)
    }
}

/// y = x Wᵀ + b, the bias added while the product is still in cache.
struct Linear;

impl<T: Float> Operator<T> for Linear {
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        "linear"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (x, w) = (inputs[0].detach(), inputs[1].detach());
        let bias = inputs.get(2).map(|b| b.packed());
        let (rows, outputs) = (x.shape()[0], w.shape()[0]);
        let mut out = Buffer::scratch(rows * outputs);
        T::linear(matrix(&x), matrix(&w), bias.as_ref().map(Tensor::packed_slice), &mut out);
        Ok((Tensor::from_buffer(out, &[rows, outputs]), (x, w)))
    }

    fn backward(&self, (x, w): &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let mut gradients = InputGradients::new();
        gradients.push(wants[0].then(|| single_product(matrix(grad), matrix(w))));
        gradients.push(wants[1].then(|| single_product(matrix(grad).transpose(), matrix(x))));
        if let Some(&wanted) = wants.get(2) {
            gradients.push(wanted.then(|| {
                let mut sums = Buffer::scratch(grad.shape()[1]);
                let grad = grad.packed();
                T::sum_to_columns(grad.packed_slice(), grad.shape()[0], grad.shape()[1], &mut sums);
                let n = sums.len();
                Tensor::from_buffer(sums, &[n])
            }));
        }
        Ok(gradients)
    }
}

impl<T: Float> Tensor<T> {
    /// The matrix product, with NumPy's rules: the last two axes multiply, the others broadcast, and a single axis is a
    /// row on the left and a column on the right.
    ///
    /// `(..., n, k) x (..., k, m) -> (..., n, m)`
    ///
    /// # Errors
    /// When the inner lengths differ, batch axes do not broadcast, or an operand has no axes.
    pub fn matmul(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        let (a, b) = (self, other);
        if a.rank() == 0 || b.rank() == 0 {
            return Err(Error::shape(
                "matmul",
                format!(
                    "shapes {:?} and {:?}: a scalar has no rows or columns; use mul",
                    a.shape(),
                    b.shape()
                ),
            ));
        }
        let inner = (a.shape()[a.rank() - 1], b.shape()[b.rank().saturating_sub(2)]);
        if inner.0 != inner.1 {
            return Err(Error::shape(
                "matmul",
                format!(
                    "shapes {:?} and {:?} do not fit: the left operand's last axis ({}) must equal the right operand's {} ({})",
                    a.shape(),
                    b.shape(),
                    inner.0,
                    if b.rank() == 1 { "only one" } else { "second to last" },
                    inner.1
                ),
            ));
        }
        let row = a.rank() == 1;
        let column = b.rank() == 1;
        let left = if row { a.unsqueeze(0)? } else { a.clone() };
        let right = if column { b.unsqueeze(1)? } else { b.clone() };
        let mut out = apply(Matmul, &[&left, &right])?;
        if column {
            out = out.squeeze(-1)?;
        }
        if row {
            out = out.squeeze(if column { -1 } else { -2 })?;
        }
        Ok(out)
    }

    /// The linear layer y = x Wᵀ + b (`torch.nn.functional.linear`): `x` is `(*, in)`, `weight` `(out, in)`, `bias` `(out)`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn linear(&self, weight: &Tensor<T>, bias: Option<&Tensor<T>>) -> Result<Tensor<T>> {
        let &[outputs, inputs] = weight.shape() else {
            return Err(Error::shape(
                "linear",
                format!("the weight has shape {:?}, not (out, in)", weight.shape()),
            ));
        };
        if self.rank() == 0 || self.shape()[self.rank() - 1] != inputs {
            return Err(Error::shape(
                "linear",
                format!(
                    "input of shape {:?} for a weight of shape {:?}: the input's last axis must be {inputs}",
                    self.shape(),
                    weight.shape()
                ),
            ));
        }
        if let Some(bias) = bias
            && bias.shape() != [outputs]
        {
            return Err(Error::shape(
                "linear",
                format!("the bias has shape {:?}, not [{outputs}]", bias.shape()),
            ));
        }
        let rows = self.shape()[..self.rank() - 1].iter().product();
        let x = if self.rank() == 2 { self.clone() } else { self.reshape_to(&[rows, inputs])? };
        let y = match bias {
            Some(bias) => apply(Linear, &[&x, weight, bias])?,
            None => apply(Linear, &[&x, weight])?,
        };
        if self.rank() == 2 {
            return Ok(y);
        }
        let mut shape = Dims::from_slice(&self.shape()[..self.rank() - 1]);
        shape.push(outputs);
        y.reshape_to(&shape)
    }

    /// The sum of products of two vectors.
    ///
    /// # Errors
    /// When the operands are not vectors of one length.
    pub fn dot(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        if self.rank() != 1 || self.shape() != other.shape() {
            return Err(Error::shape(
                "dot",
                format!(
                    "two vectors of one length expected, got shapes {:?} and {:?}",
                    self.shape(),
                    other.shape()
                ),
            ));
        }
        self.matmul(other)
    }
}
