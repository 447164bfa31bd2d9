//! Gated linear units, fused: the halves are never copied, and their gradients are written where they belong.

use barehand_kernels::Buffer;
use barehand_kernels::gated_linear_unit::Gate;

use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::layout::{Dims, resolve_axis};
use crate::tensor::Tensor;

struct GatedLinearUnit {
    gate: Gate,
    gate_first: bool,
    axis: usize,
}

impl GatedLinearUnit {
    /// How many elements half of a row along the axis is.
    fn half(&self, shape: &[usize]) -> usize {
        shape[self.axis..].iter().product::<usize>() / 2
    }
}

impl<T: Float> Operator<T> for GatedLinearUnit {
    type Saved = Tensor<T>;

    fn name(&self) -> &'static str {
        self.gate.name()
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Tensor<T>)> {
        let x = inputs[0].packed();
        let mut out = Buffer::scratch(x.len() / 2);
        T::gated_linear_unit(self.gate, self.gate_first, x.packed_slice(), self.half(x.shape()), &mut out);
        let mut shape = Dims::from_slice(x.shape());
        shape[self.axis] /= 2;
        Ok((Tensor::from_buffer(out, &shape), x))
    }

    fn backward(&self, x: &Tensor<T>, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let mut dx = Buffer::scratch(x.len());
        let (half, grad) = (self.half(x.shape()), grad.packed());
        T::gated_linear_unit_backward(
            self.gate,
            self.gate_first,
            x.packed_slice(),
            half,
            grad.packed_slice(),
            &mut dx,
        );
        Ok(one(Tensor::from_buffer(dx, x.shape())))
    }
}

impl<T: Float> Tensor<T> {
    /// One half along an axis times the opened other: v gate(g), where g is the first half, or with `gate_first` false the
    /// second.
    ///
    /// # Errors
    /// When the axis does not exist or its length is odd.
    pub fn gated_linear_unit(&self, gate: Gate, gate_first: bool, axis: isize) -> Result<Tensor<T>> {
        if self.rank() == 0 {
            return Err(Error::shape(gate.name(), "a tensor of shape [] has no halves"));
        }
        let axis = resolve_axis(gate.name(), axis, self.rank())?;
        if !self.shape()[axis].is_multiple_of(2) {
            return Err(Error::shape(
                gate.name(),
                format!("axis {axis} of shape {:?} must have an even length, to be halved", self.shape()),
            ));
        }
        apply(GatedLinearUnit { gate, gate_first, axis }, &[self])
    }

    /// a sigmoid(b), where a and b are the halves along an axis (Dauphin et al. 2017; `torch.nn.functional.glu`): the gate is
    /// the second half.
    ///
    /// # Errors
    /// As [`gated_linear_unit`](Self::gated_linear_unit).
    pub fn glu(&self, axis: isize) -> Result<Tensor<T>> {
        self.gated_linear_unit(Gate::Sigmoid, false, axis)
    }

    /// silu(a) b (Shazeer 2020): the gate is the first half, as in the paper and in Llama's feed-forward layers.
    ///
    /// # Errors
    /// As [`gated_linear_unit`](Self::gated_linear_unit).
    pub fn swiglu(&self, axis: isize) -> Result<Tensor<T>> {
        self.gated_linear_unit(Gate::Silu, true, axis)
    }

    /// gelu(a) b (Shazeer 2020): the gate is the first half.
    ///
    /// # Errors
    /// As [`gated_linear_unit`](Self::gated_linear_unit).
    pub fn geglu(&self, axis: isize) -> Result<Tensor<T>> {
        self.gated_linear_unit(Gate::Gelu, true, axis)
    }

    /// relu(a) b (Shazeer 2020): the gate is the first half.
    ///
    /// # Errors
    /// As [`gated_linear_unit`](Self::gated_linear_unit).
    pub fn reglu(&self, axis: isize) -> Result<Tensor<T>> {
        self.gated_linear_unit(Gate::Relu, true, axis)
    }
}
