//! Embedding, positions, attention in several heads, and the layer made of them.

use barehand_textbook::{
    Activation, Array, Embedding, LayerNorm, MultiHeadAttention, Projection, Sharing, TransformerLayer,
    positional_encoding,
};

use crate::arguments::Arguments;
use crate::block::{Block, Input, UPSTREAM, UPSTREAM_OF_FIRST, input};
use crate::error::Error;

const SEQUENCE: Input =
    input("x", "(L, E)", "[[1.0, 0.0, 2.0, -1.0], [0.5, 1.0, 0.0, 1.0], [0.0, 2.0, 1.0, 0.5]]");
const WQ: Input = input("wq", "(H D, E); null: the identity", "null");
const WK: Input = input("wk", "(H D, E); null: the identity", "null");
const WV: Input = input("wv", "(H Dv, E); null: the identity", "null");
const WO: Input = input("wo", "(E, H Dv); null: the identity", "null");
const MASK: Input = input("mask", "(L, S), 1 where a query attends to a key; null: everywhere", "null");
const HEADS: Input = input("heads", "heads of queries", "2");

/// A weight, or the identity of a width.
fn weight(a: &Arguments, name: &str, width: usize) -> Result<Projection, Error> {
    let identity = || Array::from_fn(&[width, width], |index| f64::from(u8::from(index[0] == index[1])));
    Ok(Projection { weight: a.maybe_array(name)?.unwrap_or_else(identity), bias: None })
}

/// The attention that the inputs describe, for vectors of a width.
fn attention(
    a: &Arguments,
    width: usize,
    kv_heads: Option<usize>,
    sharing: Sharing,
) -> Result<MultiHeadAttention, Error> {
    let heads = a.count("heads")?;
    let projected = if sharing == Sharing::Nothing { width } else { width / heads.max(1) };
    Ok(MultiHeadAttention {
        heads,
        kv_heads: kv_heads.unwrap_or(heads),
        sharing,
        query: weight(a, "wq", projected)?,
        key: weight(a, "wk", projected)?,
        value: weight(a, "wv", projected)?,
        output: weight(a, "wo", width)?,
    })
}

/// The last axis of an array.
fn width(x: &Array) -> usize {
    x.shape().last().copied().unwrap_or(0)
}

pub const BLOCKS: &[Block] = &[
    Block {
        name: "embedding",
        section: "layers",
        summary: "a row of a table for each index",
        formula: "y_n = W[i_n]",
        engine: Some("barehand::nn::Embedding"),
        twin: "barehand::textbook::Embedding",
        inputs: &[
            input("indices", "(..)", "[2, 0, 2]"),
            input("weight", "(V, D)", "[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]"),
            UPSTREAM,
        ],
        options: &[
            input("padding_index", "a row whose gradient stays 0, or null", "null"),
            input(
                "scale_by_frequency",
                "whether gradients are divided by how often an index occurs",
                "false",
            ),
        ],
        run: |a, t| {
            let padding = a.maybe_number("padding_index")?;
            if padding.is_some_and(|row| row < 0.0 || row.fract() != 0.0) {
                return Err(a.invalid("padding_index", "expected a whole number, not negative, or null"));
            }
            let layer = Embedding {
                padding_index: padding.map(|row| row as usize),
                scale_by_frequency: a.flag("scale_by_frequency")?,
            };
            let (weight, indices) = (a.array("weight")?, a.array("indices")?);
            let y = layer.forward(&weight, &indices, t)?;
            layer.backward(&weight, &indices, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "positional_encoding",
        section: "layers",
        summary: "waves of falling frequency: where a token stands",
        formula: "pe[pos, i] = sin or cos of pos / 10000^(2 floor(i/2) / d)",
        engine: Some("barehand::nn::sinusoidal_encoding"),
        twin: "barehand::textbook::positional_encoding",
        inputs: &[input("length", "positions", "3"), input("d", "columns", "4")],
        options: &[],
        run: |a, t| {
            let (length, d) = (a.count("length")?, a.count("d")?);
            if length * d > 10_000 {
                return Err(a.invalid("length", format!("{length} x {d} numbers are too many to read")));
            }
            positional_encoding(length, d, t);
            Ok(())
        },
    },
    Block {
        name: "multi_head_attention",
        section: "layers",
        summary: "attention in several heads, with its projections",
        formula: "Y = [softmax(scale Q_h K_h^T) V_h for each head] Wo^T",
        engine: Some("barehand::nn::MultiheadAttention"),
        twin: "barehand::textbook::MultiHeadAttention",
        inputs: &[
            SEQUENCE,
            input("context", "(S, E), what is attended to; null: x", "null"),
            WQ,
            WK,
            WV,
            WO,
            MASK,
            UPSTREAM_OF_FIRST,
        ],
        options: &[
            HEADS,
            input("kv_heads", "heads of keys and values; null: as many as of queries", "null"),
            input(
                "sharing",
                "nothing, or one_projection: (D, D) for all heads, and scores divided by sqrt(E)",
                "\"nothing\"",
            ),
        ],
        run: |a, t| {
            let x = a.array("x")?;
            let context = a.maybe_array("context")?.unwrap_or_else(|| x.clone());
            let sharing = a.choice(
                "sharing",
                &[("nothing", Sharing::Nothing), ("one_projection", Sharing::OneProjection)],
            )?;
            let kv_heads =
                if a.maybe_number("kv_heads")?.is_some() { Some(a.count("kv_heads")?) } else { None };
            let layer = attention(a, width(&x), kv_heads, sharing)?;
            let mask = a.maybe_array("mask")?;
            let y = layer.forward(&x, &context, mask.as_ref(), t)?;
            layer.backward(&x, &context, mask.as_ref(), &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "transformer_layer",
        section: "layers",
        summary: "attention and a feed-forward part, each with a residual connection and a layer norm",
        formula: "x <- N(x + f(x)), or x <- x + f(N(x))",
        engine: Some("barehand::nn::TransformerEncoderLayer"),
        twin: "barehand::textbook::TransformerLayer",
        inputs: &[
            SEQUENCE,
            input("memory", "(S, E), an encoder's output: a decoder's layer; null: an encoder's", "null"),
            WQ,
            WK,
            WV,
            WO,
            input("w1", "(F, E); null: the identity", "null"),
            input("w2", "(E, F); null: the identity", "null"),
            MASK,
            UPSTREAM_OF_FIRST,
        ],
        options: &[
            HEADS,
            input("norm_first", "whether norms come before the parts", "false"),
            input("activation", "relu or gelu", "\"relu\""),
            input("eps", "added to variances", "1e-5"),
        ],
        run: |a, t| {
            let x = a.array("x")?;
            let width = width(&x);
            let norm = LayerNorm { eps: a.number("eps")?, ..LayerNorm::new(&[width]) };
            let part = || attention(a, width, None, Sharing::Nothing);
            let memory = a.maybe_array("memory")?;
            let layer = TransformerLayer {
                norm_first: a.flag("norm_first")?,
                self_attention: (part()?, norm.clone()),
                cross_attention: if memory.is_some() { Some((part()?, norm.clone())) } else { None },
                first: weight(a, "w1", width)?,
                activation: a
                    .choice("activation", &[("relu", Activation::Relu), ("gelu", Activation::Gelu)])?,
                second: weight(a, "w2", width)?,
                norm,
            };
            let memory = memory.unwrap_or_else(|| Array::zeros(&[0, width]));
            let mask = a.maybe_array("mask")?;
            let y = layer.forward(&x, &memory, mask.as_ref(), None, t)?;
            layer.backward(&x, &memory, mask.as_ref(), None, &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
];
