//! Convolution and its gradients against the definition, written as plain loops.

use std::sync::{Mutex, PoisonError};

use barehand_kernels::Real;
use barehand_kernels::conv2d::{Conv2d, Conv2dGradients, Conv2dPass, Conv2dShape};
use barehand_kernels::isa::{self, Isa};
use barehand_kernels::pool2d::{Pool2d, Pool2dShape};
use barehand_kernels::threads;
use barehand_kernels::unfold::Unfold;

/// Held while the instruction set is forced or must not change.
static ISA: Mutex<()> = Mutex::new(());

/// A linear congruential generator: enough to vary shapes and values.
struct Draws(u64);

impl Draws {
    fn next(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }

    fn values<T: Real>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| T::from_f64(self.next(2001) as f64 / 1000.0 - 1.0)).collect()
    }

    fn shape(&mut self) -> Conv2dShape {
        loop {
            let groups = 1 + self.next(3);
            let s = Conv2dShape {
                batch: self.next(4),
                in_channels: groups * (1 + self.next(5)),
                out_channels: groups * (1 + self.next(20)),
                input: [1 + self.next(9), 1 + self.next(24)],
                kernel: [1 + self.next(4), 1 + self.next(4)],
                stride: [1 + self.next(3), 1 + self.next(3)],
                padding: [self.next(5), self.next(5)],
                dilation: [1 + self.next(3), 1 + self.next(3)],
                groups,
            };
            if s.output().is_some() {
                return s;
            }
        }
    }
}

/// Calls `body` with the places in input, weights and output of every product in the convolution.
fn each(s: &Conv2dShape, mut body: impl FnMut(usize, usize, usize)) {
    let [oh, ow] = s.output().unwrap();
    let (cg, kg) = (s.in_channels / s.groups, s.out_channels / s.groups);
    let pairs = |h: usize, w: usize| (0..h).flat_map(move |i| (0..w).map(move |j| (i, j)));
    for (n, k) in pairs(s.batch, s.out_channels) {
        for (i, j) in pairs(oh, ow) {
            for c in 0..cg {
                for (r, q) in pairs(s.kernel[0], s.kernel[1]) {
                    let row = (i * s.stride[0] + r * s.dilation[0]).wrapping_sub(s.padding[0]);
                    let col = (j * s.stride[1] + q * s.dilation[1]).wrapping_sub(s.padding[1]);
                    if row < s.input[0] && col < s.input[1] {
                        let channel = n * s.in_channels + k / kg * cg + c;
                        body(
                            (channel * s.input[0] + row) * s.input[1] + col,
                            ((k * cg + c) * s.kernel[0] + r) * s.kernel[1] + q,
                            ((n * s.out_channels + k) * oh + i) * ow + j,
                        );
                    }
                }
            }
        }
    }
}

fn close<T: Real>(what: &str, s: &Conv2dShape, got: &[T], want: &[f64], terms: usize) {
    let tolerance = T::EPSILON.to_f64() * (8.0 + 2.0 * terms as f64);
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        assert!((a.to_f64() - b).abs() <= tolerance, "{what} {} {s:?}: {a} for {b} at {i}", T::NAME);
    }
}

fn check<T: Conv2d>(draws: &mut Draws, s: &Conv2dShape) {
    let [oh, ow] = s.output().unwrap();
    let x: Vec<T> = draws.values(s.batch * s.in_channels * s.input[0] * s.input[1]);
    let w: Vec<T> = draws.values(s.out_channels * s.in_channels / s.groups * s.kernel[0] * s.kernel[1]);
    let bias: Vec<T> = draws.values(s.out_channels);
    let dy: Vec<T> = draws.values(s.batch * s.out_channels * oh * ow);
    let mut y = vec![0.0; dy.len()];
    each(s, |x_at, w_at, y_at| y[y_at] += x[x_at].to_f64() * w[w_at].to_f64());
    let biased: Vec<f64> =
        y.iter().enumerate().map(|(i, y)| y + bias[i / (oh * ow) % s.out_channels].to_f64()).collect();
    let taps = w.len() / s.out_channels;
    // With a ReLU at the end, gradients pass where the output is above zero.
    let rectified: Vec<f64> = biased.iter().map(|y| y.max(0.0)).collect();
    let y_relu: Vec<T> = rectified.iter().map(|&y| T::from_f64(y)).collect();
    let masked: Vec<T> =
        dy.iter().zip(&rectified).map(|(&dy, &y)| if y > 0.0 { dy } else { T::ZERO }).collect();
    let (plain, through) = (Expected::of(s, &x, &w, &dy), Expected::of(s, &x, &w, &masked));
    let lift: Vec<T> = draws.values(s.in_channels);
    let pixels = s.input[0] * s.input[1];
    let lifted: Vec<f64> =
        plain.dx.iter().enumerate().map(|(i, dx)| dx + lift[i / pixels % s.in_channels].to_f64()).collect();
    let _held = ISA.lock().unwrap_or_else(PoisonError::into_inner);
    for isa in Isa::available() {
        isa::force(Some(isa));
        for threads in [1, 2, 3] {
            threads::with_num_threads(threads, || {
                let mut got = vec![T::NAN; y.len()];
                T::conv2d(s, &x, &w, None, false, &mut got);
                close("plain", s, &got, &y, taps);
                T::conv2d(s, &x, &w, Some(&bias), false, &mut got);
                close("biased", s, &got, &biased, taps);
                T::conv2d(s, &x, &w, Some(&bias), true, &mut got);
                close("rectified", s, &got, &rectified, taps);
                let pass = Conv2dPass { x: &x, w: &w, relu: None, pool: None, dy: &dy };
                plain.check(s, pass, [true, false, false]);
                plain.check(s, pass, [false, true, false]);
                plain.check(s, pass, [false, false, true]);
                plain.check(s, pass, [true, true, true]);
                let (mut got, back) = (vec![T::NAN; x.len()], taps * s.out_channels / s.in_channels);
                T::conv_transpose2d(s, &dy, &w, None, &mut got);
                close("transposed", s, &got, &plain.dx, back);
                T::conv_transpose2d(s, &dy, &w, Some(&lift), &mut got);
                close("transposed, biased", s, &got, &lifted, back);
                let pass = Conv2dPass { relu: Some(&y_relu), ..pass };
                through.check(s, pass, [true, false, true]);
                through.check(s, pass, [true, true, true]);
            });
        }
    }
}

/// The gradients of the definition.
struct Expected {
    dx: Vec<f64>,
    dw: Vec<f64>,
    dbias: Vec<f64>,
}

impl Expected {
    fn of<T: Real>(s: &Conv2dShape, x: &[T], w: &[T], dy: &[T]) -> Self {
        let pixels: usize = s.output().unwrap().iter().product();
        let (mut dx, mut dw, mut dbias) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; s.out_channels]);
        each(s, |x_at, w_at, y_at| {
            dx[x_at] += dy[y_at].to_f64() * w[w_at].to_f64();
            dw[w_at] += dy[y_at].to_f64() * x[x_at].to_f64();
        });
        for (i, dy) in dy.iter().enumerate() {
            dbias[i / pixels % s.out_channels] += dy.to_f64();
        }
        Expected { dx, dw, dbias }
    }

    fn check<T: Conv2d>(&self, s: &Conv2dShape, pass: Conv2dPass<T>, [input, weight, bias]: [bool; 3]) {
        let (mut dx, mut dw) = (vec![T::NAN; self.dx.len()], vec![T::NAN; self.dw.len()]);
        let mut dbias = vec![T::NAN; self.dbias.len()];
        T::conv2d_backward(
            s,
            pass,
            Conv2dGradients {
                dx: input.then_some(&mut dx),
                dw: weight.then_some(&mut dw),
                dbias: bias.then_some(&mut dbias),
            },
        );
        let outputs = s.batch * s.output().unwrap().iter().product::<usize>();
        if input {
            let taps = s.out_channels / s.groups * s.kernel[0] * s.kernel[1];
            close("input gradient", s, &dx, &self.dx, taps);
        }
        if weight {
            close("weight gradient", s, &dw, &self.dw, outputs);
        }
        if bias {
            close("bias gradient", s, &dbias, &self.dbias, outputs);
        }
    }
}

#[test]
fn random_shapes_are_the_definition() {
    let mut draws = Draws(1);
    for _ in 0..150 {
        let s = draws.shape();
        check::<f32>(&mut draws, &s);
        check::<f64>(&mut draws, &s);
    }
}

const PLAIN: Conv2dShape = Conv2dShape {
    batch: 2,
    in_channels: 3,
    out_channels: 16,
    input: [28, 28],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [0, 0],
    dilation: [1, 1],
    groups: 1,
};

#[test]
fn shapes_of_real_networks_are_the_definition() {
    let mut draws = Draws(2);
    for s in [
        PLAIN,
        Conv2dShape { in_channels: 130, out_channels: 13, input: [9, 9], padding: [1, 1], ..PLAIN },
        Conv2dShape { kernel: [7, 7], stride: [2, 2], padding: [3, 3], input: [41, 64], ..PLAIN },
        Conv2dShape { kernel: [1, 1], in_channels: 40, ..PLAIN },
        Conv2dShape { kernel: [1, 1], stride: [2, 2], ..PLAIN },
        Conv2dShape { in_channels: 16, groups: 16, padding: [1, 1], ..PLAIN },
        Conv2dShape { in_channels: 8, out_channels: 16, groups: 8, ..PLAIN },
        Conv2dShape { batch: 1, out_channels: 64, input: [5, 70], padding: [1, 1], ..PLAIN },
        Conv2dShape { batch: 19, out_channels: 2, input: [3, 3], ..PLAIN },
        Conv2dShape { padding: [4, 4], input: [2, 3], ..PLAIN },
        Conv2dShape { in_channels: 40, out_channels: 45, input: [4, 9], padding: [1, 1], ..PLAIN },
        Conv2dShape { in_channels: 16, out_channels: 32, stride: [2, 2], padding: [1, 1], ..PLAIN },
        Conv2dShape { in_channels: 24, out_channels: 12, kernel: [2, 2], stride: [3, 3], ..PLAIN },
        Conv2dShape {
            in_channels: 32,
            out_channels: 32,
            groups: 2,
            dilation: [2, 3],
            padding: [3, 2],
            ..PLAIN
        },
        Conv2dShape {
            in_channels: 16,
            out_channels: 16,
            kernel: [1, 1],
            padding: [2, 3],
            input: [5, 6],
            ..PLAIN
        },
        Conv2dShape { kernel: [1, 30], padding: [0, 10], dilation: [1, 1], ..PLAIN },
        // Every channel by itself: rows longer and shorter than vectors, fewer rows than a tile, steps, gaps.
        Conv2dShape { out_channels: 3, groups: 3, kernel: [7, 7], padding: [3, 3], ..PLAIN },
        Conv2dShape { out_channels: 3, groups: 3, stride: [2, 2], padding: [1, 1], input: [9, 45], ..PLAIN },
        Conv2dShape { out_channels: 3, groups: 3, stride: [3, 1], dilation: [1, 2], input: [5, 17], ..PLAIN },
        Conv2dShape { batch: 19, in_channels: 17, out_channels: 17, groups: 17, input: [4, 6], ..PLAIN },
        Conv2dShape { out_channels: 3, groups: 3, kernel: [1, 2], stride: [3, 3], input: [7, 20], ..PLAIN },
        Conv2dShape { out_channels: 3, groups: 3, kernel: [1, 9], padding: [0, 4], input: [1, 33], ..PLAIN },
        // Few taps, more rows than are taken at once.
        Conv2dShape { in_channels: 1, out_channels: 17, input: [70, 50], padding: [1, 1], ..PLAIN },
        Conv2dShape { in_channels: 2, out_channels: 6, input: [3, 900], stride: [1, 2], ..PLAIN },
    ] {
        check::<f32>(&mut draws, &s);
        check::<f64>(&mut draws, &s);
    }
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let _held = ISA.lock().unwrap_or_else(PoisonError::into_inner);
    let mut draws = Draws(3);
    for s in [
        PLAIN,
        Conv2dShape { batch: 33, input: [9, 9], ..PLAIN },
        Conv2dShape { batch: 1, in_channels: 32, out_channels: 48, ..PLAIN },
        Conv2dShape { batch: 33, in_channels: 24, out_channels: 24, groups: 24, ..PLAIN },
    ] {
        let [oh, ow] = s.output().unwrap();
        let x: Vec<f32> = draws.values(s.batch * s.in_channels * s.input[0] * s.input[1]);
        let w: Vec<f32> = draws.values(s.out_channels * s.in_channels / s.groups * 9);
        let dy: Vec<f32> = draws.values(s.batch * s.out_channels * oh * ow);
        let run = |threads: usize| {
            threads::with_num_threads(threads, || {
                let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
                f32::conv2d(&s, &x, &w, None, false, &mut y);
                let pass = Conv2dPass { x: &x, w: &w, relu: None, pool: None, dy: &dy };
                let gradients = Conv2dGradients { dx: Some(&mut dx), dw: Some(&mut dw), dbias: None };
                f32::conv2d_backward(&s, pass, gradients);
                (y, dx, dw)
            })
        };
        assert!(run(1) == run(2) && run(1) == run(3), "{s:?}");
    }
}

/// Pooled in the same pass is pooled afterwards, bit for bit, and so are the gradients.
fn check_pooled<T: Conv2d + Pool2d>(draws: &mut Draws, s: &Conv2dShape) {
    let [oh, ow] = s.output().unwrap();
    let mut pool = Pool2dShape {
        batch: s.batch,
        channels: s.out_channels,
        input: [oh, ow],
        kernel: [1 + draws.next(3), 1 + draws.next(3)],
        stride: [1 + draws.next(3), 1 + draws.next(3)],
        padding: [0, draws.next(2)],
        dilation: [1, 1],
        ceil_mode: draws.next(2) == 0,
    };
    pool.padding[1] = pool.padding[1].min(pool.kernel[1] / 2);
    let Some([ph, pw]) = pool.output() else { return };
    let x: Vec<T> = draws.values(s.batch * s.in_channels * s.input[0] * s.input[1]);
    let w: Vec<T> = draws.values(s.out_channels * s.in_channels / s.groups * s.kernel[0] * s.kernel[1]);
    let bias: Vec<T> = draws.values(s.out_channels);
    let dy: Vec<T> = draws.values(s.batch * s.out_channels * ph * pw);
    let _held = ISA.lock().unwrap_or_else(PoisonError::into_inner);
    for relu in [false, true] {
        let mut y = vec![T::NAN; s.batch * s.out_channels * oh * ow];
        T::conv2d(s, &x, &w, Some(&bias), relu, &mut y);
        let (mut pooled, mut indices) = (vec![T::NAN; dy.len()], vec![0; dy.len()]);
        T::max_pool2d(&pool, &y, &mut pooled, &mut indices);
        let (mut got, mut got_indices) = (vec![T::NAN; dy.len()], vec![7; dy.len()]);
        T::conv2d_max_pool2d(s, &pool, &x, &w, Some(&bias), relu, &mut got, &mut got_indices);
        assert!(got == pooled && got_indices == indices, "{s:?} {pool:?}");

        let mut through = y.clone();
        T::max_pool2d_backward(s.batch * s.out_channels, &dy, &indices, &mut through);
        let run = |pass: Conv2dPass<T>| {
            let (mut dx, mut dw) = (vec![T::NAN; x.len()], vec![T::NAN; w.len()]);
            let mut dbias = vec![T::NAN; bias.len()];
            let (dx_wanted, dw_wanted, dbias_wanted) =
                (Some(&mut dx[..]), Some(&mut dw[..]), Some(&mut dbias[..]));
            T::conv2d_backward(
                s,
                pass,
                Conv2dGradients { dx: dx_wanted, dw: dw_wanted, dbias: dbias_wanted },
            );
            (dx, dw, dbias)
        };
        let pass = Conv2dPass { x: &x, w: &w, relu: relu.then_some(&y), pool: None, dy: &through };
        let want = run(pass);
        let got =
            run(Conv2dPass { relu: relu.then_some(&pooled), pool: Some((&pool, &indices)), dy: &dy, ..pass });
        assert!(got == want, "gradients of {s:?} {pool:?}");
    }
}

#[test]
fn pooling_in_the_same_pass_is_pooling_afterwards() {
    let mut draws = Draws(4);
    for _ in 0..60 {
        let s = draws.shape();
        check_pooled::<f32>(&mut draws, &s);
        check_pooled::<f64>(&mut draws, &s);
    }
    let s = Conv2dShape { batch: 5, in_channels: 16, out_channels: 32, ..PLAIN };
    check_pooled::<f32>(&mut draws, &s);
}

#[test]
fn a_product_with_unfolded_images_is_the_convolution() {
    let mut draws = Draws(5);
    for _ in 0..100 {
        let s = Conv2dShape { groups: 1, ..draws.shape() };
        let [oh, ow] = s.output().unwrap();
        let x: Vec<f64> = draws.values(s.batch * s.in_channels * s.input[0] * s.input[1]);
        let kernel = s.kernel[0] * s.kernel[1];
        let mut columns = vec![f64::NAN; s.batch * s.in_channels * kernel * oh * ow];
        let dcolumns: Vec<f64> = draws.values(columns.len());
        // One output channel for each tap, which picks it: the convolution is the columns.
        let taps = s.in_channels * kernel;
        let pick: Vec<f64> = (0..taps * taps).map(|i| f64::from(u8::from(i % taps == i / taps))).collect();
        let each_tap = Conv2dShape { out_channels: taps, ..s };
        let mut expected = vec![0.0; columns.len()];
        each(&each_tap, |x_at, w_at, y_at| expected[y_at] += x[x_at] * pick[w_at]);
        let back = Expected::of(&each_tap, &x, &pick, &dcolumns).dx;
        for n in [1, 2] {
            threads::with_num_threads(n, || {
                f64::im2col(&s, &x, &mut columns);
                assert_eq!(columns, expected, "{s:?}");
                let mut dx = vec![f64::NAN; x.len()];
                f64::col2im(&s, &dcolumns, &mut dx);
                close("folded", &s, &dx, &back, kernel);
            });
        }
    }
}

#[test]
fn sizes_of_outputs() {
    assert_eq!(PLAIN.output(), Some([26, 26]));
    assert_eq!(Conv2dShape { padding: [1, 2], stride: [2, 3], ..PLAIN }.output(), Some([14, 10]));
    assert_eq!(Conv2dShape { dilation: [13, 13], ..PLAIN }.output(), Some([2, 2]));
    assert_eq!(Conv2dShape { dilation: [14, 1], ..PLAIN }.output(), None);
    assert_eq!(Conv2dShape { stride: [0, 1], ..PLAIN }.output(), None);
    // Sums that wrap around are none: the loops would read far outside of what they are given.
    assert_eq!(Conv2dShape { dilation: [1 << 63, 1], ..PLAIN }.output(), None);
    assert_eq!(Conv2dShape { padding: [1 << 63, 1 << 63], ..PLAIN }.output(), None);
    assert_eq!(Conv2dShape { input: [usize::MAX, 3], padding: [1, 0], ..PLAIN }.output(), None);
    assert!(PLAIN.is_addressable(8));
    assert!(!Conv2dShape { padding: [1 << 31, 1 << 31], ..PLAIN }.is_addressable(8));
    // Outputs far apart need no copy of what lies between them.
    assert!(Conv2dShape { padding: [1 << 40, 0], stride: [1 << 40, 1], ..PLAIN }.is_addressable(8));
    assert!(!Conv2dShape { padding: [1 << 40, 0], batch: 1 << 20, ..PLAIN }.is_addressable(8));
}

/// Steps and reaches that are long beside images and outputs, of every kind of channels.
#[test]
fn far_reaches_over_wide_paddings_are_the_definition() {
    let mut draws = Draws(18);
    let mut checked = 0;
    while checked < 60 {
        let s = Conv2dShape {
            input: [1 + draws.next(5), 1 + draws.next(9)],
            stride: [1 + draws.next(300), 1 + draws.next(300)],
            padding: [draws.next(500), draws.next(500)],
            dilation: [1 + draws.next(300), 1 + draws.next(300)],
            ..draws.shape()
        };
        if s.output().is_none_or(|output| output.iter().product::<usize>() > 200) {
            continue;
        }
        check::<f32>(&mut draws, &s);
        check::<f64>(&mut draws, &s);
        check_pooled::<f64>(&mut draws, &s);
        checked += 1;
    }
}

#[test]
fn padding_and_steps_without_end_cost_no_memory() {
    let mut draws = Draws(19);
    let far = 1 << 40;
    for (stride, padding, dilation) in [
        ([far, far], [far, far], [1, 1]),
        ([1, 2], [far, far], [2 * far, 2 * far + 1]),
        ([far, 1], [far, 1], [1, 1]),
        ([far / 2, 3], [far, far], [far, 2 * far]),
    ] {
        for (in_channels, out_channels, groups) in [(3, 2, 1), (2, 33, 1), (4, 4, 4)] {
            let s = Conv2dShape {
                batch: 2,
                in_channels,
                out_channels,
                input: [5, 6],
                kernel: [2, 2],
                stride,
                padding,
                dilation,
                groups,
            };
            assert!(s.is_addressable(8), "{s:?}");
            check::<f32>(&mut draws, &s);
            check::<f64>(&mut draws, &s);
        }
    }
}

#[test]
fn a_stride_past_the_image_costs_no_memory() {
    let mut draws = Draws(17);
    for stride in [[usize::MAX, 1 << 40], [3, 1 << 62], [1 << 32, 2]] {
        for (in_channels, out_channels, groups) in [(3, 2, 1), (2, 33, 1), (4, 4, 4)] {
            let s = Conv2dShape {
                batch: 2,
                in_channels,
                out_channels,
                input: [5, 6],
                kernel: [2, 3],
                stride,
                padding: [1, 2],
                dilation: [2, 1],
                groups,
            };
            assert!(s.is_addressable(8));
            check::<f32>(&mut draws, &s);
            check::<f64>(&mut draws, &s);
        }
    }
}

#[test]
fn axes_without_elements_give_sums_of_nothing() {
    let _held = ISA.lock().unwrap_or_else(PoisonError::into_inner);
    let plain = Conv2dShape { batch: 2, in_channels: 3, out_channels: 4, input: [5, 5], ..PLAIN };
    let shapes = [
        Conv2dShape { batch: 0, ..plain },
        Conv2dShape { in_channels: 0, ..plain },
        Conv2dShape { out_channels: 0, ..plain },
        Conv2dShape { in_channels: 0, out_channels: 0, ..plain },
        Conv2dShape { input: [0, 3], padding: [2, 1], ..plain },
        Conv2dShape { in_channels: 0, out_channels: 0, batch: 0, ..plain },
    ];
    for isa in Isa::available() {
        isa::force(Some(isa));
        for s in shapes {
            let [oh, ow] = s.output().unwrap();
            let x = vec![1.0_f32; s.batch * s.in_channels * s.input[0] * s.input[1]];
            let w = vec![1.0; s.out_channels * s.in_channels * s.kernel[0] * s.kernel[1]];
            let (bias, len) = (vec![0.5; s.out_channels], s.batch * s.out_channels * oh * ow);
            let mut y = vec![f32::NAN; len];
            f32::conv2d(&s, &x, &w, Some(&bias), false, &mut y);
            assert!(y.iter().all(|&y| y == 0.5), "{s:?}: {y:?}");
            let (mut dx, mut dw) = (vec![f32::NAN; x.len()], vec![f32::NAN; w.len()]);
            let mut dbias = vec![f32::NAN; bias.len()];
            let gradients = Conv2dGradients { dx: Some(&mut dx), dw: Some(&mut dw), dbias: Some(&mut dbias) };
            f32::conv2d_backward(&s, pass_of(&x, &w, &y), gradients);
            let total = 0.5 * (s.batch * oh * ow) as f32;
            assert!(dbias.iter().all(|&db| db == total), "{s:?}: {dbias:?}");
            assert!(dx.iter().chain(&dw).all(|g| *g == 0.0) || s.batch * s.in_channels * s.out_channels > 0);
            // Pooled in the same pass.
            let pool = Pool2dShape {
                batch: s.batch,
                channels: s.out_channels,
                input: [oh, ow],
                kernel: [1, 1],
                stride: [1, 1],
                padding: [0, 0],
                dilation: [1, 1],
                ceil_mode: false,
            };
            let mut chosen = vec![0; len];
            f32::conv2d_max_pool2d(&s, &pool, &x, &w, Some(&bias), true, &mut y, &mut chosen);
            assert!(y.iter().all(|&y| y == 0.5), "{s:?}: {y:?}");
            let pass = Conv2dPass { pool: Some((&pool, &chosen)), ..pass_of(&x, &w, &y) };
            let gradients = Conv2dGradients { dx: Some(&mut dx), dw: Some(&mut dw), dbias: Some(&mut dbias) };
            f32::conv2d_backward(&s, pass, gradients);
            assert!(dbias.iter().all(|&db| db == total), "{s:?}: {dbias:?}");
            let lift = vec![0.25; s.in_channels];
            f32::conv_transpose2d(&s, &y, &w, Some(&lift), &mut dx);
            assert!(s.out_channels > 0 || dx.iter().all(|&dx| dx == 0.25), "{s:?}: {dx:?}");
        }
    }
    isa::force(None);
}

/// A pass whose outputs are their own gradients.
fn pass_of<'a>(x: &'a [f32], w: &'a [f32], y: &'a [f32]) -> Conv2dPass<'a, f32> {
    Conv2dPass { x, w, relu: Some(y), pool: None, dy: y }
}
