//! `model.safetensors`: weights, and in the header all that prediction needs beside them.

use std::path::Path;

use barehand::data::{ImageDataset, ImageTransform, TransformedImages};
use barehand::nn::models::{Cnn, Mlp};
use barehand::nn::{Module, StateDict};
use barehand::tensor::safetensors::Archive;
use barehand::tensor::{AnyTensor, Generator, regular_file};
use barehand::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::config::{ModelKind, RunConfig};

/// How a network is built and what it takes in and gives out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    pub model: ModelKind,
    pub hidden: Vec<usize>,
    pub channels: Vec<usize>,
    pub dropout: f64,
    /// What the images were called that it learned from.
    pub trained_on: String,
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// The classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// Each channel's mean and standard deviation, by which images are normalised.
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}

/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 1;
const FORMAT: &str = "barehand-image-classifier";

impl Architecture {
    /// The network that `config` describes, for images like these.
    pub fn new(config: &RunConfig, images: &ImageDataset) -> Architecture {
        let (mean, mut std) = images.mean_std();
        // A channel that never varies cannot be scaled by its spread.
        std.iter_mut().filter(|std| **std == 0.0).for_each(|std| *std = 1.0);
        Architecture {
            model: config.model,
            hidden: config.hidden.clone(),
            channels: config.channels.clone(),
            dropout: config.dropout,
            trained_on: images.name.clone(),
            image: images.image_shape(),
            classes: images.class_names.clone(),
            mean,
            std,
        }
    }

    /// The network with new weights.
    pub fn build(&self, generator: &mut Generator) -> Result<Box<dyn Module>> {
        let [channels, height, width] = self.image;
        let classes = self.classes.len();
        Ok(match self.model {
            ModelKind::Mlp => {
                let mut sizes = vec![channels * height * width];
                sizes.extend(&self.hidden);
                sizes.push(classes);
                Box::new(Mlp::builder(&sizes).dropout(self.dropout).build(generator)?)
            }
            ModelKind::Cnn => Box::new(
                Cnn::builder(channels, [height, width], classes)
                    .channels(&self.channels)
                    .hidden(&self.hidden)
                    .dropout(self.dropout)
                    .build(generator)?,
            ),
        })
    }

    /// What an image goes through on its way into the network.
    pub fn transform(&self) -> ImageTransform {
        ImageTransform::normalize(&self.mean, &self.std)
    }

    /// Images ready for the network; refused where they do not fit it.
    pub fn samples(&self, images: &ImageDataset) -> Result<TransformedImages> {
        self.check(images)?;
        images.with_transform(&self.transform())
    }

    fn check(&self, images: &ImageDataset) -> Result<()> {
        if images.image_shape() != self.image {
            return Err(Error::shape(
                "model",
                format!(
                    "images of shape {:?} for a network that takes {:?} (channels, height, width)",
                    images.image_shape(),
                    self.image
                ),
            ));
        }
        if images.class_names.len() != self.classes.len() {
            return Err(Error::shape(
                "model",
                format!(
                    "{} classes for a network that tells {}",
                    images.class_names.len(),
                    self.classes.len()
                ),
            ));
        }
        Ok(())
    }
}

/// Writes a network.
pub fn write(path: &Path, architecture: &Architecture, model: &dyn Module) -> Result<()> {
    archive(architecture, model)?.write(path)
}

/// What [`write`] writes.
pub fn archive(architecture: &Architecture, model: &dyn Module) -> Result<Archive> {
    let header =
        serde_json::to_string(architecture).map_err(|error| Error::value("model file", error.to_string()))?;
    let mut archive = Archive::default();
    archive.metadata.insert("format".into(), FORMAT.into());
    archive.metadata.insert("version".into(), VERSION.to_string());
    archive.metadata.insert("architecture".into(), header);
    archive.tensors = model.state_dict().into_iter().map(|(name, x)| (name, AnyTensor::from(x))).collect();
    Ok(archive)
}

/// Reads a network, in evaluation mode.
pub fn read(path: &Path) -> Result<(Architecture, Box<dyn Module>)> {
    from_bytes(&path.display().to_string(), &regular_file::read(path, u64::MAX)?)
}

/// As [`read`], from the content of the file; `source_name` names it in errors.
pub fn from_bytes(source_name: &str, bytes: &[u8]) -> Result<(Architecture, Box<dyn Module>)> {
    let archive = Archive::from_bytes(source_name, bytes)?;
    let refuse = |message: String| Error::format(source_name, message);
    let text = |key: &str| {
        let missing =
            || refuse(format!("the header has no \"{key}\": not a model that `barehand train` wrote"));
        archive.metadata.get(key).ok_or_else(missing)
    };
    if text("format")? != FORMAT {
        return Err(refuse(format!("the format is \"{}\", not \"{FORMAT}\"", text("format")?)));
    }
    let version: u32 = text("version")?.parse().map_err(|_| refuse("the version is not a number".into()))?;
    if version > VERSION {
        return Err(refuse(format!(
            "version {version} is newer than this program, which reads up to {VERSION}"
        )));
    }
    let architecture: Architecture = serde_json::from_str(text("architecture")?)
        .map_err(|error| refuse(format!("architecture: {error}")))?;
    let weights = archive
        .tensors
        .iter()
        .map(|(name, x)| {
            Ok((name.clone(), x.get::<f32>().map_err(|error| refuse(format!("{name}: {error}")))?))
        })
        .collect::<Result<StateDict>>()?;
    let declared = architecture.declared_weights();
    let stored: usize = weights.iter().map(|(_, x)| x.len()).sum();
    // A header may claim any width: nothing is allocated for more weights than the file really holds.
    if declared.is_none_or(|declared| declared > stored) {
        return Err(refuse(format!(
            "the header describes no network, or one larger than the {stored} numbers in the file"
        )));
    }
    let mut model = architecture.build(&mut Generator::new(0))?;
    model.load_state_dict(&weights).map_err(|error| refuse(error.to_string()))?;
    model.eval();
    Ok((architecture, model))
}

impl Architecture {
    /// The weights that the network needs (without its biases), before anything is built; at most the largest number.
    /// `None` where there is no network: nothing to take in or to tell, or too many convolutions for the image.
    pub fn declared_weights(&self) -> Option<usize> {
        let [mut features, mut height, mut width] = self.image;
        if self.classes.is_empty() || self.image.contains(&0) {
            return None;
        }
        let mut total = 0usize;
        if self.model == ModelKind::Cnn {
            for &channels in &self.channels {
                total = total.saturating_add(features.saturating_mul(channels).saturating_mul(9));
                features = channels;
            }
            // Every convolution takes a pixel from each side, the pooling half of what is left.
            let lost = 2 * self.channels.len();
            (height, width) = (height.checked_sub(lost)? / 2, width.checked_sub(lost)? / 2);
        }
        let inputs = features.saturating_mul(height).saturating_mul(width);
        let widths: Vec<usize> =
            [inputs].into_iter().chain(self.hidden.iter().copied()).chain([self.classes.len()]).collect();
        Some(
            widths
                .windows(2)
                .fold(total, |total, pair| total.saturating_add(pair[0].saturating_mul(pair[1]))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_a_header_are_counted_before_they_are_allocated() {
        let mut described = Architecture {
            model: ModelKind::Cnn,
            hidden: vec![128],
            channels: vec![32, 64],
            dropout: 0.0,
            trained_on: String::new(),
            image: [1, 28, 28],
            classes: vec![String::new(); 10],
            mean: vec![0.0],
            std: vec![1.0],
        };
        let biases = 32 + 64 + 128 + 10;
        assert_eq!(described.declared_weights(), Some(1_199_882 - biases));
        described.image = [1, 1 << 40, 1 << 40];
        assert_eq!(described.declared_weights(), Some(usize::MAX));
        described.image = [1, 3, 3];
        assert_eq!(described.declared_weights(), None);
        described.model = ModelKind::Mlp;
        assert_eq!(described.declared_weights(), Some(9 * 128 + 128 * 10));
        described.classes.clear();
        assert_eq!(described.declared_weights(), None);
    }
}
