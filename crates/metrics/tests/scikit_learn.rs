//! Every score against scikit-learn's, from `proofs/goldens/metrics.py`.

use barehand_metrics::*;
use barehand_tensor::Tensor;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/metrics.json")).unwrap()
}

/// A golden number; null stands for NaN.
fn number(value: &Value) -> f64 {
    if value.is_null() { f64::NAN } else { value.as_f64().unwrap() }
}

/// All numbers of a golden, however nested.
fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(items) => items.iter().flat_map(numbers).collect(),
        None => vec![number(value)],
    }
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect()
}

fn labels_of(value: &Value) -> Tensor<i64> {
    let values = integers(value);
    let n = values.len();
    Tensor::from_vec(values, [n]).unwrap()
}

/// Numbers of shape `(N)` or `(N, C)`.
fn matrix_of(value: &Value) -> Tensor<f64> {
    let rows = value.as_array().unwrap();
    let mut shape = vec![rows.len()];
    shape.extend(rows[0].as_array().map(Vec::len));
    Tensor::from_vec(numbers(value), shape).unwrap()
}

fn optional<T>(value: &Value, read: impl Fn(&Value) -> T) -> Option<T> {
    (!value.is_null()).then(|| read(value))
}

#[track_caller]
fn close(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    let same = ours.is_nan() && theirs.is_nan() || (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0);
    assert!(same, "{what}: {ours} should be {theirs}");
}

#[track_caller]
fn all_close(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    ours.iter().zip(theirs).for_each(|(&ours, &theirs)| close(ours, theirs, 1e-13, what));
}

/// A case of labels and predictions.
struct Case {
    name: String,
    y_true: Tensor<i64>,
    y_pred: Tensor<i64>,
    labels: Option<Vec<i64>>,
    weights: Option<Tensor<f64>>,
    golden: Value,
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = golden()["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| Case {
            name: case["name"].as_str().unwrap().to_owned(),
            y_true: labels_of(&case["y_true"]),
            y_pred: labels_of(&case["y_pred"]),
            labels: optional(&case["labels"], integers),
            weights: optional(&case["weights"], matrix_of),
            golden: case.clone(),
        })
        .collect();
    assert!(cases.len() >= 26);
    cases
}

#[test]
fn accuracy_agrees() {
    for case in cases() {
        let mut options = Accuracy::new();
        let mut balanced = BalancedAccuracy::new();
        if let Some(weights) = &case.weights {
            (options, balanced) = (options.sample_weight(weights), balanced.sample_weight(weights));
        } else {
            let plain = accuracy(&case.y_true, &case.y_pred).unwrap();
            close(plain, number(&case.golden["accuracy"]), 0.0, &case.name);
        }
        for (key, ours) in [
            ("accuracy", options.score(&case.y_true, &case.y_pred)),
            ("accuracy_count", options.normalize(false).score(&case.y_true, &case.y_pred)),
            ("balanced_accuracy", balanced.score(&case.y_true, &case.y_pred)),
            ("balanced_accuracy_adjusted", balanced.adjusted(true).score(&case.y_true, &case.y_pred)),
        ] {
            close(ours.unwrap(), number(&case.golden[key]), 1e-13, &format!("{}: {key}", case.name));
        }
    }
}

#[test]
fn confusion_matrices_agree() {
    for Case { name, y_true, y_pred, labels, weights, golden } in cases() {
        let (cells, normalized) = match (&weights, &labels) {
            (Some(weights), labels) => {
                let matrix = ConfusionMatrix::weighted(&y_true, &y_pred, weights, labels.as_deref()).unwrap();
                (
                    matrix.cells.to_vec(),
                    [NormalizeOver::True, NormalizeOver::Predicted, NormalizeOver::All]
                        .map(|over| matrix.normalized(over).unwrap()),
                )
            }
            (None, labels) => {
                let matrix = match labels {
                    Some(labels) => ConfusionMatrix::with_labels(&y_true, &y_pred, labels).unwrap(),
                    None => ConfusionMatrix::new(&y_true, &y_pred).unwrap(),
                };
                assert_eq!(matrix.cells.shape(), [matrix.labels.len(); 2]);
                (
                    matrix.cells.to_vec().iter().map(|&n| n as f64).collect(),
                    [NormalizeOver::True, NormalizeOver::Predicted, NormalizeOver::All]
                        .map(|over| matrix.normalized(over).unwrap()),
                )
            }
        };
        let golden = &golden["confusion"];
        all_close(&cells, &numbers(&golden["none"]), &name);
        for (ours, key) in normalized.iter().zip(["true", "pred", "all"]) {
            all_close(&ours.to_vec(), &numbers(&golden[key]), &format!("{name}, normalised over {key}"));
        }
    }
}

#[test]
fn precision_recall_and_f_agree() {
    let mut compared = 0;
    for case in cases() {
        for golden in case.golden["scores"].as_array().unwrap() {
            let text = |key: &str| golden[key].as_str().unwrap();
            let beta: f64 = text("beta").parse().unwrap();
            let mut options =
                PrecisionRecall::new().beta(beta).zero_division(zero_division(text("zero_division")));
            if let Some(labels) = &case.labels {
                options = options.labels(labels);
            }
            if let Some(weights) = &case.weights {
                options = options.sample_weight(weights);
            }
            let what = format!("{}: {} {} {beta}", case.name, text("average"), text("zero_division"));
            let average = match text("average") {
                "binary" => Average::Binary { pos_label: case.golden["pos_label"].as_i64().unwrap() },
                "micro" => Average::Micro,
                "macro" => Average::Macro,
                "weighted" => Average::Weighted,
                _ => {
                    let classes = options.per_class(&case.y_true, &case.y_pred).unwrap();
                    let column =
                        |value: fn(&ClassScores) -> f64| classes.iter().map(value).collect::<Vec<_>>();
                    all_close(&column(|c| c.precision), &numbers(&golden["precision"]), &what);
                    all_close(&column(|c| c.recall), &numbers(&golden["recall"]), &what);
                    all_close(&column(|c| c.f_beta), &numbers(&golden["fbeta"]), &what);
                    all_close(&column(|c| c.support), &numbers(&golden["support"]), &what);
                    compared += 1;
                    continue;
                }
            };
            let ours = options.average(&case.y_true, &case.y_pred, average).unwrap();
            all_close(
                &[ours.precision, ours.recall, ours.f_beta],
                &[number(&golden["precision"]), number(&golden["recall"]), number(&golden["fbeta"])],
                &what,
            );
            compared += 1;
        }
    }
    assert!(compared > 1500, "{compared} variants compared");
}

fn zero_division(name: &str) -> ZeroDivision {
    match name {
        "zero" => ZeroDivision::Zero,
        "one" => ZeroDivision::One,
        _ => ZeroDivision::Nan,
    }
}

#[test]
fn reports_agree_to_the_letter() {
    for case in cases() {
        for golden in case.golden["reports"].as_array().unwrap() {
            let names: Option<Vec<&str>> = optional(&golden["names"], |_| {
                golden["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
            });
            let mut options = ClassificationReport::options()
                .digits(golden["digits"].as_u64().unwrap() as usize)
                .zero_division(zero_division(golden["zero_division"].as_str().unwrap()));
            if let Some(labels) = &case.labels {
                options = options.labels(labels);
            }
            if let Some(names) = &names {
                options = options.names(names);
            }
            if let Some(weights) = &case.weights {
                options = options.sample_weight(weights);
            }
            let ours = options.build(&case.y_true, &case.y_pred).unwrap().to_string();
            let theirs = golden["text"].as_str().unwrap();
            if case.weights.is_none() {
                let all_wrong = number(&case.golden["accuracy"]) == 0.0;
                let theirs = if all_wrong { whole_counts(theirs) } else { theirs.to_owned() };
                assert_eq!(ours, theirs, "{}", case.name);
                continue;
            }
            // Supports that are sums of weights are rounded here and not there: compare the table cell by cell.
            assert_eq!(ours.lines().count(), theirs.lines().count());
            for (ours, theirs) in ours.lines().zip(theirs.lines()) {
                let (a, b): (Vec<_>, Vec<_>) =
                    (ours.split_whitespace().collect(), theirs.split_whitespace().collect());
                assert_eq!(a.len(), b.len(), "{}: `{ours}` stands for `{theirs}`", case.name);
                for (i, (a, b)) in a.iter().zip(&b).enumerate() {
                    match (a.parse::<f64>(), b.parse::<f64>()) {
                        (Ok(a), Ok(b)) if i + 1 == theirs.split_whitespace().count() => {
                            let half = 0.500001 * 0.1f64.powi(golden["digits"].as_i64().unwrap() as i32);
                            assert!((a - b).abs() <= half, "{}: support {a} should be {b}", case.name);
                        }
                        _ => assert_eq!(a, b, "{}", case.name),
                    }
                }
            }
        }
    }
}

/// Where no prediction is right, scikit-learn counts in floats and prints `3.0`; we always print `3`.
fn whole_counts(report: &str) -> String {
    let line = |line: &str| match line.strip_suffix(".0").and_then(|line| line.rsplit_once(' ')) {
        Some((head, count)) => format!("{head}   {count}\n"),
        None => format!("{line}\n"),
    };
    report.lines().map(line).collect()
}

#[test]
fn top_k_accuracy_agrees() {
    for case in golden()["top_k"].as_array().unwrap() {
        let (y_true, y_score) = (labels_of(&case["y_true"]), matrix_of(&case["y_score"]));
        let single =
            Tensor::from_vec(y_score.to_vec().iter().map(|&v| v as f32).collect(), y_score.shape()).unwrap();
        let (labels, weights) = (optional(&case["labels"], integers), optional(&case["weights"], matrix_of));
        for golden in case["scores"].as_array().unwrap() {
            let mut options = TopKAccuracy::new(golden["k"].as_u64().unwrap() as usize)
                .normalize(golden["normalize"].as_bool().unwrap());
            if let Some(labels) = &labels {
                options = options.labels(labels);
            }
            if let Some(weights) = &weights {
                options = options.sample_weight(weights);
            }
            let what = case["name"].as_str().unwrap();
            close(options.score(&y_true, &y_score).unwrap(), number(&golden["score"]), 1e-13, what);
            close(options.score(&y_true, &single).unwrap(), number(&golden["score"]), 1e-13, what);
        }
    }
}

#[test]
fn log_loss_agrees_in_both_precisions() {
    for case in golden()["log_loss"].as_array().unwrap() {
        let (y_true, proba) = (labels_of(&case["y_true"]), matrix_of(&case["y_proba"]));
        let single =
            Tensor::from_vec(proba.to_vec().iter().map(|&v| v as f32).collect(), proba.shape()).unwrap();
        let (labels, weights) = (optional(&case["labels"], integers), optional(&case["weights"], matrix_of));
        for (normalize, key) in [(true, "mean"), (false, "sum")] {
            let mut options = LogLoss::new().normalize(normalize);
            if let Some(labels) = &labels {
                options = options.labels(labels);
            }
            if let Some(weights) = &weights {
                options = options.sample_weight(weights);
            }
            let what = case["name"].as_str().unwrap();
            close(
                options.score(&y_true, &proba).unwrap(),
                number(&case[format!("float64_{key}")]),
                1e-13,
                what,
            );
            // Theirs rounds every step to f32, ours only the clip.
            close(
                options.score(&y_true, &single).unwrap(),
                number(&case[format!("float32_{key}")]),
                1e-6,
                what,
            );
        }
    }
}
