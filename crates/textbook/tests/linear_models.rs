//! Penalised linear models: scikit-learn 1.9.1's answers, and mistakes that the same checks reject.

use barehand_textbook::{
    Array, ElasticNet, LogisticNewton, SampleLoss, StepLength, StochasticGradient, Trace, least_squares_qr,
    leave_one_out_errors, ridge, soft_threshold,
};

fn x() -> Array {
    Array::matrix([[1.0, 0.0], [2.0, 1.0], [3.0, -1.0], [4.0, 2.0], [5.0, 0.5]])
}

const Y: [f64; 5] = [1.0, 3.0, 2.5, 6.0, 5.5];
const LEFT_OUT: [f64; 5] = [
    1.139_700_511_322_132_8,
    0.0014792899408284186,
    0.09660336011687366,
    1.4938271604938262,
    0.06249999999999983,
];
const LABELS: [f64; 5] = [0.0, 1.0, 0.0, 1.0, 1.0];

fn column(values: &[f64]) -> Array {
    Array::new(&[values.len(), 1], values.to_vec()).unwrap()
}

fn near(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
}

// ---- ridge -----------------------------------------------------------------------------------------------------------

/// `Ridge(alpha=2)`; and targets that are all 3 larger have an intercept that is 3 larger, and nothing else.
fn is_ridge(f: impl Fn(&Array, &Array) -> (Array, f64)) -> bool {
    let (w, b) = f(&x(), &column(&Y));
    let (moved, further) = f(&x(), &column(&Y.map(|y| y + 3.0)));
    near(w.data(), &[0.893_75, 0.6375]) && near(&[b, further], &[0.6, 3.6]) && near(moved.data(), w.data())
}

fn with_penalized_intercept(x: &Array, y: &Array) -> (Array, f64) {
    let rows = x.shape()[0];
    let stacked = Array::from_fn(&[rows + 3, 3], |i| match i[0].checked_sub(rows) {
        None if i[1] == 2 => 1.0,
        None => x[[i[0], i[1]]],
        Some(j) => f64::from(u8::from(j == i[1])) * 2f64.sqrt(),
    });
    let right = Array::from_fn(&[rows + 3, 1], |i| if i[0] < rows { y[[i[0], 0]] } else { 0.0 });
    let w = least_squares_qr(&stacked, &right, &mut Trace::silent()).unwrap();
    (Array::new(&[2, 1], w.data()[..2].to_vec()).unwrap(), w[[2, 0]])
}

fn with_alpha_as_the_weight_of_a_row(x: &Array, y: &Array) -> (Array, f64) {
    // sqrt(alpha) forgotten: alpha^2 is what comes out.
    let (w, b) = ridge(x, y, 4.0, &mut Trace::silent()).unwrap();
    (w, b[[0, 0]])
}

#[test]
fn ridge_traps() {
    assert!(is_ridge(|x, y| {
        let (w, b) = ridge(x, y, 2.0, &mut Trace::silent()).unwrap();
        (w, b[[0, 0]])
    }));
    assert!(!is_ridge(with_penalized_intercept));
    assert!(!is_ridge(with_alpha_as_the_weight_of_a_row));
    assert!(ridge(&x(), &column(&Y), 0.0, &mut Trace::silent()).is_err());
}

// ---- leave one out ---------------------------------------------------------------------------------------------------

/// What `RidgeCV(alphas=[2], store_cv_results=True)` keeps: squared errors without each sample.
fn are_errors_of_left_out_samples(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let squares = f(&x(), &Array::vector(&Y)).map(|error| error * error);
    near(squares.data(), &LEFT_OUT)
}

fn of_the_fit_of_all(x: &Array, y: &Array) -> Array {
    // No sample is left out at all.
    let (w, b) = ridge(x, &column(y.data()), 2.0, &mut Trace::silent()).unwrap();
    Array::from_fn(&[y.len()], |i| {
        y[i[0]] - b[[0, 0]] - (0..2).map(|j| x[[i[0], j]] * w[[j, 0]]).sum::<f64>()
    })
}

fn with_the_mean_of_all(x: &Array, y: &Array) -> Array {
    // The intercept is forgotten in the leverage: the left-out target is still in the mean.
    let m = y.len() as f64;
    let (r, e) = (of_the_fit_of_all(x, y), leave_one_out_errors(x, y, 2.0, &mut Trace::silent()).unwrap());
    Array::from_fn(&[y.len()], |i| r[i[0]] / (r[i[0]] / e[i[0]] + 1.0 / m))
}

#[test]
fn leave_one_out_traps() {
    assert!(are_errors_of_left_out_samples(|x, y| {
        leave_one_out_errors(x, y, 2.0, &mut Trace::silent()).unwrap()
    }));
    assert!(!are_errors_of_left_out_samples(of_the_fit_of_all));
    assert!(!are_errors_of_left_out_samples(with_the_mean_of_all));
    assert!(
        leave_one_out_errors(&Array::matrix([[1.0]]), &Array::vector(&[1.0]), 1.0, &mut Trace::silent())
            .is_err()
    );
}

// ---- elastic net -----------------------------------------------------------------------------------------------------

/// `ElasticNet(alpha=.3, l1_ratio=.7)` and `Lasso(alpha=.9)`, at their minima.
fn is_elastic_net(f: impl Fn(f64, f64) -> (Vec<f64>, f64)) -> bool {
    let (net, b) = f(0.3, 0.7);
    let (lasso, lasso_b) = f(0.9, 1.0);
    near(&net, &[0.930_598_177_612_010_7, 0.612_624_521_977_243_8])
        && near(&lasso, &[0.739_130_434_782_608_6, 0.054_347_826_086_956_63])
        && near(&[b, lasso_b], &[0.501_893_206_175_346, 1.355_434_782_608_695_4])
}

/// The same descent with a step of one's own.
fn descend(alpha: f64, l1_ratio: f64, best: impl Fn(f64, f64, f64, f64, f64) -> f64) -> (Vec<f64>, f64) {
    let (x, m) = (x(), 5.0);
    let means: Vec<f64> = (0..2).map(|j| (0..5).map(|i| x[[i, j]]).sum::<f64>() / m).collect();
    let y_mean = Y.iter().sum::<f64>() / m;
    let (l1, l2) = (m * alpha * l1_ratio, m * alpha * (1.0 - l1_ratio));
    let mut w = [0.0f64; 2];
    for _ in 0..500 {
        for j in 0..2 {
            let centred = |i: usize, j: usize| x[[i, j]] - means[j];
            let r = |i: usize| Y[i] - y_mean - w[0] * centred(i, 0) - w[1] * centred(i, 1);
            let left: f64 = (0..5).map(|i| centred(i, j) * r(i)).sum();
            let norm: f64 = (0..5).map(|i| centred(i, j).powi(2)).sum();
            w[j] = best(left, norm, w[j], l1, l2);
        }
    }
    (w.to_vec(), y_mean - w[0] * means[0] - w[1] * means[1])
}

#[test]
fn elastic_net_traps() {
    let textbook = |alpha, l1_ratio| {
        let net = ElasticNet { alpha, l1_ratio, positive: false, cycles: 500 };
        let model = net.fit(&x(), &Array::vector(&Y), &mut Trace::silent()).unwrap();
        assert!((-1e-12..1e-12).contains(&model.gap), "{}", model.gap);
        (model.w.data().to_vec(), model.b)
    };
    assert!(is_elastic_net(textbook));
    assert!(is_elastic_net(|alpha, ratio| descend(alpha, ratio, |left, norm, w, l1, l2| {
        soft_threshold(left + norm * w, l1) / (norm + l2)
    })));
    let without_its_own_part =
        |left: f64, norm: f64, _: f64, l1: f64, l2: f64| soft_threshold(left, l1) / (norm + l2);
    assert!(!is_elastic_net(|alpha, ratio| descend(alpha, ratio, without_its_own_part)));
    let hard = |rho: f64, l1: f64| if rho.abs() > l1 { rho } else { 0.0 };
    let with_a_hard_threshold =
        |left: f64, norm: f64, w: f64, l1: f64, l2: f64| hard(left + norm * w, l1) / (norm + l2);
    assert!(!is_elastic_net(|alpha, ratio| descend(alpha, ratio, with_a_hard_threshold)));
    let without_l2 =
        |left: f64, norm: f64, w: f64, l1: f64, _: f64| soft_threshold(left + norm * w, l1) / norm;
    assert!(!is_elastic_net(|alpha, ratio| descend(alpha, ratio, without_l2)));
    // The number of rows forgotten in front of alpha.
    assert!(!is_elastic_net(|alpha, ratio| textbook(alpha / 5.0, ratio)));
}

#[test]
fn large_penalties_leave_nothing_and_signs_may_be_kept() {
    let fit = |alpha, positive, y: &[f64]| {
        let net = ElasticNet { alpha, l1_ratio: 1.0, positive, cycles: 100 };
        net.fit(&x(), &Array::vector(y), &mut Trace::silent()).unwrap()
    };
    let nothing = fit(100.0, false, &Y);
    assert_eq!((nothing.w.data(), nothing.b, nothing.gap), (&[0.0, 0.0][..], 3.6, 0.0));
    let falling = Y.map(|y| -y);
    assert_eq!(fit(0.1, true, &falling).w.data(), [0.0, 0.0]);
    assert!(fit(0.1, false, &falling).w[0] < 0.0);
}

// ---- Newton ----------------------------------------------------------------------------------------------------------

/// `LogisticRegression(C=1 / (5 * .1), solver="newton-cholesky")` after a few steps.
fn is_logistic_regression(w: &[f64], b: f64) -> bool {
    near(w, &[0.699_205_417_964_438_2, 1.324_916_272_961_669]) && near(&[b], &[-1.970_301_820_354_634_6])
}

/// Steps as the textbook's, with a curvature and a penalty of the intercept of one's own.
fn newton(curvature: impl Fn(f64) -> f64, l2_of_intercept: f64) -> (Vec<f64>, f64) {
    let x = x();
    let row = |i: usize| [1.0, x[[i, 0]], x[[i, 1]]];
    let mut theta = [0.0; 3];
    for _ in 0..12 {
        let p: Vec<f64> = (0..5)
            .map(|i| 1.0 / (1.0 + (-row(i).iter().zip(&theta).map(|(x, w)| x * w).sum::<f64>()).exp()))
            .collect();
        let l2 = |a: usize| if a == 0 { l2_of_intercept } else { 0.1 };
        let g = Array::from_fn(&[3, 1], |a| {
            (0..5).map(|i| row(i)[a[0]] * (p[i] - LABELS[i])).sum::<f64>() / 5.0 + l2(a[0]) * theta[a[0]]
        });
        let h = Array::from_fn(&[3, 3], |a| {
            let sum: f64 = (0..5).map(|i| row(i)[a[0]] * curvature(p[i]) * row(i)[a[1]]).sum();
            sum / 5.0 + if a[0] == a[1] { l2(a[0]) } else { 0.0 }
        });
        let step = least_squares_qr(&h, &g, &mut Trace::silent()).unwrap();
        (0..3).for_each(|a| theta[a] -= step[[a, 0]]);
    }
    (theta[1..].to_vec(), theta[0])
}

#[test]
fn newton_traps() {
    let fit =
        |steps| LogisticNewton { steps, l2: 0.1 }.fit(&x(), &column(&LABELS), &mut Trace::silent()).unwrap();
    let model = fit(8);
    assert!(is_logistic_regression(model.w.data(), model.b));
    assert!(model.loss_history.windows(2).all(|pair| pair[1] <= pair[0] + 1e-15));
    // Near the minimum every step doubles the digits.
    let distance = |steps| (fit(steps).w[[0, 0]] - model.w[[0, 0]]).abs();
    assert!(distance(4) < 10.0 * distance(3).powi(2) && distance(3) > 1e-9);
    let right = newton(|p| p * (1.0 - p), 0.0);
    assert!(is_logistic_regression(&right.0, right.1));
    // Steps that are too short arrive, but not in a few: p (1 - p) forgotten.
    let slow = newton(|_| 1.0, 0.0);
    assert!(!is_logistic_regression(&slow.0, slow.1));
    let penalized = newton(|p| p * (1.0 - p), 0.1);
    assert!(!is_logistic_regression(&penalized.0, penalized.1));
}

// ---- stochastic gradient ---------------------------------------------------------------------------------------------

/// Three epochs of `SGDClassifier` (hinge, log loss) and `SGDRegressor` with `shuffle=False, alpha=.01`.
fn are_scikit_learns_steps(fit: impl Fn(SampleLoss, StepLength, &[f64]) -> (Array, f64)) -> bool {
    let signs = LABELS.map(|label| 2.0 * label - 1.0);
    let scaling = StepLength::InverseScaling { eta0: 0.01, power: 0.25 };
    [
        (
            SampleLoss::Hinge,
            StepLength::Optimal,
            &signs,
            [10.959_438_185_126_736, 9.863_494_366_614_063],
            -3.124_021_191_856_227_7,
        ),
        (
            SampleLoss::Log,
            StepLength::Optimal,
            &LABELS,
            [0.718_014_947_070_493_3, 9.832_575_553_125_281],
            -2.660_230_126_473_398_7,
        ),
        (
            SampleLoss::Squared,
            scaling,
            &Y,
            [0.741_763_511_202_511_9, 0.194_418_587_774_050_66],
            0.213_026_978_064_24,
        ),
    ]
    .into_iter()
    .all(|(loss, steps, y, w, b)| {
        let (found, intercept) = fit(loss, steps, y);
        near(found.data(), &w) && near(&[intercept], &[b])
    })
}

#[test]
fn stochastic_gradient_traps() {
    let fit = |alpha: f64| {
        move |loss, step_length, y: &[f64]| {
            let descent = StochasticGradient { loss, alpha, step_length, epochs: 3 };
            descent.fit(&x(), &Array::vector(y), &mut Trace::silent()).unwrap()
        }
    };
    assert!(are_scikit_learns_steps(fit(0.01)));
    assert!(!are_scikit_learns_steps(fit(0.02)));
    // Labels of 0 and 1 where the hinge needs -1 and 1.
    let (w, _) = fit(0.01)(SampleLoss::Hinge, StepLength::Optimal, &LABELS);
    assert!((w[0] - 10.959_438_185_126_736).abs() > 1e-3);
    // The penalty forgets the weights and shrinks the intercept, or takes both.
    for (of_weights, of_intercept) in [(0.0, 0.01), (0.01, 0.01)] {
        assert!(!are_scikit_learns_steps(|loss, steps, y: &[f64]| by_hand(
            loss,
            steps,
            y,
            of_weights,
            of_intercept
        )));
    }
    assert!(are_scikit_learns_steps(|loss, steps, y: &[f64]| by_hand(loss, steps, y, 0.01, 0.0)));
}

/// The descent with a penalty of one's own.
fn by_hand(
    loss: SampleLoss,
    steps: StepLength,
    y: &[f64],
    of_weights: f64,
    of_intercept: f64,
) -> (Array, f64) {
    let (x, mut w, mut b, mut t) = (x(), [0.0; 2], 0.0, 1.0);
    for _ in 0..3 {
        for i in 0..5 {
            let p = b + w[0] * x[[i, 0]] + w[1] * x[[i, 1]];
            let eta = match steps {
                StepLength::InverseScaling { eta0, power } => eta0 / f64::powf(t, power),
                StepLength::Optimal => 1.0 / (0.01 * (1.0 / (0.01 * 10f64.sqrt()) + t - 1.0)),
            };
            let s = -eta * loss.slope(y[i], p);
            for j in 0..2 {
                w[j] = (1.0 - eta * of_weights) * w[j] + s * x[[i, j]];
            }
            b = (1.0 - eta * of_intercept) * b + s;
            t += 1.0;
        }
    }
    (Array::vector(&w), b)
}
