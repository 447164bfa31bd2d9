//! Recurrent layers through time against plain `f64` loops, on every instruction set and with one and two threads.

use barehand_kernels::gru::{Gru, GruBackward, GruForward, GruKept};
use barehand_kernels::lstm::{Lstm, LstmBackward, LstmForward, LstmKept};
use barehand_kernels::recurrent::Steps;
use barehand_kernels::rnn::{Nonlinearity, Rnn, RnnBackward, RnnForward};

mod agreement;

use agreement::{assert_close, double, everywhere, noise, single};

/// Sizes of steps, units, and outputs of a projection (0 for none): single rows and units, tiles that are not full, more
/// columns than a panel has, and enough work for two threads.
const CASES: [(&[usize], usize, usize); 7] = [
    (&[1], 1, 0),
    (&[3, 3], 5, 0),
    (&[7, 4, 4, 1], 17, 3),
    (&[1, 1, 1], 33, 0),
    (&[13; 5], 19, 7),
    (&[40; 20], 48, 0),
    (&[41, 40, 23, 9], 96, 20),
];

/// Shared by both precisions: numbers that single precision holds.
fn shared(n: usize, seed: u64, scale: f64) -> Vec<f64> {
    double(&single(&noise(n, seed, scale)))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Rows of the packed batch in the order of the steps, each with its sequence.
fn order(sizes: &[usize], reverse: bool) -> Vec<(usize, usize)> {
    let mut steps = Vec::new();
    let mut start = 0;
    for &size in sizes {
        steps.push((0..size).map(|i| (start + i, i)).collect::<Vec<_>>());
        start += size;
    }
    if reverse {
        steps.reverse();
    }
    steps.concat()
}

/// `c[j] += sum over t of a[t] b(t, j)`
fn add_product(c: &mut [f64], a: &[f64], b: impl Fn(usize, usize) -> f64) {
    for (j, c) in c.iter_mut().enumerate() {
        *c += a.iter().enumerate().map(|(t, a)| a * b(t, j)).sum::<f64>();
    }
}

/// What a walk forward and back gives: outputs, last states, gradients.
type Results = Vec<Vec<f64>>;

/// Runs a case in both precisions, forward and in reverse, and compares.
macro_rules! compare {
    ($what:literal, $naive:ident, $run:ident) => {
        for (sizes, hidden, projection) in CASES {
            for reverse in [false, true] {
                let what = format!("{} of {sizes:?}, {hidden} units, {projection}, {reverse}", $what);
                let want = $naive(sizes, reverse, hidden, projection);
                let in_double = $run::<f64>(sizes, reverse, hidden, projection, &|x| x.to_vec());
                let in_single = $run::<f32>(sizes, reverse, hidden, projection, &|x| single(x));
                for (i, want) in want.iter().enumerate() {
                    assert_close(&format!("{what}: result {i}"), &in_double[i], want, 1e-12);
                    assert_close(&format!("{what}: result {i} in f32"), &in_single[i], want, 1e-4);
                }
            }
        }
    };
}

// One test for everything: the instruction set is a setting of the whole process.
#[test]
fn recurrent_layers_agree_with_plain_loops() {
    everywhere(|| {
        compare!("tanh", naive_rnn, rnn);
        compare!("lstm", naive_lstm, lstm);
        compare!("gru", naive_gru, gru);
    });
    everywhere(|| {
        let (sizes, as_is) = (&[41, 40, 23, 9], |x: &[f64]| x.to_vec());
        (lstm::<f64>(sizes, true, 96, 20, &as_is), gru::<f64>(sizes, false, 96, 0, &as_is), relu())
    });
}

fn to_f64<T: Into<f64> + Copy>(x: &[T]) -> Vec<f64> {
    x.iter().map(|&x| x.into()).collect()
}

fn naive_rnn(sizes: &[usize], reverse: bool, width: usize, _: usize) -> Results {
    let (rows, batch) = (sizes.iter().sum::<usize>(), sizes[0]);
    let (w, mut out) = (shared(width * width, 1, 0.3), shared(rows * width, 2, 1.0));
    let (mut h, mut dh) = (shared(batch * width, 3, 1.0), shared(batch * width, 4, 1.0));
    let dout = shared(rows * width, 5, 1.0);
    for (row, i) in order(sizes, reverse) {
        let y = &mut out[row * width..][..width];
        add_product(y, &h[i * width..][..width], |t, j| w[j * width + t]);
        for y in &mut *y {
            *y = y.tanh();
        }
        h[i * width..][..width].copy_from_slice(y);
    }
    let mut da = vec![0.0; rows * width];
    for (row, i) in order(sizes, reverse).into_iter().rev() {
        let (da, dh) = (&mut da[row * width..][..width], &mut dh[i * width..][..width]);
        for j in 0..width {
            let y = out[row * width + j];
            da[j] = (dh[j] + dout[row * width + j]) * (1.0 - y * y);
        }
        dh.fill(0.0);
        add_product(dh, da, |t, j| w[t * width + j]);
    }
    vec![out, h, dh, da]
}

fn rnn<T: Rnn + Into<f64>>(
    sizes: &[usize],
    reverse: bool,
    width: usize,
    _: usize,
    round: &dyn Fn(&[f64]) -> Vec<T>,
) -> Results {
    let (rows, batch) = (sizes.iter().sum::<usize>(), sizes[0]);
    let steps = Steps { sizes, reverse };
    let draw = |n: usize, seed: u64, scale: f64| round(&shared(n, seed, scale));
    let (w, mut out) = (draw(width * width, 1, 0.3), draw(rows * width, 2, 1.0));
    let (mut h, mut dh) = (draw(batch * width, 3, 1.0), draw(batch * width, 4, 1.0));
    let dout = draw(rows * width, 5, 1.0);
    let nonlinearity = Nonlinearity::Tanh;
    T::rnn(RnnForward { steps, nonlinearity, weight: &w, out: &mut out, h: &mut h, previous: None });
    let mut da = dout.clone();
    let (out_now, dh_now) = (&out, &mut dh);
    T::rnn_backward(RnnBackward {
        steps,
        nonlinearity,
        weight: &w,
        out: out_now,
        dout: &dout,
        dh: dh_now,
        da: &mut da,
    });
    vec![to_f64(&out), to_f64(&h), to_f64(&dh), to_f64(&da)]
}

/// Two steps of one unit: h = max(a + w h, 0), once above 0 and once below; NaN stays.
fn relu() -> Results {
    let steps = Steps { sizes: &[2, 2], reverse: false };
    let (mut out, mut h) = (vec![1.0, f64::NAN, -5.0, 1.0], vec![1.0, 0.0]);
    let nonlinearity = Nonlinearity::Relu;
    T64::rnn(RnnForward { steps, nonlinearity, weight: &[2.0], out: &mut out, h: &mut h, previous: None });
    assert_eq!(out[0], 3.0);
    assert_eq!(out[2], 1.0);
    assert!(out[1].is_nan() && out[3].is_nan());
    let (mut dh, mut da) = (vec![1.0, 0.0], vec![0.0; 4]);
    let dout = vec![1.0; 4];
    T64::rnn_backward(RnnBackward {
        steps,
        nonlinearity,
        weight: &[2.0],
        out: &[3.0, 0.0, 1.0, 0.0],
        dout: &dout,
        dh: &mut dh,
        da: &mut da,
    });
    assert_eq!((da, dh), (vec![5.0, 0.0, 2.0, 0.0], vec![10.0, 0.0]));
    vec![]
}

type T64 = f64;

fn naive_lstm(sizes: &[usize], reverse: bool, n: usize, projection: usize) -> Results {
    let (rows, batch) = (sizes.iter().sum::<usize>(), sizes[0]);
    let width = if projection > 0 { projection } else { n };
    let (w, mut gates) = (shared(4 * n * width, 1, 0.3), shared(rows * 4 * n, 2, 1.0));
    let p = shared(projection * n, 6, 0.5);
    let (mut h, mut c) = (shared(batch * width, 3, 1.0), shared(batch * n, 7, 1.0));
    let (mut out, mut previous) = (vec![0.0; rows * width], vec![0.0; rows * n]);
    for (row, i) in order(sizes, reverse) {
        let s = &mut gates[row * 4 * n..][..4 * n];
        let (h, c) = (&mut h[i * width..][..width], &mut c[i * n..][..n]);
        add_product(s, h, |t, j| w[j * width + t]);
        previous[row * n..][..n].copy_from_slice(c);
        let mut shown = vec![0.0; n];
        for j in 0..n {
            (s[j], s[n + j], s[3 * n + j]) = (sigmoid(s[j]), sigmoid(s[n + j]), sigmoid(s[3 * n + j]));
            s[2 * n + j] = s[2 * n + j].tanh();
            c[j] = s[n + j] * c[j] + s[j] * s[2 * n + j];
            shown[j] = s[3 * n + j] * c[j].tanh();
        }
        if projection > 0 {
            h.fill(0.0);
            add_product(h, &shown, |t, j| p[j * n + t]);
        } else {
            h.copy_from_slice(&shown);
        }
        out[row * width..][..width].copy_from_slice(h);
    }
    let (mut dh, mut dc) = (shared(batch * width, 4, 1.0), shared(batch * n, 8, 1.0));
    let (dout, mut da) = (shared(rows * width, 5, 1.0), vec![0.0; rows * 4 * n]);
    for (row, i) in order(sizes, reverse).into_iter().rev() {
        let (dh, dc) = (&mut dh[i * width..][..width], &mut dc[i * n..][..n]);
        (0..width).for_each(|j| dh[j] += dout[row * width + j]);
        let mut shown = vec![0.0; n];
        if projection > 0 {
            add_product(&mut shown, dh, |t, j| p[t * n + j]);
        } else {
            shown.copy_from_slice(dh);
        }
        let (s, da) = (&gates[row * 4 * n..][..4 * n], &mut da[row * 4 * n..][..4 * n]);
        for j in 0..n {
            let (i, f, g, o) = (s[j], s[n + j], s[2 * n + j], s[3 * n + j]);
            let before = previous[row * n + j];
            let t = (f * before + i * g).tanh();
            let d = dc[j] + shown[j] * o * (1.0 - t * t);
            da[j] = d * g * i * (1.0 - i);
            da[n + j] = d * before * f * (1.0 - f);
            da[2 * n + j] = d * i * (1.0 - g * g);
            da[3 * n + j] = shown[j] * t * o * (1.0 - o);
            dc[j] = d * f;
        }
        dh.fill(0.0);
        add_product(dh, da, |t, j| w[t * width + j]);
    }
    vec![out, h, c, previous, dh, dc, da]
}

fn lstm<T: Lstm + Into<f64>>(
    sizes: &[usize],
    reverse: bool,
    n: usize,
    projection: usize,
    round: &dyn Fn(&[f64]) -> Vec<T>,
) -> Results {
    let (rows, batch) = (sizes.iter().sum::<usize>(), sizes[0]);
    let width = if projection > 0 { projection } else { n };
    let steps = Steps { sizes, reverse };
    let draw = |n: usize, seed: u64, scale: f64| round(&shared(n, seed, scale));
    let zeros = |n: usize| round(&vec![0.0; n]);
    let (w, p) = (draw(4 * n * width, 1, 0.3), draw(projection * n, 6, 0.5));
    let projection = (projection > 0).then_some(&p[..]);
    let run = |keep: bool| {
        let mut gates = draw(rows * 4 * n, 2, 1.0);
        let (mut h, mut c) = (draw(batch * width, 3, 1.0), draw(batch * n, 7, 1.0));
        let (mut out, mut kept_h, mut kept_c) = (zeros(rows * width), zeros(rows * width), zeros(rows * n));
        let mut unprojected = zeros(if projection.is_some() { rows * n } else { 0 });
        let kept = keep.then_some(LstmKept { h: &mut kept_h, c: &mut kept_c, unprojected: &mut unprojected });
        T::lstm(LstmForward {
            steps,
            weight: &w,
            projection,
            gates: &mut gates,
            h: &mut h,
            c: &mut c,
            out: &mut out,
            kept,
        });
        (gates, out, h, c, kept_c)
    };
    let (gates, out, h, c, previous) = run(true);
    assert_eq!(to_f64(&run(false).1), to_f64(&out), "what is kept changes nothing");
    let (mut dh, mut dc) = (draw(batch * width, 4, 1.0), draw(batch * n, 8, 1.0));
    let (dout, mut da) = (draw(rows * width, 5, 1.0), zeros(rows * 4 * n));
    let mut dprojected = zeros(if projection.is_some() { rows * width } else { 0 });
    T::lstm_backward(LstmBackward {
        steps,
        weight: &w,
        projection,
        gates: &gates,
        c: &previous,
        dout: &dout,
        dh: &mut dh,
        dc: &mut dc,
        da: &mut da,
        dprojected: &mut dprojected,
    });
    [out, h, c, previous, dh, dc, da].iter().map(|x| to_f64(x)).collect()
}

fn naive_gru(sizes: &[usize], reverse: bool, n: usize, _: usize) -> Results {
    let (rows, batch) = (sizes.iter().sum::<usize>(), sizes[0]);
    let (w, bias) = (shared(3 * n * n, 1, 0.3), shared(3 * n, 6, 1.0));
    let (mut gates, mut h) = (shared(rows * 3 * n, 2, 1.0), shared(batch * n, 3, 1.0));
    let (mut out, mut previous, mut kept) = (vec![0.0; rows * n], vec![0.0; rows * n], vec![0.0; rows * n]);
    for (row, i) in order(sizes, reverse) {
        let (s, h) = (&mut gates[row * 3 * n..][..3 * n], &mut h[i * n..][..n]);
        let mut u = bias.clone();
        add_product(&mut u, h, |t, j| w[j * n + t]);
        previous[row * n..][..n].copy_from_slice(h);
        for j in 0..n {
            (s[j], s[n + j]) = (sigmoid(s[j] + u[j]), sigmoid(s[n + j] + u[n + j]));
            s[2 * n + j] = (s[2 * n + j] + s[j] * u[2 * n + j]).tanh();
            kept[row * n + j] = u[2 * n + j];
            h[j] = (1.0 - s[n + j]) * s[2 * n + j] + s[n + j] * h[j];
        }
        out[row * n..][..n].copy_from_slice(h);
    }
    let (mut dh, dout) = (shared(batch * n, 4, 1.0), shared(rows * n, 5, 1.0));
    let (mut da, mut du) = (vec![0.0; rows * 3 * n], vec![0.0; rows * 3 * n]);
    for (row, i) in order(sizes, reverse).into_iter().rev() {
        let (s, dh) = (&gates[row * 3 * n..][..3 * n], &mut dh[i * n..][..n]);
        let (da, du) = (&mut da[row * 3 * n..][..3 * n], &mut du[row * 3 * n..][..3 * n]);
        for j in 0..n {
            let (r, z, new) = (s[j], s[n + j], s[2 * n + j]);
            let d = dh[j] + dout[row * n + j];
            da[2 * n + j] = d * (1.0 - z) * (1.0 - new * new);
            da[n + j] = d * (previous[row * n + j] - new) * z * (1.0 - z);
            da[j] = da[2 * n + j] * kept[row * n + j] * r * (1.0 - r);
            du.copy_from_slice(da);
            dh[j] = d * z;
        }
        (0..n).for_each(|j| du[2 * n + j] *= s[j]);
        add_product(dh, du, |t, j| w[t * n + j]);
    }
    vec![out, h, previous, kept, dh, da, du]
}

fn gru<T: Gru + Into<f64>>(
    sizes: &[usize],
    reverse: bool,
    n: usize,
    _: usize,
    round: &dyn Fn(&[f64]) -> Vec<T>,
) -> Results {
    let (rows, batch) = (sizes.iter().sum::<usize>(), sizes[0]);
    let steps = Steps { sizes, reverse };
    let draw = |n: usize, seed: u64, scale: f64| round(&shared(n, seed, scale));
    let zeros = |n: usize| round(&vec![0.0; n]);
    let (w, bias) = (draw(3 * n * n, 1, 0.3), draw(3 * n, 6, 1.0));
    let (mut gates, mut h) = (draw(rows * 3 * n, 2, 1.0), draw(batch * n, 3, 1.0));
    let (mut out, mut previous, mut u) = (zeros(rows * n), zeros(rows * n), zeros(rows * n));
    T::gru(GruForward {
        steps,
        weight: &w,
        bias: Some(&bias),
        gates: &mut gates,
        h: &mut h,
        out: &mut out,
        kept: Some(GruKept { h: &mut previous, u: &mut u }),
    });
    let (mut dh, dout) = (draw(batch * n, 4, 1.0), draw(rows * n, 5, 1.0));
    let (mut da, mut du) = (zeros(rows * 3 * n), zeros(rows * 3 * n));
    T::gru_backward(GruBackward {
        steps,
        weight: &w,
        gates: &gates,
        h: &previous,
        u: &u,
        dout: &dout,
        dh: &mut dh,
        da: &mut da,
        du: &mut du,
    });
    [out, h, previous, u, dh, da, du].iter().map(|x| to_f64(x)).collect()
}
