//! Estimators on data in memory: fitting them, asking them for many rows, or for one.

use std::hint::black_box;

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_learn::cluster::{KMeans, KMeansInit};
use barehand_learn::decomposition::{Pca, PcaComponents};
use barehand_learn::ensemble::hist_gradient_boosting::Parameters;
use barehand_learn::ensemble::{HistGradientBoostingClassifier, RandomForestClassifier};
use barehand_learn::linear_model::{Lasso, LinearRegression, LogisticRegression, Ridge, Sgd, SgdClassifier};
use barehand_learn::model_selection::{KFold, Scorer, cross_val_score};
use barehand_learn::neighbors::KNeighborsClassifier;
use barehand_learn::pipeline::make_pipeline;
use barehand_learn::preprocessing::StandardScaler;
use barehand_learn::tree::DecisionTreeClassifier;
use barehand_learn::{Estimator, Features, Model, Prediction, Target};
use barehand_tensor::random::Generator;
use barehand_tensor::safetensors::Archive;
use barehand_tensor::{AnyTensor, Float, NamedTensors, Tensor};

/// What the data of a work is drawn from.
enum Source {
    /// `(rows, columns)`: a plane with noise.
    Plane(usize, usize),
    /// `(rows, columns)`: two classes, on the two sides of a plane with a fold in it, one label in twenty wrong.
    Classes(usize, usize),
    /// As `Classes`, in other coordinates: columns that depend on each other, as measured ones do.
    MixedClasses(usize, usize),
    /// `(rows, columns, clusters)`: overlapping clusters in f32, and the rows to start from.
    Clusters(usize, usize, usize),
    /// Fashion-MNIST, pixels from 0 to 1 in f32.
    Fashion,
    /// `rows` scores of two classes, some of them equal.
    Scores(usize),
}

/// The data of every work.
const WORKS: &[(&str, Source)] = &[
    ("linear_regression", Source::Plane(100_000, 50)),
    ("ridge", Source::Plane(100_000, 50)),
    ("lasso", Source::Plane(100_000, 50)),
    ("logistic_regression", Source::Classes(100_000, 50)),
    ("logistic_mixed", Source::MixedClasses(100_000, 50)),
    ("logistic_fashion", Source::Fashion),
    ("sgd_classifier", Source::Classes(100_000, 50)),
    ("standard_scaler", Source::Plane(1_000_000, 50)),
    ("roc_auc", Source::Scores(1_000_000)),
    ("kmeans_10", Source::Clusters(100_000, 50, 10)),
    ("kmeans_100", Source::Clusters(100_000, 50, 100)),
    ("pca", Source::Fashion),
    ("decision_tree", Source::Classes(100_000, 50)),
    ("random_forest", Source::Classes(20_000, 50)),
    ("decision_tree_small", Source::Classes(10_000, 20)),
    ("random_forest_small", Source::Classes(2_000, 20)),
    ("hist_gradient_boosting", Source::Classes(100_000, 50)),
    ("nearest_neighbors", Source::Fashion),
    ("scaled_logistic", Source::Classes(100_000, 50)),
    ("cross_validation", Source::Plane(569, 30)),
];

/// Rows that are not learned from.
const TEST_ROWS: usize = 10_000;

/// Writes the data of a work; `false` where no estimator has this name.
pub fn prepare(work: &str, file: &str) -> Result<bool> {
    let Some((_, source)) = WORKS.iter().find(|(name, _)| *name == work) else { return Ok(false) };
    let mut archive = Archive::default();
    let mut put = |name: &str, tensor: AnyTensor| archive.tensors.insert(name.to_owned(), tensor);
    let mut generator = Generator::new(5);
    match *source {
        Source::Plane(rows, columns) => {
            let (x, x_test) =
                (normal(rows, columns, &mut generator)?, normal(TEST_ROWS, columns, &mut generator)?);
            let slopes = Tensor::<f64>::randn([columns], &mut generator);
            let mut heights = |x: &Tensor<f64>| -> Result<Tensor<f64>> {
                let noise = Tensor::<f64>::randn([x.shape()[0]], &mut generator);
                Ok(x.matmul(&slopes)?.add(&noise)?)
            };
            put("y", heights(&x)?.into());
            put("y_test", heights(&x_test)?.into());
            put("X", x.into());
            put("X_test", x_test.into());
        }
        Source::Classes(rows, columns) | Source::MixedClasses(rows, columns) => {
            let (mut x, mut x_test) =
                (normal(rows, columns, &mut generator)?, normal(TEST_ROWS, columns, &mut generator)?);
            put("y", sides(&x, &mut generator)?.into());
            put("y_test", sides(&x_test, &mut generator)?.into());
            if matches!(source, Source::MixedClasses(..)) {
                let mix = normal(columns, columns, &mut generator)?;
                (x, x_test) = (x.matmul(&mix)?, x_test.matmul(&mix)?);
            }
            put("X", x.into());
            put("X_test", x_test.into());
        }
        Source::Clusters(rows, columns, clusters) => {
            let centers = Tensor::<f32>::uniform(-4.0, 4.0, [clusters, columns], &mut generator)?;
            let of_row = Tensor::randint(0, clusters as i64, [rows], &mut generator)?;
            let spread = Tensor::<f32>::randn([rows, columns], &mut generator).mul_scalar(3.0)?;
            let x = centers.index_select(0, &of_row)?.add(&spread)?;
            put("init", x.narrow(0, 0, clusters)?.contiguous().into());
            put("X", x.into());
        }
        Source::Fashion => {
            let data = barehand_data::fashion_mnist(None)?;
            for (name, labels, images) in [("X", "y", &data.train), ("X_test", "y_test", &data.test)] {
                let (x, y) = pixels(images)?;
                put(name, x.into());
                put(labels, y.into());
            }
        }
        Source::Scores(rows) => {
            let y = Tensor::randint(0, 2, [rows], &mut generator)?;
            let score = y.cast::<f64>().add(&Tensor::<f64>::randn([rows], &mut generator))?;
            // In thousandths: scores that are equal are part of the work.
            put("score", score.mul_scalar(1e3)?.round()?.div_scalar(1e3)?.into());
            put("y", y.into());
        }
    }
    archive.write(file)?;
    Ok(true)
}

fn normal(rows: usize, columns: usize, generator: &mut Generator) -> Result<Tensor<f64>> {
    Ok(Tensor::<f64>::randn([rows, columns], generator))
}

/// On which side of a folded plane each row lies; one label in twenty is wrong.
fn sides(x: &Tensor<f64>, generator: &mut Generator) -> Result<Tensor<i64>> {
    // The plane is the same for rows that are learned from and rows that are not.
    let columns = x.shape()[1];
    let slopes = Tensor::<f64>::randn([columns], &mut Generator::new(6));
    let folds = x.narrow(1, 0, 4)?.abs()?.sum_dim(1, false)?.mul_scalar(2.0)?;
    let heights = x.matmul(&slopes)?.add(&folds)?.to_vec();
    let wrong = Tensor::<bool>::bernoulli(0.05, [heights.len()], generator)?.to_vec();
    let labels = heights.iter().zip(wrong).map(|(&height, wrong)| i64::from((height > 6.0) != wrong));
    Ok(labels.collect::<Vec<_>>().into())
}

/// Pixels from 0 to 1, a row an image, and what each image shows.
fn pixels(images: &barehand_data::ImageDataset) -> Result<(Tensor<f32>, Tensor<i64>)> {
    let x = images.images.cast::<f32>().div_scalar(255.0)?;
    Ok((x.reshape([images.len() as isize, -1])?, images.labels.clone()))
}

/// Reads what [`prepare`] wrote; none where no estimator has this name.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    let Some((_, source)) = WORKS.iter().find(|(name, _)| *name == work) else { return Ok(None) };
    let data = Archive::read(file)?.tensors;
    Ok(Some(match (work, source) {
        ("roc_auc", _) => Box::new(Score { y: data["y"].get()?, score: data["score"].get()? }),
        ("cross_validation", _) => Box::new(Folds {
            estimator: scaled(Ridge::new(1.0)),
            x: Features::Dense(data["X"].get()?),
            y: Target::Values(data["y"].get()?),
        }),
        (_, Source::Clusters(..) | Source::Fashion) => {
            Box::new(Learning::new(estimator::<f32>(work, &data)?, work, &data)?)
        }
        _ => Box::new(Learning::new(estimator::<f64>(work, &data)?, work, &data)?),
    }))
}

fn scaled<T: Float>(estimator: impl Estimator<T> + 'static) -> Box<dyn Estimator<T>> {
    Box::new(make_pipeline::<T>(vec![Box::new(StandardScaler::new()), Box::new(estimator)]))
}

/// The estimator of a work, with the parameters that its peers have.
fn estimator<T: Float>(work: &str, data: &NamedTensors) -> Result<Box<dyn Estimator<T>>> {
    Ok(match work {
        "linear_regression" => Box::new(LinearRegression::new()),
        "ridge" => Box::new(Ridge::new(1.0)),
        "lasso" => Box::new(Lasso::new(0.1)),
        "logistic_regression" | "logistic_mixed" => {
            Box::new(LogisticRegression::new().tol(1e-4).max_iter(1000))
        }
        "logistic_fashion" => Box::new(LogisticRegression::new().c(0.01).tol(1e-3).max_iter(1000)),
        "sgd_classifier" => {
            let sgd = SgdClassifier::new();
            let parameters = Sgd { max_iter: 5, tol: None, ..sgd.sgd() };
            Box::new(sgd.parameters(parameters))
        }
        "standard_scaler" => Box::new(StandardScaler::new()),
        "kmeans_10" | "kmeans_100" => {
            let init = data["init"].cast::<f64>();
            let clusters = init.shape()[0];
            Box::new(
                KMeans::new(clusters).init(KMeansInit::Centers(vec![init])).n_init(1).max_iter(25).tol(0.0),
            )
        }
        "pca" => Box::new(Pca::new().n_components(PcaComponents::Count(50))),
        "decision_tree" => Box::new(DecisionTreeClassifier::new()),
        "random_forest" => Box::new(RandomForestClassifier::new()),
        "decision_tree_small" => Box::new(DecisionTreeClassifier::new().max_depth(8)),
        "random_forest_small" => Box::new(RandomForestClassifier::new().n_estimators(10)),
        "hist_gradient_boosting" => {
            let parameters = Parameters { early_stopping: Some(false), ..Parameters::default() };
            Box::new(HistGradientBoostingClassifier::new().parameters(parameters))
        }
        "nearest_neighbors" => Box::new(KNeighborsClassifier::new()),
        "scaled_logistic" => scaled(LogisticRegression::new()),
        _ => return Err(format!("no estimator is raced as {work}").into()),
    })
}

/// An estimator that is fitted anew, or asked, again and again.
struct Learning<T: Float> {
    estimator: Box<dyn Estimator<T>>,
    work: String,
    x: Features<T>,
    y: Target<T>,
    x_test: Features<T>,
    y_test: Target<T>,
    row: Features<T>,
    does: String,
    model: Option<Box<dyn Model<T>>>,
}

/// Labels are integers; where there are no targets, none are read.
fn target<T: Float>(data: &NamedTensors, name: &str) -> Result<Target<T>> {
    Ok(match data.get(name) {
        None => Target::None,
        Some(AnyTensor::I64(classes)) => Target::Classes(classes.clone()),
        Some(values) => Target::Values(values.get()?),
    })
}

impl<T: Float> Learning<T> {
    fn new(estimator: Box<dyn Estimator<T>>, work: &str, data: &NamedTensors) -> Result<Self> {
        let x = data["X"].get::<T>()?;
        let x_test = data.get("X_test").map_or_else(|| Ok(x.clone()), AnyTensor::get)?;
        Ok(Learning {
            estimator,
            work: work.to_owned(),
            row: x_test.narrow(0, 0, 1)?.contiguous().into(),
            x: x.into(),
            y: target(data, "y")?,
            x_test: x_test.into(),
            y_test: target(data, "y_test")?,
            does: String::new(),
            model: None,
        })
    }

    fn fit(&mut self) -> Result<()> {
        let y = if self.work == "standard_scaler" { &Target::None } else { &self.y };
        let model = self.estimator.fit_any(&self.x, y, None)?;
        if self.work == "standard_scaler" {
            black_box(model.transform_any(&self.x)?);
        }
        self.model = Some(model);
        Ok(())
    }

    fn model(&self) -> Result<&dyn Model<T>> {
        Ok(self.model.as_deref().ok_or("nothing is fitted yet")?)
    }

    /// What all sides must agree on.
    fn numbers(&self) -> Result<Vec<f64>> {
        let model = self.model()?;
        let record = model.record();
        let field = |name: &str| Ok::<Tensor<T>, barehand_tensor::Error>(record.tensor(name)?);
        let mean = |x: &Tensor<T>| Ok::<f64, barehand_tensor::Error>(x.mean()?.item()?.to_f64());
        Ok(match self.work.as_str() {
            "linear_regression" | "ridge" | "lasso" | "logistic_regression" | "logistic_mixed" => {
                vec![mean(&field("coef")?.abs()?)?, mean(&field("intercept")?)?]
            }
            "standard_scaler" => {
                let deviations = field("var")?.sqrt()?;
                vec![mean(&field("mean")?.abs()?)?, mean(&deviations)?]
            }
            "kmeans_10" | "kmeans_100" => vec![record.float("inertia")? / self.x.shape()[0] as f64],
            "pca" => {
                let variances = field("explained_variance")?.to_vec();
                let last = variances.last().map_or(0.0, |v| v.to_f64());
                vec![variances.iter().take(10).map(|v| v.to_f64()).sum(), last]
            }
            "hist_gradient_boosting" => {
                let proba = model.predict_proba_any(&self.x_test)?;
                vec![barehand_metrics::log_loss(self.y_test.classes("log_loss")?, &proba)?]
            }
            _ => {
                let Prediction::Classes(predicted) = model.predict_any(&self.x_test)? else {
                    return Err("a classifier that predicts no classes".into());
                };
                vec![barehand_metrics::accuracy(self.y_test.classes("accuracy")?, &predicted)?]
            }
        })
    }
}

impl<T: Float> Work for Learning<T> {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        settings.get("do")?.clone_into(&mut self.does);
        if self.does != "fit" {
            self.fit()?;
        }
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        if self.does == "fit" {
            self.fit()?;
        }
        self.numbers()
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            match self.does.as_str() {
                "fit" => self.fit()?,
                "predict" => drop(black_box(self.model()?.predict_any(&self.x_test)?)),
                _ => drop(black_box(self.model()?.predict_any(&self.row)?)),
            }
        }
        Ok(())
    }
}

/// The area under the ROC curve.
struct Score {
    y: Tensor<i64>,
    score: Tensor<f64>,
}

impl Work for Score {
    fn start(&mut self, _: &Settings) -> Result<bool> {
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        Ok(vec![barehand_metrics::roc_auc(&self.y, &self.score)?])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            black_box(barehand_metrics::roc_auc(&self.y, &self.score)?);
        }
        Ok(())
    }
}

/// Five folds of a scaler and a ridge.
struct Folds {
    estimator: Box<dyn Estimator<f64>>,
    x: Features<f64>,
    y: Target<f64>,
}

impl Work for Folds {
    fn start(&mut self, _: &Settings) -> Result<bool> {
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        Ok(cross_val_score(&*self.estimator, &self.x, &self.y, KFold::new(5), Scorer::R2)?)
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            black_box(self.check()?);
        }
        Ok(())
    }
}
