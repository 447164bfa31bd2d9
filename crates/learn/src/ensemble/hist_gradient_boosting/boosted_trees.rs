//! What training leaves behind: a baseline, and trees that correct it.

use barehand_kernels::tree_walk::{CategorySet, Node, Trees};
use barehand_tensor::{Float, Result, Tensor};

use super::loss::Loss;
use crate::record::Record;

/// What a fitted model of either kind, with a `model` and scores, says of itself.
macro_rules! boosted_model {
    ($fitted:ident) => {
        impl<T: Float> $fitted<T> {
            /// The trees.
            pub fn trees(&self) -> &BoostedTrees {
                &self.model
            }

            /// How many rounds there were.
            pub fn n_iter(&self) -> usize {
                self.model.n_iter()
            }

            /// The negative mean loss of the training samples before the first round and after each; empty without early
            /// stopping.
            pub fn train_scores(&self) -> &[f64] {
                &self.train_scores
            }

            /// That of the samples set aside.
            pub fn validation_scores(&self) -> &[f64] {
                &self.validation_scores
            }
        }
    };
}
pub(super) use boosted_model;

/// A sum of trees above a baseline: the raw predictions of a [`Loss`].
#[derive(Clone, Debug, PartialEq)]
pub struct BoostedTrees {
    pub(super) loss: Loss,
    pub(super) baseline: Vec<f64>,
    pub(super) trees: Trees,
}

impl BoostedTrees {
    /// The loss that they make small.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The raw predictions before the first tree.
    pub fn baseline(&self) -> &[f64] {
        &self.baseline
    }

    /// How many rounds of boosting there were.
    pub fn n_iter(&self) -> usize {
        self.trees.len() / self.baseline.len()
    }

    /// How many features a row has.
    pub fn features(&self) -> usize {
        self.trees.features()
    }

    /// How many raw predictions a row has: trees a round.
    pub fn outputs(&self) -> usize {
        self.baseline.len()
    }

    /// Adds what rounds `rounds` say of rows `x`, `(n, features)`, to `raw`, `(n, outputs)`.
    pub fn add<T: Float>(&self, rounds: std::ops::Range<usize>, x: &[T], raw: &mut [f64]) {
        let outputs = self.outputs();
        let last = self.n_iter();
        self.trees.add(rounds.start.min(last) * outputs..rounds.end.min(last) * outputs, x, raw);
    }

    /// The raw predictions `(n, outputs)` of `n` rows `x` by every round.
    pub fn raw<T: Float>(&self, x: &Tensor<T>, n: usize) -> Vec<f64> {
        let mut raw = self.baseline.repeat(n);
        let packed = x.contiguous();
        self.add(0..self.n_iter(), packed.as_slice().unwrap_or_default(), &mut raw);
        raw
    }

    /// What `answer` makes of the raw predictions of `n` rows `x` after each round.
    pub(super) fn staged<T: Float, R>(
        &self,
        x: &Tensor<T>,
        n: usize,
        answer: impl Fn(&[f64]) -> R,
    ) -> Vec<R> {
        let packed = x.contiguous();
        let rows = packed.as_slice().unwrap_or_default();
        let mut raw = self.baseline.repeat(n);
        (0..self.n_iter())
            .map(|round| {
                self.add(round..round + 1, rows, &mut raw);
                answer(&raw)
            })
            .collect()
    }

    /// The number of each sample's class, of raw predictions `(n, outputs)`: the first of those that are largest.
    pub fn codes(&self, raw: &[f64]) -> Vec<usize> {
        let largest = |raw: &[f64]| match raw {
            [odds] => usize::from(*odds > 0.0),
            raw => (1..raw.len()).fold(0, |best, class| if raw[class] > raw[best] { class } else { best }),
        };
        raw.chunks_exact(self.outputs()).map(largest).collect()
    }

    /// The probabilities of classes, `(n, classes)`, of raw predictions `(n, outputs)`; two columns of one class.
    pub fn probabilities(&self, raw: &[f64]) -> Vec<f64> {
        let outputs = self.outputs();
        let classes = outputs.max(2);
        let mut probabilities = vec![0.0; raw.len() / outputs * classes];
        for (raw, out) in raw.chunks_exact(outputs).zip(probabilities.chunks_exact_mut(classes)) {
            Loss::probabilities(raw, out);
        }
        probabilities
    }

    /// The values that raw predictions of regression stand for.
    pub fn values(&self, raw: &[f64]) -> Vec<f64> {
        raw.iter().map(|&raw| self.loss.inverse_link(raw)).collect()
    }

    /// All of it, for a file.
    pub(super) fn to_record(&self) -> Record {
        let (mut all, mut values, mut sets, mut sizes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for tree in 0..self.trees.len() {
            let (nodes, tree_values, tree_sets) = self.trees.tree(tree);
            sizes.extend([nodes.len() as i64, tree_sets.len() as i64]);
            all.extend(nodes);
            values.extend_from_slice(tree_values);
            sets.extend(tree_sets);
        }
        let whole = |of: fn(&Node) -> u32| -> Tensor<i32> {
            all.iter().map(|node| of(node) as i32).collect::<Vec<_>>().into()
        };
        let thresholds: Tensor<f64> = all.iter().map(|node| node.threshold).collect::<Vec<_>>().into();
        let missing: Tensor<bool> = all.iter().map(|node| node.missing_left).collect::<Vec<_>>().into();
        let bits: Vec<i64> = sets.iter().flat_map(|set| set.left).map(|word| word as i64).collect();
        let lists = self.trees.categories();
        let counts: Tensor<i64> = lists.iter().map(|list| list.len() as i64).collect::<Vec<_>>().into();
        Record::new("BoostedTrees")
            .with("loss", self.loss.name())
            .with("quantile", if let Loss::Quantile(q) = self.loss { Some(q) } else { None })
            .with("baseline", Tensor::from(self.baseline.clone()))
            .with("sizes", Tensor::from(sizes))
            .with("threshold", thresholds)
            .with("feature", whole(|node| node.feature))
            .with("left", whole(|node| node.left))
            .with("right", whole(|node| node.right))
            .with("set", whole(|node| node.categories))
            .with("missing_left", missing)
            .with("value", Tensor::from(values))
            .with("sets", Tensor::from(bits))
            .with("category_counts", counts)
            .with("categories", Tensor::from(lists.concat()))
    }

    /// What [`BoostedTrees::to_record`] wrote; `classes` are those of a classifier.
    pub(super) fn from_record(record: &Record, classes: Option<usize>) -> Result<Self> {
        let loss = match (record.text("loss")?, classes) {
            ("log_loss", Some(classes)) => Loss::LogLoss(classes),
            (name, None) => {
                let quantile = if record.is_set("quantile") { Some(record.float("quantile")?) } else { None };
                Loss::from_name(record.name(), name, quantile)?
            }
            (name, Some(_)) => return Err(record.error(format!("loss {name:?} of a classifier"))),
        };
        let baseline = record.tensor_of::<f64>("baseline", &[loss.outputs()])?.to_vec();
        let counts = record.tensor::<i64>("category_counts")?.to_vec();
        let values = record.tensor::<f64>("categories")?.to_vec();
        let mut categories: Vec<Vec<f64>> = Vec::new();
        let mut rest = &values[..];
        for &count in &counts {
            let fits = usize::try_from(count).ok().filter(|&count| count <= 255 && count <= rest.len());
            let count = fits.ok_or_else(|| record.error(format!("a column with {count} categories")))?;
            let (list, others) = rest.split_at(count);
            if !list.is_sorted_by(|a, b| a < b) {
                return Err(record.error("categories are not in ascending order"));
            }
            categories.push(list.to_vec());
            rest = others;
        }
        if categories.is_empty() || !rest.is_empty() {
            return Err(record.error("category_counts do not fit the categories"));
        }
        let values = record.tensor::<f64>("value")?.to_vec();
        let whole =
            |name: &str| -> Result<Vec<i32>> { Ok(record.tensor_of::<i32>(name, &[values.len()])?.to_vec()) };
        let (feature, left, right, set) = (whole("feature")?, whole("left")?, whole("right")?, whole("set")?);
        let threshold = record.tensor_of::<f64>("threshold", &[values.len()])?.to_vec();
        let missing_left = record.tensor_of::<bool>("missing_left", &[values.len()])?.to_vec();
        let nodes: Vec<Node> = (0..values.len())
            .map(|at| Node {
                threshold: threshold[at],
                feature: feature[at] as u32,
                left: left[at] as u32,
                right: right[at] as u32,
                categories: set[at] as u32,
                missing_left: missing_left[at],
            })
            .collect();
        let words = record.tensor::<i64>("sets")?.to_vec();
        let (words, odd) = words.as_chunks::<4>();
        let sizes = record.tensor::<i64>("sizes")?.to_vec();
        let (sizes, odd_sizes) = sizes.as_chunks::<2>();
        if !odd.is_empty() || !odd_sizes.is_empty() || sizes.len() % baseline.len() != 0 {
            return Err(record.error("trees or sets of categories are cut off"));
        }
        let mut trees = Trees::new(categories.len(), baseline.len(), categories);
        let (mut at, mut set_at) = (0, 0);
        for &[size, set_count] in sizes {
            let end = |from: usize, count: i64, len: usize| {
                let to = usize::try_from(count).ok().and_then(|count| from.checked_add(count));
                to.filter(|&to| to <= len).ok_or_else(|| record.error("a tree is larger than the file"))
            };
            let (to, set_to) = (end(at, size, nodes.len())?, end(set_at, set_count, words.len())?);
            let sets: Vec<CategorySet> = words[set_at..set_to]
                .iter()
                .map(|set| CategorySet { left: set.map(|word| word as u64) })
                .collect();
            trees.push(&nodes[at..to], &values[at..to], &sets).map_err(|message| record.error(message))?;
            (at, set_at) = (to, set_to);
        }
        if at != nodes.len() || set_at != words.len() {
            return Err(record.error("nodes or sets of no tree"));
        }
        Ok(BoostedTrees { loss, baseline, trees })
    }
}
