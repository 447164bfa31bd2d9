//! A table of a model: its layers, the shapes they put out, and what they cost.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use crate::module::{Entry, Place};
use crate::{Float, Module, Result, Tensor, no_grad};

/// One module of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name in the model; empty for the model itself.
    pub path: String,
    /// The name of its type.
    pub kind: &'static str,
    /// The shape it put out, where it said so ([`observe`]).
    pub output: Option<Vec<usize>>,
    /// Whether that output exists in memory: not where the module is fused with what comes after it.
    pub kept: bool,
    /// Numbers in the parameters it holds itself, not counting modules inside it.
    pub parameters: usize,
    /// How many modules it lies in.
    pub depth: usize,
}

/// What a model consists of: made by [`summary`], printed as an aligned table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Every module, outer ones before those inside them.
    pub rows: Vec<Row>,
    /// Numbers in all parameters.
    pub parameters: usize,
    /// Numbers in the parameters that are trained.
    pub trainable: usize,
    /// Bytes of one input.
    pub input_bytes: usize,
    /// Bytes that the outputs of all innermost modules take together, which training keeps for the backward pass; without
    /// those that never exist, because the module is fused with what comes after it.
    pub output_bytes: usize,
    /// Bytes of all parameters.
    pub parameter_bytes: usize,
}

struct Observation {
    place: Place,
    shape: Vec<usize>,
    kept: bool,
}

thread_local! {
    static OBSERVATIONS: RefCell<Option<Vec<Observation>>> = const { RefCell::new(None) };
}

/// Passes on the output of `module`; while a [`summary`] is made, notes its shape. For the end of a `forward` of one's
/// own, so that the table knows the module's output.
pub fn observe<M, T: Float>(module: &M, output: Result<Tensor<T>>) -> Result<Tensor<T>> {
    note(|| Place::of(module), &output);
    output
}

/// [`observe`] for a module that goes by another name than its type.
pub(crate) fn observe_as<M, T: Float>(
    module: &M,
    kind: &'static str,
    output: Result<Tensor<T>>,
) -> Result<Tensor<T>> {
    note(|| Place::named(module, kind), &output);
    output
}

/// Notes the shape that `module` would have put out, where something fused with it did not keep that.
pub(crate) fn observe_shape<M>(module: &M, kind: &'static str, shape: impl FnOnce() -> Vec<usize>) {
    OBSERVATIONS.with_borrow_mut(|observations| {
        if let Some(observations) = observations {
            observations.push(Observation { place: Place::named(module, kind), shape: shape(), kept: false });
        }
    });
}

fn note<T: Float>(place: impl FnOnce() -> Place, output: &Result<Tensor<T>>) {
    OBSERVATIONS.with_borrow_mut(|observations| {
        if let (Some(observations), Ok(output)) = (observations, output) {
            observations.push(Observation { place: place(), shape: output.shape().to_vec(), kept: true });
        }
    });
}

/// Runs `model` once on zeros of `input` (without recording) and tells what it consists of.
///
/// ```
/// use barehand_nn::{Generator, models, summary};
///
/// let model = models::mlp::<f32>(&[784, 512, 10], &mut Generator::new(0)).unwrap();
/// let table = summary(&model, &[1, 784]).unwrap();
/// assert_eq!(table.parameters, 407_050);
/// println!("{table}");
/// ```
///
/// The model runs in the mode it is in; switch it to evaluation first, so that running statistics stay.
///
/// # Errors
/// When the model refuses the input.
pub fn summary<T: Float>(model: &dyn Module<T>, input: &[usize]) -> Result<Summary> {
    struct Stop;
    impl Drop for Stop {
        fn drop(&mut self) {
            OBSERVATIONS.set(None);
        }
    }
    let input = Tensor::zeros(input);
    OBSERVATIONS.set(Some(Vec::new()));
    let stop = Stop;
    let output = no_grad(|| model.forward(&input))?;
    let mut observations: Vec<Option<Observation>> =
        OBSERVATIONS.take().unwrap_or_default().into_iter().map(Some).collect();
    drop(stop);

    let mut rows: Vec<Row> = Vec::new();
    let (mut parameters, mut trainable) = (0, 0);
    let mut leaves = HashSet::new();
    model.visit("", &mut |path, entry| match entry {
        Entry::Module(place) => {
            // Modules without fields may share an address: each takes the first output that is left.
            let seen = observations.iter_mut().find(|o| o.as_ref().is_some_and(|o| o.place == place));
            let (shape, kept) =
                seen.and_then(Option::take).map_or((None, false), |seen| (Some(seen.shape), seen.kept));
            let depth = rows.iter().rev().find(|row| inside(path, &row.path)).map_or(0, |row| row.depth + 1);
            rows.push(Row {
                path: path.to_owned(),
                kind: place.kind,
                output: shape,
                kept,
                parameters: 0,
                depth,
            });
        }
        // A tied parameter was counted under its first name.
        Entry::Parameter(parameter) if parameter.leaf_id().is_none_or(|leaf| leaves.insert(leaf)) => {
            parameters += parameter.len();
            trainable += if parameter.is_leaf() { parameter.len() } else { 0 };
            if let Some(row) = rows.iter_mut().rev().find(|row| inside(path, &row.path)) {
                row.parameters += parameter.len();
            }
        }
        _ => {}
    });
    if let Some(root) = rows.first_mut()
        && root.path.is_empty()
    {
        (root.output, root.kept) = (Some(output.shape().to_vec()), true);
    }
    let innermost = |i: usize| rows.get(i + 1).is_none_or(|next| next.depth <= rows[i].depth);
    let outputs: usize = (0..rows.len())
        .filter(|&i| innermost(i) && rows[i].kept)
        .filter_map(|i| rows[i].output.as_ref())
        .map(|shape| shape.iter().product::<usize>())
        .sum();
    let size = size_of::<T>();
    Ok(Summary {
        parameters,
        trainable,
        input_bytes: input.len() * size,
        output_bytes: outputs * size,
        parameter_bytes: parameters * size,
        rows,
    })
}

/// Whether a name lies inside the module of another name.
fn inside(path: &str, module: &str) -> bool {
    module.is_empty() && !path.is_empty()
        || path.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
}

/// 1234567 as 1,234,567.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = |row: &Row| {
            // A number alone names nothing: it goes with the list that it counts in.
            let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
            let name = row
                .path
                .rmatch_indices('.')
                .map(|(dot, _)| &row.path[dot + 1..])
                .find(|name| !is_number(name))
                .or((!row.path.is_empty()).then_some(row.path.as_str()));
            let indent = "  ".repeat(row.depth);
            name.map_or_else(
                || format!("{indent}{}", row.kind),
                |name| format!("{indent}{} ({name})", row.kind),
            )
        };
        let cells: Vec<[String; 3]> = self
            .rows
            .iter()
            .map(|row| {
                [
                    layer(row),
                    row.output.as_ref().map_or_else(|| "--".to_owned(), |shape| format!("{shape:?}")),
                    if row.parameters == 0 { "--".to_owned() } else { grouped(row.parameters) },
                ]
            })
            .collect();
        let head = ["Layer (name)", "Output shape", "Parameters"];
        let width = |column: usize| {
            cells.iter().map(|row| row[column].chars().count()).chain([head[column].len()]).max().unwrap_or(0)
        };
        let (a, b, c) = (width(0), width(1), width(2));
        let rule = "=".repeat(a + b + c + 4);
        writeln!(f, "{rule}")?;
        writeln!(f, "{:<a$}  {:<b$}  {:>c$}", head[0], head[1], head[2])?;
        writeln!(f, "{rule}")?;
        for [layer, output, parameters] in &cells {
            writeln!(f, "{layer:<a$}  {output:<b$}  {parameters:>c$}")?;
        }
        writeln!(f, "{rule}")?;
        writeln!(f, "Parameters:     {}", grouped(self.parameters))?;
        writeln!(f, "Trainable:      {}", grouped(self.trainable))?;
        writeln!(f, "Frozen:         {}", grouped(self.parameters - self.trainable))?;
        let megabytes = |bytes: usize| bytes as f64 / 1e6;
        writeln!(f, "Input (MB):     {:.2}", megabytes(self.input_bytes))?;
        writeln!(f, "Outputs (MB):   {:.2}", megabytes(self.output_bytes))?;
        writeln!(f, "Weights (MB):   {:.2}", megabytes(self.parameter_bytes))?;
        write!(f, "{rule}")
    }
}
