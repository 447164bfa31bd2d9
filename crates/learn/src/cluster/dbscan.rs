//! Clusters of density: DBSCAN.

use std::any::Any;

use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor, threads};

use crate::dynamic::{Estimator, Features, Model, Target};
use crate::estimator::{Fit, FitWeighted};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::neighbors::{Algorithm, Metric, NearestNeighbors};
use crate::record::Record;
use crate::validate;

/// Clusters are what is densely connected; what lies alone is noise.
///
/// ```text
/// core_i = (sum of the weights of the samples within eps of i, itself included) >= min_samples
/// ```
///
/// Core samples within `eps` of each other share a cluster; other samples within `eps` of a core sample join the first cluster
/// that reaches them; the rest have label -1. Source: scikit-learn's `DBSCAN`; Ester et al. 1996.
///
/// ```
/// use barehand_learn::cluster::Dbscan;
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 2.0], [2.0, 2.0], [2.0, 3.0], [8.0, 7.0], [8.0, 8.0], [25.0, 80.0f64]]);
/// let model = Dbscan::new().eps(3.0).min_samples(2).fit(&x)?;
/// assert_eq!(model.labels(), &Tensor::from([0i64, 0, 0, 1, 1, -1]));
/// assert_eq!(model.core_samples(), [0, 1, 2, 3, 4]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dbscan {
    eps: f64,
    min_samples: usize,
    search: NearestNeighbors,
    precomputed: bool,
    n_jobs: Option<usize>,
}

impl Default for Dbscan {
    fn default() -> Self {
        Dbscan { eps: 0.5, min_samples: 5, search: NearestNeighbors::new(), precomputed: false, n_jobs: None }
    }
}

impl Dbscan {
    /// Five samples within 0.5.
    pub fn new() -> Self {
        Self::default()
    }

    /// How near neighbours are, at most (default: 0.5).
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Weight within `eps` that makes a core sample (default: 5).
    pub fn min_samples(mut self, min_samples: usize) -> Self {
        self.min_samples = min_samples;
        self
    }

    /// How distances are measured (default: Euclidean).
    pub fn metric(mut self, metric: Metric) -> Self {
        self.search = self.search.metric(metric);
        self
    }

    /// Whether features are the distances themselves, `(N, N)`; of sparse ones those that are not stored are infinite (default:
    /// no). Metric and algorithm play no part then.
    pub fn precomputed(mut self, precomputed: bool) -> Self {
        self.precomputed = precomputed;
        self
    }

    /// How neighbours are found; what is found is the same (default: whichever way is faster).
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.search = self.search.algorithm(algorithm);
        self
    }

    /// Samples of a leaf of a tree, at most (default: 30).
    pub fn leaf_size(mut self, leaf_size: usize) -> Self {
        self.search = self.search.leaf_size(leaf_size);
        self
    }

    /// How many threads (default: as everywhere).
    pub fn n_jobs(mut self, threads: usize) -> Self {
        self.n_jobs = Some(threads);
        self
    }

    /// The clusters of features `(N, D)`.
    ///
    /// # Errors
    /// As [`NearestNeighbors::fit`]; also where `eps` is not positive, `min_samples` is 0, or precomputed distances are not square
    /// or negative.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedDbscan<T>> {
        self.fitted(&x.clone().into(), None)
    }

    fn fitted<T: Float>(
        &self,
        x: &Features<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedDbscan<T>> {
        let work = || self.clusters(x, sample_weight);
        match self.n_jobs {
            None => work(),
            Some(count) => threads::with_num_threads(count, work),
        }
    }

    fn clusters<T: Float>(
        &self,
        x: &Features<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedDbscan<T>> {
        const OPERATION: &str = "DBSCAN::fit";
        if self.eps.is_nan() || self.eps <= 0.0 {
            return Err(Error::value(OPERATION, format!("eps is {}: more than 0 expected", self.eps)));
        }
        if self.min_samples == 0 {
            return Err(Error::value(OPERATION, "min_samples is 0: at least 1 expected"));
        }
        let neighborhoods = self.neighborhoods(OPERATION, x)?;
        let n = neighborhoods.len();
        let core: Vec<bool> = match sample_weight {
            None => neighborhoods.iter().map(|near| near.len() >= self.min_samples).collect(),
            Some(weights) => {
                // A negative weight keeps its neighbours from being core samples.
                if weights.shape() != [n] {
                    let found = weights.shape();
                    let message = format!("expected a weight for each of {n} samples, found shape {found:?}");
                    return Err(Error::shape(OPERATION, message));
                }
                validate::finite(OPERATION, weights)?;
                let weights = weights.to_vec();
                let total = |near: &Vec<u32>| near.iter().map(|&j| weights[j as usize]).sum::<f64>();
                neighborhoods.iter().map(|near| total(near) >= self.min_samples as f64).collect()
            }
        };
        let labels = connect(&neighborhoods, &core);
        let core_samples: Vec<usize> = (0..n).filter(|&i| core[i]).collect();
        let components = match x {
            Features::Dense(x) if !self.precomputed => {
                let rows: Vec<i64> = core_samples.iter().map(|&i| i as i64).collect();
                Some(x.index_select(0, &rows.into())?)
            }
            _ => None,
        };
        Ok(FittedDbscan { features: x.shape()[1], labels: labels.into(), core_samples, components })
    }

    /// The samples within `eps` of each sample, itself included, in ascending order.
    fn neighborhoods<T: Float>(&self, operation: &str, x: &Features<T>) -> Result<Vec<Vec<u32>>> {
        if self.precomputed {
            return self.of_distances(operation, x);
        }
        self.search.fit_features(x)?.within(operation, x, self.eps)
    }

    fn of_distances<T: Float>(&self, operation: &str, x: &Features<T>) -> Result<Vec<Vec<u32>>> {
        let [n, d] = x.shape();
        if n != d || n == 0 {
            let message = format!("precomputed distances are a square matrix, found {n} x {d}");
            return Err(Error::shape(operation, message));
        }
        if u32::try_from(n).is_err() {
            return Err(Error::value(operation, format!("{n} samples are more than 32 bits count")));
        }
        let negative = || Error::value(operation, "a precomputed distance is negative");
        let near = |distance: &T| distance.to_f64() <= self.eps;
        Ok(match x {
            Features::Dense(x) => {
                validate::finite(operation, x)?;
                let values = x.to_vec();
                if values.iter().any(|value| *value < T::ZERO) {
                    return Err(negative());
                }
                let row = |row: &[T]| (0..n as u32).filter(|&j| near(&row[j as usize])).collect();
                values.chunks_exact(n).map(row).collect()
            }
            Features::Sparse(x) => {
                if x.values().iter().any(|value| value.to_f64().is_nan() || *value < T::ZERO) {
                    return Err(negative());
                }
                let row = |i: usize| {
                    let (columns, values) = x.row(i);
                    let mut found: Vec<u32> = columns
                        .iter()
                        .zip(values)
                        .filter(|(_, value)| near(value))
                        .map(|(&column, _)| column)
                        .collect();
                    // A sample is its own neighbour, whether or not its distance of 0 is stored.
                    if let Err(place) = columns.binary_search(&(i as u32)) {
                        let before = columns[..place].iter().zip(values).filter(|(_, v)| near(v)).count();
                        found.insert(before, i as u32);
                    }
                    found
                };
                (0..n).map(row).collect()
            }
        })
    }
}

/// Cluster after cluster: everything that core samples reach.
fn connect(neighborhoods: &[Vec<u32>], core: &[bool]) -> Vec<i64> {
    let mut labels = vec![-1; core.len()];
    let mut cluster = 0;
    let mut open = Vec::new();
    for start in 0..core.len() {
        if labels[start] != -1 || !core[start] {
            continue;
        }
        open.push(start as u32);
        while let Some(i) = open.pop() {
            let i = i as usize;
            if labels[i] != -1 {
                continue;
            }
            labels[i] = cluster;
            if core[i] {
                open.extend(neighborhoods[i].iter().filter(|&&j| labels[j as usize] == -1));
            }
        }
        cluster += 1;
    }
    labels
}

impl<T: Float> Fit<Tensor<T>> for Dbscan {
    type Fitted = FittedDbscan<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), None)
    }
}

impl<T: Float> FitWeighted<Tensor<T>> for Dbscan {
    fn fit_weighted(&self, x: &Tensor<T>, (): &(), sample_weight: &Tensor<f64>) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), Some(sample_weight))
    }
}

impl<T: Float> Fit<CsrMatrix<T>> for Dbscan {
    type Fitted = FittedDbscan<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), None)
    }
}

impl<T: Float> Estimator<T> for Dbscan {
    fn name(&self) -> &'static str {
        "DBSCAN"
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

/// What [`Dbscan`] found. It does not predict: a cluster is what its samples connect.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedDbscan<T: Float> {
    features: usize,
    labels: Tensor<i64>,
    core_samples: Vec<usize>,
    components: Option<Tensor<T>>,
}

impl<T: Float> FittedDbscan<T> {
    /// The cluster of each sample, `(N)`; -1 for noise.
    pub fn labels(&self) -> &Tensor<i64> {
        &self.labels
    }

    /// The core samples, in ascending order.
    pub fn core_samples(&self) -> &[usize] {
        &self.core_samples
    }

    /// The features of the core samples, `(core, D)`, where it was fitted on dense features.
    pub fn components(&self) -> Option<&Tensor<T>> {
        self.components.as_ref()
    }
}

impl<T: Float> Persist for FittedDbscan<T> {
    const NAME: &'static str = "DBSCAN";

    fn to_record(&self) -> Record {
        let core: Vec<i64> = self.core_samples.iter().map(|&i| i as i64).collect();
        record_of::<T>(Self::NAME)
            .with("features", self.features)
            .with("labels", self.labels.clone())
            .with("core_samples", Tensor::from(core))
            .with("components", self.components.as_ref().map(field))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let (features, labels) = (record.count("features")?, record.tensor::<i64>("labels")?);
        let core = record.tensor::<i64>("core_samples")?.to_vec();
        let within = |i: &i64| (0..labels.len() as i64).contains(i);
        if labels.rank() != 1 || !core.iter().all(within) {
            return Err(record.error("field \"core_samples\" names a sample that has no label"));
        }
        Ok(FittedDbscan {
            features,
            labels,
            components: if record.is_set("components") {
                Some(record.tensor_of("components", &[core.len(), features])?)
            } else {
                None
            },
            core_samples: core.into_iter().map(|i| i as usize).collect(),
        })
    }
}

impl<T: Float> Model<T> for FittedDbscan<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.features
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
