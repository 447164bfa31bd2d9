//! What differs between the three kinds of recurrent layer.

use barehand_tensor::RecurrentCell;

use crate::{Float, Tensor};

/// A kind of recurrent layer: its names, and what it carries from step to step.
pub trait Kind: Copy + Send + Sync + 'static {
    /// PyTorch's name of the layer.
    const LAYER: &'static str;
    /// PyTorch's name of the single step.
    const CELL: &'static str;
    /// What a step computes, unless an option says otherwise.
    const STEP: RecurrentCell;
    /// What goes from step to step: the hidden state, or hidden state and cell.
    type State<T: Float>: Clone + Send + Sync;

    /// The hidden state, and the cell where there is one.
    fn parts<T: Float>(state: &Self::State<T>) -> (&Tensor<T>, Option<&Tensor<T>>);
    /// The state of these parts.
    fn join<T: Float>(h: Tensor<T>, c: Option<Tensor<T>>) -> Self::State<T>;
}

/// The simple recurrent layer.
#[derive(Clone, Copy, Debug)]
pub struct Rnn;

/// Long short-term memory.
#[derive(Clone, Copy, Debug)]
pub struct Lstm;

/// The gated recurrent unit.
#[derive(Clone, Copy, Debug)]
pub struct Gru;

macro_rules! of_hidden_state {
    ($kind:ident, $layer:literal, $cell:literal, $step:ident) => {
        impl Kind for $kind {
            const LAYER: &'static str = $layer;
            const CELL: &'static str = $cell;
            const STEP: RecurrentCell = RecurrentCell::$step;
            type State<T: Float> = Tensor<T>;

            fn parts<T: Float>(state: &Tensor<T>) -> (&Tensor<T>, Option<&Tensor<T>>) {
                (state, None)
            }
            fn join<T: Float>(h: Tensor<T>, _: Option<Tensor<T>>) -> Tensor<T> {
                h
            }
        }
    };
}
of_hidden_state!(Rnn, "RNN", "RNNCell", RnnTanh);
of_hidden_state!(Gru, "GRU", "GRUCell", Gru);

impl Kind for Lstm {
    const LAYER: &'static str = "LSTM";
    const CELL: &'static str = "LSTMCell";
    const STEP: RecurrentCell = RecurrentCell::Lstm;
    type State<T: Float> = (Tensor<T>, Tensor<T>);

    fn parts<T: Float>(state: &(Tensor<T>, Tensor<T>)) -> (&Tensor<T>, Option<&Tensor<T>>) {
        (&state.0, Some(&state.1))
    }
    fn join<T: Float>(h: Tensor<T>, c: Option<Tensor<T>>) -> (Tensor<T>, Tensor<T>) {
        let c = c.unwrap_or_else(|| h.zeros_like());
        (h, c)
    }
}
