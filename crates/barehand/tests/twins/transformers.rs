//! Embedding, positions, attention layers and transformer layers.

use barehand_nn::models::Gpt;
use barehand_nn::{
    Attention, AttentionMasks, Generator, Linear, Module, MultiheadAttention, SharedHeadAttention,
    SwiGluFeedForward, TransformerDecoderLayer, TransformerEncoderLayer, TransformerOptions,
    sinusoidal_encoding,
};
use barehand_tensor::{AttentionMask, EmbeddingOptions, Float, Tensor};
use barehand_textbook::{
    Activation, Array, BertBlock, Embedding, FeedForward, GptBlock, LayerNorm, MultiHeadAttention,
    Projection, Sharing, Trace, TransformerLayer, embedding_renorm, positional_encoding,
};

use crate::pair::{Pair, exact, hold, largest};

fn silent() -> Trace {
    Trace::silent()
}

fn embedding<T: Float>(pair: &mut Pair<T>) {
    let (rows, width) = (pair.between(1..=40), pair.between(0..=300));
    let count = pair.pick(&[0, 1, 7, 300]);
    let ids: Vec<usize> = (0..count).map(|_| pair.between(0..=rows - 1)).collect();
    let table = pair.array(&[rows, width]);
    let padding_index = if pair.flag() { Some(pair.between(0..=rows - 1)) } else { None };
    let twin = Embedding { padding_index, scale_by_frequency: pair.flag() };
    let indices = Array::vector(&ids.iter().map(|&id| id as f64).collect::<Vec<_>>());
    let mut leaf = pair.leaf(&table);
    let ids = Tensor::from(ids.into_iter().map(|id| id as i64).collect::<Vec<_>>());
    let (max_norm, norm) =
        (pair.pick(&[0.0, 0.5, 4.0, f64::INFINITY]), pair.pick(&[0.0, 1.0, 2.0, 3.0, f64::INFINITY]));
    leaf.embedding_renorm(&ids, max_norm, norm).unwrap();
    let table = embedding_renorm(&table, &indices, max_norm, norm, &mut silent()).unwrap();
    let options =
        EmbeddingOptions { padding_idx: twin.padding_index, scale_grad_by_freq: twin.scale_by_frequency };
    let y = leaf.embedding(&ids, options).unwrap();
    pair.same("y", &y, &twin.forward(&table, &indices, &mut silent()).unwrap());
    let dy = pair.array(y.shape());
    let dtable = twin.backward(&table, &indices, &dy, &mut silent()).unwrap();
    pair.terms = largest(&dy);
    pair.same_gradients(&y, &dy, &[("dW", &leaf, &dtable)]);
}

fn positions<T: Float>(pair: &mut Pair<T>) {
    let (length, width) = (pair.between(0..=100), pair.between(1..=9));
    let waves: Tensor<T> = sinusoidal_encoding(length, width);
    pair.same("pe", &waves, &positional_encoding(length, width, &mut silent()));
}

/// A projection with small weights, and its layer.
fn projection<T: Float>(
    pair: &mut Pair<T>,
    inputs: usize,
    outputs: usize,
    bias: bool,
) -> (Projection, Linear<T>) {
    let weight = pair.array(&[outputs, inputs]).map(|w| exact(w / (inputs as f64).sqrt()));
    let bias = bias.then(|| pair.array(&[outputs]));
    let layer = Linear { weight: pair.leaf(&weight), bias: bias.as_ref().map(|bias| pair.leaf(bias)) };
    (Projection { weight, bias }, layer)
}

/// One sequence as a batch.
fn batch<T: Float>(x: &Tensor<T>) -> Tensor<T> {
    x.unsqueeze(0).unwrap()
}

/// A mask over (L, S) for both: now and then no query sees a key.
fn mask<T: Float>(pair: &mut Pair<T>, queries: usize, keys: usize) -> (Option<Array>, AttentionMasks<T>) {
    if pair.flag() {
        return (None, AttentionMasks::default());
    }
    let keep = pair.array(&[queries, keys]).map(|x| f64::from(u8::from(x > -0.5)));
    let truths = Tensor::from_vec(keep.data().iter().map(|&k| k != 0.0).collect(), [queries, keys]).unwrap();
    let masks = AttentionMasks { mask: Some(AttentionMask::Keep(truths)), ..AttentionMasks::default() };
    (Some(keep), masks)
}

fn attention<T: Float>(pair: &mut Pair<T>) {
    let (heads, group) = (pair.between(1..=3), pair.between(1..=2));
    let (width, value_width) = (pair.between(1..=8), pair.between(1..=8));
    let (embed, context_width) = (pair.between(1..=12), pair.between(1..=12));
    let (queries, keys) = (pair.between(1..=40), pair.between(1..=40));
    let bias = pair.flag();
    let mut layer: Attention<T> = Attention::builder(embed)
        .context(context_width)
        .heads(heads * group)
        .kv_heads(heads)
        .head_dim(width)
        .value_dim(value_width)
        .build(&mut Generator::new(0))
        .unwrap();
    let (query, q) = projection(pair, embed, heads * group * width, bias);
    let (key, k) = projection(pair, context_width, heads * width, bias);
    let (value, v) = projection(pair, context_width, heads * value_width, bias);
    let (output, o) = projection(pair, heads * group * value_width, embed, bias);
    (layer.q_proj, layer.k_proj, layer.v_proj, layer.o_proj) = (q, k, v, o);
    let twin = MultiHeadAttention {
        heads: heads * group,
        kv_heads: heads,
        sharing: Sharing::Nothing,
        query,
        key,
        value,
        output,
    };
    let (x, context) = (pair.array(&[queries, embed]), pair.array(&[keys, context_width]));
    let (keep, masks) = mask(pair, queries, keys);
    let (leaf, context_leaf) = (pair.leaf(&x), pair.leaf(&context));
    let y = layer.attend(&batch(&leaf), &batch(&context_leaf), &masks).unwrap().squeeze(0).unwrap();
    let expected = twin.forward(&x, &context, keep.as_ref(), &mut silent()).unwrap();
    pair.terms = 4.0;
    pair.same("y", &y, &expected);
    let dy = pair.array(&[queries, embed]);
    let d = twin.backward(&x, &context, keep.as_ref(), &dy, &mut silent()).unwrap();
    pair.terms = 4.0 * largest(&dy) * (queries as f64).sqrt();
    let [dq, dk, dv, d_o] = &d.projections;
    let leaves = [
        ("dx", &leaf, &d.input),
        ("dcontext", &context_leaf, &d.context),
        ("dWq", &layer.q_proj.weight, &dq.weight),
        ("dWk", &layer.k_proj.weight, &dk.weight),
        ("dWv", &layer.v_proj.weight, &dv.weight),
        ("dWo", &layer.o_proj.weight, &d_o.weight),
    ];
    pair.same_gradients(&y, &dy, &leaves);
}

fn shared<T: Float>(pair: &mut Pair<T>) {
    let (heads, width) = (pair.between(1..=4), pair.between(1..=6));
    let (embed, length) = (heads * width, pair.between(1..=30));
    let mut layer = SharedHeadAttention::<T>::new(embed, heads, &mut Generator::new(0)).unwrap();
    let (query, q) = projection(pair, width, width, false);
    let (key, k) = projection(pair, width, width, false);
    let (value, v) = projection(pair, width, width, false);
    let (output, o) = projection(pair, embed, embed, true);
    (layer.queries, layer.keys, layer.values, layer.fc_out) = (q, k, v, o);
    let sharing = Sharing::OneProjection;
    let twin = MultiHeadAttention { heads, kv_heads: heads, sharing, query, key, value, output };
    let x = pair.array(&[length, embed]);
    let (keep, masks) = mask(pair, length, length);
    let leaf = pair.leaf(&x);
    let input = batch(&leaf);
    let y = layer.attend([&input, &input, &input], &masks).unwrap().squeeze(0).unwrap();
    pair.terms = 4.0;
    pair.same("y", &y, &twin.forward(&x, &x, keep.as_ref(), &mut silent()).unwrap());
    let dy = pair.array(&[length, embed]);
    let d = twin.backward(&x, &x, keep.as_ref(), &dy, &mut silent()).unwrap();
    let both = d.input.zip(&d.context, |q, kv| q + kv).unwrap();
    pair.terms = 4.0 * largest(&dy) * (length as f64).sqrt();
    let leaves = [
        ("dx", &leaf, &both),
        ("dWq", &layer.queries.weight, &d.projections[0].weight),
        ("dWk", &layer.keys.weight, &d.projections[1].weight),
        ("dWv", &layer.values.weight, &d.projections[2].weight),
    ];
    pair.same_gradients(&y, &dy, &leaves);
}

/// A layer of PyTorch's, with its packed weight, and its twin.
fn packed<T: Float>(
    pair: &mut Pair<T>,
    layer: &mut MultiheadAttention<T>,
    embed: usize,
    heads: usize,
) -> MultiHeadAttention {
    let part = |pair: &mut Pair<T>| {
        let weight = pair.array(&[embed, embed]).map(|w| exact(w / (embed as f64).sqrt()));
        Projection { weight, bias: Some(pair.array(&[embed])) }
    };
    let parts = [part(pair), part(pair), part(pair)];
    let stacked = |of: &dyn Fn(&Projection) -> Vec<f64>, shape: &[usize]| {
        Array::new(shape, parts.iter().flat_map(of).collect()).unwrap()
    };
    layer.in_proj_weight = Some(pair.leaf(&stacked(&|p| p.weight.data().to_vec(), &[3 * embed, embed])));
    let bias = |p: &Projection| p.bias.as_ref().map_or_else(Vec::new, |bias| bias.data().to_vec());
    layer.in_proj_bias = Some(pair.leaf(&stacked(&bias, &[3 * embed])));
    let (output, out_proj) = projection(pair, embed, embed, true);
    layer.out_proj = out_proj;
    let [query, key, value] = parts;
    MultiHeadAttention { heads, kv_heads: heads, sharing: Sharing::Nothing, query, key, value, output }
}

fn transformer<T: Float>(pair: &mut Pair<T>) {
    let (heads, norm_first, decoder) = (pair.between(1..=3), pair.flag(), pair.flag());
    let (embed, hidden) = (heads * pair.between(2..=5), pair.between(1..=12));
    let (length, keys) = (pair.between(1..=12), pair.between(1..=12));
    // Variances far from 0, so that norms do not make rounding large.
    let eps = 0.5;
    let options = TransformerOptions::new(embed, heads)
        .dim_feedforward(hidden)
        .dropout(0.0)
        .activation(barehand_nn::Activation::GELU)
        .layer_norm_eps(eps)
        .batch_first(true)
        .norm_first(norm_first);
    let norm = |pair: &mut Pair<T>, layer: &mut barehand_nn::LayerNorm<T>| {
        let twin = LayerNorm { gamma: pair.array(&[embed]), beta: pair.array(&[embed]), eps };
        layer.weight = Some(pair.leaf(&twin.gamma));
        layer.bias = Some(pair.leaf(&twin.beta));
        twin
    };
    let (x, memory) = (pair.array(&[length, embed]), pair.array(&[keys, embed]));
    let (leaf, memory_leaf) = (pair.leaf(&x), pair.leaf(&memory));
    let (keep, masks) = mask(pair, length, length);
    let (first, linear1) = projection(pair, embed, hidden, true);
    let (second, linear2) = projection(pair, hidden, embed, true);
    let (y, twin) = if decoder {
        let mut layer = TransformerDecoderLayer::<T>::new(&options, &mut Generator::new(0)).unwrap();
        (layer.linear1, layer.linear2) = (linear1, linear2);
        let twin = TransformerLayer {
            norm_first,
            self_attention: (packed(pair, &mut layer.self_attn, embed, heads), norm(pair, &mut layer.norm1)),
            cross_attention: Some((
                packed(pair, &mut layer.multihead_attn, embed, heads),
                norm(pair, &mut layer.norm2),
            )),
            first,
            activation: Activation::Gelu,
            second,
            norm: norm(pair, &mut layer.norm3),
        };
        let none = AttentionMasks::default();
        (layer.decode(&batch(&leaf), &batch(&memory_leaf), &masks, &none).unwrap(), twin)
    } else {
        let mut layer = TransformerEncoderLayer::<T>::new(&options, &mut Generator::new(0)).unwrap();
        (layer.linear1, layer.linear2) = (linear1, linear2);
        let twin = TransformerLayer {
            norm_first,
            self_attention: (packed(pair, &mut layer.self_attn, embed, heads), norm(pair, &mut layer.norm1)),
            cross_attention: None,
            first,
            activation: Activation::Gelu,
            second,
            norm: norm(pair, &mut layer.norm2),
        };
        (layer.encode(&batch(&leaf), &masks).unwrap(), twin)
    };
    let y = y.squeeze(0).unwrap();
    pair.terms = 16.0;
    pair.same("y", &y, &twin.forward(&x, &memory, keep.as_ref(), None, &mut silent()).unwrap());
    let dy = pair.array(&[length, embed]);
    let (dx, dmemory) = twin.backward(&x, &memory, keep.as_ref(), None, &dy, &mut silent()).unwrap();
    pair.terms = 64.0 * largest(&dy);
    let mut leaves = vec![("dx", &leaf, &dx)];
    if decoder {
        leaves.push(("dmemory", &memory_leaf, &dmemory));
    }
    pair.same_gradients(&y, &dy, &leaves);
}

fn swiglu<T: Float>(pair: &mut Pair<T>) {
    let (width, hidden, rows) = (pair.between(1..=12), pair.between(1..=20), pair.between(0..=40));
    let mut part = SwiGluFeedForward::<T>::new(width, hidden, &mut Generator::new(0));
    let (gate, gate_proj) = projection(pair, width, hidden, false);
    let (up, up_proj) = projection(pair, width, hidden, false);
    let (down, down_proj) = projection(pair, hidden, width, false);
    (part.gate_proj, part.up_proj, part.down_proj) = (gate_proj, up_proj, down_proj);
    let twin = barehand_textbook::SwiGluFeedForward { gate: gate.weight, up: up.weight, down: down.weight };
    let x = pair.array(&[rows, width]);
    let leaf = pair.leaf(&x);
    let y = part.forward(&leaf).unwrap();
    pair.terms = 4.0;
    pair.same("y", &y, &twin.forward(&x, &mut silent()).unwrap());
    let dy = pair.array(&[rows, width]);
    let d = twin.backward(&x, &dy, &mut silent()).unwrap();
    pair.terms = 4.0 * largest(&dy) * (rows.max(1) as f64).sqrt();
    let leaves = [
        ("dx", &leaf, &d.input),
        ("dWg", &part.gate_proj.weight, &d.gate),
        ("dWu", &part.up_proj.weight, &d.up),
        ("dWd", &part.down_proj.weight, &d.down),
    ];
    pair.same_gradients(&y, &dy, &leaves);
}

/// Scale and shift of a norm whose eps is large, so that it does not make rounding large.
fn norm_of<T: Float>(pair: &mut Pair<T>, layer: &mut barehand_nn::LayerNorm<T>, embed: usize) -> LayerNorm {
    let twin = LayerNorm { gamma: pair.array(&[embed]), beta: pair.array(&[embed]), eps: 0.5 };
    *layer = barehand_nn::LayerNorm::new([embed]).eps(twin.eps);
    (layer.weight, layer.bias) = (Some(pair.leaf(&twin.gamma)), Some(pair.leaf(&twin.beta)));
    twin
}

fn gpt_block<T: Float>(pair: &mut Pair<T>) {
    let heads = pair.between(1..=3);
    let (embed, length) = (heads * pair.between(2..=5), pair.between(1..=20));
    let gpt = Gpt::builder(2).n_layer(1).n_head(heads).n_embd(embed);
    let mut block = gpt.build::<T>(&mut Generator::new(0)).unwrap().transformer.h.remove(0);
    let attention_norm = norm_of(pair, &mut block.ln_1, embed);
    let feed_forward_norm = norm_of(pair, &mut block.ln_2, embed);
    let (packed, c_attn) = projection(pair, embed, 3 * embed, true);
    let (output, c_proj) = projection(pair, embed, embed, true);
    let (first, c_fc) = projection(pair, embed, 4 * embed, true);
    let (second, last) = projection(pair, 4 * embed, embed, true);
    (block.attn.c_attn, block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj) = (c_attn, c_proj, c_fc, last);
    let feed_forward = FeedForward { first, activation: Activation::Gelu, second };
    let twin = GptBlock { attention_norm, heads, packed, output, feed_forward_norm, feed_forward };
    let x = pair.array(&[length, embed]);
    let leaf = pair.leaf(&x);
    let y = block.forward(&batch(&leaf), None).unwrap().squeeze(0).unwrap();
    pair.terms = 16.0;
    pair.same("y", &y, &twin.forward(&x, &mut silent()).unwrap());
    let dy = pair.array(&[length, embed]);
    let d = twin.backward(&x, &dy, &mut silent()).unwrap();
    pair.terms = 64.0 * largest(&dy) * (length as f64).sqrt();
    let leaves = [
        ("dx", &leaf, &d.input),
        ("d ln_1", block.ln_1.weight.as_ref().unwrap(), &d.attention_norm.gamma),
        ("d c_attn", &block.attn.c_attn.weight, &d.packed.0),
        ("d c_attn bias", block.attn.c_attn.bias.as_ref().unwrap(), &d.packed.1),
        ("d c_proj", &block.attn.c_proj.weight, &d.output.weight),
        ("d ln_2", block.ln_2.weight.as_ref().unwrap(), &d.feed_forward_norm.gamma),
        ("d c_fc", &block.mlp.c_fc.weight, &d.feed_forward.first.weight),
        ("d mlp", &block.mlp.c_proj.weight, &d.feed_forward.second.weight),
    ];
    pair.same_gradients(&y, &dy, &leaves);
}

fn bert_block<T: Float>(pair: &mut Pair<T>) {
    let heads = pair.between(1..=3);
    let (embed, hidden, length) = (heads * pair.between(2..=5), pair.between(1..=12), pair.between(1..=12));
    let options = TransformerOptions::new(embed, heads)
        .dim_feedforward(hidden)
        .dropout(0.0)
        .activation(barehand_nn::Activation::GELU)
        .batch_first(true);
    let mut layer = TransformerEncoderLayer::<T>::new(&options, &mut Generator::new(0)).unwrap();
    let attention_norm = norm_of(pair, &mut layer.norm1, embed);
    let feed_forward_norm = norm_of(pair, &mut layer.norm2, embed);
    let (first, linear1) = projection(pair, embed, hidden, true);
    let (second, linear2) = projection(pair, hidden, embed, true);
    (layer.linear1, layer.linear2) = (linear1, linear2);
    let attention = packed(pair, &mut layer.self_attn, embed, heads);
    let feed_forward = FeedForward { first, activation: Activation::Gelu, second };
    let twin = BertBlock { attention, attention_norm, feed_forward, feed_forward_norm };
    let x = pair.array(&[length, embed]);
    // Now and then there is only padding, to which nobody attends.
    let real = pair.array(&[length]).map(|x| f64::from(u8::from(x > -0.5)));
    let padding = Tensor::from_vec(real.data().iter().map(|&r| r == 0.0).collect(), [1, length]).unwrap();
    let leaf = pair.leaf(&x);
    let masks = AttentionMasks::key_padding(padding);
    let y = layer.encode(&batch(&leaf), &masks).unwrap().squeeze(0).unwrap();
    pair.terms = 16.0;
    pair.same("y", &y, &twin.forward(&x, Some(&real), &mut silent()).unwrap());
    let dy = pair.array(&[length, embed]);
    let d = twin.backward(&x, Some(&real), &dy, &mut silent()).unwrap();
    pair.terms = 64.0 * largest(&dy) * (length as f64).sqrt();
    let leaves = [
        ("dx", &leaf, &d.input),
        ("d norm1", layer.norm1.weight.as_ref().unwrap(), &d.attention_norm.gamma),
        ("d out_proj", &layer.self_attn.out_proj.weight, &d.attention.projections[3].weight),
        ("d linear1", &layer.linear1.weight, &d.feed_forward.first.weight),
        ("d linear2", &layer.linear2.weight, &d.feed_forward.second.weight),
        ("d norm2", layer.norm2.weight.as_ref().unwrap(), &d.feed_forward_norm.gamma),
    ];
    pair.same_gradients(&y, &dy, &leaves);
}

#[test]
fn blocks_agree() {
    hold("SwiGLU feed-forward", 30, [16.0, 16.0], swiglu::<f64>, swiglu::<f32>);
    hold("GPT block", 20, [16.0, 16.0], gpt_block::<f64>, gpt_block::<f32>);
    hold("BERT block", 20, [16.0, 16.0], bert_block::<f64>, bert_block::<f32>);
}

#[test]
fn embedding_agrees() {
    hold("embedding", 40, [16.0, 16.0], embedding::<f64>, embedding::<f32>);
}

#[test]
fn positions_agree() {
    hold("positional encoding", 10, [2.0, 1.0], positions::<f64>, positions::<f32>);
}

#[test]
fn attention_agrees() {
    hold("attention", 30, [16.0, 16.0], attention::<f64>, attention::<f32>);
    hold("one projection for all heads", 20, [16.0, 16.0], shared::<f64>, shared::<f32>);
}

#[test]
fn transformer_layers_agree() {
    hold("transformer layer", 30, [16.0, 16.0], transformer::<f64>, transformer::<f32>);
}
