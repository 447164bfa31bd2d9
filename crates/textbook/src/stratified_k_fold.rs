//! k folds in each of which every class has the share that it has of all samples.
//!
//! ```text
//! sorted = the labels, class after class
//! m_fc   = how many of sorted_f, sorted_{f+k}, sorted_{f+2k}, ... are of class c
//! fold f takes the next m_fc samples of each class c
//! ```
//!
//! So no class, and no fold as a whole, is more than one sample away from its share. Classes are numbered by their first
//! appearance. scikit-learn: `StratifiedKFold`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::k_fold::{check_folds, show_folds};
use crate::trace::Trace;

/// The fold of each sample, of samples of these classes in the order of their first appearance: 0, then 1, ...
pub fn stratified_k_fold(labels: &[usize], k: usize, trace: &mut Trace) -> Result<Vec<usize>> {
    const OPERATION: &str = "stratified_k_fold";
    check_folds(OPERATION, k, labels.len(), "samples")?;
    let mut classes = 0;
    for &label in labels {
        if label > classes {
            return Err(Error::new(OPERATION, format!("class {label} appears before class {classes}")));
        }
        classes = classes.max(label + 1);
    }
    let count = |class: usize| labels.iter().filter(|&&label| label == class).count();
    if (0..classes).all(|class| count(class) < k) {
        return Err(Error::new(OPERATION, format!("no class has a sample for each of {k} folds")));
    }
    trace.section("stratified k-fold");
    let sorted: Vec<f64> = (0..classes).flat_map(|class| vec![class as f64; count(class)]).collect();
    let sorted = trace.step("sorted", "the labels, class after class", Array::vector(&sorted));
    let dealt = |f: usize, class: usize| {
        (f..labels.len()).step_by(k).filter(|&i| sorted[i] == class as f64).count() as f64
    };
    let m = Array::from_fn(&[k, classes], |i| dealt(i[0], i[1]));
    let m = trace.step("m", "of sorted_f, sorted_{f+k}, ... those of class c", m);
    let mut folds = vec![0; labels.len()];
    for class in 0..classes {
        let mut members = (0..labels.len()).filter(|&i| labels[i] == class);
        for f in 0..k {
            members.by_ref().take(m[[f, class]] as usize).for_each(|i| folds[i] = f);
        }
    }
    show_folds(&folds, trace);
    Ok(folds)
}
