//! Who may attend to whom.

use barehand_tensor::{AttentionMask, Causal, Element, where_};

use crate::{Error, Float, Result, Tensor};

/// Who may attend to whom. By default everybody to everybody.
#[derive(Clone, Debug)]
pub struct AttentionMasks<T: Float = f32> {
    /// Which keys each query may attend to, over scores (N, H, L, S): (L, S), or whatever broadcasts to that.
    pub mask: Option<AttentionMask<T>>,
    /// True where a key is padding that nobody attends to: (N, S), or (S) for a single sequence.
    pub key_padding: Option<Tensor<bool>>,
    /// Whether query i attends to keys 0..=i only.
    pub causal: bool,
}

impl<T: Float> Default for AttentionMasks<T> {
    fn default() -> Self {
        AttentionMasks { mask: None, key_padding: None, causal: false }
    }
}

impl<T: Float> AttentionMasks<T> {
    /// Every query attends to keys that are not later than itself.
    pub fn causal() -> Self {
        AttentionMasks { causal: true, ..Self::default() }
    }

    /// Nobody attends to what is true here: (N, S).
    pub fn key_padding(padding: Tensor<bool>) -> Self {
        AttentionMasks { key_padding: Some(padding), ..Self::default() }
    }

    /// Mask and padding as one mask.
    pub(crate) fn together(&self) -> Result<Option<AttentionMask<T>>> {
        let Some(padding) = &self.key_padding else { return Ok(self.mask.clone()) };
        let padding = if padding.rank() == 1 { padding.unsqueeze(0)? } else { padding.clone() };
        let never = Tensor::scalar(T::NEG_INFINITY);
        Ok(Some(match &self.mask {
            None => AttentionMask::KeyPadding(padding),
            Some(AttentionMask::KeyPadding(other)) => AttentionMask::KeyPadding(padding.or(other)?),
            Some(AttentionMask::Keep(keep)) => AttentionMask::Keep(keep.and(&over_keys(&padding)?.not()?)?),
            Some(AttentionMask::Additive(added)) => {
                AttentionMask::Additive(where_(&over_keys(&padding)?, &never, added)?)
            }
        }))
    }
}

/// A mask, which lets through only what `sees` (L, S) lets through too.
pub(crate) fn restricted<T: Float>(
    mask: Option<AttentionMask<T>>,
    sees: Tensor<bool>,
) -> Result<AttentionMask<T>> {
    let never = Tensor::scalar(T::NEG_INFINITY);
    Ok(match mask {
        None => AttentionMask::Keep(sees),
        Some(AttentionMask::Keep(keep)) => AttentionMask::Keep(keep.and(&sees)?),
        Some(AttentionMask::KeyPadding(padding)) => {
            AttentionMask::Keep(sees.and(&over_keys(&padding)?.not()?)?)
        }
        Some(AttentionMask::Additive(added)) => AttentionMask::Additive(where_(&sees, &added, &never)?),
    })
}

/// A mask over `keys` keys that lets everybody attend to `added` more at the end.
pub(crate) fn widened<T: Float>(
    mask: AttentionMask<T>,
    keys: usize,
    added: usize,
) -> Result<AttentionMask<T>> {
    fn at_the_end<E: Element>(mask: &Tensor<E>, keys: usize, added: usize, value: E) -> Result<Tensor<E>> {
        // A mask of one key may stand for as many as there are.
        let mut shape = mask.shape().to_vec();
        shape.pop();
        shape.push(keys);
        let mut amounts = vec![(0, 0); shape.len()];
        amounts[shape.len() - 1] = (0, added);
        mask.expand(&shape)?.pad(&amounts, value)
    }
    Ok(match mask {
        AttentionMask::Keep(keep) => AttentionMask::Keep(at_the_end(&keep, keys, added, true)?),
        AttentionMask::KeyPadding(padding) => {
            AttentionMask::KeyPadding(at_the_end(&padding, keys, added, false)?)
        }
        AttentionMask::Additive(bias) => AttentionMask::Additive(at_the_end(&bias, keys, added, T::ZERO)?),
    })
}

/// A padding mask (N, S) over the axes of scores: (N, 1, 1, S).
pub(crate) fn over_keys<T: Element>(padding: &Tensor<T>) -> Result<Tensor<T>> {
    let &[n, keys] = padding.shape() else {
        return Err(Error::shape(
            "attention",
            format!("a key-padding mask of shape {:?}: (N, S) expected", padding.shape()),
        ));
    };
    padding.reshape([n, 1, 1, keys].map(|n| n as isize))
}

/// True where query i may see key j: a causal mask, (queries, keys).
pub(crate) fn triangle(causal: Causal, queries: usize, keys: usize) -> Result<Tensor<bool>> {
    let last = match causal {
        Causal::UpperLeft => 0,
        Causal::LowerRight => keys as isize - queries as isize,
    };
    let sees = (0..queries as isize).flat_map(|i| (0..keys as isize).map(move |j| j <= i + last));
    Tensor::from_vec(sees.collect(), [queries, keys])
}
