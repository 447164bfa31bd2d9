//! Pooling against the definition, written as plain loops.

use barehand_kernels::isa::{self, Isa};
use barehand_kernels::pool2d::{NO_INDEX, Pool2d, Pool2dShape};
use barehand_kernels::threads;

/// A linear congruential generator: enough to vary shapes and values.
struct Draws(u64);

impl Draws {
    fn next(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }

    /// Small whole numbers, so that ties are common.
    fn values(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next(17) as f64 - 8.0).collect()
    }
}

fn shape(draws: &mut Draws, dilated: bool) -> Pool2dShape {
    loop {
        let kernel = [1 + draws.next(4), 1 + draws.next(4)];
        let s = Pool2dShape {
            batch: draws.next(4),
            channels: 1 + draws.next(3),
            input: [1 + draws.next(12), 1 + draws.next(40)],
            kernel,
            stride: [1 + draws.next(3), 1 + draws.next(3)],
            padding: [draws.next(kernel[0] / 2 + 1), draws.next(kernel[1] / 2 + 1)],
            dilation: if dilated { [1 + draws.next(3), 1 + draws.next(3)] } else { [1, 1] },
            ceil_mode: draws.next(2) == 0,
        };
        if s.output().is_some() {
            return s;
        }
    }
}

/// Windows much wider than the image, over paddings as wide.
fn far(draws: &mut Draws, s: Pool2dShape) -> Pool2dShape {
    loop {
        let kernel = [1 + draws.next(9), 100 + draws.next(900)];
        let padding = [draws.next(kernel[0] / 2 + 1), kernel[1] / 2 - draws.next(40)];
        let (stride, dilation) = ([1 + draws.next(4), 1 + draws.next(300)], [1, 1 + draws.next(2)]);
        let s = Pool2dShape { kernel, padding, stride, dilation, ..s };
        if s.output().is_some() {
            return s;
        }
    }
}

/// Positions of window `i` on an axis that lie inside the input.
fn inside(s: &Pool2dShape, axis: usize, i: usize) -> Vec<usize> {
    (0..s.kernel[axis])
        .map(|t| (i * s.stride[axis] + t * s.dilation[axis]).wrapping_sub(s.padding[axis]))
        .filter(|&p| p < s.input[axis])
        .collect()
}

fn everywhere(body: impl Fn()) {
    for isa in Isa::available() {
        isa::force(Some(isa));
        for n in [1, 2] {
            threads::with_num_threads(n, &body);
        }
    }
}

#[test]
fn maximum_is_the_definition() {
    let mut draws = Draws(1);
    for case in 0..340 {
        let mut s = shape(&mut draws, true);
        if case >= 300 {
            s = far(&mut draws, s);
        }
        if case % 3 == 0 && case < 300 {
            s = Pool2dShape { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ..s };
            s.input = [s.input[0] + 1, s.input[1] + 1];
        }
        let [oh, ow] = s.output().unwrap();
        let planes = s.batch * s.channels;
        let plane = s.input[0] * s.input[1];
        let mut x = draws.values(planes * plane);
        if case % 5 == 0 {
            for x in x.iter_mut().filter(|x| **x > 7.0) {
                *x = f64::NAN;
            }
        }
        let (mut y, mut indices) = (vec![], vec![]);
        let dy = draws.values(planes * oh * ow);
        let mut dx = vec![0.0; x.len()];
        for (p, x) in x.chunks(plane).enumerate() {
            for (i, j) in (0..oh).flat_map(|i| (0..ow).map(move |j| (i, j))) {
                let mut best = (f64::NEG_INFINITY, NO_INDEX);
                for row in inside(&s, 0, i) {
                    for &col in &inside(&s, 1, j) {
                        let at = row * s.input[1] + col;
                        if x[at] > best.0 || x[at].is_nan() || best.1 == NO_INDEX {
                            best = (x[at], at as u32);
                        }
                    }
                }
                if best.1 != NO_INDEX {
                    dx[p * plane + best.1 as usize] += dy[(p * oh + i) * ow + j];
                }
                y.push(best.0);
                indices.push(best.1);
            }
        }
        let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        everywhere(|| {
            let (mut got, mut at, mut got_dx) = (vec![9.0; y.len()], vec![9; y.len()], vec![9.0; x.len()]);
            f64::max_pool2d(&s, &x, &mut got, &mut at);
            assert!(got.iter().zip(&y).all(|(a, b)| same(*a, *b)), "{s:?}\n{got:?}\n{y:?}");
            assert_eq!(at, indices, "{s:?}");
            f64::max_pool2d_backward(planes, &dy, &at, &mut got_dx);
            assert_eq!(got_dx, dx, "{s:?}");

            let (x, dy) = (narrow(&x), narrow(&dy));
            let (mut got, mut at, mut got_dx) = (vec![9.0; y.len()], vec![9; y.len()], vec![9.0; x.len()]);
            f32::max_pool2d(&s, &x, &mut got, &mut at);
            assert!(got.iter().zip(&y).all(|(a, b)| same(f64::from(*a), *b)), "{s:?}");
            assert_eq!(at, indices, "{s:?}");
            f32::max_pool2d_backward(planes, &dy, &at, &mut got_dx);
            assert_eq!(wide(&got_dx), dx, "{s:?}");
        });
    }
}

fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn close(got: &[f64], want: &[f64], tolerance: f64, context: &dyn std::fmt::Debug) {
    assert_eq!(got.len(), want.len());
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{context:?}: {a} for {b} at {i}");
    }
}

/// Mean over windows given as lists of rows and columns with their divisors, and its gradient.
fn mean(
    planes: usize,
    input: [usize; 2],
    windows: &[(Vec<usize>, Vec<usize>, f64)],
    x: &[f64],
    dy: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let plane = input[0] * input[1];
    let (mut y, mut dx) = (vec![], vec![0.0; x.len()]);
    for p in 0..planes {
        for (rows, cols, divisor) in windows {
            let mut sum = 0.0;
            for at in rows.iter().flat_map(|r| cols.iter().map(move |c| p * plane + r * input[1] + c)) {
                sum += x[at];
                dx[at] += dy[y.len()] / divisor;
            }
            y.push(sum / divisor);
        }
    }
    (y, dx)
}

#[test]
fn mean_is_the_definition() {
    let mut draws = Draws(2);
    for case in 0..300 {
        let mut s = shape(&mut draws, false);
        if case % 4 == 0 {
            s = Pool2dShape { kernel: [2, 2], stride: [2, 2], padding: [0, 0], ..s };
            s.input = [s.input[0] + 1, s.input[1] + 1];
        }
        let (include, divisor) = (draws.next(2) == 0, [None, Some(3)][draws.next(2)]);
        let [oh, ow] = s.output().unwrap();
        let planes = s.batch * s.channels;
        let x = draws.values(planes * s.input[0] * s.input[1]);
        let dy = draws.values(planes * oh * ow);
        let count = |axis: usize, i: usize| {
            let start = i * s.stride[axis];
            let end = (start + s.kernel[axis]).min(s.input[axis] + 2 * s.padding[axis]);
            if include { end - start } else { inside(&s, axis, i).len() }
        };
        let windows: Vec<_> = (0..oh)
            .flat_map(|i| (0..ow).map(move |j| (i, j)))
            .map(|(i, j)| {
                let n = divisor.unwrap_or(count(0, i) * count(1, j)).max(1);
                (inside(&s, 0, i), inside(&s, 1, j), n as f64)
            })
            .collect();
        let (y, dx) = mean(planes, s.input, &windows, &x, &dy);
        everywhere(|| {
            let (mut got, mut got_dx) = (vec![9.0; y.len()], vec![9.0; x.len()]);
            f64::avg_pool2d(&s, &x, include, divisor, &mut got);
            f64::avg_pool2d_backward(&s, &dy, include, divisor, &mut got_dx);
            close(&got, &y, 1e-14, &s);
            close(&got_dx, &dx, 1e-14, &s);
            let (mut got, mut got_dx) = (vec![9.0; y.len()], vec![9.0; x.len()]);
            f32::avg_pool2d(&s, &narrow(&x), include, divisor, &mut got);
            f32::avg_pool2d_backward(&s, &narrow(&dy), include, divisor, &mut got_dx);
            close(&wide(&got), &y, 1e-5, &s);
            close(&wide(&got_dx), &dx, 1e-5, &s);
        });
    }
}

#[test]
fn adaptive_mean_is_the_definition() {
    let mut draws = Draws(3);
    for _ in 0..200 {
        let (planes, input) = (draws.next(4), [1 + draws.next(9), 1 + draws.next(30)]);
        let output = [draws.next(6), 1 + draws.next(12)];
        let x = draws.values(planes * input[0] * input[1]);
        let dy = draws.values(planes * output[0] * output[1]);
        let span = |axis: usize, i: usize| -> Vec<usize> {
            let (size, n) = (input[axis] as f64, output[axis] as f64);
            ((i as f64 * size / n).floor() as usize..((i + 1) as f64 * size / n).ceil() as usize).collect()
        };
        let windows: Vec<_> = (0..output[0])
            .flat_map(|i| (0..output[1]).map(move |j| (i, j)))
            .map(|(i, j)| (span(0, i), span(1, j), (span(0, i).len() * span(1, j).len()) as f64))
            .collect();
        let (y, dx) = mean(planes, input, &windows, &x, &dy);
        everywhere(|| {
            let (mut got, mut got_dx) = (vec![9.0; y.len()], vec![9.0; x.len()]);
            f64::adaptive_avg_pool2d(planes, input, output, &x, &mut got);
            f64::adaptive_avg_pool2d_backward(planes, input, output, &dy, &mut got_dx);
            close(&got, &y, 1e-14, &(input, output));
            close(&got_dx, &dx, 1e-14, &(input, output));
        });
    }
}

#[test]
fn adaptive_maximum_is_the_definition() {
    let mut draws = Draws(4);
    for case in 0..200 {
        let (planes, input) = (draws.next(4), [1 + draws.next(9), 1 + draws.next(30)]);
        let output = [1 + draws.next(6), 1 + draws.next(12)];
        let plane = input[0] * input[1];
        let mut x = draws.values(planes * plane);
        if case % 5 == 0 {
            x.iter_mut().filter(|x| **x > 7.0).for_each(|x| *x = f64::NAN);
        }
        let (mut y, mut indices) = (vec![], vec![]);
        for x in x.chunks(plane) {
            for (i, j) in (0..output[0]).flat_map(|i| (0..output[1]).map(move |j| (i, j))) {
                let mut best = (f64::NEG_INFINITY, NO_INDEX);
                for row in i * input[0] / output[0]..((i + 1) * input[0]).div_ceil(output[0]) {
                    for column in j * input[1] / output[1]..((j + 1) * input[1]).div_ceil(output[1]) {
                        let at = row * input[1] + column;
                        if x[at] > best.0 || x[at].is_nan() || best.1 == NO_INDEX {
                            best = (x[at], at as u32);
                        }
                    }
                }
                y.push(best.0);
                indices.push(best.1);
            }
        }
        everywhere(|| {
            let (mut got, mut at) = (vec![9.0; y.len()], vec![9; y.len()]);
            f64::adaptive_max_pool2d(planes, input, output, &x, &mut got, &mut at);
            assert!(got.iter().zip(&y).all(|(a, b)| a == b || a.is_nan() && b.is_nan()));
            assert_eq!(at, indices, "{input:?} to {output:?}");
        });
    }
}

#[test]
fn the_last_window_starts_inside() {
    let s = Pool2dShape {
        batch: 1,
        channels: 1,
        input: [5, 5],
        kernel: [2, 2],
        stride: [2, 2],
        padding: [0, 0],
        dilation: [1, 1],
        ceil_mode: false,
    };
    assert_eq!(s.output(), Some([2, 2]));
    assert_eq!(Pool2dShape { ceil_mode: true, ..s }.output(), Some([3, 3]));
    // A fourth window would start at 6, in the right padding.
    assert_eq!(Pool2dShape { ceil_mode: true, padding: [1, 1], stride: [3, 3], ..s }.output(), Some([2, 2]));
    assert_eq!(Pool2dShape { padding: [2, 0], ..s }.output(), None);
    assert_eq!(Pool2dShape { kernel: [6, 1], ..s }.output(), None);
}

#[test]
fn windows_without_end_cost_no_time() {
    let far = 1 << 40;
    for ceil_mode in [false, true] {
        let s = Pool2dShape {
            batch: 1,
            channels: 2,
            input: [2, 3],
            kernel: [2 * far, 2 * far],
            stride: [far, far],
            padding: [far, far],
            dilation: [1, 1],
            ceil_mode,
        };
        let [oh, ow] = s.output().unwrap();
        let x = [1.0, 5.0, 2.0, 0.0, -1.0, 3.0, 7.0, 1.0, 2.0, 8.0, 0.0, 1.0];
        let (mut y, mut indices) = (vec![0.0; 2 * oh * ow], vec![0; 2 * oh * ow]);
        f64::max_pool2d(&s, &x, &mut y, &mut indices);
        for (p, windows) in y.chunks(oh * ow).enumerate() {
            let largest = [5.0, 8.0][p];
            // The first window ends where the image begins; those that begin there hold all of it.
            assert!(windows.iter().all(|&y| y == largest || y == f64::NEG_INFINITY), "{windows:?}");
            assert!(windows.contains(&largest), "{windows:?}");
        }
        let mut means = vec![9.0; 2 * oh * ow];
        f64::avg_pool2d(&s, &x, false, None, &mut means);
        assert!(means.iter().any(|&mean| (mean - 10.0 / 6.0).abs() < 1e-12), "{means:?}");
    }
}
