//! The traits of estimators that learn targets, which are the same for all of them.

/// `Fit`, `FitWeighted` and `Estimator` of an estimator by a method of its own that takes features, `classes` or `values`,
/// optional weights of samples, and what else is written behind its name.
macro_rules! fits {
    ($estimator:ident, $fitted:ident, classes, $method:ident($($more:expr),*)) => {
        $crate::fitting::fits!(@ $estimator, $fitted, i64, classes, $method($($more),*));
    };
    ($estimator:ident, $fitted:ident, values, $method:ident($($more:expr),*)) => {
        $crate::fitting::fits!(@ $estimator, $fitted, T, values, $method($($more),*));
    };
    (@ $estimator:ident, $fitted:ident, $target:ty, $kind:ident, $method:ident($($more:expr),*)) => {
        impl<T: barehand_tensor::Float>
            $crate::Fit<barehand_tensor::Tensor<T>, barehand_tensor::Tensor<$target>> for $estimator
        {
            type Fitted = $fitted<T>;

            fn fit(
                &self,
                x: &barehand_tensor::Tensor<T>,
                y: &barehand_tensor::Tensor<$target>,
            ) -> barehand_tensor::Result<Self::Fitted> {
                self.$method(&x.clone().into(), y, None $(, $more)*)
            }
        }

        impl<T: barehand_tensor::Float>
            $crate::FitWeighted<barehand_tensor::Tensor<T>, barehand_tensor::Tensor<$target>> for $estimator
        {
            fn fit_weighted(
                &self,
                x: &barehand_tensor::Tensor<T>,
                y: &barehand_tensor::Tensor<$target>,
                sample_weight: &barehand_tensor::Tensor<f64>,
            ) -> barehand_tensor::Result<Self::Fitted> {
                self.$method(&x.clone().into(), y, Some(sample_weight) $(, $more)*)
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
                let fitted: $fitted<T> = self.$method(x, y.$kind(OPERATION)?, sample_weight $(, $more)*)?;
                Ok(Box::new(fitted))
            }
        }
    };
}
pub(crate) use fits;
