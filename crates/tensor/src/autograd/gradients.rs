//! What a backward pass returns.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use barehand_kernels::elementwise::Unary;

use super::tape::{Found, Tag};
use crate::any_tensor::AnyTensor;
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The gradients of one scalar with respect to the leaves it was computed from.
///
/// Nothing accumulates behind the caller's back: each [`backward`](Tensor::backward) returns gradients of its own, and
/// [`accumulate`](Gradients::accumulate) adds them up where several passes form one step.
#[derive(Clone)]
pub struct Gradients<T: Float = f32> {
    by_leaf: Leaves<T>,
    /// Of leaves of the other precision, which took part through [`Tensor::to`].
    other: Leaves<T::Other>,
}

/// The gradients of one precision, in the order in which their leaves were made.
pub type Leaves<T> = BTreeMap<u64, Found<T>>;

impl<T: Float> Default for Gradients<T> {
    fn default() -> Self {
        Gradients { by_leaf: BTreeMap::new(), other: BTreeMap::new() }
    }
}

impl<T: Float> Gradients<T> {
    /// The gradient with respect to `leaf`, where it took part.
    pub fn get(&self, leaf: &Tensor<T>) -> Option<&Tensor<T>> {
        self.by_leaf.get(&leaf.node_id()?).map(|found| &found.grad)
    }

    /// Replaces, or adds, the gradient of `leaf`: for hand-made gradients and clipping.
    ///
    /// # Errors
    /// When `leaf` is not a leaf, or the shapes differ.
    pub fn set(&mut self, leaf: &Tensor<T>, grad: Tensor<T>) -> Result<()> {
        match leaf.node_id() {
            Some(id) if leaf.is_leaf() && leaf.shape() == grad.shape() => {
                self.by_leaf.insert(id, Found { grad: grad.detach(), tag: None });
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
        self.by_leaf.remove(&leaf.node_id()?).map(|found| found.grad)
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
        self.by_leaf.values().map(|found| &found.grad)
    }

    /// The gradient with respect to a leaf of the other precision, which took part through [`Tensor::to`].
    pub fn of_other(&self, leaf: &Tensor<T::Other>) -> Option<&Tensor<T::Other>> {
        self.other.get(&leaf.node_id()?).map(|found| &found.grad)
    }

    /// The gradient with respect to a tensor of either precision, where it was found.
    pub fn of_either<U: Float>(&self, tensor: &Tensor<U>) -> Option<&Tensor<U>> {
        fn found<'a, T: Float, U: Float>(leaves: &'a Leaves<T>, tensor: &Tensor<U>) -> Option<&'a Tensor<U>> {
            let grad: &dyn Any = &leaves.get(&tensor.node_id()?)?.grad;
            grad.downcast_ref::<Tensor<U>>()
        }
        found(&self.by_leaf, tensor).or_else(|| found(&self.other, tensor))
    }

    /// What a walk through both precisions found, seen from one of them.
    pub(crate) fn of_worlds(single: Leaves<f32>, double: Leaves<f64>) -> Self {
        let (by_leaf, other) = T::own_and_other(single, double);
        Gradients { by_leaf, other }
    }

    /// Every gradient whose leaf carries a tag, in both precisions, with that tag.
    pub fn into_tagged(self) -> impl Iterator<Item = (Tag, AnyTensor)> {
        fn tagged<T: Float>(leaves: Leaves<T>) -> impl Iterator<Item = (Tag, AnyTensor)> {
            leaves.into_values().filter_map(|found| Some((found.tag?, T::into_any(found.grad))))
        }
        tagged(self.by_leaf).chain(tagged(self.other))
    }

    /// Adds another pass's gradients to these.
    ///
    /// # Errors
    /// Never for gradients of the same leaves; a shape error is passed on.
    pub fn accumulate(&mut self, other: Gradients<T>) -> Result<()> {
        fn add<T: Float>(sums: &mut Leaves<T>, leaves: Leaves<T>) -> Result<()> {
            for (leaf, found) in leaves {
                match sums.entry(leaf) {
                    Entry::Vacant(entry) => {
                        entry.insert(found);
                    }
                    Entry::Occupied(mut entry) => {
                        super::tape::accumulate(&mut entry.get_mut().grad, found.grad)?;
                    }
                }
            }
            Ok(())
        }
        add(&mut self.by_leaf, other.by_leaf)?;
        add(&mut self.other, other.other)
    }

    /// Multiplies every gradient by `factor`, in place where possible.
    pub fn scale(&mut self, factor: T) {
        fn scale<T: Float>(leaves: &mut Leaves<T>, factor: T) {
            for found in leaves.values_mut() {
                T::unary_assign(Unary::MulScalar(factor), found.grad.data_mut());
            }
        }
        scale(&mut self.by_leaf, factor);
        scale(&mut self.other, T::Other::from_real(factor.as_f64()));
    }

    /// The Euclidean norm of all gradients together: sqrt(sum of every squared element).
    pub fn norm(&self) -> f64 {
        fn squares<T: Float>(leaves: &Leaves<T>) -> f64 {
            leaves.values().map(|found| T::sum_squares(found.grad.packed().packed_slice())).sum()
        }
        (squares(&self.by_leaf) + squares(&self.other)).sqrt()
    }
}

impl<T: Float> std::fmt::Debug for Gradients<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
