//! Linear models: what the engine finds by sums of products, screening and scaled steps is what plain loops find.

use barehand_learn::Fit;
use barehand_learn::linear_model::{
    self, GradientDescentRegressor, LearningRate, LinearRegression, LogisticRegression, LogisticSolver,
    Ridge, SgdClassifier, SgdLoss, SgdPenalty, SgdRegressor,
};
use barehand_tensor::{Float, Tensor};
use barehand_textbook::{
    Array, ElasticNet, GradientDescent, LogisticNewton, Order, SampleLoss, StepLength, StochasticGradient,
    Trace, least_squares_qr, leave_one_out_errors, ridge as textbook_ridge,
};

use crate::pair::{Pair, hold};

/// More samples than features, now and then enough of them for two threads.
fn sizes<T: Float>(pair: &mut Pair<T>) -> (usize, usize) {
    let d = pair.between(1..=7);
    let m = if pair.rarely(6) { 5000 } else { d + pair.between(6..=30) };
    (m, d)
}

fn intercept_first(theta: &Array) -> (Array, Array) {
    let (d, outputs) = (theta.shape()[0] - 1, theta.shape()[1]);
    let w = Array::from_fn(&[outputs, d], |i| theta[[i[1] + 1, i[0]]]);
    (w, Array::from_fn(&[outputs], |i| theta[[0, i[0]]]))
}

fn least_squares<T: Float>(pair: &mut Pair<T>) {
    let (m, d) = sizes(pair);
    let outputs = pair.between(1..=3);
    let (x, y) = (pair.array(&[m, d]), pair.array(&[m, outputs]));
    let ones = barehand_textbook::linear_regression::with_intercept(&x).unwrap();
    let theta = least_squares_qr(&ones, &y, &mut Trace::silent()).unwrap();
    let (w, b) = intercept_first(&theta);
    let model = LinearRegression::new().fit(&pair.tensor(&x), &pair.tensor(&y)).unwrap();
    pair.terms = 1.0;
    pair.same("coef", model.coef(), &w);
    pair.same("intercept", model.intercept(), &b);
}

fn ridge<T: Float>(pair: &mut Pair<T>) {
    let (m, d) = sizes(pair);
    // Also fewer samples than features, where the engine solves the dual.
    let m = if pair.rarely(3) { d.div_ceil(2) } else { m };
    let (x, y) = (pair.array(&[m, d]), pair.array(&[m, 2]));
    let alpha = pair.pick(&[0.5, 3.0]);
    let (w, b) = textbook_ridge(&x, &y, alpha, &mut Trace::silent()).unwrap();
    let model = Ridge::new(alpha).fit(&pair.tensor(&x), &pair.tensor(&y)).unwrap();
    pair.terms = 1.0;
    pair.same("coef", model.coef(), &w.transpose().unwrap());
    pair.same("intercept", model.intercept(), &b.reshape(&[2]).unwrap());
}

fn leave_one_out<T: Float>(pair: &mut Pair<T>) {
    let (d, m) = (pair.between(1..=6), pair.between(3..=30));
    let (x, y) = (pair.array(&[m, d]), pair.array(&[m]));
    let alpha = pair.pick(&[0.5, 3.0]);
    let errors = leave_one_out_errors(&x, &y, alpha, &mut Trace::silent()).unwrap();
    let squares = errors.map(|error| error * error);
    let search = linear_model::RidgeCv::new(&[alpha]).by_singular_values(pair.flag()).store(true);
    let found = search.fit(&pair.tensor(&x), &pair.tensor(&y)).unwrap();
    pair.terms = 1.0;
    let results = found.results().unwrap().cast::<T>();
    pair.same("errors", &results, &squares.reshape(&[m, 1, 1]).unwrap());
    let (w, _) = textbook_ridge(&x, &y.reshape(&[m, 1]).unwrap(), alpha, &mut Trace::silent()).unwrap();
    pair.same("coef", found.model().coef(), &w.transpose().unwrap());
}

fn elastic_net<T: Float>(pair: &mut Pair<T>) {
    let d = pair.between(1..=6);
    // Products of columns, or with fewer samples the columns themselves.
    let m = if pair.flag() { 40 } else { d.max(3) - 1 };
    let (x, y) = (pair.array(&[m, d]), pair.array(&[m]));
    let (alpha, l1_ratio) = (pair.pick(&[0.05, 0.3]), pair.pick(&[0.5, 1.0]));
    let twin = ElasticNet { alpha, l1_ratio, positive: pair.flag(), cycles: 3000 };
    let expected = twin.fit(&x, &y, &mut Trace::silent()).unwrap();
    let net = linear_model::ElasticNet::new(alpha).l1_ratio(l1_ratio).positive(twin.positive);
    let net = net.tol(1e-15).max_iter(3000);
    let model = net.fit(&pair.tensor(&x), &pair.tensor(&y)).unwrap();
    pair.terms = 1.0;
    pair.same("coef", model.coef(), &expected.w.reshape(&[1, d]).unwrap());
    pair.same("intercept", model.intercept(), &Array::vector(&[expected.b]));
}

/// Labels that no plane separates.
fn labels<T: Float>(pair: &mut Pair<T>, m: usize) -> Array {
    Array::from_fn(&[m, 1], |i| if i[0] < 4 { (i[0] % 2) as f64 } else { f64::from(u8::from(pair.flag())) })
}

fn newton<T: Float>(pair: &mut Pair<T>) {
    let (m, d) = sizes(pair);
    let x = pair.array(&[m, d]);
    let y = labels(pair, m);
    let twin = LogisticNewton { steps: 30, l2: 0.1 };
    let expected = twin.fit(&x, &y, &mut Trace::silent()).unwrap();
    let codes: Tensor<i64> = y.data().iter().map(|&y| y as i64).collect::<Vec<i64>>().into();
    let tol = if T::EPSILON.to_f64() > 1e-10 { 1e-6 } else { 1e-13 };
    let model = LogisticRegression::new()
        .c(1.0 / (0.1 * m as f64))
        .solver(LogisticSolver::NewtonCholesky)
        .tol(tol)
        .fit(&pair.tensor(&x), &codes)
        .unwrap();
    pair.terms = 1.0;
    pair.same("coef", model.coef(), &expected.w.transpose().unwrap());
    pair.same("intercept", model.intercept(), &Array::vector(&[expected.b]));
}

fn stochastic_gradient<T: Float>(pair: &mut Pair<T>) {
    let (m, d) = (pair.between(4..=40), pair.between(1..=9));
    let x = pair.array(&[m, d]);
    let values = pair.array(&[m]);
    let classes = labels(pair, m);
    let codes: Tensor<i64> = classes.data().iter().map(|&y| y as i64).collect::<Vec<i64>>().into();
    let inputs = pair.tensor(&x);
    pair.terms = 1.0;
    let scaling = StepLength::InverseScaling { eta0: 0.01, power: 0.25 };
    let epochs = pair.between(1..=3);
    let mut sgd = SgdRegressor::new().sgd();
    (sgd.alpha, sgd.max_iter, sgd.tol, sgd.shuffle) = (0.05, epochs, None, false);
    let twin = StochasticGradient { loss: SampleLoss::Squared, alpha: 0.05, step_length: scaling, epochs };
    let (w, b) = twin.fit(&x, &values, &mut Trace::silent()).unwrap();
    let model = SgdRegressor::new().parameters(sgd.clone()).fit(&inputs, &pair.tensor(&values)).unwrap();
    pair.same("coef", model.coef(), &w.reshape(&[1, d]).unwrap());
    pair.same("intercept", model.intercept(), &Array::vector(&[b]));
    // Smooth losses: a hinge may tip over by a rounding error.
    (sgd.loss, sgd.learning_rate, sgd.penalty) = (SgdLoss::Log, LearningRate::Optimal, SgdPenalty::L2);
    let twin =
        StochasticGradient { loss: SampleLoss::Log, alpha: 0.05, step_length: StepLength::Optimal, epochs };
    let (w, b) = twin.fit(&x, &Array::vector(classes.data()), &mut Trace::silent()).unwrap();
    let model = SgdClassifier::new().parameters(sgd).fit(&inputs, &codes).unwrap();
    pair.same("coef", model.coef(), &w.reshape(&[1, d]).unwrap());
    pair.same("intercept", model.intercept(), &Array::vector(&[b]));
}

fn gradient_descent<T: Float>(pair: &mut Pair<T>) {
    let (m, d, outputs) = (pair.between(3..=30), pair.between(1..=5), pair.between(1..=3));
    let (x, y) = (pair.array(&[m, d]), pair.array(&[m, outputs]));
    let batch_size = pair.pick(&[None, Some(1), Some(4)]);
    let seed = pair.pick(&[None, Some(7)]);
    let ones = barehand_textbook::linear_regression::with_intercept(&x).unwrap();
    let twin = GradientDescent {
        learning_rate: 0.05,
        epochs: 9,
        batch_size,
        order: seed.map_or(Order::Sequential, |seed| Order::Shuffled { seed }),
        cost: barehand_textbook::Cost::HalfMean,
    };
    let start = Array::zeros(&[d + 1, outputs]);
    let expected = twin.fit(&ones, &y, &start, &mut Trace::silent()).unwrap();
    let (w, b) = intercept_first(&expected.theta);
    let descent = GradientDescentRegressor::new(0.05, 9).batch_size(batch_size).shuffle(seed);
    let model = descent.fit(&pair.tensor(&x), &pair.tensor(&y)).unwrap();
    pair.terms = 1.0;
    pair.same("coef", model.coef(), &w);
    pair.same("intercept", model.intercept(), &b);
    let history: Vec<T> = model.loss_history().iter().map(|&loss| T::from_f64(loss)).collect();
    pair.same("costs", &Tensor::from(history), &Array::vector(&expected.cost_history));
}

// Where normal equations stand against Householder's reflections, digits go with the condition of small random problems;
// iterations end within their tolerance.

#[test]
fn least_squares_twins() {
    hold("least squares", 40, [1e6, 64.0], least_squares, least_squares);
}

#[test]
fn leave_one_out_twins() {
    hold("leave_one_out", 40, [1e6, 64.0], leave_one_out, leave_one_out);
}

#[test]
fn ridge_twins() {
    hold("ridge", 40, [1e5, 16.0], ridge, ridge);
}

#[test]
fn elastic_net_twins() {
    hold("elastic net", 30, [1e9, 64.0], elastic_net, elastic_net);
}

#[test]
fn newton_twins() {
    hold("logistic regression by Newton", 30, [1e5, 512.0], newton, newton);
}

#[test]
fn stochastic_gradient_twins() {
    hold("stochastic gradient", 40, [4096.0, 4096.0], stochastic_gradient, stochastic_gradient);
}

#[test]
fn gradient_descent_twins() {
    hold("gradient descent", 40, [256.0, 256.0], gradient_descent, gradient_descent);
}
