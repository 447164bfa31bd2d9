//! Numeric kernels: slices, sizes and strides in, slices out.
//!
//! This crate is the only one that knows the processor: instruction sets ([`isa`]), threads ([`threads`]) and memory
//! ([`buffer`]). It never sees a tensor or the tape. Every kernel checks the sizes it is given and panics on a
//! mismatch: its callers have already turned users' mistakes into errors.
//!
//! Kernels are written once, generic over the element type, and reach callers as methods of traits implemented for
//! `f32` and `f64` (`T::softmax(..)`), so each is compiled here and nowhere else.
#![allow(unsafe_code)] // This is the room where `unsafe` lives; each block states its reason.

pub mod buffer;
pub mod compare;
mod disjoint;
pub mod elementwise;
pub mod conv2d;
pub mod gather;
pub mod gemm;
pub mod dropout;
pub mod isa;
pub mod optimizer;
pub mod random;
pub mod pool2d;
pub mod math;
pub mod product;
pub mod real;
pub mod softmax;
pub mod cross_entropy;
pub mod layer_norm;
pub mod batch_norm;
pub mod reduce;
pub mod strided;
pub mod threads;
pub mod view;

pub use buffer::Buffer;
pub use real::Real;
pub use view::View;
