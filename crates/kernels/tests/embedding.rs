//! Embedding against plain loops, on every instruction set and with one and two threads.

use barehand_kernels::embedding::{Picks, backward, forward, shorten, too_long};

mod agreement;

use agreement::{everywhere, noise};

/// Rows that were picked in no pattern, some of them often.
fn ids(count: usize, rows: usize, seed: u64) -> Vec<i64> {
    noise(count, seed, 1.0).iter().map(|u| (u * u * rows as f64) as i64).collect()
}

fn plain(dy: &[f64], width: usize, picks: &Picks<'_>) -> Vec<f64> {
    let mut table = vec![0.0; picks.rows * width];
    for (i, &id) in picks.ids.iter().enumerate().filter(|(_, id)| Some(**id as usize) != picks.padding) {
        let count = picks.ids.iter().filter(|other| **other == id).count() as f64;
        for c in 0..width {
            let share = if picks.scale_by_frequency { dy[i * width + c] / count } else { dy[i * width + c] };
            table[id as usize * width + c] += share;
        }
    }
    table
}

// One test for everything: the instruction set is a setting of the whole process.
#[test]
fn embedding_agrees_with_plain_loops() {
    everywhere(|| {
        let mut gradients = Vec::new();
        for (count, rows, width) in
            [(0, 3, 2), (5, 1, 1), (4, 7, 0), (100, 7, 3), (768, 65, 128), (33, 5000, 17), (3000, 50, 65)]
        {
            let (table, ids) = (noise(rows * width, 1, 2.0), ids(count, rows, 2));
            let mut out = vec![f64::NAN; count * width];
            forward(&table, width, &ids, &mut out);
            let want: Vec<f64> =
                ids.iter().flat_map(|&id| table[id as usize * width..][..width].iter().copied()).collect();
            assert_eq!(out, want, "{count} of {rows} x {width}");
            let dy = noise(count * width, 3, 1.0);
            for (padding, scale_by_frequency) in [(None, false), (Some(0), false), (Some(rows - 1), true)] {
                let picks = Picks { ids: &ids, rows, padding, scale_by_frequency };
                let mut dtable = vec![f64::NAN; rows * width];
                backward(&dy, width, &picks, &mut dtable);
                let want = plain(&dy, width, &picks);
                agreement::assert_close("dtable", &dtable, &want, 1e-13);
                let mut in_f32 = vec![f32::NAN; rows * width];
                backward(&agreement::single(&dy), width, &picks, &mut in_f32);
                agreement::assert_close("dtable in f32", &agreement::double(&in_f32), &want, 1e-4);
                gradients.push((dtable, in_f32));
            }
        }
        gradients
    });
}

#[test]
fn rows_are_shortened_once_however_often_they_were_picked() {
    let mut table = [3.0_f32, -4.0, 0.3, 0.4, 6.0, 8.0];
    let rows = too_long(&table, 2, &[1, 0, 0, 1], 1.0, 2.0);
    assert_eq!(rows, [(0, 5.0)]);
    shorten(&mut table, 2, &rows, 1.0);
    assert!((table[0] - 0.6).abs() < 1e-6 && (table[1] + 0.8).abs() < 1e-6);
    assert_eq!(table[2..], [0.3, 0.4, 6.0, 8.0]);
    for (p, norm) in
        [(0.0, 2.0), (1.0, 14.0), (f64::INFINITY, 8.0), (3.0, (216.0_f64 + 512.0).powf(1.0 / 3.0))]
    {
        assert_eq!(too_long(&table, 2, &[2], 1.0, p), [(2, norm)]);
    }
    assert!(too_long(&[] as &[f64], 0, &[0, 1], 0.0, 2.0).is_empty(), "rows without elements");
}
