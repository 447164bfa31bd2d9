//! Operators, each with its forward beside its backward, as methods of [`Tensor`](crate::Tensor).

pub mod arithmetic;
pub mod assign;
pub mod attention;
pub mod compare;
pub mod concat;
pub mod conv;
pub mod cross_entropy;
pub mod dropout;
pub mod einsum;
pub mod embedding;
pub(crate) mod heads;
pub mod index;
pub mod integer;
pub mod matmul;
pub mod nll_loss;
pub mod norm;
pub mod pool;
pub mod reduce;
pub mod rope;
pub mod shape;
pub mod softmax;
pub mod sort;
pub mod unary;
