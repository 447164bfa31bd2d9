//! Rotary embedding against plain `f64` loops, on every instruction set and with one and two threads.

use barehand_kernels::heads::{Heads, HeadsMut};
use barehand_kernels::rope::{Pairs, Rope, Rotation};

mod agreement;

use agreement::{assert_close, double, everywhere, noise, single};

/// Matrices of `positions x cols`, the heads of a position one after another.
fn plain(rotation: &Rotation, heads: usize, x: &[f64]) -> Vec<f64> {
    let Rotation { positions, first, cols, width, base, pairs, back } = *rotation;
    let mut out = x.to_vec();
    for (position, head) in (0..positions).flat_map(|p| (0..heads).map(move |h| (p, h))) {
        let row = (position * heads + head) * cols;
        for i in 0..width / 2 {
            let (a, b) = match pairs {
                Pairs::Interleaved => (row + 2 * i, row + 2 * i + 1),
                Pairs::HalfSplit => (row + i, row + i + width / 2),
            };
            let angle = (first + position) as f64 * base.powf(-2.0 * i as f64 / width as f64);
            let (sin, cos) = if back { (-angle).sin_cos() } else { angle.sin_cos() };
            (out[a], out[b]) = (x[a] * cos - x[b] * sin, x[b] * cos + x[a] * sin);
        }
    }
    out
}

fn run<T: Rope>(rotation: &Rotation, heads: usize, x: &[T]) -> Vec<T> {
    let Rotation { positions, cols, .. } = *rotation;
    let (apart, together): (Vec<usize>, Vec<usize>) =
        (0..heads).map(|h| (h * positions * cols, h * cols)).unzip();
    let source = Heads { data: x, offsets: &together, row_stride: heads * cols };
    // Out of the interleaved heads and back into them.
    let mut turned = vec![T::NAN; x.len()];
    T::rope(rotation, source, HeadsMut::new(&mut turned, &apart, cols));
    let still = Rotation { width: 0, ..*rotation };
    let mut out = vec![T::NAN; x.len()];
    let target = HeadsMut::new(&mut out, &together, heads * cols);
    T::rope(&still, Heads { data: &turned, offsets: &apart, row_stride: cols }, target);
    out
}

// One test for everything: the instruction set is a setting of the whole process.
#[test]
fn rotary_embedding_agrees_with_plain_loops() {
    for pairs in [Pairs::Interleaved, Pairs::HalfSplit] {
        for (heads, positions, cols, width, first, base, back) in [
            (1, 1, 2, 2, 0, 10_000.0, false),
            (3, 5, 6, 6, 0, 10_000.0, false),
            (2, 7, 11, 4, 3, 100.0, true),
            (2, 300, 64, 64, 0, 10_000.0, false),
            (1, 3, 34, 34, 100_000, 5e5, true),
            // Angles beyond what vectors reduce.
            (1, 2, 4, 4, 3_000_000, 10_000.0, false),
            (2, 3, 5, 0, 1, 10_000.0, false),
            (2, 0, 4, 4, 0, 10_000.0, false),
            (0, 3, 4, 4, 0, 10_000.0, false),
        ] {
            let rotation = Rotation { positions, first, cols, width, base, pairs, back };
            let x = double(&single(&noise(heads * positions * cols, 3, 2.0)));
            let want = plain(&rotation, heads, &x);
            // Angles are rounded to their last place.
            let tolerance = 1e-14 + (first + positions) as f64 * 1e-15;
            everywhere(|| {
                let in_double = run::<f64>(&rotation, heads, &x);
                let in_single = run::<f32>(&rotation, heads, &single(&x));
                assert_close(&format!("f64 {rotation:?}"), &in_double, &want, tolerance);
                assert_close(&format!("f32 {rotation:?}"), &double(&in_single), &want, 5e-7);
                (in_double, in_single)
            });
        }
    }
}
