//! Folds, grids and schedules: known answers, and the mistakes that hand-written code makes.

use barehand_textbook::{
    Round, SuccessiveHalving, TimeSeriesSplit, Trace, cross_validate, group_k_fold, k_fold, parameter_grid,
    stratified_k_fold,
};

fn silent() -> Trace {
    Trace::silent()
}

fn in_order(n: usize) -> Vec<usize> {
    (0..n).collect()
}

/// Seven samples in three folds: 3, 2 and 2; four in a given order.
fn is_k_fold(folds: impl Fn(&[usize], usize) -> Vec<usize>) -> bool {
    folds(&in_order(7), 3) == [0, 0, 0, 1, 1, 2, 2]
        && folds(&in_order(6), 3) == [0, 0, 1, 1, 2, 2]
        && folds(&[3, 0, 2, 1], 2) == [0, 1, 1, 0]
}

#[test]
fn k_fold_traps() {
    assert!(is_k_fold(|order, k| k_fold(order, k, &mut silent()).unwrap()));
    let placed = |order: &[usize], fold: &dyn Fn(usize) -> usize| {
        let mut folds = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &i)| folds[i] = fold(place));
        folds
    };
    let the_last_takes_the_rest =
        |order: &[usize], k: usize| placed(order, &|place| (place / (order.len() / k)).min(k - 1));
    let every_kth = |order: &[usize], k: usize| placed(order, &|place| place % k);
    let rounded_up = |order: &[usize], k: usize| placed(order, &|place| place / order.len().div_ceil(k));
    let in_the_given_order =
        |order: &[usize], k: usize| k_fold(&in_order(order.len()), k, &mut silent()).unwrap();
    assert!(!is_k_fold(the_last_takes_the_rest));
    assert!(!is_k_fold(every_kth));
    assert!(!is_k_fold(rounded_up));
    assert!(!is_k_fold(in_the_given_order));
    for (order, k) in [(vec![], 2), (in_order(3), 1), (in_order(3), 4), (vec![0, 0, 1], 2)] {
        assert!(k_fold(&order, k, &mut silent()).is_err());
    }
}

/// Of four and two samples each fold gets two and one; classes that do not divide evenly leave folds of equal size all the same.
fn is_stratified(folds: impl Fn(&[usize], usize) -> Vec<usize>) -> bool {
    folds(&[0, 0, 0, 0, 1, 1], 2) == [0, 0, 1, 1, 0, 1]
        // Sorted 0 0 0 1 1 1 2 2 2: a sample of each class in every fold.
        && folds(&[0, 1, 0, 1, 2, 0, 1, 2, 2], 3) == [0, 0, 1, 1, 0, 2, 2, 1, 2]
        // Sorted 0 0 0 1 1 1: fold 0 takes two 0s and one 1, fold 1 the others.
        && folds(&[0, 1, 0, 1, 0, 1], 2) == [0, 0, 0, 1, 1, 1]
}

#[test]
fn stratified_k_fold_traps() {
    assert!(is_stratified(|labels, k| stratified_k_fold(labels, k, &mut silent()).unwrap()));
    let classes_left_alone =
        |labels: &[usize], k: usize| k_fold(&in_order(labels.len()), k, &mut silent()).unwrap();
    // Every class begins with fold 0: the rests of all classes pile up there.
    let each_class_from_fold_0 = |labels: &[usize], k: usize| {
        let mut seen = vec![0; labels.len()];
        let next = |&label: &usize| {
            seen[label] += 1;
            (seen[label] - 1) % k
        };
        labels.iter().map(next).collect::<Vec<_>>()
    };
    let class_after_class = |labels: &[usize], k: usize| {
        let mut order = in_order(labels.len());
        order.sort_by_key(|&i| labels[i]);
        k_fold(&order, k, &mut silent()).unwrap()
    };
    assert!(!is_stratified(classes_left_alone));
    assert!(!is_stratified(each_class_from_fold_0));
    assert!(!is_stratified(class_after_class));
    for (labels, k) in [(vec![0, 1], 2), (vec![1, 0, 0], 2), (vec![0, 0], 3)] {
        assert!(stratified_k_fold(&labels, k, &mut silent()).is_err());
    }
}

/// Groups of 2, 3, 1 and 4 samples: 4 and 1 against 3 and 2.
fn is_grouped(folds: impl Fn(&[usize], usize) -> Vec<usize>) -> bool {
    folds(&[0, 1, 3, 3, 1, 0, 2, 3, 1, 3], 2) == [1, 1, 0, 0, 1, 1, 0, 0, 1, 0]
        && folds(&[0, 0, 1, 1, 2, 2], 2) == [0, 0, 1, 1, 0, 0]
}

#[test]
fn group_k_fold_traps() {
    assert!(is_grouped(|groups, k| group_k_fold(groups, k, &mut silent()).unwrap()));
    let groups_torn_apart =
        |groups: &[usize], k: usize| k_fold(&in_order(groups.len()), k, &mut silent()).unwrap();
    let every_kth_group = |groups: &[usize], k: usize| groups.iter().map(|g| g % k).collect::<Vec<_>>();
    let into_the_lightest = |groups: &[usize], k: usize, order: &dyn Fn(usize) -> usize| {
        let count = groups.iter().max().unwrap() + 1;
        let size = |g: usize| groups.iter().filter(|&&group| group == g).count();
        let mut sorted: Vec<usize> = (0..count).collect();
        sorted.sort_by_key(|&g| order(size(g)));
        let (mut load, mut fold_of) = (vec![0; k], vec![0; count]);
        for g in sorted {
            let lightest = (0..k).min_by_key(|&f| load[f]).unwrap();
            load[lightest] += size(g);
            fold_of[g] = lightest;
        }
        groups.iter().map(|&g| fold_of[g]).collect::<Vec<_>>()
    };
    assert!(!is_grouped(groups_torn_apart));
    assert!(!is_grouped(every_kth_group));
    // As they come, and the smallest first.
    assert!(!is_grouped(|groups, k| into_the_lightest(groups, k, &|_| 0)));
    assert!(!is_grouped(|groups, k| into_the_lightest(groups, k, &|size| size)));
    for (groups, k) in [(vec![0, 0, 0], 2), (vec![0, 2], 2), (vec![], 2)] {
        assert!(group_k_fold(&groups, k, &mut silent()).is_err());
    }
}

type Spans = Vec<(std::ops::Range<usize>, std::ops::Range<usize>)>;

/// Two of ten samples tested on, a gap of one, three to learn from; and of six samples what fits.
fn is_time_series(split: impl Fn(&TimeSeriesSplit, usize) -> Spans) -> bool {
    let narrow = TimeSeriesSplit { k: 3, test_size: Some(2), max_train_size: Some(3), gap: 1 };
    split(&narrow, 10) == [(0..3, 4..6), (2..5, 6..8), (4..7, 8..10)]
        && split(&TimeSeriesSplit { k: 2, ..TimeSeriesSplit::default() }, 7) == [(0..3, 3..5), (0..5, 5..7)]
}

#[test]
fn time_series_split_traps() {
    let right = |options: &TimeSeriesSplit, n: usize| options.split(n, &mut silent()).unwrap();
    assert!(is_time_series(right));
    let folds_as_large_as_without_a_first = |options: &TimeSeriesSplit, n: usize| {
        let test_size = Some(options.test_size.unwrap_or(n / options.k));
        right(&TimeSeriesSplit { test_size, ..*options }, n)
    };
    let gap_ignored = |options: &TimeSeriesSplit, n: usize| right(&TimeSeriesSplit { gap: 0, ..*options }, n);
    let learns_from_the_first = |options: &TimeSeriesSplit, n: usize| {
        let spans = right(&TimeSeriesSplit { max_train_size: None, ..*options }, n);
        let most = options.max_train_size.unwrap_or(n);
        spans.into_iter().map(|(train, test)| (0..train.end.min(most), test)).collect()
    };
    let rest_at_the_end = |options: &TimeSeriesSplit, n: usize| {
        let rest = n - (options.k + 1) * options.test_size.unwrap_or(n / (options.k + 1));
        let earlier =
            |span: std::ops::Range<usize>| span.start.saturating_sub(rest)..span.end - rest.min(span.end);
        right(options, n).into_iter().map(|(train, test)| (train, earlier(test))).collect()
    };
    assert!(!is_time_series(folds_as_large_as_without_a_first));
    assert!(!is_time_series(gap_ignored));
    assert!(!is_time_series(learns_from_the_first));
    assert!(!is_time_series(rest_at_the_end));
    for (options, n) in [
        (TimeSeriesSplit { k: 1, ..TimeSeriesSplit::default() }, 6),
        (TimeSeriesSplit::default(), 5),
        (TimeSeriesSplit { gap: 6, ..TimeSeriesSplit::default() }, 11),
        (TimeSeriesSplit { max_train_size: Some(0), ..TimeSeriesSplit::default() }, 11),
    ] {
        assert!(options.split(n, &mut silent()).is_err());
    }
}

const Y: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 10.0];

/// The mean of what is learned from predicts what is tested on; the score is minus the mean squared error.
fn mean_predicts(train: &[usize], test: &[usize]) -> f64 {
    let mean = train.iter().map(|&i| Y[i]).sum::<f64>() / train.len() as f64;
    -test.iter().map(|&i| (Y[i] - mean).powi(2)).sum::<f64>() / test.len() as f64
}

/// Folds of 3 and 2: means 7 and 2, squared errors (36 + 25 + 16) / 3 and (4 + 64) / 2.
fn is_cross_validation(validate: impl Fn(&[usize]) -> [f64; 2]) -> bool {
    let (first, second) = (-77.0 / 3.0, -34.0);
    let [mean, std] = validate(&[0, 0, 0, 1, 1]);
    (mean - f64::midpoint(first, second)).abs() < 1e-12 && (std - (first - second) / 2.0).abs() < 1e-12
}

#[test]
fn cross_validation_traps() {
    assert!(is_cross_validation(|folds| {
        let found = cross_validate(folds, mean_predicts, &mut silent()).unwrap();
        [found.mean, found.std]
    }));
    let sides = |folds: &[usize], f: usize| -> (Vec<usize>, Vec<usize>) {
        in_order(5).into_iter().partition(|&i| folds[i] != f)
    };
    let scored = |scores: [f64; 2], divisor: f64| {
        let mean = f64::midpoint(scores[0], scores[1]);
        [mean, (scores.map(|s| (s - mean).powi(2)).iter().sum::<f64>() / divisor).sqrt()]
    };
    let right = |folds: &[usize]| {
        [0, 1].map(|f| {
            let (train, test) = sides(folds, f);
            mean_predicts(&train, &test)
        })
    };
    let deviation_of_a_sample = |folds: &[usize]| scored(right(folds), 1.0);
    let fitted_to_all =
        |folds: &[usize]| scored([0, 1].map(|f| mean_predicts(&in_order(5), &sides(folds, f).1)), 2.0);
    let scored_where_fitted = |folds: &[usize]| {
        scored(
            [0, 1].map(|f| {
                let train = sides(folds, f).0;
                mean_predicts(&train, &train)
            }),
            2.0,
        )
    };
    let samples_count_alike = |folds: &[usize]| {
        let [first, second] = right(folds);
        let mean = (3.0 * first + 2.0 * second) / 5.0;
        [mean, scored([first, second], 2.0)[1]]
    };
    assert!(!is_cross_validation(deviation_of_a_sample));
    assert!(!is_cross_validation(fitted_to_all));
    assert!(!is_cross_validation(scored_where_fitted));
    assert!(!is_cross_validation(samples_count_alike));
    assert!(cross_validate(&[0, 0], mean_predicts, &mut silent()).is_err());
    assert!(cross_validate(&[0, 2], mean_predicts, &mut silent()).is_err());
}

/// Parameters by name, the last one fastest.
fn is_grid(grid: impl Fn(&[(&str, usize)]) -> Vec<Vec<usize>>) -> bool {
    grid(&[("depth", 2), ("alpha", 3)]) == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]].map(Vec::from)
        && grid(&[("alpha", 2), ("beta", 2)]) == [[0, 0], [0, 1], [1, 0], [1, 1]].map(Vec::from)
        && grid(&[]) == [Vec::new()]
}

#[test]
fn parameter_grid_traps() {
    let right = |parameters: &[(&str, usize)]| parameter_grid(parameters, &mut silent()).unwrap();
    assert!(is_grid(right));
    let product = |counts: &[usize], fastest_first: bool| {
        let total: usize = counts.iter().product();
        let stride = |p: usize| -> usize {
            if fastest_first { counts[..p].iter().product() } else { counts[p + 1..].iter().product() }
        };
        (0..total)
            .map(|c| (0..counts.len()).map(|p| c / stride(p) % counts[p]).collect())
            .collect::<Vec<Vec<usize>>>()
    };
    let counts = |parameters: &[(&str, usize)], sorted: bool| {
        let mut parameters = parameters.to_vec();
        if sorted {
            parameters.sort_unstable();
        }
        parameters.into_iter().map(|(_, count)| count).collect::<Vec<_>>()
    };
    let the_first_fastest = |parameters: &[(&str, usize)]| product(&counts(parameters, true), true);
    let in_the_order_given = |parameters: &[(&str, usize)]| product(&counts(parameters, false), false);
    let side_by_side = |parameters: &[(&str, usize)]| {
        let counts = counts(parameters, true);
        (0..counts.iter().copied().min().unwrap_or(1)).map(|c| vec![c; counts.len()]).collect::<Vec<_>>()
    };
    assert!(!is_grid(the_first_fastest));
    assert!(!is_grid(in_the_order_given));
    assert!(!is_grid(side_by_side));
    for parameters in [&[("a", 0)][..], &[("a", 1), ("a", 2)]] {
        assert!(parameter_grid(parameters, &mut silent()).is_err());
    }
}

const HALVING: SuccessiveHalving =
    SuccessiveHalving { factor: 3.0, least: 20, most: 1000, exhaust: true, aggressive: false };

/// The rounds in scikit-learn's documentation: 6 candidates among 1000 samples, 70 with factor 2 as far as 40 of them go, and
/// aggressively.
fn is_halving(schedule: impl Fn(&SuccessiveHalving, usize) -> Vec<Round>) -> bool {
    let pairs = |rules: &SuccessiveHalving, candidates: usize| -> Vec<(usize, usize)> {
        schedule(rules, candidates).into_iter().map(|round| (round.candidates, round.resources)).collect()
    };
    let small = SuccessiveHalving { factor: 2.0, least: 20, most: 40, exhaust: false, aggressive: false };
    pairs(&HALVING, 6) == [(6, 333), (2, 999)]
        && pairs(&SuccessiveHalving { exhaust: false, ..HALVING }, 6) == [(6, 20), (2, 60)]
        && pairs(&small, 12) == [(12, 20), (6, 40)]
        && pairs(&SuccessiveHalving { exhaust: false, aggressive: true, ..HALVING }, 6)
            == [(6, 180), (2, 540)]
        && pairs(&SuccessiveHalving { aggressive: true, ..small }, 12)
            == [(12, 20), (6, 20), (3, 20), (2, 40)]
        && pairs(&SuccessiveHalving { factor: 2.0, ..HALVING }, 7) == [(7, 250), (4, 500), (2, 1000)]
}

#[test]
fn successive_halving_traps() {
    let right =
        |rules: &SuccessiveHalving, candidates: usize| rules.schedule(candidates, &mut silent()).unwrap();
    assert!(is_halving(right));
    let survivors_rounded_down = |rules: &SuccessiveHalving, candidates: usize| {
        let mut left = candidates as f64;
        let mut rounds = right(rules, candidates);
        for round in &mut rounds {
            round.candidates = left as usize;
            left = (left / rules.factor).floor();
        }
        rounds
    };
    let never_exhausted = |rules: &SuccessiveHalving, candidates: usize| {
        right(&SuccessiveHalving { exhaust: false, ..*rules }, candidates)
    };
    let never_aggressive = |rules: &SuccessiveHalving, candidates: usize| {
        right(&SuccessiveHalving { aggressive: false, ..*rules }, candidates)
    };
    let all_from_the_start = |rules: &SuccessiveHalving, candidates: usize| {
        let mut rounds = right(rules, candidates);
        rounds.iter_mut().for_each(|round| round.resources = rules.most);
        rounds
    };
    let down_to_one = |rules: &SuccessiveHalving, candidates: usize| {
        let mut rounds = right(rules, candidates);
        rounds.push(Round { candidates: 1, resources: rules.most });
        rounds
    };
    assert!(!is_halving(survivors_rounded_down));
    assert!(!is_halving(never_exhausted));
    assert!(!is_halving(never_aggressive));
    assert!(!is_halving(all_from_the_start));
    assert!(!is_halving(down_to_one));
    for (rules, candidates) in [
        (SuccessiveHalving { factor: 1.0, ..HALVING }, 6),
        (SuccessiveHalving { least: 0, ..HALVING }, 6),
        (SuccessiveHalving { least: 2000, ..HALVING }, 6),
        (HALVING, 0),
    ] {
        assert!(rules.schedule(candidates, &mut silent()).is_err());
    }
}
