//! Comparisons, logic on masks, and counting what is true.

use barehand_kernels::Buffer;
use barehand_kernels::compare::{Compare, Logic, compare, logic};

use super::arithmetic::broadcast;
use crate::element::Element;
use crate::error::Result;
use crate::layout::broadcast_shapes;
use crate::tensor::Tensor;

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $with_scalar:ident => $op:ident;)*) => {
        impl<T: Element> Tensor<T> { $(
            $(#[$doc])*
            ///
            /// # Errors
            /// When the shapes do not broadcast.
            pub fn $name(&self, other: &Tensor<T>) -> Result<Tensor<bool>> {
                let shape = broadcast_shapes(stringify!($name), self.shape(), other.shape())?;
                let x = broadcast(stringify!($name), self, &shape)?;
                let y = broadcast(stringify!($name), other, &shape)?;
                let mut out = Buffer::scratch(x.len());
                compare(Compare::$op, x.view(), y.view(), &mut out);
                Ok(Tensor::from_buffer(out, &shape))
            }

            /// The same against one value.
            pub fn $with_scalar(&self, value: T) -> Result<Tensor<bool>> {
                self.$name(&Tensor::scalar(value))
            }
        )* }
    };
}

comparisons! {
    /// Where x = y.
    eq eq_scalar => Eq;
    /// Where x ≠ y.
    ne ne_scalar => Ne;
    /// Where x < y.
    lt lt_scalar => Lt;
    /// Where x ≤ y.
    le le_scalar => Le;
    /// Where x > y.
    gt gt_scalar => Gt;
    /// Where x ≥ y.
    ge ge_scalar => Ge;
}

impl Tensor<bool> {
    fn combine(&self, operation: &str, op: Logic, other: &Tensor<bool>) -> Result<Tensor<bool>> {
        let shape = broadcast_shapes(operation, self.shape(), other.shape())?;
        let (x, y) = (broadcast(operation, self, &shape)?, broadcast(operation, other, &shape)?);
        let mut out = Buffer::scratch(x.len());
        logic(op, x.view(), y.view(), &mut out);
        Ok(Tensor::from_buffer(out, &shape))
    }

    /// Where both are true.
    pub fn and(&self, other: &Tensor<bool>) -> Result<Tensor<bool>> {
        self.combine("and", Logic::And, other)
    }

    /// Where either is true.
    pub fn or(&self, other: &Tensor<bool>) -> Result<Tensor<bool>> {
        self.combine("or", Logic::Or, other)
    }

    /// Where exactly one is true.
    pub fn xor(&self, other: &Tensor<bool>) -> Result<Tensor<bool>> {
        self.combine("xor", Logic::Xor, other)
    }

    /// Where false.
    #[allow(clippy::should_implement_trait)] // `!` cannot name its errors; this reads as NumPy's logical_not.
    pub fn not(&self) -> Result<Tensor<bool>> {
        self.eq_scalar(false)
    }

    /// Whether every element is true (true for none).
    pub fn all(&self) -> bool {
        self.packed().packed_slice().iter().all(|&x| x)
    }

    /// Whether some element is true.
    pub fn any(&self) -> bool {
        self.packed().packed_slice().iter().any(|&x| x)
    }

    /// How many elements are true.
    pub fn count(&self) -> usize {
        self.packed().packed_slice().iter().filter(|&&x| x).count()
    }
}
