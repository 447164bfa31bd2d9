//! Scores over thresholds, of numbers, clusters and rankings against scikit-learn's, from `proofs/goldens/scores.py`.

use barehand_metrics::*;
use barehand_tensor::Tensor;
use serde_json::Value;

fn golden(section: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("goldens/scores.json")).unwrap();
    golden[section].as_array().unwrap().clone()
}

/// A golden number; null stands for NaN.
fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::String(_) => f64::INFINITY,
        Value::Bool(set) => f64::from(u8::from(*set)),
        number => number.as_f64().unwrap(),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(items) => items.iter().flat_map(numbers).collect(),
        None => vec![number(value)],
    }
}

fn shape(value: &Value) -> Vec<usize> {
    let items = value.as_array().unwrap();
    [items.len()].into_iter().chain(items[0].as_array().map(Vec::len)).collect()
}

fn reals(value: &Value) -> Tensor<f64> {
    Tensor::from_vec(numbers(value), shape(value)).unwrap()
}

fn integers(value: &Value) -> Tensor<i64> {
    let values: Vec<i64> = value.as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect();
    Tensor::from_vec(values.clone(), [values.len()]).unwrap()
}

fn bools(value: &Value) -> Tensor<bool> {
    Tensor::from_vec(numbers(value).iter().map(|&set| set != 0.0).collect(), shape(value)).unwrap()
}

fn weights(case: &Value) -> Option<Tensor<f64>> {
    (!case["weights"].is_null()).then(|| reals(&case["weights"]))
}

#[track_caller]
fn close(ours: f64, theirs: &Value, case: &Value, what: &str) {
    let theirs = number(theirs);
    let same = ours == theirs
        || ours.is_nan() && theirs.is_nan()
        || (ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0);
    assert!(same, "{}, {what}: {ours} should be {theirs}", case["name"]);
}

#[track_caller]
fn all_close(ours: &[f64], theirs: &Value, case: &Value, what: &str) {
    let theirs = theirs.as_array().unwrap();
    assert_eq!(ours.len(), theirs.len(), "{}, {what}: {ours:?} should be {theirs:?}", case["name"]);
    ours.iter().zip(theirs).for_each(|(&ours, theirs)| close(ours, theirs, case, what));
}

#[test]
fn curves_and_areas_agree() {
    for case in golden("binary") {
        let (y, s, w) = (integers(&case["y_true"]), reals(&case["y_score"]), weights(&case));
        let (mut area, mut curves) = (RocAuc::new(), Curves::new());
        if let Some(w) = &w {
            (area, curves) = (area.sample_weight(w), curves.sample_weight(w));
        }
        close(area.score(&y, &s).unwrap(), &case["roc_auc"], &case, "area");
        for (max_fpr, theirs) in case["partial"].as_object().unwrap() {
            let part = area.max_fpr(max_fpr.parse().unwrap());
            close(part.score(&y, &s).unwrap(), theirs, &case, max_fpr);
        }
        close(curves.average_precision(&y, &s).unwrap(), &case["average_precision"], &case, "AP");
        for (drop, key) in [(false, "whole"), (true, "dropped")] {
            let curves = curves.drop_intermediate(drop);
            let ours = curves.roc(&y, &s).unwrap();
            let theirs = &case[format!("roc_{key}")];
            all_close(&ours.false_positive_rate, &theirs[0], &case, "fpr");
            all_close(&ours.true_positive_rate, &theirs[1], &case, "tpr");
            all_close(&ours.thresholds, &theirs[2], &case, "thresholds");
            let ours = curves.precision_recall(&y, &s).unwrap();
            let theirs = &case[format!("precision_recall_{key}")];
            all_close(&ours.precision, &theirs[0], &case, "precision");
            all_close(&ours.recall, &theirs[1], &case, "recall");
            all_close(&ours.thresholds, &theirs[2], &case, "thresholds");
            let ours = curves.det(&y, &s).unwrap();
            let theirs = &case[format!("det_{key}")];
            all_close(&ours.false_positive_rate, &theirs[0], &case, "fpr");
            all_close(&ours.false_negative_rate, &theirs[1], &case, "fnr");
            all_close(&ours.thresholds, &theirs[2], &case, "thresholds");
        }
    }
}

#[test]
fn scores_of_several_classes_agree() {
    use ColumnAverage::{Macro, Micro, Weighted};
    for case in golden("classes") {
        let (y, s, w) = (integers(&case["y_true"]), reals(&case["y_score"]), weights(&case));
        let (mut rest, mut brier, mut log_loss) =
            (RocAuc::new().multi_class(MultiClass::OneVsRest), BrierScore::new(), LogLoss::new());
        let (mut scores, pred) = (PrecisionRecall::new(), integers(&case["y_pred"]));
        let mut matrix = ConfusionMatrix::weighted(&y, &pred, &Tensor::ones([y.len()]), None).unwrap();
        if let Some(w) = &w {
            (rest, brier, log_loss) =
                (rest.sample_weight(w), brier.sample_weight(w), log_loss.sample_weight(w));
            scores = scores.sample_weight(w);
            matrix = ConfusionMatrix::weighted(&y, &pred, w, None).unwrap();
        }
        for (average, key) in [(Macro, "macro"), (Weighted, "weighted"), (Micro, "micro")] {
            let ours = rest.average(average).score(&y, &s).unwrap();
            close(ours, &case[format!("ovr_{key}")], &case, key);
            if average != Micro {
                let one = RocAuc::new().multi_class(MultiClass::OneVsOne).average(average);
                close(one.score(&y, &s).unwrap(), &case[format!("ovo_{key}")], &case, key);
            }
        }
        for (average, key) in
            [(Average::Macro, "macro"), (Average::Weighted, "weighted"), (Average::Micro, "micro")]
        {
            let ours = scores.average(&y, &pred, average).unwrap().jaccard;
            close(ours, &case[format!("jaccard_{key}")], &case, key);
        }
        all_close(&rest.per_class(&y, &s).unwrap(), &case["each"], &case, "each");
        close(brier.score(&y, &s).unwrap(), &case["brier"], &case, "Brier");
        close(brier.d2(&y, &s).unwrap(), &case["d2_brier"], &case, "D2 Brier");
        close(log_loss.d2(&y, &s).unwrap(), &case["d2_log_loss"], &case, "D2 log loss");
        close(hinge_loss(&y, &s, None, w.as_ref()).unwrap(), &case["hinge"], &case, "hinge");
        close(zero_one_loss(&y, &pred, w.as_ref()).unwrap(), &case["zero_one"], &case, "zero-one");
        close(matrix.matthews(), &case["matthews"], &case, "Matthews");
        for (weights, key) in [
            (KappaWeights::None, "None"),
            (KappaWeights::Linear, "linear"),
            (KappaWeights::Quadratic, "quadratic"),
        ] {
            close(matrix.cohen_kappa(weights).unwrap(), &case[format!("kappa_{key}")], &case, key);
        }
    }
}

#[test]
fn scores_of_several_labels_agree() {
    use ColumnAverage::{Macro, Micro, Samples, Weighted};
    for case in golden("labels") {
        let (y, s, w) = (bools(&case["y_true"]), reals(&case["y_score"]), weights(&case));
        let (mut area, mut curves, mut gain) = (RocAuc::new(), Curves::new(), Gain::new());
        if let Some(w) = &w {
            (area, curves, gain) = (area.sample_weight(w), curves.sample_weight(w), gain.sample_weight(w));
        }
        for (average, key) in
            [(Macro, "macro"), (Weighted, "weighted"), (Micro, "micro"), (Samples, "samples")]
        {
            if average != Samples {
                let ours = area.average(average).multilabel(&y, &s).unwrap();
                close(ours, &case[format!("roc_auc_{key}")], &case, key);
            }
            let ours = curves.multilabel_average_precision(&y, &s, average).unwrap();
            close(ours, &case[format!("average_precision_{key}")], &case, key);
        }
        let each = curves.average_precision_of_columns(&y, &s).unwrap();
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        close(mean, &case["average_precision_macro"], &case, "each");
        let w = w.as_ref();
        let ours = label_ranking_average_precision(&y, &s, w).unwrap();
        close(ours, &case["label_ranking_average_precision"], &case, "average precision");
        close(label_ranking_loss(&y, &s, w).unwrap(), &case["label_ranking_loss"], &case, "loss");
        close(coverage_error(&y, &s, w).unwrap(), &case["coverage_error"], &case, "coverage");
        let above = Tensor::from_vec(s.to_vec().iter().map(|&s| s > 0.5).collect(), y.shape()).unwrap();
        close(hamming_loss(&y, &above, w).unwrap(), &case["hamming"], &case, "Hamming");
        let gains = reals(&case["gains"]);
        for (key, theirs) in case.as_object().unwrap() {
            let Some(options) = key.strip_prefix("dcg_").or_else(|| key.strip_prefix("ndcg_")) else {
                continue;
            };
            let mut gain = gain.ignore_ties(options.ends_with("ignore"));
            if options.starts_with('2') {
                gain = gain.k(2);
            }
            let ours = if key.starts_with('n') { gain.ndcg(&gains, &s) } else { gain.dcg(&gains, &s) };
            close(ours.unwrap(), theirs, &case, key);
        }
    }
}

#[test]
fn scores_of_numbers_agree() {
    for case in golden("numbers") {
        let mut scores = Regression::new(&reals(&case["y_true"]), &reals(&case["y_pred"])).unwrap();
        if let Some(w) = weights(&case) {
            scores = scores.sample_weight(&w).unwrap();
        }
        for (key, theirs) in case.as_object().unwrap() {
            let parameter = || key.rsplit('_').next().unwrap().parse::<f64>().unwrap();
            let ours = match key.as_str() {
                "mean_squared_error" => scores.mean_squared_error(),
                "root_mean_squared_error" => scores.root_mean_squared_error(),
                "mean_absolute_error" => scores.mean_absolute_error(),
                "median_absolute_error" => scores.median_absolute_error(),
                "mean_absolute_percentage_error" => scores.mean_absolute_percentage_error(),
                "mean_squared_log_error" => scores.mean_squared_log_error().unwrap(),
                "r2_score" => scores.r2().unwrap().scores(true),
                "explained_variance_score" => scores.explained_variance().scores(true),
                "d2_absolute_error_score" => scores.d2_pinball(0.5).unwrap().scores(true),
                "r2_variance_weighted" => vec![scores.r2().unwrap().variance_weighted(true).unwrap()],
                _ if key.starts_with("pinball") => scores.mean_pinball_loss(parameter()).unwrap(),
                _ if key.starts_with("d2_pinball") => scores.d2_pinball(parameter()).unwrap().scores(true),
                _ if key.starts_with("tweedie") => vec![scores.mean_tweedie_deviance(parameter()).unwrap()],
                _ if key.starts_with("d2_tweedie") => vec![scores.d2_tweedie(parameter()).unwrap()],
                _ => continue,
            };
            assert_eq!(ours.len(), numbers(theirs).len(), "{key}");
            if theirs.is_array() {
                all_close(&ours, theirs, &case, key);
            } else {
                close(ours[0], theirs, &case, key);
            }
        }
    }
}

#[test]
fn comparisons_of_clusterings_agree() {
    for case in golden("clusterings") {
        let table = Contingency::new(&integers(&case["a"]), &integers(&case["b"])).unwrap();
        let (tn, fp, fn_, tp) = table.pairs();
        all_close(&[tn, fp, fn_, tp].map(|pairs| pairs as f64), &case["pairs"], &case, "pairs");
        let (h, c, v) = table.homogeneity_completeness_v_measure(1.0);
        for (ours, key) in [
            (table.rand_index(), "rand_score"),
            (table.adjusted_rand(), "adjusted_rand_score"),
            (table.fowlkes_mallows(), "fowlkes_mallows_score"),
            (table.mutual_info(), "mutual_info_score"),
            (h, "homogeneity_score"),
            (c, "completeness_score"),
            (v, "v_measure_score"),
            (table.expected_mutual_info(), "expected"),
        ] {
            close(ours, &case[key], &case, key);
        }
        for (mean, key) in [
            (EntropyMean::Arithmetic, "arithmetic"),
            (EntropyMean::Geometric, "geometric"),
            (EntropyMean::Min, "min"),
            (EntropyMean::Max, "max"),
        ] {
            close(table.normalized_mutual_info(mean), &case[format!("normalized_{key}")], &case, key);
            // With the smaller entropy this case is 0/0, of which rounding makes anything.
            if case["name"] != "each its own" || mean != EntropyMean::Min {
                close(table.adjusted_mutual_info(mean), &case[format!("adjusted_{key}")], &case, key);
            }
        }
    }
}

#[test]
fn scores_of_clusters_agree() {
    for case in golden("samples") {
        let (x, labels) = (reals(&case["x"]), integers(&case["labels"]));
        for (metric, key) in [
            (SilhouetteMetric::Euclidean, "euclidean"),
            (SilhouetteMetric::Manhattan, "manhattan"),
            (SilhouetteMetric::Cosine, "cosine"),
        ] {
            let ours = Silhouette::new().metric(metric).samples(&x, &labels).unwrap();
            all_close(&ours, &case[key], &case, key);
        }
        close(calinski_harabasz(&x, &labels).unwrap(), &case["calinski_harabasz"], &case, "Calinski");
        close(davies_bouldin(&x, &labels).unwrap(), &case["davies_bouldin"], &case, "Davies");
    }
}

#[test]
fn calibration_agrees() {
    for case in golden("calibration") {
        let (y, p) = (integers(&case["y_true"]), reals(&case["y_prob"]));
        for (strategy, name) in [(Bins::Uniform, "uniform"), (Bins::Quantile, "quantile")] {
            for bins in [1, 3, 10] {
                let ours = calibration_curve(&y, &p, bins, strategy, None).unwrap();
                let theirs = &case[format!("{name}_{bins}")];
                all_close(&ours.prob_true, &theirs[0], &case, name);
                all_close(&ours.prob_pred, &theirs[1], &case, name);
            }
        }
    }
}
