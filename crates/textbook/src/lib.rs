//! The readable twin of every barehand block: plain `f64` loops over small dense arrays, the formula as it stands on
//! paper, every intermediate value named.
//!
//! Nothing here is fast. It is here to be read, to be traced, and to be right: each file is a page with the formula,
//! the shapes, the source and the conventions; each block computes its forward and its backward pass and hands every
//! value on the way to a [`Trace`]. The fast engine is tested against these pages and never calls them.
//!
//! ```
//! use barehand_textbook::{Array, CrossEntropy, Targets, Trace};
//!
//! let logits = Array::matrix([[2.0, 1.0, 0.1]]);
//! let mut trace = Trace::new();
//! let loss = CrossEntropy::default().forward(&logits, Targets::Classes(&[0]), &mut trace)?;
//! assert!((loss[0] - 0.4170300162778335).abs() < 1e-15);
//! for step in trace.steps() {
//!     println!("{} = {} = {:?}", step.name, step.formula, step.value.data());
//! }
//! # Ok::<(), barehand_textbook::Error>(())
//! ```

pub mod activation;
pub mod adadelta;
pub mod adagrad;
pub mod adam;
pub mod adamax;
pub mod adaptive_pool2d;
pub mod array;
pub mod asgd;
pub mod attention;
pub mod batch_norm;
pub mod binary_cross_entropy;
pub mod broadcast;
pub mod clip_grad_norm;
pub mod confusion_matrix;
pub mod conv1d;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod cross_entropy;
pub mod dropout;
pub mod elementwise;
pub mod embedding;
pub mod erf;
pub mod error;
pub mod flatten;
pub mod gradient_accumulation;
pub mod gradient_check;
pub mod group_norm;
pub mod gru;
pub mod im2col;
pub mod layer_norm;
pub mod lbfgs;
pub mod learning_rate;
pub mod least_squares;
pub mod line_through_origin;
pub mod linear;
pub mod linear_regression;
pub mod log_loss;
pub mod logistic_regression;
pub mod lora;
pub mod loss_reduction;
pub mod lp_pool2d;
pub mod lstm;
pub mod matmul;
pub mod mersenne_twister;
pub mod mse;
pub mod multi_head_attention;
pub mod nadam;
pub mod nll_loss;
pub mod padding;
pub mod pool2d;
pub mod positional_encoding;
pub mod precision_recall;
pub mod radam;
pub mod recurrence;
pub mod reduce;
pub mod rms_norm;
pub mod rmsprop;
pub mod rnn;
pub mod rope;
pub mod rprop;
pub mod sgd;
pub mod sigmoid;
pub mod softmax;
pub mod top_k_accuracy;
pub mod trace;
pub mod transformer_layer;
pub mod two_layer_network;
pub mod weight_average;

pub use activation::Activation;
pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, Decay};
pub use adamax::Adamax;
pub use adaptive_pool2d::AdaptivePool2d;
pub use array::Array;
pub use asgd::Asgd;
pub use attention::{Attention, AttentionGradients, AttentionMask};
pub use batch_norm::{BatchNorm, NormGradients};
pub use binary_cross_entropy::BinaryCrossEntropy;
pub use broadcast::Arithmetic;
pub use clip_grad_norm::clip_grad_norm;
pub use confusion_matrix::{accuracy, confusion_matrix};
pub use conv_transpose2d::ConvTranspose2d;
pub use conv1d::Conv1d;
pub use conv2d::{Conv2d, Conv2dGradients, Kernel};
pub use cross_entropy::{CrossEntropy, LogGuard, Targets};
pub use dropout::{dropout, dropout_backward};
pub use elementwise::Elementwise;
pub use embedding::Embedding;
pub use error::{Error, Result};
pub use flatten::{flatten, flatten_backward};
pub use gradient_accumulation::accumulate_gradients;
pub use group_norm::GroupNorm;
pub use gru::Gru;
pub use im2col::{col2im, im2col};
pub use layer_norm::LayerNorm;
pub use lbfgs::Lbfgs;
pub use least_squares::{least_squares_normal_equations, least_squares_qr};
pub use linear::{LinearGradients, WeightLayout, linear, linear_backward};
pub use linear_regression::{Cost, Descent, GradientDescent, Order};
pub use log_loss::log_loss;
pub use logistic_regression::{LogisticDescent, LogisticModel, Threshold};
pub use lora::{Lora, LoraGradients};
pub use loss_reduction::Reduction;
pub use lp_pool2d::LpPool2d;
pub use lstm::Lstm;
pub use matmul::{matmul, matmul_backward};
pub use mersenne_twister::MersenneTwister;
pub use mse::Mse;
pub use multi_head_attention::{MultiHeadAttention, MultiHeadGradients, Projection, Sharing};
pub use nadam::NAdam;
pub use nll_loss::NllLoss;
pub use padding::Padding;
pub use pool2d::{Pool, Pool2d};
pub use positional_encoding::positional_encoding;
pub use precision_recall::{ClassScores, precision_recall};
pub use radam::RAdam;
pub use recurrence::{Cell, RecurrentWeights, State, Walk};
pub use reduce::{Reduce, Ties};
pub use rms_norm::RmsNorm;
pub use rmsprop::RMSprop;
pub use rnn::Rnn;
pub use rope::{Rope, RopeLayout};
pub use rprop::Rprop;
pub use sgd::Sgd;
pub use sigmoid::Sigmoid;
pub use softmax::{log_softmax, log_softmax_backward, softmax, softmax_backward};
pub use top_k_accuracy::top_k_accuracy;
pub use trace::{Step, Trace};
pub use transformer_layer::TransformerLayer;
pub use two_layer_network::{Objective, TwoLayerNetwork};
pub use weight_average::WeightAverage;
