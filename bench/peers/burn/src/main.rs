//! burn's side of `run.py`: training steps as its guide writes them, on the flex backend with autodiff.

mod language;

use std::collections::HashMap;

use barehand_bench_protocol::{Result, Settings, Shuffled, Work, serve};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData, activation::relu};
use safetensors::SafeTensors;

/// Convolutions, pooling where there are any, and layers, with ReLU between them.
#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    layers: Vec<Linear>,
}

impl Network {
    fn new(weights: &HashMap<String, TensorData>, device: &Device) -> Self {
        let of = |kind: &str, i: usize, what: &str| weights.get(&format!("{kind}.{i}.{what}")).cloned();
        let pairs = |kind| (0..).map_while(move |i| Some((of(kind, i, "weight")?, of(kind, i, "bias")?)));
        let convolution = |(weight, bias): (TensorData, TensorData)| {
            let [outputs, inputs, height, width] = weight.shape().dims();
            let mut convolution = Conv2dConfig::new([inputs, outputs], [height, width]).init(device);
            convolution.weight = Param::from_data(weight, device);
            convolution.bias = Some(Param::from_data(bias, device));
            convolution
        };
        let layer = |(weight, bias): (TensorData, TensorData)| {
            let [outputs, inputs] = weight.shape().dims();
            let mut layer = LinearConfig::new(inputs, outputs).init(device);
            // burn keeps (inputs, outputs).
            let transposed = Tensor::<2>::from_data(weight, device).transpose().into_data();
            layer.weight = Param::from_data(transposed, device);
            layer.bias = Some(Param::from_data(bias, device));
            layer
        };
        Network {
            convolutions: pairs("convolutions").map(convolution).collect(),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            layers: pairs("layers").map(layer).collect(),
        }
    }

    fn forward(&self, inputs: &Inputs) -> Tensor<2> {
        let mut x = match inputs {
            Inputs::Rows(rows) => rows.clone(),
            Inputs::Images(images) => {
                let mut x = images.clone();
                for convolution in &self.convolutions {
                    x = relu(convolution.forward(x));
                }
                self.pool.forward(x).flatten(1, 3)
            }
        };
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if i + 1 < self.layers.len() {
                x = relu(x);
            }
        }
        x
    }
}

/// The number of axes is part of a tensor's type.
enum Inputs {
    Rows(Tensor<2>),
    Images(Tensor<4>),
}

struct Training {
    device: Device,
    weights: HashMap<String, TensorData>,
    inputs: Inputs,
    labels: Tensor<1, Int>,
    order: Vec<u32>,
    checked: usize,
    batch: usize,
    /// None only while the optimizer has it.
    network: Option<Network>,
    loss: CrossEntropyLoss,
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    shuffled: Shuffled,
}

fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    if !["mlp", "cnn", "tiny"].contains(&work) {
        return language::load(work, file);
    }
    let device = Device::flex().autodiff();
    let bytes = std::fs::read(file)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let integers = |name| -> Result<Vec<i64>> {
        let words = tensors.tensor(name)?.data().as_chunks().0.iter();
        Ok(words.map(|&word| i64::from_le_bytes(word)).collect())
    };
    let mut weights: HashMap<String, TensorData> = HashMap::new();
    for (name, view) in tensors.iter().filter(|(name, _)| !["labels", "order"].contains(name)) {
        let values: Vec<f32> =
            view.data().as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        weights.insert(name.into(), TensorData::new(values, view.shape().to_vec()));
    }
    let inputs = weights.remove("inputs").ok_or("no inputs")?;
    let labels: Vec<i32> = integers("labels")?.into_iter().map(|label| label as i32).collect();
    Ok(Some(Box::new(Training {
        shuffled: Shuffled::new(labels.len()),
        labels: Tensor::from_data(labels.as_slice(), &device),
        inputs: match inputs.shape().num_dims() {
            2 => Inputs::Rows(Tensor::from_data(inputs, &device)),
            _ => Inputs::Images(Tensor::from_data(inputs, &device)),
        },
        order: integers("order")?.into_iter().map(|row| row as u32).collect(),
        checked: 0,
        batch: 1,
        network: None,
        loss: CrossEntropyLossConfig::new().init(&device),
        optimizer: SgdConfig::new().init(),
        learning_rate: 0.0,
        weights,
        device,
    })))
}

impl Training {
    fn step(&mut self, rows: Vec<i32>) -> Result<Tensor<1>> {
        let network = self.network.take().ok_or("`start` comes first")?;
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &self.device);
        let labels = self.labels.clone().select(0, rows.clone());
        let inputs = match &self.inputs {
            Inputs::Rows(all) => Inputs::Rows(all.clone().select(0, rows)),
            Inputs::Images(all) => Inputs::Images(all.clone().select(0, rows)),
        };
        let loss = self.loss.forward(network.forward(&inputs), labels);
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.optimizer.step(self.learning_rate, network, gradients));
        Ok(loss)
    }
}

impl Work for Training {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        (self.optimizer, self.learning_rate) = match settings.get("optimizer")? {
            "sgd" => (SgdConfig::new().init(), 0.01),
            "momentum" => {
                let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
                (SgdConfig::new().with_momentum(Some(momentum)).init(), 0.01)
            }
            "adam" => (AdamConfig::new().with_epsilon(1e-8).init(), 1e-3),
            "adamw" => (AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.01).init(), 1e-3),
            _ => return Ok(false),
        };
        self.network = Some(Network::new(&self.weights, &self.device));
        self.batch = settings.number("batch")?;
        self.checked = 0;
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let rows = &self.order[self.checked * self.batch..][..self.batch];
        let loss = self.step(rows.iter().map(|&row| row as i32).collect())?;
        self.checked += 1;
        Ok(vec![f64::from(loss.into_scalar::<f32>())])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let rows = self.shuffled.next(self.batch).iter().map(|&row| row as i32).collect();
            self.step(rows)?;
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let threads = std::env::var("RAYON_NUM_THREADS").unwrap_or("all".into());
    serve(&format!("burn 0.22.1, flex with x86-v4, target-cpu=native, {threads} threads"), load)
}
