//! A golden case: what went in, what PyTorch got out, and its gradients.

use std::collections::BTreeMap;
use std::path::Path;

use barehand_tensor::safetensors::Archive;
use barehand_tensor::{AnyTensor, Element, Float, Tensor};
use serde_json::Value;

use crate::compare::Tally;

/// An output: numbers, positions, truths, or whole numbers of some type.
pub enum Output<T: Element> {
    Real(Tensor<T>),
    Whole(AnyTensor),
    Index(Tensor<i64>),
    Mask(Tensor<bool>),
}

impl<T: Float> From<Tensor<T>> for Output<T> {
    fn from(x: Tensor<T>) -> Self {
        Output::Real(x)
    }
}

pub type Outputs<T> = Vec<Output<T>>;

/// Values and where they were found.
pub fn indexed<T: Element>((values, indices): (Tensor<T>, Tensor<i64>)) -> Outputs<T> {
    vec![Output::Real(values), Output::Index(indices)]
}

pub struct Case<T: Element> {
    pub name: String,
    pub op: String,
    options: Value,
    outputs: Vec<String>,
    grads: Vec<String>,
    /// The differentiable inputs as leaves, in order with the others.
    inputs: Vec<(String, AnyTensor)>,
    leaves: BTreeMap<String, Tensor<T>>,
    /// Outputs, weights and gradients.
    expected: BTreeMap<String, AnyTensor>,
}

/// The cases of a family in the precision of `T`.
pub fn read<T: Float>(family: &str) -> Vec<Case<T>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/goldens/{family}.{}.safetensors", T::DTYPE));
    let mut archive = Archive::read(path).unwrap();
    let document: Value = serde_json::from_str(&archive.metadata["golden"]).unwrap();
    let mut cases = Vec::new();
    for case in document["cases"].as_array().unwrap() {
        let text = |key: &str| case[key].as_str().unwrap().to_string();
        let names = |key: &str| -> Vec<String> {
            case[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_string()).collect()
        };
        let prefix = format!("{}/", text("name"));
        let keys: Vec<String> =
            archive.tensors.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
        let mut expected: BTreeMap<String, AnyTensor> = keys
            .into_iter()
            .map(|key| (key[prefix.len()..].to_string(), archive.tensors.remove(&key).unwrap()))
            .collect();
        let inputs: Vec<(String, AnyTensor)> = names("inputs")
            .into_iter()
            .map(|name| {
                let x = expected.remove(&name).unwrap();
                (name, x)
            })
            .collect();
        let grads = names("grads");
        let leaf = |(name, x): &(String, AnyTensor)| Some((name.clone(), x.get::<T>().ok()?));
        let leaves = inputs
            .iter()
            .filter_map(leaf)
            .map(|(name, x)| if grads.contains(&name) { (name, x.requires_grad()) } else { (name, x) })
            .collect();
        let (outputs, options) = (names("outputs"), case["options"].clone());
        cases.push(Case {
            name: text("name"),
            op: text("op"),
            options,
            outputs,
            grads,
            inputs,
            leaves,
            expected,
        });
    }
    assert!(archive.tensors.is_empty(), "tensors that belong to no case: {:?}", archive.tensors.keys());
    cases
}

impl<T: Float> Case<T> {
    /// A real input.
    pub fn real(&self, name: &str) -> &Tensor<T> {
        &self.leaves[name]
    }

    /// The only input, or the first.
    pub fn x(&self) -> &Tensor<T> {
        self.real(if self.leaves.contains_key("x") { "x" } else { "a" })
    }

    /// All real inputs, in order.
    pub fn reals(&self) -> Vec<&Tensor<T>> {
        self.inputs.iter().filter_map(|(name, _)| self.leaves.get(name)).collect()
    }

    /// The inputs, of whatever types, in order.
    pub fn inputs(&self) -> Vec<&AnyTensor> {
        self.inputs.iter().map(|(_, x)| x).collect()
    }

    /// An input of integers or truths.
    pub fn other<U: Element>(&self, name: &str) -> Tensor<U> {
        self.inputs.iter().find(|(input, _)| input == name).unwrap().1.get().unwrap()
    }

    pub fn has(&self, option: &str) -> bool {
        !self.options[option].is_null()
    }

    pub fn number(&self, option: &str) -> f64 {
        self.options[option].as_f64().unwrap_or_else(|| panic!("{}: no number {option}", self.name))
    }

    pub fn integer(&self, option: &str) -> isize {
        self.options[option].as_i64().unwrap_or_else(|| panic!("{}: no integer {option}", self.name)) as isize
    }

    pub fn flag(&self, option: &str) -> bool {
        self.options[option].as_bool().unwrap_or_else(|| panic!("{}: no flag {option}", self.name))
    }

    pub fn text(&self, option: &str) -> &str {
        self.options[option].as_str().unwrap_or_else(|| panic!("{}: no text {option}", self.name))
    }

    /// A list of integers; a single one is a list of one.
    pub fn list(&self, option: &str) -> Vec<isize> {
        match &self.options[option] {
            Value::Array(items) => items.iter().map(|item| item.as_i64().unwrap() as isize).collect(),
            _ => vec![self.integer(option)],
        }
    }

    pub fn sizes(&self, option: &str) -> Vec<usize> {
        self.list(option).into_iter().map(|n| n as usize).collect()
    }

    /// Compares outputs with PyTorch's, differentiates, and compares the gradients.
    pub fn compare(&self, outputs: Outputs<T>, tally: &mut Tally) {
        assert_eq!(outputs.len(), self.outputs.len(), "{}: the number of outputs", self.name);
        let mut objective: Option<Tensor<T>> = None;
        for (name, output) in self.outputs.iter().zip(outputs) {
            let (golden, place) = (&self.expected[name], format!("{} {name}", self.name));
            match output {
                Output::Real(x) => {
                    tally.compare(&place, &self.op, &x, &golden.get().unwrap());
                    if let Some(weight) = self.expected.get(&format!("w.{name}")) {
                        let term = x.mul(&weight.get().unwrap()).unwrap().sum().unwrap();
                        objective =
                            Some(objective.map_or_else(|| term.clone(), |sum| sum.add(&term).unwrap()));
                    }
                }
                Output::Whole(x) => assert!(x == *golden, "{place}"),
                Output::Index(x) => assert_eq!(x, golden.get().unwrap(), "{place}"),
                Output::Mask(x) => assert_eq!(x, golden.get().unwrap(), "{place}"),
            }
        }
        let Some(objective) = objective else {
            assert!(self.grads.is_empty(), "{}: gradients without an objective", self.name);
            return;
        };
        let gradients = objective.backward().unwrap();
        for name in &self.grads {
            let leaf = &self.leaves[name];
            // A leaf that took no part has the gradient 0.
            let zero = leaf.detach().zeros_like();
            let gradient = gradients.get(leaf).unwrap_or(&zero);
            let golden = self.expected[&format!("grad.{name}")].get().unwrap();
            tally.compare(&format!("{} grad.{name}", self.name), &self.op, gradient, &golden);
        }
    }
}
