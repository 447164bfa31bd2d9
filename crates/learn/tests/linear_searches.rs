//! Searches for penalties find what scikit-learn's do, and what fits of one model after another would.

use barehand_learn::linear_model::{
    Alphas, AsSamples, ElasticNet, ElasticNetCv, Lasso, LogisticRegression, LogisticRegressionCv,
    LogisticSolver, Precompute, Ridge, RidgeClassifierCv, RidgeCv,
};
use barehand_learn::model_selection::{KFold, Samples, Scorer, Split, Splitter};
use barehand_learn::{Fit, FitWeighted, Predict};
use barehand_tensor::{CsrMatrix, Tensor, threads};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(values) => values.iter().flat_map(numbers).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

fn tensor(values: Vec<f64>, columns: usize) -> Tensor<f64> {
    let rows = values.len() / columns;
    Tensor::from_vec(values, [rows, columns]).unwrap()
}

/// Numbers that look random.
fn some(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|i| (((i + seed) * (i + 3 * seed + 7) * 7919) % 1013) as f64 / 507.0 - 1.0).collect()
}

fn near(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}: {found:?}, not {expected:?}");
    }
}

#[test]
fn searches_find_what_scikit_learns_do() {
    let golden: Value = serde_json::from_str(include_str!("goldens/linear_models.json")).unwrap();
    let all = (numbers(&golden["x"]), numbers(&golden["classes"]), numbers(&golden["y"]));
    let weight = numbers(&golden["weight"]);
    for case in golden["searches"].as_array().unwrap() {
        let (name, options) = (case["estimator"].as_str().unwrap(), &case["options"]);
        let what = format!("{name} {options}");
        let mut rows: Vec<usize> = (0..all.2.len()).collect();
        if let Some(count) = options.get("rows").and_then(Value::as_u64) {
            rows = rows.into_iter().step_by(all.2.len() / count as usize).take(count as usize).collect();
        }
        let mut x: Vec<f64> = rows.iter().flat_map(|row| all.0[row * 4..(row + 1) * 4].to_vec()).collect();
        if name.starts_with("Logistic") {
            x.chunks_exact_mut(4).for_each(|row| (row[1], row[3]) = (row[1] - 3.0, row[3] + 50.0));
        }
        let x = tensor(x, 4);
        let y: Tensor<f64> = rows.iter().map(|&row| all.2[row]).collect::<Vec<f64>>().into();
        let labels: Tensor<i64> = rows.iter().map(|&row| all.1[row] as i64).collect::<Vec<i64>>().into();
        let weights: Option<Tensor<f64>> = options
            .get("weighted")
            .map(|_| rows.iter().map(|&row| weight[row] + 0.5).collect::<Vec<f64>>().into());
        let weights = weights.as_ref();
        let list = |name: &str| options.get(name).map(numbers);
        let sparse = CsrMatrix::from_dense(&x).unwrap();
        let (coef, intercept, found, table) = match name {
            "RidgeCV" => {
                let intercept = options.get("fit_intercept").is_none();
                let search = RidgeCv::new(&list("alphas").unwrap()).fit_intercept(intercept).store(true);
                let model = search.search(&x, &y, weights).unwrap();
                for other in [
                    search.clone().by_singular_values(true).search(&x, &y, weights).unwrap(),
                    search.search(&sparse, &y, weights).unwrap(),
                ] {
                    near(&what, &other.results().unwrap().to_vec(), &model.results().unwrap().to_vec(), 1e-7);
                    near(&what, &other.model().coef().to_vec(), &model.model().coef().to_vec(), 1e-7);
                }
                let found = vec![model.alphas()[0], model.best_scores()[0]];
                let table = model.results().unwrap().to_vec();
                (model.model().coef().to_vec(), model.model().intercept().to_vec(), found, table)
            }
            "RidgeClassifierCV" => {
                let search = RidgeClassifierCv::new(RidgeCv::new(&list("alphas").unwrap()).store(true));
                let model = search.search(&x, &labels, weights).unwrap();
                let found = vec![model.alpha(), model.best_score()];
                let table = model.results().unwrap().to_vec();
                (model.model().coef().to_vec(), model.model().intercept().to_vec(), found, table)
            }
            "LassoCV" | "ElasticNetCV" => {
                let net = ElasticNet::default().tol(1e-12).max_iter(100_000);
                let count = options["alphas"].as_u64().unwrap() as usize;
                let search = ElasticNetCv::new(net)
                    .l1_ratios(&list("l1_ratio").unwrap_or_else(|| vec![1.0]))
                    .alphas(Alphas::Grid { count, eps: 1e-3 });
                let model = search.search(&x, &y, weights).unwrap();
                let again = threads::with_num_threads(3, || search.search(&x, &y, weights).unwrap());
                assert_eq!(model, again, "{what}: threads change what is found");
                let of_sparse = search.search(&sparse, &y, weights).unwrap();
                near(&what, &of_sparse.mse_path().to_vec(), &model.mse_path().to_vec(), 1e-6);
                assert!(model.unconverged().is_empty());
                let found = match name {
                    "LassoCV" => vec![model.alpha()],
                    _ => vec![model.alpha(), model.l1_ratio()],
                };
                let table = model.mse_path().to_vec();
                (model.model().coef().to_vec(), model.model().intercept().to_vec(), found, table)
            }
            _ => {
                let regression = LogisticRegression::new().solver(LogisticSolver::NewtonCholesky).tol(1e-10);
                let accuracy = options["scoring"].as_str() == Some("accuracy");
                let search = LogisticRegressionCv::new(regression)
                    .cs(&list("Cs").unwrap())
                    .scorer(if accuracy { Scorer::Accuracy } else { Scorer::NegLogLoss })
                    .refit(options.get("refit").is_none());
                let model = search.search(&x, &labels, weights).unwrap();
                let table = model.scores().to_vec();
                (model.model().coef().to_vec(), model.model().intercept().to_vec(), vec![model.c()], table)
            }
        };
        near(&what, &found, &numbers(&case["found"]), 1e-9);
        near(&what, &coef, &numbers(&case["coef"]), 1e-6);
        let expected = numbers(&case["intercept"]);
        let of_each =
            if expected.len() == intercept.len() { expected } else { vec![expected[0]; intercept.len()] };
        near(&what, &intercept, &of_each, 1e-6);
        near(&what, &table, &numbers(&case["table"]), 1e-6);
    }
}

/// Each error is that of a fit without the sample.
#[test]
fn left_out_samples_are_left_out() {
    for (n, d) in [(12, 3), (6, 6), (5, 9), (2, 1), (3, 7)] {
        let x = tensor(some(n * d, d).iter().map(|x| x + 2.0).collect(), d);
        let y = tensor(some(n * 2, 5), 2);
        let mut weights: Vec<f64> = some(n, 11).iter().map(|w| w.abs() + 0.1).collect();
        if n > 4 {
            weights[1] = 0.0;
        }
        let alphas = [1e-4, 0.3, 50.0];
        for fit_intercept in [true, false] {
            for weighted in [false, true] {
                let weight = |row: usize| if weighted { weights[row] } else { 1.0 };
                let mut expected = Vec::new();
                for row in 0..n {
                    let others: Vec<i64> = (0..n as i64).filter(|&other| other != row as i64).collect();
                    let others = Tensor::from(others);
                    let mut of_row = vec![0.0; 2 * alphas.len()];
                    for (a, &alpha) in alphas.iter().enumerate() {
                        let ridge = Ridge::new(alpha).fit_intercept(fit_intercept);
                        let part = (x.index_select(0, &others).unwrap(), y.index_select(0, &others).unwrap());
                        let rest: Vec<f64> = (0..n).filter(|&other| other != row).map(weight).collect();
                        let model = ridge.fit_weighted(&part.0, &part.1, &rest.into()).unwrap();
                        let at = x.index_select(0, &Tensor::from(vec![row as i64])).unwrap();
                        let predicted = model.predict(&at).unwrap();
                        for o in 0..2 {
                            let error = y.at([row, o]).unwrap() - predicted.at([0, o]).unwrap();
                            of_row[o * alphas.len() + a] = weight(row) * error * error;
                        }
                    }
                    expected.extend(of_row);
                }
                let given = weighted.then(|| Tensor::from(weights.clone()));
                let search = RidgeCv::new(&alphas).fit_intercept(fit_intercept).store(true);
                let what = format!("{n} x {d}, intercept {fit_intercept}, weights {weighted}");
                for singular in [false, true] {
                    let search = search.clone().by_singular_values(singular);
                    let found = search.search(&x, &y, given.as_ref()).unwrap();
                    near(&what, &found.results().unwrap().to_vec(), &expected, 1e-6);
                    // Every output its own; and the model is a plain fit with what was found.
                    let own = search.alpha_per_target(true).search(&x, &y, given.as_ref()).unwrap();
                    let ridge = Ridge::default().alphas(own.alphas()).fit_intercept(fit_intercept);
                    let ones = Tensor::from(vec![1.0; n]);
                    let plain = ridge.fit_weighted(&x, &y, given.as_ref().unwrap_or(&ones)).unwrap();
                    near(&what, &own.model().coef().to_vec(), &plain.coef().to_vec(), 1e-6);
                }
                let sparse = CsrMatrix::from_dense(&x).unwrap();
                let found = search.search(&sparse, &y, given.as_ref()).unwrap();
                near(&what, &found.results().unwrap().to_vec(), &expected, 1e-6);
            }
        }
    }
}

/// Predictions of what is left out are what scores are given, also of samples without weight.
#[test]
fn scores_of_ones_own_choose() {
    let (n, d) = (9, 2);
    let (x, y) = (tensor(some(n * d, 2), d), Tensor::from(some(n, 4)));
    let mut weights = vec![1.0; n];
    weights[3] = 0.0;
    let weights = Tensor::from(weights);
    let alphas = [0.1, 10.0];
    let mut seen = Vec::new();
    let search = RidgeCv::new(&alphas);
    let found = search
        .fit_scored(&x, &y, Some(&weights), &mut |predictions| {
            seen.push(predictions.to_vec());
            Ok(vec![seen.len() as f64])
        })
        .unwrap();
    assert_eq!((found.alphas(), found.best_scores()), (&[10.0][..], &[2.0][..]));
    for (alpha, seen) in alphas.iter().zip(&seen) {
        let all = Ridge::new(*alpha).fit_weighted(&x, &y, &weights).unwrap();
        let row = x.index_select(0, &Tensor::from([3i64])).unwrap();
        near("without weight", &seen[3..4], &all.predict(&row).unwrap().to_vec(), 1e-9);
    }
    let wrong = search.fit_scored(&x, &y, None, &mut |_| Ok(vec![]));
    assert!(wrong.unwrap_err().to_string().contains("0 scores; 1 expected"));
}

/// Products of columns, or columns, or products that are given: the same minimum, along a path as one by one.
#[test]
fn products_may_be_formed_or_given() {
    let (n, d) = (30, 4);
    let mut x = some(n * d, 3);
    for j in 0..d {
        let mean = x.iter().skip(j).step_by(d).sum::<f64>() / n as f64;
        x.iter_mut().skip(j).step_by(d).for_each(|x| *x -= mean);
    }
    let y = some(n, 8);
    let gram: Vec<f64> =
        (0..d * d).map(|i| (0..n).map(|row| x[row * d + i / d] * x[row * d + i % d]).sum()).collect();
    let (x, y) = (tensor(x, d), Tensor::from(y));
    let alphas = Alphas::Given(vec![0.001, 0.3, 0.05]);
    let net = ElasticNet::new(0.01).l1_ratio(0.7).tol(1e-12).max_iter(10_000);
    let path = net.path(&x, &y, None, &alphas).unwrap();
    assert_eq!(path.alphas, [0.3, 0.05, 0.001]);
    assert!(path.converged());
    let given = |gram: Vec<f64>| Precompute::Given { gram, xy: None };
    for precompute in [Precompute::Products, Precompute::Columns, given(gram.clone())] {
        let net = net.clone().precompute(precompute);
        let other = net.path(&x, &y, None, &alphas).unwrap();
        near("path", &other.coef.to_vec(), &path.coef.to_vec(), 1e-8);
        for (i, &alpha) in path.alphas.iter().enumerate() {
            let alone = net.clone().alpha(alpha).fit(&x, &y).unwrap();
            near("alone", &alone.coef().to_vec(), &path.coef.to_vec()[i * d..(i + 1) * d], 1e-7);
            near("alone", &alone.intercept().to_vec(), &path.intercept[i..=i], 1e-7);
        }
    }
    // The first penalty of a grid is the weakest that leaves nothing.
    let grid = Alphas::Grid { count: 3, eps: 0.01 };
    let path = net.path(&x, &y, None, &grid).unwrap();
    assert!(
        path.coef.to_vec()[..d].iter().all(|w| *w == 0.0)
            && path.coef.to_vec()[d..].iter().any(|w| *w != 0.0)
    );
    near("eps", &[path.alphas[2]], &[path.alphas[0] * 0.01], 1e-12);
    let mut bent = gram.clone();
    bent[2 * d + 3] += 1.0;
    let (of_others, sparse) = (tensor(some(n * d, 4), d), CsrMatrix::from_dense(&x).unwrap());
    let refused = |net: ElasticNet, x: &dyn Fn(&ElasticNet) -> barehand_tensor::Result<()>, why: &str| {
        let error = x(&net).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    let fit = |x: &Tensor<f64>| {
        let (x, y) = (x.clone(), y.clone());
        move |net: &ElasticNet| net.fit(&x, &y).map(|_| ())
    };
    refused(net.clone().precompute(given(bent)), &fit(&x), "did not pass validation: element (2, 3)");
    refused(net.clone().precompute(given(vec![1.0; 3])), &fit(&x), "3 and 4 products are given");
    refused(net.clone().precompute(given(gram.clone())), &fit(&of_others), "means are not 0");
    let of_sparse = |net: &ElasticNet| net.fit(&sparse, &y).map(|_| ());
    refused(net.clone().precompute(given(gram)), &of_sparse, "dense features expected");
    let lasso = Lasso::new(0.01).precompute(Precompute::Columns).tol(1e-10).fit(&x, &y).unwrap();
    assert!(lasso.converged());
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let (x, y) = (tensor(some(20, 1), 2), Tensor::from(some(10, 2)));
    let labels = Tensor::from((0..10).map(|i| i64::from(i % 3 == 0)).collect::<Vec<i64>>());
    let says = |result: barehand_tensor::Result<String>, why: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(why), "{error}: {why} expected");
    };
    let ridge = |alphas: &[f64]| RidgeCv::new(alphas).search(&x, &y, None).map(|found| format!("{found:?}"));
    says(ridge(&[]), "no alphas");
    says(ridge(&[1.0, 0.0]), "alpha is 0");
    says(ridge(&[f64::NAN]), "alpha is NaN");
    let one = tensor(vec![1.0, 2.0], 2);
    says(RidgeCv::default().search(&one, &Tensor::from([1.0]), None).map(|_| String::new()), "1 sample");
    let mut weights = vec![0.0; 10];
    weights[4] = 1.0;
    let alone = RidgeCv::default().search(&x, &y, Some(&weights.into()));
    says(alone.map(|_| String::new()), "1 sample");
    let net = |search: ElasticNetCv| search.search(&x, &y, None).map(|found| format!("{found:?}"));
    let plain = || ElasticNetCv::new(ElasticNet::default());
    says(net(plain().alphas(Alphas::Given(vec![]))), "no alphas");
    says(net(plain().alphas(Alphas::Given(vec![-1.0]))), "alpha is -1");
    says(net(plain().alphas(Alphas::Grid { count: 0, eps: 0.1 })), "0 alphas");
    says(net(plain().l1_ratios(&[0.0])), "without L1");
    says(net(plain().l1_ratios(&[])), "no l1_ratios");
    says(net(plain().l1_ratios(&[2.0])), "l1_ratio is 2");
    says(net(plain().splits(vec![])), "no splits");
    let split = |train: Vec<usize>, test: Vec<usize>| vec![Split { train, test }];
    says(net(plain().splits(split(vec![0, 1], vec![10]))), "sample 10 of 10");
    says(net(plain().splits(split(vec![], vec![1]))), "without samples");
    says(net(ElasticNetCv::default()), "no l1_ratios");
    let logistic =
        |search: LogisticRegressionCv| search.search(&x, &labels, None).map(|found| format!("{found:?}"));
    let plain = || LogisticRegressionCv::new(LogisticRegression::new());
    says(logistic(plain().cs(&[])), "no Cs");
    says(logistic(plain().cs(&[0.0])), "C is 0");
    says(logistic(plain().l1_ratios(&[0.5])), "takes no L1 penalty");
    says(logistic(plain().splits(split(vec![1], vec![]))), "without samples");
}

/// Classes that a fold does not have are classes all the same.
#[test]
fn folds_may_lack_classes() {
    let x = tensor((0..6).map(f64::from).collect(), 1);
    let y = Tensor::from([4i64, 4, 7, 7, 9, 9]);
    let folds: Vec<Split> = KFold::new(3).split(&Samples::new(6)).unwrap().collect();
    let search = LogisticRegressionCv::new(LogisticRegression::new()).cs(&[1e-6, 1.0]).splits(folds);
    let found = search.search(&x, &y, None).unwrap();
    assert_eq!(found.coefs_paths().shape(), [3, 1, 2, 3, 2]);
    assert_eq!(found.model().classes(), [4, 7, 9]);
    let mut seen = Vec::new();
    let mut score = |place: usize, model: barehand_learn::linear_model::FittedLogisticRegression<f64>| {
        seen.push((place, model.classes().len()));
        Ok(-(place as f64))
    };
    search.fit_scored(&x, &y, None, &mut score).unwrap();
    assert_eq!(seen, [(0, 3), (0, 3), (1, 3), (1, 3), (2, 3), (2, 3)]);
    let cold = search.clone().warm_start(false).search(&x, &y, None).unwrap();
    assert_eq!(cold.scores().shape(), found.scores().shape());
    assert!(x.samples("test").is_ok());
}

#[test]
fn paths_of_several_targets_meet_their_conditions() {
    let (n, d, outputs) = (24, 6, 3);
    let (x, y) = (tensor(some(n * d, 4), d), tensor(some(n * outputs, 11), outputs));
    let net = ElasticNet::new(1.0).l1_ratio(0.7).fit_intercept(false).tol(1e-14).max_iter(100_000);
    let path = net.path(&x, &y, None, &Alphas::Grid { count: 5, eps: 1e-2 }).unwrap();
    assert!(path.converged() && path.coef.shape() == [5, outputs, d]);
    let (x_rows, y_rows, coef) = (x.to_vec(), y.to_vec(), path.coef.to_vec());
    for (alpha, w) in path.alphas.iter().zip(coef.chunks_exact(outputs * d)) {
        let (l1, l2) = (alpha * 0.7 * n as f64, alpha * 0.3 * n as f64);
        let residual = |row: usize, o: usize| {
            let predicted: f64 = (0..d).map(|j| x_rows[row * d + j] * w[o * d + j]).sum();
            y_rows[row * outputs + o] - predicted
        };
        for j in 0..d {
            let slope = |o: usize| {
                (0..n).map(|row| x_rows[row * d + j] * residual(row, o)).sum::<f64>() - l2 * w[o * d + j]
            };
            let slopes: Vec<f64> = (0..outputs).map(slope).collect();
            let length = |of: &[f64]| of.iter().map(|x| x * x).sum::<f64>().sqrt();
            let row: Vec<f64> = (0..outputs).map(|o| w[o * d + j]).collect();
            if length(&row) == 0.0 {
                assert!(length(&slopes) <= l1 * (1.0 + 1e-9), "{alpha} {j}: {slopes:?}");
            } else {
                let expected: Vec<f64> = row.iter().map(|w| l1 * w / length(&row)).collect();
                near("slopes", &slopes, &expected, 1e-5);
            }
        }
    }
    // The strongest penalty leaves nothing, the next one something.
    assert!(coef[..outputs * d].iter().all(|w| *w == 0.0) && coef[outputs * d..].iter().any(|w| *w != 0.0));
    // A single column is one target.
    let one = Tensor::from(some(n, 5));
    let column = tensor(one.to_vec(), 1);
    let alphas = Alphas::Given(vec![0.3, 0.1, 0.01]);
    let weights = Tensor::from((0..n).map(|i| 0.5 + (i % 3) as f64).collect::<Vec<f64>>());
    let found = net.path(&x, &column, Some(&weights), &alphas).unwrap();
    let expected = net.path(&x, &one, Some(&weights), &alphas).unwrap();
    near("one column", &found.coef.to_vec(), &expected.coef.to_vec(), 1e-6);
    for net in [net.clone().fit_intercept(true), net.clone().positive(true)] {
        assert!(net.path(&x, &y, None, &alphas).is_err());
    }
    let sparse = net.path(&CsrMatrix::from_dense(&x).unwrap(), &y, Some(&weights), &alphas).unwrap();
    let dense = net.path(&x, &y, Some(&weights), &alphas).unwrap();
    near("sparse", &sparse.coef.to_vec(), &dense.coef.to_vec(), 1e-9);
}
