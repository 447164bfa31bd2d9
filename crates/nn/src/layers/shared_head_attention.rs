//! Attention whose heads share one projection.

use barehand_tensor::{AttentionMask, AttentionOptions};

use super::attention_masks::AttentionMasks;
use super::heads::{join, split};
use crate::summary::observe;
use crate::{Error, Float, Generator, Linear, Module, Parameters, Result, Tensor};

const NAME: &str = "SharedHeadAttention";

/// Attention in several heads that all use the same three projections, of the width of one head, and whose scores are
/// divided by √E, the square root of the whole width: a variant that many notes call multi-head attention.
///
/// Over sequences (N, L, E). [`MultiheadAttention`](crate::MultiheadAttention) has projections for each head, and divides
/// by the square root of a head's width.
///
/// ```
/// use barehand_nn::{AttentionMasks, Generator, Parameters, SharedHeadAttention, Tensor};
///
/// let attention = SharedHeadAttention::<f32>::new(8, 2, &mut Generator::new(0)).unwrap();
/// let x = Tensor::ones([1, 3, 8]);
/// assert_eq!(attention.attend([&x, &x, &x], &AttentionMasks::causal()).unwrap().shape(), [1, 3, 8]);
/// assert_eq!(attention.num_parameters(), 3 * 4 * 4 + 8 * 8 + 8);
/// ```
#[derive(Clone, Parameters)]
pub struct SharedHeadAttention<T: Float = f32> {
    /// (D, D), D = E / H, without a bias; so are the next two.
    pub values: Linear<T>,
    /// Of every head's keys.
    pub keys: Linear<T>,
    /// Of every head's queries.
    pub queries: Linear<T>,
    /// (E, E), with a bias.
    pub fc_out: Linear<T>,
    #[module(skip)]
    heads: usize,
}

impl<T: Float> SharedHeadAttention<T> {
    /// For vectors of `embed`, cut into `heads` parts.
    ///
    /// # Errors
    /// When the heads do not divide the width, or either is 0.
    pub fn new(embed: usize, heads: usize, generator: &mut Generator) -> Result<Self> {
        if embed == 0 || heads == 0 || !embed.is_multiple_of(heads) {
            return Err(Error::value(
                NAME,
                format!("a width of {embed} cannot be cut into {heads} heads of one width"),
            ));
        }
        let width = embed / heads;
        let mut shared = || Linear::without_bias(width, width, generator);
        let (values, keys, queries) = (shared(), shared(), shared());
        Ok(SharedHeadAttention { values, keys, queries, fc_out: Linear::new(embed, embed, generator), heads })
    }

    /// The output (N, L, E) for queries (N, L, E), keys and values (N, S, E).
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn attend(
        &self,
        [query, key, value]: [&Tensor<T>; 3],
        masks: &AttentionMasks<T>,
    ) -> Result<Tensor<T>> {
        let embed = self.heads * self.queries.weight.shape()[0];
        for x in [query, key, value] {
            if x.rank() != 3 || x.shape()[2] != embed {
                return Err(Error::shape(NAME, format!("{:?}: (N, L, {embed}) expected", x.shape())));
            }
        }
        let project = |layer: &Linear<T>, x: &Tensor<T>| layer.forward(&split(x, self.heads, 0)?);
        let options = AttentionOptions {
            mask: masks.together()?,
            causal: masks.causal.then_some(barehand_tensor::Causal::UpperLeft),
            scale: Some(1.0 / (embed as f64).sqrt()),
            ..Default::default()
        };
        let attended = project(&self.queries, query)?.scaled_dot_product_attention(
            &project(&self.keys, key)?,
            &project(&self.values, value)?,
            &options,
        )?;
        observe(self, self.fc_out.forward(&join(&attended, 0)?))
    }

    /// [`attend`](Self::attend) with the notes' mask: 1 where a query attends to a key, broadcast to (N, H, L, S).
    ///
    /// # Errors
    /// As `attend`.
    pub fn attend_where(&self, inputs: [&Tensor<T>; 3], keep: &Tensor<bool>) -> Result<Tensor<T>> {
        let mask = Some(AttentionMask::Keep(keep.clone()));
        self.attend(inputs, &AttentionMasks { mask, ..Default::default() })
    }
}

/// Self-attention without masks.
impl<T: Float> Module<T> for SharedHeadAttention<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.attend([x, x, x], &AttentionMasks::default())
    }
}
