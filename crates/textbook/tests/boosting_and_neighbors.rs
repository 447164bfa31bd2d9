//! Gradient boosting and nearest neighbours: known answers, and the mistakes that hand-written code makes.

use barehand_textbook::k_nearest_neighbors::{
    distances_between, nearest, neighbor_mean, neighbor_shares, weights_of_neighbors,
};
use barehand_textbook::{Array, BoostedLoss, GradientBoosting, Trace};

fn silent() -> Trace {
    Trace::silent()
}

fn close(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
}

const STEPS: GradientBoosting = GradientBoosting {
    loss: BoostedLoss::SquaredError,
    rounds: 2,
    learning_rate: 0.5,
    max_leaves: 2,
    min_samples_leaf: 1,
    l2: 0.0,
};

fn line() -> (Array, Array) {
    (Array::matrix([[0.0], [1.0], [2.0], [3.0]]), Array::vector(&[0.0, 0.0, 0.0, 8.0]))
}

/// Two stumps by hand: r = 2; the last sample is cut off, its leaf is worth 6, the others' -2, and half of that is taken;
/// what is left over is half of what it was, and so is the next tree.
fn is_boosting(fit: impl Fn(&GradientBoosting, &Array, &Array) -> Vec<f64>) -> bool {
    let (x, y) = line();
    let labels = Array::vector(&[0.0, 0.0, 1.0, 1.0]);
    let once = GradientBoosting { loss: BoostedLoss::LogLoss, rounds: 1, ..STEPS };
    let shrunk = GradientBoosting { rounds: 1, l2: 1.0, ..STEPS };
    close(&fit(&STEPS, &x, &y), &[0.5, 0.5, 0.5, 6.5])
        // p = 1/2: g = +-1/2, h = 1/4, values +-2.
        && close(&fit(&once, &x, &labels), &[-1.0, -1.0, 1.0, 1.0])
        // 6 / (3 + 1) and 6 / (1 + 1).
        && close(&fit(&shrunk, &x, &y), &[1.25, 1.25, 1.25, 3.5])
}

/// One stump at a time, with a mistake somewhere.
fn with_mistake(
    options: &GradientBoosting,
    x: &Array,
    y: &Array,
    value: impl Fn(f64, f64, f64) -> f64,
    start: impl Fn(f64) -> f64,
    learning_rate: f64,
) -> Vec<f64> {
    let n = y.len();
    let mean = start(y.sum() / n as f64);
    let log_loss = options.loss == BoostedLoss::LogLoss;
    let mut r = vec![if log_loss { (mean / (1.0 - mean)).ln() } else { mean }; n];
    for _ in 0..options.rounds {
        let p: Vec<f64> = r.iter().map(|r| if log_loss { 1.0 / (1.0 + (-r).exp()) } else { *r }).collect();
        let g: Vec<f64> = p.iter().zip(y.data()).map(|(p, y)| p - y).collect();
        let h: Vec<f64> = p.iter().map(|p| if log_loss { p * (1.0 - p) } else { 1.0 }).collect();
        let sums =
            |from: usize, to: usize| (g[from..to].iter().sum::<f64>(), h[from..to].iter().sum::<f64>());
        let score = |(g, h): (f64, f64)| g * g / (h + options.l2);
        let cut = (1..n)
            .max_by(|&a, &b| {
                (score(sums(0, a)) + score(sums(a, n))).total_cmp(&(score(sums(0, b)) + score(sums(b, n))))
            })
            .unwrap();
        for i in 0..x.shape()[0] {
            let (g, h) = if i < cut { sums(0, cut) } else { sums(cut, n) };
            r[i] += learning_rate * value(g, h, options.l2);
        }
    }
    r
}

#[test]
fn boosting_traps() {
    assert!(is_boosting(|options, x, y| options.fit(x, y, &mut silent()).unwrap().data().to_vec()));
    let newton = |g: f64, h: f64, l2: f64| -g / (h + l2);
    let same = |mean: f64| mean;
    // The same stump without a mistake passes, so that what fails below fails by its mistake.
    assert!(is_boosting(|o, x, y| with_mistake(o, x, y, newton, same, o.learning_rate)));
    // A step along the gradient instead of against it.
    assert!(!is_boosting(|o, x, y| with_mistake(
        o,
        x,
        y,
        |g, h, l2| -newton(g, h, l2),
        same,
        o.learning_rate
    )));
    // The mean gradient for a leaf: right for the squared error alone, and without l2.
    let mean_gradient = |g: f64, h: f64, _: f64| -g / if h < 1.0 { 2.0 } else { h };
    assert!(!is_boosting(|o, x, y| with_mistake(o, x, y, mean_gradient, same, o.learning_rate)));
    // l2 in front of the fraction.
    let multiplied = |g: f64, h: f64, l2: f64| -g / (h * (1.0 + l2));
    assert!(!is_boosting(|o, x, y| with_mistake(o, x, y, multiplied, same, o.learning_rate)));
    // The learning rate twice: in the leaf and in the sum.
    assert!(!is_boosting(|o, x, y| with_mistake(o, x, y, newton, same, o.learning_rate.powi(2))));
    // A start from nothing.
    assert!(!is_boosting(|o, x, y| with_mistake(o, x, y, newton, |_| 0.5, o.learning_rate)));
}

#[test]
fn a_tree_without_a_split_changes_nothing() {
    let (x, y) = line();
    let whole = GradientBoosting { min_samples_leaf: 3, ..STEPS };
    assert_eq!(whole.fit(&x, &y, &mut silent()).unwrap().data(), [2.0; 4]);
    assert!(GradientBoosting { max_leaves: 1, ..STEPS }.fit(&x, &y, &mut silent()).is_err());
}

/// Points on a line, two of them at the same place.
fn is_neighbors(predict: impl Fn(f64, bool) -> Vec<f64>) -> bool {
    // Distances 1, 1, 2, 5: with k = 3 the far point has no say.
    close(&predict(1.0, false), &[2.0 / 3.0, 1.0 / 3.0])
        // 1 + 1/2 against 1, of 5/2.
        && close(&predict(1.0, true), &[0.6, 0.4])
        // On the point at 3 itself.
        && close(&predict(3.0, true), &[1.0, 0.0])
}

const POINTS: [[f64; 1]; 4] = [[0.0], [2.0], [3.0], [6.0]];
const CLASSES: [usize; 4] = [0, 1, 0, 1];

fn by_hand(query: f64, weight: impl Fn(f64, &[f64]) -> f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..4).collect();
    order.sort_by(|&a, &b| (POINTS[a][0] - query).abs().total_cmp(&(POINTS[b][0] - query).abs()));
    order.truncate(3);
    let distances: Vec<f64> = order.iter().map(|&i| (POINTS[i][0] - query).abs()).collect();
    let mut votes = [0.0; 2];
    for (&i, &distance) in order.iter().zip(&distances) {
        votes[CLASSES[i]] += weight(distance, &distances);
    }
    let total = votes[0] + votes[1];
    vec![votes[0] / total, votes[1] / total]
}

#[test]
fn neighbor_traps() {
    assert!(is_neighbors(|query, by_distance| {
        let distances =
            distances_between(&Array::matrix([[query]]), &Array::matrix(POINTS), 2.0, &mut silent()).unwrap();
        let neighbors = nearest(&distances, 3, &mut silent()).unwrap();
        let weights = weights_of_neighbors(&distances, &neighbors, by_distance, &mut silent());
        neighbor_shares(&CLASSES, 2, &neighbors, &weights, &mut silent()).data().to_vec()
    }));
    let right = |distance: f64, all: &[f64]| {
        if all.contains(&0.0) { f64::from(u8::from(distance == 0.0)) } else { 1.0 / distance }
    };
    assert!(is_neighbors(|query, by| by_hand(query, |d, all| if by { right(d, all) } else { 1.0 })));
    // The inverse of the square.
    assert!(!is_neighbors(|query, by| by_hand(query, |d, all| if by { right(d * d, all) } else { 1.0 })));
    // A small number that is to keep the division from failing lets the others have a say.
    assert!(!is_neighbors(|query, by| by_hand(query, |d, _| if by { 1.0 / (d + 1e-3) } else { 1.0 })));
    // Infinity over infinity.
    assert!(!is_neighbors(|query, by| by_hand(query, |d, _| if by { 1.0 / d } else { 1.0 })));
}

#[test]
fn distances_and_means() {
    let (a, b) = (Array::matrix([[0.0, 0.0]]), Array::matrix([[3.0, 4.0], [0.0, 1.0], [0.0, -1.0]]));
    for (p, expected) in [(1.0, [7.0, 1.0, 1.0]), (2.0, [5.0, 1.0, 1.0]), (f64::INFINITY, [4.0, 1.0, 1.0])] {
        let distances = distances_between(&a, &b, p, &mut silent()).unwrap();
        assert!(close(distances.data(), &expected));
        let neighbors = nearest(&distances, 2, &mut silent()).unwrap();
        assert_eq!(neighbors, [[1, 2]]); // Of equal ones the lower index first.
        let weights = weights_of_neighbors(&distances, &neighbors, true, &mut silent());
        assert!(close(neighbor_mean(&[9.0, 1.0, 2.0], &neighbors, &weights, &mut silent()).data(), &[1.5]));
        assert!(nearest(&distances, 4, &mut silent()).is_err());
    }
}
