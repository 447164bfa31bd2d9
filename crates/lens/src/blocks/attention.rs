//! Attention and positions.

use barehand_textbook::attention::Causal;
use barehand_textbook::{Attention, AttentionMask, Rope, RopeLayout};

use crate::block::{Block, UPSTREAM, input};

/// What the numbers of a mask mean.
#[derive(Clone, Copy)]
enum Kind {
    Keep,
    KeyPadding,
    Additive,
}

pub const BLOCKS: &[Block] = &[
    Block {
        name: "attention",
        section: "attention",
        summary: "scaled dot-product attention under masks of every convention, grouped heads among them",
        formula: "y_i = sum_j softmax_j(c q_i . k_j, masked) v_j, c = 1 / sqrt(E)",
        engine: Some("barehand::tensor::Tensor::scaled_dot_product_attention"),
        twin: "barehand::textbook::Attention",
        inputs: &[
            input("q", "(.., H, L, E)", "[[1.0, 0.0], [0.5, -1.0]]"),
            input(
                "k",
                "(.., H', S, E), where H is a multiple of H'",
                "[[0.0, 1.0], [1.0, 0.5], [-1.0, 0.0]]",
            ),
            input("v", "(.., H', S, Ev)", "[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]"),
            input("mask", "broadcasts to (.., H, L, S); key padding (N, S) or (S); null: none", "null"),
            UPSTREAM,
        ],
        options: &[
            input(
                "mask_kind",
                "keep (1: attend; PyTorch), key_padding (1: ignore) or additive (-inf: never)",
                "\"keep\"",
            ),
            input("causal", "none, upper_left (PyTorch) or lower_right (with a cache)", "\"none\""),
            input("scale", "c; null: 1 / sqrt(E)", "null"),
            input("fill", "what masked scores become: -inf, or as in much code -1e9", "\"-inf\""),
        ],
        run: |a, t| {
            let (q, k, v, mask) = (a.array("q")?, a.array("k")?, a.array("v")?, a.maybe_array("mask")?);
            let kinds =
                [("keep", Kind::Keep), ("key_padding", Kind::KeyPadding), ("additive", Kind::Additive)];
            let kind = a.choice("mask_kind", &kinds)?;
            let triangles = [
                ("none", None),
                ("upper_left", Some(Causal::UpperLeft)),
                ("lower_right", Some(Causal::LowerRight)),
            ];
            let attention = Attention {
                mask: mask.as_ref().map(|mask| match kind {
                    Kind::Keep => AttentionMask::Keep(mask),
                    Kind::KeyPadding => AttentionMask::KeyPadding(mask),
                    Kind::Additive => AttentionMask::Additive(mask),
                }),
                causal: a.choice("causal", &triangles)?,
                scale: a.maybe_number("scale")?,
                fill: a.number("fill")?,
                dropped: None,
            };
            let y = attention.forward(&q, &k, &v, t)?;
            attention.backward(&q, &k, &v, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "rope",
        section: "attention",
        summary: "rotary position embedding of queries and keys, in both layouts",
        formula: "pair i of row t turns by (offset + t) base^(-2i/w): (a cos phi - b sin phi, b cos phi + a sin phi)",
        engine: Some("barehand::tensor::Tensor::rope"),
        twin: "barehand::textbook::Rope",
        inputs: &[input("x", "(.., T, D)", "[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]"), UPSTREAM],
        options: &[
            input(
                "layout",
                "interleaved (pairs 2i, 2i+1: the paper) or half_split (i, i+w/2: Hugging Face)",
                "\"interleaved\"",
            ),
            input("base", "of the frequencies", "10000.0"),
            input("offset", "position of the first row", "0"),
            input("width", "elements of a row that turn; null: all", "null"),
        ],
        run: |a, t| {
            let layouts = [("interleaved", RopeLayout::Interleaved), ("half_split", RopeLayout::HalfSplit)];
            let width = a.maybe_number("width")?.map(|_| a.count("width")).transpose()?;
            let rope = Rope {
                layout: a.choice("layout", &layouts)?,
                base: a.number("base")?,
                offset: a.count("offset")?,
                width,
            };
            let y = rope.forward(&a.array("x")?, t)?;
            rope.backward(&a.upstream(&y)?, t)?;
            Ok(())
        },
    },
];
