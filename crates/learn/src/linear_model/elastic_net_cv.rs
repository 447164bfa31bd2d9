//! The elastic net whose penalty cross-validation finds.

use std::sync::Mutex;

use barehand_kernels::threads;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::elastic_net::{ElasticNet, FittedElasticNet, normalized};
use super::elastic_net_path::{Alphas, ElasticNetPath};
use super::samples::{AsSamples, Samples, targets};
use crate::model_selection::{self, KFold, Split, Splitter};
use crate::validate;

/// [`ElasticNet`] with the `alpha` and `l1_ratio` whose mean squared error on held-out samples is smallest, the mean of all
/// folds; of equal ones the strongest penalty, and the first ratio. Each fold goes along a path of penalties. Targets are `(N)`.
///
/// Source: scikit-learn's `ElasticNetCV`, and `LassoCV` with an `l1_ratio` of 1.
///
/// ```
/// use barehand_learn::{Fit, Predict, linear_model::{Alphas, ElasticNet, ElasticNetCv}};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from_vec((0..10).map(f64::from).collect(), [10, 1])?;
/// let y = Tensor::from((0..10).map(|i| 1.0 + 2.0 * f64::from(i)).collect::<Vec<f64>>());
/// let search = ElasticNetCv::new(ElasticNet::default()).l1_ratios(&[1.0]).alphas(Alphas::Given(vec![1.0, 0.01]));
/// let found = search.fit(&x, &y)?;
/// assert_eq!(found.alpha(), 0.01);
/// assert!((found.model().predict(&x)?.at([0])? - 1.0).abs() < 0.1);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElasticNetCv {
    net: ElasticNet,
    l1_ratios: Vec<f64>,
    alphas: Alphas,
    splits: Option<Vec<Split>>,
}

impl ElasticNetCv {
    /// Of nets like this one, whose `alpha` is to be found.
    pub fn new(net: ElasticNet) -> Self {
        ElasticNetCv { l1_ratios: vec![net.ratio()], net, alphas: Alphas::default(), splits: None }
    }

    /// The ratios that are tried (default: that of the net).
    pub fn l1_ratios(mut self, l1_ratios: &[f64]) -> Self {
        self.l1_ratios = l1_ratios.to_vec();
        self
    }

    /// The penalties that are tried (default: a hundred, down to a thousandth of the largest).
    pub fn alphas(mut self, alphas: Alphas) -> Self {
        self.alphas = alphas;
        self
    }

    /// The splits that each pair of parameters is tried on (default: five folds).
    pub fn splits(mut self, splits: Vec<Split>) -> Self {
        self.splits = Some(splits);
        self
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedElasticNetCv<T>> {
        const OPERATION: &str = "ElasticNetCv::fit";
        let (n, d) = samples.shape();
        let (values, outputs, _) = targets(OPERATION, y, n)?;
        if outputs != 1 {
            return Err(Error::shape(OPERATION, format!("takes one target a sample, found {outputs}")));
        }
        if self.l1_ratios.is_empty() {
            return Err(Error::value(OPERATION, "no l1_ratios: at least one expected"));
        }
        let nets: Vec<ElasticNet> =
            self.l1_ratios.iter().map(|&ratio| self.net.clone().l1_ratio(ratio)).collect();
        nets.iter().try_for_each(|net| net.check(OPERATION))?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let of_all = model_selection::Samples::new(n);
        let splits: Vec<Split> = match &self.splits {
            Some(splits) => splits.split(&of_all)?.collect(),
            None => KFold::new(5).split(&of_all)?.collect(),
        };
        if splits.is_empty() {
            return Err(Error::value(OPERATION, "no splits: at least one expected"));
        }
        let grids = self.grids(OPERATION, samples, (n, d), &values, weights.clone())?;
        // Folds share nothing, and go side by side.
        let count = grids[0].len();
        let results: Vec<Mutex<Option<Result<Fold>>>> = splits.iter().map(|_| Mutex::new(None)).collect();
        let work = splits.len() * n * d;
        threads::for_each(splits.len(), threads::threads_for(work, 1 << 16), |i| {
            let fold = fold(OPERATION, &nets, &grids, samples, &values, weights.as_deref(), &splits[i]);
            if let Ok(mut slot) = results[i].lock() {
                *slot = Some(fold);
            }
        });
        let lost = || Err(Error::value(OPERATION, "a fold was lost"));
        let folds = results
            .into_iter()
            .map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(lost))
            .collect::<Result<Vec<Fold>>>()?;
        let place = |ratio: usize, alpha: usize, fold: usize| folds[fold].errors[ratio * count + alpha];
        let mut errors = Vec::with_capacity(grids.len() * count * folds.len());
        let mut best = (f64::INFINITY, 0, 0);
        for ratio in 0..grids.len() {
            for alpha in 0..count {
                let of_folds: Vec<f64> = (0..folds.len()).map(|fold| place(ratio, alpha, fold)).collect();
                let mean = of_folds.iter().sum::<f64>() / folds.len() as f64;
                if mean < best.0 {
                    best = (mean, ratio, alpha);
                }
                errors.extend(of_folds);
            }
        }
        let (_, ratio, alpha) = best;
        let alpha = grids[ratio][alpha];
        let model = nets[ratio].clone().alpha(alpha).fitted(samples, y, sample_weight)?;
        Ok(FittedElasticNetCv {
            model,
            alpha,
            l1_ratio: self.l1_ratios[ratio],
            mse_path: Tensor::from_vec(errors, [grids.len(), count, folds.len()])?,
            alphas: Tensor::from_vec(grids.concat(), [grids.len(), count])?,
            unconverged: folds.into_iter().flat_map(|fold| fold.unconverged).collect(),
        })
    }

    /// The penalties of each ratio, in descending order.
    fn grids<T: Float>(
        &self,
        operation: &str,
        samples: &Samples<T>,
        (n, d): (usize, usize),
        y: &[T],
        weights: Option<Vec<f64>>,
    ) -> Result<Vec<Vec<f64>>> {
        let weights = weights.map(normalized);
        let forms = self.net.forms(operation, samples, y, 1, weights.as_deref())?;
        let form = forms.of(y, 0, weights.as_deref());
        let largest = || form.largest_product(d, self.net.is_positive());
        let grid = |&ratio: &f64| self.alphas.descending(operation, n, ratio, largest);
        self.l1_ratios.iter().map(grid).collect()
    }
}

/// What one fold found.
struct Fold {
    /// Mean squared errors, `(ratios, alphas)`.
    errors: Vec<f64>,
    /// Gaps that stayed above their tolerance, and that.
    unconverged: Vec<(f64, f64)>,
}

fn fold<T: Float>(
    operation: &str,
    nets: &[ElasticNet],
    grids: &[Vec<f64>],
    samples: &Samples<T>,
    y: &[T],
    weights: Option<&[f64]>,
    split: &Split,
) -> Result<Fold> {
    if split.train.is_empty() || split.test.is_empty() {
        return Err(Error::value(operation, "a split without samples to learn from, or to be tested on"));
    }
    let pick = |rows: &[usize]| -> Result<_> {
        let indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let weights = weights.map(|weights| rows.iter().map(|&row| weights[row]).collect::<Vec<f64>>());
        Ok((samples.select(&indices)?, rows.iter().map(|&row| y[row]).collect::<Vec<T>>(), weights))
    };
    let (x_train, y_train, weights_train) = pick(&split.train)?;
    let (x_test, y_test, weights_test) = pick(&split.test)?;
    let total = weights_test.as_ref().map_or(y_test.len() as f64, |weights| weights.iter().sum());
    if !(total > 0.0) {
        return Err(Error::value(operation, "the held-out samples of a split have no weight"));
    }
    if weights_train.as_ref().is_some_and(|weights| weights.iter().all(|&weight| weight == 0.0)) {
        return Err(Error::value(operation, "the training samples of a split have no weight"));
    }
    let weights_train = weights_train.map(normalized);
    let x_train = x_train.samples(operation)?;
    let forms = nets[0].forms_of_part(operation, &x_train, &y_train, weights_train.as_deref())?;
    let mut fold = Fold { errors: Vec::new(), unconverged: Vec::new() };
    for (net, grid) in nets.iter().zip(grids) {
        let alphas = Alphas::Given(grid.clone());
        let (shape, weights) = (x_train.shape(), weights_train.as_deref());
        let path = net.along(operation, &forms, shape, &y_train, weights, &alphas)?;
        let ElasticNetPath { coef, intercept, dual_gap, tolerance, .. } = path;
        let convert = |values: Vec<f64>| values.into_iter().map(T::from_f64).collect::<Vec<T>>();
        let predictions = x_test.samples(operation)?.scores(&convert(coef.to_vec()), &convert(intercept));
        let mut errors = vec![0.0; grid.len()];
        for (row, predicted) in predictions.chunks_exact(grid.len()).enumerate() {
            let weight = weights_test.as_ref().map_or(1.0, |weights| weights[row]) / total;
            for (error, value) in errors.iter_mut().zip(predicted) {
                *error += weight * (value.to_f64() - y_test[row].to_f64()).powi(2);
            }
        }
        fold.errors.extend(errors);
        let (n, _) = shape;
        let gaps = dual_gap.into_iter().zip(tolerance).filter(|(gap, tolerance)| gap > tolerance);
        fold.unconverged.extend(gaps.map(|(gap, tolerance)| (gap * n as f64, tolerance * n as f64)));
    }
    Ok(fold)
}

selects!(ElasticNetCv, FittedElasticNetCv, values: T);

/// What [`ElasticNetCv`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedElasticNetCv<T: Float> {
    model: FittedElasticNet<T>,
    alpha: f64,
    l1_ratio: f64,
    alphas: Tensor<f64>,
    mse_path: Tensor<f64>,
    unconverged: Vec<(f64, f64)>,
}

impl<T: Float> FittedElasticNetCv<T> {
    /// The net of all samples with the parameters that were found.
    pub fn model(&self) -> &FittedElasticNet<T> {
        &self.model
    }

    /// The same, without the rest.
    pub fn into_model(self) -> FittedElasticNet<T> {
        self.model
    }

    /// The penalty that was found.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The ratio that was found.
    pub fn l1_ratio(&self) -> f64 {
        self.l1_ratio
    }

    /// The penalties that were tried, `(ratios, alphas)`, descending.
    pub fn alphas(&self) -> &Tensor<f64> {
        &self.alphas
    }

    /// The mean squared error of each on held-out samples, `(ratios, alphas, folds)`.
    pub fn mse_path(&self) -> &Tensor<f64> {
        &self.mse_path
    }

    /// Duality gaps, along the folds' paths, that stayed above their tolerances, with these; times the samples of the fold.
    pub fn unconverged(&self) -> &[(f64, f64)] {
        &self.unconverged
    }
}
