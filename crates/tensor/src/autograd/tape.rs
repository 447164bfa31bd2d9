//! What is remembered of a computation, and walking it backward.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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
    /// What looks at the complete gradient on its way; almost always nothing.
    hooks: OnceLock<Hooks<T>>,
}

enum Backward<T: Element> {
    Leaf(Option<Tag>),
    /// Emptied by the walk that used it, which frees what the forward pass saved.
    Step(Mutex<Option<Arc<dyn Step<T>>>>),
    /// Made from a tensor of the other precision.
    Cast(Box<dyn Bridge<T>>),
}

/// What the owner of a leaf ties to it, to find its own with the gradient.
pub type Tag = Arc<dyn Any + Send + Sync>;

/// Sees the complete gradient of a tensor, and may replace it.
type Hook<T> = Arc<dyn Fn(&Tensor<T>) -> Result<Option<Tensor<T>>> + Send + Sync>;

/// Hooks with the numbers under which they are removed.
type Hooks<T> = Mutex<Vec<(u64, Hook<T>)>>;

/// An operator together with what its forward pass saved.
pub(crate) trait Step<T: Element>: Send + Sync {
    fn name(&self) -> &'static str;
    fn backward(&self, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>>;
}

/// Carries a gradient over to the node of another precision.
trait Bridge<T: Element>: Send + Sync {
    fn cross(&self, grad: &Tensor<T>, worlds: &mut Worlds) -> Result<()>;
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl<T: Element> Node<T> {
    pub(crate) fn leaf(shape: &[usize], tag: Option<Tag>) -> Arc<Self> {
        Arc::new(Node {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            shape: Dims::from_slice(shape),
            parents: SmallVec::new(),
            backward: Backward::Leaf(tag),
            hooks: OnceLock::new(),
        })
    }

    fn cast(shape: &[usize], bridge: Box<dyn Bridge<T>>) -> Arc<Self> {
        Arc::new(Node {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            shape: Dims::from_slice(shape),
            parents: SmallVec::new(),
            backward: Backward::Cast(bridge),
            hooks: OnceLock::new(),
        })
    }

    pub(crate) fn step(shape: &[usize], inputs: &[&Tensor<T>], step: Arc<dyn Step<T>>) -> Arc<Self> {
        Arc::new(Node {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            shape: Dims::from_slice(shape),
            parents: inputs.iter().map(|input| input.node.clone()).collect(),
            backward: Backward::Step(Mutex::new(Some(step))),
            hooks: OnceLock::new(),
        })
    }

    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.backward, Backward::Leaf(_))
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

/// Switches recording on this thread on or off and returns what it was: for bindings, whose scopes are not Rust's.
/// Rust code uses [`no_grad`].
pub fn set_recording(recording: bool) -> bool {
    RECORDING.replace(recording)
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

    /// Which leaf this is: equal for clones of one leaf, which have one gradient together; `None` for all other tensors.
    pub fn leaf_id(&self) -> Option<u64> {
        self.node.as_ref().filter(|node| node.is_leaf()).map(|node| node.id)
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
        Tensor { node: Some(Node::leaf(leaf.shape(), None)), ..leaf }
    }

    /// A new leaf that carries a tag, which [`Gradients::into_tagged`] hands out with the gradient.
    #[must_use]
    pub fn requires_grad_tagged(&self, tag: Tag) -> Tensor<T> {
        let leaf = self.detach();
        Tensor { node: Some(Node::leaf(leaf.shape(), Some(tag))), ..leaf }
    }

    /// The same values in the other precision, through which gradients flow (PyTorch's `Tensor.to`).
    ///
    /// ```
    /// use barehand_tensor::Tensor;
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let x = Tensor::from([2.0_f32]).requires_grad();
    /// let gradients = x.to::<f64>().square()?.sum()?.backward()?;
    /// assert_eq!(gradients.of_other(&x).unwrap().to_vec(), [4.0_f32]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to<U: Float>(&self) -> Tensor<U> {
        if let Some(same) = (self as &dyn Any).downcast_ref::<Tensor<U>>() {
            return same.clone();
        }
        let converted = self.cast::<U>();
        match &self.node {
            Some(source) if is_recording() => {
                let node = Node::cast(self.shape(), Box::new(Cast { source: source.clone() }));
                Tensor { node: Some(node), ..converted }
            }
            _ => converted,
        }
    }

    /// Calls `hook` with the gradient of this tensor whenever a backward pass has completed it; what the hook returns
    /// goes on in its place (PyTorch's `register_hook`). The number returned is for [`remove_hook`](Tensor::remove_hook).
    ///
    /// # Errors
    /// When this tensor is not recorded.
    pub fn register_hook(
        &self,
        hook: impl Fn(&Tensor<T>) -> Result<Option<Tensor<T>>> + Send + Sync + 'static,
    ) -> Result<u64> {
        let Some(node) = &self.node else {
            return Err(Error::gradient("register_hook", "this tensor was not recorded: it has no gradient"));
        };
        let number = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let hooks = node.hooks.get_or_init(Mutex::default);
        hooks.lock().unwrap_or_else(PoisonError::into_inner).push((number, Arc::new(hook)));
        Ok(number)
    }

    /// Takes a hook away again.
    pub fn remove_hook(&self, number: u64) {
        if let Some(hooks) = self.node.as_ref().and_then(|node| node.hooks.get()) {
            let mut held = hooks.lock().unwrap_or_else(PoisonError::into_inner);
            let removed = held.iter().position(|(held, _)| *held == number).map(|at| held.remove(at));
            // Dropped after the lock: a hook may own whatever.
            drop(held);
            drop(removed);
        }
    }

    /// The gradients of this scalar with respect to every leaf it was computed from.
    ///
    /// What the forward pass saved is freed on the way, so a second call is an error;
    /// [`backward_retaining_graph`](Tensor::backward_retaining_graph) keeps it.
    ///
    /// # Errors
    /// When `self` is not a single element, was not recorded, or has been walked before.
    pub fn backward(&self) -> Result<Gradients<T>> {
        BackwardPass::new().from(self, None)?.run()
    }

    /// [`backward`](Tensor::backward) for a tensor of any shape, from the gradient of something with respect to it.
    ///
    /// # Errors
    /// As `backward`, and when the shapes differ.
    pub fn backward_with(&self, grad: &Tensor<T>) -> Result<Gradients<T>> {
        BackwardPass::new().from(self, Some(grad))?.run()
    }

    /// [`backward`](Tensor::backward), keeping what it needs to be called again.
    ///
    /// # Errors
    /// As `backward`.
    pub fn backward_retaining_graph(&self) -> Result<Gradients<T>> {
        BackwardPass::new().retain_graph(true).from(self, None)?.run()
    }
}

/// A backward pass with options: from several tensors at once, with the gradients of tensors that are no leaves.
///
/// ```
/// use barehand_tensor::{BackwardPass, Tensor};
/// # fn main() -> barehand_tensor::Result<()> {
/// let x = Tensor::from([1.0, 2.0]).requires_grad();
/// let hidden = x.square()?;
/// let gradients = BackwardPass::new().from(&hidden.sum()?, None)?.with_gradient_of(&hidden).run()?;
/// assert_eq!(gradients.of(&hidden)?.to_vec(), [1.0, 1.0]);
/// assert_eq!(gradients.of(&x)?.to_vec(), [2.0, 4.0]);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct BackwardPass<T: Float = f32> {
    worlds: Worlds,
    retain: bool,
    precision: PhantomData<T>,
}

impl<T: Float> Default for BackwardPass<T> {
    fn default() -> Self {
        BackwardPass { worlds: Worlds::default(), retain: false, precision: PhantomData }
    }
}

impl<T: Float> BackwardPass<T> {
    /// A pass from nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins at `tensor` too, whose gradient is `grad`: 1 where it is left out, for a single element.
    ///
    /// # Errors
    /// When `tensor` was not recorded, the shapes differ, or a gradient is needed.
    pub fn from(mut self, tensor: &Tensor<T>, grad: Option<&Tensor<T>>) -> Result<Self> {
        let Some(node) = &tensor.node else {
            return Err(Error::gradient(
                "backward",
                "this tensor was not recorded: no input requires a gradient, or it was computed inside no_grad",
            ));
        };
        let grad = match grad {
            Some(grad) if grad.shape() == tensor.shape() => grad.detach(),
            Some(grad) => {
                return Err(Error::shape(
                    "backward",
                    format!("the gradient has shape {:?}, the tensor {:?}", grad.shape(), tensor.shape()),
                ));
            }
            None if tensor.len() == 1 => tensor.ones_like(),
            None => {
                return Err(Error::gradient(
                    "backward",
                    format!(
                        "only a single element has a gradient of its own, not shape {:?}; use backward_with",
                        tensor.shape()
                    ),
                ));
            }
        };
        T::world(&mut self.worlds).add(node, grad)?;
        Ok(self)
    }

    /// Keeps the gradient of `tensor`, of either precision, too, although it may be no leaf.
    pub fn with_gradient_of<U: Float>(mut self, tensor: &Tensor<U>) -> Self {
        U::world(&mut self.worlds).wanted.extend(tensor.node_id());
        self
    }

    /// Whether what the forward pass saved is kept, so that the graph can be walked again. Default false.
    pub fn retain_graph(mut self, retain: bool) -> Self {
        self.retain = retain;
        self
    }

    /// Walks.
    ///
    /// # Errors
    /// When the graph has been walked before, or an operator's backward fails.
    pub fn run(mut self) -> Result<Gradients<T>> {
        no_grad(|| self.worlds.walk(self.retain))?;
        let (single, double) = (self.worlds.single.found, self.worlds.double.found);
        Ok(Gradients::of_worlds(single, double))
    }
}

/// A step of one precision on a tensor of the other.
struct Cast<U: Float> {
    source: Arc<Node<U>>,
}

impl<T: Float, U: Float> Bridge<T> for Cast<U> {
    fn cross(&self, grad: &Tensor<T>, worlds: &mut Worlds) -> Result<()> {
        U::world(worlds).add(&self.source, grad.cast())
    }
}

/// What is still to be visited, and the gradients found, in both precisions. Numbers of nodes are one order over both.
#[derive(Default)]
pub struct Worlds {
    pub(crate) single: World<f32>,
    pub(crate) double: World<f64>,
}

/// The part of one precision.
pub struct World<T: Float> {
    pending: BTreeMap<u64, (Arc<Node<T>>, Tensor<T>)>,
    wanted: SmallVec<[u64; 4]>,
    found: BTreeMap<u64, Found<T>>,
}

/// A gradient, and the tag of its leaf.
#[derive(Clone)]
pub struct Found<T: Element> {
    pub(crate) grad: Tensor<T>,
    pub(crate) tag: Option<Tag>,
}

impl<T: Float> Default for World<T> {
    fn default() -> Self {
        World { pending: BTreeMap::new(), wanted: SmallVec::new(), found: BTreeMap::new() }
    }
}

impl<T: Float> World<T> {
    /// Adds to the gradient of a node.
    fn add(&mut self, node: &Arc<Node<T>>, grad: Tensor<T>) -> Result<()> {
        match self.pending.entry(node.id) {
            Entry::Vacant(entry) => {
                entry.insert((node.clone(), grad));
                Ok(())
            }
            Entry::Occupied(mut entry) => accumulate(&mut entry.get_mut().1, grad),
        }
    }

    fn newest(&self) -> Option<u64> {
        self.pending.last_key_value().map(|(id, _)| *id)
    }
}

impl Worlds {
    /// Visits nodes from the newest to the oldest. All users of a node are newer than it, so when it is the newest left,
    /// its gradient is complete.
    fn walk(&mut self, retain: bool) -> Result<()> {
        loop {
            match (self.single.newest(), self.double.newest()) {
                (None, None) => return Ok(()),
                (single, double) if single > double => self.visit::<f32>(retain)?,
                _ => self.visit::<f64>(retain)?,
            }
        }
    }

    /// Takes the newest node of a precision and hands its gradient on to what it was computed from.
    fn visit<T: Float>(&mut self, retain: bool) -> Result<()> {
        let world = T::world(self);
        let Some((id, (node, mut grad))) = world.pending.pop_last() else { return Ok(()) };
        if let Some(hooks) = node.hooks.get() {
            // A hook may register another one: the lock is not held while it runs.
            let hooks = hooks.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for (_, hook) in hooks {
                if let Some(replaced) = hook(&grad)? {
                    check_shape("hook", "hook", &replaced, &node.shape)?;
                    grad = replaced.detach();
                }
            }
        }
        if world.wanted.contains(&id) {
            world.found.insert(id, Found { grad: grad.clone(), tag: None });
        }
        let slot = match &node.backward {
            Backward::Leaf(tag) => {
                world.found.insert(id, Found { grad, tag: tag.clone() });
                return Ok(());
            }
            Backward::Cast(bridge) => return bridge.cross(&grad, self),
            Backward::Step(slot) => slot,
        };
        // The lock is not held while the step runs, which may walk other graphs, or this one, on the way.
        let step = {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if retain { slot.clone() } else { slot.take() }
        };
        let Some(step) = step else {
            return Err(Error::gradient(
                "backward",
                "this graph was walked before and its saved values are freed; retain the graph (backward_retaining_graph, \
                 retain_graph=True) the first time",
            ));
        };
        let wants: SmallVec<[bool; 3]> = node.parents.iter().map(Option::is_some).collect();
        let shape = |_: &Result<_>| Dims::from_slice(grad.shape());
        let name = step.name();
        let inputs = profile::span(name, Phase::Backward, shape, || step.backward(&grad, &wants))?;
        drop(step);
        debug_assert_eq!(inputs.len(), node.parents.len(), "{name} must return one entry for each input");
        for (parent, grad) in node.parents.iter().zip(inputs) {
            let Some(parent) = parent else { continue };
            let Some(grad) = grad else {
                return Err(Error::gradient(
                    name,
                    "the operator's backward left out a gradient that was asked for",
                ));
            };
            check_shape(name, "operator's backward", &grad, &parent.shape)?;
            world.add(parent, grad)?;
        }
        Ok(())
    }
}

fn check_shape<T: Element>(name: &str, who: &str, grad: &Tensor<T>, expected: &[usize]) -> Result<()> {
    if grad.shape() == expected {
        return Ok(());
    }
    Err(Error::gradient(
        name,
        format!(
            "the {who} returned a gradient of shape {:?} for a tensor of shape {expected:?}",
            grad.shape()
        ),
    ))
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
