//! Matrix products against three plain loops.

use barehand_kernels::Real;
use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
use barehand_kernels::isa::{self, Isa};
use barehand_kernels::threads;

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

    /// A matrix size: often tiny, sometimes more than one block of a blocked algorithm.
    fn size(&mut self) -> usize {
        match self.next(8) {
            0 => self.next(2),
            1 => 1,
            2..=4 => 1 + self.next(20),
            5..=6 => 1 + self.next(100),
            _ => 1 + self.next(400),
        }
    }

    /// Strides for an `m x n` matrix: row-major, column-major, padded, or repeating.
    fn strides(&mut self, m: usize, n: usize, repeats: bool) -> [usize; 2] {
        match self.next(if repeats { 7 } else { 5 }) {
            0 | 1 => [n, 1],
            2 => [1, m],
            3 => [n + 3, 1],
            4 => [2, 2 * m + 1],
            5 => [0, 1],
            _ => [1, 0],
        }
    }
}

fn everywhere(body: impl Fn()) {
    for isa in Isa::available() {
        isa::force(Some(isa));
        for n in [1, 2] {
            threads::with_num_threads(n, &body);
        }
    }
}

fn matrix<T>(data: &[T], rows: usize, cols: usize, strides: [usize; 2]) -> Matrix<'_, T> {
    Matrix { data, rows, cols, row_stride: strides[0], col_stride: strides[1] }
}

fn length(rows: usize, cols: usize, strides: [usize; 2]) -> usize {
    if rows * cols == 0 { 0 } else { (rows - 1) * strides[0] + (cols - 1) * strides[1] + 1 }
}

/// Every product must be within the rounding of a dot product of length `k`: `k` terms of size at most 1.
fn check<T: Gemm>(draws: &mut Draws, m: usize, k: usize, n: usize) {
    let (sa, sb, sc) = (draws.strides(m, k, true), draws.strides(k, n, true), draws.strides(m, n, false));
    let a: Vec<T> = draws.values(length(m, k, sa));
    let b: Vec<T> = draws.values(length(k, n, sb));
    let old: Vec<T> = draws.values(length(m, n, sc));
    let (alpha, beta) = [(1.0, 0.0), (1.0, 1.0), (-0.5, 0.0), (2.0, 0.75), (0.0, 1.0)][draws.next(5)];
    let nan = beta == 0.0;
    let mut want: Vec<f64> = old.iter().map(|c| c.to_f64()).collect();
    for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
        let terms = (0..k).map(|t| a[i * sa[0] + t * sa[1]].to_f64() * b[t * sb[0] + j * sb[1]].to_f64());
        let c = &mut want[i * sc[0] + j * sc[1]];
        *c = alpha * terms.sum::<f64>() + if nan { 0.0 } else { beta * *c };
    }
    let tolerance = T::EPSILON.to_f64() * (8.0 + 2.0 * k as f64);
    everywhere(|| {
        let mut c = old.clone();
        if nan {
            for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                c[i * sc[0] + j * sc[1]] = T::NAN;
            }
        }
        T::gemm(
            T::from_f64(alpha),
            matrix(&a, m, k, sa),
            matrix(&b, k, n, sb),
            T::from_f64(beta),
            MatrixMut { data: &mut c, rows: m, cols: n, row_stride: sc[0], col_stride: sc[1] },
        );
        for (i, (c, want)) in c.iter().zip(&want).enumerate() {
            let error = (c.to_f64() - want).abs();
            assert!(
                error <= tolerance,
                "{} ({m}x{k}) {sa:?} ({k}x{n}) {sb:?} {sc:?} {alpha} {beta} at {i}: {c} for {want}",
                T::NAME
            );
        }
    });
}

#[test]
fn products_are_the_definition() {
    let mut draws = Draws(1);
    for _ in 0..150 {
        let [m, k, n] = [draws.size(), draws.size(), draws.size()];
        check::<f32>(&mut draws, m, k, n);
        check::<f64>(&mut draws, m, k, n);
    }
}

#[test]
fn long_and_thin_products_are_the_definition() {
    let mut draws = Draws(2);
    for [m, k, n] in [
        [20, 5000, 10],
        [1, 3000, 70],
        [90, 3000, 1],
        [3000, 1, 1],
        [3000, 7, 3],
        [3, 7, 3000],
        [2000, 2, 33],
        [64, 784, 512],
        [513, 64, 784],
        [1, 1, 9000],
        [1, 20000, 1],
    ] {
        for _ in 0..6 {
            check::<f32>(&mut draws, m, k, n);
        }
        check::<f64>(&mut draws, m, k, n);
    }
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let mut draws = Draws(3);
    for [m, k, n] in
        [[64, 784, 512], [512, 64, 784], [300, 300, 300], [30, 40000, 10], [1, 5000, 300], [300, 5000, 1]]
    {
        let (a, b) = (draws.values::<f32>(m * k), draws.values::<f32>(k * n));
        for (transpose_a, transpose_b) in [(false, false), (true, false), (false, true)] {
            let run = |threads: usize| {
                let mut c = vec![0.0; m * n];
                let left = if transpose_a {
                    Matrix::row_major(&a, k, m).transpose()
                } else {
                    Matrix::row_major(&a, m, k)
                };
                let right = if transpose_b {
                    Matrix::row_major(&b, n, k).transpose()
                } else {
                    Matrix::row_major(&b, k, n)
                };
                let out = MatrixMut::row_major(&mut c, m, n);
                threads::with_num_threads(threads, || f32::gemm(1.0, left, right, 0.0, out));
                c
            };
            assert!(run(1) == run(2), "{m}x{k}x{n} {transpose_a} {transpose_b}");
            assert!(run(1) == run(3), "{m}x{k}x{n} {transpose_a} {transpose_b}");
        }
    }
}

#[test]
fn batches_broadcast_and_interleave() {
    let mut draws = Draws(4);
    for case in 0..60 {
        let (batch, m, k, n) = (draws.next(9), 1 + draws.next(40), draws.next(40), 1 + draws.next(40));
        let a: Vec<f64> = draws.values(batch.max(1) * m * k);
        let b: Vec<f64> = draws.values(k * n);
        // Either one matrix after another, or columns side by side in one wide array, as attention heads are.
        let interleaved = case % 2 == 0;
        let a_offsets: Vec<usize> = (0..batch).map(|i| i * m * k).collect();
        let b_offsets = vec![0; batch];
        let c_offsets: Vec<usize> = (0..batch).map(|i| if interleaved { i * n } else { i * m * n }).collect();
        let row_stride = if interleaved { n * batch.max(1) } else { n };
        let old: Vec<f64> = draws.values(batch.max(1) * m * n);
        let mut want = old.clone();
        for i in 0..batch {
            for (r, q) in (0..m).flat_map(|r| (0..n).map(move |q| (r, q))) {
                let sum: f64 = (0..k).map(|t| a[(i * m + r) * k + t] * b[t * n + q]).sum();
                let c = &mut want[c_offsets[i] + r * row_stride + q];
                *c = 2.0 * sum + 0.5 * *c;
            }
        }
        everywhere(|| {
            let mut c = old.clone();
            f64::gemm_batched(
                2.0,
                Matrix::row_major(&a, m, k),
                &a_offsets,
                Matrix::row_major(&b, k, n),
                &b_offsets,
                0.5,
                MatrixMut { data: &mut c, rows: m, cols: n, row_stride, col_stride: 1 },
                &c_offsets,
            );
            for (c, want) in c.iter().zip(&want) {
                assert!((c - want).abs() < 1e-12, "{batch} {m}x{k}x{n}: {c} for {want}");
            }
        });
    }
}

#[test]
fn linear_layers_add_their_bias() {
    let mut draws = Draws(5);
    for _ in 0..60 {
        let (n, inputs, outputs) = (draws.size(), draws.size(), draws.size());
        let (x, w): (Vec<f32>, Vec<f32>) = (draws.values(n * inputs), draws.values(inputs * outputs));
        let bias: Vec<f32> = draws.values(outputs);
        everywhere(|| {
            for bias in [None, Some(&bias[..])] {
                let mut y = vec![f32::NAN; n * outputs];
                f32::linear(
                    Matrix::row_major(&x, n, inputs),
                    Matrix::row_major(&w, outputs, inputs),
                    bias,
                    &mut y,
                );
                for (i, y) in y.iter().enumerate() {
                    let (row, out) = (i / outputs, i % outputs);
                    let sum: f64 = (0..inputs)
                        .map(|t| f64::from(x[row * inputs + t]) * f64::from(w[out * inputs + t]))
                        .sum();
                    let want = sum + bias.map_or(0.0, |bias| f64::from(bias[out]));
                    assert!(
                        (f64::from(*y) - want).abs() < 1e-5 + 1e-6 * inputs as f64,
                        "{n} {inputs} {outputs}"
                    );
                }
            }
        });
    }
}

#[test]
#[should_panic(expected = "does not give")]
fn sizes_must_agree() {
    let a = [1.0f64; 6];
    f64::gemm(
        1.0,
        Matrix::row_major(&a, 2, 3),
        Matrix::row_major(&a, 2, 3),
        0.0,
        MatrixMut::row_major(&mut [0.0; 6], 2, 3),
    );
}
