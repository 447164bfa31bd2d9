//! How much each class counts.

use barehand_tensor::{Error, Result};

/// Weights of classes, which the weights of samples are multiplied with.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeight {
    /// Every class counts 1.
    #[default]
    None,
    /// Classes count alike as a whole: `n / (classes * n_class)`, with weights of samples in place of numbers (but for ridge
    /// classifiers).
    Balanced,
    /// Labels and weights; a class that is not named counts 1.
    Given(Vec<(i64, f64)>),
}

impl ClassWeight {
    /// The weight of each of `n` samples, whose classes are `classes[codes[i]]`, None where all are 1.
    ///
    /// # Errors
    /// A weight is negative or not finite, or a label is not a class.
    pub fn sample_weights(
        &self,
        operation: &str,
        classes: &[i64],
        codes: &[usize],
        weights: Option<Vec<f64>>,
    ) -> Result<Option<Vec<f64>>> {
        if *self == ClassWeight::None {
            return Ok(weights);
        }
        let of_class = self.of_classes(operation, classes, codes, weights.as_deref())?;
        let mut weights = weights.unwrap_or_else(|| vec![1.0; codes.len()]);
        weights.iter_mut().zip(codes).for_each(|(weight, &code)| *weight *= of_class[code]);
        Ok(Some(weights))
    }

    /// The same, but `Balanced` looks at how many samples there are of a class, whatever they weigh: as scikit-learn's ridge
    /// classifiers have it, unlike its logistic regression.
    ///
    /// # Errors
    /// As [`ClassWeight::sample_weights`].
    pub fn sample_weights_by_number(
        &self,
        operation: &str,
        classes: &[i64],
        codes: &[usize],
        weights: Option<Vec<f64>>,
    ) -> Result<Option<Vec<f64>>> {
        let of_samples = self.sample_weights(operation, classes, codes, None)?;
        Ok(match (of_samples, weights) {
            (Some(mut product), Some(weights)) => {
                product.iter_mut().zip(weights).for_each(|(product, weight)| *product *= weight);
                Some(product)
            }
            (one, other) => one.or(other),
        })
    }

    /// The weight of each class.
    ///
    /// # Errors
    /// As [`ClassWeight::sample_weights`].
    pub fn of_classes(
        &self,
        operation: &str,
        classes: &[i64],
        codes: &[usize],
        weights: Option<&[f64]>,
    ) -> Result<Vec<f64>> {
        Ok(match self {
            ClassWeight::None => vec![1.0; classes.len()],
            ClassWeight::Balanced => {
                let mut totals = vec![0.0; classes.len()];
                for (i, &code) in codes.iter().enumerate() {
                    totals[code] += weights.map_or(1.0, |weights| weights[i]);
                }
                let sum: f64 = totals.iter().sum();
                totals.iter().map(|total| sum / (classes.len() as f64 * total)).collect()
            }
            ClassWeight::Given(given) => {
                let mut of_class = vec![1.0; classes.len()];
                for &(label, weight) in given {
                    if !(weight.is_finite() && weight >= 0.0) {
                        let message = format!("class {label} has weight {weight}: 0 or more expected");
                        return Err(Error::value(operation, message));
                    }
                    let Ok(code) = classes.binary_search(&label) else {
                        let message = format!("a weight is given for {label}, which is not a class");
                        return Err(Error::value(operation, message));
                    };
                    of_class[code] = weight;
                }
                of_class
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_by_weight_and_by_number() {
        let (classes, codes, weights) = ([3, 8], [0, 0, 0, 1], vec![1.0, 1.0, 2.0, 4.0]);
        let given = |weights: &[f64]| Some(weights.to_vec());
        let by_weight = ClassWeight::Balanced.sample_weights("test", &classes, &codes, given(&weights));
        assert_eq!(by_weight.unwrap().unwrap(), [1.0, 1.0, 2.0, 4.0]);
        let by_number =
            ClassWeight::Balanced.sample_weights_by_number("test", &classes, &codes, given(&weights));
        assert_eq!(by_number.unwrap().unwrap(), [2.0 / 3.0, 2.0 / 3.0, 4.0 / 3.0, 8.0]);
        let none = ClassWeight::None.sample_weights_by_number("test", &classes, &codes, given(&weights));
        assert_eq!(none.unwrap(), given(&weights));
    }
}
