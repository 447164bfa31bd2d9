//! Feed-forward parts and the blocks of GPT and BERT: PyTorch's committed answers, and finite differences with a linear
//! layer before the block. And their known mistakes, each as a named wrong implementation that the ordinary check rejects.

mod golden;

use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    Activation, Array, BertBlock, Elementwise, FeedForward, GptBlock, LayerNorm, MersenneTwister,
    MultiHeadAttention, Projection, Result, Sharing, SwiGluFeedForward, Trace, WeightLayout, linear,
    linear_backward,
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

fn through(by: &Projection, x: &Array) -> Array {
    linear(x, &by.weight, by.bias.as_ref(), WeightLayout::OutIn, &mut silent()).unwrap()
}

/// Sequence n of a batch that comes first.
fn sequence(x: &Array, n: usize) -> Array {
    let (length, width) = (x.shape()[1], x.shape()[2]);
    Array::from_fn(&[length, width], |index| x[[n, index[0], index[1]]])
}

/// Rows `part`, `part + 1`, ... of a matrix or a vector cut into `parts`.
fn rows(x: &Array, part: usize, parts: usize) -> Array {
    let count = x.len() / parts;
    let mut shape = x.shape().to_vec();
    shape[0] /= parts;
    Array::new(&shape, x.data()[part * count..][..count].to_vec()).unwrap()
}

// ---- the weights of PyTorch's cases ---------------------------------------------------------------------------------

fn projection(case: &Case, name: &str) -> Projection {
    Projection {
        weight: case.array(&format!("p.{name}.weight")).clone(),
        bias: case.maybe(&format!("p.{name}.bias")).cloned(),
    }
}

fn norm(case: &Case, name: &str) -> LayerNorm {
    LayerNorm {
        gamma: case.array(&format!("p.{name}.weight")).clone(),
        beta: case.array(&format!("p.{name}.bias")).clone(),
        eps: case.number("layer_norm_eps", 1e-5),
    }
}

fn swiglu(case: &Case) -> SwiGluFeedForward {
    let weight = |name: &str| case.array(&format!("p.{name}_proj.weight")).clone();
    SwiGluFeedForward { gate: weight("gate"), up: weight("up"), down: weight("down") }
}

fn gpt(case: &Case) -> GptBlock {
    GptBlock {
        attention_norm: norm(case, "ln_1"),
        heads: 2,
        packed: projection(case, "attn.c_attn"),
        output: projection(case, "attn.c_proj"),
        feed_forward_norm: norm(case, "ln_2"),
        feed_forward: FeedForward {
            first: projection(case, "mlp.c_fc"),
            activation: Activation::Gelu,
            second: projection(case, "mlp.c_proj"),
        },
    }
}

fn bert(case: &Case) -> BertBlock {
    let part = |i: usize| Projection {
        weight: rows(case.array("p.self_attn.in_proj_weight"), i, 3),
        bias: Some(rows(case.array("p.self_attn.in_proj_bias"), i, 3)),
    };
    BertBlock {
        attention: MultiHeadAttention {
            heads: 2,
            kv_heads: 2,
            sharing: Sharing::Nothing,
            query: part(0),
            key: part(1),
            value: part(2),
            output: projection(case, "self_attn.out_proj"),
        },
        attention_norm: norm(case, "norm1"),
        feed_forward: FeedForward {
            first: projection(case, "linear1"),
            activation: Activation::Gelu,
            second: projection(case, "linear2"),
        },
        feed_forward_norm: norm(case, "norm2"),
    }
}

/// 1 at the real tokens of sequence n.
fn real(case: &Case, n: usize) -> Array {
    let padding = case.array("key_padding_mask");
    Array::from_fn(&[padding.shape()[1]], |index| 1.0 - padding[[n, index[0]]])
}

fn only<'a>(family: &'a Family, op: &'a str) -> &'a Case {
    family.of(op)[0]
}

/// What `f` makes of each sequence is PyTorch's output.
fn gives(case: &Case, f: impl Fn(&Array, usize) -> Array) -> bool {
    let x = case.array("x").map(f64::tanh);
    (0..2).all(|n| largest_difference(&f(&sequence(&x, n), n), &sequence(case.array("out"), n)) < 1e-11)
}

/// Sums over both sequences of a batch are PyTorch's gradients; those of x go through the tanh before the block.
fn same_gradients(case: &Case, of: impl Fn(&Array, usize, &Array) -> (Array, Vec<(&'static str, Array)>)) {
    let x = case.array("x").map(f64::tanh);
    let mut sums: Vec<(&str, Array)> = Vec::new();
    for n in 0..2 {
        let one = sequence(&x, n);
        let (dx, parameters) = of(&one, n, &sequence(case.array("w.out"), n));
        let dx = dx.zip(&one, |d, x| d * (1.0 - x * x)).unwrap();
        assert!(largest_difference(&dx, &sequence(case.array("grad.x"), n)) < 1e-10, "{}: dx", case.name);
        if sums.is_empty() {
            sums = parameters;
        } else {
            for ((_, sum), (_, part)) in sums.iter_mut().zip(&parameters) {
                *sum = add(sum, part);
            }
        }
    }
    for (name, sum) in sums {
        let theirs = case.array(&format!("grad.p.{name}"));
        assert!(largest_difference(&sum, theirs) < 1e-10, "{}: {name}", case.name);
    }
}

#[test]
fn swiglu_feed_forward_of_pytorch() {
    let family = Family::read("nn", "transformers");
    let case = only(&family, "swiglu_feed_forward");
    let part = swiglu(case);
    assert!(gives(case, |x, _| part.forward(x, &mut silent()).unwrap()));
    same_gradients(case, |x, _, dy| {
        let d = part.backward(x, dy, &mut silent()).unwrap();
        let weights =
            vec![("gate_proj.weight", d.gate), ("up_proj.weight", d.up), ("down_proj.weight", d.down)];
        (d.input, weights)
    });
}

#[test]
fn gpt_block_of_pytorch() {
    let family = Family::read("nn", "transformers");
    let case = only(&family, "gpt_block");
    let block = gpt(case);
    assert!(gives(case, |x, _| block.forward(x, &mut silent()).unwrap()));
    same_gradients(case, |x, _, dy| {
        let d = block.backward(x, dy, &mut silent()).unwrap();
        let parameters = vec![
            ("ln_1.weight", d.attention_norm.gamma),
            ("ln_1.bias", d.attention_norm.beta),
            ("attn.c_attn.weight", d.packed.0),
            ("attn.c_attn.bias", d.packed.1),
            ("attn.c_proj.weight", d.output.weight),
            ("attn.c_proj.bias", d.output.bias),
            ("ln_2.weight", d.feed_forward_norm.gamma),
            ("ln_2.bias", d.feed_forward_norm.beta),
            ("mlp.c_fc.weight", d.feed_forward.first.weight),
            ("mlp.c_fc.bias", d.feed_forward.first.bias),
            ("mlp.c_proj.weight", d.feed_forward.second.weight),
            ("mlp.c_proj.bias", d.feed_forward.second.bias),
        ];
        (d.input, parameters)
    });
}

#[test]
fn bert_block_of_pytorch() {
    let family = Family::read("nn", "transformers");
    let case = only(&family, "bert_block");
    let block = bert(case);
    assert!(gives(case, |x, n| block.forward(x, Some(&real(case, n)), &mut silent()).unwrap()));
    same_gradients(case, |x, n, dy| {
        let d = block.backward(x, Some(&real(case, n)), dy, &mut silent()).unwrap();
        let parameters = vec![
            ("self_attn.out_proj.weight", d.attention.projections[3].weight.clone()),
            ("norm1.weight", d.attention_norm.gamma),
            ("norm1.bias", d.attention_norm.beta),
            ("linear1.weight", d.feed_forward.first.weight),
            ("linear1.bias", d.feed_forward.first.bias),
            ("linear2.weight", d.feed_forward.second.weight),
            ("linear2.bias", d.feed_forward.second.bias),
            ("norm2.weight", d.feed_forward_norm.gamma),
            ("norm2.bias", d.feed_forward_norm.beta),
        ];
        (d.input, parameters)
    });
}

#[test]
fn gradients_by_finite_differences() {
    let family = Family::read("nn", "transformers");
    let (part, block, other) = (
        swiglu(only(&family, "swiglu_feed_forward")),
        gpt(only(&family, "gpt_block")),
        bert(only(&family, "bert_block")),
    );
    let mut random = MersenneTwister::new(5);
    let (x, w, r) = (random.randn(&[3, 4]), random.randn(&[4, 4]), random.randn(&[3, 4]));
    let real = Array::vector(&[1.0, 0.0, 1.0]);
    let before = |x: &Array| linear(x, &w, None, WeightLayout::OutIn, &mut silent());
    let check = |name: &str, f: &dyn Fn(&Array) -> Result<Array>, dz: Array| {
        let ours = linear_backward(&x, &w, WeightLayout::OutIn, &dz, &mut silent()).unwrap().input;
        let numeric = finite_differences(&x, |x| Ok(dot(&f(&before(x)?)?, &r))).unwrap();
        let difference = largest_difference(&ours, &numeric);
        assert!(difference < 1e-7, "{name}: {difference:e}");
    };
    let z = before(&x).unwrap();
    let silent = &mut silent();
    check("SwiGLU", &|z| part.forward(z, &mut Trace::silent()), part.backward(&z, &r, silent).unwrap().input);
    check("GPT", &|z| block.forward(z, &mut Trace::silent()), block.backward(&z, &r, silent).unwrap().input);
    check(
        "BERT",
        &|z| other.forward(z, Some(&real), &mut Trace::silent()),
        other.backward(&z, Some(&real), &r, silent).unwrap().input,
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let family = Family::read("nn", "transformers");
    let mut block = gpt(only(&family, "gpt_block"));
    let x = Array::zeros(&[3, 4]);
    assert!(block.forward(&Array::zeros(&[4]), &mut silent()).is_err());
    assert!(block.backward(&x, &Array::zeros(&[2, 4]), &mut silent()).is_err());
    block.packed.weight = Array::zeros(&[10, 4]);
    assert!(block.forward(&x, &mut silent()).unwrap_err().to_string().contains("10 rows"));
    let block = bert(only(&family, "bert_block"));
    assert!(block.forward(&x, Some(&Array::zeros(&[2])), &mut silent()).is_err());
}

// ---- mistakes -------------------------------------------------------------------------------------------------------

fn silu(x: f64) -> f64 {
    Activation::Silu.value(x)
}

fn times(x: &Array, weight: &Array) -> Array {
    linear(x, weight, None, WeightLayout::OutIn, &mut silent()).unwrap()
}

/// A SwiGLU part with another way to open the gate.
fn gated(part: &SwiGluFeedForward, x: &Array, open: impl Fn(f64, f64) -> f64) -> Array {
    times(&times(x, &part.gate).zip(&times(x, &part.up), open).unwrap(), &part.down)
}

#[test]
fn swiglu_traps() {
    let family = Family::read("nn", "transformers");
    let case = only(&family, "swiglu_feed_forward");
    let part = swiglu(case);
    let is_swiglu = |open: fn(f64, f64) -> f64| gives(case, |x, _| gated(&part, x, open));
    assert!(is_swiglu(|gate, up| silu(gate) * up));
    let gate_and_up_swapped: fn(f64, f64) -> f64 = |gate, up| gate * silu(up);
    let sigmoid_instead_of_silu: fn(f64, f64) -> f64 = |gate, up| silu(gate) / gate * up;
    let silu_of_the_product: fn(f64, f64) -> f64 = |gate, up| silu(gate * up);
    assert!(!is_swiglu(gate_and_up_swapped));
    assert!(!is_swiglu(sigmoid_instead_of_silu));
    assert!(!is_swiglu(silu_of_the_product));
}

/// A GPT block with what can go wrong in it as choices.
#[derive(Clone, Copy)]
struct Choices {
    causal: bool,
    norm_first: bool,
    residual_around_the_norm: bool,
    second_part_from_the_input: bool,
    activation: Activation,
    /// The order of query, key and value in the packed projection.
    order: [usize; 3],
}

const GPT: Choices = Choices {
    causal: true,
    norm_first: true,
    residual_around_the_norm: true,
    second_part_from_the_input: false,
    activation: Activation::Gelu,
    order: [0, 1, 2],
};

fn block_with(block: &GptBlock, x: &Array, choices: Choices) -> Array {
    let [query, key, value] = choices.order.map(|i| Projection {
        weight: rows(&block.packed.weight, i, 3),
        bias: block.packed.bias.as_ref().map(|bias| rows(bias, i, 3)),
    });
    let attention = MultiHeadAttention {
        heads: block.heads,
        kv_heads: block.heads,
        sharing: Sharing::Nothing,
        query,
        key,
        value,
        output: block.output.clone(),
    };
    let n = x.shape()[0];
    let mask = Array::from_fn(&[n, n], |index| f64::from(!choices.causal || index[1] <= index[0]));
    let attend = |x: &Array| attention.forward(x, x, Some(&mask), &mut silent()).unwrap();
    let feed = |x: &Array| {
        let hidden = through(&block.feed_forward.first, x).map(|x| choices.activation.value(x));
        through(&block.feed_forward.second, &hidden)
    };
    let part = |x: &Array, norm: &LayerNorm, f: &dyn Fn(&Array) -> Array| {
        let normed = |x: &Array| norm.forward(x, &mut silent()).unwrap();
        if !choices.norm_first {
            return normed(&add(x, &f(x)));
        }
        let n = normed(x);
        let f = f(&n);
        add(if choices.residual_around_the_norm { x } else { &n }, &f)
    };
    let x1 = part(x, &block.attention_norm, &attend);
    if choices.second_part_from_the_input {
        let n2 = block.feed_forward_norm.forward(x, &mut silent()).unwrap();
        return add(&x1, &feed(&n2));
    }
    part(&x1, &block.feed_forward_norm, &feed)
}

#[test]
fn gpt_block_traps() {
    let family = Family::read("nn", "transformers");
    let case = only(&family, "gpt_block");
    let block = gpt(case);
    let is_gpt_block = |choices: Choices| gives(case, |x, _| block_with(&block, x, choices));
    assert!(is_gpt_block(GPT));
    let sees_the_future = Choices { causal: false, ..GPT };
    let norms_behind_the_sums = Choices { norm_first: false, ..GPT };
    let residual_from_behind_the_norm = Choices { residual_around_the_norm: false, ..GPT };
    let parts_side_by_side = Choices { second_part_from_the_input: true, ..GPT };
    let gelu_by_tanh = Choices { activation: Activation::GeluTanh, ..GPT };
    let relu = Choices { activation: Activation::Relu, ..GPT };
    let key_before_query = Choices { order: [1, 0, 2], ..GPT };
    for mistake in [
        sees_the_future,
        norms_behind_the_sums,
        residual_from_behind_the_norm,
        parts_side_by_side,
        gelu_by_tanh,
        relu,
        key_before_query,
    ] {
        assert!(!is_gpt_block(mistake));
    }
}

#[test]
fn bert_block_traps() {
    let family = Family::read("nn", "transformers");
    let case = only(&family, "bert_block");
    let block = bert(case);
    let is_bert_block = |f: &dyn Fn(&Array, &Array) -> Array| gives(case, |x, n| f(x, &real(case, n)));
    let normed = |norm: &LayerNorm, x: &Array| norm.forward(x, &mut silent()).unwrap();
    let feed = |x: &Array| block.feed_forward.forward(x, &mut silent()).unwrap();
    let attend =
        |x: &Array, mask: Option<&Array>| block.attention.forward(x, x, mask, &mut silent()).unwrap();
    let finish = |s1: Array| {
        let x1 = normed(&block.attention_norm, &s1);
        normed(&block.feed_forward_norm, &add(&x1, &feed(&x1)))
    };
    let keys = |real: &Array| Array::from_fn(&[4, 4], |index| real[index[1]]);
    assert!(is_bert_block(&|x, real| finish(add(x, &attend(x, Some(&keys(real)))))));

    let attends_to_padding = |x: &Array, _: &Array| finish(add(x, &attend(x, None)));
    let queries_masked_instead_of_keys = |x: &Array, real: &Array| {
        let mask = Array::from_fn(&[4, 4], |index| real[index[0]]);
        finish(add(x, &attend(x, Some(&mask))))
    };
    let mask_upside_down = |x: &Array, real: &Array| {
        let mask = keys(real).map(|keep| 1.0 - keep);
        finish(add(x, &attend(x, Some(&mask))))
    };
    let norms_before_the_parts = |x: &Array, real: &Array| {
        let x1 = add(x, &attend(&normed(&block.attention_norm, x), Some(&keys(real))));
        add(&x1, &feed(&normed(&block.feed_forward_norm, &x1)))
    };
    let norm_of_the_part_alone = |x: &Array, real: &Array| {
        let x1 = add(x, &normed(&block.attention_norm, &attend(x, Some(&keys(real)))));
        add(&x1, &normed(&block.feed_forward_norm, &feed(&x1)))
    };
    let second_residual_forgotten = |x: &Array, real: &Array| {
        let x1 = normed(&block.attention_norm, &add(x, &attend(x, Some(&keys(real)))));
        normed(&block.feed_forward_norm, &feed(&x1))
    };
    assert!(!is_bert_block(&attends_to_padding));
    assert!(!is_bert_block(&queries_masked_instead_of_keys));
    assert!(!is_bert_block(&mask_upside_down));
    assert!(!is_bert_block(&norms_before_the_parts));
    assert!(!is_bert_block(&norm_of_the_part_alone));
    assert!(!is_bert_block(&second_residual_forgotten));
}
