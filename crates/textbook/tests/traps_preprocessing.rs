//! Mistakes of hand-written scalers and naive Bayes classifiers, each as a named wrong implementation, which the block's
//! ordinary check rejects.

use barehand_textbook::gradient_check::largest_difference;
use barehand_textbook::{Array, Likelihood, NaiveBayes, StandardScaler, Trace};

fn silent() -> Trace {
    Trace::silent()
}

fn near(a: &Array, b: &Array, tolerance: f64) -> bool {
    largest_difference(a, b) < tolerance
}

fn ones(m: usize) -> Array {
    Array::filled(&[m], 1.0)
}

// ---- standard scaler -------------------------------------------------------------------------------------------------

/// scikit-learn's answer, far from 0 too; a constant column becomes zeros.
fn is_standard_scaler(f: impl Fn(&Array) -> Array) -> bool {
    let known = Array::matrix([
        [-1.3416407864998738, 0.0],
        [-0.4472135954999579, 0.0],
        [0.4472135954999579, 0.0],
        [1.3416407864998738, 0.0],
    ]);
    [0.0, 1e8].into_iter().all(|offset| {
        let x = Array::from_fn(&[4, 2], |at| offset + if at[1] == 0 { at[0] as f64 } else { 0.1 });
        near(&f(&x), &known, 1e-7)
    })
}

fn scaler(x: &Array) -> Array {
    let scaler = StandardScaler::fit(x, &ones(x.shape()[0]), &mut silent()).unwrap();
    scaler.transform(x, &mut silent()).unwrap()
}

/// Mean of squares less square of the mean: nothing is left of it far from 0.
fn variance_by_subtraction(x: &Array) -> Array {
    let m = x.shape()[0] as f64;
    let mean = x.sum_along(&[0]).map(|s| s / m);
    let square = x.map(|x| x * x).sum_along(&[0]).map(|s| s / m);
    Array::from_fn(x.shape(), |at| {
        let var = square.data()[at[1]] - mean.data()[at[1]].powi(2);
        (x.get(at) - mean.data()[at[1]]) / if var > 0.0 { var.sqrt() } else { 1.0 }
    })
}

fn divided(x: &Array, by: impl Fn(f64) -> f64) -> Array {
    let fitted = StandardScaler::fit(x, &ones(x.shape()[0]), &mut silent()).unwrap();
    Array::from_fn(x.shape(), |at| (x.get(at) - fitted.mean.data()[at[1]]) / by(fitted.var.data()[at[1]]))
}

fn one_sample_less(x: &Array) -> Array {
    let m = x.shape()[0] as f64;
    divided(x, |var| if var > 1e-12 { (var * m / (m - 1.0)).sqrt() } else { 1.0 })
}

fn constant_column_divided_by_zero(x: &Array) -> Array {
    divided(x, f64::sqrt)
}

#[test]
fn standard_scaler_traps() {
    assert!(is_standard_scaler(scaler));
    assert!(!is_standard_scaler(variance_by_subtraction));
    assert!(!is_standard_scaler(one_sample_less));
    assert!(!is_standard_scaler(constant_column_divided_by_zero));
}

/// Two halves of the samples make what all of them make.
fn is_merge(f: impl Fn(&StandardScaler, &StandardScaler) -> StandardScaler) -> bool {
    let x = Array::matrix([[1.0, f64::NAN], [4.0, 2.0], [-2.0, 8.0], [10.0, f64::NAN], [3.0, -1.0]]);
    let w = Array::vector(&[1.0, 2.0, 1.0, 0.5, 3.0]);
    let part = |from: usize, to: usize| {
        let rows = Array::from_fn(&[to - from, 2], |at| x.get(&[from + at[0], at[1]]));
        StandardScaler::fit(&rows, &Array::vector(&w.data()[from..to]), &mut silent()).unwrap()
    };
    let (merged, all) = (f(&part(0, 2), &part(2, 5)), part(0, 5));
    near(&merged.mean, &all.mean, 1e-14) && near(&merged.var, &all.var, 1e-13) && merged.seen == all.seen
}

fn mean_of_variances(a: &StandardScaler, b: &StandardScaler) -> StandardScaler {
    let mut merged = a.merge(b, &mut silent()).unwrap();
    merged.var = Array::from_fn(a.var.shape(), |j| {
        let (n_a, n_b) = (a.seen.get(j), b.seen.get(j));
        (n_a * a.var.get(j) + n_b * b.var.get(j)) / (n_a + n_b)
    });
    merged
}

#[test]
fn merging_traps() {
    assert!(is_merge(|a, b| a.merge(b, &mut silent()).unwrap()));
    assert!(!is_merge(mean_of_variances));
}

// ---- naive Bayes -----------------------------------------------------------------------------------------------------

const COUNTS: [[f64; 3]; 4] = [[2.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 3.0], [3.0, 0.0, 0.0]];
const CLASSES: [usize; 4] = [0, 0, 1, 0];

fn fitted(likelihood: Likelihood, x: &Array) -> NaiveBayes {
    NaiveBayes::fit(likelihood, x, &CLASSES, 2, &ones(4), &mut silent()).unwrap()
}

/// Worked out on paper: P(j | 0) = (7, 2, 1) / 10, P(j | 1) = (1, 2, 4) / 7, P(c) = 3/4, 1/4, for x = (1, 0, 1).
fn is_multinomial(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let joint = [(0.75f64 * 0.7 * 0.1).ln(), (0.25f64 * (1.0 / 7.0) * (4.0 / 7.0)).ln()];
    let evidence = joint.iter().map(|log| log.exp()).sum::<f64>().ln();
    let known = Array::matrix([[joint[0] - evidence, joint[1] - evidence]]);
    near(&f(&Array::matrix(COUNTS), &Array::matrix([[1.0, 0.0, 1.0]])), &known, 1e-12)
}

fn multinomial(x: &Array, query: &Array) -> Array {
    fitted(Likelihood::Multinomial { alpha: 1.0 }, x).log_posterior(query, &mut silent()).unwrap()
}

fn without_prior(x: &Array, query: &Array) -> Array {
    let mut model = fitted(Likelihood::Multinomial { alpha: 1.0 }, x);
    model.log_prior = model.log_prior.map(|_| 0.0);
    model.log_posterior(query, &mut silent()).unwrap()
}

fn without_smoothing(x: &Array, query: &Array) -> Array {
    fitted(Likelihood::Multinomial { alpha: 0.0 }, x).log_posterior(query, &mut silent()).unwrap()
}

/// The smoothing is added to the counts, and not to their sum.
fn smoothed_above_only(x: &Array, query: &Array) -> Array {
    let mut model = fitted(Likelihood::Multinomial { alpha: 1.0 }, x);
    model.first = Array::from_fn(model.first.shape(), |at| {
        let sum = |j: usize| (0..4).filter(|&i| CLASSES[i] == at[0]).map(|i| x.get(&[i, j])).sum::<f64>();
        ((sum(at[1]) + 1.0) / (0..3).map(sum).sum::<f64>()).ln()
    });
    model.log_posterior(query, &mut silent()).unwrap()
}

#[test]
fn multinomial_traps() {
    assert!(is_multinomial(multinomial));
    assert!(!is_multinomial(without_prior));
    assert!(!is_multinomial(without_smoothing));
    assert!(!is_multinomial(smoothed_above_only));
}

/// Worked out on paper: p_0 = (4, 2, 1) / 5, p_1 = (1, 2, 2) / 3, for x = (1, 0, 0): what is absent counts.
fn is_bernoulli(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let joint = [(0.75 * 0.8 * 0.6 * 0.8f64).ln(), (0.25 / 27.0f64).ln()];
    let evidence = joint.iter().map(|log| log.exp()).sum::<f64>().ln();
    let known = Array::matrix([[joint[0] - evidence, joint[1] - evidence]]);
    let x = Array::matrix(COUNTS).map(|x| f64::from(x > 0.0));
    near(&f(&x, &Array::matrix([[1.0, 0.0, 0.0]])), &known, 1e-12)
}

fn bernoulli(x: &Array, query: &Array) -> Array {
    fitted(Likelihood::Bernoulli { alpha: 1.0 }, x).log_posterior(query, &mut silent()).unwrap()
}

fn absent_features_left_out(x: &Array, query: &Array) -> Array {
    let mut model = fitted(Likelihood::Bernoulli { alpha: 1.0 }, x);
    model.second = model.second.map(|_| 0.0);
    model.log_posterior(query, &mut silent()).unwrap()
}

#[test]
fn bernoulli_traps() {
    assert!(is_bernoulli(bernoulli));
    assert!(!is_bernoulli(absent_features_left_out));
}

/// Rows far from every class still have probabilities, which sum to 1; and the ordinary answer is scikit-learn's.
fn is_gaussian(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let x = Array::matrix([[-1.0, -1.0], [-2.0, -1.5], [1.0, 1.0], [-3.0, -2.0]]);
    let known = Array::matrix([[-1.8052061312445744e-07, -15.527420956003743]]);
    // One sample a class has no variance but the smoothing, 0.1 here.
    let near_rows = near(&f(&x, &Array::matrix([[-0.8, -1.0]])), &known, 1e-9);
    let far = f(&x, &Array::matrix([[1e3, -1e3]]));
    near_rows && (far.data().iter().map(|log| log.exp()).sum::<f64>() - 1.0).abs() < 1e-12
}

fn gaussian(x: &Array, query: &Array) -> Array {
    fitted(Likelihood::Gaussian { var_smoothing: 0.1 }, x).log_posterior(query, &mut silent()).unwrap()
}

fn probabilities_multiplied(x: &Array, query: &Array) -> Array {
    let joint = fitted(Likelihood::Gaussian { var_smoothing: 0.1 }, x).joint(query, &mut silent()).unwrap();
    let p = joint.map(f64::exp);
    let sum = p.sum();
    p.map(|p| (p / sum).ln())
}

fn variance_not_smoothed(x: &Array, query: &Array) -> Array {
    fitted(Likelihood::Gaussian { var_smoothing: 0.0 }, x).log_posterior(query, &mut silent()).unwrap()
}

#[test]
fn gaussian_traps() {
    assert!(is_gaussian(gaussian));
    assert!(!is_gaussian(probabilities_multiplied));
    assert!(!is_gaussian(variance_not_smoothed));
}
