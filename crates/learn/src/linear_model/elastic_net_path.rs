//! The elastic net for many penalties, from the strongest on.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::elastic_net::{ElasticNet, normalized};
use super::elastic_net_forms::Forms;
use super::joint_descent::{Columns, Joint};
use super::least_squares::transposed;
use super::samples::{AsSamples, Samples, targets};
use crate::validate;

/// The penalties of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Alphas {
    /// So many, spaced evenly by their logarithms: from the weakest that leaves no coefficient, down to `eps` times that.
    Grid {
        /// How many.
        count: usize,
        /// What the last one is of the first.
        eps: f64,
    },
    /// These, which are put in descending order.
    Given(Vec<f64>),
}

impl Default for Alphas {
    fn default() -> Self {
        Alphas::Grid { count: 100, eps: 1e-3 }
    }
}

impl Alphas {
    /// The penalties in descending order, for a problem of `n` samples of which the strongest L1 penalty is `largest_product`.
    pub(super) fn descending(
        &self,
        operation: &str,
        n: usize,
        l1_ratio: f64,
        largest_product: impl FnOnce() -> f64,
    ) -> Result<Vec<f64>> {
        let (count, eps) = match self {
            Alphas::Given(alphas) => {
                if let Some(alpha) = alphas.iter().find(|alpha| !(**alpha >= 0.0 && alpha.is_finite())) {
                    return Err(Error::value(operation, format!("alpha is {alpha}: 0 or more expected")));
                }
                if alphas.is_empty() {
                    return Err(Error::value(operation, "no alphas: at least one expected"));
                }
                let mut alphas = alphas.clone();
                alphas.sort_unstable_by(|a, b| b.total_cmp(a));
                return Ok(alphas);
            }
            Alphas::Grid { count, eps } => (*count, *eps),
        };
        if count == 0 || !(eps > 0.0 && eps.is_finite()) {
            let message =
                format!("{count} alphas down to {eps}: at least one, and a part more than 0 expected");
            return Err(Error::value(operation, message));
        }
        if l1_ratio == 0.0 {
            let message = "without L1 there is no penalty that leaves no coefficient: alphas expected";
            return Err(Error::value(operation, message));
        }
        let first = largest_product() / (n as f64 * l1_ratio);
        if !(first > LEAST) {
            return Ok(vec![LEAST; count]);
        }
        let step = |i: usize| if i == 0 { first } else { first * eps.powf(i as f64 / (count - 1) as f64) };
        Ok((0..count).map(step).collect())
    }
}

/// Penalties below this are none: the digits of f64.
const LEAST: f64 = 1e-15;

/// Where [`ElasticNet::path`] led.
#[derive(Clone, Debug, PartialEq)]
pub struct ElasticNetPath {
    /// The penalties, in descending order.
    pub alphas: Vec<f64>,
    /// The coefficients of each, `(alphas, D)`; of several targets `(alphas, outputs, D)`.
    pub coef: Tensor<f64>,
    /// The intercept of each; zeros where none were fitted.
    pub intercept: Vec<f64>,
    /// How far each objective is from its minimum, at most.
    pub dual_gap: Vec<f64>,
    /// How far it might be.
    pub tolerance: Vec<f64>,
    /// Cycles for each.
    pub n_iter: Vec<usize>,
}

impl ElasticNetPath {
    /// Whether every gap is as small as it was to be.
    pub fn converged(&self) -> bool {
        self.dual_gap.iter().zip(&self.tolerance).all(|(gap, tolerance)| gap <= tolerance)
    }
}

impl ElasticNet {
    /// The coefficients for each of `alphas` in descending order, each found from the last one's, of one target `(N)` or several
    /// `(N, outputs)`; the estimator's own `alpha` plays no part. Several have no intercept, and a penalty that joins them, under
    /// which the coefficients of a feature are 0 together:
    ///
    /// ```text
    /// |Y - X W|^2 / (2 n) + alpha l1_ratio sum_j |W_j| + alpha (1 - l1_ratio) / 2 |W|^2
    /// ```
    ///
    /// Source: scikit-learn's `enet_path`, which knows no intercept.
    ///
    /// ```
    /// use barehand_learn::linear_model::{Alphas, ElasticNet};
    /// use barehand_tensor::Tensor;
    ///
    /// let x = Tensor::from([[-1.0], [0.0], [1.0f64]]);
    /// let y = Tensor::from([1.0, 2.0, 3.0]);
    /// let path = ElasticNet::new(1.0).l1_ratio(1.0).path(&x, &y, None, &Alphas::Given(vec![0.1, 1.0]))?;
    /// assert_eq!(path.alphas, [1.0, 0.1]);
    /// assert_eq!(path.coef.at([0, 0])?, 0.0);
    /// assert!((path.coef.at([1, 0])? - 0.85).abs() < 1e-12);
    /// # Ok::<(), barehand_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `fit`; there are no penalties, or no L1 to make a grid for; there are several targets, but an intercept, or coefficients
    /// that may not be negative.
    pub fn path<T: Float>(
        &self,
        x: &impl AsSamples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
        alphas: &Alphas,
    ) -> Result<ElasticNetPath> {
        const OPERATION: &str = "ElasticNet::path";
        self.check(OPERATION)?;
        let samples = x.samples(OPERATION)?;
        let (n, d) = samples.shape();
        let (y, outputs, single) = targets(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let weights = weights.map(normalized);
        if !single {
            return self.jointly(OPERATION, &samples, &y, outputs, weights.as_deref(), alphas);
        }
        let forms = self.forms(OPERATION, &samples, &y, 1, weights.as_deref())?;
        self.along(OPERATION, &forms, (n, d), &y, weights.as_deref(), alphas)
    }

    /// The same of several targets.
    fn jointly<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        y: &[T],
        outputs: usize,
        weights: Option<&[f64]>,
        alphas: &Alphas,
    ) -> Result<ElasticNetPath> {
        if self.fits_intercept() || self.is_positive() {
            let message = "several targets have no intercept, and coefficients of any sign";
            return Err(Error::value(operation, message));
        }
        samples.check_finite(operation)?;
        let (n, d) = samples.shape();
        let root = |row: usize| weights.map_or(1.0, |weights| weights[row].sqrt());
        let y: Vec<f64> = y.iter().enumerate().map(|(i, y)| y.to_f64() * root(i / outputs)).collect();
        let columns = Columns::new(samples, weights)?;
        let start = transposed(&self.starting_point(operation, outputs * d)?, outputs, d);
        let mut joint = Joint::new(columns, transposed(&y, n, outputs), n, start);
        let alphas = alphas.descending(operation, n, self.ratio(), || joint.largest_product())?;
        let mut visits = self.visits();
        let mut coef = Vec::with_capacity(alphas.len() * outputs * d);
        let (mut dual_gap, mut tolerance, mut n_iter) = (Vec::new(), Vec::new(), Vec::new());
        for &alpha in &alphas {
            let end = self.descended_jointly(operation, &mut joint, alpha, n, &mut visits)?;
            coef.extend(transposed(&joint.w, d, outputs));
            dual_gap.push(end.gap / n as f64);
            tolerance.push(end.enough / n as f64);
            n_iter.push(end.n_iter);
        }
        let coef = Tensor::from_vec(coef, [alphas.len(), outputs, d])?;
        Ok(ElasticNetPath { intercept: vec![0.0; alphas.len()], alphas, coef, dual_gap, tolerance, n_iter })
    }

    /// The same, of what is known of one target.
    pub(super) fn along<T: Float>(
        &self,
        operation: &str,
        forms: &Forms,
        (n, d): (usize, usize),
        y: &[T],
        weights: Option<&[f64]>,
        alphas: &Alphas,
    ) -> Result<ElasticNetPath> {
        let mut form = forms.of(y, 0, weights);
        let largest = || form.largest_product(d, self.is_positive());
        let alphas = alphas.descending(operation, n, self.ratio(), largest)?;
        let mut w = self.starting_point(operation, d)?;
        form.start(&w);
        let mut visits = self.visits();
        let mut coef = Vec::with_capacity(alphas.len() * d);
        let (mut dual_gap, mut tolerance, mut n_iter) = (Vec::new(), Vec::new(), Vec::new());
        for &alpha in &alphas {
            let end = self.descended(operation, &mut form, w, alpha, n, &mut visits)?;
            w = end.w;
            coef.extend_from_slice(&w);
            dual_gap.push(end.gap / n as f64);
            tolerance.push(end.enough / n as f64);
            n_iter.push(end.n_iter);
        }
        let intercept = match self.fits_intercept() {
            true => coef.chunks_exact(d).map(|w| forms.moments.intercepts(w)[0]).collect(),
            false => vec![0.0; alphas.len()],
        };
        let coef = Tensor::from_vec(coef, [alphas.len(), d])?;
        Ok(ElasticNetPath { alphas, coef, intercept, dual_gap, tolerance, n_iter })
    }
}
