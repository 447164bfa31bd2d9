//! Every backward against finite differences, with a linear layer before the block, so that a wrong input gradient
//! shows.

use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    Activation, Arithmetic, Array, BatchNorm, BinaryCrossEntropy, Conv2d, CrossEntropy, Elementwise, Kernel,
    LayerNorm, LogGuard, MersenneTwister, Mse, NllLoss, Objective, Pool, Pool2d, Reduce, Reduction, Result,
    Sigmoid, Targets, Ties, Trace, TwoLayerNetwork, WeightLayout, dropout, dropout_backward, flatten,
    flatten_backward, linear, linear_backward, log_softmax, log_softmax_backward, matmul, matmul_backward,
    softmax, softmax_backward,
};

fn silent() -> Trace {
    Trace::silent()
}

fn dot(a: &Array, b: &Array) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum()
}

/// Puts z = W x + c before the block and a weighted sum behind it; compares dx and dW with finite differences.
/// `backward` gets z and the gradient of the block's output, and returns the gradient of z.
#[track_caller]
fn check(
    name: &str,
    shape: &[usize],
    forward: impl Fn(&Array) -> Result<Array>,
    backward: impl Fn(&Array, &Array) -> Result<Array>,
) {
    let n: usize = shape.iter().product();
    let mut random = MersenneTwister::new(name.len() as u32 + 7 * n as u32);
    let x = random.randn(&[n]);
    let w = random.randn(&[n, n]).map(|w| w / (n as f64).sqrt());
    let c = random.randn(&[n]);
    let before = |x: &Array, w: &Array| {
        linear(x, w, Some(&c), WeightLayout::OutIn, &mut silent()).and_then(|z| z.reshape(shape))
    };
    let z = before(&x, &w).unwrap();
    let r = random.randn(forward(&z).unwrap().shape());
    let dz = backward(&z, &r).unwrap();
    assert_eq!(dz.shape(), shape, "{name}");
    let ours =
        linear_backward(&x, &w, WeightLayout::OutIn, &dz.reshape(&[n]).unwrap(), &mut silent()).unwrap();
    let dx = finite_differences(&x, |x| Ok(dot(&forward(&before(x, &w)?)?, &r))).unwrap();
    let dw = finite_differences(&w, |w| Ok(dot(&forward(&before(&x, w)?)?, &r))).unwrap();
    for (what, ours, numeric) in [("dx", &ours.input, &dx), ("dW", &ours.weight, &dw)] {
        let difference = largest_difference(ours, numeric);
        assert!(difference < 1e-7, "{name}, {what}: {difference:e}");
    }
}

/// Compares a parameter's gradient with finite differences of dot(forward(parameter), r).
#[track_caller]
fn check_parameter(
    name: &str,
    at: &Array,
    r: &Array,
    ours: &Array,
    forward: impl Fn(&Array) -> Result<Array>,
) {
    let numeric = finite_differences(at, |p| Ok(dot(&forward(p)?, r))).unwrap();
    let difference = largest_difference(ours, &numeric);
    assert!(difference < 1e-7, "{name}: {difference:e}");
}

#[test]
fn softmax_along_each_axis() {
    for axis in [0, 1, -1] {
        check(
            "softmax",
            &[2, 3, 2],
            |z| softmax(z, axis, &mut silent()),
            |z, dp| softmax_backward(&softmax(z, axis, &mut silent())?, dp, axis, &mut silent()),
        );
        check(
            "log_softmax",
            &[2, 3, 2],
            |z| log_softmax(z, axis, &mut silent()),
            |z, d| log_softmax_backward(&log_softmax(z, axis, &mut silent())?, d, axis, &mut silent()),
        );
    }
}

#[test]
fn losses_under_every_reduction() {
    let y = MersenneTwister::new(5).rand(&[4, 3]);
    let y = y.zip(&y.sum_along(&[1]), |y, s| y / s).unwrap();
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        for half in [false, true] {
            let mse = Mse { half, reduction };
            check(
                "mse",
                &[4, 3],
                |z| mse.forward(z, &y, &mut silent()),
                |z, d| mse.backward(z, &y, d, &mut silent()),
            );
        }
        let bce = BinaryCrossEntropy { reduction };
        check(
            "bce",
            &[4, 3],
            |z| bce.forward(z, &y, &mut silent()),
            |z, d| bce.backward(z, &y, d, &mut silent()),
        );
        let p = |z: &Array| Activation::Logistic.forward(z, &mut silent());
        check(
            "bce of probabilities",
            &[4, 3],
            |z| bce.forward_probabilities(&p(z), &y, &mut silent()),
            |z, d| {
                let dp = bce.backward_probabilities(&p(z), &y, d, &mut silent())?;
                Activation::Logistic.backward(z, &dp, &mut silent())
            },
        );
        for class_weights in [None, Some(vec![0.5, 2.0, 1.5])] {
            let nll = NllLoss { class_weights, reduction, ignore_index: 1 };
            for (shape, classes) in
                [(&[4, 3][..], &[0, 2, 1, 2][..]), (&[2, 3, 2], &[2, 0, 1, 1]), (&[3], &[2])]
            {
                check(
                    "nll",
                    shape,
                    |z| nll.forward(z, classes, &mut silent()),
                    |z, d| nll.backward(z, classes, d, &mut silent()),
                );
            }
        }
        for (class_weights, label_smoothing) in [(None, 0.0), (Some(vec![0.5, 2.0, 1.5]), 0.2)] {
            let loss = CrossEntropy { class_weights, label_smoothing, reduction, ignore_index: 1 };
            for targets in [Targets::Classes(&[0, 2, 1, 2]), Targets::Distribution(&y)] {
                check(
                    "cross entropy",
                    &[4, 3],
                    |z| loss.forward(z, targets, &mut silent()),
                    |z, d| loss.backward(z, targets, d, &mut silent()),
                );
                let guard = LogGuard { clip: 1e-12, inside: 1e-9 };
                let soft = |z: &Array| softmax(z, -1, &mut silent());
                check(
                    "cross entropy of probabilities",
                    &[4, 3],
                    |z| loss.forward_probabilities(&soft(z)?, targets, guard, &mut silent()),
                    |z, d| {
                        let p = soft(z)?;
                        let dp = loss.backward_probabilities(&p, targets, guard, d, &mut silent())?;
                        softmax_backward(&p, &dp, -1, &mut silent())
                    },
                );
            }
        }
    }
}

#[test]
fn activations_and_sigmoids() {
    let activations = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Elu { alpha: 0.7 },
        Activation::Selu,
        Activation::Logistic,
        Activation::Tanh,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Softplus { beta: 1.5, threshold: 20.0 },
        Activation::Mish,
        Activation::Hardswish,
        Activation::Softsign,
    ];
    let sigmoids = Sigmoid::ALL.iter().map(|s| s as &dyn Elementwise);
    for f in activations.iter().map(|a| a as &dyn Elementwise).chain(sigmoids) {
        check(
            f.formulas()[0],
            &[3, 4],
            |z| Ok(f.forward(z, &mut silent())),
            |z, d| f.backward(z, d, &mut silent()),
        );
    }
}

#[test]
fn broadcast_arithmetic_on_either_side() {
    use Arithmetic::{Add, Div, FloorDivide, Fmod, Mul, Pow, Remainder, Sub};
    for operation in [Add, Sub, Mul, Div, Pow, FloorDivide, Remainder, Fmod] {
        for shape in [vec![3], vec![2, 1], vec![2, 3], vec![2, 2, 1]] {
            // Away from 0, where quotients and powers have their poles.
            let other = MersenneTwister::new(2).rand(&shape).map(|u| 1.0 + u);
            let positive = |z: &Array| z.map(|z| 1.5 + z.tanh());
            let slope = |z: &Array, d: &Array| z.zip(d, |z, d| d * (1.0 - z.tanh().powi(2)));
            check(
                "left",
                &[2, 3],
                |z| operation.forward(&positive(z), &other, &mut silent()),
                |z, d| slope(z, &operation.backward(&positive(z), &other, d, &mut silent())?.0),
            );
            check(
                "right",
                &[2, 3],
                |z| operation.forward(&other, &positive(z), &mut silent()),
                |z, d| slope(z, &operation.backward(&other, &positive(z), d, &mut silent())?.1),
            );
        }
    }
}

#[test]
fn reductions_over_axes() {
    let reductions = [
        Reduce::Sum,
        Reduce::Mean,
        Reduce::Variance { correction: 0 },
        Reduce::Variance { correction: 1 },
        Reduce::Max { ties: Ties::Even },
        Reduce::Max { ties: Ties::First },
    ];
    for reduce in reductions {
        for axes in [vec![], vec![0], vec![-1], vec![0, 2], vec![1, 2]] {
            check(
                "reduce",
                &[2, 3, 2],
                |z| reduce.forward(z, &axes, &mut silent()),
                |z, d| reduce.backward(z, &axes, d, &mut silent()),
            );
        }
    }
}

#[test]
fn matrix_products_and_linear_layers() {
    let mut random = MersenneTwister::new(4);
    for (shape, other) in [(vec![2, 3], vec![3, 4]), (vec![2, 2, 3], vec![3, 2]), (vec![1, 3], vec![4, 3, 2])]
    {
        let b = random.randn(&other);
        check(
            "matmul, left",
            &shape,
            |z| matmul(z, &b, &mut silent()),
            |z, d| Ok(matmul_backward(z, &b, d, &mut silent())?.0),
        );
        let a = random.randn(&shape);
        check(
            "matmul, right",
            &other,
            |z| matmul(&a, z, &mut silent()),
            |z, d| Ok(matmul_backward(&a, z, d, &mut silent())?.1),
        );
    }
    for (layout, shape) in [(WeightLayout::OutIn, [2, 3]), (WeightLayout::InOut, [3, 2])] {
        let (x, w, b) = (random.randn(&[2, 2, 3]), random.randn(&shape), random.randn(&[2]));
        let forward = |x: &Array, w: &Array, b: &Array| linear(x, w, Some(b), layout, &mut silent());
        check(
            "linear",
            &[2, 2, 3],
            |z| forward(z, &w, &b),
            |z, d| Ok(linear_backward(z, &w, layout, d, &mut silent())?.input),
        );
        let r = random.randn(&[2, 2, 2]);
        let g = linear_backward(&x, &w, layout, &r, &mut silent()).unwrap();
        check_parameter("linear, weight", &w, &r, &g.weight, |w| forward(&x, w, &b));
        check_parameter("linear, bias", &b, &r, &g.bias, |b| forward(&x, &w, b));
    }
}

#[test]
fn convolutions_both_ways() {
    for kernel in [Kernel::CrossCorrelation, Kernel::Convolution] {
        for (stride, padding, dilation, groups) in
            [([1, 1], [0, 0], [1, 1], 1), ([2, 1], [1, 2], [1, 1], 2), ([1, 2], [2, 1], [2, 1], 1)]
        {
            let conv = Conv2d { stride, padding, dilation, groups, kernel };
            let mut random = MersenneTwister::new(9);
            let (x, b) = (random.randn(&[1, 2, 4, 3]), random.randn(&[2]));
            let w = random.randn(&[2, 2 / groups, 2, 2]);
            let loops = |x: &Array, w: &Array, b: &Array| conv.forward(x, w, Some(b), &mut silent());
            check(
                "conv2d",
                &[1, 2, 4, 3],
                |z| loops(z, &w, &b),
                |z, d| Ok(conv.backward(z, &w, d, &mut silent())?.input),
            );
            let y = loops(&x, &w, &b).unwrap();
            let columns = conv.forward_im2col(&x, &w, Some(&b), &mut silent()).unwrap();
            assert!(largest_difference(&y, &columns) < 1e-14);
            let r = random.randn(y.shape());
            let g = conv.backward(&x, &w, &r, &mut silent()).unwrap();
            let h = conv.backward_im2col(&x, &w, &r, &mut silent()).unwrap();
            for (a, b) in [(&g.input, &h.input), (&g.weight, &h.weight), (&g.bias, &h.bias)] {
                assert!(largest_difference(a, b) < 1e-13);
            }
            check_parameter("conv2d, weight", &w, &r, &g.weight, |w| loops(&x, w, &b));
            check_parameter("conv2d, bias", &b, &r, &g.bias, |b| loops(&x, &w, b));
        }
    }
}

#[test]
fn pooling_overlapping_and_padded() {
    for kind in [Pool::Max, Pool::Average { count_padding: true }, Pool::Average { count_padding: false }] {
        for (kernel, stride, padding) in [([2, 2], [2, 2], [0, 0]), ([3, 2], [1, 2], [1, 1])] {
            let pool = Pool2d { stride, padding, ..Pool2d::new(kind, kernel) };
            check(
                "pool2d",
                &[1, 2, 4, 3],
                |z| pool.forward(z, &mut silent()),
                |z, d| pool.backward(z, d, &mut silent()),
            );
        }
    }
}

#[test]
fn normalisations_in_training_and_evaluation() {
    for shape in [vec![5, 2], vec![2, 2, 3], vec![2, 2, 2, 2]] {
        let mut random = MersenneTwister::new(6);
        let layer = BatchNorm {
            gamma: random.randn(&[2]),
            beta: random.randn(&[2]),
            running_mean: random.randn(&[2]),
            running_var: random.rand(&[2]),
            ..BatchNorm::new(2)
        };
        check(
            "batch norm, training",
            &shape,
            |z| layer.clone().forward_train(z, &mut silent()),
            |z, d| Ok(layer.backward_train(z, d, &mut silent())?.input),
        );
        check(
            "batch norm, evaluation",
            &shape,
            |z| layer.forward_eval(z, &mut silent()),
            |z, d| Ok(layer.backward_eval(z, d, &mut silent())?.input),
        );
        let (x, r) = (random.randn(&shape), random.randn(&shape));
        let with = |gamma: &Array, beta: &Array| BatchNorm {
            gamma: gamma.clone(),
            beta: beta.clone(),
            ..layer.clone()
        };
        let g = layer.backward_train(&x, &r, &mut silent()).unwrap();
        check_parameter("gamma", &layer.gamma, &r, &g.gamma, |p| {
            with(p, &layer.beta).forward_train(&x, &mut silent())
        });
        check_parameter("beta", &layer.beta, &r, &g.beta, |p| {
            with(&layer.gamma, p).forward_train(&x, &mut silent())
        });
    }
    for normalized in [vec![4], vec![3, 4]] {
        let mut random = MersenneTwister::new(8);
        let layer =
            LayerNorm { gamma: random.randn(&normalized), beta: random.randn(&normalized), eps: 1e-5 };
        check(
            "layer norm",
            &[2, 3, 4],
            |z| layer.forward(z, &mut silent()),
            |z, d| Ok(layer.backward(z, d, &mut silent())?.input),
        );
        let (x, r) = (random.randn(&[2, 3, 4]), random.randn(&[2, 3, 4]));
        let g = layer.backward(&x, &r, &mut silent()).unwrap();
        check_parameter("gamma", &layer.gamma, &r, &g.gamma, |p| {
            LayerNorm { gamma: p.clone(), ..layer.clone() }.forward(&x, &mut silent())
        });
        check_parameter("beta", &layer.beta, &r, &g.beta, |p| {
            LayerNorm { beta: p.clone(), ..layer.clone() }.forward(&x, &mut silent())
        });
    }
}

#[test]
fn dropout_and_flatten() {
    let mask = Array::matrix([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]);
    check(
        "dropout",
        &[2, 3],
        |z| dropout(z, &mask, 0.4, &mut silent()),
        |_, d| dropout_backward(d, &mask, 0.4, &mut silent()),
    );
    check(
        "flatten",
        &[2, 3, 2],
        |z| flatten(z, 1, -1, &mut silent()),
        |z, d| flatten_backward(z.shape(), d, &mut silent()),
    );
}

#[test]
fn two_layer_network_parameters_and_input() {
    for objective in [Objective::BinaryCrossEntropy, Objective::SquaredError] {
        let mut random = MersenneTwister::new(10);
        let network = TwoLayerNetwork {
            w1: random.randn(&[3, 4]),
            b1: random.randn(&[4]),
            w2: random.randn(&[4, 2]),
            b2: random.randn(&[2]),
            objective,
        };
        let x = random.randn(&[5, 3]);
        let y = random.rand(&[5, 2]).map(f64::round);
        let loss = |network: &TwoLayerNetwork, x: &Array| {
            let activations = network.forward(x, &mut silent())?;
            network.loss(&activations, &y, &mut silent()).map(Array::scalar)
        };
        let activations = network.forward(&x, &mut silent()).unwrap();
        let g = network.backward(&x, &activations, &y, &mut silent()).unwrap();
        let one = Array::scalar(1.0);
        check_parameter("input", &x, &one, &g.input, |x| loss(&network, x));
        check_parameter("W1", &network.w1, &one, &g.w1, |w| {
            loss(&TwoLayerNetwork { w1: w.clone(), ..network.clone() }, &x)
        });
        check_parameter("b1", &network.b1, &one, &g.b1, |b| {
            loss(&TwoLayerNetwork { b1: b.clone(), ..network.clone() }, &x)
        });
        check_parameter("W2", &network.w2, &one, &g.w2, |w| {
            loss(&TwoLayerNetwork { w2: w.clone(), ..network.clone() }, &x)
        });
        check_parameter("b2", &network.b2, &one, &g.b2, |b| {
            loss(&TwoLayerNetwork { b2: b.clone(), ..network.clone() }, &x)
        });
    }
}
