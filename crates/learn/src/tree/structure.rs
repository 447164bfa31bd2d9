//! The nodes of a fitted tree.

use barehand_kernels::threads;
use barehand_kernels::tree::{Node, NodeKind, RankSet, leaf_of, leaves_of};
use barehand_tensor::{Result, Tensor};

use crate::record::Record;

/// Nodes that one thread passes before another pays.
const GRAIN: usize = 1 << 12;

/// What a node predicts for: how many features it may ask, outputs, classes of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Extent {
    /// Features.
    pub features: usize,
    /// Classes of each output; 1 for a regression's.
    pub classes: Vec<usize>,
}

impl Extent {
    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.classes.len()
    }

    /// The most classes that an output has.
    pub fn max_classes(&self) -> usize {
        self.classes.iter().copied().max().unwrap_or(1)
    }

    /// Numbers in a node's value.
    pub fn width(&self) -> usize {
        self.outputs() * self.max_classes()
    }
}

/// A fitted tree: what scikit-learn shows as `tree_`. Node 0 is the root, children come after their parents, and a leaf has
/// children -1, feature -2 and threshold -2.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    extent: Extent,
    max_depth: usize,
    children_left: Vec<i64>,
    children_right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    missing_go_to_left: Vec<bool>,
    impurity: Vec<f64>,
    n_node_samples: Vec<i64>,
    weighted_n_node_samples: Vec<f64>,
    value: Vec<f64>,
    /// For each node the place of its set among `sets`, -1 where it asks for no category.
    category_set: Vec<i64>,
    sets: Vec<RankSet>,
    /// The same, as rows walk through it.
    nodes: Vec<Node>,
}

/// What is known of a node when it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewNode<'a> {
    pub impurity: f64,
    pub samples: usize,
    pub weight: f64,
    pub value: &'a [f64],
}

/// What a node asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub feature: usize,
    pub threshold: f64,
    pub missing_left: bool,
    pub set: Option<RankSet>,
}

impl Tree {
    pub(crate) fn new(extent: Extent) -> Tree {
        Tree {
            extent,
            max_depth: 0,
            children_left: Vec::new(),
            children_right: Vec::new(),
            feature: Vec::new(),
            threshold: Vec::new(),
            missing_go_to_left: Vec::new(),
            impurity: Vec::new(),
            n_node_samples: Vec::new(),
            weighted_n_node_samples: Vec::new(),
            value: Vec::new(),
            category_set: Vec::new(),
            sets: Vec::new(),
            nodes: Vec::new(),
        }
    }

    /// A leaf more; its place.
    pub(crate) fn push(&mut self, node: NewNode) -> usize {
        self.children_left.push(-1);
        self.children_right.push(-1);
        self.feature.push(-2);
        self.threshold.push(-2.0);
        self.missing_go_to_left.push(false);
        self.impurity.push(node.impurity);
        self.n_node_samples.push(node.samples as i64);
        self.weighted_n_node_samples.push(node.weight);
        self.value.extend_from_slice(node.value);
        self.category_set.push(-1);
        self.node_count() - 1
    }

    /// The node asks.
    pub(crate) fn ask(&mut self, node: usize, question: Question) {
        self.feature[node] = question.feature as i64;
        self.threshold[node] = question.threshold;
        self.missing_go_to_left[node] = question.missing_left;
        if let Some(set) = question.set {
            self.category_set[node] = self.sets.len() as i64;
            self.sets.push(set);
        }
    }

    /// The node's child on one side.
    pub(crate) fn link(&mut self, parent: usize, left: bool, child: usize) {
        let side = if left { &mut self.children_left } else { &mut self.children_right };
        side[parent] = child as i64;
    }

    /// Makes ready for rows; nodes that ask but were given no children are leaves.
    pub(crate) fn finish(&mut self) {
        for node in 0..self.node_count() {
            if self.children_left[node] < 0 {
                self.feature[node] = -2;
                self.threshold[node] = -2.0;
                self.missing_go_to_left[node] = false;
                self.category_set[node] = -1;
            }
        }
        self.max_depth = self.node_depths().into_iter().max().unwrap_or(1) - 1;
        self.nodes = (0..self.node_count())
            .map(|node| {
                let (feature, missing_left) = (self.feature[node] as u32, self.missing_go_to_left[node]);
                let kind = match (self.children_left[node], self.category_set[node]) {
                    (..0, _) => NodeKind::Leaf,
                    (_, ..0) => {
                        NodeKind::Threshold { feature, threshold: self.threshold[node], missing_left }
                    }
                    (_, set) => NodeKind::Categories { feature, set: set as u32, missing_left },
                };
                Node::new(kind, self.children_left[node] as u32, self.children_right[node] as u32)
            })
            .collect();
    }

    /// Features, outputs and classes.
    pub fn extent(&self) -> &Extent {
        &self.extent
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.children_left.len()
    }

    /// How many of them are leaves.
    pub fn n_leaves(&self) -> usize {
        self.children_left.iter().filter(|&&child| child < 0).count()
    }

    /// Questions on the longest way to a leaf.
    pub fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The child of each node for rows of which the answer is yes; -1 for leaves.
    pub fn children_left(&self) -> &[i64] {
        &self.children_left
    }

    /// The other child.
    pub fn children_right(&self) -> &[i64] {
        &self.children_right
    }

    /// The feature that each node asks; -2 for leaves.
    pub fn feature(&self) -> &[i64] {
        &self.feature
    }

    /// Rows whose feature is at most this go left; -2 for leaves.
    pub fn threshold(&self) -> &[f64] {
        &self.threshold
    }

    /// Whether rows that miss the feature go left.
    pub fn missing_go_to_left(&self) -> &[bool] {
        &self.missing_go_to_left
    }

    /// Impurity of each node.
    pub fn impurity(&self) -> &[f64] {
        &self.impurity
    }

    /// Samples in each node.
    pub fn n_node_samples(&self) -> &[i64] {
        &self.n_node_samples
    }

    /// Their weight.
    pub fn weighted_n_node_samples(&self) -> &[f64] {
        &self.weighted_n_node_samples
    }

    /// What each node predicts, `(nodes, outputs, most classes)`: values, or shares of classes.
    pub fn value(&self) -> &[f64] {
        &self.value
    }

    /// What one node predicts.
    pub fn value_of(&self, node: usize) -> &[f64] {
        let width = self.extent.width();
        &self.value[node * width..(node + 1) * width]
    }

    /// The categories that go left, where the node asks for some.
    pub fn categories(&self, node: usize) -> Option<Vec<usize>> {
        let set = self.sets.get(usize::try_from(self.category_set[node]).ok()?)?;
        Some((0..256).filter(|code| set[code / 64] >> (code % 64) & 1 == 1).collect())
    }

    /// The leaf of one row.
    #[inline]
    pub fn leaf(&self, row: &[f32]) -> usize {
        leaf_of(&self.nodes, &self.sets, row) as usize
    }

    /// The leaf of each of a few rows.
    pub(crate) fn leaves(&self, rows: &[f32], leaves: &mut [u32]) {
        leaves_of(&self.nodes, &self.sets, rows, self.extent.features, leaves);
    }

    /// The leaf of each row.
    pub fn apply(&self, rows: &[f32]) -> Vec<i64> {
        let d = self.extent.features;
        let mut leaves = vec![0; rows.len() / d];
        let grain = (GRAIN / (self.max_depth + 1)).max(1);
        threads::for_each_chunk(&mut leaves, 256, grain, |start, leaves| {
            let mut found = [0; 256];
            let found = &mut found[..leaves.len()];
            self.leaves(&rows[start * d..(start + leaves.len()) * d], found);
            leaves.iter_mut().zip(found).for_each(|(leaf, &mut at)| *leaf = i64::from(at));
        });
        leaves
    }

    /// The nodes on each row's way: where those of each row begin (and the last ones end), and the nodes.
    pub fn decision_path(&self, rows: &[f32]) -> (Vec<i64>, Vec<i64>) {
        let (mut starts, mut path) = (vec![0], Vec::new());
        for row in rows.chunks_exact(self.extent.features) {
            let mut at = 0;
            path.push(0);
            while let Some(next) = self.nodes[at as usize].next(&self.sets, row) {
                at = next;
                path.push(i64::from(at));
            }
            starts.push(path.len() as i64);
        }
        (starts, path)
    }

    /// The decrease of impurity that each feature brought, in shares of their sum where `normalize`.
    pub fn feature_importances(&self, normalize: bool) -> Vec<f64> {
        let mut importances = vec![0.0; self.extent.features];
        let of = |node: usize| self.weighted_n_node_samples[node] * self.impurity[node];
        for node in 0..self.node_count() {
            if self.children_left[node] >= 0 {
                let (left, right) = (self.children_left[node] as usize, self.children_right[node] as usize);
                importances[self.feature[node] as usize] += of(node) - of(left) - of(right);
            }
        }
        for sum in &mut importances {
            *sum /= self.weighted_n_node_samples[0];
        }
        let sum: f64 = importances.iter().sum();
        if normalize && sum > 0.0 {
            for share in &mut importances {
                *share /= sum;
            }
        }
        importances
    }

    /// The depth of each node; the root's is 1.
    pub fn node_depths(&self) -> Vec<usize> {
        let mut depths = vec![1; self.node_count()];
        for node in 0..self.node_count() {
            if self.children_left[node] >= 0 {
                for child in [self.children_left[node], self.children_right[node]] {
                    depths[child as usize] = depths[node] + 1;
                }
            }
        }
        depths
    }

    /// Adds to `out` what the tree predicts of each point of `grid` (`(points, features.len())`), the features that are not
    /// among `features` averaged over the samples it was grown on (Friedman, 2001).
    pub fn partial_dependence(&self, grid: &[f32], features: &[usize], out: &mut [f64]) {
        let width = self.extent.width();
        for (point, sum) in grid.chunks_exact(features.len()).zip(out) {
            let mut stack = vec![(0usize, 1.0)];
            while let Some((node, weight)) = stack.pop() {
                if self.children_left[node] < 0 {
                    *sum += weight * self.value[node * width];
                    continue;
                }
                let (left, right) = (self.children_left[node] as usize, self.children_right[node] as usize);
                match features.iter().position(|&feature| feature as i64 == self.feature[node]) {
                    Some(place) => {
                        let mut row = vec![0.0; self.extent.features];
                        row[features[place]] = point[place];
                        let next = self.nodes[node].next(&self.sets, &row).unwrap_or(0);
                        stack.push((next as usize, weight));
                    }
                    None => {
                        let whole = self.weighted_n_node_samples[node];
                        let share = self.weighted_n_node_samples[left] / whole;
                        stack.push((left, weight * share));
                        stack.push((right, weight * (1.0 - share)));
                    }
                }
            }
        }
    }

    /// The subtree that ends at these nodes: each is a leaf, or has two children in it.
    pub(crate) fn subtree(&self, is_leaf: &[bool]) -> Tree {
        let mut tree = Tree::new(self.extent.clone());
        let mut stack = vec![(0usize, None)];
        while let Some((node, parent)) = stack.pop() {
            let place = tree.push(NewNode {
                impurity: self.impurity[node],
                samples: self.n_node_samples[node] as usize,
                weight: self.weighted_n_node_samples[node],
                value: self.value_of(node),
            });
            if let Some((parent, left)) = parent {
                tree.link(parent, left, place);
            }
            if !is_leaf[node] {
                let set = usize::try_from(self.category_set[node]).ok().map(|set| self.sets[set]);
                tree.ask(
                    place,
                    Question {
                        feature: self.feature[node] as usize,
                        threshold: self.threshold[node],
                        missing_left: self.missing_go_to_left[node],
                        set,
                    },
                );
                stack.push((self.children_right[node] as usize, Some((place, false))));
                stack.push((self.children_left[node] as usize, Some((place, true))));
            }
        }
        tree.finish();
        tree
    }

    pub(crate) fn to_record(&self) -> Record {
        let integers = |list: &[i64]| Tensor::from(list.to_vec());
        let numbers = |list: &[f64]| Tensor::from(list.to_vec());
        let classes: Vec<i64> = self.extent.classes.iter().map(|&count| count as i64).collect();
        let missing: Vec<i64> = self.missing_go_to_left.iter().map(|&left| i64::from(left)).collect();
        let sets: Vec<i64> = self.sets.iter().flatten().map(|&bits| bits.cast_signed()).collect();
        Record::new("Tree")
            .with("n_features", self.extent.features)
            .with("n_classes", integers(&classes))
            .with("children_left", integers(&self.children_left))
            .with("children_right", integers(&self.children_right))
            .with("feature", integers(&self.feature))
            .with("threshold", numbers(&self.threshold))
            .with("missing_go_to_left", integers(&missing))
            .with("impurity", numbers(&self.impurity))
            .with("n_node_samples", integers(&self.n_node_samples))
            .with("weighted_n_node_samples", numbers(&self.weighted_n_node_samples))
            .with("value", numbers(&self.value))
            .with("category_set", integers(&self.category_set))
            .with("sets", integers(&sets))
    }

    pub(crate) fn from_record(record: &Record) -> Result<Tree> {
        let features = record.count("n_features")?;
        let classes = record.tensor::<i64>("n_classes")?.to_vec();
        if classes.is_empty() || classes.iter().any(|&count| !(1..1 << 31).contains(&count)) {
            return Err(record.error(format!("numbers of classes {classes:?}")));
        }
        if features == 0 || features >= 1 << 30 {
            return Err(record.error(format!("{features} features")));
        }
        let extent = Extent { features, classes: classes.iter().map(|&count| count as usize).collect() };
        let children_left = record.tensor::<i64>("children_left")?.to_vec();
        let n = children_left.len();
        let integers = |name: &str| Ok(record.tensor_of::<i64>(name, &[n])?.to_vec());
        let numbers = |name: &str| Ok(record.tensor_of::<f64>(name, &[n])?.to_vec());
        let width = extent.outputs().checked_mul(extent.max_classes()).and_then(|w| w.checked_mul(n));
        let Some(width) = width.filter(|_| n > 0) else {
            return Err(record.error(format!("{n} nodes of {classes:?} classes")));
        };
        let sets = record.tensor::<i64>("sets")?.to_vec();
        let sets: Vec<RankSet> =
            sets.chunks_exact(4).map(|bits| std::array::from_fn(|i| bits[i].cast_unsigned())).collect();
        let mut tree = Tree {
            max_depth: 0,
            children_left,
            children_right: integers("children_right")?,
            feature: integers("feature")?,
            threshold: numbers("threshold")?,
            missing_go_to_left: integers("missing_go_to_left")?.iter().map(|&left| left != 0).collect(),
            impurity: numbers("impurity")?,
            n_node_samples: integers("n_node_samples")?,
            weighted_n_node_samples: numbers("weighted_n_node_samples")?,
            value: record.tensor_of::<f64>("value", &[width])?.to_vec(),
            category_set: integers("category_set")?,
            sets,
            nodes: Vec::new(),
            extent,
        };
        tree.check(record)?;
        tree.finish();
        Ok(tree)
    }

    /// Children after their parents, so that every way ends; each node the child of one parent; features and sets that exist.
    fn check(&self, record: &Record) -> Result<()> {
        let n = self.node_count();
        let mut parents = vec![0u8; n];
        for node in 0..n {
            let (left, right) = (self.children_left[node], self.children_right[node]);
            if left == -1 && right == -1 {
                continue;
            }
            for child in [left, right] {
                if child <= node as i64 || child >= n as i64 || parents[child as usize] == 1 {
                    return Err(record.error(format!("node {node} has child {child} of {n} nodes")));
                }
                parents[child as usize] = 1;
            }
            if !(0..self.extent.features as i64).contains(&self.feature[node]) {
                return Err(record.error(format!("node {node} asks feature {}", self.feature[node])));
            }
            if self.category_set[node] >= self.sets.len() as i64 {
                return Err(record.error(format!("node {node} asks set {}", self.category_set[node])));
            }
        }
        match parents[1..].iter().position(|&count| count == 0) {
            None => Ok(()),
            Some(node) => Err(record.error(format!("node {} has no parent", node + 1))),
        }
    }
}
