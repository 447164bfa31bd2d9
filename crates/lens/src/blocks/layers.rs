//! Layers.

use barehand_textbook::{
    BatchNorm, GroupNorm, LayerNorm, Lora, RmsNorm, WeightLayout, dropout, dropout_backward, flatten,
    flatten_backward, linear, linear_backward,
};

use crate::block::{Block, UPSTREAM, UPSTREAM_OF_FIRST, input};

pub const BLOCKS: &[Block] = &[
    Block {
        name: "linear",
        section: "layers",
        summary: "the dense layer",
        formula: "y = x W^T + b",
        engine: Some("barehand::nn::Linear"),
        twin: "barehand::textbook::linear",
        inputs: &[
            input("x", "(.., in)", "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]"),
            input("weight", "(out, in), or (in, out) by option", "[[0.1, 0.2, 0.3], [-0.3, 0.1, 0.4]]"),
            input("bias", "(out), or null", "[0.5, -0.5]"),
            UPSTREAM,
        ],
        options: &[input("layout", "out_in (PyTorch) or in_out (most notes, GPT-2)", "\"out_in\"")],
        run: |a, t| {
            let layout =
                a.choice("layout", &[("out_in", WeightLayout::OutIn), ("in_out", WeightLayout::InOut)])?;
            let (x, w) = (a.array("x")?, a.array("weight")?);
            let y = linear(&x, &w, a.maybe_array("bias")?.as_ref(), layout, t)?;
            linear_backward(&x, &w, layout, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "batch_norm",
        section: "layers",
        summary: "each channel to mean 0 and variance 1 over the batch",
        formula: "y = gamma (x - m) / sqrt(v + eps) + beta",
        engine: Some("barehand::nn::BatchNorm2d"),
        twin: "barehand::textbook::BatchNorm",
        inputs: &[
            input("x", "(N, C), (N, C, L) or (N, C, H, W)", "[[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]]"),
            input("gamma", "(C), or null: ones", "null"),
            input("beta", "(C), or null: zeros", "null"),
            input("running_mean", "(C), or null: zeros", "null"),
            input("running_var", "(C), or null: ones", "null"),
            UPSTREAM_OF_FIRST,
        ],
        options: &[
            input("training", "true: the batch's statistics; false: the running ones", "true"),
            input("eps", "added to the variance", "1e-5"),
            input("momentum", "share of this batch in the running statistics", "0.1"),
        ],
        run: |a, t| {
            let x = a.array("x")?;
            let mut layer = BatchNorm::new(x.shape().get(1).copied().unwrap_or(0));
            layer.eps = a.number("eps")?;
            layer.momentum = a.maybe_number("momentum")?;
            for (name, field) in [
                ("gamma", &mut layer.gamma),
                ("beta", &mut layer.beta),
                ("running_mean", &mut layer.running_mean),
                ("running_var", &mut layer.running_var),
            ] {
                if let Some(given) = a.maybe_array(name)? {
                    *field = given;
                }
            }
            if a.flag("training")? {
                let y = layer.forward_train(&x, t)?;
                layer.backward_train(&x, &a.upstream_of_first(&y)?, t)?;
            } else {
                let y = layer.forward_eval(&x, t)?;
                layer.backward_eval(&x, &a.upstream_of_first(&y)?, t)?;
            }
            Ok(())
        },
    },
    Block {
        name: "layer_norm",
        section: "layers",
        summary: "each row to mean 0 and variance 1",
        formula: "y = gamma (x - m) / sqrt(v + eps) + beta",
        engine: Some("barehand::nn::LayerNorm"),
        twin: "barehand::textbook::LayerNorm",
        inputs: &[
            input("x", "(.., normalised shape)", "[[1.0, 2.0, 6.0], [-1.0, 0.0, 1.0]]"),
            input("gamma", "its shape is the normalised shape; null: ones over the last axis", "null"),
            input("beta", "the shape of gamma, or null: zeros", "null"),
            UPSTREAM_OF_FIRST,
        ],
        options: &[input("eps", "added to the variance", "1e-5")],
        run: |a, t| {
            let x = a.array("x")?;
            let gamma = a.maybe_array("gamma")?;
            let last = &x.shape()[x.rank().saturating_sub(1)..];
            let mut layer = LayerNorm::new(gamma.as_ref().map_or(last, |gamma| gamma.shape()));
            layer.eps = a.number("eps")?;
            layer.gamma = gamma.unwrap_or(layer.gamma);
            layer.beta = a.maybe_array("beta")?.unwrap_or(layer.beta);
            let y = layer.forward(&x, t)?;
            layer.backward(&x, &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "rms_norm",
        section: "layers",
        summary: "each row to mean square 1",
        formula: "y = gamma x / sqrt(mean(x^2) + eps)",
        engine: Some("barehand::nn::RMSNorm"),
        twin: "barehand::textbook::RmsNorm",
        inputs: &[
            input("x", "(.., normalised shape)", "[[1.0, 2.0, 6.0], [-1.0, 0.0, 1.0]]"),
            input("gamma", "its shape is the normalised shape; null: ones over the last axis", "null"),
            UPSTREAM,
        ],
        options: &[input("eps", "added to the mean square", "1e-5")],
        run: |a, t| {
            let x = a.array("x")?;
            let gamma = a.maybe_array("gamma")?;
            let last = &x.shape()[x.rank().saturating_sub(1)..];
            let mut layer = RmsNorm::new(gamma.as_ref().map_or(last, |gamma| gamma.shape()));
            layer.eps = a.number("eps")?;
            layer.gamma = gamma.unwrap_or(layer.gamma);
            let y = layer.forward(&x, t)?;
            layer.backward(&x, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "group_norm",
        section: "layers",
        summary: "each group of channels of each sample to mean 0 and variance 1",
        formula: "y = gamma_c (x - m) / sqrt(v + eps) + beta_c",
        engine: Some("barehand::nn::GroupNorm"),
        twin: "barehand::textbook::GroupNorm",
        inputs: &[
            input("x", "(N, C, ..)", "[[[1.0, 3.0], [2.0, 6.0], [0.0, 4.0], [8.0, 4.0]]]"),
            input("gamma", "(C), or null: ones", "null"),
            input("beta", "(C), or null: zeros", "null"),
            UPSTREAM_OF_FIRST,
        ],
        options: &[
            input("groups", "how many; as many as channels: instance norm", "2"),
            input("eps", "added to the variance", "1e-5"),
        ],
        run: |a, t| {
            let x = a.array("x")?;
            let channels = x.shape().get(1).copied().unwrap_or(0);
            let mut layer = GroupNorm::new(a.count("groups")?, channels);
            layer.eps = a.number("eps")?;
            layer.gamma = a.maybe_array("gamma")?.unwrap_or(layer.gamma);
            layer.beta = a.maybe_array("beta")?.unwrap_or(layer.beta);
            let y = layer.forward(&x, t)?;
            layer.backward(&x, &a.upstream_of_first(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "lora",
        section: "layers",
        summary: "a trained correction of low rank beside a frozen linear layer",
        formula: "y = x W^T + b + (alpha / r) x A^T B^T",
        engine: Some("barehand::nn::Lora"),
        twin: "barehand::textbook::Lora",
        inputs: &[
            input("x", "(N, in)", "[[1.0, 2.0], [0.0, -1.0]]"),
            input("weight", "(out, in), frozen", "[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]"),
            input("bias", "(out), frozen, or null", "null"),
            input("a", "(r, in)", "[[0.5, -0.5]]"),
            input("b", "(out, r)", "[[1.0], [0.0], [2.0]]"),
            UPSTREAM_OF_FIRST,
        ],
        options: &[input("alpha", "the scale's numerator", "8.0")],
        run: |a, t| {
            let x = a.array("x")?;
            let (weight, bias) = (a.array("weight")?, a.maybe_array("bias")?);
            let layer = Lora { weight, bias, a: a.array("a")?, b: a.array("b")?, alpha: a.number("alpha")? };
            let y = layer.forward(&x, t)?;
            layer.backward(&x, &a.upstream_of_first(&y)?, t)?;
            layer.merged(t)?;
            Ok(())
        },
    },
    Block {
        name: "dropout",
        section: "layers",
        summary: "drops elements by a mask and scales the others up",
        formula: "y = x mask / (1 - p)",
        engine: Some("barehand::nn::Dropout"),
        twin: "barehand::textbook::dropout",
        inputs: &[
            input("x", "any shape", "[1.0, 2.0, 3.0, 4.0]"),
            input("mask", "1 keep, 0 drop; the shape of x", "[1, 0, 1, 1]"),
            UPSTREAM,
        ],
        options: &[input("p", "probability of dropping", "0.5")],
        run: |a, t| {
            let (x, mask, p) = (a.array("x")?, a.array("mask")?, a.number("p")?);
            let y = dropout(&x, &mask, p, t)?;
            dropout_backward(&a.upstream(&y)?, &mask, p, t)?;
            Ok(())
        },
    },
    Block {
        name: "flatten",
        section: "layers",
        summary: "several axes become one",
        formula: "(N, C, H, W) -> (N, C H W)",
        engine: Some("barehand::nn::Flatten"),
        twin: "barehand::textbook::flatten",
        inputs: &[input("x", "any shape", "[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]"), UPSTREAM],
        options: &[input("start", "first axis to join", "1"), input("end", "last axis to join", "-1")],
        run: |a, t| {
            let x = a.array("x")?;
            let y = flatten(&x, a.integer("start")? as isize, a.integer("end")? as isize, t)?;
            flatten_backward(x.shape(), &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
];
