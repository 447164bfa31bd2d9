//! A decision tree: where a node is cut best, and the tree that cutting grows.
//!
//! ```text
//! p_k = weight of class k / W                    W = sum_i w_i of the node
//! Gini         I = 1 - sum_k p_k^2
//! entropy      I = -sum_k p_k log2 p_k
//! variance     I = sum_i w_i (y_i - mean)^2 / W
//! decrease   D = I - W_left / W I_left - W_right / W I_right
//! ```
//!
//! A cut lies halfway between two neighbouring different values of one feature, and rows at or below it go left. Every one
//! is looked at; the largest decrease wins, of equal ones the first. scikit-learn: `DecisionTreeClassifier`,
//! `DecisionTreeRegressor` (which look at the features in a random order, so that other ones of equal cuts may win).

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// How mixed a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impurity {
    /// How probable it is that two rows drawn at random are of different classes.
    #[default]
    Gini,
    /// Bits that the class of a row is worth.
    Entropy,
    /// The mean squared distance from the mean.
    Variance,
}

/// Where a node is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Which feature.
    pub feature: usize,
    /// Rows whose feature is at most this go left.
    pub threshold: f64,
    /// By how much the impurity falls.
    pub decrease: f64,
}

/// How a tree grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionTree {
    /// What is made small.
    pub impurity: Impurity,
    /// Nodes at this depth are leaves.
    pub max_depth: Option<usize>,
}

/// A node of a grown tree, with what grows below it.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeNode {
    /// Predicts: the class with the largest weight, or the mean.
    Leaf {
        /// What it predicts.
        value: f64,
    },
    /// Asks.
    Cut {
        /// Where.
        split: Split,
        /// For rows at or below the threshold.
        left: Box<TreeNode>,
        /// For the others.
        right: Box<TreeNode>,
    },
}

impl Impurity {
    /// The impurity of targets `y` with weights `w`; classes are the different values of `y`.
    pub fn of(self, y: &[f64], w: &[f64]) -> f64 {
        let total: f64 = w.iter().sum();
        let shares = || {
            let mut classes = y.to_vec();
            classes.sort_by(f64::total_cmp);
            classes.dedup();
            let weight =
                |class: f64| -> f64 { y.iter().zip(w).filter(|(y, _)| **y == class).map(|(_, w)| w).sum() };
            classes.into_iter().map(|class| weight(class) / total).collect::<Vec<f64>>()
        };
        match self {
            Impurity::Gini => 1.0 - shares().iter().map(|p| p * p).sum::<f64>(),
            Impurity::Entropy => {
                -shares().iter().map(|p| if *p > 0.0 { p * p.log2() } else { 0.0 }).sum::<f64>()
            }
            Impurity::Variance => {
                let mean = y.iter().zip(w).map(|(y, w)| w * y).sum::<f64>() / total;
                y.iter().zip(w).map(|(y, w)| w * (y - mean).powi(2)).sum::<f64>() / total
            }
        }
    }

    /// What a leaf of these targets predicts.
    pub fn value(self, y: &[f64], w: &[f64]) -> f64 {
        if self == Impurity::Variance {
            let total: f64 = w.iter().sum();
            return y.iter().zip(w).map(|(y, w)| w * y).sum::<f64>() / total;
        }
        let mut classes = y.to_vec();
        classes.sort_by(f64::total_cmp);
        classes.dedup();
        let weight =
            |class: f64| -> f64 { y.iter().zip(w).filter(|(y, _)| **y == class).map(|(_, w)| w).sum() };
        // The first of equally heavy classes.
        classes
            .iter()
            .fold((f64::NAN, f64::NEG_INFINITY), |best, &class| {
                if weight(class) > best.1 { (class, weight(class)) } else { best }
            })
            .0
    }
}

/// The best cut of X (n, d), y (n) with weights w (n); none where no value differs from another, or none lowers the
/// impurity of a pure node.
pub fn best_split(
    x: &Array,
    y: &Array,
    w: &Array,
    impurity: Impurity,
    trace: &mut Trace,
) -> Result<Option<Split>> {
    let (n, d) = check(x, y, w)?;
    trace.section("decision tree: best split");
    let (y, w) = (y.data(), w.data());
    let total = trace.number("W", "sum w", w.iter().sum());
    let own = trace.number("I", "impurity of the node", impurity.of(y, w));
    let mut best: Option<Split> = None;
    for feature in 0..d {
        let column = |row: usize| x.get(&[row, feature]);
        let mut values: Vec<f64> = (0..n).map(column).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let thresholds: Vec<f64> = values.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0).collect();
        let mut decreases = Vec::new();
        for &threshold in &thresholds {
            let side = |left: bool| -> (Vec<f64>, Vec<f64>) {
                let rows = (0..n).filter(|&row| (column(row) <= threshold) == left);
                rows.map(|row| (y[row], w[row])).unzip()
            };
            let (left, right) = (side(true), side(false));
            let share = |weights: &[f64]| weights.iter().sum::<f64>() / total;
            let decrease = own
                - share(&left.1) * impurity.of(&left.0, &left.1)
                - share(&right.1) * impurity.of(&right.0, &right.1);
            decreases.push(decrease);
            if best.is_none_or(|best| decrease > best.decrease) {
                best = Some(Split { feature, threshold, decrease });
            }
        }
        trace.step(&format!("t{feature}"), "halfway between neighbouring values", Array::vector(&thresholds));
        let formula = "I - W_left / W I_left - W_right / W I_right";
        trace.step(&format!("D{feature}"), formula, Array::vector(&decreases));
    }
    if let Some(best) = best {
        trace.number("feature", "of the largest D", best.feature as f64);
        trace.number("threshold", "of the largest D", best.threshold);
    }
    Ok(best)
}

fn check(x: &Array, y: &Array, w: &Array) -> Result<(usize, usize)> {
    let operation = "decision_tree";
    x.expect_rank(operation, "X", 2)?;
    let (n, d) = (x.shape()[0], x.shape()[1]);
    y.expect_shape(operation, "y", &[n])?;
    w.expect_shape(operation, "w", &[n])?;
    if n == 0 || d == 0 {
        return Err(Error::new(operation, format!("needs rows and features, found {n} and {d}")));
    }
    if let Some(w) = w.data().iter().find(|w| !(w.is_finite() && **w > 0.0)) {
        return Err(Error::new(operation, format!("weights are positive, found {w}")));
    }
    Ok((n, d))
}

impl DecisionTree {
    /// Grows the tree of X (n, d), y (n) with weights w (n): a node that is pure, or at the greatest depth, is a leaf.
    pub fn fit(&self, x: &Array, y: &Array, w: &Array, trace: &mut Trace) -> Result<TreeNode> {
        check(x, y, w)?;
        self.node(x, y, w, 0, trace)
    }

    fn node(&self, x: &Array, y: &Array, w: &Array, depth: usize, trace: &mut Trace) -> Result<TreeNode> {
        let leaf = TreeNode::Leaf { value: self.impurity.value(y.data(), w.data()) };
        let pure = self.impurity.of(y.data(), w.data()) <= f64::EPSILON;
        if pure || self.max_depth.is_some_and(|most| depth >= most) {
            return Ok(leaf);
        }
        let Some(split) = best_split(x, y, w, self.impurity, trace)? else { return Ok(leaf) };
        let d = x.shape()[1];
        let mut child = |left: bool| {
            let goes = |row: &usize| (x.get(&[*row, split.feature]) <= split.threshold) == left;
            let rows: Vec<usize> = (0..y.len()).filter(goes).collect();
            let x = Array::from_fn(&[rows.len(), d], |at| x.get(&[rows[at[0]], at[1]]));
            let of = |list: &Array| Array::from_fn(&[rows.len()], |at| list[rows[at[0]]]);
            self.node(&x, &of(y), &of(w), depth + 1, trace)
        };
        let left = Box::new(child(true)?);
        Ok(TreeNode::Cut { split, left, right: Box::new(child(false)?) })
    }
}

impl TreeNode {
    /// What the leaf of a row predicts.
    pub fn predict(&self, row: &[f64]) -> f64 {
        match self {
            TreeNode::Leaf { value } => *value,
            TreeNode::Cut { split, left, right } => {
                if row[split.feature] <= split.threshold {
                    left.predict(row)
                } else {
                    right.predict(row)
                }
            }
        }
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        match self {
            TreeNode::Leaf { .. } => 1,
            TreeNode::Cut { left, right, .. } => 1 + left.count() + right.count(),
        }
    }
}
