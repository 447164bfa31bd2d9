//! Models made of the layers.

pub mod cnn;
pub mod mlp;

pub use cnn::{Cnn, cnn};
pub use mlp::{Mlp, mlp};
