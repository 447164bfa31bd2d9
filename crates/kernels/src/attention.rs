//! Scaled dot-product attention, `softmax(scale Q K^T + mask) V`, without ever holding the matrix of weights: an online
//! softmax over blocks of keys (Milakov and Gimelshein 2018; Rabe and Staats 2021; Dao et al. 2022, "FlashAttention").
//! The forward pass leaves one number a query, the logarithm of its softmax's denominator; the backward pass computes the
//! weights again from it. Memory is linear in the number of queries and keys.
//!
//! A block of queries is turned over once, so that vectors run along the queries: scores are then `K Q^T` with keys read
//! where they lie, maxima and sums over keys are plain vector operations, and weights are already turned as their product
//! with the values wants them. Rows of keys are copied in the backward pass only, where they are not whole vectors.

mod backward;
mod block;
mod few;
mod forward;
mod mask;
mod product;

use crate::heads::{Heads, HeadsMut};
use crate::math::Math;
use crate::random::Philox;

/// The sizes of an attention.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
    /// Matrices of keys, and of values.
    pub heads: usize,
    /// Matrices of queries for each of them, one after another.
    pub group: usize,
    /// Rows of a matrix of queries.
    pub queries: usize,
    /// Rows of a matrix of keys, or values.
    pub keys: usize,
    /// Columns of queries and keys.
    pub width: usize,
    /// Columns of values.
    pub value_width: usize,
}

impl AttentionShape {
    /// Matrices of queries.
    pub fn query_heads(&self) -> usize {
        self.heads * self.group
    }

    /// Multiply-adds of one product of the whole.
    fn work(&self, causal: Option<isize>) -> usize {
        let pairs = self.query_heads() * self.queries * self.keys;
        pairs * self.width.max(self.value_width) / if causal.is_some() { 2 } else { 1 }
    }
}

/// Numbers of queries and keys: that of query `i` and key `j` in head `h` of the queries is
/// `data[offsets[h] + i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a, T> {
    /// The memory.
    pub data: &'a [T],
    /// Where the matrix of each head of queries starts.
    pub offsets: &'a [usize],
    /// Elements to step over for the next query; 0 repeats.
    pub row_stride: usize,
    /// Elements to step over for the next key; 0 repeats.
    pub col_stride: usize,
}

/// Who attends to whom.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a, T> {
    /// Where the place holds `keep`.
    Keep {
        /// The places.
        places: Places<'a, bool>,
        /// What says "attend".
        keep: bool,
    },
    /// Added to the scaled scores.
    Additive(Places<'a, T>),
}

/// An attention, in either direction.
#[derive(Clone, Copy, Debug)]
pub struct Attend<'a, T> {
    /// The sizes.
    pub shape: AttentionShape,
    /// `query_heads` matrices of `queries x width`.
    pub query: Heads<'a, T>,
    /// `heads` matrices of `keys x width`.
    pub key: Heads<'a, T>,
    /// `heads` matrices of `keys x value_width`.
    pub value: Heads<'a, T>,
    /// Everybody to everything without one.
    pub mask: Option<Mask<'a, T>>,
    /// `d`, where query `i` attends to keys up to and including `i + d` only.
    pub causal: Option<isize>,
    /// What the products of queries and keys are multiplied by.
    pub scale: f64,
    /// The chance of a weight to be dropped, and what decides it.
    pub dropout: Option<(f64, Philox)>,
}

/// What the backward pass is given beside the attention itself.
#[derive(Clone, Copy, Debug)]
pub struct AttentionPass<'a, T> {
    /// The output of the forward pass.
    pub out: Heads<'a, T>,
    /// Its other output.
    pub log_sums: &'a [T],
    /// The gradient of the output.
    pub dout: Heads<'a, T>,
}

/// The gradients that are asked for.
#[derive(Debug)]
pub struct AttentionGradients<'a, T> {
    /// As the queries.
    pub dquery: Option<HeadsMut<'a, T>>,
    /// As the keys.
    pub dkey: Option<HeadsMut<'a, T>>,
    /// As the values.
    pub dvalue: Option<HeadsMut<'a, T>>,
    /// Of an additive mask, before it is summed over what it was repeated along: `query_heads x queries x keys` zeros.
    pub dmask: Option<&'a mut [T]>,
}

/// Attention of `f32` and `f64`. A query without a key gives zeros and gets no gradient.
pub trait Attention: Math {
    /// `out` (`query_heads` matrices of `queries x value_width`), and for each query the logarithm, to base 2, of the sum of
    /// `e^score`: infinite where it has no key.
    fn attention(attend: &Attend<Self>, out: HeadsMut<Self>, log_sums: &mut [Self]);

    /// With `P` the weights and `dP = dO V^T`: `dV = P^T dO`, `dS = P (dP - sum over keys of P dP)`, `dQ = scale dS K`,
    /// `dK = scale dS^T Q`; the sum is that of `O dO` over the value's columns.
    fn attention_backward(
        attend: &Attend<Self>,
        pass: &AttentionPass<Self>,
        gradients: AttentionGradients<Self>,
    );
}

macro_rules! attention {
    ($($t:ty),*) => { $(
        impl Attention for $t {
            fn attention(attend: &Attend<Self>, out: HeadsMut<Self>, log_sums: &mut [Self]) {
                attend.check();
                forward::forward(attend, out, log_sums);
            }
            fn attention_backward(
                attend: &Attend<Self>,
                pass: &AttentionPass<Self>,
                gradients: AttentionGradients<Self>,
            ) {
                attend.check();
                backward::backward(attend, pass, gradients);
            }
        }
    )* };
}
attention!(f32, f64);

impl<T> Attend<'_, T> {
    fn check(&self) {
        let AttentionShape { heads, queries, keys, width, value_width, .. } = self.shape;
        let query_heads = self.shape.query_heads();
        self.query.check("queries", query_heads, queries, width);
        self.key.check("keys", heads, keys, width);
        self.value.check("values", heads, keys, value_width);
        match &self.mask {
            None => {}
            Some(Mask::Keep { places, .. }) => places.check(query_heads, queries, keys),
            Some(Mask::Additive(places)) => places.check(query_heads, queries, keys),
        }
    }
}

impl<T> Places<'_, T> {
    fn check(&self, heads: usize, queries: usize, keys: usize) {
        assert_eq!(self.offsets.len(), heads, "a mask for each head of queries");
        if queries > 0 && keys > 0 {
            let last = (queries - 1) * self.row_stride + (keys - 1) * self.col_stride;
            let len = self.data.len();
            assert!(self.offsets.iter().all(|offset| offset + last < len), "the mask reaches past its data");
        }
    }
}
