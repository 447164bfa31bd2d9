//! Labelled images in memory, as bytes: what every image reader here returns.

use barehand_tensor::{Error, Result, Tensor};

/// Labelled images of one size.
///
/// Pixels stay bytes, a quarter of their size as `f32`; [`ImageDataset::with_transform`] turns them into normalised
/// batches on the way to training.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageDataset {
    /// What the data set is called, such as `Fashion-MNIST`.
    pub name: String,
    /// `(N, C, H, W)`, 0 to 255.
    pub images: Tensor<u8>,
    /// `(N)`, indices into `class_names`.
    pub labels: Tensor<i64>,
    /// The name of every class, in the order of the labels.
    pub class_names: Vec<String>,
}

/// A data set that comes in the two parts it is always reported with.
#[derive(Clone, Debug)]
pub struct TrainTest {
    /// The part to learn from.
    pub train: ImageDataset,
    /// The part to be judged by.
    pub test: ImageDataset,
}

impl ImageDataset {
    /// Puts `images` of shape `(N, C, H, W)` and `labels` of shape `(N)` together.
    ///
    /// # Errors
    /// The shapes differ from these, or a label is not an index into `class_names`.
    pub fn new(
        name: impl Into<String>,
        images: Tensor<u8>,
        labels: Tensor<i64>,
        class_names: Vec<String>,
    ) -> Result<ImageDataset> {
        let name = name.into();
        let (shape, count) = (images.shape(), labels.shape());
        if shape.len() != 4 || count != &shape[..1] {
            let expected = "expected images of shape (N, C, H, W) and labels of shape (N)";
            return Err(Error::shape(name, format!("{expected}, found {shape:?} and {count:?}")));
        }
        let classes = class_names.len();
        for (i, label) in labels.to_vec().into_iter().enumerate() {
            if usize::try_from(label).map_or(true, |label| label >= classes) {
                return Err(Error::value(
                    name,
                    format!("label {label} of image {i} is not one of {classes} classes"),
                ));
            }
        }
        Ok(ImageDataset { name, images, labels, class_names })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.images.shape()[0]
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[C, H, W]` of every image.
    pub fn image_shape(&self) -> [usize; 3] {
        let shape = self.images.shape();
        [shape[1], shape[2], shape[3]]
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_names.len()];
        for label in self.labels.to_vec() {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Mean and standard deviation (of the population) of each channel's pixels scaled to 0..1: the numbers to
    /// normalise with.
    ///
    /// Computed from each channel's exact 256-bin histogram.
    pub fn mean_std(&self) -> (Vec<f32>, Vec<f32>) {
        let [channels, height, width] = self.image_shape();
        let pixels = self.images.to_vec();
        let mut histograms = vec![[0u64; 256]; channels];
        for (i, plane) in pixels.chunks_exact((height * width).max(1)).enumerate() {
            let histogram = &mut histograms[i % channels];
            for &pixel in plane {
                histogram[usize::from(pixel)] += 1;
            }
        }
        let moments = histograms.iter().map(|histogram| {
            let count = histogram.iter().sum::<u64>() as f64;
            let moment = |f: &dyn Fn(f64) -> f64| {
                histogram.iter().enumerate().map(|(v, &n)| n as f64 * f(v as f64 / 255.0)).sum::<f64>()
                    / count
            };
            let mean = moment(&|x| x);
            (mean as f32, moment(&|x| (x - mean).powi(2)).sqrt() as f32)
        });
        moments.unzip()
    }

    /// The images at `indices`, copied, in that order.
    ///
    /// # Errors
    /// An index is not below the number of images.
    pub fn select(&self, indices: &[usize]) -> Result<ImageDataset> {
        let size = self.image_shape().iter().product::<usize>();
        let (images, labels) = (self.images.to_vec(), self.labels.to_vec());
        let mut chosen = Vec::with_capacity(indices.len() * size);
        let mut chosen_labels = Vec::with_capacity(indices.len());
        for &i in indices {
            let label = labels.get(i).ok_or_else(|| {
                Error::index(&self.name, format!("index {i} is out of range for {} images", self.len()))
            })?;
            chosen.extend_from_slice(&images[i * size..(i + 1) * size]);
            chosen_labels.push(*label);
        }
        let mut shape = self.images.shape().to_vec();
        shape[0] = indices.len();
        Ok(ImageDataset {
            name: self.name.clone(),
            images: Tensor::from_vec(chosen, &shape)?,
            labels: Tensor::from_vec(chosen_labels, [indices.len()])?,
            class_names: self.class_names.clone(),
        })
    }
}
