//! k-means by small batches.

use barehand_kernels::random::RandomState;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::k_means::KMeansInit;
use super::k_means_plus_plus::{enough_samples, picks};
use super::rows::Rows;
use crate::dynamic::{Estimator, Features, Model, Target};
use crate::estimator::{Fit, FitWeighted};
use crate::validate;

mod batch;
mod fitted;

use batch::State;
pub use fitted::FittedMiniBatchKMeans;

/// [`KMeans`](super::KMeans) by small random batches: each moves the centers a little, the less the more samples a center has
/// seen.
///
/// ```text
/// c_j = (n_j c_j + sum_{label_i = j} w_i x_i) / (n_j + sum_{label_i = j} w_i)        for the samples of a batch
/// ```
///
/// Centers with hardly any samples are moved to random ones now and then. [`partial_fit`](Self::partial_fit) takes the batches
/// as they come. The same seed draws what scikit-learn draws. Source: scikit-learn's `MiniBatchKMeans`; Sculley 2010.
///
/// ```
/// use barehand_learn::cluster::MiniBatchKMeans;
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0, 0.1], [0.1, 0.0], [9.0, 9.1], [9.1, 9.0f64]]);
/// let model = MiniBatchKMeans::new(2).batch_size(4).seed(0).fit(&x)?;
/// let labels = model.labels().unwrap().to_vec();
/// assert!(labels[0] == labels[1] && labels[2] == labels[3] && labels[0] != labels[2]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MiniBatchKMeans {
    n_clusters: usize,
    init: KMeansInit,
    n_init: Option<usize>,
    init_size: Option<usize>,
    max_iter: usize,
    batch_size: usize,
    compute_labels: bool,
    tol: f64,
    max_no_improvement: Option<usize>,
    reassignment_ratio: f64,
    seed: u32,
    verbose: bool,
}

impl Default for MiniBatchKMeans {
    fn default() -> Self {
        MiniBatchKMeans::new(8)
    }
}

impl MiniBatchKMeans {
    /// This many clusters, from k-means++.
    pub fn new(n_clusters: usize) -> Self {
        MiniBatchKMeans {
            n_clusters,
            init: KMeansInit::PlusPlus,
            n_init: None,
            init_size: None,
            max_iter: 100,
            batch_size: 1024,
            compute_labels: true,
            tol: 0.0,
            max_no_improvement: Some(10),
            reassignment_ratio: 0.01,
            seed: 0,
            verbose: false,
        }
    }

    /// Where the centers start (default: k-means++).
    pub fn init(mut self, init: KMeansInit) -> Self {
        self.init = init;
        self
    }

    /// How many starts are compared (default: 3 from random samples, else 1; of given centers all).
    pub fn n_init(mut self, n_init: usize) -> Self {
        self.n_init = Some(n_init);
        self
    }

    /// Samples of which the start is picked (default: three batches, at least three for each cluster).
    pub fn init_size(mut self, init_size: usize) -> Self {
        self.init_size = Some(init_size);
        self
    }

    /// Passes over the samples at most (default: 100).
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Samples of a batch (default: 1024).
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Whether the model knows the labels of the samples that it was fitted on (default: yes).
    pub fn compute_labels(mut self, compute_labels: bool) -> Self {
        self.compute_labels = compute_labels;
        self
    }

    /// The squared movement of the centers at which the fit ends, in units of the features' mean variance (default: 0: not by
    /// this).
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Batches without a better smoothed inertia after which the fit ends (default: 10; none: not by this).
    pub fn max_no_improvement(mut self, batches: Option<usize>) -> Self {
        self.max_no_improvement = batches;
        self
    }

    /// Centers with less than this share of the largest count are moved to random samples (default: 0.01).
    pub fn reassignment_ratio(mut self, ratio: f64) -> Self {
        self.reassignment_ratio = ratio;
        self
    }

    /// The seed of the draws (default: 0).
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// Whether the model keeps a line for each batch, [`FittedMiniBatchKMeans::log`] (default: no).
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// The centers of features `(N, D)`.
    ///
    /// # Errors
    /// As [`KMeans::fit`](super::KMeans::fit); also where `batch_size` is 0 or `reassignment_ratio` negative.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedMiniBatchKMeans<T>> {
        self.fitted(&x.clone().into(), None)
    }

    fn check(&self, operation: &str, n: usize) -> Result<()> {
        let counts = [self.max_iter, self.batch_size, self.n_init.unwrap_or(1), self.init_size.unwrap_or(1)];
        if counts.contains(&0) {
            let message = "max_iter, batch_size, n_init and init_size are at least 1";
            return Err(Error::value(operation, message));
        }
        for (name, value) in [("tol", self.tol), ("reassignment_ratio", self.reassignment_ratio)] {
            if value.is_nan() || value < 0.0 {
                return Err(Error::value(operation, format!("{name} is {value}: 0 or more expected")));
            }
        }
        enough_samples(operation, n, self.n_clusters)
    }

    /// Samples of which the start is picked, of `n`.
    fn start_size(&self, n: usize) -> usize {
        let k = self.n_clusters;
        let size = match self.init_size {
            None => 3 * self.batch_size.min(n),
            Some(size) => size,
        };
        if size < k { (3 * k).min(n) } else { size.min(n) }
    }

    /// Centers to begin with, `i`-th start.
    fn start<T: Float>(
        &self,
        operation: &str,
        i: usize,
        x: &Features<T>,
        weights: &[f64],
        random: &mut RandomState,
    ) -> Result<Vec<T>> {
        let [n, d] = x.shape();
        let k = self.n_clusters;
        let size = self.start_size(n);
        let subset: Vec<usize> = if size < n {
            (0..size).map(|_| random.randint(0, n as i64) as usize).collect()
        } else {
            (0..n).collect()
        };
        if let KMeansInit::Centers(sets) = &self.init {
            let Some(centers) = sets.get(i) else {
                return Err(Error::value(operation, "no centers are given"));
            };
            if centers.shape() != [k, d] {
                let found = centers.shape();
                let message = format!("expected initial centers of shape [{k}, {d}], found {found:?}");
                return Err(Error::shape(operation, message));
            }
            validate::finite(operation, centers)?;
            return Ok(centers.cast().to_vec());
        }
        let weights: Vec<f64> = subset.iter().map(|&i| weights[i]).collect();
        let weighted = weights.iter().filter(|weight| **weight > 0.0).count();
        if weighted < if self.init == KMeansInit::Random { k } else { 1 } {
            let message = "too few of the samples to start from have a weight";
            return Err(Error::value(operation, message));
        }
        let x = x.select_rows(&subset)?;
        let rows = Rows::shifted(operation, &x, vec![0.0; d])?;
        let picked = match self.init {
            KMeansInit::Random => random.choice_distinct(k, &weights),
            _ => picks(&rows, &weights, k, None, random),
        };
        Ok(picked.iter().flat_map(|&i| rows.row(i)).collect())
    }

    fn fitted<T: Float>(
        &self,
        x: &Features<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedMiniBatchKMeans<T>> {
        const OPERATION: &str = "MiniBatchKMeans::fit";
        let [n, d] = x.shape();
        let rows = Rows::shifted(OPERATION, x, vec![0.0; d])?;
        self.check(OPERATION, n)?;
        let k = self.n_clusters;
        let weights = validate::weights(OPERATION, sample_weight, n)?;
        let total: f64 = weights.iter().sum();
        let tolerance = if self.tol == 0.0 { 0.0 } else { self.tol * rows.mean_variance() };
        let batch = self.batch_size.min(n);
        let random = &mut RandomState::new(self.seed);
        let mut log = Vec::new();
        let mut say = |line: String| {
            if self.verbose {
                log.push(line);
            }
        };

        let drawn: Vec<usize> =
            (0..self.start_size(n)).map(|_| random.randint(0, n as i64) as usize).collect();
        let valid = x.select_rows(&drawn)?;
        let valid = Rows::shifted(OPERATION, &valid, vec![0.0; d])?;
        let valid_weights: Vec<f64> = drawn.iter().map(|&i| weights[i]).collect();
        let starts = match &self.init {
            KMeansInit::PlusPlus => self.n_init.unwrap_or(1),
            KMeansInit::Random => self.n_init.unwrap_or(3),
            KMeansInit::Centers(sets) => sets.len(),
        };
        let mut best: Option<(f64, Vec<T>)> = None;
        for i in 0..starts {
            say(format!("Init {}/{starts}", i + 1));
            let centers = self.start(OPERATION, i, x, &weights, random)?;
            let mut labels = vec![0; valid.n()];
            valid.nearest(&centers, k, &mut labels);
            let inertia = valid.inertia(&centers, Some(&valid_weights), &labels);
            say(format!("Inertia for init {}/{starts}: {inertia}", i + 1));
            if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
                best = Some((inertia, centers));
            }
        }
        let Some((_, mut centers)) = best else {
            return Err(Error::value(OPERATION, "no centers are given"));
        };

        let mut state = State { counts: vec![0.0; k], since_reassignment: 0 };
        let steps = self.max_iter.saturating_mul(n) / batch;
        let mut cumulative: Vec<f64> = Vec::with_capacity(n);
        let mut sum = 0.0;
        for weight in &weights {
            sum += weight / total;
            cumulative.push(sum);
        }
        for value in &mut cumulative {
            *value /= sum;
        }
        let mut smoothed: Option<f64> = None;
        let (mut least, mut without) = (None, 0);
        let mut last = 0.0;
        let mut step = 0;
        while step < steps {
            let drawn: Vec<usize> = (0..batch)
                .map(|_| {
                    let draw = random.random_sample();
                    cumulative.partition_point(|&sum| sum <= draw).min(n - 1)
                })
                .collect();
            let samples = x.select_rows(&drawn)?;
            let samples = Rows::shifted(OPERATION, &samples, vec![0.0; d])?;
            let before = centers.clone();
            let reassign = state.reassigns(batch, k).then_some(self.reassignment_ratio);
            let inertia = state.step(&samples, None, &mut centers, reassign, random, &mut say) / batch as f64;
            last = inertia;
            step += 1;
            // The first inertia is that of the start.
            if step == 1 {
                say(format!("Minibatch step 1/{steps}: mean batch inertia: {inertia}"));
                continue;
            }
            let alpha = (batch as f64 * 2.0 / (n as f64 + 1.0)).min(1.0);
            let average = smoothed.map_or(inertia, |old| old * (1.0 - alpha) + inertia * alpha);
            smoothed = Some(average);
            say(format!(
                "Minibatch step {step}/{steps}: mean batch inertia: {inertia}, ewa inertia: {average}"
            ));
            let moved: f64 =
                before.iter().zip(&centers).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum();
            if tolerance > 0.0 && moved <= tolerance {
                say(format!("Converged (small centers change) at step {step}/{steps}"));
                break;
            }
            if least.is_none_or(|least| average < least) {
                (least, without) = (Some(average), 0);
            } else {
                without += 1;
            }
            if self.max_no_improvement.is_some_and(|most| without >= most) {
                say(format!("Converged (lack of improvement in inertia) at step {step}/{steps}"));
                break;
            }
        }
        let mut model = FittedMiniBatchKMeans {
            centers: Tensor::from_vec(centers.clone(), [k, d])?,
            counts: state.counts,
            labels: None,
            inertia: smoothed.unwrap_or(last) * total,
            n_iter: (step * batch).div_ceil(n),
            n_steps: step,
            since_reassignment: state.since_reassignment,
            random: random.state(),
            log,
        };
        if self.compute_labels {
            model.label(&rows, &centers, &weights);
        }
        Ok(model)
    }

    /// The model after one more batch; the first one, where there is none before, starts it.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); also where the batch has another number of features than the model.
    pub fn partial_fit<T: Float>(
        &self,
        before: Option<&FittedMiniBatchKMeans<T>>,
        x: &Features<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedMiniBatchKMeans<T>> {
        const OPERATION: &str = "MiniBatchKMeans::partial_fit";
        let [n, d] = x.shape();
        let rows = Rows::shifted(OPERATION, x, vec![0.0; d])?;
        let weights = validate::weights(OPERATION, sample_weight, n)?;
        let mut log = Vec::new();
        let (mut random, mut centers, mut state, steps);
        match before {
            None => {
                self.check(OPERATION, n)?;
                random = RandomState::new(self.seed);
                centers = self.start(OPERATION, 0, x, &weights, &mut random)?;
                state = State { counts: vec![0.0; self.n_clusters], since_reassignment: 0 };
                steps = 0;
            }
            Some(before) => {
                if before.centers.shape()[1] != d {
                    let expected = before.centers.shape()[1];
                    let message = format!("x has {d} features, the model was fitted on {expected}");
                    return Err(Error::shape(OPERATION, message));
                }
                random = RandomState::from_state(&before.random)
                    .ok_or_else(|| Error::value(OPERATION, "the model's random state is not one"))?;
                centers = before.centers.to_vec();
                state =
                    State { counts: before.counts.clone(), since_reassignment: before.since_reassignment };
                steps = before.n_steps;
            }
        }
        let k = state.counts.len();
        let reassign = state.reassigns(self.batch_size.min(n), k).then_some(self.reassignment_ratio);
        let mut say = |line: String| {
            if self.verbose {
                log.push(line);
            }
        };
        state.step(&rows, Some(&weights), &mut centers, reassign, &mut random, &mut say);
        let mut model = FittedMiniBatchKMeans {
            centers: Tensor::from_vec(centers.clone(), [k, d])?,
            counts: state.counts,
            labels: None,
            inertia: f64::NAN,
            n_iter: 0,
            n_steps: steps + 1,
            since_reassignment: state.since_reassignment,
            random: random.state(),
            log,
        };
        if self.compute_labels {
            model.label(&rows, &centers, &weights);
        }
        Ok(model)
    }
}

impl<T: Float> Fit<Tensor<T>> for MiniBatchKMeans {
    type Fitted = FittedMiniBatchKMeans<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), None)
    }
}

impl<T: Float> FitWeighted<Tensor<T>> for MiniBatchKMeans {
    fn fit_weighted(&self, x: &Tensor<T>, (): &(), sample_weight: &Tensor<f64>) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), Some(sample_weight))
    }
}

impl<T: Float> Fit<CsrMatrix<T>> for MiniBatchKMeans {
    type Fitted = FittedMiniBatchKMeans<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), None)
    }
}

impl<T: Float> Estimator<T> for MiniBatchKMeans {
    fn name(&self) -> &'static str {
        "MiniBatchKMeans"
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
