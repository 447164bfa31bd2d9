//! Features made fit for estimators.

use barehand_textbook::{Array, StandardScaler};

use crate::block::{Block, input};

pub const BLOCKS: &[Block] = &[Block {
    name: "standard_scaler",
    section: "preprocessing",
    summary: "columns of mean 0 and standard deviation 1",
    formula: "z = (x - mean) / sqrt(var)",
    engine: Some("barehand::learn::preprocessing::StandardScaler"),
    twin: "barehand::textbook::StandardScaler",
    inputs: &[
        input("x", "(m, d), the samples that are learned from", "[[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]]"),
        input("query", "(n, d), the samples that are transformed, or null: the same", "null"),
    ],
    options: &[input("weights", "(m), what each sample weighs, or null: 1", "null")],
    run: |a, t| {
        let x = a.array("x")?;
        let rows = x.shape().first().copied().unwrap_or(0);
        let weights = a.maybe_array("weights")?.unwrap_or_else(|| Array::filled(&[rows], 1.0));
        let query = a.maybe_array("query")?.unwrap_or_else(|| x.clone());
        StandardScaler::fit(&x, &weights, t)?.transform(&query, t)?;
        Ok(())
    },
}];
