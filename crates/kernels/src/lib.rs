//! Numeric kernels: slices, sizes and strides in, slices out.
//!
//! This crate is the only one that knows the processor: instruction sets ([`isa`]), threads ([`threads`]) and memory
//! ([`buffer`]). It never sees a tensor or the tape. Every kernel checks the sizes it is given and panics on a
//! mismatch: its callers have already turned users' mistakes into errors.
//!
//! Kernels are written once, generic over the element type, and reach callers as methods of traits implemented for
//! `f32` and `f64` (`T::softmax(..)`), so each is compiled here and nowhere else.
#![allow(unsafe_code)] // This is the room where `unsafe` lives; each block states its reason.

pub mod attention;
pub mod batch_norm;
pub mod buffer;
pub mod class_sums;
pub mod column_moments;
pub mod column_scale;
pub mod compare;
pub mod conv2d;
pub mod coordinate_descent;
pub mod cross_entropy;
pub mod csr;
pub mod diagonal_gaussian;
mod disjoint;
pub mod dropout;
pub mod elementwise;
pub mod embedding;
pub mod finite;
pub mod gated_linear_unit;
pub mod gather;
pub mod gemm;
pub mod gram;
pub mod group_norm;
pub mod gru;
pub mod heads;
pub mod histogram;
pub mod integer;
pub mod isa;
pub mod k_means;
pub mod layer_norm;
pub mod linear_loss;
pub mod lstm;
pub mod math;
pub mod nearest;
pub mod nll_loss;
pub mod optimizer;
pub mod pool2d;
pub mod product;
pub mod radix_sort;
pub mod random;
pub mod ranking;
pub mod real;
pub mod recurrent;
pub mod reduce;
pub mod rnn;
pub mod rope;
pub mod scatter;
pub mod softmax;
pub mod stochastic_gradient;
mod stream;
pub mod strided;
pub mod threads;
pub mod tree;
pub mod tree_walk;
pub mod unfold;
pub mod view;

pub use buffer::Buffer;
pub use real::Real;
pub use view::View;
