//! How samples are divided, models judged, and parameters searched.

use barehand_textbook::{
    SuccessiveHalving, TimeSeriesSplit, cross_validate, group_k_fold, k_fold, parameter_grid,
    stratified_k_fold,
};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::error::Error;

const K: Input = input("k", "how many folds", "2");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "k_fold",
        section: "model selection",
        summary: "k folds of samples, each of which is tested on once",
        formula: "fold f = the next floor(n / k) + [f < n mod k] samples of the order",
        engine: Some("barehand::learn::model_selection::KFold"),
        twin: "barehand::textbook::k_fold",
        inputs: &[input(
            "order",
            "(n), the samples in the order in which folds take them",
            "[0, 1, 2, 3, 4, 5, 6]",
        )],
        options: &[input("k", "how many folds", "3")],
        run: |a, t| {
            k_fold(&numbers(a, "order")?, a.count("k")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "stratified_k_fold",
        section: "model selection",
        summary: "k folds in each of which every class has its share",
        formula: "m_fc = how many of sorted_f, sorted_{f+k}, ... are of class c",
        engine: Some("barehand::learn::model_selection::StratifiedKFold"),
        twin: "barehand::textbook::stratified_k_fold",
        inputs: &[input(
            "labels",
            "(n), classes in the order of their first appearance",
            "[0, 0, 0, 0, 1, 1]",
        )],
        options: &[K],
        run: |a, t| {
            stratified_k_fold(&numbers(a, "labels")?, a.count("k")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "group_k_fold",
        section: "model selection",
        summary: "k folds, no group in two of them",
        formula: "the largest group first, each into the fold with the smallest load",
        engine: Some("barehand::learn::model_selection::GroupKFold"),
        twin: "barehand::textbook::group_k_fold",
        inputs: &[input("groups", "(n), the group of each sample", "[0, 1, 3, 3, 1, 0, 2, 3, 1, 3]")],
        options: &[K],
        run: |a, t| {
            group_k_fold(&numbers(a, "groups")?, a.count("k")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "time_series_split",
        section: "model selection",
        summary: "what is tested on lies behind what is learned from",
        formula: "start_i = n - (k - i) t, train = [0, start_i - gap), test = [start_i, start_i + t)",
        engine: Some("barehand::learn::model_selection::TimeSeriesSplit"),
        twin: "barehand::textbook::TimeSeriesSplit",
        inputs: &[input("n", "how many samples", "10")],
        options: &[
            input("k", "how many splits", "3"),
            input("test_size", "how many to test on, or null: floor(n / (k + 1))", "null"),
            input("max_train_size", "how many to learn from at most, or null: all", "null"),
            input("gap", "how many between the two to leave out", "0"),
        ],
        run: |a, t| {
            let splitter = TimeSeriesSplit {
                k: a.count("k")?,
                test_size: maybe_count(a, "test_size")?,
                max_train_size: maybe_count(a, "max_train_size")?,
                gap: a.count("gap")?,
            };
            splitter.split(a.count("n")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "cross_validation",
        section: "model selection",
        summary: "how well the mean of the other folds predicts each fold",
        formula: "mean = sum_f s_f / k, std = sqrt(sum_f (s_f - mean)^2 / k)",
        engine: Some("barehand::learn::model_selection::CrossValidation"),
        twin: "barehand::textbook::cross_validate",
        inputs: &[
            input(
                "y",
                "(n), targets; the score is minus the mean squared error",
                "[1.0, 2.0, 3.0, 4.0, 10.0]",
            ),
            input("folds", "(n), the fold of each sample", "[0, 0, 0, 1, 1]"),
        ],
        options: &[],
        run: |a, t| {
            let (y, folds) = (a.vector("y")?, numbers(a, "folds")?);
            if y.len() != folds.len() {
                return Err(a.invalid("folds", format!("a fold for each of {} samples expected", y.len())));
            }
            let mean_predicts = |train: &[usize], test: &[usize]| {
                let mean = train.iter().map(|&i| y[i]).sum::<f64>() / train.len() as f64;
                -test.iter().map(|&i| (y[i] - mean).powi(2)).sum::<f64>() / test.len() as f64
            };
            cross_validate(&folds, mean_predicts, t)?;
            Ok(())
        },
    },
    Block {
        name: "parameter_grid",
        section: "model selection",
        summary: "every combination of parameters' values, the last parameter fastest",
        formula: "of parameter p combination c has the value floor(c / prod_{q > p} n_q) mod n_p",
        engine: Some("barehand::learn::model_selection::GridSearch"),
        twin: "barehand::textbook::parameter_grid",
        inputs: &[input("values", "how many values each parameter has, by name in order", "[3, 2]")],
        options: &[],
        run: |a, t| {
            let values = numbers(a, "values")?;
            let names: Vec<String> = (0..values.len()).map(|p| format!("{p:04}")).collect();
            let parameters: Vec<(&str, usize)> = names.iter().map(String::as_str).zip(values).collect();
            // What is shown is as long as the grid.
            let count = parameters.iter().try_fold(1usize, |n, &(_, values)| n.checked_mul(values));
            if count.is_none_or(|count| count > 10_000) {
                return Err(a.invalid("values", "at most 10,000 combinations expected"));
            }
            parameter_grid(&parameters, t)?;
            Ok(())
        },
    },
    Block {
        name: "successive_halving",
        section: "model selection",
        summary: "many candidates with few resources, the best of them with more",
        formula: "resources_i = min(floor(least factor^i), most), candidates_i = ceil(candidates_{i-1} / factor)",
        engine: Some("barehand::learn::model_selection::HalvingSearch"),
        twin: "barehand::textbook::SuccessiveHalving",
        inputs: &[input("candidates", "how many", "6")],
        options: &[
            input("factor", "how many times fewer candidates a round has", "3.0"),
            input("least", "the fewest resources that make sense", "20"),
            input("most", "all resources", "1000"),
            input("exhaust", "whether the last round is to have all of them", "true"),
            input("aggressive", "whether to come down to few candidates at any rate", "false"),
        ],
        run: |a, t| {
            let rules = SuccessiveHalving {
                factor: a.number("factor")?,
                least: a.count("least")?,
                most: a.count("most")?,
                exhaust: a.flag("exhaust")?,
                aggressive: a.flag("aggressive")?,
            };
            rules.schedule(a.count("candidates")?, t)?;
            Ok(())
        },
    },
];

/// Whole numbers from 0 on.
fn numbers(a: &Arguments, name: &str) -> Result<Vec<usize>, Error> {
    let given = a.integers(name)?;
    let found: Vec<usize> = given.iter().filter_map(|&number| usize::try_from(number).ok()).collect();
    // Folds and groups are numbered without gaps: none is larger than there are samples, and a trace is to be read.
    if found.len() != given.len() || found.len() > 1000 || found.iter().any(|&number| number > 1000) {
        return Err(a.invalid(name, "at most a thousand whole numbers in 0..=1000 expected"));
    }
    Ok(found)
}

fn maybe_count(a: &Arguments, name: &str) -> Result<Option<usize>, Error> {
    a.maybe_number(name)?.map(|_| a.count(name)).transpose()
}
