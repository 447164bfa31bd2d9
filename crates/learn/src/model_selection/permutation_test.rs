//! Is a score better than chance?

use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Error, Float, Result};

use super::cross_validation::CrossValidation;
use super::fit_and_score::in_parallel;
use super::splitter::Split;
use crate::dynamic::{Estimator, Features, Target};

/// A score, and those of shuffled targets.
#[derive(Clone, Debug, PartialEq)]
pub struct PermutationTest {
    /// The mean score of the targets as they are.
    pub score: f64,
    /// The mean score for each shuffle of the targets.
    pub permutation_scores: Vec<f64>,
    /// `(1 + how many of them are as good) / (1 + how many there are)`.
    pub p_value: f64,
}

/// Compares a score with those of `n_permutations` shuffles of the targets. Source: scikit-learn's
/// `permutation_test_score`.
///
/// # Errors
/// As [`CrossValidation::run`]; no targets, or no permutations.
pub fn permutation_test_score<T: Float>(
    estimator: &dyn Estimator<T>,
    cv: &CrossValidation<T>,
    x: &Features<T>,
    y: &Target<T>,
    n_permutations: usize,
    random_state: u32,
) -> Result<PermutationTest> {
    const OPERATION: &str = "permutation_test_score";
    let n = match y {
        Target::None => return Err(Error::value(OPERATION, "there are no targets to shuffle")),
        Target::Classes(y) => y.len(),
        Target::Values(y) => y.shape().first().copied().unwrap_or(0),
    };
    if n_permutations == 0 {
        return Err(Error::value(OPERATION, "n_permutations is 0: at least 1 expected"));
    }
    let mean = |y: &Target<T>| -> Result<f64> {
        // Splits may depend on the targets, and so are made of the shuffled ones.
        let splits: Vec<Split> = cv.splits(x, y)?.collect();
        let mut sum = 0.0;
        for split in &splits {
            sum += cv.measure().run(estimator, cv.data(x, y), split)?.test[0];
        }
        Ok(sum / splits.len() as f64)
    };
    let score = mean(y)?;
    let mut random = RandomState::new(random_state);
    let orders: Vec<Vec<usize>> = (0..n_permutations)
        .map(|_| {
            let mut order: Vec<usize> = (0..n).collect();
            random.shuffle(&mut order);
            order
        })
        .collect();
    let permutation_scores: Vec<f64> =
        in_parallel(&orders, |order| mean(&y.select_rows(order)?)).into_iter().collect::<Result<_>>()?;
    let as_good = permutation_scores.iter().filter(|&&other| other >= score).count();
    let p_value = (as_good as f64 + 1.0) / (n_permutations as f64 + 1.0);
    Ok(PermutationTest { score, permutation_scores, p_value })
}
