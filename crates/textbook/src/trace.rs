//! The record a block keeps of its own work.

use crate::array::Array;

/// One named value on the way from the inputs to the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The block and pass it belongs to, such as `softmax: forward`.
    pub section: String,
    /// The symbol the formulas use for it.
    pub name: String,
    /// How it follows from the inputs and the steps before it.
    pub formula: String,
    /// The value.
    pub value: Array,
}

/// The steps of a computation, in order.
///
/// ```
/// use barehand_textbook::{Array, Trace, softmax};
///
/// let mut trace = Trace::new();
/// softmax(&Array::vector(&[2.0, 1.0, 0.1]), -1, &mut trace)?;
/// let names: Vec<&str> = trace.steps().iter().map(|step| step.name.as_str()).collect();
/// assert_eq!(names, ["m", "e", "s", "p"]);
/// # Ok::<(), barehand_textbook::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    steps: Vec<Step>,
    section: String,
    silent: bool,
}

impl Trace {
    /// A trace that records.
    pub fn new() -> Self {
        Trace::default()
    }

    /// A trace that records nothing, for those who only want the result.
    pub fn silent() -> Self {
        Trace { silent: true, ..Trace::default() }
    }

    /// Names the block and pass that the following steps belong to.
    pub fn section(&mut self, section: &str) {
        if !self.silent {
            section.clone_into(&mut self.section);
        }
    }

    /// Records `name = formula = value` and hands the value on.
    pub fn step(&mut self, name: &str, formula: &str, value: Array) -> Array {
        if !self.silent {
            self.steps.push(Step {
                section: self.section.clone(),
                name: name.to_owned(),
                formula: formula.to_owned(),
                value: value.clone(),
            });
        }
        value
    }

    /// Records one number and hands it on.
    pub fn number(&mut self, name: &str, formula: &str, value: f64) -> f64 {
        self.step(name, formula, Array::scalar(value));
        value
    }

    /// The steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The last value recorded under `name`.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.steps.iter().rev().find(|step| step.name == name).map(|step| &step.value)
    }
}
