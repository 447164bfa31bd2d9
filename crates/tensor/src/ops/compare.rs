//! Comparisons, logic on masks, and counting what is true.

use barehand_kernels::Buffer;
use barehand_kernels::compare::{Compare, Logic, compare, logic};
use barehand_kernels::reduce::fold_axes;
use barehand_kernels::strided::cast;

use super::arithmetic::broadcast;
use crate::element::{Element, Float};
use crate::error::Result;
use crate::layout::{Axes, broadcast_shapes, mark_axes};
use crate::tensor::{Tensor, reduced_shape};

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

impl<T: Element> Tensor<T> {
    /// How many elements are not 0; NaN is not.
    pub fn count_nonzero(&self) -> usize {
        self.packed().packed_slice().iter().filter(|&&x| x != T::default()).count()
    }

    /// How many elements along axes are not 0; NaN is not.
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn count_nonzero_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor<i64>> {
        self.fold("count_nonzero", axes, keepdim, 0, |n: i64, x| n + i64::from(x != T::default()))
    }

    fn fold<U: Element>(
        &self,
        operation: &str,
        axes: impl Axes,
        keepdim: bool,
        start: U,
        step: impl Fn(U, T) -> U,
    ) -> Result<Tensor<U>> {
        let reduced = mark_axes(operation, axes.axes(), self.rank())?;
        let shape = reduced_shape(self.shape(), &reduced, keepdim);
        let mut out = Buffer::scratch(shape.iter().product());
        fold_axes(self.view(), &reduced, start, step, &mut out);
        Ok(Tensor::from_buffer(out, &shape))
    }
}

impl<T: Float> Tensor<T> {
    fn where_each(&self, holds: impl Fn(T) -> bool + Sync) -> Tensor<bool> {
        let mut out = Buffer::scratch(self.len());
        cast(self.view(), &mut out, holds);
        Tensor::from_buffer(out, self.shape())
    }

    /// Where x is not a number.
    pub fn isnan(&self) -> Tensor<bool> {
        self.where_each(T::is_nan)
    }

    /// Where x is infinite, of either sign.
    pub fn isinf(&self) -> Tensor<bool> {
        self.where_each(|x| !x.is_finite() && !x.is_nan())
    }

    /// Where x is a number and finite.
    pub fn isfinite(&self) -> Tensor<bool> {
        self.where_each(T::is_finite)
    }
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

    /// Whether every element along axes is true (true for none).
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn all_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor<bool>> {
        self.fold("all", axes, keepdim, true, |all, x| all & x)
    }

    /// Whether some element along axes is true.
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn any_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor<bool>> {
        self.fold("any", axes, keepdim, false, |any, x| any | x)
    }

    /// How many elements are true.
    pub fn count(&self) -> usize {
        self.packed().packed_slice().iter().filter(|&&x| x).count()
    }
}
