//! One tree, grown leaf by leaf: the leaf that gains most from a split is split next.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

use barehand_kernels::histogram::{Binned, Limits, NodeSums, Split, Sums, best_split, node_value};
use barehand_kernels::random::Philox;
use barehand_kernels::threads;
use barehand_kernels::tree_walk::{CategorySet, Node};

use super::bin_mapper::BinMapper;
use super::parameters::Parameters;

/// No child has a smaller sum of hessians.
const MIN_HESSIAN: f64 = 1e-3;

/// Categories of fewer samples (in units of hessians) are not looked at: they go right. Their gradients are drawn to 0 by as
/// many. LightGBM's `cat_smooth`.
const CATEGORY_SUPPORT: f64 = 10.0;

/// A tree, and which rows lie in which leaf.
pub(super) struct Grown {
    pub(super) nodes: Vec<Node>,
    pub(super) values: Vec<f64>,
    pub(super) sets: Vec<CategorySet>,
    /// For each leaf, its node and the places of its rows in [`Grower::rows`].
    pub(super) leaves: Vec<(usize, Range<usize>)>,
}

/// How a node is split.
#[derive(Clone, Copy)]
struct Choice {
    feature: usize,
    gain: f64,
    /// The last bin that goes left, of numbers.
    bin: usize,
    missing_left: bool,
    /// The bins that go left, of categories.
    set: Option<[u64; 4]>,
    /// `[gradient, hessian, rows]`
    left: [f64; 3],
}

struct Growing {
    depth: usize,
    rows: Range<usize>,
    gradient: f64,
    hessian: f64,
    value: f64,
    /// Between which values its children must lie.
    bounds: [f64; 2],
    /// The sets of features that may stand below it, of those of `interaction_cst`.
    interactions: Vec<usize>,
    histogram: Vec<f64>,
    choice: Option<Choice>,
    children: Option<[usize; 2]>,
}

/// A node that can be split; of equal gains the oldest is split first.
struct Splittable {
    gain: f64,
    node: usize,
}

impl Ord for Splittable {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Splittable {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Splittable {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Splittable {}

/// Grows trees over the same rows, one after another.
pub(super) struct Grower {
    limits: Limits,
    max_leaf_nodes: Option<usize>,
    max_depth: Option<usize>,
    min_samples_leaf: usize,
    max_features: f64,
    monotonic: Vec<i8>,
    interactions: Vec<Vec<bool>>,
    /// Whether values of the feature are missing.
    missing: Vec<bool>,
    rng: Philox,
    /// The rows, those of a node side by side.
    pub(super) rows: Vec<u32>,
    moved: Vec<u32>,
    ordered: Vec<[f32; 2]>,
    /// Histograms of nodes that are done with.
    pool: Vec<Vec<f64>>,
}

impl Grower {
    pub(super) fn new(parameters: &Parameters, binned: &Binned, mapper: &BinMapper, rng: Philox) -> Self {
        let features = binned.features();
        let mut missing = vec![false; features];
        threads::for_each_chunk(&mut missing, 1, 1 + (1 << 16) / binned.rows().max(1), |feature, missing| {
            let bin = mapper.bins(feature);
            missing[0] = (0..binned.rows()).any(|row| usize::from(binned.bin(feature, row)) == bin);
        });
        let monotonic = &parameters.monotonic_cst;
        Grower {
            limits: Limits {
                min_samples_leaf: parameters.min_samples_leaf as f64,
                min_hessian: MIN_HESSIAN,
                l2_regularization: parameters.l2_regularization,
            },
            max_leaf_nodes: parameters.max_leaf_nodes,
            max_depth: parameters.max_depth,
            min_samples_leaf: parameters.min_samples_leaf,
            max_features: parameters.max_features,
            monotonic: if monotonic.is_empty() { vec![0; features] } else { monotonic.clone() },
            interactions: parameters.interaction_sets(features),
            missing,
            rng,
            rows: Vec::new(),
            moved: Vec::new(),
            ordered: Vec::new(),
            pool: Vec::new(),
        }
    }

    /// The tree that fits the gradients `pairs` best, its values not yet multiplied by the learning rate.
    pub(super) fn grow(
        &mut self,
        binned: &Binned,
        mapper: &BinMapper,
        sums: Sums,
        pairs: &[[f32; 2]],
    ) -> Grown {
        let n = binned.rows();
        self.rows.clear();
        self.rows.extend(0..n as u32);
        let root = Growing {
            depth: 0,
            rows: 0..n,
            gradient: 0.0,
            hessian: 0.0,
            value: 0.0,
            bounds: [f64::NEG_INFINITY, f64::INFINITY],
            interactions: (0..self.interactions.len()).collect(),
            histogram: self.room(binned, sums),
            choice: None,
            children: None,
        };
        let mut nodes = vec![root];
        let mut open = BinaryHeap::new();
        self.sum_root(binned, sums, pairs, &mut nodes[0]);
        if n >= 2 * self.min_samples_leaf && nodes[0].hessian >= MIN_HESSIAN {
            let asked = self.ask(binned.features(), &nodes[0]);
            let histogram = &nodes[0].histogram;
            let choices = (0..binned.features()).map(|feature| {
                let bins = binned.bins_of(feature);
                let bins = &histogram[bins.start * sums.lanes()..bins.end * sums.lanes()];
                asked.best(self, mapper, sums, feature, bins)
            });
            let choice = best_of(choices);
            self.decide(&mut nodes, 0, choice, &mut open);
        }
        let mut leaves = 1;
        while self.max_leaf_nodes.is_none_or(|most| leaves < most) {
            let Some(Splittable { node, .. }) = open.pop() else { break };
            self.split(binned, mapper, sums, pairs, &mut nodes, node, leaves + 1, &mut open);
            leaves += 1;
        }
        let grown = Self::numbered(mapper, &nodes);
        self.pool
            .extend(nodes.into_iter().map(|node| node.histogram).filter(|histogram| !histogram.is_empty()));
        grown
    }

    fn room(&mut self, binned: &Binned, sums: Sums) -> Vec<f64> {
        self.pool.pop().unwrap_or_else(|| vec![0.0; binned.bins() * sums.lanes()])
    }

    /// Splits `node`, and chooses the splits of its children unless the tree will have its `leaves` with this one.
    fn split(
        &mut self,
        binned: &Binned,
        mapper: &BinMapper,
        sums: Sums,
        pairs: &[[f32; 2]],
        nodes: &mut Vec<Growing>,
        node: usize,
        leaves: usize,
        open: &mut BinaryHeap<Splittable>,
    ) {
        let parent = &mut nodes[node];
        let Some(mut choice) = parent.choice else { return };
        let feature = choice.feature;
        let mut goes_left = [false; 256];
        for (bin, left) in goes_left.iter_mut().enumerate() {
            *left = match choice.set {
                Some(set) => set[bin / 64] >> (bin % 64) & 1 == 1,
                None => bin <= choice.bin || (choice.missing_left && bin == mapper.bins(feature)),
            };
        }
        let rows = parent.rows.clone();
        let count = binned.partition(feature, &goes_left, &mut self.rows[rows.clone()], &mut self.moved);
        let middle = rows.start + count;
        if !self.missing[feature] {
            choice.missing_left = middle - rows.start > rows.end - middle;
        }
        parent.choice = Some(choice);
        let right = [parent.gradient - choice.left[0], parent.hessian - choice.left[1]];
        let l2 = self.limits.l2_regularization;
        let values = [
            node_value(choice.left[0], choice.left[1], l2, parent.bounds),
            node_value(right[0], right[1], l2, parent.bounds),
        ];
        let [lower, upper] = parent.bounds;
        let between = f64::midpoint(values[0], values[1]);
        let bounds = match self.monotonic[feature] {
            0 => [[lower, upper]; 2],
            1 => [[lower, between], [between, upper]],
            _ => [[between, upper], [lower, between]],
        };
        let interactions: Vec<usize> =
            parent.interactions.iter().copied().filter(|&set| self.interactions[set][feature]).collect();
        let depth = parent.depth + 1;
        let mut histogram = std::mem::take(&mut parent.histogram);
        let child = |side: usize, rows: Range<usize>, gradient: f64, hessian: f64| Growing {
            depth,
            rows,
            gradient,
            hessian,
            value: values[side],
            bounds: bounds[side],
            interactions: interactions.clone(),
            histogram: Vec::new(),
            choice: None,
            children: None,
        };
        let children = [nodes.len(), nodes.len() + 1];
        nodes[node].children = Some(children);
        let pair = [
            child(0, rows.start..middle, choice.left[0], choice.left[1]),
            child(1, middle..rows.end, right[0], right[1]),
        ];
        nodes.extend(pair);
        let last = self.max_leaf_nodes == Some(leaves) || self.max_depth == Some(depth);
        let splits = children.map(|child| !last && nodes[child].rows.len() >= 2 * self.min_samples_leaf);
        if splits == [false; 2] {
            self.pool.push(histogram);
            return;
        }
        // Rows of the smaller child are summed; the other child is what they leave of the parent.
        let smaller = usize::from(nodes[children[0]].rows.len() >= nodes[children[1]].rows.len());
        let asked =
            [0, 1].map(|side| splits[side].then(|| self.ask(binned.features(), &nodes[children[side]])));
        let mut summed = self.room(binned, sums);
        let mut ordered = std::mem::take(&mut self.ordered);
        let choices = binned.histogram(
            sums,
            &self.rows[nodes[children[smaller]].rows.clone()],
            pairs,
            &mut ordered,
            &mut summed,
            Some(&mut histogram),
            |feature, own, others| {
                [0, 1].map(|side| {
                    let bins = if side == smaller { own } else { others };
                    asked[side].as_ref().and_then(|asked| asked.best(self, mapper, sums, feature, bins))
                })
            },
        );
        self.ordered = ordered;
        nodes[children[smaller]].histogram = summed;
        nodes[children[1 - smaller]].histogram = histogram;
        for side in 0..2 {
            let choice = best_of(choices.iter().map(|choices| choices[side]));
            self.decide(nodes, children[side], choice, open);
        }
    }

    /// Sums the rows of the root, and what their histograms hold in all.
    fn sum_root(&mut self, binned: &Binned, sums: Sums, pairs: &[[f32; 2]], root: &mut Growing) {
        let (rows, histogram) = (&self.rows, &mut root.histogram);
        binned.histogram(sums, rows, pairs, &mut self.ordered, histogram, None, |_, _, _| ());
        for bin in histogram[..binned.bins_of(0).len() * sums.lanes()].chunks_exact(sums.lanes()) {
            let [gradient, hessian, _] = sums.of(bin);
            root.gradient += gradient;
            root.hessian += hessian;
        }
    }

    /// Which features a node may be split by, some of them drawn, and what is known of it.
    fn ask(&mut self, features: usize, node: &Growing) -> Asked {
        let may_be_split = |&feature: &usize| {
            self.interactions.is_empty()
                || node.interactions.iter().any(|&set| self.interactions[set][feature])
        };
        let mut may: Vec<usize> = (0..features).filter(may_be_split).collect();
        if self.max_features < 1.0 && !may.is_empty() {
            let count = ((self.max_features * may.len() as f64).ceil() as usize).max(1);
            let drawn = self.rng.permutation(may.len());
            may = drawn[..count].iter().map(|&place| may[place]).collect();
        }
        let mut allowed = vec![false; features];
        may.into_iter().for_each(|feature| allowed[feature] = true);
        let node = NodeSums {
            rows: node.rows.len() as f64,
            gradient: node.gradient,
            hessian: node.hessian,
            value: node.value,
            bounds: node.bounds,
        };
        Asked { allowed, node }
    }

    /// Puts a node among those that can be split, if there is a split.
    fn decide(
        &mut self,
        nodes: &mut [Growing],
        at: usize,
        choice: Option<Choice>,
        open: &mut BinaryHeap<Splittable>,
    ) {
        nodes[at].choice = choice;
        match choice {
            Some(choice) => open.push(Splittable { gain: choice.gain, node: at }),
            None => self.pool.push(std::mem::take(&mut nodes[at].histogram)),
        }
    }

    /// The tree with its nodes numbered from the root down, left before right.
    fn numbered(mapper: &BinMapper, growing: &[Growing]) -> Grown {
        let mut grown = Grown { nodes: Vec::new(), values: Vec::new(), sets: Vec::new(), leaves: Vec::new() };
        // The node, and the place of its number in its parent.
        let mut stack = vec![(0, None)];
        while let Some((at, place)) = stack.pop() {
            let number = grown.nodes.len() as u32;
            match place {
                Some((parent, true)) => grown.nodes[parent as usize].left = number,
                Some((parent, false)) => grown.nodes[parent as usize].right = number,
                None => {}
            }
            let node = &growing[at];
            let mut flat = Node {
                threshold: f64::INFINITY,
                feature: 0,
                left: number,
                right: number,
                categories: 0,
                missing_left: true,
            };
            match (node.children, node.choice) {
                (Some([left, right]), Some(choice)) => {
                    flat.feature = choice.feature as u32;
                    flat.missing_left = choice.missing_left;
                    match choice.set {
                        Some(left) => {
                            grown.sets.push(CategorySet { left });
                            flat.categories = grown.sets.len() as u32;
                        }
                        None => flat.threshold = mapper.threshold(choice.feature, choice.bin),
                    }
                    stack.push((right, Some((number, false))));
                    stack.push((left, Some((number, true))));
                }
                _ => grown.leaves.push((number as usize, node.rows.clone())),
            }
            grown.nodes.push(flat);
            grown.values.push(node.value);
        }
        grown
    }
}

/// A node whose best split is wanted.
struct Asked {
    /// Whether it may be split by a feature.
    allowed: Vec<bool>,
    node: NodeSums,
}

impl Asked {
    /// The best split by a feature, from its bins.
    fn best(
        &self,
        grower: &Grower,
        mapper: &BinMapper,
        sums: Sums,
        feature: usize,
        histogram: &[f64],
    ) -> Option<Choice> {
        if !self.allowed[feature] {
            return None;
        }
        let (bins, missing) = (mapper.bins(feature), grower.missing[feature]);
        if mapper.is_categorical(feature) {
            let found = best_set(sums, histogram, bins, missing, &self.node, &grower.limits)?;
            return Some(Choice { feature, ..found });
        }
        if bins + usize::from(missing) < 2 {
            return None;
        }
        let monotonic = grower.monotonic[feature];
        let split = best_split(sums, histogram, bins, missing, monotonic, &self.node, &grower.limits)?;
        let Split { gain, bin, missing_left, left } = split;
        Some(Choice { feature, gain, bin, missing_left, set: None, left })
    }
}

/// Of equal gains the first.
fn best_of(choices: impl Iterator<Item = Option<Choice>>) -> Option<Choice> {
    choices.flatten().reduce(|best, choice| if choice.gain > best.gain { choice } else { best })
}

/// The best set of categories to send left: they are put in order of their values, and cut as if that were a number, from
/// either end up to the middle; rare ones always go right. Missing values are a category like the others.
///
/// Source: Fisher, "On grouping for maximum homogeneity", 1958, as scikit-learn and LightGBM use it.
fn best_set(
    sums: Sums,
    histogram: &[f64],
    bins: usize,
    missing: bool,
    node: &NodeSums,
    limits: &Limits,
) -> Option<Choice> {
    let lanes = sums.lanes();
    let support = node.rows / node.hessian;
    let of = |bin: usize| sums.of(&histogram[bin * lanes..(bin + 1) * lanes]);
    let mut order: Vec<(f64, usize)> = (0..bins + usize::from(missing))
        .filter(|&bin| of(bin)[1] * support >= CATEGORY_SUPPORT)
        .map(|bin| (of(bin)[0] / (of(bin)[1] + CATEGORY_SUPPORT), bin))
        .collect();
    if order.len() < 2 {
        return None;
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let loss = node.gradient * node.value;
    let half = order.len().div_ceil(2);
    let mut best: Option<(f64, bool, usize, [f64; 3])> = None;
    for reverse in [false, true] {
        let mut left = [0.0; 3];
        for i in 0..half - usize::from(reverse) {
            let bin = order[if reverse { order.len() - 1 - i } else { i }].1;
            for (sum, value) in left.iter_mut().zip(of(bin)) {
                *sum += value;
            }
            let right = [node.gradient - left[0], node.hessian - left[1], node.rows - left[2]];
            if left[2] < limits.min_samples_leaf || left[1] < limits.min_hessian {
                continue;
            }
            if right[2] < limits.min_samples_leaf || right[1] < limits.min_hessian {
                break;
            }
            let value = |side: [f64; 3]| node_value(side[0], side[1], limits.l2_regularization, node.bounds);
            let gain = loss - left[0] * value(left) - right[0] * value(right);
            if gain > best.map_or(0.0, |best| best.0) {
                best = Some((gain, reverse, i, left));
            }
        }
    }
    best.map(|(gain, reverse, last, left)| {
        let mut set = [0u64; 4];
        for i in 0..=last {
            let bin = order[if reverse { order.len() - 1 - i } else { i }].1;
            set[bin / 64] |= 1 << (bin % 64);
        }
        let missing_left = missing && set[bins / 64] >> (bins % 64) & 1 == 1;
        Choice { feature: 0, gain, bin: 0, missing_left, set: Some(set), left }
    })
}
