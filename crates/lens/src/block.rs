//! What the registry knows of a block.

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::error::Error;

/// A block of the library: what it computes, where it lives, what it takes, and how to trace it.
#[derive(Debug)]
pub struct Block {
    /// The name it is found by, such as `cross_entropy`.
    pub name: &'static str,
    /// The chapter it belongs to: `losses`, `activations`, `arithmetic`, `layers`, `attention`, `optimizers`, `schedules`,
    /// `regression`, `learners` or `metrics`.
    pub section: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
    /// The formula.
    pub formula: &'static str,
    /// Where the fast engine has it; `None` for blocks that exist to be read.
    pub engine: Option<&'static str>,
    /// Where the textbook has it.
    pub twin: &'static str,
    /// The numbers it works on; the first one may be given without a name.
    pub inputs: &'static [Input],
    /// The conventions that can be chosen.
    pub options: &'static [Input],
    pub(crate) run: fn(&Arguments, &mut barehand_textbook::Trace) -> Result<(), Error>,
}

/// A named input or option.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// What it is: shape, meaning, choices.
    pub about: &'static str,
    /// Its default, as JSON; for inputs the example that is traced when nothing is given.
    pub default: &'static str,
}

impl Block {
    /// Every field as JSON, defaults as values.
    pub fn to_json(&self) -> Value {
        let list = |inputs: &[Input]| -> Vec<Value> {
            let one = |i: &Input| json!({"name": i.name, "about": i.about, "default": i.default_value()});
            inputs.iter().map(one).collect()
        };
        json!({
            "name": self.name,
            "section": self.section,
            "summary": self.summary,
            "formula": self.formula,
            "engine": self.engine,
            "twin": self.twin,
            "inputs": list(self.inputs),
            "options": list(self.options),
        })
    }
}

impl Input {
    /// The default as a JSON value.
    pub fn default_value(&self) -> Value {
        // The registry's own text; a test parses every one of them.
        serde_json::from_str(self.default).unwrap_or(Value::Null)
    }
}

/// An input, in one line.
pub(crate) const fn input(name: &'static str, about: &'static str, default: &'static str) -> Input {
    Input { name, about, default }
}

/// How losses are reduced.
pub(crate) const REDUCTION: Input = input("reduction", "mean, sum or none", "\"mean\"");

/// The gradient that comes from behind, of the sum of all outputs by default.
pub(crate) const UPSTREAM: Input =
    input("upstream", "gradient of the output, its shape; null: all ones", "null");

/// The same where the gradient of the sum would be zero.
pub(crate) const UPSTREAM_OF_FIRST: Input =
    input("upstream", "gradient of the output, its shape; null: 1 for its first element, else 0", "null");
