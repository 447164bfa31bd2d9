//! Nearest neighbours: every algorithm and metric of the engine.

use barehand_learn::neighbors::{
    Algorithm, KNeighborsClassifier, KNeighborsRegressor, Metric, NearestNeighbors, Weights,
};
use barehand_learn::{Predict, PredictProba};
use barehand_tensor::{Float, Tensor};
use barehand_textbook::k_nearest_neighbors::{
    distances_between, nearest, neighbor_mean, neighbor_shares, weights_of_neighbors,
};
use barehand_textbook::{Array, Trace};

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
    let search = NearestNeighbors::new().metric(metric).algorithm(algorithm).leaf_size(4).fit(&x).unwrap();
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
    let regressor =
        KNeighborsRegressor::new().n_neighbors(k).weights(weights).metric(metric).algorithm(algorithm);
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

#[test]
fn nearest_neighbors() {
    hold("nearest neighbours", 60, [32.0, 2.0], neighbors::<f64>, neighbors::<f32>);
}
