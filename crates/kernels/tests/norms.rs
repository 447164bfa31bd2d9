//! Softmax, cross-entropy, layer and batch normalisation against plain `f64` loops, on every instruction set and with
//! one and two threads.

use barehand_kernels::batch_norm::BatchNorm;
use barehand_kernels::cross_entropy::{CrossEntropy, CrossEntropyOptions, Targets};
use barehand_kernels::group_norm::{GroupNorm, Groups};
use barehand_kernels::layer_norm::LayerNorm;
use barehand_kernels::softmax::Softmax;

mod agreement;

use agreement::{assert_close, double, everywhere, noise, single};

const SHAPES: [(usize, usize); 9] =
    [(0, 3), (1, 1), (3, 7), (64, 10), (5, 63), (7, 65), (33, 1000), (300, 129), (2, 5000)];

/// Checks a function in `f64` closely and in `f32` loosely.
macro_rules! check {
    ($what:expr, $want:expr, [$($input:ident),*], |$t:ident, $($arg:ident),*| $call:expr) => {{
        let want: Vec<f64> = $want;
        {
            #[allow(dead_code, reason = "not every call names the type")]
            type $t = f64;
            $( let $arg = $input.clone(); )*
            let got: Vec<f64> = $call;
            assert_close(concat!("f64 ", $what), &got, &want, 1e-12);
        }
        {
            #[allow(dead_code, reason = "not every call names the type")]
            type $t = f32;
            $( let $arg = single(&$input); )*
            let got: Vec<f32> = $call;
            assert_close(concat!("f32 ", $what), &double(&got), &want, 2e-5);
        }
    }};
}

/// Rounds to `f32` and back, so that both precisions see the same numbers.
fn shared(n: usize, seed: u64, scale: f64) -> Vec<f64> {
    double(&single(&noise(n, seed, scale)))
}

fn naive_log_softmax(x: &[f64], cols: usize) -> Vec<f64> {
    x.chunks(cols.max(1))
        .flat_map(|x| {
            let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let lse = top + x.iter().map(|x| (x - top).exp()).sum::<f64>().ln();
            x.iter().map(move |x| x - lse).collect::<Vec<_>>()
        })
        .collect()
}

// One test for everything: the instruction set is a setting of the whole process.
#[test]
fn fused_layers_agree_with_plain_loops() {
    everywhere(|| {
        for (rows, cols) in SHAPES {
            softmax(rows, cols);
            cross_entropy(rows, cols);
            layer_norm(rows, cols);
            rms_norm(rows, cols);
        }
        for (n, channels, inner, groups) in [
            (2, 6, 12, 3),
            (1, 4, 1, 2),
            (3, 4, 49, 4),
            (2, 8, 65, 1),
            (40, 30, 40, 5),
            (0, 4, 3, 2),
            (2, 3, 0, 1),
        ] {
            group_norm(n, Groups { channels, inner, groups });
        }
        for (n, channels, inner) in
            [(4, 3, 1), (100, 7, 1), (257, 130, 1), (5, 3, 2), (6, 5, 49), (3, 4, 4096)]
        {
            batch_norm(n, channels, inner);
        }
    });
    edges();
    everywhere(large_results);
}

fn softmax(rows: usize, cols: usize) {
    let x = shared(rows * cols, 1, 20.0);
    let dy = shared(rows * cols, 2, 1.0);
    let log_y = naive_log_softmax(&x, cols);
    let y: Vec<f64> = log_y.iter().map(|y| y.exp()).collect();
    check!("softmax", y.clone(), [x], |T, x| {
        let mut out = vec![0.0; x.len()];
        T::softmax(&x, cols, &mut out);
        out
    });
    check!("log_softmax", log_y.clone(), [x], |T, x| {
        let mut out = vec![0.0; x.len()];
        T::log_softmax(&x, cols, &mut out);
        out
    });
    let dx = y.chunks(cols).zip(dy.chunks(cols)).flat_map(|(y, dy)| {
        let dot: f64 = y.iter().zip(dy).map(|(y, dy)| y * dy).sum();
        y.iter().zip(dy).map(|(y, dy)| y * (dy - dot)).collect::<Vec<_>>()
    });
    check!("softmax_backward", dx.collect(), [y, dy], |T, y, dy| {
        let mut out = vec![0.0; y.len()];
        T::softmax_backward(&y, &dy, cols, &mut out);
        out
    });
    let dx = log_y.chunks(cols).zip(dy.chunks(cols)).flat_map(|(y, dy)| {
        let sum: f64 = dy.iter().sum();
        y.iter().zip(dy).map(|(y, dy)| dy - y.exp() * sum).collect::<Vec<_>>()
    });
    check!("log_softmax_backward", dx.collect(), [log_y, dy], |T, log_y, dy| {
        let mut out = vec![0.0; log_y.len()];
        T::log_softmax_backward(&log_y, &dy, cols, &mut out);
        out
    });
}

fn cross_entropy(rows: usize, cols: usize) {
    let x = shared(rows * cols, 3, 10.0);
    let scale = shared(rows, 4, 1.0);
    let weight: Vec<f64> = shared(cols, 5, 1.0).iter().map(|w| w.abs()).collect();
    let q: Vec<f64> = double(&single(
        &naive_log_softmax(&noise(rows * cols, 6, 2.0), cols).iter().map(|y| y.exp()).collect::<Vec<_>>(),
    ));
    let classes: Vec<i64> =
        (0..rows).map(|r| if r % 5 == 3 { -100 } else { (r * 7 % cols) as i64 }).collect();
    let log_p = naive_log_softmax(&x, cols);
    for (weighted, smoothing, soft) in
        [(false, 0.0, false), (true, 0.0, false), (true, 0.1, false), (false, 0.0, true), (true, 0.2, true)]
    {
        // What each `-ln p` counts.
        let share = |row: usize, c: usize| {
            let target = if soft { q[row * cols + c] } else { f64::from(classes[row] == c as i64) };
            let kept = f64::from(soft || classes[row] != -100);
            kept * if weighted { weight[c] } else { 1.0 } * target * (1.0 - smoothing)
                + kept * if weighted { weight[c] } else { 1.0 } * smoothing / cols as f64
        };
        let losses: Vec<f64> =
            (0..rows).map(|r| -(0..cols).map(|c| share(r, c) * log_p[r * cols + c]).sum::<f64>()).collect();
        let divisor: f64 = if soft {
            rows as f64
        } else {
            let kept = classes.iter().filter(|t| **t >= 0);
            kept.map(|t| if weighted { weight[*t as usize] } else { 1.0 }).sum()
        };
        check!("cross_entropy", losses, [x, q, weight], |T, x, q, weight| {
            let (mut losses, mut lse) = (vec![0.0; rows], vec![0.0; rows]);
            let targets = if soft { Targets::Probabilities(&q) } else { Targets::Classes(&classes) };
            let options = CrossEntropyOptions {
                weight: weighted.then_some(&weight[..]),
                ignore_index: -100,
                label_smoothing: smoothing as T,
            };
            let total = T::cross_entropy(&x, cols, targets, &options, &mut losses, &mut lse);
            assert!((total - divisor).abs() < 1e-5 * divisor.max(1.0), "{total} for {divisor}");
            losses
        });
        let gradient: Vec<f64> = (0..rows * cols)
            .map(|i| {
                let (row, c) = (i / cols, i % cols);
                let mass: f64 = (0..cols).map(|c| share(row, c)).sum();
                scale[row] * (mass * log_p[i].exp() - share(row, c))
            })
            .collect();
        check!("cross_entropy_backward", gradient, [x, q, weight, scale], |T, x, q, weight, scale| {
            let (mut losses, mut lse) = (vec![0.0; rows], vec![0.0; rows]);
            let targets = if soft { Targets::Probabilities(&q) } else { Targets::Classes(&classes) };
            let options = CrossEntropyOptions {
                weight: weighted.then_some(&weight[..]),
                ignore_index: -100,
                label_smoothing: smoothing as T,
            };
            T::cross_entropy(&x, cols, targets, &options, &mut losses, &mut lse);
            let mut dx = vec![0.0; x.len()];
            T::cross_entropy_backward(&x, cols, targets, &options, &lse, &scale, &mut dx);
            dx
        });
        let both: Vec<f64> = (0..rows)
            .map(|r| -(0..cols).map(|c| share(r, c) * log_p[r * cols + c]).sum::<f64>())
            .chain((0..rows * cols).map(|i| {
                let (row, c) = (i / cols, i % cols);
                let mass: f64 = (0..cols).map(|c| share(row, c)).sum();
                0.75 * (mass * log_p[i].exp() - share(row, c))
            }))
            .collect();
        check!("cross_entropy_with_gradient", both, [x, q, weight], |T, x, q, weight| {
            let (mut losses, mut dx) = (vec![0.0; rows], vec![0.0; x.len()]);
            let targets = if soft { Targets::Probabilities(&q) } else { Targets::Classes(&classes) };
            let options = CrossEntropyOptions {
                weight: weighted.then_some(&weight[..]),
                ignore_index: -100,
                label_smoothing: smoothing as T,
            };
            let total = T::cross_entropy_weight(rows, targets, &options);
            assert!((total - divisor).abs() < 1e-5 * divisor.max(1.0), "{total} for {divisor}");
            T::cross_entropy_with_gradient(&x, cols, targets, &options, 0.75, &mut losses, &mut dx);
            [losses, dx].concat()
        });
    }
}

/// Mean and reciprocal standard deviation.
fn moments(x: impl Iterator<Item = f64> + Clone, eps: f64) -> (f64, f64) {
    let n = x.clone().count() as f64;
    let mean = x.clone().sum::<f64>() / n;
    let var = x.map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (mean, 1.0 / (var + eps).sqrt())
}

fn rms_norm(rows: usize, cols: usize) {
    let eps = 1e-5;
    let x: Vec<f64> =
        double(&single(&noise(rows * cols, 7, 3.0).iter().map(|x| x + 1.0).collect::<Vec<_>>()));
    let (dy, weight) = (shared(rows * cols, 8, 1.0), shared(cols, 9, 2.0));
    let rstd: Vec<f64> = x
        .chunks(cols)
        .map(|x| 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / cols as f64 + eps).sqrt())
        .collect();
    let h: Vec<f64> = (0..rows * cols).map(|i| x[i] * rstd[i / cols]).collect();
    for affine in [true, false] {
        let w = |c: usize| if affine { weight[c] } else { 1.0 };
        let y: Vec<f64> = (0..rows * cols).map(|i| h[i] * w(i % cols)).collect();
        check!("rms_norm", y, [x, weight], |T, x, weight| {
            let (mut out, mut rstd) = (vec![0.0; x.len()], vec![0.0; rows]);
            T::rms_norm(&x, cols, affine.then_some(&weight[..]), eps as T, &mut out, &mut rstd);
            out
        });
        let mut want = Vec::new();
        for r in 0..rows {
            let row = r * cols..(r + 1) * cols;
            let g: Vec<f64> = row.clone().map(|i| dy[i] * w(i % cols)).collect();
            let gh = g.iter().zip(&h[row.clone()]).map(|(g, h)| g * h).sum::<f64>() / cols as f64;
            want.extend(g.iter().zip(&h[row]).map(|(g, h)| rstd[r] * (g - h * gh)));
        }
        want.extend((0..cols).map(|c| (0..rows).map(|r| dy[r * cols + c] * h[r * cols + c]).sum::<f64>()));
        check!("rms_norm_backward", want, [x, dy, weight], |T, x, dy, weight| {
            let (mut out, mut rstd) = (vec![0.0; x.len()], vec![0.0; rows]);
            let weight = affine.then_some(&weight[..]);
            T::rms_norm(&x, cols, weight, eps as T, &mut out, &mut rstd);
            let mut dweight = vec![0.0; cols];
            T::rms_norm_backward(&dy, &x, cols, weight, &rstd, Some(&mut out), Some(&mut dweight));
            [out, dweight].concat()
        });
    }
}

fn group_norm(n: usize, layout: Groups) {
    let eps = 1e-5;
    let Groups { channels, inner, groups } = layout;
    let len = n * channels * inner;
    let x: Vec<f64> = double(&single(&noise(len, 17, 3.0).iter().map(|x| x + 5.0).collect::<Vec<_>>()));
    let dy = shared(len, 18, 1.0);
    let (weight, bias) = (shared(channels, 19, 2.0), shared(channels, 20, 1.0));
    let size = (channels / groups * inner).max(1);
    let stats: Vec<_> = x.chunks(size).map(|x| moments(x.iter().copied(), eps)).collect();
    let h: Vec<f64> = (0..len).map(|i| (x[i] - stats[i / size].0) * stats[i / size].1).collect();
    let channel = |i: usize| i / inner.max(1) % channels;
    for affine in [true, false] {
        let w = |i: usize| if affine { weight[channel(i)] } else { 1.0 };
        let b = |i: usize| if affine { bias[channel(i)] } else { 0.0 };
        let y: Vec<f64> = (0..len).map(|i| h[i] * w(i) + b(i)).collect();
        check!("group_norm", y, [x, weight, bias], |T, x, weight, bias| {
            let rows = len / size;
            let (mut out, mut mean, mut rstd) = (vec![0.0; len], vec![0.0; rows], vec![0.0; rows]);
            let (weight, bias) = (affine.then_some(&weight[..]), affine.then_some(&bias[..]));
            T::group_norm(&x, layout, weight, bias, eps as T, &mut out, &mut mean, &mut rstd);
            out
        });
        let mut want = Vec::new();
        for r in 0..len / size {
            let row = r * size..(r + 1) * size;
            let g: Vec<f64> = row.clone().map(|i| dy[i] * w(i)).collect();
            let g_mean = g.iter().sum::<f64>() / size as f64;
            let gh = g.iter().zip(&h[row.clone()]).map(|(g, h)| g * h).sum::<f64>() / size as f64;
            want.extend(g.iter().zip(&h[row]).map(|(g, h)| stats[r].1 * (g - g_mean - h * gh)));
        }
        let of = |c: usize| (0..len).filter(move |&i| channel(i) == c);
        want.extend((0..channels).map(|c| of(c).map(|i| dy[i] * h[i]).sum::<f64>()));
        want.extend((0..channels).map(|c| of(c).map(|i| dy[i]).sum::<f64>()));
        check!("group_norm_backward", want, [x, dy, weight], |T, x, dy, weight| {
            let rows = len / size;
            let (mut out, mut mean, mut rstd) = (vec![0.0; len], vec![0.0; rows], vec![0.0; rows]);
            let weight = affine.then_some(&weight[..]);
            T::group_norm(&x, layout, weight, None, eps as T, &mut out, &mut mean, &mut rstd);
            let (mut dw, mut db) = (vec![0.0; channels], vec![0.0; channels]);
            let dx = Some(&mut out[..]);
            T::group_norm_backward(&dy, &x, layout, weight, &mean, &rstd, dx, Some(&mut dw), Some(&mut db));
            [out, dw, db].concat()
        });
    }
}

fn layer_norm(rows: usize, cols: usize) {
    let eps = 1e-5;
    let x: Vec<f64> =
        double(&single(&noise(rows * cols, 7, 3.0).iter().map(|x| x + 10.0).collect::<Vec<_>>()));
    let dy = shared(rows * cols, 8, 1.0);
    let (weight, bias) = (shared(cols, 9, 2.0), shared(cols, 10, 1.0));
    let stats: Vec<_> = x.chunks(cols).map(|x| moments(x.iter().copied(), eps)).collect();
    let h: Vec<f64> = (0..rows * cols).map(|i| (x[i] - stats[i / cols].0) * stats[i / cols].1).collect();
    for affine in [true, false] {
        let w = |c: usize| if affine { weight[c] } else { 1.0 };
        let b = |c: usize| if affine { bias[c] } else { 0.0 };
        // A single column has no variance: what is left is rounding, magnified by 1 / sqrt(eps).
        let y: Vec<f64> = (0..rows * cols).map(|i| h[i] * w(i % cols) + b(i % cols)).collect();
        check!("layer_norm", y, [x, weight, bias], |T, x, weight, bias| {
            let (mut out, mut mean, mut rstd) = (vec![0.0; x.len()], vec![0.0; rows], vec![0.0; rows]);
            let (weight, bias) = (affine.then_some(&weight[..]), affine.then_some(&bias[..]));
            T::layer_norm(&x, cols, weight, bias, eps as T, &mut out, &mut mean, &mut rstd);
            out
        });
        let mut want = Vec::new();
        for r in 0..rows {
            let row = r * cols..(r + 1) * cols;
            let g: Vec<f64> = row.clone().map(|i| dy[i] * w(i % cols)).collect();
            let g_mean = g.iter().sum::<f64>() / cols as f64;
            let gh = g.iter().zip(&h[row.clone()]).map(|(g, h)| g * h).sum::<f64>() / cols as f64;
            want.extend(g.iter().zip(&h[row]).map(|(g, h)| stats[r].1 * (g - g_mean - h * gh)));
        }
        for c in 0..cols {
            want.push((0..rows).map(|r| dy[r * cols + c] * h[r * cols + c]).sum());
        }
        for c in 0..cols {
            want.push((0..rows).map(|r| dy[r * cols + c]).sum());
        }
        check!("layer_norm_backward", want, [x, dy, weight], |T, x, dy, weight| {
            let (mut out, mut mean, mut rstd) = (vec![0.0; x.len()], vec![0.0; rows], vec![0.0; rows]);
            let weight = affine.then_some(&weight[..]);
            T::layer_norm(&x, cols, weight, None, eps as T, &mut out, &mut mean, &mut rstd);
            let (mut dweight, mut dbias) = (vec![0.0; cols], vec![0.0; cols]);
            T::layer_norm_backward(
                &dy,
                &x,
                cols,
                weight,
                &mean,
                &rstd,
                Some(&mut out),
                Some(&mut dweight),
                Some(&mut dbias),
            );
            [out, dweight, dbias].concat()
        });
    }
}

fn batch_norm(n: usize, channels: usize, inner: usize) {
    let eps = 1e-5;
    let len = n * channels * inner;
    let x: Vec<f64> = double(&single(&noise(len, 11, 3.0).iter().map(|x| x - 5.0).collect::<Vec<_>>()));
    let dy = shared(len, 12, 1.0);
    let (weight, bias) = (shared(channels, 13, 2.0), shared(channels, 14, 1.0));
    let channel = |i: usize| i / inner.max(1) % channels;
    let of = |c: usize| (0..len).filter(move |&i| channel(i) == c);
    let stats: Vec<_> = (0..channels).map(|c| moments(of(c).map(|i| x[i]), eps)).collect();
    let h: Vec<f64> = (0..len).map(|i| (x[i] - stats[channel(i)].0) * stats[channel(i)].1).collect();
    let y: Vec<f64> = (0..len).map(|i| h[i] * weight[channel(i)] + bias[channel(i)]).collect();
    check!("batch_norm_train", y.clone(), [x, weight, bias], |T, x, weight, bias| {
        let (mut out, mut mean, mut var) = (vec![0.0; len], vec![0.0; channels], vec![0.0; channels]);
        let (w, b) = (Some(&weight[..]), Some(&bias[..]));
        T::batch_norm_train(&x, channels, inner, w, b, eps as T, &mut out, &mut mean, &mut var);
        out
    });
    check!("batch_norm_eval", y, [x, weight, bias], |T, x, weight, bias| {
        let (mut out, mut mean, mut var) = (vec![0.0; len], vec![0.0; channels], vec![0.0; channels]);
        T::batch_norm_train(&x, channels, inner, None, None, eps as T, &mut out, &mut mean, &mut var);
        let (w, b) = (Some(&weight[..]), Some(&bias[..]));
        T::batch_norm_eval(&x, channels, inner, &mean, &var, w, b, eps as T, &mut out);
        out
    });
    let count = (n * inner) as f64;
    let dbias: Vec<f64> = (0..channels).map(|c| of(c).map(|i| dy[i]).sum()).collect();
    let dweight: Vec<f64> = (0..channels).map(|c| of(c).map(|i| dy[i] * h[i]).sum()).collect();
    for train in [true, false] {
        let batch = if train { 1.0 / count } else { 0.0 };
        let dx = (0..len).map(|i| {
            let c = channel(i);
            weight[c] * stats[c].1 * (dy[i] - batch * dbias[c] - h[i] * batch * dweight[c])
        });
        let want = [dx.collect(), dweight.clone(), dbias.clone()].concat();
        check!("batch_norm_backward", want, [x, dy, weight], |T, x, dy, weight| {
            let (mut dx, mut mean, mut var) = (vec![0.0; len], vec![0.0; channels], vec![0.0; channels]);
            let (mut dw, mut db) = (vec![0.0; channels], vec![0.0; channels]);
            T::batch_norm_train(&x, channels, inner, None, None, eps as T, &mut dx, &mut mean, &mut var);
            let (e, w, gradients) =
                (eps as T, Some(&weight[..]), (Some(&mut dx[..]), Some(&mut dw[..]), Some(&mut db[..])));
            let (a, b, c) = gradients;
            if train {
                T::batch_norm_train_backward(&dy, &x, channels, inner, w, &mean, &var, e, a, b, c);
            } else {
                T::batch_norm_eval_backward(&dy, &x, channels, inner, &mean, &var, w, e, a, b, c);
            }
            [dx, dw, db].concat()
        });
    }
}

fn edges() {
    let mut y = [0.0f32; 2];
    f32::softmax(&[f32::NEG_INFINITY; 2], 2, &mut y);
    assert!(y.iter().all(|y| y.is_nan()));
    f32::softmax(&[f32::NEG_INFINITY, 1e30], 2, &mut y);
    assert_eq!(y, [0.0, 1.0]);
    f32::log_softmax(&[10_000.0, 10_001.0], 2, &mut y);
    assert_close("log_softmax far out", &double(&y), &[-1.3132616875182228, -0.3132616875182228], 1e-7);
    f32::log_softmax(&[f32::NEG_INFINITY, 0.0], 2, &mut y);
    assert_eq!(y, [f32::NEG_INFINITY, 0.0]);

    // Rows longer than a block see their maximum late, or not at all.
    let mut x = vec![f32::NEG_INFINITY; 3000];
    let mut y = vec![0.0; 3000];
    (x[2000], x[2999]) = (1e30, 1e30);
    f32::log_softmax(&x, 3000, &mut y);
    assert_eq!((y[0], y[2999]), (f32::NEG_INFINITY, -(2f32.ln())));
    let options = CrossEntropyOptions { weight: None, ignore_index: -100, label_smoothing: 0.0 };
    let (mut loss, mut dx) = ([0.0f32], vec![0.0; 3000]);
    f32::cross_entropy_with_gradient(&x, 3000, Targets::Classes(&[2000]), &options, 2.0, &mut loss, &mut dx);
    assert_eq!((loss[0], dx[0], dx[2000], dx[2999]), (2f32.ln(), 0.0, -1.0, 1.0));
    for (wrong, cost) in [(f32::NAN, f32::NAN), (f32::INFINITY, f32::INFINITY)] {
        x[7] = wrong;
        f32::cross_entropy_with_gradient(&x, 3000, Targets::Classes(&[0]), &options, 2.0, &mut loss, &mut dx);
        assert!(loss[0] == cost || loss[0].is_nan() && cost.is_nan(), "{} beside {wrong}", loss[0]);
        assert!(dx[7].is_nan(), "{} beside {wrong}", dx[7]);
    }

    // Far from 0 the log-sum-exp is coarse; loss and gradient are not.
    let options = CrossEntropyOptions { weight: None, ignore_index: -100, label_smoothing: 0.0 };
    let (mut loss, mut lse, mut dx) = ([0.0f32], [0.0], [0.0; 2]);
    let logits = [100_000.0, 100_001.0];
    let targets = Targets::Classes(&[0]);
    f32::cross_entropy(&logits, 2, targets, &options, &mut loss, &mut lse);
    f32::cross_entropy_backward(&logits, 2, targets, &options, &lse, &[1.0], &mut dx);
    assert_close("loss", &double(&loss), &[1.3132616875182228], 1e-7);
    assert_close("gradient", &double(&dx), &[-0.7310585786300049, 0.7310585786300049], 1e-6);
}

/// Results too large for the caches are written past them, and are the same.
#[test]
fn streamed_rows_are_the_rows() {
    type Rows = fn(&[f32], &[f32], usize, &mut [f32]);
    for (rows, cols) in [(17_000, 1000), (5_600, 3001)] {
        let x = single(&noise(rows * cols, 30, 5.0));
        let dy = single(&noise(rows * cols, 31, 1.0));
        let (mut whole, mut row) = (vec![0.0; rows * cols], vec![0.0; cols]);
        let kernels: [Rows; 5] = [
            |x, _, cols, out| f32::softmax(x, cols, out),
            |x, _, cols, out| f32::log_softmax(x, cols, out),
            f32::softmax_backward,
            f32::log_softmax_backward,
            |x, _, cols, out| {
                let targets = vec![5; x.len() / cols];
                let mut losses = vec![0.0; targets.len()];
                let options = CrossEntropyOptions { weight: None, ignore_index: -100, label_smoothing: 0.1 };
                let targets = Targets::Classes(&targets);
                f32::cross_entropy_with_gradient(x, cols, targets, &options, 1.0, &mut losses, out);
            },
        ];
        for (which, kernel) in kernels.iter().enumerate() {
            kernel(&x, &dy, cols, &mut whole);
            for r in [0, 1, rows / 2, rows - 1] {
                let at = r * cols..(r + 1) * cols;
                kernel(&x[at.clone()], &dy[at.clone()], cols, &mut row);
                assert_eq!(whole[at], row, "kernel {which}, row {r} of {rows} x {cols}");
            }
        }
    }
}

/// Large enough for several pieces and threads.
fn large_results() -> Vec<f32> {
    let (rows, cols) = (700, 300);
    let x = single(&noise(rows * cols, 20, 5.0));
    let dy = single(&noise(rows * cols, 21, 1.0));
    let mut out = vec![0.0; rows * cols];
    let (mut mean, mut rstd) = (vec![0.0; rows], vec![0.0; rows]);
    f32::layer_norm(&x, cols, None, None, 1e-5, &mut out, &mut mean, &mut rstd);
    let (mut dw, mut db) = (vec![0.0; cols], vec![0.0; cols]);
    f32::layer_norm_backward(&dy, &x, cols, None, &mean, &rstd, Some(&mut out), Some(&mut dw), Some(&mut db));
    let mut all = [out.clone(), dw, db].concat();
    for (channels, inner) in [(300, 1), (3, 100), (1, 300)] {
        let (mut mean, mut var) = (vec![0.0; channels], vec![0.0; channels]);
        f32::batch_norm_train(&x, channels, inner, None, None, 1e-5, &mut out, &mut mean, &mut var);
        all.extend([out.clone(), mean.clone(), var.clone()].concat());
        let (mut dw, mut db) = (vec![0.0; channels], vec![0.0; channels]);
        let gradients = (Some(&mut out[..]), Some(&mut dw[..]), Some(&mut db[..]));
        let (a, b, c) = gradients;
        f32::batch_norm_train_backward(&dy, &x, channels, inner, None, &mean, &var, 1e-5, a, b, c);
        all.extend([out.clone(), dw, db].concat());
    }
    f32::softmax(&x, cols, &mut out);
    all.extend(&out);
    all
}
