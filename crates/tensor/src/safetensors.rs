//! `.safetensors` files: named tensors and a map of text, in a format that cannot hold code.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use ::safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use crate::any_tensor::{AnyTensor, Encoding, NamedTensors};
use crate::element::DType;
use crate::error::{Error, Result};
use crate::{atomic_file, regular_file};

/// The name under which the header keeps the text.
const METADATA: &str = "__metadata__";

/// The content of a `.safetensors` file.
///
/// ```
/// use barehand_tensor::{Tensor, safetensors::Archive};
/// # fn main() -> barehand_tensor::Result<()> {
/// let mut archive = Archive::default();
/// archive.tensors.insert("weight".into(), Tensor::from([[1.0f32, 2.0]]).into());
/// archive.metadata.insert("format".into(), "1".into());
/// let read = Archive::from_bytes("memory", &archive.to_bytes()?)?;
/// assert_eq!(read, archive);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archive {
    /// The tensors by name.
    pub tensors: NamedTensors,
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
}

impl Archive {
    /// Reads a file. Types that tensors lack are widened: F16 and BF16 to f32; I8, I16 and U16 to i32; U32 and U64 to
    /// i64.
    ///
    /// # Errors
    /// Naming the file and what is wrong in it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let bytes = regular_file::read(&path, u64::MAX)?;
        Self::from_bytes(&path.as_ref().display().to_string(), &bytes)
    }

    /// Reads the bytes of a file; `source_name` names them in errors.
    ///
    /// # Errors
    /// As [`Archive::read`].
    pub fn from_bytes(source_name: &str, bytes: &[u8]) -> Result<Self> {
        let malformed = |message: String| Error::format(source_name, message);
        let invalid = |e: ::safetensors::SafeTensorError| malformed(format!("not a safetensors file: {e}"));
        // Reads the header and checks that the tensors tile the rest of the bytes.
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(invalid)?;
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let views = SafeTensors::deserialize(bytes).map_err(invalid)?;
        let mut tensors = NamedTensors::new();
        for (name, view) in views.iter() {
            let dtype = view.dtype();
            let encoding = encoding(dtype).ok_or_else(|| {
                malformed(format!("tensor {name:?}: elements of type {dtype:?} cannot be read"))
            })?;
            let shape = view.shape();
            if encoding.bytes_of(shape) != Some(view.data().len()) {
                let found = view.data().len();
                return Err(malformed(format!(
                    "tensor {name:?}: shape {shape:?} of {dtype:?} in {found} bytes"
                )));
            }
            let tensor = encoding.decode(view.data(), false, shape);
            tensors.insert(name.to_owned(), tensor.map_err(|e| malformed(format!("tensor {name:?}: {e}")))?);
        }
        Ok(Archive { tensors, metadata })
    }

    /// Writes a file, whole or not at all. The same content always gives the same bytes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        atomic_file::replace(path, |out| self.write_to(out))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// When a tensor has the name that the format keeps for the metadata.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes).map_err(|e| Error::value("to_bytes", e.to_string()))?;
        Ok(bytes)
    }

    fn write_to(&self, out: &mut dyn Write) -> std::io::Result<()> {
        // Widest elements first, so that every tensor is aligned to its elements; then by name.
        let mut order: Vec<(&String, &AnyTensor)> = self.tensors.iter().collect();
        order.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype().size()));
        if self.tensors.contains_key(METADATA) {
            let message = format!("a tensor cannot be named {METADATA:?}");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, message));
        }
        let mut header = Map::new();
        if !self.metadata.is_empty() {
            header.insert(METADATA.into(), json!(self.metadata));
        }
        let mut start = 0;
        for (name, tensor) in &order {
            let end = start + tensor.shape().iter().product::<usize>() * tensor.dtype().size();
            let entry: Value = json!({"dtype": type_name(tensor.dtype()), "shape": tensor.shape(), "data_offsets": [start, end]});
            header.insert((*name).clone(), entry);
            start = end;
        }
        let mut text = Value::Object(header).to_string();
        text += &" ".repeat(text.len().next_multiple_of(8) - text.len());
        out.write_all(&(text.len() as u64).to_le_bytes())?;
        out.write_all(text.as_bytes())?;
        order.iter().try_for_each(|(_, tensor)| tensor.write_elements(out))
    }
}

fn type_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "F32",
        DType::F64 => "F64",
        DType::I64 => "I64",
        DType::I32 => "I32",
        DType::U8 => "U8",
        DType::Bool => "BOOL",
    }
}

fn encoding(dtype: Dtype) -> Option<Encoding> {
    Some(match dtype {
        Dtype::F16 => Encoding::F16,
        Dtype::BF16 => Encoding::Bf16,
        Dtype::F32 => Encoding::F32,
        Dtype::F64 => Encoding::F64,
        Dtype::I8 => Encoding::I8,
        Dtype::I16 => Encoding::I16,
        Dtype::I32 => Encoding::I32,
        Dtype::I64 => Encoding::I64,
        Dtype::U8 => Encoding::U8,
        Dtype::U16 => Encoding::U16,
        Dtype::U32 => Encoding::U32,
        Dtype::U64 => Encoding::U64,
        Dtype::BOOL => Encoding::Bool,
        _ => return None,
    })
}
