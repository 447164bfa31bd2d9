//! Every cut of a tree is as good as the best of all divisions there are: ties, duplicates, gaps of one unit in the last
//! place, weights, missing values, categories, limits.

use barehand_learn::FitWeighted;
use barehand_learn::tree::{
    ClassificationCriterion, Count, DecisionTreeClassifier, DecisionTreeRegressor, RegressionCriterion, Tree,
};
use barehand_tensor::Tensor;
use proptest::prelude::*;

/// A small data set.
#[derive(Clone, Debug)]
struct Samples {
    columns: usize,
    x: Vec<f32>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Samples {
    fn rows(&self) -> usize {
        self.targets.len()
    }

    fn value(&self, row: usize, column: usize) -> f32 {
        self.x[row * self.columns + column]
    }
}

/// Values that are equal, or as near as two f32 can be, or missing.
fn value() -> impl Strategy<Value = f32> {
    let near = (0u32..4).prop_map(|i| f32::from_bits(1.0f32.to_bits() + i));
    prop_oneof![
        4 => near,
        2 => (-2i8..3).prop_map(f32::from),
        1 => (0u32..3).prop_map(f32::from_bits),
        1 => Just(f32::NAN),
        1 => prop_oneof![Just(f32::MAX), Just(f32::MIN), Just(-0.0f32), Just(1e-30f32)],
    ]
}

fn samples(target: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = Samples> {
    (1usize..4, 2usize..13).prop_flat_map(move |(columns, rows)| {
        let weight =
            prop_oneof![3 => Just(1.0), 1 => Just(0.0), 1 => Just(2.0), 1 => Just(0.1), 1 => Just(0.7)];
        (
            Just(columns),
            prop::collection::vec(value(), rows * columns),
            prop::collection::vec(target.clone(), rows),
            prop::collection::vec(weight, rows).prop_filter("some weight", |w| w.iter().any(|&w| w > 0.0)),
        )
            .prop_map(|(columns, x, targets, weights)| Samples { columns, x, targets, weights })
    })
}

/// Weight and impurity of some rows, as the formula says it; none where the criterion has no value for them.
fn impurity(kind: &str, samples: &Samples, rows: &[usize]) -> Option<(f64, f64)> {
    let weight: f64 = rows.iter().map(|&row| samples.weights[row]).sum();
    let mean = |f: &dyn Fn(f64) -> f64| {
        rows.iter().map(|&row| samples.weights[row] * f(samples.targets[row])).sum::<f64>() / weight
    };
    let shares = || (0..4).map(|class| mean(&|y| f64::from(y == f64::from(class))));
    let impurity = match kind {
        "gini" => 1.0 - shares().map(|p| p * p).sum::<f64>(),
        "entropy" => -shares().map(|p| if p > 0.0 { p * p.log2() } else { 0.0 }).sum::<f64>(),
        "squared_error" => {
            let middle = mean(&|y| y);
            mean(&|y| (y - middle).powi(2))
        }
        "absolute_error" => {
            // Some target is a median.
            let errors = rows.iter().map(|&row| mean(&|y| (y - samples.targets[row]).abs()));
            errors.fold(f64::INFINITY, f64::min)
        }
        _ => {
            let middle = mean(&|y| y);
            if middle * weight <= 1e-14 {
                return None;
            }
            mean(&|y| if y == 0.0 { 0.0 } else { y * (y / middle).ln() })
        }
    };
    Some((weight, impurity))
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    min_samples_leaf: usize,
    min_weight_fraction_leaf: f64,
}

/// The weighted impurity of a division, where it keeps to the limits; sums of weights that are as large as a limit, but for
/// rounding, keep to it where `lenient`.
fn cost(
    kind: &str,
    samples: &Samples,
    left: &[usize],
    right: &[usize],
    limits: Limits,
    lenient: bool,
) -> Option<f64> {
    let total: f64 = samples.weights.iter().sum();
    let (a, b) = (impurity(kind, samples, left)?, impurity(kind, samples, right)?);
    let light = limits.min_weight_fraction_leaf == 0.0;
    let heavy = |weight: f64| {
        light || weight >= limits.min_weight_fraction_leaf * total + if lenient { -1e-12 } else { 1e-12 }
    };
    let many = left.len().min(right.len()) >= limits.min_samples_leaf.max(1);
    (many && heavy(a.0) && heavy(b.0)).then_some(a.0 * a.1 + b.0 * b.1)
}

/// Every division by a threshold, with the missing on either side.
fn exhaustive(kind: &str, samples: &Samples, limits: Limits) -> Option<f64> {
    let here: Vec<usize> = (0..samples.rows()).filter(|&row| samples.weights[row] > 0.0).collect();
    let mut best: Option<f64> = None;
    for column in 0..samples.columns {
        for &at in &here {
            let threshold = samples.value(at, column);
            for missing_left in [false, true] {
                let (left, right): (Vec<usize>, Vec<usize>) = here.iter().partition(|&&row| {
                    let value = samples.value(row, column);
                    if value.is_nan() { missing_left } else { value <= threshold }
                });
                if let Some(found) = (!left.is_empty() && !right.is_empty())
                    .then(|| cost(kind, samples, &left, &right, limits, false))
                    .flatten()
                {
                    best = Some(best.map_or(found, |best| best.min(found)));
                }
            }
        }
    }
    best
}

/// The stump of these samples has a cut as good as the best one.
fn check(kind: &str, samples: &Samples, limits: Limits, tree: &Tree) -> Result<(), TestCaseError> {
    let here: Vec<usize> = (0..samples.rows()).filter(|&row| samples.weights[row] > 0.0).collect();
    let root = impurity(kind, samples, &here);
    let best = exhaustive(kind, samples, limits);
    if tree.node_count() == 1 {
        let pure = root.is_none_or(|(_, impurity)| impurity <= 1e-12);
        let few = here.len() < 2 * limits.min_samples_leaf;
        // A cut that gains nothing may be taken for one that loses a little.
        let useless =
            root.zip(best).is_some_and(|((weight, own), best)| best >= weight * own * (1.0 - 1e-12));
        prop_assert!(
            best.is_none() || pure || few || useless,
            "{kind}: a cut of cost {best:?} was not found"
        );
        return Ok(());
    }
    let leaves = tree.apply(&samples.x);
    let (left, right): (Vec<usize>, Vec<usize>) = here.iter().partition(|&&row| leaves[row] == 1);
    let Some(found) = cost(kind, samples, &left, &right, limits, true) else {
        return Err(TestCaseError::fail(format!("{kind}: cut {left:?} | {right:?} is beyond the limits")));
    };
    let best = best.unwrap_or(f64::INFINITY);
    // Sums of a dozen terms in another order.
    let scale = samples.targets.iter().fold(1.0f64, |most, y| most.max(y.abs())).powi(2);
    let bound = if kind == "squared_error" { 1e-12 * scale } else { 1e-12 * scale.sqrt() };
    prop_assert!(found <= best + bound, "{kind}: found {found}, best {best}");
    // What the tree says of its two leaves is what the formula says.
    for (node, rows) in [(1, &left), (2, &right)] {
        let Some((weight, own)) = impurity(kind, samples, rows) else { continue };
        prop_assert!((tree.weighted_n_node_samples()[node] - weight).abs() < 1e-12);
        prop_assert!((tree.impurity()[node] - own).abs() <= bound, "{} is not {own}", tree.impurity()[node]);
        prop_assert_eq!(tree.n_node_samples()[node], rows.len() as i64);
    }
    Ok(())
}

fn limits() -> impl Strategy<Value = Limits> {
    (1usize..4, prop_oneof![Just(0.0), Just(0.2), Just(0.45)]).prop_map(
        |(min_samples_leaf, min_weight_fraction_leaf)| Limits { min_samples_leaf, min_weight_fraction_leaf },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn classes(samples in samples((0u8..4).prop_map(f64::from)), limits in limits(), seed in 0u32..50) {
        let x = Tensor::from_vec(samples.x.clone(), [samples.rows(), samples.columns]).unwrap();
        // Labels need not be 0, 1, ...
        let y: Tensor<i64> = samples.targets.iter().map(|&y| y as i64 * 3 - 1).collect::<Vec<_>>().into();
        for (kind, criterion) in
            [("gini", ClassificationCriterion::Gini), ("entropy", ClassificationCriterion::Entropy)]
        {
            let model = DecisionTreeClassifier::new()
                .criterion(criterion)
                .max_depth(1)
                .min_samples_leaf(Count::Number(limits.min_samples_leaf))
                .min_weight_fraction_leaf(limits.min_weight_fraction_leaf)
                .seed(seed)
                .fit_weighted(&x, &y, &samples.weights.clone().into())
                .unwrap();
            check(kind, &samples, limits, model.tree())?;
        }
    }

    #[test]
    fn numbers(samples in samples(prop_oneof![(0u8..6).prop_map(f64::from), 0.0..1e3]), limits in limits()) {
        let x = Tensor::from_vec(samples.x.clone(), [samples.rows(), samples.columns]).unwrap();
        let x: Tensor<f64> = x.cast();
        let y: Tensor<f64> = samples.targets.clone().into();
        for (kind, criterion) in [
            ("squared_error", RegressionCriterion::SquaredError),
            ("absolute_error", RegressionCriterion::AbsoluteError),
            ("poisson", RegressionCriterion::Poisson),
        ] {
            if kind == "poisson" && samples.targets.iter().sum::<f64>() <= 0.0 {
                continue;
            }
            let model = DecisionTreeRegressor::new()
                .criterion(criterion)
                .max_depth(1)
                .min_samples_leaf(Count::Number(limits.min_samples_leaf))
                .min_weight_fraction_leaf(limits.min_weight_fraction_leaf)
                .fit_weighted(&x, &y, &samples.weights.clone().into())
                .unwrap();
            check(kind, &samples, limits, model.tree())?;
        }
    }

    /// Far from 0 the textbook's `sum of squares - n mean^2` has no digits left.
    #[test]
    fn numbers_far_from_zero(samples in samples((0u8..6).prop_map(f64::from))) {
        let x = Tensor::from_vec(samples.x.clone(), [samples.rows(), samples.columns]).unwrap();
        let near: Tensor<f64> = samples.targets.clone().into();
        let far: Tensor<f64> = samples.targets.iter().map(|y| y + 1e10).collect::<Vec<_>>().into();
        let weights = samples.weights.clone().into();
        let fit = |y: &Tensor<f64>| DecisionTreeRegressor::new().max_depth(1).fit_weighted(&x.cast(), y, &weights);
        let (near, far) = (fit(&near).unwrap(), fit(&far).unwrap());
        let free = Limits { min_samples_leaf: 1, min_weight_fraction_leaf: 0.0 };
        check("squared_error", &samples, free, near.tree())?;
        if near.tree().node_count() == 3 {
            let leaves = far.tree().apply(&samples.x);
            let here: Vec<usize> = (0..samples.rows()).filter(|&row| samples.weights[row] > 0.0).collect();
            let (left, right): (Vec<usize>, Vec<usize>) = here.iter().partition(|&&row| leaves[row] == 1);
            let found = cost("squared_error", &samples, &left, &right, free, true).unwrap();
            prop_assert!(found <= exhaustive("squared_error", &samples, free).unwrap() + 1e-4);
        }
    }

    /// Of two classes, and of squared errors, the best of all divisions of categories into two sets.
    #[test]
    fn categories(
        codes in prop::collection::vec(0u8..6, 2..12),
        targets in prop::collection::vec(0u8..2, 12),
        missing in prop::collection::vec(prop::bool::weighted(0.15), 12),
    ) {
        let n = codes.len();
        let value = |row: usize| if missing[row] { f32::NAN } else { f32::from(codes[row]) };
        let samples = Samples {
            columns: 1,
            x: (0..n).map(value).collect(),
            targets: targets[..n].iter().map(|&y| f64::from(y)).collect(),
            weights: vec![1.0; n],
        };
        let x = Tensor::from_vec(samples.x.clone(), [n, 1]).unwrap();
        let y: Tensor<i64> = samples.targets.iter().map(|&y| y as i64).collect::<Vec<_>>().into();
        let model =
            DecisionTreeClassifier::new().max_depth(1).categorical_features([0]).fit(&x, &y).unwrap();
        let free = Limits { min_samples_leaf: 1, min_weight_fraction_leaf: 0.0 };
        let mut best = f64::INFINITY;
        for set in 0u32..64 {
            for missing_left in [false, true] {
                let goes_left = |row: usize| if missing[row] { missing_left } else { set >> codes[row] & 1 == 1 };
                let (left, right): (Vec<usize>, Vec<usize>) = (0..n).partition(|&row| goes_left(row));
                if !left.is_empty() && !right.is_empty() {
                    best = best.min(cost("gini", &samples, &left, &right, free, true).unwrap());
                }
            }
        }
        if model.tree().node_count() == 1 {
            let all: Vec<usize> = (0..n).collect();
            let pure = impurity("gini", &samples, &all).unwrap().1 <= 1e-12;
            prop_assert!(pure || best.is_infinite(), "a division of cost {} was not found", best);
        } else {
            let leaves = model.tree().apply(&samples.x);
            let (left, right): (Vec<usize>, Vec<usize>) = (0..n).partition(|&row| leaves[row] == 1);
            let found = cost("gini", &samples, &left, &right, free, true).unwrap();
            prop_assert!(found <= best + 1e-12, "found {}, best {}", found, best);
        }
    }
}

/// linfa 0.7 and smartcore 0.4 leave this node uncut: the values differ by less than 1e-5.
#[test]
fn tiny_gaps_are_cut() {
    for gap in [1e-3f32, 1e-6, 1e-20, f32::from_bits(1)] {
        let x = Tensor::from([[0.0f32], [0.0], [gap], [gap]]);
        let model = DecisionTreeClassifier::new().fit(&x, &Tensor::from([0i64, 0, 1, 1])).unwrap();
        assert_eq!(model.tree().n_leaves(), 2, "{gap}");
        assert_eq!(model.tree().apply(&x.to_vec()), [1, 1, 2, 2]);
    }
}

/// A cut between equal values is none: rows that are alike go the same way, whatever their order.
#[test]
fn ties_stay_together() {
    let x = Tensor::from([[1.0f32], [2.0], [1.0], [2.0], [1.0], [2.0]]);
    let y = Tensor::from([0i64, 1, 0, 1, 1, 0]);
    let tree = DecisionTreeClassifier::new().fit(&x, &y).unwrap().tree().clone();
    assert_eq!(tree.node_count(), 3);
    assert_eq!(tree.n_node_samples(), [6, 3, 3]);
}
