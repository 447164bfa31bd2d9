//! Attention and rotary embedding.

use barehand_tensor::{AttentionMask, AttentionOptions, Causal, Float, RopeLayout, RopeOptions, Tensor};
use barehand_textbook::{Array, Trace, attention as twin};

use crate::pair::{Pair, hold, largest};

fn attention<T: Float>(pair: &mut Pair<T>) {
    let outer: Vec<usize> = (0..pair.between(0..=1)).map(|_| pair.between(0..=2)).collect();
    let (shared, group) = (pair.between(1..=3), pair.between(1..=3));
    let [queries, keys] = [0; 2].map(|_| match pair.between(0..=5) {
        0 => pair.between(60..=140),
        1 => pair.between(0..=1),
        _ => pair.between(1..=9),
    });
    let (width, value_width) = (pair.between(1..=20), pair.between(1..=20));
    let shape = |heads: usize, length: usize, width: usize| [&outer[..], &[heads, length, width]].concat();
    let [q, k, v] =
        [shape(shared * group, queries, width), shape(shared, keys, width), shape(shared, keys, value_width)]
            .map(|shape| pair.array(&shape));
    let dy = pair.array(&shape(shared * group, queries, value_width));

    // A mask over some of the axes of the scores.
    let mut mask_shape = shape(shared * group, queries, keys);
    for axis in 0..mask_shape.len() {
        if pair.rarely(3) {
            mask_shape[axis] = 1;
        }
    }
    let normal = pair.array(&mask_shape);
    let chosen = normal.map(|x| f64::from(u8::from(x < 0.8)));
    let added = normal.map(|x| if x > 1.5 { f64::NEG_INFINITY } else { x });
    let padding_shape = [shape(shared * group, 0, 0)[0], keys];
    let padding = pair.array(&padding_shape).map(|x| f64::from(u8::from(x > 0.8)));
    let truths =
        |x: &Array| Tensor::from_vec(x.data().iter().map(|&x| x != 0.0).collect(), x.shape()).unwrap();
    let added_leaf = pair.leaf(&added);
    let (mask, twins_mask) = match pair.between(0..=3) {
        0 => (None, None),
        1 => (Some(AttentionMask::Keep(truths(&chosen))), Some(twin::AttentionMask::Keep(&chosen))),
        2 => (
            Some(AttentionMask::KeyPadding(truths(&padding))),
            Some(twin::AttentionMask::KeyPadding(&padding)),
        ),
        _ => (Some(AttentionMask::Additive(added_leaf.clone())), Some(twin::AttentionMask::Additive(&added))),
    };
    let (causal, twins_causal) = match pair.between(0..=2) {
        0 => (None, None),
        1 => (Some(Causal::UpperLeft), Some(twin::Causal::UpperLeft)),
        _ => (Some(Causal::LowerRight), Some(twin::Causal::LowerRight)),
    };
    let scale = pair.pick(&[None, Some(0.3), Some(-1.0)]);

    let textbook =
        twin::Attention { mask: twins_mask, causal: twins_causal, scale, ..twin::Attention::default() };
    let expected = textbook.forward(&q, &k, &v, &mut Trace::silent()).unwrap();
    let d = textbook.backward(&q, &k, &v, &dy, &mut Trace::silent()).unwrap();
    let options = AttentionOptions { mask, causal, scale, enable_gqa: true, ..Default::default() };
    let [ql, kl, vl] = [&q, &k, &v].map(|x| pair.leaf(x));
    let y = ql.scaled_dot_product_attention(&kl, &vl, &options).unwrap();
    pair.same("y", &y, &expected);
    // Slopes of weights are differences of products of gradients and values.
    pair.terms = largest(&dy) * largest(&v) * largest(&q).max(largest(&k)).max(1.0);
    let mut leaves = vec![("dq", &ql, &d.query), ("dk", &kl, &d.key), ("dv", &vl, &d.value)];
    if let Some(mask) = &d.mask {
        leaves.push(("dmask", &added_leaf, mask));
    }
    pair.same_gradients(&y, &dy, &leaves);
}

fn rope<T: Float>(pair: &mut Pair<T>) {
    let mut shape = pair.shape(2..=4);
    let last = shape.len() - 1;
    shape[last] = pair.between(1..=12);
    let width = pair.between(0..=shape[last] / 2) * 2;
    let (x, dy) = (pair.array(&shape), pair.array(&shape));
    let (layout, twins_layout) = if pair.flag() {
        (RopeLayout::Interleaved, barehand_textbook::RopeLayout::Interleaved)
    } else {
        (RopeLayout::HalfSplit, barehand_textbook::RopeLayout::HalfSplit)
    };
    let (base, offset) = (pair.pick(&[10_000.0, 100.0, 5e5]), pair.between(0..=500));
    let textbook = barehand_textbook::Rope { layout: twins_layout, base, offset, width: Some(width) };
    let leaf = pair.leaf(&x);
    let y = leaf.rope(&RopeOptions { layout, base, offset, width: Some(width) }).unwrap();
    pair.same("y", &y, &textbook.forward(&x, &mut Trace::silent()).unwrap());
    let d = textbook.backward(&dy, &mut Trace::silent()).unwrap();
    pair.same_gradients(&y, &dy, &[("dx", &leaf, &d)]);
}

#[test]
fn attention_agrees() {
    hold("attention", 120, [256.0, 64.0], attention::<f64>, attention::<f32>);
}

#[test]
fn rope_agrees() {
    // Angles of thousands are rounded to their last place, of which sine and cosine take the difference as it is.
    hold("rope", 60, [4096.0, 4.0], rope::<f64>, rope::<f32>);
}
