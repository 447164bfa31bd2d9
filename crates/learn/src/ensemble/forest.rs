//! Many trees, each of its own seed.

use std::sync::OnceLock;

use barehand_kernels::random::RandomState;
use barehand_kernels::threads;
use barehand_tensor::{Error, Result, Tensor};

use super::bootstrap::bootstrap;
use crate::record::Record;
use crate::tree::{Columns, Count, CriterionKind, Extent, Plan, Sample, Tree, grow};

/// Rows that one task predicts, tree after tree.
const BLOCK: usize = 64;

/// The parameters that every forest has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ForestParameters {
    pub n_estimators: usize,
    pub bootstrap: bool,
    pub max_samples: Option<Count>,
    pub n_jobs: Option<usize>,
}

impl ForestParameters {
    /// A hundred trees, on bootstrap samples or not.
    pub fn new(bootstrap: bool) -> Self {
        ForestParameters { n_estimators: 100, bootstrap, max_samples: None, n_jobs: None }
    }
}

/// The setters of a forest, beside those of its trees.
macro_rules! forest_setters {
    () => {
        /// How many trees (default: 100).
        pub fn n_estimators(mut self, n_estimators: usize) -> Self {
            self.forest.n_estimators = n_estimators;
            self
        }

        /// Whether each tree grows on samples drawn with replacement (default: random forests do, extra trees do not).
        pub fn bootstrap(mut self, bootstrap: bool) -> Self {
            self.forest.bootstrap = bootstrap;
            self
        }

        /// How many samples are drawn for a tree (default: as many as there are).
        pub fn max_samples(mut self, count: crate::tree::Count) -> Self {
            self.forest.max_samples = Some(count);
            self
        }

        /// Threads that grow trees (default: as many as the library uses). The model does not depend on it.
        pub fn n_jobs(mut self, n_jobs: usize) -> Self {
            self.forest.n_jobs = Some(n_jobs);
            self
        }
    };
}
pub(super) use forest_setters;

/// What a fitted forest of either kind, with a `name` and a `forest`, says of itself.
macro_rules! forest_model {
    ($fitted:ident) => {
        impl<T: Float> $fitted<T> {
            /// Its trees.
            pub fn forest(&self) -> &Forest {
                &self.forest
            }

            /// The decrease of impurity that each feature brought, in shares of their sum, `(D)`.
            pub fn feature_importances(&self) -> Tensor<f64> {
                self.forest.feature_importances().into()
            }

            /// What the trees that did not see a sample say of it, for the features and weights that the forest was fitted
            /// on.
            ///
            /// # Errors
            /// `x` is no matrix of as many features.
            pub fn out_of_bag(&self, x: &Tensor<T>, sample_weight: Option<&Tensor<f64>>) -> Result<OutOfBag> {
                let n = validate::matrix_of(self.name, x, self.forest.extent().features)?;
                let weights = sample_weight.map(|weights| validate::weights(self.name, Some(weights), n));
                Ok(self.forest.out_of_bag(&rows_of(x), weights.transpose()?.as_deref()))
            }

            /// The forest with the trees of another, grown on the same classes (scikit-learn's `warm_start`).
            ///
            /// # Errors
            /// Other features, outputs or classes.
            pub fn joined(self, other: Self) -> Result<Self> {
                Ok($fitted { forest: self.forest.joined(other.forest)?, ..self })
            }
        }
    };
}
pub(super) use forest_model;

/// Multiplies counts in place.
pub(super) type Reweight<'a> = dyn Fn(&mut [f64]) + Sync + 'a;

/// What a forest grows on.
pub(super) struct Growth<'a> {
    pub operation: &'static str,
    pub columns: &'a Columns,
    pub targets: &'a [f64],
    /// Weights of samples; with a bootstrap, how probable their drawing is.
    pub weights: Option<&'a [f64]>,
    pub kind: CriterionKind,
    pub extent: Extent,
    pub plan: Plan,
    /// Multiplies the counts of a bootstrap, `(counts)`.
    pub reweight: Option<&'a Reweight<'a>>,
}

impl ForestParameters {
    /// How many samples are drawn for a tree.
    fn draws(&self, growth: &Growth) -> Result<Option<usize>> {
        let (n, operation) = (growth.columns.rows(), growth.operation);
        let draws = match (self.bootstrap, self.max_samples) {
            (false, None) => return Ok(None),
            (false, Some(_)) => {
                return Err(Error::value(operation, "max_samples is of use with bootstrap only"));
            }
            (true, None) => n,
            (true, Some(Count::Number(number))) => number,
            (true, Some(Count::Share(share))) => {
                if !(share > 0.0 && share.is_finite()) {
                    let message = format!("max_samples is {share}: a positive share expected");
                    return Err(Error::value(operation, message));
                }
                let total = growth.weights.map_or(n as f64, |weights| weights.iter().sum());
                ((share * total) as usize).max(1)
            }
        };
        if draws == 0 {
            return Err(Error::value(operation, "max_samples is 0: at least 1 expected"));
        }
        Ok(Some(draws))
    }

    /// The forest; `seeds` are those of its trees, drawn where they are not given.
    pub fn grow(&self, growth: &Growth, seeds: Option<&[u32]>) -> Result<Forest> {
        if self.n_estimators == 0 {
            return Err(Error::value(growth.operation, "n_estimators is 0: at least 1 expected"));
        }
        if self.n_jobs == Some(0) {
            return Err(Error::value(growth.operation, "n_jobs is 0: at least 1 expected"));
        }
        let draws = self.draws(growth)?;
        let seeds = match seeds {
            Some(seeds) => seeds.to_vec(),
            None => {
                let mut random = RandomState::new(growth.plan.seed);
                (0..self.n_estimators).map(|_| random.randint(0, i64::from(i32::MAX)) as u32).collect()
            }
        };
        let grown: Vec<OnceLock<Tree>> = seeds.iter().map(|_| OnceLock::new()).collect();
        let jobs = self.n_jobs.unwrap_or_else(threads::num_threads);
        let n = growth.columns.rows();
        threads::with_num_threads(jobs, || {
            threads::for_each(seeds.len(), jobs, |i| {
                let mut weights = match (draws, growth.weights) {
                    (Some(draws), weights) => bootstrap(seeds[i], n, draws, weights),
                    (None, Some(weights)) => weights.to_vec(),
                    (None, None) => vec![1.0; n],
                };
                if let (Some(_), Some(reweight)) = (draws, growth.reweight) {
                    reweight(&mut weights);
                }
                let sample = Sample { columns: growth.columns, targets: growth.targets, weights: &weights };
                let plan = Plan { seed: seeds[i], ..growth.plan.clone() };
                let _ = grown[i].set(grow(growth.kind, &sample, &growth.extent, &plan));
            });
        });
        let trees = grown.into_iter().filter_map(OnceLock::into_inner).collect();
        Ok(Forest { trees, seeds, draws })
    }
}

/// The trees of a fitted forest.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    trees: Vec<Tree>,
    /// Where the random numbers of each tree begin.
    seeds: Vec<u32>,
    /// Samples drawn for each, where some were.
    draws: Option<usize>,
}

/// What the trees that did not see a sample say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfBag {
    /// Their mean prediction, `(rows, outputs, most classes)`; 0 where every tree saw the sample.
    pub predictions: Vec<f64>,
    /// How many trees did not see each sample.
    pub counts: Vec<usize>,
}

impl Forest {
    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Where the random numbers of each tree begin.
    pub fn seeds(&self) -> &[u32] {
        &self.seeds
    }

    /// Features, outputs and classes.
    pub fn extent(&self) -> &Extent {
        self.trees[0].extent()
    }

    /// The forest with the trees of another one that was grown on the same classes.
    pub(super) fn joined(mut self, other: Forest) -> Result<Forest> {
        if self.extent() != other.extent() {
            let message = format!("{:?} and {:?} do not fit together", self.extent(), other.extent());
            return Err(Error::value("warm_start", message));
        }
        self.trees.extend(other.trees);
        self.seeds.extend(other.seeds);
        self.draws = other.draws;
        Ok(self)
    }

    /// The mean of what the trees predict for each row, `(rows, outputs, most classes)`. Trees are added in their order,
    /// whatever the number of threads.
    pub fn predict(&self, rows: &[f32]) -> Vec<f64> {
        let (d, width) = (self.extent().features, self.extent().width());
        let mut values = vec![0.0; rows.len() / d * width];
        let grain = ((1 << 12) * width / self.trees.len()).max(1);
        threads::for_each_chunk(&mut values, BLOCK * width, grain, |start, values| {
            let (first, count) = (start / width, values.len() / width);
            let rows = &rows[first * d..(first + count) * d];
            let mut leaves = [0; BLOCK];
            for tree in &self.trees {
                tree.leaves(rows, &mut leaves[..count]);
                for (value, &leaf) in values.chunks_exact_mut(width).zip(&leaves) {
                    let leaf = tree.value_of(leaf as usize);
                    value.iter_mut().zip(leaf).for_each(|(sum, part)| *sum += part);
                }
            }
            let count = self.trees.len() as f64;
            for sum in values {
                *sum /= count;
            }
        });
        values
    }

    /// The decrease of impurity that each feature brought, the mean over the trees, in shares of their sum.
    pub fn feature_importances(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.extent().features];
        for tree in self.trees.iter().filter(|tree| tree.node_count() > 1) {
            sums.iter_mut().zip(tree.feature_importances(true)).for_each(|(sum, own)| *sum += own);
        }
        let total: f64 = sums.iter().sum();
        if total > 0.0 {
            for share in &mut sums {
                *share /= total;
            }
        }
        sums
    }

    /// How often each sample was drawn for a tree; `weights` as they were given to `fit`.
    pub fn sample_counts(&self, tree: usize, n: usize, weights: Option<&[f64]>) -> Vec<f64> {
        match self.draws {
            Some(draws) => bootstrap(self.seeds[tree], n, draws, weights),
            None => vec![1.0; n],
        }
    }

    /// What the trees say of the rows that they did not see.
    pub fn out_of_bag(&self, rows: &[f32], weights: Option<&[f64]>) -> OutOfBag {
        let (d, width) = (self.extent().features, self.extent().width());
        let n = rows.len() / d;
        let mut out = OutOfBag { predictions: vec![0.0; n * width], counts: vec![0; n] };
        for (i, tree) in self.trees.iter().enumerate() {
            let counts = self.sample_counts(i, n, weights);
            for row in (0..n).filter(|&row| counts[row] == 0.0) {
                let leaf = tree.value_of(tree.leaf(&rows[row * d..(row + 1) * d]));
                let sums = &mut out.predictions[row * width..(row + 1) * width];
                sums.iter_mut().zip(leaf).for_each(|(sum, part)| *sum += part);
                out.counts[row] += 1;
            }
        }
        for (sums, &count) in out.predictions.chunks_exact_mut(width).zip(&out.counts) {
            for sum in sums {
                *sum /= count.max(1) as f64;
            }
        }
        out
    }

    pub(super) fn to_record(&self, record: Record) -> Record {
        let seeds: Vec<i64> = self.seeds.iter().map(|&seed| i64::from(seed)).collect();
        let trees: Vec<Record> = self.trees.iter().map(Tree::to_record).collect();
        record.with("seeds", Tensor::from(seeds)).with("draws", self.draws).with("trees", trees)
    }

    /// Which of the names of its kind the record has.
    pub(super) fn name_in(record: &Record, names: [&'static str; 2]) -> Result<&'static str> {
        let found = record.text("estimator")?;
        let known = names.into_iter().find(|&name| name == found);
        known.ok_or_else(|| record.error(format!("estimator {found:?}")))
    }

    pub(super) fn from_record(record: &Record) -> Result<Forest> {
        let trees = record.records("trees")?;
        let trees = trees.into_iter().map(Tree::from_record).collect::<Result<Vec<_>>>()?;
        let Some(first) = trees.first() else {
            return Err(record.error("has no trees"));
        };
        if let Some(other) = trees.iter().position(|tree| tree.extent() != first.extent()) {
            return Err(record.error(format!("tree {other} has other features or classes than tree 0")));
        }
        let seeds = record.tensor_of::<i64>("seeds", &[trees.len()])?.to_vec();
        if seeds.iter().any(|&seed| u32::try_from(seed).is_err()) {
            return Err(record.error("a seed is no number of 32 bits"));
        }
        let draws = if record.is_set("draws") { Some(record.count("draws")?) } else { None };
        let seeds = seeds.into_iter().map(|seed| seed as u32).collect();
        Ok(Forest { trees, seeds, draws })
    }
}
