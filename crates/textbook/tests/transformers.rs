//! Embedding, positions, multi-head attention and transformer layers: known answers, PyTorch's committed answers, and
//! finite differences with a linear layer before the block.

mod golden;

use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    Activation, Array, Embedding, LayerNorm, MersenneTwister, MultiHeadAttention, Projection, Result,
    Sharing, Trace, TransformerLayer, WeightLayout, embedding_renorm, linear, linear_backward,
    positional_encoding,
};
use golden::{Case, Family};

fn silent() -> Trace {
    Trace::silent()
}

fn dot(a: &Array, b: &Array) -> f64 {
    a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum()
}

fn add(a: &Array, b: &Array) -> Array {
    a.zip(b, |a, b| a + b).unwrap()
}

#[track_caller]
fn near(what: &str, ours: &Array, numeric: &Array) {
    let difference = largest_difference(ours, numeric);
    assert!(difference < 1e-7, "{what}: {difference:e}");
}

/// The first `rows` of a matrix from `start` on.
fn rows(x: &Array, start: usize, rows: usize) -> Array {
    let mut shape = x.shape().to_vec();
    let inner: usize = shape[1..].iter().product();
    shape[0] = rows;
    Array::new(&shape, x.data()[start * inner..][..rows * inner].to_vec()).unwrap()
}

#[test]
fn waves_of_four_columns() {
    let pe = positional_encoding(3, 4, &mut silent());
    let known = Array::matrix([
        [0.0, 1.0, 0.0, 1.0],
        [0.84147098, 0.54030231, 0.00999983, 0.99995],
        [0.90929743, -0.41614684, 0.01999867, 0.99980001],
    ]);
    assert!(largest_difference(&pe, &known) < 5e-9);
    // An odd width ends in the sine of a frequency without its cosine.
    assert_eq!(positional_encoding(2, 3, &mut silent())[[1, 2]], (1.0 / 10_000_f64.powf(2.0 / 3.0)).sin());
}

#[test]
fn embedding_of_pytorch() {
    for case in Family::read("nn", "transformers").of("embedding") {
        let layer = Embedding {
            padding_index: case.options["padding_idx"].as_u64().map(|row| row as usize),
            scale_by_frequency: case.is("scale_grad_by_freq", false),
        };
        let (table, ids) = (case.array("table").map(f64::tanh), case.array("ids"));
        let mut shortened = table.clone();
        if let Some(max_norm) = case.options["max_norm"].as_f64() {
            // JSON has no infinity.
            let norm = case.options["norm_type"].as_f64();
            let norm = if case.text("norm_type") == "inf" { f64::INFINITY } else { norm.unwrap_or(2.0) };
            shortened = embedding_renorm(&table, ids, max_norm, norm, &mut silent()).unwrap();
        }
        case.expect("out", &layer.forward(&shortened, ids, &mut silent()).unwrap());
        let dtable = layer.backward(&shortened, ids, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.table", &dtable.zip(&table, |d, t| d * (1.0 - t * t)).unwrap());
    }
}

#[test]
fn embedding_gradients() {
    let mut random = MersenneTwister::new(1);
    let (table, w) = (random.randn(&[5, 3]), random.randn(&[3, 3]));
    let ids = Array::matrix([[4.0, 0.0, 4.0], [1.0, 4.0, 1.0]]);
    let r = random.randn(&[2, 3, 3]);
    let before = |table: &Array| linear(table, &w, None, WeightLayout::OutIn, &mut silent());
    let layer = Embedding::default();
    let f = |table: &Array| Ok(dot(&layer.forward(&before(table)?, &ids, &mut silent())?, &r));
    let dtable = layer.backward(&before(&table).unwrap(), &ids, &r, &mut silent()).unwrap();
    let ours = linear_backward(&table, &w, WeightLayout::OutIn, &dtable, &mut silent()).unwrap().input;
    near("dW", &ours, &finite_differences(&table, f).unwrap());
    assert!(layer.forward(&table, &Array::vector(&[5.0]), &mut silent()).is_err());
}

/// PyTorch's layer of a case, with its packed or separate projections.
fn attention(case: &Case) -> MultiHeadAttention {
    let width = 4;
    let bias = |part: usize| case.maybe("p.in_proj_bias").map(|bias| rows(bias, part * width, width));
    let part = |part: usize, name: &str| Projection {
        weight: case.maybe("p.in_proj_weight").map_or_else(
            || case.array(&format!("p.{name}_proj_weight")).clone(),
            |weight| rows(weight, part * width, width),
        ),
        bias: bias(part),
    };
    MultiHeadAttention {
        heads: 2,
        kv_heads: 2,
        sharing: Sharing::Nothing,
        query: part(0, "q"),
        key: part(1, "k"),
        value: part(2, "v"),
        output: Projection {
            weight: case.array("p.out_proj.weight").clone(),
            bias: case.maybe("p.out_proj.bias").cloned(),
        },
    }
}

/// Sequence n of a batch.
fn sequence(x: &Array, n: usize, batch_first: bool) -> Array {
    let (length, width) = (x.shape()[usize::from(batch_first)], x.shape()[2]);
    Array::from_fn(&[length, width], |index| {
        let (l, d) = (index[0], index[1]);
        if batch_first { x[[n, l, d]] } else { x[[l, n, d]] }
    })
}

#[test]
fn multi_head_attention_of_pytorch() {
    let family = Family::read("nn", "transformers");
    let mut compared = 0;
    for case in family.of("mha") {
        // One context for keys and values, one mask for all heads.
        if !["mha.self", "mha.causal"].contains(&case.name.as_str()) {
            continue;
        }
        compared += 1;
        let (layer, first) = (attention(case), case.is("batch_first", false));
        let x = case.array("x").map(f64::tanh);
        let keep = case.maybe("attn_mask").map(|forbidden| forbidden.map(|f| 1.0 - f));
        let [mut dx, mut din, mut dout] =
            [x.shape(), case.array("p.in_proj_weight").shape(), &[4, 4]].map(Array::zeros);
        for n in 0..2 {
            let one = sequence(&x, n, first);
            let y = layer.forward(&one, &one, keep.as_ref(), &mut silent()).unwrap();
            assert!(largest_difference(&y, &sequence(case.array("out"), n, first)) < 1e-12, "{}", case.name);
            if case.maybe("w.weights").is_some() {
                continue;
            }
            let dy = sequence(case.array("w.out"), n, first);
            let d = layer.backward(&one, &one, keep.as_ref(), &dy, &mut silent()).unwrap();
            let both = add(&d.input, &d.context);
            for l in 0..both.shape()[0] {
                for c in 0..4 {
                    let place = if first { [n, l, c] } else { [l, n, c] };
                    dx[place] += both[[l, c]] * (1.0 - x[place] * x[place]);
                }
            }
            for (part, gradients) in d.projections[..3].iter().enumerate() {
                for (i, value) in gradients.weight.data().iter().enumerate() {
                    din[part * 16 + i] += value;
                }
            }
            dout = add(&dout, &d.projections[3].weight);
        }
        if case.maybe("w.weights").is_none() {
            case.expect("grad.x", &dx);
            case.expect("grad.p.in_proj_weight", &din);
            case.expect("grad.p.out_proj.weight", &dout);
        }
    }
    assert_eq!(compared, 2);
}

fn projection(random: &mut MersenneTwister, outputs: usize, inputs: usize) -> Projection {
    Projection { weight: random.randn(&[outputs, inputs]), bias: Some(random.randn(&[outputs])) }
}

/// An attention of `heads` and `kv_heads` over a width of `width` and a context of width `context`.
fn drawn(
    random: &mut MersenneTwister,
    heads: usize,
    kv_heads: usize,
    width: usize,
    context: usize,
) -> MultiHeadAttention {
    MultiHeadAttention {
        heads,
        kv_heads,
        sharing: Sharing::Nothing,
        query: projection(random, heads * 2, width),
        key: projection(random, kv_heads * 2, context),
        value: projection(random, kv_heads * 3, context),
        output: projection(random, width, heads * 3),
    }
}

fn check_attention(name: &str, layer: &MultiHeadAttention, width: usize, context_width: usize) {
    let mut random = MersenneTwister::new(7);
    let (x, context) = (random.randn(&[3, width]), random.randn(&[4, context_width]));
    // The last query may attend to nothing.
    let mask = Array::from_fn(&[3, 4], |index| f64::from(index[0] < 2 && index[1] <= index[0] + 1));
    let w = random.randn(&[width, width]);
    let before = |x: &Array| linear(x, &w, None, WeightLayout::OutIn, &mut silent());
    let r = random.randn(&[3, width]);
    for mask in [None, Some(&mask)] {
        let loss = |layer: &MultiHeadAttention, x: &Array, context: &Array| -> Result<f64> {
            Ok(dot(&layer.forward(&before(x)?, context, mask, &mut silent())?, &r))
        };
        let d = layer.backward(&before(&x).unwrap(), &context, mask, &r, &mut silent()).unwrap();
        let dx = linear_backward(&x, &w, WeightLayout::OutIn, &d.input, &mut silent()).unwrap().input;
        near(name, &dx, &finite_differences(&x, |x| loss(layer, x, &context)).unwrap());
        near(name, &d.context, &finite_differences(&context, |context| loss(layer, &x, context)).unwrap());
        for part in 0..4 {
            let held = [&layer.query, &layer.key, &layer.value, &layer.output][part];
            let with = |weight: Option<&Array>, bias: Option<&Array>| {
                let mut moved = layer.clone();
                let place = match part {
                    0 => &mut moved.query,
                    1 => &mut moved.key,
                    2 => &mut moved.value,
                    _ => &mut moved.output,
                };
                place.weight = weight.unwrap_or(&held.weight).clone();
                place.bias = bias.or(held.bias.as_ref()).cloned();
                loss(&moved, &x, &context)
            };
            near(
                name,
                &d.projections[part].weight,
                &finite_differences(&held.weight, |w| with(Some(w), None)).unwrap(),
            );
            if let Some(bias) = &held.bias {
                near(
                    name,
                    &d.projections[part].bias,
                    &finite_differences(bias, |b| with(None, Some(b))).unwrap(),
                );
            }
        }
    }
}

#[test]
fn multi_head_attention_gradients() {
    let mut random = MersenneTwister::new(3);
    for (heads, kv_heads) in [(1, 1), (2, 2), (4, 2), (3, 1)] {
        check_attention("attention", &drawn(&mut random, heads, kv_heads, 4, 5), 4, 5);
    }
    let mut shared = || Projection { weight: random.randn(&[2, 2]), bias: None };
    let (query, key, value) = (shared(), shared(), shared());
    let output = projection(&mut random, 6, 6);
    let sharing = Sharing::OneProjection;
    let layer = MultiHeadAttention { heads: 3, kv_heads: 3, sharing, query, key, value, output };
    check_attention("one projection", &layer, 6, 6);
}

#[test]
fn a_query_that_may_attend_to_nothing_gets_the_bias_alone() {
    let mut random = MersenneTwister::new(4);
    let layer = drawn(&mut random, 2, 2, 4, 4);
    let x = random.randn(&[2, 4]);
    let mask = Array::matrix([[1.0, 0.0], [0.0, 0.0]]);
    let y = layer.forward(&x, &x, Some(&mask), &mut silent()).unwrap();
    assert_eq!(y.data()[4..], *layer.output.bias.as_ref().unwrap().data());
}

/// A layer with weights of no pattern.
fn layer(random: &mut MersenneTwister, norm_first: bool, decoder: bool) -> TransformerLayer {
    let mut norm = || {
        let mut norm = LayerNorm::new(&[4]);
        norm.gamma = random.randn(&[4]);
        norm.beta = random.randn(&[4]);
        norm
    };
    let norms = [norm(), norm(), norm()];
    let [first, second, third] = norms;
    TransformerLayer {
        norm_first,
        self_attention: (drawn(random, 2, 2, 4, 4), first),
        cross_attention: decoder.then(|| (drawn(random, 2, 2, 4, 5), second)),
        first: projection(random, 6, 4),
        activation: Activation::Gelu,
        second: projection(random, 4, 6),
        norm: third,
    }
}

#[test]
fn transformer_layer_gradients() {
    let mut random = MersenneTwister::new(5);
    for (norm_first, decoder) in [(false, false), (true, false), (false, true), (true, true)] {
        let layer = layer(&mut random, norm_first, decoder);
        let (x, memory) = (random.randn(&[3, 4]), random.randn(&[2, 5]));
        let (w, r) = (random.randn(&[4, 4]), random.randn(&[3, 4]));
        let mask = Array::from_fn(&[3, 3], |index| f64::from(index[1] <= index[0]));
        let before = |x: &Array| linear(x, &w, None, WeightLayout::OutIn, &mut silent());
        let loss = |x: &Array, memory: &Array| {
            Ok(dot(&layer.forward(&before(x)?, memory, Some(&mask), None, &mut silent())?, &r))
        };
        let z = before(&x).unwrap();
        let (dz, dmemory) = layer.backward(&z, &memory, Some(&mask), None, &r, &mut silent()).unwrap();
        let dx = linear_backward(&x, &w, WeightLayout::OutIn, &dz, &mut silent()).unwrap().input;
        near("dx", &dx, &finite_differences(&x, |x| loss(x, &memory)).unwrap());
        near("dmemory", &dmemory, &finite_differences(&memory, |memory| loss(&x, memory)).unwrap());
    }
}

#[test]
fn transformer_layers_of_pytorch() {
    let family = Family::read("nn", "transformers");
    for (op, decoder) in [("encoder_layer", false), ("decoder_layer", true)] {
        for case in family.of(op) {
            let first = case.is("batch_first", false);
            // A single sequence, or one whose keys nobody masks.
            let x = case.array("x");
            let batched = x.rank() == 3;
            let bias = |name: &str, n: usize| {
                case.maybe(&format!("p.{name}")).cloned().unwrap_or_else(|| Array::zeros(&[n]))
            };
            let norm = |name: &str| LayerNorm {
                gamma: case.array(&format!("p.{name}.weight")).clone(),
                beta: bias(&format!("{name}.bias"), 4),
                eps: case.number("layer_norm_eps", 1e-5),
            };
            let attention = |name: &str| {
                let part = |i: usize| Projection {
                    weight: rows(case.array(&format!("p.{name}.in_proj_weight")), 4 * i, 4),
                    bias: Some(rows(&bias(&format!("{name}.in_proj_bias"), 12), 4 * i, 4)),
                };
                MultiHeadAttention {
                    heads: 2,
                    kv_heads: 2,
                    sharing: Sharing::Nothing,
                    query: part(0),
                    key: part(1),
                    value: part(2),
                    output: Projection {
                        weight: case.array(&format!("p.{name}.out_proj.weight")).clone(),
                        bias: Some(bias(&format!("{name}.out_proj.bias"), 4)),
                    },
                }
            };
            let dense = |name: &str, n: usize| Projection {
                weight: case.array(&format!("p.{name}.weight")).clone(),
                bias: Some(bias(&format!("{name}.bias"), n)),
            };
            let layer = TransformerLayer {
                norm_first: case.is("norm_first", false),
                self_attention: (attention("self_attn"), norm("norm1")),
                cross_attention: decoder.then(|| (attention("multihead_attn"), norm("norm2"))),
                first: dense("linear1", 6),
                activation: if case.text("activation") == "gelu" {
                    Activation::Gelu
                } else {
                    Activation::Relu
                },
                second: dense("linear2", 4),
                norm: norm(if decoder { "norm3" } else { "norm2" }),
            };
            for n in 0..if batched { 2 } else { 1 } {
                let one = |x: &Array| if batched { sequence(x, n, first) } else { x.clone() };
                let memory =
                    case.maybe("memory").map_or_else(|| Array::zeros(&[1, 4]), |m| one(m).map(f64::tanh));
                let queries = one(x).shape()[0];
                let padding = |name: &str, keys: usize, causal: bool| {
                    let forbidden = |i: usize, j: usize| {
                        case.maybe(name).is_some_and(|p| p[[n, j]] == 1.0)
                            || causal && case.maybe("attn_mask").is_some_and(|m| m[[i, j]] == 1.0)
                    };
                    Array::from_fn(&[queries, keys], |index| f64::from(!forbidden(index[0], index[1])))
                };
                let mask = padding("key_padding_mask", queries, true);
                let memory_mask = padding("memory_padding", memory.shape()[0], false);
                let y = layer
                    .forward(&one(x).map(f64::tanh), &memory, Some(&mask), Some(&memory_mask), &mut silent())
                    .unwrap();
                assert!(largest_difference(&y, &one(case.array("out"))) < 1e-12, "{}", case.name);
            }
        }
    }
}
