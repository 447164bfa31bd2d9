//! Data sets that give whole batches without Python in between, and the ready-made ones.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use barehand_data::{
    Batches, Cursor, DataLoader, Dataset, ImageDataset, ImageOptions, ImageTransform, Philox, Subset,
};
use barehand_data::{TrainTest, TransformedImages};
use barehand_tensor::{AnyTensor, Error, Tensor, concat, each_tensor};
use pyo3::prelude::*;

use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, detached, locked};

/// The tensors of one batch, side by side.
pub type Columns = Vec<AnyTensor>;

pub type Shared = Arc<dyn Dataset<Batch = Columns>>;

/// Tensors whose first axes run together.
struct Rows {
    columns: Columns,
    len: usize,
}

impl Dataset for Rows {
    type Batch = Columns;

    fn len(&self) -> usize {
        self.len
    }

    fn batch(&self, indices: &[usize], _: &mut Philox) -> barehand_tensor::Result<Columns> {
        self.columns.iter().map(|x| Ok(each_tensor!(x, x => x.take_rows(indices)?.into()))).collect()
    }
}

/// Images on their way into batches, with their labels.
struct Images(TransformedImages);

impl Dataset for Images {
    type Batch = Columns;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, indices: &[usize], random: &mut Philox) -> barehand_tensor::Result<Columns> {
        let batch = self.0.batch(indices, random)?;
        Ok(vec![batch.inputs.into(), batch.targets.into()])
    }
}

/// Data sets one after another.
struct Chain {
    parts: Vec<Shared>,
}

impl Dataset for Chain {
    type Batch = Columns;

    fn len(&self) -> usize {
        self.parts.iter().map(barehand_data::Dataset::len).sum()
    }

    fn batch(&self, indices: &[usize], random: &mut Philox) -> barehand_tensor::Result<Columns> {
        // Each part gives its samples in one go; then all are put into the order that was asked for.
        let (mut start, mut given, mut from) = (0, Vec::new(), vec![0; indices.len()]);
        let mut taken = 0;
        for part in &self.parts {
            let range = start..start + part.len();
            start = range.end;
            let places: Vec<usize> = (0..indices.len()).filter(|&at| range.contains(&indices[at])).collect();
            if places.is_empty() {
                continue;
            }
            let inner: Vec<usize> = places.iter().map(|&at| indices[at] - range.start).collect();
            given.push(part.batch(&inner, random)?);
            for at in places {
                from[at] = taken;
                taken += 1;
            }
        }
        if taken < indices.len() {
            return Err(Error::index("batch", format!("an index is out of range for {start} samples")));
        }
        let Some(first) = given.first().map(Vec::len) else { return Ok(Vec::new()) };
        if given.len() == 1 {
            return Ok(given.remove(0));
        }
        if given.iter().any(|columns| columns.len() != first) {
            return Err(Error::value(
                "ConcatDataset",
                "the data sets differ in how many tensors a sample has",
            ));
        }
        (0..first)
            .map(|column| {
                Ok(each_tensor!(&given[0][column], x => {
                    let pieces = given.iter().map(|columns| columns[column].get()).collect::<Result<Vec<_>, _>>()?;
                    let mut whole: Vec<_> = pieces.iter().collect();
                    whole[0] = x;
                    concat(&whole, 0)?.take_rows(&from)?.into()
                }))
            })
            .collect()
    }
}

/// A data set of the library behind a data set of Python.
#[pyclass(name = "_Source", module = "barehand", frozen)]
pub struct Source(pub Shared);

#[pymethods]
impl Source {
    /// Tensors whose first axes have one length.
    #[staticmethod]
    fn of_tensors(tensors: Vec<Bound<'_, PyTensor>>) -> Result<Source> {
        let columns: Columns = tensors
            .iter()
            .map(|tensor| detached(&tensor.get().value()))
            .map(|x| each_tensor!(x, x => x.contiguous().into()))
            .collect();
        let shapes: Vec<&[usize]> = columns.iter().map(barehand_tensor::AnyTensor::shape).collect();
        let Some(len) = shapes.first().and_then(|shape| shape.first()).copied() else {
            return Err(Failure::value("TensorDataset", "expected tensors with at least one axis"));
        };
        if shapes.iter().any(|shape| shape.first() != Some(&len)) {
            return Err(
                Error::shape("TensorDataset", format!("first axes differ in length: {shapes:?}")).into()
            );
        }
        Ok(Source(Arc::new(Rows { columns, len })))
    }

    /// Images `(N, C, H, W)` of bytes and labels `(N)`: cropped and mirrored at random, scaled to 0..1, normalised.
    #[staticmethod]
    fn of_images(
        images: &Bound<'_, PyTensor>,
        labels: &Bound<'_, PyTensor>,
        mean: Vec<f32>,
        std: Vec<f32>,
        flip: f64,
        padding: usize,
    ) -> Result<Source> {
        let images = images.get().value().get::<u8>()?;
        let labels = labels.get().value().get::<i64>()?;
        let classes = labels.to_vec().into_iter().max().map_or(0, |label| label + 1);
        let names = (0..classes).map(|class| class.to_string()).collect();
        let transform = ImageTransform::normalize(&mean, &std).random_flip(flip).random_crop(padding);
        let images = ImageDataset::new("images", images, labels, names)?.with_transform(&transform)?;
        Ok(Source(Arc::new(Images(images))))
    }

    /// Some of the samples.
    fn subset(&self, indices: Vec<usize>) -> Result<Source> {
        Ok(Source(Arc::new(Subset::new(self.0.clone(), indices)?)))
    }

    /// Sources one after another.
    #[staticmethod]
    fn chain(parts: Vec<Bound<'_, Source>>) -> Source {
        Source(Arc::new(Chain { parts: parts.iter().map(|part| part.get().0.clone()).collect() }))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// The samples at `indices` as one batch.
    fn batch(&self, py: Python<'_>, indices: Vec<usize>, seed: u64) -> Result<Vec<PyTensor>> {
        let columns = py.detach(|| self.0.batch(&indices, &mut Philox::new(seed)))?;
        Ok(columns.into_iter().map(PyTensor::from).collect())
    }

    /// The tensors of one sample.
    fn sample(&self, index: usize, seed: u64) -> Result<Vec<PyTensor>> {
        let columns = self.0.batch(&[index], &mut Philox::new(seed))?;
        columns
            .iter()
            .map(|x| {
                let sample: AnyTensor = each_tensor!(x, x => x.squeeze(0)?.into());
                Ok(PyTensor::from(sample))
            })
            .collect()
    }

    /// The batches of an epoch from the one numbered `start`, prepared ahead where that pays.
    #[pyo3(signature = (batch_size, *, shuffle, drop_last, seed, start=0, prefetch=None))]
    fn epoch(
        &self,
        batch_size: usize,
        shuffle: bool,
        drop_last: bool,
        seed: u64,
        start: usize,
        prefetch: Option<usize>,
    ) -> Result<PyBatches> {
        let mut loader =
            DataLoader::new(self.0.clone(), batch_size)?.shuffle(shuffle).drop_last(drop_last).seed(seed);
        if let Some(batches) = prefetch {
            loader = loader.prefetch(batches);
        }
        Ok(PyBatches(Mutex::new(loader.resume(Cursor { epoch: 0, batch: start })?)))
    }
}

/// The batches of an epoch.
#[pyclass(name = "_Batches", module = "barehand", frozen)]
struct PyBatches(Mutex<Batches<Shared>>);

#[pymethods]
impl PyBatches {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> Result<Option<Vec<PyTensor>>> {
        // Other threads run while this one waits for the batch.
        let batch = py.detach(|| locked(&self.0).next()).transpose()?;
        Ok(batch.map(|columns| columns.into_iter().map(PyTensor::from).collect()))
    }
}

/// The order in which an epoch with `seed` visits `n` samples: the loader's own.
#[pyfunction]
#[pyo3(name = "_epoch_order")]
fn epoch_order(n: usize, seed: u64) -> Result<Vec<usize>> {
    let none = Rows { columns: Columns::new(), len: n };
    Ok(DataLoader::new(none, 1)?.shuffle(true).seed(seed).order(0))
}

/// `count` indices into `weights`, each drawn in proportion to its weight.
#[pyfunction]
#[pyo3(name = "_weighted_indices")]
fn weighted_indices(
    weights: &Bound<'_, PyTensor>,
    count: usize,
    replacement: bool,
    seed: u64,
) -> Result<Vec<usize>> {
    let fail = |text: String| Err(Failure::value("WeightedRandomSampler", text));
    let weights = weights.get().value().cast::<f64>().to_vec();
    if let Some(weight) = weights.iter().find(|&&weight| !(weight.is_finite() && weight >= 0.0)) {
        return fail(format!("weights are finite and not negative, not {weight}"));
    }
    let possible = weights.iter().filter(|&&weight| weight > 0.0).count();
    if possible == 0 || (!replacement && possible < count) {
        return fail(format!("{count} samples cannot be drawn: {possible} have a positive weight"));
    }
    let mut random = Philox::new(seed);
    if replacement {
        let ends: Vec<f64> = weights
            .iter()
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let total = ends[ends.len() - 1];
        let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or_default();
        return Ok((0..count)
            .map(|_| {
                let at = random.next_f64() * total;
                ends.partition_point(|&end| end <= at).min(last)
            })
            .collect());
    }
    // The first to arrive when sample i arrives at the rate of its weight (Efraimidis and Spirakis, 2006).
    let arrival = |weight: &f64| -(1.0 - random.next_f64()).ln() / weight;
    let arrivals: Vec<f64> = weights.iter().map(arrival).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
    order.sort_by(|&a, &b| arrivals[a].total_cmp(&arrivals[b]));
    order.truncate(count);
    Ok(order)
}

type Labelled = (PyTensor, PyTensor, Vec<String>);

fn labelled(data: ImageDataset) -> Labelled {
    (data.images.into(), data.labels.into(), data.class_names)
}

fn part(data: TrainTest, train: bool) -> Labelled {
    labelled(if train { data.train } else { data.test })
}

/// Images, labels and class names of a data set that is known by name.
#[pyfunction]
#[pyo3(name = "_known_images")]
fn known_images(py: Python<'_>, name: &str, root: Option<PathBuf>, train: bool) -> Result<Labelled> {
    let load: fn(Option<&Path>) -> barehand_tensor::Result<TrainTest> = match name {
        "FashionMNIST" => barehand_data::fashion_mnist,
        "MNIST" => barehand_data::mnist,
        "CIFAR10" => barehand_data::cifar10,
        "embedded" => |_| barehand_data::embedded(),
        _ => return Err(Failure::value("datasets", format!("no data set is called {name:?}"))),
    };
    let data = py.detach(|| load(root.as_deref()))?;
    Ok(part(data, train))
}

/// The PNG or JPEG file at `path` as bytes `(C, H, W)`.
///
/// `mode` is "rgb" or "gray"; `size` is (height, width) to resize to.
#[pyfunction]
#[pyo3(signature = (path, mode="rgb", size=None))]
fn read_image(py: Python<'_>, path: PathBuf, mode: &str, size: Option<(usize, usize)>) -> Result<PyTensor> {
    let mut options = match mode {
        "rgb" => ImageOptions::rgb(),
        "gray" => ImageOptions::gray(),
        _ => return Err(Failure::value("read_image", format!("mode is 'rgb' or 'gray', not {mode:?}"))),
    };
    if let Some((height, width)) = size {
        options = options.size(height, width);
    }
    let image: Tensor<u8> = py.detach(|| options.read(path))?;
    Ok(image.into())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Source>()?;
    module.add_class::<PyBatches>()?;
    module.add_function(wrap_pyfunction!(epoch_order, module)?)?;
    module.add_function(wrap_pyfunction!(weighted_indices, module)?)?;
    module.add_function(wrap_pyfunction!(known_images, module)?)?;
    module.add_function(wrap_pyfunction!(read_image, module)?)
}
