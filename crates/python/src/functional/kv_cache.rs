//! The keys and values of tokens that were seen before.

use std::sync::Mutex;

use barehand_nn::KvCache;
use barehand_tensor::{AnyTensor, DType, Float};
use pyo3::prelude::*;

use super::{alike, not_float};
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, locked};

const NAME: &str = "KVCache";

/// What is held, in the precision of the first keys.
enum Held {
    F32(KvCache<f32>),
    F64(KvCache<f64>),
}

/// Runs the same on whatever is held.
macro_rules! on_held {
    ($held:expr, $cache:ident => $body:expr) => {
        match $held {
            Held::F32($cache) => $body,
            Held::F64($cache) => $body,
        }
    };
}

impl Held {
    fn other_precision(&self, given: DType) -> Failure {
        let held = on_held!(self, cache => precision(cache));
        Failure::wrong_type(format!(
            "{NAME}: the keys are {}, and the cache holds {}",
            dtype::name(given),
            dtype::name(held)
        ))
    }
}

fn precision<T: Float>(_: &KvCache<T>) -> DType {
    T::DTYPE
}

/// Keys and values of one attention layer, so that a sequence can be continued without computing them again: the outputs
/// of a sequence given in parts are those of the sequence given whole.
///
/// There is room for `capacity` tokens; the memory is taken when the first keys come.
///
/// >>> cache = bh.nn.KVCache(8)
/// >>> keys, values = cache.append(bh.ones(1, 2, 3, 4), bh.ones(1, 2, 3, 4))
/// >>> keys, values = cache.append(bh.zeros(1, 2, 1, 4), bh.zeros(1, 2, 1, 4))
/// >>> keys.shape, len(cache)
/// ((1, 2, 4, 4), 4)
#[pyclass(name = "KVCache", module = "barehand.nn", frozen)]
struct PyKvCache {
    capacity: usize,
    held: Mutex<Option<Held>>,
}

#[pymethods]
impl PyKvCache {
    #[new]
    fn new(capacity: usize) -> Self {
        PyKvCache { capacity, held: Mutex::new(None) }
    }

    /// How many tokens there is room for.
    #[getter]
    fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many tokens are held.
    fn __len__(&self) -> usize {
        locked(&self.held).as_ref().map_or(0, |held| on_held!(held, cache => cache.len()))
    }

    /// A cache is there, also while it is empty.
    fn __bool__(&self) -> bool {
        true
    }

    /// Forgets all tokens but the first `length`; the memory stays.
    #[pyo3(signature = (length=0))]
    fn truncate(&self, length: usize) {
        if let Some(held) = &mut *locked(&self.held) {
            on_held!(held, cache => cache.truncate(length));
        }
    }

    /// Adds the keys (N, H, L, E) and values (N, H, L, Ev) of further tokens, off the tape; returns those of all tokens
    /// held, in the cache's own memory.
    fn append(
        &self,
        keys: &Bound<'_, PyTensor>,
        values: &Bound<'_, PyTensor>,
    ) -> Result<(PyTensor, PyTensor)> {
        let mut held = locked(&self.held);
        macro_rules! append {
            ($kind:ident, $keys:ident) => {{
                let values = alike(NAME, "the values", values, &$keys)?;
                match held.get_or_insert_with(|| Held::$kind(KvCache::new(self.capacity))) {
                    Held::$kind(cache) => {
                        let (keys, values) = cache.append(&$keys.detach(), &values.detach())?;
                        Ok((keys.into(), values.into()))
                    }
                    other => Err(other.other_precision($keys.dtype())),
                }
            }};
        }
        match keys.get().value() {
            AnyTensor::F32(keys) => append!(F32, keys),
            AnyTensor::F64(keys) => append!(F64, keys),
            other => Err(not_float(NAME, other.dtype())),
        }
    }

    fn __repr__(&self) -> String {
        format!("KVCache({} of {} tokens)", self.__len__(), self.capacity)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.setattr("_KVCache", module.py().get_type::<PyKvCache>())
}
