//! Rprop.
//!
//! ```text
//! size = eta_plus size  where g before g > 0    the sign stayed: faster
//!        eta_minus size where g before g < 0    it turned: the step went too far
//!        kept between the smallest and the largest size
//! g = 0 where it turned                         so that the step is not repeated, and the next one not judged by it
//! p = p - sign(g) size
//! before = g                                    starts at 0, the sizes at lr
//! ```
//!
//! Only signs count, so a gradient's size, and with it the scale of the loss, changes nothing. It needs the gradient of the
//! whole data set: the signs of mini-batches turn by chance.
//! Riedmiller and Braun 1993. PyTorch: `torch.optim.Rprop`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::sgd::{begin, expect_gradients};
use crate::trace::Trace;

/// Rprop over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Rprop {
    /// The first step size.
    pub learning_rate: f64,
    /// What shrinks a size, below 1, and what lets it grow, above 1.
    pub etas: (f64, f64),
    /// The smallest and the largest size.
    pub step_sizes: (f64, f64),
    states: Vec<[Array; 2]>,
}

impl Rprop {
    /// PyTorch's Rprop: etas (0.5, 1.2), sizes from 1e-6 to 50. Its default rate is 0.01.
    pub fn new(learning_rate: f64) -> Self {
        Rprop { learning_rate, etas: (0.5, 1.2), step_sizes: (1e-6, 50.0), states: Vec::new() }
    }

    /// One update of every parameter from its gradient.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("rprop", parameters, gradients)?;
        let ((minus, plus), (smallest, largest)) = (self.etas, self.step_sizes);
        if !(0.0 < minus && minus < 1.0 && 1.0 < plus) {
            return Err(Error::new("rprop", format!("0 < eta_minus < 1 < eta_plus, got {minus} and {plus}")));
        }
        begin("rprop", &mut self.states, parameters, [0.0, self.learning_rate])?;
        trace.section("rprop: step");
        for ((p, gradient), [before, size]) in parameters.iter_mut().zip(gradients).zip(&mut self.states) {
            let turn = trace.step("turn", "before gradient", before.zip(gradient, |b, g| b * g)?);
            let factor = turn.map(|turn| match turn {
                turn if turn > 0.0 => plus,
                turn if turn < 0.0 => minus,
                _ => 1.0,
            });
            let resized = size.zip(&factor, |s, f| (s * f).max(smallest).min(largest))?;
            *size = trace.step("size", "eta size, kept within the bounds", resized);
            let g = gradient.zip(&turn, |g, turn| if turn < 0.0 { 0.0 } else { g })?;
            *before = trace.step("g", "gradient, 0 where it turned", g);
            let sign = before.map(|g| {
                if g > 0.0 {
                    1.0
                } else if g < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            });
            let u = trace.step("u", "sign(g) size", sign.zip(size, |sign, size| sign * size)?);
            *p = trace.step("p", "p - u", p.zip(&u, |p, u| p - u)?);
        }
        Ok(())
    }
}
