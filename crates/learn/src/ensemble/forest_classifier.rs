//! Forests that tell classes apart.

use std::any::Any;
use std::marker::PhantomData;

use barehand_tensor::{Float, Result, Tensor};

use super::forest::{Forest, ForestParameters, Growth, OutOfBag, forest_model, forest_setters};
use crate::dynamic::{Features, Model, Prediction};
use crate::estimator::{Predict, PredictProba};
use crate::fitting::fits;
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::tree::{
    ClassWeight, ClassificationCriterion, Columns, Extent, FittedDecisionTreeClassifier, MaxFeatures,
    Splitter, TreeParameters, balanced, class_targets, classes_from, most_probable, probabilities, rows_of,
    tree_setters, with_classes,
};
use crate::validate;

macro_rules! forest {
    ($(#[$doc:meta])* $name:ident, $splitter:expr, $bootstrap:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            criterion: ClassificationCriterion,
            class_weight: Option<ClassWeight>,
            balanced_subsample: bool,
            tree: TreeParameters,
            forest: ForestParameters,
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    criterion: ClassificationCriterion::Gini,
                    class_weight: None,
                    balanced_subsample: false,
                    tree: TreeParameters {
                        splitter: $splitter,
                        max_features: MaxFeatures::Sqrt,
                        ..TreeParameters::default()
                    },
                    forest: ForestParameters::new($bootstrap),
                }
            }
        }

        impl $name {
            /// A hundred trees, of which each node looks at as many features as the square root of their number.
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

            /// Whether classes count alike in each bootstrap sample (default: no).
            pub fn balanced_subsample(mut self, balanced: bool) -> Self {
                self.balanced_subsample = balanced;
                self
            }

            forest_setters!();
            tree_setters!();

            /// The forest of features `(N, D)` and labels `(N)` or `(N, outputs)`.
            ///
            /// # Errors
            /// As [`DecisionTreeClassifier::fit`](crate::tree::DecisionTreeClassifier::fit).
            pub fn fit<T: Float>(
                &self,
                x: &Tensor<T>,
                y: &Tensor<i64>,
            ) -> Result<FittedForestClassifier<T>> {
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
                y: &Tensor<i64>,
                sample_weight: Option<&Tensor<f64>>,
                seeds: Option<&[u32]>,
            ) -> Result<FittedForestClassifier<T>> {
                let growth = Classifier {
                    operation: concat!(stringify!($name), "::fit"),
                    criterion: self.criterion,
                    class_weight: self.class_weight.as_ref(),
                    balanced_subsample: self.balanced_subsample,
                    tree: &self.tree,
                    forest: &self.forest,
                };
                growth.fit(stringify!($name), x, y, sample_weight, seeds)
            }
        }

        fits!($name, FittedForestClassifier, classes, fitted(None));
    };
}

forest!(
    /// A random forest for classes: trees on bootstrap samples, whose shares of classes are averaged.
    ///
    /// Source: scikit-learn's `RandomForestClassifier`, whose forests these are for the same seed.
    ///
    /// ```
    /// use barehand_learn::{Predict, ensemble::RandomForestClassifier};
    /// use barehand_tensor::Tensor;
    ///
    /// let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0], [4.0], [5.0]]);
    /// let y = Tensor::from([0i64, 0, 0, 1, 1, 1]);
    /// let forest = RandomForestClassifier::new().n_estimators(20).seed(1).fit(&x, &y)?;
    /// assert_eq!(forest.predict(&x)?, y);
    /// # Ok::<(), barehand_tensor::Error>(())
    /// ```
    RandomForestClassifier, Splitter::Best, true
);
forest!(
    /// Extra trees for classes: every tree sees every sample, and cuts features at random.
    ///
    /// Source: scikit-learn's `ExtraTreesClassifier`.
    ExtraTreesClassifier, Splitter::Random, false
);

struct Classifier<'a> {
    operation: &'static str,
    criterion: ClassificationCriterion,
    class_weight: Option<&'a ClassWeight>,
    balanced_subsample: bool,
    tree: &'a TreeParameters,
    forest: &'a ForestParameters,
}

impl Classifier<'_> {
    fn fit<A: Float, T: Float>(
        &self,
        name: &'static str,
        x: &Features<A>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
        seeds: Option<&[u32]>,
    ) -> Result<FittedForestClassifier<T>> {
        let operation = self.operation;
        let columns = Columns::new(operation, x, self.tree.bins(), &self.tree.categorical_features)?;
        let n = columns.rows();
        let (codes, classes) = class_targets(operation, y, n)?;
        let mut weights = validate::weights(operation, sample_weight, n)?;
        if let Some(class_weight) = self.class_weight {
            class_weight.apply(operation, &codes, &classes, &mut weights)?;
            validate::weights(operation, Some(&weights.clone().into()), n)?;
        }
        let counts: Vec<usize> = classes.iter().map(Vec::len).collect();
        let plan = self.tree.plan(operation, n, columns.features(), counts.len(), Some(&counts))?;
        let outputs = counts.len();
        let reweight = |drawn: &mut [f64]| {
            let mut factors = vec![1.0; drawn.len()];
            for (output, &count) in counts.iter().enumerate() {
                let code = |row: usize| codes[row * outputs + output] as usize;
                let mut sums = vec![0.0; count];
                drawn.iter().enumerate().for_each(|(row, times)| sums[code(row)] += times);
                let of_class = balanced(&sums);
                factors.iter_mut().enumerate().for_each(|(row, factor)| *factor *= of_class[code(row)]);
            }
            drawn.iter_mut().zip(factors).for_each(|(times, factor)| *times *= factor);
        };
        let weighted = sample_weight.is_some() || self.class_weight.is_some();
        let growth = Growth {
            operation,
            columns: &columns,
            targets: &codes,
            weights: weighted.then_some(&weights),
            kind: self.criterion.kind(),
            extent: Extent { features: columns.features(), classes: counts.clone() },
            plan,
            reweight: if self.balanced_subsample { Some(&reweight) } else { None },
        };
        let forest = self.forest.grow(&growth, seeds)?;
        Ok(FittedForestClassifier { name, forest, classes, element: PhantomData })
    }
}

/// What a forest of trees learned of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedForestClassifier<T: Float> {
    name: &'static str,
    forest: Forest,
    classes: Vec<Vec<i64>>,
    element: PhantomData<T>,
}

impl<T: Float> FittedForestClassifier<T> {
    /// The classes of each output, in ascending order.
    pub fn output_classes(&self) -> &[Vec<i64>] {
        &self.classes
    }

    /// Tree `i` as a model of its own.
    ///
    /// # Panics
    /// There are not as many trees.
    pub fn tree(&self, i: usize) -> FittedDecisionTreeClassifier<T> {
        FittedDecisionTreeClassifier::new(self.forest.trees()[i].clone(), self.classes.clone())
    }

    /// The most probable class of each row of what [`Forest::predict`] says: `(N)`, or `(N, outputs)` for several outputs.
    ///
    /// # Errors
    /// None.
    pub fn labels(&self, values: &[f64]) -> Result<Tensor<i64>> {
        most_probable(values, &self.classes)
    }
}

forest_model!(FittedForestClassifier);

impl<T: Float> Predict<Tensor<T>> for FittedForestClassifier<T> {
    type Output = Tensor<i64>;

    fn predict(&self, x: &Tensor<T>) -> Result<Tensor<i64>> {
        validate::matrix_of(self.name, x, self.forest.extent().features)?;
        self.labels(&self.forest.predict(&rows_of(x)))
    }
}

impl<T: Float> PredictProba<Tensor<T>> for FittedForestClassifier<T> {
    type Output = Tensor<T>;

    fn predict_proba(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        validate::matrix_of(self.name, x, self.forest.extent().features)?;
        probabilities(self.forest.predict(&rows_of(x)), self.forest.extent())
    }
}

impl<T: Float> Persist for FittedForestClassifier<T> {
    const NAME: &'static str = "ForestClassifier";

    fn to_record(&self) -> Record {
        let record = with_classes(record_of::<T>(Self::NAME), &self.classes);
        self.forest.to_record(record.with("estimator", self.name))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let forest = Forest::from_record(record)?;
        let name = Forest::name_in(record, ["RandomForestClassifier", "ExtraTreesClassifier"])?;
        let classes = classes_from(record, forest.extent())?;
        Ok(FittedForestClassifier { name, forest, classes, element: PhantomData })
    }
}

impl<T: Float> Model<T> for FittedForestClassifier<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn features(&self) -> usize {
        self.forest.extent().features
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
