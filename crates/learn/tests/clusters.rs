//! Clusters, mixtures and components against scikit-learn's answers, exhaustive search, LAPACK's factors and malformed input.

use std::fmt::Debug;

use barehand_learn::cluster::{
    Dbscan, KMeans, KMeansAlgorithm, KMeansInit, MiniBatchKMeans, k_means_plus_plus,
};
use barehand_learn::decomposition::{
    Pca, PcaComponents, PowerIterationNormalizer, SvdSolver, TruncatedSvd, TruncatedSvdAlgorithm,
};
use barehand_learn::mixture::{CovarianceType, GaussianMixture, MixtureInit};
use barehand_learn::models::any_model;
use barehand_learn::neighbors::{Algorithm, Metric};
use barehand_learn::{
    AnyModel, Estimator, Features, Fit, FitWeighted, InverseTransform, Persist, Predict, PredictProba,
    Record, Target, Transform,
};
use barehand_tensor::{CsrMatrix, Tensor, threads};
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/clusters.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

fn matrix(value: &Value) -> Tensor<f64> {
    let rows = value.as_array().unwrap().len();
    let values = numbers(value);
    let columns = values.len() / rows;
    Tensor::from_vec(values, [rows, columns]).unwrap()
}

fn whole(value: &Value) -> Vec<i64> {
    numbers(value).into_iter().map(|x| x as i64).collect()
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

#[track_caller]
fn close(what: impl Debug, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what:?} [{i}]: {a}, expected {b}");
    }
}

fn weights(golden: &Value, case: &Value) -> Option<Tensor<f64>> {
    case["weighted"].as_bool().unwrap().then(|| numbers(&golden["weights"]).into())
}

fn integers(labels: &Tensor<i32>) -> Vec<i64> {
    labels.to_vec().into_iter().map(i64::from).collect()
}

#[test]
fn seeds_are_scikit_learns() {
    let golden = golden();
    let x = Features::from(matrix(&golden["iris"]));
    for case in golden["k_means_plus_plus"].as_array().unwrap() {
        let weights = weights(&golden, case);
        let seed = count(&case["seed"]) as u32;
        let (centers, picked) =
            k_means_plus_plus(&x, count(&case["k"]), weights.as_ref(), None, seed).unwrap();
        let picked: Vec<i64> = picked.into_iter().map(|i| i as i64).collect();
        assert_eq!(picked, whole(&case["picked"]), "{}", case["seed"]);
        assert_eq!(centers.shape(), [picked.len(), 4]);
    }
}

#[test]
fn k_means_is_scikit_learns() {
    let golden = golden();
    let x = matrix(&golden["iris"]);
    for case in golden["k_means"].as_array().unwrap() {
        let what = format!("{} {} {}", case["init"], case["algorithm"], case["seed"]);
        let estimator = KMeans::new(4)
            .init(if case["init"] == "random" { KMeansInit::Random } else { KMeansInit::PlusPlus })
            .algorithm(if case["algorithm"] == "elkan" {
                KMeansAlgorithm::Elkan
            } else {
                KMeansAlgorithm::Lloyd
            })
            .n_init(3)
            .seed(count(&case["seed"]) as u32);
        let model = match weights(&golden, case) {
            None => estimator.fit(&x).unwrap(),
            Some(weights) => estimator.fit_weighted(&x, &(), &weights).unwrap(),
        };
        close(&what, &model.centers().to_vec(), &numbers(&case["cluster_centers"]), 1e-9);
        assert_eq!(integers(model.labels()), whole(&case["labels"]), "{what}");
        close(&what, &[model.inertia()], &numbers(&case["inertia"]), 1e-9);
        assert_eq!(model.n_iter(), count(&case["n_iter"]), "{what}");
        assert_eq!(model.predict(&x).unwrap().to_vec(), whole(&case["labels"]), "{what}");
        // Sparse rows and f32 find the same clusters.
        let sparse = CsrMatrix::from_dense(&x).unwrap();
        assert_eq!(model.predict(&sparse).unwrap().to_vec(), whole(&case["labels"]), "{what}");
    }
}

#[test]
fn mini_batches_are_scikit_learns() {
    let golden = golden();
    let x = matrix(&golden["iris"]);
    for case in golden["mini_batch_k_means"].as_array().unwrap() {
        let estimator = MiniBatchKMeans::new(3)
            .init(if case["init"] == "random" { KMeansInit::Random } else { KMeansInit::PlusPlus })
            .batch_size(40)
            .seed(count(&case["seed"]) as u32);
        let model = match weights(&golden, case) {
            None => estimator.fit(&x).unwrap(),
            Some(weights) => estimator.fit_weighted(&x, &(), &weights).unwrap(),
        };
        close("centers", &model.centers().to_vec(), &numbers(&case["cluster_centers"]), 1e-9);
        assert_eq!(integers(model.labels().unwrap()), whole(&case["labels"]));
        close("inertia", &[model.inertia()], &numbers(&case["inertia"]), 1e-9);
        assert_eq!([model.n_iter(), model.n_steps()], [count(&case["n_iter"]), count(&case["n_steps"])]);
    }
    let estimator = MiniBatchKMeans::new(3).seed(2);
    let mut model = None;
    for start in (0..150).step_by(30) {
        let batch = Features::from(x.narrow(0, start, 30).unwrap());
        let next = estimator.partial_fit(model.as_ref(), &batch, None).unwrap();
        // What is saved goes on as what was kept.
        model = Some(Persist::from_bytes(&next.to_bytes().unwrap()).unwrap());
        assert_eq!(model.as_ref(), Some(&next));
    }
    let (model, case) = (model.unwrap(), &golden["partial_fit"]);
    close("partial fit", &model.centers().to_vec(), &numbers(&case["cluster_centers"]), 1e-9);
    assert_eq!(model.n_steps(), count(&case["n_steps"]));
}

#[test]
fn dbscan_is_scikit_learns() {
    let golden = golden();
    let x = matrix(&golden["iris"]);
    for case in golden["dbscan"].as_array().unwrap() {
        for search in [Algorithm::Auto, Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree] {
            let metric = match case["metric"].as_str().unwrap() {
                "manhattan" => Metric::Manhattan,
                "chebyshev" => Metric::Chebyshev,
                _ => Metric::Minkowski(2.0),
            };
            let estimator = Dbscan::new()
                .eps(case["eps"].as_f64().unwrap())
                .min_samples(count(&case["min_samples"]))
                .metric(metric)
                .algorithm(search)
                .leaf_size(7);
            let model = match weights(&golden, case) {
                None => estimator.fit(&x).unwrap(),
                Some(weights) => estimator.fit_weighted(&x, &(), &weights).unwrap(),
            };
            assert_eq!(model.labels().to_vec(), whole(&case["labels"]), "{search:?}");
            let core: Vec<i64> = model.core_samples().iter().map(|&i| i as i64).collect();
            assert_eq!(core, whole(&case["core_sample_indices"]));
        }
    }
}

#[test]
fn gaussian_mixtures_are_scikit_learns() {
    let golden = golden();
    let x = matrix(&golden["iris"]);
    let few =
        Tensor::from_vec((0..5).flat_map(|i| x.to_vec()[i * 120..][..4].to_vec()).collect(), [5, 4]).unwrap();
    for case in golden["gaussian_mixture"].as_array().unwrap() {
        let what = format!("{} {}", case["kind"], case["init"]);
        let kinds =
            [CovarianceType::Full, CovarianceType::Tied, CovarianceType::Diag, CovarianceType::Spherical];
        let kind = kinds.into_iter().find(|kind| kind.name() == case["kind"]).unwrap();
        let init = match case["init"].as_str().unwrap() {
            "kmeans" => MixtureInit::KMeans,
            "k-means++" => MixtureInit::KMeansPlusPlus,
            "random" => MixtureInit::Random,
            _ => MixtureInit::RandomFromData,
        };
        let estimator = GaussianMixture::new(3).covariance_type(kind).init_params(init).seed(4).max_iter(200);
        let model = estimator.fit(&x).unwrap();
        // Where each component begins on one sample, responsibilities do not sum to 1: scikit-learn's tied covariance then
        // depends on where the origin lies, this one does not.
        if kind == CovarianceType::Tied
            && matches!(init, MixtureInit::KMeansPlusPlus | MixtureInit::RandomFromData)
        {
            assert!(model.converged() && model.score(&x).unwrap() > -2.6, "{what}");
            continue;
        }
        // scikit-learn takes means of squares apart, here samples are centered first: EM repeats the difference.
        close(&what, &model.means().to_vec(), &numbers(&case["means"]), 1e-6);
        close(&what, &model.weights().to_vec(), &numbers(&case["weights"]), 1e-6);
        close(&what, &model.covariances().to_vec(), &numbers(&case["covariances"]), 1e-6);
        close(&what, &[model.lower_bound()], &numbers(&case["lower_bound"]), 1e-9);
        assert_eq!(model.n_iter(), count(&case["n_iter"]), "{what}");
        assert_eq!(model.converged(), case["converged"].as_bool().unwrap(), "{what}");
        for (name, found) in [("score", model.score(&x)), ("aic", model.aic(&x)), ("bic", model.bic(&x))] {
            close(&what, &[found.unwrap()], &numbers(&case[name]), 1e-7);
        }
        close(&what, &model.predict_proba(&few).unwrap().to_vec(), &numbers(&case["proba"]), 1e-5);
        let again = estimator.fit_from(&model, &x).unwrap();
        assert!(again.lower_bound() >= model.lower_bound() - 1e-9, "{what}");
    }
}

#[test]
fn samples_of_a_mixture_have_its_moments() {
    let golden = golden();
    let model = GaussianMixture::new(2).seed(0).fit(&matrix(&golden["iris"])).unwrap();
    let (x, y) = model.sample(20_000, 3).unwrap();
    let labels = y.to_vec();
    assert!(labels.is_sorted());
    for j in 0..2 {
        let rows: Vec<&[f64]> = x
            .as_slice()
            .unwrap()
            .chunks_exact(4)
            .zip(&labels)
            .filter(|(_, label)| **label == j)
            .map(|(row, _)| row)
            .collect();
        let n = rows.len() as f64;
        assert!((n / 20_000.0 - model.weights().at([j as usize]).unwrap()).abs() < 0.02);
        let means: Vec<f64> = (0..4).map(|t| rows.iter().map(|row| row[t]).sum::<f64>() / n).collect();
        for a in 0..4 {
            assert!((means[a] - model.means().at([j as usize, a]).unwrap()).abs() < 0.03);
            for b in 0..4 {
                let covariance =
                    rows.iter().map(|row| (row[a] - means[a]) * (row[b] - means[b])).sum::<f64>() / n;
                let expected = model.covariances().at([j as usize, a, b]).unwrap();
                assert!((covariance - expected).abs() < 0.03, "{covariance} {expected}");
            }
        }
    }
}

fn normalizer(name: &str) -> PowerIterationNormalizer {
    if name == "QR" { PowerIterationNormalizer::Qr } else { PowerIterationNormalizer::Auto }
}

#[test]
fn pca_is_scikit_learns() {
    let golden = golden();
    for case in golden["pca"].as_array().unwrap() {
        let what = format!("{} {} {}", case["data"], case["n_components"], case["solver"]);
        let x = matrix(&golden[case["data"].as_str().unwrap()]);
        let components = match &case["n_components"] {
            Value::Null => PcaComponents::All,
            Value::String(_) => PcaComponents::Mle,
            number => number.as_u64().map_or_else(
                || PcaComponents::Variance(number.as_f64().unwrap()),
                |k| PcaComponents::Count(k as usize),
            ),
        };
        let solver = match case["solver"].as_str().unwrap() {
            "full" => SvdSolver::Full,
            "covariance_eigh" => SvdSolver::CovarianceEigh,
            "arpack" => SvdSolver::Lanczos,
            _ => SvdSolver::Randomized,
        };
        let estimator =
            Pca::new().n_components(components).svd_solver(solver).whiten(case["whiten"].as_bool().unwrap());
        let model = estimator.fit(&x).unwrap();
        // The randomized solver is as near as its iterations bring it, by the same draws.
        let tolerance = if solver == SvdSolver::Randomized { 1e-6 } else { 1e-9 };
        close(&what, &model.components().to_vec(), &numbers(&case["components"]), tolerance);
        close(&what, &model.mean().to_vec(), &numbers(&case["mean"]), 1e-12);
        close(&what, &model.explained_variance().to_vec(), &numbers(&case["explained_variance"]), tolerance);
        let ratio = model.explained_variance_ratio().to_vec();
        close(&what, &ratio, &numbers(&case["explained_variance_ratio"]), tolerance);
        close(&what, &model.singular_values().to_vec(), &numbers(&case["singular_values"]), tolerance);
        close(&what, &[model.noise_variance()], &numbers(&case["noise_variance"]), tolerance);
        let z = model.transform(&x.narrow(0, 0, 3).unwrap()).unwrap();
        close(&what, &z.to_vec(), &numbers(&case["transformed"]), tolerance);
        let scores = model.score_samples(&x).unwrap().to_vec();
        let score = scores.iter().sum::<f64>() / scores.len() as f64;
        // scikit-learn's covariance of whitened components, and with it the score, is not that of the samples.
        if !case["whiten"].as_bool().unwrap() {
            close(&what, &[score], &numbers(&case["score"]), 1e-6);
        }
        // The precision is the inverse of the covariance.
        let d = x.shape()[1];
        let one = model.covariance().matmul(&model.precision().unwrap()).unwrap();
        assert!(one.max_abs_diff(&Tensor::eye(d)).unwrap() < 1e-8, "{what}");
    }
}

#[test]
fn the_covariance_of_whitened_components_is_that_of_the_samples() {
    let x = matrix(&golden()["iris"]);
    let covariance = |whiten: bool| Pca::new().whiten(whiten).fit(&x).unwrap().covariance();
    let (plain, whitened) = (covariance(false), covariance(true));
    assert!(plain.max_abs_diff(&whitened).unwrap() < 1e-12);
    assert!((plain.at([0, 0]).unwrap() - 0.685_693_512_304_251_2).abs() < 1e-12); // numpy.cov(iris.T)[0, 0]
}

#[test]
fn truncated_svd_is_scikit_learns() {
    let golden = golden();
    let dense = matrix(&golden["counts"]);
    let sparse = CsrMatrix::from_dense(&dense).unwrap();
    for case in golden["truncated_svd"].as_array().unwrap() {
        let lanczos = case["algorithm"] == "arpack";
        let estimator = TruncatedSvd::new(4)
            .algorithm(if lanczos {
                TruncatedSvdAlgorithm::Lanczos
            } else {
                TruncatedSvdAlgorithm::Randomized
            })
            .n_iter(count(&case["n_iter"]))
            .power_iteration_normalizer(normalizer(case["normalizer"].as_str().unwrap()))
            .seed(3);
        let models = [estimator.fit(&dense).unwrap(), Fit::fit(&estimator, &sparse, &()).unwrap()];
        for model in models {
            let what = &case["algorithm"];
            close(what, &model.components().to_vec(), &numbers(&case["components"]), 1e-7);
            close(what, &model.explained_variance().to_vec(), &numbers(&case["explained_variance"]), 1e-8);
            let ratio = model.explained_variance_ratio().to_vec();
            close(what, &ratio, &numbers(&case["explained_variance_ratio"]), 1e-8);
            close(what, &model.singular_values().to_vec(), &numbers(&case["singular_values"]), 1e-9);
            let z = model.transform(&sparse).unwrap();
            assert!(z.max_abs_diff(&model.transform(&dense).unwrap()).unwrap() < 1e-12);
        }
    }
    // Sparse PCA centers without storing the zeros.
    for solver in [SvdSolver::Auto, SvdSolver::CovarianceEigh] {
        let estimator = Pca::new().n_components(PcaComponents::Count(3)).svd_solver(solver);
        let of_sparse = Fit::fit(&estimator, &sparse, &()).unwrap();
        let of_dense = estimator.svd_solver(SvdSolver::Full).fit(&dense).unwrap();
        assert!(of_sparse.components().max_abs_diff(of_dense.components()).unwrap() < 1e-8);
        let (a, b) = (of_sparse.transform(&sparse).unwrap(), of_dense.transform(&dense).unwrap());
        assert!(a.max_abs_diff(&b).unwrap() < 1e-7);
        let (a, b) = (of_sparse.noise_variance(), of_dense.noise_variance());
        assert!((a - b).abs() < 1e-9 || solver == SvdSolver::CovarianceEigh, "{a} {b}");
    }
}

/// The least inertia of `n` samples in at most `k` clusters, and the centers of it: every labelling is tried.
fn exhaustive(x: &[f64], n: usize, d: usize, weights: &[f64], k: usize) -> (f64, Vec<f64>) {
    let mut least = (f64::INFINITY, Vec::new());
    for code in 0..k.pow(n as u32) {
        let label = |i: usize| code / k.pow(i as u32) % k;
        let (mut inertia, mut centers) = (0.0, Vec::new());
        for j in 0..k {
            let members: Vec<usize> = (0..n).filter(|&i| label(i) == j).collect();
            let total: f64 = members.iter().map(|&i| weights[i]).sum();
            for t in 0..d {
                let sum: f64 = members.iter().map(|&i| weights[i] * x[i * d + t]).sum();
                let mean = if members.is_empty() { x[t] } else { sum / total };
                inertia += members.iter().map(|&i| weights[i] * (x[i * d + t] - mean).powi(2)).sum::<f64>();
                centers.push(mean);
            }
        }
        if inertia < least.0 {
            least = (inertia, centers);
        }
    }
    least
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// From samples as starts k-means never finds less than the best labelling there is; from the best centers it finds that.
    #[test]
    fn k_means_is_exhaustive_search(
        n in 2usize..=7, d in 1usize..=2, k in 1usize..=3,
        values in prop::collection::vec(-8i32..=8, 14), weights in prop::collection::vec(1u8..=3, 7),
    ) {
        let k = k.min(n);
        let x: Vec<f64> = values[..n * d].iter().map(|&v| f64::from(v) / 2.0).collect();
        let weights: Vec<f64> = weights[..n].iter().map(|&w| f64::from(w)).collect();
        let (least, best) = exhaustive(&x, n, d, &weights, k);
        let tensor = Tensor::from_vec(x.clone(), [n, d]).unwrap();
        let samples = Tensor::from_vec(x[..k * d].to_vec(), [k, d]).unwrap();
        let best = Tensor::from_vec(best, [k, d]).unwrap();
        for algorithm in [KMeansAlgorithm::Lloyd, KMeansAlgorithm::Elkan] {
            let fit = |start: &Tensor<f64>| {
                let init = KMeansInit::Centers(vec![start.clone()]);
                let estimator = KMeans::new(k).init(init).tol(0.0).algorithm(algorithm);
                estimator.fit_weighted(&tensor, &(), &weights.clone().into()).unwrap()
            };
            prop_assert!((fit(&best).inertia() - least).abs() < 1e-9);
            let model = fit(&samples);
            prop_assert!(model.inertia() >= least - 1e-9);
            // The inertia is that of the labels, and no sample is nearer to another center.
            let labels = integers(model.labels());
            let centers = model.centers().to_vec();
            let mut inertia = 0.0;
            for i in 0..n {
                let distance = |j: usize| -> f64 {
                    (0..d).map(|t| (x[i * d + t] - centers[j * d + t]).powi(2)).sum()
                };
                let own = distance(labels[i] as usize);
                inertia += weights[i] * own;
                prop_assert!((0..k).all(|j| own <= distance(j) + 1e-9));
            }
            prop_assert!((inertia - model.inertia()).abs() < 1e-9);
        }
    }

    /// Whatever is given: an error that says something, or finite numbers.
    #[test]
    fn malformed_input_is_refused_or_survived(
        shape in prop::sample::select(vec![vec![0, 3], vec![3, 0], vec![1, 1], vec![5, 1], vec![1, 4], vec![6, 2], vec![4], vec![2, 2, 2]]),
        kind in 0u8..6, k in 0usize..5, seed in 0u32..4,
    ) {
        let len: usize = shape.iter().product();
        let value = |i: usize| match kind {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => 7.0,
            3 => 1e200,
            4 => (i % 2) as f64,
            _ => (i * i % 7) as f64 - 3.0,
        };
        let x = Tensor::from_vec((0..len).map(value).collect(), &shape).unwrap();
        let estimators: Vec<Box<dyn Estimator<f64>>> = vec![
            Box::new(KMeans::new(k).seed(seed)),
            Box::new(KMeans::new(k).init(KMeansInit::Random).algorithm(KMeansAlgorithm::Elkan).seed(seed)),
            Box::new(MiniBatchKMeans::new(k).batch_size(2).seed(seed)),
            Box::new(Dbscan::new()),
            Box::new(GaussianMixture::new(k).seed(seed)),
            Box::new(GaussianMixture::new(k).covariance_type(CovarianceType::Diag).reg_covar(0.0)),
            Box::new(Pca::new().n_components(PcaComponents::Count(k))),
            Box::new(Pca::new().n_components(PcaComponents::Mle)),
            Box::new(Pca::new().n_components(PcaComponents::Count(k)).svd_solver(SvdSolver::Randomized)),
            Box::new(Pca::new().n_components(PcaComponents::Count(k)).svd_solver(SvdSolver::Lanczos)),
            Box::new(TruncatedSvd::new(k)),
            Box::new(TruncatedSvd::new(k).algorithm(TruncatedSvdAlgorithm::Lanczos)),
        ];
        for estimator in estimators {
            let fitted = estimator.fit_any(&x.clone().into(), &Target::None, None);
            match fitted {
                Ok(model) => {
                    let _ = model.predict_any(&x.clone().into());
                    let _ = model.transform_any(&x.clone().into());
                    prop_assert!(model.predict_any(&Tensor::<f64>::zeros([2, 9]).into()).is_err());
                    let read = any_model(&model.record()).unwrap();
                    let AnyModel::F64(read) = read else { panic!("another element type") };
                    prop_assert_eq!(read.record().fields().len(), model.record().fields().len());
                }
                Err(error) => prop_assert!(error.to_string().len() > 20, "{error}"),
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let values: Vec<f32> = (0..9000 * 7).map(|i| ((i * 7919 % 1009) as f32).sin() * 3.0).collect();
    let x = Tensor::from_vec(values, [9000, 7]).unwrap();
    let fits: [&(dyn Fn() -> Vec<u8> + Sync); 5] = [
        &|| KMeans::new(9).seed(1).fit(&x).unwrap().to_bytes().unwrap(),
        &|| MiniBatchKMeans::new(5).seed(1).fit(&x).unwrap().to_bytes().unwrap(),
        &|| GaussianMixture::new(3).max_iter(5).fit(&x).unwrap().to_bytes().unwrap(),
        &|| Pca::new().fit(&x).unwrap().to_bytes().unwrap(),
        &|| TruncatedSvd::new(3).fit(&x).unwrap().to_bytes().unwrap(),
    ];
    for fit in fits {
        let one = threads::with_num_threads(1, fit);
        assert!(threads::with_num_threads(3, fit) == one);
    }
}

#[test]
fn models_come_back_from_their_files() {
    let x = matrix(&golden()["iris"]);
    let model = KMeans::new(3).verbose(true).fit(&x).unwrap();
    assert!(model.log().iter().any(|line| line.contains("strict convergence") || line.contains("tolerance")));
    let again: barehand_learn::cluster::FittedKMeans<f64> =
        Persist::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(again, model);
    let mixture = GaussianMixture::new(2).fit(&x).unwrap();
    assert_eq!(Persist::from_bytes(&mixture.to_bytes().unwrap()).ok(), Some(mixture));
    let pca = Pca::new().whiten(true).fit(&x).unwrap();
    let z = pca.transform(&x).unwrap();
    assert!(pca.inverse_transform(&z).unwrap().max_abs_diff(&x).unwrap() < 1e-12);
    assert_eq!(Persist::from_bytes(&pca.to_bytes().unwrap()).ok(), Some(pca));
    let dbscan = Dbscan::new().fit(&x).unwrap();
    assert_eq!(Persist::from_bytes(&dbscan.to_bytes().unwrap()).ok(), Some(dbscan));
}

#[test]
fn files_that_lie_are_refused() {
    let x = matrix(&golden()["iris"]);
    let refused = |record: Record| assert!(any_model(&record).is_err(), "{record:?}");
    let record = KMeans::new(3).fit(&x).unwrap().to_record();
    refused(record.clone().with("labels", Tensor::from([0i32, 3])));
    refused(record.clone().with("labels", Tensor::from([-1i32])));
    refused(record.clone().with("centers", Tensor::from([1.0, 2.0f64])));
    refused(record.with("centers", Tensor::<f64>::zeros([0, 4])));
    let record = MiniBatchKMeans::new(3).fit(&x).unwrap().to_record();
    refused(record.clone().with("counts", Tensor::from([1.0, f64::NAN, 2.0])));
    refused(record.clone().with("random_position", 625usize));
    refused(record.with("random_key", Tensor::from([1i64])));
    let record = Dbscan::new().fit(&x).unwrap().to_record();
    refused(record.clone().with("core_samples", Tensor::from([150i64])));
    refused(record.with("labels", Tensor::from([0i64])));
    let record = GaussianMixture::new(2).fit(&x).unwrap().to_record();
    refused(record.clone().with("covariance_type", "round"));
    refused(record.clone().with("weights", Tensor::from([1.0, -1.0f64])));
    refused(record.with("precisions_cholesky", Tensor::<f64>::zeros([2, 4])));
    let record = Pca::new().fit(&x).unwrap().to_record();
    refused(record.clone().with("mean", Tensor::from([1.0f64])));
    refused(record.with("explained_variance", Tensor::from([1.0f64])));
}

#[test]
fn errors_say_what_is_wrong() {
    let x = matrix(&golden()["iris"]);
    let error = |estimator: &dyn Estimator<f64>| {
        let fitted = estimator.fit_any(&x.clone().into(), &Target::None, None);
        fitted.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(error(&KMeans::new(151)).contains("n_samples=150 should be >= n_clusters=151."));
    let centers = KMeansInit::Centers(vec![Tensor::zeros([2, 3])]);
    assert!(error(&KMeans::new(2).init(centers)).contains("shape [2, 4], found [2, 3]"));
    assert!(
        error(&Pca::new().n_components(PcaComponents::Count(5))).contains("min(n_samples, n_features)=4")
    );
    assert!(error(&Dbscan::new().eps(0.0)).contains("eps is 0"));
    let one = GaussianMixture::new(1).weights_init(Some(Tensor::from([0.5f64])));
    assert!(error(&one).contains("sum to 1, they sum to 0.5"));
    let same = Tensor::<f64>::ones([10, 2]);
    let collapsed = GaussianMixture::new(1).reg_covar(0.0).fit(&same).unwrap_err().to_string();
    assert!(collapsed.contains("ill-defined empirical covariance"), "{collapsed}");
}
