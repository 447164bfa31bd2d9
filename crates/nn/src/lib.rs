//! Neural networks: layers, losses, optimizers, learning-rate schedules, and models made of them.
//!
//! Names, defaults and update rules are PyTorch's. A model is a struct of layers; deriving [`Parameters`] names what it
//! holds, and implementing [`Module`] says what it computes:
//!
//! ```
//! use barehand_nn::{Generator, Linear, Module, Optimizer, Parameters, Result, Sgd, Tensor, cross_entropy};
//!
//! #[derive(Parameters)]
//! struct Net {
//!     hidden: Linear,
//!     output: Linear,
//! }
//!
//! impl Module for Net {
//!     fn forward(&self, x: &Tensor) -> Result<Tensor> {
//!         self.output.forward(&self.hidden.forward(x)?.relu()?)
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let mut generator = Generator::new(0);
//! let mut net = Net { hidden: Linear::new(2, 8, &mut generator), output: Linear::new(8, 2, &mut generator) };
//! let x = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
//! let y = Tensor::from([0_i64, 1, 1, 0]);
//!
//! let mut optimizer = Sgd::builder(0.5).momentum(0.9).build()?;
//! for _ in 0..200 {
//!     let loss = cross_entropy(&net.forward(&x)?, &y)?;
//!     optimizer.step(&mut net, &loss.backward()?)?;
//! }
//! assert_eq!(net.forward(&x)?.argmax(-1)?, y);
//! assert_eq!(net.named_parameters()[0].0, "hidden.weight");
//! # Ok(())
//! # }
//! ```

// The derive names this crate as its users do.
extern crate self as barehand_nn;

pub mod distance;
pub mod init;
pub mod layers;
pub mod loss;
pub mod memory;
pub mod models;
pub mod module;
pub mod optim;
pub mod packed_sequence;
pub mod schedule;
pub mod summary;

pub use barehand_kernels::random::Philox as Generator;
pub use barehand_nn_derive::Parameters;
pub use barehand_tensor::{
    ConvKernel, Element, Error, Float, Gradients, PadMode, Reduction, Result, Targets, Tensor, no_grad,
};
pub use distance::{CosineSimilarity, PairwiseDistance};
pub use layers::activation::{
    Activation, CELU, ELU, GELU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid,
    LogSoftmax, Mish, PReLU, RReLU, ReLU, ReLU6, SELU, SiLU, Sigmoid, Softmax, Softmin, Softplus, Softshrink,
    Softsign, Tanh, Tanhshrink, Threshold,
};
pub use layers::adaptive_pool::{
    AdaptiveAvgPool, AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool, AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
};
pub use layers::attention::Attention;
pub use layers::attention_masks::AttentionMasks;
pub use layers::avg_pool::{AvgPool, AvgPool1d, AvgPool2d};
pub use layers::batch_norm::{BatchNorm, BatchNorm1d, BatchNorm2d};
pub use layers::channel_dropout::{Dropout1d, Dropout2d};
pub use layers::conv::{Conv, Conv1d, Conv2d, Padding};
pub use layers::conv_transpose::{ConvTranspose, ConvTranspose1d, ConvTranspose2d};
pub use layers::conv1d_gpt2::Conv1D;
pub use layers::dropout::Dropout;
pub use layers::embedding::Embedding;
pub use layers::feed_forward::{FeedForward, SwiGluFeedForward};
pub use layers::flatten::Flatten;
pub use layers::gated_linear_unit::{GEGLU, GLU, ReGLU, SwiGLU};
pub use layers::group_norm::GroupNorm;
pub use layers::instance_norm::{InstanceNorm, InstanceNorm1d, InstanceNorm2d};
pub use layers::kv_cache::KvCache;
pub use layers::layer_norm::LayerNorm;
pub use layers::linear::Linear;
pub use layers::lora::Lora;
pub use layers::lp_pool::{LPPool, LPPool1d, LPPool2d};
pub use layers::max_pool::{MaxPool, MaxPool1d, MaxPool2d};
pub use layers::multihead_attention::{
    InProjection, MultiheadAttention, MultiheadParameters, multi_head_attention_forward,
};
pub use layers::position::{LearnedPositions, SinusoidalPositions, sinusoidal_encoding};
pub use layers::recurrent::{GRU, GRUCell, LSTM, LSTMCell, RNN, RNNCell};
pub use layers::rms_norm::RMSNorm;
pub use layers::sequential::Sequential;
pub use layers::shared_head_attention::SharedHeadAttention;
pub use layers::sigmoid::{AlgebraicSigmoid, ArctangentSigmoid, ErfSigmoid, Gudermannian};
pub use layers::transformer::Transformer;
pub use layers::transformer_decoder::{TransformerDecoder, TransformerDecoderLayer};
pub use layers::transformer_encoder::{TransformerEncoder, TransformerEncoderLayer};
pub use layers::transformer_options::TransformerOptions;
pub use layers::unfold::{Fold, Unfold};
pub use loss::bce::{BceLoss, BceWithLogitsLoss, bce_loss, bce_with_logits_loss};
pub use loss::bpr::BprLoss;
pub use loss::contrastive::ContrastiveLoss;
pub use loss::cosine_embedding::CosineEmbeddingLoss;
pub use loss::cross_entropy::{CrossEntropyLoss, ProbabilityCrossEntropyLoss, cross_entropy};
pub use loss::focal::{Alpha, FocalLoss};
pub use loss::hinge::{HingeEmbeddingLoss, HingeLoss, SoftMarginLoss};
pub use loss::info_nce::{InfoNceLoss, NtXentLoss};
pub use loss::kl_div::{Direction, DivergenceReduction, KlDivLoss, KlDivergence};
pub use loss::l1::{HuberLoss, L1Loss, SmoothL1Loss, huber_loss, l1_loss, smooth_l1_loss};
pub use loss::likelihood::{GaussianNllLoss, PoissonNllLoss};
pub use loss::margin::{MarginRankingLoss, MultiMarginLoss, PairwiseMarginLoss};
pub use loss::mse::{MseLoss, mse_loss};
pub use loss::nll::{NllLoss, nll_loss};
pub use loss::triplet::TripletMarginLoss;
pub use memory::{Memory, memory};
pub use module::{Module, Parameters, StateDict};
pub use optim::accumulation::Accumulation;
pub use optim::adadelta::Adadelta;
pub use optim::adagrad::Adagrad;
pub use optim::adam::{Adam, AdamW};
pub use optim::adamax::Adamax;
pub use optim::asgd::Asgd;
pub use optim::averaged_model::AveragedModel;
pub use optim::clip::{Norm, clip_grad_norm, clip_grad_norm_of, clip_grad_value};
pub use optim::lbfgs::{Lbfgs, LineSearch};
pub use optim::nadam::NAdam;
pub use optim::radam::RAdam;
pub use optim::rmsprop::RMSprop;
pub use optim::rprop::Rprop;
pub use optim::rule::named;
pub use optim::sgd::Sgd;
pub use optim::{Closure, Optimizer, OptimizerState};
pub use packed_sequence::PackedSequence;
pub use schedule::{Schedule, Scheduler};
pub use summary::{Summary, summary};
