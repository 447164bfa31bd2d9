//! Linear models have scikit-learn's coefficients, keep them in their files, and refuse what they cannot learn from.

use barehand_learn::linear_model::{
    Alphas, ClassWeight, ElasticNet, ElasticNetCv, FittedLogisticRegression, GradientDescentClassifier,
    GradientDescentRegressor, Lasso, LearningRate, LinearRegression, LogisticRegression,
    LogisticRegressionCv, LogisticSolver, Ridge, RidgeClassifier, RidgeClassifierCv, RidgeCv, RidgeSolver,
    SgdClassifier, SgdLoss, SgdPenalty, SgdRegressor,
};
use barehand_learn::models::model;
use barehand_learn::{Estimator, Features, Fit, Model, Target};
use barehand_tensor::{CsrMatrix, Error, Tensor, threads};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/linear_models.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(values) => values.iter().flat_map(numbers).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

/// The estimator of a case, and how near its coefficients must come.
fn estimator(name: &str, options: &Value) -> (Box<dyn Estimator<f64>>, f64) {
    let number = |name: &str| options.get(name).and_then(Value::as_f64);
    let flag =
        |name: &str, default: bool| options.get(name).map_or(default, |value| value.as_bool().unwrap());
    let text = |name: &str| options.get(name).and_then(Value::as_str);
    let class_weight = if text("class_weight").is_some() { ClassWeight::Balanced } else { ClassWeight::None };
    let ridge = |alpha: f64| {
        Ridge::new(alpha)
            .solver(RidgeSolver::named(text("solver").unwrap_or("auto")).unwrap())
            .tol(number("tol").unwrap_or(1e-4))
            .positive(flag("positive", false))
    };
    let alpha = number("alpha").unwrap_or(1.0);
    let penalty = match text("penalty") {
        Some("l1") => SgdPenalty::L1,
        Some("elasticnet") => SgdPenalty::ElasticNet(0.15),
        _ => SgdPenalty::L2,
    };
    let max_iter = number("max_iter").unwrap_or(1000.0) as usize;
    match name {
        "LinearRegression" => {
            let regression = LinearRegression::new().fit_intercept(flag("fit_intercept", true));
            (Box::new(regression.positive(flag("positive", false))), 1e-9)
        }
        // SciPy's L-BFGS-B stops early where coefficients may not be negative.
        "Ridge" => (Box::new(ridge(alpha)), if flag("positive", false) { 1e-5 } else { 1e-8 }),
        "RidgeClassifier" => (Box::new(RidgeClassifier::new(ridge(alpha)).class_weight(class_weight)), 1e-9),
        "Lasso" => {
            let lasso = Lasso::new(alpha).tol(1e-12).max_iter(max_iter).positive(flag("positive", false));
            (Box::new(lasso), 1e-7)
        }
        "ElasticNet" => {
            let net = ElasticNet::new(alpha).l1_ratio(number("l1_ratio").unwrap());
            (Box::new(net.tol(1e-12).max_iter(max_iter)), 1e-7)
        }
        "LogisticRegression" => {
            let solver = match text("solver").unwrap() {
                "lbfgs" => LogisticSolver::Lbfgs,
                "newton-cholesky" => LogisticSolver::NewtonCholesky,
                _ => LogisticSolver::CoordinateDescent,
            };
            let logistic = LogisticRegression::new()
                .c(number("C").unwrap())
                .l1_ratio(number("l1_ratio").unwrap_or(0.0))
                .class_weight(class_weight)
                .solver(solver)
                .max_iter(10_000)
                .tol(1e-10);
            (Box::new(logistic), 2e-6)
        }
        "SGDClassifier" => {
            let mut sgd = SgdClassifier::new().sgd();
            (sgd.max_iter, sgd.tol, sgd.penalty) = (max_iter, number("tol"), penalty);
            sgd.average = number("average").unwrap_or(0.0) as u64;
            sgd.loss = match text("loss") {
                Some("log_loss") => SgdLoss::Log,
                Some("modified_huber") => SgdLoss::ModifiedHuber,
                _ => SgdLoss::Hinge(1.0),
            };
            if text("learning_rate") == Some("constant") {
                sgd.learning_rate = LearningRate::Constant;
            }
            let seeds = match options.get("classes") {
                Some(_) => vec![SEED_OF_TWO],
                None => SEEDS_OF_THREE.to_vec(),
            };
            (Box::new(SgdClassifier::new().parameters(sgd).seeds(seeds)), 1e-9)
        }
        "SGDRegressor" => {
            let mut sgd = SgdRegressor::new().sgd();
            (sgd.max_iter, sgd.tol, sgd.penalty) = (max_iter, number("tol"), penalty);
            if text("loss") == Some("huber") {
                (sgd.loss, sgd.learning_rate) = (SgdLoss::Huber(0.1), LearningRate::Adaptive);
            }
            (Box::new(SgdRegressor::new().parameters(sgd).seed(SEED_OF_VALUES)), 1e-9)
        }
        other => panic!("{other} has no test"),
    }
}

/// What `random_state=3` draws for the order of samples: for values the first, for two classes the second number below 2^31 - 1; and for three classes the second
/// of those of the generators that its first three numbers seed.
const SEED_OF_VALUES: u32 = 218_175_338;
const SEED_OF_TWO: u32 = 303_761_048;
const SEEDS_OF_THREE: [u32; 3] = [523_268_896, 1_454_354_628, 414_364_211];

fn tensor(values: Vec<f64>, columns: usize) -> Tensor<f64> {
    let rows = values.len() / columns;
    Tensor::from_vec(values, [rows, columns]).unwrap()
}

#[test]
fn coefficients_are_scikit_learns() {
    let golden = golden();
    let (x, classes, y) = (numbers(&golden["x"]), numbers(&golden["classes"]), numbers(&golden["y"]));
    let weight = numbers(&golden["weight"]);
    for case in golden["cases"].as_array().unwrap() {
        let (name, options) = (case["estimator"].as_str().unwrap(), &case["options"]);
        let (estimator, tolerance) = estimator(name, options);
        let mut rows: Vec<usize> = (0..y.len()).collect();
        if let Some(count) = options.get("classes").and_then(Value::as_f64) {
            rows.retain(|&row| classes[row] < count);
        }
        if let Some(count) = options.get("rows").and_then(Value::as_u64) {
            let step = y.len() / count as usize;
            rows = rows.into_iter().step_by(step).take(count as usize).collect();
        }
        let centred = name.starts_with("SGD") || name.starts_with("Logistic");
        let dependent = options.get("dependent").is_some();
        let row = |&row: &usize| {
            let mut row = x[row * 4..(row + 1) * 4].to_vec();
            if centred {
                row[1] -= 3.0;
                row[3] += 50.0;
            }
            if dependent {
                row.push(row[0] - 2.0 * row[1]);
            }
            row
        };
        let columns = if dependent { 5 } else { 4 };
        let features = tensor(rows.iter().flat_map(row).collect(), columns);
        let is_classifier = name.contains("Classifier") || name.contains("Logistic");
        let target: Target<f64> = if is_classifier {
            Target::Classes(rows.iter().map(|&row| classes[row] as i64).collect::<Vec<i64>>().into())
        } else {
            Target::Values(rows.iter().map(|&row| y[row]).collect::<Vec<f64>>().into())
        };
        let weights: Option<Tensor<f64>> = options
            .get("weighted")
            .map(|_| rows.iter().map(|&row| weight[row] + 0.5).collect::<Vec<f64>>().into());
        let (coef, intercept) = (numbers(&case["coef"]), numbers(&case["intercept"]));
        let mut kinds = vec![Features::Dense(features.clone())];
        // Sparse intercepts of stochastic descents go slower; singular values need dense samples.
        let dense_only = name.starts_with("SGD")
            || options.get("solver").and_then(Value::as_str) == Some("svd")
            || (name == "LinearRegression" && options.get("positive").is_none());
        if !dense_only {
            kinds.push(CsrMatrix::from_dense(&features).unwrap().into());
        }
        for kind in kinds {
            let fit = |count| {
                threads::with_num_threads(count, || {
                    estimator.fit_any(&kind, &target, weights.as_ref()).unwrap()
                })
            };
            let fitted = fit(1);
            assert_eq!(fitted.record(), fit(3).record(), "{name} {options}: threads change the model");
            let found = |field: &str| fitted.record().tensor::<f64>(field).unwrap().to_vec();
            for (field, expected) in [("coef", &coef), ("intercept", &intercept)] {
                let found = found(field);
                let expected: Vec<f64> = if expected.len() == found.len() {
                    expected.clone()
                } else {
                    vec![expected[0]; found.len()]
                };
                for (a, b) in found.iter().zip(&expected) {
                    let near = (a - b).abs() <= tolerance * b.abs().max(1.0);
                    assert!(near, "{name} {options}: {field} {found:?}, scikit-learn's are {expected:?}");
                }
            }
            holds_in_its_file(&*fitted, &kind);
        }
    }
}

/// The same predictions from the same record, and no other record.
fn holds_in_its_file(fitted: &dyn Model<f64>, x: &Features<f64>) {
    let again = model::<f64>(&fitted.record()).unwrap();
    assert_eq!(again.record(), fitted.record());
    assert_eq!(again.predict_any(x).unwrap(), fitted.predict_any(x).unwrap());
    let cut = fitted.record().with("intercept", Tensor::from(vec![0.0f64; 17]));
    assert!(model::<f64>(&cut).is_err());
}

fn everything() -> Vec<Box<dyn Estimator<f64>>> {
    vec![
        Box::new(LinearRegression::new()),
        Box::new(LinearRegression::new().positive(true)),
        Box::new(Ridge::new(1.0)),
        Box::new(Ridge::new(1.0).solver(RidgeSolver::Svd)),
        Box::new(Ridge::new(0.0).solver(RidgeSolver::Lsqr)),
        Box::new(Ridge::new(0.0).solver(RidgeSolver::SparseCg)),
        Box::new(RidgeClassifier::new(Ridge::new(1.0))),
        Box::new(Lasso::new(0.1)),
        Box::new(ElasticNet::new(0.1)),
        Box::new(LogisticRegression::new()),
        Box::new(LogisticRegression::new().solver(LogisticSolver::NewtonCholesky).c(f64::INFINITY)),
        Box::new(LogisticRegression::new().solver(LogisticSolver::CoordinateDescent).l1_ratio(1.0)),
        Box::new(SgdClassifier::new()),
        Box::new(SgdRegressor::new()),
        Box::new(RidgeCv::default()),
        Box::new(RidgeCv::default().by_singular_values(true)),
        Box::new(RidgeClassifierCv::default()),
        Box::new(ElasticNetCv::new(ElasticNet::new(1.0)).alphas(Alphas::Grid { count: 4, eps: 0.1 })),
        Box::new(LogisticRegressionCv::new(LogisticRegression::new()).cs(&[0.1, 10.0])),
        Box::new(GradientDescentRegressor::new(0.01, 10)),
        Box::new(GradientDescentClassifier::new(0.01, 10)),
    ]
}

/// A model whose numbers are finite, or an error that names the estimator's fit.
#[test]
fn strange_samples_are_learned_from_or_refused() {
    let strange: Vec<(&str, Vec<f64>, usize)> = vec![
        ("NaN", vec![1.0, f64::NAN, 2.0, 3.0, 4.0, 5.0], 2),
        ("infinity", vec![1.0, f64::INFINITY, 2.0, 3.0, 4.0, 5.0], 2),
        ("one row", vec![1.0, 2.0], 2),
        ("constant", vec![7.0; 12], 2),
        ("zeros", vec![0.0; 12], 2),
        ("huge", vec![1e200, -1e200, 1e199, 3e200, 0.0, 1e200], 1),
        ("tiny", vec![1e-200, -1e-200, 1e-199, 3e-200, 0.0, 1e-200], 1),
        ("twice the same", vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 5.0, 5.0], 2),
        ("wide", (0..40).map(|i| f64::from(i * i % 7)).collect(), 20),
    ];
    for (what, values, columns) in strange {
        let n = values.len() / columns;
        let x = tensor(values, columns);
        for kind in [Features::Dense(x.clone()), CsrMatrix::from_dense(&x).unwrap().into()] {
            for estimator in everything() {
                for y in [
                    Target::Values((0..n).map(|i| i as f64).collect::<Vec<f64>>().into()),
                    Target::Values(vec![3.0; n].into()),
                    Target::Values(vec![f64::NAN; n].into()),
                    Target::Classes((0..n as i64).map(|i| i % 2 * 5).collect::<Vec<i64>>().into()),
                    Target::Classes(vec![1; n].into()),
                    Target::Classes(vec![1; n + 1].into()),
                    Target::None,
                ] {
                    match estimator.fit_any(&kind, &y, None) {
                        Ok(model) => {
                            assert!(!what.contains("NaN") && !what.contains("infinity"), "{what}");
                            let coef = model.record().tensor::<f64>("coef").unwrap().to_vec();
                            assert!(
                                coef.iter().all(|w| w.is_finite()),
                                "{} on {what}: {coef:?}",
                                estimator.name()
                            );
                        }
                        Err(error) => assert!(error.to_string().contains(':'), "{error}"),
                    }
                }
            }
        }
    }
}

/// Two rows of coefficients for two classes would give two labels for each sample.
#[test]
fn files_say_nothing_impossible_of_two_classes() {
    let x = tensor((0..8).map(f64::from).collect(), 2);
    let y = Target::Classes(Tensor::from([0i64, 0, 1, 1]));
    for estimator in everything() {
        let Ok(fitted) = estimator.fit_any(&x.clone().into(), &y, None) else { continue };
        if fitted.classes().is_none() {
            continue;
        }
        let record = fitted.record();
        let two = record
            .clone()
            .with("coef", Tensor::from_vec(vec![1.0f64; 4], [2, 2]).unwrap())
            .with("intercept", Tensor::from([0.0f64, 0.0]));
        assert!(model::<f64>(&two).is_err(), "{}", record.name());
    }
}

#[test]
fn descents_that_lead_nowhere_end_early() {
    use barehand_learn::Fit;
    let x = tensor(vec![1.0, -2.0, 3.0, 100.0], 1);
    let endless = GradientDescentRegressor::new(1e3, usize::MAX).fit(&x, &Tensor::from([1.0, 2.0, 3.0, 4.0]));
    assert!(endless.unwrap_err().to_string().contains("finite"));
    let endless = GradientDescentClassifier::new(1e200, usize::MAX).l2(1e200);
    assert!(endless.fit(&x, &Tensor::from([0i64, 1, 0, 1])).unwrap_err().to_string().contains("finite"));
}

/// Early stopping without anything to stop by would never stop.
#[test]
fn some_samples_with_weight_are_held_out() {
    use barehand_learn::FitWeighted;
    let x = tensor(vec![1.0, -2.0, 3.0, 100.0], 1);
    let weights = Tensor::from([1.0, 1.0, 1.0, 0.0]);
    for held in [vec![false; 4], vec![true; 4], vec![true; 3], vec![false, false, false, true]] {
        let (labels, values) = (Tensor::from([0i64, 1, 0, 1]), Tensor::from([1.0, 2.0, 3.0, 4.0]));
        let classifier = SgdClassifier::new().held_out(Some(held.clone()));
        assert!(classifier.fit_weighted(&x, &labels, &weights).is_err(), "{held:?}");
        let regressor = SgdRegressor::new().held_out(Some(held.clone()));
        assert!(regressor.fit_weighted(&x, &values, &weights).is_err(), "{held:?}");
    }
}

#[test]
fn the_descent_of_the_notes() {
    use barehand_learn::Fit;
    use barehand_tensor::random::legacy::RandomState;
    // X = 2 rand(100, 2), y = 4 + 3 X + randn(100, 1), theta = randn(3, 2), in this order.
    let mut random = RandomState::new(0);
    let rows: Vec<f64> = random.rand([100, 2]).to_vec().into_iter().map(|x| 2.0 * x).collect();
    let noise = random.randn([100, 1]).to_vec();
    let theta = random.randn([3, 2]).to_vec();
    let x = tensor(rows.clone(), 2);
    let y: Vec<f64> = (0..200).map(|i| 4.0 + 3.0 * rows[i] + noise[i / 2]).collect();
    let y = tensor(y, 2);
    let start: Vec<f64> = vec![theta[2], theta[4], theta[3], theta[5]];
    let descent = GradientDescentRegressor::new(0.01, 1000).start(start, theta[..2].to_vec());
    let model = descent.fit(&x, &y).unwrap();
    let costs = model.loss_history();
    for (step, cost) in [
        (0, 88.305_058_283_354_92),
        (1, 82.963_496_089_049_17),
        (2, 77.958_454_454_748_22),
        (3, 73.268_674_292_484_1),
        // Printed as 5.8961568108314105 where this comes from: a misprint.
        (53, 5.896_156_510_831_41),
        (999, 0.971_661_700_161_32),
    ] {
        assert!((costs[step] - cost).abs() < 1e-10, "step {step}: {} {cost}", costs[step]);
    }
    let coef = model.coef().to_vec();
    let intercept = model.intercept().to_vec();
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-8);
    assert!(near(&intercept, &[3.483_531_3, 2.899_779_17]), "{intercept:?}");
    assert!(near(&coef, &[3.036_658_36, 0.338_494_89, 0.426_691_63, 3.470_618_81]), "{coef:?}");
    let exact = LinearRegression::new().fit(&x, &y).unwrap();
    assert!(near(&exact.intercept().to_vec(), &[4.114_503_26, 4.114_503_26]));
    assert!(near(&exact.coef().to_vec(), &[2.786_850_22, 0.014_787_53, -0.213_149_78, 3.014_787_53]));
}

#[test]
fn logistic_descent_of_the_notes() {
    use barehand_learn::Fit;
    let x = Tensor::from([[1.0], [2.0], [3.0f64]]);
    let descent = GradientDescentClassifier::new(0.01, 1000).sum(true);
    let model = descent.fit(&x, &Tensor::from([0i64, 0, 1])).unwrap();
    assert!((model.coef().item().unwrap() - 1.198_950_450_486_879).abs() < 1e-13);
    assert!((model.intercept().item().unwrap() + 2.896_431_788_385_909_6).abs() < 1e-13);
    assert!((model.loss_history()[999] - 1.046_330_034_999_988).abs() < 1e-13);
    // A probability of exactly the threshold is on its upper side.
    let balanced = GradientDescentClassifier::new(0.1, 1)
        .fit(&Tensor::from([[1.0], [-1.0f64]]), &Tensor::from([1i64, 0]));
    let at = balanced.unwrap().predict_at(&Tensor::from([[0.0f64]]), 0.5).unwrap();
    assert_eq!(at.to_vec(), [1]);
}

#[test]
fn a_watch_sees_what_a_fit_of_fewer_iterations_gives() {
    let value = |i: usize| ((i * 7919) % 1013) as f64 / 506.0 - 1.0;
    // Of two classes, many rows begin with a rehearsal on some of them.
    for (rows, classes) in [(300, 2), (300, 3), (40_000, 2)] {
        let x = tensor((0..rows * 3).map(value).collect(), 3);
        let class = |row: usize| {
            let score = 2.0 * value(row * 3) - value(row * 3 + 1) + value(row * 31 + 5);
            i64::from(score > 0.3) + i64::from(classes == 3 && score > 1.0)
        };
        let y = Tensor::from((0..rows).map(class).collect::<Vec<i64>>());
        let mut seen = Vec::new();
        let regression = LogisticRegression::new().tol(1e-8);
        let keep = &mut |model| {
            seen.push(model);
            Ok(true)
        };
        let whole = regression.fit_watched(&x, &y, None, keep).unwrap();
        assert!(whole.converged() && whole.n_iter() > 2 && seen.len() == whole.n_iter() + 1);
        assert_eq!(whole, regression.fit(&x, &y).unwrap());
        for (i, model) in seen.iter().enumerate() {
            let limited = regression.clone().max_iter(i).fit(&x, &y).unwrap();
            assert_eq!((model.n_iter(), limited.n_iter()), (i, i));
            assert_eq!((model.coef(), model.intercept()), (limited.coef(), limited.intercept()));
            let until = &mut |model: FittedLogisticRegression<f64>| Ok(model.n_iter() < i);
            let ended = regression.fit_watched(&x, &y, None, until).unwrap();
            assert!(!ended.converged() && ended.coef() == model.coef());
            let failing = &mut |model: FittedLogisticRegression<f64>| {
                assert!(model.n_iter() <= i, "asked again after an error");
                if model.n_iter() < i { Ok(true) } else { Err(Error::value("watch", "enough")) }
            };
            assert!(
                regression.fit_watched(&x, &y, None, failing).unwrap_err().to_string().contains("enough")
            );
        }
    }
}
