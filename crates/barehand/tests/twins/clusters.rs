//! k-means, DBSCAN, Gaussian mixtures and principal components.

use barehand_learn::cluster::{Dbscan, KMeans, KMeansAlgorithm, KMeansInit};
use barehand_learn::decomposition::{Pca, SvdSolver};
use barehand_learn::mixture::{CovarianceType, GaussianMixture};
use barehand_learn::neighbors::Algorithm;
use barehand_learn::{Fit, FitWeighted, Predict, PredictProba, Transform};
use barehand_tensor::{Float, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Array, Trace};

use crate::pair::{Pair, exact, hold};

/// Samples around a few places.
fn blobs<T: Float>(pair: &mut Pair<T>, n: usize, d: usize, places: usize) -> Array {
    let (centers, noise) = (pair.array(&[places, d]), pair.array(&[n, d]));
    let offset = pair.pick(&[0.0, 20.0]);
    Array::from_fn(&[n, d], |p| exact(6.0 * centers[[p[0] % places, p[1]]] + noise[[p[0], p[1]]] + offset))
}

fn double(values: &Array) -> Tensor<f64> {
    Tensor::from_vec(values.data().to_vec(), values.shape()).unwrap()
}

fn k_means<T: Float>(pair: &mut Pair<T>) {
    let (k, d) = (pair.between(1..=6), pair.between(1..=9));
    let n = if pair.rarely(4) { pair.between(2000..=5000) } else { pair.between(k..=80) };
    let places = pair.between(1..=5);
    let x = blobs(pair, n, d, places);
    let centers = Array::from_fn(&[k, d], |p| x[[p[0] * n / k, p[1]]]);
    let weights: Vec<f64> = (0..n).map(|i| if pair.rarely(3) { 0.0 } else { (1 + i % 3) as f64 }).collect();
    let weights = if weights.iter().all(|&w| w == 0.0) { vec![1.0; n] } else { weights };
    let twin = textbook::KMeans { max_iter: pair.between(1..=20), tolerance: 0.0 };
    let expected = twin.fit(&x, &weights, &centers, &mut Trace::silent()).unwrap();
    let algorithm = pair.pick(&[KMeansAlgorithm::Lloyd, KMeansAlgorithm::Elkan]);
    let engine = KMeans::new(k)
        .init(KMeansInit::Centers(vec![double(&centers)]))
        .max_iter(twin.max_iter)
        .tol(0.0)
        .algorithm(algorithm);
    let x = pair.tensor(&x);
    let found = engine.fit_weighted(&x, &(), &weights.into()).unwrap();
    let labels: Vec<usize> = found.labels().to_vec().into_iter().map(|label| label as usize).collect();
    if labels != expected.labels {
        // A sample as near to one center as to another goes either way by rounding, in f32 above all: what it costs is the same.
        let (found, expected) = (found.inertia(), expected.inertia);
        // Where every sample is a center there is nothing but rounding.
        let rounding = T::EPSILON.to_f64() * x.to_vec().iter().map(|x| x.to_f64().powi(2)).sum::<f64>();
        assert!((found - expected).abs() <= 0.02 * expected + rounding, "{found} {expected}");
        return;
    }
    pair.same("centers", found.centers(), &expected.centers);
    pair.terms = expected.inertia;
    let inertia = Tensor::scalar(T::from_real(found.inertia()));
    pair.same("inertia", &inertia, &Array::scalar(expected.inertia));
}

fn dbscan<T: Float>(pair: &mut Pair<T>) {
    let (n, d) = (pair.between(1..=120), pair.between(1..=4));
    // Whole numbers: many distances are exactly eps.
    let x = pair.array(&[n, d]).map(|x| (3.0 * x).round());
    let weights: Vec<f64> = (0..n).map(|_| pair.between(0..=2) as f64).collect();
    let (eps, min_samples) = (pair.pick(&[1.0, 2.0, 3.0]), pair.between(1..=6));
    let expected = textbook::dbscan(&x, &weights, eps, min_samples as f64, &mut Trace::silent()).unwrap();
    let search = pair.pick(&[Algorithm::Auto, Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree]);
    let engine = Dbscan::new().eps(eps).min_samples(min_samples).algorithm(search).leaf_size(3);
    let x = pair.tensor(&x);
    let found = engine.fit_weighted(&x, &(), &weights.into()).unwrap();
    assert_eq!(found.labels().to_vec(), expected);
}

fn gaussian_mixture<T: Float>(pair: &mut Pair<T>) {
    let (k, d) = (pair.between(1..=4), pair.between(1..=5));
    let n = pair.between(20 * k..=200);
    let x = blobs(pair, n, d, k);
    let (kind, covariance) = pair.pick(&[
        (CovarianceType::Full, textbook::Covariance::Full),
        (CovarianceType::Tied, textbook::Covariance::Tied),
        (CovarianceType::Diag, textbook::Covariance::Diag),
        (CovarianceType::Spherical, textbook::Covariance::Spherical),
    ]);
    // Both start from the same parameters: those of responsibilities that are the samples' places.
    let r = Array::from_fn(&[n, k], |p| if p[0] % k == p[1] { 1.0 } else { 0.0 });
    let silent = &mut Trace::silent();
    let mut twin = textbook::GaussianMixture::of(&x, &r, covariance, 1e-3, silent).unwrap();
    let precision = |twin: &textbook::GaussianMixture| -> Tensor<f64> {
        // The engine takes inverses: of diagonal ones here, whatever the kind.
        let variance = |j: usize, t: usize| twin.covariances[[j, t, t]];
        let values: Vec<f64> = match kind {
            CovarianceType::Full => (0..k * d * d)
                .map(|i| if i / d % d == i % d { 1.0 / variance(i / (d * d), i % d) } else { 0.0 })
                .collect(),
            CovarianceType::Tied => {
                (0..d * d).map(|i| if i / d == i % d { 1.0 / variance(0, i % d) } else { 0.0 }).collect()
            }
            CovarianceType::Diag => (0..k * d).map(|i| 1.0 / variance(i / d, i % d)).collect(),
            CovarianceType::Spherical => (0..k).map(|j| 1.0 / variance(j, 0)).collect(),
        };
        Tensor::from_vec(values, kind.shape(k, d)).unwrap()
    };
    let precisions = precision(&twin);
    let steps = pair.between(1..=5);
    let engine = GaussianMixture::new(k)
        .covariance_type(kind)
        .reg_covar(1e-3)
        .tol(0.0)
        .max_iter(steps)
        .weights_init(Some(double(&twin.weights)))
        .means_init(Some(double(&twin.means)))
        .precisions_init(Some(precisions));
    twin.covariances =
        Array::from_fn(&[k, d, d], |p| if p[1] == p[2] { twin.covariances[[p[0], p[1], p[1]]] } else { 0.0 });
    let mut bound = 0.0;
    for _ in 0..steps {
        bound = twin.step(&x, silent).unwrap();
    }
    let tensor = pair.tensor(&x);
    let found = Fit::fit(&engine, &tensor, &()).unwrap();
    pair.same("weights", found.weights(), &twin.weights);
    pair.same("means", found.means(), &twin.means);
    assert!((found.lower_bound() - bound).abs() < 1e-8 * bound.abs().max(1.0), "{bound}");
    let (r, _) = twin.responsibilities(&x, silent).unwrap();
    let proba = found.predict_proba(&tensor).unwrap();
    // Parameters are rounded to the element type before they predict.
    let far = proba.to_vec().iter().zip(r.data()).map(|(a, b)| (a.as_f64() - b).abs()).fold(0.0, f64::max);
    assert!(far < if T::EPSILON.to_f64() > 1e-10 { 1e-2 } else { 1e-8 }, "{far}");
    assert_eq!(found.predict(&tensor).unwrap().shape(), [n]);
}

fn principal_components<T: Float>(pair: &mut Pair<T>) {
    let d = pair.between(1..=7);
    let n = if pair.rarely(4) { pair.between(2000..=4000) } else { pair.between(d + 2..=60) };
    // Directions of different variance: where two are alike, so are their directions.
    let noise = pair.array(&[n, d]);
    let mix = pair.array(&[d, d]);
    let x = Array::from_fn(&[n, d], |p| {
        let along: f64 = (0..d).map(|t| 0.2 * mix[[t, p[1]]] * noise[[p[0], t]]).sum();
        exact(along + noise[[p[0], p[1]]] * 3f64.powi(p[1] as i32) + 1.0)
    });
    let twin = textbook::pca(&x, &mut Trace::silent()).unwrap();
    let tensor = pair.tensor(&x);
    let solver = pair.pick(&[SvdSolver::Full, SvdSolver::CovarianceEigh]);
    let whiten = pair.flag();
    let found = Pca::new().svd_solver(solver).whiten(whiten).fit(&tensor).unwrap();
    pair.same("mean", found.mean(), &twin.mean);
    pair.same("explained variance", found.explained_variance(), &twin.explained_variance);
    pair.same("ratio", found.explained_variance_ratio(), &twin.explained_variance_ratio);
    pair.same("singular values", found.singular_values(), &twin.singular_values);
    let gaps = twin.explained_variance.data().windows(2).all(|pair| pair[0] > 1.5 * pair[1]);
    if gaps && !whiten {
        pair.terms = 3f64.powi(d as i32);
        let z = found.transform(&tensor).unwrap();
        // Up to signs, where two elements of a direction are equally large.
        let expected = twin.transform(&x, d, false);
        let signs: Vec<f64> = (0..d)
            .map(|j| {
                let largest =
                    (0..n).max_by(|&a, &b| expected[[a, j]].abs().total_cmp(&expected[[b, j]].abs()));
                let i = largest.unwrap();
                (expected[[i, j]] * z.at([i, j]).unwrap().as_f64()).signum()
            })
            .collect();
        let expected = Array::from_fn(&[n, d], |p| expected[[p[0], p[1]]] * signs[p[1]]);
        pair.same("z", &z, &expected);
    }
}

#[test]
fn clusters() {
    hold("k_means", 24, [64.0, 16.0], k_means, k_means);
    hold("dbscan", 24, [0.0, 0.0], dbscan, dbscan);
}

#[test]
fn mixtures() {
    // The textbook adds up in order; what EM repeats grows.
    hold("gaussian_mixture", 16, [1e5, 64.0], gaussian_mixture, gaussian_mixture);
}

#[test]
fn components() {
    // Gram matrices of f32 are multiplied in f32.
    hold("pca", 20, [512.0, 512.0], principal_components, principal_components);
}
