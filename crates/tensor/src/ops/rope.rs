//! Rotary position embedding.

use barehand_kernels::rope::{Pairs, Rotation};

use super::heads::{Dense, heads};
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Which elements of a row make a pair that turns together. Weights trained with one layout are nonsense to the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RopeLayout {
    /// Neighbours, 2i and 2i + 1: the paper, Meta's Llama, GGUF files. The default.
    #[default]
    Interleaved,
    /// i and i + width / 2: GPT-NeoX and Hugging Face's models.
    HalfSplit,
}

/// The options of [`Tensor::rope`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeOptions {
    /// Which elements make a pair. Default: neighbours.
    pub layout: RopeLayout,
    /// θ, the base of the frequencies. Default 10000.
    pub base: f64,
    /// The position of the first row: how many tokens a cache holds already. Default 0.
    pub offset: usize,
    /// How many elements of a row turn, an even number; the others stay. Default: all.
    pub width: Option<usize>,
}

impl Default for RopeOptions {
    fn default() -> Self {
        RopeOptions { layout: RopeLayout::Interleaved, base: 10_000.0, offset: 0, width: None }
    }
}

struct Rope(Rotation);

impl Rope {
    fn turned<T: Float>(&self, x: &Tensor<T>, back: bool) -> Tensor<T> {
        let mut out = Dense::like(x, x.shape()[x.rank() - 1]);
        let source = heads(x);
        T::rope(&Rotation { back, ..self.0 }, source.view(), out.target());
        out.into_tensor()
    }
}

impl<T: Float> Operator<T> for Rope {
    type Saved = ();

    fn name(&self) -> &'static str {
        "rope"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, ())> {
        Ok((self.turned(inputs[0], false), ()))
    }

    /// A rotation's transpose is the rotation back.
    fn backward(&self, (): &(), grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        Ok(one(self.turned(grad, true)))
    }
}

impl<T: Float> Tensor<T> {
    /// Rotary position embedding (Su et al. 2021, "RoFormer") of queries or keys (..., T, D), never of values: at
    /// position t, pair i of a row turns by t / base^(2i / width):
    ///
    /// (a, b) becomes (a cos φ - b sin φ, b cos φ + a sin φ)
    ///
    /// so that the product of a query and a key depends on their distance alone.
    ///
    /// ```
    /// use barehand_tensor::{RopeOptions, Tensor};
    ///
    /// # fn main() -> barehand_tensor::Result<()> {
    /// let x = Tensor::from([[1.0_f64, 0.0], [1.0, 0.0]]);
    /// let y = x.rope(&RopeOptions::default())?;
    /// assert_eq!(y.select(0, 0)?.to_vec(), [1.0, 0.0]);
    /// assert!((y.at([1, 0])? - 1f64.cos()).abs() < 1e-15 && (y.at([1, 1])? - 1f64.sin()).abs() < 1e-15);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When there are not two axes at least, the width is odd or larger than the row, or the base is not positive.
    pub fn rope(&self, options: &RopeOptions) -> Result<Tensor<T>> {
        let &[.., positions, cols] = self.shape() else {
            return Err(Error::shape(
                "rope",
                format!("the input has shape {:?}, not (..., positions, width)", self.shape()),
            ));
        };
        let width = options.width.unwrap_or(cols);
        if !width.is_multiple_of(2) || width > cols {
            return Err(Error::value(
                "rope",
                format!("width {width} must be an even number of the {cols} elements of a row"),
            ));
        }
        if !(options.base > 0.0 && options.base.is_finite()) {
            return Err(Error::value("rope", format!("the base must be positive, not {}", options.base)));
        }
        let pairs = match options.layout {
            RopeLayout::Interleaved => Pairs::Interleaved,
            RopeLayout::HalfSplit => Pairs::HalfSplit,
        };
        let (base, first) = (options.base, options.offset);
        apply(Rope(Rotation { positions, first, cols, width, base, pairs, back: false }), &[self])
    }
}
