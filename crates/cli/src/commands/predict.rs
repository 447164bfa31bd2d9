//! `barehand predict`

use std::path::PathBuf;

use barehand::data::ImageOptions;
use barehand::{Error, Result, no_grad};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{print, print_json};
use crate::model_file;
use crate::run_folder::RunFolder;

/// Classify pictures (PNG or JPEG) with a trained model.
///
/// Pictures are brought to the size and the colours the model learned from. Fashion-MNIST and MNIST are light on black:
/// use --invert for dark on white.
#[derive(Args)]
#[command(after_help = "Examples:\n  barehand predict runs/mlp-embedded-1 shoe.png\n  \
                  barehand predict runs/cnn *.jpg --invert --top 3\n  barehand predict runs/cnn shoe.png --json")]
pub struct Arguments {
    /// The run's folder.
    run: PathBuf,
    /// Pictures to classify.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// How many classes to name for each picture.
    #[arg(long, value_name = "K", default_value_t = 3)]
    top: usize,
    /// Turn dark into light before anything else.
    #[arg(long)]
    invert: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = RunFolder::open(&arguments.run)?;
    let (architecture, model) = model_file::read(&folder.model())?;
    let [channels, height, width] = architecture.image;
    let options = if channels == 1 { ImageOptions::gray() } else { ImageOptions::rgb() };
    let options = options.size(height, width).invert(arguments.invert);
    let transform = architecture.transform();
    let top = arguments.top.clamp(1, architecture.classes.len());

    let mut results = Vec::new();
    for path in &arguments.images {
        let pixels = options.read(path)?;
        let input = transform.apply(&pixels.unsqueeze(0)?)?;
        let probabilities = no_grad(|| model.forward(&input)?.softmax(1))?.squeeze(0)?;
        if probabilities.to_vec().iter().any(|p| p.is_nan()) {
            return Err(Error::value(
                "predict",
                format!("{}: the model's output is not a number", path.display()),
            ));
        }
        let (best, classes) = probabilities.topk(top, 0)?;
        let best: Vec<(String, f32)> = best
            .to_vec()
            .into_iter()
            .zip(classes.to_vec())
            .map(|(p, class)| (architecture.classes[class as usize].clone(), p))
            .collect();
        results.push((path, best, probabilities.to_vec()));
    }

    if arguments.json {
        let one = |(path, best, all): &(&PathBuf, Vec<(String, f32)>, Vec<f32>)| {
            let named: Map<String, Value> =
                architecture.classes.iter().cloned().zip(all.iter().map(|p| json!(p))).collect();
            json!({ "image": path, "class": best[0].0, "probability": best[0].1, "probabilities": named })
        };
        return print_json(&json!({ "predictions": results.iter().map(one).collect::<Vec<_>>() }));
    }
    for (path, best, _) in &results {
        let classes: Vec<String> =
            best.iter().map(|(class, p)| format!("{class} {:.1} %", 100.0 * p)).collect();
        print(&format!("{}: {}", path.display(), classes.join(", ")))?;
    }
    Ok(())
}
