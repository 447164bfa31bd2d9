//! What a model is: named parameters ([`Parameters`]) and a computation over them ([`Module`]).

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Float, Generator, Result, Tensor};

/// Tensors by name, in the order in which a module holds them.
pub type StateDict<T = f32> = Vec<(String, Tensor<T>)>;

/// One thing that a module holds.
pub enum Entry<'a, T: Float> {
    /// A module begins; what it holds follows.
    Module(Place),
    /// A tensor to train, or one that was and is frozen.
    Parameter(&'a Tensor<T>),
    /// A tensor that is saved but not trained, such as a running mean.
    Buffer(Tensor<T>),
    /// Whether a layer that computes one thing in training and another in evaluation is training.
    Training(bool),
    /// The source of a layer's randomness.
    Random(Generator),
}

/// One thing that a module holds, to be changed.
pub enum EntryMut<'a, T: Float> {
    /// As [`Entry::Parameter`].
    Parameter(&'a mut Tensor<T>),
    /// As [`Entry::Buffer`].
    Buffer(&'a mut Tensor<T>),
    /// As [`Entry::Training`].
    Training(&'a mut bool),
    /// As [`Entry::Random`].
    Random(&'a mut Generator),
}

/// Which module it is: the name of its type, and where it lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The type's name without its path and parameters, as in `Linear`.
    pub kind: &'static str,
    pub(crate) address: usize,
}

impl Place {
    /// The place of a module, under the name of its type.
    pub fn of<M>(module: &M) -> Self {
        let path = std::any::type_name::<M>();
        let name = path.split('<').next().unwrap_or(path);
        Self::named(module, name.rsplit("::").next().unwrap_or(name))
    }

    /// The place of a module, under another name.
    pub fn named<M>(module: &M, kind: &'static str) -> Self {
        Place { kind, address: std::ptr::from_ref(module).addr() }
    }
}

/// Everything a model holds, by name. Derive it: see [`derive@crate::Parameters`].
///
/// The names are those of the fields, joined by dots: `layers.0.weight`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no parameters of element type `{T}`",
    note = "fields that are neither tensors nor modules are marked `#[module(skip)]`"
)]
pub trait Parameters<T: Float = f32> {
    /// Shows `visitor` everything this holds, under names that begin with `path`.
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>));

    /// Lends `visitor` everything this holds, in the order of [`visit`](Parameters::visit).
    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>));

    /// Every parameter with its name, frozen ones included. One that is held under several names (tied weights: clones of
    /// one leaf) is there once, under the first.
    fn named_parameters(&self) -> Vec<(String, &Tensor<T>)> {
        let mut named = Vec::new();
        let mut seen = HashSet::new();
        self.visit("", &mut |name, entry| {
            if let Entry::Parameter(parameter) = entry
                && seen.insert(identity(parameter))
            {
                named.push((name.to_owned(), parameter));
            }
        });
        named
    }

    /// Lends every parameter, under its name. One that is held under several names (tied weights: clones of one leaf) is
    /// lent once, under the first, and the other places hold what has become of it: so it is changed once, in place, and
    /// stays tied.
    fn visit_parameters_mut(&mut self, visitor: &mut dyn FnMut(&str, &mut Tensor<T>)) {
        let ties = self.ties();
        // The other places let go of the memory first, or else the change would be made in a copy.
        if !ties.is_empty() {
            self.visit_mut("", &mut |name, entry| {
                if let EntryMut::Parameter(parameter) = entry
                    && ties.contains_key(name)
                {
                    *parameter = Tensor::zeros([0]);
                }
            });
        }
        let mut changed: BTreeMap<&str, Tensor<T>> = BTreeMap::new();
        self.visit_mut("", &mut |name, entry| {
            let EntryMut::Parameter(parameter) = entry else { return };
            if let Some(tied) = ties.get(name).and_then(|first| changed.get(first.as_str())) {
                *parameter = tied.clone();
                return;
            }
            visitor(name, parameter);
            if let Some(first) = ties.values().find(|first| *first == name) {
                changed.insert(first, parameter.clone());
            }
        });
    }

    /// For each further name of a parameter that is held under several, its first name.
    fn ties(&self) -> BTreeMap<String, String> {
        let mut count = 0;
        let mut seen = HashSet::new();
        self.visit("", &mut |_, entry| {
            if let Entry::Parameter(parameter) = entry {
                count += 1;
                seen.insert(identity(parameter));
            }
        });
        let mut ties = BTreeMap::new();
        if seen.len() < count {
            let mut first: HashMap<_, String> = HashMap::new();
            self.visit("", &mut |name, entry| {
                if let Entry::Parameter(parameter) = entry {
                    match first.entry(identity(parameter)) {
                        Slot::Vacant(slot) => {
                            slot.insert(name.to_owned());
                        }
                        Slot::Occupied(slot) => {
                            ties.insert(name.to_owned(), slot.get().clone());
                        }
                    }
                }
            });
        }
        ties
    }

    /// How many numbers the parameters are, frozen ones included.
    fn num_parameters(&self) -> usize {
        self.named_parameters().iter().map(|(_, parameter)| parameter.len()).sum()
    }

    /// How many numbers are trained.
    fn num_trainable(&self) -> usize {
        self.named_parameters()
            .iter()
            .filter(|(_, parameter)| parameter.is_leaf())
            .map(|(_, p)| p.len())
            .sum()
    }

    /// Every parameter and buffer, off the tape, sharing memory until one side writes.
    fn state_dict(&self) -> StateDict<T> {
        let mut state = Vec::new();
        self.visit("", &mut |name, entry| match entry {
            Entry::Parameter(parameter) => state.push((name.to_owned(), parameter.detach())),
            Entry::Buffer(buffer) => state.push((name.to_owned(), buffer)),
            _ => {}
        });
        state
    }

    /// Copies values into every parameter and buffer; parameters stay the leaves they are.
    ///
    /// # Errors
    /// When a name is missing, unexpected or given twice, or a shape differs: the text lists them all, and nothing has been copied.
    fn load_state_dict(&mut self, state: &[(String, Tensor<T>)]) -> Result<()> {
        let mut given: BTreeMap<&str, &Tensor<T>> = BTreeMap::new();
        let mut wrong = Vec::new();
        for (name, tensor) in state {
            if given.insert(name, tensor).is_some() {
                wrong.push(format!("{name} is given twice"));
            }
        }
        let expected = self.state_dict();
        for (name, held) in &expected {
            match given.get(name.as_str()) {
                None => wrong.push(format!("{name} is missing")),
                Some(tensor) if tensor.shape() != held.shape() => {
                    wrong.push(format!("{name} has shape {:?}, expected {:?}", tensor.shape(), held.shape()));
                }
                Some(_) => {}
            }
        }
        for (name, first) in self.ties() {
            if let (Some(tensor), Some(other)) = (given.get(name.as_str()), given.get(first.as_str()))
                && tensor != other
            {
                wrong.push(format!("{name} and {first} are one tensor here, and two are given"));
            }
        }
        let unexpected = given.keys().filter(|name| !expected.iter().any(|(held, _)| held == *name));
        wrong.extend(unexpected.map(|name| format!("{name} is unexpected")));
        if !wrong.is_empty() {
            return Err(Error::value("load_state_dict", wrong.join("; ")));
        }
        // Let go of the shared memory, so that the copies below are made in place.
        drop(expected);
        let copy = |name: &str, held: &mut Tensor<T>| {
            if let Some(tensor) = given.get(name)
                && !held.same_memory(tensor)
            {
                held.data_mut().copy_from_slice(&tensor.to_vec());
            }
        };
        self.visit_parameters_mut(&mut |name, held| copy(name, held));
        self.visit_mut("", &mut |name, entry| {
            if let EntryMut::Buffer(held) = entry {
                copy(name, held);
            }
        });
        Ok(())
    }

    /// Switches every layer to training: dropout drops, batch norm uses the batch's statistics.
    fn train(&mut self) {
        self.set_training(true);
    }

    /// Switches every layer to evaluation.
    fn eval(&mut self) {
        self.set_training(false);
    }

    /// [`train`](Parameters::train) or [`eval`](Parameters::eval).
    fn set_training(&mut self, training: bool) {
        self.visit_mut("", &mut |_, entry| {
            if let EntryMut::Training(flag) = entry {
                *flag = training;
            }
        });
    }

    /// Whether some layer is training; false for a model whose layers know no difference.
    fn is_training(&self) -> bool {
        let mut training = false;
        self.visit("", &mut |_, entry| training |= matches!(entry, Entry::Training(true)));
        training
    }

    /// The state (seed and counter) of every layer's generator, by name.
    fn random_states(&self) -> BTreeMap<String, (u64, u64)> {
        let mut states = BTreeMap::new();
        self.visit("", &mut |name, entry| {
            if let Entry::Random(generator) = entry {
                states.insert(name.to_owned(), generator.state());
            }
        });
        states
    }

    /// Continues every layer's randomness from [`random_states`](Parameters::random_states).
    ///
    /// # Errors
    /// When the names are not exactly those of this model's generators.
    fn set_random_states(&mut self, states: &BTreeMap<String, (u64, u64)>) -> Result<()> {
        let held = self.random_states();
        if !held.keys().eq(states.keys()) {
            return Err(Error::value(
                "set_random_states",
                format!(
                    "states of {:?} given, for generators {:?}",
                    states.keys().collect::<Vec<_>>(),
                    held.keys().collect::<Vec<_>>()
                ),
            ));
        }
        self.visit_mut("", &mut |name, entry| {
            if let EntryMut::Random(generator) = entry {
                let (seed, counter) = states[name];
                *generator = Generator::from_state(seed, counter);
            }
        });
        Ok(())
    }

    /// Takes every parameter out of training: operations on it are no longer recorded, and optimizers pass over it.
    fn freeze(&mut self) {
        self.visit_parameters_mut(&mut |_, parameter| *parameter = parameter.detach());
    }

    /// Trains every parameter again, each as a new leaf.
    fn unfreeze(&mut self) {
        self.visit_parameters_mut(&mut |_, parameter| {
            if !parameter.is_leaf() {
                *parameter = parameter.requires_grad();
            }
        });
    }
}

/// A computation from one tensor to another, over [`Parameters`].
///
/// Object safe: a `Box<dyn Module<T>>` is a module itself. What changes in a forward pass (running statistics, random
/// generators) lies behind locks, so `forward` takes `&self`.
pub trait Module<T: Float = f32>: Parameters<T> + Send + Sync {
    /// The output for an input.
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>>;
}

/// What tells parameters apart: the leaf, and for a frozen one the memory that it shares with its clones.
fn identity<T: Float>(parameter: &Tensor<T>) -> (Option<u64>, usize, &[usize]) {
    match parameter.leaf_id() {
        Some(leaf) => (Some(leaf), 0, &[]),
        None => (None, parameter.memory().as_ptr().addr(), parameter.shape()),
    }
}

/// `path.name`, or `name` where the path is empty.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { [path, ".", name].concat() }
}

/// The value behind a lock, even where a holder panicked: every value these locks hold is valid at all times.
pub fn locked<V>(lock: &Mutex<V>) -> MutexGuard<'_, V> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value behind a lock that nobody else can see.
pub fn exclusive<V>(lock: &mut Mutex<V>) -> &mut V {
    lock.get_mut().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Float> Parameters<T> for Tensor<T> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        visitor(path, Entry::Parameter(self));
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        visitor(path, EntryMut::Parameter(self));
    }
}

impl<T: Float, P: Parameters<T>> Parameters<T> for Option<P> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        if let Some(held) = self {
            held.visit(path, visitor);
        }
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        if let Some(held) = self {
            held.visit_mut(path, visitor);
        }
    }
}

impl<T: Float, P: Parameters<T> + ?Sized> Parameters<T> for Box<P> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        (**self).visit(path, visitor);
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        (**self).visit_mut(path, visitor);
    }
}

impl<T: Float, M: Module<T> + ?Sized> Module<T> for Box<M> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        (**self).forward(x)
    }
}

impl<T: Float, P: Parameters<T>> Parameters<T> for [P] {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        for (i, held) in self.iter().enumerate() {
            held.visit(&join(path, &i.to_string()), visitor);
        }
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        for (i, held) in self.iter_mut().enumerate() {
            held.visit_mut(&join(path, &i.to_string()), visitor);
        }
    }
}

impl<T: Float, P: Parameters<T>> Parameters<T> for Vec<P> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        self.as_slice().visit(path, visitor);
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        self.as_mut_slice().visit_mut(path, visitor);
    }
}

impl<T: Float, P: Parameters<T>, const N: usize> Parameters<T> for [P; N] {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        self.as_slice().visit(path, visitor);
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        self.as_mut_slice().visit_mut(path, visitor);
    }
}
