//! smartcore's side of `run.py`: estimators as its documentation writes them.

use barehand_bench_protocol::{Result, Settings, Work, serve};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use smartcore::cluster::kmeans::{KMeans, KMeansParameters};
use smartcore::ensemble::random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::linear_regression::LinearRegression;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};
use smartcore::tree::decision_tree_classifier::{DecisionTreeClassifier, DecisionTreeClassifierParameters};

type Matrix = DenseMatrix<f64>;
/// Fits, and where it is asked says what all sides must agree on.
type Fitting = fn(&Data, bool) -> Result<Vec<f64>>;

struct Data {
    x: Matrix,
    y: Vec<f64>,
    classes: Vec<i64>,
    x_test: Matrix,
    test_classes: Vec<i64>,
    clusters: usize,
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
        let matrix = |name: &str| -> Result<Matrix> {
            let (values, shape) = numbers(tensors.tensor(name).ok())?;
            Ok(DenseMatrix::new(shape[0], shape[1], values, false)?)
        };
        let vector = |name: &str| -> Result<Vec<f64>> { Ok(numbers(tensors.tensor(name).ok())?.0) };
        let classes = |y: &[f64]| y.iter().map(|&y| y as i64).collect();
        let y = vector("y")?;
        Ok(Data {
            x: matrix("X")?,
            classes: classes(&y),
            y,
            x_test: matrix("X_test")?,
            test_classes: classes(&vector("y_test")?),
            clusters: numbers(tensors.tensor("init").ok())?.1[0],
        })
    }
}

fn coefficients(coef: &Matrix, intercept: f64) -> Vec<f64> {
    let (rows, columns) = coef.shape();
    let sum: f64 = coef.iterator(0).map(|value| value.abs()).sum();
    vec![sum / (rows * columns) as f64, intercept]
}

fn accuracy(data: &Data, predicted: &[i64]) -> Vec<f64> {
    let right = predicted.iter().zip(&data.test_classes).filter(|(a, b)| a == b).count();
    vec![right as f64 / predicted.len() as f64]
}

fn linear_regression(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let model = LinearRegression::fit(&data.x, &data.y, Default::default())?;
    Ok(if asked { coefficients(model.coefficients(), *model.intercept()) } else { Vec::new() })
}

fn ridge(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let options = RidgeRegressionParameters { normalize: false, ..RidgeRegressionParameters::default() };
    let model = RidgeRegression::fit(&data.x, &data.y, options.with_alpha(1.0))?;
    Ok(if asked { coefficients(model.coefficients(), *model.intercept()) } else { Vec::new() })
}

fn logistic_regression(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let options = LogisticRegressionParameters::default().with_alpha(1.0);
    let model = LogisticRegression::fit(&data.x, &data.classes, options)?;
    if !asked {
        return Ok(Vec::new());
    }
    let intercept = model.intercept().iterator(0).copied().next().unwrap_or_default();
    Ok(coefficients(model.coefficients(), intercept))
}

fn kmeans(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let options = KMeansParameters::default().with_k(data.clusters).with_max_iter(25);
    let model = KMeans::<f64, i64, Matrix, Vec<i64>>::fit(&data.x, options)?;
    if !asked {
        return Ok(Vec::new());
    }
    let labels = model.predict(&data.x)?;
    // It does not tell the inertia: the spread around the means of its clusters.
    let (rows, columns) = data.x.shape();
    let (mut sums, mut squares, mut sizes) =
        (vec![vec![0.0; columns]; data.clusters], vec![0.0; data.clusters], vec![0.0; data.clusters]);
    for row in 0..rows {
        let cluster = labels[row] as usize;
        sizes[cluster] += 1.0;
        for (column, sum) in sums[cluster].iter_mut().enumerate() {
            let value = *data.x.get((row, column));
            *sum += value;
            squares[cluster] += value * value;
        }
    }
    let within = (0..data.clusters).filter(|&cluster| sizes[cluster] > 0.0).map(|cluster| {
        squares[cluster] - sums[cluster].iter().map(|sum| sum * sum).sum::<f64>() / sizes[cluster]
    });
    Ok(vec![within.sum::<f64>() / rows as f64])
}

fn decision_tree(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let options = DecisionTreeClassifierParameters::default().with_max_depth(8);
    let model = DecisionTreeClassifier::fit(&data.x, &data.classes, options)?;
    Ok(if asked { accuracy(data, &model.predict(&data.x_test)?) } else { Vec::new() })
}

fn random_forest(data: &Data, asked: bool) -> Result<Vec<f64>> {
    let options = RandomForestClassifierParameters::default().with_n_trees(10);
    let model = RandomForestClassifier::fit(&data.x, &data.classes, options)?;
    Ok(if asked { accuracy(data, &model.predict(&data.x_test)?) } else { Vec::new() })
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
    serve("smartcore 0.7.0, target-cpu=native, 1 threads", |work, file| {
        let fit: Fitting = match work {
            "linear_regression" => linear_regression,
            "ridge" => ridge,
            "logistic_regression" => logistic_regression,
            "kmeans_10" | "kmeans_100" => kmeans,
            // Those at full depth, or of a hundred trees, take minutes.
            "decision_tree_small" => decision_tree,
            "random_forest_small" => random_forest,
            _ => return Ok(None),
        };
        Ok(Some(Box::new(Estimator { data: Data::read(file)?, fit })))
    })
}
