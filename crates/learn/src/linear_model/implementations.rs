//! The traits of linear estimators, which are the same for all of them.

/// A regressor with `fitted(&Samples, &Tensor<T>, weights)` and its model, which has `predictor` and `single`.
macro_rules! regressor {
    ($estimator:ident, $fitted:ident) => {
        fits_values!($estimator, $fitted);
        predicts_values!($estimator, $fitted);
    };
}

/// `Fit`, `FitWeighted` and `Estimator` of a regressor, for dense and sparse features.
macro_rules! fits_values {
    ($estimator:ident, $fitted:ident) => {
        impl_fit!($estimator, $fitted, barehand_tensor::Tensor<T>, barehand_tensor::Tensor<T>);
        impl_fit!($estimator, $fitted, barehand_tensor::CsrMatrix<T>, barehand_tensor::Tensor<T>);

        impl<T: barehand_tensor::Float> $crate::Estimator<T> for $estimator {
            fn name(&self) -> &'static str {
                stringify!($estimator)
            }

            fn fit_any(
                &self,
                x: &$crate::Features<T>,
                y: &$crate::Target<T>,
                sample_weight: Option<&barehand_tensor::Tensor<f64>>,
            ) -> barehand_tensor::Result<Box<dyn $crate::Model<T>>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::fit");
                let samples = $crate::linear_model::samples::AsSamples::samples(x, OPERATION)?;
                Ok(Box::new(self.fitted(&samples, y.values(OPERATION)?, sample_weight)?))
            }
        }
    };
}

/// `Fit`, `FitWeighted` and `Estimator` of a search for targets of this type, what is left of which is the `model` it found.
macro_rules! selects {
    ($estimator:ident, $fitted:ident, $targets:ident: $element:ty) => {
        impl_fit!($estimator, $fitted, barehand_tensor::Tensor<T>, barehand_tensor::Tensor<$element>);
        impl_fit!($estimator, $fitted, barehand_tensor::CsrMatrix<T>, barehand_tensor::Tensor<$element>);

        impl $estimator {
            /// As `fit`, of features of either kind, with weights or without.
            ///
            /// # Errors
            /// As `fit`.
            pub fn search<T: barehand_tensor::Float>(
                &self,
                x: &impl $crate::linear_model::samples::AsSamples<T>,
                y: &barehand_tensor::Tensor<$element>,
                sample_weight: Option<&barehand_tensor::Tensor<f64>>,
            ) -> barehand_tensor::Result<$fitted<T>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::fit");
                self.fitted(&x.samples(OPERATION)?, y, sample_weight)
            }
        }

        impl<T: barehand_tensor::Float> $crate::Estimator<T> for $estimator {
            fn name(&self) -> &'static str {
                stringify!($estimator)
            }

            fn fit_any(
                &self,
                x: &$crate::Features<T>,
                y: &$crate::Target<T>,
                sample_weight: Option<&barehand_tensor::Tensor<f64>>,
            ) -> barehand_tensor::Result<Box<dyn $crate::Model<T>>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::fit");
                Ok(Box::new(self.search(x, y.$targets(OPERATION)?, sample_weight)?.into_model()))
            }
        }
    };
}

/// `Predict` and `Model` of a regressor's model, for dense and sparse features.
macro_rules! predicts_values {
    ($estimator:ident, $fitted:ident) => {
        impl_predict!($estimator, $fitted, barehand_tensor::Tensor<T>);
        impl_predict!($estimator, $fitted, barehand_tensor::CsrMatrix<T>);

        impl<T: barehand_tensor::Float> $fitted<T> {
            /// Coefficients, `(outputs, D)`.
            pub fn coef(&self) -> &barehand_tensor::Tensor<T> {
                &self.predictor.coef
            }

            /// Intercepts, `(outputs)`; zeros where none were fitted.
            pub fn intercept(&self) -> &barehand_tensor::Tensor<T> {
                &self.predictor.intercept
            }
        }

        impl<T: barehand_tensor::Float> $crate::Model<T> for $fitted<T> {
            fn name(&self) -> &'static str {
                <Self as $crate::Persist>::NAME
            }

            fn features(&self) -> usize {
                self.predictor.features()
            }

            fn predict_any(&self, x: &$crate::Features<T>) -> barehand_tensor::Result<$crate::Prediction<T>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::predict");
                Ok($crate::Prediction::Values(self.predictor.values(OPERATION, x, self.single)?))
            }

            fn record(&self) -> $crate::Record {
                $crate::Persist::to_record(self)
            }

            fn as_any(&self) -> &dyn std::any::Any {
                self
            }
        }
    };
}

/// `Fit` and `FitWeighted` of features and targets of these types.
macro_rules! impl_fit {
    ($estimator:ident, $fitted:ident, $features:ty, $targets:ty) => {
        impl<T: barehand_tensor::Float> $crate::Fit<$features, $targets> for $estimator {
            type Fitted = $fitted<T>;

            fn fit(&self, x: &$features, y: &$targets) -> barehand_tensor::Result<Self::Fitted> {
                const OPERATION: &str = concat!(stringify!($estimator), "::fit");
                self.fitted(&$crate::linear_model::samples::AsSamples::samples(x, OPERATION)?, y, None)
            }
        }

        impl<T: barehand_tensor::Float> $crate::FitWeighted<$features, $targets> for $estimator {
            fn fit_weighted(
                &self,
                x: &$features,
                y: &$targets,
                sample_weight: &barehand_tensor::Tensor<f64>,
            ) -> barehand_tensor::Result<Self::Fitted> {
                const OPERATION: &str = concat!(stringify!($estimator), "::fit");
                let samples = $crate::linear_model::samples::AsSamples::samples(x, OPERATION)?;
                self.fitted(&samples, y, Some(sample_weight))
            }
        }
    };
}

macro_rules! impl_predict {
    ($estimator:ident, $fitted:ident, $features:ty) => {
        impl<T: barehand_tensor::Float> $crate::Predict<$features> for $fitted<T> {
            type Output = barehand_tensor::Tensor<T>;

            fn predict(&self, x: &$features) -> barehand_tensor::Result<barehand_tensor::Tensor<T>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::predict");
                self.predictor.values(OPERATION, x, self.single)
            }
        }
    };
}

/// The same of a classifier with `fitted(&Samples, &Tensor<i64>, weights)`, whose model has `predictor` and `classes`; the
/// model's `Model` is written with `model:` and what else it can do.
macro_rules! classifier {
    ($estimator:ident, $fitted:ident { $($more:item)* }) => {
        impl_classifier!($estimator, $fitted, barehand_tensor::Tensor<T>);
        impl_classifier!($estimator, $fitted, barehand_tensor::CsrMatrix<T>);

        impl<T: barehand_tensor::Float> $crate::Estimator<T> for $estimator {
            fn name(&self) -> &'static str {
                stringify!($estimator)
            }

            fn fit_any(
                &self,
                x: &$crate::Features<T>,
                y: &$crate::Target<T>,
                sample_weight: Option<&barehand_tensor::Tensor<f64>>,
            ) -> barehand_tensor::Result<Box<dyn $crate::Model<T>>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::fit");
                let samples = $crate::linear_model::samples::AsSamples::samples(x, OPERATION)?;
                Ok(Box::new(self.fitted(&samples, y.classes(OPERATION)?, sample_weight)?))
            }
        }

        impl<T: barehand_tensor::Float> $fitted<T> {
            /// Coefficients, `(1, D)` for two classes, else `(classes, D)`.
            pub fn coef(&self) -> &barehand_tensor::Tensor<T> {
                &self.predictor.coef
            }

            /// Intercepts, one for each row of coefficients; zeros where none were fitted.
            pub fn intercept(&self) -> &barehand_tensor::Tensor<T> {
                &self.predictor.intercept
            }

            /// The classes, in ascending order.
            pub fn classes(&self) -> &[i64] {
                &self.classes
            }
        }

        impl<T: barehand_tensor::Float> $crate::Model<T> for $fitted<T> {
            fn name(&self) -> &'static str {
                <Self as $crate::Persist>::NAME
            }

            fn features(&self) -> usize {
                self.predictor.features()
            }

            fn predict_any(
                &self,
                x: &$crate::Features<T>,
            ) -> barehand_tensor::Result<$crate::Prediction<T>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::predict");
                let scores = self.predictor.scores(OPERATION, x)?;
                let classes = $crate::linear_model::predictor::classes_of_scores(&scores, &self.classes);
                Ok($crate::Prediction::Classes(classes))
            }

            fn decision_function_any(
                &self,
                x: &$crate::Features<T>,
            ) -> barehand_tensor::Result<barehand_tensor::Tensor<T>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::decision_function");
                self.predictor.values(OPERATION, x, self.classes.len() == 2)
            }

            fn classes(&self) -> Option<&[i64]> {
                Some(&self.classes)
            }

            fn record(&self) -> $crate::Record {
                $crate::Persist::to_record(self)
            }

            fn as_any(&self) -> &dyn std::any::Any {
                self
            }

            $($more)*
        }
    };
}

macro_rules! impl_classifier {
    ($estimator:ident, $fitted:ident, $features:ty) => {
        impl_fit!($estimator, $fitted, $features, barehand_tensor::Tensor<i64>);

        impl<T: barehand_tensor::Float> $crate::Predict<$features> for $fitted<T> {
            type Output = barehand_tensor::Tensor<i64>;

            fn predict(&self, x: &$features) -> barehand_tensor::Result<barehand_tensor::Tensor<i64>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::predict");
                let scores = self.predictor.scores(OPERATION, x)?;
                Ok($crate::linear_model::predictor::classes_of_scores(&scores, &self.classes))
            }
        }

        impl<T: barehand_tensor::Float> $crate::DecisionFunction<$features> for $fitted<T> {
            type Output = barehand_tensor::Tensor<T>;

            fn decision_function(
                &self,
                x: &$features,
            ) -> barehand_tensor::Result<barehand_tensor::Tensor<T>> {
                const OPERATION: &str = concat!(stringify!($estimator), "::decision_function");
                self.predictor.values(OPERATION, x, self.classes.len() == 2)
            }
        }
    };
}
