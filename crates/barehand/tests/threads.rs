//! The number of threads never changes a result: no kernel lets it decide how sums are grouped, so that every operator,
//! and a whole training, is the same bit for bit on one thread, two and three, and in every run.

mod suite;

use barehand_tensor::{Float, Tensor, threads};

/// Fails where two results differ in a bit.
fn same_bits<T: Float>(name: &str, count: usize, results: &[Tensor<T>], expected: &[Tensor<T>]) {
    assert_eq!(results.len(), expected.len());
    for (i, (x, y)) in results.iter().zip(expected).enumerate() {
        assert_eq!(x.shape(), y.shape());
        let different = x
            .to_vec()
            .into_iter()
            .zip(y.to_vec())
            .position(|(x, y)| x.as_f64().to_bits() != y.as_f64().to_bits());
        let off = x.max_abs_diff(y).unwrap();
        assert!(
            different.is_none(),
            "{name}, result {i}, {count} threads, {}: off by up to {off:e}",
            T::DTYPE
        );
    }
}

fn operators<T: Float>() {
    for operator in suite::operators::<T>() {
        let expected = threads::with_num_threads(1, || operator.run());
        for count in [1, 2, 3] {
            let results = threads::with_num_threads(count, || operator.run());
            same_bits(operator.name, count, &results, &expected);
        }
    }
}

#[test]
fn operators_do_not_depend_on_threads() {
    operators::<f32>();
    operators::<f64>();
}

#[test]
fn training_does_not_depend_on_threads() {
    let expected = threads::with_num_threads(1, suite::training);
    for count in [1, 2, 2] {
        let results = threads::with_num_threads(count, suite::training);
        same_bits("training", count, &results, &expected);
    }
}
