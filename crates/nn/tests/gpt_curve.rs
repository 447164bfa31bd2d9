//! The first 100 training losses of a GPT on a real book, against PyTorch's from the same weights and batches.
//!
//! In f64 all must agree but for rounding. In f32 they must agree to 1e-4 for as long as PyTorch agrees with itself to 3e-5,
//! which the golden tells (`proofs/goldens/gpt_curve.py`). `BAREHAND_GPT_CURVE` names another golden, with its text beside
//! it: `proofs/gpt_curve.py` makes that of the model of full size.

use std::path::{Path, PathBuf};

use barehand_kernels::random::RandomState;
use barehand_nn::models::Gpt;
use barehand_nn::{AdamW, Float, Generator, Norm, Optimizer, Parameters, Tensor, clip_grad_norm};
use serde_json::Value;

fn path() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/gpt_curve.json");
    std::env::var_os("BAREHAND_GPT_CURVE").map_or_else(own, PathBuf::from)
}

fn golden() -> Value {
    serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap()
}

fn number(about: &Value, key: &str) -> usize {
    about[key].as_u64().unwrap() as usize
}

/// The numbers of the characters of the golden's text, and how many characters there are.
fn tokens(golden: &Value) -> (Vec<i64>, usize) {
    let text = std::fs::read_to_string(path().with_file_name(golden["text"].as_str().unwrap())).unwrap();
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    let ids = text.chars().map(|c| characters.binary_search(&c).unwrap() as i64).collect();
    (ids, characters.len())
}

fn model<T: Float>(about: &Value, vocabulary: usize) -> Gpt<T> {
    let mut model: Gpt<T> = Gpt::builder(vocabulary)
        .block_size(number(about, "block_size"))
        .n_layer(number(about, "n_layer"))
        .n_head(number(about, "n_head"))
        .n_embd(number(about, "n_embd"))
        .build(&mut Generator::new(0))
        .unwrap();
    let mut random = RandomState::new(number(about, "weights_seed") as u32);
    model.visit_parameters_mut(&mut |name, parameter| {
        let (mean, bound) = match parameter.rank() {
            2 => (0.0, 0.0346),
            _ if name.ends_with("weight") => (1.0, 0.1),
            _ => (0.0, 0.01),
        };
        for value in parameter.data_mut() {
            let drawn = mean + bound * (2.0 * random.random_sample() - 1.0);
            *value = T::from_real(f64::from(drawn as f32));
        }
    });
    model
}

/// The first losses.
fn train<T: Float>(golden: &Value, steps: usize) -> Vec<f64> {
    let about = &golden["model"];
    let (ids, vocabulary) = tokens(golden);
    let mut model = model::<T>(about, vocabulary);
    let real = |value: &Value| value.as_f64().unwrap();
    let mut optimizer = AdamW::builder(real(&about["lr"]))
        .betas(real(&about["betas"][0]), real(&about["betas"][1]))
        .weight_decay(real(&about["weight_decay"]))
        .build()
        .unwrap();
    let mut random = RandomState::new(number(about, "order_seed") as u32);
    let (batch, context) = (number(about, "batch"), number(about, "block_size"));
    let step = |_| {
        let starts: Vec<usize> = (0..batch)
            .map(|_| (random.random_sample() * (ids.len() - context) as f64).floor() as usize)
            .collect();
        let rows = |shift: usize| {
            let windows = starts.iter().flat_map(|start| &ids[start + shift..][..context]).copied();
            Tensor::from_vec(windows.collect(), [batch, context]).unwrap()
        };
        let loss = model.loss(&rows(0), &rows(1)).unwrap();
        let mut gradients = loss.backward().unwrap();
        clip_grad_norm(&mut gradients, real(&about["clip"]), Norm::Two).unwrap();
        optimizer.step(&mut model, &gradients).unwrap();
        loss.item().unwrap().as_f64()
    };
    (0..steps).map(step).collect()
}

fn follow<T: Float>(tolerance: f64, steps: usize, golden: &Value) {
    let mut worst: f64 = 0.0;
    let theirs = golden[T::DTYPE.name()].as_array().unwrap();
    for (step, (ours, theirs)) in train::<T>(golden, steps).into_iter().zip(theirs).enumerate() {
        let apart = (ours - theirs.as_f64().unwrap()).abs();
        worst = worst.max(apart);
        assert!(apart <= tolerance, "loss {step} is {ours}, PyTorch says {theirs}");
    }
    println!("{}: {steps} losses, at most {worst:.1e} apart", T::DTYPE);
}

#[test]
fn in_f64() {
    follow::<f64>(1e-9, 100, &golden());
}

#[test]
fn in_f32() {
    let golden = golden();
    let noise = golden["noise"].as_array().unwrap();
    let calm = noise.iter().take_while(|apart| apart.as_f64().unwrap() < 3e-5).count();
    assert!(calm >= 20, "PyTorch parts from itself after {calm} steps");
    follow::<f32>(1e-4, calm, &golden);
}
