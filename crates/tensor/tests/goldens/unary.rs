//! Functions of one number.

use barehand_tensor::{Float, Result, Tensor};

use crate::case::{Case, Output, Outputs};
use crate::compare::Bound;

/// Near its flat ends a derivative such as 1 - y² loses its digits, in PyTorch or here; so do the parts of GELU.
const FLAT: &[(&str, f64, f64)] = &[
    ("tanh", 16.0, 1.0),
    ("gelu", 16.0, 1.0),
    ("geglu", 16.0, 1.0),
    // Its gradient is what is left of two products with probabilities.
    ("softmin", 16.0, 1.0),
    // The exponential of what would be a subnormal number is 0 here.
    ("logsigmoid", 16.0, 1e-32),
    ("softsign", 16.0, 1.0),
    ("gudermannian_unit_slope", 16.0, 1.0),
    ("inverse_square_root", 16.0, 1.0),
    // PyTorch's slope is 1 - (1 - t²), ours t².
    ("tanhshrink", 16.0, 1.0),
];

/// PyTorch's slope of hardsigmoid is 1/6 in single precision, in f64 too.
const FLAT_F64: &[(&str, f64, f64)] = &[
    FLAT[0],
    FLAT[1],
    FLAT[2],
    FLAT[3],
    FLAT[4],
    FLAT[5],
    FLAT[6],
    FLAT[7],
    FLAT[8],
    ("hardsigmoid", 1.35e8, 1e-300),
];

/// PyTorch divides infinity by infinity; softsign and x / √(1 + x²) have limits.
const APART: &[(&str, usize)] = &[
    ("softsign.special grad.x", 35),
    ("softsign.special grad.x", 36),
    ("inverse_square_root.special out", 35),
    ("inverse_square_root.special out", 36),
    ("inverse_square_root.special grad.x", 35),
    ("inverse_square_root.special grad.x", 36),
];

/// And its GELU of infinity is infinite in f64, no number in f32.
const APART_F32: &[(&str, usize)] = &[
    APART[0],
    APART[1],
    APART[2],
    APART[3],
    APART[4],
    APART[5],
    ("gelu.erf.special out", 35),
    // And its square of 1e30 overflows.
    ("inverse_square_root.special out", 33),
    ("inverse_square_root.special out", 34),
];

pub const F64: Bound = Bound { ulps: 16.0, floor: 1e-300, share: 0.0, except: FLAT_F64, apart: APART };
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
        "relu6" => x.relu6(),
        "hardsigmoid" => x.hardsigmoid(),
        "hardtanh" => x.hardtanh(-1.0, 1.0),
        "celu" => x.celu(case.number("alpha")),
        "tanhshrink" => x.tanhshrink(),
        "softshrink" => x.softshrink(case.number("lambd")),
        "hardshrink" => x.hardshrink(case.number("lambd")),
        "threshold" => x.threshold(case.number("threshold"), case.number("value")),
        "erf_as_printed" => x.erf_sigmoid_printed(),
        "erf_unit_slope" => x.erf_sigmoid(),
        "gudermannian_unit_slope" => x.gudermannian(),
        "inverse_square_root" => x.algebraic_sigmoid(),
        "atan_unit_slope" => x.arctangent_sigmoid(),
        "prelu" => x.prelu(case.real("weight")),
        "glu" => x.glu(case.integer("dim")),
        "swiglu" => x.swiglu(-1),
        "geglu" => x.geglu(-1),
        "reglu" => x.reglu(-1),
        "softmin" => x.softmin(case.integer("dim")),
        "swish" => x * x.mul_scalar(case.number("beta"))?.sigmoid()?,
        _ => return Ok(None),
    };
    y.map(Some)
}
