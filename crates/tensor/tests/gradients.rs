//! Every differentiable operator against finite differences in f64, with an operation before it (so that its input
//! gradient, not only its parameters', is seen), on contiguous and strided inputs.

use barehand_kernels::random::RandomState;
use barehand_tensor::{
    AvgPool1dOptions, AvgPool2dOptions, Conv1dOptions, Conv2dOptions, ConvKernel, ConvTranspose1dOptions,
    ConvTranspose2dOptions, CrossEntropyOptions, Gate, Index, MaxPool1dOptions, MaxPool2dOptions,
    NllLossOptions, PadMode, PairLoss, RecurrentCell, RecurrentWeights, Reduction, Result, Targets, Tensor,
    check_gradients, concat, einsum, stack, where_,
};

/// Distinct values in [-2, 2] without ties, away from the kinks at 0 and ±1.
fn values(seed: u32, shape: &[usize]) -> Tensor<f64> {
    let mut stream = RandomState::new(seed);
    let n = shape.iter().product();
    let order = stream.permutation(n);
    let spread = |i: usize| {
        let x = -2.0 + 4.0 * (i as f64 + 0.5) / n.max(1) as f64;
        let near = |k: f64| (x - k).abs() < 0.02;
        if near(0.0) || near(1.0) || near(-1.0) { x + 0.05 } else { x }
    };
    Tensor::from_vec(order.into_iter().map(spread).collect(), shape).unwrap()
}

fn positive(seed: u32, shape: &[usize]) -> Tensor<f64> {
    values(seed, shape).abs().unwrap().add_scalar(0.3).unwrap()
}

fn check(inputs: &[Tensor<f64>], f: impl Fn(&[Tensor<f64>]) -> Result<Tensor<f64>>) {
    let report = check_gradients(f, inputs, 2e-6).unwrap();
    assert!(report.compared > 0 || inputs.iter().all(Tensor::is_empty));
}

/// A smooth one-to-one layer that keeps values away from kinks where they were.
fn before(x: &Tensor<f64>) -> Result<Tensor<f64>> {
    x.mul_scalar(1.25)?.add(&x.square()?.mul(x)?.mul_scalar(0.05)?)
}

type Unary = fn(&Tensor<f64>) -> Result<Tensor<f64>>;

#[test]
fn functions_of_one_number() {
    let anywhere: &[(&str, Unary)] = &[
        ("neg", Tensor::neg),
        ("abs", Tensor::abs),
        ("square", Tensor::square),
        ("exp", Tensor::exp),
        ("expm1", Tensor::expm1),
        ("sin", Tensor::sin),
        ("cos", Tensor::cos),
        ("atan", Tensor::atan),
        ("asinh", Tensor::asinh),
        ("asin", |x| x.tanh()?.mul_scalar(0.9)?.asin()),
        ("acos", |x| x.tanh()?.mul_scalar(0.9)?.acos()),
        ("acosh", |x| x.square()?.add_scalar(1.5)?.acosh()),
        ("atanh", |x| x.tanh()?.mul_scalar(0.9)?.atanh()),
        ("sinh", Tensor::sinh),
        ("cosh", Tensor::cosh),
        ("tanh", Tensor::tanh),
        ("erf", Tensor::erf),
        ("sigmoid", Tensor::sigmoid),
        ("log_sigmoid", Tensor::log_sigmoid),
        ("relu", Tensor::relu),
        ("selu", Tensor::selu),
        ("gelu", Tensor::gelu),
        ("gelu_tanh", Tensor::gelu_tanh),
        ("silu", Tensor::silu),
        ("mish", Tensor::mish),
        ("hardswish", Tensor::hardswish),
        ("softsign", Tensor::softsign),
        ("relu6", |x| x.mul_scalar(4.1)?.relu6()),
        ("hardsigmoid", |x| x.mul_scalar(2.3)?.hardsigmoid()),
        ("hardtanh", |x| x.hardtanh(-1.33, 0.77)),
        ("celu", |x| x.celu(0.7)),
        ("threshold", |x| x.threshold(0.37, -3.0)),
        ("softshrink", |x| x.softshrink(0.37)),
        ("hardshrink", |x| x.hardshrink(0.37)),
        ("tanhshrink", Tensor::tanhshrink),
        ("erf_sigmoid", Tensor::erf_sigmoid),
        ("erf_sigmoid_printed", Tensor::erf_sigmoid_printed),
        ("gudermannian", Tensor::gudermannian),
        ("algebraic_sigmoid", Tensor::algebraic_sigmoid),
        ("arctangent_sigmoid", Tensor::arctangent_sigmoid),
        ("leaky_relu", |x| x.leaky_relu(0.1)),
        ("elu", |x| x.elu(0.7)),
        ("softplus", |x| x.softplus(1.5, 20.0)),
        ("add_scalar", |x| x.add_scalar(0.3)),
        ("mul_scalar", |x| x.mul_scalar(-1.7)),
        ("div_scalar", |x| x.div_scalar(0.7)),
        ("affine", |x| x.affine(2.0, 1.0)),
        ("scalar_sub", |x| x.scalar_sub(1.0)),
        ("clamp", |x| x.clamp(-1.33, 0.77)),
        ("pow_scalar", |x| x.pow_scalar(3.0)),
    ];
    for (name, f) in anywhere {
        for shape in [&[2, 3, 4][..], &[1], &[0, 3], &[5]] {
            println!("{name} {shape:?}");
            check(&[values(1, shape)], |x| f(&before(&x[0])?));
        }
        check(&[values(2, &[4, 3])], |x| f(&before(&x[0].t()?)?));
    }
    let above_zero: &[(&str, Unary)] = &[
        ("sqrt", Tensor::sqrt),
        ("rsqrt", Tensor::rsqrt),
        ("recip", Tensor::recip),
        ("ln", Tensor::ln),
        ("log1p", Tensor::log1p),
        ("log2", Tensor::log2),
        ("log10", Tensor::log10),
        ("tan", |x| x.mul_scalar(0.3)?.tan()),
        ("scalar_div", |x| x.scalar_div(2.0)),
        ("pow_scalar", |x| x.pow_scalar(-1.5)),
    ];
    for (name, f) in above_zero {
        println!("{name}");
        check(&[positive(3, &[2, 5])], |x| f(&before(&x[0])?));
        check(&[positive(4, &[3, 2])], |x| f(&before(&x[0].t()?)?));
    }
}

#[test]
fn gates_learned_slopes_and_lengths() {
    for gate in [Gate::Sigmoid, Gate::Silu, Gate::Gelu, Gate::GeluTanh, Gate::Relu] {
        for (gate_first, axis) in [(true, -1), (false, 0), (true, 1)] {
            for shape in [&[2, 4, 6][..], &[4, 0, 2], &[2, 2, 2]] {
                check(&[values(5, shape)], |x| before(&x[0])?.gated_linear_unit(gate, gate_first, axis));
            }
            check(&[values(6, &[4, 6])], |x| {
                before(&x[0].t()?)?.gated_linear_unit(gate, gate_first, axis.min(1))
            });
        }
    }
    for (shape, slopes) in [(&[3, 4][..], 4), (&[3, 4], 1), (&[2, 3, 2], 3), (&[5], 1), (&[0, 3], 3)] {
        check(&[values(7, shape), values(8, &[slopes])], |x| before(&x[0])?.prelu(&x[1]));
    }
    check(&[values(9, &[3, 4])], |x| before(&x[0])?.softmin(1));
    for p in [1.0, 1.5, 2.0, 3.0, f64::INFINITY] {
        for (shape, axis) in [(&[3, 4][..], -1), (&[3, 4], 0), (&[2, 1, 3], 1), (&[0, 3], 1)] {
            for keepdim in [false, true] {
                check(&[values(10, shape)], |x| before(&x[0])?.vector_norm(p, axis, keepdim));
            }
        }
    }
}

#[test]
fn losses_of_pairs() {
    let losses = [
        PairLoss::Squared,
        PairLoss::Absolute,
        PairLoss::SmoothL1(0.3),
        PairLoss::Huber(0.3),
        PairLoss::Hinge(0.9),
        PairLoss::SoftMargin,
        PairLoss::KlDivergenceOfLogs,
        PairLoss::PoissonNll { log_input: true, full: false, eps: 1e-8 },
        PairLoss::BayesianRanking,
        PairLoss::BceWithLogits,
        PairLoss::Focal { gamma: 2.0, positive: 0.25, negative: 0.75 },
    ];
    for loss in losses {
        for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
            for shape in [&[2, 3, 4][..], &[1], &[0, 3], &[]] {
                if reduction == Reduction::Mean && shape.contains(&0) {
                    continue;
                }
                println!("{} {reduction:?} {shape:?}", loss.name());
                // Targets of the focal loss lie between 0 and 1.
                let target = positive(12, shape).mul_scalar(0.4).unwrap();
                check(&[values(11, shape), target], |x| before(&x[0])?.pair_loss(&x[1], loss, reduction));
            }
            let target = positive(14, &[3, 2]).mul_scalar(0.4).unwrap();
            check(&[values(13, &[2, 3]), target], |x| before(&x[0].t()?)?.pair_loss(&x[1], loss, reduction));
        }
    }
}

#[test]
fn functions_of_two_numbers_with_broadcasting() {
    type Binary = fn(&Tensor<f64>, &Tensor<f64>) -> Result<Tensor<f64>>;
    let functions: &[(&str, Binary)] = &[
        ("add", Tensor::add),
        ("sub", Tensor::sub),
        ("mul", Tensor::mul),
        ("div", Tensor::div),
        ("pow", Tensor::pow),
        ("floor_divide", Tensor::floor_divide),
        ("remainder", Tensor::remainder),
        ("fmod", Tensor::fmod),
        ("maximum", Tensor::maximum),
        ("minimum", Tensor::minimum),
        ("atan2", Tensor::atan2),
        ("squared_error", Tensor::squared_error),
        ("bce_with_logits", Tensor::binary_cross_entropy_with_logits),
    ];
    let shapes: &[(&[usize], &[usize])] = &[
        (&[2, 3], &[2, 3]),
        (&[2, 3], &[3]),
        (&[2, 1, 3], &[4, 1]),
        (&[], &[2, 2]),
        (&[3, 1], &[1, 4]),
        (&[0, 2], &[2]),
    ];
    for (name, f) in functions {
        for (a, b) in shapes {
            println!("{name} {a:?} {b:?}");
            // Offset so that no element of one equals one of the other.
            let (x, y) =
                (positive(5, a), positive(6, b).mul_scalar(0.83).unwrap().add_scalar(0.011).unwrap());
            check(&[x, y], |i| f(&before(&i[0])?, &before(&i[1])?));
        }
        check(&[positive(7, &[3, 2]), positive(8, &[2, 3]).mul_scalar(0.77).unwrap()], |i| {
            f(&i[0].t()?, &before(&i[1])?)
        });
    }
    let p = values(9, &[3, 4]).sigmoid().unwrap();
    let t = values(10, &[3, 4]).sigmoid().unwrap();
    check(&[p, t], |i| i[0].binary_cross_entropy(&i[1]));
}

#[test]
fn one_tensor_used_twice_gets_both_gradients() {
    check(&[values(11, &[3, 3])], |x| before(&x[0])?.mul(&x[0])?.add(&x[0].matmul(&x[0].t()?)?));
}

#[test]
fn matrix_products() {
    let shapes: &[(&[usize], &[usize])] = &[
        (&[2, 3], &[3, 4]),
        (&[3], &[3]),
        (&[3], &[3, 2]),
        (&[2, 3], &[3]),
        (&[2, 2, 3], &[3, 4]),
        (&[2, 2, 3], &[2, 3, 2]),
        (&[2, 1, 2, 3], &[3, 3, 2]),
        (&[2, 3], &[2, 3, 2]),
        (&[1, 1], &[1, 1]),
        (&[2, 0], &[0, 3]),
    ];
    for (a, b) in shapes {
        println!("{a:?} {b:?}");
        check(&[values(12, a), values(13, b)], |i| before(&i[0])?.matmul(&before(&i[1])?));
    }
    check(&[values(14, &[3, 2]), values(15, &[4, 3])], |i| i[0].t()?.matmul(&i[1].t()?));
    check(&[values(16, &[2, 3, 4]), values(17, &[2, 3, 4])], |i| i[0].matmul(&i[1].t()?));
    for x in [&[5, 3][..], &[2, 2, 3], &[3]] {
        let (w, b) = (values(18, &[4, 3]), values(19, &[4]));
        check(&[values(20, x), w.clone(), b], |i| before(&i[0])?.linear(&before(&i[1])?, Some(&i[2])));
        check(&[values(20, x), w], |i| before(&i[0])?.linear(&i[1], None));
    }
}

#[test]
fn einstein_sums() {
    let cases: &[(&str, &[&[usize]])] = &[
        ("ij,jk->ik", &[&[2, 3], &[3, 2]]),
        ("ij,jk", &[&[2, 3], &[3, 2]]),
        ("bij,bjk->bik", &[&[2, 2, 3], &[2, 3, 2]]),
        ("ii->i", &[&[3, 3]]),
        ("ii", &[&[3, 3]]),
        ("ij->ji", &[&[2, 3]]),
        ("ij->", &[&[2, 3]]),
        ("i,j->ij", &[&[2], &[3]]),
        ("bhqd,bhkd->bhqk", &[&[1, 2, 2, 3], &[1, 2, 3, 3]]),
        ("...ij,...jk->...ik", &[&[2, 2, 3], &[3, 2]]),
        ("ij,jk,kl->il", &[&[2, 2], &[2, 3], &[3, 2]]),
        ("iij,j->i", &[&[2, 2, 3], &[3]]),
    ];
    for (equation, shapes) in cases {
        println!("{equation}");
        let inputs: Vec<Tensor<f64>> =
            shapes.iter().enumerate().map(|(i, s)| values(30 + i as u32, s)).collect();
        check(&inputs, |x| {
            let x = x.iter().map(before).collect::<Result<Vec<_>>>()?;
            einsum(equation, &x.iter().collect::<Vec<_>>())
        });
    }
}

#[test]
fn reductions() {
    let x = || values(40, &[2, 3, 4]);
    check(&[x()], |x| before(&x[0])?.sum());
    check(&[x()], |x| before(&x[0])?.sum_dim([0, 2], false));
    check(&[x()], |x| before(&x[0])?.sum_dim(-2, true));
    check(&[x()], |x| before(&x[0])?.mean());
    check(&[x()], |x| before(&x[0])?.mean_dim([1, -1], true));
    check(&[x()], |x| before(&x[0])?.var(1.0));
    check(&[x()], |x| before(&x[0])?.var_dim([0, 1], 0.0, false));
    check(&[x()], |x| before(&x[0])?.std_dim(-1, 1.0, true));
    check(&[x()], |x| before(&x[0])?.std(0.0));
    check(&[x()], |x| before(&x[0])?.max());
    check(&[x()], |x| before(&x[0])?.min());
    check(&[x()], |x| before(&x[0])?.amax([0, 1], true));
    check(&[x()], |x| before(&x[0])?.amin(1, false));
    check(&[x()], |x| Ok(before(&x[0])?.max_dim(1, false)?.0));
    check(&[x()], |x| Ok(before(&x[0])?.min_dim(-1, true)?.0));
    check(&[x()], |x| before(&x[0])?.prod_dim(1, false));
    check(&[values(41, &[4])], |x| before(&x[0])?.prod());
    check(&[x()], |x| before(&x[0])?.cumsum(1));
    check(&[x()], |x| before(&x[0])?.logsumexp(0, true));
    check(&[x()], |x| before(&x[0])?.logsumexp(-1, false));
    check(&[x()], |x| before(&x[0])?.norm());
    check(&[x()], |x| before(&x[0].transpose(0, 2)?)?.mean_dim(0, false));
    check(&[x()], |x| before(&x[0])?.softmax(-1));
    check(&[x()], |x| before(&x[0])?.softmax(0));
    check(&[x()], |x| before(&x[0])?.log_softmax(1));
    check(&[x()], |x| Ok(before(&x[0])?.sort(1, true)?.0));
    check(&[x()], |x| Ok(before(&x[0])?.topk(2, 2)?.0));
}

#[test]
fn a_product_with_zeros_has_the_right_gradient() {
    let x = Tensor::from([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0]]).requires_grad();
    let gradients = x.prod_dim(1, false).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(gradients.of(&x).unwrap().to_vec(), [6.0_f64, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn views_and_joins() {
    let x = || values(50, &[2, 3, 4]);
    check(&[x()], |x| before(&x[0])?.reshape([4, -1]));
    check(&[x()], |x| before(&x[0].transpose(0, 2)?)?.reshape([-1]));
    check(&[x()], |x| x[0].transpose(0, 2)?.reshape([6, 4])?.square());
    check(&[x()], |x| before(&x[0])?.permute([2, 0, 1]));
    check(&[x()], |x| before(&x[0])?.narrow(1, 1, 2));
    check(&[x()], |x| before(&x[0])?.slice(2, -3, None, 2));
    check(&[x()], |x| before(&x[0])?.select(0, -1));
    check(&[x()], |x| before(&x[0])?.diagonal(0, 2));
    check(&[x()], |x| before(&x[0])?.unsqueeze(1)?.expand([2, 3, 3, 4]));
    check(&[x()], |x| before(&x[0])?.flip(1));
    check(&[x()], |x| before(&x[0])?.roll(-1, 2));
    check(&[x()], |x| before(&x[0])?.tile(&[2, 1, 1, 3]));
    check(&[x()], |x| before(&x[0])?.pad(&[(1, 0), (0, 2), (1, 1)], 3.0));
    check(&[x()], |x| before(&x[0])?.tril(0)?.triu(-1));
    check(&[x()], |x| before(&x[0])?.flatten(1, 2));
    check(&[x(), values(51, &[2, 2, 4])], |x| concat(&[&before(&x[0])?, &before(&x[1])?], 1));
    check(&[x(), values(52, &[2, 3, 4])], |x| stack(&[&before(&x[0])?, &x[1]], -1));
    check(&[x()], |x| {
        let pieces = before(&x[0])?.split(3, 2)?;
        pieces[1].sum()?.mul(&pieces[0].sum()?)
    });
}

#[test]
fn picking_by_index() {
    let x = || values(60, &[3, 4, 2]);
    let rows = Tensor::from([2_i64, 0, 2, -1]);
    check(&[x()], |x| before(&x[0])?.index_select(0, &rows));
    check(&[x()], |x| before(&x[0])?.index_select(1, &rows));
    let picks = Tensor::from([[[1_i64, 0], [3, -1]], [[0, 0], [2, 1]]]);
    check(&[x()], |x| before(&x[0])?.gather(1, &picks));
    check(&[x(), values(61, &[2, 2, 2])], |x| before(&x[0])?.scatter_add(1, &picks, &before(&x[1])?));
    let distinct = Tensor::from([[[1_i64, 0], [3, -1]], [[0, 0], [2, 1]]]);
    check(&[x(), values(62, &[2, 3, 2])], |x| before(&x[0])?.scatter(1, &distinct, &before(&x[1])?));
    let mask = x().gt_scalar(0.3).unwrap();
    check(&[x()], |x| before(&x[0])?.masked_fill(&mask, 7.0));
    check(&[x()], |x| before(&x[0])?.masked_select(&mask));
    check(&[x(), values(63, &[4, 1])], |x| where_(&mask, &before(&x[0])?, &before(&x[1])?));
    let pick = |list: &[i64]| Index::Take(Tensor::from(list));
    check(&[x()], |x| before(&x[0])?.index(&[pick(&[2, 0]), pick(&[1, 3])]));
    check(&[x()], |x| before(&x[0])?.index(&[pick(&[2, 0]), Index::from(..), pick(&[1, 1])]));
    check(&[x()], |x| before(&x[0])?.index(&[Index::from(1..3), pick(&[0, 3, 3]), Index::NewAxis]));
    check(&[x()], |x| before(&x[0])?.index(&[Index::Ellipsis, Index::from(-1)]));
    let leading = Tensor::from_vec((0..12).map(|i| i % 3 != 0).collect(), [3, 4]).unwrap();
    check(&[x()], |x| before(&x[0])?.index(&[Index::Mask(leading.clone())]));
}

#[test]
fn fused_losses() {
    let classes = Tensor::from([2_i64, 0, -100, 1]);
    let weight = Tensor::from([0.5, 2.0, 1.5]);
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        for label_smoothing in [0.0, 0.15] {
            for weight in [None, Some(weight.clone())] {
                let options =
                    CrossEntropyOptions { weight, label_smoothing, reduction, ..Default::default() };
                check(&[values(70, &[4, 3])], |x| before(&x[0])?.cross_entropy(&classes, &options));
                let soft = values(71, &[4, 3]).softmax(-1).unwrap();
                check(&[values(72, &[4, 3])], |x| {
                    before(&x[0])?.cross_entropy(Targets::Probabilities(&soft), &options)
                });
            }
        }
    }
    let pixels = Tensor::from([[[0_i64, 1], [2, 0]], [[1, 1], [0, 2]]]);
    let options = CrossEntropyOptions { reduction: Reduction::None, ..Default::default() };
    check(&[values(73, &[2, 3, 2, 2])], |x| before(&x[0])?.cross_entropy(&pixels, &options));
    check(&[values(76, &[3])], |x| before(&x[0])?.cross_entropy(&Tensor::scalar(2), &options));
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        for weight in [None, Some(weight.clone())] {
            let options = NllLossOptions { weight, reduction, ..Default::default() };
            check(&[values(74, &[4, 3])], |x| before(&x[0])?.nll_loss(&classes, &options));
            check(&[values(74, &[3, 4])], |x| before(&x[0].t()?)?.nll_loss(&classes, &options));
            check(&[values(75, &[2, 3, 2, 2])], |x| before(&x[0])?.nll_loss(&pixels, &options));
            check(&[values(76, &[3])], |x| before(&x[0])?.nll_loss(&Tensor::scalar(2), &options));
        }
    }
}

#[test]
fn normalisations() {
    let (w, b) = (positive(80, &[4]), values(81, &[4]));
    check(&[values(82, &[2, 3, 4]), w.clone(), b.clone()], |x| {
        before(&x[0])?.layer_norm(Some(&x[1]), Some(&x[2]), 1e-5)
    });
    check(&[values(82, &[2, 3, 4]), w], |x| before(&x[0])?.layer_norm(Some(&x[1]), None, 1e-5));
    check(&[values(82, &[2, 3, 4])], |x| before(&x[0])?.layer_norm(None, None, 1e-3));
    let (w2, b2) = (positive(83, &[3, 4]), values(84, &[3, 4]));
    check(&[values(85, &[2, 3, 4]), w2, b2], |x| before(&x[0])?.layer_norm(Some(&x[1]), Some(&x[2]), 1e-5));
    let b3 = values(84, &[2, 3, 4]);
    check(&[values(85, &[2, 3, 4]), b3], |x| before(&x[0])?.layer_norm(None, Some(&x[1]), 1e-5));
    check(&[values(85, &[2, 3, 4])], |x| before(&x[0])?.layer_norm_over(2, None, None, 1e-5));
    for axes in 1..=3 {
        let w = positive(83, &[2, 3, 4][3 - axes..]);
        check(&[values(91, &[2, 3, 4]), w], |x| before(&x[0])?.rms_norm(axes, Some(&x[1]), Some(1e-5)));
        check(&[values(91, &[2, 3, 4])], |x| before(&x[0])?.rms_norm(axes, None, None));
    }
    for (shape, groups) in
        [(&[2, 6, 4][..], 1), (&[2, 6, 4], 3), (&[2, 6, 2, 2], 2), (&[3, 4], 2), (&[2, 2, 1, 5], 2)]
    {
        let channels = shape[1];
        let inputs = [values(92, shape), positive(93, &[channels]), values(94, &[channels])];
        check(&inputs, |x| before(&x[0])?.group_norm(groups, Some(&x[1]), Some(&x[2]), 1e-5));
        check(&inputs[..2], |x| before(&x[0])?.group_norm(groups, Some(&x[1]), None, 1e-5));
        check(&[inputs[0].clone(), inputs[2].clone()], |x| {
            before(&x[0])?.group_norm(groups, None, Some(&x[1]), 1e-5)
        });
        check(&inputs[..1], |x| before(&x[0])?.group_norm(groups, None, None, 1e-3));
    }
    let inputs = [values(95, &[2, 3, 5]), positive(96, &[3]), values(97, &[3])];
    check(&inputs, |x| before(&x[0])?.instance_norm(Some(&x[1]), Some(&x[2]), 1e-5));
    for shape in [&[5, 3][..], &[2, 3, 4], &[2, 3, 2, 2]] {
        let (w, b) = (positive(86, &[3]), values(87, &[3]));
        let x = values(88, shape);
        let inputs = [x.clone(), w, b];
        check(&inputs, |x| Ok(before(&x[0])?.batch_norm_train(Some(&x[1]), Some(&x[2]), 1e-5)?.0));
        check(&[x], |x| Ok(before(&x[0])?.batch_norm_train(None, None, 1e-5)?.0));
        let (mean, var) = (values(89, &[3]), positive(90, &[3]));
        check(&inputs, |x| before(&x[0])?.batch_norm_eval(&mean, &var, Some(&x[1]), Some(&x[2]), 1e-5));
    }
}

#[test]
fn recurrent_layers() {
    let cells = [RecurrentCell::RnnTanh, RecurrentCell::RnnRelu, RecurrentCell::Lstm, RecurrentCell::Gru];
    // Single steps and rows, sequences of different lengths, and none at all.
    let batches: [(&[usize], usize, usize); 5] =
        [(&[1], 1, 1), (&[2, 2, 1], 2, 3), (&[3], 2, 2), (&[1, 1, 1], 3, 2), (&[], 2, 2)];
    for cell in cells {
        for (sizes, inputs, hidden) in batches {
            let (rows, stacked) = (sizes.iter().sum::<usize>(), cell.gates() * hidden);
            let batch = sizes.first().copied().unwrap_or(0);
            let projects = cell == RecurrentCell::Lstm && hidden > 1;
            let width = if projects { hidden - 1 } else { hidden };
            let shapes: [&[usize]; 8] = [
                &[inputs, rows],
                &[stacked, inputs],
                &[width, stacked],
                &[stacked],
                &[stacked],
                &[batch, width],
                &[batch, hidden],
                &[width, hidden],
            ];
            let drawn: Vec<Tensor<f64>> =
                (0..8).map(|i| values(200 + i, shapes[i as usize]).mul_scalar(0.6).unwrap()).collect();
            for reverse in [false, true] {
                check(&drawn, |x| {
                    // The input and the recurrent weight are looked at through transposes.
                    let (z, weight_hh) = (before(&x[0])?.t()?, x[2].t()?);
                    let weights = RecurrentWeights {
                        weight_ih: &x[1],
                        weight_hh: &weight_hh,
                        bias: Some([&x[3], &x[4]]),
                        weight_hr: projects.then_some(&x[7]),
                    };
                    let c = (cell == RecurrentCell::Lstm).then_some(&x[6]);
                    let y = z.recurrent(cell, sizes, reverse, weights, Some(&x[5]), c)?;
                    // What the cell does not take has a gradient of 0.
                    let unused = x[6].sum()?.add(&x[7].sum()?)?.mul_scalar(0.0)?.reshape([1])?;
                    let flat = [Some(&y.out), Some(&y.h), y.c.as_ref()].into_iter().flatten();
                    let flat = flat.map(|part| part.flatten(0, -1)).collect::<Result<Vec<_>>>()?;
                    concat(&flat.iter().chain([&unused]).collect::<Vec<_>>(), 0)
                });
            }
        }
    }
}

#[test]
fn convolutions() {
    let cases = [
        ([2, 3, 5, 4], [4, 3, 3, 2], Conv2dOptions::default()),
        ([1, 2, 6, 5], [2, 2, 3, 3], Conv2dOptions { stride: [2, 1], padding: [1, 2], ..Default::default() }),
        ([2, 2, 7, 6], [4, 1, 2, 3], Conv2dOptions { dilation: [2, 1], groups: 2, ..Default::default() }),
        ([1, 3, 4, 4], [3, 1, 3, 3], Conv2dOptions { groups: 3, padding: [1, 1], ..Default::default() }),
        ([2, 3, 3, 3], [2, 3, 1, 1], Conv2dOptions { stride: [2, 2], ..Default::default() }),
        ([1, 1, 1, 1], [1, 1, 1, 1], Conv2dOptions::default()),
    ];
    for (x, w, options) in cases {
        println!("{x:?} {w:?} {options:?}");
        let bias = values(102, &w[..1]);
        check(&[values(100, &x), values(101, &w), bias], |i| {
            before(&i[0])?.conv2d(&before(&i[1])?, Some(&i[2]), options)
        });
        check(&[values(100, &x), values(101, &w)], |i| before(&i[0])?.conv2d(&i[1], None, options));
        let bias = values(103, &w[..1]);
        check(&[values(100, &x), values(101, &w), bias], |i| {
            before(&i[0])?.conv2d_relu(&before(&i[1])?, Some(&i[2]), options)
        });
        let (bias, pool) =
            (values(104, &w[..1]), MaxPool2dOptions { stride: [2, 1], ..MaxPool2dOptions::new([1, 1]) });
        check(&[values(100, &x), values(101, &w), bias], |i| {
            before(&i[0])?.conv2d_relu_max_pool2d(&before(&i[1])?, Some(&i[2]), options, pool)
        });
    }
}

#[test]
fn convolutions_of_sequences() {
    let cases = [
        ([2, 3, 7], [4, 3, 3], Conv1dOptions::default()),
        ([1, 2, 8], [2, 2, 3], Conv1dOptions { stride: [2], padding: [2], ..Default::default() }),
        ([2, 4, 9], [6, 2, 2], Conv1dOptions { dilation: [3], groups: 2, ..Default::default() }),
        (
            [1, 3, 5],
            [3, 1, 3],
            Conv1dOptions { groups: 3, kernel: ConvKernel::Convolution, ..Default::default() },
        ),
        ([0, 2, 4], [2, 2, 2], Conv1dOptions::default()),
        ([1, 1, 1], [1, 1, 1], Conv1dOptions::default()),
    ];
    for (x, w, options) in cases {
        println!("{x:?} {w:?} {options:?}");
        let bias = values(150, &w[..1]);
        check(&[values(151, &x), values(152, &w), bias], |i| {
            before(&i[0])?.conv1d(&before(&i[1])?, Some(&i[2]), options)
        });
    }
    let flipped = Conv2dOptions { kernel: ConvKernel::Convolution, ..Default::default() };
    check(&[values(153, &[1, 2, 4, 5]), values(154, &[2, 2, 2, 3])], |i| {
        before(&i[0])?.conv2d(&before(&i[1])?, None, flipped)
    });
}

#[test]
fn transposed_convolutions() {
    let plain = ConvTranspose2dOptions::default();
    let cases = [
        ([2, 3, 3, 4], [3, 2, 2, 3], plain),
        (
            [1, 2, 3, 3],
            [2, 3, 3, 3],
            ConvTranspose2dOptions { stride: [2, 3], output_padding: [1, 2], ..plain },
        ),
        ([1, 4, 3, 2], [4, 3, 2, 2], ConvTranspose2dOptions { dilation: [2, 1], groups: 2, ..plain }),
        (
            [2, 3, 3, 3],
            [3, 1, 3, 3],
            ConvTranspose2dOptions { groups: 3, padding: [1, 2], stride: [2, 2], ..plain },
        ),
        (
            [1, 2, 2, 3],
            [2, 1, 2, 2],
            ConvTranspose2dOptions { dilation: [3, 2], output_padding: [2, 1], ..plain },
        ),
        ([1, 1, 2, 2], [1, 1, 1, 1], ConvTranspose2dOptions { stride: [3, 2], ..plain }),
        ([0, 2, 3, 3], [2, 2, 2, 2], plain),
    ];
    for (x, w, options) in cases {
        println!("{x:?} {w:?} {options:?}");
        let bias = values(160, &[w[1] * options.groups]);
        check(&[values(161, &x), values(162, &w), bias], |i| {
            before(&i[0])?.conv_transpose2d(&before(&i[1])?, Some(&i[2]), options)
        });
    }
    let options =
        ConvTranspose1dOptions { stride: [2], padding: [1], output_padding: [1], ..Default::default() };
    check(&[values(163, &[2, 3, 4]), values(164, &[3, 2, 3])], |i| {
        before(&i[0])?.conv_transpose1d(&before(&i[1])?, None, options)
    });
}

#[test]
fn windows_and_columns() {
    let options = Conv2dOptions { stride: [2, 1], padding: [1, 0], dilation: [1, 2], ..Default::default() };
    check(&[values(170, &[2, 2, 5, 6])], |i| before(&i[0])?.unfold2d([2, 3], options));
    check(&[values(171, &[2, 12, 6])], |i| before(&i[0])?.fold2d([5, 6], [2, 3], options));
}

#[test]
fn paddings_with_own_values() {
    for mode in [PadMode::Reflect, PadMode::Replicate, PadMode::Circular] {
        check(&[values(172, &[2, 3, 4])], |i| before(&i[0])?.pad_with(&[(0, 0), (2, 1), (0, 3)], mode));
    }
}

#[test]
fn poolings_of_sequences() {
    let x = || values(180, &[2, 2, 9]);
    let options = MaxPool1dOptions { stride: [2], padding: [1], ..MaxPool1dOptions::new([3]) };
    check(&[x()], |x| before(&x[0])?.max_pool1d(options));
    check(&[x()], |x| Ok(before(&x[0])?.max_pool1d_with_indices(options)?.0));
    let options = AvgPool1dOptions {
        stride: [2],
        padding: [1],
        count_include_pad: false,
        ..AvgPool1dOptions::new([3])
    };
    check(&[x()], |x| before(&x[0])?.avg_pool1d(options));
    check(&[x()], |x| before(&x[0])?.adaptive_avg_pool1d(4));
    check(&[x()], |x| Ok(before(&x[0])?.adaptive_max_pool1d(4)?.0));
    check(&[values(181, &[1, 2, 5, 4])], |x| Ok(before(&x[0])?.adaptive_max_pool2d([3, 3])?.0));
    check(&[positive(182, &[1, 2, 6])], |x| before(&x[0])?.lp_pool1d(3.0, 2, 2, false));
    check(&[values(183, &[1, 2, 4, 5])], |x| before(&x[0])?.lp_pool2d(2.0, [2, 2], [1, 2], true));
}

#[test]
fn poolings() {
    let x = || values(110, &[2, 2, 5, 6]);
    let cases = [
        MaxPool2dOptions::new([2, 2]),
        MaxPool2dOptions { stride: [1, 2], padding: [1, 1], ..MaxPool2dOptions::new([3, 2]) },
        MaxPool2dOptions { ceil_mode: true, dilation: [1, 2], ..MaxPool2dOptions::new([2, 2]) },
    ];
    for options in cases {
        check(&[x()], |x| before(&x[0])?.max_pool2d(options));
    }
    let cases = [
        AvgPool2dOptions::new([2, 2]),
        AvgPool2dOptions {
            stride: [1, 2],
            padding: [1, 1],
            count_include_pad: false,
            ..AvgPool2dOptions::new([3, 2])
        },
        AvgPool2dOptions { ceil_mode: true, divisor_override: Some(3), ..AvgPool2dOptions::new([2, 4]) },
    ];
    for options in cases {
        check(&[x()], |x| before(&x[0])?.avg_pool2d(options));
    }
    check(&[x()], |x| before(&x[0])?.adaptive_avg_pool2d([3, 4]));
}

#[test]
fn dropout_scales_what_it_keeps() {
    use barehand_kernels::random::Philox;
    let generator = Philox::new(7);
    check(&[values(120, &[4, 5])], |x| before(&x[0])?.dropout(0.4, &mut generator.clone()));
    let kept = Tensor::<f64>::ones([10_000]).dropout(0.25, &mut generator.clone()).unwrap();
    let mean = kept.mean().unwrap().item().unwrap();
    assert!((mean - 1.0).abs() < 0.03, "{mean}");
    check(&[values(121, &[3, 4, 2, 2])], |x| before(&x[0])?.channel_dropout(0.4, &mut generator.clone()));
    let kept =
        Tensor::<f64>::ones([100, 50, 3]).channel_dropout(0.25, &mut generator.clone()).unwrap().to_vec();
    assert!(kept.chunks(3).all(|channel| channel == [0.0; 3] || channel == [1.0 / 0.75; 3]));
    let share = kept.iter().filter(|&&x| x == 0.0).count() as f64 / kept.len() as f64;
    assert!((share - 0.25).abs() < 0.03, "{share}");
}

#[test]
fn gradients_flow_only_where_they_are_wanted() {
    let (x, y) = (values(130, &[3]).requires_grad(), values(131, &[3]));
    let gradients = x.mul(&y).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(gradients.of(&x).unwrap(), &y);
    assert!(gradients.get(&y).is_none());
    let error = gradients.of(&y).unwrap_err().to_string();
    assert!(error.contains("not a leaf"), "{error}");
}

#[test]
fn a_second_walk_is_refused_unless_the_graph_was_kept() {
    let x = values(140, &[3]).requires_grad();
    let loss = x.square().unwrap().sum().unwrap();
    let first = loss.backward_retaining_graph().unwrap();
    let second = loss.backward().unwrap();
    assert_eq!(first.of(&x).unwrap(), second.of(&x).unwrap());
    let error = loss.backward().unwrap_err().to_string();
    assert!(error.contains("walked before"), "{error}");
}

#[test]
fn a_chain_of_a_million_operations_is_freed_without_recursion() {
    let mut x = Tensor::<f64>::scalar(1.0).requires_grad();
    let leaf = x.clone();
    for _ in 0..1_000_000 {
        x = x.add_scalar(1e-9).unwrap();
    }
    assert_eq!(x.backward().unwrap().of(&leaf).unwrap().item().unwrap(), 1.0);
}

#[test]
fn values_on_the_tape_never_change_under_it() {
    let mut w = values(150, &[4]).requires_grad();
    let y = w.square().unwrap().sum().unwrap();
    let before = w.to_vec();
    w.data_mut().fill(0.0);
    let gradients = y.backward().unwrap();
    let expected: Vec<f64> = before.iter().map(|x| 2.0 * x).collect();
    assert_eq!(gradients.of(&w).unwrap().to_vec(), expected);
}
