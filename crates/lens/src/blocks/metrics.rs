//! Scores of predictions.

use barehand_textbook::{accuracy, confusion_matrix, log_loss, precision_recall, top_k_accuracy};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::error::Error;

const TRUTH: Input = input("truth", "true classes (N), from 0", "[2, 0, 2, 2, 0, 1]");
const PREDICTED: Input = input("predicted", "predicted classes (N), from 0", "[0, 0, 2, 2, 0, 2]");
const SCORES: &str = "[[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]]";
const PROBABILITIES: &str = "[[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]]";

/// Classes are read one by one in a trace: a thousand of them is more than anybody does.
const MOST_CLASSES: i64 = 1000;

pub fn classes(a: &Arguments, name: &str) -> Result<Vec<usize>, Error> {
    let class = |n: i64| {
        let valid = (0..MOST_CLASSES).contains(&n);
        let message = || format!("class {n} does not lie in 0..{MOST_CLASSES}");
        if valid { Ok(n as usize) } else { Err(a.invalid(name, message())) }
    };
    a.integers(name)?.into_iter().map(class).collect()
}

/// True classes, predicted classes, and how many classes they name.
fn labels(a: &Arguments) -> Result<(Vec<usize>, Vec<usize>, usize), Error> {
    let (truth, predicted) = (classes(a, "truth")?, classes(a, "predicted")?);
    let count = truth.iter().chain(&predicted).max().map_or(0, |most| most + 1);
    Ok((truth, predicted, count))
}

pub const BLOCKS: &[Block] = &[
    Block {
        name: "accuracy",
        section: "metrics",
        summary: "the share of predictions that are right",
        formula: "accuracy = sum_i C_ii / samples",
        engine: Some("barehand::metrics::accuracy"),
        twin: "barehand::textbook::accuracy",
        inputs: &[TRUTH, PREDICTED],
        options: &[],
        run: |a, t| {
            let (truth, predicted, classes) = labels(a)?;
            accuracy(&truth, &predicted, classes, t)?;
            Ok(())
        },
    },
    Block {
        name: "confusion_matrix",
        section: "metrics",
        summary: "what was predicted for what was true",
        formula: "C_ij = samples of class i predicted as j",
        engine: Some("barehand::metrics::ConfusionMatrix"),
        twin: "barehand::textbook::confusion_matrix",
        inputs: &[TRUTH, PREDICTED],
        options: &[],
        run: |a, t| {
            let (truth, predicted, classes) = labels(a)?;
            confusion_matrix(&truth, &predicted, classes, t)?;
            Ok(())
        },
    },
    Block {
        name: "precision_recall",
        section: "metrics",
        summary: "precision, recall and F of each class, and their averages",
        formula: "precision = right / predicted, recall = right / support, F = (1 + b^2) right / (b^2 support + predicted)",
        engine: Some("barehand::metrics::PrecisionRecall"),
        twin: "barehand::textbook::precision_recall",
        inputs: &[TRUTH, PREDICTED],
        options: &[input("beta", "how many times as important recall is as precision", "1.0")],
        run: |a, t| {
            let beta = a.number("beta")?;
            let (truth, predicted, classes) = labels(a)?;
            let confusion = confusion_matrix(&truth, &predicted, classes, t)?;
            precision_recall(&confusion, beta, t)?;
            Ok(())
        },
    },
    Block {
        name: "top_k_accuracy",
        section: "metrics",
        summary: "the share of samples whose class is among the k best scored",
        formula: "share of samples with fewer than k classes scored above the true one",
        engine: Some("barehand::metrics::top_k_accuracy"),
        twin: "barehand::textbook::top_k_accuracy",
        inputs: &[
            input("truth", "true classes (N), from 0", "[0, 1, 2, 2]"),
            input("scores", "(N, classes)", SCORES),
        ],
        options: &[input("k", "how many classes count", "2")],
        run: |a, t| {
            top_k_accuracy(&classes(a, "truth")?, &a.array("scores")?, a.count("k")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "log_loss",
        section: "metrics",
        summary: "the mean surprise at the true classes",
        formula: "-mean ln min(max(p, e), 1 - e)",
        engine: Some("barehand::metrics::log_loss"),
        twin: "barehand::textbook::log_loss",
        inputs: &[
            input("truth", "true classes (N), from 0", "[0, 1, 2]"),
            input("probabilities", "(N, classes)", PROBABILITIES),
        ],
        options: &[],
        run: |a, t| {
            log_loss(&classes(a, "truth")?, &a.array("probabilities")?, t)?;
            Ok(())
        },
    },
];
