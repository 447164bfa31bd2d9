//! Functions of one number.

use std::f64::consts::PI;

use barehand_tensor::{Float, Result, Tensor};

use crate::case::{Case, Output, Outputs};
use crate::compare::Bound;

/// Near its flat ends a derivative such as 1 - y² loses its digits, in PyTorch or here; so do the parts of GELU.
const FLAT: &[(&str, f64, f64)] = &[
    ("tanh", 16.0, 1.0),
    ("gelu", 16.0, 1.0),
    // The exponential of what would be a subnormal number is 0 here.
    ("logsigmoid", 16.0, 1e-32),
    ("softsign", 16.0, 1.0),
    ("gudermannian_unit_slope", 16.0, 1.0),
    ("inverse_square_root", 16.0, 1.0),
];

/// PyTorch divides infinity by infinity; the slope of softsign has the limit 0.
const APART: &[(&str, usize)] = &[("softsign.special grad.x", 35), ("softsign.special grad.x", 36)];

/// And its GELU of infinity is infinite in f64, no number in f32.
const APART_F32: &[(&str, usize)] = &[APART[0], APART[1], ("gelu.erf.special out", 35)];

pub const F64: Bound = Bound { ulps: 16.0, floor: 1e-300, share: 0.0, except: FLAT, apart: APART };
pub const F32: Bound = Bound { ulps: 16.0, floor: 1e-37, share: 0.0, except: FLAT, apart: APART_F32 };

pub fn run<T: Float>(case: &Case<T>) -> Result<Option<Outputs<T>>> {
    let x = case.x();
    let truth = match case.op.as_str() {
        "isnan" => x.isnan(),
        "isinf" => x.isinf(),
        "isfinite" => x.isfinite(),
        _ => return Ok(real(case, x)?.map(|y| vec![y.into()])),
    };
    Ok(Some(vec![Output::Mask(truth)]))
}

fn real<T: Float>(case: &Case<T>, x: &Tensor<T>) -> Result<Option<Tensor<T>>> {
    let y = match case.op.as_str() {
        "neg" => x.neg(),
        "abs" => x.abs(),
        "sign" => x.sign(),
        "square" => x.square(),
        "exp" => x.exp(),
        "expm1" => x.expm1(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "sinh" => x.sinh(),
        "cosh" => x.cosh(),
        "tanh" => x.tanh(),
        "atan" => x.atan(),
        "erf" => x.erf(),
        "sigmoid" => x.sigmoid(),
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round" => x.round(),
        "trunc" => x.trunc(),
        "reciprocal" => x.recip(),
        "log" => x.ln(),
        "log2" => x.log2(),
        "log10" => x.log10(),
        "log1p" => x.log1p(),
        "sqrt" => x.sqrt(),
        "rsqrt" => x.rsqrt(),
        "powi" | "powf" => x.pow_scalar(case.number("exponent")),
        "clamp" => {
            let low = if case.has("min") { case.number("min") } else { f64::NEG_INFINITY };
            x.clamp(low, if case.has("max") { case.number("max") } else { f64::INFINITY })
        }
        "relu" => x.relu(),
        "selu" => x.selu(),
        "silu" => x.silu(),
        "mish" => x.mish(),
        "hardswish" => x.hardswish(),
        "softsign" => x.softsign(),
        "logsigmoid" => x.log_sigmoid(),
        "leaky_relu" => x.leaky_relu(case.number("negative_slope")),
        "elu" => x.elu(case.number("alpha")),
        "gelu" if case.text("approximate") == "tanh" => x.gelu_tanh(),
        "gelu" => x.gelu(),
        "softplus" => x.softplus(case.number("beta"), case.number("threshold")),
        // PyTorch composes these, and so do we.
        "tanhshrink" => x - x.tanh()?,
        "swish" => x * x.mul_scalar(case.number("beta"))?.sigmoid()?,
        "erf_as_printed" => x.mul_scalar((PI / 2.0).sqrt())?.erf(),
        "erf_unit_slope" => x.mul_scalar(PI.sqrt() / 2.0)?.erf(),
        "gudermannian_unit_slope" => x.mul_scalar(PI / 4.0)?.tanh()?.atan()?.mul_scalar(4.0 / PI),
        "inverse_square_root" => x / x.square()?.add_scalar(1.0)?.sqrt()?,
        "atan_unit_slope" => x.mul_scalar(PI / 2.0)?.atan()?.mul_scalar(2.0 / PI),
        "prelu" => {
            let slope = case.real("weight");
            let slope = if slope.len() > 1 { slope.unsqueeze(-1)? } else { slope.clone() };
            x.relu()? - slope.mul(&x.neg()?.relu()?)?
        }
        "glu" => {
            let halves = x.chunk(2, case.integer("dim"))?;
            &halves[0] * halves[1].sigmoid()?
        }
        "swiglu" => {
            let halves = x.chunk(2, -1)?;
            halves[0].silu()? * &halves[1]
        }
        _ => return Ok(None),
    };
    y.map(Some)
}
