//! Arithmetic between arrays of different shapes.
//!
//! Shapes are aligned at the last axis; a missing axis or one of length 1 repeats. What is repeated forward is summed
//! backward: every copy sends its gradient home. NumPy's and PyTorch's rule.
//!
//! ```text
//! a + b   da = dc           db = dc
//! a - b   da = dc           db = -dc
//! a * b   da = dc b         db = dc a
//! a / b   da = dc / b       db = -dc a / b^2
//! a ^ b   da = dc b a^(b-1) db = dc a^b log a
//! a // b  da = 0            db = 0                the quotient rounded down
//! a % b   da = dc           db = -dc (a // b)     what that leaves, a - b (a // b), with the sign of b
//! ```

use crate::array::{Array, broadcast_shape};
use crate::error::{Error, Result};
use crate::trace::Trace;

/// An operation between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b
    Mul,
    /// a / b
    Div,
    /// a ^ b
    Pow,
    /// a // b
    FloorDivide,
    /// a % b
    Remainder,
    /// What a / b rounded toward 0 leaves, with the sign of a: C's `fmod`
    Fmod,
}

impl Arithmetic {
    fn value(self, a: f64, b: f64) -> f64 {
        match self {
            Arithmetic::Add => a + b,
            Arithmetic::Sub => a - b,
            Arithmetic::Mul => a * b,
            Arithmetic::Div => a / b,
            Arithmetic::Pow => a.powf(b),
            Arithmetic::FloorDivide => floor_division(a, b).0,
            Arithmetic::Remainder => floor_division(a, b).1,
            Arithmetic::Fmod => a % b,
        }
    }

    /// The two partial derivatives. At the edges of a^b they are PyTorch's: no slope in a where b = 0, none in b where
    /// a = 0.
    fn partials(self, a: f64, b: f64) -> (f64, f64) {
        match self {
            Arithmetic::Add => (1.0, 1.0),
            Arithmetic::Sub => (1.0, -1.0),
            Arithmetic::Mul => (b, a),
            Arithmetic::Div => (1.0 / b, -a / (b * b)),
            Arithmetic::Pow => (
                if b == 0.0 { 0.0 } else { b * a.powf(b - 1.0) },
                if a == 0.0 && b >= 0.0 { 0.0 } else { a.powf(b) * a.ln() },
            ),
            Arithmetic::FloorDivide => (0.0, 0.0),
            Arithmetic::Remainder => (1.0, -floor_division(a, b).0),
            Arithmetic::Fmod => (1.0, -(a / b).trunc()),
        }
    }

    /// The formulas of c, da and db.
    pub fn formulas(self) -> [&'static str; 3] {
        match self {
            Arithmetic::Add => ["a + b", "dc", "dc"],
            Arithmetic::Sub => ["a - b", "dc", "-dc"],
            Arithmetic::Mul => ["a b", "dc b", "dc a"],
            Arithmetic::Div => ["a / b", "dc / b", "-dc a / b^2"],
            Arithmetic::Pow => ["a^b", "dc b a^(b-1)", "dc a^b log a"],
            Arithmetic::FloorDivide => ["a // b", "0", "0"],
            Arithmetic::Remainder => ["a % b", "dc", "-dc (a // b)"],
            Arithmetic::Fmod => ["a - b trunc(a / b)", "dc", "-dc trunc(a / b)"],
        }
    }

    /// c = a (operation) b, in the shape the two broadcast to.
    pub fn forward(self, a: &Array, b: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("broadcast arithmetic: forward");
        Ok(trace.step("c", self.formulas()[0], a.zip(b, |a, b| self.value(a, b))?))
    }

    /// (da, db), each summed back to the shape of its operand.
    pub fn backward(self, a: &Array, b: &Array, dc: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        dc.expect_shape("broadcast_backward", "dc", &broadcast_shape(a.shape(), b.shape())?)?;
        trace.section("broadcast arithmetic: backward");
        let [_, of_a, of_b] = self.formulas();
        let da = a.zip(b, |a, b| self.partials(a, b).0)?.zip(dc, |partial, dc| dc * partial)?;
        let db = a.zip(b, |a, b| self.partials(a, b).1)?.zip(dc, |partial, dc| dc * partial)?;
        let da = trace.step("da", &format!("{of_a}, summed to a's shape"), sum_to(&da, a.shape())?);
        let db = trace.step("db", &format!("{of_b}, summed to b's shape"), sum_to(&db, b.shape())?);
        Ok((da, db))
    }
}

/// a // b and a % b. Both come from the exact rest of the division rounded toward 0, which is then moved to the side of
/// b; floor(a / b) is one too many where a / b rounds up to an integer, as 1 / 0.1 does.
fn floor_division(a: f64, b: f64) -> (f64, f64) {
    if b == 0.0 {
        return (a / b, f64::NAN);
    }
    let rest = a % b;
    let quotient = ((a - rest) / b).round();
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { (quotient - 1.0, rest + b) } else { (quotient, rest) }
}

/// Sums `x` over every axis that `shape` was stretched along: the backward of broadcasting `shape` to `x`'s shape.
pub fn sum_to(x: &Array, shape: &[usize]) -> Result<Array> {
    if broadcast_shape(x.shape(), shape).ok().as_deref() != Some(x.shape()) {
        let message = format!("{:?} was not broadcast from {shape:?}", x.shape());
        return Err(Error::new("sum_to", message));
    }
    let added = x.rank() - shape.len();
    let stretched: Vec<usize> = (0..x.rank())
        .filter(|&axis| axis < added || (shape[axis - added] == 1 && x.shape()[axis] != 1))
        .collect();
    x.sum_along(&stretched).reshape(shape)
}
