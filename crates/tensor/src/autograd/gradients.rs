//! What a backward pass returns.

use std::collections::BTreeMap;

use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The gradients of one scalar with respect to the leaves it was computed from.
///
/// Nothing accumulates behind the caller's back: each [`backward`](Tensor::backward) returns gradients of its own, and
/// [`accumulate`](Gradients::accumulate) adds them up where several passes form one step.
#[derive(Clone)]
pub struct Gradients<T: Element = f32> {
    by_leaf: BTreeMap<u64, Tensor<T>>,
}

impl<T: Element> Default for Gradients<T> {
    fn default() -> Self {
        Gradients { by_leaf: BTreeMap::new() }
    }
}

impl<T: Element> Gradients<T> {
    pub(crate) fn insert(&mut self, leaf: u64, grad: Tensor<T>) {
        self.by_leaf.insert(leaf, grad);
    }

    /// The gradient with respect to `leaf`, where it took part.
    pub fn get(&self, leaf: &Tensor<T>) -> Option<&Tensor<T>> {
        self.by_leaf.get(&leaf.node_id()?)
    }

    /// Replaces, or adds, the gradient of `leaf`: for hand-made gradients and clipping.
    ///
    /// # Errors
    /// When `leaf` is not a leaf, or the shapes differ.
    pub fn set(&mut self, leaf: &Tensor<T>, grad: Tensor<T>) -> Result<()> {
        match leaf.node_id() {
            Some(id) if leaf.is_leaf() && leaf.shape() == grad.shape() => {
                self.by_leaf.insert(id, grad.detach());
                Ok(())
            }
            Some(_) if leaf.is_leaf() => Err(Error::shape(
                "set gradient",
                format!("the gradient has shape {:?}, the leaf {:?}", grad.shape(), leaf.shape()),
            )),
            _ => Err(Error::gradient("set gradient", "only a leaf made by requires_grad has a gradient")),
        }
    }

    /// The gradient with respect to `leaf`.
    ///
    /// # Errors
    /// When `leaf` took no part in the computation, or does not require a gradient.
    pub fn of(&self, leaf: &Tensor<T>) -> Result<&Tensor<T>> {
        self.get(leaf).ok_or_else(|| {
            Error::gradient(
                "gradient",
                if leaf.is_leaf() {
                    format!("the tensor of shape {:?} took no part in what was differentiated", leaf.shape())
                } else {
                    format!("the tensor of shape {:?} is not a leaf made by requires_grad", leaf.shape())
                },
            )
        })
    }

    /// Takes the gradient with respect to `leaf` out.
    pub fn remove(&mut self, leaf: &Tensor<T>) -> Option<Tensor<T>> {
        self.by_leaf.remove(&leaf.node_id()?)
    }

    /// How many leaves got a gradient.
    pub fn len(&self) -> usize {
        self.by_leaf.len()
    }

    /// Whether no leaf got a gradient.
    pub fn is_empty(&self) -> bool {
        self.by_leaf.is_empty()
    }

    /// Every gradient, in the order in which its leaf was made.
    pub fn iter(&self) -> impl Iterator<Item = &Tensor<T>> {
        self.by_leaf.values()
    }
}

impl<T: Float> Gradients<T> {
    /// Adds another pass's gradients to these.
    ///
    /// # Errors
    /// Never for gradients of the same leaves; a shape error is passed on.
    pub fn accumulate(&mut self, other: Gradients<T>) -> Result<()> {
        for (leaf, grad) in other.by_leaf {
            match self.by_leaf.entry(leaf) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(grad);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    super::tape::accumulate(entry.get_mut(), grad)?;
                }
            }
        }
        Ok(())
    }

    /// Multiplies every gradient by `factor`, in place where possible.
    pub fn scale(&mut self, factor: T) {
        for grad in self.by_leaf.values_mut() {
            T::unary_assign(barehand_kernels::elementwise::Unary::MulScalar(factor), grad.data_mut());
        }
    }

    /// The Euclidean norm of all gradients together: sqrt(sum of every squared element).
    pub fn norm(&self) -> f64 {
        self.by_leaf.values().map(|grad| T::sum_squares(grad.packed().packed_slice())).sum::<f64>().sqrt()
    }
}

impl<T: Element> std::fmt::Debug for Gradients<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.by_leaf.values()).finish()
    }
}
