//! Times attention: `attention_race THREADS` prints `name-pass milliseconds GFLOP/s`, the best of many calls, on heads as
//! projections leave them, (batch, tokens, heads, width). Only the products that a causal mask leaves count.

use std::time::{Duration, Instant};

use barehand_kernels::attention::{Attend, Attention, AttentionGradients, AttentionPass, AttentionShape};
use barehand_kernels::heads::{Heads, HeadsMut};
use barehand_kernels::threads;

/// Name, batch, heads, heads of keys, queries, keys, width, and whether causal.
const SHAPES: [(&str, [usize; 6], bool); 7] = [
    ("batch", [8, 8, 8, 512, 512, 64], true),
    ("batch-full", [8, 8, 8, 512, 512, 64], false),
    ("long", [1, 12, 12, 2048, 2048, 64], true),
    ("nano", [12, 4, 4, 64, 64, 32], true),
    ("small", [8, 6, 6, 256, 256, 64], true),
    ("decode", [1, 12, 12, 1, 2048, 64], false),
    ("decode-grouped", [1, 32, 8, 1, 2048, 64], false),
];

fn best(mut call: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut best = Duration::MAX;
    while began.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        call();
        best = best.min(start.elapsed());
    }
    best.as_secs_f64()
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    threads::set_num_threads(threads);
    for (name, [batch, heads, shared, queries, keys, width], causal) in SHAPES {
        let values = |n: usize| -> Vec<f32> { (0..n).map(|i| (i * 7 % 61) as f32 / 30.0 - 1.0).collect() };
        let offsets = |heads: usize, tokens: usize| -> Vec<usize> {
            (0..batch * heads).map(|i| i / heads * tokens * heads * width + i % heads * width).collect()
        };
        let (at, shared_at) = (offsets(heads, queries), offsets(shared, keys));
        let query = values(batch * queries * heads * width);
        let key = values(batch * keys * shared * width);
        let (stride, shared_stride) = (heads * width, shared * width);
        let attend = Attend {
            shape: AttentionShape {
                heads: batch * shared,
                group: heads / shared,
                queries,
                keys,
                width,
                value_width: width,
            },
            query: Heads { data: &query, offsets: &at, row_stride: stride },
            key: Heads { data: &key, offsets: &shared_at, row_stride: shared_stride },
            value: Heads { data: &key, offsets: &shared_at, row_stride: shared_stride },
            mask: None,
            causal: causal.then_some(0),
            scale: 1.0 / (width as f64).sqrt(),
            dropout: None,
        };
        let share = if causal { 0.5 } else { 1.0 };
        let flops = 2.0 * (batch * heads * queries * keys * width) as f64 * share;
        let report = |pass: &str, products: f64, seconds: f64| {
            println!("{name}-{pass} {:.3} {:.1}", seconds * 1e3, products * flops / seconds / 1e9);
        };
        let mut out = query.clone();
        let mut log_sums = vec![0.0; batch * heads * queries];
        let forward = best(|| {
            let out = HeadsMut::new(&mut out, &at, stride);
            f32::attention(&attend, out, &mut log_sums);
        });
        report("forward", 2.0, forward);
        let (mut dquery, mut dkey, mut dvalue) = (query.clone(), key.clone(), key.clone());
        let pass = AttentionPass {
            out: Heads { data: &out, ..attend.query },
            log_sums: &log_sums,
            dout: attend.query,
        };
        let backward = best(|| {
            let of_keys = |data| Some(HeadsMut::new(data, &shared_at, shared_stride));
            let gradients = AttentionGradients {
                dquery: Some(HeadsMut::new(&mut dquery, &at, stride)),
                dkey: of_keys(&mut dkey),
                dvalue: of_keys(&mut dvalue),
                dmask: None,
            };
            f32::attention_backward(&attend, &pass, gradients);
        });
        report("backward", 5.0, backward);
        report("both", 7.0, forward + backward);
    }
}
