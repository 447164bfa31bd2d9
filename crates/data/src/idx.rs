//! IDX, the file format of MNIST and Fashion-MNIST: a magic number, the length of every axis, the elements.
//!
//! ```text
//! 0 0 type ndim        type: 08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64
//! ndim x u32           big-endian axis lengths, outermost first
//! elements             big-endian, row-major
//! ```
//!
//! Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

use std::path::Path;

use barehand_tensor::{Error, Result, Tensor};

use crate::source::Source;

/// The elements of an IDX file, in the type they are stored in.
#[derive(Clone, Debug, PartialEq)]
pub enum IdxData {
    /// Type byte 08.
    U8(Vec<u8>),
    /// Type byte 09.
    I8(Vec<i8>),
    /// Type byte 0B.
    I16(Vec<i16>),
    /// Type byte 0C.
    I32(Vec<i32>),
    /// Type byte 0D.
    F32(Vec<f32>),
    /// Type byte 0E.
    F64(Vec<f64>),
}

/// The content of an IDX file: an array of any of the format's element types.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// Length of every axis, outermost first; at least one axis.
    pub shape: Vec<usize>,
    /// The elements in row-major order.
    pub data: IdxData,
}

impl Idx {
    /// Reads an IDX file, plain or gzipped.
    ///
    /// # Errors
    /// The file cannot be read, its header is malformed, or it holds fewer or more bytes than the header declares. What
    /// the file's size rules out is refused before any memory is asked for.
    pub fn read(path: impl AsRef<Path>) -> Result<Idx> {
        Idx::from_source(&mut Source::open(path.as_ref())?)
    }

    /// Parses the content of an IDX file, plain or gzipped.
    ///
    /// ```
    /// use barehand_data::{Idx, IdxData};
    /// let idx = Idx::parse(&[0, 0, 0x08, 1, 0, 0, 0, 3, 7, 8, 9])?;
    /// assert_eq!((idx.shape, idx.data), (vec![3], IdxData::U8(vec![7, 8, 9])));
    /// # Ok::<(), barehand_tensor::Error>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Idx> {
        Idx::from_source(&mut Source::of_bytes(bytes, "IDX data")?)
    }

    /// The elements as a tensor, where they are bytes.
    pub fn into_u8(self) -> Result<Tensor<u8>> {
        match self.data {
            IdxData::U8(bytes) => Tensor::from_vec(bytes, &self.shape),
            other => Err(Error::value(
                "into_u8",
                format!("expected IDX elements of u8, found {}", other.type_name()),
            )),
        }
    }

    pub(crate) fn from_source(source: &mut Source<'_>) -> Result<Idx> {
        let magic = source.read_exact(4, "IDX magic number")?;
        let [0, 0, code, ndim] = magic[..] else {
            return Err(
                source.malformed(format!("an IDX file starts with two zero bytes, found {magic:02x?}"))
            );
        };
        let width = match code {
            0x08 | 0x09 => 1,
            0x0B => 2,
            0x0C | 0x0D => 4,
            0x0E => 8,
            _ => return Err(source.malformed(format!("unknown IDX element type {code:#04x}"))),
        };
        if ndim == 0 {
            return Err(source.malformed("an IDX array needs at least one axis, the header declares none"));
        }
        let header = source.read_exact(4 * u64::from(ndim), "IDX axis lengths")?;
        let shape: Vec<usize> =
            header.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();

        // Zero-length axes count as one here: strides of the others must not overflow either.
        let room = shape.iter().try_fold(width as usize, |room, &n| room.checked_mul(n.max(1)));
        let empty = shape.contains(&0);
        let len = match room {
            Some(room) if empty && isize::try_from(room).is_ok() => 0,
            Some(room) if room as u64 <= source.limit => room as u64,
            _ => {
                let limit = source.limit;
                let text =
                    format!("the header declares shape {shape:?}, more than the at most {limit} bytes here");
                return Err(source.malformed(text));
            }
        };
        let bytes = source.read_exact(len, &format!("elements of shape {shape:?}"))?;
        source.expect_end()?;
        Ok(Idx { shape, data: IdxData::decode(code, bytes) })
    }
}

impl IdxData {
    /// `bytes` holds whole elements of the type `code`, one of the six known.
    fn decode(code: u8, bytes: Vec<u8>) -> IdxData {
        fn each<const N: usize, T>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
            bytes.as_chunks::<N>().0.iter().map(|&chunk| from(chunk)).collect()
        }
        match code {
            0x08 => IdxData::U8(bytes),
            0x09 => IdxData::I8(each(&bytes, i8::from_be_bytes)),
            0x0B => IdxData::I16(each(&bytes, i16::from_be_bytes)),
            0x0C => IdxData::I32(each(&bytes, i32::from_be_bytes)),
            0x0D => IdxData::F32(each(&bytes, f32::from_be_bytes)),
            _ => IdxData::F64(each(&bytes, f64::from_be_bytes)),
        }
    }

    /// Rust's name of the element type.
    pub fn type_name(&self) -> &'static str {
        match self {
            IdxData::U8(_) => "u8",
            IdxData::I8(_) => "i8",
            IdxData::I16(_) => "i16",
            IdxData::I32(_) => "i32",
            IdxData::F32(_) => "f32",
            IdxData::F64(_) => "f64",
        }
    }
}
