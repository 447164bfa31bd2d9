//! How much each class counts.

use barehand_tensor::{Error, Result};

/// Weights of classes, which the weights of samples are multiplied with.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeight {
    /// Every class counts 1.
    #[default]
    None,
    /// Classes count alike as a whole: `n / (classes * n_class)`, with weights of samples in place of numbers.
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
