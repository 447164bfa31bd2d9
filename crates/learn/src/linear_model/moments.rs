//! Means and centred products: all that least squares needs to know of many samples.

use barehand_tensor::{Error, Float, Result};

use super::samples::Samples;

/// `G = X^T W X`, `X^T W Y` and `diag(Y^T W Y)` of features and targets less their means (or as they are, where no
/// intercept is fitted).
pub struct Moments {
    /// Columns of the features.
    pub d: usize,
    /// Columns of the targets.
    pub outputs: usize,
    /// `(d, d)`
    pub gram: Vec<f64>,
    /// `(d, outputs)`
    pub xy: Vec<f64>,
    /// `(outputs)`
    pub yy: Vec<f64>,
    /// What was taken out of the features, `(d)`.
    pub x_mean: Vec<f64>,
    /// What was taken out of the targets, `(outputs)`.
    pub y_mean: Vec<f64>,
}

impl Moments {
    /// Of samples and their targets, `(n, outputs)`.
    ///
    /// # Errors
    /// A feature is not finite, or the squares of some are not.
    pub fn new<T: Float>(
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        outputs: usize,
        weights: Option<&[f64]>,
        fit_intercept: bool,
    ) -> Result<Moments> {
        let (_, d) = samples.shape();
        let m = d + outputs + 1;
        let shift = if fit_intercept { near_means(samples, y, outputs) } else { vec![0.0; m - 1] };
        let mut z = samples.gram(y, outputs, weights, &shift);
        // One pass over the products finds what one over the samples would have to look for.
        if !z.iter().all(|value| value.is_finite()) {
            samples.check_finite(operation)?;
            return Err(Error::value(operation, "numbers too large: their squares are not finite"));
        }
        let total = z[m * m - 1];
        let mut means = vec![0.0; m - 1];
        if fit_intercept {
            let sums = z[(m - 1) * m..m * m - 1].to_vec();
            for (i, sum) in sums.iter().enumerate() {
                for (value, other) in z[i * m..].iter_mut().zip(&sums) {
                    *value -= sum * other / total;
                }
                means[i] = shift[i] + sum / total;
            }
        }
        let mut gram = Vec::with_capacity(d * d);
        let mut xy = Vec::with_capacity(d * outputs);
        for row in z.chunks_exact(m).take(d) {
            gram.extend_from_slice(&row[..d]);
            xy.extend_from_slice(&row[d..m - 1]);
        }
        let yy = (d..m - 1).map(|i| z[i * m + i].max(0.0)).collect();
        // A column that does not vary leaves nothing but rounding behind; more of it where its mean could not be taken out.
        let rounding = if samples.is_sparse() { 16.0 * f64::EPSILON } else { (4.0 * f64::EPSILON).powi(2) };
        for j in 0..d {
            let lost = total * rounding * means[j].powi(2);
            if fit_intercept && gram[j * d + j] <= lost {
                for i in 0..d {
                    gram[i * d + j] = 0.0;
                    gram[j * d + i] = 0.0;
                }
                xy[j * outputs..(j + 1) * outputs].fill(0.0);
            }
        }
        let (x_mean, y_mean) = means.split_at(d);
        Ok(Moments { d, outputs, gram, xy, yy, x_mean: x_mean.to_vec(), y_mean: y_mean.to_vec() })
    }

    /// The means alone, which is all that methods need which look at the samples themselves.
    ///
    /// # Errors
    /// A feature is not finite.
    pub fn means<T: Float>(
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        outputs: usize,
        weights: Option<&[f64]>,
        fit_intercept: bool,
    ) -> Result<Moments> {
        samples.check_finite(operation)?;
        let (n, d) = samples.shape();
        let (mut x_mean, mut y_mean) = (vec![0.0; d], vec![0.0; outputs]);
        if fit_intercept {
            x_mean = samples.column_means(weights);
            let total = weights.map_or(n as f64, |weights| weights.iter().sum());
            for (row, y) in y.chunks_exact(outputs).enumerate() {
                let weight = weights.map_or(1.0, |weights| weights[row]) / total;
                y_mean.iter_mut().zip(y).for_each(|(mean, y)| *mean += weight * y.to_f64());
            }
        }
        Ok(Moments { d, outputs, gram: Vec::new(), xy: Vec::new(), yy: Vec::new(), x_mean, y_mean })
    }

    /// The intercepts of coefficients `(outputs, d)`: predictions at the means are the means.
    pub fn intercepts(&self, coef: &[f64]) -> Vec<f64> {
        let at_mean = |w: &[f64]| w.iter().zip(&self.x_mean).map(|(w, mean)| w * mean).sum::<f64>();
        coef.chunks_exact(self.d).zip(&self.y_mean).map(|(w, y_mean)| y_mean - at_mean(w)).collect()
    }
}

/// Means of a few rows, spread over all: near the means of all, as far as keeping digits goes.
fn near_means<T: Float>(samples: &Samples<T>, y: &[T], outputs: usize) -> Vec<f64> {
    const ROWS: usize = 512;
    let (n, d) = samples.shape();
    let mut sums = vec![0.0; d + outputs];
    let step = n.div_ceil(ROWS).max(1);
    let count = n.div_ceil(step) as f64;
    let (of_x, of_y) = sums.split_at_mut(d);
    for row in (0..n).step_by(step) {
        if !samples.is_sparse() {
            let x = &samples.dense()[row * d..(row + 1) * d];
            of_x.iter_mut().zip(x).for_each(|(sum, x)| *sum += x.to_f64() / count);
        }
        let y = &y[row * outputs..(row + 1) * outputs];
        of_y.iter_mut().zip(y).for_each(|(sum, y)| *sum += y.to_f64() / count);
    }
    sums
}
