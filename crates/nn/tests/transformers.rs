//! Embedding, attention layers and transformers against PyTorch: outputs, weights of attention, gradients of inputs and
//! parameters.

mod golden;

use barehand_nn::models::Gpt;
use barehand_nn::{
    Activation, AttentionMasks, Embedding, Float, Generator, LayerNorm, Module, MultiheadAttention,
    Parameters, SwiGluFeedForward, Tensor, Transformer, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer, TransformerOptions,
};
use barehand_tensor::AttentionMask;
use golden::{Goldens, name, op, weighted};
use serde_json::Value;

const WIDTH: usize = 4;

/// The inputs of a case as leaves, and its masks.
struct Given<T: Float> {
    leaves: Vec<(&'static str, Tensor<T>)>,
    masks: AttentionMasks<T>,
    memory_masks: AttentionMasks<T>,
}

impl<T: Float> Given<T> {
    fn of(goldens: &Goldens<T>, case: &Value) -> Self {
        let leaf = |name| Some((name, goldens.find(case, name)?.requires_grad()));
        let leaves = ["x", "key", "value", "memory", "bias"].into_iter().filter_map(leaf).collect();
        let truths = |name: &str| goldens.find_integers(case, name).map(|mask| mask.ne_scalar(0).unwrap());
        let mut given = Given {
            leaves,
            masks: AttentionMasks { key_padding: truths("key_padding_mask"), ..Default::default() },
            memory_masks: AttentionMasks { key_padding: truths("memory_padding"), ..Default::default() },
        };
        if let Some(forbidden) = truths("attn_mask") {
            let keep = forbidden.not().unwrap();
            // One mask for each sequence and head stands in a row.
            let keep = match *keep.shape() {
                [count, l, s] => keep.reshape([count / 2, 2, l, s].map(|n| n as isize)).unwrap(),
                _ => keep,
            };
            given.masks.mask = Some(AttentionMask::Keep(keep));
        }
        if case["options"]["causal"] == true {
            given.masks.mask = None;
            given.masks.causal = true;
        }
        if let Some(bias) = given.front("bias") {
            given.masks.mask = Some(AttentionMask::Additive(bias));
        }
        given
    }

    /// An input behind the tanh that stands before every layer.
    fn front(&self, name: &str) -> Option<Tensor<T>> {
        self.leaves.iter().find(|(leaf, _)| *leaf == name).map(|(_, leaf)| leaf.tanh().unwrap())
    }
}

/// Puts the case's parameters into a model, as leaves.
fn fill<T: Float>(goldens: &Goldens<T>, case: &Value, model: &mut dyn Parameters<T>) {
    let names: Vec<String> = model.state_dict().into_iter().map(|(name, _)| name).collect();
    let state: Vec<(String, Tensor<T>)> =
        names.into_iter().map(|n| (n.clone(), goldens.real(case, &format!("p.{n}")).clone())).collect();
    model.load_state_dict(&state).unwrap();
}

/// The outputs, and the gradients of everything.
fn check<T: Float>(
    goldens: &Goldens<T>,
    case: &Value,
    given: &Given<T>,
    model: &dyn Parameters<T>,
    outputs: &[(&str, Tensor<T>)],
    tolerance: f64,
) {
    let mut objective = Tensor::scalar(T::from_real(0.0));
    for (output, value) in outputs {
        goldens.assert_close(case, output, value, tolerance);
        let part = weighted(value, goldens.real(case, &format!("w.{output}")));
        objective = objective.add(&part).unwrap();
    }
    let gradients = objective.backward().unwrap();
    for (leaf, tensor) in &given.leaves {
        goldens.assert_close(case, &format!("grad.{leaf}"), gradients.of(tensor).unwrap(), tolerance);
    }
    for (parameter, tensor) in model.named_parameters() {
        let grad = format!("grad.p.{parameter}");
        goldens.assert_close(case, &grad, gradients.of(tensor).unwrap(), tolerance);
    }
}

fn embedding<T: Float>(goldens: &Goldens<T>, case: &Value, tolerance: f64) {
    let options = &case["options"];
    let table = goldens.real(case, "table").requires_grad();
    let mut layer = Embedding::from_weight(Tensor::zeros(table.shape()));
    if let Some(row) = options["padding_idx"].as_u64() {
        layer = layer.padding_idx(row as usize).unwrap();
    }
    layer = layer.scale_grad_by_freq(options["scale_grad_by_freq"] == true);
    layer.weight = table.tanh().unwrap();
    let ids = goldens.find_integers(case, "ids").unwrap();
    if let Some(max_norm) = options["max_norm"].as_f64() {
        // JSON has no infinity.
        let norm = if options["norm_type"] == "inf" {
            f64::INFINITY
        } else {
            options["norm_type"].as_f64().unwrap_or(2.0)
        };
        layer.renormalize(ids, max_norm, norm).unwrap();
    }
    let y = layer.forward(ids).unwrap();
    goldens.assert_close(case, "out", &y, tolerance);
    let gradients = weighted(&y, goldens.real(case, "w.out")).backward().unwrap();
    goldens.assert_close(case, "grad.table", gradients.of(&table).unwrap(), tolerance);
}

fn multihead<T: Float>(goldens: &Goldens<T>, case: &Value, tolerance: f64) {
    let (options, given) = (&case["options"], Given::of(goldens, case));
    let width = |key: &str| options[key].as_u64().map_or(WIDTH, |width| width as usize);
    let more = options["more_keys"] == true;
    let mut layer = MultiheadAttention::builder(WIDTH, 2)
        .batch_first(options["batch_first"] == true)
        .bias(options["bias"] != false)
        .kdim(width("kdim"))
        .vdim(width("vdim"))
        .add_bias_kv(more)
        .add_zero_attn(more)
        .build(&mut Generator::new(0))
        .unwrap();
    fill(goldens, case, &mut layer);
    let x = given.front("x").unwrap();
    let key = given.front("key").unwrap_or_else(|| x.clone());
    let value = given.front("value").unwrap_or_else(|| key.clone());
    let inputs = [&x, &key, &value];
    let fused = layer.attend(inputs, &given.masks).unwrap_or_else(|error| panic!("{}: {error}", name(case)));
    let mut outputs = vec![("out", fused)];
    if goldens.find(case, "weights").is_some() {
        goldens.assert_close(case, "out", &outputs[0].1, tolerance);
        let (y, weights) = layer.forward_with_weights(inputs, &given.masks).unwrap();
        let per_head = options["per_head"] == true;
        let weights = if per_head { weights } else { weights.mean_dim(-3, false).unwrap() };
        outputs = vec![("out", y), ("weights", weights)];
    }
    check(goldens, case, &given, &layer, &outputs, tolerance);
}

fn transformer<T: Float>(goldens: &Goldens<T>, case: &Value, tolerance: f64) {
    let (options, given) = (&case["options"], Given::of(goldens, case));
    let mut about = TransformerOptions::new(WIDTH, 2)
        .dim_feedforward(6)
        .dropout(0.0)
        .batch_first(options["batch_first"] == true)
        .norm_first(options["norm_first"] == true)
        .bias(options["bias"] != false)
        .layer_norm_eps(options["layer_norm_eps"].as_f64().unwrap_or(1e-5));
    if options["activation"] == "gelu" {
        about = about.activation(Activation::GELU);
    }
    let (mut generator, x) = (Generator::new(0), given.front("x").unwrap());
    let memory = || given.front("memory").unwrap();
    match op(case) {
        "encoder_layer" | "bert_block" => {
            let mut layer = TransformerEncoderLayer::new(&about, &mut generator).unwrap();
            fill(goldens, case, &mut layer);
            let y = layer.encode(&x, &given.masks).unwrap();
            check(goldens, case, &given, &layer, &[("out", y)], tolerance);
        }
        "encoder" => {
            let stack = TransformerEncoder::new(2, &about, &mut generator).unwrap();
            let mut stack = stack.norm(LayerNorm::new([WIDTH]));
            fill(goldens, case, &mut stack);
            let y = stack.encode(&x, &given.masks).unwrap();
            check(goldens, case, &given, &stack, &[("out", y)], tolerance);
        }
        "decoder_layer" => {
            let mut layer = TransformerDecoderLayer::new(&about, &mut generator).unwrap();
            fill(goldens, case, &mut layer);
            let y = layer.decode(&x, &memory(), &given.masks, &given.memory_masks).unwrap();
            check(goldens, case, &given, &layer, &[("out", y)], tolerance);
        }
        "transformer" => {
            let mut model = Transformer::new(1, 1, &about, &mut generator).unwrap();
            fill(goldens, case, &mut model);
            let none = AttentionMasks::default();
            let y = model.forward(&memory(), &x, &none, &given.masks, &none).unwrap();
            check(goldens, case, &given, &model, &[("out", y)], tolerance);
        }
        other => panic!("{other} is not known"),
    }
}

/// The parts of today's decoders.
fn block<T: Float>(goldens: &Goldens<T>, case: &Value, tolerance: f64) {
    let given = Given::of(goldens, case);
    let (x, mut generator) = (given.front("x").unwrap(), Generator::new(0));
    if op(case) == "gpt_block" {
        let gpt = Gpt::builder(2).n_layer(1).n_head(2).n_embd(WIDTH).build(&mut generator).unwrap();
        let mut block = gpt.transformer.h.into_iter().next().unwrap();
        fill(goldens, case, &mut block);
        let y = block.forward(&x, None).unwrap();
        check(goldens, case, &given, &block, &[("out", y)], tolerance);
    } else {
        let mut part = SwiGluFeedForward::new(WIDTH, 6, &mut generator);
        fill(goldens, case, &mut part);
        let y = part.forward(&x).unwrap();
        check(goldens, case, &given, &part, &[("out", y)], tolerance);
    }
}

fn everything<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("transformers");
    for case in &goldens.cases {
        match op(case) {
            "embedding" => embedding(&goldens, case, tolerance),
            "mha" => multihead(&goldens, case, tolerance),
            "swiglu_feed_forward" | "gpt_block" => block(&goldens, case, tolerance),
            _ => transformer(&goldens, case, tolerance),
        }
    }
    assert!(goldens.cases.len() >= 25, "{}", goldens.cases.len());
}

#[test]
fn everything_in_f64() {
    everything::<f64>(1e-12);
}

#[test]
fn everything_in_f32() {
    everything::<f32>(1e-5);
}
