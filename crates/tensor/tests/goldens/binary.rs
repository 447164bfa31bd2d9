//! Functions of two or three tensors that broadcast.

use barehand_tensor::{Float, Result, where_};

use crate::case::{Case, Output, Outputs};
use crate::compare::Bound;

pub const F64: Bound = Bound { ulps: 16.0, floor: 1e-300, share: 0.1, except: &[], apart: &[] };
pub const F32: Bound = Bound { ulps: 16.0, floor: 1e-37, share: 0.1, except: &[], apart: &[] };

pub fn run<T: Float>(case: &Case<T>) -> Result<Option<Outputs<T>>> {
    let a = case.x();
    // Some cases put one tensor on both sides.
    let b = case.reals().get(1).copied().unwrap_or(a);
    let truth = match case.op.as_str() {
        "eq" => a.eq(b),
        "ne" => a.ne(b),
        "lt" => a.lt(b),
        "le" => a.le(b),
        "gt" => a.gt(b),
        "ge" => a.ge(b),
        op => {
            let y = match op {
                "add" => a.add(b),
                "sub" => a.sub(b),
                "mul" => a.mul(b),
                "div" => a.div(b),
                "pow" => a.pow(b),
                "floor_divide" => a.floor_divide(b),
                "remainder" => a.remainder(b),
                "maximum" => a.maximum(b),
                "minimum" => a.minimum(b),
                "atan2" => a.atan2(b),
                "where" => where_(&case.other("mask"), a, b),
                "lerp" => a + case.real("weight").mul(&b.sub(a)?)?,
                _ => return Ok(None),
            };
            return Ok(Some(vec![y?.into()]));
        }
    };
    Ok(Some(vec![Output::Mask(truth?)]))
}
