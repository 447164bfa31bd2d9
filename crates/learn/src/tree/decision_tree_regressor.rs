//! A tree that predicts numbers.

use std::any::Any;
use std::marker::PhantomData;

use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::columns::{Columns, rows_of};
use super::grow::{CriterionKind, Sample, grow};
use super::parameters::{TreeParameters, tree_setters};
use super::pruning::PruningPath;
use super::structure::{Extent, Tree};
use super::targets::value_targets;
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Fit, Predict};
use crate::fitting::fits;
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::validate;

/// How far the targets of a node lie from what it predicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegressionCriterion {
    /// `mean of (y - mean)^2`, which Friedman's improvement score orders cuts by too.
    #[default]
    SquaredError,
    /// `mean of |y - median|`; leaves predict medians.
    AbsoluteError,
    /// `mean of y log(y / mean)`: half the Poisson deviance, for targets that are not negative.
    Poisson,
}

impl RegressionCriterion {
    pub(crate) fn kind(self) -> CriterionKind {
        match self {
            RegressionCriterion::SquaredError => CriterionKind::SquaredError,
            RegressionCriterion::AbsoluteError => CriterionKind::AbsoluteError,
            RegressionCriterion::Poisson => CriterionKind::Poisson,
        }
    }

    /// Refuses targets that it has no value for.
    pub(crate) fn check(self, operation: &str, values: &[f64]) -> Result<()> {
        if self != RegressionCriterion::Poisson {
            return Ok(());
        }
        if values.iter().any(|&value| value < 0.0) {
            let message = "some value(s) of y are negative, which is not allowed for Poisson regression";
            return Err(Error::value(operation, message));
        }
        if values.iter().sum::<f64>() <= 0.0 {
            let message = "the sum of y is not positive, which is necessary for Poisson regression";
            return Err(Error::value(operation, message));
        }
        Ok(())
    }
}

/// A decision tree for numbers.
///
/// A node is cut where the error that is left is least; a leaf predicts the mean of its targets (their median, for the
/// absolute error). Features may be missing (NaN). Targets are `(N)`, or `(N, outputs)`. Source: scikit-learn's
/// `DecisionTreeRegressor`.
///
/// ```
/// use barehand_learn::{Predict, tree::DecisionTreeRegressor};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0]]);
/// let y = Tensor::from([1.0f32, 1.0, 4.0, 6.0]);
/// let model = DecisionTreeRegressor::new().max_depth(1).fit(&x, &y)?;
/// assert_eq!(model.predict(&x)?.to_vec(), [1.0, 1.0, 5.0, 5.0]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecisionTreeRegressor {
    criterion: RegressionCriterion,
    tree: TreeParameters,
}

impl DecisionTreeRegressor {
    /// A tree without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is made small (default: the squared error).
    pub fn criterion(mut self, criterion: RegressionCriterion) -> Self {
        self.criterion = criterion;
        self
    }

    tree_setters!();

    /// The tree of features `(N, D)` and targets `(N)` or `(N, outputs)`.
    ///
    /// # Errors
    /// A parameter out of its range; `x` is no matrix, is empty, or holds an infinite value; targets of another length,
    /// not finite, or negative for the Poisson deviance.
    pub fn fit<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<FittedDecisionTreeRegressor<T>> {
        self.fitted(&x.clone().into(), y, None)
    }

    /// As [`fit`](Self::fit), of dense or sparse features of any precision, with weights of samples `(N)` where there are
    /// any.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); a weight is negative, or all are 0.
    pub fn fitted<A: Float, T: Float>(
        &self,
        x: &Features<A>,
        y: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedDecisionTreeRegressor<T>> {
        const OPERATION: &str = "DecisionTreeRegressor::fit";
        let columns = Columns::new(OPERATION, x, self.tree.bins(), &self.tree.categorical_features)?;
        let n = columns.rows();
        let (values, outputs) = value_targets(OPERATION, y, n)?;
        self.criterion.check(OPERATION, &values)?;
        let weights = validate::weights(OPERATION, sample_weight, n)?;
        let plan = self.tree.plan(OPERATION, n, columns.features(), outputs, None)?;
        let extent = Extent { features: columns.features(), classes: vec![1; outputs] };
        let sample = Sample { columns: &columns, targets: &values, weights: &weights };
        Ok(FittedDecisionTreeRegressor::new(grow(self.criterion.kind(), &sample, &extent, &plan)))
    }

    /// The prices of a leaf at which the tree of these samples becomes smaller.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn cost_complexity_pruning_path<T: Float>(
        &self,
        x: &Tensor<T>,
        y: &Tensor<T>,
    ) -> Result<PruningPath> {
        Ok(self.clone().ccp_alpha(0.0).fit(x, y)?.tree.pruning_path())
    }
}

fits!(DecisionTreeRegressor, FittedDecisionTreeRegressor, values, fitted());

impl<T: Float> Fit<CsrMatrix<T>, Tensor<T>> for DecisionTreeRegressor {
    type Fitted = FittedDecisionTreeRegressor<T>;

    fn fit(&self, x: &CsrMatrix<T>, y: &Tensor<T>) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), y, None)
    }
}

/// What [`DecisionTreeRegressor`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedDecisionTreeRegressor<T: Float> {
    tree: Tree,
    element: PhantomData<T>,
}

impl<T: Float> FittedDecisionTreeRegressor<T> {
    pub(crate) fn new(tree: Tree) -> Self {
        FittedDecisionTreeRegressor { tree, element: PhantomData }
    }

    /// Its nodes.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// `(N)`, or `(N, outputs)` for several outputs, of what [`Tree::predict`] says.
    ///
    /// # Errors
    /// None.
    pub fn values(&self, predicted: Vec<f64>) -> Result<Tensor<T>> {
        values(predicted, self.tree.extent())
    }

    /// The decrease of impurity that each feature brought, in shares of their sum, `(D)`.
    pub fn feature_importances(&self) -> Tensor<f64> {
        self.tree.feature_importances(true).into()
    }
}

/// `(rows)` for one output, `(rows, outputs)` for several.
pub(crate) fn values<T: Float>(values: Vec<f64>, extent: &Extent) -> Result<Tensor<T>> {
    let rows = values.len() / extent.outputs();
    let values: Vec<T> = values.into_iter().map(T::from_f64).collect();
    match extent.outputs() {
        1 => Ok(values.into()),
        outputs => Tensor::from_vec(values, [rows, outputs]),
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedDecisionTreeRegressor<T> {
    type Output = Tensor<T>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        validate::matrix_of("DecisionTreeRegressor::predict", x, self.tree.extent().features)?;
        self.values(self.tree.predict(&rows_of(x)))
    }
}

impl<T: Float> Persist for FittedDecisionTreeRegressor<T> {
    const NAME: &'static str = "DecisionTreeRegressor";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME).with("tree", self.tree.to_record())
    }

    fn from_record(record: &Record) -> Result<Self> {
        let tree = Tree::from_record(record.record("tree")?)?;
        if tree.extent().max_classes() != 1 {
            return Err(record.error("its tree tells classes apart"));
        }
        Ok(Self::new(tree))
    }
}

impl<T: Float> Model<T> for FittedDecisionTreeRegressor<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.tree.extent().features
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
