//! Mistakes that hand-written code makes, each as a named wrong implementation, and the block's ordinary check, which
//! accepts the textbook and rejects the mistake.

use barehand_textbook::binary_cross_entropy::logistic;
use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::line_through_origin::per_sample_descent;
use barehand_textbook::{
    Activation, Array, BatchNorm, BinaryCrossEntropy, Conv2d, CrossEntropy, Elementwise, Kernel, LogGuard,
    LogisticDescent, MersenneTwister, Mse, NllLoss, NormGradients, Objective, Reduction, Sigmoid, Targets,
    Trace, TwoLayerNetwork, WeightLayout, linear, linear_backward, softmax, softmax_backward,
};

fn silent() -> Trace {
    Trace::silent()
}

fn near(a: &Array, b: &Array, tolerance: f64) -> bool {
    largest_difference(a, b) < tolerance
}

fn one() -> Array {
    Array::scalar(1.0)
}

// ---- softmax ---------------------------------------------------------------------------------------------------------

/// Rows sum to 1, large scores stay finite, and the known answer comes out.
fn is_softmax(f: impl Fn(&Array) -> Array) -> bool {
    let known = Array::matrix([[0.6590011388859679, 0.2424329707047139, 0.09856589040931818]]);
    let p = f(&Array::matrix([[1.0, 2.0], [1000.0, 1001.0]]));
    near(&f(&Array::matrix([[2.0, 1.0, 0.1]])), &known, 1e-15)
        && near(&p.sum_along(&[1]), &Array::matrix([[1.0], [1.0]]), 1e-15)
}

fn softmax_over_whole_matrix(x: &Array) -> Array {
    let m = x.data().iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e = x.map(|x| (x - m).exp());
    let s = e.sum();
    e.map(|e| e / s)
}

fn softmax_without_max_subtraction(x: &Array) -> Array {
    let e = x.map(f64::exp);
    e.zip(&e.sum_along(&[1]), |e, s| e / s).unwrap()
}

#[test]
fn softmax_traps() {
    assert!(is_softmax(|x| softmax(x, -1, &mut silent()).unwrap()));
    assert!(!is_softmax(softmax_over_whole_matrix));
    assert!(!is_softmax(softmax_without_max_subtraction));
}

/// Agrees with finite differences of a weighted sum of the probabilities.
fn is_softmax_gradient(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let mut random = MersenneTwister::new(1);
    let (x, r) = (random.randn(&[2, 3]), random.randn(&[2, 3]));
    let p = |x: &Array| softmax(x, -1, &mut silent());
    let numeric = finite_differences(&x, |x| Ok(p(x)?.zip(&r, |p, r| p * r)?.sum())).unwrap();
    near(&f(&p(&x).unwrap(), &r), &numeric, 1e-8)
}

fn softmax_gradient_diagonal_only(p: &Array, dp: &Array) -> Array {
    p.zip(dp, |p, dp| p * (1.0 - p) * dp).unwrap()
}

#[test]
fn softmax_gradient_traps() {
    assert!(is_softmax_gradient(|p, dp| softmax_backward(p, dp, -1, &mut silent()).unwrap()));
    assert!(!is_softmax_gradient(softmax_gradient_diagonal_only));
}

// ---- losses ----------------------------------------------------------------------------------------------------------

/// A mean loss's gradient, compared with finite differences of that loss.
fn is_mean_mse_gradient(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let (p, y) = (Array::vector(&[0.3, -1.0, 2.0]), Array::vector(&[0.0, 0.5, 2.5]));
    let loss = Mse { half: true, reduction: Reduction::Mean };
    let numeric = finite_differences(&p, |p| Ok(loss.forward(p, &y, &mut silent())?[0])).unwrap();
    near(&f(&p, &y), &numeric, 1e-8)
}

fn mse_gradient_without_1_over_n(p: &Array, y: &Array) -> Array {
    p.zip(y, |p, y| -(y - p)).unwrap()
}

#[test]
fn squared_error_traps() {
    let loss = Mse { half: true, reduction: Reduction::Mean };
    assert!(is_mean_mse_gradient(|p, y| loss.backward(p, y, &one(), &mut silent()).unwrap()));
    assert!(!is_mean_mse_gradient(mse_gradient_without_1_over_n));
}

const GUARD: LogGuard = LogGuard { clip: 1e-12, inside: 1e-9 };

fn three_rows() -> (Array, Array) {
    let p = Array::matrix([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]);
    (p, Array::from_fn(&[3, 3], |i| f64::from(i[0] == i[1])))
}

/// The known loss of three rows, and another for other rows.
fn is_cross_entropy(f: impl Fn(&Array, &Array) -> f64) -> bool {
    let (p, y) = three_rows();
    let row = Array::matrix([[0.1, 0.2, 0.6, 0.1]]);
    let second = Array::matrix([[0.0, 1.0, 0.0, 0.0]]);
    (f(&p, &y) - 0.2797765622367497).abs() < 1e-15 && (f(&row, &second) - 1.6094379).abs() < 1e-7
}

fn cross_entropy_without_its_minus(p: &Array, y: &Array) -> f64 {
    p.zip(y, |p, y| y * (p + 1e-9).ln()).unwrap().sum() / p.shape()[0] as f64
}

fn cross_entropy_with_p_and_q_swapped(p: &Array, y: &Array) -> f64 {
    -p.zip(y, |p, y| p * (y.clamp(1e-12, 1.0) + 1e-9).ln()).unwrap().sum() / p.shape()[0] as f64
}

fn cross_entropy_of_its_own_sample_data(_: &Array, _: &Array) -> f64 {
    let (p, y) = three_rows();
    -p.zip(&y, |p, y| y * (p + 1e-9).ln()).unwrap().sum() / 3.0
}

fn cross_entropy_that_takes_probabilities_for_logits(p: &Array, y: &Array) -> f64 {
    CrossEntropy::default().forward(p, Targets::Distribution(y), &mut silent()).unwrap()[0]
}

#[test]
fn cross_entropy_traps() {
    assert!(is_cross_entropy(|p, y| {
        let loss = CrossEntropy::default();
        loss.forward_probabilities(p, Targets::Distribution(y), GUARD, &mut silent()).unwrap()[0]
    }));
    assert!(!is_cross_entropy(cross_entropy_without_its_minus));
    assert!(!is_cross_entropy(cross_entropy_with_p_and_q_swapped));
    assert!(!is_cross_entropy(cross_entropy_of_its_own_sample_data));
    assert!(!is_cross_entropy(cross_entropy_that_takes_probabilities_for_logits));
    // The other way round, logits named probabilities, is refused.
    let logits = Array::matrix([[2.0, 1.0, 0.1]]);
    let refused =
        CrossEntropy::default().forward_probabilities(&logits, Targets::Classes(&[0]), GUARD, &mut silent());
    assert!(refused.unwrap_err().to_string().contains("not a probability"));
}

/// The weighted mean of three rows, one of which does not count: (0.5 * 1 + 2 * 3) / 2.5.
fn is_negative_log_likelihood(f: impl Fn(&Array, &[i64], &[f64]) -> f64) -> bool {
    let x = Array::matrix([[-1.0, -2.0], [-4.0, -3.0], [-5.0, -6.0]]);
    (f(&x, &[0, 1, -100], &[0.5, 2.0]) - 2.6).abs() < 1e-15
}

fn weighted_surprise(x: &Array, y: &[i64], w: &[f64]) -> f64 {
    y.iter()
        .enumerate()
        .filter(|(_, y)| **y >= 0)
        .map(|(n, &y)| -w[y as usize] * x.get(&[n, y as usize]))
        .sum()
}

fn negative_log_likelihood_over_all_rows(x: &Array, y: &[i64], w: &[f64]) -> f64 {
    weighted_surprise(x, y, w) / y.len() as f64
}

fn negative_log_likelihood_over_the_rows_that_count(x: &Array, y: &[i64], w: &[f64]) -> f64 {
    weighted_surprise(x, y, w) / y.iter().filter(|y| **y >= 0).count() as f64
}

fn negative_log_likelihood_that_takes_log_probabilities_for_probabilities(
    x: &Array,
    y: &[i64],
    w: &[f64],
) -> f64 {
    let loss = CrossEntropy { class_weights: Some(w.to_vec()), ..CrossEntropy::default() };
    let p = x.map(f64::exp);
    loss.forward(&p, Targets::Classes(y), &mut silent()).unwrap()[0]
}

#[test]
fn negative_log_likelihood_traps() {
    assert!(is_negative_log_likelihood(|x, y, w| {
        let loss = NllLoss { class_weights: Some(w.to_vec()), ..NllLoss::default() };
        loss.forward(x, y, &mut silent()).unwrap()[0]
    }));
    assert!(!is_negative_log_likelihood(negative_log_likelihood_over_all_rows));
    assert!(!is_negative_log_likelihood(negative_log_likelihood_over_the_rows_that_count));
    assert!(!is_negative_log_likelihood(
        negative_log_likelihood_that_takes_log_probabilities_for_probabilities
    ));
}

/// The gradient of the mean cross entropy with respect to the probabilities.
fn is_cross_entropy_gradient(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let (p, y) = three_rows();
    let loss = |p: &Array| {
        CrossEntropy::default().forward_probabilities(p, Targets::Distribution(&y), GUARD, &mut silent())
    };
    let numeric = finite_differences(&p, |p| Ok(loss(p)?[0])).unwrap();
    near(&f(&p, &y), &numeric, 1e-7)
}

fn cross_entropy_gradient_without_1_over_n(p: &Array, y: &Array) -> Array {
    p.zip(y, |p, y| -y / p).unwrap()
}

#[test]
fn cross_entropy_gradient_traps() {
    assert!(is_cross_entropy_gradient(|p, y| {
        let loss = CrossEntropy::default();
        loss.backward_probabilities(p, Targets::Distribution(y), GUARD, &one(), &mut silent()).unwrap()
    }));
    assert!(!is_cross_entropy_gradient(cross_entropy_gradient_without_1_over_n));
}

/// dW1 of the two-layer network, compared with finite differences of the binary cross entropy it reports.
fn is_back_propagation(dz2: impl Fn(&Array, &Array) -> Array) -> bool {
    let mut random = MersenneTwister::new(2);
    let (x, y) = (random.randn(&[4, 2]), Array::matrix([[0.0], [1.0], [1.0], [0.0]]));
    let network = TwoLayerNetwork {
        w1: random.randn(&[2, 3]),
        b1: random.randn(&[3]),
        w2: random.randn(&[3, 1]),
        b2: random.randn(&[1]),
        objective: Objective::BinaryCrossEntropy,
    };
    let numeric = finite_differences(&network.w2, |w2| {
        let moved = TwoLayerNetwork { w2: w2.clone(), ..network.clone() };
        let activations = moved.forward(&x, &mut silent())?;
        moved.loss(&activations, &y, &mut silent())
    });
    let activations = network.forward(&x, &mut silent()).unwrap();
    let dz2 = dz2(&activations.a2, &y);
    let dw2 = linear_backward(&activations.a1, &network.w2, WeightLayout::InOut, &dz2, &mut silent())
        .unwrap()
        .weight;
    near(&dw2, &numeric.unwrap(), 1e-8)
}

fn bce_backprop(a2: &Array, y: &Array) -> Array {
    a2.zip(y, |a, y| (a - y) / 4.0).unwrap()
}

fn bce_backprop_with_mse_gradient(a2: &Array, y: &Array) -> Array {
    a2.zip(y, |a, y| (a - y) * a * (1.0 - a) / 4.0).unwrap()
}

fn bce_backprop_without_1_over_n(a2: &Array, y: &Array) -> Array {
    a2.zip(y, |a, y| a - y).unwrap()
}

#[test]
fn back_propagation_traps() {
    assert!(is_back_propagation(bce_backprop));
    assert!(!is_back_propagation(bce_backprop_with_mse_gradient));
    assert!(!is_back_propagation(bce_backprop_without_1_over_n));
}

/// Finite and right where the sigmoid saturates.
fn is_stable_bce(f: impl Fn(f64, f64) -> f64) -> bool {
    [(800.0, 0.0, 800.0), (-800.0, 1.0, 800.0), (0.0, 1.0, 2f64.ln()), (800.0, 1.0, 0.0)]
        .into_iter()
        .all(|(z, y, known)| (f(z, y) - known).abs() < 1e-12)
}

fn bce_with_log_of_zero(z: f64, y: f64) -> f64 {
    let p = logistic(z);
    -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
}

#[test]
fn binary_cross_entropy_traps() {
    assert!(is_stable_bce(|z, y| {
        let loss = BinaryCrossEntropy::default();
        loss.forward(&Array::vector(&[z]), &Array::vector(&[y]), &mut silent()).unwrap()[0]
    }));
    assert!(!is_stable_bce(bce_with_log_of_zero));
}

// ---- activations -----------------------------------------------------------------------------------------------------

/// Runs from 0 to 1 without leaving the numbers.
fn is_logistic(f: impl Fn(f64) -> f64) -> bool {
    f(0.0) == 0.5 && f(1000.0) == 1.0 && f(-1000.0) == 0.0
}

fn sigmoid_with_overflowing_exp(x: f64) -> f64 {
    x.exp() / (1.0 + x.exp())
}

/// Between -1 and 1 with slope 1 at the origin.
fn is_unit_slope_sigmoid(f: impl Fn(f64) -> f64) -> bool {
    ((f(1e-6) - f(-1e-6)) / 2e-6 - 1.0).abs() < 1e-6
        && (f(1e6) - 1.0).abs() < 1e-5
        && (f(-1e6) + 1.0).abs() < 1e-5
}

fn erf_as_printed(x: f64) -> f64 {
    Sigmoid::ErfPrinted.value(x)
}

fn arcsinh_by_name(x: f64) -> f64 {
    x.asinh()
}

#[test]
fn activation_traps() {
    assert!(is_logistic(|x| Activation::Logistic.value(x)));
    assert!(!is_logistic(sigmoid_with_overflowing_exp));
    assert!(is_unit_slope_sigmoid(|x| Sigmoid::Erf.value(x)));
    assert!(is_unit_slope_sigmoid(|x| Sigmoid::Algebraic.value(x)));
    assert!(!is_unit_slope_sigmoid(erf_as_printed));
    assert!(!is_unit_slope_sigmoid(arcsinh_by_name));
}

// ---- layers ----------------------------------------------------------------------------------------------------------

/// One training step of a linear layer: the input gradient belongs to the weight of the forward pass.
fn is_linear_input_gradient(f: impl Fn(&Array, &Array, &Array) -> Array) -> bool {
    let mut random = MersenneTwister::new(3);
    let (x, w, dy) = (random.randn(&[4, 3]), random.randn(&[2, 3]), random.randn(&[4, 2]));
    let numeric = finite_differences(&x, |x| {
        let y = linear(x, &w, None, WeightLayout::OutIn, &mut silent())?;
        Ok(y.zip(&dy, |y, dy| y * dy)?.sum())
    });
    near(&f(&x, &w, &dy), &numeric.unwrap(), 1e-8)
}

fn linear_gradients(x: &Array, w: &Array, dy: &Array) -> barehand_textbook::LinearGradients {
    linear_backward(x, w, WeightLayout::OutIn, dy, &mut silent()).unwrap()
}

fn linear_input_gradient_after_the_update(x: &Array, w: &Array, dy: &Array) -> Array {
    let updated = w.zip(&linear_gradients(x, w, dy).weight, |w, g| w - 0.1 * g).unwrap();
    linear_gradients(x, &updated, dy).input
}

#[test]
fn linear_traps() {
    assert!(is_linear_input_gradient(|x, w, dy| linear_gradients(x, w, dy).input));
    assert!(!is_linear_input_gradient(linear_input_gradient_after_the_update));
}

/// A training batch, then evaluation: PyTorch's outputs and running statistics.
fn is_batch_norm(f: impl Fn(&mut BatchNorm, &Array, bool) -> Array) -> bool {
    let x = Array::matrix([[1.0], [2.0], [6.0]]);
    let mut layer = BatchNorm::new(1);
    let train = f(&mut layer, &x, true);
    let eval = f(&mut layer, &Array::matrix([[3.0]]), false);
    // Mean 3, population variance 14/3, sample variance 7; running 0.3 and 0.9 + 0.7.
    let r = 1.0 / (14.0f64 / 3.0 + 1e-5).sqrt();
    near(&train, &Array::matrix([[-2.0 * r], [-r], [3.0 * r]]), 1e-14)
        && near(&layer.running_var, &Array::vector(&[1.6]), 1e-14)
        && near(&eval, &Array::matrix([[2.7 / (1.6f64 + 1e-5).sqrt()]]), 1e-14)
}

fn batch_norm(layer: &mut BatchNorm, x: &Array, training: bool) -> Array {
    if training { layer.forward_train(x, &mut silent()) } else { layer.forward_eval(x, &mut silent()) }
        .unwrap()
}

fn batch_norm_without_running_statistics(layer: &mut BatchNorm, x: &Array, _: bool) -> Array {
    let n = x.shape()[0] as f64;
    let m = x.sum() / n;
    let v = x.map(|x| (x - m) * (x - m)).sum() / n;
    x.map(|x| (x - m) / (v + layer.eps).sqrt())
}

fn batch_norm_unbiased_normalisation(layer: &mut BatchNorm, x: &Array, training: bool) -> Array {
    let y = batch_norm(layer, x, training);
    let n = x.shape()[0] as f64;
    if training { y.map(|y| y * ((n - 1.0) / n).sqrt()) } else { y }
}

fn batch_norm_population_running_variance(layer: &mut BatchNorm, x: &Array, training: bool) -> Array {
    let (before, y) = (layer.running_var[0], batch_norm(layer, x, training));
    if training {
        let n = x.shape()[0] as f64;
        layer.running_var[0] = 0.9 * before + (layer.running_var[0] - 0.9 * before) * (n - 1.0) / n;
    }
    y
}

fn batch_norm_with_a_tiny_eps(layer: &mut BatchNorm, x: &Array, training: bool) -> Array {
    layer.eps = 1e-12;
    batch_norm(layer, x, training)
}

#[test]
fn batch_norm_traps() {
    assert!(is_batch_norm(batch_norm));
    assert!(!is_batch_norm(batch_norm_without_running_statistics));
    assert!(!is_batch_norm(batch_norm_unbiased_normalisation));
    assert!(!is_batch_norm(batch_norm_population_running_variance));
    assert!(!is_batch_norm(batch_norm_with_a_tiny_eps));
}

type BatchNormBackward = fn(&BatchNorm, &Array, &Array) -> NormGradients;

/// The gradient of a weight in front of the layer: only the input gradient carries it there.
fn is_batch_norm_backward(f: BatchNormBackward) -> bool {
    let mut random = MersenneTwister::new(4);
    let (x, w, r) = (random.randn(&[5, 3]), random.randn(&[2, 3]), random.randn(&[5, 2]));
    let before = |w: &Array| linear(&x, w, None, WeightLayout::OutIn, &mut silent());
    let numeric = finite_differences(&w, |w| {
        let y = BatchNorm::new(2).forward_train(&before(w)?, &mut silent())?;
        Ok(y.zip(&r, |y, r| y * r)?.sum())
    });
    let dz = f(&BatchNorm::new(2), &before(&w).unwrap(), &r).input;
    near(&linear_gradients(&x, &w, &dz).weight, &numeric.unwrap(), 1e-7)
}

/// gamma's and beta's gradients, which are all that is seen when the layer comes first.
fn has_right_parameter_gradients(f: BatchNormBackward) -> bool {
    let mut random = MersenneTwister::new(5);
    let (x, r) = (random.randn(&[5, 2]), random.randn(&[5, 2]));
    let numeric = finite_differences(&Array::filled(&[2], 1.0), |gamma| {
        let y = BatchNorm { gamma: gamma.clone(), ..BatchNorm::new(2) }.forward_train(&x, &mut silent())?;
        Ok(y.zip(&r, |y, r| y * r)?.sum())
    });
    near(&f(&BatchNorm::new(2), &x, &r).gamma, &numeric.unwrap(), 1e-8)
}

fn batch_norm_backward(layer: &BatchNorm, x: &Array, dy: &Array) -> NormGradients {
    layer.backward_train(x, dy, &mut silent()).unwrap()
}

fn batch_norm_backward_through_constant_statistics(
    layer: &BatchNorm,
    x: &Array,
    dy: &Array,
) -> NormGradients {
    let n = x.shape()[0] as f64;
    let m = x.sum_along(&[0]).map(|s| s / n);
    let v = x.zip(&m, |x, m| (x - m) * (x - m)).unwrap().sum_along(&[0]).map(|s| s / n);
    let input = dy.zip(&v, |dy, v| dy / (v + layer.eps).sqrt()).unwrap();
    NormGradients { input, ..batch_norm_backward(layer, x, dy) }
}

#[test]
fn batch_norm_backward_traps() {
    assert!(is_batch_norm_backward(batch_norm_backward));
    assert!(!is_batch_norm_backward(batch_norm_backward_through_constant_statistics));
    // Why a layer must stand before the one under test: without it the mistake is green.
    assert!(has_right_parameter_gradients(batch_norm_backward));
    assert!(has_right_parameter_gradients(batch_norm_backward_through_constant_statistics));
}

/// A convolution of one 2-D image with one 2-D kernel.
type PlainConvolution = fn(image: &Array, kernel: &Array, stride: usize, padding: usize) -> Array;

/// Small cases worked out by hand.
fn is_cross_correlation(f: PlainConvolution) -> bool {
    let image = Array::from_fn(&[4, 5], |i| (5 * i[0] + i[1]) as f64);
    let corner = Array::matrix([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]);
    let strided = f(&image, &corner, 2, 0);
    let plain = f(&image, &corner, 1, 0);
    let padded = f(&image, &Array::matrix([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), 1, 1);
    strided == Array::matrix([[0.0, 2.0], [10.0, 12.0]])
        && plain == Array::from_fn(&[3, 3], |i| (5 * i[0] + i[1]) as f64)
        && padded == image
}

fn convolve(conv: &Conv2d, image: &Array, kernel: &Array) -> Array {
    let as_4d = |x: &Array| x.reshape(&[1, 1, x.shape()[0], x.shape()[1]]).unwrap();
    let y = conv.forward(&as_4d(image), &as_4d(kernel), None, &mut silent()).unwrap();
    y.reshape(&y.shape()[2..]).unwrap()
}

fn cross_correlation(image: &Array, kernel: &Array, stride: usize, padding: usize) -> Array {
    convolve(&Conv2d { stride: [stride; 2], padding: [padding; 2], ..Conv2d::default() }, image, kernel)
}

fn conv_stride_ignored(image: &Array, kernel: &Array, _: usize, padding: usize) -> Array {
    cross_correlation(image, kernel, 1, padding)
}

fn conv_kernel_flipped(image: &Array, kernel: &Array, stride: usize, padding: usize) -> Array {
    let conv = Conv2d {
        stride: [stride; 2],
        padding: [padding; 2],
        kernel: Kernel::Convolution,
        ..Conv2d::default()
    };
    convolve(&conv, image, kernel)
}

/// The plain loops, with the three places where they go wrong left open.
fn loops(
    image: &Array,
    kernel: &Array,
    stride: usize,
    padding: usize,
    out: [usize; 2],
    copied: bool,
) -> Array {
    let [h, w] = [image.shape()[0], image.shape()[1]];
    let padded = Array::from_fn(&[h + 2 * padding, w + 2 * padding], |i| {
        let inside = (padding..padding + h).contains(&i[0]) && (padding..padding + w).contains(&i[1]);
        if inside && copied { image[[i[0] - padding, i[1] - padding]] } else { 0.0 }
    });
    Array::from_fn(&out, |o| {
        let mut sum = 0.0;
        for u in 0..kernel.shape()[0] {
            for v in 0..kernel.shape()[1] {
                let (a, b) = (o[0] * stride + u, o[1] * stride + v);
                if a < padded.shape()[0] && b < padded.shape()[1] {
                    sum += padded[[a, b]] * kernel[[u, v]];
                }
            }
        }
        sum
    })
}

fn out_size(image: &Array, kernel: &Array, stride: usize, padding: usize, axes: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|i| (image.shape()[i] + 2 * padding - kernel.shape()[axes[i]]) / stride + 1)
}

fn conv_by_plain_loops(image: &Array, kernel: &Array, stride: usize, padding: usize) -> Array {
    loops(image, kernel, stride, padding, out_size(image, kernel, stride, padding, [0, 1]), true)
}

fn conv_loop_bounds_over_the_input(image: &Array, kernel: &Array, stride: usize, padding: usize) -> Array {
    loops(image, kernel, stride, padding, [image.shape()[0], image.shape()[1]], true)
}

fn conv_image_never_copied_into_its_padding(
    image: &Array,
    kernel: &Array,
    stride: usize,
    padding: usize,
) -> Array {
    loops(image, kernel, stride, padding, out_size(image, kernel, stride, padding, [0, 1]), padding == 0)
}

fn conv_output_width_from_the_kernels_height(
    image: &Array,
    kernel: &Array,
    stride: usize,
    padding: usize,
) -> Array {
    loops(image, kernel, stride, padding, out_size(image, kernel, stride, padding, [0, 0]), true)
}

#[test]
fn convolution_traps() {
    assert!(is_cross_correlation(cross_correlation));
    assert!(is_cross_correlation(conv_by_plain_loops));
    assert!(!is_cross_correlation(conv_stride_ignored));
    assert!(!is_cross_correlation(conv_kernel_flipped));
    assert!(!is_cross_correlation(conv_loop_bounds_over_the_input));
    assert!(!is_cross_correlation(conv_image_never_copied_into_its_padding));
    assert!(!is_cross_correlation(conv_output_width_from_the_kernels_height));
}

// ---- regression ------------------------------------------------------------------------------------------------------

type Descent = fn(&[f64], &[f64], f64, usize) -> f64;

/// The weight that descent over single samples reaches on y = 2 x.
fn is_per_sample_descent(f: Descent) -> bool {
    (f(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], 0.01, 100) - 1.9999999999999236).abs() < 1e-15
}

fn full_batch_descent_under_the_name_of_stochastic(x: &[f64], y: &[f64], lr: f64, epochs: usize) -> f64 {
    let gradient = |w: f64| x.iter().zip(y).map(|(x, y)| 2.0 * x * (w * x - y)).sum::<f64>() / x.len() as f64;
    (0..epochs).fold(1.0, |w, _| w - lr * gradient(w))
}

#[test]
fn stochastic_descent_traps() {
    let right: Descent =
        |x, y, lr, epochs| per_sample_descent(1.0, x, y, lr, epochs, &mut silent()).unwrap().w;
    assert!(is_per_sample_descent(right));
    assert!(!is_per_sample_descent(full_batch_descent_under_the_name_of_stochastic));
}

/// Probabilities of the three points after training, from the known weight and intercept.
fn is_logistic_regression(predict: impl Fn(&Array, &Array) -> Array) -> bool {
    let (x, y) = (Array::matrix([[1.0], [2.0], [3.0]]), Array::matrix([[0.0], [0.0], [1.0]]));
    let known = x.map(|x| logistic(1.198950450486879 * x - 2.8964317883859096));
    near(&predict(&x, &y), &known, 1e-12)
}

const DESCENT: LogisticDescent =
    LogisticDescent { learning_rate: 0.01, steps: 1000, reduction: Reduction::Sum, l2: 0.0 };

fn logistic_regression(x: &Array, y: &Array) -> Array {
    DESCENT.fit(x, y, &mut silent()).unwrap().probabilities(x).unwrap()
}

/// Trains w alone, then predicts with an intercept that was never trained.
fn logistic_regression_with_intercept_only_at_prediction(x: &Array, y: &Array) -> Array {
    let w = (0..1000).fold(0.0, |w: f64, _| {
        let gradient: f64 = x.data().iter().zip(y.data()).map(|(x, y)| (logistic(w * x) - y) * x).sum();
        w - 0.01 * gradient
    });
    let theta = [0.0, w];
    x.map(|x| logistic(theta[0] + theta[1] * x))
}

#[test]
fn logistic_regression_traps() {
    assert!(is_logistic_regression(logistic_regression));
    assert!(!is_logistic_regression(logistic_regression_with_intercept_only_at_prediction));
}
