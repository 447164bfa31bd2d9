//! Layers, by PyTorch's names and with PyTorch's defaults.

pub mod activation;
pub mod attention;
pub mod attention_masks;
pub mod batch_norm;
pub mod conv2d;
pub mod dropout;
pub mod embedding;
pub mod feed_forward;
pub mod flatten;
pub(crate) mod heads;
mod images;
pub mod kv_cache;
pub mod layer_norm;
pub mod linear;
pub mod multihead_attention;
pub mod pool2d;
pub mod position;
pub mod sequential;
pub mod shared_head_attention;
pub mod transformer;
pub mod transformer_decoder;
pub mod transformer_encoder;
pub mod transformer_options;

pub use images::Pair;
