//! All blocks by name.

use std::sync::LazyLock;

use serde_json::Value;

use crate::arguments::Arguments;
use crate::block::Block;
use crate::blocks::{
    activations, arithmetic, attention, clusters, convolution, layers, linear_models, losses, metrics,
    model_selection, naive_bayes, neighbors, optimizers, preprocessing, recurrent, regression, schedules,
    scores, transformers, trees,
};
use crate::error::Error;
use crate::report::Trace;

/// Every block, chapter by chapter.
pub fn blocks() -> &'static [&'static Block] {
    static BLOCKS: LazyLock<Vec<&'static Block>> = LazyLock::new(|| {
        let chapters = [
            losses::BLOCKS,
            activations::BLOCKS,
            arithmetic::BLOCKS,
            layers::BLOCKS,
            attention::BLOCKS,
            transformers::BLOCKS,
            convolution::BLOCKS,
            recurrent::BLOCKS,
            optimizers::BLOCKS,
            schedules::BLOCKS,
            regression::BLOCKS,
            clusters::BLOCKS,
            naive_bayes::BLOCKS,
            neighbors::BLOCKS,
            preprocessing::BLOCKS,
            trees::BLOCKS,
            linear_models::BLOCKS,
            metrics::BLOCKS,
            scores::BLOCKS,
            model_selection::BLOCKS,
        ];
        chapters.into_iter().flatten().collect()
    });
    &BLOCKS
}

/// The block called `name`; case, `-` and `_` do not matter (`CrossEntropy`, `cross-entropy` and `cross_entropy` are
/// one). An error that names the nearest block if there is none.
pub fn find(name: &str) -> Result<&'static Block, Error> {
    let wanted = folded(name);
    if let Some(block) = blocks().iter().find(|block| folded(block.name) == wanted) {
        return Ok(block);
    }
    let distance = |block: &'static Block| {
        let known = folded(block.name);
        let within = wanted.len() >= 3 && known.contains(&wanted);
        (if within { 1 } else { edit_distance(&wanted, &known) }, block)
    };
    let nearest = blocks().iter().copied().map(distance).min_by_key(|(distance, _)| *distance);
    let suggestion =
        nearest.filter(|(distance, _)| *distance <= 1 + wanted.len() / 3).map(|(_, block)| block.name);
    Err(Error::UnknownBlock { name: name.to_owned(), suggestion })
}

/// Runs the block called `name` forward and backward on `inputs`, which name its inputs and options (an empty name is
/// its first input); what is not given takes the block's default.
pub fn trace(name: &str, inputs: &[(String, Value)]) -> Result<Trace, Error> {
    let block = find(name)?;
    let arguments = Arguments::new(block, inputs)?;
    let mut steps = barehand_textbook::Trace::new();
    (block.run)(&arguments, &mut steps)?;
    Ok(Trace::new(block, arguments.values().to_vec(), steps.steps().to_vec()))
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| *c != '_' && *c != '-' && *c != ' ').flat_map(char::to_lowercase).collect()
}

/// How many letters must be added, dropped or changed to get from `a` to `b`. Levenshtein 1966.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
