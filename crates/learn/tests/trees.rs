//! Trees and forests are scikit-learn's for the same seed; files, threads, malformed inputs.

use barehand_kernels::threads;
use barehand_learn::ensemble::{
    ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor,
};
use barehand_learn::inspection::{Response, partial_dependence, permutation_importance};
use barehand_learn::tree::{
    ClassWeight, ClassificationCriterion, Count, DecisionTreeClassifier, DecisionTreeRegressor, ExportText,
    FittedDecisionTreeClassifier, Graphviz, MaxFeatures, RegressionCriterion, Splitter, Tree,
    export_graphviz, export_text,
};
use barehand_learn::{Features, Model, Persist, Predict, PredictProba, Record, Target, model_file, models};
use barehand_tensor::{CsrMatrix, Tensor};
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/trees.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn table(value: &Value) -> (Vec<f64>, [usize; 2]) {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    (rows.concat(), [rows.len(), rows[0].len()])
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect()
}

fn close(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let infinite = a.is_infinite() && b.is_nan();
        assert!(infinite || (a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}, {i}: {a} is not {b}");
    }
}

fn features(set: &Value) -> Tensor<f32> {
    let (x, shape) = table(&set["x"]);
    Tensor::from_vec(x.iter().map(|&x| x as f32).collect(), shape).unwrap()
}

fn labels(set: &Value) -> Tensor<i64> {
    if set["y"][0].is_array() {
        let (y, shape) = table(&set["y"]);
        return Tensor::from_vec(y.iter().map(|&y| y as i64).collect(), shape).unwrap();
    }
    integers(&set["y"]).into()
}

/// The options of a case on an estimator.
macro_rules! options {
    ($estimator:expr, $options:expr, $($own:tt)*) => {{
        let mut estimator = $estimator;
        for (name, value) in $options.as_object().unwrap() {
            let count = || match value.as_u64() {
                Some(number) => Count::Number(number as usize),
                None => Count::Share(value.as_f64().unwrap()),
            };
            estimator = match name.as_str() {
                "random_state" => estimator.seed(value.as_u64().unwrap() as u32),
                "max_depth" => estimator.max_depth(value.as_u64().unwrap() as usize),
                "max_leaf_nodes" => estimator.max_leaf_nodes(value.as_u64().unwrap() as usize),
                "min_samples_leaf" => estimator.min_samples_leaf(count()),
                "min_samples_split" => estimator.min_samples_split(count()),
                "min_weight_fraction_leaf" => estimator.min_weight_fraction_leaf(value.as_f64().unwrap()),
                "min_impurity_decrease" => estimator.min_impurity_decrease(value.as_f64().unwrap()),
                "ccp_alpha" => estimator.ccp_alpha(value.as_f64().unwrap()),
                "monotonic_cst" => {
                    estimator.monotonic_cst(integers(value).iter().map(|&sign| sign as i8).collect::<Vec<_>>())
                }
                "max_features" => estimator.max_features(match (value.as_str(), value.as_u64()) {
                    (Some(_), _) => MaxFeatures::Sqrt,
                    (None, Some(number)) => MaxFeatures::Number(number as usize),
                    (None, None) => MaxFeatures::Share(value.as_f64().unwrap()),
                }),
                _ => options!(@ estimator, name, value, $($own)*),
            };
        }
        estimator
    }};
    (@ $e:ident, $name:ident, $value:ident, tree classes) => {
        match ($name.as_str(), $value.as_str()) {
            ("criterion", Some("gini")) => $e,
            ("criterion", Some(_)) => $e.criterion(ClassificationCriterion::Entropy),
            ("class_weight", Some("balanced")) => $e.class_weight(ClassWeight::Balanced),
            other => panic!("{other:?}"),
        }
    };
    (@ $e:ident, $name:ident, $value:ident, forest classes) => {
        match ($name.as_str(), $value.as_str()) {
            ("class_weight", Some("balanced_subsample")) => $e.balanced_subsample(true),
            ("n_estimators", _) => $e.n_estimators($value.as_u64().unwrap() as usize),
            ("bootstrap", _) => $e.bootstrap($value.as_bool().unwrap()),
            ("max_samples", _) => $e.max_samples(Count::Share($value.as_f64().unwrap())),
            _ => options!(@ $e, $name, $value, tree classes),
        }
    };
    (@ $e:ident, $name:ident, $value:ident, tree values) => {
        match ($name.as_str(), $value.as_str()) {
            ("criterion", Some("absolute_error")) => $e.criterion(RegressionCriterion::AbsoluteError),
            ("criterion", Some("poisson")) => $e.criterion(RegressionCriterion::Poisson),
            other => panic!("{other:?}"),
        }
    };
    (@ $e:ident, $name:ident, $value:ident, forest values) => {
        match $name.as_str() {
            "n_estimators" => $e.n_estimators($value.as_u64().unwrap() as usize),
            _ => options!(@ $e, $name, $value, tree values),
        }
    };
}

fn same_tree(what: &str, ours: &Tree, theirs: &Value) {
    assert_eq!(ours.feature(), integers(&theirs["feature"]), "{what}");
    assert_eq!(ours.children_left(), integers(&theirs["children_left"]), "{what}");
    assert_eq!(ours.n_node_samples(), integers(&theirs["n_node_samples"]), "{what}");
    close(&format!("{what}: threshold"), ours.threshold(), &numbers(&theirs["threshold"]), 1e-15);
    close(&format!("{what}: impurity"), ours.impurity(), &numbers(&theirs["impurity"]), 1e-9);
    let missing: Vec<i64> = ours.missing_go_to_left().iter().map(|&left| i64::from(left)).collect();
    assert_eq!(missing, integers(&theirs["missing_go_to_left"]), "{what}");
    let leaves = (0..ours.node_count()).filter(|&node| ours.children_left()[node] < 0);
    let values: Vec<f64> = leaves.flat_map(|node| ours.value_of(node).to_vec()).collect();
    close(&format!("{what}: leaves"), &values, &table(&theirs["leaves"]).0, 1e-12);
}

#[test]
fn scikit_learns_trees_and_forests() {
    let golden = golden();
    for case in golden["cases"].as_array().unwrap() {
        let what = format!("{} {} on {}", case["estimator"], case["options"], case["data"]);
        let set = &golden["sets"][case["data"].as_str().unwrap()];
        let x = features(set);
        let dense: Features<f32> = x.clone().into();
        let weights: Option<Tensor<f64>> = set["weights"].as_array().map(|_| numbers(&set["weights"]).into());
        let weights = weights.as_ref();
        let options = &case["options"];
        let values = || -> Tensor<f64> { numbers(&set["y"]).into() };
        let importances = match case["estimator"].as_str().unwrap() {
            name @ ("DecisionTreeClassifier" | "ExtraTreeClassifier") => {
                let start = match name {
                    "ExtraTreeClassifier" => DecisionTreeClassifier::new()
                        .splitter(Splitter::Random)
                        .max_features(MaxFeatures::Sqrt),
                    _ => DecisionTreeClassifier::new(),
                };
                let estimator = options!(start, options, tree classes);
                let model: FittedDecisionTreeClassifier<f64> =
                    estimator.fitted(&dense, &labels(set), weights).unwrap();
                same_tree(&what, model.tree(), &case["tree"]);
                model.feature_importances()
            }
            "DecisionTreeRegressor" => {
                let model = options!(DecisionTreeRegressor::new(), options, tree values)
                    .fitted(&dense, &values(), weights)
                    .unwrap();
                same_tree(&what, model.tree(), &case["tree"]);
                model.feature_importances()
            }
            name @ ("RandomForestClassifier" | "ExtraTreesClassifier") => {
                let y = labels(set);
                let model = if name == "RandomForestClassifier" {
                    options!(RandomForestClassifier::new(), options, forest classes)
                        .fitted(&dense, &y, weights, None)
                        .unwrap()
                } else {
                    options!(ExtraTreesClassifier::new(), options, forest classes)
                        .fitted(&dense, &y, weights, None)
                        .unwrap()
                };
                if let Some(answers) = case.get("answers") {
                    let ours = model.predict_proba(&x.cast::<f64>()).unwrap().to_vec();
                    close(&what, &ours, &table(answers).0, 1e-12);
                }
                model.feature_importances()
            }
            name => {
                let model = if name == "RandomForestRegressor" {
                    options!(RandomForestRegressor::new(), options, forest values)
                        .fitted(&dense, &values(), weights, None)
                        .unwrap()
                } else {
                    options!(ExtraTreesRegressor::new(), options, forest values)
                        .fitted(&dense, &values(), weights, None)
                        .unwrap()
                };
                let ours = model.predict(&x.cast::<f64>()).unwrap().to_vec();
                close(&what, &ours, &table(&case["answers"]).0, 1e-12);
                model.feature_importances()
            }
        };
        close(&what, &importances.to_vec(), &numbers(&case["importances"]), 1e-9);
    }
}

#[test]
fn scikit_learns_prunings_drawings_and_dependences() {
    let golden = golden();
    let set = &golden["sets"]["iris"];
    let (x, y) = (features(set), labels(set));
    let path = DecisionTreeClassifier::new().cost_complexity_pruning_path(&x, &y).unwrap();
    close("alphas", &path.ccp_alphas, &numbers(&golden["pruning"]["ccp_alphas"]), 1e-12);
    close("impurities", &path.impurities, &numbers(&golden["pruning"]["impurities"]), 1e-12);
    let forest = RandomForestClassifier::new().n_estimators(9).fit(&x, &y).unwrap();
    let oob = forest.out_of_bag(&x, None).unwrap();
    close("out of bag", &oob.predictions, &table(&golden["oob"]).0, 1e-12);
    let model = DecisionTreeClassifier::new().max_depth(2).fit(&x, &y).unwrap();
    let found = permutation_importance(&model, &x, &Target::Classes(y), 3, 5).unwrap();
    close("permutation", &found.importances.concat(), &table(&golden["permutation"]).0, 1e-12);
    let text = ExportText { show_weights: true, decimals: 3, ..ExportText::default() };
    assert_eq!(export_text(model.tree(), &text).unwrap(), golden["text"].as_str().unwrap());
    let drawing = Graphviz {
        criterion: "gini".into(),
        filled: true,
        rounded: true,
        proportion: true,
        ..Graphviz::default()
    };
    assert_eq!(export_graphviz(model.tree(), &drawing).unwrap(), golden["dot"].as_str().unwrap());
    let plain = Graphviz {
        criterion: "gini".into(),
        symbolic_class_names: true,
        node_ids: true,
        max_depth: Some(1),
        ..Graphviz::default()
    };
    assert_eq!(export_graphviz(model.tree(), &plain).unwrap(), golden["plain dot"].as_str().unwrap());

    let set = &golden["sets"]["diabetes"];
    let (x, y): (_, Tensor<f64>) = (features(set).cast::<f64>(), numbers(&set["y"]).into());
    let forest = RandomForestRegressor::new().n_estimators(3).max_depth(3).fit(&x, &y).unwrap();
    let golden = &golden["dependence"];
    let grid: Vec<Vec<f64>> = golden["grid"].as_array().unwrap().iter().map(numbers).collect();
    let found = partial_dependence(&forest, &x, &[2, 3], &grid, Response::Predict).unwrap();
    close("dependence", &found.average[0], &numbers(&golden["brute"]), 1e-12);
    let points: Vec<f32> =
        grid[0].iter().flat_map(|&a| grid[1].iter().flat_map(move |&b| [a as f32, b as f32])).collect();
    let mut sums = vec![0.0; points.len() / 2];
    for tree in forest.forest().trees() {
        tree.partial_dependence(&points, &[2, 3], &mut sums);
    }
    let means: Vec<f64> = sums.iter().map(|sum| sum / 3.0).collect();
    close("recursion", &means, &numbers(&golden["recursion"]), 1e-12);
}

/// Some data with ties and holes.
fn noise(n: usize, d: usize) -> (Tensor<f32>, Tensor<i64>, Tensor<f64>) {
    let draw = |i: usize| (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let value = |i: usize| if i % 31 == 5 { f32::NAN } else { (draw(i) % 97) as f32 / 7.0 };
    let x = Tensor::from_vec((0..n * d).map(value).collect(), [n, d]).unwrap();
    let y: Vec<i64> = (0..n).map(|i| (draw(i + 7919) % 3) as i64).collect();
    let values: Vec<f64> = (0..n).map(|i| draw(i + 104_729) as f64 / 1e6).collect();
    (x, y.into(), values.into())
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (x, y, values) = noise(6000, 11);
    let dense: Features<f32> = x.clone().into();
    let fit = |count: usize| {
        threads::with_num_threads(count, || {
            let tree = DecisionTreeClassifier::new().max_depth(9).fit(&x, &y).unwrap();
            let forest = RandomForestClassifier::new().n_estimators(5).max_depth(8).fit(&x, &y).unwrap();
            let regressor = DecisionTreeRegressor::new().max_depth(6).fitted(&dense, &values, None).unwrap();
            let proba = forest.predict_proba(&x).unwrap().to_vec();
            (tree, forest, regressor, proba)
        })
    };
    let one = fit(1);
    assert!(one == fit(3));
    let jobs =
        |count: usize| RandomForestClassifier::new().n_estimators(4).n_jobs(count).fit(&x, &y).unwrap();
    assert!(jobs(1) == jobs(3));
}

#[test]
fn sparse_rows_are_rows() {
    let (x, y, _) = noise(300, 6);
    let x = x.masked_fill(&x.lt(&Tensor::scalar(6.0f32)).unwrap(), 0.0).unwrap();
    let x = x.masked_fill(&x.ne(&x).unwrap(), 0.0).unwrap();
    let sparse: Features<f32> = CsrMatrix::from_dense(&x).unwrap().into();
    let dense = DecisionTreeClassifier::new().fit(&x, &y).unwrap();
    let model: FittedDecisionTreeClassifier<f32> =
        DecisionTreeClassifier::new().fitted(&sparse, &y, None).unwrap();
    assert_eq!(model, dense);
    let labels = dense.predict(&x).unwrap();
    assert_eq!(model.predict_any(&sparse).unwrap(), barehand_learn::Prediction::Classes(labels));
}

/// A histogram of as many bins as there are values is exact; of few bins it is nearly as good.
#[test]
fn histograms_cut_between_bins() {
    let (x, y, _) = noise(3000, 5);
    let best = DecisionTreeClassifier::new().max_depth(5).fit(&x, &y).unwrap();
    let hist = |bins: usize| {
        DecisionTreeClassifier::new()
            .splitter(Splitter::Hist)
            .max_bins(bins)
            .max_depth(5)
            .fit(&x, &y)
            .unwrap()
    };
    assert_eq!(hist(255), best);
    let few = hist(8);
    assert!(few != best && few.tree().node_count() > 20);
    let cuts = few.tree().threshold().iter().map(|threshold| threshold.to_bits());
    assert!(cuts.collect::<std::collections::BTreeSet<_>>().len() <= 5 * 8 + 1);
}

#[test]
fn files_give_the_same_predictions() {
    let (x, y, values) = noise(400, 4);
    let dense: Features<f32> = x.clone().into();
    let tree = DecisionTreeClassifier::new().categorical_features([]).fit(&x, &y).unwrap();
    assert_eq!(FittedDecisionTreeClassifier::from_bytes(&tree.to_bytes().unwrap()).unwrap(), tree);
    let codes = Tensor::from_vec((0..400).map(|i| (i * i % 7) as f32).collect(), [400, 1]).unwrap();
    let sets = DecisionTreeClassifier::new().categorical_features([0]).fit(&codes, &y).unwrap();
    assert!(sets.tree().categories(0).is_some());
    assert_eq!(FittedDecisionTreeClassifier::from_bytes(&sets.to_bytes().unwrap()).unwrap(), sets);
    let forest = ExtraTreesRegressor::new().n_estimators(3).fitted(&dense, &values, None, None).unwrap();
    let back =
        barehand_learn::ensemble::FittedForestRegressor::from_bytes(&forest.to_bytes().unwrap()).unwrap();
    assert_eq!(back, forest);
    let any = models::any_model(&model_file::read_bytes("m", &forest.to_bytes().unwrap()).unwrap()).unwrap();
    assert!(matches!(any, models::AnyModel::F64(model) if model.name() == "ExtraTreesRegressor"));
}

#[test]
fn files_that_lie_are_refused() {
    let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0]]);
    let model = DecisionTreeClassifier::new().fit(&x, &Tensor::from([0i64, 1, 0, 1])).unwrap();
    let lie = |name: &str, values: Vec<i64>| {
        let record = model.to_record();
        let tree = record.record("tree").unwrap().clone().with(name, Tensor::from(values));
        FittedDecisionTreeClassifier::<f32>::from_record(&record.with("tree", tree)).unwrap_err().to_string()
    };
    let n = model.tree().node_count();
    assert_eq!(n, 7);
    let mut left = model.tree().children_left().to_vec();
    left[0] = 0;
    assert!(lie("children_left", left.clone()).contains("node 0 has child 0"), "a loop");
    left[0] = 7;
    assert!(lie("children_left", left.clone()).contains("has child 7 of 7"));
    left[0] = -1;
    assert!(lie("children_left", left).contains("has child -1"));
    let mut feature = model.tree().feature().to_vec();
    feature[0] = 1;
    assert!(lie("feature", feature).contains("asks feature 1"));
    assert!(lie("n_node_samples", vec![1]).contains("shape"));
    assert!(lie("n_classes", vec![i64::MAX]).contains("numbers of classes"));
    assert!(lie("n_classes", vec![1 << 30]).contains("shape"));
    let mut set = vec![-1; n];
    set[0] = 3;
    assert!(lie("category_set", set).contains("asks set 3"));
    let classes = model.to_record().with("classes", Tensor::from([1i64, 1]));
    assert!(FittedDecisionTreeClassifier::<f32>::from_record(&classes).is_err());
    let empty = Record::new("ForestClassifier").with("dtype", "f32").with("trees", Vec::<Record>::new());
    assert!(models::any_model(&empty).is_err());
}

#[test]
fn mistakes_are_named() {
    let x = Tensor::from([[0.0f32, 1.0], [1.0, 1.0]]);
    let y = Tensor::from([0i64, 1]);
    let tree = DecisionTreeClassifier::new;
    let says = |estimator: DecisionTreeClassifier, text: &str| {
        let error = estimator.fit(&x, &y).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    says(tree().max_depth(0), "max_depth is 0: at least 1 expected");
    says(tree().min_samples_split(Count::Number(1)), "min_samples_split is 1");
    says(tree().min_samples_leaf(Count::Share(1.0)), "min_samples_leaf is 1: a share of (0, 1) expected");
    says(tree().min_weight_fraction_leaf(0.6), "min_weight_fraction_leaf is 0.6");
    says(tree().max_features(MaxFeatures::Share(0.0)), "max_features is 0");
    says(tree().max_leaf_nodes(1), "max_leaf_nodes is 1");
    says(tree().min_impurity_decrease(f64::NAN), "min_impurity_decrease is NaN");
    says(tree().ccp_alpha(-1.0), "ccp_alpha is -1");
    says(tree().max_bins(256), "max_bins is 256");
    says(tree().monotonic_cst([1]), "monotonic_cst has 1 signs, x has 2 features");
    says(tree().monotonic_cst([1, 2]), "monotonic_cst holds 2");
    says(tree().categorical_features([2]), "categorical feature 2 is not there");
    says(tree().categorical_features([0]).monotonic_cst([1, 0]), "feature 0 is categorical");
    says(tree().class_weight(ClassWeight::Given(vec![(0, -1.0)])), "class 0 has weight -1");
    let infinite = Tensor::from([[0.0, 1.0], [1e300, 1.0f64]]);
    let error = tree().fit(&infinite, &y).unwrap_err().to_string();
    assert!(error.contains("row 1, column 0 of x is infinite, or too large for the f32"), "{error}");
    let model = tree().fit(&x, &y).unwrap();
    assert!(model.predict(&Tensor::from([[1.0f32]])).unwrap_err().to_string().contains("x has 1 features"));
    let poisson = DecisionTreeRegressor::new().criterion(RegressionCriterion::Poisson);
    let error = poisson.fit(&x, &Tensor::from([1.0f32, -1.0])).unwrap_err().to_string();
    assert!(error.contains("negative"), "{error}");
    assert!(poisson.fit(&x, &Tensor::from([0.0f32, 0.0])).is_err());
    let forest = RandomForestClassifier::new;
    assert!(forest().n_estimators(0).fit(&x, &y).is_err());
    assert!(forest().bootstrap(false).max_samples(Count::Number(1)).fit(&x, &y).is_err());
    assert!(forest().max_samples(Count::Share(f64::NAN)).fit(&x, &y).is_err());
}

/// Codes of categories that a node never saw go where its missing values go; so do numbers that are no codes.
#[test]
fn unseen_categories_go_with_the_missing() {
    let x = Tensor::from([[0.0f32], [2.0], [2.0], [f32::NAN], [f32::NAN], [5.0]]);
    let y = Tensor::from([0i64, 1, 1, 1, 1, 0]);
    let model = DecisionTreeClassifier::new().categorical_features([0]).fit(&x, &y).unwrap();
    let of = |value: f32| model.predict(&Tensor::from([[value]])).unwrap().to_vec()[0];
    assert_eq!([of(0.0), of(2.0), of(5.0)], [0, 1, 0]);
    assert!([f32::NAN, 1.0, 77.0, 255.0, 256.0, -1.0, 0.5].iter().all(|&value| of(value) == 1));
    assert!(
        DecisionTreeClassifier::new()
            .categorical_features([0])
            .fit(&Tensor::from([[0.5f32]]), &Tensor::from([0i64]))
            .is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the numbers are: an error that says so, or a model that predicts what it has seen.
    #[test]
    fn any_input(
        rows in 0usize..9,
        columns in 0usize..4,
        bits in prop::collection::vec(any::<u32>(), 40),
        labels in prop::collection::vec(any::<i8>(), 9),
        weights in prop::collection::vec(-0.2f64..2.0, 9),
        leaves in 0usize..5,
    ) {
        let x = Tensor::from_vec(bits[..rows * columns].iter().map(|&b| f32::from_bits(b)).collect(), [rows, columns]).unwrap();
        let y: Tensor<i64> = labels[..rows].iter().map(|&l| i64::from(l)).collect::<Vec<_>>().into();
        let values: Tensor<f32> = labels[..rows].iter().map(|&l| f32::from(l)).collect::<Vec<_>>().into();
        let weights: Tensor<f64> = weights[..rows].to_vec().into();
        let dense: Features<f32> = x.clone().into();
        let finite = bits[..rows * columns].iter().all(|&b| !f32::from_bits(b).is_infinite());
        let valid = rows > 0 && columns > 0 && finite;
        let model = DecisionTreeClassifier::new().fit(&x, &y);
        prop_assert_eq!(model.is_ok(), valid);
        if let Ok(model) = model {
            let proba = model.predict_proba(&x).unwrap().to_vec();
            prop_assert!(proba.iter().all(|p| (0.0..=1.0).contains(p)));
        }
        let weighted: Result<FittedDecisionTreeClassifier<f32>, _> =
            DecisionTreeClassifier::new().max_leaf_nodes(leaves).fitted(&dense, &y, Some(&weights));
        let positive = weights.to_vec().iter().all(|&w| w >= 0.0) && weights.to_vec().iter().any(|&w| w > 0.0);
        prop_assert_eq!(weighted.is_ok(), valid && positive && leaves >= 2);
        for criterion in
            [RegressionCriterion::SquaredError, RegressionCriterion::AbsoluteError, RegressionCriterion::Poisson]
        {
            if let Ok(model) = DecisionTreeRegressor::new().criterion(criterion).fit(&x, &values) {
                prop_assert!(model.predict(&x).unwrap().to_vec().iter().all(|y| y.is_finite()));
            }
        }
    }
}
