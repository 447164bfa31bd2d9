//! Times softmax, cross-entropy and GELU: `softmax_race THREADS` prints `name milliseconds GB/s`, the best of many calls,
//! beside a copy of the same size; bytes are those that must be read and written.

use std::time::{Duration, Instant};

use barehand_kernels::View;
use barehand_kernels::buffer::Buffer;
use barehand_kernels::cross_entropy::{CrossEntropy, CrossEntropyOptions, Targets};
use barehand_kernels::elementwise::{Elementwise, Unary};
use barehand_kernels::softmax::Softmax;
use barehand_kernels::threads;

fn race(name: &str, bytes: usize, mut call: impl FnMut()) {
    let began = Instant::now();
    let mut best = Duration::MAX;
    while began.elapsed() < Duration::from_millis(400) {
        let start = Instant::now();
        call();
        best = best.min(start.elapsed());
    }
    println!("{name} {:.2} {:.1}", best.as_secs_f64() * 1e3, bytes as f64 / best.as_secs_f64() / 1e9);
}

fn values(n: usize) -> Buffer<f32> {
    let mut x = Buffer::scratch(n);
    x.iter_mut().enumerate().for_each(|(i, x)| *x = (i % 61) as f32 / 10.0 - 3.0);
    x
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    threads::set_num_threads(threads);
    let (rows, cols) = (4096, 1024);
    let n = rows * cols;
    let (x, dy, mut y) = (values(n), values(n), values(n));
    let shape = [n];
    let view = |x| View::new(x, &shape, &[1]);
    race("copy", 8 * n, || f32::unary(Unary::Neg, view(&x), &mut y));
    race("softmax", 8 * n, || f32::softmax(&x, cols, &mut y));
    race("softmax-backward", 12 * n, || f32::softmax_backward(&x, &dy, cols, &mut y));
    race("log_softmax", 8 * n, || f32::log_softmax(&x, cols, &mut y));
    race("log_softmax-backward", 12 * n, || f32::log_softmax_backward(&x, &dy, cols, &mut y));
    for (name, op) in [
        ("gelu", Unary::GeluErf),
        ("gelu_tanh", Unary::GeluTanh),
        ("silu", Unary::Silu),
        ("sigmoid", Unary::Sigmoid),
        ("tanh", Unary::Tanh),
        ("atan", Unary::Atan),
    ] {
        race(name, 8 * n, || f32::unary(op, view(&x), &mut y));
        race(&format!("{name}-backward"), 12 * n, || f32::unary_backward(op, view(&x), view(&dy), &mut y));
    }
    let (rows, classes) = (512, 32_000);
    let x = values(rows * classes);
    let mut dx = values(rows * classes);
    let targets: Vec<i64> = (0..rows as i64).map(|row| row * 7 % classes as i64).collect();
    let options = CrossEntropyOptions { weight: None, ignore_index: -100, label_smoothing: 0.0 };
    let (mut losses, mut log_sum_exp) = (Buffer::scratch(rows), Buffer::scratch(rows));
    let targets = Targets::Classes(&targets);
    let shape = [rows * classes];
    let view = |x| View::new(x, &shape, &[1]);
    race("long-copy", 8 * rows * classes, || f32::unary(Unary::Neg, view(&x), &mut dx));
    race("cross_entropy", 4 * rows * classes, || {
        f32::cross_entropy(&x, classes, targets, &options, &mut losses, &mut log_sum_exp);
    });
    race("cross_entropy-backward", 8 * rows * classes, || {
        f32::cross_entropy_backward(&x, classes, targets, &options, &log_sum_exp, &[1.0], &mut dx);
    });
    race("cross_entropy-both", 8 * rows * classes, || {
        f32::cross_entropy_with_gradient(&x, classes, targets, &options, 1.0, &mut losses, &mut dx);
    });
}
