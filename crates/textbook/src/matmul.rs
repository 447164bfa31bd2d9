//! The matrix product.
//!
//! ```text
//! C_ij = sum_k A_ik B_kj        dA = dC B^T      dB = A^T dC
//! ```
//!
//! Axes before the last two are a stack of matrices and broadcast. PyTorch: `torch.matmul` (matrices and stacks).

use crate::array::{Array, broadcast_shape};
use crate::broadcast::sum_to;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// A (.., m, k) times B (.., k, n): shape (.., m, n).
pub fn matmul(a: &Array, b: &Array, trace: &mut Trace) -> Result<Array> {
    if a.rank() < 2 || b.rank() < 2 {
        let message = format!("needs matrices, got shapes {:?} and {:?}", a.shape(), b.shape());
        return Err(Error::new("matmul", message));
    }
    let (a_stack, a_matrix) = a.shape().split_at(a.rank() - 2);
    let (b_stack, b_matrix) = b.shape().split_at(b.rank() - 2);
    let (m, inner, n) = (a_matrix[0], a_matrix[1], b_matrix[1]);
    if b_matrix[0] != inner {
        let message =
            format!("{:?} x {:?}: the inner sizes {inner} and {} differ", a.shape(), b.shape(), b_matrix[0]);
        return Err(Error::new("matmul", message));
    }
    let mut shape = broadcast_shape(a_stack, b_stack)?;
    let stack = shape.len();
    shape.extend([m, n]);
    // An inner length of 1 must not read as a stretched axis: the stack alone broadcasts.
    let at = |x: &Array, index: &[usize], row: usize, column: usize| {
        let x_stack = x.rank() - 2;
        let mut own: Vec<usize> = index[stack - x_stack..stack]
            .iter()
            .zip(x.shape())
            .map(|(&i, &n)| if n == 1 { 0 } else { i })
            .collect();
        own.extend([row, column]);
        x.get(&own)
    };
    let c = Array::from_fn(&shape, |index| {
        let (i, j) = (index[stack], index[stack + 1]);
        (0..inner).map(|k| at(a, index, i, k) * at(b, index, k, j)).sum()
    });
    Ok(trace.step("C", "A B", c))
}

/// The gradients (dA, dB) from the gradient of the product.
pub fn matmul_backward(a: &Array, b: &Array, dc: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
    let c = matmul(a, b, &mut Trace::silent())?;
    dc.expect_shape("matmul_backward", "dC", c.shape())?;
    trace.section("matrix product: backward");
    let da = matmul(dc, &b.transpose()?, &mut Trace::silent())?;
    let db = matmul(&a.transpose()?, dc, &mut Trace::silent())?;
    let da = trace.step("dA", "dC B^T", sum_to(&da, a.shape())?);
    let db = trace.step("dB", "A^T dC", sum_to(&db, b.shape())?);
    Ok((da, db))
}
