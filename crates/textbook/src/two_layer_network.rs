//! A network of two layers with back-propagation by hand.
//!
//! ```text
//! z1 = X W1 + b1      a1 = s(z1)      X (n, d)   W1 (d, h)   b1 (h)      s(z) = 1 / (1 + e^-z)
//! z2 = a1 W2 + b2     a2 = s(z2)      W2 (h, k)  b2 (k)
//!
//! binary cross entropy   L = mean -(y log a2 + (1 - y) log(1 - a2))     dz2 = (a2 - y) / (n k)
//! squared error          L = mean (a2 - y)^2 / 2                        dz2 = (a2 - y) s'(z2) / (n k)
//!
//! dW2 = a1^T dz2      db2 = sum dz2       dz1 = (dz2 W2^T) s'(z1)       dW1 = X^T dz1     db1 = sum dz1
//! ```
//!
//! The two losses differ in one factor of dz2. Reporting the cross entropy while propagating the gradient of the squared
//! error is a classic mistake that still learns, only slowly, and so goes unseen.
//! Rumelhart, Hinton and Williams 1986.

use crate::array::Array;
use crate::binary_cross_entropy::{BinaryCrossEntropy, logistic};
use crate::error::{Error, Result};
use crate::linear::{WeightLayout, linear, linear_backward};
use crate::logistic_regression::Threshold;
use crate::loss_reduction::Reduction;
use crate::mse::Mse;
use crate::trace::Trace;

/// What the network minimises. Value and gradient belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// Binary cross entropy: dz2 = (a2 - y) / n.
    #[default]
    BinaryCrossEntropy,
    /// Half the mean squared error: dz2 = (a2 - y) s'(z2) / n.
    SquaredError,
}

/// The network's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoLayerNetwork {
    /// First weight, (d, h).
    pub w1: Array,
    /// First bias, (h).
    pub b1: Array,
    /// Second weight, (h, k).
    pub w2: Array,
    /// Second bias, (k).
    pub b2: Array,
    /// What it minimises.
    pub objective: Objective,
}

/// The values of a forward pass that the backward pass needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// Hidden layer before and after the sigmoid, (n, h).
    pub z1: Array,
    /// See `z1`.
    pub a1: Array,
    /// Output layer before and after the sigmoid, (n, k).
    pub z2: Array,
    /// See `z2`.
    pub a2: Array,
}

/// The gradients, each the shape of its parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkGradients {
    /// dX, for a layer before the network.
    pub input: Array,
    /// dW1.
    pub w1: Array,
    /// db1.
    pub b1: Array,
    /// dW2.
    pub w2: Array,
    /// db2.
    pub b2: Array,
}

impl TwoLayerNetwork {
    /// The network's output and everything on the way to it.
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Activations> {
        let silent = &mut Trace::silent();
        let layout = WeightLayout::InOut;
        trace.section("two-layer network: forward");
        x.expect_rank("two_layer_network", "X", 2)?;
        let z1 = trace.step("z1", "X W1 + b1", linear(x, &self.w1, Some(&self.b1), layout, silent)?);
        let a1 = trace.step("a1", "1 / (1 + e^-z1)", z1.map(logistic));
        let z2 = trace.step("z2", "a1 W2 + b2", linear(&a1, &self.w2, Some(&self.b2), layout, silent)?);
        let a2 = trace.step("a2", "1 / (1 + e^-z2)", z2.map(logistic));
        Ok(Activations { z1, a1, z2, a2 })
    }

    /// The loss of a forward pass against y (n, k).
    pub fn loss(&self, activations: &Activations, y: &Array, trace: &mut Trace) -> Result<f64> {
        let silent = &mut Trace::silent();
        let (formula, loss) = match self.objective {
            Objective::BinaryCrossEntropy => (
                "mean -(y log a2 + (1 - y) log(1 - a2))",
                BinaryCrossEntropy::default().forward(&activations.z2, y, silent)?,
            ),
            Objective::SquaredError => (
                "mean (a2 - y)^2 / 2",
                Mse { half: true, reduction: Reduction::Mean }.forward(&activations.a2, y, silent)?,
            ),
        };
        Ok(trace.number("L", formula, loss[0]))
    }

    /// Back-propagation.
    pub fn backward(
        &self,
        x: &Array,
        activations: &Activations,
        y: &Array,
        trace: &mut Trace,
    ) -> Result<NetworkGradients> {
        let Activations { a1, a2, .. } = activations;
        y.expect_shape("two_layer_network", "y", a2.shape())?;
        let silent = &mut Trace::silent();
        trace.section("two-layer network: backward");
        let count = y.len() as f64;
        let e = trace.step("e", "(a2 - y) / (n k)", a2.zip(y, |a2, y| (a2 - y) / count)?);
        let dz2 = match self.objective {
            Objective::BinaryCrossEntropy => trace.step("dz2", "e", e),
            Objective::SquaredError => {
                trace.step("dz2", "e a2 (1 - a2)", e.zip(a2, |e, a| e * a * (1.0 - a))?)
            }
        };
        let second = linear_backward(a1, &self.w2, WeightLayout::InOut, &dz2, silent)?;
        let w2 = trace.step("dW2", "a1^T dz2", second.weight);
        let b2 = trace.step("db2", "sum dz2", second.bias);
        let da1 = trace.step("da1", "dz2 W2^T", second.input);
        let dz1 = trace.step("dz1", "da1 a1 (1 - a1)", da1.zip(a1, |da, a| da * a * (1.0 - a))?);
        let first = linear_backward(x, &self.w1, WeightLayout::InOut, &dz1, silent)?;
        let w1 = trace.step("dW1", "X^T dz1", first.weight);
        let b1 = trace.step("db1", "sum dz1", first.bias);
        Ok(NetworkGradients { input: first.input, w1, b1, w2, b2 })
    }

    /// Gradient descent on all rows, `epochs` times; the loss before each update.
    pub fn train(
        &mut self,
        x: &Array,
        y: &Array,
        learning_rate: f64,
        epochs: usize,
        trace: &mut Trace,
    ) -> Result<Vec<f64>> {
        if x.is_empty() {
            return Err(Error::new("two_layer_network", format!("nothing to learn from X {:?}", x.shape())));
        }
        let mut losses = Vec::with_capacity(epochs);
        for _ in 0..epochs {
            let activations = self.forward(x, trace)?;
            losses.push(self.loss(&activations, y, trace)?);
            let g = self.backward(x, &activations, y, trace)?;
            trace.section("two-layer network: update");
            for (name, p, g) in [
                ("W1", &mut self.w1, &g.w1),
                ("b1", &mut self.b1, &g.b1),
                ("W2", &mut self.w2, &g.w2),
                ("b2", &mut self.b2, &g.b2),
            ] {
                *p = trace.step(
                    name,
                    &format!("{name} - lr d{name}"),
                    p.zip(g, |p, g| p - learning_rate * g)?,
                );
            }
        }
        Ok(losses)
    }

    /// 1 where the output passes `threshold`, else 0; [`Threshold::Above`] is the usual rule for such a network.
    pub fn predict(&self, x: &Array, threshold: f64, side: Threshold) -> Result<Array> {
        Ok(side.labels(&self.forward(x, &mut Trace::silent())?.a2, threshold))
    }
}
