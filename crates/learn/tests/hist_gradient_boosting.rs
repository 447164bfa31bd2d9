//! Histogram gradient boosting grows scikit-learn's trees, on any number of threads, and its files hold all of them.

use barehand_kernels::threads::with_num_threads;
use barehand_learn::ensemble::hist_gradient_boosting::{Booster, Loss, Parameters, Samples};
use barehand_learn::ensemble::{
    FittedHistGradientBoostingClassifier, FittedHistGradientBoostingRegressor,
    HistGradientBoostingClassifier, HistGradientBoostingRegressor,
};
use barehand_learn::{Field, FitWeighted, Persist, Predict, PredictProba, Record};
use barehand_tensor::Tensor;
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/hist_gradient_boosting.json")).unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    let number = |value: &Value| match value {
        Value::Null => f64::NAN,
        Value::String(text) => text.parse().unwrap(),
        value => value.as_f64().unwrap(),
    };
    list.as_array().unwrap().iter().map(number).collect()
}

fn rows(list: &Value) -> Tensor<f64> {
    let values = numbers(list);
    let n = values.len() / 4;
    Tensor::from_vec(values, [n, 4]).unwrap()
}

fn parameters(options: &Value) -> Parameters {
    let whole = |name: &str| options.get(name).and_then(Value::as_u64).map(|value| value as usize);
    let real = |name: &str, default: f64| options.get(name).and_then(Value::as_f64).unwrap_or(default);
    let list = |name: &str| options.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    Parameters {
        max_iter: 8,
        min_samples_leaf: 6,
        categorical_features: vec![0],
        early_stopping: Some(false),
        learning_rate: real("learning_rate", 0.1),
        l2_regularization: real("l2_regularization", 0.0),
        max_bins: whole("max_bins").unwrap_or(255),
        max_depth: whole("max_depth"),
        max_leaf_nodes: if options.get("max_leaf_nodes").is_some_and(Value::is_null) {
            None
        } else {
            whole("max_leaf_nodes").or(Some(31))
        },
        monotonic_cst: list("monotonic_cst").iter().map(|sign| sign.as_i64().unwrap() as i8).collect(),
        interaction_cst: list("interaction_cst")
            .iter()
            .map(|set| numbers(set).into_iter().map(|feature| feature as usize).collect())
            .collect(),
        ..Parameters::default()
    }
}

#[test]
fn trees_are_scikit_learns() {
    let golden = golden();
    let (x, shown) = (rows(&golden["x"]), rows(&golden["shown"]));
    for case in golden["cases"].as_array().unwrap() {
        let kind = case["kind"].as_str().unwrap();
        let options = &case["options"];
        let loss = match kind {
            "binary" => Loss::LogLoss(2),
            "multinomial" => Loss::LogLoss(3),
            _ => {
                let name = options.get("loss").map_or("squared_error", |name| name.as_str().unwrap());
                Loss::from_name("test", name, options.get("quantile").and_then(Value::as_f64)).unwrap()
            }
        };
        let weights = case["weighted"].as_bool().unwrap().then(|| numbers(&golden["weights"]));
        for threads in [1, 3] {
            let samples =
                Samples { x: x.clone(), y: numbers(&golden["targets"][kind]), weights: weights.clone() };
            let raw = with_num_threads(threads, || {
                let mut booster =
                    Booster::new("test", &parameters(options), loss, samples, None, &[], None, None).unwrap();
                booster.run(false).unwrap();
                booster.model().raw(&shown, 23)
            });
            for (found, expected) in raw.iter().zip(numbers(&case["raw"])) {
                // The same trees: what is left is the last digit of exponentials and of sums of weights.
                assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{case}");
            }
        }
    }
}

/// Samples with ties, missing values and a column of categories.
fn samples(n: usize, seed: u64) -> (Tensor<f64>, Tensor<f64>, Tensor<i64>) {
    let value = |i: usize| {
        let mixed = (i as u64 ^ seed << 20).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
    };
    let x: Vec<f64> = (0..n * 3)
        .map(|i| match (i % 3, value(i) % 64) {
            (_, 0..5) => f64::NAN,
            (0, drawn) => (drawn % 7) as f64,
            (1, drawn) => drawn as f64 / 3.0,
            (_, _) => value(i) as f64 / 1e5,
        })
        .collect();
    let y: Vec<f64> = (0..n)
        .map(|i| if x[i * 3] % 2.0 == 0.0 { 3.0 } else { 0.0 } + x[i * 3 + 1].max(0.0) / 10.0 + (value(i + 7) % 9) as f64)
        .collect();
    let classes: Vec<i64> = y.iter().map(|y| i64::from(*y > 5.0) + i64::from(*y > 9.0) * 4).collect();
    (Tensor::from_vec(x, [n, 3]).unwrap(), y.into(), classes.into())
}

fn few() -> Parameters {
    Parameters { max_iter: 6, categorical_features: vec![0], max_features: 0.7, ..Parameters::default() }
}

#[test]
fn threads_change_nothing_and_files_hold_everything() {
    let (x, y, classes) = samples(30_000, 1);
    let fit = |threads: usize| {
        with_num_threads(threads, || {
            let regressor = HistGradientBoostingRegressor::new().parameters(few()).fit(&x, &y).unwrap();
            let classifier =
                HistGradientBoostingClassifier::new().parameters(few()).fit(&x, &classes).unwrap();
            (regressor, classifier)
        })
    };
    let (regressor, classifier) = fit(1);
    assert_eq!((regressor.clone(), classifier.clone()), fit(3));
    assert_eq!(classifier.classes(), [0, 1, 5]);
    assert_eq!(regressor.train_scores().len(), 7); // More than 10,000 samples: scores are kept.
    let read =
        FittedHistGradientBoostingRegressor::<f64>::from_bytes(&regressor.to_bytes().unwrap()).unwrap();
    assert_eq!(read, regressor);
    let read =
        FittedHistGradientBoostingClassifier::<f64>::from_bytes(&classifier.to_bytes().unwrap()).unwrap();
    assert_eq!(read, classifier);
    let staged = regressor.staged_predict(&x).unwrap();
    assert_eq!((staged.len(), &staged[5]), (6, &regressor.predict(&x).unwrap()));
    assert_eq!(classifier.staged_predict(&x).unwrap()[5], classifier.predict(&x).unwrap());
    let p = classifier.predict_proba(&x).unwrap();
    assert!(p.to_vec().chunks(3).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
}

#[test]
fn weight_two_is_a_sample_twice() {
    let (x, y, _) = samples(200, 2);
    let twice: Tensor<i64> =
        (0..200).flat_map(|i| vec![i; 1 + (i % 3 == 0) as usize]).collect::<Vec<i64>>().into();
    let weights: Tensor<f64> =
        (0..200).map(|i| if i % 3 == 0 { 2.0 } else { 1.0 }).collect::<Vec<_>>().into();
    let parameters = Parameters { min_samples_leaf: 1, max_iter: 5, ..Parameters::default() };
    let estimator = HistGradientBoostingRegressor::new().parameters(parameters);
    let weighted = estimator.fit_weighted(&x, &y, &weights).unwrap();
    let repeated =
        estimator.fit(&x.index_select(0, &twice).unwrap(), &y.index_select(0, &twice).unwrap()).unwrap();
    let (a, b) = (weighted.predict(&x).unwrap().to_vec(), repeated.predict(&x).unwrap().to_vec());
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9));
}

#[test]
fn inputs_that_make_no_sense_are_refused() {
    let (x, y, classes) = samples(50, 3);
    let regressor = HistGradientBoostingRegressor::new();
    let error = |found: String, expected: &str| assert!(found.contains(expected), "{found}");
    let fails = |parameters: Parameters, expected: &str| {
        error(regressor.clone().parameters(parameters).fit(&x, &y).unwrap_err().to_string(), expected);
    };
    let default = Parameters::default;
    fails(Parameters { learning_rate: 0.0, ..default() }, "learning_rate is 0");
    fails(Parameters { max_bins: 256, ..default() }, "max_bins is 256");
    fails(Parameters { max_leaf_nodes: Some(1), ..default() }, "max_leaf_nodes");
    fails(Parameters { categorical_features: vec![3], ..default() }, "names column 3 of 3");
    fails(
        Parameters { categorical_features: vec![1], max_bins: 5, ..default() },
        "categories: at most max_bins = 5",
    );
    fails(Parameters { monotonic_cst: vec![1, 0], ..default() }, "2 directions for 3 features");
    fails(
        Parameters { monotonic_cst: vec![1, 0, 0], categorical_features: vec![0], ..default() },
        "Categorical",
    );
    fails(Parameters { interaction_cst: vec![vec![7]], ..default() }, "names column 7");
    let bad = regressor.fit(&x, &y.narrow(0, 0, 49).unwrap()).unwrap_err().to_string();
    error(bad, "for each of 50 samples, found shape [49]");
    let mut values = y.to_vec();
    values[7] = f64::NAN;
    error(regressor.fit(&x, &values.into()).unwrap_err().to_string(), "y[7] is NaN");
    let negative = y.to_vec().iter().map(|y| -y).collect::<Vec<_>>().into();
    error(
        regressor.clone().loss(Loss::Gamma).fit(&x, &negative).unwrap_err().to_string(),
        "strictly positive",
    );
    error(regressor.clone().loss(Loss::Poisson).fit(&x, &negative).unwrap_err().to_string(), "non-negative");
    error(
        regressor.clone().loss(Loss::LogLoss(2)).fit(&x, &y).unwrap_err().to_string(),
        "that of a classifier",
    );
    let monotonic = Parameters { monotonic_cst: vec![0, 1, 0], ..default() };
    let three = HistGradientBoostingClassifier::new().parameters(monotonic).fit(&x, &classes);
    error(three.unwrap_err().to_string(), "not supported for multiclass");
    let model = regressor.fit(&x, &y).unwrap();
    error(
        model.predict(&Tensor::zeros([2, 2])).unwrap_err().to_string(),
        "2 features, the model was fitted on 3",
    );
}

#[test]
fn one_class_one_row_and_columns_without_values_are_no_trouble() {
    let x = Tensor::from([[f64::NAN, 1.0]]);
    let one = HistGradientBoostingClassifier::new().fit(&x, &Tensor::from([4i64])).unwrap();
    assert_eq!(one.predict(&x).unwrap().to_vec(), [4]);
    assert_eq!(one.predict_proba(&x).unwrap().to_vec(), [1.0]);
    let infinite = Tensor::from([[f64::NEG_INFINITY], [0.0], [1.0], [f64::INFINITY]]);
    let y = Tensor::from([0.0, 0.0, 1.0, 1.0]);
    let model = HistGradientBoostingRegressor::new().min_samples_leaf(1).fit(&infinite, &y).unwrap();
    let found = model.predict(&infinite).unwrap().to_vec();
    assert!(found.iter().zip(y.to_vec()).all(|(found, y)| (found - y).abs() < 1e-4), "{found:?}");
}

/// The record with one number of one of its tensors replaced.
fn spoiled(record: &Record, name: &str, place: usize, value: i32) -> Record {
    let trees = record.record("trees").unwrap();
    let mut values = trees.tensor::<i32>(name).unwrap().to_vec();
    let place = place % values.len();
    values[place] = value;
    let spoiled = trees.clone().with(name, Tensor::from(values));
    record.clone().with("trees", spoiled)
}

#[test]
fn files_that_lie_are_refused() {
    let (x, y, _) = samples(300, 4);
    let model = HistGradientBoostingRegressor::new().parameters(few()).fit(&x, &y).unwrap();
    let record = model.to_record();
    let read = |record: &Record| FittedHistGradientBoostingRegressor::<f64>::from_record(record);
    assert_eq!(read(&record).unwrap(), model);
    for name in ["left", "right"] {
        // A child that stands before its parent would be walked for ever.
        assert!(read(&spoiled(&record, name, 0, 0)).is_err());
        assert!(read(&spoiled(&record, name, 0, 1 << 20)).is_err());
        assert!(read(&spoiled(&record, name, 0, -1)).is_err());
    }
    assert!(read(&spoiled(&record, "feature", 0, 3)).is_err());
    assert!(read(&spoiled(&record, "set", 1, 99)).is_err());
    let trees = record.record("trees").unwrap();
    for (name, field) in [
        ("sizes", Field::from(Tensor::from([5i64]))),
        ("baseline", Tensor::from([0.0, 0.0]).into()),
        ("value", Tensor::from([0.0]).into()),
        ("category_counts", Tensor::from([300i64, 0, 0]).into()),
        ("loss", "log_loss".into()),
    ] {
        assert!(read(&record.clone().with("trees", trees.clone().with(name, field))).is_err(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a file, reading it and predicting with it ends.
    #[test]
    fn spoiled_files_end(name in 0usize..4, place: usize, value: i32) {
        let (x, y, _) = samples(100, 5);
        let model = HistGradientBoostingRegressor::new().parameters(few()).min_samples_leaf(5).fit(&x, &y).unwrap();
        let record = spoiled(&model.to_record(), ["left", "right", "feature", "set"][name], place, value);
        if let Ok(model) = FittedHistGradientBoostingRegressor::<f64>::from_record(&record) {
            model.predict(&x).unwrap();
        }
    }
}
