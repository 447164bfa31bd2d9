//! Selecting, scattering, joining and reshaping: no rounding, so every value and gradient must be the same but for the
//! order in which gradients of repeated indices are added.

use barehand_tensor::{Float, Index, Result, Tensor, concat, stack};

use crate::case::{Case, Output, Outputs};
use crate::compare::Bound;

pub const F64: Bound = Bound { ulps: 1.0, floor: 1e-300, share: 1.0, except: &[], apart: &[] };
pub const F32: Bound = Bound { ulps: 1.0, floor: 1e-37, share: 1.0, except: &[], apart: &[] };

pub fn run<T: Float>(case: &Case<T>) -> Result<Option<Outputs<T>>> {
    let index = || case.other::<i64>("index");
    if case.op == "one_hot" {
        let classes = Tensor::<i64>::arange(0.0, case.number("num_classes"), 1.0)?;
        return Ok(Some(vec![Output::Index(index().unsqueeze(-1)?.eq(&classes)?.cast())]));
    }
    if case.op == "embedding" {
        let rows = case.real("weight").index(&[Index::Take(index())])?;
        return Ok((!case.has("padding_idx")).then(|| vec![rows.into()]));
    }
    let x = case.x();
    let dim = || case.integer("dim");
    let y = match case.op.as_str() {
        "gather" => x.gather(dim(), &index()),
        "scatter" => x.scatter(dim(), &index(), case.real("source")),
        "scatter_add" => x.scatter_add(dim(), &index(), case.real("source")),
        "index_select" => x.index_select(dim(), &index()),
        "index_add" => {
            let source = case.real("source");
            x.scatter_add(0, &index().unsqueeze(1)?.expand(source.shape())?, source)
        }
        "masked_fill" => {
            x.masked_fill(&case.other("mask"), T::from_real(case.text("value").parse().unwrap()))
        }
        "masked_select" => x.masked_select(&case.other("mask")),
        "cat" => concat(&case.reals(), dim()),
        "cat_self" => concat(&[x, x], dim()),
        "stack" => stack(&case.reals(), dim()),
        "split" => return Ok(Some(pieces(x.split_at(&case.sizes("sizes"), dim())?))),
        "chunk" => {
            return Ok(Some(pieces(x.chunk(case.integer("chunks") as usize, dim())?)));
        }
        "narrow" => x.narrow(dim(), case.integer("start") as usize, case.integer("length") as usize),
        "slice" => {
            x.slice(dim(), case.integer("start"), Some(case.integer("end")), case.integer("step") as usize)
        }
        "select" => x.select(dim(), case.integer("index")),
        "flip" => case.list("dims").into_iter().try_fold(x.clone(), |x, axis| x.flip(axis)),
        "roll" => {
            let mut shifts = case.list("shifts").into_iter().zip(case.list("dims"));
            shifts.try_fold(x.clone(), |x, (shift, axis)| x.roll(shift, axis))
        }
        "permute" => x.permute(case.list("dims")),
        "transpose" => x.transpose(case.integer("dim0"), case.integer("dim1")),
        "reshape" => x.reshape(case.list("shape")),
        "transpose_reshape" => x.t()?.reshape(case.list("shape")),
        "flatten" => x.flatten(case.integer("start_dim"), case.integer("end_dim")),
        "squeeze" => x.squeeze(dim()),
        "unsqueeze" => x.unsqueeze(dim()),
        "expand" => x.expand(case.sizes("size")),
        "repeat" => x.tile(&case.sizes("repeats")),
        // PyTorch's `tile` repeats the last axes when given fewer numbers than axes.
        "tile" => {
            let given = case.sizes("dims");
            x.tile(&[vec![1; x.rank() - given.len()], given].concat())
        }
        "repeat_interleave" => {
            let mut shape = x.shape().to_vec();
            let axis = dim() as usize;
            shape.insert(axis + 1, case.integer("repeats") as usize);
            x.unsqueeze(dim() + 1)?.expand(shape)?.flatten(dim(), dim() + 1)
        }
        "tril" => x.tril(case.integer("diagonal")),
        "triu" => x.triu(case.integer("diagonal")),
        "diagonal" => {
            let offset = case.integer("offset");
            let from = if offset < 0 { x.slice(0, -offset, None, 1)? } else { x.slice(1, offset, None, 1)? };
            from.diagonal(case.integer("dim1"), case.integer("dim2"))
        }
        "diag" => Tensor::eye(x.len()).mul(x),
        "pad" if case.text("mode") == "constant" => return Ok(Some(vec![pad(case, x)?.into()])),
        _ => return Ok(None),
    };
    Ok(Some(vec![y?.into()]))
}

fn pieces<T: Float>(tensors: Vec<Tensor<T>>) -> Outputs<T> {
    tensors.into_iter().map(Into::into).collect()
}

/// PyTorch counts from the last axis, and negative amounts crop.
fn pad<T: Float>(case: &Case<T>, x: &Tensor<T>) -> Result<Tensor<T>> {
    let mut amounts = vec![(0, 0); x.rank()];
    let mut x = x.clone();
    for (i, pair) in case.list("pad").chunks(2).enumerate() {
        let axis = x.rank() - 1 - i;
        let crop = |amount: isize| amount.min(0).unsigned_abs();
        let kept = x.shape()[axis] - crop(pair[0]) - crop(pair[1]);
        x = x.narrow(axis as isize, crop(pair[0]), kept)?;
        amounts[axis] = (pair[0].max(0) as usize, pair[1].max(0) as usize);
    }
    x.pad(&amounts, T::from_real(case.number("value")))
}
