//! Decision trees.

use barehand_textbook::{Array, DecisionTree, Impurity, best_split};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::error::Error;

const X: Input = input("x", "features (N, D)", "[[1, 70], [2, 90], [3, 85], [4, 95], [5, 70]]");
const Y: Input = input("y", "classes or values (N)", "[1, 0, 0, 0, 1]");
const W: Input = input("w", "weights (N); all 1 where there are none", "null");
const IMPURITY: Input = input("impurity", "gini, entropy or variance", "\"gini\"");

fn impurity(a: &Arguments) -> Result<Impurity, Error> {
    let kinds = [("gini", Impurity::Gini), ("entropy", Impurity::Entropy), ("variance", Impurity::Variance)];
    a.choice("impurity", &kinds)
}

fn weights(a: &Arguments, y: &Array) -> Result<Array, Error> {
    Ok(a.maybe_array("w")?.unwrap_or_else(|| y.map(|_| 1.0)))
}

pub const BLOCKS: &[Block] = &[
    Block {
        name: "best_split",
        section: "trees",
        summary: "where a node of a decision tree is cut",
        formula: "largest D = I - W_left / W I_left - W_right / W I_right over thresholds halfway between values",
        engine: Some("barehand::learn::tree::DecisionTreeClassifier"),
        twin: "barehand::textbook::best_split",
        inputs: &[X, Y],
        options: &[W, IMPURITY],
        run: |a, t| {
            let y = a.array("y")?;
            best_split(&a.array("x")?, &y, &weights(a, &y)?, impurity(a)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "decision_tree",
        section: "trees",
        summary: "every cut of a decision tree, from the root on",
        formula: "cut where the impurity falls most, until a node is pure or as deep as allowed",
        engine: Some("barehand::learn::tree::DecisionTreeClassifier"),
        twin: "barehand::textbook::DecisionTree",
        inputs: &[X, Y],
        options: &[W, IMPURITY, input("max_depth", "depth of the deepest leaf", "3")],
        run: |a, t| {
            let y = a.array("y")?;
            let tree = DecisionTree { impurity: impurity(a)?, max_depth: Some(a.count("max_depth")?) };
            tree.fit(&a.array("x")?, &y, &weights(a, &y)?, t)?;
            Ok(())
        },
    },
];
