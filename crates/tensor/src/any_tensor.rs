//! A tensor whose element type is known only at run time: what files hold.

use std::collections::BTreeMap;
use std::io::{self, Write};

use barehand_kernels::Buffer;

use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Tensors by name.
pub type NamedTensors = BTreeMap<String, AnyTensor>;

/// A tensor of any element type.
///
/// ```
/// use barehand_tensor::{AnyTensor, DType, Tensor};
///
/// let any = AnyTensor::from(Tensor::from([1.0f32, 2.0]));
/// assert_eq!(any.dtype(), DType::F32);
/// assert!(any.get::<i64>().is_err());
/// assert_eq!(any.cast::<i64>().to_vec(), [1, 2]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // The names say it.
pub enum AnyTensor {
    F32(Tensor<f32>),
    F64(Tensor<f64>),
    I64(Tensor<i64>),
    I32(Tensor<i32>),
    U8(Tensor<u8>),
    Bool(Tensor<bool>),
}

/// Runs one expression for whichever tensor is inside an [`AnyTensor`].
///
/// ```
/// use barehand_tensor::{AnyTensor, Tensor, each_tensor};
///
/// let any = AnyTensor::from(Tensor::<i64>::from([1, 2, 3]));
/// assert_eq!(each_tensor!(&any, x => x.len()), 3);
/// ```
#[macro_export]
macro_rules! each_tensor {
    ($any:expr, $x:ident => $body:expr) => {
        match $any {
            $crate::AnyTensor::F32($x) => $body,
            $crate::AnyTensor::F64($x) => $body,
            $crate::AnyTensor::I64($x) => $body,
            $crate::AnyTensor::I32($x) => $body,
            $crate::AnyTensor::U8($x) => $body,
            $crate::AnyTensor::Bool($x) => $body,
        }
    };
}

macro_rules! from_tensor {
    ($($t:ty => $variant:ident),*) => { $(
        impl From<Tensor<$t>> for AnyTensor {
            fn from(tensor: Tensor<$t>) -> Self {
                AnyTensor::$variant(tensor)
            }
        }
    )* };
}
from_tensor!(f32 => F32, f64 => F64, i64 => I64, i32 => I32, u8 => U8, bool => Bool);

impl AnyTensor {
    /// The element type.
    pub fn dtype(&self) -> DType {
        each_tensor!(self, x => x.dtype())
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        each_tensor!(self, x => x.shape())
    }

    /// The tensor inside.
    ///
    /// # Errors
    /// When its elements are not `T`.
    pub fn get<T: Element>(&self) -> Result<Tensor<T>> {
        let found: &dyn std::any::Any = each_tensor!(self, x => x);
        found.downcast_ref::<Tensor<T>>().cloned().ok_or_else(|| {
            let message =
                format!("the elements are {}, not {}; cast() converts them", self.dtype(), T::DTYPE);
            Error::value("get", message)
        })
    }

    /// The tensor inside with its elements converted to `T` as [`Tensor::cast`] does.
    pub fn cast<T: Element>(&self) -> Tensor<T> {
        self.get::<T>().unwrap_or_else(|_| each_tensor!(self, x => x.cast()))
    }

    /// The elements, row-major and little-endian.
    pub(crate) fn write_elements(&self, out: &mut dyn Write) -> io::Result<()> {
        fn write<T: Element, const N: usize>(
            x: &Tensor<T>,
            bytes: fn(T) -> [u8; N],
            out: &mut dyn Write,
        ) -> io::Result<()> {
            let mut encoded = Vec::with_capacity(N * 8192);
            for values in x.packed().packed_slice().chunks(8192) {
                encoded.clear();
                encoded.extend(values.iter().flat_map(|&value| bytes(value)));
                out.write_all(&encoded)?;
            }
            Ok(())
        }
        match self {
            AnyTensor::F32(x) => write(x, f32::to_le_bytes, out),
            AnyTensor::F64(x) => write(x, f64::to_le_bytes, out),
            AnyTensor::I64(x) => write(x, i64::to_le_bytes, out),
            AnyTensor::I32(x) => write(x, i32::to_le_bytes, out),
            AnyTensor::U8(x) => write(x, u8::to_le_bytes, out),
            AnyTensor::Bool(x) => write(x, |value| [u8::from(value)], out),
        }
    }
}

/// How a file encodes an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Encoding {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl Encoding {
    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Encoding::I8 | Encoding::U8 | Encoding::Bool => 1,
            Encoding::F16 | Encoding::Bf16 | Encoding::I16 | Encoding::U16 => 2,
            Encoding::F32 | Encoding::I32 | Encoding::U32 => 4,
            Encoding::F64 | Encoding::I64 | Encoding::U64 => 8,
        }
    }

    /// The bytes that an array of `shape` takes; `None` where no memory can hold as many. Axes of length 0 count as 1,
    /// so that the product of any of the lengths fits too.
    pub(crate) fn bytes_of(self, shape: &[usize]) -> Option<usize> {
        let bound = shape.iter().try_fold(self.size(), |bytes, &n| bytes.checked_mul(n.max(1)))?;
        isize::try_from(bound).is_ok().then(|| if shape.contains(&0) { 0 } else { bound })
    }

    /// The elements of row-major `bytes`, whose length is that of `shape`. Types that tensors lack are widened: halves
    /// to f32, small integers to i32, unsigned 32 and 64 bits to i64; an integer beyond i64 is an error.
    pub(crate) fn decode(self, bytes: &[u8], big_endian: bool, shape: &[usize]) -> Result<AnyTensor, String> {
        fn read<T: Element, const N: usize>(
            bytes: &[u8],
            big_endian: bool,
            shape: &[usize],
            value: impl Fn([u8; N]) -> T,
        ) -> AnyTensor
        where
            AnyTensor: From<Tensor<T>>,
        {
            let (elements, _) = bytes.as_chunks::<N>();
            let mut buffer = Buffer::scratch(elements.len());
            for (out, &element) in buffer.iter_mut().zip(elements) {
                let mut element = element;
                if big_endian {
                    element.reverse();
                }
                *out = value(element);
            }
            Tensor::from_buffer(buffer, shape).into()
        }
        macro_rules! read {
            ($value:expr) => {
                read(bytes, big_endian, shape, $value)
            };
        }
        Ok(match self {
            Encoding::F16 => read!(|b| half_to_single(u16::from_le_bytes(b))),
            Encoding::Bf16 => read!(|b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
            Encoding::F32 => read!(f32::from_le_bytes),
            Encoding::F64 => read!(f64::from_le_bytes),
            Encoding::I8 => read!(|b| i32::from(i8::from_le_bytes(b))),
            Encoding::I16 => read!(|b| i32::from(i16::from_le_bytes(b))),
            Encoding::I32 => read!(i32::from_le_bytes),
            Encoding::I64 => read!(i64::from_le_bytes),
            Encoding::U8 => read!(u8::from_le_bytes),
            Encoding::U16 => read!(|b| i32::from(u16::from_le_bytes(b))),
            Encoding::U32 => read!(|b| i64::from(u32::from_le_bytes(b))),
            Encoding::U64 => {
                let tensor = read!(i64::from_le_bytes);
                let AnyTensor::I64(x) = &tensor else { return Ok(tensor) };
                if let Some(at) = x.packed_slice().iter().position(|&v| v < 0) {
                    let value = x.packed_slice()[at] as u64;
                    return Err(format!("element {at} is {value}, more than a 64-bit signed integer holds"));
                }
                tensor
            }
            Encoding::Bool => read!(|[b]: [u8; 1]| b != 0),
        })
    }
}

/// IEEE 754 half precision, exactly.
fn half_to_single(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let magnitude = u32::from(bits & 0x7FFF);
    let value = match magnitude >> 10 {
        // Zero and subnormal numbers: multiples of 2^-24.
        0 => (magnitude as f32 * 2f32.powi(-24)).to_bits(),
        31 => 0x7F80_0000 | (magnitude & 0x3FF) << 13,
        _ => (magnitude << 13) + (112 << 23),
    };
    f32::from_bits(sign | value)
}
