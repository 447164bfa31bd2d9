//! Recurrent layers: [`RNN`], [`LSTM`] and [`GRU`], and their single steps [`RNNCell`], [`LSTMCell`] and [`GRUCell`].

mod cell;
mod kind;
mod layer;
pub mod stacked;

pub use cell::{GRUCell, LSTMCell, RNNCell, RecurrentStep};
pub use kind::{Gru, Kind, Lstm, Rnn};
pub use layer::{GRU, LSTM, RNN, Recurrent, RecurrentBuilder, Weights};
