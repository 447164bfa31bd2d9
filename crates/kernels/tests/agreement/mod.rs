//! How a kernel is held against plain loops: in every setting, on numbers of no pattern.

use barehand_kernels::isa::{self, Isa};
use barehand_kernels::threads::with_num_threads;

/// Runs `test` in every setting; the results must not depend on the number of threads.
pub fn everywhere<R: PartialEq + std::fmt::Debug>(test: impl Fn() -> R) {
    for isa in Isa::available() {
        assert!(isa::force(Some(isa)));
        let one = with_num_threads(1, &test);
        let two = with_num_threads(2, &test);
        assert!(one == two, "{}: one thread and two disagree", isa.name());
    }
    isa::force(None);
}

/// Numbers in (-scale, scale), different for every seed.
pub fn noise(n: usize, seed: u64, scale: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * scale
        })
        .collect()
}

/// Rounded to single precision.
pub fn single(x: &[f64]) -> Vec<f32> {
    x.iter().map(|x| *x as f32).collect()
}

/// As they are, in double precision.
pub fn double(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

/// Every number within `tolerance` of its reference, relative to whichever is larger: the reference or 1.
pub fn assert_close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (got - want).abs() / want.abs().max(1.0);
        assert!(
            error <= tolerance || got == want || (got.is_nan() && want.is_nan()),
            "{what}[{i}]: {got} for {want}"
        );
    }
}
