//! Scores against the plainest count there is, on random data with ties and weights.

use barehand_metrics::*;
use barehand_tensor::{Tensor, threads};
use proptest::prelude::*;

fn labels(values: &[i64]) -> Tensor<i64> {
    Tensor::from_vec(values.to_vec(), [values.len()]).unwrap()
}

fn column(values: &[f64]) -> Tensor<f64> {
    Tensor::from_vec(values.to_vec(), [values.len()]).unwrap()
}

/// Labels of both kinds, scores with many ties, weights of which some are 0.
fn samples() -> impl Strategy<Value = (Vec<i64>, Vec<f64>, Vec<f64>)> {
    let sample = (0..2i64, prop_oneof![(-3..4i32).prop_map(f64::from), -1.0..1.0f64], 0..4u32);
    prop::collection::vec(sample, 2..60).prop_map(|mut samples| {
        (samples[0].0, samples[1].0) = (0, 1);
        (samples[0].2, samples[1].2) = (1, 2);
        let weights = samples.iter().map(|sample| f64::from(sample.2)).collect();
        (samples.iter().map(|s| s.0).collect(), samples.iter().map(|s| s.1).collect(), weights)
    })
}

/// The share of pairs ordered right, ties for half.
fn pair_count(y: &[i64], s: &[f64], w: &[f64]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for i in (0..y.len()).filter(|&i| y[i] == 1) {
        for j in (0..y.len()).filter(|&j| y[j] == 0) {
            let weight = w[i] * w[j];
            pairs += weight;
            wins += weight
                * if s[i] > s[j] {
                    1.0
                } else if s[i] == s[j] {
                    0.5
                } else {
                    0.0
                };
        }
    }
    wins / pairs
}

proptest! {
    #[test]
    fn areas_are_pair_counts((y, s, w) in samples()) {
        let (t, scores, weights) = (labels(&y), column(&s), column(&w));
        let ones = vec![1.0; y.len()];
        // Both are a quotient of the same two whole numbers.
        prop_assert_eq!(roc_auc(&t, &scores).unwrap(), pair_count(&y, &s, &ones));
        let single: Vec<f32> = s.iter().map(|&s| s as f32).collect();
        let rounded: Vec<f64> = single.iter().map(|&s| f64::from(s)).collect();
        let single = Tensor::from_vec(single, [y.len()]).unwrap();
        prop_assert_eq!(roc_auc(&t, &single).unwrap(), pair_count(&y, &rounded, &ones));
        let weighed = RocAuc::new().sample_weight(&weights).score(&t, &scores).unwrap();
        prop_assert!((weighed - pair_count(&y, &s, &w)).abs() < 1e-13);
        let part = RocAuc::new().max_fpr(1.0).score(&t, &scores).unwrap();
        prop_assert_eq!(part, roc_auc(&t, &scores).unwrap());
    }

    #[test]
    fn curves_count_what_passes_each_threshold((y, s, w) in samples()) {
        let weights = column(&w);
        let counts = Curves::new().sample_weight(&weights).counts(&labels(&y), &column(&s)).unwrap();
        prop_assert!(counts.thresholds.is_sorted_by(|a, b| a > b));
        for (i, &threshold) in counts.thresholds.iter().enumerate() {
            let passing = |kind: i64| (0..y.len()).filter(|&j| s[j] >= threshold && y[j] == kind).map(|j| w[j]).sum::<f64>();
            prop_assert_eq!(counts.true_positives[i], passing(1));
            prop_assert_eq!(counts.false_positives[i], passing(0));
        }
        // Weights that are whole numbers are repetitions.
        let repeated: Vec<usize> = (0..y.len()).flat_map(|i| std::iter::repeat_n(i, w[i] as usize)).collect();
        let plain = Curves::new().counts(
            &labels(&repeated.iter().map(|&i| y[i]).collect::<Vec<_>>()),
            &column(&repeated.iter().map(|&i| s[i]).collect::<Vec<_>>()),
        ).unwrap();
        prop_assert_eq!(plain, counts);
    }

    #[test]
    fn pairs_of_clusterings_are_counted((a, b) in (2..30usize).prop_flat_map(|n| {
        (prop::collection::vec(0..4i64, n), prop::collection::vec(-2..3i64, n))
    })) {
        let mut pairs = [0u128; 4];
        for i in 0..a.len() {
            for j in (0..a.len()).filter(|&j| j != i) {
                pairs[2 * usize::from(a[i] == a[j]) + usize::from(b[i] == b[j])] += 1;
            }
        }
        let table = Contingency::new(&labels(&a), &labels(&b)).unwrap();
        prop_assert_eq!(table.pairs(), (pairs[0], pairs[1], pairs[2], pairs[3]));
    }

    /// Scores of search with ties are the mean over every order of the documents.
    #[test]
    fn ties_of_search_are_averaged(documents in prop::collection::vec((any::<bool>(), 0..2i32), 1..6), k in 1..7usize) {
        let relevant: Vec<bool> = documents.iter().map(|d| d.0).collect();
        let scores: Vec<f64> = documents.iter().map(|d| f64::from(d.1)).collect();
        let shape = [1, documents.len()];
        let search = Retrieval::new(
            &Tensor::from_vec(relevant.clone(), shape).unwrap(),
            &Tensor::from_vec(scores.clone(), shape).unwrap(),
        ).unwrap();
        let orders: Vec<Vec<usize>> = orders(documents.len())
            .into_iter()
            .filter(|order| order.windows(2).all(|pair| scores[pair[0]] >= scores[pair[1]]))
            .collect();
        let mean = |score: &dyn Fn(&[bool]) -> f64| {
            let ranked = |order: &Vec<usize>| score(&order.iter().map(|&i| relevant[i]).collect::<Vec<_>>());
            orders.iter().map(ranked).sum::<f64>() / orders.len() as f64
        };
        let all = relevant.iter().filter(|r| **r).count() as f64;
        let share = |sum: f64, whole: f64| if all == 0.0 { 0.0 } else { sum / whole };
        let hits = |ranked: &[bool], k: usize| ranked.iter().take(k).filter(|r| **r).count() as f64;
        let reciprocal = |ranked: &[bool]| ranked.iter().take(k).position(|&r| r).map_or(0.0, |at| 1.0 / (at + 1) as f64);
        let recall = |ranked: &[bool]| share(hits(ranked, k), all);
        let hit = |ranked: &[bool]| hits(ranked, k).min(1.0);
        let precision = |ranked: &[bool]| {
            let at = |i: usize| if ranked[i] { hits(ranked, i + 1) / (i + 1) as f64 } else { 0.0 };
            share((0..k.min(ranked.len())).map(at).sum(), all.min(k as f64))
        };
        for (ours, theirs) in [
            (search.mean_reciprocal_rank(Some(k)), mean(&reciprocal)),
            (search.recall(k), mean(&recall)),
            (search.hit_rate(k), mean(&hit)),
            (search.mean_average_precision(Some(k)), mean(&precision)),
        ] {
            let ours = ours.unwrap();
            prop_assert!((ours - theirs).abs() < 1e-12, "{} should be {}", ours, theirs);
        }
    }

    #[test]
    fn silhouettes_are_those_of_all_distances(rows in prop::collection::vec((-5.0..5.0f64, -5.0..5.0f64), 4..20)) {
        let n = rows.len();
        let x = Tensor::from_vec(rows.iter().flat_map(|r| [r.0, r.1]).collect(), [n, 2]).unwrap();
        let codes: Vec<i64> = (0..n as i64).map(|i| i % 3).collect();
        let distance = |i: usize, j: usize| (rows[i].0 - rows[j].0).hypot(rows[i].1 - rows[j].1);
        let ours = Silhouette::new().samples(&x, &labels(&codes)).unwrap();
        for i in 0..n {
            let mean = |class: i64| {
                let others: Vec<usize> = (0..n).filter(|&j| j != i && codes[j] == class).collect();
                others.iter().map(|&j| distance(i, j)).sum::<f64>() / others.len() as f64
            };
            let own = codes.iter().filter(|c| **c == codes[i]).count();
            let a = mean(codes[i]);
            let b = (0..3).filter(|&c| c != codes[i]).map(mean).fold(f64::INFINITY, f64::min);
            let expected = if own == 1 { 0.0 } else { (b - a) / a.max(b) };
            // Distances from products lose half the digits where samples nearly coincide.
            prop_assert!((ours[i] - expected).abs() < 1e-6, "{} should be {}", ours[i], expected);
        }
    }
}

/// Every order of `n` things.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..n).map(move |at| {
            let mut order = order.clone();
            order.insert(at, n - 1);
            order
        })
    };
    orders(n - 1).into_iter().flat_map(insert).collect()
}

#[test]
fn threads_change_nothing() {
    let n = 100_000;
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 40
    };
    let y: Vec<i64> = (0..n).map(|_| (next() % 2) as i64).collect();
    let s: Vec<f64> = (0..n).map(|_| (next() % 5000) as f64).collect();
    let x = Tensor::from_vec((0..3000).map(|_| (next() % 1000) as f64 * 0.01).collect(), [1000, 3]).unwrap();
    let codes = labels(&(0..1000).map(|i| i % 4).collect::<Vec<i64>>());
    let scores = |workers| {
        threads::with_num_threads(workers, || {
            let area = roc_auc(&labels(&y), &column(&s)).unwrap();
            (area.to_bits(), silhouette(&x, &codes).unwrap().to_bits())
        })
    };
    assert_eq!(scores(1), scores(3));
    // The same area by another way: sums of weights that are all 1.
    let ones = Tensor::ones([n]);
    let summed = RocAuc::new().sample_weight(&ones).score(&labels(&y), &column(&s)).unwrap();
    assert!((roc_auc(&labels(&y), &column(&s)).unwrap() - summed).abs() < 1e-12);
    // A few far away leave all others one bucket; fractions of all sizes.
    let far: Vec<f64> =
        s.iter().map(|&s| if s == 4999.0 { 1e300 } else { (s - 2000.0).powi(3) * 1e-9 }).collect();
    assert_eq!(roc_auc(&labels(&y), &column(&far)).unwrap(), roc_auc(&labels(&y), &column(&s)).unwrap());
}
