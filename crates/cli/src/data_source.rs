//! The `--data` argument: which images, from where.

use std::path::{Path, PathBuf};

use barehand::data::{self, ImageDataset, ImageOptions, Split, Splitter, TrainTest};
use barehand::{Error, Result};

use crate::config::RunConfig;

/// The images of a run.
pub struct Images {
    pub train: ImageDataset,
    /// `None` when nothing is held back.
    pub validation: Option<ImageDataset>,
    pub test: ImageDataset,
}

/// Reads what `source` names: `embedded`, `fashion-mnist[:DIR]`, `mnist[:DIR]`, `cifar10[:DIR]` or `folder:DIR`.
pub fn read(source: &str, seed: u64) -> Result<TrainTest> {
    let (name, folder) = match source.split_once(':') {
        Some((name, folder)) => (name, Some(PathBuf::from(folder))),
        None => (source, None),
    };
    let folder = folder.as_deref();
    match (name, folder) {
        ("embedded", None) => data::embedded(),
        ("fashion-mnist", folder) => data::fashion_mnist(folder),
        ("mnist", folder) => data::mnist(folder),
        ("cifar10", folder) => data::cifar10(folder),
        ("folder", Some(folder)) => image_folder(folder, seed),
        _ => Err(Error::value(
            "--data",
            format!(
                "\"{source}\" is not known; use embedded, fashion-mnist[:DIR], mnist[:DIR], cifar10[:DIR] or folder:DIR"
            ),
        )),
    }
}

/// One folder for each class. Folders `train` and `test` inside are taken as such; otherwise a fifth of each class is held
/// back for the test.
fn image_folder(root: &Path, seed: u64) -> Result<TrainTest> {
    let options = ImageOptions::rgb();
    let (train, test) = (root.join("train"), root.join("test"));
    if train.is_dir() && test.is_dir() {
        return Ok(TrainTest {
            train: data::image_folder(train, &options)?,
            test: data::image_folder(test, &options)?,
        });
    }
    let whole = data::image_folder(root, &options)?;
    let split = Splitter::new().test(0.2).seed(seed).stratified(&whole.labels)?;
    Ok(TrainTest { train: whole.select(&split.train)?, test: whole.select(&split.test)? })
}

/// The images of a run, with the validation part held back.
pub fn split(config: &RunConfig) -> Result<Images> {
    let TrainTest { train, test } = read(&config.data, config.seed)?;
    if config.validation == 0.0 {
        return Ok(Images { train, validation: None, test });
    }
    let Split { train: kept, validation, .. } =
        Splitter::new().validation(config.validation).seed(config.seed).stratified(&train.labels)?;
    Ok(Images { validation: Some(train.select(&validation)?), train: train.select(&kept)?, test })
}
