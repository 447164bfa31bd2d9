//! Whole numbers, which must be PyTorch's to the bit.

use barehand_tensor::{AnyTensor, Float, Integer, Result, Tensor, Whole, integer};

use crate::case::{Case, Output, Outputs};
use crate::compare::Bound;

pub const EXACT: Bound = Bound { ulps: 0.0, floor: 1.0, share: 0.0, except: &[], apart: &[] };

pub fn run<T: Float>(case: &Case<T>) -> Result<Option<Outputs<T>>> {
    let outputs = match case.inputs()[0] {
        AnyTensor::I64(x) => integers(case, x),
        AnyTensor::I32(x) => integers(case, x),
        AnyTensor::U8(x) => integers(case, x),
        AnyTensor::Bool(x) => wholes(case, x),
        AnyTensor::F64(x) if case.op == "count_nonzero" => {
            Ok(vec![x.count_nonzero_dim(&case.list("dim")[..], false)?.into()])
        }
        other => panic!("{}: {other:?}", case.name),
    };
    Ok(Some(outputs?.into_iter().map(Output::Whole).collect()))
}

fn integers<T: Float, U: Integer>(case: &Case<T>, x: &Tensor<U>) -> Result<Vec<AnyTensor>>
where
    AnyTensor: From<Tensor<U>>,
{
    let y = || case.other::<U>("b");
    let bound = |name: &str| U::from_integer(case.integer(name) as i64);
    let out = match case.op.as_str() {
        "add" => integer::add(x, &y())?,
        "sub" => integer::sub(x, &y())?,
        "mul" => integer::mul(x, &y())?,
        "floor_divide" => integer::floor_divide(x, &y())?,
        "remainder" => integer::remainder(x, &y())?,
        "pow" => integer::pow(x, &y())?,
        "maximum" => integer::maximum(x, &y())?,
        "minimum" => integer::minimum(x, &y())?,
        "bitwise_and" => integer::bitwise_and(x, &y())?,
        "bitwise_or" => integer::bitwise_or(x, &y())?,
        "bitwise_xor" => integer::bitwise_xor(x, &y())?,
        "bitwise_not" => integer::bitwise_not(x),
        "neg" => integer::neg(x),
        "abs" => integer::abs(x),
        "clamp" => integer::clamp(x, bound("min"), bound("max")),
        _ => return wholes(case, x),
    };
    Ok(vec![out.into()])
}

fn wholes<T: Float, U: Whole>(case: &Case<T>, x: &Tensor<U>) -> Result<Vec<AnyTensor>>
where
    AnyTensor: From<Tensor<U>>,
{
    let dim = || case.integer("dim");
    let axes = || case.list("dim");
    let keep = case.has("keepdim") && case.flag("keepdim");
    let indexed = |(values, indices): (Tensor<U>, Tensor<i64>)| Ok(vec![values.into(), indices.into()]);
    Ok(vec![match case.op.as_str() {
        "sum" => integer::sum_dim(x, &axes()[..], keep)?.into(),
        "sum_all" => integer::sum(x).into(),
        "prod" => integer::prod_dim(x, dim(), keep)?.into(),
        "prod_all" => integer::prod(x).into(),
        "cumsum" => integer::cumsum(x, dim())?.into(),
        "count_nonzero" => x.count_nonzero_dim(&axes()[..], false)?.into(),
        "amax" => integer::amax(x, &axes()[..], keep)?.into(),
        "amin" => integer::amin(x, &axes()[..], keep)?.into(),
        "max_all" => integer::max(x)?.into(),
        "min_all" => integer::min(x)?.into(),
        "argmax" => x.argmax(dim())?.into(),
        "argmin" => x.argmin(dim())?.into(),
        "max" => return indexed(x.max_dim(dim(), keep)?),
        "min" => return indexed(x.min_dim(dim(), keep)?),
        "sort" => return indexed(x.sort(dim(), case.flag("descending"))?),
        "topk" => return indexed(x.topk(case.integer("k") as usize, dim())?),
        other => panic!("{other} is not known"),
    }])
}
