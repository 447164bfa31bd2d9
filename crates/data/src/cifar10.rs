//! CIFAR-10: 50,000 + 10,000 colour photographs, 32 x 32, ten classes, from its binary batches.
//!
//! A batch is a row of records of 3,073 bytes: the label, then 1,024 red, 1,024 green and 1,024 blue pixels.
//!
//! Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

use std::path::{Path, PathBuf};

use barehand_tensor::{Result, Tensor};

use crate::image_dataset::{ImageDataset, TrainTest};
use crate::locate::Wanted;
use crate::source::Source;

const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
const RECORD: usize = 1 + PIXELS;

/// An official batch has 10,000 records; a file of more than ten times that is no batch.
const LARGEST_BATCH: u64 = 100_000 * RECORD as u64;

const HINT: &str = "expected data_batch_1.bin to data_batch_5.bin and test_batch.bin (the \"binary version\", \
    cifar-10-binary.tar.gz, unpacked); give their folder or set BAREHAND_DATA";

/// Loads CIFAR-10 from `folder`, or from where it is usually found: the folder named by the environment variable
/// `BAREHAND_DATA`, then the system's data sets.
///
/// Reads the binary version: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
///
/// # Errors
/// No such folder holds the six files (the text names the folders searched), or one is malformed.
pub fn cifar10(folder: Option<&Path>) -> Result<TrainTest> {
    let folders = ["cifar-10-batches-bin", "cifar-10", "cifar10", "cifar10/cifar-10-batches-bin"];
    let (train, test) =
        Wanted { name: "CIFAR-10", folders: &folders, hint: HINT }.find(folder, |folder| {
            let train: Vec<PathBuf> = (1..=5).map(|i| folder.join(format!("data_batch_{i}.bin"))).collect();
            let test = folder.join("test_batch.bin");
            (test.is_file() && train.iter().all(|path| path.is_file())).then_some((train, vec![test]))
        })?;
    Ok(TrainTest { train: read_cifar10(&train)?, test: read_cifar10(&test)? })
}

/// Reads and joins binary batches of CIFAR-10.
///
/// # Errors
/// A file cannot be read, is empty, is not a whole number of 3,073-byte records, or has a label above 9.
pub fn read_cifar10<P: AsRef<Path>>(batches: &[P]) -> Result<ImageDataset> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in batches {
        append(Source::open(path.as_ref())?, &mut pixels, &mut labels)?;
    }
    dataset(pixels, labels)
}

/// As [`read_cifar10`], from the content of one batch.
pub fn parse_cifar10(bytes: &[u8]) -> Result<ImageDataset> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    append(Source::of_bytes(bytes, "CIFAR-10 batch")?, &mut pixels, &mut labels)?;
    dataset(pixels, labels)
}

fn append(mut source: Source<'_>, pixels: &mut Vec<u8>, labels: &mut Vec<i64>) -> Result<()> {
    let bytes = source.read_up_to(LARGEST_BATCH)?;
    source.expect_end()?;
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if records.is_empty() || !rest.is_empty() {
        let text = format!("{} bytes are not a whole number of {RECORD}-byte records", bytes.len());
        return Err(source.malformed(text));
    }
    for (i, record) in records.iter().enumerate() {
        if usize::from(record[0]) >= CLASSES.len() {
            return Err(source.malformed(format!("record {i} has label {}, expected 0 to 9", record[0])));
        }
        labels.push(i64::from(record[0]));
        pixels.extend_from_slice(&record[1..]);
    }
    Ok(())
}

fn dataset(pixels: Vec<u8>, labels: Vec<i64>) -> Result<ImageDataset> {
    let count = labels.len();
    let images = Tensor::from_vec(pixels, [count, 3, SIDE, SIDE])?;
    ImageDataset::new(
        "CIFAR-10",
        images,
        Tensor::from_vec(labels, [count])?,
        CLASSES.map(String::from).to_vec(),
    )
}
