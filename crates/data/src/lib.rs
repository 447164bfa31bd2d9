//! Data sets, readers, splits and batches.
//!
//! - Ready-made: [`embedded`] (real images in the program itself), [`fashion_mnist`], [`mnist`], [`cifar10`].
//! - Files: [`Idx`], [`read_mnist_csv`], [`read_cifar10`], pictures ([`ImageOptions`]) and folders of them
//!   ([`image_folder`]); texts ([`read_text`]), as numbers ([`CharVocabulary`]) and as samples ([`TokenWindows`]).
//! - On the way to training: [`Splitter`], [`ImageTransform`], [`DataLoader`].
//!
//! Readers take hostile files: whatever the bytes, they return a clear error, and ask for no memory that the file's size
//! does not justify.
//!
//! ```
//! use barehand_data::{DataLoader, ImageTransform, embedded};
//!
//! let fashion = embedded()?;
//! let (mean, std) = fashion.train.mean_std();
//! let train = fashion.train.with_transform(&ImageTransform::normalize(&mean, &std))?;
//! let loader = DataLoader::new(train, 128)?.shuffle(true).seed(0);
//! for batch in loader.epoch(0) {
//!     let batch = batch?;
//!     assert_eq!(batch.inputs.shape()[1..], [1, 28, 28]);
//! }
//! # Ok::<(), barehand_tensor::Error>(())
//! ```

mod cifar10;
mod data_loader;
mod dataset;
mod fashion_mnist;
mod idx;
mod image_dataset;
mod image_file;
mod image_folder;
mod image_transform;
mod locate;
mod mnist;
mod mnist_csv;
mod resize;
mod source;
mod split;
mod text;

pub use barehand_kernels::random::Philox;
pub use cifar10::{cifar10, parse_cifar10, read_cifar10};
pub use data_loader::{Batches, Cursor, DataLoader};
pub use dataset::{Batch, Dataset, Subset, TensorDataset};
pub use fashion_mnist::{embedded, fashion_mnist};
pub use idx::{Idx, IdxData};
pub use image_dataset::{ImageDataset, TrainTest};
pub use image_file::{Channels, ImageOptions};
pub use image_folder::image_folder;
pub use image_transform::{ImageTransform, TransformedImages};
pub use mnist::mnist;
pub use mnist_csv::{parse_mnist_csv, read_mnist_csv};
pub use resize::Resize;
pub use split::{Split, Splitter};
pub use text::{CharVocabulary, TokenWindows, parse_text, read_text};
