//! How far two labellings of the same samples agree, whatever the labels are called.
//!
//! With `n_ij` samples in class `i` and cluster `j`, `a_i` in class `i` and `b_j` in cluster `j`, and `C(n) = n (n - 1) / 2`:
//!
//! ```text
//! Rand index = pairs together in both or apart in both / pairs
//! adjusted   = (sum_ij C(n_ij) - E) / ((sum_i C(a_i) + sum_j C(b_j)) / 2 - E)     E = sum_i C(a_i) sum_j C(b_j) / C(n)
//! I = sum_ij n_ij / n ln(n n_ij / (a_i b_j))        H(a) = -sum_i a_i / n ln(a_i / n)
//! homogeneity = I / H(a)    completeness = I / H(b)    V = 2 h c / (h + c) = I / ((H(a) + H(b)) / 2)
//! ```
//!
//! scikit-learn: `rand_score`, `adjusted_rand_score`, `mutual_info_score`, `homogeneity_completeness_v_measure`.

use crate::array::Array;
use crate::confusion_matrix::check_classes;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The scores of two labellings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusteringScores {
    /// The share of pairs on which both agree.
    pub rand: f64,
    /// The Rand index, 0 on average by chance.
    pub adjusted_rand: f64,
    /// In nats.
    pub mutual_information: f64,
    /// Whether clusters hold one class only.
    pub homogeneity: f64,
    /// Whether classes lie in one cluster only.
    pub completeness: f64,
    /// The harmonic mean of both.
    pub v_measure: f64,
}

/// The scores of classes and clusters `(N)`, each below `count`.
pub fn clustering_scores(
    classes: &[usize],
    clusters: &[usize],
    count: usize,
    trace: &mut Trace,
) -> Result<ClusteringScores> {
    const OPERATION: &str = "clustering_scores";
    check_classes(OPERATION, classes, count)?;
    check_classes(OPERATION, clusters, count)?;
    if classes.len() != clusters.len() || classes.len() < 2 {
        let message = format!(
            "{} classes and {} clusters: at least two samples expected",
            classes.len(),
            clusters.len()
        );
        return Err(Error::new(OPERATION, message));
    }
    trace.section("contingency");
    let mut table = Array::zeros(&[count, count]);
    for (&i, &j) in classes.iter().zip(clusters) {
        let cell = table.position(&[i, j]);
        table.data_mut()[cell] += 1.0;
    }
    let table = trace.step("n_ij", "samples of class i in cluster j", table);
    let a = trace.step("a", "sum_j n_ij", table.sum_along(&[1]).reshape(&[count])?);
    let b = trace.step("b", "sum_i n_ij", table.sum_along(&[0]).reshape(&[count])?);
    let n = classes.len() as f64;

    trace.section("pairs");
    let pairs = |x: &Array| x.map(|n| n * (n - 1.0) / 2.0).sum();
    let all = trace.number("pairs", "C(n)", n * (n - 1.0) / 2.0);
    let both = trace.number("together in both", "sum_ij C(n_ij)", pairs(&table));
    let in_classes = trace.number("together in classes", "sum_i C(a_i)", pairs(&a));
    let in_clusters = trace.number("together in clusters", "sum_j C(b_j)", pairs(&b));
    let agree = all + 2.0 * both - in_classes - in_clusters;
    let rand = trace.number("Rand", "(pairs + 2 both - in classes - in clusters) / pairs", agree / all);
    let chance = trace.number("E", "in classes * in clusters / pairs", in_classes * in_clusters / all);
    let most = f64::midpoint(in_classes, in_clusters);
    let adjusted = if most == chance { 1.0 } else { (both - chance) / (most - chance) };
    let adjusted_rand =
        trace.number("adjusted Rand", "(both - E) / ((in classes + in clusters) / 2 - E)", adjusted);

    trace.section("information");
    let information = Array::from_fn(table.shape(), |index| {
        let (count, a, b) = (table.get(index), a[index[0]], b[index[1]]);
        if count == 0.0 { 0.0 } else { count / n * (n * count / (a * b)).ln() }
    });
    let information = trace.number("I", "sum_ij n_ij / n ln(n n_ij / (a_i b_j))", information.sum());
    let entropy = |x: &Array| -x.map(|x| if x == 0.0 { 0.0 } else { x / n * (x / n).ln() }).sum();
    let of_classes = trace.number("H(a)", "-sum_i a_i / n ln(a_i / n)", entropy(&a));
    let of_clusters = trace.number("H(b)", "-sum_j b_j / n ln(b_j / n)", entropy(&b));
    let share = |entropy: f64| if entropy == 0.0 { 1.0 } else { information / entropy };
    let h = trace.number("homogeneity", "I / H(a)", share(of_classes));
    let c = trace.number("completeness", "I / H(b)", share(of_clusters));
    let v = if h + c == 0.0 { 0.0 } else { 2.0 * h * c / (h + c) };
    let v = trace.number("V", "2 h c / (h + c)", v);
    Ok(ClusteringScores {
        rand,
        adjusted_rand,
        mutual_information: information,
        homogeneity: h,
        completeness: c,
        v_measure: v,
    })
}
