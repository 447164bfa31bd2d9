//! k-means.

use std::any::Any;

use barehand_kernels::random::RandomState;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::k_means_plus_plus::{enough_samples, picks};
use super::lloyd::{Run, Stop, run};
use super::rows::Rows;
use crate::dynamic::{Estimator, Features, Model, Prediction, Target};
use crate::estimator::{Fit, FitWeighted, Predict, Transform};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::{Field, Record};
use crate::validate;

/// Where the centers start.
#[derive(Clone, Debug, PartialEq)]
pub enum KMeansInit {
    /// Samples far from each other, by k-means++ with local trials.
    PlusPlus,
    /// Different samples, drawn by weight.
    Random,
    /// Given centers `(k, D)`, one set for each run.
    Centers(Vec<Tensor<f64>>),
}

/// How assignments are found; what is found is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KMeansAlgorithm {
    /// Every distance of every sample, by matrix products.
    #[default]
    Lloyd,
    /// Bounds by the triangle inequality leave most distances out. Needs memory for `N x k` bounds.
    Elkan,
}

/// `k` centers such that the samples are near to one of them.
///
/// ```text
/// label_i = argmin_j |x_i - c_j|^2
/// c_j     = sum_{label_i = j} w_i x_i / sum_{label_i = j} w_i        and again, until no label changes
/// inertia = sum_i w_i |x_i - c_{label_i}|^2
/// ```
///
/// A center to which no sample belongs is moved to the sample farthest from its own. A run also ends when the centers' squared
/// movement is at most `tol` times the mean variance of the features. Of several runs the one of least inertia is kept. The
/// same seed draws what scikit-learn draws. Source: scikit-learn's `KMeans`; Lloyd 1982, Elkan 2003.
///
/// ```
/// use barehand_learn::Predict;
/// use barehand_learn::cluster::KMeans;
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [10.0, 2.0], [10.0, 4.0], [10.0, 0.0f64]]);
/// let model = KMeans::new(2).seed(0).fit(&x)?;
/// assert_eq!(model.centers(), &Tensor::from([[10.0, 2.0], [1.0, 2.0]]));
/// assert_eq!(model.inertia(), 16.0);
/// assert_eq!(model.predict(&Tensor::from([[0.0, 0.0], [12.0, 3.0]]))?, Tensor::from([1i64, 0]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    n_clusters: usize,
    init: KMeansInit,
    n_init: Option<usize>,
    max_iter: usize,
    tol: f64,
    seed: u32,
    algorithm: KMeansAlgorithm,
    verbose: bool,
}

impl Default for KMeans {
    fn default() -> Self {
        KMeans::new(8)
    }
}

impl KMeans {
    /// This many clusters, from k-means++.
    pub fn new(n_clusters: usize) -> Self {
        KMeans {
            n_clusters,
            init: KMeansInit::PlusPlus,
            n_init: None,
            max_iter: 300,
            tol: 1e-4,
            seed: 0,
            algorithm: KMeansAlgorithm::Lloyd,
            verbose: false,
        }
    }

    /// Where the centers start (default: k-means++).
    pub fn init(mut self, init: KMeansInit) -> Self {
        self.init = init;
        self
    }

    /// How many runs (default: 10 from random samples, else 1; given centers are one run each).
    pub fn n_init(mut self, n_init: usize) -> Self {
        self.n_init = Some(n_init);
        self
    }

    /// Iterations of a run at most (default: 300).
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// The squared movement of the centers at which a run ends, in units of the features' mean variance (default: 1e-4); with
    /// 0 it ends when no label changes.
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// The seed of the draws (default: 0).
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// How assignments are found (default: Lloyd's).
    pub fn algorithm(mut self, algorithm: KMeansAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Whether the model keeps a line for each iteration, [`FittedKMeans::log`] (default: no).
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// The centers of features `(N, D)`.
    ///
    /// # Errors
    /// `x` is no matrix, is empty, or holds NaN or infinity; there are fewer samples than clusters; `max_iter` or `n_init` is
    /// 0; `tol` is negative; given centers are not `(k, D)`; fewer samples with a weight than clusters are drawn at random.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedKMeans<T>> {
        self.fitted(&x.clone().into(), None)
    }

    fn fitted<T: Float>(
        &self,
        x: &Features<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedKMeans<T>> {
        self.fitted_with(x, sample_weight, &mut RandomState::new(self.seed))
    }

    /// As `fit`, with draws from a stream that goes on elsewhere.
    pub(crate) fn fitted_with<T: Float>(
        &self,
        x: &Features<T>,
        sample_weight: Option<&Tensor<f64>>,
        random: &mut RandomState,
    ) -> Result<FittedKMeans<T>> {
        const OPERATION: &str = "KMeans::fit";
        if self.max_iter == 0 || self.n_init == Some(0) {
            return Err(Error::value(OPERATION, "max_iter and n_init are at least 1"));
        }
        if self.tol.is_nan() || self.tol < 0.0 {
            return Err(Error::value(OPERATION, format!("tol is {}: 0 or more expected", self.tol)));
        }
        let rows = Rows::centered(OPERATION, x)?;
        let (n, d, k) = (rows.n(), rows.d(), self.n_clusters);
        enough_samples(OPERATION, n, k)?;
        let weights = validate::weights(OPERATION, sample_weight, n)?;
        if self.init == KMeansInit::Random && weights.iter().filter(|w| **w > 0.0).count() < k {
            return Err(Error::value(OPERATION, format!("fewer than {k} samples have a weight")));
        }
        let given = match &self.init {
            KMeansInit::Centers(sets) => given_centers(OPERATION, sets, &rows, k)?,
            _ => Vec::new(),
        };
        let runs = match &self.init {
            KMeansInit::PlusPlus => self.n_init.unwrap_or(1),
            KMeansInit::Random => self.n_init.unwrap_or(10),
            KMeansInit::Centers(_) => given.len(),
        };
        let tolerance = if self.tol == 0.0 { 0.0 } else { self.tol * rows.mean_variance() };
        let stop = Stop { max_iter: self.max_iter, tolerance };
        let mut log = Vec::new();
        let mut best: Option<Run<T>> = None;
        let unequal = sample_weight.is_some().then_some(&weights[..]);
        for i in 0..runs {
            let picked = match &self.init {
                KMeansInit::PlusPlus => picks(&rows, &weights, k, None, random),
                KMeansInit::Random => random.choice_distinct(k, &weights),
                KMeansInit::Centers(_) => Vec::new(),
            };
            let centers: Vec<T> = match given.get(i) {
                Some(centers) => centers.clone(),
                None => picked.iter().flat_map(|&i| rows.row(i)).collect(),
            };
            if self.verbose {
                log.push("Initialization complete".to_owned());
            }
            let found = run(self.algorithm, &rows, unequal, centers, stop, self.verbose.then_some(&mut log));
            // The same clusters may come with a slightly smaller inertia, by rounding.
            let better = best.as_ref().is_none_or(|best| {
                found.inertia < best.inertia && !same_clusters(&found.labels, &best.labels, k)
            });
            if better {
                best = Some(found);
            }
        }
        let Some(best) = best else {
            return Err(Error::value(OPERATION, "no centers are given"));
        };
        let shift = rows.shift();
        let centers = best
            .centers
            .chunks_exact(d)
            .flat_map(|center| center.iter().zip(shift).map(|(c, shift)| T::from_f64(c.to_f64() + shift)));
        Ok(FittedKMeans {
            centers: Tensor::from_vec(centers.collect(), [k, d])?,
            labels: best.labels.iter().map(|&label| label as i32).collect::<Vec<_>>().into(),
            inertia: best.inertia,
            n_iter: best.n_iter,
            log,
        })
    }
}

/// Given centers, relative to the shift of the samples.
fn given_centers<T: Float>(
    operation: &str,
    sets: &[Tensor<f64>],
    rows: &Rows<T>,
    k: usize,
) -> Result<Vec<Vec<T>>> {
    let d = rows.d();
    sets.iter()
        .map(|centers| {
            if centers.shape() != [k, d] {
                let found = centers.shape();
                return Err(Error::shape(
                    operation,
                    format!("expected initial centers of shape [{k}, {d}], found {found:?}"),
                ));
            }
            validate::finite(operation, centers)?;
            let shift = rows.shift().iter().cycle();
            Ok(centers.to_vec().iter().zip(shift).map(|(c, shift)| T::from_f64(c - shift)).collect())
        })
        .collect()
}

/// Whether two labellings are one but for the names of the clusters.
fn same_clusters(a: &[u32], b: &[u32], k: usize) -> bool {
    let mut names = vec![None; k];
    a.iter().zip(b).all(|(&a, &b)| *names[a as usize].get_or_insert(b) == b)
}

impl<T: Float> Fit<Tensor<T>> for KMeans {
    type Fitted = FittedKMeans<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), None)
    }
}

impl<T: Float> FitWeighted<Tensor<T>> for KMeans {
    fn fit_weighted(&self, x: &Tensor<T>, (): &(), sample_weight: &Tensor<f64>) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), Some(sample_weight))
    }
}

impl<T: Float> Fit<CsrMatrix<T>> for KMeans {
    type Fitted = FittedKMeans<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), None)
    }
}

impl<T: Float> FitWeighted<CsrMatrix<T>> for KMeans {
    fn fit_weighted(&self, x: &CsrMatrix<T>, (): &(), sample_weight: &Tensor<f64>) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), Some(sample_weight))
    }
}

impl<T: Float> Estimator<T> for KMeans {
    fn name(&self) -> &'static str {
        "KMeans"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        Ok(Box::new(self.fitted(x, sample_weight)?))
    }
}

/// What [`KMeans`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedKMeans<T: Float> {
    centers: Tensor<T>,
    labels: Tensor<i32>,
    inertia: f64,
    n_iter: usize,
    log: Vec<String>,
}

impl<T: Float> FittedKMeans<T> {
    /// The centers, `(k, D)`.
    pub fn centers(&self) -> &Tensor<T> {
        &self.centers
    }

    /// The cluster of each sample that it was fitted on, `(N)`.
    pub fn labels(&self) -> &Tensor<i32> {
        &self.labels
    }

    /// The weighted sum of squared distances to the centers.
    pub fn inertia(&self) -> f64 {
        self.inertia
    }

    /// Iterations of the best run.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// A line for each iteration, where [`KMeans::verbose`] asked for them.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Minus the inertia of other samples: more is better.
    ///
    /// # Errors
    /// As [`Predict::predict`]; weights as [`validate::weights`].
    pub fn score(&self, x: &Features<T>, sample_weight: Option<&Tensor<f64>>) -> Result<f64> {
        score(Self::NAME, &self.centers, x, sample_weight)
    }
}

/// Samples and centers, relative to the centers' mean.
fn around_centers<'a, T: Float>(
    operation: &str,
    centers: &Tensor<T>,
    x: &'a Features<T>,
) -> Result<(Rows<'a, T>, Vec<T>)> {
    let [k, d] = [centers.shape()[0], centers.shape()[1]];
    if x.shape()[1] != d {
        let message = format!("x has {} features, the model was fitted on {d}", x.shape()[1]);
        return Err(Error::shape(operation, message));
    }
    let centers = centers.to_vec();
    let mut mean = vec![0.0; d];
    for center in centers.chunks_exact(d) {
        mean.iter_mut().zip(center).for_each(|(mean, c)| *mean += c.to_f64() / k as f64);
    }
    let rows = Rows::shifted(operation, x, mean)?;
    let shift = rows.shift().iter().cycle();
    let centers = centers.iter().zip(shift).map(|(c, shift)| T::from_f64(c.to_f64() - shift)).collect();
    Ok((rows, centers))
}

pub(super) fn nearest<T: Float>(name: &str, centers: &Tensor<T>, x: &Features<T>) -> Result<Vec<u32>> {
    let (rows, around) = around_centers(&format!("{name}::predict"), centers, x)?;
    let mut labels = vec![0; rows.n()];
    rows.nearest(&around, centers.shape()[0], &mut labels);
    Ok(labels)
}

pub(super) fn predict<T: Float>(name: &str, centers: &Tensor<T>, x: &Features<T>) -> Result<Tensor<i64>> {
    Ok(nearest(name, centers, x)?.into_iter().map(i64::from).collect::<Vec<_>>().into())
}

/// The distance of every sample to every center, `(N, k)`.
pub(super) fn transform<T: Float>(name: &str, centers: &Tensor<T>, x: &Features<T>) -> Result<Tensor<T>> {
    let (rows, around) = around_centers(&format!("{name}::transform"), centers, x)?;
    let (n, k) = (rows.n(), centers.shape()[0]);
    let squares = rows.squared_distances(&around, k, None);
    let distances = (0..n * k).map(|i| squares[i % k * n + i / k].sqrt()).collect();
    Tensor::from_vec(distances, [n, k])
}

pub(super) fn score<T: Float>(
    name: &str,
    centers: &Tensor<T>,
    x: &Features<T>,
    sample_weight: Option<&Tensor<f64>>,
) -> Result<f64> {
    let operation = format!("{name}::score");
    let (rows, around) = around_centers(&operation, centers, x)?;
    let weights = validate::weights(&operation, sample_weight, rows.n())?;
    let mut labels = vec![0; rows.n()];
    rows.nearest(&around, centers.shape()[0], &mut labels);
    Ok(-rows.inertia(&around, Some(&weights), &labels))
}

/// Centers `(k, D)` of a record, both at least 1.
pub(super) fn centers_of<T: Float>(record: &Record) -> Result<Tensor<T>> {
    let centers = record.tensor::<T>("centers")?;
    match *centers.shape() {
        [k, d] if (1..1 << 24).contains(&k) && d > 0 => Ok(centers),
        ref shape => Err(record.error(format!("field \"centers\" has shape {shape:?}, expected (k, D)"))),
    }
}

/// Labels of a record, each below `k`.
pub(super) fn labels_of(record: &Record, k: usize) -> Result<Tensor<i32>> {
    let labels = record.tensor::<i32>("labels")?;
    match labels.to_vec().iter().find(|label| !(0..k as i64).contains(&i64::from(**label))) {
        None => Ok(labels),
        Some(label) => Err(record.error(format!("field \"labels\" holds {label} of {k} clusters"))),
    }
}

macro_rules! nearest_center {
    ($model:ident, $name:literal) => {
        impl<T: Float> Predict<Tensor<T>> for $model<T> {
            type Output = Tensor<i64>;

            fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
                $crate::cluster::k_means::predict($name, &self.centers, &x.clone().into())
            }
        }

        impl<T: Float> Predict<CsrMatrix<T>> for $model<T> {
            type Output = Tensor<i64>;

            fn predict(&self, x: &CsrMatrix<T>) -> Result<Tensor<i64>> {
                $crate::cluster::k_means::predict($name, &self.centers, &x.clone().into())
            }
        }

        /// The distance of every sample to every center, `(N, k)`.
        impl<T: Float> Transform<Tensor<T>> for $model<T> {
            type Output = Tensor<T>;

            fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
                $crate::cluster::k_means::transform($name, &self.centers, &x.clone().into())
            }
        }

        impl<T: Float> Model<T> for $model<T> {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn features(&self) -> usize {
                self.centers.shape()[1]
            }

            fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
                $crate::cluster::k_means::predict($name, &self.centers, x).map(Prediction::Classes)
            }

            fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
                Ok($crate::cluster::k_means::transform($name, &self.centers, x)?.into())
            }

            fn record(&self) -> Record {
                self.to_record()
            }

            fn as_any(&self) -> &dyn Any {
                self
            }
        }
    };
}
pub(super) use nearest_center;

nearest_center!(FittedKMeans, "KMeans");

impl<T: Float> Persist for FittedKMeans<T> {
    const NAME: &'static str = "KMeans";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("centers", field(&self.centers))
            .with("labels", self.labels.clone())
            .with("inertia", self.inertia)
            .with("n_iter", self.n_iter)
            .with("log", log_field(&self.log))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let centers = centers_of::<T>(record)?;
        Ok(FittedKMeans {
            labels: labels_of(record, centers.shape()[0])?,
            centers,
            inertia: record.float("inertia")?,
            n_iter: record.count("n_iter")?,
            log: log_of(record)?,
        })
    }
}

/// Lines as a list of texts.
pub(super) fn log_field(log: &[String]) -> Field {
    Field::List(log.iter().map(|line| Field::Text(line.clone())).collect())
}

pub(super) fn log_of(record: &Record) -> Result<Vec<String>> {
    let Field::List(lines) = record.field("log")? else {
        return Err(record.error("field \"log\" is not a list"));
    };
    lines
        .iter()
        .map(|line| match line {
            Field::Text(line) => Ok(line.clone()),
            _ => Err(record.error("field \"log\" holds something other than text")),
        })
        .collect()
}
