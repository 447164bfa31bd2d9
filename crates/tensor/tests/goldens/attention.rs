//! Attention and rotary embedding.

use barehand_tensor::{
    AttentionMask, AttentionOptions, Causal, Float, Result, RopeLayout, RopeOptions, Tensor,
};

use crate::case::{Case, Outputs};
use crate::compare::Bound;

/// The gradients of scores are differences of terms of order 1, which may cancel to nothing; those beside a scale of 300
/// are multiplied by it.
const CANCELLING: &[(&str, f64, f64)] = &[
    ("attention", 32.0, 1.0),
    ("attention_lower_right", 32.0, 1.0),
    ("self_attention", 32.0, 1.0),
    ("attention_large", 32.0, 300.0),
];

pub const F64: Bound = Bound { ulps: 8.0, floor: 1e-300, share: 1.0, except: CANCELLING, apart: &[] };
pub const F32: Bound = Bound { ulps: 8.0, floor: 1e-37, share: 1.0, except: CANCELLING, apart: &[] };

pub fn run<T: Float>(case: &Case<T>) -> Result<Option<Outputs<T>>> {
    let operands = case.reals();
    let y = match case.op.as_str() {
        "attention" | "attention_large" => {
            let mask = match (operands.get(3), case.inputs().len()) {
                (Some(&added), _) => Some(AttentionMask::Additive(added.clone())),
                (None, 4) => Some(AttentionMask::Keep(case.other("mask"))),
                _ => None,
            };
            let options = AttentionOptions {
                mask,
                causal: (case.has("is_causal") && case.flag("is_causal")).then_some(Causal::UpperLeft),
                scale: case.has("scale").then(|| case.number("scale")),
                enable_gqa: case.has("enable_gqa"),
                ..Default::default()
            };
            operands[0].scaled_dot_product_attention(operands[1], operands[2], &options)
        }
        "attention_lower_right" => {
            let options = AttentionOptions { causal: Some(Causal::LowerRight), ..Default::default() };
            operands[0].scaled_dot_product_attention(operands[1], operands[2], &options)
        }
        "self_attention" => self_attention(case, &operands),
        "rope_interleaved" => operands[0].rope(&rope(case, RopeLayout::Interleaved)),
        "rope_half_split" => operands[0].rope(&rope(case, RopeLayout::HalfSplit)),
        _ => return Ok(None),
    };
    Ok(Some(vec![y?.into()]))
}

fn rope<T: Float>(case: &Case<T>, layout: RopeLayout) -> RopeOptions {
    RopeOptions {
        layout,
        base: if case.has("base") { case.number("base") } else { 10_000.0 },
        offset: if case.has("offset") { case.integer("offset") as usize } else { 0 },
        width: case.has("width").then(|| case.integer("width") as usize),
    }
}

/// Projections before and behind, whose heads are views.
fn self_attention<T: Float>(case: &Case<T>, operands: &[&Tensor<T>]) -> Result<Tensor<T>> {
    let [x, wq, wk, wv, wo] = operands else { panic!("{}: five inputs", case.name) };
    let (heads, shared) = (case.integer("heads"), case.integer("shared"));
    let split = |w: &Tensor<T>, heads: isize| {
        let [batch, length, _] = [0, 1, 2].map(|axis| x.shape()[axis] as isize);
        x.linear(w, None)?.reshape([batch, length, heads, -1])?.transpose(1, 2)
    };
    let options = AttentionOptions {
        causal: Some(Causal::UpperLeft),
        enable_gqa: heads != shared,
        ..Default::default()
    };
    let y =
        split(wq, heads)?.scaled_dot_product_attention(&split(wk, shared)?, &split(wv, shared)?, &options)?;
    y.transpose(1, 2)?.flatten(2, -1)?.linear(wo, None)
}
