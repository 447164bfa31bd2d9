//! Cross-validation, searches and curves give scikit-learn's numbers, on any number of threads.

use barehand_learn::linear_model::{Ridge, RidgeClassifier};
use barehand_learn::model_selection::{
    Choice, CrossValPredict, CrossValidation, GridSearch, HalvingSearch, KFold, LearningCurve, Progress,
    RandomizedSearch, Scorer, StratifiedKFold, cross_val_score, permutation_test_score, validation_curve,
};
use barehand_learn::{Features, Prediction, Target};
use barehand_tensor::{Tensor, threads};
use serde_json::Value;

struct Golden {
    answers: Value,
    x: Features<f64>,
    values: Target<f64>,
    labels: Target<f64>,
}

fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(items) => items.iter().flat_map(numbers).collect(),
        None => vec![value.as_f64().unwrap_or(f64::NAN)],
    }
}

fn golden() -> Golden {
    let golden: Value = serde_json::from_str(include_str!("goldens/model_selection.json")).unwrap();
    let x = Tensor::from_vec(numbers(&golden["x"]), [60, 4]).unwrap();
    let values = Target::Values(numbers(&golden["values"]).into());
    let labels: Vec<i64> = golden["labels"].as_array().unwrap().iter().map(|y| y.as_i64().unwrap()).collect();
    Golden { x: x.into(), values, labels: Target::Classes(labels.into()), answers: golden }
}

fn folds() -> KFold {
    KFold::new(4).shuffle(true).random_state(1)
}

/// Sums are added up in another order than NumPy's: some thousand roundings of numbers about 1.
fn close(found: &[f64], expected: &Value, what: &str) {
    let expected = numbers(expected);
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(&expected) {
        let same = (found - expected).abs() <= 1e-11 * (1.0 + expected.abs());
        assert!(same || (found.is_nan() && expected.is_nan()), "{what}: {found}, expected {expected}");
    }
}

#[test]
fn scores_are_those_of_scikit_learn_on_any_number_of_threads() {
    let Golden { answers: golden, x, values, labels } = golden();
    let names =
        ["r2", "neg_mean_squared_error", "neg_mean_absolute_error", "neg_max_error", "explained_variance"];
    let mut cv = CrossValidation::new().cv(folds()).train_scores(true).score("r2".parse::<Scorer>().unwrap());
    for name in &names[1..] {
        cv = cv.and_score(name.parse::<Scorer>().unwrap());
    }
    let run = |n| threads::with_num_threads(n, || cv.run(&Ridge::new(1.0), &x, &values).unwrap());
    let scores = run(1);
    for name in names {
        close(&scores.test(name).unwrap(), &golden["regression"][name]["test"], name);
        close(&scores.train(name).unwrap(), &golden["regression"][name]["train"], name);
        assert_eq!(run(3).test(name), scores.test(name));
    }
    let text = scores.to_string();
    assert!(text.contains("train r2") && text.contains("r2: 0.") && text.lines().count() == 10, "{text}");

    let classifier = RidgeClassifier::new(Ridge::new(1.0));
    for (name, expected) in golden["classification"].as_object().unwrap() {
        let score = name.parse().unwrap();
        let found = cross_val_score(&classifier, &x, &labels, StratifiedKFold::new(3), score).unwrap();
        close(&found, expected, name);
    }
}

#[test]
fn predictions_are_those_of_scikit_learn() {
    let Golden { answers: golden, x, values, labels } = golden();
    let predicted = CrossValPredict::new().cv(folds()).predict(&Ridge::new(1.0), &x, &values).unwrap();
    let Prediction::Values(predicted) = predicted else { panic!("values expected") };
    close(&predicted.to_vec(), &golden["predicted"], "cross_val_predict");
    let classifier = RidgeClassifier::new(Ridge::new(1.0));
    let scores = CrossValPredict::new().decision_function(&classifier, &x, &labels).unwrap();
    assert_eq!(scores.shape(), [60, 3]);
    let overlapping = CrossValPredict::new().cv(barehand_learn::model_selection::ShuffleSplit::new(3));
    let error = overlapping.predict(&Ridge::new(1.0), &x, &values).unwrap_err().to_string();
    assert!(error.contains("every sample once"), "{error}");
}

#[test]
fn searches_are_those_of_scikit_learn() {
    let Golden { answers: golden, x, values, .. } = golden();
    let alphas = numbers(&golden["alphas"]);
    let fits = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = fits.clone();
    let search = GridSearch::new(Ridge::new(1.0))
        .over("fit_intercept", [true, false], |ridge, &yes| ridge.fit_intercept(yes))
        .over("alpha", alphas.clone(), |ridge, &alpha| ridge.alphas(&[alpha]))
        .cross_validation(CrossValidation::new().cv(folds()).score(Scorer::R2).and_score(Scorer::NegMaxError))
        .on_progress(move |Progress { total, .. }| {
            assert_eq!(total, 40);
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
    let found = search.fit(&x, &values).unwrap();
    assert_eq!(fits.load(std::sync::atomic::Ordering::Relaxed), 40);
    let expected = &golden["grid"];
    let (mean, std): (Vec<f64>, Vec<f64>) = found.mean_and_std("r2").unwrap().into_iter().unzip();
    close(&mean, &expected["mean"], "mean");
    close(&std, &expected["std"], "std");
    let ranks =
        |name: &str| found.ranks(name).unwrap().into_iter().map(|rank| rank as f64).collect::<Vec<_>>();
    close(&ranks("r2"), &expected["rank"], "rank");
    close(&ranks("neg_max_error"), &expected["rank_by_largest_error"], "rank_by_largest_error");
    assert_eq!(found.best_index() as u64, expected["best_index"].as_u64().unwrap());
    assert!(found.to_string().contains("alpha=0.01, fit_intercept=true"), "{found}");
    assert!(found.best_model().unwrap().predict_any(&x).is_ok());

    // A search is an estimator: it can be cross-validated itself.
    let nested = CrossValidation::new().cv(KFold::new(3)).run(&search_over(&alphas), &x, &values).unwrap();
    assert!(nested.test("score").unwrap().iter().all(|&score| score > 0.8));

    let logspace: Vec<f64> = (0..11).map(|i| 10f64.powf(-2.0 + 0.5 * f64::from(i))).collect();
    let halving = HalvingSearch::grid(search_over(&logspace))
        .factor(2.0)
        .min_resources(16)
        .random_state(5)
        .fit(&x, &values)
        .unwrap();
    let expected = &golden["halving"];
    let candidates = halving.candidates();
    let alphas: Vec<f64> = candidates.iter().map(|c| c.parameters[0].1.parse().unwrap()).collect();
    close(&alphas, &expected["alpha"], "alpha");
    close(&candidates.iter().map(|c| c.iteration as f64).collect::<Vec<_>>(), &expected["iteration"], "iter");
    let resources: Vec<f64> = candidates.iter().map(|c| c.resources.unwrap() as f64).collect();
    close(&resources, &expected["resources"], "n_resources");
    let mean: Vec<f64> = halving.mean_and_std("score").unwrap().into_iter().map(|(mean, _)| mean).collect();
    close(&mean, &expected["mean"], "mean");
    assert_eq!(halving.best_index() as u64, expected["best_index"].as_u64().unwrap());

    let random = RandomizedSearch::new(Ridge::new(1.0))
        .over("alpha", Choice(logspace), |ridge, &alpha| ridge.alphas(&[alpha]))
        .cross_validation(CrossValidation::new().cv(folds()));
    let halving = HalvingSearch::random(random, Some(9)).fit(&x, &values).unwrap();
    assert_eq!(halving.candidates().iter().filter(|c| c.iteration == 0).count(), 9);
}

fn search_over(alphas: &[f64]) -> GridSearch<Ridge, f64> {
    GridSearch::new(Ridge::new(1.0))
        .over("alpha", alphas.to_vec(), |ridge, &alpha| ridge.alphas(&[alpha]))
        .cross_validation(CrossValidation::new().cv(folds()))
}

#[test]
fn curves_are_those_of_scikit_learn() {
    let Golden { answers: golden, x, values, .. } = golden();
    let cv = CrossValidation::new().cv(folds());
    let ridge = Ridge::new(1.0);
    let curve = LearningCurve::new().shuffle(true).random_state(2).run(&ridge, &cv, &x, &values).unwrap();
    let expected = &golden["learning_curve"];
    let sizes: Vec<f64> = curve.points.iter().map(|size| size.parse().unwrap()).collect();
    close(&sizes, &expected["sizes"], "sizes");
    close(&curve.train().concat(), &expected["train"], "learning curve, train");
    close(&curve.test().concat(), &expected["test"], "learning curve, test");
    assert_eq!(curve.to_string().lines().count(), 6);

    let set = |ridge: Ridge, alpha: &f64| ridge.alphas(&[*alpha]);
    let curve = validation_curve(&ridge, "alpha", numbers(&golden["alphas"]), set, &cv, &x, &values).unwrap();
    close(&curve.train().concat(), &golden["validation_curve"]["train"], "validation curve, train");
    close(&curve.test().concat(), &golden["validation_curve"]["test"], "validation curve, test");

    let test = permutation_test_score(&ridge, &cv, &x, &values, 6, 3).unwrap();
    let expected = &golden["permutation_test"];
    close(
        &[test.score, test.p_value],
        &Value::from(vec![expected["score"].clone(), expected["p_value"].clone()]),
        "score",
    );
    close(&test.permutation_scores, &expected["scores"], "permutation scores");
}

#[test]
fn what_fails_is_an_error_or_a_score_as_asked() {
    let Golden { x, values, labels, .. } = golden();
    let negative = Ridge::new(-1.0);
    let cv = || CrossValidation::new().cv(KFold::new(2));
    let error = cv().run(&negative, &x, &values).unwrap_err().to_string();
    assert!(error.contains("alpha"), "{error}");
    let scores = cv().error_score(f64::NAN).run(&negative, &x, &values).unwrap();
    assert!(scores.test("score").unwrap().iter().all(|score| score.is_nan()));
    assert!(scores.folds[0].error.as_ref().unwrap().contains("alpha"));
    let search = GridSearch::new(Ridge::new(1.0))
        .over("alpha", [-1.0, 1.0], |ridge, &alpha| ridge.alphas(&[alpha]))
        .cross_validation(cv().error_score(f64::NAN))
        .fit(&x, &values)
        .unwrap();
    assert_eq!((search.best_index(), search.ranks("score").unwrap()), (1, vec![2, 1]));

    let twice = cv().score(Scorer::R2).and_score(Scorer::R2).run(&Ridge::new(1.0), &x, &values);
    assert!(twice.unwrap_err().to_string().contains("two scores are called \"r2\""));
    let error = cv().score(Scorer::Accuracy).run(&Ridge::new(1.0), &x, &values).unwrap_err().to_string();
    assert!(error.contains("accuracy"), "{error}");
    let error =
        cv().score(Scorer::RocAuc).run(&RidgeClassifier::default(), &x, &labels).unwrap_err().to_string();
    assert!(error.contains("roc_auc"), "{error}");
    let error = search_over(&[]).fit(&x, &values).err().expect("an error").to_string();
    assert!(error.contains("no candidates"), "{error}");
    assert!("accurcy".parse::<Scorer>().unwrap_err().to_string().contains("balanced_accuracy"));
}
