//! How much each class counts.

use barehand_tensor::{Error, Result};

/// Weights of classes, by which those of their samples are multiplied.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeight {
    /// `n / (classes * count)`: each class counts as much as any other.
    Balanced,
    /// These; 1 for a class that is not among them.
    Given(Vec<(i64, f64)>),
}

impl ClassWeight {
    /// Multiplies `weights` by those of the classes; `codes` are `(n, outputs)`.
    pub(crate) fn apply(
        &self,
        operation: &str,
        codes: &[f64],
        classes: &[Vec<i64>],
        weights: &mut [f64],
    ) -> Result<()> {
        for (output, classes) in classes.iter().enumerate() {
            let outputs = codes.len() / weights.len();
            let own = || codes.iter().skip(output).step_by(outputs);
            let of_class: Vec<f64> = match self {
                ClassWeight::Balanced => {
                    let mut counts = vec![0.0; classes.len()];
                    own().for_each(|&code| counts[code as usize] += 1.0);
                    balanced(&counts)
                }
                ClassWeight::Given(given) => {
                    if let Some((class, weight)) =
                        given.iter().find(|(_, weight)| weight.is_nan() || *weight < 0.0)
                    {
                        let message = format!("class {class} has weight {weight}: 0 or more expected");
                        return Err(Error::value(operation, message));
                    }
                    let of = |class: &i64| given.iter().find(|(name, _)| name == class);
                    classes.iter().map(|class| of(class).map_or(1.0, |(_, weight)| *weight)).collect()
                }
            };
            weights.iter_mut().zip(own()).for_each(|(weight, &code)| *weight *= of_class[code as usize]);
        }
        Ok(())
    }
}

/// Weights of classes that occur so often; 0 for one that does not.
pub(crate) fn balanced(counts: &[f64]) -> Vec<f64> {
    let present = counts.iter().filter(|&&count| count > 0.0).count() as f64;
    let total: f64 = counts.iter().sum();
    counts.iter().map(|&count| if count > 0.0 { total / (present * count) } else { 0.0 }).collect()
}
