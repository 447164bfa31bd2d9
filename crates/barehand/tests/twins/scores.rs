//! Scores: areas, average precision, agreement, numbers, clusters, rankings, texts and boxes.

use barehand::metrics;
use barehand_tensor::{Float, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Array, Trace};

use crate::pair::{Pair, hold};

/// One number of both twins.
fn same<T: Float>(pair: &mut Pair<T>, what: &str, engine: f64, textbook: f64) {
    pair.same(what, &Tensor::scalar(T::from_real(engine)), &Array::scalar(textbook));
}

/// Whole numbers below `most`, in the engine's form too.
fn labels<T: Float>(pair: &mut Pair<T>, n: usize, most: usize) -> (Vec<usize>, Tensor<i64>) {
    let labels: Vec<usize> = (0..n).map(|_| pair.between(0..=most - 1)).collect();
    let tensor = Tensor::from_vec(labels.iter().map(|&label| label as i64).collect(), [n]).unwrap();
    (labels, tensor)
}

/// Scores, half the time with many ties.
fn scores<T: Float>(pair: &mut Pair<T>, shape: &[usize]) -> Array {
    let scores = pair.array(shape);
    if pair.flag() { scores.map(f64::round) } else { scores }
}

fn thresholds<T: Float>(pair: &mut Pair<T>) {
    let n = pair.between(2..=60);
    let (mut kinds, mut y) = labels(pair, n, 2);
    if kinds.iter().all(|&kind| kind == kinds[0]) {
        kinds[0] = 1 - kinds[0];
        y = Tensor::from_vec(kinds.iter().map(|&kind| kind as i64).collect(), [n]).unwrap();
    }
    let positive: Vec<bool> = kinds.iter().map(|&kind| kind == 1).collect();
    let s = scores(pair, &[n]);
    let tensor = pair.tensor(&s);
    let silent = &mut Trace::silent();
    let area = textbook::roc_auc(&positive, s.data(), silent).unwrap();
    same(pair, "AUC", metrics::roc_auc(&y, &tensor).unwrap(), area);
    let mean = textbook::average_precision(&positive, s.data(), silent).unwrap();
    same(pair, "AP", metrics::average_precision(&y, &tensor).unwrap(), mean);
}

fn agreement<T: Float>(pair: &mut Pair<T>) {
    let (n, classes) = (pair.between(2..=50), pair.between(2..=5));
    let ((truth, y), (predicted, p)) = (labels(pair, n, classes), labels(pair, n, classes));
    let silent = &mut Trace::silent();
    let confusion = textbook::confusion_matrix(&truth, &predicted, classes, silent).unwrap();
    let engine =
        metrics::ConfusionMatrix::with_labels(&y, &p, &(0..classes as i64).collect::<Vec<_>>()).unwrap();
    same(pair, "MCC", engine.matthews(), textbook::matthews_corrcoef(&confusion, silent).unwrap());
    let weights =
        [metrics::KappaWeights::None, metrics::KappaWeights::Linear, metrics::KappaWeights::Quadratic];
    for (power, weights) in (0..).zip(weights) {
        match textbook::cohen_kappa(&confusion, power, silent) {
            Ok(kappa) => same(pair, "kappa", engine.cohen_kappa(weights).unwrap(), kappa),
            Err(_) => assert_eq!(engine.cohen_kappa(weights), None),
        }
    }
}

fn numbers<T: Float>(pair: &mut Pair<T>) {
    let n = if pair.rarely(4) { 5000 } else { pair.between(2..=30) };
    let (y, p) = (scores(pair, &[n]), scores(pair, &[n]));
    let expected = textbook::regression_scores(y.data(), p.data(), &mut Trace::silent()).unwrap();
    let engine = metrics::Regression::new(&pair.tensor(&y), &pair.tensor(&p)).unwrap();
    same(pair, "MSE", engine.mean_squared_error()[0], expected.mse);
    same(pair, "MAE", engine.mean_absolute_error()[0], expected.mae);
    same(pair, "MAPE", engine.mean_absolute_percentage_error()[0], expected.mape);
    same(pair, "R2", engine.r2().unwrap().scores(true)[0], expected.r2);
    let explained = engine.explained_variance().scores(true)[0];
    same(pair, "explained variance", explained, expected.explained_variance);
}

fn clusters<T: Float>(pair: &mut Pair<T>) {
    let (n, count) = (pair.between(2..=40), pair.between(1..=5));
    let ((a, x), (b, y)) = (labels(pair, n, count), labels(pair, n, count));
    let expected = textbook::clustering_scores(&a, &b, count, &mut Trace::silent()).unwrap();
    let table = metrics::Contingency::new(&x, &y).unwrap();
    let (h, c, v) = table.homogeneity_completeness_v_measure(1.0);
    same(pair, "Rand", table.rand_index(), expected.rand);
    // What rounding leaves of 0 is compared with 1.
    pair.terms = 1.0;
    same(pair, "adjusted Rand", table.adjusted_rand(), expected.adjusted_rand);
    same(pair, "I", table.mutual_info(), expected.mutual_information);
    same(pair, "homogeneity", h, expected.homogeneity);
    same(pair, "completeness", c, expected.completeness);
    same(pair, "V", v, expected.v_measure);
}

fn silhouettes<T: Float>(pair: &mut Pair<T>) {
    let (n, d, count) = (pair.between(4..=40), pair.between(1..=5), pair.between(2..=3));
    let (mut codes, _) = labels(pair, n, count);
    (codes[0], codes[1]) = (0, 1);
    let labels = Tensor::from_vec(codes.iter().map(|&code| code as i64).collect(), [n]).unwrap();
    let x = pair.array(&[n, d]);
    let expected = textbook::silhouette(&x, &codes, count, &mut Trace::silent()).unwrap();
    let engine = metrics::Silhouette::new().samples(&pair.tensor(&x), &labels).unwrap();
    let engine = Tensor::from_vec(engine.into_iter().map(T::from_real).collect(), [n]).unwrap();
    pair.same("s", &engine, &expected);
}

fn gains<T: Float>(pair: &mut Pair<T>) {
    let n = pair.between(2..=20);
    let (gain, s) = (pair.array(&[n]).map(|x| x.abs().round()), scores(pair, &[n]));
    let expected = textbook::ndcg(gain.data(), s.data(), &mut Trace::silent()).unwrap();
    let (gain, s) = (gain.reshape(&[1, n]).unwrap(), s.reshape(&[1, n]).unwrap());
    let engine = metrics::ndcg(&pair.tensor(&gain), &pair.tensor(&s)).unwrap();
    same(pair, "NDCG", engine, expected);
}

fn texts<T: Float>(pair: &mut Pair<T>) {
    let texts = pair.between(1..=4);
    let text = |pair: &mut Pair<T>| {
        let n = pair.between(0..=12);
        labels(pair, n, 3).0
    };
    let translations: Vec<Vec<usize>> = (0..texts).map(|_| text(pair)).collect();
    let references: Vec<Vec<usize>> = (0..texts).map(|_| text(pair)).collect();
    let order = pair.between(1..=4);
    let expected = textbook::bleu(&translations, &references, order, &mut Trace::silent()).unwrap();
    let references: Vec<Vec<Vec<usize>>> = references.into_iter().map(|text| vec![text]).collect();
    let engine = metrics::Bleu::new().max_order(order).corpus(&translations, &references).unwrap();
    same(pair, "BLEU", engine.bleu, expected);
}

fn surprise<T: Float>(pair: &mut Pair<T>) {
    let (n, classes) = (pair.between(1..=20), pair.between(1..=9));
    let (logits, (tokens, targets)) = (pair.array(&[n, classes]), labels(pair, n, classes));
    let expected = textbook::perplexity(&logits, &tokens, &mut Trace::silent()).unwrap();
    let engine = metrics::perplexity(&pair.tensor(&logits), &targets, None).unwrap();
    same(pair, "perplexity", engine, expected);
}

fn boxes<T: Float>(pair: &mut Pair<T>) {
    let (found, wanted) = (pair.between(0..=12), pair.between(1..=6));
    let mut rectangles = |n: usize| {
        let corner = |pair: &mut Pair<T>| pair.between(0..=6) as f64;
        let rectangle = |pair: &mut Pair<T>| {
            let (x, y) = (corner(pair), corner(pair));
            [x, y, x + 1.0 + corner(pair), y + 1.0 + corner(pair)]
        };
        Array::new(&[n, 4], (0..n).flat_map(|_| rectangle(pair)).collect()).unwrap()
    };
    let (boxes, truth) = (rectangles(found), rectangles(wanted));
    let s = scores(pair, &[found]);
    let threshold = pair.pick(&[0.3, 0.5, 0.75]);
    let silent = &mut Trace::silent();
    let expected = textbook::box_average_precision(&boxes, s.data(), &truth, threshold, silent).unwrap();
    let class = |n: usize| Tensor::from_vec(vec![0i64; n], [n]).unwrap();
    let mut map = metrics::MeanAveragePrecision::new().thresholds(&[threshold]);
    let (boxes, s, truth) = (pair.tensor(&boxes), pair.tensor(&s), pair.tensor(&truth));
    map.image(&boxes, &s, &class(found), &truth, &class(wanted), None, None).unwrap();
    same(pair, "AP", map.compute().map, expected);
}

#[test]
fn curves_over_thresholds() {
    hold("areas", 40, [16.0, 1.0], thresholds, thresholds);
}

#[test]
fn agreement_beyond_chance() {
    hold("agreement", 40, [64.0, 1.0], agreement, agreement);
}

#[test]
fn predicted_numbers() {
    // The textbook adds up in order.
    hold("numbers", 20, [4096.0, 1.0], numbers, numbers);
}

#[test]
fn two_labellings() {
    hold("labellings", 40, [64.0, 1.0], clusters, clusters);
}

#[test]
fn silhouettes_of_clusters() {
    // The engine's distances come from products, which lose digits where samples are close.
    hold("silhouettes", 20, [4096.0, 1.0], silhouettes, silhouettes);
}

#[test]
fn gains_of_rankings() {
    hold("gains", 40, [32.0, 1.0], gains, gains);
}

#[test]
fn translations() {
    hold("BLEU", 40, [32.0, 1.0], texts, texts);
}

#[test]
fn perplexities() {
    hold("perplexity", 40, [64.0, 1.0], surprise, surprise);
}

#[test]
fn detected_boxes() {
    hold("boxes", 60, [64.0, 1.0], boxes, boxes);
}
