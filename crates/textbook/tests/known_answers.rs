//! Answers known beforehand: printed by the formulas' sources, or computed by NumPy.

use barehand_textbook::erf::{erf, erfc};
use barehand_textbook::line_through_origin::{batch_descent, cost, cost_grid, per_sample_descent};
use barehand_textbook::linear_regression::{predict, with_intercept};
use barehand_textbook::{
    Array, BinaryCrossEntropy, Cost, CrossEntropy, Elementwise, GradientDescent, LogGuard, LogisticDescent,
    MersenneTwister, Mse, Objective, Order, Reduction, Sigmoid, Targets, Threshold, Trace, TwoLayerNetwork,
    least_squares_normal_equations, least_squares_qr, softmax,
};
use serde_json::Value;

fn silent() -> Trace {
    Trace::silent()
}

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/linear_regression.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

#[track_caller]
fn close(ours: &[f64], known: &[f64], relative: f64) {
    assert_eq!(ours.len(), known.len());
    for (i, (a, b)) in ours.iter().zip(known).enumerate() {
        assert!((a - b).abs() <= relative * b.abs(), "[{i}]: {a:e}, known {b:e}");
    }
}

/// X, y and theta of the printed linear regression, from the generator's stream.
fn printed_regression() -> (Array, Array, Array) {
    let mut random = MersenneTwister::new(0);
    let features = random.rand(&[100, 2]).map(|u| 2.0 * u);
    let noise = random.randn(&[100, 1]);
    let y = features.map(|x| 4.0 + 3.0 * x).zip(&noise, |y, noise| y + noise).unwrap();
    (features, y, random.randn(&[3, 2]))
}

#[test]
fn numpys_legacy_stream_to_the_last_bit() {
    let golden = &golden();
    let (features, y, theta) = printed_regression();
    assert_eq!(features.data(), numbers(&golden["two_outputs"]["features"]));
    close(y.data(), &numbers(&golden["two_outputs"]["y"]), 1e-15);
    close(theta.data(), &numbers(&golden["two_outputs"]["start"]), 1e-15);
    let mut random = MersenneTwister::new(42);
    for shuffle in golden["permutations_of_seed_42"].as_array().unwrap() {
        let known: Vec<usize> = numbers(shuffle).into_iter().map(|n| n as usize).collect();
        assert_eq!(random.permutation(known.len()), known);
    }
}

#[test]
fn linear_regression_prints_the_known_trace() {
    let (features, y, theta) = printed_regression();
    let x = with_intercept(&features).unwrap();
    let descent = GradientDescent {
        learning_rate: 0.01,
        epochs: 1000,
        batch_size: None,
        order: Order::Sequential,
        cost: Cost::HalfMean,
    };
    let fit = descent.fit(&x, &y, &theta, &mut silent()).unwrap();
    let golden = &golden()["two_outputs"];
    close(&fit.cost_history, &numbers(&golden["costs"]), 1e-12);
    close(fit.theta.data(), &numbers(&golden["theta"]), 1e-12);
    let printed = [88.30505828335492, 82.96349608904917, 77.95845445474822, 73.2686742924841];
    close(&fit.cost_history[..4], &printed, 1e-15);
    // The source prints 5.8961568108314105 for the 54th, a misprint of one digit: its own program gives this.
    close(&[fit.cost_history[53], fit.cost_history[999]], &[5.8961565108314105, 0.97166170016132], 1e-14);
    let theta = [3.4835313, 2.89977917, 3.03665836, 0.42669163, 0.33849489, 3.47061881];
    close(fit.theta.data(), &theta, 1e-8);

    let best = [4.11450326, 4.11450326, 2.78685022, -0.21314978, 0.01478753, 3.01478753];
    for solve in [least_squares_qr, least_squares_normal_equations] {
        let theta = solve(&x, &y, &mut silent()).unwrap();
        close(theta.data(), &numbers(&golden["least_squares"]), 1e-12);
        close(theta.data(), &best, 4e-7);
    }
}

#[test]
fn linear_regression_of_one_feature() {
    let mut random = MersenneTwister::new(0);
    let x = random.rand(&[100, 1]).map(|u| 2.0 * u);
    let y = x.map(|x| 4.0 + 3.0 * x).zip(&random.randn(&[100, 1]), |y, noise| y + noise).unwrap();
    let start = Array::new(&[2, 1], vec![0.0, random.normal()]).unwrap();
    let descent = GradientDescent {
        learning_rate: 0.01,
        epochs: 1000,
        batch_size: None,
        order: Order::Sequential,
        cost: Cost::Mean,
    };
    let theta = descent.fit(&with_intercept(&x).unwrap(), &y, &start, &mut silent()).unwrap().theta;
    close(theta.data(), &[4.193791222069297, 2.99363205], 2e-9);
    let golden = &golden()["one_feature"];
    close(theta.data(), &[numbers(&golden["b"])[0], numbers(&golden["w"])[0]], 1e-13);
}

#[test]
fn mini_batches_and_single_rows_reach_the_least_squares_answer_nearby() {
    let (features, y, theta) = printed_regression();
    let x = with_intercept(&features).unwrap();
    let best = least_squares_qr(&x, &y, &mut silent()).unwrap();
    let best_cost = Cost::HalfMean.value(&predict(&x, &best).unwrap().zip(&y, |p, y| p - y).unwrap());
    let mut costs = Vec::new();
    for batch_size in [None, Some(1), Some(32)] {
        let descent = GradientDescent {
            learning_rate: 0.01,
            epochs: 200,
            batch_size,
            order: Order::Shuffled { seed: 1 },
            cost: Cost::HalfMean,
        };
        let fit = descent.fit(&x, &y, &theta, &mut silent()).unwrap();
        let last = fit.cost_history[199];
        assert!(last >= best_cost, "{batch_size:?}: {last} beats the best, {best_cost}");
        costs.push(last);
    }
    // 1, 100 and 4 updates for each pass: the more, the nearer.
    let [batch, single, mini] = costs[..] else { panic!("three runs") };
    assert!(single < 1.05 * best_cost && single < mini && mini < batch, "{costs:?}, best {best_cost}");
}

#[test]
fn line_through_the_origin() {
    let (x, y) = ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]);
    let grid: Vec<f64> = (0..=40).map(|i| f64::from(i) / 10.0).collect();
    let costs = cost_grid(&grid, &x, &y, &mut silent()).unwrap();
    close(&[costs[0], costs[10], costs[40]], &[18.6667, 4.6667, 18.6667], 1e-5);
    assert_eq!(costs[20], 0.0);
    let batch = batch_descent(1.0, &x, &y, 0.01, 100, &mut silent()).unwrap();
    close(&[batch.w, 4.0 * batch.w], &[1.9999444396553017, 7.999777758621207], 1e-15);
    close(&[batch.costs[99]], &[1.752432687141379e-08], 1e-9);
    assert!(cost(batch.w, &x, &y) < batch.costs[99]);
    let single = per_sample_descent(1.0, &x, &y, 0.01, 100, &mut silent()).unwrap();
    close(&[single.w, 4.0 * single.w], &[1.9999999999999236, 7.9999999999996945], 1e-15);
}

#[test]
fn logistic_regression_on_three_points() {
    let x = Array::matrix([[1.0], [2.0], [3.0]]);
    let y = Array::matrix([[0.0], [0.0], [1.0]]);
    let descent = LogisticDescent { learning_rate: 0.01, steps: 1000, reduction: Reduction::Sum, l2: 0.0 };
    let model = descent.fit(&x, &y, &mut silent()).unwrap();
    let known = [1.198950450486879, -2.8964317883859096, 1.046330034999988];
    close(&[model.w[0], model.b, model.loss_history[999]], &known, 1e-13);
    let p = model.probabilities(&x).unwrap();
    assert_eq!(Threshold::AtLeast.labels(&p, 0.5).data(), [0.0, 0.0, 1.0]);
    // A probability that equals the threshold is where the two conventions part.
    assert_eq!(Threshold::AtLeast.labels(&p, p[1]).data(), [0.0, 1.0, 1.0]);
    assert_eq!(Threshold::Above.labels(&p, p[1]).data(), [0.0, 0.0, 1.0]);
    let penalised = LogisticDescent { l2: 1.0, ..descent }.fit(&x, &y, &mut silent()).unwrap();
    assert!(penalised.w[0].abs() < model.w[0].abs());
}

#[test]
fn softmax_of_three_scores() {
    let p = softmax(&Array::vector(&[2.0, 1.0, 0.1]), -1, &mut silent()).unwrap();
    close(p.data(), &[0.65900114, 0.24243297, 0.09856589], 1e-8);
}

#[test]
fn cross_entropy_of_three_rows() {
    let p = Array::matrix([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]);
    let identity = Array::matrix([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let guard = LogGuard { clip: 1e-12, inside: 1e-9 };
    let loss = CrossEntropy::default();
    for targets in [Targets::Distribution(&identity), Targets::Classes(&[0, 1, 2])] {
        let value = loss.forward_probabilities(&p, targets, guard, &mut silent()).unwrap();
        assert_eq!(value[0], 0.2797765622367497);
    }
    let row = Array::vector(&[0.1, 0.2, 0.6, 0.1]);
    let value =
        loss.forward_probabilities(&row, Targets::Classes(&[1]), LogGuard::default(), &mut silent()).unwrap();
    close(value.data(), &[1.6094379], 1e-8);
    // Logits whose softmax is p give the same loss.
    let value = loss.forward(&row.map(f64::ln), Targets::Classes(&[1]), &mut silent()).unwrap();
    close(value.data(), &[-(0.2f64.ln())], 1e-15);
}

#[test]
fn every_reduction_and_half_of_the_squared_error() {
    let (p, y) = (Array::vector(&[1.0, 4.0]), Array::vector(&[2.0, 2.0]));
    let value = |half, reduction| Mse { half, reduction }.forward(&p, &y, &mut silent()).unwrap();
    assert_eq!(value(false, Reduction::None).data(), [1.0, 4.0]);
    assert_eq!(value(true, Reduction::None).data(), [0.5, 2.0]);
    assert_eq!(value(false, Reduction::Mean)[0], 2.5);
    assert_eq!(value(false, Reduction::Sum)[0], 5.0);
    let one = Array::scalar(1.0);
    let gradient = |half, reduction| Mse { half, reduction }.backward(&p, &y, &one, &mut silent()).unwrap();
    // The note's convention: the half, and -(y - p) for each element, which belongs to the sum.
    assert_eq!(gradient(true, Reduction::Sum).data(), [-1.0, 2.0]);
    assert_eq!(gradient(false, Reduction::Mean).data(), [-1.0, 2.0]);
    assert_eq!(gradient(true, Reduction::Mean).data(), [-0.5, 1.0]);
}

#[test]
fn binary_cross_entropy_from_both_sides() {
    let (z, y) = (Array::vector(&[2.0, -1.0, 0.5]), Array::vector(&[1.0, 0.0, 0.0]));
    let p = z.map(|z| 1.0 / (1.0 + (-z).exp()));
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        let loss = BinaryCrossEntropy { reduction };
        let from_logits = loss.forward(&z, &y, &mut silent()).unwrap();
        let from_probabilities = loss.forward_probabilities(&p, &y, &mut silent()).unwrap();
        close(from_probabilities.data(), from_logits.data(), 1e-14);
        let upstream = from_logits.map(|_| 1.0);
        let dz = loss.backward(&z, &y, &upstream, &mut silent()).unwrap();
        let dp = loss.backward_probabilities(&p, &y, &upstream, &mut silent()).unwrap();
        let chained = dp.zip(&p, |dp, p| dp * p * (1.0 - p)).unwrap();
        close(chained.data(), dz.data(), 1e-14);
    }
    let extreme = Array::vector(&[1000.0, -1000.0]);
    let mean =
        BinaryCrossEntropy::default().forward(&extreme, &Array::vector(&[0.0, 1.0]), &mut silent()).unwrap();
    assert_eq!(mean[0], 1000.0);
}

#[test]
fn error_function_and_the_slopes_of_the_sigmoids() {
    // Abramowitz and Stegun, table 7.1; erfc(5) from 7.3.
    close(
        &[erf(0.5), erf(1.0), erf(2.0)],
        &[0.5204998778130465, 0.8427007929497149, 0.9953222650189527],
        1e-15,
    );
    close(&[erfc(5.0), erfc(-1.0)], &[1.5374597944280349e-12, 1.842700792949715], 1e-14);
    for sigmoid in Sigmoid::ALL {
        let slope = match sigmoid {
            Sigmoid::Logistic => 0.25,
            Sigmoid::ErfPrinted => 2f64.sqrt(),
            _ => 1.0,
        };
        close(&[sigmoid.derivative(0.0)], &[slope], 1e-15);
        let limits = [sigmoid.value(-1e9), sigmoid.value(1e9)];
        let low = if sigmoid == Sigmoid::Logistic { 0.0 } else { -1.0 };
        assert!((limits[0] - low).abs() < 1e-8 && (limits[1] - 1.0).abs() < 1e-8, "{sigmoid:?}: {limits:?}");
    }
}

#[test]
fn two_layer_network_learns_exclusive_or() {
    let x = Array::matrix([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let y = Array::matrix([[0.0], [1.0], [1.0], [0.0]]);
    let losses = [Objective::BinaryCrossEntropy, Objective::SquaredError].map(|objective| {
        let mut random = MersenneTwister::new(3);
        let mut network = TwoLayerNetwork {
            w1: random.randn(&[2, 4]),
            b1: Array::zeros(&[4]),
            w2: random.randn(&[4, 1]),
            b2: Array::zeros(&[1]),
            objective,
        };
        let losses = network.train(&x, &y, 2.0, 3000, &mut silent()).unwrap();
        assert!(losses[2999] < losses[0] / 10.0, "{objective:?}: {} to {}", losses[0], losses[2999]);
        assert_eq!(network.predict(&x, 0.5, Threshold::Above).unwrap(), y, "{objective:?}");
        losses
    });
    assert_ne!(losses[0][2999], losses[1][2999]);
}
