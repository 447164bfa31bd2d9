//! Low-rank adaptation.

use crate::module::{Entry, EntryMut, Place, join};
use crate::summary::observe;
use crate::{Dropout, Error, Float, Generator, Linear, Module, Parameters, Result, Tensor};

/// A trained correction of low rank beside a frozen linear layer (Hu et al. 2022; `peft`'s LoRA):
///
/// ```text
/// y = x weightᵀ + bias + alpha / rank · dropout(x) lora_Aᵀ lora_Bᵀ
/// ```
///
/// lora_A (rank, in) begins as a linear layer's weight does, lora_B (out, rank) with 0, so that at first nothing changes.
/// The names are those of `peft`'s files: `base_layer.weight`, `lora_A.weight`, `lora_B.weight`.
///
/// ```
/// use barehand_nn::{Generator, Linear, Lora, Module, Parameters, Tensor};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let mut generator = Generator::new(0);
/// let linear = Linear::<f32>::new(64, 32, &mut generator);
/// let mut layer = Lora::new(linear, 4, 8.0, 0.0, &mut generator)?;
/// assert_eq!(layer.num_trainable(), 4 * (64 + 32));
/// layer.merge()?;
/// let y = layer.forward(&Tensor::ones([1, 64]))?;
/// # Ok(())
/// # }
/// ```
pub struct Lora<T: Float = f32> {
    /// What is adapted; frozen.
    pub base_layer: Linear<T>,
    /// (rank, in)
    pub lora_a: Tensor<T>,
    /// (out, rank)
    pub lora_b: Tensor<T>,
    dropout: Dropout,
    /// alpha / rank
    scaling: f64,
    merged: bool,
}

impl<T: Float> Lora<T> {
    /// Freezes a layer and puts a correction of this rank beside it, which counts alpha / rank times and sees inputs of
    /// which a share of `dropout` is dropped in training. `peft`'s defaults are rank 8, alpha 8 and no dropout.
    ///
    /// # Errors
    /// When the rank is 0, or `dropout` no probability.
    pub fn new(
        mut base_layer: Linear<T>,
        rank: usize,
        alpha: f64,
        dropout: f64,
        generator: &mut Generator,
    ) -> Result<Self> {
        if rank == 0 {
            return Err(Error::value("Lora", "the rank must be 1 or more"));
        }
        let &[outputs, inputs] = base_layer.weight.shape() else {
            let shape = base_layer.weight.shape();
            return Err(Error::shape("Lora", format!("a weight (out, in) expected, got shape {shape:?}")));
        };
        base_layer.freeze();
        let lora_a = Linear::without_bias(inputs, rank, generator).weight;
        let lora_b = Tensor::zeros([outputs, rank]).requires_grad();
        let dropout = Dropout::new(dropout, generator)?;
        Ok(Lora { base_layer, lora_a, lora_b, dropout, scaling: alpha / rank as f64, merged: false })
    }

    /// Whether the correction is in the base layer's weight.
    pub fn is_merged(&self) -> bool {
        self.merged
    }

    /// Adds the correction to the base layer's weight, so that the layer costs no more than that.
    ///
    /// # Errors
    /// When it is merged already.
    pub fn merge(&mut self) -> Result<()> {
        self.add_to_base(self.scaling, true)
    }

    /// Takes the correction out of the base layer's weight again, exactly up to rounding.
    ///
    /// # Errors
    /// When it is not merged.
    pub fn unmerge(&mut self) -> Result<()> {
        self.add_to_base(-self.scaling, false)
    }

    fn add_to_base(&mut self, scale: f64, merged: bool) -> Result<()> {
        if self.merged == merged {
            let state = if merged { "merged already" } else { "not merged" };
            return Err(Error::value("Lora", format!("the correction is {state}")));
        }
        let correction = self.lora_b.detach().matmul(&self.lora_a.detach())?;
        self.base_layer.weight.add_assign_scaled(scale, &correction)?;
        self.merged = merged;
        Ok(())
    }

    /// The merged linear layer, without the correction beside it; frozen.
    ///
    /// # Errors
    /// Never for a layer made by [`new`](Lora::new).
    pub fn into_linear(mut self) -> Result<Linear<T>> {
        if !self.merged {
            self.merge()?;
        }
        Ok(self.base_layer)
    }
}

impl<T: Float> Module<T> for Lora<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let y = self.base_layer.forward(x)?;
        if self.merged {
            return observe(self, Ok(y));
        }
        let inner = self.dropout.forward(x)?.linear(&self.lora_a, None)?;
        observe(self, y.add(&inner.linear(&self.lora_b, None)?.mul_scalar(self.scaling)?))
    }
}

impl<T: Float> Parameters<T> for Lora<T> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        visitor(path, Entry::Module(Place::of(self)));
        self.base_layer.visit(&join(path, "base_layer"), visitor);
        self.lora_a.visit(&join(path, "lora_A.weight"), visitor);
        self.lora_b.visit(&join(path, "lora_B.weight"), visitor);
        Parameters::<T>::visit(&self.dropout, &join(path, "lora_dropout"), visitor);
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        self.base_layer.visit_mut(&join(path, "base_layer"), visitor);
        self.lora_a.visit_mut(&join(path, "lora_A.weight"), visitor);
        self.lora_b.visit_mut(&join(path, "lora_B.weight"), visitor);
        Parameters::<T>::visit_mut(&mut self.dropout, &join(path, "lora_dropout"), visitor);
    }
}
