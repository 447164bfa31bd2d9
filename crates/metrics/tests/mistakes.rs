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

#[test]
fn one_class_has_no_area() {
    let scores = reals(&[0.1, 0.9], &[2]);
    refused(roc_auc(&labels(&[1, 1]), &scores), "of one kind");
    refused(roc_auc(&labels(&[0, 0]), &scores), "of one kind");
    assert!(RocAuc::new().undefined(Undefined::Nan).score(&labels(&[1, 1]), &scores).unwrap().is_nan());
    refused(det_curve(&labels(&[1, 1]), &scores), "of one kind");
    let (all, p) = (labels(&[0, 1, 0]), reals(&[0.2, 0.3, 0.5, 0.6, 0.2, 0.2, 0.1, 0.1, 0.8], &[3, 3]));
    let missing = RocAuc::new().multi_class(MultiClass::OneVsRest).labels(&[0, 1, 2]);
    refused(missing.score(&all, &p), "of one kind");
    let set = Tensor::from_vec(vec![true, false, true, true], [2, 2]).unwrap();
    refused(RocAuc::new().multilabel(&set, &reals(&[0.1, 0.2, 0.3, 0.4], &[2, 2])), "of one kind");
}

#[test]
fn areas_and_curves_must_be_meant() {
    let (y, s) = (labels(&[0, 1, 2]), reals(&[0.1, 0.5, 0.9], &[3]));
    refused(roc_auc(&y, &s), "3 classes");
    refused(roc_curve(&y, &s), "pos_label");
    refused(roc_auc(&labels(&[0, 1]), &s), "[2]");
    refused(roc_auc(&labels(&[]), &reals(&[], &[0])), "[0]");
    refused(roc_auc(&labels(&[0, 1]), &reals(&[0.1, f64::NAN], &[2])), "NaN");
    refused(average_precision(&labels(&[0, 1]), &reals(&[0.1, f64::INFINITY], &[2])), "inf");
    let p = reals(&[0.2, 0.3, 0.5, 0.6, 0.2, 0.2, 0.1, 0.1, 0.8], &[3, 3]);
    refused(roc_auc(&y, &p), "MultiClass");
    let rest = RocAuc::new().multi_class(MultiClass::OneVsRest);
    refused(rest.score(&y, &reals(&[0.5; 9], &[3, 3])), "sum to 1");
    refused(rest.max_fpr(0.5).score(&y, &p), "two classes");
    refused(rest.labels(&[2, 1, 0]).score(&y, &p), "ascend");
    refused(rest.labels(&[0, 1]).score(&y, &p), "2 classes");
    refused(rest.labels(&[0, 1, 3]).score(&y, &p), "label 2");
    refused(RocAuc::new().max_fpr(0.0).score(&labels(&[0, 1]), &reals(&[0.1, 0.9], &[2])), "(0, 1]");
    let one = RocAuc::new().multi_class(MultiClass::OneVsOne);
    refused(one.average(ColumnAverage::Micro).score(&y, &p), "Micro");
    refused(one.sample_weight(&reals(&[1.0; 3], &[3])).score(&y, &p), "weights");
    refused(auc(&[0.0], &[1.0]), "two points");
    refused(auc(&[0.0, 1.0, 0.5], &[1.0; 3]), "neither ascends");
    refused(hinge_loss(&y, &s, None, None), "3 labels");
    refused(brier_score(&y, &s), "3 labels");
    refused(calibration_curve(&labels(&[0, 1]), &reals(&[0.1, 1.1], &[2]), 5, Bins::Uniform, None), "1.1");
    refused(calibration_curve(&labels(&[0, 1]), &reals(&[0.1, 0.9], &[2]), 0, Bins::Uniform, None), "bin");
}

#[test]
fn numbers_must_be_numbers() {
    let y = reals(&[1.0, 2.0], &[2]);
    refused(Regression::new(&y, &reals(&[1.0], &[1])), "[1]");
    refused(Regression::new(&reals(&[], &[0]), &reals(&[], &[0])), "[0]");
    refused(Regression::new(&y, &reals(&[1.0, f64::NAN], &[2])), "NaN");
    refused(r2(&reals(&[1.0], &[1]), &reals(&[1.0], &[1])), "fewer than two");
    refused(mean_squared_log_error(&y, &reals(&[-1.0, 0.0], &[2])), "-1");
    refused(mean_pinball_loss(&y, &y, 1.5), "1.5");
    refused(mean_tweedie_deviance(&y, &y, 0.5), "power 0.5");
    refused(mean_poisson_deviance(&y, &reals(&[0.0, 1.0], &[2])), "positive predictions");
    refused(mean_gamma_deviance(&reals(&[0.0, 1.0], &[2]), &y), "positive targets");
    let two = reals(&[1.0; 4], &[2, 2]);
    refused(max_error(&two, &two), "one output");
    refused(mean_of_outputs(&[1.0, 2.0], Some(&[1.0])), "1 weights");
    refused(mean_of_outputs(&[1.0, 2.0], Some(&[1.0, -1.0])), "sum to 0");
}

#[test]
fn clusters_must_be_some() {
    let x = reals(&[0.0, 1.0, 2.0], &[3, 1]);
    refused(silhouette(&x, &labels(&[0, 0, 0])), "1 labels");
    refused(silhouette(&x, &labels(&[0, 1, 2])), "3 labels");
    refused(davies_bouldin(&x, &labels(&[0, 1])), "[2]");
    refused(calinski_harabasz(&reals(&[f64::NAN, 0.0, 1.0], &[3, 1]), &labels(&[0, 0, 1])), "NaN");
    let distances = Silhouette::new().metric(SilhouetteMetric::Precomputed);
    refused(distances.samples(&x, &labels(&[0, 0, 1])), "(N, N)");
    refused(distances.samples(&reals(&[1.0; 9], &[3, 3]), &labels(&[0, 0, 1])), "diagonal");
    refused(rand_index(&labels(&[0]), &labels(&[0, 1])), "[1] and [2]");
    refused(Contingency::from_dense(&[1, -1], 1, 2), "-1");
    refused(Contingency::from_dense(&[1, 2], 2, 2), "2 counts");
    let far: Vec<i64> = (0..40_000).collect();
    refused(Contingency::new(&labels(&far), &labels(&far)).unwrap().dense(), "too large");
}

#[test]
fn rankings_texts_and_boxes_must_be_some() {
    let gains = reals(&[1.0, 0.0], &[1, 2]);
    refused(Gain::new().k(0).dcg(&gains, &gains), "k is at least 1");
    refused(Gain::new().log_base(0.0).dcg(&gains, &gains), "positive");
    refused(ndcg(&reals(&[-1.0, 0.0], &[1, 2]), &gains), "-1");
    refused(ndcg(&reals(&[1.0], &[1, 1]), &reals(&[1.0], &[1, 1])), "two or more");
    refused(dcg(&gains, &reals(&[1.0, 0.0], &[2])), "[2]");
    let set = Tensor::from_vec(vec![true, false], [1, 2]).unwrap();
    refused(recall_at_k(&set, &gains, 0), "at least 1");
    refused(label_ranking_loss(&set, &reals(&[0.5, f64::NAN], &[1, 2]), None), "NaN");
    let text = || vec![vec!["a"]];
    refused(corpus_bleu::<&str>(&[], &[]), "0 translations");
    refused(corpus_bleu(&text(), &[vec![]]), "no reference");
    refused(Bleu::new().max_order(0).corpus(&text(), &[text()]), "one token");
    refused(perplexity(&gains, &labels(&[2]), None), "target 2");
    refused(perplexity(&gains, &labels(&[0]), Some(0)), "no target");
    let mut map = MeanAveragePrecision::new();
    let (one, score, class) = (reals(&[0.0, 0.0, 1.0, 1.0], &[1, 4]), reals(&[0.5], &[1]), labels(&[0]));
    refused(map.image(&reals(&[0.0; 3], &[1, 3]), &score, &class, &one, &class, None, None), "(N, 4)");
    refused(map.image(&one, &reals(&[0.5; 2], &[2]), &class, &one, &class, None, None), "scores");
    let backward = reals(&[1.0, 0.0, 0.0, 1.0], &[1, 4]);
    refused(map.image(&backward, &score, &class, &one, &class, None, None), "ends before");
    assert_eq!(map.images(), 0);
    assert!(map.compute().map.is_nan());
}
