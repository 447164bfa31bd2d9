//! The first 100 training losses of an MLP and a CNN on real images, against PyTorch's.
//!
//! Training amplifies rounding, and the golden says how much: its envelopes tell how far PyTorch parts from itself when
//! the initial weights move by one unit in the last place. In f64 that is 1e-15, so all 100 losses must agree; in f32
//! they must agree to 1e-4 for as long as PyTorch agrees with itself to 1e-5, and we with ourselves.

use std::io::Read;
use std::path::Path;

use barehand_kernels::random::RandomState;
use barehand_nn::{Adam, AdamW, Float, Generator, Module, Optimizer, Sgd, Tensor, cross_entropy, models};
use barehand_tensor::DType;
use serde_json::Value;

fn unzipped(file: &str, header: usize) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/embedded/fashion-mnist");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(folder.join(file)).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes.split_off(header)
}

/// The images, normalised in f32, and their labels.
fn images<T: Float>(golden: &Value) -> (Tensor<T>, Tensor<i64>) {
    let (mean, std) = (golden["mean"].as_f64().unwrap() as f32, golden["std"].as_f64().unwrap() as f32);
    let pixels = unzipped("train-images-idx3-ubyte.gz", 16);
    let values: Vec<T> =
        pixels.iter().map(|&p| T::from_real(((f32::from(p) / 255.0 - mean) / std).into())).collect();
    let labels: Vec<i64> = unzipped("train-labels-idx1-ubyte.gz", 8).into_iter().map(i64::from).collect();
    (Tensor::from_vec(values, [labels.len(), 1, 28, 28]).unwrap(), labels.into())
}

fn batches(golden: &Value, steps: usize) -> Vec<Tensor<i64>> {
    let (images, batch) =
        (golden["images"].as_u64().unwrap() as usize, golden["batch"].as_u64().unwrap() as usize);
    let mut random = RandomState::new(golden["order_seed"].as_u64().unwrap() as u32);
    let mut batches = Vec::new();
    while batches.len() < steps {
        let order: Vec<i64> = random.permutation(images).into_iter().map(|i| i as i64).collect();
        batches.extend(order.chunks_exact(batch).map(Tensor::from));
    }
    batches.truncate(steps);
    batches
}

fn model<T: Float>(golden: &Value, kind: &str) -> Box<dyn Module<T>> {
    let mut generator = Generator::new(0);
    let mut model: Box<dyn Module<T>> = match kind {
        "mlp" => Box::new(models::mlp(&[784, 512, 10], &mut generator).unwrap()),
        _ => Box::new(models::cnn(1, [28, 28], 10, &mut generator).unwrap()),
    };
    let mut random = RandomState::new(golden["weights_seed"].as_u64().unwrap() as u32);
    let mut fan_in = 0;
    model.visit_parameters_mut(&mut |_, parameter| {
        if parameter.rank() > 1 {
            fan_in = parameter.shape()[1..].iter().product();
        }
        let bound = 1.0 / (fan_in as f64).sqrt();
        for value in parameter.data_mut() {
            *value = T::from_real((-bound + 2.0 * bound * random.random_sample()) as f32 as f64);
        }
    });
    model
}

fn optimizer<T: Float>(case: &Value) -> Box<dyn Optimizer<T>> {
    let number = |key: &str| case["options"][key].as_f64();
    let learning_rate = number("lr").unwrap();
    match case["optimizer"].as_str().unwrap() {
        "adam" => Box::new(Adam::builder(learning_rate).build().unwrap()),
        "adamw" => Box::new(
            AdamW::builder(learning_rate).weight_decay(number("weight_decay").unwrap()).build().unwrap(),
        ),
        _ => Box::new(Sgd::builder(learning_rate).momentum(number("momentum").unwrap()).build().unwrap()),
    }
}

/// The first losses of a case's training, from weights that are moved by up to one unit in the last place where `nudge`
/// is not 0.
fn train<T: Float>(golden: &Value, case: &Value, steps: usize, nudge: u32) -> Vec<f64> {
    let (images, labels) = images::<T>(golden);
    let (mut model, mut optimizer) =
        (model::<T>(golden, case["model"].as_str().unwrap()), optimizer::<T>(case));
    if nudge > 0 {
        let mut random = RandomState::new(nudge);
        let unit = if T::DTYPE == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
        model.visit_parameters_mut(&mut |_, parameter| {
            for value in parameter.data_mut() {
                let direction = (3.0 * random.random_sample()).floor() - 1.0;
                *value = T::from_real(value.as_f64() * (1.0 + 0.75 * unit * direction));
            }
        });
    }
    let step = |batch: &Tensor<i64>| {
        let logits = model.forward(&images.index_select(0, batch).unwrap()).unwrap();
        let loss = cross_entropy(&logits, &labels.index_select(0, batch).unwrap()).unwrap();
        optimizer.step(&mut model, &loss.backward().unwrap()).unwrap();
        loss.item().unwrap().as_f64()
    };
    batches(golden, steps).iter().map(step).collect()
}

/// Follows every curve of a model for as many steps as `steps` says.
fn follow<T: Float>(kind: &str, tolerance: f64, steps: impl Fn(&Value, &Value) -> usize) {
    let golden: Value = serde_json::from_str(include_str!("goldens/curves.json")).unwrap();
    for case in golden["curves"].as_array().unwrap().iter().filter(|case| case["model"] == kind) {
        let theirs = case[T::DTYPE.name()]["losses"].as_array().unwrap();
        let steps = steps(&golden, case);
        let mut worst: f64 = 0.0;
        for (step, (ours, theirs)) in train::<T>(&golden, case, steps, 0).into_iter().zip(theirs).enumerate()
        {
            let apart = (ours - theirs.as_f64().unwrap()).abs();
            worst = worst.max(apart);
            assert!(
                apart <= tolerance,
                "{kind} {}: loss {step} is {ours}, PyTorch says {theirs}",
                case["optimizer"]
            );
        }
        println!("{kind} {} {}: {steps} losses, at most {worst:.1e} apart", T::DTYPE, case["optimizer"]);
    }
}

/// How long f32 means anything: PyTorch agrees with itself to 1e-5, and so do eight runs of ours. (Where one unit of a relu
/// comes to lie on the other side of its bend, half of all runs take the one way and half the other.)
fn calm(golden: &Value, case: &Value) -> usize {
    let envelope = case["noise"]["one_ulp"]["envelope"].as_array().unwrap();
    let longest = envelope.iter().take_while(|apart| apart.as_f64().unwrap() < 1e-5).count();
    let other = |key: &str| case["noise"][key]["first_past_1e-05"].as_u64().map_or(100, |step| step as usize);
    let theirs =
        longest.min(other("threads_1_and_2")).min(other("with_and_without_onednn")).min(other("f32_and_f64"));
    let plain = train::<f32>(golden, case, theirs, 0);
    let agrees = |nudge| {
        let nudged = train::<f32>(golden, case, theirs, nudge);
        plain.iter().zip(nudged).take_while(|(a, b)| (*a - b).abs() < 1e-5).count()
    };
    (1..=8).map(agrees).min().unwrap()
}

#[test]
fn mlp_in_f64() {
    follow::<f64>("mlp", 1e-9, |_, _| 100);
}

#[test]
fn mlp_in_f32() {
    follow::<f32>("mlp", 1e-4, calm);
}

#[test]
fn cnn_in_f64() {
    follow::<f64>("cnn", 1e-9, |_, _| 100);
}

#[test]
fn cnn_in_f32() {
    follow::<f32>("cnn", 1e-4, calm);
}
