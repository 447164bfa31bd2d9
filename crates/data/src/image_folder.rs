//! A folder of pictures in one subfolder for each class.

use std::path::{Path, PathBuf};

use barehand_tensor::{Error, Result, Tensor};

use crate::image_dataset::ImageDataset;
use crate::image_file::ImageOptions;

/// Reads `root/CLASS/PICTURE` (torchvision's `ImageFolder`): subfolders in the order of their names are the classes;
/// their files ending in `.png`, `.jpg` or `.jpeg`, in the order of theirs, the images. Hidden files and files with
/// another ending are passed over.
///
/// # Errors
/// There is no class or no picture in a class, a picture cannot be read, or pictures differ in size while `options`
/// sets none.
pub fn image_folder(root: impl AsRef<Path>, options: &ImageOptions) -> Result<ImageDataset> {
    let root = root.as_ref();
    let classes = entries(root, std::path::Path::is_dir)?;
    if classes.is_empty() {
        return Err(Error::format(root.display().to_string(), "no subfolders, expected one for each class"));
    }
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut shape: Option<Vec<usize>> = None;
    for (label, folder) in classes.iter().enumerate() {
        let pictures = entries(folder, is_picture)?;
        if pictures.is_empty() {
            return Err(Error::format(
                folder.display().to_string(),
                "no .png, .jpg or .jpeg file in this class",
            ));
        }
        for path in pictures {
            let image = options.read(&path)?;
            let first = shape.get_or_insert_with(|| image.shape().to_vec());
            if first != image.shape() {
                let text =
                    format!("shape {:?} differs from the first image's {first:?}; set a size", image.shape());
                return Err(Error::format(path.display().to_string(), text));
            }
            pixels.extend(image.to_vec());
            labels.push(label as i64);
        }
    }
    let mut whole = vec![labels.len()];
    whole.extend(shape.unwrap_or_default());
    let count = labels.len();
    let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let class_names = classes.iter().map(|path| name(path)).collect();
    ImageDataset::new(
        name(root),
        Tensor::from_vec(pixels, &whole)?,
        Tensor::from_vec(labels, [count])?,
        class_names,
    )
}

/// The visible entries of `folder` that `wanted` accepts, sorted by name.
fn entries(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let entry = entry.map_err(|e| Error::io(folder, e))?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && wanted(&entry.path()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    ending.is_some_and(|ending| ["png", "jpg", "jpeg"].iter().any(|known| ending == *known)) && path.is_file()
}
