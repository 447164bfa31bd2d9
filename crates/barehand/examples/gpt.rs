//! Trains a small GPT to write like a book, character by character.
//!
//! ```sh
//! cargo run --release -p barehand --example gpt -- BOOK.txt [STEPS]
//! ```
//!
//! takes any UTF-8 text. The network is nanoGPT's smallest: 4 layers, 4 heads, width 128, 64 characters at a time.

use std::io::Write;
use std::time::Instant;

use barehand::data::{CharVocabulary, DataLoader, TokenWindows, read_text};
use barehand::nn::models::{Gpt, Sampling};
use barehand::nn::{AdamW, Norm, Schedule, Scheduler, clip_grad_norm, no_grad};
use barehand::prelude::*;

const CONTEXT: usize = 64;
const BATCH: usize = 12;
/// Steps between two looks at the part of the book that is held back.
const INTERVAL: usize = 250;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        return Err("name a text: cargo run --release -p barehand --example gpt -- BOOK.txt [STEPS]".into());
    };
    let steps: usize = arguments.next().map_or(Ok(2000), |steps| steps.parse())?;

    let book = read_text(&path)?;
    let characters = CharVocabulary::of(&book);
    let tokens = characters.encode(&book)?;
    let last = tokens.len() / 10;
    let first = tokens.len() - last;
    let loader = |tokens: &Tensor<i64>, samples: usize| -> Result<_> {
        Ok(DataLoader::new(TokenWindows::new(tokens, CONTEXT)?.random(samples), BATCH)?.seed(1))
    };
    let training = loader(&tokens.narrow(0, 0, first)?, INTERVAL * BATCH)?;
    let held_back = loader(&tokens.narrow(0, first, last)?, 40 * BATCH)?;

    let mut generator = Generator::new(1);
    let shape = Gpt::builder(characters.len()).n_layer(4).n_head(4).n_embd(128).block_size(CONTEXT);
    let mut gpt: Gpt = shape.build(&mut generator)?;
    let mut optimizer = AdamW::builder(1e-3).betas(0.9, 0.99).weight_decay(0.1).build()?;
    let schedule = Schedule::CosineAnnealing { t_max: steps.max(1) as u64, eta_min: 1e-4 };
    let mut scheduler = Scheduler::new(schedule, 1e-3)?;
    println!(
        "{} characters, {} of them different; {} parameters",
        tokens.len(),
        characters.len(),
        gpt.num_parameters()
    );

    let start = Instant::now();
    let mut taken = 0;
    for epoch in 0.. {
        let mut losses = Vec::new();
        for batch in held_back.epoch(0) {
            let batch = batch?;
            losses.push(no_grad(|| gpt.loss(&batch.inputs, &batch.targets))?.item()?);
        }
        let loss = losses.iter().sum::<f32>() / losses.len() as f32;
        println!(
            "step {taken:5}  loss on what is held back {loss:.4}  {:.0} s",
            start.elapsed().as_secs_f64()
        );
        if taken >= steps {
            break;
        }
        for batch in training.epoch(epoch).take(steps - taken) {
            let batch = batch?;
            let mut gradients = gpt.loss(&batch.inputs, &batch.targets)?.backward()?;
            clip_grad_norm(&mut gradients, 1.0, Norm::P(2.0))?;
            optimizer.step(&mut gpt, &gradients)?;
            scheduler.step(None)?;
            scheduler.apply(&mut optimizer);
            taken += 1;
        }
    }

    let begin = characters.encode("\n").or_else(|_| tokens.narrow(0, 0, 1))?.unsqueeze(0)?;
    let written = gpt.generate(&begin, 500, Sampling::Temperature(0.8), &mut generator)?;
    writeln!(std::io::stdout(), "{}", characters.decode(&written.flatten(0, -1)?)?)?;
    Ok(())
}
