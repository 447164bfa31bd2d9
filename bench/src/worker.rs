//! barehand's side of `run.py`: the networks of `torch_worker.py`, stepped on request. That file tells the commands;
//! here `barehand-worker isa` prints the instruction set and ends.

use std::io::{BufRead, Write};
use std::time::Instant;

use barehand_nn::{
    Adam, AdamW, Conv2d, Generator, Linear, MaxPool2d, Module, Optimizer, Parameters, Sgd, StateDict, Tensor,
    cross_entropy,
};
use barehand_tensor::safetensors::Archive;
use barehand_tensor::{isa, threads};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const BATCH: usize = 64;

#[derive(Parameters)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    fn new(generator: &mut Generator) -> Self {
        Mlp { fc1: Linear::new(784, 512, generator), fc2: Linear::new(512, 10, generator) }
    }
}

impl Module for Mlp {
    fn forward(&self, images: &Tensor) -> barehand_nn::Result<Tensor> {
        self.fc2.forward(&self.fc1.forward(&images.flatten(1, -1)?)?.relu()?)
    }
}

#[derive(Parameters)]
struct Cnn {
    conv1: Conv2d,
    conv2: Conv2d,
    pool: MaxPool2d,
    fc1: Linear,
    fc2: Linear,
}

impl Cnn {
    fn new(generator: &mut Generator) -> Result<Self> {
        Ok(Cnn {
            conv1: Conv2d::new(1, 32, 3, generator)?,
            conv2: Conv2d::new(32, 64, 3, generator)?,
            pool: MaxPool2d::new(2),
            fc1: Linear::new(9216, 128, generator),
            fc2: Linear::new(128, 10, generator),
        })
    }
}

impl Module for Cnn {
    fn forward(&self, images: &Tensor) -> barehand_nn::Result<Tensor> {
        let hidden = self.conv1.forward(images)?.relu()?;
        let hidden = self.conv2.forward(&hidden)?.relu()?;
        let hidden = self.pool.forward(&hidden)?.flatten(1, -1)?;
        self.fc2.forward(&self.fc1.forward(&hidden)?.relu()?)
    }
}

/// A network on its way, one batch after the other over the images, again and again.
struct Training {
    model: Box<dyn Module>,
    optimizer: Box<dyn Optimizer>,
    images: Tensor,
    labels: Tensor<i64>,
    at: usize,
}

impl Training {
    fn new(model: &str, optimizer: &str, file: &str) -> Result<Self> {
        let mut tensors = Archive::read(file)?.tensors;
        let images = tensors.remove("images").ok_or("no images")?.get()?;
        let labels = tensors.remove("labels").ok_or("no labels")?.get()?;
        let weights = tensors.iter().map(|(name, tensor)| Ok((name.clone(), tensor.get()?)));
        let weights: StateDict = weights.collect::<Result<_>>()?;
        let mut generator = Generator::new(0);
        let mut model: Box<dyn Module> = match model {
            "mlp" => Box::new(Mlp::new(&mut generator)),
            "cnn" => Box::new(Cnn::new(&mut generator)?),
            _ => return Err(format!("no model is called {model}").into()),
        };
        model.load_state_dict(&weights)?;
        let optimizer: Box<dyn Optimizer> = match optimizer {
            "sgd" => Box::new(Sgd::builder(0.01).momentum(0.9).build()?),
            "adam" => Box::new(Adam::builder(1e-3).build()?),
            "adamw" => Box::new(AdamW::builder(1e-3).weight_decay(0.01).build()?),
            _ => return Err(format!("no optimizer is called {optimizer}").into()),
        };
        Ok(Training { model, optimizer, images, labels, at: 0 })
    }

    fn step(&mut self) -> Result<Tensor> {
        let images = self.images.narrow(0, self.at, BATCH)?;
        let labels = self.labels.narrow(0, self.at, BATCH)?;
        let loss = cross_entropy(&self.model.forward(&images)?, &labels)?;
        self.optimizer.step(&mut *self.model, &loss.backward()?)?;
        self.at = (self.at + BATCH) % self.labels.len();
        Ok(loss)
    }
}

fn main() -> Result<()> {
    let argument = std::env::args().nth(1).ok_or("wants a number of threads, or `isa`")?;
    if argument == "isa" {
        println!("{}", isa::active().name());
        return Ok(());
    }
    threads::set_num_threads(argument.parse()?);
    let mut training = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match (line.split_whitespace().collect::<Vec<_>>().as_slice(), &mut training) {
            (["start", model, optimizer, file], _) => {
                training = Some(Training::new(model, optimizer, file)?);
                println!("ready");
            }
            (["step", count], Some(training)) => {
                let (start, mut loss) = (Instant::now(), None);
                for _ in 0..count.parse()? {
                    loss = Some(training.step()?);
                }
                let seconds = start.elapsed().as_secs_f64();
                println!("{seconds} {}", loss.ok_or("no step was asked for")?.item()?);
            }
            _ => return Err(format!("not understood: {line}").into()),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}
