//! Sentences as vectors: MiniLM-L6 on given token ids, against the reference that `proofs/minilm.py` made.
//!
//!     cargo run --release -p barehand-nn --example minilm -- FOLDER
//!
//! FOLDER holds `model.safetensors`. Fails where a number is further than 1e-5 from the reference.

use std::path::Path;
use std::process::ExitCode;

use barehand_nn::models::{Bert, mean_pooling};
use barehand_nn::{Error, Generator, Parameters, Result, Tensor, no_grad};
use barehand_tensor::safetensors::Archive;

/// What a number may be off.
const TOLERANCE: f64 = 1e-5;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let folder = std::env::args().nth(1).ok_or_else(|| Error::value("minilm", "usage: minilm FOLDER"))?;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/minilm.safetensors");
    let golden = Archive::read(golden)?.tensors;
    let mut bert: Bert = Bert::builder(30_522)
        .hidden_size(384)
        .layers(6)
        .heads(12)
        .intermediate_size(1536)
        .build(&mut Generator::new(0))?;
    bert.load_hugging_face(&Archive::read(Path::new(&folder).join("model.safetensors"))?.tensors)?;
    bert.eval();

    let (ids, real) = (golden["ids"].get::<i64>()?, golden["attention_mask"].get::<i64>()?.ne_scalar(0)?);
    let hidden = no_grad(|| bert.encode(&ids, Some(&real)))?;
    let sentences = mean_pooling(&hidden, &real)?;
    let length = sentences.square()?.sum_dim(1, true)?.sqrt()?;
    let sentences = sentences.div(&length)?;

    // What stands at padding means nothing.
    let mask: Tensor = real.cast::<f32>().unsqueeze(2)?;
    let mut good = true;
    for (what, ours) in [("hidden", hidden.mul(&mask)?), ("sentences", sentences.clone())] {
        let apart = ours.max_abs_diff(&golden[what].get()?)?;
        println!("{what} {:?}: at most {apart:.1e} from PyTorch", ours.shape());
        good &= apart <= TOLERANCE;
    }
    let similarity = sentences.narrow(0, 0, 1)?.matmul(&sentences.t()?)?.to_vec();
    for ((other, ours), known) in similarity[1..].iter().enumerate().zip([0.6946, 0.9429, 0.2569]) {
        println!("similarity of sentence 0 and {}: {ours:.4}, known {known}", other + 1);
        good &= (f64::from(*ours) - known).abs() < 5.1e-5;
    }
    Ok(good)
}
