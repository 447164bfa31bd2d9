//! Times matrix products: `gemm_race THREADS` prints `name GFLOP/s` for squares, the shapes of training, and thin ones.
//!
//! Every line is the best of many calls, so that a race against another library can alternate runs and keep the best.

use std::time::{Duration, Instant};

use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
use barehand_kernels::threads;

/// Name, rows, depth, columns, and whether `a` and `b` are stored transposed.
const SHAPES: [(&str, usize, usize, usize, bool, bool); 19] = [
    ("square_64", 64, 64, 64, false, false),
    ("square_128", 128, 128, 128, false, false),
    ("square_256", 256, 256, 256, false, false),
    ("square_512", 512, 512, 512, false, false),
    ("square_1024", 1024, 1024, 1024, false, false),
    ("square_512_tn", 512, 512, 512, true, false),
    ("square_512_nt", 512, 512, 512, false, true),
    ("hidden_forward", 64, 784, 512, false, true),
    ("hidden_input_gradient", 64, 512, 784, false, false),
    ("hidden_weight_gradient", 512, 64, 784, true, false),
    ("output_forward", 64, 512, 10, false, true),
    ("output_input_gradient", 64, 10, 512, false, false),
    ("output_weight_gradient", 10, 64, 512, true, false),
    ("gpt_forward", 768, 128, 512, false, true),
    ("tall_weight_gradient", 784, 60000, 10, true, false),
    ("tall_forward", 60000, 784, 10, false, true),
    ("gram", 50, 100000, 50, true, false),
    ("matrix_vector", 4096, 4096, 1, false, false),
    ("vector_matrix", 1, 4096, 4096, false, false),
];

fn main() {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    let only = std::env::args().nth(2).unwrap_or_default();
    for (name, m, k, n, a_transposed, b_transposed) in SHAPES {
        if !name.contains(&only) {
            continue;
        }
        let a: Vec<f32> = (0..m * k).map(|i| (i % 7) as f32 - 3.0).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i % 5) as f32 - 2.0).collect();
        let mut c = vec![0.0; m * n];
        let left = || {
            if a_transposed { Matrix::row_major(&a, k, m).transpose() } else { Matrix::row_major(&a, m, k) }
        };
        let right = || {
            if b_transposed { Matrix::row_major(&b, n, k).transpose() } else { Matrix::row_major(&b, k, n) }
        };
        let mut best = Duration::MAX;
        threads::with_num_threads(threads, || {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(120) {
                let start = Instant::now();
                f32::gemm(1.0, left(), right(), 0.0, MatrixMut::row_major(&mut c, m, n));
                best = best.min(start.elapsed());
            }
        });
        let flops = 2.0 * (m * k * n) as f64;
        println!("{name} {:.2}", flops / best.as_secs_f64() / 1e9);
    }
}
