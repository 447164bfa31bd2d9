//! Sums, extremes, orders and normalisations along axes.

use barehand_tensor::{Float, Result, Tensor};

use crate::case::{Case, Output, Outputs, indexed};
use crate::compare::Bound;

/// A thousand deviations from 0 PyTorch's variance loses three digits in f64, where this one is right to the last two,
/// and the gradient is as good as the mean's rounding on either side; in f32 a sum of all may end near 0.
const EXCEPT: &[(&str, f64, f64)] = &[("var", 512.0, 0.0), ("std", 512.0, 0.0), ("sum_all", 16.0, 1.0)];

pub const F64: Bound = Bound { ulps: 16.0, floor: 1e-300, share: 1.0, except: EXCEPT, apart: &[] };
/// The exponential of what would be a subnormal number is 0 here.
const APART: &[(&str, usize)] = &[("softmax.large grad.x", 22)];
pub const F32: Bound = Bound { ulps: 16.0, floor: 1e-37, share: 1.0, except: EXCEPT, apart: APART };

pub fn run<T: Float>(case: &Case<T>) -> Result<Option<Outputs<T>>> {
    let dim = |()| case.integer("dim");
    let keep = case.has("keepdim") && case.flag("keepdim");
    let axes = || case.list("dim");
    if let op @ ("any" | "all") = case.op.as_str() {
        let x = case.other::<bool>("x");
        let found = if op == "any" { x.any_dim(&axes()[..], keep)? } else { x.all_dim(&axes()[..], keep)? };
        return Ok(Some(vec![Output::Mask(found)]));
    }
    let x = case.x();
    let whole = |()| x.detach().flatten(0, -1);
    let y = match case.op.as_str() {
        "sum" => x.sum_dim(&axes()[..], keep),
        "mean" => x.mean_dim(&axes()[..], keep),
        "amax" => x.amax(&axes()[..], keep),
        "amin" => x.amin(&axes()[..], keep),
        "logsumexp" => logsumexp(x, &axes(), keep),
        "var" => x.var_dim(&axes()[..], case.number("correction"), keep),
        "std" => x.std_dim(&axes()[..], case.number("correction"), keep),
        "prod" => x.prod_dim(dim(()), keep),
        "cumsum" => x.cumsum(dim(())),
        "softmax" => x.softmax(dim(())),
        "log_softmax" => x.log_softmax(dim(())),
        "sum_all" => x.sum(),
        "mean_all" => x.mean(),
        "prod_all" => x.prod(),
        "var_all" => x.var(1.0),
        "std_all" => x.std(1.0),
        "max_all" => x.max(),
        "min_all" => x.min(),
        "norm" if case.text("ord") == "1" => x.abs()?.sum_dim(&axes()[..], keep),
        "norm" if case.text("ord") == "2" && axes().len() == x.rank() && !case.name.ends_with("zero") => {
            x.norm()
        }
        "normalize" => {
            let length = x.square()?.sum_dim(dim(()), true)?.sqrt()?;
            x / length.clamp(case.number("eps"), f64::INFINITY)?
        }
        "argmax" | "argmin" => {
            let found = if case.op == "argmax" { x.argmax(dim(()))? } else { x.argmin(dim(()))? };
            return Ok(Some(vec![Output::Index(if keep { found.unsqueeze(dim(()))? } else { found })]));
        }
        "argmax_all" => return Ok(Some(vec![Output::Index(whole(())?.argmax(0)?)])),
        "argmin_all" => return Ok(Some(vec![Output::Index(whole(())?.argmin(0)?)])),
        "max" => return Ok(Some(indexed(x.max_dim(dim(()), keep)?))),
        "min" => return Ok(Some(indexed(x.min_dim(dim(()), keep)?))),
        "sort" => return Ok(Some(indexed(x.sort(dim(()), case.flag("descending"))?))),
        "topk" if case.flag("largest") => {
            return Ok(Some(indexed(x.topk(case.integer("k") as usize, dim(()))?)));
        }
        _ => return Ok(None),
    };
    Ok(Some(vec![y?.into()]))
}

/// The tensor reduces one axis at a time: of several, one after another.
fn logsumexp<T: Float>(x: &Tensor<T>, axes: &[isize], keep: bool) -> Result<Tensor<T>> {
    let mut y = x.clone();
    for &axis in axes {
        y = y.logsumexp(axis, true)?;
    }
    for &axis in axes.iter().rev().filter(|_| !keep) {
        y = y.squeeze(axis)?;
    }
    Ok(y)
}
