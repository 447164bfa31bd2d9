//! Least squares with an L1 penalty.

use barehand_tensor::{Float, Result, Tensor};

use super::elastic_net::{ElasticNet, FittedElasticNet, Selection};
use super::elastic_net_forms::Precompute;
use super::samples::Samples;

/// The lasso: [`ElasticNet`] whose penalty is L1 alone.
///
/// Source: scikit-learn's `Lasso`.
///
/// ```
/// use barehand_learn::{Fit, linear_model::Lasso};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[-1.0], [0.0], [1.0f64]]);
/// let model = Lasso::new(0.1).fit(&x, &Tensor::from([1.0, 2.0, 3.0]))?;
/// assert!((model.coef().item()? - 0.85).abs() < 1e-12); // 1 - alpha n / |x|^2
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lasso(ElasticNet);

impl Default for Lasso {
    fn default() -> Self {
        Lasso::new(1.0)
    }
}

impl Lasso {
    /// With a penalty of `alpha`, scikit-learn's default being 1.
    pub fn new(alpha: f64) -> Self {
        Lasso(ElasticNet::new(alpha).l1_ratio(1.0))
    }

    /// As [`ElasticNet::fit_intercept`].
    pub fn fit_intercept(self, fit_intercept: bool) -> Self {
        Lasso(self.0.fit_intercept(fit_intercept))
    }

    /// As [`ElasticNet::max_iter`].
    pub fn max_iter(self, max_iter: usize) -> Self {
        Lasso(self.0.max_iter(max_iter))
    }

    /// As [`ElasticNet::tol`].
    pub fn tol(self, tol: f64) -> Self {
        Lasso(self.0.tol(tol))
    }

    /// As [`ElasticNet::positive`].
    pub fn positive(self, positive: bool) -> Self {
        Lasso(self.0.positive(positive))
    }

    /// As [`ElasticNet::selection`].
    pub fn selection(self, selection: Selection) -> Self {
        Lasso(self.0.selection(selection))
    }

    /// As [`ElasticNet::precompute`].
    pub fn precompute(self, precompute: Precompute) -> Self {
        Lasso(self.0.precompute(precompute))
    }

    /// As [`ElasticNet::start`].
    pub fn start(self, coef: Vec<f64>) -> Self {
        Lasso(self.0.start(coef))
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedElasticNet<T>> {
        self.0.fitted(samples, y, sample_weight)
    }
}

fits_values!(Lasso, FittedElasticNet);
