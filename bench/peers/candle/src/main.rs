//! candle's side of `run.py`: training steps as its examples write them.

mod language;
mod operator;

use std::collections::HashMap;

use barehand_bench_protocol::{Result, Settings, Shuffled, Work, serve};
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{AdamW, Conv2d, Linear, Module, Optimizer, ParamsAdamW, SGD, loss};

/// Convolutions, pooling where there are any, and layers, with ReLU between them.
struct Network {
    convolutions: Vec<Conv2d>,
    layers: Vec<Linear>,
}

impl Network {
    fn new(vars: &HashMap<String, Var>) -> Self {
        let of = |kind: &str, i: usize, what: &str| {
            vars.get(&format!("{kind}.{i}.{what}")).map(|var| var.as_tensor().clone())
        };
        let pairs = |kind| (0..).map_while(move |i| Some((of(kind, i, "weight")?, of(kind, i, "bias"))));
        let convolution = |(weight, bias)| Conv2d::new(weight, bias, Default::default());
        Network {
            convolutions: pairs("convolutions").map(convolution).collect(),
            layers: pairs("layers").map(|(weight, bias)| Linear::new(weight, bias)).collect(),
        }
    }

    fn forward(&self, inputs: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = inputs.clone();
        for convolution in &self.convolutions {
            x = convolution.forward(&x)?.relu()?;
        }
        if !self.convolutions.is_empty() {
            x = x.max_pool2d(2)?.flatten_from(1)?;
        }
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x)?;
            if i + 1 < self.layers.len() {
                x = x.relu()?;
            }
        }
        Ok(x)
    }
}

enum Optim {
    Sgd(SGD),
    AdamW(AdamW),
}

struct Training {
    weights: HashMap<String, Tensor>,
    inputs: Tensor,
    labels: Tensor,
    order: Tensor,
    checked: usize,
    batch: usize,
    network: Network,
    optimizer: Optim,
    shuffled: Shuffled,
}

fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    if !["mlp", "cnn", "tiny"].contains(&work) {
        return Ok(match operator::load(work, file)? {
            Some(operator) => Some(operator),
            None => language::load(work, file)?,
        });
    }
    let mut tensors = candle_core::safetensors::load(file, &Device::Cpu)?;
    let mut take = |name: &str| tensors.remove(name).ok_or(format!("{file} has no {name}"));
    let (inputs, labels, order) = (take("inputs")?, take("labels")?, take("order")?);
    Ok(Some(Box::new(Training {
        shuffled: Shuffled::new(inputs.dim(0)?),
        labels: labels.to_dtype(DType::U32)?,
        inputs,
        order,
        checked: 0,
        batch: 1,
        network: Network::new(&HashMap::new()),
        optimizer: Optim::Sgd(SGD::new(vec![], 0.0)?),
        weights: tensors,
    })))
}

impl Training {
    fn step(&mut self, rows: &Tensor) -> Result<Tensor> {
        let (inputs, labels) = (self.inputs.index_select(rows, 0)?, self.labels.index_select(rows, 0)?);
        let loss = loss::cross_entropy(&self.network.forward(&inputs)?, &labels)?;
        match &mut self.optimizer {
            Optim::Sgd(optimizer) => optimizer.backward_step(&loss)?,
            Optim::AdamW(optimizer) => optimizer.backward_step(&loss)?,
        }
        Ok(loss)
    }
}

impl Work for Training {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        let vars =
            self.weights.iter().map(|(name, weight)| Ok((name.clone(), Var::from_tensor(&weight.copy()?)?)));
        let vars: HashMap<String, Var> = vars.collect::<Result<_>>()?;
        let all = vars.values().cloned().collect();
        let adamw = |weight_decay| ParamsAdamW { lr: 1e-3, weight_decay, ..Default::default() };
        self.optimizer = match settings.get("optimizer")? {
            "sgd" => Optim::Sgd(SGD::new(all, 0.01)?),
            "adam" => Optim::AdamW(AdamW::new(all, adamw(0.0))?),
            "adamw" => Optim::AdamW(AdamW::new(all, adamw(0.01))?),
            _ => return Ok(false),
        };
        self.network = Network::new(&vars);
        self.batch = settings.number("batch")?;
        self.checked = 0;
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let rows = self.order.narrow(D::Minus1, self.checked * self.batch, self.batch)?;
        self.checked += 1;
        Ok(vec![f64::from(self.step(&rows)?.to_scalar::<f32>()?)])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let rows = Tensor::new(self.shuffled.next(self.batch), &Device::Cpu)?;
            self.step(&rows)?;
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let threads = candle_core::utils::get_num_threads();
    serve(&format!("candle {}, gemm x86-v4, target-cpu=native, {threads} threads", "0.11.1"), load)
}
