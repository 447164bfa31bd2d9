//! Attention against plain `f64` loops, on every instruction set and with one and two threads.

use barehand_kernels::attention::{
    Attend, Attention, AttentionGradients, AttentionPass, AttentionShape, Mask, Places,
};
use barehand_kernels::heads::{Heads, HeadsMut};
use barehand_kernels::random::Philox;

mod agreement;

use agreement::{assert_close, double, everywhere, noise, single};

/// Which keys a case's queries see.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    All,
    /// A mask of "keep" with a place for each pair.
    Keep,
    /// One that says "ignore", for all queries of two heads alike.
    Ignore,
    Additive,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    shape: AttentionShape,
    seen: Seen,
    causal: Option<isize>,
    scale: f64,
    dropout: Option<(f64, Philox)>,
    /// Whether the heads of a query follow one another in memory, as projections leave them.
    interleaved: bool,
}

/// Matrices of one array, and where they lie.
struct Layout {
    offsets: Vec<usize>,
    row_stride: usize,
    len: usize,
}

impl Layout {
    fn new(heads: usize, rows: usize, cols: usize, interleaved: bool) -> Self {
        let len = heads * rows * cols;
        if interleaved {
            return Layout { offsets: (0..heads).map(|h| h * cols).collect(), row_stride: heads * cols, len };
        }
        Layout { offsets: (0..heads).map(|h| h * rows * cols).collect(), row_stride: cols.max(1), len }
    }

    fn view<'a, T>(&'a self, data: &'a [T]) -> Heads<'a, T> {
        Heads { data, offsets: &self.offsets, row_stride: self.row_stride }
    }

    fn target<'a, T>(&'a self, data: &'a mut [T]) -> HeadsMut<'a, T> {
        HeadsMut::new(data, &self.offsets, self.row_stride)
    }

    fn at(&self, head: usize, row: usize) -> usize {
        self.offsets[head] + row * self.row_stride
    }
}

struct Arrays {
    layouts: [Layout; 3],
    out_layout: Layout,
    inputs: [Vec<f64>; 3],
    dout: Vec<f64>,
    mask: Vec<bool>,
    ignored: Vec<bool>,
    bias: Vec<f64>,
    mask_offsets: Vec<usize>,
    row_offsets: Vec<usize>,
}

/// Rounded to `f32` and back, so that both precisions see the same numbers.
fn shared(n: usize, seed: u64, scale: f64) -> Vec<f64> {
    double(&single(&noise(n, seed, scale)))
}

impl Arrays {
    fn new(case: &Case) -> Self {
        let AttentionShape { heads, queries, keys, width, value_width, .. } = case.shape;
        let query_heads = case.shape.query_heads();
        let lay = |heads, rows, cols| Layout::new(heads, rows, cols, case.interleaved);
        let layouts =
            [lay(query_heads, queries, width), lay(heads, keys, width), lay(heads, keys, value_width)];
        let out_layout = lay(query_heads, queries, value_width);
        let inputs = [0, 1, 2].map(|i| shared(layouts[i].len, 11 + i as u64, 2.0));
        let pairs = query_heads * queries * keys;
        Arrays {
            dout: shared(out_layout.len, 5, 1.0),
            mask: noise(pairs, 7, 1.0).iter().map(|x| *x < 0.4).collect(),
            ignored: noise(query_heads * keys, 8, 1.0).iter().map(|x| *x < -0.2).collect(),
            bias: shared(pairs, 9, 3.0)
                .iter()
                .map(|x| if *x > 2.0 { f64::NEG_INFINITY } else { *x })
                .collect(),
            mask_offsets: (0..query_heads).map(|h| h * queries * keys).collect(),
            row_offsets: (0..query_heads).map(|h| h / 2 * keys).collect(),
            layouts,
            out_layout,
            inputs,
        }
    }

    fn score(&self, case: &Case, head: usize, i: usize, j: usize) -> f64 {
        let AttentionShape { group, queries, keys, width, .. } = case.shape;
        let [q, k, _] = &self.inputs;
        let (from, to) = (self.layouts[0].at(head, i), self.layouts[1].at(head / group, j));
        let mut score = case.scale * (0..width).map(|e| q[from + e] * k[to + e]).sum::<f64>();
        let pair = (head * queries + i) * keys + j;
        let seen = match case.seen {
            Seen::All | Seen::Additive => true,
            Seen::Keep => self.mask[pair],
            Seen::Ignore => !self.ignored[self.row_offsets[head] + j],
        };
        if case.seen == Seen::Additive {
            score += self.bias[pair];
        }
        let early = case.causal.is_none_or(|d| j as isize <= i as isize + d);
        if seen && early { score } else { f64::NEG_INFINITY }
    }

    /// Output, and the gradients of query, key, value and bias; `kept` is what dropout multiplies weights by.
    fn plain(&self, case: &Case, kept: impl Fn(usize) -> f64) -> [Vec<f64>; 5] {
        let AttentionShape { group, queries, keys, width, value_width, .. } = case.shape;
        let query_heads = case.shape.query_heads();
        let [q, k, v] = &self.inputs;
        let [mut dq, mut dk, mut dv] = [0, 1, 2].map(|i| vec![0.0; self.layouts[i].len]);
        let mut out = vec![0.0; self.out_layout.len];
        let mut dmask = vec![0.0; query_heads * queries * keys];
        for (head, i) in (0..query_heads).flat_map(|head| (0..queries).map(move |i| (head, i))) {
            let scores: Vec<f64> = (0..keys).map(|j| self.score(case, head, i, j)).collect();
            let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if top == f64::NEG_INFINITY {
                continue;
            }
            let e: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
            let sum: f64 = e.iter().sum();
            let at = self.out_layout.at(head, i);
            let pair = (head * queries + i) * keys;
            let dp: Vec<f64> = (0..keys)
                .map(|j| {
                    let value = self.layouts[2].at(head / group, j);
                    (0..value_width).map(|c| self.dout[at + c] * v[value + c]).sum::<f64>() * kept(pair + j)
                })
                .collect();
            let center: f64 = e.iter().zip(&dp).map(|(e, dp)| e / sum * dp).sum();
            for j in 0..keys {
                let p = e[j] / sum;
                let value = self.layouts[2].at(head / group, j);
                for c in 0..value_width {
                    out[at + c] += p * kept(pair + j) * v[value + c];
                    dv[value + c] += p * kept(pair + j) * self.dout[at + c];
                }
                let ds = p * (dp[j] - center);
                dmask[pair + j] = ds;
                let (from, to) = (self.layouts[0].at(head, i), self.layouts[1].at(head / group, j));
                for c in 0..width {
                    dq[from + c] += case.scale * ds * k[to + c];
                    dk[to + c] += case.scale * ds * q[from + c];
                }
            }
        }
        [out, dq, dk, dv, dmask]
    }
}

/// The kernel's output and gradients; all of them, or each alone.
fn run<T: Attention>(case: &Case, arrays: &Arrays, of: impl Fn(&[f64]) -> Vec<T>) -> [Vec<T>; 5] {
    let AttentionShape { queries, keys, .. } = case.shape;
    let query_heads = case.shape.query_heads();
    let inputs = [0, 1, 2].map(|i| of(&arrays.inputs[i]));
    let (dout, bias) = (of(&arrays.dout), of(&arrays.bias));
    let mask = match case.seen {
        Seen::All => None,
        Seen::Keep => Some(Mask::Keep {
            places: Places {
                data: &arrays.mask,
                offsets: &arrays.mask_offsets,
                row_stride: keys,
                col_stride: 1,
            },
            keep: true,
        }),
        Seen::Ignore => Some(Mask::Keep {
            places: Places {
                data: &arrays.ignored,
                offsets: &arrays.row_offsets,
                row_stride: 0,
                col_stride: 1,
            },
            keep: false,
        }),
        Seen::Additive => Some(Mask::Additive(Places {
            data: &bias,
            offsets: &arrays.mask_offsets,
            row_stride: keys,
            col_stride: 1,
        })),
    };
    let layouts = &arrays.layouts;
    let attend = Attend {
        shape: case.shape,
        query: layouts[0].view(&inputs[0]),
        key: layouts[1].view(&inputs[1]),
        value: layouts[2].view(&inputs[2]),
        mask,
        causal: case.causal,
        scale: case.scale,
        dropout: case.dropout,
    };
    let mut out = vec![T::NAN; arrays.out_layout.len];
    let mut log_sums = vec![T::NAN; query_heads * queries];
    T::attention(&attend, arrays.out_layout.target(&mut out), &mut log_sums);
    let pass = AttentionPass {
        out: arrays.out_layout.view(&out),
        log_sums: &log_sums,
        dout: arrays.out_layout.view(&dout),
    };
    let [mut dq, mut dk, mut dv] = [0, 1, 2].map(|i| vec![T::NAN; layouts[i].len]);
    let mut dmask = vec![T::ZERO; query_heads * queries * keys];
    T::attention_backward(
        &attend,
        &pass,
        AttentionGradients {
            dquery: Some(layouts[0].target(&mut dq)),
            dkey: Some(layouts[1].target(&mut dk)),
            dvalue: Some(layouts[2].target(&mut dv)),
            dmask: Some(&mut dmask),
        },
    );
    let nothing = || AttentionGradients { dquery: None, dkey: None, dvalue: None, dmask: None };
    for i in 0..3 {
        let mut alone = vec![T::NAN; layouts[i].len];
        let target = Some(layouts[i].target(&mut alone));
        let wanted = match i {
            0 => AttentionGradients { dquery: target, ..nothing() },
            1 => AttentionGradients { dkey: target, ..nothing() },
            _ => AttentionGradients { dvalue: target, ..nothing() },
        };
        T::attention_backward(&attend, &pass, wanted);
        let same = |(a, b): (&T, &T)| a == b || (a.is_nan() && b.is_nan());
        let together = [&dq, &dk, &dv][i];
        assert!(alone.iter().zip(together).all(same), "{case:?}: gradient {i} alone differs");
    }
    [out, dq, dk, dv, dmask]
}

fn check(case: &Case, kept: impl Fn(usize) -> f64) {
    let arrays = Arrays::new(case);
    let want = arrays.plain(case, kept);
    everywhere(|| {
        let single = run::<f32>(case, &arrays, single);
        let double_ = run::<f64>(case, &arrays, <[f64]>::to_vec);
        for (i, want) in want.iter().enumerate() {
            let what = format!("{case:?} result {i}");
            assert_close(&format!("f64 {what}"), &double_[i], want, 1e-12);
            assert_close(&format!("f32 {what}"), &double(&single[i]), want, 5e-5);
        }
        (single, double_)
    });
}

// One test for everything: the instruction set is a setting of the whole process.
#[test]
fn attention_agrees_with_plain_loops() {
    // Heads, group, queries, keys, width, value width.
    let shapes = [
        [1, 1, 1, 1, 1, 1],
        [2, 1, 5, 7, 3, 2],
        [2, 2, 3, 9, 4, 4],
        [1, 1, 64, 64, 16, 16],
        [1, 2, 65, 130, 20, 17],
        [1, 1, 130, 65, 32, 48],
        [2, 3, 1, 70, 16, 32],
        [1, 40, 3, 33, 8, 8],
        [3, 1, 17, 20, 96, 5],
        [1, 1, 70, 1100, 5, 4],
        [2, 1, 0, 4, 3, 3],
        [2, 1, 4, 0, 3, 3],
        [2, 1, 4, 3, 0, 2],
        [2, 1, 4, 3, 2, 0],
        [0, 1, 4, 3, 2, 2],
    ];
    for [heads, group, queries, keys, width, value_width] in shapes {
        let shape = AttentionShape { heads, group, queries, keys, width, value_width };
        let last = keys as isize - queries as isize;
        for (seen, causal, interleaved) in [
            (Seen::All, None, true),
            (Seen::All, Some(0), false),
            (Seen::All, Some(last), true),
            (Seen::Keep, None, false),
            (Seen::Keep, Some(3), true),
            (Seen::Ignore, Some(last), false),
            (Seen::Additive, None, true),
        ] {
            let scale = if seen == Seen::Keep { -0.6 } else { 0.4 };
            check(&Case { shape, seen, causal, scale, dropout: None, interleaved }, |_| 1.0);
        }
    }
    large_scores();
    not_a_number_stays();
    dropout();
}

/// No exponential overflows, and the softmax of a block with small scores after one with large is right.
fn large_scores() {
    let shape = AttentionShape { heads: 1, group: 1, queries: 3, keys: 200, width: 8, value_width: 4 };
    let case = Case { shape, seen: Seen::All, causal: None, scale: 300.0, dropout: None, interleaved: false };
    let arrays = Arrays::new(&case);
    let want = arrays.plain(&case, |_| 1.0);
    everywhere(|| {
        let got = run::<f64>(&case, &arrays, <[f64]>::to_vec);
        assert_close("large scores", &got[0], &want[0], 1e-10);
        got
    });
}

fn not_a_number_stays() {
    let shape = AttentionShape { heads: 1, group: 1, queries: 2, keys: 70, width: 2, value_width: 2 };
    let case = Case { shape, seen: Seen::All, causal: None, scale: 1.0, dropout: None, interleaved: false };
    let mut arrays = Arrays::new(&case);
    arrays.inputs[1][3] = f64::NAN;
    let [out, dq, ..] = run::<f64>(&Case { causal: Some(0), ..case }, &arrays, <[f64]>::to_vec);
    assert!(out[..2].iter().all(|x| x.is_finite()) && out[2..].iter().all(|x| x.is_nan()));
    assert!(dq[2..].iter().all(|x| x.is_nan()));
}

/// The weights that dropout keeps are found from values that are the identity; then everything follows from them.
fn dropout() {
    let shape = AttentionShape { heads: 2, group: 2, queries: 70, keys: 67, width: 3, value_width: 67 };
    let dropout = Some((0.3, Philox::new(4)));
    let case = Case { shape, seen: Seen::All, causal: Some(5), scale: 0.5, dropout, interleaved: true };
    let mut arrays = Arrays::new(&case);
    let layout = &arrays.layouts[2];
    arrays.inputs[2] = vec![0.0; layout.len];
    for head in 0..2 {
        (0..67).for_each(|j| arrays.inputs[2][layout.at(head, j) + j] = 1.0);
    }
    let weights = arrays.plain(&case, |_| 1.0)[0].clone();
    let dropped = run::<f64>(&case, &arrays, <[f64]>::to_vec)[0].clone();
    let mut kept = vec![1.0; 4 * 70 * 67];
    let (mut seen, mut zeros) = (0, 0);
    for (head, i, j) in (0..4).flat_map(|h| (0..70).flat_map(move |i| (0..67).map(move |j| (h, i, j)))) {
        let at = arrays.out_layout.at(head, i) + j;
        if weights[at] > 0.0 {
            let factor = dropped[at] / weights[at];
            assert!(factor == 0.0 || (factor - 1.0 / 0.7).abs() < 1e-12, "{factor}");
            kept[(head * 70 + i) * 67 + j] = if factor == 0.0 { 0.0 } else { 1.0 / 0.7 };
            seen += 1;
            zeros += usize::from(factor == 0.0);
        }
    }
    // Five standard deviations of a binomial count.
    let (mean, deviation) = (0.3 * seen as f64, (seen as f64 * 0.21).sqrt());
    assert!((zeros as f64 - mean).abs() < 5.0 * deviation, "{zeros} of {seen}");
    check(&case, |pair| kept[pair]);
    // Another key's weights fall otherwise: the pattern is not that of a row or a column.
    let row = |i: usize| kept[i * 67..][..5].to_vec();
    assert!((20..60).any(|i| row(i) != row(i + 1)));
}
