//! Layers, by PyTorch's names and with PyTorch's defaults.

pub mod activation;
pub mod batch_norm;
pub mod conv2d;
pub mod dropout;
pub mod flatten;
mod images;
pub mod layer_norm;
pub mod linear;
pub mod pool2d;
pub mod sequential;

pub use images::Pair;
