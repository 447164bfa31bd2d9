//! Forests that predict numbers.

use std::any::Any;
use std::marker::PhantomData;

use barehand_tensor::{Float, Result, Tensor};

use super::forest::{Forest, ForestParameters, Growth, OutOfBag, forest_model, forest_setters};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::Predict;
use crate::fitting::fits;
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::tree::{
    Columns, Extent, FittedDecisionTreeRegressor, RegressionCriterion, Splitter, TreeParameters, rows_of,
    tree_setters, value_targets, values,
};
use crate::validate;

macro_rules! forest {
    ($(#[$doc:meta])* $name:ident, $splitter:expr, $bootstrap:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            criterion: RegressionCriterion,
            tree: TreeParameters,
            forest: ForestParameters,
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    criterion: RegressionCriterion::SquaredError,
                    tree: TreeParameters { splitter: $splitter, ..TreeParameters::default() },
                    forest: ForestParameters::new($bootstrap),
                }
            }
        }

        impl $name {
            /// A hundred trees.
            pub fn new() -> Self {
                Self::default()
            }

            /// What is made small (default: the squared error).
            pub fn criterion(mut self, criterion: RegressionCriterion) -> Self {
                self.criterion = criterion;
                self
            }

            forest_setters!();
            tree_setters!();

            /// The forest of features `(N, D)` and targets `(N)` or `(N, outputs)`.
            ///
            /// # Errors
            /// As [`DecisionTreeRegressor::fit`](crate::tree::DecisionTreeRegressor::fit).
            pub fn fit<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<FittedForestRegressor<T>> {
                self.fitted(&x.clone().into(), y, None, None)
            }

            /// As [`fit`](Self::fit), of dense or sparse features of any precision, with weights of samples where there are
            /// any, and the seed of each tree where they are given.
            ///
            /// # Errors
            /// As [`fit`](Self::fit); a weight is negative, or all are 0.
            pub fn fitted<A: Float, T: Float>(
                &self,
                x: &Features<A>,
                y: &Tensor<T>,
                sample_weight: Option<&Tensor<f64>>,
                seeds: Option<&[u32]>,
            ) -> Result<FittedForestRegressor<T>> {
                const OPERATION: &str = concat!(stringify!($name), "::fit");
                let columns =
                    Columns::new(OPERATION, x, self.tree.bins(), &self.tree.categorical_features)?;
                let n = columns.rows();
                let (values, outputs) = value_targets(OPERATION, y, n)?;
                self.criterion.check(OPERATION, &values)?;
                let weights = validate::weights(OPERATION, sample_weight, n)?;
                let growth = Growth {
                    operation: OPERATION,
                    columns: &columns,
                    targets: &values,
                    weights: sample_weight.map(|_| &*weights),
                    kind: self.criterion.kind(),
                    extent: Extent { features: columns.features(), classes: vec![1; outputs] },
                    plan: self.tree.plan(OPERATION, n, columns.features(), outputs, None)?,
                    reweight: None,
                };
                let forest = self.forest.grow(&growth, seeds)?;
                Ok(FittedForestRegressor { name: stringify!($name), forest, element: PhantomData })
            }
        }

        fits!($name, FittedForestRegressor, values, fitted(None));
    };
}

forest!(
    /// A random forest for numbers: trees on bootstrap samples, whose predictions are averaged.
    ///
    /// Source: scikit-learn's `RandomForestRegressor`.
    ///
    /// ```
    /// use barehand_learn::{Predict, ensemble::RandomForestRegressor};
    /// use barehand_tensor::Tensor;
    ///
    /// let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0]]);
    /// let forest = RandomForestRegressor::new().n_estimators(10).fit(&x, &Tensor::from([0.0f32, 0.0, 8.0, 8.0]))?;
    /// assert!(forest.predict(&x)?.to_vec()[0] < 4.0);
    /// # Ok::<(), barehand_tensor::Error>(())
    /// ```
    RandomForestRegressor, Splitter::Best, true
);
forest!(
    /// Extra trees for numbers: every tree sees every sample, and cuts features at random.
    ///
    /// Source: scikit-learn's `ExtraTreesRegressor`.
    ExtraTreesRegressor, Splitter::Random, false
);

/// What a forest of trees learned of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedForestRegressor<T: Float> {
    name: &'static str,
    forest: Forest,
    element: PhantomData<T>,
}

impl<T: Float> FittedForestRegressor<T> {
    /// Tree `i` as a model of its own.
    ///
    /// # Panics
    /// There are not as many trees.
    pub fn tree(&self, i: usize) -> FittedDecisionTreeRegressor<T> {
        FittedDecisionTreeRegressor::new(self.forest.trees()[i].clone())
    }

    /// `(N)`, or `(N, outputs)` for several outputs, of what [`Forest::predict`] says.
    ///
    /// # Errors
    /// None.
    pub fn values(&self, predicted: Vec<f64>) -> Result<Tensor<T>> {
        values(predicted, self.forest.extent())
    }
}

forest_model!(FittedForestRegressor);

impl<T: Float> Predict<Tensor<T>> for FittedForestRegressor<T> {
    type Output = Tensor<T>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        validate::matrix_of(self.name, x, self.forest.extent().features)?;
        self.values(self.forest.predict(&rows_of(x)))
    }
}

impl<T: Float> Persist for FittedForestRegressor<T> {
    const NAME: &'static str = "ForestRegressor";

    fn to_record(&self) -> Record {
        self.forest.to_record(record_of::<T>(Self::NAME).with("estimator", self.name))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let forest = Forest::from_record(record)?;
        if forest.extent().max_classes() != 1 {
            return Err(record.error("its trees tell classes apart"));
        }
        let name = Forest::name_in(record, ["RandomForestRegressor", "ExtraTreesRegressor"])?;
        Ok(FittedForestRegressor { name, forest, element: PhantomData })
    }
}

impl<T: Float> Model<T> for FittedForestRegressor<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn features(&self) -> usize {
        self.forest.extent().features
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Values(self.predict(&x.to_dense())?))
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
