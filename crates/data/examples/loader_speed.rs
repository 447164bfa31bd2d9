//! How long an epoch of 60,000 images takes to load and to cut into batches:
//! `cargo run --release -p barehand-data --example loader_speed [FOLDER]`.
//!
//! Reads Fashion-MNIST (or, given as a folder, MNIST as CSV); without its files it repeats the bundled part.

use std::path::Path;
use std::time::Instant;

use barehand_data::{DataLoader, ImageDataset, ImageTransform, embedded, fashion_mnist, mnist};
use barehand_tensor::Result;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1);
    let folder = folder.as_deref().map(Path::new);
    let start = Instant::now();
    let train = match fashion_mnist(folder).or_else(|_| mnist(folder)) {
        Ok(data) => data.train,
        Err(_) => repeated(&embedded()?.train, 12)?,
    };
    println!("{}: {} images read in {:.3} s", train.name, train.len(), start.elapsed().as_secs_f64());

    let (mean, std) = train.mean_std();
    let plain = ImageTransform::normalize(&mean, &std);
    for (name, transform) in [
        ("normalised", plain.clone()),
        ("flipped and shifted as well", plain.random_flip(0.5).random_crop(2)),
    ] {
        let samples = train.with_transform(&transform)?;
        for prefetch in [0, 2] {
            let loader = DataLoader::new(samples.clone(), 128)?.shuffle(true).prefetch(prefetch);
            let mut best = f64::INFINITY;
            for epoch in 0..10 {
                let start = Instant::now();
                for batch in loader.epoch(epoch) {
                    std::hint::black_box(batch?);
                }
                best = best.min(start.elapsed().as_secs_f64());
            }
            println!("{name}, prefetch {prefetch}: {:.1} ms an epoch", best * 1e3);
        }
    }
    Ok(())
}

fn repeated(data: &ImageDataset, times: usize) -> Result<ImageDataset> {
    data.select(&(0..data.len() * times).map(|i| i % data.len()).collect::<Vec<_>>())
}
