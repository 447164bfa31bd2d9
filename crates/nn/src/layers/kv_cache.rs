//! The keys and values of tokens that were seen before.

use barehand_tensor::Index;

use crate::{Error, Float, Result, Tensor};

/// Keys and values of one attention layer, so that a sequence can be continued without computing them again: the outputs
/// of a sequence given in parts are those of the sequence given whole.
///
/// Memory for the whole capacity is taken when the first keys come.
#[derive(Clone, Debug)]
pub struct KvCache<T: Float = f32> {
    capacity: usize,
    length: usize,
    /// (N, H, capacity, E) and (N, H, capacity, Ev).
    held: Option<[Tensor<T>; 2]>,
}

impl<T: Float> KvCache<T> {
    /// Nothing yet, and room for `capacity` tokens.
    pub fn new(capacity: usize) -> Self {
        KvCache { capacity, length: 0, held: None }
    }

    /// Tokens held.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether no token is held.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Tokens there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets all tokens but the first `length`; the memory stays.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Adds the keys (N, H, L, E) and values (N, H, L, Ev) of further tokens, off the tape; returns those of all tokens
    /// held, in the cache's own memory: drop them before the next call, which would copy it otherwise.
    ///
    /// # Errors
    /// When there is no room, or the other axes are not those of the tokens before.
    pub fn append(&mut self, keys: &Tensor<T>, values: &Tensor<T>) -> Result<(Tensor<T>, Tensor<T>)> {
        let (&[n, heads, length, width], &[.., value_width]) = (keys.shape(), values.shape()) else {
            return Err(Error::shape(
                "KvCache",
                format!("keys of shape {:?}: (N, H, L, E) expected", keys.shape()),
            ));
        };
        let end = self.length + length;
        if end > self.capacity {
            return Err(Error::value(
                "KvCache",
                format!("{length} more tokens after {} do not fit a cache of {}", self.length, self.capacity),
            ));
        }
        let capacity = self.capacity;
        let fresh = || [width, value_width].map(|width| Tensor::zeros([n, heads, capacity, width]));
        let held = self.held.get_or_insert_with(fresh);
        let place = [Index::from(..), Index::from(..), Index::from(self.length as isize..end as isize)];
        for (held, new) in held.iter_mut().zip([keys, values]) {
            let &[n, heads, _, width] = held.shape() else { unreachable!("made above") };
            if new.shape() != [n, heads, length, width] {
                return Err(Error::shape(
                    "KvCache",
                    format!("{:?} for a cache of {:?}", new.shape(), [n, heads, capacity, width]),
                ));
            }
            held.assign(&place, new)?;
        }
        self.length = end;
        Ok((held[0].narrow(2, 0, end)?, held[1].narrow(2, 0, end)?))
    }
}
