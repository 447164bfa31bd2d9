//! Reads the committed answers of PyTorch (`proofs/goldens/golden.py` documents the format) as textbook arrays.

#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use barehand_textbook::Array;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// A family of cases and the tensors they name.
pub struct Family {
    pub cases: Vec<Case>,
}

/// One case: what was computed, with which options, and every array of it.
pub struct Case {
    pub name: String,
    pub op: String,
    pub options: Value,
    pub arrays: BTreeMap<String, Array>,
}

impl Family {
    /// The `f64` file of `family` among the goldens of `krate`.
    pub fn read(krate: &str, family: &str) -> Family {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let path = root.join(krate).join("tests/goldens").join(format!("{family}.f64.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let document: Value = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["golden"]).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut arrays: BTreeMap<String, BTreeMap<String, Array>> = BTreeMap::new();
        for (key, view) in tensors.iter() {
            let (case, name) = key.split_once('/').unwrap();
            let numbers: Vec<f64> = match view.dtype() {
                Dtype::F64 => {
                    view.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
                }
                Dtype::I64 => {
                    view.data().chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect()
                }
                Dtype::BOOL => view.data().iter().map(|&b| f64::from(b)).collect(),
                _ => continue,
            };
            let array = Array::new(view.shape(), numbers).unwrap();
            arrays.entry(case.to_owned()).or_default().insert(name.to_owned(), array);
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let cases = document["cases"].as_array().unwrap().iter().map(|case| Case {
            name: text(&case["name"]),
            op: text(&case["op"]),
            options: case["options"].clone(),
            arrays: arrays.remove(case["name"].as_str().unwrap()).unwrap_or_default(),
        });
        Family { cases: cases.collect() }
    }

    /// The cases of one operation; never none.
    pub fn of<'a>(&'a self, op: &'a str) -> Vec<&'a Case> {
        let cases: Vec<&Case> = self.cases.iter().filter(|case| case.op == op).collect();
        assert!(!cases.is_empty(), "no golden for {op}");
        cases
    }
}

impl Case {
    /// The array called `name`.
    pub fn array(&self, name: &str) -> &Array {
        self.arrays.get(name).unwrap_or_else(|| panic!("{}: no array {name}", self.name))
    }

    /// The array called `name`, if the case has one.
    pub fn maybe(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    /// The option called `name` as a number.
    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.options[name].as_f64().unwrap_or(default)
    }

    /// The option called `name` as a truth value.
    pub fn is(&self, name: &str, default: bool) -> bool {
        self.options[name].as_bool().unwrap_or(default)
    }

    /// The option called `name` as a pair; one number stands for two.
    pub fn pair(&self, name: &str, default: [usize; 2]) -> [usize; 2] {
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        match &self.options[name] {
            Value::Null => default,
            Value::Array(pair) => [number(&pair[0]), number(&pair[1])],
            one => [number(one); 2],
        }
    }

    /// The option called `name` as text.
    pub fn text(&self, name: &str) -> &str {
        self.options[name].as_str().unwrap_or_default()
    }

    /// Fails unless `ours` is the array called `name` to 1e-12 of each element, plus the rounding of terms that cancel:
    /// 1e-13 of the largest ordinary number in the case.
    pub fn expect(&self, name: &str, ours: &Array) {
        self.expect_unless(name, ours, |_| false);
    }

    /// The same for the elements that `skip`, given their position, does not exclude.
    pub fn expect_unless(&self, name: &str, ours: &Array, skip: impl Fn(usize) -> bool) {
        let theirs = self.array(name);
        assert_eq!(ours.shape(), theirs.shape(), "{}/{name}: shape", self.name);
        let ordinary = self.arrays.values().flat_map(Array::data).map(|v| v.abs()).filter(|v| *v < 1e6);
        let scale = ordinary.fold(0.0, f64::max);
        for (i, (&a, &b)) in ours.data().iter().zip(theirs.data()).enumerate() {
            if skip(i) {
                continue;
            }
            let close =
                a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * b.abs() + 1e-13 * scale;
            assert!(close, "{}/{name}[{i}]: {a:e}, PyTorch says {b:e}", self.name);
        }
    }
}
