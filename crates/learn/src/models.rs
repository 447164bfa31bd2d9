//! Every model that a file may hold.

use std::path::Path;

use barehand_tensor::{AnyTensor, Error, Float, Result, Tensor};

use crate::cluster;
use crate::decomposition;
use crate::dynamic::Model;
use crate::ensemble;
use crate::linear_model;
use crate::mixture;
use crate::model_file::{self, Persist};
use crate::naive_bayes;
use crate::neighbors;
use crate::pipeline;
use crate::preprocessing;
use crate::record::{Field, Record};
use crate::tree;

/// A model of either element type.
pub enum AnyModel {
    /// Fitted on f32.
    F32(Box<dyn Model<f32>>),
    /// Fitted on f64.
    F64(Box<dyn Model<f64>>),
}

/// Reads a model of any estimator from a file.
///
/// # Errors
/// It is not one, or written by a later version.
pub fn load(path: impl AsRef<Path>) -> Result<AnyModel> {
    any_model(&model_file::read(path)?)
}

/// The model of a record, of the element type that its field `dtype` names.
///
/// # Errors
/// No estimator of this name, or fields that do not fit it.
pub fn any_model(record: &Record) -> Result<AnyModel> {
    match record.text("dtype")? {
        "f32" => Ok(AnyModel::F32(model(record)?)),
        "f64" => Ok(AnyModel::F64(model(record)?)),
        other => Err(record.error(format!("dtype {other:?} is neither f32 nor f64"))),
    }
}

fn boxed<T: Float, M: Persist + Model<T> + 'static>(record: &Record) -> Result<Box<dyn Model<T>>> {
    Ok(Box::new(M::from_record(record)?))
}

/// The model of a record.
///
/// # Errors
/// As [`any_model`].
pub fn model<T: Float>(record: &Record) -> Result<Box<dyn Model<T>>> {
    match record.name() {
        // One line for each estimator, in alphabetical order.
        "BernoulliNB" => boxed::<T, naive_bayes::FittedBernoulliNB<T>>(record),
        "CategoricalNB" => boxed::<T, naive_bayes::FittedCategoricalNB<T>>(record),
        "ComplementNB" => boxed::<T, naive_bayes::FittedComplementNB<T>>(record),
        "DBSCAN" => boxed::<T, cluster::FittedDbscan<T>>(record),
        "DecisionTreeClassifier" => boxed::<T, tree::FittedDecisionTreeClassifier<T>>(record),
        "DecisionTreeRegressor" => boxed::<T, tree::FittedDecisionTreeRegressor<T>>(record),
        "ElasticNet" => boxed::<T, linear_model::FittedElasticNet<T>>(record),
        "ForestClassifier" => boxed::<T, ensemble::FittedForestClassifier<T>>(record),
        "ForestRegressor" => boxed::<T, ensemble::FittedForestRegressor<T>>(record),
        "GaussianMixture" => boxed::<T, mixture::FittedGaussianMixture<T>>(record),
        "GaussianNB" => boxed::<T, naive_bayes::FittedGaussianNB<T>>(record),
        "GradientDescentClassifier" => boxed::<T, linear_model::FittedGradientDescentClassifier<T>>(record),
        "GradientDescentRegressor" => boxed::<T, linear_model::FittedGradientDescentRegressor<T>>(record),
        "HistGradientBoostingClassifier" => {
            boxed::<T, ensemble::FittedHistGradientBoostingClassifier<T>>(record)
        }
        "HistGradientBoostingRegressor" => {
            boxed::<T, ensemble::FittedHistGradientBoostingRegressor<T>>(record)
        }
        "KMeans" => boxed::<T, cluster::FittedKMeans<T>>(record),
        "KNeighborsClassifier" => boxed::<T, neighbors::FittedKNeighborsClassifier<T>>(record),
        "KNeighborsRegressor" => boxed::<T, neighbors::FittedKNeighborsRegressor<T>>(record),
        "LinearRegression" => boxed::<T, linear_model::FittedLinearRegression<T>>(record),
        "LogisticRegression" => boxed::<T, linear_model::FittedLogisticRegression<T>>(record),
        "MaxAbsScaler" => boxed::<T, preprocessing::FittedMaxAbsScaler<T>>(record),
        "MinMaxScaler" => boxed::<T, preprocessing::FittedMinMaxScaler<T>>(record),
        "MiniBatchKMeans" => boxed::<T, cluster::FittedMiniBatchKMeans<T>>(record),
        "MultinomialNB" => boxed::<T, naive_bayes::FittedMultinomialNB<T>>(record),
        "NearestNeighbors" => boxed::<T, neighbors::FittedNearestNeighbors<T>>(record),
        "Normalizer" => boxed::<T, preprocessing::FittedNormalizer>(record),
        "PCA" => boxed::<T, decomposition::FittedPca<T>>(record),
        "Pipeline" => boxed::<T, pipeline::FittedPipeline<T>>(record),
        "Ridge" => boxed::<T, linear_model::FittedRidge<T>>(record),
        "RidgeClassifier" => boxed::<T, linear_model::FittedRidgeClassifier<T>>(record),
        "SGDClassifier" => boxed::<T, linear_model::FittedSgdClassifier<T>>(record),
        "SGDRegressor" => boxed::<T, linear_model::FittedSgdRegressor<T>>(record),
        "StandardScaler" => boxed::<T, preprocessing::FittedStandardScaler<T>>(record),
        "TruncatedSVD" => boxed::<T, decomposition::FittedTruncatedSvd<T>>(record),
        name => Err(Error::format("model", format!("{name:?} is not an estimator of this barehand"))),
    }
}

/// A record of a model whose numbers are `T`.
pub fn record_of<T: Float>(name: &str) -> Record {
    Record::new(name).with("dtype", T::DTYPE.name())
}

/// A tensor of `T` as a field.
pub fn field<T: Float>(tensor: &Tensor<T>) -> Field {
    Field::Tensor(T::into_any(tensor.clone()))
}

/// Labels as a field.
pub fn labels(classes: &[i64]) -> Field {
    Field::Tensor(AnyTensor::from(Tensor::from(classes.to_vec())))
}
