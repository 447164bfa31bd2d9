//! Nearest neighbours: every algorithm and metric of the engine.

use barehand_learn::neighbors::{
    Algorithm, Boolean, KNeighborsClassifier, KNeighborsRegressor, Kernel, Metric, NearestNeighbors, Weights,
};
use barehand_learn::{Predict, PredictProba};
use barehand_tensor::{CsrMatrix, Float, Tensor};
use barehand_textbook::k_nearest_neighbors::{
    distances_between, nearest, neighbor_mean, neighbor_shares, weights_of_neighbors,
};
use barehand_textbook::{Array, DensityKernel, PointDistance, Trace};

use crate::pair::{Pair, hold};

fn neighbors<T: Float>(pair: &mut Pair<T>) {
    let (n, d, m) = (pair.between(1..=70), pair.between(1..=20), pair.between(1..=6));
    let k = pair.between(1..=n.min(9));
    let (metric, p) = pair.pick(&[
        (Metric::Euclidean, 2.0),
        (Metric::Manhattan, 1.0),
        (Metric::Chebyshev, f64::INFINITY),
        (Metric::Minkowski(3.0), 3.0),
    ]);
    let algorithm = pair.pick(&[Algorithm::Auto, Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree]);
    // Whole numbers: many distances are equal, and equal to the bit.
    let (points, queries) = (pair.array(&[n, d]).map(f64::round), pair.array(&[m, d]).map(f64::round));
    let silent = &mut Trace::silent();
    let distances = distances_between(&queries, &points, p, silent).unwrap();
    let expected = nearest(&distances, k, silent).unwrap();
    let (x, asked) = (pair.tensor(&points), pair.tensor(&queries));
    let search =
        NearestNeighbors::new().metric(metric.clone()).algorithm(algorithm).leaf_size(4).fit(&x).unwrap();
    let found = search.kneighbors(&asked, k).unwrap();
    // A cube root is not exact: what is equal in the engine, which compares before it, may not be in the textbook.
    if p != 3.0 {
        assert_eq!(found.indices, expected.concat());
    }
    let near = Array::from_fn(&[m, k], |index| distances.get(&[index[0], expected[index[0]][index[1]]]));
    let engine: Vec<T> = found.distances.iter().map(|&distance| T::from_f64(distance)).collect();
    pair.same("distances", &Tensor::from_vec(engine, [m, k]).unwrap(), &near);
    if p == 3.0 {
        return;
    }
    let by_distance = pair.flag();
    let weights = if by_distance { Weights::Distance } else { Weights::Uniform };
    let weighted = weights_of_neighbors(&distances, &expected, by_distance, silent);
    let targets = pair.array(&[n]);
    let regressor = KNeighborsRegressor::new()
        .n_neighbors(k)
        .weights(weights)
        .metric(metric.clone())
        .algorithm(algorithm);
    let regressor = regressor.fit(&x, &pair.tensor(&targets)).unwrap();
    pair.terms = 4.0;
    let mean = neighbor_mean(targets.data(), &expected, &weighted, silent);
    pair.same("mean", &regressor.predict(&asked).unwrap(), &mean);
    let classes: Vec<usize> =
        (0..n).map(|i| if i < 3 { i.min(n - 1) } else { pair.between(0..=2) }).collect();
    let labels: Tensor<i64> = classes.iter().map(|&class| class as i64).collect::<Vec<_>>().into();
    let classifier =
        KNeighborsClassifier::new().n_neighbors(k).weights(weights).metric(metric).algorithm(algorithm);
    let classifier = classifier.fit(&x, &labels).unwrap();
    let shares = neighbor_shares(&classes, n.min(3), &expected, &weighted, silent);
    pair.same("shares", &classifier.predict_proba(&asked).unwrap(), &shares);
}

fn distances<T: Float>(pair: &mut Pair<T>) {
    let (n, d, m) = (pair.between(1..=40), pair.between(1..=12), pair.between(1..=5));
    let (v, w) = (pair.positive(&[d]), pair.positive(&[d]));
    let inverse = pair.array(&[d, d]);
    let square = |i: &[usize]| (0..d).map(|k| inverse[[i[0], k]] * inverse[[i[1], k]]).sum();
    let inverse = Array::from_fn(&[d, d], square);
    let numbers = |x: &Array| x.data().to_vec();
    let (metric, twin) = pair.pick(&[
        (
            Metric::WeightedMinkowski { p: 1.5, w: numbers(&w) },
            PointDistance::WeightedMinkowski(w.clone(), 1.5),
        ),
        (Metric::StandardizedEuclidean(numbers(&v)), PointDistance::StandardizedEuclidean(v.clone())),
        (Metric::Mahalanobis(numbers(&inverse)), PointDistance::Mahalanobis(inverse.clone())),
        (Metric::Cosine, PointDistance::Cosine),
        (Metric::Correlation, PointDistance::Correlation),
        (Metric::Hamming, PointDistance::Hamming),
        (Metric::Canberra, PointDistance::Canberra),
        (Metric::BrayCurtis, PointDistance::BrayCurtis),
        (Metric::Boolean(Boolean::Dice), PointDistance::Dice),
        (Metric::Boolean(Boolean::Jaccard), PointDistance::Jaccard),
        (Metric::Boolean(Boolean::RogersTanimoto), PointDistance::RogersTanimoto),
        (Metric::Boolean(Boolean::RussellRao), PointDistance::RussellRao),
        (Metric::Boolean(Boolean::SokalSneath), PointDistance::SokalSneath),
        (Metric::Boolean(Boolean::Yule), PointDistance::Yule),
        (Metric::Haversine, PointDistance::Haversine),
        (Metric::NanEuclidean, PointDistance::NanEuclidean),
    ]);
    let d = if metric == Metric::Haversine { 2 } else { d };
    // Zeros and equal numbers, and some that are missing.
    let missing = metric == Metric::NanEuclidean;
    let number = |x: f64| if missing && x > 1.0 { f64::NAN } else { x.round() };
    let (points, queries) = (pair.array(&[n, d]).map(number), pair.array(&[m, d]).map(number));
    let expected = twin.between(&queries, &points, &mut Trace::silent()).unwrap();
    let (x, asked) = (pair.tensor(&points), pair.tensor(&queries));
    // Roots and arc cosines of nearly nothing have half of the digits.
    pair.terms = if matches!(metric, Metric::Mahalanobis(_) | Metric::Haversine) { 1e6 } else { 1.0 };
    for algorithm in [Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree] {
        let search = NearestNeighbors::new().metric(metric.clone()).algorithm(algorithm).leaf_size(3);
        let Ok(search) = search.fit(&x) else { continue };
        let queries = [asked.clone().into(), CsrMatrix::from_dense(&asked).unwrap().into()];
        for queries in &queries[..if missing { 1 } else { 2 }] {
            let found = search.kneighbors_any(queries, n).unwrap();
            let mut distances = vec![T::ZERO; m * n];
            for (at, (distance, index)) in found.distances.iter().zip(&found.indices).enumerate() {
                distances[at / n * n + index] = T::from_f64(*distance);
            }
            pair.same("distances", &Tensor::from_vec(distances, [m, n]).unwrap(), &expected);
        }
    }
}

fn densities<T: Float>(pair: &mut Pair<T>) {
    let (n, d, m) = (pair.between(1..=60), pair.between(1..=4), pair.between(1..=4));
    let (points, queries) = (pair.array(&[n, d]), pair.array(&[m, d]));
    let (kernel, twin) = pair.pick(&[
        (Kernel::Gaussian, DensityKernel::Gaussian),
        (Kernel::Tophat, DensityKernel::Tophat),
        (Kernel::Epanechnikov, DensityKernel::Epanechnikov),
        (Kernel::Exponential, DensityKernel::Exponential),
        (Kernel::Linear, DensityKernel::Linear),
        (Kernel::Cosine, DensityKernel::Cosine),
    ]);
    let h = pair.pick(&[0.3, 1.0, 4.0]);
    let expected = twin.density(&queries, &points, h, &mut Trace::silent()).unwrap();
    let (x, asked) = (pair.tensor(&points), pair.tensor(&queries));
    let algorithm = pair.pick(&[Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree]);
    let search = NearestNeighbors::new().algorithm(algorithm).leaf_size(3).fit(&x).unwrap();
    let found = search.log_density(&asked.into(), kernel, h, 0.0, 0.0).unwrap();
    let found: Vec<T> = found.into_iter().map(|log| T::from_f64(log.exp())).collect();
    pair.same("densities", &found.into(), &expected);
}

#[test]
fn metrics() {
    hold("distances", 120, [64.0, 2.0], distances::<f64>, distances::<f32>);
}

#[test]
fn kernel_densities() {
    // The textbook's integral is a sum over shells: 1e-10 of it.
    hold("densities", 60, [1e6, 2.0], densities::<f64>, densities::<f32>);
}

#[test]
fn nearest_neighbors() {
    hold("nearest neighbours", 60, [32.0, 2.0], neighbors::<f64>, neighbors::<f32>);
}
