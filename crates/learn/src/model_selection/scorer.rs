//! How good a model is: scikit-learn's scores by their names, larger is better.

use std::fmt;
use std::str::FromStr;

use barehand_metrics::{
    Accuracy, Average, BalancedAccuracy, BrierScore, ColumnAverage, ConfusionMatrix, Curves, LogLoss,
    MultiClass, PrecisionRecall, Regression, RocAuc, TopKAccuracy, mean_of_outputs,
};
use barehand_tensor::{Error, Float, Result, Tensor};

use crate::dynamic::{Features, Model, Prediction, Target};

/// Says how good a model is on samples; more is better.
///
/// [`Scorer`] has scikit-learn's scores; [`Scorer::custom`] makes one of a closure.
pub trait Score<T: Float>: Send + Sync {
    /// What it is called in tables.
    fn name(&self) -> &str;

    /// The score of a model on these samples.
    ///
    /// # Errors
    /// The model does not give what the score is made of, or the score is not defined.
    fn score(
        &self,
        model: &dyn Model<T>,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<f64>;
}

/// The scores, each with scikit-learn's name and what it is.
macro_rules! scorers {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// scikit-learn's scores, by its names: `"accuracy".parse()`.
        ///
        /// Losses are negative, so that more is better. `F1`, `Precision`, `Recall` and `Jaccard` are those of class 1 of two
        /// classes; with an average they take any number.
        ///
        /// ```
        /// use barehand_learn::model_selection::Scorer;
        ///
        /// assert_eq!("neg_log_loss".parse::<Scorer>()?, Scorer::NegLogLoss);
        /// assert_eq!(Scorer::F1Macro.to_string(), "f1_macro");
        /// # Ok::<(), barehand_tensor::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Scorer {
            /// What the kind of the targets suggests: accuracy for classes, the coefficient of determination for values.
            #[default]
            Default,
            $(#[doc = $doc] $variant,)*
        }

        const NAMES: &[(Scorer, &str)] = &[(Scorer::Default, "score"), $((Scorer::$variant, $name),)*];
    };
}

scorers! {
    Accuracy "accuracy" "The share of right predictions.",
    BalancedAccuracy "balanced_accuracy" "The mean recall of the classes.",
    F1 "f1" "The harmonic mean of precision and recall of class 1.",
    F1Micro "f1_micro" "F1 of all samples as one.",
    F1Macro "f1_macro" "The mean of the classes' F1.",
    F1Weighted "f1_weighted" "The mean of the classes' F1, weighted by their samples.",
    Precision "precision" "Of what is predicted to be class 1, how much is.",
    PrecisionMicro "precision_micro" "Precision of all samples as one.",
    PrecisionMacro "precision_macro" "The mean of the classes' precision.",
    PrecisionWeighted "precision_weighted" "The mean of the classes' precision, weighted by their samples.",
    Recall "recall" "Of what is class 1, how much is predicted to be.",
    RecallMicro "recall_micro" "Recall of all samples as one.",
    RecallMacro "recall_macro" "The mean of the classes' recall.",
    RecallWeighted "recall_weighted" "The mean of the classes' recall, weighted by their samples.",
    Jaccard "jaccard" "Of what is, or is predicted to be, class 1, how much is both.",
    JaccardMicro "jaccard_micro" "Jaccard of all samples as one.",
    JaccardMacro "jaccard_macro" "The mean of the classes' Jaccard.",
    JaccardWeighted "jaccard_weighted" "The mean of the classes' Jaccard, weighted by their samples.",
    MatthewsCorrcoef "matthews_corrcoef" "The correlation of true and predicted classes.",
    TopKAccuracy "top_k_accuracy" "The share of samples whose class is among the two most probable.",
    RocAuc "roc_auc" "The area under the curve of true over false positives, of two classes.",
    RocAucOvr "roc_auc_ovr" "The mean of the classes' areas, each against all others.",
    RocAucOvo "roc_auc_ovo" "The mean of the areas of all pairs of classes.",
    RocAucOvrWeighted "roc_auc_ovr_weighted" "As `RocAucOvr`, weighted by the classes' samples.",
    RocAucOvoWeighted "roc_auc_ovo_weighted" "As `RocAucOvo`, weighted by the classes' samples.",
    AveragePrecision "average_precision" "The area under the curve of precision over recall, of two classes.",
    NegLogLoss "neg_log_loss" "The logarithm of the probability of the right class, averaged.",
    NegBrierScore "neg_brier_score" "The mean squared error of the probabilities, negative.",
    D2BrierScore "d2_brier_score" "How much better the probabilities are than the classes' frequencies.",
    R2 "r2" "The coefficient of determination.",
    ExplainedVariance "explained_variance" "The share of the targets' variance that is explained.",
    NegMeanSquaredError "neg_mean_squared_error" "The mean squared error, negative.",
    NegRootMeanSquaredError "neg_root_mean_squared_error" "Its square root, negative.",
    NegMeanAbsoluteError "neg_mean_absolute_error" "The mean absolute error, negative.",
    NegMedianAbsoluteError "neg_median_absolute_error" "The median absolute error, negative.",
    NegMeanAbsolutePercentageError "neg_mean_absolute_percentage_error" "The mean relative error, negative.",
    NegMeanSquaredLogError "neg_mean_squared_log_error" "The mean squared error of `ln(1 + y)`, negative.",
    NegRootMeanSquaredLogError "neg_root_mean_squared_log_error" "Its square root, negative.",
    NegMaxError "neg_max_error" "The largest error, negative.",
    NegMeanPoissonDeviance "neg_mean_poisson_deviance" "The mean Poisson deviance, negative.",
    NegMeanGammaDeviance "neg_mean_gamma_deviance" "The mean gamma deviance, negative.",
    D2AbsoluteError "d2_absolute_error_score" "How much better the absolute error is than that of the median.",
    RandIndex "rand_score" "The share of pairs of samples on which clusters and classes agree.",
    AdjustedRand "adjusted_rand_score" "The same, beyond chance.",
    MutualInfo "mutual_info_score" "What clusters say about classes.",
    AdjustedMutualInfo "adjusted_mutual_info_score" "The same, beyond chance.",
    NormalizedMutualInfo "normalized_mutual_info_score" "The same, of what there is to say.",
    Homogeneity "homogeneity_score" "Whether each cluster holds one class only.",
    Completeness "completeness_score" "Whether each class lies in one cluster only.",
    VMeasure "v_measure_score" "The harmonic mean of both.",
    FowlkesMallows "fowlkes_mallows_score" "The geometric mean of precision and recall over pairs of samples.",
}

impl Scorer {
    /// A score of one's own.
    ///
    /// ```
    /// use barehand_learn::model_selection::{Score, Scorer};
    /// use barehand_learn::{Features, Model, Target};
    ///
    /// let columns = Scorer::custom("columns", |model: &dyn Model<f64>, _: &Features<f64>, _: &Target<f64>| {
    ///     Ok(model.features() as f64)
    /// });
    /// assert_eq!(columns.name(), "columns");
    /// ```
    pub fn custom<T: Float>(
        name: impl Into<String>,
        score: impl Fn(&dyn Model<T>, &Features<T>, &Target<T>) -> Result<f64> + Send + Sync,
    ) -> impl Score<T> {
        Custom { name: name.into(), score }
    }

    fn text(self) -> &'static str {
        NAMES.iter().find(|(scorer, _)| *scorer == self).map_or("score", |(_, name)| name)
    }
}

impl fmt::Display for Scorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for Scorer {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(scorer, _)| *scorer).ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
            Error::value("Scorer", format!("{name:?} is none of {}", known.join(", ")))
        })
    }
}

struct Custom<F> {
    name: String,
    score: F,
}

impl<T: Float, F> Score<T> for Custom<F>
where
    F: Fn(&dyn Model<T>, &Features<T>, &Target<T>) -> Result<f64> + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn score(
        &self,
        model: &dyn Model<T>,
        x: &Features<T>,
        y: &Target<T>,
        _: Option<&Tensor<f64>>,
    ) -> Result<f64> {
        (self.score)(model, x, y)
    }
}

/// What a score is made of: asked of the model when it is needed.
struct Asked<'a, T: Float> {
    name: &'static str,
    model: &'a dyn Model<T>,
    x: &'a Features<T>,
    y: &'a Target<T>,
    sample_weight: Option<&'a Tensor<f64>>,
}

/// Options with the weights of the samples, where there are some.
macro_rules! weighted {
    ($options:expr, $asked:expr) => {
        match $asked.sample_weight {
            Some(weights) => $options.sample_weight(weights),
            None => $options,
        }
    };
}

impl<'a, T: Float> Asked<'a, T> {
    /// True labels.
    fn truth(&self) -> Result<&'a Tensor<i64>> {
        self.y.classes(self.name)
    }

    /// Predicted labels.
    fn labels(&self) -> Result<Tensor<i64>> {
        match self.model.predict_any(self.x)? {
            Prediction::Classes(labels) => Ok(labels),
            Prediction::Values(_) => {
                Err(Error::value(self.name, format!("{} predicts no classes", self.model.name())))
            }
        }
    }

    fn classes(&self) -> &'a [i64] {
        self.model.classes().unwrap_or_default()
    }

    /// How much each sample belongs to the larger of two classes.
    fn binary_scores(&self) -> Result<Tensor<T>> {
        if let Ok(scores) = self.model.decision_function_any(self.x) {
            return Ok(scores);
        }
        let probabilities = self.model.predict_proba_any(self.x)?;
        match *probabilities.shape() {
            [_, 2] => probabilities.select(1, 1),
            _ => Ok(probabilities),
        }
    }

    fn averaged(&self, average: Average) -> Result<barehand_metrics::Scores> {
        weighted!(PrecisionRecall::new(), self).average(self.truth()?, &self.labels()?, average)
    }

    fn areas(&self, multi_class: MultiClass, average: ColumnAverage) -> Result<f64> {
        let options = weighted!(RocAuc::new(), self);
        let options = options.multi_class(multi_class).average(average).labels(self.classes());
        options.score(self.truth()?, &self.model.predict_proba_any(self.x)?)
    }

    /// True and predicted values side by side.
    fn values(&self) -> Result<Regression> {
        let Prediction::Values(predicted) = self.model.predict_any(self.x)? else {
            return Err(Error::value(self.name, format!("{} predicts no values", self.model.name())));
        };
        let truth = self.y.values(self.name)?;
        // A column, or no column, of one output.
        let predicted = if predicted.len() == truth.len() && predicted.rank() != truth.rank() {
            predicted.reshape(truth.shape().iter().map(|&n| n as isize).collect::<Vec<_>>())?
        } else {
            predicted
        };
        let values = Regression::new(truth, &predicted)?;
        match self.sample_weight {
            Some(weights) => values.sample_weight(weights),
            None => Ok(values),
        }
    }

    /// A loss of every output, averaged, negative.
    fn loss(&self, loss: impl Fn(&Regression) -> Vec<f64>) -> Result<f64> {
        Ok(-mean_of_outputs(&loss(&self.values()?), None)?)
    }

    fn clusters(&self, score: fn(&Tensor<i64>, &Tensor<i64>) -> Result<f64>) -> Result<f64> {
        score(self.truth()?, &self.labels()?)
    }
}

impl<T: Float> Score<T> for Scorer {
    fn name(&self) -> &str {
        self.text()
    }

    fn score(
        &self,
        model: &dyn Model<T>,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<f64> {
        let asked = Asked { name: self.text(), model, x, y, sample_weight };
        let binary = Average::Binary { pos_label: 1 };
        match self {
            Scorer::Default => match y {
                Target::Classes(_) => Scorer::Accuracy.score(model, x, y, sample_weight),
                Target::Values(_) => Scorer::R2.score(model, x, y, sample_weight),
                Target::None => Err(Error::value(asked.name, "without targets a score must be named")),
            },
            Scorer::Accuracy => weighted!(Accuracy::new(), asked).score(asked.truth()?, &asked.labels()?),
            Scorer::BalancedAccuracy => {
                weighted!(BalancedAccuracy::new(), asked).score(asked.truth()?, &asked.labels()?)
            }
            Scorer::F1 => Ok(asked.averaged(binary)?.f_beta),
            Scorer::F1Micro => Ok(asked.averaged(Average::Micro)?.f_beta),
            Scorer::F1Macro => Ok(asked.averaged(Average::Macro)?.f_beta),
            Scorer::F1Weighted => Ok(asked.averaged(Average::Weighted)?.f_beta),
            Scorer::Precision => Ok(asked.averaged(binary)?.precision),
            Scorer::PrecisionMicro => Ok(asked.averaged(Average::Micro)?.precision),
            Scorer::PrecisionMacro => Ok(asked.averaged(Average::Macro)?.precision),
            Scorer::PrecisionWeighted => Ok(asked.averaged(Average::Weighted)?.precision),
            Scorer::Recall => Ok(asked.averaged(binary)?.recall),
            Scorer::RecallMicro => Ok(asked.averaged(Average::Micro)?.recall),
            Scorer::RecallMacro => Ok(asked.averaged(Average::Macro)?.recall),
            Scorer::RecallWeighted => Ok(asked.averaged(Average::Weighted)?.recall),
            Scorer::Jaccard => Ok(asked.averaged(binary)?.jaccard),
            Scorer::JaccardMicro => Ok(asked.averaged(Average::Micro)?.jaccard),
            Scorer::JaccardMacro => Ok(asked.averaged(Average::Macro)?.jaccard),
            Scorer::JaccardWeighted => Ok(asked.averaged(Average::Weighted)?.jaccard),
            Scorer::MatthewsCorrcoef => {
                let (truth, labels) = (asked.truth()?, asked.labels()?);
                Ok(match sample_weight {
                    None => ConfusionMatrix::<i64>::new(truth, &labels)?.matthews(),
                    Some(weights) => ConfusionMatrix::weighted(truth, &labels, weights, None)?.matthews(),
                })
            }
            Scorer::TopKAccuracy => {
                let scores = model.decision_function_any(x).or_else(|_| model.predict_proba_any(x))?;
                weighted!(TopKAccuracy::new(2).labels(asked.classes()), asked).score(asked.truth()?, &scores)
            }
            Scorer::RocAuc => weighted!(RocAuc::new(), asked).score(asked.truth()?, &asked.binary_scores()?),
            Scorer::RocAucOvr => asked.areas(MultiClass::OneVsRest, ColumnAverage::Macro),
            Scorer::RocAucOvo => asked.areas(MultiClass::OneVsOne, ColumnAverage::Macro),
            Scorer::RocAucOvrWeighted => asked.areas(MultiClass::OneVsRest, ColumnAverage::Weighted),
            Scorer::RocAucOvoWeighted => asked.areas(MultiClass::OneVsOne, ColumnAverage::Weighted),
            Scorer::AveragePrecision => {
                weighted!(Curves::new(), asked).average_precision(asked.truth()?, &asked.binary_scores()?)
            }
            Scorer::NegLogLoss => {
                let options = weighted!(LogLoss::new().labels(asked.classes()), asked);
                Ok(-options.score(asked.truth()?, &model.predict_proba_any(x)?)?)
            }
            Scorer::NegBrierScore => {
                let options = weighted!(BrierScore::new().labels(asked.classes()), asked);
                Ok(-options.score(asked.truth()?, &model.predict_proba_any(x)?)?)
            }
            Scorer::D2BrierScore => {
                let options = weighted!(BrierScore::new().labels(asked.classes()), asked);
                options.d2(asked.truth()?, &model.predict_proba_any(x)?)
            }
            Scorer::R2 => mean_of_outputs(&asked.values()?.r2()?.scores(true), None),
            Scorer::ExplainedVariance => {
                mean_of_outputs(&asked.values()?.explained_variance().scores(true), None)
            }
            Scorer::NegMeanSquaredError => asked.loss(Regression::mean_squared_error),
            Scorer::NegRootMeanSquaredError => asked.loss(Regression::root_mean_squared_error),
            Scorer::NegMeanAbsoluteError => asked.loss(Regression::mean_absolute_error),
            Scorer::NegMedianAbsoluteError => asked.loss(Regression::median_absolute_error),
            Scorer::NegMeanAbsolutePercentageError => asked.loss(Regression::mean_absolute_percentage_error),
            Scorer::NegMeanSquaredLogError => {
                Ok(-mean_of_outputs(&asked.values()?.mean_squared_log_error()?, None)?)
            }
            Scorer::NegRootMeanSquaredLogError => {
                Ok(-mean_of_outputs(&asked.values()?.root_mean_squared_log_error()?, None)?)
            }
            Scorer::NegMaxError => asked.loss(Regression::max_error),
            Scorer::NegMeanPoissonDeviance => Ok(-asked.values()?.mean_tweedie_deviance(1.0)?),
            Scorer::NegMeanGammaDeviance => Ok(-asked.values()?.mean_tweedie_deviance(2.0)?),
            Scorer::D2AbsoluteError => mean_of_outputs(&asked.values()?.d2_pinball(0.5)?.scores(true), None),
            Scorer::RandIndex => asked.clusters(barehand_metrics::rand_index),
            Scorer::AdjustedRand => asked.clusters(barehand_metrics::adjusted_rand),
            Scorer::MutualInfo => asked.clusters(barehand_metrics::mutual_info),
            Scorer::AdjustedMutualInfo => asked.clusters(barehand_metrics::adjusted_mutual_info),
            Scorer::NormalizedMutualInfo => asked.clusters(barehand_metrics::normalized_mutual_info),
            Scorer::Homogeneity => asked.clusters(barehand_metrics::homogeneity),
            Scorer::Completeness => asked.clusters(barehand_metrics::completeness),
            Scorer::VMeasure => asked.clusters(barehand_metrics::v_measure),
            Scorer::FowlkesMallows => asked.clusters(barehand_metrics::fowlkes_mallows),
        }
    }
}
