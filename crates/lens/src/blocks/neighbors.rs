//! Learners that look at samples themselves: nearest neighbours, and boosted trees.

use barehand_textbook::k_nearest_neighbors::{
    distances_between, nearest, neighbor_mean, neighbor_shares, weights_of_neighbors,
};
use barehand_textbook::{Array, BoostedLoss, DensityKernel, GradientBoosting, PointDistance};

use crate::block::{Block, input};

/// A metric of the numbers that some of them need.
type OfNumbers = fn(Array) -> PointDistance;

/// Metrics by scikit-learn's names.
const METRICS: &[(&str, OfNumbers)] = &[
    ("seuclidean", PointDistance::StandardizedEuclidean),
    ("mahalanobis", PointDistance::Mahalanobis),
    ("cosine", |_| PointDistance::Cosine),
    ("correlation", |_| PointDistance::Correlation),
    ("hamming", |_| PointDistance::Hamming),
    ("canberra", |_| PointDistance::Canberra),
    ("braycurtis", |_| PointDistance::BrayCurtis),
    ("dice", |_| PointDistance::Dice),
    ("jaccard", |_| PointDistance::Jaccard),
    ("rogerstanimoto", |_| PointDistance::RogersTanimoto),
    ("russellrao", |_| PointDistance::RussellRao),
    ("sokalsneath", |_| PointDistance::SokalSneath),
    ("yule", |_| PointDistance::Yule),
    ("haversine", |_| PointDistance::Haversine),
    ("nan_euclidean", |_| PointDistance::NanEuclidean),
];

pub const BLOCKS: &[Block] = &[
    Block {
        name: "k_nearest_neighbors",
        section: "learners",
        summary: "the k nearest points, the shares of their classes and the mean of their targets",
        formula: "share of c = weights of neighbours of class c / all weights",
        engine: Some("barehand::learn::neighbors::KNeighborsClassifier"),
        twin: "barehand::textbook::k_nearest_neighbors",
        inputs: &[
            input("queries", "(m, d)", "[[1.0], [3.0]]"),
            input("points", "(n, d)", "[[0.0], [2.0], [3.0], [6.0]]"),
            input("classes", "the class of each point, from 0", "[0, 1, 0, 1]"),
        ],
        options: &[
            input("k", "how many neighbours", "3"),
            input("p", "the power of the Minkowski distance", "2.0"),
            input("by_distance", "whether neighbours count by the inverse of their distance", "false"),
        ],
        run: |a, t| {
            let (queries, points) = (a.array("queries")?, a.array("points")?);
            let given = a.integers("classes")?;
            let classes: Vec<usize> = given.iter().filter_map(|&class| usize::try_from(class).ok()).collect();
            if classes.len() != given.len() || points.shape().first() != Some(&classes.len()) {
                return Err(a.invalid("classes", "a number from 0 on for each point expected"));
            }
            t.section("k nearest neighbours");
            let distances = distances_between(&queries, &points, a.number("p")?, t)?;
            let neighbors = nearest(&distances, a.count("k")?, t)?;
            let weights = weights_of_neighbors(&distances, &neighbors, a.flag("by_distance")?, t);
            let count = classes.iter().max().map_or(0, |most| most + 1);
            neighbor_shares(&classes, count, &neighbors, &weights, t);
            let targets: Vec<f64> = classes.iter().map(|&class| class as f64).collect();
            neighbor_mean(&targets, &neighbors, &weights, t);
            Ok(())
        },
    },
    Block {
        name: "point_distance",
        section: "learners",
        summary: "how far queries are from points, by the metrics of nearest neighbours",
        formula: "canberra: sum |a - b| / (|a| + |b|)",
        engine: Some("barehand::learn::neighbors::Metric"),
        twin: "barehand::textbook::PointDistance",
        inputs: &[
            input("queries", "(m, d)", "[[1.0, 0.0], [0.0, 2.0]]"),
            input("points", "(n, d)", "[[0.0, 0.0], [3.0, 2.0], [-1.0, 4.0]]"),
        ],
        options: &[
            input("metric", "scikit-learn's name, of those that are no power of differences", "\"canberra\""),
            input("numbers", "variances of seuclidean (d), inverse covariance of mahalanobis (d, d)", "null"),
        ],
        run: |a, t| {
            let metric = a.choice("metric", METRICS)?;
            let numbers = a.maybe_array("numbers")?.unwrap_or_else(|| Array::vector(&[]));
            metric(numbers).between(&a.array("queries")?, &a.array("points")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "kernel_density",
        section: "learners",
        summary: "how dense points are: each spreads a mass of 1 around itself",
        formula: "density(q) = sum K(|q - x| / h) / integral of K(|x| / h)",
        engine: Some("barehand::learn::neighbors::FittedNearestNeighbors::log_density"),
        twin: "barehand::textbook::DensityKernel",
        inputs: &[
            input("queries", "(m, d)", "[[0.0], [1.0]]"),
            input("points", "(n, d)", "[[0.0], [2.0], [3.0]]"),
        ],
        options: &[
            input(
                "kernel",
                "gaussian, tophat, epanechnikov, exponential, linear or cosine",
                "\"epanechnikov\"",
            ),
            input("h", "the bandwidth", "2.0"),
        ],
        run: |a, t| {
            let kernels = [
                ("gaussian", DensityKernel::Gaussian),
                ("tophat", DensityKernel::Tophat),
                ("epanechnikov", DensityKernel::Epanechnikov),
                ("exponential", DensityKernel::Exponential),
                ("linear", DensityKernel::Linear),
                ("cosine", DensityKernel::Cosine),
            ];
            let kernel = a.choice("kernel", &kernels)?;
            kernel.density(&a.array("queries")?, &a.array("points")?, a.number("h")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "gradient_boosting",
        section: "learners",
        summary: "trees, each fitted to what those before it left over",
        formula: "r = r + learning_rate * -sum g / (sum h + l2) of the leaf",
        engine: Some("barehand::learn::ensemble::HistGradientBoostingRegressor"),
        twin: "barehand::textbook::GradientBoosting",
        inputs: &[
            input("x", "(n, d)", "[[0.0], [1.0], [2.0], [3.0]]"),
            input("y", "(n)", "[0.0, 0.0, 0.0, 8.0]"),
        ],
        options: &[
            input("loss", "squared_error or log_loss (of classes 0 and 1)", "\"squared_error\""),
            input("rounds", "how many trees", "2"),
            input("learning_rate", "what each tree is multiplied by", "0.5"),
            input("max_leaves", "the most leaves of a tree", "2"),
            input("min_samples_leaf", "the fewest samples of a leaf", "1"),
            input("l2", "added to the sum of second derivatives", "0.0"),
        ],
        run: |a, t| {
            let losses = [("squared_error", BoostedLoss::SquaredError), ("log_loss", BoostedLoss::LogLoss)];
            let boosting = GradientBoosting {
                loss: a.choice("loss", &losses)?,
                rounds: a.count("rounds")?,
                learning_rate: a.number("learning_rate")?,
                max_leaves: a.count("max_leaves")?,
                min_samples_leaf: a.count("min_samples_leaf")?,
                l2: a.number("l2")?,
            };
            boosting.fit(&a.array("x")?, &a.array("y")?, t)?;
            Ok(())
        },
    },
];
