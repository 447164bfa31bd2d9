//! Layers one after another.

use std::ops::Index;

use crate::module::{Entry, EntryMut, Place};
use crate::summary::observe;
use crate::{Float, Module, Parameters, Result, Tensor};

/// Modules, each applied to the output of the one before; named by their numbers, as in `0.weight`
/// (`torch.nn.Sequential`).
///
/// ```
/// use barehand_nn::{Generator, Linear, Module, Parameters, ReLU, Sequential, Tensor};
///
/// let mut generator = Generator::new(0);
/// let model =
///     Sequential::<f32>::new().add(Linear::new(4, 8, &mut generator)).add(ReLU).add(Linear::new(8, 2, &mut generator));
/// assert_eq!(model.forward(&Tensor::zeros([1, 4])).unwrap().shape(), [1, 2]);
/// assert_eq!(model.named_parameters()[2].0, "2.weight");
/// ```
pub struct Sequential<T: Float = f32> {
    layers: Vec<Box<dyn Module<T>>>,
}

impl<T: Float> Sequential<T> {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Sequential { layers: Vec::new() }
    }

    /// With one layer more.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a layer is added to a list")]
    pub fn add(mut self, layer: impl Module<T> + 'static) -> Self {
        self.push(layer);
        self
    }

    /// Adds a layer at the end.
    pub fn push(&mut self, layer: impl Module<T> + 'static) {
        self.layers.push(Box::new(layer));
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The layers in order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Module<T>> {
        self.layers.iter().map(|layer| &**layer)
    }

    /// A layer to be changed, where there is one at `index`.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut dyn Module<T>> {
        self.layers.get_mut(index).map(|layer| &mut **layer as &mut dyn Module<T>)
    }
}

impl<T: Float> Default for Sequential<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Float> From<Vec<Box<dyn Module<T>>>> for Sequential<T> {
    fn from(layers: Vec<Box<dyn Module<T>>>) -> Self {
        Sequential { layers }
    }
}

impl<T: Float> Index<usize> for Sequential<T> {
    type Output = dyn Module<T>;

    fn index(&self, index: usize) -> &Self::Output {
        &*self.layers[index]
    }
}

impl<T: Float> Module<T> for Sequential<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let mut y = x.clone();
        for layer in &self.layers {
            y = layer.forward(&y)?;
        }
        observe(self, Ok(y))
    }
}

impl<T: Float> Parameters<T> for Sequential<T> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        visitor(path, Entry::Module(Place::of(self)));
        self.layers.visit(path, visitor);
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        self.layers.visit_mut(path, visitor);
    }
}
