//! Layers, by PyTorch's names and with PyTorch's defaults.

pub mod activation;
pub mod adaptive_pool;
pub mod attention;
pub mod attention_masks;
pub mod avg_pool;
pub mod batch_norm;
pub mod channel_dropout;
pub mod conv;
pub mod conv1d_gpt2;
pub mod conv_transpose;
pub mod dropout;
pub mod embedding;
pub mod feed_forward;
pub mod flatten;
pub mod group_norm;
pub(crate) mod heads;
mod images;
pub mod instance_norm;
pub mod kv_cache;
pub mod layer_norm;
pub mod linear;
pub mod lora;
pub mod lp_pool;
pub mod max_pool;
pub mod multihead_attention;
pub mod position;
pub mod recurrent;
pub mod rms_norm;
pub mod sequential;
pub mod shared_head_attention;
pub mod transformer;
pub mod transformer_decoder;
pub mod transformer_encoder;
pub mod transformer_options;
pub mod unfold;

pub use images::{Pair, Sides};
