//! Sums, means, variances and maxima along axes.
//!
//! ```text
//! sum       s = sum_i x_i                         dx_i = ds
//! mean      m = s / n                             dx_i = dm / n
//! variance  v = sum_i (x_i - m)^2 / (n - c)       dx_i = dv 2 (x_i - m) / (n - c)
//! max       y = max_i x_i                         dx_i = dy share_i
//! ```
//!
//! The correction c is 0 for the population's variance (NumPy's default) and 1 for the sample's (PyTorch's). The
//! reduced axes stay with length 1, so that the result broadcasts against x. PyTorch: `torch.sum`, `mean`, `var`,
//! `amax`, `max`, with `keepdim=True`.

use crate::array::{Array, maximum};
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What a line of numbers is reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// The sum.
    Sum,
    /// The arithmetic mean.
    Mean,
    /// The variance, dividing by n - correction.
    Variance {
        /// 0: population, 1: sample.
        correction: usize,
    },
    /// The largest element.
    Max {
        /// Who gets the gradient when several are largest.
        ties: Ties,
    },
}

/// Which of several largest elements receives the gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// All of them, in equal shares: `torch.amax`.
    #[default]
    Even,
    /// The first: `torch.max` along an axis.
    First,
}

impl Reduce {
    /// Reduces `x` over `axes` (negative ones count from the back; none given: all).
    pub fn forward(self, x: &Array, axes: &[isize], trace: &mut Trace) -> Result<Array> {
        let axes = resolve("reduce", x, axes)?;
        let n = self.expect_enough(x, &axes)?;
        trace.section("reduction: forward");
        Ok(match self {
            Reduce::Sum => trace.step("y", "sum x", x.sum_along(&axes)),
            Reduce::Mean => trace.step("y", "sum x / n", x.sum_along(&axes).map(|s| s / n)),
            Reduce::Variance { correction } => {
                let m = trace.step("m", "sum x / n", x.sum_along(&axes).map(|s| s / n));
                let d = trace.step("d", "x - m", x.zip(&m, |x, m| x - m)?);
                let v = d.map(|d| d * d).sum_along(&axes).map(|s| s / (n - correction as f64));
                trace.step("y", "sum d^2 / (n - correction)", v)
            }
            Reduce::Max { .. } => trace.step("y", "max x", max(x, &axes)),
        })
    }

    /// The gradient with respect to x, from the gradient dy of the result.
    pub fn backward(self, x: &Array, axes: &[isize], dy: &Array, trace: &mut Trace) -> Result<Array> {
        let axes = resolve("reduce_backward", x, axes)?;
        let n = self.expect_enough(x, &axes)?;
        let sums = x.sum_along(&axes);
        dy.expect_shape("reduce_backward", "dy", sums.shape())?;
        trace.section("reduction: backward");
        let (formula, slope) = match self {
            Reduce::Sum => ("1", x.map(|_| 1.0)),
            Reduce::Mean => ("1 / n", x.map(|_| 1.0 / n)),
            Reduce::Variance { correction } => {
                let scale = 2.0 / (n - correction as f64);
                ("2 (x - m) / (n - correction)", x.zip(&sums, |x, s| scale * (x - s / n))?)
            }
            Reduce::Max { ties } => {
                let largest = x.zip(&max(x, &axes), |x, max| f64::from(x == max))?;
                let count = largest.sum_along(&axes);
                match ties {
                    Ties::Even => ("[x = y] / ties", largest.zip(&count, |is, count| is / count)?),
                    Ties::First => ("[first x = y]", first_of(&largest, &axes)),
                }
            }
        };
        let slope = trace.step("dy/dx", formula, slope);
        Ok(trace.step("dx", "dy dy/dx", slope.zip(dy, |slope, dy| slope * dy)?))
    }

    /// How many elements each result is made of; an error where that leaves the result undefined.
    fn expect_enough(self, x: &Array, axes: &[usize]) -> Result<f64> {
        let n: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
        let (name, least) = match self {
            Reduce::Sum => return Ok(n as f64),
            Reduce::Mean => ("mean", 1),
            Reduce::Variance { correction } => ("variance", correction + 1),
            Reduce::Max { .. } => ("max", 1),
        };
        if n < least {
            let message = format!("needs {least} elements or more, got {n} in shape {:?}", x.shape());
            return Err(Error::new(name, message));
        }
        Ok(n as f64)
    }
}

fn max(x: &Array, axes: &[usize]) -> Array {
    axes.iter().fold(x.clone(), |x, &axis| {
        x.fold_along(axis, |l| l.iter().copied().fold(f64::NEG_INFINITY, maximum))
    })
}

/// Keeps the first 1 in row-major order of every group of elements that is reduced together.
fn first_of(largest: &Array, axes: &[usize]) -> Array {
    let mut groups: Vec<usize> = largest.shape().to_vec();
    for &axis in axes {
        groups[axis] = 1;
    }
    let mut taken = Array::zeros(&groups);
    Array::from_fn(largest.shape(), |index| {
        let mut group = index.to_vec();
        for &axis in axes {
            group[axis] = 0;
        }
        let seen = taken.position(&group);
        let first = largest.get(index) == 1.0 && taken[seen] == 0.0;
        if first {
            taken[seen] = 1.0;
        }
        f64::from(first)
    })
}

fn resolve(operation: &str, x: &Array, axes: &[isize]) -> Result<Vec<usize>> {
    if axes.is_empty() {
        return Ok((0..x.rank()).collect());
    }
    let resolved = axes.iter().map(|&axis| x.axis(operation, axis)).collect::<Result<Vec<_>>>()?;
    let repeated = resolved.iter().enumerate().any(|(i, axis)| resolved[..i].contains(axis));
    if repeated {
        return Err(Error::new(operation, format!("axes {axes:?} of shape {:?} repeat one", x.shape())));
    }
    Ok(resolved)
}
