//! `RNNCell`, `LSTMCell`, `GRUCell`: one step of a recurrent layer, for loops of one's own.

use std::marker::PhantomData;

use barehand_tensor::RecurrentCell;

use super::kind::{Gru, Kind, Lstm, Rnn};
use super::layer::Weights;
use super::stacked::single_step;
use crate::module::{Entry, EntryMut, Place, join};
use crate::{Error, Float, Generator, Parameters, Result, Tensor};

/// One step of an [`RNN`](super::RNN) (`torch.nn.RNNCell`).
pub type RNNCell<T = f32> = RecurrentStep<Rnn, T>;

/// One step of an [`LSTM`](super::LSTM) (`torch.nn.LSTMCell`); its state is the pair (h, c).
pub type LSTMCell<T = f32> = RecurrentStep<Lstm, T>;

/// One step of a [`GRU`](super::GRU) (`torch.nn.GRUCell`).
pub type GRUCell<T = f32> = RecurrentStep<Gru, T>;

/// One step of a recurrent layer: [`RNNCell`], [`LSTMCell`] or [`GRUCell`].
///
/// Input (N, inputs) with states (N, H), or one element (inputs) with states (H). Parameters have PyTorch's names,
/// `weight_ih` to `bias_hh`, and begin uniform on ±1/√H. A whole sequence is better given to a whole layer, which takes
/// its steps at once.
///
/// ```
/// use barehand_nn::{GRUCell, Generator, Tensor};
///
/// let cell = GRUCell::<f32>::new(3, 5, &mut Generator::new(0)).unwrap();
/// let h = cell.step(&Tensor::zeros([2, 3]), None).unwrap();
/// assert_eq!(cell.step(&Tensor::zeros([2, 3]), Some(&h)).unwrap().shape(), [2, 5]);
/// ```
pub struct RecurrentStep<K: Kind, T: Float = f32> {
    /// The parameters; no projection among them.
    pub weights: Weights<T>,
    cell: RecurrentCell,
    kind: PhantomData<K>,
}

impl<T: Float> RNNCell<T> {
    /// With max(., 0) in the place of tanh (`nonlinearity="relu"`).
    #[must_use]
    pub fn relu(mut self) -> Self {
        self.cell = RecurrentCell::RnnRelu;
        self
    }
}

impl<K: Kind, T: Float> RecurrentStep<K, T> {
    /// A cell with biases.
    ///
    /// # Errors
    /// When `hidden` is 0.
    pub fn new(inputs: usize, hidden: usize, generator: &mut Generator) -> Result<Self> {
        if hidden == 0 {
            return Err(Error::value(K::CELL, "hidden size 0 must be at least 1"));
        }
        let weights = Weights::drawn(K::STEP.gates(), inputs, hidden, None, true, generator);
        Ok(RecurrentStep { weights, cell: K::STEP, kind: PhantomData })
    }

    /// Without biases.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        (self.weights.bias_ih, self.weights.bias_hh) = (None, None);
        self
    }

    /// The state after one element, from a state (zeros by default).
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn step(&self, x: &Tensor<T>, state: Option<&K::State<T>>) -> Result<K::State<T>> {
        let (h, c) = state.map(K::parts).unzip();
        let (h, c) = single_step(self.cell, K::CELL, x, self.weights.borrowed(), h, c.flatten())?;
        Ok(K::join(h, c))
    }
}

impl<K: Kind, T: Float> Parameters<T> for RecurrentStep<K, T> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        visitor(path, Entry::Module(Place::named(self, K::CELL)));
        for (name, tensor) in self.weights.named() {
            visitor(&join(path, name), Entry::Parameter(tensor));
        }
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        for (name, tensor) in self.weights.named_mut() {
            visitor(&join(path, name), EntryMut::Parameter(tensor));
        }
    }
}
