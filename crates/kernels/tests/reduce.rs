//! Reductions against plain loops: every kind of view, every instruction set, one and two threads.

use barehand_kernels::View;
use barehand_kernels::reduce::{Reduce, Reductions};

mod agreement;

use agreement::{assert_close, double, everywhere, noise, single};

const OPS: [Reduce; 7] =
    [Reduce::Sum, Reduce::Mean, Reduce::Prod, Reduce::Max, Reduce::Min, Reduce::SumSquares, Reduce::SumAbs];

fn naive(op: Reduce, x: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
    match op {
        Reduce::Sum => x.iter().sum(),
        Reduce::Mean => x.iter().sum::<f64>() / x.len() as f64,
        Reduce::Prod => x.iter().product(),
        Reduce::Max => x.iter().copied().fold(f64::NEG_INFINITY, larger),
        Reduce::Min => -x.iter().map(|x| -x).fold(f64::NEG_INFINITY, larger),
        Reduce::SumSquares => x.iter().map(|x| x * x).sum(),
        Reduce::SumAbs => x.iter().map(|x| x.abs()).sum(),
    }
}

/// The elements that go into each result, one index at a time.
fn groups(x: View<f64>, reduced: &[bool]) -> Vec<Vec<f64>> {
    let kept: usize = x.shape.iter().zip(reduced).filter(|(_, r)| !**r).map(|(n, _)| *n).product();
    let mut groups = vec![Vec::new(); kept];
    for i in 0..x.len() {
        let (mut rest, mut offset, mut place, mut step) = (i, 0, 0, 1);
        for axis in (0..x.shape.len()).rev() {
            let index = rest % x.shape[axis];
            rest /= x.shape[axis];
            offset += index * x.strides[axis];
            if !reduced[axis] {
                place += index * step;
                step *= x.shape[axis];
            }
        }
        groups[place].push(x.data[offset]);
    }
    groups
}

// One test: the instruction set is a setting of the whole process.
#[test]
fn reductions_agree_with_plain_loops() {
    everywhere(views);
    everywhere(middle_axis);
    everywhere(long_sums);
    edges();
}

fn views() -> Vec<f32> {
    let mut all = Vec::new();
    let shapes: [(&[usize], &[&[usize]]); 10] = [
        (&[], &[&[]]),
        (&[1], &[&[1]]),
        (&[7], &[&[1], &[0], &[3]]),
        (&[1000], &[&[1]]),
        (&[65, 63], &[&[63, 1], &[1, 65], &[0, 1], &[1, 0]]),
        (&[1000, 3], &[&[3, 1], &[1, 1000]]),
        (&[3, 2100], &[&[2100, 1]]),
        (&[4, 5, 6], &[&[30, 6, 1], &[6, 24, 1], &[1, 4, 20], &[60, 12, 2]]),
        (&[3, 1, 65, 2], &[&[130, 130, 2, 1]]),
        (&[2, 3, 4, 5, 3], &[&[180, 60, 15, 3, 1]]),
    ];
    for (shape, layouts) in shapes {
        for strides in layouts {
            let extent = 1 + shape.iter().zip(*strides).map(|(n, s)| (n - 1) * s).sum::<usize>();
            // Products stay in range.
            let data = double(&single(&noise(extent, 3, 1.5)));
            let narrow = single(&data);
            let x = View::new(&data, shape, strides);
            for mask in 0..1 << shape.len() {
                let reduced: Vec<bool> = (0..shape.len()).map(|i| mask >> i & 1 == 1).collect();
                let groups = groups(x, &reduced);
                for op in OPS {
                    let what = format!("{op:?} of {shape:?} {strides:?} along {reduced:?}");
                    let want: Vec<f64> = groups.iter().map(|g| naive(op, g)).collect();
                    let mut out = vec![0.0; groups.len()];
                    f64::reduce(op, x, &reduced, &mut out);
                    assert_close(&what, &out, &want, 1e-12);
                    let mut out = vec![0.0; groups.len()];
                    f32::reduce(op, View::new(&narrow, shape, strides), &reduced, &mut out);
                    assert_close(&what, &double(&out), &want, 1e-6);
                    all.extend(out);
                }
                let mean: Vec<f64> = groups.iter().map(|g| naive(Reduce::Mean, g)).collect();
                let var: Vec<f64> = groups
                    .iter()
                    .zip(&mean)
                    .map(|(g, mean)| g.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (g.len() - 1) as f64)
                    .collect();
                let (mut m, mut v) = (vec![0.0; mean.len()], vec![0.0; mean.len()]);
                f64::variance(x, &reduced, 1.0, &mut m, &mut v);
                assert_close("mean", &m, &mean, 1e-12);
                assert_close("variance", &v, &var, 1e-12);
                let (mut m, mut v) = (vec![0.0; mean.len()], vec![0.0; mean.len()]);
                f32::variance(View::new(&narrow, shape, strides), &reduced, 1.0, &mut m, &mut v);
                assert_close("mean", &double(&m), &mean, 1e-6);
                assert_close("variance", &double(&v), &var, 1e-6);
            }
        }
    }
    all.iter().map(|x| if x.is_nan() { 0.5 } else { *x }).collect()
}

fn middle_axis() -> Vec<f32> {
    let mut all = Vec::new();
    for (outer, axis, inner) in [
        (1, 1, 1),
        (3, 7, 1),
        (2, 1000, 1),
        (300, 65, 1),
        (1, 63, 300),
        (4, 5, 600),
        (7, 2, 3),
        (0, 3, 2),
        (1, 3000, 1),
    ] {
        let data = double(&single(&noise(outer * axis * inner, 4, 9.0)));
        // Coarse values, so that extremes occur more than once.
        let coarse: Vec<f64> = data.iter().map(|x| x.round()).collect();
        let at = |o: usize, k: usize, i: usize| (o * axis + k) * inner + i;
        let rows = outer * inner;
        let (mut cum, mut lse) = (vec![0.0; data.len()], vec![0.0; rows]);
        for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
            let mut sum = 0.0;
            for k in 0..axis {
                sum += data[at(o, k, i)];
                cum[at(o, k, i)] = sum;
            }
            lse[o * inner + i] = (0..axis).map(|k| data[at(o, k, i)].exp()).sum::<f64>().ln();
        }
        let narrow = single(&data);
        let mut out = vec![0.0; data.len()];
        f32::cumsum(&narrow, outer, axis, inner, &mut out);
        assert_close("cumsum", &double(&out), &cum, 1e-6);
        all.extend(&out);
        let mut out = vec![0.0; data.len()];
        f64::cumsum(&data, outer, axis, inner, &mut out);
        assert_close("cumsum", &out, &cum, 1e-12);
        let mut out = vec![0.0; rows];
        f32::log_sum_exp(&narrow, outer, axis, inner, &mut out);
        assert_close("log_sum_exp", &double(&out), &lse, 1e-6);
        all.extend(&out);
        let mut out = vec![0.0; rows];
        f64::log_sum_exp(&data, outer, axis, inner, &mut out);
        assert_close("log_sum_exp", &out, &lse, 1e-12);
        for max in [true, false] {
            let narrow = single(&coarse);
            let (mut values, mut indices) = (vec![0.0; rows], vec![0; rows]);
            f32::arg_reduce(max, &narrow, outer, axis, inner, &mut values, &mut indices);
            for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
                let mut best = 0;
                for k in 1..axis {
                    let (a, b) = (coarse[at(o, k, i)], coarse[at(o, best, i)]);
                    if (max && a > b) || (!max && a < b) {
                        best = k;
                    }
                }
                assert_eq!(indices[o * inner + i], best as i64, "first occurrence");
                assert_eq!(values[o * inner + i], narrow[at(o, best, i)]);
            }
        }
    }
    all
}

fn long_sums() -> Vec<f32> {
    let n = 10_000_000;
    let x: Vec<f32> = (0..n).map(|i| 0.1 + (i % 1000) as f32 * 1e-4).collect();
    // Exact: the sums of a period are integers over a power of two.
    let exact = x[..1000].iter().map(|x| f64::from(*x)).sum::<f64>() * (n / 1000) as f64;
    let mut out = [0.0];
    f32::reduce(Reduce::Sum, View::new(&x, &[n], &[1]), &[true], &mut out);
    assert_eq!(out[0], exact as f32);
    let dot = f32::dot(&x, &x);
    let exact = x[..1000].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() * (n / 1000) as f64;
    assert!((f64::from(dot) - exact).abs() <= exact * 6e-8, "{dot} for {exact}");
    let mut columns = vec![0.0; 1000];
    f32::sum_to_columns(&x, n / 1000, 1000, &mut columns);
    for (c, sum) in columns.iter().enumerate() {
        assert_eq!(*sum, (f64::from(x[c]) * (n / 1000) as f64) as f32);
    }
    let mut narrow = vec![0.0; 8];
    f32::sum_to_columns(&x, n / 8, 8, &mut narrow);
    for (c, sum) in narrow.iter().enumerate() {
        let exact = (0..125).map(|k| f64::from(x[8 * k + c])).sum::<f64>() * (n / 1000) as f64;
        assert!((f64::from(*sum) - exact).abs() <= exact * 6e-8, "{sum} for {exact}");
    }
    // A billion as an offset costs `f64` nothing.
    let far: Vec<f64> = (0..100_000).map(|i| 1e9 + f64::from(i % 2)).collect();
    let (mut mean, mut var) = ([0.0], [0.0]);
    f64::variance(View::new(&far, &[100_000], &[1]), &[true], 0.0, &mut mean, &mut var);
    assert_eq!((mean[0], var[0]), (1e9 + 0.5, 0.25));
    [out.to_vec(), vec![dot], columns, narrow].concat()
}

fn edges() {
    let nothing = View::new(&[0.0f32; 0], &[2, 0], &[0, 1]);
    for (op, want) in [
        (Reduce::Sum, 0.0),
        (Reduce::Prod, 1.0),
        (Reduce::Max, f32::NEG_INFINITY),
        (Reduce::Min, f32::INFINITY),
        (Reduce::SumSquares, 0.0),
    ] {
        let mut out = [9.0; 2];
        f32::reduce(op, nothing, &[false, true], &mut out);
        assert_eq!(out, [want; 2]);
    }
    let mut out = [9.0; 2];
    f32::reduce(Reduce::Mean, nothing, &[false, true], &mut out);
    assert!(out.iter().all(|x| x.is_nan()));

    for n in [3, 64, 100, 5000] {
        let mut x = vec![1.0f32; n];
        x[n / 2] = f32::NAN;
        x[n - 1] = 7.0;
        let (mut values, mut indices) = ([0.0], [0]);
        for max in [true, false] {
            let mut out = [0.0];
            f32::reduce(
                if max { Reduce::Max } else { Reduce::Min },
                View::new(&x, &[n], &[1]),
                &[true],
                &mut out,
            );
            assert!(out[0].is_nan());
            f32::arg_reduce(max, &x, 1, n, 1, &mut values, &mut indices);
            assert!(values[0].is_nan() && indices[0] == (n / 2) as i64);
            let pairs: Vec<f32> = x.iter().flat_map(|x| [*x, 1.0]).collect();
            let (mut values, mut indices) = ([0.0; 2], [0; 2]);
            f32::arg_reduce(max, &pairs, 1, n, 2, &mut values, &mut indices);
            assert!(values[0].is_nan() && indices == [(n / 2) as i64, 0]);
        }
    }
    let far = f32::INFINITY;
    for (x, want) in [
        ([-far, -far], -far),
        ([far, 0.0], far),
        ([-far, 3.0], 3.0),
        ([1e30, 1e30], 1e30),
        ([-10_000.0, -10_000.0], -10_000.0 + 2f32.ln()),
    ] {
        let mut out = [0.0];
        f32::log_sum_exp(&x, 1, 2, 1, &mut out);
        assert_eq!(out[0], want);
        let (doubled, mut out) = ([x[0], x[0], x[1], x[1]], [0.0; 2]);
        f32::log_sum_exp(&doubled, 1, 2, 2, &mut out);
        assert_eq!(out, [want; 2]);
    }
}
