//! Every estimator, for tests that hold for all of them: one line each, in the order of their names.

use barehand_learn::cluster::{Dbscan, KMeans, KMeansAlgorithm, KMeansInit, MiniBatchKMeans};
use barehand_learn::decomposition::{Pca, PcaComponents, SvdSolver, TruncatedSvd, TruncatedSvdAlgorithm};
use barehand_learn::ensemble::hist_gradient_boosting::Loss;
use barehand_learn::ensemble::{
    ExtraTreesClassifier, ExtraTreesRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor,
    RandomForestClassifier, RandomForestRegressor,
};
use barehand_learn::linear_model::{
    Alphas, ElasticNet, ElasticNetCv, GradientDescentClassifier, GradientDescentRegressor, Lasso,
    LinearRegression, LogisticRegression, LogisticRegressionCv, LogisticSolver, Ridge, RidgeClassifier,
    RidgeClassifierCv, RidgeCv, RidgeSolver, Selection, SgdClassifier, SgdRegressor,
};
use barehand_learn::mixture::{CovarianceType, GaussianMixture, MixtureInit};
use barehand_learn::model_selection::Split;
use barehand_learn::naive_bayes::{BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB};
use barehand_learn::neighbors::{
    Algorithm, KNeighborsClassifier, KNeighborsRegressor, Metric, NearestNeighbors,
};
use barehand_learn::pipeline::Pipeline;
use barehand_learn::preprocessing::{MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler};
use barehand_learn::tree::{
    ClassificationCriterion, DecisionTreeClassifier, DecisionTreeRegressor, RegressionCriterion, Splitter,
};
use barehand_learn::{Estimator, Features, Target};
use barehand_tensor::{Float, Tensor};

/// What an estimator is fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Features alone.
    Features,
    /// Class labels.
    Classes,
    /// Values.
    Values,
}

/// An estimator with options that make it quick, and what it is fitted on.
pub struct Entry<T: Float> {
    /// The estimator.
    pub estimator: Box<dyn Estimator<T>>,
    /// What it is fitted on.
    pub kind: Kind,
}

fn entry<T: Float>(kind: Kind, estimator: impl Estimator<T> + 'static) -> Entry<T> {
    Entry { estimator: Box::new(estimator), kind }
}

/// Every estimator, some with several sets of options.
pub fn every<T: Float>() -> Vec<Entry<T>> {
    let two = PcaComponents::Count(2);
    let chain = Pipeline::new().step("scale", StandardScaler::new()).step("model", GaussianNB::new());
    vec![
        entry(Kind::Classes, BernoulliNB::new()),
        entry(Kind::Classes, CategoricalNB::new()),
        entry(Kind::Classes, ComplementNB::new()),
        entry(Kind::Classes, GaussianNB::new()),
        entry(Kind::Features, MaxAbsScaler::new()),
        entry(Kind::Features, MinMaxScaler::new()),
        entry(Kind::Classes, MultinomialNB::new()),
        entry(Kind::Features, Normalizer::new()),
        entry(Kind::Classes, chain),
        entry(Kind::Features, Dbscan::new().eps(2.5).min_samples(2)),
        entry(Kind::Features, GaussianMixture::new(2).max_iter(5)),
        entry(Kind::Features, GaussianMixture::new(2).covariance_type(CovarianceType::Tied).max_iter(5)),
        entry(
            Kind::Features,
            GaussianMixture::new(2)
                .covariance_type(CovarianceType::Spherical)
                .init_params(MixtureInit::Random)
                .max_iter(5),
        ),
        entry(Kind::Features, KMeans::new(2)),
        entry(
            Kind::Features,
            KMeans::new(3).init(KMeansInit::Random).n_init(2).algorithm(KMeansAlgorithm::Elkan),
        ),
        entry(Kind::Features, MiniBatchKMeans::new(2).batch_size(4).max_iter(3)),
        entry(Kind::Features, Pca::new()),
        entry(
            Kind::Features,
            Pca::new().n_components(two).svd_solver(SvdSolver::CovarianceEigh).whiten(true),
        ),
        entry(Kind::Features, Pca::new().n_components(two).svd_solver(SvdSolver::Lanczos)),
        entry(Kind::Features, Pca::new().n_components(two).svd_solver(SvdSolver::Randomized)),
        entry(Kind::Classes, DecisionTreeClassifier::new()),
        entry(
            Kind::Classes,
            DecisionTreeClassifier::new().criterion(ClassificationCriterion::Entropy).max_leaf_nodes(4),
        ),
        entry(Kind::Classes, DecisionTreeClassifier::new().splitter(Splitter::Hist).max_bins(3)),
        entry(Kind::Classes, DecisionTreeClassifier::new().categorical_features([0]).ccp_alpha(0.01)),
        entry(Kind::Values, DecisionTreeRegressor::new()),
        entry(Kind::Values, DecisionTreeRegressor::new().criterion(RegressionCriterion::AbsoluteError)),
        entry(Kind::Values, DecisionTreeRegressor::new().criterion(RegressionCriterion::Poisson)),
        entry(Kind::Classes, ExtraTreesClassifier::new().n_estimators(3)),
        entry(Kind::Values, ExtraTreesRegressor::new().n_estimators(3)),
        entry(Kind::Values, ElasticNet::new(0.1).max_iter(50)),
        entry(Kind::Values, ElasticNet::new(0.1).positive(true).selection(Selection::Random(0)).max_iter(50)),
        entry(
            Kind::Values,
            ElasticNetCv::new(ElasticNet::new(1.0).max_iter(50)).alphas(Alphas::Grid { count: 3, eps: 0.1 }),
        ),
        entry(Kind::Classes, HistGradientBoostingClassifier::new().max_iter(3).min_samples_leaf(1)),
        entry(Kind::Values, HistGradientBoostingRegressor::new().max_iter(3).min_samples_leaf(1)),
        entry(
            Kind::Values,
            HistGradientBoostingRegressor::new().loss(Loss::Poisson).max_iter(2).min_samples_leaf(2),
        ),
        entry(Kind::Classes, KNeighborsClassifier::new().n_neighbors(2)),
        entry(Kind::Values, KNeighborsRegressor::new().n_neighbors(2).algorithm(Algorithm::BallTree)),
        entry(
            Kind::Values,
            KNeighborsRegressor::new().n_neighbors(2).algorithm(Algorithm::BallTree).metric(Metric::Canberra),
        ),
        entry(Kind::Features, NearestNeighbors::new()),
        entry(Kind::Features, NearestNeighbors::new().metric(Metric::NanEuclidean)),
        entry(Kind::Features, NearestNeighbors::new().metric(Metric::Correlation)),
        entry(Kind::Values, LinearRegression::new()),
        entry(Kind::Values, LinearRegression::new().positive(true)),
        entry(Kind::Classes, LogisticRegression::new().max_iter(30)),
        entry(Kind::Classes, LogisticRegression::new().solver(LogisticSolver::NewtonCholesky).max_iter(30)),
        entry(
            Kind::Classes,
            LogisticRegression::new().solver(LogisticSolver::CoordinateDescent).l1_ratio(1.0).max_iter(30),
        ),
        entry(
            Kind::Classes,
            LogisticRegressionCv::new(LogisticRegression::new().max_iter(30))
                .cs(&[0.1, 10.0])
                .splits(vec![Split { train: vec![0, 1, 3, 4, 6, 7], test: vec![2, 5] }]),
        ),
        entry(Kind::Classes, RandomForestClassifier::new().n_estimators(3)),
        entry(Kind::Values, RandomForestRegressor::new().n_estimators(3)),
        entry(Kind::Classes, GradientDescentClassifier::new(0.01, 10)),
        entry(Kind::Values, GradientDescentRegressor::new(0.01, 10)),
        entry(Kind::Values, Lasso::new(0.1).max_iter(50)),
        entry(Kind::Classes, SgdClassifier::new()),
        entry(Kind::Values, SgdRegressor::new()),
        entry(Kind::Values, Ridge::new(1.0)),
        entry(Kind::Values, Ridge::new(0.0).solver(RidgeSolver::Svd)),
        entry(Kind::Values, Ridge::new(1.0).solver(RidgeSolver::Lsqr).max_iter(Some(50))),
        entry(Kind::Values, Ridge::new(1.0).solver(RidgeSolver::SparseCg).max_iter(Some(50))),
        entry(Kind::Classes, RidgeClassifier::new(Ridge::new(1.0))),
        entry(Kind::Classes, RidgeClassifierCv::default()),
        entry(Kind::Values, RidgeCv::default()),
        entry(Kind::Values, RidgeCv::default().by_singular_values(true).alpha_per_target(true)),
        entry(Kind::Features, StandardScaler::new()),
        entry(Kind::Features, StandardScaler::new().with_mean(false)),
        entry(Kind::Features, TruncatedSvd::new(2)),
        entry(Kind::Features, TruncatedSvd::new(2).algorithm(TruncatedSvdAlgorithm::Lanczos)),
    ]
}

/// Samples that every estimator can be fitted on: whole numbers, none negative, two classes.
pub fn samples<T: Float>(kind: Kind) -> (Features<T>, Target<T>) {
    let rows = [[0, 3, 1], [1, 0, 2], [2, 5, 0], [4, 1, 3], [5, 2, 6], [6, 4, 1], [3, 6, 5], [7, 1, 4]];
    let x: Vec<T> = rows.iter().flatten().map(|&value| T::from_f64(f64::from(value))).collect();
    let x = Tensor::from_vec(x, [8, 3]).expect("24 numbers");
    let y = match kind {
        Kind::Features => Target::None,
        Kind::Classes => Target::Classes(Tensor::from(vec![0, 0, 0, 1, 1, 1, 0, 1])),
        Kind::Values => {
            let values = [1.0, 2.0, 2.5, 3.0, 5.0, 7.0, 4.0, 6.0].map(T::from_f64);
            Target::Values(Tensor::from(values.to_vec()))
        }
    };
    (x.into(), y)
}
