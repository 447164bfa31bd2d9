//! Matrix products and Einstein sums.

use barehand_tensor::{Float, Result, Tensor, einsum};

use crate::case::{Case, Outputs};
use crate::compare::Bound;

pub const F64: Bound = Bound { ulps: 8.0, floor: 1e-300, share: 1.0, except: &[], apart: &[] };
pub const F32: Bound = Bound { ulps: 8.0, floor: 1e-37, share: 1.0, except: &[], apart: &[] };

pub fn run<T: Float>(case: &Case<T>) -> Result<Option<Outputs<T>>> {
    let operands = case.reals();
    let turned =
        |x: &Tensor<T>, option: &str| if case.flag(option) { x.transpose(-1, -2) } else { Ok(x.clone()) };
    let y = match case.op.as_str() {
        "matmul" => operands[0].matmul(operands[1]),
        "matmul_transposed" => {
            turned(operands[0], "transpose_a")?.matmul(&turned(operands[1], "transpose_b")?)
        }
        "einsum" => einsum(case.text("equation"), &operands),
        "dot" => operands[0].dot(operands[1]),
        "outer" => operands[0].unsqueeze(1)?.mul(operands[1]),
        _ => return Ok(None),
    };
    Ok(Some(vec![y?.into()]))
}
