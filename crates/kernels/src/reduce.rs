//! Sums, extremes, variances and scans.
//!
//! Sums of `f32` are formed in `f64` and rounded once, those of `f64` in many short partial sums, so accuracy does
//! not decay with length. Work is cut into pieces of fixed size whose results are combined in order: the number of
//! threads changes nothing in the result, not even its last bit.

pub(crate) mod columns;
mod fold;
pub(crate) mod row_sum;
mod scan;
pub(crate) mod slice;
mod view;

use crate::math::Math;
use crate::view::View;

pub use fold::fold_axes;
pub use scan::arg_reduce_any;
pub(crate) use slice::{LANES, max_number, sum_map, sum_map2};

/// What many values are reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// The sum; 0 of nothing.
    Sum,
    /// The mean; NaN of nothing.
    Mean,
    /// The product; 1 of nothing.
    Prod,
    /// The largest value; NaN if any is NaN, negative infinity of nothing.
    Max,
    /// The smallest value; NaN if any is NaN, infinity of nothing.
    Min,
    /// The sum of squares.
    SumSquares,
    /// The sum of absolute values.
    SumAbs,
}

/// Reductions of views along any axes, and of arrays seen as `outer x axis x inner` along the middle axis.
///
/// ```
/// use barehand_kernels::View;
/// use barehand_kernels::reduce::{Reduce, Reductions};
///
/// let x = View::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3], &[3, 1]);
/// let mut sums = [0.0; 2];
/// f32::reduce(Reduce::Sum, x, &[false, true], &mut sums);
/// assert_eq!(sums, [6.0, 15.0]);
/// ```
pub trait Reductions: Math {
    /// Reduces the axes marked in `reduced`; `out` is row-major over the others.
    fn reduce(op: Reduce, x: View<Self>, reduced: &[bool], out: &mut [Self]);

    /// Mean and variance `sum (x - mean)^2 / (n - correction)` along the marked axes, computed in two passes, so that
    /// a large common offset costs no accuracy. The variance is NaN where `n - correction` is 0 and as PyTorch's
    /// (a division by 0) where it is negative.
    fn variance(x: View<Self>, reduced: &[bool], correction: f64, mean: &mut [Self], var: &mut [Self]);

    /// The largest (or smallest) value along the middle axis and the index of its first occurrence; the first NaN
    /// wins over all numbers. The axis must not be empty.
    fn arg_reduce(
        max: bool,
        x: &[Self],
        outer: usize,
        axis: usize,
        inner: usize,
        values: &mut [Self],
        indices: &mut [i64],
    );

    /// Running sums along the middle axis.
    fn cumsum(x: &[Self], outer: usize, axis: usize, inner: usize, out: &mut [Self]);

    /// `ln sum e^x` along the middle axis, with the maximum taken out; negative infinity of nothing.
    fn log_sum_exp(x: &[Self], outer: usize, axis: usize, inner: usize, out: &mut [Self]);

    /// `sum x y`
    fn dot(x: &[Self], y: &[Self]) -> Self;

    /// Sums each column of a `rows x cols` matrix: the gradient of a bias.
    fn sum_to_columns(x: &[Self], rows: usize, cols: usize, out: &mut [Self]);
}

macro_rules! reductions {
    ($($t:ty),*) => { $(
        impl Reductions for $t {
            fn reduce(op: Reduce, x: View<Self>, reduced: &[bool], out: &mut [Self]) {
                view::reduce(op, x, reduced, out);
            }
            fn variance(x: View<Self>, reduced: &[bool], correction: f64, mean: &mut [Self], var: &mut [Self]) {
                view::variance(x, reduced, correction, mean, var);
            }
            fn arg_reduce(
                max: bool,
                x: &[Self],
                outer: usize,
                axis: usize,
                inner: usize,
                values: &mut [Self],
                indices: &mut [i64],
            ) {
                scan::arg_reduce(max, x, [outer, axis, inner], values, indices);
            }
            fn cumsum(x: &[Self], outer: usize, axis: usize, inner: usize, out: &mut [Self]) {
                scan::cumsum(x, [outer, axis, inner], out);
            }
            fn log_sum_exp(x: &[Self], outer: usize, axis: usize, inner: usize, out: &mut [Self]) {
                scan::log_sum_exp(x, [outer, axis, inner], out);
            }
            fn dot(x: &[Self], y: &[Self]) -> Self {
                slice::dot(x, y)
            }
            fn sum_to_columns(x: &[Self], rows: usize, cols: usize, out: &mut [Self]) {
                columns::sum(x, rows, cols, out);
            }
        }
    )* };
}
reductions!(f32, f64);

/// One kind of reduction, as a fold over `f64` values.
trait Fold: Copy + Send + Sync {
    /// The result for nothing.
    const IDENTITY: f64;
    /// What an element in some column contributes (the column matters to [`CenteredSquares`] only).
    fn element(&self, column: usize, x: f64) -> f64;
    /// Two results in one.
    fn combine(a: f64, b: f64) -> f64;
}

macro_rules! fold {
    ($name:ident, $identity:expr, |$x:ident| $element:expr, |$a:ident, $b:ident| $combine:expr) => {
        #[derive(Clone, Copy)]
        struct $name;
        impl Fold for $name {
            const IDENTITY: f64 = $identity;
            #[inline(always)]
            fn element(&self, _: usize, $x: f64) -> f64 {
                $element
            }
            #[inline(always)]
            fn combine($a: f64, $b: f64) -> f64 {
                $combine
            }
        }
    };
}
fold!(Sum, 0.0, |x| x, |a, b| a + b);
fold!(SumSquares, 0.0, |x| x * x, |a, b| a + b);
fold!(SumAbs, 0.0, |x| x.abs(), |a, b| a + b);
fold!(Prod, 1.0, |x| x, |a, b| a * b);
fold!(Max, f64::NEG_INFINITY, |x| x, |a, b| if b > a || b.is_nan() { b } else { a });
fold!(Min, f64::INFINITY, |x| x, |a, b| if b < a || b.is_nan() { b } else { a });

/// `sum (x - mean)^2`, each column with its mean.
#[derive(Clone, Copy)]
struct CenteredSquares<'a> {
    means: &'a [f64],
}

impl Fold for CenteredSquares<'_> {
    const IDENTITY: f64 = 0.0;
    #[inline(always)]
    fn element(&self, column: usize, x: f64) -> f64 {
        let centered = x - self.means[column];
        centered * centered
    }
    #[inline(always)]
    fn combine(a: f64, b: f64) -> f64 {
        a + b
    }
}

/// `sum (x - shift)`, each column with its shift.
#[derive(Clone, Copy)]
struct Shifted<'a> {
    shifts: &'a [f64],
}

impl Fold for Shifted<'_> {
    const IDENTITY: f64 = 0.0;
    #[inline(always)]
    fn element(&self, column: usize, x: f64) -> f64 {
        x - self.shifts[column]
    }
    #[inline(always)]
    fn combine(a: f64, b: f64) -> f64 {
        a + b
    }
}

/// Calls a function that is generic over the [`Fold`], which is its first argument.
macro_rules! with_fold {
    ($op:expr, |$fold:ident| $call:expr) => {
        match $op {
            Reduce::Sum | Reduce::Mean => {
                let $fold = super::Sum;
                $call
            }
            Reduce::Prod => {
                let $fold = super::Prod;
                $call
            }
            Reduce::Max => {
                let $fold = super::Max;
                $call
            }
            Reduce::Min => {
                let $fold = super::Min;
                $call
            }
            Reduce::SumSquares => {
                let $fold = super::SumSquares;
                $call
            }
            Reduce::SumAbs => {
                let $fold = super::SumAbs;
                $call
            }
        }
    };
}
use with_fold;

impl Reduce {
    /// The reduction that combines this one's partial results.
    fn of_partial_results(self) -> Reduce {
        match self {
            Reduce::SumSquares | Reduce::SumAbs => Reduce::Sum,
            other => other,
        }
    }
}
