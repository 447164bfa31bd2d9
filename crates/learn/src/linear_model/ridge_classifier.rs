//! Ridge regression on classes.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::class_weight::ClassWeight;
use super::predictor::{Predictor, read_classes};
use super::ridge::{FittedRidge, Ridge, RidgeSolver};
use super::samples::Samples;
use crate::model_file::Persist;
use crate::models::{labels, record_of};
use crate::record::Record;
use crate::validate;

/// [`Ridge`] on targets of -1 and 1, one column for each class (one column for two): the class whose prediction is largest.
///
/// Source: scikit-learn's `RidgeClassifier`.
///
/// ```
/// use barehand_learn::{Fit, Predict, linear_model::{Ridge, RidgeClassifier}};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0], [1.0], [4.0], [5.0f64]]);
/// let model = RidgeClassifier::new(Ridge::new(1.0)).fit(&x, &Tensor::from([3i64, 3, 8, 8]))?;
/// assert_eq!(model.predict(&Tensor::from([[1.5], [4.5]]))?.to_vec(), [3, 8]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RidgeClassifier {
    ridge: Ridge,
    class_weight: ClassWeight,
}

impl RidgeClassifier {
    /// With this regression inside.
    pub fn new(ridge: Ridge) -> Self {
        RidgeClassifier { ridge, class_weight: ClassWeight::None }
    }

    /// How much each class counts (default: 1).
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.class_weight = class_weight;
        self
    }

    fn fitted<T: Float>(
        &self,
        samples: &Samples<T>,
        y: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedRidgeClassifier<T>> {
        const OPERATION: &str = "RidgeClassifier::fit";
        let (n, _) = samples.shape();
        let (classes, codes) = several_classes(OPERATION, y, n)?;
        let weights = sample_weight.map(|w| validate::weights(OPERATION, Some(w), n)).transpose()?;
        let weights = self.class_weight.sample_weights_by_number(OPERATION, &classes, &codes, weights)?;
        let (targets, outputs) = signs(&codes, classes.len());
        let ridge = self.ridge.solved(OPERATION, samples, &targets, outputs, false, weights.as_deref())?;
        Ok(FittedRidgeClassifier::new(ridge, classes))
    }
}

classifier!(RidgeClassifier, FittedRidgeClassifier {});

/// The classes, of which there must be two or more, and each sample's among them.
pub(super) fn several_classes(operation: &str, y: &Tensor<i64>, n: usize) -> Result<(Vec<i64>, Vec<usize>)> {
    let (classes, codes) = validate::classes(operation, y, n)?;
    if classes.len() < 2 {
        let message = format!("every sample is of class {}: at least two classes expected", classes[0]);
        return Err(Error::value(operation, message));
    }
    Ok((classes, codes))
}

/// A column for each class, 1 where it is a sample's and -1 elsewhere; of two classes the second one's alone.
pub(super) fn signs<T: Float>(codes: &[usize], classes: usize) -> (Vec<T>, usize) {
    let columns = if classes == 2 { 1..2 } else { 0..classes };
    let outputs = columns.len();
    let sign = |is: bool| if is { T::ONE } else { -T::ONE };
    (
        codes.iter().flat_map(|&code| columns.clone().map(move |column| sign(column == code))).collect(),
        outputs,
    )
}

/// What [`RidgeClassifier`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRidgeClassifier<T: Float> {
    predictor: Predictor<T>,
    classes: Vec<i64>,
    solver: RidgeSolver,
    n_iter: Option<Vec<i64>>,
}

impl<T: Float> FittedRidgeClassifier<T> {
    pub(super) fn new(ridge: FittedRidge<T>, classes: Vec<i64>) -> Self {
        let n_iter = ridge.n_iter().map(<[i64]>::to_vec);
        FittedRidgeClassifier { solver: ridge.solver(), predictor: ridge.predictor, classes, n_iter }
    }

    /// The way that was gone.
    pub fn solver(&self) -> RidgeSolver {
        self.solver
    }
}

impl<T: Float> Persist for FittedRidgeClassifier<T> {
    const NAME: &'static str = "RidgeClassifier";

    fn to_record(&self) -> Record {
        self.predictor
            .write(record_of::<T>(Self::NAME))
            .with("classes", labels(&self.classes))
            .with("solver", self.solver.name())
            .with("n_iter", self.n_iter.clone().map(Tensor::from))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let predictor = Predictor::read(record)?;
        let n_iter = if record.is_set("n_iter") {
            Some(record.tensor_of::<i64>("n_iter", &[predictor.outputs()])?.to_vec())
        } else {
            None
        };
        Ok(FittedRidgeClassifier {
            classes: read_classes(record, predictor.outputs())?,
            predictor,
            solver: RidgeSolver::named(record.text("solver")?)?,
            n_iter,
        })
    }
}
