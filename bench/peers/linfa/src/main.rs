//! linfa's side of `run.py`: estimators as its examples write them.

use barehand_bench_protocol::{Result, Settings, Work, serve};
use linfa::prelude::*;
use linfa_clustering::{KMeans, KMeansInit};
use linfa_linear::LinearRegression;
use linfa_logistic::LogisticRegression;
use linfa_preprocessing::linear_scaling::LinearScaler;
use linfa_trees::DecisionTree;
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256Plus;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

/// Fits, and where it is asked says what all sides must agree on.
type Fitting = fn(&Data, bool) -> Result<Vec<f64>>;

struct Data {
    x: Array2<f64>,
    y: Array1<f64>,
    classes: Array1<usize>,
    x_test: Array2<f64>,
    test_classes: Array1<usize>,
    init: Array2<f64>,
}

struct Estimator {
    data: Data,
    fit: Fitting,
}

fn numbers(view: Option<TensorView<'_>>) -> Result<(Vec<f64>, Vec<usize>)> {
    use safetensors::Dtype::{F32, F64, I64};
    let Some(view) = view else { return Ok((Vec::new(), vec![0, 0])) };
    let bytes = view.data();
    let values = match view.dtype() {
        F32 => bytes.as_chunks::<4>().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect(),
        F64 => bytes.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
        I64 => bytes.as_chunks::<8>().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
        other => return Err(format!("elements of {other:?}").into()),
    };
    Ok((values, view.shape().to_vec()))
}

impl Data {
    fn read(file: &str) -> Result<Data> {
        let bytes = std::fs::read(file)?;
        let tensors = SafeTensors::deserialize(&bytes)?;
        let matrix = |name: &str| -> Result<Array2<f64>> {
            let (values, shape) = numbers(tensors.tensor(name).ok())?;
            Ok(Array2::from_shape_vec((shape[0], shape[1]), values)?)
        };
        let vector = |name: &str| -> Result<Array1<f64>> { Ok(numbers(tensors.tensor(name).ok())?.0.into()) };
        let (y, y_test) = (vector("y")?, vector("y_test")?);
        Ok(Data {
            x: matrix("X")?,
            classes: y.mapv(|y| y as usize),
            y,
            x_test: matrix("X_test")?,
            test_classes: y_test.mapv(|y| y as usize),
            init: matrix("init")?,
        })
    }
}

fn coefficients(coef: &Array1<f64>, intercept: f64) -> Vec<f64> {
    vec![coef.mapv(f64::abs).mean().unwrap_or_default(), intercept]
}

fn linear_regression(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let dataset = DatasetBase::new(data.x.view(), data.y.view());
    let model = LinearRegression::new().fit(&dataset)?;
    Ok(if asked { coefficients(model.params(), model.intercept()) } else { Vec::new() })
}

fn logistic_regression(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let dataset = DatasetBase::new(data.x.view(), data.classes.view());
    let model =
        LogisticRegression::default().alpha(1.0).max_iterations(1000).gradient_tolerance(1e-4).fit(&dataset)?;
    Ok(if asked { coefficients(model.params(), model.intercept()) } else { Vec::new() })
}

fn standard_scaler(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let dataset = DatasetBase::from(data.x.clone());
    let scaler = LinearScaler::standard().fit(&dataset)?;
    std::hint::black_box(scaler.transform(dataset));
    if !asked {
        return Ok(Vec::new());
    }
    let scales = scaler.scales().mapv(f64::recip);
    Ok(vec![scaler.offsets().mapv(f64::abs).mean().unwrap_or_default(), scales.mean().unwrap_or_default()])
}

fn kmeans(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let dataset = DatasetBase::from(data.x.view());
    let model = KMeans::params_with_rng(data.init.nrows(), Xoshiro256Plus::seed_from_u64(0))
        .n_runs(1)
        .max_n_iterations(25)
        .tolerance(f64::MIN_POSITIVE)
        .init_method(KMeansInit::Precomputed(data.init.clone()))
        .fit(&dataset)?;
    Ok(if asked { vec![model.inertia()] } else { Vec::new() })
}

fn decision_tree(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let dataset = DatasetBase::new(data.x.view(), data.classes.view());
    let model = DecisionTree::params().max_depth(Some(8)).fit(&dataset)?;
    if !asked {
        return Ok(Vec::new());
    }
    let predicted = model.predict(&data.x_test);
    let right = predicted.iter().zip(&data.test_classes).filter(|(a, b)| a == b).count();
    Ok(vec![right as f64 / predicted.len() as f64])
}

impl Work for Estimator {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        Ok(settings.get("do")? == "fit")
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        (self.fit)(&self.data, true)
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            std::hint::black_box((self.fit)(&self.data, false)?);
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    serve("linfa 0.8.1, target-cpu=native, 1 threads", |work, file| {
        let fit: Fitting = match work {
            "linear_regression" => linear_regression,
            "logistic_regression" => logistic_regression,
            "standard_scaler" => standard_scaler,
            "kmeans_10" | "kmeans_100" => kmeans,
            // At full depth, on ten times the rows, a fit takes minutes.
            "decision_tree_small" => decision_tree,
            _ => return Ok(None),
        };
        Ok(Some(Box::new(Estimator { data: Data::read(file)?, fit })))
    })
}
