//! Every instruction set this processor has computes the same, up to how its vectors group sums; on each of them the
//! number of threads changes nothing. One test: the choice of instruction set is the whole process's.

mod suite;

use barehand_tensor::isa::{self, Isa};
use barehand_tensor::{DType, Float, Tensor, threads};

/// The largest difference, in units in the last place of each result's largest element.
fn ulps<T: Float>(results: &[Tensor<T>], expected: &[Tensor<T>]) -> f64 {
    let epsilon = if T::DTYPE == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
    assert_eq!(results.len(), expected.len());
    let off = |(x, y): (&Tensor<T>, &Tensor<T>)| {
        let largest = y.to_vec().into_iter().fold(f64::MIN_POSITIVE, |most, y| most.max(y.as_f64().abs()));
        x.max_abs_diff(y).unwrap() / (epsilon * largest)
    };
    results
        .iter()
        .zip(expected)
        .map(off)
        .fold(0.0, |worst, ulps| if ulps > worst || ulps.is_nan() { ulps } else { worst })
}

fn operators<T: Float>() {
    for operator in suite::operators::<T>() {
        assert!(isa::force(Some(Isa::Scalar)));
        let expected = threads::with_num_threads(1, || operator.run());
        for set in Isa::available() {
            assert!(isa::force(Some(set)));
            let alone = threads::with_num_threads(1, || operator.run());
            let off = ulps(&alone, &expected);
            assert!(
                off <= 64.0,
                "{} with {}, {}: {off:.1} ulps from the baseline",
                operator.name,
                set.name(),
                T::DTYPE
            );
            let together = threads::with_num_threads(2, || operator.run());
            assert_eq!(ulps(&together, &alone), 0.0, "{} with {} on two threads", operator.name, set.name());
            println!("{} with {}, {}: {off:.1} ulps", operator.name, set.name(), T::DTYPE);
        }
    }
}

/// Rounding grows along a training: the losses of 20 steps may part by this share. Parameters are not compared: where a
/// gradient is 0 but for rounding, Adam follows the sign of the rounding.
const TRAINING: f64 = 1e-4;

#[test]
fn instruction_sets_agree() {
    operators::<f32>();
    operators::<f64>();
    assert!(isa::force(Some(Isa::Scalar)));
    let expected = suite::training();
    for set in Isa::available() {
        assert!(isa::force(Some(set)));
        let results = suite::training();
        assert_eq!(ulps(&suite::training(), &results), 0.0, "two runs with {}", set.name());
        let off = ulps(&results[..20], &expected[..20]) * f32::EPSILON as f64;
        println!("training with {}: {off:.1e}", set.name());
        assert!(off <= TRAINING, "training with {} parts by {off:e} from the baseline", set.name());
    }
    isa::force(None);
}
