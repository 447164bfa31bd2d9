//! A tree that tells classes apart.

use std::any::Any;
use std::marker::PhantomData;

use barehand_tensor::{CsrMatrix, Float, Result, Tensor};

use super::class_weight::ClassWeight;
use super::columns::{Columns, rows_of};
use super::grow::{CriterionKind, Sample, grow};
use super::parameters::{TreeParameters, tree_setters};
use super::pruning::PruningPath;
use super::structure::{Extent, Tree};
use super::targets::class_targets;
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Fit, Predict, PredictProba};
use crate::fitting::fits;
use crate::model_file::Persist;
use crate::models::{labels, record_of};
use crate::record::Record;
use crate::validate;

/// How impure a node of samples of several classes is; `p_k` is the share of class k.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClassificationCriterion {
    /// `1 - sum_k p_k^2`
    #[default]
    Gini,
    /// `-sum_k p_k log2 p_k`; scikit-learn's `entropy` and `log_loss`.
    Entropy,
}

impl ClassificationCriterion {
    pub(crate) fn kind(self) -> CriterionKind {
        match self {
            ClassificationCriterion::Gini => CriterionKind::Gini,
            ClassificationCriterion::Entropy => CriterionKind::Entropy,
        }
    }
}

/// A decision tree for classes.
///
/// A node is cut where the weighted impurity of its two sides is least, until every leaf is pure or a limit is reached; a
/// leaf predicts the shares of the classes in it. Features may be missing (NaN): a cut sends them to the side that suits
/// them best. Labels are `(N)`, or `(N, outputs)` for several outputs at once. Source: scikit-learn's
/// `DecisionTreeClassifier`, whose trees these are for the same seed.
///
/// ```
/// use barehand_learn::{Predict, PredictProba, tree::DecisionTreeClassifier};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0]]);
/// let y = Tensor::from([5i64, 5, 7, 7]);
/// let model = DecisionTreeClassifier::new().fit(&x, &y)?;
/// assert_eq!(model.tree().threshold()[0], 1.5);
/// assert_eq!(model.predict(&Tensor::from([[1.4f32], [1.6]]))?.to_vec(), [5, 7]);
/// assert_eq!(model.predict_proba(&x)?.to_vec()[..2], [1.0, 0.0]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecisionTreeClassifier {
    criterion: ClassificationCriterion,
    class_weight: Option<ClassWeight>,
    tree: TreeParameters,
}

impl DecisionTreeClassifier {
    /// A tree without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is made small (default: Gini's index).
    pub fn criterion(mut self, criterion: ClassificationCriterion) -> Self {
        self.criterion = criterion;
        self
    }

    /// How much each class counts (default: as often as it occurs).
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.class_weight = Some(class_weight);
        self
    }

    tree_setters!();

    /// The tree of features `(N, D)` and labels `(N)` or `(N, outputs)`.
    ///
    /// # Errors
    /// A parameter out of its range; `x` is no matrix, is empty, or holds an infinite value; labels of another length.
    pub fn fit<T: Float>(&self, x: &Tensor<T>, y: &Tensor<i64>) -> Result<FittedDecisionTreeClassifier<T>> {
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
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedDecisionTreeClassifier<T>> {
        const OPERATION: &str = "DecisionTreeClassifier::fit";
        let columns = Columns::new(OPERATION, x, self.tree.bins(), &self.tree.categorical_features)?;
        let n = columns.rows();
        let (codes, classes) = class_targets(OPERATION, y, n)?;
        let mut weights = validate::weights(OPERATION, sample_weight, n)?;
        if let Some(class_weight) = &self.class_weight {
            class_weight.apply(OPERATION, &codes, &classes, &mut weights)?;
            validate::weights(OPERATION, Some(&weights.clone().into()), n)?;
        }
        let counts: Vec<usize> = classes.iter().map(Vec::len).collect();
        let plan = self.tree.plan(OPERATION, n, columns.features(), counts.len(), Some(&counts))?;
        let extent = Extent { features: columns.features(), classes: counts };
        let sample = Sample { columns: &columns, targets: &codes, weights: &weights };
        let tree = grow(self.criterion.kind(), &sample, &extent, &plan);
        Ok(FittedDecisionTreeClassifier { tree, classes, element: PhantomData })
    }

    /// The prices of a leaf at which the tree of these samples becomes smaller.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn cost_complexity_pruning_path<T: Float>(
        &self,
        x: &Tensor<T>,
        y: &Tensor<i64>,
    ) -> Result<PruningPath> {
        Ok(self.clone().ccp_alpha(0.0).fit(x, y)?.tree.pruning_path())
    }
}

fits!(DecisionTreeClassifier, FittedDecisionTreeClassifier, classes, fitted());

impl<T: Float> Fit<CsrMatrix<T>, Tensor<i64>> for DecisionTreeClassifier {
    type Fitted = FittedDecisionTreeClassifier<T>;

    fn fit(&self, x: &CsrMatrix<T>, y: &Tensor<i64>) -> Result<Self::Fitted> {
        self.fitted(&x.clone().into(), y, None)
    }
}

/// What [`DecisionTreeClassifier`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedDecisionTreeClassifier<T: Float> {
    tree: Tree,
    classes: Vec<Vec<i64>>,
    element: PhantomData<T>,
}

impl<T: Float> FittedDecisionTreeClassifier<T> {
    pub(crate) fn new(tree: Tree, classes: Vec<Vec<i64>>) -> Self {
        FittedDecisionTreeClassifier { tree, classes, element: PhantomData }
    }

    /// Its nodes.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The classes of each output, in ascending order.
    pub fn output_classes(&self) -> &[Vec<i64>] {
        &self.classes
    }

    /// The most probable class of each row of what [`Tree::predict`] says: `(N)`, or `(N, outputs)` for several outputs.
    ///
    /// # Errors
    /// None.
    pub fn labels(&self, values: &[f64]) -> Result<Tensor<i64>> {
        most_probable(values, &self.classes)
    }

    /// The decrease of impurity that each feature brought, in shares of their sum, `(D)`.
    pub fn feature_importances(&self) -> Tensor<f64> {
        self.tree.feature_importances(true).into()
    }
}

/// The position of the largest of `shares`; of the first where several are.
pub(crate) fn argmax(shares: &[f64]) -> usize {
    let mut best = 0;
    for (place, &share) in shares.iter().enumerate() {
        if share > shares[best] {
            best = place;
        }
    }
    best
}

/// `(rows)` for one output, `(rows, outputs)` for several, of what `values` say: `(rows, outputs, most classes)`.
pub(crate) fn most_probable(values: &[f64], classes: &[Vec<i64>]) -> Result<Tensor<i64>> {
    let outputs = classes.len();
    let widest = classes.iter().map(Vec::len).max().unwrap_or(1);
    let shares = values.chunks_exact(widest).enumerate();
    let labels: Vec<i64> = shares
        .map(|(i, shares)| {
            let classes = &classes[i % outputs];
            classes[argmax(&shares[..classes.len()])]
        })
        .collect();
    let rows = labels.len() / outputs;
    if outputs == 1 { Ok(labels.into()) } else { Tensor::from_vec(labels, [rows, outputs]) }
}

/// `(rows, classes)` for one output, `(rows, outputs, most classes)` for several.
pub(crate) fn probabilities<T: Float>(values: Vec<f64>, extent: &Extent) -> Result<Tensor<T>> {
    let rows = values.len() / extent.width();
    let values: Vec<T> = values.into_iter().map(T::from_f64).collect();
    match extent.outputs() {
        1 => Tensor::from_vec(values, [rows, extent.max_classes()]),
        outputs => Tensor::from_vec(values, [rows, outputs, extent.max_classes()]),
    }
}

impl Tree {
    /// What the tree predicts for each row: `(rows, outputs, most classes)`.
    pub fn predict(&self, rows: &[f32]) -> Vec<f64> {
        let width = self.extent().width();
        if rows.len() == self.extent().features {
            return self.value_of(self.leaf(rows)).to_vec();
        }
        let mut values = Vec::with_capacity(rows.len() / self.extent().features * width);
        self.apply(rows).iter().for_each(|&leaf| values.extend_from_slice(self.value_of(leaf as usize)));
        values
    }
}

impl<T: Float> Predict<Tensor<T>> for FittedDecisionTreeClassifier<T> {
    type Output = Tensor<i64>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
        validate::matrix_of("DecisionTreeClassifier::predict", x, self.tree.extent().features)?;
        self.labels(&self.tree.predict(&rows_of(x)))
    }
}

impl<T: Float> PredictProba<Tensor<T>> for FittedDecisionTreeClassifier<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        validate::matrix_of("DecisionTreeClassifier::predict_proba", x, self.tree.extent().features)?;
        probabilities(self.tree.predict(&rows_of(x)), self.tree.extent())
    }
}

/// Classes of each output as fields.
pub(crate) fn with_classes(record: Record, classes: &[Vec<i64>]) -> Record {
    record.with("classes", labels(&classes.concat()))
}

/// Classes of outputs that have so many: ascending within each.
pub(crate) fn classes_from(record: &Record, extent: &Extent) -> Result<Vec<Vec<i64>>> {
    let total = extent.classes.iter().try_fold(0usize, |sum, &count| sum.checked_add(count));
    let all = record.tensor_of::<i64>("classes", &[total.unwrap_or(usize::MAX)])?.to_vec();
    let mut start = 0;
    let mut classes = Vec::new();
    for &count in &extent.classes {
        let own = &all[start..start + count];
        if own.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(record.error("classes are not in ascending order"));
        }
        classes.push(own.to_vec());
        start += count;
    }
    Ok(classes)
}

impl<T: Float> Persist for FittedDecisionTreeClassifier<T> {
    const NAME: &'static str = "DecisionTreeClassifier";

    fn to_record(&self) -> Record {
        with_classes(record_of::<T>(Self::NAME), &self.classes).with("tree", self.tree.to_record())
    }

    fn from_record(record: &Record) -> Result<Self> {
        let tree = Tree::from_record(record.record("tree")?)?;
        Ok(Self::new(tree.clone(), classes_from(record, tree.extent())?))
    }
}

impl<T: Float> Model<T> for FittedDecisionTreeClassifier<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.tree.extent().features
    }

    fn predict_any(&self, x: &Features<T>) -> Result<Prediction<T>> {
        Ok(Prediction::Classes(self.predict(&x.to_dense())?))
    }

    fn predict_proba_any(&self, x: &Features<T>) -> Result<Tensor<T>> {
        self.predict_proba(&x.to_dense())
    }

    fn classes(&self) -> Option<&[i64]> {
        self.classes.first().map(Vec::as_slice)
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
