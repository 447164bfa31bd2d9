//! Models made of the layers.

pub mod bert;
pub mod cnn;
pub mod gpt;
pub mod mlp;

pub use bert::{Bert, mean_pooling};
pub use cnn::{Cnn, cnn};
pub use gpt::{Gpt, Sampling};
pub use mlp::{Mlp, mlp};
