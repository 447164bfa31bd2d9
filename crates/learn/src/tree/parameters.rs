//! What trees and forests are told.

use barehand_tensor::{Error, Result};

use super::rand_r::RandR;

/// Which cuts a node looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Splitter {
    /// Every one, and takes the best.
    #[default]
    Best,
    /// One at random for each feature, and takes the best of them (Geurts, Ernst and Wehenkel, 2006).
    Random,
    /// Those between at most `max_bins` bins that hold about as many samples each.
    Hist,
}

/// A number of samples, or a share of all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Count {
    /// So many.
    Number(usize),
    /// The smallest number that is at least this share.
    Share(f64),
}

impl Count {
    fn of(self, n: usize) -> usize {
        match self {
            Count::Number(number) => number,
            Count::Share(share) => (share * n as f64).ceil() as usize,
        }
    }
}

/// How many features a node looks at, drawn anew for each node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum MaxFeatures {
    /// All.
    #[default]
    All,
    /// The square root of their number.
    Sqrt,
    /// The logarithm of their number to base 2.
    Log2,
    /// So many.
    Number(usize),
    /// This share of them.
    Share(f64),
}

impl MaxFeatures {
    fn of(self, d: usize) -> usize {
        let real = d as f64;
        match self {
            MaxFeatures::All => d,
            MaxFeatures::Sqrt => (real.sqrt() as usize).max(1),
            MaxFeatures::Log2 => (real.log2() as usize).max(1),
            MaxFeatures::Number(number) => number,
            MaxFeatures::Share(share) => ((share * real) as usize).max(1),
        }
    }
}

/// How a tree grows: the parameters that classifiers and regressors, trees and forests share.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeParameters {
    pub(crate) splitter: Splitter,
    pub(crate) max_depth: Option<usize>,
    pub(crate) min_samples_split: Count,
    pub(crate) min_samples_leaf: Count,
    pub(crate) min_weight_fraction_leaf: f64,
    pub(crate) max_features: MaxFeatures,
    pub(crate) max_leaf_nodes: Option<usize>,
    pub(crate) min_impurity_decrease: f64,
    pub(crate) ccp_alpha: f64,
    pub(crate) monotonic_cst: Vec<i8>,
    pub(crate) categorical_features: Vec<usize>,
    pub(crate) max_bins: usize,
    pub(crate) seed: u32,
}

impl Default for TreeParameters {
    fn default() -> Self {
        TreeParameters {
            splitter: Splitter::Best,
            max_depth: None,
            min_samples_split: Count::Number(2),
            min_samples_leaf: Count::Number(1),
            min_weight_fraction_leaf: 0.0,
            max_features: MaxFeatures::All,
            max_leaf_nodes: None,
            min_impurity_decrease: 0.0,
            ccp_alpha: 0.0,
            monotonic_cst: Vec::new(),
            categorical_features: Vec::new(),
            max_bins: 255,
            seed: 0,
        }
    }
}

/// The setters of [`TreeParameters`] on a type that holds them in `self.tree`.
macro_rules! tree_setters {
    () => {
        /// Which cuts a node looks at (default: every one; extra trees: one at random for each feature).
        pub fn splitter(mut self, splitter: crate::tree::Splitter) -> Self {
            self.tree.splitter = splitter;
            self
        }

        /// Nodes at this depth are leaves (default: no limit).
        pub fn max_depth(mut self, max_depth: usize) -> Self {
            self.tree.max_depth = Some(max_depth);
            self
        }

        /// Nodes of fewer samples are leaves (default: 2).
        pub fn min_samples_split(mut self, count: crate::tree::Count) -> Self {
            self.tree.min_samples_split = count;
            self
        }

        /// Each leaf has at least so many samples (default: 1).
        pub fn min_samples_leaf(mut self, count: crate::tree::Count) -> Self {
            self.tree.min_samples_leaf = count;
            self
        }

        /// Each leaf has at least this share of all weight (default: 0).
        pub fn min_weight_fraction_leaf(mut self, share: f64) -> Self {
            self.tree.min_weight_fraction_leaf = share;
            self
        }

        /// How many features a node looks at (trees: all; forests of classifiers: the square root of their number).
        pub fn max_features(mut self, max_features: crate::tree::MaxFeatures) -> Self {
            self.tree.max_features = max_features;
            self
        }

        /// Grows the best nodes first, until there are so many leaves (default: no limit).
        pub fn max_leaf_nodes(mut self, max_leaf_nodes: usize) -> Self {
            self.tree.max_leaf_nodes = Some(max_leaf_nodes);
            self
        }

        /// A cut must lower the impurity, weighted by the node's share of all weight, by at least this much (default: 0).
        pub fn min_impurity_decrease(mut self, decrease: f64) -> Self {
            self.tree.min_impurity_decrease = decrease;
            self
        }

        /// Price of a leaf in the pruning that follows (default: 0, none).
        pub fn ccp_alpha(mut self, alpha: f64) -> Self {
            self.tree.ccp_alpha = alpha;
            self
        }

        /// For each feature whether predictions go up (1) or down (-1) with it, or either way (0). Of two classes: the
        /// probability of the second.
        pub fn monotonic_cst(mut self, signs: impl Into<Vec<i8>>) -> Self {
            self.tree.monotonic_cst = signs.into();
            self
        }

        /// Features whose values are codes of categories, from 0 to 255: a node divides them into two sets. Of two classes,
        /// and of squared errors, the division is the best there is.
        pub fn categorical_features(mut self, features: impl Into<Vec<usize>>) -> Self {
            self.tree.categorical_features = features.into();
            self
        }

        /// Bins of [`Splitter::Hist`](crate::tree::Splitter::Hist) (default: 255).
        pub fn max_bins(mut self, max_bins: usize) -> Self {
            self.tree.max_bins = max_bins;
            self
        }

        /// Where the random numbers begin: `random_state` of scikit-learn (default: 0).
        pub fn seed(mut self, seed: u32) -> Self {
            self.tree.seed = seed;
            self
        }
    };
}
pub(crate) use tree_setters;

/// [`TreeParameters`] for a number of samples and features.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub random: bool,
    pub max_depth: usize,
    pub min_samples_split: usize,
    pub min_samples_leaf: usize,
    pub min_weight_fraction_leaf: f64,
    pub max_features: usize,
    pub max_leaf_nodes: Option<usize>,
    pub min_impurity_decrease: f64,
    pub ccp_alpha: f64,
    /// Signs as they hold for the first output's value (of classes: the share of the first).
    pub monotonic: Option<Vec<i8>>,
    pub seed: u32,
}

impl Plan {
    /// The stream that a tree of this plan draws from.
    pub fn stream(&self) -> RandR {
        RandR::new(self.seed)
    }
}

impl TreeParameters {
    /// Bins of the columns, where there are any.
    pub(crate) fn bins(&self) -> Option<usize> {
        (self.splitter == Splitter::Hist).then_some(self.max_bins)
    }

    /// Checks every parameter; `classes` are the numbers of classes of each output of a classifier.
    pub(crate) fn plan(
        &self,
        operation: &str,
        n: usize,
        d: usize,
        outputs: usize,
        classes: Option<&[usize]>,
    ) -> Result<Plan> {
        let wrong = |name: &str, found: String, expected: &str| {
            Err(Error::value(operation, format!("{name} is {found}: {expected} expected")))
        };
        if self.max_depth == Some(0) {
            return wrong("max_depth", "0".into(), "at least 1");
        }
        match self.min_samples_split {
            Count::Number(number) if number < 2 => {
                return wrong("min_samples_split", number.to_string(), "at least 2");
            }
            Count::Share(share) if !(share > 0.0 && share <= 1.0) => {
                return wrong("min_samples_split", share.to_string(), "a share of (0, 1]");
            }
            _ => {}
        }
        match self.min_samples_leaf {
            Count::Number(0) => return wrong("min_samples_leaf", "0".into(), "at least 1"),
            Count::Share(share) if !(share > 0.0 && share < 1.0) => {
                return wrong("min_samples_leaf", share.to_string(), "a share of (0, 1)");
            }
            _ => {}
        }
        if !(0.0..=0.5).contains(&self.min_weight_fraction_leaf) {
            let found = self.min_weight_fraction_leaf.to_string();
            return wrong("min_weight_fraction_leaf", found, "a share of [0, 0.5]");
        }
        match self.max_features {
            MaxFeatures::Number(0) => return wrong("max_features", "0".into(), "at least 1"),
            MaxFeatures::Share(share) if !(share > 0.0 && share <= 1.0) => {
                return wrong("max_features", share.to_string(), "a share of (0, 1]");
            }
            _ => {}
        }
        if let Some(leaves @ 0..2) = self.max_leaf_nodes {
            return wrong("max_leaf_nodes", leaves.to_string(), "at least 2");
        }
        for (name, value) in
            [("min_impurity_decrease", self.min_impurity_decrease), ("ccp_alpha", self.ccp_alpha)]
        {
            if value.is_nan() || value < 0.0 {
                return wrong(name, value.to_string(), "0 or more");
            }
        }
        if !(2..=255).contains(&self.max_bins) {
            return wrong("max_bins", self.max_bins.to_string(), "from 2 to 255");
        }
        let min_samples_leaf = self.min_samples_leaf.of(n);
        Ok(Plan {
            random: self.splitter == Splitter::Random,
            max_depth: self.max_depth.unwrap_or(usize::MAX),
            min_samples_split: self.min_samples_split.of(n).max(2).max(2 * min_samples_leaf),
            min_samples_leaf,
            min_weight_fraction_leaf: self.min_weight_fraction_leaf,
            max_features: self.max_features.of(d),
            max_leaf_nodes: self.max_leaf_nodes,
            min_impurity_decrease: self.min_impurity_decrease,
            ccp_alpha: self.ccp_alpha,
            monotonic: self.signs(operation, d, outputs, classes)?,
            seed: self.seed,
        })
    }

    fn signs(
        &self,
        operation: &str,
        d: usize,
        outputs: usize,
        classes: Option<&[usize]>,
    ) -> Result<Option<Vec<i8>>> {
        let signs = &self.monotonic_cst;
        if signs.is_empty() {
            return Ok(None);
        }
        let refuse = |message: String| Err(Error::value(operation, message));
        if signs.len() != d {
            return refuse(format!("monotonic_cst has {} signs, x has {d} features", signs.len()));
        }
        if let Some(sign) = signs.iter().find(|sign| !(-1..=1).contains(*sign)) {
            return refuse(format!("monotonic_cst holds {sign}: -1, 0 or 1 expected"));
        }
        if outputs > 1 {
            return refuse("monotonic constraints are not supported with several outputs".into());
        }
        if let Some(&feature) = self.categorical_features.iter().find(|&&j| signs.get(j) != Some(&0)) {
            return refuse(format!("feature {feature} is categorical, so nothing goes up or down with it"));
        }
        match classes {
            None => Ok(Some(signs.clone())),
            Some([..=2]) => Ok(Some(signs.iter().map(|sign| -sign).collect())),
            Some(_) => refuse("monotonic constraints are not supported with more than two classes".into()),
        }
    }
}
