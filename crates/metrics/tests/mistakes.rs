//! What is no score is an error that says why.

use barehand_metrics::*;
use barehand_tensor::{Result, Tensor};

fn labels(values: &[i64]) -> Tensor<i64> {
    Tensor::from_vec(values.to_vec(), [values.len()]).unwrap()
}

fn reals(values: &[f64], shape: &[usize]) -> Tensor<f64> {
    Tensor::from_vec(values.to_vec(), shape).unwrap()
}

#[track_caller]
fn refused<T>(result: Result<T>, word: &str) {
    let text = result.err().expect("this must be refused").to_string();
    assert!(text.contains(word), "`{text}` should say `{word}`");
}

#[test]
fn shapes_must_fit() {
    refused(accuracy(&labels(&[1, 2]), &labels(&[1])), "[2] and [1]");
    refused(accuracy(&labels(&[]), &labels(&[])), "no samples");
    let square = Tensor::from_vec(vec![1i64; 4], [2, 2]).unwrap();
    refused(ConfusionMatrix::new(&square, &square), "[2, 2]");
    refused(precision(&labels(&[1]), &square, Average::Macro), "(N)");
    refused(top_k_accuracy(&labels(&[0, 1]), &reals(&[0.5; 3], &[1, 3]), 1), "[1, 3]");
    refused(log_loss(&labels(&[0, 1]), &reals(&[0.5; 3], &[3])), "[3]");
    refused(log_loss(&labels(&[0, 1]), &reals(&[], &[2, 0])), "[2, 0]");
    refused(top_k_accuracy(&labels(&[0, 1]), &reals(&[], &[2, 0]), 1), "not among labels []");
}

#[test]
fn weights_must_weigh() {
    let y = labels(&[0, 1]);
    for (weights, word) in [
        (vec![1.0], "[1]"),
        (vec![1.0, -1.0], "-1"),
        (vec![1.0, f64::NAN], "NaN"),
        (vec![0.0; 2], "weight 0"),
    ] {
        let weights = reals(&weights, &[weights.len()]);
        refused(Accuracy::new().sample_weight(&weights).score(&y, &y), word);
        refused(BalancedAccuracy::new().sample_weight(&weights).score(&y, &y), word);
        refused(ConfusionMatrix::weighted(&y, &y, &weights, None), word);
        refused(LogLoss::new().sample_weight(&weights).score(&y, &reals(&[0.5; 2], &[2])), word);
        refused(TopKAccuracy::new(1).sample_weight(&weights).score(&y, &reals(&[0.5; 2], &[2])), word);
    }
}

#[test]
fn labels_must_be_meant() {
    let y = labels(&[0, 1, 2]);
    refused(ConfusionMatrix::with_labels(&y, &y, &[]), "empty");
    refused(ConfusionMatrix::with_labels(&y, &y, &[1, 1]), "twice");
    refused(ConfusionMatrix::with_labels(&y, &y, &[7, 8]), "none of labels");
    refused(PrecisionRecall::new().labels(&[]).per_class(&y, &y), "empty");
    refused(precision(&y, &y, Average::Binary { pos_label: 1 }), "two classes");
    refused(recall(&labels(&[0, 1]), &labels(&[0, 1]), Average::Binary { pos_label: 5 }), "5");
    refused(f_beta(&y, &y, -1.0, Average::Macro), "beta");
    refused(f_beta(&y, &y, f64::NAN, Average::Macro), "beta");
    refused(ClassificationReport::options().names(&["one"]).build(&y, &y), "1 names for 3 classes");
    let far: Vec<i64> = (0..40_000).map(|i| i * 1_000_003).collect();
    refused(ConfusionMatrix::new(&labels(&far), &labels(&far)), "too large");
}

#[test]
fn scores_must_be_scores() {
    let y = labels(&[0, 1]);
    refused(log_loss(&y, &reals(&[0.5, 1.5], &[2])), "1.5");
    refused(log_loss(&y, &reals(&[0.5, f64::NAN], &[2])), "NaN");
    refused(log_loss(&labels(&[1, 1]), &reals(&[0.5; 2], &[2])), "1 labels");
    refused(log_loss(&y, &reals(&[0.3; 6], &[2, 3])), "2 labels");
    refused(LogLoss::new().labels(&[0, 2]).score(&y, &reals(&[0.5; 2], &[2])), "label 1");
    refused(top_k_accuracy(&y, &reals(&[0.5, f64::INFINITY], &[2]), 1), "inf");
    refused(top_k_accuracy(&y, &reals(&[0.5; 4], &[2, 2]), 0), "at least 1");
    refused(top_k_accuracy(&labels(&[0, 2]), &reals(&[0.5; 4], &[2, 2]), 1), "label 2");
    refused(TopKAccuracy::new(1).labels(&[1, 0]).score(&y, &reals(&[0.5; 2], &[2])), "ascend");
    refused(TopKAccuracy::new(1).labels(&[0, 1, 2]).score(&y, &reals(&[0.5; 4], &[2, 2])), "3 labels");
}
