//! Every splitter gives scikit-learn's splits, every distribution its draws; errors say what is wrong.

use barehand_learn::model_selection::{
    Choice, CrossValidation, GroupKFold, GroupShuffleSplit, Integers, KFold, LeaveOneGroupOut, LeaveOneOut,
    LeavePGroupsOut, LeavePOut, LogUniform, PredefinedSplit, RandomizedSearch, RepeatedKFold,
    RepeatedStratifiedKFold, Samples, Scorer, ShuffleSplit, Size, Split, Splitter, StratifiedGroupKFold,
    StratifiedKFold, StratifiedShuffleSplit, TimeSeriesSplit, TrainTestSplit, Uniform,
};
use barehand_learn::preprocessing::StandardScaler;
use barehand_learn::{Features, Model, Target};
use barehand_tensor::Tensor;
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/splitters.json")).unwrap()
}

fn labels(value: &Value) -> Tensor<i64> {
    value.as_array().unwrap().iter().map(|label| label.as_i64().unwrap()).collect::<Vec<_>>().into()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|index| index.as_u64().unwrap() as usize).collect()
}

fn size(options: &Value, name: &str) -> Option<Size> {
    let given = options.get(name)?;
    Some(given.as_u64().map_or_else(
        || Size::Share(given.as_f64().unwrap()),
        |count| Size::Count(usize::try_from(count).unwrap()),
    ))
}

/// The splitter of a case.
fn splitter(name: &str, options: &Value) -> Box<dyn Splitter> {
    let count = |name: &str| options.get(name).map(|value| value.as_u64().unwrap() as usize);
    let n_splits = count("n_splits").unwrap_or(0);
    let shuffle = options.get("shuffle").is_some_and(|value| value.as_bool().unwrap());
    let seed = count("random_state").unwrap_or(0) as u32;
    macro_rules! sized {
        ($splitter:expr) => {{
            let mut splitter = $splitter.random_state(seed);
            if let Some(size) = size(options, "test_size") {
                splitter = splitter.test_size(size);
            }
            if let Some(size) = size(options, "train_size") {
                splitter = splitter.train_size(size);
            }
            splitter
        }};
    }
    match name {
        "KFold" => Box::new(KFold::new(n_splits).shuffle(shuffle).random_state(seed)),
        "StratifiedKFold" => Box::new(StratifiedKFold::new(n_splits).shuffle(shuffle).random_state(seed)),
        "GroupKFold" => Box::new(GroupKFold::new(n_splits).shuffle(shuffle).random_state(seed)),
        "StratifiedGroupKFold" => {
            Box::new(StratifiedGroupKFold::new(n_splits).shuffle(shuffle).random_state(seed))
        }
        "RepeatedKFold" => {
            Box::new(RepeatedKFold::new(n_splits, count("n_repeats").unwrap()).random_state(seed))
        }
        "RepeatedStratifiedKFold" => {
            Box::new(RepeatedStratifiedKFold::new(n_splits, count("n_repeats").unwrap()).random_state(seed))
        }
        "TimeSeriesSplit" => {
            let mut splitter = TimeSeriesSplit::new(n_splits).gap(count("gap").unwrap_or(0));
            if let Some(size) = count("test_size") {
                splitter = splitter.test_size(size);
            }
            if let Some(size) = count("max_train_size") {
                splitter = splitter.max_train_size(size);
            }
            Box::new(splitter)
        }
        "LeaveOneOut" => Box::new(LeaveOneOut::new()),
        "LeavePOut" => Box::new(LeavePOut::new(count("p").unwrap())),
        "LeaveOneGroupOut" => Box::new(LeaveOneGroupOut::new()),
        "LeavePGroupsOut" => Box::new(LeavePGroupsOut::new(count("n_groups").unwrap())),
        "ShuffleSplit" => Box::new(sized!(ShuffleSplit::new(n_splits))),
        "StratifiedShuffleSplit" => Box::new(sized!(StratifiedShuffleSplit::new(n_splits))),
        "GroupShuffleSplit" => Box::new(sized!(GroupShuffleSplit::new(n_splits))),
        "train_test_split" => {
            let stratify = options.get("stratify").is_some();
            let shuffle = options.get("shuffle").is_none();
            Box::new(Once(sized!(TrainTestSplit::new().stratify(stratify).shuffle(shuffle))))
        }
        other => panic!("no splitter {other}"),
    }
}

/// One split, as a splitter.
struct Once(TrainTestSplit);

impl Splitter for Once {
    fn split(
        &self,
        samples: &Samples<'_>,
    ) -> barehand_tensor::Result<barehand_learn::model_selection::Splits> {
        Ok(Box::new(std::iter::once(self.0.split(samples)?)))
    }

    fn n_splits(&self, _: &Samples<'_>) -> barehand_tensor::Result<usize> {
        Ok(1)
    }
}

#[test]
fn splits_are_those_of_scikit_learn() {
    let golden = golden();
    let sets = golden["samples"].as_array().unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let set = sets.iter().find(|set| set["name"] == case["samples"]).unwrap();
        let (y, groups) = (labels(&set["y"]), labels(&set["groups"]));
        let samples = Samples::new(set["n"].as_u64().unwrap() as usize).classes(&y).groups(&groups);
        let (name, what) = (case["splitter"].as_str().unwrap(), case.to_string());
        let what = &what[..what.len().min(120)];
        let splitter = splitter(name, &case["options"]);
        let n_splits = case["n_splits"].as_u64().unwrap() as usize;
        assert_eq!(splitter.n_splits(&samples).unwrap(), n_splits, "{what}");
        let splits: Vec<Split> = splitter.split(&samples).unwrap().collect();
        assert_eq!(splits.len(), n_splits, "{what}");
        let ends = [&splits[0], &splits[n_splits - 1]];
        for (found, expected) in ends.into_iter().zip(case["splits"].as_array().unwrap()) {
            assert_eq!(found.train, indices(&expected["train"]), "{what}");
            assert_eq!(found.test, indices(&expected["test"]), "{what}");
        }
    }
}

#[test]
fn draws_are_those_of_scikit_learn() {
    let scaler = StandardScaler::new;
    let keep = |scaler: StandardScaler, _: &f64| scaler;
    for case in golden()["draws"].as_array().unwrap() {
        let search: RandomizedSearch<StandardScaler, f64> = match case["name"].as_str().unwrap() {
            "mixed" => RandomizedSearch::new(scaler())
                .over("d", Choice(vec![10, 20, 30]), |scaler, _: &i32| scaler)
                .over("b", Integers(5, 20), |scaler, _: &i64| scaler)
                .over("a", Uniform(-1.0, 2.0), keep)
                .over("c", LogUniform(1e-3, 1e2), keep),
            "large" => RandomizedSearch::new(scaler())
                .over("b", Choice((0..200).collect()), |scaler, _: &i32| scaler)
                .over("a", Choice((0..200).collect()), |scaler, _: &i32| scaler),
            _ => RandomizedSearch::new(scaler())
                .over("c", Choice(vec!["x", "y", "z", "w"]), |scaler, _: &&str| scaler)
                .over("b", Choice(vec![1, 2, 3]), |scaler, _: &i32| scaler)
                .over("a", Choice(vec![0.5, 0.25]), keep),
        };
        let columns =
            |model: &dyn Model<f64>, _: &Features<f64>, _: &Target<f64>| Ok(model.features() as f64);
        let cv = CrossValidation::new().cv(KFold::new(2)).score(Scorer::custom("columns", columns));
        let found = search
            .n_iter(case["n_iter"].as_u64().unwrap() as usize)
            .random_state(case["random_state"].as_u64().unwrap() as u32)
            .cross_validation(cv)
            .fit(&Tensor::from([[1.0], [2.0]]).into(), &Target::None)
            .unwrap();
        let expected = case["candidates"].as_array().unwrap();
        assert_eq!(found.candidates().len(), expected.len());
        for (found, expected) in found.candidates().iter().zip(expected) {
            for (name, value) in &found.parameters {
                let expected = &expected[name];
                let same = match expected.as_f64() {
                    // The last bit of exp and ln is the C library's own.
                    Some(number) => (value.parse::<f64>().unwrap() - number).abs() <= 4e-16 * number.abs(),
                    None => expected.as_str() == Some(value.trim_matches('"')),
                };
                assert!(same, "{name}: {value}, expected {expected}");
            }
        }
    }
}

#[test]
fn what_cannot_be_split_is_refused_with_the_reason() {
    let y = Tensor::from([0i64, 0, 0, 1, 1, 2]);
    let groups = Tensor::from([0i64, 0, 1, 1, 2, 2]);
    let plain = Samples::new(6);
    let whole = plain.classes(&y).groups(&groups);
    let refused = |splitter: &dyn Splitter, samples: &Samples<'_>, reason: &str| {
        let error = splitter.split(samples).err().expect("an error").to_string();
        assert!(error.contains(reason), "{error}: {reason}");
    };
    refused(&KFold::new(1), &plain, "at least 2");
    refused(&KFold::new(7), &plain, "more than there are samples: 6");
    refused(&StratifiedKFold::new(2), &plain, "needs the class of each sample");
    refused(&StratifiedKFold::new(4), &whole, "no class has more than 3");
    refused(&GroupKFold::new(2), &plain, "needs the group of each sample");
    refused(&GroupKFold::new(4), &whole, "more than there are groups: 3");
    refused(&StratifiedGroupKFold::new(2), &plain.classes(&y), "needs the group");
    refused(&RepeatedKFold::new(2, 0), &plain, "n_repeats is 0");
    refused(&TimeSeriesSplit::new(6), &plain, "6 splits need more than 6 samples");
    refused(&TimeSeriesSplit::new(2).test_size(3), &plain, "leave none of 6 samples to train on");
    refused(&TimeSeriesSplit::new(2).test_size(usize::MAX), &plain, "leave none");
    refused(&LeaveOneOut::new(), &Samples::new(1), "needs at least 2 samples");
    refused(&LeavePOut::new(6), &plain, "less than the number of samples");
    refused(&LeavePGroupsOut::new(3), &whole, "and not all");
    refused(&ShuffleSplit::new(1).test_size(6), &plain, "less than the 6 samples");
    refused(&ShuffleSplit::new(1).test_size(1.5), &plain, "between 0 and 1");
    refused(&ShuffleSplit::new(1).test_size(0.7).train_size(0.7), &plain, "more than all together");
    refused(&ShuffleSplit::new(1).test_size(4).train_size(4), &plain, "are more than 6");
    refused(&StratifiedShuffleSplit::new(1), &whole, "class 2 has one sample");
    refused(&PredefinedSplit::new(&[0, 1]), &plain, "folds of 2 samples, found 6");
    refused(&vec![Split { train: vec![0], test: vec![6] }], &plain, "names sample 6 of 6");
    let short = Tensor::from([0i64]);
    refused(&StratifiedKFold::new(2), &plain.classes(&short), "for each of 6 samples, found shape [1]");
    let error = LeavePOut::new(500).n_splits(&Samples::new(1000)).unwrap_err().to_string();
    assert!(error.contains("more ways than can be counted"), "{error}");
}

proptest! {
    /// Whatever the samples: folds hold each of them once, strata and groups are kept, nothing is in both sets.
    #[test]
    fn folds_are_partitions(
        labels in prop::collection::vec((0i64..4, 0i64..9), 4..60),
        n_splits in 2usize..6,
        random_state in 0u32..3,
    ) {
        let (y, groups): (Vec<i64>, Vec<i64>) = labels.into_iter().unzip();
        let (y, groups, n) = (Tensor::from(y.clone()), Tensor::from(groups), y.len());
        let samples = Samples::new(n).classes(&y).groups(&groups);
        let shuffle = random_state > 0;
        let splitters: [Box<dyn Splitter>; 4] = [
            Box::new(KFold::new(n_splits).shuffle(shuffle).random_state(random_state)),
            Box::new(StratifiedKFold::new(n_splits).shuffle(shuffle).random_state(random_state)),
            Box::new(GroupKFold::new(n_splits).shuffle(shuffle).random_state(random_state)),
            Box::new(StratifiedGroupKFold::new(n_splits).shuffle(shuffle).random_state(random_state)),
        ];
        for (kind, splitter) in splitters.iter().enumerate() {
            // Too few samples, classes or groups for so many folds.
            let Ok(splits) = splitter.split(&samples) else { continue };
            let splits: Vec<Split> = splits.collect();
            let mut tested: Vec<usize> = splits.iter().flat_map(|split| split.test.clone()).collect();
            tested.sort_unstable();
            prop_assert_eq!(tested, (0..n).collect::<Vec<_>>());
            for split in &splits {
                let mut all = [split.train.clone(), split.test.clone()].concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
                let in_test = |label: i64| {
                    split.test.iter().filter(|&&i| y.to_vec()[i] == label).count()
                };
                if kind == 1 {
                    for label in 0..4 {
                        let all = y.to_vec().iter().filter(|&&other| other == label).count();
                        prop_assert!(in_test(label).abs_diff(all / n_splits) <= 1);
                    }
                }
                if kind >= 2 {
                    let of = |rows: &[usize]| rows.iter().map(|&i| groups.to_vec()[i]).collect::<Vec<_>>();
                    let (train, test) = (of(&split.train), of(&split.test));
                    prop_assert!(test.iter().all(|group| !train.contains(group)));
                }
            }
        }
    }
}
