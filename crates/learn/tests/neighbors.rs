//! Neighbours found by any algorithm are those that comparing everything with everything finds.

use barehand_kernels::threads::with_num_threads;
use barehand_learn::neighbors::{
    Algorithm, FittedKNeighborsClassifier, FittedKNeighborsRegressor, FittedNearestNeighbors,
    KNeighborsClassifier, KNeighborsRegressor, Kernel, Metric, MetricParams, NearestNeighbors, Weights,
};
use barehand_learn::{Features, Fit, Persist, Predict, PredictProba};
use barehand_tensor::{CsrMatrix, Float, Tensor};
use proptest::prelude::*;
use serde_json::Value;

/// Points on a coarse grid, so that many distances are equal, scaled and moved.
fn points<T: Float>(n: usize, d: usize, seed: u64, scale: f64, shift: f64) -> Tensor<T> {
    let value = |i: usize| {
        let mixed = (i as u64 + seed * 7919).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (((mixed ^ mixed >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) % 7) as f64
    };
    let values: Vec<T> = (0..n * d).map(|i| T::from_f64(value(i) * scale + shift)).collect();
    Tensor::from_vec(values, [n, d]).unwrap()
}

fn distance<T: Float>(metric: &Metric, a: &[T], b: &[T]) -> f64 {
    let apart = a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
    match metric {
        Metric::Euclidean => apart.map(|x| x * x).sum::<f64>().sqrt(),
        Metric::Manhattan => apart.sum(),
        Metric::Chebyshev => apart.fold(0.0, f64::max),
        Metric::Minkowski(p) => apart.map(|x| x.powf(*p)).sum::<f64>().powf(1.0 / p),
        Metric::Cosine => {
            let dot = |a: &[T], b: &[T]| a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>();
            let lengths = (dot(a, a) * dot(b, b)).sqrt();
            if lengths > 0.0 { 1.0 - dot(a, b) / lengths } else { 1.0 }
        }
        Metric::Hamming => apart.map(|x| f64::from(u8::from(x > 0.0))).sum::<f64>() / a.len() as f64,
        metric => panic!("{metric:?}"),
    }
}

const METRICS: [Metric; 6] = [
    Metric::Euclidean,
    Metric::Manhattan,
    Metric::Chebyshev,
    Metric::Minkowski(3.0),
    Metric::Cosine,
    Metric::Hamming,
];
const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Auto, Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree];

fn everything_agrees<T: Float>(n: usize, d: usize, seed: u64, scale: f64, shift: f64, k: usize) {
    let (x, queries) =
        (points::<T>(n, d, seed, scale, shift), points::<T>(9, d, seed + 1, scale * 1.25, shift));
    let (rows, asked) = (x.to_vec(), queries.to_vec());
    for metric in METRICS {
        let mut brute: Option<Vec<usize>> = None;
        for algorithm in ALGORITHMS {
            let no_tree = metric == Metric::Cosine && algorithm == Algorithm::BallTree;
            let no_boxes =
                matches!(metric, Metric::Cosine | Metric::Hamming) && algorithm == Algorithm::KdTree;
            if no_tree || no_boxes {
                continue;
            }
            let search = NearestNeighbors::new().metric(metric.clone()).algorithm(algorithm).leaf_size(3);
            let search = search.fit(&x).unwrap();
            let found = with_num_threads(2, || search.kneighbors(&queries, k)).unwrap();
            for (query, found) in asked.chunks(d).zip(found.distances.chunks(k)) {
                let mut expected: Vec<f64> =
                    rows.chunks(d).map(|row| distance(&metric, query, row)).collect();
                expected.sort_by(f64::total_cmp);
                for (found, expected) in found.iter().zip(&expected) {
                    // Sums of d terms of f64, and a root of what may be nearly 0.
                    let off = (found - expected).abs();
                    assert!(
                        off < 1e-12 * (1.0 + expected) || off < 1e-7 && metric == Metric::Cosine,
                        "{metric:?} {algorithm:?}"
                    );
                }
            }
            // On this grid equal distances are equal to the bit: the lower index comes first, whoever searches.
            if metric != Metric::Cosine && shift == 0.0 && scale == 1.0 {
                let first = brute.get_or_insert_with(|| found.indices.clone());
                assert_eq!(first, &found.indices, "{metric:?} {algorithm:?}");
            }
            let radius = found.distances[k / 2];
            let near = search.radius_neighbors(&queries, radius).unwrap();
            assert!(near[0].len() > k / 2 && near[0].iter().all(|(distance, _)| *distance <= radius));
            assert!(near[0].is_sorted_by_key(|(_, point)| *point));
        }
    }
}

#[test]
fn many_points_in_several_blocks() {
    everything_agrees::<f64>(2500, 20, 1, 1.0, 0.0, 7);
    everything_agrees::<f32>(1500, 3, 2, 1.0, 0.0, 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_points(n in 1usize..60, d in 1usize..6, seed in 0u64..1000, k in 1usize..12) {
        let k = k.min(n);
        everything_agrees::<f64>(n, d, seed, 1.0, 0.0, k);
        everything_agrees::<f64>(n, d, seed, 1e-3, 1e3, k);
        everything_agrees::<f32>(n, d, seed, 1e4, -5.0, k);
    }
}

/// f32 sees no difference between these points: what is kept must be decided in f64.
#[test]
fn points_closer_than_f32_can_tell() {
    let mut values: Vec<f64> = (0..3000).map(|i| 1.0 + f64::from(i) * 1e-13).collect();
    values.extend([-1.0, 3.0]);
    let x = Tensor::from_vec(values, [3002, 1]).unwrap();
    let search = NearestNeighbors::new().algorithm(Algorithm::Brute).fit(&x).unwrap();
    let found = search.kneighbors(&Tensor::from([[1.0 + 1500.2e-13], [1e9]]), 3).unwrap();
    // From so far away all points near 1 are equally far.
    assert_eq!(found.indices, [1500, 1501, 1499, 3001, 0, 1]);
}

#[test]
fn models_vote_average_and_come_back_from_their_files() {
    let x = points::<f64>(80, 4, 3, 1.0, 0.0);
    let values: Vec<f64> = x.to_vec().chunks(4).map(|row| row.iter().sum()).collect();
    let y: Tensor<i64> = values.iter().map(|sum| (sum / 6.0) as i64 * 3 - 1).collect::<Vec<_>>().into();
    for weights in [Weights::Uniform, Weights::Distance] {
        let classifier = KNeighborsClassifier::new().n_neighbors(4).weights(weights).fit(&x, &y).unwrap();
        let regressor = KNeighborsRegressor::new().n_neighbors(4).weights(weights);
        let regressor = regressor.fit(&x, &Tensor::from_vec(values.clone(), [80, 1]).unwrap()).unwrap();
        if weights == Weights::Distance {
            assert_eq!(classifier.predict(&x).unwrap(), y);
            assert_eq!(regressor.predict(&x).unwrap().to_vec(), values);
        }
        let p = classifier.predict_proba(&x).unwrap();
        assert!(
            p.to_vec()
                .chunks(classifier.classes().len())
                .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12)
        );
        let read = FittedKNeighborsClassifier::<f64>::from_bytes(&classifier.to_bytes().unwrap()).unwrap();
        assert_eq!(read, classifier);
        let read = FittedKNeighborsRegressor::<f64>::from_bytes(&regressor.to_bytes().unwrap()).unwrap();
        assert_eq!(read, regressor);
    }
    let search = NearestNeighbors::new().metric(Metric::Minkowski(1.5)).fit(&x).unwrap();
    assert_eq!(FittedNearestNeighbors::<f64>::from_bytes(&search.to_bytes().unwrap()).unwrap(), search);
}

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/neighbors.json")).unwrap()
}

/// A matrix whose numbers may be missing.
fn matrix(rows: &Value) -> Tensor<f64> {
    let rows = rows.as_array().unwrap();
    let values = rows.iter().flat_map(|row| row.as_array().unwrap()).map(|x| x.as_f64().unwrap_or(f64::NAN));
    let values: Vec<f64> = values.collect();
    Tensor::from_vec(values.clone(), [rows.len(), values.len() / rows.len()]).unwrap()
}

/// The distance from each query to each point, in the order of the points.
fn all_distances(search: &FittedNearestNeighbors<f64>, queries: &Features<f64>) -> Vec<f64> {
    let n = search.points().shape()[0];
    let found = search.kneighbors_any(queries, n).unwrap();
    let mut distances = vec![f64::NAN; found.indices.len()];
    for (at, (distance, index)) in found.distances.iter().zip(&found.indices).enumerate() {
        distances[at / n * n + index] = *distance;
    }
    distances
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        let same = found.is_nan() && expected.is_nan() || found == expected;
        assert!(
            same || off <= tolerance * (1.0 + expected.abs()),
            "{what} {i}: {found}, {expected} expected"
        );
    }
}

/// Every metric by brute force, by the trees that allow it, and of sparse rows: SciPy's distances.
#[test]
fn metrics_are_scipys() {
    let golden = golden();
    let (points, queries) = (matrix(&golden["points"]), matrix(&golden["queries"]));
    let mut checked = 0;
    for metric in golden["metrics"].as_array().unwrap() {
        let name = metric["name"].as_str().unwrap();
        let numbers = metric["numbers"].as_array();
        let numbers = numbers.map(|list| list.iter().map(|x| x.as_f64().unwrap()).collect());
        let params = MetricParams { p: metric["p"].as_f64(), numbers };
        let (expected, metric) = (&metric["distances"], Metric::from_name("test", name, params).unwrap());
        let mut expected = matrix(expected).to_vec();
        // SciPy divides 0 by 0 where a point has no direction.
        expected.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 1.0);
        // Cosines of nearly 1 are subtracted from 1.
        let tolerance =
            4e-15 * if matches!(name, "cosine" | "correlation" | "mahalanobis") { 100.0 } else { 1.0 };
        for algorithm in ALGORITHMS {
            let search = NearestNeighbors::new().metric(metric.clone()).algorithm(algorithm).leaf_size(2);
            let Ok(search) = search.fit(&points) else { continue };
            checked += 1;
            let found = all_distances(&search, &queries.clone().into());
            close(&found, &expected, tolerance, &format!("{name} {algorithm:?}"));
            let read = FittedNearestNeighbors::<f64>::from_bytes(&search.to_bytes().unwrap()).unwrap();
            assert_eq!(read, search);
        }
        let (sparse, asked) =
            (CsrMatrix::from_dense(&points).unwrap(), CsrMatrix::from_dense(&queries).unwrap());
        let Ok(search) = Fit::fit(&NearestNeighbors::new().metric(metric.clone()), &sparse, &()) else {
            assert!(matches!(
                metric,
                Metric::WeightedMinkowski { .. }
                    | Metric::StandardizedEuclidean(_)
                    | Metric::Mahalanobis(_)
                    | Metric::Correlation
            ));
            continue;
        };
        for queries in [Features::Sparse(asked), queries.clone().into()] {
            close(&all_distances(&search, &queries), &expected, tolerance, &format!("sparse {name}"));
        }
        let read = FittedNearestNeighbors::<f64>::from_bytes(&search.to_bytes().unwrap()).unwrap();
        assert_eq!(read, search);
        let near = search.radius_neighbors(&queries, expected[0]).unwrap();
        assert_eq!(
            near[0].len(),
            expected[..24].iter().filter(|&&distance| distance <= near_to(expected[0])).count()
        );
    }
    // Auto and brute for all of 19; boxes for 9 of them, balls for 16.
    assert_eq!(checked, 2 * 19 + 9 + 15);
}

/// What rounding may leave of a limit.
fn near_to(distance: f64) -> f64 {
    distance * (1.0 + 1e-15)
}

#[test]
fn missing_numbers_and_places_are_scikit_learns() {
    let golden = golden();
    let of = |name: &str| [0, 1].map(|i| matrix(&golden[name][i]));
    let [queries, points] = of("missing");
    let search = NearestNeighbors::new().metric(Metric::NanEuclidean).fit(&points).unwrap();
    let expected = matrix(&golden["nan_euclidean"]).to_vec();
    close(&all_distances(&search, &queries.clone().into()), &expected, 1e-14, "nan_euclidean");
    // What cannot be compared is the farthest.
    assert_eq!(search.kneighbors(&queries, 24).unwrap().indices[23], 5);
    let read = FittedNearestNeighbors::<f64>::from_bytes(&search.to_bytes().unwrap()).unwrap();
    assert_eq!(read.kneighbors(&queries, 3).unwrap(), search.kneighbors(&queries, 3).unwrap());
    let [queries, points] = of("places");
    for algorithm in [Algorithm::Brute, Algorithm::BallTree] {
        let search = NearestNeighbors::new().metric(Metric::Haversine).algorithm(algorithm).leaf_size(2);
        let found = all_distances(&search.fit(&points).unwrap(), &queries.clone().into());
        close(&found, &matrix(&golden["haversine"]).to_vec(), 1e-13, "haversine");
    }
}

#[test]
fn densities_are_scikit_learns() {
    let golden = golden();
    let (points, queries) = (matrix(&golden["points"]), Features::from(matrix(&golden["queries"])));
    for density in golden["densities"].as_array().unwrap() {
        let kernel = Kernel::from_name("test", density["kernel"].as_str().unwrap()).unwrap();
        let h = density["h"].as_f64().unwrap();
        let expected = density["log"].as_array().unwrap();
        let expected: Vec<f64> = expected.iter().map(|x| x.as_f64().unwrap_or(f64::NEG_INFINITY)).collect();
        for algorithm in [Algorithm::Brute, Algorithm::KdTree, Algorithm::BallTree] {
            let search = NearestNeighbors::new().algorithm(algorithm).leaf_size(2).fit(&points).unwrap();
            let found = search.log_density(&queries, kernel, h, 0.0, 0.0).unwrap();
            close(&found, &expected, 1e-12, &format!("{kernel:?} {h} {algorithm:?}"));
            let (atol, rtol) = (1e-3, 1e-2);
            for (found, expected) in
                search.log_density(&queries, kernel, h, atol, rtol).unwrap().iter().zip(&expected)
            {
                let (found, expected) = (found.exp(), expected.exp());
                assert!(
                    (found - expected).abs() <= 0.5 * (atol + rtol * expected) + 1e-12,
                    "{found} {expected}"
                );
            }
        }
    }
}

#[test]
fn pairs_are_counted() {
    let x = points::<f64>(70, 2, 5, 1.0, 0.0);
    let rows = x.to_vec();
    let radii = [0.0, 1.0, 2.5, 100.0];
    let count = |radius: f64| {
        let pair =
            |a: &[f64]| rows.chunks(2).filter(|b| distance(&Metric::Euclidean, a, b) <= radius).count();
        rows.chunks(2).map(pair).sum::<usize>()
    };
    for algorithm in ALGORITHMS {
        let search = NearestNeighbors::new().algorithm(algorithm).leaf_size(3).fit(&x).unwrap();
        assert_eq!(search.pairs_within(&x.clone().into(), &radii).unwrap(), radii.map(count));
    }
}

#[test]
fn inputs_that_make_no_sense_are_refused() {
    let x = points::<f64>(10, 2, 0, 1.0, 0.0);
    let error = |found: barehand_tensor::Error, expected: &str| {
        assert!(found.to_string().contains(expected), "{found}");
    };
    let tree = NearestNeighbors::new().algorithm(Algorithm::KdTree);
    error(tree.clone().metric(Metric::Cosine).fit(&x).unwrap_err(), "a tree needs a metric");
    error(tree.clone().metric(Metric::Minkowski(0.5)).fit(&x).unwrap_err(), "a tree needs a metric");
    error(tree.clone().metric(Metric::Minkowski(-1.0)).fit(&x).unwrap_err(), "p is -1");
    error(tree.fit(&Tensor::from([[f64::NAN]])).unwrap_err(), "row 0, column 0 of x is NaN");
    let search = tree.fit(&x).unwrap();
    error(search.kneighbors(&x, 11).unwrap_err(), "11 neighbours asked for: from 1 to 10");
    error(search.kneighbors(&Tensor::zeros([1, 3]), 1).unwrap_err(), "3 features");
    error(search.radius_neighbors(&x, -1.0).unwrap_err(), "radius is -1");
    let brute = NearestNeighbors::new().algorithm(Algorithm::Brute);
    let places = brute.clone().metric(Metric::Haversine).fit(&Tensor::<f64>::zeros([4, 3])).unwrap();
    error(places.kneighbors(&Tensor::zeros([1, 3]), 1).unwrap_err(), "only valid in 2 dimensions");
    let balls = NearestNeighbors::new().algorithm(Algorithm::BallTree);
    error(balls.metric(Metric::Haversine).fit(&Tensor::<f64>::zeros([4, 3])).unwrap_err(), "in 2 dimensions");
    let weighted = Metric::WeightedMinkowski { p: 2.0, w: vec![1.0, -1.0] };
    error(brute.clone().metric(weighted).fit(&x).unwrap_err(), "w holds 2 numbers");
    error(brute.clone().metric(Metric::StandardizedEuclidean(vec![1.0])).fit(&x).unwrap_err(), "V holds 1");
    error(brute.metric(Metric::Mahalanobis(vec![1.0; 3])).fit(&x).unwrap_err(), "VI holds 3");
    error(search.log_density(&x.clone().into(), Kernel::Gaussian, 0.0, 0.0, 0.0).unwrap_err(), "bandwidth 0");
    let labels = Tensor::from([1i64, 2]);
    error(KNeighborsClassifier::new().fit(&x, &labels).unwrap_err(), "each of 10 samples");
    error(
        KNeighborsRegressor::new().n_neighbors(11).fit(&x, &Tensor::zeros([10])).unwrap_err(),
        "11 neighbours",
    );
}
