//! `RNN`, `LSTM`, `GRU`.

use std::marker::PhantomData;
use std::sync::Mutex;

use barehand_tensor::{RecurrentCell, RecurrentWeights};

use super::kind::{Gru, Kind, Lstm, Rnn};
use super::stacked::{Stacked, States};
use crate::layers::linear::bound;
use crate::module::{Entry, EntryMut, Place, exclusive, join, locked};
use crate::packed_sequence::{PackedSequence, pack_padded_sequence, pad_packed_sequence};
use crate::summary::observe_as;
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor, init};

/// The simple recurrent layer (Elman 1990; `torch.nn.RNN`): h' = tanh(W_ih x + b_ih + W_hh h + b_hh).
///
/// See [`Recurrent`] for shapes and options; [`relu`](RecurrentBuilder::relu) replaces tanh.
pub type RNN<T = f32> = Recurrent<Rnn, T>;

/// Long short-term memory (Hochreiter and Schmidhuber 1997; `torch.nn.LSTM`):
///
/// ```text
/// i, f, o = sigmoid(W x + b + W' h + b'), each with its own weights       g = tanh(.. )
/// c' = f c + i g       h' = o tanh(c')
/// ```
///
/// Its state is the pair (h, c). See [`Recurrent`] for shapes and options.
///
/// ```
/// use barehand_nn::{Generator, LSTM, Tensor};
///
/// let mut generator = Generator::new(0);
/// let lstm = LSTM::builder(3, 5).num_layers(2).bidirectional(true).build(&mut generator).unwrap();
/// // Two sequences, of 4 and of 2 steps.
/// let x = Tensor::<f32>::zeros([4, 2, 3]);
/// let (y, (h, c)) = lstm.forward_with(&x, None, Some(&[4, 2])).unwrap();
/// assert_eq!((y.shape(), h.shape(), c.shape()), (&[4, 2, 10][..], &[4, 2, 5][..], &[4, 2, 5][..]));
/// ```
pub type LSTM<T = f32> = Recurrent<Lstm, T>;

/// The gated recurrent unit (Cho et al. 2014; `torch.nn.GRU`):
///
/// ```text
/// r, z = sigmoid(W x + b + W' h + b'), each with its own weights
/// n = tanh(W x + b + r (W' h + b'))       h' = (1 - z) n + z h
/// ```
///
/// See [`Recurrent`] for shapes and options.
pub type GRU<T = f32> = Recurrent<Gru, T>;

/// A recurrent layer: [`RNN`], [`LSTM`] or [`GRU`], L layers deep, in D = 1 or 2 directions.
///
/// Input (T, N, inputs), (N, T, inputs) with `batch_first`, or one sequence (T, inputs); output (T, N, D P) and so on:
/// the hidden states of the last layer, of which the second half are those of the reverse direction. States are
/// (D L, N, P): P = H, or the projection's size. Parameters have PyTorch's names, `weight_ih_l0`, `weight_hh_l0_reverse`,
/// and begin uniform on ±1/√H.
pub struct Recurrent<K: Kind, T: Float = f32> {
    /// The parameters of each layer and direction: layer 0, layer 0 reversed, layer 1, ...
    pub weights: Vec<Weights<T>>,
    /// Whether outputs between layers are dropped.
    pub training: bool,
    options: Options,
    generator: Mutex<Generator>,
    kind: PhantomData<K>,
}

/// The parameters of one layer in one direction; G gates of H units each.
#[derive(Clone)]
pub struct Weights<T: Float> {
    /// (G H, inputs)
    pub weight_ih: Tensor<T>,
    /// (G H, P)
    pub weight_hh: Tensor<T>,
    /// (G H)
    pub bias_ih: Option<Tensor<T>>,
    /// (G H)
    pub bias_hh: Option<Tensor<T>>,
    /// (P, H)
    pub weight_hr: Option<Tensor<T>>,
}

impl<T: Float> Weights<T> {
    /// As the operator takes them.
    pub(super) fn borrowed(&self) -> RecurrentWeights<'_, T> {
        RecurrentWeights {
            weight_ih: &self.weight_ih,
            weight_hh: &self.weight_hh,
            bias: self.bias_ih.as_ref().zip(self.bias_hh.as_ref()).map(|(ih, hh)| [ih, hh]),
            weight_hr: self.weight_hr.as_ref(),
        }
    }

    /// Uniform on ±1/√hidden.
    pub(super) fn drawn(
        gates: usize,
        inputs: usize,
        hidden: usize,
        projection: Option<usize>,
        bias: bool,
        generator: &mut Generator,
    ) -> Self {
        let bound = bound(hidden);
        let mut draw = |shape: &[usize]| init::uniform(shape, -bound, bound, generator).requires_grad();
        let stacked = gates * hidden;
        Weights {
            weight_ih: draw(&[stacked, inputs]),
            weight_hh: draw(&[stacked, projection.unwrap_or(hidden)]),
            bias_ih: bias.then(|| draw(&[stacked])),
            bias_hh: bias.then(|| draw(&[stacked])),
            weight_hr: projection.map(|projection| draw(&[projection, hidden])),
        }
    }

    /// What it has, by PyTorch's names, in PyTorch's order.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &Tensor<T>)> {
        let biases = [("bias_ih", &self.bias_ih), ("bias_hh", &self.bias_hh), ("weight_hr", &self.weight_hr)];
        [("weight_ih", &self.weight_ih), ("weight_hh", &self.weight_hh)]
            .into_iter()
            .chain(biases.into_iter().filter_map(|(name, held)| Some((name, held.as_ref()?))))
    }

    pub(super) fn named_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Tensor<T>)> {
        let biases = [
            ("bias_ih", &mut self.bias_ih),
            ("bias_hh", &mut self.bias_hh),
            ("weight_hr", &mut self.weight_hr),
        ];
        [("weight_ih", &mut self.weight_ih), ("weight_hh", &mut self.weight_hh)]
            .into_iter()
            .chain(biases.into_iter().filter_map(|(name, held)| Some((name, held.as_mut()?))))
    }
}

#[derive(Clone, Copy, Debug)]
struct Options {
    cell: RecurrentCell,
    layers: usize,
    bias: bool,
    batch_first: bool,
    dropout: f64,
    bidirectional: bool,
    projection: Option<usize>,
}

/// The options of a [`Recurrent`] layer.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RecurrentBuilder<K> {
    inputs: usize,
    hidden: usize,
    options: Options,
    kind: PhantomData<K>,
}

impl<K: Kind> Recurrent<K> {
    /// A layer to be: set options, then [`build`](RecurrentBuilder::build) it.
    pub fn builder(inputs: usize, hidden: usize) -> RecurrentBuilder<K> {
        let options = Options {
            cell: K::STEP,
            layers: 1,
            bias: true,
            batch_first: false,
            dropout: 0.0,
            bidirectional: false,
            projection: None,
        };
        RecurrentBuilder { inputs, hidden, options, kind: PhantomData }
    }
}

impl RecurrentBuilder<Rnn> {
    /// max(., 0) in the place of tanh (`nonlinearity="relu"`).
    pub fn relu(mut self) -> Self {
        self.options.cell = RecurrentCell::RnnRelu;
        self
    }
}

impl RecurrentBuilder<Lstm> {
    /// Projects hidden states to this size, below that of the cells (Sak et al. 2014). Default 0: not at all.
    pub fn proj_size(mut self, size: usize) -> Self {
        self.options.projection = (size > 0).then_some(size);
        self
    }
}

impl<K: Kind> RecurrentBuilder<K> {
    /// Layers, each of which reads what the one before it put out. Default 1.
    pub fn num_layers(mut self, layers: usize) -> Self {
        self.options.layers = layers;
        self
    }

    /// Whether there are biases. Default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.options.bias = bias;
        self
    }

    /// Whether input and output are (N, T, ...), not (T, N, ...). Default false.
    pub fn batch_first(mut self, batch_first: bool) -> Self {
        self.options.batch_first = batch_first;
        self
    }

    /// In training, drops outputs of every layer but the last with this probability. Default 0.
    pub fn dropout(mut self, p: f64) -> Self {
        self.options.dropout = p;
        self
    }

    /// Whether each layer also reads from the end. Default false.
    pub fn bidirectional(mut self, bidirectional: bool) -> Self {
        self.options.bidirectional = bidirectional;
        self
    }

    /// The layer, its weights drawn from `generator`.
    ///
    /// # Errors
    /// When there is no layer or unit, the dropout is not a probability, or the projection is not smaller than the cells.
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Recurrent<K, T>> {
        let RecurrentBuilder { inputs, hidden, options, .. } = self;
        if hidden == 0 || options.layers == 0 {
            return Err(Error::value(
                K::LAYER,
                format!("hidden size {hidden} and {} layers must be at least 1", options.layers),
            ));
        }
        if !(0.0..=1.0).contains(&options.dropout) {
            return Err(Error::value(
                K::LAYER,
                format!("dropout {} is not a probability from 0 to 1", options.dropout),
            ));
        }
        if options.projection.is_some_and(|size| size >= hidden) {
            return Err(Error::value(
                K::LAYER,
                format!("proj_size {:?} must be smaller than the hidden size {hidden}", options.projection),
            ));
        }
        let directions = if options.bidirectional { 2 } else { 1 };
        let width = options.projection.unwrap_or(hidden);
        let weights = (0..options.layers * directions)
            .map(|k| {
                let inputs = if k < directions { inputs } else { directions * width };
                let gates = options.cell.gates();
                Weights::drawn(gates, inputs, hidden, options.projection, options.bias, generator)
            })
            .collect();
        let generator = Mutex::new(generator.fork());
        Ok(Recurrent { weights, training: true, options, generator, kind: PhantomData })
    }
}

impl<K: Kind, T: Float> Recurrent<K, T> {
    /// One layer with the default options.
    ///
    /// # Errors
    /// When `hidden` is 0.
    pub fn new(inputs: usize, hidden: usize, generator: &mut Generator) -> Result<Self> {
        Recurrent::<K>::builder(inputs, hidden).build(generator)
    }

    /// Runs the stack.
    fn run(
        &self,
        state: Option<&K::State<T>>,
        over: impl FnOnce(
            &mut Stacked<T>,
            Option<&Tensor<T>>,
            Option<&Tensor<T>>,
        ) -> Result<(Tensor<T>, States<T>)>,
    ) -> Result<(Tensor<T>, K::State<T>)> {
        let (h, c) = state.map(K::parts).unzip();
        let mut generator = locked(&self.generator);
        let drops = self.training && self.options.dropout > 0.0;
        let mut stacked = Stacked {
            cell: self.options.cell,
            weights: self.weights.iter().map(Weights::borrowed).collect(),
            bidirectional: self.options.bidirectional,
            dropout: drops.then_some((self.options.dropout, &mut *generator)),
        };
        let (y, (h, c)) = over(&mut stacked, h, c.flatten())?;
        Ok((y, K::join(h, c)))
    }

    /// Outputs and final states, from initial states (zeros by default), for sequences of given lengths (by default all as
    /// long as the input has steps).
    ///
    /// Lengths may come in any order. Steps beyond a sequence change nothing: outputs there are 0, the final state is that
    /// at the sequence's own end, and the reverse direction begins there. The output has as many steps as the longest.
    ///
    /// # Errors
    /// When shapes or lengths do not fit.
    pub fn forward_with(
        &self,
        x: &Tensor<T>,
        state: Option<&K::State<T>>,
        lengths: Option<&[usize]>,
    ) -> Result<(Tensor<T>, K::State<T>)> {
        let batch_first = self.options.batch_first;
        let (y, state) = match lengths {
            None => self.run(state, |stacked, h, c| stacked.padded(x, batch_first, h, c))?,
            Some(lengths) => {
                let packed = pack_padded_sequence(x, lengths, batch_first)?;
                let (packed, state) = self.forward_packed(&packed, state)?;
                (pad_packed_sequence(&packed, batch_first, 0.0, None)?.0, state)
            }
        };
        observe_as(self, K::LAYER, Ok(y)).map(|y| (y, state))
    }

    /// [`forward_with`](Self::forward_with) over a packed batch; states are in the order of the batch before it was sorted.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn forward_packed(
        &self,
        x: &PackedSequence<T>,
        state: Option<&K::State<T>>,
    ) -> Result<(PackedSequence<T>, K::State<T>)> {
        let order = |places: &[usize]| Tensor::from(places.iter().map(|&i| i as i64).collect::<Vec<i64>>());
        let (sorted, unsorted) = (order(&x.sorted_indices), order(&x.unsorted_indices()));
        let pick = |state: Option<&Tensor<T>>, places: &Tensor<i64>| {
            state.map(|state| state.index_select(1, places)).transpose()
        };
        let (data, state) = self.run(state, |stacked, h, c| {
            let (h, c) = (pick(h, &sorted)?, pick(c, &sorted)?);
            let (y, (h, c)) = stacked.packed(&x.data, &x.batch_sizes, h.as_ref(), c.as_ref())?;
            Ok((y, (h.index_select(1, &unsorted)?, pick(c.as_ref(), &unsorted)?)))
        })?;
        Ok((PackedSequence { data, ..x.clone() }, state))
    }
}

impl<K: Kind, T: Float> Module<T> for Recurrent<K, T> {
    /// The outputs, from states of zeros.
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        Ok(self.forward_with(x, None, None)?.0)
    }
}

impl<K: Kind, T: Float> Recurrent<K, T> {
    /// `_l0`, `_l0_reverse`, `_l1`, ...
    fn suffix(&self, k: usize) -> String {
        match (self.options.bidirectional, k % 2) {
            (false, _) => format!("_l{k}"),
            (true, 0) => format!("_l{}", k / 2),
            (true, _) => format!("_l{}_reverse", k / 2),
        }
    }
}

impl<K: Kind, T: Float> Parameters<T> for Recurrent<K, T> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        visitor(path, Entry::Module(Place::named(self, K::LAYER)));
        for (k, weights) in self.weights.iter().enumerate() {
            let suffix = self.suffix(k);
            for (name, tensor) in weights.named() {
                visitor(&join(path, &[name, &suffix].concat()), Entry::Parameter(tensor));
            }
        }
        visitor(&join(path, "training"), Entry::Training(self.training));
        visitor(&join(path, "generator"), Entry::Random(*locked(&self.generator)));
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        let suffixes: Vec<String> = (0..self.weights.len()).map(|k| self.suffix(k)).collect();
        for (weights, suffix) in self.weights.iter_mut().zip(&suffixes) {
            for (name, tensor) in weights.named_mut() {
                visitor(&join(path, &[name, suffix].concat()), EntryMut::Parameter(tensor));
            }
        }
        visitor(&join(path, "training"), EntryMut::Training(&mut self.training));
        visitor(&join(path, "generator"), EntryMut::Random(exclusive(&mut self.generator)));
    }
}
