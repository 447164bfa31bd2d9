//! Distances of points and densities: known answers, and the mistakes that hand-written code makes.

use barehand_textbook::{Array, DensityKernel, PointDistance, Trace};

const NAN: f64 = f64::NAN;

fn between(distance: &PointDistance, a: &[f64], b: &[f64]) -> f64 {
    let row = |x: &[f64]| Array::from_fn(&[1, x.len()], |at| x[at[1]]);
    distance.between(&row(a), &row(b), &mut Trace::silent()).unwrap()[[0, 0]]
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 1e-12
}

/// By hand; one of the numbers is negative, one coordinate is 0 in both.
const A: [f64; 4] = [1.0, 0.0, 2.0, -1.0];
const B: [f64; 4] = [0.0, 0.0, 4.0, 1.0];

#[test]
fn known_answers() {
    let vector = Array::vector(&[1.0, 1.0, 2.0, 4.0]);
    let inverse = Array::matrix([[2.0, 1.0], [1.0, 3.0]]);
    for (distance, expected) in [
        (PointDistance::WeightedMinkowski(vector.clone(), 2.0), 25f64.sqrt()),
        (PointDistance::StandardizedEuclidean(vector), 4f64.sqrt()),
        (PointDistance::Cosine, 1.0 - 7.0 / (6f64 * 17.0).sqrt()),
        // Means 0.5 and 1.25: 4.5 / sqrt(5 * 10.75).
        (PointDistance::Correlation, 1.0 - 4.5 / (5f64 * 10.75).sqrt()),
        (PointDistance::Hamming, 0.75),
        (PointDistance::Canberra, 1.0 + 2.0 / 6.0 + 1.0),
        (PointDistance::BrayCurtis, 5.0 / 9.0),
        // tt 2, tf 1, ft 0, ff 1.
        (PointDistance::Dice, 1.0 / 5.0),
        (PointDistance::Jaccard, 1.0 / 3.0),
        (PointDistance::RogersTanimoto, 2.0 / 5.0),
        (PointDistance::RussellRao, 0.5),
        (PointDistance::SokalSneath, 0.5),
        (PointDistance::Yule, 0.0),
    ] {
        let found = between(&distance, &A, &B);
        assert!(close(found, expected), "{distance:?}: {found}, {expected} expected");
    }
    // 2 + 2 * 2 + 3 * 4
    assert!(close(between(&PointDistance::Mahalanobis(inverse), &[1.0, 2.0], &[0.0, 0.0]), 18f64.sqrt()));
    // scikit-learn's example.
    let missing = between(&PointDistance::NanEuclidean, &[3.0, NAN, NAN, 6.0], &[1.0, NAN, 4.0, 5.0]);
    assert!(close(missing, 10f64.sqrt()));
    assert!(between(&PointDistance::NanEuclidean, &[NAN, 1.0], &[1.0, NAN]).is_nan());
    let quarter = std::f64::consts::FRAC_PI_2;
    assert!(close(between(&PointDistance::Haversine, &[0.0, 0.0], &[0.0, quarter]), quarter));
    let one = Array::matrix([[1.0]]);
    assert!(PointDistance::Haversine.between(&one, &one, &mut Trace::silent()).is_err());
}

/// What holds of the right formulas at these points, and not of the wrong ones.
fn is(distance: &PointDistance, wrong: impl Fn(&[f64], &[f64]) -> f64, a: &[f64], b: &[f64]) -> bool {
    close(wrong(a, b), between(distance, a, b))
}

#[test]
fn distance_traps() {
    let sum =
        |a: &[f64], b: &[f64], f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(&a, &b)| f(a, b)).sum::<f64>();
    // The same sum without a mistake passes.
    let right = |a: &[f64], b: &[f64]| sum(a, b, |a, b| (a - b).abs()) / sum(a, b, |a, b| a.abs() + b.abs());
    assert!(is(&PointDistance::BrayCurtis, right, &A, &B));
    // |a + b| instead of |a| + |b|: the same where nothing is negative.
    let sums = |a: &[f64], b: &[f64]| sum(a, b, |a, b| (a - b).abs()) / sum(a, b, |a, b| (a + b).abs());
    assert!(!is(&PointDistance::BrayCurtis, sums, &A, &B));
    // 0 / 0 of a coordinate that is 0 in both.
    assert!(!is(
        &PointDistance::Canberra,
        |a, b| sum(a, b, |a, b| (a - b).abs() / (a.abs() + b.abs())),
        &A,
        &B
    ));
    // Jaccard as the share of all coordinates that differ, and of numbers instead of sets.
    let differ = |a: &[f64], b: &[f64]| sum(a, b, |a, b| f64::from(u8::from((a != 0.0) != (b != 0.0)))) / 4.0;
    assert!(!is(&PointDistance::Jaccard, differ, &A, &B));
    let numbers = |a: &[f64], b: &[f64]| sum(a, b, |a, b| f64::from(u8::from(a != b))) / 3.0;
    assert!(!is(&PointDistance::Jaccard, numbers, &A, &B));
    // Variances taken for deviations.
    let variances = Array::vector(&[4.0, 1.0, 1.0, 9.0]);
    let deviations =
        |a: &[f64], b: &[f64]| (0..4).map(|j| ((a[j] - b[j]) / variances[j]).powi(2)).sum::<f64>().sqrt();
    assert!(!is(&PointDistance::StandardizedEuclidean(variances.clone()), deviations, &A, &B));
    // A missing difference taken for 0, without the share of what is there.
    let skipped =
        |a: &[f64], b: &[f64]| sum(a, b, |a, b| if (a - b).is_nan() { 0.0 } else { (a - b).powi(2) }).sqrt();
    assert!(!is(&PointDistance::NanEuclidean, skipped, &[3.0, NAN], &[1.0, 2.0]));
    // A longitude before its latitude, and degrees.
    let (home, there) = ([0.9, 0.2], [0.8, -0.4]);
    let swapped = |a: &[f64], b: &[f64]| between(&PointDistance::Haversine, &[a[1], a[0]], &[b[1], b[0]]);
    assert!(!is(&PointDistance::Haversine, swapped, &home, &there));
}

#[test]
fn densities() {
    let points = Array::matrix([[0.0], [2.0]]);
    let queries = Array::matrix([[0.0], [1.0], [9.0]]);
    let density = |kernel: DensityKernel| {
        kernel.density(&queries, &points, 2.0, &mut Trace::silent()).unwrap().data().to_vec()
    };
    let tophat = density(DensityKernel::Tophat);
    // A point's mass lies on a line of length 4; the second one is exactly a bandwidth away.
    assert!(close(tophat[0], 0.25) && close(tophat[1], 0.5) && tophat[2] == 0.0);
    let linear = density(DensityKernel::Linear);
    assert!(close(linear[0], 0.5) && close(linear[1], 0.5));
    let gaussian = density(DensityKernel::Gaussian)[0];
    let expected = (1.0 + (-0.5f64).exp()) / (2.0 * (2.0 * std::f64::consts::PI).sqrt());
    assert!(close(gaussian, expected));
    // The mistake: a mass that is not 1, for the dimension is forgotten in h^d.
    let flat = Array::matrix([[0.0, 0.0]]);
    let found = DensityKernel::Gaussian.density(&flat, &flat, 2.0, &mut Trace::silent()).unwrap()[0];
    assert!(close(found, 1.0 / (8.0 * std::f64::consts::PI)));
    assert!(!close(found, 1.0 / (4.0 * std::f64::consts::PI)));
    assert!(DensityKernel::Cosine.density(&flat, &flat, 0.0, &mut Trace::silent()).is_err());
}
