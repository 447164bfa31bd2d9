//! NumPy's `.npz` files: a zip archive with one `.npy` member an array.

use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::any_tensor::{AnyTensor, NamedTensors};
use crate::error::{Error, Result};
use crate::{atomic_file, regular_file};

/// No deflate stream grows by more than this factor.
const LARGEST_RATIO: u64 = 1032;

/// Reads every array of a `.npz` file, stored or deflated, by name.
///
/// # Errors
/// Naming the file, the member, the offset in it and what is wrong there.
pub fn read_npz(path: impl AsRef<Path>) -> Result<NamedTensors> {
    let (file, _) = regular_file::open(&path)?;
    from_npz(&path.as_ref().display().to_string(), BufReader::new(file))
}

/// Reads the arrays of a `.npz` archive; `source_name` names it in errors.
///
/// # Errors
/// As [`read_npz`].
pub fn from_npz(source_name: &str, archive: impl Read + Seek) -> Result<NamedTensors> {
    let malformed = |e: ZipError| Error::format(source_name, format!("not a readable zip archive: {e}"));
    let mut archive = ZipArchive::new(archive).map_err(malformed)?;
    let mut tensors = NamedTensors::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(malformed)?;
        let full_name = member.name().map_err(malformed)?.into_owned();
        let place = format!("{source_name}, member {full_name:?}");
        let Some(name) = full_name.strip_suffix(".npy").map(str::to_owned) else {
            return Err(Error::format(place, "not an array: its name does not end in .npy"));
        };
        let (size, packed) = (member.size(), member.compressed_size());
        if size > packed.saturating_mul(LARGEST_RATIO).saturating_add(64) {
            return Err(Error::format(
                place,
                format!("{packed} bytes cannot unpack to the {size} it claims"),
            ));
        }
        let mut bytes = Vec::new();
        let read = member.by_ref().take(size.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|e| Error::format(&place, format!("offset {}: {e}", bytes.len())))?;
        if bytes.len() as u64 != size {
            return Err(Error::format(place, format!("unpacks to other than the {size} bytes it claims")));
        }
        if tensors.insert(name, AnyTensor::from_npy_bytes(&place, &bytes)?).is_some() {
            return Err(Error::format(place, "stands twice in the archive"));
        }
    }
    Ok(tensors)
}

/// Writes a `.npz` file, whole or not at all; `compressed` deflates it (NumPy's `savez_compressed`). The same tensors
/// always give the same bytes.
///
/// # Errors
/// What the operating system says.
pub fn write_npz(path: impl AsRef<Path>, tensors: &NamedTensors, compressed: bool) -> Result<()> {
    atomic_file::replace(path, |out| write_to(out, tensors, compressed))
}

/// The bytes that [`write_npz`] writes.
///
/// # Errors
/// When a name is too long for the format.
pub fn to_npz(tensors: &NamedTensors, compressed: bool) -> Result<Vec<u8>> {
    let mut bytes = io::Cursor::new(Vec::new());
    write_to(&mut bytes, tensors, compressed).map_err(|e| Error::value("to_npz", e.to_string()))?;
    Ok(bytes.into_inner())
}

fn write_to(out: impl Write + Seek, tensors: &NamedTensors, compressed: bool) -> io::Result<()> {
    let method = if compressed { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    // Room for members beyond 4 GiB.
    let options = SimpleFileOptions::default().compression_method(method).large_file(true);
    let mut archive = ZipWriter::new(out);
    for (name, tensor) in tensors {
        archive.start_file(format!("{name}.npy"), options).map_err(io::Error::from)?;
        tensor.write_npy_to(&mut archive)?;
    }
    archive.finish().map_err(io::Error::from)?.flush()
}
