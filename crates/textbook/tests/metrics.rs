//! Scores against scikit-learn's.

use barehand_textbook::{
    Array, Trace, accuracy, confusion_matrix, log_loss, precision_recall, top_k_accuracy,
};
use serde_json::Value;

fn goldens() -> Value {
    serde_json::from_str(include_str!("../../metrics/tests/goldens/metrics.json")).unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn table(rows: &Value) -> Array {
    let rows: Vec<Vec<f64>> = rows.as_array().unwrap().iter().map(numbers).collect();
    Array::new(&[rows.len(), rows[0].len()], rows.concat()).unwrap()
}

/// Classes from 0, all of which occur, as the textbook counts them.
fn classes(list: &Value) -> Option<Vec<usize>> {
    list.as_array().unwrap().iter().map(|x| x.as_u64().map(|n| n as usize)).collect()
}

/// Cases without weights or a choice of labels.
fn plain<'a>(goldens: &'a Value, family: &str) -> impl Iterator<Item = &'a Value> {
    let cases = goldens[family].as_array().unwrap();
    cases.iter().filter(|case| case["labels"].is_null() && case["weights"].is_null())
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-13 * (1.0 + b.abs()), "{a} is not {b}");
}

#[test]
fn counts_and_shares() {
    let (goldens, mut compared) = (goldens(), 0);
    for case in plain(&goldens, "classes") {
        let (Some(truth), Some(predicted)) = (classes(&case["y_true"]), classes(&case["y_pred"])) else {
            continue;
        };
        let count = truth.iter().chain(&predicted).max().unwrap() + 1;
        let expected = table(&case["confusion"]["none"]);
        if expected.shape()[0] != count {
            continue; // Some class below the largest does not occur; scikit-learn leaves it out.
        }
        let silent = &mut Trace::silent();
        close(accuracy(&truth, &predicted, count, silent).unwrap(), case["accuracy"].as_f64().unwrap());
        let confusion = confusion_matrix(&truth, &predicted, count, silent).unwrap();
        assert_eq!(confusion, expected, "{}", case["name"]);
        for score in case["scores"].as_array().unwrap() {
            let beta: f64 = score["beta"].as_str().unwrap().parse().unwrap();
            if score["zero_division"] != "zero" || !beta.is_finite() {
                continue;
            }
            let mut trace = Trace::new();
            let ours = precision_recall(&confusion, beta, &mut trace).unwrap();
            let average = score["average"].as_str().unwrap();
            let pairs = [("precision", &ours.precision), ("recall", &ours.recall), ("fbeta", &ours.f)];
            for (name, ours) in pairs {
                let step = if name == "fbeta" { "F" } else { name };
                match average {
                    "none" => {
                        ours.data().iter().zip(numbers(&score[name])).for_each(|(&a, b)| close(a, b));
                    }
                    "macro" | "weighted" => {
                        let ours = trace.get(&format!("{average} {step}")).unwrap().data()[0];
                        close(ours, score[name].as_f64().unwrap());
                    }
                    "micro" => close(trace.get("micro F").unwrap().data()[0], score[name].as_f64().unwrap()),
                    _ => continue,
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 100, "{compared}");
}

#[test]
fn ranks_and_surprises() {
    let (goldens, mut compared) = (goldens(), 0);
    for case in plain(&goldens, "top_k") {
        let (Some(truth), scores) = (classes(&case["y_true"]), &case["y_score"]) else { continue };
        if !scores[0].is_array() {
            continue; // scikit-learn's form for two classes with one score.
        }
        let scores = table(scores);
        if truth.iter().any(|&class| class >= scores.shape()[1]) {
            continue;
        }
        for score in case["scores"].as_array().unwrap().iter().filter(|score| score["normalize"] == true) {
            let k = score["k"].as_u64().unwrap() as usize;
            let ours = top_k_accuracy(&truth, &scores, k, &mut Trace::silent()).unwrap();
            close(ours, score["score"].as_f64().unwrap());
            compared += 1;
        }
    }
    for case in plain(&goldens, "log_loss") {
        let Some(truth) = classes(&case["y_true"]) else { continue };
        if !case["y_proba"][0].is_array() {
            continue;
        }
        let probabilities = table(&case["y_proba"]);
        if truth.iter().any(|&class| class >= probabilities.shape()[1]) {
            continue;
        }
        let ours = log_loss(&truth, &probabilities, &mut Trace::silent()).unwrap();
        close(ours, case["float64_mean"].as_f64().unwrap());
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}

#[test]
fn mistakes_are_named() {
    let silent = &mut Trace::silent();
    assert!(accuracy(&[0, 3], &[0, 1], 2, silent).unwrap_err().to_string().contains("class 3 of sample 1"));
    assert!(accuracy(&[], &[], 0, silent).is_err());
    assert!(confusion_matrix(&[0], &[0, 1], 2, silent).unwrap_err().to_string().contains("1 true"));
    assert!(log_loss(&[0], &Array::matrix([[1.5, -0.5]]), silent).is_err());
    assert!(top_k_accuracy(&[0], &Array::matrix([[1.0, 2.0]]), 0, silent).is_err());
}
