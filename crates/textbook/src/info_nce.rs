//! InfoNCE: each anchor should find its own positive among everybody's.
//!
//! ```text
//! a, p    (N, D): N anchors and their positives; with `normalize` each row is divided by its length
//! z       a p^T / temperature, (N, N)
//! L       cross entropy of z with the labels 0, 1, .., N - 1: its diagonal
//! ```
//!
//! *Symmetric*, it is CLIP's loss: the mean of the cross entropies of z and of z^T. SimCLR's *NT-Xent* looks among all 2N
//! views but itself:
//!
//! ```text
//! v       the 2N rows of a and then p
//! z       v v^T / temperature, (2N, 2N), -infinity on the diagonal
//! L       cross entropy of z, the label of row i being i + N mod 2N
//! ```
//!
//! N is the number of rows that are given, and nothing else. van den Oord et al. 2018, Radford et al. 2021, Chen et al. 2020.

use crate::array::Array;
use crate::cross_entropy::{CrossEntropy, Targets};
use crate::error::{Error, Result};
use crate::loss_reduction::Reduction;
use crate::matmul::matmul;
use crate::trace::Trace;

/// Which similarities compete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Competition {
    /// An anchor's with every positive.
    #[default]
    OneWay,
    /// And a positive's with every anchor: CLIP.
    Symmetric,
    /// A view's with every other view, of either kind: NT-Xent.
    AllViews,
}

/// InfoNCE with its conventions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InfoNce {
    /// What similarities are divided by.
    pub temperature: f64,
    /// Whether embeddings are first divided by their length.
    pub normalize: bool,
    /// Which similarities compete.
    pub competition: Competition,
    /// How the losses of rows are reduced.
    pub reduction: Reduction,
}

impl Default for InfoNce {
    fn default() -> Self {
        InfoNce {
            temperature: 0.07,
            normalize: true,
            competition: Competition::OneWay,
            reduction: Reduction::Mean,
        }
    }
}

impl InfoNce {
    /// The loss of anchors and positives, both (N, D).
    pub fn forward(&self, a: &Array, p: &Array, trace: &mut Trace) -> Result<Array> {
        self.check("info_nce", a, p)?;
        trace.section("InfoNCE: forward");
        let (left, right) = self.sides(a, p)?;
        let left = trace.step("a", "rows of length 1, where that is asked for", left);
        let right = trace.step("p", "rows of length 1, where that is asked for", right);
        let z = trace.step("z", "a p^T / temperature", self.logits(&left, &right)?);
        let loss = self.cross_entropy();
        let one_way = loss.forward(&z, Targets::Classes(&self.labels(a)), trace)?;
        if self.competition != Competition::Symmetric {
            return Ok(one_way);
        }
        let other = loss.forward(&z.transpose()?, Targets::Classes(&self.labels(a)), trace)?;
        trace.section("InfoNCE: forward");
        Ok(trace.step("L", "(L_rows + L_columns) / 2", one_way.zip(&other, |a, b| 0.5 * (a + b))?))
    }

    /// The gradients with respect to anchors and positives, from the gradient of the loss.
    pub fn backward(&self, a: &Array, p: &Array, upstream: &Array, trace: &mut Trace) -> Result<[Array; 2]> {
        self.check("info_nce_backward", a, p)?;
        let (left, right) = self.sides(a, p)?;
        let z = self.logits(&left, &right)?;
        let (loss, labels) = (self.cross_entropy(), self.labels(a));
        let mut dz = loss.backward(&z, Targets::Classes(&labels), upstream, trace)?;
        if self.competition == Competition::Symmetric {
            let columns =
                loss.backward(&z.transpose()?, Targets::Classes(&labels), upstream, trace)?.transpose()?;
            dz = dz.zip(&columns, |a, b| 0.5 * (a + b))?;
        }
        trace.section("InfoNCE: backward");
        let dz = trace.step("dz", "of the cross entropy", dz);
        let scaled = dz.map(|g| g / self.temperature);
        let silent = &mut Trace::silent();
        let by_left = matmul(&scaled, &right, silent)?;
        let by_right = matmul(&scaled.transpose()?, &left, silent)?;
        let n = a.shape()[0];
        if self.competition == Competition::AllViews {
            // Each view stands on both sides.
            let views = stacked(a, p);
            let both = by_left.zip(&by_right, |l, r| l + r)?;
            let dv = trace.step("dv", "(dz + dz^T) v / temperature", self.through_length(&views, &both)?);
            return Ok([rows(&dv, 0, n), rows(&dv, n, n)]);
        }
        let da =
            trace.step("da", "dz p / temperature, through the length", self.through_length(a, &by_left)?);
        let dp =
            trace.step("dp", "dz^T a / temperature, through the length", self.through_length(p, &by_right)?);
        Ok([da, dp])
    }

    fn check(&self, operation: &str, a: &Array, p: &Array) -> Result<()> {
        a.expect_rank(operation, "the anchors", 2)?;
        p.expect_shape(operation, "the positives", a.shape())?;
        if self.temperature > 0.0 {
            return Ok(());
        }
        Err(Error::new(operation, format!("the temperature must be positive, got {}", self.temperature)))
    }

    fn cross_entropy(&self) -> CrossEntropy {
        CrossEntropy { reduction: self.reduction, ..CrossEntropy::default() }
    }

    fn sides(&self, a: &Array, p: &Array) -> Result<(Array, Array)> {
        let (left, right) = if self.competition == Competition::AllViews {
            let views = stacked(a, p);
            (views.clone(), views)
        } else {
            (a.clone(), p.clone())
        };
        if self.normalize { Ok((unit(&left)?, unit(&right)?)) } else { Ok((left, right)) }
    }

    fn logits(&self, left: &Array, right: &Array) -> Result<Array> {
        let mut z = matmul(left, &right.transpose()?, &mut Trace::silent())?.map(|z| z / self.temperature);
        if self.competition == Competition::AllViews {
            for i in 0..left.shape()[0] {
                z[[i, i]] = f64::NEG_INFINITY;
            }
        }
        Ok(z)
    }

    fn labels(&self, a: &Array) -> Vec<i64> {
        let n = a.shape()[0];
        if self.competition == Competition::AllViews {
            return (0..2 * n).map(|i| ((i + n) % (2 * n)) as i64).collect();
        }
        (0..n as i64).collect()
    }

    /// The gradient before the division by the length, from the one behind it.
    fn through_length(&self, x: &Array, g: &Array) -> Result<Array> {
        if !self.normalize {
            return Ok(g.clone());
        }
        let (u, n) = (unit(x)?, lengths(x));
        let along = u.zip(g, |u, g| u * g)?.sum_along(&[1]);
        g.zip(&u.zip(&along, |u, along| u * along)?, |g, back| g - back)?.zip(&n, |g, n| g / n)
    }
}

fn lengths(x: &Array) -> Array {
    x.map(|x| x * x).sum_along(&[1]).map(|s| s.sqrt().max(1e-12))
}

fn unit(x: &Array) -> Result<Array> {
    x.zip(&lengths(x), |x, n| x / n)
}

fn stacked(a: &Array, b: &Array) -> Array {
    let n = a.shape()[0];
    Array::from_fn(&[2 * n, a.shape()[1]], |i| if i[0] < n { a.get(i) } else { b[[i[0] - n, i[1]]] })
}

fn rows(x: &Array, first: usize, count: usize) -> Array {
    Array::from_fn(&[count, x.shape()[1]], |i| x[[first + i[0], i[1]]])
}
