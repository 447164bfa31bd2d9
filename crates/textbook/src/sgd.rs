//! Stochastic gradient descent with momentum.
//!
//! ```text
//! g = gradient + weight_decay p
//! v = momentum v + (1 - dampening) g            the very first v is g itself
//! g = g + momentum v  (Nesterov)  |  v
//! p = p - lr g
//! ```
//!
//! The buffer v holds the sum of all past gradients, each fainter than the next; remembering only the last gradient is
//! another, weaker algorithm that agrees with this one for two steps. Nesterov momentum is PyTorch's form, which looks
//! ahead from the new v. PyTorch: `torch.optim.SGD`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// SGD over a list of parameters. Defaults: no momentum, no dampening, no weight decay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sgd {
    /// Step size.
    pub learning_rate: f64,
    /// Share of v that stays.
    pub momentum: f64,
    /// Share of g that is kept out of v.
    pub dampening: f64,
    /// Pull towards zero.
    pub weight_decay: f64,
    /// Whether to look ahead; needs momentum and no dampening.
    pub nesterov: bool,
    velocity: Vec<Array>,
}

impl Sgd {
    /// Plain gradient descent; set the public fields for more.
    pub fn new(learning_rate: f64) -> Self {
        Sgd { learning_rate, ..Sgd::default() }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("sgd", parameters, gradients)?;
        if self.nesterov && (self.momentum <= 0.0 || self.dampening != 0.0) {
            return Err(Error::new("sgd", "Nesterov momentum needs momentum > 0 and no dampening"));
        }
        let first = self.velocity.is_empty();
        if first {
            self.velocity = gradients.iter().map(|g| Array::zeros(g.shape())).collect();
        }
        expect_gradients("sgd", parameters, &self.velocity)?;
        trace.section("sgd: step");
        for ((p, gradient), velocity) in parameters.iter_mut().zip(gradients).zip(&mut self.velocity) {
            let mut g = trace.step(
                "g",
                "gradient + weight_decay p",
                gradient.zip(p, |g, p| g + self.weight_decay * p)?,
            );
            if self.momentum != 0.0 {
                let kept = if first { 1.0 } else { 1.0 - self.dampening };
                let v = velocity.zip(&g, |v, g| self.momentum * v + kept * g)?;
                *velocity = trace.step("v", "momentum v + (1 - dampening) g", v);
                g = if self.nesterov {
                    trace.step("u", "g + momentum v", g.zip(velocity, |g, v| g + self.momentum * v)?)
                } else {
                    trace.step("u", "v", velocity.clone())
                };
            }
            *p = trace.step("p", "p - lr u", p.zip(&g, |p, u| p - self.learning_rate * u)?);
        }
        Ok(())
    }
}

/// One gradient for each parameter, of its shape.
pub(crate) fn expect_gradients(operation: &str, parameters: &[Array], gradients: &[Array]) -> Result<()> {
    if parameters.len() != gradients.len() {
        let message = format!("{} gradients for {} parameters", gradients.len(), parameters.len());
        return Err(Error::new(operation, message));
    }
    parameters
        .iter()
        .zip(gradients)
        .enumerate()
        .try_for_each(|(i, (p, g))| g.expect_shape(operation, &format!("gradient {i}"), p.shape()))
}

/// Arrays of state for each parameter, begun with these numbers at the first step and checked at later ones.
pub(crate) fn begin<const N: usize>(
    operation: &str,
    states: &mut Vec<[Array; N]>,
    parameters: &[Array],
    beginnings: [f64; N],
) -> Result<()> {
    if states.is_empty() {
        *states =
            parameters.iter().map(|p| beginnings.map(|value| Array::filled(p.shape(), value))).collect();
    }
    if states.len() != parameters.len() {
        return Err(Error::new(operation, "the list of parameters changed between steps"));
    }
    states.iter().zip(parameters).try_for_each(|(state, p)| {
        state.iter().try_for_each(|array| array.expect_shape(operation, "the state", p.shape()))
    })
}

/// Refuses memories outside 0..1.
pub(crate) fn expect_betas(operation: &str, betas: (f64, f64)) -> Result<()> {
    if (0.0..1.0).contains(&betas.0) && (0.0..1.0).contains(&betas.1) {
        return Ok(());
    }
    Err(Error::new(operation, format!("betas must lie in 0..1, got {betas:?}")))
}
