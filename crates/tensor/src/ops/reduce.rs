//! Sums, means, extremes and their kin, over all elements or along axes.

use barehand_kernels::reduce::Reduce;
use barehand_kernels::{Buffer, product};
use smallvec::SmallVec;

use super::index::around;
use crate::autograd::operator::{InputGradients, Operator, apply, one};
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::layout::{Axes, Dims, mark_axes, resolve_axis};
use crate::tensor::{Tensor, reduced_shape};

type Marked = SmallVec<[bool; 6]>;

/// How many elements go into each result.
fn reduced_count(shape: &[usize], reduced: &[bool]) -> usize {
    shape.iter().zip(reduced).filter(|(_, gone)| **gone).map(|(n, _)| n).product()
}

/// A gradient of the reduced shape, as a view repeated over the reduced axes.
fn spread<T: Element>(grad: &Tensor<T>, shape: &[usize], reduced: &[bool]) -> Result<Tensor<T>> {
    grad.reshape_to(&reduced_shape(shape, reduced, true))?.expand(shape)
}

struct Sum {
    reduced: Marked,
    keepdim: bool,
}

impl<T: Element> Operator<T> for Sum {
    type Saved = Dims;

    fn name(&self) -> &'static str {
        "sum"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Dims)> {
        let x = inputs[0];
        let shape = reduced_shape(x.shape(), &self.reduced, self.keepdim);
        let mut out = Buffer::scratch(shape.iter().product());
        T::sum_axes(x.view(), &self.reduced, &mut out);
        Ok((Tensor::from_buffer(out, &shape), Dims::from_slice(x.shape())))
    }

    fn backward(&self, shape: &Dims, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        Ok(one(spread(grad, shape, &self.reduced)?))
    }
}

impl<T: Element> Tensor<T> {
    /// The sum of all elements: a tensor without axes. Its rounding error does not grow with the number of elements;
    /// integers saturate, [`integer::sum`](crate::integer::sum) counts them in `i64`.
    pub fn sum(&self) -> Result<Tensor<T>> {
        apply(Sum { reduced: self.all_axes(), keepdim: false }, &[self])
    }

    /// The sum along axes: `x.sum_dim(-1, false)`, `x.sum_dim([0, 2], true)`.
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn sum_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor<T>> {
        apply(Sum { reduced: mark_axes("sum", axes.axes(), self.rank())?, keepdim }, &[self])
    }

    /// Every axis marked.
    pub(super) fn all_axes(&self) -> Marked {
        Marked::from_elem(true, self.rank())
    }

    /// The largest element along an axis and where it is, the first of equals (`torch.max(dim)`). Only that element gets
    /// the gradient.
    ///
    /// # Errors
    /// When the axis does not exist or has no elements.
    pub fn max_dim(&self, axis: isize, keepdim: bool) -> Result<(Tensor<T>, Tensor<i64>)> {
        self.pick("max", true, axis, keepdim)
    }

    /// The smallest element along an axis and where it is, the first of equals (`torch.min(dim)`). Only that element gets
    /// the gradient.
    ///
    /// # Errors
    /// When the axis does not exist or has no elements.
    pub fn min_dim(&self, axis: isize, keepdim: bool) -> Result<(Tensor<T>, Tensor<i64>)> {
        self.pick("min", false, axis, keepdim)
    }

    /// Where the largest element along an axis is, the first of equals.
    ///
    /// # Errors
    /// When the axis does not exist or has no elements.
    pub fn argmax(&self, axis: isize) -> Result<Tensor<i64>> {
        Ok(self.arg_extreme("argmax", true, axis)?.0)
    }

    /// Where the smallest element along an axis is, the first of equals.
    ///
    /// # Errors
    /// When the axis does not exist or has no elements.
    pub fn argmin(&self, axis: isize) -> Result<Tensor<i64>> {
        Ok(self.arg_extreme("argmin", false, axis)?.0)
    }

    fn arg_extreme(&self, operation: &str, max: bool, axis: isize) -> Result<(Tensor<i64>, usize)> {
        let at = resolve_axis(operation, axis, self.rank())?;
        let (outer, n, inner) = around(self.shape(), at);
        if n == 0 {
            return Err(Error::shape(
                operation,
                format!("axis {axis} of shape {:?} has no elements", self.shape()),
            ));
        }
        let mut values = Buffer::scratch(outer * inner);
        let mut indices = Buffer::scratch(outer * inner);
        T::arg_extremes(max, self.packed().packed_slice(), [outer, n, inner], &mut values, &mut indices);
        let mut shape = Dims::from_slice(self.shape());
        shape.remove(at);
        Ok((Tensor::from_buffer(indices, &shape), at))
    }

    fn pick(
        &self,
        operation: &str,
        max: bool,
        axis: isize,
        keepdim: bool,
    ) -> Result<(Tensor<T>, Tensor<i64>)> {
        let (indices, at) = self.arg_extreme(operation, max, axis)?;
        let kept = indices.unsqueeze(at as isize)?;
        let values = self.gather(at as isize, &kept)?;
        if keepdim { Ok((values, kept)) } else { Ok((values.squeeze(at as isize)?, indices)) }
    }
}

/// The largest or smallest element along axes; equals share the gradient evenly (`torch.amax`).
struct Extreme {
    name: &'static str,
    max: bool,
    reduced: Marked,
    keepdim: bool,
}

impl<T: Float> Operator<T> for Extreme {
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0];
        refuse_empty(<Self as Operator<T>>::name(self), x.shape(), &self.reduced)?;
        let op = if self.max { Reduce::Max } else { Reduce::Min };
        let y = reduce(op, x, &self.reduced, self.keepdim);
        Ok((y.clone(), (x.detach(), y)))
    }

    fn backward(&self, (x, y): &Self::Saved, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let chosen = x.eq(&spread(y, x.shape(), &self.reduced)?)?.cast::<T>();
        let shares = spread(&reduce(Reduce::Sum, &chosen, &self.reduced, false), x.shape(), &self.reduced)?;
        Ok(one(chosen.mul(&spread(grad, x.shape(), &self.reduced)?)?.div(&shares)?))
    }
}

pub(super) fn refuse_empty(operation: &str, shape: &[usize], reduced: &[bool]) -> Result<()> {
    if reduced_count(shape, reduced) > 0 {
        return Ok(());
    }
    Err(Error::shape(
        operation,
        format!("shape {shape:?} has no elements along the axes to reduce, so there is no result"),
    ))
}

fn reduce<T: Float>(op: Reduce, x: &Tensor<T>, reduced: &[bool], keepdim: bool) -> Tensor<T> {
    let shape = reduced_shape(x.shape(), reduced, keepdim);
    let mut out = Buffer::scratch(shape.iter().product());
    T::reduce(op, x.view(), reduced, &mut out);
    Tensor::from_buffer(out, &shape)
}

struct Prod {
    axis: usize,
}

impl<T: Float> Operator<T> for Prod {
    type Saved = Tensor<T>;

    fn name(&self) -> &'static str {
        "prod"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Tensor<T>)> {
        let mut reduced = Marked::from_elem(false, inputs[0].rank());
        reduced[self.axis] = true;
        Ok((reduce(Reduce::Prod, inputs[0], &reduced, false), inputs[0].detach()))
    }

    fn backward(&self, x: &Tensor<T>, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let (outer, n, inner) = around(x.shape(), self.axis);
        let mut dx = Buffer::scratch(x.len());
        product::prod_backward(
            x.packed().packed_slice(),
            outer,
            n,
            inner,
            grad.packed().packed_slice(),
            &mut dx,
        );
        Ok(one(Tensor::from_buffer(dx, x.shape())))
    }
}

struct Cumsum {
    axis: usize,
}

fn cumsum<T: Float>(x: &Tensor<T>, axis: usize) -> Tensor<T> {
    let (outer, n, inner) = around(x.shape(), axis);
    let mut out = Buffer::scratch(x.len());
    T::cumsum(x.packed().packed_slice(), outer, n, inner, &mut out);
    Tensor::from_buffer(out, x.shape())
}

impl<T: Float> Operator<T> for Cumsum {
    type Saved = ();

    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, ())> {
        Ok((cumsum(inputs[0], self.axis), ()))
    }

    /// Element k went into every sum from k on: sums from the end.
    fn backward(&self, (): &(), grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let axis = self.axis as isize;
        Ok(one(cumsum(&grad.flip(axis)?, self.axis).flip(axis)?))
    }
}

struct LogSumExp {
    axis: usize,
}

impl<T: Float> Operator<T> for LogSumExp {
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        "logsumexp"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].packed();
        let (outer, n, inner) = around(x.shape(), self.axis);
        let mut out = Buffer::scratch(outer * inner);
        T::log_sum_exp(x.packed_slice(), outer, n, inner, &mut out);
        let mut shape = Dims::from_slice(x.shape());
        shape.remove(self.axis);
        let y = Tensor::from_buffer(out, &shape);
        Ok((y.clone(), (x, y)))
    }

    fn backward(&self, (x, y): &Self::Saved, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let axis = self.axis as isize;
        Ok(one(x.sub(&y.unsqueeze(axis)?)?.exp()?.mul(&grad.unsqueeze(axis)?)?))
    }
}

impl<T: Float> Tensor<T> {
    /// The mean of all elements (NaN for none).
    pub fn mean(&self) -> Result<Tensor<T>> {
        self.sum()?.div_scalar(self.len() as f64)
    }

    /// The mean along axes.
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn mean_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor<T>> {
        let reduced = mark_axes("mean", axes.axes(), self.rank())?;
        let count = reduced_count(self.shape(), &reduced);
        apply(Sum { reduced, keepdim }, &[self])?.div_scalar(count as f64)
    }

    /// The variance of all elements: sum (x - mean)² / (n - correction). PyTorch's default correction is 1, NumPy's 0.
    pub fn var(&self, correction: f64) -> Result<Tensor<T>> {
        apply(Variance { reduced: self.all_axes(), keepdim: false, correction, along_axes: false }, &[self])
    }

    /// The variance along axes.
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn var_dim(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Tensor<T>> {
        let reduced = mark_axes("var", axes.axes(), self.rank())?;
        apply(Variance { reduced, keepdim, correction, along_axes: self.rank() > 0 }, &[self])
    }

    /// The standard deviation of all elements, the square root of [`var`](Self::var); equal elements get no gradient.
    pub fn std(&self, correction: f64) -> Result<Tensor<T>> {
        apply(RootOfSquares, &[&self.var(correction)?])
    }

    /// The standard deviation along axes.
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn std_dim(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Tensor<T>> {
        apply(RootOfSquares, &[&self.var_dim(axes, correction, keepdim)?])
    }

    /// The largest element; equals share the gradient.
    ///
    /// # Errors
    /// When there are no elements.
    pub fn max(&self) -> Result<Tensor<T>> {
        apply(Extreme { name: "max", max: true, reduced: self.all_axes(), keepdim: false }, &[self])
    }

    /// The smallest element; equals share the gradient.
    ///
    /// # Errors
    /// When there are no elements.
    pub fn min(&self) -> Result<Tensor<T>> {
        apply(Extreme { name: "min", max: false, reduced: self.all_axes(), keepdim: false }, &[self])
    }

    /// The largest elements along axes; equals share the gradient (`torch.amax`).
    ///
    /// # Errors
    /// When an axis does not exist, is named twice or has no elements.
    pub fn amax(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor<T>> {
        apply(
            Extreme {
                name: "amax",
                max: true,
                reduced: mark_axes("amax", axes.axes(), self.rank())?,
                keepdim,
            },
            &[self],
        )
    }

    /// The smallest elements along axes; equals share the gradient (`torch.amin`).
    ///
    /// # Errors
    /// When an axis does not exist, is named twice or has no elements.
    pub fn amin(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor<T>> {
        apply(
            Extreme {
                name: "amin",
                max: false,
                reduced: mark_axes("amin", axes.axes(), self.rank())?,
                keepdim,
            },
            &[self],
        )
    }

    /// The product of all elements.
    pub fn prod(&self) -> Result<Tensor<T>> {
        apply(Prod { axis: 0 }, &[&self.reshape([-1])?])
    }

    /// The product along an axis.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn prod_dim(&self, axis: isize, keepdim: bool) -> Result<Tensor<T>> {
        let axis = resolve_axis("prod", axis, self.rank())?;
        let out = apply(Prod { axis }, &[self])?;
        if keepdim { out.unsqueeze(axis as isize) } else { Ok(out) }
    }

    /// Running sums along an axis.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn cumsum(&self, axis: isize) -> Result<Tensor<T>> {
        apply(Cumsum { axis: resolve_axis("cumsum", axis, self.rank())? }, &[self])
    }

    /// ln sum eˣ along an axis, without overflow.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn logsumexp(&self, axis: isize, keepdim: bool) -> Result<Tensor<T>> {
        let axis = resolve_axis("logsumexp", axis, self.rank())?;
        let out = apply(LogSumExp { axis }, &[self])?;
        if keepdim { out.unsqueeze(axis as isize) } else { Ok(out) }
    }

    /// The Euclidean length of all elements together, sqrt(sum x²); its derivative at 0 is 0.
    pub fn norm(&self) -> Result<Tensor<T>> {
        apply(RootOfSquares, &[&self.square()?.sum()?])
    }
}

/// The square root of a sum of squares. Its derivative at 0 is 0, as PyTorch has it: times the squares' own slope of 0,
/// the root's infinite one would be no number.
struct RootOfSquares;

impl<T: Float> Operator<T> for RootOfSquares {
    /// The output.
    type Saved = Tensor<T>;

    fn name(&self) -> &'static str {
        "sqrt"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Tensor<T>)> {
        let root = inputs[0].detach().sqrt()?;
        Ok((root.clone(), root))
    }

    fn backward(&self, root: &Tensor<T>, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let slope = grad.div(&root.mul_scalar(2.0)?)?;
        Ok(one(slope.masked_fill(&root.eq_scalar(T::ZERO)?, T::ZERO)?))
    }
}

struct Variance {
    reduced: Marked,
    keepdim: bool,
    correction: f64,
    /// Whether axes were named, of a tensor that has any: where there is no degree of freedom, PyTorch's gradient along axes
    /// is a number still, and that of all elements together is not.
    along_axes: bool,
}

impl<T: Float> Operator<T> for Variance {
    /// The input and its means.
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        "var"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0];
        let shape = reduced_shape(x.shape(), &self.reduced, self.keepdim);
        let count = shape.iter().product();
        let (mut mean, mut var) = (Buffer::scratch(count), Buffer::scratch(count));
        T::variance(x.view(), &self.reduced, self.correction, &mut mean, &mut var);
        let mean = Tensor::from_buffer(mean, &reduced_shape(x.shape(), &self.reduced, true));
        Ok((Tensor::from_buffer(var, &shape), (x.detach(), mean)))
    }

    /// d var / dx = 2 (x - mean) / (n - correction)
    fn backward(&self, (x, mean): &Self::Saved, grad: &Tensor<T>, _: &[bool]) -> Result<InputGradients<T>> {
        let freedom = reduced_count(x.shape(), &self.reduced) as f64 - self.correction;
        let freedom = if self.along_axes { freedom } else { freedom.max(0.0) };
        let slope = x.sub(mean)?.mul_scalar(2.0 / freedom)?;
        Ok(one(slope.mul(&spread(grad, x.shape(), &self.reduced)?)?))
    }
}
