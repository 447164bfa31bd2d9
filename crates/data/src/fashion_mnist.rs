//! Fashion-MNIST: 60,000 + 10,000 photographs of clothes, 28 x 28, ten classes; and the part of it bundled here.
//!
//! Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
//! Algorithms", 2017.

use std::path::Path;

use barehand_tensor::Result;

use crate::image_dataset::{ImageDataset, TrainTest};
use crate::locate::Wanted;
use crate::mnist::{MnistFiles, idx_images};
use crate::source::Source;

const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

const HINT: &str = "on Debian and Ubuntu: apt install dataset-fashion-mnist; elsewhere put \
    train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz \
    (gzipped or plain) into one folder and give it or set BAREHAND_DATA; `embedded()` needs no files";

/// Loads Fashion-MNIST from `folder`, or from where it is usually found: the folder named by the environment variable
/// `BAREHAND_DATA`, then the system's data sets (Debian's package `dataset-fashion-mnist`).
///
/// ```no_run
/// let fashion = barehand_data::fashion_mnist(None)?;
/// assert_eq!(fashion.train.images.shape(), [60_000, 1, 28, 28]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// No such folder holds the files (the text names the folders searched and how to get them), or one is malformed.
pub fn fashion_mnist(folder: Option<&Path>) -> Result<TrainTest> {
    let folders = ["fashion-mnist", "fashion_mnist", "FashionMNIST", "FashionMNIST/raw"];
    let wanted = Wanted { name: "Fashion-MNIST", folders: &folders, hint: HINT };
    let csv = [("fashion-mnist_train.csv", "fashion-mnist_test.csv")];
    wanted.find(folder, |folder| MnistFiles::in_folder(folder, &csv))?.load("Fashion-MNIST", &class_names())
}

/// 5,000 + 1,000 real images of Fashion-MNIST, every class equally often, compiled into the program: no file, no
/// download.
///
/// Drawn from the official training and test files by `embedded/fashion-mnist/draw.py`; MIT licence, beside it.
///
/// ```
/// let fashion = barehand_data::embedded()?;
/// assert_eq!(fashion.train.images.shape(), [5_000, 1, 28, 28]);
/// assert_eq!(fashion.test.class_counts(), [100; 10]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub fn embedded() -> Result<TrainTest> {
    macro_rules! part {
        ($split:literal) => {
            bundled(
                include_bytes!(concat!("../embedded/fashion-mnist/", $split, "-images-idx3-ubyte.gz")),
                include_bytes!(concat!("../embedded/fashion-mnist/", $split, "-labels-idx1-ubyte.gz")),
            )
        };
    }
    Ok(TrainTest { train: part!("train")?, test: part!("t10k")? })
}

fn bundled(images: &[u8], labels: &[u8]) -> Result<ImageDataset> {
    let mut images = Source::of_bytes(images, "bundled images")?;
    let mut labels = Source::of_bytes(labels, "bundled labels")?;
    idx_images(&mut images, &mut labels, "Fashion-MNIST (bundled part)", &class_names())
}

fn class_names() -> Vec<String> {
    CLASSES.map(String::from).to_vec()
}
