//! A trace as people and programs read it.

use std::fmt::{self, Write};

use barehand_textbook::{Array, Step};
use serde_json::{Value, json};

use crate::block::Block;

/// Significant digits of the short form.
const DIGITS: usize = 6;

/// Longer rows and taller arrays are cut in the short form.
const MOST_COLUMNS: usize = 12;
const MOST_ROWS: usize = 24;

/// What a block computed, step by step. Displayed as aligned text of six digits; [`Trace::to_text`] gives all of them.
#[derive(Clone, Debug)]
pub struct Trace {
    block: &'static Block,
    inputs: Vec<(&'static str, Value)>,
    steps: Vec<Step>,
}

impl Trace {
    pub(crate) fn new(block: &'static Block, inputs: Vec<(&'static str, Value)>, steps: Vec<Step>) -> Self {
        Trace { block, inputs, steps }
    }

    /// The block that ran.
    pub fn block(&self) -> &'static Block {
        self.block
    }

    /// The value of each of its inputs and options.
    pub fn inputs(&self) -> &[(&'static str, Value)] {
        &self.inputs
    }

    /// The named values, in the order they were computed.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The last value recorded under `name`.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.steps.iter().rev().find(|step| step.name == name).map(|step| &step.value)
    }

    /// Block, inputs and steps as JSON, every number in full. Infinities and not-a-number are the strings `inf`, `-inf`
    /// and `nan`.
    pub fn to_json(&self) -> Value {
        let steps = self.steps.iter().enumerate().map(|(i, step)| {
            json!({
                "step": i + 1,
                "section": step.section,
                "name": step.name,
                "formula": step.formula,
                "shape": step.value.shape(),
                "values": nested(step.value.shape(), step.value.data()),
            })
        });
        let inputs: serde_json::Map<String, Value> =
            self.inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        json!({
            "block": self.block.name,
            "summary": self.block.summary,
            "formula": self.block.formula,
            "engine": self.block.engine,
            "twin": self.block.twin,
            "inputs": inputs,
            "steps": steps.collect::<Vec<_>>(),
        })
    }

    /// Aligned text: a header, then step number, name, formula and value. `full` prints every digit and every element;
    /// otherwise numbers have six digits and large arrays are cut.
    pub fn to_text(&self, full: bool) -> String {
        let mut text = format!("{}: {}\n{}\n\n", self.block.name, self.block.summary, self.block.formula);
        let engine = self.block.engine.map(|engine| ("engine", engine.to_owned()));
        let places = engine.into_iter().chain([("textbook", self.block.twin.to_owned())]);
        let inputs = self.inputs.iter().map(|(name, value)| (*name, value.to_string()));
        let header: Vec<(&str, String)> = places.chain(inputs).collect();
        let labels = header.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        for (label, value) in header {
            let _ = writeln!(text, "{label:<labels$}  {value}");
        }
        let width =
            |of: fn(&Step) -> &str| self.steps.iter().map(|s| of(s).chars().count()).max().unwrap_or(0);
        let (names, formulas) = (width(|s| &s.name), width(|s| &s.formula).min(48));
        let mut section = "";
        for (i, step) in self.steps.iter().enumerate() {
            if step.section != section {
                section = &step.section;
                let _ = writeln!(text, "\n{section}");
            }
            let head = format!("{:>4}  {:<names$} = {:<formulas$}", i + 1, step.name, step.formula);
            let rows = rows(&step.value, full);
            let indent = " ".repeat(4 + 2 + names + 3 + formulas);
            for (n, row) in rows.iter().enumerate() {
                let _ = writeln!(text, "{}  {row}", if n == 0 { &head } else { &indent });
            }
        }
        text
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(false))
    }
}

/// The lines of an array: one for a scalar or vector, one for each row of what has more axes.
fn rows(array: &Array, full: bool) -> Vec<String> {
    if array.is_empty() {
        return vec![format!("(no elements, shape {:?})", array.shape())];
    }
    let columns = array.shape().last().copied().unwrap_or(1);
    let words: Vec<String> =
        array.data().iter().map(|v| if full { v.to_string() } else { rounded(*v) }).collect();
    let width = words.iter().map(|word| word.chars().count()).max().unwrap_or(0);
    let line = |row: &[String]| {
        let shown = if full { row.len() } else { row.len().min(MOST_COLUMNS) };
        let mut line: Vec<String> = row[..shown].iter().map(|word| format!("{word:>width$}")).collect();
        if shown < row.len() {
            line.push(format!("… {} more", row.len() - shown));
        }
        line.join("  ")
    };
    let count = array.len() / columns;
    let shown = if full { count } else { count.min(MOST_ROWS) };
    let mut lines: Vec<String> = words.chunks(columns).take(shown).map(line).collect();
    if shown < count {
        lines.push(format!("… {} more rows", count - shown));
    }
    if array.rank() > 2 {
        lines[0] = format!("{}   shape {:?}", lines[0], array.shape());
    }
    lines
}

/// Six significant digits, without trailing zeros; very large and very small numbers with an exponent.
fn rounded(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let exponent = value.abs().log10().floor() as i32;
    if !(-5..10).contains(&exponent) {
        let text = format!("{value:.*e}", DIGITS - 1);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let decimals = (DIGITS as i32 - 1 - exponent).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Row-major numbers as nested lists.
fn nested(shape: &[usize], data: &[f64]) -> Value {
    match shape {
        [] => match data[0] {
            v if v.is_nan() => json!("nan"),
            f64::INFINITY => json!("inf"),
            f64::NEG_INFINITY => json!("-inf"),
            v => json!(v),
        },
        [n, rest @ ..] => {
            let size = rest.iter().product::<usize>();
            (0..*n).map(|i| nested(rest, &data[i * size..(i + 1) * size])).collect()
        }
    }
}
