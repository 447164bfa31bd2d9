//! Training steps of a language model: tokens, forward, cross entropy of the next ones, backward, AdamW.

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_nn::models::Gpt;
use barehand_nn::{AdamW, Generator, Optimizer, Parameters, StateDict, Tensor};
use barehand_tensor::safetensors::Archive;

const VOCABULARY: usize = 80;
/// Stored sequences; the steps go through them in turn.
const SEQUENCES: usize = 480;

fn model(work: &str) -> Result<Option<Gpt>> {
    let gpt = Gpt::builder(VOCABULARY).tied(false);
    let gpt = match work {
        "gpt" => gpt.n_layer(4).n_head(4).n_embd(128).block_size(64),
        "gpt_wide" => gpt.n_layer(6).n_head(6).n_embd(384).block_size(256),
        _ => return Ok(None),
    };
    Ok(Some(gpt.build(&mut Generator::new(0))?))
}

/// Writes `tokens`, one more in each row than the model reads, and the weights by their names; `false` where the work is
/// another.
///
/// Most tokens follow from the one before, so that there is something to learn.
pub fn prepare(work: &str, file: &str) -> Result<bool> {
    let Some(model) = model(work)? else { return Ok(false) };
    let (length, vocabulary) = (model.block_size() + 1, VOCABULARY as i64);
    let mut generator = Generator::new(6);
    let mut tokens = Tensor::<i64>::randint(0, vocabulary, [SEQUENCES, length], &mut generator)?.to_vec();
    for row in tokens.chunks_exact_mut(length) {
        for t in 1..length {
            if row[t] % 4 != 0 {
                row[t] = (7 * row[t - 1] + 3) % vocabulary;
            }
        }
    }
    let mut archive = Archive::default();
    archive.tensors.extend(model.state_dict().into_iter().map(|(name, weights)| (name, weights.into())));
    archive.tensors.insert("tokens".into(), Tensor::from_vec(tokens, [SEQUENCES, length])?.into());
    archive.write(file)?;
    Ok(true)
}

struct Language {
    model: Gpt,
    weights: StateDict,
    tokens: Tensor<i64>,
    optimizer: Box<dyn Optimizer>,
    batch: usize,
    at: usize,
}

/// Reads what [`prepare`] wrote; none where the work is another.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    let Some(model) = model(work)? else { return Ok(None) };
    let mut tensors = Archive::read(file)?.tensors;
    let tokens = tensors.remove("tokens").ok_or("no tokens")?.get()?;
    let weights = tensors.iter().map(|(name, weights)| Ok((name.clone(), weights.get()?)));
    Ok(Some(Box::new(Language {
        model,
        weights: weights.collect::<Result<_>>()?,
        tokens,
        optimizer: Box::new(AdamW::builder(1e-3).build()?),
        batch: 1,
        at: 0,
    })))
}

impl Work for Language {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        self.model.load_state_dict(&self.weights)?;
        self.optimizer = Box::new(AdamW::builder(1e-3).build()?);
        self.batch = settings.number("batch")?;
        self.at = 0;
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let rows = self.tokens.narrow(0, self.at, self.batch)?;
        self.at = (self.at + self.batch) % (SEQUENCES - self.batch + 1);
        let length = self.model.block_size();
        let loss = self.model.loss(&rows.narrow(1, 0, length)?, &rows.narrow(1, 1, length)?)?;
        self.optimizer.step(&mut self.model, &loss.backward()?)?;
        Ok(vec![f64::from(loss.item()?)])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.check().map(drop))
    }
}
