//! Embedding, positions, attention in several heads, and the layer made of them.

use barehand_textbook::{
    Activation, Array, BertBlock, Embedding, FeedForward, GptBlock, LayerNorm, MultiHeadAttention,
    Projection, Sharing, SwiGluFeedForward, TransformerLayer, embedding_renorm, positional_encoding,
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

const W1: Input = input("w1", "(F, E); null: the identity", "null");
const W2: Input = input("w2", "(E, F); null: the identity", "null");
const ACTIVATION: Input = input("activation", "relu or gelu", "\"relu\"");
const ACTIVATION_GELU: Input = input("activation", "relu or gelu", "\"gelu\"");
const EPS: Input = input("eps", "added to variances", "1e-5");

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

fn activation(a: &Arguments) -> Result<Activation, Error> {
    a.choice("activation", &[("relu", Activation::Relu), ("gelu", Activation::Gelu)])
}

/// The feed-forward part that the inputs describe.
fn feed_forward(a: &Arguments, width: usize) -> Result<FeedForward, Error> {
    let (first, second) = (weight(a, "w1", width)?, weight(a, "w2", width)?);
    Ok(FeedForward { first, activation: activation(a)?, second })
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
            input(
                "max_norm",
                "rows that were picked are shortened to this norm first; null: none is",
                "null",
            ),
            input("norm_type", "which norm: the sum of |x|^p to the power 1/p", "2.0"),
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
            let (mut weight, indices) = (a.array("weight")?, a.array("indices")?);
            let norm_type = a.number("norm_type")?;
            if let Some(max_norm) = a.maybe_number("max_norm")? {
                weight = embedding_renorm(&weight, &indices, max_norm, norm_type, t)?;
            }
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
            W1,
            W2,
            MASK,
            UPSTREAM_OF_FIRST,
        ],
        options: &[
            HEADS,
            input("norm_first", "whether norms come before the parts", "false"),
            ACTIVATION,
            EPS,
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
                activation: activation(a)?,
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
    Block {
        name: "feed_forward",
        section: "layers",
        summary: "two linear layers with an activation between them: what a transformer does with each token",
        formula: "y = f(x W1^T + b1) W2^T + b2",
        engine: Some("barehand::nn::FeedForward"),
        twin: "barehand::textbook::FeedForward",
        inputs: &[SEQUENCE, W1, W2, UPSTREAM_OF_FIRST],
        options: &[ACTIVATION],
        run: |a, t| {
            let x = a.array("x")?;
            let part = feed_forward(a, width(&x))?;
            let y = part.forward(&x, t)?;
            part.backward(&x, &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "swiglu_feed_forward",
        section: "layers",
        summary: "one linear layer opens and closes another: the feed-forward part of Llama",
        formula: "y = (silu(x Wg^T) x Wu^T) Wd^T",
        engine: Some("barehand::nn::SwiGluFeedForward"),
        twin: "barehand::textbook::SwiGluFeedForward",
        inputs: &[
            SEQUENCE,
            input("wg", "(F, E), of the gate; null: the identity", "null"),
            input("wu", "(F, E); null: the identity", "null"),
            input("wd", "(E, F); null: the identity", "null"),
            UPSTREAM_OF_FIRST,
        ],
        options: &[],
        run: |a, t| {
            let x = a.array("x")?;
            let of = |name: &str| Ok::<_, Error>(weight(a, name, width(&x))?.weight);
            let part = SwiGluFeedForward { gate: of("wg")?, up: of("wu")?, down: of("wd")? };
            let y = part.forward(&x, t)?;
            part.backward(&x, &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "gpt_block",
        section: "layers",
        summary: "causal attention and a feed-forward part, each behind a layer norm and added to what came in",
        formula: "x1 = x + attention(N1(x)), y = x1 + W2 gelu(W1 N2(x1))",
        engine: Some("barehand::nn::models::gpt::GptBlock"),
        twin: "barehand::textbook::GptBlock",
        inputs: &[
            SEQUENCE,
            input("wqkv", "(3 E, E), query, key and value; null: the identity three times", "null"),
            WO,
            W1,
            W2,
            UPSTREAM_OF_FIRST,
        ],
        options: &[HEADS, ACTIVATION_GELU, EPS],
        run: |a, t| {
            let x = a.array("x")?;
            let width = width(&x);
            let norm = LayerNorm { eps: a.number("eps")?, ..LayerNorm::new(&[width]) };
            let thrice =
                || Array::from_fn(&[3 * width, width], |i| f64::from(u8::from(i[0] % width == i[1])));
            let block = GptBlock {
                attention_norm: norm.clone(),
                heads: a.count("heads")?,
                packed: Projection { weight: a.maybe_array("wqkv")?.unwrap_or_else(thrice), bias: None },
                output: weight(a, "wo", width)?,
                feed_forward_norm: norm,
                feed_forward: feed_forward(a, width)?,
            };
            let y = block.forward(&x, t)?;
            block.backward(&x, &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "bert_block",
        section: "layers",
        summary: "attention to real tokens and a feed-forward part, each added to what came in, and the sum normalised",
        formula: "x1 = N1(x + attention(x)), y = N2(x1 + W2 gelu(W1 x1))",
        engine: Some("barehand::nn::TransformerEncoderLayer"),
        twin: "barehand::textbook::BertBlock",
        inputs: &[
            SEQUENCE,
            input("real", "(L), 0 at padding; null: there is none", "null"),
            WQ,
            WK,
            WV,
            WO,
            W1,
            W2,
            UPSTREAM_OF_FIRST,
        ],
        options: &[HEADS, ACTIVATION_GELU, input("eps", "added to variances", "1e-12")],
        run: |a, t| {
            let x = a.array("x")?;
            let width = width(&x);
            let norm = LayerNorm { eps: a.number("eps")?, ..LayerNorm::new(&[width]) };
            let block = BertBlock {
                attention: attention(a, width, None, Sharing::Nothing)?,
                attention_norm: norm.clone(),
                feed_forward: feed_forward(a, width)?,
                feed_forward_norm: norm,
            };
            let real = a.maybe_array("real")?;
            let y = block.forward(&x, real.as_ref(), t)?;
            block.backward(&x, real.as_ref(), &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
];
