//! Training steps: the library's own models, loader and optimizers, put together as its users do.

use std::sync::Arc;

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_data::{Batch, Batches, DataLoader, Dataset, Philox, TensorDataset};
use barehand_nn::{
    Adam, AdamW, GRU, Generator, LSTM, Linear, Module, Optimizer, Parameters, RNN, Sgd, StateDict, Tensor,
    cross_entropy, models,
};
use barehand_tensor::safetensors::Archive;

const CLASSES: usize = 10;
/// Samples in the stored order: ten batches of 256.
const ORDERED: usize = 2_560;

type Model = Box<dyn Module>;

/// The class of a sequence, from the last step of two recurrent layers.
#[derive(Parameters)]
struct SequenceClassifier {
    recurrent: Box<dyn Module>,
    output: Linear,
}

impl Module for SequenceClassifier {
    fn forward(&self, x: &Tensor) -> barehand_nn::Result<Tensor> {
        self.output.forward(&self.recurrent.forward(x)?.select(1, -1)?)
    }
}

/// Inputs and hidden width of the recurrent layers, and the steps of a sequence.
const WIDTHS: (usize, usize) = (128, 256);
const STEPS: usize = 64;

fn sequence_classifier(work: &str, generator: &mut Generator) -> Result<SequenceClassifier> {
    let (inputs, hidden) = WIDTHS;
    let recurrent: Box<dyn Module> = match work {
        "rnn" => Box::new(RNN::builder(inputs, hidden).num_layers(2).batch_first(true).build(generator)?),
        "gru" => Box::new(GRU::builder(inputs, hidden).num_layers(2).batch_first(true).build(generator)?),
        _ => Box::new(LSTM::builder(inputs, hidden).num_layers(2).batch_first(true).build(generator)?),
    };
    Ok(SequenceClassifier { recurrent, output: Linear::new(hidden, CLASSES, generator) })
}

/// The network of a work, the shape of its inputs and how many of them there are; none where the name is not known.
fn network(work: &str) -> Result<Option<(Model, &'static [usize], usize)>> {
    let mut generator = Generator::new(0);
    Ok(match work {
        "mlp" => Some((Box::new(models::mlp(&[784, 512, CLASSES], &mut generator)?), &[784], 60_000)),
        "cnn" => Some((Box::new(models::cnn(1, [28, 28], CLASSES, &mut generator)?), &[1, 28, 28], 60_000)),
        "small" => Some((Box::new(models::mlp(&[64, 64, 64, CLASSES], &mut generator)?), &[64], 60_000)),
        "tiny" => Some((Box::new(models::mlp(&[20, 32, CLASSES], &mut generator)?), &[20], 60_000)),
        "rnn" | "gru" | "lstm" => {
            Some((Box::new(sequence_classifier(work, &mut generator)?), &[STEPS, WIDTHS.0], ORDERED))
        }
        _ => None,
    })
}

/// Writes what all sides start from: `inputs`, `labels`, the stored `order`, and the weights by their names.
///
/// The inputs are noise with a faint pattern for each class, and one label in ten is wrong: no side ever learns so well
/// that its gradients become numbers too small to be ordinary. `false` where no network has this name.
pub fn prepare(work: &str, file: &str) -> Result<bool> {
    let Some((model, shape, samples)) = network(work)? else { return Ok(false) };
    let mut generator = Generator::new(1);
    let features = shape.iter().product::<usize>();
    let patterns = Tensor::<f32>::randn([CLASSES, features], &mut generator).to_vec();
    let mut inputs = Tensor::<f32>::randn([samples, features], &mut generator).to_vec();
    let mut labels = Tensor::<i64>::randint(0, CLASSES as i64, [samples], &mut generator)?.to_vec();
    for (i, (input, label)) in inputs.chunks_exact_mut(features).zip(&mut labels).enumerate() {
        let pattern = &patterns[*label as usize * features..][..features];
        input.iter_mut().zip(pattern).for_each(|(x, p)| *x += 0.2 * p);
        if i % 10 == 0 {
            *label = (*label + 1) % CLASSES as i64;
        }
    }
    let order = Tensor::randperm(samples, &mut generator).narrow(0, 0, ORDERED)?;

    let mut archive = Archive::default();
    archive.tensors.extend(model.state_dict().into_iter().map(|(name, weights)| (name, weights.into())));
    let inputs = Tensor::from_vec(inputs, [&[samples], shape].concat())?;
    archive.tensors.insert("inputs".into(), inputs.into());
    archive.tensors.insert("labels".into(), Tensor::from_vec(labels, [samples])?.into());
    archive.tensors.insert("order".into(), order.into());
    archive.write(file)?;
    Ok(true)
}

/// A network on its way over shuffled batches, epoch after epoch.
struct Training {
    model: Model,
    weights: StateDict,
    samples: Arc<TensorDataset>,
    order: Vec<usize>,
    checked: usize,
    batch: usize,
    optimizer: Box<dyn Optimizer>,
    loader: DataLoader<Arc<TensorDataset>>,
    batches: Batches<Arc<TensorDataset>>,
    epoch: u64,
}

/// Reads what [`prepare`] wrote; none where no network has this name.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    let Some((model, ..)) = network(work)? else { return Ok(None) };
    let mut tensors = Archive::read(file)?.tensors;
    let mut take = |name| tensors.remove(name).ok_or_else(|| format!("{file} has no {name}"));
    let samples = Arc::new(TensorDataset::new(&take("inputs")?.get()?, &take("labels")?.get()?)?);
    let order = take("order")?.get::<i64>()?.to_vec().into_iter().map(|i| i as usize).collect();
    let weights = tensors.iter().map(|(name, weights)| Ok((name.clone(), weights.get()?)));
    let loader = DataLoader::new(samples.clone(), 1)?;
    Ok(Some(Box::new(Training {
        model,
        weights: weights.collect::<Result<_>>()?,
        samples,
        order,
        checked: 0,
        batch: 1,
        optimizer: Box::new(Sgd::builder(0.0).build()?),
        batches: loader.epoch(0),
        loader,
        epoch: 0,
    })))
}

impl Training {
    fn step(&mut self, batch: &Batch) -> Result<Tensor> {
        let loss = cross_entropy(&self.model.forward(&batch.inputs)?, &batch.targets)?;
        self.optimizer.step(&mut *self.model, &loss.backward()?)?;
        Ok(loss)
    }

    fn next_batch(&mut self) -> Result<Batch> {
        if let Some(batch) = self.batches.next() {
            return Ok(batch?);
        }
        self.epoch += 1;
        self.batches = self.loader.epoch(self.epoch);
        Ok(self.batches.next().ok_or("an epoch without batches")??)
    }
}

impl Work for Training {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        self.optimizer = match settings.get("optimizer")? {
            "sgd" => Box::new(Sgd::builder(0.01).build()?),
            "momentum" => Box::new(Sgd::builder(0.01).momentum(0.9).build()?),
            "adam" => Box::new(Adam::builder(1e-3).build()?),
            "adamw" => Box::new(AdamW::builder(1e-3).weight_decay(0.01).build()?),
            _ => return Ok(false),
        };
        self.model.load_state_dict(&self.weights)?;
        self.checked = 0;
        self.batch = settings.number("batch")?;
        self.loader = DataLoader::new(self.samples.clone(), self.batch)?.shuffle(true).drop_last(true);
        self.batches = self.loader.epoch(self.epoch);
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let rows = &self.order[self.checked * self.batch..][..self.batch];
        let batch = self.samples.batch(rows, &mut Philox::new(0))?;
        self.checked += 1;
        Ok(vec![f64::from(self.step(&batch)?.item()?)])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let batch = self.next_batch()?;
            self.step(&batch)?;
        }
        Ok(())
    }
}
