//! What k-means by small batches leaves behind.

use std::any::Any;

use barehand_kernels::random::RandomState;
use barehand_kernels::random::mt19937::LegacyState;
use barehand_tensor::{CsrMatrix, Float, Result, Tensor};

use crate::cluster::k_means::{centers_of, labels_of, log_field, log_of, nearest_center, score};
use crate::cluster::rows::Rows;
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, Transform};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;

/// What [`MiniBatchKMeans`](super::MiniBatchKMeans) learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedMiniBatchKMeans<T: Float> {
    pub(super) centers: Tensor<T>,
    pub(super) counts: Vec<f64>,
    pub(super) labels: Option<Tensor<i32>>,
    pub(super) inertia: f64,
    pub(super) n_iter: usize,
    pub(super) n_steps: usize,
    pub(super) since_reassignment: usize,
    pub(super) random: LegacyState,
    pub(super) log: Vec<String>,
}

impl<T: Float> FittedMiniBatchKMeans<T> {
    /// Gives the samples their labels, and the model their inertia.
    pub(super) fn label(&mut self, rows: &Rows<T>, centers: &[T], weights: &[f64]) {
        let mut labels = vec![0; rows.n()];
        rows.nearest(centers, self.counts.len(), &mut labels);
        self.inertia = rows.inertia(centers, Some(weights), &labels);
        self.labels = Some(labels.into_iter().map(|label| label as i32).collect::<Vec<_>>().into());
    }

    /// The centers, `(k, D)`.
    pub fn centers(&self) -> &Tensor<T> {
        &self.centers
    }

    /// The weight that each center has seen, `(k)`.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The cluster of each sample that it was fitted on, `(N)`, where they were asked for.
    pub fn labels(&self) -> Option<&Tensor<i32>> {
        self.labels.as_ref()
    }

    /// The weighted sum of squared distances to the centers; without labels an estimate of it, from the last batches.
    pub fn inertia(&self) -> f64 {
        self.inertia
    }

    /// Passes over the samples, begun ones included.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// Batches.
    pub fn n_steps(&self) -> usize {
        self.n_steps
    }

    /// A line for each batch, where [`MiniBatchKMeans::verbose`](super::MiniBatchKMeans::verbose) asked for them.
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

nearest_center!(FittedMiniBatchKMeans, "MiniBatchKMeans");

impl<T: Float> Persist for FittedMiniBatchKMeans<T> {
    const NAME: &'static str = "MiniBatchKMeans";

    fn to_record(&self) -> Record {
        let key: Vec<i64> = self.random.key.iter().map(|&word| i64::from(word)).collect();
        record_of::<T>(Self::NAME)
            .with("centers", field(&self.centers))
            .with("counts", Tensor::from(self.counts.clone()))
            .with("labels", self.labels.clone())
            .with("inertia", self.inertia)
            .with("n_iter", self.n_iter)
            .with("n_steps", self.n_steps)
            .with("since_reassignment", self.since_reassignment)
            .with("random_key", Tensor::from(key))
            .with("random_position", self.random.position)
            .with("random_gauss", self.random.gauss)
            .with("log", log_field(&self.log))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let centers = centers_of::<T>(record)?;
        let k = centers.shape()[0];
        let counts = record.tensor_of::<f64>("counts", &[k])?.to_vec();
        if let Some(count) = counts.iter().find(|count| !count.is_finite() || **count < 0.0) {
            return Err(record.error(format!("field \"counts\" holds {count}")));
        }
        let no_state = || record.error("fields \"random_key\" and \"random_position\" are no random state");
        let key = record.tensor::<i64>("random_key")?.to_vec();
        let random = LegacyState {
            key: key.into_iter().map(u32::try_from).collect::<Result<_, _>>().map_err(|_| no_state())?,
            position: record.count("random_position")?,
            gauss: if record.is_set("random_gauss") { Some(record.float("random_gauss")?) } else { None },
        };
        if RandomState::from_state(&random).is_none() {
            return Err(no_state());
        }
        Ok(FittedMiniBatchKMeans {
            labels: if record.is_set("labels") { Some(labels_of(record, k)?) } else { None },
            centers,
            counts,
            inertia: record.float("inertia")?,
            n_iter: record.count("n_iter")?,
            n_steps: record.count("n_steps")?,
            since_reassignment: record.count("since_reassignment")?,
            random,
            log: log_of(record)?,
        })
    }
}
