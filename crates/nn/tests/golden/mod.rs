//! Reads the goldens made by `proofs/goldens`: cases of inputs, PyTorch's outputs, and PyTorch's gradients.

#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::path::Path;

use barehand_nn::{Float, Tensor};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// One family in one precision.
pub struct Goldens<T: Float> {
    pub cases: Vec<Value>,
    reals: BTreeMap<String, Tensor<T>>,
    integers: BTreeMap<String, Tensor<i64>>,
}

pub fn read(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl<T: Float> Goldens<T> {
    pub fn load(family: &str) -> Self {
        let bytes = read(&format!("{family}.{}.safetensors", T::DTYPE));
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let golden = &metadata.metadata().as_ref().unwrap()["golden"];
        let document: Value = serde_json::from_str(golden).unwrap();
        let (mut reals, mut integers) = (BTreeMap::new(), BTreeMap::new());
        for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            let (name, shape, data) = (name.to_owned(), view.shape(), view.data());
            let words = |width| data.chunks_exact(width);
            match view.dtype() {
                Dtype::I64 => {
                    let values = words(8).map(|w| i64::from_le_bytes(w.try_into().unwrap())).collect();
                    integers.insert(name, Tensor::from_vec(values, shape).unwrap());
                }
                Dtype::F64 => {
                    let values =
                        words(8).map(|w| T::from_real(f64::from_le_bytes(w.try_into().unwrap()))).collect();
                    reals.insert(name, Tensor::from_vec(values, shape).unwrap());
                }
                Dtype::F32 => {
                    let values = words(4)
                        .map(|w| T::from_real(f32::from_le_bytes(w.try_into().unwrap()).into()))
                        .collect();
                    reals.insert(name, Tensor::from_vec(values, shape).unwrap());
                }
                other => panic!("{name} is {other:?}"),
            }
        }
        Goldens { cases: document["cases"].as_array().unwrap().clone(), reals, integers }
    }

    /// A real tensor of a case, where it has one of this name.
    pub fn find(&self, case: &Value, tensor: &str) -> Option<&Tensor<T>> {
        self.reals.get(&format!("{}/{tensor}", name(case)))
    }

    /// A real tensor of a case.
    pub fn real(&self, case: &Value, tensor: &str) -> &Tensor<T> {
        self.find(case, tensor).unwrap_or_else(|| panic!("{} has no {tensor}", name(case)))
    }

    /// A tensor of indices of a case, where it has one of this name.
    pub fn find_integers(&self, case: &Value, tensor: &str) -> Option<&Tensor<i64>> {
        self.integers.get(&format!("{}/{tensor}", name(case)))
    }

    /// Fails where `value` is further from the case's tensor than `tolerance` times (1 + its largest element).
    pub fn assert_close(&self, case: &Value, tensor: &str, value: &Tensor<T>, tolerance: f64) {
        let expected = self.real(case, tensor);
        assert_eq!(value.shape(), expected.shape(), "{}: {tensor}", name(case));
        let finite =
            expected.to_vec().iter().map(|x| x.as_f64().abs()).filter(|x| x.is_finite()).fold(0.0, f64::max);
        for (i, (x, y)) in value.to_vec().iter().zip(expected.to_vec()).enumerate() {
            let (x, y) = (x.as_f64(), y.as_f64());
            let close = x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= tolerance * (1.0 + finite);
            assert!(close, "{}: {tensor}[{i}] is {x:e}, PyTorch says {y:e}", name(case));
        }
    }
}

pub fn name(case: &Value) -> &str {
    case["name"].as_str().unwrap()
}

pub fn op(case: &Value) -> &str {
    case["op"].as_str().unwrap()
}

/// The sum of an output times its weights, which the goldens differentiate.
pub fn weighted<T: Float>(output: &Tensor<T>, weights: &Tensor<T>) -> Tensor<T> {
    output.mul(weights).unwrap().sum().unwrap()
}
