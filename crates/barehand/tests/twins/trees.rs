//! Decision trees: the engine's cuts and predictions are the textbook's.

use barehand_learn::tree::{
    ClassificationCriterion, DecisionTreeClassifier, DecisionTreeRegressor, FittedDecisionTreeClassifier,
    Tree,
};
use barehand_learn::{FitWeighted, Predict};
use barehand_tensor::{Float, Tensor};
use barehand_textbook::{Array, DecisionTree, Impurity, Trace, TreeNode};

use crate::pair::{Pair, hold};

/// Whether the engine's nodes ask what the textbook's ask. Of equally good cuts either may take either.
fn alike(node: &TreeNode, tree: &Tree, at: usize) -> bool {
    match node {
        TreeNode::Leaf { .. } => tree.children_left()[at] < 0,
        TreeNode::Cut { split, left, right } => {
            tree.feature()[at] == split.feature as i64
                && (tree.threshold()[at] - split.threshold).abs() <= 1e-15 * split.threshold.abs()
                && alike(left, tree, tree.children_left()[at] as usize)
                && alike(right, tree, tree.children_right()[at] as usize)
        }
    }
}

/// n rows of one feature: which cut is best depends on no order of features.
fn column<T: Float>(pair: &mut Pair<T>, n: usize) -> Array {
    pair.array(&[n, 1]).map(|x| (4.0 * x).round())
}

fn trees<T: Float>(pair: &mut Pair<T>) {
    let n = pair.between(2..=12);
    let x = column(pair, n);
    let w = pair.positive(&[n]).map(|w| 0.5 + w);
    let labels: Vec<i64> = (0..n).map(|_| pair.between(0..=2) as i64).collect();
    let y = Array::vector(&labels.iter().map(|&label| label as f64).collect::<Vec<_>>());
    let tensor: Tensor<T> = pair.tensor(&x);
    let weights: Tensor<f64> = w.data().to_vec().into();
    for (impurity, criterion) in [
        (Impurity::Gini, ClassificationCriterion::Gini),
        (Impurity::Entropy, ClassificationCriterion::Entropy),
    ] {
        let twin = DecisionTree { impurity, max_depth: None }.fit(&x, &y, &w, &mut Trace::silent()).unwrap();
        let engine: FittedDecisionTreeClassifier<T> = DecisionTreeClassifier::new()
            .criterion(criterion)
            .fit_weighted(&tensor, &labels.clone().into(), &weights)
            .unwrap();
        let predicted = engine.predict(&tensor).unwrap().to_vec();
        for (row, &label) in predicted.iter().enumerate() {
            assert_eq!(label as f64, twin.predict(&x.data()[row..=row]), "row {row} of {x:?}, {labels:?}");
        }
        assert!(alike(&twin, engine.tree(), 0) || engine.tree().node_count() == twin.count());
    }
    let y = pair.array(&[n]);
    let twin = DecisionTree { impurity: Impurity::Variance, max_depth: Some(3) };
    let twin = twin.fit(&x, &y, &w, &mut Trace::silent()).unwrap();
    let engine = DecisionTreeRegressor::new().max_depth(3);
    let engine = engine.fit_weighted(&tensor, &pair.tensor(&y), &weights).unwrap();
    assert!(alike(&twin, engine.tree(), 0), "{twin:?}");
    let expected: Vec<f64> = x.data().iter().map(|x| twin.predict(&[*x])).collect();
    pair.same("prediction", &engine.predict(&tensor).unwrap(), &Array::vector(&expected));
}

#[test]
fn trees_hold() {
    hold("trees", 60, [64.0, 8.0], trees::<f64>, trees::<f32>);
}
