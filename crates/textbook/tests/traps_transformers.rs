//! Mistakes of hand-written embeddings, positions, attention layers and transformers, each as a named wrong
//! implementation, and the block's ordinary check, which accepts the textbook and rejects the mistake.

use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    Activation, Array, Embedding, LayerNorm, MersenneTwister, MultiHeadAttention, Projection, Sharing, Trace,
    TransformerLayer, matmul, positional_encoding, softmax,
};

fn silent() -> Trace {
    Trace::silent()
}

fn near(a: &Array, b: &Array, tolerance: f64) -> bool {
    largest_difference(a, b) < tolerance
}

// ---- embedding -------------------------------------------------------------------------------------------------------

/// Agrees with finite differences where an index occurs twice, and leaves the padding row alone.
fn is_embedding_gradient(f: impl Fn(&Array, &Array, &Array, Option<usize>) -> Array) -> bool {
    let mut random = MersenneTwister::new(1);
    let (table, ids) = (random.randn(&[4, 2]), Array::vector(&[1.0, 3.0, 1.0]));
    let r = random.randn(&[3, 2]);
    let y = |table: &Array| Embedding::default().forward(table, &ids, &mut silent());
    let numeric = finite_differences(&table, |t| Ok(y(t)?.zip(&r, |y, r| y * r)?.sum())).unwrap();
    let padded = f(&table, &ids, &r, Some(1));
    near(&f(&table, &ids, &r, None), &numeric, 1e-8) && padded.data()[2..4] == [0.0, 0.0]
}

fn embedding_gradient_that_assigns(table: &Array, ids: &Array, dy: &Array, padding: Option<usize>) -> Array {
    let mut dtable = Array::zeros(table.shape());
    for (n, &id) in ids.data().iter().enumerate().filter(|(_, id)| Some(**id as usize) != padding) {
        for d in 0..2 {
            dtable[[id as usize, d]] = dy[[n, d]];
        }
    }
    dtable
}

fn embedding_gradient_that_trains_padding(table: &Array, ids: &Array, dy: &Array, _: Option<usize>) -> Array {
    Embedding::default().backward(table, ids, dy, &mut silent()).unwrap()
}

#[test]
fn embedding_traps() {
    assert!(is_embedding_gradient(|table, ids, dy, padding_index| {
        let layer = Embedding { padding_index, ..Embedding::default() };
        layer.backward(table, ids, dy, &mut silent()).unwrap()
    }));
    assert!(!is_embedding_gradient(embedding_gradient_that_assigns));
    assert!(!is_embedding_gradient(embedding_gradient_that_trains_padding));
}

// ---- positions -------------------------------------------------------------------------------------------------------

/// The known rows of width 4.
fn is_positional_encoding(f: impl Fn(usize, usize) -> Array) -> bool {
    let known = Array::matrix([
        [0.0, 1.0, 0.0, 1.0],
        [0.84147098, 0.54030231, 0.00999983, 0.99995],
        [0.90929743, -0.41614684, 0.01999867, 0.99980001],
    ]);
    near(&f(3, 4), &known, 5e-9)
}

fn waves(length: usize, d: usize, exponent: impl Fn(usize) -> f64, sine_first: bool) -> Array {
    Array::from_fn(&[length, d], |index| {
        let a = index[0] as f64 / 10_000_f64.powf(exponent(index[1]) / d as f64);
        if (index[1] % 2 == 0) == sine_first { a.sin() } else { a.cos() }
    })
}

fn positions_without_the_floor(length: usize, d: usize) -> Array {
    waves(length, d, |i| i as f64, true)
}

fn positions_with_doubled_columns(length: usize, d: usize) -> Array {
    waves(length, d, |i| 2.0 * i as f64, true)
}

fn positions_with_sine_and_cosine_swapped(length: usize, d: usize) -> Array {
    waves(length, d, |i| (2 * (i / 2)) as f64, false)
}

fn positions_that_count_from_one(length: usize, d: usize) -> Array {
    let all = positional_encoding(length + 1, d, &mut silent());
    Array::new(&[length, d], all.data()[d..].to_vec()).unwrap()
}

#[test]
fn position_traps() {
    assert!(is_positional_encoding(|length, d| positional_encoding(length, d, &mut silent())));
    assert!(!is_positional_encoding(positions_without_the_floor));
    assert!(!is_positional_encoding(positions_with_doubled_columns));
    assert!(!is_positional_encoding(positions_with_sine_and_cosine_swapped));
    assert!(!is_positional_encoding(positions_that_count_from_one));
}

// ---- multi-head attention --------------------------------------------------------------------------------------------

fn matrix(random: &mut MersenneTwister, n: usize) -> Projection {
    Projection { weight: random.randn(&[n, n]), bias: None }
}

fn layer(sharing: Sharing) -> MultiHeadAttention {
    let random = &mut MersenneTwister::new(2);
    let width = if sharing == Sharing::Nothing { 4 } else { 2 };
    let (query, key, value) = (matrix(random, width), matrix(random, width), matrix(random, width));
    MultiHeadAttention { heads: 2, kv_heads: 2, sharing, query, key, value, output: matrix(random, 4) }
}

fn columns(x: &Array, h: usize) -> Array {
    Array::from_fn(&[x.shape()[0], 2], |index| x[[index[0], 2 * h + index[1]]])
}

fn times(a: &Array, b: &Array) -> Array {
    matmul(a, b, &mut silent()).unwrap()
}

fn transposed(x: &Array) -> Array {
    x.transpose().unwrap()
}

/// Head by head from the formula, with what can go wrong as a function.
struct Formula {
    scale: f64,
    /// The weights of one head from its scores and the mask.
    weights: fn(&Array, &Array) -> Array,
    /// The columns of a head.
    head: fn(&Array, usize) -> Array,
}

fn right() -> Formula {
    Formula { scale: 1.0 / 2f64.sqrt(), weights: masked_softmax, head: columns }
}

fn masked(s: &Array, mask: &Array) -> Array {
    s.zip(mask, |s, keep| if keep == 0.0 { f64::NEG_INFINITY } else { s }).unwrap()
}

fn masked_softmax(s: &Array, mask: &Array) -> Array {
    softmax(&masked(s, mask), -1, &mut silent()).unwrap()
}

fn by_formula(formula: &Formula, layer: &MultiHeadAttention, x: &Array, mask: &Array) -> Array {
    let shared = layer.sharing == Sharing::OneProjection;
    let project = |by: &Projection, h: usize| {
        if shared {
            times(&(formula.head)(x, h), &transposed(&by.weight))
        } else {
            (formula.head)(&times(x, &transposed(&by.weight)), h)
        }
    };
    let heads: Vec<Array> = (0..2)
        .map(|h| {
            let (q, k, v) = (project(&layer.query, h), project(&layer.key, h), project(&layer.value, h));
            let s = times(&q, &transposed(&k)).map(|s| s * formula.scale);
            times(&(formula.weights)(&s, mask), &v)
        })
        .collect();
    let joined = Array::from_fn(&[x.shape()[0], 4], |index| heads[index[1] / 2][[index[0], index[1] % 2]]);
    times(&joined, &transposed(&layer.output.weight))
}

/// What the textbook's layer gives on a causal mask, with scores large enough that exp overflows without the maximum.
fn is_attention(sharing: Sharing, formula: &Formula) -> bool {
    let layer = layer(sharing);
    let mask = Array::from_fn(&[3, 3], |index| f64::from(index[1] <= index[0]));
    [1.0, 40.0].into_iter().all(|size| {
        let x = MersenneTwister::new(3).randn(&[3, 4]).map(|x| size * x);
        let y = layer.forward(&x, &x, Some(&mask), &mut silent()).unwrap();
        near(&y, &by_formula(formula, &layer, &x, &mask), 1e-10)
    })
}

fn ignored_mask(s: &Array, _: &Array) -> Array {
    softmax(s, -1, &mut silent()).unwrap()
}

fn mask_read_the_other_way(s: &Array, mask: &Array) -> Array {
    masked_softmax(s, &mask.map(|keep| 1.0 - keep)).map(|p| if p.is_nan() { 0.0 } else { p })
}

fn masked_by_zeros(s: &Array, mask: &Array) -> Array {
    softmax(&s.zip(mask, |s, keep| s * keep).unwrap(), -1, &mut silent()).unwrap()
}

fn softmax_over_the_queries(s: &Array, mask: &Array) -> Array {
    softmax(&masked(s, mask), 0, &mut silent()).unwrap()
}

fn exp_without_the_maximum(s: &Array, mask: &Array) -> Array {
    let e = masked(s, mask).map(f64::exp);
    e.zip(&e.sum_along(&[1]), |e, sum| e / sum).unwrap()
}

fn weights_masked_after_the_softmax(s: &Array, mask: &Array) -> Array {
    softmax(s, -1, &mut silent()).unwrap().zip(mask, |p, keep| p * keep).unwrap()
}

fn heads_of_every_other_column(x: &Array, h: usize) -> Array {
    Array::from_fn(&[x.shape()[0], 2], |index| x[[index[0], 2 * index[1] + h]])
}

fn heads_reshaped_without_a_transposition(x: &Array, h: usize) -> Array {
    let length = x.shape()[0];
    Array::from_fn(&[length, 2], |index| x[h * 2 * length + 2 * index[0] + index[1]])
}

#[test]
fn attention_traps() {
    assert!(is_attention(Sharing::Nothing, &right()));
    for scale in [1.0, 1.0 / 4f64.sqrt(), 2f64.sqrt()] {
        assert!(!is_attention(Sharing::Nothing, &Formula { scale, ..right() }), "scale {scale}");
    }
    for weights in [
        ignored_mask,
        mask_read_the_other_way,
        masked_by_zeros,
        softmax_over_the_queries,
        exp_without_the_maximum,
        weights_masked_after_the_softmax,
    ] {
        assert!(!is_attention(Sharing::Nothing, &Formula { weights, ..right() }));
    }
    for head in [heads_of_every_other_column, heads_reshaped_without_a_transposition] {
        assert!(!is_attention(Sharing::Nothing, &Formula { head, ..right() }));
    }
    // One projection for all heads divides by the root of the whole width, not of a head's.
    assert!(is_attention(Sharing::OneProjection, &Formula { scale: 0.5, ..right() }));
    assert!(!is_attention(Sharing::OneProjection, &right()));
}

/// Dividing in place changes what the caller holds: a second call on the same scores gives the same weights.
fn leaves_its_scores_alone(f: impl Fn(&mut Array) -> Array) -> bool {
    let mut scores = MersenneTwister::new(4).randn(&[2, 3]);
    let before = scores.clone();
    near(&f(&mut scores), &f(&mut scores), 1e-15) && scores == before
}

fn weights_by_division(scores: &mut Array) -> Array {
    softmax(&scores.map(|s| s / 2f64.sqrt()), -1, &mut silent()).unwrap()
}

fn weights_by_division_in_place(scores: &mut Array) -> Array {
    for s in scores.data_mut() {
        *s /= 2f64.sqrt();
    }
    softmax(scores, -1, &mut silent()).unwrap()
}

#[test]
fn in_place_traps() {
    assert!(leaves_its_scores_alone(weights_by_division));
    assert!(!leaves_its_scores_alone(weights_by_division_in_place));
}

// ---- transformer layer -----------------------------------------------------------------------------------------------

fn block(norm_first: bool) -> TransformerLayer {
    let random = &mut MersenneTwister::new(5);
    let mut norm = || LayerNorm { gamma: random.randn(&[4]), ..LayerNorm::new(&[4]) };
    let (first_norm, norm) = (norm(), norm());
    let dense = |random: &mut MersenneTwister| Projection { weight: random.randn(&[4, 4]), bias: None };
    TransformerLayer {
        norm_first,
        self_attention: (layer(Sharing::Nothing), first_norm),
        cross_attention: None,
        first: dense(random),
        activation: Activation::Relu,
        second: dense(random),
        norm,
    }
}

/// f of the whole layer from its parts: attention and feed-forward, each with its norm.
fn is_layer(norm_first: bool, f: impl Fn(&Array, &dyn Fn(&Array) -> Array, &LayerNorm) -> Array) -> bool {
    let layer = block(norm_first);
    let x = MersenneTwister::new(6).randn(&[3, 4]);
    let attention = |x: &Array| layer.self_attention.0.forward(x, x, None, &mut silent()).unwrap();
    let feed_forward = |x: &Array| {
        let hidden = times(x, &transposed(&layer.first.weight)).map(|z| z.max(0.0));
        times(&hidden, &transposed(&layer.second.weight))
    };
    let middle = f(&x, &attention, &layer.self_attention.1);
    let y = layer.forward(&x, &Array::zeros(&[1, 4]), None, None, &mut silent()).unwrap();
    near(&f(&middle, &feed_forward, &layer.norm), &y, 1e-12)
}

fn normed(norm: &LayerNorm, x: &Array) -> Array {
    norm.forward(x, &mut silent()).unwrap()
}

fn sum(a: &Array, b: &Array) -> Array {
    a.zip(b, |a, b| a + b).unwrap()
}

fn post_norm(x: &Array, part: &dyn Fn(&Array) -> Array, norm: &LayerNorm) -> Array {
    normed(norm, &sum(x, &part(x)))
}

fn pre_norm(x: &Array, part: &dyn Fn(&Array) -> Array, norm: &LayerNorm) -> Array {
    sum(x, &part(&normed(norm, x)))
}

fn residual_of_the_normed(x: &Array, part: &dyn Fn(&Array) -> Array, norm: &LayerNorm) -> Array {
    let n = normed(norm, x);
    sum(&n, &part(&n))
}

fn without_the_residual(x: &Array, part: &dyn Fn(&Array) -> Array, norm: &LayerNorm) -> Array {
    normed(norm, &part(x))
}

fn norm_of_the_part_alone(x: &Array, part: &dyn Fn(&Array) -> Array, norm: &LayerNorm) -> Array {
    sum(x, &normed(norm, &part(x)))
}

#[test]
fn transformer_layer_traps() {
    assert!(is_layer(false, post_norm) && is_layer(true, pre_norm));
    assert!(!is_layer(true, post_norm) && !is_layer(false, pre_norm));
    for wrong in [residual_of_the_normed, without_the_residual, norm_of_the_part_alone] {
        assert!(!is_layer(false, wrong) && !is_layer(true, wrong));
    }
}
