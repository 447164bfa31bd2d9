//! Samples drawn with replacement.

use barehand_kernels::random::RandomState;

/// How often each of `n` samples is drawn, `count` draws in all, each as probable as its weight where there are weights; as
/// `numpy.random.RandomState(seed)` draws them for scikit-learn.
pub(super) fn bootstrap(seed: u32, n: usize, count: usize, weights: Option<&[f64]>) -> Vec<f64> {
    let (mut random, mut counts) = (RandomState::new(seed), vec![0.0; n]);
    match weights {
        None => (0..count).for_each(|_| counts[random.randint(0, n as i64) as usize] += 1.0),
        Some(weights) => {
            let (total, mut sum) = (weights.iter().sum::<f64>(), 0.0);
            let mut shares: Vec<f64> = weights
                .iter()
                .map(|weight| {
                    sum += weight / total;
                    sum
                })
                .collect();
            for share in &mut shares {
                *share /= sum;
            }
            for _ in 0..count {
                let u = random.random_sample();
                counts[shares.partition_point(|&share| share <= u).min(n - 1)] += 1.0;
            }
        }
    }
    counts
}
