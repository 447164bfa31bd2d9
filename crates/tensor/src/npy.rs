//! NumPy's `.npy` files (format versions 1, 2 and 3): one array behind a header that says how to read it.

use std::io::Write;
use std::path::Path;

use crate::any_tensor::{AnyTensor, Encoding};
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::tensor::Tensor;
use crate::{atomic_file, regular_file};

const MAGIC: &[u8] = b"\x93NUMPY";

impl AnyTensor {
    /// Reads a `.npy` file: reals, integers and truth values of either byte order, in C or Fortran order. Types that
    /// tensors lack are widened (f2 to f32; i1, i2 and u2 to i32; u4 and u8 to i64).
    ///
    /// # Errors
    /// Naming the file, the offset and what is wrong there.
    pub fn read_npy(path: impl AsRef<Path>) -> Result<Self> {
        let bytes = regular_file::read(&path, u64::MAX)?;
        Self::from_npy_bytes(&path.as_ref().display().to_string(), &bytes)
    }

    /// Reads the bytes of a `.npy` file; `source_name` names them in errors.
    ///
    /// # Errors
    /// As [`AnyTensor::read_npy`].
    pub fn from_npy_bytes(source_name: &str, bytes: &[u8]) -> Result<Self> {
        parse(bytes).map_err(|message| Error::format(source_name, message))
    }

    /// Writes a `.npy` file (version 1, little-endian, C order), whole or not at all.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write_npy(&self, path: impl AsRef<Path>) -> Result<()> {
        atomic_file::replace(path, |out| self.write_npy_to(out))
    }

    /// The bytes of a `.npy` file.
    pub fn to_npy_bytes(&self) -> Vec<u8> {
        let mut bytes = header(self.dtype(), self.shape());
        self.write_elements(&mut bytes).expect("memory takes all that is written to it");
        bytes
    }

    pub(crate) fn write_npy_to(&self, out: &mut dyn Write) -> std::io::Result<()> {
        out.write_all(&header(self.dtype(), self.shape()))?;
        self.write_elements(out)
    }
}

impl<T: Element> Tensor<T>
where
    AnyTensor: From<Tensor<T>>,
{
    /// Reads a `.npy` file whose elements are `T` (see [`AnyTensor::read_npy`] for any other).
    ///
    /// # Errors
    /// When the file is malformed or holds another element type.
    pub fn read_npy(path: impl AsRef<Path>) -> Result<Self> {
        let any = AnyTensor::read_npy(&path)?;
        any.get().map_err(|_| {
            let message = format!("holds {} elements, not {}", any.dtype(), T::DTYPE);
            Error::format(path.as_ref().display().to_string(), message)
        })
    }

    /// Writes a `.npy` file, whole or not at all.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write_npy(&self, path: impl AsRef<Path>) -> Result<()> {
        AnyTensor::from(self.detach()).write_npy(path)
    }
}

fn header(dtype: DType, shape: &[usize]) -> Vec<u8> {
    let descr = match dtype {
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::I64 => "<i8",
        DType::I32 => "<i4",
        DType::U8 => "|u1",
        DType::Bool => "|b1",
    };
    let lengths = match shape {
        [only] => format!("{only},"),
        _ => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // Padded so that the elements start on a multiple of 64 bytes.
    let start = MAGIC.len() + 4;
    let padded = (start + text.len() + 1).next_multiple_of(64) - start;
    text += &" ".repeat(padded - 1 - text.len());
    text += "\n";
    // Version 1 counts the header in 16 bits: enough for thousands of axes.
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> Result<AnyTensor, String> {
    if !bytes.starts_with(MAGIC) {
        return Err("offset 0: not a .npy file (it does not start with \\x93NUMPY)".into());
    }
    let cut = |end: usize| {
        format!("the file ends inside the header, after {} of at least {end} bytes", bytes.len())
    };
    let version = *bytes.get(6).ok_or_else(|| cut(10))?;
    let (start, header_len) = match version {
        1 => {
            let len = bytes.get(8..10).ok_or_else(|| cut(10))?;
            (10, u16::from_le_bytes([len[0], len[1]]) as usize)
        }
        2 | 3 => {
            let len = bytes.get(8..12).ok_or_else(|| cut(12))?;
            (12, u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize)
        }
        other => return Err(format!("offset 6: format version {other}; versions 1, 2 and 3 are known")),
    };
    let data = start + header_len;
    let text = bytes.get(start..data).ok_or_else(|| cut(data))?;
    let text = std::str::from_utf8(text)
        .map_err(|e| format!("offset {}: the header is not text", start + e.valid_up_to()))?;
    let header = Header::parse(text).map_err(|(at, message)| format!("offset {}: {message}", start + at))?;

    let (encoding, big_endian) = encoding(&header.descr)?;
    let too_large =
        || format!("shape {:?} of {} is larger than memory can address", header.shape, header.descr);
    let expected = encoding.bytes_of(&header.shape).ok_or_else(too_large)?;
    let found = bytes.len() - data;
    if found != expected {
        let shape = &header.shape;
        return Err(format!("offset {data}: shape {shape:?} needs {expected} bytes, the file holds {found}"));
    }
    let elements = &bytes[data..];
    if !header.fortran_order || header.shape.len() < 2 {
        return encoding.decode(elements, big_endian, &header.shape);
    }
    // Column-major is row-major with the axes reversed.
    let reversed: Vec<usize> = header.shape.iter().rev().copied().collect();
    let axes: Vec<usize> = (0..reversed.len()).rev().collect();
    macro_rules! transposed {
        ($($variant:ident),*) => {
            match encoding.decode(elements, big_endian, &reversed)? {
                $(AnyTensor::$variant(x) => x.with_layout(x.layout.permute(&axes)).contiguous().into(),)*
            }
        };
    }
    Ok(transposed!(F32, F64, I64, I32, U8, Bool))
}

/// The element type behind NumPy's `descr`, and whether its bytes are reversed.
fn encoding(descr: &str) -> Result<(Encoding, bool), String> {
    let (order, kind) = descr.split_at_checked(1).unwrap_or(("", ""));
    let encoding = match kind {
        "f2" => Encoding::F16,
        "f4" => Encoding::F32,
        "f8" => Encoding::F64,
        "i1" => Encoding::I8,
        "i2" => Encoding::I16,
        "i4" => Encoding::I32,
        "i8" => Encoding::I64,
        "u1" => Encoding::U8,
        "u2" => Encoding::U16,
        "u4" => Encoding::U32,
        "u8" => Encoding::U64,
        "b1" => Encoding::Bool,
        _ => return Err(format!("elements of type {descr:?}; reals, integers and truth values can be read")),
    };
    match order {
        "<" => Ok((encoding, false)),
        ">" => Ok((encoding, true)),
        "|" if encoding.size() == 1 => Ok((encoding, false)),
        "=" => Ok((encoding, cfg!(target_endian = "big"))),
        _ => Err(format!("elements of type {descr:?} have no byte order")),
    }
}

struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads the one form of Python dictionary that NumPy writes. Errors carry their offset.
    fn parse(text: &str) -> Result<Header, (usize, String)> {
        let mut cursor = Cursor { text, at: 0 };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        cursor.expect('{')?;
        while !cursor.accept('}') {
            let at = cursor.at;
            let key = cursor.string()?;
            cursor.expect(':')?;
            let repeated = match key {
                "descr" => descr.replace(cursor.string()?.to_owned()).is_some(),
                "fortran_order" => fortran_order.replace(cursor.truth()?).is_some(),
                "shape" => shape.replace(cursor.tuple()?).is_some(),
                _ => return Err((at, format!("unknown key {key:?} in the header"))),
            };
            if repeated {
                return Err((at, format!("key {key:?} stands twice in the header")));
            }
            if !cursor.accept(',') {
                cursor.expect('}')?;
                break;
            }
        }
        if !cursor.rest().is_empty() {
            return Err((cursor.at, "text after the header's dictionary".into()));
        }
        let missing = |key: &str| (0, format!("the header lacks {key:?}"));
        Ok(Header {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// What is left, white space skipped.
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn accept(&mut self, symbol: char) -> bool {
        let found = self.rest().starts_with(symbol);
        self.at += if found { symbol.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, symbol: char) -> Result<(), (usize, String)> {
        if self.accept(symbol) {
            Ok(())
        } else {
            Err((self.at, format!("{symbol:?} expected in the header")))
        }
    }

    fn string(&mut self) -> Result<&'a str, (usize, String)> {
        let rest = self.rest();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let inner = quote.and_then(|quote| rest[1..].split_once(quote)).map(|(inner, _)| inner);
        // Structured types are lists of fields.
        let inner = inner.ok_or_else(|| (self.at, "a quoted word expected in the header".into()))?;
        self.at += inner.len() + 2;
        Ok(inner)
    }

    fn truth(&mut self) -> Result<bool, (usize, String)> {
        let rest = self.rest();
        for (word, value) in [("True", true), ("False", false)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err((self.at, "True or False expected in the header".into()))
    }

    fn tuple(&mut self) -> Result<Vec<usize>, (usize, String)> {
        self.expect('(')?;
        let mut lengths = Vec::new();
        while !self.accept(')') {
            let rest = self.rest();
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let length = rest[..digits]
                .parse()
                .map_err(|_| (self.at, "an axis length expected in the header".into()))?;
            lengths.push(length);
            self.at += digits;
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(lengths)
    }
}
