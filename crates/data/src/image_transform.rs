//! From bytes to normalised batches, with the usual augmentation on the way.

use barehand_kernels::random::Philox;
use barehand_tensor::{Error, Result, Tensor};

use crate::dataset::{Batch, Dataset, check_indices};
use crate::image_dataset::ImageDataset;

/// What happens to every image on its way into a batch.
///
/// In this order, as in torchvision: pad by zeros and crop at random, mirror at random, scale to 0..1, normalise each
/// channel:
///
/// ```text
/// out = (pixel / 255 - mean) / std
/// ```
///
/// A byte has 256 values, so the formula is evaluated once for each, and a batch is one look-up per pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageTransform {
    mean: Vec<f32>,
    std: Vec<f32>,
    flip: f64,
    padding: usize,
}

impl ImageTransform {
    /// Normalises with one mean and one standard deviation for each channel, of pixels scaled to 0..1
    /// (torchvision's `ToTensor` and `Normalize`). [`ImageDataset::mean_std`] computes them.
    pub fn normalize(mean: &[f32], std: &[f32]) -> Self {
        ImageTransform { mean: mean.to_vec(), std: std.to_vec(), flip: 0.0, padding: 0 }
    }

    /// Only scales to 0..1, for images of `channels` channels.
    pub fn scale(channels: usize) -> Self {
        Self::normalize(&vec![0.0; channels], &vec![1.0; channels])
    }

    /// Mirrors an image left to right with this probability (torchvision's `RandomHorizontalFlip`; 0 by default).
    #[must_use]
    pub fn random_flip(mut self, probability: f64) -> Self {
        self.flip = probability;
        self
    }

    /// Shifts an image by up to `padding` pixels each way, filling with black (torchvision's
    /// `RandomCrop(size, padding)`; 0 by default).
    #[must_use]
    pub fn random_crop(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// The same without augmentation, for validation and test.
    #[must_use]
    pub fn deterministic(&self) -> Self {
        ImageTransform { flip: 0.0, padding: 0, ..self.clone() }
    }

    /// Normalises images `(N, C, H, W)` without augmentation: the whole of a test set, or what `predict` was given.
    ///
    /// # Errors
    /// The images have another number of axes or channels than the transform, or a number of it is unusable.
    pub fn apply(&self, images: &Tensor<u8>) -> Result<Tensor<f32>> {
        let tables = self.tables(images.shape())?;
        let plane = images.shape()[2] * images.shape()[3];
        let images = images.contiguous();
        let mut out = Tensor::zeros(images.shape());
        if plane > 0 {
            let planes = images.as_slice().unwrap_or_default().chunks_exact(plane);
            for (i, (out, plane)) in out.data_mut().chunks_exact_mut(plane).zip(planes).enumerate() {
                look_up(&tables[i % tables.len()], plane, out);
            }
        }
        Ok(out)
    }

    /// The normalised value of every byte, for each channel.
    fn tables(&self, shape: &[usize]) -> Result<Vec<[f32; 256]>> {
        let fail = |text| Err(Error::value("ImageTransform", text));
        if shape.len() != 4 {
            return Err(Error::shape(
                "ImageTransform",
                format!("expected images (N, C, H, W), found {shape:?}"),
            ));
        }
        let (channels, mean, std) = (shape[1], &self.mean, &self.std);
        if mean.len() != channels || std.len() != channels {
            let (m, s) = (mean.len(), std.len());
            return fail(format!(
                "images {shape:?} have {channels} channels, the transform {m} means and {s} deviations"
            ));
        }
        if !mean.iter().chain(std).all(|v| v.is_finite()) || std.contains(&0.0) {
            return fail(format!(
                "means {mean:?} must be finite, standard deviations {std:?} finite and not zero"
            ));
        }
        if !(0.0..=1.0).contains(&self.flip) {
            return fail(format!("the probability of a flip lies in [0, 1], not {}", self.flip));
        }
        // A larger shift would push images out of sight altogether.
        if self.padding > 0 && self.padding >= shape[2].min(shape[3]) {
            return fail(format!("a padding of {} is as large as the images {shape:?}", self.padding));
        }
        let tables = mean.iter().zip(std);
        Ok(tables.map(|(m, s)| std::array::from_fn(|byte| (byte as f32 / 255.0 - m) / s)).collect())
    }
}

impl ImageDataset {
    /// The data set as a source of batches: `f32` images `(B, C, H, W)` that went through `transform`, and labels `(B)`.
    ///
    /// ```
    /// use barehand_data::{DataLoader, ImageTransform, embedded};
    ///
    /// let train = embedded()?.train;
    /// let (mean, std) = train.mean_std();
    /// let samples = train.with_transform(&ImageTransform::normalize(&mean, &std).random_flip(0.5))?;
    /// let loader = DataLoader::new(samples, 64)?.shuffle(true).seed(1);
    /// for batch in loader.epoch(0).take(3) {
    ///     let batch = batch?;
    ///     assert_eq!(batch.inputs.shape(), [64, 1, 28, 28]);
    ///     assert_eq!(batch.targets.shape(), [64]);
    /// }
    /// # Ok::<(), barehand_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// The transform has another number of channels than the images, or a number of it is unusable.
    pub fn with_transform(&self, transform: &ImageTransform) -> Result<TransformedImages> {
        Ok(TransformedImages {
            tables: transform.tables(self.images.shape())?,
            flip: transform.flip,
            padding: transform.padding,
            images: self.images.contiguous(),
            labels: self.labels.contiguous(),
        })
    }
}

/// Images and labels with an [`ImageTransform`]: see [`ImageDataset::with_transform`].
#[derive(Clone, Debug)]
pub struct TransformedImages {
    images: Tensor<u8>,
    labels: Tensor<i64>,
    tables: Vec<[f32; 256]>,
    flip: f64,
    padding: usize,
}

impl Dataset for TransformedImages {
    type Batch = Batch;

    fn len(&self) -> usize {
        self.images.shape()[0]
    }

    fn batch(&self, indices: &[usize], random: &mut Philox) -> Result<Batch> {
        check_indices(indices, self.len())?;
        let &[_, channels, height, width] = self.images.shape() else {
            return Err(Error::shape(
                "batch",
                format!("expected images (N, C, H, W), found {:?}", self.images.shape()),
            ));
        };
        let (plane, size) = (height * width, channels * height * width);
        let pixels = self.images.as_slice().unwrap_or_default();
        let mut inputs = Tensor::zeros([indices.len(), channels, height, width]);
        if size > 0 {
            for (out, &i) in inputs.data_mut().chunks_exact_mut(size).zip(indices) {
                let view = self.draw(random);
                let image = &pixels[i * size..(i + 1) * size];
                for ((out, image), table) in
                    out.chunks_exact_mut(plane).zip(image.chunks_exact(plane)).zip(&self.tables)
                {
                    view.apply(table, image, width, out);
                }
            }
        }
        Ok(Batch { inputs, targets: self.labels.take_rows(indices)? })
    }
}

impl TransformedImages {
    /// Where the next image is looked at from. Nothing is drawn for what is switched off.
    fn draw(&self, random: &mut Philox) -> Framing {
        let mut shift = || match self.padding {
            0 => 0,
            padding => (random.next_f64() * (2 * padding + 1) as f64) as isize - padding as isize,
        };
        let (down, right) = (shift(), shift());
        Framing { down, right, mirrored: self.flip > 0.0 && random.next_f64() < self.flip }
    }
}

/// A random crop and flip, decided.
struct Framing {
    /// Rows and columns by which the frame moves on the image; the image moves the other way.
    down: isize,
    right: isize,
    mirrored: bool,
}

impl Framing {
    fn apply(&self, table: &[f32; 256], image: &[u8], width: usize, out: &mut [f32]) {
        if self.down == 0 && self.right == 0 && !self.mirrored {
            return look_up(table, image, out);
        }
        let height = image.len() / width;
        // Columns of the frame that see the image; all others see the padding.
        let seen = self.right.min(0).unsigned_abs()..width - self.right.max(0).unsigned_abs();
        let first = self.right.max(0).unsigned_abs();
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            out.fill(table[0]);
            if let Some(y) = y.checked_add_signed(self.down).filter(|&y| y < height) {
                let row = &image[y * width + first..][..seen.len()];
                look_up(table, row, &mut out[seen.clone()]);
            }
            if self.mirrored {
                out.reverse();
            }
        }
    }
}

#[inline]
fn look_up(table: &[f32; 256], pixels: &[u8], out: &mut [f32]) {
    for (out, &pixel) in out.iter_mut().zip(pixels) {
        *out = table[usize::from(pixel)];
    }
}
