//! A strided n-dimensional array with automatic differentiation.
//!
//! [`Tensor`] is the one array type of the whole library. Views, broadcasting, slicing and reductions follow NumPy and
//! PyTorch; every fallible call returns a [`Result`] whose [`Error`] names the operation and the shapes.

pub mod any_tensor;
pub mod atomic_file;
pub mod autograd;
mod csr;
mod display;
pub mod element;
pub mod error;
pub mod layout;
mod npy;
pub mod npz;
pub mod ops;
pub mod profile;
pub mod random;
pub mod regular_file;
pub mod safetensors;
pub mod tensor;

pub use any_tensor::{AnyTensor, NamedTensors};
pub use autograd::{
    BackwardPass, GradientCheck, Gradients, InputGradients, Operator, Tag, apply, check_gradients,
    is_recording, no_grad, set_recording,
};
pub use barehand_kernels::elementwise::PairLoss;
pub use barehand_kernels::gated_linear_unit::Gate;
pub use barehand_kernels::{Buffer, isa, threads};
pub use csr::CsrMatrix;
pub use element::{DType, Element, Float, Integer, Whole};
pub use error::{Error, Result};
pub use layout::{Axes, Layout};
pub use npz::{read_npz, write_npz};
pub use ops::attention::{AttentionDropout, AttentionMask, AttentionOptions, Causal};
pub use ops::avg_pool::{AvgPool1dOptions, AvgPool2dOptions, AvgPoolOptions};
pub use ops::concat::{concat, stack};
pub use ops::conv::{Conv1dOptions, Conv2dOptions, ConvKernel, ConvOptions, same_padding};
pub use ops::conv_transpose::{ConvTranspose1dOptions, ConvTranspose2dOptions, ConvTransposeOptions};
pub use ops::cross_entropy::{CrossEntropyOptions, Reduction, Targets};
pub use ops::einsum::einsum;
pub use ops::embedding::EmbeddingOptions;
pub use ops::index::{Index, where_};
pub use ops::integer;
pub use ops::max_pool::{MaxPool1dOptions, MaxPool2dOptions, MaxPoolOptions};
pub use ops::nll_loss::NllLossOptions;
pub use ops::padding::PadMode;
pub use ops::recurrent::{Recurrence, RecurrentCell, RecurrentWeights};
pub use ops::rope::{RopeLayout, RopeOptions};
pub use random::Generator;
pub use tensor::Tensor;

/// Recycled memory of tensors: how much is held, and giving it back.
pub mod memory {
    pub use barehand_kernels::buffer::{free_bytes, held_bytes, trim};
}
