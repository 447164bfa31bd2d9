//! What both estimators can be told.

use barehand_tensor::{Error, Result};

/// Parameters of gradient boosting, under scikit-learn's names and with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// What each tree's leaves are multiplied by (default: 0.1).
    pub learning_rate: f64,
    /// How many rounds; a round grows a tree, or one for each class where there are more than two (default: 100).
    pub max_iter: usize,
    /// The most leaves of a tree (default: 31); None for no limit.
    pub max_leaf_nodes: Option<usize>,
    /// The most edges from the root to a leaf (default: no limit).
    pub max_depth: Option<usize>,
    /// The fewest samples of a leaf (default: 20).
    pub min_samples_leaf: usize,
    /// What is added to the hessians in a leaf's value (default: 0).
    pub l2_regularization: f64,
    /// The share of features among which each split is chosen (default: 1).
    pub max_features: f64,
    /// The most bins of a feature, the one for missing values not counted, from 2 to 255 (default: 255).
    pub max_bins: usize,
    /// Columns of categories: their values are names, not numbers (default: none).
    pub categorical_features: Vec<usize>,
    /// For each feature, whether the prediction may only rise with it (1), only fall (-1), or both (0). Empty: both for all.
    pub monotonic_cst: Vec<i8>,
    /// Sets of features of which one branch of a tree may use only those of one set; features in no set are a set of their
    /// own. Empty: no such limit.
    pub interaction_cst: Vec<Vec<usize>>,
    /// Whether to stop when nothing gets better; None: with more than 10,000 samples (the default).
    pub early_stopping: Option<bool>,
    /// The share of samples that is set aside to see whether anything gets better (default: 0.1); None: training samples
    /// are looked at.
    pub validation_fraction: Option<f64>,
    /// How many rounds nothing may get better before training stops (default: 10).
    pub n_iter_no_change: usize,
    /// What counts as better (default: 1e-7).
    pub tol: f64,
    /// The seed of what is drawn at random: the samples set aside, those whose quantiles bound the bins where there are more
    /// than 200,000, and the features of `max_features` (default: 0).
    pub seed: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            learning_rate: 0.1,
            max_iter: 100,
            max_leaf_nodes: Some(31),
            max_depth: None,
            min_samples_leaf: 20,
            l2_regularization: 0.0,
            max_features: 1.0,
            max_bins: 255,
            categorical_features: Vec::new(),
            monotonic_cst: Vec::new(),
            interaction_cst: Vec::new(),
            early_stopping: None,
            validation_fraction: Some(0.1),
            n_iter_no_change: 10,
            tol: 1e-7,
            seed: 0,
        }
    }
}

impl Parameters {
    /// Refuses what no training can be done with.
    pub(super) fn check(&self, operation: &str, features: usize) -> Result<()> {
        let wrong = |message: String| Err(Error::value(operation, message));
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong(format!("learning_rate is {}: more than 0 expected", self.learning_rate));
        }
        if self.max_iter == 0 {
            return wrong("max_iter is 0: at least 1 expected".into());
        }
        if self.max_leaf_nodes.is_some_and(|leaves| leaves < 2) {
            return wrong("max_leaf_nodes is less than 2: no tree has so few".into());
        }
        if self.max_depth == Some(0) {
            return wrong("max_depth is 0: at least 1 expected".into());
        }
        if self.min_samples_leaf == 0 {
            return wrong("min_samples_leaf is 0: at least 1 expected".into());
        }
        if !(self.l2_regularization >= 0.0 && self.l2_regularization.is_finite()) {
            return wrong(format!("l2_regularization is {}: at least 0 expected", self.l2_regularization));
        }
        if !(self.max_features > 0.0 && self.max_features <= 1.0) {
            return wrong(format!(
                "max_features is {}: a share from 0 (not it) to 1 expected",
                self.max_features
            ));
        }
        if !(2..=255).contains(&self.max_bins) {
            return wrong(format!("max_bins is {}: from 2 to 255 expected", self.max_bins));
        }
        if self.n_iter_no_change == 0 {
            return wrong("n_iter_no_change is 0: at least 1 expected".into());
        }
        if !(self.tol >= 0.0) {
            return wrong(format!("tol is {}: at least 0 expected", self.tol));
        }
        if let Some(share) = self.validation_fraction
            && !(share > 0.0 && share < 1.0)
        {
            return wrong(format!("validation_fraction is {share}: between 0 and 1 expected"));
        }
        if let Some(feature) = self.categorical_features.iter().find(|&&feature| feature >= features) {
            return wrong(format!("categorical_features names column {feature} of {features}"));
        }
        let directions = &self.monotonic_cst;
        if !directions.is_empty() && directions.len() != features {
            return wrong(format!(
                "monotonic_cst has {} directions for {features} features",
                directions.len()
            ));
        }
        if let Some(direction) = directions.iter().find(|direction| !(-1..=1).contains(*direction)) {
            return wrong(format!("monotonic_cst holds {direction}: -1, 0 or 1 expected"));
        }
        if self.categorical_features.iter().any(|&feature| directions.get(feature).is_some_and(|&d| d != 0)) {
            return wrong("Categorical features cannot have monotonic constraints.".into());
        }
        if let Some(feature) = self.interaction_cst.iter().flatten().find(|&&feature| feature >= features) {
            return wrong(format!("interaction_cst names column {feature} of {features}"));
        }
        Ok(())
    }

    /// The sets of features that may stand in one branch, complete; none without such a limit.
    pub(super) fn interaction_sets(&self, features: usize) -> Vec<Vec<bool>> {
        if self.interaction_cst.is_empty() {
            return Vec::new();
        }
        let mut rest = vec![true; features];
        let mut sets: Vec<Vec<bool>> = Vec::new();
        for group in &self.interaction_cst {
            let mut set = vec![false; features];
            for &feature in group {
                (set[feature], rest[feature]) = (true, false);
            }
            sets.push(set);
        }
        if rest.iter().any(|&left| left) {
            sets.push(rest);
        }
        sets
    }
}

/// The builder methods of an estimator that holds `parameters`.
macro_rules! builder {
    () => {
        /// What each tree's leaves are multiplied by (default: 0.1).
        pub fn learning_rate(mut self, learning_rate: f64) -> Self {
            self.parameters.learning_rate = learning_rate;
            self
        }

        /// How many rounds (default: 100).
        pub fn max_iter(mut self, max_iter: usize) -> Self {
            self.parameters.max_iter = max_iter;
            self
        }

        /// The most leaves of a tree (default: 31).
        pub fn max_leaf_nodes(mut self, max_leaf_nodes: impl Into<Option<usize>>) -> Self {
            self.parameters.max_leaf_nodes = max_leaf_nodes.into();
            self
        }

        /// The most edges from the root to a leaf (default: no limit).
        pub fn max_depth(mut self, max_depth: impl Into<Option<usize>>) -> Self {
            self.parameters.max_depth = max_depth.into();
            self
        }

        /// The fewest samples of a leaf (default: 20).
        pub fn min_samples_leaf(mut self, min_samples_leaf: usize) -> Self {
            self.parameters.min_samples_leaf = min_samples_leaf;
            self
        }

        /// The seed of what is drawn at random (default: 0).
        pub fn seed(mut self, seed: u64) -> Self {
            self.parameters.seed = seed;
            self
        }

        /// Every parameter, for those that have no method here.
        pub fn parameters(
            mut self,
            parameters: $crate::ensemble::hist_gradient_boosting::Parameters,
        ) -> Self {
            self.parameters = parameters;
            self
        }
    };
}
pub(super) use builder;
