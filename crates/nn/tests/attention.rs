//! What attention layers and models made of them must hold whatever their weights: gradients, caches, shared heads,
//! positions, tied weights.

use barehand_nn::models::{Gpt, Sampling};
use barehand_nn::{
    AdamW, Attention, AttentionMasks, Embedding, Generator, KvCache, LearnedPositions, Linear, Module,
    MultiheadAttention, Optimizer, Parameters, Result, SharedHeadAttention, SinusoidalPositions,
    SwiGluFeedForward, Tensor, TransformerDecoderLayer, TransformerEncoderLayer, TransformerOptions, no_grad,
};
use barehand_tensor::{AttentionMask, RopeLayout, RopeOptions, check_gradients};

fn randn(seed: u64, shape: &[usize]) -> Tensor<f64> {
    Tensor::randn(shape, &mut Generator::new(seed))
}

fn near(a: &Tensor<f64>, b: &Tensor<f64>) -> bool {
    a.max_abs_diff(b).unwrap() < 1e-12
}

/// With a layer before the one under test: the gradient of its input, element by element, and the gradient of every
/// parameter, by the difference that a step along it makes.
fn gradients<M: Parameters<f64>>(
    model: &mut M,
    x: &Tensor<f64>,
    forward: impl Fn(&M, &Tensor<f64>) -> Result<Tensor<f64>>,
) {
    let before = |x: &Tensor<f64>| x.mul_scalar(1.25)?.tanh();
    check_gradients(|x| forward(model, &before(&x[0])?), std::slice::from_ref(x), 1e-6).unwrap();
    let upstream = randn(99, forward(model, x).unwrap().shape());
    let loss =
        |model: &M| forward(model, &before(x).unwrap()).unwrap().mul(&upstream).unwrap().sum().unwrap();
    let found = loss(model).backward().unwrap();
    let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
    for name in names {
        let mut slope = 0.0;
        let mut moved = |step: f64| {
            model.visit_parameters_mut(&mut |held, parameter| {
                if held == name {
                    let grad = found.of(parameter).unwrap().to_vec();
                    slope = grad.iter().map(|g| g * g).sum();
                    for (value, grad) in parameter.data_mut().iter_mut().zip(grad) {
                        *value += step * grad;
                    }
                }
            });
            no_grad(|| loss(model)).item().unwrap()
        };
        let h = 1e-6;
        let difference = (moved(h) - moved(-2.0 * h)) / (2.0 * h);
        moved(h);
        assert!(
            (difference - slope).abs() < 1e-6 * slope.abs().max(1.0),
            "{name}: {difference}, not {slope}"
        );
    }
}

#[test]
fn gradients_of_attention_layers() {
    let mut generator = Generator::new(1);
    let half = RopeOptions { layout: RopeLayout::HalfSplit, offset: 3, ..Default::default() };
    for (n, l) in [(2, 3), (1, 1), (2, 0), (0, 2)] {
        let x = randn(2, &[n, l, 8]);
        for builder in [
            Attention::builder(8),
            Attention::builder(8).head_dim(3).value_dim(5).bias(true),
            Attention::builder(8).heads(4).kv_heads(2).rope(RopeOptions::default()).causal(true),
            Attention::builder(8).heads(4).kv_heads(1).head_dim(6).rope(half),
        ] {
            gradients(&mut builder.build(&mut generator).unwrap(), &x, Attention::forward);
        }
        let mut shared = SharedHeadAttention::new(8, 2, &mut generator).unwrap();
        gradients(&mut shared, &x, |layer, x| layer.attend([x, x, x], &AttentionMasks::causal()));
        let mut packed = MultiheadAttention::builder(8, 2).batch_first(true).build(&mut generator).unwrap();
        gradients(&mut packed, &x, |layer, x| layer.attend([x, x, x], &AttentionMasks::causal()));
        // Key and value alike, the query another: two of three projections in one.
        gradients(&mut packed, &x, |layer, x| layer.attend([&x.square()?, x, x], &AttentionMasks::default()));
        gradients(&mut SwiGluFeedForward::new(8, 5, &mut generator), &x, SwiGluFeedForward::forward);
    }
}

#[test]
fn gradients_of_transformer_layers() {
    let mut generator = Generator::new(3);
    let x = randn(4, &[2, 3, 8]);
    for norm_first in [false, true] {
        let options = TransformerOptions::new(8, 2)
            .dim_feedforward(6)
            .dropout(0.0)
            .activation(barehand_nn::Activation::GELU)
            .batch_first(true)
            .norm_first(norm_first);
        let mut layer = TransformerEncoderLayer::new(&options, &mut generator).unwrap();
        gradients(&mut layer, &x, |layer, x| layer.encode(x, &AttentionMasks::causal()));
        let mut layer = TransformerDecoderLayer::new(&options, &mut generator).unwrap();
        gradients(&mut layer, &x, |layer, x| {
            layer.decode(x, &x.square()?, &AttentionMasks::causal(), &AttentionMasks::default())
        });
    }
}

#[test]
fn gradients_of_embeddings_and_positions() {
    let ids = Tensor::from([[3_i64, 1, 1], [0, 3, 3]]);
    let mut generator = Generator::new(5);
    let mut words = Embedding::new(5, 4, &mut generator);
    gradients(&mut words, &randn(6, &[2, 3, 4]), |words, x| words.forward(&ids)?.mul(x));
    let mut positions = LearnedPositions::new(4, 4, &mut generator);
    gradients(&mut positions, &randn(6, &[2, 3, 4]), |layer, x| layer.forward_from(x, 1));
    let fixed = SinusoidalPositions::<f64>::new(10, 4);
    let x = randn(7, &[2, 6, 4]);
    let parts =
        [fixed.forward(&x.narrow(1, 0, 2).unwrap()), fixed.forward_from(&x.narrow(1, 2, 4).unwrap(), 2)];
    let parts = parts.map(Result::unwrap);
    assert!(near(&barehand_tensor::concat(&[&parts[0], &parts[1]], 1).unwrap(), &fixed.forward(&x).unwrap()));
    assert!(fixed.forward_from(&x, 5).unwrap_err().to_string().contains("up to position 10"));
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let mut generator = Generator::new(0);
    let message = |error: barehand_nn::Error| error.to_string();
    let words = Embedding::<f64>::new(5, 2, &mut generator);
    assert_eq!(
        message(words.forward(&Tensor::from([5_i64])).err().unwrap()),
        "embedding: index 5 for a table of 5 rows"
    );
    assert_eq!(
        message(words.forward(&Tensor::from([-1_i64])).err().unwrap()),
        "embedding: index -1 for a table of 5 rows"
    );
    assert!(Embedding::<f64>::new(5, 2, &mut generator).padding_idx(5).is_err());
    assert!(MultiheadAttention::builder(6, 4).build::<f64>(&mut generator).is_err());
    assert!(Attention::builder(8).heads(3).build::<f64>(&mut generator).is_err());
    assert!(Attention::builder(8).heads(4).kv_heads(3).build::<f64>(&mut generator).is_err());
    assert!(SharedHeadAttention::<f64>::new(8, 0, &mut generator).is_err());
    let layer: MultiheadAttention<f64> = MultiheadAttention::builder(4, 2).build(&mut generator).unwrap();
    let (x, y) = (randn(0, &[3, 2, 4]), randn(1, &[3, 1, 4]));
    assert!(layer.attend([&x, &y, &y], &AttentionMasks::default()).is_err());
    assert!(layer.attend([&x, &x.narrow(0, 0, 2).unwrap(), &x], &AttentionMasks::default()).is_err());
    let mut cache = KvCache::<f64>::new(2);
    let keys = randn(2, &[1, 1, 3, 2]);
    let refused = message(cache.append(&keys, &keys).err().unwrap());
    assert_eq!(refused, "KvCache: 3 more tokens after 0 do not fit a cache of 2");
    let gpt: Gpt<f64> = small_gpt(true, 0.0);
    assert!(gpt.forward(&Tensor::zeros([1, 9])).is_err(), "more tokens than the block size");
    assert!(gpt.generate(&Tensor::zeros([1, 0]), 1, Sampling::Greedy, &mut generator).is_err());
    assert!(gpt.generate(&Tensor::zeros([1, 1]), 1, Sampling::Temperature(0.0), &mut generator).is_err());
}

#[test]
fn grouped_heads_are_heads_repeated() {
    let mut generator = Generator::new(8);
    let grouped: Attention<f64> =
        Attention::builder(12).heads(6).kv_heads(2).causal(true).build(&mut generator).unwrap();
    let mut full: Attention<f64> =
        Attention::builder(12).heads(6).causal(true).build(&mut generator).unwrap();
    // Each of the two heads of keys and values three times.
    let repeated = |weight: &Tensor<f64>| {
        let heads = weight.reshape([2, 1, 2, 12]).unwrap().expand([2, 3, 2, 12]).unwrap();
        heads.reshape([12, 12]).unwrap().detach()
    };
    (full.q_proj, full.o_proj) = (grouped.q_proj.clone(), grouped.o_proj.clone());
    full.k_proj.weight = repeated(&grouped.k_proj.weight);
    full.v_proj.weight = repeated(&grouped.v_proj.weight);
    let x = randn(9, &[2, 5, 12]);
    assert!(near(&grouped.forward(&x).unwrap(), &full.forward(&x).unwrap()));
}

#[test]
fn attention_is_the_same_as_pytorchs_layer_with_its_weights() {
    let mut generator = Generator::new(10);
    let theirs: MultiheadAttention<f64> =
        MultiheadAttention::builder(8, 2).batch_first(true).bias(false).build(&mut generator).unwrap();
    let mut ours: Attention<f64> = Attention::builder(8).heads(2).build(&mut generator).unwrap();
    let packed = theirs.in_proj_weight.as_ref().unwrap();
    let part = |i: usize| packed.narrow(0, 8 * i, 8).unwrap().detach();
    (ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight) = (part(0), part(1), part(2));
    ours.o_proj = theirs.out_proj.clone();
    let (x, context) = (randn(11, &[2, 3, 8]), randn(12, &[2, 5, 8]));
    let padding = Tensor::from([[false, false, true, false, false], [false, false, false, false, true]]);
    for masks in [AttentionMasks::default(), AttentionMasks::causal(), AttentionMasks::key_padding(padding)] {
        let a = theirs.attend([&x, &context, &context], &masks).unwrap();
        assert!(near(&a, &ours.attend(&x, &context, &masks).unwrap()));
    }
}

#[test]
fn one_head_shared_by_all_is_the_notes_formula() {
    let mut generator = Generator::new(13);
    let layer = SharedHeadAttention::<f64>::new(6, 3, &mut generator).unwrap();
    let x = randn(14, &[2, 4, 6]);
    let keep = Tensor::<f64>::ones([4, 4]).tril(0).unwrap().ne_scalar(0.0).unwrap();
    let y = layer.attend_where([&x, &x, &x], &keep).unwrap();
    // Head by head, with -1e20 where the mask is 0, and the whole width under the root.
    let head = |h: usize| {
        let part = x.narrow(2, 2 * h, 2).unwrap();
        let project = |by: &Linear<f64>| by.forward(&part).unwrap();
        let energy = project(&layer.queries).matmul(&project(&layer.keys).transpose(1, 2).unwrap()).unwrap();
        let energy =
            energy.masked_fill(&keep.not().unwrap(), -1e20).unwrap().div_scalar(6f64.sqrt()).unwrap();
        energy.softmax(-1).unwrap().matmul(&project(&layer.values)).unwrap()
    };
    let heads = [head(0), head(1), head(2)];
    let joined = barehand_tensor::concat(&[&heads[0], &heads[1], &heads[2]], 2).unwrap();
    assert!(near(&y, &layer.fc_out.forward(&joined).unwrap()));
    assert!(near(&y, &layer.attend([&x, &x, &x], &AttentionMasks::causal()).unwrap()));
}

#[test]
fn a_sequence_in_parts_is_the_sequence_whole() {
    let mut generator = Generator::new(15);
    let x = randn(16, &[2, 7, 8]);
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        let rope = RopeOptions { layout, ..Default::default() };
        let layer: Attention<f64> =
            Attention::builder(8).heads(2).kv_heads(1).rope(rope).causal(true).build(&mut generator).unwrap();
        let whole = layer.forward(&x).unwrap();
        for parts in [&[1, 1, 1, 1, 1, 1, 1][..], &[3, 4], &[5, 1, 1], &[7]] {
            let mut cache = KvCache::new(7);
            let mut start = 0;
            for &length in parts {
                let part = x.narrow(1, start, length).unwrap();
                let y = no_grad(|| layer.forward_cached(&part, &mut cache)).unwrap();
                assert!(near(&y, &whole.narrow(1, start, length).unwrap()), "{parts:?} at {start}");
                start += length;
            }
            assert_eq!((cache.len(), cache.capacity()), (7, 7));
            // What was forgotten is written again.
            cache.truncate(4);
            let again = no_grad(|| layer.forward_cached(&x.narrow(1, 4, 3).unwrap(), &mut cache)).unwrap();
            assert!(near(&again, &whole.narrow(1, 4, 3).unwrap()));
        }
    }
}

#[test]
fn a_query_that_may_attend_to_nothing_gets_zeros() {
    let mut generator = Generator::new(17);
    let layer: MultiheadAttention<f64> =
        MultiheadAttention::builder(4, 2).batch_first(true).bias(false).build(&mut generator).unwrap();
    let x = randn(18, &[1, 2, 4]).requires_grad();
    let keep = Tensor::from([[true, false], [false, false]]);
    let masks = AttentionMasks { mask: Some(AttentionMask::Keep(keep)), ..Default::default() };
    let (y, weights) = layer.forward_with_weights([&x, &x, &x], &masks).unwrap();
    assert_eq!(weights.to_vec(), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(y.narrow(1, 1, 1).unwrap().to_vec(), [0.0; 4]);
    assert!(near(&y, &layer.attend([&x, &x, &x], &masks).unwrap()));
    let gradients = y.sum().unwrap().backward().unwrap();
    assert!(gradients.of(&x).unwrap().to_vec().iter().all(|g| g.is_finite()));
}

#[test]
fn dropout_drops_weights_in_training_only() {
    let mut generator = Generator::new(19);
    let mut layer: MultiheadAttention<f64> =
        MultiheadAttention::builder(4, 2).dropout(0.5).batch_first(true).build(&mut generator).unwrap();
    let x = randn(20, &[2, 8, 4]);
    let weights = |layer: &MultiheadAttention<f64>| {
        layer.forward_with_weights([&x, &x, &x], &AttentionMasks::default()).unwrap().1
    };
    let dropped = weights(&layer);
    let zeros = dropped.to_vec().iter().filter(|w| **w == 0.0).count();
    assert!((64..192).contains(&zeros), "{zeros} of 256");
    assert_ne!(dropped, weights(&layer), "each call drops others");
    layer.eval();
    assert_eq!(weights(&layer), weights(&layer));
    assert!(weights(&layer).sum_dim(-1, false).unwrap().to_vec().iter().all(|s| (s - 1.0).abs() < 1e-12));
}

fn small_gpt<T: barehand_nn::Float>(tied: bool, dropout: f64) -> Gpt<T> {
    Gpt::builder(11)
        .block_size(8)
        .n_layer(2)
        .n_head(2)
        .n_embd(8)
        .dropout(dropout)
        .tied(tied)
        .build(&mut Generator::new(21))
        .unwrap()
}

#[test]
fn a_gpt_has_nanogpts_names_and_learns_a_sentence() {
    let mut gpt: Gpt<f64> = small_gpt(true, 0.0);
    let names: Vec<String> = gpt.state_dict().into_iter().map(|(name, _)| name).collect();
    let block = [
        "ln_1.weight",
        "ln_1.bias",
        "attn.c_attn.weight",
        "attn.c_attn.bias",
        "attn.c_proj.weight",
        "attn.c_proj.bias",
        "ln_2.weight",
        "ln_2.bias",
        "mlp.c_fc.weight",
        "mlp.c_fc.bias",
        "mlp.c_proj.weight",
        "mlp.c_proj.bias",
    ];
    let mut expected = vec!["transformer.wte.weight".to_owned(), "transformer.wpe.weight".to_owned()];
    for layer in 0..2 {
        expected.extend(block.iter().map(|name| format!("transformer.h.{layer}.{name}")));
    }
    expected.extend(["transformer.ln_f.weight", "transformer.ln_f.bias", "lm_head.weight"].map(String::from));
    assert_eq!(names, expected);
    let sentence = Tensor::from([[1_i64, 2, 3, 4, 5, 6, 7, 8, 9]]);
    let (ids, targets) = (sentence.narrow(1, 0, 8).unwrap(), sentence.narrow(1, 1, 8).unwrap());
    let mut optimizer = AdamW::builder(3e-2).build().unwrap();
    let first = gpt.loss(&ids, &targets).unwrap().item().unwrap();
    assert!((first - 11f64.ln()).abs() < 0.2, "{first}: small weights know nothing");
    for _ in 0..60 {
        let gradients = gpt.loss(&ids, &targets).unwrap().backward().unwrap();
        optimizer.step(&mut gpt, &gradients).unwrap();
    }
    let start = sentence.narrow(1, 0, 2).unwrap();
    let generated = gpt.generate(&start, 7, Sampling::Greedy, &mut Generator::new(0)).unwrap();
    assert_eq!(generated, sentence);
}

/// Generation as nanoGPT has it: the last tokens that the block size allows, all computed anew for every new one.
fn plainly(gpt: &Gpt<f64>, ids: &Tensor<i64>, count: usize) -> Tensor<i64> {
    let mut ids = ids.clone();
    for _ in 0..count {
        let length = ids.shape()[1].min(gpt.block_size());
        let seen = ids.narrow(1, ids.shape()[1] - length, length).unwrap();
        let logits = no_grad(|| gpt.forward(&seen)).unwrap().select(1, -1).unwrap();
        ids = barehand_tensor::concat(&[&ids, &logits.argmax(-1).unwrap().unsqueeze(1).unwrap()], 1).unwrap();
    }
    ids
}

#[test]
fn generation_with_a_cache_is_generation_without_one() {
    let gpt: Gpt<f64> = {
        let mut gpt = small_gpt(false, 0.0);
        // Larger weights, so that something else than one token comes out.
        gpt.visit_parameters_mut(&mut |_, p| p.data_mut().iter_mut().for_each(|value| *value *= 20.0));
        gpt
    };
    let ids = Tensor::from([[1_i64, 2, 3], [7, 0, 10]]);
    let generated = gpt.generate(&ids, 12, Sampling::Greedy, &mut Generator::new(0)).unwrap();
    assert_eq!(generated, plainly(&gpt, &ids, 12));
    let mut tokens = generated.to_vec();
    tokens.sort_unstable();
    tokens.dedup();
    assert!(tokens.len() > 5, "{tokens:?}");
    let full = no_grad(|| gpt.forward(&generated.narrow(1, 0, 8).unwrap())).unwrap();
    let mut cache = gpt.make_cache();
    for i in 0..8 {
        let logits = gpt.forward_cached(&generated.narrow(1, i, 1).unwrap(), &mut cache).unwrap();
        assert!(near(&logits, &full.select(1, i as isize).unwrap()), "token {i}");
    }
}

#[test]
fn sampling_follows_the_probabilities_and_the_seed() {
    let gpt: Gpt<f64> = {
        let mut gpt = small_gpt(false, 0.0);
        gpt.visit_parameters_mut(&mut |_, p| p.data_mut().iter_mut().for_each(|value| *value *= 10.0));
        gpt
    };
    let ids = Tensor::<i64>::zeros([4000, 1]);
    let p = no_grad(|| gpt.forward(&ids.narrow(0, 0, 1).unwrap())).unwrap().softmax(-1).unwrap().to_vec();
    let draw = |seed| {
        gpt.generate(&ids, 1, Sampling::Temperature(1.0), &mut Generator::new(seed))
            .unwrap()
            .select(1, 1)
            .unwrap()
    };
    let tokens = draw(0);
    assert_eq!(tokens, draw(0));
    assert_ne!(tokens, draw(1));
    for (token, p) in p.iter().enumerate() {
        let share = tokens.to_vec().iter().filter(|t| **t == token as i64).count() as f64 / 4000.0;
        // Five standard deviations.
        assert!(
            (share - p).abs() < 5.0 * (p * (1.0 - p) / 4000.0).sqrt() + 1e-3,
            "{token}: {share}, not {p}"
        );
    }
    let cold = gpt.generate(&ids, 1, Sampling::Temperature(1e-3), &mut Generator::new(0)).unwrap();
    let greedy = gpt.generate(&ids, 1, Sampling::Greedy, &mut Generator::new(0)).unwrap();
    assert_eq!(cold, greedy);
}

#[test]
fn tied_weights_are_one_parameter() {
    let (mut tied, free): (Gpt<f64>, Gpt<f64>) = (small_gpt(true, 0.0), small_gpt(false, 0.0));
    assert_eq!(free.num_parameters() - tied.num_parameters(), 11 * 8);
    assert!(!tied.named_parameters().iter().any(|(name, _)| name == "lm_head.weight"), "counted once");
    let one = |gpt: &Gpt<f64>| gpt.lm_head.weight.is_clone_of(&gpt.transformer.wte.weight);
    assert!(one(&tied) && !one(&free));

    let ids = Tensor::from([[1_i64, 2, 3, 4]]);
    let mut optimizer = AdamW::builder(1e-2).build().unwrap();
    let mut step = |gpt: &mut Gpt<f64>| {
        let gradients = gpt.loss(&ids, &ids).unwrap().backward().unwrap();
        optimizer.step(gpt, &gradients).unwrap();
    };
    let memory = tied.transformer.wte.weight.memory().as_ptr();
    let before = tied.transformer.wte.weight.to_vec();
    step(&mut tied);
    assert!(one(&tied), "a step moves it once");
    assert_eq!(tied.transformer.wte.weight.memory().as_ptr(), memory, "in place");
    assert_ne!(tied.transformer.wte.weight.to_vec(), before);

    // What is saved and loaded has both names, frozen and trained again it is still one.
    let state = tied.state_dict();
    let mut other: Gpt<f64> = small_gpt(true, 0.0);
    other.load_state_dict(&state).unwrap();
    assert!(one(&other));
    assert_eq!(other.forward(&ids).unwrap(), tied.forward(&ids).unwrap());
    other.freeze();
    other.unfreeze();
    assert!(one(&other));
    step(&mut tied);
    assert!(one(&tied));
    let mut parted = state;
    let last = parted.len() - 1;
    parted[last].1 = Tensor::zeros([11, 8]);
    let refused = other.load_state_dict(&parted).unwrap_err().to_string();
    assert!(refused.contains("lm_head.weight and transformer.wte.weight are one tensor"), "{refused}");
}

#[test]
fn one_gradient_for_both_names() {
    // The loss of the tied model as a function of its one table, by finite differences.
    let gpt: Gpt<f64> = small_gpt(true, 0.0);
    let (ids, targets) = (Tensor::from([[1_i64, 2]]), Tensor::from([[2_i64, 3]]));
    let found = gpt.loss(&ids, &targets).unwrap().backward().unwrap();
    let grad = found.of(&gpt.lm_head.weight).unwrap();
    assert_eq!(grad, found.of(&gpt.transformer.wte.weight).unwrap());
    let mut moved: Gpt<f64> = small_gpt(true, 0.0);
    for place in [8, 17, 30, 80] {
        let mut at = |step: f64| {
            moved.visit_parameters_mut(&mut |name, parameter| {
                if name == "transformer.wte.weight" {
                    parameter.data_mut()[place] += step;
                }
            });
            moved.loss(&ids, &targets).unwrap().item().unwrap()
        };
        let slope = (at(1e-6) - at(-2e-6)) / 2e-6;
        at(1e-6);
        assert!((slope - grad.to_vec()[place]).abs() < 1e-8, "{place}");
    }
}
