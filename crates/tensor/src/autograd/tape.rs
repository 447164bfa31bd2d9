//! What is remembered of a computation, and walking it backward.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use smallvec::SmallVec;

use super::gradients::Gradients;
use super::operator::InputGradients;
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::layout::Dims;
use crate::profile::{self, Phase};
use crate::tensor::Tensor;

/// A recorded tensor: a leaf, or the output of an operator that can be run backward.
pub(crate) struct Node<T: Element> {
    /// Order of creation: every operator's output has a larger number than its inputs.
    pub(crate) id: u64,
    shape: Dims,
    /// For each input of the operator its node, where it wants a gradient.
    parents: SmallVec<[Option<Arc<Node<T>>>; 3]>,
    backward: Backward<T>,
}

enum Backward<T: Element> {
    Leaf,
    /// Emptied by the walk that used it, which frees what the forward pass saved.
    Step(Mutex<Option<Box<dyn Step<T>>>>),
}

/// An operator together with what its forward pass saved.
pub(crate) trait Step<T: Element>: Send + Sync {
    fn name(&self) -> &'static str;
    fn backward(&self, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>>;
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl<T: Element> Node<T> {
    pub(crate) fn leaf(shape: &[usize]) -> Arc<Self> {
        Arc::new(Node {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            shape: Dims::from_slice(shape),
            parents: SmallVec::new(),
            backward: Backward::Leaf,
        })
    }

    pub(crate) fn step(shape: &[usize], inputs: &[&Tensor<T>], step: Box<dyn Step<T>>) -> Arc<Self> {
        Arc::new(Node {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            shape: Dims::from_slice(shape),
            parents: inputs.iter().map(|input| input.node.clone()).collect(),
            backward: Backward::Step(Mutex::new(Some(step))),
        })
    }

    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.backward, Backward::Leaf)
    }
}

impl<T: Element> Drop for Node<T> {
    /// Frees a long chain in a loop: the derived drop would recurse once for every recorded operation.
    fn drop(&mut self) {
        let mut orphans: SmallVec<[Arc<Node<T>>; 8]> = self.parents.drain(..).flatten().collect();
        while let Some(node) = orphans.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                orphans.extend(node.parents.drain(..).flatten());
            }
        }
    }
}

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
}

/// Whether operations on this thread are recorded (true unless inside [`no_grad`]).
#[inline]
pub fn is_recording() -> bool {
    RECORDING.get()
}

/// Runs `work` without recording anything: for evaluation and for updating parameters.
///
/// ```
/// use barehand_tensor::{Tensor, no_grad};
/// let w = Tensor::from([1.0, 2.0]).requires_grad();
/// let y = no_grad(|| w.square()).unwrap();
/// assert!(!y.is_recorded());
/// ```
#[inline]
pub fn no_grad<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            RECORDING.set(self.0);
        }
    }
    let _restore = Restore(RECORDING.replace(false));
    work()
}

impl<T: Element> Tensor<T> {
    /// Whether gradients can flow back from here.
    #[inline]
    pub fn is_recorded(&self) -> bool {
        self.node.is_some()
    }

    /// Whether this is a leaf: a tensor made by [`requires_grad`](Tensor::requires_grad), as parameters are.
    pub fn is_leaf(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.is_leaf())
    }

    /// The number under which gradients of this tensor are kept, where it is recorded.
    pub(crate) fn node_id(&self) -> Option<u64> {
        self.node.as_ref().map(|node| node.id)
    }
}

impl<T: Float> Tensor<T> {
    /// A new leaf with these values: operations on it are recorded, and [`backward`](Tensor::backward) returns its
    /// gradient.
    #[must_use]
    pub fn requires_grad(&self) -> Tensor<T> {
        let leaf = self.detach();
        Tensor { node: Some(Node::leaf(leaf.shape())), ..leaf }
    }

    /// The gradients of this scalar with respect to every leaf it was computed from.
    ///
    /// What the forward pass saved is freed on the way, so a second call is an error;
    /// [`backward_retaining_graph`](Tensor::backward_retaining_graph) keeps it.
    ///
    /// # Errors
    /// When `self` is not a single element, was not recorded, or has been walked before.
    pub fn backward(&self) -> Result<Gradients<T>> {
        self.walk(None, false)
    }

    /// [`backward`](Tensor::backward) for a tensor of any shape, from the gradient of something with respect to it.
    ///
    /// # Errors
    /// As `backward`, and when the shapes differ.
    pub fn backward_with(&self, grad: &Tensor<T>) -> Result<Gradients<T>> {
        self.walk(Some(grad.detach()), false)
    }

    /// [`backward`](Tensor::backward), keeping what it needs to be called again.
    ///
    /// # Errors
    /// As `backward`.
    pub fn backward_retaining_graph(&self) -> Result<Gradients<T>> {
        self.walk(None, true)
    }

    fn walk(&self, grad: Option<Tensor<T>>, retain: bool) -> Result<Gradients<T>> {
        let Some(root) = &self.node else {
            return Err(Error::gradient(
                "backward",
                "this tensor was not recorded: no input requires a gradient, or it was computed inside no_grad",
            ));
        };
        let grad = match grad {
            Some(grad) if grad.shape() == self.shape() => grad,
            Some(grad) => {
                return Err(Error::shape(
                    "backward",
                    format!("the gradient has shape {:?}, the tensor {:?}", grad.shape(), self.shape()),
                ));
            }
            None if self.len() == 1 => self.ones_like(),
            None => {
                return Err(Error::gradient(
                    "backward",
                    format!(
                        "only a single element has a gradient of its own, not shape {:?}; use backward_with",
                        self.shape()
                    ),
                ));
            }
        };
        no_grad(|| walk_from(root, grad, retain))
    }
}

/// Visits nodes from the newest to the oldest. All users of a node are newer than it, so when it is the newest left,
/// its gradient is complete.
fn walk_from<T: Float>(root: &Arc<Node<T>>, grad: Tensor<T>, retain: bool) -> Result<Gradients<T>> {
    let mut pending = BTreeMap::from([(root.id, (root.clone(), grad))]);
    let mut gradients = Gradients::default();
    while let Some((id, (node, grad))) = pending.pop_last() {
        let Backward::Step(slot) = &node.backward else {
            gradients.insert(id, grad);
            continue;
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(step) = slot.take() else {
            return Err(Error::gradient(
                "backward",
                "this graph was walked before and its saved values are freed; call backward_retaining_graph the first time",
            ));
        };
        let wants: SmallVec<[bool; 3]> = node.parents.iter().map(Option::is_some).collect();
        let shape = |_: &Result<_>| Dims::from_slice(grad.shape());
        let inputs = profile::span(step.name(), Phase::Backward, shape, || step.backward(&grad, &wants))?;
        let name = step.name();
        if retain {
            *slot = Some(step);
        }
        drop(slot);
        debug_assert_eq!(inputs.len(), node.parents.len(), "{name} must return one entry for each input");
        for (parent, grad) in node.parents.iter().zip(inputs) {
            let Some(parent) = parent else { continue };
            let Some(grad) = grad else {
                return Err(Error::gradient(
                    name,
                    "the operator's backward left out a gradient that was asked for",
                ));
            };
            if grad.shape() != parent.shape.as_slice() {
                return Err(Error::gradient(
                    name,
                    format!(
                        "the operator's backward returned a gradient of shape {:?} for an input of shape {:?}",
                        grad.shape(),
                        parent.shape
                    ),
                ));
            }
            match pending.entry(parent.id) {
                Entry::Vacant(entry) => {
                    entry.insert((parent.clone(), grad));
                }
                Entry::Occupied(mut entry) => accumulate(&mut entry.get_mut().1, grad)?,
            }
        }
    }
    Ok(gradients)
}

/// `sum += grad`, in whichever of the two memories nobody else holds.
pub(crate) fn accumulate<T: Float>(sum: &mut Tensor<T>, mut grad: Tensor<T>) -> Result<()> {
    if let Some(values) = sum.unique_data_mut() {
        T::axpy(T::ONE, grad.view(), values);
    } else if let Some(values) = grad.unique_data_mut() {
        T::axpy(T::ONE, sum.view(), values);
        *sum = grad;
    } else {
        *sum = sum.add(&grad)?;
    }
    Ok(())
}
