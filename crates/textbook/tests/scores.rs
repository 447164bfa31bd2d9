//! Scores of rankings, numbers, clusters, texts and boxes: known answers, and the mistakes that the same checks reject.

use barehand_textbook::{
    Array, Trace, average_precision, bleu, box_average_precision, box_iou, clustering_scores, cohen_kappa,
    matthews_corrcoef, ndcg, perplexity, regression_scores, roc_auc, silhouette,
};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-13 * (1.0 + b.abs())
}

#[track_caller]
fn is(a: f64, b: f64) {
    assert!(close(a, b), "{a} is not {b}");
}

/// Positive or not, scores, and the share of pairs in the right order, ties for half.
fn areas() -> Vec<(Vec<bool>, Vec<f64>, f64)> {
    let case = |positive: &[u8], scores: &[f64]| {
        let positive: Vec<bool> = positive.iter().map(|&p| p == 1).collect();
        let (mut wins, mut pairs) = (0.0, 0.0);
        for i in (0..scores.len()).filter(|&i| positive[i]) {
            for j in (0..scores.len()).filter(|&j| !positive[j]) {
                pairs += 1.0;
                wins += if scores[i] > scores[j] {
                    1.0
                } else if scores[i] == scores[j] {
                    0.5
                } else {
                    0.0
                };
            }
        }
        (positive, scores.to_vec(), wins / pairs)
    };
    vec![
        case(&[0, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8]),
        case(&[1, 0, 1, 0, 1], &[0.5, 0.5, 0.5, 0.5, 0.9]),
        case(&[1, 1, 0, 0, 1], &[0.1, 0.9, 0.9, 0.3, 0.3]),
        case(&[0, 1], &[0.5, 0.5]),
    ]
}

type Area = fn(&[bool], &[f64]) -> Option<f64>;

/// Whether an area is right on every case, and none where a class is missing.
fn area_passes(area: Area) -> bool {
    let right = areas().iter().all(|(positive, scores, expected)| {
        area(positive, scores).is_some_and(|area| close(area, *expected))
    });
    right && area(&[true, true], &[0.1, 0.9]).is_none() && area(&[false; 2], &[0.1, 0.9]).is_none()
}

#[test]
fn areas_are_pair_counts() {
    assert!(area_passes(|positive, scores| roc_auc(positive, scores, &mut Trace::silent()).ok()));
}

/// The rank formula with whatever ranks.
fn from_ranks(positive: &[bool], ranks: &[f64]) -> f64 {
    let positives = positive.iter().filter(|p| **p).count() as f64;
    let sum: f64 = ranks.iter().zip(positive).filter(|pair| *pair.1).map(|pair| pair.0).sum();
    (sum - positives * (positives + 1.0) / 2.0) / (positives * (positive.len() as f64 - positives))
}

#[test]
fn area_of_a_missing_class_as_zero_is_rejected() {
    // A note returns 0.0 where one class is missing.
    assert!(!area_passes(|positive, scores| {
        Some(roc_auc(positive, scores, &mut Trace::silent()).unwrap_or(0.0))
    }));
}

#[test]
fn area_with_ties_in_the_order_of_samples_is_rejected() {
    assert!(!area_passes(|positive, scores| {
        if positive.iter().all(|&p| p == positive[0]) {
            return None;
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&i, &j| scores[i].total_cmp(&scores[j]));
        let rank = |i: usize| 1.0 + order.iter().position(|&j| j == i).unwrap() as f64;
        Some(from_ranks(positive, &(0..scores.len()).map(rank).collect::<Vec<_>>()))
    }));
}

#[test]
fn area_with_ties_as_wins_is_rejected() {
    assert!(!area_passes(|positive, scores| {
        if positive.iter().all(|&p| p == positive[0]) {
            return None;
        }
        let (mut wins, mut pairs) = (0.0, 0.0);
        for i in (0..scores.len()).filter(|&i| positive[i]) {
            for j in (0..scores.len()).filter(|&j| !positive[j]) {
                pairs += 1.0;
                wins += f64::from(u8::from(scores[i] >= scores[j]));
            }
        }
        Some(wins / pairs)
    }));
}

/// Average precision of three cases worked by hand.
fn average_precision_passes(score: fn(&[bool], &[f64]) -> f64) -> bool {
    let (f, t) = (false, true);
    [
        (vec![f, f, t, t], vec![0.1, 0.4, 0.35, 0.8], 5.0 / 6.0),
        (vec![t, f, t, f], vec![0.5; 4], 0.5),
        (vec![t, f, t], vec![0.9, 0.5, 0.5], 0.5 + 0.5 * 2.0 / 3.0),
    ]
    .iter()
    .all(|(positive, scores, expected)| close(score(positive, scores), *expected))
}

#[test]
fn average_precision_is_known() {
    assert!(average_precision_passes(|positive, scores| {
        average_precision(positive, scores, &mut Trace::silent()).unwrap()
    }));
    assert!(average_precision(&[false], &[0.5], &mut Trace::silent()).is_err());
}

#[test]
fn average_precision_by_trapezoids_is_rejected() {
    assert!(!average_precision_passes(|positive, scores| {
        let mut trace = Trace::new();
        average_precision(positive, scores, &mut trace).unwrap();
        let (precision, steps) = (trace.get("precision").unwrap(), trace.get("step").unwrap());
        let mut before = 1.0;
        let mean = precision.zip(steps, |p, step| {
            let part = step * f64::midpoint(p, before);
            before = p;
            part
        });
        mean.unwrap().sum()
    }));
}

#[test]
fn average_precision_sample_by_sample_is_rejected() {
    // Precision at each positive in the order of samples: ties are broken by who came first.
    assert!(!average_precision_passes(|positive, scores| {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
        let (mut hits, mut sum) = (0.0, 0.0);
        for (at, &i) in order.iter().enumerate() {
            if positive[i] {
                hits += 1.0;
                sum += hits / (at + 1) as f64;
            }
        }
        sum / hits
    }));
}

#[test]
fn agreement_is_known() {
    let silent = &mut Trace::silent();
    // scikit-learn's documentation: [1, 1, 1, -1] against [1, -1, 1, 1].
    is(matthews_corrcoef(&Array::matrix([[0.0, 1.0], [1.0, 2.0]]), silent).unwrap(), -1.0 / 3.0);
    is(matthews_corrcoef(&Array::matrix([[0.0, 0.0], [0.0, 5.0]]), silent).unwrap(), 0.0);
    // Cohen 1960, as Wikipedia has it: 20, 5, 10, 15 give 0.4.
    let raters = Array::matrix([[20.0, 5.0], [10.0, 15.0]]);
    for power in 0..3 {
        is(cohen_kappa(&raters, power, silent).unwrap(), 0.4); // two classes are one apart
    }
    let far = Array::matrix([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let near = Array::matrix([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    assert!(cohen_kappa(&far, 2, silent).unwrap() < cohen_kappa(&near, 2, silent).unwrap());
    assert!(cohen_kappa(&Array::matrix([[3.0, 0.0], [0.0, 0.0]]), 0, silent).is_err());
}

#[test]
fn numbers_are_known() {
    let silent = &mut Trace::silent();
    let scores = regression_scores(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0], silent).unwrap();
    is(scores.mse, 0.375);
    is(scores.mae, 0.5);
    is(scores.r2, 1.0 - 1.5 / 29.1875);
    // A shift costs R squared, and nothing of the explained variance.
    let shifted = regression_scores(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0], silent).unwrap();
    is(shifted.explained_variance, 1.0);
    is(shifted.r2, -0.5);
    let constant = |p: f64| regression_scores(&[2.0, 2.0], &[2.0, p], &mut Trace::silent()).unwrap().r2;
    assert_eq!((constant(2.0), constant(3.0)), (1.0, 0.0));
    assert!(regression_scores(&[1.0], &[], silent).is_err());
}

#[test]
fn clusterings_are_known() {
    let silent = &mut Trace::silent();
    let scores = clustering_scores(&[0, 0, 1, 2], &[0, 0, 1, 1], 3, silent).unwrap();
    is(scores.rand, 5.0 / 6.0);
    is(scores.adjusted_rand, 4.0 / 7.0);
    is(scores.completeness, 1.0 * scores.mutual_information / 2f64.ln());
    let renamed = clustering_scores(&[0, 0, 1, 1], &[1, 1, 0, 0], 2, silent).unwrap();
    assert!([renamed.rand, renamed.adjusted_rand, renamed.v_measure].iter().all(|&score| close(score, 1.0)));
    let split = clustering_scores(&[0, 0, 0, 0], &[0, 1, 2, 3], 4, silent).unwrap();
    assert_eq!((split.adjusted_rand, split.homogeneity, split.completeness), (0.0, 1.0, 0.0));
    assert!(clustering_scores(&[0], &[0], 1, silent).is_err());
}

#[test]
fn silhouettes_are_known() {
    let x = Array::new(&[4, 1], vec![0.0, 1.0, 10.0, 12.0]).unwrap();
    let s = silhouette(&x, &[0, 0, 1, 1], 2, &mut Trace::silent()).unwrap();
    [10.0 / 11.0, 9.0 / 10.0, 7.5 / 9.5, 9.5 / 11.5].iter().zip(s.data()).for_each(|(&a, &b)| is(a, b));
    let alone = silhouette(&x, &[0, 0, 1, 2], 3, &mut Trace::silent()).unwrap();
    assert_eq!(alone.data()[2..], [0.0, 0.0]);
    assert!(silhouette(&x, &[0; 4], 1, &mut Trace::silent()).is_err());
}

#[test]
fn gains_are_known() {
    let silent = &mut Trace::silent();
    let gains = [10.0, 0.0, 0.0, 1.0, 5.0];
    // scikit-learn's documentation.
    let score = ndcg(&gains, &[0.1, 0.2, 0.3, 4.0, 70.0], silent).unwrap();
    assert!((score - 0.695694).abs() < 1e-6, "{score}");
    // Ties in any order of documents.
    let forth = ndcg(&[1.0, 0.0, 2.0], &[1.0, 1.0, 1.0], silent).unwrap();
    let back = ndcg(&[2.0, 0.0, 1.0], &[1.0, 1.0, 1.0], silent).unwrap();
    is(forth, back);
    assert_eq!(ndcg(&[0.0, 0.0], &[1.0, 2.0], silent).unwrap(), 0.0);
    assert!(ndcg(&[-1.0], &[1.0], silent).is_err());
}

/// The examples of Papineni et al. 2002 and the brevity penalty.
fn bleu_passes(score: fn(&[usize], &[usize], usize) -> f64) -> bool {
    let (the, cat) = (0, 1);
    [
        (vec![the; 7], vec![the, cat, 2, 3, the, 4], 1, 2.0 / 7.0), // clipped: not 7/7
        (vec![5, 6, 7, 8], vec![5, 6, 7, 8], 4, 1.0),
        (vec![5, 6], vec![5, 6, 7, 8], 1, (-1.0f64).exp()), // short
        (vec![5, 6, 7, 8], vec![5, 6], 1, 0.5),             // long: no penalty beyond precision
        (vec![5, 9, 6, 9], vec![5, 6, 7, 8], 2, 0.0),       // no bigram matches
    ]
    .iter()
    .all(|(translation, reference, order, expected)| close(score(translation, reference, *order), *expected))
}

#[test]
fn bleu_is_known() {
    assert!(bleu_passes(|translation, reference, order| {
        bleu(&[translation.to_vec()], &[reference.to_vec()], order, &mut Trace::silent()).unwrap()
    }));
}

#[test]
fn bleu_without_clipping_is_rejected() {
    assert!(!bleu_passes(|translation, reference, order| {
        let share = |n: usize| {
            let grams: Vec<&[usize]> = translation.windows(n).collect();
            let found = grams.iter().filter(|gram| reference.windows(n).any(|other| other == **gram)).count();
            found as f64 / grams.len() as f64
        };
        let mean = (1..=order).map(|n| share(n).ln()).sum::<f64>() / order as f64;
        (1.0 - reference.len() as f64 / translation.len() as f64).min(0.0).exp() * mean.exp()
    }));
}

#[test]
fn bleu_that_punishes_length_is_rejected() {
    assert!(!bleu_passes(|translation, reference, order| {
        let mut trace = Trace::new();
        bleu(&[translation.to_vec()], &[reference.to_vec()], order, &mut trace).unwrap();
        let ratio = reference.len() as f64 / translation.len() as f64;
        trace.get("geometric mean").unwrap().data()[0] * (1.0 - ratio.max(1.0 / ratio)).exp()
    }));
}

#[test]
fn perplexity_is_known() {
    let silent = &mut Trace::silent();
    is(perplexity(&Array::filled(&[3, 8], 700.0), &[0, 3, 7], silent).unwrap(), 8.0); // equal logits, and no overflow
    let sure = Array::matrix([[0.0, 800.0]]);
    is(perplexity(&sure, &[1], silent).unwrap(), 1.0);
    assert!(perplexity(&sure, &[2], silent).is_err());
}

fn boxes(rows: &[[f64; 4]]) -> Array {
    Array::new(&[rows.len(), 4], rows.concat()).unwrap()
}

/// Overlaps of a square of side 2 with others: the same, half, apart in one direction, in both, touching, inside.
fn overlap_passes(iou: fn(&[f64; 4], &[f64; 4]) -> f64) -> bool {
    let square = [0.0, 0.0, 2.0, 2.0];
    [
        ([0.0, 0.0, 2.0, 2.0], 1.0),
        ([1.0, 0.0, 3.0, 2.0], 1.0 / 3.0),
        ([5.0, 0.0, 7.0, 2.0], 0.0),
        ([5.0, 5.0, 7.0, 7.0], 0.0),
        ([2.0, 0.0, 4.0, 2.0], 0.0),
        ([0.5, 0.5, 1.5, 1.5], 0.25),
    ]
    .iter()
    .all(|(other, expected)| close(iou(&square, other), *expected) && close(iou(other, &square), *expected))
}

#[test]
fn overlaps_are_known() {
    assert!(overlap_passes(
        |a, b| box_iou(&boxes(&[*a]), &boxes(&[*b]), &mut Trace::silent()).unwrap()[[0, 0]]
    ));
    assert!(box_iou(&boxes(&[[1.0, 0.0, 0.0, 1.0]]), &boxes(&[]), &mut Trace::silent()).is_err());
}

fn overlap(a: &[f64; 4], b: &[f64; 4], more: f64, clamp: f64) -> f64 {
    let side = |low: usize, high: usize| (a[high].min(b[high]) - a[low].max(b[low])).max(clamp);
    let area = |r: &[f64; 4]| (r[2] - r[0] + more) * (r[3] - r[1] + more);
    let both = side(0, 2) * side(1, 3);
    both / (area(a) + area(b) - both)
}

#[test]
fn overlap_without_clamping_is_rejected() {
    assert!(overlap_passes(|a, b| overlap(a, b, 0.0, 0.0)));
    assert!(!overlap_passes(|a, b| overlap(a, b, 0.0, f64::NEG_INFINITY)));
}

#[test]
fn overlap_with_one_more_in_areas_only_is_rejected() {
    assert!(!overlap_passes(|a, b| overlap(a, b, 1.0, 0.0)));
}

/// Two true boxes; the first found twice, the second once and last.
fn detection_passes(score: fn(&Array, &[f64], &Array, f64) -> f64) -> bool {
    let truth = boxes(&[[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]]);
    let found = boxes(&[[20.0, 0.0, 30.0, 10.0], [0.0, 0.0, 10.0, 9.0], [0.0, 0.0, 10.0, 10.0]]);
    // Right, wrong (the box is taken), right: precision 1 up to recall 1/2 (51 points), then 2/3.
    let expected = (51.0 + 50.0 * 2.0 / 3.0) / 101.0;
    close(score(&found, &[0.1, 0.5, 0.9], &truth, 0.5), expected)
        && close(score(&found, &[0.1, 0.5, 0.9], &truth, 0.95), expected)
        && close(score(&boxes(&[]), &[], &truth, 0.5), 0.0)
}

#[test]
fn average_precision_of_boxes_is_known() {
    assert!(detection_passes(|found, scores, truth, threshold| {
        box_average_precision(found, scores, truth, threshold, &mut Trace::silent()).unwrap()
    }));
}

#[test]
fn boxes_that_are_found_twice_and_counted_twice_are_rejected() {
    assert!(!detection_passes(|found, scores, truth, threshold| {
        let mut trace = Trace::new();
        box_average_precision(found, scores, truth, threshold, &mut trace).unwrap();
        let iou = trace.get("IoU").unwrap();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
        let wanted = truth.shape()[0];
        let right = |&i: &usize| (0..wanted).any(|g| iou[[i, g]] >= threshold);
        let mut found = 0.0;
        let points = order.iter().enumerate().map(|(at, i)| {
            found += f64::from(u8::from(right(i)));
            (found / wanted as f64, found / (at + 1) as f64)
        });
        let points: Vec<(f64, f64)> = points.collect();
        let best = |r: f64| points.iter().filter(|p| p.0 >= r).map(|p| p.1).fold(0.0, f64::max);
        (0..=100).map(|r| best(f64::from(r) * 0.01)).sum::<f64>() / 101.0
    }));
}
