//! Convolutions over sequences, transposed convolutions and their poolings: PyTorch's answers, finite differences with a
//! layer in front, small cases by hand, and the mistakes that hand-written code makes.

mod golden;

use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    AdaptivePool2d, Array, Conv1d, Conv2d, Conv2dGradients, ConvTranspose2d, Kernel, LpPool2d,
    MersenneTwister, Padding, Pool, Pool2d, Result, Trace, WeightLayout, col2im, im2col, linear,
    linear_backward,
};
use golden::{Case, Family};

fn silent() -> Trace {
    Trace::silent()
}

fn number(case: &Case, name: &str, default: usize) -> usize {
    case.options[name].as_u64().map_or(default, |n| n as usize)
}

/// A sequence as an image of one row.
fn as_image(x: &Array) -> Array {
    let (front, last) = x.shape().split_at(x.rank() - 1);
    x.reshape(&[front, &[1], last].concat()).unwrap()
}

fn as_sequence(x: &Array) -> Array {
    let (front, last) = x.shape().split_at(x.rank() - 2);
    x.reshape(&[front, &last[1..]].concat()).unwrap()
}

fn expect_gradients(case: &Case, g: &Conv2dGradients, sequences: bool) {
    let shaped = |x: &Array| if sequences { as_sequence(x) } else { x.clone() };
    case.expect("grad.x", &shaped(&g.input));
    case.expect("grad.weight", &shaped(&g.weight));
    if case.maybe("bias").is_some() {
        case.expect("grad.bias", &g.bias);
    }
}

#[test]
fn pytorchs_convolutions_of_sequences() {
    for case in Family::read("nn", "convolution").of("conv1d") {
        let (x, w, b) = (case.array("x"), case.array("weight"), case.maybe("bias"));
        let plain = Conv1d {
            stride: number(case, "stride", 1),
            padding: [number(case, "padding", 0); 2],
            dilation: number(case, "dilation", 1),
            groups: number(case, "groups", 1),
            kernel: Kernel::CrossCorrelation,
        };
        let conv = if case.text("padding") == "same" { plain.same(w.shape()[2]) } else { plain };
        case.expect("out", &conv.forward(x, w, b, &mut silent()).unwrap());
        expect_gradients(case, &conv.backward(x, w, case.array("w.out"), &mut silent()).unwrap(), false);
    }
}

#[test]
fn pytorchs_transposed_convolutions() {
    let family = Family::read("nn", "convolution");
    for op in ["conv_transpose1d", "conv_transpose2d"] {
        let sequences = op == "conv_transpose1d";
        for case in family.of(op) {
            let pair = |name: &str, default: usize| {
                let given = case.pair(name, [default; 2]);
                if sequences { [usize::from(!name.contains("padding")), given[1]] } else { given }
            };
            let conv = ConvTranspose2d {
                stride: pair("stride", 1),
                padding: pair("padding", 0),
                output_padding: pair("output_padding", 0),
                dilation: pair("dilation", 1),
                groups: number(case, "groups", 1),
            };
            let shaped = |x: &Array| if sequences { as_image(x) } else { x.clone() };
            let (x, w, dy) =
                (shaped(case.array("x")), shaped(case.array("weight")), shaped(case.array("w.out")));
            let y = conv.forward(&x, &w, case.maybe("bias"), &mut silent()).unwrap();
            case.expect("out", &if sequences { as_sequence(&y) } else { y });
            expect_gradients(case, &conv.backward(&x, &w, &dy, &mut silent()).unwrap(), sequences);
        }
    }
}

#[test]
fn pytorchs_poolings() {
    let family = Family::read("nn", "convolution");
    for op in ["adaptive_avg_pool1d", "adaptive_max_pool1d", "adaptive_max_pool2d"] {
        let sequences = op.ends_with("1d");
        for case in family.of(op) {
            let shaped = |x: &Array| if sequences { as_image(x) } else { x.clone() };
            let back = |x: Array| if sequences { as_sequence(&x) } else { x };
            let output = case.pair("output_size", [1, 1]);
            let pool = AdaptivePool2d {
                max: op.contains("max"),
                output: if sequences { [1, output[1]] } else { output },
            };
            let (x, dy) = (shaped(case.array("x")), shaped(case.array("w.out")));
            case.expect("out", &back(pool.forward(&x, &mut silent()).unwrap()));
            case.expect("grad.x", &back(pool.backward(&x, &dy, &mut silent()).unwrap()));
            if pool.max {
                case.expect("indices", &back(pool.indices(&x).unwrap()));
            }
        }
    }
    for case in family.of("lp_pool2d") {
        let kernel = case.pair("kernel_size", [0, 0]);
        let pool = LpPool2d { p: case.number("norm_type", 2.0), kernel, stride: case.pair("stride", kernel) };
        case.expect("out", &pool.forward(case.array("x"), &mut silent()).unwrap());
        let dx = pool.backward(case.array("x"), case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.x", &dx);
    }
    for op in ["max_pool1d", "avg_pool1d"] {
        for case in family.of(op) {
            if case.is("ceil_mode", false) {
                continue;
            }
            let kernel = number(case, "kernel_size", 0);
            let count_padding = case.is("count_include_pad", true);
            let pool = Pool2d {
                pool: if op == "max_pool1d" { Pool::Max } else { Pool::Average { count_padding } },
                kernel: [1, kernel],
                stride: [1, number(case, "stride", kernel)],
                padding: [0, number(case, "padding", 0)],
                dilation: [1, number(case, "dilation", 1)],
            };
            let (x, dy) = (as_image(case.array("x")), as_image(case.array("w.out")));
            case.expect("out", &as_sequence(&pool.forward(&x, &mut silent()).unwrap()));
            case.expect("grad.x", &as_sequence(&pool.backward(&x, &dy, &mut silent()).unwrap()));
        }
    }
}

#[test]
fn pytorchs_columns_and_padding() {
    let family = Family::read("nn", "convolution");
    for op in ["unfold", "fold"] {
        for case in family.of(op) {
            let conv = Conv2d {
                stride: case.pair("stride", [1, 1]),
                padding: case.pair("padding", [0, 0]),
                dilation: case.pair("dilation", [1, 1]),
                ..Conv2d::default()
            };
            let kernel = case.pair("kernel_size", [0, 0]);
            let (x, dy) = (case.array("x"), case.array("w.out"));
            if op == "unfold" {
                case.expect("out", &im2col(x, kernel, &conv).unwrap());
                case.expect("grad.x", &col2im(dy, [5, 6], kernel, &conv).unwrap());
            } else {
                case.expect("out", &col2im(x, [5, 6], kernel, &conv).unwrap());
                case.expect("grad.x", &im2col(dy, kernel, &conv).unwrap());
            }
        }
    }
    for case in family.of("padded_conv2d") {
        let mode = match case.text("mode") {
            "reflect" => Padding::Reflect,
            "replicate" => Padding::Replicate,
            _ => Padding::Circular,
        };
        let (x, w) = (case.array("x"), case.array("weight"));
        // "same" of a kernel 4 x 3 is 1 and 2 rows, 1 and 1 columns.
        let sides = if case.text("padding") == "same" {
            [(1, 2), (1, 1)]
        } else {
            case.pair("padding", [0, 0]).map(|side| (side, side))
        };
        let amounts = [(0, 0), (0, 0), sides[0], sides[1]];
        let padded = mode.forward(x, &amounts, &mut silent()).unwrap();
        let conv = Conv2d::default();
        case.expect("out", &conv.forward(&padded, w, case.maybe("bias"), &mut silent()).unwrap());
        let g = conv.backward(&padded, w, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.x", &mode.backward(x, &amounts, &g.input, &mut silent()).unwrap());
        case.expect("grad.weight", &g.weight);
    }
}

/// Puts z = W x before the block and a weighted sum behind it; compares dx and dW with finite differences.
#[track_caller]
fn check(
    shape: &[usize],
    forward: impl Fn(&Array) -> Result<Array>,
    backward: impl Fn(&Array, &Array) -> Result<Array>,
) {
    let n: usize = shape.iter().product();
    let mut random = MersenneTwister::new(n as u32);
    let (x, w) = (random.randn(&[n]), random.randn(&[n, n]).map(|w| w / (n as f64).sqrt()));
    let layout = WeightLayout::OutIn;
    let before = |x: &Array, w: &Array| linear(x, w, None, layout, &mut silent())?.reshape(shape);
    let z = before(&x, &w).unwrap();
    let r = random.randn(forward(&z).unwrap().shape());
    let dz = backward(&z, &r).unwrap().reshape(&[n]).unwrap();
    let ours = linear_backward(&x, &w, layout, &dz, &mut silent()).unwrap();
    let weighted = |y: Array| Ok(y.zip(&r, |y, r| y * r)?.sum());
    let dx = finite_differences(&x, |x| weighted(forward(&before(x, &w)?)?)).unwrap();
    let dw = finite_differences(&w, |w| weighted(forward(&before(&x, w)?)?)).unwrap();
    for (what, ours, numeric) in [("dx", &ours.input, &dx), ("dW", &ours.weight, &dw)] {
        let difference = largest_difference(ours, numeric);
        assert!(difference < 1e-7, "{what}: {difference:e}");
    }
}

#[test]
fn gradients_are_finite_differences() {
    let mut random = MersenneTwister::new(4);
    for kernel in [Kernel::CrossCorrelation, Kernel::Convolution] {
        let conv = Conv1d { stride: 2, padding: [1, 2], dilation: 2, groups: 2, kernel };
        let w = random.randn(&[4, 1, 2]);
        check(
            &[2, 2, 5],
            |z| conv.forward(z, &w, None, &mut silent()),
            |z, d| Ok(conv.backward(z, &w, d, &mut silent())?.input),
        );
    }
    let conv = ConvTranspose2d {
        stride: [2, 1],
        padding: [1, 0],
        output_padding: [1, 1],
        dilation: [1, 2],
        groups: 2,
    };
    let (x, w) = (random.randn(&[1, 4, 2, 3]), random.randn(&[4, 1, 3, 2]));
    check(
        &[1, 4, 2, 3],
        |z| conv.forward(z, &w, None, &mut silent()),
        |z, d| Ok(conv.backward(z, &w, d, &mut silent())?.input),
    );
    let r = random.randn(conv.forward(&x, &w, None, &mut silent()).unwrap().shape());
    let dw = conv.backward(&x, &w, &r, &mut silent()).unwrap().weight;
    let loss = |w: &Array| Ok(conv.forward(&x, w, None, &mut silent())?.zip(&r, |y, r| y * r)?.sum());
    assert!(largest_difference(&dw, &finite_differences(&w, loss).unwrap()) < 1e-7);
    for max in [false, true] {
        let pool = AdaptivePool2d { max, output: [2, 3] };
        check(&[2, 3, 4], |z| pool.forward(z, &mut silent()), |z, d| pool.backward(z, d, &mut silent()));
    }
    let pool = LpPool2d { p: 2.0, kernel: [2, 2], stride: [1, 2] };
    check(&[1, 3, 4], |z| pool.forward(z, &mut silent()), |z, d| pool.backward(z, d, &mut silent()));
    let amounts = [(0, 0), (2, 1), (1, 2)];
    for mode in [Padding::Zeros, Padding::Reflect, Padding::Replicate, Padding::Circular] {
        check(
            &[1, 3, 4],
            |z| mode.forward(z, &amounts, &mut silent()),
            |z, d| mode.backward(z, &amounts, d, &mut silent()),
        );
    }
}

#[test]
fn a_transposed_convolution_is_the_transpose() {
    // <conv(x), y> = <x, transposed(y)>
    let mut random = MersenneTwister::new(8);
    let conv = Conv2d { stride: [2, 3], padding: [1, 2], dilation: [2, 1], groups: 2, ..Conv2d::default() };
    let (x, w) = (random.randn(&[2, 4, 8, 9]), random.randn(&[6, 2, 3, 3]));
    let forth = conv.forward(&x, &w, None, &mut silent()).unwrap();
    let y = random.randn(forth.shape());
    // Which of the lengths that the stride takes to one: 8 = (3 - 1) 2 - 2 + 4 + 1 + 1, 9 = (4 - 1) 3 - 4 + 2 + 1 + 1.
    let transposed = ConvTranspose2d {
        stride: conv.stride,
        padding: conv.padding,
        output_padding: [1, 1],
        dilation: conv.dilation,
        groups: 2,
    };
    let back = transposed.forward(&y, &w, None, &mut silent()).unwrap();
    let dot = |a: &Array, b: &Array| a.zip(b, |a, b| a * b).unwrap().sum();
    assert!((dot(&forth, &y) - dot(&x, &back)).abs() < 1e-12);
}

// ---- mistakes ----------------------------------------------------------------------------------------------------------

/// A transposed convolution of one sequence with one kernel.
type PlainTransposed =
    fn(x: &[f64], w: &[f64], stride: usize, padding: usize, output_padding: usize) -> Vec<f64>;

/// Small cases worked out by hand.
fn is_transposed_convolution(f: PlainTransposed) -> bool {
    let (x, w) = ([1.0, 2.0], [1.0, 10.0, 100.0]);
    f(&x, &w, 1, 0, 0) == [1.0, 12.0, 120.0, 200.0]
        && f(&x, &w, 2, 0, 0) == [1.0, 10.0, 102.0, 20.0, 200.0]
        && f(&x, &w, 2, 1, 0) == [10.0, 102.0, 20.0]
        // One more at the end: not a zero, for the kernel reaches it.
        && f(&x, &w, 2, 1, 1) == [10.0, 102.0, 20.0, 200.0]
}

fn transposed(x: &[f64], w: &[f64], stride: usize, padding: usize, output_padding: usize) -> Vec<f64> {
    let conv = ConvTranspose2d {
        stride: [1, stride],
        padding: [0, padding],
        output_padding: [0, output_padding],
        ..ConvTranspose2d::default()
    };
    let row = |x: &[f64]| Array::new(&[1, 1, 1, x.len()], x.to_vec()).unwrap();
    conv.forward(&row(x), &row(w), None, &mut silent()).unwrap().data().to_vec()
}

fn output_padding_ignored(x: &[f64], w: &[f64], stride: usize, padding: usize, _: usize) -> Vec<f64> {
    transposed(x, w, stride, padding, 0)
}

fn output_padding_of_zeros(x: &[f64], w: &[f64], stride: usize, padding: usize, more: usize) -> Vec<f64> {
    let mut y = transposed(x, w, stride, padding, 0);
    y.resize(y.len() + more, 0.0);
    y
}

fn output_padding_at_the_front(x: &[f64], w: &[f64], stride: usize, padding: usize, more: usize) -> Vec<f64> {
    let mut y = vec![0.0; more];
    y.extend(transposed(x, w, stride, padding, 0));
    y
}

fn stride_ignored(x: &[f64], w: &[f64], _: usize, padding: usize, more: usize) -> Vec<f64> {
    let mut y = transposed(x, w, 1, padding, 0);
    y.resize(y.len() + more, 0.0);
    y
}

fn padding_ignored(x: &[f64], w: &[f64], stride: usize, _: usize, more: usize) -> Vec<f64> {
    transposed(x, w, stride, 0, more)
}

/// Zeros between the elements and a convolution over them: right with the kernel turned, which was forgotten.
fn convolution_of_the_spread_input(
    x: &[f64],
    w: &[f64],
    stride: usize,
    padding: usize,
    more: usize,
) -> Vec<f64> {
    let margin = w.len() - 1;
    let mut spread = vec![0.0; (x.len() - 1) * stride + 1 + 2 * margin + more];
    x.iter().enumerate().for_each(|(i, &x)| spread[margin + i * stride] = x);
    let full: Vec<f64> =
        spread.windows(w.len()).map(|window| window.iter().zip(w).map(|(x, w)| x * w).sum()).collect();
    full[padding..full.len() - padding].to_vec()
}

#[test]
fn transposed_convolution_traps() {
    assert!(is_transposed_convolution(transposed));
    assert!(!is_transposed_convolution(output_padding_ignored));
    assert!(!is_transposed_convolution(output_padding_of_zeros));
    assert!(!is_transposed_convolution(output_padding_at_the_front));
    assert!(!is_transposed_convolution(stride_ignored));
    assert!(!is_transposed_convolution(padding_ignored));
    assert!(!is_transposed_convolution(convolution_of_the_spread_input));
}

/// A convolution of one sequence that keeps its length.
type PlainSame = fn(x: &[f64], w: &[f64], dilation: usize) -> Vec<f64>;

/// As long as the input, and what is uneven stands behind.
fn is_same(f: PlainSame) -> bool {
    let x = [1.0, 2.0, 3.0, 4.0];
    f(&x, &[0.0, 1.0, 0.0], 1) == x
        && f(&x, &[1.0, 10.0], 1) == [21.0, 32.0, 43.0, 4.0]
        && f(&x, &[1.0, 10.0], 3) == [30.0, 41.0, 2.0, 3.0]
}

fn convolved(x: &[f64], w: &[f64], dilation: usize, padding: [usize; 2]) -> Vec<f64> {
    let row = |x: &[f64]| Array::new(&[1, 1, x.len()], x.to_vec()).unwrap();
    let conv = Conv1d { dilation, padding, ..Conv1d::default() };
    conv.forward(&row(x), &row(w), None, &mut silent()).unwrap().data().to_vec()
}

fn same(x: &[f64], w: &[f64], dilation: usize) -> Vec<f64> {
    let padding = Conv1d { dilation, ..Conv1d::default() }.same(w.len()).padding;
    convolved(x, w, dilation, padding)
}

fn uneven_zero_in_front(x: &[f64], w: &[f64], dilation: usize) -> Vec<f64> {
    let total = dilation * (w.len() - 1);
    convolved(x, w, dilation, [total - total / 2, total / 2])
}

fn half_the_kernel_on_both_sides(x: &[f64], w: &[f64], dilation: usize) -> Vec<f64> {
    convolved(x, w, dilation, [dilation * w.len() / 2; 2])
}

fn dilation_forgotten_in_the_padding(x: &[f64], w: &[f64], dilation: usize) -> Vec<f64> {
    let total = w.len() - 1;
    convolved(x, w, dilation, [total / 2, total - total / 2])
}

#[test]
fn same_padding_traps() {
    assert!(is_same(same));
    assert!(!is_same(uneven_zero_in_front));
    assert!(!is_same(half_the_kernel_on_both_sides));
    assert!(!is_same(dilation_forgotten_in_the_padding));
}

/// Max-pooling of one sequence, windows of three, two steps apart, with one element of padding.
fn is_padded_max_pooling(f: impl Fn(&[f64]) -> Vec<f64>) -> bool {
    f(&[1.0, 3.0, 2.0, 5.0]) == [3.0, 5.0] && f(&[-1.0, -3.0, -2.0, -5.0]) == [-1.0, -2.0]
}

fn max_pooling(x: &[f64]) -> Vec<f64> {
    let row = Array::new(&[1, x.len()], x.to_vec()).unwrap();
    let pool = Pool2d { stride: [1, 2], padding: [0, 1], ..Pool2d::new(Pool::Max, [1, 3]) };
    pool.forward(&row, &mut silent()).unwrap().data().to_vec()
}

/// The padding of a convolution: fine as long as something in every window is positive.
fn max_pooling_padded_with_zeros(x: &[f64]) -> Vec<f64> {
    let mut padded = vec![0.0];
    padded.extend_from_slice(x);
    padded.push(0.0);
    padded
        .windows(3)
        .step_by(2)
        .map(|window| window.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        .collect()
}

/// Windows of equal size from equal steps, rounded down: the last elements are never seen.
fn adaptive_mean_with_equal_windows(x: &[f64], n: usize) -> Vec<f64> {
    let size = x.len() / n;
    (0..n).map(|i| x[i * size..(i + 1) * size].iter().sum::<f64>() / size as f64).collect()
}

fn is_adaptive_mean(f: impl Fn(&[f64], usize) -> Vec<f64>) -> bool {
    f(&[1.0, 2.0, 3.0, 4.0], 2) == [1.5, 3.5] && f(&[1.0, 2.0, 3.0, 4.0, 5.0], 2) == [2.0, 4.0]
}

#[test]
fn pooling_traps() {
    assert!(is_padded_max_pooling(max_pooling));
    assert!(!is_padded_max_pooling(max_pooling_padded_with_zeros));
    let adaptive = |x: &[f64], n: usize| {
        let row = Array::new(&[1, x.len()], x.to_vec()).unwrap();
        let pool = AdaptivePool2d { max: false, output: [1, n] };
        pool.forward(&row, &mut silent()).unwrap().data().to_vec()
    };
    assert!(is_adaptive_mean(adaptive));
    assert!(!is_adaptive_mean(adaptive_mean_with_equal_windows));
}

/// GPT-2's Conv1D: y = x W + b with W (in, out).
fn is_gpt2_conv1d(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let w = Array::matrix([[1.0, 2.0], [10.0, 20.0]]);
    f(&Array::matrix([[1.0, 1.0]]), &w) == Array::matrix([[11.0, 22.0]])
}

#[test]
fn gpt2_conv1d_traps() {
    let product = |layout| move |x: &Array, w: &Array| linear(x, w, None, layout, &mut silent()).unwrap();
    assert!(is_gpt2_conv1d(product(WeightLayout::InOut)));
    // A square weight fits either way.
    let weight_read_as_out_in = product(WeightLayout::OutIn);
    assert!(!is_gpt2_conv1d(weight_read_as_out_in));
}
