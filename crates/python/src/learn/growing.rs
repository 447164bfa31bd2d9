//! How trees grow, of themselves and in forests.
//!
//! Features come as float32, which is how trees compare them; targets and predictions are float64.

use barehand_learn::Features;
use barehand_learn::tree::{ClassificationCriterion, Count, RegressionCriterion};
use barehand_tensor::AnyTensor;
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use super::samples::AnyFeatures;
use crate::array;
use crate::error::Result;

/// A whole number, or a share.
#[derive(FromPyObject)]
pub enum Number {
    Whole(usize),
    Share(f64),
}

impl Number {
    pub fn count(self) -> Count {
        match self {
            Number::Whole(number) => Count::Number(number),
            Number::Share(share) => Count::Share(share),
        }
    }
}

#[derive(FromPyObject)]
pub enum Most {
    Whole(usize),
    Share(f64),
    Named(String),
}

/// How trees grow: a dict with scikit-learn's names.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Growing {
    pub criterion: String,
    pub splitter: String,
    pub max_depth: Option<usize>,
    pub min_samples_split: Number,
    pub min_samples_leaf: Number,
    pub min_weight_fraction_leaf: f64,
    pub max_features: Option<Most>,
    pub max_leaf_nodes: Option<usize>,
    pub min_impurity_decrease: f64,
    pub ccp_alpha: f64,
    pub monotonic_cst: Option<Vec<i8>>,
    pub categorical_features: Vec<usize>,
    pub seed: u32,
}

macro_rules! growing {
    ($estimator:expr, $growing:expr) => {{
        let g = $growing;
        let mut estimator = $estimator
            .splitter(match &*g.splitter {
                "best" => Splitter::Best,
                "random" => Splitter::Random,
                "hist" => Splitter::Hist,
                other => return Err(Failure::value("splitter", format!("{other:?} is none"))),
            })
            .min_samples_split(g.min_samples_split.count())
            .min_samples_leaf(g.min_samples_leaf.count())
            .min_weight_fraction_leaf(g.min_weight_fraction_leaf)
            .max_features(match g.max_features {
                None => MaxFeatures::All,
                Some(Most::Whole(number)) => MaxFeatures::Number(number),
                Some(Most::Share(share)) => MaxFeatures::Share(share),
                Some(Most::Named(name)) if name == "sqrt" => MaxFeatures::Sqrt,
                Some(Most::Named(_)) => MaxFeatures::Log2,
            })
            .min_impurity_decrease(g.min_impurity_decrease)
            .ccp_alpha(g.ccp_alpha)
            .monotonic_cst(g.monotonic_cst.unwrap_or_default())
            .categorical_features(g.categorical_features)
            .seed(g.seed);
        if let Some(depth) = g.max_depth {
            estimator = estimator.max_depth(depth);
        }
        if let Some(leaves) = g.max_leaf_nodes {
            estimator = estimator.max_leaf_nodes(leaves);
        }
        estimator
    }};
}
pub(super) use growing;

pub fn classification(name: &str) -> ClassificationCriterion {
    if name == "gini" { ClassificationCriterion::Gini } else { ClassificationCriterion::Entropy }
}

pub fn regression(name: &str) -> RegressionCriterion {
    match name {
        "absolute_error" => RegressionCriterion::AbsoluteError,
        "poisson" => RegressionCriterion::Poisson,
        _ => RegressionCriterion::SquaredError,
    }
}

pub fn single(x: AnyFeatures) -> Result<Features<f32>> {
    x.get()
}

pub fn array_of(given: &Bound<'_, PyUntypedArray>) -> Result<AnyTensor> {
    array::from_numpy(given)
}
