//! The way from vectors of tokens to heads and back, and the weights of attention where somebody wants to see them.

use barehand_tensor::{AttentionMask, Causal, where_};

use super::attention_masks::{over_keys, triangle};
use crate::{Error, Float, Result, Tensor};

/// (A, B, H·D), of which `batch` says which of the first two axes counts sequences, as (N, H, L, D).
pub(crate) fn split<T: Float>(x: &Tensor<T>, heads: usize, batch: usize) -> Result<Tensor<T>> {
    let &[first, second, width] = x.shape() else { unreachable!("three axes") };
    let x = x.reshape([first, second, heads, width / heads].map(|n| n as isize))?;
    x.permute(if batch == 0 { [0, 2, 1, 3] } else { [1, 2, 0, 3] })
}

/// (A, B, P·H·D), P projections side by side, as P times (N, H, L, D).
pub(crate) fn split_packed<T: Float, const P: usize>(
    x: &Tensor<T>,
    heads: usize,
    batch: usize,
) -> Result<[Tensor<T>; P]> {
    let &[first, second, width] = x.shape() else { unreachable!("three axes") };
    let x = x.reshape([first, second, P, heads, width / (P * heads)].map(|n| n as isize))?;
    let x = x.permute(if batch == 0 { [2, 0, 3, 1, 4] } else { [2, 1, 3, 0, 4] })?;
    let parts = (0..P as isize).map(|part| x.select(0, part)).collect::<Result<Vec<_>>>()?;
    parts.try_into().map_err(|_| Error::shape("attention", "as many parts as projections"))
}

/// The way back: (N, H, L, D) to (A, B, H·D).
pub(crate) fn join<T: Float>(x: &Tensor<T>, batch: usize) -> Result<Tensor<T>> {
    let &[n, heads, length, width] = x.shape() else { unreachable!("four axes") };
    let x = x.permute(if batch == 0 { [0, 2, 1, 3] } else { [2, 0, 1, 3] })?;
    let (first, second) = if batch == 0 { (n, length) } else { (length, n) };
    x.reshape([first, second, heads * width].map(|n| n as isize))
}

/// softmax(scale · Q Kᵀ + mask), (N, H, L, S), as [`Tensor::scaled_dot_product_attention`] has it inside; the row of a
/// query that may attend to no key is 0.
pub(crate) fn weights<T: Float>(
    query: &Tensor<T>,
    key: &Tensor<T>,
    mask: Option<&AttentionMask<T>>,
    causal: Option<Causal>,
    scale: f64,
) -> Result<Tensor<T>> {
    let never = Tensor::scalar(T::NEG_INFINITY);
    let mut scores = query.mul_scalar(scale)?.matmul(&key.transpose(-2, -1)?)?;
    match mask {
        None => {}
        Some(AttentionMask::Keep(keep)) => scores = where_(keep, &scores, &never)?,
        Some(AttentionMask::KeyPadding(padding)) => {
            scores = where_(&over_keys(padding)?, &never, &scores)?;
        }
        Some(AttentionMask::Additive(added)) => scores = scores.add(added)?,
    }
    if let Some(causal) = causal {
        scores = where_(&triangle(causal, query.shape()[2], key.shape()[2])?, &scores, &never)?;
    }
    if mask.is_none() && causal.is_none() {
        return scores.softmax(-1);
    }
    let dead = scores.detach().eq_scalar(T::NEG_INFINITY)?.all_dim(-1, true)?;
    if !dead.any() {
        return scores.softmax(-1);
    }
    scores.masked_fill(&dead, T::ZERO)?.softmax(-1)?.masked_fill(&dead, T::ZERO)
}
