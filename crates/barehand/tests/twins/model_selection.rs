//! Splitters, cross-validation, grids and halving.

use barehand_learn::linear_model::LinearRegression;
use barehand_learn::model_selection::{
    CrossValidation, GridSearch, GroupKFold, HalvingSearch, KFold, Samples, Scorer, Split, Splitter,
    StratifiedKFold, TimeSeriesSplit,
};
use barehand_learn::preprocessing::StandardScaler;
use barehand_learn::{Features, Model, Target};
use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Float, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Array, Trace};

use crate::pair::{Pair, hold};

/// The engine's splits as the fold of each sample; what is not tested on is trained on.
fn folds_of(splitter: &dyn Splitter, samples: &Samples<'_>) -> Vec<usize> {
    let mut folds = vec![usize::MAX; samples.len()];
    for (f, Split { train, test }) in splitter.split(samples).unwrap().enumerate() {
        assert_eq!(train, (0..samples.len()).filter(|i| !test.contains(i)).collect::<Vec<_>>());
        test.into_iter().for_each(|i| folds[i] = f);
    }
    folds
}

fn whole(values: &[usize]) -> Tensor<i64> {
    values.iter().map(|&value| value as i64).collect::<Vec<_>>().into()
}

/// Numbers of groups or classes, without gaps, in the order in which they appear.
fn by_appearance<T: Float>(pair: &mut Pair<T>, n: usize, most: usize) -> Vec<usize> {
    let mut seen = 0;
    (0..n)
        .map(|_| {
            let label = pair.between(0..=(most - 1).min(seen));
            seen = seen.max(label + 1);
            label
        })
        .collect()
}

fn folds<T: Float>(pair: &mut Pair<T>) {
    let silent = &mut Trace::silent();
    let (n, seed) = (pair.between(2..=60), pair.between(0..=9) as u32);
    let k = pair.between(2..=n.min(9));
    let order: Vec<usize> = (0..n).collect();
    let expected = textbook::k_fold(&order, k, silent).unwrap();
    assert_eq!(folds_of(&KFold::new(k), &Samples::new(n)), expected);
    let shuffled: Vec<usize> =
        RandomState::new(seed).permutation(n).to_vec().into_iter().map(|i| i as usize).collect();
    let expected = textbook::k_fold(&shuffled, k, silent).unwrap();
    assert_eq!(folds_of(&KFold::new(k).shuffle(true).random_state(seed), &Samples::new(n)), expected);

    let most = pair.between(1..=5);
    let labels = by_appearance(pair, n, most);
    // Names in another order than that of their appearance.
    let names = whole(&labels.iter().map(|label| 7 * (label + 2) % 11).collect::<Vec<_>>());
    match textbook::stratified_k_fold(&labels, k, silent) {
        Ok(expected) => {
            assert_eq!(folds_of(&StratifiedKFold::new(k), &Samples::new(n).classes(&names)), expected);
        }
        Err(_) => assert!(StratifiedKFold::new(k).split(&Samples::new(n).classes(&names)).is_err()),
    }
    let groups = by_appearance(pair, n, 20);
    let tensor = whole(&groups);
    match textbook::group_k_fold(&groups, k, silent) {
        Ok(expected) => assert_eq!(folds_of(&GroupKFold::new(k), &Samples::new(n).groups(&tensor)), expected),
        Err(_) => assert!(GroupKFold::new(k).split(&Samples::new(n).groups(&tensor)).is_err()),
    }
}

fn time_series<T: Float>(pair: &mut Pair<T>) {
    let n = pair.between(3..=50);
    let twin = textbook::TimeSeriesSplit {
        k: pair.between(2..=6),
        test_size: pair.flag().then_some(pair.between(1..=8)),
        max_train_size: pair.flag().then_some(pair.between(1..=20)),
        gap: pair.between(0..=3),
    };
    let mut engine = TimeSeriesSplit::new(twin.k).gap(twin.gap);
    if let Some(size) = twin.test_size {
        engine = engine.test_size(size);
    }
    if let Some(size) = twin.max_train_size {
        engine = engine.max_train_size(size);
    }
    match (twin.split(n, &mut Trace::silent()), engine.split(&Samples::new(n))) {
        (Ok(expected), Ok(found)) => {
            let expected = expected
                .into_iter()
                .map(|(train, test)| Split { train: train.collect(), test: test.collect() })
                .collect::<Vec<_>>();
            assert_eq!(found.collect::<Vec<_>>(), expected);
        }
        (expected, found) => assert!(expected.is_err() && found.is_err()),
    }
}

/// Without features, a linear regression predicts the mean of what it is fitted to.
fn cross_validation<T: Float>(pair: &mut Pair<T>) {
    let n = pair.between(4..=40);
    let k = pair.between(2..=n.min(6));
    let y = pair.array(&[n]);
    let folds = textbook::k_fold(&(0..n).collect::<Vec<_>>(), k, &mut Trace::silent()).unwrap();
    let mean_predicts = |train: &[usize], test: &[usize]| {
        let mean = train.iter().map(|&i| y[i]).sum::<f64>() / train.len() as f64;
        -test.iter().map(|&i| (y[i] - mean).powi(2)).sum::<f64>() / test.len() as f64
    };
    let expected = textbook::cross_validate(&folds, mean_predicts, &mut Trace::silent()).unwrap();
    let squared_error = |model: &dyn Model<T>, x: &Features<T>, y: &Target<T>| {
        let (found, y) = (model.predict_any(x)?.values("score")?.to_vec(), y.values("score")?.to_vec());
        let squares = found.iter().zip(&y).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2));
        Ok(-squares.sum::<f64>() / y.len() as f64)
    };
    let x = Features::from(Tensor::<T>::zeros([n, 1]));
    let found = CrossValidation::new()
        .cv(KFold::new(k))
        .score(Scorer::custom("score", squared_error))
        .run(&LinearRegression::new(), &x, &Target::Values(pair.tensor(&y)))
        .unwrap();
    let (mean, std) = found.mean_and_std("score").unwrap();
    let scores: Vec<T> = found.test("score").unwrap().into_iter().map(T::from_real).collect();
    pair.same("scores", &scores.into(), &Array::vector(&expected.scores));
    pair.terms = expected.mean.abs();
    pair.same("mean", &Tensor::scalar(T::from_real(mean)), &Array::scalar(expected.mean));
    pair.same("std", &Tensor::scalar(T::from_real(std)), &Array::scalar(expected.std));
}

fn searches<T: Float>(pair: &mut Pair<T>) {
    let sizes: Vec<usize> = (0..pair.between(1..=3)).map(|_| pair.between(1..=4)).collect();
    let names = pair.pick(&[["b", "a", "c"], ["c", "b", "a"], ["a", "b", "c"]]);
    let axes: Vec<(&str, usize)> = names.into_iter().zip(sizes).collect();
    let grid = || {
        // A score that knows nothing: what is looked at is who is tried, and with how much.
        let indifferent = |_: &dyn Model<T>, _: &Features<T>, _: &Target<T>| Ok(0.0);
        let cv = CrossValidation::new().cv(KFold::new(2)).score(Scorer::custom("indifferent", indifferent));
        let none = GridSearch::new(StandardScaler::new()).cross_validation(cv);
        axes.iter().fold(none, |grid, &(name, size)| grid.over(name, 0..size, |scaler, _| scaler))
    };
    let n = pair.between(60..=200);
    let x = Features::from(Tensor::<T>::ones([n, 1]));
    let expected = textbook::parameter_grid(&axes, &mut Trace::silent()).unwrap();
    let found = grid().fit(&x, &Target::None).unwrap();
    let places = |candidate: &barehand_learn::model_selection::Candidate| -> Vec<usize> {
        candidate.parameters.iter().map(|(_, value)| value.parse().unwrap()).collect()
    };
    assert_eq!(found.candidates().iter().map(places).collect::<Vec<_>>(), expected);

    let rules = textbook::SuccessiveHalving {
        factor: pair.pick(&[1.5, 2.0, 3.0]),
        least: pair.between(4..=30),
        most: pair.between(40..=n.max(40)),
        exhaust: false,
        aggressive: pair.flag(),
    };
    let schedule = rules.schedule(expected.len(), &mut Trace::silent()).unwrap();
    let search = HalvingSearch::grid(grid())
        .factor(rules.factor)
        .min_resources(rules.least)
        .max_resources(rules.most)
        .aggressive_elimination(rules.aggressive);
    let found = search.fit(&x, &Target::None).unwrap();
    for (i, round) in schedule.iter().enumerate() {
        let tried: Vec<_> = found.candidates().iter().filter(|candidate| candidate.iteration == i).collect();
        assert_eq!(tried.len(), round.candidates);
        assert!(tried.iter().all(|candidate| candidate.resources == Some(round.resources)));
    }
    assert_eq!(found.candidates().last().unwrap().iteration + 1, schedule.len());
    // Left to itself it begins with 2 samples a fold and class, or with so many that the last round has all.
    let rules = textbook::SuccessiveHalving { least: 4, most: n, exhaust: true, aggressive: false, ..rules };
    let schedule = rules.schedule(expected.len(), &mut Trace::silent()).unwrap();
    let found = HalvingSearch::grid(grid()).factor(rules.factor).fit(&x, &Target::None).unwrap();
    assert_eq!(found.candidates()[0].resources, Some(schedule[0].resources));
    assert_eq!(found.candidates().len(), schedule.iter().map(|round| round.candidates).sum::<usize>());
}

#[test]
fn folds_are_the_textbooks() {
    hold("folds", 80, [0.0, 0.0], folds, folds);
}

#[test]
fn time_series_splits_are_the_textbooks() {
    hold("time series splits", 80, [0.0, 0.0], time_series, time_series);
}

#[test]
fn cross_validation_is_the_textbooks() {
    // A sum of squares of differences from a mean, both over forty samples.
    hold("cross-validation", 40, [40.0, 40.0], cross_validation, cross_validation);
}

#[test]
fn searches_are_the_textbooks() {
    hold("searches", 20, [0.0, 0.0], searches, searches);
}
