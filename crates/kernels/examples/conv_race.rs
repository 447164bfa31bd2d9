//! Times convolution and what stands around it in a network: `conv_race THREADS [NAME]` prints `name-pass milliseconds GFLOP/s`, the best of many calls; both
//! gradients together count for the time of one.

use std::time::{Duration, Instant};

use barehand_kernels::batch_norm::BatchNorm;
use barehand_kernels::conv2d::{Conv2d, Conv2dGradients, Conv2dPass, Conv2dShape};
use barehand_kernels::dropout::Dropout;
use barehand_kernels::pool2d::{Pool2d, Pool2dShape};
use barehand_kernels::random::Philox;
use barehand_kernels::threads;

/// Name, batch, input channels, output channels, height and width, kernel, stride, padding, groups.
const SHAPES: [(&str, [usize; 8]); 8] = [
    ("first", [64, 1, 32, 28, 3, 1, 0, 1]),
    ("second", [64, 32, 64, 26, 3, 1, 0, 1]),
    ("wide", [32, 64, 64, 56, 3, 1, 1, 1]),
    ("stem", [8, 3, 64, 224, 7, 2, 3, 1]),
    ("pointwise", [16, 64, 128, 28, 1, 1, 0, 1]),
    ("depthwise", [16, 128, 128, 28, 3, 1, 1, 128]),
    ("depthwise7", [16, 96, 96, 56, 7, 1, 3, 96]),
    ("depthstride", [16, 128, 128, 28, 3, 2, 1, 128]),
];

fn best(mut call: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut best = Duration::MAX;
    while began.elapsed() < Duration::from_millis(200) {
        let start = Instant::now();
        call();
        best = best.min(start.elapsed());
    }
    best.as_secs_f64()
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    threads::set_num_threads(threads);
    let only = std::env::args().nth(2);
    let shapes = SHAPES.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name));
    for (name, [batch, in_channels, out_channels, size, kernel, stride, padding, groups]) in shapes {
        let s = Conv2dShape {
            batch,
            in_channels,
            out_channels,
            input: [size, size],
            kernel: [kernel, kernel],
            stride: [stride, stride],
            padding: [padding, padding],
            dilation: [1, 1],
            groups,
        };
        let [height, width] = s.output().expect("fits");
        let values = |n: usize| -> Vec<f32> { (0..n).map(|i| (i % 7) as f32 - 3.0).collect() };
        let x = values(batch * in_channels * size * size);
        let w = values(out_channels * in_channels / groups * kernel * kernel);
        let dy = values(batch * out_channels * height * width);
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let flops = 2.0 * (dy.len() * w.len() / out_channels) as f64;
        let report = |pass: &str, seconds: f64| {
            println!("{name}-{pass} {:.3} {:.1}", seconds * 1e3, flops / seconds / 1e9);
        };
        let pass = Conv2dPass { x: &x, w: &w, relu: None, pool: None, dy: &dy };
        report("forward", best(|| f32::conv2d(&s, &x, &w, None, false, &mut y)));
        report("forward-relu", best(|| f32::conv2d(&s, &x, &w, None, true, &mut y)));
        let mut backward = |input: bool, weight: bool, pass| {
            best(|| {
                let (dx, dw) = (input.then_some(&mut dx[..]), weight.then_some(&mut dw[..]));
                f32::conv2d_backward(&s, pass, Conv2dGradients { dx, dw, dbias: None });
            })
        };
        report("input", backward(true, false, pass));
        report("weight", backward(false, true, pass));
        report("both", backward(true, true, pass) / 2.0);
        report("both-relu", backward(true, true, Conv2dPass { relu: Some(&y), ..pass }) / 2.0);
    }
    if only.is_some() {
        return;
    }
    let s = Pool2dShape {
        batch: 32,
        channels: 64,
        input: [56, 56],
        kernel: [2, 2],
        stride: [2, 2],
        padding: [0, 0],
        dilation: [1, 1],
        ceil_mode: false,
    };
    let x: Vec<f32> = (0..32 * 64 * 56 * 56).map(|i| (i % 7) as f32 - 3.0).collect();
    let (mut y, mut dx, mut indices) = (vec![0.0; x.len() / 4], x.clone(), vec![0; x.len() / 4]);
    println!("maxpool-forward {:.3} 0", best(|| f32::max_pool2d(&s, &x, &mut y, &mut indices)) * 1e3);
    println!(
        "maxpool-input {:.3} 0",
        best(|| f32::max_pool2d_backward(32 * 64, &y, &indices, &mut dx)) * 1e3
    );
    println!("avgpool-forward {:.3} 0", best(|| f32::avg_pool2d(&s, &x, true, None, &mut y)) * 1e3);
    println!("avgpool-input {:.3} 0", best(|| f32::avg_pool2d_backward(&s, &y, true, None, &mut dx)) * 1e3);
    let overlapping = Pool2dShape { kernel: [3, 3], padding: [1, 1], ..s };
    let seconds = best(|| f32::max_pool2d(&overlapping, &x, &mut y, &mut indices));
    println!("maxpool3-forward {:.3} 0", seconds * 1e3);
    let (channels, inner, mut out) = (64, 56 * 56, x.clone());
    let (ones, mut mean, mut var) = (vec![1.0; channels], vec![0.0; channels], vec![0.0; channels]);
    let seconds = best(|| {
        f32::batch_norm_train(
            &x,
            channels,
            inner,
            Some(&ones),
            Some(&ones),
            1e-5,
            &mut out,
            &mut mean,
            &mut var,
        );
    });
    println!("batchnorm-forward {:.3} 0", seconds * 1e3);
    let (mut dw, mut db) = (ones.clone(), ones.clone());
    let seconds = best(|| {
        let gradients = (Some(&mut dx[..]), Some(&mut dw[..]), Some(&mut db[..]));
        f32::batch_norm_train_backward(
            &out,
            &x,
            channels,
            inner,
            Some(&ones),
            &mean,
            &var,
            1e-5,
            gradients.0,
            gradients.1,
            gradients.2,
        );
    });
    println!("batchnorm-backward {:.3} 0", seconds * 1e3);
    let seconds = best(|| f32::dropout(&x[..4_000_000], 0.5, Philox::new(1), &mut out[..4_000_000]));
    println!("dropout-forward {:.3} 0", seconds * 1e3);
}
